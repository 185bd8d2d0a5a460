"""The messages of tensorflow/core/protobuf/saved_object_graph.proto."""

from penstock.base.proto.pool import load

load("tensorflow/core/protobuf/saved_object_graph.proto", globals())
