"""The hash-table ops: resources that map keys to values on the host."""

import threading
from typing import Any

import numpy as np

from penstock.base.errors import FailedPreconditionError, InvalidArgumentError, NotFoundError
from penstock.ir.op import op

_TABLE = 'container: str = "", key_dtype: type, shared_name: str = "", use_node_name_sharing: bool = False, value_dtype: type'


class Table:
    """A mapping from keys to values of one shape."""

    def __init__(self, name: str, key_dtype: Any, value_dtype: Any, value_dims: tuple[int, ...] = (), static: bool = False):
        self.name, self.key_dtype, self.value_dtype, self.value_dims, self.static = name, key_dtype, value_dtype, value_dims, static
        self.rows: dict[Any, Any] = {}
        self.ready = not static
        self.lock = threading.RLock()

    def check_types(self, keys: Any, values: Any = None) -> None:
        for what, array, want in (("key", keys, self.key_dtype), ("value", values, self.value_dtype)):
            if array is not None and array.dtype != want.array_dtype:
                raise InvalidArgumentError(None, None, f"The {what} dtype of table {self.name!r} is {want.name}, got {array.dtype}")

    def _key(self, key: np.ndarray) -> Any:
        return key.item() if key.ndim == 0 else tuple(key.reshape(-1).tolist())

    def find(self, keys: np.ndarray, default: np.ndarray, key_rank: int = 0) -> np.ndarray:
        if not self.ready:
            raise FailedPreconditionError(None, None, f"Table not initialized: {self.name}\n  fix: run tf.tables_initializer() first")
        self.check_types(keys)
        lead = keys.shape[: keys.ndim - key_rank]
        flat = keys.reshape(-1, *keys.shape[keys.ndim - key_rank :]) if key_rank else keys.reshape(-1)
        out = np.empty((len(flat), *self.value_dims), self.value_dtype.array_dtype)
        rows = self.rows
        several = default.ndim == len(lead) + len(self.value_dims) and default.ndim > len(self.value_dims)
        defaults = default.reshape(len(flat), *self.value_dims) if several else None
        items = flat.tolist() if not key_rank else [self._key(k) for k in flat]
        for i, k in enumerate(items):
            found = rows.get(k)
            out[i] = (default[()] if defaults is None else defaults[i]) if found is None else found
        return out.reshape((*lead, *self.value_dims))

    def insert(self, keys: np.ndarray, values: np.ndarray, key_rank: int = 0) -> None:
        self.check_types(keys, values)
        lead = keys.shape[: keys.ndim - key_rank]
        if values.shape != (*lead, *self.value_dims):
            raise InvalidArgumentError(None, None, f"Expected shape {[*lead, *self.value_dims]} for value, got {list(values.shape)}")
        flat = keys.reshape(-1, *keys.shape[keys.ndim - key_rank :]) if key_rank else keys.reshape(-1)
        items = flat.tolist() if not key_rank else [self._key(k) for k in flat]
        rows = values.reshape(len(items), *self.value_dims)
        with self.lock:
            self.rows.update(zip(items, [r.copy() if isinstance(r, np.ndarray) else r for r in rows]))

    def initialize(self, keys: np.ndarray, values: np.ndarray) -> None:
        self.check_types(keys, values)
        keys, values = keys.reshape(-1), values.reshape(-1)
        if len(keys) != len(values):
            raise InvalidArgumentError(None, None, f"Keys and values must have the same size {len(keys)} vs {len(values)}")
        fresh: dict[Any, Any] = {}
        for k, v in zip(keys.tolist(), values.tolist()):
            if fresh.setdefault(k, v) != v:
                raise FailedPreconditionError(None, None, f"HashTable has different value for same key. Key {k!r} has {fresh[k]!r} and trying to add value {v!r}")
        with self.lock:
            if self.ready and self.rows and self.rows != fresh:
                raise FailedPreconditionError(None, None, f"Table was already initialized with different data: {self.name}")
            self.rows, self.ready = fresh, True

    def remove(self, keys: np.ndarray, key_rank: int = 0) -> None:
        self.check_types(keys)
        flat = keys.reshape(-1, *keys.shape[keys.ndim - key_rank :]) if key_rank else keys.reshape(-1)
        with self.lock:
            for k in flat.tolist() if not key_rank else [self._key(k) for k in flat]:
                self.rows.pop(k, None)

    def export(self) -> tuple[np.ndarray, np.ndarray]:
        with self.lock:
            keys = np.empty(len(self.rows), self.key_dtype.array_dtype)
            values = np.empty((len(self.rows), *self.value_dims), self.value_dtype.array_dtype)
            for i, (k, v) in enumerate(self.rows.items()):
                keys[i], values[i] = k, v
            return keys, values


