"""`tf.lookup`: tables from keys to values, and what fills them."""

import uuid
from typing import Any

import numpy as np

from penstock.base import dtypes
from penstock.base.dtypes import as_dtype
from penstock.base.export import export
from penstock.base.trackable import Trackable
from penstock.fronts.default_graph import get_default_graph
from penstock.fronts.grouping import group
from penstock.fronts.lift import init_scope
from penstock.ir import door
from penstock.ir.op import find
from penstock.ir.scope import scoped
from penstock.ops import lookup as ops
from penstock.state.collections import GraphKeys
from penstock.state.saveable import SaveableObject, SaveSpec
from penstock.state.saved_model.asset import Asset
from penstock.state.trackable_resource import TrackableResource


@export(v1=("tables_initializer", "initializers.tables_initializer"))
def tables_initializer(name: str = "init_all_tables") -> Any:
    """An operation that fills all tables of the default graph."""
    return group(*get_default_graph().get_collection(GraphKeys.TABLE_INITIALIZERS), name=name)


@export(v1=("initialize_all_tables",))
def initialize_all_tables(name: str = "init_all_tables") -> Any:
    """The older name of `tables_initializer`."""
    return tables_initializer(name)


@export("lookup.TextFileIndex")
class TextFileIndex:
    """What of a line of a vocabulary file is taken: the whole line, its number, or (0, 1, ...) a column."""

    WHOLE_LINE = -2
    LINE_NUMBER = -1


class TableInitializerBase(Trackable):
    """What fills a static table."""

    def __init__(self, key_dtype: Any, value_dtype: Any):
        self._key_dtype, self._value_dtype = as_dtype(key_dtype), as_dtype(value_dtype)

    key_dtype = property(lambda s: s._key_dtype)
    value_dtype = property(lambda s: s._value_dtype)

    def _note(self, operation: Any) -> Any:
        if operation is not None:
            get_default_graph().add_to_collection(GraphKeys.TABLE_INITIALIZERS, operation)
        return operation


@export("lookup.KeyValueTensorInitializer")
class KeyValueTensorInitializer(TableInitializerBase):
    """Fills a table from two tensors."""

    def __init__(self, keys: Any, values: Any, key_dtype: Any = None, value_dtype: Any = None, name: str | None = None):
        with init_scope():
            self._keys = door.convert(keys, None if key_dtype is None else as_dtype(key_dtype), "keys")
            self._values = door.convert(values, None if value_dtype is None else as_dtype(value_dtype), "values")
        self._name = name or "key_value_init"
        super().__init__(self._keys.dtype, self._values.dtype)

    def initialize(self, table: Any) -> Any:
        _check_types(table, self)
        with scoped(self._name, "key_value_init"):
            return self._note(ops.initialize_table_v2(table.resource_handle, self._keys, self._values))


@export("lookup.TextFileInitializer")
class TextFileInitializer(TableInitializerBase):
    """Fills a table from the lines of a file."""

    def __init__(self, filename: Any, key_dtype: Any, key_index: int, value_dtype: Any, value_index: int, vocab_size: int | None = None, delimiter: str = "\t",
                 name: str | None = None, value_index_offset: int = 0):  # fmt: skip
        key_dtype, value_dtype = as_dtype(key_dtype), as_dtype(value_dtype)
        if not isinstance(filename, (str, bytes, Asset)) and not hasattr(filename, "dtype"):
            filename = str(filename)
        if not hasattr(filename, "dtype") and not filename:
            raise ValueError("`filename` argument required for tables_initializer")
        for what, index, dtype in (("key", key_index, key_dtype), ("value", value_index, value_dtype)):
            if index < -2:
                raise ValueError(f"`{what}_index` should be >= -2, received: {index}.")
            if index == TextFileIndex.LINE_NUMBER and dtype is not dtypes.int64:
                raise ValueError(f"`{what}_dtype` must be int64 if `{what}_index` is {TextFileIndex.LINE_NUMBER}, received: {dtype}")
            if index == TextFileIndex.WHOLE_LINE and not (dtype.is_integer or dtype is dtypes.string):
                raise ValueError(f"`{what}_dtype` should be either integer or string for `{what}_index` {TextFileIndex.WHOLE_LINE}, received: {dtype}")
        if vocab_size is not None and vocab_size <= 0:
            raise ValueError(f"`vocab_size` should be > 0, received: {vocab_size}")
        if not door.current().is_graph and not isinstance(filename, Asset):
            filename = Asset(filename)
        if isinstance(filename, Asset):
            self._track_trackable(filename, "_filename")
        self._filename, self._key_index, self._value_index = filename, key_index, value_index
        self._vocab_size, self._delimiter, self._offset = vocab_size, delimiter, value_index_offset
        self._name = name or "text_file_init"
        super().__init__(key_dtype, value_dtype)

    def initialize(self, table: Any) -> Any:
        _check_types(table, self)
        with scoped(self._name, "text_file_init"):
            filename = door.convert(self._filename, dtypes.string)
            if door.current().is_graph:
                get_default_graph().add_to_collection(GraphKeys.ASSET_FILEPATHS, filename)
            return self._note(ops.initialize_table_from_text_file_v2(
                table.resource_handle, filename, key_index=self._key_index, value_index=self._value_index,
                vocab_size=-1 if self._vocab_size is None else self._vocab_size, delimiter=self._delimiter, offset=self._offset))  # fmt: skip


