"""`tf.IndexedSlices`: some rows of a larger tensor, as the gradients of gather and of embeddings are."""

import collections
from typing import Any

import numpy as np

from penstock.base import dtypes
from penstock.base.dtypes import as_dtype
from penstock.base.export import export
from penstock.base.shape import TensorShape, as_dims
from penstock.ir import door
from penstock.ir.known import known_dims, known_value
from penstock.ir.op import find
from penstock.ir.tensor import Tensor
from penstock.ir.type_spec import TypeSpec

IndexedSlicesValue = collections.namedtuple("IndexedSlicesValue", ["values", "indices", "dense_shape"])
"""The value of IndexedSlices in NumPy arrays."""


@export("IndexedSlices")
class IndexedSlices:
    """Row i of `values` belongs at row `indices[i]` of a tensor of shape `dense_shape`; equal indices add up.

    >>> tf.convert_to_tensor(tf.IndexedSlices(tf.constant([[1.], [2.]]), tf.constant([2, 0]), tf.constant([3, 1]))).numpy().tolist()
    [[2.0], [0.0], [1.0]]
    """

    __composite__ = True
    _counts_as_tensor = True  # for `tf.is_tensor`
    __array_priority__ = 100

    def __init__(self, values: Any, indices: Any, dense_shape: Any = None):
        self._values, self._indices, self._dense_shape = values, indices, dense_shape

    values = property(lambda s: s._values, doc="The rows.")
    indices = property(lambda s: s._indices, doc="Where each row belongs.")
    dense_shape = property(lambda s: s._dense_shape, doc="The shape of the whole, or None.")
    name = property(lambda s: s._values.name, doc="The name of `values`.")
    device = property(lambda s: s._values.device, doc="The device of `values`.")
    op = property(lambda s: s._values.op, doc="The operation that makes `values`.")
    dtype = property(lambda s: s._values.dtype, doc="The dtype of the elements.")
    graph = property(lambda s: s._values.graph, doc="The graph of `values`.")

    @property
    def shape(self) -> TensorShape:
        """The shape of the whole, as far as it is known."""
        if self._dense_shape is None:
            return TensorShape(None)
        return TensorShape._of(known_dims(self._dense_shape))

    def get_shape(self) -> TensorShape:
        return self.shape

    def _fetch_parts(self) -> Any:
        return [self._values, self._indices, self._dense_shape], lambda parts: IndexedSlicesValue(*parts)

    def _feed_parts(self) -> Any:
        parts = [p for p in (self._values, self._indices, self._dense_shape) if p is not None]
        return parts, lambda value: list(value)[: len(parts)]

    @property
    def _type_spec(self) -> "IndexedSlicesSpec":
        dense = self._dense_shape
        shape = self._values.shape if dense is None else self.shape
        if dense is None:
            rows = self._values._dims
            shape = TensorShape._of(None if rows is None else (None, *rows[1:]))
        return IndexedSlicesSpec(shape, self.dtype, self._indices.dtype, None if dense is None else dense.dtype, self._indices.shape)

    def _shape_invariant_to_type_spec(self, shape: Any) -> "IndexedSlicesSpec":
        dims = as_dims(shape)
        return IndexedSlicesSpec(shape, self.dtype, self._indices.dtype, None if self._dense_shape is None else self._dense_shape.dtype, None if dims is None else dims[:1])

    def consumers(self) -> list[Any]:
        """The operations that take `values`."""
        return self._values.consumers()

    def __neg__(self) -> "IndexedSlices":
        return IndexedSlices(find("Neg")(self._values), self._indices, self._dense_shape)

    def __str__(self) -> str:
        dense = "" if self._dense_shape is None else f", dense_shape={self._dense_shape!s}"
        return f"IndexedSlices(indices={self._indices!s}, values={self._values!s}{dense})"

    def __tf_tensor__(self, dtype: Any = None, name: str | None = None) -> Any:
        """The whole tensor, with zeros where no row belongs."""
        if dtype is not None and not as_dtype(dtype).is_compatible_with(self.dtype):
            raise ValueError(f"Incompatible tensor conversion requested to `dtype` {as_dtype(dtype).name} for IndexedSlices ({self}) with dtype {self.dtype.name}")
        if self._dense_shape is None:
            raise ValueError(f"Tensor conversion requested for IndexedSlices for argument `value` without dense_shape: {self}")
        rows = known_value(self._dense_shape)
        dense = self._dense_shape
        if rows is None and not isinstance(dense, Tensor):
            dense = door.convert(dense)
        count = np.asarray(rows[0]) if rows is not None else dense[0]
        out = find("UnsortedSegmentSum")(self._values, self._indices, count, name=name)
        return out


@export("IndexedSlicesSpec")
class IndexedSlicesSpec(TypeSpec):
    """What is known of an IndexedSlices: the shape of the whole, and the dtypes of its parts."""

    def __init__(self, shape: Any = None, dtype: Any = dtypes.float32, indices_dtype: Any = dtypes.int64, dense_shape_dtype: Any = None, indices_shape: Any = None):
        self._shape = TensorShape(shape)
        self._values_dtype = as_dtype(dtype)
        self._indices_dtype = as_dtype(indices_dtype)
        self._dense_shape_dtype = None if dense_shape_dtype is None else as_dtype(dense_shape_dtype)
        self._indices_shape = TensorShape(indices_shape).with_rank(1)

    @property
    def value_type(self) -> type:
        return IndexedSlices

    def _serialize(self) -> tuple[Any, ...]:
        return self._shape, self._values_dtype, self._indices_dtype, self._dense_shape_dtype, self._indices_shape

    @property
    def _component_specs(self) -> list[Any]:
        from penstock.ir.type_spec import TensorSpec

        specs = [TensorSpec(self._indices_shape.concatenate(self._shape[1:]), self._values_dtype), TensorSpec(self._indices_shape, self._indices_dtype)]
        if self._dense_shape_dtype is not None:
            specs.append(TensorSpec([self._shape.rank], self._dense_shape_dtype))
        return specs

    def _to_components(self, value: Any) -> list[Any]:
        parts = [value.values, value.indices]
        return parts if value.dense_shape is None else [*parts, value.dense_shape]

    def _from_components(self, components: Any) -> IndexedSlices:
        return IndexedSlices(*components)


@export(v1=("convert_to_tensor_or_indexed_slices",))
def convert_to_tensor_or_indexed_slices(value, dtype=None, name=None):
    """`value` as a tensor, unless it is an IndexedSlices, which stays as it is."""
    if isinstance(value, IndexedSlices):
        if dtype is not None and not as_dtype(dtype).is_compatible_with(value.dtype):
            raise ValueError(f"Tensor conversion requested dtype {as_dtype(dtype).name} for IndexedSlices with dtype {value.dtype.name}: {value}")
        return value
    return door.convert(value, None if dtype is None else as_dtype(dtype), name)


def concatenated(parts: list[Any]) -> IndexedSlices:
    """The sum of several IndexedSlices of one shape: all their rows."""
    concat = find("ConcatV2")
    wide = any(p.indices.dtype.base_dtype is dtypes.int64 for p in parts)
    indices = [find("Cast")(p.indices, DstT=dtypes.int64) if wide and p.indices.dtype.base_dtype is not dtypes.int64 else p.indices for p in parts]
    dense = next((p.dense_shape for p in parts if p.dense_shape is not None), None)
    return IndexedSlices(concat([p.values for p in parts], np.int32(0)), concat(indices, np.int32(0)), dense)


def dense_of(value: Any) -> Any:
    """A gradient as one tensor."""
    return door.convert(value) if isinstance(value, IndexedSlices) else value
