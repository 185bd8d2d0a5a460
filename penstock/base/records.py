"""TFRecord files: records framed by their length and by checksums, plain or compressed.

A record is: length (uint64, little endian), masked CRC of these 8 bytes, the bytes, masked CRC of the bytes.
"""

import struct
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO

from penstock.base.crc32c import crc32c, masked
from penstock.base.errors import DataLossError
from penstock.base.files import told_as

_HEAD, _FOOT = struct.Struct("<QI"), struct.Struct("<I")
_BLOCK = 1 << 20


def framed(data: bytes) -> bytes:
    """A record as it stands in a file."""
    length = len(data).to_bytes(8, "little")
    return b"".join((length, _FOOT.pack(masked(crc32c(length))), data, _FOOT.pack(masked(crc32c(data)))))


class Inflating:
    """The bytes of a zlib stream, or of several in a row."""

    def __init__(self, file: BinaryIO, window_bits: int = zlib.MAX_WBITS):
        self._file, self._bits = file, window_bits
        self._stream = zlib.decompressobj(window_bits)
        self._held = bytearray()
        self._input = b""

    def read(self, count: int = -1) -> bytes:
        """The next `count` bytes, fewer at the end of the file; DataLossError when the stream is damaged."""
        while count < 0 or len(self._held) < count:
            if self._stream.eof:
                rest = self._stream.unused_data or self._file.read(_BLOCK)
                if not rest:
                    break
                self._stream, self._input = zlib.decompressobj(self._bits), rest
            else:
                self._input = self._stream.unconsumed_tail or self._file.read(_BLOCK)
                if not self._input:
                    break
            try:
                self._held += self._stream.decompress(self._input, _BLOCK)
            except zlib.error as error:
                raise DataLossError(None, None, f"inflate() failed with error {error}") from None
        count = len(self._held) if count < 0 else count
        out = bytes(self._held[:count])
        del self._held[:count]
        return out

    def close(self) -> None:
        self._file.close()


def open_for_reading(path: str, compression: str = "") -> Any:
    """A file's bytes after decompression (`""`, `"ZLIB"` or `"GZIP"`); NotFoundError and the like where it cannot be read."""
    with told_as(path):
        file = open(path, "rb", buffering=_BLOCK)  # noqa: SIM115 - the reader closes it
    if not compression:
        return file
    return Inflating(file, zlib.MAX_WBITS + (16 if compression == "GZIP" else 0))


def read_record(file: Any, offset: int) -> bytes | None:
    """The record that begins here, `offset` bytes into the file (for messages); None at the end."""
    head = file.read(12)
    if len(head) < 12:
        return None  # a torn header counts as the end, as in TensorFlow
    length, check = _HEAD.unpack(head)
    if masked(crc32c(head[:8])) != check:
        hint = " (Is this even a TFRecord file?)" if offset == 0 else ""
        raise DataLossError(None, None, f"corrupted record at {offset}{hint}")
    data = _exactly(file, length)
    foot = file.read(4) if data is not None else b""
    if data is None or len(foot) < 4:
        raise DataLossError(None, None, f"truncated record at {offset}' failed with Read less bytes than requested")
    if masked(crc32c(data)) != _FOOT.unpack(foot)[0]:
        raise DataLossError(None, None, f"corrupted record at {offset + 12}")
    return data


def _exactly(file: Any, length: int) -> bytes | None:
    """`length` bytes, or None; a length that lies does not ask for memory that the file cannot fill."""
    if length <= _BLOCK:
        data = file.read(length)
        return data if len(data) == length else None
    parts, left = [], length
    while left:
        part = file.read(min(left, 16 * _BLOCK))
        if not part:
            return None
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def read_records(path: str, compression: str = "", offset: int = 0) -> Iterator[tuple[int, bytes]]:
    """The records of a file from an offset (of the decompressed bytes) on, each with its own offset; DataLossError at a damaged one."""
    file = open_for_reading(path, compression)
    try:
        if offset:
            file.read(offset) if compression else file.seek(offset)
        while (data := read_record(file, offset)) is not None:
            yield offset, data
            offset += len(data) + 16
    finally:
        file.close()


class RecordWriter:
    """Appends records to a file that it makes anew; TensorFlow's errors where it cannot."""

    def __init__(self, path: str, compression: str = "", *, level: int = -1, window_bits: int = 15, memory: int = 8, strategy: int = 0):
        self.path = path
        with told_as(path):
            self._file = open(path, "wb", buffering=_BLOCK)  # noqa: SIM115 - it stays open
        bits = window_bits + 16 if compression == "GZIP" and window_bits <= zlib.MAX_WBITS else window_bits
        self._deflate = zlib.compressobj(level, zlib.DEFLATED, bits, memory, strategy) if compression else None

    closed = property(lambda s: s._file.closed)

    def write(self, data: bytes) -> None:
        record = framed(data)
        with told_as(self.path):
            self._file.write(record if self._deflate is None else self._deflate.compress(record))

    def flush(self) -> None:
        """What was written so far can be read by others."""
        with told_as(self.path):
            if self._deflate is not None:
                self._file.write(self._deflate.flush(zlib.Z_SYNC_FLUSH))
            self._file.flush()

    def close(self) -> None:
        if not self._file.closed:
            with told_as(self.path):
                if self._deflate is not None:
                    self._file.write(self._deflate.flush(zlib.Z_FINISH))
                self._file.close()
