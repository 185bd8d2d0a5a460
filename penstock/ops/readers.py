"""The readers of 1.x (`tf.TextLineReader` and the like): records of files whose names come from a queue."""

from typing import Any

import numpy as np

from penstock.base.errors import InvalidArgumentError
from penstock.base.export import export
from penstock.ir import door
from penstock.ir.op import op
from penstock.ops import reader_resource as kinds
from penstock.ops.queues import QueueBase

_NAMES = 'container: str = "", shared_name: str = ""'


def _reader(store: Any, container: str, shared_name: str, make: Any) -> Any:
    return store.get("reader", container, shared_name, lambda: make(shared_name or store.node_name))


@op(f"WholeFileReaderV2(*, {_NAMES}) -> reader_handle: resource", effect="handle", shape=lambda **_: ())
def whole_file_reader_v2(xp, store, *, container, shared_name):
    """The reader of this name, made on first use."""
    return _reader(store, container, shared_name, lambda name: kinds.WholeFileReader(name, "WholeFileReader"))


@op(f"IdentityReaderV2(*, {_NAMES}) -> reader_handle: resource", effect="handle", shape=lambda **_: ())
def identity_reader_v2(xp, store, *, container, shared_name):
    """The reader of this name, made on first use."""
    return _reader(store, container, shared_name, lambda name: kinds.IdentityReader(name, "IdentityReader"))


@op(f"TextLineReaderV2(*, {_NAMES}, skip_header_lines: int = 0) -> reader_handle: resource", effect="handle", shape=lambda **_: ())
def text_line_reader_v2(xp, store, *, container, shared_name, skip_header_lines):
    """The reader of this name, made on first use."""
    if skip_header_lines < 0:
        raise InvalidArgumentError(None, None, f"skip_header_lines must be >= 0 not {skip_header_lines}")
    return _reader(store, container, shared_name, lambda name: kinds.TextLineReader(name, "TextLineReader", skip_header_lines))


@op(f'TFRecordReaderV2(*, compression_type: str = "", {_NAMES}) -> reader_handle: resource', effect="handle", shape=lambda **_: ())
def tf_record_reader_v2(xp, store, *, container, shared_name, compression_type):
    """The reader of this name, made on first use."""
    return _reader(store, container, shared_name, lambda name: kinds.TFRecordReader(name, "TFRecordReader", compression_type))


@op(f'FixedLengthRecordReaderV2(*, {_NAMES}, encoding: str = "", footer_bytes: int = 0, header_bytes: int = 0, hop_bytes: int = 0, record_bytes: int) '
    "-> reader_handle: resource", effect="handle", shape=lambda **_: ())  # fmt: skip
def fixed_length_record_reader_v2(xp, store, *, container, shared_name, encoding, footer_bytes, header_bytes, hop_bytes, record_bytes):
    """The reader of this name, made on first use."""
    for name, value, least in (("header_bytes", header_bytes, 0), ("record_bytes", record_bytes, 1), ("footer_bytes", footer_bytes, 0), ("hop_bytes", hop_bytes, 0)):
        if value < least:
            raise InvalidArgumentError(None, None, f"{name} must be {'> 0' if least else '>= 0'} not {value}")
    return _reader(store, container, shared_name, lambda name: kinds.FixedLengthRecordReader(
        name, "FixedLengthRecordReader", header_bytes, record_bytes, footer_bytes, hop_bytes, encoding))  # fmt: skip


@op("ReaderReadV2(reader_handle: resource, queue_handle: resource) -> (key: string, value: string)", where="host", effect="io", shape=lambda *_: ((), ()))
def reader_read_v2(xp, reader_handle, queue_handle):
    """The next record, of a new file from the queue when the last one has been read."""
    ((key, value),) = reader_handle.read(queue_handle, 1)
    return np.array(key, object), np.array(value, object)


@op("ReaderReadUpToV2(reader_handle: resource, queue_handle: resource, num_records: int64) -> (keys: string, values: string)", where="host", effect="io",
    shape=lambda *_: ((None,), (None,)))  # fmt: skip
def reader_read_up_to_v2(xp, reader_handle, queue_handle, num_records):
    """The next records, at most `num_records`, all of one file."""
    if num_records <= 0:
        raise InvalidArgumentError(None, None, f"num_records must be positive, got {int(num_records)}")
    records = reader_handle.read(queue_handle, int(num_records))
    return np.array([k for k, _ in records], object), np.array([v for _, v in records], object)


@op("ReaderNumRecordsProducedV2(reader_handle: resource) -> records_produced: int64", where="host", effect="io", shape=lambda *_: ())
def reader_num_records_produced_v2(xp, reader_handle):
    """How many records the reader has given."""
    return np.array(reader_handle.produced, np.int64)


@op("ReaderNumWorkUnitsCompletedV2(reader_handle: resource) -> units_completed: int64", where="host", effect="io", shape=lambda *_: ())
def reader_num_work_units_completed_v2(xp, reader_handle):
    """How many files the reader has read to their end."""
    return np.array(reader_handle.finished, np.int64)


