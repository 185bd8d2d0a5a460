"""Images as files: JPEG, PNG, GIF, BMP and WebP, by Pillow."""

import functools
import io
import struct
import zlib
from typing import Any

import numpy as np

from penstock.base.dtypes import as_dtype, uint8
from penstock.base.errors import InvalidArgumentError, OpError, ShapeError
from penstock.base.export import export
from penstock.ir.convert import convert_to_tensor
from penstock.ir.known import known_value
from penstock.ir.op import op
from penstock.ops import jpeg
from penstock.ops.families import later
from penstock.ops.image import convert_image_dtype
from penstock.ops.random import uniform
from penstock.ops.random_from_seed import stateless_uniform

_SIGNATURES = {b"\xff\xd8\xff": "JPEG", b"\x89PNG\r\n\x1a\n": "PNG", b"GIF8": "GIF", b"BM": "BMP", b"RIFF": "WEBP"}
_MODES = {1: "L", 3: "RGB", 4: "RGBA"}


def _bytes(contents: Any) -> bytes:
    """The bytes of a scalar string tensor."""
    contents = np.asarray(contents, object)
    if contents.ndim:
        raise ShapeError(f"contents must be scalar, got shape {list(contents.shape)}")
    return contents.item()


def _kind(data: bytes) -> str:
    """The format that the first bytes tell."""
    for start, name in _SIGNATURES.items():
        if data.startswith(start):
            return name
    raise InvalidArgumentError(
        None,
        None,
        f"Unknown image file format. One of JPEG, JPEG XL, PNG, GIF, BMP, WebP required; the first of {len(data)} bytes are {data[:8]!r}",
    )


def _readable(decode: Any) -> Any:
    """A decoder whose complaints about a damaged file are InvalidArgumentError."""

    @functools.wraps(decode)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return decode(*args, **kwargs)
        except OpError:
            raise
        except (OSError, SyntaxError, ValueError, EOFError, IndexError, struct.error, zlib.error) as e:
            raise InvalidArgumentError(None, None, f"the image is damaged or incomplete: {e}") from None

    return call


def _opened(data: bytes) -> Any:
    from PIL import Image, UnidentifiedImageError

    if not data:
        raise InvalidArgumentError(None, None, "Input is empty.")
    try:
        return Image.open(io.BytesIO(data))
    except Image.DecompressionBombError as e:
        raise InvalidArgumentError(None, None, f"the image says that it is too large to be decoded: {e}") from None
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as e:
        raise InvalidArgumentError(
            None, None, f"Unknown image file format. One of JPEG, JPEG XL, PNG, GIF, BMP, WebP required; the {len(data)} bytes cannot be read: {e}"
        ) from None


def _pixels(image: Any, channels: int, wide: bool = False) -> np.ndarray:
    """[height, width, channels] of an opened image; 0 channels means those it has."""
    try:
        image.load()
    except (OSError, SyntaxError, ValueError) as e:
        raise InvalidArgumentError(None, None, f"the image is damaged or incomplete: {e}") from None
    if image.mode.startswith("I") or image.mode == "F":  # 16-bit grey
        grey = np.asarray(image)
        grey = (grey if wide else grey >> 8).astype(np.uint16 if wide else np.uint8)[..., None]
        if channels in (0, 1):
            return grey
        full = np.full_like(grey, 65535 if wide else 255)
        return np.concatenate([grey] * 3 + [full] * (channels == 4), -1)
    if channels == 0:
        has_alpha = "A" in image.mode or "transparency" in image.info
        grey = image.mode in ("1", "L", "LA", "La")
        channels = (2 if has_alpha else 1) if grey else 4 if has_alpha else 3
    if channels == 2:
        image = image.convert("LA")
    elif channels in _MODES:
        image = image.convert(_MODES[channels])
    else:
        raise InvalidArgumentError(None, None, f"channels must be 0, 1, 3 or 4, got {channels}")
    array = np.asarray(image)
    array = array[..., None] if array.ndim == 2 else array
    return array.astype(np.uint16) * 257 if wide else array


