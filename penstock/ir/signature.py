"""An op's signature as one line of text: the same facts as TensorFlow's OpDef.

`MatMul(a: T, b: T, *, transpose_a: bool = False, T: {float32|int32}) -> product: T`

Inputs and outputs: a type attr (`T`), a dtype (`int32`), `N*T` (a list of N of one type), a `list(type)` attr (one type each),
`Ref(T)`.  Attrs: `bool int float str shape tensor func type` and `list(...)` of them, `{a|b}` or a named set for allowed
types, `"SAME"|"VALID"` for allowed strings, `>= n` for a minimum, `= default`.
"""

import ast
import re
from dataclasses import dataclass
from typing import Any

from penstock.base import dtypes
from penstock.base.dtypes import DType

_N = lambda text: tuple(dtypes.as_dtype(n) for n in text.split())
SETS: dict[str, tuple[DType, ...]] = {
    "real_float": _N("bfloat16 float16 float32 float64"),
    "inexact": _N("bfloat16 float16 float32 float64 complex64 complex128"),
    "index": _N("int32 int64"),
    "integer": _N("int8 int16 int32 int64 uint8 uint16 uint32 uint64"),
    "real": _N("float32 float64 int32 uint8 int16 int8 int64 bfloat16 uint16 float16 uint32 uint64"),
    "numeric": _N("float32 float64 int32 uint8 int16 int8 complex64 int64 qint8 quint8 qint32 bfloat16 qint16 quint16 uint16 "
                  "complex128 float16 uint32 uint64"),
}  # fmt: skip
SCALARS = frozenset("bool int float str shape tensor func type".split())
REQUIRED: Any = type("Required", (), {"__repr__": lambda s: "REQUIRED", "__bool__": lambda s: False})()


@dataclass(frozen=True, slots=True)
class Arg:
    """One input or output: its name and how its type and count follow from the attrs."""

    name: str
    type: str  # a type attr, a dtype's name, or a list(type) attr
    number: str | None = None  # the attr that counts a list of one type
    dtype: DType | None = None  # set when `type` is a fixed dtype
    is_ref: bool = False
    many: bool = False  # a list of tensors


@dataclass(frozen=True, slots=True)
class Attr:
    """One attribute: its type, the values it may take and its default."""

    name: str
    type: str
    default: Any = REQUIRED
    allowed: tuple[Any, ...] | None = None
    minimum: int | None = None


@dataclass(frozen=True, slots=True)
class Signature:
    """A parsed signature."""

    name: str
    inputs: tuple[Arg, ...]
    outputs: tuple[Arg, ...]
    attrs: dict[str, Attr]
    inferred: frozenset[str]  # attrs that follow from the inputs
    text: str


def _split(text: str) -> list[str]:
    parts, depth, start = [], 0, 0
    quote = ""
    for i, c in enumerate(text):
        if quote:
            quote = "" if c == quote else quote
        elif c in "\"'":
            quote = c
        elif c in "([{":
            depth += 1
        elif c in ")]}":
            depth -= 1
        elif c == "," and depth == 0:
            parts.append(text[start:i])
            start = i + 1
    parts.append(text[start:])
    return [p.strip() for p in parts if p.strip()]


def _attr(text: str) -> Attr:
    name, _, rest = (p.strip() for p in text.partition(":"))
    minimum = None
    default: Any = REQUIRED
    body = re.fullmatch(r"(.*?)(?:\s*>=\s*(-?\d+))?(?:\s*=\s*(.+))?", rest, re.S)
    assert body, text
    kind, low, value = body.groups()
    kind = kind.strip()
    if low is not None:
        minimum = int(low)
    inner = kind
    is_list = kind.startswith("list(") and kind.endswith(")")
    if is_list:
        inner = kind[5:-1].strip()
    allowed: tuple[Any, ...] | None = None
    if inner in SETS:
        allowed, inner = SETS[inner], "type"
    elif inner.startswith("{"):
        allowed, inner = tuple(dtypes.as_dtype(n.strip()) for n in inner[1:-1].split("|")), "type"
    elif inner.startswith('"'):
        allowed, inner = tuple(ast.literal_eval(n.strip()) for n in inner.split("|")), "str"
    if inner not in SCALARS:
        raise ValueError(f"unknown attr type {inner!r} in {text!r}")
    if value is not None:
        value = value.strip()
        if inner == "type" and not is_list:
            default = dtypes.as_dtype(value)
        elif inner == "type":
            default = [dtypes.as_dtype(v.strip()) for v in value.strip("[]").split(",") if v.strip()]
        else:
            default = ast.literal_eval(value)
    return Attr(name, f"list({inner})" if is_list else inner, default, allowed, minimum)


def _arg(text: str, attrs: dict[str, Attr]) -> Arg:
    name, _, kind = (p.strip() for p in text.partition(":"))
    number = None
    ref = False
    if "*" in kind:
        number, kind = (p.strip() for p in kind.split("*"))
    if kind.startswith("Ref("):
        ref, kind = True, kind[4:-1].strip()
    if kind in attrs:
        return Arg(name, kind, number, None, ref, bool(number) or attrs[kind].type == "list(type)")
    return Arg(name, kind, number, dtypes.as_dtype(kind), ref, bool(number))


def parse(text: str) -> Signature:
    """Parse a signature's text; ValueError or TypeError where it is malformed."""
    arrow = re.search(r"\)\s*->", text)
    head = re.fullmatch(r"\s*(\w+)\s*\((.*)", text[: arrow.start()] if arrow else text.rstrip().removesuffix(")"), re.S)
    if head is None or not (arrow or text.rstrip().endswith(")")):
        raise ValueError(f"malformed signature: {text}")
    name, args = head.groups()
    outs = text[arrow.end() :].strip() if arrow else ""
    fields = _split(args)
    star = fields.index("*") if "*" in fields else len(fields)
    attrs = {a.name: a for a in map(_attr, fields[star + 1 :])}
    inputs = tuple(_arg(f, attrs) for f in fields[:star])
    if outs.startswith("(") and outs.endswith(")"):
        outs = outs[1:-1]
    outputs = tuple(_arg(f, attrs) for f in _split(outs))
    inferred = {a.type for a in inputs if a.type in attrs} | {a.number for a in inputs if a.number}
    return Signature(name, inputs, outputs, attrs, frozenset(n for n in inferred if n), " ".join(text.split()))
