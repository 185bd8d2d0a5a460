"""Structures as datasets see them: tuples, named tuples, dictionaries and attrs classes nest; a list is a tensor."""

from collections.abc import Callable, Iterator
from typing import Any

from penstock.base import nest_kinds
from penstock.base.nest_kinds import ATTRS, DATACLASS, LEAF, MAPPING, NAMEDTUPLE


def is_nested(value: Any) -> bool:
    """Has the value parts?  Lists, tensors and composite tensors are leaves."""
    cls = type(value)
    if cls is tuple or cls is dict:
        return True
    if isinstance(value, list):
        return False
    if isinstance(value, tuple):
        return True
    return nest_kinds.kind(value) in (MAPPING, NAMEDTUPLE, ATTRS, DATACLASS) and not hasattr(value, "_type_spec")


def _parts(value: Any) -> list[Any]:
    return list(nest_kinds.children(value) or ())


def flatten(structure: Any) -> list[Any]:
    """The leaves in order (dictionaries by sorted key)."""
    if not is_nested(structure):
        return [structure]
    return [leaf for part in _parts(structure) for leaf in flatten(part)]


def _pack(structure: Any, leaves: Iterator[Any]) -> Any:
    if not is_nested(structure):
        return next(leaves)
    return nest_kinds.rebuild(structure, [_pack(p, leaves) for p in _parts(structure)])


def pack_sequence_as(structure: Any, flat_sequence: Any) -> Any:
    """A structure like `structure` with these leaves."""
    flat = list(flat_sequence)
    wanted = len(flatten(structure))
    if wanted != len(flat):
        raise ValueError(f"Could not pack sequence. Structure had {wanted} elements, but flat_sequence had {len(flat)} elements.  Structure: {structure}, flat_sequence: {flat_sequence}.")
    return _pack(structure, iter(flat))


def map_structure(func: Callable[..., Any], *structures: Any) -> Any:
    """Apply `func` to the leaves of structures of one form."""
    first = structures[0]
    for other in structures[1:]:
        assert_same_structure(first, other)
    flat = [flatten(s) for s in structures]
    return _pack(first, iter([func(*leaves) for leaves in zip(*flat)]))


def assert_same_structure(nest1: Any, nest2: Any, check_types: bool = True) -> None:
    """ValueError when the two differ in form, TypeError when in the classes of their parts."""
    one, two = is_nested(nest1), is_nested(nest2)
    if one != two:
        raise ValueError(f"The two structures don't have the same nested structure. First structure: {nest1}, second structure: {nest2}.")
    if not one:
        return
    if check_types and type(nest1) is not type(nest2) and not (isinstance(nest1, dict) and isinstance(nest2, dict)):
        if not (nest_kinds.is_namedtuple(nest1) and nest_kinds.is_namedtuple(nest2) and type(nest1).__name__ == type(nest2).__name__):
            raise TypeError(f"The two structures don't have the same sequence type. First structure has type {type(nest1)}, while second structure has type {type(nest2)}.")
    if isinstance(nest1, dict) and isinstance(nest2, dict) and set(nest1) != set(nest2):
        raise ValueError(f"The two dictionaries don't have the same set of keys. First structure has keys {list(nest1)}, while second structure has keys {list(nest2)}.")
    a, b = _parts(nest1), _parts(nest2)
    if len(a) != len(b):
        raise ValueError(f"The two structures don't have the same number of elements. First structure: {nest1}, second structure: {nest2}.")
    for x, y in zip(a, b):
        assert_same_structure(x, y, check_types)


def assert_shallow_structure(shallow: Any, deep: Any) -> None:
    """The deep structure must have the form of the shallow one as far as that goes."""
    if not is_nested(shallow):
        return
    if not is_nested(deep):
        raise TypeError(f"If shallow structure is a sequence, input must also be a sequence. Input has type: {type(deep)}.")
    if type(deep) is not type(shallow) and not (isinstance(shallow, dict) and isinstance(deep, dict)):
        raise TypeError(f"The two structures don't have the same sequence type. Input structure has type {type(deep)}, while shallow structure has type {type(shallow)}.")
    a, b = _parts(shallow), _parts(deep)
    if len(a) != len(b):
        raise ValueError(f"The two structures don't have the same sequence length. Input structure has length {len(b)}, while shallow structure has length {len(a)}.")
    if isinstance(shallow, dict) and set(shallow) != set(deep):
        raise ValueError(f"The two structures don't have the same keys. Input structure has keys {list(deep)}, while shallow structure has keys {list(shallow)}.")
    for x, y in zip(a, b):
        assert_shallow_structure(x, y)


def flatten_up_to(shallow: Any, deep: Any) -> list[Any]:
    """The parts of `deep` where the leaves of `shallow` are."""
    assert_shallow_structure(shallow, deep)
    return _up_to(shallow, deep)


def _up_to(shallow: Any, deep: Any) -> list[Any]:
    if not is_nested(shallow):
        return [deep]
    return [leaf for a, b in zip(_parts(shallow), _parts(deep)) for leaf in _up_to(a, b)]


def map_structure_up_to(shallow: Any, func: Callable[..., Any], *deep: Any) -> Any:
    """Apply `func` to the parts where the leaves of `shallow` are."""
    flat = [flatten_up_to(shallow, d) for d in deep]
    return _pack(shallow, iter([func(*leaves) for leaves in zip(*flat)]))


__all__ = ["LEAF", "assert_same_structure", "assert_shallow_structure", "flatten", "flatten_up_to", "is_nested", "map_structure", "map_structure_up_to", "pack_sequence_as"]
