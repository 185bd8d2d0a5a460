"""`tf.experimental.ExtensionType`: classes of values made of tensors, from annotated fields."""

import abc
import inspect
import typing
from typing import Any

from penstock.base import nest
from penstock.base.export import export
from penstock.ir import spec_registry
from penstock.ir.convert import convert_to_tensor
from penstock.ir.op import find
from penstock.ir.tensor import Tensor
from penstock.ir.type_spec import BatchableTypeSpec, TypeSpec, spec_of
from penstock.ops import extension_fields as fields
from penstock.ops.extension_fields import NO_DEFAULT, Field, ImmutableDict

IN_CONSTRUCTOR = "_tf_extension_type_in_constructor"
CACHED = "_tf_extension_type_cached_type_spec"
ALWAYS_MUTABLE = ("_keras_mask", "_keras_history")


def _own_annotations(cls: Any) -> dict[str, Any]:
    """{name: type} of the fields that this class itself declares."""
    raw = cls.__dict__.get("__annotations__", {})
    try:
        hints = typing.get_type_hints(cls)
    except NameError:
        hints = {}
    return {n: hints.get(n, a) for n, a in raw.items()}


def _declared(cls: Any) -> list[Field]:
    found: list[Field] = []
    for base in cls.__mro__[-2:0:-1]:
        if isinstance(base, ExtensionTypeMetaclass) and base is not cls and base.__dict__.get("_tf_extension_type_own"):
            found += [f for f in base.__dict__["_tf_extension_type_own"] if f.name not in {g.name for g in found}]
    annotated = _own_annotations(cls)
    own = []
    for name, annotation in annotated.items():
        if fields.is_reserved(name):
            raise ValueError(f"The field annotations for {cls.__name__} are invalid. Field {name!r} is reserved.")
        default = cls.__dict__.get(name, NO_DEFAULT)
        fields.check_annotation(annotation, repr(name), allow_forward=True)
        if default is not NO_DEFAULT and not isinstance(annotation, str):
            fields.convert_value(default, annotation, (f"default value for {name}",))
        own.append(Field(name, annotation, default))
    for name, value in cls.__dict__.items():
        plain = not name.startswith("__") and not callable(value) and not isinstance(value, property | classmethod | staticmethod)
        if plain and name not in annotated and not name.startswith(("_abc_", "_tf_")) and not inspect.isdatadescriptor(value):
            raise ValueError(f"The field annotations for {cls.__name__} are invalid. Field {name} is missing a type annotation.")
    cls._tf_extension_type_own = own
    taken = {f.name for f in own}
    return [f for f in found if f.name not in taken] + own


def _settled(cls: Any) -> list[Field]:
    """The fields with annotations that were names of classes yet to come resolved."""
    for f in cls._tf_extension_type_all:
        if isinstance(f.value_type, str | typing.ForwardRef):
            hints = typing.get_type_hints(cls)
            f.value_type = hints[f.name]
            fields.check_annotation(f.value_type, repr(f.name))
    return cls._tf_extension_type_all


def _signature(of: list[Field], returns: Any, defaults: bool = True) -> inspect.Signature:
    made, keyword_only = [], False
    seen_default = False
    for f in of:
        default = inspect.Parameter.empty if f.default is NO_DEFAULT or not defaults else f.default
        if default is inspect.Parameter.empty and seen_default:
            keyword_only = True
        seen_default = seen_default or default is not inspect.Parameter.empty
        kind = inspect.Parameter.KEYWORD_ONLY if keyword_only else inspect.Parameter.POSITIONAL_OR_KEYWORD
        annotation = f.value_type if defaults else inspect.Parameter.empty
        made.append(inspect.Parameter(f.name, kind, default=default, annotation=annotation))
    made.sort(key=lambda p: p.kind is p.KEYWORD_ONLY)
    return inspect.Signature(made, return_annotation=returns)


def _accept(self: Any, specs: bool) -> None:
    """Check and convert what a constructor stored."""
    wanted = _settled(self._tf_extension_type_class())
    missing = {f.name for f in wanted if f.name not in self.__dict__}
    if missing:
        raise ValueError(f"Missing required fields: {missing}")
    for f in wanted:
        self.__dict__[f.name] = fields.convert_value(self.__dict__[f.name], f.value_type, (f.name,), specs)


