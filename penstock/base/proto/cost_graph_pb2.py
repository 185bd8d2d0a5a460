"""The messages of tensorflow/core/framework/cost_graph.proto."""

from penstock.base.proto.pool import load

load("tensorflow/core/framework/cost_graph.proto", globals())
