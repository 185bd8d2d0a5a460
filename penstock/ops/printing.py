"""Tensors as text: StringFormat, `tf.print`, `tf.compat.v1.Print`."""

import builtins
import logging
import pprint
import sys
from typing import Any

import numpy as np

from penstock.base import nest
from penstock.base.dtypes import DType
from penstock.base.errors import InvalidArgumentError
from penstock.base.export import export
from penstock.ir import door
from penstock.ir.op import op
from penstock.ir.scope import scoped
from penstock.ir.tensor import Tensor

_log = logging.getLogger("penstock")


# -- values as text ----------------------------------------------------------------------------------------------------
def element_text(value: Any, quote: bool = False) -> str:
    """One element: as few digits as tell it apart."""
    if isinstance(value, bytes):
        text = value.decode("utf-8", "backslashreplace")
        return f'"{text}"' if quote else text
    if isinstance(value, (bool, np.bool_)):
        return str(int(value))
    if isinstance(value, (np.complexfloating, complex)):
        return f"({element_text(value.real)},{element_text(value.imag)})"
    if isinstance(value, (np.floating, float)) or getattr(getattr(value, "dtype", None), "kind", "") == "V":
        wide = isinstance(value, float) or value.dtype == np.float64
        for digits, kind in ((15, float), (17, float)) if wide else ((6, np.float32), (9, np.float32)):
            text = f"{float(value):.{digits}g}"
            if kind(text) == kind(value):
                return text
        return "nan" if np.isnan(float(value)) else text
    return str(int(value)) if hasattr(value, "dtype") else str(value)


def summary(array: Any, edge: int, quote: bool = True) -> str:
    """An array in brackets, with only the first and last `edge` entries of each axis (all of them where edge < 0)."""
    if not hasattr(array, "ndim") or (array.dtype == object and not all(isinstance(v, bytes) for v in array.ravel()[:1])):
        return f"<{type(array).__name__}>"

    def render(part: Any, depth: int) -> str:
        if part.ndim == 0:
            return element_text(part[()], quote)
        n = len(part)
        rows = list(builtins.range(n))
        cut = 0 <= 2 * edge < n
        if cut:
            rows = [*builtins.range(edge), None, *builtins.range(n - edge, n)]  # type: ignore[list-item]
        if part.ndim == 1:
            return "[" + " ".join("..." if r is None else element_text(part[r], quote) for r in rows) + "]"
        gap = "\n" * (part.ndim - 1) + " " * depth
        return "[" + gap.join("..." if r is None else render(part[r], depth + 1) for r in rows) + "]"

    return render(array, 1)


def head(array: Any, count: int) -> str:
    """The first entries of an array in one line, in brackets: how Print and Assert show their data."""
    if not hasattr(array, "ndim"):
        return f"<{type(array).__name__}>"
    if array.ndim == 0:
        return element_text(array[()])
    limit = array.size if count < 0 else count

    def render(part: Any, left: int) -> tuple[str, int]:
        if part.ndim == 0:
            return element_text(part[()]), left - 1
        shown = []
        for row in part:
            if left <= 0:
                shown.append("...")
                break
            text, left = render(row, left)
            shown.append(text)
        return ("[" + "".join(shown) + "]" if part.ndim > 1 else "[" + " ".join(shown) + "]") if part is not array else (
            "".join(f"[{s}]" if not s.startswith("[") else s for s in shown) if part.ndim > 1 else " ".join(shown)), left  # fmt: skip

    return render(array, limit)[0]


# -- StringFormat and tf.print -----------------------------------------------------------------------------------------
@op('StringFormat(inputs: T, *, T: list(type) >= 0, placeholder: str = "%s", summarize: int = 3, template: str = "%s") -> output: string',
    where="host", shape=lambda inputs, **_: ())  # fmt: skip
