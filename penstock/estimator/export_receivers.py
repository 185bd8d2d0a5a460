"""`tf.estimator.export.ServingInputReceiver` and the functions that build receivers."""

import collections
from typing import Any

from penstock.base.dtypes import string
from penstock.estimator.export_output import is_tensor
from penstock.estimator.names import estimator_export
from penstock.ir.tensor import Tensor
from penstock.ops.constants import placeholder

_SINGLE_FEATURE_DEFAULT_NAME = "feature"
_SINGLE_RECEIVER_DEFAULT_NAME = "input"
_SINGLE_LABEL_DEFAULT_NAME = "label"


def _named(tensors: Any, single: str, label: str, default: str) -> Any:
    if tensors is None:
        raise ValueError(f"{label}s must be defined.")
    if not isinstance(tensors, dict):
        tensors = {single: tensors}
    for name, tensor in tensors.items():
        if not isinstance(name, str):
            raise ValueError(f"{label} keys must be strings: {name}.")
        if not is_tensor(tensor):
            raise ValueError(f"{label} {name} must be a Tensor, SparseTensor, or RaggedTensor.")
    return tensors


def _checked_features(features: Any, single: str = _SINGLE_FEATURE_DEFAULT_NAME, what: str = "feature") -> Any:
    if features is None:
        raise ValueError(f"{what}s must be defined.")
    if not isinstance(features, dict):
        features = {single: features}
    for name, tensor in features.items():
        if not is_tensor(tensor):
            raise ValueError(f"{what} {name} must be a Tensor, SparseTensor, or RaggedTensor.")
    return features


def _checked_receivers(receiver_tensors: Any) -> Any:
    return _named(receiver_tensors, _SINGLE_RECEIVER_DEFAULT_NAME, "receiver_tensor", "input")


def _checked_alternatives(alternatives: Any) -> Any:
    if alternatives is None:
        return None
    if not isinstance(alternatives, dict):
        raise ValueError(f"receiver_tensors_alternatives must be a dict: {alternatives}.")
    made = {}
    for name, tensors in alternatives.items():
        if not isinstance(name, str):
            raise ValueError(f"receiver_tensors_alternatives keys must be strings: {name}.")
        made[name] = tensors if isinstance(tensors, dict) else {_SINGLE_RECEIVER_DEFAULT_NAME: tensors}
        for key, tensor in made[name].items():
            if not isinstance(key, str):
                raise ValueError(f"receiver_tensors_alternative keys must be strings: {key}.")
            if not is_tensor(tensor):
                raise ValueError(f"receiver_tensors_alternative {key} must be a Tensor, SparseTensor, or RaggedTensor.")
    return made


@estimator_export("export.ServingInputReceiver")
class ServingInputReceiver(
    collections.namedtuple("ServingInputReceiver", ["features", "receiver_tensors", "receiver_tensors_alternatives"])
):
    """What a served model is fed (receiver tensors), and the features made from it."""

    def __new__(
        cls, features: Any, receiver_tensors: Any, receiver_tensors_alternatives: Any = None
    ) -> "ServingInputReceiver":
        features = _checked_features(features)
        receivers = _checked_receivers(receiver_tensors)
        return super().__new__(cls, features, receivers, _checked_alternatives(receiver_tensors_alternatives))


@estimator_export("export.TensorServingInputReceiver")
class TensorServingInputReceiver(
    collections.namedtuple(
        "TensorServingInputReceiver", ["features", "receiver_tensors", "receiver_tensors_alternatives"]
    )
):
    """A receiver for a model function whose features are one tensor, not a dictionary."""

    def __new__(
        cls, features: Any, receiver_tensors: Any, receiver_tensors_alternatives: Any = None
    ) -> "TensorServingInputReceiver":
        if features is None:
            raise ValueError("features must be defined.")
        if not is_tensor(features):
            raise ValueError("feature must be a Tensor, SparseTensor, or RaggedTensor.")
        receivers = _checked_receivers(receiver_tensors)
        return super().__new__(cls, features, receivers, _checked_alternatives(receiver_tensors_alternatives))


