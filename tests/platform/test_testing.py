"""`tf.test.TestCase`: what passes and what fails, as in TensorFlow 2.21."""

import numpy as np
import pytest

import penstock as tf


@pytest.fixture
def case():
    class Case(tf.test.TestCase):
        def runTest(self):
            """Nothing: the methods are called one by one."""

    made = Case()
    made.setUp()
    yield made
    made.tearDown()


def nan():
    return np.array([1.0, np.nan])


PASSES = [
    lambda t: t.assertAllClose([1.0, 2.0], np.array([1.0, 2.0 + 1e-7])),
    lambda t: t.assertAllClose({"a": [1.0, (2.0, [3.0])]}, {"a": [1.0, (2.0, [3.0])]}),
    lambda t: t.assertAllClose(tf.constant([1.0]), np.array([1.0])),
    lambda t: t.assertAllEqual(nan(), nan()),
    lambda t: t.assertAllEqual("a", "a"),
    lambda t: t.assertAllEqual([b"a", "b"], ["a", "b"]),
    lambda t: t.assertAllEqual(tf.constant([[1, 2]]), [[1, 2]]),
    lambda t: t.assertAllCloseAccordingToType(np.float16([1.0]), np.float16([1.0009])),
    lambda t: t.assertNotAllClose([1.0], [1.1]),
    lambda t: t.assertNotAllEqual([1], [2]),
    lambda t: t.assertAllInRange([1, 4], 1, 4),
    lambda t: t.assertAllGreaterEqual([1, 2], 1),
    lambda t: t.assertAllInSet([1, 1, 2], {1, 2, 3}),
    lambda t: t.assertShapeEqual(np.zeros([2, 3]), tf.zeros([2, 3])),
    lambda t: t.assertDTypeEqual(tf.constant(1.0), np.float32),
    lambda t: t.assertDeviceEqual("/cpu:0", "/CPU:0"),
    lambda t: t.assertNear(1.0, 1.05, 0.1),
    lambda t: t.assertArrayNear([1.0, 2.0], [1.0, 2.05], 0.1),
    lambda t: t.assertItemsEqual([1, 2], [2, 1]),
]
FAILS = [
    (lambda t: t.assertAllClose([1.0, 2.0], [1.0, 2.1]), "not close lhs = \\[2.\\]"),
    (lambda t: t.assertAllClose([1.0, 2.0], [1.0]), "Shape mismatch: expected \\(2,\\), got \\(1,\\)"),
    (lambda t: t.assertAllClose({"a": 1.0}, {"a": 2.0}), "a\\[a\\] is different from b\\[a\\]"),
    (lambda t: t.assertAllEqual([1, 2], [1, 3]), "not equal rhs = array\\(\\[3\\]\\)"),
    (lambda t: t.assertNotAllClose([1.0], [1.0]), "close at all elements"),
    (lambda t: t.assertAllInRange([1, 5], 0, 4), "1 of the 2 element"),
    (lambda t: t.assertAllInSet([1, 5], {1, 2}), "not in the set"),
    (lambda t: t.assertAllGreater([1, 5], 2), "not greater than 2"),
    (lambda t: t.assertNear(1.0, 2.0, 0.1), "1.000000 != 2.000000"),
    (lambda t: t.assertDTypeEqual(np.zeros(2), np.float32), "float64"),
    (lambda t: t.assertStartsWith("abc", "b"), "does not start with"),
]


@pytest.mark.parametrize("number", range(len(PASSES)))
def test_passes(case, number):
    PASSES[number](case)


@pytest.mark.parametrize("number", range(len(FAILS)))
def test_fails(case, number):
    call, message = FAILS[number]
    with pytest.raises(AssertionError, match=message):
        call(case)


def test_evaluate_keeps_the_structure(case):
    one, nested = case.evaluate([tf.constant(1), {"a": tf.constant([2])}])
    assert one == 1 and nested["a"].tolist() == [2]


def test_expected_errors(case):
    with case.assertRaisesOpError("lost"):
        raise tf.errors.DataLossError(None, None, "all is lost")
    with case.assertRaisesWithPredicateMatch(ValueError, lambda error: "x" in str(error)):
        raise ValueError("x")
    with pytest.raises(AssertionError, match="does not match"), case.assertRaisesOpError("found"):
        raise tf.errors.DataLossError(None, None, "all is lost")


def test_threads_report_their_errors(case):
    thread = case.checkedThread(target=lambda: 1 / 0)
    thread.start()
    with pytest.raises(AssertionError, match="division by zero"):
        thread.join()
    case._threads.clear()


def test_protocol_buffers_compare(case):
    graph = tf.compat.v1.GraphDef()
    graph.versions.producer = 3
    case.assertProtoEquals("versions { producer: 3 }", graph)
    with pytest.raises(AssertionError):
        case.assertProtoEquals("versions { producer: 4 }", graph)


def test_gradients_against_differences():
    (theory,), (numeric,) = tf.test.compute_gradient(lambda x: x**2, [tf.constant([1.0, 2.0])])
    assert theory.tolist() == [[2.0, 0.0], [0.0, 4.0]] and np.allclose(theory, numeric, atol=1e-4)
    x, w = np.ones([1, 2], np.float32), np.array([[2.0], [3.0]], np.float32)
    theory, numeric = tf.test.compute_gradient(tf.matmul, [x, w], delta=0.5)
    assert [j.tolist() for j in theory] == [[[2.0, 3.0]], [[1.0, 1.0]]] == [j.tolist() for j in numeric]
    (theory,), (numeric,) = tf.test.compute_gradient(lambda x: x * 2, [tf.constant([1 + 2j], tf.complex64)])
    assert theory.tolist() == [[2.0, 0.0], [0.0, 2.0]] == numeric.tolist()
    with pytest.raises(ValueError, match="must be a list or tuple"):
        tf.test.compute_gradient(lambda x: x, tf.constant(1.0))
    with pytest.raises(AssertionError, match="unsupported type int32 of argument 0"):
        tf.test.compute_gradient(lambda x: x, [tf.constant(1)])


def test_gradients_of_a_graph_against_differences():
    tf1 = tf.compat.v1
    with tf.Graph().as_default(), tf1.Session():
        x = tf1.placeholder(tf.float32, [2])
        start = np.array([1.0, 2.0], np.float32)
        theory, numeric = tf1.test.compute_gradient(x, [2], x**2, [2], x_init_value=start)
        assert theory.tolist() == [[2.0, 0.0], [0.0, 4.0]] and np.allclose(theory, numeric, atol=1e-3)
        assert tf1.test.compute_gradient_error(x, [2], x**2, [2], x_init_value=start) < 1e-3


def test_graph_defs_compare():
    def graph(**values):
        with tf.Graph().as_default() as made:
            for name, value in values.items():
                tf.constant(value, name=name)
        return made.as_graph_def()

    tf.test.assert_equal_graph_def(graph(a=1.0, b=2.0), graph(b=2.0, a=1.0))
    with pytest.raises(AssertionError, match="'a' has attr 'value'.*values: 3.0"):
        tf.test.assert_equal_graph_def(graph(a=1.0), graph(a=3.0))
    with pytest.raises(AssertionError, match="'b' is in the actual graph"):
        tf.test.assert_equal_graph_def(graph(a=1.0), graph(a=1.0, b=2.0))
    with pytest.raises(TypeError, match="Expected tf.GraphDef for expected, got Graph"):
        tf.test.assert_equal_graph_def(tf.Graph(), graph(a=1.0))