@_readable
def _png(data: bytes, channels: int, wide: bool) -> np.ndarray:
    """The pixels of a PNG file; those of 16 bits are read here, for Pillow keeps 8 of them."""
    if data[:8] != b"\x89PNG\r\n\x1a\n" or len(data) < 29 or data[24] != 16 or data[28]:
        image = _opened(data)
        if channels == 1 and image.mode in ("RGB", "RGBA", "P"):  # as libpng rounds
            r, g, b = np.moveaxis(np.asarray(image.convert("RGB"), np.uint32), -1, 0)
            grey = ((9798 * r + 19235 * g + 3735 * b) >> 15)[..., None]
            return (grey * 257).astype(np.uint16) if wide else grey.astype(np.uint8)
        return _pixels(image, channels, wide)
    pixels = _png_of_16_bits(data)
    has = pixels.shape[-1]
    colours, alpha = (
        (pixels[..., :-1], pixels[..., -1:]) if has in (2, 4) else (pixels, np.full_like(pixels[..., :1], 65535))
    )
    channels = channels or has
    if channels in (1, 2) and colours.shape[-1] == 3:
        r, g, b = np.moveaxis(colours.astype(np.uint64), -1, 0)
        colours = ((9798 * r + 19235 * g + 3735 * b + 16384) >> 15)[..., None].astype(np.uint16)
    elif channels in (3, 4) and colours.shape[-1] == 1:
        colours = np.repeat(colours, 3, -1)
    out = np.concatenate([colours, alpha], -1) if channels in (2, 4) else colours
    return out if wide else (out >> 8).astype(np.uint8)


def _png_of_16_bits(data: bytes) -> np.ndarray:
    """[height, width, channels] of a PNG file of 16 bits a channel."""
    try:
        width, height, _, colour = struct.unpack(">IIBB", data[16:26])
        each, at, body = {0: 1, 2: 3, 4: 2, 6: 4}[colour], 8, b""
        while at < len(data):
            size, kind = struct.unpack(">I4s", data[at : at + 8])
            if kind == b"IDAT":
                body += data[at + 8 : at + 8 + size]
            at += size + 12
        lines = np.frombuffer(zlib.decompress(body), np.uint8).reshape(height, 1 + width * each * 2)
    except (struct.error, zlib.error, KeyError, ValueError) as e:
        raise InvalidArgumentError(None, None, f"the PNG file is damaged or incomplete: {e}") from None
    step = each * 2
    above = np.zeros((width, step), np.int32)
    rows = []
    for line in lines:
        row = line[1:].astype(np.int32).reshape(width, step)
        if line[0] == 2:
            row = (row + above) & 255
        elif line[0] == 1:
            row = np.cumsum(row, 0) & 255
        elif line[0]:
            left, corner = np.zeros(step, np.int32), np.zeros(step, np.int32)
            for x in range(width):
                if line[0] == 3:
                    guess = (left + above[x]) >> 1
                else:
                    near = left + above[x] - corner
                    a, b, c = abs(near - left), abs(near - above[x]), abs(near - corner)
                    guess = np.where((a <= b) & (a <= c), left, np.where(b <= c, above[x], corner))
                row[x] = left = (row[x] + guess) & 255
                corner = above[x]
        rows.append(row)
        above = row
    return (
        np.stack(rows)
        .astype(np.uint8)
        .reshape(height, width * step)
        .view(">u2")
        .astype(np.uint16)
        .reshape(height, width, each)
    )


@_readable
def _jpeg(data: bytes, channels: int, window: Any = None, **options: Any) -> np.ndarray:
    """The pixels of a JPEG file, and of any other that is taken for one."""
    if channels not in (0, 1, 3, 4):
        raise InvalidArgumentError(None, None, f"`channels` must be 0, 1, 3 or 4 but got {channels}")
    if not data:
        raise InvalidArgumentError(None, None, "Input is empty.")
    if data.startswith(b"\xff\xd8\xff"):
        return jpeg.pixels(data, channels, window=window, **options)
    kind = _kind(data)
    found = _frames(_opened(data))[0] if kind == "GIF" else _bmp(data, channels) if kind == "BMP" else _png(data, channels, False)
    if window is None:
        return np.ascontiguousarray(found)
    raise InvalidArgumentError(None, None, f"Trying to decode a file of format {kind} using DecodeAndCropJpeg: only JPEG files can be cropped")


def _depth(channels: int) -> int | None:
    return channels or None


_JPEG_ATTRS = (
    'acceptable_fraction: float = 1.0, channels: int = 0, dct_method: str = "", fancy_upscaling: bool = True, ratio: int = 1, '
    "try_recover_truncated: bool = False"
)