def _check_types(table: Any, initializer: Any) -> None:
    if table.key_dtype.base_dtype is not initializer.key_dtype.base_dtype:
        raise TypeError(f"Invalid key dtype for table, expected {table.key_dtype} but got {initializer.key_dtype}.")
    if table.value_dtype.base_dtype is not initializer.value_dtype.base_dtype:
        raise TypeError(f"Invalid value dtype for table, expected {table.value_dtype} but got {initializer.value_dtype}.")


class LookupInterface(TrackableResource):
    """What all tables can do."""

    def __init__(self, key_dtype: Any, value_dtype: Any):
        super().__init__()
        self._key_dtype, self._value_dtype = as_dtype(key_dtype), as_dtype(value_dtype)
        self._default_value: Any = None
        self._name = ""

    def _make(self, shared_name: str) -> Any:
        """The handle of a new table."""
        raise NotImplementedError(f"{type(self).__name__} does not make a table")

    def _create_resource(self) -> Any:
        if not hasattr(self, "_own_name"):
            self._own_name = f"{self._name}_{uuid.uuid4()}"  # that of no other table, wherever the model is loaded
        return self._make(self._own_name)

    key_dtype = property(lambda s: s._key_dtype)
    value_dtype = property(lambda s: s._value_dtype)
    name = property(lambda s: s._name)

    def __getitem__(self, keys: Any) -> Any:
        return self.lookup(keys)

    def _keys(self, keys: Any) -> Any:
        tensor = getattr(keys, "values", keys) if hasattr(keys, "_type_spec") else keys
        while hasattr(tensor, "flat_values"):
            tensor = tensor.flat_values
        tensor = door.convert(tensor, self._key_dtype)
        if tensor.dtype.base_dtype is not self._key_dtype.base_dtype:
            raise TypeError(f"Dtype of argument `keys` must be {self._key_dtype}, received: {tensor.dtype}")
        return tensor

    def _like(self, keys: Any, values: Any) -> Any:
        """Found values in the form that the keys came in: dense, sparse or ragged."""
        if hasattr(keys, "with_flat_values"):
            return keys.with_flat_values(values)
        if hasattr(keys, "indices") and hasattr(keys, "dense_shape"):
            return type(keys)(keys.indices, values, keys.dense_shape)
        return values

    def lookup(self, keys: Any, name: str | None = None) -> Any:
        """The values of `keys` (dense, sparse or ragged); the default where one is not there."""
        found = ops.lookup_table_find_v2(self._resource_handle, self._keys(keys), self._default_value, name=name or f"{self._name}_lookup_table_find")
        return self._like(keys, found)

    def size(self, name: str | None = None) -> Any:
        """How many keys there are, int64."""
        return ops.lookup_table_size_v2(self._resource_handle, name=name or f"{self._name}_size")

    def export(self, name: str | None = None) -> Any:
        """All keys and their values."""
        return tuple(ops.lookup_table_export_v2(self._resource_handle, Tkeys=self._key_dtype, Tvalues=self._value_dtype, name=name or f"{self._name}_export"))


