"""Columns that give dense tensors: numbers, buckets, indicators, embeddings."""

import collections
import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from penstock.base import dtypes
from penstock.base.export import export
from penstock.base.shape import TensorShape
from penstock.feature_column.base import (
    CategoricalColumn,
    DenseColumn,
    SequenceDenseColumn,
    check_key,
    sequence_lengths,
)
from penstock.feature_column.config import ByFields
from penstock.ir import door
from penstock.ir.op import find
from penstock.ops.constants import one_hot
from penstock.ops.nn_embedding import embedding_lookup_sparse, safe_embedding_lookup_sparse
from penstock.ops.parsing_features import FixedLenFeature
from penstock.ops.shapes import reshape, shape
from penstock.ops.sparse import sparse_merge_impl, sparse_tensor_to_dense
from penstock.ops.sparse_reshaping import sparse_slice
from penstock.ops.sparse_tensor import SparseTensor, is_sparse
from penstock.state.initializers import TruncatedNormalV1


def _sequence_column(column: Any) -> bool:
    from penstock.feature_column.sequence import SequenceCategoricalColumn

    return isinstance(column, SequenceCategoricalColumn)


def _not_a_sequence(what: str, column: Any) -> None:
    if _sequence_column(column.categorical_column):
        raise ValueError(f"In {what}: {column.name}. categorical_column must not be of type SequenceCategoricalColumn. Suggested fix A: If you wish to use DenseFeatures, "
                         "use a non-sequence categorical_column_with_*. Suggested fix B: If you wish to create sequence input, use SequenceFeatures instead of "
                         f"DenseFeatures. Given (type {type(column.categorical_column)}): {column.categorical_column}")  # fmt: skip


def _a_sequence(what: str, column: Any) -> None:
    if not _sequence_column(column.categorical_column):
        raise ValueError(f"In {what}: {column.name}. categorical_column must be of type SequenceCategoricalColumn to use SequenceFeatures. Suggested fix: Use one of "
                         f"sequence_categorical_column_with_*. Given (type {type(column.categorical_column)}): {column.categorical_column}")  # fmt: skip


# -- numbers -----------------------------------------------------------------------------------------------------------
class NumericColumn(ByFields, DenseColumn, collections.namedtuple("NumericColumn", ("key", "shape", "default_value", "dtype", "normalizer_fn"))):
    """See `numeric_column`."""

    name = property(lambda s: s.key)
    parents = property(lambda s: [s.key])
    variable_shape = property(lambda s: TensorShape(s.shape))

    @property
    def parse_example_spec(self) -> dict[str, Any]:
        return {self.key: FixedLenFeature(self.shape, self.dtype, self.default_value)}

    def transform_feature(self, transformation_cache: Any, state_manager: Any) -> Any:
        found = transformation_cache.get(self.key, state_manager)
        if is_sparse(found):
            raise ValueError(f"The corresponding Tensor of numerical column must be a Tensor. SparseTensor is not supported. key: {self.key}")
        if self.normalizer_fn is not None:
            found = self.normalizer_fn(found)
        return found if found.dtype.base_dtype is dtypes.float32 else find("Cast")(found, DstT=dtypes.float32)

    def get_dense_tensor(self, transformation_cache: Any, state_manager: Any) -> Any:
        return transformation_cache.get(self, state_manager)


def check_shape(given: Any, key: Any) -> tuple[int, ...]:
    """The shape of a numeric column as a tuple of positive integers."""
    sizes = tuple(given) if isinstance(given, (TensorShape, Iterable)) else (given,)
    for size in sizes:
        size = getattr(size, "value", size)
        if not isinstance(size, (int, np.integer)):
            raise TypeError(f"shape dimensions must be integer. shape: {given}, key: {key}")
        if size < 1:
            raise ValueError(f"shape dimensions must be greater than 0. shape: {given}, key: {key}")
    return tuple(int(getattr(s, "value", s)) for s in sizes)


