"""`tf.contrib.estimator.*_head`: the heads of 1.x."""

from typing import Any

from penstock.contrib.names import contrib
from penstock.estimator.head_multi import MultiHead
from penstock.estimator.heads import OLD

_MEAN = "weighted_sum_over_batch_size"


def _reduction(loss_reduction: Any) -> Any:
    allowed = ("weighted_sum", "weighted_mean", _MEAN, "weighted_sum_by_nonzero_weights", "weighted_sum_over_nonzero_weights")
    if loss_reduction not in allowed:
        raise ValueError(f"Invalid loss_reduction: {loss_reduction}; it must be one of {allowed}")
    return "weighted_sum_by_nonzero_weights" if loss_reduction == "weighted_sum_over_nonzero_weights" else loss_reduction


@contrib("estimator.binary_classification_head")
def binary_classification_head(
    weight_column: Any = None, thresholds: Any = None, label_vocabulary: Any = None, loss_reduction: Any = _MEAN, loss_fn: Any = None, name: Any = None
) -> Any:  # fmt: skip
    """A head for two classes: sigmoid cross entropy."""
    return OLD["BinaryClassHead"](weight_column, thresholds, label_vocabulary, _reduction(loss_reduction), loss_fn, name)


@contrib("estimator.multi_class_head")
def multi_class_head(
    n_classes: int, weight_column: Any = None, label_vocabulary: Any = None, loss_reduction: Any = _MEAN, loss_fn: Any = None, name: Any = None
) -> Any:  # fmt: skip
    """A head for more than two classes: softmax cross entropy."""
    return OLD["MultiClassHead"](n_classes, weight_column, label_vocabulary, _reduction(loss_reduction), loss_fn, name)


@contrib("estimator.multi_label_head")
def multi_label_head(
    n_classes: int, weight_column: Any = None, thresholds: Any = None, label_vocabulary: Any = None, loss_reduction: Any = _MEAN, loss_fn: Any = None,
    classes_for_class_based_metrics: Any = None, name: Any = None,
) -> Any:  # fmt: skip
    """A head for any number of classes an example: sigmoid cross entropy, averaged over the classes."""
    return OLD["MultiLabelHead"](
        n_classes, weight_column, thresholds, label_vocabulary, _reduction(loss_reduction), loss_fn, classes_for_class_based_metrics, name
    )


@contrib("estimator.regression_head")
def regression_head(
    weight_column: Any = None, label_dimension: int = 1, loss_reduction: Any = _MEAN, loss_fn: Any = None, inverse_link_fn: Any = None, name: Any = None
) -> Any:  # fmt: skip
    """A head for real values: mean squared error."""
    return OLD["RegressionHead"](label_dimension, weight_column, _reduction(loss_reduction), loss_fn, inverse_link_fn, name)


@contrib("estimator.poisson_regression_head")
def poisson_regression_head(
    weight_column: Any = None, label_dimension: int = 1, loss_reduction: Any = _MEAN, compute_full_loss: bool = True, name: Any = None
) -> Any:  # fmt: skip
    """A head for counts."""
    return OLD["PoissonRegressionHead"](label_dimension, weight_column, _reduction(loss_reduction), compute_full_loss, name)


@contrib("estimator.logistic_regression_head")
def logistic_regression_head(weight_column: Any = None, loss_reduction: Any = _MEAN, name: Any = None) -> Any:
    """A head for labels in [0, 1]."""
    return OLD["LogisticRegressionHead"](weight_column, _reduction(loss_reduction), name)


class _OldMultiHead(MultiHead):
    """Several heads of 1.x at once."""

    _v2 = False


@contrib("estimator.multi_head")
def multi_head(heads: Any, head_weights: Any = None) -> Any:
    """A head of several: their losses, weighted, are added; labels are a dict by head."""
    return _OldMultiHead(heads, head_weights)
