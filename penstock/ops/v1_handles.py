"""Queues, readers, tables, stacks and TensorArrays as the oldest graphs hold them: behind a reference to a string.

Each op is its younger form under the older signature.
"""

import re
from typing import Any

import numpy as np

from penstock.base.errors import InvalidArgumentError
from penstock.ir.op import Op, also, find, op
from penstock.ops import v1_tensor_array as arrays

_QUEUES = """FIFOQueue PaddingFIFOQueue RandomShuffleQueue PriorityQueue QueueEnqueue QueueEnqueueMany QueueDequeue QueueDequeueMany
 QueueDequeueUpTo QueueClose QueueIsClosed QueueSize"""
_READERS = """WholeFileReader IdentityReader TextLineReader TFRecordReader ReaderRead ReaderReadUpTo ReaderNumRecordsProduced
 ReaderNumWorkUnitsCompleted ReaderSerializeState ReaderRestoreState ReaderReset"""
_TABLES = """HashTable MutableHashTable MutableHashTableOfTensors LookupTableFind LookupTableInsert LookupTableSize LookupTableExport
 LookupTableImport InitializeTable InitializeTableFromTextFile"""
_HANDLE = re.compile(r"\b(handle|reader_handle|queue_handle|table_handle): resource")


def _referring(text: str) -> str:
    return _HANDLE.sub(r"\1: Ref(string)", text)


for _name in f"{_QUEUES} {_READERS} {_TABLES}".split():
    _new = find(f"{_name}V2")
    also(_referring(_new.sig.text.replace(f"{_name}V2(", f"{_name}(", 1)), _new, __name__)


def _fixed_length(xp: Any, store: Any, *, container, shared_name, footer_bytes, header_bytes, hop_bytes, record_bytes):
    """The reader of this name, made on first use."""
    return find("FixedLengthRecordReaderV2").body(xp, store, container=container, shared_name=shared_name, encoding="", footer_bytes=footer_bytes,
                                                  header_bytes=header_bytes, hop_bytes=hop_bytes, record_bytes=record_bytes)  # fmt: skip


also('FixedLengthRecordReader(*, container: str = "", footer_bytes: int = 0, header_bytes: int = 0, hop_bytes: int = 0, record_bytes: int, shared_name: str = "") '
     "-> reader_handle: Ref(string)", find("FixedLengthRecordReaderV2"), __name__, body=_fixed_length)  # fmt: skip


@op('MutableDenseHashTable(empty_key: key_dtype, *, container: str = "", initial_num_buckets: int = 131072, key_dtype: type, max_load_factor: float = '
    '0.800000011920929, shared_name: str = "", use_node_name_sharing: bool = False, value_dtype: type, value_shape: shape = []) -> table_handle: Ref(string)',
    effect="io", where="host", shape=lambda *_, **__: ())  # fmt: skip
def mutable_dense_hash_table(xp, empty_key, *, key_dtype, value_dtype, value_shape, initial_num_buckets):
    """A table that reserves one key."""
    from penstock.ops.lookup import DenseTable

    if initial_num_buckets < 1 or initial_num_buckets & (initial_num_buckets - 1):
        raise InvalidArgumentError(None, None, f"Number of buckets must be at least 4 and a power of 2, got: {initial_num_buckets}")
    made = DenseTable("dense", key_dtype, value_dtype, tuple(value_shape or ()))
    made.empty = made.deleted = np.asarray(empty_key)
    return made


@op("FakeQueue(resource: resource) -> handle: Ref(string)", where="host", effect="io", shape=lambda resource: ())
def fake_queue(xp, resource):
    """The queue behind a resource, for ops that want a reference."""
    return resource


# -- stacks ------------------------------------------------------------------------------------------------------------
@op('Stack(*, elem_type: type, stack_name: str = "") -> handle: Ref(string)', where="host", effect="io", shape=lambda: ())
def stack(xp):
    """A new stack."""
    return find("StackV2").body(xp, None)


for _name in ("StackPush", "StackPop", "StackClose"):
    _new = find(f"{_name}V2")
    also(_referring(_new.sig.text.replace(f"{_name}V2(", f"{_name}(", 1)), _new, __name__)


# -- TensorArrays ------------------------------------------------------------------------------------------------------
_ARRAY = {"where": "host", "effect": "io"}
_NEW = 'size: int32, *, clear_after_read: bool = True, dtype: type, dynamic_size: bool = False, element_shape: shape = None, tensor_array_name: str = ""'


def _made(xp: Any, size: Any, *, dtype: Any, element_shape: Any, dynamic_size: bool, tensor_array_name: str) -> Any:
    """A new array."""
    return arrays.TENSOR_ARRAY.body(xp, size, dtype=dtype, element_shape=element_shape, dynamic_size=dynamic_size, tensor_array_name=tensor_array_name)[0]


def _gradient(xp: Any, handle: Any, flow_in: Any, *, source: str) -> Any:
    """The array of the elements' gradients, one for each source."""
    return handle.gradient(source)


def _array(text: str, source: Op | None, body: Any = None, shape: Any = None) -> None:
    made = also(text, source or arrays.TENSOR_ARRAY, __name__, **({"body": body} if body else {}))
    if shape is not None:
        made.shape(shape)


for _suffix, _handle in (("", "Ref(string)"), ("V2", "string")):
    _array(f"TensorArray{_suffix}({_NEW}) -> handle: {_handle}", None, _made, lambda size, **_: (2,))
    _array(f"TensorArrayGrad{_suffix}(handle: string, flow_in: float32, *, source: str) -> grad_handle: {_handle}", arrays.GRAD, _gradient, lambda *_, **__: (2,))
    for _name in ("Write", "Read", "Gather", "Scatter", "Size", "Concat", "Split"):
        _new = find(f"TensorArray{_name}V3")
        _text = _new.sig.text.replace(f"{_name}V3(", f"{_name}{_suffix}(", 1).replace("handle: resource", f"handle: {_handle}")
        _array(_text, _new)


_array("TensorArrayClose(handle: Ref(string)) -> ()", find("TensorArrayCloseV3"))
_array("TensorArrayCloseV2(handle: string) -> ()", find("TensorArrayCloseV3"))


@op("TensorArrayPack(handle: Ref(string), flow_in: float32, *, dtype: type, element_shape: shape = None) -> value: dtype", **_ARRAY,
    shape=lambda handle, flow_in, *, element_shape: None if element_shape is None else (None, *element_shape))  # fmt: skip
def tensor_array_pack(xp, handle, flow_in, *, dtype, element_shape):
    """All elements, stacked."""
    return arrays.GATHER.body(xp, handle, np.arange(len(handle.items)), flow_in, dtype=dtype, element_shape=element_shape)


@op("TensorArrayUnpack(handle: Ref(string), value: T, flow_in: float32, *, T: type) -> flow_out: float32", shape=lambda *_: (), **_ARRAY)
def tensor_array_unpack(xp, handle, value, flow_in):
    """Write the rows of a tensor as elements."""
    return arrays.SCATTER.body(xp, handle, np.arange(len(value)), value, flow_in)


@op("TensorArrayGradWithShape(handle: resource, flow_in: float32, shape_to_prepend: int32, *, source: str) -> (grad_handle: resource, flow_out: float32)",
    shape=lambda *_, **__: ((2,), ()), **_ARRAY)  # fmt: skip
def tensor_array_grad_with_shape(xp, handle, flow_in, shape_to_prepend, *, source):
    """The array of the gradients of elements that have more axes in front."""
    made = handle.gradient(source)
    made.lead = tuple(int(n) for n in shape_to_prepend)
    return made, flow_in
