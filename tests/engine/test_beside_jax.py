"""A program's own use of JAX keeps JAX's defaults, whatever runs beside it."""

import jax.numpy as jnp
import numpy as np

import penstock as tf


def test_types_of_jax_stay_32_bit():
    before = jnp.arange(3).dtype
    wide = tf.function(lambda x: tf.cumsum(x) * 2)(tf.constant([1.0, 2.0], tf.float64))
    assert wide.dtype == tf.float64 and wide.numpy().tolist() == [2.0, 6.0]
    counted = tf.function(lambda x: tf.while_loop(lambda i, n: i < 3, lambda i, n: (i + 1, n + x), (0, x)))(tf.constant(2**40, tf.int64))
    assert counted[1].numpy() == 2**42
    assert jnp.arange(3).dtype == before == np.int32 and jnp.ones(2).dtype == np.float32
