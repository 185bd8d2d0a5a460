"""Dropout, by TensorFlow's own random numbers."""

import numbers
from collections.abc import Callable
from typing import Any

import numpy as np

from penstock.base.export import export
from penstock.base.shape import TensorShape
from penstock.ir import node_count
from penstock.ir.convert import convert_to_tensor
from penstock.ir.known import known_value
from penstock.ir.scope import scoped
from penstock.ir.seeds import get_seed
from penstock.ops.families import dispatched, later
from penstock.ops.random import uniform
from penstock.ops.random_from_seed import stateless_uniform
from penstock.ops.shapes import shape as shape_of

_Cast, _Shape, _Select = later("Cast"), later("Shape"), later("SelectV2")


def _noise_shape(x: Any, noise_shape: Any) -> Any:
    """The shape of the coins: that of `x`, or the given one with None where it takes x's."""
    if noise_shape is None:
        return _Shape(x)
    if isinstance(noise_shape, TensorShape) and noise_shape.rank is not None or isinstance(noise_shape, (list, tuple)):
        given = noise_shape.as_list() if isinstance(noise_shape, TensorShape) else list(noise_shape)
        dims = x._dims
        if dims is not None and len(given) == len(dims):
            return [dims[i] if n is None and dims[i] is not None else n for i, n in enumerate(given)]
        return given
    return noise_shape


def _dropout(
    x: Any, rate: Any, noise_shape: Any, sample: Callable[..., Any], name: Any, default: str, unused: Callable[[], Any]
) -> Any:
    with scoped(name, default):
        is_number = isinstance(rate, numbers.Real) or isinstance(rate, np.ndarray) and rate.ndim == 0
        if is_number and not 0 <= rate < 1:
            raise ValueError(f"`rate` must be a scalar tensor or a float in the range [0, 1). Received: rate={rate}")
        x = convert_to_tensor(x, name="x")
        dtype = x.dtype.base_dtype
        if not dtype.is_floating:
            raise ValueError(
                f"`x.dtype` must be a floating point tensor as `x` will be scaled. Received: x_dtype={dtype}"
            )
        if is_number and rate == 0:
            unused()  # the seeds of later ops stay what they are
            return x
        if node_count.active():
            return _counted(x, rate, noise_shape, sample, dtype)
        if is_number:
            kept = x * convert_to_tensor(1 / (1 - float(rate)), dtype=dtype)
        else:
            rate = convert_to_tensor(rate, dtype_hint=dtype, name="rate")
            if rate._dims is not None and rate._dims:
                raise ValueError(f"`rate` must be a scalar tensor. Received: rate.shape={rate.shape}")
            if rate.dtype.base_dtype is not dtype:
                if rate.dtype.is_floating and not hasattr(rate, "_array"):
                    raise ValueError(
                        f"`rate.dtype` must match `x.dtype`. Received: rate.dtype={rate.dtype} and x.dtype={dtype}"
                    )
                rate = _Cast(rate, DstT=dtype, name="rate")
            value = known_value(rate)
            if value is not None and value == 0:
                unused()
                return x
            kept = x / (1 - rate)
        coins = sample(shape=_noise_shape(x, noise_shape), dtype=dtype)
        out = _Select(later("GreaterEqual")(coins, rate), kept, convert_to_tensor(0, dtype=dtype))
        if x._dims is not None and not hasattr(out, "_array"):
            out.set_shape(x.shape)
        return out


def _counted(x: Any, rate: Any, noise_shape: Any, sample: Callable[..., Any], dtype: Any) -> Any:
    """The same out of the nodes of TensorFlow 1.x, which counts them to seed its random ops."""
    rate = convert_to_tensor(rate, dtype=dtype, name="rate")
    if rate._dims:
        raise ValueError(f"`rate` must be a scalar tensor. Received: rate.shape={rate.shape}")
    coins = sample(shape=shape_of(x) if noise_shape is None else _noise_shape(x, noise_shape), dtype=dtype)
    scale = 1 / (1 - rate)
    out = x * scale * _Cast(later("GreaterEqual")(coins, rate), DstT=dtype)
    if x._dims is not None:
        out.set_shape(x.shape)
    return out


@export(v2=("nn.dropout",))
@dispatched
def dropout_v2(x: Any, rate: Any, noise_shape: Any = None, seed: Any = None, name: Any = None) -> Any:
    """Each entry of `x` set to 0 with probability `rate`, the others scaled by 1 / (1 - rate).

    >>> tf.nn.dropout(tf.ones([3]), rate=0.0).numpy()
    array([1., 1., 1.], dtype=float32)
    """
    sample = lambda shape, dtype: uniform(shape, dtype=dtype, seed=seed)
    return _dropout(x, rate, noise_shape, sample, name, "dropout", lambda: get_seed(seed))


@export(v1=("nn.dropout",))
@dispatched
def dropout(
    x: Any, keep_prob: Any = None, noise_shape: Any = None, seed: Any = None, name: Any = None, rate: Any = None
) -> Any:
    """Each entry of `x` kept with probability `keep_prob` (or dropped with probability `rate`), with the parameters of 1.x."""
    if rate is not None and keep_prob is not None:
        raise ValueError("Cannot specify both 'keep_prob' and 'rate'.")
    if rate is None and keep_prob is None:
        raise ValueError("`rate` must be provided.")
    if rate is None:
        try:
            rate = 1 - keep_prob
        except TypeError:
            raise ValueError(
                f"`keep_prob` must be a floating point number or Tensor. Received: keep_prob={keep_prob}"
            ) from None
    return dropout_v2(x, rate, noise_shape, seed, name)


@export("nn.experimental.stateless_dropout")
def stateless_dropout(
    x: Any, rate: Any, seed: Any, rng_alg: Any = "auto_select", noise_shape: Any = None, name: Any = None
) -> Any:
    """Dropout whose coins follow from `seed` (two integers) alone."""
    sample = lambda shape, dtype: stateless_uniform(shape, seed, dtype=dtype, alg=rng_alg)
    return _dropout(x, rate, noise_shape, sample, name, "stateless_dropout", lambda: None)


@export("nn.experimental.general_dropout")
def general_dropout(
    x: Any, rate: Any, uniform_sampler: Callable[..., Any], noise_shape: Any = None, name: Any = None
) -> Any:
    """Dropout whose coins are `uniform_sampler(shape=..., dtype=...)`."""
    return _dropout(x, rate, noise_shape, uniform_sampler, name, "general_dropout", lambda: None)
