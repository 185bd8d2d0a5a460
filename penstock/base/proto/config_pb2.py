"""The messages of tensorflow/core/protobuf/config.proto."""

from penstock.base.proto.pool import load

load("tensorflow/core/protobuf/config.proto", globals())
