"""A plan run: a tree of steps, each a compiled island and the host work behind it.

The first run for new input shapes builds the steps while it runs them; a repeat walks the same tree and runs no Python per
node.  What has been seen only once, or takes other sizes at every turn, is interpreted on the NumPy bodies instead.
"""

import os
import sys
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock.base.errors import ResourceExhaustedError
from penstock.engine.interpret import interpret, runs_on_host, worth_interpreting
from penstock.engine.interrupt import STOP, Stopped, flag, interrupt_held, lower_flag
from penstock.engine.plan import body_nodes, loops_inside, order
from penstock.engine.setup import swap_x64
from penstock.engine.store import Cell, Store, uninitialized
from penstock.engine.v1_control import collapse

SHOW = frozenset(os.environ.get("PENSTOCK_SHOW", "").split(","))
"""What to print while working: `plan`, `compile`, or both."""
ROOTS = 64
"""Sets of input shapes that one plan keeps executables for."""
FRESH = 4
"""Distinct keys at one cut that are compiled at once; later ones only when they come back."""


class Step:
    """One compiled island, the host nodes behind it, and the steps that may follow."""

    __slots__ = ("run", "inputs", "outputs", "donated", "kept", "failures", "known", "host", "keys", "todo", "last", "next", "seen", "assumed", "results",
                 "pure", "nodes", "given", "calls", "shapes")  # fmt: skip

    def __init__(self) -> None:
        self.run: Any = None
        self.inputs: tuple[int, ...] = ()
        self.outputs: tuple[int, ...] = ()
        self.donated: tuple[Cell, ...] = ()
        self.kept: tuple[Cell, ...] = ()
        self.failures: Any = None
        self.known: dict[int, Any] = {}
        self.host: list[Any] = []
        self.keys: list[Any] = []
        self.todo: list[Any] = []
        self.last = True
        self.next: dict[Any, Step] = {}
        self.seen: dict[Any, int] = {}
        self.assumed: dict[Cell, bool] = {}
        self.results: Any = None
        self.pure = False
        self.calls = 0
        self.nodes: list[Any] = []  # what it was built from
        self.given: dict[int, Any] = {}
        self.shapes: tuple[Any, ...] = ()  # of the cells, as it was compiled


def shapes_of(step: Step) -> tuple[Any, ...]:
    """The shapes of the variables that an island takes."""
    return tuple(getattr(c.value, "shape", None) for c in (*step.donated, *step.kept))


