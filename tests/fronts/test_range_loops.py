"""The variable of a loop over `tf.range` that makes no turn is the start of the range."""

import pytest

import penstock as tf


def _last(n):
    for t in tf.range(1, n):  # noqa: B007
        pass
    return t


def _down(n):
    for t in tf.range(n, 1, -1):  # noqa: B007
        pass
    return t


def _other(n):
    for t in tf.range(1, n):  # noqa: B007
        q = t * 2
    return q


def test_a_range_without_a_turn():
    assert int(tf.function(_last)(tf.constant(1))) == 1 and int(tf.function(_last)(tf.constant(4))) == 3
    assert int(tf.function(_down)(tf.constant(0))) == 0
    with pytest.raises(tf.errors.InvalidArgumentError):
        tf.function(_other)(tf.constant(1))
