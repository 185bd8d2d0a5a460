"""Sums, means, extremes and orders along axes."""

from typing import Any

import numpy as np

from penstock.base import dtypes
from penstock.base.export import export
from penstock.ir import door
from penstock.ir.op import find
from penstock.numpy_api.promotion import SPACE, asarray, common, given_type, inexact, promoted, to
from penstock.numpy_api.shaping import ravel
from penstock.ops import sorting
from penstock.ops.shapes import shape_of


def _axes(x: Any, axis: Any) -> Any:
    if axis is None:
        rank = x.shape.rank
        return list(range(rank)) if rank is not None else find("Range")(0, find("Rank")(x), 1)
    return [axis] if isinstance(axis, int | np.integer) else list(axis) if isinstance(axis, tuple | list) else axis


def _reduced(op: str, a: Any, axis: Any, keepdims: Any) -> Any:
    return find(op)(a, _axes(a, axis), keep_dims=bool(keepdims))


def _widened(a: Any, dtype: Any) -> Any:
    """Small integers are summed as int64, as NumPy does."""
    a = asarray(a)
    if dtype is not None:
        return to(a, given_type(dtype))
    if a.dtype.is_bool or a.dtype.is_integer and a.dtype.size < 8:
        return to(a, dtypes.uint64 if a.dtype.is_unsigned and not a.dtype.is_bool else dtypes.int64)
    return a


def sum_(a: Any, axis: Any = None, dtype: Any = None, keepdims: Any = None) -> Any:
    """The sum; small integers are added as int64.

    >>> int(tf.experimental.numpy.sum([1, 2]))
    3
    """
    return _reduced("Sum", _widened(a, dtype), axis, keepdims)


@export(SPACE + "prod")
def prod(a: Any, axis: Any = None, dtype: Any = None, keepdims: Any = None) -> Any:
    """The product; small integers are multiplied as int64."""
    return _reduced("Prod", _widened(a, dtype), axis, keepdims)


@export(SPACE + "mean")
def mean(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = None) -> Any:
    """The mean, of integers in float64."""
    if out is not None:
        raise ValueError("Setting out is not supported.")
    a = inexact(a) if dtype is None else to(asarray(a), given_type(dtype))
    return _reduced("Mean", a, axis, keepdims)


def _extreme(op: str, a: Any, axis: Any, keepdims: Any) -> Any:
    a = asarray(a)
    if a.dtype.is_bool:
        return _reduced("Any" if op == "Max" else "All", a, axis, keepdims)
    return _reduced(op, a, axis, keepdims)


def max_(a: Any, axis: Any = None, keepdims: Any = None) -> Any:
    """The greatest element."""
    return _extreme("Max", a, axis, keepdims)


def min_(a: Any, axis: Any = None, keepdims: Any = None) -> Any:
    """The smallest element."""
    return _extreme("Min", a, axis, keepdims)


@export(SPACE + "amax")
def amax(a: Any, axis: Any = None, out: Any = None, keepdims: Any = None) -> Any:
    """The greatest element."""
    if out is not None:
        raise ValueError("Setting out is not supported.")
    return max_(a, axis, keepdims)


@export(SPACE + "amin")
def amin(a: Any, axis: Any = None, out: Any = None, keepdims: Any = None) -> Any:
    """The smallest element."""
    if out is not None:
        raise ValueError("Setting out is not supported.")
    return min_(a, axis, keepdims)


@export(SPACE + "ptp")
def ptp(a: Any, axis: Any = None, keepdims: Any = None) -> Any:
    """The distance between the greatest and the smallest element."""
    return max_(a, axis, keepdims) - min_(a, axis, keepdims)


def all_(a: Any, axis: Any = None, keepdims: Any = None) -> Any:
    """Are all elements non-zero?"""
    return _reduced("All", asarray(a, np.bool_), axis, keepdims)


def any_(a: Any, axis: Any = None, keepdims: Any = None) -> Any:
    """Is any element non-zero?"""
    return _reduced("Any", asarray(a, np.bool_), axis, keepdims)


for _function in (sum_, max_, min_, all_, any_):
    _function.__name__ = _function.__name__.rstrip("_")
    export(SPACE + _function.__name__)(_function)


