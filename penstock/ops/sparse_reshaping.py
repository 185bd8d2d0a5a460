"""Sparse tensors put into order, joined, cut, reshaped and added: ops whose outputs' lengths follow from their values."""

from typing import Any

import numpy as np

from penstock.base import dtypes
from penstock.base.errors import InvalidArgumentError
from penstock.ir.op import find, op
from penstock.ops.sparse_bodies import _PAIR, _REAL, _SP, places, rank_of, total

_OUT = "(output_indices: int64, output_values: T, output_shape: int64)"


def _bad(message: str) -> InvalidArgumentError:
    return InvalidArgumentError(None, None, message)


def _sparse_dims(*specs: Any) -> Any:
    rank = rank_of(specs[0], specs[2])
    return (None, rank), (None,), (rank,)


# -- order -------------------------------------------------------------------------------------------------------------
@op(f"SparseReorder({_SP}, *, T: type) -> (output_indices: int64, output_values: T)", static=("input_shape",))
def sparse_reorder(xp, input_indices, input_values, input_shape):
    """The same elements with their indices in row-major order; equal ones keep their order."""
    order = xp.argsort(places(xp, input_indices, input_shape), kind="stable") if xp is np else xp.argsort(places(xp, input_indices, input_shape), stable=True)
    return input_indices[order], input_values[order]


@sparse_reorder.shape
def _(input_indices: Any, input_values: Any, input_shape: Any) -> Any:
    return input_indices.shape, input_values.shape


@sparse_reorder.grad
def _(node: Any, _: Any, dv: Any) -> Any:
    indices, values, shape = node.inputs
    count = find("Shape")(values, out_type=dtypes.int64)
    number = find("Range")(np.int64(0), find("Reshape")(count, []), np.int64(1))
    order = sparse_reorder(indices, number, shape)[1]
    return None, find("GatherV2")(dv, find("InvertPermutation")(order), 0), None


# -- joined and cut ----------------------------------------------------------------------------------------------------
@op("SparseConcat(indices: N*int64, values: N*T, shapes: N*int64, *, concat_dim: int, N: int >= 2, T: type) -> "
    "(output_indices: int64, output_values: T, output_shape: int64)", where="host")  # fmt: skip
def sparse_concat(xp, indices, values, shapes, *, concat_dim):
    """Sparse tensors one after the other along an axis."""
    rank = len(shapes[0])
    if not -rank <= concat_dim < rank:
        raise _bad(f"Concat dimension must be in range [{-rank}, {rank}), got {concat_dim}")
    axis, offset, moved = concat_dim % rank, 0, []
    for n, (i, s) in enumerate(zip(indices, shapes)):
        for d in range(rank):
            if d != axis and s[d] != shapes[0][d]:
                raise _bad(f"Input shapes must match: expected {shapes[0][d]} for dimension {d} but got {s[d]} at position {n}")
        shifted = np.array(i)
        shifted[:, axis] += offset
        offset += int(s[axis])
        moved.append(shifted)
    shape = np.array(shapes[0])
    shape[axis] = offset
    at, all_values = np.concatenate(moved), np.concatenate(values)
    order = np.argsort(places(np, at, shape), kind="stable")
    return at[order], all_values[order], shape


@sparse_concat.shape
def _(indices: Any, values: Any, shapes: Any, *, concat_dim: int) -> Any:
    return _sparse_dims(indices[0], values[0], shapes[0])


@sparse_concat.grad
def _(node: Any, _: Any, dv: Any, __: Any) -> Any:
    n = node.attrs["N"]
    indices, values, shapes = node.inputs[:n], node.inputs[n : 2 * n], node.inputs[2 * n :]
    counts = [find("Reshape")(find("Shape")(v, out_type=dtypes.int64), []) for v in values]
    starts, number = find("Const")(value=np.int64(0), dtype=dtypes.int64), []
    for c in counts:
        end = find("AddV2")(starts, c)
        number.append(find("Range")(starts, end, np.int64(1)))
        starts = end
    order = sparse_concat(list(indices), number, list(shapes), concat_dim=node.attrs["concat_dim"])[1]
    whole = find("GatherV2")(dv, find("InvertPermutation")(order), 0)
    return (*[None] * n, *[find("GatherV2")(whole, i, 0) for i in number], *[None] * n)


