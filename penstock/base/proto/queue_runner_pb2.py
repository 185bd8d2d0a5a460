"""The messages of tensorflow/core/protobuf/queue_runner.proto."""

from penstock.base.proto.pool import load

load("tensorflow/core/protobuf/queue_runner.proto", globals())
