"""The messages of tensorflow/core/framework/api_def.proto."""

from penstock.base.proto.pool import load

load("tensorflow/core/framework/api_def.proto", globals())
