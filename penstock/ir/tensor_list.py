"""The value of a TensorList: a Python list of arrays, or under a trace one stacked buffer with a length.

Lists are values: every change gives a new one.  The list form holds arrays, traced values and None (never set); the buffer
form is what a compiled loop carries: `buffer` is [capacity, *element], `length` an int (a list of fixed length) or a traced
int32 (one that grows).
"""

from typing import Any

import numpy as np

from penstock.base.dtypes import DType
from penstock.base.shape import Dims, ShapeError, merge

START = 64
"""Capacity that a growing list begins with in a compiled loop when nothing tells how long it gets."""


class Probe:
    """What a trial run of a loop body learns about the elements of a list."""

    __slots__ = ("dims", "dtype")

    def __init__(self) -> None:
        self.dims: Dims = None
        self.dtype: Any = None


class TensorList:
    """See the module's docstring."""

    __slots__ = ("items", "buffer", "length", "dtype", "dims", "probe", "__weakref__")

    def __init__(self, dtype: DType, dims: Dims, items: list[Any] | None = None, buffer: Any = None, length: Any = None, probe: Probe | None = None):
        self.dtype, self.dims, self.items, self.buffer, self.probe = dtype, dims, items, buffer, probe
        self.length = len(items) if items is not None else length

    # -- what the engine asks ----------------------------------------------------------------------------------------
    def is_live(self) -> bool:
        """Is anything in it traced or on a device?"""
        if self.items is None:
            return True
        return any(hasattr(i, "aval") for i in self.items)

    def signature(self) -> Any:
        """What an executable depends on."""
        of = lambda v: None if v is None else (tuple(v.shape), str(v.dtype)) if hasattr(v, "shape") else v.signature()
        if self.items is not None:
            return "list", self.dtype.name, self.dims, tuple(map(of, self.items))
        return "buffer", self.dtype.name, self.dims, of(self.buffer), self.length if isinstance(self.length, int) else None

    @property
    def shape(self) -> Any:
        raise AttributeError("shape")

    @property
    def element_dims(self) -> Dims:
        """The shape of an element as far as it is known, from what was declared and from what is in it."""
        if self.items is None:
            return tuple(self.buffer.shape[1:])
        dims = self.dims
        for i in self.items:
            if i is not None and hasattr(i, "shape"):
                dims = merge(dims, tuple(i.shape))
        return dims

    def as_buffer(self, xp: Any, capacity: int | None, grows: bool, dims: Dims = None) -> "TensorList | None":
        """The buffer form with room for `capacity` elements; None when the elements have no one known shape."""
        if self.items is None:
            return self
        try:
            dims = merge(self.element_dims, dims)
        except ShapeError:
            return None
        if dims is None or None in dims or not self.dtype.on_device:
            return None
        n = len(self.items)
        room = max(n, capacity or 0, 1)
        buffer = xp.zeros((room, *dims), self.dtype.array_dtype)
        if any(i is not None for i in self.items):
            zero = xp.zeros(dims, self.dtype.array_dtype)
            stacked = xp.stack([zero if i is None else xp.asarray(i) for i in self.items])
            buffer = stacked if room == n else buffer.at[:n].set(stacked)
        return TensorList(self.dtype, dims, buffer=buffer, length=xp.asarray(n, np.int32) if grows else n)

    # -- what the ops ask --------------------------------------------------------------------------------------------
    def zeros(self, xp: Any) -> "TensorList":
        """The same list with every element zero."""
        if self.items is None:
            return TensorList(self.dtype, self.dims, buffer=xp.zeros_like(self.buffer), length=self.length)
        return TensorList(self.dtype, self.dims, [None if i is None else i.zeros(xp) if isinstance(i, TensorList) else xp.zeros_like(i) for i in self.items])

    def plus(self, other: "TensorList", xp: Any) -> "TensorList":
        """Element by element; None counts as zero."""
        if self.items is None or other.items is None:
            a = self if self.items is None else self.as_buffer(xp, other.buffer.shape[0], False)
            b = other if other.items is None else other.as_buffer(xp, self.buffer.shape[0], False)
            assert a is not None and b is not None
            return TensorList(a.dtype, a.dims, buffer=a.buffer + b.buffer, length=a.length)
        if len(self.items) != len(other.items):
            raise ShapeError(f"lists of {len(self.items)} and {len(other.items)} elements cannot be added")
        add = lambda a, b: b if a is None else a if b is None else a.plus(b, xp) if isinstance(a, TensorList) else xp.add(a, b)
        return TensorList(self.dtype, self.dims, [add(a, b) for a, b in zip(self.items, other.items)])

    def __repr__(self) -> str:
        return f"<TensorList of {self.length} {self.dtype.name}{self.dims}>"
