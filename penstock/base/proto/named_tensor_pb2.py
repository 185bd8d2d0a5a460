"""The messages of tensorflow/core/protobuf/named_tensor.proto."""

from penstock.base.proto.pool import load

load("tensorflow/core/protobuf/named_tensor.proto", globals())
