"""Monitored sessions: hooks in order, recovery, threads, files."""

import glob
import os

import numpy as np
import pytest

import penstock.compat.v1 as tf
from penstock.base import bundle


class Recorder(tf.train.SessionRunHook):
    def __init__(self, name, log):
        self.name, self.log = name, log

    def begin(self):
        self.log.append((self.name, "begin", tf.get_default_graph().finalized))

    def after_create_session(self, session, coord):
        self.log.append((self.name, "created", session.graph.finalized))

    def before_run(self, run_context):
        self.log.append((self.name, "before"))

    def after_run(self, run_context, run_values):
        self.log.append((self.name, "after"))

    def end(self, session):
        self.log.append((self.name, "end"))


def model():
    step = tf.train.get_or_create_global_step()
    w = tf.get_variable("w", [2], initializer=tf.ones_initializer())
    loss = tf.reduce_sum(w * w)
    tf.summary.scalar("loss", loss)
    return step, loss, tf.train.GradientDescentOptimizer(0.1).minimize(loss, global_step=step)


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as g:
        yield g
    tf.summary.FileWriterCache.clear()


def test_callbacks_come_in_order(graph):
    log = []
    x = tf.constant(1.0)
    with tf.train.MonitoredSession(hooks=[Recorder("a", log), Recorder("b", log)]) as sess:
        assert sess.run(x) == 1.0 and graph.finalized
    assert log == [("a", "begin", False), ("b", "begin", False), ("a", "created", True), ("b", "created", True), ("a", "before"), ("b", "before"),
                   ("a", "after"), ("b", "after"), ("a", "end"), ("b", "end")]  # fmt: skip
    assert not graph.finalized


def test_hooks_end_only_where_nothing_was_raised():
    log = []
    x = tf.constant(1.0)
    with pytest.raises(KeyError), tf.train.MonitoredSession(hooks=[Recorder("a", log)]) as sess:
        sess.run(x)
        raise KeyError("mine")
    assert ("a", "end") not in log
    with tf.train.MonitoredSession(hooks=[Recorder("b", log)]) as sess:
        raise tf.errors.OutOfRangeError(None, None, "no more data")
    assert ("b", "end") in log


def test_a_training_session_writes_what_tensorflow_writes(tmp_path):
    step, loss, train = model()
    folder = str(tmp_path / "run")
    with tf.train.MonitoredTrainingSession(checkpoint_dir=folder, hooks=[tf.train.StopAtStepHook(last_step=12)], save_checkpoint_steps=5,
                                           save_summaries_steps=4, log_step_count_steps=5) as sess:  # fmt: skip
        while not sess.should_stop():
            sess.run(train)
        with pytest.raises(RuntimeError, match="after should_stop requested"):
            sess.run(train)
    names = {os.path.basename(p) for p in glob.glob(f"{folder}/*")}
    assert {f"model.ckpt-{n}.index" for n in (0, 5, 10, 12)} | {"checkpoint", "graph.pbtxt"} <= names
    events = [e for f in glob.glob(f"{folder}/events*") for e in bundle_events(f)]
    tags = [(e.step, e.summary.value[0].tag) for e in events if e.WhichOneof("what") == "summary"]
    assert [s for s, t in tags if t == "loss"] == [1, 5, 9] and [s for s, t in tags if t == "global_step/sec"] == [
        6,
        11,
    ]
    logs = [(e.step, e.session_log.status) for e in events if e.WhichOneof("what") == "session_log"]
    assert logs[:4] == [(0, 3), (1, 1), (5, 3), (10, 3)]
    with tf.train.MonitoredTrainingSession(checkpoint_dir=folder) as sess:
        assert sess.run(step) == 12


def bundle_events(path):
    import struct

    with open(path, "rb") as file:
        data = file.read()
    at = 0
    while at < len(data):
        (n,) = struct.unpack("<Q", data[at : at + 8])
        yield tf.Event.FromString(data[at + 12 : at + 12 + n])
        at += n + 16


def test_a_damaged_checkpoint_gives_way_to_the_one_before(tmp_path, caplog):
    step, loss, train = model()
    with tf.train.MonitoredTrainingSession(
        checkpoint_dir=str(tmp_path), save_checkpoint_steps=2, save_summaries_steps=None
    ) as sess:
        for _ in range(4):
            sess.run(train)
    data = tmp_path / "model.ckpt-4.data-00000-of-00001"
    spoiled = bytearray(data.read_bytes())
    spoiled[-3] ^= 0x55
    data.write_bytes(bytes(spoiled))
    tf.get_logger().propagate = True
    with tf.train.SingularMonitoredSession(checkpoint_dir=str(tmp_path)) as sess:
        assert sess.run(step) == 2
    assert "model.ckpt-4 is damaged" in caplog.text and bundle.Reader(str(tmp_path / "model.ckpt-2"))


