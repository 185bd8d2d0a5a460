"""The messages of tensorflow/core/protobuf/tensor_bundle.proto."""

from penstock.base.proto.pool import load

load("tensorflow/core/protobuf/tensor_bundle.proto", globals())
