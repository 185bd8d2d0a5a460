"""`tf.compat.v1.estimator.experimental.KMeans`: clusters as an Estimator."""

import os
import time
from typing import Any

import numpy as np

from penstock.base.export import export
from penstock.estimator.estimator import Estimator
from penstock.estimator.export_output import PredictOutput
from penstock.estimator.kmeans_graph import (
    COSINE_DISTANCE,
    KMEANS_PLUS_PLUS_INIT,
    RANDOM_INIT,
    SQUARED_EUCLIDEAN_DISTANCE,
    KMeans,
)
from penstock.estimator.mode_keys import ModeKeys
from penstock.estimator.model_fn import EstimatorSpec
from penstock.feature_column.layers import input_layer
from penstock.fronts.grouping import group
from penstock.ir import door
from penstock.ir.op import find
from penstock.ops.arithmetic import add_n
from penstock.ops.join import concat
from penstock.ops.summaries import scalar
from penstock.state.collections import GraphKeys, get_collection
from penstock.train import metrics
from penstock.train.global_step import get_global_step
from penstock.train.session_run_hook import SessionRunArgs, SessionRunHook


class _FirstCenters(SessionRunHook):
    """Chooses the first centers before the training; other workers wait for it."""

    def __init__(self, init_op: Any, ready: Any, config: Any):
        self._init_op, self._ready, self._config = init_op, ready, config

    def after_create_session(self, session: Any, coord: Any) -> None:
        start = time.time()
        if self._config.is_chief and not session.run(self._ready):
            while not session.run(self._ready):
                session.run(self._init_op)
            self._save(session)
        while not session.run(self._ready):
            if time.time() - start > 60:
                raise RuntimeError("The first centers were not chosen in time")
            time.sleep(0.1)

    def _save(self, session: Any) -> None:
        """Put the centers into the first checkpoint: an input of one epoch is used up now, and no step may follow."""
        savers = get_collection(GraphKeys.SAVERS)
        if savers and self._config.model_dir and (self._config.save_checkpoints_secs or self._config.save_checkpoints_steps):
            step = int(session.run(get_global_step()))
            savers[0].save(session, os.path.join(self._config.model_dir, "model.ckpt"), global_step=step)


class _RelativeChange(SessionRunHook):
    """Stops when the loss hardly changes any more."""

    def __init__(self, loss: Any, tolerance: float):
        self._loss, self._tolerance, self._before = loss, tolerance, None

    def before_run(self, run_context: Any) -> Any:
        return SessionRunArgs(self._loss)

    def after_run(self, run_context: Any, run_values: Any) -> None:
        loss = run_values.results
        if loss is None:
            raise ValueError("the loss of k-means is None")
        if self._before is not None:
            change = abs(loss - self._before) / (1 + abs(self._before))
            if change < self._tolerance:
                run_context.request_stop()
        self._before = loss


def _points(features: Any, feature_columns: Any) -> Any:
    """The features as a matrix: by columns, or side by side in the order of their names."""
    if isinstance(features, dict):
        if feature_columns:
            return input_layer(features, feature_columns)
        return concat([features[k] for k in sorted(features)], 1)
    return features


def _model_fn(points_of: Any, num_clusters: int, initial_clusters: Any, distance_metric: str, seed: Any, use_mini_batch: bool, steps: int, retries: int,
              tolerance: Any) -> Any:  # fmt: skip
    def model_fn(features: Any, labels: Any, mode: Any, config: Any) -> Any:
        if labels is not None:
            raise AssertionError(f"K-means has no labels: {labels}")
        points = points_of(features)
        made = KMeans(points, num_clusters, initial_clusters, distance_metric, use_mini_batch, steps, seed, retries)
        distances, ids, scores, ready, init_op, train_op = made.training_graph()
        loss = find("Sum")(scores[0], [0]) if len(scores) == 1 else add_n([find("Sum")(s, [0]) for s in scores])
        scalar("loss/raw", loss)
        if mode == ModeKeys.TRAIN:
            with door.current().control_dependencies([loss]):
                stepped = get_global_step().assign_add(1, read_value=False)
            train_op = group(train_op, stepped)
        hooks: list[Any] = [_FirstCenters(init_op, ready, config)]
        if tolerance is not None:
            hooks.append(_RelativeChange(loss, tolerance))
        outputs = {
            "all_distances": PredictOutput(distances[0]),
            "cluster_index": PredictOutput(ids[0]),
            "serving_default": PredictOutput(ids[0]),
        }
        return EstimatorSpec(
            mode=mode, predictions={"all_distances": distances[0], "cluster_index": ids[0]}, loss=loss, train_op=train_op,
            eval_metric_ops={"score": metrics.mean(loss)}, training_hooks=hooks, export_outputs=outputs,
        )  # fmt: skip

    return model_fn


