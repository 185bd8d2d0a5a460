"""Type specs as protocol buffers, as SavedModels hold them: `TensorSpecProto`, `TypeSpecProto`, `StructuredValue`."""

import re
from collections.abc import Iterator
from typing import Any

from penstock.base.dtypes import DType, as_dtype
from penstock.base.export import export
from penstock.base.proto import struct_pb2
from penstock.base.shape import TensorShape
from penstock.ir.type_spec import BoundedTensorSpec, TensorSpec, TypeSpec


def spec_to_proto(spec: TypeSpec) -> Any:
    """The message of a spec: a TensorSpecProto for a plain tensor, a BoundedTensorSpecProto, or a TypeSpecProto."""
    if type(spec) is TensorSpec:
        return _tensor_spec(spec)
    if type(spec) is BoundedTensorSpec:
        return _bounded_spec(spec)
    name = type(spec).__name__
    return struct_pb2.TypeSpecProto(
        type_spec_class=_class_number(name),
        type_state=value_to_proto(tuple(spec._serialize())),
        type_spec_class_name=name,
        num_flat_components=len(spec.flatten()),
    )


def spec_from_proto(proto: Any) -> Any:
    """The spec that a message describes; ValueError for a class that is not known."""
    kind = proto.DESCRIPTOR.name
    if kind == "TensorSpecProto":
        return TensorSpec(TensorShape(proto.shape), as_dtype(proto.dtype), proto.name or None)
    if kind == "BoundedTensorSpecProto":
        return _bounded_from(proto)
    name = proto.type_spec_class_name
    for cls in _subclasses(TypeSpec):
        if cls.__name__ == name:
            return cls._deserialize(value_from_proto(proto.type_state))
    raise ValueError(f"The type spec class {name!r} is not known here")


@export(v2=("__internal__.saved_model.encode_structure",))
def encode_structure(nested_structure: Any) -> Any:
    """A StructuredValue message of a nest of specs, shapes, dtypes, numbers and text."""
    return value_to_proto(nested_structure)


@export(v2=("__internal__.saved_model.decode_proto",))
def decode_proto(proto: Any) -> Any:
    """What a StructuredValue message holds."""
    return value_from_proto(proto)


def value_to_proto(value: Any) -> Any:
    """A StructuredValue of what specs are made of: shapes, dtypes, numbers, text, and nests of them."""
    made = struct_pb2.StructuredValue()
    if value is None:
        made.none_value.SetInParent()
    elif isinstance(value, bool):
        made.bool_value = value
    elif isinstance(value, int):
        made.int64_value = value
    elif isinstance(value, float):
        made.float64_value = value
    elif isinstance(value, str):
        made.string_value = value
    elif isinstance(value, TensorShape):
        made.tensor_shape_value.CopyFrom(value.as_proto())
        made.tensor_shape_value.SetInParent()
    elif isinstance(value, DType):
        made.tensor_dtype_value = value.as_datatype_enum
    elif isinstance(value, TensorSpec) and type(value) is TensorSpec:
        made.tensor_spec_value.CopyFrom(_tensor_spec(value))
    elif isinstance(value, BoundedTensorSpec):
        made.bounded_tensor_spec_value.CopyFrom(_bounded_spec(value))
    elif isinstance(value, TypeSpec):
        made.type_spec_value.CopyFrom(spec_to_proto(value))
    elif isinstance(value, tuple) and hasattr(value, "_fields"):
        made.named_tuple_value.name = type(value).__name__
        for key in value._fields:
            made.named_tuple_value.values.add(key=key, value=value_to_proto(getattr(value, key)))
    elif isinstance(value, list | tuple):
        target = made.list_value if isinstance(value, list) else made.tuple_value
        target.SetInParent()
        target.values.extend(value_to_proto(v) for v in value)
    elif isinstance(value, dict):
        made.dict_value.SetInParent()
        for key, part in value.items():
            made.dict_value.fields[key].CopyFrom(value_to_proto(part))
    else:
        raise TypeError(f"{value!r} of type {type(value).__name__} cannot be part of a type spec's message")
    return made


def value_from_proto(proto: Any) -> Any:
    """What a StructuredValue holds."""
    kind = proto.WhichOneof("kind")
    if kind in (None, "none_value"):
        return None
    value = getattr(proto, kind)
    if kind == "tensor_shape_value":
        return TensorShape(value)
    if kind == "tensor_dtype_value":
        return as_dtype(value)
    if kind in ("tensor_spec_value", "bounded_tensor_spec_value", "type_spec_value"):
        return spec_from_proto(value)
    if kind == "list_value":
        return [value_from_proto(v) for v in value.values]
    if kind == "tuple_value":
        return tuple(value_from_proto(v) for v in value.values)
    if kind == "dict_value":
        return {key: value_from_proto(part) for key, part in value.fields.items()}
    if kind == "named_tuple_value":
        import collections

        cls = collections.namedtuple(value.name, [pair.key for pair in value.values])
        return cls(*[value_from_proto(pair.value) for pair in value.values])
    return value


def _tensor_spec(spec: TensorSpec) -> Any:
    made = struct_pb2.TensorSpecProto(dtype=spec.dtype.as_datatype_enum, name=spec.name or "")
    made.shape.CopyFrom(spec.shape.as_proto())
    made.shape.SetInParent()
    return made


def _bounded_spec(spec: BoundedTensorSpec) -> Any:
    from penstock.ir.tensor_proto import array_to_proto

    made = struct_pb2.BoundedTensorSpecProto(dtype=spec.dtype.as_datatype_enum, name=spec.name or "")
    made.shape.CopyFrom(spec.shape.as_proto())
    made.minimum.CopyFrom(array_to_proto(spec.minimum))
    made.maximum.CopyFrom(array_to_proto(spec.maximum))
    return made


def _bounded_from(proto: Any) -> BoundedTensorSpec:
    from penstock.ir.tensor_proto import proto_to_array

    low, high = proto_to_array(proto.minimum), proto_to_array(proto.maximum)
    return BoundedTensorSpec(TensorShape(proto.shape), as_dtype(proto.dtype), low, high, proto.name or None)


def _class_number(name: str) -> int:
    """`SparseTensorSpec` -> SPARSE_TENSOR_SPEC; UNKNOWN for a class of the program's own."""
    upper = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).upper()
    numbers = struct_pb2.TypeSpecProto.TypeSpecClass
    for candidate in (upper, f"DATA_{upper}"):
        if candidate in list(numbers.keys()):
            return numbers.Value(candidate)
    return 0


def _subclasses(cls: type) -> Iterator[Any]:
    for sub in cls.__subclasses__():
        yield sub
        yield from _subclasses(sub)
