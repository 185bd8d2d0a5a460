"""Metrics over the k best classes: the numbers and names of TensorFlow 1.15."""

import numpy as np
import pytest

import penstock.compat.v1 as tf

SCORES = np.random.RandomState(0).rand(5, 6).astype(np.float32)
LABELS = np.array([[0, 1], [2, 2], [5, 3], [-1, 4], [1, 9]])
WEIGHTS = np.array([1.0, 0.0, 2.0, 0.5, 1.0], np.float32)


def sparse():
    at = [(i, j) for i in range(5) for j in range(2) if LABELS[i, j] >= 0]
    return tf.SparseTensor(at, np.array([LABELS[i] for i in at], np.int64), LABELS.shape)


CASES = {  # what, value, names of the variables and of the two tensors
    "precision_at_1": (lambda m: m.precision_at_k(LABELS, SCORES, 1), 0.4),
    "recall_at_2": (lambda m: m.recall_at_k(LABELS, SCORES, 2), 0.444444),
    "precision_at_2_class1": (lambda m: m.precision_at_k(LABELS, SCORES, 2, class_id=1), 0.4),
    "recall_at_2_class9": (lambda m: m.recall_at_k(LABELS, SCORES, 2, class_id=9), 0.0),
    "precision_at_2": (lambda m: m.precision_at_k(LABELS, SCORES, 2, weights=WEIGHTS), 0.444444),
    "foo": (lambda m: m.recall_at_k(sparse(), SCORES, 2, weights=WEIGHTS, class_id=1, name="foo"), 1.0),
    "recall_at_1": (lambda m: m.recall_at_k(LABELS[:, 1], SCORES, 2, name="recall_at_1"), 0.4),
    "precision_at_k": (lambda m: m.precision_at_top_k(LABELS, tf.constant(np.argsort(-SCORES, 1)[:, :2])), 0.4),
    "average_precision_at_2": (lambda m: m.average_precision_at_k(LABELS, SCORES, 2), 0.35),
    "average_precision_at_3": (lambda m: m.average_precision_at_k(LABELS, SCORES, 3, weights=None), 0.35),
    "aw": (lambda m: m.average_precision_at_k(LABELS, SCORES, 2, weights=WEIGHTS, name="aw"), 0.333333),
    "bar": (lambda m: m.sparse_average_precision_at_k(sparse(), SCORES, 3, name="bar"), 0.4),
}


@pytest.mark.parametrize("name", CASES)
def test_equals_tensorflow(name):
    make, want = CASES[name]
    with tf.Graph().as_default(), tf.Session() as sess:
        value, update = make(tf.metrics)
        names = [v.op.name for v in tf.local_variables()]
        assert all(n.startswith(f"{name}/") for n in names) and len(names) == 2
        assert (value if "average" not in name and name not in ("aw", "bar") else update).op.name == name
        sess.run(tf.local_variables_initializer())
        for _ in range(2):
            np.testing.assert_allclose(sess.run(update), want, atol=1e-6)
        np.testing.assert_allclose(sess.run(value), want, atol=1e-6)


def test_wrong_k_and_labels():
    with tf.Graph().as_default():
        with pytest.raises(ValueError, match="Invalid k=0"):
            tf.metrics.average_precision_at_k(LABELS, SCORES, 0)
        with pytest.raises(TypeError, match="int64"):
            tf.metrics.recall_at_k(LABELS.astype(np.int32), SCORES, 2)
