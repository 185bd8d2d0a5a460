"""RaggedTensors: making, taking apart, indexing, arithmetic, reducing; the values are TensorFlow's."""

import numpy as np
import pytest

import penstock as tf

R = tf.RaggedTensor
c = tf.ragged.constant
r = c([[1, 2, 3], [], [4, 5]])
d = c([[[1, 2], [3]], [], [[4], [5, 6, 7]]])
f = c([[1.0, 2.0, 3.0], [], [4.0, 5.0]])


def listed(value):
    return value.to_list() if isinstance(value, R) else value.numpy().tolist()


@pytest.mark.parametrize(
    ("make", "value"),
    [
        (lambda: R.from_row_splits([1, 2, 3], [0, 1, 3]), [[1], [2, 3]]), (lambda: R.from_row_lengths([1, 2, 3], [1, 2]), [[1], [2, 3]]),
        (lambda: R.from_value_rowids([1, 2, 3], [0, 0, 2], nrows=4), [[1, 2], [], [3], []]), (lambda: R.from_row_starts([1, 2, 3], [0, 1]), [[1], [2, 3]]),
        (lambda: R.from_uniform_row_length([1, 2, 3, 4], 2), [[1, 2], [3, 4]]), (lambda: R.from_tensor([[1, 2, 0], [3, 0, 0]], padding=0), [[1, 2], [3]]),
        (lambda: R.from_tensor([[1, 2, 0], [3, 0, 0]], lengths=[1, 3]), [[1], [3, 0, 0]]),
        (lambda: R.from_sparse(tf.sparse.from_dense([[1, 2], [3, 0]])), [[1, 2], [3]]), (lambda: d.merge_dims(0, 1), [[1, 2], [3], [4], [5, 6, 7]]),
        (lambda: d.merge_dims(1, 2), [[1, 2, 3], [], [4, 5, 6, 7]]), (lambda: r.to_tensor(-1), [[1, 2, 3], [-1, -1, -1], [4, 5, -1]]),
        (lambda: r.to_tensor(shape=[None, 2]), [[1, 2], [0, 0], [4, 5]]), (lambda: tf.sparse.to_dense(r.to_sparse()), [[1, 2, 3], [0, 0, 0], [4, 5, 0]]),
        (lambda: r.value_rowids(), [0, 0, 0, 2, 2]), (lambda: d.bounding_shape(), [3, 2, 3]), (lambda: d.row_lengths(2), [[2, 1], [], [1, 3]]),
        (lambda: r[0], [1, 2, 3]), (lambda: r[-2:], [[], [4, 5]]), (lambda: r[:, 1:], [[2, 3], [], [5]]), (lambda: r[:, ::-1], [[3, 2, 1], [], [5, 4]]),
        (lambda: r[0, 1], 2), (lambda: d[2, 1], [5, 6, 7]), (lambda: d[:, :, :1], [[[1], [3]], [], [[4], [5]]]), (lambda: r[::-1], [[4, 5], [], [1, 2, 3]]),
        (lambda: r + 1, [[2, 3, 4], [], [5, 6]]), (lambda: 2 - r, [[1, 0, -1], [], [-2, -3]]), (lambda: r > 2, [[False, False, True], [], [True, True]]),
        (lambda: r + tf.constant([[10], [20], [30]]), [[11, 12, 13], [], [34, 35]]), (lambda: tf.square(r), [[1, 4, 9], [], [16, 25]]),
        (lambda: tf.reduce_sum(r), 15), (lambda: tf.reduce_sum(r, 0), [5, 7, 3]), (lambda: tf.reduce_sum(r, 1), [6, 0, 9]),
        (lambda: tf.reduce_max(d, 2), [[2, 3], [], [4, 7]]), (lambda: tf.reduce_any(r > 4, 1), [False, False, True]),
        (lambda: tf.ragged.range([0, 5], [2, 8]), [[0, 1], [5, 6, 7]]), (lambda: tf.ragged.stack([r, r], axis=1), [[[1, 2, 3]] * 2, [[], []], [[4, 5]] * 2]),
        (lambda: tf.ragged.boolean_mask(r, r > 2), [[3], [], [4, 5]]), (lambda: tf.ragged.stack_dynamic_partitions([1, 2, 3], [0, 1, 0], 3), [[1, 3], [2], []]),
        (lambda: tf.strings.upper(c([["a"], ["b", "c"]])), [[b"A"], [b"B", b"C"]]), (lambda: c([[[1, 2]], [[3, 4]]], ragged_rank=1), [[[1, 2]], [[3, 4]]]),
    ],
)  # fmt: skip
def test_values(make, value):
    assert listed(make()) == value