def check_default(sizes: Any, default: Any, dtype: Any, key: Any) -> Any:
    """The default of a numeric column: one number for each of its elements, or None."""
    if default is None:
        return None
    if isinstance(default, (int, np.integer)) and not isinstance(default, bool):
        value: Any = float(default) if dtype.is_floating else int(default)
    elif isinstance(default, float) and dtype.is_floating:
        value = default
    elif isinstance(default, (list, tuple, np.ndarray)):
        array = np.asarray(default)
        if array.shape != tuple(sizes):
            raise ValueError(f"The shape of default_value must be equal to given shape. default_value: {default}, shape: {sizes}, key: {key}")
        if array.dtype.kind == "f" and dtype.is_integer:
            raise TypeError(f"default_value must be compatible with dtype. default_value: {default}, dtype: {dtype}, key: {key}")
        return _tuples(array.astype(dtype.array_dtype).tolist())
    else:
        raise TypeError(f"default_value must be compatible with dtype. default_value: {default}, dtype: {dtype}, key: {key}")
    return _tuples(np.full(sizes, value, dtype.array_dtype).tolist())


def _tuples(value: Any) -> Any:
    return tuple(_tuples(v) for v in value) if isinstance(value, list) else value


@export("feature_column.numeric_column")
def numeric_column(key: Any, shape: Any = (1,), default_value: Any = None, dtype: Any = dtypes.float32, normalizer_fn: Any = None) -> Any:
    """Numbers: a dense feature of `shape`, as float32, after `normalizer_fn`.

    >>> tf.feature_column.numeric_column("age").name
    'age'
    """
    sizes = check_shape(shape, key)
    dtype = dtypes.as_dtype(dtype)
    if not (dtype.is_integer or dtype.is_floating):
        raise ValueError(f"dtype must be convertible to float. dtype: {dtype}, key: {key}")
    default = check_default(sizes, default_value, dtype, key)
    if normalizer_fn is not None and not callable(normalizer_fn):
        raise TypeError(f"normalizer_fn must be a callable. Given: {normalizer_fn}")
    check_key(key)
    return NumericColumn(key, shape=sizes, default_value=default, dtype=dtype, normalizer_fn=normalizer_fn)


# -- buckets -----------------------------------------------------------------------------------------------------------
class BucketizedColumn(ByFields, DenseColumn, CategoricalColumn, collections.namedtuple("BucketizedColumn", ("source_column", "boundaries"))):
    """See `bucketized_column`."""

    name = property(lambda s: f"{s.source_column.name}_bucketized")
    parents = property(lambda s: [s.source_column])
    parse_example_spec = property(lambda s: s.source_column.parse_example_spec)
    variable_shape = property(lambda s: TensorShape((*s.source_column.shape, len(s.boundaries) + 1)))
    num_buckets = property(lambda s: (len(s.boundaries) + 1) * s.source_column.shape[0])

    def transform_feature(self, transformation_cache: Any, state_manager: Any) -> Any:
        return find("Bucketize")(transformation_cache.get(self.source_column, state_manager), boundaries=self.boundaries)

    def get_dense_tensor(self, transformation_cache: Any, state_manager: Any) -> Any:
        found = transformation_cache.get(self, state_manager)
        return one_hot(find("Cast")(found, DstT=dtypes.int64), len(self.boundaries) + 1, 1.0, 0.0)

    def get_sparse_tensors(self, transformation_cache: Any, state_manager: Any) -> Any:
        found = transformation_cache.get(self, state_manager)
        n, width = shape(found)[0], self.source_column.shape[0]
        rows = reshape(find("Tile")(find("ExpandDims")(find("Range")(0, n, 1), 1), [1, width]), (-1,))
        columns = find("Tile")(find("Range")(0, width, 1), find("Reshape")(n, [1]))
        ids = find("AddV2")(reshape(found, (-1,)), find("Mul")(len(self.boundaries) + 1, columns))
        indices = find("Cast")(find("Transpose")(find("Pack")([rows, columns], axis=0), [1, 0]), DstT=dtypes.int64)
        whole = find("Cast")(find("Pack")([n, width], axis=0), DstT=dtypes.int64)
        return CategoricalColumn.IdWeightPair(SparseTensor(indices, ids, whole), None)


