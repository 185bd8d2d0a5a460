"""Sorted tables of keys and values on disk, in LevelDB's format: the index of a checkpoint is one."""

import struct
from collections.abc import Iterable, Iterator

from penstock.base.crc32c import crc32c, masked
from penstock.base.errors import DataLossError

_MAGIC = 0xDB4775248B80FB57
_BLOCK = 256 << 10
_RESTART = 16


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
        if at >= len(data) or shift > 63:
            raise DataLossError(None, None, f"A number is cut off after {at} bytes")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def _block(entries: list[tuple[bytes, bytes]], restart: int = _RESTART) -> bytes:
    """The entries of a block: each key as what differs from the one before, whole again after every `restart` keys."""
    body, starts, last = bytearray(), [], b""
    for i, (key, value) in enumerate(entries):
        shared = 0
        if i % restart == 0:
            starts.append(len(body))
        else:
            shared = _shared(last, key)
        body += varint(shared) + varint(len(key) - shared) + varint(len(value)) + key[shared:] + value
        last = key
    starts = starts or [0]
    body += struct.pack(f"<{len(starts) + 1}I", *starts, len(starts))
    return bytes(body)


def _shared(first: bytes, second: bytes) -> int:
    """How many bytes the two begin with alike."""
    for i, (a, b) in enumerate(zip(first, second)):
        if a != b:
            return i
    return min(len(first), len(second))


def _between(first: bytes, second: bytes) -> bytes:
    """A short key k with first <= k < second."""
    at = _shared(first, second)
    if at < min(len(first), len(second)) and first[at] < 0xFF and first[at] + 1 < second[at]:
        return first[:at] + bytes([first[at] + 1])
    return first


def _after(key: bytes) -> bytes:
    """A short key that is not less than `key`."""
    for i, byte in enumerate(key):
        if byte != 0xFF:
            return key[:i] + bytes([byte + 1])
    return key


def pack(items: Iterable[tuple[bytes, bytes]]) -> bytes:
    """A table of the items, whose keys must be in order."""
    out, index = bytearray(), []

    def add(entries: list[tuple[bytes, bytes]], restart: int = _RESTART) -> bytes:
        block = _block(entries, restart)
        handle = varint(len(out)) + varint(len(block))
        out.extend(block + b"\0" + struct.pack("<I", masked(crc32c(block + b"\0"))))
        return handle

    held: list[tuple[bytes, bytes]] = []
    size, last, waiting = 0, b"", None
    for key, value in items:
        if waiting is not None:
            index.append((_between(last, key), waiting))
            waiting = None
        shared = _shared(last, key) if len(held) % _RESTART else 0
        size += len(key) - shared + len(value) + 3 + (4 if len(held) % _RESTART == 0 else 0)
        held.append((key, value))
        last = key
        if size >= _BLOCK:
            waiting = add(held)
            held, size = [], 0
    if held:
        waiting = add(held)
    if waiting is not None:
        index.append((_after(last), waiting))
    footer = add([]) + add(index, 1)
    return bytes(out) + footer.ljust(40, b"\0") + struct.pack("<Q", _MAGIC)


def _entries(block: bytes) -> Iterator[tuple[bytes, bytes]]:
    if len(block) < 4:
        raise DataLossError(None, None, f"A block of {len(block)} bytes is none of a table")
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
        if len(data) < at + size + 5 or struct.unpack_from("<I", data, at + size + 1)[0] != masked(crc32c(body + kind)):
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