@export(SPACE + "var")
def var(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: int = 0, keepdims: Any = None) -> Any:
    """The variance, divided by the count less ddof."""
    if out is not None:
        raise ValueError("Setting out is not supported.")
    a = asarray(a)
    wanted = given_type(dtype)
    working = common(a.dtype, np.float64 if not a.dtype.is_floating and not a.dtype.is_complex else a.dtype) if wanted is None else wanted
    if wanted is not None and (a.dtype.is_complex and not wanted.is_complex):
        raise ValueError(f"Received unsupported dtypes: a {a.dtype}, dtype {wanted}")
    x = to(a, working if working.is_floating or working.is_complex else dtypes.float64)
    off = x - _reduced("Mean", x, axis, True)
    squares = find("Square")(off) if not x.dtype.is_complex else find("Real")(off * find("Conj")(off), Tout=x.dtype.base_dtype.real_dtype)
    if ddof == 0:
        made = _reduced("Mean", squares, axis, keepdims)
    else:
        ones = find("OnesLike")(squares)
        count = _reduced("Sum", ones, axis, keepdims) - door.convert(np.array(ddof).astype(squares.dtype.as_numpy_dtype))
        made = _reduced("Sum", squares, axis, keepdims) / count
    return to(made, wanted) if wanted is not None else made


@export(SPACE + "std")
def std(a: Any, axis: Any = None, keepdims: Any = None) -> Any:
    """The standard deviation."""
    return find("Sqrt")(var(a, axis, keepdims=keepdims))


@export(SPACE + "average")
def average(a: Any, axis: Any = None, weights: Any = None, returned: bool = False) -> Any:
    """The weighted mean; with `returned` the sum of the weights too."""
    if axis is not None and not isinstance(axis, int):
        raise ValueError(f"Argument `axis` must be an integer. Received axis={axis} (of type {type(axis)})")
    a = inexact(a)
    if weights is None:
        made = mean(a, axis)
        if not returned:
            return made
        count = find("Size")(a, out_type=dtypes.int32) if axis is None else shape_of(a)[axis]
        return made, find("BroadcastTo")(to(asarray(count), made.dtype), find("Shape")(made))
    weights = inexact(weights)
    dtype = common(a, weights)
    a, weights = to(a, dtype), to(weights, dtype)
    if axis is not None and weights.shape.rank == 1 and a.shape.rank != 1:
        weights = find("Reshape")(weights, [-1 if i == axis % a.shape.rank else 1 for i in range(a.shape.rank)])
    if axis is None and weights.shape.rank != a.shape.rank:
        raise ValueError("If `axis` is None, `weights` must have the same shape as `a`")
    total = _reduced("Sum", find("BroadcastTo")(weights, find("Shape")(a)), axis, False)
    made = _reduced("Sum", a * weights, axis, False) / total
    return (made, total) if returned else made


@export(SPACE + "count_nonzero")
def count_nonzero(a: Any, axis: Any = None) -> Any:
    """The number of elements that are not zero."""
    a = asarray(a)
    return _reduced("Sum", to(a if a.dtype.is_bool else find("NotEqual")(a, find("ZerosLike")(a)), dtypes.int64), axis, False)


def _without_nan(a: Any, instead: float) -> Any:
    a = asarray(a)
    if not a.dtype.is_floating:
        return a
    return find("SelectV2")(find("IsNan")(a), door.convert(np.array(instead).astype(a.dtype.as_numpy_dtype)), a)


@export(SPACE + "nansum")
def nansum(a: Any, axis: Any = None, dtype: Any = None, keepdims: Any = False) -> Any:
    """The sum of what is not NaN."""
    return sum_(_without_nan(a, 0), axis, dtype, keepdims)


@export(SPACE + "nanprod")
def nanprod(a: Any, axis: Any = None, dtype: Any = None, keepdims: Any = False) -> Any:
    """The product of what is not NaN."""
    return prod(_without_nan(a, 1), axis, dtype, keepdims)


@export(SPACE + "nanmean")
def nanmean(a: Any, axis: Any = None, dtype: Any = None, keepdims: Any = None) -> Any:
    """The mean of what is not NaN."""
    a = asarray(a)
    if not a.dtype.is_floating:
        return mean(a, axis, dtype, keepdims=keepdims)
    there = find("LogicalNot")(find("IsNan")(a))
    total = nansum(a, axis, dtype, keepdims)
    return total / _reduced("Sum", to(there, total.dtype), axis, keepdims)


