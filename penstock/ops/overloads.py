"""Python's operators on tensors, and what tensors of a graph may not be used for."""

from collections.abc import Callable
from typing import Any

import numpy as np

from penstock.base import dtypes
from penstock.base.errors import DTypeError
from penstock.base.export import export
from penstock.ir import convert, door
from penstock.ir.graph import GraphTensor
from penstock.ir.scope import scoped
from penstock.ir.tensor import Tensor
from penstock.ops import arithmetic, bitwise, compare, elementwise, matmul
from penstock.ops.families import composites


@export("errors.OperatorNotAllowedInGraphError")
class OperatorNotAllowedInGraphError(TypeError):
    """A symbolic tensor was used where Python needs a value."""


# -- binary operators ------------------------------------------------------------------------------------------------
_scalars: dict[Any, Any] = {}  # (type, value, dtype) -> its eager tensor


def _operand(x: Tensor, y: Any) -> Any:
    """y as a tensor of x's dtype; a value that has another dtype keeps it, so that the op says what does not fit."""
    kind = x.dtype.base_dtype
    if (type(y) is float or type(y) is int) and y and not door.current().is_graph:
        found = _scalars.get((type(y), y, kind))
        if found is None:
            if len(_scalars) > 1024:
                _scalars.clear()
            found = _scalars[type(y), y, kind] = _converted(y, kind)
        return found
    return _converted(y, kind)


def _converted(y: Any, kind: Any) -> Any:
    if isinstance(y, np.ndarray) and y.dtype.kind == "O" and kind is not dtypes.string:
        return door.convert(y)
    try:
        return door.convert(y, kind)
    except (TypeError, ValueError, OverflowError):
        if isinstance(y, (int, float, complex)) and not isinstance(y, bool) and not kind.is_bool and kind.is_numeric:
            raise DTypeError(
                f"Cannot convert {y!r} to EagerTensor of dtype {kind.name}: Expected {kind.name}, but got {y!r} of type '{type(y).__name__}'\n  fix: tf.cast the tensor to a dtype that holds it"
            ) from None
        raise


def _reflected(self: Tensor, other: Any, back: str) -> Any:
    """What the other operand makes of it; the tensor's own complaint where it refuses too."""
    try:
        out = getattr(other, back)(self)
    except (TypeError, ValueError):
        out = NotImplemented
    if out is NotImplemented:
        door.convert(other, self.dtype.base_dtype)
    return out


def _install(symbol: str, function: Callable[..., Any], label: str, reflected: bool = True) -> None:
    """Make `Tensor.__symbol__` (and `__rsymbol__`) call function(x, y, name)."""
    back = f"__r{symbol}__"

    def forward(self: Tensor, other: Any) -> Any:
        if not isinstance(self, Tensor):
            return _of_others[symbol](self, other, name=None)
        if isinstance(other, Tensor):
            return function(self, other, label)
        if type(other) in composites or hasattr(type(other), "__tf_tensor__") and not door.current().is_graph:
            return function(self, other, label)
        if door.current().is_graph:
            try:
                return function(self, other, label)
            except (TypeError, ValueError):
                pass
        try:
            converted = _operand(self, other)
        except (TypeError, ValueError):
            if hasattr(type(other), back) and not isinstance(
                other, (int, float, complex, np.ndarray, np.generic, str, bytes)
            ):
                return _reflected(self, other, back)
            raise
        return function(self, converted, label)

    def backward(self: Tensor, other: Any) -> Any:
        if not isinstance(self, Tensor):
            return _of_others[symbol](door.convert(other, self.dtype.base_dtype), self, name=None)
        return function(other if door.current().is_graph else _operand(self, other), self, label)

    for name, operator in ((f"__{symbol}__", forward), (back, backward)):
        if name != back or reflected:
            operator.__name__, operator.__qualname__ = name, f"Tensor.{name}"
            setattr(Tensor, name, operator)
            Tensor.OVERLOADABLE_OPERATORS.add(name)


def _logic(on_bools: Callable[..., Any], on_integers: Callable[..., Any], label: str) -> Callable[..., Any]:
    def function(x: Any, y: Any, name: str) -> Any:
        known = x if isinstance(x, Tensor) else y
        if known.dtype.base_dtype is dtypes.bool:
            return on_bools(x, y, name=label)
        with scoped(None, label):
            return on_integers(x, y)

    return function


def _floordiv(x: Any, y: Any, name: str) -> Any:
    return arithmetic.FloorDiv(x, y, name=name)


