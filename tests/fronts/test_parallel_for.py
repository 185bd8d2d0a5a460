"""`pfor`, `for_loop`, many rows of `vectorized_map`, tensors of graphs beside this one."""

import numpy as np
import pytest

import penstock as tf
from penstock.fronts.parallel_for import for_loop, pfor


@pytest.mark.parametrize("wrap", [lambda f: f, tf.function])
def test_pfor_stacks_what_its_turns_return(wrap):
    x = tf.constant([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    found = wrap(lambda: pfor(lambda i: {"a": tf.gather(x, i) * 2.0, "b": (i,)}, 3))()
    assert found["a"].numpy().tolist() == [[2.0, 4.0], [6.0, 8.0], [10.0, 12.0]] and found["b"][0].numpy().tolist() == [0, 1, 2]
    looped = wrap(lambda: for_loop(lambda i: (x[i], i), (tf.float32, tf.int32), 3))()
    np.testing.assert_array_equal(looped[0], x)
    with pytest.raises(ValueError):
        pfor(lambda i: i, 3, parallel_iterations=1)


def test_many_rows_are_traced_once():
    calls = []
    rows = tf.range(100.0)
    found = tf.vectorized_map(lambda r: calls.append(1) or r * r, rows)
    np.testing.assert_array_equal(found, np.arange(100.0, dtype=np.float32) ** 2)
    assert len(calls) < 5


def test_tensors_of_a_graph_beside_this_one():
    first, second = tf.__internal__.FuncGraph("first"), tf.__internal__.FuncGraph("second")
    with first.as_default():
        t = tf.constant(1.0) + tf.compat.v1.placeholder(tf.float32, [])
    with second.as_default():
        u = t * 2.0
    assert u.graph is second and len(second.captures) == 1


def test_a_tensor_that_left_its_function_is_refused_when_it_is_used():
    kept = []
    tf.function(lambda x: kept.append(x + 1.0) or x)(tf.constant(1.0))
    with pytest.raises(TypeError, match="out of scope"):
        tf.function(lambda x: x + kept[0])(tf.constant(2.0))


def test_control_dependencies_on_what_stands_for_a_tensor():
    class Like:
        def __tf_tensor__(self, dtype=None, name=None):
            return tf.constant(1.0)

    @tf.function
    def f(x):
        with tf.control_dependencies([Like()]):
            return tf.identity(x)

    assert float(f(tf.constant(3.0))) == 3.0


def test_blocks_of_one_operator():
    operator = tf.linalg.LinearOperatorBlockDiag([tf.linalg.LinearOperatorDiag([1.0, 2.0])])
    assert operator.to_dense().numpy().tolist() == [[1.0, 0.0], [0.0, 2.0]] and operator.matvec([1.0, 1.0]).numpy().tolist() == [1.0, 2.0]
