"""The messages of xla/tsl/protobuf/error_codes.proto."""

from penstock.base.proto.pool import load

load("xla/tsl/protobuf/error_codes.proto", globals())
