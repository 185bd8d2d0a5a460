"""Makes `checkpoint/` with a real TensorFlow: `python tests/golden/make_checkpoint.py` in an environment that has it."""

import os

import numpy as np
import tensorflow.compat.v1 as tf

tf.disable_v2_behavior()
v = tf.get_variable("a/v", initializer=np.arange(6, dtype=np.float32).reshape(2, 3))
s = tf.Variable(["x", "yy"], name="s")
n = tf.get_variable("n", initializer=np.array(3, np.int64), use_resource=True)
p = tf.get_variable("p", [5, 2], tf.float64, tf.ones_initializer(), partitioner=tf.fixed_size_partitioner(2))
h = tf.Variable(np.array([1.5, 2], np.float16), name="h")
with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "checkpoint")
    tf.train.Saver().save(sess, os.path.join(folder, "model"), write_state=False)
