"""One island: the nodes that can be traced together now, compiled; and what has to wait for the host."""

from typing import Any

import numpy as np
from jax import numpy as jnp

from penstock.engine.compile import aval, executable
from penstock.engine.interpret import runs_on_host
from penstock.engine.interrupt import STOP
from penstock.engine.lower import Failures, NeedsValue, Tracer, is_known, is_traced, static_positions
from penstock.engine.plan import body_nodes, loops_inside, subgraphs
from penstock.engine.run import Step
from penstock.engine.store import Cell, NodeStore, Store
from penstock.engine.streams import stream_cell
from penstock.ir.known import flatten_outputs, group
from penstock.ir.tensor_list import TensorList


def build_island(store: Store, todo: list[Any], known: dict[int, Any], regs: dict[int, Any], fetched: set[int]) -> Step:
    """Trace and compile what of `todo` is ready; `regs` are the values at hand, `known` those that may be built in."""
    step = Step()
    fixed = {t: v for t, v in regs.items() if t not in known and not traceable(v)}  # handles and the like are part of the build
    opaque = {t for t, v in fixed.items() if isinstance(v, np.ndarray) or hasattr(v, "runtime_only")}
    base = {**{t: v for t, v in fixed.items() if t not in opaque}, **known}
    used = {t._id for n in todo for t in n._inputs} | fetched
    if loops_inside(todo):
        used.add(STOP)
    inputs = tuple(t for t in regs if t in used and t not in base and t not in opaque)
    handles = resolve_handles(store, todo, base)
    reads, writes = touched(store, todo, handles)
    donated = tuple(c for c in writes if c.value is not None and c.dtype.on_device)  # strings stay on the host
    kept = tuple(c for c in reads if c.value is not None and c not in writes and c.dtype.on_device)
    failures = Failures()
    found: dict[str, Any] = {}

    def trace(before: Any, after: Any, values: Any) -> Any:
        failures.entries.clear()
        tracer = Tracer(store, failures)
        tracer.state = dict(zip((*donated, *kept), (*before, *after)))
        start = dict(tracer.state)
        env: dict[int, Any] = {**base, **dict(zip(inputs, values))}
        tracer.stop = env.get(STOP)
        waiting: list[Any] = []
        late: set[Any] = set()
        blocked: set[Any] = set()
        for node in todo:
            resources = resources_of(node, env)
            if (any(t._id not in env for t in node._inputs) or any(c in late for c in node._control) or not blocked.isdisjoint(resources)):
                ready = False
            else:
                mark = (dict(tracer.state), tracer.error, len(failures.entries))
                try:
                    tracer.run_node(node, env)
                    ready = True
                except NeedsValue:
                    tracer.state, tracer.error = mark[0], mark[1]
                    del failures.entries[mark[2] :]
                    ready = False
            if not ready:
                waiting.append(node)
                late.add(node)
                blocked.update(resources)
        wanted = {t._id for n in waiting for t in n._inputs} | fetched
        have = [t for t in dict.fromkeys(wanted) if t in env and t not in regs]
        found.update(
            waiting=waiting,
            known={t: env[t] for t in have if not is_live(env[t])},
            outputs=[t for t in have if is_live(env[t])],
            fresh=[c for c in tracer.state if c not in start],
            assumed=tracer.assumed,
        )
        wrote = [tracer.state[c] for c in donated]
        if failures.entries:  # a failed island writes the old values back
            bad = tracer.error != 0
            wrote = [w if w is start[c] or w.shape != start[c].shape else jnp.where(bad, start[c], w) for c, w in zip(donated, wrote)]
        error = jnp.asarray(tracer.error) if failures.entries else jnp.zeros((), jnp.int32) if wrote or found["fresh"] else None
        return [env[t] for t in found["outputs"]], [*wrote, *[jnp.asarray(tracer.state[c]) for c in found["fresh"]]], error

    arguments = (tuple(aval(c.value) for c in donated), tuple(aval(c.value) for c in kept), tuple(aval(regs[t]) for t in inputs))
    name = todo[-1].name if todo else "nothing"
    exe = executable(trace, arguments, (0,) if donated else (), f"island of {len(todo)} nodes up to {name}", "island")
    step.inputs, step.outputs, step.donated, step.kept = inputs, tuple(found["outputs"]), donated, kept
    step.failures, step.assumed = failures, found["assumed"]
    failures.fresh = tuple(found["fresh"])
    step.known = found["known"]
    if found["outputs"] or donated or found["fresh"] or failures.entries:
        step.run = exe
    step.todo, step.last = found["waiting"], not found["waiting"]
    if not step.last:
        plan_host_work(step, {*regs, *base, *step.outputs, *step.known}, {*known, *step.known})
    return step


