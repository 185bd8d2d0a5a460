"""The messages of tensorflow/python/training/checkpoint_state.proto."""

from penstock.base.proto.pool import load

load("tensorflow/python/training/checkpoint_state.proto", globals())
