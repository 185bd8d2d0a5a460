"""The messages of tensorflow/core/kernels/boosted_trees/boosted_trees.proto."""

from penstock.base.proto.pool import load

load("tensorflow/core/kernels/boosted_trees/boosted_trees.proto", globals())
