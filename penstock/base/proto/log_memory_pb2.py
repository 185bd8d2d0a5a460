"""The messages of tensorflow/core/framework/log_memory.proto."""

from penstock.base.proto.pool import load

load("tensorflow/core/framework/log_memory.proto", globals())
