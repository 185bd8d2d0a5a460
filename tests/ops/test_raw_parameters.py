"""Parameters of `tf.raw_ops` that are not called what the op's definition calls them."""

import inspect

import pytest

import penstock as tf

AXIS = ("All", "Any", "EuclideanNorm", "ExpandDims", "Max", "Mean", "Min", "Prod", "Split", "SplitV", "Squeeze", "Sum")


@pytest.mark.parametrize("name", AXIS)
def test_axis(name: str) -> None:
    assert "axis" in inspect.signature(getattr(tf.raw_ops, name)).parameters


def test_calls() -> None:
    assert tf.raw_ops.Sum(input=[1.0, 2.0], axis=0).numpy() == 3.0
    assert tf.raw_ops.Select(condition=[True, False], x=[1, 2], y=[3, 4]).numpy().tolist() == [1, 4]
    assert tf.raw_ops.Where(condition=[False, True]).numpy().tolist() == [[1]]
    with pytest.raises(TypeError, match="axis"):
        tf.raw_ops.Sum(input=[1.0])
