"""The ops of summary writers: resources that write event files."""

import threading
import time
from typing import Any

import numpy as np

from penstock.base.errors import FailedPreconditionError, InvalidArgumentError
from penstock.base.events import EventFile
from penstock.ir.op import op
from penstock.ops import summaries


class Writer:
    """What the handle of a summary writer stands for."""

    def __init__(self, name: str):
        self.name = name
        self.file: EventFile | None = None
        self.lock = threading.RLock()
        self.tags: set[str] = set()

    def create(self, folder: str, max_queue: int, flush_millis: int, suffix: str) -> None:
        with self.lock:
            if self.file is None or self.file.closed:
                self.file = EventFile(folder, suffix, max_queue, flush_millis / 1000.0, process=True, source=True)

    def event(self, step: Any) -> Any:
        from penstock.base.proto import event_pb2

        return event_pb2.Event(wall_time=time.time(), step=int(step))

    def write(self, event: Any) -> None:
        if self.file is None:
            raise FailedPreconditionError(
                None, None, f"The summary writer {self.name!r} is not initialized\n  fix: run its init() operation first (tf.compat.v1.summary.initialize)"
            )
        if not self.file.closed:
            self.file.write(event)


def _text(value: Any) -> str:
    return np.asarray(value).reshape(-1)[0].decode("utf-8", "replace")


def _bytes(value: Any) -> bytes:
    return np.asarray(value).reshape(-1)[0]


@op('SummaryWriter(*, shared_name: str = "", container: str = "") -> writer: resource', effect="handle", shape=lambda **_: ())
def summary_writer(xp, store, *, shared_name, container):
    """A writer of summaries, without a file yet."""
    return store.get("summary writer", container, shared_name, lambda: Writer(shared_name or store.node_name or "writer"))


@op("CreateSummaryFileWriter(writer: resource, logdir: string, max_queue: int32, flush_millis: int32, filename_suffix: string) -> ()", where="host",
    effect="io", shape=lambda *_: ())  # fmt: skip
def create_summary_file_writer(xp, writer, logdir, max_queue, flush_millis, filename_suffix):
    """Give a writer its event file."""
    writer.create(_text(logdir), int(max_queue), int(flush_millis), _text(filename_suffix))
    return ()


@op("FlushSummaryWriter(writer: resource) -> ()", where="host", effect="io", shape=lambda *_: ())
def flush_summary_writer(xp, writer):
    """Write what waits."""
    if writer.file is not None:
        writer.file.flush()
    return ()


@op("CloseSummaryWriter(writer: resource) -> ()", where="host", effect="io", shape=lambda *_: ())
def close_summary_writer(xp, writer):
    """Write what waits and close the file."""
    if writer.file is not None:
        writer.file.close()
    return ()


@op("WriteSummary(writer: resource, step: int64, tensor: T, tag: string, summary_metadata: string, *, T: type) -> ()", where="host", effect="io",
    shape=lambda *_, **__: ())  # fmt: skip
def write_summary(xp, writer, step, tensor, tag, summary_metadata, *, T):  # noqa: N803
    """Write a tensor, with what a plugin is told of it."""
    from penstock.ir.tensor_proto import array_to_proto

    event = writer.event(step)
    value = event.summary.value.add(tag=_text(tag))
    array = np.asarray(tensor)
    if T.on_device:
        value.tensor.dtype = T.as_datatype_enum
        value.tensor.tensor_shape.SetInParent()
        for n in array.shape:
            value.tensor.tensor_shape.dim.add(size=n)
        value.tensor.tensor_content = np.ascontiguousarray(array).tobytes()
    else:
        value.tensor.CopyFrom(array_to_proto(array, T))
    metadata = _bytes(summary_metadata)
    if metadata:
        try:
            value.metadata.ParseFromString(metadata)
        except Exception:  # noqa: BLE001 - as TensorFlow does with what is no SummaryMetadata
            value.metadata.Clear()
            value.metadata.SetInParent()
    writer.write(event)
    return ()


