"""If, Case, While and calls inside a trace: `lax.cond`, `lax.switch`, `lax.while_loop`, inlining."""

from typing import Any

import numpy as np
from jax import lax
from jax import numpy as jnp

from penstock.engine.control import truth
from penstock.engine.island import is_live, resolve_handles, touched
from penstock.engine.lower import NeedsValue, View, is_known, is_traced
from penstock.engine.plan import body_nodes
from penstock.engine.store import Cell


def inline(tracer: Any, body: Any, args: list[Any]) -> list[Any]:
    """Run a function's body here, on these values."""
    env = dict(zip((t._id for t in body.inputs), args))
    tracer.run(body_nodes(body), env)
    return [env[t._id] for t in body.outputs]


def carriable(value: Any) -> bool:
    """Can it go into or out of a branch or loop (an array, or a pytree of them)?"""
    return is_traced(value) or (isinstance(value, np.ndarray) and value.dtype != object) or hasattr(value, "is_live")


def lifted(value: Any) -> Any:
    return jnp.asarray(value) if is_known(value) else value.lifted() if hasattr(value, "lifted") else value


def _written(tracer: Any, bodies: Any, args: list[Any]) -> list[Cell]:
    """The cells that any of the bodies may write."""
    found: dict[Cell, None] = {}
    for body in bodies:
        nodes = body_nodes(body)
        bound = {p._id: a for p, a in zip(body.inputs, args) if not is_known(a) and not is_live(a)}
        found.update(touched(tracer.store, nodes, resolve_handles(tracer.store, nodes, bound))[1])
    return [c for c in found if c in tracer.state]


def lower_branches(tracer: Any, node: Any, flat: list[Any], branches: list[Any]) -> list[Any]:
    """One of several bodies."""
    chosen, args = flat[0], flat[1:]
    if isinstance(chosen, Cell):
        chosen = View(chosen, tracer).read()
    two = node.definition.name.endswith("If")
    if is_known(chosen):
        index = int(truth(chosen)) if two else int(chosen)
        return inline(tracer, branches[index if 0 <= index < len(branches) else -1], args)
    if chosen.ndim:
        raise NeedsValue
    cells = _written(tracer, branches, args)
    before = tuple(tracer.state[c] for c in cells)
    shapes: list[Any] = []

    def one(body: Any) -> Any:
        def run(state: Any, error: Any) -> Any:
            inner = tracer.child()
            inner.state.update(zip(cells, state))
            inner.error = error
            outs = inline(inner, body, args)
            if not all(carriable(o) for o in outs):
                raise NeedsValue
            lift = [lifted(o) for o in outs]
            shapes.append([getattr(o, "shape", None) for o in lift])
            if shapes[0] != shapes[-1]:
                raise NeedsValue  # the branches' results differ in shape: only the host can choose
            return lift, tuple(lifted(inner.state[c]) for c in cells), jnp.asarray(inner.error)

        return run

    index = (chosen != 0).astype(np.int32) if two else jnp.where((chosen < 0) | (chosen >= len(branches)), len(branches) - 1, chosen).astype(np.int32)
    outs, state, error = lax.switch(index, [one(b) for b in branches], before, jnp.asarray(tracer.error))
    tracer.state.update(zip(cells, state))
    if tracer.failures.entries:
        tracer.error = error
    return list(outs)


def lower_while(tracer: Any, node: Any, flat: list[Any]) -> list[Any]:
    """A loop with the changing values as its carry; what stays the same is closed over."""
    cond, body = node.attrs["cond"], node.attrs["body"]
    fixed = [_same(o, i) or not carriable(v) for o, i, v in zip(body.outputs, body.inputs, flat)]
    for same, v, o, i in zip(fixed, flat, body.outputs, body.inputs):
        if same and not carriable(v) and not _same(o, i):
            raise NeedsValue
    moving = [i for i, same in enumerate(fixed) if not same]
    cells = _written(tracer, (cond, body), flat)
    cond_nodes, body_nodes_ = body_nodes(cond), body_nodes(body)

    def env_of(graph: Any, values: Any) -> dict[int, Any]:
        full = list(flat)
        for i, v in zip(moving, values):
            full[i] = v
        return dict(zip((t._id for t in graph.inputs), full))

    def inner(state: Any, error: Any) -> Any:
        child = tracer.child()
        child.state.update(zip(cells, state))
        child.error = error
        return child

    def proceed(carry: Any) -> Any:
        values, state, error = carry
        child = inner(state, error)
        env = env_of(cond, values)
        child.run(cond_nodes, env)
        verdict = env[cond.outputs[0]._id]
        if isinstance(verdict, Cell):
            verdict = View(verdict, child).read()
        verdict = jnp.asarray(verdict)
        if verdict.ndim:
            raise NeedsValue
        return verdict.astype(bool) & (error == 0)

    def turn(carry: Any) -> Any:
        values, state, error = carry
        child = inner(state, error)
        env = env_of(body, values)
        child.run(body_nodes_, env)
        outs = []
        for i, v in zip(moving, values):
            o = env[body.outputs[i]._id]
            if not carriable(o):
                raise NeedsValue
            o = lifted(o)
            if getattr(o, "shape", None) != getattr(v, "shape", None):
                raise NeedsValue  # the shape changes from turn to turn
            outs.append(o)
        return tuple(outs), tuple(lifted(child.state[c]) for c in cells), jnp.asarray(child.error)

    start = (tuple(lifted(flat[i]) for i in moving), tuple(lifted(tracer.state[c]) for c in cells), jnp.asarray(tracer.error))
    values, state, error = lax.while_loop(proceed, turn, start)
    tracer.state.update(zip(cells, state))
    if tracer.failures.entries:
        tracer.error = error
    outs = list(flat)
    for i, v in zip(moving, values):
        outs[i] = v
    return outs


def _same(output: Any, input: Any) -> bool:
    """Does the body hand this input through?"""
    while output is not input and output.op.type == "Identity" and output.op.graph is input.op.graph:
        output = output.op.inputs[0]
    return output is input
