"""The messages of tensorflow/core/framework/types.proto."""

from penstock.base.proto.pool import load

load("tensorflow/core/framework/types.proto", globals())
