"""`tf.ragged`, the operators of RaggedTensors, and ordinary functions on them."""

import importlib
from typing import Any

import numpy as np

from penstock.base import dtypes
from penstock.base.dtypes import as_dtype
from penstock.base.errors import InvalidArgumentError
from penstock.base.export import PUBLIC, export
from penstock.base.shape import axis_of
from penstock.ir import door
from penstock.ir.convert import convert_to_tensor, to_array
from penstock.ir.known import known_value
from penstock.ir.op import find
from penstock.ir.scope import scoped
from penstock.ir.source import PLACEHOLDER
from penstock.ir.tensor import Tensor
from penstock.ops import arithmetic, bitwise, compare, elementwise, ragged_bodies as bodies
from penstock.ops.families import composites
from penstock.ops.ragged_indexing import take
from penstock.ops.ragged_spec import RaggedTensorSpec
from penstock.ops.ragged_tensor import RaggedTensor, RaggedTensorValue, ids_of_splits, splits_of_lengths

_LOADED = arithmetic, bitwise, compare, elementwise, RaggedTensorSpec  # what the operators and `_type_spec` stand for


# -- constants ---------------------------------------------------------------------------------------------------------
def _nested(pylist: Any, ragged_rank: Any, inner_shape: Any) -> tuple[list[list[int]], list[Any], tuple[int, ...]]:
    """The row lengths of each ragged axis, the flat values, and the shape of each of them."""
    if not isinstance(pylist, (list, tuple, np.ndarray)):
        raise ValueError(f"Expected a list; got a {type(pylist).__name__}: {pylist!r}")
    depth = _depth(pylist)
    if inner_shape is not None and ragged_rank is None:
        ragged_rank = max(1, depth - 1 - len(inner_shape))
    if ragged_rank is None:
        ragged_rank = max(1, depth - 1)
    if not depth > ragged_rank and depth != ragged_rank:
        raise ValueError(f"Invalid pylist={pylist!r}: incompatible with ragged_rank={ragged_rank}")
    lengths: list[list[int]] = []
    rows: Any = list(pylist)
    for _ in range(ragged_rank):
        for r in rows:
            if not isinstance(r, (list, tuple, np.ndarray)) or isinstance(r, np.ndarray) and r.ndim == 0:
                raise ValueError(f"Invalid pylist={pylist!r}: incompatible with ragged_rank={ragged_rank}" if rows is not pylist else "all scalar values must have the same nesting depth")
        lengths.append([len(r) for r in rows])
        rows = [v for r in rows for v in r]
    return lengths, rows, ragged_rank


def _depth(value: Any) -> int:
    """How deep lists are nested; empty lists say only the least."""
    if isinstance(value, np.ndarray):
        return value.ndim
    if not isinstance(value, (list, tuple)):
        return 0
    depths = {_depth(v) for v in value}
    if len({0 in depths, bool(depths - {0})}) == 1 and depths and 0 in depths and depths - {0}:
        raise ValueError("all scalar values must have the same nesting depth")
    return 1 + max(depths, default=0)


def _flat(rows: list[Any], dtype: Any, inner_shape: Any, depth_left: int) -> np.ndarray:
    if not rows:
        kind = dtypes.float32 if dtype is None else dtype
        return np.zeros((0, *(inner_shape or ())), kind.array_dtype)
    try:
        found = to_array(rows, dtype)
    except ValueError as e:
        raise ValueError(f"inner values have inconsistent shape or type: {e}") from None
    if inner_shape is not None:
        return found.reshape(-1, *inner_shape)
    return found


def _constant(pylist: Any, dtype: Any, ragged_rank: Any, inner_shape: Any) -> tuple[list[np.ndarray], np.ndarray]:
    dtype = None if dtype is None else as_dtype(dtype)
    if ragged_rank is not None and ragged_rank < 0:
        raise ValueError(f"Invalid ragged_rank={ragged_rank}: it must not be negative")
    if inner_shape is not None:
        inner_shape = tuple(int(d) for d in np.reshape(inner_shape, -1))
    lengths, rows, _ = _nested(pylist, ragged_rank, inner_shape)
    values = _flat(rows, dtype, inner_shape, 0)
    return [np.concatenate([[0], np.cumsum(n)]).astype(np.int64) for n in lengths], values


