"""Checkpoints: what TensorFlow wrote (tests/golden/make_checkpoint.py) loads, what is saved loads again, damage is noticed."""

import os

import numpy as np
import pytest

import penstock.compat.v1 as tf
from penstock.base import bundle, dtypes, errors
from penstock.base.crc32c import crc32c

GOLDEN = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "golden", "checkpoint", "model")


def test_crc():
    assert crc32c(b"123456789") == 0xE3069283
    data = np.random.default_rng(0).bytes(50_000)
    whole = 0
    for at in range(0, len(data), 999):
        from penstock.base.crc32c import extend

        whole = extend(whole, data[at : at + 999])
    assert whole == crc32c(data)


def test_reads_what_tensorflow_wrote():
    reader = tf.train.NewCheckpointReader(GOLDEN)
    assert reader.get_variable_to_shape_map() == {"a/v": [2, 3], "h": [2], "n": [], "p": [5, 2], "s": [2]}
    assert reader.get_tensor("a/v").tolist() == [[0, 1, 2], [3, 4, 5]] and reader.get_tensor("s").tolist() == [b"x", b"yy"]
    assert reader.get_tensor("p").tolist() == [[1.0, 1.0]] * 5 and reader.get_tensor("n") == 3
    assert tf.train.load_variable(GOLDEN, "h").tolist() == [1.5, 2.0]
    with tf.Graph().as_default(), tf.Session() as sess:
        saver = tf.train.import_meta_graph(f"{GOLDEN}.meta")
        saver.restore(sess, GOLDEN)
        assert [v.name for v in tf.global_variables()] == ["a/v:0", "s:0", "n:0", "p/part_0:0", "p/part_1:0", "h:0"]
        assert sess.run("a/v:0").tolist() == [[0, 1, 2], [3, 4, 5]] and sess.run("p/part_1/read:0").tolist() == [[1, 1], [1, 1]]


@pytest.mark.parametrize("use_resource", [True, False])
def test_saves_and_restores(tmp_path, use_resource):
    with tf.Graph().as_default():
        w = tf.get_variable("w", initializer=np.ones((3, 2), np.float32), use_resource=use_resource)
        p = tf.get_variable("p", [5], initializer=tf.ones_initializer(), partitioner=tf.fixed_size_partitioner(2), use_resource=use_resource)
        step = tf.train.get_or_create_global_step()
        up = tf.group(tf.assign_add(w, tf.ones_like(w)), tf.assign_add(step, 1))
        saver = tf.train.Saver(max_to_keep=2)
        with tf.Session() as sess:
            sess.run(tf.global_variables_initializer())
            for _ in range(3):
                sess.run(up)
                saved = saver.save(sess, str(tmp_path / "m"), global_step=step)
            sess.run(up)
        assert saved == str(tmp_path / "m-3") == tf.train.latest_checkpoint(str(tmp_path))
        assert [os.path.basename(c) for c in saver.last_checkpoints] == ["m-2", "m-3"] and not (tmp_path / "m-1.index").exists()
        with tf.Session() as sess:
            saver.restore(sess, saved)
            assert sess.run(w).tolist() == [[4.0, 4.0]] * 3 and sess.run(step) == 3 and sum(map(sum, sess.run(list(p)))) == 5
        with pytest.raises(ValueError):
            saver.restore(None, str(tmp_path / "nothing"))
    with tf.Graph().as_default(), tf.Session() as sess:
        tf.get_variable("other", [2])
        with pytest.raises(errors.NotFoundError):
            tf.train.Saver().restore(sess, saved)


def test_damage_is_noticed(tmp_path):
    prefix = str(tmp_path / "x")
    bundle.write(prefix, [("a", "", np.arange(4.0), dtypes.float64)])
    data = bundle.data_file(prefix, 0, 1)
    with open(data, "r+b") as file:
        file.write(b"\1")
    with pytest.raises(errors.DataLossError):
        bundle.Reader(prefix).tensor("a")
    with open(f"{prefix}.index", "r+b") as file:
        file.seek(3)
        file.write(b"\xff")
    with pytest.raises(errors.DataLossError):
        bundle.Reader(prefix)