def test_shapes_and_specs():
    assert r.shape.as_list() == [3, None] and repr(r) == "<tf.RaggedTensor [[1, 2, 3], [], [4, 5]]>"
    assert tf.type_spec_from_value(d) == tf.RaggedTensorSpec([3, None, None], tf.int32, 2, tf.int64)
    assert tf.RaggedTensorSpec([None, None], tf.int32).is_compatible_with(r)
    assert [t.shape.as_list() for t in tf.nest.flatten(r, expand_composites=True)] == [[5], [4]]


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: R.from_row_splits([1, 2, 3], [0, 1, 2]), tf.errors.InvalidArgumentError), (lambda: R.from_row_lengths([1, 2, 3], [1, 1]), tf.errors.InvalidArgumentError),
        (lambda: R(1, 2), ValueError), (lambda: r[:, 0], ValueError), (lambda: r[5], IndexError), (lambda: bool(r), TypeError),
        (lambda: c([[1, 2], 3]), ValueError), (lambda: r + tf.constant([1, 2]), tf.errors.InvalidArgumentError),
    ],
)  # fmt: skip
def test_errors(call, error):
    with pytest.raises(error):
        call()


@pytest.mark.parametrize(
    ("function", "slope"),
    [
        (lambda x: x.to_tensor() ** 2, [2, 4, 6, 8, 10]), (lambda x: tf.reduce_sum(x, 1) ** 2, [12, 12, 12, 18, 18]),
        (lambda x: x[:, 1:].flat_values * 3, [0, 3, 3, 0, 3]), (lambda x: (x * tf.constant([[1.0], [2.0], [3.0]])).flat_values, [1, 1, 1, 3, 3]),
    ],
)
def test_gradients(function, slope):
    v = tf.constant([1.0, 2, 3, 4, 5])
    with tf.GradientTape() as tape:
        tape.watch(v)
        y = function(R.from_row_splits(v, [0, 3, 3, 5]))
    np.testing.assert_allclose(tf.convert_to_tensor(tape.gradient(y, v)), slope)


def test_function_and_session():
    @tf.function
    def go(x):
        return x * 2, tf.reduce_sum(x, 1), x.to_tensor()

    doubled, sums, dense = go(r)
    assert doubled.to_list() == [[2, 4, 6], [], [8, 10]] and sums.numpy().tolist() == [6, 0, 9] and dense.shape == [3, 3]
    v1 = tf.compat.v1
    with v1.Graph().as_default(), v1.Session() as session:
        p = v1.ragged.placeholder(tf.int32, 1)
        value = session.run(p * 2, {p: v1.ragged.constant_value([[1, 2], [3]], dtype=np.int32)})
    assert value.to_list() == [[2, 4], [6]]


@pytest.mark.parametrize(
    ("call", "value"),
    [
        (lambda: tf.concat([r, r], 1), [[1, 2, 3, 1, 2, 3], [], [4, 5, 4, 5]]), (lambda: tf.gather(r, [2, 0]), [[4, 5], [1, 2, 3]]),
        (lambda: tf.gather(r, [[2], [0]]), [[[4, 5]], [[1, 2, 3]]]), (lambda: tf.gather([10, 20, 30, 40, 50, 60], r), [[20, 30, 40], [], [50, 60]]),
        (lambda: tf.stack([r, r]), [[[1, 2, 3], [], [4, 5]]] * 2), (lambda: tf.size(r), 5), (lambda: tf.rank(r), 2),
        (lambda: tf.expand_dims(r, 1), [[[1, 2, 3]], [[]], [[4, 5]]]), (lambda: tf.where(r > 2, r, -r), [[-1, -2, 3], [], [4, 5]]),
        (lambda: tf.where(r > 2), [[0, 2], [2, 0], [2, 1]]), (lambda: tf.tile(r, [1, 2]), [[1, 2, 3, 1, 2, 3], [], [4, 5, 4, 5]]),
        (lambda: tf.reverse(r, [1]), [[3, 2, 1], [], [5, 4]]), (lambda: tf.ones_like(r), [[1, 1, 1], [], [1, 1]]),
        (lambda: tf.nn.embedding_lookup(tf.constant([[1], [2], [3], [4], [5], [6]]), r), [[[2], [3], [4]], [], [[5], [6]]]),
        (lambda: tf.strings.join([c([["a"], ["b"]]), "x"]), [[b"ax"], [b"bx"]]),
    ],
)  # fmt: skip
def test_ordinary_functions(call, value):
    assert listed(call()) == value
