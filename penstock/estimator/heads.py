"""`tf.estimator.*Head`: from logits to predictions, loss, metrics and the training op."""

import contextlib
from typing import Any

import numpy as np

from penstock.base import dtypes
from penstock.estimator import model_fn
from penstock.estimator.export_output import ClassificationOutput, PredictOutput, RegressionOutput
from penstock.estimator.head_labels import (
    check_dense_labels,
    check_integer_range,
    check_logits,
    check_weight_column,
    fit_labels,
    look_up_labels,
    weights_of,
)
from penstock.estimator.mode_keys import ModeKeys
from penstock.estimator.names import estimator_export
from penstock.fronts.grouping import group
from penstock.ir import door
from penstock.ir.op import find
from penstock.ir.scope import name_scope
from penstock.ops.arithmetic import add_n
from penstock.ops.nn import softmax
from penstock.ops.nn_losses import log_poisson_loss
from penstock.ops.summaries import scalar
from penstock.ops.weighted_losses import compute_weighted_loss
from penstock.train import metrics, metrics_thresholds
from penstock.train.global_step import get_global_step

DEFAULT_SERVING_KEY = model_fn.DEFAULT_SERVING_SIGNATURE_DEF_KEY
_REDUCTIONS = {
    "sum": "weighted_sum", "sum_over_batch_size": "weighted_sum_over_batch_size", "auto": "weighted_sum_over_batch_size",
    "weighted_sum": "weighted_sum", "weighted_mean": "weighted_mean", "weighted_sum_over_batch_size": "weighted_sum_over_batch_size",
    "weighted_sum_by_nonzero_weights": "weighted_sum_by_nonzero_weights",
}  # fmt: skip


def reduction_of(loss_reduction: Any, v2: bool) -> str:
    """The reduction of a loss by either API's name; ValueError for none."""
    allowed = (
        ("sum", "sum_over_batch_size", "auto") if v2 else tuple(k for k in _REDUCTIONS if k.startswith("weighted"))
    )
    text = getattr(loss_reduction, "value", loss_reduction)
    if text not in allowed and text not in _REDUCTIONS:
        raise ValueError(f"Invalid loss_reduction: {loss_reduction}. Valid reductions are {', '.join(allowed)}.")
    return _REDUCTIONS[text]


