"""Depthwise convolution and its backward ops: a sum of shifted products, ten times as fast on a CPU as a grouped convolution."""

import itertools
from typing import Any

import numpy as np

from penstock.base.errors import ShapeError
from penstock.base.shape import same
from penstock.ir.op import op
from penstock.ops.families import later, wide
from penstock.ops.nn_conv import _sizes_of
from penstock.ops.nn_windows import (
    all_pads,
    channel_axis,
    check_attrs,
    out_size,
    pick,
    placed,
    rank_is_or_unknown,
    spatial_axes,
    spread,
)

_Shape = later("Shape")
_ATTRS = (
    'data_format: "NHWC"|"NCHW" = "NHWC", dilations: list(int) = [1, 1, 1, 1], explicit_paddings: list(int) = [], '
    'padding: "SAME"|"VALID"|"EXPLICIT", strides: list(int)'
)


class Window:
    """The numbers of one depthwise convolution of images [batch, height, width, channels]."""

    def __init__(
        self, dims: Any, kernel: Any, strides: Any, dilations: Any, padding: str, explicit: Any, data_format: str
    ):
        self.sizes = [int(dims[a]) for a in spatial_axes(data_format, 4)]
        self.k, self.s, self.d = [int(k) for k in kernel[:2]], pick(strides, data_format), pick(dilations, data_format)
        self.pads = all_pads(self.sizes, self.k, self.s, self.d, padding, explicit, data_format)
        self.out = [out_size(*row) for row in zip(self.sizes, self.k, self.s, self.d, [padding] * 2, self.pads)]
        self.places = list(itertools.product(*map(range, self.k)))

    def at(self, x: Any, i: int, j: int) -> Any:
        """What kernel position (i, j) meets of padded images."""
        return placed(x, (1, 2), (i * self.d[0], j * self.d[1]), self.s, self.out)


def _last(xp: Any, x: Any, data_format: str) -> Any:
    return x if data_format == "NHWC" else xp.transpose(x, (0, 2, 3, 1))


def _back(xp: Any, x: Any, data_format: str) -> Any:
    return x if data_format == "NHWC" else xp.transpose(x, (0, 3, 1, 2))


@op(f"DepthwiseConv2dNative(input: T, filter: T, *, T: real_float, {_ATTRS}) -> output: T")
def DepthwiseConv2dNative(xp, input, filter, *, strides, padding, data_format, dilations, explicit_paddings):
    """Each channel with kernels of its own: filter [height, width, channels, multiplier] -> channels * multiplier outputs."""
    window = Window(input.shape, filter.shape, strides, dilations, padding, explicit_paddings, data_format)
    x = spread(xp, wide(xp, _last(xp, input, data_format)), (1, 2), (1, 1), window.pads)
    w = wide(xp, filter)
    channels, multiplier = filter.shape[2:]
    total = None
    for i, j in window.places:
        part = window.at(x, i, j)
        part = part * w[i, j, :, 0] if multiplier == 1 else part[..., None] * w[i, j]
        total = part if total is None else total + part
    return _back(xp, total.reshape(*total.shape[:3], channels * multiplier), data_format)


def _dims(input: Any, filter: Any, strides: Any, padding: str, data_format: str, dilations: Any, explicit: Any) -> Any:
    check_attrs("DepthwiseConv2dNative", strides, dilations, padding, explicit, data_format, 4)
    dims, kernel = rank_is_or_unknown(input, 4), rank_is_or_unknown(filter, 4)
    channels = channel_axis(data_format, 4)
    depth = same(dims[channels], kernel[2], "input and filter must have the same depth")
    out: list[Any] = [dims[0], None, None, None]
    for i, a in enumerate(spatial_axes(data_format, 4)):
        pads = (explicit[2 * a], explicit[2 * a + 1]) if padding == "EXPLICIT" else (0, 0)
        out[a] = out_size(dims[a], kernel[i], strides[a], dilations[a], padding, pads)
    out[channels] = None if depth is None or kernel[3] is None else depth * kernel[3]
    return tuple(out)


@DepthwiseConv2dNative.shape
def _(input, filter, *, strides, padding, data_format, dilations, explicit_paddings):
    return _dims(input, filter, strides, padding, data_format, dilations, explicit_paddings)


@DepthwiseConv2dNative.check
def _(xp, input, filter, *, strides, padding, data_format, dilations, explicit_paddings):
    from penstock.ir.tensor import Spec

    _dims(
        Spec("input", None, input.shape),
        Spec("filter", None, filter.shape),
        strides,
        padding,
        data_format,
        dilations,
        explicit_paddings,
    )
    return False, ""


@op(f"DepthwiseConv2dNativeBackpropInput(input_sizes: int32, filter: T, out_backprop: T, *, T: real_float, {_ATTRS}) -> output: T",
    static=("input_sizes",))  # fmt: skip
