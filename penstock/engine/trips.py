"""What can be told of a loop before it runs: how often it turns, which of its lists grow."""

from typing import Any

import numpy as np

from penstock.engine.plan import order, subgraphs
from penstock.ir.known import compute, known_value

MOST = 10_000
"""Turns beyond which counting ahead is given up."""
_GROWING = {"TensorListPushBack", "TensorListPopBack", "TensorListResize", "TensorListConcatLists", "TensorListPushBackBatch", "TensorListScatterIntoExistingList"}


def trip_count(cond: Any, body: Any, flat: list[Any]) -> int | None:
    """An upper bound of the number of turns, found by running the counters alone; None when it depends on the data."""
    bounds = [n for t in _conjuncts(cond.outputs[0]) if (n := _count(t, cond, body, flat)) is not None]
    return min(bounds, default=None)


def _conjuncts(tensor: Any) -> list[Any]:
    if tensor.op.type == "LogicalAnd":
        return [t for i in tensor.op.inputs for t in _conjuncts(i)]
    return _conjuncts(tensor.op.inputs[0]) if tensor.op.type == "Identity" else [tensor]


def _cone(tensors: list[Any], graph: Any) -> tuple[list[Any], set[int]] | None:
    """The nodes that `tensors` need and the inputs of the body among them; None when one is not a plain op."""
    position = {t._id: i for i, t in enumerate(graph.inputs)}
    nodes = order([t.op for t in tensors if t._id not in position], set(position))
    used = {position[t._id] for t in tensors if t._id in position}
    for n in nodes:
        op = n.definition
        if op.where != "any" or op.effect is not None or op.name == "Placeholder" or any(not t.dtype.on_device for t in (*n._inputs, *n.outputs)):
            return None
        used |= {position[t._id] for t in n._inputs if t._id in position}
    return nodes, used


def _count(test: Any, cond: Any, body: Any, flat: list[Any]) -> int | None:
    cone = _cone([test], cond)
    if cone is None:
        return None
    test_nodes, wanted = cone
    while True:
        step = _cone([body.outputs[i] for i in sorted(wanted)], body)
        if step is None:
            return None
        if step[1] <= wanted:
            break
        wanted |= step[1]
    values = {i: flat[i] for i in wanted}
    if not all(isinstance(v, np.ndarray) and v.dtype != object and v.size <= 16 for v in values.values()):
        return None
    moving = {i for i in wanted if body.outputs[i] is not body.inputs[i]}
    if not moving:
        return None
    for turns in range(MOST):
        if not bool(_evaluate([test], test_nodes, cond, values)[0]):
            return turns
        chosen = sorted(wanted)
        values = dict(zip(chosen, _evaluate([body.outputs[i] for i in chosen], step[0], body, values)))
    return None


def _evaluate(tensors: list[Any], nodes: list[Any], graph: Any, values: dict[int, Any]) -> list[Any]:
    env = {t._id: values[i] for i, t in enumerate(graph.inputs) if i in values}
    for n in nodes:
        known = known_value(n.outputs[0]) if not n._inputs else None
        outs = [known] if known is not None else compute(n.definition, [env[t._id] for t in n._inputs], n.attrs)
        env.update((o._id, v) for o, v in zip(n.outputs, outs))
    return [env[t._id] for t in tensors]


def grows(body: Any, i: int) -> bool:
    """Does the body change the length of its i-th loop variable, a list?"""
    memo = body._extras.setdefault("grows", {})
    mark = (body._version, i)
    if mark not in memo:
        memo[mark] = _grows(body.outputs[i], body)
    return memo[mark]


def _grows(tensor: Any, body: Any) -> bool:
    while True:
        node = tensor.op
        if node.type in _GROWING:
            return True
        if node.type == "TensorListSetItem" and node.attrs.get("resize_if_index_out_of_bounds"):
            return True
        inner = subgraphs(node) if node.definition.where == "control" and node.type != "Placeholder" else []
        if inner:
            at = tensor.value_index
            arguments = node._inputs[1:] if "If" in node.type or "Case" in node.type else node._inputs
            bodies = [node.attrs["body"]] if "body" in node.attrs else inner
            if any(_grows(b.outputs[at], b) for b in bodies):
                return True
            place = next((k for k, p in enumerate(bodies[0].inputs) if p is _origin(bodies[0].outputs[at])), None)
            if place is None:
                return True
            tensor = arguments[place]
            continue
        if node.type == "Placeholder" or not node._inputs or node.graph is not body:
            return False
        tensor = node._inputs[0]


def _origin(tensor: Any) -> Any:
    while tensor.op.type not in ("Placeholder",) and tensor.op._inputs:
        tensor = tensor.op._inputs[0]
    return tensor


def pops(body: Any, i: int) -> bool:
    """Does every turn of the body take an element off its i-th loop variable, a list?"""
    node = body.outputs[i].op
    return node.type == "TensorListPopBack" and node._inputs[0] is body.inputs[i]
