"""`tf.io.TFRecordWriter`, `tf.io.TFRecordOptions` and `tf_record_iterator`: TFRecord files without a graph."""

import os
from collections.abc import Iterator
from typing import Any

from penstock.base.errors import FailedPreconditionError, InvalidArgumentError
from penstock.base.export import export
from penstock.base.records import RecordWriter, read_records


@export(v1=("io.TFRecordCompressionType", "python_io.TFRecordCompressionType"))
class TFRecordCompressionType:
    """How records are compressed."""

    NONE, ZLIB, GZIP = 0, 1, 2


@export("io.TFRecordOptions", v1=("io.TFRecordOptions", "python_io.TFRecordOptions"))
class TFRecordOptions:
    """How a TFRecord file is compressed; the other parameters are zlib's."""

    compression_type_map = {TFRecordCompressionType.ZLIB: "ZLIB", TFRecordCompressionType.GZIP: "GZIP", TFRecordCompressionType.NONE: ""}

    def __init__(self, compression_type: Any = None, flush_mode: int | None = None, input_buffer_size: int | None = None,
                 output_buffer_size: int | None = None, window_bits: int | None = None, compression_level: int | None = None,
                 compression_method: int | None = None, mem_level: int | None = None, compression_strategy: int | None = None):  # fmt: skip
        self.get_compression_type_string(compression_type)  # ValueError where it is none
        self.compression_type, self.flush_mode = compression_type, flush_mode
        self.input_buffer_size, self.output_buffer_size, self.window_bits = input_buffer_size, output_buffer_size, window_bits
        self.compression_level, self.compression_method = compression_level, compression_method
        self.mem_level, self.compression_strategy = mem_level, compression_strategy

    @classmethod
    def get_compression_type_string(cls, options: Any) -> str:
        """`""`, `"ZLIB"` or `"GZIP"`, of options, of a type or of its name; ValueError for another."""
        if not options:
            return ""
        if isinstance(options, TFRecordOptions):
            return cls.get_compression_type_string(options.compression_type)
        if isinstance(options, TFRecordCompressionType) or options in cls.compression_type_map:
            return cls.compression_type_map[options]
        if options in cls.compression_type_map.values():
            return options
        raise ValueError(f'Not a valid compression_type: "{options}"')


@export("io.TFRecordWriter", v1=("io.TFRecordWriter", "python_io.TFRecordWriter"))
class TFRecordWriter:
    """Writes records to a TFRecord file.

    >>> with tf.io.TFRecordWriter("train.tfrecord") as writer: writer.write(example.SerializeToString())
    """

    def __init__(self, path: Any, options: Any = None):
        if not isinstance(options, TFRecordOptions):
            options = TFRecordOptions(compression_type=options)
        chosen = {"level": options.compression_level, "window_bits": options.window_bits, "memory": options.mem_level, "strategy": options.compression_strategy}
        try:
            self._file = RecordWriter(os.fspath(path), options.get_compression_type_string(options), **{k: v for k, v in chosen.items() if v is not None})
        except (ValueError, OverflowError) as error:
            raise InvalidArgumentError(None, None, f"{error}: {chosen}") from None

    def _open(self) -> RecordWriter:
        if self._file.closed:
            raise FailedPreconditionError(None, None, "Writer is closed.")
        return self._file

    def write(self, record: Any) -> None:
        """Append one record, bytes (or text, as UTF-8)."""
        if isinstance(record, str):
            record = record.encode()
        if not isinstance(record, (bytes, bytearray, memoryview)):
            raise TypeError(f"write(): a record is bytes or str, got {type(record).__name__}")
        self._open().write(bytes(record))

    def flush(self) -> None:
        """Let others read what was written so far."""
        self._open().flush()

    def close(self) -> None:
        """End the file."""
        self._file.close()

    def __enter__(self) -> "TFRecordWriter":
        self._open()
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()


@export(v1=("io.tf_record_iterator", "python_io.tf_record_iterator"))
def tf_record_iterator(path: Any, options: Any = None) -> Iterator[bytes]:
    """The records of a TFRecord file, as bytes; DataLossError at a damaged one."""
    return (data for _, data in read_records(os.fspath(path), TFRecordOptions.get_compression_type_string(options)))
