"""What counts as a nested structure, what its parts are, and how one is made again from new parts.

Nested are sequences (but no strings), mappings (ordered by sorted key), views of mappings, named tuples, attrs classes
and classes with `__tf_flatten__`/`__tf_unflatten__`.  Composite tensors (sparse, ragged, ...) are nested only on
request: a composite class says `__composite__ = True` and has a `_type_spec`; its spec class says
`__composite_spec__ = True` and has `_to_components(value)`, `_from_components(components)`, `_component_specs`,
`most_specific_common_supertype(others)` and `value_type`.
"""

# pyright: basic, reportUnusedImport=true
# (a structure may hold anything: its parts have no type to check)

import collections
import collections.abc
from collections.abc import Callable, Iterable, Iterator
from typing import Any

LEAF, SEQUENCE, MAPPING, VIEW, NAMEDTUPLE, ATTRS, DATACLASS, COMPOSITE, PROXY = range(9)

_kinds: dict[type, int] = {
    list: SEQUENCE, tuple: SEQUENCE, dict: MAPPING, collections.OrderedDict: MAPPING,
    str: LEAF, bytes: LEAF, int: LEAF, float: LEAF, bool: LEAF, complex: LEAF, type(None): LEAF,
}  # fmt: skip


def _spec_of(value: Any) -> Any:
    """The type spec of a composite tensor, a composite's spec itself, None for anything else."""
    cls: Any = type(value)
    if getattr(cls, "__composite__", False):
        return value._type_spec
    return value if getattr(cls, "__composite_spec__", False) else None


composite_spec: Callable[[Any], Any] = _spec_of
"""Slot: how a composite tensor is recognised; an upper floor may widen it."""


def is_namedtuple(instance: Any, strict: bool = False) -> bool:
    """Is it a named tuple (with strict=True: of a class made by `collections.namedtuple` itself)?"""
    cls = type(instance)
    if getattr(cls, "__nest_proxy__", False):
        cls = type(instance.__wrapped__)
    if not issubclass(cls, tuple):
        return False
    if strict and cls.__base__ is not tuple:
        return False
    fields = getattr(instance, "_fields", None)
    return isinstance(fields, collections.abc.Sequence) and all(isinstance(f, str) for f in fields)


def _find_kind(value: Any) -> int:
    cls: Any = type(value)
    if getattr(cls, "__nest_proxy__", False):
        return PROXY
    if isinstance(value, type):
        return LEAF
    if hasattr(cls, "__tf_flatten__") and hasattr(cls, "__tf_unflatten__"):
        return DATACLASS
    if hasattr(cls, "__attrs_attrs__"):
        return ATTRS
    if is_namedtuple(value):
        return NAMEDTUPLE
    if issubclass(cls, collections.abc.Mapping):
        return MAPPING
    if issubclass(cls, collections.abc.MappingView):
        return VIEW
    if issubclass(cls, collections.abc.Sequence) and not issubclass(cls, (str, bytes)):
        return SEQUENCE
    return LEAF


def kind(value: Any, composites: bool = False) -> int:
    """Which of the kinds above a value is; the answer is remembered by class."""
    found = _kinds.get(type(value))
    if found is None:
        if len(_kinds) > 4096:  # programs that make classes forever must not grow this table forever
            for cls in list(_kinds)[16:]:
                del _kinds[cls]
        found = _kinds[type(value)] = _find_kind(value)
    if found == LEAF and composites and composite_spec(value) is not None:
        return COMPOSITE
    if found == PROXY:  # a structure that stands in front of another one
        return kind(value.__wrapped__, composites)
    return found


def _sorted_keys(mapping: Any) -> list[Any]:
    try:
        return sorted(mapping)
    except TypeError as error:
        raise TypeError(
            f"nest orders a dictionary by its keys, and these cannot be sorted: {list(mapping)!r} ({error}). "
            "Use keys of one type."
        ) from None


