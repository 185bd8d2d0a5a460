"""`tf.image`: turning, cropping, padding, resizing and recolouring images, by chance too."""

from collections.abc import Callable
from typing import Any

import numpy as np

from penstock.base.dtypes import as_dtype, float32
from penstock.base.errors import ShapeError
from penstock.base.export import export
from penstock.ir import flow_style, node_count
from penstock.ir.convert import convert_to_tensor
from penstock.ir.known import known_value
from penstock.ir.scope import scoped
from penstock.ops.cast import saturate_cast
from penstock.ops.families import later, of_elements
from penstock.ops.image_color import AdjustContrastv2, AdjustHue, AdjustSaturation
from penstock.ops.image_resize import (
    ResizeArea,
    ResizeBicubic,
    ResizeBilinear,
    ResizeNearestNeighbor,
    ScaleAndTranslate,
)
from penstock.ops.random import uniform
from penstock.ops.random_from_seed import stateless_uniform

_Cast, _Reshape, _Shape, _Transpose, _ReverseV2, _ExpandDims, _Squeeze, _Pack, _Pad, _Tile = map(
    later, ("Cast", "Reshape", "Shape", "Transpose", "ReverseV2", "ExpandDims", "Squeeze", "Pack", "Pad", "Tile")
)
_Mul, _Sum, _Mean, _Maximum, _Minimum, _Select, _Less, _ConcatV2, _Identity, _FloorDiv = map(
    later, ("Mul", "Sum", "Mean", "Maximum", "Minimum", "SelectV2", "Less", "ConcatV2", "Identity", "FloorDiv")
)

# -- dtypes -------------------------------------------------------------------------------------------------------------


