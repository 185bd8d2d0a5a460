"""The fields of an ExtensionType: which annotations are allowed, and values made to fit them."""

import collections
import collections.abc
import typing
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from penstock.base import dtypes
from penstock.base.shape import TensorShape
from penstock.ir.convert import convert_to_tensor
from penstock.ir.tensor import Tensor
from penstock.ir.type_spec import TensorSpec, TypeSpec

RESERVED = ("self", "Spec")
RESERVED_PREFIX = "_tf_extension_type"
PLAIN = (int, float, str, bytes, bool, type(None), TensorShape)
NO_DEFAULT = object()


class ImmutableDict(collections.abc.Mapping):
    """A dictionary that cannot be changed; it can be a key where its values can."""

    def __init__(self, *args: Any, **kwargs: Any):
        self._dict = dict(*args, **kwargs)

    def __getitem__(self, key: Any) -> Any:
        return self._dict[key]

    def __contains__(self, key: Any) -> bool:
        return key in self._dict

    def __iter__(self) -> Any:
        return iter(self._dict)

    def __len__(self) -> int:
        return len(self._dict)

    def __repr__(self) -> str:
        return f"ImmutableDict({self._dict})"

    def __hash__(self) -> int:
        return hash(tuple(sorted(self._dict.items(), key=lambda item: repr(item[0]))))

    def __reduce__(self) -> Any:
        return ImmutableDict, (self._dict,)


class Field:
    """Name, annotation and default of a field."""

    def __init__(self, name: str, value_type: Any, default: Any = NO_DEFAULT):
        self.name, self.value_type, self.default = name, value_type, default

    def __repr__(self) -> str:
        shown = "" if self.default is NO_DEFAULT else f", {self.default!r}"
        return f"ExtensionTypeField(name={self.name!r}, value_type={self.value_type!r}{shown})"


def is_composite_class(kind: Any) -> bool:
    """Is it a class of values that are made of tensors?"""
    return isinstance(kind, type) and bool(getattr(kind, "__composite__", False))


def _is_union(annotation: Any) -> bool:
    return typing.get_origin(annotation) is typing.Union


def is_reserved(name: str) -> bool:
    """May no field have this name?"""
    return name in RESERVED or name.lower().startswith(RESERVED_PREFIX)


def check_annotation(annotation: Any, what: str, allow_forward: bool = False) -> None:
    """TypeError for an annotation that says nothing about tensors or plain values."""
    if isinstance(annotation, str | typing.ForwardRef) and allow_forward:
        return
    if annotation in PLAIN or annotation is None:
        return
    if isinstance(annotation, type) and (
        issubclass(annotation, Tensor | TypeSpec | dtypes.DType) or is_composite_class(annotation) and not _is_variable(annotation)
    ):
        return
    if isinstance(annotation, TensorSpec):
        return
    origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is tuple:
        if len(inner) == 2 and inner[1] is Ellipsis:
            inner = inner[:1]
        for a in inner:
            check_annotation(a, what, allow_forward)
        return
    if origin in (collections.abc.Mapping, Mapping):
        key, value = inner
        if key not in (int, float, str, bytes, bool, type(None)):
            raise TypeError(f"In field {what}: Mapping had a key {getattr(key, '__name__', key)!r} with type {type(key).__name__!r}")
        check_annotation(value, what, allow_forward)
        return
    if _is_union(annotation):
        for a in inner:
            check_annotation(a, what, allow_forward)
        return
    shown = repr(annotation.__name__) if isinstance(annotation, type) else repr("Any") if annotation is typing.Any else repr(annotation)
    raise TypeError(f"In field {what}: Unsupported type annotation {shown}")


def _is_variable(kind: type) -> bool:
    return hasattr(kind, "assign_add")


def _type_name(value: Any) -> str:
    return type(value).__name__


