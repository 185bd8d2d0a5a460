"""`tf.contrib.summary`: what TensorFlow 1.15 writes for the same program."""

import os

import pytest

import penstock.compat.v1 as tf
from penstock.summary.writers import state

S = tf.contrib.summary


@pytest.fixture(autouse=True)
def clean():
    yield
    state.writer = state.step = state.recording = None


def written(folder):
    events = [e for name in sorted(os.listdir(folder)) for e in tf.train.summary_iterator(os.path.join(folder, name))]
    return [(e.step, v.tag, v) for e in events for v in e.summary.value]


def test_recording(tmp_path):
    with tf.Graph().as_default(), tf.Session() as session:
        step = tf.train.get_or_create_global_step()
        with S.create_file_writer(str(tmp_path / "a")).as_default(), S.always_record_summaries():
            loss = S.scalar("loss", tf.constant(1.5))
            S.scalar("fam", 2, family="f", step=tf.constant(7, tf.int64))
            S.histogram("h", tf.constant([1.0, 2.0]))
            S.image("i", tf.ones([1, 2, 2, 3]))
            S.audio("au", tf.zeros([1, 4, 1]), 100.0, 3)
            S.generic("g", tf.constant([1, 2]))
            with S.never_record_summaries():
                S.scalar("never", 1.0)
            assert len(S.all_summary_ops()) == 7
            session.run(tf.global_variables_initializer())
            S.initialize(graph=tf.get_default_graph(), session=session)
            session.run(S.all_summary_ops())
            session.run(step.assign_add(1))
            session.run(loss)
            session.run(S.flush())
    found = written(tmp_path / "a")
    assert sorted({(s, t) for s, t, _ in found}) == [(0, "au/audio/0"), (0, "g"), (0, "h"), (0, "i/image/0"), (0, "loss"), (1, "loss"), (7, "f/f/fam")]
    assert [v.simple_value for s, t, v in found if t == "loss"] == [1.5, 1.5]


def test_every_so_many_steps(tmp_path):
    with tf.Graph().as_default(), tf.Session() as session:
        step = tf.train.get_or_create_global_step()
        with S.create_file_writer(str(tmp_path / "b")).as_default(), S.record_summaries_every_n_global_steps(2):
            every = S.scalar("every", 1.0)
            session.run([step.initializer, S.summary_writer_initializer_op()])
            for want in (True, False, True, False):
                assert session.run(every) == want
                session.run(step.assign_add(1))
            session.run(S.flush())
    assert [s for s, _, _ in written(tmp_path / "b")] == [0, 2]


def test_nothing_is_written_unless_asked_for(tmp_path):
    with tf.Graph().as_default(), tf.Session() as session:
        assert S.scalar("nobody", 1.0).type == "NoOp"
        with S.create_file_writer(str(tmp_path / "c")).as_default():
            assert not session.run(S.should_record_summaries())
    assert S.eval_dir("m", "n") == os.path.join("m", "eval_n") and S.eval_dir("m") == os.path.join("m", "eval")
