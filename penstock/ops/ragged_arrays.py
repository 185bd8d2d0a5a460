"""Array functions of RaggedTensors, and the public names of the class: loaded wherever a RaggedTensor can come from."""

import math
from typing import Any

import numpy as np

from penstock.base import dtypes
from penstock.base.dtypes import as_dtype
from penstock.base.export import export_constant
from penstock.base.shape import axis_of
from penstock.ir import door
from penstock.ir.convert import convert_to_tensor
from penstock.ir.known import known_value
from penstock.ir.op import find
from penstock.ir.tensor import Tensor
from penstock.ops import ragged, ragged_bodies as bodies
from penstock.ops.families import for_composites
from penstock.ops.ragged_indexing import take
from penstock.ops.ragged_spec import RaggedTensorSpec
from penstock.ops.ragged_tensor import RaggedTensor, is_ragged

export_constant("RaggedTensor", module=__name__, attr="RaggedTensor")
export_constant("RaggedTensorSpec", module=__name__, attr="RaggedTensorSpec")
__all__ = ["RaggedTensor", "RaggedTensorSpec"]


def _for(*names: str) -> Any:
    def register(function: Any) -> Any:
        for n in names:
            for_composites[n] = function
        return function

    return register


@_for("concat")
def concat(values: Any, axis: Any, name: str = "concat") -> Any:
    """RaggedTensors (and tensors) one after the other."""
    if not any(is_ragged(v) for v in values):
        return NotImplemented
    return ragged.ragged_concat(values, int(axis))


@_for("stack")
def stack(values: Any, axis: int = 0, name: str = "stack") -> Any:
    """RaggedTensors (and tensors) along a new axis."""
    return ragged.stack(values, axis) if any(is_ragged(v) for v in values) else NotImplemented


def _gather(params: Any, indices: Any, axis: Any, batch_dims: Any) -> Any:
    axis, batch_dims = _axes_of_gather(params, indices, axis, int(batch_dims))
    if batch_dims == 1 and axis == 1:
        return _gather_of_each(params, indices)
    if axis and not batch_dims and is_ragged(params) and not is_ragged(indices):
        if axis > 1:
            gathered = _gather if is_ragged(params.values) else lambda p, i, a, _: find("GatherV2")(p, i, a)
            return params.with_values(gathered(params.values, indices, axis - 1, 0))
        return _gather_in_each(params, convert_to_tensor(indices))
    if axis and not batch_dims and not is_ragged(params):
        return _gather_ragged_places(convert_to_tensor(params), indices, axis)
    if batch_dims or axis:
        raise ValueError(f"gather with a RaggedTensor takes axis=0 and batch_dims=0, got axis={axis} and batch_dims={batch_dims}")
    if is_ragged(indices):
        flat = indices.flat_values
        return indices.with_flat_values(_gather(params, flat, 0, 0) if is_ragged(params) else find("GatherV2")(params, flat, 0))
    indices = convert_to_tensor(indices)
    rank = indices.shape.rank
    if rank is None:
        raise ValueError("gather from a RaggedTensor needs indices of known rank")
    if rank == 0:
        return params[indices]
    if rank == 1:
        return take(params, indices)
    splits = list(params.nested_row_splits)
    new, values = bodies.RAGGED_GATHER(splits, params.flat_values, indices, OUTPUT_RAGGED_RANK=len(splits) + rank - 1)
    return RaggedTensor.from_nested_row_splits(values, new, validate=False)


def _axes_of_gather(params: Any, indices: Any, axis: Any, batch_dims: int) -> tuple[int, int]:
    """`axis` and `batch_dims` counted from the front; ValueError for what the tensors do not have."""
    found = []
    for name, value, rank in (("batch_dims", batch_dims, convert_ragged(indices).shape.rank), ("axis", axis, convert_ragged(params).shape.rank)):
        value = found[0] if value is None else int(value)
        if rank is not None and not -rank <= value < rank + (name == "batch_dims"):
            raise ValueError(f"{name}={value} out of bounds: expected {-rank}<={name}<{rank}")
        if value < 0 and rank is None:
            raise ValueError(f"{name}={value} is counted from the end, and the rank is unknown")
        found.append(value + (rank or 0) if value < 0 else value)
    if found[1] < found[0]:
        raise ValueError(f"axis must be greater than or equal to batch_dims: axis={found[1]}, batch_dims={found[0]}")
    return found[1], found[0]