@op("ReaderSerializeStateV2(reader_handle: resource) -> state: string", where="host", effect="io", shape=lambda *_: ())
def reader_serialize_state_v2(xp, reader_handle):
    """The reader's state as a string."""
    return np.array(reader_handle.state(), object)


@op("ReaderRestoreStateV2(reader_handle: resource, state: string) -> ()", where="host", effect="io")
def reader_restore_state_v2(xp, reader_handle, state):
    """Back to a state that was made into a string."""
    reader_handle.restore(state.item())
    return ()


@op("ReaderResetV2(reader_handle: resource) -> ()", where="host", effect="io")
def reader_reset_v2(xp, reader_handle):
    """Back to the start."""
    with reader_handle.lock:
        reader_handle.reset()
    return ()


@export(v1=("ReaderBase",))
class ReaderBase:
    """What all readers can do: take files from a queue of names and give their records as (key, value) strings."""

    def __init__(self, reader_ref: Any, supports_serialize: bool = False):
        if not door.current().is_graph:
            raise RuntimeError("Readers are not supported when eager execution is enabled. Instead, please use tf.data to get data into your model.")
        self._reader_ref, self._supports_serialize = reader_ref, supports_serialize

    reader_ref = property(lambda s: s._reader_ref, doc="The op that holds the reader.")
    supports_serialize = property(lambda s: s._supports_serialize, doc="Can its state be made a string?")

    def read(self, queue: Any, name: str | None = None) -> Any:
        """The next record: (key, value), two string scalars."""
        return reader_read_v2(self._reader_ref, _queue_ref(queue), name=name)

    def read_up_to(self, queue: Any, num_records: Any, name: str | None = None) -> Any:
        """Up to `num_records` next records: (keys, values), two string vectors."""
        return reader_read_up_to_v2(self._reader_ref, _queue_ref(queue), num_records, name=name)

    def num_records_produced(self, name: str | None = None) -> Any:
        """How many records the reader has given, int64."""
        return reader_num_records_produced_v2(self._reader_ref, name=name)

    def num_work_units_completed(self, name: str | None = None) -> Any:
        """How many files the reader has read to their end, int64."""
        return reader_num_work_units_completed_v2(self._reader_ref, name=name)

    def serialize_state(self, name: str | None = None) -> Any:
        """The reader's state as a string scalar."""
        return reader_serialize_state_v2(self._reader_ref, name=name)

    def restore_state(self, state: Any, name: str | None = None) -> Any:
        """An operation that brings a state back."""
        return reader_restore_state_v2(self._reader_ref, state, name=name)

    def reset(self, name: str | None = None) -> Any:
        """An operation that brings the reader back to its start."""
        return reader_reset_v2(self._reader_ref, name=name)


def _queue_ref(queue: Any) -> Any:
    return queue.queue_ref if isinstance(queue, QueueBase) else queue


def _graphs_only() -> None:
    ReaderBase(None)


@export(v1=("WholeFileReader",))
class WholeFileReader(ReaderBase):
    """Gives each file as one record: its name and its bytes.

    >>> key, value = tf.WholeFileReader().read(tf.train.string_input_producer(["a.png"]))
    """

    def __init__(self, name: str | None = None):
        _graphs_only()
        super().__init__(whole_file_reader_v2(name=name), supports_serialize=True)


@export(v1=("IdentityReader",))
class IdentityReader(ReaderBase):
    """Gives each string of the queue as key and value."""

    def __init__(self, name: str | None = None):
        _graphs_only()
        super().__init__(identity_reader_v2(name=name), supports_serialize=True)


@export(v1=("TextLineReader",))
class TextLineReader(ReaderBase):
    """Gives the lines of files, without their ends; keys are `file:line`, counted from 1."""

    def __init__(self, skip_header_lines: int | None = None, name: str | None = None):
        _graphs_only()
        super().__init__(text_line_reader_v2(skip_header_lines=skip_header_lines or 0, name=name))


@export(v1=("FixedLengthRecordReader",))
class FixedLengthRecordReader(ReaderBase):
    """Gives records of `record_bytes` bytes, `hop_bytes` apart; keys are `file:index`, counted from 0."""

    def __init__(self, record_bytes: int, header_bytes: int | None = None, footer_bytes: int | None = None, hop_bytes: int | None = None,
                 name: str | None = None, encoding: str | None = None):  # fmt: skip
        _graphs_only()
        super().__init__(fixed_length_record_reader_v2(record_bytes=record_bytes, header_bytes=header_bytes or 0, footer_bytes=footer_bytes or 0,
                                                       hop_bytes=hop_bytes or 0, encoding=encoding or "", name=name))  # fmt: skip


@export(v1=("TFRecordReader",))
class TFRecordReader(ReaderBase):
    """Gives the records of TFRecord files; keys are `file:offset` in bytes."""

    def __init__(self, name: str | None = None, options: Any = None):
        _graphs_only()
        from penstock.ops.record_files import TFRecordOptions

        super().__init__(tf_record_reader_v2(name=name, compression_type=TFRecordOptions.get_compression_type_string(options)))
