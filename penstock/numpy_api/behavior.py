"""`experimental_enable_numpy_behavior`: tensors with NumPy's promotion, indexing and methods."""

from collections.abc import Callable
from typing import Any

from penstock.base.errors import UnimplementedError
from penstock.base.export import export
from penstock.ir.tensor import Tensor
from penstock.numpy_api import elementwise as numbers, indexing, products, promotion, reductions, shaping
from penstock.numpy_api.promotion import SPACE, asarray
from penstock.ops import compare

MODES = ("off", "legacy")
WEAK = ("safe", "all")
"""Modes of TensorFlow whose weak tensors are not here."""
_plain: dict[str, Any] = {}
"""The operators as they were."""


def _operator(function: Callable[..., Any], plain: Any, reflected: bool) -> Any:
    def operate(self: Any, other: Any) -> Any:
        if hasattr(type(other), "ragged_rank") or hasattr(type(other), "dense_shape"):
            return plain(self, other)
        return function(other, self) if reflected else function(self, other)

    return operate


def _truth(function: Callable[..., Any], plain: Any, otherwise: bool) -> Any:
    def operate(self: Any, other: Any) -> Any:
        from penstock.ops.overloads import by_elements

        if other is None:
            return otherwise
        if not by_elements(self) or isinstance(other, str):
            return plain(self, other)
        x, y = promotion.promoted(self, other)
        return function(x, y, incompatible_shape_error=False)

    return operate


def _logical(on_bools: str, on_integers: str) -> Any:
    return getattr(numbers, on_integers)


_BINARY = {
    "add": "add", "sub": "subtract", "mul": "multiply", "truediv": "true_divide", "div": "true_divide", "floordiv": "floor_divide", "mod": "mod",
    "pow": "power", "and": "bitwise_and", "or": "bitwise_or", "xor": "bitwise_xor", "lt": "less", "le": "less_equal", "gt": "greater", "ge": "greater_equal",
}  # fmt: skip


def _promote_operators(targets: tuple[Any, ...]) -> None:
    for cls in targets:
        for symbol, name in _BINARY.items():
            function = getattr(numbers, name)
            for reflected in (False, True):
                operator = f"__{'r' if reflected else ''}{symbol}__"
                if operator in cls.__dict__:
                    setattr(cls, operator, _operator(function, cls.__dict__[operator], reflected))
        for operator, reflected in (("__matmul__", False), ("__rmatmul__", True)):
            if operator in cls.__dict__:
                setattr(cls, operator, _operator(products.matmul, cls.__dict__[operator], reflected))
        for operator, op, otherwise in (("__eq__", compare.Equal, False), ("__ne__", compare.NotEqual, True)):
            if operator in cls.__dict__:
                setattr(cls, operator, _truth(op, cls.__dict__[operator], otherwise))


def _methods() -> None:
    plain = Tensor.__getitem__

    def getitem(self: Any, key: Any) -> Any:
        return indexing.getitem(plain, self, key)

    Tensor.__getitem__ = getitem  # type: ignore[method-assign]
    Tensor.T = property(shaping.transpose)  # type: ignore[attr-defined]
    Tensor.data = property(lambda self: self)  # type: ignore[attr-defined]
    Tensor.size = property(shaping.size)  # type: ignore[attr-defined]
    Tensor.astype = lambda self, dtype: promotion.to(self, promotion.given_type(_wide(dtype)))  # type: ignore[attr-defined]
    Tensor.tolist = lambda self: asarray(self).numpy().tolist()  # type: ignore[attr-defined]
    Tensor.__round__ = lambda self, decimals=0: numbers.round_(self, decimals)  # type: ignore[attr-defined]
    for name, function in {
        "clip": numbers.clip, "transpose": shaping.transpose, "flatten": shaping.flatten, "ravel": shaping.ravel,
        "reshape": shaping.reshape_method, "max": reductions.max_, "min": reductions.min_, "mean": reductions.mean,
    }.items():  # fmt: skip
        setattr(Tensor, name, _method(function))


def _method(function: Any) -> Any:
    return lambda self, *args, **kwargs: function(self, *args, **kwargs)


def _wide(dtype: Any) -> Any:
    """`astype(float)` is float32, as TensorFlow's `as_dtype` reads Python's types."""
    from penstock.base.dtypes import as_dtype

    return as_dtype(dtype)


@export(SPACE + "experimental_enable_numpy_behavior")
def experimental_enable_numpy_behavior(prefer_float32: bool = False, dtype_conversion_mode: str = "legacy") -> None:
    """Give tensors NumPy's methods, indexing by arrays and, unless the mode is "off", NumPy's promotion in operators.

    `prefer_float32`: Python floats are float32 instead of float64.
    """
    if dtype_conversion_mode in WEAK:
        raise UnimplementedError(None, None, f"dtype_conversion_mode {dtype_conversion_mode!r} needs weak tensors, which penstock does not have; the nearest mode is 'legacy'")
    if dtype_conversion_mode not in MODES:
        raise ValueError(f"dtype_conversion_mode must be one of {', '.join((*MODES, *WEAK))}; got {dtype_conversion_mode!r}")
    promotion.settings.prefer_float32 = prefer_float32
    if not _plain:
        _plain.update(Tensor.__dict__)
        _methods()
    if dtype_conversion_mode != "off" and "promotes" not in _plain:
        from penstock.state.variable import Variable

        _promote_operators((Tensor, Variable))
        _plain["promotes"] = True
