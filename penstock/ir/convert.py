"""What programs pass where a tensor is wanted -> a tensor, or a NumPy array of TensorFlow's dtype."""

from collections.abc import Callable
from typing import Any

import numpy as np

from penstock.base import dtypes
from penstock.base.dtypes import DType, as_dtype
from penstock.base.errors import DTypeError
from penstock.base.export import export
from penstock.base.shape import Dimension, TensorShape
from penstock.ir import door
from penstock.ir.tensor import Tensor

_registry: list[tuple[int, Any, Callable[..., Any]]] = []
pack: Callable[..., Tensor] | None = None
"""Slot: stacks the tensors of a list (ops.arrays)."""


@export("register_tensor_conversion_function")
def register_tensor_conversion_function(base_type: Any, conversion_func: Callable[..., Any], priority: int = 100) -> None:
    """Say how objects of a class become tensors: `conversion_func(value, dtype, name, as_ref)`; lower priorities go first."""
    if not isinstance(base_type, (type, tuple)):
        raise TypeError(f"Argument `base_type` must be a type or a tuple of types. Received {base_type!r}.")
    if not callable(conversion_func):
        raise TypeError(f"Argument `conversion_func` must be callable. Received {conversion_func!r}.")
    _registry.append((priority, base_type, conversion_func))
    _registry.sort(key=lambda entry: entry[0])


_INT32 = range(-(2**31), 2**31)


def to_array(value: Any, dtype: DType | None = None) -> np.ndarray:
    """A NumPy array with TensorFlow's dtype for `value`: Python floats are float32, ints int32, arrays keep theirs."""
    kind = type(value)
    if dtype is not None and dtype.is_ref:
        dtype = dtype.base_dtype
    if kind is float:
        if dtype is None:
            return np.array(value, np.float32)
        if dtype.group in ("float", "complex"):
            return np.array(value, dtype.array_dtype)
        raise TypeError(f"Cannot convert {value!r} to a tensor of dtype {dtype.name}")
    if kind is int:
        if dtype is None:
            if value in _INT32:
                return np.array(value, np.int32)
            if -(2**63) <= value < 2**63:
                return np.array(value, np.int64)
            raise ValueError(f"Can't convert Python integer {value} to a tensor: it is out of the range of int64")
        if dtype.group == "int" and not dtype.min <= value <= dtype.max:
            if not -(2**63) <= value < 2**64:
                raise OverflowError(f"Python int {value} does not fit {dtype.name}: it holds {dtype.min} to {dtype.max}")
            return np.array(value % 2**64, np.uint64).astype(dtype.array_dtype)  # the low bits, as TensorFlow takes them
        if dtype.group in ("float", "int", "complex", "quantized"):
            return np.array(value, dtype.array_dtype)
        raise TypeError(f"Cannot convert {value!r} to a tensor of dtype {dtype.name}")
    if kind is bool:
        if dtype is None or dtype.is_bool:
            return np.array(value)
        if dtype.is_numeric:
            return np.array(value, dtype.array_dtype)
        raise TypeError(f"Cannot convert {value!r} to a tensor of dtype {dtype.name}")
    if isinstance(value, np.ndarray | np.generic):
        return _from_numpy(np.asarray(value), dtype)
    if isinstance(value, (str, bytes)):
        if dtype is not None and dtype is not dtypes.string:
            raise TypeError(f"Cannot convert {value!r} to a tensor of dtype {dtype.name}")
        out = np.empty((), object)
        out[()] = value.encode() if isinstance(value, str) else value
        return out
    if value is None:
        raise ValueError("Attempt to convert a value (None) with an unsupported type (<class 'NoneType'>) to a Tensor.")
    if isinstance(value, DType):
        return np.array(value.as_datatype_enum, np.int32)
    if isinstance(value, TensorShape):
        if not value.is_fully_defined():
            raise ValueError(f"Cannot convert a partially known TensorShape {value} to a Tensor.")
        dims = value.as_list()
        wide = dtype is None and any(d is not None and d not in _INT32 for d in dims)
        if dtype is not None and dtype not in (dtypes.int32, dtypes.int64):
            raise TypeError(f"Cannot convert a TensorShape to dtype {dtype.name}: use int32 or int64")
        return np.array(dims, np.int64 if wide else dtype.array_dtype if dtype else np.int32)
    if isinstance(value, Dimension):
        if value.value is None:
            raise ValueError("Cannot convert an unknown Dimension to a Tensor: ?")
        return np.array(value.value, dtype.array_dtype if dtype else np.int32)
    if isinstance(value, complex):
        if dtype is not None and not dtype.is_complex:
            raise TypeError(f"Cannot convert {value!r} to a tensor of dtype {dtype.name}")
        return np.array(value, dtype.array_dtype if dtype else np.complex128)
    if hasattr(value, "__array__"):
        return _from_numpy(np.asarray(value), dtype)
    if isinstance(value, (int, float)):  # subclasses: enums, numpy floats handled above
        return to_array(int(value) if isinstance(value, int) else float(value), dtype)
    if isinstance(value, (list, tuple, range)) or hasattr(value, "__len__") and hasattr(value, "__getitem__") and not isinstance(value, (dict, set)):
        return _from_sequence(value, dtype)
    raise ValueError(f"Attempt to convert a value ({value!r}) with an unsupported type ({type(value)}) to a Tensor.")


