"""Variables in eager code, in functions and in graphs."""

import copy
import pickle

import numpy as np
import pytest

import penstock as tf
import penstock.compat.v1 as tf1


def test_eager_reads_and_writes():
    v = tf.Variable([1.0, 2.0, 3.0], name="v")
    assert (v.name, v.shape.as_list(), v.dtype, v.trainable) == ("v:0", [3], tf.float32, True)
    assert v.assign_add([1.0, 1.0, 1.0]).numpy().tolist() == [2.0, 3.0, 4.0]
    assert v.assign(np.array([1, 2, 3], np.int32)).numpy().tolist() == [1.0, 2.0, 3.0]
    assert v.assign([4.0, 5.0, 6.0], read_value=False) is None
    assert v[1:].assign([8.0, 9.0]).numpy().tolist() == [4.0, 8.0, 9.0]
    assert v.sparse_read([2, 0]).numpy().tolist() == [9.0, 4.0]
    assert v.scatter_nd_add([[1]], [5.0]).numpy().tolist() == [4.0, 13.0, 9.0]
    assert v.scatter_max(tf.IndexedSlices(tf.constant([5.0, 1.0]), tf.constant([0, 2]))).numpy().tolist() == [5.0, 13.0, 9.0]
    assert (v + 1.0).numpy().tolist() == [6.0, 14.0, 10.0]
    assert (v == v).numpy().all() and repr(tf.Variable(2, name="n")) == "<tf.Variable 'n:0' shape=() dtype=int32, numpy=2>"


@pytest.mark.parametrize("wrong, error", [
    (lambda v: v.assign([1.0]), ValueError), (lambda v: v.assign_add([1.0]), tf.errors.InvalidArgumentError), (hash, TypeError),
    (lambda v: v.scatter_add(3), TypeError), (lambda v: v.sparse_read([9]), tf.errors.InvalidArgumentError), (lambda v: v.graph, AttributeError),
    (lambda v: v.initial_value, RuntimeError), (lambda v: v.eval(), RuntimeError), (lambda v: tf.convert_to_tensor(v, tf.int32), ValueError),
    (lambda v: tf.Variable(), ValueError), (lambda v: tf.Variable([1.0], shape=[2]), ValueError), (lambda v: tf.Variable(1.0, constraint=3), ValueError),
    (lambda v: tf.Variable(0).count_up_to(0), tf.errors.OutOfRangeError), (lambda v: v[1:2].assign([9.0, 8.0]), tf.errors.InvalidArgumentError),
])  # fmt: skip
def test_wrong_input_raises(wrong, error):
    with pytest.raises(error):
        wrong(tf.Variable([1.0, 2.0, 3.0]))


def test_copies_are_variables_of_their_own():
    v = tf.Variable([1.0, 2.0], trainable=False)
    for made in (copy.deepcopy(v), pickle.loads(pickle.dumps(v))):
        made.assign([0.0, 0.0])
        assert v.numpy().tolist() == [1.0, 2.0] and not made.trainable


def test_functions_lift_variables_and_see_their_changes():
    class Layer(tf.Module):
        def __init__(self):
            super().__init__()
            self.w = None

        @tf.function
        def __call__(self, x):
            if self.w is None:
                self.w = tf.Variable(tf.ones([x.shape[-1], 2]) * 0.5, name="w")
            self.w.assign_add(tf.ones_like(self.w))
            return tf.matmul(x, self.w)

    layer = Layer()
    assert layer(tf.ones([1, 3])).numpy().tolist() == [[4.5, 4.5]]
    assert layer(tf.ones([1, 3])).numpy().tolist() == [[7.5, 7.5]]
    assert [v.name for v in layer.trainable_variables] == ["w:0"]
    with pytest.raises(ValueError):
        tf.function(lambda: tf.Variable(1.0))()


def test_loops_and_branches_change_variables():
    v = tf.Variable([1.0, 2.0])

    @tf.function
    def grow(n):
        for _ in tf.range(n):
            if v[0] < 3.0:
                v.assign(v + 1.0)
        return v.read_value()

    assert grow(tf.constant(5)).numpy().tolist() == [3.0, 4.0] == v.numpy().tolist()


