"""How like two images are, and how they change from pixel to pixel."""

import math
from typing import Any

import numpy as np

from penstock.base.dtypes import float32
from penstock.base.errors import InvalidArgumentError
from penstock.base.export import export
from penstock.ir.convert import convert_to_tensor
from penstock.ir.scope import scoped
from penstock.ops.families import later
from penstock.ops.image import convert_image_dtype
from penstock.ops.nn_convolution import depthwise_conv2d
from penstock.ops.nn_pool import AvgPool

_Mean, _Sum, _SquaredDifference, _Log, _Cast, _Shape, _Reshape, _ConcatV2, _Abs, _Pack = map(
    later, ("Mean", "Sum", "SquaredDifference", "Log", "Cast", "Shape", "Reshape", "ConcatV2", "Abs", "Pack")
)


def _comparable(a: Any, b: Any) -> None:
    """ValueError where the shapes of two (batches of) images do not fit."""
    for x in (a, b):
        if x._dims is not None and len(x._dims) < 3:
            raise ValueError(
                f"images must be at least three-dimensional [..., height, width, channels], got shape {x.shape}"
            )
    if a._dims is None or b._dims is None:
        return
    if not a.shape[-3:].is_compatible_with(b.shape[-3:]):
        raise ValueError(f"Shapes {a.shape} and {b.shape} are incompatible")
    for p, q in zip(reversed(a._dims[:-3]), reversed(b._dims[:-3])):
        if None not in (p, q) and p != q and 1 not in (p, q):
            raise ValueError(f"Two images are not compatible: {a.shape} and {b.shape}")


def _as_floats(x: Any) -> Any:
    return convert_image_dtype(x, float32) if x.dtype.base_dtype.name != "float32" else x


def _largest(max_val: Any, dtype: Any) -> Any:
    """`max_val`, given in the images' own type, on the scale of float images."""
    value = _Cast(convert_to_tensor(max_val), DstT=dtype)
    return _as_floats(value)


@export("image.psnr")
def psnr(a: Any, b: Any, max_val: Any, name: Any = None) -> Any:
    """The peak signal-to-noise ratio of each pair of images, in decibels."""
    with scoped(name, "PSNR") as scope:
        a, b = convert_to_tensor(a, name="a"), convert_to_tensor(b, name="b")
        _comparable(a, b)
        largest = _largest(max_val, a.dtype.base_dtype)
        mse = _Mean(_SquaredDifference(_as_floats(a), _as_floats(b)), [-3, -2, -1])
        return later("Sub")(
            20 * _Log(largest) / math.log(10.0), np.float32(10 / np.log(10)) * _Log(mse), name=scope or None
        )


def _gaussian(size: int, sigma: float, channels: Any) -> Any:
    """A Gaussian window [size, size, channels, 1]."""
    x = np.arange(size, dtype=np.float32) - (size - 1) / 2
    logits = (-0.5 * (x / np.float32(sigma)) ** 2).astype(np.float32)
    grid = (logits[:, None] + logits[None]).reshape(-1)
    weights = np.exp(grid - grid.max())
    kernel = (weights / weights.sum()).astype(np.float32).reshape(size, size, 1, 1)
    if isinstance(channels, int):
        return convert_to_tensor(np.tile(kernel, (1, 1, channels, 1)))
    return later("Tile")(convert_to_tensor(kernel), _Pack([1, 1, channels, 1]))


def _ssim_maps(
    a: Any, b: Any, largest: Any, filter_size: int, filter_sigma: float, k1: float, k2: float
) -> tuple[Any, Any]:
    """The maps of structural similarity, and of contrast and structure alone, for batches [n, height, width, channels]."""
    channels = a._dims[-1] if a._dims[-1] is not None else _Shape(a)[-1]
    kernel = _gaussian(filter_size, filter_sigma, channels)
    blur = lambda x: depthwise_conv2d(x, kernel, strides=[1, 1, 1, 1], padding="VALID")
    c1, c2 = (k1 * largest) ** 2, (k2 * largest) ** 2
    mean_a, mean_b = blur(a), blur(b)
    numerator = mean_a * mean_b * 2.0
    denominator = mean_a * mean_a + mean_b * mean_b
    luminance = (numerator + c1) / (denominator + c1)
    both = blur(a * b) * 2.0
    squares = blur(a * a + b * b)
    contrast = (both - numerator + c2) / (squares - denominator + c2)
    return luminance * contrast, contrast


def _batch(x: Any) -> tuple[Any, Any]:
    """`x` as [n, height, width, channels], and the axes in front that n stands for."""
    dims = x._dims
    shape = _Shape(x)
    outer = list(dims[:-3]) if None not in dims[:-3] else shape[:-3]
    if len(dims) == 4:
        return x, outer
    inner = list(dims[-3:])
    return _Reshape(x, [-1, *inner] if None not in inner else _ConcatV2([[-1], shape[-3:]], 0)), outer


def _unbatch(x: Any, outer: Any) -> Any:
    rest = list(x._dims[1:])
    if isinstance(outer, list) and None not in rest:
        return _Reshape(x, outer + rest)
    return _Reshape(x, _ConcatV2([outer, _Shape(x)[1:]], 0))


def _matched(a: Any, b: Any) -> tuple[Any, Any]:
    """Both images broadcast to one batch."""
    if a._dims is not None and b._dims is not None and a._dims[:-3] == b._dims[:-3]:
        return a, b
    zero = later("ZerosLike")
    return a + zero(b), b + zero(a)


