"""Gathers from variables and in-place updates of some of their rows, elements or slices."""

from typing import Any

import numpy as np
from jax import lax

from penstock.base.errors import InvalidArgumentError, ShapeError
from penstock.base.shape import Dims, as_text, broadcast, merge
from penstock.ir import door
from penstock.ir.op import op
from penstock.ops.families import later
from penstock.ops.gather_scatter import gather_op, scatter_nd_op
from penstock.ops.indexed_slices import IndexedSlices
from penstock.ops.shapes import reshape_op
from penstock.ops.state import handle_dims, held, named, put, read_variable_op, variable_shape

_Size, _Concat, _StridedSlice = later("Size"), later("ConcatV2"), later("StridedSlice")


def out_of_range(xp: Any, indices: Any, size: int, what: str = "indices") -> tuple[Any, str]:
    """A check's verdict on row indices into `size` rows."""
    bad = (indices < 0) | (indices >= size)
    message = f"{what} must be in [0, {size})"
    if xp is np and np.any(bad):
        at = tuple(int(i) for i in np.argwhere(bad)[0])
        message = f"{what}{list(at) if at else ''} = {int(indices[at])} is not in [0, {size})"
    return xp.any(bad), message


# -- how rows change -------------------------------------------------------------------------------------------------
def _divide_in_place(xp: Any, x: Any, at: Any, updates: Any) -> Any:
    if xp is np:
        x = x.copy()
        if x.dtype.kind in "iu":  # as in C: towards zero
            for position, u in zip(
                np.ndindex(np.shape(at[0])), np.reshape(updates, (-1, *np.shape(updates)[np.ndim(at[0]) :]))
            ):
                row = tuple(a[position] for a in at)
                quotient = np.abs(x[row]) // np.abs(u)
                x[row] = np.where((x[row] < 0) != (np.asarray(u) < 0), -quotient, quotient)
        else:
            np.divide.at(x, at, updates)
        return x
    product = xp.ones_like(x).at[at].multiply(updates)
    return lax.div(x, product)


def change(xp: Any, how: str, x: Any, at: tuple[Any, ...], updates: Any) -> Any:
    """`x` with the entries at the index arrays `at` updated; repeated indices take effect one after the other."""
    updates = xp.broadcast_to(updates, (*np.shape(at[0]), *x.shape[len(at) :]))
    if how == "div":
        return _divide_in_place(xp, x, at, updates)
    if xp is np:
        x = x.copy()
        if how == "update":
            x[at] = updates
        else:
            {"add": np.add, "sub": np.subtract, "mul": np.multiply, "min": np.minimum, "max": np.maximum}[how].at(
                x, at, updates
            )
        return x
    if how == "sub":
        return x.at[at].add(-updates)
    return getattr(x.at[at], {"update": "set", "mul": "multiply"}.get(how, how))(updates)


# -- rows ------------------------------------------------------------------------------------------------------------
def _row_shapes(variable: Dims, indices: Any, updates: Any) -> None:
    if variable is None or indices.shape is None or updates.shape is None or updates.shape == ():
        return
    want = (*indices.shape, *variable[1:])
    try:
        merge(want, updates.shape)
    except ShapeError as e:
        raise ShapeError(
            f"updates must have shape indices.shape + ref.shape[1:] = {as_text(want)}, got {as_text(updates.shape)}: {e.message}"
        ) from None


def _rows(name: str, text: str, how: str, numeric: str, is_ref: bool, locking: str = "False") -> Any:
    def body(xp, ref, indices, updates):
        """Update rows of the variable."""
        new = change(xp, how, ref.read(), (indices,), updates)
        return put(xp, ref, new) if is_ref else put(xp, ref, new) and ()

    def shape(ref, indices, updates, **_):
        _row_shapes(held(ref), indices, updates)
        return ref.shape if is_ref else ()

    if is_ref:
        sig = f"{text}(ref: Ref(T), indices: Tindices, updates: T, *, T: {numeric}, Tindices: index, use_locking: bool = {locking}) -> output_ref: Ref(T)"
    else:
        sig = (
            f"{text}(resource: resource, indices: Tindices, updates: dtype, *, Tindices: index, dtype: {numeric}) -> ()"
        )
    made = op(sig, effect="write", shape=shape)(named(name, body))
    made.check(lambda xp, ref, indices, updates: out_of_range(xp, indices, ref.read().shape[0]))
    return made.no_grad()


