"""`tf.random`: draws from distributions, seeded by the program, the graph and the op."""

from typing import Any

import numpy as np

from penstock.base import dtypes
from penstock.base.dtypes import as_dtype
from penstock.base.export import export
from penstock.base.shape import TensorShape
from penstock.ir import door, node_count
from penstock.ir.scope import scoped
from penstock.ir.seeds import op_seeds
from penstock.ir.tensor import Tensor
from penstock.ops.families import later
from penstock.ops.random_stateful import (
    multinomial_op,
    random_gamma_op,
    random_poisson_v2,
    random_shuffle_op,
    random_standard_normal,
    random_uniform_int,
    random_uniform_op,
    truncated_normal_op,
)

_Mul, _AddV2, _Sub, _RealDiv, _Maximum = (later(n) for n in ("Mul", "AddV2", "Sub", "RealDiv", "Maximum"))
FLOATS = dtypes.float16, dtypes.bfloat16, dtypes.float32, dtypes.float64


def shape_tensor(shape: Any) -> Any:
    """A shape as a tensor: int32, or int64 where it already is (or has to be)."""
    if isinstance(shape, Tensor) or hasattr(shape, "dtype"):
        return door.convert(shape, name="shape")
    if isinstance(shape, TensorShape):
        shape = shape.as_list()
    if isinstance(shape, (list, tuple)):
        wide = any(
            isinstance(d, Tensor) and d.dtype is dtypes.int64 or isinstance(d, int) and d >= 2**31 for d in shape
        )
        return door.convert(shape, dtypes.int64 if wide else dtypes.int32, "shape")
    return door.convert(shape, dtypes.int32, "shape")


def allowed(name: str, dtype: Any, accepted: Any) -> Any:
    """`dtype` as a DType; ValueError when it is not one of the accepted ones."""
    dtype = as_dtype(dtype)
    if dtype not in accepted:
        raise ValueError(
            f"Argument `{name}` got invalid value {dtype}. Accepted dtypes are ({', '.join(f'tf.{d.name}' for d in accepted)})."
        )
    return dtype


def scaled(drawn: Any, deviation: Any, mean: Any, scope: str) -> Any:
    """drawn * deviation + mean, under the names that TensorFlow gives the two nodes."""
    return _AddV2(_Mul(drawn, deviation, name="mul"), mean, name=scope or None)


def _normals(
    name: str | None, default: str, source: Any, shape: Any, mean: Any, stddev: Any, dtype: Any, seed: Any
) -> Any:
    with scoped(name, default) as scope:
        shape = shape_tensor(shape)
        mean, stddev = door.convert(mean, dtype, "mean"), door.convert(stddev, dtype, "stddev")
        return scaled(source(shape, dtype=dtype, **op_seeds(seed)), stddev, mean, scope)


@export("random.normal", v1=("random_normal",))
def normal(shape, mean=0.0, stddev=1.0, dtype=dtypes.float32, seed=None, name=None):
    """Values of the normal distribution.

    >>> tf.random.set_seed(5); tf.random.normal([2], seed=1).shape
    TensorShape([2])
    """
    return _normals(name, "random_normal", random_standard_normal, shape, mean, stddev, as_dtype(dtype), seed)


@export("random.truncated_normal", v1=("truncated_normal",))
def truncated_normal(shape, mean=0.0, stddev=1.0, dtype=dtypes.float32, seed=None, name=None):
    """Values of the normal distribution, redrawn until they lie within two standard deviations of the mean.

    >>> x = tf.random.truncated_normal([1000], mean=3.0); bool(tf.reduce_all(tf.abs(x - 3.0) <= 2.0))
    True
    """
    return _normals(name, "truncated_normal", truncated_normal_op, shape, mean, stddev, as_dtype(dtype), seed)


@export("random.uniform", v1=("random_uniform",))
def uniform(shape, minval=0, maxval=None, dtype=dtypes.float32, seed=None, name=None):
    """Values of the uniform distribution over [minval, maxval): floats, or integers with `maxval` given.

    >>> x = tf.random.uniform([100], maxval=6, dtype=tf.int32); int(tf.reduce_max(x)) < 6
    True
    """
    dtype = allowed("dtype", dtype, (*FLOATS, dtypes.int32, dtypes.int64))
    if maxval is None:
        if dtype.is_integer:
            raise ValueError(f"Must specify maxval for integer dtype {dtype!r}")
        maxval = 1
    with scoped(name, "random_uniform") as scope:
        shape = shape_tensor(shape)
        zero, one = isinstance(minval, int) and minval == 0, isinstance(maxval, int) and maxval == 1
        if node_count.active():
            zero = one = False  # TensorFlow 1.x has no shorter form, and counts nodes
        if dtype.is_integer or not (zero and one):
            minval, maxval = door.convert(minval, dtype, "min"), door.convert(maxval, dtype, "max")
        if dtype.is_integer:
            return random_uniform_int(shape, minval, maxval, name=scope or None, **op_seeds(seed))
        drawn = random_uniform_op(shape, dtype=dtype, **op_seeds(seed))
        if zero:
            return drawn if one else _Mul(drawn, maxval)
        return scaled(drawn, _Sub(maxval, minval, name="sub"), minval, scope)


