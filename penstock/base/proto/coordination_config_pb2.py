"""The messages of xla/tsl/protobuf/coordination_config.proto."""

from penstock.base.proto.pool import load

load("xla/tsl/protobuf/coordination_config.proto", globals())
