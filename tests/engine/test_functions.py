"""tf.function, control flow and their gradients."""

import threading

import numpy as np
import pytest

import penstock as tf


def derivative(f, x, order=1):
    """The `order`-th derivative of a scalar function by nested tapes."""
    if order == 0:
        return f(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = derivative(f, x, order - 1)
    return tape.gradient(y, x)


def power_loop(x):
    return tf.while_loop(lambda i, v: i < 4, lambda i, v: (i + 1, v * x), (0, tf.constant(1.0)))[1]


def nested_loop(x):  # x^6 + x^3 + 1
    inner = lambda v: tf.while_loop(lambda j, u: j < 3, lambda j, u: (j + 1, u * x), (0, v))[1]
    return tf.while_loop(lambda i, v: i < 2, lambda i, v: (i + 1, inner(v) + 1.0), (0, tf.constant(1.0)))[1]


def branch(x):
    return tf.cond(x > 0.0, lambda: tf.sin(x) * x, lambda: x * 3.0)


def switched(x):
    return tf.switch_case(tf.cast(x, tf.int32), [lambda: x * 5.0, lambda: x * x, lambda: x * x * x])


def array_loop(x):
    ta = tf.TensorArray(tf.float32, size=0, dynamic_size=True)
    _, ta = tf.while_loop(lambda i, a: i < 5, lambda i, a: (i + 1, a.write(i, x ** tf.cast(i, tf.float32))), (0, ta))
    return tf.reduce_sum(ta.stack())


def scanned(x):
    return tf.reduce_sum(tf.scan(lambda a, r: a * r, tf.stack([x, x, x])))


CASES = {
    "loop": (power_loop, [lambda x: x**4, lambda x: 4 * x**3, lambda x: 12 * x**2]),
    "nested": (nested_loop, [lambda x: x**6 + x**3 + 1, lambda x: 6 * x**5 + 3 * x**2, lambda x: 30 * x**4 + 6 * x]),
    "cond": (branch, [lambda x: np.sin(x) * x, lambda x: np.cos(x) * x + np.sin(x), lambda x: 2 * np.cos(x) - x * np.sin(x)]),
    "case": (switched, [lambda x: x**3, lambda x: 3 * x**2, lambda x: 6 * x]),
    "array": (array_loop, [lambda x: 1 + x + x**2 + x**3 + x**4, lambda x: 1 + 2 * x + 3 * x**2 + 4 * x**3]),
    "scan": (scanned, [lambda x: x + x**2 + x**3, lambda x: 1 + 2 * x + 3 * x**2, lambda x: 2 + 6 * x]),
    "call": (lambda x: tf.function(lambda y: y * y * y)(x) + x, [lambda x: x**3 + x, lambda x: 3 * x**2 + 1, lambda x: 6 * x]),
}


@pytest.mark.parametrize("name", CASES)
def test_values_and_derivatives(name):
    f, wants = CASES[name]
    for g in (f, tf.function(f)):
        for order, want in enumerate(wants):
            for _ in range(2):
                got = derivative(g, tf.constant(2.0), order)
                np.testing.assert_allclose(got.numpy(), want(2.0), rtol=1e-5, err_msg=f"order {order}")


@pytest.mark.parametrize("name", CASES)
def test_derivatives_inside_one_function(name):
    f, wants = CASES[name]
    got = tf.function(lambda x: derivative(f, x))(tf.constant(2.0))
    np.testing.assert_allclose(got.numpy(), wants[1](2.0), rtol=1e-5)


@pytest.mark.parametrize("name", CASES)
def test_graph_gradients(name):
    f, wants = CASES[name]
    v1 = tf.compat.v1
    with tf.Graph().as_default():
        x = v1.placeholder(tf.float32, [])
        y = f(x)
        g = tf.gradients(y, x)[0]
        with v1.Session() as s:
            for _ in range(2):
                np.testing.assert_allclose(s.run([y, g], {x: 2.0}), [wants[0](2.0), wants[1](2.0)], rtol=1e-5)


def test_a_growing_list_outgrows_its_buffer():
    @tf.function
    def squares(n):
        ta = tf.TensorArray(tf.float32, size=0, dynamic_size=True)
        return tf.while_loop(lambda i, a: i < n, lambda i, a: (i + 1, a.write(i, tf.cast(i, tf.float32) ** 2)), (0, ta))[1].stack()

    for n in (5, 5, 300, 7, 1000):
        np.testing.assert_array_equal(squares(tf.constant(n)).numpy(), np.arange(n, dtype="float32") ** 2)


def test_shape_invariants():
    f = tf.function(lambda: tf.while_loop(lambda i, x: i < 4, lambda i, x: (i + 1, tf.concat([x, x], 0)), (0, tf.ones([1, 2])),
                                          shape_invariants=(tf.TensorShape([]), tf.TensorShape([None, 2])))[1])  # fmt: skip
    assert f().shape == (16, 2)
    with pytest.raises(ValueError, match="shape_invariants"):
        tf.function(lambda: tf.while_loop(lambda i, x: i < 4, lambda i, x: (i + 1, tf.concat([x, x], 0)), (0, tf.ones([1, 2]))))()


def test_host_ops_inside_a_loop():
    seen = []

    @tf.function
    def f(x):
        def body(i, x):
            x = tf.py_function(lambda a: seen.append(float(a)) or a + 1.0, [x], tf.float32)
            x.set_shape([])
            return i + 1, x * 2.0

        return tf.while_loop(lambda i, x: i < 3, body, (0, x))[1]

    assert f(tf.constant(1.0)).numpy() == 22.0 and seen == [1.0, 4.0, 10.0]


def test_retracing():
    traces = []

    @tf.function
    def f(x, scale=1):
        traces.append(1)
        return x * scale

    f(tf.constant(1.0)), f(tf.constant(2.0)), f(tf.constant([1.0])), f(tf.constant([5.0])), f(tf.constant(1.0), 2), f(tf.constant(1.0), scale=2)
    assert len(traces) == 3
    g = tf.function(lambda x: x, input_signature=[tf.TensorSpec([None], tf.float32)])
    assert g([1.0, 2.0]).shape == (2,)
    with pytest.raises(TypeError):
        g([[1.0]])


def test_reduce_retracing():
    shapes = []
    f = tf.function(lambda x: shapes.append(x.shape) or tf.reduce_sum(x), reduce_retracing=True)
    for n in range(1, 6):
        assert f(tf.ones([n])).numpy() == n
    assert [s.as_list() for s in shapes] == [[1], [None]]


def test_variables_are_made_on_the_first_call_only():
    class Counter(tf.Module):
        count = None

        @tf.function
        def __call__(self):
            if self.count is None:
                self.count = tf.Variable(0)
            return self.count.assign_add(1)

    c = Counter()
    assert [int(c()) for _ in range(3)] == [1, 2, 3]
    assert int(Counter()()) == 1
    with pytest.raises(ValueError, match="singleton"):
        tf.function(lambda: tf.Variable(1.0) + 1.0)()


def test_captures_and_structures():
    v, big = tf.Variable(2.0), tf.constant(np.arange(1000.0))

    @tf.function
    def f(d):
        return {"a": d["x"] * v, "b": (big[3], None, [d["y"]])}

    out = f({"x": tf.constant(3.0), "y": tf.constant([1])})
    assert out["a"].numpy() == 6.0 and out["b"][0].numpy() == 3.0 and out["b"][1] is None and out["b"][2][0].shape == (1,)
    concrete = f.get_concrete_function({"x": tf.TensorSpec([], tf.float32), "y": tf.TensorSpec([None], tf.int32)})
    assert concrete.structured_outputs["b"][2][0].shape.as_list() == [None]
    assert concrete.variables == (v,)


def test_gradients_of_variables_through_functions():
    w = tf.Variable([[1.0, 2.0], [3.0, 4.0]])
    f = tf.function(lambda x: tf.reduce_sum(tf.matmul(x, w) ** 2))
    x = tf.constant([[1.0, 1.0]])
    for _ in range(2):
        with tf.GradientTape() as tape:
            y = f(x)
        np.testing.assert_allclose(tape.gradient(y, w).numpy(), [[8, 12], [8, 12]])


def test_threads_on_one_function():
    v = tf.Variable(0.0)
    f = tf.function(lambda x: v.assign_add(x))
    threads = [threading.Thread(target=lambda: [f(tf.constant(1.0)) for _ in range(300)]) for _ in range(8)]
    [t.start() for t in threads], [t.join() for t in threads]
    assert v.numpy() == 2400.0


def test_persistent_tape_and_jacobian():
    x = tf.constant([1.0, 2.0, 3.0])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = x * x
        z = tf.reduce_sum(y)
    np.testing.assert_allclose(tape.gradient(z, x).numpy(), [2, 4, 6])
    np.testing.assert_allclose(tape.jacobian(y, x).numpy(), np.diag([2.0, 4, 6]))
    m = tf.constant([[1.0, 2.0], [3.0, 4.0]])
    with tf.GradientTape() as tape:
        tape.watch(m)
        y = m**3
    np.testing.assert_allclose(tape.batch_jacobian(y, m).numpy(), [np.diag([3.0, 12]), np.diag([27.0, 48])])


def test_a_used_tape_says_so():
    x = tf.constant(1.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = x * 2.0
    tape.gradient(y, x)
    with pytest.raises(RuntimeError, match="non-persistent"):
        tape.gradient(y, x)


def test_custom_gradient():
    @tf.custom_gradient
    def f(x, y):
        return x * y, lambda dz: (dz * 10.0, dz * 100.0)

    for g in (f, tf.function(f)):
        x, y = tf.constant(2.0), tf.constant(3.0)
        with tf.GradientTape() as tape:
            tape.watch([x, y])
            z = g(x, y) * 2.0
        assert [float(d) for d in tape.gradient(z, [x, y])] == [20.0, 200.0]


def test_recompute_grad():
    w = tf.Variable(3.0)
    calls = []
    f = tf.recompute_grad(lambda x: calls.append(1) or tf.sin(x * w))
    x = tf.constant(0.5)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = f(x)
    dx, dw = tape.gradient(y, [x, w])
    np.testing.assert_allclose([float(dx), float(dw)], [3 * np.cos(1.5), 0.5 * np.cos(1.5)], rtol=1e-5)
    assert len(calls) == 2


def test_random_numbers_inside_functions():
    tf.random.set_seed(1)
    f = tf.function(lambda: tf.random.uniform([3]))
    a, b = f().numpy(), f().numpy()
    assert (a != b).all()


def test_errors_name_the_users_line():
    f = tf.function(lambda x: tf.matmul(x, tf.ones([3, 2])))
    with pytest.raises((ValueError, tf.errors.InvalidArgumentError)) as e:
        f(tf.ones([2, 4]))
    assert "test_functions.py" in str(e.value) and "4" in str(e.value) and "3" in str(e.value)


@pytest.mark.parametrize("name", ["loop", "cond", "call", "scan"])
def test_forward_mode(name):
    f, wants = CASES[name]
    for g in (f, tf.function(f)):
        x = tf.constant(2.0)
        with tf.autodiff.ForwardAccumulator(x, tf.constant(3.0)) as acc:
            y = g(x)
        np.testing.assert_allclose(acc.jvp(y).numpy(), 3 * wants[1](2.0), rtol=1e-5)


def test_hessian_vector_product():
    x = tf.constant([1.0, 2.0])
    with tf.autodiff.ForwardAccumulator(x, tf.constant([1.0, 0.5])) as acc:
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.reduce_sum(x**3)
        g = tape.gradient(y, x)
    np.testing.assert_allclose(acc.jvp(g).numpy(), [6.0, 6.0])


def test_forward_mode_over_a_variable():
    v = tf.Variable([1.0, 2.0])
    with tf.autodiff.ForwardAccumulator(v, tf.constant([1.0, 1.0])) as acc:
        y = tf.reduce_sum(v * v)
    assert acc.jvp(y).numpy() == 6.0


def test_hessians_reach_out_of_their_loop():
    v1 = tf.compat.v1
    with tf.Graph().as_default():
        x = v1.placeholder(tf.float32, [2])
        h = tf.hessians(tf.reduce_sum(x**3) + x[0] * x[1], x)[0]
        with v1.Session() as s:
            np.testing.assert_allclose(s.run(h, {x: [1.0, 2.0]}), [[6, 1], [1, 12]], rtol=1e-6)


def test_a_list_that_is_sliced_by_a_traced_length():
    @tf.function
    def f(x, n):
        with tf.GradientTape() as tape:
            tape.watch(x)
            ta = tf.TensorArray(tf.float32, 0, dynamic_size=True)
            _, ta = tf.while_loop(lambda i, a: i < n, lambda i, a: (i + 1, a.write(i, x * 2.0)), [0, ta])
            y = tf.reduce_sum(ta.stack()[:n])
        return tape.gradient(y, x)

    for n in (2, 3, 2):
        np.testing.assert_array_equal(f(tf.constant([1.0, 2.0, 3.0]), tf.constant(n)).numpy(), [2.0 * n] * 3)


def test_wrap_function():
    def f(x):
        v = tf.Variable(3.0, name="v")
        return tf.identity(x * v, name="y") + 1.0

    wrapped = tf.compat.v1.wrap_function(f, [tf.TensorSpec([], tf.float32)])
    assert wrapped(tf.constant(2.0)).numpy() == 7.0
    assert wrapped.prune("x:0", "y:0")(tf.constant(2.0)).numpy() == 6.0
