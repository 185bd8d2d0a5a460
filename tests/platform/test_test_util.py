"""`tensorflow.python.framework.test_util` under the alias: which modes a test runs in, what its sessions are, what skips it."""

import io
import subprocess
import sys
import unittest

import numpy as np
import pytest

import penstock as tf
from penstock.platform import mode_combinations, test_combinations, test_conditions, test_modes, testing

SEEN: list = []


class Case(testing.TestCase, test_combinations.parameterized.TestCase):
    __test__ = False

    @test_modes.run_in_graph_and_eager_modes
    def test_both(self):
        x = tf.square(tf.constant([1.0, 2.0]))
        SEEN.append(("both", tf.executing_eagerly()))
        self.assertAllClose([1.0, 4.0], x)

    @test_modes.run_deprecated_v1
    def test_graph(self):
        with self.cached_session() as session:
            fed = tf.compat.v1.placeholder(tf.float32)
            self.assertAllClose(session.run(fed * 2, {fed: [1.0]}), [2.0])
            rows = tf.IndexedSlices(tf.constant([[1.0]]), tf.constant([0]))
            SEEN.append(type(session.run(rows)).__name__)
        tf.compat.v1.reset_default_graph()

    @test_modes.run_v1_only("old")
    def test_old(self):
        raise AssertionError

    @test_modes.also_run_as_tf_function
    def test_function(self):
        SEEN.append(("function", tf.executing_eagerly()))

    @mode_combinations.generate(mode_combinations.combine(mode=["graph", "eager"], n=[1, 2]))
    def test_modes(self, n):
        SEEN.append((n, tf.executing_eagerly()))

    def test_eager_session(self):
        with self.cached_session() as session:
            self.assertEqual(session.run(tf.constant(2)), 2)
            with self.assertRaises(RuntimeError):
                session.run(tf.constant(2), feed_dict={"a": 1})
        with self.session() as session, self.assertRaises(AttributeError):
            session.run(1)

    @test_conditions.run_gpu_only
    def test_gpu(self):
        self.assertTrue(tf.config.list_physical_devices("GPU"))

    def test_values(self):
        rows = tf.ragged.constant([[1, 2], [3]])
        self.assertAllEqual(rows, [[1, 2], [3]])
        self.assertAllClose(tf.cast(rows, tf.float32), [[1.0, 2.0], [3.0]])
        with self.assertRaises(AssertionError):
            self.assertAllEqual(rows, [[1, 2], [4]])
        self.assertEqual(type(self.evaluate(tf.sparse.from_dense([1]))).__name__, "SparseTensorValue")
        self.assertDictEqual({"a": tf.constant([1.0])}, {"a": np.array([1.0])})
        with self.assertRaises(ValueError):
            self.evaluate(3)


def test_suite() -> None:
    SEEN.clear()
    suite = unittest.TestSuite(Case(n) for n in sorted(dir(Case)) if n.startswith("test_") and n != "test_session")
    done = unittest.TextTestRunner(io.StringIO()).run(suite)
    assert not done.failures and not done.errors, [*done.failures, *done.errors]
    assert SEEN.count(("both", False)) == SEEN.count(("both", True)) == 1
    assert {(1, True), (1, False), (2, True), (2, False)} <= set(SEEN)
    assert SEEN.count(("function", False)) == 1 and "IndexedSlicesValue" in SEEN
    assert any("old" in why for _, why in done.skipped)


def test_combining() -> None:
    combine, times = test_combinations.combine, test_combinations.times
    assert [dict(c) for c in times(combine(a=[1, 2]), combine(b="x"))] == [{"a": 1, "b": "x"}, {"a": 2, "b": "x"}]
    with pytest.raises(ValueError, match="overlap"):
        times(combine(a=1), combine(a=2))


PROGRAM = """
from tensorflow.python.framework import test_util, combinations, test_combinations
from tensorflow.python.platform import googletest, test
import tensorflow as tf


@test_util.run_all_in_graph_and_eager_modes
@test_util.with_control_flow_v2
class T(test.TestCase):
    @test_util.disable_xla("why")
    def testIt(self):
        with self.assertRaisesIncompatibleShapesError():
            self.evaluate(tf.constant([1.0, 2.0]) + tf.constant([1.0, 2.0, 3.0]))


googletest.main()
"""


def test_alias(tmp_path) -> None:
    (tmp_path / "t.py").write_text(PROGRAM)
    done = subprocess.run([sys.executable, "-m", "penstock", "run", str(tmp_path / "t.py")], capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
