"""`tf.summary.scalar`, `image`, `audio`, `histogram`, `text` of 2.x: tensors with the metadata of TensorBoard's plugins."""

from typing import Any

import numpy as np

from penstock.base import dtypes
from penstock.base.export import export
from penstock.ir import door
from penstock.ir.op import find
from penstock.ir.tensor import Tensor
from penstock.ops.asserts import assert_non_negative, assert_rank
from penstock.ops.cast import cast
from penstock.ops.image import convert_image_dtype
from penstock.ops.image_codecs import encode_png
from penstock.ops.summaries import encode_clips
from penstock.summary.writers import summary_scope, write

DEFAULT_BUCKETS = 30


def _metadata(plugin: str, description: str | None, content: bytes = b"") -> Any:
    from penstock.base.proto import summary_pb2

    made = summary_pb2.SummaryMetadata(summary_description=description or "")
    made.plugin_data.plugin_name = plugin
    made.plugin_data.content = content
    return made


def _tensor(data: Any) -> Any:
    return data if isinstance(data, Tensor) else door.convert(data)


@export(v2=("summary.scalar",))
def scalar(name, data, step=None, description=None):
    """Write one number.

    >>> with tf.summary.create_file_writer("/tmp/logs").as_default(): tf.summary.scalar("loss", 0.345, step=1)
    """
    with summary_scope(name, "scalar_summary", values=[data, step]) as (tag, _):
        tensor = _tensor(data)
        if tensor.shape.rank not in (None, 0):
            raise ValueError(f"Expected scalar shape, saw shape: {tensor.shape}.")
        return write(tag=tag, tensor=cast(tensor, dtypes.float32), step=step, metadata=_metadata("scalars", description))


@export(v2=("summary.image",))
def image(name, data, step=None, max_outputs=3, description=None):
    """Write the first images of [batch, height, width, channels]: floats between 0 and 1, or uint8.

    >>> tf.summary.image("pictures", tf.random.uniform([1, 8, 8, 3]), step=0)
    """

    def encoded() -> Any:
        tensor = _tensor(data)
        assert_rank(tensor, 4)
        assert_non_negative(max_outputs)
        images = convert_image_dtype(tensor, dtypes.uint8, saturate=True)[:max_outputs]
        shape = find("Shape")(images)
        sizes = find("Pack")([find("AsString")(shape[2]), find("AsString")(shape[1])])
        return find("ConcatV2")([sizes, encode_png(images)], np.int32(0))

    with summary_scope(name, "image_summary", values=[data, max_outputs, step]) as (tag, _):
        return write(tag=tag, tensor=encoded, step=step, metadata=_metadata("images", description))


@export(v2=("summary.audio",))
def audio(name, data, sample_rate, step=None, max_outputs=3, encoding=None, description=None):
    """Write the first clips of [batch, frames, channels], between -1 and 1, as WAV."""
    if encoding is None:
        encoding = "wav"
    if encoding != "wav":
        raise ValueError(f"Unknown encoding: {encoding!r}")

    def encoded() -> Any:
        tensor = _tensor(data)
        assert_rank(tensor, 3)
        assert_non_negative(max_outputs)
        return encode_clips(tensor[:max_outputs], sample_rate)

    with summary_scope(name, "audio_summary", values=[data, sample_rate, max_outputs, step]) as (tag, _):
        return write(tag=tag, tensor=encoded, step=step, metadata=_metadata("audio", description, b"\x10\x0b"))


@export(v2=("summary.histogram",))
def histogram(name, data, step=None, buckets=None, description=None):
    """Write how the values of a tensor are distributed over `buckets` (30) of equal width.

    >>> tf.summary.histogram("weights", tf.random.normal([1000]), step=0)
    """
    with summary_scope(name, "histogram_summary", values=[data, buckets, step]) as (tag, _):
        return write(tag=tag, tensor=lambda: _buckets(_tensor(data), buckets), step=step, metadata=_metadata("histograms", description))


def _buckets(data: Any, count: Any) -> Any:
    """[left, right, number of values] of each bucket, float64."""
    count = DEFAULT_BUCKETS if count is None else count
    count = find("Maximum")(door.convert(0, dtypes.int32), door.convert(count, dtypes.int32))
    data = cast(find("Reshape")(data, np.array([-1], np.int32)), dtypes.float64)
    size = find("Size")(data)
    zero, one = np.int32(0), np.int32(1)
    low, high = find("Min")(data, np.array([0], np.int32)), find("Max")(data, np.array([0], np.int32))
    low, high = (find("SelectV2")(size > 0, v, find("ZerosLike")(v)) for v in (low, high))
    spread = high - low
    last = count - 1
    place = cast(find("Floor")((data - low) / (spread / cast(count, dtypes.float64))), dtypes.int32)
    place = find("SelectV2")(find("Equal")(spread, np.float64(0)), find("ZerosLike")(place) + last, find("Minimum")(place, last))
    counts = cast(find("UnsortedSegmentSum")(find("OnesLike")(place), place, count), dtypes.float64)
    steps = cast(find("Range")(zero, count, one), dtypes.float64)
    width = spread / cast(find("Maximum")(count, one), dtypes.float64)
    left = low + steps * width
    right = find("SelectV2")(find("Equal")(find("Range")(zero, count, one), last), find("ZerosLike")(left) + high, low + (steps + 1.0) * width)
    return find("Pack")([left, right, counts], axis=1)


@export(v2=("summary.text",))
def text(name, data, step=None, description=None):
    """Write strings, which TensorBoard shows as Markdown; tensors of rank 1 and 2 as tables."""
    with summary_scope(name, "text_summary", values=[data, step]) as (tag, _):
        tensor = _tensor(data)
        if tensor.dtype is not dtypes.string:
            raise TypeError(f"tensor must be of type tf.string; got {tensor.dtype!r}")
        return write(tag=tag, tensor=tensor, step=step, metadata=_metadata("text", description))


