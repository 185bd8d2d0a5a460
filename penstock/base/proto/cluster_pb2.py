"""The messages of tensorflow/core/protobuf/cluster.proto."""

from penstock.base.proto.pool import load

load("tensorflow/core/protobuf/cluster.proto", globals())
