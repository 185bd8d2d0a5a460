"""The messages of tensorflow/core/framework/resource_handle.proto."""

from penstock.base.proto.pool import load

load("tensorflow/core/framework/resource_handle.proto", globals())
