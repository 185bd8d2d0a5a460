"""`tf.estimator.export.*Output`: what a model gives to a server, each kind with its signature."""

from typing import Any

from penstock.base import dtypes
from penstock.base.dtypes import as_dtype
from penstock.estimator.names import estimator_export
from penstock.ir import door
from penstock.ir.tensor import Tensor
from penstock.state.saved_model.signature_defs import build_signature_def, build_tensor_info

PREDICT_METHOD, CLASSIFY_METHOD, REGRESS_METHOD = (
    f"tensorflow/serving/{n}" for n in ("predict", "classify", "regress")
)
EVAL_METHOD, TRAIN_METHOD = "tensorflow/supervised/eval", "tensorflow/supervised/training"
DEFAULT_SERVING_SIGNATURE_DEF_KEY = "serving_default"


def is_tensor(value: Any) -> bool:
    return isinstance(value, Tensor) or hasattr(value, "dense_shape") or hasattr(value, "row_splits")


def _infos(tensors: dict[str, Any]) -> dict[str, Any]:
    return {k: build_tensor_info(v) for k, v in tensors.items()}


@estimator_export("export.ExportOutput")
class ExportOutput:
    """One output of an exported model."""

    _SEPARATOR_CHAR = "/"

    def as_signature_def(self, receiver_tensors: Any) -> Any:
        """The SignatureDef from the receiver's tensors to these outputs."""
        raise NotImplementedError("as_signature_def() is an abstract method")

    def _check_output_key(self, key: Any, error_label: str) -> str:
        if isinstance(key, tuple):
            key = self._SEPARATOR_CHAR.join(key)
        if not isinstance(key, str):
            raise ValueError(f"{error_label} output key must be a string; got {key}.")
        return key

    def _wrap_and_check_outputs(
        self, outputs: Any, single_output_default_name: str, error_label: str = ""
    ) -> dict[str, Any]:
        if not isinstance(outputs, dict):
            outputs = {single_output_default_name: outputs}
        made = {}
        for key, value in outputs.items():
            name = self._check_output_key(key, error_label)
            if not is_tensor(value):
                raise ValueError(f"{error_label} output value must be a Tensor; got {value}.")
            made[name] = value
        return made


@estimator_export("export.ClassificationOutput")
class ClassificationOutput(ExportOutput):
    """Classes (strings), their scores (floats), or both."""

    def __init__(self, scores: Any = None, classes: Any = None):
        if scores is not None and not (isinstance(scores, Tensor) and scores.dtype.is_floating):
            raise ValueError(f"Classification scores must be a float32 Tensor; got {scores}")
        if classes is not None and not (isinstance(classes, Tensor) and as_dtype(classes.dtype) == dtypes.string):
            raise ValueError(f"Classification classes must be a string Tensor; got {classes}")
        if scores is None and classes is None:
            raise ValueError(
                "Cannot create a ClassificationOutput with empty arguments. At least one of `scores` and `classes` must be defined."
            )
        self._scores, self._classes = scores, classes

    scores = property(lambda s: s._scores)
    classes = property(lambda s: s._classes)

    def as_signature_def(self, receiver_tensors: Any) -> Any:
        examples = _single_string(receiver_tensors, "Classification")
        outputs = {k: v for k, v in (("scores", self.scores), ("classes", self.classes)) if v is not None}
        return build_signature_def(_infos({"inputs": examples}), _infos(outputs), CLASSIFY_METHOD)


@estimator_export("export.RegressionOutput")
class RegressionOutput(ExportOutput):
    """A predicted number (a float tensor)."""

    def __init__(self, value: Any):
        if not (isinstance(value, Tensor) and value.dtype.is_floating):
            raise ValueError(f"Regression output value must be a float32 Tensor; got {value}")
        self._value = value

    value = property(lambda s: s._value)

    def as_signature_def(self, receiver_tensors: Any) -> Any:
        examples = _single_string(receiver_tensors, "Regression")
        return build_signature_def(_infos({"inputs": examples}), _infos({"outputs": self.value}), REGRESS_METHOD)


