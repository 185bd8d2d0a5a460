"""Datasets that come from files: lines of text, TFRecords, records of fixed length, names that match, SQL queries."""

import os
from collections.abc import Iterator
from typing import Any

import numpy as np

from penstock.base.errors import DataLossError, InvalidArgumentError, UnimplementedError
from penstock.base.files import told_as
from penstock.base.records import open_for_reading, read_record
from penstock.data.pipeline import UNKNOWN, Context, Pipe, Stream, scalar
from penstock.data.stage_op import PLAIN, stage
from penstock.ops.files import matching_files_op

COMPRESSIONS = ("", "ZLIB", "GZIP")


def names_of(filenames: Any) -> list[str]:
    """Paths out of a tensor of strings."""
    array = np.asarray(filenames, object)
    if array.ndim > 1:
        raise InvalidArgumentError(None, None, "`filenames` must be a scalar or a vector.")
    return [os.fsdecode(n).removeprefix("file://") for n in array.reshape(-1).tolist()]


def compression_of(value: Any) -> str:
    """A compression's name; InvalidArgumentError for one that is not known."""
    found = np.asarray(value, object).item()
    text = found.decode() if isinstance(found, bytes) else found
    if text not in COMPRESSIONS:
        raise InvalidArgumentError(None, None, f"Unsupported compression_type: {text}.")
    return text


def text_array(data: bytes) -> np.ndarray:
    out = np.empty((), object)
    out[()] = data
    return out


class FilesStream(Stream):
    """The records of files, one file after the other; the state is the file's number and the records read of it."""

    def __init__(self, pipe: "FilesPipe"):
        self.pipe, self.at, self.read = pipe, 0, 0
        self.records: Iterator[Any] | None = None

    def next(self) -> Any:
        while True:
            if self.records is None:
                if self.at >= len(self.pipe.paths):
                    return None
                self.records = self.pipe.open(self.at)
            try:
                found = next(self.records, None)
            except BaseException:
                self.records = None  # the next element comes from the next file
                self.at += 1
                self.read = 0
                raise
            if found is not None:
                self.read += 1
                return found if type(found) is list else [text_array(found)]
            self.records = None
            self.at += 1
            self.read = 0

    def save(self) -> Any:
        return {"at": self.at, "read": self.read, "open": self.records is not None}

    def restore(self, state: Any) -> None:
        self.at, self.read, self.records = state["at"], state["read"], None
        if state["open"]:
            self.records = self.pipe.open(self.at)
            for _ in range(self.read):
                next(self.records)


class FilesPipe(Pipe):
    """The records of files."""

    def __init__(self, filenames: Any, compression: Any, buffer: Any):
        self.paths, self.compression = names_of(filenames), compression_of(compression)
        self.buffer = scalar(buffer)
        if self.buffer < 0:
            raise InvalidArgumentError(None, None, "`buffer_size` must be >= 0 (0 == default)")

    def size(self) -> int:
        return UNKNOWN

    def stream(self, ctx: Context) -> Stream:
        return FilesStream(self)

    def open(self, at: int) -> Iterator[Any]:
        raise AttributeError("open")


class LinesPipe(FilesPipe):
    """The lines of text files."""

    def open(self, at: int) -> Iterator[bytes]:
        path = self.paths[at]
        file = open_for_reading(path, self.compression)
        with told_as(path):
            try:
                if not self.compression:
                    for line in file:
                        yield line[:-2] if line.endswith(b"\r\n") else line[:-1] if line.endswith(b"\n") else line
                    return
                held = b""
                while block := file.read(1 << 18):
                    *lines, held = (held + block).split(b"\n")
                    for line in lines:
                        yield line[:-1] if line.endswith(b"\r") else line
                if held:
                    yield held
            finally:
                file.close()


class TFRecordsPipe(FilesPipe):
    """The records of TFRecord files."""

    offsets: Any = None

    def open(self, at: int) -> Iterator[bytes]:
        file = open_for_reading(self.paths[at], self.compression)
        offset = 0
        try:
            if self.offsets is not None:
                offset = int(self.offsets[at])
                file.read(offset) if self.compression else file.seek(offset)
            while (data := read_record(file, offset)) is not None:
                offset += len(data) + 16
                yield data
        finally:
            file.close()


