"""Linear operators as composite values: their specs hold the specs of their tensors and the values of the rest."""

from typing import Any

from penstock.base import nest
from penstock.ir import spec_registry
from penstock.ir.known import known_value
from penstock.ir.tensor import Tensor
from penstock.ir.type_spec import BatchableTypeSpec, TensorSpec, TypeSpec
from penstock.state.linear_operator_parts import HINTS
from penstock.state.variable import Variable
from penstock.state.variable_spec import VariableSpec


def _spec_of(value: Any) -> Any:
    """The spec of a value or of each part of a structure; the value itself where it is no tensor."""
    if isinstance(value, Variable):
        return VariableSpec.from_value(value)
    if isinstance(value, Tensor):
        return TensorSpec(value.shape, value.dtype)
    if getattr(type(value), "__composite__", False):
        return value._type_spec
    if isinstance(value, (list, tuple)) and value:
        specs = [_spec_of(v) for v in value]
        if all(a is b for a, b in zip(specs, value)):
            return value
        if any(a is b for a, b in zip(specs, value)):
            raise NotImplementedError(f"Found `{type(value)}` with both Tensor and non-Tensor parts: {value}")
        return specs
    return value


def _field(operator: Any, name: str) -> Any:
    held = vars(operator).get(f"_{name}")
    return operator._parameters.get(name) if held is None else held


class LinearOperatorSpec(BatchableTypeSpec):
    """What is known of an operator of one class."""

    def __init__(self, param_specs: Any, non_tensor_params: Any, prefer_static_fields: Any):
        self._param_specs, self._non_tensor_params = param_specs, non_tensor_params
        self._prefer_static_fields = prefer_static_fields

    @classmethod
    def from_operator(cls, operator: Any) -> "LinearOperatorSpec":
        static = operator._composite_tensor_prefer_static_fields
        specs: dict[str, Any] = {}
        plain: dict[str, Any] = {}
        for name in operator._composite_tensor_fields:
            value = _field(operator, name)
            if name in static and isinstance(value, Tensor):
                known = known_value(value)
                value = value if known is None else known.tolist()
            found = _spec_of(value)
            (plain if found is value else specs)[name] = found
        plain.update({hint: getattr(operator, hint) for hint in HINTS})
        return cls(specs, plain, static)

    def _to_components(self, value: Any) -> dict[str, Any]:
        return {name: _field(value, name) for name in self._param_specs}

    def _from_components(self, components: Any) -> Any:
        return self.value_type(**{**self._non_tensor_params, **components})

    @property
    def _component_specs(self) -> Any:
        return self._param_specs

    def _serialize(self) -> tuple[Any, ...]:
        return self._param_specs, self._non_tensor_params, self._prefer_static_fields

    def _copy(self, change: Any) -> Any:
        specs = nest.map_structure(lambda s: change(s) if isinstance(s, TypeSpec) else s, self._param_specs)
        return type(self)(specs, self._non_tensor_params, self._prefer_static_fields)

    def _batch(self, batch_size: int | None) -> Any:
        return self._copy(lambda s: s._batch(batch_size))

    def _unbatch(self) -> Any:
        return self._copy(lambda s: s._unbatch())


def make_composite_tensor(cls: Any, module_name: str = "tf.linalg") -> Any:
    """Class decorator: operators of this class are composite values with a spec of their own."""
    spec = type(f"{cls.__name__}Spec", (LinearOperatorSpec,), {"value_type": property(lambda self: cls)})
    name = f"{module_name}.{spec.__name__}"
    spec_registry._TYPE_SPEC_TO_NAME.pop(spec_registry._NAME_TO_TYPE_SPEC.pop(name, None), None)  # type: ignore[call-overload]
    spec_registry.register(name)(spec)
    cls._spec_class = spec
    return cls