def convert_ragged(value: Any) -> Any:
    return value if is_ragged(value) else convert_to_tensor(value)


def _gather_in_each(params: Any, indices: Any) -> Any:
    """Row i holds the elements of row i of params at all the indices."""
    starts = params.row_starts()
    rank = len(indices._dims or ())
    places = find("Reshape")(starts, [-1, *[1] * rank]) + find("Cast")(indices, DstT=starts.dtype)
    return _gather(params.values, places, 0, 0) if is_ragged(params.values) else find("GatherV2")(params.values, places, 0)


def _gather_ragged_places(params: Any, indices: Any, axis: int) -> Any:
    """At each place of the first `axis` axes of a tensor, its elements at the same ragged indices."""
    lead = params.shape[:axis].as_list()
    if None in lead:
        raise ValueError(f"gather at ragged indices along axis {axis} needs the sizes of the axes before it: the shape is {params.shape}")
    values = find("GatherV2")(params, indices.flat_values, axis)
    count = math.prod(lead)
    made: Any = find("Reshape")(values, [-1, *params.shape[axis + 1 :].as_list()])
    for lengths in reversed(indices.nested_row_lengths()):
        made = RaggedTensor.from_row_lengths(made, find("Tile")(lengths, [count]), validate=False)
    made = RaggedTensor.from_uniform_row_length(made, indices.nrows(), count)
    for k in range(axis - 1, 0, -1):
        made = RaggedTensor.from_uniform_row_length(made, lead[k], math.prod(lead[:k]))
    return made


def _gather_of_each(params: Any, indices: Any) -> Any:
    """Row i holds the elements of row i of params at the indices of row i."""
    params = params if is_ragged(params) else RaggedTensor.from_tensor(params)
    indices = convert_ragged(indices)
    if indices.shape.rank == 1:
        return find("Squeeze")(_gather_of_each(params, find("ExpandDims")(indices, 1)), squeeze_dims=[1])
    made = indices if is_ragged(indices) else RaggedTensor.from_tensor(indices)
    starts = find("GatherV2")(params.row_starts(), made.value_rowids(), 0)
    picked = _gather(params.values, starts + find("Cast")(made.values, DstT=starts.dtype), 0, 0) if is_ragged(params.values) else \
        find("GatherV2")(params.values, starts + find("Cast")(made.values, DstT=starts.dtype), 0)  # fmt: skip
    made = made.with_values(picked)
    return made if is_ragged(indices) else made.to_tensor(shape=[None, indices.shape.as_list()[1]])


@_for("gather")
def gather(params: Any, indices: Any, validate_indices: Any = None, axis: Any = None, batch_dims: Any = 0, name: str | None = None) -> Any:
    """The rows of a RaggedTensor, or ragged indices into a tensor."""
    return _gather(params, indices, axis, batch_dims) if is_ragged(params) or is_ragged(indices) else NotImplemented


@_for("gather_v1")
def gather_v1(params: Any, indices: Any, validate_indices: Any = None, name: str | None = None, axis: Any = None, batch_dims: Any = 0) -> Any:
    """`gather` with the parameters of 1.x."""
    return gather(params, indices, validate_indices, axis, batch_dims)


@_for("embedding_lookup", "embedding_lookup_v2")
def embedding_lookup(params: Any, ids: Any, *more: Any, **keywords: Any) -> Any:
    """The rows of a table at ragged ids."""
    if not is_ragged(ids):
        return NotImplemented
    call = ragged.find_public("nn.embedding_lookup")
    keywords.pop("name", None)
    keywords.pop("partition_strategy", None)
    return ids.with_flat_values(call(params, ids.flat_values, **{k: v for k, v in keywords.items() if k == "max_norm"}))


@_for("expand_dims", "expand_dims_v1")
def expand_dims(input: Any, axis: Any = None, name: str | None = None, dim: Any = None) -> Any:  # noqa: A002
    """A new axis of length 1."""
    if not is_ragged(input):
        return NotImplemented
    axis = int(dim if axis is None else axis)
    rank = input.shape.rank
    axis = axis_of(axis, rank + 1) if rank is not None else axis
    if axis == 0:
        return RaggedTensor.from_uniform_row_length(input, input.nrows(), nrows=1)
    if axis == 1:
        return RaggedTensor.from_uniform_row_length(input, 1, nrows=input.nrows())
    inner = input.values
    return input.with_values(expand_dims(inner, axis - 1) if is_ragged(inner) else find("ExpandDims")(inner, axis - 1))


