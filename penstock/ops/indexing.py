"""Slices: Slice, StridedSlice with its gradient and assignments, and `tensor[...]`."""

import numbers
from typing import Any

import numpy as np

from penstock.base import dtypes
from penstock.base.errors import ShapeError
from penstock.base.export import export, export_constant
from penstock.base.shape import Dimension, as_text
from penstock.ir import door
from penstock.ir.known import known_value, partly_known
from penstock.ir.op import op
from penstock.ir.scope import scoped
from penstock.ir.tensor import Tensor
from penstock.ops.families import later
from penstock.ops.fixed import fixed
from penstock.ops.join import pack
from penstock.ops.shapes import shape_of, shape_op

_Cast, _Pad = later("Cast"), later("Pad")
newaxis = None
export_constant("newaxis", module=__name__, attr="newaxis")


# -- slice -------------------------------------------------------------------------------------------------------------
@op("Slice(input: T, begin: Index, size: Index, *, Index: index, T: type) -> output: T", static=("size",), hints=True)
def slice_op(xp, input, begin, size, *, hints=None):  # noqa: A002
    """size[i] elements (-1: all that are left) from begin[i] on along axis i."""
    dims = tuple(input.shape)
    if tuple(begin.shape) != (len(dims),) or size.shape != (len(dims),):
        raise ShapeError(f"Expected begin and size arguments to be 1-D tensors of size {len(dims)}, but got shapes {list(begin.shape)} and {list(size.shape)} instead.")
    sizes = size.tolist()
    if isinstance(begin, np.ndarray):
        starts = begin.tolist()
        sizes = _slice_sizes(dims, starts, sizes)
        return input[tuple(slice(b, b + n) for b, n in zip(starts, sizes))]
    known = hints[1] if hints and hints[1] else [None] * len(dims)
    starts = [begin[i] if b is None else b for i, b in enumerate(known)]
    sizes = [dims[i] - int(starts[i]) if n == -1 else n for i, n in enumerate(sizes)]
    for i, n in enumerate(sizes):
        if not 0 <= n <= dims[i]:
            raise ShapeError(f"Expected size[{i}] in [0, {dims[i]}], but got {n}")
    from jax import lax

    return lax.dynamic_slice(xp.asarray(input), [xp.asarray(s, begin.dtype) for s in starts], sizes)


@slice_op.check
def _(xp, input, begin, size, *, hints=None):  # noqa: A002
    if isinstance(begin, np.ndarray) or begin.shape != (input.ndim,) or size.shape != (input.ndim,):
        return False, ""
    ends = begin + np.where(size == -1, 0, size)
    return xp.any((begin < 0) | (ends > np.array(input.shape))), f"begin must be >= 0 and begin + size within the shape {list(input.shape)}, with size {size.tolist()}"


def _slice_sizes(dims: Any, starts: Any, sizes: Any) -> list[Any]:
    """The sizes with -1 worked out; ShapeError where a slice leaves the tensor."""
    out = []
    for i, (d, b, n) in enumerate(zip(dims, starts, sizes)):
        if d is None or b is None:
            out.append(None if n == -1 else n)
            continue
        if not 0 <= b <= d:
            raise ShapeError(f"Expected begin[{i}] in [0, {int(d)}], but got {b}")
        if n is None:
            out.append(None)
            continue
        n = int(d) - b if n == -1 else n
        if not 0 <= n <= d - b:
            raise ShapeError(f"Expected size[{i}] in [0, {int(d) - b}], but got {n}")
        out.append(n)
    return out


@slice_op.shape
def _(input, begin, size):  # noqa: A002
    n = input.rank
    for s in (begin, size):
        if s.rank not in (None, 1) or (s.shape and n is not None and s.shape[0] is not None and s.shape[0] != n):
            raise ShapeError(f"Expected begin and size arguments to be 1-D tensors of size {n}, but {s.name} has shape {as_text(s.shape)}.")
        if n is None and s.shape and s.shape[0] is not None:
            n = int(s.shape[0])
    if n is None:
        return None
    starts = _entries(begin) or [None] * n
    sizes = _entries(size) or [None] * n
    return tuple(_slice_sizes(input.shape or (None,) * n, starts, sizes))