@export("ragged.constant")
def constant(pylist: Any, dtype: Any = None, ragged_rank: int | None = None, inner_shape: Any = None, name: str | None = None, row_splits_dtype: Any = dtypes.int64) -> Any:
    """A RaggedTensor of nested Python lists.

    >>> tf.ragged.constant([[1, 2], [3]]).row_splits.numpy().tolist()
    [0, 2, 3]
    """
    with scoped(name, "RaggedConstant"):
        if ragged_rank == 0 or not isinstance(pylist, (list, tuple, np.ndarray)):
            return convert_to_tensor(pylist, dtype)
        if ragged_rank is None and inner_shape is None and _depth(pylist) <= 1:
            return convert_to_tensor(pylist, dtype)
        splits, values = _constant(pylist, dtype, ragged_rank, inner_shape)
        wanted = as_dtype(row_splits_dtype).array_dtype
        result: Any = door.convert(values, None if dtype is None else as_dtype(dtype))
        for s in reversed(splits):
            result = RaggedTensor.from_row_splits(result, s.astype(wanted), validate=False)
        return result


@export(v1=("ragged.constant_value",))
def constant_value(pylist: Any, dtype: Any = None, ragged_rank: int | None = None, inner_shape: Any = None, row_splits_dtype: Any = "int64") -> Any:
    """A RaggedTensorValue (or a NumPy array when nothing is ragged) of nested Python lists."""
    if ragged_rank == 0 or _depth(pylist) <= 1 and ragged_rank is None and inner_shape is None:
        return np.array(pylist, None if dtype is None else as_dtype(dtype).array_dtype)
    splits, values = _constant(pylist, dtype, ragged_rank, inner_shape)
    if dtype is None and values.dtype == np.int32:
        values = values.astype(np.int64)  # as NumPy itself has it
    result: Any = values
    for s in reversed(splits):
        result = RaggedTensorValue(result, s.astype(as_dtype(row_splits_dtype).array_dtype))
    return result


@export(v1=("ragged.placeholder",))
def placeholder(dtype: Any, ragged_rank: int, value_shape: Any = None, name: str | None = None) -> Any:
    """A RaggedTensor that must be fed with a RaggedTensorValue."""
    if ragged_rank == 0:
        return PLACEHOLDER(dtype=dtype, shape=value_shape, name=name)
    with scoped(name, "RaggedPlaceholder"):
        flat: Any = PLACEHOLDER(dtype=dtype, shape=None if value_shape is None else [None, *value_shape], name="flat_values")
        for i in reversed(range(ragged_rank)):
            splits = PLACEHOLDER(dtype=dtypes.int64, shape=[None], name=f"row_splits_{i}")
            flat = RaggedTensor.from_row_splits(flat, splits, validate=False)
        return flat


@export("ragged.range")
def ragged_range(starts: Any, limits: Any = None, deltas: Any = 1, dtype: Any = None, name: str | None = None, row_splits_dtype: Any = dtypes.int64) -> RaggedTensor:
    """Row i holds starts[i], starts[i] + deltas[i], ... below limits[i].

    >>> tf.ragged.range([0, 5], [2, 8]).to_list()
    [[0, 1], [5, 6, 7]]
    """
    if limits is None:
        starts, limits = 0, starts
    with scoped(name, "RaggedRange"):
        given = [convert_to_tensor(x, dtype) for x in (starts, limits, deltas)]
        if dtype is None:
            order = [dtypes.int32, dtypes.int64, dtypes.float32, dtypes.float64]
            widest = max((x.dtype.base_dtype for x in given), key=lambda d: order.index(d) if d in order else -1)
            given = [x if x.dtype.base_dtype is widest else find("Cast")(x, DstT=widest) for x in given]
        splits, values = bodies.RAGGED_RANGE(*given, Tsplits=as_dtype(row_splits_dtype))
        return RaggedTensor.from_row_splits(values, splits, validate=False)