_ORDERED = "{float16|bfloat16|float32|float64|int32|int64}"
scatter_add = _rows("scatter_add", "ScatterAdd", "add", "numeric", True)
scatter_sub = _rows("scatter_sub", "ScatterSub", "sub", "numeric", True)
scatter_mul = _rows("scatter_mul", "ScatterMul", "mul", "numeric", True)
scatter_div = _rows("scatter_div", "ScatterDiv", "div", "numeric", True)
scatter_min = _rows("scatter_min", "ScatterMin", "min", _ORDERED, True)
scatter_max = _rows("scatter_max", "ScatterMax", "max", _ORDERED, True)
scatter_update = _rows("scatter_update", "ScatterUpdate", "update", "type", True, "True")
resource_scatter_add = _rows("resource_scatter_add", "ResourceScatterAdd", "add", "numeric", False)
resource_scatter_sub = _rows("resource_scatter_sub", "ResourceScatterSub", "sub", "numeric", False)
resource_scatter_mul = _rows("resource_scatter_mul", "ResourceScatterMul", "mul", "numeric", False)
resource_scatter_div = _rows("resource_scatter_div", "ResourceScatterDiv", "div", "numeric", False)
resource_scatter_min = _rows("resource_scatter_min", "ResourceScatterMin", "min", "numeric", False)
resource_scatter_max = _rows("resource_scatter_max", "ResourceScatterMax", "max", "numeric", False)
resource_scatter_update = _rows("resource_scatter_update", "ResourceScatterUpdate", "update", "type", False)


# -- elements and slices by coordinates ------------------------------------------------------------------------------
def _coordinates(
    xp: Any, indices: Any, policy: str, shape: tuple[int, ...], updates: Any
) -> tuple[tuple[Any, ...], Any]:
    depth = indices.shape[-1]
    at = tuple(indices[..., i] for i in range(depth))
    if policy != "IGNORE":
        return at, updates
    good = xp.ones(indices.shape[:-1], bool)
    for i, a in enumerate(at):
        good = good & (a >= 0) & (a < shape[i])
    if xp is np:
        return tuple(a[good] for a in at), np.broadcast_to(updates, (*indices.shape[:-1], *shape[depth:]))[good]
    return tuple(xp.where(good, a, shape[i]) for i, a in enumerate(at)), updates  # XLA drops what is out of range


def _nd_verdict(xp: Any, indices: Any, shape: tuple[int, ...], policy: str) -> tuple[Any, str]:
    if policy == "IGNORE":
        return False, ""
    depth = indices.shape[-1]
    sizes = np.array(shape[:depth], np.int64)
    bad = (indices < 0) | (indices >= sizes)
    message = f"indices must be in the bounds of shape {as_text(shape)}"
    if xp is np and np.any(bad):
        at = tuple(int(i) for i in np.argwhere(bad)[0][:-1])
        message = f"indices{list(at)} = {[int(i) for i in indices[at]]} does not index into shape {as_text(shape)}"
    return xp.any(bad), message


def _nd_shapes(variable: Dims, indices: Any, updates: Any) -> None:
    if variable is None or not indices.shape or updates.shape is None or indices.shape[-1] is None:
        return
    depth = int(indices.shape[-1])
    if depth > len(variable):
        raise ShapeError(f"indices.shape[-1] = {depth} must be <= the variable's rank {len(variable)}")
    want = (*indices.shape[:-1], *variable[depth:])
    try:
        merge(want, updates.shape)
    except ShapeError as e:
        raise ShapeError(
            f"updates must have shape {as_text(want)} = indices.shape[:-1] + ref.shape[{depth}:], got {as_text(updates.shape)}: {e.message}"
        ) from None


