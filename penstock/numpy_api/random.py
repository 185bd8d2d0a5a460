"""`tf.experimental.numpy.random`: numbers from TensorFlow's generators in NumPy's types."""

from typing import Any

import numpy as np

from penstock.base import dtypes
from penstock.base.export import export
from penstock.ir import door, seeds
from penstock.ir.op import find
from penstock.numpy_api.promotion import SPACE, asarray, to
from penstock.ops import random as generators


def _sizes(size: Any) -> Any:
    return door.convert([], dtypes.int32) if size is None or isinstance(size, tuple | list) and not size else door.convert(size, dtypes.int32)


@export(SPACE + "random.seed")
def seed(s: Any) -> None:
    """Set the global seed."""
    try:
        s = int(s)
    except TypeError:
        raise ValueError(f"Argument `s` got an invalid value {s}. Only integers are supported.") from None
    seeds.set_seed(s)


@export(SPACE + "random.randn")
def randn(*args: Any) -> Any:
    """Normally distributed numbers of the given sizes.

    >>> tf.experimental.numpy.random.randn(2, 3).shape
    TensorShape([2, 3])
    """
    return standard_normal(size=args)


@export(SPACE + "random.standard_normal")
def standard_normal(size: Any = None) -> Any:
    """Normally distributed numbers."""
    if size is None:
        size = ()
    elif np.isscalar(size):
        size = (size,)
    return generators.normal(_sizes(size), dtype=np.float64)


@export(SPACE + "random.uniform")
def uniform(low: Any = 0.0, high: Any = 1.0, size: Any = None) -> Any:
    """Numbers from low up to high."""
    dtype = np.float64
    low, high = asarray(low, dtype), asarray(high, dtype)
    shape = find("BroadcastArgs")(find("Shape")(low), find("Shape")(high)) if size is None else _sizes(size)
    return generators.uniform(shape, low, high, dtype=dtype)


@export(SPACE + "random.random")
def random(size: Any = None) -> Any:
    """Numbers from 0 up to 1."""
    return uniform(0.0, 1.0, size)


@export(SPACE + "random.rand")
def rand(*size: Any) -> Any:
    """Numbers from 0 up to 1 of the given sizes."""
    return uniform(0.0, 1.0, size)


@export(SPACE + "random.poisson")
def poisson(lam: Any = 1.0, size: Any = None) -> Any:
    """Poisson distributed counts."""
    if size is None:
        size = ()
    elif np.isscalar(size):
        size = (size,)
    return generators.poisson(_sizes(size), lam, dtype=np.int64)


@export(SPACE + "random.randint")
def randint(low: Any, high: Any = None, size: Any = None, dtype: Any = "int64") -> Any:
    """Integers from low up to, but not with, high (from 0 up to low where high is left out)."""
    low = int(low)
    if high is None:
        low, high = 0, low
    if size is None:
        size = ()
    elif isinstance(size, int):
        size = (size,)
    wanted = np.dtype(dtype).type if not hasattr(dtype, "as_numpy_dtype") else dtype.as_numpy_dtype
    accepted = (np.int32, np.int64, np.uint32, np.uint64)
    drawn = wanted if wanted in (np.int32, np.int64) else np.int64
    if wanted not in accepted and not np.issubdtype(wanted, np.integer):
        raise ValueError(f"Argument `dtype` got an invalid value {dtype}. Only those convertible to {accepted} are supported.")
    return to(generators.uniform(_sizes(size), low, high, dtype=drawn), wanted)


