"""Functions as messages of a SavedModel's object graph."""

import inspect
from typing import Any

from penstock.base import nest
from penstock.fronts.concrete import ConcreteFunction
from penstock.fronts.function import Function
from penstock.ir.spec_proto import value_to_proto
from penstock.ir.tensor import Tensor
from penstock.ir.type_spec import TensorSpec, TypeSpec
from penstock.state.saved_model.object_view import can_encode
from penstock.state.saved_model.restored_function import LoadedConcrete
from penstock.state.saved_model.signatures import argument_names


def function_spec(parameters: inspect.Signature | None, input_signature: Any, jit_compile: Any = None) -> Any:
    """The FunctionSpec message: the Python signature, and the input signature."""
    from penstock.base.proto import saved_object_graph_pb2

    made = saved_object_graph_pb2.FunctionSpec()
    made.fullargspec.named_tuple_value.name = "FullArgSpec"
    kinds = inspect.Parameter
    given = list(parameters.parameters.values()) if parameters is not None else []
    positional = [p for p in given if p.kind in (kinds.POSITIONAL_ONLY, kinds.POSITIONAL_OR_KEYWORD)]
    defaults = tuple(_plain(p.default) for p in positional if p.default is not kinds.empty)
    keywords = [p for p in given if p.kind is kinds.KEYWORD_ONLY]
    keyword_defaults = {p.name: _plain(p.default) for p in keywords if p.default is not kinds.empty}
    held = {
        "args": [p.name for p in positional],
        "varargs": next((p.name for p in given if p.kind is kinds.VAR_POSITIONAL), None),
        "varkw": next((p.name for p in given if p.kind is kinds.VAR_KEYWORD), None),
        "defaults": defaults or None,
        "kwonlyargs": [p.name for p in keywords],
        "kwonlydefaults": keyword_defaults or None,
        "annotations": {},
    }
    for key, value in held.items():
        made.fullargspec.named_tuple_value.values.add(key=key, value=value_to_proto(value))
    made.input_signature.CopyFrom(value_to_proto(input_signature))
    if jit_compile is not None:
        made.jit_compile = made.ON if jit_compile else made.OFF
    return made


def _plain(value: Any) -> Any:
    return value if can_encode(value) else None


def fill_function(proto: Any, function: Function, traces: list[ConcreteFunction]) -> None:
    """Fill a SavedFunction."""
    proto.concrete_functions.extend(t.name for t in traces)
    signature = function.input_signature
    proto.function_spec.CopyFrom(function_spec(function._parameters, None if signature is None else tuple(signature), function._jit_compile))


def fill_bare(proto: Any, concrete: ConcreteFunction) -> None:
    """Fill a SavedBareConcreteFunction."""
    proto.concrete_function_name = concrete.graph.name
    args, kwargs = concrete.structured_input_signature
    leaves = nest.flatten((args, kwargs), expand_composites=False)
    flat = all(isinstance(a, TensorSpec) for a in leaves)
    if flat:
        proto.argument_keywords.extend(argument_names(concrete))
        proto.allowed_positional_arguments = getattr(concrete, "_num_positional_args", 0) or len(argument_names(concrete)) if args else min(1, len(leaves))
    owner = concrete._owner
    parameters = owner._parameters if owner is not None else getattr(concrete, "_parameters", None)
    if parameters is None:
        kinds = inspect.Parameter
        names = [n if n.isidentifier() else f"_{n}" for n in argument_names(concrete)]
        kind = kinds.POSITIONAL_OR_KEYWORD if args else kinds.KEYWORD_ONLY
        parameters = inspect.Signature([kinds(n, kind) for n in dict.fromkeys(names)])
    proto.function_spec.CopyFrom(function_spec(parameters, None))


def named_inputs(concrete: ConcreteFunction) -> Any:
    """The structured input signature with a name for every tensor."""
    args, kwargs = concrete.structured_input_signature
    names = iter(argument_names(concrete))

    def one(leaf: Any) -> Any:
        if isinstance(leaf, TensorSpec) and type(leaf) is TensorSpec:
            name = next(names, None)
            return TensorSpec(leaf.shape, leaf.dtype, leaf.name or name)
        if isinstance(leaf, TypeSpec):
            for _ in leaf.flatten():
                next(names, None)
        return leaf

    flat = [one(leaf) for leaf in nest.flatten((args, kwargs))]
    return nest.pack_sequence_as((args, kwargs), flat)


def named_outputs(structure: Any, path: str = "") -> Any:
    """The specs of the outputs in structure, each named by the path that leads to it."""
    deeper = lambda key: f"{path}_{key}" if path else str(key)
    if isinstance(structure, dict):
        return {k: named_outputs(v, deeper(k)) for k, v in structure.items()}
    if isinstance(structure, tuple) and hasattr(structure, "_fields"):
        return type(structure)(*[named_outputs(getattr(structure, k), deeper(k)) for k in structure._fields])
    if isinstance(structure, (list, tuple)):
        return type(structure)([named_outputs(v, deeper(i)) for i, v in enumerate(structure)])
    if isinstance(structure, Tensor) or type(structure) is TensorSpec:
        return TensorSpec(structure.shape, structure.dtype.base_dtype, path or "unknown")
    if isinstance(structure, TypeSpec):
        return structure
    return getattr(structure, "_type_spec", None)


def fill_concrete(proto: Any, concrete: ConcreteFunction, bound: list[int]) -> None:
    """Fill a SavedConcreteFunction."""
    proto.bound_inputs.extend(bound)
    proto.canonicalized_input_signature.CopyFrom(value_to_proto(named_inputs(concrete)))
    structure = concrete._structure
    if not isinstance(concrete, LoadedConcrete):  # numbers and text that the function returns are tensors by now
        flat = concrete._flat_outputs
        structure = flat[0] if concrete._single else nest.pack_sequence_as(structure, flat, expand_composites=True)
    proto.output_signature.CopyFrom(value_to_proto(named_outputs(structure)))
