"""The messages of tensorflow/core/profiler/tfprof_output.proto."""

from penstock.base.proto.pool import load

load("tensorflow/core/profiler/tfprof_output.proto", globals())
