"""The messages of tensorflow/core/framework/tensor_description.proto."""

from penstock.base.proto.pool import load

load("tensorflow/core/framework/tensor_description.proto", globals())