@export(v1=("estimator.experimental.KMeans", "contrib.factorization.KMeansClustering"))
class KMeansClustering(Estimator):
    """Clusters points around centers, which its training finds.

    >>> kmeans = tf.compat.v1.estimator.experimental.KMeans(num_clusters=3)
    >>> kmeans.train(input_fn, max_steps=20); kmeans.cluster_centers()
    """

    SQUARED_EUCLIDEAN_DISTANCE = SQUARED_EUCLIDEAN_DISTANCE
    COSINE_DISTANCE = COSINE_DISTANCE
    RANDOM_INIT = RANDOM_INIT
    KMEANS_PLUS_PLUS_INIT = KMEANS_PLUS_PLUS_INIT
    SCORE = "score"
    CLUSTER_INDEX = "cluster_index"
    ALL_DISTANCES = "all_distances"
    CLUSTER_CENTERS_VAR_NAME = "clusters"

    def __init__(self, num_clusters: int, model_dir: Any = None, initial_clusters: Any = RANDOM_INIT, distance_metric: str = SQUARED_EUCLIDEAN_DISTANCE,
                 seed: Any = None, use_mini_batch: bool = True, mini_batch_steps_per_iteration: int = 1, kmeans_plus_plus_num_retries: int = 2,
                 relative_tolerance: float | None = None, config: Any = None, feature_columns: Any = None):  # fmt: skip
        if isinstance(initial_clusters, str) and initial_clusters not in (RANDOM_INIT, KMEANS_PLUS_PLUS_INIT):
            raise ValueError(f"Unsupported initialization algorithm '{initial_clusters}'")
        if distance_metric not in (SQUARED_EUCLIDEAN_DISTANCE, COSINE_DISTANCE):
            raise ValueError(f"Unsupported distance metric '{distance_metric}'")
        self._distance_metric = distance_metric
        points_of = lambda features: _points(features, feature_columns)
        fn = _model_fn(points_of, num_clusters, initial_clusters, distance_metric, seed, use_mini_batch, mini_batch_steps_per_iteration,
                       kmeans_plus_plus_num_retries, relative_tolerance)  # fmt: skip
        super().__init__(model_fn=fn, model_dir=model_dir, config=config)

    def _predict_one_key(self, input_fn: Any, key: str) -> Any:
        for result in self.predict(input_fn=input_fn, predict_keys=[key]):
            yield result[key]

    def predict_cluster_index(self, input_fn: Any) -> Any:
        """The number of the nearest center of each point."""
        yield from self._predict_one_key(input_fn, self.CLUSTER_INDEX)

    def score(self, input_fn: Any) -> Any:
        """The sum of the (squared) distances to the nearest centers: the smaller, the better."""
        return self.evaluate(input_fn=input_fn, steps=1)[self.SCORE]

    def transform(self, input_fn: Any) -> Any:
        """The distances of each point to all centers; of squared distances, the roots."""
        for distances in self._predict_one_key(input_fn, self.ALL_DISTANCES):
            yield np.sqrt(distances) if self._distance_metric == SQUARED_EUCLIDEAN_DISTANCE else distances

    def cluster_centers(self) -> Any:
        """The centers, a row each."""
        return self.get_variable_value(self.CLUSTER_CENTERS_VAR_NAME)