def string_format_op(xp, inputs, *, template, placeholder, summarize):
    """The template with each placeholder replaced by the text of an input."""
    pieces = template.split(placeholder) if placeholder else [template]
    if len(pieces) - 1 != len(inputs):
        raise InvalidArgumentError(None, None, f"num placeholders in template and num inputs must match: {len(pieces) - 1} vs. {len(inputs)}")
    text = pieces[0]
    for value, piece in zip(inputs, pieces[1:]):
        text += summary(value, summarize) + piece
    out = np.empty((), object)
    out[()] = text.encode()
    return out


string_format_op.no_grad()
_LEVELS = {"log(info)": logging.INFO, "log(warning)": logging.WARNING, "log(error)": logging.ERROR}


@op('PrintV2(input: string, *, end: str = "\\n", output_stream: str = "stderr") -> ()', where="host", effect="io")
def print_v2_op(xp, input, *, output_stream, end):  # noqa: A002
    """Write a string to a stream."""
    text = input.reshape(())[()].decode("utf-8", "backslashreplace") + end
    if output_stream.startswith("file://"):
        with open(output_stream[7:], "a", encoding="utf-8") as file:
            file.write(text)
    elif output_stream in _LEVELS:
        _log.log(_LEVELS[output_stream], text.rstrip("\n"))
    else:
        stream = sys.stdout if output_stream == "stdout" else sys.stderr
        stream.write(text)
        stream.flush()
    return ()


def _stream_name(stream: Any) -> str:
    names = {id(sys.stdout): "stdout", id(sys.stderr): "stderr", id(sys.__stdout__): "stdout", id(sys.__stderr__): "stderr"}
    if id(stream) in names:
        return names[id(stream)]
    if isinstance(stream, str) and (stream in ("stdout", "stderr") or stream in _LEVELS or stream.startswith("file://")):
        return stream
    text = getattr(stream, "__name__", "")
    if callable(stream) and text in ("info", "warning", "warn", "error"):  # logging functions
        return f"log({'warning' if text == 'warn' else text})"
    raise ValueError(f"Unsupported output stream, logging level, or file.{stream}. Supported streams are sys.stdout, sys.stderr, 'log(info)', 'log(warning)', "
                     "'log(error)' and 'file://...' paths.")  # fmt: skip


def _template(value: Any, tensors: list[Any]) -> str:
    """A template for one argument of tf.print, with a {} for each tensor in it."""
    if isinstance(value, str):
        return value
    leaves = []
    for leaf in nest.flatten(value, expand_composites=False):
        leaves.append(_leaf(leaf, tensors))
    if not nest.is_nested(value):
        return leaves[0]
    texts = iter(leaves)
    return _structure(value, texts)


class _Raw:
    """Text that stands for itself within a structure."""

    def __init__(self, text: str):
        self.text = text

    def __repr__(self) -> str:
        return self.text


def _structure(value: Any, texts: Any) -> str:
    return pprint.pformat(nest.pack_sequence_as(value, [_Raw(t) for t in texts]))


def _leaf(leaf: Any, tensors: list[Any]) -> str:
    if isinstance(leaf, Tensor):
        tensors.append(leaf)
        return "{}"
    if getattr(leaf, "dense_shape", None) is not None and hasattr(leaf, "indices"):
        tensors.extend([leaf.indices, leaf.values, leaf.dense_shape])
        return f"{'SparseTensor' if hasattr(leaf, 'set_shape') or 'Sparse' in type(leaf).__name__ else type(leaf).__name__}(indices={{}}, values={{}}, shape={{}})"
    if hasattr(type(leaf), "__tf_tensor__") and isinstance(getattr(leaf, "dtype", None), DType):
        try:
            tensors.append(door.convert(leaf))
            return "{}"
        except (TypeError, ValueError):
            pass
    text = leaf if isinstance(leaf, _Raw) else repr(leaf)
    return str(text).replace("{}", "{\u200b}") if "{}" in str(text) else str(text)