@export("image.convert_image_dtype")
@of_elements
def convert_image_dtype(image: Any, dtype: Any, saturate: bool = False, name: Any = None) -> Any:
    """`image` as `dtype`, scaled: floats are in [0, 1], integers use their whole positive range.

    >>> tf.image.convert_image_dtype(tf.constant([255], tf.uint8), tf.float32).numpy()
    array([1.], dtype=float32)
    """
    image = convert_to_tensor(image, name="image")
    dtype, kept = as_dtype(dtype), image.dtype.base_dtype
    if not dtype.is_floating and not dtype.is_integer:
        raise AttributeError("dtype must be either floating point or integer")
    if not kept.is_floating and not kept.is_integer:
        raise AttributeError("image dtype must be either floating point or integer")
    if dtype is kept:
        return _Identity(image, name=name)
    with scoped(name, "convert_image") as scope:
        if kept.is_integer and dtype.is_integer:
            scale_in, scale_out = kept.max, dtype.max
            if scale_in > scale_out:
                scaled = _FloorDiv(image, convert_to_tensor((scale_in + 1) // (scale_out + 1), dtype=kept))
                return saturate_cast(scaled, dtype) if saturate else _Cast(scaled, DstT=dtype, name=scope or None)
            cast = saturate_cast(image, dtype) if saturate else _Cast(image, DstT=dtype)
            return _Mul(cast, convert_to_tensor((scale_out + 1) // (scale_in + 1), dtype=dtype), name=scope or None)
        if kept.is_floating and dtype.is_floating:
            return _Cast(image, DstT=dtype, name=scope or None)
        if kept.is_integer:
            cast = _Cast(image, DstT=dtype)
            return _Mul(cast, convert_to_tensor(1.0 / kept.max, dtype=dtype), name=scope or None)
        with np.errstate(over="ignore"):  # in two-byte floats the largest integers are infinite
            largest = convert_to_tensor(dtype.max + 0.5, dtype=kept)
        scaled = _Mul(image, largest)
        return saturate_cast(scaled, dtype) if saturate else _Cast(scaled, DstT=dtype, name=scope or None)


def _in_floats(image: Any, compute: Callable[[Any], Any], saturate: bool = False) -> Any:
    """`compute` on the image as floats, and back."""
    kept = image.dtype.base_dtype
    flt = image if kept.name in ("float16", "float32") else convert_image_dtype(image, float32)
    return convert_image_dtype(compute(flt), kept, saturate=saturate)


# -- shapes -------------------------------------------------------------------------------------------------------------


def _sizes(image: Any) -> list[Any]:
    """The sizes of the axes: numbers where they are known, tensors where not."""
    dims = image._dims
    shape = None if None not in dims else _Shape(image)
    return [d if d is not None else shape[i] for i, d in enumerate(dims)]


def _at_least_three(image: Any) -> None:
    if image._dims is None:
        raise ValueError("'image' must be fully-defined in its last three axes; its rank is unknown")
    if len(image._dims) < 3:
        raise ValueError(f"'image' must be at least three-dimensional, got shape {image.shape}")
    if any(d == 0 for d in image._dims[-3:]):
        raise ValueError(f"inner 3 dims of 'image.shape' must be > 0: {image.shape}")


def _three_or_four(image: Any) -> bool:
    """Is `image` one image, without a batch?"""
    if image._dims is None or len(image._dims) not in (3, 4):
        raise ValueError(f"'image' (shape {image.shape}) must have either 3 or 4 dimensions.")
    return len(image._dims) == 3


def _require(condition: Any, message: str) -> None:
    """ValueError where a condition is known to fail, a check in the graph where it is not known."""
    if isinstance(condition, bool | np.bool_):
        if not condition:
            raise ValueError(message)
        return
    value = known_value(condition)
    if value is None:
        later("Assert")(condition, [convert_to_tensor(message)])
    elif not value:
        raise ValueError(message)


def _batched(image: Any, compute: Callable[[Any], Any]) -> Any:
    """`compute` on a batch of images, also where `image` is one alone."""
    single = _three_or_four(image)
    out = compute(_ExpandDims(image, 0) if single else image)
    return _Squeeze(out, squeeze_dims=[0]) if single else out


# -- turning ------------------------------------------------------------------------------------------------------------


def _flip(image: Any, axis: int, default: str) -> Any:
    with scoped(None, default):
        image = convert_to_tensor(image, name="image")
        _at_least_three(image)
        return _ReverseV2(image, [axis + len(image._dims)])


@export("image.flip_left_right")
def flip_left_right(image: Any) -> Any:
    """Images [..., height, width, channels] mirrored left to right."""
    return _flip(image, -2, "flip_left_right")


@export("image.flip_up_down")
def flip_up_down(image: Any) -> Any:
    """Images [..., height, width, channels] mirrored top to bottom."""
    return _flip(image, -3, "flip_up_down")


def _flip_by_chance(image: Any, axis: int, draw: Callable[[Any], Any], default: str) -> Any:
    with scoped(None, default) as scope:
        image = convert_to_tensor(image, name="image")
        _at_least_three(image)
        if len(image._dims) == 3:
            node_count.more(1 if image.shape.is_fully_defined() else 23)  # checks of the shape
            drawn = draw([])
            with node_count.exactly(11):
                return _Select(_Less(drawn, 0.5), _ReverseV2(image, [axis + 3]), image, name=flow_style.label(scope, "Merge") or None)
        if len(image._dims) != 4:
            raise ValueError(f"'image' (shape {image.shape}) must have either 3 or 4 dimensions.")
        batch = _sizes(image)[0]
        flips = later("Round")(_Reshape(draw([batch] if isinstance(batch, int) else _Pack([batch])), [-1, 1, 1, 1]))
        flips = _Cast(flips, DstT=image.dtype.base_dtype)
        return flips * _ReverseV2(image, [axis + 4]) + (1 - flips) * image


@export("image.random_flip_left_right")
def random_flip_left_right(image: Any, seed: Any = None) -> Any:
    """Each image mirrored left to right, or not, by a fair coin."""
    return _flip_by_chance(image, -2, lambda shape: uniform(shape, 0, 1.0, seed=seed), "random_flip_left_right")


@export("image.random_flip_up_down")
def random_flip_up_down(image: Any, seed: Any = None) -> Any:
    """Each image mirrored top to bottom, or not, by a fair coin."""
    return _flip_by_chance(image, -3, lambda shape: uniform(shape, 0, 1.0, seed=seed), "random_flip_up_down")


@export(v2=("image.stateless_random_flip_left_right",))
def stateless_random_flip_left_right(image: Any, seed: Any) -> Any:
    """random_flip_left_right whose coin follows from `seed` alone."""
    return _flip_by_chance(image, -2, lambda shape: stateless_uniform(shape, seed), "stateless_random_flip_left_right")


@export(v2=("image.stateless_random_flip_up_down",))
def stateless_random_flip_up_down(image: Any, seed: Any) -> Any:
    """random_flip_up_down whose coin follows from `seed` alone."""
    return _flip_by_chance(image, -3, lambda shape: stateless_uniform(shape, seed), "stateless_random_flip_up_down")


@export("image.rot90")
def rot90(image: Any, k: Any = 1, name: Any = None) -> Any:
    """Images turned counter-clockwise by `k` quarters."""
    with scoped(name, "rot90"):
        image = convert_to_tensor(image, name="image")
        _at_least_three(image)
        if len(image._dims) not in (3, 4):
            raise ValueError(f"'image' (shape {image.shape}) must have either 3 or 4 dimensions.")
        turns = known_value(convert_to_tensor(k, dtype="int32", name="k"))
        if turns is None:
            raise ValueError("`k` must be known when the graph is built: the shape of the result depends on it")
        if turns.ndim:
            raise ValueError(f"`k` must be a scalar, got shape {list(turns.shape)}")
        first = len(image._dims) - 3
        order = [*range(first), first + 1, first, first + 2]
        quarter = int(turns) % 4
        if quarter == 1:
            return _Transpose(_ReverseV2(image, [first + 1]), order)
        if quarter == 2:
            return _ReverseV2(image, [first, first + 1])
        if quarter == 3:
            return _ReverseV2(_Transpose(image, order), [first + 1])
        return image


@export("image.transpose", v1=("image.transpose_image",))
def transpose(image: Any, name: Any = None) -> Any:
    """Images with rows and columns exchanged."""
    with scoped(name, "transpose") as scope:
        image = convert_to_tensor(image, name="image")
        _at_least_three(image)
        if len(image._dims) not in (3, 4):
            raise ValueError(f"'image' (shape {image.shape}) must have either 3 or 4 dimensions.")
        first = len(image._dims) - 3
        return _Transpose(image, [*range(first), first + 1, first, first + 2], name=scope or None)


# -- cropping and padding -----------------------------------------------------------------------------------------------


def _integer(x: Any) -> Any:
    """A number where `x` is one, a tensor where its value is not known."""
    if isinstance(x, (int, np.integer)):
        return int(x)
    value = known_value(convert_to_tensor(x))
    return int(value) if value is not None else convert_to_tensor(x)


def _all_known(*values: Any) -> bool:
    return all(isinstance(v, int) for v in values)


@export("image.pad_to_bounding_box")
def pad_to_bounding_box(
    image: Any, offset_height: Any, offset_width: Any, target_height: Any, target_width: Any
) -> Any:
    """Images with zeros around: `offset_height` rows above, `offset_width` columns to the left, to the target size."""
    return _pad_to(image, offset_height, offset_width, target_height, target_width, True)


def _pad_to(
    image: Any, offset_height: Any, offset_width: Any, target_height: Any, target_width: Any, check: bool
) -> Any:
    with scoped(None, "pad_to_bounding_box"):
        image = convert_to_tensor(image, name="image")
        top, left, height, width = map(_integer, (offset_height, offset_width, target_height, target_width))

        def pad(images: Any) -> Any:
            _at_least_three(images)
            _, rows, columns, _ = _sizes(images)
            below, right = height - top - rows, width - left - columns
            if check:
                _require(top >= 0, "offset_height must be >= 0")
                _require(left >= 0, "offset_width must be >= 0")
                _require(right >= 0, "width must be <= target - offset")
                _require(below >= 0, "height must be <= target - offset")
            pads = [0, 0, top, below, left, right, 0, 0]
            paddings = (
                [pads[i : i + 2] for i in range(0, 8, 2)]
                if _all_known(*pads)
                else _Reshape(_Pack([_as_int32(p) for p in pads]), [4, 2])
            )
            out = _Pad(images, paddings)
            if not hasattr(out, "_array"):
                known = lambda v: v if isinstance(v, int) else None
                out.set_shape([images._dims[0], known(height), known(width), images._dims[3]])
            return out

        return _batched(image, pad)


def _as_int32(x: Any) -> Any:
    x = convert_to_tensor(x)
    return x if x.dtype.base_dtype.name == "int32" else _Cast(x, DstT="int32")


@export("image.crop_to_bounding_box")
def crop_to_bounding_box(
    image: Any, offset_height: Any, offset_width: Any, target_height: Any, target_width: Any
) -> Any:
    """The `target_height` rows and `target_width` columns of images from the given offset on."""
    with scoped(None, "crop_to_bounding_box"):
        image = convert_to_tensor(image, name="image")
        top, left, height, width = map(_integer, (offset_height, offset_width, target_height, target_width))

        def crop(images: Any) -> Any:
            _at_least_three(images)
            _, rows, columns, _ = _sizes(images)
            _require(left >= 0, "offset_width must be >= 0.")
            _require(top >= 0, "offset_height must be >= 0.")
            _require(width > 0, "target_width must be > 0.")
            _require(height > 0, "target_height must be > 0.")
            _require(columns >= width + left, "width must be >= target + offset.")
            _require(rows >= height + top, "height must be >= target + offset.")
            out = _slice(images, [0, top, left, 0], [-1, height, width, -1])
            if not hasattr(out, "_array"):
                known = lambda v: v if isinstance(v, int) else None
                out.set_shape([images._dims[0], known(height), known(width), images._dims[3]])
            return out

        return _batched(image, crop)


def _slice(image: Any, begin: list[Any], size: list[Any]) -> Any:
    """The `size` entries from `begin` on (-1: all that are left); both are numbers or tensors."""
    begin, size = (v if _all_known(*v) else _Pack([_as_int32(x) for x in v]) for v in (begin, size))
    return later("Slice")(image, begin, size)


def _lesser(a: Any, b: Any) -> Any:
    return min(a, b) if _all_known(a, b) else _Minimum(a, b)


def _greater(a: Any, b: Any) -> Any:
    return max(a, b) if _all_known(a, b) else _Maximum(a, b)


@export("image.resize_with_crop_or_pad", v1=("image.resize_image_with_crop_or_pad",))
def resize_with_crop_or_pad(image: Any, target_height: Any, target_width: Any) -> Any:
    """Images cut about their middle, or with zeros around, to the target size."""
    with scoped(None, "resize_image_with_crop_or_pad"):
        image = convert_to_tensor(image, name="image")
        target_height, target_width = _integer(target_height), _integer(target_width)

        def resize_to(images: Any) -> Any:
            _at_least_three(images)
            _require(target_width > 0, "target_width must be > 0.")
            _require(target_height > 0, "target_height must be > 0.")
            _, height, width, _ = _sizes(images)
            wider, higher = target_width - width, target_height - height
            cropped = crop_to_bounding_box(
                images,
                _greater(-higher // 2, 0),
                _greater(-wider // 2, 0),
                _lesser(target_height, height),
                _lesser(target_width, width),
            )
            return _pad_to(
                cropped, _greater(higher // 2, 0), _greater(wider // 2, 0), target_height, target_width, True
            )

        return _batched(image, resize_to)


@export("image.central_crop")
def central_crop(image: Any, central_fraction: Any) -> Any:
    """The middle of images: `central_fraction` of their height and width."""
    with scoped(None, "central_crop"):
        image = convert_to_tensor(image, name="image")
        fraction = known_value(convert_to_tensor(central_fraction))
        if fraction is None:
            raise ValueError("central_fraction must be known when the graph is built")
        fraction = float(central_fraction) if isinstance(central_fraction, float) else float(fraction)
        if fraction <= 0.0 or fraction > 1.0:
            raise ValueError("central_fraction must be within (0, 1]")
        if fraction == 1.0:
            return image
        _at_least_three(image)
        single = _three_or_four(image)
        sizes = _sizes(image)
        height, width = sizes[-3], sizes[-2]

        def middle(size: Any) -> tuple[Any, Any]:
            if isinstance(size, int):
                start = int((float(size) - float(size) * fraction) / 2)
            else:
                real = _Cast(size, DstT="float64")
                start = _Cast((real - real * fraction) / 2, DstT="int32")
            return start, size - start * 2

        (top, rows), (left, columns) = middle(height), middle(width)
        begin, size = [top, left, 0], [rows, columns, -1]
        return _slice(image, begin, size) if single else _slice(image, [0, *begin], [-1, *size])


# -- resizing -----------------------------------------------------------------------------------------------------------


@export(v2=("image.ResizeMethod",))
class ResizeMethod:
    """The names of the ways to resize."""

    BILINEAR = "bilinear"
    NEAREST_NEIGHBOR = "nearest"
    BICUBIC = "bicubic"
    AREA = "area"
    LANCZOS3 = "lanczos3"
    LANCZOS5 = "lanczos5"
    GAUSSIAN = "gaussian"
    MITCHELLCUBIC = "mitchellcubic"


@export(v1=("image.ResizeMethod",))
class ResizeMethodV1:
    """The numbers of the ways to resize in 1.x."""

    BILINEAR = 0
    NEAREST_NEIGHBOR = 1
    BICUBIC = 2
    AREA = 3


def _resized(
    images: Any, resizer: Callable[[Any, Any], Any], size: Any, preserve_aspect_ratio: Any, name: Any, skip_same: bool
) -> Any:
    with scoped(name, "resize"):
        images = convert_to_tensor(images, name="images")
        if images._dims is None:
            raise ValueError("'images' contains no shape.")
        single = len(images._dims) == 3
        if single:
            images = _ExpandDims(images, 0)
        elif len(images._dims) != 4:
            raise ValueError("'images' must have either 3 or 4 dimensions.")
        _, height, width, _ = images._dims
        try:
            size = convert_to_tensor(size, dtype="int32", name="size")
        except (TypeError, ValueError):
            raise ValueError("'size' must be a 1-D int32 Tensor") from None
        if not size.shape.is_compatible_with([2]):
            raise ValueError("'size' must be a 1-D Tensor of 2 elements: new_height, new_width")
        if size.dtype.base_dtype.name != "int32":
            size = _Cast(size, DstT="int32")
        if (
            preserve_aspect_ratio is True
            or preserve_aspect_ratio is not False
            and bool(known_value(convert_to_tensor(preserve_aspect_ratio)))
        ):
            size = _kept_aspect(images, size)
        given = known_value(size)
        wanted = (None, None) if given is None else (int(given[0]), int(given[1]))
        if skip_same and None not in (height, width, *wanted) and (height, width) == wanted:
            return _Squeeze(images, squeeze_dims=[0]) if single else images
        out = resizer(images, size)
        return _Squeeze(out, squeeze_dims=[0]) if single else out


def _kept_aspect(images: Any, size: Any) -> Any:
    """The largest size within `size` of the images' own proportions."""
    _, height, width, _ = _sizes(images)
    real = lambda v: _Cast(convert_to_tensor(v), DstT="float32")
    high, wide = real(height), real(width)
    scale = _Minimum(real(size[0]) / high, real(size[1]) / wide)
    rounded = lambda v: _Cast(later("Round")(scale * v), DstT="int32")
    return _Pack([rounded(high), rounded(wide)])


@export(v1=("image.resize", "image.resize_images"))
def resize_images(
    images: Any,
    size: Any,
    method: Any = 0,
    align_corners: bool = False,
    preserve_aspect_ratio: Any = False,
    name: Any = None,
) -> Any:
    """Images resized to [new_height, new_width], by the sampling of 1.x (no half-pixel centres)."""

    def resizer(x: Any, size: Any) -> Any:
        if method in (0, "bilinear"):
            return ResizeBilinear(x, size, align_corners=align_corners)
        if method in (1, "nearest"):
            return ResizeNearestNeighbor(x, size, align_corners=align_corners)
        if method in (2, "bicubic"):
            return ResizeBicubic(x, size, align_corners=align_corners)
        if method in (3, "area"):
            return ResizeArea(x, size, align_corners=align_corners)
        raise ValueError(f"Resize method is not implemented: {method}")

    return _resized(images, resizer, size, preserve_aspect_ratio, name, skip_same=True)


@export(v2=("image.resize",))
def resize(
    images: Any,
    size: Any,
    method: Any = "bilinear",
    preserve_aspect_ratio: Any = False,
    antialias: bool = False,
    name: Any = None,
) -> Any:
    """Images resized to [new_height, new_width] by `method`; `antialias` smooths what is made smaller.

    >>> tf.image.resize(tf.ones([4, 4, 1]), [2, 2]).shape
    TensorShape([2, 2, 1])
    """

    def kernel(x: Any, size: Any, kind: str) -> Any:
        scale = _Cast(size, DstT="float32") / _Cast(_Shape(x)[1:3], DstT="float32")
        return ScaleAndTranslate(x, size, scale, convert_to_tensor([0.0, 0.0]), kernel_type=kind, antialias=antialias)

    def resizer(x: Any, size: Any) -> Any:
        if method in ("bilinear", "bicubic") and antialias:
            return kernel(x, size, "triangle" if method == "bilinear" else "keyscubic")
        if method == "bilinear":
            return ResizeBilinear(x, size, half_pixel_centers=True)
        if method == "nearest":
            return ResizeNearestNeighbor(x, size, half_pixel_centers=True)
        if method == "bicubic":
            return ResizeBicubic(x, size, half_pixel_centers=True)
        if method == "area":
            return ResizeArea(x, size)
        if method in ("lanczos3", "lanczos5", "gaussian", "mitchellcubic"):
            return kernel(x, size, method)
        raise ValueError(f"Resize method is not implemented: {method}")

    return _resized(images, resizer, size, preserve_aspect_ratio, name, skip_same=False)


def _resized_with_pad(image: Any, target_height: Any, target_width: Any, resizer: Callable[[Any, Any], Any]) -> Any:
    with scoped(None, "resize_image_with_pad"):
        image = convert_to_tensor(image, name="image")
        target_height, target_width = _integer(target_height), _integer(target_width)

        def fit(images: Any) -> Any:
            _at_least_three(images)
            _require(target_width > 0, "target_width must be > 0.")
            _require(target_height > 0, "target_height must be > 0.")
            _, height, width, _ = _sizes(images)
            if _all_known(height, width, target_height, target_width):
                ratio = max(height / target_height, width / target_width)
                new_height, new_width = int(height / ratio), int(width / ratio)
                top, left = (
                    max(0, int((target_height - height / ratio) / 2)),
                    max(0, int((target_width - width / ratio) / 2)),
                )
                resized = resizer(images, [new_height, new_width])
            else:
                real = lambda v: _Cast(convert_to_tensor(v), DstT="float64")
                ratio = _Maximum(real(height) / real(target_height), real(width) / real(target_width))
                whole = lambda v: _Cast(later("Floor")(v), DstT="int32")
                new_height, new_width = whole(real(height) / ratio), whole(real(width) / ratio)
                top = _Maximum(0, whole((real(target_height) - real(height) / ratio) / 2))
                left = _Maximum(0, whole((real(target_width) - real(width) / ratio) / 2))
                resized = resizer(images, _Pack([new_height, new_width]))
            return pad_to_bounding_box(resized, top, left, target_height, target_width)

        return _batched(image, fit)


@export(v2=("image.resize_with_pad",))
def resize_with_pad(
    image: Any, target_height: Any, target_width: Any, method: Any = "bilinear", antialias: bool = False
) -> Any:
    """Images resized without distortion to fit the target size, with zeros around."""
    return _resized_with_pad(
        image, target_height, target_width, lambda x, size: resize(x, size, method, antialias=antialias)
    )


@export(v1=("image.resize_image_with_pad",))
def resize_image_with_pad(
    image: Any, target_height: Any, target_width: Any, method: Any = 0, align_corners: bool = False
) -> Any:
    """Images resized without distortion to fit the target size, by the sampling of 1.x."""
    return _resized_with_pad(
        image, target_height, target_width, lambda x, size: resize_images(x, size, method, align_corners=align_corners)
    )


def _old_resize(op: Any, name: str) -> Any:
    def call(
        images: Any, size: Any, align_corners: bool = False, name: Any = None, half_pixel_centers: bool = False
    ) -> Any:
        return op(images, size, align_corners=align_corners, half_pixel_centers=half_pixel_centers, name=name)

    call.__name__ = call.__qualname__ = name
    call.__doc__ = f"{op.__doc__} The images are [batch, height, width, channels]."
    return export(v1=(f"image.{name}",))(call)


resize_bilinear = _old_resize(ResizeBilinear, "resize_bilinear")
resize_bicubic = _old_resize(ResizeBicubic, "resize_bicubic")
resize_nearest_neighbor = _old_resize(ResizeNearestNeighbor, "resize_nearest_neighbor")


@export(v1=("image.resize_area",))
def resize_area(images: Any, size: Any, align_corners: bool = False, name: Any = None) -> Any:
    """The mean over the area of each entry; images are [batch, height, width, channels]."""
    return ResizeArea(images, size, align_corners=align_corners, name=name)


# -- recolouring --------------------------------------------------------------------------------------------------------


@export("image.per_image_standardization")
def per_image_standardization(image: Any) -> Any:
    """Each image with mean 0 and variance 1 (a flat one is divided by what keeps it finite)."""
    with scoped(None, "per_image_standardization") as scope:
        image = convert_to_tensor(image, name="image")
        _at_least_three(image)
        if image.dtype.base_dtype.name != "float32":
            image = _Cast(image, DstT="float32")
        with node_count.exactly(23 if image.shape.is_fully_defined() else 45):
            return _standardized(image, scope)


def _standardized(image: Any, scope: str) -> Any:
    sizes = _sizes(image)[-3:]
    count = int(np.prod(sizes)) if _all_known(*sizes) else later("Prod")(_Shape(image)[-3:], [0])
    mean = _Mean(image, [-1, -2, -3], keep_dims=True)
    variance = _Mean(later("Square")(image - mean), [-1, -2, -3], keep_dims=True)
    smallest = later("Rsqrt")(_Cast(convert_to_tensor(count), DstT=image.dtype.base_dtype))
    out = later("RealDiv")(image - mean, _Maximum(later("Sqrt")(variance), smallest), name=scope or None)
    return later("Identity")(out) if node_count.active() else out


@export("image.adjust_brightness")
@of_elements
def adjust_brightness(image: Any, delta: Any) -> Any:
    """`delta` (a part of the whole range) added to every pixel."""
    with scoped(None, "adjust_brightness"):
        image = convert_to_tensor(image, name="image")

        def brighter(x: Any) -> Any:
            d = convert_to_tensor(delta)
            return x + (d if d.dtype.base_dtype is x.dtype.base_dtype else _Cast(d, DstT=x.dtype.base_dtype))

        return _in_floats(image, brighter, saturate=True)


@export("image.adjust_contrast")
def adjust_contrast(images: Any, contrast_factor: Any) -> Any:
    """Each channel of each image moved `contrast_factor` times as far from its mean."""
    with scoped(None, "adjust_contrast"):
        images = convert_to_tensor(images, name="images")
        return _in_floats(images, lambda x: AdjustContrastv2(x, contrast_factor), saturate=True)


@export("image.adjust_gamma")
@of_elements
def adjust_gamma(image: Any, gamma: Any = 1, gain: Any = 1) -> Any:
    """gain * image ** gamma, for pixels in [0, 1]."""
    with scoped(None, "adjust_gamma"):
        image = convert_to_tensor(image, name="image")
        if isinstance(gamma, (int, float)):
            if gamma < 0:
                raise ValueError("Gamma should be a non-negative real number.")
        else:
            _require(later("GreaterEqual")(convert_to_tensor(gamma), 0), "Gamma should be a non-negative real number.")
        return _in_floats(image, lambda x: gain * x**gamma, saturate=True)


@export("image.adjust_hue")
def adjust_hue(image: Any, delta: Any, name: Any = None) -> Any:
    """The hue of RGB images turned by `delta` in [-1, 1]."""
    with scoped(name, "adjust_hue"):
        value = known_value(convert_to_tensor(delta))
        if value is not None and not -1 <= float(value) <= 1:
            raise ValueError("delta must be in the interval [-1, 1]")
        image = convert_to_tensor(image, name="image")
        return _in_floats(image, lambda x: AdjustHue(x, delta))


@export("image.adjust_saturation")
def adjust_saturation(image: Any, saturation_factor: Any, name: Any = None) -> Any:
    """The saturation of RGB images multiplied by `saturation_factor`."""
    with scoped(name, "adjust_saturation"):
        image = convert_to_tensor(image, name="image")
        return _in_floats(image, lambda x: AdjustSaturation(x, saturation_factor))


def _delta(max_delta: Any, limit: float | None = None) -> None:
    if limit is not None and max_delta > limit:
        raise ValueError(f"max_delta must be <= {limit}.")
    if max_delta < 0:
        raise ValueError("max_delta must be non-negative.")


def _between(lower: Any, upper: Any) -> None:
    if upper <= lower:
        raise ValueError("upper must be > lower.")
    if lower < 0:
        raise ValueError("lower must be non-negative.")


def _by_chance(adjust: Callable[[Any, Any], Any], symmetric: bool, limit: float | None, name: str, doc: str) -> None:
    """The pair of functions that draw the amount of an adjustment: with a seed of TensorFlow's streams, and from a seed alone."""
    if symmetric:

        def random(image: Any, max_delta: Any, seed: Any = None) -> Any:
            _delta(max_delta, limit)
            return adjust(image, uniform([], -max_delta, max_delta, seed=seed))

        def stateless(image: Any, max_delta: Any, seed: Any) -> Any:
            _delta(max_delta, limit)
            return adjust(image, stateless_uniform([], seed, -max_delta, max_delta))
    else:

        def random(image: Any, lower: Any, upper: Any, seed: Any = None) -> Any:  # type: ignore[misc]
            _between(lower, upper)
            return adjust(image, uniform([], lower, upper, seed=seed))

        def stateless(image: Any, lower: Any, upper: Any, seed: Any = None) -> Any:  # type: ignore[misc]
            _between(lower, upper)
            return adjust(image, stateless_uniform([], seed, lower, upper))

    random.__name__ = random.__qualname__ = f"random_{name}"
    stateless.__name__ = stateless.__qualname__ = f"stateless_random_{name}"
    random.__doc__, stateless.__doc__ = (
        f"{doc} by a random amount.",
        f"{doc} by an amount that follows from `seed` alone.",
    )
    globals()[random.__name__] = export(f"image.random_{name}")(random)
    globals()[stateless.__name__] = export(v2=(f"image.stateless_random_{name}",))(stateless)


_by_chance(adjust_brightness, True, None, "brightness", "Images made brighter or darker")
_by_chance(adjust_hue, True, 0.5, "hue", "The hue of RGB images turned")
_by_chance(adjust_contrast, False, None, "contrast", "The contrast of images changed")
_by_chance(adjust_saturation, False, None, "saturation", "The saturation of RGB images changed")


@export("image.rgb_to_grayscale")
def rgb_to_grayscale(images: Any, name: Any = None) -> Any:
    """The luminance of RGB images, as one channel."""
    with scoped(name, "rgb_to_grayscale") as scope:
        images = convert_to_tensor(images, name="images")
        kept = images.dtype.base_dtype
        flt = images if kept.is_floating else convert_image_dtype(images, float32)
        if flt._dims is not None and (not flt._dims or flt._dims[-1] not in (3, None)):
            raise ShapeError(f"images must have 3 channels in the last axis, got shape {flt.shape}")
        weights = convert_to_tensor([0.2989, 0.587, 0.114], dtype=flt.dtype.base_dtype)
        grey = _ExpandDims(_Sum(flt * weights, -1), -1)
        return convert_image_dtype(grey, kept, name=scope or None)


@export("image.grayscale_to_rgb")
def grayscale_to_rgb(images: Any, name: Any = None) -> Any:
    """One channel repeated as three."""
    with scoped(name, "grayscale_to_rgb") as scope:
        images = convert_to_tensor(images, name="images")
        if images._dims is None:
            raise ValueError("'images' must be of known rank")
        if images._dims[-1] not in (1, None):
            raise ValueError(f"Last dimension of a grayscale image should be size 1. Received shape {images.shape}")
        return _Tile(images, [1] * (len(images._dims) - 1) + [3], name=scope or None)
