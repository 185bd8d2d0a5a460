"""Columns that give ids: of whole numbers, of hashes, of vocabularies, of crosses, with weights."""

import collections
from typing import Any

import numpy as np

from penstock.base import dtypes
from penstock.base.export import export
from penstock.feature_column.base import CategoricalColumn, FeatureColumn, check_key, check_text_or_whole, to_sparse
from penstock.feature_column.config import ByFields
from penstock.fronts.lift import init_scope
from penstock.ir.op import find
from penstock.ops.crossing import _cross_hashed
from penstock.ops.parsing_features import VarLenFeature
from penstock.ops.sparse_tensor import SparseTensor, is_sparse
from penstock.platform.messages import info
from penstock.state.lookup import KeyValueTensorInitializer, StaticHashTable, StaticVocabularyTable, TextFileInitializer


class _Ids(ByFields, CategoricalColumn):
    """What the columns of one key share."""

    @property
    def name(self) -> str:
        return self.key  # type: ignore[attr-defined]

    @property
    def parents(self) -> list[Any]:
        return [self.key]  # type: ignore[attr-defined]

    @property
    def parse_example_spec(self) -> dict[str, Any]:
        return {self.key: VarLenFeature(getattr(self, "dtype", dtypes.int64))}  # type: ignore[attr-defined]

    def transform_feature(self, transformation_cache: Any, state_manager: Any) -> Any:
        found = to_sparse(transformation_cache.get(self.key, state_manager))  # type: ignore[attr-defined]
        return self._ids(found, state_manager)

    def get_sparse_tensors(self, transformation_cache: Any, state_manager: Any) -> Any:
        return CategoricalColumn.IdWeightPair(transformation_cache.get(self, state_manager), None)

    def _ids(self, found: Any, state_manager: Any) -> Any:
        raise NotImplementedError

    def _check_kind(self, found: Any) -> None:
        dtype = self.dtype  # type: ignore[attr-defined]
        if dtype.is_integer != found.dtype.is_integer:
            raise ValueError(f"Column dtype and SparseTensors dtype must be compatible. key: {self.key}, column dtype: {dtype}, tensor dtype: {found.dtype}")  # type: ignore[attr-defined]
        check_text_or_whole(found.dtype, f"column_name: {self.key} input_tensor")  # type: ignore[attr-defined]

    def _table(self, state_manager: Any, make: Any) -> Any:
        """The column's table, made once for each state manager."""
        name = f"{self.key}_lookup"  # type: ignore[attr-defined]
        try:
            if state_manager is not None and state_manager.has_resource(self, name):
                return state_manager.get_resource(self, name)
        except NotImplementedError:
            return make(name)
        with init_scope():
            table = make(name)
        if state_manager is not None:
            state_manager.add_resource(self, name, table)
        return table


# -- whole numbers -----------------------------------------------------------------------------------------------------
class IdentityCategoricalColumn(_Ids, collections.namedtuple("IdentityCategoricalColumn", ("key", "number_buckets", "default_value"))):
    """See `categorical_column_with_identity`."""

    num_buckets = property(lambda s: s.number_buckets)

    def _ids(self, found: Any, state_manager: Any) -> Any:
        if not found.dtype.is_integer:
            raise ValueError(f"Invalid input, not integer. key: {self.key} dtype: {found.dtype}")
        values = found.values
        values = values if values.dtype is dtypes.int64 else find("Cast")(values, DstT=dtypes.int64, name="values")
        if self.default_value is not None:
            count = np.int64(self.num_buckets)
            wrong = find("LogicalOr")(find("Less")(values, np.int64(0)), find("GreaterEqual")(values, count), name="out_of_range")
            default = find("Fill")(find("Shape")(values), np.int64(self.default_value))
            values = find("SelectV2")(wrong, default, values)
        return SparseTensor(found.indices, values, found.dense_shape)


