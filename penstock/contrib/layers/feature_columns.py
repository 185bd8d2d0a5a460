"""`tf.contrib.layers.real_valued_column` and its kin: the columns of 2016, each the front of one of `tf.feature_column`."""

import collections
import math
from typing import Any

import penstock.compat.v1 as tf
from penstock.contrib.names import contrib

PYTHON = "layers.python.layers.feature_column."
_LOOKUP = ("vocabulary_file", "keys", "num_oov_buckets", "vocab_size", "default_value")
_SparseIdLookupConfig = collections.namedtuple("_SparseIdLookupConfig", _LOOKUP, defaults=(None, None, 0, None, -1))


def _contrib_column(name: str) -> Any:
    return contrib("layers." + name, PYTHON + name)


class _RealValuedColumn(collections.namedtuple("_RealValuedColumn", "column_name dimension default_value dtype normalizer")):
    __slots__ = ()
    new = property(lambda self: tf.feature_column.numeric_column(self.column_name, self.dimension, self.default_value, self.dtype, self.normalizer))
    name = property(lambda self: self.column_name)
    key = property(str)
    config = property(lambda self: {self.column_name: tf.FixedLenFeature([self.dimension], self.dtype, self.default_value)})


class _SparseColumn:
    """What the columns of ids share: how many ids there are, and how several of one example combine."""

    __slots__ = ()
    name = property(lambda self: self.column_name)
    key = property(str)
    config = property(lambda self: {self.column_name: tf.VarLenFeature(self.dtype)})
    length = property(lambda self: self.new.num_buckets)


_SPARSE = "column_name is_integerized bucket_size lookup_config combiner dtype"


class _SparseColumnIntegerized(_SparseColumn, collections.namedtuple("_SparseColumnIntegerized", _SPARSE)):
    __slots__ = ()
    new = property(lambda self: tf.feature_column.categorical_column_with_identity(self.column_name, self.bucket_size))


class _SparseColumnHashed(_SparseColumn, collections.namedtuple("_SparseColumnHashed", _SPARSE)):
    __slots__ = ()
    new = property(lambda self: tf.feature_column.categorical_column_with_hash_bucket(self.column_name, self.bucket_size, self.dtype))


class _SparseColumnKeys(_SparseColumn, collections.namedtuple("_SparseColumnKeys", _SPARSE)):
    __slots__ = ()

    @property
    def new(self) -> Any:
        known = self.lookup_config
        return tf.feature_column.categorical_column_with_vocabulary_list(self.column_name, known.keys, self.dtype, known.default_value)


class _BucketizedColumn(collections.namedtuple("_BucketizedColumn", "source_column boundaries")):
    __slots__ = ()
    combiner = "sqrtn"
    new = property(lambda self: tf.feature_column.bucketized_column(self.source_column.new, self.boundaries))
    name = property(lambda self: self.source_column.name + "_bucketized")
    key = property(str)
    config = property(lambda self: self.source_column.config)
    length = property(lambda self: len(self.boundaries) + 1)


class _CrossedColumn(collections.namedtuple("_CrossedColumn", "columns hash_bucket_size hash_key combiner ckpt_to_load_from tensor_name_in_ckpt")):
    __slots__ = ()
    name = property(lambda self: "_X_".join(sorted(c.name for c in self.columns)))
    key = property(str)
    length = property(lambda self: self.hash_bucket_size)

    @property
    def new(self) -> Any:
        parts = [c.new for c in sorted(self.columns, key=lambda c: c.name)]
        keys = [p.key if isinstance(c, _SparseColumnHashed) else p for c, p in zip(sorted(self.columns, key=lambda c: c.name), parts)]
        return tf.feature_column.crossed_column(keys, self.hash_bucket_size, self.hash_key)

    @property
    def config(self) -> dict[str, Any]:
        return {k: v for c in self.columns for k, v in c.config.items()}


_EMBEDDING = ("sparse_id_column dimension combiner initializer ckpt_to_load_from tensor_name_in_ckpt shared_embedding_name shared_vocab_size "
              "max_norm trainable")  # fmt: skip


class _EmbeddingColumn(collections.namedtuple("_EmbeddingColumn", _EMBEDDING)):
    __slots__ = ()
    name = property(lambda self: self.sparse_id_column.name + "_embedding")
    key = property(str)
    config = property(lambda self: self.sparse_id_column.config)


class _OneHotColumn(collections.namedtuple("_OneHotColumn", "sparse_id_column")):
    __slots__ = ()
    new = property(lambda self: tf.feature_column.indicator_column(self.sparse_id_column.new))
    name = property(lambda self: self.sparse_id_column.name + "_one_hot")
    key = property(str)
    config = property(lambda self: self.sparse_id_column.config)


