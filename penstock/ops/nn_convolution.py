"""`tf.nn.conv*`: the public convolutions of 1, 2, 3 and any number of dimensions, and their transposes."""

from typing import Any

import numpy as np

from penstock.base.export import Old, export
from penstock.base.shape import TensorShape
from penstock.ir import node_count
from penstock.ir.convert import convert_to_tensor
from penstock.ir.scope import scoped
from penstock.ir.tensor import Tensor
from penstock.ops.families import later
from penstock.ops.nn_conv import (
    Conv2D,
    Conv2DBackpropFilter,
    Conv2DBackpropInput,
    Conv3D,
    Conv3DBackpropFilterV2,
    Conv3DBackpropInputV2,
)
from penstock.ops.nn_depthwise import (
    DepthwiseConv2dNative,
    DepthwiseConv2dNativeBackpropFilter,
    DepthwiseConv2dNativeBackpropInput,
)
from penstock.ops.nn_windows import padding_attrs, per_axis

_ExpandDims, _Squeeze, _Reshape, _Shape, _ConcatV2 = map(
    later, ("ExpandDims", "Squeeze", "Reshape", "Shape", "ConcatV2")
)

_FORMATS = {1: ("NWC", "NCW"), 2: ("NHWC", "NCHW"), 3: ("NDHWC", "NCDHW")}


def _flat_batch(x: Any, rank: int, run: Any) -> Any:
    """`run(x)` on images of `rank` axes, where x may have more batch axes in front."""
    dims = x._dims
    if dims is None or len(dims) <= rank:
        return run(x)
    extra = len(dims) - rank + 1
    inner, shape = dims[extra:], _Shape(x)
    flat = _Reshape(x, [-1, *inner] if None not in inner else _ConcatV2([[-1], shape[extra:]], 0))
    out = run(flat)
    known, tail = dims[:extra], out._dims[1:]
    if None not in known and None not in tail:
        return _Reshape(out, [*known, *tail])
    return _Reshape(out, _ConcatV2([shape[:extra], _Shape(out)[1:]], 0))


def _channel_last(data_format: str | None) -> bool:
    return data_format is None or not data_format.startswith("NC")


def _attrs(n: int, strides: Any, padding: Any, data_format: str | None, dilations: Any) -> dict[str, Any]:
    """The attrs of a convolution op of n dimensions."""
    data_format = data_format or _FORMATS[n][0]
    last = _channel_last(data_format)
    padding, explicit = padding_attrs(padding, n)
    attrs = {
        "strides": per_axis(strides, n, last, "strides"), "padding": padding, "data_format": data_format,
        "dilations": per_axis(dilations, n, last, "dilations"),
    }  # fmt: skip
    if explicit:
        attrs["explicit_paddings"] = tuple(explicit)
    return attrs


@export("nn.conv2d", old=Old(
    "input, filter=None, strides=None, padding=None, use_cudnn_on_gpu=True, data_format='NHWC', dilations=[1, 1, 1, 1], name=None, "
    "filters=None", filter="filters"))  # fmt: skip
def conv2d(
    input: Any,
    filters: Any,
    strides: Any,
    padding: Any,
    data_format: str = "NHWC",
    dilations: Any = None,
    name: Any = None,
) -> Any:
    """The 2-D convolution of images [batch, height, width, in] with filters [height, width, in / groups, out].

    >>> tf.nn.conv2d(tf.ones([1, 3, 3, 1]), tf.ones([3, 3, 1, 1]), strides=1, padding="VALID").numpy().item()
    9.0
    """
    attrs = _attrs(2, strides, padding, data_format, dilations)
    if not isinstance(input, Tensor):
        input = convert_to_tensor(input)
    return _flat_batch(input, 4, lambda x: Conv2D(x, filters, name=name, **attrs))


