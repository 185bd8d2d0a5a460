"""The messages of tensorflow/core/protobuf/debug_event.proto."""

from penstock.base.proto.pool import load

load("tensorflow/core/protobuf/debug_event.proto", globals())
