"""`tf.nest`: nested structures of lists, tuples, dictionaries and the like, as flat lists of their leaves and back."""

# pyright: basic, reportUnusedImport=true
# (a structure may hold anything: its parts have no type to check)

from collections.abc import Callable, Iterator
from typing import Any

from penstock.base import nest_kinds
from penstock.base.export import export
from penstock.base.nest_kinds import (
    ATTRS,
    COMPOSITE,
    LEAF,
    MAPPING,
    NAMEDTUPLE,
    VIEW,
    children,
    is_namedtuple,
    items,
    kind,
    path_prefix,
    rebuild,
)  # fmt: skip


@export("nest.is_nested")
def is_nested(seq: Any) -> bool:
    """Is it a structure (list, tuple, dictionary, named tuple, ...) and not a leaf?  [1] is one, "ab" is not."""
    return kind(seq) != LEAF


def is_nested_or_composite(seq: Any) -> bool:
    """Is it a structure, a composite tensor, or the spec of one?"""
    return kind(seq, True) != LEAF


is_sequence = is_nested
is_sequence_or_composite = is_nested_or_composite


@export("__internal__.nest.is_mapping")
def is_mapping(obj: Any) -> bool:
    """Is it a dictionary or another `collections.abc.Mapping`?"""
    return kind(obj) == MAPPING


def is_mapping_view(obj: Any) -> bool:
    """Is it a `dict.keys()`, `.values()` or `.items()`?"""
    return kind(obj) == VIEW


@export("__internal__.nest.is_attrs")
def is_attrs(obj: Any) -> bool:
    """Is it an instance of an attrs class?"""
    return kind(obj) == ATTRS


def same_namedtuples(nest1: Any, nest2: Any) -> bool:
    """Are the classes of two named tuples equal in name and fields?"""
    return type(nest1).__name__ == type(nest2).__name__ and nest1._fields == nest2._fields


# --- flat and back --------------------------------------------------------------------------------------------------


def _flatten_into(value: Any, flat: list[Any], composites: bool) -> None:
    cls = type(value)
    if cls is list or cls is tuple:
        for part in value:
            _flatten_into(part, flat, composites)
        return
    parts = children(value, composites)
    if parts is None:
        flat.append(value)
    else:
        for part in parts:
            _flatten_into(part, flat, composites)


@export("nest.flatten")
def flatten(structure: Any, expand_composites: bool = False) -> list[Any]:
    """The leaves of a structure in order (dictionaries by sorted key); a lone leaf gives a list of one.

    `flatten({"b": 1, "a": [2, (3,)]})` is `[2, 3, 1]`.
    """
    flat: list[Any] = []
    _flatten_into(structure, flat, bool(expand_composites))
    return flat


def _pack(structure: Any, leaves: Iterator[Any], composites: bool) -> Any:
    cls = type(structure)
    if cls is list:
        return [_pack(part, leaves, composites) for part in structure]
    parts = children(structure, composites)
    if parts is None:
        return next(leaves)
    return rebuild(structure, [_pack(part, leaves, composites) for part in parts], composites)


@export("nest.pack_sequence_as")
def pack_sequence_as(structure: Any, flat_sequence: Any, expand_composites: bool = False) -> Any:
    """A structure shaped like `structure` whose leaves are `flat_sequence` in order.

    `pack_sequence_as({"b": 0, "a": [0]}, [1, 2])` is `{"b": 2, "a": [1]}`.
    """
    composites = bool(expand_composites)
    if kind(flat_sequence, composites) == LEAF:
        raise TypeError(
            f"Attempted to pack value:\n  {flat_sequence}\ninto a structure, but found incompatible type "
            f"`{type(flat_sequence)}` instead. Pass a list of the leaves."
        )
    if kind(structure, composites) == LEAF:
        if len(flat_sequence) != 1:
            raise ValueError(
                f"The target structure is of type `{type(structure)}`\n  {structure}\nHowever the input is a sequence "
                f"({type(flat_sequence)}) of length {len(flat_sequence)}.\n  {_short(flat_sequence)}\n"
                "nest cannot guarantee that it is safe to map one to the other."
            )
        return flat_sequence[0]
    wanted, given = len(flatten(structure, composites)), len(flat_sequence)
    if wanted != given:
        raise ValueError(
            f"Could not pack sequence. Structure had {wanted} atoms, but flat_sequence had {given} items.  "
            f"Structure: {_short(structure)}, flat_sequence: {_short(flat_sequence)}."
        )
    return _pack(structure, iter([flat_sequence[i] for i in range(wanted)]), composites)


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 400 else text[:400] + "..."