@export("nn.conv3d", old=Old(
    "input, filter=None, strides=None, padding=None, data_format='NDHWC', dilations=[1, 1, 1, 1, 1], name=None, filters=None",
    filter="filters"))  # fmt: skip
def conv3d(
    input: Any,
    filters: Any,
    strides: Any,
    padding: Any,
    data_format: str = "NDHWC",
    dilations: Any = None,
    name: Any = None,
) -> Any:
    """The 3-D convolution of volumes [batch, depth, height, width, in] with filters [depth, height, width, in / groups, out]."""
    attrs = _attrs(3, strides, padding, data_format, dilations)
    input = convert_to_tensor(input)
    return _flat_batch(input, 5, lambda x: Conv3D(x, filters, name=name, **attrs))


@export("nn.conv1d", old=Old(
    "value=None, filters=None, stride=None, padding=None, use_cudnn_on_gpu=None, data_format=None, name=None, input=None, dilations=None",
    value="input"))  # fmt: skip
def conv1d(
    input: Any,
    filters: Any,
    stride: Any,
    padding: Any,
    data_format: str | None = "NWC",
    dilations: Any = None,
    name: Any = None,
) -> Any:
    """The 1-D convolution of sequences [batch, width, in] with filters [width, in / groups, out]."""
    with scoped(name, "conv1d"):
        if data_format in (None, "NHWC", "NWC"):
            wide_format, axis, last = "NHWC", -3, True
        elif data_format in ("NCHW", "NCW"):
            wide_format, axis, last = "NCHW", -2, False
        else:
            raise ValueError(f"`data_format` must be 'NWC' or 'NCW'. Received: data_format={data_format}")
        spread = lambda v, what: (
            lambda full: (full[0], 1, full[1], full[2]) if last else (full[0], full[1], 1, full[2])
        )(per_axis(v, 1, last, what))
        input = convert_to_tensor(input)
        filters = _ExpandDims(filters, 0)
        padding, explicit = padding_attrs(padding, 1)
        attrs: dict[str, Any] = {
            "strides": spread(stride, "stride"),
            "dilations": spread(dilations, "dilations"),
            "padding": padding,
        }
        if explicit:
            at = 2 if last else 4
            attrs["explicit_paddings"] = (*explicit[:at], 0, 0, *explicit[at:])
        return _flat_batch(
            input,
            3,
            lambda x: _Squeeze(
                Conv2D(_ExpandDims(x, axis), filters, data_format=wide_format, **attrs), squeeze_dims=[axis]
            ),
        )


def _transposed_shape(output_shape: Any) -> Any:
    if isinstance(output_shape, TensorShape):
        return output_shape.as_list()
    return output_shape


@export("nn.conv2d_transpose", old=Old(
    "value=None, filter=None, output_shape=None, strides=None, padding='SAME', data_format='NHWC', name=None, input=None, filters=None, "
    "dilations=None", value="input", filter="filters"))  # fmt: skip
def conv2d_transpose(
    input: Any, filters: Any, output_shape: Any, strides: Any, padding: Any = "SAME", data_format: str | None = "NHWC",
    dilations: Any = None, name: Any = None,
) -> Any:  # fmt: skip
    """The transpose (gradient) of conv2d: filters are [height, width, out, in], the result has `output_shape`."""
    with scoped(name, "conv2d_transpose") as scope:
        attrs = _attrs(2, strides, padding, data_format, dilations)
        return Conv2DBackpropInput(_transposed_shape(output_shape), filters, input, name=scope or None, **attrs)


@export("nn.conv3d_transpose", old=Old(
    "value, filter=None, output_shape=None, strides=None, padding='SAME', data_format='NDHWC', name=None, input=None, filters=None, "
    "dilations=None", value="input", filter="filters"))  # fmt: skip
