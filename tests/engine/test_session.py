"""Sessions: fetches, feeds, state, islands, threads, faults."""

import collections
import threading

import numpy as np
import pytest

import penstock.compat.v1 as tf
from penstock.engine import compile as compiler


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as g:
        yield g


def variable(value, name="v"):
    array = np.asarray(value)
    return tf.Variable(array.astype("float32") if array.dtype.kind == "f" else array.astype("int32"), name=name, use_resource=True)


def test_fetches_in_any_nest():
    x = tf.placeholder(tf.float32, [None], name="x")
    y = x * 2.0
    point = collections.namedtuple("Point", "a b")
    with tf.Session() as s:
        feed = {x: [1.0, 2.0]}
        got = s.run({"l": [y, (x, "x:0")], "p": point(y, y.op), "n": y.name}, feed)
    assert got["p"].b is None and isinstance(got["p"], point)
    np.testing.assert_array_equal(got["l"][0], [2, 4])
    np.testing.assert_array_equal(got["l"][1][1], [1, 2])
    np.testing.assert_array_equal(got["n"], [2, 4])


def test_any_tensor_can_be_fed():
    a = tf.constant(1.0)
    b = a + 1.0
    c = b * 3.0
    with tf.Session() as s:
        assert s.run(c) == 6.0
        assert s.run(c, {b: 10.0}) == 30.0
        assert s.run([b, c], {"add:0": 5.0}) == [5.0, 15.0]


def test_fetched_arrays_are_the_callers_own():
    v = variable([1.0, 2.0])
    with tf.Session() as s:
        s.run(v.initializer)
        for _ in range(3):
            got = s.run(v)
            got[:] = 99.0
        np.testing.assert_array_equal(s.run(v), [1, 2])


@pytest.mark.parametrize("feed,error,words", [
    ({}, tf.errors.InvalidArgumentError, "You must feed a value for placeholder"),
    ({"p:0": np.zeros((2, 2), "float32")}, ValueError, "Cannot feed value of shape"),
    ({"q:0": 1.0}, TypeError, "Cannot interpret feed_dict key"),
])  # fmt: skip
def test_wrong_feeds(feed, error, words):
    p = tf.placeholder(tf.float32, [None, 3], name="p")
    y = tf.reduce_sum(p)
    with tf.Session() as s, pytest.raises(error, match=words):
        s.run(y, feed)


def test_closed_and_foreign():
    x = tf.constant(1.0)
    s = tf.Session()
    s.close()
    with pytest.raises(RuntimeError, match="closed"):
        s.run(x)
    with tf.Graph().as_default() as elsewhere:
        tf.constant(2.0)
    with tf.Session(graph=elsewhere) as other, pytest.raises(ValueError, match="not an element of this graph"):
        other.run(x)


def test_uninitialized_variable():
    v = variable(1.0)
    w = tf.get_variable("w", [], use_resource=False)
    with tf.Session() as s:
        for fetch in (v + 1.0, w + 1.0):
            with pytest.raises(tf.errors.FailedPreconditionError, match="uninitialized"):
                s.run(fetch)
        s.run(tf.global_variables_initializer())
        assert s.run(v + 1.0) == 2.0


def test_sessions_have_their_own_state():
    v = variable(0.0)
    up = v.assign_add(1.0)
    a, b = tf.Session(), tf.Session()
    a.run(v.initializer), b.run(v.initializer)
    for _ in range(3):
        a.run(up)
    assert (a.run(v), b.run(v)) == (3.0, 0.0)


def test_program_order_on_one_variable():
    v = variable(1.0)
    before = v.read_value()
    with tf.control_dependencies([v.assign_add(1.0)]):
        after = v.read_value()
    with tf.Session() as s:
        s.run(v.initializer)
        for turn in range(3):
            assert s.run([before, after]) == [1.0 + turn, 2.0 + turn]


def test_a_failed_step_changes_nothing():
    v = variable([1, 2, 3])
    d = tf.placeholder(tf.int32, [])
    with tf.control_dependencies([v.assign_add([1, 1, 1])]):
        out = v.read_value() // d
    with tf.Session() as s:
        s.run(v.initializer)
        s.run(out, {d: 1}), s.run(out, {d: 1})  # compiled from the second run on
        with pytest.raises(tf.errors.InvalidArgumentError, match="zero"):
            s.run(out, {d: 0})
        np.testing.assert_array_equal(s.run(v), [3, 4, 5])
        np.testing.assert_array_equal(s.run(out, {d: 2}), [2, 2, 3])