# --- are two structures the same? -----------------------------------------------------------------------------------


class _Differ(Exception):
    """Where and how two structures differ."""

    def __init__(self, error: type[Exception], text: str):
        super().__init__(text)
        self.error = error


def _at(path: tuple[Any, ...]) -> str:
    return f"At {''.join(f'[{key!r}]' for key in path)}: " if path else ""


def _types_agree(first: Any, second: Any, which: int, other: int) -> bool:
    if which == MAPPING and other == MAPPING:
        return True
    if which == NAMEDTUPLE and other == NAMEDTUPLE:
        return first.__class__ is second.__class__ or (
            is_namedtuple(first, True) and is_namedtuple(second, True) and same_namedtuples(first, second)
        )
    if isinstance(first, list) and isinstance(second, list):
        return True
    return first.__class__ is second.__class__


def _compare(first: Any, second: Any, check_types: bool, composites: bool, path: tuple[Any, ...]) -> None:
    which, other = kind(first, composites), kind(second, composites)
    if which == LEAF and other == LEAF:
        return
    where = _at(path)
    if LEAF in (which, other):
        nested, leaf, place = (second, first, "second") if which == LEAF else (first, second, "first")
        shown = f"a {type(nested).__name__}, {_short(nested)}, where the other has a single {type(leaf).__name__}"
        raise _Differ(ValueError, f"{where}the {place} has {shown}, {_short(leaf)}")
    if COMPOSITE in (which, other):
        if which != other:
            raise _Differ(TypeError, f"{where}{type(first).__name__} against {type(second).__name__}")
        spec1, spec2 = nest_kinds.composite_spec(first), nest_kinds.composite_spec(second)
        if type(spec1) is not type(spec2) or spec1.most_specific_common_supertype([spec2]) is None:
            raise _Differ(ValueError, f"{where}Incompatible CompositeTensor TypeSpecs: {spec1!r} vs. {spec2!r}")
        return
    if check_types:
        if not _types_agree(first, second, which, other):
            both = f"the first is a {type(first).__name__}, the second a {type(second).__name__}"
            raise _Differ(TypeError, f"{where}{both} (pass check_types=False to compare only the nesting)")
        if which == MAPPING and set(first) != set(second):
            both = f"the first has {list(first)}, the second {list(second)}"
            raise _Differ(ValueError, f"{where}The two dictionaries don't have the same set of keys: {both}")
    parts1, parts2 = items(first, composites), children(second, composites)
    assert parts2 is not None
    if len(parts1) != len(parts2):
        both = f"the first has {len(parts1)}, the second {len(parts2)}"
        raise _Differ(ValueError, f"{where}The two structures don't have the same number of elements: {both}")
    for (key, part1), part2 in zip(parts1, parts2):
        _compare(part1, part2, check_types, composites, (*path, key))


@export("nest.assert_same_structure")
def assert_same_structure(nest1: Any, nest2: Any, check_types: bool = True, expand_composites: bool = False) -> None:
    """Raise unless both have the same nesting, lengths, keys and (with check_types) classes.

    ValueError where the nesting, a length or a set of keys differs, TypeError where a class does.
    """
    try:
        _compare(nest1, nest2, bool(check_types), bool(expand_composites), ())
    except _Differ as differ:
        dots1, dots2 = (map_structure(lambda _: _DOT, n, expand_composites=False) for n in (nest1, nest2))
        raise differ.error(
            f"The two structures don't have the same nested structure.\n\n{differ}\n\n"
            f"Entire first structure:\n{dots1}\nEntire second structure:\n{dots2}"
        ) from None


class _Dot:
    def __repr__(self) -> str:
        return "."


_DOT = _Dot()


# --- mapping --------------------------------------------------------------------------------------------------------


