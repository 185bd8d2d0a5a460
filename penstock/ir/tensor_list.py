"""The value of a TensorList: a Python list of arrays, or under a trace one stacked buffer with a length.

Lists are values: every change gives a new one.  The list form holds arrays, traced values, lists and None (never set).  The
buffer form is what a compiled loop carries: an array [capacity, *element] (for a list of lists: the same of each array
inside), and `length`, an int (a list of fixed length) or a traced int32 (one that grows).
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from penstock.base.dtypes import DType
from penstock.base.errors import ResourceExhaustedError
from penstock.base.shape import Dims, ShapeError, common, merge

START = 64
"""Capacity that a growing list begins with in a compiled loop when nothing tells how long it gets."""


class ListOverflow(ResourceExhaustedError):
    """A growing list outgrew its buffer in a compiled loop: the engine makes more room and runs the island again."""

    grow: Callable[[], Any]


class Probe:
    """What a trial run of a loop body learns about the elements of a list."""

    __slots__ = ("example",)

    def __init__(self) -> None:
        self.example: Any = None


class Form(NamedTuple):
    """What lists that come out of several branches have to agree on."""

    dims: Dims
    element: Dims
    capacity: int
    fixed: bool  # are they of one known length?

    @classmethod
    def of(cls, lists: "list[TensorList]") -> "Form":
        """The form that holds any of these lists."""
        dims, element = lists[0].dims, lists[0].element_dims
        for other in lists[1:]:
            dims = common(dims, other.dims)
            element = element if element is not None and None not in element else other.element_dims
        room = max(t.capacity if t.items is None else len(t.items) for t in lists)
        lengths = {t.length if isinstance(t.length, int) else None for t in lists}
        return cls(dims, element, room, len(lengths) == 1 and None not in lengths)


class TensorList:
    """See the module's docstring."""

    __slots__ = ("items", "buffer", "length", "capacity", "safe", "dtype", "dims", "probe", "__weakref__")

    def __init__(self, dtype: DType, dims: Dims, items: list[Any] | None = None, buffer: Any = None, length: Any = None, capacity: int = 0,
                 safe: bool = False, probe: Probe | None = None):  # fmt: skip
        self.dtype, self.dims, self.items, self.buffer, self.probe = dtype, dims, items, buffer, probe
        self.length = len(items) if items is not None else length
        self.capacity, self.safe = capacity, safe  # safe: the capacity is known to be enough

    # -- what the engine asks ----------------------------------------------------------------------------------------
    def is_live(self) -> bool:
        """Is anything in it traced or on a device?"""
        if self.items is None:
            return True
        return any(i.is_live() if isinstance(i, TensorList) else hasattr(i, "aval") for i in self.items)

    def signature(self) -> Any:
        """What an executable depends on."""
        of = lambda v: None if v is None else (tuple(v.shape), str(v.dtype)) if not isinstance(v, TensorList) else v.signature()
        if self.items is not None:
            return "list", self.dtype.name, self.dims, tuple(map(of, self.items))
        return "buffer", self.dtype.name, self.dims, of(self.buffer), self.length if isinstance(self.length, int) else None, self.safe

    @property
    def element_dims(self) -> Dims:
        """The shape of an element as far as it is known, from what was declared and from what is in it."""
        if self.items is None:
            return () if isinstance(self.buffer, TensorList) else tuple(self.buffer.shape[1:])
        dims = self.dims
        for i in self.items:
            if i is not None and not isinstance(i, TensorList):
                dims = merge(dims, tuple(i.shape))
        return dims

    def as_buffer(self, capacity: int | None = None, grows: bool = False, safe: bool = False, dims: Dims = None, example: Any = None) -> "TensorList | None":
        """The buffer form with room for `capacity` elements; None when the elements have no one known shape."""
        from jax import numpy as jnp, tree

        if self.items is None:
            return self
        items = self.items
        n = len(items)
        room = max(n, capacity or 0, 1)
        if self.dtype.name == "variant":
            sample = next((i for i in items if i is not None), example)
            if sample is None:
                return None
            zero = tree.map(jnp.zeros_like, sample)
        else:
            try:
                full = merge(self.element_dims, dims)
                if example is not None:
                    full = merge(full, tuple(example.shape))
            except ShapeError:
                return None
            if full is None or None in full or not self.dtype.on_device:
                return None
            zero = jnp.zeros(full, self.dtype.array_dtype)
        if all(i is None for i in items):
            buffer = tree.map(lambda z: jnp.zeros((room, *z.shape), z.dtype), zero)
        else:
            filled = [zero if i is None else i for i in items] + [zero] * (room - n)
            buffer = tree.map(lambda *rows: jnp.stack([jnp.asarray(r) for r in rows]), *filled)
        return TensorList(self.dtype, self.dims, buffer=buffer, length=jnp.asarray(n, np.int32) if grows else n, capacity=room, safe=safe)

    def in_form(self, form: "Form") -> "TensorList | None":
        """The buffer form that lists of several branches share; None where this one cannot have it."""
        from jax import numpy as jnp, tree

        made = self.as_buffer(form.capacity, dims=form.element)
        if made is None or any(leaf.shape[0] != form.capacity for leaf in tree.leaves(made.buffer)):
            return None
        length = made.length if form.fixed else jnp.asarray(made.length, np.int32)
        return TensorList(self.dtype, form.dims, buffer=made.buffer, length=length, capacity=form.capacity)

    def as_items(self) -> "TensorList":
        """The list form, for the host."""
        if self.items is not None:
            return self
        n = int(self.length)
        rows = [None] * n if n == 0 else [self.row(i) for i in range(n)] if isinstance(self.buffer, TensorList) else list(np.asarray(self.buffer)[:n])
        return TensorList(self.dtype, self.dims, rows)

    # -- what the ops ask --------------------------------------------------------------------------------------------
    def with_buffer(self, buffer: Any, length: Any) -> "TensorList":
        return TensorList(self.dtype, self.dims, buffer=buffer, length=length, capacity=self.capacity, safe=self.safe)

    def with_items(self, items: list[Any]) -> "TensorList":
        return TensorList(self.dtype, self.dims, items, probe=self.probe)

    def row(self, at: Any) -> Any:
        """The element at a traced index of the buffer form."""
        from jax import lax, numpy as jnp, tree

        def one(b: Any) -> Any:
            if b.shape[0] == 0:  # in the body of a loop that makes no turn
                return jnp.zeros(b.shape[1:], b.dtype)
            return lax.dynamic_index_in_dim(b, at, 0, keepdims=False)

        return tree.map(one, self.buffer)

    def with_row(self, at: Any, item: Any, length: Any) -> "TensorList":
        """The buffer form with the element at a traced index replaced."""
        from jax import lax, tree

        put = lambda b, v: lax.dynamic_update_index_in_dim(b, v.astype(b.dtype) if v.dtype != b.dtype else v, at, 0)
        return self.with_buffer(tree.map(put, self.buffer, item), length)

    def zeros_like(self) -> "TensorList":
        """The same list with every element zero."""
        if self.items is None:
            from jax import numpy as jnp, tree

            return self.with_buffer(tree.map(jnp.zeros_like, self.buffer), self.length)
        return self.with_items([None if i is None else i.zeros_like() if isinstance(i, TensorList) else i * False for i in self.items])

    def __add__(self, other: "TensorList") -> "TensorList":
        """Element by element; None counts as zero."""
        if self.items is None or other.items is None:
            from jax import tree

            a = self if self.items is None else self.as_buffer(other.capacity)
            b = other if other.items is None else other.as_buffer(self.capacity)
            assert a is not None and b is not None
            return a.with_buffer(tree.map(lambda x, y: x + y, a.buffer, b.buffer), a.length)
        if len(self.items) != len(other.items):
            raise ShapeError(f"lists of {len(self.items)} and {len(other.items)} elements cannot be added")
        return self.with_items([b if a is None else a if b is None else a + b for a, b in zip(self.items, other.items)])

    def __repr__(self) -> str:
        return f"<TensorList of {self.length} {self.dtype.name}{self.dims}>"
