"""The messages of tensorflow/core/framework/tensor_shape.proto."""

from penstock.base.proto.pool import load

load("tensorflow/core/framework/tensor_shape.proto", globals())