@_for("size")
def size(input: Any, out_type: Any = None, name: str | None = None) -> Any:  # noqa: A002
    """The number of elements."""
    return find("Size")(input.flat_values, out_type=as_dtype(out_type or dtypes.int32)) if is_ragged(input) else NotImplemented


@_for("rank")
def rank(input: Any, name: str | None = None) -> Any:  # noqa: A002
    """The number of axes."""
    if not is_ragged(input):
        return NotImplemented
    if input.shape.rank is not None:
        return door.convert(np.int32(input.shape.rank))
    return find("AddV2")(find("Rank")(input.flat_values), np.int32(input.ragged_rank))


@_for("zeros_like", "zeros_like_v1")
def zeros_like(input: Any, *more: Any, **keywords: Any) -> Any:  # noqa: A002
    """Zeros in the same rows."""
    return _like("zeros_like", input, *more, **keywords) if is_ragged(input) else NotImplemented


@_for("ones_like", "ones_like_v1")
def ones_like(input: Any, *more: Any, **keywords: Any) -> Any:  # noqa: A002
    """Ones in the same rows."""
    return _like("ones_like", input, *more, **keywords) if is_ragged(input) else NotImplemented


def _like(name: str, x: Any, dtype: Any = None, *_: Any, **__: Any) -> Any:
    return x.with_flat_values(ragged.find_public(name)(x.flat_values, dtype))


@_for("where", "where_v1")
def where(condition: Any, x: Any = None, y: Any = None, name: str | None = None) -> Any:
    """Elements of x or y by a condition, all with the same rows; the coordinates of true elements when both are left out."""
    if not any(map(is_ragged, (condition, x, y))):
        return NotImplemented
    if x is None and y is None:
        at = find("Where")(condition.flat_values)
        columns = [find("GatherV2")(c, find("Reshape")(find("StridedSlice")(at, [0, 0], [0, 1], [1, 1], begin_mask=1, end_mask=1), [-1]), 0) for c in ragged._places(condition)]
        inner = find("StridedSlice")(at, [0, 1], [0, 0], [1, 1], begin_mask=1, end_mask=3)
        return find("ConcatV2")([find("Cast")(find("Pack")(columns, axis=1), DstT=dtypes.int64), inner], 1)
    like = next(v for v in (condition, x, y) if is_ragged(v))
    flat = []
    for v in (condition, x, y):
        if is_ragged(v):
            ragged._same_rows([like, v])
            flat.append(v.flat_values)
        else:
            tensor = v if isinstance(v, Tensor) else convert_to_tensor(v, None if v is condition else next(t.dtype for t in (x, y) if is_ragged(t) or isinstance(t, Tensor)))
            flat.append(ragged._broadcast(tensor, like))
    return like.with_flat_values(find("SelectV2")(*flat))


@_for("reverse")
def reverse(tensor: Any, axis: Any, name: str | None = None) -> Any:
    """The rows, or the elements of each row, in reverse order."""
    if not is_ragged(tensor):
        return NotImplemented
    axes = known_value(convert_to_tensor(axis)).reshape(-1).tolist()
    rank = tensor.shape.rank
    for a in axes:
        a = axis_of(a, rank) if rank is not None else a
        tensor = tensor[(*[slice(None)] * a, slice(None, None, -1))] if a <= tensor.ragged_rank else tensor.with_flat_values(
            find("ReverseV2")(tensor.flat_values, [a - tensor.ragged_rank]))  # fmt: skip
    return tensor


@_for("tile")
def tile(input: Any, multiples: Any, name: str | None = None) -> Any:  # noqa: A002
    """The RaggedTensor repeated along each axis."""
    if not is_ragged(input):
        return NotImplemented
    counts = known_value(convert_to_tensor(multiples))
    if counts is None:
        raise ValueError("tile of a RaggedTensor needs multiples that are known")
    made = input
    for axis, n in enumerate(counts.tolist()):
        if axis > input.ragged_rank:
            inner = [1] * (axis - input.ragged_rank) + [n] + [1] * (len(counts) - axis - 1)
            made = made.with_flat_values(find("Tile")(made.flat_values, inner))
        elif n == 0:
            made = made[(*[slice(None)] * axis, slice(0, 0))]
        elif n > 1:
            made = ragged.ragged_concat([made] * n, axis)
    return made
