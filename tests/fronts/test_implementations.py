"""Functions that have a better implementation on the CPU; what shapes say inside loops; loops of eager code."""

import numpy as np
import pytest

import penstock as tf
from penstock.platform.control_context import GraphOrParentsInXlaContext


def _selecting(x):
    make = lambda f, **more: tf.function(f, autograph=False, experimental_attributes={"api_implements": "one", **more})
    first = make(lambda x: (x + 1.0, tf.constant("default")))(x)
    better = make(lambda x: (x + 1.0, tf.constant("cpu")), api_preferred_device="CPU").get_concrete_function(x)
    better.add_to_graph()
    better.add_gradient_functions_to_graph()
    return first


def test_the_implementation_for_the_cpu_is_taken():
    value, which = tf.function(_selecting)(tf.constant(2.0))
    assert float(value) == 3.0 and which.numpy() == b"cpu"


@pytest.mark.parametrize("jit", [True, False])
def test_functions_know_that_xla_compiles_them(jit):
    seen = []

    @tf.function(jit_compile=jit)
    def f(x):
        seen.append(GraphOrParentsInXlaContext(tf.compat.v1.get_default_graph()))
        tf.function(lambda y: seen.append(GraphOrParentsInXlaContext(tf.compat.v1.get_default_graph())) or y)(x)
        return x

    f(tf.constant(1.0))
    assert seen == [jit, jit]


def test_shapes_that_a_loop_captures_are_known_as_far_as_outside():
    @tf.function(autograph=False)
    def f(sizes, scale):
        full = tf.concat([sizes, [1, 3]], 0)

        def body(i, z):
            assert tf.zeros(full).shape.as_list() == [None, 1, 3]
            return i + 1, z + tf.ones(full) / scale

        return tf.while_loop(lambda i, z: i < 3, body, (0, tf.zeros(full)))

    assert f(tf.constant([2]), tf.ones([1, 3]))[1].shape == (2, 1, 3)


def test_eager_loops_give_what_the_body_returns():
    one = lambda i, x: i < 3
    assert isinstance(tf.while_loop(one, lambda i, x: (i + 1, x), [0, 1.0]), tuple)
    assert isinstance(tf.while_loop(one, lambda i, x: [i + 1, x], (0, 1.0)), list)
    assert isinstance(tf.while_loop(lambda i, x: False, lambda i, x: [i + 1, x], (0, 1.0)), tuple)
    assert int(tf.while_loop(lambda i: 3 - i, lambda i: [i + 1], [0])[0]) == 3  # a Python number is a condition, too


def test_a_scalar_is_a_shape_of_rank_one():
    assert tf.TensorShape(np.array(3)) == [3] and tf.TensorShape(tf.constant(3)) == [3] and tf.TensorShape(np.int64(3)) == [3]


def test_argspec_of_functions():
    import inspect

    f = tf.function(lambda x, *, scale=2.0: x * scale)
    assert inspect.getfullargspec(f) == inspect.FullArgSpec(["x"], None, None, None, ["scale"], {"scale": 2.0}, {})


def test_gathers_along_the_first_axis_by_its_negative_number_have_dense_gradients():
    x = tf.constant([1.0, 2.0])
    for axis, kind in ((0, tf.IndexedSlices), (-1, tf.Tensor)):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.gather(x, [1, 1], axis=axis)
        found = tape.gradient(y, x)
        assert isinstance(found, kind) and tf.convert_to_tensor(found).numpy().tolist() == [0.0, 2.0]


def test_none_is_the_default_of_an_attribute():
    assert tf.searchsorted([1.0, 2.0], [1.5], out_type=None).dtype is tf.int32
    dense = tf.sparse.reshape(tf.sparse.from_dense([[1.0, 0.0], [0.0, 2.0]]), tf.constant([4]))
    assert dense.dense_shape.numpy().tolist() == [4]


def test_caching_devices_inside_functions():
    v1 = tf.compat.v1

    def f():
        scope = v1.get_variable_scope()
        with v1.variable_scope(scope) as inner:
            if inner.caching_device is None and not tf.executing_eagerly():
                inner.set_caching_device(lambda op: op.device)
            return tf.constant(1.0)

    assert float(tf.function(f)()) == 1.0
    with pytest.raises(NotImplementedError):
        v1.get_variable_scope().set_caching_device(lambda op: op.device)


def test_a_case_of_another_conditional():
    from penstock.platform.cases import _case_helper

    cond = lambda pred, true_fn, false_fn: true_fn() if pred else false_fn()
    pairs = [(False, lambda: 1), (True, lambda: 2)]
    assert _case_helper(cond, pairs, lambda: 3, False, "case", allow_python_preds=True) == 2
    with pytest.raises(TypeError):
        _case_helper(cond, pairs, None, False, "case")


def test_gradients_of_what_a_tape_saw_outside_of_a_body():
    @tf.function
    def f(x):
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(x)
            y = -0.5 * x * x
        seeds = tf.ones([3, 1, 2])
        branch = tf.cond(tf.reduce_sum(x) > 0.0, lambda: tape.gradient(y, x), lambda: x)
        return tf.map_fn(lambda s: tape.gradient(y, x, s), seeds), tf.vectorized_map(lambda s: tape.gradient(y, x, s), seeds), branch

    x = tf.constant([[1.0, 2.0]])
    for found in f(x):
        np.testing.assert_array_equal(found, np.broadcast_to([[-1.0, -2.0]], found.shape))
    v = tf.Variable([3.0])
    with tf.GradientTape(persistent=True) as tape:
        z = v * v
    assert tf.function(lambda: tape.gradient(z, v))().numpy() == [6.0]
