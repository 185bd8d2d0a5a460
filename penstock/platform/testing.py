"""`tf.test`: a TestCase that compares tensors, sessions for tests, and where temporary files go."""

import contextlib
import io
import os
import random
import re
import sys
import tempfile
import threading
import unittest.mock

import numpy as np
from absl.testing import absltest

from penstock.base import nest
from penstock.base.errors import InvalidArgumentError, OpError
from penstock.base.export import export, export_constant
from penstock.base.shape import TensorShape
from penstock.fronts import default_graph
from penstock.fronts.session import Session
from penstock.ir import door, seeds
from penstock.ops.indexed_slices import IndexedSlices, IndexedSlicesValue
from penstock.ops.ragged_tensor import RaggedTensor, RaggedTensorValue
from penstock.ops.sparse_tensor import SparseTensor, SparseTensorValue
from penstock.platform.config import gpu_device_name
from penstock.platform.test_conditions import EagerSessionWarner, FakeEagerSession

GRAPH_SEED = 87654321
mock = unittest.mock
export_constant("test.mock", module=__name__, attr="mock")


@export(v1=("test.get_temp_dir",))
def get_temp_dir():
    """A folder for the files of the running tests, removed by nobody."""
    return absltest.get_default_test_tmpdir() if os.environ.get("TEST_TMPDIR") else tempfile.mkdtemp(prefix="penstock_")


@export(v1=("test.test_src_dir_path",))
def test_src_dir_path(relative_path):
    """The path of a file given relative to the root of the sources."""
    return os.path.join(os.environ.get("TEST_SRCDIR", os.getcwd()), relative_path)


test_src_dir_path.__test__ = False


@export("test.main")
def main(argv=None):
    """Run all tests of the main module."""
    default_graph_reset()
    wanted = [a.partition("=")[2] for a in (argv or sys.argv) if a.startswith(("--benchmarks=", "--benchmark_filter="))]
    if wanted:
        from penstock.platform.benchmark import run_benchmarks

        run_benchmarks(wanted[-1])
        return
    absltest.main(argv=argv)


def default_graph_reset():
    """An empty default graph, where graphs are the default."""
    if not default_graph.executing_eagerly():
        default_graph.reset_default_graph()


@export("test.disable_with_predicate")
def disable_with_predicate(pred, skip_message):
    """A decorator that skips a test when `pred()` holds."""
    import functools

    def decorate(test):
        @functools.wraps(test)
        def run(self, *args, **kwargs):
            if pred():
                self.skipTest(skip_message)
            return test(self, *args, **kwargs)

        return run

    return decorate


@export("test.with_eager_op_as_function")
def with_eager_op_as_function(cls=None, only_as_function=False):
    """The class itself: eager ops have one implementation here."""
    return (lambda c: c) if cls is None else cls


class CheckedThread(threading.Thread):
    """A thread whose exception fails the test when it is joined."""

    def __init__(self, testcase, target, args=None, kwargs=None):
        super().__init__(target=self._run, args=(target, args or (), kwargs or {}))
        self._testcase, self._error = testcase, None

    def _run(self, target, args, kwargs):
        try:
            target(*args, **kwargs)
        except BaseException as error:  # handed to the test by `join`
            self._error = error

    def join(self, timeout=None):
        super().join(timeout)
        if self._error is not None:
            self._testcase.fail(f"Error in checkedThread: {self._error}")

    def check_termination(self):
        """Wait for the thread, and fail the test when it failed."""
        self.join()


class CapturedWrites:
    """What was written to a stream while it was captured."""

    def __init__(self):
        self._text = io.StringIO()

    def contents(self):
        return self._text.getvalue()


