"""What objects keep in a checkpoint: their tensors with keys, and how they take them back."""

from collections.abc import Callable
from typing import Any

from penstock.base import dtypes
from penstock.base.dtypes import as_dtype
from penstock.base.trackable import VARIABLE_VALUE_KEY, serializes
from penstock.ir import door
from penstock.state.object_graph import Layout, escape, mark_values, object_key
from penstock.state.saveable import SaveableObject, SaveSpec
from penstock.state.variable import Variable


class Kept:
    """One attribute of an object as it stands in the object graph, with its tensors."""

    def __init__(self, name: str, full_name: str, key: str, optional: bool = False):
        self.name, self.full_name, self.key, self.optional = name, full_name, key, optional
        self.tensors: list[tuple[str, str, Any, Any]] = []  # (key, slice, tensor or what gives it, dtype)


class Values:
    """All attributes of one object and the function that restores them."""

    def __init__(self, attributes: list[Kept], restore: Callable[[list[Any]], Any]):
        self.attributes, self._restore = attributes, restore

    @property
    def tensors(self) -> list[tuple[str, str, Any, Any]]:
        return [t for a in self.attributes for t in a.tensors]

    def restore(self, values: list[Any]) -> Any:
        """Take one value for each of `tensors`; the ops that do it in a graph."""
        return self._restore(values)


def values_of(obj: Any, path: tuple[str, ...]) -> Values | None:
    """What the object at `path` keeps in a checkpoint; None when nothing."""
    if serializes(obj):
        try:
            named = obj._serialize_to_tensors()
        except NotImplementedError:
            named = None
        if named is not None:
            return _serialized(obj, path, named) if named else None
    saveables = obj._gather_saveables_for_checkpoint() if hasattr(obj, "_gather_saveables_for_checkpoint") else {}
    return _of_saveables(obj, path, saveables) if saveables else None


def _full_name(obj: Any) -> str:
    try:
        return obj._shared_name
    except (AttributeError, ValueError, RuntimeError):
        return ""


def _dtype(tensor: Any) -> Any:
    return as_dtype(tensor.dtype).base_dtype


def _tensor_entry(key: str, tensor: Any) -> list[tuple[str, str, Any, Any]]:
    if isinstance(tensor, dict):  # {slice: tensor}
        return [(key, spec, t, _dtype(t)) for spec, t in tensor.items()]
    if isinstance(tensor, SaveSpec):
        return [(tensor.name, tensor.slice_spec, tensor.tensor, as_dtype(tensor.dtype).base_dtype)]
    if isinstance(tensor, (str, bytes)):
        return [(key, "", tensor.encode() if isinstance(tensor, str) else tensor, dtypes.string)]
    return [(key, "", tensor, _dtype(tensor) if hasattr(tensor, "dtype") else _dtype(tensor := door.convert(tensor)))]


def _serialized(obj: Any, path: tuple[str, ...], named: dict[str, Any]) -> Values:
    family = getattr(obj, "_legacy_saveable_name", None)
    attributes: list[Kept] = []
    if family is not None:
        kept = Kept(family, "", object_key(path, family))
        for name, tensor in named.items():
            kept.tensors += _tensor_entry(kept.key + name, tensor)
        attributes.append(kept)
    else:
        for name, tensor in named.items():
            kept = Kept(name, _full_name(obj) if name == VARIABLE_VALUE_KEY else "", object_key(path, escape(name)))
            kept.tensors = _tensor_entry(kept.key, tensor)
            attributes.append(kept)

    def restore(values: list[Any]) -> Any:
        if hasattr(obj, "_restore_from_python"):
            return obj._restore_from_python(dict(zip(named, (v.numpy() for v in values))))
        left, found = list(values), {}
        for name, tensor in named.items():
            if isinstance(tensor, dict):
                found[name] = {spec: left.pop(0) for spec in tensor}
            else:
                found[name] = left.pop(0)
        return obj._restore_from_tensors(found)

    return Values(attributes, restore)


def _of_saveables(obj: Any, path: tuple[str, ...], saveables: dict[str, Any]) -> Values:
    attributes: list[Kept] = []
    restorers: list[tuple[int, Callable[[list[Any]], Any]]] = []
    for name, saveable in saveables.items():
        kept = Kept(name, "", object_key(path, escape(name)))
        if isinstance(saveable, Variable):
            kept.full_name = _full_name(saveable)
            kept.tensors = [(kept.key, _slice_of(saveable), saveable, saveable.dtype.base_dtype)]
            restorers.append((1, lambda values, v=saveable: v._restore_from_tensors({VARIABLE_VALUE_KEY: values[0]})))
        elif callable(saveable) or isinstance(saveable, SaveableObject) or hasattr(saveable, "specs"):
            made = saveable(name=kept.key) if callable(saveable) else saveable
            if isinstance(made, Variable):
                kept.full_name = _full_name(made)
                kept.tensors = [(kept.key, _slice_of(made), made, made.dtype.base_dtype)]
                restorers.append((1, lambda values, v=made: v._restore_from_tensors({VARIABLE_VALUE_KEY: values[0]})))
            else:
                kept.full_name = getattr(made, "full_name", "") or ""
                kept.optional = bool(getattr(made, "optional_restore", False))
                for spec in made.specs:
                    key = spec.name if spec.name.startswith(kept.key) else f"{kept.key}{spec.name}"
                    kept.tensors.append((key, spec.slice_spec, spec.tensor, as_dtype(spec.dtype).base_dtype))
                restorers.append((len(made.specs), lambda values, s=made: s.restore(restored_tensors=values, restored_shapes=None)))
        else:
            inner = values_of(saveable, path)
            if inner is None:
                raise TypeError(f"The object {obj!r} gave {saveable!r} to be saved as {name!r}, which holds no values.")
            kept.tensors = [(kept.key, spec, tensor, dtype) for _, spec, tensor, dtype in inner.tensors]
            kept.full_name = inner.attributes[0].full_name
            restorers.append((len(kept.tensors), inner.restore))
        attributes.append(kept)

    def restore(values: list[Any]) -> Any:
        at, done = 0, []
        for count, one in restorers:
            done.append(one(values[at : at + count]))
            at += count
        return done

    return Values(attributes, restore)


def _slice_of(variable: Any) -> str:
    info = variable._get_save_slice_info()
    return info.spec if info is not None else ""


def evaluated(tensor: Any) -> Any:
    """The tensor itself where a variable or a function that gives it was handed over."""
    if isinstance(tensor, Variable):
        return tensor.read_value() if hasattr(tensor, "handle") else tensor._ref_tensor
    if callable(tensor) and not hasattr(tensor, "shape"):
        return tensor()
    return tensor


def gather(layout: Layout) -> tuple[Any, list[tuple[str, str, Any, Any]]]:
    """The object graph of everything in `layout`, and the tensors to write."""
    proto = layout.proto()
    tensors: list[tuple[str, str, Any, Any]] = []
    for i, obj, path in layout:
        values = values_of(obj, path)
        if values is None:
            continue
        for kept in values.attributes:
            proto.nodes[i].attributes.add(name=kept.name, full_name=kept.full_name, checkpoint_key=kept.key)
            tensors += kept.tensors
    mark_values(proto)
    return proto, tensors
