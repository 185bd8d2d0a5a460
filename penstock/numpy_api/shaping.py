"""The shape of arrays: reshaping, joining, splitting, repeating, indexing by arrays."""

from typing import Any

import numpy as np

from penstock.base import dtypes
from penstock.base.export import export
from penstock.ir import door
from penstock.ir.known import known_value
from penstock.ir.op import find
from penstock.ir.tensor import Tensor
from penstock.numpy_api.promotion import SPACE, asarray, is_number, promoted, to
from penstock.ops import arrays, join
from penstock.ops.gather_scatter import gather
from penstock.ops.shapes import shape_of


@export(SPACE + "shape")
def shape(a: Any) -> Any:
    """The static shape, or a tensor of the sizes where they are not all known."""
    a = asarray(a)
    return a.shape if a.shape.is_fully_defined() else find("Shape")(a)


@export(SPACE + "ndim")
def ndim(a: Any) -> Any:
    """The number of axes."""
    a = asarray(a)
    return a.shape.rank if a.shape.rank is not None else find("Rank")(a)


@export(SPACE + "size")
def size(x: Any, axis: Any = None) -> Any:
    """The number of elements."""
    if axis is not None:
        raise NotImplementedError("axis argument is not supported in the current `np.size` implementation")
    if is_number(x):
        return 1
    x = asarray(x)
    return np.prod(x.shape.as_list(), dtype=np.int64) if x.shape.is_fully_defined() else find("Size")(x, out_type="int64")


@export(SPACE + "isscalar")
def isscalar(num: Any) -> Any:
    """Is it a number, or an array without axes?"""
    if is_number(num) or isinstance(num, str | bytes):
        return True
    num = asarray(num)
    return num.shape.rank == 0 if num.shape.rank is not None else find("Equal")(find("Rank")(num), 0)


@export(SPACE + "reshape")
def reshape(a: Any, newshape: Any, order: str = "C") -> Any:
    """The elements in another shape, the last index (C) or the first one (F) changing fastest."""
    if order not in {"C", "F"}:
        raise ValueError(f"Unsupported value for argument `order`. Only 'C' and 'F' are supported. Received: {order}")
    a = asarray(a)
    if isinstance(newshape, int | np.integer):
        newshape = [int(newshape)]
    if order == "F":
        target = newshape[::-1] if not isinstance(newshape, Tensor) else find("ReverseV2")(newshape, [0])
        return transpose(find("Reshape")(transpose(a), list(target) if not isinstance(target, Tensor) else target))
    return find("Reshape")(a, newshape if isinstance(newshape, Tensor) else list(newshape))


def reshape_method(a: Any, *newshape: Any, **kwargs: Any) -> Any:
    """`a.reshape(2, 3)` and `a.reshape((2, 3))`."""
    order = kwargs.pop("order", "C")
    if kwargs:
        raise ValueError(f"Unsupported arguments: {kwargs.keys()}")
    return reshape(a, newshape[0] if len(newshape) == 1 and not isinstance(newshape[0], int) else newshape, order)


@export(SPACE + "ravel")
def ravel(a: Any) -> Any:
    """All elements in one row."""
    return find("Reshape")(asarray(a), [-1])


@export(SPACE + "flatten")
def flatten(a: Any, order: str = "C") -> Any:
    """All elements in one row, the last index (C) or the first one (F) changing fastest."""
    if order in ("C", "A", "K"):
        return ravel(a)
    if order == "F":
        return ravel(transpose(a))
    raise ValueError(f"order can only be C, A, K (all row major) or F (column major). Received: {order}")


@export(SPACE + "transpose")
def transpose(a: Any, axes: Any = None) -> Any:
    """The axes in another order, reversed unless one is given."""
    return arrays.transpose(asarray(a), None if axes is None else list(axes) if isinstance(axes, tuple) else axes)


@export(SPACE + "swapaxes")
def swapaxes(a: Any, axis1: int, axis2: int) -> Any:
    """Two axes in each other's place."""
    a = asarray(a)
    order = list(range(a.shape.rank))
    order[axis1], order[axis2] = order[axis2], order[axis1]
    return find("Transpose")(a, order)


