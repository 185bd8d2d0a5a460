"""Indexing by arrays: `a[[0, 1], 2:]` as NumPy reads it."""

from typing import Any

import numpy as np

from penstock.base import dtypes
from penstock.ir import door
from penstock.ir.op import find
from penstock.ir.tensor import Tensor
from penstock.numpy_api.promotion import asarray, is_value, to
from penstock.numpy_api.shaping import broadcast_arrays, moveaxis


def _is_array(key: Any) -> bool:
    return is_value(key) or isinstance(key, list | np.ndarray)


def _advanced(parts: tuple[Any, ...]) -> bool:
    """Does the key hold index arrays (with axes), or truth values?"""
    for p in parts:
        if isinstance(p, list | np.ndarray) and np.ndim(p) or is_value(p) and p.shape.rank != 0:
            return True
        if _is_array(p) and asarray(p).dtype.is_bool:
            return True
    return False


def getitem(plain: Any, a: Any, key: Any) -> Any:
    """`a[key]`; keys without index arrays go to `plain`, TensorFlow's own indexing."""
    if isinstance(key, list) and any(isinstance(k, list | tuple | slice | np.ndarray) or k is None or k is Ellipsis for k in key):
        key = tuple(key)  # as NumPy once read nested lists
    parts = key if isinstance(key, tuple) else (key,)
    if not _advanced(parts):
        return plain(a, key)
    if len(parts) == 1 and is_value(parts[0]) and parts[0].dtype.is_bool:
        return plain(a, key)
    return _by_arrays(plain, a, list(parts))


def _drops(p: Any) -> bool:
    """Does this part of a key take one place of an axis, so that the axis is gone?"""
    return p is not None and not isinstance(p, slice)


def _by_arrays(plain: Any, a: Any, parts: list[Any]) -> Any:
    spread: list[Any] = []
    for p in parts:  # truth values stand for the places where they are true, one array for each axis
        if _is_array(p) and not isinstance(p, int):
            p = asarray(p)
            if p.dtype.is_bool:
                at = find("Where")(p)
                spread.extend(at[:, i] for i in range(p.shape.rank))
                continue
        spread.append(p)
    rank = a.shape.rank
    if rank is None:
        raise ValueError("Indexing by arrays needs a tensor whose rank is known")
    used = sum(p is not None and p is not Ellipsis for p in spread)
    if Ellipsis not in [p for p in spread if not isinstance(p, Tensor)]:
        spread.append(Ellipsis)
    basic: list[Any] = []
    arrays: list[tuple[int, Any]] = []  # (axis after basic indexing, index array)
    for p in spread:
        if p is Ellipsis and not isinstance(p, Tensor):
            basic.extend([slice(None)] * (rank - used))
        elif isinstance(p, Tensor) and p.shape.rank != 0:
            arrays.append((len([b for b in basic if not _drops(b)]), p))
            basic.append(slice(None))
        else:
            basic.append(p)
    if any(not (isinstance(p, slice) and p == slice(None)) for p in basic):
        a = plain(a, tuple(basic))
    axes = [axis for axis, _ in arrays]
    together = axes == list(range(axes[0], axes[0] + len(axes)))
    a = moveaxis(a, axes, list(range(len(axes)))) if axes != list(range(len(axes))) else a
    sizes = find("Shape")(a, out_type=dtypes.int64)
    indices = broadcast_arrays(*[to(i, dtypes.int64) for _, i in arrays])
    wrapped = [find("SelectV2")(find("Less")(i, door.convert(0, dtypes.int64)), i + sizes[n], i) for n, i in enumerate(indices)]
    made = find("GatherNd")(a, find("Pack")(wrapped, axis=-1 if wrapped[0].shape.rank is None else wrapped[0].shape.rank))
    rows = indices[0].shape.rank
    if together and axes[0] and rows:
        made = moveaxis(made, list(range(rows)), list(range(axes[0], axes[0] + rows)))
    return made
