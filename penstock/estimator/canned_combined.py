"""`tf.estimator.DNNLinearCombined*`: wide and deep models."""

from typing import Any

from penstock.estimator.canned_linear import linear_rate
from penstock.estimator.canned_models import (
    check_features,
    columns_checked,
    deep_logits,
    linear_logits,
    part_maker,
    summarize,
)
from penstock.estimator.canned_optimizers import new_optimizer, old_optimizer
from penstock.estimator.estimator import Estimator, EstimatorV2
from penstock.estimator.heads import class_head, value_head
from penstock.estimator.names import estimator_export
from penstock.fronts.default_graph import get_default_graph
from penstock.fronts.grouping import group
from penstock.ir import door
from penstock.ops.nn import relu
from penstock.state.collections import GraphKeys
from penstock.state.scopes import variable_scope
from penstock.train.global_step import get_global_step, get_or_create_global_step

_DNN_RATE, _LINEAR_RATE = 0.001, 0.005


class _Parts:
    """The arguments that all wide and deep models take."""

    def __init__(self, linear_columns: Any, linear_optimizer: Any, dnn_columns: Any, dnn_optimizer: Any, hidden_units: Any, activation_fn: Any, dropout: Any,
                 batch_norm: bool, combiner: str, partitioner: Any = None):  # fmt: skip
        self.linear = columns_checked(linear_columns, "linear_feature_columns")
        self.dnn = columns_checked(dnn_columns, "dnn_feature_columns")
        if not self.linear and not self.dnn:
            raise ValueError("Either linear_feature_columns or dnn_feature_columns must be defined.")
        if self.dnn and not hidden_units:
            raise ValueError("dnn_hidden_units must be defined when dnn_feature_columns is specified.")
        self.linear_optimizer, self.dnn_optimizer, self.hidden_units, self.activation_fn = (
            linear_optimizer,
            dnn_optimizer,
            hidden_units,
            activation_fn,
        )
        self.dropout, self.batch_norm, self.combiner, self.partitioner = dropout, batch_norm, combiner, partitioner


def _logits(p: _Parts, head: Any, features: Any, mode: Any, config: Any, v2: bool) -> Any:
    deep = linear = None
    inputs = p.partitioner or part_maker(config, v2, 64 << 20)
    if p.dnn:
        with variable_scope("dnn", partitioner=part_maker(config, v2), use_resource=True):
            deep = deep_logits(
                features,
                mode,
                head.logits_dimension,
                p.hidden_units,
                p.dnn,
                p.activation_fn,
                p.dropout,
                p.batch_norm,
                v2,
                inputs,
            )
    if p.linear:
        with variable_scope("linear", partitioner=inputs, use_resource=True):
            linear = linear_logits(features, head.logits_dimension, p.linear, p.combiner, v2)
        summarize(linear, "linear" if v2 else "linear/linear")
    return deep + linear if deep is not None and linear is not None else deep if deep is not None else linear


def _model_fn_v1(head: Any, p: _Parts) -> Any:
    def model_fn(features: Any, labels: Any, mode: Any, config: Any) -> Any:
        check_features(features)
        deep_optimizer = old_optimizer(p.dnn_optimizer, _DNN_RATE) if p.dnn else None
        linear_optimizer = old_optimizer(p.linear_optimizer, linear_rate(p.linear, _LINEAR_RATE)) if p.linear else None
        logits = _logits(p, head, features, mode, config, False)

        def train_op_fn(loss: Any) -> Any:
            ops = []
            step = get_global_step()
            for optimizer, scope in ((deep_optimizer, "dnn"), (linear_optimizer, "linear")):
                if optimizer is not None:
                    ops.append(
                        optimizer.minimize(
                            loss,
                            var_list=get_default_graph().get_collection(GraphKeys.TRAINABLE_VARIABLES, scope=scope),
                        )
                    )
            with door.current().control_dependencies([group(*ops)]):
                return group(step.assign_add(1))

        return head.create_estimator_spec(
            features=features, mode=mode, labels=labels, train_op_fn=train_op_fn, logits=logits
        )

    return model_fn


