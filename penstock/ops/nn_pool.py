"""Max and average pooling, of 2 and 3 dimensions, with their gradients and the gradients of those.

A window is read as one strided slice for each of its positions. The gradient of a maximum goes to its first match,
found as an index and given back by residue classes of the stride: no scatter.
"""

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from penstock.base.errors import ShapeError, UnimplementedError
from penstock.ir.op import Op, op
from penstock.ops.families import later, wide
from penstock.ops.nn_windows import (
    all_pads,
    channel_axis,
    out_size,
    pick,
    placed,
    rank_is_or_unknown,
    spatial_axes,
    spread,
)

_Shape = later("Shape")
_MAX_TYPES = "{float16|bfloat16|float32|float64|int32|int64|uint8|int16|int8|uint16|qint8}"
_POOL = 'ksize: list(int) >= 4, padding: "SAME"|"VALID", strides: list(int) >= 4'
_POOL_3D = (
    'data_format: "NDHWC"|"NCDHW" = "NDHWC", ksize: list(int) >= 5, padding: "SAME"|"VALID", strides: list(int) >= 5'
)


class Window:
    """The numbers of one pooling: axes, window, strides, paddings, output sizes."""

    def __init__(self, dims: Sequence[int], ksize: Any, strides: Any, padding: str, explicit: Any, data_format: str):
        rank = len(dims)
        self.axes = spatial_axes(data_format, rank)
        sizes = [int(dims[a]) for a in self.axes]
        self.sizes, self.k, self.s = sizes, pick(ksize, data_format), pick(strides, data_format)
        self.pads = all_pads(sizes, self.k, self.s, [1] * len(sizes), padding, explicit, data_format)
        self.out = [int(out_size(n, k, s, 1, padding, p) or 0) for n, k, s, p in zip(sizes, self.k, self.s, self.pads)]
        self.count = math.prod(self.k)
        # a window may leave entries at the end untouched, or reach past it
        self.reach = [
            (lo, max(hi, s * (o - 1) + k - n - lo))
            for (lo, hi), s, o, k, n in zip(self.pads, self.s, self.out, self.k, sizes)
        ]

    @property
    def places(self) -> Any:
        """Every position in the window, in reading order."""
        return itertools.product(*map(range, self.k))

    def padded(self, xp: Any, x: Any, fill: Any) -> Any:
        """`x` with fill values around, so that every window lies inside."""
        return spread(xp, x, self.axes, [1] * len(self.axes), self.reach, fill)

    def at(self, x: Any, place: Sequence[int]) -> Any:
        """What one position of the windows sees of padded images: one entry a window."""
        return placed(x, self.axes, place, self.s, self.out)


def _lowest(dtype: Any) -> Any:
    return -np.inf if dtype.kind in "fV" else np.iinfo(dtype).min


def _tiled(window: Window) -> bool:
    """Do the windows tile the images?"""
    return window.k == window.s and [o * k for o, k in zip(window.out, window.k)] == window.sizes


def reduce_windows(xp: Any, x: Any, window: Window, combine: Callable[..., Any], fill: Any) -> Any:
    """`combine` over all positions of every window."""
    x = window.padded(xp, x, fill)
    total = None
    if window.count > 16:  # one axis after the other: k + k slices instead of k * k
        for a, k, s, n in zip(window.axes, window.k, window.s, window.out):
            parts = [placed(x, [a], [i], [s], [n]) for i in range(k)]
            x = parts[0]
            for part in parts[1:]:
                x = combine(x, part)
        return x
    for place in window.places:
        part = window.at(x, place)
        total = part if total is None else combine(total, part)
    return total


def max_pool_body(xp: Any, x: Any, window: Window) -> Any:
    """The largest entry of every window."""
    return reduce_windows(xp, x, window, xp.maximum, _lowest(x.dtype))


def first_match(xp: Any, x: Any, y: Any, window: Window) -> Any:
    """For every window the position (in reading order) of the first entry that equals its maximum."""
    small = np.int8 if window.count < 127 else np.int32
    x = window.padded(xp, x, _lowest(x.dtype))
    places = list(window.places)
    index = xp.full(y.shape, len(places), small)
    for t in range(len(places) - 1, -1, -1):
        index = xp.where(window.at(x, places[t]) == y, small(t), index)
    if xp is not np:
        from jax import lax

        index = lax.optimization_barrier(index)
    return index


