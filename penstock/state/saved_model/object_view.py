"""The objects that a SavedModel holds: what checkpoints find, and functions, their traces and what these captured."""

from typing import Any

from penstock.base.trackable import Trackable, TrackableReference
from penstock.fronts.concrete import ConcreteFunction
from penstock.fronts.function import Function
from penstock.ir import door
from penstock.ir.type_spec import TypeSpec
from penstock.state.auto_trackable import wrap_or_unwrap
from penstock.state.object_graph import ObjectGraphView
from penstock.state.saved_model.asset import Asset
from penstock.state.saved_model.signatures import SignatureMap


class CapturedConstant(Trackable):
    """A tensor that functions captured, kept in the model as a constant."""

    def __init__(self, tensor: Any):
        self.tensor = tensor


class Traces(Trackable):
    """A `tf.function`, with those of its traces that can be written."""


class SavedModelView(ObjectGraphView):
    """The objects below a root, its signatures attached."""

    def __init__(self, root: Any, signatures: Any):
        super().__init__(root, [TrackableReference("signatures", signatures)])
        self.constants: dict[int, CapturedConstant] = {}
        self.traces: dict[int, list[ConcreteFunction]] = {}
        self._kept: dict[int, dict[str, Any]] = {}
        self._alive: list[Any] = []
        self._cache: Any = {}
        self.assets = self._find_assets()

    def _find_assets(self) -> dict[int, Asset]:
        """The assets by the id of their path tensors: known before functions that captured one are met."""
        stack, seen, found = [self.root], {id(self.root)}, {}
        while stack:
            obj = stack.pop()
            if isinstance(obj, Asset):
                found[obj.asset_path._id] = obj
            if isinstance(obj, (Function, ConcreteFunction)):
                continue
            for child in self.children(obj).values():
                if id(child) not in seen:
                    seen.add(id(child))
                    stack.append(child)
        return found

    def children(self, obj: Any, save_type: str = "savedmodel", **kwargs: Any) -> dict[str, Any]:  # type: ignore[override]
        """{name: object} of what an object depends on; always the same objects."""
        if isinstance(obj, SignatureMap):  # filled once the root's functions are known
            return dict(obj.signatures)
        found = self._kept.get(id(obj))
        if found is None:
            found = self._kept[id(obj)] = self._children(obj)
            self._alive.append(obj)
        return found

    def _children(self, obj: Any) -> dict[str, Any]:
        if isinstance(obj, Function):
            self.traces[id(obj)] = traces_of(obj)
            return {f"trace_{i}": t for i, t in enumerate(self.traces[id(obj)])}
        if isinstance(obj, ConcreteFunction):
            return {f"capture_{i}": self._constant(t) for i, t in enumerate(obj.captures()) if self._is_constant(t)}
        if isinstance(obj, CapturedConstant):
            return {}
        obj._maybe_initialize_trackable()
        found = {}
        for name, child in obj._trackable_children("savedmodel", cache=self._cache).items():
            child = self._tracked(child)
            if child is not None and not name.startswith("_self_"):
                found[name] = child
        if obj is self.root:
            attribute = found.get("signatures", getattr(obj, "signatures", None) if "signatures" in found else None)
            if attribute is not None and not hasattr(attribute, "_add_signature"):
                raise ValueError(
                    f"Exporting an object {obj} which has an attribute named 'signatures'. This is a reserved attribute used to store SavedModel signatures in "
                    "objects which come from `tf.saved_model.load`. Delete this attribute (e.g. `del obj.signatures`) before saving if this shadowing is acceptable."
                )
            found.pop("signatures", None)
            for reference in self._attached_dependencies or ():
                found[reference.name] = reference.ref
        return found

    def _tracked(self, child: Any) -> Any:
        """The child itself, a list or dictionary as one that tracks, a tensor as a constant; None for the rest."""
        if not isinstance(child, Trackable):
            child = wrap_or_unwrap(child)
        if isinstance(child, Trackable):
            return child
        return self._constant(child) if hasattr(child, "_array") and child.dtype.name not in ("resource", "variant") else None

    def _is_constant(self, tensor: Any) -> bool:
        return tensor.dtype.name not in ("resource", "variant") and hasattr(tensor, "_array") and tensor._id not in self.assets

    def _constant(self, tensor: Any) -> CapturedConstant:
        found = self.constants.get(tensor._id)
        if found is None:
            found = self.constants[tensor._id] = CapturedConstant(tensor)
        return found


def traces_of(function: Function) -> list[ConcreteFunction]:
    """The traces of a function that a SavedModel can hold: those of tensors and of values that a message can."""
    own = getattr(function, "_list_all_concrete_functions_for_serialization", None)
    if own is not None:
        return list(own())
    if function.input_signature is not None:
        with door.using(_outer()):
            function.get_concrete_function()
    found: list[ConcreteFunction] = []
    seen: list[Any] = []
    for concrete in function._list_all_concrete_functions():
        signature = concrete.structured_input_signature
        if not can_encode(signature) or any(signature == s for s in seen):
            continue
        seen.append(signature)
        found.append(concrete)
    return found


def _outer() -> Any:
    from penstock.fronts.lift import outermost

    return outermost()


def can_encode(value: Any) -> bool:
    """Can a StructuredValue hold it?"""
    if isinstance(value, dict):
        return all(isinstance(k, str) and can_encode(v) for k, v in value.items())
    if isinstance(value, (list, tuple)):
        return all(can_encode(v) for v in value)
    return value is None or isinstance(value, (bool, int, float, str, TypeSpec)) or hasattr(value, "as_datatype_enum") or hasattr(value, "as_proto")
