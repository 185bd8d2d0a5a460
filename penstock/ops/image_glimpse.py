"""`tf.image.extract_glimpse`: windows of images, as attention models look at them."""

from typing import Any

import numpy as np

from penstock.base.errors import InvalidArgumentError
from penstock.base.export import export
from penstock.ir.convert import convert_to_tensor
from penstock.ir.op import op
from penstock.ir.tensor import Tensor

_ATTRS = "centered: bool = True, noise: str = \"uniform\", normalized: bool = True, uniform_noise: bool = True"


def _windows(image: np.ndarray, size: Any, offsets: Any, centered: bool, normalized: bool, noise: str, half_always: bool) -> np.ndarray:
    if image.ndim != 4:
        raise InvalidArgumentError(None, None, f"input must be 4-dimensional (batch_size, height, width, depth), got {list(image.shape)}")
    if size.shape != (2,):
        raise InvalidArgumentError(None, None, f"glimpse size must be a vector of 2 elements, got shape {list(size.shape)}")
    if offsets.shape != (image.shape[0], 2):
        raise InvalidArgumentError(None, None, f"offsets must have shape [{image.shape[0]}, 2], got {list(offsets.shape)}")
    batch, height, width, depth = image.shape
    rows, columns = int(size[0]), int(size[1])
    if rows <= 0 or columns <= 0:
        raise InvalidArgumentError(None, None, f"glimpse width and height must be positive, got {rows} and {columns}")
    out = _noise(noise, image, (batch, rows, columns, depth))
    for b in range(batch):
        y, x = (float(v) for v in offsets[b])
        if normalized:
            y, x = y * height, x * width
        if centered and (normalized or half_always):
            y, x = y / 2 + height / 2, x / 2 + width / 2
        elif centered:
            y, x = y + height / 2, x + width / 2
        if half_always or centered and normalized:
            y, x = y - rows / 2, x - columns / 2
        top, left = int(y), int(x)
        r0, r1, c0, c1 = max(top, 0), min(top + rows, height), max(left, 0), min(left + columns, width)
        if r0 < r1 and c0 < c1:
            out[b, r0 - top : r1 - top, c0 - left : c1 - left] = image[b, r0:r1, c0:c1]
    return out


def _noise(kind: str, image: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    draw = np.random.default_rng()
    if kind == "zero":
        return np.zeros(shape, np.float32)
    if kind == "uniform":
        return draw.uniform(float(image.min()), float(image.max()) or 1.0, shape).astype(np.float32) if image.size else np.zeros(shape, np.float32)
    mean, deviation = (image.mean(), image.std()) if image.size else (0, 1)
    return np.abs(draw.normal(mean, deviation, shape)).astype(np.float32)


def _declare(name: str, half_always: bool) -> Any:
    def body(xp, input, size, offsets, *, centered, noise, normalized, uniform_noise):  # noqa: A002
        kind = noise if noise == "zero" else "gaussian" if noise == "gaussian" or not uniform_noise else "uniform"
        return _windows(np.asarray(input), np.asarray(size), np.asarray(offsets), centered, normalized, kind, half_always)

    body.__doc__ = "A window of each image [batch, height, width, depth] around its offset; noise where it leaves the image."
    made = op(f"{name}(input: float32, size: int32, offsets: float32, *, {_ATTRS}) -> glimpse: float32", where="host")(body)

    @made.shape
    def _(input: Any, size: Any, offsets: Any) -> Any:  # noqa: A002
        known = size.value
        n, depth = (None, None) if input.shape is None else (input.shape[0], input.shape[3])
        return (n, None, None, depth) if known is None else (n, int(known[0]), int(known[1]), depth)

    return made.no_grad()


EXTRACT_GLIMPSE = _declare("ExtractGlimpse", True)
EXTRACT_GLIMPSE_V2 = _declare("ExtractGlimpseV2", False)


@export(v2=("image.extract_glimpse",))
def extract_glimpse_v2(input: Any, size: Any, offsets: Any, centered: bool = True, normalized: bool = True, noise: str = "uniform",  # noqa: A002
                       name: str | None = None) -> Any:  # fmt: skip
    """[batch, height, width, depth]: a window of each image around its offset (-1 to 1 from the centre, unless said otherwise)."""
    if not isinstance(offsets, Tensor):
        offsets = convert_to_tensor(offsets, "float32")
    return EXTRACT_GLIMPSE_V2(input, size, offsets, centered=centered, normalized=normalized, noise=noise, uniform_noise=False, name=name) \
        if noise != "uniform" else EXTRACT_GLIMPSE_V2(input, size, offsets, centered=centered, normalized=normalized, noise=noise, name=name)  # fmt: skip


@export(v1=("image.extract_glimpse",))
def extract_glimpse(input: Any, size: Any, offsets: Any, centered: bool = True, normalized: bool = True, uniform_noise: bool = True,  # noqa: A002
                    name: str | None = None) -> Any:  # fmt: skip
    """`extract_glimpse` with the windows and the noise of 1.x."""
    return EXTRACT_GLIMPSE(input, size, offsets, centered=centered, normalized=normalized, uniform_noise=uniform_noise, name=name)
