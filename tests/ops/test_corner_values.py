"""Corners where a plausible body gave other values than TensorFlow 2.21, and misfits that must be its errors."""

import numpy as np
import pytest

import penstock as tf

INF, NAN = float("inf"), float("nan")


@pytest.mark.parametrize(
    ("got", "want"),
    [
        (lambda: tf.math.real(tf.complex([1.0, INF], [NAN, 2.0])), [1.0, INF]),
        (lambda: tf.math.special.bessel_k0([-1.0, 0.0, 1.0]), [INF, INF, 0.42102444]),
        (lambda: tf.math.special.bessel_y1([-1.0, 1.0]), [-INF, -0.7812128]),
        (lambda: tf.math.special.expint([-1.0, 1.0]), [NAN, 1.8951178]),
        (lambda: tf.clip_by_value([0, 1], [2, 1], [3, 0]), [2, 1]),
        (lambda: tf.reverse(tf.constant(3), []), 3),
        (lambda: tf.signal.fft(tf.zeros([2, 0], tf.complex64)), np.zeros([2, 0])),
        (lambda: tf.raw_ops.DataFormatDimMap(x=[4, -5]), [0, 1]),
    ],
)
def test_values(got, want):
    np.testing.assert_allclose(got().numpy(), want, rtol=1e-6)


def test_strings():
    assert tf.strings.reduce_join(tf.zeros([0, 3], tf.string), 1).shape == [0]
    assert tf.io.serialize_tensor(tf.constant([3], tf.uint8)).numpy() == b'\x08\x04\x12\x04\x12\x02\x08\x01"\x01\x03'


@pytest.mark.parametrize(
    "call",
    [
        lambda: tf.raw_ops.StringSplit(input=[["a"]], delimiter=["b", "c"], skip_empty=True),
        lambda: tf.raw_ops.RegexReplace(input="a", pattern=["a"], rewrite="b"),
        lambda: tf.raw_ops.SparseAddGrad(backprop_val_grad=[1.0], a_indices=3, b_indices=[[1]], sum_indices=[[1]]),
        lambda: tf.raw_ops.DepthToSpace(input=tf.zeros([1, 2, 2, 4]), block_size=-1),
        lambda: tf.raw_ops.SerializeManySparse(sparse_indices=[[0]], sparse_values=[1], sparse_shape=[[2, 2]]),
    ],
)
def test_misfits(call):
    with pytest.raises(tf.errors.InvalidArgumentError):
        call()