@export("feature_column.bucketized_column")
def bucketized_column(source_column: Any, boundaries: Any) -> Any:
    """The bucket that each number of a numeric column falls in; bucket i holds boundaries[i - 1] <= x < boundaries[i]."""
    if not isinstance(source_column, NumericColumn):
        raise ValueError(f"source_column must be a column generated with numeric_column(). Given: {source_column}")
    if len(source_column.shape) > 1:
        raise ValueError(f"source_column must be one-dimensional column. Given: {source_column}")
    if not boundaries:
        raise ValueError("boundaries must not be empty.")
    if not isinstance(boundaries, (list, tuple)):
        raise ValueError("boundaries must be a sorted list.")
    for low, high in zip(boundaries, boundaries[1:]):
        if low >= high:
            raise ValueError("boundaries must be a sorted list.")
    return BucketizedColumn(source_column, tuple(boundaries))


# -- indicators --------------------------------------------------------------------------------------------------------
class IndicatorColumn(ByFields, DenseColumn, SequenceDenseColumn, collections.namedtuple("IndicatorColumn", ("categorical_column",))):
    """See `indicator_column`."""

    name = property(lambda s: f"{s.categorical_column.name}_indicator")
    parents = property(lambda s: [s.categorical_column])
    parse_example_spec = property(lambda s: s.categorical_column.parse_example_spec)

    @property
    def variable_shape(self) -> Any:
        if isinstance(self.categorical_column, CategoricalColumn):
            return TensorShape([1, self.categorical_column.num_buckets])
        return TensorShape([1, self.categorical_column._num_buckets])

    def transform_feature(self, transformation_cache: Any, state_manager: Any) -> Any:
        ids, weights = self.categorical_column.get_sparse_tensors(transformation_cache, state_manager)
        count = int(self.variable_shape.as_list()[-1])
        if weights is not None:
            merged = sparse_merge_impl(ids, weights, count, already_sorted=False)
            kept = SparseTensor(*sparse_slice(merged.indices, merged.values, merged.dense_shape, [0, 0], merged.dense_shape))
            return find("ScatterNd")(kept.indices, kept.values, kept.dense_shape)
        return find("Sum")(one_hot(sparse_tensor_to_dense(ids, default_value=-1), depth=count, on_value=1.0, off_value=0.0), [-2])

    def get_dense_tensor(self, transformation_cache: Any, state_manager: Any) -> Any:
        _not_a_sequence("indicator_column", self)
        return transformation_cache.get(self, state_manager)

    def get_sequence_dense_tensor(self, transformation_cache: Any, state_manager: Any) -> Any:
        _a_sequence("indicator_column", self)
        dense = transformation_cache.get(self, state_manager)
        ids = self.categorical_column.get_sparse_tensors(transformation_cache, state_manager).id_tensor
        return SequenceDenseColumn.TensorSequenceLengthPair(dense, sequence_lengths(ids))


@export("feature_column.indicator_column")
def indicator_column(categorical_column: Any) -> Any:
    """How often each id of a categorical column occurs in an example: [batch, num_buckets]."""
    if not isinstance(categorical_column, CategoricalColumn):
        raise ValueError(f"Unsupported input type. Input must be a CategoricalColumn. Given: {categorical_column}")
    return IndicatorColumn(categorical_column)


# -- embeddings --------------------------------------------------------------------------------------------------------
def look_up(column: Any, table: Any, ids: Any, weights: Any) -> Any:
    """The rows of the table that each example's ids name, combined."""
    safe = column.use_safe_embedding_lookup
    return (safe_embedding_lookup_sparse if safe else embedding_lookup_sparse)(
        table, ids, weights, combiner=column.combiner, name=f"{column.name}_weights", max_norm=column.max_norm
    )


def from_checkpoint(column: Any, table: Any) -> None:
    """Say that the table's first value comes from a checkpoint."""
    if column.ckpt_to_load_from is not None:
        from penstock.train.warm_starting import init_from_checkpoint

        parts = list(table) if hasattr(table, "_get_variable_list") else table
        init_from_checkpoint(column.ckpt_to_load_from, {column.tensor_name_in_ckpt: parts})


_EMBEDDING = ("categorical_column", "dimension", "combiner", "initializer", "ckpt_to_load_from", "tensor_name_in_ckpt", "max_norm", "trainable", "use_safe_embedding_lookup")


