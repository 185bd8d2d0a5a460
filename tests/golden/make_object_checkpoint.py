"""Makes `object_checkpoint/VERSION-1` with a real TensorFlow: `python tests/golden/make_object_checkpoint.py` in an environment that has it."""

import os
import sys

import tensorflow as tf

FOLDER = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, FOLDER)
import object_checkpoint_programs as programs  # noqa: E402

tf.compat.v1.enable_v2_behavior()
if not hasattr(tf.train.Checkpoint, "read"):
    tf = tf.compat.v2
name = "".join(tf.__version__.split(".")[:2]) if hasattr(tf, "__version__") else "115"
target = os.path.join(FOLDER, "object_checkpoint", name)
programs.checkpoint(tf, programs.objects(tf)).save(target)
os.remove(os.path.join(FOLDER, "object_checkpoint", "checkpoint"))
