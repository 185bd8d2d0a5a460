"""The messages of tensorflow/core/framework/allocation_description.proto."""

from penstock.base.proto.pool import load

load("tensorflow/core/framework/allocation_description.proto", globals())
