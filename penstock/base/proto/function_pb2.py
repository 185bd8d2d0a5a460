"""The messages of tensorflow/core/framework/function.proto."""

from penstock.base.proto.pool import load

load("tensorflow/core/framework/function.proto", globals())
