"""Models' first layers made of columns: `input_layer`, `linear_model`, and what takes sequences."""

import collections
from typing import Any

from penstock.base import dtypes
from penstock.base.export import export
from penstock.feature_column.base import (
    CategoricalColumn,
    DenseColumn,
    FeatureColumn,
    FeatureTransformationCache,
    ScopeState,
    SequenceDenseColumn,
    listed,
)  # fmt: skip
from penstock.ir import door
from penstock.ir.op import find
from penstock.ir.scope import name_scope
from penstock.ops.arithmetic import add_n
from penstock.ops.asserts import assert_equal_v1
from penstock.ops.join import concat
from penstock.ops.matmul import matmul
from penstock.ops.nn import bias_add
from penstock.ops.nn_embedding import safe_embedding_lookup_sparse
from penstock.ops.shapes import reshape, shape
from penstock.ops.sparse import sparse_reshape
from penstock.state.collections import GraphKeys
from penstock.state.initializers import ZerosV1
from penstock.state.scopes import get_variable, variable_scope


def columns_of(feature_columns: Any) -> list[Any]:
    """The columns as a list of distinct names; ValueError where two share one."""
    if isinstance(feature_columns, (FeatureColumn, str)):
        feature_columns = [feature_columns]
    if isinstance(feature_columns, dict):
        raise ValueError("Expected feature_columns to be iterable, found dict.")
    columns = list(feature_columns)
    if not columns:
        raise ValueError("feature_columns must not be empty.")
    for one in columns:
        if not isinstance(one, FeatureColumn):
            raise ValueError(f"Items of feature_columns must be a _FeatureColumn. Given (type {type(one)}): {one}.")
    named: dict[str, Any] = {}
    for one in columns:
        if one.name in named:
            raise ValueError(f"Duplicate feature column name found for columns: {one} and {named[one.name]}. This usually means that these columns refer to same base "
                             "feature. Either one must be discarded or a duplicated but renamed item must be inserted in features dict.")  # fmt: skip
        named[one.name] = one
    return columns


def flat_dense(column: Any, tensor: Any) -> Any:
    """[batch, elements] of a column's dense tensor."""
    width = column.variable_shape.num_elements()
    n = tensor.shape.as_list()[0] if tensor.shape.rank else None
    return reshape(tensor, (shape(tensor)[0] if n is None else n, width))


def same_batch(tensors: list[Any], columns: list[Any]) -> None:
    """ValueError when two columns are known to have different batch sizes."""
    expected: Any = None
    for tensor, column in zip(tensors, columns):
        n = tensor.shape.as_list()[0] if tensor.shape.rank else None
        if n is None:
            continue
        if expected is None:
            expected = (n, column)
        elif expected[0] != n:
            raise ValueError(f"Batch size (first dimension) of each feature must be same. Batch size of columns ({expected[1].name}, {column.name}): ({expected[0]}, {n})")


def dense_of(cache: Any, columns: list[Any], state: Any, per_column: Any = None) -> list[Any]:
    """The flat dense tensor of each column, in the order of their names, each made in a scope of its own."""
    made, used = [], []
    for column in sorted(columns, key=lambda c: c.name):
        with variable_scope(None, default_name=column._var_scope_name):
            column.create_state(state)
            tensor = flat_dense(column, column.get_dense_tensor(cache, state))
        used.append(column)
        made.append(tensor)
        if per_column is not None:
            per_column(column, tensor)
    same_batch(made, used)
    return made


def check_dense(columns: list[Any]) -> None:
    for one in columns:
        if not isinstance(one, DenseColumn):
            raise ValueError("Items of feature_columns must be a _DenseColumn. You can wrap a categorical column with an embedding_column or indicator_column. "
                             f"Given: {one}")  # fmt: skip


def _collections(weight_collections: Any) -> list[Any]:
    made = list(weight_collections or [])
    made += [k for k in (GraphKeys.GLOBAL_VARIABLES, GraphKeys.MODEL_VARIABLES) if k not in made]
    return made


@export(v1=("feature_column.input_layer",))
def input_layer(
    features: Any, feature_columns: Any, weight_collections: Any = None, trainable: bool = True, cols_to_vars: Any = None, cols_to_output_tensors: Any = None
) -> Any:  # fmt: skip
    """[batch, width]: the dense columns side by side, in the order of their names."""
    columns = columns_of(feature_columns)
    check_dense(columns)
    state = ScopeState(trainable, _collections(weight_collections))
    with variable_scope(None, default_name="input_layer"):
        cache = FeatureTransformationCache(features)

        def note(column: Any, tensor: Any) -> None:
            if cols_to_vars is not None:
                cols_to_vars[column] = [v for made in state.variables.get(column, {}).values() for v in listed(made)]
            if cols_to_output_tensors is not None:
                cols_to_output_tensors[column] = tensor

        tensors = dense_of(cache, columns, state, note)
        return concat(tensors, 1)