def _cumulative(op: str, a: Any, axis: Any, dtype: Any) -> Any:
    a = asarray(a, dtype)
    if dtype is None and (a.dtype.is_bool or a.dtype.is_integer and a.dtype.size < 8):
        a = to(a, dtypes.int64)
    if axis is None:
        a, axis = ravel(a), 0
    elif axis < 0:
        axis += a.shape.rank
    return find(op)(a, axis)


@export(SPACE + "cumsum")
def cumsum(a: Any, axis: Any = None, dtype: Any = None) -> Any:
    """The running sum."""
    return _cumulative("Cumsum", a, axis, dtype)


@export(SPACE + "cumprod")
def cumprod(a: Any, axis: Any = None, dtype: Any = None) -> Any:
    """The running product."""
    return _cumulative("Cumprod", a, axis, dtype)


def _place(op: str, a: Any, axis: Any) -> Any:
    a = asarray(a)
    if a.dtype.is_bool:
        a = to(a, dtypes.int8)
    if axis is None or a.shape.rank == 0:
        a, axis = ravel(a), 0
    return find(op)(a, axis)


@export(SPACE + "argmax")
def argmax(a: Any, axis: Any = None) -> Any:
    """The place of the greatest element."""
    return _place("ArgMax", a, axis)


@export(SPACE + "argmin")
def argmin(a: Any, axis: Any = None) -> Any:
    """The place of the smallest element."""
    return _place("ArgMin", a, axis)


@export(SPACE + "sort")
def sort(a: Any, axis: Any = -1, kind: str = "quicksort", order: Any = None) -> Any:
    """The elements in ascending order."""
    if kind != "quicksort":
        raise ValueError(f'Invalid value for argument `kind`. Only kind="quicksort" is supported. Received: kind={kind}')
    if order is not None:
        raise ValueError(f"Invalid value for argument `order`. Only order=None is supported. Received: order={order}")
    a = asarray(a)
    return sorting.sort(ravel(a), 0) if axis is None else sorting.sort(a, axis)


@export(SPACE + "argsort")
def argsort(a: Any, axis: Any = -1, kind: str = "quicksort", order: Any = None) -> Any:
    """The places of the elements in ascending order."""
    if kind not in ("quicksort", "stable"):
        raise ValueError(f"Invalid value for argument `kind`. Only kind='quicksort' and kind='stable' are supported. Received: kind={kind}")
    if order is not None:
        raise ValueError(f"Invalid value for argument `order`. Only order=None is supported. Received: order={order}")
    a = asarray(a)
    if axis is None:
        a, axis = ravel(a), 0
    if a.shape.rank == 0:
        a, axis = ravel(a), 0
    return to(sorting.argsort(a, axis, stable=kind == "stable"), dtypes.int64)


@export(SPACE + "diff")
def diff(a: Any, n: int = 1, axis: int = -1) -> Any:
    """The differences of neighbours, n times."""
    a = asarray(a)
    rank = a.shape.rank
    if rank is None:
        raise ValueError("Unsupported shape: None")
    if n < 0:
        raise ValueError(f"Argument `order` must be a non-negative integer. Received: axis={n}")
    if not -rank <= axis < rank:
        raise ValueError(f"axis {axis} is not in the range [-{rank}, {rank})")
    axis %= rank
    later = (*[slice(None)] * axis, slice(1, None))
    before = (*[slice(None)] * axis, slice(None, -1))
    for _ in range(n):
        a = find("NotEqual")(a[later], a[before]) if a.dtype.is_bool else a[later] - a[before]
    return a


@export(SPACE + "allclose")
def allclose(a: Any, b: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Any:
    """Are all elements close?"""
    from penstock.numpy_api.elementwise import isclose

    return all_(isclose(a, b, rtol, atol, equal_nan))


@export(SPACE + "array_equal")
def array_equal(a1: Any, a2: Any) -> Any:
    """Have both the same shape and the same elements?"""
    a1, a2 = promoted(a1, a2)
    if a1.shape.rank is not None and a2.shape.rank is not None:
        if a1.shape.rank != a2.shape.rank or not a1.shape.is_compatible_with(a2.shape):
            return door.convert(False)
    if a1.shape.is_fully_defined() and a2.shape.is_fully_defined():
        return all_(find("Equal")(a1, a2))
    from penstock.fronts.control import cond

    same = all_(find("Equal")(find("Shape")(a1), find("Shape")(a2)))
    return cond(same, lambda: all_(find("Equal")(a1, a2)), lambda: door.convert(False))
