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
