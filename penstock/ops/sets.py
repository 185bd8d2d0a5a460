"""`tf.sets`: set operations on the last axis of dense or sparse tensors."""

from typing import Any

import numpy as np

from penstock.base.errors import InvalidArgumentError
from penstock.base.export import export
from penstock.ir.convert import convert_to_tensor
from penstock.ir.op import op
from penstock.ops.sparse_tensor import SparseTensor, as_sparse, is_sparse

_T = "T: {int8|int16|int32|int64|uint8|uint16|string}"
_HOW = f"set_operation: str, validate_indices: bool = True, {_T}"
_OUT = "(result_indices: int64, result_values: T, result_shape: int64)"
_DO = {
    "a-b": lambda a, b: a - b, "b-a": lambda a, b: b - a, "intersection": lambda a, b: a & b, "union": lambda a, b: a | b,
}  # fmt: skip


def _sets(indices: Any, values: Any) -> dict[tuple[int, ...], set[Any]]:
    found: dict[tuple[int, ...], set[Any]] = {}
    for place, value in zip(indices[:, :-1].tolist(), values.tolist()):
        found.setdefault(tuple(place), set()).add(value)
    return found


def _dense_sets(array: Any) -> dict[tuple[int, ...], set[Any]]:
    return {place: set(array[place].tolist()) for place in np.ndindex(array.shape[:-1])}


def _check_groups(a: Any, b: Any) -> None:
    if len(a) != len(b) or list(a) != list(b):
        raise InvalidArgumentError(None, None, f"Mismatched group shapes: {list(map(int, a))} and {list(map(int, b))}")


def _ordered(indices: Any, shape: Any) -> None:
    if len(indices) and (np.diff(np.ravel_multi_index(tuple(indices.T), tuple(int(s) for s in shape))) < 0).any():
        raise InvalidArgumentError(None, None, "Set indices are out of order: give them in row-major order (tf.sparse.reorder)")


def _result(a: dict[Any, set[Any]], b: dict[Any, set[Any]], group_shape: Any, how: str, dtype: Any) -> Any:
    if how not in _DO:
        raise InvalidArgumentError(None, None, f"Invalid set_operation {how}.")
    rows, values, longest = [], [], 0
    for place in sorted({*a, *b}):
        found = sorted(_DO[how](a.get(place, set()), b.get(place, set())))
        rows.extend((*place, i) for i in range(len(found)))
        values.extend(found)
        longest = max(longest, len(found))
    rank = len(group_shape) + 1
    out = np.empty(len(values), dtype)
    out[:] = values
    return np.array(rows, np.int64).reshape(-1, rank), out, np.array([*group_shape, longest], np.int64)


def _shape(rank: Any) -> Any:
    return (None, rank), (None,), (rank,)


@op(f"DenseToDenseSetOperation(set1: T, set2: T, *, {_HOW}) -> {_OUT}", where="host",
    shape=lambda set1, set2: _shape(set1.rank))  # fmt: skip
def DENSE_TO_DENSE(xp, set1, set2, *, set_operation):
    """A set operation row by row: [..., n] and [..., m]."""
    _check_groups(set1.shape[:-1], set2.shape[:-1])
    return _result(_dense_sets(set1), _dense_sets(set2), set1.shape[:-1], set_operation, set1.dtype)


@op(f"DenseToSparseSetOperation(set1: T, set2_indices: int64, set2_values: T, set2_shape: int64, *, {_HOW}) -> {_OUT}", where="host",
    shape=lambda set1, set2_indices, set2_values, set2_shape: _shape(set1.rank))  # fmt: skip
def DENSE_TO_SPARSE(xp, set1, set2_indices, set2_values, set2_shape, *, set_operation, validate_indices):
    """A set operation of the rows of a dense and a sparse tensor."""
    _check_groups(set1.shape[:-1], set2_shape[:-1])
    if validate_indices:
        _ordered(set2_indices, set2_shape)
    return _result(_dense_sets(set1), _sets(set2_indices, set2_values), set1.shape[:-1], set_operation, set1.dtype)


