"""`tf.estimator.classifier_parse_example_spec`, `regressor_parse_example_spec`."""

from typing import Any

from penstock.base import dtypes
from penstock.estimator.names import estimator_export
from penstock.feature_column.categorical import make_parse_example_spec
from penstock.feature_column.dense import NumericColumn, numeric_column
from penstock.ops.parsing_features import FixedLenFeature


def _with_label(feature_columns: Any, label_key: str, label: Any, weight_column: Any) -> dict[str, Any]:
    spec = make_parse_example_spec(feature_columns=feature_columns)
    if label_key in spec:
        raise ValueError(f"label should not be used as feature. label_key: {label_key}, features: {list(spec)}")
    spec[label_key] = label
    if weight_column is None:
        return spec
    if isinstance(weight_column, str):
        weight_column = numeric_column(weight_column)
    if not isinstance(weight_column, NumericColumn):
        raise ValueError(
            f"weight_column should be an instance of tf.feature_column.numeric_column. Given type: {type(weight_column)} value: {weight_column}"
        )
    if weight_column.key in spec:
        raise ValueError(
            f"weight_column should not be used as feature. weight_column: {weight_column.key}, features: {list(spec)}"
        )
    return {**spec, **weight_column.parse_example_spec}


def _one_column(feature_columns: Any) -> Any:
    return (
        feature_columns
        if isinstance(feature_columns, (list, tuple, set)) or hasattr(feature_columns, "__iter__")
        else [feature_columns]
    )


@estimator_export("classifier_parse_example_spec")
def classifier_parse_example_spec(
    feature_columns: Any, label_key: str, label_dtype: Any = dtypes.int64, label_default: Any = None, weight_column: Any = None
) -> dict[str, Any]:  # fmt: skip
    """What `tf.io.parse_example` needs to read the features, label and weight of a classifier."""
    label = FixedLenFeature((1,), label_dtype, label_default)
    return _with_label(_one_column(feature_columns), label_key, label, weight_column)


@estimator_export("regressor_parse_example_spec")
def regressor_parse_example_spec(
    feature_columns: Any, label_key: str, label_dtype: Any = dtypes.float32, label_default: Any = None, label_dimension: int = 1, weight_column: Any = None
) -> dict[str, Any]:  # fmt: skip
    """What `tf.io.parse_example` needs to read the features, label and weight of a regressor."""
    label = FixedLenFeature((label_dimension,), label_dtype, label_default)
    return _with_label(_one_column(feature_columns), label_key, label, weight_column)
