"""`tf.strings`: joining, cutting, changing and measuring strings, and numbers as strings and back."""

import math
import re
from typing import Any

import numpy as np

from penstock.base import dtypes
from penstock.base.errors import InvalidArgumentError
from penstock.base.export import Old, export
from penstock.base.shape import axis_of, broadcast
from penstock.ir.convert import convert_to_tensor
from penstock.ir.op import find, op
from penstock.ir.scope import scoped
from penstock.ops.ragged import map_flat_values
from penstock.ops.ragged_arrays import RaggedTensor
from penstock.ops.ragged_tensor import is_ragged, map_flat
from penstock.ops.sparse_tensor import SparseTensor

_UNIT = 'unit: "BYTE"|"UTF8_CHAR" = "BYTE"'
_same = lambda x, *_, **__: x.shape


def _bad(message: str) -> InvalidArgumentError:
    return InvalidArgumentError(None, None, message)


def _strings(values: list[Any], shape: Any) -> np.ndarray:
    out = np.empty(shape, object)
    out.reshape(-1)[:] = values
    return out


def map_strings(function: Any, strings: Any) -> np.ndarray:
    """`function` of each string, as an array of the same shape."""
    return _strings([function(s) for s in strings.ravel().tolist()], strings.shape)


def _chars(s: bytes) -> str:
    return s.decode("utf-8", "surrogateescape")


def _bytes(s: str) -> bytes:
    return s.encode("utf-8", "surrogateescape")


# -- joined ------------------------------------------------------------------------------------------------------------
@op('StringJoin(inputs: N*string, *, N: int >= 0, separator: str = "") -> output: string', where="host")
def string_join_op(xp, inputs, *, separator):
    """The strings at each place, one after the other; scalars stand at every place."""
    shape = next((x.shape for x in inputs if x.ndim), ())
    for x in inputs:
        if x.ndim and x.shape != shape:
            raise _bad(f"Input shapes do not match: {list(shape)} vs. {list(x.shape)}")
    joined = [_bytes(separator).join(parts) for parts in zip(*[np.broadcast_to(x, shape).ravel().tolist() for x in inputs])]
    return _strings(joined if inputs else [b""], shape)


@string_join_op.shape
def _(inputs: Any, *, separator: str) -> Any:
    if any(x.shape is None for x in inputs):
        return None
    ranked = [x.shape for x in inputs if len(x.shape)]
    return broadcast(*ranked) if ranked else ()


@export("strings.join", v1=("string_join",))
def string_join(inputs: Any, separator: str = "", name: str | None = None) -> Any:
    """The strings of a list of tensors joined place by place.

    >>> tf.strings.join(["a", "b"], separator="-").numpy()
    b'a-b'
    """
    inputs = list(inputs)
    ragged = next((x for x in inputs if is_ragged(x)), None)
    if ragged is not None:
        return map_flat_values(lambda *flat: string_join_op(list(flat), separator=separator, name=name), *inputs)
    return string_join_op(inputs, separator=separator, name=name)


@op('ReduceJoin(inputs: string, reduction_indices: int32, *, keep_dims: bool = False, separator: str = "") -> output: string', where="host")
def reduce_join_op(xp, inputs, reduction_indices, *, keep_dims, separator):
    """The strings along some axes joined, in the order in which the axes are given."""
    axes = [axis_of(int(a), inputs.ndim, "reduction dimension") for a in reduction_indices.reshape(-1)]
    if len(set(axes)) < len(axes):
        raise _bad(f"Duplicate reduction dimension {next(a for a in axes if axes.count(a) > 1)}")
    rest = [a for a in range(inputs.ndim) if a not in axes]
    rows = inputs.transpose([*rest, *axes[::-1]]).reshape(math.prod([inputs.shape[a] for a in rest]), math.prod([inputs.shape[a] for a in axes]))
    shape = [1 if a in axes else n for a, n in enumerate(inputs.shape)] if keep_dims else [inputs.shape[a] for a in rest]
    return _strings([_bytes(separator).join(r) for r in rows.tolist()], shape)


