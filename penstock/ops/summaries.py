"""The summary ops of 1.x, each a serialised Summary, and the functions that make and collect them."""

import contextlib
import functools
import io
import re
import struct
from collections.abc import Iterator
from typing import Any

import numpy as np

from penstock.base.errors import InvalidArgumentError, ShapeError
from penstock.base.export import export
from penstock.ir import door
from penstock.ir.op import op
from penstock.ir.scope import scoped

SUMMARIES = "summaries"


def _summary() -> Any:
    from penstock.base.proto import summary_pb2

    return summary_pb2.Summary()


def _bytes(message: Any) -> Any:
    out = np.empty((), object)
    out[()] = message.SerializeToString()
    return out


def _text(tag: Any) -> str:
    return np.asarray(tag).reshape(-1)[0].decode("utf-8", "replace")


@op("ScalarSummary(tags: string, values: T, *, T: real) -> summary: string", where="host", shape=lambda *_, **__: ())
def scalar_summary(xp, tags, values):
    """One simple value a tag."""
    if np.shape(tags) != np.shape(values):
        raise InvalidArgumentError(
            f"tags and values are not the same shape: {list(np.shape(tags))} != {list(np.shape(values))}"
        )
    made = _summary()
    for tag, value in zip(np.asarray(tags).reshape(-1), np.asarray(values).reshape(-1)):
        made.value.add(tag=tag.decode("utf-8", "replace"), simple_value=float(value))
    return _bytes(made)


@functools.cache
def _limits() -> np.ndarray:
    """The upper bounds of the histogram's buckets: powers of 1.1 on both sides of zero."""
    up, v = [], 1e-12
    while v < 1e20:
        up.append(v)
        v *= 1.1
    up.append(np.finfo(np.float64).max)
    return np.array([-v for v in reversed(up)] + [0.0] + up)


@op(
    "HistogramSummary(tag: string, values: T, *, T: real = float32) -> summary: string",
    where="host",
    shape=lambda *_, **__: (),
)
def histogram_summary(xp, tag, values):
    """How often values fall into each bucket."""
    if np.ndim(tag):
        raise InvalidArgumentError(f"tags must be scalar, got shape {list(np.shape(tag))}")
    flat = np.asarray(values).reshape(-1).astype(np.float64)
    if not np.isfinite(flat).all():
        bad = "Nan" if np.isnan(flat).any() else "Infinity"
        raise InvalidArgumentError(f"{bad} in summary histogram for: {_text(tag)}")
    limits = _limits()
    made = _summary()
    held = made.value.add(tag=_text(tag)).histo
    held.min, held.max = (
        (float(flat.min()), float(flat.max())) if flat.size else (np.finfo(np.float64).max, -np.finfo(np.float64).max)
    )
    held.num, held.sum, held.sum_squares = float(flat.size), float(flat.sum()), float((flat * flat).sum())
    counts = np.bincount(
        np.minimum(np.searchsorted(limits, flat, side="right"), len(limits) - 1), minlength=len(limits)
    )
    for i in range(len(limits)):  # a run of empty buckets is one
        if counts[i] or i + 1 == len(limits) or counts[i + 1]:
            held.bucket_limit.append(float(limits[i]))
            held.bucket.append(float(counts[i]))
    return _bytes(made)


def _as_pixels(image: Any, bad_color: Any) -> np.ndarray:
    """A float image as bytes: scaled so that its largest value is 255, or 127 either side of 128 when some are negative."""
    if image.dtype == np.uint8:
        return image
    image = image.astype(np.float64 if image.dtype == np.float64 else np.float32)
    good = np.isfinite(image).all(-1)
    values = image[good]
    low, high = (values.min(), values.max()) if values.size else (0.0, 0.0)
    if low < 0:
        largest = max(abs(low), abs(high))
        scale, offset = (0.0 if largest < 1e-6 else 127.0 / largest), 128.0
    else:
        scale, offset = (0.0 if high < 1e-6 else 255.0 / high), 0.0
    pixels = np.zeros(image.shape, np.uint8)
    pixels[good] = (values * scale + offset).astype(np.uint8)
    pixels[~good] = np.resize(np.asarray(bad_color, np.uint8), image.shape[-1])
    return pixels


