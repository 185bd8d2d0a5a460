"""`tf.TypeSpec` and `tf.TensorSpec`: what is known of a value before there is one.

A spec says which tensors a value is made of (`_component_specs`), takes one apart (`_to_components`) and puts one together
(`_from_components`).  What identifies a spec is the tuple that `_serialize` gives; comparing, generalising and pickling
follow from it.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, cast

import numpy as np

from penstock.base import dtypes, nest
from penstock.base.dtypes import DType, as_dtype
from penstock.base.export import export
from penstock.base.shape import Dims, TensorShape, as_dims
from penstock.ir import convert, spec_registry
from penstock.ir.tensor import Tensor


@export(v2=("types.experimental.TraceType",))
class TraceType:
    """What `tf.function` keys its traces by: equal types share a trace, a subtype may use the trace of its supertype."""

    def is_subtype_of(self, other: Any) -> bool:
        raise TypeError(f"{type(self).__name__} does not say what it is a subtype of")

    def most_specific_common_supertype(self, others: Any) -> Any:
        raise TypeError(f"{type(self).__name__} does not say what it has in common with others")

    def placeholder_value(self, placeholder_context: Any) -> Any:
        raise TypeError(f"{type(self).__name__} does not say what stands for it in a graph")

    def to_tensors(self, value: Any) -> list[Any]:
        """The tensors that a value of this type is made of."""
        return []

    def from_tensors(self, tensors: Iterator[Any]) -> Any:
        """The value that the next tensors make up."""
        return self.placeholder_value(None)

    def flatten(self) -> list[Any]:
        """The specs of the tensors that a value of this type is made of."""
        return []

    def cast(self, value: Any, casting_context: Any) -> Any:
        """`value`, made to be of this type where it only differs in kind; TypeError where it does not fit."""
        return value


@export("TypeSpec")
class TypeSpec(TraceType):
    """What is known of a value: its class and, for each tensor that it is made of, dtype and shape.

    Subclasses say `value_type`, `_serialize`, `_component_specs`, `_to_components` and `_from_components`.
    """

    __composite_spec__ = True

    @property
    def value_type(self) -> Any:
        raise TypeError(f"{type(self).__name__} does not name the class of its values")

    def _serialize(self) -> tuple[Any, ...]:
        raise TypeError(f"{type(self).__name__} does not say what identifies it")

    @classmethod
    def _deserialize(cls, serialization: tuple[Any, ...]) -> Any:
        return cls(*serialization)

    @property
    def _component_specs(self) -> Any:
        return ()

    def _to_components(self, value: Any) -> Any:
        raise TypeError(f"{type(self).__name__} does not say what its values are made of")

    def _from_components(self, components: Any) -> Any:
        raise TypeError(f"{type(self).__name__} does not say how its values are made")

    # -- the tensors of a value --------------------------------------------------------------------------------------
    @property
    def _flat_tensor_specs(self) -> list[Any]:
        return self.flatten()

    def flatten(self) -> list[Any]:
        return nest.flatten(self._component_specs, expand_composites=True)

    def to_tensors(self, value: Any) -> list[Any]:
        return nest.flatten(self._to_components(value), expand_composites=True)

    _to_tensor_list = to_tensors

    def from_tensors(self, tensors: Iterator[Any]) -> Any:
        count = len(self.flatten())
        flat = [next(tensors) for _ in range(count)]
        return self._from_components(nest.pack_sequence_as(self._component_specs, flat, expand_composites=True))

    def _from_tensor_list(self, tensor_list: Iterable[Any]) -> Any:
        return self.from_tensors(iter(tensor_list))

    _from_compatible_tensor_list = _from_tensor_list

    def placeholder_value(self, placeholder_context: Any) -> Any:
        parts = nest.map_structure(lambda s: s.placeholder_value(placeholder_context), self._component_specs)
        return self._from_components(parts)

    def cast(self, value: Any, casting_context: Any) -> Any:
        if not self.is_compatible_with(value):
            raise TypeError(f"Can not cast {value!r} to type {self!r}")
        return value

    # -- comparing ---------------------------------------------------------------------------------------------------
    def is_compatible_with(self, spec_or_value: Any) -> bool:
        """May the value (or every value of that spec) stand where this spec is asked for?"""
        if not isinstance(spec_or_value, TypeSpec):
            try:
                spec_or_value = type_spec_from_value(spec_or_value)
            except TypeError:
                return False
        if type(self) is not type(spec_or_value):
            return False
        return _agree(self._serialize(), spec_or_value._serialize())

    def is_subtype_of(self, other: Any) -> bool:
        """Is every value of this spec one of `other` too?"""
        return type(self) is type(other) and _inside(self._serialize(), other._serialize())

    def most_specific_common_supertype(self, others: Any) -> Any:
        """The narrowest spec that covers this one and all others, or None."""
        others = list(others)
        if any(type(o) is not type(self) for o in others):
            return None
        try:
            return self._deserialize(_generalise(self._serialize(), [o._serialize() for o in others]))
        except _Differ:
            return None

    def most_specific_compatible_type(self, other: "TypeSpec") -> Any:
        """The narrowest spec that covers both; ValueError when there is none."""
        found = self.most_specific_common_supertype([other]) if isinstance(other, TypeSpec) else None
        if found is None:
            raise ValueError(f"No TypeSpec is compatible with both {self} and {other}")
        return found

    def _with_tensor_ranks_only(self) -> Any:
        return self._deserialize(_relax(self._serialize()))

    def _without_tensor_names(self) -> Any:
        return self._deserialize(_nameless(self._serialize()))

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and _key(self._serialize()) == _key(other._serialize())  # type: ignore[attr-defined]

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash((type(self), _key(self._serialize())))

    def __reduce__(self) -> Any:
        return type(self)._deserialize, (self._serialize(),)

    def __repr__(self) -> str:
        return f"{type(self).__name__}{self._serialize()!r}" if len(self._serialize()) != 1 else f"{type(self).__name__}({self._serialize()[0]!r})"

    def __tf_tracing_type__(self, context: Any) -> "TypeSpec":
        return self

    # -- names that subclasses of libraries call (`__is_compatible` and the like, as Python spells them) ---------------
    def __get_cmp_key(self) -> Any:  # pyright: ignore[reportUnusedFunction]
        return type(self), _key(self._serialize())

    def __make_cmp_key(self, value: Any) -> Any:  # pyright: ignore[reportUnusedFunction]
        return _key(value)

    @staticmethod
    def __is_compatible(a: Any, b: Any) -> bool:
        return _agree(a, b)

    # -- what older code asks for ------------------------------------------------------------------------------------
    def _to_legacy_output_types(self) -> Any:
        return self._legacy("_dtype")

    def _to_legacy_output_shapes(self) -> Any:
        return self._legacy("_shape")

    def _to_legacy_output_classes(self) -> Any:
        return self.value_type

    def _legacy(self, which: str) -> Any:
        found = getattr(self, which, None)
        if found is None:
            raise TypeError(f"{type(self).__name__} has no dtype and shape of its own; look at its components")
        return found

    # -- protos ------------------------------------------------------------------------------------------------------
    def experimental_as_proto(self) -> Any:
        """This spec as a protocol buffer, as SavedModels hold it."""
        from penstock.ir.spec_proto import spec_to_proto

        return spec_to_proto(self)

    @classmethod
    def experimental_from_proto(cls, proto: Any) -> Any:
        """The spec that a protocol buffer describes."""
        from penstock.ir.spec_proto import spec_from_proto

        return spec_from_proto(proto)

    @classmethod
    def experimental_type_proto(cls) -> Any:
        """The message class that holds specs of this class."""
        from penstock.base.proto import struct_pb2

        return struct_pb2.TypeSpecProto


class BatchableTypeSpec(TypeSpec):
    """A spec whose values can be stacked: `_batch(n)` is the spec of n of them, `_unbatch()` of one out of many."""

    def _batch(self, batch_size: int | None) -> Any:
        raise TypeError(f"values of {self} cannot be batched")

    def _unbatch(self) -> Any:
        raise TypeError(f"values of {self} cannot be taken out of a batch")

    def _to_batched_tensor_list(self, value: Any) -> list[Any]:
        """The tensors of a batched value; row i of each makes up element i."""
        return self.to_tensors(value)


class DenseSpec(BatchableTypeSpec):
    """Shape, dtype and name of one tensor."""

    def __init__(self, shape: Any, dtype: Any = dtypes.float32, name: str | None = None):
        self._shape = TensorShape._of(as_dims(shape))
        self._dtype = as_dtype(dtype)
        self._name = name

    shape: Any = property(lambda s: s._shape, doc="The shape, as far as it is known.")
    dtype: Any = property(lambda s: s._dtype, doc="The dtype of the elements.")
    name: Any = property(lambda s: s._name, doc="The name, or None.")

    def __repr__(self) -> str:
        return f"{type(self).__name__}(shape={self._shape}, dtype={self._dtype!r}, name={self._name!r})"

    def __hash__(self) -> int:
        return hash((self._shape, self._dtype))

    def __eq__(self, other: object) -> bool:
        return (
            type(self) is type(other) and self._shape._dims == other._shape._dims and self._dtype is other._dtype and self._name == other._name  # type: ignore[attr-defined]
        )

    def _serialize(self) -> tuple[Any, ...]:
        return self._shape, self._dtype, self._name

    def _to_legacy_output_types(self) -> DType:
        return self._dtype

    def _to_legacy_output_shapes(self) -> TensorShape:
        return self._shape


@export("TensorSpec")
@spec_registry.register("tf.TensorSpec")
class TensorSpec(DenseSpec):
    """Shape, dtype and name of a `tf.Tensor`.

    >>> tf.TensorSpec([None, 3], tf.int32).is_compatible_with(tf.ones([2, 3], tf.int32))
    True
    """

    __composite_spec__ = False  # one tensor: a leaf of nests

    @property
    def value_type(self) -> type:
        return Tensor

    @classmethod
    def from_spec(cls, spec: Any, name: str | None = None) -> "TensorSpec":
        """The shape and dtype of another spec, under `name` or its own name."""
        return cls(spec.shape, spec.dtype, name or spec.name)

    @classmethod
    def from_tensor(cls, tensor: Any, name: str | None = None) -> "TensorSpec":
        """The spec of a tensor; of a graph tensor it takes the name too."""
        if not isinstance(tensor, Tensor):
            raise ValueError(f"`tensor` should be a tf.Tensor, but got type {type(tensor)}.")
        op = getattr(tensor, "op", None) if hasattr(type(tensor), "op") else None
        return cls(tensor.shape, tensor.dtype.base_dtype, name or (op.name if op is not None else None))

    def is_compatible_with(self, spec_or_tensor: Any) -> bool:
        """May the tensor stand where this spec is asked for: the same dtype, and a shape that may be the same?"""
        if isinstance(spec_or_tensor, TypeSpec):
            if not isinstance(spec_or_tensor, TensorSpec):
                return False
        elif not isinstance(spec_or_tensor, Tensor):
            try:
                spec_or_tensor = type_spec_from_value(spec_or_tensor)
            except TypeError:
                return False
            if not hasattr(spec_or_tensor, "dtype") or not hasattr(spec_or_tensor, "shape"):
                return False
        return self._dtype is spec_or_tensor.dtype.base_dtype and self._shape.is_compatible_with(spec_or_tensor.shape)

    def is_subtype_of(self, other: Any) -> bool:
        return (
            isinstance(other, TensorSpec) and (not self._name or self._name == other._name)
            and self._dtype is other._dtype and self._shape.is_subtype_of(other._shape)
        )  # fmt: skip

    def most_specific_common_supertype(self, others: Any) -> "TensorSpec | None":
        shape = self._shape
        for other in others:
            if not isinstance(other, TensorSpec) or other._dtype is not self._dtype or other._name != self._name:
                return None
            shape = shape.most_specific_common_supertype([other._shape])  # type: ignore[assignment]
        return TensorSpec(shape, self._dtype, self._name)

    @property
    def _component_specs(self) -> "TensorSpec":
        return self

    def _to_components(self, value: Any) -> Any:
        return value

    def _from_components(self, components: Any) -> Any:
        return components

    def flatten(self) -> list[Any]:
        return [self]

    def to_tensors(self, value: Any) -> list[Any]:
        return [self.cast(value, None)]

    def from_tensors(self, tensors: Iterator[Any]) -> Any:
        return next(tensors)

    def cast(self, value: Any, casting_context: Any) -> Any:
        """`value` as a tensor of this dtype and shape; TypeError when it is another one."""
        if not isinstance(value, Tensor):
            try:
                value = convert.convert_to_tensor(value, self._dtype)
            except (TypeError, ValueError) as error:
                raise TypeError(f"Can not cast {value!r} to {self!r}: {error}") from None
        found = TensorSpec(value.shape, value.dtype.base_dtype)
        if not self.is_compatible_with(found):
            raise TypeError(f"Can not cast {found!r} to {self!r}")
        return value

    def placeholder_value(self, placeholder_context: Any) -> Any:
        """What stands for a value of this type in a graph: the context's placeholder, or a new Placeholder node."""
        make = getattr(placeholder_context, "placeholder", None)
        if make is not None:
            return make(self)
        from penstock.ir.source import PLACEHOLDER

        return PLACEHOLDER(dtype=self._dtype, shape=self._shape, name=self._name)

    def _batch(self, batch_size: int | None) -> "TensorSpec":
        return TensorSpec(TensorShape._of((batch_size,)).concatenate(self._shape), self._dtype)

    def _unbatch(self) -> "TensorSpec":
        if self._shape.rank == 0:
            raise ValueError("Unbatching a tensor is only supported for rank >= 1")
        return TensorSpec(self._shape[1:], self._dtype)

    def _to_batched_tensor_list(self, value: Any) -> list[Any]:
        if value.shape.rank == 0:
            raise ValueError("Unbatching a tensor is only supported for rank >= 1")
        return self.to_tensors(value)

    @classmethod
    def experimental_type_proto(cls) -> Any:
        from penstock.base.proto import struct_pb2

        return struct_pb2.TensorSpecProto