def conv3d_transpose(
    input: Any, filters: Any, output_shape: Any, strides: Any, padding: Any = "SAME", data_format: str | None = "NDHWC",
    dilations: Any = None, name: Any = None,
) -> Any:  # fmt: skip
    """The transpose (gradient) of conv3d: filters are [depth, height, width, out, in]."""
    with scoped(name, "conv3d_transpose") as scope:
        attrs = _attrs(3, strides, padding, data_format, dilations)
        return Conv3DBackpropInputV2(_transposed_shape(output_shape), filters, input, name=scope or None, **attrs)


@export("nn.conv1d_transpose")
def conv1d_transpose(
    input: Any, filters: Any, output_shape: Any, strides: Any, padding: Any = "SAME", data_format: str | None = "NWC",
    dilations: Any = None, name: Any = None,
) -> Any:  # fmt: skip
    """The transpose (gradient) of conv1d: filters are [width, out, in]."""
    with scoped(name, "conv1d_transpose"):
        last = _channel_last(data_format)
        wide_format, axis = ("NHWC", 1) if last else ("NCHW", 2)
        form = lambda v, what: (
            lambda full: (full[0], 1, full[1], full[2]) if last else (full[0], full[1], 1, full[2])
        )(per_axis(v, 1, last, what))
        padding, explicit = padding_attrs(padding, 1)
        attrs: dict[str, Any] = {
            "strides": form(strides, "strides"),
            "dilations": form(dilations, "dilations"),
            "padding": padding,
        }
        if explicit:
            at = 2 if last else 4
            attrs["explicit_paddings"] = (*explicit[:at], 0, 0, *explicit[at:])
        shape = _transposed_shape(output_shape)
        if isinstance(shape, (list, tuple)):
            sizes: Any = [*shape[:axis], 1, *shape[axis:]]
        else:
            shape = convert_to_tensor(shape)
            sizes = _ConcatV2([shape[:axis], [1], shape[axis:]], 0)
        out = Conv2DBackpropInput(
            sizes, _ExpandDims(filters, 0), _ExpandDims(input, axis), data_format=wide_format, **attrs
        )
        return _Squeeze(out, squeeze_dims=[axis])


_TRANSPOSES = {1: conv1d_transpose, 2: conv2d_transpose, 3: conv3d_transpose}


@export("nn.conv_transpose")
def conv_transpose(
    input: Any, filters: Any, output_shape: Any, strides: Any, padding: Any = "SAME", data_format: str | None = None,
    dilations: Any = None, name: Any = None,
) -> Any:  # fmt: skip
    """The transpose of a convolution of 1, 2 or 3 dimensions, by the length of `output_shape`."""
    with scoped(name, "conv_transpose"):
        if isinstance(output_shape, TensorShape):
            n = len(output_shape.as_list()) - 2
        elif hasattr(output_shape, "_dims"):
            n = output_shape._dims[0] - 2
        else:
            n = len(output_shape) - 2
        if n not in _TRANSPOSES:
            raise ValueError(
                f"`output_shape` must be of length 3, 4 or 5. Received: output_shape={output_shape} of length {n + 2}."
            )
        data_format = data_format or _FORMATS[n][0]
        return _TRANSPOSES[n](input, filters, output_shape, strides, padding, data_format, dilations)


@export(v1=("nn.conv2d_backprop_input",))
def conv2d_backprop_input(
    input_sizes: Any, filter: Any = None, out_backprop: Any = None, strides: Any = None, padding: Any = None, use_cudnn_on_gpu: bool = True,
    data_format: str = "NHWC", dilations: Any = (1, 1, 1, 1), name: Any = None, filters: Any = None,
) -> Any:  # fmt: skip
    """The gradient of conv2d with respect to its images of `input_sizes`."""
    attrs = _attrs(2, strides, padding, data_format, dilations)
    return Conv2DBackpropInput(
        input_sizes,
        filter if filters is None else filters,
        out_backprop,
        use_cudnn_on_gpu=use_cudnn_on_gpu,
        name=name,
        **attrs,
    )


