"""Streaming metrics give TensorFlow's numbers and names (tests/golden/make_metrics.py)."""

import importlib.util
import os

import numpy as np
import pytest

import penstock.compat.v1 as tf

HERE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "golden")
spec = importlib.util.spec_from_file_location("metric_programs", os.path.join(HERE, "metric_programs.py"))
programs = importlib.util.module_from_spec(spec)
spec.loader.exec_module(programs)
GOLDEN = np.load(os.path.join(HERE, "metrics.npz"))


@pytest.fixture(scope="module")
def got():
    return programs.run(tf)


@pytest.mark.parametrize("name", programs.METRICS)
def test_equals_tensorflow(name, got):
    names = slice(None, -2 if name == "iou" else None)  # the ops of mean_iou are put together in another way
    assert got[f"{name}/names"][names].tolist() == GOLDEN[f"{name}/names"][names].tolist()
    for key in (f"{name}/updates", f"{name}/values"):
        np.testing.assert_allclose(got[key], GOLDEN[key], rtol=1e-5, atol=1e-6, err_msg=key)


def test_weights_of_a_rank_that_only_the_run_knows():
    """A last axis of one goes where the values do not have it (1.15: 0.98039216)."""
    with tf.Graph().as_default(), tf.Session() as session:
        weights = tf.placeholder(tf.int32)
        value, update = tf.metrics.accuracy(tf.expand_dims([1, 0, 0], 1), tf.constant([1, 1, 1]), weights)
        session.run(tf.local_variables_initializer())
        np.testing.assert_allclose(session.run(update, {weights: [[100], [1], [1]]}), 0.98039216)
        np.testing.assert_allclose(session.run(update, {weights: [100, 1, 1]}), 0.98039216)
        np.testing.assert_allclose(session.run(update, {weights: 1}), 201 / 207)


def test_predictions_outside_of_zero_to_one_are_refused():
    with tf.Graph().as_default():
        with pytest.raises(tf.errors.InvalidArgumentError, match="predictions must be in"):
            tf.metrics.auc(tf.constant([0, 1]), tf.constant([1.0, -1.0]))


def test_assertions_look_at_what_tensorflow_sees():
    """A reshaped constant is checked by the run, a constant while the graph is built; the same Python value is no check."""
    with tf.Graph().as_default(), tf.Session() as session:
        late = tf.assert_less(tf.reshape(tf.constant([1, 2]), [2]), 2)
        with pytest.raises(tf.errors.InvalidArgumentError):
            session.run(late)
        with pytest.raises(tf.errors.InvalidArgumentError):
            tf.assert_less(tf.constant([1, 2]), 2)
        assert tf.debugging.assert_equal(1, 1).type == "NoOp"
        size = tf.Variable(2, use_resource=False)
        session.run(size.initializer)
        assert session.run(tf.constant([1, 2, 3])[:size]).tolist() == [1, 2]
