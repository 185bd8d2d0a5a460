"""Sparse tensors put aside under numbers, which queues can hold, and taken back as one batch."""

import itertools
import threading
from typing import Any

import numpy as np

from penstock.base.errors import InvalidArgumentError
from penstock.ir.op import op

_SHARED = 'container: str = "", {}shared_name: str = ""'
_HOST: dict[str, Any] = {"where": "host", "effect": "io", "needs_store": True}


class SparseMap:
    """The sparse tensors that were put aside, by number."""

    def __init__(self) -> None:
        self.held: dict[int, tuple[np.ndarray, np.ndarray, np.ndarray]] = {}
        self.numbers, self.lock = itertools.count(), threading.Lock()

    def add(self, indices: np.ndarray, values: np.ndarray, shape: np.ndarray) -> int:
        with self.lock:
            number = next(self.numbers)
            self.held[number] = indices, values, shape
            return number

    def take(self, number: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        with self.lock:
            found = self.held.pop(number, None)
        if found is None:
            raise InvalidArgumentError(None, None, f"Unable to find SparseTensor: {number} in map")
        return found


def _map(store: Any, container: str, shared_name: str) -> SparseMap:
    return store.get("sparse map", container, shared_name, SparseMap)


def _checked(indices: Any, values: Any, shape: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    indices, values, shape = np.asarray(indices), np.asarray(values), np.asarray(shape)
    for what, array, rank in (("indices", indices, 2), ("values", values, 1), ("shape", shape, 1)):
        if array.ndim != rank:
            raise InvalidArgumentError(None, None, f"Input {what} should be a {'matrix' if rank == 2 else 'vector'} but received shape {list(array.shape)}")
    if len(indices) != len(values) or indices.shape[1] != len(shape):
        raise InvalidArgumentError(None, None, f"indices {list(indices.shape)} must be [{len(values)}, {len(shape)}]: a row for each value, a column for each axis")
    return indices, values, shape


@op(f"AddSparseToTensorsMap(sparse_indices: int64, sparse_values: T, sparse_shape: int64, *, T: type, {_SHARED.format('')}) -> sparse_handle: int64",
    shape=lambda *_, **__: (), **_HOST)  # fmt: skip
def AddSparseToTensorsMap(xp, store, sparse_indices, sparse_values, sparse_shape, *, container, shared_name):  # noqa: N802
    """Put a sparse tensor aside; the number that it has there."""
    return np.array(_map(store, container, shared_name).add(*_checked(sparse_indices, sparse_values, sparse_shape)), np.int64)


@op(f"AddManySparseToTensorsMap(sparse_indices: int64, sparse_values: T, sparse_shape: int64, *, T: type, {_SHARED.format('')}) -> sparse_handles: int64",
    shape=lambda *_, **__: (None,), **_HOST)  # fmt: skip
def AddManySparseToTensorsMap(xp, store, sparse_indices, sparse_values, sparse_shape, *, container, shared_name):  # noqa: N802
    """Put each row of a sparse tensor aside; the numbers that they have there."""
    indices, values, shape = _checked(sparse_indices, sparse_values, sparse_shape)
    if len(shape) < 2:
        raise InvalidArgumentError(None, None, f"Rank of input SparseTensor should be > 1, but saw rank: {len(shape)}")
    kept, found = _map(store, container, shared_name), []
    for row in range(int(shape[0])):
        mine = indices[:, 0] == row
        found.append(kept.add(indices[mine, 1:], values[mine], shape[1:]))
    return np.array(found, np.int64)


@op(f"TakeManySparseFromTensorsMap(sparse_handles: int64, *, {_SHARED.format('dtype: type, ')}) -> (sparse_indices: int64, sparse_values: dtype, sparse_shape: int64)",
    shape=lambda *_, **__: ((None, None), (None,), (None,)), **_HOST)  # fmt: skip
def TakeManySparseFromTensorsMap(xp, store, sparse_handles, *, container, shared_name, dtype):  # noqa: N802
    """Take the sparse tensors of these numbers back, as the rows of one."""
    numbers = np.asarray(sparse_handles)
    if numbers.ndim != 1:
        raise InvalidArgumentError(None, None, f"sparse_handles should be a vector but received shape {list(numbers.shape)}")
    kept = _map(store, container, shared_name)
    rows = [kept.take(n) for n in numbers.tolist()]
    ranks = {len(shape) for _, _, shape in rows}
    if len(ranks) > 1:
        raise InvalidArgumentError(None, None, f"Inconsistent rank across SparseTensors: {sorted(ranks)}")
    if any(values.dtype != dtype.array_dtype for _, values, _ in rows):
        raise InvalidArgumentError(None, None, f"Requested SparseTensor of type {dtype.name} but the numbers are of {sorted({str(v.dtype) for _, v, _ in rows})}")
    rank = ranks.pop() if ranks else 0
    indices = [np.concatenate([np.full((len(at), 1), i, np.int64), at], 1) for i, (at, _, _) in enumerate(rows)]
    widest = np.max([shape for _, _, shape in rows], 0) if rows else np.zeros(0, np.int64)
    return (
        np.concatenate(indices) if rows else np.zeros((0, rank + 1), np.int64),
        np.concatenate([values for _, values, _ in rows]) if rows else np.zeros(0, dtype.array_dtype),
        np.concatenate([[len(rows)], widest]).astype(np.int64),
    )


for _op in (AddSparseToTensorsMap, AddManySparseToTensorsMap, TakeManySparseFromTensorsMap):
    _op.no_grad()
