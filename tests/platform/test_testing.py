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