@op("WriteRawProtoSummary(writer: resource, step: int64, tensor: string) -> ()", where="host", effect="io", shape=lambda *_: ())
def write_raw_proto_summary(xp, writer, step, tensor):
    """Write a Summary that is serialised already."""
    for data in np.asarray(tensor).reshape(-1):
        event = writer.event(step)
        try:
            event.summary.ParseFromString(data)
        except Exception as error:  # noqa: BLE001 - protobuf's own class
            raise InvalidArgumentError(None, None, f"The bytes to write are no Summary: {error}") from None
        writer.write(event)
    return ()


@op("WriteGraphSummary(writer: resource, step: int64, tensor: string) -> ()", where="host", effect="io", shape=lambda *_: ())
def write_graph_summary(xp, writer, step, tensor):
    """Write a serialised GraphDef."""
    event = writer.event(step)
    event.graph_def = _bytes(tensor)
    writer.write(event)
    return ()


@op("ImportEvent(writer: resource, event: string) -> ()", where="host", effect="io", shape=lambda *_: ())
def import_event(xp, writer, event):
    """Write an Event that is serialised already."""
    from penstock.base.proto import event_pb2

    writer.write(event_pb2.Event.FromString(_bytes(event)))
    return ()


def _write_made(writer: Any, step: Any, summary: Any) -> tuple[()]:
    event = writer.event(step)
    event.summary.ParseFromString(_bytes(summary))
    writer.write(event)
    return ()


@op("WriteScalarSummary(writer: resource, step: int64, tag: string, value: T, *, T: real) -> ()", where="host", effect="io",
    shape=lambda *_, **__: ())  # fmt: skip
def write_scalar_summary(xp, writer, step, tag, value):
    """Write one number."""
    return _write_made(writer, step, summaries.scalar_summary.body(xp, np.asarray(tag), np.asarray(value)))


@op("WriteHistogramSummary(writer: resource, step: int64, tag: string, values: T, *, "
    "T: {float32|float64|int32|uint8|int16|int8|int64|bfloat16|uint16|float16|uint32|uint64|bool} = float32) -> ()", where="host", effect="io",
    shape=lambda *_, **__: ())  # fmt: skip
def write_histogram_summary(xp, writer, step, tag, values):
    """Write how values are distributed."""
    return _write_made(writer, step, summaries.histogram_summary.body(xp, np.asarray(tag), np.asarray(values)))


@op("WriteImageSummary(writer: resource, step: int64, tag: string, tensor: T, bad_color: uint8, *, max_images: int >= 1 = 3, "
    "T: {uint8|float64|float32|float16} = float32) -> ()", where="host", effect="io", shape=lambda *_, **__: ())  # fmt: skip
def write_image_summary(xp, writer, step, tag, tensor, bad_color, *, max_images):
    """Write the first images of a batch."""
    made = summaries.image_summary.body(xp, np.asarray(tag), np.asarray(tensor), bad_color=np.asarray(bad_color), max_images=max_images)
    return _write_made(writer, step, made)


@op("WriteAudioSummary(writer: resource, step: int64, tag: string, tensor: float32, sample_rate: float32, *, max_outputs: int >= 1 = 3) -> ()",
    where="host", effect="io", shape=lambda *_, **__: ())  # fmt: skip
def write_audio_summary(xp, writer, step, tag, tensor, sample_rate, *, max_outputs):
    """Write the first clips of a batch."""
    return _write_made(writer, step, summaries.audio_summary_v2.body(xp, np.asarray(tag), np.asarray(tensor), sample_rate, max_outputs=max_outputs))


for _op in (summary_writer, create_summary_file_writer, flush_summary_writer, close_summary_writer, write_summary, write_raw_proto_summary,
            write_graph_summary, import_event, write_scalar_summary, write_histogram_summary, write_image_summary, write_audio_summary):  # fmt: skip
    _op.no_grad()
