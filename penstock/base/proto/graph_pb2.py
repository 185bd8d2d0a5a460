"""The messages of tensorflow/core/framework/graph.proto."""

from penstock.base.proto.pool import load

load("tensorflow/core/framework/graph.proto", globals())
