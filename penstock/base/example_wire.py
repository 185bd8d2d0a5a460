"""Serialised Examples as columns: a feature of a whole batch is decoded at once.

Protocol buffers of the same wire format as tensorflow.Example, but whose features are `bytes`, let the C parser of protobuf
split an Example into its features without looking into them; NumPy then reads one feature of all examples together.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from penstock.base.proto import feature_pb2

TAGS = {"string": 0x0A, "float32": 0x12, "int64": 0x1A}
NAMES = {0x0A: "string", 0x12: "float", 0x1A: "int64"}
_NONE = np.zeros(0, np.int64)


class WrongKind(Exception):
    """A feature holds another kind than was asked for."""

    def __init__(self, index: int, actual: str):
        self.index, self.actual = index, actual


class Malformed(Exception):
    """The bytes of an example are no Example."""

    def __init__(self, index: int):
        self.index = index


class Column(NamedTuple):
    """One feature of a batch: all values in a row, and how many each example has (-1: it lacks the feature)."""

    values: np.ndarray
    counts: np.ndarray


def _classes() -> tuple[Any, Any]:
    file = descriptor_pb2.FileDescriptorProto(name="penstock/example_wire.proto", package="penstock", syntax="proto3")

    def message(name: str, *fields: tuple[str, int, str]) -> None:
        made = file.message_type.add(name=name)
        for field, number, kind in fields:
            if kind == "map":
                entry = made.nested_type.add(name="FeatureEntry")
                entry.options.map_entry = True
                entry.field.add(name="key", number=1, label=1, type=9)
                entry.field.add(name="value", number=2, label=1, type=12)
                made.field.add(name=field, number=number, label=3, type=11, type_name=f".penstock.{name}.FeatureEntry")
            elif kind == "bytes":
                made.field.add(name=field, number=number, label=3, type=12)
            else:
                made.field.add(name=field, number=number, label=1, type=11, type_name=f".penstock.{kind}")

    message("RawFeatures", ("feature", 1, "map"))
    message("RawExample", ("features", 1, "RawFeatures"), ("feature_lists", 2, "RawFeatures"))
    message("RawList", ("feature", 1, "bytes"))
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    of = lambda name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"penstock.{name}"))
    return of("RawExample"), of("RawList")


_Example, _List = _classes()
Get = Callable[[str], bytes | None]


def read_examples(serialized: Sequence[bytes]) -> list[Get]:
    """For each Example a function: the key of a feature -> its bytes, or None."""
    parse = _Example.FromString
    made: list[Get] = []
    for i, text in enumerate(serialized):
        try:
            made.append(parse(text).features.feature.get)
        except DecodeError:
            made.append(_scanned(text, i, 1)[0])
    return made


def read_sequences(serialized: Sequence[bytes]) -> tuple[list[Get], list[Get]]:
    """For each SequenceExample two functions: key -> bytes of the context's features, and of the feature lists."""
    contexts: list[Get] = []
    lists: list[Get] = []
    for i, text in enumerate(serialized):
        try:
            made = _Example.FromString(text)
            contexts.append(made.features.feature.get)
            lists.append(made.feature_lists.feature.get)
        except DecodeError:
            context, many = _scanned(text, i, 2)
            contexts.append(context)
            lists.append(many)
    return contexts, lists


def steps(raw: bytes, index: int) -> list[bytes]:
    """The features of a feature list."""
    try:
        return list(_List.FromString(raw).feature)
    except DecodeError:
        raise Malformed(index) from None


