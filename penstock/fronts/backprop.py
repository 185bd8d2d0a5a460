"""One reverse walk for `tf.gradients` (over graph nodes) and `GradientTape` (over recorded calls)."""

from collections.abc import Callable, Sequence
from typing import Any

from penstock.ir import door
from penstock.ir.op import find

registered: dict[str, Callable[..., Any] | None] = {}
"""Gradients that programs registered with `tf.RegisterGradient`, by op type or override name."""

is_slices: Callable[[Any], bool] = lambda x: hasattr(x, "dense_shape") and hasattr(x, "indices") and not hasattr(x, "_id")


def backprop(nodes: Sequence[Any], grads: dict[int, list[Any]], keep: set[int] | None = None, stop: frozenset[int] | set[int] = frozenset(),
             collect: Sequence[int] = (), method: Any = None) -> dict[int, Any]:  # fmt: skip
    """Carry gradients back through `nodes` (in the order in which they ran).

    `grads`: tensor id -> contributions, seeded with those of the targets.  `keep`: the ids on a path from the sources
    (None: all).  Nothing is carried beyond the tensors in `stop`.  Gives the sum of each id in `collect`.
    """
    sums: dict[int, Any] = {}
    wanted = set(collect)
    for node in reversed(nodes):
        dys: list[Any] = []
        some = False
        for o in node.outputs:
            parts = grads.pop(o._id, None)
            if parts is None:
                dys.append(None)
                continue
            total = add_up(parts)
            if o._id in wanted:
                sums[o._id] = total
                grads[o._id] = [total]
            dys.append(total)
            some = True
        if not some:
            continue
        if any(t._id in stop for t in node.outputs):
            continue
        if keep is not None and not any(t._id in keep for t in node._inputs):
            continue
        dxs = pull(node, dys, None if keep is None else tuple([t._id in keep for t in node._inputs]))
        if dxs is None:
            continue
        for x, dx in zip(node._inputs, dxs):
            if dx is None or (keep is not None and x._id not in keep):
                continue
            grads.setdefault(x._id, []).append(dx)
    for c in collect:
        if c not in sums and c in grads:
            sums[c] = add_up(grads[c])
    return sums


def pull(node: Any, dys: list[Any], wanted: tuple[bool, ...] | None = None) -> Any:
    """The gradients of a node's inputs, a flat sequence, given those of its outputs; None when nothing flows.

    Ops that hold bodies are told which inputs' gradients are `wanted`, and leave the others out.
    """
    own = getattr(node, "_gradient_function", None)
    rule: Any
    if own is not None:
        rule = lambda n, *d: own(*d)
    else:
        name = getattr(node, "gradient_name", None)
        definition = node.definition
        if name is not None:
            if name not in registered:
                raise LookupError(f"gradient registry has no entry for: {name}")
            rule = registered[name]
        elif definition.name in registered:
            rule = registered[definition.name]
        else:
            rule = definition.grad_rule
            if rule is None:
                if not definition.differentiable:
                    return None
                if not any(t.dtype.is_differentiable or t.dtype.group == "" for t in node._inputs):
                    return None
                raise LookupError(f"No gradient defined for operation {getattr(node, 'name', definition.name)!r} (op type: {definition.name})")
        if rule is None:
            return None
    if node.definition.where == "control" and own is None:
        plain = rule
        rule = lambda n, *d: plain(n, *d, wanted=wanted or (True,) * len(n._inputs))
    elif len(dys) > 1 or own is not None:
        dys = [zeros_for(o) if d is None and o.dtype.is_differentiable else d for d, o in zip(dys, node.outputs)]
    here = door.current()
    if here.is_graph and hasattr(node, "name"):
        with here.name_scope(f"{node.name}_grad"):
            dxs = rule(node, *dys)
    else:
        dxs = rule(node, *dys)
    if not isinstance(dxs, (list, tuple)) or is_slices(dxs) or hasattr(dxs, "_id"):
        dxs = (dxs,)
    n = len(node._inputs)
    if len(dxs) != n:
        raise ValueError(f"Num gradients {len(dxs)} generated for op {getattr(node, 'name', node.definition.name)} do not match num inputs {n}")
    return dxs


def zeros_for(tensor: Any) -> Any:
    return find("ZerosLike")(tensor)


def add_up(parts: list[Any]) -> Any:
    """The sum of gradient contributions; slices stay slices when all are."""
    if len(parts) == 1:
        return parts[0]
    if all(is_slices(p) for p in parts):
        from penstock.ops.indexed_slices import concatenated

        return concatenated(parts)
    dense = [door.convert(p) for p in parts]
    if dense[0].dtype.name == "variant":
        total = dense[0]
        for d in dense[1:]:
            total = find("AddN")([total, d])
        return total
    return find("AddN")(dense)


def reachable(nodes: Sequence[Any], sources: set[int], stop: frozenset[int] | set[int] = frozenset()) -> set[int]:
    """The ids that depend on `sources` through values a gradient can flow through."""
    reached = set(sources)
    for node in nodes:
        if any(t._id in reached and t._id not in stop for t in node._inputs):
            for o in node.outputs:
                if o.dtype.is_differentiable or o.dtype.group == "" or o.dtype.is_ref:
                    reached.add(o._id)
    return reached
