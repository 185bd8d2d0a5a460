"""`tf.contrib.lookup`: tables from vocabularies, to ids and back."""

import collections
from typing import Any

import penstock.compat.v1 as tf
from penstock.contrib.names import again, contrib, contrib_constant

HasherSpec = collections.namedtuple("HasherSpec", ["hasher", "key"])
FastHashSpec = HasherSpec("fasthash", None)
for _name in ("HasherSpec", "FastHashSpec"):
    contrib_constant(f"lookup.{_name}", module=__name__, attr=_name)
again("lookup", "lookup", "KeyValueTensorInitializer TextFileInitializer TextFileIndex")


@contrib("lookup.StrongHashSpec")
class StrongHashSpec(HasherSpec):
    """A keyed hash."""

    __slots__ = ()

    def __new__(cls, key: Any) -> "StrongHashSpec":
        if len(key) != 2:
            raise ValueError(f"key must have size 2, got {len(key)}")
        return super().__new__(cls, "stronghash", key)


@contrib("lookup.LookupInterface")
class LookupInterface:
    """The base of tables."""

    def __init__(self, key_dtype: Any, value_dtype: Any):
        self._key_dtype, self._value_dtype = tf.as_dtype(key_dtype), tf.as_dtype(value_dtype)

    key_dtype = property(lambda self: self._key_dtype)
    value_dtype = property(lambda self: self._value_dtype)


@contrib("lookup.HashTable")
class HashTable(tf.lookup.StaticHashTable):
    """A table that an initializer fills once."""

    def __init__(self, initializer: Any, default_value: Any, shared_name: Any = None, name: Any = None):
        super().__init__(initializer, default_value, name=name)

    @property
    def init(self) -> Any:
        return self.initializer


@contrib("lookup.MutableHashTable")
class MutableHashTable(tf.lookup.experimental.MutableHashTable):
    """A table that can be written."""

    def __init__(self, key_dtype: Any, value_dtype: Any, default_value: Any, name: str = "MutableHashTable", checkpoint: bool = True):
        super().__init__(key_dtype=key_dtype, value_dtype=value_dtype, default_value=default_value, name=name)


@contrib("lookup.MutableDenseHashTable")
class MutableDenseHashTable(tf.lookup.experimental.DenseHashTable):
    """A table that can be written, with keys for empty and deleted places."""

    def __init__(
        self, key_dtype: Any, value_dtype: Any, default_value: Any, empty_key: Any, deleted_key: Any, initial_num_buckets: Any = None,
        name: str = "MutableDenseHashTable", checkpoint: bool = True,
    ):  # fmt: skip
        super().__init__(key_dtype=key_dtype, value_dtype=value_dtype, default_value=default_value, empty_key=empty_key, deleted_key=deleted_key,
                         initial_num_buckets=initial_num_buckets, name=name)  # fmt: skip


@contrib("lookup.TextFileStringTableInitializer")
class TextFileStringTableInitializer(tf.lookup.TextFileInitializer):
    """Line numbers to lines."""

    def __init__(self, filename: Any, key_column_index: int = -1, value_column_index: int = -2, vocab_size: Any = None, delimiter: str = "\t", name: str = "text_file_string_table_init"):
        super().__init__(filename, tf.int64, key_column_index, tf.string, value_column_index, vocab_size=vocab_size, delimiter=delimiter, name=name)


@contrib("lookup.TextFileIdTableInitializer")
class TextFileIdTableInitializer(tf.lookup.TextFileInitializer):
    """Lines to line numbers."""

    def __init__(self, filename: Any, key_column_index: int = -2, value_column_index: int = -1, vocab_size: Any = None, delimiter: str = "\t", name: str = "text_file_id_table_init", key_dtype: Any = tf.string):
        super().__init__(filename, key_dtype, key_column_index, tf.int64, value_column_index, vocab_size=vocab_size, delimiter=delimiter, name=name)