@op(
    f"DecodeJpeg(contents: string, *, {_JPEG_ATTRS}) -> image: uint8",
    where="host",
    shape=lambda contents, *, channels: (None, None, _depth(channels)),
)
def DecodeJpeg(xp, contents, *, channels, ratio, fancy_upscaling, try_recover_truncated, dct_method):
    """The pixels [height, width, channels] of a JPEG file."""
    return _jpeg(_bytes(contents), channels, ratio=ratio, fancy=fancy_upscaling, recover=try_recover_truncated, method=dct_method)


@op(f"DecodeAndCropJpeg(contents: string, crop_window: int32, *, {_JPEG_ATTRS}) -> image: uint8", where="host",
    shape=lambda contents, crop_window, *, channels: (*(crop_window.dims or (None,) * 4)[2:], _depth(channels)))  # fmt: skip
def DecodeAndCropJpeg(xp, contents, crop_window, *, channels, ratio, fancy_upscaling, dct_method):
    """The pixels of a window (top, left, height, width) of a JPEG file."""
    return _jpeg(
        _bytes(contents), channels, crop_window, ratio=ratio, fancy=fancy_upscaling, recover=True, method=dct_method
    )  # fmt: skip


@op("DecodePng(contents: string, *, channels: int = 0, dtype: {uint8|uint16} = uint8) -> image: dtype", where="host",
    shape=lambda contents, *, channels, dtype: (None, None, _depth(channels)))  # fmt: skip
def DecodePng(xp, contents, *, channels, dtype):
    """The pixels [height, width, channels] of a PNG file."""
    return _png(_bytes(contents), channels, dtype.name == "uint16")


@op(
    "DecodeBmp(contents: string, *, channels: int = 0) -> image: uint8",
    where="host",
    shape=lambda contents, *, channels: (None, None, _depth(channels)),
)
def DecodeBmp(xp, contents, *, channels):
    """The pixels [height, width, channels] of a BMP file."""
    return _bmp(_bytes(contents), channels)


@_readable
def _bmp(data: bytes, channels: int) -> np.ndarray:
    image = _opened(data)
    if image.format != "BMP":
        raise InvalidArgumentError(None, None, f"Trying to decode a file of format {image.format} as BMP")
    if image.mode == "P":
        image = image.convert("RGB")
    has = {"L": 1, "RGB": 3, "RGBA": 4}.get(image.mode, 3)
    if channels and channels != has:
        raise InvalidArgumentError(
            None, None, f"channels attribute {channels} does not match bits per pixel from file {8 * has}"
        )
    return _pixels(image, has)


@_readable
def _frames(image: Any) -> np.ndarray:
    """[frames, height, width, 3] of an animation."""
    frames = []
    for i in range(getattr(image, "n_frames", 1)):
        image.seek(i)
        frames.append(np.asarray(image.convert("RGB")))
    return np.stack(frames)


@op("DecodeGif(contents: string) -> image: uint8", where="host", shape=lambda contents: (None, None, None, 3))
def DecodeGif(xp, contents):
    """The frames [frames, height, width, 3] of a GIF file."""
    image = _opened(_bytes(contents))
    return _frames(image) if image.format == "GIF" else _pixels(image, 3)[None]


@op("DecodeWebP(contents: string, *, channels: int = 0, dtype: {uint8} = uint8) -> image: dtype", where="host",
    shape=lambda contents, *, channels: (None, None, None, _depth(channels)))  # fmt: skip
def DecodeWebP(xp, contents, *, channels):
    """The frames [frames, height, width, channels] of a WebP file."""
    return _animated(_opened(_bytes(contents)), channels)


@_readable
def _animated(image: Any, channels: int) -> np.ndarray:
    """[frames, height, width, channels] of a WebP file."""
    frames = []
    for i in range(getattr(image, "n_frames", 1)):
        image.seek(i)
        frames.append(_pixels(image.copy(), channels))
    return np.stack(frames)


def _as_type(pixels: np.ndarray, dtype: Any) -> np.ndarray:
    """8-bit pixels as uint8, uint16 or floats in [0, 1]."""
    if dtype.name == "uint16":
        return pixels.astype(np.uint16) * 256 if pixels.dtype == np.uint8 else pixels
    if dtype.name == "float32":
        largest = 255 if pixels.dtype == np.uint8 else 65535
        return pixels.astype(np.float32) * np.float32(1 / largest)
    return pixels