def give_back(xp: Any, parts: Callable[[tuple[int, ...]], Any], g: Any, window: Window) -> Any:
    """The images whose entry at a window's position p gets parts(p) of that window, summed where windows overlap.

    Split by residue class modulo the stride: class r of an axis holds the positions r, r + s, ... of the windows.
    """
    axes, n = window.axes, len(window.axes)
    turns = [-(-k // s) for k, s in zip(window.k, window.s)]  # windows that meet in one entry
    blocks = [-(-(size + lo) // s) for size, (lo, _), s in zip(window.sizes, window.pads, window.s)]
    blocks = [max(b, o + t - 1) for b, o, t in zip(blocks, window.out, turns)]

    def whole(residues: tuple[int, ...]) -> Any:
        total = None
        for turn in itertools.product(*map(range, turns)):
            place = tuple(r + s * t for r, s, t in zip(residues, window.s, turn))
            if all(p < k for p, k in zip(place, window.k)):
                part = parts(place)
                part = spread(xp, part, axes, [1] * n, [(t, b - o - t) for t, b, o in zip(turn, blocks, window.out)])
                total = part if total is None else total + part
        if total is None:
            shape = list(g.shape)
            for a, b in zip(axes, blocks):
                shape[a] = b
            total = xp.zeros(shape, g.dtype)
        return total

    def woven(prefix: tuple[int, ...]) -> Any:
        i = len(prefix)
        if i == n:
            return whole(prefix)
        classes = [woven((*prefix, r)) for r in range(window.s[i])]
        if len(classes) == 1:
            return classes[0]
        stacked = xp.stack(classes, axes[i] + 1)
        shape = list(classes[0].shape)
        shape[axes[i]] *= len(classes)
        return stacked.reshape(shape)

    return placed(woven(()), axes, [lo for lo, _ in window.pads], [1] * n, window.sizes)


def max_pool_grad_body(xp: Any, x: Any, y: Any, g: Any, window: Window) -> Any:
    """dy of every window at its first maximum."""
    index = first_match(xp, x, y, window)
    zero = xp.zeros((), g.dtype)
    if _tiled(window):
        shape: list[int] = list(g.shape)
        flat = math.prod(window.k)
        steps = [flat := flat // k for k in window.k]
        code: Any = 0
        for a, k in reversed(list(zip(window.axes, window.k))):
            shape.insert(a + 1, k)
        for i, (a, k) in enumerate(zip(window.axes, window.k)):
            form = [1] * len(shape)
            form[a + 1 + i] = k
            code = code + (np.arange(k) * steps[i]).reshape(form)
        code = code.astype(index.dtype)
        for i, a in enumerate(window.axes):
            index, g = xp.expand_dims(index, a + 1 + i), xp.expand_dims(g, a + 1 + i)
        return xp.where(index == code, g, zero).reshape(x.shape)
    strides = np.cumprod([1, *window.k[:0:-1]])[::-1]
    return give_back(
        xp, lambda place: xp.where(index == index.dtype.type(int(np.dot(place, strides))), g, zero), g, window
    )


def max_pool_grad_grad_body(xp: Any, x: Any, y: Any, g: Any, window: Window) -> Any:
    """The entry of g that stands where each window has its first maximum."""
    index = first_match(xp, x, y, window)
    g = window.padded(xp, g, 0)
    total = xp.zeros(y.shape, g.dtype)
    for t, place in enumerate(window.places):
        total = xp.where(index == index.dtype.type(t), window.at(g, place), total)
    return total


def _counts(window: Window, rank: int) -> np.ndarray:
    """How many true entries each window has."""
    counts: Any = np.ones((1,) * rank)
    for a, n, k, s, o, (lo, _) in zip(window.axes, window.sizes, window.k, window.s, window.out, window.pads):
        start = np.arange(o) * s - lo
        form = [1] * rank
        form[a] = o
        counts = counts * (np.minimum(start + k, n) - np.maximum(start, 0)).reshape(form)
    return counts


def avg_pool_body(xp: Any, x: Any, window: Window) -> Any:
    """The mean of every window's true entries."""
    x = wide(xp, x)
    return reduce_windows(xp, x, window, lambda a, b: a + b, 0) / xp.asarray(_counts(window, x.ndim), x.dtype)


def avg_pool_grad_body(xp: Any, g: Any, window: Window) -> Any:
    """dy of every window shared out over its true entries."""
    g = wide(xp, g)
    g = g / xp.asarray(_counts(window, g.ndim), g.dtype)
    return give_back(xp, lambda place: g, g, window)


# -- the ops ------------------------------------------------------------------------------------------------------------


def check_pool(what: str, ksize: Any, strides: Any, explicit: Any, data_format: str, rank: int) -> None:
    """The errors of windows that make no sense."""
    for name, values in (("ksize", ksize), ("strides", strides)):
        if len(values) != rank:
            raise ShapeError(f"{what}: sliding window {name} field must specify {rank} dimensions, got {list(values)}")
        if any(v <= 0 for v in values):
            raise ShapeError(
                f"{what}: Sliding window {name} must be positive. The specified or inferred {name} is: {','.join(map(str, values))}"
            )
        if values[0] != 1:
            raise UnimplementedError(
                None, None, f"{what}: Pooling is not yet supported on the batch dimension, {name} is {list(values)}"
            )
        if values[channel_axis(data_format, rank)] != 1:
            raise UnimplementedError(
                None, None, f"{what}: Non-spatial pooling is not supported, {name} is {list(values)}"
            )
    if explicit and len(explicit) != 2 * rank:
        raise ShapeError(f"{what}: explicit_paddings must have {2 * rank} entries, got {list(explicit)}")


def pool_dims(what: str, x: Any, ksize: Any, strides: Any, padding: str, explicit: Any, data_format: str) -> Any:
    """The dims that a pooling makes."""
    rank = len(ksize)
    dims = list(rank_is_or_unknown(x, rank))
    check_pool(what, ksize, strides, explicit, data_format, rank)
    for a in spatial_axes(data_format, rank):
        pads = (explicit[2 * a], explicit[2 * a + 1]) if padding == "EXPLICIT" else (0, 0)
        dims[a] = out_size(dims[a], ksize[a], strides[a], 1, padding, pads)
    return tuple(dims)


def _attrs_of(node: Any, *more: str) -> dict[str, Any]:
    return {k: node.attrs[k] for k in ("ksize", "strides", "padding", "data_format", *more) if k in node.attrs}


def _checked(what: str, x: Any, ksize: Any, strides: Any, padding: str, explicit: Any, data_format: str) -> Window:
    if x.ndim != len(ksize):
        raise ShapeError(f"{what}: input must be rank {len(ksize)} but is rank {x.ndim}, shape {list(x.shape)}")
    check_pool(what, ksize, strides, explicit, data_format, x.ndim)
    return Window(x.shape, ksize, strides, padding, explicit, data_format)


@op(f'MaxPool(input: T, *, T: {_MAX_TYPES} = float32, data_format: "NHWC"|"NCHW"|"NCHW_VECT_C" = "NHWC", '
    'explicit_paddings: list(int) = [], ksize: list(int) >= 4, padding: "SAME"|"VALID"|"EXPLICIT", strides: list(int) >= 4) -> output: T')  # fmt: skip
def MaxPool(xp, input, *, ksize, strides, padding, data_format, explicit_paddings):
    """The largest entry of every window."""
    if ksize[channel_axis(data_format, len(ksize))] != 1 and data_format == "NHWC" and ksize[1] == ksize[2] == 1:
        return _pool_depth(xp, input, ksize[3])
    return max_pool_body(xp, input, _checked("MaxPool", input, ksize, strides, padding, explicit_paddings, data_format))


def _pool_depth(xp: Any, x: Any, k: int) -> Any:
    return x.reshape(*x.shape[:-1], x.shape[-1] // k, k).max(-1)


def _depth_pooled(input: Any, ksize: Any, strides: Any, data_format: str) -> Any:
    """The dims of pooling over channels, which NHWC images allow when the windows tile them; None where it is not that."""
    if data_format != "NHWC" or len(ksize) != 4 or ksize[3] <= 1 or list(ksize[:3]) != [1, 1, 1]:
        return None
    if list(strides) != list(ksize):
        raise UnimplementedError(
            None,
            None,
            f"MaxPool: depthwise max pooling requires the depth window to equal the depth stride, got {ksize[3]} and {strides[3]}",
        )
    dims = rank_is_or_unknown(input, 4)
    if dims[3] is not None and dims[3] % ksize[3]:
        raise UnimplementedError(
            None,
            None,
            f"MaxPool: depthwise max pooling requires the depth window to evenly divide the input depth {dims[3]}",
        )
    return (*dims[:3], None if dims[3] is None else dims[3] // ksize[3])


@MaxPool.shape
def _(input, *, ksize, strides, padding, data_format, explicit_paddings):
    deep = _depth_pooled(input, ksize, strides, data_format)
    return deep or pool_dims("MaxPool", input, ksize, strides, padding, explicit_paddings, data_format)


@MaxPool.grad
def _(node: Any, dy: Any) -> Any:
    return MaxPoolGrad(node.inputs[0], node.outputs[0], dy, **_attrs_of(node, "explicit_paddings"))


def _like_input(orig_input: Any, *_: Any, **__: Any) -> Any:
    return orig_input.shape


@op('MaxPoolGrad(orig_input: T, orig_output: T, grad: T, *, T: real = float32, data_format: "NHWC"|"NCHW" = "NHWC", '
    'explicit_paddings: list(int) = [], ksize: list(int) >= 4, padding: "SAME"|"VALID"|"EXPLICIT", strides: list(int) >= 4) -> output: T',
    shape=_like_input)  # fmt: skip
def MaxPoolGrad(xp, orig_input, orig_output, grad, *, ksize, strides, padding, data_format, explicit_paddings):
    """The gradient of MaxPool: each window's dy goes to its first maximum."""
    if ksize[channel_axis(data_format, len(ksize))] != 1 and data_format == "NHWC":
        x = orig_input.reshape(*grad.shape, ksize[3])
        hit = xp.argmax(x, -1)[..., None] == np.arange(ksize[3])
        return xp.where(hit, grad[..., None], xp.zeros((), grad.dtype)).reshape(orig_input.shape)
    window = _checked("MaxPoolGrad", orig_input, ksize, strides, padding, explicit_paddings, data_format)
    return max_pool_grad_body(xp, orig_input, orig_output, grad, window)


@MaxPoolGrad.grad
def _(node: Any, d: Any) -> Any:
    x, y, _ = node.inputs
    attrs = _attrs_of(node)
    if attrs["padding"] == "EXPLICIT":
        raise UnimplementedError(
            None,
            None,
            "MaxPoolGrad: the second gradient of max pooling with explicit paddings is not defined; pad the images first",
        )
    return None, None, MaxPoolGradGrad(x, y, d, **attrs)


def _like_output(orig_input: Any, orig_output: Any, grad: Any, **_: Any) -> Any:
    return orig_output.shape


@op(f'MaxPoolGradGrad(orig_input: T, orig_output: T, grad: T, *, T: real, data_format: "NHWC"|"NCHW" = "NHWC", {_POOL}) -> output: T',
    shape=_like_output)  # fmt: skip
def MaxPoolGradGrad(xp, orig_input, orig_output, grad, *, ksize, strides, padding, data_format):
    """The gradient of MaxPoolGrad: what stands where each window has its first maximum."""
    window = _checked("MaxPoolGradGrad", orig_input, ksize, strides, padding, (), data_format)
    return max_pool_grad_grad_body(xp, orig_input, orig_output, grad, window)


@MaxPoolGradGrad.grad
def _(node: Any, d: Any) -> Any:
    x, y, _ = node.inputs
    return None, None, MaxPoolGrad(x, y, d, **_attrs_of(node))


def _by_value(values: Any) -> list[int]:
    return [int(v) for v in np.asarray(values).reshape(-1)]


@op(f'MaxPoolV2(input: T, ksize: int32, strides: int32, *, T: {_MAX_TYPES} = float32, data_format: "NHWC"|"NCHW"|"NCHW_VECT_C" = "NHWC", '
    'padding: "SAME"|"VALID") -> output: T', static=("ksize", "strides"))  # fmt: skip
def MaxPoolV2(xp, input, ksize, strides, *, padding, data_format):
    """MaxPool whose window and strides are tensors."""
    return max_pool_body(
        xp, input, _checked("MaxPoolV2", input, _by_value(ksize), _by_value(strides), padding, (), data_format)
    )


@MaxPoolV2.shape
def _(input, ksize, strides, *, padding, data_format):
    k, s = ksize.value, strides.value
    if k is None or s is None:
        dims = rank_is_or_unknown(input, 4)
        at = (0, channel_axis(data_format, 4))
        return tuple(d if i in at else None for i, d in enumerate(dims))
    return pool_dims("MaxPoolV2", input, _by_value(k), _by_value(s), padding, (), data_format)


@MaxPoolV2.grad
def _(node: Any, dy: Any) -> Any:
    x, k, s = node.inputs
    attrs = {n: node.attrs[n] for n in ("padding", "data_format")}
    return MaxPoolGradV2(x, node.outputs[0], dy, k, s, **attrs), None, None


@op('MaxPoolGradV2(orig_input: T, orig_output: T, grad: T, ksize: int32, strides: int32, *, T: real = float32, '
    'data_format: "NHWC"|"NCHW" = "NHWC", padding: "SAME"|"VALID") -> output: T', shape=_like_input, static=("ksize", "strides"))  # fmt: skip
def MaxPoolGradV2(xp, orig_input, orig_output, grad, ksize, strides, *, padding, data_format):
    """The gradient of MaxPoolV2."""
    window = _checked("MaxPoolGradV2", orig_input, _by_value(ksize), _by_value(strides), padding, (), data_format)
    return max_pool_grad_body(xp, orig_input, orig_output, grad, window)


@MaxPoolGradV2.grad
def _(node: Any, d: Any) -> Any:
    x, y, _, k, s = node.inputs
    attrs = {n: node.attrs[n] for n in ("padding", "data_format")}
    return None, None, MaxPoolGradGradV2(x, y, d, k, s, **attrs), None, None


@op('MaxPoolGradGradV2(orig_input: T, orig_output: T, grad: T, ksize: int32, strides: int32, *, T: real, '
    'data_format: "NHWC"|"NCHW" = "NHWC", padding: "SAME"|"VALID") -> output: T', shape=_like_output, static=("ksize", "strides"))  # fmt: skip
def MaxPoolGradGradV2(xp, orig_input, orig_output, grad, ksize, strides, *, padding, data_format):
    """The gradient of MaxPoolGradV2."""
    window = _checked("MaxPoolGradGradV2", orig_input, _by_value(ksize), _by_value(strides), padding, (), data_format)
    return max_pool_grad_grad_body(xp, orig_input, orig_output, grad, window)


@MaxPoolGradGradV2.grad
def _(node: Any, d: Any) -> Any:
    x, y, _, k, s = node.inputs
    attrs = {n: node.attrs[n] for n in ("padding", "data_format")}
    return None, None, MaxPoolGradV2(x, y, d, k, s, **attrs), None, None


@op(f"MaxPool3D(input: T, *, T: {{float16|bfloat16|float32}}, {_POOL_3D}) -> output: T")
def MaxPool3D(xp, input, *, ksize, strides, padding, data_format):
    """The largest entry of every 3-D window."""
    return max_pool_body(xp, input, _checked("MaxPool3D", input, ksize, strides, padding, (), data_format))


@op(f"MaxPool3DGrad(orig_input: TInput, orig_output: TInput, grad: T, *, T: {{float16|bfloat16|float32}} = float32, "
    f"TInput: {{float16|bfloat16|float32}} = float32, {_POOL_3D}) -> output: T", shape=_like_input)  # fmt: skip
def MaxPool3DGrad(xp, orig_input, orig_output, grad, *, ksize, strides, padding, data_format):
    """The gradient of MaxPool3D."""
    window = _checked("MaxPool3DGrad", orig_input, ksize, strides, padding, (), data_format)
    return max_pool_grad_body(xp, orig_input, orig_output, grad, window)


@op(
    f"MaxPool3DGradGrad(orig_input: T, orig_output: T, grad: T, *, T: real, {_POOL_3D}) -> output: T",
    shape=_like_output,
)
def MaxPool3DGradGrad(xp, orig_input, orig_output, grad, *, ksize, strides, padding, data_format):
    """The gradient of MaxPool3DGrad."""
    window = _checked("MaxPool3DGradGrad", orig_input, ksize, strides, padding, (), data_format)
    return max_pool_grad_grad_body(xp, orig_input, orig_output, grad, window)


MaxPool3D.grad_rule = lambda node, dy: MaxPool3DGrad(node.inputs[0], node.outputs[0], dy, **_attrs_of(node))
MaxPool3DGrad.grad_rule = lambda node, d: (None, None, MaxPool3DGradGrad(*node.inputs[:2], d, **_attrs_of(node)))
MaxPool3DGradGrad.grad_rule = lambda node, d: (None, None, MaxPool3DGrad(*node.inputs[:2], d, **_attrs_of(node)))


@op(f'AvgPool(value: T, *, T: real_float, data_format: "NHWC"|"NCHW" = "NHWC", {_POOL}) -> output: T')
def AvgPool(xp, value, *, ksize, strides, padding, data_format):
    """The mean of every window's true entries (padding does not count)."""
    return avg_pool_body(xp, value, _checked("AvgPool", value, ksize, strides, padding, (), data_format))


@op(f"AvgPool3D(input: T, *, T: real_float, {_POOL_3D}) -> output: T")
def AvgPool3D(xp, value, *, ksize, strides, padding, data_format):
    """The mean of every 3-D window's true entries."""
    return avg_pool_body(xp, value, _checked("AvgPool3D", value, ksize, strides, padding, (), data_format))


def _pool_shape(made: Op) -> None:
    made.shape_rule = lambda input, *, ksize, strides, padding, data_format, **_: pool_dims(
        made.name, input, ksize, strides, padding, (), data_format
    )


for _made in (MaxPool3D, AvgPool, AvgPool3D):
    _pool_shape(_made)


def _avg_grad(
    xp: Any, orig_input_shape: Any, grad: Any, ksize: Any, strides: Any, padding: str, data_format: str
) -> Any:
    dims = _by_value(orig_input_shape)
    if len(dims) != len(ksize):
        raise ShapeError(f"orig_input_shape must have {len(ksize)} entries, got {len(dims)}")
    return avg_pool_grad_body(xp, grad, Window(dims, ksize, strides, padding, (), data_format))


def _given_dims(orig_input_shape: Any, grad: Any, *, ksize: Any, **_: Any) -> Any:
    dims = orig_input_shape.dims
    return dims if dims is not None else (None,) * len(ksize)


@op(f'AvgPoolGrad(orig_input_shape: int32, grad: T, *, T: real_float, data_format: "NHWC"|"NCHW" = "NHWC", {_POOL}) -> output: T',
    static=("orig_input_shape",), shape=_given_dims)  # fmt: skip
def AvgPoolGrad(xp, orig_input_shape, grad, *, ksize, strides, padding, data_format):
    """The gradient of AvgPool: each window's dy shared out."""
    return _avg_grad(xp, orig_input_shape, grad, ksize, strides, padding, data_format)


@op(f"AvgPool3DGrad(orig_input_shape: int32, grad: T, *, T: real_float, {_POOL_3D}) -> output: T",
    static=("orig_input_shape",), shape=_given_dims)  # fmt: skip
def AvgPool3DGrad(xp, orig_input_shape, grad, *, ksize, strides, padding, data_format):
    """The gradient of AvgPool3D."""
    return _avg_grad(xp, orig_input_shape, grad, ksize, strides, padding, data_format)


AvgPool.grad_rule = lambda node, dy: AvgPoolGrad(_Shape(node.inputs[0]), dy, **_attrs_of(node))
AvgPool3D.grad_rule = lambda node, dy: AvgPool3DGrad(_Shape(node.inputs[0]), dy, **_attrs_of(node))
AvgPoolGrad.grad_rule = lambda node, d: (None, AvgPool(d, **_attrs_of(node)))
AvgPool3DGrad.grad_rule = lambda node, d: (None, AvgPool3D(d, **_attrs_of(node)))


# -- with the place of each maximum -------------------------------------------------------------------------------------


def _flat_places(xp: Any, index: Any, window: Window, dims: Any, with_batch: bool) -> Any:
    """The position of each maximum in the flattened images (of one image, without the batch)."""
    batch, height, width, depth = (int(d) for d in dims)
    kw = window.k[1]
    index = xp.asarray(index, np.int64)
    rows = (np.arange(window.out[0], dtype=np.int64) * window.s[0] - window.pads[0][0]).reshape(
        1, -1, 1, 1
    ) + index // kw
    cols = (np.arange(window.out[1], dtype=np.int64) * window.s[1] - window.pads[1][0]).reshape(
        1, 1, -1, 1
    ) + index % kw
    flat = (rows * width + cols) * depth + np.arange(depth, dtype=np.int64)
    return (
        flat + (np.arange(batch, dtype=np.int64) * height * width * depth).reshape(-1, 1, 1, 1) if with_batch else flat
    )


@op(
    f"MaxPoolWithArgmax(input: T, *, T: real, Targmax: index = int64, include_batch_in_index: bool = False, {_POOL}) -> (output: T, argmax: Targmax)"
)
def MaxPoolWithArgmax(xp, input, *, ksize, strides, padding, include_batch_in_index):
    """MaxPool, and where in the flattened images each maximum stands."""
    window = _checked("MaxPoolWithArgmax", input, ksize, strides, padding, (), "NHWC")
    y = max_pool_body(xp, input, window)
    return y, _flat_places(xp, first_match(xp, input, y, window), window, input.shape, include_batch_in_index)


@MaxPoolWithArgmax.shape
def _(input, *, ksize, strides, padding, include_batch_in_index):
    dims = pool_dims("MaxPoolWithArgmax", input, ksize, strides, padding, (), "NHWC")
    return dims, dims


@MaxPoolWithArgmax.grad
def _(node: Any, dy: Any, _: Any = None) -> Any:
    attrs = {k: node.attrs[k] for k in ("ksize", "strides", "padding", "include_batch_in_index")}
    return MaxPoolGradWithArgmax(node.inputs[0], dy, node.outputs[1], **attrs)


def _offsets(xp: Any, x: Any, argmax: Any, with_batch: bool) -> Any:
    """`argmax` as positions in the whole flattened batch."""
    argmax = xp.asarray(argmax, np.int64)
    if with_batch:
        return argmax
    each = math.prod(x.shape[1:])
    return argmax + (np.arange(x.shape[0], dtype=np.int64) * each).reshape(-1, 1, 1, 1)


@op(f"MaxPoolGradWithArgmax(input: T, grad: T, argmax: Targmax, *, T: real, Targmax: index, include_batch_in_index: bool = False, {_POOL}) -> output: T",
    shape=_like_input)  # fmt: skip
def MaxPoolGradWithArgmax(xp, input, grad, argmax, *, include_batch_in_index):
    """The gradient of MaxPoolWithArgmax."""
    if input.ndim != 4 or grad.ndim != 4 or grad.shape != argmax.shape:
        raise ShapeError(f"tensor_in, grad and argmax must be 4-dimensional, the latter of one shape, got {[list(t.shape) for t in (input, grad, argmax)]}")
    at = _offsets(xp, input, argmax, include_batch_in_index).reshape(-1)
    if xp is np:
        out = np.zeros(input.size, grad.dtype)
        np.add.at(out, at, grad.reshape(-1))
    else:
        out = xp.zeros(input.size, grad.dtype).at[at].add(grad.reshape(-1))
    return out.reshape(input.shape)


@MaxPoolGradWithArgmax.grad
def _(node: Any, d: Any) -> Any:
    x, g, argmax = node.inputs
    attrs = {k: node.attrs[k] for k in ("ksize", "strides", "padding", "include_batch_in_index")}
    return None, MaxPoolGradGradWithArgmax(x, d, argmax, **attrs), None


@op(f"MaxPoolGradGradWithArgmax(input: T, grad: T, argmax: Targmax, *, T: real, Targmax: index, include_batch_in_index: bool = False, {_POOL}) -> output: T",
    shape=lambda input, grad, argmax, **_: argmax.shape)  # fmt: skip
def MaxPoolGradGradWithArgmax(xp, input, grad, argmax, *, include_batch_in_index):
    """The gradient of MaxPoolGradWithArgmax."""
    return grad.reshape(-1)[_offsets(xp, input, argmax, include_batch_in_index)]


MaxPoolGradGradWithArgmax.grad_rule = lambda node, d: (
    None,
    MaxPoolGradWithArgmax(
        node.inputs[0], d, node.inputs[2],
        **{k: node.attrs[k] for k in ("ksize", "strides", "padding", "include_batch_in_index")},
    ),
    None,
)  # fmt: skip
