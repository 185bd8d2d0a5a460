"""Hash tables without a name: each call makes a new one."""

from typing import Any

from penstock.ir.op import find, op
from penstock.ops.lookup import Table

_KINDS = "key_dtype: type, value_dtype: type"
_MADE: dict[str, Any] = {"where": "host", "effect": "io", "shape": lambda *_, **__: ()}


@op(f"AnonymousHashTable(*, {_KINDS}) -> table_handle: resource", **_MADE)
def ANONYMOUS_HASH_TABLE(xp, *, key_dtype, value_dtype):
    """A new table that is filled once."""
    return Table("anonymous", key_dtype, value_dtype, static=True)


@op(f"AnonymousMutableHashTable(*, {_KINDS}) -> table_handle: resource", **_MADE)
def ANONYMOUS_MUTABLE_HASH_TABLE(xp, *, key_dtype, value_dtype):
    """A new table from keys to scalars."""
    return Table("anonymous", key_dtype, value_dtype)


@op(f"AnonymousMutableHashTableOfTensors(*, {_KINDS}, value_shape: shape = []) -> table_handle: resource", **_MADE)
def ANONYMOUS_MUTABLE_HASH_TABLE_OF_TENSORS(xp, *, key_dtype, value_dtype, value_shape):
    """A new table from keys to tensors of one shape."""
    return Table("anonymous", key_dtype, value_dtype, tuple(value_shape or ()))


@op("AnonymousMutableDenseHashTable(empty_key: key_dtype, deleted_key: key_dtype, *, initial_num_buckets: int = 131072, key_dtype: type, "
    "max_load_factor: float = 0.800000011920929, value_dtype: type, value_shape: shape = []) -> table_handle: resource", **_MADE)  # fmt: skip
def ANONYMOUS_MUTABLE_DENSE_HASH_TABLE(xp, empty_key, deleted_key, *, key_dtype, value_dtype, value_shape, initial_num_buckets):
    """A new table that reserves two keys."""
    return find("MutableDenseHashTableV2").body(xp, empty_key, deleted_key, key_dtype=key_dtype, value_dtype=value_dtype, value_shape=value_shape,
                                                initial_num_buckets=initial_num_buckets)  # fmt: skip
