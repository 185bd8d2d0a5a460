"""`tf.RaggedTensorSpec`: what is known of a RaggedTensor."""

from typing import Any

from penstock.base import dtypes
from penstock.base.dtypes import as_dtype
from penstock.base.shape import TensorShape, as_dims
from penstock.ir import spec_registry
from penstock.ir.tensor import Tensor
from penstock.ir.type_spec import BatchableTypeSpec, TensorSpec, register_type_spec_from_value_converter
from penstock.ops.ragged_tensor import RaggedTensor, RaggedTensorValue


@spec_registry.register("tf.RaggedTensorSpec")
class RaggedTensorSpec(BatchableTypeSpec):
    """Shape, dtype, ragged rank and partition dtype of a RaggedTensor."""

    def __init__(self, shape: Any = None, dtype: Any = dtypes.float32, ragged_rank: int | None = None, row_splits_dtype: Any = dtypes.int64, flat_values_spec: Any = None):
        self._shape = TensorShape._of(as_dims(shape))
        self._row_splits_dtype = as_dtype(row_splits_dtype)
        if flat_values_spec is not None:
            dtype = flat_values_spec.dtype if dtype is None else dtype
        elif dtype is None:
            raise ValueError("At least one of dtype or flat_values_spec must be provided.")
        self._dtype, self._flat_values_spec = as_dtype(dtype), flat_values_spec
        rank = self._shape.rank
        if ragged_rank is None:
            if rank is None:
                raise ValueError("Must specify ragged_rank or shape with a known rank.")
            ragged_rank = rank - 1
        if not isinstance(ragged_rank, int):
            raise TypeError(f"Argument `ragged_rank` must be an int. Received {ragged_rank}.")
        if rank is not None and ragged_rank >= rank:
            raise ValueError(f"Argument `ragged_rank` ({ragged_rank}) must be less than rank ({rank}).")
        self._ragged_rank = ragged_rank

    dtype = property(lambda s: s._dtype, doc="The dtype of the elements.")
    shape = property(lambda s: s._shape, doc="The shape; ragged axes are None.")
    ragged_rank = property(lambda s: s._ragged_rank, doc="How many axes are ragged.")
    row_splits_dtype = property(lambda s: s._row_splits_dtype, doc="int32 or int64.")
    flat_values_spec = property(lambda s: s._flat_values_spec, doc="The spec of the innermost values, or None.")

    @property
    def value_type(self) -> type:
        return RaggedTensor if self._ragged_rank > 0 else Tensor

    def _serialize(self) -> tuple[Any, ...]:
        found = (self._shape, self._dtype, self._ragged_rank, self._row_splits_dtype)
        return found if self._flat_values_spec is None else (*found, self._flat_values_spec)

    @property
    def _component_specs(self) -> list[Any]:
        dims = self._shape._dims
        if self._ragged_rank <= 0:
            return [self._flat_values_spec or TensorSpec(self._shape, self._dtype)]
        if dims is None:
            flat, outer = TensorShape(None), None
        else:
            flat, outer = TensorShape._of((None, *dims[self._ragged_rank + 1 :])), None if dims[0] is None else dims[0] + 1
        inner = [TensorSpec([None], self._row_splits_dtype) for _ in range(self._ragged_rank - 1)]
        return [self._flat_values_spec or TensorSpec(flat, self._dtype), TensorSpec([outer], self._row_splits_dtype), *inner]

    def _to_components(self, value: Any) -> list[Any]:
        if isinstance(value, RaggedTensor):
            return [value.flat_values, *value.nested_row_splits]
        return [value]

    def _from_components(self, components: Any) -> Any:
        flat, *splits = components
        result = flat
        for s in reversed(splits):
            result = RaggedTensor.from_row_splits(result, s, validate=False)
        if self._shape.rank is not None and isinstance(result, RaggedTensor):
            level: Any = result
            for i in range(self._ragged_rank):
                level._uniform = self._shape._dims[i + 1]  # type: ignore[index]
                level = level.values
        return result

    def is_compatible_with(self, spec_or_value: Any) -> bool:
        if self._ragged_rank == 0 and isinstance(spec_or_value, (Tensor, TensorSpec)):
            return TensorSpec(self._shape, self._dtype).is_compatible_with(spec_or_value)
        return super().is_compatible_with(spec_or_value)

    def _batch(self, batch_size: int | None) -> "RaggedTensorSpec":
        return RaggedTensorSpec(TensorShape._of((batch_size,)).concatenate(self._shape), self._dtype, self._ragged_rank + 1, self._row_splits_dtype)

    def _unbatch(self) -> "RaggedTensorSpec":
        return RaggedTensorSpec(self._shape[1:], self._dtype, self._ragged_rank - 1, self._row_splits_dtype)

    @classmethod
    def from_value(cls, value: Any) -> "RaggedTensorSpec":
        """The spec of a RaggedTensor or of its value."""
        if isinstance(value, RaggedTensorValue):
            return cls(value.shape, value.dtype, value.ragged_rank, value.row_splits.dtype)
        return cls(value.shape, value.dtype, value.ragged_rank, value.row_splits.dtype)


register_type_spec_from_value_converter(RaggedTensorValue, RaggedTensorSpec.from_value)
RaggedTensor.spec_class = RaggedTensorSpec
