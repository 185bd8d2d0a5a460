"""Signatures of a SavedModel that is being written: which functions they are, and their flat, keyword-only wrappers."""

from collections.abc import Mapping
from typing import Any

from penstock.base import nest
from penstock.base.trackable import Trackable
from penstock.fronts.concrete import ConcreteFunction
from penstock.fronts.function import Function
from penstock.fronts.trace import FuncGraph, fresh_name
from penstock.ir import door
from penstock.ir.tensor import Tensor
from penstock.ir.type_spec import TensorSpec
from penstock.state.saved_model import constants as c
from penstock.state.saved_model.restored_function import LoadedConcrete, RestoredFunction

DEFAULT_SIGNATURE_ATTR = "_default_save_signature"


class SignatureMap(Trackable):
    """The signatures that are being saved, by name."""

    def __init__(self, signatures: Mapping[str, Any]):
        self.signatures = dict(signatures)

    def _trackable_children(self, save_type: str = "checkpoint", **kwargs: Any) -> dict[str, Any]:
        return dict(self.signatures) if save_type == "savedmodel" else {}


def concrete_of(function: Any) -> ConcreteFunction | None:
    """The concrete function that a signature is made of; None when there is not exactly one."""
    if isinstance(function, ConcreteFunction):
        return function
    if isinstance(function, RestoredFunction):
        if function.input_signature is None:
            return None
        return function.concrete_functions[0] if function.concrete_functions else None
    if isinstance(function, Function) and function.input_signature is not None:
        return function.get_concrete_function()
    return None


def find_default(children: Mapping[str, Any]) -> Any:
    """The function of the root that serves when no signatures are given: the only one that can."""
    possible = []
    for name, child in children.items():
        if not isinstance(child, (Function, ConcreteFunction)):
            continue
        if name == DEFAULT_SIGNATURE_ATTR:
            return child
        concrete = concrete_of(child)
        if concrete is not None and _valid(concrete):
            possible.append(concrete)
    return possible[0] if len(possible) == 1 else None


def _valid(concrete: ConcreteFunction) -> bool:
    if concrete.structured_outputs is None or (isinstance(concrete.structured_outputs, (dict, list, tuple)) and not nest.flatten(concrete.structured_outputs)):
        return False
    try:
        normalise(concrete.structured_outputs, concrete.graph.name, "")
    except ValueError:
        return False
    return True


def normalise(outputs: Any, function: Any, key: str) -> dict[str, Any]:
    """The outputs of a signature by name; ValueError for what is no tensor."""
    if not isinstance(outputs, dict):
        if not isinstance(outputs, (list, tuple)):
            outputs = [outputs]
        outputs = {f"output_{i}": o for i, o in enumerate(outputs)}
    for name, value in outputs.items():
        if not isinstance(name, str):
            raise ValueError(f"Got a dictionary with a non-string key {name!r} in the output of the function {function} used to generate the SavedModel signature '{key}'.")
        if not isinstance(value, (Tensor, TensorSpec)) and not hasattr(value, "_component_specs") and not hasattr(value, "_type_spec"):
            raise ValueError(
                f"Got a non-Tensor value {value!r} for key {name!r} in the output of the function {function} used to generate the SavedModel signature "
                f"'{key}'. Outputs for functions used as signatures must be a single Tensor, a sequence of Tensors, or a dictionary from string to Tensor."
            )
    return outputs


def canonicalise(signatures: Any) -> dict[str, ConcreteFunction]:
    """Flat functions of keyword arguments for each signature: a function, or a dictionary of them."""
    if signatures is None:
        return {}
    if not isinstance(signatures, Mapping):
        signatures = {c.DEFAULT_SERVING_SIGNATURE_DEF_KEY: signatures}
    found = {}
    for key, function in signatures.items():
        concrete = concrete_of(function)
        if concrete is None:
            raise ValueError(f"Expected a TensorFlow function for which to generate a signature, but got {function}. Only `tf.functions` with an input signature or "
                             "concrete functions can be used as a signature.")  # fmt: skip
        if not isinstance(key, str):
            raise TypeError(f"The key of a signature must be a string, got {key!r}")
        found[key] = wrapper(concrete, key)
    return found


def argument_names(concrete: ConcreteFunction) -> list[str]:
    """What a signature calls the tensor arguments: the names of their specs, made unique."""
    if isinstance(concrete, LoadedConcrete) and concrete._keywords is not None:
        return concrete._keywords[: len(concrete._arguments)]
    taken: dict[str, int] = {}
    found = []
    for parameter in concrete._arguments:
        name = _base_name(parameter)
        count = taken.get(name, 0)
        made = name if not count else f"{name}_{count}"
        while made in found:
            count += 1
            made = f"{name}_{count}"
        taken[name] = count + 1
        found.append(made)
    return found


def _base_name(parameter: Any) -> str:
    name = getattr(parameter, "_user_name", None) or parameter.op.name
    head, _, tail = name.rpartition("_")
    if tail.isdigit() and head and head in parameter.graph._by_name:
        return head
    return name


def wrapper(concrete: ConcreteFunction, key: str) -> ConcreteFunction:
    """The function of keyword arguments alone, with outputs by name, that stands for a signature."""
    names = argument_names(concrete)
    graph = FuncGraph(fresh_name(f"__inference_signature_wrapper_{_shown(concrete)}"))
    with door.using(graph), door.watching(None):
        order = sorted(range(len(names)), key=lambda i: names[i])
        made = {i: graph.add_input(concrete._arguments[i].dtype, concrete._arguments[i]._dims, names[i]) for i in order}
        results = normalise(concrete.call_flat([made[i] for i in range(len(names))]), concrete.graph.name, key)
        identity = lambda t: door.emit(_identity(), (t,), {})
        results = nest.map_structure(identity, results, expand_composites=True)
    flat = nest.flatten(results, expand_composites=True)
    specs = {names[i]: TensorSpec(made[i].shape, made[i].dtype, names[i]) for i in order}
    out = ConcreteFunction(graph, [made[i] for i in order], ((), specs), results, names=[names[i] for i in order])
    out.finish(flat)
    for v in concrete.graph.variables:
        graph.watch_variable(v)
    return out


def _identity() -> Any:
    from penstock.ir.op import find

    return find("Identity")


def _shown(concrete: ConcreteFunction) -> str:
    name = concrete.graph.name.removeprefix("__inference_")
    head, _, tail = name.rpartition("_")
    return head if tail.isdigit() and head else name
