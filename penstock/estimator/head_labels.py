"""The labels, weights and logits of heads: checked and brought into shape."""

from typing import Any

import numpy as np

from penstock.base import dtypes
from penstock.feature_column.dense import NumericColumn
from penstock.ir import door
from penstock.ir.convert import convert_to_tensor
from penstock.ir.op import find
from penstock.ir.scope import name_scope
from penstock.ops.asserts import assert_greater_equal_v1, assert_less_v1
from penstock.state.lookup import KeyValueTensorInitializer, StaticHashTable


def check_weight_column(weight_column: Any) -> None:
    """TypeError unless it is None, a key or a numeric column."""
    if weight_column is not None and not isinstance(weight_column, (str, NumericColumn)):
        raise TypeError(f"weight_column must be a string or a numeric column. Given: {weight_column}")


def check_logits(logits: Any, dimension: int) -> Any:
    """float32 logits whose last axis is `dimension` long."""
    with name_scope("logits"):
        if logits is None:
            raise ValueError("You must provide logits. Given: None.")
        logits = convert_to_tensor(logits)
        if logits.dtype.base_dtype is not dtypes.float32:
            logits = find("Cast")(logits, DstT=dtypes.float32)
        dims = logits.shape.as_list() if logits.shape.rank is not None else None
        if dims is not None:
            if len(dims) < 2:
                raise ValueError(f"logits must have shape [batch_size, logits_dimension]; it has {logits.shape}")
            if dims[-1] is not None and dims[-1] != dimension:
                raise ValueError(
                    f"logits shape must be [D0, D1, ... DN, logits_dimension]. Expected logits_dimension: {dimension}, got shape: {logits.shape}"
                )
        return logits


def check_dense_labels(labels: Any) -> Any:
    """The labels as a dense tensor."""
    if isinstance(labels, dict):
        raise ValueError(
            f"labels must be a Tensor, not a dict with keys {sorted(labels)}; return the one label tensor from input_fn"
        )
    if hasattr(labels, "dense_shape"):
        raise ValueError("SparseTensor labels are not supported. labels must be a Tensor of shape [D0, D1, ..., DN, 1], e.g. [batch_size, 1]. Suggested Fix (1): Check the "
                         "label feature in your data. Each example must contain exactly one label. Suggested Fix (2): Use tf.sparse.to_dense in your input_fn.")  # fmt: skip
    return convert_to_tensor(labels)


def fit_labels(labels: Any, logits: Any, dimension: int) -> Any:
    """Labels [batch, dimension]; a vector gets a last axis of size 1."""
    with name_scope("labels"):
        rank, wanted = labels.shape.rank, logits.shape.rank
        if rank is not None and wanted is not None and rank == wanted - 1:
            labels = find("ExpandDims")(labels, -1)
        dims = labels.shape.as_list() if labels.shape.rank is not None else None
        if dims is not None and dims and dims[-1] is not None and dims[-1] != dimension:
            raise ValueError(f"Mismatched label shape. Expected labels dimension={dimension}.  Received {dims[-1]}. Suggested Fix:If your classifier expects one-hot encoding "
                             "label,check your n_classes argument to the estimator and/or the shape of your label. Otherwise, check the shape of your label.")  # fmt: skip
        return labels


def look_up_labels(labels: Any, vocabulary: Any) -> Any:
    """Labels that are words as their places in the vocabulary."""
    if vocabulary is None:
        if labels.dtype.base_dtype is dtypes.string:
            raise ValueError(
                "Labels dtype should be integer. Instead got string; pass label_vocabulary to classify words."
            )
        return labels
    if labels.dtype.base_dtype is not dtypes.string:
        raise ValueError(f"Labels dtype should be string if there is a vocabulary. Instead got {labels.dtype}")
    words = np.array([v if isinstance(v, bytes) else str(v).encode() for v in vocabulary], object)
    table = StaticHashTable(
        KeyValueTensorInitializer(words, np.arange(len(words)), dtypes.string, dtypes.int64),
        np.int64(-1),
        name="class_id_lookup",
    )
    return table.lookup(labels)


def check_integer_range(labels: Any, n: int, message: str) -> Any:
    """The labels, once they were seen to be in 0 .. n - 1."""
    limit, zero = np.array(n, labels.dtype.base_dtype.array_dtype), np.array(0, labels.dtype.base_dtype.array_dtype)
    checks = [
        assert_less_v1(labels, limit, message=message),
        assert_greater_equal_v1(labels, zero, message="Labels must be >= 0"),
    ]
    checks = [c for c in checks if c is not None]
    if not door.current().is_graph or not checks:
        return labels
    with door.current().control_dependencies(checks):
        return find("Identity")(labels)


def weights_of(features: Any, weight_column: Any, logits: Any) -> Any:
    """The weight of each example [batch, 1] (or of each logit); 1.0 without a weight column."""
    if weight_column is None:
        return 1.0
    with name_scope("weights"):
        column = (
            NumericColumn(weight_column, (1,), None, dtypes.float32, None)
            if isinstance(weight_column, str)
            else weight_column
        )
        if features is None or column.key not in features:
            raise ValueError(f"Feature {column.key} is not in features dictionary.")
        weights = convert_to_tensor(features[column.key])
        if column.normalizer_fn is not None:
            weights = column.normalizer_fn(weights)
        if not (weights.dtype.is_floating or weights.dtype.is_integer):
            raise ValueError(f"Weight column should be castable to float. Given dtype: {weights.dtype}")
        weights = (
            find("Cast")(weights, DstT=dtypes.float32) if weights.dtype.base_dtype is not dtypes.float32 else weights
        )
        if (
            weights.shape.rank is not None
            and logits.shape.rank is not None
            and weights.shape.rank == logits.shape.rank - 1
        ):
            weights = find("ExpandDims")(weights, -1)
        return weights
