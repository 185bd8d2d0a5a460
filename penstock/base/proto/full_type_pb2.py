"""The messages of tensorflow/core/framework/full_type.proto."""

from penstock.base.proto.pool import load

load("tensorflow/core/framework/full_type.proto", globals())
