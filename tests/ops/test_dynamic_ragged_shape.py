"""The shapes of ragged tensors, and the partitions that they are made of."""

import numpy as np
import pytest

import penstock as tf

Shape, Partition = tf.experimental.DynamicRaggedShape, tf.experimental.RowPartition


def test_shape_of_a_ragged_tensor():
    ragged = tf.ragged.constant([[[1, 2], [3, 4]], [[5, 6]]], ragged_rank=1)
    shape = tf.shape(ragged)
    assert repr(shape) == "<DynamicRaggedShape lengths=[2, (2, 1), 2] num_row_partitions=1>"
    assert int(shape[0]) == 2 and shape[0].dtype == tf.int32 and int(shape[-1]) == 2 and shape.rank == 3
    assert shape.static_lengths(ragged_lengths=False) == [2, None, 2]
    assert tf.shape(ragged, out_type=tf.int64).dtype == tf.int64
    with pytest.raises(ValueError, match="Index 1 is not uniform"):
        shape[1]
    with pytest.raises(IndexError, match="too big: 3>=3"):
        shape[3]
    assert repr(shape[:2]) == "<DynamicRaggedShape lengths=[2, (2, 1)] num_row_partitions=1>"
    assert repr(shape[2:]) == "<DynamicRaggedShape lengths=[2] num_row_partitions=0>"
    assert tf.ones(shape).to_list() == [[[1, 1], [1, 1]], [[1, 1]]] and tf.fill(
        tf.shape(tf.ragged.constant([[1], []])), 7
    ).to_list() == [[7], []]
    assert tf.reshape([1, 2, 3], tf.shape(tf.ragged.constant([[4, 5], [6]]))).to_list() == [[1, 2], [3]]
    assert tf.broadcast_to([[1], [2]], tf.shape(tf.ragged.constant([[4, 5], [6]]))).to_list() == [[1, 1], [2]]


def test_shapes_in_a_function():
    @tf.function
    def rows(ragged):
        shape = tf.shape(ragged)
        assert shape.static_lengths() == [2, None]
        return shape[0]

    assert int(rows(tf.ragged.constant([[1, 2], [3]]))) == 2


def test_shapes_from_lengths():
    shape = Shape.from_lengths([2, 2, (2, 1, 1, 0)])
    assert (shape.rank, shape.inner_rank, shape.num_row_partitions, shape.dtype) == (3, 1, 2, tf.int64)
    assert shape.static_lengths() == [2, 2, (2, 1, 1, 0)] and shape.inner_shape.numpy().tolist() == [4]
    assert shape.is_uniform(1) and not shape.is_uniform(2) and bool(shape == Shape.from_lengths([2, 2, (2, 1, 1, 0)]))
    assert shape.with_dtype(tf.int32).dtype == tf.int32 and Shape.from_lengths([]).rank == 0
    with pytest.raises(ValueError, match="not consistent"):
        Shape.from_lengths([2, (2, 1, 1)])
    with pytest.raises(TypeError, match="not a RowPartition"):
        Shape([1], [2])


@pytest.mark.parametrize(
    "made",
    [
        lambda: Partition.from_row_splits([0, 2, 3, 3]),
        lambda: Partition.from_row_lengths([2, 1, 0]),
        lambda: Partition.from_value_rowids([0, 0, 1], nrows=3),
        lambda: Partition.from_row_starts([0, 2, 3], nvals=3),
        lambda: Partition.from_row_limits([2, 3, 3]),
    ],
)
def test_partitions(made):
    p = made()
    assert p.row_splits().numpy().tolist() == [0, 2, 3, 3] and p.row_lengths().numpy().tolist() == [2, 1, 0]
    assert p.value_rowids().numpy().tolist() == [0, 0, 1] and p.offsets_in_rows().numpy().tolist() == [0, 1, 0]
    assert (int(p.nrows()), int(p.nvals()), p.static_nrows, p.is_uniform()) == (3, 3, 3, False)
    assert repr(p) == "tf.RowPartition(row_splits=[0 2 3 3])" and p.with_dtype(tf.int32).dtype == tf.int32


def test_uniform_and_wrong_partitions():
    p = Partition.from_uniform_row_length(2, nvals=6)
    assert (
        repr(p) == "tf.RowPartition(nrows=3, uniform_row_length=2)"
        and p.static_uniform_row_length == 2
        and p.static_nvals == 6
    )
    np.testing.assert_array_equal(p.row_splits(), [0, 2, 4, 6])
    with pytest.raises(tf.errors.InvalidArgumentError, match="from_row_splits do not form"):
        Partition.from_row_splits([1, 2])
    with pytest.raises(ValueError, match="constructor is private"):
        Partition([0])


def test_gather_along_other_axes():
    rows = tf.ragged.constant([[1, 2, 3], [4, 5, 6, 7], [8, 9]])
    deep = tf.ragged.constant([[[1, 2], [3]], [[4], [5, 6, 7]]])
    assert tf.gather(rows, [1, 0], axis=-1).numpy().tolist() == [[2, 1], [5, 4], [9, 8]]
    assert tf.gather(rows, 0, axis=1).numpy().tolist() == [1, 4, 8]
    assert tf.gather(deep, [1, 0], axis=1).to_list() == [[[3], [1, 2]], [[5, 6, 7], [4]]]
    assert tf.gather(deep, [0], axis=2).to_list() == [[[1], [3]], [[4], [5]]]
    assert tf.gather(rows, [0, 1, 1], batch_dims=1).numpy().tolist() == [1, 5, 9]
    assert tf.gather(rows, [0, 2], axis=-2).to_list() == [[1, 2, 3], [8, 9]]
    places = tf.ragged.constant([[0], [1, 0]])
    assert tf.gather([[1, 2], [3, 4]], places, axis=1).to_list() == [[[1], [2, 1]], [[3], [4, 3]]]
    with pytest.raises(ValueError, match="axis=3 out of bounds: expected -2<=axis<2"):
        tf.gather(rows, [0], axis=3)
