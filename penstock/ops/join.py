"""Putting tensors together and taking them apart: concat, stack, split, unstack, meshgrid."""

from typing import Any

import numpy as np

from penstock.base import dtypes
from penstock.base.dtypes import DType
from penstock.base.errors import InvalidArgumentError, ShapeError
from penstock.base.export import export
from penstock.base.shape import as_text, axis_of
from penstock.ir import convert, door, node_count
from penstock.ir.known import known_value
from penstock.ir.op import find, op
from penstock.ir.scope import scoped
from penstock.ir.tensor import Tensor
from penstock.ops.families import dispatched, later
from penstock.ops.fixed import fixed
from penstock.ops.shapes import rank_op, shape_n_op

_Slice, _Cast, _Identity, _Range, _Mul = later("Slice"), later("Cast"), later("Identity"), later("Range"), later("Mul")


# -- concat ------------------------------------------------------------------------------------------------------------
@op("ConcatV2(values: N*T, axis: Tidx, *, N: int >= 2, T: type, Tidx: index = int32) -> output: T", static=("axis",), moves=True)
def concat_v2(xp, values, axis):
    """The values one after the other along an axis."""
    return _concat(xp, values, axis)


@op("Concat(concat_dim: int32, values: N*T, *, N: int >= 2, T: type) -> output: T", static=("concat_dim",), moves=True)
def concat_v1(xp, concat_dim, values):
    """The values one after the other along an axis."""
    return _concat(xp, values, concat_dim)


def _concat(xp: Any, values: list[Any], axis: np.ndarray) -> Any:
    if axis.size != 1:
        raise InvalidArgumentError(f"Concat dim tensor should be a scalar, but got shape {list(axis.shape)}")
    at = int(axis.reshape(()))
    _joined([tuple(v.shape) for v in values], at)
    return xp.concatenate(values, at)


def _joined(shapes: list[Any], at: int | None) -> Any:
    """The dims of a concatenation; ShapeError where the parts do not fit."""
    rank = next((len(s) for s in shapes if s is not None), None)
    if rank is None:
        return None
    if rank == 0:
        raise ShapeError("Can't concatenate scalars (use tf.stack instead)")
    first = next(i for i, s in enumerate(shapes) if s is not None)
    for i, s in enumerate(shapes):
        if s is not None and len(s) != rank:
            raise ShapeError(f"Ranks of all input tensors should match: shape[{first}] = {as_text(shapes[first])} vs. shape[{i}] = {as_text(s)}")
    if at is None:
        return (None,) * rank
    if not -rank <= at < rank:
        raise ShapeError(f"Expected concatenating dimensions in the range [{-rank}, {rank}), but got {at}")
    at %= rank
    dims: list[Any] = [None] * rank
    total: int | None = 0
    for i, s in enumerate(shapes):
        if s is None:
            total = None
            continue
        for j in np.arange(rank).tolist():
            if j == at:
                total = None if total is None or s[j] is None else total + int(s[j])
            elif dims[j] is None:
                dims[j] = s[j]
            elif s[j] is not None and int(s[j]) != int(dims[j]):
                raise ShapeError(
                    f"ConcatOp : Dimension {j} in both shapes must be equal: shape[{first}] = {as_text(shapes[first])} vs. shape[{i}] = {as_text(s)}: "
                    f"Dimension {j} in both shapes must be equal, but are {int(dims[j])} and {int(s[j])}"
                )
    dims[at] = total
    return tuple(dims)


concat_v2.shape(lambda values, axis: _joined([v.shape for v in values], None if axis.value is None else int(axis.value)))
concat_v1.shape(lambda concat_dim, values: _joined([v.shape for v in values], None if concat_dim.value is None else int(concat_dim.value)))


def _concat_dims(values: Any, *_: Any) -> Any:
    parts = [v.dims for v in values]
    return None if any(p is None for p in parts) else tuple(d for p in parts for d in p)


concat_v2.dims(lambda values, axis: _concat_dims(values) if all(v.rank == 1 for v in values) else None)
concat_v1.dims(lambda concat_dim, values: _concat_dims(values) if all(v.rank == 1 for v in values) else None)


