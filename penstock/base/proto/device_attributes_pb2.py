"""The messages of tensorflow/core/framework/device_attributes.proto."""

from penstock.base.proto.pool import load

load("tensorflow/core/framework/device_attributes.proto", globals())
