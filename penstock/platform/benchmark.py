"""`tf.test.Benchmark`: timings of ops and programs, reported as TensorFlow's tools read them."""

import os
import re
import time
import types

import numpy as np

from penstock.base.export import export
from penstock.base.files import write_whole
from penstock.base.proto.config_pb2 import ConfigProto
from penstock.base.proto.rewriter_config_pb2 import RewriterConfig
from penstock.fronts.default_graph import executing_eagerly

REGISTRY = []
"""Every concrete benchmark class, in the order they were defined."""


@export("test.benchmark_config")
def benchmark_config():
    """A ConfigProto for benchmarks, with dependency optimization off.

    >>> tf.test.benchmark_config().graph_options.rewrite_options.dependency_optimization
    2
    """
    config = ConfigProto()
    config.graph_options.rewrite_options.dependency_optimization = RewriterConfig.OFF
    return config


class _Registering(type):
    def __new__(mcs, name, bases, attrs):
        made = super().__new__(mcs, name, bases, attrs)
        if not made.is_abstract():
            REGISTRY.append(made)
        return made


class PlainBenchmark(metaclass=_Registering):
    """A class whose methods `benchmark...` are timings; subclasses are registered when they are defined."""

    @classmethod
    def is_abstract(cls):
        """Is it a base that is not run itself?"""
        return len(cls.mro()) <= 3

    def _get_name(self, overwrite_name=None):
        import sys

        frame = sys._getframe(1)
        caller = ""
        while frame is not None:
            if frame.f_locals.get("self") is self and frame.f_code.co_name.startswith("benchmark"):
                caller = frame.f_code.co_name
            frame = frame.f_back
        if not caller:
            raise ValueError("Unable to determine calling Benchmark class.")
        return f"{type(self).__name__}.{overwrite_name or caller}"

    def report_benchmark(self, iters=None, cpu_time=None, wall_time=None, throughput=None, extras=None, name=None, metrics=None):
        """Say how long it took: in a file where TEST_REPORT_FILE_PREFIX is set, else on standard output."""
        rows = [f'  name: "{self._get_name(overwrite_name=name)}"']
        for label, value in (("iters", iters), ("cpu_time", cpu_time), ("wall_time", wall_time), ("throughput", throughput)):
            if value is not None:
                rows.append(f"  {label}: {value}")
        for key, value in (extras or {}).items():
            kind = "string_value" if isinstance(value, str) else "double_value"
            shown = f'"{value}"' if isinstance(value, str) else value
            rows.append(f'  extras {{\n    key: "{key}"\n    value {{\n      {kind}: {shown}\n    }}\n  }}')
        for metric in metrics or ():
            inner = "".join(f"    {k}: {v!r}\n".replace("'", '"') for k, v in metric.items())
            rows.append(f"  metrics {{\n{inner}  }}")
        text = "entry {\n" + "\n".join(rows) + "\n}\n"
        prefix = os.environ.get("TEST_REPORT_FILE_PREFIX")
        if prefix:
            path = prefix + self._get_name(overwrite_name=name).replace("/", "__")
            if os.path.exists(path):
                raise OSError(f"File already exists: {path}")
            write_whole(path, [text.encode()])
        else:
            print(text)


@export("test.Benchmark")
class Benchmark(PlainBenchmark):
    """A benchmark of TensorFlow programs: `run_op_benchmark` times an op in a session."""

    def __init__(self):
        super().__init__()

    @classmethod
    def is_abstract(cls):
        return len(cls.mro()) <= 3

    def run_op_benchmark(
        self, sess, op_or_tensor, feed_dict=None, burn_iters=2, min_iters=10, store_trace=False, store_memory_usage=True,
        name=None, extras=None, mbs=0,
    ):  # fmt: skip
        """Run an op `min_iters` times, report the median time and give the report as a dictionary."""
        for _ in range(burn_iters):
            sess.run(op_or_tensor, feed_dict=feed_dict)
        times = []
        for _ in range(min_iters):
            start = time.perf_counter()
            sess.run(op_or_tensor, feed_dict=feed_dict)
            times.append(time.perf_counter() - start)
        values = dict(extras or {})
        median = float(np.median(times)) if times else -1
        throughput = mbs / median if mbs and median > 0 else None
        values.update(wall_time_mean=float(np.mean(times)), wall_time_stdev=float(np.std(times)))
        self.report_benchmark(iters=min_iters, wall_time=median, throughput=throughput, name=name, extras=values)
        return {"iters": min_iters, "name": self._get_name(overwrite_name=name), "extras": values, "throughput": throughput or 0, "wall_time": median}

    def evaluate(self, tensors):
        """The values of tensors: eager ones as they are, others by a session."""
        from penstock.base import nest
        from penstock.fronts.session import Session, get_default_session

        if executing_eagerly():
            return nest.map_structure(lambda t: t.numpy() if hasattr(t, "numpy") else t, tensors)
        session = get_default_session()
        if session is not None:
            return session.run(tensors)
        with Session() as made:
            return made.run(tensors)


def run_benchmarks(regex):
    """Run the registered benchmarks whose `Class.method` the regular expression finds; their number."""
    regex = "." if regex == "all" else regex
    count = 0
    for cls in REGISTRY:
        made = cls()
        for name in dir(made):
            method = getattr(made, name)
            if name.startswith("benchmark") and isinstance(method, types.MethodType) and re.search(regex, f"{cls.__module__}.{cls.__name__}.{name}"):
                method()
                count += 1
    return count