@op("SparseSplit(split_dim: int64, indices: int64, values: T, shape: int64, *, num_split: int >= 1, T: type) -> "
    "(output_indices: num_split*int64, output_values: num_split*T, output_shape: num_split*int64)", where="host")  # fmt: skip
def sparse_split(xp, split_dim, indices, values, shape, *, num_split):
    """A sparse tensor cut along an axis; the first parts are one longer where the length does not divide."""
    rank, axis = len(shape), int(split_dim)
    if not -rank <= axis < rank:
        raise _bad(f"Input split_dim should be between {-rank} and {rank - 1}, got {axis}")
    axis %= rank
    length = int(shape[axis])
    if not 1 <= num_split <= length:
        raise _bad(f"Input num_split should be between 1 and the splitting dimension size ({length}), got {num_split}")
    size, more = divmod(length, num_split)
    parts: list[Any] = []
    start = 0
    for i in range(num_split):
        n = size + (i < more)
        inside = (indices[:, axis] >= start) & (indices[:, axis] < start + n)
        at, dims = np.array(indices[inside]), np.array(shape)
        at[:, axis] -= start
        dims[axis] = n
        parts.append((at, values[inside], dims))
        start += n
    return [p[0] for p in parts], [p[1] for p in parts], [p[2] for p in parts]


@sparse_split.shape
def _(split_dim: Any, indices: Any, values: Any, shape: Any, *, num_split: int) -> Any:
    one = _sparse_dims(indices, values, shape)
    return [one[0]] * num_split, [one[1]] * num_split, [one[2]] * num_split


@op(f"SparseSlice(indices: int64, values: T, shape: int64, start: int64, size: int64, *, T: type) -> {_OUT}", where="host")
def sparse_slice(xp, indices, values, shape, start, size):
    """The part of a sparse tensor that begins at `start` and is `size` long, or what there is of it."""
    if len(start) != len(shape) or len(size) != len(shape):
        raise _bad(f"start and size must have one entry for each of the {len(shape)} dimensions, got {len(start)} and {len(size)}")
    end = np.minimum(start + size, shape)
    inside = ((indices >= start) & (indices < end)).all(-1) if len(shape) else np.ones(len(indices), bool)
    return indices[inside] - start, values[inside], np.maximum(end - np.minimum(start, shape), 0)


sparse_slice.shape(lambda indices, values, shape, start, size: _sparse_dims(indices, values, shape))


@sparse_slice.grad
def _(node: Any, _: Any, dv: Any, __: Any) -> Any:
    indices, _, _, start, _ = node.inputs
    return None, sparse_slice_grad(dv, indices, start, node.outputs[0]), None, None, None


@op("SparseSliceGrad(backprop_val_grad: T, input_indices: int64, input_start: int64, output_indices: int64, *, T: numeric) -> val_grad: T",
    where="host", shape=lambda backprop_val_grad, input_indices, input_start, output_indices: (None if input_indices.shape is None else input_indices.shape[0],))  # fmt: skip
def sparse_slice_grad(xp, backprop_val_grad, input_indices, input_start, output_indices):
    """The gradient of SparseSlice: zero for the values outside."""
    found = {tuple(i): g for i, g in zip((output_indices + input_start).tolist(), backprop_val_grad)}
    zero = backprop_val_grad.dtype.type(0)
    return np.array([found.get(tuple(i), zero) for i in input_indices.tolist()], backprop_val_grad.dtype)


