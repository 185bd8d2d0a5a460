"""Decorators that skip a test, questions about the machine, and contexts for devices, as test files import them."""

import collections
import contextlib
import functools
import gc
import inspect
import itertools
import socket

from penstock.base.export import export
from penstock.fronts.default_graph import executing_eagerly
from penstock.fronts.lift import device as device_scope
from penstock.ir.tensor import Tensor
from penstock.platform import config
from penstock.platform.config import gpu_device_name, is_gpu_available


def _no(what):
    def answer():
        return False

    answer.__name__, answer.__doc__ = what, "False: this build has none of it."
    return answer


is_mlir_bridge_enabled, is_asan_enabled, is_msan_enabled, is_tsan_enabled, is_ubsan_enabled = map(
    _no, ("is_mlir_bridge_enabled", "is_asan_enabled", "is_msan_enabled", "is_tsan_enabled", "is_ubsan_enabled")
)
IsMklEnabled, IsBuiltWithROCm, IsGoogleCudaEnabled, IsBuiltWithNvcc, is_xla_enabled = map(
    _no, ("IsMklEnabled", "IsBuiltWithROCm", "IsGoogleCudaEnabled", "IsBuiltWithNvcc", "is_xla_enabled")
)


def IsBuiltWithXLA():  # noqa: N802 - TensorFlow's name
    """True: everything runs on XLA."""
    return True


def IsCPUTargetAvailable(target):  # noqa: N802
    """Does the compiler make code for this processor?"""
    import platform

    return target.lower() in platform.machine().lower() or target == "x86" and platform.machine() == "x86_64"


def GpuSupportsHalfMatMulAndConv():  # noqa: N802
    """Is there a GPU (all that are supported multiply float16)?"""
    return is_gpu_available()


def InstallStackTraceHandler():  # noqa: N802
    """Print Python's stack when the process crashes."""
    import faulthandler

    faulthandler.enable()


# -- layouts -----------------------------------------------------------------------------------------------------------
def _reordered(value, orders):
    from penstock.ops.arrays import transpose

    is_tensor = isinstance(value, Tensor)
    rank = value.shape.ndims if is_tensor else len(value)
    order = orders[rank]
    return transpose(value, order) if is_tensor else [value[a] for a in order]


def NHWCToNCHW(input_tensor):  # noqa: N802
    """Channels moved behind the batch, of a tensor or of a shape."""
    return _reordered(input_tensor, {3: [0, 2, 1], 4: [0, 3, 1, 2], 5: [0, 4, 1, 2, 3]})


def NCHWToNHWC(input_tensor):  # noqa: N802
    """Channels moved last, of a tensor or of a shape."""
    return _reordered(input_tensor, {4: [0, 2, 3, 1], 5: [0, 2, 3, 4, 1]})


def _vect_c(value, permute, forward):
    from penstock.ops.arrays import transpose
    from penstock.ops.shapes import reshape

    is_tensor = isinstance(value, Tensor)
    shape = value.shape.as_list() if is_tensor else list(value)
    if forward:
        if shape[-1] % 4 != 0:
            raise ValueError("Last dimension of NHWC input must be evenly divisible by 4 to convert to NCHW_VECT_C.")
        shape[-1] //= 4
        shape.append(4)
        new = [shape[a] for a in permute[len(shape)]]
        return transpose(reshape(value, shape), permute[len(shape)]) if is_tensor else new
    order = permute[len(shape)]
    new = [shape[a] for a in order]
    new[-2] *= new[-1]
    return reshape(transpose(value, order), new[:-1]) if is_tensor else new[:-1]


def NHWCToNCHW_VECT_C(input_shape_or_tensor):  # noqa: N802
    """Channels in groups of four, the groups behind the batch."""
    return _vect_c(input_shape_or_tensor, {5: [0, 3, 1, 2, 4], 6: [0, 4, 1, 2, 3, 5]}, True)


def NCHW_VECT_CToNHWC(input_shape_or_tensor):  # noqa: N802
    """The opposite of `NHWCToNCHW_VECT_C`."""
    return _vect_c(input_shape_or_tensor, {5: [0, 2, 3, 1, 4], 6: [0, 2, 3, 4, 1, 5]}, False)


# -- skipping ----------------------------------------------------------------------------------------------------------
def skip_if(condition):
    """Do nothing instead of the test where the condition holds."""

    def decorate(test):
        @functools.wraps(test)
        def decorated(self, *args, **kwargs):
            if not (condition() if callable(condition) else condition):
                test(self, *args, **kwargs)

        return decorated

    return decorate


@contextlib.contextmanager
def skip_if_error(test_obj, error_type, messages=None):
    """Skip the test when an error of this type, with one of these messages, is raised inside."""
    if messages:
        messages = [messages] if isinstance(messages, str) else list(messages)
    try:
        yield
    except error_type as error:
        if not messages or any(m in str(error) for m in messages):
            test_obj.skipTest(f"Skipping error: {type(error).__name__}: {error}")
        else:
            raise


