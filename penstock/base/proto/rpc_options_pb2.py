"""The messages of xla/tsl/protobuf/rpc_options.proto."""

from penstock.base.proto.pool import load

load("xla/tsl/protobuf/rpc_options.proto", globals())