def _single_string(receiver_tensors: Any, kind: str) -> Any:
    if len(receiver_tensors) == 1:
        (examples,) = receiver_tensors.values()
        if as_dtype(examples.dtype) == dtypes.string:
            return examples
    raise ValueError(
        f"{kind} signatures can only accept a single tensor input of type tf.string. Please check to make sure that you have structured the "
        "serving_input_receiver_fn so that it creates a single string placeholder. If your model function expects multiple inputs, then use "
        f"`tf.io.parse_example()` to parse the string into multiple tensors.\n Received: {receiver_tensors}"
    )


@estimator_export("export.PredictOutput")
class PredictOutput(ExportOutput):
    """Any tensors, by name; a single one is called `output`."""

    _SINGLE_OUTPUT_DEFAULT_NAME = "output"

    def __init__(self, outputs: Any):
        self._outputs = self._wrap_and_check_outputs(
            outputs, self._SINGLE_OUTPUT_DEFAULT_NAME, error_label="Prediction"
        )

    outputs = property(lambda s: s._outputs)

    def as_signature_def(self, receiver_tensors: Any) -> Any:
        return build_signature_def(_infos(receiver_tensors), _infos(self.outputs), PREDICT_METHOD)


class _SupervisedOutput(ExportOutput):
    """Loss, predictions and metrics of a graph for training or evaluation."""

    LOSS_NAME = "loss"
    PREDICTIONS_NAME = "predictions"
    METRICS_NAME = "metrics"
    METRIC_VALUE_SUFFIX = "value"
    METRIC_UPDATE_SUFFIX = "update_op"
    _method = ""

    def __init__(self, loss: Any = None, predictions: Any = None, metrics: Any = None):
        self._loss = self._predictions = self._metrics = None
        if loss is not None:
            self._loss = self._wrap_and_check_outputs(loss, self.LOSS_NAME, error_label="Loss")
        if predictions is not None:
            found = self._wrap_and_check_outputs(predictions, self.PREDICTIONS_NAME, error_label="Prediction")
            self._predictions = self._prefixed(found, self.PREDICTIONS_NAME)
        if metrics is not None:
            self._metrics = self._wrap_and_check_metrics(metrics)

    def _prefixed(self, named: dict[str, Any], prefix: str) -> dict[str, Any]:
        whole = prefix + self._SEPARATOR_CHAR
        return {k if k == prefix or k.startswith(whole) else whole + k: v for k, v in named.items()}

    def _wrap_and_check_metrics(self, metrics: Any) -> dict[str, Any]:
        if not isinstance(metrics, dict):
            metrics = {self.METRICS_NAME: metrics}
        made: dict[str, Any] = {}
        for key, (value, update) in metrics.items():
            name = self._check_output_key(key, self.METRICS_NAME)
            name = name if name.startswith(f"{self.METRICS_NAME}/") else f"{self.METRICS_NAME}/{name}"
            if not is_tensor(value):
                raise ValueError(f"{key} output value must be a Tensor; got {value}.")
            if not is_tensor(update) and not hasattr(update, "node_def"):
                raise ValueError(f"{key} update_op must be a Tensor or Operation; got {update}.")
            if not is_tensor(update):  # an operation needs a tensor to stand for it in a signature
                with door.current().control_dependencies([update]):
                    from penstock.ops.constants import constant

                    update = constant([], name="metric_op_wrapper")
            made[f"{name}/{self.METRIC_VALUE_SUFFIX}"] = value
            made[f"{name}/{self.METRIC_UPDATE_SUFFIX}"] = update
        return made

    loss = property(lambda s: s._loss)
    predictions = property(lambda s: s._predictions)
    metrics = property(lambda s: s._metrics)

    def as_signature_def(self, receiver_tensors: Any) -> Any:
        outputs = {**(self.loss or {}), **(self.predictions or {}), **(self.metrics or {})}
        return build_signature_def(_infos(receiver_tensors), _infos(outputs), self._method)


class TrainOutput(_SupervisedOutput):
    """What a graph for training gives."""

    _method = TRAIN_METHOD


@estimator_export("export.EvalOutput")
class EvalOutput(_SupervisedOutput):
    """What a graph for evaluation gives."""

    _method = EVAL_METHOD
