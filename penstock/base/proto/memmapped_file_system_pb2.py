"""The messages of tensorflow/core/util/memmapped_file_system.proto."""

from penstock.base.proto.pool import load

load("tensorflow/core/util/memmapped_file_system.proto", globals())