@export("ragged.row_splits_to_segment_ids")
def row_splits_to_segment_ids(splits: Any, name: str | None = None, out_type: Any = None) -> Any:
    """[nvals]: the row of each value."""
    with scoped(name, "RaggedSplitsToSegmentIds"):
        splits = convert_to_tensor(splits) if isinstance(splits, Tensor) else door.convert(splits, None if isinstance(splits, np.ndarray) else dtypes.int64)
        if splits.dtype.base_dtype not in (dtypes.int32, dtypes.int64):
            raise ValueError("splits must have dtype int32 or int64")
        made = ids_of_splits(splits)
        return made if out_type is None or as_dtype(out_type) is made.dtype else find("Cast")(made, DstT=as_dtype(out_type))


@export("ragged.segment_ids_to_row_splits")
def segment_ids_to_row_splits(segment_ids: Any, num_segments: Any = None, out_type: Any = None, name: str | None = None) -> Any:
    """[num_segments + 1]: the row splits of sorted segment ids."""
    with scoped(name, "SegmentIdsToRaggedSplits"):
        wanted = as_dtype(out_type) if out_type is not None else None
        if not isinstance(segment_ids, Tensor):
            segment_ids = door.convert(segment_ids, None if isinstance(segment_ids, np.ndarray) else wanted or dtypes.int64)
        values = find("Fill")(find("Shape")(segment_ids), np.int32(0))
        made = RaggedTensor.from_value_rowids(values, segment_ids, nrows=num_segments, validate=False).row_splits
        wanted = wanted or segment_ids.dtype.base_dtype
        return made if made.dtype.base_dtype is wanted else find("Cast")(made, DstT=wanted)


# -- functions of the values -------------------------------------------------------------------------------------------
@export("ragged.map_flat_values")
def map_flat_values(op: Any, *args: Any, **kwargs: Any) -> Any:
    """A RaggedTensor whose innermost values are `op` of the innermost values of the RaggedTensors among the arguments.

    >>> tf.ragged.map_flat_values(tf.add, tf.ragged.constant([[1, 2], [3]]), 1).to_list()
    [[2, 3], [4]]
    """
    found: list[RaggedTensor] = []

    def strip(value: Any) -> Any:
        if isinstance(value, RaggedTensor):
            found.append(value)
            return value.flat_values
        return type(value)(strip(v) for v in value) if type(value) in (list, tuple) else value

    inner = [strip(a) for a in args]
    keywords = {k: strip(v) for k, v in kwargs.items()}
    if not found:
        return op(*args, **kwargs)
    _same_rows(found)
    made = op(*inner, **keywords)
    rows, now = found[0].flat_values.shape, made.shape
    if now.rank == 0 or rows.rank and now.rank and None not in (rows[0], now[0]) and rows[0] != now[0]:
        raise ValueError(f"tf.ragged.map_flat_values requires that the output of `op` have the same outer-dimension size as flat_values of any ragged inputs. (output shape: {now}; expected outer dimension: {rows[0]})")
    return found[0].with_flat_values(made)


def _same_rows(tensors: list[RaggedTensor]) -> None:
    first = tensors[0]
    for other in tensors[1:]:
        if other.ragged_rank != first.ragged_rank:
            raise ValueError("All ragged inputs must have the same ragged_rank.")
        for a, b in zip(first.nested_row_splits, other.nested_row_splits):
            x, y = known_value(a), known_value(b)
            if a is not b and x is not None and y is not None and not np.array_equal(x, y):
                raise InvalidArgumentError(None, None, f"Inputs must have identical ragged splits: {x.tolist()} and {y.tolist()}")