class FixedPipe(FilesPipe):
    """Records of one length."""

    def __init__(self, filenames: Any, header: Any, record: Any, footer: Any, buffer: Any, compression: Any):
        super().__init__(filenames, compression, buffer)
        self.header, self.record, self.footer = scalar(header), scalar(record), scalar(footer)
        for name, n, low in (("header_bytes", self.header, 0), ("record_bytes", self.record, 1), ("footer_bytes", self.footer, 0)):
            if n < low:
                raise InvalidArgumentError(None, None, f"{name} must be {'>= 0' if low == 0 else '> 0'}")

    def open(self, at: int) -> Iterator[bytes]:
        path = self.paths[at]
        file = open_for_reading(path, self.compression)
        try:
            if self.compression:
                yield from self._compressed(file)
                return
            with told_as(path):
                size = os.path.getsize(path)
            body = size - self.header - self.footer
            if body % self.record:
                raise InvalidArgumentError(
                    None, None, f"Excess bytes in input file: \"{path}\" (size: {size}, header: {self.header}, record: {self.record}, footer: {self.footer}): "
                    f"the body of {body} bytes is not divided evenly by the record length",
                )  # fmt: skip
            file.seek(self.header)
            for _ in range(body // self.record):
                yield file.read(self.record)
        finally:
            file.close()

    def _compressed(self, file: Any) -> Iterator[bytes]:
        file.read(self.header)
        held = b""
        while True:
            held += file.read(self.record + self.footer - len(held))
            if len(held) < self.record + self.footer:
                if len(held) > self.footer:
                    raise DataLossError(None, None, "the file does not end with a whole record")
                return
            yield held[: self.record]
            held = held[self.record :]


@stage('TextLineDataset(filenames: string, compression_type: string, buffer_size: int64, *, metadata: str = "") -> handle: variant')
def TEXT_LINE_DATASET(xp, filenames, compression_type, buffer_size):
    """The lines of text files."""
    return LinesPipe(filenames, compression_type, buffer_size)


@stage('TFRecordDataset(filenames: string, compression_type: string, buffer_size: int64, *, metadata: str = "") -> handle: variant')
def TF_RECORD_DATASET(xp, filenames, compression_type, buffer_size):
    """The records of TFRecord files."""
    return TFRecordsPipe(filenames, compression_type, buffer_size)


@stage('TFRecordDatasetV2(filenames: string, compression_type: string, buffer_size: int64, byte_offsets: int64, *, metadata: str = "") -> handle: variant')
def TF_RECORD_DATASET_V2(xp, filenames, compression_type, buffer_size, byte_offsets):
    """The records of TFRecord files from offsets on."""
    made = TFRecordsPipe(filenames, compression_type, buffer_size)
    made.offsets = np.asarray(byte_offsets).reshape(-1)
    if len(made.offsets) != len(made.paths):
        raise InvalidArgumentError(None, None, f"Expected {len(made.paths)} byte offsets, got {len(made.offsets)}")
    return made


_FIXED = "filenames: string, header_bytes: int64, record_bytes: int64, footer_bytes: int64, buffer_size: int64"


@stage(f'FixedLengthRecordDataset({_FIXED}, *, metadata: str = "") -> handle: variant')
def FIXED_LENGTH_RECORD_DATASET(xp, filenames, header_bytes, record_bytes, footer_bytes, buffer_size):
    """Records of one length."""
    return FixedPipe(filenames, header_bytes, record_bytes, footer_bytes, buffer_size, text_array(b""))


@stage(f'FixedLengthRecordDatasetV2({_FIXED}, compression_type: string, *, metadata: str = "") -> handle: variant')
def FIXED_LENGTH_RECORD_DATASET_V2(xp, filenames, header_bytes, record_bytes, footer_bytes, buffer_size, compression_type):
    """Records of one length."""
    return FixedPipe(filenames, header_bytes, record_bytes, footer_bytes, buffer_size, compression_type)


@stage("MatchingFilesDataset(patterns: string) -> handle: variant")
def MATCHING_FILES_DATASET(xp, patterns):
    """The names of the files that match."""
    from penstock.data.sources import SlicePipe

    return SlicePipe([matching_files_op.body(np, np.asarray(patterns, object))])


# -- SQL ---------------------------------------------------------------------------------------------------------------
class SqlStream(Stream):
    def __init__(self, pipe: "SqlPipe"):
        self.pipe, self.read = pipe, 0
        self.rows: Any = None

    def next(self) -> Any:
        if self.rows is None:
            self.rows = self.pipe.open()
        row = next(self.rows, None)
        if row is None:
            return None
        self.read += 1
        return [self.pipe.value(v, t) for v, t in zip(row, self.pipe.kinds)]

    def save(self) -> Any:
        return self.read

    def restore(self, state: Any) -> None:
        self.rows, self.read = None, 0
        for _ in range(state):
            self.next()


class SqlPipe(Pipe):
    """The rows that a query gives."""

    def __init__(self, driver: str, source: str, query: str, kinds: Any):
        if driver != "sqlite":
            raise InvalidArgumentError(None, None, f"tensorflow only supports sqlite for now, got driver {driver!r}")
        self.source, self.query, self.kinds = source, query, list(kinds)

    def open(self) -> Iterator[Any]:
        import sqlite3

        try:
            connection = sqlite3.connect(self.source, check_same_thread=False)
            connection.text_factory = bytes
            cursor = connection.execute(self.query)
        except sqlite3.Error as e:
            raise InvalidArgumentError(None, None, f"sqlite error: {e} in query {self.query!r}") from None
        if cursor.description is None or len(cursor.description) != len(self.kinds):
            raise InvalidArgumentError(None, None, f"The number of columns in output ({0 if cursor.description is None else len(cursor.description)}) must match the number of `output_types` ({len(self.kinds)})")
        return iter(cursor)

    @staticmethod
    def value(value: Any, dtype: Any) -> np.ndarray:
        if dtype.name == "string":
            return text_array(value if isinstance(value, bytes) else b"" if value is None else str(value).encode())
        if value is None:
            value = 0
        if isinstance(value, bytes):
            try:
                value = float(value)
            except ValueError:
                value = 0
        if dtype.is_integer:
            return np.array(int(value)).astype(dtype.array_dtype)
        if dtype.name == "bool":
            return np.array(value != 0)
        if dtype.name not in ("float64", "float32"):
            raise UnimplementedError(None, None, f"Use of unsupported TensorFlow data type by 'SqlQueryConnection': {dtype.name}.")
        return np.array(value, dtype.array_dtype)

    def stream(self, ctx: Context) -> Stream:
        return SqlStream(self)


@stage(f"SqlDataset(driver_name: string, data_source_name: string, query: string, *, {PLAIN}) -> handle: variant")
def SQL_DATASET(xp, driver_name, data_source_name, query, *, output_types):
    """The rows that a query gives."""
    return SqlPipe(*[np.asarray(v, object).item().decode() for v in (driver_name, data_source_name, query)], output_types)


