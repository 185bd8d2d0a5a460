"""The messages of tensorflow/core/util/saved_tensor_slice.proto."""

from penstock.base.proto.pool import load

load("tensorflow/core/util/saved_tensor_slice.proto", globals())
