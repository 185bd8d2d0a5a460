"""Tensors as strings: serialised TensorProtos."""

from typing import Any

import numpy as np
from google.protobuf.message import DecodeError

from penstock.base.dtypes import DType, as_dtype
from penstock.base.errors import InvalidArgumentError
from penstock.base.export import export
from penstock.ir.op import op
from penstock.ir.tensor_proto import array_to_proto, proto_to_array


@op("SerializeTensor(tensor: T, *, T: type) -> serialized: string", where="host", shape=lambda tensor: ())
def serialize_tensor_op(xp, tensor, *, T):  # noqa: N803
    """The tensor's TensorProto as a string."""
    out = np.empty((), object)
    out[()] = array_to_proto(tensor, T, raw=True).SerializeToString()
    return out


@op("ParseTensor(serialized: string, *, out_type: type) -> output: out_type", where="host", shape=lambda serialized, *, out_type: None)
def parse_tensor_op(xp, serialized, *, out_type):
    """The tensor that a serialised TensorProto holds."""
    from penstock.base.proto import tensor_pb2

    if serialized.ndim:
        raise InvalidArgumentError(None, None, f"Expected `serialized` to be a scalar, got shape: {list(serialized.shape)}")
    try:
        proto = tensor_pb2.TensorProto.FromString(serialized[()])
    except DecodeError:
        raise InvalidArgumentError(None, None, "Could not parse `serialized` as TensorProto") from None
    if proto.dtype != out_type.as_datatype_enum:
        found = DType._by_enum.get(proto.dtype)
        raise InvalidArgumentError(None, None, f"Type mismatch between parsed tensor ({found.name if found else proto.dtype}) and dtype ({out_type.name})")
    return proto_to_array(proto)


serialize_tensor_op.no_grad()
parse_tensor_op.no_grad()


@export("io.serialize_tensor", v1=("serialize_tensor",))
def serialize_tensor(tensor: Any, name: str | None = None) -> Any:
    """A string that holds the tensor, as a serialised TensorProto.

    >>> tf.io.parse_tensor(tf.io.serialize_tensor([1, 2]), tf.int32).numpy().tolist()
    [1, 2]
    """
    return serialize_tensor_op(tensor, name=name)


@export("io.parse_tensor", v1=("parse_tensor",))
def parse_tensor(serialized: Any, out_type: Any, name: str | None = None) -> Any:
    """The tensor of dtype `out_type` that a serialised TensorProto holds."""
    return parse_tensor_op(serialized, out_type=as_dtype(out_type), name=name)
