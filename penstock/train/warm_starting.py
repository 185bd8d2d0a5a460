"""Variables that begin with values of a checkpoint: `init_from_checkpoint` and `warm_start`."""

import logging
import re
from typing import Any, NamedTuple

import numpy as np

from penstock.base.export import export
from penstock.fronts.default_graph import get_default_graph
from penstock.ir import door
from penstock.ops.checkpoint import restore_v2
from penstock.state.checkpoints import checkpoint_prefix, load_checkpoint
from penstock.state.collections import GraphKeys
from penstock.state.scopes import variable_store
from penstock.state.variable import Variable

log = logging.getLogger("tensorflow")


def _is_variables(value: Any) -> bool:
    return isinstance(value, Variable) or (isinstance(value, list) and bool(value) and all(isinstance(v, Variable) for v in value))


def _partitions(name: str, held: dict[str, Any]) -> list[Any] | None:
    """The parts of a partitioned variable."""
    found: list[Any] = []
    while f"{name}/part_{len(found)}" in held:
        found.append(held[f"{name}/part_{len(found)}"])
    return found or None


@export(v1=("train.init_from_checkpoint",))
def init_from_checkpoint(ckpt_dir_or_file: Any, assignment_map: Any) -> None:
    """Make the initializers of variables give the values of a checkpoint; `assignment_map` is {name or scope there: variable, name or scope here}.

    >>> tf.train.init_from_checkpoint("model", {"encoder/": "new_encoder/"})  # doctest: +SKIP
    """
    reader, path = load_checkpoint(ckpt_dir_or_file), checkpoint_prefix(ckpt_dir_or_file)
    shapes = reader.get_variable_to_shape_map()
    held = variable_store().held
    pairs = list(assignment_map.items()) if isinstance(assignment_map, dict) else [tuple(p) for p in assignment_map]
    for there, here in sorted(pairs, key=lambda p: p[0]):
        variable = None
        if _is_variables(here):
            variable = here
        elif hasattr(here, "_get_variable_list"):
            variable = here._get_variable_list()
        else:
            variable = held.get(here + "")
            if variable is None:
                variable = _partitions(here, held)
        if variable is not None:
            if there not in shapes:
                raise ValueError(f"Tensor {there} is not found in {path} checkpoint {shapes}")
            _fill(variable, there, path, shapes[there])
            continue
        if "/" in (there[-1:], here[-1:]) and there[-1:] != here[-1:]:
            raise ValueError(f"Assignment map with scope only name {here} should map to scope only {there}. Should be 'scope/': 'other_scope/'.")
        if not here.endswith("/"):
            scope = here.rpartition("/")[0]
            raise ValueError(f"Assignment map with scope only name {scope} should map to scope only {there}. Should be 'scope/': 'other_scope/'.")
        _fill_scope(here[:-1], there[:-1], held, shapes, path)


def _fill_scope(scope: str, there: str, held: dict[str, Any], shapes: dict[str, Any], path: str) -> None:
    done: set[str] = set()
    for name in sorted(held):
        if scope and not name.startswith(f"{scope}/"):
            continue
        if "/part_" in name:
            name = name[: name.index("/part_")]
        if name in done:
            continue
        done.add(name)
        own = name[len(scope) + 1 :] if scope else name
        full = f"{there}/{own}" if there else own
        if full not in shapes:
            raise ValueError(f"Tensor {full} ({own} in {there}/) is not found in {path} checkpoint")
        variable = held[name] if name in held else _partitions(name, held)
        _fill(variable, full, path, shapes[full])


def _fill(variable: Any, there: str, path: str, shape: list[int]) -> None:
    """Make the initializer of a variable, or of its parts, read the checkpoint."""
    parts = variable if isinstance(variable, list) else [variable]
    sliced = [p for p in parts if p._get_save_slice_info() is not None]
    if sliced:
        whole = list(sliced[0]._get_save_slice_info().full_shape)
        shown = sliced[0].op.name
    else:
        whole, shown = parts[0].shape.as_list() if parts[0].shape.rank is not None else None, parts[0].name
    if whole is not None and (len(whole) != len(shape) or any(a is not None and a != b for a, b in zip(whole, shape))):
        raise ValueError(f"Shape of variable {shown} ({tuple(whole)}) doesn't match with shape of tensor {there} ({shape}) from checkpoint reader.")
    for part in parts:
        info = part._get_save_slice_info()
        _begin_with(part, lambda p=part, i=info: restore_v2(path, [there], [i.spec if i is not None else ""], dtypes=[p.dtype.base_dtype])[0])
    log.debug("Initialize variable %s from checkpoint %s with %s", shown, path, there)


def _begin_with(variable: Any, value: Any) -> None:
    """Make `value()` what a variable is initialised with."""
    graph = variable.graph if getattr(variable, "_in_graph_mode", True) else None
    if graph is None:
        variable.assign(value())
        return
    with graph.as_default(), graph.control_dependencies(None), graph.name_scope("init_from_checkpoint"):
        restored = value()
        restored.set_shape(variable.shape)
        made = variable.assign(restored, read_value=False) if hasattr(variable, "handle") else variable.assign(restored)
    variable._initializer_op = getattr(made, "op", made)
    variable._initial_value = restored


@export(v1=("train.VocabInfo", "estimator.VocabInfo"), v2=("estimator.VocabInfo",))
class VocabInfo(NamedTuple):
    """How the rows (or columns) of a variable follow a vocabulary that changed; see `warm_start`."""

    new_vocab: str
    new_vocab_size: int
    num_oov_buckets: int
    old_vocab: str
    old_vocab_size: int = -1
    backup_initializer: Any = None
    axis: int = 0


