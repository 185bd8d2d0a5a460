"""The batch size of a pipeline, as sharding a batch over replicas asks for it."""

import pytest

import penstock as tf
from penstock.data.batch_size import compute_batch_size

RANGE = tf.data.Dataset.range


@pytest.mark.parametrize(
    ("dataset", "size"),
    [
        (lambda: RANGE(10).batch(4), 4),
        (lambda: RANGE(10).batch(4, drop_remainder=True), 4),
        (lambda: RANGE(10).batch(4).map(lambda x: x + 1), -1),
        (lambda: RANGE(10).batch(4).batch(2), 2),
        (lambda: RANGE(10).padded_batch(3).prefetch(1), 3),
        (lambda: RANGE(10).batch(4).shuffle(3).repeat().filter(lambda x: True), 4),
        (lambda: tf.data.Dataset.zip((RANGE(10).batch(4), RANGE(10).batch(4))), 4),
        (lambda: tf.data.Dataset.zip((RANGE(10).batch(4), RANGE(10).batch(3))), -1),
        (lambda: RANGE(4).flat_map(lambda i: RANGE(10).batch(4)), -1),
        (lambda: tf.data.Dataset.from_tensor_slices(tf.ones([4, 3])), 3),
    ],
)
def test_batch_size(dataset, size):
    assert int(compute_batch_size(dataset())) == size


def test_elements_without_axes():
    with pytest.raises(IndexError):
        compute_batch_size(RANGE(3))