@reduce_join_op.shape
def _(inputs: Any, reduction_indices: Any, *, keep_dims: bool, separator: str) -> Any:
    axes = reduction_indices.value
    if inputs.shape is None or axes is None:
        return None
    gone = {axis_of(int(a), len(inputs.shape), "reduction dimension") for a in axes.reshape(-1)}
    return [1 if a in gone else n for a, n in enumerate(inputs.shape)] if keep_dims else [n for a, n in enumerate(inputs.shape) if a not in gone]


def _reduce_join(inputs: Any, axis: Any, keepdims: bool, separator: str, name: str | None) -> Any:
    inputs = convert_to_tensor(inputs)
    if axis is None:
        rank = inputs.shape.rank
        axis = np.arange(rank, dtype=np.int32)[::-1] if rank is not None else find("Range")(find("Sub")(find("Rank")(inputs), 1), -1, -1)
    return reduce_join_op(inputs, axis, keep_dims=bool(keepdims), separator=separator, name=name)


@export(v2=("strings.reduce_join",))
def reduce_join_v2(inputs: Any, axis: Any = None, keepdims: bool = False, separator: str = "", name: str | None = None) -> Any:
    """The strings along `axis` (by default all) joined into one.

    >>> tf.strings.reduce_join([["a", "b"], ["c", "d"]], 0).numpy().tolist()
    [b'ac', b'bd']
    """
    if is_ragged(inputs):
        return _ragged_join(inputs, axis, separator)
    with scoped(name, "ReduceJoin"):
        return _reduce_join(inputs, axis, keepdims, separator, None)


def _ragged_join(inputs: Any, axis: Any, separator: str) -> Any:
    if axis not in (-1, 1) or inputs.ragged_rank != 1:
        raise ValueError("reduce_join of a RaggedTensor joins its innermost axis of a tensor of ragged rank 1")
    return unsorted_segment_join(inputs.values, inputs.value_rowids(), inputs.nrows(), separator)


@export(v1=("reduce_join", "strings.reduce_join"))
def reduce_join(
    inputs: Any, axis: Any = None, keep_dims: Any = None, separator: str = "", name: str | None = None, reduction_indices: Any = None, keepdims: Any = None
) -> Any:  # fmt: skip
    """`tf.strings.reduce_join` with the parameters of 1.x."""
    keep = keep_dims if keepdims is None else keepdims
    return reduce_join_v2(inputs, reduction_indices if axis is None else axis, bool(keep), separator, name)


@op("UnsortedSegmentJoin(inputs: string, segment_ids: Tindices, num_segments: Tnumsegments, *, separator: str = \"\", "
    "Tindices: index, Tnumsegments: index = int32) -> output: string", where="host")  # fmt: skip
def unsorted_segment_join_op(xp, inputs, segment_ids, num_segments, *, separator):
    """The strings of each segment joined."""
    n, ids = int(num_segments), segment_ids.reshape(-1)
    rest = inputs.shape[segment_ids.ndim :]
    rows = inputs.reshape(len(ids), -1)
    groups: list[list[list[bytes]]] = [[[] for _ in range(rows.shape[1])] for _ in range(n)]
    for i, row in zip(ids.tolist(), rows.tolist()):
        if i >= n:
            raise _bad(f"Segment id {i} is not in [0, {n})")
        if i >= 0:
            for held, s in zip(groups[i], row):
                held.append(s)
    return _strings([_bytes(separator).join(c) for g in groups for c in g], (n, *rest))


@unsorted_segment_join_op.shape
def _(inputs: Any, segment_ids: Any, num_segments: Any, *, separator: str) -> Any:
    if inputs.shape is None or segment_ids.shape is None:
        return None
    n = num_segments.value
    return (None if n is None else int(n), *inputs.shape[len(segment_ids.shape) :])


@export("strings.unsorted_segment_join")
def unsorted_segment_join(inputs: Any, segment_ids: Any, num_segments: Any, separator: str = "", name: str | None = None) -> Any:
    """The strings with the same segment id joined, in order."""
    return unsorted_segment_join_op(inputs, segment_ids, num_segments, separator=separator, name=name)


