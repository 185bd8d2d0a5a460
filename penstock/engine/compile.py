"""Traced functions -> XLA executables, and what `PENSTOCK_SHOW=compile` prints of them."""

import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jax import numpy as jnp

from penstock.engine.lower import Failures, Tracer, is_traced, static_positions
from penstock.engine.run import SHOW
from penstock.engine.setup import OPTIONS, swap_x64
from penstock.engine.store import Cell
from penstock.ir.known import flatten_outputs, group, output_types

counts = {"compile": 0, "island": 0, "kernel": 0}
"""How many executables this process has built: asserted in tests, shown to users."""


def executable(function: Callable[..., Any], arguments: tuple[Any, ...], donate: tuple[int, ...], what: str, kind: str) -> Any:
    """Trace `function` once for arguments like these and compile it."""
    started = time.perf_counter()
    before = swap_x64(True)
    try:
        with warnings.catch_warnings():  # a variable that changes its shape cannot be updated in place, and need not
            warnings.filterwarnings("ignore", "Some donated buffers were not usable")
            lowered = jax.jit(function, donate_argnums=donate).lower(*arguments)
        traced = time.perf_counter()
        made = lowered.compile(compiler_options=OPTIONS)
    finally:
        swap_x64(before)
    counts["compile"] += 1
    counts[kind] += 1
    if "compile" in SHOW:
        done = time.perf_counter()
        print(f"penstock: compiled {what}: trace {1e3 * (traced - started):.0f} ms, compile {1e3 * (done - traced):.0f} ms", file=sys.stderr)
    return _entry(made)


def _entry(made: Any) -> Any:
    """The C++ entry of a compiled function: nothing of Python stands between it and its caller."""
    return made._executable.create_cpp_call(made._params) or made


def aval(value: Any) -> Any:
    """The abstract value of an argument (a pytree of them for lists)."""
    if isinstance(value, (np.ndarray, np.generic)) or hasattr(value, "aval"):
        return jax.ShapeDtypeStruct(value.shape, value.dtype)
    return jax.tree.map(aval, value)


def eager_kernel(op: Any, attrs: dict[str, Any], lead: tuple[Any, ...]) -> Callable[..., list[Any]]:
    """One op compiled by itself, once for each set of input shapes (and values of its static inputs)."""
    kwargs = {k: attrs[k] for k in op.takes}
    types = [t.array_dtype for t in output_types(op, attrs)]
    cache: dict[Any, Any] = {}
    static = frozenset(static_positions(op, attrs))

    def run(*arrays: Any) -> list[Any]:
        key: list[Any] = []
        dynamic: list[Any] = []
        cells: list[Cell] = [c for c in lead if isinstance(c, Cell)]
        plain = list(arrays)
        for i, a in enumerate(arrays):
            if isinstance(a, Cell):
                cells.append(a)
                key.append(None if a.value is None else (a.value.shape, a.value.dtype))
            elif i in static:
                plain[i] = a = np.asarray(a)
                key.append((a.shape, a.tobytes()))
            elif hasattr(a, "dtype") and a.dtype != object:
                key.append((a.shape, a.dtype.num))
                dynamic.append(a)
            else:
                key.append(id(a))
        frozen = tuple(key)
        made = cache.get(frozen)
        state = [c.value for c in cells]
        if made is None:
            failures = Failures()

            def traced(state: Any, values: Any) -> Any:
                tracer = Tracer(None, failures)
                tracer.state = {c: v for c, v in zip(cells, state) if v is not None}
                given = iter(values)
                flat = [tracer.view(a) if isinstance(a, Cell) else a if i in static or not (hasattr(a, "dtype") and a.dtype != object) else next(given)
                        for i, a in enumerate(plain)]  # fmt: skip
                args = group(op, flat, attrs)
                if op.check_rule is not None:
                    tracer.note(op.check_rule(jnp, *args, **attrs), None)
                outs = flatten_outputs(op, op.body(jnp, *[tracer.view(c) for c in lead], *args, **kwargs))
                outs = [o if not is_traced(o) and not isinstance(o, np.ndarray) else jnp.asarray(o, t) for o, t in zip(outs, types)]
                return outs, [tracer.state.get(c) for c in cells], tracer.error

            exe = executable(traced, (state, dynamic), (), f"kernel {op.name}", "kernel")
            if len(cache) > 512:
                cache.pop(next(iter(cache)))
            made = cache[frozen] = (exe, failures)
        exe, failures = made
        before = swap_x64(True)
        try:
            outs, wrote, error = exe(state, dynamic)
        finally:
            swap_x64(before)
        if failures.entries:
            failures.raise_if(int(np.asarray(error)))
        for c, v in zip(cells, wrote):
            c.value = v
        return outs

    return run
