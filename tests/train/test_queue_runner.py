"""Threads that fill queues, and coordinators that stop them."""

import time

import pytest

import penstock.compat.v1 as tf


def test_runners_fill_a_queue_until_they_are_stopped():
    with tf.Graph().as_default():
        counter = tf.Variable(0, use_resource=True)
        queue = tf.FIFOQueue(4, [tf.int32], shapes=[[]])
        more = queue.enqueue([counter.assign_add(1, read_value=True).read_value()])
        tf.train.add_queue_runner(tf.train.QueueRunner(queue, [more]))
        item = queue.dequeue()
        with tf.Session() as sess:
            sess.run(tf.global_variables_initializer())
            coord = tf.train.Coordinator()
            threads = tf.train.start_queue_runners(sess, coord)
            assert [int(sess.run(item)) for _ in range(10)] == list(range(1, 11))
            coord.request_stop()
            coord.join(threads, stop_grace_period_secs=10)
            assert coord.joined and not any(t.is_alive() for t in threads)


def test_an_error_in_a_thread_reaches_join():
    coord = tf.train.Coordinator()

    def work():
        raise KeyError("lost")

    thread = tf.train.LooperThread.loop(coord, 0.01, work)
    with pytest.raises(KeyError):
        coord.join([thread])
    coord.clear_stop()
    with coord.stop_on_exception():
        raise tf.errors.OutOfRangeError(None, None, "the end")
    coord.join([])
    assert coord.should_stop()


def test_loopers_repeat():
    coord, seen = tf.train.Coordinator(), []
    thread = tf.train.LooperThread.loop(coord, 0.01, seen.append, args=(1,))
    deadline = time.time() + 5
    while len(seen) < 3 and time.time() < deadline:
        time.sleep(0.01)
    coord.request_stop()
    coord.join([thread])
    assert len(seen) >= 3