_install("add", lambda x, y, name: arithmetic.add(x, y, name), "add")
_install("sub", lambda x, y, name: arithmetic.subtract(x, y, name), "sub")  # type: ignore[attr-defined]
_install("mul", lambda x, y, name: _multiply(x, y, name), "mul")
_install("truediv", lambda x, y, name: arithmetic.truediv(x, y, name), "truediv")
_install("div", lambda x, y, name: arithmetic.div(x, y, name), "div")
_install("floordiv", lambda x, y, name: arithmetic.floordiv(x, y, name), "floordiv")
_install("mod", lambda x, y, name: arithmetic.floormod(x, y, name), "mod")  # type: ignore[attr-defined]
_install("pow", lambda x, y, name: arithmetic.pow_(x, y, name), "pow")  # type: ignore[attr-defined]
_install("matmul", lambda x, y, name: matmul.matmul(x, y, name=name), "matmul")
_install("and", _logic(compare.LogicalAnd, bitwise.BitwiseAnd, "and"), "and")
_install("or", _logic(compare.LogicalOr, bitwise.BitwiseOr, "or"), "or")
_install("xor", _logic(compare.logical_xor, bitwise.BitwiseXor, "xor"), "xor")
_install("lt", lambda x, y, name: compare.less(x, y), "lt", reflected=False)  # type: ignore[attr-defined]
_install("le", lambda x, y, name: compare.less_equal(x, y), "le", reflected=False)  # type: ignore[attr-defined]
_install("gt", lambda x, y, name: compare.greater(x, y), "gt", reflected=False)  # type: ignore[attr-defined]
_install("ge", lambda x, y, name: compare.greater_equal(x, y), "ge", reflected=False)  # type: ignore[attr-defined]


def _multiply(x: Any, y: Any, name: str) -> Any:
    if hasattr(y, "with_values"):  # dense * sparse is sparse
        return y * x
    return arithmetic.multiply(x, y, name)  # type: ignore[attr-defined]


# -- operators that classes of libraries take over ------------------------------------------------------------------
@export(v2=("__operators__.add",))
def add_operator(x: Any, y: Any, name: str | None = None) -> Any:
    """`x + y`."""
    x = door.convert(x)
    return (arithmetic.Add if x.dtype.base_dtype is dtypes.string else arithmetic.AddV2)(x, y, name=name)


def _exclusive_or(x: Any, y: Any, name: str | None = None) -> Any:
    both, either = compare.logical_and(x, y), compare.logical_or(x, y)
    return compare.logical_and(either, compare.logical_not(both))


_of_others: dict[str, Any] = {
    "add": lambda x, y, name: add_operator(x, y, name=name),
    "sub": lambda x, y, name: arithmetic.subtract(x, y, name=name),  # type: ignore[attr-defined]
    "mul": lambda x, y, name: arithmetic.multiply(x, y, name=name),  # type: ignore[attr-defined]
    "truediv": lambda x, y, name: arithmetic.truediv(x, y, name=name),
    "div": lambda x, y, name: arithmetic.div(x, y, name=name),
    "floordiv": lambda x, y, name: arithmetic.floor_div(x, y, name=name),  # type: ignore[attr-defined]
    "mod": lambda x, y, name: arithmetic.floormod(x, y, name=name),  # type: ignore[attr-defined]
    "pow": lambda x, y, name: arithmetic.pow_(x, y, name=name),
    "matmul": lambda x, y, name: matmul.matmul(x, y, name=name),
    "and": lambda x, y, name: compare.logical_and(x, y, name=name),
    "or": lambda x, y, name: compare.logical_or(x, y, name=name),
    "xor": _exclusive_or,
    "lt": lambda x, y, name: compare.less(x, y, name=name),  # type: ignore[attr-defined]
    "le": lambda x, y, name: compare.less_equal(x, y, name=name),  # type: ignore[attr-defined]
    "gt": lambda x, y, name: compare.greater(x, y, name=name),  # type: ignore[attr-defined]
    "ge": lambda x, y, name: compare.greater_equal(x, y, name=name),  # type: ignore[attr-defined]
}
"""What runs for a `self` that is no tensor but has taken over Tensor's operators: public functions, which ask dispatchers."""


# -- unary operators -------------------------------------------------------------------------------------------------
def _invert(self: Tensor) -> Any:
    if not isinstance(self, Tensor):
        return compare.logical_not(self, name=None)
    return compare.LogicalNot(self) if self.dtype.base_dtype is dtypes.bool else bitwise.Invert(self)


for _name, _function in {
    "__neg__": lambda self: elementwise.Neg(self) if isinstance(self, Tensor) else elementwise.negative(self, name=None),
    "__abs__": lambda self: elementwise.abs_(self) if isinstance(self, Tensor) else elementwise.abs_(self, name=None),
    "__invert__": _invert,
}.items():
    setattr(Tensor, _name, _function)
    Tensor.OVERLOADABLE_OPERATORS.add(_name)
Tensor.__pos__ = lambda self: self  # type: ignore[attr-defined]
del Tensor.__pos__  # type: ignore[attr-defined] - TensorFlow has none


# -- equality and hashing --------------------------------------------------------------------------------------------
Tensor._USE_EQUALITY = True  # type: ignore[attr-defined]