def _broadcast(value: Any, like: RaggedTensor) -> Any:
    """For each innermost value of `like`, the element of a dense tensor that broadcasts to its place."""
    dense = convert_to_tensor(value, like.dtype.base_dtype) if not isinstance(value, Tensor) else value
    rank, whole = dense.shape.rank, like.shape.rank
    if rank == 0:
        return dense
    if rank is None or whole is None:
        raise ValueError("a RaggedTensor is broadcast only against tensors of known rank")
    inner = (like.flat_values.shape.rank or 1) - 1
    if rank > whole:
        raise ValueError(f"a tensor of rank {rank} cannot be broadcast to a RaggedTensor of rank {whole}")
    if rank <= inner:
        return dense
    lead = rank - inner  # how many ragged axes (and the rows) the dense tensor has
    coordinates = _places(like)[-lead:]
    shape = find("Shape")(dense, out_type=dtypes.int64)
    columns = []
    for i, c in enumerate(coordinates):
        n = find("StridedSlice")(shape, [i], [i + 1], [1], shrink_axis_mask=1)
        columns.append(find("Minimum")(find("Cast")(c, DstT=dtypes.int64) if c.dtype.base_dtype is not dtypes.int64 else c, find("Sub")(n, np.int64(1))))
        _check_axis(dense, like, i, len(coordinates))
    return find("GatherNd")(dense, find("Pack")(columns, axis=1))


def _check_axis(dense: Any, like: RaggedTensor, i: int, lead: int) -> None:
    size = dense.shape[i]
    depth = like.ragged_rank + 1 - lead + i
    if size in (None, 1):
        return
    if depth == 0:
        rows = like.shape[0]
        bad = rows is not None and rows != size
    else:
        splits = known_value(like.nested_row_splits[depth - 1])
        bad = splits is not None and bool((np.diff(splits) != size).any())
    if bad:
        raise InvalidArgumentError(None, None, f"Unable to broadcast: dimension size mismatch in dimension {depth}: the dense tensor's is {size}, the rows of the RaggedTensor differ")


def _places(r: RaggedTensor) -> list[Any]:
    """For each innermost value its row and its place along each ragged axis."""
    columns: list[Any] = []
    level: Any = r
    while isinstance(level, RaggedTensor):
        ids = level.value_rowids()
        columns = [find("GatherV2")(c, ids, 0) for c in columns] if columns else [ids]
        starts = find("GatherV2")(level.row_starts(), ids, 0)
        dtype = ids.dtype.array_dtype
        count = find("StridedSlice")(level.row_splits, [-1], [0], [1], shrink_axis_mask=1)
        columns.append(find("Sub")(find("Range")(np.array(0, dtype), count, np.array(1, dtype)), starts))
        level = level.values
    return columns


def _on_ragged(call: Any, args: tuple[Any, ...], name: str | None) -> Any:
    """An ordinary function of a RaggedTensor."""
    label = getattr(call, "__name__", "")
    if label.startswith("reduce_") and len(args) == 3:
        return reduce(call, label, *args)
    if len(args) == 1:
        return args[0].with_flat_values(call(args[0].flat_values, name=name))
    if len(args) != 2:
        raise TypeError(f"{label or 'this function'}() takes no RaggedTensor")
    x, y = args
    if label in ("equal", "not_equal") and (x is None or y is None):
        return label == "not_equal"
    if isinstance(x, RaggedTensor) and isinstance(y, RaggedTensor):
        x, y = _align(x, y)
        return x.with_flat_values(call(x.flat_values, y.flat_values, name=name))
    ragged = x if isinstance(x, RaggedTensor) else y
    if ragged is x:
        return x.with_flat_values(call(x.flat_values, _broadcast(y, x), name=name))
    return y.with_flat_values(call(_broadcast(x, y), y.flat_values, name=name))


