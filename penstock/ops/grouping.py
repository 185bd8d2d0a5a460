"""Grouping by value: unique, differences of lists, partitions and their undoing."""

from typing import Any

import numpy as np

from penstock.base import dtypes
from penstock.base.dtypes import as_dtype
from penstock.base.errors import InvalidArgumentError, ShapeError
from penstock.base.export import export
from penstock.base.shape import as_text, axis_of
from penstock.ir.op import op
from penstock.ops import constants, shapes
from penstock.ops.families import dispatched, later
from penstock.ops.gather_scatter import gather
from penstock.ops.indexed_slices import dense_of

_Prod = later("Prod")


# -- unique ------------------------------------------------------------------------------------------------------------
def _unique(x: np.ndarray, axis: Any = None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(the distinct values in the order they appear, the place of each value among them, how often each appears)."""
    if axis is not None and axis.size:
        if axis.size != 1:
            raise InvalidArgumentError(f"axis does not support input tensors larger than 1 elements, got {axis.size}")
        at = axis_of(int(axis.reshape(())), x.ndim)
        rows = np.moveaxis(x, at, 0)
        keys: Any = [tuple(r.ravel().tolist()) for r in rows]
    else:
        if x.ndim != 1:
            raise ShapeError("unique expects a 1D vector.")
        at, rows = 0, x
        keys = None
    if keys is None and x.dtype != object and x.size:
        _, first, inverse, count = np.unique(x, return_index=True, return_inverse=True, return_counts=True, equal_nan=False)
        order = np.argsort(first, kind="stable")
        place = np.empty_like(order)
        place[order] = np.arange(len(order))
        return x[first[order]], place[inverse.reshape(-1)], count[order]
    seen: dict[Any, int] = {}
    places, firsts, counts = [], [], []
    for i, k in enumerate(keys if keys is not None else x.tolist()):
        j = seen.setdefault(k, len(seen))
        if j == len(firsts):
            firsts.append(i)
            counts.append(0)
        counts[j] += 1
        places.append(j)
    return np.moveaxis(rows[np.array(firsts, np.int64)], 0, at), np.array(places, np.int64), np.array(counts, np.int64)


def _unique_shape(x: Any, axis: Any = None, **_: Any) -> Any:
    if axis is None or (axis.value is not None and not axis.value.size):
        if x.rank not in (None, 1):
            raise ShapeError(f"unique expects a 1D vector, got shape {as_text(x.shape)}")
        return (None,), x.shape if x.shape is not None else (None,)
    if x.shape is None or axis.value is None:
        return None if x.shape is None else (None,) * x.rank, (None,)
    at = axis_of(int(axis.value.reshape(-1)[0]), x.rank)
    return tuple(None if i == at else d for i, d in enumerate(x.shape)), (x.shape[at],)


@op("Unique(x: T, *, T: type, out_idx: index = int32) -> (y: T, idx: out_idx)", where="host", shape=_unique_shape)
def unique_op(xp, x):
    """The distinct values in the order they appear, and the place of each value among them."""
    return _unique(x)[:2]


@op("UniqueWithCounts(x: T, *, T: type, out_idx: index = int32) -> (y: T, idx: out_idx, count: out_idx)", where="host",
    shape=lambda x, *, out_idx: (*_unique_shape(x), (None,)))  # fmt: skip
def unique_with_counts_op(xp, x):
    """The distinct values, the place of each value among them, and how often each appears."""
    return _unique(x)


unique_with_counts_op.shape(lambda x, **_: (*_unique_shape(x), (None,)))


@op("UniqueV2(x: T, axis: Taxis, *, T: type, Taxis: index = int64, out_idx: index = int32) -> (y: T, idx: out_idx)", where="host", shape=_unique_shape)
def unique_v2_op(xp, x, axis):
    """The distinct slices along an axis, and the place of each slice among them."""
    return _unique(x, axis)[:2]


@op("UniqueWithCountsV2(x: T, axis: Taxis, *, T: type, Taxis: index = int64, out_idx: index = int32) -> (y: T, idx: out_idx, count: out_idx)",
    where="host", shape=lambda x, axis, **_: (*_unique_shape(x, axis), (None,)))  # fmt: skip
def unique_with_counts_v2_op(xp, x, axis):
    """The distinct slices along an axis, the place of each slice among them, and how often each appears."""
    return _unique(x, axis)


for _o in (unique_op, unique_with_counts_op, unique_v2_op, unique_with_counts_v2_op):
    _o.no_grad()


@export("unique")
def unique(x, out_idx=dtypes.int32, name=None):
    """The distinct values of a vector in the order they appear, and the place of each element among them.

    >>> y, idx = tf.unique([3, 1, 3])
    >>> y.numpy().tolist(), idx.numpy().tolist()
    ([3, 1], [0, 1, 0])
    """
    return unique_op(x, out_idx=out_idx, name=name)


@export("unique_with_counts")
def unique_with_counts(x, out_idx=dtypes.int32, name=None):
    """The distinct values of a vector, the place of each element among them, and how often each appears."""
    return unique_with_counts_op(x, out_idx=out_idx, name=name)


@op("ListDiff(x: T, y: T, *, T: type, out_idx: index = int32) -> (out: T, idx: out_idx)", where="host", shape=lambda x, y, **_: ((None,), (None,)))
def list_diff_op(xp, x, y):
    """The values of x that y does not hold, and where they were."""
    for v, n in ((x, "x"), (y, "y")):
        if v.ndim != 1:
            raise ShapeError(f"{n} should be a 1D vector, got shape {list(v.shape)}")
    gone = set(y.tolist())
    places = np.array([i for i, v in enumerate(x.tolist()) if v not in gone], np.int64)
    return x[places], places


list_diff_op.no_grad()


@export(v1=("setdiff1d",))
def setdiff1d(x, y, index_dtype=dtypes.int32, name=None):
    """The values of `x` that `y` does not hold, and where they were."""
    return list_diff_op(x, y, out_idx=as_dtype(index_dtype), name=name)


# -- partitions --------------------------------------------------------------------------------------------------------
@op("DynamicPartition(data: T, partitions: int32, *, T: type, num_partitions: int >= 1) -> outputs: num_partitions*T", where="host")
def dynamic_partition_op(xp, data, partitions, *, num_partitions):
    """The slices of data by the number of the part that each belongs to."""
    if data.shape[: partitions.ndim] != partitions.shape:
        raise ShapeError(f"data.shape must start with partitions.shape, got data.shape = {as_text(data.shape)}, partitions.shape = {as_text(partitions.shape)}")
    bad = (partitions < 0) | (partitions >= num_partitions)
    if bad.any():
        at = tuple(np.argwhere(bad)[0].tolist())
        raise InvalidArgumentError(f"partitions[{','.join(map(str, at))}] = {int(partitions[at])} is not in [0, {num_partitions})")
    return [data[partitions == i] for i in np.arange(num_partitions)]


@dynamic_partition_op.shape
def _(data, partitions, *, num_partitions):
    if data.shape is None or partitions.shape is None:
        return [None] * num_partitions
    for a, b in zip(data.shape, partitions.shape):
        if a is not None and b is not None and int(a) != int(b):
            raise ShapeError(f"data.shape must start with partitions.shape, got data.shape = {as_text(data.shape)}, partitions.shape = {as_text(partitions.shape)}")
    if len(partitions.shape) > len(data.shape):
        raise ShapeError(f"data.shape must start with partitions.shape, got data.shape = {as_text(data.shape)}, partitions.shape = {as_text(partitions.shape)}")
    return [(None, *data.shape[len(partitions.shape) :])] * num_partitions


@dynamic_partition_op.grad
def _(node, *dys):
    data, partitions = node.inputs
    n = node.attrs["num_partitions"]
    sizes = shapes.shape_of(partitions)
    count = np.array(np.prod(sizes, dtype=np.int64), np.int32) if isinstance(sizes, np.ndarray) else _Prod(sizes, np.array([0], np.int32))
    places = shapes.reshape_op(constants.range_op(0, count, 1), sizes)
    parts = dynamic_partition_op(places, partitions, num_partitions=n)
    dys = [find_zeros(o) if d is None else dense_of(d) for o, d in zip(node.outputs, dys)]
    return shapes.reshape_op(dynamic_stitch_op(parts, dys), shapes.shape_of(data)), None


def find_zeros(t: Any) -> Any:
    return constants.zeros_like_op(t)


@export("dynamic_partition")
@dispatched
def dynamic_partition(data, partitions, num_partitions, name=None):
    """The slices of `data` in `num_partitions` tensors, by the number in `partitions`.

    >>> [t.numpy().tolist() for t in tf.dynamic_partition([10, 20, 30], [0, 1, 0], 2)]
    [[10, 30], [20]]
    """
    return dynamic_partition_op(data, partitions, num_partitions=num_partitions, name=name)


def _stitch(xp: Any, indices: list[Any], data: list[Any]) -> Any:
    rest = None
    top = -1
    for n, (i, d) in enumerate(zip(indices, data)):
        if tuple(d.shape[: i.ndim]) != tuple(i.shape):
            raise ShapeError(f"data[{n}].shape = {as_text(tuple(d.shape))} does not start with indices[{n}].shape = {as_text(tuple(i.shape))}")
        tail = tuple(d.shape[i.ndim :])
        if rest is not None and tail != rest:
            raise ShapeError(f"Need data[0].shape[{indices[0].ndim}:] = data[{n}].shape[{i.ndim}:], got {as_text(rest)} and {as_text(tail)}")
        rest = tail
        if i.size:
            if i.min() < 0:
                raise InvalidArgumentError(f"indices[{n}] is out of range: it holds {int(i.min())}")
            top = max(top, int(i.max()))
    assert rest is not None
    if xp is np:
        out = np.full((top + 1, *rest), b"", object) if data[0].dtype == object else np.zeros((top + 1, *rest), data[0].dtype)
        for i, d in zip(indices, data):
            out[i.reshape(-1)] = d.reshape(-1, *rest)
        return out
    # the indices are known: one gather puts every row (the last of equal ones) in its place
    flat = np.concatenate([i.reshape(-1) for i in indices])
    source = np.full(top + 1, len(flat), np.int64)
    source[flat] = np.arange(len(flat))
    rows = xp.concatenate([*[xp.asarray(d).reshape(-1, *rest) for d in data], xp.zeros((1, *rest), data[0].dtype)])
    return rows[source]


def _stitched(indices: Any, data: Any) -> Any:
    values = [i.value for i in indices]
    top = None
    if all(v is not None for v in values):
        top = max((int(v.max()) for v in values if v.size), default=-1) + 1
    rest: Any = None
    for i, d in zip(indices, data):
        if i.shape is not None and d.shape is not None:
            if len(d.shape) < len(i.shape):
                raise ShapeError(f"{d.name} of shape {as_text(d.shape)} must start with the shape {as_text(i.shape)} of its indices")
            tail = d.shape[len(i.shape) :]
            if rest is not None and (len(rest) != len(tail) or any(a is not None and b is not None and int(a) != int(b) for a, b in zip(rest, tail))):
                raise ShapeError(f"the data differ beyond their indices: {as_text(rest)} and {as_text(tail)}")
            rest = tail if rest is None else tuple(b if a is None else a for a, b in zip(rest, tail))
    return None if rest is None else (top, *rest)


@op("DynamicStitch(indices: N*int32, data: N*T, *, N: int >= 1, T: type) -> merged: T", static=("indices",), shape=_stitched, moves=True)
def dynamic_stitch_op(xp, indices, data):
    """merged[indices[m][i]] = data[m][i]; of equal indices the last one counts."""
    return _stitch(xp, indices, data)


@op("ParallelDynamicStitch(indices: N*int32, data: N*T, *, N: int >= 1, T: type) -> merged: T", static=("indices",), shape=_stitched)
def parallel_dynamic_stitch_op(xp, indices, data):
    """merged[indices[m][i]] = data[m][i]."""
    return _stitch(xp, indices, data)


def _stitch_grad(node: Any, dy: Any) -> Any:
    n = node.attrs["N"]
    dy = dense_of(dy)
    return (*[None] * n, *[gather(dy, i) for i in node.inputs[:n]])


dynamic_stitch_op.grad(_stitch_grad)
parallel_dynamic_stitch_op.grad(_stitch_grad)


@export("dynamic_stitch")
def dynamic_stitch(indices, data, name=None):
    """One tensor whose rows `indices[m]` are those of `data[m]`.

    >>> tf.dynamic_stitch([[0, 2], [1]], [[10, 30], [20]]).numpy().tolist()
    [10, 20, 30]
    """
    return dynamic_stitch_op(indices, data, name=name)


# -- edit distance -----------------------------------------------------------------------------------------------------
@op("EditDistance(hypothesis_indices: int64, hypothesis_values: T, hypothesis_shape: int64, truth_indices: int64, truth_values: T, truth_shape: int64, "
    "*, T: type, normalize: bool = True) -> output: float32", where="host")  # fmt: skip
def edit_distance_op(xp, hypothesis_indices, hypothesis_values, hypothesis_shape, truth_indices, truth_values, truth_shape, *, normalize):
    """The Levenshtein distance of each pair of sequences, divided by the length of the true one if asked for."""
    rank = len(hypothesis_shape)
    if rank != len(truth_shape):
        raise InvalidArgumentError(f"Expected hypothesis_shape and truth_shape of one rank, got {rank} and {len(truth_shape)}")
    if rank < 2:
        raise InvalidArgumentError(f"Hypothesis tensors must have rank of at least 2, got {rank}")
    dims = np.maximum(hypothesis_shape[:-1], truth_shape[:-1])
    groups: list[dict[Any, list[Any]]] = [{}, {}]
    for group, indices, values in ((groups[0], hypothesis_indices, hypothesis_values), (groups[1], truth_indices, truth_values)):
        for row, v in zip(indices.tolist(), values.tolist()):
            group.setdefault(tuple(row[:-1]), []).append(v)
    out = np.zeros(dims, np.float32)
    for key in {*groups[0], *groups[1]}:
        h, t = groups[0].get(key, []), groups[1].get(key, [])
        distance = float(_levenshtein(t, h))
        if normalize:
            distance = distance / len(t) if t else (np.inf if h else 0.0)
        out[key] = distance
    return out


def _levenshtein(a: list[Any], b: list[Any]) -> int:
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        last, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            last, row[j] = row[j], last if x == y else 1 + min(last, row[j], row[j - 1])
    return row[-1]


@edit_distance_op.shape
def _(hypothesis_indices, hypothesis_values, hypothesis_shape, truth_indices, truth_values, truth_shape, *, normalize):
    h, t = hypothesis_shape.value, truth_shape.value
    if h is not None and t is not None:
        return tuple(np.maximum(h[:-1], t[:-1]).tolist())
    n = next((s.shape[0] for s in (hypothesis_shape, truth_shape) if s.shape), None)
    return None if n is None else (None,) * (int(n) - 1)


edit_distance_op.no_grad()


@export("edit_distance")
def edit_distance(hypothesis, truth, normalize=True, name="edit_distance"):
    """The Levenshtein distance between the sequences of two SparseTensors, along their last axis."""
    from penstock.ops.sparse_tensor import SparseTensor

    for what, value in (("Hypothesis", hypothesis), ("Truth", truth)):
        if not isinstance(value, SparseTensor) and not hasattr(value, "dense_shape"):
            raise TypeError(f"{what} must be a SparseTensor.")
    return edit_distance_op(hypothesis.indices, hypothesis.values, hypothesis.dense_shape, truth.indices, truth.values, truth.dense_shape,
                            normalize=normalize, name=name)  # fmt: skip