@spec_registry.register("tf.BoundedTensorSpec")
class BoundedTensorSpec(TensorSpec):
    """A TensorSpec with the least and the greatest value that the elements take, as arrays that broadcast to the shape."""

    def __init__(self, shape: Any, dtype: Any, minimum: Any, maximum: Any, name: str | None = None):
        super().__init__(shape, dtype, name)
        for what, bound in (("minimum", minimum), ("maximum", maximum)):
            if bound is None:
                raise ValueError(f"`{what}` can not be None.")
            try:
                np.broadcast_shapes(np.shape(bound), cast(Any, tuple(self._shape.as_list())))
            except (TypeError, ValueError):
                raise ValueError(f"`{what}` {bound} is not compatible with shape {self._shape}.") from None
        self._minimum, self._maximum = (np.array(b, self._dtype.array_dtype) for b in (minimum, maximum))
        self._minimum.setflags(write=False)
        self._maximum.setflags(write=False)

    minimum: Any = property(lambda s: s._minimum)
    maximum: Any = property(lambda s: s._maximum)

    @classmethod
    def from_spec(cls, spec: Any, name: str | None = None) -> "BoundedTensorSpec":
        dtype = as_dtype(spec.dtype)
        low, high = getattr(spec, "minimum", dtype.min), getattr(spec, "maximum", dtype.max)
        return cls(spec.shape, dtype, low, high, name or spec.name)

    def _serialize(self) -> tuple[Any, ...]:
        return self._shape, self._dtype, self._minimum, self._maximum, self._name

    def __hash__(self) -> int:
        return hash((self._shape, self._dtype))

    def __eq__(self, other: object) -> bool:
        return super().__eq__(other) and bool(
            np.allclose(self._minimum, other._minimum) and np.allclose(self._maximum, other._maximum)  # type: ignore[attr-defined]
        )

    def __repr__(self) -> str:
        return (f"BoundedTensorSpec(shape={self._shape}, dtype={self._dtype!r}, name={self._name!r}, "
                f"minimum={self._minimum!r}, maximum={self._maximum!r})")  # fmt: skip


