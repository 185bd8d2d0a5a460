"""Gradients in graphs whose shapes are not known until they run, against the eager ones."""

import numpy as np
import pytest

import penstock as tf

rng = np.random.default_rng(3)
A, B, ROW = (rng.uniform(0.5, 2, s).astype(np.float32) for s in ((2, 3), (2, 3), (3,)))
SQUARE, BATCH = (
    rng.normal(size=(3, 3)).astype(np.float32) + 2 * np.eye(3, dtype=np.float32),
    rng.normal(size=(4, 3, 3)).astype(np.float32),
)
IDS = np.array([0, 1], np.int32)
CASES = {
    "add": (lambda x, y: x + y, A, ROW),
    "multiply": (lambda x, y: x * y, ROW, A),
    "divide": (lambda x, y: x / y, A, ROW),
    "power": (lambda x, y: x**y, A, ROW),
    "maximum": (lambda x, y: tf.maximum(x, y), A, B),
    "squared": (lambda x, y: tf.math.squared_difference(x, y), A, ROW),
    "atan2": (lambda x, y: tf.atan2(x, y), ROW, A),
    "sum": (lambda x, y: tf.reduce_sum(x * y, 0), A, B),
    "sum_all": (lambda x, y: tf.reduce_sum(x * y), A, B),
    "mean": (lambda x, y: tf.reduce_mean(x * y, [1], keepdims=True), A, B),
    "mean_all": (lambda x, y: tf.reduce_mean(x) * y, A, B),
    "max": (lambda x, y: tf.reduce_max(x, 1) + tf.reduce_min(y, -1), A, B),
    "prod": (lambda x, y: tf.reduce_prod(x, 0) * y, A, B),
    "logsumexp": (lambda x, y: tf.reduce_logsumexp(x + y, 1), A, B),
    "std": (lambda x, y: tf.math.reduce_std(x, 0) + y, A, B),
    "norm": (lambda x, y: tf.norm(x, axis=1) + tf.norm(y), A, B),
    "cumsum": (lambda x, y: tf.cumsum(x, 1) * y, A, B),
    "matmul": (lambda x, y: tf.matmul(x, y, transpose_b=True), A, B),
    "batch": (lambda x, y: tf.matmul(x, y), BATCH, SQUARE),
    "einsum": (lambda x, y: tf.einsum("bij,jk->bik", x, y), BATCH, SQUARE),
    "select": (lambda x, y: tf.where(x > 1.0, x, y), A, ROW),
    "clip": (lambda x, y: tf.clip_by_value(x, 0.8, 1.5) * y, A, B),
    "solve": (lambda x, y: tf.linalg.solve(x, y), SQUARE, SQUARE),
    "inverse": (lambda x, y: tf.linalg.inv(x) * y, SQUARE, SQUARE),
    "cholesky": (lambda x, y: tf.linalg.cholesky(tf.matmul(x, x, transpose_b=True)) * y, SQUARE, SQUARE),
    "diagonal": (lambda x, y: tf.linalg.diag_part(x) + tf.linalg.trace(y), SQUARE, SQUARE),
    "cast": (lambda x, y: tf.cast(x, tf.float64) * tf.cast(y, tf.float64), A, B),
    "segments": (lambda x, y: tf.math.segment_sum(x, IDS) * tf.math.unsorted_segment_max(y, IDS, 2), A, B),
    "add_n": (lambda x, y: tf.add_n([x, y, x]), A, B),
}


@pytest.mark.parametrize("known", ["rank", "nothing"])
@pytest.mark.parametrize("name", CASES)
def test_gradient(name: str, known: str) -> None:
    function, x, y = CASES[name]
    eager = [tf.constant(x), tf.constant(y)]
    with tf.GradientTape() as tape:
        tape.watch(eager)
        loss = function(*eager)
    want = tape.gradient(loss, eager)
    with tf.Graph().as_default() as graph:
        given = [tf.compat.v1.placeholder(tf.float32, None if known == "nothing" else [None] * v.ndim) for v in (x, y)]
        grads = tf.gradients(function(*given), given)
    with tf.compat.v1.Session(graph=graph) as session:
        got = session.run(grads, dict(zip(given, (x, y))))
    for g, w in zip(got, want):
        np.testing.assert_allclose(g, w.numpy(), rtol=1e-4, atol=1e-5)
