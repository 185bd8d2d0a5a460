"""`tf.estimator.Baseline*`: models that only learn a constant, to compare others with."""

from typing import Any

from penstock.base import dtypes
from penstock.estimator.canned_linear import spec_v2
from penstock.estimator.canned_models import batch_size, check_features
from penstock.estimator.canned_optimizers import new_optimizer, old_optimizer
from penstock.estimator.estimator import Estimator, EstimatorV2
from penstock.estimator.heads import class_head, value_head
from penstock.estimator.names import estimator_export
from penstock.ir.op import find
from penstock.ir.scope import name_scope
from penstock.state.initializers import ZerosV1
from penstock.state.scopes import get_variable, variable_scope

_RATE = 0.3


def _logits(features: Any, units: int) -> Any:
    check_features(features)
    with variable_scope("baseline"):
        bias = get_variable("bias", shape=[units], dtype=dtypes.float32, initializer=ZerosV1())
        n = batch_size(features)
        with name_scope("logits"):
            return find("Tile")(
                find("Reshape")(bias, [1, units]), find("Pack")([find("Cast")(n, DstT=dtypes.int32), 1], axis=0)
            )


def _model_fn(head: Any, optimizer: Any, v2: bool) -> Any:
    def model_fn(features: Any, labels: Any, mode: Any, config: Any) -> Any:
        logits = _logits(features, head.logits_dimension)
        if v2:
            return spec_v2(
                head, features, mode, labels, new_optimizer(optimizer, _RATE) if mode == "train" else None, logits
            )
        return head.create_estimator_spec(
            features=features, mode=mode, labels=labels, logits=logits, optimizer=old_optimizer(optimizer, _RATE)
        )

    return model_fn


@estimator_export("BaselineClassifier", v1_only=True)
class BaselineClassifier(Estimator):
    """Learns how frequent the classes are (1.x)."""

    def __init__(self, model_dir: Any = None, n_classes: int = 2, weight_column: Any = None, label_vocabulary: Any = None, optimizer: Any = "Ftrl", config: Any = None,
                 loss_reduction: Any = "weighted_sum"):  # fmt: skip
        head = class_head(n_classes, weight_column, label_vocabulary, loss_reduction, False)
        super().__init__(_model_fn(head, optimizer, False), model_dir=model_dir, config=config)


@estimator_export("BaselineClassifier", v2_only=True)
class BaselineClassifierV2(EstimatorV2):
    """Learns how frequent the classes are."""

    def __init__(self, model_dir: Any = None, n_classes: int = 2, weight_column: Any = None, label_vocabulary: Any = None, optimizer: Any = "Ftrl", config: Any = None,
                 loss_reduction: Any = "sum_over_batch_size"):  # fmt: skip
        head = class_head(n_classes, weight_column, label_vocabulary, loss_reduction, True)
        super().__init__(_model_fn(head, optimizer, True), model_dir=model_dir, config=config)


@estimator_export("BaselineRegressor", v1_only=True)
class BaselineRegressor(Estimator):
    """Learns the mean of the labels (1.x)."""

    def __init__(self, model_dir: Any = None, label_dimension: int = 1, weight_column: Any = None, optimizer: Any = "Ftrl", config: Any = None,
                 loss_reduction: Any = "weighted_sum"):  # fmt: skip
        super().__init__(
            _model_fn(value_head(label_dimension, weight_column, loss_reduction, False), optimizer, False),
            model_dir=model_dir,
            config=config,
        )


@estimator_export("BaselineRegressor", v2_only=True)
class BaselineRegressorV2(EstimatorV2):
    """Learns the mean of the labels."""

    def __init__(self, model_dir: Any = None, label_dimension: int = 1, weight_column: Any = None, optimizer: Any = "Ftrl", config: Any = None,
                 loss_reduction: Any = "sum_over_batch_size"):  # fmt: skip
        super().__init__(
            _model_fn(value_head(label_dimension, weight_column, loss_reduction, True), optimizer, True),
            model_dir=model_dir,
            config=config,
        )


@estimator_export("BaselineEstimator", v1_only=True)
class BaselineEstimator(Estimator):
    """Learns a constant under a head of one's own (1.x)."""

    def __init__(self, head: Any, model_dir: Any = None, optimizer: Any = "Ftrl", config: Any = None):
        super().__init__(_model_fn(head, optimizer, False), model_dir=model_dir, config=config)


@estimator_export("BaselineEstimator", v2_only=True)
class BaselineEstimatorV2(EstimatorV2):
    """Learns a constant under a head of one's own."""

    def __init__(self, head: Any, model_dir: Any = None, optimizer: Any = "Ftrl", config: Any = None):
        super().__init__(_model_fn(head, optimizer, True), model_dir=model_dir, config=config)
