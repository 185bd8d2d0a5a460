"""Functions with gradients of their own (`tf.custom_gradient`) in a SavedModel: the gradients become functions too."""

import contextlib
import logging
from collections.abc import Iterator
from typing import Any

from penstock.base.errors import OpError
from penstock.fronts.backprop import registered
from penstock.fronts.concrete import ConcreteFunction
from penstock.fronts.trace import FuncGraph, fresh_name
from penstock.ir import door
from penstock.ir.graph import GraphTensor
from penstock.ir.type_spec import TensorSpec
from penstock.state.saved_model.function_protos import fill_concrete

log = logging.getLogger("tensorflow")


class OwnGradient:
    """The gradient of one node, traced: a function of what flows back, which captures tensors of the node's own body."""

    def __init__(self, concrete: ConcreteFunction, node: Any, rule: Any):
        self.concrete, self.node = concrete, node
        self.op_type = f"CustomGradient-{node._id}"
        self.body = graph = FuncGraph(fresh_name("__inference_internal_grad_fn"), concrete.graph)
        with door.using(graph), door.watching(None):
            dys = [graph.add_input(t.dtype, t._dims, f"result_grads_{i}") for i, t in enumerate(node.outputs)]
            found = rule(*dys)
            flat = [None if g is None else graph.convert(g) for g in (found if isinstance(found, (list, tuple)) else [found])]
        signature = ((None, *[TensorSpec(d.shape, d.dtype, d.op.name) for d in dys]), {})
        self.function = ConcreteFunction(graph, dys, signature, flat, names=[d.op.name for d in dys])
        self.function.finish(flat)

    def bind(self, objects: Any, exported: Any) -> list[int]:
        """The numbers of the objects behind the captures; tensors of the body that is differentiated become objects."""
        bound = []
        outside = self.concrete.graph._outside
        for tensor in self.function.captures():
            tensor = outside.get(tensor._id, tensor)
            number = exported.node_of.get(tensor._id)
            if number is None:
                if not isinstance(tensor, GraphTensor) or tensor.graph is not self.concrete.graph:
                    raise ValueError(f"the gradient of node {self.node.name!r} captures {tensor!r}, which the model does not hold")
                number = len(objects.nodes)
                kept = objects.nodes.add().captured_tensor
                kept.name, kept.concrete_function = tensor.name, self.concrete.graph.name
            bound.append(number)
        return bound


def own_gradients(concrete_functions: list[ConcreteFunction]) -> list[OwnGradient]:
    """The gradients of the nodes that bring their own; those that cannot be traced are left out, with a warning."""
    found = []
    for concrete in concrete_functions:
        for node in concrete.graph._nodes:
            own = getattr(node, "_gradient_function", None)
            if own is None and node.gradient_name in registered and node.gradient_name.startswith("CustomGradient-"):
                own = lambda *dys, n=node: registered[n.gradient_name](n, *dys)
            if own is None:
                continue
            try:
                found.append(OwnGradient(concrete, node, own))
            except (ValueError, TypeError, OpError, LookupError) as e:
                log.warning("The gradient of node %s in function %s cannot be saved: %s", node.name, concrete.graph.name, e)
    return found


@contextlib.contextmanager
def named(gradients: list[OwnGradient]) -> Iterator[None]:
    """A context in which the nodes say the names of their gradients."""
    before = [(g.node, g.node.gradient_name) for g in gradients]
    for g in gradients:
        g.node.gradient_name = g.op_type
    try:
        yield
    finally:
        for node, name in before:
            node.gradient_name = name


def write(gradients: list[OwnGradient], meta: Any, exported: Any) -> None:
    """Note the gradients in a MetaGraph whose graph has their functions."""
    for g in gradients:
        fill_concrete(meta.object_graph_def.concrete_functions[g.function.graph.name], g.function, g.bind(meta.object_graph_def, exported))
        meta.graph_def.library.registered_gradients.add(gradient_func=g.function.graph.name, registered_op_type=g.op_type)