@export(v2=("lookup.StaticHashTable",))
class StaticHashTable(LookupInterface):
    """A table that is filled once.

    >>> table = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(["a"], [1]), default_value=-1)
    >>> table.lookup(tf.constant(["a", "b"])).numpy()
    array([ 1, -1], dtype=int32)
    """

    def __init__(self, initializer: Any, default_value: Any, name: str | None = None, experimental_is_anonymous: bool = False):
        super().__init__(initializer.key_dtype, initializer.value_dtype)
        self._initializer = initializer
        self._track_trackable(initializer, "_initializer")
        with init_scope():
            self._default_value = door.convert(default_value, self._value_dtype)
            if self._default_value._dims not in ((), None):
                raise ValueError(f"`default_value` must be a scalar, got shape {self._default_value.shape}")
            self._name = name or "hash_table"
            self._resource_handle = self._make("")
            if door.current().is_graph:
                self._name = self._resource_handle.op.name.rpartition("/")[2]
            self._init_op = initializer.initialize(self)

    def _make(self, shared_name: str) -> Any:
        return ops.hash_table_v2(key_dtype=self._key_dtype, value_dtype=self._value_dtype, shared_name=shared_name, name=self._name)

    def _initialize(self) -> Any:
        return self._initializer.initialize(self)

    default_value = property(lambda s: s._default_value)
    initializer = property(lambda s: s._init_op)
    init = initializer


@export(v1=("lookup.StaticHashTable",))
class StaticHashTableV1(StaticHashTable):
    """A table that is filled once, by its `initializer` operation."""


@export("lookup.StaticVocabularyTable")
class StaticVocabularyTable(LookupInterface):
    """A table of ids whose unknown keys are spread over `num_oov_buckets` further ids by their hash."""

    def __init__(self, initializer: Any, num_oov_buckets: int, lookup_key_dtype: Any = None, name: str | None = None, experimental_is_anonymous: bool = False):
        if num_oov_buckets <= 0:
            raise ValueError("`num_oov_buckets` must be > 0; use StaticHashTable.")
        if initializer is not None:
            if initializer.key_dtype not in (dtypes.string, dtypes.int64):
                raise TypeError(f"Invalid `key_dtype`, expected one of int64, string, got {initializer.key_dtype}")
            if initializer.value_dtype is not dtypes.int64:
                raise TypeError(f"Invalid `value_dtype`, expected {dtypes.int64} but got {initializer.value_dtype}")
            self._table: Any = StaticHashTable(initializer, np.int64(-1), name=name)
        else:
            self._table = None
        super().__init__(as_dtype(lookup_key_dtype) if lookup_key_dtype is not None else initializer.key_dtype if initializer else dtypes.string, dtypes.int64)
        if initializer is not None:
            self._track_trackable(initializer, "_initializer")
        self._buckets = num_oov_buckets
        self._name = f"{self._table.name if self._table else ''}_{name or 'hash_bucket'}"

    resource_handle = property(lambda s: s._table.resource_handle if s._table else None)

    def _create_resource(self) -> Any:
        return self._table._create_resource()

    def _initialize(self) -> Any:
        return self._table._initialize()

    initializer = property(lambda s: s._table.initializer if s._table else None)
    init = initializer

    def lookup(self, keys: Any, name: str | None = None) -> Any:
        """The ids of `keys`."""
        from penstock.ops.cast import cast

        flat = self._keys(keys)
        text = find("AsString")(flat) if flat.dtype is not dtypes.string else flat
        with scoped(name, f"{self._name}_Lookup"):
            buckets = find("StringToHashBucketFast")(text, num_buckets=self._buckets)
            if self._table is None:
                return self._like(keys, buckets)
            inner = flat if self._table.key_dtype is flat.dtype else cast(flat, self._table.key_dtype)
            ids = self._table.lookup(inner)
            spread = find("AddV2")(buckets, self._table.size())
            return self._like(keys, find("SelectV2")(find("NotEqual")(ids, self._table.default_value), ids, spread))

    def size(self, name: str | None = None) -> Any:
        """The number of ids, those of unknown keys included."""
        extra = np.int64(self._buckets)
        return door.convert(extra) if self._table is None else find("AddV2")(self._table.size(), extra)


class _TableSaveable(SaveableObject):
    """The keys and values of a table, for the Savers of 1.x."""

    def __init__(self, table: Any, name: str):
        keys, values = table.export()
        super().__init__(table, [SaveSpec(keys, "", f"{name}-keys"), SaveSpec(values, "", f"{name}-values")], name)

    def restore(self, restored_tensors: Any, restored_shapes: Any) -> Any:
        return ops.lookup_table_import_v2(self.op.resource_handle, *restored_tensors)