@export("feature_column.categorical_column_with_identity")
def categorical_column_with_identity(key: Any, num_buckets: int, default_value: Any = None) -> Any:
    """Whole numbers 0 .. num_buckets - 1 as ids; others are `default_value`, or left out."""
    check_key(key)
    if num_buckets < 1:
        raise ValueError(f"num_buckets {num_buckets} < 1, column_name {key}")
    if default_value is not None and (default_value < 0 or default_value >= num_buckets):
        raise ValueError(f"default_value {default_value} not in range [0, {num_buckets}), column_name {key}")
    return IdentityCategoricalColumn(key=key, number_buckets=num_buckets, default_value=default_value)


# -- hashes ------------------------------------------------------------------------------------------------------------
class HashedCategoricalColumn(_Ids, collections.namedtuple("HashedCategoricalColumn", ("key", "hash_bucket_size", "dtype"))):
    """See `categorical_column_with_hash_bucket`."""

    num_buckets = property(lambda s: s.hash_bucket_size)

    def _ids(self, found: Any, state_manager: Any) -> Any:
        self._check_kind(found)
        text = found.values if self.dtype is dtypes.string else find("AsString")(found.values)
        ids = find("StringToHashBucketFast")(text, num_buckets=self.hash_bucket_size, name="lookup")
        return SparseTensor(found.indices, ids, found.dense_shape)


@export("feature_column.categorical_column_with_hash_bucket")
def categorical_column_with_hash_bucket(key: Any, hash_bucket_size: int, dtype: Any = dtypes.string) -> Any:
    """Strings or whole numbers as the buckets of their hash."""
    if hash_bucket_size is None:
        raise ValueError(f"hash_bucket_size must be set. key: {key}")
    if hash_bucket_size < 1:
        raise ValueError(f"hash_bucket_size must be at least 1. hash_bucket_size: {hash_bucket_size}, key: {key}")
    check_key(key)
    dtype = dtypes.as_dtype(dtype)
    check_text_or_whole(dtype, f"column_name: {key}")
    return HashedCategoricalColumn(key, hash_bucket_size, dtype)


# -- vocabularies ------------------------------------------------------------------------------------------------------
def _index(initializer: Any, default: int, num_oov_buckets: int, dtype: Any, name: str) -> Any:
    if num_oov_buckets:
        return StaticVocabularyTable(initializer, num_oov_buckets, lookup_key_dtype=dtype, name=name)
    return StaticHashTable(initializer, np.int64(default), name=name)


class _Vocabulary(_Ids):
    def _ids(self, found: Any, state_manager: Any) -> Any:
        self._check_kind(found)
        key_dtype = self.dtype  # type: ignore[attr-defined]
        if found.dtype.is_integer:
            key_dtype = dtypes.int64
            found = SparseTensor(found.indices, find("Cast")(found.values, DstT=dtypes.int64), found.dense_shape)
        table = self._table(state_manager, lambda name: self._make_table(key_dtype, name))
        return table.lookup(found)

    def _make_table(self, key_dtype: Any, name: str) -> Any:
        raise NotImplementedError


_FILE = ("key", "vocabulary_file", "vocabulary_size", "num_oov_buckets", "dtype", "default_value", "file_format")


class VocabularyFileCategoricalColumn(_Vocabulary, collections.namedtuple("VocabularyFileCategoricalColumn", _FILE)):
    """See `categorical_column_with_vocabulary_file`."""

    def __new__(cls, key: Any, vocabulary_file: Any, vocabulary_size: Any, num_oov_buckets: int, dtype: Any, default_value: int, file_format: Any = None) -> Any:
        return super().__new__(cls, key, vocabulary_file, vocabulary_size, num_oov_buckets, dtype, default_value, file_format)

    num_buckets = property(lambda s: s.vocabulary_size + s.num_oov_buckets)

    def _make_table(self, key_dtype: Any, name: str) -> Any:
        from_file = TextFileInitializer(self.vocabulary_file, key_dtype, -2, dtypes.int64, -1, vocab_size=self.vocabulary_size, name=f"{name}_init")
        return _index(from_file, self.default_value, self.num_oov_buckets, key_dtype, name)