def _nd(name: str, text: str, how: str, kinds: str, is_ref: bool, locking: str) -> Any:
    def body(xp, ref, indices, updates, *, bad_indices_policy):
        """Update the elements or slices that the last axis of `indices` points at."""
        x = ref.read()
        at, updates = _coordinates(xp, indices, bad_indices_policy, x.shape, updates)
        new = (
            change(xp, how, x, at, updates)
            if at
            else change(xp, how, x[None], (xp.zeros(indices.shape[:-1], np.int32),), updates)[0]
        )
        return put(xp, ref, new) if is_ref else put(xp, ref, new) and ()

    def shape(ref, indices, updates, **_):
        _nd_shapes(held(ref), indices, updates)
        return ref.shape if is_ref else ()

    first, last = ("Ref(T)", "output_ref: Ref(T)") if is_ref else ("resource", "()")
    sig = (f'{text}(ref: {first}, indices: Tindices, updates: T, *, T: {kinds}, Tindices: index, bad_indices_policy: str = "", '
           f"use_locking: bool = {locking}) -> {last}")  # fmt: skip
    made = op(sig, effect="write", shape=shape)(named(name, body))
    made.check(
        lambda xp, ref, indices, updates, *, bad_indices_policy: _nd_verdict(
            xp, indices, ref.read().shape, bad_indices_policy
        )
    )
    return made.no_grad()


scatter_nd_add = _nd("scatter_nd_add", "ScatterNdAdd", "add", "numeric", True, "False")
scatter_nd_sub = _nd("scatter_nd_sub", "ScatterNdSub", "sub", "numeric", True, "False")
scatter_nd_min = _nd("scatter_nd_min", "ScatterNdMin", "min", "numeric", True, "False")
scatter_nd_max = _nd("scatter_nd_max", "ScatterNdMax", "max", "numeric", True, "False")
scatter_nd_update = _nd("scatter_nd_update", "ScatterNdUpdate", "update", "type", True, "True")
resource_scatter_nd_add = _nd("resource_scatter_nd_add", "ResourceScatterNdAdd", "add", "type", False, "True")
resource_scatter_nd_sub = _nd("resource_scatter_nd_sub", "ResourceScatterNdSub", "sub", "type", False, "True")
resource_scatter_nd_min = _nd("resource_scatter_nd_min", "ResourceScatterNdMin", "min", "type", False, "True")
resource_scatter_nd_max = _nd("resource_scatter_nd_max", "ResourceScatterNdMax", "max", "type", False, "True")
resource_scatter_nd_update = _nd(
    "resource_scatter_nd_update", "ResourceScatterNdUpdate", "update", "type", False, "True"
)


# -- gathers ---------------------------------------------------------------------------------------------------------
@op("ResourceGather(resource: resource, indices: Tindices, *, Tindices: index, batch_dims: int = 0, dtype: type, "
    "validate_indices: bool = True) -> output: dtype", effect="read")  # fmt: skip
def resource_gather(xp, resource, indices, *, batch_dims):
    """The variable's rows at `indices`; the first `batch_dims` axes run in step."""
    x = resource.read()
    if xp is np:
        indices = np.clip(indices, 0, max(x.shape[batch_dims] - 1, 0))
    if batch_dims == 0:
        return x[indices]
    grids = np.meshgrid(*[np.arange(n) for n in indices.shape[:batch_dims]], indexing="ij")
    grids = [xp.asarray(g.reshape(g.shape + (1,) * (indices.ndim - batch_dims))) for g in grids]
    return x[(*grids, indices)]


@resource_gather.check
def _(xp, resource, indices, *, batch_dims):
    return out_of_range(xp, indices, resource.read().shape[batch_dims])


@resource_gather.shape
def _(resource, indices, *, batch_dims, **_):
    dims = held(resource)
    if dims is None or indices.shape is None:
        return None
    return (*dims[:batch_dims], *indices.shape[batch_dims:], *dims[batch_dims + 1 :])


class _Gather:
    """A gather from the variable's value, in the place of one from its handle."""

    def __init__(self, node: Any):
        handle, indices = node.inputs
        self.inputs = (
            read_variable_op(handle, dtype=node.attrs["dtype"]),
            indices,
            door.convert(np.int32(node.attrs.get("batch_dims", 0))),
        )
        self.attrs = node.attrs


@resource_gather.grad
def _(node, dy):
    handle, indices = node.inputs
    if node.attrs["batch_dims"]:
        return gather_op.grad_rule(_Gather(node), dy)[0], None
    dims = handle_dims(handle)
    dy = door.convert(dy)
    if dims is None or None in dims or 0 in dims:
        shape = variable_shape(handle)
        first = reshape_op(_Size(indices), np.array([1], np.int32))
        values = reshape_op(dy, _Concat([first, _StridedSlice(shape, [1], [0], [1], end_mask=1)], 0))
    else:
        shape = door.convert(np.array(dims, np.int32))
        values = reshape_op(dy, np.array([-1, *dims[1:]], np.int32))
    return IndexedSlices(values, reshape_op(indices, np.array([-1], np.int32)), shape), None


