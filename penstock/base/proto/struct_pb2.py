"""The messages of tensorflow/core/protobuf/struct.proto."""

from penstock.base.proto.pool import load

load("tensorflow/core/protobuf/struct.proto", globals())
