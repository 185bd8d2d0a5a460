"""The messages of tensorflow/core/protobuf/tpu/topology.proto."""

from penstock.base.proto.pool import load

load("tensorflow/core/protobuf/tpu/topology.proto", globals())
