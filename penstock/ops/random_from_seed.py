"""`tf.random.stateless_*`: draws that depend on their seed alone, and what splits such seeds."""

import enum
from typing import Any

from penstock.base import dtypes
from penstock.base.dtypes import as_dtype
from penstock.base.export import export
from penstock.ir import door
from penstock.ir.scope import scoped
from penstock.ops.families import later
from penstock.ops.random import FLOATS, allowed, broadcast_gamma, scaled, shape_tensor
from penstock.ops.random_stateless import (
    AUTO_SELECT,
    PHILOX,
    THREEFRY,
    stateless_multinomial_op,
    stateless_random_binomial,
    stateless_random_gamma_v3,
    stateless_random_get_key_counter,
    stateless_random_normal_v2,
    stateless_random_poisson,
    stateless_random_uniform_full_int_v2,
    stateless_random_uniform_int_v2,
    stateless_random_uniform_v2,
    stateless_shuffle_op,
    stateless_truncated_normal_v2,
)

_Mul, _Sub, _RealDiv, _Maximum, _Pack, _Cast = (later(n) for n in ("Mul", "Sub", "RealDiv", "Maximum", "Pack", "Cast"))


@export("random.Algorithm", "random.experimental.Algorithm")
class Algorithm(enum.Enum):
    """The algorithms that random numbers can come from."""

    PHILOX = PHILOX
    THREEFRY = THREEFRY
    AUTO_SELECT = AUTO_SELECT


_NAMES = {"philox": Algorithm.PHILOX, "threefry": Algorithm.THREEFRY, "auto_select": Algorithm.AUTO_SELECT}


def algorithm_number(alg: Any) -> Any:
    """An algorithm given as a name, a number or an `Algorithm`, as its number; a tensor as it is."""
    if isinstance(alg, Algorithm):
        return alg.value
    if isinstance(alg, str):
        if alg not in _NAMES:
            raise ValueError(
                f"Argument `alg` got unsupported value {alg}. Supported values are philox for the Philox algorithm, threefry for the ThreeFry algorithm, "
                "and auto_select for auto-selection."
            )
        return _NAMES[alg].value
    if isinstance(alg, int):
        if alg not in (PHILOX, THREEFRY, AUTO_SELECT):
            raise ValueError(
                f"Argument `alg` got unsupported value {alg}. Supported values are 1 for the Philox algorithm, 2 for the ThreeFry algorithm, "
                "and 3 for auto-selection."
            )
        return alg
    if hasattr(alg, "dtype"):
        return alg
    raise TypeError(f"Argument `alg` must be a string, an int, a tf.random.Algorithm or a tensor, got {alg!r}")


def key_and_counter(seed: Any, alg: Any) -> tuple[Any, Any, Any]:
    """The key, counter and algorithm number that a seed stands for."""
    number = algorithm_number(alg)
    key, counter = stateless_random_get_key_counter(seed)
    if number is THREEFRY or number == THREEFRY and isinstance(number, int):
        counter = counter[:1]
    return key, counter, number


@export("random.stateless_uniform")
def stateless_uniform(shape, seed, minval=0, maxval=None, dtype=dtypes.float32, name=None, alg="auto_select"):
    """Values of the uniform distribution over [minval, maxval); integers of their whole range when both are None.

    >>> tf.random.stateless_uniform([2], seed=[1, 2]).numpy()
    array([0.8440604 , 0.19204533], dtype=float32)
    """
    dtype = allowed("dtype", dtype, (*FLOATS, dtypes.int32, dtypes.int64, dtypes.uint32, dtypes.uint64))
    if dtype.is_integer:
        if (minval is None) != (maxval is None):
            raise ValueError(
                f"For integer `dtype` argument {dtype}, argument `minval` and `maxval` must be both None or not None. Got `minval`={minval} and `maxval`={maxval}."
            )
        if minval is not None and dtype in (dtypes.uint32, dtypes.uint64):
            raise ValueError(
                f"Argument `dtype` got invalid value {dtype} when argument `minval` is not None. Please don't use unsigned integers in this case."
            )
    elif maxval is None:
        maxval = 1
    with scoped(name, "stateless_random_uniform") as scope:
        shape = shape_tensor(shape)
        if dtype.is_integer and minval is None:
            key, counter, alg = key_and_counter(seed, alg)
            return stateless_random_uniform_full_int_v2(shape, key, counter, alg, dtype=dtype, name=scope or None)
        minval, maxval = door.convert(minval, dtype, "min"), door.convert(maxval, dtype, "max")
        key, counter, alg = key_and_counter(seed, alg)
        if dtype.is_integer:
            return stateless_random_uniform_int_v2(shape, key, counter, alg, minval, maxval, name=scope or None)
        drawn = stateless_random_uniform_v2(shape, key, counter, alg, dtype=dtype)
        return scaled(drawn, _Sub(maxval, minval, name="sub"), minval, scope)


def _normals(
    name: str | None, default: str, source: Any, shape: Any, seed: Any, mean: Any, stddev: Any, dtype: Any, alg: Any
) -> Any:
    dtype = as_dtype(dtype)
    with scoped(name, default) as scope:
        shape = shape_tensor(shape)
        mean, stddev = door.convert(mean, dtype, "mean"), door.convert(stddev, dtype, "stddev")
        key, counter, alg = key_and_counter(seed, alg)
        return scaled(source(shape, key, counter, alg, dtype=dtype), stddev, mean, scope)


@export("random.stateless_normal")
def stateless_normal(shape, seed, mean=0.0, stddev=1.0, dtype=dtypes.float32, name=None, alg="auto_select"):
    """Values of the normal distribution.

    >>> a, b = (tf.random.stateless_normal([3], seed=[1, 2]) for _ in range(2)); bool(tf.reduce_all(a == b))
    True
    """
    return _normals(name, "stateless_random_normal", stateless_random_normal_v2, shape, seed, mean, stddev, dtype, alg)


