"""NumPy's types on tensors: which dtype a value has, which one several values have together, and `array`."""

import numbers
from typing import Any

import numpy as np

from penstock.base import dtypes, nest
from penstock.base.dtypes import DType, as_dtype
from penstock.base.export import export, export_constant
from penstock.base.shape import TensorShape
from penstock.ir import door
from penstock.ir.op import find
from penstock.ir.tensor import Tensor
from penstock.ops.cast import cast

SPACE = "experimental.numpy."

for _name, _attr in {
    "bool_": "bool_", "complex128": "complex128", "complex64": "complex64", "complex_": "complex128", "float16": "float16",
    "float32": "float32", "float64": "float64", "float_": "float64", "inexact": "inexact", "int16": "int16", "int32": "int32",
    "int64": "int64", "int8": "int8", "int_": "int64", "object_": "object_", "string_": "bytes_", "uint16": "uint16",
    "uint32": "uint32", "uint64": "uint64", "uint8": "uint8", "unicode_": "str_", "iinfo": "iinfo", "issubdtype": "issubdtype",
    "e": "e", "pi": "pi", "inf": "inf", "newaxis": "newaxis",
}.items():  # fmt: skip
    export_constant(SPACE + _name, module="numpy", attr=_attr)
export_constant(SPACE + "ndarray", module="penstock.ir.tensor", attr="Tensor")


class _Settings:
    """What `experimental_enable_numpy_behavior` was last called with."""

    prefer_float32 = False


settings = _Settings()


def is_value(x: Any) -> bool:
    """Is it a tensor, or a variable that stands for one?"""
    return isinstance(x, Tensor) or hasattr(type(x), "__tf_tensor__")


def default_float() -> Any:
    """The type of Python floats."""
    return np.float32 if settings.prefer_float32 else np.float64


def _scalar(x: Any) -> Any:
    """A Python number as it takes part in promotion: floats are float32 where those are preferred."""
    if settings.prefer_float32:
        if isinstance(x, float) and not isinstance(x, bool):
            return np.float32
        if isinstance(x, complex):
            return np.complex64
    return x


def _kind(x: Any) -> Any:
    """What `np.result_type` is asked about: a number, or a NumPy type."""
    if isinstance(x, numbers.Number):
        return _scalar(x)
    if is_value(x):
        return x.dtype.base_dtype.as_numpy_dtype
    if isinstance(x, DType):
        return x.as_numpy_dtype
    if isinstance(x, TensorShape):
        return np.int64
    return x


def common(*values: Any) -> DType:
    """The dtype that values, numbers, lists of them and types have together by NumPy's rules."""
    kinds = {}
    for value in nest.flatten(list(values)):
        kind = _kind(value)
        kinds[type(kind) if type(kind) in _ONES else str(kind)] = _ONES.get(type(kind), kind)
    return as_dtype(np.result_type(*kinds.values())) if kinds else dtypes.float64


_ONES: dict[Any, Any] = {bool: True, int: 1, float: 1.0, complex: 1j}
"""Python's numbers count by their class alone."""


@export(SPACE + "result_type")
def result_type(*arrays_and_dtypes: Any) -> DType:
    """The dtype that arrays and types have together.

    >>> tf.experimental.numpy.result_type(tf.constant(1), 1.0)
    tf.float64
    """
    if settings.prefer_float32 and arrays_and_dtypes and all(isinstance(v, numbers.Number) for v in arrays_and_dtypes):
        found = as_dtype(np.result_type(*arrays_and_dtypes))
        return {dtypes.float64: dtypes.float32, dtypes.complex128: dtypes.complex64}.get(found, found)
    return common(*arrays_and_dtypes)


@export(SPACE + "promote_types")
def promote_types(type1: Any, type2: Any) -> Any:
    """The NumPy type that two types have together."""
    name = lambda t: t.as_numpy_dtype if isinstance(t, DType) else t
    return np.promote_types(name(type1), name(type2))


@export(SPACE + "finfo")
def finfo(dtype: Any) -> Any:
    """The limits of a floating type."""
    return np.finfo(dtype.as_numpy_dtype if isinstance(dtype, DType) else dtype)


def given_type(dtype: Any) -> DType | None:
    """The dtype that an argument names: Python's `float` and `int` are the wide ones (float32 where preferred)."""
    if dtype is None:
        return None
    if dtype is float:
        return as_dtype(default_float())
    if dtype is complex:
        return dtypes.complex64 if settings.prefer_float32 else dtypes.complex128
    if dtype is int:
        return dtypes.int64
    return dtype.base_dtype if isinstance(dtype, DType) else as_dtype(dtype if isinstance(dtype, np.dtype) else np.dtype(dtype) if isinstance(dtype, str) else dtype)