@export(v1=("enable_tensor_equality",))
def enable_tensor_equality() -> None:
    """Make `==` on tensors compare elements, as 2.x does."""
    Tensor._USE_EQUALITY = True  # type: ignore[attr-defined]


@export(v1=("disable_tensor_equality",))
def disable_tensor_equality() -> None:
    """Make `==` on tensors compare identity, as 1.x does."""
    Tensor._USE_EQUALITY = False  # type: ignore[attr-defined]


def by_elements(tensor: Tensor) -> bool:
    """Does `==` on this tensor compare elements?  Not in plain graphs, whose tensors are keys of feed dictionaries."""
    return Tensor._USE_EQUALITY and (not isinstance(tensor, GraphTensor) or tensor.graph.building_function)  # type: ignore[attr-defined]


def _equals(op: Any, otherwise: bool) -> Callable[..., Any]:
    def operator(self: Tensor, other: Any) -> Any:
        if other is None:
            return otherwise
        if not isinstance(self, Tensor):
            return tensor_not_equals(self, other) if otherwise else tensor_equals(self, other)
        if not by_elements(self):
            return (self is other) != otherwise
        if not isinstance(other, Tensor) and not door.current().is_graph:
            other = _operand(self, other)
        return op(self, other, incompatible_shape_error=False)

    return operator


@export(v2=("__operators__.eq",))
def tensor_equals(self: Any, other: Any) -> Any:
    """`self == other`: of each element in 2.x, of the objects themselves in 1.x."""
    return Tensor.__eq__(door.convert(self), other)


@export(v2=("__operators__.ne",))
def tensor_not_equals(self: Any, other: Any) -> Any:
    """`self != other`: of each element in 2.x, of the objects themselves in 1.x."""
    return Tensor.__ne__(door.convert(self), other)


def _hash(self: Tensor) -> int:
    if by_elements(self):
        raise TypeError("Tensor is unhashable. Instead, use tensor.ref() as the key.")
    return id(self)


Tensor.__eq__ = _equals(compare.Equal, False)  # type: ignore[method-assign, assignment]
Tensor.__ne__ = _equals(compare.NotEqual, True)  # type: ignore[method-assign, assignment]
Tensor.__hash__ = _hash  # type: ignore[method-assign, assignment]
Tensor.OVERLOADABLE_OPERATORS |= {"__eq__", "__ne__", "__getitem__"}


# -- what needs a value ----------------------------------------------------------------------------------------------
def _made_at(self: Any) -> str:
    if not isinstance(self, GraphTensor):
        return f"the value is a {type(self).__name__}.\n"
    return f"{self.name} has no value while its graph is being built.\n  it was made at {self.op.line}\n"


def _disallow_bool_casting(self: Any) -> Any:
    raise OperatorNotAllowedInGraphError(
        f"Using a symbolic `tf.Tensor` as a Python `bool` is not allowed: {_made_at(self)}"
        "  fix: use tf.cond, tf.where or tf.logical_and/or/not; or put the code in a @tf.function, where AutoGraph converts `if` and `while`"
    )


def _disallow_iteration(self: Any) -> Any:
    raise OperatorNotAllowedInGraphError(
        f"Iterating over a symbolic `tf.Tensor` is not allowed: {_made_at(self)}"
        "  fix: tf.unstack(x) for a known first axis, tf.map_fn or tf.while_loop otherwise; or a @tf.function, where AutoGraph converts `for`"
    )


def _length(self: Any) -> Any:
    raise TypeError(
        f"len is not well defined for a symbolic Tensor ({self.name}). Please call `x.shape` rather than `len(x)` for shape information."
    )


def _shape_tuple(self: Any) -> Any:
    """The shape as a tuple, None when the rank is unknown."""
    return self._dims


def _shape_as_list(self: Any) -> Any:
    """The shape as a list, None when the rank is unknown."""
    return None if self._dims is None else list(self._dims)


for _method in (_disallow_bool_casting, _disallow_iteration, _shape_tuple, _shape_as_list):
    setattr(Tensor, _method.__name__, _method)
for _name, _method in (
    ("__bool__", lambda self: self._disallow_bool_casting()),
    ("__nonzero__", lambda self: self._disallow_bool_casting()),
    ("__iter__", lambda self: self._disallow_iteration()),
    ("__len__", _length),
):
    setattr(Tensor, _name, _method)


def _value_wanted(what: str) -> Callable[..., Any]:
    def refuse(self: GraphTensor) -> Any:
        raise TypeError(
            f"{what} argument must be a value, not a symbolic tensor: {self.name} has none while its graph is being built"
        )

    return refuse


GraphTensor.__float__ = _value_wanted("float()")  # type: ignore[attr-defined]
GraphTensor.__int__ = _value_wanted("int()")  # type: ignore[attr-defined]
GraphTensor.__index__ = _value_wanted("an index")  # type: ignore[attr-defined]
__all__ = ["OperatorNotAllowedInGraphError", "by_elements", "convert"]
