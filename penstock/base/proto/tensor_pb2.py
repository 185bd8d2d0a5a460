"""The messages of tensorflow/core/framework/tensor.proto."""

from penstock.base.proto.pool import load

load("tensorflow/core/framework/tensor.proto", globals())
