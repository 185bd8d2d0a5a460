"""The messages of tensorflow/python/keras/protobuf/saved_metadata.proto."""

from penstock.base.proto.pool import load

load("tensorflow/python/keras/protobuf/saved_metadata.proto", globals())