@estimator_export("Head")
class Head:
    """What stands between a model's logits and its EstimatorSpec."""

    _v2 = True
    name: str | None = None
    logits_dimension = 1
    loss_reduction: Any = "sum_over_batch_size"

    def _set(self, name: str | None, weight_column: Any, loss_reduction: Any) -> None:
        check_weight_column(weight_column)
        self.name, self._weight_column, self.loss_reduction = name, weight_column, loss_reduction
        self._reduction = reduction_of(loss_reduction, self._v2)

    def _key(self, key: str) -> str:
        return f"{key}/{self.name}" if self.name else key

    # -- what each head says of itself ---------------------------------------------------------------------------------
    def _labels(self, labels: Any, logits: Any) -> Any:
        raise NotImplementedError

    def _unweighted(self, labels: Any, logits: Any) -> Any:
        raise NotImplementedError

    def predictions(self, logits: Any, keys: Any = None) -> dict[str, Any]:
        """The predictions of the logits by key."""
        raise NotImplementedError

    def _eval_ops(self, features: Any, logits: Any, labels: Any, weights: Any, unweighted: Any) -> dict[str, Any]:
        raise NotImplementedError

    def _export(self, predictions: dict[str, Any]) -> dict[str, Any]:
        raise NotImplementedError

    # -- losses ----------------------------------------------------------------------------------------------------------
    def _losses(self, labels: Any, logits: Any, features: Any) -> tuple[Any, Any, Any, Any]:
        """(labels, unweighted loss, weights, training loss)."""
        with name_scope("losses") if self._v2 else contextlib.nullcontext():
            labels = self._labels(labels, logits)
            custom = getattr(self, "_loss_fn", None)
            unweighted = (
                call_loss_fn(custom, labels, logits, features, self._loss_dimension())
                if custom
                else self._unweighted(labels, logits)
            )
            weights = weights_of(features, self._weight_column, logits)
            return (
                labels,
                unweighted,
                weights,
                compute_weighted_loss(unweighted, weights=weights, reduction=self._reduction),
            )

    def _loss_dimension(self) -> int:
        return 1

    def loss(
        self, labels: Any, logits: Any, features: Any = None, mode: Any = None, regularization_losses: Any = None
    ) -> Any:
        """The training loss, regularisation included: a scalar."""
        logits = check_logits(logits, self.logits_dimension)
        loss = self._losses(labels, logits, features)[3]
        return loss if not regularization_losses else loss + add_n(list(regularization_losses))

    # -- the spec --------------------------------------------------------------------------------------------------------
    def create_estimator_spec(self, features: Any, mode: Any, logits: Any, labels: Any = None, optimizer: Any = None, trainable_variables: Any = None,
                              train_op_fn: Any = None, update_ops: Any = None, regularization_losses: Any = None) -> Any:  # fmt: skip
        """The EstimatorSpec of the logits: predictions, and what the mode needs besides."""
        with name_scope(self.name or "head"):
            with name_scope("predictions"):
                logits = check_logits(logits, self.logits_dimension)
                predictions = self.predictions(logits)
            if mode == ModeKeys.PREDICT:
                return model_fn.EstimatorSpec(
                    mode=mode, predictions=predictions, export_outputs=self._export(predictions)
                )
            if labels is None:
                raise ValueError("You must provide a labels Tensor. Given: None. Suggested troubleshooting steps: Check that your data contains your label feature. "
                                 "Check that your input_fn properly parses and returns labels.")  # fmt: skip
            labels, unweighted, weights, loss = self._losses(labels, logits, features)
            regular = add_n(list(regularization_losses)) if regularization_losses else None
            whole = loss if regular is None else loss + regular
            if mode == ModeKeys.EVAL:
                ops = self._eval_ops(features, logits, labels, weights, unweighted)
                if regular is not None:
                    ops[self._key("regularization_loss")] = metrics.mean(regular)
                return model_fn.EstimatorSpec(mode=mode, predictions=predictions, loss=whole, eval_metric_ops=ops)
            train_op = self._train_op(whole, optimizer, trainable_variables, train_op_fn, update_ops)
        self._summarize(whole, loss, regular, unweighted, weights)
        return model_fn.EstimatorSpec(mode=mode, predictions=predictions, loss=whole, train_op=train_op)

    def _train_op(self, loss: Any, optimizer: Any, variables: Any, train_op_fn: Any, update_ops: Any) -> Any:
        if optimizer is not None:
            if train_op_fn is not None:
                raise ValueError("train_op_fn and optimizer cannot both be set.")
            if hasattr(optimizer, "get_updates"):
                if not isinstance(variables, (list, tuple, set)):
                    raise ValueError(f"trainable_variables should be a list or a tuple. Given type: {type(variables)}")
                made = optimizer.get_updates(loss, list(variables))
                made = (
                    made[0]
                    if isinstance(made, list) and len(made) == 1
                    else group(*made)
                    if isinstance(made, list)
                    else made
                )
            else:
                made = optimizer.minimize(loss, global_step=get_global_step())
        elif train_op_fn is not None:
            made = train_op_fn(loss)
        else:
            raise ValueError("train_op_fn and optimizer cannot both be None.")
        from penstock.state.collections import GraphKeys

        updates = (
            list(update_ops)
            if update_ops is not None
            else door.current().get_collection(GraphKeys.UPDATE_OPS)
            if not self._v2
            else []
        )
        return group(made, *updates) if updates else made

    def _summarize(self, whole: Any, loss: Any, regular: Any, unweighted: Any, weights: Any) -> None:
        with name_scope(None):
            scalar(self._key("loss"), whole)
            if not self._v2 and self._reduction == "weighted_sum":
                total = _fill(unweighted, weights)
                scalar(self._key("average_loss"), find("DivNoNan")(find("Sum")(find("Mul")(unweighted, weights), find("Range")(0, find("Rank")(unweighted), 1)),
                                                                   find("Sum")(total, find("Range")(0, find("Rank")(total), 1))))  # fmt: skip
            if regular is not None:
                scalar(self._key("regularization_loss"), regular)