def _entries(spec: Any) -> list[int | None] | None:
    return None if spec._tensor is None else partly_known(spec._tensor)


@slice_op.dims
def _(input, begin, size):  # noqa: A002
    if input.rank != 1 or begin.value is None or size.value is None or input.dims is None:
        return None
    b, n = int(begin.value[0]), int(size.value[0])
    return input.dims[b:] if n == -1 else input.dims[b : b + n]


@slice_op.grad
def _(node, dy):
    x, begin, _ = node.inputs
    start = known_value(begin)
    if start is not None and x._dims is not None and None not in x._dims and dy._dims is not None and None not in dy._dims:
        after = np.array(x._dims, np.int64) - start - np.array(dy._dims, np.int64)
        return _Pad(dy, np.stack([start, after], 1).astype(np.int32)), None, None
    from penstock.ops.constants import zeros_like_op

    return dynamic_update_slice(zeros_like_op(x), dy, begin), None, None


@op("XlaDynamicUpdateSlice(input: T, update: T, indices: Tindices, *, T: type, Tindices: index) -> output: T", shape=lambda input, update, indices: input.shape)
def dynamic_update_slice(xp, input, update, indices):  # noqa: A002
    """input with update in the place of the block that begins at indices."""
    if xp is np:
        out = np.array(input)
        starts = np.clip(indices, 0, np.array(input.shape) - np.array(update.shape)).tolist()
        out[tuple(slice(b, b + n) for b, n in zip(starts, update.shape))] = update
        return out
    from jax import lax

    return lax.dynamic_update_slice(xp.asarray(input), xp.asarray(update), [indices[i] for i in np.arange(input.ndim)])


@dynamic_update_slice.grad
def _(node, dy):
    _, update, indices = node.inputs
    from penstock.ops.constants import zeros_like_op

    return dynamic_update_slice(dy, zeros_like_op(update), indices), slice_op(dy, indices, shape_of(update)), None


@export("slice")
def slice_(input_, begin, size, name=None):
    """`size[i]` elements (-1: all that are left) from `begin[i]` on along each axis.

    >>> tf.slice([[1, 2, 3], [4, 5, 6]], [0, 1], [2, -1]).numpy().tolist()
    [[2, 3], [5, 6]]
    """
    if not isinstance(begin, (Tensor, np.ndarray)) and not isinstance(size, (Tensor, np.ndarray)):
        begin, size = _together(fixed(begin), fixed(size), begin, size)
    return slice_op(input_, begin, size, name=name)


def _together(b: Any, n: Any, begin: Any, size: Any) -> Any:
    """Both bounds as made tensors, or both as they were given: they share a dtype."""
    return (b, n) if isinstance(b, Tensor) and isinstance(n, Tensor) else (begin, size)


# -- strided slice -----------------------------------------------------------------------------------------------------
class Plan:
    """A strided slice worked out for a shape: the index to apply, and the shapes before and after axes come and go."""

    __slots__ = ("index", "dense", "final", "dynamic", "ranges")

    def __init__(self) -> None:
        self.index: list[Any] = []  # int or traced scalar | slice | None, as NumPy takes them
        self.dense: list[Any] = []  # the size of each axis of the input within the slice
        self.final: list[Any] = []  # the output's shape
        self.ranges: list[Any] = []  # (first element, step) of each axis of the input
        self.dynamic = False


