"""Checkpoint files (TensorBundle): a sorted table that says where each tensor lies, and files with their bytes."""

import contextlib
import glob
import itertools
import math
import os
import struct
import time
from typing import Any

import numpy as np

from penstock.base import dtypes
from penstock.base.crc32c import crc32c, extend, masked
from penstock.base.dtypes import DType, as_dtype
from penstock.base.errors import DataLossError, InvalidArgumentError, NotFoundError
from penstock.base.files import told_as, write_whole
from penstock.base.sorted_table import pack, read_varint, unpack, varint

Slice = tuple[tuple[int, int], ...]
"""(start, length) of each axis; a length of -1 is the whole axis."""


_STALE = 600
"""Seconds after which a temporary file is taken for one that a killed writer left."""


def data_file(prefix: str, shard: int, count: int) -> str:
    return f"{prefix}.data-{shard:05d}-of-{count:05d}"


def parse_slice(spec: str) -> tuple[tuple[int, ...], Slice]:
    """The whole shape and the slice that "5 2 0,3:0,2" spells."""
    *sizes, slices = spec.split(" ")
    shape = tuple(int(n) for n in sizes)
    parts: list[tuple[int, int]] = []
    for one in slices.split(":"):
        if one == "-":
            parts.append((0, -1))
        else:
            start, length = one.split(",")
            parts.append((int(start), int(length)))
    if len(parts) != len(shape):
        raise InvalidArgumentError(f"The slice {spec!r} has {len(parts)} axes, its shape {len(shape)}")
    return shape, tuple(parts)


def _signed(value: int) -> bytes:
    """An int as OrderedCode writes it: the order of the bytes is that of the values."""
    if -64 <= value < 64:
        return bytes([(0x80 ^ value) & 0xFF])
    size = next(n for n in range(2, 9) if -(1 << (7 * n - 1)) <= value < 1 << (7 * n - 1))
    mark = ((0xFF << (8 - size)) & 0xFF) << (8 * (size - 1))
    bits = value & ((1 << (8 * size)) - 1)
    return (bits ^ mark).to_bytes(size, "big")


