"""Dataset ops under the names of 1.x, and those that only tell the runtime how to run."""

import pytest

import penstock as tf

BATCHES = [[0, 1, 2, 3], [4, 5]]
SAME = {
    "ModelDataset": {}, "RewriteDataset": {"rewrite_name": "x"}, "MaxIntraOpParallelismDataset": {"max_intra_op_parallelism": 1},
    "ExperimentalIgnoreErrorsDataset": {}, "ExperimentalUniqueDataset": {}, "SleepDataset": {"sleep_microseconds": 10}, "OptimizeDataset": {"optimizations": ["a"]},
    "ExperimentalLatencyStatsDataset": {"tag": "a"}, "AutoShardDataset": {"num_workers": 1, "index": 0},
}  # fmt: skip


def elements(op, **arguments):
    """What a stage over [0..3], [4, 5] gives."""
    given = tf.data.experimental.to_variant(tf.data.Dataset.range(6).batch(4))
    made = getattr(tf.raw_ops, op)(input_dataset=given, output_types=[tf.int64], output_shapes=[[None]], **arguments)
    return [x.numpy().tolist() for x in tf.data.experimental.from_variant(made, tf.TensorSpec([None], tf.int64))]


@pytest.mark.parametrize("op", SAME)
def test_hands_its_elements_on(op):
    assert elements(op, **SAME[op]) == BATCHES


def test_splits_batches_among_replicas():
    assert elements("RebatchDataset", num_replicas=2) == [[0, 1], [2, 3], [4], [5]]


def test_shards_among_workers():
    assert elements("AutoShardDataset", num_workers=2, index=1) == [[4, 5]]
    with pytest.raises(tf.errors.InvalidArgumentError, match="index must be between 0 and 1"):
        elements("AutoShardDataset", num_workers=2, index=2)


def test_packs_an_element():
    packed = tf.raw_ops.CompressElement(components=[1, b"a"])
    number, text = tf.raw_ops.UncompressElement(compressed=packed, output_types=[tf.int32, tf.string], output_shapes=[[], []])
    assert (number.numpy(), text.numpy()) == (1, b"a")
    with pytest.raises(tf.errors.InvalidArgumentError):
        tf.raw_ops.UncompressElement(compressed=packed, output_types=[tf.int32], output_shapes=[[]])


def test_wraps_a_dataset():
    given = tf.data.experimental.to_variant(tf.data.Dataset.range(3))
    back = tf.raw_ops.UnwrapDatasetVariant(input_handle=tf.raw_ops.WrapDatasetVariant(input_handle=given))
    assert [int(x) for x in tf.data.experimental.from_variant(back, tf.TensorSpec([], tf.int64))] == [0, 1, 2]
