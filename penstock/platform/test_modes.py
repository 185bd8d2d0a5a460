"""Decorators that run a test in a graph, eagerly, in a function, or in several of them."""

import contextlib
import functools
import inspect
import unittest

from penstock.fronts import default_graph
from penstock.fronts.eager import EAGER
from penstock.fronts.function import function, run_functions_eagerly as set_run_eagerly
from penstock.ir import door
from penstock.ir.graph import Graph
from penstock.platform import config
from penstock.platform.text import forward_compatibility_horizon
from penstock.state.variables import resource_variables_enabled


@contextlib.contextmanager
def _mode(emitter):
    """All code of the process emits to `emitter` inside, whatever was current before."""
    state = door.state
    before = door.default_emitter, state.emitter, state.stack
    door.default_emitter, state.emitter, state.stack = emitter, None, ()
    try:
        yield
    finally:
        door.default_emitter, state.emitter, state.stack = before


def graph_mode():
    """A context in which ops go to the global default graph."""
    return _mode(default_graph.global_graph())


def eager_mode():
    """A context in which ops run at once."""
    return _mode(EAGER)


def _is_test(name, value):
    return callable(value) and name.startswith(unittest.TestLoader.testMethodPrefix) and name not in ("test_session", "testSkipEager")


def for_all_test_methods(decorator, *args, **kwargs):
    """A class decorator: every test method decorated."""

    def decorate(cls):
        for name in dir(cls):
            value = getattr(cls, name)
            if _is_test(name, value):
                setattr(cls, name, decorator(*args, **kwargs)(value))
        return cls

    return decorate


def _each_test(cls, decorator, setup=False):
    if setup and cls.__dict__.get("setUp") is not None:
        cls.setUp = decorator(cls.setUp)
    for name, value in list(cls.__dict__.items()):
        if _is_test(name, value):
            setattr(cls, name, decorator(value))
    return cls


def run_in_graph_and_eager_modes(func=None, config=None, use_gpu=True, assert_no_eager_garbage=False):
    """Run the test in a graph with a session, then eagerly, with setUp and tearDown around each."""

    def decorate(test):
        if inspect.isclass(test):
            raise ValueError("`run_in_graph_and_eager_modes` only supports test methods. Did you mean to use `run_all_in_graph_and_eager_modes`?")

        @functools.wraps(test)
        def both(self, *args, **kwargs):
            with contextlib.suppress(unittest.SkipTest):
                with graph_mode(), self.subTest("graph_mode"), self.test_session(use_gpu=use_gpu, config=config):
                    test(self, *args, **kwargs)
            self.tearDown()
            self._tempdir = None
            with self.subTest("eager_mode"), Graph().as_default(), eager_mode():
                self.setUp()
                test(self, *args, **kwargs)

        return both

    return decorate if func is None else decorate(func)


def run_all_in_graph_and_eager_modes(cls):
    """Run every test of the class in a graph, then eagerly."""
    return _each_test(cls, run_in_graph_and_eager_modes)


def deprecated_graph_mode_only(func):
    """Run a test, or all tests of a class and its setUp, in a graph."""

    def decorate(test):
        @functools.wraps(test)
        def in_graph(self, *args, **kwargs):
            if not default_graph.executing_eagerly():
                return test(self, *args, **kwargs)
            with graph_mode():
                return test(self, *args, **kwargs)

        return in_graph

    if inspect.isclass(func):
        return _each_test(func, decorate)
    return decorate(func)


run_deprecated_v1 = deprecated_graph_mode_only


def run_all_in_deprecated_graph_mode_only(cls):
    """Run all tests of the class in a graph."""
    return _each_test(cls, deprecated_graph_mode_only)


def run_in_v1_v2(device_to_use=None, assert_no_eager_garbage=False):
    """Run the test with 1.x, then with 2.x behaviour."""

    def decorate(test):
        @functools.wraps(test)
        def both(self, *args, **kwargs):
            with graph_mode(), self.test_session(), self.subTest("V1"):
                test(self, *args, **kwargs)
            with self.subTest("V2"), Graph().as_default(), eager_mode():
                self.setUp()
                test(self, *args, **kwargs)

        return both

    return decorate


def run_class_in_v1_v2(cls):
    """Run every test of the class with 1.x, then with 2.x behaviour."""
    return _each_test(cls, run_in_v1_v2())


