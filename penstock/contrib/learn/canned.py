"""`tf.contrib.learn.DNNClassifier`, `LinearClassifier`, `DNNLinearCombinedClassifier` and the regressors."""

import math
from collections.abc import Callable
from typing import Any

import penstock.compat.v1 as tf
from penstock.contrib.layers.dense import fully_connected
from penstock.contrib.layers.feature_column_ops import input_from_feature_columns, weighted_sum_from_feature_columns
from penstock.contrib.layers.optimizers import optimize_loss
from penstock.contrib.learn.estimator import Estimator
from penstock.contrib.learn.heads import RegressionHead, class_head
from penstock.contrib.learn.model_fn import ESTIMATORS
from penstock.contrib.names import contrib
from penstock.estimator.canned_models import part_maker, summarize

_OPTIMIZERS = {"Adagrad": tf.train.AdagradOptimizer, "Adam": tf.train.AdamOptimizer, "Ftrl": tf.train.FtrlOptimizer, "Momentum": lambda r: tf.train.MomentumOptimizer(r, 0.9),
               "RMSProp": tf.train.RMSPropOptimizer, "SGD": tf.train.GradientDescentOptimizer}  # fmt: skip


class _Deep:
    """The net of dense layers in the scope "dnn"."""

    def __init__(self, hidden_units: Any, columns: Any, activation: Any, dropout: Any, rate: float, optimizer: Any):
        self.hidden, self.columns, self.activation, self.dropout = hidden_units, tuple(columns or ()), activation, dropout
        self.rate, self.optimizer = rate, optimizer or "Adagrad"

    def logits(self, features: Any, mode: str, n: int, config: Any) -> Any:
        with tf.variable_scope("dnn", partitioner=part_maker(config, False)):
            net = input_from_feature_columns(features, self.columns, weight_collections=["dnn"], scope="input_from_feature_columns")
            for i, width in enumerate(self.hidden):
                with tf.variable_scope(f"hiddenlayer_{i}") as scope:
                    net = fully_connected(net, width, activation_fn=self.activation, variables_collections=["dnn"], scope=scope)
                    if self.dropout is not None and mode == "train":
                        net = tf.nn.dropout(net, rate=self.dropout)
                summarize(net, f"dnn/hiddenlayer_{i}")
            with tf.variable_scope("logits") as scope:
                logits = fully_connected(net, n, activation_fn=None, variables_collections=["dnn"], scope=scope)
            summarize(logits, "dnn/logits")
            return logits


class _Wide:
    """The weighted sum of columns in the scope "linear"."""

    def __init__(self, columns: Any, optimizer: Any):
        self.columns = tuple(columns or ())
        self.rate, self.optimizer = min(0.2, 1.0 / math.sqrt(len(self.columns) or 1)), optimizer or "Ftrl"

    def logits(self, features: Any, mode: str, n: int, config: Any) -> Any:
        with tf.variable_scope("linear", partitioner=part_maker(config, False, 64 << 20)):
            return weighted_sum_from_feature_columns(features, self.columns, n, weight_collections=["linear"], scope=tf.get_variable_scope())[0]


def _model_fn(head: Any, deep: Any, wide: Any, clip: Any, joint_step: bool = True) -> Callable[..., Any]:
    def model_fn(features: Any, labels: Any, mode: str, config: Any) -> Any:
        features = features if isinstance(features, dict) else {"": features}
        parts = [(name, part) for name, part in (("dnn", deep), ("linear", wide)) if part is not None and part.columns]
        logits = sum((part.logits(features, mode, head.n_logits, config) for _, part in parts[1:]), parts[0][1].logits(features, mode, head.n_logits, config))

        def train_op_fn(loss: Any) -> Any:
            step, ops = tf.train.get_global_step(), []
            for name, part in parts:
                variables = tf.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES, scope=f"{name}/")
                if deep is None:
                    made = part.optimizer if isinstance(part.optimizer, tf.train.Optimizer) else None
                    made = made or (_OPTIMIZERS[part.optimizer](part.rate) if isinstance(part.optimizer, str) else part.optimizer())
                    grads = tf.gradients(loss, variables)
                    if clip:
                        grads, _ = tf.clip_by_global_norm(grads, clip)
                    return made.apply_gradients(zip(grads, variables), global_step=step)
                ops.append(optimize_loss(loss, step, part.rate, part.optimizer, clip_gradients=clip, variables=variables, name=name, summaries=[],
                                         increment_global_step=joint_step))  # fmt: skip
            trained = tf.group(*ops)
            if joint_step:
                return trained
            with tf.control_dependencies([trained]):
                return tf.assign_add(step, 1).op

        if len(parts) > 1 or deep is None:
            return head.ops(features, labels, mode, logits, train_op_fn)
        with tf.variable_scope("dnn", auxiliary_name_scope=False):
            return head.ops(features, labels, mode, logits, train_op_fn)

    return model_fn


