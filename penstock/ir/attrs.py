"""Attribute values: as penstock keeps them, as AttrValue messages, and as users read them."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from penstock.base.dtypes import DType, as_dtype
from penstock.base.shape import Dims, TensorShape, as_dims
from penstock.ir.signature import REQUIRED
from penstock.ir.tensor_proto import array_to_proto, proto_to_array

_FIELD = {"bool": "b", "int": "i", "float": "f", "str": "s"}


def wire_type(kind: str) -> str:
    """The name that an OpDef gives an attr's type."""
    return kind.replace("str", "string")


def is_message(value: Any) -> bool:
    """Is it an AttrValue (of any pool)?"""
    return hasattr(value, "WhichOneof")


def shape_to_proto(dims: Dims, proto: Any) -> None:
    proto.SetInParent()
    if dims is None:
        proto.unknown_rank = True
    else:
        for d in dims:
            proto.dim.add(size=-1 if d is None else int(d))


def function_name(value: Any) -> str:
    return value if isinstance(value, str) else value.name


def to_proto(kind: str | None, value: Any, dtype: DType | None = None) -> Any:
    """The AttrValue of a value of an attr of this type (None: as the value's own type suggests)."""
    from penstock.base.proto import attr_value_pb2

    if is_message(value):
        return attr_value_pb2.AttrValue.FromString(value.SerializeToString())
    kind = _guess(value) if kind is None else kind
    proto = attr_value_pb2.AttrValue()
    if kind.startswith("list("):
        proto.list.SetInParent()
        for v in value:
            _append(proto.list, kind[5:-1], v)
    elif kind == "type":
        proto.type = as_dtype(value).as_datatype_enum
    elif kind == "shape":
        shape_to_proto(as_dims(value), proto.shape)
    elif kind == "tensor":
        proto.tensor.CopyFrom(value if hasattr(value, "tensor_shape") else array_to_proto(np.asarray(value), dtype, compress=True))
    elif kind == "func":
        proto.func.name = function_name(value)
    else:
        setattr(proto, _FIELD[kind], _bytes(value) if kind == "str" else value)
    return proto


def _append(held: Any, kind: str, value: Any) -> None:
    if kind == "type":
        held.type.append(as_dtype(value).as_datatype_enum)
    elif kind == "shape":
        shape_to_proto(as_dims(value), held.shape.add())
    elif kind == "tensor":
        held.tensor.append(value if hasattr(value, "tensor_shape") else array_to_proto(np.asarray(value)))
    elif kind == "func":
        held.func.add(name=function_name(value))
    else:
        getattr(held, _FIELD[kind]).append(_bytes(value) if kind == "str" else value)


def _bytes(value: Any) -> bytes:
    return value.encode("utf-8", "surrogateescape") if isinstance(value, str) else bytes(value)


def _guess(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return f"list({_guess(value[0]) if value else 'int'})"
    for cls, kind in ((bool, "bool"), (int, "int"), (float, "float"), ((str, bytes), "str"), (DType, "type"), (TensorShape, "shape"), (np.ndarray, "tensor")):
        if isinstance(value, cls):
            return kind
    if hasattr(value, "name"):
        return "func"
    raise TypeError(f"no attribute value can be made of {value!r} (a {type(value).__name__})")


def from_proto(kind: str, proto: Any, functions: Mapping[str, Any]) -> Any:
    """The value of an attr of this type as penstock keeps it."""
    if kind.startswith("list("):
        inner = kind[5:-1]
        held = proto.list
        if inner == "type":
            return [as_dtype(v) for v in held.type]
        if inner == "shape":
            return [as_dims(v) for v in held.shape]
        if inner == "tensor":
            return [proto_to_array(v) for v in held.tensor]
        if inner == "func":
            return [functions[v.name] for v in held.func]
        values = getattr(held, _FIELD[inner])
        return [v.decode("utf-8", "surrogateescape") for v in values] if inner == "str" else list(values)
    if kind == "type":
        return as_dtype(proto.type)
    if kind == "shape":
        return as_dims(proto.shape)
    if kind == "tensor":
        return proto_to_array(proto.tensor)
    if kind == "func":
        return functions[proto.func.name]
    value = getattr(proto, _FIELD[kind])
    return value.decode("utf-8", "surrogateescape") if kind == "str" else value


def attrs_from_proto(definition: Any, given: Mapping[str, Any], graph: Any) -> dict[str, Any]:
    """The attrs of a node out of AttrValues (or plain values); those that the op does not know are kept as they are."""
    functions = graph._functions
    found: dict[str, Any] = {}
    for key, value in given.items():
        attr = definition.sig.attrs.get(key)
        found[key] = from_proto(attr.type, value, functions) if attr is not None and is_message(value) else value
    return found


_ONE = {"s": "str", "i": "int", "f": "float", "b": "bool"}


def attr_for_user(attr: Any, value: Any) -> Any:
    """What `Operation.get_attr` gives: bytes for strings, DTypes for types, messages for shapes, tensors and functions."""
    kind = None if attr is None else attr.type
    if kind in ("bool", "int", "float"):
        return value
    if kind == "type":
        return as_dtype(value)
    proto = to_proto(kind, value)
    which = proto.WhichOneof("value")
    if which is None:
        return None
    if which == "list":
        for field in ("s", "i", "f", "b", "type", "shape", "tensor", "func"):
            held = getattr(proto.list, field)
            if len(held):
                return [as_dtype(v) for v in held] if field == "type" else list(held)
        return []
    found = getattr(proto, which)
    return as_dtype(found) if which == "type" else found


def default_of(attr: Any) -> Any:
    """The AttrValue of an attr's default, None when it has none, or when it is a tensor that signatures do not spell out."""
    unspelled = attr.type == "tensor" and isinstance(attr.default, str)
    return None if attr.default is REQUIRED or unspelled else to_proto(attr.type, attr.default)