class EmbeddingColumn(ByFields, DenseColumn, SequenceDenseColumn, collections.namedtuple("EmbeddingColumn", _EMBEDDING)):
    """See `embedding_column`."""

    def __new__(cls, categorical_column: Any, dimension: int, combiner: str, initializer: Any, ckpt_to_load_from: Any, tensor_name_in_ckpt: Any, max_norm: Any,
                trainable: bool, use_safe_embedding_lookup: bool = True) -> Any:  # fmt: skip
        return super().__new__(cls, categorical_column, dimension, combiner, initializer, ckpt_to_load_from, tensor_name_in_ckpt, max_norm, trainable,
                               use_safe_embedding_lookup)  # fmt: skip

    name = property(lambda s: f"{s.categorical_column.name}_embedding")
    parents = property(lambda s: [s.categorical_column])
    parse_example_spec = property(lambda s: s.categorical_column.parse_example_spec)
    variable_shape = property(lambda s: TensorShape([s.dimension]))

    def create_state(self, state_manager: Any) -> None:
        rows = getattr(self.categorical_column, "num_buckets", None) or self.categorical_column._num_buckets
        state_manager.create_variable(
            self, name="embedding_weights", shape=(rows, self.dimension), dtype=dtypes.float32, trainable=self.trainable, use_resource=True, initializer=self.initializer
        )

    def transform_feature(self, transformation_cache: Any, state_manager: Any) -> Any:
        return transformation_cache.get(self.categorical_column, state_manager)

    def _looked_up(self, transformation_cache: Any, state_manager: Any) -> Any:
        ids, weights = self.categorical_column.get_sparse_tensors(transformation_cache, state_manager)
        table = state_manager.get_variable(self, name="embedding_weights")
        from_checkpoint(self, table)
        return look_up(self, table, ids, weights)

    def get_dense_tensor(self, transformation_cache: Any, state_manager: Any) -> Any:
        _not_a_sequence("embedding_column", self)
        return self._looked_up(transformation_cache, state_manager)

    def get_sequence_dense_tensor(self, transformation_cache: Any, state_manager: Any) -> Any:
        _a_sequence("embedding_column", self)
        dense = self._looked_up(transformation_cache, state_manager)
        ids = self.categorical_column.get_sparse_tensors(transformation_cache, state_manager).id_tensor
        return SequenceDenseColumn.TensorSequenceLengthPair(dense, sequence_lengths(ids))


def _settled(dimension: Any, initializer: Any, ckpt: Any, tensor_name: Any, what: str, default_stddev: bool = True) -> Any:
    if dimension is None or dimension < 1:
        raise ValueError(f"Invalid dimension {dimension}.")
    if (ckpt is None) != (tensor_name is None):
        raise ValueError("Must specify both `ckpt_to_load_from` and `tensor_name_in_ckpt` or none of them.")
    if initializer is not None and not callable(initializer):
        raise ValueError(f"initializer must be callable if specified. {what}")
    return TruncatedNormalV1(mean=0.0, stddev=1 / math.sqrt(dimension)) if initializer is None else initializer


@export("feature_column.embedding_column")
def embedding_column(
    categorical_column: Any, dimension: int, combiner: str = "mean", initializer: Any = None, ckpt_to_load_from: Any = None, tensor_name_in_ckpt: Any = None,
    max_norm: Any = None, trainable: bool = True, use_safe_embedding_lookup: bool = True,
) -> Any:  # fmt: skip
    """The rows of a trained table [num_buckets, dimension] that an example's ids name, combined: [batch, dimension]."""
    initializer = _settled(dimension, initializer, ckpt_to_load_from, tensor_name_in_ckpt, f"Embedding of column_name: {getattr(categorical_column, 'name', categorical_column)}")
    return EmbeddingColumn(categorical_column, dimension, combiner, initializer, ckpt_to_load_from, tensor_name_in_ckpt, max_norm, trainable, use_safe_embedding_lookup)