def _concat_grad(values: Any, axis: Any, dy: Any) -> list[Any]:
    """What of dy belongs to each value."""
    if hasattr(dy, "dense_shape") and not isinstance(dy, Tensor):
        dy = door.convert(dy)
    at = known_value(axis)
    if at is not None and values[0]._dims is not None:
        at = int(at) % len(values[0]._dims)
        sizes = [None if v._dims is None else v._dims[at] for v in values]
        if None not in sizes:
            if len(set(sizes)) == 1 and len(sizes) > 1:
                return split_op(np.int32(at), dy, num_split=len(sizes))
            return split_v_op(dy, np.array(sizes, np.int32), np.int32(at), num_split=len(sizes))
    shapes = shape_n_op(list(values))
    offsets = concat_offset(find("FloorMod")(axis, rank_op(values[0])) if at is None else axis, shapes)
    return [_Slice(dy, o, s) for o, s in zip(offsets, shapes)]


@concat_v2.grad
def _(node, dy):
    *values, axis = node.inputs
    return (*_concat_grad(values, axis, dy), None)


@concat_v1.grad
def _(node, dy):
    axis, *values = node.inputs
    return (None, *_concat_grad(values, axis, dy))


@op("ConcatOffset(concat_dim: int32, shape: N*shape_type, *, N: int >= 2, shape_type: index = int32) -> offset: N*shape_type",
    static=("concat_dim", "shape"), shape=lambda concat_dim, shape: [s.shape for s in shape])  # fmt: skip
def concat_offset(xp, concat_dim, shape):
    """Where each shape begins in the concatenation of all."""
    rank = len(shape[0])
    at = axis_of(int(concat_dim), rank, "concat_dim")
    out, begin = [], 0
    for s in shape:
        one = np.zeros(rank, s.dtype)
        one[at] = begin
        begin += int(s[at])
        out.append(one)
    return out


concat_offset.no_grad()


@export("concat")
@dispatched
def concat(values, axis, name="concat"):
    """The tensors one after the other along `axis`.

    >>> tf.concat([[[1, 2]], [[3, 4]]], 0).numpy().tolist()
    [[1, 2], [3, 4]]
    """
    if not isinstance(values, (list, tuple)):
        values = [values]
    if len(values) == 1:
        with scoped(name, "concat"):
            at = door.convert(axis, dtypes.int32, "concat_dim")
            if at._dims:
                raise ShapeError(f"tf.concat(): axis must be a scalar, but has shape {list(at._dims)}")
            return _Identity(values[0], name=name or "concat")
    return concat_v2(values, fixed(axis), name=name)


# -- stack and unstack -------------------------------------------------------------------------------------------------
@op("Pack(values: N*T, *, N: int >= 1, T: type, axis: int = 0) -> output: T", moves=True)
def pack_op(xp, values, *, axis):
    """The values along a new axis."""
    _packed([tuple(v.shape) for v in values], axis)
    return xp.stack(values, axis)


def _differ(one: Any, other: Any) -> str:
    """Where two shapes differ, in the words of TensorFlow's shape functions."""
    shown = f" Shapes are {as_text(one)} and {as_text(other)}."
    if len(one) != len(other):
        return f": Shapes must be equal rank, but are {len(one)} and {len(other)}.{shown}"
    at = next(i for i, (a, b) in enumerate(zip(one, other)) if a is not None and b is not None and int(a) != int(b))
    return f": Dimension {at} in both shapes must be equal, but are {int(one[at])} and {int(other[at])}.{shown}"


def _packed(shapes: list[Any], axis: int) -> Any:
    merged = None
    for i, s in enumerate(shapes):
        if s is None:
            continue
        if merged is None:
            merged, first = list(s), i
        elif len(s) != len(merged) or any(a is not None and b is not None and int(a) != int(b) for a, b in zip(s, merged)):
            raise ShapeError(f"Shapes of all inputs must match: values[{first}].shape = {as_text(shapes[first])} != values[{i}].shape = {as_text(s)}{_differ(shapes[first], s)}")
        else:
            merged = [b if a is None else a for a, b in zip(merged, s)]
    if merged is None:
        return None
    at = axis_of(axis, len(merged) + 1)
    return (*merged[:at], len(shapes), *merged[at:])


pack_op.shape(lambda values, *, axis: _packed([v.shape for v in values], axis))


@pack_op.dims
def _(values, *, axis):
    if any(v.rank != 0 for v in values):
        return None
    found = [v.dims for v in values]
    return tuple(None if not f else f[0] for f in found)


@pack_op.grad
def _(node, dy):
    if hasattr(dy, "dense_shape") and not isinstance(dy, Tensor):
        dy = door.convert(dy)
    return tuple(unpack_op(dy, num=node.attrs["N"], axis=node.attrs["axis"]))


