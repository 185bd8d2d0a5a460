"""A convolution of any rank has strides or dilations, not both."""

import pytest

import penstock as tf


@pytest.mark.parametrize(("n", "strides", "dilations"), [(1, 2, 2), (2, [2, 1], [1, 2]), (3, [2] * 3, [2] * 3)])
def test_both_at_once(n, strides, dilations):
    image, window = tf.ones([1, *[9] * n, 1]), tf.ones([*[2] * n, 1, 1])
    with pytest.raises(ValueError, match="`strides > 1` not supported in conjunction with `dilation_rate > 1`"):
        tf.nn.convolution(image, window, strides, "VALID", dilations=dilations)
    assert tf.nn.convolution(image, window, 1, "VALID", dilations=2).shape == [1, *[7] * n, 1]
    assert tf.nn.convolution(image, window, 2, "VALID").shape == [1, *[4] * n, 1]