def _from_numpy(array: np.ndarray, dtype: DType | None) -> np.ndarray:
    kind = array.dtype.kind
    if kind in "SU":
        encoded: Any = np.frompyfunc(lambda s: s.encode() if isinstance(s, str) else bytes(s), 1, 1)(array)
        array = np.asarray(encoded, object)
    elif kind == "O":
        if dtype in (dtypes.resource, dtypes.variant):
            return array
        if array.size and all(isinstance(v, (bytes, str)) for v in array.flat):
            encode = np.frompyfunc(lambda s: s.encode() if isinstance(s, str) else bytes(s), 1, 1)
            array = np.asarray(encode(array), object).reshape(array.shape)
        elif array.size:
            if any(v is None for v in array.flat):
                raise ValueError("Failed to convert a NumPy array to a Tensor (Unsupported object type NoneType).")
            return _from_sequence(array.tolist(), dtype)
    elif kind == "M" or kind == "m" or (kind == "V" and array.dtype.names):
        raise TypeError(f"Cannot convert a NumPy array of dtype {array.dtype} to a Tensor.")
    elif not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    if dtype is None or array.dtype == dtype.array_dtype:
        if dtype is None and array.dtype == np.dtype(object) and array.size == 0:
            return array
        return array
    if dtype is dtypes.string or array.dtype == np.dtype(object):
        raise TypeError(f"Cannot convert a NumPy array of dtype {array.dtype} to a tensor of dtype {dtype.name}")
    if array.dtype.kind == "b" and array.ndim == 0 and dtype.is_numeric:
        return array.astype(dtype.array_dtype)
    return array.astype(dtype.array_dtype)


def _known_sizes(array: np.ndarray) -> np.ndarray:
    """An array of objects with the values of its dimensions instead of them."""

    def known(item: Any) -> Any:
        if isinstance(item, Dimension) and item.value is None:
            raise ValueError("Cannot convert an unknown Dimension to a Tensor: ?")
        return item.value if isinstance(item, Dimension) else item

    return np.asarray(np.frompyfunc(known, 1, 1)(array))


