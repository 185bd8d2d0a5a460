"""The messages of tensorflow/python/keras/protobuf/versions.proto."""

from penstock.base.proto.pool import load

load("tensorflow/python/keras/protobuf/versions.proto", globals())
