"""The messages of tensorflow/core/protobuf/rewriter_config.proto."""

from penstock.base.proto.pool import load

load("tensorflow/core/protobuf/rewriter_config.proto", globals())
