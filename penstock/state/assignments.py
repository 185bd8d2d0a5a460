"""Assignments as functions (`tf.assign`, `tf.scatter_add`, ...), and slices of variables that can be assigned."""

from collections.abc import Callable
from typing import Any

import numpy as np

from penstock.base.export import export
from penstock.ir import door
from penstock.ir.op import find
from penstock.ir.tensor import Tensor
from penstock.ops import state, state_scatter
from penstock.state.variable import Variable


def _is_reference(ref: Any) -> bool:
    return getattr(ref, "dtype", None) is not None and getattr(ref.dtype, "is_ref", False)


@export(v1=("assign",))
def assign(
    ref: Any, value: Any, validate_shape: bool | None = None, use_locking: bool | None = None, name: str | None = None
) -> Any:
    """Give the variable `ref` a new value; with `validate_shape=False` one of another shape."""
    if _is_reference(ref):
        return state.assign(
            _reference(ref),
            value,
            use_locking=use_locking is not False,
            validate_shape=validate_shape is not False,
            name=name,
        )
    return ref.assign(value, name=name)


def _reference(ref: Any) -> Any:
    return getattr(ref, "_ref_tensor", ref)


def _arithmetic(name: str, op: Any, doc: str) -> Callable[..., Any]:
    def change(ref: Any, value: Any, use_locking: bool | None = None, name: str | None = None) -> Any:
        if _is_reference(ref):
            return op(_reference(ref), value, use_locking=bool(use_locking), name=name)
        return getattr(ref, change.__name__)(value)

    change.__name__ = change.__qualname__ = name
    change.__doc__ = doc
    return export(v1=(name,))(change)


assign_add = _arithmetic("assign_add", state.assign_add, "Add `value` to the variable `ref`.")
assign_sub = _arithmetic("assign_sub", state.assign_sub, "Subtract `value` from the variable `ref`.")


def _scatter(name: str, locking: bool, doc: str) -> Callable[..., Any]:
    on_reference, on_resource = getattr(state_scatter, name), getattr(state_scatter, f"resource_{name}")

    def scatter(ref: Any, indices: Any, updates: Any, use_locking: bool = locking, name: str | None = None) -> Any:
        if _is_reference(ref):
            return on_reference(_reference(ref), indices, updates, use_locking=use_locking, name=name)
        return ref._lazy_read(
            on_resource(
                ref.handle,
                indices,
                door.convert(updates, None if isinstance(updates, Tensor) else ref.dtype),
                name=name,
            )
        )

    scatter.__name__ = scatter.__qualname__ = name
    scatter.__doc__ = doc
    return export(v1=(name,))(scatter)


scatter_update = _scatter("scatter_update", True, "Replace the rows of the variable `ref` at `indices`.")
scatter_add = _scatter(
    "scatter_add", False, "Add to the rows of the variable `ref` at `indices`; repeated indices add up."
)
scatter_sub = _scatter(
    "scatter_sub", False, "Subtract from the rows of the variable `ref` at `indices`; repeated indices add up."
)
scatter_mul = _scatter("scatter_mul", False, "Multiply the rows of the variable `ref` at `indices`.")
scatter_div = _scatter("scatter_div", False, "Divide the rows of the variable `ref` at `indices`.")
scatter_min = _scatter("scatter_min", False, "Lower the rows of the variable `ref` at `indices` to `updates`.")
scatter_max = _scatter("scatter_max", False, "Raise the rows of the variable `ref` at `indices` to `updates`.")
scatter_nd_update = _scatter(
    "scatter_nd_update", True, "Replace the elements or slices of the variable `ref` at `indices`."
)
scatter_nd_add = _scatter("scatter_nd_add", False, "Add to the elements or slices of the variable `ref` at `indices`.")
scatter_nd_sub = _scatter(
    "scatter_nd_sub", False, "Subtract from the elements or slices of the variable `ref` at `indices`."
)


