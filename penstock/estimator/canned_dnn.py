"""`tf.estimator.DNNClassifier`, `DNNRegressor`, `DNNEstimator`."""

from typing import Any

from penstock.estimator.canned_linear import spec_v2
from penstock.estimator.canned_models import check_features, columns_checked, deep_logits, part_maker
from penstock.estimator.canned_optimizers import new_optimizer, old_optimizer
from penstock.estimator.estimator import Estimator, EstimatorV2
from penstock.estimator.heads import class_head, value_head
from penstock.estimator.names import estimator_export
from penstock.ops.nn import relu
from penstock.state.scopes import variable_scope

_RATE = 0.05


def _model_fn_v1(
    head: Any,
    hidden_units: Any,
    columns: Any,
    optimizer: Any,
    activation_fn: Any,
    dropout: Any,
    partitioner: Any,
    batch_norm: bool,
) -> Any:
    def model_fn(features: Any, labels: Any, mode: Any, config: Any) -> Any:
        check_features(features)
        chosen = old_optimizer(optimizer, _RATE)
        inputs = partitioner or part_maker(config, False, 64 << 20)
        with variable_scope("dnn", partitioner=part_maker(config, False), use_resource=True):
            logits = deep_logits(
                features,
                mode,
                head.logits_dimension,
                hidden_units,
                columns,
                activation_fn,
                dropout,
                batch_norm,
                False,
                inputs,
            )
            return head.create_estimator_spec(
                features=features, mode=mode, labels=labels, optimizer=chosen, logits=logits
            )

    return model_fn


def _model_fn_v2(
    head: Any, hidden_units: Any, columns: Any, optimizer: Any, activation_fn: Any, dropout: Any, batch_norm: bool
) -> Any:
    def model_fn(features: Any, labels: Any, mode: Any, config: Any) -> Any:
        check_features(features)
        chosen = new_optimizer(optimizer, None) if mode == "train" else None
        with variable_scope("dnn", use_resource=True):
            logits = deep_logits(
                features, mode, head.logits_dimension, hidden_units, columns, activation_fn, dropout, batch_norm, True
            )
        return spec_v2(head, features, mode, labels, chosen, logits)

    return model_fn


@estimator_export("DNNClassifier", v1_only=True)
class DNNClassifier(Estimator):
    """A classifier of dense layers (1.x: the loss is summed over a batch)."""

    def __init__(self, hidden_units: Any, feature_columns: Any, model_dir: Any = None, n_classes: int = 2, weight_column: Any = None, label_vocabulary: Any = None,
                 optimizer: Any = "Adagrad", activation_fn: Any = relu, dropout: Any = None, input_layer_partitioner: Any = None, config: Any = None,
                 warm_start_from: Any = None, loss_reduction: Any = "weighted_sum", batch_norm: bool = False):  # fmt: skip
        columns, head = (
            columns_checked(feature_columns, "feature_columns"),
            class_head(n_classes, weight_column, label_vocabulary, loss_reduction, False),
        )
        made = _model_fn_v1(
            head, hidden_units, columns, optimizer, activation_fn, dropout, input_layer_partitioner, batch_norm
        )
        super().__init__(made, model_dir=model_dir, config=config, warm_start_from=warm_start_from)


@estimator_export("DNNClassifier", v2_only=True)
class DNNClassifierV2(EstimatorV2):
    """A classifier of dense layers.

    >>> tf.estimator.DNNClassifier([32, 16], [tf.feature_column.numeric_column("age")]).train(input_fn, steps=100)
    """

    def __init__(self, hidden_units: Any, feature_columns: Any, model_dir: Any = None, n_classes: int = 2, weight_column: Any = None, label_vocabulary: Any = None,
                 optimizer: Any = "Adagrad", activation_fn: Any = relu, dropout: Any = None, config: Any = None, warm_start_from: Any = None,
                 loss_reduction: Any = "sum_over_batch_size", batch_norm: bool = False):  # fmt: skip
        columns, head = (
            columns_checked(feature_columns, "feature_columns"),
            class_head(n_classes, weight_column, label_vocabulary, loss_reduction, True),
        )
        super().__init__(_model_fn_v2(head, hidden_units, columns, optimizer, activation_fn, dropout, batch_norm), model_dir=model_dir, config=config,
                         warm_start_from=warm_start_from)  # fmt: skip


