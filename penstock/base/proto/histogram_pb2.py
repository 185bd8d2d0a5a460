"""The messages of xla/tsl/protobuf/histogram.proto."""

from penstock.base.proto.pool import load

load("xla/tsl/protobuf/histogram.proto", globals())