@op("DecodeImage(contents: string, *, channels: int = 0, dtype: {uint8|uint16|float32} = uint8, expand_animations: bool = True) -> image: dtype",
    where="host", shape=lambda contents, *, channels, dtype, expand_animations: None if expand_animations else (None, None, _depth(channels)))  # fmt: skip
def DecodeImage(xp, contents, *, channels, dtype, expand_animations):
    """The pixels of a JPEG, PNG, GIF or BMP file; a GIF's frames stand in front when `expand_animations`."""
    data = _bytes(contents)
    if not data:
        raise InvalidArgumentError(None, None, "Input is empty.")
    kind = _kind(data)
    if kind == "GIF":
        if channels not in (0, 3):
            raise InvalidArgumentError(None, None, f"channels must be 0 or 3 for GIF, got {channels}")
        frames = _frames(_opened(data))
        return _as_type(frames if expand_animations else frames[0], dtype)
    if kind == "BMP":
        return _as_type(_bmp(data, channels), dtype)
    if kind == "JPEG":
        return _as_type(_jpeg(data, channels), dtype)
    return _as_type(_png(data, channels, kind == "PNG" and dtype.name != "uint8"), dtype)


@op(
    "ExtractJpegShape(contents: string, *, output_type: index = int32) -> image_shape: output_type",
    where="host",
    shape=lambda contents: (3,),
)
def ExtractJpegShape(xp, contents):
    """[height, width, channels] of a JPEG file, from its header."""
    return np.array(jpeg.header(_bytes(contents)))


def _scalar_string(*_: Any, **__: Any) -> Any:
    return ()


def _written(pixels: np.ndarray, kind: str, **options: Any) -> np.ndarray:
    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).save(out, kind, **options)
    made = np.empty((), object)
    made[()] = out.getvalue()
    return made


def _encoded_jpeg(image: np.ndarray, quality: int, grey: str = "", **options: Any) -> np.ndarray:
    if image.ndim != 3:
        raise ShapeError(f"image must be 3-dimensional, got shape {list(image.shape)}")
    channels = image.shape[2]
    if grey == "grayscale" and channels != 1:
        raise InvalidArgumentError(None, None, f"format 'grayscale' expects 1 channel, got shape {list(image.shape)}")
    if grey == "rgb" and channels != 3:
        raise InvalidArgumentError(None, None, f"format 'rgb' expects 3 channels, got shape {list(image.shape)}")
    if channels not in (1, 3):
        raise InvalidArgumentError(None, None, f"image must have 1 or 3 channels, got shape {list(image.shape)}")
    if not 0 <= quality <= 100:
        raise InvalidArgumentError(None, None, f"quality must be in [0, 100], got {quality}")
    if channels == 1:
        options["subsampling"] = 0
    return _written(image, "JPEG", quality=max(1, quality), **options)


@op('EncodeJpeg(image: uint8, *, chroma_downsampling: bool = True, density_unit: "in"|"cm" = "in", format: ""|"grayscale"|"rgb" = "", '
    'optimize_size: bool = False, progressive: bool = False, quality: int = 95, x_density: int = 300, xmp_metadata: str = "", '
    "y_density: int = 300) -> contents: string", where="host", shape=_scalar_string)  # fmt: skip
def EncodeJpeg(
    xp,
    image,
    *,
    format,
    quality,
    progressive,
    optimize_size,
    chroma_downsampling,
    density_unit,
    x_density,
    y_density,
    xmp_metadata,
):
    """An image [height, width, channels] as a JPEG file."""
    per_inch = 2.54 if density_unit == "cm" else 1
    options: dict[str, Any] = {"dpi": (round(x_density * per_inch), round(y_density * per_inch))}
    if xmp_metadata:
        options["xmp"] = xmp_metadata.encode()
    return _encoded_jpeg(
        image,
        quality,
        format,
        progressive=progressive,
        optimize=optimize_size,
        subsampling=2 if chroma_downsampling else 0,
        **options,
    )


@op("EncodeJpegVariableQuality(images: uint8, quality: int32) -> contents: string", where="host", shape=_scalar_string)
def EncodeJpegVariableQuality(xp, images, quality):
    """An image as a JPEG file of a quality given by a tensor."""
    return _encoded_jpeg(images, int(quality), subsampling=2)