def _map_options(given: dict[str, Any]) -> tuple[bool, bool]:
    check_types = bool(given.pop("check_types", True))
    composites = bool(given.pop("expand_composites", False))
    if given:
        raise ValueError(
            f"Only valid keyword arguments are `check_types` and `expand_composites`, not: `{'`, `'.join(given)}`"
        )
    return check_types, composites


@export("nest.map_structure")
def map_structure(func: Callable[..., Any], *structure: Any, **kwargs: Any) -> Any:
    """Call `func` on the leaves of one or more like structures, and pack the results as the first of them.

    `map_structure(lambda a, b: a + b, [1, (2,)], [10, (20,)])` is `[11, (22,)]`.  Keywords: check_types=True,
    expand_composites=False.
    """
    if not callable(func):
        raise TypeError(f"func must be callable, got: {func}")
    if not structure:
        raise ValueError("Must provide at least one structure")
    check_types, composites = _map_options(kwargs)
    for other in structure[1:]:
        assert_same_structure(structure[0], other, check_types, composites)
    flat = [flatten(s, composites) for s in structure]
    return _pack(structure[0], iter([func(*leaves) for leaves in zip(*flat)]), composites)


# --- with paths -----------------------------------------------------------------------------------------------------


def _yield_with_paths(
    value: Any, composites: bool, path: tuple[Any, ...] = ()
) -> Iterator[tuple[tuple[Any, ...], Any]]:
    if kind(value, composites) == LEAF:
        yield path, value
        return
    prefix = (*path, *path_prefix(value, composites))
    for key, part in items(value, composites):
        yield from _yield_with_paths(part, composites, (*prefix, key))


@export(v2=("__internal__.nest.yield_flat_paths",))
def yield_flat_paths(nest: Any, expand_composites: bool = False) -> Iterator[tuple[Any, ...]]:
    """The path of each leaf, a tuple of keys, in the order of `flatten`."""
    for path, _ in _yield_with_paths(nest, expand_composites):
        yield path


def flatten_with_tuple_paths(structure: Any, expand_composites: bool = False) -> list[tuple[tuple[Any, ...], Any]]:
    """(path, leaf) of each leaf; a path is a tuple of keys, field names and positions."""
    return list(_yield_with_paths(structure, expand_composites))


def _joined(path: tuple[Any, ...], separator: str = "/") -> str:
    return separator.join(str(key) for key in path)


def flatten_with_joined_string_paths(
    structure: Any, separator: str = "/", expand_composites: bool = False
) -> list[tuple[str, Any]]:
    """(path, leaf) of each leaf; a path is one string: `{"a": [5]}` gives `[("a/0", 5)]`."""
    return [(_joined(path, separator), leaf) for path, leaf in _yield_with_paths(structure, expand_composites)]


def map_structure_with_paths(func: Callable[..., Any], *structure: Any, **kwargs: Any) -> Any:
    """`map_structure` whose function gets the leaf's path as a string ("a/0") before the leaves."""
    return map_structure_with_tuple_paths_up_to(
        structure[0], lambda path, *leaves, **more: func(_joined(path), *leaves, **more), *structure, **kwargs
    )


def map_structure_with_tuple_paths(func: Callable[..., Any], *structure: Any, **kwargs: Any) -> Any:
    """`map_structure` whose function gets the leaf's path as a tuple before the leaves."""
    return map_structure_with_tuple_paths_up_to(structure[0], func, *structure, **kwargs)


# --- as deep as a shallow structure ---------------------------------------------------------------------------------


