"""Strings that hold something else: base64, raw numbers, compressed bytes, lines of CSV."""

import base64
import gzip
import zlib
from typing import Any

import numpy as np

from penstock.base import dtypes
from penstock.base.errors import InvalidArgumentError
from penstock.base.export import Old, export
from penstock.ir.op import op
from penstock.ir.tensor import Tensor
from penstock.ops.families import of_elements
from penstock.ops.strings import map_strings, parse_number, parse_numbers

_RAW = "{float16|float32|float64|int32|uint16|uint8|int16|int8|int64|complex64|complex128|bool|bfloat16}"
_PADDED = "{float16|float32|float64|int32|uint16|uint8|int16|int8|int64|bfloat16}"
_same = lambda x, *_, **__: x.shape


def _bad(message: str) -> InvalidArgumentError:
    return InvalidArgumentError(None, None, message)


# -- base64 ------------------------------------------------------------------------------------------------------------
@op("EncodeBase64(input: string, *, pad: bool = False) -> output: string", where="host", shape=_same)
def encode_base64_op(xp, input, *, pad):  # noqa: A002
    """Web-safe base64, with `=` at the end only when asked for."""
    return map_strings(lambda s: base64.urlsafe_b64encode(s) if pad else base64.urlsafe_b64encode(s).rstrip(b"="), input)


_ALPHABET = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


def _unbase64(s: bytes) -> bytes:
    text = s.rstrip(b"=") if len(s) % 4 == 0 else s
    if not _ALPHABET.issuperset(text):
        raise _bad("Invalid character found in base64.")
    if len(text) % 4 == 1:
        raise _bad("Base64 string length cannot be 1 modulo 4.")
    return base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4))


@op("DecodeBase64(input: string) -> output: string", where="host", shape=_same)
def decode_base64_op(xp, input):  # noqa: A002
    """What web-safe base64 spells."""
    return map_strings(_unbase64, input)


@export("io.encode_base64", v1=("encode_base64",))
@of_elements
def encode_base64(input: Any, pad: bool = False, name: str | None = None) -> Any:  # noqa: A002
    """Each string in web-safe base64.

    >>> tf.io.encode_base64("hi").numpy()
    b'aGk'
    """
    return encode_base64_op(input, pad=pad, name=name)


@export("io.decode_base64", v1=("decode_base64",))
@of_elements
def decode_base64(input: Any, name: str | None = None) -> Any:  # noqa: A002
    """What each string spells in web-safe base64, padded or not."""
    return decode_base64_op(input, name=name)


# -- raw numbers -------------------------------------------------------------------------------------------------------
def _numbers(rows: list[bytes], shape: Any, dtype: Any, little_endian: bool) -> np.ndarray:
    kind = dtype.array_dtype if little_endian or dtype.array_dtype.itemsize == 1 else dtype.array_dtype.newbyteorder(">")
    if kind.kind == "V":
        kind = np.dtype(np.uint16 if little_endian else ">u2")
    flat = np.frombuffer(b"".join(rows), kind).astype(kind.newbyteorder("="))
    if flat.dtype != dtype.array_dtype:
        flat = flat.view(dtype.array_dtype)
    width = len(rows[0]) // dtype.array_dtype.itemsize if rows else 0
    return flat.reshape(*shape, width)


@op(f"DecodeRaw(bytes: string, *, out_type: {_RAW}, little_endian: bool = True) -> output: out_type", where="host",
    shape=lambda b, **_: None if b.shape is None else (*b.shape, None))  # fmt: skip
def decode_raw_op(xp, bytes, *, out_type, little_endian):  # noqa: A002
    """[..., n] numbers: the bytes of each string."""
    rows = bytes.ravel().tolist()
    for i, r in enumerate(rows):
        if len(r) != len(rows[0]):
            raise _bad(f"DecodeRaw requires input strings to all be the same size, but element {i} has size {len(rows[0])} != {len(r)}")
    if rows and len(rows[0]) % out_type.array_dtype.itemsize:
        raise _bad(f"Input to DecodeRaw has length {len(rows[0])} that is not a multiple of {out_type.array_dtype.itemsize}, the size of {out_type.name}")
    return _numbers(rows, bytes.shape, out_type, little_endian)


@op(f"DecodePaddedRaw(input_bytes: string, fixed_length: int32, *, out_type: {_PADDED}, little_endian: bool = True) -> output: out_type", where="host")
def decode_padded_raw_op(xp, input_bytes, fixed_length, *, out_type, little_endian):
    """[..., fixed_length / size] numbers: the bytes of each string, cut or filled up with zeros."""
    if fixed_length.ndim:
        raise _bad(f"fixed_length must be a scalar, got shape {list(fixed_length.shape)}")
    n, size = int(fixed_length), out_type.array_dtype.itemsize
    if n <= 0 or n % size:
        raise _bad(f"fixed_length ({n}) must be a positive multiple of the size of out_type ({size})")
    return _numbers([r[:n].ljust(n, b"\0") for r in input_bytes.ravel().tolist()], input_bytes.shape, out_type, little_endian)