@export("random.stateless_truncated_normal")
def stateless_truncated_normal(shape, seed, mean=0.0, stddev=1.0, dtype=dtypes.float32, name=None, alg="auto_select"):
    """Values of the normal distribution, redrawn until they lie within two standard deviations of the mean.

    >>> tf.random.stateless_truncated_normal([2, 3], seed=[1, 2]).shape
    TensorShape([2, 3])
    """
    return _normals(
        name, "stateless_truncated_normal", stateless_truncated_normal_v2, shape, seed, mean, stddev, dtype, alg
    )


@export("random.stateless_gamma")
def stateless_gamma(shape, seed, alpha, beta=None, dtype=dtypes.float32, name=None):
    """Samples from the gamma distribution; `shape` ends with the broadcast shape of alpha and the inverse scale beta.

    >>> tf.random.stateless_gamma([10, 2], seed=[12, 34], alpha=[0.5, 1.5]).shape
    TensorShape([10, 2])
    """
    with scoped(name, "stateless_random_gamma"):
        shape = shape_tensor(shape)
        alpha, beta, tiny = broadcast_gamma(alpha, beta, dtype)
        key, counter, alg = key_and_counter(seed, "auto_select")
        drawn = stateless_random_gamma_v3(shape, key, counter, alg, alpha)
        return _Maximum(tiny, _RealDiv(drawn, beta, name="truediv"))


@export("random.stateless_poisson")
def stateless_poisson(shape, seed, lam, dtype=dtypes.int32, name=None):
    """Samples from the Poisson distribution; `shape` ends with the shape of `lam`.

    >>> tf.random.stateless_poisson([10, 2], seed=[12, 34], lam=[5, 15]).shape
    TensorShape([10, 2])
    """
    with scoped(name, "stateless_random_poisson"):
        return stateless_random_poisson(shape_tensor(shape), seed, lam, dtype=as_dtype(dtype))


@export("random.stateless_binomial")
def stateless_binomial(shape, seed, counts, probs, output_dtype=dtypes.int32, name=None):
    """Samples from the binomial distribution; `shape` ends with the broadcast shape of counts and probs.

    >>> tf.random.stateless_binomial([3], seed=[123, 456], counts=10.0, probs=1.0).numpy()
    array([10, 10, 10], dtype=int32)
    """
    with scoped(name, "stateless_random_binomial"):
        shape = shape_tensor(shape)
        probs = door.convert(probs, name="probs")
        if probs.dtype not in (dtypes.float16, dtypes.float32, dtypes.float64):
            raise ValueError(f"probs must be float16, float32 or float64, got {probs.dtype.name}")
        counts = door.convert(counts, name="counts") if not hasattr(counts, "dtype") else counts
        counts = counts if getattr(counts, "dtype", None) is probs.dtype else _Cast(counts, DstT=probs.dtype)
        return stateless_random_binomial(shape, seed, counts, probs, dtype=as_dtype(output_dtype))


def _categories(logits: Any, num_samples: Any, seed: Any, dtype: Any) -> Any:
    logits = door.convert(logits, name="logits")
    dtype = dtypes.int64 if dtype is None else allowed("dtype", dtype, (dtypes.int32, dtypes.int64))
    return stateless_multinomial_op(logits, num_samples, seed, output_dtype=dtype)


@export("random.stateless_categorical")
def stateless_categorical(logits, num_samples, seed, dtype=dtypes.int64, name=None):
    """Class indices drawn by unnormalised log-probabilities: logits [rows, classes] -> [rows, num_samples].

    >>> tf.random.stateless_categorical([[0.0, -100.0]], 3, seed=[7, 17]).numpy()
    array([[0, 0, 0]])
    """
    with scoped(name, "stateless_categorical"):
        return _categories(logits, num_samples, seed, dtype)


@export(v1=("random.stateless_multinomial",))
def stateless_multinomial(logits, num_samples, seed, output_dtype=dtypes.int64, name=None):
    """The 1.x name of `tf.random.stateless_categorical`."""
    with scoped(name, "stateless_multinomial"):
        return _categories(logits, num_samples, seed, output_dtype)


@export("random.experimental.stateless_shuffle")
def stateless_shuffle(value, seed, alg="auto_select", name=None):
    """The slices of `value` along its first axis in an order that follows from the seed.

    >>> tf.random.experimental.stateless_shuffle([1, 2, 3, 4], seed=[8, 9]).shape
    TensorShape([4])
    """
    with scoped(name, "stateless_shuffle"):
        key, counter, alg = key_and_counter(seed, alg)
        return stateless_shuffle_op(value, key, counter, alg)


@export("random.split", "random.experimental.stateless_split")
def split(seed, num=2, alg="auto_select"):
    """`num` new seeds out of one: [num, 2].

    >>> tf.random.split([1, 2], 3).shape
    TensorShape([3, 2])
    """
    seed = door.convert(seed)
    return stateless_uniform([num, 2], seed=seed, dtype=seed.dtype, minval=None, maxval=None, alg=alg)


@export("random.fold_in", "random.experimental.stateless_fold_in")
def fold_in(seed, data, alg="auto_select"):
    """A new seed out of a seed and an integer, as of a step or a replica.

    >>> tf.random.fold_in([1, 2], 3).numpy()
    array([1105988140,          3], dtype=int32)
    """
    data = door.convert(data)
    first = stateless_uniform([], seed=seed, dtype=data.dtype, minval=None, maxval=None, alg=alg)
    return _Pack([first, data])