# -- changed -----------------------------------------------------------------------------------------------------------
def _letters(s: bytes, encoding: str, upper: bool) -> bytes:
    if encoding.lower() in ("utf-8", "utf8"):
        return _bytes("".join((c.upper() if upper else c.lower()) for c in _chars(s)))
    return s.upper() if upper else s.lower()


@op('StringLower(input: string, *, encoding: str = "") -> output: string', where="host", shape=_same)
def string_lower_op(xp, input, *, encoding):
    """Lower case: of ASCII letters, or with encoding="utf-8" of all."""
    return map_strings(lambda s: _letters(s, encoding, False), input)


@op('StringUpper(input: string, *, encoding: str = "") -> output: string', where="host", shape=_same)
def string_upper_op(xp, input, *, encoding):
    """Upper case: of ASCII letters, or with encoding="utf-8" of all."""
    return map_strings(lambda s: _letters(s, encoding, True), input)


@op("StringStrip(input: string) -> output: string", where="host", shape=_same)
def string_strip_op(xp, input):
    """The strings without white space at either end."""
    return map_strings(lambda s: s.strip(b" \t\n\v\f\r"), input)


def _elementwise(made: Any, names: tuple[str, ...], v1: tuple[str, ...], label: str, encoded: bool) -> None:
    if encoded:

        def call(input: Any, encoding: str = "", name: str | None = None) -> Any:  # noqa: A002
            return map_flat(lambda x: made(x, encoding=encoding, name=name), input)
    else:

        def call(input: Any, name: str | None = None) -> Any:  # type: ignore[misc]  # noqa: A002
            return map_flat(lambda x: made(x, name=name), input)

    call.__name__ = call.__qualname__ = label
    call.__doc__ = made.__doc__
    globals()[label] = export(*names, v1=v1)(call)


_elementwise(string_lower_op, ("strings.lower",), (), "string_lower", True)
_elementwise(string_upper_op, ("strings.upper",), (), "string_upper", True)
_elementwise(string_strip_op, ("strings.strip",), ("string_strip",), "string_strip", False)


@op(f"StringLength(input: string, *, {_UNIT}) -> output: int32", where="host", shape=_same)
def string_length_op(xp, input, *, unit):
    """The length of each string in bytes or characters."""
    count = len if unit == "BYTE" else lambda s: sum(b & 0xC0 != 0x80 for b in s)
    return np.array([count(s) for s in input.ravel().tolist()], np.int32).reshape(input.shape)


@export("strings.length", old=Old("input, name=None, unit='BYTE'"))
def string_length(input: Any, unit: str = "BYTE", name: str | None = None) -> Any:  # noqa: A002
    """int32: the length of each string in bytes, or with unit="UTF8_CHAR" in characters.

    >>> tf.strings.length("h\u00e4", unit="UTF8_CHAR").numpy()
    np.int32(2)
    """
    return map_flat(lambda x: string_length_op(x, unit=unit, name=name), input)


@op(f"Substr(input: string, pos: T, len: T, *, {_UNIT}, T: index) -> output: string", where="host")
def substr_op(xp, input, pos, len, *, unit):  # noqa: A002
    """The part of each string that begins at `pos` and is `len` long, or what there is of it."""
    shape = np.broadcast_shapes(input.shape, pos.shape, len.shape)
    out = []
    for i, (s, p, n) in enumerate(zip(*[np.broadcast_to(a, shape).ravel().tolist() for a in (input, pos, len)])):
        text = s if unit == "BYTE" else _chars(s)
        size = text.__len__()
        if not -size <= p <= size:
            raise _bad(f"pos {p} out of range for string {s!r} at index {i}")
        start = p + size if p < 0 else p
        part = text[start : start + max(n, 0)]
        out.append(part if isinstance(part, bytes) else _bytes(part))
    return _strings(out, shape)


substr_op.shape(lambda input, pos, len, *, unit: broadcast(input.shape, pos.shape, len.shape))


