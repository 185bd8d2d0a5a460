"""The messages of tensorflow/core/framework/cpp_shape_inference.proto."""

from penstock.base.proto.pool import load

load("tensorflow/core/framework/cpp_shape_inference.proto", globals())