class Plan:
    """What runs for one set of fetches and feeds."""

    def __init__(self, store: Store, tensors: Sequence[Any], operations: Sequence[Any], feeds: Sequence[Any], nodes: list[Any] | None = None):
        self.store = store
        self.feeds = tuple(t._id for t in feeds)
        self.feed_tensors = tuple(feeds)
        self.fetches = tuple(t._id for t in tensors)
        fed = set(self.feeds)
        if nodes is None:
            nodes = order([t.op for t in tensors if t._id not in fed] + list(operations), fed)
        nodes = collapse(nodes, fed, set(self.fetches), store)
        self.nodes = nodes
        self.roots: dict[Any, Step] = {}
        self.seen: dict[Any, int] = {}
        self.lock = threading.RLock()
        self.reshaped = 0
        self.eager_first = worth_interpreting(nodes)
        self.stop = flag() if loops_inside(nodes) else None
        self.always_host = bool(nodes) and all(runs_on_host(n) for n in nodes)

    # -- running -----------------------------------------------------------------------------------------------------
    def __call__(self, values: Sequence[Any]) -> list[Any]:
        """Run with a value for each feed; the fetched values, arrays of NumPy or of the device."""
        key = key_of(values)
        step = self.roots.get(key)
        if step is None:
            if self._interpret_now(self.seen, key):
                regs = dict(zip(self.feeds, values))
                interpret(self.nodes, regs, self.store)
                return [regs[f] for f in self.fetches]
            with self.lock:
                step = self.roots.get(key)
                if step is None:
                    step = self._direct(self._build(self.nodes, {}, self._values(values)))
                    if len(self.roots) >= ROOTS:
                        self.roots.pop(next(iter(self.roots)))
                    self.roots[key] = step
        if step.pure:
            before = swap_x64(True)
            try:
                outs = step.run((), (), tuple([values[i] for i in step.inputs]))[0]
            finally:
                swap_x64(before)
            return [outs[r] if type(r) is int else r[0] if r[1] is None else values[r[1]] for r in step.results]
        return self._walk(step, key, values)

    def _values(self, fed: Sequence[Any]) -> dict[int, Any]:
        """The values at hand when a run begins."""
        regs = dict(zip(self.feeds, fed))
        if self.stop is not None:
            regs[STOP] = self.stop
        return regs

    def _interpret_now(self, seen: dict[Any, int], key: Any) -> bool:
        """Is this key better interpreted this time?"""
        if self.always_host:
            return True
        n = seen.get(key, 0) + 1
        if len(seen) > 4096:
            seen.clear()
        seen[key] = n
        if seen is self.seen:
            if self.eager_first and n == 1:
                return True
            return len(seen) > 8 * FRESH and n < 3
        return len(seen) > FRESH and n < 3

    def _walk(self, step: Step, key: Any, values: Sequence[Any]) -> list[Any]:
        regs = self._values(values)
        tree = self.roots
        while True:
            if step.assumed and any((c.value is not None) is not was for c, was in step.assumed.items()):
                tree.pop(key, None)
                with self.lock:
                    step = tree[key] = self._build(step.nodes, step.given, regs)
            if step.run is not None:
                try:
                    self._dispatch(step, regs)
                except Stopped:  # Ctrl-C: its handler has run by now; if it did not raise, the program goes on
                    lower_flag()
                    continue
                except TypeError:  # a variable without a fixed shape has another one now
                    if step.shapes == shapes_of(step):
                        raise
                    tree.pop(key, None)
                    self.reshaped += 1
                    before = {t: v for t, v in regs.items() if t not in step.known}
                    if self.reshaped > FRESH:
                        interpret(step.nodes, regs, self.store)
                        return [regs[f] for f in self.fetches]
                    with self.lock:
                        step = tree[key] = self._build(step.nodes, step.given, before)
                    continue
                except ResourceExhaustedError as e:
                    grow = getattr(e, "grow", None)
                    if grow is None:
                        raise
                    tree.pop(key, None)
                    if not grow():  # no loop carries the list: the host has no limit
                        interpret(step.nodes, regs, self.store)
                        return [regs[f] for f in self.fetches]
                    before = {t: v for t, v in regs.items() if t not in step.known}
                    with self.lock:
                        step = tree[key] = self._build(step.nodes, step.given, before)
                    continue
            elif (step.kept or step.donated) and step.shapes != shapes_of(step):  # all is known, and part of it was such a shape
                tree.pop(key, None)
                with self.lock:
                    step = tree[key] = self._build(step.nodes, step.given, regs)
            regs.update(step.known)
            if step.host:
                interpret(step.host, regs, self.store)
            if step.last:
                return [regs[f] for f in self.fetches]
            key = self._cut_key(step, regs)
            following = step.next.get(key)
            if following is None:
                if self._interpret_now(step.seen, key):
                    interpret(step.todo, regs, self.store)
                    return [regs[f] for f in self.fetches]
                with self.lock:
                    following = step.next.get(key)
                    if following is None:
                        known = {**step.given, **step.known}
                        for t in step.keys:
                            known[t] = regs[t] = np.asarray(regs[t])
                        following = self._build(step.todo, known, regs)
                        if len(step.next) >= ROOTS:
                            step.next.pop(next(iter(step.next)))
                        step.next[key] = following
            tree, step = step.next, following

    def _cut_key(self, step: Step, regs: dict[int, Any]) -> Any:
        parts: list[Any] = []
        for n in step.host:
            for t in n.outputs:
                parts.append(signature_of(regs[t._id]))
        for t in step.keys:
            v = np.asarray(regs[t])
            regs[t] = v
            parts.append((v.shape, v.tobytes()))
        return tuple(parts)

    def _dispatch(self, step: Step, regs: dict[int, Any]) -> None:
        """Run the island: take the cells' values, run, put the new ones back, all under the store's lock."""
        inputs = tuple([regs[i] for i in step.inputs])
        done: list[Any] = []
        if step.donated or step.kept:
            with self.store.lock:
                before = tuple([c.value for c in step.donated])
                kept = tuple([c.value for c in step.kept])
                for c, v in zip((*step.donated, *step.kept), (*before, *kept)):
                    if v is None:
                        raise uninitialized(c)
                try:
                    self._execute(step, done, before, kept, inputs)
                finally:  # an interrupt comes after the run, which has consumed the old values
                    if done:
                        for c, v in zip(step.donated, done[0][1]):
                            c.value = v
        else:
            self._execute(step, done, (), (), inputs)
        outs, wrote, error = done[0]
        if error is not None:
            code = int(np.asarray(error))  # waiting here also lets the caller overwrite what was fed
            if code:
                step.failures.raise_if(code)
        if step.failures.fresh:
            with self.store.lock:
                for c, v in zip(step.failures.fresh, wrote[len(step.donated) :]):
                    c.value = v
        regs.update(zip(step.outputs, outs))

    def _execute(self, step: Step, done: list[Any], *arguments: Any) -> None:
        """Append what the executable returns to `done`, with no moment at which an interrupt could lose it."""
        before = swap_x64(True)
        try:
            if step.calls > 1 and self.stop is None:
                done.extend(map(step.run, *[(a,) for a in arguments]))  # one call of C code
            else:
                with interrupt_held():  # JAX calls from Python what it has not seen: the first variables are NumPy's, then its own
                    done.append(step.run(*arguments))
                step.calls += 1
        finally:
            swap_x64(before)

    # -- building ----------------------------------------------------------------------------------------------------
    def _build(self, todo: list[Any], known: dict[int, Any], regs: dict[int, Any]) -> Step:
        from penstock.engine.island import build_island

        needed = set(self.fetches)
        step = build_island(self.store, todo, known, regs, needed)
        step.nodes, step.given, step.shapes = todo, known, shapes_of(step)
        if "plan" in SHOW:
            print(f"penstock: {describe(step)}", file=sys.stderr)
        return step

    def _direct(self, step: Step) -> Step:
        """The first step, made ready to be called without a walk when it is the only one and touches no state."""
        if step.last and not step.host and not step.assumed and step.run is not None and not step.donated and not step.kept and not step.failures.fresh \
                and not step.failures.entries:  # fmt: skip
            slots = {t: i for i, t in enumerate(self.feeds)}
            if all(i in slots for i in step.inputs):
                at = {t: i for i, t in enumerate(step.outputs)}
                results: list[Any] = []
                for f in self.fetches:
                    if f in at:
                        results.append(at[f])
                    elif f in step.known:
                        results.append((step.known[f], None))
                    elif f in slots:
                        results.append((None, slots[f]))
                    else:
                        return step
                step.results, step.inputs, step.pure = results, tuple(slots[i] for i in step.inputs), True
        return step


