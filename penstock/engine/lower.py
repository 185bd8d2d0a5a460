"""Nodes -> traced values: the walk over a graph with an environment of known and traced values."""

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
from jax import lax, numpy as jnp

from penstock.base.errors import InvalidArgumentError, OpError
from penstock.engine.interpret import takes_handle
from penstock.engine.interrupt import Stopped
from penstock.engine.kernels import MISFITS, Holder
from penstock.engine.quiet import hush, unhush
from penstock.engine.store import Cell, NodeStore, Store, uninitialized
from penstock.engine.streams import stream_cell
from penstock.ir import tracing
from penstock.ir.known import flatten_outputs, group, partly_known
from penstock.ir.tensor_list import START, ListOverflow, TensorList

DEPTH = 12
"""Length of an elementwise chain after which XLA's fusion is stopped: its time grows explosively with the depth."""


class NeedsValue(Exception):
    """A node asks for the value of something that is only traced: the island ends before it."""


def is_known(value: Any) -> bool:
    return isinstance(value, (np.ndarray, np.generic))


def is_traced(value: Any) -> bool:
    return isinstance(value, jax.core.Tracer | jax.Array)


class Failures:
    """What can go wrong inside one island: an int32 code travels through it, 0 is well."""

    def __init__(self) -> None:
        self.entries: list[tuple[Any, str, type[OpError] | type[Stopped]]] = []
        self.loops: dict[int, tuple[Any, ...]] = {}  # code of a list that outgrew its buffer -> the loops that carry it
        self.fresh: tuple[Cell, ...] = ()  # cells that the island gives their first value

    def raise_if(self, code: int) -> None:
        if code > 0:
            node, message, cls = self.entries[code - 1]
            if cls is ListOverflow:
                loops = self.loops[code]
                overflow = ListOverflow(None, node, message)
                overflow.grow = lambda: [make_room(body) for body in loops]
                raise overflow
            if cls is Stopped:
                raise Stopped
            where = "" if node is None else f"\n  at node {node.name!r}, made at {node.line}"
            raise cls(None if node is None else node, node, message + where)


def make_room(body: Any) -> None:
    """Let the lists that a loop carries be four times as long from now on."""
    body._extras["capacity"] = 4 * body._extras.get("capacity", START)


class View:
    """A cell as the bodies see it under a trace: reads and writes are functional."""

    __slots__ = ("cell", "tracer")

    def __init__(self, cell: Cell, tracer: "Tracer"):
        self.cell, self.tracer = cell, tracer

    dtype = property(lambda s: s.cell.dtype)
    dims = property(lambda s: s.cell.dims)
    name = property(lambda s: s.cell.name)

    @property
    def initialized(self) -> bool:
        known = self.cell in self.tracer.state or not self.cell.dtype.on_device and self.cell.value is not None
        self.tracer.assumed[self.cell] = self.cell.value is not None
        return known

    def read(self) -> Any:
        value = self.tracer.state.get(self.cell)
        if value is None:
            if not self.cell.dtype.on_device and self.cell.value is not None:
                raise NeedsValue  # strings are the host's
            raise uninitialized(self.cell)
        return value

    def write(self, value: Any) -> None:
        if not self.cell.dtype.on_device:
            raise NeedsValue
        if is_known(value):
            value = jnp.asarray(value)
        self.tracer.state[self.cell] = value

    def clear(self) -> None:
        raise NeedsValue