def plan(dims: Any, begin: Any, end: Any, strides: Any, masks: dict[str, int], symbolic: bool = False) -> Plan:
    """Work out a strided slice of a tensor of shape `dims`.

    The entries of begin, end and strides are ints, traced scalars, or (symbolic) None where they are not known.
    """
    n, rank = len(begin), len(dims)
    bit = lambda name, i: masks[name] >> i & 1
    ellipses = [i for i in range(n) if bit("ellipsis_mask", i)]
    if len(ellipses) > 1:
        raise ShapeError("Multiple ellipses in slice spec not allowed")
    news = sum(1 for i in range(n) if bit("new_axis_mask", i) and not bit("ellipsis_mask", i))
    if rank == 0 and n - news - len(ellipses) > 0:
        raise ShapeError("Attempting to slice scalar input.")
    used = n - news - len(ellipses)
    if used > rank:
        raise ShapeError(f"Index out of range using input dim {rank}; input has only {rank} dims")
    out, axis = Plan(), 0

    def whole(count: int) -> None:
        nonlocal axis
        for _ in range(count):
            out.index.append(slice(None))
            out.dense.append(dims[axis])
            out.final.append(dims[axis])
            out.ranges.append((0, 1))
            axis += 1

    for i in range(n):
        if bit("ellipsis_mask", i):
            whole(rank - used)
        elif bit("new_axis_mask", i):
            out.index.append(None)
            out.final.append(1)
        elif bit("shrink_axis_mask", i):
            _shrink(out, begin[i], strides[i], dims[axis], axis, i)
            axis += 1
        else:
            _range(out, begin[i], end[i], strides[i], dims[axis], bit("begin_mask", i), bit("end_mask", i), i, symbolic)
            axis += 1
    whole(rank - axis)
    return out


def _shrink(out: Plan, b: Any, stride: Any, size: Any, axis: int, i: int) -> None:
    if isinstance(stride, int) and stride <= 0:
        raise ShapeError(f"strides[{i}] must be non-zero" if stride == 0 else "only stride 1 allowed on non-range indexing.")
    if isinstance(b, int) and size is not None:
        at = b + int(size) if b < 0 else b
        if not 0 <= at < size:
            raise ShapeError(f"slice index {at} of dimension {axis} out of bounds: its size is {int(size)}.")
        b = at
    elif b is not None and not isinstance(b, int):
        from jax import numpy as jnp

        out.dynamic = True
        b = jnp.clip(jnp.where(b < 0, b + int(size), b), 0, max(int(size) - 1, 0))
    out.index.append(b)
    out.dense.append(1)
    out.ranges.append((b, 1))


