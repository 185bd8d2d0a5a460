"""The messages of tensorflow/core/framework/attr_value.proto."""

from penstock.base.proto.pool import load

load("tensorflow/core/framework/attr_value.proto", globals())
