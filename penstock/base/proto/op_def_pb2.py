"""The messages of tensorflow/core/framework/op_def.proto."""

from penstock.base.proto.pool import load

load("tensorflow/core/framework/op_def.proto", globals())
