"""`tf.compat.v1.wrap_function`: 1.x graph code as a function that 2.x code calls."""

import copy
from typing import Any

from penstock.base import nest
from penstock.base.export import export
from penstock.engine.plan import order
from penstock.fronts.concrete import ConcreteFunction
from penstock.fronts.function import Function
from penstock.ir.graph import Operation
from penstock.ir.type_spec import TensorSpec


class WrappedFunction(ConcreteFunction):
    """A traced 1.x function; parts of its graph can be cut out as functions of their own."""

    held: Any = ()

    def prune(self, feeds: Any, fetches: Any, name: str = "pruned", input_signature: Any = None, are_keyword_args_also_positional: bool = False) -> "WrappedFunction":
        """The function from the tensors `feeds` of this graph (names or tensors) to the nest `fetches`."""
        element = self.graph.as_graph_element
        arguments = [element(f, allow_operation=False) for f in nest.flatten(feeds)]
        flat = [element(f) for f in nest.flatten(fetches)]
        graph = copy.copy(self.graph)
        graph.name = name
        graph._extras = {}
        graph.control_outputs = [f for f in flat if isinstance(f, Operation)]
        outputs = [None if isinstance(f, Operation) else f for f in flat]
        graph._nodes = order([f if isinstance(f, Operation) else f.op for f in flat], {a._id for a in arguments})  # writes elsewhere stay behind
        structure = nest.pack_sequence_as(fetches, outputs)
        signature = (tuple(TensorSpec(a.shape, a.dtype) for a in arguments), {})
        made = WrappedFunction(graph, arguments, signature, structure, names=[a.op.name for a in arguments])
        made.held = self.held
        made.finish(outputs)
        return made


@export(v1=("wrap_function",))
def wrap_function(fn: Any, signature: Any, name: str | None = None) -> WrappedFunction:
    """Trace `fn`, 1.x code that may make variables, once for the TensorSpecs in `signature`.

    >>> double = tf.compat.v1.wrap_function(lambda x: x * 2.0, [tf.TensorSpec([], tf.float32)])
    >>> double(tf.constant(3.0)).numpy()
    np.float32(6.0)
    """
    tracer = Function(fn, name or getattr(fn, "__name__", "wrapped_function").replace("<lambda>", "lambda"), list(signature), autograph=False)
    made: list[Any] = []
    traced = tracer._trace_once(tuple(signature), {}, made)
    out = WrappedFunction(traced.graph, traced._arguments, traced._signature, traced._structure, names=traced._names)
    out._flat_outputs, out._owner = traced._flat_outputs, tracer
    out.held = [v() for v in made]
    return out