def test_gather_out_of_range():
    i = tf.placeholder(tf.int32, [None])
    y = tf.gather(tf.constant([10.0, 20.0]), i)
    with tf.Session() as s:
        for _ in range(3):
            np.testing.assert_array_equal(s.run(y, {i: [1, 0]}), [20, 10])
            with pytest.raises(tf.errors.InvalidArgumentError, match="not in|out of"):
                s.run(y, {i: [2, 0]})


def test_a_fed_array_may_be_overwritten_at_once():
    x = tf.placeholder(tf.float32, [256, 256])
    v = variable(np.zeros((256, 256), "float32"))
    up = v.assign(x * 1.0)
    with tf.Session() as s:
        s.run(v.initializer)
        for k in range(20):
            fed = np.full((256, 256), k, "float32")
            s.run(up.op, {x: fed})
            fed[:] = -1
            assert (s.run(v) == k).all()


def test_host_work_between_islands():
    x = tf.placeholder(tf.float32, [None])
    kept = tf.boolean_mask(x, x > 0)
    values, _ = tf.unique(tf.cast(kept, tf.int32))
    text = tf.as_string(values)
    total = tf.reduce_sum(tf.reshape(tf.tile(values, [2]), [2, -1]), 1)
    f = tf.py_func(lambda a: a * 2, [total], tf.int32)
    with tf.Session() as s:
        for fed in ([1, -1, 2, 2], [3, 3, -1, 1], [5, 6, 7, 8], [1, -1, 2, 2], [1, 2, 3, 4]):
            want = list(dict.fromkeys(v for v in fed if v > 0))
            got, t = s.run([f, text], {x: fed})
            np.testing.assert_array_equal(got, [2 * sum(want)] * 2)
            assert t.tolist() == [str(w).encode() for w in want]


def test_a_thousand_steps_compile_once_for_a_shape():
    x = tf.placeholder(tf.float32, [None, 3])
    w = variable(np.ones((3, 2), "float32"))
    loss = tf.reduce_mean(tf.square(tf.matmul(x, w)))
    step = tf.train.GradientDescentOptimizer(0.01).minimize(loss)
    with tf.Session() as s:
        s.run(tf.global_variables_initializer())
        rng = np.random.RandomState(0)
        before = compiler.counts["compile"]
        for k in range(1000):
            s.run([step, loss], {x: rng.rand(4 if k % 10 else 2, 3)})
        assert compiler.counts["compile"] - before <= 2


def test_sizes_that_never_repeat_do_not_compile_at_every_step():
    x = tf.placeholder(tf.float32, [None])
    y = tf.reduce_sum(tf.boolean_mask(x, x > 0) * 2.0)
    with tf.Session() as s:
        before = compiler.counts["compile"]
        for n in range(1, 80):
            fed = np.arange(100) < n
            assert s.run(y, {x: fed}) == 2.0 * n
        assert compiler.counts["compile"] - before < 12


def test_threads_on_one_session():
    v = variable(0.0)
    x = tf.placeholder(tf.float32, [])
    up, look = v.assign_add(x), v * 1.0
    errors = []
    with tf.Session() as s:
        s.run(v.initializer)

        def work():
            try:
                for _ in range(200):
                    s.run(up, {x: 1.0})
                    assert float(s.run(look)).is_integer()
            except Exception as e:  # noqa: BLE001
                errors.append(e)

        threads = [threading.Thread(target=work) for _ in range(8)]
        [t.start() for t in threads], [t.join() for t in threads]
        assert not errors and s.run(v) == 1600.0


def test_partial_run_and_callable():
    a, b = tf.placeholder(tf.float32, []), tf.placeholder(tf.float32, [])
    c = a + 1.0
    d = c * b
    with tf.Session() as s:
        h = s.partial_run_setup([c, d], [a, b])
        assert s.partial_run(h, c, {a: 2.0}) == 3.0
        assert s.partial_run(h, d, {b: 4.0}) == 12.0
        assert s.make_callable(d, [a, b])(1.0, 5.0) == 10.0


def test_interactive_session_and_eval():
    s = tf.InteractiveSession()
    try:
        x = tf.constant([1.0, 2.0])
        np.testing.assert_array_equal((x + 1.0).eval(), [2, 3])
        assert tf.get_default_session() is s
    finally:
        s.close()
    assert tf.get_default_session() is None


def test_a_reference_read_after_a_write_that_waits_for_the_host():
    with tf.Graph().as_default(), tf.Session() as session:
        step = tf.Variable(0, trainable=False, use_resource=False)
        queue = tf.FIFOQueue(9, tf.int32, [[]])
        by = queue.dequeue()
        with tf.control_dependencies([by]):
            add = tf.assign_add(step, by)
        later = step.read_value()
        session.run([step.initializer, queue.enqueue_many([[1, 1, 1, 1]])])
        assert [session.run([later, add.op])[0] for _ in range(4)] == [1, 2, 3, 4]