def call_loss_fn(loss_fn: Any, labels: Any, logits: Any, features: Any, dimension: int) -> Any:
    """A user's loss, [batch, dimension], checked."""
    from penstock.estimator.arguments import fn_args

    args = fn_args(loss_fn)
    given = {k: v for k, v in (("features", features), ("loss_reduction", "none")) if k in args}
    found = loss_fn(labels=labels, logits=logits, **given)
    if found.shape.rank is not None and (
        found.shape.rank != logits.shape.rank or found.shape.as_list()[-1] not in (dimension, None)
    ):
        raise ValueError(
            f"loss_fn must return Tensor of shape [D0, D1, ... DN, {dimension}]; it has shape {found.shape}"
        )
    return found


def mean(values: Any, weights: Any) -> Any:
    return metrics.mean(values, weights=weights)


def _fill(values: Any, weights: Any) -> Any:
    """Weights in the shape of the values, as averages over several columns need them."""
    return find("Mul")(find("OnesLike")(values), weights)


def _strings(values: Any, name: str | None = None) -> Any:
    return find("AsString")(values, name=name)


class _Classifier(Head):
    """What heads of one class an example share."""

    _vocabulary: Any = None
    n_classes = 2

    def _class_names(self) -> Any:
        if self._vocabulary is not None:
            return door.convert(
                np.array([str(v).encode() if not isinstance(v, bytes) else v for v in self._vocabulary], object)
            )
        return _strings(find("Range")(0, self.n_classes, 1))

    def _all_classes(self, logits: Any) -> dict[str, Any]:
        n = find("Shape")(logits)[0]
        ids = find("Tile")(find("ExpandDims")(find("Range")(0, self.n_classes, 1), 0), find("Pack")([n, 1], axis=0))
        names = find("Tile")(find("ExpandDims")(self._class_names(), 0), find("Pack")([n, 1], axis=0))
        return {"all_class_ids": ids, "all_classes": names}

    def _classes(self, ids: Any) -> Any:
        if self._vocabulary is None:
            return _strings(ids, name="str_classes")
        return find("GatherV2")(self._class_names(), ids, 0, name="class_string_lookup_Lookup")

    def _scores(self, predictions: dict[str, Any]) -> Any:
        n = find("Shape")(predictions["probabilities"])[0]
        names = find("Tile")(find("ExpandDims")(self._class_names(), 0), find("Pack")([n, 1], axis=0))
        return ClassificationOutput(scores=predictions["probabilities"], classes=names)


