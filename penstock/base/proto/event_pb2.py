"""The messages of tensorflow/core/util/event.proto."""

from penstock.base.proto.pool import load

load("tensorflow/core/util/event.proto", globals())
