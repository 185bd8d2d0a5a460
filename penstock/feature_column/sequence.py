"""Columns of sequences, and the layers that take them."""

import collections
from typing import Any

import numpy as np

from penstock.base import dtypes
from penstock.base.export import export
from penstock.base.shape import TensorShape
from penstock.feature_column import categorical
from penstock.feature_column.base import CategoricalColumn, SequenceDenseColumn, check_key, sequence_lengths, to_sparse
from penstock.feature_column.config import ByFields
from penstock.feature_column.dense import check_shape
from penstock.ir.op import find
from penstock.ops.parsing_features import VarLenFeature
from penstock.ops.reduce import reduce_prod
from penstock.ops.sparse import sparse_reshape, sparse_tensor_to_dense


class SequenceCategoricalColumn(ByFields, CategoricalColumn, collections.namedtuple("SequenceCategoricalColumn", ("categorical_column",))):
    """The ids of a column, step after step: SparseTensors [batch, steps, ids]."""

    name = property(lambda s: s.categorical_column.name)
    parents = property(lambda s: [s.categorical_column])
    parse_example_spec = property(lambda s: s.categorical_column.parse_example_spec)
    num_buckets = property(lambda s: s.categorical_column.num_buckets)

    def transform_feature(self, transformation_cache: Any, state_manager: Any) -> Any:
        return self.categorical_column.transform_feature(transformation_cache, state_manager)

    def get_sparse_tensors(self, transformation_cache: Any, state_manager: Any) -> Any:
        ids, weights = self.categorical_column.get_sparse_tensors(transformation_cache, state_manager)
        dims = ids.dense_shape
        steps = [dims[0], dims[1], reduce_prod(dims[2:])]
        ids = sparse_reshape(ids, steps)
        return CategoricalColumn.IdWeightPair(ids, None if weights is None else sparse_reshape(weights, steps))


@export("feature_column.sequence_categorical_column_with_identity")
def sequence_categorical_column_with_identity(key: Any, num_buckets: int, default_value: Any = None) -> Any:
    """`categorical_column_with_identity` of a sequence."""
    return SequenceCategoricalColumn(categorical.categorical_column_with_identity(key=key, num_buckets=num_buckets, default_value=default_value))


@export("feature_column.sequence_categorical_column_with_hash_bucket")
def sequence_categorical_column_with_hash_bucket(key: Any, hash_bucket_size: int, dtype: Any = dtypes.string) -> Any:
    """`categorical_column_with_hash_bucket` of a sequence."""
    return SequenceCategoricalColumn(categorical.categorical_column_with_hash_bucket(key=key, hash_bucket_size=hash_bucket_size, dtype=dtype))


@export("feature_column.sequence_categorical_column_with_vocabulary_file")
def sequence_categorical_column_with_vocabulary_file(
    key: Any, vocabulary_file: Any, vocabulary_size: Any = None, num_oov_buckets: int = 0, default_value: Any = None, dtype: Any = dtypes.string
) -> Any:  # fmt: skip
    """`categorical_column_with_vocabulary_file` of a sequence."""
    return SequenceCategoricalColumn(categorical.categorical_column_with_vocabulary_file(
        key=key, vocabulary_file=vocabulary_file, vocabulary_size=vocabulary_size, num_oov_buckets=num_oov_buckets, default_value=default_value, dtype=dtype))  # fmt: skip


@export("feature_column.sequence_categorical_column_with_vocabulary_list")
def sequence_categorical_column_with_vocabulary_list(key: Any, vocabulary_list: Any, dtype: Any = None, default_value: int = -1, num_oov_buckets: int = 0) -> Any:
    """`categorical_column_with_vocabulary_list` of a sequence."""
    return SequenceCategoricalColumn(categorical.categorical_column_with_vocabulary_list(
        key=key, vocabulary_list=vocabulary_list, dtype=dtype, default_value=default_value, num_oov_buckets=num_oov_buckets))  # fmt: skip


class SequenceNumericColumn(ByFields, SequenceDenseColumn, collections.namedtuple("SequenceNumericColumn", ("key", "shape", "default_value", "dtype", "normalizer_fn"))):
    """See `sequence_numeric_column`."""

    name = property(lambda s: s.key)
    parents = property(lambda s: [s.key])
    variable_shape = property(lambda s: TensorShape(s.shape))

    @property
    def parse_example_spec(self) -> dict[str, Any]:
        return {self.key: VarLenFeature(self.dtype)}

    def transform_feature(self, transformation_cache: Any, state_manager: Any) -> Any:
        found = to_sparse(transformation_cache.get(self.key, state_manager))
        return found if self.normalizer_fn is None else self.normalizer_fn(found)

    def get_sequence_dense_tensor(self, transformation_cache: Any, state_manager: Any) -> Any:
        found = transformation_cache.get(self, state_manager)
        dense = sparse_tensor_to_dense(found, default_value=self.default_value)
        dense = find("Reshape")(dense, find("ConcatV2")([find("Shape")(dense)[:1], np.array([-1, *self.shape], np.int32)], 0))
        # a rank 2 SparseTensor is [batch, steps * elements], one of rank 3 [batch, steps, elements]
        elements = self.variable_shape.num_elements() if found.shape.rank in (None, 2) else 1
        return SequenceDenseColumn.TensorSequenceLengthPair(dense, sequence_lengths(found, elements))


@export("feature_column.sequence_numeric_column")
def sequence_numeric_column(key: Any, shape: Any = (1,), default_value: float = 0.0, dtype: Any = dtypes.float32, normalizer_fn: Any = None) -> Any:
    """Numbers, step after step: a SparseTensor read as [batch, steps, *shape]."""
    sizes = check_shape(shape, key)
    dtype = dtypes.as_dtype(dtype)
    if not (dtype.is_integer or dtype.is_floating):
        raise ValueError(f"dtype must be convertible to float. dtype: {dtype}, key: {key}")
    if normalizer_fn is not None and not callable(normalizer_fn):
        raise TypeError(f"normalizer_fn must be a callable. Given: {normalizer_fn}")
    check_key(key)
    return SequenceNumericColumn(key, shape=sizes, default_value=default_value, dtype=dtype, normalizer_fn=normalizer_fn)
