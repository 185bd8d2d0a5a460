"""User functions of elements, traced once into graphs."""

import functools
from collections.abc import Callable
from typing import Any

from penstock.base import dtypes
from penstock.data import structure, structure_nest as nest
from penstock.data.debugging import debug_mode
from penstock.fronts.autograph import tf_convert
from penstock.fronts.trace import FuncGraph, fresh_name
from penstock.ir import door
from penstock.ir.type_spec import NoneTensorSpec


class Traced:
    """A function of elements as a graph: its captured tensors, and the spec of what it returns."""

    def __init__(self, graph: FuncGraph, captured: list[Any], output_structure: Any):
        self.graph, self.captured, self.output_structure = graph, captured, output_structure

    output_types = property(lambda s: structure.flat_types(s.output_structure))
    function = property(lambda s: s.graph)


def _label(func: Any) -> str:
    func = getattr(func, "python_function", func)
    while isinstance(func, functools.partial):
        func = func.func
    return getattr(func, "__name__", type(func).__name__).replace("<lambda>", "lambda")


def trace(func: Callable[..., Any], transformation: str, *input_structures: Any, unpack: bool = True, convert: bool = True, packed: bool = True) -> Traced:
    """Trace `func` on an element of each input structure; a tuple is spread over the parameters."""
    if not callable(func):
        raise ValueError(f"Argument `func` must be a callable. Received func={func} (of type {type(func)}).")
    graph = FuncGraph(fresh_name(f"Dataset_{transformation}_{_label(func)}"))
    run = tf_convert(func) if convert and not debug_mode() else func
    with door.using(graph), door.watching(None):
        args: list[Any] = []
        for spec in input_structures:
            flat = structure.flat_specs(spec)
            inputs = [graph.add_input(s.dtype, s.shape._dims, f"args_{len(graph.inputs)}") for s in flat]
            element = structure.from_tensor_list(spec, inputs)
            if unpack and type(spec) is tuple:
                args.extend(element)
            else:
                args.append(element)
        n_args = len(graph.inputs)
        found = run(*args)
        if isinstance(found, list):
            found = tuple(found)
        if packed:
            found, spec, outputs = _outputs(graph, found)
        else:
            spec, outputs = None, []
    arguments = graph.inputs[:n_args]
    graph.outputs = outputs
    captured = list(graph.external_captures)
    graph.inputs = [*arguments, *graph.internal_captures]
    graph._version += 1
    return Traced(graph, captured, spec)


def _outputs(graph: Any, found: Any) -> tuple[Any, Any, list[Any]]:
    try:
        found = structure.normalize_element(found)
        spec = structure.type_spec_from_element(found)
    except (TypeError, ValueError) as e:
        raise TypeError(f"Unsupported return value from function passed to Dataset.map(): {found!r}. {e}") from e
    outputs = [graph.convert(t) for t in structure.to_tensor_list(spec, found)]
    return found, spec, outputs


def is_scalar_bool(spec: Any) -> bool:
    """Is the spec that of a boolean scalar?"""
    return getattr(spec, "dtype", None) is dtypes.bool and spec.shape.is_compatible_with([]) and not isinstance(spec, NoneTensorSpec)


__all__ = ["Traced", "is_scalar_bool", "nest", "trace"]
