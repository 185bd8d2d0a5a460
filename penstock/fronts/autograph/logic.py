"""`and`, `or`, `not`, comparisons, conditional expressions, assertions: Python's meaning, and a tensor's."""

import operator
from collections.abc import Callable
from typing import Any

from penstock.base import dtypes
from penstock.fronts.autograph.flow import branch_expression
from penstock.fronts.autograph.staging import op, symbolic
from penstock.ir import door
from penstock.ir.tensor import Tensor

Lazy = Callable[[], Any]


def _bool(value: Any) -> Any:
    tensor = door.convert(value)
    if tensor.dtype is not dtypes.bool:
        raise TypeError(f"and, or and not of tensors need tf.bool, got {tensor}; use `tf.cast` or a comparison")
    return tensor


def and_(first: Any, b: Lazy) -> Any:
    """`first and b()`; `b` is only looked at where `first` holds."""
    tensor = symbolic(first)
    if tensor is not None:
        kept = _bool(tensor)
        return branch_expression(kept, lambda: _bool(b()), lambda: kept, "and")
    return first and b()


def or_(first: Any, b: Lazy) -> Any:
    """`first or b()`; `b` is only looked at where `first` does not hold."""
    tensor = symbolic(first)
    if tensor is not None:
        kept = _bool(tensor)
        return branch_expression(kept, lambda: kept, lambda: _bool(b()), "or")
    return first or b()


def not_(a: Any) -> Any:
    """`not a`."""
    tensor = symbolic(a)
    return op("LogicalNot", _bool(tensor)) if tensor is not None else not a


COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
    "is": operator.is_, "is not": operator.is_not, "in": lambda a, b: a in b, "not in": lambda a, b: a not in b,
}  # fmt: skip


def compare(first: Any, *rest: tuple[str, Lazy]) -> Any:
    """`first < b < c`: each operand is computed once, and not at all once a comparison fails."""
    (symbol, make), *more = rest
    value = make()
    verdict = COMPARISONS[symbol](first, value)
    if not more:
        return verdict
    return and_(verdict, lambda: compare(value, *more))


def eq(a: Any, b: Any) -> Any:
    """`a == b`, element by element where either is a tensor."""
    return op("Equal", a, b) if isinstance(a, Tensor) or isinstance(b, Tensor) else a == b


def not_eq(a: Any, b: Any) -> Any:
    """`a != b`, element by element where either is a tensor."""
    return op("NotEqual", a, b) if isinstance(a, Tensor) or isinstance(b, Tensor) else a != b


def if_exp(cond: Any, if_true: Lazy, if_false: Lazy, text: str) -> Any:
    """`if_true() if cond else if_false()`."""
    return branch_expression(cond, if_true, if_false, text)


def assert_stmt(cond: Any, message: Lazy) -> None:
    """`assert cond, message()`; a tensor is checked when the graph runs."""
    tensor = symbolic(cond)
    if tensor is None:
        if not cond:
            text = message()
            raise AssertionError("" if text is None else text)
        return
    said = message()
    if said is None:
        said = "Assertion error"
    parts = list(said) if isinstance(said, (list, tuple)) else [said]
    op("Assert", _all(tensor), [door.convert(p) for p in parts])


def _all(tensor: Any) -> Any:
    dims = tensor._dims
    if dims is not None and all(d == 1 for d in dims):
        return op("Reshape", tensor, ()) if dims else tensor
    return tensor