@op("Unpack(value: T, *, T: type, axis: int = 0, num: int >= 0) -> output: num*T", moves=True)
def unpack_op(xp, value, *, num, axis):
    """The slices along an axis."""
    _unpacked(tuple(value.shape), num, axis)
    return [value[(slice(None),) * (axis % value.ndim) + (i,)] for i in np.arange(num).tolist()]


def _unpacked(dims: Any, num: int, axis: int) -> list[Any]:
    if dims is None:
        return [None] * num
    at = axis_of(axis, len(dims))
    if dims[at] is not None and int(dims[at]) != num:
        raise ShapeError(f"Input shape axis {at} must equal {num}, got shape {as_text(dims)}")
    return [(*dims[:at], *dims[at + 1 :])] * num


unpack_op.shape(lambda value, *, num, axis: _unpacked(value.shape, num, axis))


@unpack_op.grad
def _(node, *dys):
    return pack_op(list(fill_in(node.outputs, dys)), axis=node.attrs["axis"])


def fill_in(outputs: Any, dys: Any) -> list[Any]:
    """The gradients of several outputs with zeros where nothing flows."""
    return [find("ZerosLike")(o) if d is None else d for o, d in zip(outputs, dys)]


def pack(value: Any, dtype: DType | None = None, name: str | None = None) -> Any:
    """A (nested) list with tensors among its elements as one tensor."""
    found = None
    for leaf in convert._leaves(value):
        if isinstance(leaf, Tensor) or hasattr(type(leaf), "__tf_tensor__"):
            one = convert.dtype_of(leaf)
            if found is None:
                found = one
            elif one is not None and one is not found and dtype is None:
                raise TypeError(f"Cannot pack tensors of different types into one: {found.name} and {one.name}, in {convert._short(value)}")
    return _packed_list(value, found or dtype, dtype, name or "packed")


def _packed_list(value: Any, want: Any, dtype: Any, name: str) -> Any:
    with scoped(name, "packed") as scope:
        parts = []
        for i, v in enumerate(value):
            if isinstance(v, (list, tuple)) and convert._holds_tensors(v):
                t = _packed_list(v, want, dtype, str(i))
            else:
                t = door.convert(v, want, str(i))
            parts.append(t if dtype is None or t.dtype.base_dtype is dtype.base_dtype else _Cast(t, DstT=dtype.base_dtype))
        return pack_op(parts, name=scope or None)


convert.pack = pack


@export("stack")
@dispatched
def stack(values, axis=0, name="stack"):
    """Tensors of one shape along a new axis.

    >>> tf.stack([[1, 2], [3, 4]], axis=1).numpy().tolist()
    [[1, 3], [2, 4]]
    """
    axis = int(known_value(axis)) if isinstance(axis, Tensor) else axis
    if axis == 0:
        if isinstance(values, Tensor):
            return door.convert(values)
        if not (isinstance(values, (list, tuple)) and any(isinstance(v, Tensor) for v in values)):
            try:
                found = convert.resolve(values)
                if isinstance(found, Tensor):
                    return found
                return door.convert(found if found is not values else found.copy(), None, name or "stack")
            except (TypeError, ValueError):
                pass  # mixed lists: Pack says what does not fit
        elif all(isinstance(v, Tensor) for v in values):
            return pack_op(list(values), name=name)
        else:
            try:
                return pack(values, None, name or "stack")
            except (TypeError, ValueError):
                pass
    if isinstance(values, (list, tuple)) and values:
        dims = next((v._dims for v in values if isinstance(v, Tensor) and v._dims is not None), None)
        if dims is None and not isinstance(values[0], Tensor):
            dims = np.shape(values[0]) if not convert._holds_tensors([values[0]]) else None
        if dims is not None and not -len(dims) - 1 <= axis <= len(dims):
            raise ValueError(f"Argument `axis` = {axis} not in range [{-len(dims) - 1}, {len(dims) + 1})")
    elif not isinstance(values, (list, tuple)):
        values = list(values)
    return pack_op(values, axis=axis, name=name)


@export("unstack")
def unstack(value, num=None, axis=0, name="unstack"):
    """The slices of `value` along `axis`, as a list.

    >>> [t.numpy().tolist() for t in tf.unstack([[1, 2], [3, 4]])]
    [[1, 2], [3, 4]]
    """
    if num is None:
        value = door.convert(value)
        dims = value._dims
        if dims is not None:
            if not -len(dims) <= axis < len(dims):
                raise ValueError(f"Argument `axis` = {axis} not in range [{-len(dims)}, {len(dims)})")
            num = dims[axis]
        if num is None:
            raise ValueError(f"Cannot infer argument `num` from shape {value.shape}")
    return unpack_op(value, num=num, axis=axis, name=name)


