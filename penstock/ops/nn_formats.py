"""Translations between data formats, and the convolution of any rank."""

from typing import Any

import numpy as np

from penstock.base.errors import InvalidArgumentError, ShapeError
from penstock.ir.op import op
from penstock.ops.families import later
from penstock.ops.nn_conv import Window, forward
from penstock.ops.nn_windows import channel_axis, out_size, rank_is_or_unknown, spatial_axes

_FORMAT_ATTRS = 'T: index = int32, dst_format: str = "NCHW", src_format: str = "NHWC"'


def _formats(src_format: str, dst_format: str) -> None:
    for what, text in (("src_format", src_format), ("dst_format", dst_format)):
        if len(text) not in (4, 5):
            raise InvalidArgumentError(None, None, f"{what} must be of length 4 or 5, received {text!r}")
    if sorted(src_format) != sorted(dst_format):
        raise InvalidArgumentError(
            None, None, f"Destination and source format must be permutations, got {src_format!r} and {dst_format!r}"
        )


@op(f"DataFormatDimMap(x: T, *, {_FORMAT_ATTRS}) -> y: T", shape=lambda x, **_: x.shape)
def DataFormatDimMap(xp, x, *, src_format, dst_format):
    """Axes of the source format as axes of the destination's."""
    _formats(src_format, dst_format)
    table = np.array([dst_format.index(c) for c in src_format], np.int32)
    return xp.asarray(table)[xp.mod(x, len(table))]


def _permuted(x: Any, **_: Any) -> Any:
    if x.shape is not None and len(x.shape) not in (1, 2):
        raise ShapeError(f"input must be a vector or a matrix, got shape {list(x.shape)}")
    return x.shape


@op(f"DataFormatVecPermute(x: T, *, {_FORMAT_ATTRS}) -> y: T", shape=_permuted)
def DataFormatVecPermute(xp, x, *, src_format, dst_format):
    """A vector of one number an axis (or a spatial axis), in the order of the destination format."""
    _formats(src_format, dst_format)
    if x.ndim not in (1, 2) or x.ndim == 2 and x.shape[1] != 2:
        raise ShapeError(f"input must be a vector or 2D tensor of 2 columns, but got shape {list(x.shape)}")
    n = x.shape[0]
    if n == len(src_format):
        source, target = src_format, dst_format
    elif n == len(src_format) - 2:
        source, target = ("".join(c for c in text if c not in "NC") for text in (src_format, dst_format))
    else:
        raise ShapeError(f"input must have {len(src_format)} or {len(src_format) - 2} entries, got {n}")
    return x[np.array([source.index(c) for c in target])]


for _made in (DataFormatDimMap, DataFormatVecPermute):
    _made.no_grad()


# -- the convolution of any rank ----------------------------------------------------------------------------------------


def _spread_attrs(values: Any, rank: int) -> list[int]:
    return list(values) if values else [1] * rank


@op('Conv(input: T, filter: T, *, T: {float16|bfloat16|float32|float64|int32}, batch_dims: int = 1, '
    'data_format: "CHANNELS_FIRST"|"CHANNELS_LAST" = "CHANNELS_LAST", dilations: list(int) = [], explicit_paddings: list(int) = [], '
    'groups: int = 1, padding: "SAME"|"VALID"|"EXPLICIT", strides: list(int)) -> output: T', where="xla")  # fmt: skip
def Conv(xp, input, filter, *, batch_dims, strides, dilations, padding, explicit_paddings, data_format):
    """The convolution of 2 or 3 spatial dimensions, with any number of batch axes in front."""
    rank = filter.ndim
    if rank not in (4, 5):
        raise ShapeError(f"filter must be rank 4 or 5 but is rank {rank}")
    outer = input.shape[:batch_dims]
    if input.ndim != batch_dims + rank - 1:
        raise ShapeError(
            f"input must be rank {batch_dims + rank - 1} but is rank {input.ndim}, shape {list(input.shape)}"
        )
    x = input.reshape(-1, *input.shape[batch_dims:])
    window = Window(
        x.shape,
        filter.shape,
        _spread_attrs(strides, rank),
        _spread_attrs(dilations, rank),
        padding,
        explicit_paddings,
        data_format,
    )
    out = forward(x, filter, window)
    return out.reshape(*outer, *out.shape[1:])


@Conv.shape
def _(input, filter, *, batch_dims, strides, dilations, padding, explicit_paddings, data_format):
    if filter.shape is None:
        return None
    rank = len(filter.shape)
    dims = rank_is_or_unknown(input, batch_dims + rank - 1)
    inner: list[Any] = [None, *dims[batch_dims:]]
    out = list(inner)
    strides, dilations = _spread_attrs(strides, rank), _spread_attrs(dilations, rank)
    for i, a in enumerate(spatial_axes(data_format, rank)):
        pads = (explicit_paddings[2 * a], explicit_paddings[2 * a + 1]) if padding == "EXPLICIT" else (0, 0)
        out[a] = out_size(inner[a], filter.shape[i], strides[a], dilations[a], padding, pads)
    out[channel_axis(data_format, rank)] = filter.shape[-1]
    return (*dims[:batch_dims], *out[1:])


@Conv.grad
def _(node: Any, dy: Any) -> Any:
    x, w = node.inputs
    attrs, rank = node.attrs, len(w._dims)
    n, outer = rank - 2, attrs["batch_dims"]
    last = attrs["data_format"] == "CHANNELS_LAST"
    formats = {2: ("NCHW", "NHWC"), 3: ("NCDHW", "NDHWC")}
    kept: dict[str, Any] = {
        "strides": _spread_attrs(attrs["strides"], rank), "dilations": _spread_attrs(attrs["dilations"], rank),
        "padding": attrs["padding"], "data_format": formats[n][last],
    }  # fmt: skip
    if attrs["explicit_paddings"] and n == 2:
        kept["explicit_paddings"] = attrs["explicit_paddings"]
    shape, concat = later("Shape"), later("ConcatV2")
    flat = lambda t: later("Reshape")(t, concat([[-1], shape(t)[outer:]], 0))
    images, kernels = (
        ("Conv2DBackpropInput", "Conv2DBackpropFilter"),
        ("Conv3DBackpropInputV2", "Conv3DBackpropFilterV2"),
    )[n - 2]
    fx, fy = flat(x), flat(dy)
    dx = later(images)(shape(fx), w, fy, **kept)
    return later("Reshape")(dx, shape(x)), later(kernels)(fx, shape(w), fy, **kept)
