"""The messages of tensorflow/core/framework/kernel_def.proto."""

from penstock.base.proto.pool import load

load("tensorflow/core/framework/kernel_def.proto", globals())