@op('ImageSummary(tag: string, tensor: T, *, T: {uint8|float32|float16|float64} = float32, bad_color: tensor = "tensor", '
    "max_images: int >= 1 = 3) -> summary: string", where="host")  # fmt: skip
def image_summary(xp, tag, tensor, *, bad_color, max_images):
    """The first images of a batch, as PNG."""
    from PIL import Image

    images = np.asarray(tensor)
    if images.ndim != 4 or images.shape[-1] not in (1, 3, 4):
        raise InvalidArgumentError(f"Tensor must be 4-D with last dim 1, 3, or 4, not {list(images.shape)}")
    made = _summary()
    for i, image in enumerate(images[:max_images]):
        pixels = _as_pixels(image, bad_color)
        file = io.BytesIO()
        Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).save(file, "PNG")
        held = made.value.add(tag=f"{_text(tag)}/image/{i}" if max_images > 1 else f"{_text(tag)}/image").image
        held.height, held.width, held.colorspace = image.shape
        held.encoded_image_string = file.getvalue()
    return _bytes(made)


image_summary.free_attrs["bad_color"] = np.array([255, 0, 0, 255], np.uint8)


@image_summary.shape
def _(tag, tensor, **_):
    if tensor.rank not in (None, 4):
        raise ShapeError(f"tensor must be rank 4 but is rank {tensor.rank}")
    return ()


def wav(clip: np.ndarray, sample_rate: float) -> bytes:
    """A clip [frames, channels] between -1 and 1 as a WAV file of 16 bits a sample."""
    samples = np.clip(np.round(clip * 32768.0), -32768, 32767).astype("<i2").tobytes()
    rate, channels = int(np.round(sample_rate)), clip.shape[1]
    header = struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + len(samples), b"WAVE", b"fmt ", 16, 1, channels, rate, rate * channels * 2, channels * 2, 16,
                         b"data", len(samples))  # fmt: skip
    return header + samples


@op("EncodeClips(clips: float32, sample_rate: int32) -> encoded: string", where="host", public=False,
    shape=lambda clips, sample_rate: None if clips.shape is None else (clips.shape[0], 2))  # fmt: skip
def encode_clips(xp, clips, sample_rate):
    """[batch, 2]: the WAV file of each clip, and an empty label."""
    out = np.empty((len(clips), 2), object)
    for i, clip in enumerate(np.asarray(clips)):
        out[i] = [wav(clip, float(sample_rate)), b""]
    return out


def _audio(tag: Any, tensor: Any, sample_rate: float, max_outputs: int) -> Any:
    clips = np.asarray(tensor)
    if clips.ndim not in (2, 3):
        raise InvalidArgumentError(f"Tensor must be 3-D or 2-D, got: {list(clips.shape)}")
    clips = clips.reshape(clips.shape[0], clips.shape[1], -1)
    made = _summary()
    for i, clip in enumerate(clips[:max_outputs]):
        frames, channels = clip.shape
        held = made.value.add(tag=f"{_text(tag)}/audio/{i}" if max_outputs > 1 else f"{_text(tag)}/audio").audio
        held.sample_rate, held.num_channels, held.length_frames, held.content_type = (
            sample_rate,
            channels,
            frames,
            "audio/wav",
        )
        held.encoded_audio_string = wav(clip, sample_rate)
    return _bytes(made)


@op("AudioSummaryV2(tag: string, tensor: float32, sample_rate: float32, *, max_outputs: int >= 1 = 3) -> summary: string", where="host",
    shape=lambda *_, **__: ())  # fmt: skip
def audio_summary_v2(xp, tag, tensor, sample_rate, *, max_outputs):
    """The first clips of a batch, as WAV."""
    return _audio(tag, tensor, float(sample_rate), max_outputs)