def children(value: Any, composites: bool = False) -> list[Any] | None:
    """The direct parts of a nested value in order, None for a leaf."""
    cls: Any = type(value)
    if cls is list or cls is tuple:
        return list(value)
    which = kind(value, composites)
    if which == LEAF:
        return None
    if which == MAPPING:
        return [value[k] for k in _sorted_keys(value)]
    if which == ATTRS:
        return [getattr(value, a.name) for a in cls.__attrs_attrs__]
    if which == DATACLASS:
        return list(value.__tf_flatten__()[1])
    if which == COMPOSITE:
        spec = composite_spec(value)
        if spec is value:
            return _as_parts(spec._component_specs)
        return _as_parts(spec._to_components(value))
    return list(value)


def _as_parts(components: Any) -> list[Any]:
    """A spec may hand its components over as one tensor, a sequence or a dictionary."""
    parts = children(components)
    return [components] if parts is None else parts


def items(value: Any, composites: bool = False) -> list[tuple[Any, Any]]:
    """(key, part) of a nested value in order: dictionary keys, field names, or positions."""
    which = kind(value, composites)
    parts = children(value, composites)
    assert parts is not None
    if which == MAPPING:
        return list(zip(_sorted_keys(value), parts))
    if which == NAMEDTUPLE:
        return list(zip(value._fields, parts))
    if which == ATTRS:
        return list(zip((a.name for a in type(value).__attrs_attrs__), parts))
    return list(enumerate(parts))


def path_prefix(value: Any, composites: bool) -> tuple[str, ...]:
    """What stands in a path before a part's position: the class name for a composite, nothing otherwise."""
    if kind(value, composites) != COMPOSITE:
        return ()
    spec = composite_spec(value)
    return ((type(value) if spec is not value else spec.value_type).__name__,)


def rebuild(like: Any, parts: Iterable[Any], composites: bool = False) -> Any:
    """A structure of the class of `like` with new direct parts, in the order of `children(like)`."""
    cls: Any = type(like)
    if cls is list:
        return list(parts)
    if cls is tuple:
        return tuple(parts)
    which = kind(like, composites)
    if getattr(cls, "__nest_proxy__", False):
        return cls(rebuild(like.__wrapped__, parts, composites))
    if which == MAPPING:
        return _rebuild_mapping(like, dict(zip(_sorted_keys(like), parts)))
    if which == VIEW or cls is range:
        return list(parts)
    if which in (NAMEDTUPLE, ATTRS):
        return cls(*parts)
    if which == DATACLASS:
        return cls.__tf_unflatten__(like.__tf_flatten__()[0], tuple(parts))
    if which == COMPOSITE:
        spec = composite_spec(like)
        template = spec._component_specs
        if kind(template) == LEAF:
            (part,) = parts
            return spec._from_components(part)
        return spec._from_components(rebuild(template, parts))
    return cls(parts)


def _rebuild_mapping(like: Any, values: dict[Any, Any]) -> Any:
    ordered: Iterator[tuple[Any, Any]] = ((key, values[key]) for key in like)
    cls: Any = type(like)
    if cls is dict:
        return dict(ordered)
    if isinstance(like, collections.defaultdict):
        return cls(like.default_factory, ordered)
    if isinstance(like, (collections.ChainMap, collections.Counter)):
        return cls(dict(ordered))
    try:
        return cls(ordered)
    except Exception as error:
        raise TypeError(
            f"Error creating an object of type {cls} like {like!r}. It must accept a single positional argument, an "
            f"iterable of key-value pairs, in addition to self. Cause: {error}"
        ) from error


def plain(value: Any) -> Any:
    """The structure without the wrappers that attributes of modules put around lists, dictionaries and tuples."""
    cls: Any = type(value)
    if getattr(cls, "__nest_proxy__", False):
        return plain(value.__wrapped__)
    parts = children(value) if kind(value) not in (LEAF, DATACLASS, VIEW) else None
    if parts is None:
        return value
    new = [plain(p) for p in parts]
    if hasattr(cls, "__nest_plain__"):
        return rebuild(cls.__nest_plain__(), new)
    return value if all(a is b for a, b in zip(parts, new)) else rebuild(value, new)
