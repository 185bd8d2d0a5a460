"""A variable without a fixed shape may have another one at each run."""

import numpy as np

import penstock.compat.v1 as tf


def test_a_variable_grows_from_run_to_run():
    with tf.Graph().as_default(), tf.Session() as session:
        held = tf.Variable(np.zeros([0], np.float32), validate_shape=False, trainable=False, use_resource=False)
        more = tf.placeholder(tf.float32, [None])
        grow = tf.assign(held, tf.concat([held, more], 0), validate_shape=False)
        size = tf.shape(held)
        session.run(held.initializer)
        for n in range(1, 8):
            assert session.run(grow, {more: [1.0, 2.0]}).shape == (2 * n,)
            assert session.run(size).tolist() == [2 * n]
