"""DynamicRaggedShape: the shape of a ragged tensor, as `tf.shape` gives it."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock.base import dtypes
from penstock.base.dtypes import as_dtype
from penstock.base.export import export
from penstock.base.shape import TensorShape
from penstock.ir import door
from penstock.ir.known import known_value
from penstock.ir.op import find
from penstock.ops.ragged_tensor import RaggedTensor
from penstock.ops.row_partition import RowPartition


@export("experimental.DynamicRaggedShape")
class DynamicRaggedShape:
    """The partitions of a ragged tensor's rows, the outermost first, and the shape of its flat values.

    >>> tf.shape(tf.ragged.constant([[1, 2], [3]])).static_lengths()
    [2, (2, 1)]
    """

    def __init__(self, row_partitions: Sequence[RowPartition], inner_shape: Any, dtype: Any = None, validate: bool = False, static_inner_shape: Any = ...):
        if not isinstance(row_partitions, (list, tuple)):
            raise TypeError("row_partitions should be a list of row partitions.")
        for p in row_partitions:
            if not isinstance(p, RowPartition):
                raise TypeError(f"row_partitions contains {p} which is not a RowPartition")
        if dtype is None:
            given = getattr(inner_shape, "dtype", None)
            found = [p.dtype for p in row_partitions] + ([as_dtype(given)] if given is not None else [])
            dtype = dtypes.int32 if found and all(d == dtypes.int32 for d in found) else dtypes.int64
        self._dtype = as_dtype(dtype)
        if self._dtype not in (dtypes.int32, dtypes.int64):
            raise ValueError(f"dtype must be int32 or int64, got {self._dtype!r}")
        self._row_partitions = tuple(p.with_dtype(self._dtype) for p in row_partitions)
        inner = door.convert(inner_shape if not isinstance(inner_shape, (list, tuple)) or inner_shape else np.zeros(0, np.int64))
        self._inner_shape = inner if inner.dtype == self._dtype else find("Cast")(inner, DstT=self._dtype)
        known = known_value(self._inner_shape)
        if static_inner_shape is ...:
            rank = None if inner._dims is None else inner._dims[0]
            static_inner_shape = TensorShape(None if rank is None else [None] * rank) if known is None else TensorShape(known.tolist())
        self._static_inner_shape = TensorShape(static_inner_shape)
        if self._row_partitions and self._static_inner_shape.rank == 0:
            raise ValueError("If row_partitions are provided, must have inner_rank > 0")
        if validate and known is not None and self._row_partitions:
            total = known_value(self._row_partitions[-1].nvals())
            if total is not None and total != known[0]:
                raise ValueError(f"Last row partition has {total} values, inner_shape says {known[0]}.")

    # -- how they are made ---------------------------------------------------------------------------------------------
    @classmethod
    def from_tensor(cls, t: Any, dtype: Any = None) -> "DynamicRaggedShape":
        """The shape of a tensor, ragged or not."""
        if not isinstance(t, RaggedTensor):
            t = door.convert(t)
            out = as_dtype(dtype) if dtype is not None else dtypes.int64
            return cls([], find("Shape")(t, out_type=out), out, static_inner_shape=t.shape)
        parts: list[RowPartition] = []
        values: Any = t
        while isinstance(values, RaggedTensor):
            uniform = values.uniform_row_length
            part = RowPartition.from_row_splits(values.row_splits, validate=False)
            part._uniform = uniform
            part._nvals = values.values.shape[0]
            parts.append(part)
            values = values.values
        out = as_dtype(dtype) if dtype is not None else t.row_splits.dtype
        return cls(parts, find("Shape")(values, out_type=out), out, static_inner_shape=values.shape)

    @classmethod
    def from_row_partitions(cls, row_partitions: Sequence[RowPartition], dtype: Any = None) -> "DynamicRaggedShape":
        """The shape of a ragged tensor whose flat values are a vector."""
        if not row_partitions:
            raise ValueError("row_partitions cannot be empty")
        inner = find("Reshape")(row_partitions[-1].nvals(), [1])
        return cls(row_partitions, inner, dtype)

    @classmethod
    def from_lengths(cls, lengths: Sequence[Any], num_row_partitions: int | None = None, dtype: Any = dtypes.int64) -> "DynamicRaggedShape":
        """The shape with these lengths: a number for an axis of one length, a sequence of the rows' lengths for a ragged one."""
        if not isinstance(lengths, (list, tuple)):
            raise ValueError("lengths should be a list")
        for x in lengths:
            if not isinstance(x, (int, np.integer, list, tuple)):
                raise ValueError(f"elements of lengths should be [int or tuple of ints]: instead {x}")
        ragged = [i for i, x in enumerate(lengths) if isinstance(x, (list, tuple))]
        if ragged and ragged[0] == 0:
            raise ValueError(f"First dimension must be an integer: {lengths}")
        least = ragged[-1] if ragged else 0
        count = least if num_row_partitions is None else num_row_partitions
        if count < least or count >= max(len(lengths), 1):
            raise ValueError(f"num_row_partitions should be in [{least}, {len(lengths)}): {count}")
        rows = int(lengths[0]) if lengths else 0
        parts = []
        for x in lengths[1 : count + 1]:
            if isinstance(x, (list, tuple)):
                if len(x) != rows:
                    raise ValueError("Shape not consistent.")
                parts.append(RowPartition.from_row_lengths(list(x), dtype=dtype))
                rows = int(sum(x))
            else:
                parts.append(RowPartition.from_uniform_row_length(int(x), nrows=rows, dtype=dtype))
                rows *= int(x)
        inner = np.array([rows, *lengths[count + 1 :]] if lengths else [], as_dtype(dtype).array_dtype)
        return cls(parts, inner, dtype)

    # -- what they say -------------------------------------------------------------------------------------------------
    dtype = property(lambda self: self._dtype)
    row_partitions = property(lambda self: self._row_partitions)
    num_row_partitions = property(lambda self: len(self._row_partitions))
    inner_shape = property(lambda self: self._inner_shape)
    inner_rank = property(lambda self: self._static_inner_shape.rank)

    @property
    def rank(self) -> int | None:
        """The number of axes, or None."""
        return None if self.inner_rank is None else self.inner_rank + self.num_row_partitions

    def is_uniform(self, axis: int) -> bool:
        """Is the axis not ragged?"""
        if not isinstance(axis, int):
            raise TypeError("axis must be an integer")
        if self.rank is not None and axis >= self.rank:
            raise IndexError(f"Expected {axis=} < rank={self.rank}")
        return axis == 0 or axis > self.num_row_partitions or self._row_partitions[axis - 1].is_uniform()

    def static_lengths(self, ragged_lengths: bool = True) -> list[Any]:
        """The length of each axis as far as it is known: a number, the tuple of the rows' lengths, or None; ... after an unknown rank."""
        inner = self._static_inner_shape
        tail = [...] if inner.rank is None else inner.as_list()
        if not self._row_partitions:
            return tail
        found: list[Any] = [self._row_partitions[0].static_nrows]
        for p in self._row_partitions:
            lengths = known_value(p.row_lengths()) if ragged_lengths and not p.is_uniform() else None
            found.append(p.static_uniform_row_length if p.is_uniform() else None if lengths is None else tuple(lengths.tolist()))
        return found + (tail[1:] if inner.rank is not None else tail)

    def with_dtype(self, dtype: Any) -> "DynamicRaggedShape":
        """The same with numbers of another integer type."""
        dtype = as_dtype(dtype)
        return self if dtype == self._dtype else DynamicRaggedShape(self._row_partitions, find("Cast")(self._inner_shape, DstT=dtype), dtype,
                                                                    static_inner_shape=self._static_inner_shape)  # fmt: skip

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return self._slice(index)
        if not isinstance(index, (int, np.integer)):
            raise TypeError("index is not an int or a slice")
        if index < 0:
            if self.rank is None:
                raise ValueError("Rank must be statically known to use negative indices.")
            if index + self.rank < 0:
                raise IndexError(f"Index must be non-negative: {index + self.rank}")
            index += self.rank
        if self.rank is not None and index >= self.rank:
            raise IndexError(f"Index is too big: {index}>={self.rank}")
        if index == 0 and self._row_partitions:
            return self._row_partitions[0].nrows()
        if index <= self.num_row_partitions and self._row_partitions:
            length = self._row_partitions[index - 1].uniform_row_length()
            if length is None:
                raise ValueError(f"Index {index} is not uniform")
            return length
        return self._inner_shape[index - self.num_row_partitions]

    def _slice(self, index: slice) -> "DynamicRaggedShape":
        if index.step not in (None, 1):
            raise IndexError("Cannot stride through a shape")
        if self.rank is None and (index.stop is None or index.stop < 0 or (index.start or 0) < 0):
            raise ValueError("Rank must be statically known to use negative indices.")
        start, stop, _ = index.indices(self.rank if self.rank is not None else 1 << 20)
        if start >= stop:
            return DynamicRaggedShape([], np.zeros(0, self._dtype.array_dtype), self._dtype)
        if start == 0 and stop > self.num_row_partitions and self._row_partitions:
            return DynamicRaggedShape(self._row_partitions, self._inner_shape[: stop - self.num_row_partitions], self._dtype,
                                      static_inner_shape=self._static_inner_shape[: stop - self.num_row_partitions])  # fmt: skip
        if start == 0 and stop > 1 and self._row_partitions:
            return DynamicRaggedShape.from_row_partitions(self._row_partitions[: stop - 1], self._dtype)
        if not all(self.is_uniform(i) for i in range(start, stop)):
            raise ValueError("All relevant dimensions must be uniform")
        return DynamicRaggedShape([], find("Pack")([self[i] for i in range(start, stop)]), self._dtype)

    def __eq__(self, other: Any) -> Any:
        if not isinstance(other, DynamicRaggedShape) or self.rank != other.rank or self.num_row_partitions != other.num_row_partitions:
            return door.convert(False)
        pairs = [(a.row_splits(), b.row_splits()) for a, b in zip(self._row_partitions, other._row_partitions)]
        same = [find("All")(find("Equal")(a, b, incompatible_shape_error=False), list(range(len(a._dims or (0,)))))
                for a, b in [*pairs, (self._inner_shape, other._inner_shape)]]  # fmt: skip
        return find("All")(find("Pack")(same), [0])

    __hash__ = object.__hash__

    def __repr__(self) -> str:
        shown = ", ".join("..." if x is ... else str(x) for x in self.static_lengths())
        return f"<DynamicRaggedShape lengths=[{shown}] num_row_partitions={self.num_row_partitions}>"

    def _broadcast(self, tensor: Any) -> Any:
        """A dense tensor repeated to fill this shape."""
        if not self._row_partitions or tensor._dims == ():
            return self._add_row_partitions(find("BroadcastTo")(tensor, self._inner_shape))
        zeros = self._add_row_partitions(find("Fill")(self._inner_shape, door.convert(0, tensor.dtype)))
        return zeros + tensor

    def _add_row_partitions(self, flat_values: Any) -> Any:
        """The tensor of this shape with these flat values."""
        for p in reversed(self._row_partitions):
            uniform = p.uniform_row_length()
            flat_values = (RaggedTensor.from_row_splits(flat_values, p.row_splits(), validate=False) if uniform is None else
                           RaggedTensor.from_uniform_row_length(flat_values, uniform, p.nrows(), validate=False))  # fmt: skip
        return flat_values
