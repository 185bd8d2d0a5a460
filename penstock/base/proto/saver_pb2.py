"""The messages of tensorflow/core/protobuf/saver.proto."""

from penstock.base.proto.pool import load

load("tensorflow/core/protobuf/saver.proto", globals())