@export(v1=("nn.conv2d_backprop_filter",))
def conv2d_backprop_filter(
    input: Any, filter_sizes: Any, out_backprop: Any, strides: Any, padding: Any, use_cudnn_on_gpu: bool = True,
    data_format: str = "NHWC", dilations: Any = (1, 1, 1, 1), name: Any = None,
) -> Any:  # fmt: skip
    """The gradient of conv2d with respect to its filters of `filter_sizes`."""
    attrs = _attrs(2, strides, padding, data_format, dilations)
    return Conv2DBackpropFilter(
        input, filter_sizes, out_backprop, use_cudnn_on_gpu=use_cudnn_on_gpu, name=name, **attrs
    )


@export(v1=("nn.conv3d_backprop_filter", "nn.conv3d_backprop_filter_v2"))
def conv3d_backprop_filter(
    input: Any, filter_sizes: Any, out_backprop: Any, strides: Any, padding: Any, data_format: str = "NDHWC",
    dilations: Any = (1, 1, 1, 1, 1), name: Any = None,
) -> Any:  # fmt: skip
    """The gradient of conv3d with respect to its filters of `filter_sizes`."""
    return Conv3DBackpropFilterV2(
        input,
        filter_sizes,
        out_backprop,
        strides=strides,
        padding=padding,
        data_format=data_format,
        dilations=dilations,
        name=name,
    )


# -- any number of dimensions -------------------------------------------------------------------------------------------

_CONVOLUTIONS = {1: conv1d, 2: conv2d, 3: conv3d}


def _one_of_them(n: int, strides: Any, dilations: Any) -> None:
    """ValueError when both the strides and the dilations of `n` spatial axes are more than 1."""
    whole = [np.broadcast_to(np.asarray(v), (n,)) if np.size(v) in (1, n) else np.asarray(v) for v in (strides, dilations)]
    if (whole[0] > 1).any() and (whole[1] > 1).any():
        raise ValueError(f"`strides > 1` not supported in conjunction with `dilation_rate > 1`. Received: strides={whole[0]} and dilation_rate={whole[1]}")


def _convolution(
    input: Any, filters: Any, strides: Any, padding: Any, data_format: Any, dilations: Any, name: Any
) -> Any:
    with scoped(name, "convolution") as scope:
        input, filters = convert_to_tensor(input), convert_to_tensor(filters)
        rank = None if filters._dims is None else len(filters._dims)
        if rank is None:
            rank = None if input._dims is None else len(input._dims)
        if rank is None:
            raise ValueError("rank of input or filter must be known")
        n = rank - 2
        if n not in _CONVOLUTIONS:
            raise ValueError(f"`num_spatial_dims` must be 1, 2, or 3. Received: num_spatial_dims={n}.")
        data_format = data_format or _FORMATS[n][0]
        ones = [1] * n
        for what, given in (("strides", strides), ("dilations", dilations)):
            if given is not None and hasattr(given, "__len__") and len(given) not in (1, n, n + 2):
                raise ValueError(
                    f"{what} should be of length 1, {n} or {n + 2}. Received: {what}={list(given)} of length {len(given)}"
                )
        if isinstance(padding, str):
            padding = padding.upper()
        strides, dilations = ones if strides is None else strides, ones if dilations is None else dilations
        _one_of_them(n, strides, dilations)
        if isinstance(padding, str) and max(dilations if hasattr(dilations, "__len__") else [dilations]) > 1:
            node_count.more(1 + dilation_nodes(padding))
            if node_count.active():
                scope = "BatchToSpaceND"
        return _CONVOLUTIONS[n](
            input, filters, strides, padding, data_format=data_format, dilations=dilations, name=scope or None
        )


def dilation_nodes(padding: Any) -> int:
    """The nodes by which TensorFlow 1.x gives spread-out kernels their inputs: to batches and back, with paddings."""
    return 10 if padding.upper() == "VALID" else 11


