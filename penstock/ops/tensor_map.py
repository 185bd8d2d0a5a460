"""TensorMaps: values that map tensors to tensors; every change gives a new map."""

from typing import Any

import numpy as np

from penstock.base.errors import InvalidArgumentError
from penstock.ir.op import op


class TensorMap:
    """Keys by their type, shape and contents, in the order in which they came."""

    __slots__ = ("rows",)

    def __init__(self, rows: dict[Any, tuple[Any, Any]]):
        self.rows = rows

    def signature(self) -> str:
        """What a plan may depend on."""
        return "tensor map"


def _key(key: Any) -> Any:
    array = np.asarray(key)
    return array.dtype.str, array.shape, tuple(array.reshape(-1).tolist()) if array.dtype == object else array.tobytes()


def _map(handle: Any) -> TensorMap:
    return handle[()] if isinstance(handle, np.ndarray) else handle


def _missing(what: str, key: Any) -> InvalidArgumentError:
    return InvalidArgumentError(None, None, f'Trying to {what}. Could not find key "{np.asarray(key)}".')


@op("EmptyTensorMap() -> handle: variant", where="host", shape=lambda: ())
def EMPTY_TENSOR_MAP(xp):
    """A map of nothing."""
    return TensorMap({})


@op("TensorMapSize(input_handle: variant) -> size: int32", where="host", shape=lambda input_handle: ())
def TENSOR_MAP_SIZE(xp, input_handle):
    """How many keys there are."""
    return np.array(len(_map(input_handle).rows), np.int32)


@op("TensorMapInsert(input_handle: variant, key: key_dtype, value: value_dtype, *, key_dtype: type, value_dtype: type) -> output_handle: variant", where="host",
    shape=lambda *_: ())  # fmt: skip
def TENSOR_MAP_INSERT(xp, input_handle, key, value):
    """The map with the key's value set."""
    return TensorMap({**_map(input_handle).rows, _key(key): (np.asarray(key), value)})


@op("TensorMapLookup(input_handle: variant, key: key_dtype, *, key_dtype: type, value_dtype: type) -> value: value_dtype", where="host", shape=lambda *_: None)
def TENSOR_MAP_LOOKUP(xp, input_handle, key):
    """The value of a key that is there."""
    found = _map(input_handle).rows.get(_key(key))
    if found is None:
        raise _missing("lookup non-existent key", key)
    return found[1]


@op("TensorMapErase(input_handle: variant, key: key_dtype, *, key_dtype: type, value_dtype: type) -> output_handle: variant", where="host", shape=lambda *_: ())
def TENSOR_MAP_ERASE(xp, input_handle, key):
    """The map without a key that is there."""
    rows = dict(_map(input_handle).rows)
    if rows.pop(_key(key), None) is None:
        raise _missing("erase non-existent item", key)
    return TensorMap(rows)


@op("TensorMapHasKey(input_handle: variant, key: key_dtype, *, key_dtype: type) -> has_key: bool", where="host", shape=lambda *_: ())
def TENSOR_MAP_HAS_KEY(xp, input_handle, key):
    """Is the key there?"""
    return np.array(_key(key) in _map(input_handle).rows)


@op("TensorMapStackKeys(input_handle: variant, *, key_dtype: type) -> keys: key_dtype", where="host", shape=lambda *_: None)
def TENSOR_MAP_STACK_KEYS(xp, input_handle, *, key_dtype):
    """All keys in one tensor; they need one shape."""
    rows = _map(input_handle).rows
    if not rows:
        raise InvalidArgumentError(None, None, "TensorMapStackKeys cannot be called on empty map.")
    keys = [k for k, _ in rows.values()]
    if any(k.dtype != key_dtype.array_dtype for k in keys):
        raise InvalidArgumentError(None, None, f"The keys are not all {key_dtype.name}")
    if len({k.shape for k in keys}) > 1:
        raise InvalidArgumentError(None, None, f"Key does not match output element shape: {sorted({k.shape for k in keys})}")
    return np.stack(keys)


for _one in (TENSOR_MAP_SIZE, TENSOR_MAP_HAS_KEY, TENSOR_MAP_STACK_KEYS, EMPTY_TENSOR_MAP):
    _one.no_grad()


@TENSOR_MAP_LOOKUP.grad
def _(node: Any, dy: Any) -> Any:
    _, key = node._inputs
    return TENSOR_MAP_INSERT(EMPTY_TENSOR_MAP(), key, dy), None


@TENSOR_MAP_INSERT.grad
def _(node: Any, dm: Any) -> Any:
    _, key, _ = node._inputs
    value = node.attrs["value_dtype"]
    return TENSOR_MAP_ERASE(dm, key, value_dtype=value), None, TENSOR_MAP_LOOKUP(dm, key, value_dtype=value)


@TENSOR_MAP_ERASE.grad
def _(node: Any, dm: Any) -> Any:
    return dm, None
