"""Which checkpoints are kept, and what the folder's `checkpoint` file says."""

import os

import pytest

import penstock as tf

v1 = tf.compat.v1


@pytest.fixture
def checkpoint(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tf.train.Checkpoint(v=tf.Variable(0.0))


def kept(folder):
    return sorted(n[: -len(".index")] for n in os.listdir(folder) if n.endswith(".index"))


def test_old_ones_go(checkpoint):
    manager = tf.train.CheckpointManager(checkpoint, "a", max_to_keep=2)
    assert manager.latest_checkpoint is None and manager.checkpoints == [] and not os.path.exists("a")
    assert [manager.save() for _ in range(4)] == [f"a/ckpt-{i}" for i in range(1, 5)]
    assert manager.checkpoints == ["a/ckpt-3", "a/ckpt-4"] and kept("a") == ["ckpt-3", "ckpt-4"]
    state = tf.train.get_checkpoint_state("a")
    assert list(state.all_model_checkpoint_paths) == manager.checkpoints and len(state.all_model_checkpoint_timestamps) == 2
    assert manager.save(checkpoint_number=10) == "a/ckpt-10" and manager.save(checkpoint_number=tf.constant(11)) == "a/ckpt-11"
    again = tf.train.CheckpointManager(checkpoint, "a", max_to_keep=3)
    assert again.checkpoints == ["a/ckpt-10", "a/ckpt-11"] and again.latest_checkpoint == "a/ckpt-11"
    again.save()
    assert again.checkpoints == ["a/ckpt-10", "a/ckpt-11", "a/ckpt-7"]


def test_all_stay_without_a_limit(checkpoint):
    manager = tf.train.CheckpointManager(checkpoint, "b", max_to_keep=None, checkpoint_name="m")
    for _ in range(7):
        manager.save()
    assert len(manager.checkpoints) == len(kept("b")) == 7
    for bad in (0, -1):
        with pytest.raises(ValueError, match="Expected a positive integer or `None`"):
            tf.train.CheckpointManager(checkpoint, "b", max_to_keep=bad)


def test_one_in_so_many_hours_stays(checkpoint, monkeypatch):
    clock = [1000.0]
    monkeypatch.setattr("time.time", lambda: clock[0])
    manager = tf.train.CheckpointManager(checkpoint, "c", max_to_keep=1, keep_checkpoint_every_n_hours=1)
    for minutes in (0, 50, 70, 80, 90, 140, 150):
        clock[0] = 1000.0 + minutes * 60
        manager.save()
    assert kept("c") == ["ckpt-3", "ckpt-6", "ckpt-7"] and manager.checkpoints == ["c/ckpt-7"]


def test_intervals(checkpoint):
    step = tf.Variable(0)
    with pytest.raises(ValueError, match="`step_counter` should be passed"):
        tf.train.CheckpointManager(checkpoint, "d", max_to_keep=3, checkpoint_interval=5)
    manager = tf.train.CheckpointManager(checkpoint, "d", max_to_keep=3, checkpoint_interval=5, step_counter=step)
    saved = []
    for at in (0, 3, 5, 7, 12):
        step.assign(at)
        saved.append(manager.save())
    assert saved == ["d/ckpt-1", None, "d/ckpt-2", None, "d/ckpt-3"]
    step.assign(13)
    assert manager.save() is None and manager.save(check_interval=False) == "d/ckpt-4"


def test_restore_or_initialize(checkpoint):
    made = []
    manager = tf.train.CheckpointManager(checkpoint, "e", max_to_keep=3, init_fn=lambda: made.append(1))
    assert manager.restore_or_initialize() is None and made == [1]
    checkpoint.v.assign(5.0)
    manager.save()
    checkpoint.v.assign(0.0)
    assert manager.restore_or_initialize() == "e/ckpt-1" and checkpoint.v.numpy() == 5.0 and made == [1]


def test_in_the_background(checkpoint):
    manager = tf.train.CheckpointManager(checkpoint, "f", max_to_keep=2)
    for _ in range(4):
        manager.save(options=tf.train.CheckpointOptions(enable_async=True))
    manager.sync()
    assert kept("f") == ["ckpt-3", "ckpt-4"] and manager.latest_checkpoint == tf.train.latest_checkpoint("f") == "f/ckpt-4"


def test_in_graphs(checkpoint):
    with tf.Graph().as_default(), v1.Session() as session:
        v = v1.Variable(1.0)
        manager = tf.train.CheckpointManager(v1.train.Checkpoint(v=v), "g", max_to_keep=2)
        session.run(v.initializer)
        assert [manager.save() for _ in range(3)][-1] == "g/ckpt-3" and kept("g") == ["ckpt-2", "ckpt-3"]
