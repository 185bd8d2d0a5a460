"""Resizing images: nearest, bilinear, bicubic, area, and the scale-and-translate kernels, with their gradients.

The places and weights of the samples follow from the sizes alone, so they are NumPy constants under a trace too.
"""

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from penstock.base.errors import InvalidArgumentError, ShapeError
from penstock.ir.op import op
from penstock.ops.families import later
from penstock.ops.nn_windows import rank_is_or_unknown

_Cast, _Shape = later("Cast"), later("Shape")
_KINDS = "{int8|uint8|int16|uint16|int32|int64|float16|float32|float64|bfloat16}"
_KINDS_LINEAR = "{int8|uint8|int16|uint16|int32|int64|bfloat16|float16|float32|float64}"


def _scale(size: int, out: int, align_corners: bool) -> np.float32:
    """How far apart in the image two neighbours of the result stand."""
    if align_corners and out > 1:
        return np.float32(size - 1) / np.float32(out - 1)
    return np.float32(size) / np.float32(out)


def _at(size: int, out: int, align_corners: bool, half_pixel_centers: bool) -> np.ndarray:
    """Where in the image each entry of the result is read, as float32."""
    scale, place = _scale(size, out, align_corners), np.arange(out, dtype=np.float32)
    if half_pixel_centers:
        return (place + np.float32(0.5)) * scale - np.float32(0.5)
    return place * scale


def nearest_places(size: int, out: int, align_corners: bool, half_pixel_centers: bool) -> np.ndarray:
    """The image's row (or column) that each one of the result copies."""
    scale, place = _scale(size, out, align_corners), np.arange(out, dtype=np.float32)
    if half_pixel_centers:
        at = np.floor((place + np.float32(0.5)) * scale)
    elif align_corners:
        at = np.floor(place * scale + np.float32(0.5))
    else:
        at = np.floor(place * scale)
    return np.clip(at.astype(np.int64), 0, size - 1)