def _unsigned(value: int) -> bytes:
    raw = value.to_bytes((value.bit_length() + 7) // 8, "big")
    return bytes([len(raw)]) + raw


def slice_key(name: str, part: Slice) -> bytes:
    """The key of one slice of a tensor."""
    text = name.encode().replace(b"\xff", b"\xff\0").replace(b"\0", b"\0\xff") + b"\0\x01"
    return _unsigned(0) + text + _unsigned(len(part)) + b"".join(_signed(s) + _signed(n) for s, n in part)


def _string_bytes(array: np.ndarray) -> tuple[bytes, int]:
    items = [v if isinstance(v, bytes) else str(v).encode() for v in array.reshape(-1).tolist()]
    crc = 0
    for one in items:
        crc = extend(crc, struct.pack("<I", len(one)) if len(one) < 2**32 else struct.pack("<Q", len(one)))
    check = struct.pack("<I", masked(crc))
    body = b"".join(items)
    return b"".join(varint(len(one)) for one in items) + check + body, extend(extend(crc, check), body)


Tensors = list[tuple[str, str, np.ndarray, DType]]
"""(name, slice or "", array, dtype) of each tensor."""


def write(prefix: str, tensors: Tensors) -> None:
    """Write the tensors of a checkpoint into one data file; the files appear whole or not at all."""
    write_shards(prefix, [tensors])


def write_shards(prefix: str, shards: list[Tensors]) -> None:
    """Write a checkpoint of one data file for each of `shards`; at every moment `prefix` names the old checkpoint or the new one.

    Where data files with the names of the new ones are there, the new data first gets other names and an index that
    points at them, then its own names and the index that points at those.
    """
    entries: dict[bytes, Any] = {}
    blocks = [_pack(tensors, number, entries) for number, tensors in enumerate(shards)]
    count = len(shards)
    with told_as(prefix):
        folder = os.path.dirname(prefix)
        if folder:
            os.makedirs(folder, exist_ok=True)
        there = _data_files(prefix)
        wanted = _names(prefix, count, 1)
        if any(path in there for path in wanted):
            times = next(n for n in itertools.count(2) if not any(p in there for p in _names(prefix, count, n)))
            apart = _names(prefix, count, times)
            for path, chunks in zip(apart, blocks):
                write_whole(path, chunks)
            write_whole(f"{prefix}.index", [_index(entries, count * times, count * (times - 1))])
            for path, target in zip(apart, wanted):
                _link(path, target)
        else:
            for path, chunks in zip(wanted, blocks):
                write_whole(path, chunks)
        write_whole(f"{prefix}.index", [_index(entries, count, 0)])
        for path in _data_files(prefix):
            if path not in wanted:
                os.remove(path)
        _sweep(prefix)


def _names(prefix: str, count: int, times: int) -> list[str]:
    """The last `count` of `count * times` data files."""
    return [data_file(prefix, count * (times - 1) + i, count * times) for i in range(count)]


def _sweep(prefix: str) -> None:
    """Remove what killed writers of this checkpoint left behind."""
    folder, name = os.path.split(prefix)
    for path in glob.glob(os.path.join(glob.escape(folder), glob.escape(f".{name}.") + "*")):
        with contextlib.suppress(OSError):
            if time.time() - os.stat(path).st_mtime > _STALE:
                os.remove(path)


def _data_files(prefix: str) -> list[str]:
    return glob.glob(f"{glob.escape(prefix)}.data-?????-of-?????")


def _link(path: str, target: str) -> None:
    """Make `target` the same file as `path`, in one step."""
    folder, name = os.path.split(target)
    between = os.path.join(folder, f".{name}.{os.getpid()}")
    try:
        os.link(path, between)
    except OSError:  # a file system without links
        with open(path, "rb") as file:
            write_whole(target, iter(lambda: file.read(1 << 20), b""))
        return
    os.replace(between, target)


def _index(entries: dict[bytes, Any], count: int, first: int) -> bytes:
    """The sorted table that says where each tensor lies; `first` is the number of the first data file."""
    from penstock.base.proto import tensor_bundle_pb2

    header = tensor_bundle_pb2.BundleHeaderProto(num_shards=count)
    header.version.producer = 1
    items = [(b"", header.SerializeToString())]
    for key, entry in sorted(entries.items()):
        if first and not entry.slices:
            moved = type(entry)()
            moved.CopyFrom(entry)
            moved.shard_id += first
            entry = moved
        items.append((key, entry.SerializeToString()))
    return pack(items)


def _pack(tensors: Tensors, shard: int, entries: dict[bytes, Any]) -> list[Any]:
    """The bytes of one data file; what is said of each tensor goes into `entries`."""
    from penstock.base.proto import tensor_bundle_pb2

    chunks: list[Any] = []
    offset = 0
    for name, spec, array, dtype in tensors:
        array = np.asarray(array)
        if dtype is dtypes.string:
            raw, crc = _string_bytes(array)
        else:
            raw = np.ascontiguousarray(array).tobytes()
            crc = crc32c(raw)
        entry = tensor_bundle_pb2.BundleEntryProto(
            dtype=dtype.as_datatype_enum, shard_id=shard, offset=offset, size=len(raw), crc32c=masked(crc)
        )
        entry.shape.SetInParent()
        for n in array.shape:
            entry.shape.dim.add(size=n)
        key = name.encode()
        if spec:
            shape, part = parse_slice(spec)
            whole = entries.get(key)
            if whole is None:
                whole = entries[key] = tensor_bundle_pb2.BundleEntryProto(dtype=dtype.as_datatype_enum)
                for n in shape:
                    whole.shape.dim.add(size=n)
            described = whole.slices.add()
            for start, length in part:
                extent = described.extent.add()
                if length >= 0:
                    extent.start, extent.length = start, length
            key = slice_key(name, part)
        if key in entries:
            raise InvalidArgumentError(f"Adding duplicate key: {name}")
        entries[key] = entry
        chunks.append(raw)
        offset += len(raw)
    return chunks


class Reader:
    """The tensors of a checkpoint by name."""

    def __init__(self, prefix: str):
        from penstock.base.proto import tensor_bundle_pb2

        self.prefix = prefix
        try:
            with open(f"{prefix}.index", "rb") as file:
                table = unpack(file.read(), f"{prefix}.index")
        except FileNotFoundError:
            if os.path.isdir(prefix):
                raise DataLossError(
                    None,
                    None,
                    f"Unable to open table file {prefix}: FAILED_PRECONDITION: {prefix}; Is a directory: perhaps your file is in a different file "
                    "format and you need to use a different restore operator?",
                ) from None
            if glob.glob(glob.escape(prefix) + "*") and os.path.isfile(prefix):
                raise DataLossError(
                    None, None, f"Unable to open table file {prefix}: not a checkpoint of version 2"
                ) from None
            raise NotFoundError(
                None,
                None,
                f"Unsuccessful TensorSliceReader constructor: Failed to find any matching files for {prefix}",
            ) from None
        header = tensor_bundle_pb2.BundleHeaderProto.FromString(table.pop(b"", b""))
        self._shards = header.num_shards or 1
        self._slices: dict[bytes, Any] = {}
        self.entries: dict[str, Any] = {}
        for key, value in table.items():
            entry = tensor_bundle_pb2.BundleEntryProto.FromString(value)
            if key.startswith(b"\0"):
                self._slices[key] = entry
            else:
                self.entries[key.decode()] = entry

    def has_tensor(self, name: str) -> bool:
        return name in self.entries

    def _entry(self, name: str) -> Any:
        found = self.entries.get(name)
        if found is None:
            raise NotFoundError(None, None, f"Key {name} not found in checkpoint")
        return found

    def dtype(self, name: str) -> DType:
        return as_dtype(self._entry(name).dtype)

    def shape(self, name: str) -> tuple[int, ...]:
        return tuple(d.size for d in self._entry(name).shape.dim)

    def _read(self, entry: Any, name: str) -> np.ndarray:
        dtype = as_dtype(entry.dtype)
        shape = tuple(d.size for d in entry.shape.dim)
        path = data_file(self.prefix, entry.shard_id, self._shards)
        count = math.prod(shape)
        least = count if dtype is dtypes.string else count * dtype.array_dtype.itemsize
        if min(entry.offset, entry.size, *shape, 0) < 0 or (least > entry.size if dtype is dtypes.string else least != entry.size):
            raise DataLossError(None, None, f"The index of {self.prefix} gives {entry.size} bytes to tensor {name}, {dtype.name}{list(shape)}")
        try:
            with open(path, "rb") as file:
                file.seek(entry.offset)
                raw = file.read(entry.size)
        except FileNotFoundError:
            raise NotFoundError(None, None, f"{path}; No such file or directory") from None
        if len(raw) < entry.size:
            raise DataLossError(None, None, f"{path} ends inside of tensor {name}")
        if dtype is dtypes.string:
            return self._strings(raw, shape, entry, name)
        if masked(crc32c(raw)) != entry.crc32c:
            raise DataLossError(None, None, f"Checksum does not match: tensor {name} in {path}")
        return np.frombuffer(raw, dtype.array_dtype).reshape(shape).copy()

    def _strings(self, raw: bytes, shape: tuple[int, ...], entry: Any, name: str) -> np.ndarray:
        count = math.prod(shape)
        sizes, at = [], 0
        for _ in range(count):
            n, at = read_varint(raw, at)
            sizes.append(n)
        if sum(sizes) != len(raw) - at - 4:
            raise DataLossError(None, None, f"The strings of tensor {name} in {self.prefix} do not fill their {len(raw)} bytes")
        crc = 0
        for n in sizes:
            crc = extend(crc, struct.pack("<I", n) if n < 2**32 else struct.pack("<Q", n))
        crc = extend(crc, raw[at:])
        if masked(crc) != entry.crc32c:
            raise DataLossError(None, None, f"Checksum does not match: tensor {name} in {self.prefix}")
        at += 4
        flat = np.empty(count, object)
        for i, n in enumerate(sizes):
            flat[i] = raw[at : at + n]
            at += n
        return flat.reshape(shape)

    def tensor(self, name: str, spec: str = "") -> np.ndarray:
        """The tensor, or the slice of it that `spec` names; NotFoundError when it is not there."""
        entry = self._entry(name)
        if not entry.slices:
            whole = self._read(entry, name)
        else:
            parts = [tuple((e.start, e.length if e.HasField("length") else -1) for e in s.extent) for s in entry.slices]
            found = [self._slices.get(slice_key(name, part)) for part in parts]
            held = [h for h in found if h is not None]
            kind, shape = as_dtype(entry.dtype), self.shape(name)
            if len(held) < len(parts) or min(shape, default=0) < 0 or math.prod(shape) > sum(h.size for h in held):
                raise DataLossError(None, None, f"The index of {self.prefix} does not have all slices of tensor {name}, {kind.name}{list(shape)}")
            whole = np.empty(shape, kind.array_dtype)
            for part, one in zip(parts, held):
                where = tuple(slice(start, None if n < 0 else start + n) for start, n in part)
                whole[where] = self._read(one, name)
        if not spec:
            return whole
        shape, part = parse_slice(spec)
        if shape != whole.shape:
            raise InvalidArgumentError(
                f"Shape mismatch in tensor {name}: the program says {list(shape)}, the checkpoint has {list(whole.shape)}"
            )
        return whole[tuple(slice(start, None if n < 0 else start + n) for start, n in part)].copy()