def _skipping(predicate, message):
    def decorator(func=None):
        if inspect.isclass(func):
            raise ValueError(f"`{decorator.__name__}` only supports test methods.")

        @functools.wraps(func)
        def decorated(self, *args, **kwargs):
            if not predicate():
                self.skipTest(message)
            return func(self, *args, **kwargs)

        return decorated

    return decorator


run_gpu_only = _skipping(is_gpu_available, "Test requires GPU")
run_cuda_only = _skipping(is_gpu_available, "Test requires CUDA GPU")
run_gpu_or_tpu = _skipping(lambda: is_gpu_available() or bool(config.list_physical_devices("TPU")), "Test requires GPU or TPU")


def _unchanged(name):
    def decorator(fn=None, *args, **kwargs):
        return fn if callable(fn) else (lambda f: f)

    decorator.__name__, decorator.__doc__ = name, "The test itself: here it makes no difference."
    return decorator


for _name in (
    "enable_c_shapes with_c_shapes enable_control_flow_v2 with_control_flow_v2 disable_control_flow_v2 enable_output_all_intermediates "
    "enable_nested_function_shape_inference enable_quantized_dtypes_training enable_eager_op_as_function enable_graph_building_optimization "
    "add_graph_building_optimization_tests disable_eager_op_as_function set_xla_env_flag disable_cudnn_autotune enable_tf_xla_constant_folding "
    "disable_xla disable_mlir_bridge disable_asan disable_msan disable_tsan disable_ubsan disable_tfrt no_xla_auto_jit xla_allow_fallback"
).split():
    globals()[_name] = _unchanged(_name)


# -- devices -----------------------------------------------------------------------------------------------------------
@contextlib.contextmanager
def device(use_gpu):
    """Place ops on the GPU where there is one and it is asked for."""
    name = gpu_device_name() if use_gpu else ""
    with device_scope(name or "/device:CPU:0"):
        yield


@contextlib.contextmanager
def use_gpu():
    """Place ops on the GPU where there is one."""
    with device(use_gpu=True):
        yield


@contextlib.contextmanager
def force_gpu():
    """Place ops on the first GPU."""
    with device_scope(gpu_device_name() or None):
        yield


@contextlib.contextmanager
def force_cpu():
    """Place ops on the CPU."""
    with device_scope("/device:CPU:0"):
        yield


@contextlib.contextmanager
def deterministic_ops():
    """A context of deterministic ops: they are everywhere."""
    yield


@export("test.experimental.sync_devices")
def sync_devices():
    """Wait for the devices: ops are done when their call returns.

    RuntimeError in graphs, as TensorFlow has it.
    """
    if not executing_eagerly():
        raise RuntimeError("sync_devices() must only be called in Eager mode, outside tf.functions")


# -- leaks -------------------------------------------------------------------------------------------------------------
def assert_no_new_pyobjects_executing_eagerly(warmup_iters=2):
    """Run the test several times; it must not leave more and more objects behind."""

    def decorate(test):
        @functools.wraps(test)
        def decorated(self, *args, **kwargs):
            from penstock.platform.test_modes import eager_mode

            with eager_mode():
                for _ in range(warmup_iters):
                    test(self, *args, **kwargs)
                gc.collect()
                before = len(gc.get_objects())
                for _ in range(3):
                    test(self, *args, **kwargs)
                gc.collect()
                left = len(gc.get_objects()) - before
                self.assertLess(left, 1000, f"{left} objects are left behind")

        return decorated

    return decorate


def assert_no_new_tensors(f):
    """Run the test; it must not leave tensors behind."""

    @functools.wraps(f)
    def decorated(self, **kwargs):
        gc.collect()
        before = {id(o) for o in gc.get_objects() if isinstance(o, Tensor)}
        f(self, **kwargs)
        gc.collect()
        left = [o for o in gc.get_objects() if isinstance(o, Tensor) and id(o) not in before]
        self.assertEqual(len(left), 0, f"{len(left)} Tensors not deallocated after test: {left[:5]}")

    return decorated


def assert_no_garbage_created(f):
    """Run the test; it must not leave what only the cycle collector finds."""

    @functools.wraps(f)
    def decorated(self, *args, **kwargs):
        gc.disable()
        before = gc.get_debug()
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        kept = len(gc.garbage)
        try:
            result = f(self, *args, **kwargs)
            gc.collect()
            self.assertEqual(kept, len(gc.garbage), "the test left cycles behind")
        finally:
            gc.set_debug(before)
            del gc.garbage[kept:]
            gc.enable()
        return result

    return decorated