class NoneTensor:
    """What stands for None where a composite value is asked for."""


@export("NoneTensorSpec")
@spec_registry.register("tf.NoneTensorSpec")
class NoneTensorSpec(BatchableTypeSpec):
    """The spec of None."""

    @property
    def value_type(self) -> type:
        return NoneTensor

    @staticmethod
    def from_value(value: Any) -> "NoneTensorSpec":
        return NoneTensorSpec()

    def _serialize(self) -> tuple[Any, ...]:
        return ()

    @property
    def _component_specs(self) -> list[Any]:
        return []

    def _to_components(self, value: Any) -> list[Any]:
        return []

    def _from_components(self, components: Any) -> None:
        return None

    def _to_legacy_output_types(self) -> Any:
        return self

    _to_legacy_output_shapes = _to_legacy_output_classes = _to_legacy_output_types

    def _batch(self, batch_size: int | None) -> "NoneTensorSpec":
        return NoneTensorSpec()

    def _unbatch(self) -> "NoneTensorSpec":
        return NoneTensorSpec()

    def is_compatible_with(self, spec_or_value: Any) -> bool:
        return spec_or_value is None or isinstance(spec_or_value, (NoneTensor, NoneTensorSpec))

    def most_specific_compatible_shape(self, other: Any) -> "NoneTensorSpec":
        if type(other) is not NoneTensorSpec:
            raise ValueError(f"No TypeSpec is compatible with both {self} and {other}")
        return self


