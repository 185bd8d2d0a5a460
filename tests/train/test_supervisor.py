"""The Supervisor: a managed session, its threads, its files."""

import glob
import os
import time

import pytest

import penstock.compat.v1 as tf


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as g:
        yield g


def test_a_managed_session_trains_saves_and_resumes(graph, tmp_path):
    step = tf.train.get_or_create_global_step()
    w = tf.get_variable("w", [2], initializer=tf.ones_initializer())
    loss = tf.reduce_sum(w * w)
    tf.summary.scalar("loss", loss)
    train = tf.train.GradientDescentOptimizer(0.1).minimize(loss, global_step=step)
    sv = tf.train.Supervisor(logdir=str(tmp_path), save_model_secs=1, save_summaries_secs=1)
    assert graph.finalized and sv.save_path == str(tmp_path / "model.ckpt") and sv.global_step is step
    with sv.managed_session() as sess:
        for _ in range(3):
            sess.run(train)
        sv.saver.save(sess, sv.save_path, global_step=step)
        sv.summary_computed(sess, sess.run(sv.summary_op))
    names = [os.path.basename(p) for p in glob.glob(f"{tmp_path}/*")]
    assert "graph.pbtxt" in names and "model.ckpt-3.index" in names and sv.should_stop()
    with sv.managed_session() as sess:
        assert sess.run(step) == 3


def test_an_error_stops_the_supervisor_and_is_raised(tmp_path):
    x = tf.Variable(3.0)
    sv = tf.train.Supervisor(logdir=str(tmp_path), summary_op=None)
    with pytest.raises(ValueError, match="mine"), sv.managed_session():
        raise ValueError("mine")
    assert sv.should_stop()
    with sv.managed_session() as sess:
        calls = []
        sv.loop(0.01, lambda: calls.append(sess.run(x)))
        while len(calls) < 3:
            time.sleep(0.01)
    with pytest.raises(RuntimeError, match="closed Session"):
        sess.run(x)


def test_a_model_that_is_not_ready_is_an_error():
    tf.Variable(3.0, name="mine")
    sv = tf.train.Supervisor(logdir=None, init_op=tf.no_op())
    with pytest.raises(RuntimeError, match="Variables not initialized: mine"), sv.managed_session():
        pass
    with pytest.raises(RuntimeError, match="requires a summary writer"):
        sv.summary_computed(None, b"")


def test_basic_train_loop():
    x = tf.Variable(3.0)
    sv = tf.train.Supervisor(logdir=None)
    seen = []

    def train_step(sess, a, b=1):
        seen.append((float(sess.run(x)), a, b))
        if len(seen) == 5:
            sv.request_stop()

    tf.train.basic_train_loop(sv, train_step, args=(1,), kwargs={"b": 2})
    assert seen == [(3.0, 1, 2)] * 5
