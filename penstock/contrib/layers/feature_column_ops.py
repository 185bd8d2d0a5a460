"""What models read off the columns of `tf.contrib.layers`: one wide tensor, or a weighted sum."""

from typing import Any

import penstock.compat.v1 as tf
from penstock.contrib.layers import feature_columns as old
from penstock.contrib.names import contrib
from penstock.feature_column.base import FeatureColumn, FeatureTransformationCache

OPS = "layers.python.layers.feature_column_ops."


def _sorted(feature_columns: Any) -> list[Any]:
    columns = sorted(set(feature_columns), key=str)
    named: dict[str, Any] = {}
    for one in columns:
        if named.setdefault(one.name, one) is not one:
            raise ValueError(f"Duplicate feature column key found for column: {one.name}. This usually means that the column is almost identical to "
                             "another column, and one must be discarded.")  # fmt: skip
    return columns


def _new(column: Any) -> Any:
    return column if isinstance(column, FeatureColumn) else column.new


def _ids(column: Any, cache: Any) -> tuple[Any, Any]:
    pair = _new(column).get_sparse_tensors(cache, None)
    return pair.id_tensor, pair.weight_tensor


def _dense(column: Any, cache: Any) -> Any:
    made = _new(column).get_dense_tensor(cache, None)
    return tf.reshape(made, [-1, _new(column).variable_shape.num_elements()])


def _embedded(column: Any, cache: Any, collections: Any, trainable: bool) -> Any:
    ids, weights = _ids(column.sparse_id_column, cache)
    table = tf.get_variable("weights", [column.sparse_id_column.length, column.dimension], tf.float32, column.initializer,
                            trainable=trainable and column.trainable, collections=collections)  # fmt: skip
    if column.ckpt_to_load_from is not None:
        parts = list(table) if hasattr(table, "_variable_list") else table
        tf.train.init_from_checkpoint(column.ckpt_to_load_from, {column.tensor_name_in_ckpt: parts})
    return tf.nn.safe_embedding_lookup_sparse(table, ids, weights, combiner=column.combiner, max_norm=column.max_norm)


def _collections(given: Any) -> list[Any]:
    return list(dict.fromkeys([*(given or []), tf.GraphKeys.GLOBAL_VARIABLES, tf.GraphKeys.MODEL_VARIABLES]))


@contrib("layers.input_from_feature_columns", OPS + "input_from_feature_columns")
def input_from_feature_columns(columns_to_tensors: Any, feature_columns: Any, weight_collections: Any = None, trainable: bool = True, scope: Any = None,
                               cols_to_outs: Any = None) -> Any:  # fmt: skip
    """[batch, width]: the columns side by side, in the order of their keys."""
    cache, outputs = FeatureTransformationCache(columns_to_tensors), []
    with tf.variable_scope(scope, default_name="input_from_feature_columns", values=list(columns_to_tensors.values())):
        for column in _sorted(feature_columns):
            with tf.variable_scope(None, default_name=column.name or "real_valued"):
                if isinstance(column, old._EmbeddingColumn):
                    outputs.append(_embedded(column, cache, _collections(weight_collections), trainable))
                elif isinstance(column, (old._SparseColumn, old._CrossedColumn)):
                    raise ValueError(f"Error creating input layer for column: {column.name}.\nSparseColumn is not supported in DNN. Please use "
                                     "embedding_column or one_hot_column.")  # fmt: skip
                else:
                    outputs.append(_dense(column, cache))
            if cols_to_outs is not None:
                cols_to_outs[column] = outputs[-1]
        return tf.concat(outputs, 1)


@contrib("layers.weighted_sum_from_feature_columns", OPS + "weighted_sum_from_feature_columns")
def weighted_sum_from_feature_columns(columns_to_tensors: Any, feature_columns: Any, num_outputs: int, weight_collections: Any = None, trainable: bool = True,
                                      scope: Any = None) -> tuple[Any, dict[Any, Any], Any]:  # fmt: skip
    """([batch, num_outputs] logits, the variables of each column, the bias) of a linear model."""
    cache, sums, variables, kept = FeatureTransformationCache(columns_to_tensors), [], {}, _collections(weight_collections)
    with tf.variable_scope(scope, default_name="weighted_sum_from_feature_columns", values=list(columns_to_tensors.values())):
        for column in _sorted(feature_columns):
            real = isinstance(column, old._RealValuedColumn)
            if isinstance(column, (old._EmbeddingColumn, old._OneHotColumn)):
                raise ValueError(f"Error creating weighted sum for column: {column.name}.\n{type(column).__name__} is not supported in linear models.")
            rows = column.dimension if real else column.length * getattr(getattr(column, "source_column", None), "dimension", 1)
            table = tf.get_variable(f"{column.name}/{'weight' if real else 'weights'}", [rows, num_outputs], tf.float32, tf.zeros_initializer(),
                                    trainable=trainable, collections=kept)  # fmt: skip
            if real:
                sums.append(tf.matmul(_dense(column, cache), tf.convert_to_tensor(table)))
            else:
                ids, weights = _ids(column, cache)
                sums.append(tf.nn.safe_embedding_lookup_sparse(table, ids, weights, combiner=column.combiner))
            variables[column] = list(table) if hasattr(table, "_variable_list") else [table]
        bias = tf.get_variable("bias_weight", [num_outputs], tf.float32, tf.zeros_initializer(), trainable=trainable, collections=kept)
        bias = list(bias)[0] if hasattr(bias, "_variable_list") else bias
        return tf.nn.bias_add(tf.add_n(sums), bias), variables, bias
