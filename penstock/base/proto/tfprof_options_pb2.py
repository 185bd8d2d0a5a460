"""The messages of tensorflow/core/profiler/tfprof_options.proto."""

from penstock.base.proto.pool import load

load("tensorflow/core/profiler/tfprof_options.proto", globals())