@_contrib_column("real_valued_column")
def real_valued_column(column_name: str, dimension: int = 1, default_value: Any = None, dtype: Any = tf.float32, normalizer: Any = None) -> Any:
    """A column of `dimension` numbers."""
    if dimension is None:
        raise TypeError("dimension must be an integer. Use the _real_valued_var_len_column for variable length features."
                        f"dimension: None, column_name: {column_name}")  # fmt: skip
    if not isinstance(dimension, int):
        raise TypeError(f"dimension must be an integer. dimension: {dimension}, column_name: {column_name}")
    if dimension < 1:
        raise ValueError(f"dimension must be greater than 0. dimension: {dimension}, column_name: {column_name}")
    if not (dtype.is_integer or dtype.is_floating):
        raise ValueError(f"dtype must be convertible to float. dtype: {dtype}, column_name: {column_name}")
    if default_value is not None:
        default_value = (default_value,) * dimension if isinstance(default_value, (int, float)) else tuple(default_value)
    return _RealValuedColumn(column_name, dimension, default_value, dtype, normalizer)


@_contrib_column("sparse_column_with_hash_bucket")
def sparse_column_with_hash_bucket(column_name: str, hash_bucket_size: int, combiner: str = "sum", dtype: Any = tf.string) -> Any:
    """A column whose ids are hashes of its values."""
    if hash_bucket_size < 1:
        raise ValueError(f"hash_bucket_size must be at least 1. hash_bucket_size: {hash_bucket_size}, column_name: {column_name}")
    return _SparseColumnHashed(column_name, False, hash_bucket_size, None, combiner, dtype)


@_contrib_column("sparse_column_with_integerized_feature")
def sparse_column_with_integerized_feature(column_name: str, bucket_size: int, combiner: str = "sum", dtype: Any = tf.int64) -> Any:
    """A column whose values are the ids."""
    if not dtype.is_integer:
        raise ValueError(f"dtype must be an integer. dtype: {dtype}, column_name: {column_name}")
    return _SparseColumnIntegerized(column_name, True, bucket_size, None, combiner, dtype)


@_contrib_column("sparse_column_with_keys")
def sparse_column_with_keys(column_name: str, keys: Any, default_value: int = -1, combiner: str = "sum", dtype: Any = tf.string) -> Any:
    """A column whose ids are the places of its values in `keys`."""
    keys = tuple(keys)
    return _SparseColumnKeys(column_name, False, None, _SparseIdLookupConfig(keys=keys, vocab_size=len(keys), default_value=default_value), combiner, dtype)


@_contrib_column("bucketized_column")
def bucketized_column(source_column: Any, boundaries: Any) -> Any:
    """The bucket between `boundaries` that a number lies in."""
    if not isinstance(source_column, _RealValuedColumn):
        raise TypeError(f"source_column must be an instance of _RealValuedColumn. source_column: {source_column}")
    if not isinstance(boundaries, (list, tuple)) or not boundaries:
        raise ValueError(f"boundaries must be a non-empty list or tuple. boundaries: {boundaries}")
    if any(a >= b for a, b in zip(boundaries, boundaries[1:])):
        boundaries = sorted(set(boundaries))
    return _BucketizedColumn(source_column, tuple(boundaries))


@_contrib_column("crossed_column")
def crossed_column(columns: Any, hash_bucket_size: int, combiner: str = "sum", ckpt_to_load_from: Any = None, tensor_name_in_ckpt: Any = None,
                   hash_key: Any = None) -> Any:  # fmt: skip
    """Hashed ids of every combination of the values of two columns or more."""
    if len(columns) < 2:
        raise ValueError(f"columns must contain at least 2 elements. columns: {columns}")
    return _CrossedColumn(tuple(sorted(columns, key=str)), hash_bucket_size, hash_key, combiner, ckpt_to_load_from, tensor_name_in_ckpt)


@_contrib_column("embedding_column")
def embedding_column(sparse_id_column: Any, dimension: int, combiner: str = "mean", initializer: Any = None, ckpt_to_load_from: Any = None,
                     tensor_name_in_ckpt: Any = None, max_norm: Any = None, trainable: bool = True) -> Any:  # fmt: skip
    """A trained vector for each id of a column."""
    if initializer is not None and not callable(initializer):
        raise ValueError(f"initializer must be callable if specified. Embedding of column_name: {sparse_id_column.name}")
    start = tf.truncated_normal_initializer(mean=0.0, stddev=1 / math.sqrt(dimension)) if initializer is None else initializer
    return _EmbeddingColumn(sparse_id_column, dimension, combiner, start, ckpt_to_load_from, tensor_name_in_ckpt, None, None, max_norm, trainable)


@_contrib_column("one_hot_column")
def one_hot_column(sparse_id_column: Any) -> Any:
    """How often each id occurs in an example."""
    return _OneHotColumn(sparse_id_column)


@contrib("layers.create_feature_spec_for_parsing", PYTHON + "create_feature_spec_for_parsing")
def create_feature_spec_for_parsing(feature_columns: Any) -> dict[str, Any]:
    """The features that `tf.parse_example` needs for these columns."""
    return {key: spec for column in feature_columns for key, spec in column.config.items()}