@estimator_export("BinaryClassHead")
class BinaryClassHead(_Classifier):
    """Two classes, one logit: sigmoid cross entropy."""

    def __init__(self, weight_column: Any = None, thresholds: Any = None, label_vocabulary: Any = None, loss_reduction: Any = "sum_over_batch_size",
                 loss_fn: Any = None, name: str | None = None):  # fmt: skip
        if label_vocabulary is not None and not isinstance(label_vocabulary, (list, tuple)):
            raise ValueError(f"label_vocabulary should be a list or a tuple. Given type: {type(label_vocabulary)}")
        for t in thresholds or ():
            if t <= 0.0 or t >= 1.0:
                raise ValueError(f"thresholds not in (0, 1): {tuple(thresholds)}.")
        self._thresholds, self._vocabulary, self._loss_fn = tuple(thresholds or ()), label_vocabulary, loss_fn
        self._set(name, weight_column, loss_reduction)

    def _labels(self, labels: Any, logits: Any) -> Any:
        labels = fit_labels(check_dense_labels(labels), logits, self.logits_dimension)
        labels = look_up_labels(labels, self._vocabulary)
        labels = find("Cast")(labels, DstT=dtypes.float32)
        return check_integer_range(labels, 2, "Labels must be <= n_classes - 1")

    def _unweighted(self, labels: Any, logits: Any) -> Any:
        from penstock.ops.nn_losses import sigmoid_cross_entropy_with_logits

        return sigmoid_cross_entropy_with_logits(labels=labels, logits=logits)

    def predictions(self, logits: Any, keys: Any = None) -> dict[str, Any]:
        logits = check_logits(logits, 1)
        logistic = find("Sigmoid")(logits, name="logistic")
        two = find("ConcatV2")([find("ZerosLike")(logits), logits], -1)
        probabilities = softmax(two, name="probabilities")
        ids = find("ExpandDims")(find("ArgMax")(two, -1), -1)
        found = {
            "logits": logits,
            "logistic": logistic,
            "probabilities": probabilities,
            "class_ids": ids,
            "classes": self._classes(ids),
            **self._all_classes(logits),
        }
        return {k: v for k, v in found.items() if keys is None or k in keys}

    def _eval_ops(self, features: Any, logits: Any, labels: Any, weights: Any, unweighted: Any) -> dict[str, Any]:
        found = self.predictions(logits)
        ids, logistic = found["class_ids"], found["logistic"]
        with name_scope("metrics"):
            made = {"average_loss": mean(unweighted, weights)}
            made["accuracy"] = metrics.accuracy(labels=labels, predictions=ids, weights=weights, name="accuracy")
            made["precision"] = metrics.precision(labels=labels, predictions=ids, weights=weights, name="precision")
            made["recall"] = metrics.recall(labels=labels, predictions=ids, weights=weights, name="recall")
            made["prediction/mean"] = metrics.mean(logistic, weights=weights, name="prediction/mean")
            made["label/mean"] = metrics.mean(labels, weights=weights, name="label/mean")
            made["accuracy_baseline"] = _baseline(made["label/mean"])
            made["auc"] = auc(labels, logistic, weights, "ROC", self._v2)
            made["auc_precision_recall"] = auc(labels, logistic, weights, "PR", self._v2)
            for t in self._thresholds:
                made[f"accuracy/positive_threshold_{t:g}"] = _accuracy_at(labels, logistic, weights, t)
                made[f"precision/positive_threshold_{t:g}"] = _first(
                    metrics_thresholds.precision_at_thresholds(
                        labels=labels, predictions=logistic, thresholds=(t,), weights=weights
                    )
                )
                made[f"recall/positive_threshold_{t:g}"] = _first(
                    metrics_thresholds.recall_at_thresholds(
                        labels=labels, predictions=logistic, thresholds=(t,), weights=weights
                    )
                )
        return {self._key(k): v for k, v in made.items()}

    def _export(self, predictions: dict[str, Any]) -> dict[str, Any]:
        scores = self._scores(predictions)
        return {
            DEFAULT_SERVING_KEY: scores,
            "classification": scores,
            "regression": RegressionOutput(value=predictions["logistic"]),
            "predict": PredictOutput(predictions),
        }


def _first(pair: Any) -> tuple[Any, Any]:
    value, update = pair
    return find("Squeeze")(value), find("Squeeze")(update)


def _accuracy_at(labels: Any, probabilities: Any, weights: Any, threshold: float) -> Any:
    above = find("Cast")(find("GreaterEqual")(probabilities, np.float32(threshold)), DstT=dtypes.float32)
    return metrics.accuracy(labels=labels, predictions=above, weights=weights)


def _baseline(label_mean: Any) -> tuple[Any, Any]:
    value, update = label_mean
    return find("Maximum")(value, find("Sub")(np.float32(1), value)), find("Maximum")(
        update, find("Sub")(np.float32(1), update)
    )


def auc(labels: Any, predictions: Any, weights: Any, curve: str, v2: bool) -> Any:
    """The area under the curve; the precision-recall curve of 2.x is interpolated carefully."""
    weights = _fill(predictions, weights) if not isinstance(weights, float) else weights
    return metrics_thresholds.auc(labels=labels, predictions=predictions, weights=weights, curve=curve,
                                  summation_method="careful_interpolation" if v2 and curve == "PR" else "trapezoidal", name="auc" if curve == "ROC" else "auc_precision_recall")  # fmt: skip