@op("AudioSummary(tag: string, tensor: float32, *, max_outputs: int >= 1 = 3, sample_rate: float) -> summary: string", where="host",
    shape=lambda *_, **__: ())  # fmt: skip
def audio_summary(xp, tag, tensor, *, max_outputs, sample_rate):
    """The first clips of a batch, as WAV."""
    return _audio(tag, tensor, sample_rate, max_outputs)


@op("TensorSummaryV2(tag: string, tensor: T, serialized_summary_metadata: string, *, T: type) -> summary: string", where="host",
    shape=lambda *_, **__: ())  # fmt: skip
def tensor_summary_v2(xp, tag, tensor, serialized_summary_metadata, *, T):  # noqa: N803
    """A whole tensor, with what a plugin is told of it."""
    from google.protobuf.message import DecodeError

    from penstock.ir.tensor_proto import make_tensor_proto

    for what, one in (("tag", tag), ("serialized_summary_metadata", serialized_summary_metadata)):
        if np.ndim(one):
            raise InvalidArgumentError(f"{what} must be scalar, got shape {list(np.shape(one))}")
    made = _summary()
    held = made.value.add(tag=_text(tag))
    held.tensor.CopyFrom(make_tensor_proto(np.asarray(tensor), T))
    metadata = np.asarray(serialized_summary_metadata).reshape(-1)[0]
    try:
        held.metadata.ParseFromString(metadata)
    except DecodeError:  # it is handed on as it is
        held.ClearField("metadata")
        return _raw_metadata(made, metadata)
    return _bytes(made)


def _raw_metadata(made: Any, metadata: bytes) -> np.ndarray:
    """The summary of one value with bytes that are no SummaryMetadata in the place of its metadata."""
    length = lambda n: bytes([n & 127 | 128]) + length(n >> 7) if n > 127 else bytes([n])
    value = made.value[0].SerializeToString() + b"J" + length(len(metadata)) + metadata
    out = np.empty((), object)
    out[()] = b"\n" + length(len(value)) + value
    return out


@op("MergeSummary(inputs: N*string, *, N: int >= 1) -> summary: string", where="host", shape=lambda *_, **__: ())
def merge_summary(xp, inputs):
    """The values of several summaries in one."""
    made, seen = _summary(), set()
    for one in inputs:
        for data in np.asarray(one).reshape(-1):
            part = _summary()
            part.ParseFromString(data)
            for v in part.value:
                if v.tag:
                    if v.tag in seen:
                        raise InvalidArgumentError(f"Duplicate tag {v.tag} found in summary inputs")
                    seen.add(v.tag)
                made.value.add().CopyFrom(v)
    return _bytes(made)


for _op in (
    scalar_summary,
    histogram_summary,
    image_summary,
    audio_summary,
    audio_summary_v2,
    encode_clips,
    tensor_summary_v2,
    merge_summary,
):
    _op.no_grad()


# -- functions -------------------------------------------------------------------------------------------------------
def clean_tag(name: str) -> str:
    """A name with characters that tags cannot hold as underscores."""
    return re.sub(r"[^-/\w\.]", "_", name).lstrip("/")


@contextlib.contextmanager
def summary_scope(name: str, family: str | None, default: str | None = None) -> Iterator[tuple[str, str]]:
    """The tag of a 1.x summary and the name scope of its ops; a family comes first in both."""
    name = clean_tag(name) if name is not None else None
    family = clean_tag(family) if family else None
    base = name if family is None else f"{family}/{name}"
    with scoped(base, default or "summary") as scope:
        path = scope.rstrip("/") if scope else door.state.name_scope + str(base)
        yield (path if family is None else f"{family}/{path}"), scope


def _collected(value: Any, collections: Any) -> Any:
    here = door.current()
    if here.is_graph:
        here.add_to_collections([SUMMARIES] if collections is None else collections, value)
    return value


