"""Names of contrib in several namespaces; values of TensorFlow 1.15.5."""

import numpy as np

import penstock.compat.v1 as tf

contrib = tf.contrib


def test_scaled_softplus_and_nth_element():
    with tf.Graph().as_default(), tf.Session() as session:
        x, alpha = tf.constant([-2.0, 0.0, 1.0, 3.0]), tf.constant(2.0)
        y = contrib.nn.scaled_softplus(x, alpha, 1.5)
        got = session.run([y, *tf.gradients(y, [alpha, x])])
        np.testing.assert_allclose(got[0], [0.6265233, 1.3862944, 1.5, 1.5], rtol=1e-6)
        np.testing.assert_allclose(got[1], 1.2753503, rtol=1e-6)
        np.testing.assert_allclose(got[2], [0.2689414, 0.5, 0, 0], rtol=1e-6)
        assert session.run(contrib.nn.nth_element([[3, 1, 2], [9, 7, 8]], 0, reverse=True)).tolist() == [3, 9]


def test_the_same_thing_under_each_name():
    assert contrib.slim.optimize_loss is contrib.layers.optimize_loss
    assert contrib.slim.bow_encoder is contrib.layers.bow_encoder
    assert contrib.distribute.get_strategy is tf.distribute.get_strategy
    assert contrib.framework.nest.map_structure_up_to([0, 0], lambda x: x, [1, [2]]) == [1, [2]]
    with tf.Graph().as_default():
        assert contrib.deprecated.scalar_summary("a", 1.0).op.type == "ScalarSummary"
