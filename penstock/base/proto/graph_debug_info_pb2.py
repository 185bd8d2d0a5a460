"""The messages of tensorflow/core/framework/graph_debug_info.proto."""

from penstock.base.proto.pool import load

load("tensorflow/core/framework/graph_debug_info.proto", globals())