def _only(v2, func, reason):
    kept = resource_variables_enabled
    if reason is None or not isinstance(reason, str):
        reason = "Test is only compatible with v2" if v2 else "Test is only compatible with v1"

    def decorate(test):
        if inspect.isclass(test):
            return _each_test(test, decorate, setup=True) if "setUp" in test.__dict__ else _skipping_class(test, v2, reason)

        @functools.wraps(test)
        def run(self, *args, **kwargs):
            if kept() != v2:
                self.skipTest(reason)
            return test(self, *args, **kwargs)

        return run

    return decorate if func is None else decorate(func)


def _skipping_class(cls, v2, reason):
    before = cls.setUp

    def setUp(self):  # noqa: N802 - unittest's name
        if resource_variables_enabled() != v2:
            self.skipTest(reason)
        before(self)

    cls.setUp = setUp
    return cls


def run_v1_only(reason=None, func=None):
    """Skip the test where 2.x behaviour is on; the first argument says why."""
    if callable(reason):
        reason, func = None, reason
    return _only(False, func, reason)


def run_v2_only(func=None, reason=None):
    """Skip the test where 2.x behaviour is off."""
    return _only(True, func, reason)


def also_run_as_tf_function(f):
    """Run the test eagerly, then as a tf.function."""

    def decorated(self, *args, **kwargs):
        with Graph().as_default(), eager_mode():
            f(self, *args, **kwargs)
            function(lambda: f(self, *args, **kwargs), autograph=False)()

    return functools.wraps(f)(decorated)


def build_as_function_and_v1_graph(func):
    """Run the test while tracing a function, then in a graph."""
    if inspect.isclass(func):
        raise ValueError("`run_in_graph_mode_and_function` only supports test methods.")

    @functools.wraps(func)
    def decorated(self, *args, **kwargs):
        with Graph().as_default():
            func(self, *args, **kwargs)
        self.tearDown()
        self._tempdir = None
        self.setUp()

        @function(autograph=False)
        def traced():
            func(self, *args, **kwargs)
            return True

        with eager_mode():
            traced.get_concrete_function()

    return decorated


def run_in_async_and_sync_mode(f):
    """Run the test twice: eager ops are done when their call returns, in either mode."""

    @functools.wraps(f)
    def decorated(self, *args, **kwargs):
        f(self, *args, **kwargs)
        f(self, *args, **kwargs)

    return decorated


def py_func_if_in_function(f):
    """Inside of a function that is traced, run the test as a Python callback on the values of its tensors."""
    from penstock.base import nest
    from penstock.ir.tensor import Tensor

    @functools.wraps(f)
    def decorated(*args, **kwds):
        here = door.current()
        if not (here.is_graph and here.building_function):
            return f(*args, **kwds)
        from penstock.fronts.py_function import py_function

        flat = nest.flatten([args, kwds])
        at = [i for i, v in enumerate(flat) if isinstance(v, Tensor)]

        def inner(*values):
            filled = list(flat)
            for i, v in zip(at, values):
                filled[i] = v
            again, keywords = nest.pack_sequence_as([args, kwds], filled)
            f(*again, **keywords)

        return py_function(inner, [flat[i] for i in at], [])

    return functools.wraps(f)(decorated)


def with_forward_compatibility_horizons(*horizons):
    """Run the test once for each date."""

    def decorate(test):
        @functools.wraps(test)
        def decorated(self, *args, **kwargs):
            for horizon in horizons:
                with forward_compatibility_horizon(*horizon) if horizon else contextlib.nullcontext():
                    test(self, *args, **kwargs)

        return decorated

    return decorate


@contextlib.contextmanager
def run_functions_eagerly(run_eagerly):
    """A context in which functions run op by op, or do not."""
    from penstock.fronts.function import functions_run_eagerly

    before = functions_run_eagerly()
    set_run_eagerly(run_eagerly)
    try:
        yield
    finally:
        set_run_eagerly(before)


def run_without_tensor_float_32(description):
    """Run the test with full float32 products."""

    def decorate(test):
        @functools.wraps(test)
        def decorated(self, *args, **kwargs):
            before = config.tensor_float_32_execution_enabled()
            try:
                config.enable_tensor_float_32_execution(False)
                test(self, *args, **kwargs)
            finally:
                config.enable_tensor_float_32_execution(before)

        return decorated

    return decorate


def run_all_without_tensor_float_32(description):
    """Run all tests of the class with full float32 products."""
    return for_all_test_methods(run_without_tensor_float_32, description)


def matmul_without_tf32(a, b, *args, **kwargs):
    """A matrix product in full float32."""
    from penstock.ops.matmul import matmul

    before = config.tensor_float_32_execution_enabled()
    try:
        config.enable_tensor_float_32_execution(False)
        return matmul(a, b, *args, **kwargs)
    finally:
        config.enable_tensor_float_32_execution(before)
