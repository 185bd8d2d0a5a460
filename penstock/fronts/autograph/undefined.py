"""Values that stand for variables without one, in converted code."""

from collections.abc import Callable
from typing import Any


class Undefined:
    """A variable that has not been assigned yet: using it in any way raises what Python raises."""

    __slots__ = ("symbol_name",)

    def __init__(self, symbol_name: str):
        object.__setattr__(self, "symbol_name", symbol_name)

    def read(self) -> Any:
        name = object.__getattribute__(self, "symbol_name")
        raise UnboundLocalError(f"cannot access local variable '{name}' where it is not associated with a value")

    def __repr__(self) -> str:
        return f"<undefined {object.__getattribute__(self, 'symbol_name')}>"

    def __getattribute__(self, name: str) -> Any:
        if name in ("read", "symbol_name", "__class__", "__reduce_ex__"):
            return object.__getattribute__(self, name)
        return object.__getattribute__(self, "read")()


def _refuse(self: Undefined, *_: Any) -> Any:
    return object.__getattribute__(self, "read")()


for _name in (
    "add radd iadd sub rsub isub mul rmul imul truediv rtruediv itruediv floordiv rfloordiv ifloordiv mod rmod imod "
    "pow rpow ipow matmul rmatmul imatmul and rand iand or ror ior xor rxor ixor lshift rshift ilshift irshift lt le "
    "gt ge eq ne neg pos invert abs bool len iter next call getitem setitem delitem contains int float index enter "
    "exit hash str"
).split():
    setattr(Undefined, f"__{_name}__", _refuse)


class UndefinedReturnValue:
    """The value of a function that has not come to a `return` yet."""

    def __repr__(self) -> str:
        return "<no value returned yet>"


class NoReturn(UndefinedReturnValue):
    """The value of a function that came to its end without a `return`."""


NOT_YET = UndefinedReturnValue()
NO_RETURN = NoReturn()


def defined(value: Any) -> bool:
    """Does a variable have a value?"""
    return type(value) is not Undefined


def ld(value: Any) -> Any:
    """Read a variable; UnboundLocalError when it has no value."""
    if type(value) is Undefined:
        value.read()
    return value


def ldu(read: Callable[[], Any], text: str) -> Any:
    """Read a composite variable such as `self.x`; undefined when it does not exist yet."""
    try:
        return read()
    except (AttributeError, KeyError, IndexError, NameError):
        return Undefined(text)


def deleted(value: Any, name: str) -> Undefined:
    """What `del name` leaves behind; UnboundLocalError when there was nothing."""
    ld(value)
    return Undefined(name)


def ret(value: Any, done: Any) -> Any:
    """What a function returns whose `return` statements were in blocks."""
    return None if isinstance(value, UndefinedReturnValue) else value