@contrib("lookup.IdTableWithHashBuckets")
class IdTableWithHashBuckets(LookupInterface):
    """A table to ids whose unknown keys get one of `num_oov_buckets` ids behind the others."""

    def __init__(self, table: Any, num_oov_buckets: int, hasher_spec: Any = FastHashSpec, name: Any = None, key_dtype: Any = None):
        self._table = table
        if table is not None and not (key_dtype is None or tf.as_dtype(key_dtype) == table.key_dtype or tf.as_dtype(key_dtype).is_integer):
            raise TypeError(f"Invalid key dtype, expected one of {table.key_dtype}, integers; got {key_dtype}")
        if table is None and num_oov_buckets <= 0:
            raise ValueError("table and num_oov_buckets are not both provided: oov_buckets must be > 0 if no table is supplied.")
        self._num_oov_buckets, self._hasher_spec = num_oov_buckets, hasher_spec
        super().__init__(key_dtype or (table.key_dtype if table is not None else tf.string), tf.int64)

    @property
    def initializer(self) -> Any:
        return self._table.initializer if self._table is not None else tf.no_op()

    init = initializer

    @property
    def name(self) -> Any:
        return self._table.name if self._table is not None else None

    def size(self, name: Any = None) -> Any:
        with tf.name_scope(name, f"{'hash' if self._table is None else 'table'}_Size"):
            return (tf.constant(0, tf.int64) if self._table is None else tf.cast(self._table.size(), tf.int64)) + self._num_oov_buckets

    def lookup(self, keys: Any, name: Any = None) -> Any:
        """The ids of dense or sparse keys."""
        if not isinstance(keys, (tf.SparseTensor, tf.Tensor)):
            keys = tf.convert_to_tensor(keys)
        if keys.dtype.base_dtype != self._key_dtype:
            raise TypeError(f"Signature mismatch. Keys must be dtype {self._key_dtype}, got {keys.dtype}.")
        values = keys.values if isinstance(keys, tf.SparseTensor) else keys
        if self._table is not None and tf.as_dtype(self._table.key_dtype).is_integer:
            values = tf.to_int64(values)
        if self._num_oov_buckets == 0:
            ids = self._table.lookup(values, name=name)
        else:
            text = tf.as_string(values) if values.dtype != tf.string else values
            if self._hasher_spec.hasher == "stronghash":
                buckets = tf.strings.to_hash_bucket_strong(text, self._num_oov_buckets, list(self._hasher_spec.key))
            else:
                buckets = tf.strings.to_hash_bucket_fast(text, self._num_oov_buckets)
            if self._table is None:
                ids = buckets
            else:
                found = self._table.lookup(values)
                ids = tf.where(tf.not_equal(found, self._table.default_value), found, buckets + tf.cast(self._table.size(), tf.int64))
        return tf.SparseTensor(keys.indices, ids, keys.dense_shape) if isinstance(keys, tf.SparseTensor) else ids


def _with_buckets(table: Any, num_oov_buckets: int, hasher_spec: Any, key_dtype: Any) -> Any:
    return IdTableWithHashBuckets(table, num_oov_buckets, hasher_spec, key_dtype=key_dtype) if num_oov_buckets else table


@contrib("lookup.index_table_from_file", "lookup.string_to_index_table_from_file")
def index_table_from_file(
    vocabulary_file: Any = None, num_oov_buckets: int = 0, vocab_size: Any = None, default_value: int = -1, hasher_spec: Any = FastHashSpec,
    key_dtype: Any = tf.string, name: Any = None, key_column_index: int = -2, value_column_index: int = -1, delimiter: str = "\t",
) -> Any:  # fmt: skip
    """A table from the lines of a file to their numbers."""
    if vocabulary_file is None or isinstance(vocabulary_file, str) and not vocabulary_file:
        raise ValueError("vocabulary_file must be specified and must not be empty.")
    if num_oov_buckets < 0:
        raise ValueError(f"num_oov_buckets must be greater or equal than 0, got {num_oov_buckets}.")
    if vocab_size is not None and vocab_size < 1:
        raise ValueError(f"vocab_size must be greater than 0, got {vocab_size}. Use None to use all vocabulary from file.")
    with tf.name_scope(name, "string_to_index"):
        key = tf.as_dtype(key_dtype)
        init = TextFileIdTableInitializer(vocabulary_file, key_column_index, value_column_index, vocab_size, delimiter, key_dtype=tf.int64 if key.is_integer else key)
        return _with_buckets(HashTable(init, default_value), num_oov_buckets, hasher_spec, key_dtype)