def _model_fn_v2(head: Any, p: _Parts) -> Any:
    def model_fn(features: Any, labels: Any, mode: Any, config: Any) -> Any:
        check_features(features)
        training = mode == "train"
        deep_optimizer = new_optimizer(p.dnn_optimizer, _DNN_RATE) if p.dnn and training else None
        linear_optimizer = (
            new_optimizer(p.linear_optimizer, linear_rate(p.linear, _LINEAR_RATE)) if p.linear and training else None
        )
        logits = _logits(p, head, features, mode, config, True)

        def train_op_fn(loss: Any) -> Any:
            ops: list[Any] = []
            graph = get_default_graph()
            (deep_optimizer or linear_optimizer).iterations = get_or_create_global_step()
            for optimizer, scope in ((deep_optimizer, "dnn/"), (linear_optimizer, "linear/")):
                if optimizer is not None:
                    ops += optimizer.get_updates(loss, graph.get_collection(GraphKeys.TRAINABLE_VARIABLES, scope=scope))
            return group(*ops)

        updates = get_default_graph().get_collection(GraphKeys.UPDATE_OPS) if training else None
        return head.create_estimator_spec(
            features=features, mode=mode, labels=labels, train_op_fn=train_op_fn, update_ops=updates, logits=logits
        )

    return model_fn


@estimator_export("DNNLinearCombinedClassifier", v1_only=True)
class DNNLinearCombinedClassifier(Estimator):
    """A wide and deep classifier (1.x: the loss is summed over a batch)."""

    def __init__(self, model_dir: Any = None, linear_feature_columns: Any = None, linear_optimizer: Any = "Ftrl", dnn_feature_columns: Any = None,
                 dnn_optimizer: Any = "Adagrad", dnn_hidden_units: Any = None, dnn_activation_fn: Any = relu, dnn_dropout: Any = None, n_classes: int = 2,
                 weight_column: Any = None, label_vocabulary: Any = None, input_layer_partitioner: Any = None, config: Any = None, warm_start_from: Any = None,
                 loss_reduction: Any = "weighted_sum", batch_norm: bool = False, linear_sparse_combiner: str = "sum"):  # fmt: skip
        parts = _Parts(linear_feature_columns, linear_optimizer, dnn_feature_columns, dnn_optimizer, dnn_hidden_units, dnn_activation_fn, dnn_dropout, batch_norm,
                       linear_sparse_combiner, input_layer_partitioner)  # fmt: skip
        head = class_head(n_classes, weight_column, label_vocabulary, loss_reduction, False)
        super().__init__(_model_fn_v1(head, parts), model_dir=model_dir, config=config, warm_start_from=warm_start_from)


@estimator_export("DNNLinearCombinedClassifier", v2_only=True)
class DNNLinearCombinedClassifierV2(EstimatorV2):
    """A wide and deep classifier."""

    def __init__(self, model_dir: Any = None, linear_feature_columns: Any = None, linear_optimizer: Any = "Ftrl", dnn_feature_columns: Any = None,
                 dnn_optimizer: Any = "Adagrad", dnn_hidden_units: Any = None, dnn_activation_fn: Any = relu, dnn_dropout: Any = None, n_classes: int = 2,
                 weight_column: Any = None, label_vocabulary: Any = None, config: Any = None, warm_start_from: Any = None,
                 loss_reduction: Any = "sum_over_batch_size", batch_norm: bool = False, linear_sparse_combiner: str = "sum"):  # fmt: skip
        parts = _Parts(linear_feature_columns, linear_optimizer, dnn_feature_columns, dnn_optimizer, dnn_hidden_units, dnn_activation_fn, dnn_dropout, batch_norm,
                       linear_sparse_combiner)  # fmt: skip
        head = class_head(n_classes, weight_column, label_vocabulary, loss_reduction, True)
        super().__init__(_model_fn_v2(head, parts), model_dir=model_dir, config=config, warm_start_from=warm_start_from)