class DenseTable(Table):
    """A table that reserves two keys, for empty and deleted places."""

    empty: Any = None
    deleted: Any = None

    def forbid(self, keys: np.ndarray) -> None:
        for k in np.asarray(keys).reshape(-1).tolist() if np.asarray(self.empty).ndim == 0 else []:
            if k == self.empty.item():
                raise InvalidArgumentError(None, None, f"Using the empty_key as a table key is not allowed: {k!r}")
            if k == self.deleted.item():
                raise InvalidArgumentError(None, None, f"Using the deleted_key as a table key is not allowed: {k!r}")


def _made(store: Any, container: str, shared_name: str, make: Any) -> Any:
    return store.get("table", container, shared_name, lambda: make(shared_name or store.node_name or "table"))


@op(f"HashTableV2(*, {_TABLE}) -> table_handle: resource", effect="handle", shape=lambda **_: ())
def hash_table_v2(xp, store, *, container, shared_name, key_dtype, value_dtype):
    """A table that is filled once."""
    return _made(store, container, shared_name, lambda name: Table(name, key_dtype, value_dtype, static=True))


@op(f"MutableHashTableV2(*, {_TABLE}) -> table_handle: resource", effect="handle", shape=lambda **_: ())
def mutable_hash_table_v2(xp, store, *, container, shared_name, key_dtype, value_dtype):
    """A table from keys to scalars."""
    return _made(store, container, shared_name, lambda name: Table(name, key_dtype, value_dtype))


@op(f"MutableHashTableOfTensorsV2(*, {_TABLE}, value_shape: shape = []) -> table_handle: resource", effect="handle", shape=lambda **_: ())
def mutable_hash_table_of_tensors_v2(xp, store, *, container, shared_name, key_dtype, value_dtype, value_shape):
    """A table from keys to vectors."""
    if value_shape is None or len(value_shape) != 1:
        raise InvalidArgumentError(None, None, f"Default value must be a vector, got shape {value_shape}")
    return _made(store, container, shared_name, lambda name: Table(name, key_dtype, value_dtype, tuple(value_shape)))


@op('MutableDenseHashTableV2(empty_key: key_dtype, deleted_key: key_dtype, *, container: str = "", initial_num_buckets: int = 131072, key_dtype: type, '
    'max_load_factor: float = 0.800000011920929, shared_name: str = "", use_node_name_sharing: bool = False, value_dtype: type, value_shape: shape = []) '
    "-> table_handle: resource", effect="io", where="host", needs_store=True, shape=lambda *_, **__: ())  # fmt: skip
def mutable_dense_hash_table_v2(xp, store, empty_key, deleted_key, *, container, shared_name, key_dtype, value_dtype, value_shape, initial_num_buckets):
    """A table that reserves two keys."""
    if initial_num_buckets < 1 or initial_num_buckets & (initial_num_buckets - 1):
        raise InvalidArgumentError(None, None, f"Number of buckets must be at least 4 and a power of 2, got: {initial_num_buckets}")
    if np.array_equal(empty_key, deleted_key):
        raise InvalidArgumentError(None, None, "Empty and deleted keys must be different")

    def make(name: str) -> DenseTable:
        made = DenseTable(name, key_dtype, value_dtype, tuple(value_shape or ()))
        made.empty, made.deleted = np.asarray(empty_key), np.asarray(deleted_key)
        return made

    return _made(store, container, shared_name, make)


def _key_rank(table: Table) -> int:
    return table.empty.ndim if isinstance(table, DenseTable) else 0


@op("LookupTableFindV2(table_handle: resource, keys: Tin, default_value: Tout, *, Tin: type, Tout: type) -> values: Tout", where="host", effect="io",
    shape=lambda table_handle, keys, default_value: keys.shape if default_value.shape == () else None)  # fmt: skip
def lookup_table_find_v2(xp, table_handle, keys, default_value):
    """The values of keys."""
    if isinstance(table_handle, DenseTable):
        table_handle.forbid(keys)
    return table_handle.find(np.asarray(keys), np.asarray(default_value), _key_rank(table_handle))


