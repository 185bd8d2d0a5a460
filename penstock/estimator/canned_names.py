"""What libraries take from the canned Estimators' own modules: metric and prediction keys, optimizers by name, heads of 1.x."""

from typing import Any

from penstock.estimator.canned_optimizers import new_optimizer, old_optimizer
from penstock.estimator.heads import OLD, class_head


class MetricKeys:
    """The keys of metrics."""

    LOSS = "loss"
    LOSS_MEAN = "average_loss"
    LOSS_REGULARIZATION = "regularization_loss"
    ACCURACY = "accuracy"
    PRECISION = "precision"
    RECALL = "recall"
    ACCURACY_BASELINE = "accuracy_baseline"
    AUC = "auc"
    AUC_PR = "auc_precision_recall"
    LABEL_MEAN = "label/mean"
    PREDICTION_MEAN = "prediction/mean"
    ACCURACY_AT_THRESHOLD = "accuracy/positive_threshold_%g"
    PRECISION_AT_THRESHOLD = "precision/positive_threshold_%g"
    RECALL_AT_THRESHOLD = "recall/positive_threshold_%g"
    PRECISION_AT_RECALL = "precision_at_recall_%g"
    RECALL_AT_PRECISION = "recall_at_precision_%g"
    SENSITIVITY_AT_SPECIFICITY = "sensitivity_at_specificity_%g"
    SPECIFICITY_AT_SENSITIVITY = "specificity_at_sensitivity_%g"
    PROBABILITY_MEAN_AT_CLASS = "probability_mean/class%d"
    AUC_AT_CLASS = "auc/class%d"
    AUC_PR_AT_CLASS = "auc_precision_recall/class%d"
    PROBABILITY_MEAN_AT_NAME = "probability_mean/%s"
    AUC_AT_NAME = "auc/%s"
    AUC_PR_AT_NAME = "auc_precision_recall/%s"


class PredictionKeys:
    """The keys of predictions."""

    CLASSES = "classes"
    CLASS_IDS = "class_ids"
    ALL_CLASSES = "all_classes"
    ALL_CLASS_IDS = "all_class_ids"
    LOGISTIC = "logistic"
    LOGITS = "logits"
    PREDICTIONS = "predictions"
    PROBABILITIES = "probabilities"
    TOP_K = "top_k"


def get_optimizer_instance(opt: Any, learning_rate: Any = None) -> Any:
    """The 1.x optimizer of a name, an instance, or a function that makes one."""
    if isinstance(opt, str) and learning_rate is None:
        raise ValueError("learning_rate must be specified when opt is string.")
    return old_optimizer(opt, learning_rate)


def get_optimizer_instance_v2(opt: Any, learning_rate: Any = None) -> Any:
    """The 2.x optimizer of a name, an instance, or a function that makes one."""
    return new_optimizer(opt, learning_rate)


def _binary_logistic_head_with_sigmoid_cross_entropy_loss(
    weight_column: Any = None, thresholds: Any = None, label_vocabulary: Any = None, loss_reduction: Any = "weighted_sum", loss_fn: Any = None, name: Any = None
) -> Any:  # fmt: skip
    return OLD["BinaryClassHead"](weight_column, thresholds, label_vocabulary, loss_reduction, loss_fn, name)


def _multi_class_head_with_softmax_cross_entropy_loss(
    n_classes: int, weight_column: Any = None, label_vocabulary: Any = None, loss_reduction: Any = "weighted_sum", loss_fn: Any = None, name: Any = None
) -> Any:  # fmt: skip
    return OLD["MultiClassHead"](n_classes, weight_column, label_vocabulary, loss_reduction, loss_fn, name)


def _binary_logistic_or_multi_class_head(n_classes: int, weight_column: Any, label_vocabulary: Any, loss_reduction: Any) -> Any:
    return class_head(n_classes, weight_column, label_vocabulary, loss_reduction, False)


def _regression_head(
    weight_column: Any = None, label_dimension: int = 1, loss_reduction: Any = "weighted_sum", loss_fn: Any = None, inverse_link_fn: Any = None, name: Any = None
) -> Any:  # fmt: skip
    return OLD["RegressionHead"](label_dimension, weight_column, loss_reduction, loss_fn, inverse_link_fn, name)