def _check_oov(default_value: Any, num_oov_buckets: Any, key: Any) -> Any:
    if num_oov_buckets:
        if default_value not in (None, -1):
            raise ValueError(f"Can't specify both num_oov_buckets and default_value in {key}.")
        if num_oov_buckets < 0:
            raise ValueError(f"Invalid num_oov_buckets {num_oov_buckets} in {key}.")
    return -1 if default_value is None else default_value


def _from_file(key: Any, vocabulary_file: Any, vocabulary_size: Any, num_oov_buckets: Any, default_value: Any, dtype: Any, file_format: Any = None) -> Any:
    if not vocabulary_file:
        raise ValueError(f"Missing vocabulary_file in {key}.")
    if file_format not in (None, "tfrecord_gzip"):
        raise ValueError(f"Unsupported file_format {file_format} in {key}; it is None for a text file.")
    if file_format is not None:
        raise ValueError(f"file_format={file_format!r} is for vocabularies written by tft.vocabulary; write {vocabulary_file} as a text file, one word a line ({key}).")
    if vocabulary_size is None:
        with open(vocabulary_file, "rb") as lines:
            vocabulary_size = sum(1 for _ in lines)
        info("vocabulary_size = %d in %s is inferred from the number of elements in the vocabulary_file %s.", vocabulary_size, key, vocabulary_file)
    if vocabulary_size < 1:
        raise ValueError(f"Invalid vocabulary_size in {key}.")
    default_value = _check_oov(default_value, num_oov_buckets, key)
    dtype = dtypes.as_dtype(dtype)
    check_text_or_whole(dtype, f"column_name: {key}")
    check_key(key)
    return VocabularyFileCategoricalColumn(key, vocabulary_file, vocabulary_size, num_oov_buckets or 0, dtype, default_value, file_format)


@export(v2=("feature_column.categorical_column_with_vocabulary_file",))
def categorical_column_with_vocabulary_file_v2(
    key: Any, vocabulary_file: Any, vocabulary_size: Any = None, dtype: Any = dtypes.string, default_value: Any = None, num_oov_buckets: int = 0, file_format: Any = None
) -> Any:  # fmt: skip
    """Words as their line numbers in a file; others are `default_value`, a bucket of `num_oov_buckets`, or left out."""
    return _from_file(key, vocabulary_file, vocabulary_size, num_oov_buckets, default_value, dtype, file_format)


@export(v1=("feature_column.categorical_column_with_vocabulary_file",))
def categorical_column_with_vocabulary_file(
    key: Any, vocabulary_file: Any, vocabulary_size: Any = None, num_oov_buckets: int = 0, default_value: Any = None, dtype: Any = dtypes.string
) -> Any:  # fmt: skip
    """Words as their line numbers in a file, with the parameters of 1.x."""
    return _from_file(key, vocabulary_file, vocabulary_size, num_oov_buckets, default_value, dtype)


_LIST = ("key", "vocabulary_list", "dtype", "default_value", "num_oov_buckets")


class VocabularyListCategoricalColumn(_Vocabulary, collections.namedtuple("VocabularyListCategoricalColumn", _LIST)):
    """See `categorical_column_with_vocabulary_list`."""

    num_buckets = property(lambda s: len(s.vocabulary_list) + s.num_oov_buckets)

    def _make_table(self, key_dtype: Any, name: str) -> Any:
        words = np.array(self.vocabulary_list)
        words = words.astype(np.int64) if key_dtype.is_integer else np.array([str(w).encode() if isinstance(w, str) else w for w in self.vocabulary_list], object)
        from_list = KeyValueTensorInitializer(words, np.arange(len(words)), key_dtype, dtypes.int64, name=f"{name}_init")
        return _index(from_list, self.default_value, self.num_oov_buckets, key_dtype, name)