@estimator_export("DNNLinearCombinedRegressor", v1_only=True)
class DNNLinearCombinedRegressor(Estimator):
    """A wide and deep regressor (1.x: the loss is summed over a batch)."""

    def __init__(self, model_dir: Any = None, linear_feature_columns: Any = None, linear_optimizer: Any = "Ftrl", dnn_feature_columns: Any = None,
                 dnn_optimizer: Any = "Adagrad", dnn_hidden_units: Any = None, dnn_activation_fn: Any = relu, dnn_dropout: Any = None, label_dimension: int = 1,
                 weight_column: Any = None, input_layer_partitioner: Any = None, config: Any = None, warm_start_from: Any = None,
                 loss_reduction: Any = "weighted_sum", batch_norm: bool = False, linear_sparse_combiner: str = "sum"):  # fmt: skip
        parts = _Parts(linear_feature_columns, linear_optimizer, dnn_feature_columns, dnn_optimizer, dnn_hidden_units, dnn_activation_fn, dnn_dropout, batch_norm,
                       linear_sparse_combiner, input_layer_partitioner)  # fmt: skip
        head = value_head(label_dimension, weight_column, loss_reduction, False)
        super().__init__(_model_fn_v1(head, parts), model_dir=model_dir, config=config, warm_start_from=warm_start_from)


@estimator_export("DNNLinearCombinedRegressor", v2_only=True)
class DNNLinearCombinedRegressorV2(EstimatorV2):
    """A wide and deep regressor."""

    def __init__(self, model_dir: Any = None, linear_feature_columns: Any = None, linear_optimizer: Any = "Ftrl", dnn_feature_columns: Any = None,
                 dnn_optimizer: Any = "Adagrad", dnn_hidden_units: Any = None, dnn_activation_fn: Any = relu, dnn_dropout: Any = None, label_dimension: int = 1,
                 weight_column: Any = None, config: Any = None, warm_start_from: Any = None, loss_reduction: Any = "sum_over_batch_size", batch_norm: bool = False,
                 linear_sparse_combiner: str = "sum"):  # fmt: skip
        parts = _Parts(linear_feature_columns, linear_optimizer, dnn_feature_columns, dnn_optimizer, dnn_hidden_units, dnn_activation_fn, dnn_dropout, batch_norm,
                       linear_sparse_combiner)  # fmt: skip
        head = value_head(label_dimension, weight_column, loss_reduction, True)
        super().__init__(_model_fn_v2(head, parts), model_dir=model_dir, config=config, warm_start_from=warm_start_from)


@estimator_export("DNNLinearCombinedEstimator", v1_only=True)
class DNNLinearCombinedEstimator(Estimator):
    """A wide and deep model under a head of one's own (1.x)."""

    def __init__(self, head: Any, model_dir: Any = None, linear_feature_columns: Any = None, linear_optimizer: Any = "Ftrl", dnn_feature_columns: Any = None,
                 dnn_optimizer: Any = "Adagrad", dnn_hidden_units: Any = None, dnn_activation_fn: Any = relu, dnn_dropout: Any = None,
                 input_layer_partitioner: Any = None, config: Any = None, batch_norm: bool = False, linear_sparse_combiner: str = "sum"):  # fmt: skip
        parts = _Parts(linear_feature_columns, linear_optimizer, dnn_feature_columns, dnn_optimizer, dnn_hidden_units, dnn_activation_fn, dnn_dropout, batch_norm,
                       linear_sparse_combiner, input_layer_partitioner)  # fmt: skip
        super().__init__(_model_fn_v1(head, parts), model_dir=model_dir, config=config)


@estimator_export("DNNLinearCombinedEstimator", v2_only=True)
class DNNLinearCombinedEstimatorV2(EstimatorV2):
    """A wide and deep model under a head of one's own."""

    def __init__(self, head: Any, model_dir: Any = None, linear_feature_columns: Any = None, linear_optimizer: Any = "Ftrl", dnn_feature_columns: Any = None,
                 dnn_optimizer: Any = "Adagrad", dnn_hidden_units: Any = None, dnn_activation_fn: Any = relu, dnn_dropout: Any = None, config: Any = None,
                 batch_norm: bool = False, linear_sparse_combiner: str = "sum"):  # fmt: skip
        parts = _Parts(linear_feature_columns, linear_optimizer, dnn_feature_columns, dnn_optimizer, dnn_hidden_units, dnn_activation_fn, dnn_dropout, batch_norm,
                       linear_sparse_combiner)  # fmt: skip
        super().__init__(_model_fn_v2(head, parts), model_dir=model_dir, config=config)
