"""Convolutions with the padding, or the resizing and padding, before them in one node, as graphs prepared for inference hold them."""

from typing import Any

import numpy as np

from penstock.base.errors import InvalidArgumentError, ShapeError
from penstock.base.shape import as_text
from penstock.ir.op import find, op

_CONV = 'mode: "REFLECT"|"SYMMETRIC", padding: "SAME"|"VALID", {resize}strides: list(int)'


def _padded(xp: Any, x: Any, paddings: Any, mode: str) -> Any:
    if paddings.shape != (4, 2):
        raise InvalidArgumentError(None, None, f"paddings must be a matrix with 2 columns and 4 rows, got {as_text(paddings.shape)}")
    if paddings[0].any() or paddings[3].any():
        raise InvalidArgumentError(None, None, f"Fused mirror padding only support spatial padding, not batches: {paddings.tolist()}")
    return find("MirrorPad").body(xp, x, paddings, mode=mode)


def _convolved(xp: Any, x: Any, kernel: Any, strides: Any, padding: str) -> Any:
    conv = find("Conv2D")
    attrs = {n: d for n, d in conv.free_attrs.items() if n in conv.takes}
    attrs.update(strides=list(strides), padding=padding)
    return conv.body(xp, x, kernel, **{k: v for k, v in attrs.items() if k in conv.takes})


def _rank_four(x: Any, *_: Any, **__: Any) -> Any:
    if x.shape is not None and len(x.shape) != 4:
        raise ShapeError(f"Shape must be rank 4 but is rank {len(x.shape)}: {x.name}")
    return (None,) * 4


@op(f"FusedPadConv2D(input: T, paddings: int32, filter: T, *, T: real_float, {_CONV.format(resize='')}) -> output: T", where="xla", static=("paddings",),
    shape=lambda input, paddings, filter, **_: (*_rank_four(input)[:3], None if filter.shape is None else filter.shape[3]))  # fmt: skip
def FUSED_PAD_CONV_2D(xp, input, paddings, filter, *, mode, padding, strides):  # noqa: A002
    """The input padded by its mirror image, then convolved."""
    return _convolved(xp, _padded(xp, input, np.asarray(paddings), mode), filter, strides, padding)


@op("FusedResizeAndPadConv2D(input: T, size: int32, paddings: int32, filter: T, *, T: {float16|float32|float64}, "
    f"{_CONV.format(resize='resize_align_corners: bool = False, ')}) -> output: T", where="xla", static=("size", "paddings"),
    shape=lambda input, size, paddings, filter, **_: (*_rank_four(input)[:3], None if filter.shape is None else filter.shape[3]))  # fmt: skip
def FUSED_RESIZE_AND_PAD_CONV_2D(xp, input, size, paddings, filter, *, mode, padding, resize_align_corners, strides):  # noqa: A002
    """The input resized bilinearly, padded by its mirror image, then convolved."""
    large = find("ResizeBilinear").body(xp, input, np.asarray(size), align_corners=resize_align_corners, half_pixel_centers=False)
    return _convolved(xp, _padded(xp, large.astype(input.dtype), np.asarray(paddings), mode), filter, strides, padding)
