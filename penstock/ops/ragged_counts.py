"""Counts and fillings of sparse and ragged tensors, as graphs of 2.x hold them."""

from typing import Any

import numpy as np

from penstock.base.errors import InvalidArgumentError
from penstock.base.export import export
from penstock.base.shape import as_text
from penstock.ir.op import find, op
from penstock.ops.ragged_variant import RAGGED_TENSOR_TO_VARIANT, RaggedValue

_COUNT = "T: {int32|int64|float32|float64}, Tidx: index, binary_output: bool = False"


def _bad(message: str) -> InvalidArgumentError:
    return InvalidArgumentError(None, None, message)


def _tally(rows: Any, count: int, values: np.ndarray, size: int, weights: np.ndarray, binary: bool) -> np.ndarray:
    """[count, size]: how often (or with what weight) each of 0..size-1 occurs in each row; values beyond are left out."""
    kept = (values >= 0) & (values < size)
    out = np.zeros((count, size), weights.dtype)
    if binary:
        out[rows[kept], values[kept]] = 1
    else:
        np.add.at(out, (rows[kept], values[kept]), weights[kept] if weights.size else np.ones((), weights.dtype))
    return out


def _size(size: Any, rows: int) -> int:
    if np.size(size) != 1:
        raise _bad(f"Shape must be rank 0 but is rank {np.ndim(size)}: size must be a scalar")
    n = int(np.asarray(size).reshape(()))
    if n < 0:
        raise _bad(f"size ({n}) must be non-negative")
    if n * max(rows, 1) > 1 << 33:
        raise _bad(f"{rows} rows of size {n} are more than memory is asked for")
    return n


@op(f"SparseBincount(indices: int64, values: Tidx, dense_shape: int64, size: Tidx, weights: T, *, {_COUNT}) -> output: T", where="host", static=("size",))
def SPARSE_BINCOUNT(xp, indices, values, dense_shape, size, weights, *, binary_output):
    """How often each of 0..size-1 occurs in a sparse vector, or in each row of a sparse matrix."""
    if indices.ndim != 2 or values.ndim != 1 or dense_shape.ndim != 1:
        raise _bad(f"Input indices must be a matrix, values and dense_shape vectors, got {as_text(indices.shape)}, {as_text(values.shape)} and {as_text(dense_shape.shape)}")
    if len(indices) != len(values) or indices.shape[1] != len(dense_shape):
        raise _bad(f"Number of values must match first dimension of indices, and the shape their columns: {as_text(indices.shape)}, {len(values)} and {len(dense_shape)}")
    if weights.size and weights.shape != values.shape:
        raise _bad(f"Weights and values must have the same shape, got {as_text(weights.shape)} and {as_text(values.shape)}")
    one = len(dense_shape) == 1
    rows = 1 if one else int(dense_shape[0])
    n = _size(size, rows)
    at = np.zeros(len(values), np.int64) if one else indices[:, 0]
    if one and values.size and values.min() < 0:
        raise _bad("Input arr must be non-negative!")
    if len(at) and (at.min() < 0 or at.max() >= rows):
        raise _bad(f"Index out of bound: a row of {rows}")
    found = _tally(at, rows, values, n, weights, binary_output)
    return found[0] if one else found


@SPARSE_BINCOUNT.shape
def _(indices: Any, values: Any, dense_shape: Any, size: Any, weights: Any) -> Any:
    n = None if size.value is None else int(np.asarray(size.value).reshape(()))
    rank = None if dense_shape.shape is None else dense_shape.shape[0]
    return None if rank is None else (n,) if rank == 1 else (None, n)


@op(f"RaggedBincount(splits: int64, values: Tidx, size: Tidx, weights: T, *, {_COUNT}) -> output: T", where="host", static=("size",),
    shape=lambda splits, values, size, weights: (None if splits.shape is None or splits.shape[0] is None else splits.shape[0] - 1,
                                                 None if size.value is None else int(np.asarray(size.value).reshape(()))))  # fmt: skip
def RAGGED_BINCOUNT(xp, splits, values, size, weights, *, binary_output):
    """[rows, size]: how often each of 0..size-1 occurs in each row of a ragged tensor."""
    if splits.ndim != 1 or not len(splits) or splits[0] != 0:
        raise _bad("Splits must start with 0, not with " + (f"{int(splits[0])}" if splits.ndim == 1 and len(splits) else "nothing"))
    if splits[-1] != len(values):
        raise _bad(f"Splits must end with the number of values, got {int(splits[-1])} instead of {len(values)}")
    if (np.diff(splits) < 0).any():
        raise _bad("Splits must be sorted")
    if weights.size and weights.shape != values.shape:
        raise _bad(f"Weights and values must have the same shape, got {as_text(weights.shape)} and {as_text(values.shape)}")
    if values.size and values.min() < 0:
        raise _bad("Input must be non-negative")
    rows = len(splits) - 1
    return _tally(np.repeat(np.arange(rows), np.diff(splits)), rows, values, _size(size, rows), weights, binary_output)


@op("RaggedFillEmptyRows(value_rowids: int64, values: T, nrows: int64, default_value: T, *, T: type) -> "
    "(output_value_rowids: int64, output_values: T, empty_row_indicator: bool, reverse_index_map: int64)", where="host",
    shape=lambda value_rowids, *_: ((None,), (None,), (None,), value_rowids.shape))  # fmt: skip
