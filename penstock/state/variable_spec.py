"""`VariableSpec`: the type of a variable, and functions that put values in the place of variables in structures."""

from collections.abc import Iterator
from typing import Any

from penstock.base import dtypes, nest
from penstock.ir import door
from penstock.ir.tensor import Tensor
from penstock.ir.type_spec import DenseSpec, TensorSpec, register_type_spec_from_value_converter
from penstock.state.resource_variable import BaseResourceVariable
from penstock.state.variable import VariableAggregation, VariableSynchronization


class VariableSpec(DenseSpec):
    """Shape, dtype and trainability of a variable; `alias_id` says which arguments of a function are the same variable."""

    __composite_spec__ = False  # a variable is a leaf of nests

    def __init__(self, shape: Any, dtype: Any = dtypes.float32, trainable: bool = True, alias_id: int | None = None):
        super().__init__(shape, dtype)
        self.trainable, self.alias_id = trainable, alias_id

    @classmethod
    def from_value(cls, value: Any) -> "VariableSpec":
        return cls(value.shape, value.dtype, value.trainable)

    @property
    def value_type(self) -> type:
        return BaseResourceVariable

    def _serialize(self) -> tuple[Any, ...]:
        return self._shape, self._dtype, self.trainable, self.alias_id

    @property
    def _component_specs(self) -> list[TensorSpec]:
        return [TensorSpec([], dtypes.resource)]

    def _to_components(self, value: Any) -> list[Any]:
        return [value.handle]

    def _from_components(self, components: Any) -> Any:
        """The variable that the handle among the components is of; ValueError for another number of components."""
        if not isinstance(components, (list, tuple)):
            raise TypeError(f"Components of a ResourceVariable must be a list or tuple, got {components!r}.")
        if len(components) != 1:
            raise ValueError(f"Components of a ResourceVariable must only contain its resource handle, got {components!r}.")
        handle = components[0]
        if not isinstance(handle, Tensor) or handle.dtype is not dtypes.resource:
            raise ValueError(f"The handle of a ResourceVariable must be a resource tensor, got {handle!r}.")
        of = getattr(handle, "_variable", None)
        known = of() if of is not None else None
        if known is not None:
            return known
        made: Any = BaseResourceVariable.__new__(BaseResourceVariable)
        made._handle, made._shape, made._dtype, made._trainable = handle, self._shape, self._dtype, self.trainable
        made._handle_name, made._in_graph_mode = "Variable:0", door.current().is_graph
        made._synchronization, made._aggregation = VariableSynchronization.AUTO, VariableAggregation.NONE
        return made

    def to_tensors(self, value: Any) -> list[Any]:
        return [value.handle]

    def from_tensors(self, tensors: Iterator[Any]) -> Any:
        return self._from_components([next(tensors)])

    def flatten(self) -> list[Any]:
        return self._component_specs

    def cast(self, value: Any, casting_context: Any) -> Any:
        if not isinstance(value, BaseResourceVariable):
            raise TypeError(f"Can not cast {value!r} to a variable of {self!r}")
        return value

    def is_compatible_with(self, spec_or_value: Any) -> bool:
        """May the variable (or one of that spec) stand where this spec is asked for?"""
        if isinstance(spec_or_value, BaseResourceVariable):
            spec_or_value = VariableSpec.from_value(spec_or_value)
        return (
            type(spec_or_value) is type(self) and self._dtype is spec_or_value._dtype and self.trainable == spec_or_value.trainable
            and self._shape.is_compatible_with(spec_or_value._shape)
        )  # fmt: skip

    def is_subtype_of(self, other: Any) -> bool:
        return (
            type(self) is type(other) and self._dtype is other._dtype and self.trainable == other.trainable
            and self._shape.is_subtype_of(other._shape) and self.alias_id == other.alias_id
        )  # fmt: skip

    def most_specific_common_supertype(self, others: Any) -> "VariableSpec | None":
        others = list(others)
        mine = self.dtype, self.trainable, self.alias_id
        if any(type(o) is not type(self) or (o.dtype, o.trainable, o.alias_id) != mine for o in others):
            return None
        shape = self._shape.most_specific_common_supertype([o._shape for o in others])
        return None if shape is None else VariableSpec(shape, *mine)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(shape={self._shape}, dtype={self._dtype!r}, trainable={self.trainable!r}, alias_id={self.alias_id!r})"

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self._serialize() == other._serialize()  # type: ignore[attr-defined]

    def __hash__(self) -> int:
        return hash((self._shape, self._dtype, self.trainable, self.alias_id))


register_type_spec_from_value_converter(BaseResourceVariable, VariableSpec.from_value, allow_subclass=True)


def convert_variables_to_tensors(values: Any) -> Any:
    """The structure with the values of its variables, also of those inside composite values, in their place."""

    def convert(value: Any) -> Any:
        if isinstance(value, BaseResourceVariable):
            return door.convert(value)
        inside = getattr(value, "_convert_variables_to_tensors", None)
        return value if inside is None or isinstance(value, type) else inside()

    return nest.map_structure(convert, values)


def replace_variables_with_atoms(values: Any) -> Any:
    """The structure with 0 in the place of each variable: what it costs to compare without reading them."""
    return nest.map_structure(lambda v: 0 if isinstance(v, BaseResourceVariable) else v, values)
