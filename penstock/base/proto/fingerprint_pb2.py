"""The messages of tensorflow/core/protobuf/fingerprint.proto."""

from penstock.base.proto.pool import load

load("tensorflow/core/protobuf/fingerprint.proto", globals())
