"""Shapes: asking for them, and giving a tensor another one."""

from typing import Any

import numpy as np

from penstock.base import dtypes
from penstock.base.dtypes import as_dtype
from penstock.base.errors import InvalidArgumentError, ShapeError
from penstock.base.export import Old, export
from penstock.base.shape import TensorShape, as_dims, as_text, axis_of, broadcast, merge
from penstock.ir import door
from penstock.ir.known import known_value
from penstock.ir.op import find, op
from penstock.ir.scope import scoped
from penstock.ir.tensor import Tensor
from penstock.ops.families import dispatched
from penstock.ops.fixed import fixed

_dims = lambda x: tuple(getattr(x, "shape", ()))


# -- asking ------------------------------------------------------------------------------------------------------------
@op("Shape(input: T, *, T: type, out_type: index = int32) -> output: out_type", shape=lambda input: (input.rank,))
def shape_op(xp, input, *, out_type):  # noqa: A002
    """The sizes of input's axes."""
    return np.array(_dims(input), out_type.array_dtype)


shape_op.shape(lambda input, *, out_type: (input.rank,))
shape_op.dims(lambda input, *, out_type: input.shape)
shape_op.no_grad()


@op("ShapeN(input: N*T, *, N: int >= 1, T: type, out_type: index = int32) -> output: N*out_type",
    shape=lambda input, *, out_type: [(x.rank,) for x in input])  # fmt: skip
def shape_n_op(xp, input, *, out_type):  # noqa: A002
    """The shape of each input."""
    return [np.array(_dims(x), out_type.array_dtype) for x in input]


shape_n_op.no_grad()


@op("Size(input: T, *, T: type, out_type: index = int32) -> output: out_type", shape=lambda input, *, out_type: ())
def size_op(xp, input, *, out_type):  # noqa: A002
    """The number of elements."""
    return np.array(np.prod(_dims(input), dtype=np.int64), out_type.array_dtype)


size_op.no_grad()


@op("Rank(input: T, *, T: type) -> output: int32", shape=lambda input: ())
def rank_op(xp, input):  # noqa: A002
    """The number of axes."""
    return np.array(len(_dims(input)), np.int32)


rank_op.no_grad()


def shape_internal(input: Any, name: str | None = None, optimize: bool = True, out_type: Any = None) -> Any:
    """The shape as a constant where it is known while a graph is built, else a Shape node."""
    out_type = dtypes.int32 if out_type is None else as_dtype(out_type)
    here = door.current()
    with scoped(name, "Shape") as scope:
        dense = getattr(input, "dense_shape", None)
        if dense is not None and not isinstance(input, Tensor):  # SparseTensor, IndexedSlices
            return find("Cast")(dense, DstT=out_type, name=scope)
        if getattr(input, "_type_spec", None) is not None and hasattr(input, "row_splits"):
            from penstock.ops.dynamic_ragged_shape import DynamicRaggedShape

            return DynamicRaggedShape.from_tensor(input, out_type)
        tensor = door.convert(input, None, "Const")
        dims = tensor._dims
        if here.is_graph and optimize and dims is not None and None not in dims and tensor.dtype.on_device | (tensor.dtype is dtypes.string):
            return here.constant(np.array(dims, out_type.array_dtype), scope, out_type)
        return shape_op(tensor, out_type=out_type, name=scope)


@export("shape", old=Old("input, name=None, out_type=None"))
@dispatched
def shape(input, out_type=None, name=None):  # noqa: A002
    """The shape as an int32 (or `out_type`) vector.

    >>> tf.shape([[1, 2, 3]]).numpy().tolist()
    [1, 3]
    """
    return shape_internal(input, name, True, out_type)


@export("shape_n")
def shape_n(input, out_type=dtypes.int32, name=None):  # noqa: A002
    """The shape of each tensor in a list."""
    return shape_n_op(input, out_type=out_type, name=name)


@export("size", old=Old("input, name=None, out_type=None"))
@dispatched
def size(input, out_type=None, name=None):  # noqa: A002
    """The number of elements.

    >>> tf.size([[1, 2], [3, 4]]).numpy().item()
    4
    """
    out_type = dtypes.int32 if out_type is None else as_dtype(out_type)
    here = door.current()
    with scoped(name, "Size") as scope:
        dense = getattr(input, "dense_shape", None)
        if dense is not None and not isinstance(input, Tensor):
            return find("Prod")(find("Cast")(dense, DstT=out_type), 0, name=scope)
        tensor = door.convert(input, None, "Const")
        dims = tensor._dims
        if here.is_graph and dims is not None and None not in dims:
            return here.constant(np.array(np.prod(dims, dtype=np.int64), out_type.array_dtype), scope, out_type)
        return size_op(tensor, out_type=out_type, name=scope)