def _encoded_png(image: np.ndarray, compression: int) -> bytes:
    height, width, channels = image.shape
    if channels not in (1, 2, 3, 4):
        raise InvalidArgumentError(None, None, f"image must have 1, 2, 3, or 4 channels, got shape {list(image.shape)}")
    if not -1 <= compression <= 9:
        raise InvalidArgumentError(None, None, f"compression should be in [-1, 9], got {compression}")
    rows = image.astype(">u2") if image.dtype == np.uint16 else image
    lines = np.frombuffer(rows.tobytes(), np.uint8).reshape(height, -1)
    body = np.concatenate([np.zeros((height, 1), np.uint8), lines], 1).tobytes()
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    colour = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    header = struct.pack(">IIBBBBB", width, height, image.dtype.itemsize * 8, colour, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(body, compression))
        + chunk(b"IEND", b"")
    )


@op("EncodePng(image: T, *, T: {uint8|uint16} = uint8, compression: int = -1) -> contents: string", where="host",
    shape=lambda image, *, compression: None if image.shape is None else image.shape[:-3])  # fmt: skip
def EncodePng(xp, image, *, compression):
    """Images [..., height, width, channels] as PNG files."""
    if image.ndim < 3:
        raise ShapeError(f"images must be at least rank 3, got shape {list(image.shape)}")
    outer = image.shape[:-3]
    made = np.empty(outer, object)
    for place in np.ndindex(*outer):
        made[place] = _encoded_png(image[place], compression)
    return made


# -- the public functions -----------------------------------------------------------------------------------------------


@export("image.decode_jpeg", "io.decode_jpeg")
def decode_jpeg(
    contents: Any, channels: int = 0, ratio: int = 1, fancy_upscaling: bool = True, try_recover_truncated: bool = False,
    acceptable_fraction: float = 1, dct_method: str = "", name: Any = None,
) -> Any:  # fmt: skip
    """The pixels [height, width, channels] of a JPEG file (of another format that can be read, too)."""
    return DecodeJpeg(
        contents, channels=channels, ratio=ratio, fancy_upscaling=fancy_upscaling, try_recover_truncated=try_recover_truncated,
        acceptable_fraction=acceptable_fraction, dct_method=dct_method, name=name,
    )  # fmt: skip


@export("image.decode_and_crop_jpeg", "io.decode_and_crop_jpeg")
def decode_and_crop_jpeg(
    contents: Any, crop_window: Any, channels: int = 0, ratio: int = 1, fancy_upscaling: bool = True,
    try_recover_truncated: bool = False, acceptable_fraction: float = 1, dct_method: str = "", name: Any = None,
) -> Any:  # fmt: skip
    """The pixels of a window (top, left, height, width) of a JPEG file."""
    return DecodeAndCropJpeg(
        contents, crop_window, channels=channels, ratio=ratio, fancy_upscaling=fancy_upscaling,
        try_recover_truncated=try_recover_truncated, acceptable_fraction=acceptable_fraction, dct_method=dct_method, name=name,
    )  # fmt: skip


@export("image.decode_png", "io.decode_png")
def decode_png(contents: Any, channels: int = 0, dtype: Any = uint8, name: Any = None) -> Any:
    """The pixels [height, width, channels] of a PNG file."""
    return DecodePng(contents, channels=channels, dtype=dtype, name=name)


@export("image.decode_bmp", "io.decode_bmp")
def decode_bmp(contents: Any, channels: int = 0, name: Any = None) -> Any:
    """The pixels [height, width, channels] of a BMP file."""
    return DecodeBmp(contents, channels=channels, name=name)


@export("image.decode_gif", "io.decode_gif")
def decode_gif(contents: Any, name: Any = None) -> Any:
    """The frames [frames, height, width, 3] of a GIF file."""
    return DecodeGif(contents, name=name)


@export("image.decode_webp", "io.decode_webp")
def decode_webp(contents: Any, channels: int = 0, dtype: Any = uint8, name: Any = None) -> Any:
    """The frames [frames, height, width, channels] of a WebP file."""
    return DecodeWebP(contents, channels=channels, dtype=dtype, name=name)


