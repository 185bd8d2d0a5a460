"""The messages of tensorflow/core/framework/step_stats.proto."""

from penstock.base.proto.pool import load

load("tensorflow/core/framework/step_stats.proto", globals())
