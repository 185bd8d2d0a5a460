"""Unicode strings: code points, encodings, characters with their offsets."""

import codecs
import os
from collections.abc import Iterator
from typing import Any

import numpy as np

from penstock.base import dtypes
from penstock.base.errors import InvalidArgumentError
from penstock.base.export import export
from penstock.ir.convert import convert_to_tensor
from penstock.ir.op import find, op
from penstock.ir.scope import scoped
from penstock.ops.ragged_arrays import RaggedTensor
from penstock.ops.ragged_tensor import is_ragged, map_flat

_HOW = ('input_encoding: str, errors: "strict"|"replace"|"ignore" = "replace", replacement_char: int = 65533, '
        "replace_control_characters: bool = False")  # fmt: skip
_OUT = '"UTF-8"|"UTF-16-BE"|"UTF-32-BE"'


def _bad(message: str) -> InvalidArgumentError:
    return InvalidArgumentError(None, None, message)


def _codec(name: str) -> str:
    try:
        return codecs.lookup(name).name
    except LookupError:
        raise _bad(f"Could not create converter for input encoding: {name}") from None


def characters(s: bytes, encoding: str) -> Iterator[tuple[str | None, int]]:
    """(character, offset) of an encoded string; None for bytes that form no character."""
    at = 0
    while at < len(s):
        try:
            text, bad = s[at:].decode(encoding), 0
        except UnicodeDecodeError as e:
            text, bad = s[at : at + e.start].decode(encoding), max(e.end - e.start, 1)
        for c in text:
            yield c, at
            at += len(c.encode(encoding))
        if bad:
            yield None, at
            at += bad


def _whole(s: bytes, instead: int | None) -> tuple[list[int], list[int]] | None:
    """`decode` of a string that is valid UTF-8; `instead` stands for control characters. None where it is not valid."""
    try:
        text = s.decode()
    except UnicodeDecodeError:
        return None
    points = [ord(c) for c in text]
    starts = list(range(len(s)))
    if len(points) != len(s):
        starts = [i for i in starts if s[i] & 0xC0 != 0x80]
    return points if instead is None else [instead if p < 32 else p for p in points], starts


def decode(s: bytes, encoding: str, errors: str, replacement_char: int, replace_control_characters: bool) -> tuple[list[int], list[int]]:
    """The code points of a string and where each begins."""
    points, starts = [], []
    if encoding == "utf-8":
        plain = _whole(s, replacement_char if replace_control_characters else None)
        if plain is not None:
            return plain
    for c, at in characters(s, encoding):
        if c is None:
            if errors == "strict":
                raise _bad("Invalid formatting on input string")
            if errors == "ignore":
                continue
            points.append(replacement_char)
        elif replace_control_characters and ord(c) < 32:
            points.append(replacement_char)
        else:
            points.append(ord(c))
        starts.append(at)
    return points, starts


def encode(points: list[int], encoding: str, errors: str, replacement_char: int) -> bytes:
    """The string of some code points."""
    out = []
    for p in points:
        if not 0 <= p <= 0x10FFFF or 0xD800 <= p <= 0xDFFF:
            if errors == "strict":
                raise _bad(f"Code point is out of range for Unicode, or a noncharacter: {p}")
            if errors == "ignore":
                continue
            p = replacement_char
        out.append(chr(p))
    return "".join(out).encode(encoding)


def _decoded(strings: Any, splits: Any, **how: Any) -> tuple[Any, Any, Any]:
    encoding = _codec(how.pop("input_encoding"))
    rows = [decode(s, encoding, **how) for s in strings.ravel().tolist()]
    ends = np.concatenate([[0], np.cumsum([len(r[0]) for r in rows])]).astype(splits.array_dtype)
    flat = lambda k, dtype: np.array([v for r in rows for v in r[k]], dtype)
    return ends, flat(0, np.int32), flat(1, np.int64)


def _rows(s: Any) -> Any:
    n = None if s.shape is None or None in s.shape else int(np.prod(s.shape)) + 1
    return (n,)


@op(f"UnicodeDecodeWithOffsets(input: string, *, {_HOW}, Tsplits: index = int64) -> (row_splits: Tsplits, char_values: int32, char_to_byte_starts: int64)",
    where="host", shape=lambda x, **_: (_rows(x), (None,), (None,)))  # fmt: skip
def unicode_decode_with_offsets_op(xp, input, *, input_encoding, errors, replacement_char, replace_control_characters, Tsplits):  # noqa: A002, N803
    """The code points of each string, and where each begins."""
    return _decoded(input, Tsplits, input_encoding=input_encoding, errors=errors, replacement_char=replacement_char, replace_control_characters=replace_control_characters)


@op(f"UnicodeDecode(input: string, *, {_HOW}, Tsplits: index = int64) -> (row_splits: Tsplits, char_values: int32)", where="host",
    shape=lambda x, **_: (_rows(x), (None,)))  # fmt: skip