def _large_enough(x: Any, size: int) -> None:
    if any(d is not None and d < size for d in x._dims[-3:-1]):
        raise InvalidArgumentError(
            None, None, f"images of {x.shape} are smaller than the window of {size}: make filter_size smaller"
        )


@export("image.ssim")
def ssim(
    img1: Any, img2: Any, max_val: Any, filter_size: int = 11, filter_sigma: float = 1.5, k1: float = 0.01, k2: float = 0.03,
    return_index_map: bool = False,
) -> Any:  # fmt: skip
    """The structural similarity of each pair of images (or its map, pixel by pixel)."""
    with scoped(None, "SSIM"):
        a, b = convert_to_tensor(img1, name="img1"), convert_to_tensor(img2, name="img2")
        _comparable(a, b)
        largest = _largest(max_val, a.dtype.base_dtype)
        a, b = _matched(_as_floats(a), _as_floats(b))
        _large_enough(a, filter_size)
        (a, outer), (b, _) = _batch(a), _batch(b)
        maps, _ = _ssim_maps(a, b, largest, filter_size, filter_sigma, k1, k2)
        if return_index_map:
            return _unbatch(_Mean(maps, [-1]), outer)
        return _unbatch(_Mean(_Mean(maps, [-3, -2]), [-1]), outer)


@export("image.ssim_multiscale")
def ssim_multiscale(
    img1: Any, img2: Any, max_val: Any, power_factors: Any = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333), filter_size: int = 11,
    filter_sigma: float = 1.5, k1: float = 0.01, k2: float = 0.03,
) -> Any:  # fmt: skip
    """The structural similarity over several scales, each half as large as the one before."""
    with scoped(None, "MS-SSIM"):
        a, b = convert_to_tensor(img1, name="img1"), convert_to_tensor(img2, name="img2")
        _comparable(a, b)
        largest = _largest(max_val, a.dtype.base_dtype)
        a, b = _matched(_as_floats(a), _as_floats(b))
        (a, outer), (b, _) = _batch(a), _batch(b)
        values: list[Any] = []
        for scale in range(len(power_factors)):
            if scale:
                a, b = (_halved(x) for x in (a, b))
            _large_enough(a, filter_size)
            maps, contrast = _ssim_maps(a, b, largest, filter_size, filter_sigma, k1, k2)
            last = scale == len(power_factors) - 1
            values.append(later("Relu")(_Mean(maps if last else contrast, [-3, -2])))
        stacked = _Pack(values, axis=-1)
        powers = convert_to_tensor(list(power_factors), dtype="float32")
        return _unbatch(_Mean(later("Prod")(later("Pow")(stacked, powers), [-1]), [-1]), outer)


def _halved(x: Any) -> Any:
    """Each 2 x 2 block averaged; an odd last row or column counts twice."""
    height, width = x._dims[1:3]
    if height is None or width is None:
        raise ValueError(f"ssim_multiscale needs images of known height and width, got shape {x.shape}")
    if height % 2 or width % 2:
        x = later("MirrorPad")(x, [[0, 0], [0, height % 2], [0, width % 2], [0, 0]], mode="SYMMETRIC")
    return AvgPool(x, ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding="VALID")


@export("image.total_variation")
def total_variation(images: Any, name: Any = None) -> Any:
    """The sum of the differences between neighbouring pixels: of one image, or of each of a batch."""
    with scoped(name, "total_variation"):
        images = convert_to_tensor(images)
        rank = None if images._dims is None else len(images._dims)
        if rank == 3:
            down, along, axes = images[1:] - images[:-1], images[:, 1:] - images[:, :-1], [0, 1, 2]
        elif rank == 4:
            down, along, axes = images[:, 1:] - images[:, :-1], images[:, :, 1:] - images[:, :, :-1], [1, 2, 3]
        else:
            raise ValueError("'images' must be either 3 or 4-dimensional.")
        return _Sum(_Abs(down), axes) + _Sum(_Abs(along), axes)


@export("image.image_gradients")
def image_gradients(image: Any) -> Any:
    """(dy, dx) of images [batch, height, width, channels]: the next pixel less this one, zero at the end."""
    image = convert_to_tensor(image)
    if image._dims is not None and len(image._dims) != 4:
        raise ValueError(f"image_gradients expects a 4D tensor [batch_size, h, w, d], not {image.shape}.")
    dy, dx = image[:, 1:] - image[:, :-1], image[:, :, 1:] - image[:, :, :-1]
    pad = later("Pad")
    return pad(dy, [[0, 0], [0, 1], [0, 0], [0, 0]]), pad(dx, [[0, 0], [0, 0], [0, 1], [0, 0]])


@export("image.sobel_edges")
def sobel_edges(image: Any) -> Any:
    """The Sobel derivatives of images [batch, height, width, channels]: [..., channels, 2], (dy, dx) last."""
    image = convert_to_tensor(image)
    dims = image._dims
    channels = dims[-1]
    if channels is None:
        raise ValueError("sobel_edges needs images with a known number of channels")
    kernels = np.array([[[-1, -2, -1], [0, 0, 0], [1, 2, 1]], [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]], np.float32)
    bank = np.tile(np.transpose(kernels, (1, 2, 0))[:, :, None, :], (1, 1, channels, 1))
    padded = later("MirrorPad")(image, [[0, 0], [1, 1], [1, 1], [0, 0]], mode="REFLECT")
    out = depthwise_conv2d(padded, convert_to_tensor(bank, dtype=image.dtype.base_dtype), [1, 1, 1, 1], "VALID")
    if None not in dims:
        return _Reshape(out, [*dims, 2])
    return _Reshape(out, _ConcatV2([_Shape(image), [2]], 0))
