"""The messages of tensorflow/core/protobuf/debug.proto."""

from penstock.base.proto.pool import load

load("tensorflow/core/protobuf/debug.proto", globals())
