"""Staging areas, barriers and record inputs of 1.x pipelines."""

import threading

import numpy as np
import pytest

import penstock as tf
from penstock.ops.staging_areas import Barrier, MapStagingArea, RecordInput, StagingArea

v1 = tf.compat.v1
one = lambda: tf.constant(1, tf.int64)


def test_an_area_is_a_line():
    with tf.Graph().as_default(), v1.Session() as session:
        area = StagingArea([tf.float32, tf.int32], shapes=[[2], []], names=["x", "y"])
        fed = v1.placeholder(tf.int32, [])
        put, got = area.put({"x": tf.constant([1.0, 2.0]), "y": fed}), area.get()
        assert put.type == "Stage" and got["x"].shape.as_list() == [2]
        for k in range(2):
            session.run(put, {fed: k})
        assert session.run(area.size()) == 2 and session.run(area.peek(1))["y"] == 1
        assert session.run(got)["y"] == 0 and session.run([got, area.size()])[0]["y"] == 1


def test_an_area_waits_for_room():
    with tf.Graph().as_default(), v1.Session() as session:
        area = StagingArea([tf.int32], capacity=1)
        put, got = area.put([tf.constant(7)]), area.get()
        session.run(put)
        thread = threading.Thread(target=lambda: session.run(put))
        thread.start()
        assert session.run(got) == [7] and session.run(got) == [7]
        thread.join(10)
        assert not thread.is_alive()


@pytest.mark.parametrize("values", [{"x": tf.constant([1.0])}, [tf.constant([1.0, 2.0]), tf.constant(1)], {"z": tf.constant(1)}])
def test_wrong_values(values):
    area = StagingArea([tf.float32, tf.int32], shapes=[[2], []], names=["x", "y"])
    with pytest.raises(ValueError):
        area.put(values)


def test_a_map_takes_parts():
    with tf.Graph().as_default(), v1.Session() as session:
        area = MapStagingArea([tf.float32, tf.int32], ordered=True)
        for key in (5, 3):
            session.run(area.put(tf.constant(key, tf.int64), [tf.constant(float(key))], [0]))
        assert session.run([area.size(), area.incomplete_size()]) == [0, 2]
        for key in (5, 3):
            session.run(area.put(tf.constant(key, tf.int64), [tf.constant(key * 10)], [1]))
        key, values = session.run(area.get())
        assert key == 3 and [float(v) for v in values] == [3.0, 30.0]
        assert session.run(area.get(tf.constant(5, tf.int64), indices=[1]))[1] == [50]
        with pytest.raises(tf.errors.InvalidArgumentError, match="already been removed"):
            session.run(area.peek(tf.constant(5, tf.int64), indices=[1]))


def test_a_barrier_collects_rows():
    with tf.Graph().as_default(), v1.Session() as session:
        barrier = Barrier([tf.float32, tf.int32], shapes=[[], []])
        keys = np.array([b"a", b"b"], object)
        session.run(barrier.insert_many(0, keys, [1.0, 2.0]))
        session.run(barrier.insert_many(1, keys[1:], [20]))
        assert session.run([barrier.ready_size(), barrier.incomplete_size()]) == [1, 1]
        indices, key, x, y = session.run(barrier.take_many(1))
        assert indices.tolist() == [-(2**63) + 1] and key.tolist() == [b"b"] and (x, y) == (2.0, 20)
        session.run(barrier.close(cancel_pending_enqueues=True))
        with pytest.raises(tf.errors.OutOfRangeError):
            session.run(barrier.take_many(1))


def test_records_are_dealt_out(tmp_path):
    with tf.io.TFRecordWriter(str(tmp_path / "a.tfrecord")) as writer:
        for k in range(4):
            writer.write(bytes([65 + k]))
    with tf.Graph().as_default(), v1.Session() as session:
        parts = RecordInput(str(tmp_path / "*.tfrecord"), batch_size=2, batches=2, buffer_size=4).get_yield_op()
        found = session.run(parts)
    assert [len(p) for p in found] == [2, 2] and {v for p in found for v in p} <= {b"A", b"B", b"C", b"D"}


def test_under_the_names_of_tensorflow():
    assert v1.contrib.staging.StagingArea is StagingArea