@export(v2=("nn.convolution",))
def convolution(
    input: Any, filters: Any, strides: Any = None, padding: Any = "VALID", data_format: str | None = None, dilations: Any = None,
    name: Any = None,
) -> Any:  # fmt: skip
    """The convolution of 1, 2 or 3 spatial dimensions, by the rank of `filters`."""
    return _convolution(input, filters, strides, padding, data_format, dilations, name)


@export(v1=("nn.convolution",))
def convolution_v1(
    input: Any, filter: Any, padding: Any, strides: Any = None, dilation_rate: Any = None, name: Any = None, data_format: str | None = None,
    filters: Any = None, dilations: Any = None,
) -> Any:  # fmt: skip
    """The convolution of 1, 2 or 3 spatial dimensions, with the parameters of 1.x."""
    return _convolution(
        input,
        filter if filters is None else filters,
        strides,
        padding,
        data_format,
        dilation_rate if dilations is None else dilations,
        name,
    )


@export("nn.atrous_conv2d")
def atrous_conv2d(value: Any, filters: Any, rate: int, padding: str, name: Any = None) -> Any:
    """conv2d whose window skips `rate` - 1 pixels between its entries."""
    return _convolution(value, filters, None, padding, "NHWC", [rate, rate], name or "convolution")


@export("nn.atrous_conv2d_transpose")
def atrous_conv2d_transpose(
    value: Any, filters: Any, output_shape: Any, rate: int, padding: str, name: Any = None
) -> Any:
    """The transpose of atrous_conv2d: filters are [height, width, out, in]."""
    with scoped(name, "atrous_conv2d_transpose"):
        value, filters = convert_to_tensor(value, name="value"), convert_to_tensor(filters, name="filters")
        if value._dims is not None and filters._dims is not None and None not in (value._dims[3], filters._dims[3]):
            if value._dims[3] != filters._dims[3]:
                raise ValueError(
                    f"A tensor's dimension must match: value's channels {value._dims[3]}, filters' inputs {filters._dims[3]}. "
                    f"Received: value.shape={value.shape} and filters.shape={filters.shape}"
                )
        if rate < 1:
            raise ValueError(f"`rate` cannot be less than one. Received: rate={rate}")
        if padding not in ("SAME", "VALID"):
            raise ValueError(f"`padding` must be either 'VALID' or 'SAME'. Received: padding={padding}")
        return Conv2DBackpropInput(
            _transposed_shape(output_shape),
            filters,
            value,
            strides=[1, 1, 1, 1],
            padding=padding,
            dilations=[1, rate, rate, 1],
        )


# -- depthwise and separable --------------------------------------------------------------------------------------------


def _depthwise_attrs(strides: Any, padding: Any, data_format: str | None, dilations: Any) -> dict[str, Any]:
    data_format = data_format or "NHWC"
    last = _channel_last(data_format)
    padding, explicit = padding_attrs(padding, 2)
    attrs = {"strides": tuple(strides) if hasattr(strides, "__len__") else per_axis(strides, 2, last, "strides"), "padding": padding,
             "data_format": data_format, "dilations": per_axis(dilations, 2, last, "dilations")}  # fmt: skip
    if explicit:
        attrs["explicit_paddings"] = tuple(explicit)
    return attrs


@export(
    "nn.depthwise_conv2d",
    old=Old(
        "input, filter, strides, padding, rate=None, name=None, data_format=None, dilations=None", rate="dilations"
    ),
)
def depthwise_conv2d(
    input: Any,
    filter: Any,
    strides: Any,
    padding: Any,
    data_format: str | None = None,
    dilations: Any = None,
    name: Any = None,
) -> Any:
    """Each channel convolved with its own kernels: filter [height, width, in, multiplier] -> in * multiplier channels."""
    with scoped(name, "depthwise") as scope:
        input, filter = convert_to_tensor(input, name="tensor_in"), convert_to_tensor(filter, name="filter_in")
        node_count.more(2)  # the shape of the filter, and the rate
        return DepthwiseConv2dNative(
            input, filter, name=scope or None, **_depthwise_attrs(strides, padding, data_format, dilations)
        )