@export("random.gamma", v1=("random_gamma",))
def gamma(shape, alpha, beta=None, dtype=dtypes.float32, seed=None, name=None):
    """Samples of shape `shape` from the gamma distribution, for each alpha and inverse scale beta (the two broadcast).

    >>> tf.random.gamma([10, 2], [0.5, 1.5, 2.5]).shape
    TensorShape([10, 2, 3])
    """
    with scoped(name, "random_gamma"):
        shape = door.convert(shape_tensor(shape), name="shape")
        alpha, beta, tiny = broadcast_gamma(alpha, beta, dtype)
        return _Maximum(tiny, _RealDiv(random_gamma_op(shape, alpha, **op_seeds(seed)), beta, name="truediv"))


def broadcast_gamma(alpha: Any, beta: Any, dtype: Any) -> tuple[Any, Any, Any]:
    """alpha broadcast to the shape of the two, beta, and the least positive number of the dtype."""
    from penstock.ops.constants import zeros_like
    from penstock.ops.shapes import broadcast_dynamic_shape, broadcast_to, shape as shape_of

    dtype = as_dtype(dtype)
    alpha = door.convert(alpha, dtype, "alpha")
    beta = door.convert(1 if beta is None else beta, dtype, "beta")
    if node_count.active():  # as TensorFlow 1.x does it, which counts nodes
        whole = _AddV2(alpha, zeros_like(beta), name="add")
    else:
        whole = broadcast_to(alpha, broadcast_dynamic_shape(shape_of(alpha), shape_of(beta)))
    try:
        return whole, beta, np.finfo(alpha.dtype.as_numpy_dtype).tiny
    except ValueError:
        raise ValueError(f"data type {alpha.dtype.name} not inexact: gamma draws float16, float32 or float64") from None


def _poisson(rate: Any, shape: Any, dtype: Any, seed: Any, name: str | None) -> Any:
    with scoped(name, "random_poisson"):
        return random_poisson_v2(shape_tensor(shape), rate, dtype=as_dtype(dtype), **op_seeds(seed))


@export(v2=("random.poisson",))
def poisson(shape, lam, dtype=dtypes.float32, seed=None, name=None):
    """Samples of shape `shape` from the Poisson distribution, for each rate: shape + lam.shape.

    >>> tf.random.poisson([10], [12.2, 3.3]).shape
    TensorShape([10, 2])
    """
    return _poisson(lam, shape, dtype, seed, name)


@export(v1=("random.poisson", "random_poisson"))
def random_poisson(lam, shape, dtype=dtypes.float32, seed=None, name=None):
    """Samples of shape `shape` from the Poisson distribution, for each rate: shape + lam.shape."""
    return _poisson(lam, shape, dtype, seed, name)


def _categories(logits: Any, num_samples: Any, dtype: Any, seed: Any) -> Any:
    logits = door.convert(logits, name="logits")
    dtype = dtypes.int64 if dtype is None else allowed("dtype", dtype, (dtypes.int32, dtypes.int64))
    return multinomial_op(logits, num_samples, output_dtype=dtype, **op_seeds(seed))


@export("random.categorical")
def categorical(logits, num_samples, dtype=None, seed=None, name=None):
    """Class indices drawn by unnormalised log-probabilities: logits [rows, classes] -> [rows, num_samples].

    >>> tf.random.categorical([[0.0, -100.0]], 4).numpy()
    array([[0, 0, 0, 0]])
    """
    with scoped(name, "categorical"):
        return _categories(logits, num_samples, dtype, seed)


@export(v1=("multinomial", "random.multinomial"))
def multinomial(logits, num_samples, seed=None, name=None, output_dtype=None):
    """The 1.x name of `tf.random.categorical`."""
    with scoped(name, "multinomial"):
        return _categories(logits, num_samples, output_dtype, seed)


@export("random.shuffle", v1=("random_shuffle",))
def shuffle(value, seed=None, name=None):
    """The slices of `value` along its first axis in a random order.

    >>> sorted(tf.random.shuffle([3, 1, 2]).numpy().tolist())
    [1, 2, 3]
    """
    return random_shuffle_op(value, name=name, **op_seeds(seed))