@estimator_export("MultiClassHead")
class MultiClassHead(_Classifier):
    """One of n_classes > 2 classes: softmax cross entropy."""

    def __init__(self, n_classes: int, weight_column: Any = None, label_vocabulary: Any = None, loss_reduction: Any = "sum_over_batch_size", loss_fn: Any = None,
                 name: str | None = None):  # fmt: skip
        if n_classes is None:
            raise ValueError("n_classes cannot be None")
        if label_vocabulary is not None and not isinstance(label_vocabulary, (list, tuple)):
            raise ValueError(f"label_vocabulary should be a list or a tuple. Given type: {type(label_vocabulary)}")
        self.n_classes = int(n_classes)
        if self.n_classes <= 2:
            raise ValueError(f"n_classes must be > 2: {self.n_classes}.")
        if label_vocabulary is not None and len(label_vocabulary) != self.n_classes:
            raise ValueError(
                f"Length of label_vocabulary must equal n_classes. Given length: {len(label_vocabulary)}, n_classes: {self.n_classes}"
            )
        self._vocabulary, self._loss_fn, self.logits_dimension = label_vocabulary, loss_fn, self.n_classes
        self._set(name, weight_column, loss_reduction)

    def _labels(self, labels: Any, logits: Any) -> Any:
        labels = fit_labels(check_dense_labels(labels), logits, 1)
        if self._vocabulary is None and not labels.dtype.is_integer:
            raise ValueError(f"Labels dtype should be integer. Instead got {labels.dtype}.")
        return check_integer_range(
            look_up_labels(labels, self._vocabulary), self.n_classes, "Label IDs must < n_classes"
        )

    def _unweighted(self, labels: Any, logits: Any) -> Any:
        from penstock.ops.weighted_losses import sparse_softmax_cross_entropy

        made = sparse_softmax_cross_entropy(
            labels=find("Squeeze")(labels, squeeze_dims=[-1]), logits=logits, reduction="none", loss_collection=None
        )
        return find("ExpandDims")(made, -1)

    def predictions(self, logits: Any, keys: Any = None) -> dict[str, Any]:
        logits = check_logits(logits, self.n_classes)
        ids = find("ExpandDims")(find("ArgMax")(logits, -1), -1)
        found = {
            "logits": logits,
            "probabilities": softmax(logits, name="probabilities"),
            "class_ids": ids,
            "classes": self._classes(ids),
            **self._all_classes(logits),
        }
        return {k: v for k, v in found.items() if keys is None or k in keys}

    def _eval_ops(self, features: Any, logits: Any, labels: Any, weights: Any, unweighted: Any) -> dict[str, Any]:
        ids = self.predictions(logits, ["class_ids"])["class_ids"]
        with name_scope("metrics"):
            made = {
                "average_loss": mean(unweighted, weights),
                "accuracy": metrics.accuracy(labels=labels, predictions=ids, weights=weights, name="accuracy"),
            }
        return {self._key(k): v for k, v in made.items()}

    def _export(self, predictions: dict[str, Any]) -> dict[str, Any]:
        scores = self._scores(predictions)
        return {DEFAULT_SERVING_KEY: scores, "classification": scores, "predict": PredictOutput(predictions)}


