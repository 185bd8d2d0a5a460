"""JPEG files as pixels, bit for bit as TensorFlow reads them: libjpeg-turbo does it."""

from typing import Any

import numpy as np

from penstock.base.errors import InvalidArgumentError

METHODS = ("", "INTEGER_FAST", "INTEGER_ACCURATE")
_FAILED = "jpeg::Uncompress failed. Invalid JPEG data or crop window."


def header(data: bytes) -> tuple[int, int, int]:
    """(height, width, channels) of a JPEG file."""
    import simplejpeg

    try:
        height, width, space, _ = simplejpeg.decode_jpeg_header(data)
    except ValueError as e:
        raise InvalidArgumentError(None, None, f"Invalid JPEG data, size {len(data)}: {e}") from None
    return height, width, {"Gray": 1, "GRAY": 1, "CMYK": 4, "YCCK": 4}.get(space, 3)


def pixels(
    data: bytes, channels: int = 0, ratio: int = 1, window: Any = None, fancy: bool = True, recover: bool = False, method: str = ""
) -> np.ndarray:  # fmt: skip
    """[height, width, channels] of a JPEG file, or of a window (top, left, height, width) of it, made smaller by `ratio`."""
    import simplejpeg

    if method not in METHODS:
        raise InvalidArgumentError(None, None, f"dct_method must be one of {{'', 'INTEGER_FAST', 'INTEGER_ACCURATE'}}, got {method!r}")
    if ratio not in (1, 2, 4, 8):
        raise InvalidArgumentError(None, None, f"ratio must be 1, 2, 4, or 8, got {ratio}")
    if channels not in (0, 1, 3):
        raise InvalidArgumentError(None, None, f"JPEG does not support {channels} channels")
    try:
        height, width, space, _ = simplejpeg.decode_jpeg_header(data)
    except ValueError as e:
        raise InvalidArgumentError(None, None, f"{_FAILED} {e}") from None
    if space in ("CMYK", "YCCK"):
        if channels == 1:
            raise InvalidArgumentError(None, None, f"{_FAILED} A file of four inks has no grey levels")
        found = _of_four_inks(data)
    else:
        options: dict[str, Any] = {"fastdct": method != "INTEGER_ACCURATE", "fastupsample": not fancy}
        if ratio > 1:
            options["min_height"], options["min_width"] = -(-height // ratio), -(-width // ratio)
        kind = "GRAY" if (channels or (1 if space.upper() == "GRAY" else 3)) == 1 else "RGB"
        try:
            found = simplejpeg.decode_jpeg(data, kind, **options)
        except ValueError as e:
            if "Premature end of JPEG file" in str(e) and not recover:
                raise InvalidArgumentError(None, None, f"{_FAILED} {e}") from None
            try:  # what is damaged is shown as far as it can be read
                found = simplejpeg.decode_jpeg(data, kind, strict=False, **options)
            except ValueError:
                raise InvalidArgumentError(None, None, f"{_FAILED} {e}") from None
    if window is None:
        return found
    top, left, high, wide = (int(v) for v in np.asarray(window).reshape(-1))
    rows, columns = found.shape[:2]
    if high <= 0 or wide <= 0 or top < 0 or left < 0 or top + high > rows or left + wide > columns:
        raise InvalidArgumentError(None, None, f"{_FAILED} Rows {top} to {top + high} of {rows}, columns {left} to {left + wide} of {columns}")
    return np.ascontiguousarray(found[top : top + high, left : left + wide])


def _of_four_inks(data: bytes) -> np.ndarray:
    """A file of cyan, magenta, yellow and black in red, green and blue: each ink times the black."""
    import io

    from PIL import Image

    try:
        inks = np.asarray(Image.open(io.BytesIO(data)), np.int32)
    except (OSError, SyntaxError, ValueError) as e:
        raise InvalidArgumentError(None, None, f"{_FAILED} {e}") from None
    inks = 255 - inks if inks.ndim == 3 else inks
    return (inks[..., :3] * inks[..., 3:] // 255).astype(np.uint8)
