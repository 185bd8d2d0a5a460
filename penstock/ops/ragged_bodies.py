"""The ops of ragged tensors given as row splits and values."""

from typing import Any

import numpy as np

from penstock.base.errors import InvalidArgumentError
from penstock.ir.op import find, op
from penstock.ops.families import unbroadcast

_SPLITS = "Tsplits: index = int64"


def _bad(message: str) -> InvalidArgumentError:
    return InvalidArgumentError(None, None, message)


def ranges(starts: Any, limits: Any) -> np.ndarray:
    """The numbers of all ranges, one after the other."""
    lengths = np.maximum(limits - starts, 0)
    ends = np.cumsum(lengths)
    return np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - lengths - starts, lengths)


@op(f"RaggedRange(starts: T, limits: T, deltas: T, *, T: {{bfloat16|float32|float64|int32|int64}} = int32, {_SPLITS}) -> "
    "(rt_nested_splits: Tsplits, rt_dense_values: T)", where="host")  # fmt: skip
def RAGGED_RANGE(xp, starts, limits, deltas, *, Tsplits):  # noqa: N803
    """Row i holds starts[i], starts[i] + deltas[i], ... below limits[i]."""
    n = max(np.size(a) for a in (starts, limits, deltas)) if all(np.size(a) for a in (starts, limits, deltas)) else 0
    for name, a in (("starts", starts), ("limits", limits), ("deltas", deltas)):
        if a.ndim > 1:
            raise _bad(f"{name} must be a scalar or vector")
        if a.ndim and len(a) != n:
            raise _bad("starts, limits, and deltas must have the same shape")
    rows = []
    for s, e, d in zip(*[np.broadcast_to(a, (n,)) for a in (starts, limits, deltas)]):
        if d == 0:
            raise _bad("Requires delta != 0")
        count = max(0, int(np.ceil((float(e) - float(s)) / float(d)))) if starts.dtype.kind != "i" else max(0, -((int(s) - int(e)) // int(d)))
        rows.append((s + d * np.arange(count)).astype(starts.dtype))
    splits = np.concatenate([[0], np.cumsum([len(r) for r in rows])]).astype(Tsplits.array_dtype)
    return splits, np.concatenate(rows) if rows else np.zeros(0, starts.dtype)


@RAGGED_RANGE.shape
def _(starts: Any, limits: Any, deltas: Any, *, Tsplits: Any) -> Any:  # noqa: N803
    shapes = [s.shape for s in (starts, limits, deltas)]
    known = next((s[0] for s in shapes if s is not None and len(s) == 1 and s[0] is not None), None)
    if known is None and all(s is not None and not len(s) for s in shapes):
        known = 1
    return (None if known is None else known + 1,), (None,)


RAGGED_RANGE.no_grad()


@op("RaggedGather(params_nested_splits: PARAMS_RAGGED_RANK*Tsplits, params_dense_values: Tvalues, indices: Tindices, *, Tvalues: type, "
    f"Tindices: index, {_SPLITS}, PARAMS_RAGGED_RANK: int >= 1, OUTPUT_RAGGED_RANK: int >= 0) -> "
    "(output_nested_splits: OUTPUT_RAGGED_RANK*Tsplits, output_dense_values: Tvalues)", where="host")  # fmt: skip
def RAGGED_GATHER(xp, params_nested_splits, params_dense_values, indices, *, OUTPUT_RAGGED_RANK):  # noqa: N803
    """The rows of a ragged tensor at `indices`."""
    shape = indices.shape
    rows = indices.reshape(-1).astype(np.int64)
    first = params_nested_splits[0]
    wrong = (rows < 0) | (rows >= len(first) - 1)
    if wrong.any():
        raise _bad(f"indices[{int(np.argmax(wrong))}] = {int(rows[wrong][0])} is not in [0, {len(first) - 1})")
    starts, limits = first[rows], first[rows + 1]
    inner = []
    for depth, splits in enumerate(params_nested_splits):
        inner.append(np.concatenate([[0], np.cumsum(limits - starts)]).astype(splits.dtype))
        picked = ranges(starts, limits)
        if depth + 1 < len(params_nested_splits):
            following = params_nested_splits[depth + 1]
            starts, limits = following[picked], following[picked + 1]
    outer = []
    count = shape[0] if shape else 1
    for n in shape[1:]:
        outer.append(np.arange(0, count * n + 1, n or 1)[: count + 1].astype(first.dtype) if n else np.zeros(count + 1, first.dtype))
        count *= n
    return [*outer, *inner][:OUTPUT_RAGGED_RANK], params_dense_values[picked]


@RAGGED_GATHER.shape
def _(params_nested_splits: Any, params_dense_values: Any, indices: Any, *, OUTPUT_RAGGED_RANK: int) -> Any:  # noqa: N803
    values = params_dense_values.shape
    return [(None,)] * OUTPUT_RAGGED_RANK, None if values is None else (None, *values[1:])


@RAGGED_GATHER.grad
def _(node: Any, *dys: Any) -> Any:
    n = node.attrs["PARAMS_RAGGED_RANK"]
    splits, values, indices = list(node.inputs[:n]), node.inputs[n], node.inputs[n + 1]
    count = find("StridedSlice")(find("Shape")(values), [0], [1], [1], shrink_axis_mask=1)
    places = RAGGED_GATHER(splits, find("Range")(0, count, 1), indices, OUTPUT_RAGGED_RANK=node.attrs["OUTPUT_RAGGED_RANK"])[-1]
    return (*[None] * n, find("UnsortedSegmentSum")(dys[-1], places, count), None)


@op(f"RaggedTensorToSparse(rt_nested_splits: RAGGED_RANK*Tsplits, rt_dense_values: T, *, RAGGED_RANK: int >= 1, T: type, {_SPLITS}) -> "
    "(sparse_indices: int64, sparse_values: T, sparse_dense_shape: int64)", where="host")  # fmt: skip
def RAGGED_TO_SPARSE(xp, rt_nested_splits, rt_dense_values):
    """The same elements as a sparse tensor."""
    lengths = [np.diff(s) for s in rt_nested_splits]
    columns: list[np.ndarray] = []
    for depth, n in enumerate(lengths):
        columns = [np.repeat(c, n) for c in columns] if depth else [np.repeat(np.arange(len(n)), n)]
        columns.append(ranges(np.zeros_like(n), n))
    inner = rt_dense_values.shape[1:]
    size = int(np.prod(inner))
    columns = [np.repeat(c, size) for c in columns]
    if inner:
        columns += [np.tile(c, len(rt_dense_values)) for c in np.unravel_index(np.arange(size), inner)]
    shape = [len(lengths[0]), *[int(n.max()) if len(n) else 0 for n in lengths], *inner]
    return np.stack(columns, 1).astype(np.int64), rt_dense_values.reshape(-1), np.array(shape, np.int64)


@RAGGED_TO_SPARSE.shape
def _(rt_nested_splits: Any, rt_dense_values: Any) -> Any:
    rank = None if rt_dense_values.shape is None else len(rt_nested_splits) + len(rt_dense_values.shape)
    return (None, rank), (None,), (rank,)


@RAGGED_TO_SPARSE.grad
def _(node: Any, _: Any, dv: Any, __: Any) -> Any:
    values = node.inputs[-1]
    return (*[None] * (len(node.inputs) - 1), find("Reshape")(dv, find("Shape")(values)))


# -- to dense ----------------------------------------------------------------------------------------------------------
def _coordinates(tensors: list[Any], kinds: list[str]) -> tuple[list[np.ndarray], list[int], int]:
    """For each value its place along every axis, how long the axes are, and how many values there are."""
    columns: list[np.ndarray] = []
    sizes: list[int] = []
    if kinds[0] == "FIRST_DIM_SIZE":
        rows = int(tensors[0])
        rest = list(zip(tensors[1:], kinds[1:]))
        sizes.append(rows)
    else:
        rest = list(zip(tensors, kinds))
        rows = len(tensors[0]) - 1
        sizes.append(rows)
    columns = [np.arange(rows)]
    for tensor, kind in rest:
        if kind == "ROW_SPLITS":
            lengths = np.diff(tensor)
        elif kind == "VALUE_ROWIDS":
            lengths = np.bincount(tensor, minlength=rows)
        else:
            raise _bad(f"row partition type {kind!r} is not one of FIRST_DIM_SIZE, VALUE_ROWIDS, ROW_SPLITS")
        columns = [np.repeat(c, lengths) for c in columns]
        columns.append(ranges(np.zeros_like(lengths), lengths))
        sizes.append(int(lengths.max()) if len(lengths) else 0)
        rows = int(lengths.sum())
    return columns, sizes, rows


def _names(kinds: Any) -> list[str]:
    return [k.decode() if isinstance(k, bytes) else k for k in kinds]


def _output(shape: Any, sizes: list[int], inner: Any) -> list[int]:
    dims = [*sizes, *inner]
    given = [-1] * len(dims) if np.ndim(shape) == 0 or len(np.reshape(shape, -1)) == 0 else [int(s) for s in np.reshape(shape, -1)]
    return [d if g < 0 else g for d, g in zip(dims, given)]


@op("RaggedTensorToTensor(shape: Tshape, values: T, default_value: T, row_partition_tensors: num_row_partition_tensors*Tindex, *, T: type, Tindex: index, "
    "Tshape: index, num_row_partition_tensors: int >= 1, row_partition_types: list(str)) -> result: T", static=("shape", "row_partition_tensors"))  # fmt: skip
def RAGGED_TO_TENSOR(xp, shape, values, default_value, row_partition_tensors, *, row_partition_types):
    """A dense tensor with the default where a row is too short; longer rows than `shape` allows are cut."""
    columns, sizes, count = _coordinates([np.asarray(t) for t in row_partition_tensors], _names(row_partition_types))
    inner = tuple(values.shape[1:])
    dims = _output(np.asarray(shape), sizes, inner)
    lead = dims[: len(sizes)]
    inside = np.ones(count, bool)
    for c, d in zip(columns, lead):
        inside &= c < d
    number = np.ravel_multi_index([np.minimum(c[inside], max(d - 1, 0)) for c, d in zip(columns, lead)], lead) if inside.any() else np.zeros(0, np.int64)
    whole = xp.broadcast_to(default_value, dims).reshape(int(np.prod(lead)), *dims[len(sizes) :])
    kept = values[:count][np.flatnonzero(inside)]
    cut = tuple(slice(0, min(a, b)) for a, b in zip(inner, dims[len(sizes) :]))
    kept = kept[(slice(None), *cut)]
    if xp is np:
        whole = np.array(whole)
        whole[(number, *cut)] = kept
    else:
        whole = whole.at[(number, *cut)].set(kept)
    return whole.reshape(dims)


@RAGGED_TO_TENSOR.shape
def _(shape: Any, values: Any, default_value: Any, row_partition_tensors: Any, *, row_partition_types: Any) -> Any:
    if values.shape is None:
        return None
    first = row_partition_tensors[0]
    rows = None
    if _names(row_partition_types)[0] == "FIRST_DIM_SIZE":
        rows = None if first.value is None else int(first.value)
    elif first.shape is not None and first.shape[0] is not None:
        rows = first.shape[0] - 1
    count = len(row_partition_tensors) - (_names(row_partition_types)[0] == "FIRST_DIM_SIZE") + 1
    dims = [rows, *[None] * (count - 1), *values.shape[1:]]
    given = shape.dims
    if given is not None and len(given) == len(dims):
        dims = [d if g is None else g for d, g in zip(dims, given)]
    return tuple(dims)


@RAGGED_TO_TENSOR.grad
def _(node: Any, dy: Any) -> Any:
    shape, values, default, *partitions = node.inputs
    kinds = node.attrs["row_partition_types"]
    count = find("StridedSlice")(find("Shape")(values), [0], [1], [1], shrink_axis_mask=1)
    lead = len(partitions) - (_names(kinds)[0] == "FIRST_DIM_SIZE") + 1
    outer = find("StridedSlice")(find("Shape")(node.outputs[0]), [0], [lead], [1], begin_mask=1)
    places = RAGGED_TO_TENSOR(outer, find("Range")(0, count, 1), -1, partitions, row_partition_types=kinds)
    where = find("Where")(find("GreaterEqual")(places, 0))
    found = find("GatherNd")(dy, where)
    dv = find("UnsortedSegmentSum")(found, find("GatherNd")(places, where), count)
    rest = find("Mul")(dy, find("Cast")(_widened(find("Less")(places, 0), dy, lead), DstT=dy.dtype))
    return (None, dv, unbroadcast(rest, default, node.outputs[0]), *[None] * len(partitions))


def _widened(mask: Any, like: Any, rank: int) -> Any:
    for _ in range((like.shape.rank or rank) - rank):
        mask = find("ExpandDims")(mask, -1)
    return mask