# -- a value's spec ----------------------------------------------------------------------------------------------------
_converters: list[tuple[type, Callable[[Any], Any], bool]] = []


def register_type_spec_from_value_converter(type_object: type, converter_fn: Callable[[Any], Any], allow_subclass: bool = False) -> None:
    """Say which spec the values of a class have that do not bring it along themselves."""
    _converters.append((type_object, converter_fn, allow_subclass))


def spec_of(value: Any) -> TypeSpec | None:
    """The spec of a tensor or composite value, None for anything else."""
    if isinstance(value, Tensor):
        return TensorSpec(value.shape, value.dtype.base_dtype)
    found = getattr(value, "_type_spec", None)
    if isinstance(found, TypeSpec):
        return found
    for kind, converter, subclasses in reversed(_converters):
        if type(value) is kind or subclasses and isinstance(value, kind):
            return converter(value)
    return None


@export("type_spec_from_value")
def type_spec_from_value(value: Any) -> TypeSpec:
    """The spec of a value: of a tensor, of a composite one, or of what can be made a tensor; TypeError for others.

    >>> tf.type_spec_from_value(tf.constant([1, 2]))
    TensorSpec(shape=(2,), dtype=tf.int32, name=None)
    """
    if value is None:
        return NoneTensorSpec()
    found = spec_of(value)
    if found is not None:
        return found
    if not isinstance(value, (TypeSpec, dict, set, type)):
        try:
            made = convert.resolve(value)
            dtype = made.dtype if isinstance(made, Tensor) else as_dtype(made.dtype)
            dims: Dims = made._dims if isinstance(made, Tensor) else made.shape
            return TensorSpec(dims, dtype)
        except (TypeError, ValueError, OverflowError):
            pass
    raise TypeError(f"Could not build a TypeSpec for {value!r} of unsupported type {type(value)}.")


