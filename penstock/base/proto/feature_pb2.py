"""The messages of tensorflow/core/example/feature.proto."""

from penstock.base.proto.pool import load

load("tensorflow/core/example/feature.proto", globals())
