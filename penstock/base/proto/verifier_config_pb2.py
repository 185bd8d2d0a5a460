"""The messages of tensorflow/core/protobuf/verifier_config.proto."""

from penstock.base.proto.pool import load

load("tensorflow/core/protobuf/verifier_config.proto", globals())
