"""The messages of tensorflow/core/protobuf/tensorflow_server.proto."""

from penstock.base.proto.pool import load

load("tensorflow/core/protobuf/tensorflow_server.proto", globals())