@estimator_export("MultiLabelHead")
class MultiLabelHead(_Classifier):
    """Any of n_classes classes an example: sigmoid cross entropy, averaged over the classes."""

    def __init__(self, n_classes: int, weight_column: Any = None, thresholds: Any = None, label_vocabulary: Any = None, loss_reduction: Any = "sum_over_batch_size",
                 loss_fn: Any = None, classes_for_class_based_metrics: Any = None, name: str | None = None):  # fmt: skip
        self.n_classes = int(n_classes)
        if self.n_classes < 2:
            raise ValueError(f"n_classes must be > 1 for multi-label classification. Given: {n_classes}")
        for t in thresholds or ():
            if t <= 0.0 or t >= 1.0:
                raise ValueError(f"thresholds must be in (0, 1) range. Given: {t}")
        if label_vocabulary is not None and len(label_vocabulary) != self.n_classes:
            raise ValueError(
                f"Length of label_vocabulary must equal n_classes. Given length: {len(label_vocabulary)}, n_classes: {self.n_classes}"
            )
        self._thresholds, self._vocabulary, self._loss_fn, self.logits_dimension = (
            tuple(thresholds or ()),
            label_vocabulary,
            loss_fn,
            self.n_classes,
        )
        self._class_ids: list[int] = []
        self._named = list(classes_for_class_based_metrics or [])
        for one in self._named:
            at = list(label_vocabulary).index(one) if isinstance(one, str) and label_vocabulary else one
            if not isinstance(at, (int, np.integer)) or not 0 <= at < self.n_classes:
                raise ValueError(
                    f"All classes_for_class_based_metrics must be in range [0, {self.n_classes - 1}]. Given: {one}"
                )
            self._class_ids.append(int(at))
        self._set(name, weight_column, loss_reduction)

    def _labels(self, labels: Any, logits: Any) -> Any:
        if hasattr(labels, "dense_shape"):
            ids = look_up_labels(labels.values, self._vocabulary)
            ids = find("Cast")(ids, DstT=dtypes.int64)
            rows = find("Cast")(labels.dense_shape, DstT=dtypes.int64)[0]
            places = find("Pack")(
                [labels.indices[:, 0], check_integer_range(ids, self.n_classes, "labels must be < n_classes")], axis=1
            )
            ones = find("Fill")(find("Shape")(ids), np.int64(1))
            made = find("ScatterNd")(places, ones, find("Pack")([rows, np.int64(self.n_classes)], axis=0))
            return find("Cast")(find("Greater")(made, np.int64(0)), DstT=dtypes.float32)
        labels = fit_labels(check_dense_labels(labels), logits, self.n_classes)
        if not labels.dtype.is_integer:
            raise ValueError(f"Labels dtype should be integer. Instead got {labels.dtype}.")
        return find("Cast")(
            check_integer_range(labels, 2, "labels must be an integer indicator Tensor with values in [0, 1]"),
            DstT=dtypes.float32,
        )

    def _unweighted(self, labels: Any, logits: Any) -> Any:
        from penstock.ops.nn_losses import sigmoid_cross_entropy_with_logits

        return find("Mean")(sigmoid_cross_entropy_with_logits(labels=labels, logits=logits), [-1], keep_dims=True)

    def predictions(self, logits: Any, keys: Any = None) -> dict[str, Any]:
        logits = check_logits(logits, self.n_classes)
        found = {"logits": logits, "probabilities": find("Sigmoid")(logits, name="probabilities")}
        if self._v2:
            found["classes"] = self._all_classes(logits)["all_classes"]
        return {k: v for k, v in found.items() if keys is None or k in keys}

    def _eval_ops(self, features: Any, logits: Any, labels: Any, weights: Any, unweighted: Any) -> dict[str, Any]:
        probabilities = find("Sigmoid")(logits)
        with name_scope("metrics"):
            made = {
                "average_loss": mean(unweighted, weights),
                "auc": auc(labels, probabilities, weights, "ROC", self._v2),
                "auc_precision_recall": auc(labels, probabilities, weights, "PR", self._v2),
            }
            wide = _fill(probabilities, weights)
            for t in self._thresholds:
                made[f"accuracy/positive_threshold_{t:g}"] = _accuracy_at(labels, probabilities, wide, t)
                made[f"precision/positive_threshold_{t:g}"] = _first(
                    metrics_thresholds.precision_at_thresholds(
                        labels=labels, predictions=probabilities, thresholds=(t,), weights=wide
                    )
                )
                made[f"recall/positive_threshold_{t:g}"] = _first(
                    metrics_thresholds.recall_at_thresholds(
                        labels=labels, predictions=probabilities, thresholds=(t,), weights=wide
                    )
                )
            for name, i in zip(self._named, self._class_ids):
                text = f"/{name}" if isinstance(name, str) else f"/class{name}"
                one, label = probabilities[..., i : i + 1], labels[..., i : i + 1]
                made[f"probability_mean{text}"] = mean(one, weights)
                made[f"auc{text}"] = auc(label, one, weights, "ROC", self._v2)
                made[f"auc_precision_recall{text}"] = auc(label, one, weights, "PR", self._v2)
        return {self._key(k): v for k, v in made.items()}

    def _export(self, predictions: dict[str, Any]) -> dict[str, Any]:
        scores = self._scores(predictions)
        return {DEFAULT_SERVING_KEY: scores, "classification": scores, "predict": PredictOutput(predictions)}


