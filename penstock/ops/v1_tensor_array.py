"""The TensorArray ops of 1.x graphs: an array on the host that loops write and read by index."""

from typing import Any

import numpy as np

from penstock.base.errors import InvalidArgumentError
from penstock.ir.op import op


def _bad(message: str) -> InvalidArgumentError:
    return InvalidArgumentError(None, None, message)


class HostArray:
    """Elements that are written once (those of a gradient add up), and the gradient arrays beside them."""

    def __init__(self, size: int, dtype: Any, dynamic: bool, element_shape: Any, name: str, forward: "HostArray | None" = None):
        self.items: list[Any] = [None] * size
        self.dtype, self.dynamic, self.element_shape, self.name, self.forward = dtype, dynamic, element_shape, name, forward
        self.gradients: dict[str, HostArray] = {}
        self.lead: tuple[int, ...] = ()  # axes that the elements of a gradient array have in front of the forward ones

    def _index(self, index: Any, grow: bool) -> int:
        i = int(index)
        if i < 0 or (i >= len(self.items) and not (grow and self.dynamic)):
            raise _bad(f"TensorArray {self.name}: Tried to {'write to' if grow else 'read from'} index {i} but array is {'not resizeable and ' if grow else ''}size is: {len(self.items)}")
        while i >= len(self.items):
            self.items.append(None)
        return i

    def write(self, index: Any, value: Any) -> None:
        i = self._index(index, True)
        if self.forward is not None:
            self.items[i] = value if self.items[i] is None else self.items[i] + value
        elif self.items[i] is not None:
            raise _bad(f"TensorArray {self.name}: Could not write to TensorArray index {i} because it has already been written to.")
        else:
            self.items[i] = value

    def read(self, index: Any) -> Any:
        i = self._index(index, False)
        found = self.items[i]
        if found is None:
            dims = self.shape_at(i)
            if dims is None:
                raise _bad(f"TensorArray {self.name}: Could not read index {i} twice because it was cleared after a previous read, or it was never written")
            found = np.zeros(dims, self.dtype.array_dtype)
        return found

    def shape_at(self, i: int) -> Any:
        """The shape of an element that nobody wrote, where something says it."""
        if self.forward is not None and i < len(self.forward.items) and self.forward.items[i] is not None:
            return (*self.lead, *np.shape(self.forward.items[i]))
        written = next((x for x in self.items if x is not None), None)
        if written is not None:
            return np.shape(written)
        dims = self.element_shape
        return None if dims is None or None in dims else dims

    def gradient(self, source: str) -> "HostArray":
        if source not in self.gradients:
            self.gradients[source] = HostArray(len(self.items), self.dtype, self.dynamic, self.element_shape, f"{self.name}@{source}", self)
        made = self.gradients[source]
        while len(made.items) < len(self.items):
            made.items.append(None)
        return made


_FIELDS = {"where": "host", "effect": "io"}


@op("TensorArrayV3(size: int32, *, dtype: type, element_shape: shape = None, dynamic_size: bool = False, clear_after_read: bool = True, "
    'identical_element_shapes: bool = False, tensor_array_name: str = "") -> (handle: resource, flow: float32)', shape=lambda size, **_: ((2,), ()), **_FIELDS)  # fmt: skip
def TENSOR_ARRAY(xp, size, *, dtype, element_shape, dynamic_size, tensor_array_name):
    """A new array."""
    if int(size) < 0:
        raise _bad(f"Size should be >= 0, got {int(size)}")
    return HostArray(int(size), dtype, dynamic_size, element_shape, tensor_array_name), np.float32(0)


@op("TensorArrayWriteV3(handle: resource, index: int32, value: T, flow_in: float32, *, T: type) -> flow_out: float32", shape=lambda *_: (), **_FIELDS)
def WRITE(xp, handle, index, value, flow_in):
    """Write an element."""
    handle.write(index, value)
    return flow_in


