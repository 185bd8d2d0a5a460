"""Products at some places alone."""

import numpy as np
import pytest

import penstock as tf


def test_sampled_addmm():
    rng = np.random.RandomState(0)
    a, b, values = rng.rand(2, 3, 4), rng.rand(2, 4, 5), rng.rand(2, 2)
    places = np.array([[[0, 1], [2, 4]], [[1, 1], [2, 0]]])
    indices, found, dims = tf.sparse.sampled_addmm(places, values, [3, 5], a, b, beta=0.5, alpha=2.0, output_type=tf.float64)
    whole = 2 * (a @ b)
    want = [[whole[n][tuple(p)] for p in places[n]] for n in (0, 1)] + 0.5 * values
    np.testing.assert_allclose(found, want)
    assert indices.numpy().tolist() == places.tolist() and dims.numpy().tolist() == [3, 5]
    with pytest.raises(ValueError, match="Matrix size-incompatible"):
        tf.sparse.sampled_addmm(places[0], values[0], [3, 5], a[0], a[0])
    with pytest.raises(ValueError, match="one rank"):
        tf.sparse.sampled_addmm(places[0], values[0], [3, 5], a, b[0])
