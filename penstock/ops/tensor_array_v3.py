"""The TensorArray ops of 1.x graphs: a mutable array behind a handle; the `flow` only orders reads after writes."""

from typing import Any

import numpy as np

from penstock.base.errors import InvalidArgumentError, OutOfRangeError
from penstock.ir.op import op

_FLOW = np.zeros((), np.float32)


class Held:
    """The array behind a handle."""

    def __init__(self, size: int, dtype: Any, dims: Any, grows: bool, clears: bool):
        self.items: list[Any] = [None] * size
        self.dtype, self.dims, self.grows, self.clears = dtype, dims, grows, clears

    def signature(self) -> Any:
        """What a plan may depend on: nothing that differs from run to run."""
        return "tensor array", self.dtype.name, self.dims

    def zero(self) -> Any:
        dims = self.dims
        if dims is None or None in dims:
            dims = next((i.shape for i in self.items if i is not None), None)
        if dims is None:
            raise InvalidArgumentError(None, None, "Could not read from a TensorArray index that was never written: the shape of its elements is not known")
        return np.zeros(dims, self.dtype.array_dtype)

    def write(self, at: int, value: Any) -> None:
        if at < 0 or at >= len(self.items) and not self.grows:
            raise OutOfRangeError(None, None, f"Tried to write to index {at} but array is not resizeable and size is: {len(self.items)}")
        self.items += [None] * (at + 1 - len(self.items))
        self.items[at] = np.asarray(value)

    def read(self, at: int) -> Any:
        if not 0 <= at < len(self.items):
            raise OutOfRangeError(None, None, f"Tried to read from index {at} but array size is: {len(self.items)}")
        return self.zero() if self.items[at] is None else self.items[at]


def _held(handle: Any) -> Held:
    return handle[()] if isinstance(handle, np.ndarray) else handle


@op('TensorArrayV3(size: int32, *, clear_after_read: bool = True, dtype: type, dynamic_size: bool = False, element_shape: shape = None, '
    'identical_element_shapes: bool = False, tensor_array_name: str = "") -> (handle: resource, flow: float32)',
    where="host", effect="io", shape=lambda size, **_: ((), ()))  # fmt: skip
def tensor_array_v3(xp, size, *, clear_after_read, dtype, dynamic_size, element_shape):
    """A new array."""
    return Held(int(size), dtype, element_shape, dynamic_size, clear_after_read), _FLOW


@op("TensorArrayWriteV3(handle: resource, index: int32, value: T, flow_in: float32, *, T: type) -> flow_out: float32", where="host", effect="io",
    shape=lambda *_: ())  # fmt: skip
def tensor_array_write_v3(xp, handle, index, value, flow_in):
    """Set one element."""
    _held(handle).write(int(index), value)
    return flow_in


@op("TensorArrayReadV3(handle: resource, index: int32, flow_in: float32, *, dtype: type) -> value: dtype", where="host", effect="io",
    shape=lambda *_, **__: None)  # fmt: skip
def tensor_array_read_v3(xp, handle, index, flow_in):
    """One element."""
    return _held(handle).read(int(index))


@op("TensorArrayGatherV3(handle: resource, indices: int32, flow_in: float32, *, dtype: type, element_shape: shape = None) -> value: dtype",
    where="host", effect="io", shape=lambda handle, indices, flow_in, *, element_shape: None if element_shape is None else (
        None if not indices.shape else indices.shape[0], *element_shape))  # fmt: skip
def tensor_array_gather_v3(xp, handle, indices, flow_in, *, dtype, element_shape):
    """Some elements in one tensor."""
    held = _held(handle)
    if not indices.size:
        return np.zeros((0, *[0 if d is None else d for d in element_shape or held.dims or ()]), dtype.array_dtype)
    return np.stack([held.read(i) for i in indices.tolist()])


@op("TensorArrayScatterV3(handle: resource, indices: int32, value: T, flow_in: float32, *, T: type) -> flow_out: float32", where="host", effect="io",
    shape=lambda *_: ())  # fmt: skip
def tensor_array_scatter_v3(xp, handle, indices, value, flow_in):
    """Set elements to the rows of a tensor."""
    for i, row in zip(indices.tolist(), value):
        _held(handle).write(i, row)
    return flow_in


@op("TensorArraySizeV3(handle: resource, flow_in: float32) -> size: int32", where="host", effect="io", shape=lambda *_: ())
def tensor_array_size_v3(xp, handle, flow_in):
    """The number of elements."""
    return np.array(len(_held(handle).items), np.int32)


@op("TensorArrayConcatV3(handle: resource, flow_in: float32, *, dtype: type, element_shape_except0: shape = None) -> (value: dtype, lengths: int64)",
    where="host", effect="io", shape=lambda handle, flow_in, *, element_shape_except0: (
        None if element_shape_except0 is None else (None, *element_shape_except0), (None,)))  # fmt: skip
def tensor_array_concat_v3(xp, handle, flow_in, *, dtype, element_shape_except0):
    """All elements one after the other, and their lengths."""
    held = _held(handle)
    parts = [held.read(i) for i in np.arange(len(held.items)).tolist()]
    if not parts:
        return np.zeros((0, *[0 if d is None else d for d in element_shape_except0 or ()]), dtype.array_dtype), np.zeros(0, np.int64)
    return np.concatenate(parts, 0), np.array([len(p) for p in parts], np.int64)


@op("TensorArraySplitV3(handle: resource, value: T, lengths: int64, flow_in: float32, *, T: type) -> flow_out: float32", where="host", effect="io",
    shape=lambda *_: ())  # fmt: skip
def tensor_array_split_v3(xp, handle, value, lengths, flow_in):
    """Set the elements to pieces of a tensor."""
    if int(lengths.sum()) != value.shape[0]:
        raise InvalidArgumentError(None, None, f"Expected sum of lengths to be equal to values.shape[0], but they are {int(lengths.sum())} and {value.shape[0]}")
    for i, part in enumerate(np.split(value, np.cumsum(lengths)[:-1])):
        _held(handle).write(i, part)
    return flow_in


@op("TensorArrayCloseV3(handle: resource) -> ()", where="host", effect="io")
def tensor_array_close_v3(xp, handle):
    """Let go of the elements."""
    _held(handle).items = []
    return ()


for _o in (tensor_array_v3, tensor_array_write_v3, tensor_array_read_v3, tensor_array_gather_v3, tensor_array_scatter_v3, tensor_array_size_v3,
           tensor_array_concat_v3, tensor_array_split_v3, tensor_array_close_v3):  # fmt: skip
    _o.no_grad()