class UnsupervisedInputReceiver(ServingInputReceiver):
    """A receiver for training or evaluation without labels."""

    def __new__(cls, features: Any, receiver_tensors: Any) -> "UnsupervisedInputReceiver":
        return super().__new__(
            cls, features=features, receiver_tensors=receiver_tensors, receiver_tensors_alternatives=None
        )  # type: ignore[return-value]


class SupervisedInputReceiver(
    collections.namedtuple("SupervisedInputReceiver", ["features", "labels", "receiver_tensors"])
):
    """A receiver for training or evaluation: features and labels."""

    def __new__(cls, features: Any, labels: Any, receiver_tensors: Any) -> "SupervisedInputReceiver":
        for label, value in (("features", features), ("labels", labels)):
            if value is None:
                raise ValueError(f"{label} must be defined.")
        features = features if is_tensor(features) else _checked_features(features)
        labels = labels if is_tensor(labels) else _checked_features(labels, _SINGLE_LABEL_DEFAULT_NAME, "label")
        return super().__new__(cls, features, labels, _checked_receivers(receiver_tensors))


def _default_placeholder(value: Any, batch: Any, name: str | None = None) -> Any:
    if not isinstance(value, Tensor):
        raise ValueError(f"feature {name} must be a Tensor.")
    shape = value.get_shape().as_list() if value.get_shape().ndims is not None else None
    if shape is not None:
        if not shape:
            raise ValueError("A feature needs at least one dimension, that of the batch, to be served.")
        shape = [batch, *shape[1:]]
    return placeholder(dtype=value.dtype.base_dtype, shape=shape, name=value.op.name if name is None else name)


def _placeholders(features: Any, batch: Any) -> Any:
    """A placeholder for each tensor: what a server feeds."""
    if not isinstance(features, dict):
        raise TypeError(f"features must be a dict, given {features!r}")
    return {name: _default_placeholder(t, batch) for name, t in features.items()}


@estimator_export("export.build_parsing_serving_input_receiver_fn")
def build_parsing_serving_input_receiver_fn(feature_spec: Any, default_batch_size: int | None = None) -> Any:
    """A function that builds a receiver of serialized `tf.Example`s, parsed by `feature_spec`."""

    def serving_input_receiver_fn() -> ServingInputReceiver:
        from penstock.ops.parsing_examples import parse_example

        serialized = placeholder(dtype=string, shape=[default_batch_size], name="input_example_tensor")
        return ServingInputReceiver(parse_example(serialized, feature_spec), {"examples": serialized})

    return serving_input_receiver_fn


@estimator_export("export.build_raw_serving_input_receiver_fn")
def build_raw_serving_input_receiver_fn(features: Any, default_batch_size: int | None = None) -> Any:
    """A function that builds a receiver of placeholders with the dtypes and shapes of `features`."""

    def serving_input_receiver_fn() -> ServingInputReceiver:
        receivers = _placeholders(features, default_batch_size)
        return ServingInputReceiver(dict(receivers), receivers)

    return serving_input_receiver_fn


@estimator_export("experimental.build_raw_supervised_input_receiver_fn")
def build_raw_supervised_input_receiver_fn(features: Any, labels: Any, default_batch_size: int | None = None) -> Any:
    """A function that builds a receiver of placeholders for features and labels."""
    same = set(features) & set(labels) if isinstance(features, dict) and isinstance(labels, dict) else set()
    if same:
        raise ValueError(f"Features and labels must have distinct keys. Found overlapping keys: {same}")

    def supervised_input_receiver_fn() -> SupervisedInputReceiver:
        made_features: Any
        made_labels: Any
        if isinstance(features, dict):
            made_features = _placeholders(features, default_batch_size)
            receivers = dict(made_features)
        else:
            made_features = _default_placeholder(features, default_batch_size)
            receivers = {"input": made_features}
        if isinstance(labels, dict):
            made_labels = _placeholders(labels, default_batch_size)
            receivers.update(made_labels)
        else:
            made_labels = _default_placeholder(labels, default_batch_size)
            receivers["label"] = made_labels
        return SupervisedInputReceiver(made_features, made_labels, receivers)

    return supervised_input_receiver_fn