def _generated_init(cls: Any, specs: bool) -> Any:
    signature = _signature(cls._tf_extension_type_class()._tf_extension_type_all, cls, defaults=not specs)

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        self.__dict__.update(bound.arguments)
        _accept(self, specs)
        self.__validate__()

    me = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    first = [me] if all(p.kind is not p.POSITIONAL_ONLY for p in signature.parameters.values()) else []
    __init__.__signature__ = signature.replace(parameters=[*first, *signature.parameters.values()])  # type: ignore[attr-defined]
    __init__.__qualname__ = f"{cls.__qualname__}.__init__"
    return __init__


def _wrapped_init(init: Any, specs: bool) -> Any:
    """A constructor of the user's: fields may be set inside, then they are checked."""

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807
        outermost = IN_CONSTRUCTOR not in self.__dict__
        self.__dict__[IN_CONSTRUCTOR] = True
        try:
            init(self, *args, **kwargs)
        finally:
            if outermost:
                self.__dict__.pop(IN_CONSTRUCTOR, None)
        if outermost:
            _accept(self, specs)
            self.__validate__()

    __init__.__signature__ = inspect.signature(init)  # type: ignore[attr-defined]
    __init__.__doc__, __init__._tf_wraps = init.__doc__, True  # type: ignore[attr-defined]
    return __init__


def _frozen(self: Any, name: str) -> AttributeError:
    return AttributeError(f"Cannot mutate attribute `{name}` outside the custom constructor of ExtensionType.")


class _Fixed:
    """Attributes can be set by a constructor alone."""

    def __setattr__(self, name: str, value: Any) -> None:
        allowed = {f.name for f in self._tf_extension_type_class()._tf_extension_type_all}  # type: ignore[attr-defined]
        if name in ALWAYS_MUTABLE or name == CACHED or IN_CONSTRUCTOR in self.__dict__ and name in allowed:
            self.__dict__[name] = value
        else:
            raise _frozen(self, name)

    def __delattr__(self, name: str) -> None:
        if name in ALWAYS_MUTABLE or name == CACHED or IN_CONSTRUCTOR in self.__dict__:
            self.__dict__.pop(name, None)
        else:
            raise _frozen(self, name)

    def __validate__(self) -> None:
        """Called when a value was made; subclasses check what has to hold between fields."""


def _is_tensor(value: Any) -> bool:
    return isinstance(value, Tensor) or spec_of(value) is not None


def _is_spec(value: Any) -> bool:
    return isinstance(value, TypeSpec)


class ExtensionTypeMetaclass(abc.ABCMeta):
    """Reads the fields of a class, gives it a constructor and a `Spec`."""

    def __init__(cls, name: str, bases: Any, namespace: dict[str, Any]):
        super().__init__(name, bases, namespace)
        if not namespace.get("_tf_extension_type_base"):
            _finish(cls, namespace)


def _finish(cls: Any, namespace: dict[str, Any]) -> None:
    cls._tf_extension_type_all = _declared(cls)
    for f in cls._tf_extension_type_own:
        if f.name in cls.__dict__ and f.default is not NO_DEFAULT:
            delattr(cls, f.name)
    cls._tf_extension_type_class = classmethod(lambda c: cls)
    own = namespace.get("__init__")
    if own is not None:
        cls.__init__ = _wrapped_init(own, False)
    elif not _inherits_constructor(cls):
        cls.__init__ = _generated_init(cls, False)
    _add_spec(cls, namespace.get("Spec"))


def _inherits_constructor(cls: Any) -> bool:
    for base in cls.__mro__[1:]:
        init = base.__dict__.get("__init__")
        if init is not None and isinstance(base, ExtensionTypeMetaclass):
            return getattr(init, "_tf_wraps", False) and not cls._tf_extension_type_own
    return False


def _add_spec(cls: Any, own: Any) -> None:
    base = BatchableExtensionTypeSpec if issubclass(cls, BatchableExtensionType) else ExtensionTypeSpec
    namespace: dict[str, Any] = {"value_type": property(lambda self: cls), "__module__": cls.__module__, "__qualname__": f"{cls.__qualname__}.Spec"}
    if own is not None and not (isinstance(own, type) and issubclass(own, TypeSpec)):
        if not isinstance(own, type):
            raise ValueError(f"{cls.__qualname__}.Spec must be a nested class; got {own}.")
        if own.__bases__ != (object,):
            raise ValueError(f"{cls.__qualname__}.Spec must be directly subclassed from tf.TypeSpec.")
        namespace.update({k: v for k, v in own.__dict__.items() if k not in ("__dict__", "__weakref__", "__module__", "__qualname__")})
    spec = type(f"{cls.__name__}.Spec", (base,), namespace)
    spec._tf_extension_type_class = classmethod(lambda c: cls)  # type: ignore[attr-defined]
    init = namespace.get("__init__")
    spec.__init__ = _wrapped_init(init, True) if init is not None else _generated_init(spec, True)  # type: ignore[misc]
    cls.Spec = spec
    if "__name__" in cls.__dict__:
        spec_registry.register(f"{cls.__dict__['__name__']}.Spec")(spec)