@export("strings.format")
def string_format(template, inputs, placeholder="{}", summarize=3, name=None):
    """`template` with each placeholder replaced by the text of a tensor.

    >>> tf.strings.format("tensor: {}", tf.range(3)).numpy()
    b'tensor: [0 1 2]'
    """
    if isinstance(inputs, (Tensor, np.ndarray)) or not isinstance(inputs, (list, tuple)):
        inputs = [inputs]
    count = template.count(placeholder)
    if count != len(inputs):
        raise ValueError(f"The template expects {count} tensors, but the inputs only has {len(inputs)}. Please ensure the number of placeholders in template matches inputs length.")
    return string_format_op(list(inputs), template=template, placeholder=placeholder, summarize=summarize, name=name)


@export(v2=("print",))
def print_v2(*inputs, **kwargs):
    """Print the inputs, tensors as they are when the program runs; to `output_stream` (sys.stderr), between `sep` and `end`.

    `summarize` (3) says how many entries at the ends of each axis are shown; -1 shows all.
    """
    output_stream = kwargs.pop("output_stream", sys.stderr)
    name = kwargs.pop("name", None)
    summarize = kwargs.pop("summarize", 3)
    sep = kwargs.pop("sep", " ")
    end = kwargs.pop("end", "\n")
    if kwargs:
        raise ValueError(f"Unrecognized keyword arguments for tf.print: {kwargs}")
    stream = _stream_name(output_stream)
    with scoped(name, "print") if name else _no_scope():
        if len(inputs) == 1 and isinstance(inputs[0], Tensor) and inputs[0]._dims == () and inputs[0].dtype.name == "string":
            text: Any = inputs[0]
        else:
            tensors: list[Any] = []
            template = sep.join(_template(i, tensors) for i in inputs)
            if template.count("{}") != len(tensors):  # braces of the caller's own
                tensors = []
                marks = [_template(i, tensors) if not isinstance(i, str) else i.replace("{}", "\0") for i in inputs]
                template = sep.join(marks)
                text = string_format_op(tensors, template=template.replace("{}", "\1").replace("\0", "{}"), placeholder="\1", summarize=summarize)
            else:
                text = string_format_op(tensors, template=template.replace("{\u200b}", "{}"), placeholder="{}", summarize=summarize)
        return print_v2_op(text, output_stream=stream, end=end)


def _no_scope() -> Any:
    import contextlib

    return contextlib.nullcontext()


@export(v1=("print",))
def print_v1(*inputs, **kwargs):
    """Print the inputs, tensors as they are when the program runs."""
    return print_v2(*inputs, **kwargs)


# -- the Print of 1.x --------------------------------------------------------------------------------------------------
_printed: dict[Any, int] = {}


@op("Print(input: T, data: U, *, T: type, U: list(type) >= 0, first_n: int = -1, message: str = \"\", summarize: int = 3) -> output: T",
    where="host", effect="io", shape=lambda input, data, **_: input.shape)  # fmt: skip
def print_op(xp, input, data, *, first_n, message, summarize):  # noqa: A002
    """The input; a message and the first entries of the data go to standard error."""
    if first_n >= 0:
        key = (message, first_n, summarize, len(data))
        _printed[key] = _printed.get(key, 0) + 1
        if _printed[key] > first_n:
            return input
    sys.stderr.write(message + "".join(f"[{head(np.asarray(d, object if isinstance(d, bytes) else None), summarize)}]" for d in data) + "\n")
    sys.stderr.flush()
    return input


@print_op.grad
def _(node, dy):
    return (dy, *[None] * (len(node.inputs) - 1))


@export(v1=("Print",))
def Print(input_, data, message=None, first_n=None, summarize=None, name=None):  # noqa: N802
    """`input_`, printing `data` to standard error whenever it is computed (the first `first_n` times)."""
    return print_op(input_, list(data), message=message or "", first_n=-1 if first_n is None else first_n, summarize=3 if summarize is None else summarize, name=name)