@export(v2=("__internal__.nest.assert_shallow_structure",))
def assert_shallow_structure(
    shallow_tree: Any, input_tree: Any, check_types: bool = True, expand_composites: bool = False
) -> None:
    """Raise unless `input_tree` is nested like `shallow_tree` as deep as that one goes."""
    which = kind(shallow_tree, expand_composites)
    if which == LEAF:
        return
    other = kind(input_tree, expand_composites)
    if other == LEAF:
        raise TypeError(
            f"If shallow structure is a sequence, input must also be a sequence. Input has type: {type(input_tree)}."
        )
    if COMPOSITE in (which, other):
        spec1, spec2 = nest_kinds.composite_spec(shallow_tree), nest_kinds.composite_spec(input_tree)
        if spec1 is None or spec2 is None:
            raise TypeError(_sequence_types_differ(shallow_tree, input_tree))
        if type(spec1) is not type(spec2) or spec1.most_specific_common_supertype([spec2]) is None:
            raise ValueError(f"Incompatible CompositeTensor TypeSpecs: {spec1!r} vs. {spec2!r}")
    elif check_types and not isinstance(input_tree, type(shallow_tree)):
        alike = which == other == MAPPING or (isinstance(shallow_tree, list) and isinstance(input_tree, list))
        if not alike and not (which == other == NAMEDTUPLE and same_namedtuples(shallow_tree, input_tree)):
            raise TypeError(_sequence_types_differ(shallow_tree, input_tree))
    shallow, deep = children(shallow_tree, expand_composites), children(input_tree, expand_composites)
    assert shallow is not None and deep is not None
    if len(shallow) != len(deep):
        raise ValueError(
            f"The two structures don't have the same sequence length. Input structure has length {len(deep)}, while "
            f"shallow structure has length {len(shallow)}."
        )
    if which == other == MAPPING:
        missing = sorted(set(shallow_tree) - set(input_tree), key=repr)
        if check_types and missing:
            raise ValueError(
                "The shallow_tree's keys are not a subset of the input_tree's keys. The shallow_tree has the following "
                f"keys that are not in the input_tree: {missing}."
            )
    for part1, part2 in zip(shallow, deep):
        assert_shallow_structure(part1, part2, check_types, expand_composites)


def _sequence_types_differ(shallow_tree: Any, input_tree: Any) -> str:
    return (
        f"The two structures don't have the same sequence type. Input structure has type {type(input_tree)}, while "
        f"shallow structure has type {type(shallow_tree)}."
    )


def _yield_up_to(shallow: Any, deep: Any, composites: bool, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, Any]]:
    if kind(shallow, composites) == LEAF:
        yield path, deep
        return
    parts = children(deep, composites)
    assert parts is not None
    prefix = (*path, *path_prefix(shallow, composites))
    for (key, part1), part2 in zip(items(shallow, composites), parts):
        yield from _yield_up_to(part1, part2, composites, (*prefix, key))


def flatten_with_tuple_paths_up_to(
    shallow_tree: Any, input_tree: Any, check_types: bool = True, expand_composites: bool = False
) -> list[tuple[tuple[Any, ...], Any]]:
    """(path, part) of `input_tree` at each leaf of `shallow_tree`."""
    assert_shallow_structure(shallow_tree, input_tree, check_types, expand_composites)
    return list(_yield_up_to(shallow_tree, input_tree, expand_composites))


@export(v2=("__internal__.nest.flatten_up_to",))
def flatten_up_to(
    shallow_tree: Any, input_tree: Any, check_types: bool = True, expand_composites: bool = False
) -> list[Any]:
    """The parts of `input_tree` at the leaves of `shallow_tree`.

    `flatten_up_to([0, 0], [[1, 2], 3])` is `[[1, 2], 3]`.
    """
    pairs = flatten_with_tuple_paths_up_to(shallow_tree, input_tree, check_types, expand_composites)
    return [part for _, part in pairs]


@export(v2=("__internal__.nest.map_structure_up_to",))
def map_structure_up_to(shallow_tree: Any, func: Callable[..., Any], *inputs: Any, **kwargs: Any) -> Any:
    """`map_structure` over one or more inputs only as deep as `shallow_tree` goes."""
    return map_structure_with_tuple_paths_up_to(
        shallow_tree, lambda _, *parts, **more: func(*parts, **more), *inputs, **kwargs
    )


