"""Errors hold the phrases that tests of TensorFlow programs look for, eagerly and while a graph is built."""

import numpy as np
import pytest

import penstock as tf

v1 = tf.compat.v1

CASES = {
    "broadcast": (lambda: tf.constant([1, 2]) + tf.constant([1, 2, 3]), r"Incompatible shapes: \[2\] vs. \[3\].*Dimensions must be equal, but are 2 and 3"),
    "product": (lambda: tf.matmul(tf.ones([2, 3]), tf.ones([2, 3])), r"Matrix size-incompatible: In\[0\]: \[2,3\], In\[1\]: \[2,3\].*must be equal, but are 3 and 2"),
    "type": (lambda: tf.constant(1) + tf.constant(1.0), r"cannot compute AddV2 as input #1\(zero-based\) was expected to be a int32 tensor but is a float tensor"),
    "list": (lambda: tf.concat([tf.constant([1]), tf.constant([1.0])], 0), r"Tensors in list passed to 'values' of 'ConcatV2' Op have types \[int32, float32\] that don't all match"),
    "fellow": (lambda: tf.constant(1) * tf.constant(1.0), r"Input 'y' of 'Mul' Op has type float32 that does not match type int32 of argument 'x'"),
    "reshape": (lambda: tf.reshape([1, 2], [3]), r"Input to reshape is a tensor with 2 values, but the requested shape has 3: Cannot reshape a tensor with 2 elements to shape \[3\] \(3 elements\)"),
    "split": (lambda: tf.split(np.zeros([4, 10]), 3, 1), "Dimension size must be evenly divisible by 3 but is 10"),
    "stack": (lambda: tf.stack([tf.constant([1, 2]), tf.constant([3])]), "Shapes of all inputs must match.*Dimension 0 in both shapes must be equal, but are 2 and 1"),
    "concat": (lambda: tf.concat([[[1.0, 2.0]], [[1.0]]], 0), "ConcatOp : Dimension 1 in both shapes must be equal"),
    "broadcast_to": (lambda: tf.broadcast_to([0, 1], [2, 1]), r"Unable to broadcast tensor of shape \[2\] to tensor of shape \[2,1\]"),
    "squeeze": (lambda: tf.squeeze([[1, 2]], [5]), r"Tried to squeeze dim index 5 for tensor with 2 dimensions.*not in \[-2,2\)"),
    "expand_dims": (lambda: tf.expand_dims([1], 5), r"dim 5 not in the interval \[-2, 1\]"),
    "top_k": (lambda: tf.nn.top_k([1.0], 3), "input must have last dimension >= k = 3 but is 1"),
    "blocks": (lambda: tf.nn.space_to_depth(np.zeros([1, 3, 4, 1], np.float32), 2), "must be evenly divisible by 2 but is 3"),
    "conv": (lambda: tf.nn.conv2d(np.zeros([1, 4, 4, 3], np.float32), np.zeros([2, 2, 4, 1], np.float32), 1, "SAME"), "evenly divisible by filter depth: 3 vs 4: Depth of input"),
    "sum": (lambda: tf.reduce_sum([1.0], 3), "Invalid reduction dimension 3 for input with 1 dimension"),
    "cumsum": (lambda: tf.cumsum([1.0], 3), r"ScanOp: Expected scan axis in the range \[-1, 1\), but got 3"),
    "diag": (lambda: tf.linalg.diag_part([1.0, 2.0]), "at least (2-dim|rank 2)"),
    "one_hot": (lambda: tf.one_hot([0], 2, on_value=1.0, off_value=1), "dtype <dtype: 'float32'> of on_value does not match dtype <dtype: 'int32'> of off_value"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_phrases(case):
    call, phrase = CASES[case]
    with pytest.raises(tf.errors.InvalidArgumentError if case != "one_hot" else TypeError, match=phrase.replace(".*", r"[\s\S]*")):
        call()
    with v1.Graph().as_default(), pytest.raises((ValueError, TypeError), match=phrase.replace(".*", r"[\s\S]*")):
        call()


def test_which_index_is_no_permutation():
    for given, phrase in (([0, 0], "0 is duplicated in the input."), ([0, 5], "5 is not between 0 and 2")):
        with pytest.raises(tf.errors.InvalidArgumentError, match=phrase):
            tf.math.invert_permutation(given)
    with pytest.raises(tf.errors.InvalidArgumentError, match="Input dims cannot contain a dim of zero, but dims contains zero at index 1"):
        tf.unravel_index([2], [3, 0])


def test_an_operand_that_refuses():
    class Refuses:
        def __radd__(self, other):
            raise TypeError("no")

    with pytest.raises(ValueError, match="Attempt to convert a value .* with an unsupported type"):
        tf.constant([1]) + Refuses()


def test_exclusive_cases_and_dense_tables_in_a_session():
    with v1.Graph().as_default(), v1.Session() as session:
        two = tf.case([(tf.constant(1) < 2, lambda: tf.constant(1)), (tf.constant(1) < 3, lambda: tf.constant(2))], exclusive=True)
        with pytest.raises(tf.errors.InvalidArgumentError, match="Input error"):
            session.run(two)
        table = tf.lookup.experimental.DenseHashTable(tf.int64, tf.int64, default_value=-1, empty_key=0, deleted_key=-9)
        session.run(table.insert(tf.constant([11], tf.int64), tf.constant([1], tf.int64)))
        assert session.run(table.lookup(tf.constant([11, 12], tf.int64))).tolist() == [1, -1]