def _align(x: RaggedTensor, y: RaggedTensor) -> tuple[RaggedTensor, RaggedTensor]:
    """Two RaggedTensors with the same partitions; rows of length 1 are repeated."""
    if x.row_splits.dtype is not y.row_splits.dtype:
        x, y = x.with_row_splits_dtype(dtypes.int64), y.with_row_splits_dtype(dtypes.int64)
    try:
        _same_rows([x, y])
        return x, y
    except (ValueError, InvalidArgumentError):
        if x.ragged_rank != 1 or y.ragged_rank != 1:
            raise
    a, b = known_value(x.row_lengths()), known_value(y.row_lengths())
    if a is None or b is None or len(a) != len(b) or (np.not_equal(a, b) & (a != 1) & (b != 1)).any():
        raise InvalidArgumentError(None, None, "Unable to broadcast: the rows of the RaggedTensors differ in length")
    lengths = np.where(a == 1, b, a)
    splits = np.concatenate([[0], np.cumsum(lengths)]).astype(x.row_splits.dtype.array_dtype)
    out = []
    for r, n in ((x, a), (y, b)):
        starts = np.cumsum(n) - n
        at = np.concatenate([np.full(k, s) if m == 1 else s + np.arange(k) for s, m, k in zip(starts, n, lengths)]) if len(n) else np.zeros(0)
        out.append(RaggedTensor.from_row_splits(find("GatherV2")(r.values, at.astype(np.int64), 0), splits, validate=False))
    return out[0], out[1]


composites[RaggedTensor] = _on_ragged
RaggedTensor.takes_elements = True  # type: ignore[attr-defined]

_SEGMENT = {"reduce_sum": "UnsortedSegmentSum", "reduce_prod": "UnsortedSegmentProd", "reduce_max": "UnsortedSegmentMax", "reduce_min": "UnsortedSegmentMin"}


def reduce(call: Any, label: str, r: RaggedTensor, axis: Any, keepdims: Any) -> Any:
    """A reduction of a RaggedTensor along one or several axes."""
    if axis is None:
        return call(r.flat_values, None, bool(keepdims) if keepdims is not None else False)
    if isinstance(axis, Tensor):
        axis = known_value(axis).tolist()
    rank = r.shape.rank
    if isinstance(axis, (list, tuple, np.ndarray)):
        axes = sorted({axis_of(int(a), rank) for a in axis}) if rank is not None else [int(a) for a in axis]
        if not axes:
            return r
        if label in ("reduce_mean", "reduce_std", "reduce_variance") and len(axes) > 1:
            if label != "reduce_mean":
                raise ValueError(f"{label} of a RaggedTensor takes one axis")
            total, count = find_public("reduce_sum")(r, axes, keepdims), find_public("reduce_sum")(r.with_flat_values(find("OnesLike")(r.flat_values)), axes, keepdims)
            return find_public("divide")(total, count)
        for a in reversed(axes):
            r = reduce(call, label, r, a, keepdims) if isinstance(r, RaggedTensor) else call(r, a, bool(keepdims))
        return r
    axis = int(axis)
    axis = axis_of(axis, rank) if rank is not None else axis
    if axis > r.ragged_rank:
        return r.with_flat_values(call(r.flat_values, axis - r.ragged_rank, bool(keepdims)))
    if axis > 1:
        return r.with_values(reduce(call, label, r.values, axis - 1, keepdims))
    if axis == 0:
        columns = _places(r)
        if r.ragged_rank > 1:
            raise ValueError(f"{label} along axis 0 of a RaggedTensor of ragged rank {r.ragged_rank}: merge its inner axes first (merge_dims)")
        made = _segments(label, r.values, columns[1], r.bounding_shape(1))
        return find("ExpandDims")(made, 0) if keepdims else made
    made = _segments(label, r.values, r.value_rowids(), r.nrows())
    if not keepdims:
        return made
    return find("ExpandDims")(made, 1) if not isinstance(made, RaggedTensor) else RaggedTensor.from_uniform_row_length(made, 1)