@export(v1=("nn.depthwise_conv2d_native",))
def depthwise_conv2d_native(
    input: Any,
    filter: Any,
    strides: Any,
    padding: Any,
    data_format: str = "NHWC",
    dilations: Any = (1, 1, 1, 1),
    name: Any = None,
) -> Any:
    """The op under depthwise_conv2d."""
    return DepthwiseConv2dNative(input, filter, name=name, **_depthwise_attrs(strides, padding, data_format, dilations))


@export("nn.depthwise_conv2d_backprop_input", v1=("nn.depthwise_conv2d_native_backprop_input",))
def depthwise_conv2d_native_backprop_input(
    input_sizes: Any, filter: Any, out_backprop: Any, strides: Any, padding: Any, data_format: str = "NHWC",
    dilations: Any = (1, 1, 1, 1), name: Any = None,
) -> Any:  # fmt: skip
    """The gradient of depthwise_conv2d with respect to its images of `input_sizes`."""
    attrs = _depthwise_attrs(strides, padding, data_format, dilations)
    return DepthwiseConv2dNativeBackpropInput(input_sizes, filter, out_backprop, name=name, **attrs)


@export("nn.depthwise_conv2d_backprop_filter", v1=("nn.depthwise_conv2d_native_backprop_filter",))
def depthwise_conv2d_native_backprop_filter(
    input: Any, filter_sizes: Any, out_backprop: Any, strides: Any, padding: Any, data_format: str = "NHWC",
    dilations: Any = (1, 1, 1, 1), name: Any = None,
) -> Any:  # fmt: skip
    """The gradient of depthwise_conv2d with respect to its filter of `filter_sizes`."""
    attrs = _depthwise_attrs(strides, padding, data_format, dilations)
    return DepthwiseConv2dNativeBackpropFilter(input, filter_sizes, out_backprop, name=name, **attrs)


@export("nn.separable_conv2d", old=Old(
    "input, depthwise_filter, pointwise_filter, strides, padding, rate=None, name=None, data_format=None, dilations=None",
    rate="dilations"))  # fmt: skip
def separable_conv2d(
    input: Any, depthwise_filter: Any, pointwise_filter: Any, strides: Any, padding: Any, data_format: str | None = None,
    dilations: Any = None, name: Any = None,
) -> Any:  # fmt: skip
    """A depthwise convolution, then a pointwise one [1, 1, in * multiplier, out] that mixes its channels."""
    with scoped(name, "separable_conv2d") as scope:
        depthwise_filter = convert_to_tensor(depthwise_filter, name="depthwise_filter")
        pointwise_filter = convert_to_tensor(pointwise_filter, name="pointwise_filter")
        dims = pointwise_filter._dims
        if dims is not None:
            if len(dims) != 4:
                raise ValueError(
                    f"Shape must be rank 4 but is rank {len(dims)}: pointwise_filter.shape={pointwise_filter.shape}"
                )
            if any(d not in (None, 1) for d in dims[:2]):
                raise ValueError(
                    f"Dimension 0 and 1 of `pointwise_filter` must be 1. Received: pointwise_filter.shape={pointwise_filter.shape}"
                )
        attrs = _depthwise_attrs(strides, padding, data_format, dilations)
        node_count.more(2)  # the shape of the filter, and the rate
        between = DepthwiseConv2dNative(convert_to_tensor(input), depthwise_filter, name="depthwise", **attrs)
        return Conv2D(
            between,
            pointwise_filter,
            strides=[1, 1, 1, 1],
            padding="VALID",
            data_format=attrs["data_format"],
            name=scope or None,
        )
