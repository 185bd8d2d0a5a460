"""The state of an iterator as bytes: numbers, text, arrays and nests of them, in a format of our own; reading runs no code."""

import struct
from typing import Any

import numpy as np

from penstock.base.dtypes import as_dtype
from penstock.base.errors import DataLossError, UnimplementedError
from penstock.base.sorted_table import read_varint, varint
from penstock.ops.ragged_variant import RaggedValue

MAGIC = b"penstock iterator 1\n"


def to_bytes(state: Any) -> bytes:
    """The bytes of a state."""
    out = bytearray(MAGIC)
    _write(out, state)
    return bytes(out)


def from_bytes(data: bytes) -> Any:
    """The state that the bytes hold; DataLossError where they are damaged."""
    if not data.startswith(MAGIC):
        raise DataLossError(None, None, "these bytes are not the state of an iterator")
    try:
        found, at = _read(data, len(MAGIC))
    except (IndexError, ValueError, struct.error, KeyError, TypeError, UnicodeDecodeError, RecursionError) as e:
        raise DataLossError(None, None, f"the state of the iterator is damaged: {e}") from None
    if at != len(data):
        raise DataLossError(None, None, "the state of the iterator is damaged: bytes are left over")
    return found


def _block(out: bytearray, tag: bytes, data: bytes) -> None:
    out += tag + varint(len(data)) + data


def _write(out: bytearray, value: Any) -> None:
    if value is None:
        out += b"N"
    elif value is True or value is False:
        out += b"T" if value else b"F"
    elif isinstance(value, (int, np.integer)):
        _block(out, b"i", str(int(value)).encode())
    elif isinstance(value, float):
        out += b"f" + struct.pack("<d", value)
    elif isinstance(value, str):
        _block(out, b"s", value.encode())
    elif isinstance(value, bytes):
        _block(out, b"b", value)
    elif isinstance(value, (list, tuple, set)):
        out += (b"l" if isinstance(value, list) else b"t" if isinstance(value, tuple) else b"e") + varint(len(value))
        for v in value:
            _write(out, v)
    elif isinstance(value, dict):
        out += b"d" + varint(len(value))
        for k, v in value.items():
            _write(out, k)
            _write(out, v)
    elif isinstance(value, np.ndarray):
        _array(out, value)
    elif isinstance(value, RaggedValue):
        out += b"r"
        _write(out, (value.splits, value.values))
    elif hasattr(value, "elements") and type(value).__name__ == "ElementsPipe":
        out += b"w"
        _write(out, value.elements)
    elif type(value).__name__ == "Held":
        out += b"o"
        _write(out, value.element)
    else:
        raise UnimplementedError(None, None, f"an iterator that holds a value of {type(value).__name__} cannot be saved")


def _array(out: bytearray, value: np.ndarray) -> None:
    if value.dtype == object:
        out += b"O" + varint(value.ndim) + b"".join(varint(n) for n in value.shape)
        for v in value.reshape(-1).tolist() if value.ndim else [value[()]]:
            _write(out, v)
        return
    out += b"A"
    name = as_dtype(value.dtype).name.encode()
    out += varint(len(name)) + name + varint(value.ndim) + b"".join(varint(n) for n in value.shape)
    out += np.ascontiguousarray(value).tobytes()


def _shape(data: bytes, at: int) -> tuple[tuple[int, ...], int]:
    rank, at = read_varint(data, at)
    dims = []
    for _ in range(rank):
        n, at = read_varint(data, at)
        dims.append(n)
    return tuple(dims), at


def _read(data: bytes, at: int) -> tuple[Any, int]:
    tag = data[at : at + 1]
    at += 1
    if tag in b"NTF" and tag:
        return {b"N": None, b"T": True, b"F": False}[tag], at
    if tag == b"f":
        return struct.unpack_from("<d", data, at)[0], at + 8
    if tag == b"A":
        n, at = read_varint(data, at)
        dtype = as_dtype(data[at : at + n].decode()).array_dtype
        shape, at = _shape(data, at + n)
        size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
        if size < 0 or at + size > len(data):
            raise ValueError("an array goes beyond the end")
        return np.frombuffer(data, dtype, int(np.prod(shape, dtype=np.int64)), at).reshape(shape).copy(), at + size
    if tag == b"O":
        shape, at = _shape(data, at)
        count = int(np.prod(shape, dtype=np.int64))
        if count > len(data):
            raise ValueError("an array goes beyond the end")
        flat = np.empty(count, object)
        for i in range(count):
            flat[i], at = _read(data, at)
        return flat.reshape(shape), at
    if tag in b"rwo" and tag:
        inner, at = _read(data, at)
        return _made(tag, inner), at
    n, at = read_varint(data, at)
    if n > len(data):
        raise ValueError("a length goes beyond the end")
    if tag in b"isb" and tag:
        part = data[at : at + n]
        return (int(part) if tag == b"i" else part.decode() if tag == b"s" else part), at + n
    if tag == b"d":
        found = {}
        for _ in range(n):
            key, at = _read(data, at)
            found[key], at = _read(data, at)
        return found, at
    if tag in b"lte" and tag:
        items = []
        for _ in range(n):
            item, at = _read(data, at)
            items.append(item)
        return (items if tag == b"l" else tuple(items) if tag == b"t" else set(items)), at
    raise ValueError(f"unknown tag {tag!r}")


def _made(tag: bytes, inner: Any) -> Any:
    if tag == b"r":
        return RaggedValue(*inner)
    if tag == b"w":
        from penstock.data.batching import ElementsPipe

        return ElementsPipe(inner)
    from penstock.data.optional import Held

    return Held(inner)
