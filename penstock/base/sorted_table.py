"""Sorted tables of keys and values on disk, in LevelDB's format: the index of a checkpoint is one."""

import struct
from collections.abc import Iterable, Iterator

from penstock.base.crc32c import crc32c, masked
from penstock.base.errors import DataLossError

_MAGIC = 0xDB4775248B80FB57
_BLOCK = 256 << 10


def varint(value: int) -> bytes:
    """An unsigned int, seven bits a byte."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def read_varint(data: bytes, at: int) -> tuple[int, int]:
    """The value that starts at `at`, and where it ends."""
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def _block(entries: list[tuple[bytes, bytes]]) -> bytes:
    body, starts = bytearray(), []
    for key, value in entries:
        starts.append(len(body))
        body += b"\0" + varint(len(key)) + varint(len(value)) + key + value
    starts = starts or [0]
    body += struct.pack(f"<{len(starts) + 1}I", *starts, len(starts))
    return bytes(body)


def pack(items: Iterable[tuple[bytes, bytes]]) -> bytes:
    """A table of the items, whose keys must be in order."""
    out, index = bytearray(), []

    def add(entries: list[tuple[bytes, bytes]]) -> bytes:
        block = _block(entries)
        handle = varint(len(out)) + varint(len(block))
        out.extend(block + b"\0" + struct.pack("<I", masked(crc32c(block + b"\0"))))
        return handle

    held: list[tuple[bytes, bytes]] = []
    size = 0
    for key, value in items:
        held.append((key, value))
        size += len(key) + len(value) + 8
        if size >= _BLOCK:
            index.append((held[-1][0], add(held)))
            held, size = [], 0
    if held:
        index.append((held[-1][0], add(held)))
    footer = add([]) + add(index)
    return bytes(out) + footer.ljust(40, b"\0") + struct.pack("<Q", _MAGIC)


def _entries(block: bytes) -> Iterator[tuple[bytes, bytes]]:
    (count,) = struct.unpack_from("<I", block, len(block) - 4)
    end, at, key = len(block) - 4 - 4 * count, 0, b""
    while at < end:
        shared, at = read_varint(block, at)
        own, at = read_varint(block, at)
        size, at = read_varint(block, at)
        key = key[:shared] + block[at : at + own]
        at += own
        yield key, block[at : at + size]
        at += size


def unpack(data: bytes, path: str) -> dict[bytes, bytes]:
    """The items of a table; DataLossError where it is not one, or damaged."""
    if len(data) < 48 or struct.unpack_from("<Q", data, len(data) - 8)[0] != _MAGIC:
        raise DataLossError(None, None, f"Unable to open table file {path}: not an sstable (bad magic number)")

    def block(handle: bytes) -> bytes:
        at, after = read_varint(handle, 0)
        size, _ = read_varint(handle, after)
        body, kind = data[at : at + size], data[at + size : at + size + 1]
        if len(body) < size or struct.unpack_from("<I", data, at + size + 1)[0] != masked(crc32c(body + kind)):
            raise DataLossError(None, None, f"{path}: block checksum mismatch")
        if kind != b"\0":
            raise DataLossError(None, None, f"{path}: the block at {at} is compressed, which checkpoints never are")
        return body

    footer = data[len(data) - 48 :]
    _, at = read_varint(footer, 0)
    _, at = read_varint(footer, at)
    found: dict[bytes, bytes] = {}
    for _, handle in _entries(block(footer[at:])):
        found.update(_entries(block(handle)))
    return found
