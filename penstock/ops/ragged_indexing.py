"""`ragged[key]`: rows, and slices of rows."""

from typing import Any

import numpy as np

from penstock.base.export import export
from penstock.ir import door
from penstock.ir.op import find
from penstock.ir.tensor import Tensor
from penstock.ops import ragged_bodies as bodies
from penstock.ops.ragged_tensor import RaggedTensor


def take(r: RaggedTensor, indices: Any) -> RaggedTensor:
    """The rows at `indices`."""
    splits = list(r.nested_row_splits)
    new, flat = bodies.RAGGED_GATHER(splits, r.flat_values, indices, OUTPUT_RAGGED_RANK=len(splits))
    result: Any = flat
    for s in reversed(new):
        result = RaggedTensor.from_row_splits(result, s, validate=False)
    return result


def _slice_rows(x: Any, start: Any, stop: Any) -> Any:
    """Rows start..stop-1 of a tensor or RaggedTensor."""
    if not isinstance(x, RaggedTensor):
        return find("StridedSlice")(x, find("Pack")([start], axis=0), find("Pack")([stop], axis=0), [1])
    one = np.array(1, start.dtype.array_dtype)
    splits = find("StridedSlice")(x.row_splits, find("Pack")([start], axis=0), find("Pack")([find("AddV2")(stop, one)], axis=0), [1])
    first = find("StridedSlice")(splits, [0], [1], [1], shrink_axis_mask=1)
    last = find("StridedSlice")(splits, [-1], [0], [1], shrink_axis_mask=1)
    return RaggedTensor.from_row_splits(_slice_rows(x.values, first, last), find("Sub")(splits, first), validate=False)


@export(v2=("__operators__.ragged_getitem",))
def ragged_getitem(rt_input: RaggedTensor, key: Any) -> Any:
    """`rt_input[key]`: integers take rows, slices keep them; inner ragged axes take slices only."""
    keys = list(key) if isinstance(key, tuple) else [key]
    if sum(k is Ellipsis for k in keys) > 1:
        raise ValueError("Only one ellipsis is allowed in a slice key")
    if Ellipsis in [k for k in keys if k is Ellipsis]:
        at = next(i for i, k in enumerate(keys) if k is Ellipsis)
        rank = rt_input.shape.rank
        if rank is None:
            raise ValueError("Ellipsis not supported for unknown shape RaggedTensors")
        used = len([k for k in keys if k is not Ellipsis and k is not None])
        keys[at : at + 1] = [slice(None)] * (rank - used)
    return _get(rt_input, keys)


def _get(x: Any, keys: list[Any]) -> Any:
    while keys and isinstance(keys[-1], slice) and keys[-1] == slice(None):
        keys = keys[:-1]
    if not keys:
        return x
    if not isinstance(x, RaggedTensor):
        return x[tuple(keys)]
    first, rest = keys[0], keys[1:]
    if first is None:
        return RaggedTensor.from_uniform_row_length(_get(x, rest), find("ExpandDims")(x.nrows(), 0)[0])
    if isinstance(first, slice):
        rows = x if first == slice(None) else _rows(x, first)
        return _inner(rows, rest)
    return _get(_row(x, first), rest)


def _row(x: RaggedTensor, index: Any) -> Any:
    index = index if isinstance(index, Tensor) else np.asarray(index)
    if not isinstance(index, Tensor) and index.dtype.kind not in "iu":
        raise TypeError(f"slice key {index!r} is not an integer, a slice, an ellipsis or None")
    dtype = x.row_splits.dtype.base_dtype
    rows = x.shape[0]
    if not isinstance(index, Tensor):
        i = int(index)
        if rows is not None and not -rows <= i < rows:
            raise IndexError(f"Row key {i} out of bounds")
        start, stop = (find("StridedSlice")(x.row_splits, [j], [j + 1], [1], shrink_axis_mask=1, end_mask=int(j == -1)) for j in ((i - 1, i) if i < 0 else (i, i + 1)))
        return _slice_rows(x.values, start, stop)
    index = index if index.dtype.base_dtype is dtype else find("Cast")(index, DstT=dtype)
    zero = np.array(0, dtype.array_dtype)
    index = find("SelectV2")(find("Less")(index, zero), find("AddV2")(index, x.nrows()), index)
    start = find("GatherV2")(x.row_splits, index, 0)
    stop = find("GatherV2")(x.row_splits, find("AddV2")(index, np.array(1, dtype.array_dtype)), 0)
    return _slice_rows(x.values, start, stop)


def _rows(x: RaggedTensor, key: slice) -> RaggedTensor:
    numbers = find("Range")(find("ZerosLike")(x.nrows()), x.nrows(), find("OnesLike")(x.nrows()))
    return take(x, numbers[key])


def _inner(x: RaggedTensor, keys: list[Any]) -> Any:
    """The keys for the axes inside each row."""
    while keys and isinstance(keys[-1], slice) and keys[-1] == slice(None):
        keys = keys[:-1]
    if not keys:
        return x
    first, rest = keys[0], keys[1:]
    if first is None:
        return RaggedTensor.from_uniform_row_length(_inner(x, rest), 1)
    if not isinstance(first, slice):
        if x._uniform is None:
            raise ValueError("Cannot index into an inner ragged dimension.")
        lengths = x._uniform
        i = int(first) + (lengths if int(first) < 0 else 0)
        at = find("AddV2")(x.row_starts(), np.array(i, x.row_splits.dtype.array_dtype))
        rows = take(x.values, at) if isinstance(x.values, RaggedTensor) else find("GatherV2")(x.values, at, 0)
        return _inner(rows, rest) if isinstance(rows, RaggedTensor) else rows[(slice(None), *rest)] if rest else rows
    if first == slice(None):
        values = x.values
        inner = _inner(values, rest) if isinstance(values, RaggedTensor) else values[(slice(None), *rest)]
        return x.with_values(inner)
    cut = _cut(x, first)
    return _inner(cut, [slice(None), *rest]) if rest else cut


def _cut(x: RaggedTensor, key: slice) -> RaggedTensor:
    """Every row cut by the same slice."""
    lengths = x.row_lengths()
    dtype = lengths.dtype.array_dtype
    step = 1 if key.step is None else int(key.step)
    if step == 0:
        raise ValueError("slice step must not be zero")
    zero = find("ZerosLike")(lengths)

    def bound(value: Any, missing: Any, low: Any, high: Any) -> Any:
        if value is None:
            return missing
        v = find("AddV2")(zero, door.convert(value, lengths.dtype) if not isinstance(value, Tensor) else find("Cast")(value, DstT=lengths.dtype))
        v = find("SelectV2")(find("Less")(v, zero), find("AddV2")(v, lengths), v)
        return find("Minimum")(find("Maximum")(v, low), high)

    one = np.array(1, dtype)
    if step > 0:
        start, stop = bound(key.start, zero, zero, lengths), bound(key.stop, lengths, zero, lengths)
    else:
        last, before = find("Sub")(lengths, one), find("Sub")(zero, one)
        start, stop = bound(key.start, last, before, last), bound(key.stop, before, before, last)
    begin = x.row_starts()
    splits, at = bodies.RAGGED_RANGE(find("AddV2")(begin, start), find("AddV2")(begin, stop), np.array(step, dtype), Tsplits=lengths.dtype)
    values = take(x.values, at) if isinstance(x.values, RaggedTensor) else find("GatherV2")(x.values, at, 0)
    return RaggedTensor.from_row_splits(values, splits, validate=False)


RaggedTensor.index = staticmethod(lambda ragged, key: ragged_getitem(ragged, key))