@export(v1=("summary.scalar",))
def scalar(name: str, tensor: Any, collections: Any = None, family: str | None = None) -> Any:
    """A summary of one number."""
    with summary_scope(name, family) as (tag, scope):
        return _collected(scalar_summary(tag, tensor, name=scope or None), collections)


@export(v1=("summary.histogram",))
def histogram(name: str, values: Any, collections: Any = None, family: str | None = None) -> Any:
    """A summary of how values are distributed."""
    with summary_scope(name, family, "HistogramSummary") as (tag, scope):
        return _collected(histogram_summary(tag, values, name=scope or None), collections)


@export(v1=("summary.image",))
def image(name: str, tensor: Any, max_outputs: int = 3, collections: Any = None, family: str | None = None) -> Any:
    """A summary of the first images of [batch, height, width, channels]."""
    with summary_scope(name, family) as (tag, scope):
        return _collected(image_summary(tag, tensor, max_images=max_outputs, name=scope or None), collections)


@export(v1=("summary.audio",))
def audio(
    name: str, tensor: Any, sample_rate: Any, max_outputs: int = 3, collections: Any = None, family: str | None = None
) -> Any:
    """A summary of the first clips of [batch, frames, channels], between -1 and 1."""
    with summary_scope(name, family) as (tag, scope):
        rate = door.convert(sample_rate, None, "sample_rate")
        if rate.dtype.name != "float32":
            from penstock.ir.op import find

            rate = find("Cast")(rate, DstT="float32")
        return _collected(audio_summary_v2(tag, tensor, rate, max_outputs=max_outputs, name=scope or None), collections)


@export(v1=("summary.text",))
def text(name: str, tensor: Any, collections: Any = None) -> Any:
    """A summary of a string tensor."""
    from penstock.base.proto import summary_pb2

    if door.convert(tensor).dtype.name != "string":
        raise ValueError(f"Expected tensor {tensor} to have dtype string, got {door.convert(tensor).dtype}")
    metadata = summary_pb2.SummaryMetadata(plugin_data=summary_pb2.SummaryMetadata.PluginData(plugin_name="text"))
    return tensor_summary(name, tensor, summary_metadata=metadata, collections=collections)


@export(v1=("summary.tensor_summary",))
def tensor_summary(name: str, tensor: Any, summary_description: Any = None, collections: Any = None, summary_metadata: Any = None, family: str | None = None,
                   display_name: str | None = None) -> Any:  # fmt: skip
    """A summary of a whole tensor."""
    from penstock.base.proto import summary_pb2

    metadata = summary_metadata if summary_metadata is not None else summary_pb2.SummaryMetadata()
    if display_name is not None:
        metadata.display_name = display_name
    if summary_description is not None:
        metadata.summary_description = summary_description
    with summary_scope(name, family) as (tag, scope):
        return _collected(tensor_summary_v2(tag, tensor, metadata.SerializeToString(), name=scope or None), collections)


@export(v1=("summary.merge",))
def merge(inputs: Any, collections: Any = None, name: str | None = None) -> Any:
    """Several summaries as one."""
    if not door.current().is_graph:
        raise RuntimeError(
            "Merging tf.summary.* ops is not compatible with eager execution. Use tf.contrib.summary instead."
        )
    with scoped(clean_tag(name) if name else None, "Merge"):
        made = merge_summary(list(inputs), name=clean_tag(name) if name else None)
        if collections:
            door.current().add_to_collections(collections, made)
        return made


@export(v1=("summary.merge_all",))
def merge_all(key: str = SUMMARIES, scope: str | None = None, name: str | None = None) -> Any:
    """All summaries of the graph as one; None when there are none."""
    here = door.current()
    if not here.is_graph:
        raise RuntimeError(
            "Merging tf.summary.* ops is not compatible with eager execution. Use tf.contrib.summary instead."
        )
    found = here.get_collection(key, scope=scope)
    return merge(found, name=name) if found else None
