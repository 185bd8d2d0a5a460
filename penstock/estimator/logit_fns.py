"""Functions that make logits of features: the linear and the deep model, to put into a model of one's own."""

from typing import Any

from penstock.base.export import export
from penstock.estimator.canned_models import deep_logits, linear_logits


@export(v1=("estimator.experimental.linear_logit_fn_builder", "contrib.estimator.linear_logit_fn_builder"))
def linear_logit_fn_builder(units: int, feature_columns: Any, sparse_combiner: str = "sum") -> Any:
    """A function `linear_logit_fn(features)` for logits [batch, units] (or a dict of them, for a list of units)."""

    def linear_logit_fn(features: Any) -> Any:
        return linear_logits(features, units, feature_columns, sparse_combiner, False)

    return linear_logit_fn


@export(v1=("estimator.experimental.dnn_logit_fn_builder", "contrib.estimator.dnn_logit_fn_builder"))
def dnn_logit_fn_builder(
    units: int, hidden_units: Any, feature_columns: Any, activation_fn: Any, dropout: Any, input_layer_partitioner: Any, batch_norm: bool
) -> Any:
    """A function `dnn_logit_fn(features, mode)` for logits [batch, units] of dense layers."""
    if not isinstance(units, int):
        raise ValueError(f"units must be an int.  Given type: {type(units)}")

    def dnn_logit_fn(features: Any, mode: Any) -> Any:
        return deep_logits(
            features, mode, units, hidden_units, feature_columns, activation_fn, dropout, batch_norm, False, input_layer_partitioner
        )

    return dnn_logit_fn
