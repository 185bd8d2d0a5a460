"""The functions of a pipeline, as one iterator calls them for each element."""

from typing import Any

import numpy as np

from penstock.data.pipeline import Context
from penstock.data.program import near, program_of
from penstock.engine import kernels
from penstock.engine.control import host_control
from penstock.engine.plan import body_nodes, subgraphs
from penstock.engine.store import NodeStore
from penstock.engine.streams import stream_cell
from penstock.ir.known import flatten_outputs, group

ndarray = np.ndarray


def _random_inside(graph: Any) -> bool:
    memo = graph._extras.get("random_inside")
    if memo is None or memo[0] != graph._version:
        found = any(n.definition.effect == "random" or any(_random_inside(g) for g in subgraphs(n)) for n in body_nodes(graph))
        memo = graph._extras["random_inside"] = (graph._version, found)
    return memo[1]


def _kernel(node: Any, ctx: Context) -> Any:
    """The kernel of a node that belongs to the iterator: with its store or its stream of random numbers."""
    op = node.definition
    if op.where == "control":
        store = ctx.own if any(_random_inside(g) for g in subgraphs(node)) else ctx.store
        return lambda *flat: near(host_control(node, list(flat), store))
    if op.effect == "handle":
        kwargs = {k: node.attrs[k] for k in op.takes}
        lead = NodeStore(ctx.store, node.name)
        return lambda *flat: flatten_outputs(op, op.body(np, lead, *group(op, list(flat), node.attrs), **kwargs))
    if op.needs_store:
        return kernels.build_with(op, node.attrs, (NodeStore(ctx.store, node.name),), near=True)
    return kernels.build_with(op, node.attrs, (stream_cell(ctx.own, node),), near=True)


class Call:
    """A function with its captured tensors, as one iterator calls it."""

    __slots__ = ("run", "captured", "nodes")

    def __init__(self, graph: Any, captured: Any, ctx: Context):
        program = program_of(graph)
        self.nodes = program.nodes
        self.captured = tuple([np.asarray(c) if type(c) is not ndarray and hasattr(c, "devices") else c for c in captured])
        self.run = program.make([_kernel(n, ctx) for n in program.bound])

    def __call__(self, values: Any) -> list[Any]:
        """The flat results for flat arguments."""
        return self.run(*values, *self.captured)