@export("feature_column.categorical_column_with_vocabulary_list")
def categorical_column_with_vocabulary_list(key: Any, vocabulary_list: Any, dtype: Any = None, default_value: int = -1, num_oov_buckets: int = 0) -> Any:
    """Words as their places in a list; others are `default_value`, a bucket of `num_oov_buckets`, or left out."""
    if vocabulary_list is None or len(vocabulary_list) < 1:
        raise ValueError(f"vocabulary_list {vocabulary_list} must be non-empty, column_name: {key}")
    if len(set(vocabulary_list)) != len(vocabulary_list):
        raise ValueError(f"Duplicate keys in vocabulary_list {vocabulary_list}, column_name: {key}")
    found = dtypes.as_dtype(np.array(vocabulary_list).dtype if np.array(vocabulary_list).dtype.kind not in "SU" else "string")
    if num_oov_buckets:
        if default_value != -1:
            raise ValueError(f"Can't specify both num_oov_buckets and default_value in {key}.")
        if num_oov_buckets < 0:
            raise ValueError(f"Invalid num_oov_buckets {num_oov_buckets} in {key}.")
    check_text_or_whole(found, f"column_name: {key} vocabulary")
    dtype = found if dtype is None else dtypes.as_dtype(dtype)
    if dtype.is_integer != found.is_integer:
        raise ValueError(f"dtype {dtype} and vocabulary dtype {found} do not match, column_name: {key}")
    check_text_or_whole(dtype, f"column_name: {key}")
    check_key(key)
    return VocabularyListCategoricalColumn(key, tuple(vocabulary_list), dtype, default_value, num_oov_buckets)


# -- weights -----------------------------------------------------------------------------------------------------------
class WeightedCategoricalColumn(ByFields, CategoricalColumn, collections.namedtuple("WeightedCategoricalColumn", ("categorical_column", "weight_feature_key", "dtype"))):
    """See `weighted_categorical_column`."""

    name = property(lambda s: f"{s.categorical_column.name}_weighted_by_{s.weight_feature_key}")
    parents = property(lambda s: [s.categorical_column, s.weight_feature_key])
    num_buckets = property(lambda s: s.categorical_column.num_buckets)

    @property
    def parse_example_spec(self) -> dict[str, Any]:
        spec = self.categorical_column.parse_example_spec
        if self.weight_feature_key in spec:
            raise ValueError(f"Parse config {spec[self.weight_feature_key]} already exists for {self.weight_feature_key}.")
        return {**spec, self.weight_feature_key: VarLenFeature(self.dtype)}

    def transform_feature(self, transformation_cache: Any, state_manager: Any) -> Any:
        weights = transformation_cache.get(self.weight_feature_key, state_manager)
        if weights is None:
            raise ValueError(f"Missing weights {self.weight_feature_key}.")
        if is_sparse(weights):
            weights = SparseTensor.from_value(weights)
        if self.dtype is not weights.dtype.base_dtype:
            raise ValueError(f"Bad dtype, expected {self.dtype}, but got {weights.dtype}.")
        if not is_sparse(weights):
            weights = to_sparse(weights, ignore=0.0)
        if not weights.dtype.is_floating:
            weights = weights.with_values(find("Cast")(weights.values, DstT=dtypes.float32))
        return transformation_cache.get(self.categorical_column, state_manager), weights

    def get_sparse_tensors(self, transformation_cache: Any, state_manager: Any) -> Any:
        return CategoricalColumn.IdWeightPair(*transformation_cache.get(self, state_manager))


@export("feature_column.weighted_categorical_column")
def weighted_categorical_column(categorical_column: Any, weight_feature_key: Any, dtype: Any = dtypes.float32) -> Any:
    """The ids of a column with weights from another feature."""
    if dtype is None or not (dtypes.as_dtype(dtype).is_integer or dtypes.as_dtype(dtype).is_floating):
        raise ValueError(f"dtype {dtype} is not convertible to float.")
    return WeightedCategoricalColumn(categorical_column, weight_feature_key, dtypes.as_dtype(dtype))