def RAGGED_FILL_EMPTY_ROWS(xp, value_rowids, values, nrows, default_value):
    """One value, the default, in each row that holds nothing; which rows those are, and where each value went."""
    if value_rowids.ndim != 1 or values.ndim != 1 or len(values) != len(value_rowids):
        raise _bad(f"value_rowids and values must be vectors of one length, got {as_text(value_rowids.shape)} and {as_text(values.shape)}")
    if nrows.ndim or default_value.ndim:
        raise _bad("nrows and default_value must be scalars")
    rows = int(nrows)
    if rows < 0 or rows > 1 << 31:
        raise _bad(f"nrows must be between 0 and 2^31, got {rows}")
    if len(value_rowids) and (value_rowids.min() < 0 or value_rowids.max() >= rows):
        raise _bad(f"value_rowids must be below nrows {rows}, got {int(value_rowids.max())}")
    indices, found, empty, back = find("SparseFillEmptyRows").body(np, value_rowids[:, None], values, np.array([rows, 1]), default_value)
    return indices[:, 0], found, empty, back


@op("RaggedFillEmptyRowsGrad(reverse_index_map: int64, grad_values: T, *, T: type) -> (d_values: T, d_default_value: T)", where="host",
    shape=lambda reverse_index_map, grad_values: (reverse_index_map.shape, ()))  # fmt: skip
def RAGGED_FILL_EMPTY_ROWS_GRAD(xp, reverse_index_map, grad_values):
    """The gradients of the values, and of the default."""
    if reverse_index_map.ndim != 1 or grad_values.ndim != 1:
        raise _bad("reverse_index_map and grad_values must be vectors")
    if len(reverse_index_map) and (reverse_index_map.min() < 0 or reverse_index_map.max() >= len(grad_values)):
        raise _bad(f"Elements in reverse index must be in [0, {len(grad_values)})")
    d_values = grad_values[reverse_index_map]
    rest = np.ones(len(grad_values), bool)
    rest[reverse_index_map] = False
    return d_values, grad_values[rest].sum(dtype=grad_values.dtype)


@RAGGED_FILL_EMPTY_ROWS.grad
def _(node: Any, _: Any, dv: Any, __: Any, ___: Any) -> Any:
    d_values, d_default = RAGGED_FILL_EMPTY_ROWS_GRAD(node.outputs[3], dv)
    return None, d_values, None, d_default


@op("RaggedTensorToVariantGradient(encoded_ragged_grad: variant, row_splits: Tsplits, dense_values_shape: int32, *, Tsplits: index = int64, Tvalues: type) -> "
    "dense_values_grad: Tvalues", where="host", static=("dense_values_shape",), shape=lambda encoded_ragged_grad, row_splits, dense_values_shape: dense_values_shape.dims)  # fmt: skip
def RAGGED_TENSOR_TO_VARIANT_GRADIENT(xp, encoded_ragged_grad, row_splits, dense_values_shape, *, Tvalues):  # noqa: N803
    """The gradient of the flat values, from those of the rows that a ragged tensor was made into."""
    dims = tuple(int(n) for n in dense_values_shape)
    rows = encoded_ragged_grad.reshape(-1).tolist() if isinstance(encoded_ragged_grad, np.ndarray) else [encoded_ragged_grad]
    if not row_splits.size and len(rows) == 1:
        return np.asarray(rows[0].values if isinstance(rows[0], RaggedValue) else rows[0]).reshape(dims)
    out = np.zeros(dims, Tvalues.array_dtype)
    for i, one in enumerate(rows):
        if isinstance(one, RaggedValue) and np.size(one.values):
            out[int(row_splits[i]) : int(row_splits[i + 1])] = one.values
    return out


@RAGGED_TENSOR_TO_VARIANT.grad
def _(node: Any, dy: Any) -> Any:
    splits, values = node._inputs[:-1], node._inputs[-1]
    given = splits[0] if splits else np.zeros(0, np.int64)
    for inner in splits[1:]:
        given = find("GatherV2")(inner, given, 0)
    found = RAGGED_TENSOR_TO_VARIANT_GRADIENT(dy, given, find("Shape")(values), Tvalues=values.dtype.base_dtype)
    return *[None] * len(splits), found


for _one in (SPARSE_BINCOUNT, RAGGED_BINCOUNT):
    _one.no_grad()


@export("ragged_fill_empty_rows")
def ragged_fill_empty_rows(value_rowids: Any, values: Any, nrows: Any, default_value: Any, name: str | None = None) -> Any:
    """A ragged tensor's row ids and values with one default in each empty row, which rows those were, and where each value went."""
    return RAGGED_FILL_EMPTY_ROWS(value_rowids, values, nrows, default_value, name=name)


@export("ragged_fill_empty_rows_grad")
def ragged_fill_empty_rows_grad(reverse_index_map: Any, grad_values: Any, name: str | None = None) -> Any:
    """The gradients of the values and of the default of `ragged_fill_empty_rows`."""
    return RAGGED_FILL_EMPTY_ROWS_GRAD(reverse_index_map, grad_values, name=name)