def _columns_needed(feature_columns: Any) -> Any:
    if not feature_columns:
        raise ValueError(f"feature_columns must be defined, given: {feature_columns}")
    return feature_columns


class _Asks(Estimator):
    """One prediction at a time, unless `outputs` names several."""

    _head: Any

    def _start(self, head: Any, deep: Any, wide: Any, clip: Any, model_dir: Any, config: Any, engineer: Any, joint_step: bool = True) -> None:
        self._head = head
        made = _model_fn(head, deep, wide, clip, joint_step)
        Estimator.__init__(self, made, model_dir=model_dir, config=config, feature_engineering_fn=engineer)

    def _ask(self, key: str, x: Any, input_fn: Any, batch_size: Any, as_iterable: bool) -> Any:
        found = Estimator.predict(self, x=x, input_fn=input_fn, batch_size=batch_size, outputs=[key], as_iterable=as_iterable)
        return (one[key] for one in found) if as_iterable else found[key]

    def predict(self, x: Any = None, input_fn: Any = None, batch_size: Any = None, outputs: Any = None, as_iterable: bool = True) -> Any:
        """The classes (or scores), or a dict of the `outputs` named."""
        if outputs:
            return Estimator.predict(self, x=x, input_fn=input_fn, batch_size=batch_size, outputs=outputs, as_iterable=as_iterable)
        return self._ask(self._head.first, x, input_fn, batch_size, as_iterable)


class _Classifies(_Asks):
    def predict_classes(self, x: Any = None, input_fn: Any = None, batch_size: Any = None, as_iterable: bool = True) -> Any:
        """The class of each example."""
        return self._ask("classes", x, input_fn, batch_size, as_iterable)

    def predict_proba(self, x: Any = None, input_fn: Any = None, batch_size: Any = None, as_iterable: bool = True) -> Any:
        """The probability of every class, for each example."""
        return self._ask("probabilities", x, input_fn, batch_size, as_iterable)


class _Regresses(_Asks):
    def predict_scores(self, x: Any = None, input_fn: Any = None, batch_size: Any = None, as_iterable: bool = True) -> Any:
        """The predicted numbers."""
        return self._ask("scores", x, input_fn, batch_size, as_iterable)


@contrib("learn.DNNClassifier", ESTIMATORS + "dnn.DNNClassifier")
class DNNClassifier(_Classifies):
    """A classifier of dense layers."""

    def __init__(self, hidden_units: Any, feature_columns: Any, model_dir: Any = None, n_classes: int = 2, weight_column_name: Any = None, optimizer: Any = None,
                 activation_fn: Any = tf.nn.relu, dropout: Any = None, gradient_clip_norm: Any = None, config: Any = None, feature_engineering_fn: Any = None):  # fmt: skip
        deep = _Deep(hidden_units, _columns_needed(feature_columns), activation_fn, dropout, 0.05, optimizer)
        self._start(class_head(n_classes, weight_column_name), deep, None, gradient_clip_norm, model_dir, config, feature_engineering_fn)


@contrib("learn.DNNRegressor", ESTIMATORS + "dnn.DNNRegressor")
class DNNRegressor(_Regresses):
    """A regressor of dense layers."""

    def __init__(self, hidden_units: Any, feature_columns: Any, model_dir: Any = None, weight_column_name: Any = None, optimizer: Any = None,
                 activation_fn: Any = tf.nn.relu, dropout: Any = None, gradient_clip_norm: Any = None, config: Any = None, feature_engineering_fn: Any = None,
                 label_dimension: int = 1):  # fmt: skip
        deep = _Deep(hidden_units, _columns_needed(feature_columns), activation_fn, dropout, 0.05, optimizer)
        self._start(RegressionHead(label_dimension, weight_column_name), deep, None, gradient_clip_norm, model_dir, config, feature_engineering_fn)


