"""The messages of tensorflow/core/framework/summary.proto."""

from penstock.base.proto.pool import load

load("tensorflow/core/framework/summary.proto", globals())
