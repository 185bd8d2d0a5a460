"""`tf.experimental.Optional`: a value that may not be there."""

from typing import Any

import numpy as np

from penstock.base import dtypes
from penstock.base.errors import InvalidArgumentError
from penstock.base.export import export
from penstock.data import structure
from penstock.data.stage_op import emit_stage
from penstock.ir import door
from penstock.ir.op import find, op
from penstock.ir.type_spec import TensorSpec, TypeSpec


class Held:
    """The value of an optional's variant: the flat element, or None."""

    __slots__ = ("element",)
    runtime_only = True

    def __init__(self, element: Any):
        self.element = element

    def signature(self) -> str:
        return "optional"

    def zeros_like(self) -> "Held":
        """An optional of zeros: what its gradient starts from."""
        zero = lambda v: v.zeros_like() if hasattr(v, "zeros_like") else np.zeros_like(v) if isinstance(v, np.ndarray) and v.dtype != object else v
        return Held(None if self.element is None else [zero(v) for v in self.element])


@op("OptionalFromValue(components: Toutput_types, *, Toutput_types: list(type) >= 1) -> optional: variant", where="host", shape=lambda *_, **__: ())
def OPTIONAL_FROM_VALUE(xp, components):
    """An optional that holds a value."""
    return Held(list(components))


@op("OptionalNone() -> optional: variant", where="host", shape=lambda: ())
def OPTIONAL_NONE(xp):
    """An optional without a value."""
    return Held(None)


@op("OptionalHasValue(optional: variant) -> has_value: bool", where="host", shape=lambda optional: ())
def OPTIONAL_HAS_VALUE(xp, optional):
    """Does it hold a value?"""
    return np.array(_held(optional).element is not None)


def _held(optional: Any) -> Held:
    return optional.item() if isinstance(optional, np.ndarray) else optional


@op("OptionalGetValue(optional: variant, *, output_shapes: list(shape) >= 1, output_types: list(type) >= 1) -> components: output_types", where="host",
    shape=lambda optional, *, output_shapes, **_: output_shapes)  # fmt: skip
def OPTIONAL_GET_VALUE(xp, optional):
    """The value; an error where there is none."""
    element = _held(optional).element
    if element is None:
        raise InvalidArgumentError(None, None, "The given optional does not have a value.")
    return list(element)


@OPTIONAL_GET_VALUE.grad
def _(node, *dys):
    return OPTIONAL_FROM_VALUE([find("ZerosLike")(y) if dy is None else dy for y, dy in zip(node.outputs, dys)])


@OPTIONAL_FROM_VALUE.grad
def _(node, dy):
    inputs = node.inputs
    found = OPTIONAL_GET_VALUE(dy, output_types=[t.dtype for t in inputs], output_shapes=[t.shape._dims for t in inputs])
    return list(found) if isinstance(found, (list, tuple)) else [found]


@export("experimental.Optional", "data.experimental.Optional")
class Optional:
    """A value that may not be there: what `get_next_as_optional` gives.

    >>> tf.experimental.Optional.from_value(42).get_value().numpy()
    np.int32(42)
    """

    __composite__ = True

    @property
    def element_spec(self) -> Any:
        """The spec of the value."""
        raise NotImplementedError("Optional.element_spec")

    def has_value(self, name: str | None = None) -> Any:
        """A boolean: is there a value?"""
        raise NotImplementedError("Optional.has_value()")

    def get_value(self, name: str | None = None) -> Any:
        """The value; InvalidArgumentError where there is none."""
        raise NotImplementedError("Optional.get_value()")

    @staticmethod
    def empty(element_spec: Any) -> "Optional":
        """An optional without a value of this spec."""
        return _OptionalImpl(OPTIONAL_NONE() if door.current().is_graph else emit_stage(OPTIONAL_NONE, (), {}), element_spec)

    @staticmethod
    def from_value(value: Any) -> "Optional":
        """An optional that holds a value: a tensor, a composite tensor or a structure of them."""
        value = structure.normalize_element(value)
        spec = structure.type_spec_from_element(value)
        return _OptionalImpl(OPTIONAL_FROM_VALUE(structure.to_tensor_list(spec, value)), spec)


class _OptionalImpl(Optional):
    """An optional around its variant tensor."""

    def __init__(self, variant_tensor: Any, element_spec: Any):
        self._variant_tensor, self._element_spec = variant_tensor, element_spec

    def has_value(self, name: str | None = None) -> Any:
        return OPTIONAL_HAS_VALUE(self._variant_tensor, name=name)

    def get_value(self, name: str | None = None) -> Any:
        flat = OPTIONAL_GET_VALUE(self._variant_tensor, name=name, **structure.attrs_of(self._element_spec))
        return structure.from_tensor_list(self._element_spec, flat)

    @property
    def element_spec(self) -> Any:
        return self._element_spec

    @property
    def _type_spec(self) -> "OptionalSpec":
        return OptionalSpec(self._element_spec)

    def __repr__(self) -> str:
        return f"<tf.experimental.Optional element_spec={self._element_spec}>"


@export("OptionalSpec", v1=("data.experimental.OptionalStructure",), v2=("data.experimental.OptionalStructure",))
class OptionalSpec(TypeSpec):
    """The spec of an Optional.

    >>> tf.OptionalSpec(tf.TensorSpec([], tf.int32)).value_type.__name__
    'Optional'
    """

    def __init__(self, element_spec: Any):
        self._element_spec = element_spec

    @property
    def value_type(self) -> type:
        return Optional

    def __repr__(self) -> str:
        return f"OptionalSpec({self._element_spec!r},)"

    def _serialize(self) -> tuple[Any, ...]:
        return (self._element_spec,)

    @property
    def _component_specs(self) -> list[Any]:
        return [TensorSpec((), dtypes.variant)]

    def _to_components(self, value: Any) -> list[Any]:
        return [value._variant_tensor]

    def _from_components(self, components: Any) -> Optional:
        return _OptionalImpl(components[0], self._element_spec)

    @staticmethod
    def from_value(value: Any) -> "OptionalSpec":
        """The spec of an optional."""
        return OptionalSpec(value.element_spec)

    def _to_legacy_output_types(self) -> Any:
        return self

    _to_legacy_output_shapes = _to_legacy_output_classes = _to_legacy_output_types
