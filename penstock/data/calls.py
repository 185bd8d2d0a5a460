"""The functions of a pipeline, as one iterator calls them for each element."""

import time
from typing import Any

import numpy as np

from penstock.data.pipeline import Context
from penstock.data.program import near, program_of
from penstock.engine import kernels
from penstock.engine.control import host_control
from penstock.engine.plan import body_nodes, subgraphs
from penstock.engine.run import function_plan
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


HEAVY = 3e-3
"""Seconds that a call must take on average to be worth a trial of the compiler."""
TRIALS = 8
"""Calls by which that is measured; half as many compare the two."""


class Call:
    """A function with its captured tensors, as one iterator calls it: on NumPy, or compiled where that is much work."""

    __slots__ = ("run", "captured", "nodes", "graph", "store", "trials", "spent", "straight")

    def __init__(self, graph: Any, captured: Any, ctx: Context):
        program = program_of(graph)
        self.graph, self.store = graph, ctx.store
        self.nodes = program.nodes
        self.captured = tuple([np.asarray(c) if type(c) is not ndarray and hasattr(c, "devices") else c for c in captured])
        self.run = self.straight = program.make([_kernel(n, ctx) for n in program.bound])
        self.trials, self.spent = 0, 0.0
        verdict = graph._extras.get("compiled for data")
        if verdict is True:
            self.run = self._compiled
        elif verdict is None and not program.bound and any(n.definition.where == "any" for n in self.nodes):
            self.run = self._tried

    def __call__(self, values: Any) -> list[Any]:
        """The flat results for flat arguments."""
        return self.run(*values, *self.captured)

    def _compiled(self, *values: Any) -> list[Any]:
        return near(function_plan(self.graph, self.store)(values))

    def _tried(self, *values: Any) -> list[Any]:
        """Measure the first calls; where they take long, see whether the compiler does better."""
        start = time.perf_counter()
        found = self.straight(*values)
        self.spent += time.perf_counter() - start
        self.trials += 1
        if self.trials == TRIALS:
            heavy = self.spent > HEAVY * TRIALS
            self.run = self._compared if heavy else self.straight
            if not heavy:
                self.graph._extras["compiled for data"] = False
            self.spent, self.trials = self.spent / TRIALS, 0
        return found

    def _compared(self, *values: Any) -> list[Any]:
        """Run compiled; keep that if it is faster than what was measured."""
        start = time.perf_counter()
        found = self._compiled(*values)
        taken = time.perf_counter() - start
        self.trials += 1
        if self.trials > TRIALS // 2:  # the first ones compile
            faster = taken < self.spent
            self.graph._extras["compiled for data"] = faster
            self.run = self._compiled if faster else self.straight
        return found
