"""A traced function as one straight Python function over NumPy arrays.

Nodes whose inputs are constants are computed once; calls of other functions are put in their place; every other node becomes
a line of source.  The text is compiled once for a graph, and bound for each iterator to what belongs to it: the kernels of
random ops, of ops with state, of control flow.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from penstock.base.errors import OpError
from penstock.engine import kernels
from penstock.engine.interpret import takes_handle
from penstock.engine.plan import body_nodes
from penstock.engine.quiet import hush, unhush
from penstock.engine.store import Cell
from penstock.ir.known import output_types
from penstock.ir.tensor_list import TensorList

CALLS = frozenset({"PartitionedCall", "StatefulPartitionedCall"})
FOLDED = 1 << 20
"""Elements up to which constants are computed ahead."""
ndarray = np.ndarray


def fixed(out: Any, want: Any) -> Any:
    """What a body gave, as an array of the declared dtype."""
    if type(out) is Cell:
        return out
    out = np.asarray(out)
    return out if out.dtype == want else out.astype(want)


def near(outs: list[Any]) -> list[Any]:
    """Arrays on the host."""
    return [np.asarray(v) if type(v) is not ndarray and hasattr(v, "devices") else v for v in outs]


def as_items(value: Any) -> Any:
    return value.as_items() if isinstance(value, TensorList) else value


class Program:
    """The source of one graph, compiled."""

    def __init__(self, graph: Any):
        self.lines: list[str] = []
        self.names: dict[str, Any] = {"np": np, "ndarray": ndarray, "fixed": fixed, "hush": hush, "unhush": unhush, "as_items": as_items, "located": self.located, "Cell": Cell}
        self.bound: list[Any] = []  # nodes whose kernels belong to an iterator
        self.nodes: list[Any] = []  # by step
        self.inputs: list[list[str]] = []  # by step: the names of its operands
        self.known: dict[str, Any] = {}
        self.count = 0
        parameters = [self._new() for _ in graph.inputs]
        places = {t._id: n for t, n in zip(graph.inputs, parameters)}
        self._add(graph, places)
        results = ", ".join(places[t._id] for t in graph.outputs)
        body = self.lines or ["pass"]
        text = ["def make(E):"]
        text += [f"    {n} = E[{i}]" for i, n in enumerate(f"e{i}" for i in range(len(self.bound)))]
        text += [f"    def program({', '.join(parameters)}):", "        s = 0", "        token = hush()", "        try:"]
        text += [f"            {line}" for line in body]
        text += [f"            return [{results}]", "        except Exception as error:", "            raise located(error, s, locals()) from error.__cause__",
                 "        finally:", "            unhush(token)", "    return program"]  # fmt: skip
        self.names.update(self.known)
        exec(compile("\n".join(text), f"<{getattr(graph, 'name', 'function')}>", "exec"), self.names)  # noqa: S102 - the text is our own
        self.make: Callable[[list[Any]], Callable[..., list[Any]]] = self.names["make"]
        self.steps = self.nodes

    def _new(self) -> str:
        self.count += 1
        return f"v{self.count}"

    def _add(self, graph: Any, places: dict[int, str]) -> None:
        for node in body_nodes(graph):
            if node.type in CALLS:
                inner = node.attrs["f"]
                own = {p._id: places[t._id] for p, t in zip(inner.inputs, node._inputs)}
                self._add(inner, own)
                for t, o in zip(node.outputs, inner.outputs):
                    places[t._id] = own[o._id]
                continue
            operands = [places[t._id] for t in node._inputs]
            outputs = []
            for t in node.outputs:
                places[t._id] = self._new()
                outputs.append(places[t._id])
            if not self._fold(node, operands, outputs):
                self._line(node, operands, outputs)

    def _fold(self, node: Any, operands: list[str], outputs: list[str]) -> bool:
        """Compute a node now whose operands are known."""
        op = node.definition
        if op.effect is not None or op.where == "control" or op.needs_store or not outputs or not all(o in self.known for o in operands):
            return False
        if any(t.dtype.name in ("variant", "resource") for t in node.outputs):
            return False
        try:
            found = near(kernels.build_with(op, node.attrs, (), near=True)(*[self.known[o] for o in operands]))
        except Exception:  # noqa: BLE001 - the error belongs to the run
            return False
        if sum(getattr(v, "size", 1) for v in found) > FOLDED and node.type != "Const":
            return False
        self.known.update(zip(outputs, found))
        return True

    def _line(self, node: Any, operands: list[str], outputs: list[str]) -> None:
        """The source of one node."""
        op, step = node.definition, len(self.nodes)
        self.nodes.append(node)
        self.inputs.append(operands)
        arguments = list(operands)
        for i, t in enumerate(node._inputs):
            if t.dtype.name == "variant":
                arguments[i] = f"as_items({operands[i]})"
            elif t.dtype.is_ref and not takes_handle(op, node, i):
                arguments[i] = f"({operands[i]}.read() if type({operands[i]}) is Cell else {operands[i]})"
        self.lines.append(f"s = {step}")
        own = op.where == "control" or op.effect in ("handle", "random") or op.needs_store
        simple = not own and op.effect is None and op.where in ("any", "host") and op.check_rule is None and op.plain and not op.hints
        if simple:
            self.names[f"b{step}"] = op.body
            kwargs = {k: node.attrs[k] for k in op.takes}
            self.names[f"k{step}"] = kwargs
            given = ", ".join(["np", *arguments]) + (f", **k{step}" if kwargs else "")
            out = outputs[0]
            self.lines.append(f"{out} = b{step}({given})")
            want = output_types(op, node.attrs)[0]
            if want.on_device:
                self.names[f"w{step}"] = want.array_dtype
                self.lines.append(f"if type({out}) is not ndarray or {out}.dtype is not w{step}: {out} = fixed({out}, w{step})")
            return
        if own:
            call = f"e{len(self.bound)}"
            self.bound.append(node)
        else:
            call = f"f{step}"
            self.names[call] = _shared_kernel(node)
        left = "".join(f"{o}, " for o in outputs)
        self.lines.append(f"{left + '= ' if outputs else ''}{call}({', '.join(arguments)})")

    def located(self, error: Exception, step: int, values: dict[str, Any]) -> Exception:
        """The error of a step, saying which node it belongs to."""
        if not self.nodes:
            return error
        node = self.nodes[step]
        op = node.definition
        arrays = [values.get(n, self.known.get(n)) for n in self.inputs[step]]
        if isinstance(error, OpError):
            if error._op is not None:
                return error
            if not op.lists:
                error = kernels.explain_arrays(op, error, arrays)
        elif isinstance(error, (ValueError, TypeError, IndexError)) and op.where != "host" and op.where != "control":
            error = kernels.diagnose(op, error, arrays, node.attrs)
        if not isinstance(error, OpError):
            return error
        return placed(error, node)


def placed(error: OpError, node: Any) -> OpError:
    """The error, saying where in the program its node was made."""
    if error._op is not None:
        return error
    text = error.message if "\n  at " not in error.message else error.message[: error.message.rindex("\n  at ")]
    made = type(error)(None, node, f"{text}\n  at node {node.name!r}, made at {node.line}")
    made.__cause__ = error.__cause__
    return made


def _shared_kernel(node: Any) -> Callable[..., list[Any]]:
    """The kernel of a node that touches nothing of an iterator."""
    kernel = kernels.build_with(node.definition, node.attrs, (), near=True)
    if node.definition.where != "xla":
        return kernel
    return lambda *arrays: near(kernel(*arrays))


def program_of(graph: Any) -> Program:
    """The program of a graph, made once."""
    memo = graph._extras.get("data program")
    if memo is None or memo[0] != (graph._version, len(graph.outputs)):
        memo = graph._extras["data program"] = ((graph._version, len(graph.outputs)), Program(graph))
    return memo[1]