@op("ParallelConcat(values: N*T, *, N: int >= 1, T: type, shape: shape) -> output: T", shape=lambda values, *, shape: shape, moves=True)
def parallel_concat(xp, values):
    """The values, each with a first axis of size 1, one after the other."""
    return xp.concatenate(values, 0)


@parallel_concat.grad
def _(node, dy):
    return tuple(split_op(np.int32(0), dy, num_split=node.attrs["N"]))


@export("parallel_stack")
def parallel_stack(values, name="parallel_stack"):
    """Tensors of one known shape along a new first axis, copied as soon as each is ready; graphs only."""
    if not door.current().is_graph:
        raise RuntimeError("tf.parallel_stack() is not compatible with eager execution.")
    with scoped(name, "parallel_stack"):
        first = door.convert(values[0])
        dims = first._dims
        if dims is None or None in dims:
            raise ValueError(f"tf.parallel_stack() needs tensors of fully known shape, got {first.shape}")
        parts = [find("ExpandDims")(v, 0) for v in values]
        return parallel_concat(parts, shape=(len(values), *dims))


# -- split -------------------------------------------------------------------------------------------------------------
@op("Split(split_dim: int32, value: T, *, T: type, num_split: int >= 1) -> output: num_split*T", static=("split_dim",), moves=True,
    called={"split_dim": "axis"})  # fmt: skip
def split_op(xp, split_dim, value, *, num_split):
    """Equal parts along an axis."""
    _halves(tuple(value.shape), split_dim, num_split)
    return list(xp.split(value, num_split, int(split_dim)))