@op("TensorArrayReadV3(handle: resource, index: int32, flow_in: float32, *, dtype: type) -> value: dtype", shape=lambda *_: None, **_FIELDS)
def READ(xp, handle, index, flow_in):
    """Read an element."""
    return handle.read(index)


@op("TensorArraySizeV3(handle: resource, flow_in: float32) -> size: int32", shape=lambda *_: (), **_FIELDS)
def SIZE(xp, handle, flow_in):
    """How many elements there are."""
    return np.int32(len(handle.items))


@op("TensorArrayGatherV3(handle: resource, indices: int32, flow_in: float32, *, dtype: type, element_shape: shape = None) -> value: dtype", **_FIELDS)
def GATHER(xp, handle, indices, flow_in, *, dtype, element_shape):
    """Some elements, stacked."""
    if not len(indices):
        dims = element_shape if element_shape is not None and None not in element_shape else handle.shape_at(0) or ()
        return np.zeros((0, *dims), dtype.array_dtype)
    return np.stack([np.asarray(handle.read(i)) for i in indices])


@GATHER.shape
def _(handle: Any, indices: Any, flow_in: Any, *, dtype: Any, element_shape: Any) -> Any:
    n = None if indices.shape is None else indices.shape[0]
    return None if element_shape is None else (n, *element_shape)


@op("TensorArrayScatterV3(handle: resource, indices: int32, value: T, flow_in: float32, *, T: type) -> flow_out: float32", shape=lambda *_: (), **_FIELDS)
def SCATTER(xp, handle, indices, value, flow_in):
    """Write the rows of a tensor as elements."""
    if len(indices) != len(value):
        raise _bad(f"Expected len(indices) == values.shape[0], but saw: {len(indices)} vs. {len(value)}")
    for i, row in zip(indices, value):
        handle.write(i, row)
    return flow_in


@op("TensorArrayGradV3(handle: resource, flow_in: float32, *, source: str) -> (grad_handle: resource, flow_out: float32)",
    shape=lambda *_, **__: ((2,), ()), **_FIELDS)  # fmt: skip
def GRAD(xp, handle, flow_in, *, source):
    """The array of the elements' gradients, one for each source."""
    return handle.gradient(source), flow_in


@op("TensorArrayConcatV3(handle: resource, flow_in: float32, *, dtype: type, element_shape_except0: shape = None) -> (value: dtype, lengths: int64)",
    shape=lambda *_, **__: (None, (None,)), **_FIELDS)  # fmt: skip
def CONCAT(xp, handle, flow_in, *, dtype):
    """All elements one after the other, and how long each is."""
    parts = [np.asarray(handle.read(i)) for i in range(len(handle.items))]
    if not parts:
        return np.zeros((0,), dtype.array_dtype), np.zeros(0, np.int64)
    return np.concatenate(parts), np.array([len(p) for p in parts], np.int64)


@op("TensorArraySplitV3(handle: resource, value: T, lengths: int64, flow_in: float32, *, T: type) -> flow_out: float32", shape=lambda *_: (), **_FIELDS)
def SPLIT(xp, handle, value, lengths, flow_in):
    """Write pieces of a tensor as elements."""
    if int(lengths.sum()) != len(value):
        raise _bad(f"Expected sum of lengths to be equal to values.shape[0], but sum of lengths is {int(lengths.sum())} and value's shape is: {list(value.shape)}")
    at = 0
    for i, n in enumerate(lengths.tolist()):
        handle.write(i, value[at : at + n])
        at += n
    return flow_in


@op("TensorArrayCloseV3(handle: resource) -> ()", **_FIELDS)
def CLOSE(xp, handle):
    """Forget what the array holds."""
    handle.items.clear()
    return ()


for _one in (TENSOR_ARRAY, WRITE, READ, SIZE, GATHER, SCATTER, GRAD, CONCAT, SPLIT, CLOSE):
    _one.no_grad()
