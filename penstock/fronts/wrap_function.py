"""`tf.compat.v1.wrap_function`: 1.x graph code as a function that 2.x code calls."""

from typing import Any

from penstock.base import nest
from penstock.base.export import export
from penstock.engine.plan import order
from penstock.fronts.concrete import ConcreteFunction
from penstock.fronts.function import Function
from penstock.fronts.trace import FuncGraph
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
        graph = FuncGraph(name, self.graph.outer)
        graph._variables = dict(self.graph._variables)
        placed = {a._id: graph.add_input(a.dtype, a._dims, a.op.name) for a in arguments}
        placed_ops = _copied(self.graph, flat, graph, placed)
        graph.control_outputs = [placed_ops[f] for f in flat if isinstance(f, Operation)]
        outputs = [None if isinstance(f, Operation) else placed[f._id] for f in flat]
        structure = nest.pack_sequence_as(fetches, outputs)
        signature = (tuple(TensorSpec(a.shape, a.dtype) for a in arguments), {})
        made = WrappedFunction(graph, [placed[a._id] for a in arguments], signature, structure, names=[a.op.name for a in arguments])
        made.held = self.held
        made.finish(outputs)
        return made


def _copied(source: FuncGraph, fetches: list[Any], target: FuncGraph, placed: dict[int, Any]) -> dict[Operation, Operation]:
    """Copy the nodes that `fetches` need into another body; `placed` says what stands there for a tensor, and learns the rest."""
    made: dict[Operation, Operation] = {}
    nodes = order([f if isinstance(f, Operation) else f.op for f in fetches if isinstance(f, Operation) or f._id not in placed], placed)
    for node in nodes:
        outside = source._outside.get(node.outputs[0]._id) if len(node.outputs) == 1 else None
        if outside is not None:
            placed[node.outputs[0]._id] = inner = target._add_capture(outside)
            made[node] = inner.op
            continue
        outs = [(t.dtype, t._dims) for t in node.outputs]
        scope, target._scope = target._scope, ""
        copy = target.add(node.definition, tuple(placed[t._id] for t in node.inputs), dict(node.attrs), outs, f"{node.name}/")
        target._scope = scope
        copy._control = tuple(made[c] for c in node._control if c in made)
        copy.device, copy.colocation, copy.gradient_name = node.device, node.colocation, node.gradient_name
        own = getattr(node, "_gradient_function", None)
        if own is not None:
            copy._gradient_function = own
        for old, new in zip(node.outputs, copy.outputs):
            data = getattr(old, "_handle_data", None)
            if data is not None:
                new._handle_data = data
            placed[old._id] = new
        made[node] = copy
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
    traced = tracer._trace_once(tuple(signature), {}, made, ())
    out = WrappedFunction(traced.graph, traced._arguments, traced._signature, traced._structure, names=traced._names)
    out._flat_outputs, out._owner = traced._flat_outputs, tracer
    out.held = [v() for v in made]
    return out