@export(SPACE + "moveaxis")
def moveaxis(a: Any, source: Any, destination: Any) -> Any:
    """Axes moved to other places, the others in their order."""
    if not source and not isinstance(source, int) and not destination:
        return a
    a = asarray(a)
    rank = a.shape.rank
    as_list = lambda v: [v] if isinstance(v, int | np.integer) else list(np.reshape(v, -1))
    source, destination = ([int(i) % rank for i in as_list(v)] for v in (source, destination))
    if len(source) != len(destination):
        raise ValueError("The lengths of source and destination must equal")
    order = [i for i in range(rank) if i not in source]
    for to_place, axis in sorted(zip(destination, source)):
        order.insert(to_place, axis)
    return find("Transpose")(a, order)


@export(SPACE + "expand_dims")
def expand_dims(a: Any, axis: Any) -> Any:
    """A new axis of length 1."""
    return find("ExpandDims")(asarray(a), axis)


@export(SPACE + "squeeze")
def squeeze(a: Any, axis: Any = None) -> Any:
    """Without the axes of length 1."""
    from penstock.ops.shapes import squeeze as without

    return without(asarray(a), list(axis) if isinstance(axis, tuple) else axis)


@export(SPACE + "broadcast_to")
def broadcast_to(array: Any, shape: Any) -> Any:  # noqa: A002
    """The array repeated to a shape."""
    return find("BroadcastTo")(asarray(array), [shape] if isinstance(shape, int) else list(shape) if isinstance(shape, tuple) else shape)


@export(SPACE + "broadcast_arrays")
def broadcast_arrays(*args: Any, **kwargs: Any) -> list[Any]:
    """The arrays repeated to the shape that they have together."""
    subok = kwargs.pop("subok", False)
    if subok:
        raise ValueError("subok=True is not supported.")
    if kwargs:
        raise ValueError(f"Received unsupported arguments {kwargs.keys()}")
    made = [asarray(a) for a in args]
    if all(a.shape.is_fully_defined() for a in made):
        dims: Any = list(np.broadcast_shapes(*[tuple(a.shape.as_list()) for a in made]))
    else:
        dims = find("Shape")(made[0])
        for a in made[1:]:
            dims = find("BroadcastArgs")(dims, find("Shape")(a))
    return [find("BroadcastTo")(a, dims) for a in made]


def _atleast(n: int, place: Any, arys: tuple[Any, ...]) -> Any:
    made = []
    for a in arys:
        a = asarray(a)
        rank = a.shape.rank
        made.append(a if rank >= n else find("Reshape")(a, place(find("Shape")(a), rank)))
    return made[0] if len(made) == 1 else made


@export(SPACE + "atleast_1d")
def atleast_1d(*arys: Any) -> Any:
    """The arrays with one axis at least."""
    return _atleast(1, lambda s, r: [1], arys)


@export(SPACE + "atleast_2d")
def atleast_2d(*arys: Any) -> Any:
    """The arrays with two axes at least, new ones in front."""
    return _atleast(2, lambda s, r: [1, 1] if r == 0 else find("ConcatV2")([[1], s], 0), arys)


@export(SPACE + "atleast_3d")
def atleast_3d(*arys: Any) -> Any:
    """The arrays with three axes at least: [n] becomes [1, n, 1], [m, n] becomes [m, n, 1]."""
    return _atleast(3, lambda s, r: [1, 1, 1] if r == 0 else find("ConcatV2")([[1], s, [1]] if r == 1 else [s, [1]], 0), arys)


@export(SPACE + "concatenate")
def concatenate(arys: Any, axis: Any = 0) -> Any:
    """The arrays one after the other along an axis."""
    if isinstance(arys, Tensor):
        arys = join.unstack(arys)
    if axis is None:
        arys, axis = [ravel(a) for a in arys], 0
    return join.concat(list(promoted(*arys)), axis)


@export(SPACE + "append")
def append(arr: Any, values: Any, axis: Any = None) -> Any:
    """The values behind the array, both in one row unless an axis is given."""
    return concatenate([ravel(arr), ravel(values)] if axis is None else [arr, values], 0 if axis is None else axis)


@export(SPACE + "stack")
def stack(arrays: Any, axis: int = 0) -> Any:
    """The arrays along a new axis."""
    if isinstance(arrays, Tensor | np.ndarray):
        arrays = asarray(arrays)
        return arrays if axis == 0 else swapaxes(arrays, 0, axis)
    return join.stack(list(promoted(*arrays)), axis)