@export("rank")
@dispatched
def rank(input, name=None):  # noqa: A002
    """The number of axes.

    >>> tf.rank([[1, 2]]).numpy().item()
    2
    """
    here = door.current()
    with scoped(name, "Rank") as scope:
        dense = getattr(input, "dense_shape", None)
        if dense is not None and not isinstance(input, Tensor):
            return size_op(dense, name=scope)
        tensor = door.convert(input, None, "Const")
        if here.is_graph and tensor._dims is not None:
            return here.constant(np.array(len(tensor._dims), np.int32), scope, dtypes.int32)
        return rank_op(tensor, name=scope)


def shape_of(tensor: Any) -> Any:
    """The shape for use in gradients: an array when it is known, else a Shape node."""
    dims = tensor._dims
    if dims is not None and None not in dims:
        return np.array([int(d) for d in dims], np.int32)
    return shape_op(tensor)


# -- giving another shape ----------------------------------------------------------------------------------------------
@op("Reshape(tensor: T, shape: Tshape, *, T: type, Tshape: index = int32) -> output: T", static=("shape",), moves=True)
def reshape_op(xp, tensor, shape):
    """The same values in another shape; one size may be -1."""
    dims = _resolve(tensor.size, shape)
    return tensor.reshape(dims)


def _resolve(n: int, shape: np.ndarray) -> tuple[int, ...]:
    """The target shape with -1 worked out; InvalidArgumentError when n values do not fit."""
    if shape.ndim > 1:
        raise InvalidArgumentError(f"shape must be a vector, got shape {list(shape.shape)}")
    dims = shape.reshape(-1).tolist()
    if len(dims) > 64:
        raise InvalidArgumentError(f"too many dimensions: must be < {254 if len(dims) >= 254 else 65}, but received {len(dims)}")
    free, product = -1, 1
    for i, d in enumerate(dims):
        if d == -1:
            if free >= 0:
                raise InvalidArgumentError(f"Only one input size may be -1, not both {free} and {i}, in shape {dims}")
            free = i
        elif d < 0:
            raise InvalidArgumentError(f"Size {i} must be non-negative, not {d}, in shape {dims}: Invalid value in tensor used for shape: {d}")
        else:
            product *= d
    if free >= 0:
        if product == 0:
            if n:
                raise InvalidArgumentError(f"Input to reshape is a tensor with {n} values, but shape {dims} cannot hold any")
            missing = 0
        else:
            missing, rest = divmod(n, product)
            if rest:
                raise InvalidArgumentError(f"Input to reshape is a tensor with {n} values, but the requested shape requires a multiple of {product}: {dims}: Dimension size must be evenly divisible by {product} but is {n}")
        dims[free] = missing
    elif product != n:
        raise InvalidArgumentError(f"Input to reshape is a tensor with {n} values, but the requested shape has {product}: Cannot reshape a tensor with {n} elements to shape {as_text(tuple(dims))} ({product} elements)")
    return tuple(dims)