@op("LookupTableInsertV2(table_handle: resource, keys: Tin, values: Tout, *, Tin: type, Tout: type) -> ()", where="host", effect="io")
def lookup_table_insert_v2(xp, table_handle, keys, values):
    """Put keys and values in."""
    if isinstance(table_handle, DenseTable):
        table_handle.forbid(keys)
    table_handle.insert(np.asarray(keys), np.asarray(values), _key_rank(table_handle))
    return ()


@op("LookupTableRemoveV2(table_handle: resource, keys: Tin, *, Tin: type) -> ()", where="host", effect="io")
def lookup_table_remove_v2(xp, table_handle, keys):
    """Take keys out."""
    if isinstance(table_handle, DenseTable):
        table_handle.forbid(keys)
    table_handle.remove(np.asarray(keys), _key_rank(table_handle))
    return ()


@op("LookupTableSizeV2(table_handle: resource) -> size: int64", where="host", effect="io", shape=lambda table_handle: ())
def lookup_table_size_v2(xp, table_handle):
    """How many keys there are."""
    if not table_handle.ready:
        raise FailedPreconditionError(None, None, f"Table not initialized: {table_handle.name}")
    return np.array(len(table_handle.rows), np.int64)


@op("LookupTableExportV2(table_handle: resource, *, Tkeys: type, Tvalues: type) -> (keys: Tkeys, values: Tvalues)", where="host", effect="io")
def lookup_table_export_v2(xp, table_handle):
    """All keys and their values."""
    return table_handle.export()


@op("LookupTableImportV2(table_handle: resource, keys: Tin, values: Tout, *, Tin: type, Tout: type) -> ()", where="host", effect="io")
def lookup_table_import_v2(xp, table_handle, keys, values):
    """Replace what is in the table."""
    with table_handle.lock:
        table_handle.rows.clear()
        table_handle.insert(np.asarray(keys), np.asarray(values), _key_rank(table_handle))
        table_handle.ready = True
    return ()


@op("InitializeTableV2(table_handle: resource, keys: Tkey, values: Tval, *, Tkey: type, Tval: type) -> ()", where="host", effect="io")
def initialize_table_v2(xp, table_handle, keys, values):
    """Fill a table."""
    table_handle.initialize(np.asarray(keys), np.asarray(values))
    return ()


@op('InitializeTableFromTextFileV2(table_handle: resource, filename: string, *, delimiter: str = "\\t", key_index: int >= -2, offset: int = 0, '
    "value_index: int >= -2, vocab_size: int >= -1 = -1) -> ()", where="host", effect="io")  # fmt: skip
def initialize_table_from_text_file_v2(xp, table_handle, filename, *, delimiter, key_index, offset, value_index, vocab_size):
    """Fill a table from the lines of a file."""
    path = np.asarray(filename).item().decode()
    try:
        with open(path, "rb") as file:
            lines = file.read().split(b"\n")
    except OSError as e:
        raise NotFoundError(None, None, f"{path}: {e.strerror}") from None
    if lines and lines[-1] == b"":
        lines.pop()
    if vocab_size >= 0:
        if len(lines) < vocab_size:
            raise InvalidArgumentError(None, None, f"Invalid vocab_size in {path}: expected {vocab_size} but got {len(lines)}")
        lines = lines[:vocab_size]

    def column(index: int, dtype: Any) -> np.ndarray:
        if index == -1:
            return np.arange(offset, offset + len(lines), dtype=np.int64).astype(dtype.array_dtype)
        texts = []
        for number, line in enumerate(lines):
            line = line.removesuffix(b"\r")
            if index == -2:
                texts.append(line)
                continue
            parts = line.split(delimiter.encode())
            if len(parts) <= index:
                raise InvalidArgumentError(None, None, f"Invalid number of columns in {path} line {number} ({line!r}) : expected at least {index + 1} got {len(parts)}")
            texts.append(parts[index])
        out = np.empty(len(texts), object)
        out[:] = texts
        if dtype.name == "string":
            return out
        try:
            return np.array([int(t) if dtype.is_integer else float(t) for t in texts], dtype.array_dtype)
        except ValueError as e:
            raise InvalidArgumentError(None, None, f"Field in {path} is not a valid {dtype.name}: {e}") from None

    table_handle.initialize(column(key_index, table_handle.key_dtype), column(value_index, table_handle.value_dtype))
    return ()