@contrib("learn.LinearClassifier", ESTIMATORS + "linear.LinearClassifier")
class LinearClassifier(_Classifies):
    """A classifier whose logits are weighted sums of the features."""

    def __init__(self, feature_columns: Any, model_dir: Any = None, n_classes: int = 2, weight_column_name: Any = None, optimizer: Any = None,
                 gradient_clip_norm: Any = None, config: Any = None, feature_engineering_fn: Any = None):  # fmt: skip
        wide = _Wide(_columns_needed(feature_columns), optimizer)
        self._start(class_head(n_classes, weight_column_name), None, wide, gradient_clip_norm, model_dir, config, feature_engineering_fn)


@contrib("learn.LinearRegressor", ESTIMATORS + "linear.LinearRegressor")
class LinearRegressor(_Regresses):
    """A regressor whose values are weighted sums of the features."""

    def __init__(self, feature_columns: Any, model_dir: Any = None, weight_column_name: Any = None, optimizer: Any = None, gradient_clip_norm: Any = None,
                 label_dimension: int = 1, config: Any = None, feature_engineering_fn: Any = None):  # fmt: skip
        wide = _Wide(_columns_needed(feature_columns), optimizer)
        self._start(RegressionHead(label_dimension, weight_column_name), None, wide, gradient_clip_norm, model_dir, config, feature_engineering_fn)


def _both(linear: Any, linear_optimizer: Any, dnn: Any, dnn_optimizer: Any, units: Any, activation: Any, dropout: Any) -> tuple[Any, Any]:
    if not linear and not dnn:
        raise ValueError("Either linear_feature_columns or dnn_feature_columns must be defined.")
    if dnn and not units:
        raise ValueError("dnn_hidden_units must be defined when dnn_feature_columns is specified.")
    return _Deep(units, dnn, activation, dropout, 0.05, dnn_optimizer), _Wide(linear, linear_optimizer)


@contrib("learn.DNNLinearCombinedClassifier", ESTIMATORS + "dnn_linear_combined.DNNLinearCombinedClassifier")
class DNNLinearCombinedClassifier(_Classifies):
    """A wide and deep classifier."""

    def __init__(self, model_dir: Any = None, n_classes: int = 2, weight_column_name: Any = None, linear_feature_columns: Any = None, linear_optimizer: Any = None,
                 dnn_feature_columns: Any = None, dnn_optimizer: Any = None, dnn_hidden_units: Any = None, dnn_activation_fn: Any = tf.nn.relu,
                 dnn_dropout: Any = None, gradient_clip_norm: Any = None, config: Any = None, feature_engineering_fn: Any = None,
                 fix_global_step_increment_bug: bool = False):  # fmt: skip
        deep, wide = _both(linear_feature_columns, linear_optimizer, dnn_feature_columns, dnn_optimizer, dnn_hidden_units, dnn_activation_fn, dnn_dropout)
        self._start(class_head(n_classes, weight_column_name), deep, wide, gradient_clip_norm, model_dir, config, feature_engineering_fn,
                    not fix_global_step_increment_bug)  # fmt: skip


@contrib("learn.DNNLinearCombinedRegressor", ESTIMATORS + "dnn_linear_combined.DNNLinearCombinedRegressor")
class DNNLinearCombinedRegressor(_Regresses):
    """A wide and deep regressor."""

    def __init__(self, model_dir: Any = None, weight_column_name: Any = None, linear_feature_columns: Any = None, linear_optimizer: Any = None,
                 dnn_feature_columns: Any = None, dnn_optimizer: Any = None, dnn_hidden_units: Any = None, dnn_activation_fn: Any = tf.nn.relu,
                 dnn_dropout: Any = None, gradient_clip_norm: Any = None, label_dimension: int = 1, config: Any = None, feature_engineering_fn: Any = None,
                 fix_global_step_increment_bug: bool = False):  # fmt: skip
        deep, wide = _both(linear_feature_columns, linear_optimizer, dnn_feature_columns, dnn_optimizer, dnn_hidden_units, dnn_activation_fn, dnn_dropout)
        self._start(RegressionHead(label_dimension, weight_column_name), deep, wide, gradient_clip_norm, model_dir, config, feature_engineering_fn,
                    not fix_global_step_increment_bug)  # fmt: skip
