"""The messages of tensorflow/core/framework/variable.proto."""

from penstock.base.proto.pool import load

load("tensorflow/core/framework/variable.proto", globals())
