"""The messages of tensorflow/core/framework/tensor_slice.proto."""

from penstock.base.proto.pool import load

load("tensorflow/core/framework/tensor_slice.proto", globals())