@export("strings.substr", v1=("substr",), old=Old("input, pos, len, name=None, unit='BYTE'"))
def substr(input: Any, pos: Any, len: Any, unit: str = "BYTE", name: str | None = None) -> Any:  # noqa: A002
    """The part of each string that begins at `pos` (from the end when negative) and is at most `len` long.

    >>> tf.strings.substr("hello", 1, 3).numpy()
    b'ell'
    """
    if is_ragged(input):
        return map_flat(lambda x: substr_op(x, pos, len, unit=unit, name=name), input)
    return substr_op(input, pos, len, unit=unit, name=name)


# -- cut ---------------------------------------------------------------------------------------------------------------
def _rows(rows: list[list[bytes]]) -> tuple[Any, Any, Any]:
    """The places, the values and the shape of a matrix whose rows are given."""
    at = np.array([(i, j) for i, r in enumerate(rows) for j in range(len(r))], np.int64).reshape(-1, 2)
    return at, _strings([s for r in rows for s in r], (len(at),)), np.array([len(rows), max(map(len, rows), default=0)], np.int64)


@op("StringSplit(input: string, delimiter: string, *, skip_empty: bool = True) -> (indices: int64, values: string, shape: int64)", where="host",
    shape=lambda *_, skip_empty: ((None, 2), (None,), (2,)))  # fmt: skip
def string_split_op(xp, input, delimiter, *, skip_empty):
    """Each string cut at any character of `delimiter`, or into single bytes when that is empty."""
    marks = delimiter[()]

    def cut(s: bytes) -> list[bytes]:
        parts = [s[i : i + 1] for i in range(len(s))] if not marks else re.split(b"[" + re.escape(marks) + b"]", s)
        return [p for p in parts if p] if skip_empty else parts

    return _rows([cut(s) for s in input.tolist()])


@op("StringSplitV2(input: string, sep: string, *, maxsplit: int = -1) -> (indices: int64, values: string, shape: int64)", where="host",
    shape=lambda *_, maxsplit: ((None, 2), (None,), (2,)))  # fmt: skip
def string_split_v2_op(xp, input, sep, *, maxsplit):
    """Each string cut at `sep`, or at runs of white space when that is empty, as Python's split does."""
    if sep.ndim:
        raise _bad(f"sep must be a scalar, got shape: {list(sep.shape)}")
    if maxsplit == 0 or maxsplit < -1:
        maxsplit = -1
    return _rows([s.split(sep[()] or None, maxsplit if maxsplit > 0 else -1) for s in input.tolist()])


for _one in (string_split_op, string_split_v2_op):
    _one.no_grad()


def _split(text: Any, sep: Any, maxsplit: int) -> Any:
    """The RaggedTensor of the parts of a vector of strings."""
    indices, values, shape = string_split_v2_op(text, sep, maxsplit=maxsplit)
    count = find("StridedSlice")(shape, [0], [1], [1], shrink_axis_mask=1)
    rows = find("StridedSlice")(indices, [0, 0], [0, 1], [1, 1], begin_mask=1, end_mask=1, shrink_axis_mask=2)
    made = RaggedTensor.from_value_rowids(values, rows, nrows=count, validate=False)
    return made


@export(v2=("strings.split",))
def string_split_v2(input: Any, sep: Any = None, maxsplit: int = -1, name: str | None = None) -> Any:  # noqa: A002
    """The parts of each string between `sep` (by default: runs of white space): a vector of one string, else a RaggedTensor.

    >>> tf.strings.split("a b  c").numpy().tolist()
    [b'a', b'b', b'c']
    """
    with scoped(name, "StringSplit"):
        sep = convert_to_tensor("" if sep is None else sep, dtypes.string)
        if is_ragged(input):
            return input.with_flat_values(string_split_v2(input.flat_values, sep, maxsplit))
        text = convert_to_tensor(input, dtypes.string)
        rank = text.shape.rank
        if rank is None:
            raise ValueError("tf.strings.split() needs strings of known rank")
        if rank == 0:
            return string_split_v2_op(find("Reshape")(text, [1]), sep, maxsplit=maxsplit)[1]
        if rank == 1:
            return _split(text, sep, maxsplit)
        return RaggedTensor.from_tensor(text, ragged_rank=rank - 1).with_flat_values(_split(find("Reshape")(text, [-1]), sep, maxsplit))


