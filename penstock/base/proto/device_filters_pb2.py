"""The messages of tensorflow/core/protobuf/device_filters.proto."""

from penstock.base.proto.pool import load

load("tensorflow/core/protobuf/device_filters.proto", globals())