@reshape_op.shape
def _(tensor, shape):
    if shape.rank is not None and shape.rank != 1 and shape.rank != 0:
        raise ShapeError(f"shape must be a vector but has shape {as_text(shape.shape)}")
    value = shape.value
    total = None
    if tensor.shape is not None and None not in tensor.shape:
        total = int(np.prod(tensor.shape, dtype=np.int64))
    if value is not None:
        if total is not None:
            try:
                return _resolve(total, value)
            except InvalidArgumentError as e:
                raise ShapeError(e.message) from None
        dims = [None if d == -1 else int(d) for d in value.reshape(-1)]
        if any(d is not None and d < 0 for d in dims) or dims.count(None) > 1:
            raise ShapeError(f"shape {value.tolist()} may hold one -1 and no other negative size")
        if tensor.shape is not None and dims.count(None) == 1:  # the unknown sizes may cancel
            unknown = [d for d in tensor.shape if d is None]
            known = int(np.prod([d for d in tensor.shape if d is not None], dtype=np.int64))
            given = int(np.prod([d for d in dims if d is not None], dtype=np.int64))
            if not unknown and given:
                dims[dims.index(None)] = known // given
        return tuple(dims)
    dims = shape.dims
    if dims is None:
        return None
    if total is not None and dims.count(None) == 1:
        rest = int(np.prod([d for d in dims if d is not None], dtype=np.int64))
        if rest and total % rest == 0:
            return tuple(total // rest if d is None else d for d in dims)
    return dims


@reshape_op.dims
def _(tensor, shape):
    return tensor.dims if tensor.rank == 1 and shape.value is not None and shape.value.size == 1 else None


@reshape_op.grad
def _(node, dy):
    return reshape_op(dy, shape_of(node.inputs[0])), None


@export("reshape", v1=("manip.reshape",))
def reshape(tensor, shape, name=None):
    """The same values, in row-major order, in another shape; one size may be -1.

    >>> tf.reshape([1, 2, 3, 4], [2, -1]).numpy().tolist()
    [[1, 2], [3, 4]]
    """
    if hasattr(shape, "_add_row_partitions"):
        return shape._add_row_partitions(reshape_op(tensor, shape.inner_shape, name=name))
    return reshape_op(tensor, fixed(plain(shape)), name=name)


def plain(shape: Any) -> Any:
    """A TensorShape argument as integers (a scalar int reads as one axis); everything else as it is."""
    if isinstance(shape, TensorShape):
        if shape._dims is None or None in shape._dims:
            raise ValueError(f"Cannot convert a partially known TensorShape {shape} to a Tensor.")
        return np.array(shape._dims, np.int32)
    return shape


@op("ExpandDims(input: T, dim: Tdim, *, T: type, Tdim: index = int32) -> output: T", static=("dim",), moves=True, called={"dim": "axis"})
def expand_dims_op(xp, input, dim):  # noqa: A002
    """A new axis of size 1 at `dim`."""
    return input.reshape(_expanded(tuple(input.shape), dim))


def _expanded(dims: tuple[Any, ...], dim: np.ndarray) -> tuple[Any, ...]:
    if dim.size != 1:
        raise InvalidArgumentError(f"'dim' must be a tensor with a single value, got shape {list(dim.shape)}")
    at, n = int(dim.reshape(())), len(dims)
    if not -n - 1 <= at <= n:
        raise InvalidArgumentError(f"Tried to expand dim index {at} for tensor with {n} dimensions: dim {at} not in the interval [{-n - 1}, {n}].")
    at = at + n + 1 if at < 0 else at
    return (*dims[:at], 1, *dims[at:])


@expand_dims_op.shape
def _(input, dim):  # noqa: A002
    value = dim.value
    if input.shape is None:
        return None
    if value is None:
        return (None,) * (input.rank + 1)
    try:
        return _expanded(input.shape, value)
    except InvalidArgumentError as e:
        raise ShapeError(e.message) from None


@expand_dims_op.dims
def _(input, dim):  # noqa: A002
    value = known_value(input._tensor) if input._tensor is not None and input.rank == 0 else None
    return (None,) if input.rank == 0 and value is None else None if value is None else (int(value),)


@expand_dims_op.grad
def _(node, dy):
    return reshape_op(dy, shape_of(node.inputs[0])), None


@export(v2=("expand_dims",))
@dispatched
def expand_dims(input, axis, name=None):  # noqa: A002
    """A new axis of size 1 at index `axis`.

    >>> tf.expand_dims([1, 2], 0).shape
    TensorShape([1, 2])
    """
    return expand_dims_op(input, fixed(axis), name=name)


@export(v1=("expand_dims",))
@dispatched
def expand_dims_v1(input, axis=None, name=None, dim=None):  # noqa: A002
    """A new axis of size 1 at index `axis` (once called `dim`)."""
    axis = renamed("axis", axis, "dim", dim)
    if axis is None:
        raise ValueError("Must specify an axis argument to tf.expand_dims()")
    return expand_dims_op(input, fixed(axis), name=name)


def renamed(new_name: str, new: Any, old_name: str, old: Any) -> Any:
    """The value of a parameter that once had another name."""
    if old is None:
        return new
    if new is not None:
        raise ValueError(f"Cannot specify both '{old_name}' and '{new_name}'.")
    return old


@op("Squeeze(input: T, *, T: type, squeeze_dims: list(int) >= 0 = []) -> output: T", moves=True, called={"squeeze_dims": "axis"})
def squeeze_op(xp, input, *, squeeze_dims):  # noqa: A002
    """Without the axes of size 1 (all of them, or those given)."""
    return input.reshape(_squeezed(tuple(input.shape), squeeze_dims))


def _squeezed(dims: tuple[Any, ...], axes: list[int]) -> Any:
    if not axes:
        return None if None in dims else tuple(d for d in dims if d != 1)
    n = len(dims)
    drop = set()
    for a in axes:
        if not -n <= a < n:
            raise ShapeError(f"Tried to squeeze dim index {a} for tensor with {n} dimensions: squeeze_dims not in [-{n},{n}).")
        a %= n
        if dims[a] is not None and dims[a] != 1:
            raise ShapeError(f"Can not squeeze dim[{a}], expected a dimension of 1, got {int(dims[a])}")
        drop.add(a)
    return tuple(d for i, d in enumerate(dims) if i not in drop)


@squeeze_op.shape
def _(input, *, squeeze_dims):  # noqa: A002
    return None if input.shape is None else _squeezed(input.shape, squeeze_dims)


@squeeze_op.grad
def _(node, dy):
    return reshape_op(dy, shape_of(node.inputs[0]))


@export(v2=("squeeze",))
@dispatched
def squeeze(input, axis=None, name=None):  # noqa: A002
    """Without the axes of size 1: all of them, or those in `axis`.

    >>> tf.squeeze(tf.ones([1, 2, 1, 3]), [2]).shape
    TensorShape([1, 2, 3])
    """
    if axis is None:
        return squeeze_op(input, name=name)
    if isinstance(axis, (Tensor, np.ndarray)):
        axis = np.asarray(known_value(axis) if isinstance(axis, Tensor) else axis).reshape(-1).tolist()
    elif np.isscalar(axis) or not isinstance(axis, (list, tuple)):
        axis = [axis]
    return squeeze_op(input, squeeze_dims=tuple(axis), name=name)


@export(v1=("squeeze",))
@dispatched
def squeeze_v1(input, axis=None, name=None, squeeze_dims=None):  # noqa: A002
    """Without the axes of size 1: all of them, or those in `axis` (once called `squeeze_dims`)."""
    return squeeze(input, renamed("axis", axis, "squeeze_dims", squeeze_dims), name)


# -- broadcasting ------------------------------------------------------------------------------------------------------
@op("BroadcastTo(input: T, shape: Tidx, *, T: type, Tidx: index = int32) -> output: T", static=("shape",), moves=True)
def broadcast_to_op(xp, input, shape):  # noqa: A002
    """Repeated along axes of size 1, and new leading axes, to fill `shape`."""
    if shape.ndim > 1:
        raise InvalidArgumentError(f"shape must be a vector, got shape {list(shape.shape)}")
    target = tuple(shape.reshape(-1).tolist())
    _fits(tuple(input.shape), target)
    return xp.broadcast_to(input, target)


def _fits(dims: tuple[Any, ...], target: tuple[Any, ...]) -> None:
    if any(d is not None and d < 0 for d in target):
        raise ShapeError(f"Dimension {min(d for d in target if d is not None)} must be >= 0, in shape {list(target)}")
    if len(dims) > len(target):
        raise ShapeError(f"Rank of input ({len(dims)}) must be no greater than rank of output shape ({len(target)}).")
    for d, t in zip(dims[::-1], target[::-1]):
        if d is not None and t is not None and d != 1 and d != t:
            raise ShapeError(f"Unable to broadcast tensor of shape {as_text(dims)} to tensor of shape {as_text(target)}: Dimensions must be equal, but are {int(d)} and {int(t)}; Incompatible shapes: {as_text(dims)} vs. {as_text(target)}")


@broadcast_to_op.shape
def _(input, shape):  # noqa: A002
    value = shape.value
    target = shape.dims if value is None else tuple(int(d) for d in value.reshape(-1))
    if target is not None and input.shape is not None:
        _fits(input.shape, target)
    return target


def sum_to(dy: Any, x: Any) -> Any:
    """dy summed over the axes along which x was repeated."""
    a, b = x._dims, dy._dims
    if a is not None and b is not None and len(a) <= len(b) and None not in a:
        if tuple(a) == tuple(b):
            return dy
        lead = len(b) - len(a)
        axes = [*np.arange(lead).tolist(), *[lead + i for i, d in enumerate(a) if d == 1 and b[lead + i] != 1]]
        summed = find("Sum")(dy, np.array(axes, np.int32), keep_dims=True) if axes else dy
        return reshape_op(summed, np.array(a, np.int32)) if lead else summed
    target = shape_op(x)
    axes = find("BroadcastGradientArgs")(target, shape_op(dy))[0]
    return reshape_op(find("Sum")(dy, axes, keep_dims=True), target)


@broadcast_to_op.grad
def _(node, dy):
    return sum_to(dy, node.inputs[0]), None


@export("broadcast_to")
@dispatched
def broadcast_to(input, shape, name=None):  # noqa: A002
    """`input` repeated to fill `shape` by the rules of broadcasting.

    >>> tf.broadcast_to([1, 2], [3, 2]).numpy().tolist()
    [[1, 2], [1, 2], [1, 2]]
    """
    if hasattr(shape, "_add_row_partitions"):
        return shape._broadcast(door.convert(input))
    return broadcast_to_op(input, fixed(plain(shape)), name=name)


@op("BroadcastArgs(s0: T, s1: T, *, T: index = int32) -> r0: T", static=("s0", "s1"))
def broadcast_args(xp, s0, s1):
    """The shape that shapes s0 and s1 broadcast to."""
    try:
        return np.array(np.broadcast_shapes(tuple(s0.tolist()), tuple(s1.tolist())), s0.dtype)
    except ValueError:
        raise InvalidArgumentError(f"Incompatible shapes between op input and calculated input gradient: {s0.tolist()} and {s1.tolist()} do not broadcast") from None


@broadcast_args.shape
def _(s0, s1):
    a, b = s0.shape, s1.shape
    if a is None or b is None or a[0] is None or b[0] is None:
        return (None,)
    return (max(a[0], b[0]),)


@broadcast_args.dims
def _(s0, s1):
    a, b = s0.dims, s1.dims
    return None if a is None or b is None else broadcast(a, b)


broadcast_args.no_grad()


@export("broadcast_dynamic_shape")
def broadcast_dynamic_shape(shape_x, shape_y):
    """The shape, as a tensor, that two shapes given as tensors broadcast to."""
    return broadcast_args(plain(shape_x), plain(shape_y))


@export("broadcast_static_shape")
def broadcast_static_shape(shape_x, shape_y):
    """The TensorShape that two TensorShapes broadcast to; ValueError when they do not.

    >>> tf.broadcast_static_shape(tf.TensorShape([2, 1]), tf.TensorShape([3]))
    TensorShape([2, 3])
    """
    a, b = as_dims(shape_x), as_dims(shape_y)
    try:
        return TensorShape._of(broadcast(a, b))
    except ShapeError:
        raise ValueError(f"Incompatible shapes for broadcasting: {as_text(a)} and {as_text(b)}") from None


# -- saying what a shape is --------------------------------------------------------------------------------------------
@op("EnsureShape(input: T, *, T: type, shape: shape) -> output: T", moves=True)
def ensure_shape_op(xp, input, *, shape):  # noqa: A002
    """input, whose shape must fit."""
    have = tuple(input.shape)
    if shape is not None and (len(have) != len(shape) or any(w is not None and w != h for h, w in zip(have, shape))):
        raise InvalidArgumentError(f"Shape of tensor input {as_text(have)} is not compatible with expected shape {as_text(shape)}.")
    return input


@ensure_shape_op.shape
def _(input, *, shape):  # noqa: A002
    return merge(input.shape, shape)


@ensure_shape_op.grad
def _(node, dy):
    return dy


@export("ensure_shape")
def ensure_shape(x, shape, name=None):
    """`x`, checked to have a shape that fits, when the graph runs as well as while it is built.

    >>> tf.ensure_shape(tf.ones([2, 3]), [None, 3]).shape
    TensorShape([2, 3])
    """
    return ensure_shape_op(x, shape=as_dims(shape), name=name)


def normal_axis(axis: Any, rank: int, name: str = "axis") -> int:
    """A Python axis as 0..rank-1."""
    return axis_of(int(axis), rank, name)
