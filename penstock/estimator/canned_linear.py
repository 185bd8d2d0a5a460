"""`tf.estimator.LinearClassifier`, `LinearRegressor`, `LinearEstimator`."""

import math
from typing import Any

from penstock.estimator.canned_models import check_features, columns_checked, linear_logits, part_maker
from penstock.estimator.canned_optimizers import new_optimizer, old_optimizer
from penstock.estimator.estimator import Estimator, EstimatorV2
from penstock.estimator.heads import class_head, value_head
from penstock.estimator.names import estimator_export
from penstock.state.collections import GraphKeys
from penstock.state.scopes import variable_scope
from penstock.train.global_step import get_or_create_global_step


def linear_rate(columns: Any, most: float = 0.2) -> float:
    """The learning rate that a linear model of so many columns starts with."""
    return min(most, 1.0 / math.sqrt(len(columns)))


def _model_fn_v1(head: Any, columns: Any, optimizer: Any, partitioner: Any, sparse_combiner: str) -> Any:
    def model_fn(features: Any, labels: Any, mode: Any, config: Any) -> Any:
        check_features(features)
        chosen = old_optimizer(optimizer, linear_rate(columns))
        parts = partitioner or part_maker(config, False, 64 << 20)
        with variable_scope("linear", partitioner=parts, use_resource=True):
            logits = linear_logits(features, head.logits_dimension, columns, sparse_combiner, False)
            return head.create_estimator_spec(
                features=features, mode=mode, labels=labels, optimizer=chosen, logits=logits
            )

    return model_fn


def _model_fn_v2(head: Any, columns: Any, optimizer: Any, sparse_combiner: str) -> Any:
    def model_fn(features: Any, labels: Any, mode: Any, config: Any) -> Any:
        check_features(features)
        chosen = new_optimizer(optimizer, linear_rate(columns)) if mode == "train" else None
        with variable_scope("linear", use_resource=True):
            logits = linear_logits(features, head.logits_dimension, columns, sparse_combiner, True)
        return spec_v2(head, features, mode, labels, chosen, logits)

    return model_fn


def spec_v2(head: Any, features: Any, mode: Any, labels: Any, optimizer: Any, logits: Any) -> Any:
    """The EstimatorSpec of a 2.x model: the optimizer counts the global step."""
    from penstock.fronts.default_graph import get_default_graph

    variables, updates = None, None
    if mode == "train":
        optimizer.iterations = get_or_create_global_step()
        variables = get_default_graph().get_collection(GraphKeys.TRAINABLE_VARIABLES)
        updates = get_default_graph().get_collection(GraphKeys.UPDATE_OPS)
    return head.create_estimator_spec(
        features=features,
        mode=mode,
        labels=labels,
        optimizer=optimizer,
        trainable_variables=variables,
        update_ops=updates,
        logits=logits,
    )


@estimator_export("LinearClassifier", v1_only=True)
class LinearClassifier(Estimator):
    """A classifier whose logits are weighted sums of the features (1.x: the loss is summed over a batch)."""

    def __init__(self, feature_columns: Any, model_dir: Any = None, n_classes: int = 2, weight_column: Any = None, label_vocabulary: Any = None, optimizer: Any = "Ftrl",
                 config: Any = None, partitioner: Any = None, warm_start_from: Any = None, loss_reduction: Any = "weighted_sum", sparse_combiner: str = "sum"):  # fmt: skip
        columns = columns_checked(feature_columns, "feature_columns")
        head = class_head(n_classes, weight_column, label_vocabulary, loss_reduction, False)
        super().__init__(
            _model_fn_v1(head, columns, optimizer, partitioner, sparse_combiner),
            model_dir=model_dir,
            config=config,
            warm_start_from=warm_start_from,
        )


@estimator_export("LinearClassifier", v2_only=True)
class LinearClassifierV2(EstimatorV2):
    """A classifier whose logits are weighted sums of the features.

    >>> tf.estimator.LinearClassifier([tf.feature_column.numeric_column("age")]).train(input_fn, steps=100)
    """

    def __init__(self, feature_columns: Any, model_dir: Any = None, n_classes: int = 2, weight_column: Any = None, label_vocabulary: Any = None, optimizer: Any = "Ftrl",
                 config: Any = None, warm_start_from: Any = None, loss_reduction: Any = "sum_over_batch_size", sparse_combiner: str = "sum"):  # fmt: skip
        columns = columns_checked(feature_columns, "feature_columns")
        head = class_head(n_classes, weight_column, label_vocabulary, loss_reduction, True)
        super().__init__(
            _model_fn_v2(head, columns, optimizer, sparse_combiner),
            model_dir=model_dir,
            config=config,
            warm_start_from=warm_start_from,
        )


@estimator_export("LinearRegressor", v1_only=True)
class LinearRegressor(Estimator):
    """A regressor whose values are weighted sums of the features (1.x: the loss is summed over a batch)."""

    def __init__(self, feature_columns: Any, model_dir: Any = None, label_dimension: int = 1, weight_column: Any = None, optimizer: Any = "Ftrl", config: Any = None,
                 partitioner: Any = None, warm_start_from: Any = None, loss_reduction: Any = "weighted_sum", sparse_combiner: str = "sum"):  # fmt: skip
        columns = columns_checked(feature_columns, "feature_columns")
        head = value_head(label_dimension, weight_column, loss_reduction, False)
        super().__init__(
            _model_fn_v1(head, columns, optimizer, partitioner, sparse_combiner),
            model_dir=model_dir,
            config=config,
            warm_start_from=warm_start_from,
        )


@estimator_export("LinearRegressor", v2_only=True)
class LinearRegressorV2(EstimatorV2):
    """A regressor whose values are weighted sums of the features."""

    def __init__(self, feature_columns: Any, model_dir: Any = None, label_dimension: int = 1, weight_column: Any = None, optimizer: Any = "Ftrl", config: Any = None,
                 warm_start_from: Any = None, loss_reduction: Any = "sum_over_batch_size", sparse_combiner: str = "sum"):  # fmt: skip
        columns = columns_checked(feature_columns, "feature_columns")
        head = value_head(label_dimension, weight_column, loss_reduction, True)
        super().__init__(
            _model_fn_v2(head, columns, optimizer, sparse_combiner),
            model_dir=model_dir,
            config=config,
            warm_start_from=warm_start_from,
        )


@estimator_export("LinearEstimator", v1_only=True)
class LinearEstimator(Estimator):
    """A linear model under a head of one's own (1.x)."""

    def __init__(self, head: Any, feature_columns: Any, model_dir: Any = None, optimizer: Any = "Ftrl", config: Any = None, partitioner: Any = None,
                 sparse_combiner: str = "sum", warm_start_from: Any = None):  # fmt: skip
        columns = columns_checked(feature_columns, "feature_columns")
        super().__init__(
            _model_fn_v1(head, columns, optimizer, partitioner, sparse_combiner),
            model_dir=model_dir,
            config=config,
            warm_start_from=warm_start_from,
        )


@estimator_export("LinearEstimator", v2_only=True)
class LinearEstimatorV2(EstimatorV2):
    """A linear model under a head of one's own."""

    def __init__(self, head: Any, feature_columns: Any, model_dir: Any = None, optimizer: Any = "Ftrl", config: Any = None, sparse_combiner: str = "sum",
                 warm_start_from: Any = None):  # fmt: skip
        columns = columns_checked(feature_columns, "feature_columns")
        super().__init__(
            _model_fn_v2(head, columns, optimizer, sparse_combiner),
            model_dir=model_dir,
            config=config,
            warm_start_from=warm_start_from,
        )