def convert_value(value: Any, annotation: Any, path: tuple[Any, ...], specs: bool = False) -> Any:
    """The value made to be what the annotation says (or, with `specs`, the spec of one); TypeError where it cannot be."""
    if annotation is None:
        annotation = type(None)
    if isinstance(annotation, type):
        if annotation is type(None):
            return _plain(value, annotation, path)
        if issubclass(annotation, Tensor):
            return _tensor(value, path, specs)
        if annotation in PLAIN or issubclass(annotation, TypeSpec | dtypes.DType):
            return _plain(value, annotation, path)
        if is_composite_class(annotation):
            return _composite(value, annotation, path, specs)
    if isinstance(annotation, TensorSpec):
        return _tensor(value, path, specs)
    origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is tuple:
        return _tuple(value, inner, path, specs)
    if origin in (collections.abc.Mapping, Mapping):
        if not isinstance(value, Mapping):
            raise TypeError(f"{_at(path)}: expected mapping, got {_type_name(value)!r}")
        return ImmutableDict(
            {convert_value(k, inner[0], (*path, "[<key>]")): convert_value(v, inner[1], (*path, f"[{k!r}]"), specs) for k, v in value.items()}
        )
    if _is_union(annotation):
        return _union(value, annotation, inner, path, specs)
    raise TypeError(f"{_at(path)}: Unsupported type annotation {annotation!r}")


def _at(path: tuple[Any, ...]) -> str:
    return "".join(str(p) for p in path)


def _tensor(value: Any, path: tuple[Any, ...], specs: bool) -> Any:
    if specs:
        if not isinstance(value, TensorSpec):
            raise TypeError(f"{_at(path)}: expected a TensorSpec, got {_type_name(value)!r}")
        return value
    if isinstance(value, Tensor) or hasattr(type(value), "__tf_tensor__") and not getattr(type(value), "__composite__", False):
        return value
    try:
        return convert_to_tensor(value)
    except (ValueError, TypeError):
        raise TypeError(f"{_at(path)}: expected a Tensor, got {_type_name(value)!r}") from None


def _plain(value: Any, kind: type, path: tuple[Any, ...]) -> Any:
    if kind is TensorShape and isinstance(value, list | tuple):
        value = TensorShape(value)
    if issubclass(kind, dtypes.DType) and not isinstance(value, dtypes.DType):
        try:
            value = dtypes.as_dtype(value)
        except TypeError:
            pass
    if isinstance(value, np.generic) and kind in (int, float, bool):
        value = value.item()
    if not isinstance(value, kind) or kind in (int, float) and isinstance(value, bool):
        raise TypeError(f"{_at(path)}: expected {kind.__name__!r}, got {_type_name(value)!r}")
    return value


def _composite(value: Any, kind: type, path: tuple[Any, ...], specs: bool) -> Any:
    if specs:
        if not (isinstance(value, TypeSpec) and issubclass(value.value_type, kind)):
            raise TypeError(f"{_at(path)}: expected a TypeSpec for {kind.__name__!r}, got {_type_name(value)!r}")
        return value
    if not isinstance(value, kind):
        raise TypeError(f"{_at(path)}: expected {kind.__name__!r}, got {_type_name(value)!r}")
    return value


def _tuple(value: Any, inner: tuple[Any, ...], path: tuple[Any, ...], specs: bool) -> Any:
    if not isinstance(value, list | tuple | str):
        raise TypeError(f"{_at(path)}: expected tuple, got {_type_name(value)!r}")
    if len(inner) == 2 and inner[1] is Ellipsis:
        return tuple(convert_value(v, inner[0], (*path, f"[{i}]"), specs) for i, v in enumerate(value))
    if len(value) != len(inner):
        raise TypeError(f"{_at(path)}: expected tuple with length {len(inner)}, got {value!r}")
    return tuple(convert_value(v, a, (*path, f"[{i}]"), specs) for i, (v, a) in enumerate(zip(value, inner)))


def _union(value: Any, annotation: Any, inner: tuple[Any, ...], path: tuple[Any, ...], specs: bool) -> Any:
    for exact in (True, False):  # tensors are made of what is nothing else
        for one in inner:
            if exact and isinstance(one, type) and issubclass(one, Tensor) and not isinstance(value, Tensor | TensorSpec):
                continue
            try:
                return convert_value(value, one, path, specs)
            except TypeError:
                continue
    raise TypeError(f"{_at(path)}: expected {annotation!r}, got {_type_name(value)!r}")


# -- the tensors among the fields ----------------------------------------------------------------------------------------
def visit(value: Any, is_leaf: Callable[[Any], bool], leaf: Callable[[Any], Any], other: Callable[[Any], Any] = lambda v: v) -> Any:
    """The value of a field with `leaf` of each leaf in its place."""
    if is_leaf(value):
        return leaf(value)
    if isinstance(value, ImmutableDict):
        return ImmutableDict({k: visit(value[k], is_leaf, leaf, other) for k in sorted(value, key=repr)})
    if isinstance(value, tuple) and type(value) is tuple:
        return tuple(visit(v, is_leaf, leaf, other) for v in value)
    return other(value)