@export("test.TestCase")
class TestCase(absltest.TestCase):
    """A test case whose comparisons take tensors, arrays, numbers and nested structures of them."""

    def __init__(self, methodName="runTest"):
        super().__init__(methodName)
        self._threads = []
        self._tempdir = None
        self._session = None

    def setUp(self):
        super().setUp()
        self._clear_session()
        random.seed(GRAPH_SEED)
        np.random.seed(GRAPH_SEED)
        if door.state.emitter is None:
            default_graph.reset_default_graph()
        seeds.set_random_seed(GRAPH_SEED)
        if self.id().endswith(".test_session"):
            self.skipTest("Not a test.")

    def tearDown(self):
        for thread in self._threads:
            thread.check_termination()
        self._clear_session()
        super().tearDown()

    def _clear_session(self):
        if self._session is not None:
            self._session[0].close()
            self._session = None

    def get_temp_dir(self):
        """A folder for this test's files, the same at every call."""
        if self._tempdir is None:
            self._tempdir = tempfile.mkdtemp(dir=os.environ.get("TEST_TMPDIR"), prefix=f"{type(self).__name__}_")
        return self._tempdir

    @contextlib.contextmanager
    def session(self, graph=None, config=None, use_gpu=True, force_gpu=False):
        """A new session over the graph (the default one), as the default session."""
        if default_graph.executing_eagerly():
            yield EagerSessionWarner()
            return
        with Session(graph=graph, config=config) as made:
            with _placed(made, use_gpu, force_gpu):
                yield made

    @contextlib.contextmanager
    def cached_session(self, graph=None, config=None, use_gpu=True, force_gpu=False):
        """The one session of this test, as the default session."""
        if default_graph.executing_eagerly():
            yield FakeEagerSession(self)
            return
        wanted = graph, config
        if self._session is None:
            self._session = Session(graph=graph, config=config), wanted
        elif self._session[1] != wanted:
            raise ValueError(
                "The graph or config used to get the cached session is different than the one it was made with."
            )
        with self._session[0].graph.as_default(), self._session[0].as_default(), _placed(self._session[0], use_gpu, force_gpu):
            yield self._session[0]

    @contextlib.contextmanager
    def test_session(self, graph=None, config=None, use_gpu=True, force_gpu=False):
        """Deprecated: `session` with a graph, else `cached_session`."""
        with (self.cached_session if graph is None else self.session)(graph, config, use_gpu, force_gpu) as made:
            yield made

    test_session.__test__ = False

    def evaluate(self, tensors):
        """The values of tensors, or of a structure of them: eager ones as they are, others by the default session."""
        if default_graph.executing_eagerly():
            return nest.map_structure(_eager_value, tensors)
        from penstock.fronts.session import get_default_session

        flat = nest.flatten(tensors)
        session = get_default_session()
        if session is None:
            with self.test_session() as session:
                values = session.run(flat)
        else:
            values = session.run(flat)
        return nest.pack_sequence_as(tensors, values)

    def evaluate_if_both_tensors(self, a, b):
        """Both values when both are tensors, else both as they are."""
        return (self.evaluate(a), self.evaluate(b)) if hasattr(a, "dtype") and hasattr(b, "dtype") else (a, b)

    def _array(self, value):
        if _is_symbolic(value) or hasattr(value, "numpy") or hasattr(value, "to_list"):
            value = self.evaluate(value) if _is_symbolic(value) else _value(value)
        if hasattr(value, "to_list"):
            value = value.to_list()
        return value if isinstance(value, np.ndarray) else np.array(value)

    def _lists(self, value):
        """A ragged value, tensor or array as nested lists."""
        if not isinstance(value, list | tuple | np.ndarray | np.generic | RaggedTensorValue):
            value = self.evaluate(value)
        if isinstance(value, RaggedTensorValue):
            return value.to_list()
        return value.tolist() if isinstance(value, np.ndarray | np.generic) else list(value)

    def _lists_close(self, a, b, rtol, atol, msg, path):
        self.assertEqual(type(a), type(b), msg)
        if not isinstance(a, list):
            return self._arrays_close(a, b, rtol, atol, f"{path} is different. {msg or ''}")
        self.assertEqual(len(a), len(b), f"Length of {path} differs. {msg or ''}")
        for i, (one, other) in enumerate(zip(a, b)):
            self._lists_close(one, other, rtol, atol, msg, f"{path}[{i}]")
        return None

    def assertShapeEqual(self, input_a, input_b, msg=None):
        """The two have the same static shape."""
        shape = lambda x: tuple(TensorShape(x.get_shape() if hasattr(x, "get_shape") else np.shape(x)).as_list())
        self.assertAllEqual(shape(input_a), shape(input_b), msg)

    def assertDTypeEqual(self, target, expected_dtype):
        """The tensor or array has this dtype."""
        target = self._array(target)
        if not isinstance(target, list):
            self.assertEqual(target.dtype, _numpy_dtype(expected_dtype))

    def assertDeviceEqual(self, device1, device2, msg=None):
        """Two device strings name the same device."""
        from penstock.ir.device import DeviceSpec

        same = lambda d: DeviceSpec.from_string(d or "").to_string() if isinstance(d, str | None) else d.to_string()
        self.assertEqual(same(device1).lower(), same(device2).lower(), msg)

    def assertNear(self, f1, f2, err, msg=None):
        """Two numbers differ by less than `err`."""
        shown = [getattr(x, "item", lambda x=x: x)() for x in (f1, f2, err)]
        differ = "%f != %f +/- %f%s" % (*shown, f" ({msg})" if msg is not None else "")
        self.assertTrue(f1 == f2 or abs(f1 - f2) <= err, differ)

    def assertArrayNear(self, farray1, farray2, err, msg=None):
        """Two lists of numbers differ by less than `err` in each place."""
        self.assertEqual(len(farray1), len(farray2), msg)
        for one, other in zip(farray1, farray2):
            self.assertNear(float(one), float(other), err, msg)

    def assertNDArrayNear(self, ndarray1, ndarray2, err, msg=None):
        """Two arrays have a distance (2-norm) below `err`."""
        self.assertTrue(np.linalg.norm(ndarray1 - ndarray2) < err, msg)

    def _all_close(self, a, b, rtol, atol, msg, path):
        where = "".join(f"[{p}]" for p in path)
        if hasattr(a, "_asdict"):
            a = a._asdict()
        if hasattr(b, "_asdict"):
            b = b._asdict()
        if isinstance(a, dict) != isinstance(b, dict):
            raise ValueError(f"Can't compare dict to non-dict, a{where} vs b{where}. {msg or ''}")
        if isinstance(a, dict):
            self.assertCountEqual(a.keys(), b.keys(), f"mismatched keys: a{where} has {a.keys()}, b{where} {b.keys()}")
            for key in a:
                self._all_close(a[key], b[key], rtol, atol, msg, [*path, key])
        elif isinstance(a, list | tuple) and not _is_plain(a):
            self.assertEqual(
                len(a), len(b), f"Mismatched length: a{where} has {len(a)}, b{where} has {len(b)}. {msg or ''}"
            )
            for i, (one, other) in enumerate(zip(a, b)):
                self._all_close(one, other, rtol, atol, msg, [*path, i])
        else:
            self._arrays_close(a, b, rtol, atol, f"Mismatched value: a{where} is different from b{where}. {msg or ''}")

    def _arrays_close(self, a, b, rtol, atol, msg):
        a, b = self._array(a), self._array(b)
        self._same_shape(a, b)
        wide = [x.astype(np.float64) if x.dtype.kind not in "biufcSUO" else x for x in (a, b)]
        if not np.allclose(*wide, rtol=rtol, atol=atol, equal_nan=True):
            a, b = wide
            bad = ~np.isclose(a, b, rtol=rtol, atol=atol, equal_nan=True)
            x, y = (a[bad], b[bad]) if a.ndim else (a, b)
            with np.errstate(invalid="ignore"):
                rows = [
                    f"\nNot equal to tolerance rtol={rtol:g}, atol={atol:g}", msg,
                    f"not close where = {np.argwhere(bad).tolist()}",
                    f"not close lhs = {x}", f"not close rhs = {y}", f"not close dif = {np.abs(x - y)}",
                    f"not close tol = {atol + rtol * np.abs(y)}", f"dtype = {a.dtype}, shape = {a.shape}",
                ]  # fmt: skip
            self.fail("\n".join(rows))

    def _same_shape(self, a, b):
        if a.shape != b.shape:
            shown = f" with contents {b}" if b.size < 10 else ""
            self.assertEqual(a.shape, b.shape, f"Shape mismatch: expected {a.shape}, got {b.shape}{shown}.")

    def assertAllClose(self, a, b, rtol=1e-6, atol=1e-6, msg=None):
        """Two arrays, or structures of them, have the same shapes and close values: |a - b| <= atol + rtol |b|."""
        if _is_ragged(a) or _is_ragged(b):
            return self._lists_close(self._lists(a), self._lists(b), rtol, atol, msg, "value")
        self._all_close(a, b, rtol, atol, msg, [])
        return None

    def assertAllCloseAccordingToType(
        self, a, b, rtol=1e-6, atol=1e-6, float_rtol=1e-6, float_atol=1e-6, half_rtol=1e-3, half_atol=1e-3,
        bfloat16_rtol=1e-2, bfloat16_atol=1e-2, msg=None,
    ):  # fmt: skip
        """Close values, with the wider tolerance of the less precise of the two types."""
        a, b = self._array(a), self._array(b)
        names = {a.dtype.name, b.dtype.name}
        for types, r, t in (
            (("float32", "complex64"), float_rtol, float_atol),
            (("float16",), half_rtol, half_atol),
            (("bfloat16",), bfloat16_rtol, bfloat16_atol),
        ):
            if names & set(types):
                rtol, atol = max(rtol, r), max(atol, t)
        self.assertAllClose(a, b, rtol=rtol, atol=atol, msg=msg)

    def assertNotAllClose(self, a, b, rtol=1e-6, atol=1e-6, msg=None):
        """Two arrays differ somewhere."""
        try:
            self.assertAllClose(a, b, rtol=rtol, atol=atol, msg=msg)
        except AssertionError:
            return
        raise AssertionError(f"The two values are close at all elements. {msg or ''}".strip())

    def assertAllEqual(self, a, b, msg=None):
        """Two arrays have the same shape and the same values (NaN equals NaN)."""
        if _is_ragged(a) or _is_ragged(b):
            return self.assertEqual(self._lists(a), self._lists(b), msg)
        a, b = _as_bytes(self._array(a)), _as_bytes(self._array(b))
        self._same_shape(a, b)
        same = a == b
        if a.dtype.kind in "fc" and b.dtype.kind in "fc":
            same = np.logical_or(same, np.logical_and(np.isnan(a), np.isnan(b)))
        if not np.all(same):
            x, y = (a[~same], b[~same]) if a.ndim else (a, b)
            head = f"{msg or ''}\nArrays are not equal\n\nnot equal where = {np.argwhere(~np.asarray(same)).tolist()}"
            self.fail(f"{head}\nnot equal lhs = {x!r}\nnot equal rhs = {y!r}")
        return None

    def assertNotAllEqual(self, a, b, msg=None):
        """Two arrays differ somewhere."""
        try:
            self.assertAllEqual(a, b)
        except AssertionError:
            return
        raise AssertionError(f"The two values are equal at all elements. {msg or ''}".strip())

    def assertAllGreater(self, a, comparison_target):
        """All elements are greater."""
        self.assertGreater(np.min(self._array(a)), comparison_target)

    def assertAllGreaterEqual(self, a, comparison_target):
        """All elements are greater or equal."""
        self.assertGreaterEqual(np.min(self._array(a)), comparison_target)

    def assertAllLess(self, a, comparison_target):
        """All elements are less."""
        self.assertLess(np.max(self._array(a)), comparison_target)

    def assertAllLessEqual(self, a, comparison_target):
        """All elements are less or equal."""
        self.assertLessEqual(np.max(self._array(a)), comparison_target)

    def assertAllInRange(self, target, lower_bound, upper_bound, open_lower_bound=False, open_upper_bound=False):
        """All elements lie between the bounds."""
        target = self._array(target)
        if target.dtype.kind not in "iuf" and target.dtype.name != "bfloat16":
            raise AssertionError(
                f"The value of {target} does not have an ordered numeric type, instead it has type: {target.dtype}"
            )
        low = target <= lower_bound if open_lower_bound else target < lower_bound
        high = target >= upper_bound if open_upper_bound else target > upper_bound
        outside = low | high | np.isnan(target) if target.dtype.kind == "f" else low | high
        if np.any(outside):
            bounds = f"{'(['[not open_lower_bound]}{lower_bound}, {upper_bound}{')]'[not open_upper_bound]}"
            places = "".join(f"\n  {list(map(int, at))} : {target[tuple(at)]}" for at in np.argwhere(outside)[:10])
            raise AssertionError(
                f"{int(outside.sum())} of the {target.size} element(s) are outside the range {bounds}. "
                f"Subscript(s) and value(s) of the offending elements:{places}"
            )

    def assertAllInSet(self, target, expected_set):
        """All elements belong to the set."""
        stray = sorted(set(self._array(target).ravel().tolist()) - set(expected_set))
        if stray:
            raise AssertionError(f"{len(stray)} unique element(s) are not in the set {expected_set}: {stray}")

    def assertStartsWith(self, actual, expected_start, msg=None):
        """The text starts so."""
        if not actual.startswith(expected_start):
            self.fail(f"{actual!r} does not start with {expected_start!r}" + (f" : {msg}" if msg else ""))

    def assertProtoEquals(self, expected_message_maybe_ascii, validate_message, msg=None, relative_tolerance=None):
        """Two protocol buffers are equal; the expected one may be text."""
        from google.protobuf import text_format

        expected = expected_message_maybe_ascii
        if isinstance(expected, str | bytes):
            expected = text_format.Parse(expected, type(validate_message)())
        elif type(expected) is not type(validate_message):
            self.fail(f"Can't compare protos of type {type(expected)} and {type(validate_message)}.")
        if relative_tolerance is None:
            self.assertEqual(text_format.MessageToString(expected), text_format.MessageToString(validate_message), msg)
        else:
            self._protos_close(expected, validate_message, relative_tolerance)

    def _protos_close(self, a, b, tolerance):
        split = lambda p: re.split(r"(-?\d+\.\d*(?:e[-+]?\d+)?)", str(p))
        for one, other in zip(split(a), split(b), strict=True):
            if one != other:
                self.assertTrue(abs(float(one) - float(other)) <= tolerance * abs(float(one)), f"{one} != {other}")

    def assertProtoEqualsVersion(self, expected, actual, producer=2474, min_consumer=0, msg=None):
        """A GraphDef is equal to the expected text with these versions."""
        text = f"versions {{ producer: {producer} " + (f"min_consumer: {min_consumer} " if min_consumer else "") + "}"
        self.assertProtoEquals(f"{text}\n{expected}", actual, msg)

    @contextlib.contextmanager
    def assertRaisesWithPredicateMatch(self, exception_type, expected_err_re_or_predicate):
        """An exception of this type whose text (and that of its op) matches is raised inside."""
        if isinstance(exception_type, str):
            exception_type, expected_err_re_or_predicate = OpError, exception_type
        wanted = expected_err_re_or_predicate
        try:
            yield
        except exception_type as error:
            text = str(error)
            op = getattr(error, "op", None)
            text += f" (caused by op {op.name})" if op is not None else ""
            if not (wanted(error) if callable(wanted) else wanted is None or re.search(wanted, text)):
                raise AssertionError(f"Exception of type {type(error)}: {text} does not match {wanted!r}") from error
            return
        self.fail(f"{getattr(exception_type, '__name__', exception_type)} not raised")

    def assertRaisesOpError(self, expected_err_re_or_predicate):
        """An `OpError` whose text matches is raised inside."""
        return self.assertRaisesWithPredicateMatch(OpError, expected_err_re_or_predicate)

    def assertRaisesIncompatibleShapesError(self, exception_type=InvalidArgumentError):
        """An error about shapes that do not go together is raised inside."""
        return self.assertRaisesWithPredicateMatch(
            exception_type,
            r"Incompatible shapes|Dimensions must be equal|required broadcastable shapes|do not match|shape",
        )

    def assertDictEqual(self, a, b, msg=None):
        """Two dictionaries have the same keys and values, arrays and tensors among them."""
        self.assertIsInstance(a, dict)
        self.assertIsInstance(b, dict)
        self.assertCountEqual(a.keys(), b.keys(), msg)
        for key in a:
            one, other = self._maybe_array(a[key]), self._maybe_array(b[key])
            if isinstance(one, np.ndarray) and isinstance(other, np.ndarray) and one.dtype.kind == "f":
                self.assertAllClose(one, other, msg=msg)
            elif isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
                self.assertAllEqual(one, other, msg=msg)
            else:
                self.assertEqual(one, other, msg)

    def _maybe_array(self, value):
        return self._array(value) if hasattr(value, "dtype") or hasattr(value, "numpy") else value

    def assertRaisesRegexp(self, expected_exception, expected_regex, *args, **kwargs):
        """`assertRaisesRegex` under its old name."""
        return self.assertRaisesRegex(expected_exception, expected_regex, *args, **kwargs)

    def assertItemsEqual(self, first, second, msg=None):
        """The same elements in any order."""
        return self.assertCountEqual(first, second, msg)

    def checkedThread(self, target, args=None, kwargs=None):
        """A thread that must be joined, and whose exception fails the test."""
        thread = CheckedThread(self, target, args, kwargs)
        self._threads.append(thread)
        return thread

    @contextlib.contextmanager
    def captureWritesToStream(self, stream):
        """Collect what is written to the stream inside."""
        captured = CapturedWrites()
        name = "stderr" if stream in (sys.stderr, sys.__stderr__) else "stdout"
        manager = contextlib.redirect_stderr if name == "stderr" else contextlib.redirect_stdout
        with manager(captured._text):
            yield captured