def test_an_aborted_run_is_made_again_in_a_new_session(tmp_path):
    step, loss, train = model()
    log, failures = [], iter([True, True])

    class Abort(tf.train.SessionRunHook):
        def after_run(self, run_context, run_values):
            if next(failures, False):
                raise tf.errors.AbortedError(None, None, "preempted")

    with tf.train.MonitoredTrainingSession(checkpoint_dir=str(tmp_path), hooks=[Abort(), Recorder("r", log)]) as sess:
        sess.run(train)
        assert sess.run(step) == 1  # what the aborted sessions did was lost: the checkpoint of step 0 was restored
    assert log.count(("r", "created", True)) == 3


def test_hooks_log_feed_stop_and_fail(caplog):
    tf.get_logger().propagate = True
    tf.logging.set_verbosity(tf.logging.INFO)
    try:
        x = tf.placeholder_with_default([1.0, 2.0], [2], name="x")
        total = tf.reduce_sum(x)
        final = tf.train.FinalOpsHook(total)
        hooks = [
            tf.train.LoggingTensorHook({"b": total, "a": "x:0"}, every_n_iter=2),
            tf.train.FeedFnHook(lambda: {x: [3.0, 4.0]}),
            final,
        ]
        with tf.train.MonitoredSession(hooks=hooks) as sess:
            assert [sess.run(total) for _ in range(3)] == [7.0] * 3
            with pytest.raises(RuntimeError, match="fed by a SessionRunHook and user"):
                sess.run(total, {x: [1.0, 1.0]})
        assert final.final_ops_values == 3.0
        lines = [r.getMessage() for r in caplog.records if "a = " in r.getMessage()]
        assert lines[0] == "a = [3. 4.], b = 7.0" and lines[1].startswith("a = [3. 4.], b = 7.0 (") and len(lines) == 2
        nan = tf.constant(np.nan)
        with pytest.raises(tf.train.NanLossDuringTrainingError, match="NaN loss during training"):
            with tf.train.MonitoredSession(hooks=[tf.train.NanTensorHook(nan)]) as sess:
                sess.run(total)
        with tf.train.MonitoredSession(hooks=[tf.train.NanTensorHook(nan, fail_on_nan_loss=False)]) as sess:
            sess.run(total)
            assert sess.should_stop()
    finally:
        tf.logging.set_verbosity(tf.logging.WARN)


def test_queue_threads_run_and_their_errors_are_raised():
    queue = tf.FIFOQueue(4, [tf.int32], shapes=[[]])
    value = tf.placeholder_with_default(7, [])
    taken = queue.dequeue()
    tf.train.add_queue_runner(tf.train.QueueRunner(queue, [queue.enqueue([value])]))
    with tf.train.MonitoredSession() as sess:
        assert [sess.run(taken) for _ in range(9)] == [7] * 9
    bad = tf.FIFOQueue(4, [tf.int32], shapes=[[]])
    broken = bad.enqueue([tf.cast(tf.check_numerics(tf.constant(np.inf), "in the thread"), tf.int32)])
    tf.train.add_queue_runner(tf.train.QueueRunner(bad, [broken]))
    out = bad.dequeue()
    with pytest.raises(tf.errors.InvalidArgumentError, match="in the thread"), tf.train.MonitoredSession() as sess:
        while not sess.should_stop():
            sess.run(out)


def test_step_functions():
    step = tf.train.get_or_create_global_step()
    add = tf.assign_add(step, 1)
    with tf.train.MonitoredSession(hooks=[tf.train.StopAtStepHook(last_step=2)]) as sess:
        seen = []

        def step_fn(step_context):
            seen.append(int(step_context.session.run(step)))
            return step_context.run_with_hooks(add)

        while not sess.should_stop():
            sess.run_step_fn(step_fn)
        assert seen == [0, 1]
        with pytest.raises(ValueError, match="step_context"):
            sess.run_step_fn(lambda other: None)
    with tf.train.MonitoredSession() as sess:
        sess.run_step_fn(lambda step_context: step_context.request_stop())
        raise AssertionError("request_stop leaves the block")
    assert sess.should_stop()
