"""The messages of tensorflow/core/protobuf/meta_graph.proto."""

from penstock.base.proto.pool import load

load("tensorflow/core/protobuf/meta_graph.proto", globals())