class SharedEmbeddingColumnCreator:
    """The one table of several columns, made when the first of them is used."""

    def __init__(self, dimension: int, initializer: Any, ckpt_to_load_from: Any, tensor_name_in_ckpt: Any, num_buckets: int, trainable: bool, name: str,
                 use_safe_embedding_lookup: bool = True):  # fmt: skip
        self._dimension, self._initializer, self._num_buckets, self._trainable = dimension, initializer, num_buckets, trainable
        self.ckpt_to_load_from, self.tensor_name_in_ckpt, self._name, self._safe = ckpt_to_load_from, tensor_name_in_ckpt, name, use_safe_embedding_lookup
        self._tables: dict[Any, Any] = {}

    dimension = property(lambda s: s._dimension)
    name = property(lambda s: s._name)

    def __call__(self, categorical_column: Any, combiner: str, max_norm: Any) -> Any:
        return SharedEmbeddingColumn(categorical_column, self, combiner, max_norm, self._safe)

    @property
    def embedding_weights(self) -> Any:
        from penstock.state.scopes import get_variable

        graph = door.current()
        if graph not in self._tables:
            table = get_variable(self._name, shape=(self._num_buckets, self._dimension), dtype=dtypes.float32, initializer=self._initializer, trainable=self._trainable)
            from_checkpoint(self, table)
            self._tables[graph] = table
        return self._tables[graph]


_SHARED = ("categorical_column", "shared_embedding_column_creator", "combiner", "max_norm", "use_safe_embedding_lookup")


class SharedEmbeddingColumn(ByFields, DenseColumn, SequenceDenseColumn, collections.namedtuple("SharedEmbeddingColumn", _SHARED)):
    """See `shared_embeddings`."""

    name = property(lambda s: f"{s.categorical_column.name}_shared_embedding")
    parents = property(lambda s: [s.categorical_column])
    parse_example_spec = property(lambda s: s.categorical_column.parse_example_spec)
    variable_shape = property(lambda s: TensorShape([s.shared_embedding_column_creator.dimension]))

    def transform_feature(self, transformation_cache: Any, state_manager: Any) -> Any:
        return transformation_cache.get(self.categorical_column, state_manager)

    def _looked_up(self, transformation_cache: Any, state_manager: Any) -> Any:
        ids, weights = self.categorical_column.get_sparse_tensors(transformation_cache, state_manager)
        return look_up(self, self.shared_embedding_column_creator.embedding_weights, ids, weights)

    def get_dense_tensor(self, transformation_cache: Any, state_manager: Any) -> Any:
        _not_a_sequence("embedding_column", self)
        return self._looked_up(transformation_cache, state_manager)

    def get_sequence_dense_tensor(self, transformation_cache: Any, state_manager: Any) -> Any:
        _a_sequence("embedding_column", self)
        dense = self._looked_up(transformation_cache, state_manager)
        ids = self.categorical_column.get_sparse_tensors(transformation_cache, state_manager).id_tensor
        return SequenceDenseColumn.TensorSequenceLengthPair(dense, sequence_lengths(ids))


class ScopedSharedEmbeddingColumn(ByFields, DenseColumn, SequenceDenseColumn, collections.namedtuple("_SharedEmbeddingColumn", (*_EMBEDDING[:4], "shared_embedding_collection_name", *_EMBEDDING[4:]))):
    """See `shared_embedding_columns`: the table lies in the scope of the first layer that uses it."""

    name = property(lambda s: f"{s.categorical_column.name}_shared_embedding")
    parents = property(lambda s: [s.categorical_column])
    parse_example_spec = property(lambda s: s.categorical_column.parse_example_spec)
    variable_shape = property(lambda s: TensorShape([s.dimension]))
    _var_scope_name = property(lambda s: s.shared_embedding_collection_name)

    def transform_feature(self, transformation_cache: Any, state_manager: Any) -> Any:
        return transformation_cache.get(self.categorical_column, state_manager)

    def create_state(self, state_manager: Any) -> None:
        from penstock.fronts.default_graph import get_default_graph

        held = get_default_graph().get_collection_ref(self.shared_embedding_collection_name)
        if not held:
            rows = self.categorical_column.num_buckets
            table = state_manager.create_variable(self, name="embedding_weights", shape=(rows, self.dimension), dtype=dtypes.float32, trainable=self.trainable,
                                                  use_resource=True, initializer=self.initializer)  # fmt: skip
            from_checkpoint(self, table)
            held.append(table)
        else:
            shape_of = held[0].shape.as_list()
            if shape_of != [self.categorical_column.num_buckets, self.dimension]:
                raise ValueError(f"Shared embedding collection {self.shared_embedding_collection_name} contains variable {held[0].name} of unexpected shape {held[0].shape}. "
                                 f"Expected shape is {[self.categorical_column.num_buckets, self.dimension]}. Please make sure to use different embedding sizes or names.")  # fmt: skip

    def _looked_up(self, transformation_cache: Any, state_manager: Any) -> Any:
        from penstock.fronts.default_graph import get_default_graph

        ids, weights = self.categorical_column.get_sparse_tensors(transformation_cache, state_manager)
        return look_up(self, get_default_graph().get_collection(self.shared_embedding_collection_name)[0], ids, weights)

    get_dense_tensor = SharedEmbeddingColumn.get_dense_tensor
    get_sequence_dense_tensor = SharedEmbeddingColumn.get_sequence_dense_tensor


