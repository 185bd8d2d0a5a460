"""The messages of tensorflow/core/framework/reader_base.proto."""

from penstock.base.proto.pool import load

load("tensorflow/core/framework/reader_base.proto", globals())