def _segments(label: str, values: Any, ids: Any, count: Any) -> Any:
    """The values of each segment reduced."""
    if isinstance(values, RaggedTensor):
        rows = values.value_rowids()
        outer = find("GatherV2")(ids, rows, 0)
        column = _places(values)[1]
        width = values.bounding_shape(1)
        number = find("AddV2")(find("Mul")(outer, width), column)
        lengths = find("UnsortedSegmentMax")(values.row_lengths(), ids, count)
        lengths = find("Maximum")(lengths, find("ZerosLike")(lengths))
        dense = _segments(label, values.values, number, find("Mul")(count, width))
        at = bodies.RAGGED_RANGE(find("Mul")(find("Range")(find("ZerosLike")(count), count, find("OnesLike")(count)), width),
                                 find("AddV2")(find("Mul")(find("Range")(find("ZerosLike")(count), count, find("OnesLike")(count)), width), lengths),
                                 find("OnesLike")(count), Tsplits=lengths.dtype)[1]  # fmt: skip
        return RaggedTensor.from_row_splits(find("GatherV2")(dense, at, 0), splits_of_lengths(lengths), validate=False)
    if label in _SEGMENT:
        return find(_SEGMENT[label])(values, ids, count)
    if label in ("reduce_any", "reduce_all"):
        numbers = find("Cast")(values, DstT=dtypes.int32)
        if label == "reduce_any":
            return find("Greater")(find("UnsortedSegmentMax")(numbers, ids, count), 0)
        return find("Greater")(find("UnsortedSegmentMin")(numbers, ids, count), 0)
    ones = find("UnsortedSegmentSum")(find("OnesLike")(values), ids, count)
    mean = find("RealDiv" if values.dtype.is_floating or values.dtype.is_complex else "FloorDiv")(find("UnsortedSegmentSum")(values, ids, count), ones)
    if label == "reduce_mean":
        return mean
    if label in ("reduce_variance", "reduce_std"):
        gap = find("Sub")(values, find("GatherV2")(mean, ids, 0))
        found = find("RealDiv")(find("UnsortedSegmentSum")(find("Mul")(gap, gap), ids, count), ones)
        return find("Sqrt")(found) if label == "reduce_std" else found
    raise ValueError(f"{label} takes no RaggedTensor")


# -- joined and masked -------------------------------------------------------------------------------------------------
def _as_ragged(x: Any, ragged_rank: int) -> Any:
    if isinstance(x, RaggedTensor):
        return x if x.ragged_rank >= ragged_rank else x.with_values(_as_ragged(x.values, ragged_rank - 1))
    return RaggedTensor.from_tensor(x, ragged_rank=ragged_rank) if ragged_rank > 0 else convert_to_tensor(x)


def ragged_concat(values: Any, axis: int) -> Any:
    """RaggedTensors (and tensors) one after the other along `axis`."""
    inputs = [v if isinstance(v, RaggedTensor) else convert_to_tensor(v) for v in values]
    rank = next((v.shape.rank for v in inputs if v.shape.rank is not None), None)
    axis = axis_of(axis, rank) if rank is not None else axis
    depth = max(v.ragged_rank if isinstance(v, RaggedTensor) else 0 for v in inputs)
    depth = max(depth, 1)
    return _concat([_as_ragged(v, depth) for v in inputs], axis)


def _concat(inputs: list[Any], axis: int) -> Any:
    if not isinstance(inputs[0], RaggedTensor):
        return find("ConcatV2")(inputs, axis)
    if axis == 0:
        lengths = find("ConcatV2")([x.row_lengths() for x in inputs], 0)
        return RaggedTensor.from_row_splits(_concat([x.values for x in inputs], 0), splits_of_lengths(lengths), validate=False)
    n = inputs[0].nrows()
    counts = [known_value(x.nrows()) for x in inputs]
    if all(c is not None for c in counts) and len({int(c) for c in counts}) > 1:
        raise InvalidArgumentError(None, None, f"Input tensors have incompatible shapes: they have {[int(c) for c in counts]} rows")
    if axis > 1:
        return inputs[0].with_values(_concat([x.values for x in inputs], axis - 1))
    stacked = _concat(inputs, 0)
    k = np.array(len(inputs), n.dtype.array_dtype)
    order = find("Reshape")(find("AddV2")(find("ExpandDims")(find("Range")(find("ZerosLike")(n), n, find("OnesLike")(n)), 1),
                                          find("Mul")(find("Range")(find("ZerosLike")(n), k, find("OnesLike")(n)), n)), [-1])  # fmt: skip
    taken = take(stacked, order)
    splits = find("StridedSlice")(taken.row_splits, [0], [0], np.array([len(inputs)]), begin_mask=1, end_mask=1)
    return RaggedTensor.from_row_splits(taken.values, splits, validate=False)


