"""`tf.sparse.bincount`: how often each number stands in each row, as a SparseTensor."""

from typing import Any

import numpy as np

from penstock.base import dtypes
from penstock.base.errors import InvalidArgumentError
from penstock.base.export import export
from penstock.ir import door
from penstock.ir.convert import convert_to_tensor
from penstock.ir.op import find, op
from penstock.ir.scope import scoped
from penstock.ops.ragged_arrays import RaggedTensor
from penstock.ops.sparse_tensor import SparseTensor, as_sparse, is_sparse

_HOW = "binary_output: bool, maxlength: int >= -1 = -1, minlength: int >= -1 = -1, T: index, output_type: {int32|int64|float32|float64}"
_OUT = "(output_indices: int64, output_values: output_type, output_dense_shape: int64)"


def _count(rows: Any, values: Any, weights: Any, n: int | None, minlength: int, maxlength: int, binary_output: bool, dtype: Any) -> Any:
    """The counts of each row (of all values when n is None); numbers from maxlength on are left out."""
    if (values < 0).any():
        raise InvalidArgumentError(None, None, "Input values must all be non-negative")
    if weights.size and weights.shape != values.shape:
        raise InvalidArgumentError(None, None, f"Weights and values must have the same shape. Weight shape: {list(weights.shape)}; values shape: {list(values.shape)}")
    longest = int(values.max()) + 1 if values.size else 0
    if maxlength > 0:
        kept = values < maxlength
        rows, values, weights = rows[kept], values[kept], weights[kept] if weights.size else weights
    width = maxlength if 0 < maxlength < max(longest, minlength) else max(longest, minlength)
    number = rows.astype(np.int64) * max(width, 1) + values
    found, group = np.unique(number, return_inverse=True)
    out = np.zeros(len(found), dtype.array_dtype)
    if binary_output:
        out[:] = 1
    else:
        np.add.at(out, group.reshape(-1), weights if weights.size else dtype.array_dtype.type(1))
    if n is None:
        return found[:, None], out, np.array([width], np.int64)
    return np.stack([found // max(width, 1), found % max(width, 1)], 1), out, np.array([n, width], np.int64)


def _shape(rank: Any) -> Any:
    return (None, rank), (None,), (rank,)


@op(f"DenseCountSparseOutput(values: T, weights: output_type, *, {_HOW}) -> {_OUT}", where="host", shape=lambda values, weights, **_: _shape(values.rank))
def DENSE_COUNT(xp, values, weights, *, binary_output, maxlength, minlength, output_type):
    """The counts of a vector, or of each row of a matrix."""
    if values.ndim not in (1, 2):
        raise InvalidArgumentError(None, None, f"Input must be a 1 or 2-dimensional tensor. Got: {list(values.shape)}")
    n = len(values) if values.ndim == 2 else None
    rows = np.repeat(np.arange(n), values.shape[1]) if n is not None else np.zeros(len(values), np.int64)
    return _count(rows, values.reshape(-1), weights.reshape(-1), n, minlength, maxlength, binary_output, output_type)


@op(f"SparseCountSparseOutput(indices: int64, values: T, dense_shape: int64, weights: output_type, *, {_HOW}) -> {_OUT}", where="host",
    shape=lambda indices, values, dense_shape, weights, **_: _shape(None if dense_shape.shape is None else dense_shape.shape[0]))  # fmt: skip
def SPARSE_COUNT(xp, indices, values, dense_shape, weights, *, binary_output, maxlength, minlength, output_type):
    """The counts of a sparse vector, or of each row of a sparse matrix."""
    n = int(dense_shape[0]) if len(dense_shape) == 2 else None
    rows = indices[:, 0] if n is not None else np.zeros(len(values), np.int64)
    return _count(rows, values, weights, n, minlength, maxlength, binary_output, output_type)


@op(f"RaggedCountSparseOutput(splits: int64, values: T, weights: output_type, *, {_HOW}) -> {_OUT}", where="host", shape=lambda *_, **__: _shape(2))
def RAGGED_COUNT(xp, splits, values, weights, *, binary_output, maxlength, minlength, output_type):
    """The counts of each ragged row."""
    rows = np.repeat(np.arange(len(splits) - 1), np.diff(splits))
    return _count(rows, values, weights, len(splits) - 1, minlength, maxlength, binary_output, output_type)


for _one in (DENSE_COUNT, SPARSE_COUNT, RAGGED_COUNT):
    _one.no_grad()


@export("sparse.bincount")
def sparse_bincount(
    values: Any, weights: Any = None, axis: Any = 0, minlength: Any = None, maxlength: Any = None, binary_output: bool = False, name: str | None = None
) -> SparseTensor:  # fmt: skip
    """How often each number stands in `values`: in all of it (axis=0) or in each row (axis=-1); `weights` count for one.

    >>> tf.sparse.bincount([1, 1, 3]).values.numpy().tolist()
    [2, 1]
    """
    with scoped(name, "count"):
        sparse, ragged = is_sparse(values), isinstance(values, RaggedTensor)
        values = as_sparse(values) if sparse else values if ragged else convert_to_tensor(values)
        if axis is not None and axis not in (0, -1):
            raise ValueError(f"Unsupported value for argument axis={axis}. Only 0 and -1 are currently supported.")
        if weights is not None:
            weights = as_sparse(weights) if is_sparse(weights) else weights if isinstance(weights, RaggedTensor) else convert_to_tensor(weights)
        how = {"minlength": -1 if minlength is None else int(minlength), "maxlength": -1 if maxlength is None else int(maxlength), "binary_output": bool(binary_output)}
        if axis == 0 or axis is None:
            if sparse or ragged:
                weights = None if weights is None else weights.values if sparse else weights.flat_values
                values = values.values if sparse else values.flat_values
            else:
                values = find("Reshape")(values, [-1])
                weights = None if weights is None else find("Reshape")(weights, [-1])
            sparse = ragged = False
        dtype = values.dtype.base_dtype
        if weights is None:
            counted: Any = door.convert(np.zeros(0, dtype.array_dtype), dtype)
        else:
            counted = weights.values if is_sparse(weights) else weights.flat_values if isinstance(weights, RaggedTensor) else weights
        if sparse:
            return SparseTensor(*SPARSE_COUNT(values.indices, values.values, values.dense_shape, counted, **how))
        if ragged:
            splits = values.row_splits
            splits = splits if splits.dtype.base_dtype is dtypes.int64 else find("Cast")(splits, DstT=dtypes.int64)
            return SparseTensor(*RAGGED_COUNT(splits, values.values, counted, **how))
        return SparseTensor(*DENSE_COUNT(values, counted, **how))