def _result(ragged: Any, result_type: str) -> Any:
    if result_type == "SparseTensor":
        return ragged.to_sparse()
    if result_type == "RaggedTensor":
        return ragged
    raise ValueError("result_type must be 'RaggedTensor' or 'SparseTensor'.")


@export(v1=("string_split",))
def string_split(
    source: Any, sep: Any = None, skip_empty: bool = True, delimiter: Any = None, result_type: str = "SparseTensor", name: str | None = None
) -> Any:  # fmt: skip
    """The parts of each string of a vector, cut at any character of `delimiter` (by default: a blank)."""
    with scoped(name, "StringSplit"):
        text = convert_to_tensor(source, dtypes.string)
        marks = convert_to_tensor(" " if sep is None and delimiter is None else delimiter if sep is None else sep, dtypes.string)
        made = SparseTensor(*string_split_op(text, marks, skip_empty=skip_empty))
        if result_type == "SparseTensor":
            return made
        if result_type == "RaggedTensor":
            rows = find("StridedSlice")(made.indices, [0, 0], [0, 1], [1, 1], begin_mask=1, end_mask=1, shrink_axis_mask=2)
            return RaggedTensor.from_value_rowids(made.values, rows, nrows=find("StridedSlice")(made.dense_shape, [0], [1], [1], shrink_axis_mask=1), validate=False)
        raise ValueError("result_type must be 'RaggedTensor' or 'SparseTensor'.")


@export(v1=("strings.split",))
def strings_split(
    input: Any = None, sep: Any = None, maxsplit: int = -1, result_type: str = "SparseTensor", source: Any = None, name: str | None = None  # noqa: A002
) -> Any:  # fmt: skip
    """`tf.strings.split` of 1.x: a SparseTensor unless a RaggedTensor is asked for."""
    with scoped(name, "StringSplit"):
        text = source if input is None else input
        text = text if is_ragged(text) else convert_to_tensor(text, dtypes.string)
        if not is_ragged(text) and text.shape.rank == 0:
            text = find("Reshape")(text, [1])
        return _result(string_split_v2(text, sep, maxsplit), result_type)


@export("strings.bytes_split")
def string_bytes_split(input: Any, name: str | None = None) -> Any:  # noqa: A002
    """The single bytes of each string: a vector of one string, else a RaggedTensor."""
    with scoped(name, "StringsByteSplit"):
        if is_ragged(input):
            return input.with_flat_values(string_bytes_split(input.flat_values))
        text = convert_to_tensor(input, dtypes.string)
        rank = text.shape.rank
        if rank is None:
            raise ValueError("input must have a statically-known rank.")
        if rank == 0:
            return string_bytes_split(find("Reshape")(text, [1])).values
        if rank == 1:
            return string_split(text, "", skip_empty=False, result_type="RaggedTensor")
        return string_bytes_split(RaggedTensor.from_tensor(text, ragged_rank=rank - 1))


# -- numbers -----------------------------------------------------------------------------------------------------------
_FLOAT = re.compile(rb"[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|inf(?:inity)?|nan|0[xX][0-9a-fA-F]+(?:\.[0-9a-fA-F]*)?(?:[pP][+-]?\d+)?)", re.I)
_INT = re.compile(rb"[+-]?\d+")


def parse_number(s: bytes, dtype: Any) -> Any:
    """The number a string spells, or None."""
    text = s.strip(b" \t\n\v\f\r")
    if dtype.is_floating:
        if not _FLOAT.fullmatch(text):
            return None
        return float.fromhex(text.decode()) if b"x" in text.lower() else float(text)
    if not _INT.fullmatch(text):
        return None
    value = int(text)
    return value if dtype.min <= value <= dtype.max else None


_PLAIN_INTS = re.compile(rb"[+-]?\d{1,18}(?:\n[+-]?\d{1,18})*")
_PLAIN_FLOATS = re.compile(rb"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?:\n[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)*")