def _from_sequence(value: Any, dtype: DType | None) -> np.ndarray:
    if dtype is not None and dtype is dtypes.string:
        return _strings(value)
    try:
        array = np.array(value)
    except ValueError:
        raise ValueError(f"Can't convert non-rectangular Python sequence to Tensor: {_short(value)}") from None
    kind = array.dtype.kind
    if kind == "O":
        if any(v is None for v in array.flat):
            raise ValueError(f"Attempt to convert a value with an unsupported type (<class 'NoneType'>) to a Tensor: {_short(value)}")
        if any(isinstance(v, Dimension) for v in array.flat):
            return to_array(_known_sizes(array).tolist(), dtype)
        if array.size and all(isinstance(v, int) for v in array.flat):
            if dtype is dtypes.uint64 and all(0 <= v < 2**64 for v in array.flat):
                return array.astype(np.uint64)
            raise ValueError(f"Can't convert Python sequence with out-of-range integer to Tensor: {_short(value)}")
        if any(isinstance(v, (list, tuple)) for v in array.flat):
            raise ValueError(f"Can't convert non-rectangular Python sequence to Tensor: {_short(value)}")
        return _strings(value)
    if kind in "SU":
        leaves = list(_leaves(value))
        if not all(isinstance(v, (str, bytes, np.ndarray)) for v in leaves):
            raise ValueError(f"Can't convert Python sequence with mixed types to Tensor: {_short(value)}")
        if dtype is not None:
            raise TypeError(f"Cannot convert {_short(value)} to a tensor of dtype {dtype.name}")
        return _strings(value)
    first = next(_leaves(value), None)
    from_arrays = isinstance(first, (np.ndarray, np.generic)) or hasattr(first, "__array__")
    if kind == "b":
        if dtype is not None and not dtype.is_bool and not dtype.is_numeric:
            raise TypeError(f"Cannot convert {_short(value)} to a tensor of dtype {dtype.name}")
        return array if dtype is None else array.astype(dtype.array_dtype)
    if kind in "iuf" and not from_arrays and any(type(v) is bool for v in _leaves(value)):
        raise ValueError(f"Can't convert Python sequence with mixed types to Tensor: {_short(value)}")
    if dtype is None:
        if from_arrays:
            return array
        if kind == "f":
            return array.astype(np.float32)
        if kind == "c":
            return array
        if kind == "i" or kind == "u":
            if array.size == 0 or (int(array.min()) in _INT32 and int(array.max()) in _INT32):
                return array.astype(np.int32)
            if kind == "u":
                raise ValueError(f"Can't convert Python sequence with out-of-range integer to Tensor: {_short(value)}")
            return array
    assert dtype is not None
    if array.size == 0:
        return array.astype(dtype.array_dtype) if dtype.on_device else np.empty(array.shape, object)
    if not dtype.on_device:
        raise TypeError(f"Cannot convert {_short(value)} to a tensor of dtype {dtype.name}")
    if kind == "f" and dtype.group not in ("float", "complex") and not from_arrays:
        raise TypeError(f"Cannot convert {_short(value)} to a tensor of dtype {dtype.name}")
    if kind == "c" and not dtype.is_complex:
        raise TypeError(f"Cannot convert {_short(value)} to a tensor of dtype {dtype.name}")
    if kind in "iu" and dtype.is_bool:
        raise TypeError(f"Cannot convert {_short(value)} to a tensor of dtype {dtype.name}")
    return array.astype(dtype.array_dtype)


def _leaves(value: Any) -> Any:
    stack = [value]
    while stack:
        v = stack.pop()
        if isinstance(v, (list, tuple)):
            stack.extend(reversed(v))
        else:
            yield v


def _strings(value: Any) -> np.ndarray:
    shape: list[int] = []
    v = value
    while isinstance(v, (list, tuple)) or (isinstance(v, np.ndarray) and v.ndim):
        shape.append(len(v))
        if not len(v):
            break
        v = v[0]
    out = np.empty(shape, object)
    flat = []
    for leaf in _leaves(value.tolist() if isinstance(value, np.ndarray) else value):
        for one in leaf.ravel().tolist() if isinstance(leaf, np.ndarray) else [leaf]:
            if not isinstance(one, (str, bytes)):
                if hasattr(one, "numpy"):
                    one = one.numpy()
                if not isinstance(one, (str, bytes)):
                    raise TypeError(f"Cannot convert {one!r} to a tensor of dtype string")
            flat.append(one.encode() if isinstance(one, str) else one)
    if len(flat) != out.size:
        raise ValueError(f"Can't convert non-rectangular Python sequence to Tensor: {_short(value)}")
    if out.size:
        out.reshape(-1)[:] = flat
    return out


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) < 80 else text[:77] + "..."


