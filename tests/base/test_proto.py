"""The protocol buffer messages: real names, a pool of their own, bytes that go back and forth."""

import copy
import glob
import importlib
import os
import pickle

import pytest
from google.protobuf import descriptor_pool

import penstock.base.proto as proto
from penstock.base.proto import attr_value_pb2, example_pb2, graph_pb2, tensor_bundle_pb2, types_pb2
from penstock.base.proto.declare import parse

MODULES = sorted(os.path.basename(p)[:-3] for p in glob.glob(os.path.join(os.path.dirname(proto.__file__), "*_pb2.py")))


@pytest.mark.parametrize("name", MODULES)
def test_every_file_loads(name):
    module = importlib.import_module(f"penstock.base.proto.{name}")
    assert module.DESCRIPTOR.package.startswith(("tensorflow", "third_party.tensorflow"))
    for key, message in module.DESCRIPTOR.message_types_by_name.items():
        assert getattr(module, key).DESCRIPTOR is message and getattr(module, key).__module__ == module.__name__


def test_real_names():
    assert graph_pb2.GraphDef.DESCRIPTOR.full_name == "tensorflow.GraphDef"
    assert graph_pb2.DESCRIPTOR.name == "tensorflow/core/framework/graph.proto"
    with pytest.raises(KeyError):
        descriptor_pool.Default().FindMessageTypeByName("tensorflow.GraphDef")


def test_enums():
    assert types_pb2.DT_FLOAT == 1 and types_pb2.DataType.Name(14) == "DT_BFLOAT16"


def test_messages_travel():
    graph = graph_pb2.GraphDef()
    graph.node.add(name="a", op="B").attr["T"].CopyFrom(attr_value_pb2.AttrValue(type=types_pb2.DT_HALF))
    again = graph_pb2.GraphDef.FromString(graph.SerializeToString())
    assert again == graph == pickle.loads(pickle.dumps(graph)) == copy.deepcopy(graph)


def test_example_bytes():
    feature = example_pb2.Example()
    feature.features.feature["a"].int64_list.value[:] = [1, 2]
    assert feature.SerializeToString() == b"\n\r\n\x0b\n\x01a\x12\x06\x1a\x04\n\x02\x01\x02"


def test_oneof_map_and_nested_enum_of_own_files():
    header = tensor_bundle_pb2.BundleHeaderProto(num_shards=1, endianness=tensor_bundle_pb2.BundleHeaderProto.LITTLE)
    assert header.SerializeToString() == b"\x08\x01"
    made = parse('// a/b.proto\nsyntax = "proto3";\npackage p;\nmessage M { oneof k { int32 a = 1; M b = 2; } map<string, M> c = 3; }\n')
    fields = {f.name: f for f in made.message_type[0].field}
    assert fields["a"].oneof_index == 0 and fields["c"].label == 3 and made.message_type[0].nested_type[0].options.map_entry