@export("experimental.ExtensionTypeSpec")
class ExtensionTypeSpec(_Fixed, TypeSpec):
    """The spec of an ExtensionType: for each field the spec of its tensors, or its plain value."""

    @classmethod
    def _fields(cls) -> list[Field]:
        return cls._tf_extension_type_class()._tf_extension_type_all  # type: ignore[attr-defined]

    def _serialize(self) -> tuple[Any, ...]:
        return tuple((f.name, _plain_parts(self.__dict__[f.name])) for f in self._fields())

    @classmethod
    def _deserialize(cls, serialization: Any) -> Any:
        self = object.__new__(cls)
        self.__dict__.update({name: _frozen_parts(value) for name, value in serialization})
        return self

    @classmethod
    def from_value(cls, value: Any) -> Any:
        """The spec of a value."""
        self = object.__new__(cls)
        for f in cls._fields():
            self.__dict__[f.name] = fields.visit(getattr(value, f.name), _is_tensor, spec_of)
        return self

    @property
    def _component_specs(self) -> Any:
        found: list[Any] = []
        for f in self._fields():
            fields.visit(self.__dict__[f.name], _is_spec, found.append)
        return tuple(found)

    def _to_components(self, value: Any) -> Any:
        found: list[Any] = []
        for f in self._fields():
            fields.visit(getattr(value, f.name), _is_tensor, found.append)
        return tuple(found)

    def _from_components(self, components: Any) -> Any:
        rest = iter(components)
        value = object.__new__(self.value_type)
        for f in self._fields():
            value.__dict__[f.name] = fields.visit(self.__dict__[f.name], _is_spec, lambda _: next(rest))
        return value

    def __repr__(self) -> str:
        inner = ", ".join(f"{f.name}={_shown_spec(self.__dict__[f.name])}" for f in self._fields())
        return f"{type(self).__name__}({inner})"

    __eq__ = TypeSpec.__eq__
    __hash__ = TypeSpec.__hash__

    def __reduce__(self) -> Any:
        return _unpickled, (self.value_type, self._serialize())


def _unpickled(value_type: Any, serialization: Any) -> Any:
    return value_type.Spec._deserialize(serialization)


def _shown_spec(value: Any) -> str:
    return repr(dict(value)) if isinstance(value, ImmutableDict) else repr(value)


def _plain_parts(value: Any) -> Any:
    if isinstance(value, ImmutableDict):
        return {k: _plain_parts(v) for k, v in value.items()}
    return tuple(_plain_parts(v) for v in value) if type(value) is tuple else value


def _frozen_parts(value: Any) -> Any:
    if isinstance(value, dict):
        return ImmutableDict({k: _frozen_parts(v) for k, v in value.items()})
    return tuple(_frozen_parts(v) for v in value) if type(value) is tuple else value


class BatchableExtensionTypeSpec(ExtensionTypeSpec, BatchableTypeSpec):
    """The spec of a BatchableExtensionType; its class's `__batch_encoder__` says how values are stacked."""

    @property
    def _encoder(self) -> Any:
        return self.value_type.__batch_encoder__

    def _batch(self, batch_size: Any) -> Any:
        return self._encoder.batch(self, batch_size)

    def _unbatch(self) -> Any:
        return self._encoder.unbatch(self)

    @property
    def _flat_tensor_specs(self) -> list[Any]:
        return nest.flatten(self._encoder.encoding_specs(self), expand_composites=True)

    def _to_tensor_list(self, value: Any) -> list[Any]:
        return nest.flatten(self._encoder.encode(self, value, minimum_rank=0), expand_composites=True)

    def _to_batched_tensor_list(self, value: Any) -> list[Any]:
        return nest.flatten(self._encoder.encode(self, value, minimum_rank=1), expand_composites=True)

    def _from_compatible_tensor_list(self, tensor_list: Any) -> Any:
        encoding = nest.pack_sequence_as(self._encoder.encoding_specs(self), list(tensor_list), expand_composites=True)
        return self._encoder.decode(self, encoding)

    _from_tensor_list = _from_compatible_tensor_list


