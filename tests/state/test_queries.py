"""Is it a tensor, is its value known: as TensorFlow 2.21 answers."""

import numpy as np

import penstock as tf


def test_is_tensor():
    x = tf.constant([1, 2])
    yes = [x, tf.Variable(1.0), tf.IndexedSlices(x, x)]
    no = [1, "a", np.ones(2), [x], None, tf.TensorArray(tf.float32, 1)]
    assert all(map(tf.is_tensor, yes)) and not any(map(tf.is_tensor, no))


def test_inside_a_function():
    seen = {}

    @tf.function
    def build(x):
        with tf.name_scope("q"):
            seen["scope"] = tf.get_current_name_scope()
        seen["symbolic"] = tf.is_symbolic_tensor(x), tf.is_tensor(x), tf.inside_function()
        seen["static"] = tf.get_static_value(x), tf.get_static_value(tf.constant(3)), tf.get_static_value(tf.constant(3) + 1), tf.get_static_value(tf.constant("a"))
        seen["shape"] = tf.get_static_value(tf.shape(tf.zeros([2, 3]))).tolist()
        return x

    build(tf.constant([1.0]))
    assert seen == {"scope": "q", "symbolic": (True, True, True), "static": (None, 3, None, b"a"), "shape": [2, 3]}
    assert not tf.inside_function() and not tf.is_symbolic_tensor(tf.constant(1))


def test_values_known_in_part():
    with tf.Graph().as_default():
        fed = tf.compat.v1.placeholder(tf.float32, [None, 4])
        dims = tf.concat([tf.shape(fed)[:1], [3]], 0)
        assert tf.get_static_value(dims) is None and tf.get_static_value(fed, partial=True) is None
        assert list(tf.get_static_value(tf.stack([tf.shape(fed)[0], 5]), partial=True)) == [None, 5]
        assert not tf.inside_function() and tf.is_symbolic_tensor(fed)


def test_name_scopes():
    with tf.name_scope("a"), tf.name_scope("b"):
        assert tf.get_current_name_scope() == "a/b"
    assert tf.get_current_name_scope() == ""