@op("SparseToSparseSetOperation(set1_indices: int64, set1_values: T, set1_shape: int64, set2_indices: int64, set2_values: T, set2_shape: int64, *, "
    f"{_HOW}) -> {_OUT}", where="host", shape=lambda *specs: _shape(None if specs[0].shape is None else specs[0].shape[1]))  # fmt: skip
def SPARSE_TO_SPARSE(xp, set1_indices, set1_values, set1_shape, set2_indices, set2_values, set2_shape, *, set_operation, validate_indices):
    """A set operation of the rows of two sparse tensors."""
    _check_groups(set1_shape[:-1], set2_shape[:-1])
    if validate_indices:
        _ordered(set1_indices, set1_shape)
        _ordered(set2_indices, set2_shape)
    return _result(_sets(set1_indices, set1_values), _sets(set2_indices, set2_values), [int(d) for d in set1_shape[:-1]], set_operation, set1_values.dtype)


@op(f"SetSize(set_indices: int64, set_values: T, set_shape: int64, *, validate_indices: bool = True, {_T}) -> size: int32", where="host",
    shape=lambda set_indices, set_values, set_shape: None if set_shape.dims is None else set_shape.dims[:-1])  # fmt: skip
def SET_SIZE(xp, set_indices, set_values, set_shape, *, validate_indices):
    """How many different elements each row of a sparse tensor holds."""
    if validate_indices:
        _ordered(set_indices, set_shape)
    out = np.zeros([int(d) for d in set_shape[:-1]], np.int32)
    for place, found in _sets(set_indices, set_values).items():
        out[place] = len(found)
    return out


for _one in (DENSE_TO_DENSE, DENSE_TO_SPARSE, SPARSE_TO_SPARSE, SET_SIZE):
    _one.no_grad()


def _operate(a: Any, b: Any, how: str, validate: bool) -> SparseTensor:
    a = as_sparse(a) if is_sparse(a) else convert_to_tensor(a)
    b = as_sparse(b) if is_sparse(b) else convert_to_tensor(b, a.dtype.base_dtype)
    if b.dtype.base_dtype is not a.dtype.base_dtype:
        raise TypeError(f"Types don't match, {a.dtype} vs {b.dtype}.")
    if is_sparse(a) and not is_sparse(b):
        a, b, how = b, a, {"a-b": "b-a", "b-a": "a-b"}.get(how, how)
    if is_sparse(a):
        parts = SPARSE_TO_SPARSE(a.indices, a.values, a.dense_shape, b.indices, b.values, b.dense_shape, set_operation=how, validate_indices=validate)
    elif is_sparse(b):
        parts = DENSE_TO_SPARSE(a, b.indices, b.values, b.dense_shape, set_operation=how, validate_indices=validate)
    else:
        parts = DENSE_TO_DENSE(a, b, set_operation=how, validate_indices=validate)
    return SparseTensor(*parts)


@export("sets.size", v1=("sets.set_size",))
def set_size(a: Any, validate_indices: bool = True) -> Any:
    """int32: how many different elements each innermost row of a SparseTensor holds."""
    s = SparseTensor.from_value(a) if is_sparse(a) else a
    if not isinstance(s, SparseTensor):
        raise TypeError("Expected `SparseTensor`, got %s." % s)
    return SET_SIZE(s.indices, s.values, s.dense_shape, validate_indices=validate_indices)


@export("sets.intersection", v1=("sets.set_intersection",))
def set_intersection(a: Any, b: Any, validate_indices: bool = True) -> SparseTensor:
    """The elements that each innermost row of a shares with that of b, sorted."""
    return _operate(a, b, "intersection", validate_indices)


@export("sets.difference", v1=("sets.set_difference",))
def set_difference(a: Any, b: Any, aminusb: bool = True, validate_indices: bool = True) -> SparseTensor:
    """The elements of each innermost row of a that b's has not (with aminusb=False the other way round), sorted."""
    return _operate(a, b, "a-b" if aminusb else "b-a", validate_indices)


@export("sets.union", v1=("sets.set_union",))
def set_union(a: Any, b: Any, validate_indices: bool = True) -> SparseTensor:
    """The elements of each innermost row of a and of b, sorted."""
    return _operate(a, b, "union", validate_indices)