@export(v1=("batch_scatter_update",))
def batch_scatter_update(
    ref: Any, indices: Any, updates: Any, use_locking: bool = True, name: str | None = None
) -> Any:
    """Replace, in every batch entry, the rows at that entry's `indices` ([..., n]: the last axis lists the rows)."""
    from penstock.ir.scope import scoped
    from penstock.ops.constants import range as range_
    from penstock.ops.shapes import reshape, shape

    Cast, Concat, ExpandDims, Tile = (find(n) for n in ("Cast", "ConcatV2", "ExpandDims", "Tile"))
    with scoped(name, "batch_scatter_update"):
        indices = door.convert(indices)
        dims = indices._dims
        assert dims is not None
        if len(dims) == 1:
            nd = ExpandDims(indices, -1)
        else:
            sizes = shape(indices)
            parts = []
            for axis in range(len(dims) - 1):
                numbers = Cast(range_(0, sizes[axis], 1), DstT=indices.dtype)
                ones = [1] * len(dims)
                ones[axis] = -1
                repeats = [1 if d == axis else sizes[d] for d in range(len(dims))]
                parts.append(reshape(Tile(reshape(numbers, ones), door.convert(repeats)), [-1]))
            parts.append(reshape(indices, [-1]))
            nd = find("Pack")(parts, axis=1)
            nd = reshape(nd, Concat([sizes, door.convert([len(dims)])], 0))
        return scatter_nd_update(ref, nd, updates, use_locking, name)


@export(v1=("count_up_to",))
def count_up_to(ref: Any, limit: int, name: str | None = None) -> Any:
    """The counter before it is increased by one; OutOfRangeError when that would pass `limit`."""
    if _is_reference(ref):
        return state.count_up_to(_reference(ref), limit=limit, name=name)
    return state.resource_count_up_to(ref.handle, T=ref.dtype, limit=limit, name=name)


# -- slices ----------------------------------------------------------------------------------------------------------
def sliced(variable: Any, slice_spec: Any) -> Any:
    """`variable[slice_spec]`: a tensor that also knows how to assign to that slice."""
    part = variable.value()[slice_spec]

    def assign(value: Any, name: str | None = None) -> Any:
        """Overwrite this slice of the variable."""
        node = getattr(part, "op", None) if door.current().is_graph else None
        if node is not None and node.type == "StridedSlice":
            masks = {
                k: node.attrs[k]
                for k in ("begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask", "shrink_axis_mask")
            }
            begin, end, strides = node.inputs[1:4]
            return variable._strided_slice_assign(begin, end, strides, value, name or f"{node.name}/_assign/", masks)
        begin, end, strides, masks = spell(slice_spec)
        return variable._strided_slice_assign(begin, end, strides, value, name or "strided_slice/_assign", masks)

    try:
        part.assign = assign
    except AttributeError:
        pass
    return part


def spell(slice_spec: Any) -> tuple[Any, Any, Any, dict[str, int]]:
    """A Python index as a strided slice's vectors and masks."""
    entries = slice_spec if isinstance(slice_spec, (list, tuple)) else [slice_spec]
    begin, end, strides = [], [], []
    masks = dict.fromkeys(("begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask", "shrink_axis_mask"), 0)
    for i, s in enumerate(entries):
        bit = 1 << i
        if isinstance(s, slice):
            begin.append(_position(s.start, masks, "begin_mask", bit))
            end.append(_position(s.stop, masks, "end_mask", bit))
            strides.append(1 if s.step is None else _number(s.step))
        elif s is Ellipsis:
            masks["ellipsis_mask"] |= bit
            begin.append(0), end.append(0), strides.append(1)
        elif s is None:
            masks["new_axis_mask"] |= bit
            begin.append(0), end.append(0), strides.append(1)
        else:
            at = _number(s)
            masks["shrink_axis_mask"] |= bit
            begin.append(at), end.append(at + 1), strides.append(1)
    return tuple(np.array(v, np.int64) for v in (begin, end, strides)) + (masks,)  # type: ignore[return-value]


def _position(value: Any, masks: dict[str, int], mask: str, bit: int) -> int:
    if value is None:
        masks[mask] |= bit
        return 0
    return _number(value)


def _number(value: Any) -> int:
    if isinstance(value, (Tensor, Variable)):
        value = door.convert(value).numpy()
    if hasattr(value, "__index__"):
        return value.__index__()
    raise TypeError(
        f"Only integers, slices (`:`), ellipsis (`...`), tf.newaxis (`None`) and scalar tf.int32/tf.int64 tensors are valid indices, got {value!r}"
    )
