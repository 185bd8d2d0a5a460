"""The messages of tensorflow/core/protobuf/composite_tensor_variant.proto."""

from penstock.base.proto.pool import load

load("tensorflow/core/protobuf/composite_tensor_variant.proto", globals())