def unicode_decode_op(xp, input, *, input_encoding, errors, replacement_char, replace_control_characters, Tsplits):  # noqa: A002, N803
    """The code points of each string."""
    return _decoded(input, Tsplits, input_encoding=input_encoding, errors=errors, replacement_char=replacement_char, replace_control_characters=replace_control_characters)[:2]


@op(f'UnicodeEncode(input_values: int32, input_splits: Tsplits, *, errors: "ignore"|"replace"|"strict" = "replace", output_encoding: {_OUT}, '
    "replacement_char: int = 65533, Tsplits: index = int64) -> output: string", where="host",
    shape=lambda v, s, **_: None if s.shape is None else (None if s.shape[0] is None else s.shape[0] - 1,))  # fmt: skip
def unicode_encode_op(xp, input_values, input_splits, *, errors, output_encoding, replacement_char):
    """The string of each row of code points."""
    encoding, ends, flat = _codec(output_encoding), np.asarray(input_splits).reshape(-1).tolist(), input_values.tolist()
    if not ends or ends[0] != 0 or ends[-1] != len(flat) or any(b < a for a, b in zip(ends, ends[1:])):
        raise InvalidArgumentError(None, None, f"input_splits must rise from 0 to the length of input_tensor, {len(flat)}; they are {ends[:8]}")
    out = np.empty(max(len(ends) - 1, 0), object)
    out[:] = [encode(flat[a:b], encoding, errors, replacement_char) for a, b in zip(ends, ends[1:])]
    return out


@op(f"UnicodeTranscode(input: string, *, input_encoding: str, output_encoding: {_OUT}, errors: \"strict\"|\"replace\"|\"ignore\" = \"replace\", "
    "replacement_char: int = 65533, replace_control_characters: bool = False) -> output: string", where="host", shape=lambda x, **_: x.shape)  # fmt: skip
def unicode_transcode_op(xp, input, *, input_encoding, output_encoding, errors, replacement_char, replace_control_characters):  # noqa: A002
    """Each string in another encoding."""
    source, target = _codec(input_encoding), _codec(output_encoding)
    out = np.empty(input.shape, object)
    out.reshape(-1)[:] = [
        encode(decode(s, source, errors, replacement_char, replace_control_characters)[0], target, "replace", replacement_char) for s in input.ravel().tolist()
    ]
    return out


for _one in (unicode_decode_op, unicode_decode_with_offsets_op, unicode_encode_op, unicode_transcode_op):
    _one.no_grad()


@export("strings.unicode_transcode")
def unicode_transcode(
    input: Any, input_encoding: str, output_encoding: str, errors: str = "replace", replacement_char: int = 65533,  # noqa: A002
    replace_control_characters: bool = False, name: str | None = None,
) -> Any:  # fmt: skip
    """Each string in another encoding: UTF-8, UTF-16-BE or UTF-32-BE.

    >>> tf.strings.unicode_transcode("ab", "UTF-8", "UTF-16-BE").numpy()
    b'\\x00a\\x00b'
    """
    return map_flat(lambda x: unicode_transcode_op(
        x, input_encoding=input_encoding, output_encoding=output_encoding, errors=errors, replacement_char=replacement_char,
        replace_control_characters=replace_control_characters, name=name), input)  # fmt: skip


@export("strings.unicode_encode")
def unicode_encode(input: Any, output_encoding: str, errors: str = "replace", replacement_char: int = 65533, name: str | None = None) -> Any:  # noqa: A002
    """The string of the code points along the innermost axis of a tensor or RaggedTensor.

    >>> tf.strings.unicode_encode([104, 105], "UTF-8").numpy()
    b'hi'
    """
    with scoped(name, "UnicodeEncode"):
        again = lambda x: unicode_encode(x, output_encoding, errors, replacement_char)
        points = input if is_ragged(input) else convert_to_tensor(input)
        rank = points.shape.rank
        if rank is None:
            raise ValueError("Rank of input_tensor must be statically known.")
        if is_ragged(points):
            if points.flat_values.shape.rank is not None and points.flat_values.shape.rank > 1:
                return points.with_flat_values(again(points.flat_values))
            if points.ragged_rank > 1:
                return points.with_values(again(points.values))
            return unicode_encode_op(points.values, points.row_splits, errors=errors, output_encoding=output_encoding, replacement_char=replacement_char)
        if rank == 0:
            raise ValueError("input_tensor's rank must be at least 1.")
        if rank == 1:
            whole = RaggedTensor.from_row_splits(points, find("Pack")([np.int64(0), find("Size")(points, out_type=dtypes.int64)], axis=0), validate=False)
            return find("Reshape")(again(whole), [])
        if rank == 2:
            return again(RaggedTensor.from_tensor(points))
        return again(RaggedTensor.from_tensor(points, ragged_rank=rank - 1))