def _to_warm_start(chosen: Any) -> list[Any]:
    """The variables that are meant: lists of parts, or single ones."""
    graph = get_default_graph()
    if isinstance(chosen, str) or chosen is None:
        log.info("Warm-starting variables only in TRAINABLE_VARIABLES.")
        found = graph.get_collection(GraphKeys.TRAINABLE_VARIABLES, scope=chosen)
    elif isinstance(chosen, list) and all(isinstance(v, str) for v in chosen):
        names = [v if v.endswith("$") or ":" in v else v for v in chosen]
        found = [v for pattern in names for v in graph.get_collection(GraphKeys.GLOBAL_VARIABLES, scope=pattern)]
    elif isinstance(chosen, list) and all(isinstance(v, Variable) for v in chosen):
        found = chosen
    else:
        raise ValueError(f"If `vars_to_warm_start` is a list, it must be all `Variable` or all `str`.  Found types are {[type(v) for v in chosen]}.")
    return list({id(v): v for v in found}.values())


def _name_of(variable: Any) -> str:
    name = variable.op.name
    return name[: name.index("/part_")] if variable._get_save_slice_info() is not None and "/part_" in name else name


@export(v1=("train.warm_start",))
def warm_start(ckpt_to_initialize_from: Any, vars_to_warm_start: Any = ".*", var_name_to_vocab_info: Any = None, var_name_to_prev_var_name: Any = None) -> None:
    """Make variables (by pattern, names or themselves) begin with the values they have in a checkpoint, following changed vocabularies."""
    vocabularies, renamed = dict(var_name_to_vocab_info or {}), dict(var_name_to_prev_var_name or {})
    log.info("Warm-starting from: %s", ckpt_to_initialize_from)
    grouped: dict[str, list[Any]] = {}
    if vars_to_warm_start is not None:
        for v in _to_warm_start(vars_to_warm_start):
            grouped.setdefault(_name_of(v), []).append(v)
    else:
        everything = get_default_graph().get_collection(GraphKeys.TRAINABLE_VARIABLES)
        for v in everything:
            if _name_of(v) in vocabularies:
                grouped.setdefault(_name_of(v), []).append(v)
    held = variable_store().held
    for name in vocabularies:
        if name not in grouped and not re.search(r"^$", name):
            variable = held[name] if name in held else _partitions(name, held)
            if variable is not None and vars_to_warm_start is None:
                grouped[name] = variable if isinstance(variable, list) else [variable]
    used: set[str] = set()
    assignments: dict[str, Any] = {}
    for name, variables in grouped.items():
        before = renamed.get(name)
        used.add(name)
        if name in vocabularies:
            _warm_start_rows(variables, ckpt_to_initialize_from, before or name, vocabularies[name])
        else:
            assignments[before or name] = variables if len(variables) > 1 else variables[0]
    if assignments:
        init_from_checkpoint(ckpt_to_initialize_from, assignments)
    for what, given in (("var_name_to_prev_var_name", set(renamed)), ("var_name_to_vocab_info", set(vocabularies))):
        left = given - used
        if left:
            raise ValueError(
                f"You provided the following variables in {what} that were not used: {left}.  Perhaps you misspelled them?  Here is the list of "
                f"viable variable names: {sorted(grouped)}"
            )


def _words(path: Any, size: int) -> list[bytes]:
    with open(path, "rb") as file:
        words = file.read().splitlines()
    return words if size is None or size < 0 else words[:size]


def _warm_start_rows(variables: list[Any], checkpoint: Any, name: str, info: VocabInfo) -> None:
    """Fill a variable whose rows (or columns) belong to words from one whose words were others."""
    old = load_checkpoint(checkpoint).get_tensor(name)
    row_of = {word: i for i, word in enumerate(_words(info.old_vocab, info.old_vocab_size))}
    words = _words(info.new_vocab, info.new_vocab_size)
    sources = [row_of.get(w, -1) for w in words] + [-1] * info.num_oov_buckets
    for part in variables:
        slice_info = part._get_save_slice_info()
        shape = slice_info.full_shape if slice_info is not None else part.shape.as_list()
        if shape[info.axis] != len(sources):
            raise ValueError(
                f"The variable {name} has {shape[info.axis]} entries along axis {info.axis}, its vocabulary {len(words)} words and "
                f"{info.num_oov_buckets} buckets for unknown words"
            )
        start = slice_info.var_offset[info.axis] if slice_info is not None else 0
        count = part.shape.as_list()[info.axis]
        mine = sources[start : start + count]

        def value(part: Any = part, mine: list[int] = mine, info: VocabInfo = info) -> Any:
            return _remapped(old, mine, info, part.shape.as_list(), part.dtype.base_dtype)

        _begin_with(part, value)


def _remapped(old: np.ndarray, sources: list[int], info: VocabInfo, shape: list[int], dtype: Any) -> Any:
    from penstock.ops.masks import where_v2

    taken = np.take(old, [max(s, 0) for s in sources], axis=info.axis)
    if all(s >= 0 for s in sources):
        return door.convert(taken, dtype)
    initializer = info.backup_initializer
    fresh = initializer(shape, dtype) if initializer is not None else np.zeros(shape, dtype.array_dtype)
    known = np.array([s >= 0 for s in sources]).reshape([-1 if a == info.axis else 1 for a in range(len(shape))])
    return where_v2(known, door.convert(taken, dtype), fresh)
