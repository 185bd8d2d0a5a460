"""Iterators: eager, in functions, in the graphs of 1.x."""

import numpy as np
import pytest

import penstock as tf
from penstock.base import errors

v1 = tf.compat.v1


def numbers(dataset):
    return [int(x) for x in dataset]


def test_eager_iteration():
    dataset = tf.data.Dataset.range(6).map(lambda x: x * x).filter(lambda x: x % 2 == 0)
    assert numbers(dataset) == [0, 4, 16]
    assert numbers(dataset) == [0, 4, 16]
    it = iter(dataset)
    assert [int(next(it)) for _ in range(3)] == [0, 4, 16]
    with pytest.raises(StopIteration):
        next(it)
    with pytest.raises(errors.OutOfRangeError):
        it.get_next()


def test_loops_in_functions():
    @tf.function
    def total(dataset):
        s, n = tf.constant(0, tf.int64), 0
        for x in dataset:
            if x > 3:
                break
            s += x
            n += 1
        return s, n

    assert [int(t) for t in total(tf.data.Dataset.range(9))] == [6, 4]


def test_a_break_leaves_the_rest_in_the_iterator():
    @tf.function
    def up_to(it, last):
        s = tf.constant(0, tf.int64)
        for x in it:
            s += x
            if x >= last:
                break
        return s

    it = iter(tf.data.Dataset.range(10))
    assert [int(up_to(it, 2)), int(next(it)), int(up_to(it, 5)), int(next(it)), int(up_to(it, 99))] == [3, 3, 9, 6, 24]


def test_loops_over_datasets_are_ops_of_tensorflow_and_have_gradients():
    w = tf.Variable(2.0)

    @tf.function
    def slope():
        with tf.GradientTape() as tape:
            loss = 0.0
            for x, (y, _) in tf.data.Dataset.range(4).map(lambda x: (x, (tf.cast(x, tf.float32), [x]))):
                loss += y * w * tf.cast(x, tf.float32)
        return tape.gradient(loss, w)

    assert float(slope()) == 14.0
    graph = slope.get_concrete_function().graph.as_graph_def()
    types = {n.op for part in [graph, *graph.library.function] for n in getattr(part, "node_def", None) or getattr(part, "node", ())}
    assert {"IteratorGetNextAsOptional", "OptionalHasValue", "OptionalGetValue"} <= types
    for name in types:
        getattr(tf.raw_ops, name, None) or name in ("TensorListProduct",) or pytest.fail(name)


def test_iterators_are_arguments():
    @tf.function
    def two(it):
        return next(it) + next(it)

    it = iter(tf.data.Dataset.range(6))
    assert [int(two(it)), int(two(it)), int(next(it))] == [1, 5, 4]


def test_each_call_of_a_function_makes_its_iterator():
    @tf.function
    def first():
        return next(iter(tf.data.Dataset.range(5, 9)))

    assert int(first()) == int(first()) == 5


def test_variables_in_a_loop_over_a_dataset():
    v = tf.Variable(0.0)

    @tf.function
    def train(dataset):
        for x, y in dataset:
            v.assign_add(tf.reduce_sum(x) * y)

    train(tf.data.Dataset.from_tensor_slices((tf.ones([4, 3]), [1.0, 2.0, 3.0, 4.0])))
    assert float(v) == 30.0


def test_optional():
    it = iter(tf.data.Dataset.range(1))
    there, gone = it.get_next_as_optional(), it.get_next_as_optional()
    assert bool(there.has_value()) and not bool(gone.has_value())
    assert int(there.get_value()) == 0
    with pytest.raises(errors.InvalidArgumentError, match="does not have a value"):
        gone.get_value()


def test_iterators_of_graphs():
    with v1.Graph().as_default(), v1.Session() as session:
        dataset = v1.data.Dataset.range(5).map(lambda x: x + 1).batch(2)
        assert dataset.output_types == tf.int64 and dataset.output_shapes.as_list() == [None]
        one = dataset.make_one_shot_iterator().get_next()
        made = dataset.make_initializable_iterator()
        free = v1.data.Iterator.from_structure(tf.int64, tf.TensorShape([None]))
        handle = v1.placeholder(tf.string, [])
        fed = v1.data.Iterator.from_string_handle(handle, tf.int64, [None]).get_next()
        begin, item, other = free.make_initializer(dataset), free.get_next(), made.get_next()
        assert [session.run(one).tolist() for _ in range(3)] == [[1, 2], [3, 4], [5]]
        with pytest.raises(errors.OutOfRangeError, match="End of sequence"):
            session.run(one)
        with pytest.raises(errors.FailedPreconditionError, match="not been initialized"):
            session.run(other)
        session.run([made.initializer, begin])
        name = session.run(made.string_handle())
        assert session.run(other).tolist() == [1, 2]
        assert session.run(fed, {handle: name}).tolist() == [3, 4]
        assert session.run(item * 2).tolist() == [2, 4]
        session.run(begin)
        assert session.run(item).tolist() == [1, 2]


def test_a_placeholder_feeds_the_initializer():
    with v1.Graph().as_default(), v1.Session() as session:
        fed = v1.placeholder(tf.float32, [None, 2])
        it = v1.data.make_initializable_iterator(v1.data.Dataset.from_tensor_slices(fed))
        session.run(it.initializer, {fed: np.arange(4.0).reshape(2, 2)})
        item = it.get_next()
        assert session.run(item).tolist() == [0, 1] and session.run(item).tolist() == [2, 3]
        with pytest.raises(ValueError, match="by value"):
            v1.data.Dataset.from_tensor_slices(fed).make_one_shot_iterator()


def test_programs_of_1_x_shuffle_and_repeat_in_one_stage(monkeypatch):
    from penstock.ir import node_count

    monkeypatch.setattr(node_count, "enabled", True)
    with tf.Graph().as_default(), v1.Session() as session:
        following = v1.data.make_one_shot_iterator(tf.data.Dataset.range(5).shuffle(2, seed=1).repeat(2)).get_next()
        assert [session.run(following) for _ in range(10)] == [1, 2, 3, 0, 4, 0, 1, 3, 4, 2]  # as 1.15.5 gives it


def test_variables_and_none_in_elements():
    v = tf.Variable(3.0)
    added = tf.data.Dataset.range(2).map(lambda x: {"a": v.assign_add(1.0), "n": None})
    assert v1.data.get_output_types(added)["a"] is tf.float32 and [float(e["a"]) for e in added] == [4.0, 5.0]
    assert [float(x) for x in tf.data.Dataset.from_tensors(v)] == [5.0] and next(iter(added))["n"] is None
