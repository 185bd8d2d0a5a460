"""The messages of tensorflow/core/example/example.proto."""

from penstock.base.proto.pool import load

load("tensorflow/core/example/example.proto", globals())