def _decode(text: Any, input_encoding: str, errors: str, replacement_char: int, control: bool, offsets: bool) -> Any:
    """Code points (and offsets) of a tensor of strings, one ragged row for each string."""
    text = text if is_ragged(text) else convert_to_tensor(text, dtypes.string)
    rank = text.shape.rank
    if rank is None:
        raise ValueError("Rank of `input` must be statically known.")
    flat = text.flat_values if is_ragged(text) else find("Reshape")(text, [-1])
    how = dict(input_encoding=input_encoding, errors=errors, replacement_char=replacement_char, replace_control_characters=control)
    if is_ragged(text) and flat.shape.rank and flat.shape.rank > 1:
        parts = _decode(flat, input_encoding, errors, replacement_char, control, offsets)
        return tuple(text.with_flat_values(p) for p in parts)
    splits, *found = (unicode_decode_with_offsets_op if offsets else unicode_decode_op)(flat, **how)
    if rank == 0:
        return tuple(found)
    rows = [RaggedTensor.from_row_splits(f, splits, validate=False) for f in found]
    if is_ragged(text):
        return tuple(text.with_flat_values(r) for r in rows)
    if rank > 1:
        return tuple(RaggedTensor.from_tensor(text, ragged_rank=rank - 1).with_flat_values(r) for r in rows)
    return tuple(rows)


@export("strings.unicode_decode")
def unicode_decode(
    input: Any, input_encoding: str, errors: str = "replace", replacement_char: int = 0xFFFD, replace_control_characters: bool = False, name: str | None = None  # noqa: A002
) -> Any:  # fmt: skip
    """The code points of each string: a vector of one string, else a RaggedTensor."""
    with scoped(name, "UnicodeDecode"):
        return _decode(input, input_encoding, errors, replacement_char, replace_control_characters, False)[0]


@export("strings.unicode_decode_with_offsets")
def unicode_decode_with_offsets(
    input: Any, input_encoding: str, errors: str = "replace", replacement_char: int = 0xFFFD, replace_control_characters: bool = False, name: str | None = None  # noqa: A002
) -> Any:  # fmt: skip
    """The code points of each string, and the byte at which each begins."""
    with scoped(name, "UnicodeDecodeWithOffsets"):
        return _decode(input, input_encoding, errors, replacement_char, replace_control_characters, True)


@export("strings.unicode_split")
def unicode_split(input: Any, input_encoding: str, errors: str = "replace", replacement_char: int = 0xFFFD, name: str | None = None) -> Any:  # noqa: A002
    """The characters of each string: a vector of one string, else a RaggedTensor."""
    with scoped(name, "UnicodeSplit"):
        return _encoded(_decode(input, input_encoding, errors, replacement_char, False, False)[0], input_encoding, errors, replacement_char)


def _encoded(points: Any, encoding: str, errors: str, replacement_char: int) -> Any:
    return map_flat(lambda x: unicode_encode(find("ExpandDims")(x, -1), encoding, errors, replacement_char), points)


@export("strings.unicode_split_with_offsets")
def unicode_split_with_offsets(input: Any, input_encoding: str, errors: str = "replace", replacement_char: int = 0xFFFD, name: str | None = None) -> Any:  # noqa: A002
    """The characters of each string, and the byte at which each begins."""
    with scoped(name, "UnicodeSplitWithOffsets"):
        points, starts = _decode(input, input_encoding, errors, replacement_char, False, True)
        return _encoded(points, input_encoding, errors, replacement_char), starts


# -- scripts -----------------------------------------------------------------------------------------------------------
_scripts: list[np.ndarray] = []


def _script_table() -> list[np.ndarray]:
    """[first code points of runs, their scripts] from `unicode_scripts.txt`."""
    if not _scripts:
        with open(os.path.join(os.path.dirname(__file__), "unicode_scripts.txt"), encoding="ascii") as file:
            rows = [r.partition(":") for r in file.read().split()]
        _scripts[:] = [np.array([int(a, 16) for a, _, _ in rows], np.int64), np.array([int(c) for _, _, c in rows], np.int32)]
    return _scripts


@op("UnicodeScript(input: int32) -> output: int32", where="host", shape=lambda x: x.shape)
def UNICODE_SCRIPT(xp, input):  # noqa: A002
    """The number of each code point's script (25 is Latin), -1 for what is no code point."""
    starts, scripts = _script_table()
    points = np.asarray(input, np.int64)
    found = scripts[np.maximum(np.searchsorted(starts, points, "right") - 1, 0)]
    return np.where((points < 0) | (points > 0x10FFFF), -1, found).astype(np.int32)


UNICODE_SCRIPT.no_grad()


@export("strings.unicode_script")
def unicode_script(input: Any, name: str | None = None) -> Any:  # noqa: A002
    """The number of each code point's script, as the ICU library counts them.

    >>> tf.strings.unicode_script([97, 31071]).numpy().tolist()
    [25, 17]
    """
    return map_flat(lambda x: UNICODE_SCRIPT(x, name=name), input) if is_ragged(input) else UNICODE_SCRIPT(input, name=name)