# -- crosses -----------------------------------------------------------------------------------------------------------
class CrossedColumn(ByFields, CategoricalColumn, collections.namedtuple("CrossedColumn", ("keys", "hash_bucket_size", "hash_key"))):
    """See `crossed_column`."""

    num_buckets = property(lambda s: s.hash_bucket_size)
    parents = property(lambda s: list(s.keys))

    @property
    def name(self) -> str:
        return "_X_".join(sorted(k.name if isinstance(k, FeatureColumn) else k for k in _leaves(self)))

    @property
    def parse_example_spec(self) -> dict[str, Any]:
        spec: dict[str, Any] = {}
        for key in self.keys:
            spec.update(key.parse_example_spec if isinstance(key, FeatureColumn) else {key: VarLenFeature(dtypes.string)})
        return spec

    def transform_feature(self, transformation_cache: Any, state_manager: Any) -> Any:
        found = []
        for key in _leaves(self):
            if isinstance(key, str):
                found.append(transformation_cache.get(key, state_manager))
                continue
            ids, weights = key.get_sparse_tensors(transformation_cache, state_manager)
            if weights is not None:
                raise ValueError(f"crossed_column does not support weight_tensor, but the given column populates weight_tensor. Given column: {key.name}")
            found.append(ids)
        return _cross_hashed(found, self.hash_bucket_size, self.hash_key, None)

    def get_sparse_tensors(self, transformation_cache: Any, state_manager: Any) -> Any:
        return CategoricalColumn.IdWeightPair(transformation_cache.get(self, state_manager), None)


def _leaves(cross: Any) -> list[Any]:
    found: list[Any] = []
    for key in cross.keys:
        found.extend(_leaves(key) if isinstance(key, CrossedColumn) else [key])
    return found


@export("feature_column.crossed_column")
def crossed_column(keys: Any, hash_bucket_size: int, hash_key: int | None = None) -> Any:
    """All combinations of the ids of several features, as the buckets of their hash."""
    if not hash_bucket_size or hash_bucket_size < 1:
        raise ValueError(f"hash_bucket_size must be > 1. hash_bucket_size: {hash_bucket_size}")
    if not keys or len(keys) < 2:
        raise ValueError(f"keys must be a list with length > 1. Given: {keys}")
    for key in keys:
        if not isinstance(key, (str, CategoricalColumn)):
            raise ValueError(f"Unsupported key type. All keys must be either string, or categorical column except HashedCategoricalColumn. Given: {key}")
        if isinstance(key, HashedCategoricalColumn):
            raise ValueError("categorical_column_with_hash_bucket is not supported for crossing. Hashing before crossing will increase probability of collision. "
                             f"Instead, use the feature name as a string. Given: {key}")  # fmt: skip
    return CrossedColumn(keys=tuple(keys), hash_bucket_size=hash_bucket_size, hash_key=hash_key)


@export("feature_column.make_parse_example_spec")
def make_parse_example_spec(feature_columns: Any) -> dict[str, Any]:
    """What `tf.io.parse_example` needs to read the features of the columns.

    >>> tf.feature_column.make_parse_example_spec([tf.feature_column.numeric_column("age")])
    {'age': FixedLenFeature(shape=(1,), dtype=tf.float32, default_value=None)}
    """
    spec: dict[str, Any] = {}
    for column in feature_columns:
        if not isinstance(column, FeatureColumn) and not hasattr(column, "_parse_example_spec"):
            raise ValueError(f"All feature_columns must be FeatureColumn instances. Given: {column}")
        for key, value in column._parse_example_spec.items():
            if key in spec and value != spec[key]:
                raise ValueError(f"feature_columns contain different parse_spec for key {key}. Given {value} and {spec[key]}")
            spec[key] = value
    return spec