@export(SPACE + "hstack")
def hstack(tup: Any) -> Any:
    """Side by side: along axis 1, or 0 for arrays of one axis."""
    made = promoted(*[atleast_1d(a) for a in tup])
    return join.concat(list(made), 0 if made[0].shape.rank == 1 else 1)


@export(SPACE + "vstack")
def vstack(tup: Any) -> Any:
    """One below the other, arrays of one axis as rows."""
    return join.concat(list(promoted(*[atleast_2d(a) for a in tup])), 0)


@export(SPACE + "dstack")
def dstack(tup: Any) -> Any:
    """One behind the other, along the third axis."""
    return join.concat(list(promoted(*[atleast_3d(a) for a in tup])), 2)


@export(SPACE + "split")
def split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """The array cut into equal parts, or before the given indices."""
    ary = asarray(ary)
    if isinstance(indices_or_sections, int):
        return join.split(ary, indices_or_sections, axis)
    at = known_value(door.convert(indices_or_sections))
    total = ary.shape.as_list()[axis]
    at = [0, *[min(max(int(i) if i >= 0 else int(i) + (total or 0), 0), total) if total is not None else int(i) for i in np.reshape(at, -1)], total]
    lengths = [max(b - a, 0) if b is not None else -1 for a, b in zip(at, at[1:])]
    return join.split(ary, lengths, axis)


def _cut(ary: Any, where: Any, axis: int) -> list[Any]:
    ary = asarray(ary)
    if ary.shape.rank == 1 and axis == 1:
        axis = 0
    return split(ary, where, axis)


@export(SPACE + "hsplit")
def hsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    """Cut along axis 1, or 0 for an array of one axis."""
    return _cut(ary, indices_or_sections, 1)


@export(SPACE + "vsplit")
def vsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    """Cut along axis 0."""
    return _cut(ary, indices_or_sections, 0)


@export(SPACE + "dsplit")
def dsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    """Cut along axis 2."""
    return _cut(ary, indices_or_sections, 2)


@export(SPACE + "repeat")
def repeat(a: Any, repeats: Any, axis: Any = None) -> Any:
    """Each element repeated, along an axis or all in one row."""
    a = asarray(a)
    repeats = door.convert(np.reshape(repeats, -1) if isinstance(repeats, int | list | tuple) else repeats)
    return arrays.repeat(a, to(repeats, dtypes.int32), axis)


@export(SPACE + "tile")
def tile(a: Any, reps: Any) -> Any:
    """The array repeated along each axis."""
    a = asarray(a)
    reps = find("Reshape")(to(asarray(reps), dtypes.int32), [-1])
    rank, n = a.shape.rank, reps.shape.as_list()[0]
    if n > rank:
        a = find("Reshape")(a, find("ConcatV2")([np.ones(n - rank, np.int32), find("Shape")(a)], 0))
    elif n < rank:
        reps = find("ConcatV2")([np.ones(rank - n, np.int32), reps], 0)
    return find("Tile")(a, reps)


@export(SPACE + "roll")
def roll(a: Any, shift: Any, axis: Any = None) -> Any:
    """The elements moved on, those at the end back to the start."""
    a = asarray(a)
    as_ints = lambda v: to(door.convert(v), dtypes.int32) if not isinstance(v, int) else np.int32(v)
    if axis is not None:
        return arrays.roll(a, as_ints(shift), as_ints(axis))
    return find("Reshape")(arrays.roll(ravel(a), as_ints(shift), np.int32(0)), find("Shape")(a))


@export(SPACE + "flip")
def flip(m: Any, axis: Any = None) -> Any:
    """The elements in reverse order along one axis or all."""
    m = asarray(m)
    return find("ReverseV2")(m, list(range(m.shape.rank)) if axis is None else [axis] if isinstance(axis, int) else list(axis))


@export(SPACE + "flipud")
def flipud(m: Any) -> Any:
    """Upside down."""
    return flip(m, 0)


@export(SPACE + "fliplr")
def fliplr(m: Any) -> Any:
    """Left to right."""
    return flip(m, 1)


@export(SPACE + "rot90")
def rot90(m: Any, k: int = 1, axes: Any = (0, 1)) -> Any:
    """Turned by k right angles in the plane of two axes."""
    m = asarray(m)
    one, other = axes
    k %= 4
    if k == 0:
        return m
    if k == 2:
        return flip(flip(m, one), other)
    turned = list(range(m.shape.rank))
    turned[one], turned[other] = turned[other], turned[one]
    return find("Transpose")(flip(m, other), turned) if k == 1 else flip(find("Transpose")(m, turned), other)