@op(
    "ResourceGatherNd(resource: resource, indices: Tindices, *, Tindices: index, dtype: type) -> output: dtype",
    effect="read",
)
def resource_gather_nd(xp, resource, indices):
    """The variable's elements or slices at the coordinates in the last axis of `indices`."""
    x = resource.read()
    at = tuple(indices[..., i] for i in range(indices.shape[-1]))
    if xp is np:
        at = tuple(np.clip(a, 0, max(n - 1, 0)) for a, n in zip(at, x.shape))
    return x[at] if at else xp.broadcast_to(x, (*indices.shape[:-1], *x.shape))


@resource_gather_nd.check
def _(xp, resource, indices):
    return _nd_verdict(xp, indices, resource.read().shape, "")


@resource_gather_nd.shape
def _(resource, indices, **_):
    dims = held(resource)
    if dims is None or not indices.shape or indices.shape[-1] is None:
        return None
    depth = int(indices.shape[-1])
    if depth > len(dims):
        raise ShapeError(f"indices.shape[-1] = {depth} must be <= the variable's rank {len(dims)}")
    return (*indices.shape[:-1], *dims[depth:])


@resource_gather_nd.grad
def _(node, dy):
    handle, indices = node.inputs
    shape = variable_shape(handle, out_type=indices.dtype)
    if indices._dims is not None and len(indices._dims) == 2 and indices._dims[-1] == 1:
        return IndexedSlices(dy, reshape_op(indices, np.array([-1], np.int32)), shape), None
    return scatter_nd_op(indices, dy, shape), None


# -- slices ----------------------------------------------------------------------------------------------------------
def slice_index(
    begin: Any,
    end: Any,
    strides: Any,
    begin_mask: int,
    end_mask: int,
    ellipsis_mask: int,
    new_axis_mask: int,
    shrink_axis_mask: int,
) -> tuple[Any, ...]:
    """The Python index that a strided slice's vectors and masks spell."""
    index: list[Any] = []
    for i, (b, e, s) in enumerate(zip(begin.tolist(), end.tolist(), strides.tolist())):
        bit = 1 << i
        if ellipsis_mask & bit:
            index.append(Ellipsis)
        elif new_axis_mask & bit:
            index.append(None)
        elif shrink_axis_mask & bit:
            index.append(b)
        elif s == 0:
            raise InvalidArgumentError(f"strides[{i}] must be non-zero")
        else:
            index.append(slice(None if begin_mask & bit else b, None if end_mask & bit else e, s))
    return tuple(index)


_MASKS = (
    "begin_mask: int = 0, ellipsis_mask: int = 0, end_mask: int = 0, new_axis_mask: int = 0, shrink_axis_mask: int = 0"
)


def _slices(name: str, text: str, is_ref: bool) -> Any:
    def body(
        xp, ref, begin, end, strides, value, *, begin_mask, ellipsis_mask, end_mask, new_axis_mask, shrink_axis_mask
    ):
        """Overwrite a slice of the variable."""
        x = ref.read()
        index = slice_index(begin, end, strides, begin_mask, end_mask, ellipsis_mask, new_axis_mask, shrink_axis_mask)
        taken = np.empty(x.shape, np.int8)[index].shape
        try:
            fits = broadcast(taken, tuple(value.shape)) == taken
        except ShapeError:
            fits = False
        if not fits:
            raise InvalidArgumentError(
                f"value must have the shape of the slice, {as_text(taken)}, got {as_text(tuple(value.shape))}"
            )
        if xp is np:
            new = x.copy()
            new[index] = value
        else:
            new = x.at[index].set(value)
        return put(xp, ref, new) if is_ref else put(xp, ref, new) and ()

    first, last = ("Ref(T)", "output_ref: Ref(T)") if is_ref else ("resource", "()")
    sig = f"{text}(ref: {first}, begin: Index, end: Index, strides: Index, value: T, *, Index: index, T: type, {_MASKS}) -> {last}"
    made = op(
        sig, effect="write", static=("begin", "end", "strides"), shape=lambda ref, *_, **__: ref.shape if is_ref else ()
    )(named(name, body))
    return made.no_grad()


strided_slice_assign = _slices("strided_slice_assign", "StridedSliceAssign", True)
resource_strided_slice_assign = _slices("resource_strided_slice_assign", "ResourceStridedSliceAssign", False)