@contrib("lookup.index_table_from_tensor", "lookup.string_to_index_table_from_tensor")
def index_table_from_tensor(mapping: Any, num_oov_buckets: int = 0, default_value: int = -1, hasher_spec: Any = FastHashSpec, dtype: Any = tf.string, name: Any = None) -> Any:
    """A table from the entries of `mapping` to their places."""
    if mapping is None:
        raise ValueError("mapping must be specified.")
    with tf.name_scope(name, "string_to_index"):
        keys = tf.convert_to_tensor(mapping)
        if tf.as_dtype(dtype).is_integer != keys.dtype.is_integer:
            raise ValueError(f"Expected {'integer' if tf.as_dtype(dtype).is_integer else 'non-integer'}, got {keys.dtype}.")
        if not keys.dtype.is_integer and keys.dtype != tf.as_dtype(dtype):
            raise ValueError(f"Expected {dtype}, got {keys.dtype}.")
        keys = tf.to_int64(keys) if keys.dtype.is_integer else keys
        values = tf.to_int64(tf.range(tf.size(keys)))
        table = HashTable(tf.lookup.KeyValueTensorInitializer(keys, values, keys.dtype, tf.int64), default_value)
        return _with_buckets(table, num_oov_buckets, hasher_spec, dtype)


@contrib("lookup.string_to_index")
def string_to_index(tensor: Any, mapping: Any, default_value: int = -1, name: Any = None) -> Any:
    """The places of strings in `mapping`."""
    return index_table_from_tensor(mapping, default_value=default_value).lookup(tensor, name=name)


@contrib("lookup.index_to_string_table_from_tensor")
def index_to_string_table_from_tensor(mapping: Any, default_value: str = "UNK", name: Any = None) -> Any:
    """A table from places to the entries of `mapping`."""
    if mapping is None:
        raise ValueError("mapping must be specified.")
    with tf.name_scope(name, "index_to_string"):
        values = tf.convert_to_tensor(mapping, tf.string)
        keys = tf.to_int64(tf.range(tf.size(values)))
        return HashTable(tf.lookup.KeyValueTensorInitializer(keys, values, tf.int64, tf.string), default_value)


@contrib("lookup.index_to_string_table_from_file")
def index_to_string_table_from_file(
    vocabulary_file: Any, vocab_size: Any = None, default_value: str = "UNK", name: Any = None, key_column_index: int = -1,
    value_column_index: int = -2, delimiter: str = "\t",
) -> Any:  # fmt: skip
    """A table from line numbers to the lines of a file."""
    if not isinstance(vocabulary_file, tf.Tensor) and not vocabulary_file:
        raise ValueError("vocabulary_file must be specified and must not be empty.")
    if vocab_size is not None and vocab_size < 1:
        raise ValueError(f"vocab_size must be greater than 0, got {vocab_size}. Use None to use all vocabulary from file.")
    with tf.name_scope(name, "index_to_string"):
        return HashTable(TextFileStringTableInitializer(vocabulary_file, key_column_index, value_column_index, vocab_size, delimiter), default_value)


@contrib("lookup.index_to_string")
def index_to_string(tensor: Any, mapping: Any, default_value: str = "UNK", name: Any = None) -> Any:
    """The entries of `mapping` at places."""
    return index_to_string_table_from_tensor(mapping, default_value).lookup(tensor, name=name)