# -- linear models -----------------------------------------------------------------------------------------------------
def weighted_sum(column: Any, cache: Any, state: Any, weights: Any, sparse_combiner: str) -> Any:
    """[batch, units]: what a column adds to a linear model."""
    if isinstance(column, CategoricalColumn):
        ids, values = column.get_sparse_tensors(cache, state)
        ids = sparse_reshape(ids, [shape(ids)[0] if ids.shape.rank is None else ids.dense_shape[0], -1])
        if values is not None:
            values = sparse_reshape(values, [values.dense_shape[0], -1])
        return safe_embedding_lookup_sparse(weights, ids, sparse_weights=values, combiner=sparse_combiner, name="weighted_sum")
    return matmul(flat_dense(column, column.get_dense_tensor(cache, state)), weights, name="weighted_sum")


def weight_rows(column: Any) -> int:
    """How many rows a column's weights have in a linear model."""
    if isinstance(column, CategoricalColumn):
        return column.num_buckets
    if isinstance(column, DenseColumn):
        return column.variable_shape.num_elements()
    raise ValueError(f"Items of feature_columns must be either a _DenseColumn or _CategoricalColumn. Given: {column}")


def linear_sum(
    features: Any, columns: list[Any], units: int, sparse_combiner: str, trainable: bool, collections_: Any, cols_to_vars: Any, cache: Any = None
) -> Any:  # fmt: skip
    """[batch, units]: the weighted sums of all columns and a bias; variables `COLUMN/weights` and `bias_weights`."""
    cache = FeatureTransformationCache(features) if cache is None else cache
    state = ScopeState(trainable, collections_)
    sums = []
    kwargs: dict[str, Any] = {"trainable": trainable, "initializer": ZerosV1(), "collections": collections_, "use_resource": True}
    ordered = sorted(columns, key=lambda c: c.name)
    rows = {c: weight_rows(c) for c in ordered}
    made = {}
    for column in ordered:
        with variable_scope(column._var_scope_name, auxiliary_name_scope=False):
            column.create_state(state)
            made[column] = get_variable("weights", shape=(rows[column], units), dtype=dtypes.float32, **kwargs)
    bias = get_variable("bias_weights", shape=[units], dtype=dtypes.float32, **kwargs)
    for column in ordered:
        with name_scope(column.name.replace(" ", "_") if _plain(column.name) else "column"):
            sums.append(weighted_sum(column, cache, state, made[column], sparse_combiner))
        if cols_to_vars is not None:
            own = [v for m in state.variables.get(column, {}).values() for v in listed(m)]
            cols_to_vars[column] = own + listed(made[column])
    same_batch(sums, ordered)
    total = add_n(sums, name="weighted_sum_no_bias")
    if cols_to_vars is not None:
        cols_to_vars["bias"] = listed(bias)
    whole = find("Identity")(bias) if not hasattr(bias, "_get_variable_list") else concat(list(bias), 0) if len(bias) > 1 else list(bias)[0]
    return bias_add(total, whole, name="weighted_sum")


def _plain(name: str) -> bool:
    import re

    return re.fullmatch(r"[A-Za-z0-9.][A-Za-z0-9_.\\/>-]*", name) is not None


@export(v1=("feature_column.linear_model",))
def linear_model(
    features: Any, feature_columns: Any, units: int = 1, sparse_combiner: str = "sum", weight_collections: Any = None, trainable: bool = True, cols_to_vars: Any = None
) -> Any:  # fmt: skip
    """[batch, units]: a linear prediction of dense and categorical columns."""
    columns = columns_of(feature_columns)
    for one in columns:
        if not isinstance(one, (DenseColumn, CategoricalColumn)):
            raise ValueError(f"Items of feature_columns must be either a _DenseColumn or _CategoricalColumn. Given: {one}")
    with variable_scope(None, default_name="linear_model"):
        return linear_sum(features, columns, units, sparse_combiner, trainable, _collections(weight_collections), cols_to_vars)


# -- sequences ---------------------------------------------------------------------------------------------------------
SequenceInput = collections.namedtuple("SequenceInput", ["input", "sequence_length"])


def sequence_input_layer(features: Any, feature_columns: Any, weight_collections: Any = None, trainable: bool = True) -> tuple[Any, Any]:
    """(input [batch, steps, width], how many steps each example has) of sequence columns."""
    columns = columns_of(feature_columns)
    for one in columns:
        if not isinstance(one, SequenceDenseColumn):
            raise ValueError(f"All feature_columns must be of type _SequenceDenseColumn. You can wrap a sequence_categorical_column with an embedding_column or "
                             f"indicator_column. Given (type {type(one)}): {one}")  # fmt: skip
    state = ScopeState(trainable, _collections(weight_collections))
    with variable_scope(None, default_name="sequence_input_layer"):
        return sequence_sum(FeatureTransformationCache(features), columns, state)


def sequence_sum(cache: Any, columns: list[Any], state: Any) -> tuple[Any, Any]:
    """The sequence columns side by side, and their common lengths."""
    tensors, lengths = [], []
    for column in sorted(columns, key=lambda c: c.name):
        with variable_scope(None, default_name=column._var_scope_name):
            column.create_state(state)
            dense, length = column.get_sequence_dense_tensor(cache, state)
            dims = shape(dense)
            tensors.append(reshape(dense, find("Pack")([dims[0], dims[1], column.variable_shape.num_elements()], axis=0)))
            lengths.append(length)
    for other in lengths[1:]:
        check = assert_equal_v1(lengths[0], other)
        if door.current().is_graph:
            with door.current().control_dependencies([check]):
                lengths[0] = find("Identity")(lengths[0])
    return concat(tensors, -1), lengths[0]