@estimator_export("RegressionHead")
class RegressionHead(Head):
    """Real values: mean squared error."""

    def __init__(self, label_dimension: int = 1, weight_column: Any = None, loss_reduction: Any = "sum_over_batch_size", loss_fn: Any = None,
                 inverse_link_fn: Any = None, name: str | None = None):  # fmt: skip
        if label_dimension < 1:
            raise ValueError(f"Invalid label_dimension {label_dimension}.")
        self.logits_dimension, self._loss_fn, self._inverse_link_fn = label_dimension, loss_fn, inverse_link_fn
        self._set(name, weight_column, loss_reduction)

    def _loss_dimension(self) -> int:
        return self.logits_dimension

    def _labels(self, labels: Any, logits: Any) -> Any:
        labels = fit_labels(check_dense_labels(labels), logits, self.logits_dimension)
        return find("Cast")(labels, DstT=dtypes.float32)

    def _unweighted(self, labels: Any, logits: Any) -> Any:
        return find("SquaredDifference")(labels, logits)

    def predictions(self, logits: Any, keys: Any = None) -> dict[str, Any]:
        logits = check_logits(logits, self.logits_dimension)
        if self._inverse_link_fn is not None:
            return {"predictions": self._inverse_link_fn(logits), "logits": logits}
        return {"predictions": logits}

    def _eval_ops(self, features: Any, logits: Any, labels: Any, weights: Any, unweighted: Any) -> dict[str, Any]:
        predicted = self.predictions(logits)["predictions"]
        with name_scope("metrics"):
            made = {"average_loss": mean(unweighted, weights), "prediction/mean": metrics.mean(predicted, weights=weights, name="prediction/mean"),
                    "label/mean": metrics.mean(labels, weights=weights, name="label/mean")}  # fmt: skip
        return {self._key(k): v for k, v in made.items()}

    def _export(self, predictions: dict[str, Any]) -> dict[str, Any]:
        value = RegressionOutput(value=predictions["predictions"])
        return {DEFAULT_SERVING_KEY: value, "regression": value, "predict": PredictOutput(predictions)}


@estimator_export("PoissonRegressionHead")
class PoissonRegressionHead(RegressionHead):
    """Counts: the loss of a Poisson distribution whose logarithm of the mean is the logit."""

    def __init__(self, label_dimension: int = 1, weight_column: Any = None, loss_reduction: Any = "sum_over_batch_size", compute_full_loss: bool = True,
                 name: str | None = None):  # fmt: skip
        self._full = compute_full_loss
        super().__init__(label_dimension=label_dimension, weight_column=weight_column, loss_reduction=loss_reduction,
                         inverse_link_fn=lambda x: find("Exp")(x), name=name)  # fmt: skip

    def _unweighted(self, labels: Any, logits: Any) -> Any:
        return log_poisson_loss(targets=labels, log_input=logits, compute_full_loss=self._full)


@estimator_export("LogisticRegressionHead")
class LogisticRegressionHead(RegressionHead):
    """Probabilities: sigmoid cross entropy with labels in [0, 1]."""

    def __init__(self, weight_column: Any = None, loss_reduction: Any = "sum_over_batch_size", name: str | None = None):
        super().__init__(
            label_dimension=1,
            weight_column=weight_column,
            loss_reduction=loss_reduction,
            inverse_link_fn=lambda x: find("Sigmoid")(x),
            name=name,
        )

    def _unweighted(self, labels: Any, logits: Any) -> Any:
        from penstock.ops.nn_losses import sigmoid_cross_entropy_with_logits

        return sigmoid_cross_entropy_with_logits(labels=labels, logits=logits)


def _old(cls: type) -> type:
    """The head as the 1.x Estimators use it: losses are summed, the sum is what training minimises."""
    return type(cls.__name__, (cls,), {"_v2": False, "__module__": cls.__module__, "__doc__": cls.__doc__})


OLD = {
    c.__name__: _old(c)
    for c in (
        BinaryClassHead,
        MultiClassHead,
        MultiLabelHead,
        RegressionHead,
        PoissonRegressionHead,
        LogisticRegressionHead,
    )
}


def class_head(
    n_classes: int, weight_column: Any, label_vocabulary: Any, loss_reduction: Any, v2: bool, loss_fn: Any = None
) -> Any:
    """The head of a classifier of this many classes."""
    binary, several = (BinaryClassHead, MultiClassHead) if v2 else (OLD["BinaryClassHead"], OLD["MultiClassHead"])
    if n_classes == 2:
        return binary(
            weight_column=weight_column,
            label_vocabulary=label_vocabulary,
            loss_reduction=loss_reduction,
            loss_fn=loss_fn,
        )
    return several(
        n_classes,
        weight_column=weight_column,
        label_vocabulary=label_vocabulary,
        loss_reduction=loss_reduction,
        loss_fn=loss_fn,
    )


def value_head(label_dimension: int, weight_column: Any, loss_reduction: Any, v2: bool) -> Any:
    """The head of a regressor."""
    return (RegressionHead if v2 else OLD["RegressionHead"])(
        label_dimension=label_dimension, weight_column=weight_column, loss_reduction=loss_reduction
    )
