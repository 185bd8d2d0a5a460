"""Nodes run one by one on the host: what is not worth compiling, and what only the host can do."""

from typing import Any

import numpy as np

from penstock.base.errors import OpError
from penstock.engine import kernels
from penstock.engine.store import Cell, NodeStore, Store
from penstock.engine.streams import stream_cell
from penstock.ir.known import flatten_outputs, group
from penstock.ir.tensor_list import TensorList

MANY = 20_000
"""Nodes beyond which a first run is compiled at once."""


def runs_on_host(node: Any) -> bool:
    """Is this node host work, by its op or by what stands in its bodies?"""
    op = node.definition
    if op.where == "control":
        from penstock.engine.plan import subgraphs

        return op.name != "Placeholder" and any(host_inside(g) for g in subgraphs(node))
    return op.where == "host"


def host_inside(graph: Any) -> bool:
    """Does a function's body hold host work?"""
    from penstock.engine.plan import body_nodes

    memo = graph._extras.get("host_inside")
    if memo is None or memo[0] != graph._version:
        memo = graph._extras["host_inside"] = (graph._version, any(runs_on_host(n) for n in body_nodes(graph)))
    return memo[1]


def worth_interpreting(nodes: list[Any]) -> bool:
    """Is a first run cheaper without the compiler?  Then a program that runs something once never waits for it."""
    if len(nodes) > MANY:
        return False
    for node in nodes:
        op = node.definition
        if op.where == "xla" or (op.where == "control" and op.name != "Placeholder"):
            return False
    return True


def interpret(nodes: list[Any], regs: dict[int, Any], store: Store) -> None:
    """Run nodes in order; `regs` takes their outputs."""
    for node in nodes:
        flat = [regs[t._id] for t in node._inputs]
        flat = [v.as_items() if isinstance(v, TensorList) else v for v in flat]
        if node.definition.where == "control":
            from penstock.engine.control import host_control

            outs = host_control(node, flat, store)
        else:
            outs = run_node(node, flat, store)
        for t, v in zip(node.outputs, outs):
            regs[t._id] = v


def run_node(node: Any, flat: list[Any], store: Store) -> list[Any]:
    """Run one node on concrete values."""
    op = node.definition
    if op.effect == "handle":
        args = group(op, flat, node.attrs)
        return flatten_outputs(op, op.body(np, NodeStore(store, node.name), *args, **{k: node.attrs[k] for k in op.takes}))
    cache = node.__dict__.setdefault("_kernels", {})
    owner = id(store) if op.effect == "random" or op.needs_store else None
    run = cache.get(owner)
    if run is None:
        run = cache[owner] = _kernel(node, store)
    refs = [i for i in range(len(node._inputs)) if type(flat[i]) is Cell and not takes_handle(op, node, i)]
    for i in refs:
        flat[i] = flat[i].read()
    try:
        return run(*flat)
    except OpError as e:
        if e._op is not None:
            raise
        text = e.message if "\n  at " not in e.message else e.message[: e.message.rindex("\n  at ")]
        raise type(e)(None, node, f"{text}\n  at node {node.name!r}, made at {node.line}") from e.__cause__


def takes_handle(op: Any, node: Any, position: int) -> bool:
    """Does the op want the variable itself at this input, not its value?"""
    if op.effect in ("read", "write") or op.name == "RefIdentity":
        arg = op.sig.inputs[position] if not op.lists else None
        return arg is None or arg.is_ref or (arg.dtype is not None and arg.dtype.name == "resource")
    return node._inputs[position].dtype.base_dtype.name == "resource"


def _kernel(node: Any, store: Store) -> Any:
    op = node.definition
    if op.effect == "random":
        return kernels.build_with(op, node.attrs, (stream_cell(store, node),), near=True)
    return kernels.build_with(op, node.attrs, (NodeStore(store, node.name),) if op.needs_store else (), near=True)