@export("experimental.ExtensionType")
class ExtensionType(_Fixed, metaclass=ExtensionTypeMetaclass):
    """A value made of tensors and plain values: subclasses annotate their fields.

    >>> class Masked(tf.experimental.ExtensionType):
    ...     values: tf.Tensor
    ...     mask: tf.Tensor
    >>> Masked([1, 2], [True, False]).values.shape
    TensorShape([2])
    """

    __composite__ = True
    _tf_extension_type_base = True
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, *args: Any, **kwargs: Any):
        if type(self) in (ExtensionType, BatchableExtensionType):
            raise AssertionError(f"Cannot create an instance of {type(self).__name__} because it is abstract.")

    @property
    def _type_spec(self) -> Any:
        found = self.__dict__.get(CACHED)
        if found is None:
            found = self.__dict__[CACHED] = self.Spec.from_value(self)  # type: ignore[attr-defined]
        return found

    def __tf_tracing_type__(self, context: Any) -> Any:
        return self._type_spec

    def _shape_invariant_to_type_spec(self, shape: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} has no single shape: give a spec as the shape invariant")

    def __repr__(self) -> str:
        shown = ", ".join(f"{f.name}={_shown(self.__dict__.get(f.name))}" for f in self._tf_extension_type_class()._tf_extension_type_all)  # type: ignore[attr-defined]
        return f"{type(self).__name__}({shown})"

    def __eq__(self, other: object) -> Any:
        if type(self) is not type(other) or self._type_spec != other._type_spec:  # type: ignore[attr-defined]
            return False
        result: Any = None
        for one, two in zip(nest.flatten(self, expand_composites=True), nest.flatten(other, expand_composites=True)):
            same = _same_values(convert_to_tensor(one), convert_to_tensor(two))
            result = same if result is None else find("LogicalAnd")(result, same)
        return convert_to_tensor(True) if result is None else result

    def __ne__(self, other: object) -> Any:
        equal = self.__eq__(other)
        return find("LogicalNot")(equal) if isinstance(equal, Tensor) else not equal


def _same_values(one: Any, two: Any) -> Any:
    if one.shape.is_fully_defined() and two.shape.is_fully_defined():
        if one.shape.as_list() != two.shape.as_list():
            return convert_to_tensor(False)
    equal = find("Equal")(one, two)
    return find("All")(equal, find("Range")(0, find("Rank")(equal), 1))


def _shown(value: Any) -> str:
    if isinstance(value, Tensor) and not hasattr(value, "numpy"):
        return f"<Tensor shape={value.shape}; dtype={value.dtype!r}>"
    return repr(value)


@export("experimental.BatchableExtensionType")
class BatchableExtensionType(ExtensionType):
    """An ExtensionType whose values can be stacked: it goes through `tf.map_fn`, `tf.data` and Keras."""

    _tf_extension_type_base = True


@export("experimental.ExtensionTypeBatchEncoder")
class ExtensionTypeBatchEncoder:
    """Says how values of a BatchableExtensionType are stacked: here field by field."""

    def batch(self, spec: Any, batch_size: Any) -> Any:
        """The spec of `batch_size` values."""
        return _mapped(spec, lambda s: _batched(s, batch_size))

    def unbatch(self, spec: Any) -> Any:
        """The spec of one value of a batch."""
        return _mapped(spec, lambda s: s._unbatch())

    def encode(self, spec: Any, value: Any, minimum_rank: int = 0) -> Any:
        """The tensors (and composites) of a value, each with `minimum_rank` axes at least."""
        return spec._to_components(value)

    def decode(self, spec: Any, encoded_value: Any) -> Any:
        """The value of what `encode` gave."""
        return spec._from_components(encoded_value)

    def encoding_specs(self, spec: Any) -> Any:
        """The specs of what `encode` gives."""
        return spec._component_specs


def _batched(spec: Any, n: Any) -> Any:
    return spec._batch(n)


def _mapped(spec: Any, change: Any) -> Any:
    made = object.__new__(type(spec))
    for f in spec._fields():
        made.__dict__[f.name] = fields.visit(spec.__dict__[f.name], _is_spec, change, lambda v: v)
    return made


BatchableExtensionType.__batch_encoder__ = ExtensionTypeBatchEncoder()  # type: ignore[attr-defined]


@export("experimental.extension_type.as_dict")
def as_dict(value: Any) -> dict[str, Any]:
    """{name of the field: its value}."""
    return {f.name: getattr(value, f.name) for f in value._tf_extension_type_class()._tf_extension_type_all}


