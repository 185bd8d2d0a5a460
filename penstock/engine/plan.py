"""fetches + feeds -> the nodes that must run, in order."""

import heapq
from collections.abc import Collection, Iterable
from typing import Any


def order(fetches: Iterable[Any], fed: Collection[int]) -> list[Any]:
    """The nodes that `fetches` (operations) need, given that the tensors with ids `fed` are there, in program order.

    Program order is the order of creation; where an edge was added later that runs against it, the edge wins.
    """
    seen: set[Any] = set()
    stack = list(fetches)
    backward = False
    while stack:
        node = stack.pop()
        if node in seen:
            continue
        seen.add(node)
        for t in node._inputs:
            if t._id not in fed:
                source = t.op
                if source._id > node._id:
                    backward = True
                if source not in seen:
                    stack.append(source)
        for c in node._control:
            if c._id > node._id:
                backward = True
            if c not in seen and not (c.outputs and all(o._id in fed for o in c.outputs)):  # what is fed has happened
                stack.append(c)
    ordered = sorted(seen, key=lambda n: n._id)
    return _kahn(ordered, fed) if backward else ordered


def _kahn(nodes: list[Any], fed: Collection[int]) -> list[Any]:
    inside = set(nodes)
    waits: dict[Any, int] = {}
    users: dict[Any, list[Any]] = {}
    for n in nodes:
        before = {t.op for t in n._inputs if t._id not in fed and not t.op.definition.name.endswith("NextIteration")} | set(n._control)
        before &= inside
        waits[n] = len(before)
        for b in before:
            users.setdefault(b, []).append(n)
    place = {n: i for i, n in enumerate(nodes)}
    ready = [(place[n], n) for n in nodes if waits[n] == 0]
    heapq.heapify(ready)
    done = []
    while ready:
        _, n = heapq.heappop(ready)
        done.append(n)
        for u in users.get(n, ()):
            waits[u] -= 1
            if waits[u] == 0:
                heapq.heappush(ready, (place[u], u))
    if len(done) < len(nodes):
        stuck = next(n for n in nodes if waits[n] > 0)
        raise ValueError(f"The graph has a cycle through node {stuck.name!r} (made at {stuck.line})")
    return done


def body_nodes(graph: Any) -> list[Any]:
    """The nodes of a function's body in order: what its outputs need, and everything with an effect."""
    memo = graph._extras.get("body_nodes")
    if memo is not None and memo[0] == (graph._version, len(graph.outputs)):
        return memo[1]
    inputs = {t._id for t in graph.inputs}
    roots = [t.op for t in graph.outputs if t._id not in inputs]
    roots += [n for n in graph._nodes if has_effect(n)]
    roots += list(getattr(graph, "control_outputs", ()))
    nodes = [n for n in order(roots, inputs) if n.definition.name != "Placeholder" or n.outputs[0]._id not in inputs]
    graph._extras["body_nodes"] = ((graph._version, len(graph.outputs)), nodes)
    return nodes


def has_effect(node: Any) -> bool:
    """Must this node run even when nobody asks for its outputs?"""
    op = node.definition
    if op.where == "control" and op.name != "Placeholder":
        return any(any(has_effect(n) for n in g._nodes) for g in subgraphs(node))
    if op.check_rule is not None and not node.outputs:
        return True  # Assert
    return op.effect in ("write", "io")


def is_stateful(graph: Any) -> bool:
    """Does a body read or change something outside its inputs?"""
    return any(n.definition.effect or has_effect(n) or any(is_stateful(g) for g in subgraphs(n)) for n in graph._nodes)


def subgraphs(node: Any) -> list[Any]:
    """The function bodies among a node's attrs."""
    found = []
    for name, attr in node.definition.sig.attrs.items():
        if attr.type == "func":
            found.append(node.attrs[name])
        elif attr.type == "list(func)":
            found.extend(node.attrs[name])
    return found


def loops_inside(nodes: Iterable[Any]) -> bool:
    """Is there a loop among these nodes or in their bodies?"""
    return any(node.definition.name in ("While", "StatelessWhile") or any(_graph_loops(g) for g in subgraphs(node))
               for node in nodes if node.definition.where == "control")  # fmt: skip


def _graph_loops(graph: Any) -> bool:
    memo = graph._extras.get("loops_inside")
    if memo is None or memo[0] != graph._version:
        memo = graph._extras["loops_inside"] = (graph._version, loops_inside(body_nodes(graph)))
    return memo[1]
