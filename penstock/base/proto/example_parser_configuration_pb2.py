"""The messages of tensorflow/core/example/example_parser_configuration.proto."""

from penstock.base.proto.pool import load

load("tensorflow/core/example/example_parser_configuration.proto", globals())