@export("ragged.stack")
def stack(values: Any, axis: int = 0, name: str | None = None) -> Any:
    """Tensors or RaggedTensors of rank R stacked into one of rank R + 1; rows may differ in length.

    >>> tf.ragged.stack([tf.constant([1, 2]), tf.constant([3])]).to_list()
    [[1, 2], [3]]
    """
    if not isinstance(values, (list, tuple)):
        values = [values]
    if not values:
        raise ValueError("rt_inputs may not be empty.")
    with scoped(name, "RaggedConcat"):
        inputs = [v if isinstance(v, RaggedTensor) else convert_to_tensor(v) for v in values]
        rank = inputs[0].shape.rank
        if rank == 0:
            return find("Pack")(inputs, axis=0)
        axis = axis_of(axis, rank + 1) if rank is not None else axis
        if axis == 0 and all(not isinstance(v, RaggedTensor) for v in inputs):
            if rank == 1:
                lengths = find("Pack")([find("StridedSlice")(find("Shape")(v), [0], [1], [1], shrink_axis_mask=1) for v in inputs], axis=0)
                return RaggedTensor.from_row_splits(find("ConcatV2")(inputs, 0), splits_of_lengths(lengths), validate=False)
        depth = max([v.ragged_rank if isinstance(v, RaggedTensor) else 0 for v in inputs] + [1])
        ragged = [_as_ragged(v, min(depth, (v.shape.rank or 2) - 1)) for v in inputs]
        if axis == 0:
            count = find("Pack")([v.nrows() for v in ragged], axis=0)
            return RaggedTensor.from_row_splits(_concat(ragged, 0), splits_of_lengths(count), validate=False)
        if axis == 1:
            return _concat([RaggedTensor.from_uniform_row_length(v, np.int64(1)) for v in ragged], 1)
        return ragged[0].with_values(stack([v.values for v in ragged], axis - 1))


@export("ragged.stack_dynamic_partitions")
def stack_dynamic_partitions(data: Any, partitions: Any, num_partitions: Any, name: str | None = None) -> Any:
    """Row i holds those elements of `data` whose partition is i, in order."""
    with scoped(name, "SegmentStack"):
        partitions = partitions if isinstance(partitions, RaggedTensor) else convert_to_tensor(partitions)
        if isinstance(partitions, RaggedTensor):
            data = data if isinstance(data, RaggedTensor) else _as_ragged(data, partitions.ragged_rank)
            return stack_dynamic_partitions(data.flat_values, partitions.flat_values, num_partitions)
        data = data if isinstance(data, RaggedTensor) else convert_to_tensor(data)
        if partitions.shape.rank and partitions.shape.rank > 1:
            rank = partitions.shape.rank
            flat = data.merge_dims(0, rank - 1) if isinstance(data, RaggedTensor) else find("Reshape")(
                data, find("ConcatV2")([np.array([-1], np.int32), find("StridedSlice")(find("Shape")(data), [rank], [0], [1], end_mask=1)], 0))  # fmt: skip
            return stack_dynamic_partitions(flat, find("Reshape")(partitions, [-1]), num_partitions)
        ids = partitions if partitions.dtype.base_dtype in (dtypes.int32, dtypes.int64) else find("Cast")(partitions, DstT=dtypes.int64)
        order = find_public("argsort")(ids, stable=True)
        taken = take(data, order) if isinstance(data, RaggedTensor) else find("GatherV2")(data, order, 0)
        count = door.convert(num_partitions)
        count = count if count.dtype.base_dtype is ids.dtype.base_dtype else find("Cast")(count, DstT=ids.dtype)
        return RaggedTensor.from_value_rowids(taken, find("GatherV2")(ids, order, 0), nrows=count, validate=False)


