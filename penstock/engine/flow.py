"""If, Case, While and calls inside a trace: `lax.cond`, `lax.switch`, `lax.while_loop`, inlining."""

from typing import Any

import jax
import numpy as np
from jax import lax, numpy as jnp

from penstock.engine.control import Fake, truth
from penstock.engine.interrupt import Stopped, raised
from penstock.engine.island import is_live, resolve_handles, touched
from penstock.engine.lower import NeedsValue, View, is_known, is_traced
from penstock.engine.plan import body_nodes
from penstock.engine.store import Cell
from penstock.engine.trips import grows, pops, trip_count
from penstock.ir.tensor_list import START, Form, Probe, TensorList


def inline(tracer: Any, body: Any, args: list[Any]) -> list[Any]:
    """Run a function's body here, on these values."""
    env = dict(zip((t._id for t in body.inputs), args))
    tracer.run(body_nodes(body), env)
    return [env[t._id] for t in body.outputs]


def carriable(value: Any) -> bool:
    """Can it go into or out of a branch or loop (an array, or a pytree of them)?"""
    return is_traced(value) or (isinstance(value, np.ndarray) and value.dtype != object) or hasattr(value, "is_live")


def lifted(value: Any) -> Any:
    """A value as XLA can hold it."""
    if is_known(value):
        return jnp.asarray(value)
    if isinstance(value, TensorList) and value.items is not None and not all(hasattr(i, "aval") for i in value.items):
        made = value.as_buffer()
        if made is None:
            raise NeedsValue
        return made
    return value


def _formed(value: Any, form: Form | None) -> Any:
    """A list in the form that all branches give; other values as they are."""
    if form is None or not isinstance(value, TensorList):
        return value
    made = value.in_form(form)
    if made is None:
        raise NeedsValue
    return made


def _layout(value: Any) -> Any:
    """The structure of a value and the shapes and dtypes of its arrays."""
    leaves, structure = jax.tree.flatten(value)
    return structure, [(x.shape, x.dtype) for x in leaves]


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
    def one(body: Any, filler: Any = None) -> Any:
        def run(state: Any, error: Any) -> Any:
            inner = tracer.child()
            inner.state.update(zip(cells, state))
            inner.error = error
            outs = inline(inner, body, args)
            if filler is None:
                outs = [None if isinstance(o, Fake) else o for o in outs]
            else:
                outs = [filler(k) if isinstance(o, Fake) else o for k, o in enumerate(outs)]
            if not all(o is None or carriable(o) for o in outs):
                raise NeedsValue
            lift = [None if o is None else _formed(lifted(o), forms.get(k)) for k, o in enumerate(outs)]
            return lift, tuple(lifted(inner.state[c]) for c in cells), jnp.asarray(inner.error)

        return run

    error_now = jnp.asarray(tracer.error)
    entries = len(tracer.failures.entries)
    forms: dict[int, Form] = {}
    found = [jax.eval_shape(one(b), before, error_now)[0] for b in branches]  # what each branch gives, for those that do not have it
    for k, values in enumerate(zip(*found)):
        if all(isinstance(v, TensorList) for v in values) and len({jax.tree.structure(v) for v in values}) > 1:
            forms[k] = Form.of(list(values))
    if forms:
        found = [jax.eval_shape(one(b), before, error_now)[0] for b in branches]
    del tracer.failures.entries[entries:]
    templates = [next((f[k] for f in found if f[k] is not None), None) for k in range(len(node.outputs))]
    for f in found:
        for k, v in enumerate(f):
            if v is not None and _layout(v) != _layout(templates[k]):
                raise NeedsValue  # the branches' results differ in shape: only the host can choose
    filler = lambda k: jnp.zeros((), np.float32) if templates[k] is None else jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), templates[k])
    index = (chosen != 0).astype(np.int32) if two else jnp.where((chosen < 0) | (chosen >= len(branches)), len(branches) - 1, chosen).astype(np.int32)
    outs, state, error = lax.switch(index, [one(b, filler) for b in branches], before, error_now)
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
        child.loops = (*tracer.loops, body)
        return child

    def proceed(carry: Any) -> Any:
        values, state, error, _ = carry
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
        values, state, error, turns = carry
        child = inner(state, error)
        if child.stop is not None:
            child.note((raised(child.stop, turns), "interrupted", Stopped), node)
        env = env_of(body, values)
        child.run(body_nodes_, env)
        outs = []
        for i, v in zip(moving, values):
            o = env[body.outputs[i]._id]
            if not carriable(o):
                raise NeedsValue
            o = lifted(o)
            if jax.tree.structure(o) != jax.tree.structure(v) or [x.shape for x in jax.tree.leaves(o)] != [x.shape for x in jax.tree.leaves(v)]:
                raise NeedsValue  # the shape changes from turn to turn
            outs.append(o)
        return tuple(outs), tuple(lifted(child.state[c]) for c in cells), jnp.asarray(child.error), turns + 1

    first = {i: flat[i] for i in moving}
    lists = [i for i in moving if isinstance(flat[i], TensorList) and flat[i].items is not None]
    state_now, error_now = tuple(lifted(tracer.state[c]) for c in cells), jnp.asarray(tracer.error)
    if lists:
        trips = trip_count(cond, body, flat)
        if trips is None:  # a loop that takes an element off a list in every turn ends when the list does
            trips = min((flat[i].capacity for i in moving if isinstance(flat[i], TensorList) and flat[i].items is None and pops(body, i)), default=None)
        capacity = body._extras.get("capacity", START) if trips is None else max(trips, 1)
        examples = _examples(flat, lists, moving, lambda values: inner(state_now, error_now).run(body_nodes_, env_of(body, values)), tracer)
        for i in lists:
            n = len(flat[i].items)
            made = flat[i].as_buffer(n + capacity if grows(body, i) else n, grows(body, i), trips is not None, example=examples.get(i))
            if made is None:
                raise NeedsValue
            first[i] = made
    start = (tuple(lifted(first[i]) for i in moving), state_now, error_now, jnp.int32(0))
    values, state, error, _ = lax.while_loop(proceed, turn, start)
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


def _examples(flat: list[Any], lists: list[int], moving: list[int], run: Any, tracer: Any) -> dict[int, Any]:
    """What the elements of lists look like whose element shape nobody declared: from a trial turn of the body."""
    unclear = [i for i in lists if flat[i].dtype.name == "variant" or flat[i].element_dims is None or None in flat[i].element_dims]
    if not unclear:
        return {}
    probes = {i: Probe() for i in unclear}

    def trial(arrays: Any) -> Any:
        given = iter(arrays)
        values = []
        for i in moving:
            if i in probes:
                values.append(TensorList(flat[i].dtype, flat[i].dims, list(flat[i].items), probe=probes[i]))
            else:
                values.append(flat[i] if i in lists else next(given))
        run(values)
        return {i: p.example for i, p in probes.items() if p.example is not None}

    entries = len(tracer.failures.entries)
    try:
        return dict(jax.eval_shape(trial, [lifted(flat[i]) for i in moving if i not in lists]))
    finally:
        del tracer.failures.entries[entries:]