def _halves(dims: Any, at: Any, num: int) -> list[Any]:
    if dims is None:
        return [None] * num
    if at is None:
        return [(None,) * len(dims)] * num
    at = int(at)
    if not -len(dims) <= at < len(dims):
        raise ShapeError(f"-input rank(-{len(dims)}) <= split_dim < input rank ({len(dims)}), but got {at}: it must be in range [-{len(dims)}, {len(dims)})")
    at %= len(dims)
    n = dims[at]
    if n is not None and int(n) % num:
        raise ShapeError(f"Number of ways to split should evenly divide the split dimension, but got split_dim {at} (size = {int(n)}) and num_split {num}: Dimension size must be evenly divisible by {num} but is {int(n)}")
    return [(*dims[:at], None if n is None else int(n) // num, *dims[at + 1 :])] * num


split_op.shape(lambda split_dim, value, *, num_split: _halves(value.shape, split_dim.value, num_split))


@split_op.grad
def _(node, *dys):
    dys = fill_in(node.outputs, dys)
    return None, concat_v2(dys, node.inputs[0]) if len(dys) > 1 else dys[0]


@op("SplitV(value: T, size_splits: Tlen, split_dim: int32, *, T: type, Tlen: {int8|int32|int64} = int64, num_split: int >= 1) -> output: num_split*T",
    static=("size_splits", "split_dim"), moves=True, called={"split_dim": "axis"})  # fmt: skip
def split_v_op(xp, value, size_splits, split_dim, *, num_split):
    """Parts of the given sizes along an axis; one size may be -1."""
    at = int(split_dim)
    sizes = _sizes(tuple(value.shape), size_splits, at, num_split)
    out, begin = [], 0
    lead = (slice(None),) * (at % value.ndim)
    for n in sizes:
        out.append(value[(*lead, slice(begin, begin + n))])
        begin += n
    return out


def _sizes(dims: Any, size_splits: np.ndarray, at: int, num: int) -> list[int]:
    if size_splits.ndim != 1 or size_splits.size != num:
        raise ShapeError(f"size of the split_tensor must be 1-D and have the same elements as outputs got {size_splits.ndim} -D and {size_splits.size} elements, for {num} outputs")
    if not -len(dims) <= at < len(dims):
        raise ShapeError(f"-input rank(-{len(dims)}) <= split_dim < input rank ({len(dims)}), but got {at}: it must be in range [-{len(dims)}, {len(dims)})")
    n = dims[at % len(dims)]
    sizes = [int(s) for s in size_splits]
    if sizes.count(-1) > 1:
        raise ShapeError(f"There can only be one -1 in the input, got sizes {sizes}.")
    if any(s < -1 for s in sizes):
        raise ShapeError(f"Split sizes must be >= 0 (or one -1), got {sizes}")
    if n is None:
        return sizes
    n, total = int(n), sum(s for s in sizes if s >= 0)
    if (-1 not in sizes and total != n) or total > n:
        raise ShapeError("Determined shape must either match input shape along split_dim exactly if fully specified, or be less than "
                         f"the size of the input along split_dim if not fully specified.  Got: {total}, for an axis of {n}")  # fmt: skip
    return [n - total if s == -1 else s for s in sizes]


@split_v_op.shape
def _(value, size_splits, split_dim, *, num_split):
    if value.shape is None:
        return [None] * num_split
    if split_dim.value is None:
        return [(None,) * value.rank] * num_split
    at = int(split_dim.value)
    dims = value.shape
    known = size_splits.value
    if known is None:
        axis_of(at, len(dims), "split_dim")
        sizes: list[Any] = list(size_splits.dims or [None] * num_split)
    else:
        sizes = [None if s == -1 else s for s in _sizes(dims, known, at, num_split)]
    at %= len(dims)
    return [(*dims[:at], s, *dims[at + 1 :]) for s in sizes]


@split_v_op.grad
def _(node, *dys):
    dys = fill_in(node.outputs, dys)
    return concat_v2(dys, node.inputs[2]) if len(dys) > 1 else dys[0], None, None


@export("split")
@dispatched
def split(value, num_or_size_splits, axis=0, num=None, name="split"):
    """Parts of `value` along `axis`: a number of equal ones, or ones of the given sizes.

    >>> [t.numpy().tolist() for t in tf.split([1, 2, 3, 4, 5], [2, 3])]
    [[1, 2], [3, 4, 5]]
    """
    if not isinstance(num_or_size_splits, (Tensor, list, tuple, np.ndarray)) and not hasattr(num_or_size_splits, "__tf_tensor__"):
        if node_count.active():
            door.convert(num_or_size_splits)  # a node of TensorFlow 1.x, whose seeds count nodes
        return split_op(fixed(axis), value, num_split=num_or_size_splits, name=name)
    if isinstance(num_or_size_splits, (list, tuple)) and num_or_size_splits and not convert._holds_tensors(num_or_size_splits):
        sizes = door.convert([getattr(s, "value", s) for s in num_or_size_splits])
    else:
        sizes = door.convert(num_or_size_splits)
    if sizes._dims is not None and len(sizes._dims) == 0:
        raise ValueError(f"Rank-0 tensors are not supported as the num_or_size_splits argument to split. Argument provided: {num_or_size_splits}")
    if num is None:
        num = None if sizes._dims is None else sizes._dims[0]
        if num is None:
            raise ValueError(f"Cannot infer argument `num` from shape {sizes.shape} of num_or_size_splits")
    return split_v_op(value, sizes, fixed(axis), num_split=num, name=name)


# -- meshgrid ----------------------------------------------------------------------------------------------------------
@export("meshgrid")
def meshgrid(*args, **kwargs):
    """The coordinates of a grid over N vectors: N tensors of rank N (`indexing="xy"` swaps the first two axes, "ij" does not).

    >>> [t.numpy().tolist() for t in tf.meshgrid([1, 2], [3, 4])]
    [[[1, 2], [1, 2]], [[3, 3], [4, 4]]]
    """
    indexing = kwargs.pop("indexing", "xy")
    name = kwargs.pop("name", "meshgrid")
    if kwargs:
        raise TypeError(f"'{next(iter(kwargs))}' is an invalid keyword argument for this function")
    if indexing not in ("xy", "ij"):
        raise ValueError(f"Argument `indexing` must be either 'xy' or 'ij', got: '{indexing}'")
    from penstock.ops import constants, shapes

    with scoped(name, "meshgrid"):
        n = len(args)
        args = [door.convert(a) for a in args]
        grids = [shapes.reshape_op(a, np.array([1] * i + [-1] + [1] * (n - i - 1), np.int32)) for i, a in enumerate(args)]
        sizes = [shapes.size(a) for a in args]
        if not args:
            return []
        dtype = args[0].dtype.base_dtype
        if indexing == "xy" and n > 1:
            grids[0] = shapes.reshape_op(grids[0], np.array([1, -1] + [1] * (n - 2), np.int32))
            grids[1] = shapes.reshape_op(grids[1], np.array([-1, 1] + [1] * (n - 2), np.int32))
            sizes[0], sizes[1] = sizes[1], sizes[0]
        ones = constants.ones(sizes, dtype)
        return [_Mul(g, ones, name="mul") for g in grids]