def resolve(value: Any, dtype: DType | None = None, name: str | None = None) -> Any:
    """A Tensor, or a NumPy array that the emitter turns into one."""
    if isinstance(value, Tensor):
        return value
    method = getattr(type(value), "__tf_tensor__", None)
    if method is not None:
        found = method(value, dtype, name)
        if found is not NotImplemented:
            return found
    for _, base_type, function in _registry:
        if isinstance(value, base_type):
            found = function(value, dtype=dtype, name=name, as_ref=False)
            if found is not NotImplemented:
                return found
    if isinstance(value, (list, tuple)) and _holds_tensors(value):
        assert pack is not None
        return pack(value, dtype, name)
    return to_array(value, dtype)


def _holds_tensors(value: Any) -> bool:
    return any(isinstance(v, Tensor) or hasattr(type(v), "__tf_tensor__") for v in _leaves(value))


def dtype_of(value: Any) -> DType | None:
    """The dtype that `value` already has: tensors, variables and NumPy arrays have one, Python numbers do not."""
    dtype = getattr(value, "dtype", None)
    if dtype is None or isinstance(value, np.ndarray) and dtype.kind == "O":
        return None
    try:
        return as_dtype(dtype).base_dtype
    except TypeError:
        return None


def runtime_name(dtype: DType) -> str:
    """What TensorFlow's kernels call a type in their messages."""
    return {"float32": "float", "float64": "double", "float16": "half"}.get(dtype.name, dtype.name)


def mismatch(op: str, arg: str, got: DType, want: DType, why: str = "", at: int = 0, same_as: str | None = None) -> DTypeError:
    """What TensorFlow's kernels and its graph builder say of a tensor of another type, and the fix."""
    built = f"does not match type {want.name} of argument {same_as!r}" if same_as else f"does not match expected type of {want.name}"
    return DTypeError(
        f"cannot compute {op} as input #{at}(zero-based) was expected to be a {runtime_name(want)} tensor "
        f"but is a {runtime_name(got)} tensor\n"
        f"  Input {arg!r} of {op!r} Op has type {got.name} that {built}{why}.\n  fix: tf.cast({arg}, tf.{want.name})"
    )


@export(v2=("convert_to_tensor",))
def convert_to_tensor(value: Any, dtype: Any = None, dtype_hint: Any = None, name: str | None = None) -> Tensor:
    """`value` (a number, list, array, variable or tensor) as a tensor; TypeError or ValueError where it cannot be one.

    >>> tf.convert_to_tensor([1, 2]).dtype
    tf.int32
    """
    wanted = None if dtype is None else as_dtype(dtype)
    if wanted is None and dtype_hint is not None and not isinstance(value, Tensor):
        try:
            return door.convert(value, as_dtype(dtype_hint), name)
        except (TypeError, ValueError):
            pass
    out = door.convert(value, wanted, name)
    if wanted is not None and out.dtype.base_dtype is not wanted.base_dtype:
        raise ValueError(f"Tensor conversion requested dtype {wanted.name} for Tensor with dtype {out.dtype.name}: {out!r}")
    return out


@export(v1=("convert_to_tensor",))
def convert_to_tensor_v1(value: Any, dtype: Any = None, name: str | None = None, preferred_dtype: Any = None, dtype_hint: Any = None) -> Tensor:
    """`value` as a tensor, with the parameters of the 1.x function."""
    return convert_to_tensor(value, dtype, dtype_hint if preferred_dtype is None else preferred_dtype, name)


