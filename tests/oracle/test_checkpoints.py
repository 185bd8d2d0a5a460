"""Checkpoints that are written here load in real TensorFlows, old and new, and give what was saved."""

import json
import os
import sys

import numpy as np
import pytest

import penstock as tf
from tests.oracle.real import oracle, run

pytestmark = pytest.mark.oracle
GOLDEN = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "golden")
sys.path.insert(0, GOLDEN)
import object_checkpoint_programs as programs  # noqa: E402

READ = """
import json, os, sys
sys.path.insert(0, os.environ["GOLDEN"])
import tensorflow as tf
import object_checkpoint_programs as programs
tf.compat.v1.enable_v2_behavior()
if not hasattr(tf.train.Checkpoint, "read"):
    tf = tf.compat.v2
parts = programs.fresh(tf)
model, optimizer, momentum, step = parts
checkpoint = programs.checkpoint(tf, parts)
status = checkpoint.restore(os.environ["CHECKPOINT"])
status.assert_existing_objects_matched()
slot = optimizer.get_slot(model.blocks[0].kernel, "v")
print(json.dumps([v.numpy().tolist() for v in (model.blocks[0].kernel, model.blocks[1].kernel, slot, step, checkpoint.save_counter)]))
with tf.Graph().as_default(), tf.compat.v1.Session() as session:
    w = tf.compat.v1.get_variable("w", [3], partitioner=tf.compat.v1.fixed_size_partitioner(2), use_resource=False)
    tf.compat.v1.train.Saver().restore(session, os.environ["NAMED"])
    print(json.dumps([v.tolist() for v in session.run(list(w))]))
"""


@pytest.mark.parametrize("version", ["1.15", "2.21"])
def test_tensorflow_reads_what_is_written_here(version, tmp_path):
    parts = programs.objects(tf)
    model, optimizer, _, step = parts
    checkpoint = programs.checkpoint(tf, parts)
    checkpoint.save(str(tmp_path / "model"))
    path = checkpoint.save(str(tmp_path / "model"))
    slot = optimizer.get_slot(model.blocks[0].kernel, "v")
    want = [v.numpy() for v in (model.blocks[0].kernel, model.blocks[1].kernel, slot, step, checkpoint.save_counter)]
    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        v1.get_variable("w", initializer=lambda shape, **_: tf.range(3.0)[: shape[0]], shape=[3], partitioner=v1.fixed_size_partitioner(2))
        session.run(v1.global_variables_initializer())
        held = [session.run(v).tolist() for v in v1.global_variables()]
        named = v1.train.Saver().save(session, str(tmp_path / "named"), write_meta_graph=False)
    script = tmp_path / "read.py"
    script.write_text(READ)
    lines = run([oracle(version), str(script)], GOLDEN=GOLDEN, CHECKPOINT=path, NAMED=named).splitlines()
    for mine, theirs in zip(want, json.loads(lines[-2])):
        np.testing.assert_array_equal(mine, np.asarray(theirs, mine.dtype))
    assert json.loads(lines[-1]) == held


META = """
import json, os
import tensorflow as tf
tf.compat.v1.disable_v2_behavior()
tf = tf.compat.v1
saver = tf.train.import_meta_graph(os.environ["META"] + ".meta")
with tf.Session() as session:
    saver.restore(session, os.environ["META"])
    feeds = {"x:0": [[1.0, 2.0], [3.0, 4.0]]}
    out = []
    for _ in range(2):
        out.append(float(session.run(tf.get_collection("loss")[0], feeds)))
        session.run("train", feeds)
    print(json.dumps(out))
"""


@pytest.mark.parametrize("version", ["1.15", "2.21"])
def test_tensorflow_trains_on_with_a_meta_graph_from_here(version, tmp_path):
    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, [None, 2], name="x")
        with tf.device("/cpu:0"):
            w = v1.get_variable("w", [2, 3], use_resource=True, initializer=v1.constant_initializer(0.1))
        h = v1.layers.dense(tf.matmul(x, w), 3, tf.nn.relu, kernel_initializer=v1.constant_initializer(0.3))
        _, total = tf.while_loop(lambda i, s: i < 3, lambda i, s: (i + 1, s * 0.5 + tf.reduce_sum(h)), [0, 0.0])
        loss = tf.cond(total > 0, lambda: total**2, lambda: -total)
        v1.add_to_collection("loss", loss)
        v1.train.AdamOptimizer(0.1).minimize(loss, name="train")
        session.run(v1.global_variables_initializer())
        path = v1.train.Saver(sharded=True).save(session, str(tmp_path / "model"))
        feeds, want = {x: [[1.0, 2.0], [3.0, 4.0]]}, []
        for _ in range(2):
            want.append(session.run(loss, feeds))
            session.run("train", feeds)
    script = tmp_path / "read.py"
    script.write_text(META)
    np.testing.assert_allclose(json.loads(run([oracle(version), str(script)], META=path).splitlines()[-1]), want, rtol=1e-4)