# -- graphs ------------------------------------------------------------------------------------------------------------
def assert_ops_in_graph(expected_ops, graph):
    """{name: NodeDef} of the expected ops {name: type}; ValueError where one is missing or of another type."""
    found = {}
    for node in graph.as_graph_def().node:
        if node.name in expected_ops:
            if expected_ops[node.name] != node.op:
                raise ValueError(f"Expected op for node {node.name} is different. {expected_ops[node.name]} vs {node.op}")
            found[node.name] = node
    if set(expected_ops) != set(found):
        raise ValueError(f"Not all expected ops are present. Expected {expected_ops.keys()}, found {found.keys()}")
    return found


def get_node_def_from_graph(node_name, graph_def):
    """The NodeDef of this name, or None."""
    return next((n for n in graph_def.node if n.name == node_name), None)


def assert_equal_graph_def_v1(actual, expected, checkpoint_v2=False, hash_table_shared_name=False):
    """AssertionError when two GraphDefs do not hold the same nodes."""
    from penstock.platform.graph_check import assert_equal_graph_def

    assert_equal_graph_def(expected, actual)


def assert_meta_graph_protos_equal(tester, a, b):
    """The two MetaGraphDefs are the same, whatever the order of their collections."""
    tester.assertEqual(set(a.collection_def), set(b.collection_def))
    for key in a.collection_def:
        tester.assertEqual(a.collection_def[key], b.collection_def[key])
    one, other = type(a)(), type(b)()
    one.CopyFrom(a)
    other.CopyFrom(b)
    for meta in (one, other):
        meta.ClearField("collection_def")
    assert_equal_graph_def_v1(one.graph_def, other.graph_def)
    for meta in (one, other):
        meta.ClearField("graph_def")
    tester.assertEqual(one, other)


# -- combinations of parameters ------------------------------------------------------------------------------------------
def _combine_named_parameters(**kwargs):
    keys = sorted(kwargs)
    columns = [v if isinstance(v, list | tuple) else [v] for v in (kwargs[k] for k in keys)]
    return [collections.OrderedDict(zip(keys, row)) for row in itertools.product(*columns)]


def generate_combinations_with_testcase_name(**kwargs):
    """All combinations of the arguments, each with a name, for `parameterized.named_parameters`."""
    named = []
    for row in _combine_named_parameters(**kwargs):
        text = "".join("_{}_{}".format("".join(filter(str.isalnum, k)), "".join(filter(str.isalnum, str(v)))) for k, v in row.items())
        named.append(collections.OrderedDict([*row.items(), ("testcase_name", f"_test{text}")]))
    return named


# -- what is left ------------------------------------------------------------------------------------------------------
ASSIGNED_PORTS = set()


def pick_unused_port():
    """A port that nobody listens on."""
    while True:
        with socket.socket() as made:
            made.bind(("localhost", 0))
            port = made.getsockname()[1]
        if port not in ASSIGNED_PORTS:
            ASSIGNED_PORTS.add(port)
            return port


class AbstractGradientTape:
    """A gradient tape that can be left out: inside of `use_tape=False` gradients come from the graph."""

    def __init__(self, use_tape, persistent=False):
        self._use_tape, self._persistent = use_tape, persistent

    def __enter__(self):
        from penstock.fronts.backprop import GradientTape

        self._tape = GradientTape(persistent=self._persistent) if self._use_tape else None
        return self._tape.__enter__() if self._tape is not None else self

    def __exit__(self, *exc):
        if self._tape is not None:
            self._tape.__exit__(*exc)

    def watch(self, x):
        """Nothing to do: the graph knows."""

    def gradient(self, y, xs):
        """dy/dxs from the graph."""
        from penstock.base import nest
        from penstock.fronts.gradients import gradients

        return gradients(y, xs) if nest.is_nested(xs) else gradients(y, [xs])[0]


class TestDelta:
    """How much counters moved since a moment."""

    __test__ = False

    def __init__(self):
        self.values = {}

    def Reset(self):  # noqa: N802
        """Start counting anew."""
        self.values = {}

    def Get(self, name, value):  # noqa: N802
        """How far the counter is from where it was first seen."""
        return value - self.values.setdefault(name, value)


class FakeEagerSession:
    """Stands for a session in a test that runs eagerly: `run(x)` is the value of x."""

    def __init__(self, test_case):
        self._test_case = test_case

    def run(self, fetches, *args, **kwargs):
        """The values of the fetches."""
        feed_dict = kwargs.pop("feed_dict", {}) or (args[0] if args else {})
        if feed_dict:
            raise RuntimeError(
                "feed_dict is not supported when eager execution is enabled (in this case, sess.run(t) is shorthand for t.numpy()"
            )
        return self._test_case.evaluate(fetches)


class EagerSessionWarner:
    """What `self.session()` gives in eager tests: using it says what to do instead."""

    def __getattr__(self, attr):
        raise AttributeError(
            "Trying to access properties or call methods on the result of self.session(), self.cached_session(), etc while eager "
            "execution is enabled. If you're porting this test case to TF 2.0, either adapt the test to work with eager execution "
            "or insert a call to tf.disable_eager_execution() in the main() function of this test file."
        )
