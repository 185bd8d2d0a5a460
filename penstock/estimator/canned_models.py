"""The models of canned Estimators: a linear one, a deep one, a constant one."""

from typing import Any

from penstock.estimator.mode_keys import ModeKeys
from penstock.feature_column.base import FeatureColumn
from penstock.feature_column.layers import columns_of, input_layer, linear_sum
from penstock.ir.op import find
from penstock.ir.scope import name_scope
from penstock.layers.core import Dense, dropout
from penstock.layers.normalization import batch_normalization
from penstock.ops.reduce import zero_fraction
from penstock.ops.summaries import histogram, scalar
from penstock.state.initializers import GlorotUniformV1
from penstock.state.partitioned import min_max_variable_partitioner
from penstock.state.scopes import variable_scope


def ps_replicas(config: Any) -> int:
    return getattr(config, "num_ps_replicas", 0) or 0


def part_maker(config: Any, v2: bool, min_slice_size: int = 256 << 10) -> Any:
    """How the variables of 1.x models are cut up; those of 2.x are whole."""
    return (
        None if v2 else min_max_variable_partitioner(max_partitions=ps_replicas(config), min_slice_size=min_slice_size)
    )


def summarize(value: Any, tag: str) -> None:
    """How much of an activation is zero, and its distribution."""
    with name_scope(None):
        scalar(f"{tag}/fraction_of_zero_values", zero_fraction(value))
        histogram(f"{tag}/activation", value)


def check_features(features: Any) -> None:
    if not isinstance(features, dict):
        raise ValueError(f"features should be a dictionary of `Tensor`s. Given type: {type(features)}")


def deep_logits(features: Any, mode: Any, units: int, hidden_units: Any, feature_columns: Any, activation_fn: Any, dropout_rate: Any, batch_norm: bool, v2: bool,
                input_partitioner: Any = None) -> Any:  # fmt: skip
    """[batch, units] of a net of dense layers over an input layer; call it inside the scope "dnn"."""
    training = mode == ModeKeys.TRAIN
    with variable_scope("input_from_feature_columns", partitioner=input_partitioner):
        net = input_layer(features, feature_columns)
    tag = "dnn" if v2 else "dnn/dnn"
    for i, width in enumerate(hidden_units):
        with variable_scope(f"hiddenlayer_{i}") as scope:
            net = Dense(
                units=width,
                activation=activation_fn,
                kernel_initializer=GlorotUniformV1(),
                _scope=scope,
                name=f"hiddenlayer_{i}",
            )(net)
            if dropout_rate is not None and training:
                net = dropout(net, rate=dropout_rate, training=True)
            if batch_norm:
                net = batch_normalization(net, momentum=0.999, training=training, name=f"batchnorm_{i}")
        summarize(net, f"{tag}/hiddenlayer_{i}")
    with variable_scope("logits") as scope:
        logits = Dense(units=units, activation=None, kernel_initializer=GlorotUniformV1(), _scope=scope, name="logits")(
            net
        )
    summarize(logits, f"{tag}/logits")
    return logits


def linear_logits(features: Any, units: int, feature_columns: Any, sparse_combiner: str, v2: bool) -> Any:
    """[batch, units] of a linear model; call it inside the scope "linear"."""
    held: dict[Any, Any] = {}
    columns = columns_of(feature_columns)
    with variable_scope(None, default_name="linear_model"):
        logits = linear_sum(features, columns, units, sparse_combiner, True, None, held)
    bias = held.pop("bias")
    weights = [v for vs in held.values() for v in vs]
    prefix = "" if v2 else "linear/"
    with name_scope(None):
        if units > 1:
            histogram(f"{prefix}bias", bias[0])
        else:
            scalar(f"{prefix}bias", find("Reshape")(bias[0], []))
        scalar(f"{prefix}fraction_of_zero_weights", _zeros_of(weights))
    return logits


def _zeros_of(variables: list[Any]) -> Any:
    flat = [find("Reshape")(v, [-1]) for v in variables]
    return zero_fraction(find("ConcatV2")(flat, 0) if len(flat) > 1 else flat[0])


def columns_checked(columns: Any, what: str) -> list[Any]:
    """The columns of an argument as a list; ValueError for what is none."""
    if isinstance(columns, FeatureColumn):
        return [columns]
    made = list(columns or [])
    for one in made:
        if not isinstance(one, FeatureColumn):
            raise ValueError(f"Items of {what} must be a <class 'FeatureColumn'>. Given (type {type(one)}): {one}.")
    return made


def batch_size(features: Any) -> Any:
    """How many examples a dict of features holds."""
    first = next(iter(features.values()))
    return first.dense_shape[0] if hasattr(first, "dense_shape") else find("Shape")(first)[0]