def _range(out: Plan, b: Any, e: Any, s: Any, size: Any, open_b: int, open_e: int, i: int, symbolic: bool) -> None:
    if s is None and symbolic:
        out.index.append(slice(None))
        out.dense.append(None)
        out.final.append(None)
        out.ranges.append((None, None))
        return
    s = s if isinstance(s, int) else int(s)
    if s == 0:
        raise ShapeError(f"strides[{i}] must be non-zero")
    unknown = size is None or (b is None and not open_b) or (e is None and not open_e)
    if unknown and symbolic:
        count = size if open_b and open_e and s in (1, -1) else None
        if size is None and count is None and isinstance(b, int | None) and isinstance(e, int) and not open_e and s == 1:
            b = 0 if open_b else b
            if b is not None and (b < 0) == (e < 0) and e <= b:
                count = 0
        out.index.append(slice(None))
        out.dense.append(count)
        out.final.append(count)
        out.ranges.append((None, s))
        return
    size = int(size)
    low, high = (0, size) if s > 0 else (-1, size - 1)
    clamp = lambda v: min(max(v + size if v < 0 else v, low), high)
    first = (low if s > 0 else high) if open_b else clamp(int(b))
    last = (high if s > 0 else low) if open_e else clamp(int(e))
    count = max(0, -((first - last) // s) if s > 0 else -((last - first) // -s))
    out.index.append(slice(first, None if last < 0 else last, s) if count else slice(0, 0))
    out.dense.append(count)
    out.final.append(count)
    out.ranges.append((first, s))


_MASK_ATTRS = "begin_mask: int = 0, ellipsis_mask: int = 0, end_mask: int = 0, new_axis_mask: int = 0, shrink_axis_mask: int = 0"
_MASKS = ("begin_mask", "ellipsis_mask", "end_mask", "new_axis_mask", "shrink_axis_mask")


def _bound(values: Any, hint: Any) -> list[Any]:
    """The entries of a bound: ints where they are known, traced scalars else."""
    if isinstance(values, np.ndarray):
        if values.ndim != 1:
            raise ShapeError(f"Expected begin, end, and strides to be 1D equal size tensors, but got shape {list(values.shape)} instead.")
        return values.tolist()
    return [values[i] if known is None else known for i, known in enumerate(hint or [None] * values.shape[0])]


def _planned(dims: Any, begin: Any, end: Any, strides: Any, hints: Any, masks: dict[str, int], first: int = 1) -> Plan:
    hints = hints or [None] * 8
    begin, end, strides = (_bound(v, h) for v, h in zip((begin, end, strides), hints[first:]))
    if not len(begin) == len(end) == len(strides):
        raise ShapeError(f"Expected begin, end, and strides to be 1D equal size tensors, but got sizes {len(begin)}, {len(end)} and {len(strides)} instead.")
    return plan(dims, begin, end, strides, masks)


def _out_of_bounds(xp: Any, dims: Any, begin: Any, hints: Any, masks: dict[str, int], first: int = 1) -> Any:
    """The check of traced indices: is one outside its axis?"""
    if isinstance(begin, np.ndarray) or not masks["shrink_axis_mask"]:
        return False, ""
    entries = _bound(begin, (hints or [None] * 8)[first])
    axis, bad, n = 0, False, len(entries)
    used = sum(1 for i in range(n) if not (masks["new_axis_mask"] | masks["ellipsis_mask"]) >> i & 1)
    for i, b in enumerate(entries):
        if masks["ellipsis_mask"] >> i & 1:
            axis += len(dims) - used
        elif not masks["new_axis_mask"] >> i & 1:
            if masks["shrink_axis_mask"] >> i & 1 and not isinstance(b, int) and axis < len(dims):
                bad = bad | (b < -dims[axis]) | (b >= dims[axis])
            axis += 1
    return bad, f"slice index out of bounds for shape {list(dims)}"


@op(f"StridedSlice(input: T, begin: Index, end: Index, strides: Index, *, Index: {{int16|int32|int64}}, T: type, {_MASK_ATTRS}) -> output: T", hints=True)
def strided_slice_op(xp, input, begin, end, strides, *, hints=None, **masks):  # noqa: A002
    """input[begin:end:strides], with bits in the masks for what was left out, for `...`, for new axes and for single indices."""
    p = _planned(tuple(input.shape), begin, end, strides, hints, masks)
    if p.dynamic:
        return _dynamic(xp, xp.asarray(input), p)
    return input[tuple(p.index)]


def _dynamic(xp: Any, x: Any, p: Plan) -> Any:
    """Indices that are only traced: one dynamic slice, then the static part."""
    from jax import lax

    index = [i for i in p.index if i is not None]
    zero = np.int32(0)
    starts = [zero if isinstance(i, slice) else xp.asarray(i, np.int32) for i in index]
    sizes = [x.shape[a] if isinstance(i, slice) else 1 for a, i in enumerate(index)]
    x = lax.dynamic_slice(x, starts, sizes)
    return x[tuple(i if i is None or isinstance(i, slice) else 0 for i in p.index)]


strided_slice_op.check(lambda xp, input, begin, end, strides, hints=None, **masks: _out_of_bounds(xp, tuple(input.shape), begin, hints, masks))


def _masked(kind: dict[str, Any]) -> dict[str, int]:
    return {m: kind[m] for m in _MASKS}


@strided_slice_op.shape
def _(input, begin, end, strides, **attrs):  # noqa: A002
    n = None
    for s in (begin, end, strides):
        if s.rank not in (None, 1):
            raise ShapeError(f"Expected begin, end, and strides to be 1D equal size tensors, but {s.name} has shape {as_text(s.shape)} instead.")
        if s.shape and s.shape[0] is not None:
            if n is not None and n != s.shape[0]:
                raise ShapeError(f"Expected begin, end, and strides to be 1D equal size tensors, but {s.name} has shape {as_text(s.shape)}, another {n} entries.")
            n = int(s.shape[0])
    if n is None or input.shape is None:
        return None
    bounds = [_entries(s) or [None] * n for s in (begin, end, strides)]
    return tuple(plan(input.shape, *bounds, _masked(attrs), symbolic=True).final)


@strided_slice_op.dims
def _(input, begin, end, strides, **attrs):  # noqa: A002
    if input.rank != 1 or attrs["new_axis_mask"]:
        return None
    values, bounds = input.dims, [s.value for s in (begin, end, strides)]
    if values is None or any(b is None or b.size != 1 for b in bounds):
        return None
    index = plan((len(values),), *[b.tolist() for b in bounds], _masked(attrs)).index[0]
    return (values[index],) if isinstance(index, int) else values[index]


@strided_slice_op.grad
def _(node, dy):
    x, begin, end, strides = node.inputs
    sizes = shape_of(x)
    sizes = sizes.astype(begin.dtype.array_dtype) if isinstance(sizes, np.ndarray) else shape_op(x, out_type=begin.dtype)
    return strided_slice_grad(sizes, begin, end, strides, dy, **_masked(node.attrs)), None, None, None


@op(f"StridedSliceGrad(shape: Index, begin: Index, end: Index, strides: Index, dy: T, *, Index: index, T: type, {_MASK_ATTRS}) -> output: T",
    static=("shape",), hints=True)  # fmt: skip
def strided_slice_grad(xp, shape, begin, end, strides, dy, *, hints=None, **masks):
    """Zeros of the given shape with dy where the slice was."""
    dims = tuple(shape.tolist())
    p = _planned(dims, begin, end, strides, hints, masks)
    if xp is np:
        out = np.zeros(dims, dy.dtype) if dy.dtype != object else np.full(dims, b"", object)
        out[tuple(p.index)] = dy.reshape(p.final)
        return out
    return _place(xp, p, dy, dims)


def _place(xp: Any, p: Plan, dy: Any, dims: tuple[int, ...]) -> Any:
    """dy put into zeros, as padding (so that XLA fuses it) or, at traced indices, as an update."""
    from jax import lax

    dy = dy.reshape(p.dense)
    if 0 in p.dense:
        return xp.zeros(dims, dy.dtype)
    flips = [a for a, (_, s) in enumerate(p.ranges) if s < 0]
    if flips:
        dy = lax.rev(dy, flips)
    config, starts = [], []
    for d, n, (first, step) in zip(dims, p.dense, p.ranges):
        moving = not isinstance(first, int)
        low = 0 if moving else first if step > 0 else first + (n - 1) * step
        config.append((0, 0, 0) if moving else (low, d - low - (n - 1) * abs(step) - 1, abs(step) - 1))
        starts.append(xp.asarray(first if moving else 0, np.int32))
    out = lax.pad(dy, xp.zeros((), dy.dtype), config)
    return lax.dynamic_update_slice(xp.zeros(dims, dy.dtype), out, starts) if p.dynamic else out


strided_slice_grad.shape(lambda shape, begin, end, strides, dy, **_: shape.dims)


@strided_slice_grad.grad
def _(node, dy):
    _, begin, end, strides, _ = node.inputs
    return None, None, None, None, strided_slice_op(dy, begin, end, strides, **_masked(node.attrs))


# -- assignments -------------------------------------------------------------------------------------------------------
def _updated(xp: Any, x: Any, begin: Any, end: Any, strides: Any, value: Any, hints: Any, masks: dict[str, int]) -> Any:
    p = _planned(tuple(x.shape), begin, end, strides, hints, masks)
    shape = tuple(p.final)
    if tuple(value.shape) != shape and value.ndim:
        try:
            fits = np.broadcast_shapes(tuple(value.shape), shape) == shape
        except ValueError:
            fits = False
        if not fits:
            raise ShapeError(f"could not broadcast input array from shape {list(value.shape)} into shape {list(shape)} of the slice")
    value = xp.broadcast_to(value, shape)
    if xp is np:
        out = np.array(x)
        out[tuple(p.index)] = value
        return out
    x = xp.asarray(x)
    if 0 in p.dense:
        return x
    if all(s == 1 for _, s in p.ranges):
        from jax import lax

        return lax.dynamic_update_slice(x, xp.asarray(value, x.dtype).reshape(p.dense), [xp.asarray(b, np.int32) for b, _ in p.ranges])
    return x.at[tuple(p.index)].set(value)


@op(f"TensorStridedSliceUpdate(input: T, begin: Index, end: Index, strides: Index, value: T, *, Index: index, T: type, {_MASK_ATTRS}) -> output: T",
    shape=lambda input, begin, end, strides, value, **_: input.shape, hints=True)  # fmt: skip
def tensor_strided_slice_update(xp, input, begin, end, strides, value, *, hints=None, **masks):  # noqa: A002
    """input with value in the place of a slice."""
    return _updated(xp, input, begin, end, strides, value, hints, masks)


tensor_strided_slice_update.check(
    lambda xp, input, begin, end, strides, value, hints=None, **masks: _out_of_bounds(xp, tuple(input.shape), begin, hints, masks)
)


@tensor_strided_slice_update.grad
def _(node, dy):
    _, begin, end, strides, value = node.inputs
    masks = _masked(node.attrs)
    from penstock.ops.constants import zeros_like_op

    dx = tensor_strided_slice_update(dy, begin, end, strides, zeros_like_op(value), **masks)
    return dx, None, None, None, strided_slice_op(dy, begin, end, strides, **masks)


@op(f"ResourceStridedSliceAssign(ref: resource, begin: Index, end: Index, strides: Index, value: T, *, Index: index, T: type, {_MASK_ATTRS}) -> ()",
    effect="write", hints=True)  # fmt: skip
def resource_strided_slice_assign(xp, ref, begin, end, strides, value, *, hints=None, **masks):
    """Write value into a slice of the variable."""
    ref.write(_updated(xp, ref.read(), begin, end, strides, value, hints, masks))
    return ()


@op(f"StridedSliceAssign(ref: Ref(T), begin: Index, end: Index, strides: Index, value: T, *, Index: index, T: type, {_MASK_ATTRS}) -> output_ref: Ref(T)",
    effect="write", shape=lambda ref, begin, end, strides, value, **_: ref.shape, hints=True)  # fmt: skip
def strided_slice_assign(xp, ref, begin, end, strides, value, *, hints=None, **masks):
    """Write value into a slice of the variable."""
    ref.write(_updated(xp, ref.read(), begin, end, strides, value, hints, masks))
    return ref


# -- the public functions ----------------------------------------------------------------------------------------------
@export("strided_slice")
def strided_slice(input_, begin, end, strides=None, begin_mask=0, end_mask=0, ellipsis_mask=0, new_axis_mask=0, shrink_axis_mask=0, var=None, name=None):
    """`input_[begin:end:strides]`; the masks say which entries were left out, are `...`, are new axes or are single indices.

    >>> tf.strided_slice([1, 2, 3, 4], [0], [4], [2]).numpy().tolist()
    [1, 3]
    """
    if strides is None:
        from penstock.ops.constants import ones_like

        begin = door.convert(begin)
        strides = ones_like(begin)
    masks = dict(begin_mask=begin_mask, end_mask=end_mask, ellipsis_mask=ellipsis_mask, new_axis_mask=new_axis_mask, shrink_axis_mask=shrink_axis_mask)
    out = strided_slice_op(input_, begin, end, strides, name=name, **masks)
    if var is not None:
        _attach(out, var, begin, end, strides, masks)
    return out


def _attach(out: Any, var: Any, begin: Any, end: Any, strides: Any, masks: dict[str, int]) -> None:
    """Let a slice of a variable be assigned to: `v[1:3].assign(...)`."""

    def assign(value: Any, name: str | None = None) -> Any:
        return var._strided_slice_assign(begin=begin, end=end, strides=strides, value=value, name=name, **masks)

    out.assign = assign


_BAD_INDEX = ("Only integers, slices (`:`), ellipsis (`...`), tf.newaxis (`None`) and scalar tf.int32/tf.int64 tensors are valid indices, got {!r}")
_INTS = (int, np.integer)


def _check_index(index: Any) -> None:
    if isinstance(index, (*_INTS, numbers.Integral, Dimension)):
        return
    dtype = getattr(index, "dtype", None)
    if dtype is None or getattr(index, "shape", None) is None:
        if isinstance(index, (float, complex, str, bytes, list, tuple, dict)) or not hasattr(index, "__index__"):
            raise TypeError(_BAD_INDEX.format(index))
        return
    rank = len(index.shape) if not isinstance(index, Tensor) else None if index._dims is None else len(index._dims)
    name = getattr(getattr(dtype, "base_dtype", dtype), "name", str(dtype))
    if name not in ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32") or rank not in (0, None):
        raise TypeError(_BAD_INDEX.format(index))


def _whole(index: Any) -> Any:
    """An index as an int, or the tensor that it is."""
    if isinstance(index, _INTS):
        return int(index)
    if isinstance(index, Dimension):
        return index.value
    if isinstance(index, np.ndarray):
        return int(index)
    if isinstance(index, Tensor) or hasattr(type(index), "__tf_tensor__"):
        return index
    return index.__index__() if hasattr(index, "__index__") else index


@export(v2=("__operators__.getitem",))
def getitem(tensor, slice_spec, var=None):
    """`tensor[...]`: ints, slices, `...`, None (a new axis), scalar tensors, or a boolean mask.

    >>> tf.constant([[1, 2, 3], [4, 5, 6]])[:, ::-2].numpy().tolist()
    [[3, 1], [6, 4]]
    """
    if slice_spec is True or slice_spec is False or (
        not isinstance(slice_spec, (tuple, list)) and getattr(slice_spec, "dtype", None) in (dtypes.bool, np.dtype(bool))
    ):  # fmt: skip
        from penstock.ops.masks import boolean_mask

        return boolean_mask(tensor, slice_spec)
    if not isinstance(slice_spec, (tuple, list)):
        slice_spec = (slice_spec,)
    begin: list[Any] = []
    end: list[Any] = []
    strides: list[Any] = []
    masks = dict.fromkeys(_MASKS, 0)
    for i, s in enumerate(slice_spec):
        b, e, step = 0, 0, 1
        if isinstance(s, slice):
            if s.start is None:
                masks["begin_mask"] |= 1 << i
            else:
                _check_index(s.start)
                b = _whole(s.start)
            if s.stop is None:
                masks["end_mask"] |= 1 << i
            else:
                _check_index(s.stop)
                e = _whole(s.stop)
            if s.step is not None:
                _check_index(s.step)
                step = _whole(s.step)
        elif s is Ellipsis:
            masks["ellipsis_mask"] |= 1 << i
        elif s is None:
            masks["new_axis_mask"] |= 1 << i
        else:
            _check_index(s)
            b = _whole(s)
            e = b + 1
            masks["shrink_axis_mask"] |= 1 << i
        begin.append(b)
        end.append(e)
        strides.append(step)
    with scoped(None, "strided_slice") as scope:
        bounds = _bounds(begin, end, strides)
        out = strided_slice_op(tensor, *bounds, name=scope or None, **{k: v for k, v in masks.items() if v})
    if var is not None:
        _attach(out, var, *bounds, masks)
    return out


def _bounds(begin: list[Any], end: list[Any], strides: list[Any]) -> list[Any]:
    dtype = None
    for e in (*begin, *end, *strides):
        if type(e) is not int:
            found = e.dtype.base_dtype
            if found is dtypes.int64:
                dtype = found
                break
            dtype = dtypes.int32
    if dtype is None:
        made = [fixed(v) for v in (begin, end, strides)]
        if all(isinstance(m, Tensor) for m in made):
            return made
        wide = any(not -(2**31) <= e < 2**31 for e in (*begin, *end, *strides))
        kind = np.int64 if wide else np.int32
        return [door.convert(np.array(v, kind), None, n) for v, n in ((begin, "stack"), (end, "stack_1"), (strides, "stack_2"))]
    return [_stacked(v, dtype, n) for v, n in ((begin, "stack"), (end, "stack_1"), (strides, "stack_2"))]


def _stacked(values: list[Any], dtype: Any, name: str) -> Any:
    if all(type(v) is int for v in values):
        return door.convert(np.array(values, dtype.array_dtype), dtype, name)
    return pack(values, dtype, name)


def _slice(self, slice_spec, var=None):
    return getitem(self, slice_spec, var)  # by its name here, so that the function's dispatchers are asked


_slice.__name__, _slice.__qualname__ = "__getitem__", "Tensor.__getitem__"
Tensor.__getitem__ = _slice  # type: ignore[attr-defined]
