"""Arrays as TensorProtos and back."""

import math
from typing import Any, cast

import numpy as np

from penstock.base import dtypes
from penstock.base.dtypes import DType, as_dtype
from penstock.base.export import export
from penstock.base.shape import as_dims
from penstock.ir import convert

_AS_BYTES = frozenset(
    "float16 float32 float64 bfloat16 int8 int16 int32 int64 uint8 uint32 uint64 qint8 quint8 qint16 quint16 qint32 "
    "float8_e5m2 float8_e4m3fn float8_e4m3fnuz float8_e4m3b11fnuz float8_e5m2fnuz".split()
)
"""dtypes whose arrays of several elements are kept as raw bytes."""
_FIELDS = {
    "float32": "float_val", "float64": "double_val", "int64": "int64_val", "bool": "bool_val", "string": "string_val", "uint32": "uint32_val",
    "uint64": "uint64_val", "float16": "half_val", "bfloat16": "half_val", "complex64": "scomplex_val", "complex128": "dcomplex_val",
}  # fmt: skip


def field_of(dtype: DType) -> str:
    """The repeated field that holds single elements of this type."""
    return "float8_val" if dtype.name.startswith("float8") else _FIELDS.get(dtype.name, "int_val")


def array_to_proto(array: np.ndarray, dtype: DType | None = None, compress: bool = False, raw: bool = False) -> Any:
    """A TensorProto of an array; `compress` keeps a large constant array as one element, `raw` writes single elements as bytes too."""
    from penstock.base.proto import tensor_pb2

    dtype = as_dtype(array.dtype) if dtype is None else dtype.base_dtype
    proto = tensor_pb2.TensorProto(dtype=dtype.as_datatype_enum)
    proto.tensor_shape.SetInParent()
    for d in array.shape:
        proto.tensor_shape.dim.add(size=d)
    flat = array.reshape(-1)
    if compress and flat.size > 16 and dtype.on_device and flat.tobytes() == flat[:1].tobytes() * flat.size:
        flat = flat[:1]
    if dtype.name in _AS_BYTES and flat.size > (0 if raw else 1):
        proto.tensor_content = np.ascontiguousarray(flat).tobytes()
    else:
        _fill(proto, flat, dtype)
    return proto


def _fill(proto: Any, flat: np.ndarray, dtype: DType) -> None:
    field = field_of(dtype)
    if field == "float8_val":
        proto.float8_val = flat.tobytes()
        return
    values = getattr(proto, field)
    if field == "half_val":
        values.extend(np.ascontiguousarray(flat).view(np.uint16).tolist())
    elif dtype.is_complex:
        values.extend(np.stack([flat.real, flat.imag], -1).reshape(-1).tolist())
    elif dtype.name in ("resource", "variant"):
        raise TypeError(f"a tensor of dtype {dtype.name} cannot be written as a TensorProto")
    elif field == "int_val":
        values.extend(flat.astype(np.int64).tolist())
    else:
        values.extend(flat.tolist())


_LARGE, _LARGEST = 1 << 20, 1 << 30
"""Elements from which a repeated one is not copied; elements that are never filled up."""


def proto_to_array(proto: Any) -> np.ndarray:
    """The array that a TensorProto holds; elements that are not written out repeat the last one."""
    dims = [d.size for d in proto.tensor_shape.dim]
    if min(dims, default=0) < 0:
        raise ValueError(f"a tensor of shape {dims} has no elements: its sizes must not be negative")
    size = math.prod(dims)
    if proto.dtype not in DType._by_enum:
        raise TypeError(f"a tensor has the dtype {proto.dtype}, which there is not")
    dtype = DType._by_enum[proto.dtype].base_dtype
    if proto.tensor_content and dtype.name == "string":
        return _strings(proto.tensor_content, size).reshape(dims)
    if proto.tensor_content:
        found = np.frombuffer(proto.tensor_content, dtype.array_dtype if dtype.on_device else np.uint8)
        if found.size != size:
            raise ValueError(f"the tensor's content holds {found.size} elements of {dtype.name}, its shape {dims} has {size}")
        return found.reshape(dims)
    if dtype.name == "resource":
        raise KeyError(proto.dtype)
    found = _elements(proto, dtype)
    if found.size == 0 and size:
        if not dtype.on_device:
            found = np.array([b""], object)
        else:
            found = np.zeros(1, dtype.array_dtype)
    if found.size == 1 and size > _LARGE:  # one element in memory stands for all
        return np.broadcast_to(found.reshape(()), dims)
    if found.size < size:
        if size > _LARGEST:
            raise ValueError(f"the tensor holds {found.size} elements, its shape {dims} has {size}")
        found = np.concatenate([found, np.repeat(found[-1:], size - found.size)])
    return found[:size].reshape(dims)


