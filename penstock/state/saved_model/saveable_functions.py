"""Functions of a SavedModel that write and restore what a table holds, for programs that do not know its class."""

from typing import Any

from penstock.fronts.concrete import ConcreteFunction
from penstock.fronts.function import function
from penstock.ir.type_spec import TensorSpec
from penstock.state.checkpoint_values import Values, evaluated, values_of
from penstock.state.saved_model.restored_objects import RestoredResource
from penstock.state.trackable_resource import CapturableResource


def saveable_functions(layout: Any) -> list[tuple[int, str, ConcreteFunction, ConcreteFunction]]:
    """(number of the object, name of the attribute, function that gives its tensors, function that takes them back)."""
    found = []
    for number, obj, path in layout:
        if isinstance(obj, RestoredResource):
            found += [(number, name, save, restore) for name, (save, restore) in obj._saveables.items()]
        elif isinstance(obj, CapturableResource):
            values = values_of(obj, path)
            if values is not None:
                name = values.attributes[0].name
                found.append((number, name, _saving(obj, path, values), _restoring(obj, path, values)))
    return found


def _saving(obj: Any, path: Any, values: Values) -> ConcreteFunction:
    key = values.attributes[0].key
    suffixes = [k.removeprefix(key) for k, _, _, _ in values.tensors]

    def save_fn(checkpoint_key: Any) -> Any:
        tensors = values_of(obj, path).tensors  # type: ignore[union-attr]
        return [{"name": checkpoint_key + s, "slice_spec": spec, "tensor": evaluated(t)} for s, (_, spec, t, _) in zip(suffixes, tensors)]

    return function(save_fn, input_signature=[TensorSpec([], "string", "checkpoint_key")], autograph=False).get_concrete_function()


def _restoring(obj: Any, path: Any, values: Values) -> ConcreteFunction:
    def restore_fn(*restored_tensors: Any) -> Any:
        values_of(obj, path).restore(list(restored_tensors))  # type: ignore[union-attr]
        return 1

    signature = [TensorSpec(None, dtype, f"restored_tensors_{i}") for i, (_, _, _, dtype) in enumerate(values.tensors)]
    return function(restore_fn, input_signature=signature, autograph=False).get_concrete_function()
