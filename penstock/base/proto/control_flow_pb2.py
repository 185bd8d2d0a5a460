"""The messages of tensorflow/core/protobuf/control_flow.proto."""

from penstock.base.proto.pool import load

load("tensorflow/core/protobuf/control_flow.proto", globals())