# -- a scanner for what protobuf refuses: keys that are not UTF-8 --------------------------------------------------------
def _varint(text: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = text[at]
        value |= (byte & 127) << shift
        at += 1
        if byte < 128:
            return value, at
        shift += 7
        if shift > 63:
            raise IndexError


def _fields(text: bytes) -> list[tuple[int, bytes]]:
    """(field number, bytes) of the length-delimited fields of a message."""
    found, at = [], 0
    while at < len(text):
        tag, at = _varint(text, at)
        wire = tag & 7
        if wire == 2:
            n, at = _varint(text, at)
            if at + n > len(text):
                raise IndexError
            found.append((tag >> 3, text[at : at + n]))
            at += n
        elif wire == 0:
            _, at = _varint(text, at)
        elif wire in (1, 5):
            at += 8 if wire == 1 else 4
            if at > len(text):
                raise IndexError
        else:
            raise IndexError
        if not tag >> 3:
            raise IndexError
    return found


def _scanned(text: bytes, index: int, count: int) -> list[Get]:
    maps: list[dict[str, bytes]] = [{} for _ in range(count)]
    try:
        for number, features in _fields(text):
            if number <= count:
                for one, entry in _fields(features):
                    if one == 1:
                        parts = dict(_fields(entry))
                        maps[number - 1][parts.get(1, b"").decode("utf-8", "surrogateescape")] = parts.get(2, b"")
    except IndexError:
        raise Malformed(index) from None
    return [m.get for m in maps]


# -- one feature of a batch --------------------------------------------------------------------------------------------
def column(raws: Sequence[bytes | None], kind: str) -> Column:
    """The values of a feature of every example; kind is "string", "float32" or "int64"."""
    tag = TAGS[kind]
    uniform = _uniform(raws, tag)
    if uniform is not None:
        return uniform
    parts: list[Any] = []
    counts = np.empty(len(raws), np.int64)
    for i, raw in enumerate(raws):
        if not raw:
            counts[i] = -1
            continue
        body = _body(raw, tag)
        if body is None:
            counts[i] = _slow(raw, tag, i, parts)
        elif tag == 0x12:
            if len(body) & 3:
                raise Malformed(i)
            counts[i] = len(body) >> 2
            parts.append(body)
        else:
            if tag == 0x0A:
                counts[i] = len(body)
            elif body and body[-1] > 127:
                raise Malformed(i)
            else:
                counts[i] = -2 - len(body)  # for now: how many bytes
            parts.append(body)
    if tag == 0x0A:
        values = np.empty(sum(map(len, parts)), object)
        values[:] = [v for p in parts for v in p]
        return Column(values, counts)
    text = b"".join(parts)
    if tag == 0x12:
        return Column(np.frombuffer(text, "<f4").astype(np.float32), counts)
    values, ends = _varints(np.frombuffer(text, np.uint8))
    sizes = np.where(counts < -1, -2 - counts, 0)
    stops = np.cumsum(sizes)
    last = np.searchsorted(ends, stops)  # how many varints end before each stop
    found = np.diff(last, prepend=0)
    return Column(values, np.where(counts == -1, -1, found))


def _uniform(raws: Sequence[bytes | None], tag: int) -> Column | None:
    """The column when all features are of the same length with the same head: then it is one array."""
    first = raws[0] if len(raws) else None
    if not first or first[0] != tag:
        return None
    size = len(first)
    for raw in raws:
        if raw is None or len(raw) != size:
            return None
    try:
        n, at = _varint(first, 1)
        if at + n != size or not n or first[at] != 0x0A:
            return None
        n, head = _varint(first, at + 1)
    except IndexError:
        return None
    if head + n != size:
        return None
    start = first[:head]
    if tag == 0x0A:
        for raw in raws:
            if not raw.startswith(start):  # type: ignore[union-attr]
                return None
        values = np.empty(len(raws), object)
        values[:] = [raw[head:] for raw in raws]  # type: ignore[index]
        return Column(values, np.ones(len(raws), np.int64))
    table = np.frombuffer(b"".join(raws), np.uint8).reshape(len(raws), size)  # type: ignore[arg-type]
    if not (table[:, :head] == table[0, :head]).all():
        return None
    body = table[:, head:]
    if tag == 0x12:
        if n & 3:
            raise Malformed(0)
        return Column(np.ascontiguousarray(body).view("<f4").reshape(-1), np.full(len(raws), n >> 2, np.int64))
    done = body < 128
    if n and not done[:, -1].all():
        raise Malformed(int(np.argmin(done[:, -1])))
    return Column(_varints(body.reshape(-1))[0], done.sum(1))


def _body(raw: bytes, tag: int) -> Any:
    """What a feature in the usual form holds: the packed numbers, or the list of strings; None when it has another form."""
    size = len(raw)
    if raw[0] != tag or size < 2:
        return None
    try:
        n, at = (raw[1], 2) if raw[1] < 128 else _varint(raw, 1)
        if at + n != size:
            return None
        if tag == 0x0A:
            found = []
            while at < size:
                if raw[at] != 0x0A:
                    return None
                n, at = (raw[at + 1], at + 2) if raw[at + 1] < 128 else _varint(raw, at + 1)
                if at + n > size:
                    return None
                found.append(raw[at : at + n])
                at += n
            return found
        if at == size:
            return b""
        if raw[at] != 0x0A:
            return None
        n, at = (raw[at + 1], at + 2) if raw[at + 1] < 128 else _varint(raw, at + 1)
        return raw[at:] if at + n == size else None
    except IndexError:
        return None


def _slow(raw: bytes, tag: int, index: int, parts: list[Any]) -> int:
    """A feature in an unusual form, or of another kind: read by protobuf, written back in the usual form."""
    try:
        feature = feature_pb2.Feature.FromString(raw)
    except DecodeError:
        raise Malformed(index) from None
    kind = feature.WhichOneof("kind")
    if kind is None:
        return -1
    actual = {"bytes_list": 0x0A, "float_list": 0x12, "int64_list": 0x1A}[kind]
    if actual != tag:
        raise WrongKind(index, NAMES[actual])
    parts.append(_body(feature.SerializeToString(), tag))
    return len(parts[-1]) if tag == 0x0A else len(parts[-1]) >> 2 if tag == 0x12 else -2 - len(parts[-1])


def _varints(text: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(int64 values, the positions after which they end) of packed varints."""
    ends = np.flatnonzero(text < 128)
    if len(ends) == len(text):
        return text.astype(np.int64), ends
    starts = np.empty_like(ends)
    starts[:1] = 0
    np.add(ends[:-1], 1, out=starts[1:])
    longest = int((ends - starts).max()) + 1
    if longest > 10:
        raise Malformed(0)
    values = (text[starts] & 127).astype(np.uint64)
    for k in range(1, longest):
        more = np.flatnonzero(ends - starts >= k)
        values[more] |= (text[starts[more] + k] & np.uint8(127)).astype(np.uint64) << np.uint64(7 * k)
    return values.view(np.int64), ends
