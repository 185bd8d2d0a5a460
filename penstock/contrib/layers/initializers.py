"""Initializers of `tf.contrib.layers`: variance scaling, and Xavier's, which is one of its cases."""

import math
from typing import Any

import penstock.compat.v1 as tf
from penstock.contrib.names import contrib


@contrib("layers.variance_scaling_initializer", "slim.variance_scaling_initializer")
def variance_scaling_initializer(
    factor: float = 2.0, mode: str = "FAN_IN", uniform: bool = False, seed: int | None = None, dtype: Any = tf.float32
) -> Any:  # fmt: skip
    """An initializer whose variance is `factor / n`, n the inputs, the outputs, or their mean, of a unit."""
    if not tf.as_dtype(dtype).is_floating:
        raise TypeError("Cannot create initializer for non-floating point type.")
    if mode not in ("FAN_IN", "FAN_OUT", "FAN_AVG"):
        raise TypeError("Unknown mode %s [FAN_IN, FAN_OUT, FAN_AVG]", mode)

    def _initializer(shape: Any, dtype: Any = dtype, partition_info: Any = None) -> Any:
        if not tf.as_dtype(dtype).is_floating:
            raise TypeError("Cannot create initializer for non-floating point type.")
        shape = tf.TensorShape(shape).as_list()
        fan_in, fan_out = (float(shape[-2]) if len(shape) > 1 else float(shape[-1]), float(shape[-1])) if shape else (1.0, 1.0)
        for d in shape[:-2]:
            fan_in, fan_out = fan_in * d, fan_out * d
        n = {"FAN_IN": fan_in, "FAN_OUT": fan_out, "FAN_AVG": (fan_in + fan_out) / 2.0}[mode]
        if uniform:
            limit = math.sqrt(3.0 * factor / n)
            return tf.random_uniform(shape, -limit, limit, dtype, seed=seed)
        return tf.truncated_normal(shape, 0.0, math.sqrt(1.3 * factor / n), dtype, seed=seed)

    return _initializer


@contrib("layers.xavier_initializer", "layers.xavier_initializer_conv2d", "slim.xavier_initializer", "slim.xavier_initializer_conv2d")
def xavier_initializer(uniform: bool = True, seed: int | None = None, dtype: Any = tf.float32) -> Any:
    """Keeps the scale of gradients about the same in all layers (Glorot and Bengio)."""
    return variance_scaling_initializer(factor=1.0, mode="FAN_AVG", uniform=uniform, seed=seed, dtype=dtype)