@export("image.decode_image", "io.decode_image")
def decode_image(
    contents: Any, channels: Any = None, dtype: Any = uint8, name: Any = None, expand_animations: bool = True
) -> Any:
    """The pixels of a JPEG, PNG, GIF or BMP file; a GIF's frames stand in front when `expand_animations`."""
    channels, wanted = channels or 0, as_dtype(dtype)
    if wanted.name in ("uint8", "uint16", "float32"):
        return DecodeImage(contents, channels=channels, dtype=wanted, expand_animations=expand_animations, name=name)
    return convert_image_dtype(
        DecodeImage(contents, channels=channels, dtype="uint16", expand_animations=expand_animations), wanted, name=name
    )


@export("image.extract_jpeg_shape", "io.extract_jpeg_shape")
def extract_jpeg_shape(contents: Any, output_type: Any = "int32", name: Any = None) -> Any:
    """[height, width, channels] of a JPEG file, from its header."""
    return ExtractJpegShape(contents, output_type=output_type, name=name)


@export("image.is_jpeg", "io.is_jpeg")
def is_jpeg(contents: Any, name: Any = None) -> Any:
    """Do the contents begin as a JPEG file does?"""
    start = later("Substr")(convert_to_tensor(contents), 0, 3)
    return later("Equal")(start, b"\xff\xd8\xff", name=name)


@export("image.encode_jpeg", "io.encode_jpeg")
def encode_jpeg(
    image: Any, format: str = "", quality: int = 95, progressive: bool = False, optimize_size: bool = False,
    chroma_downsampling: bool = True, density_unit: str = "in", x_density: int = 300, y_density: int = 300, xmp_metadata: str = "",
    name: Any = None,
) -> Any:  # fmt: skip
    """An image [height, width, channels] as a JPEG file."""
    return EncodeJpeg(
        image, format=format, quality=quality, progressive=progressive, optimize_size=optimize_size,
        chroma_downsampling=chroma_downsampling, density_unit=density_unit, x_density=x_density, y_density=y_density,
        xmp_metadata=xmp_metadata, name=name,
    )  # fmt: skip


@export("image.encode_png", "io.encode_png")
def encode_png(image: Any, compression: int = -1, name: Any = None) -> Any:
    """An image [height, width, channels] of uint8 or uint16 as a PNG file."""
    return EncodePng(convert_to_tensor(image), compression=compression, name=name)


@export("image.adjust_jpeg_quality")
def adjust_jpeg_quality(image: Any, jpeg_quality: Any, dct_method: str = "", name: Any = None) -> Any:
    """`image` as it looks after a JPEG file of this quality."""
    image = convert_to_tensor(image, name="image")
    kept, channels = image.dtype.base_dtype, image._dims[-1] if image._dims is not None else None
    pixels = convert_image_dtype(image, uint8, saturate=True)
    value = known_value(convert_to_tensor(jpeg_quality, dtype="int32"))
    if value is not None and not 0 <= int(value) <= 100:
        raise InvalidArgumentError(None, None, f"quality must be in [0, 100], got {int(value)}")
    file = EncodeJpegVariableQuality(pixels, jpeg_quality)
    out = decode_jpeg(file, channels=channels or 0, dct_method=dct_method)
    return convert_image_dtype(out, kept, saturate=True, name=name)


def _qualities(low: int, high: int) -> None:
    if not 0 <= low <= 100 or not 0 <= high <= 100:
        raise ValueError("jpeg encoding range must be between 0 and 100.")
    if low >= high:
        raise ValueError("`min_jpeg_quality` must be less than `max_jpeg_quality`.")


@export("image.random_jpeg_quality")
def random_jpeg_quality(image: Any, min_jpeg_quality: int, max_jpeg_quality: int, seed: Any = None) -> Any:
    """`image` as it looks after a JPEG file of a random quality."""
    _qualities(min_jpeg_quality, max_jpeg_quality)
    return adjust_jpeg_quality(image, uniform([], min_jpeg_quality, max_jpeg_quality, dtype="int32", seed=seed))


@export(v2=("image.stateless_random_jpeg_quality",))
def stateless_random_jpeg_quality(image: Any, min_jpeg_quality: int, max_jpeg_quality: int, seed: Any) -> Any:
    """`image` as it looks after a JPEG file of a quality that follows from `seed` alone."""
    _qualities(min_jpeg_quality, max_jpeg_quality)
    return adjust_jpeg_quality(image, stateless_uniform([], seed, min_jpeg_quality, max_jpeg_quality, dtype="int32"))
