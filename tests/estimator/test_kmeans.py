"""K-means does what TensorFlow 2.15's does, from the same seeds (tests/golden/kmeans_programs.py)."""

import json
import pathlib
import sys

import numpy as np
import pytest

import penstock as tf

GOLDEN = pathlib.Path(__file__).parent.parent / "golden"
sys.path.insert(0, str(GOLDEN))
from kmeans_programs import PROGRAMS, X, story  # noqa: E402

EXPECTED = json.loads((GOLDEN / "kmeans.json").read_text(encoding="utf-8"))
KMeans = tf.compat.v1.estimator.experimental.KMeans


@pytest.mark.parametrize("name", PROGRAMS)
def test_same_as_tensorflow(name, tmp_path):
    got, want = story(tf, name, str(tmp_path / "model")), EXPECTED[name]
    for key in ("variables", "step", "index"):
        assert got[key] == want[key], key
    for key in ("scores", "centers", "distances"):
        np.testing.assert_allclose(got[key], want[key], rtol=1e-4, atol=1e-5, err_msg=key)


def test_ops_draw_what_tensorflow_draws():
    points = np.random.RandomState(0).randn(50, 3).astype(np.float32)
    for key, want in EXPECTED["k-means++ op"].items():
        seed, count, retries = map(int, key.split())
        got = tf.raw_ops.KmeansPlusPlusInitialization(points=points, num_to_sample=count, seed=seed, num_retries_per_sample=retries)
        np.testing.assert_array_equal(got, np.array(want, np.float32))
    chains = [int(tf.raw_ops.KMC2ChainInitialization(distances=np.abs(points[:, 0]), seed=s)) for s in range(8)]
    assert chains == EXPECTED["chain op"]
    ids, distances = tf.raw_ops.NearestNeighbors(points=points, centers=points[:4], k=2)
    every = ((points[:, None] - points[None, :4]) ** 2).sum(-1)
    np.testing.assert_array_equal(ids[:, 0], every.argmin(1))
    np.testing.assert_allclose(distances, np.sort(every, axis=1)[:, :2], atol=1e-5)
    with pytest.raises(tf.errors.InvalidArgumentError, match="no more than the 50 points"):
        tf.raw_ops.KmeansPlusPlusInitialization(points=points, num_to_sample=51, seed=1, num_retries_per_sample=0)


def test_an_input_of_one_epoch_gives_the_first_centers(tmp_path):
    made = KMeans(3, str(tmp_path), use_mini_batch=False, seed=3, initial_clusters="kmeans_plus_plus")
    once = lambda: tf.compat.v1.train.limit_epochs(tf.convert_to_tensor(X), num_epochs=1)
    for _ in range(4):
        made.train(once)
    assert made.score(once) == pytest.approx(15.905, abs=1e-2)


def test_what_is_wrong_is_said():
    with pytest.raises(ValueError, match="Unsupported initialization algorithm 'foo'"):
        KMeans(3, initial_clusters="foo")
    with pytest.raises(ValueError, match="Unsupported distance metric 'foo'"):
        KMeans(3, distance_metric="foo")