@decode_padded_raw_op.shape
def _(input_bytes: Any, fixed_length: Any, *, out_type: Any, little_endian: bool) -> Any:
    n = fixed_length.value
    return None if input_bytes.shape is None else (*input_bytes.shape, None if n is None else int(n) // out_type.array_dtype.itemsize)


@export(v2=("io.decode_raw",), v1=("decode_raw", "io.decode_raw"), old=Old("input_bytes=None, out_type=None, little_endian=True, name=None, bytes=None", bytes="input_bytes"))
def decode_raw(input_bytes: Any, out_type: Any, little_endian: bool = True, fixed_length: Any = None, name: str | None = None) -> Any:
    """The bytes of each string read as numbers: [...] strings -> [..., n]; with `fixed_length` they may differ in length.

    >>> tf.io.decode_raw(b"\\x01\\x00", tf.int16).numpy().tolist()
    [1]
    """
    if fixed_length is not None:
        return decode_padded_raw_op(input_bytes, fixed_length, out_type=out_type, little_endian=little_endian, name=name)
    return decode_raw_op(input_bytes, out_type=out_type, little_endian=little_endian, name=name)


# -- compressed bytes --------------------------------------------------------------------------------------------------
def _expand(s: bytes, kind: str) -> bytes:
    if not kind:
        return s
    if kind not in ("ZLIB", "GZIP"):
        raise _bad(f"Only ZLIB, GZIP or NONE are supported compressions, got {kind}")
    try:
        return zlib.decompress(s) if kind == "ZLIB" else gzip.decompress(s)
    except (zlib.error, OSError, EOFError):
        return b""  # what cannot be read is empty


@op('DecodeCompressed(bytes: string, *, compression_type: str = "") -> output: string', where="host", shape=_same)
def decode_compressed_op(xp, bytes, *, compression_type):  # noqa: A002
    """Each string decompressed."""
    return map_strings(lambda s: _expand(s, compression_type), bytes)


@export("io.decode_compressed", v1=("decode_compressed",))
@of_elements
def decode_compressed(bytes: Any, compression_type: str = "", name: str | None = None) -> Any:  # noqa: A002
    """Each string decompressed: compression_type is "ZLIB", "GZIP" or "" for none."""
    return decode_compressed_op(bytes, compression_type=compression_type, name=name)


# -- CSV ---------------------------------------------------------------------------------------------------------------
def fields(line: bytes, delim: bytes, quotes: bool) -> list[bytes]:
    """The fields of a line of RFC 4180."""
    if not quotes:
        return line.split(delim)
    found, at, n = [], 0, len(line)
    while True:
        if line[at : at + 1] == b'"':
            at += 1
            part = b""
            while True:
                end = line.find(b'"', at)
                if end < 0:
                    raise _bad("Quoted field has to end with quote followed by delim or end")
                part += line[at:end]
                at = end + 1
                if line[at : at + 1] != b'"':
                    break
                part += b'"'
                at += 1
            if at < n and line[at : at + 1] != delim:
                raise _bad("Quoted field has to end with quote followed by delim or end")
            found.append(part)
        else:
            end = line.find(delim, at)
            end = n if end < 0 else end
            part = line[at:end]
            if any(c in part for c in (b'"', b"\n", b"\r")):
                raise _bad("Unquoted fields cannot have quotes/CRLFs inside")
            found.append(part)
            at = end
        if at >= n:
            return found
        at += 1
        if at == n:
            return [*found, b""]


@op("DecodeCSV(records: string, record_defaults: OUT_TYPE, *, OUT_TYPE: list({float32|float64|int32|int64|string}) >= 1, field_delim: str = \",\", "
    "use_quote_delim: bool = True, na_value: str = \"\", select_cols: list(int) = []) -> output: OUT_TYPE", where="host",
    shape=lambda records, defaults, *, OUT_TYPE, **_: [records.shape] * len(OUT_TYPE))  # fmt: skip
def decode_csv_op(xp, records, record_defaults, *, OUT_TYPE, field_delim, use_quote_delim, na_value, select_cols):  # noqa: N803
    """One tensor for each column; a column whose default is empty must be there in every record."""
    delim, missing = field_delim.encode(), na_value.encode()
    columns: list[list[Any]] = [[] for _ in OUT_TYPE]
    lines = records.ravel().tolist()
    if lines and not select_cols:
        out = _plain_csv(lines, delim, missing, OUT_TYPE)
        if out is not None:
            return [_column(values, dtype, records.shape) for values, dtype in zip(out, OUT_TYPE)]
    for row, line in enumerate(lines):
        found = fields(line, delim, use_quote_delim)
        if select_cols:
            if max(select_cols) >= len(found):
                raise _bad(f"Expect {len(OUT_TYPE)} fields but have {sum(c < len(found) for c in select_cols)} in record {row}")
            found = [found[c] for c in select_cols]
        if len(found) != len(OUT_TYPE):
            raise _bad(f"Expect {len(OUT_TYPE)} fields but have {len(found)} in record {row}")
        for i, (text, dtype, default) in enumerate(zip(found, OUT_TYPE, record_defaults)):
            if not text or text == missing:
                if not default.size:
                    raise _bad(f"Field {i} is required but missing in record {row}!")
                columns[i].append(default.reshape(-1)[0])
                continue
            value = text if dtype is dtypes.string else parse_number(text, dtype)
            if value is None:
                raise _bad(f"Field {i} in record {row} is not a valid {dtype.name}: {text.decode('utf-8', 'replace')}")
            columns[i].append(value)
    return [_column(values, dtype, records.shape) for values, dtype in zip(columns, OUT_TYPE)]


def _column(values: list[Any], dtype: Any, dims: tuple[int, ...]) -> np.ndarray:
    made = np.empty(dims, dtype.array_dtype)
    made.reshape(-1)[:] = values
    return made


def _plain_csv(lines: list[bytes], delim: bytes, missing: bytes, kinds: list[Any]) -> list[list[Any]] | None:
    """The columns of lines without quotes, gaps or faults; None where there is any."""
    text = b"\n".join(lines)
    if b'"' in text or b"\r" in text or text.count(b"\n") != len(lines) - 1:
        return None
    rows = [line.split(delim) for line in lines]
    if any(len(row) != len(kinds) for row in rows):
        return None
    columns: list[list[Any]] = [list(c) for c in zip(*rows)]
    for i, dtype in enumerate(kinds):
        if b"" in columns[i] or missing in columns[i]:
            return None
        if dtype is not dtypes.string:
            columns[i] = parse_numbers(columns[i], dtype)
            if None in columns[i]:
                return None
    return columns


for _one in (encode_base64_op, decode_base64_op, decode_raw_op, decode_padded_raw_op, decode_compressed_op, decode_csv_op):
    _one.no_grad()


@export(v2=("io.decode_csv",))
def decode_csv_v2(
    records: Any, record_defaults: Any, field_delim: str = ",", use_quote_delim: bool = True, na_value: str = "", select_cols: Any = None, name: str | None = None
) -> Any:  # fmt: skip
    """The columns of lines of CSV, each of the dtype of its default.

    >>> [c.numpy().tolist() for c in tf.io.decode_csv(["1,a", ",b"], [[7], [""]])]
    [[1, 7], [b'a', b'b']]
    """
    if len(field_delim.encode()) != 1:
        raise ValueError(f"`field_delim` must be a single character, got {field_delim!r}")
    if select_cols is not None and any(a >= b for a, b in zip(select_cols, list(select_cols)[1:])):
        raise ValueError("select_cols is not strictly increasing.")
    if select_cols is not None and list(select_cols) and select_cols[0] < 0:
        raise ValueError("select_cols contains negative values.")
    if select_cols is not None and len(select_cols) != len(record_defaults):
        raise ValueError("Length of select_cols and record_defaults do not match.")
    defaults = list(record_defaults)
    for d in defaults:
        dims = d._dims if isinstance(d, Tensor) else np.shape(d)
        if dims is not None and len(dims) == 1 and dims[0] is not None and dims[0] > 1:
            raise ValueError(f"Shape of a default must be a length-0 or length-1 vector, or a scalar, got {list(dims)}")
    return decode_csv_op(
        records, defaults, field_delim=field_delim, use_quote_delim=use_quote_delim, na_value=na_value, select_cols=list(select_cols or []), name=name
    )  # fmt: skip


@export(v1=("decode_csv", "io.decode_csv"))
def decode_csv(
    records: Any, record_defaults: Any, field_delim: str = ",", use_quote_delim: bool = True, name: str | None = None, na_value: str = "", select_cols: Any = None
) -> Any:  # fmt: skip
    """`tf.io.decode_csv` with the parameters of 1.x."""
    return decode_csv_v2(records, record_defaults, field_delim, use_quote_delim, na_value, select_cols, name)