def linear_places(
    size: int, out: int, align_corners: bool, half_pixel_centers: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(lower row, upper row, weight of the upper one) for each row of the result."""
    at = _at(size, out, align_corners, half_pixel_centers)
    floor = np.floor(at)
    lower = np.maximum(floor, 0).astype(np.int64)
    upper = np.minimum(np.ceil(at), size - 1).astype(np.int64)
    return np.minimum(lower, size - 1), np.maximum(upper, 0), (at - floor).astype(np.float32)


_TABLE = 1024


def _cubic_table(a: float) -> np.ndarray:
    """Keys' kernel at steps of 1/1024: how TensorFlow rounds its weights."""
    x = (np.arange(_TABLE + 1, dtype=np.float32) * np.float32(1.0 / _TABLE)).astype(np.float64)
    a = float(np.float32(a))
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    y = x + 1
    far = ((a * y - 5 * a) * y + 8 * a) * y - 4 * a
    return np.stack([near, far], 1).astype(np.float32)


def cubic_places(size: int, out: int, align_corners: bool, half_pixel_centers: bool) -> tuple[np.ndarray, np.ndarray]:
    """(rows [out, 4], weights [out, 4]) that each row of the result is made of."""
    at = _at(size, out, align_corners, half_pixel_centers)
    table = _cubic_table(-0.5 if half_pixel_centers else -0.75)
    floor = np.floor(at)
    offset = np.rint((at - floor) * _TABLE).astype(np.int64)  # ties to even, as lrintf does
    lower = floor.astype(np.int64)
    rows = lower[:, None] + np.arange(-1, 3)
    weights = np.stack([table[offset, 1], table[offset, 0], table[_TABLE - offset, 0], table[_TABLE - offset, 1]], 1)
    inside = np.clip(rows, 0, size - 1)
    if half_pixel_centers:  # rows outside count for nothing, the others for more
        weights = np.where(inside == rows, weights, np.float32(0))
        total = weights.sum(1, keepdims=True, dtype=np.float32)
        weights = np.where(
            np.abs(total) >= 1000 * np.finfo(np.float32).tiny, weights / np.where(total == 0, 1, total), weights
        )
    return inside, weights.astype(np.float32)


def area_matrix(size: int, out: int, align_corners: bool) -> np.ndarray:
    """[out, size]: the share of each row in the rows of the result."""
    scale = _scale(size, out, align_corners)
    low = np.arange(out, dtype=np.float32) * scale
    high = (np.arange(out, dtype=np.float32) + 1) * scale
    rows = np.arange(math.ceil(float(high.max())) if out else 0, dtype=np.float32)
    share = np.minimum(rows[None] + 1, high[:, None]) - np.maximum(rows[None], low[:, None])
    share = np.clip(share, 0, None) / scale
    matrix = np.zeros((out, size), np.float32)
    np.add.at(matrix, (slice(None), np.minimum(rows.astype(np.int64), size - 1)), share.astype(np.float32))
    return matrix


def _take(xp: Any, x: Any, places: np.ndarray, axis: int) -> Any:
    if len(places) and x.shape[axis] == len(places) and (places == np.arange(len(places))).all():
        return x
    return xp.take(x, places, axis=axis)


def _apply(xp: Any, matrix: np.ndarray, x: Any, axis: int) -> Any:
    """The product of [out, in] with the given axis of `x`."""
    return xp.moveaxis(xp.tensordot(xp.asarray(matrix, x.dtype), x, ((1,), (axis,))), 0, axis)


def _sizes(size: Any) -> tuple[int, int]:
    height, width = (int(v) for v in np.asarray(size).reshape(-1))
    if height <= 0 or width <= 0:
        raise ShapeError(f"output dimensions must be positive, got {height} x {width}")
    return height, width


def _checked(images: Any, align_corners: bool = False, half_pixel_centers: bool = False) -> None:
    if images.ndim != 4:
        raise ShapeError(
            f"images must be 4-dimensional [batch, height, width, channels], got shape {list(images.shape)}"
        )
    if align_corners and half_pixel_centers:
        raise InvalidArgumentError(None, None, "If half_pixel_centers is True, align_corners must be False.")
    if not images.shape[1] or not images.shape[2]:
        raise ShapeError(f"input image must be of non-zero size, got shape {list(images.shape)}")


def _resized(images: Any, size: Any, **_: Any) -> Any:
    dims = rank_is_or_unknown(images, 4)
    if size.shape is not None and (len(size.shape) != 1 or size.shape[0] not in (2, None)):
        raise ShapeError(
            f"size must be a 1-D tensor of 2 elements: new_height, new_width; got shape {list(size.shape)}"
        )
    given = size.dims or (None, None)
    return dims[0], given[0], given[1], dims[3]


def _declare(
    name: str, kinds: str, attrs: str, output: str, out_type: str, compute: Callable[..., Any], doc: str
) -> Any:
    def body(xp, images, size, *, align_corners, half_pixel_centers=False):
        _checked(images, align_corners, half_pixel_centers)
        return compute(xp, images, *_sizes(size), align_corners, half_pixel_centers)

    if "half_pixel" not in attrs:

        def body(xp, images, size, *, align_corners):  # noqa: F811
            _checked(images)
            return compute(xp, images, *_sizes(size), align_corners, False)

    body.__doc__, body.__name__, body.__module__ = doc, "<lambda>", __name__
    return op(
        f"{name}(images: T, size: int32, *, T: {kinds}, {attrs}) -> {output}: {out_type}",
        static=("size",),
        shape=_resized,
    )(body)


_BOTH = "align_corners: bool = False, half_pixel_centers: bool = False"


def _nearest(xp: Any, images: Any, height: int, width: int, align: bool, half: bool) -> Any:
    x = _take(xp, images, nearest_places(images.shape[1], height, align, half), 1)
    return _take(xp, x, nearest_places(images.shape[2], width, align, half), 2)


@functools.lru_cache(64)
def _columns(width: int, out: int, channels: int, align: bool, half: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """`linear_places` of columns, for rows in which the channels of a pixel follow each other."""
    low, high, share = linear_places(width, out, align, half)
    every = np.arange(channels)
    spread = lambda places: (places[:, None] * channels + every).reshape(-1)
    return spread(low), spread(high), np.repeat(share, channels)


def _bilinear(xp: Any, images: Any, height: int, width: int, align: bool, half: bool) -> Any:
    if (height, width) == tuple(images.shape[1:3]):
        return xp.asarray(images, np.float32)
    count, rows, columns, channels = images.shape
    low, high, share = _columns(columns, width, channels, align, half)
    flat = images.reshape(count, rows, columns * channels)  # a long last axis: NumPy is slow where it is the three channels
    x = _between(xp, _single(xp, _picked(xp, flat, low, 2)), _single(xp, _picked(xp, flat, high, 2)), share)
    low, high, share = linear_places(rows, height, align, half)
    x = _between(xp, _picked(xp, x, low, 1), _picked(xp, x, high, 1), share[:, None])
    return x.reshape(count, height, width, channels)


def _picked(xp: Any, x: Any, places: np.ndarray, axis: int) -> Any:
    """The rows or columns at places that are all there."""
    return x.take(places, axis, mode="clip") if xp is np else _take(xp, x, places, axis)


def _single(xp: Any, x: Any) -> Any:
    return xp.asarray(x, np.float32)


def _between(xp: Any, first: Any, second: Any, share: Any) -> Any:
    """first + (second - first) * share; NumPy computes it in the place of `second`."""
    if xp is not np:
        return first + (second - first) * share
    second -= first
    second *= share
    second += first
    return second


def _bicubic(xp: Any, images: Any, height: int, width: int, align: bool, half: bool) -> Any:
    x = xp.asarray(images, np.float32)
    for axis, out in ((1, height), (2, width)):
        rows, weights = cubic_places(images.shape[axis], out, align, half)
        form = [1, 1, 1, 1]
        form[axis] = out
        x = sum(_take(xp, x, rows[:, i], axis) * weights[:, i].reshape(form) for i in range(4))
    return x


def _area(xp: Any, images: Any, height: int, width: int, align: bool, half: bool) -> Any:
    x = xp.asarray(images, np.float32)
    x = _apply(xp, area_matrix(images.shape[1], height, align), x, 1)
    return _apply(xp, area_matrix(images.shape[2], width, align), x, 2)


ResizeNearestNeighbor = _declare(
    "ResizeNearestNeighbor", _KINDS, _BOTH, "resized_images", "T", _nearest, "Each entry copied from the nearest one."
)
ResizeBilinear = _declare(
    "ResizeBilinear", _KINDS_LINEAR, _BOTH, "resized_images", "float32", _bilinear, "Between the four nearest entries."
)
ResizeBicubic = _declare(
    "ResizeBicubic", _KINDS, _BOTH, "resized_images", "float32", _bicubic, "Between sixteen entries by Keys' kernel."
)
ResizeArea = _declare(
    "ResizeArea",
    _KINDS,
    "align_corners: bool = False",
    "resized_images",
    "float32",
    _area,
    "The mean over the area of each entry.",
)


def _matrix(places: np.ndarray, weights: np.ndarray, size: int) -> np.ndarray:
    """[out, size] from the places [out, n] and weights [out, n]."""
    matrix = np.zeros((len(places), size), np.float32)
    np.add.at(matrix, (np.arange(len(places))[:, None], places), weights)
    return matrix


def _linear_matrix(size: int, out: int, align: bool, half: bool) -> np.ndarray:
    low, high, share = linear_places(size, out, align, half)
    return _matrix(np.stack([low, high], 1), np.stack([1 - share, share], 1), size)


def _declare_grad(name: str, kinds: str, matrix: Callable[..., np.ndarray]) -> Any:
    def body(xp, grads, original_image, *, align_corners, half_pixel_centers):
        x = grads
        for axis in (1, 2):
            x = _apply(
                xp, matrix(original_image.shape[axis], grads.shape[axis], align_corners, half_pixel_centers).T, x, axis
            )
        return x

    body.__doc__, body.__name__, body.__module__ = (
        "The gradient of the resizing: each entry of dy shared out.",
        "<lambda>",
        __name__,
    )
    text = f"{name}(grads: float32, original_image: T, *, T: {kinds}, {_BOTH}) -> output: T"
    return op(text, shape=lambda grads, original_image, **_: original_image.shape)(body)


ResizeBilinearGrad = _declare_grad("ResizeBilinearGrad", "real_float", _linear_matrix)
ResizeBicubicGrad = _declare_grad(
    "ResizeBicubicGrad", "{float32|float64}", lambda size, out, a, h: _matrix(*cubic_places(size, out, a, h), size)
)


@op("ResizeNearestNeighborGrad(grads: T, size: int32, *, T: {uint8|int8|int32|float16|float32|float64|bfloat16}, "
    f"{_BOTH}) -> output: T", static=("size",), shape=_resized)  # fmt: skip
def ResizeNearestNeighborGrad(xp, grads, size, *, align_corners, half_pixel_centers):
    """The gradient of nearest resizing: each entry of dy given to the entry it was copied from."""
    x = (
        grads
        if grads.dtype.kind in "iu"
        else xp.asarray(grads, np.promote_types(grads.dtype, np.float32) if grads.dtype.kind == "f" else np.float32)
    )
    for axis, out in zip((1, 2), _sizes(size)):
        places = nearest_places(out, grads.shape[axis], align_corners, half_pixel_centers)
        x = _apply(xp, (places[None] == np.arange(out)[:, None]).astype(np.int8), x, axis)
    return x


def _resize_attrs(node: Any) -> dict[str, Any]:
    return {k: node.attrs[k] for k in ("align_corners", "half_pixel_centers")}


def _into(x: Any, like: Any) -> Any:
    return x if x.dtype.base_dtype is like.dtype.base_dtype else _Cast(x, DstT=like.dtype.base_dtype)


ResizeBilinear.grad_rule = lambda node, dy: (ResizeBilinearGrad(dy, node.inputs[0], **_resize_attrs(node)), None)
ResizeBicubic.grad_rule = lambda node, dy: (
    (
        ResizeBicubicGrad(dy, node.inputs[0], **_resize_attrs(node))
        if node.inputs[0].dtype.name in ("float32", "float64")
        else None
    ),
    None,
)
ResizeNearestNeighbor.grad_rule = lambda node, dy: (
    ResizeNearestNeighborGrad(dy, _Shape(node.inputs[0])[1:3], **_resize_attrs(node)),
    None,
)
ResizeBilinearGrad.grad_rule = lambda node, d: (
    ResizeBilinear(d, _Shape(node.inputs[0])[1:3], **_resize_attrs(node)),
    None,
)
ResizeBicubicGrad.grad_rule = lambda node, d: (
    ResizeBicubic(d, _Shape(node.inputs[0])[1:3], **_resize_attrs(node)),
    None,
)
ResizeNearestNeighborGrad.grad_rule = lambda node, d: (
    ResizeNearestNeighbor(d, _Shape(node.inputs[0])[1:3], **_resize_attrs(node)), None
)  # fmt: skip


# -- scale and translate ------------------------------------------------------------------------------------------------


def _lanczos(radius: float) -> Callable[[np.ndarray], np.ndarray]:
    def kernel(x: np.ndarray) -> np.ndarray:
        x = np.abs(x)
        safe = np.where(x <= 1e-3, 1, x)
        value = radius * np.sin(np.pi * safe) * np.sin(np.pi * safe / radius) / (np.pi * np.pi * safe * safe)
        return np.where(x > radius, 0, np.where(x <= 1e-3, 1, value))

    return kernel


def _gaussian(x: np.ndarray) -> np.ndarray:
    x = np.abs(x)
    return np.where(x >= 1.5, 0, np.exp(-x * x / (2 * 0.5 * 0.5)))


def _triangle(x: np.ndarray) -> np.ndarray:
    return np.maximum(0, 1 - np.abs(x))


def _box(x: np.ndarray) -> np.ndarray:
    x = np.abs(x)
    return np.where(x < 0.5, 1.0, np.where(x == 0.5, 0.5, 0.0))


def _keys(x: np.ndarray) -> np.ndarray:
    x = np.abs(x)
    near = ((1.5 * x - 2.5) * x) * x + 1
    far = ((-0.5 * x + 2.5) * x - 4) * x + 2
    return np.where(x >= 2, 0, np.where(x >= 1, far, near))


def _mitchell(x: np.ndarray) -> np.ndarray:
    x = np.abs(x)
    near = (((7 / 6) * x - 2) * x) * x + 16 / 18
    far = (((-7 / 18) * x + 2) * x - 10 / 3) * x + 16 / 9
    return np.where(x >= 2, 0, np.where(x >= 1, far, near))


KERNELS: dict[str, tuple[Callable[[np.ndarray], np.ndarray], float]] = {
    "lanczos1": (_lanczos(1.0), 1.0), "lanczos3": (_lanczos(3.0), 3.0), "lanczos5": (_lanczos(5.0), 5.0), "gaussian": (_gaussian, 1.5),
    "box": (_box, 0.5), "triangle": (_triangle, 1.0), "keyscubic": (_keys, 2.0), "mitchellcubic": (_mitchell, 2.0),
}  # fmt: skip


def kernel_matrix(
    size: int, out: int, scale: float, translation: float, kernel_type: str, antialias: bool
) -> np.ndarray:
    """[out, size]: the weights by which the entries of the result are made of the image's."""
    kernel, radius = KERNELS[kernel_type]
    inverse = np.float32(1) / np.float32(scale)
    shift = -inverse * np.float32(translation)
    wide = max(float(inverse), 1.0) if antialias else 1.0
    reach = radius * wide
    places = np.arange(out, dtype=np.float32) + np.float32(0.5)
    centre = places * inverse + shift
    matrix = np.zeros((out, size), np.float32)
    for i, c in enumerate(centre.tolist()):
        if c < 0 or c > size:
            continue
        first, last = math.ceil(c - reach - 0.5), math.floor(c + reach - 0.5)
        first, last = min(max(first, 0), size - 1), min(max(last, 0), size - 1)
        rows = np.arange(first, last + 1)
        weights = kernel((rows + 0.5 - c) / wide)
        total = weights.sum()
        if abs(total) >= 1000 * np.finfo(np.float32).tiny:
            matrix[i, first : last + 1] = weights / total
    return matrix


def _kernel_checked(kernel_type: str) -> None:
    if kernel_type not in KERNELS:
        raise InvalidArgumentError(
            None, None, f"Unrecognized kernel type: {kernel_type}; it is one of {', '.join(KERNELS)}"
        )


@op(f"ScaleAndTranslate(images: T, size: int32, scale: float32, translation: float32, *, T: {_KINDS_LINEAR}, "
    'antialias: bool = True, kernel_type: str = "lanczos3") -> resized_images: float32',
    static=("size", "scale", "translation"), shape=lambda images, size, scale, translation, **_: _resized(images, size))  # fmt: skip
def ScaleAndTranslate(xp, images, size, scale, translation, *, kernel_type, antialias):
    """Images scaled, then moved, sampled through a kernel."""
    _checked(images)
    _kernel_checked(kernel_type)
    scale, translation = np.asarray(scale).reshape(-1), np.asarray(translation).reshape(-1)
    if (scale <= 0).any():
        raise InvalidArgumentError(None, None, f"Scale must be greater than zero, got {scale.tolist()}")
    x = xp.asarray(images, np.float32)
    for i, (axis, out) in enumerate(zip((1, 2), _sizes(size))):
        x = _apply(
            xp, kernel_matrix(images.shape[axis], out, scale[i], translation[i], kernel_type, antialias), x, axis
        )
    return x


@ScaleAndTranslate.grad
def _(node: Any, dy: Any) -> Any:
    images, _, scale, translation = node.inputs
    attrs = {k: node.attrs[k] for k in ("kernel_type", "antialias")}
    like = images if images.dtype.name == "float32" else _Cast(images, DstT="float32")
    return _into(ScaleAndTranslateGrad(dy, like, scale, translation, **attrs), images), None, None, None


@op('ScaleAndTranslateGrad(grads: T, original_image: T, scale: float32, translation: float32, *, T: {float32}, antialias: bool = True, '
    'kernel_type: str = "lanczos3") -> output: T', static=("scale", "translation"), shape=lambda g, image, *_, **__: image.shape)  # fmt: skip
def ScaleAndTranslateGrad(xp, grads, original_image, scale, translation, *, kernel_type, antialias):
    """The gradient of ScaleAndTranslate."""
    _kernel_checked(kernel_type)
    scale, translation = np.asarray(scale).reshape(-1), np.asarray(translation).reshape(-1)
    x = grads
    for i, axis in enumerate((1, 2)):
        matrix = kernel_matrix(
            original_image.shape[axis], grads.shape[axis], scale[i], translation[i], kernel_type, antialias
        )
        x = _apply(xp, matrix.T, x, axis)
    return x


@ScaleAndTranslateGrad.grad
def _(node: Any, d: Any) -> Any:
    grads, _, scale, translation = node.inputs
    attrs = {k: node.attrs[k] for k in ("kernel_type", "antialias")}
    return ScaleAndTranslate(d, _Shape(grads)[1:3], scale, translation, **attrs), None, None, None