# -- reshaped ----------------------------------------------------------------------------------------------------------
def _target(shape: Any, new: Any) -> np.ndarray:
    dims = np.array(new, np.int64)
    unknown = np.flatnonzero(dims == -1)
    if unknown.size > 1:
        raise _bad(f"only one output dimension may be -1, not both {unknown[0]} and {unknown[1]}")
    size = total(shape)
    if (dims < -1).any():
        raise _bad(f"size {int(np.flatnonzero(dims < -1)[0])} must be non-negative, not {int(dims[dims < -1][0])}")
    if unknown.size:
        known = int(np.prod(dims[dims != -1], dtype=np.int64))
        if known <= 0:
            raise _bad("reshape cannot infer the missing input size for an empty tensor unless all specified input sizes are non-zero")
        dims[unknown[0]] = size // known
        if dims[unknown[0]] * known != size:
            raise _bad(f"Input to reshape is a SparseTensor with {size} dense values, but the requested shape requires a multiple of {known}. "
                       f"input_shape={list(map(int, shape))} output_shape={dims.tolist()}")  # fmt: skip
    elif total(dims) != size:
        raise _bad(f"Input to reshape is a tensor with {size} dense values, but the requested shape has {total(dims)}. "
                   f"input_shape={list(map(int, shape))} output_shape={dims.tolist()}")  # fmt: skip
    return dims


@op("SparseReshape(input_indices: int64, input_shape: int64, new_shape: int64) -> (output_indices: int64, output_shape: int64)",
    static=("input_shape", "new_shape"))  # fmt: skip
def sparse_reshape(xp, input_indices, input_shape, new_shape):
    """The indices in another shape of as many elements; one length may be -1."""
    dims = _target(input_shape, new_shape)
    number, out = places(xp, input_indices, input_shape), []
    for d in dims[::-1].tolist():
        out.append(number % max(d, 1))
        number = number // max(d, 1)
    return xp.stack(out[::-1], -1) if out else xp.zeros((input_indices.shape[0], 0), np.int64), dims


@sparse_reshape.shape
def _(input_indices: Any, input_shape: Any, new_shape: Any) -> Any:
    rank = None if new_shape.shape is None else new_shape.shape[0]
    return (None if input_indices.shape is None else input_indices.shape[0], rank), (rank,)


sparse_reshape.no_grad()


# -- rows --------------------------------------------------------------------------------------------------------------
@op("SparseFillEmptyRows(indices: int64, values: T, dense_shape: int64, default_value: T, *, T: type) -> "
    "(output_indices: int64, output_values: T, empty_row_indicator: bool, reverse_index_map: int64)", where="host")  # fmt: skip
def sparse_fill_empty_rows(xp, indices, values, dense_shape, default_value):
    """The default at column 0 of each row that holds nothing; which rows those are, and where each value went."""
    rows = int(dense_shape[0])
    first = indices[:, 0]
    if first.size and (first.min() < 0 or first.max() >= rows):
        i = int(np.flatnonzero((first < 0) | (first >= rows))[0])
        raise _bad(f"indices({i}, 0) is invalid: {int(first[i])} >= {rows}")
    empty = np.bincount(first, minlength=rows)[:rows] == 0
    extra = np.zeros((int(empty.sum()), indices.shape[1]), np.int64)
    extra[:, 0] = np.flatnonzero(empty)
    filler = np.empty(len(extra), values.dtype)
    filler[:] = np.asarray(default_value)[()]
    at = np.concatenate([indices, extra])
    order = np.argsort(at[:, 0], kind="stable")
    back = np.empty(len(order), np.int64)
    back[order] = np.arange(len(order))
    return at[order], np.concatenate([values, filler])[order], empty, back[: len(indices)]


@sparse_fill_empty_rows.shape
def _(indices: Any, values: Any, dense_shape: Any, default_value: Any) -> Any:
    rank, dims = rank_of(indices, dense_shape), dense_shape.dims
    return (None, rank), (None,), (dims[0] if dims else None,), (None if indices.shape is None else indices.shape[0],)


@op("SparseFillEmptyRowsGrad(reverse_index_map: int64, grad_values: T, *, T: type) -> (d_values: T, d_default_value: T)",
    shape=lambda reverse_index_map, grad_values: (reverse_index_map.shape, ()))  # fmt: skip
def sparse_fill_empty_rows_grad(xp, reverse_index_map, grad_values):
    """The gradients of the values, and of the default."""
    d_values = grad_values[reverse_index_map]
    return d_values, grad_values.sum() - d_values.sum()


@sparse_fill_empty_rows.grad
def _(node: Any, _: Any, dv: Any, __: Any, ___: Any) -> Any:
    d_values, d_default = sparse_fill_empty_rows_grad(node.outputs[3], dv)
    return None, d_values, None, d_default