def _strings(content: bytes, count: int) -> np.ndarray:
    """Strings as a tensor's content holds them: all lengths, then all bytes."""
    lengths, at = [], 0
    for _ in range(count):
        n = shift = 0
        while True:
            if at >= len(content):
                raise ValueError(f"the tensor's content ends before the lengths of its {count} strings")
            byte = content[at]
            at += 1
            n |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                break
        lengths.append(n)
    if at + sum(lengths) != len(content):
        raise ValueError(f"the tensor's content holds {len(content) - at} bytes, its strings have {sum(lengths)}")
    out = np.empty(count, object)
    for i, n in enumerate(lengths):
        out[i] = content[at : at + n]
        at += n
    return out


def _elements(proto: Any, dtype: DType) -> np.ndarray:
    field = field_of(dtype)
    values = getattr(proto, field)
    if field == "float8_val":
        return np.frombuffer(values, dtype.array_dtype)
    if field == "half_val":
        return np.array(values, np.uint16).view(dtype.array_dtype)
    if dtype.is_complex:
        pairs = np.array(values, np.float32 if dtype is dtypes.complex64 else np.float64).reshape(-1, 2)
        return (pairs[:, 0] + 1j * pairs[:, 1]).astype(dtype.array_dtype)
    if dtype is dtypes.variant:
        return np.array(list(proto.variant_val) or [None], object)
    if dtype is dtypes.string:
        out = np.empty(len(values), object)
        out[:] = list(values)
        return out
    return np.array(values, np.int64 if field == "int_val" else dtype.array_dtype).astype(dtype.array_dtype)


@export("make_tensor_proto")
def make_tensor_proto(values: Any, dtype: Any = None, shape: Any = None, verify_shape: bool = False, allow_broadcast: bool = False) -> Any:
    """A TensorProto of a number, list or array; fewer values than `shape` asks for repeat the last one.

    >>> tf.make_tensor_proto([1, 2], shape=[2]).tensor_content
    b'\\x01\\x00\\x00\\x00\\x02\\x00\\x00\\x00'
    """
    from penstock.base.proto import tensor_pb2

    if isinstance(values, tensor_pb2.TensorProto):
        return values
    if values is None:
        raise ValueError("None values not supported.")
    wanted = None if dtype is None else as_dtype(dtype)
    held = getattr(values, "_array", None)
    try:
        array = convert.to_array(np.asarray(held) if held is not None else values, wanted)
    except (TypeError, OverflowError):
        leaf = next((v for v in convert._leaves(values)), values)
        raise TypeError(f"Expected {wanted.name if wanted else 'a tensor'}, but got {leaf} of type {type(leaf).__name__!r}.") from None
    found = wanted or (values.dtype.base_dtype if held is not None else as_dtype(array.dtype))
    dims = None if shape is None else tuple(int(d) for d in cast(Any, as_dims(shape)) or ())
    if dims is None or dims == array.shape:
        return array_to_proto(array, found)
    size = math.prod(dims)
    if (verify_shape or allow_broadcast) and not (allow_broadcast and array.size == 1):
        raise TypeError(f"Expected Tensor's shape: {dims}, but got {array.shape}.")
    if array.size > size:
        raise ValueError(f"Too many elements provided. Takes at most {size}, but got {array.size}.")
    if array.size == size:
        return array_to_proto(array.reshape(dims), found)
    proto = tensor_pb2.TensorProto(dtype=found.as_datatype_enum)
    for d in dims:
        proto.tensor_shape.dim.add(size=d)
    _fill(proto, array.reshape(-1), found)
    return proto


@export("make_ndarray")
def make_ndarray(tensor: Any) -> np.ndarray:
    """The NumPy array that a TensorProto holds.

    >>> tf.make_ndarray(tf.make_tensor_proto([1, 2]))
    array([1, 2], dtype=int32)
    """
    array = proto_to_array(tensor)
    return array if array.flags.writeable else array.copy()