@export(SPACE + "pad")
def pad(array: Any, pad_width: Any, mode: str, **kwargs: Any) -> Any:  # noqa: A002
    """The array with elements around it: constant_values, or its own mirrored (reflect, symmetric)."""
    constant_values = kwargs.get("constant_values", 0)
    if mode not in ("constant", "reflect", "symmetric"):
        raise ValueError(f"Unsupported padding mode: {mode}")
    array = asarray(array)
    width = find("Cast")(asarray(pad_width), DstT="int32")
    if mode == "constant":
        return find("PadV2")(array, width, to(asarray(constant_values), array.dtype))
    return find("MirrorPad")(array, width, mode=mode.upper())


@export(SPACE + "take")
def take(a: Any, indices: Any, axis: Any = None, out: Any = None, mode: str = "clip") -> Any:
    """The elements at the indices; those outside count from the end (wrap) or stand for the last (clip)."""
    if out is not None:
        raise ValueError(f"out argument is not supported in take. Received: {out}")
    if mode not in {"raise", "clip", "wrap"}:
        raise ValueError(f"Invalid mode '{mode}' for take")
    a, indices = asarray(a), asarray(indices)
    if axis is None:
        a, axis = ravel(a), 0
    count = to(asarray(shape_of(a)[axis]), indices.dtype)
    if mode == "clip":
        indices = find("Minimum")(find("Maximum")(indices, find("ZerosLike")(count)), count - 1)
    elif mode == "wrap":
        indices = find("FloorMod")(indices, count)
    else:
        raise ValueError(f"mode '{mode}' is not supported in take")
    return gather(a, indices, axis=axis)


@export(SPACE + "take_along_axis")
def take_along_axis(arr: Any, indices: Any, axis: Any) -> Any:
    """For each place of the other axes, the elements at that place's own indices."""
    arr, indices = asarray(arr), asarray(indices)
    if axis is None:
        return take_along_axis(ravel(arr), indices, 0)
    rank = arr.shape.rank
    if indices.shape.rank is not None and rank is not None and indices.shape.rank != rank:
        raise ValueError("`indices` and `arr` must have the same number of dimensions")
    axis = axis + rank if axis < 0 else axis
    mask = [1 if i == axis else None for i in range(rank)]
    dims_a, dims_i = shape_of(arr), shape_of(indices)
    both = [None if m else _wider(x, y) for m, x, y in zip(mask, dims_a, dims_i)]
    arr = find("BroadcastTo")(arr, [x if m else b for m, x, b in zip(mask, dims_a, both)])
    indices = find("BroadcastTo")(indices, [y if m else b for m, y, b in zip(mask, dims_i, both)])
    count = to(asarray(dims_a[axis]), indices.dtype)
    indices = find("SelectV2")(find("Less")(indices, find("ZerosLike")(indices)), indices + count, indices)
    arr, indices = swapaxes(arr, axis, -1), swapaxes(indices, axis, -1)
    return swapaxes(gather(arr, indices, axis=rank - 1, batch_dims=rank - 1), axis, -1)


def _wider(x: Any, y: Any) -> Any:
    if isinstance(x, int) and isinstance(y, int):
        return y if x == 1 else x
    return find("Maximum")(door.convert(x), door.convert(y))


@export(SPACE + "compress")
def compress(condition: Any, a: Any, axis: Any = None) -> Any:
    """The parts of a for which the condition holds."""
    from penstock.ops.masks import boolean_mask

    condition, a = to(asarray(condition), dtypes.bool), asarray(a)
    if condition.shape.rank != 1:
        raise ValueError("condition must be a 1-d array.")
    if axis is None:
        a, axis = ravel(a), 0
    n, given = a.shape.as_list()[axis], condition.shape.as_list()[0]
    if n is not None and given is not None and given < n:
        condition = find("ConcatV2")([condition, np.zeros(n - given, bool)], 0)
    return boolean_mask(a, condition, axis=axis)


@export(SPACE + "nonzero")
def nonzero(a: Any) -> list[Any]:
    """The places of what is not zero, an array for each axis."""
    a = asarray(a, None)
    a = atleast_1d(a)
    return join.unstack(find("Where")(to(a, dtypes.bool)), a.shape.rank, 1)