def map_structure_with_tuple_paths_up_to(
    shallow_tree: Any, func: Callable[..., Any], *inputs: Any, **kwargs: Any
) -> Any:
    """`map_structure_up_to` whose function gets the path as a tuple first; other keywords are passed on to it."""
    if not inputs:
        raise ValueError("Cannot map over no sequences")
    check_types = bool(kwargs.pop("check_types", True))
    composites = bool(kwargs.pop("expand_composites", False))
    flat: list[list[Any]] = []
    paths: list[Any] = []
    for given in inputs:
        pairs = flatten_with_tuple_paths_up_to(shallow_tree, given, check_types, composites)
        paths = [path for path, _ in pairs]
        flat.append([part for _, part in pairs])
    results = [func(path, *parts, **kwargs) for path, *parts in zip(paths, *flat)]
    return _pack(shallow_tree, iter(results), composites)


@export(v2=("__internal__.nest.get_traverse_shallow_structure",))
def get_traverse_shallow_structure(
    traverse_fn: Callable[[Any], Any], structure: Any, expand_composites: bool = False
) -> Any:
    """A shallow structure of bools: where `traverse_fn(part)` is False (or a structure of bools says so) it ends.

    `get_traverse_shallow_structure(lambda s: isinstance(s, list), [3, [0], (4,)])` is `[False, [False], False]`.
    """
    answer = traverse_fn(structure)
    if not is_nested(structure):
        if not isinstance(answer, bool):
            raise TypeError(f"traverse_fn returned a non-bool scalar: {answer} for input: {structure}")
        return answer

    def deeper(part: Any) -> Any:
        return get_traverse_shallow_structure(traverse_fn, part, expand_composites)

    parts = children(structure, expand_composites)
    assert parts is not None
    if not is_nested_or_composite(answer):
        if not isinstance(answer, bool):
            raise TypeError(f"traverse_fn returned a non-bool scalar: {answer} for input: {structure}")
        return rebuild(structure, [deeper(part) for part in parts], expand_composites) if answer else False
    assert_shallow_structure(answer, structure, expand_composites=expand_composites)
    answers = children(answer, expand_composites)
    assert answers is not None
    level: list[Any] = []
    for flag, part in zip(answers, parts):
        if not isinstance(flag, bool):
            raise TypeError(
                f"traverse_fn didn't return a depth=1 structure of bools.  saw: {answer}  for structure: {structure}"
            )
        level.append(deeper(part) if flag else False)
    return rebuild(answer, level, expand_composites)


# --- smaller things -------------------------------------------------------------------------------------------------


@export(v2=("__internal__.nest.list_to_tuple",))
def list_to_tuple(structure: Any) -> Any:
    """The same structure with every list made a tuple."""
    parts = children(structure)
    if parts is None:
        return structure
    made = [list_to_tuple(part) for part in parts]
    return tuple(made) if isinstance(structure, list) else rebuild(structure, made)


def flatten_dict_items(dictionary: Any) -> dict[Any, Any]:
    """A dictionary with nested keys and like nested values, as one with plain ones: {(4, (5,)): ("a", ("b",))}."""
    if not is_mapping(dictionary):
        raise TypeError(f"flatten_dict_items: input must be a dictionary, got {type(dictionary).__name__!r}.")
    flat: dict[Any, Any] = {}
    for key, value in dictionary.items():
        keys, values = flatten(key), flatten(value)
        if not is_nested(key):
            values = [value]
        if len(keys) != len(values):
            raise ValueError(
                f"Could not flatten dictionary. Key had {len(keys)} elements, but value had {len(values)} elements. "
                f"Key: {keys}, value: {values}."
            )
        for k, v in zip(keys, values):
            if k in flat:
                raise ValueError(f"Cannot flatten dict because this key is not unique: {k}")
            flat[k] = v
    return flat


# the names that libraries know the parts of this module by
_is_namedtuple, _is_mapping, _is_attrs = is_namedtuple, is_mapping, is_attrs


def _sequence_like(instance: Any, args: Any) -> Any:
    """A structure of the class of `instance` with the parts `args`; of dictionaries they go to the sorted keys."""
    return rebuild(instance, list(args), composites=True)


def _yield_value(iterable: Any) -> Iterator[Any]:
    """The direct parts, of dictionaries in the order of their keys."""
    yield from children(iterable, composites=True) or ()


def _yield_sorted_items(iterable: Any) -> Iterator[tuple[Any, Any]]:
    """(key, part) of the direct parts: keys of dictionaries, names of fields, positions."""
    yield from items(iterable, composites=True)