class Tracer:
    """One trace: the current value of every cell, the error code, the depth of elementwise chains."""

    def __init__(self, store: Store | None, failures: Failures):
        self.store, self.failures = store, failures
        self.state: dict[Cell, Any] = {}
        self.error: Any = np.int32(0)
        self.depth: dict[int, int] = {}
        self.assumed: dict[Cell, bool] = {}
        self.loops: tuple[Any, ...] = ()  # the bodies of the compiled loops around
        self.stop: Any = None  # the flag that ends loops early

    def child(self) -> "Tracer":
        """A tracer for the inside of a branch or a loop."""
        inner = Tracer(self.store, self.failures)
        inner.state, inner.error, inner.assumed, inner.loops, inner.stop = dict(self.state), self.error, self.assumed, self.loops, self.stop
        return inner

    def view(self, value: Any) -> Any:
        return View(value, self) if isinstance(value, Cell) else value

    def note(self, verdict: tuple[Any, ...], node: Any) -> None:
        """Remember what a check found."""
        bad, message, cls = verdict if len(verdict) > 2 else (*verdict, InvalidArgumentError)
        if is_known(bad) or isinstance(bad, bool):
            if not bool(bad):
                return
        self.failures.entries.append((node, f"{node.type}: {message}" if node is not None else message, cls))
        if cls is ListOverflow:
            self.failures.loops[len(self.failures.entries)] = self.loops
        code = len(self.failures.entries)
        self.error = jnp.where((self.error == 0) & jnp.asarray(bad), jnp.int32(code), self.error)

    def stream(self, node: Any) -> Cell:
        """The cell that holds a random node's position in its stream."""
        assert self.store is not None
        return stream_cell(self.store, node)

    def run(self, nodes: Sequence[Any], env: dict[int, Any]) -> None:
        """Run nodes in order; NeedsValue where one cannot be traced."""
        for node in nodes:
            self.run_node(node, env)

    def run_node(self, node: Any, env: dict[int, Any]) -> None:
        op = node.definition
        flat = [env[t._id] for t in node._inputs]
        if op.where == "control":
            from penstock.engine.control import lower_control

            outs = lower_control(self, node, flat)
        else:
            outs = self.compute(node, op, flat)
        for t, v in zip(node.outputs, outs):
            env[t._id] = v

    def compute(self, node: Any, op: Any, flat: list[Any]) -> list[Any]:
        attrs = node.attrs
        if op.effect == "handle":
            assert self.store is not None
            args = group(op, flat, attrs)
            return flatten_outputs(op, op.body(np, NodeStore(self.store, node.name), *args, **{k: attrs[k] for k in op.takes}))
        known = True
        for v in flat:
            if not isinstance(v, (np.ndarray, np.generic)):
                known = False
                break
        if op.where == "host":
            if not known or op.effect is not None:
                raise NeedsValue
        if op.static_at:
            for i in static_positions(op, attrs):
                if not is_known(flat[i]):
                    raise NeedsValue
        if op.effect is None and known and op.where != "xla":
            xp: Any = np
        else:
            xp = jnp
            for v in flat if node.outputs else ():  # an op without outputs (Assert) only shows its strings
                if isinstance(v, np.ndarray) and v.dtype == object or type(v) is TensorList and v.dtype.name == "string":
                    raise NeedsValue
        kwargs = {k: attrs[k] for k in op.takes}
        if op.hints and not known:
            kwargs["hints"] = [partly_known(t) if t.dtype.is_integer else None for t in node._inputs]
        lead: tuple[Any, ...] = ()
        if op.effect == "random":
            lead = (View(self.stream(node), self),)
        if any(type(v) is Cell for v in flat):
            flat = [v if type(v) is not Cell else View(v, self) if takes_handle(op, node, i) else View(v, self).read() for i, v in enumerate(flat)]
            xp = jnp
        args = group(op, flat, attrs)
        tracing.state.in_loop = bool(self.loops)
        token = hush() if xp is np else None
        try:
            if op.check_rule is not None:
                self.note(op.check_rule(xp, *args, **attrs), node)
            outs = flatten_outputs(op, op.body(xp, *lead, *args, **kwargs))
        except OpError as e:
            raise locate(e, node) from None
        except jax.errors.ConcretizationTypeError:
            raise NeedsValue from None
        except MISFITS as e:
            raise diagnose(e, node, flat) from e
        finally:
            if token is not None:
                unhush(token)
        return self.settle(node, outs, flat)

    def settle(self, node: Any, outs: list[Any], flat: list[Any]) -> list[Any]:
        """Outputs with their declared dtypes; a barrier where an elementwise chain got too deep."""
        settled = []
        for t, v in zip(node.outputs, outs):
            want = t.dtype
            if want.group == "":
                settled.append(v.cell if type(v) is View else np.asarray(v, object) if type(v) is bytes else v)
                continue
            if type(v) is View:
                settled.append(v.cell)
                continue
            if isinstance(v, (np.ndarray, np.generic)):
                settled.append(v if v.dtype == want.array_dtype and type(v) is np.ndarray else np.asarray(v, want.array_dtype))
                continue
            if not hasattr(v, "dtype"):
                settled.append(np.asarray(v, want.array_dtype) if isinstance(v, (bool, int, float, complex)) else v)
                continue
            if v.dtype != want.array_dtype:
                v = v.astype(want.array_dtype)
            depth = 0
            for i, x in zip(node._inputs, flat):
                if getattr(x, "shape", None) == v.shape:
                    d = self.depth.get(i._id, 0) + 1
                    depth = d if d > depth else depth
            if depth >= DEPTH and not self.loops:  # XLA:CPU cannot emit a barrier inside a loop's body
                v = lax.optimization_barrier(v)
                depth = 0
            self.depth[t._id] = depth
            settled.append(v)
        return settled


def static_positions(op: Any, attrs: dict[str, Any]) -> Any:
    """The flat positions of the inputs whose value the op needs."""
    if not op.lists:
        return op.static_at
    positions, i = [], 0
    for at, a in enumerate(op.sig.inputs):
        n = (attrs[a.number] if a.number else len(attrs[a.type])) if a.many else 1
        if at in op.static_at:
            positions.extend(range(i, i + n))
        i += n
    return positions


def locate(error: OpError, node: Any) -> OpError:
    """The error, saying which node it belongs to."""
    if error._op is not None:
        return error
    operands = "".join(f"\n  {t.describe()}" for t in node._inputs[:8] if hasattr(t, "describe"))
    return type(error)(None, node, f"{node.type}: {error.message}\n  at node {node.name!r}, made at {node.line}{operands}")


def diagnose(error: Exception, node: Any, flat: list[Any]) -> Exception:
    """TensorFlow's error for a failure inside a body under a trace."""
    from penstock.ir.graph import label
    from penstock.ir.tensor import Spec

    op = node.definition
    if op.shape_rule is not None and not op.lists:
        specs = [Spec(a.name, t.dtype, label(tuple(v.shape), a.name) if hasattr(v, "shape") else None, Holder(v) if is_known(v) else None)
                 for a, t, v in zip(op.sig.inputs, node._inputs, flat)]  # fmt: skip
        try:
            op.shape_rule(*specs, **node.attrs)
        except OpError as e:
            return locate(e, node)
        except Exception:  # noqa: BLE001 - the body's own error is the better one
            pass
    shapes = ", ".join(f"{v.dtype}{list(v.shape)}" if hasattr(v, "shape") else type(v).__name__ for v in flat)
    return locate(InvalidArgumentError(None, None, f"{str(error).splitlines()[0] if str(error) else type(error).__name__} (operands: {shapes})"), node)