@estimator_export("DNNRegressor", v1_only=True)
class DNNRegressor(Estimator):
    """A regressor of dense layers (1.x: the loss is summed over a batch)."""

    def __init__(self, hidden_units: Any, feature_columns: Any, model_dir: Any = None, label_dimension: int = 1, weight_column: Any = None, optimizer: Any = "Adagrad",
                 activation_fn: Any = relu, dropout: Any = None, input_layer_partitioner: Any = None, config: Any = None, warm_start_from: Any = None,
                 loss_reduction: Any = "weighted_sum", batch_norm: bool = False):  # fmt: skip
        columns, head = (
            columns_checked(feature_columns, "feature_columns"),
            value_head(label_dimension, weight_column, loss_reduction, False),
        )
        made = _model_fn_v1(
            head, hidden_units, columns, optimizer, activation_fn, dropout, input_layer_partitioner, batch_norm
        )
        super().__init__(made, model_dir=model_dir, config=config, warm_start_from=warm_start_from)


@estimator_export("DNNRegressor", v2_only=True)
class DNNRegressorV2(EstimatorV2):
    """A regressor of dense layers."""

    def __init__(self, hidden_units: Any, feature_columns: Any, model_dir: Any = None, label_dimension: int = 1, weight_column: Any = None, optimizer: Any = "Adagrad",
                 activation_fn: Any = relu, dropout: Any = None, config: Any = None, warm_start_from: Any = None, loss_reduction: Any = "sum_over_batch_size",
                 batch_norm: bool = False):  # fmt: skip
        columns, head = (
            columns_checked(feature_columns, "feature_columns"),
            value_head(label_dimension, weight_column, loss_reduction, True),
        )
        super().__init__(_model_fn_v2(head, hidden_units, columns, optimizer, activation_fn, dropout, batch_norm), model_dir=model_dir, config=config,
                         warm_start_from=warm_start_from)  # fmt: skip


@estimator_export("DNNEstimator", v1_only=True)
class DNNEstimator(Estimator):
    """A net of dense layers under a head of one's own (1.x)."""

    def __init__(self, head: Any, hidden_units: Any, feature_columns: Any, model_dir: Any = None, optimizer: Any = "Adagrad", activation_fn: Any = relu,
                 dropout: Any = None, input_layer_partitioner: Any = None, config: Any = None, warm_start_from: Any = None, batch_norm: bool = False):  # fmt: skip
        columns = columns_checked(feature_columns, "feature_columns")
        made = _model_fn_v1(
            head, hidden_units, columns, optimizer, activation_fn, dropout, input_layer_partitioner, batch_norm
        )
        super().__init__(made, model_dir=model_dir, config=config, warm_start_from=warm_start_from)


@estimator_export("DNNEstimator", v2_only=True)
class DNNEstimatorV2(EstimatorV2):
    """A net of dense layers under a head of one's own."""

    def __init__(self, head: Any, hidden_units: Any, feature_columns: Any, model_dir: Any = None, optimizer: Any = "Adagrad", activation_fn: Any = relu,
                 dropout: Any = None, config: Any = None, warm_start_from: Any = None, batch_norm: bool = False):  # fmt: skip
        columns = columns_checked(feature_columns, "feature_columns")
        super().__init__(_model_fn_v2(head, hidden_units, columns, optimizer, activation_fn, dropout, batch_norm), model_dir=model_dir, config=config,
                         warm_start_from=warm_start_from)  # fmt: skip