def parse_numbers(texts: list[bytes], dtype: Any) -> list[Any]:
    """`parse_number` of each: at once where all are plain decimals."""
    whole = (_PLAIN_FLOATS if dtype.is_floating else _PLAIN_INTS).fullmatch(b"\n".join(texts))
    if whole and (dtype.is_floating or dtype.name == "int64"):
        return list(map(float if dtype.is_floating else int, texts))
    if whole:
        found = list(map(int, texts))
        if dtype.min <= min(found) and max(found) <= dtype.max:
            return found
    return [parse_number(t, dtype) for t in texts]


@op("StringToNumber(string_tensor: string, *, out_type: {float32|float64|int32|int64|uint32|uint64} = float32) -> output: out_type", where="host", shape=_same)
def string_to_number_op(xp, string_tensor, *, out_type):
    """The number that each string spells."""
    texts = string_tensor.ravel().tolist()
    out = parse_numbers(texts, out_type) if texts else []
    if None in out:
        raise _bad(f"StringToNumberOp could not correctly convert string: {_chars(texts[out.index(None)])}")
    return np.array(out, out_type.array_dtype).reshape(string_tensor.shape)


string_to_number_op.no_grad()


@export("strings.to_number", v1=("string_to_number",), old=Old("string_tensor=None, out_type=None, name=None, input=None", string_tensor="input"))
def string_to_number(input: Any, out_type: Any = dtypes.float32, name: str | None = None) -> Any:  # noqa: A002
    """The number that each string spells; InvalidArgumentError where it spells none.

    >>> tf.strings.to_number("1.5").numpy()
    np.float32(1.5)
    """
    return map_flat(lambda x: string_to_number_op(x, out_type=out_type or dtypes.float32, name=name), input)


@op("AsString(input: T, *, precision: int = -1, scientific: bool = False, shortest: bool = False, width: int = -1, fill: str = \"\", "
    "T: {float32|float64|int32|uint8|int16|int8|int64|bfloat16|uint16|float16|uint32|uint64|complex64|complex128|bool|variant|string}) -> output: string",
    where="host", shape=_same)  # fmt: skip
def as_string_op(xp, input, *, precision, scientific, shortest, width, fill, T):  # noqa: N803
    """Each number (or bool) as C's printf writes it."""
    if scientific and shortest:
        raise _bad("Cannot select both scientific and shortest notation")
    real = T.is_floating or T.is_complex
    if not real and (precision >= 0 or scientific or shortest):
        what = "precision" if precision >= 0 else "scientific and shortest format"
        raise _bad(f"{what} not supported for datatype {T.name}")
    if len(fill) > 1:
        raise _bad("Fill string must be one or fewer characters")
    if fill not in ("", " ", "+", "-", "0", "#"):
        raise _bad(f"Fill argument not supported: {fill!r}")
    if T is dtypes.string:
        return input
    spec = "%" + fill + (str(width) if width > -1 else "") + (f".{precision}" if precision > -1 else "")
    letter = ("e" if scientific else "g" if shortest else "f") if real else "s" if T.is_bool else "d"
    one = spec + letter
    if T.is_complex:
        write = lambda z: f"({one % z.real},{one % z.imag})"
    elif T.is_bool:
        write = lambda v: one.replace("0", "", 1 if fill == "0" else 0) % ("true" if v else "false")
    else:
        write = lambda v: one % v
    values = input.astype(np.float64) if T.is_floating else input
    return _strings([write(v).encode() for v in values.ravel().tolist()], input.shape)


as_string_op.no_grad()


@export("strings.as_string", "as_string", v1=("dtypes.as_string",))
def as_string(
    input: Any, precision: int = -1, scientific: bool = False, shortest: bool = False, width: int = -1, fill: str = "", name: str | None = None  # noqa: A002
) -> Any:  # fmt: skip
    """Each number or bool as a string.

    >>> tf.strings.as_string([3.14159, 2.71828], precision=2).numpy().tolist()
    [b'3.14', b'2.72']
    """
    return map_flat(lambda x: as_string_op(x, precision=precision, scientific=scientific, shortest=shortest, width=width, fill=fill, name=name), input)