def to(x: Any, dtype: Any) -> Any:
    """The tensor in another dtype; floats lose their fraction and complex numbers their imaginary part without a word."""
    dtype = as_dtype(dtype)
    if x.dtype.base_dtype is dtype:
        return x
    if x.dtype.is_complex and not dtype.is_complex:
        x = find("Real")(x, Tout=x.dtype.base_dtype.real_dtype)
    return cast(x, dtype)


def _of_python(val: Any) -> Any:
    """Python numbers and NumPy arrays: NumPy's own type, floats and complex numbers narrow where that is preferred."""
    made = np.array(val)
    if made.dtype == object and made.size and all(isinstance(v, bytes | str) for v in made.flat):
        return door.convert(made)
    if made.dtype == object:
        raise ValueError("Can't convert non-rectangular Python sequence to Tensor.")
    from_numpy = any(isinstance(v, np.ndarray | np.generic) for v in nest.flatten(val))
    if settings.prefer_float32 and not from_numpy and not isinstance(val, np.ndarray | np.generic):
        made = made.astype({"f": np.float32, "c": np.complex64}.get(made.dtype.kind, made.dtype))
    return door.convert(made)


@export(SPACE + "array")
def array(val: Any, dtype: Any = None, copy: bool = True, ndmin: int = 0) -> Any:
    """A tensor of numbers, lists or arrays, with NumPy's types: int64 and float64 for Python's.

    >>> tf.experimental.numpy.array([1, 2]).dtype
    tf.int64
    """
    wanted = given_type(dtype)
    if isinstance(val, Tensor):
        made: Any = val
    elif is_value(val):
        made = door.convert(val)
    elif isinstance(val, list | tuple) and any(is_value(v) for v in nest.flatten(val)):
        dtype_of_all = common(*nest.flatten(val))
        made = _stacked(val, dtype_of_all)
    else:
        try:
            made = _of_python(val)
        except ValueError:
            raise ValueError("Can't convert non-rectangular Python sequence to Tensor.") from None
    if wanted is not None:
        made = to(made, wanted)
    elif copy and isinstance(val, Tensor):
        made = find("Identity")(made)
    rank = made.shape.rank
    if ndmin and rank is not None and rank < ndmin:
        shape = find("Shape")(made)
        made = find("Reshape")(made, find("ConcatV2")([np.ones(ndmin - rank, np.int32), shape], 0))
    return made


def _stacked(val: Any, dtype: DType) -> Any:
    if isinstance(val, list | tuple):
        return find("Pack")([_stacked(v, dtype) for v in val])
    return to(door.convert(val) if is_value(val) else _of_python(val), dtype)


@export(SPACE + "asarray")
def asarray(a: Any, dtype: Any = None) -> Any:
    """A tensor of the value; a tensor of the wanted dtype as it is."""
    wanted = given_type(dtype)
    if isinstance(a, Tensor) and (wanted is None or a.dtype.base_dtype is wanted):
        return a
    return array(a, wanted, copy=False)


@export(SPACE + "asanyarray")
def asanyarray(a: Any, dtype: Any = None) -> Any:
    """A tensor of the value."""
    return asarray(a, dtype)


@export(SPACE + "ascontiguousarray")
def ascontiguousarray(a: Any, dtype: Any = None) -> Any:
    """A tensor of the value with one axis at least."""
    return array(a, dtype, ndmin=1)


@export(SPACE + "copy")
def copy(a: Any) -> Any:
    """The value as a tensor of its own."""
    return array(a, copy=True)


def promoted(*values: Any) -> tuple[Any, ...]:
    """The values as tensors of the dtype that they have together."""
    parts = [v if isinstance(v, numbers.Number | list | tuple) else asarray(v) for v in values]
    dtype = common(*parts)
    return tuple(_as(v, dtype) for v in parts)


def _as(v: Any, dtype: DType) -> Any:
    if isinstance(v, Tensor):
        return to(v, dtype)
    if isinstance(v, list | tuple):
        return array(v, dtype)
    if isinstance(v, int) and not isinstance(v, bool) and dtype.is_integer:
        return door.convert(v, dtype)  # what does not fit keeps its low bits
    return door.convert(np.array(v).astype(dtype.as_numpy_dtype))


def inexact(x: Any) -> Any:
    """The tensor as floating point: integers and booleans become the default float."""
    x = asarray(x)
    return x if x.dtype.is_floating or x.dtype.is_complex else to(x, dtypes.float64)


def is_number(x: Any) -> bool:
    """Is it a Python or NumPy number?"""
    return isinstance(x, numbers.Number | np.number | np.bool_)
