"""Input pipelines made of queues."""

import numpy as np
import pytest

import penstock.compat.v1 as tf


def collect(make, epochs=True):
    """Everything that the tensors of `make()` give until the end of the input."""
    with tf.Graph().as_default(), tf.Session() as sess:
        tensors = make()
        sess.run([tf.global_variables_initializer(), tf.local_variables_initializer()])
        coord = tf.train.Coordinator()
        threads = tf.train.start_queue_runners(sess, coord)
        found = []
        try:
            while len(found) < 20:
                found.append(sess.run(tensors))
        except tf.errors.OutOfRangeError:
            pass
        coord.request_stop()
        coord.join(threads, stop_grace_period_secs=10)
        return found


def test_strings_come_in_order_for_so_many_epochs():
    got = collect(lambda: tf.train.string_input_producer(["a", "b", "c"], num_epochs=2, shuffle=False).dequeue())
    assert got == [b"a", b"b", b"c"] * 2
    got = collect(lambda: tf.train.string_input_producer(["a", "b", "c"], num_epochs=2, seed=1).dequeue())
    assert sorted(got[:3]) == sorted(got[3:]) == [b"a", b"b", b"c"]
    with tf.Graph().as_default(), pytest.raises(ValueError):
        tf.train.string_input_producer([])


def test_slices_in_batches():
    x, y = np.arange(10).reshape(5, 2), np.arange(5)

    def make():
        a, b = tf.train.slice_input_producer([x, y], num_epochs=1, shuffle=False)
        return tf.train.batch({"x": a, "y": b}, 2, allow_smaller_final_batch=True)

    got = collect(make)
    assert [g["y"].tolist() for g in got] == [[0, 1], [2, 3], [4]]
    assert got[1]["x"].tolist() == [[4, 5], [6, 7]]


def test_shuffled_batches_hold_everything():
    def make():
        n = tf.train.range_input_producer(12, num_epochs=1, shuffle=False).dequeue()
        return tf.train.shuffle_batch([n, n * 2], 4, capacity=20, min_after_dequeue=6, seed=3)

    got = collect(make)
    assert sorted(np.concatenate([g[0] for g in got]).tolist()) == list(range(12)) and all((g[0] * 2 == g[1]).all() for g in got)


def test_batches_of_some_of_the_examples():
    def make():
        n = tf.train.range_input_producer(10, num_epochs=1, shuffle=False).dequeue()
        return tf.train.maybe_batch([n], tf.equal(n % 2, 0), 2, allow_smaller_final_batch=True)

    assert [g[0].tolist() for g in collect(make)] == [[0, 2], [4, 6], [8]]

    def rows():
        n = tf.train.limit_epochs(tf.constant([1, 2, 3, 4]), 1)
        return tf.train.maybe_batch(n, tf.constant([True, False, True, True]), 3, enqueue_many=True)

    assert collect(rows)[0].tolist() == [1, 3, 4]
    with tf.Graph().as_default(), pytest.raises(ValueError, match="keep_input"):
        tf.train.maybe_batch([tf.constant(1)], [True, False], 2)


def test_sparse_examples_are_batched():
    with tf.Graph().as_default(), tf.Session() as session:
        number = tf.train.range_input_producer(4, shuffle=False).dequeue()
        value = tf.cast(number, tf.float32)
        sparse = tf.SparseTensor([[tf.cast(number, tf.int64)]], [value], [tf.cast(number, tf.int64) + 1])
        many = tf.SparseTensor([[0, 1], [1, 0]], [1, 2], [2, 3])
        both = tf.train.batch({"n": number, "s": sparse}, 4)
        (rows,) = tf.train.batch([many], 3, enqueue_many=True)
        assert both["s"].indices.shape.as_list() == [None, 2]
        coordinator = tf.train.Coordinator()
        threads = tf.train.start_queue_runners(session, coordinator)
        found, = session.run([both])
        assert found["s"].indices.tolist() == [[0, 0], [1, 1], [2, 2], [3, 3]] and found["s"].values.tolist() == [0.0, 1.0, 2.0, 3.0]
        assert found["s"].dense_shape.tolist() == [4, 4] and found["n"].tolist() == [0, 1, 2, 3]
        found = session.run(rows)
        assert (found.indices.tolist(), found.values.tolist(), found.dense_shape.tolist()) == ([[0, 1], [1, 0], [2, 1]], [1, 2, 1], [3, 3])
        coordinator.request_stop()
        coordinator.join(threads)


def test_nodes_of_producers_have_the_names_of_tensorflow():
    with tf.Graph().as_default() as graph:
        tf.train.string_input_producer(["a", "b"], num_epochs=2, shuffle=False)
        (x,) = tf.train.shuffle_batch([tf.zeros([2])], 4, 20, 5)
        names = [n.name for n in graph.get_operations()]
    assert {"input_producer", "input_producer/limit_epochs/epochs", "input_producer/input_producer_EnqueueMany", "input_producer/fraction_of_32_full"} <= set(names)
    assert "shuffle_batch/fraction_over_5_of_15_full" in names and x.name == "shuffle_batch:0"


def test_a_variable_of_names_is_a_source(tmp_path):
    for name in "ab":
        (tmp_path / name).write_text(name)
    with tf.Graph().as_default(), tf.Session() as session:
        paths = tf.train.match_filenames_once(str(tmp_path / "*"))
        following = tf.train.string_input_producer(paths, num_epochs=1, shuffle=False).dequeue()
        session.run(tf.local_variables_initializer())
        coordinator = tf.train.Coordinator()
        threads = tf.train.start_queue_runners(session, coordinator)
        assert [session.run(following)[-1:] for _ in range(2)] == [b"a", b"b"]
        coordinator.request_stop()
        coordinator.join(threads)
