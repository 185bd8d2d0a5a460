"""`tf.estimator.BoostedTreesClassifier`, `BoostedTreesRegressor`, and their training in memory."""

import math
from typing import Any

from penstock.base.export import export
from penstock.estimator.boosted_trees import ExplainedBoostedTrees, TreeParams, binary_closed_form
from penstock.estimator.heads import class_head, value_head
from penstock.estimator.names import estimator_export

_DEFAULT = object()


@estimator_export("BoostedTreesClassifier")
class BoostedTreesClassifier(ExplainedBoostedTrees):
    """A classifier of two classes that adds up trees.

    >>> age = tf.feature_column.bucketized_column(tf.feature_column.numeric_column("age"), [18, 40, 65])
    >>> tf.estimator.BoostedTreesClassifier([age], n_batches_per_layer=1, n_trees=50).train(input_fn)
    """

    def __init__(self, feature_columns: Any, n_batches_per_layer: int, model_dir: Any = None, n_classes: Any = _DEFAULT, weight_column: Any = None,
                 label_vocabulary: Any = None, n_trees: int = 100, max_depth: int = 6, learning_rate: float = 0.1, l1_regularization: float = 0.0,
                 l2_regularization: float = 0.0, tree_complexity: float = 0.0, min_node_weight: float = 0.0, config: Any = None, center_bias: bool = False,
                 pruning_mode: str = "none", quantile_sketch_epsilon: float = 0.01, train_in_memory: bool = False):  # fmt: skip
        n_classes = 2 if n_classes is _DEFAULT else n_classes
        if n_classes != 2:
            raise ValueError(f"For now pruning is not supported with multi class: n_classes must be 2, got {n_classes}.")
        head = class_head(2, weight_column, label_vocabulary, "weighted_sum_over_batch_size", False)
        params = TreeParams(n_trees, max_depth, learning_rate, l1_regularization, l2_regularization, tree_complexity, min_node_weight, center_bias, pruning_mode,
                            quantile_sketch_epsilon)  # fmt: skip
        closed_form = binary_closed_form(head) if weight_column is None else None
        super().__init__(feature_columns, head, model_dir, config, params, n_batches_per_layer, closed_form, weight_column, train_in_memory)

    def _inverse_link(self, logit: Any) -> Any:
        return 1 / (1 + math.exp(-logit))


@estimator_export("BoostedTreesRegressor")
class BoostedTreesRegressor(ExplainedBoostedTrees):
    """A regressor that adds up trees."""

    def __init__(self, feature_columns: Any, n_batches_per_layer: int, model_dir: Any = None, label_dimension: Any = _DEFAULT, weight_column: Any = None,
                 n_trees: int = 100, max_depth: int = 6, learning_rate: float = 0.1, l1_regularization: float = 0.0, l2_regularization: float = 0.0,
                 tree_complexity: float = 0.0, min_node_weight: float = 0.0, config: Any = None, center_bias: bool = False, pruning_mode: str = "none",
                 quantile_sketch_epsilon: float = 0.01, train_in_memory: bool = False):  # fmt: skip
        label_dimension = 1 if label_dimension is _DEFAULT else label_dimension
        if label_dimension != 1:
            raise ValueError(f"For now pruning is not supported with multi-dimension regression: label_dimension must be 1, got {label_dimension}.")
        head = value_head(1, weight_column, "weighted_sum_over_batch_size", False)
        params = TreeParams(n_trees, max_depth, learning_rate, l1_regularization, l2_regularization, tree_complexity, min_node_weight, center_bias, pruning_mode,
                            quantile_sketch_epsilon)  # fmt: skip
        super().__init__(feature_columns, head, model_dir, config, params, n_batches_per_layer, None, weight_column, train_in_memory)

    def _inverse_link(self, logit: Any) -> Any:
        return logit


def _repeated(input_fn: Any) -> Any:
    """The one batch of an input function again and again."""

    def made() -> Any:
        from penstock.data.dataset import DatasetV2

        found = input_fn()
        return found.repeat() if isinstance(found, DatasetV2) else found

    return made


@export(v1=("contrib.estimator.boosted_trees_classifier_train_in_memory",))
def boosted_trees_classifier_train_in_memory(
    train_input_fn: Any, feature_columns: Any, model_dir: Any = None, n_classes: Any = _DEFAULT, weight_column: Any = None, label_vocabulary: Any = None,
    n_trees: int = 100, max_depth: int = 6, learning_rate: float = 0.1, l1_regularization: float = 0.0, l2_regularization: float = 0.0,
    tree_complexity: float = 0.0, min_node_weight: float = 0.0, config: Any = None, train_hooks: Any = None, center_bias: bool = False,
    pruning_mode: str = "none", quantile_sketch_epsilon: float = 0.01,
) -> Any:  # fmt: skip
    """A trained classifier; `train_input_fn` gives all examples as one batch."""
    made = BoostedTreesClassifier(
        feature_columns, 1, model_dir, n_classes, weight_column, label_vocabulary, n_trees, max_depth, learning_rate, l1_regularization, l2_regularization,
        tree_complexity, min_node_weight, config, center_bias, pruning_mode, quantile_sketch_epsilon, train_in_memory=True,
    )  # fmt: skip
    made.train(_repeated(train_input_fn), hooks=train_hooks)
    return made


@export(v1=("contrib.estimator.boosted_trees_regressor_train_in_memory",))
def boosted_trees_regressor_train_in_memory(
    train_input_fn: Any, feature_columns: Any, model_dir: Any = None, label_dimension: Any = _DEFAULT, weight_column: Any = None, n_trees: int = 100,
    max_depth: int = 6, learning_rate: float = 0.1, l1_regularization: float = 0.0, l2_regularization: float = 0.0, tree_complexity: float = 0.0,
    min_node_weight: float = 0.0, config: Any = None, train_hooks: Any = None, center_bias: bool = False, pruning_mode: str = "none",
    quantile_sketch_epsilon: float = 0.01,
) -> Any:  # fmt: skip
    """A trained regressor; `train_input_fn` gives all examples as one batch."""
    made = BoostedTreesRegressor(
        feature_columns, 1, model_dir, label_dimension, weight_column, n_trees, max_depth, learning_rate, l1_regularization, l2_regularization,
        tree_complexity, min_node_weight, config, center_bias, pruning_mode, quantile_sketch_epsilon, train_in_memory=True,
    )  # fmt: skip
    made.train(_repeated(train_input_fn), hooks=train_hooks)
    return made