def describe(step: Step) -> str:
    """One line on a step: what is compiled, what the host does, what waits."""
    compiled = len(step.nodes) - len(step.host) - len(step.todo)
    state = f", {len(step.donated)} variables written, {len(step.kept)} read" if step.donated or step.kept else ""
    host = ", ".join(f"{n.name} ({n.type})" for n in step.host[:6]) + (", ..." if len(step.host) > 6 else "")
    return f"island of {compiled} nodes{state}; host: {host or 'nothing'}; {len(step.todo)} nodes wait" + (f" for {len(step.keys)} values" if step.keys else "")


def signature_of(value: Any) -> Any:
    """What an executable depends on in a value: shape and dtype of an array, identity of a handle."""
    shape = getattr(value, "shape", None)
    if shape is not None and hasattr(value, "dtype"):
        return shape, value.dtype.char if value.dtype.kind != "V" else value.dtype.name
    if hasattr(value, "signature"):
        return value.signature()
    return id(value)


def key_of(values: Sequence[Any]) -> Any:
    return tuple([signature_of(v) for v in values])


def function_plan(graph: Any, store: Store) -> Plan:
    """The plan that runs a function's body in a store."""
    plans = graph._extras.setdefault("plans", {})
    mark = (id(store), graph._version, tuple(t._id for t in graph.outputs))
    found = plans.get(mark)
    if found is None:
        if len(plans) > 16:
            plans.clear()
        found = plans[mark] = Plan(store, graph.outputs, (), graph.inputs, body_nodes(graph))
    return found

