"""Convolutions and their two backward ops, of 2 and 3 dimensions, with strides, dilations, groups and any padding.

XLA gets each backward op as one `conv_general_dilated` of its own; a 1x1 window at stride 1 is a matrix product.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from penstock.base.errors import ShapeError
from penstock.base.shape import same
from penstock.ir.op import Op, op
from penstock.ops.families import later
from penstock.ops.nn_windows import (
    all_pads,
    channel_axis,
    check_attrs,
    out_size,
    pick,
    rank_is_or_unknown,
    spatial_axes,
)

_Shape = later("Shape")
_KERNEL = {2: "HW", 3: "DHW"}


def _letters(data_format: str, n: int) -> str:
    """The axes of the images as `conv_general_dilated` spells them."""
    return f"N{_KERNEL[n]}C" if channel_axis(data_format, n + 2) == n + 1 else f"NC{_KERNEL[n]}"


class Window:
    """The numbers of one convolution: sizes, strides, dilations and paddings of its spatial axes."""

    def __init__(
        self, dims: Any, kernel: Any, strides: Any, dilations: Any, padding: str, explicit: Any, data_format: str
    ):
        rank = len(dims)
        self.n = rank - 2
        self.format = data_format
        self.letters = _letters(data_format, self.n)
        self.sizes = [int(dims[a]) for a in spatial_axes(data_format, rank)]
        self.k = [int(k) for k in kernel[: self.n]]
        self.s, self.d = pick(strides, data_format), pick(dilations or [1] * rank, data_format)
        self.pads = all_pads(self.sizes, self.k, self.s, self.d, padding, explicit, data_format)
        self.out = [out_size(*row) for row in zip(self.sizes, self.k, self.s, self.d, [padding] * self.n, self.pads)]
        self.groups = max(1, int(dims[channel_axis(data_format, rank)]) // max(1, int(kernel[self.n])))
        self.pointwise = (
            self.groups == 1 and all(k == s == 1 for k, s in zip(self.k, self.s))
            and not any(map(sum, self.pads)) and self.letters[-1] == "C"
        )  # fmt: skip

    @property
    def spelling(self) -> tuple[str, str, str]:
        return self.letters, f"{_KERNEL[self.n]}IO", self.letters


def forward(x: Any, w: Any, window: Window) -> Any:
    """The convolution of images with a kernel [*window, in / groups, out]."""
    from jax import lax

    if window.pointwise:
        return lax.dot_general(x, w.reshape(w.shape[-2:]), (((x.ndim - 1,), (0,)), ((), ())))
    return lax.conv_general_dilated(
        x,
        w,
        window.s,
        window.pads,
        rhs_dilation=window.d,
        dimension_numbers=window.spelling,
        feature_group_count=window.groups,
    )


def to_input(w: Any, dy: Any, window: Window) -> Any:
    """The gradient of the images: dy, spread by the strides, convolved with the flipped kernel."""
    from jax import lax

    n, g = window.n, window.groups
    if window.pointwise:
        return lax.dot_general(dy, w.reshape(w.shape[-2:]), (((dy.ndim - 1,), (1,)), ((), ())))
    if g > 1:  # [*k, in/g, out] -> [*k, in, out/g]
        k, i, o = w.shape[:n], w.shape[n], w.shape[n + 1]
        w = lax.transpose(w.reshape(*k, i, g, o // g), (*range(n), n + 1, n, n + 2)).reshape(*k, g * i, o // g)
    pads = []
    for size, out, k, s, d, (lo, _) in zip(window.sizes, window.out, window.k, window.s, window.d, window.pads):
        before = (k - 1) * d - lo
        pads.append((before, size - ((out - 1) * s + 1) - before + (k - 1) * d))
    return lax.conv_general_dilated(
        dy, lax.rev(w, tuple(range(n))), (1,) * n, pads, lhs_dilation=window.s, rhs_dilation=window.d,
        dimension_numbers=(window.letters, f"{_KERNEL[n]}OI", window.letters), feature_group_count=g,
    )  # fmt: skip


def to_filter(x: Any, dy: Any, window: Window) -> Any:
    """The gradient of the kernel: the images, batch for channels, convolved with dy spread by the strides."""
    from jax import lax

    n = window.n
    if window.pointwise:
        across = tuple(range(x.ndim - 1))
        dw = lax.dot_general(x, dy, ((across, across), ((), ())))
        return dw.reshape(*window.k, *dw.shape)
    pads = []
    for size, out, k, s, d, (lo, _) in zip(window.sizes, window.out, window.k, window.s, window.d, window.pads):
        pads.append((lo, (k - 1) * d + (out - 1) * s + 1 - size - lo))
    swapped = window.letters.translate(str.maketrans("NC", "CN"))
    kernel = window.letters.translate(str.maketrans("NC", "IO"))
    return lax.conv_general_dilated(
        x, dy, window.d, pads, rhs_dilation=window.s, dimension_numbers=(swapped, kernel, f"{_KERNEL[n]}NC"),
        batch_group_count=window.groups,
    )  # fmt: skip


def check_sizes(what: str, dims: Any, kernel: Any, data_format: str) -> None:
    """InvalidArgumentError where the channels of images and kernel do not fit."""
    n = len(kernel) - 2
    depth, inner, outer = dims[channel_axis(data_format, len(dims))], kernel[n], kernel[n + 1]
    if depth is None or inner is None:
        return
    if inner == 0 or depth % inner:
        raise ShapeError(
            f"input depth must be evenly divisible by filter depth: {int(depth)} vs {int(inner)}: "
            f"Depth of input ({int(depth)}) is not a multiple of input depth of filter ({int(inner)}): "
            f"{getattr(depth, 'label', 'input depth')} = {int(depth)}, {getattr(inner, 'label', 'filter depth')} = {int(inner)}"
        )
    if outer is not None and outer % (depth // inner):
        raise ShapeError(
            f"{what}: output depth {int(outer)} must be evenly divisible by the number of groups {depth // inner}"
        )


def _forward_dims(
    what: str, x: Any, w: Any, n: int, strides: Any, dilations: Any, padding: str, explicit: Any, data_format: str
) -> Any:
    check_attrs(what, strides, dilations or [1] * (n + 2), padding, explicit, data_format, n + 2)
    dims, kernel = rank_is_or_unknown(x, n + 2), rank_is_or_unknown(w, n + 2)
    check_sizes(what, dims, kernel, data_format)
    axes, channels = spatial_axes(data_format, n + 2), channel_axis(data_format, n + 2)
    out: list[Any] = [None] * (n + 2)
    out[0], out[channels] = dims[0], kernel[n + 1]
    for i, a in enumerate(axes):
        pads = (explicit[2 * a], explicit[2 * a + 1]) if padding == "EXPLICIT" else (0, 0)
        out[a] = out_size(dims[a], kernel[i], strides[a], (dilations or [1] * (n + 2))[a], padding, pads)
    return tuple(out)


_FORMATS = {2: '"NHWC"|"NCHW" = "NHWC"', 3: '"NDHWC"|"NCDHW" = "NDHWC"'}
_TYPES = "{float16|bfloat16|float32|float64|int32}"
_ATTRS_2D = (
    'data_format: "NHWC"|"NCHW" = "NHWC", dilations: list(int) = [1, 1, 1, 1], explicit_paddings: list(int) = [], '
    'padding: "SAME"|"VALID"|"EXPLICIT", strides: list(int), use_cudnn_on_gpu: bool = True'
)
_ATTRS_3D = 'data_format: "NDHWC"|"NCDHW" = "NDHWC", dilations: list(int) = [1, 1, 1, 1, 1], padding: "SAME"|"VALID", strides: list(int) >= 5'


def _names_of(attrs: dict[str, Any]) -> dict[str, Any]:
    """The attrs that a convolution and its backward ops have in common."""
    return {
        k: attrs[k]
        for k in ("strides", "padding", "data_format", "dilations", "explicit_paddings", "use_cudnn_on_gpu")
        if k in attrs
    }


def _declare_forward(text: str, n: int) -> Op:
    def body(xp, input, filter, *, strides, padding, data_format, dilations, explicit_paddings=()):
        check_attrs(made.name, strides, dilations or [1] * (n + 2), padding, explicit_paddings, data_format, n + 2)
        return forward(
            input,
            filter,
            Window(input.shape, filter.shape, strides, dilations, padding, explicit_paddings, data_format),
        )

    def shape(input, filter, *, strides, padding, data_format, dilations, explicit_paddings=()):
        return _forward_dims(made.name, input, filter, n, strides, dilations, padding, explicit_paddings, data_format)

    body.__doc__ = f"The {n}-D convolution of `input` with `filter` [*window, in / groups, out]."
    body.__module__, body.__name__ = __name__, "<lambda>"
    made = op(text, where="xla", shape=shape)(body)
    return made


Conv2D = _declare_forward(f"Conv2D(input: T, filter: T, *, T: {_TYPES}, {_ATTRS_2D}) -> output: T", 2)
Conv3D = _declare_forward(f"Conv3D(input: T, filter: T, *, T: real_float, {_ATTRS_3D}) -> output: T", 3)


def _sizes_of(dims: Any, dy_shape: Any, filter_shape: Any, data_format: str) -> Any:
    """The full dims that `input_sizes` stands for: the spatial sizes alone will do."""
    if dims is None or dy_shape is None or len(dims) == len(dy_shape):
        return dims
    if len(dims) != len(dy_shape) - 2:
        raise ShapeError(f"input_sizes must have {len(dy_shape)} or {len(dy_shape) - 2} entries, got {len(dims)}")
    depth = None if filter_shape is None else filter_shape[-2]
    channels_last = channel_axis(data_format, len(dy_shape)) == len(dy_shape) - 1
    return (dy_shape[0], *dims, depth) if channels_last else (dy_shape[0], depth, *dims)


def check_backprop(
    what: str,
    dims: Any,
    kernel: Any,
    dy: Any,
    strides: Any,
    dilations: Any,
    padding: str,
    explicit: Any,
    data_format: str,
) -> None:
    """InvalidArgumentError where dy is not of the shape that the forward convolution makes."""
    if dims is None or kernel is None or dy is None:
        return
    if not len(dims) == len(kernel) == len(dy):
        raise ShapeError(
            f"{what}: input, filter and out_backprop must have one rank, got {len(dims)}, {len(kernel)} and {len(dy)}"
        )
    check_sizes(what, dims, kernel, data_format)
    rank = len(dims)
    for i, a in enumerate(spatial_axes(data_format, rank)):
        pads = (explicit[2 * a], explicit[2 * a + 1]) if padding == "EXPLICIT" else (0, 0)
        made = out_size(dims[a], kernel[i], strides[a], (dilations or [1] * rank)[a], padding, pads)
        if made is not None and dy[a] is not None and made != dy[a]:
            raise ShapeError(
                f"{what}: Size of out_backprop doesn't match computed: actual = {dy[a]}, computed = {made} on axis {a} "
                f"(input {dims[a]}, filter {kernel[i]}, stride {strides[a]}, {padding})"
            )
    same(dims[0], dy[0], "the batch of out_backprop is the batch of the input")
    same(kernel[-1], dy[channel_axis(data_format, rank)], "the channels of out_backprop are the outputs of the filter")


def _declare_input(text: str, by_size: bool = True) -> Op:
    """The op that gives the gradient of the images; the second input is the filter, the first their sizes (or themselves)."""

    def dims_of(first: Any, dy_shape: Any, filter_shape: Any, data_format: str) -> Any:
        return _sizes_of(first, dy_shape, filter_shape, data_format)

    def body(
        xp, first, filter, out_backprop, *, strides, padding, data_format="NDHWC", dilations, explicit_paddings=()
    ):
        dims = dims_of(
            [int(v) for v in np.asarray(first)] if by_size else first.shape,
            out_backprop.shape,
            filter.shape,
            data_format,
        )
        check_backprop(
            made.name,
            dims,
            filter.shape,
            out_backprop.shape,
            strides,
            dilations,
            padding,
            explicit_paddings,
            data_format,
        )
        window = Window(dims, filter.shape, strides, dilations, padding, explicit_paddings, data_format)
        return to_input(filter, out_backprop, window)

    def shape(first, filter, out_backprop, *, strides, padding, data_format="NDHWC", dilations, explicit_paddings=()):
        dims = dims_of(first.dims if by_size else first.shape, out_backprop.shape, filter.shape, data_format)
        check_attrs(
            made.name, strides, dilations or [1] * len(strides), padding, explicit_paddings, data_format, len(strides)
        )
        check_backprop(
            made.name,
            dims,
            filter.shape,
            out_backprop.shape,
            strides,
            dilations,
            padding,
            explicit_paddings,
            data_format,
        )
        return dims if dims is not None else (None,) * len(strides)

    body.__doc__ = "The gradient of a convolution with respect to its images."
    body.__module__, body.__name__ = __name__, "<lambda>"
    made = op(text, where="xla", shape=shape, static=("input_sizes",) if by_size else ())(body)
    return made


def _declare_filter(text: str, by_size: bool = True) -> Op:
    """The op that gives the gradient of the kernel; the second input is its sizes (or the kernel itself)."""

    def body(
        xp, input, second, out_backprop, *, strides, padding, data_format="NDHWC", dilations, explicit_paddings=()
    ):
        kernel = [int(v) for v in np.asarray(second)] if by_size else second.shape
        check_backprop(
            made.name,
            input.shape,
            kernel,
            out_backprop.shape,
            strides,
            dilations,
            padding,
            explicit_paddings,
            data_format,
        )
        return to_filter(
            input,
            out_backprop,
            Window(input.shape, kernel, strides, dilations, padding, explicit_paddings, data_format),
        )

    def shape(input, second, out_backprop, *, strides, padding, data_format="NDHWC", dilations, explicit_paddings=()):
        kernel = second.dims if by_size else second.shape
        check_attrs(
            made.name, strides, dilations or [1] * len(strides), padding, explicit_paddings, data_format, len(strides)
        )
        check_backprop(
            made.name,
            input.shape,
            kernel,
            out_backprop.shape,
            strides,
            dilations,
            padding,
            explicit_paddings,
            data_format,
        )
        return kernel if kernel is not None else (None,) * len(strides)

    body.__doc__ = "The gradient of a convolution with respect to its kernel."
    body.__module__, body.__name__ = __name__, "<lambda>"
    made = op(text, where="xla", shape=shape, static=("filter_sizes",) if by_size else ())(body)
    return made


Conv2DBackpropInput = _declare_input(
    f"Conv2DBackpropInput(input_sizes: int32, filter: T, out_backprop: T, *, T: {_TYPES}, {_ATTRS_2D}) -> output: T"
)
Conv2DBackpropInputV2 = _declare_input(
    f"Conv2DBackpropInputV2(input: T, filter: T, out_backprop: T, *, T: {_TYPES}, {_ATTRS_2D}) -> output: T",
    by_size=False,
)
Conv2DBackpropFilter = _declare_filter(
    f"Conv2DBackpropFilter(input: T, filter_sizes: int32, out_backprop: T, *, T: real_float, {_ATTRS_2D}) -> output: T"
)
Conv2DBackpropFilterV2 = _declare_filter(
    f"Conv2DBackpropFilterV2(input: T, filter: T, out_backprop: T, *, T: real_float, {_ATTRS_2D}) -> output: T",
    by_size=False,
)
Conv3DBackpropInputV2 = _declare_input(
    f"Conv3DBackpropInputV2(input_sizes: Tshape, filter: T, out_backprop: T, *, T: real_float, Tshape: index = int32, {_ATTRS_3D}) -> output: T"
)
Conv3DBackpropFilterV2 = _declare_filter(
    f"Conv3DBackpropFilterV2(input: T, filter_sizes: int32, out_backprop: T, *, T: real_float, {_ATTRS_3D}) -> output: T"
)
_OLD_3D = 'dilations: list(int) = [1, 1, 1, 1, 1], padding: "SAME"|"VALID", strides: list(int) >= 5'
Conv3DBackpropInput = _declare_input(
    f"Conv3DBackpropInput(input: T, filter: T, out_backprop: T, *, T: {{float16|float32|float64}}, {_OLD_3D}) -> output: T",
    by_size=False,
)
Conv3DBackpropFilter = _declare_filter(
    f"Conv3DBackpropFilter(input: T, filter: T, out_backprop: T, *, T: {{float16|float32|float64}}, {_OLD_3D}) -> output: T",
    by_size=False,
)


def _of_images(conv: Op, to_kernel: Op) -> Callable[..., Any]:
    def rule(node: Any, d: Any) -> Any:
        _, w, dy = node.inputs
        attrs = _names_of(node.attrs)
        return None, to_kernel(d, _Shape(w), dy, **attrs), conv(d, w, **attrs)

    return rule


def _of_kernel(conv: Op, to_images: Op) -> Callable[..., Any]:
    def rule(node: Any, d: Any) -> Any:
        x, _, dy = node.inputs
        attrs = _names_of(node.attrs)
        return to_images(_Shape(x), d, dy, **attrs), None, conv(x, d, **attrs)

    return rule


def gradients(conv: Op, images: list[Op], kernel: list[Op]) -> None:
    """The gradient rules of a convolution and its backward ops: each is bilinear, its gradients are the other two."""

    @conv.grad
    def _(node: Any, dy: Any) -> Any:
        x, w = node.inputs
        attrs = _names_of(node.attrs)
        return images[0](_Shape(x), w, dy, **attrs), kernel[0](x, _Shape(w), dy, **attrs)

    for each in images:
        each.grad_rule = _of_images(conv, kernel[0])
    for each in kernel:
        each.grad_rule = _of_kernel(conv, images[0])


gradients(Conv2D, [Conv2DBackpropInput, Conv2DBackpropInputV2], [Conv2DBackpropFilter, Conv2DBackpropFilterV2])
gradients(Conv3D, [Conv3DBackpropInputV2, Conv3DBackpropInput], [Conv3DBackpropFilterV2, Conv3DBackpropFilter])
