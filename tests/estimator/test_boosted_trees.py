"""Boosted trees grow as TensorFlow 1.15's do (tests/golden/boosted_trees_programs.py); the ops say what is wrong."""

import json
import pathlib
import sys

import numpy as np
import pytest

import penstock as tf

GOLDEN = pathlib.Path(__file__).parent.parent / "golden"
sys.path.insert(0, str(GOLDEN))
from boosted_trees_programs import PROGRAMS, C, F, Y, columns, story  # noqa: E402

EXPECTED = json.loads((GOLDEN / "boosted_trees.json").read_text(encoding="utf-8"))
raw = tf.raw_ops


def close(got, want):
    if isinstance(want, dict):
        assert sorted(got) == sorted(want)
        for key in want:
            close(got[key], want[key])
    elif isinstance(want, list):
        assert len(got) == len(want)
        for g, w in zip(got, want):
            close(g, w)
    elif isinstance(want, float):
        assert got == pytest.approx(want, rel=1e-4, abs=1e-5)
    else:
        assert got == want


@pytest.mark.parametrize("name", PROGRAMS)
def test_same_as_tensorflow(name, tmp_path):
    close(json.loads(json.dumps(story(tf, name, str(tmp_path / "model")))), EXPECTED[name])


def test_a_stopped_training_goes_on_where_it_was(tmp_path):
    dataset = lambda: tf.compat.v1.data.Dataset.from_tensors((F, Y)).repeat()
    trees = lambda where: tf.estimator.BoostedTreesClassifier(columns(tf), 1, str(tmp_path / where), n_trees=3, max_depth=2)
    twice, once = trees("twice"), trees("once")
    twice.train(dataset, steps=3)
    twice.train(dataset, max_steps=100)
    once.train(dataset, max_steps=100)
    trained = [np.asarray(t.get_variable_value("boosted_trees:0_serialized")).item() for t in (twice, once)]
    assert trained[0] == trained[1]


def test_a_head_of_ones_own_and_training_in_memory(tmp_path):
    head = tf.estimator.BinaryClassHead()
    made = tf.estimator.BoostedTreesEstimator(columns(tf), 1, head, str(tmp_path / "own"), n_trees=2, max_depth=2)
    once = lambda: tf.compat.v1.data.Dataset.from_tensors((F, Y))
    made.train(lambda: once().repeat())
    memory = tf.compat.v1.contrib.estimator.boosted_trees_classifier_train_in_memory(once, columns(tf), str(tmp_path / "memory"), n_trees=2, max_depth=2)
    close(made.evaluate(once)["average_loss"], float(memory.evaluate(once)["average_loss"]))


def test_what_is_wrong_is_said(tmp_path):
    words = tf.feature_column.categorical_column_with_vocabulary_list("c", sorted(set(C)))
    with pytest.raises(ValueError, match="must be wrapped by IndicatorColumn"):
        tf.estimator.BoostedTreesClassifier([words], 1, str(tmp_path))
    with pytest.raises(ValueError, match="tree_complexity must be positive"):
        tf.estimator.BoostedTreesClassifier(columns(tf), 1, str(tmp_path), pruning_mode="pre")
    with pytest.raises(ValueError, match="n_classes must be 2, got 3"):
        tf.estimator.BoostedTreesClassifier(columns(tf), 1, str(tmp_path), n_classes=3)
    handle = raw.BoostedTreesEnsembleResourceHandleOp(shared_name="none")
    with pytest.raises(tf.errors.FailedPreconditionError):
        raw.BoostedTreesGetEnsembleStates(tree_ensemble_handle=handle)
    with pytest.raises(tf.errors.InvalidArgumentError, match="Weights should have same dimension"):
        raw.BoostedTreesMakeQuantileSummaries(float_values=[[1.0, 2.0, 3.0]], example_weights=[1.0, 2.0], epsilon=0.1)


def test_quantiles():
    handle = raw.BoostedTreesQuantileStreamResourceHandleOp(shared_name="q")
    raw.BoostedTreesCreateQuantileStreamResource(quantile_stream_resource_handle=handle, epsilon=0.01, num_streams=1)
    values = np.random.RandomState(0).permutation(5000).astype(np.float32)
    for part in np.split(values, 5):
        made = raw.BoostedTreesMakeQuantileSummaries(float_values=[part], example_weights=[1.0], epsilon=0.01)
        raw.BoostedTreesQuantileStreamResourceAddSummaries(quantile_stream_resource_handle=handle, summaries=made)
    raw.BoostedTreesQuantileStreamResourceFlush(quantile_stream_resource_handle=handle, num_buckets=10)
    (edges,) = raw.BoostedTreesQuantileStreamResourceGetBucketBoundaries(quantile_stream_resource_handle=handle, num_features=1)
    np.testing.assert_allclose(edges, np.linspace(0, 4999, len(edges)), atol=100)
    (buckets,) = raw.BoostedTreesBucketize(float_values=[[-5.0, float(edges[1]), 1e6]], bucket_boundaries=[edges])
    assert np.asarray(buckets).tolist() == [0, 1, len(edges) - 1]