@export("ragged.boolean_mask")
def boolean_mask(data: Any, mask: Any, name: str | None = None) -> Any:
    """The elements of `data` where `mask` is true; rows keep apart what they keep.

    >>> tf.ragged.boolean_mask([[1, 2], [3, 4]], [[True, False], [True, True]]).to_list()
    [[1], [3, 4]]
    """
    with scoped(name, "RaggedMask"):
        data = data if isinstance(data, RaggedTensor) else convert_to_tensor(data)
        if isinstance(mask, (list, tuple)):
            mask = constant(mask, dtypes.bool) if _uneven(mask) else convert_to_tensor(mask, dtypes.bool)
        mask = mask if isinstance(mask, RaggedTensor) else convert_to_tensor(mask, dtypes.bool)
        rank = mask.shape.rank
        if rank is None:
            raise ValueError("mask.shape.ndims must be known statically.")
        if rank == 0:
            raise ValueError("mask cannot be scalar.")
        if rank == 1 and not isinstance(mask, RaggedTensor):
            at = find("Reshape")(find("Where")(mask), [-1])
            return take(data, at) if isinstance(data, RaggedTensor) else find("GatherV2")(data, at, 0)
        depth = rank - 1
        if isinstance(data, RaggedTensor):
            depth = max(depth, data.ragged_rank)
        m, d = _as_ragged(mask, rank - 1), _as_ragged(data, max(rank - 1, data.ragged_rank if isinstance(data, RaggedTensor) else 0))
        _same_rows_outer(m, d)
        inner = boolean_mask(d.values, m.values)
        if rank == 2:
            kept = find("UnsortedSegmentSum")(find("Cast")(m.flat_values, DstT=m.row_splits.dtype), m.value_rowids(), m.nrows())
            return RaggedTensor.from_row_splits(inner, splits_of_lengths(kept), validate=False)
        return m.with_values(inner)


def _same_rows_outer(a: RaggedTensor, b: RaggedTensor) -> None:
    x, y = known_value(a.row_splits), known_value(b.row_splits)
    if x is not None and y is not None and not np.array_equal(x, y):
        raise InvalidArgumentError(None, None, f"the mask's rows end at {x.tolist()}, those of the data at {y.tolist()}")


def _uneven(value: Any) -> bool:
    try:
        np.array(value)
    except ValueError:
        return True
    return False


# -- operators ---------------------------------------------------------------------------------------------------------
def find_public(name: str) -> Any:
    """A public function of another family."""
    module, _, path = PUBLIC[name].partition(":")
    found: Any = importlib.import_module(module)
    for part in path.split("."):
        found = getattr(found, part)
    return found


def _operator(symbol: str, public: str, reflected: bool = True) -> None:
    def forward(self: RaggedTensor, other: Any) -> Any:
        return _on_ragged(find_public(public), (self, other), None)

    def backward(self: RaggedTensor, other: Any) -> Any:
        return _on_ragged(find_public(public), (other, self), None)

    setattr(RaggedTensor, f"__{symbol}__", forward)
    if reflected:
        setattr(RaggedTensor, f"__r{symbol}__", backward)


for _symbol, _public in {"add": "add", "sub": "subtract", "mul": "multiply", "truediv": "truediv", "div": "divide", "floordiv": "math.floordiv", "mod": "math.floormod",
                         "pow": "pow", "and": "math.logical_and", "or": "math.logical_or", "xor": "math.logical_xor"}.items():  # fmt: skip
    _operator(_symbol, _public)
for _symbol, _public in {"lt": "less", "le": "less_equal", "gt": "greater", "ge": "greater_equal", "eq": "equal", "ne": "not_equal"}.items():
    _operator(_symbol, _public, reflected=False)
RaggedTensor.__neg__ = lambda s: s.with_flat_values(find("Neg")(s.flat_values))  # type: ignore[attr-defined]
RaggedTensor.__abs__ = lambda s: s.with_flat_values(find_public("abs")(s.flat_values))  # type: ignore[attr-defined]
RaggedTensor.__invert__ = lambda s: s.with_flat_values(find("LogicalNot")(s.flat_values))  # type: ignore[attr-defined]


def _no_truth(self: RaggedTensor) -> bool:
    raise TypeError("RaggedTensor may not be used as a boolean.")


RaggedTensor.__bool__ = RaggedTensor.__nonzero__ = _no_truth  # type: ignore[attr-defined]

from penstock.ops import ragged_arrays, ragged_functions  # noqa: E402, F401 - what array functions do with RaggedTensors, built on the above
