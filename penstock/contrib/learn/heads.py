"""Losses, predictions and metrics of the models of `tf.contrib.learn`."""

from typing import Any

import penstock.compat.v1 as tf
from penstock.contrib.learn.model_fn import ModelFnOps


class MultiClassHead:
    """A class out of more than two."""

    name, first = "multi_class_head", "classes"

    def __init__(self, n_logits: int, weight_column_name: Any):
        self.n_logits, self._weight = n_logits, weight_column_name

    def ops(self, features: Any, labels: Any, mode: str, logits: Any, train_op_fn: Any) -> ModelFnOps:
        """The ModelFnOps of logits; `train_op_fn(loss)` makes the op that trains."""
        with tf.variable_scope(self.name):
            predictions = self.predictions(logits)
            if mode == "infer":
                return ModelFnOps(mode, predictions)
            losses, labels = self.losses(logits, labels)
            weights = None if self._weight is None else tf.cast(tf.reshape(features[self._weight], [-1, 1]), tf.float32)
            loss = tf.reduce_mean(losses if weights is None else losses * weights)
            if mode == "train":
                return ModelFnOps(mode, predictions, loss, train_op_fn(loss))
            if weights is not None:
                loss = loss / tf.reduce_mean(weights)
            return ModelFnOps(mode, predictions, loss, None, self.metrics(predictions, labels, weights))

    def predictions(self, logits: Any) -> dict[str, Any]:
        return {"logits": logits, "probabilities": tf.nn.softmax(logits), "classes": tf.argmax(logits, 1)}

    def losses(self, logits: Any, labels: Any) -> tuple[Any, Any]:
        labels = tf.cast(tf.reshape(labels, [-1]), tf.int64)
        return tf.expand_dims(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits), 1), labels

    def metrics(self, predictions: Any, labels: Any, weights: Any) -> dict[str, Any]:
        return {"accuracy": tf.metrics.accuracy(labels, predictions["classes"], None if weights is None else tf.squeeze(weights, 1))}


class BinaryHead(MultiClassHead):
    """One of two classes."""

    name = "binary_logistic_head"

    def predictions(self, logits: Any) -> dict[str, Any]:
        both = tf.concat([tf.zeros_like(logits), logits], 1)
        return {"logits": logits, "logistic": tf.sigmoid(logits), "probabilities": tf.nn.softmax(both), "classes": tf.argmax(both, 1)}

    def losses(self, logits: Any, labels: Any) -> tuple[Any, Any]:
        labels = tf.cast(tf.reshape(labels, [-1, 1]), tf.float32)
        return tf.nn.sigmoid_cross_entropy_with_logits(labels=labels, logits=logits), labels

    def metrics(self, predictions: Any, labels: Any, weights: Any) -> dict[str, Any]:
        logistic, m = predictions["logistic"], tf.metrics
        above = tf.cast(logistic >= 0.5, tf.float32)
        return {
            "accuracy": m.accuracy(labels, tf.cast(tf.expand_dims(predictions["classes"], 1), tf.float32), weights),
            "labels/prediction_mean": m.mean(logistic, weights),
            "labels/actual_label_mean": m.mean(labels, weights),
            "accuracy/baseline_label_mean": m.mean(labels, weights),
            "auc": m.auc(labels, logistic, weights),
            "auc_precision_recall": m.auc(labels, logistic, weights, curve="PR"),
            "accuracy/threshold_0.500000_mean": m.accuracy(labels, above, weights),
            "precision/positive_threshold_0.500000_mean": m.precision(labels, above, weights),
            "recall/positive_threshold_0.500000_mean": m.recall(labels, above, weights),
        }


class RegressionHead(MultiClassHead):
    """Numbers; the loss is the mean of squares."""

    name, first = "regression_head", "scores"

    def predictions(self, logits: Any) -> dict[str, Any]:
        return {"scores": tf.squeeze(logits, [1]) if self.n_logits == 1 else logits}

    def losses(self, logits: Any, labels: Any) -> tuple[Any, Any]:
        labels = tf.cast(labels, tf.float32)
        if labels.shape.rank == 1:
            labels = tf.expand_dims(labels, 1)
        return tf.squared_difference(logits, labels), labels

    def metrics(self, predictions: Any, labels: Any, weights: Any) -> dict[str, Any]:
        return {}


def class_head(n_classes: int, weight_column_name: Any) -> MultiClassHead:
    """The head of a classifier."""
    if n_classes is None or n_classes < 2:
        raise ValueError(f"n_classes must be > 1 for classification: {n_classes}.")
    return BinaryHead(1, weight_column_name) if n_classes == 2 else MultiClassHead(n_classes, weight_column_name)
