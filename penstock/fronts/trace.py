"""Function bodies: graphs with inputs, outputs, and captures of what stands outside."""

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

from penstock.base.dtypes import DType
from penstock.ir import door, seeds
from penstock.ir.graph import Graph, GraphTensor, Operation
from penstock.ir.source import PLACEHOLDER

SMALL = 128
"""Eager tensors of up to so many elements become constants of a function, larger ones its captures."""
_numbers = itertools.count()


traced: list[Any] | None = None
"""The graphs of functions traced since `tf.summary.trace_on`; None while nobody collects them."""


class FuncGraph(Graph):
    """The body of a function, a branch or a loop."""

    building_function = True

    def __init__(self, name: str, outer: Any = None, collections: Any = None, capture_by_value: bool = False):
        super().__init__()
        self.name = name
        self.outer = door.current() if outer is None else outer
        self.inputs: list[Any] = []
        self.outputs: list[Any] = []
        self.control_outputs: list[Operation] = []
        self.waits_outside: list[Operation] = []
        self.structured_outputs: Any = None
        self.structured_input_signature: Any = None
        self._captured: dict[int, tuple[Any, Any]] = {}  # id of the outer tensor -> (outer, inner)
        self._outside: dict[int, Any] = {}  # id of the inner placeholder -> outer tensor
        self._arguments: dict[int, Any] = {}  # the same for arguments, while the call that traces is under way
        self._variables: dict[int, Any] = {}
        self._by_value = capture_by_value
        self._scope_name = ""
        self.variable_creators: list[Any] = []
        self.is_control_flow_graph = False
        self._lifter: Any = None  # where variables made inside belong
        if self.outer.is_graph:
            self.seed = self.outer.seed
            self._collections = self.outer._collections if collections is None else collections
            self._devices = self.outer._devices
            self._colocation = self.outer._colocation
            self._override = self.outer._override
            self._attr_scope = self.outer._attr_scope
            self._container = self.outer._container
            self._extras["parents"] = self.outer
        else:
            self.seed = seeds.global_seed()

    @property
    def outer_graph(self) -> Any:
        """The graph around; the global default graph where eager code is around."""
        if self.outer.is_graph:
            return self.outer
        from penstock.fronts.default_graph import global_graph

        return global_graph()

    is_control_flow_body = property(lambda self: self.is_control_flow_graph)

    @property
    def variables(self) -> tuple[Any, ...]:
        """The variables that the function uses."""
        return tuple(v for v in (w() if callable(w) and not hasattr(w, "handle") else w for w in self._variables.values()) if v is not None)

    @property
    def trainable_variables(self) -> tuple[Any, ...]:
        return tuple(v for v in self.variables if v.trainable)

    def watch_variable(self, variable: Any) -> None:
        """Remember that the function uses `variable`; the functions around it use it too."""
        self._variables[id(variable)] = variable
        outer = self.outer
        if isinstance(outer, FuncGraph):
            outer.watch_variable(variable)

    @property
    def captures(self) -> list[tuple[Any, Any]]:
        return list(self._captured.values())

    @property
    def external_captures(self) -> list[Any]:
        return [outer for outer, _ in self._captured.values()]

    @property
    def internal_captures(self) -> list[Any]:
        return [inner for _, inner in self._captured.values()]

    captured_inputs = external_captures

    def add_input(self, dtype: DType, dims: Any, name: str = "Placeholder") -> Any:
        """A new parameter."""
        with door.using(self), door.watching(None):
            outer_control, self._control = self._control, ()
            tensor = self.emit(PLACEHOLDER, (), {"dtype": dtype.base_dtype, "shape": dims}, name)
            self._control = outer_control
        if dtype.is_ref:
            tensor.dtype = dtype
        self.inputs.append(tensor)
        return tensor

    def capture(self, tensor: Any, name: str | None = None) -> Any:
        """The tensor of the world outside as one of this body's own."""
        key = tensor._id
        found = self._captured.get(key)
        if found is not None:
            return found[1]
        if not isinstance(tensor, GraphTensor):
            if tensor.dtype.on_device and tensor._dims is not None and int(np.prod(tensor._dims)) <= SMALL and not watched(tensor):
                with self._outside_scopes():
                    inner = self.constant(np.asarray(tensor._array), "Const", tensor.dtype)
                return inner
            return self._add_capture(tensor)
        graph: Any = self.outer
        while graph.is_graph and graph is not tensor.graph:
            if not isinstance(graph, FuncGraph):
                break
            graph = graph.outer
        if not graph.is_graph or graph is not tensor.graph:
            inside: Any = tensor.graph
            while inside is not None and inside.is_graph and inside is not self:
                inside = getattr(inside, "outer", None)
            if inside is self or not isinstance(tensor.graph, FuncGraph):
                raise inaccessible(tensor, self)
            return self._add_capture(tensor)  # of a graph beside this one: what runs this body has to say where its value is
        outer = tensor if self.outer is tensor.graph else self.outer.capture(tensor)
        found = self._captured.get(outer._id)
        return found[1] if found is not None else self._add_capture(outer)

    def _outside_scopes(self) -> Any:
        return door.watching(None)

    def _add_capture(self, tensor: Any) -> Any:
        names = tensor.op.name.rpartition("/")[2] if isinstance(tensor, GraphTensor) else "captured"
        scope, self._scope = self._scope, ""
        inner = self.add_input(tensor.dtype, tensor._dims, names or "captured")
        self._scope = scope
        handle_data = getattr(tensor, "_handle_data", None)
        if handle_data is not None:
            inner._handle_data = handle_data
        self._captured[tensor._id] = (tensor, inner)
        self._outside[inner._id] = tensor
        for watcher in door.state.watchers:
            note = getattr(watcher, "captured", None)
            if note is not None:
                note(tensor, inner)
        return inner

    def _foreign_control(self, op: Operation) -> Operation | None:
        if op not in self.waits_outside:
            self.waits_outside.append(op)  # the node that runs this body comes after it
        return None


def watched(tensor: Any) -> bool:
    """Does a gradient tape follow this eager tensor?  Then it must stay an input."""
    return any(w.watches(tensor) for w in door.state.watchers if hasattr(w, "watches"))


def inaccessible(tensor: Any, graph: Any) -> Exception:
    class InaccessibleTensorError(ValueError):
        """A tensor of a graph that is not around this one."""

    return InaccessibleTensorError(
        f"{tensor!r} is out of scope and cannot be used here. Use return values, explicit Python locals or TensorFlow collections to access it.\n"
        f"  it was made at {tensor.op.line}, in the function {getattr(tensor.graph, 'name', 'graph')!r}, which is not around {graph.name!r}"
    )


def trace_body(name: str, body: Callable[..., Any], parameters: Any, *, outer: Any = None, control_flow: bool = True) -> tuple[FuncGraph, Any]:
    """Run `body` in a graph of its own on placeholders like `parameters` ((dtype, dims) each); the graph and what it returned."""
    graph = FuncGraph(f"{name}_{next(_numbers)}", outer)
    graph.is_control_flow_graph = control_flow
    with door.using(graph):
        made = [graph.add_input(dtype, dims, label) for dtype, dims, label in parameters]
        result = body(*made)
    return graph, result


def as_graph_output(graph: FuncGraph, value: Any) -> Any:
    """A returned value as a tensor of the body."""
    with door.using(graph):
        return graph.convert(value)


def fresh_name(base: str) -> str:
    """A function name that no other function of this process has."""
    return f"{base}_{next(_numbers)}"


