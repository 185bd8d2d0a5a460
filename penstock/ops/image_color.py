"""Colours: RGB and HSV, hue, saturation, contrast, and the linear colour spaces."""

from typing import Any

from penstock.base.errors import ShapeError
from penstock.base.export import export
from penstock.ir.convert import convert_to_tensor
from penstock.ir.op import op
from penstock.ops.families import later, wide

_MatMul, _Reshape, _Shape = later("MatMul"), later("Reshape"), later("Shape")


def rgb_to_hsv_body(xp: Any, rgb: Any) -> Any:
    """Hue, saturation and value, each in [0, 1]."""
    x = wide(xp, rgb)
    r, g, b = x[..., 0], x[..., 1], x[..., 2]
    value = xp.maximum(xp.maximum(r, g), b)
    spread = value - xp.minimum(xp.minimum(r, g), b)
    some = spread > 0
    norm = 1 / (6 * xp.where(some, spread, xp.ones((), x.dtype)))
    hue = xp.where(
        r == value, norm * (g - b), xp.where(g == value, norm * (b - r) + 2.0 / 6.0, norm * (r - g) + 4.0 / 6.0)
    )
    hue = xp.where(some, xp.where(hue < 0, hue + 1, hue), xp.zeros((), x.dtype))
    lit = value > 0
    saturation = xp.where(lit, spread / xp.where(lit, value, xp.ones((), x.dtype)), xp.zeros((), x.dtype))
    return xp.stack([hue, saturation, value], -1)


def hsv_to_rgb_body(xp: Any, hsv: Any) -> Any:
    """Red, green and blue of hue, saturation and value."""
    x = wide(xp, hsv)
    h, s, v = x[..., 0] * 6, x[..., 1], x[..., 2]
    parts = (xp.abs(h - 3) - 1, 2 - xp.abs(h - 2), 2 - xp.abs(h - 4))
    return xp.stack([(xp.clip(p, 0, 1) * s + (1 - s)) * v for p in parts], -1)


def _three(images: Any, **_: Any) -> Any:
    dims = images.shape
    if dims is not None and (not dims or dims[-1] not in (3, None)):
        raise ShapeError(f"images must have 3 channels in the last axis, got shape {list(dims)}")
    return dims


def _coloured(text: str, body: Any, doc: str, *names: str) -> Any:
    made = op(text, shape=_three)(_checked(body, doc))

    def call(images: Any, name: Any = None) -> Any:
        return made(images, name=name)

    call.__name__ = call.__qualname__ = names[0].rpartition(".")[2]
    call.__doc__ = doc
    globals()[call.__name__] = export(*names)(call)
    return made


def _checked(body: Any, doc: str) -> Any:
    def checked(xp, images):
        _three(images)
        return body(xp, images)

    checked.__doc__, checked.__name__ = doc, "<lambda>"
    return checked


RGBToHSV = _coloured(
    "RGBToHSV(images: T, *, T: real_float = float32) -> output: T", rgb_to_hsv_body, "RGB in [0, 1] as hue, saturation and value.",
    "image.rgb_to_hsv",
)  # fmt: skip
HSVToRGB = _coloured(
    "HSVToRGB(images: T, *, T: real_float = float32) -> output: T", hsv_to_rgb_body, "Hue, saturation and value as RGB.",
    "image.hsv_to_rgb",
)  # fmt: skip


def _image(images: Any, *_: Any) -> Any:
    if images.shape is not None and len(images.shape) < 3:
        raise ShapeError(f"input must be at least 3-D, got shape {list(images.shape)}")
    return images.shape


@op(
    "AdjustContrastv2(images: T, contrast_factor: float32, *, T: {float16|float32} = float32) -> output: T",
    shape=_image,
)
def AdjustContrastv2(xp, images, contrast_factor):
    """Each channel of each image moved away from its mean."""
    _image(images)
    x = wide(xp, images)
    mean = x.mean(axis=(-3, -2), keepdims=True)
    return (x - mean) * contrast_factor + mean


def _coloured_image(images: Any, *_: Any) -> Any:
    _image(images)
    return _three(images)


@op("AdjustHue(images: T, delta: float32, *, T: {float16|float32} = float32) -> output: T", shape=_coloured_image)
def AdjustHue(xp, images, delta):
    """The hue turned by `delta` (1 is all the way round)."""
    _coloured_image(images)
    hsv = rgb_to_hsv_body(xp, images)
    hue = xp.mod(hsv[..., 0] + delta, 1)
    return hsv_to_rgb_body(xp, xp.stack([hue, hsv[..., 1], hsv[..., 2]], -1))


@op(
    "AdjustSaturation(images: T, scale: float32, *, T: {float16|float32} = float32) -> output: T", shape=_coloured_image
)
def AdjustSaturation(xp, images, scale):
    """The saturation multiplied by `scale`."""
    _coloured_image(images)
    hsv = rgb_to_hsv_body(xp, images)
    return hsv_to_rgb_body(xp, xp.stack([hsv[..., 0], xp.clip(hsv[..., 1] * scale, 0, 1), hsv[..., 2]], -1))


_LINEAR = {
    "rgb_to_yiq": [[0.299, 0.59590059, 0.2115], [0.587, -0.27455667, -0.52273617], [0.114, -0.32134392, 0.31119955]],
    "yiq_to_rgb": [[1, 1, 1], [0.95598634, -0.27201283, -1.10674021], [0.6208248, -0.64720424, 1.70423049]],
    "rgb_to_yuv": [
        [0.299, -0.14714119, 0.61497538],
        [0.587, -0.28886916, -0.51496512],
        [0.114, 0.43601035, -0.10001026],
    ],
    "yuv_to_rgb": [[1, 1, 1], [0, -0.394642334, 2.03206185], [1.13988303, -0.58062185, 0]],
}


def _linear(name: str) -> Any:
    kernel = _LINEAR[name]

    def call(images: Any) -> Any:
        images = convert_to_tensor(images, name="images")
        matrix = convert_to_tensor(kernel, dtype=images.dtype, name="kernel")
        dims = images._dims
        if dims is not None and dims and dims[-1] not in (3, None):
            raise ShapeError(f"images must have 3 channels in the last axis, got shape {list(dims)}")
        shape = list(dims) if dims is not None and None not in dims else _Shape(images)
        return _Reshape(_MatMul(_Reshape(images, [-1, 3]), matrix), shape)

    call.__name__ = call.__qualname__ = name
    call.__doc__ = (
        f"The colours of images [..., 3] from {name.replace('_to_', ' to ').upper().replace(' TO ', ' to ')}."
    )
    return export(f"image.{name}")(call)


rgb_to_yiq, yiq_to_rgb, rgb_to_yuv, yuv_to_rgb = (_linear(n) for n in _LINEAR)