# -- two sparse tensors ------------------------------------------------------------------------------------------------
def _check_pair(a_shape: Any, b_shape: Any) -> None:
    if len(a_shape) != len(b_shape):
        raise _bad(f"Operands' ranks do not match: {len(a_shape)} and {len(b_shape)}")
    for d, (x, y) in enumerate(zip(a_shape, b_shape)):
        if x != y:
            raise _bad(f"Operands' shapes do not match: got {x} and {y} for dimension {d}")


def _union(a_indices: Any, a_values: Any, b_indices: Any, b_values: Any, shape: Any, missing: Any) -> Any:
    """The places of either, in order, and both values there."""
    at = np.concatenate([a_indices, b_indices])
    _, first, group = np.unique(places(np, at, shape), return_index=True, return_inverse=True)
    group = group.reshape(-1)
    left, right = (np.full(len(first), missing, v.dtype) for v in (a_values, b_values))
    left[group[: len(a_values)]] = a_values
    right[group[len(a_values) :]] = b_values
    return at[first], left, right, group


@op(f"SparseAdd({_PAIR}, thresh: Treal, *, T: numeric, Treal: real) -> (sum_indices: int64, sum_values: T, sum_shape: int64)", where="host")
def sparse_add(xp, a_indices, a_values, a_shape, b_indices, b_values, b_shape, thresh):
    """The sum of two sparse tensors, without the elements that are smaller than `thresh`."""
    _check_pair(a_shape, b_shape)
    at, left, right, _ = _union(a_indices, a_values, b_indices, b_values, a_shape, 0)
    values = left + right
    kept = np.abs(values) >= thresh
    return at[kept], values[kept], np.array(a_shape)


@sparse_add.shape
def _(a_indices: Any, a_values: Any, a_shape: Any, b_indices: Any, b_values: Any, b_shape: Any, thresh: Any) -> Any:
    return _sparse_dims(a_indices, a_values, a_shape)


@op("SparseAddGrad(backprop_val_grad: T, a_indices: int64, b_indices: int64, sum_indices: int64, *, T: numeric) -> (a_val_grad: T, b_val_grad: T)",
    where="host")  # fmt: skip
def sparse_add_grad(xp, backprop_val_grad, a_indices, b_indices, sum_indices):
    """The gradients of the values of both; zero for those that the sum left out."""
    found = {tuple(i): g for i, g in zip(sum_indices.tolist(), backprop_val_grad)}
    zero = backprop_val_grad.dtype.type(0)
    return tuple(np.array([found.get(tuple(i), zero) for i in at.tolist()], backprop_val_grad.dtype) for at in (a_indices, b_indices))


sparse_add_grad.shape(lambda dv, a, b, s: ((None if a.shape is None else a.shape[0],), (None if b.shape is None else b.shape[0],)))


@sparse_add.grad
def _(node: Any, _: Any, dv: Any, __: Any) -> Any:
    a, b = sparse_add_grad(dv, node.inputs[0], node.inputs[3], node.outputs[0])
    return None, a, None, None, b, None, None


def _pairwise(name: str, types: str, choose: Any, doc: str) -> Any:
    def body(xp: Any, a_indices: Any, a_values: Any, a_shape: Any, b_indices: Any, b_values: Any, b_shape: Any) -> Any:
        _check_pair(a_shape, b_shape)
        at, left, right, _ = _union(a_indices, a_values, b_indices, b_values, a_shape, 0)
        return at, choose(left, right)

    body.__doc__ = doc
    made = op(f"{name}({_PAIR}, *, T: {types}) -> (output_indices: int64, output_values: T)", where="host")(body)
    made.shape(lambda a_indices, a_values, a_shape, *_: _sparse_dims(a_indices, a_values, a_shape)[:2])
    return made.no_grad()


SPARSE_MAXIMUM = _pairwise("SparseSparseMaximum", _REAL, np.maximum, "The larger of both at each place; what is not there is zero.")
SPARSE_MINIMUM = _pairwise("SparseSparseMinimum", "numeric", np.minimum, "The smaller of both at each place; what is not there is zero.")
