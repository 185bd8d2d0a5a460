"""The messages of tensorflow/core/profiler/tfprof_log.proto."""

from penstock.base.proto.pool import load

load("tensorflow/core/profiler/tfprof_log.proto", globals())
