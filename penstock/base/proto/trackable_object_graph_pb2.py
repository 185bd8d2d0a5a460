"""The messages of tensorflow/core/protobuf/trackable_object_graph.proto."""

from penstock.base.proto.pool import load

load("tensorflow/core/protobuf/trackable_object_graph.proto", globals())
