"""The messages of tensorflow/core/framework/node_def.proto."""

from penstock.base.proto.pool import load

load("tensorflow/core/framework/node_def.proto", globals())
