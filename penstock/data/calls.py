"""The functions of a pipeline, called for each element: traced graphs as straight lists of NumPy kernels."""

from typing import Any

import numpy as np

from penstock.base.errors import OpError
from penstock.data.pipeline import Context
from penstock.engine import kernels
from penstock.engine.interpret import takes_handle
from penstock.engine.plan import body_nodes, subgraphs
from penstock.engine.store import Cell, NodeStore
from penstock.engine.streams import stream_cell
from penstock.ir.known import flatten_outputs, group
from penstock.ir.tensor_list import TensorList

ndarray = np.ndarray


def _random_inside(graph: Any) -> bool:
    memo = graph._extras.get("random_inside")
    if memo is None or memo[0] != graph._version:
        found = any(n.definition.effect == "random" or any(_random_inside(g) for g in subgraphs(n)) for n in body_nodes(graph))
        memo = graph._extras["random_inside"] = (graph._version, found)
    return memo[1]


_CALLS = frozenset({"PartitionedCall", "StatefulPartitionedCall"})


class Step:
    """One node, ready to run: its kernel, where its inputs stand and where its outputs go."""

    __slots__ = ("run", "inputs", "outputs", "node", "refs", "lists")

    def __init__(self, run: Any, inputs: tuple[int, ...], outputs: tuple[int, ...], node: Any):
        self.run, self.inputs, self.outputs, self.node = run, inputs, outputs, node
        self.refs = tuple(i for i, t in enumerate(node._inputs) if t.dtype.is_ref and not takes_handle(node.definition, node, i))
        self.lists = any(t.dtype.name == "variant" for t in node._inputs)


def _kernel(node: Any, ctx: Context) -> Any:
    op = node.definition
    if op.where == "control":
        from penstock.engine.control import host_control

        store = ctx.own if any(_random_inside(g) for g in subgraphs(node)) else ctx.store
        return lambda *flat: host_control(node, list(flat), store)
    if op.effect == "handle":
        kwargs = {k: node.attrs[k] for k in op.takes}
        lead = NodeStore(ctx.store, node.name)
        return lambda *flat: flatten_outputs(op, op.body(np, lead, *group(op, list(flat), node.attrs), **kwargs))
    if op.needs_store:
        return kernels.build_with(op, node.attrs, (NodeStore(ctx.store, node.name),), near=True)
    if op.effect == "random":
        return kernels.build_with(op, node.attrs, (stream_cell(ctx.own, node),), near=True)
    shared = node.__dict__.setdefault("_kernels", {})
    found = shared.get(None)
    if found is None:
        found = shared[None] = kernels.build_with(op, node.attrs, (), near=True)
    return found


class Call:
    """A function with its captured tensors, as one iterator calls it."""

    __slots__ = ("graph", "captured", "ctx", "steps", "results", "count")

    def __init__(self, graph: Any, captured: Any, ctx: Context):
        self.graph, self.captured, self.ctx = graph, list(captured), ctx
        self.count = len(graph.inputs)
        self.steps: list[Step] = []
        slots = {t._id: i for i, t in enumerate(graph.inputs)}
        self._add(graph, slots)
        self.results = tuple(slots[t._id] for t in graph.outputs)

    def _add(self, graph: Any, slots: dict[int, int]) -> None:
        """The steps of a graph; functions that it calls are put in their place."""
        for node in body_nodes(graph):
            if node.type in _CALLS:
                inner = node.attrs["f"]
                places = {p._id: slots[t._id] for p, t in zip(inner.inputs, node._inputs)}
                self._add(inner, places)
                for t, o in zip(node.outputs, inner.outputs):
                    slots[t._id] = places[o._id]
                continue
            inputs = tuple([slots[t._id] for t in node._inputs])
            outputs = []
            for t in node.outputs:
                slots[t._id] = self.count
                outputs.append(self.count)
                self.count += 1
            self.steps.append(Step(_kernel(node, self.ctx), inputs, tuple(outputs), node))

    def __call__(self, values: Any) -> list[Any]:
        """The flat results for flat arguments."""
        regs: list[Any] = [*values, *self.captured]
        regs.extend([None] * (self.count - len(regs)))
        for step in self.steps:
            flat = [regs[i] for i in step.inputs]
            if step.lists:
                flat = [v.as_items() if isinstance(v, TensorList) else v for v in flat]
            for i in step.refs:
                if type(flat[i]) is Cell:
                    flat[i] = flat[i].read()
            try:
                outs = step.run(*flat)
            except OpError as e:
                raise placed(e, step.node) from e.__cause__
            for slot, v in zip(step.outputs, outs):
                regs[slot] = v
        out = []
        for i in self.results:
            v = regs[i]
            out.append(v if type(v) is ndarray or not hasattr(v, "devices") else np.asarray(v))
        return out

    def truth(self, values: Any) -> bool:
        """The function's one result as a bool."""
        return bool(self(values)[0])


def placed(error: OpError, node: Any) -> OpError:
    """The error, saying where in the program its node was made."""
    if error._op is not None:
        return error
    text = error.message if "\n  at " not in error.message else error.message[: error.message.rindex("\n  at ")]
    return type(error)(None, node, f"{text}\n  at node {node.name!r}, made at {node.line}")