# -- serialisations, compared part by part ------------------------------------------------------------------------------
class _Differ(Exception):
    """Two serialisations have nothing in common."""


def _parts(value: Any) -> list[tuple[Any, Any]] | None:
    if isinstance(value, (list, tuple)):
        return list(enumerate(value))
    if isinstance(value, dict):
        return sorted(value.items(), key=lambda item: repr(item[0]))
    return None


def _same_form(a: Any, b: Any) -> bool:
    pa, pb = _parts(a), _parts(b)
    return type(a) is type(b) and pa is not None and pb is not None and [k for k, _ in pa] == [k for k, _ in pb]


def _agree(a: Any, b: Any) -> bool:
    if isinstance(a, (TypeSpec, TensorShape)):
        return isinstance(b, type(a)) and a.is_compatible_with(b)
    if _parts(a) is not None:
        return _same_form(a, b) and all(_agree(x, y) for (_, x), (_, y) in zip(_parts(a), _parts(b)))  # type: ignore[arg-type]
    return type(a) is type(b) and _key(a) == _key(b)


def _inside(a: Any, b: Any) -> bool:
    if isinstance(a, (TraceType, TensorShape, DType)):
        return a.is_subtype_of(b)
    if _parts(a) is not None:
        return _same_form(a, b) and all(_inside(x, y) for (_, x), (_, y) in zip(_parts(a), _parts(b)))  # type: ignore[arg-type]
    return type(a) is type(b) and _key(a) == _key(b)


def _generalise(a: Any, others: list[Any]) -> Any:
    if isinstance(a, (TraceType, TensorShape, DType)):
        found = a.most_specific_common_supertype(others)
        if found is None:
            raise _Differ
        return found
    if _parts(a) is not None:
        if not all(_same_form(a, o) for o in others):
            raise _Differ
        if isinstance(a, dict):
            return {k: _generalise(v, [o[k] for o in others]) for k, v in a.items()}
        return type(a)([_generalise(v, [o[i] for o in others]) for i, v in enumerate(a)])
    if any(type(o) is not type(a) or _key(o) != _key(a) for o in others):
        raise _Differ
    return a


def _map(function: Callable[[Any], Any], value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _map(function, v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)([_map(function, v) for v in value])
    return function(value)


def _relax(value: Any) -> Any:
    def one(v: Any) -> Any:
        if isinstance(v, TensorShape):
            return TensorShape._of(None if v._dims is None else (None,) * len(v._dims))
        return v._with_tensor_ranks_only() if isinstance(v, TypeSpec) else v

    return _map(one, value)


def _nameless(value: Any) -> Any:
    def one(v: Any) -> Any:
        if isinstance(v, DenseSpec):
            return type(v)._deserialize((*v._serialize()[:-1], None))
        return v._without_tensor_names() if isinstance(v, TypeSpec) else v

    return _map(one, value)


def _key(value: Any) -> Any:
    """A hashable stand-in for a part of a serialisation."""
    if isinstance(value, TensorShape):
        return ("shape", value._dims)
    if isinstance(value, (list, tuple)):
        return (type(value).__name__, *[_key(v) for v in value])
    if isinstance(value, dict):
        return tuple((k, _key(v)) for k, v in _parts(value))  # type: ignore[union-attr]
    if isinstance(value, np.ndarray):
        return (value.shape, value.dtype.str, value.tobytes())
    return value
