"""A concrete function's parameters, results and captures as text, in the words that TensorFlow uses."""

import inspect
from collections.abc import Mapping
from typing import Any

from penstock.ir.type_spec import TensorSpec, TypeSpec


def type_text(value: Any) -> str:
    """The type of an argument or of a result: specs as they are, what else there is as literals."""
    if value is None or isinstance(value, (TypeSpec, TensorSpec)):
        return repr(value) if value is not None else "Literal[None]"
    if isinstance(value, Mapping):
        return f"Dict[{', '.join(f'[{k!r}, {type_text(v)}]' for k, v in value.items())}]"
    if isinstance(value, (list, tuple)):
        kind = "List" if isinstance(value, list) else type(value).__name__ if hasattr(value, "_fields") else "Tuple"
        return f"{kind}[{', '.join(type_text(v) for v in value)}]"
    return f"Literal[{value!r}]"


def parameters(signature: Any, python: inspect.Signature | None) -> list[tuple[str, str, str]]:
    """(name, kind, type) of each parameter that a trace took."""
    positional, keywords = signature
    known = list(python.parameters.values()) if python is not None else []
    rows = []
    for i, value in enumerate(positional):
        parameter = known[i] if i < len(known) and known[i].kind in (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD) else None
        if parameter is None:
            variadic = next((p.name for p in known if p.kind is inspect.Parameter.VAR_POSITIONAL), "args")
            rows.append((f"{variadic}_{i}", "POSITIONAL_ONLY", type_text(value)))
        else:
            rows.append((parameter.name, parameter.kind.name, type_text(value)))
    return rows + [(name, "KEYWORD_ONLY", type_text(value)) for name, value in keywords.items()]


def verbose_text(rows: list[tuple[str, str, str]], result: Any, captures: Any) -> str:
    """Every parameter, the result and every capture on a line of its own."""
    given = [f"  {name} ({kind}): {text}" for name, kind, text in rows] or ["  None"]
    taken = [f"  {id(c)}: {TensorSpec(c.shape, c.dtype)!r}" for c in captures] or ["  None"]
    return "\n".join(["Input Parameters:", *given, "Output Type:", f"  {type_text(result)}", "Captures:", *taken])


def one_line(rows: list[tuple[str, str, str]], result: Any) -> str:
    """The signature as Python writes one."""
    words, keywords = [], False
    for name, kind, text in rows:
        if kind == "KEYWORD_ONLY" and not keywords:
            words.append("*")
            keywords = True
        words.append(f"{name}: {text}")
        if kind == "POSITIONAL_ONLY" and not any(k == "POSITIONAL_ONLY" for _, k, _ in rows[len(words) :]):
            words.append("/")
    return f"({', '.join(words)}) -> {type_text(result)}"