def _sharing(columns: Any, collection: Any) -> tuple[list[Any], int, str]:
    """The columns in the order of their names, how many ids they have, and the name of what they share."""
    sorted_columns = sorted(columns, key=lambda c: c.name)
    first = sorted_columns[0]
    inner = lambda c: c.categorical_column if type(c).__name__ in ("WeightedCategoricalColumn", "SequenceCategoricalColumn") else c
    for column in sorted_columns[1:]:
        if column.num_buckets != first.num_buckets:
            raise ValueError(f"To use shared_embedding_column, all categorical_columns must have the same number of buckets. Given column: {first} with buckets: "
                             f"{first.num_buckets} does  not match column: {column} with buckets: {column.num_buckets}")  # fmt: skip
        if type(inner(inner(column))) is not type(inner(inner(first))):
            raise ValueError("To use shared_embedding_column, all categorical_columns must have the same type, or be weighted_categorical_column or sequence column of the same "
                             f"type. Given column: {first} of type: {type(first)} does not match given column: {column} of type: {type(column)}")  # fmt: skip
    return sorted_columns, first.num_buckets, collection or "_".join(c.name for c in sorted_columns) + "_shared_embedding"


@export(v2=("feature_column.shared_embeddings",))
def shared_embeddings(
    categorical_columns: Any, dimension: int, combiner: str = "mean", initializer: Any = None, shared_embedding_collection_name: str | None = None,
    ckpt_to_load_from: Any = None, tensor_name_in_ckpt: Any = None, max_norm: Any = None, trainable: bool = True, use_safe_embedding_lookup: bool = True,
) -> list[Any]:  # fmt: skip
    """Embedding columns, one for each categorical column, that share one table."""
    if not door.current().is_graph:
        raise RuntimeError("shared_embedding_columns are not supported when eager execution is enabled.")
    initializer = _settled(dimension, initializer, ckpt_to_load_from, tensor_name_in_ckpt, "")
    _, buckets, name = _sharing(categorical_columns, shared_embedding_collection_name)
    creator = SharedEmbeddingColumnCreator(dimension, initializer, ckpt_to_load_from, tensor_name_in_ckpt, buckets, trainable, name, use_safe_embedding_lookup)
    return [creator(c, combiner=combiner, max_norm=max_norm) for c in categorical_columns]


@export(v1=("feature_column.shared_embedding_columns",))
def shared_embedding_columns(
    categorical_columns: Any, dimension: int, combiner: str = "mean", initializer: Any = None, shared_embedding_collection_name: str | None = None,
    ckpt_to_load_from: Any = None, tensor_name_in_ckpt: Any = None, max_norm: Any = None, trainable: bool = True, use_safe_embedding_lookup: bool = True,
) -> list[Any]:  # fmt: skip
    """Embedding columns, one for each categorical column, that share one table (for `input_layer`)."""
    if not door.current().is_graph:
        raise RuntimeError("shared_embedding_columns are not supported when eager execution is enabled.")
    initializer = _settled(dimension, initializer, ckpt_to_load_from, tensor_name_in_ckpt, "")
    _, _, name = _sharing(categorical_columns, shared_embedding_collection_name)
    return [ScopedSharedEmbeddingColumn(c, dimension, combiner, initializer, name, ckpt_to_load_from, tensor_name_in_ckpt, max_norm, trainable, use_safe_embedding_lookup)
            for c in categorical_columns]  # fmt: skip