@export("lookup.experimental.MutableHashTable")
class MutableHashTable(LookupInterface):
    """A table that programs write."""

    def __init__(self, key_dtype: Any, value_dtype: Any, default_value: Any, name: str = "MutableHashTable", checkpoint: bool = True,
                 experimental_is_anonymous: bool = False):  # fmt: skip
        super().__init__(key_dtype, value_dtype)
        with init_scope():
            self._default_value = door.convert(default_value, self._value_dtype)
            self._name = name
            self._resource_handle = self._make("")
            if door.current().is_graph:
                self._name = self._resource_handle.op.name.rpartition("/")[2]
            self._save_in_graph(checkpoint)

    def _make(self, shared_name: str) -> Any:
        dims = self._default_value._dims
        kinds = {"key_dtype": self._key_dtype, "value_dtype": self._value_dtype, "shared_name": shared_name, "name": self._name}
        return ops.mutable_hash_table_v2(**kinds) if dims == () else ops.mutable_hash_table_of_tensors_v2(value_shape=dims, **kinds)

    _legacy_saveable_name = "table"

    def _save_in_graph(self, checkpoint: bool) -> None:
        """Let the Savers of a 1.x graph know the table."""
        if checkpoint and door.current().is_graph:
            get_default_graph().add_to_collection(GraphKeys.SAVEABLE_OBJECTS, _TableSaveable(self, self._name))

    def _serialize_to_tensors(self) -> dict[str, Any]:
        keys, values = self.export()
        return {"-keys": keys, "-values": values}

    def _restore_from_tensors(self, restored_tensors: dict[str, Any]) -> Any:
        return ops.lookup_table_import_v2(self._resource_handle, restored_tensors["-keys"], restored_tensors["-values"])

    def lookup(self, keys: Any, dynamic_default_values: Any = None, name: str | None = None) -> Any:
        """The values of `keys`; `dynamic_default_values`, one a key, stand in for the default."""
        default = self._default_value if dynamic_default_values is None else door.convert(dynamic_default_values, self._value_dtype)
        found = ops.lookup_table_find_v2(self._resource_handle, self._keys(keys), default, name=name or f"{self._name}_lookup_table_find_v2")
        return self._like(keys, found)

    def insert(self, keys: Any, values: Any, name: str | None = None) -> Any:
        """Put `keys` with their `values` in."""
        return ops.lookup_table_insert_v2(self._resource_handle, self._keys(keys), door.convert(values, self._value_dtype), name=name or f"{self._name}_lookup_table_insert")

    def remove(self, keys: Any, name: str | None = None) -> Any:
        """Take `keys` out."""
        return ops.lookup_table_remove_v2(self._resource_handle, self._keys(keys), name=name or f"{self._name}_lookup_table_remove")


@export("lookup.experimental.DenseHashTable")
class DenseHashTable(MutableHashTable):
    """A table that programs write, with two keys that cannot be used as such."""

    def __init__(self, key_dtype: Any, value_dtype: Any, default_value: Any, empty_key: Any, deleted_key: Any, initial_num_buckets: int | None = None,
                 name: str = "MutableDenseHashTable", checkpoint: bool = True, experimental_is_anonymous: bool = False):  # fmt: skip
        LookupInterface.__init__(self, key_dtype, value_dtype)
        with init_scope():
            self._default_value = door.convert(default_value, self._value_dtype)
            self._empty_key, self._deleted_key = door.convert(empty_key, self._key_dtype), door.convert(deleted_key, self._key_dtype)
            self._initial_num_buckets, self._name = initial_num_buckets or 131072, name
            self._resource_handle = self._make("")
            self._save_in_graph(checkpoint)

    def _restore_from_tensors(self, restored_tensors: dict[str, Any]) -> Any:
        keys, values = restored_tensors["-keys"], restored_tensors["-values"]
        if not door.current().is_graph:  # TensorFlow keeps all buckets, those marked by the two keys are free
            empty, deleted = (k.numpy() for k in (self._empty_key, self._deleted_key))
            rows = keys.numpy().reshape(-1, *empty.shape)
            taken = np.array([not (np.array_equal(r, empty) or np.array_equal(r, deleted)) for r in rows], bool)
            held = values.numpy().reshape(len(rows), *(self._default_value._dims or ()))
            keys, values = door.convert(rows[taken], self._key_dtype), door.convert(held[taken], self._value_dtype)
        return ops.lookup_table_import_v2(self._resource_handle, keys, values)

    def _make(self, shared_name: str) -> Any:
        return ops.mutable_dense_hash_table_v2(
            self._empty_key, self._deleted_key, value_dtype=self._value_dtype, value_shape=self._default_value._dims,
            initial_num_buckets=self._initial_num_buckets, shared_name=shared_name, name=self._name)  # fmt: skip

    def insert_or_assign(self, keys: Any, values: Any, name: str | None = None) -> Any:
        """Put `keys` with their `values` in."""
        return self.insert(keys, values, name)

    def erase(self, keys: Any, name: str | None = None) -> Any:
        """Take `keys` out."""
        return self.remove(keys, name)