def test_gradients_of_reads():
    v = tf.Variable(np.arange(6.0).reshape(3, 2).astype(np.float32))
    with tf.GradientTape() as tape:
        y = tf.reduce_sum(tf.gather(v, [0, 0, 2]) ** 2)
    slices = tape.gradient(y, v)
    assert slices.indices.numpy().tolist() == [0, 0, 2] and slices.values.numpy().tolist() == [[0, 2], [0, 2], [8, 10]]
    with tf.GradientTape() as tape:
        y = tf.reduce_sum(v * v + tf.gather(v, [[0], [1]]))
    assert np.allclose(tape.gradient(y, v), 4 * np.arange(6).reshape(3, 2) + [[3, 3], [3, 3], [0, 0]])


def test_creators_wrap_creation():
    seen = []

    def creator(following, **kwargs):
        seen.append(kwargs["name"])
        kwargs["trainable"] = False
        return following(**kwargs)

    with tf.variable_creator_scope(creator):
        v = tf.Variable(1.0, name="x")
    assert seen == ["x"] and not v.trainable


def test_modules_find_their_variables():
    class Sub(tf.Module):
        def __init__(self):
            super().__init__()
            self.b = tf.Variable(0.0, name="b")

    class FooBarV2(tf.Module):
        def __init__(self):
            super().__init__()
            self.w = tf.Variable(1.0, name="w")
            self.parts = [tf.Variable(2.0, trainable=False), {"a": tf.Variable(3.0)}]
            self.sub = Sub()
            self.again = self.w

        @tf.Module.with_name_scope
        def make(self):
            return tf.Variable(1.0, name="q").name

    m = FooBarV2()
    assert m.name == "foo_bar_v2" and m.make() == "foo_bar_v2/q:0" and m.submodules == (m.sub,)
    assert [v.numpy() for v in m.variables] == [1.0, 2.0, 3.0, 0.0]
    assert [v.numpy() for v in m.non_trainable_variables] == [2.0]
    with pytest.raises(ValueError):
        tf.Module(name="1bad")


@pytest.mark.parametrize("use_resource", [True, False])
def test_graphs_name_nodes_as_tensorflow_does(use_resource):
    with tf1.Graph().as_default() as g:
        v = tf1.get_variable("w", initializer=[1.0, 2.0], use_resource=use_resource)
        add, up = v.assign_add([1.0, 1.0]), tf1.assign(v, [5.0, 5.0])
        y = v * 2.0
        first = ["w/Initializer/initial_value", "w", "w/IsInitialized/VarIsInitializedOp", "w/Assign", "w/Read/ReadVariableOp"]
        assert [n.name for n in g.get_operations()][:4] == (first if use_resource else ["w/initial_value", "w", "w/Assign", "w/read"])[:4]
        assert g.get_all_collection_keys() and [x.name for x in tf1.trainable_variables()] == ["w:0"]
        init, missing = tf1.global_variables_initializer(), tf1.report_uninitialized_variables()
        with tf1.Session() as sess:
            assert sess.run(missing).tolist() == [b"w"]
            with pytest.raises(tf.errors.FailedPreconditionError):
                sess.run(y)
            sess.run(init)
            assert sess.run(missing).tolist() == [] and sess.run(add).tolist() == [2.0, 3.0]
            assert sess.run(y).tolist() == [4.0, 6.0] and sess.run([up, v])[0].tolist() == [5.0, 5.0]
            v.load([7.0, 8.0], sess)
            assert v.eval(sess).tolist() == [7.0, 8.0]
        copied = tf1.Variable.from_proto(v.to_proto())
        assert copied.name == v.name and copied.initializer is v.initializer


def test_counting_ends():
    with tf1.Graph().as_default(), tf1.Session() as sess:
        c = tf1.Variable(0, use_resource=False)
        up = c.count_up_to(2)
        sess.run(c.initializer)
        assert [sess.run(up), sess.run(up)] == [0, 1]
        with pytest.raises(tf.errors.OutOfRangeError):
            sess.run(up)
