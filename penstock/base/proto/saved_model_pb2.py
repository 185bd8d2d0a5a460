"""The messages of tensorflow/core/protobuf/saved_model.proto."""

from penstock.base.proto.pool import load

load("tensorflow/core/protobuf/saved_model.proto", globals())
