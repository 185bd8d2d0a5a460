"""Queues: order, waiting, padding, priorities, closing."""

import threading

import numpy as np
import pytest

import penstock as tf

v1 = tf.compat.v1


def test_eager_queue():
    q = tf.queue.FIFOQueue(4, tf.int32, shapes=[()])
    q.enqueue(7)
    q.enqueue_many([[1, 2]])
    assert int(q.size()) == 3 and int(q.dequeue()) == 7
    np.testing.assert_array_equal(q.dequeue_many(2), [1, 2])
    q.close()
    assert bool(q.is_closed())
    with pytest.raises(tf.errors.OutOfRangeError, match="insufficient elements"):
        q.dequeue()
    with pytest.raises(tf.errors.CancelledError):
        q.enqueue(1)


def test_a_full_queue_waits_for_the_reader():
    with tf.Graph().as_default():
        q = v1.FIFOQueue(2, [tf.float32], shapes=[[2]])
        x = v1.placeholder(tf.float32, [2])
        put, got = q.enqueue([x]), q.dequeue() * 2.0
        with v1.Session() as s:
            writer = threading.Thread(target=lambda: [s.run(put, {x: [i, i]}) for i in range(10)])
            writer.start()
            assert [float(s.run(got)[0]) for _ in range(10)] == [2.0 * i for i in range(10)]
            writer.join()


def test_closing_a_session_wakes_who_waits():
    with tf.Graph().as_default():
        q = v1.FIFOQueue(1, [tf.float32])
        got = q.dequeue()
        s, errors = v1.Session(), []

        def read():
            try:
                s.run(got)
            except tf.errors.OpError as e:
                errors.append(e)

        reader = threading.Thread(target=read)
        reader.start()
        while not s._store.resources():
            pass
        s.close()
        reader.join(10)
        assert not reader.is_alive() and isinstance(errors[0], (tf.errors.CancelledError, tf.errors.OutOfRangeError))


def test_padding_priority_shuffle_and_names():
    p = tf.queue.PaddingFIFOQueue(9, [tf.int32], [[None]])
    p.enqueue([[1, 2, 3]]), p.enqueue([[4]])
    np.testing.assert_array_equal(p.dequeue_many(2), [[1, 2, 3], [4, 0, 0]])
    r = tf.queue.PriorityQueue(9, [tf.string], [[]])
    for priority, text in ((5, "b"), (1, "a"), (5, "c")):
        r.enqueue([np.int64(priority), text])
    assert [r.dequeue()[1].numpy() for _ in range(3)] == [b"a", b"b", b"c"]
    s = tf.queue.RandomShuffleQueue(100, 0, tf.int32, shapes=[()], seed=1)
    s.enqueue_many([np.arange(50, dtype="int32")])
    drawn = s.dequeue_many(50).numpy()
    assert sorted(drawn) == list(range(50)) and list(drawn) != list(range(50))
    n = tf.queue.FIFOQueue(2, [tf.int32, tf.string], names=["i", "s"])
    n.enqueue({"i": 1, "s": "x"})
    assert n.dequeue()["s"].numpy() == b"x"


def test_shapes_are_checked():
    q = tf.queue.FIFOQueue(4, tf.float32, shapes=[(2,)])
    with pytest.raises(ValueError):
        q.enqueue([1.0, 2.0, 3.0])


def test_shapes_must_be_known():
    with pytest.raises(ValueError, match="All shapes must be fully defined: "):
        tf.queue.FIFOQueue(3, [tf.int32], shapes=[[None, 3]])
    with pytest.raises(ValueError, match="All shapes must have a defined rank: "):
        tf.queue.PaddingFIFOQueue(3, [tf.int32], shapes=[tf.TensorShape(None)])