def DepthwiseConv2dNativeBackpropInput(
    xp, input_sizes, filter, out_backprop, *, strides, padding, data_format, dilations, explicit_paddings
):  # fmt: skip
    """The gradient of a depthwise convolution with respect to its images."""
    dims = _sizes_of([int(v) for v in np.asarray(input_sizes)], out_backprop.shape, filter.shape, data_format)
    window = Window(dims, filter.shape, strides, dilations, padding, explicit_paddings, data_format)
    w = wide(xp, filter)
    dy = wide(xp, _last(xp, out_backprop, data_format))
    channels, multiplier = filter.shape[2:]
    pads = []
    for size, out, k, s, d, (lo, _) in zip(window.sizes, window.out, window.k, window.s, window.d, window.pads):
        before = (k - 1) * d - lo
        pads.append((before, size - ((out - 1) * s + 1) - before + (k - 1) * d))
    dy = spread(xp, dy, (1, 2), window.s, pads)
    if multiplier > 1:
        dy = dy.reshape(*dy.shape[:3], channels, multiplier)
    total = None
    for i, j in window.places:
        offsets = [(k - 1 - p) * d for k, p, d in zip(window.k, (i, j), window.d)]
        part = placed(dy, (1, 2), offsets, (1, 1), window.sizes)
        part = part * w[i, j, :, 0] if multiplier == 1 else (part * w[i, j]).sum(-1)
        total = part if total is None else total + part
    return _back(xp, total, data_format)


@DepthwiseConv2dNativeBackpropInput.shape
def _(input_sizes, filter, out_backprop, *, strides, padding, data_format, dilations, explicit_paddings):
    check_attrs("DepthwiseConv2dNativeBackpropInput", strides, dilations, padding, explicit_paddings, data_format, 4)
    dims = _sizes_of(input_sizes.dims, out_backprop.shape, filter.shape, data_format)
    return dims if dims is not None else (None,) * 4


@op(f"DepthwiseConv2dNativeBackpropFilter(input: T, filter_sizes: int32, out_backprop: T, *, T: real_float, {_ATTRS}) -> output: T",
    static=("filter_sizes",))  # fmt: skip
def DepthwiseConv2dNativeBackpropFilter(
    xp, input, filter_sizes, out_backprop, *, strides, padding, data_format, dilations, explicit_paddings
):  # fmt: skip
    """The gradient of a depthwise convolution with respect to its kernel."""
    kernel = [int(v) for v in np.asarray(filter_sizes)]
    window = Window(input.shape, kernel, strides, dilations, padding, explicit_paddings, data_format)
    x = spread(xp, wide(xp, _last(xp, input, data_format)), (1, 2), (1, 1), window.pads)
    dy = wide(xp, _last(xp, out_backprop, data_format))
    if kernel[3] > 1:
        dy = dy.reshape(*dy.shape[:3], kernel[2], kernel[3])
    rows = []
    for i, j in window.places:
        part = window.at(x, i, j)
        rows.append(((part if kernel[3] == 1 else part[..., None]) * dy).sum((0, 1, 2)))
    return xp.stack(rows).reshape(kernel)


@DepthwiseConv2dNativeBackpropFilter.shape
def _(input, filter_sizes, out_backprop, *, strides, padding, data_format, dilations, explicit_paddings):
    check_attrs("DepthwiseConv2dNativeBackpropFilter", strides, dilations, padding, explicit_paddings, data_format, 4)
    dims = filter_sizes.dims
    if dims is not None and len(dims) != 4:
        raise ShapeError(f"filter_sizes must have 4 entries, got {len(dims)}")
    return dims if dims is not None else (None,) * 4


def _names_of(node: Any) -> dict[str, Any]:
    return {k: node.attrs[k] for k in ("strides", "padding", "data_format", "dilations", "explicit_paddings")}


@DepthwiseConv2dNative.grad
def _(node: Any, dy: Any) -> Any:
    x, w = node.inputs
    attrs = _names_of(node)
    return (
        DepthwiseConv2dNativeBackpropInput(_Shape(x), w, dy, **attrs),
        DepthwiseConv2dNativeBackpropFilter(x, _Shape(w), dy, **attrs),
    )


@DepthwiseConv2dNativeBackpropInput.grad
def _(node: Any, d: Any) -> Any:
    _, w, dy = node.inputs
    attrs = _names_of(node)
    return None, DepthwiseConv2dNativeBackpropFilter(d, _Shape(w), dy, **attrs), DepthwiseConv2dNative(d, w, **attrs)


@DepthwiseConv2dNativeBackpropFilter.grad
def _(node: Any, d: Any) -> Any:
    x, _, dy = node.inputs
    attrs = _names_of(node)
    return DepthwiseConv2dNativeBackpropInput(_Shape(x), d, dy, **attrs), None, DepthwiseConv2dNative(x, d, **attrs)