def plan_host_work(step: Step, have: set[int], known: set[int]) -> None:
    """Which waiting nodes the host can run now, and whose values the next island has to know."""
    host, rest, done = [], [], set()
    stuck: set[Any] = set()
    acts = False  # does a node that waits change anything?
    tried = set(have)  # what the trace had: a plain node that waits although it had all of this needs the host
    for node in step.todo:
        ready = all(t._id in have for t in node._inputs) and not any(c in stuck for c in node._control)
        alike = ready and not runs_on_host(node) and _needs_host(node, tried, known)
        effect = node.definition.effect
        if ready and (alike or runs_on_host(node)) and not (effect and stuck and (effect != "read" or acts)):
            host.append(node)
            done.add(node)
            have.update(t._id for t in node.outputs)
        else:
            rest.append(node)
            stuck.add(node)
            acts = acts or effect not in (None, "read") or node.definition.where == "control"
    keys: list[int] = []
    first = next((n for n in rest if all(t._id in have for t in n._inputs)), None)
    for node in rest:
        for i in static_positions(node.definition, node.attrs) if node.definition.static_at else ():
            t = node._inputs[i]._id
            if t in have and t not in known and t not in keys:
                keys.append(t)
    if not host and not keys and first is not None:  # neither traceable nor host work by its op: run it on the host all the same
        host.append(first)
        rest.remove(first)
    step.host, step.keys, step.todo = host, keys, rest
    step.last = not rest


def _needs_host(node: Any, tried: set[int], known: set[int]) -> bool:
    """Is it a node without effects that no island can trace: one of strings, or one whose result has a size that depends on values?"""
    op = node.definition
    if op.effect or op.where == "control" or any(t.dtype.base_dtype.group == "" and t.dtype.name != "string" or t.dtype.is_ref for t in node._inputs):
        return False
    if any(t.dtype.name == "string" for t in (*node._inputs, *node.outputs)) or op.name in ("Where", "Unique", "UniqueV2"):
        return True
    values = static_positions(op, node.attrs) if op.static_at else ()
    return all(t._id in tried for t in node._inputs) and all(node._inputs[i]._id in known for i in values)


def is_live(value: Any) -> bool:
    """Is it (or does it hold) something traced?"""
    return is_traced(value) or (hasattr(value, "is_live") and value.is_live())


def traceable(value: Any) -> bool:
    """Can it be an argument of an executable?"""
    if isinstance(value, np.ndarray):
        return value.dtype != object
    if type(value) is TensorList and value.dtype.name == "string":
        return False
    return hasattr(value, "aval") or hasattr(value, "is_live") and not hasattr(value, "runtime_only")


def resources_of(node: Any, env: dict[int, Any]) -> set[Any]:
    """What a node's effects are on: its handles, or the outside world; an op without effects reads the references among its inputs."""
    found: set[Any] = {id(env[t._id]) for t in node._inputs if type(env.get(t._id)) is Cell}
    if node.definition.effect is None and node.definition.where != "control":
        return found
    found |= {id(env[t._id]) for t in node._inputs if t._id in env and t.dtype.base_dtype.group == "" and not is_known(env[t._id])}
    if node.definition.effect == "io" and not found:
        found.add("world")
    return found


def resolve_handles(store: Store, nodes: list[Any], base: dict[int, Any]) -> dict[int, Any]:
    """The handles among the values: which cell or resource each tensor of a handle type is."""
    handles = {t: v for t, v in base.items() if not is_known(v)}
    for node in nodes:
        op = node.definition
        if op.effect == "handle" and all(t._id in handles for t in node._inputs):
            args = group(op, [handles[t._id] for t in node._inputs], node.attrs)
            outs = flatten_outputs(op, op.body(np, NodeStore(store, node.name), *args, **{k: node.attrs[k] for k in op.takes}))
            handles.update((t._id, v) for t, v in zip(node.outputs, outs))
        elif op.name in ("Identity", "RefIdentity") and node._inputs[0]._id in handles and node.outputs[0].dtype.group == "":
            handles[node.outputs[0]._id] = handles[node._inputs[0]._id]
        elif op.effect == "write" and node.outputs and node.outputs[0].dtype.is_ref and node._inputs[0]._id in handles:
            handles[node.outputs[0]._id] = handles[node._inputs[0]._id]
    return handles


def touched(store: Store, nodes: list[Any], handles: dict[int, Any]) -> tuple[dict[Cell, None], dict[Cell, None]]:
    """The cells that the nodes may read, and those that they may write, inside branches and loops too."""
    reads: dict[Cell, None] = {}
    writes: dict[Cell, None] = {}
    for node in nodes:
        op = node.definition
        if op.effect == "random":
            cell = stream_cell(store, node)
            writes[cell] = reads[cell] = None
            for t in node._inputs:
                held = handles.get(t._id)
                if type(held) is Cell:
                    writes[held] = reads[held] = None
            continue
        if op.where == "control":
            for inner in subgraphs(node):
                bound = {p._id: handles[t._id] for p, t in zip(inner.inputs, arguments_of(node)) if t._id in handles}
                nodes_inside = body_nodes(inner)
                inner_handles = resolve_handles(store, nodes_inside, bound)
                r, w = touched(store, nodes_inside, inner_handles)
                reads.update(r)
                writes.update(w)
            continue
        for t in node._inputs:
            held = handles.get(t._id)
            if type(held) is Cell:
                reads[held] = None
                if op.effect == "write":
                    writes[held] = None
    return reads, writes


def arguments_of(node: Any) -> Any:
    """The inputs of a control node that its bodies take."""
    return node._inputs[1:] if node.definition.name in ("If", "StatelessIf", "Case", "StatelessCase") else node._inputs