# -- n-grams -----------------------------------------------------------------------------------------------------------
@op("StringNGrams(data: string, data_splits: Tsplits, *, separator: str, ngram_widths: list(int) >= 0, left_pad: str, right_pad: str, pad_width: int, "
    "preserve_short_sequences: bool, Tsplits: index = int64) -> (ngrams: string, ngrams_splits: Tsplits)", where="host",
    shape=lambda data, data_splits, **_: ((None,), data_splits.shape))  # fmt: skip
def string_ngrams_op(xp, data, data_splits, *, separator, ngram_widths, left_pad, right_pad, pad_width, preserve_short_sequences):
    """The runs of each row that are so many strings long, joined."""
    rows, splits = [], [0]
    sep, left, right = _bytes(separator), _bytes(left_pad), _bytes(right_pad)
    flat = data.tolist()
    for start, end in zip(data_splits[:-1].tolist(), data_splits[1:].tolist()):
        row, found = flat[start:end], []
        for width in ngram_widths:
            pads = min(pad_width if pad_width >= 0 else width - 1, width - 1)
            padded = [left] * pads + row + [right] * pads
            found.extend(sep.join(padded[i : i + width]) for i in range(len(padded) - width + 1))
        if not found and preserve_short_sequences and row:
            pads = pad_width if pad_width >= 0 else 0
            found.append(sep.join([left] * pads + row + [right] * pads))
        rows.extend(found)
        splits.append(len(rows))
    return _strings(rows, (len(rows),)), np.array(splits, data_splits.dtype)


string_ngrams_op.no_grad()


@export("strings.ngrams")
def ngrams(
    data: Any, ngram_width: Any, separator: str = " ", pad_values: Any = None, padding_width: int | None = None,
    preserve_short_sequences: bool = False, name: str | None = None,
) -> Any:  # fmt: skip
    """The runs of `ngram_width` (one number or several) strings along the last axis, joined by `separator`.

    >>> tf.strings.ngrams(["a", "b", "c"], 2).numpy().tolist()
    [b'a b', b'b c']
    """
    with scoped(name, "StringNGrams"):
        left, right = ("", "") if pad_values is None else (pad_values, pad_values) if isinstance(pad_values, (str, bytes)) else pad_values
        if pad_values is not None and not isinstance(pad_values, (str, bytes)) and not (isinstance(pad_values, tuple) and len(pad_values) == 2):
            raise TypeError("pad_values must be a string, tuple of two strings, or None.")
        widths = [ngram_width] if isinstance(ngram_width, int) else list(ngram_width)
        if any(w < 1 for w in widths):
            raise ValueError(f"All ngram_widths must be greater than 1. Received: ngram_width={ngram_width}")
        if padding_width is not None and padding_width < 1:
            raise ValueError(f"padding_width must be greater than 0. Received: padding_width={padding_width}")
        if padding_width is not None and pad_values is None:
            raise ValueError("pad_values must be provided if padding_width is set.")
        pads = -1 if pad_values is not None and padding_width is None else 0 if padding_width is None else padding_width
        dense = not is_ragged(data)
        data = convert_to_tensor(data) if dense else data
        vector = dense and data.shape.rank == 1
        if dense and data.shape.rank == 0:
            raise ValueError("Data must have rank>0")
        if vector:
            data = find("ExpandDims")(data, 0)
        ragged = RaggedTensor.from_tensor(data, ragged_rank=data.shape.rank - 1) if dense else data
        if ragged.ragged_rank > 1:
            made = ragged.with_values(ngrams(ragged.values, ngram_width, separator, pad_values, padding_width, preserve_short_sequences))
        else:
            found, splits = string_ngrams_op(
                ragged.flat_values, ragged.row_splits, separator=separator, ngram_widths=widths, left_pad=left, right_pad=right, pad_width=pads,
                preserve_short_sequences=preserve_short_sequences,
            )  # fmt: skip
            made = RaggedTensor.from_row_splits(found, splits, validate=False)
        if vector:
            return made.values
        return made.to_tensor("") if dense else made
