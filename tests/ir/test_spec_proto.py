"""Type specs as protocol buffers and back; the text is TensorFlow 2.21's."""

import numpy as np
import pytest

import penstock as tf
from penstock.base.proto import struct_pb2
from penstock.ir.spec_proto import value_from_proto, value_to_proto

SPECS = [
    tf.TensorSpec([None, 2], tf.float32, "n"),
    tf.TensorSpec(None, tf.string),
    tf.SparseTensorSpec([2, 3], tf.int32),
    tf.IndexedSlicesSpec([None], tf.float32),
    tf.TensorArraySpec([2], tf.float32),
]


@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_round_trip(spec):
    proto = spec.experimental_as_proto()
    assert type(proto) is spec.experimental_type_proto()
    assert type(spec).experimental_from_proto(type(proto).FromString(proto.SerializeToString())) == spec


def test_what_a_spec_says():
    proto = tf.SparseTensorSpec([2, 3], tf.int32).experimental_as_proto()
    assert proto.type_spec_class == struct_pb2.TypeSpecProto.SPARSE_TENSOR_SPEC
    assert (proto.type_spec_class_name, proto.num_flat_components) == ("SparseTensorSpec", 3)
    shape, dtype = proto.type_state.tuple_value.values
    assert [d.size for d in shape.tensor_shape_value.dim] == [2, 3] and dtype.tensor_dtype_value == 3


def test_structured_values():
    value = {"a": [1, 2.5, None, "text"], "b": (True, tf.float16, tf.TensorShape([None]))}
    assert value_from_proto(value_to_proto(value)) == value
    with pytest.raises(TypeError, match="cannot be part of"):
        value_to_proto(np.zeros(2))


def test_components_of_a_composite_are_its_tensors():
    assert [type(s) for s in tf.IndexedSlicesSpec([4], tf.float32).flatten()] == [tf.TensorSpec, tf.TensorSpec]
