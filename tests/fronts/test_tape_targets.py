"""A target that is itself a source has the derivative one, recorded or not (values of TensorFlow 2.21)."""

import penstock as tf


def test_a_target_among_the_sources():
    x, y = tf.constant(3.0), tf.constant(2.0)
    with tf.GradientTape(persistent=True) as tape:
        z = x * 2
    assert float(tape.gradient(x, x)) == 1 and float(tape.gradient(z, z)) == 1
    assert tape.gradient(z, x) is None and tape.gradient(y, x) is None and tape.gradient(x, z) is None
    assert [float(g) for g in tape.gradient([z, x], [x, z])] == [1, 1]
    assert float(tape.gradient([x, x], x)) == 2
    assert float(tape.gradient(x, x, output_gradients=tf.constant(5.0))) == 5
    whole = tf.constant(1)
    assert int(tape.gradient(whole, whole)) == 1