def _is_symbolic(value):
    return getattr(value, "graph", None) is not None and not hasattr(type(value), "numpy")


def _is_ragged(value):
    return isinstance(value, RaggedTensor | RaggedTensorValue)


def _is_plain(sequence):
    """Is this list one array, not a structure of arrays of different shapes?"""
    try:
        array = np.array(sequence)
    except (ValueError, TypeError):
        return False
    return array.dtype.kind not in "OSU" and not any(isinstance(x, dict) or hasattr(x, "dtype") for x in sequence)


def _value(tensor):
    return tensor.numpy() if hasattr(tensor, "numpy") else tensor


def _eager_value(tensor):
    """The value of an eager tensor or composite; of a function, of its result."""
    if tensor is None:
        return None
    if callable(tensor) and not hasattr(tensor, "numpy"):
        return nest.map_structure(_eager_value, tensor())
    if isinstance(tensor, SparseTensor):
        return SparseTensorValue(*(t.numpy() for t in (tensor.indices, tensor.values, tensor.dense_shape)))
    if isinstance(tensor, RaggedTensor):
        return tensor._value()
    if isinstance(tensor, IndexedSlices):
        shape = tensor.dense_shape
        return IndexedSlicesValue(tensor.values.numpy(), tensor.indices.numpy(), None if shape is None else shape.numpy())
    if isinstance(tensor, np.ndarray | np.generic | SparseTensorValue | RaggedTensorValue):
        return tensor
    if hasattr(tensor, "numpy"):
        return tensor.numpy()
    if hasattr(tensor, "_type_spec"):
        return nest.map_structure(lambda t: t.numpy(), tensor, expand_composites=True)
    raise ValueError(f"Unsupported type {type(tensor).__name__!r}.")


@contextlib.contextmanager
def _placed(session, use_gpu, force_gpu):
    """Ops of the session's graph on the CPU, or where `force_gpu` and `use_gpu` say."""
    if force_gpu:
        with session.graph.device(gpu_device_name() or None):
            yield
    elif use_gpu:
        yield
    else:
        with session.graph.device("/device:CPU:0"):
            yield


def _numpy_dtype(dtype):
    return np.dtype(getattr(dtype, "as_numpy_dtype", dtype))


def _as_bytes(array):
    """Text and bytes compare as bytes."""
    if array.dtype.kind in "OU":
        flat = [x.encode() if isinstance(x, str) else x for x in array.ravel().tolist()]
        made = np.empty(array.shape, object)
        made.reshape(-1)[:] = flat if array.ndim else flat
        return made
    return array.astype(object) if array.dtype.kind == "S" else array
