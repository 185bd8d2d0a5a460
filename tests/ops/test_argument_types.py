"""Which Python values and arrays ops take, and the error classes for those they do not; as TensorFlow 2.21 has it."""

import numpy as np
import pytest

import penstock as tf


@pytest.mark.parametrize("call", [tf.exp, tf.sqrt, tf.math.log, tf.nn.elu, tf.sigmoid, tf.math.erf])
@pytest.mark.parametrize("value", [1, [1, 2], np.array([1, 2]), True])
def test_integers_are_no_floats(call, value) -> None:
    with pytest.raises(tf.errors.InvalidArgumentError):
        call(value)
    with tf.Graph().as_default(), pytest.raises(TypeError):
        call(value)


def test_empty_lists_are_floats() -> None:
    assert tf.exp([]).dtype is tf.float32 and tf.sqrt([]).shape == (0,)


def test_numbers_of_another_kind() -> None:
    for call in (lambda: tf.add(1, 2.0), lambda: tf.add(tf.constant([2]), 1.0), lambda: tf.add([1], [2.0])):
        with pytest.raises(tf.errors.InvalidArgumentError):
            call()
    assert tf.add(1.0, 2).dtype is tf.float32
    assert tf.add(tf.constant([2.0]), np.array([1])).dtype is tf.float32


def test_arrays_for_ops_with_a_type_of_their_own() -> None:
    doubles = np.ones([1, 4, 4, 1])
    assert tf.nn.max_pool2d(doubles, 2, 2, "SAME").dtype is tf.float32
    assert tf.nn.max_pool2d(tf.constant(doubles), 2, 2, "SAME").dtype is tf.float64
    assert tf.image.rgb_to_hsv(np.ones([2, 2, 3])).dtype is tf.float32


def test_attributes_out_of_range() -> None:
    for call in (
        lambda: tf.raw_ops.Pack(values=[], axis=0), lambda: tf.raw_ops.ConcatV2(values=[[1]], axis=0), lambda: tf.raw_ops.TopKV2(input=[1.0], k=-1),
        lambda: tf.raw_ops.MaxPool(input=tf.ones([1, 2, 2, 1]), ksize=[1], strides=[1], padding="SAME"),
        lambda: tf.raw_ops.MaxPool(input=tf.ones([1, 2, 2, 1]), ksize=[1] * 4, strides=[1] * 4, padding="FOO"),
    ):  # fmt: skip
        with pytest.raises(tf.errors.InvalidArgumentError):
            call()
        with tf.Graph().as_default(), pytest.raises(ValueError):  # noqa: PT011
            call()
