"""The messages of tensorflow/core/framework/versions.proto."""

from penstock.base.proto.pool import load

load("tensorflow/core/framework/versions.proto", globals())
