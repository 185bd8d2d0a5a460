"""Graph, Operation, GraphTensor: names and edges, nothing that runs."""

import contextlib
import itertools
import re
import threading
from collections.abc import Callable, Iterator
from typing import Any, cast

from penstock.base.dtypes import DType
from penstock.base.errors import OpError, ShapeError
from penstock.base.export import export
from penstock.base.shape import Dim, Dims, as_dims, merge
from penstock.base.where import Line, user_line
from penstock.ir import convert, door
from penstock.ir.device import merge_device
from penstock.ir.known import group, output_types
from penstock.ir.resolve import resolve
from penstock.ir.tensor import Spec, Tensor

next_id = itertools.count(1).__next__
_VALID_NAME = re.compile(r"^[A-Za-z0-9.][A-Za-z0-9_.\\/>-]*$")
_VALID_SCOPE = re.compile(r"^[A-Za-z0-9_.\\/>-]*$")


class GraphTensor(Tensor):
    """One output of an Operation."""

    __slots__ = ("op", "value_index", "dtype", "_dims", "_id", "__weakref__", "__dict__")

    def __init__(self, op: "Operation", value_index: int, dtype: DType, dims: Dims):
        self.op, self.value_index, self.dtype, self._dims, self._id = op, value_index, dtype, dims, next_id()

    @property
    def graph(self) -> "Graph":
        return self.op.graph

    @property
    def name(self) -> str:
        return f"{self.op.name}:{self.value_index}"

    @property
    def device(self) -> str:
        return self.op.device

    def consumers(self) -> list["Operation"]:
        return self.graph.consumers_of(self)

    def set_shape(self, shape: Any) -> None:
        """Say more about the shape; ValueError when it contradicts what is known."""
        try:
            self._dims = merge(self._dims, as_dims(shape))
        except ShapeError as e:
            raise ValueError(f"Tensor's shape {self.shape} is not compatible with supplied shape {as_dims(shape)}: {e}") from None
        self.graph._known.pop(self._id, None)

    def describe(self) -> str:
        dims = "?" if self._dims is None else "[" + ", ".join("?" if d is None else str(d) for d in self._dims) + "]"
        return f"{self.name} {self.dtype.name}{dims}  from {self.op.line}"

    def __repr__(self) -> str:
        return f"<tf.Tensor {self.name!r} shape={self.shape} dtype={self.dtype.name}>"

    __str__ = lambda self: f'Tensor("{self.name}", shape={self.shape}, dtype={self.dtype.name})'

    def eval(self, feed_dict: Any = None, session: Any = None) -> Any:
        """The value, computed by the given or the default session."""
        return self.graph._session(session, "eval").run(self, feed_dict)

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        raise NotImplementedError(
            f"Cannot convert a symbolic tf.Tensor ({self.name}) to a numpy array. This error may indicate that you're trying to "
            "pass a Tensor to a NumPy call, which is not supported."
        )


GraphTensor.__module__ = "tensorflow.python.framework.ops"  # programs ask for it
GraphTensor.__name__ = GraphTensor.__qualname__ = "SymbolicTensor"


@export("Operation")
class Operation:
    """A node of a graph: an op with its inputs, attrs and outputs."""

    __slots__ = ("definition", "name", "_inputs", "_control", "attrs", "graph", "line", "outputs", "_id", "device", "colocation", "gradient_name",
                 "__weakref__", "__dict__")  # fmt: skip

    def __init__(self, definition: Any, name: str, inputs: tuple[Any, ...], control: tuple["Operation", ...], attrs: dict[str, Any],
                 outs: list[tuple[DType, Dims]], graph: "Graph", line: Line):  # fmt: skip
        self.definition, self.name, self._inputs, self._control = definition, name, inputs, control
        self.attrs, self.graph, self.line, self._id = attrs, graph, line, next_id()
        self.device, self.gradient_name = "", cast("str | None", None)
        self.colocation: tuple[str, ...] = ()
        self.outputs = [GraphTensor(self, i, dt, dims) for i, (dt, dims) in enumerate(outs)]

    @property
    def type(self) -> str:
        return self.definition.name

    @property
    def inputs(self) -> tuple[Any, ...]:
        return self._inputs

    @property
    def _control_outputs(self) -> list["Operation"]:
        """The operations that wait for this one."""
        return self.graph._waiting_for(self)

    @property
    def control_inputs(self) -> list["Operation"]:
        return list(self._control)

    @property
    def op_def(self) -> Any:
        from penstock.ir.graphdef import op_def

        return op_def(self.definition)

    @property
    def node_def(self) -> Any:
        from penstock.ir.graphdef import node_def

        return node_def(self)

    _control_flow_context: Any = None

    def _get_control_flow_context(self) -> Any:
        """What a library said surrounds this operation."""
        return self._control_flow_context

    def _set_control_flow_context(self, ctx: Any) -> None:
        """Say what surrounds this operation."""
        self._control_flow_context = ctx

    def _control_flow_post_processing(self, input_tensors: Any = None) -> None:
        """Nothing to do: conds and loops are ops with bodies."""

    @property
    def traceback(self) -> Any:
        import traceback

        return traceback.StackSummary.from_list([(self.line.file, self.line.lineno, self.line.func, None)])

    def get_attr(self, name: str) -> Any:
        """The value of an attr; ValueError when the op has none of that name."""
        if name in self.attrs:
            value = self.attrs[name]
            from penstock.ir.graphdef import attr_for_user

            return attr_for_user(self.definition.sig.attrs.get(name), value)
        if name == "_class" and self.colocation:
            return [f"loc:@{n}".encode() for n in self.colocation]
        raise ValueError(f"Operation {self.name!r} has no attr named {name!r}.")

    def _set_attr(self, name: str, value: Any) -> None:
        self.attrs[name] = value

    def colocation_groups(self) -> list[bytes]:
        return [f"loc:@{n}".encode() for n in (self.colocation or (self.name,))]

    def values(self) -> tuple[Any, ...]:
        return tuple(self.outputs)

    def run(self, feed_dict: Any = None, session: Any = None) -> None:
        """Run this op in the given or the default session."""
        self.graph._session(session, "run").run(self, feed_dict)

    def _set_device(self, device: Any) -> None:
        self.device = device if isinstance(device, str) else device.to_string()

    def _add_control_input(self, op: "Operation") -> None:
        if op not in self._control:
            self._control = (*self._control, op)
            self.graph._rewire()

    def _add_control_inputs(self, ops: Any) -> None:
        for one in ops:
            self._add_control_input(one)

    def _update_input(self, index: int, tensor: Any) -> None:
        self._inputs = (*self._inputs[:index], tensor, *self._inputs[index + 1 :])
        self.graph._rewire()

    def __repr__(self) -> str:
        return f"<tf.Operation {self.name!r} type={self.type}>"

    def __str__(self) -> str:
        return str(self.node_def)


default_session: Callable[[], Any] = lambda: None
"""Slot: the default session (fronts.session)."""


@export("Graph")
class Graph:
    """A graph of operations: the emitter of graph mode."""

    is_graph = True
    building_function = False

    def __init__(self) -> None:
        self._nodes: list[Operation] = []
        self._by_name: dict[str, Operation] = {}
        self._names: dict[str, int] = {}
        self._scope = ""
        self._known: dict[int, Any] = {}
        self._collections: dict[Any, list[Any]] = {}
        self._control: tuple[Operation, ...] = ()
        self._devices: tuple[Any, ...] = ()
        self._colocation: tuple[str, ...] = ()
        self._container = ""
        self._attr_scope: dict[str, Any] = {}
        self._override: dict[str, str] = {}
        self._finalized = False
        self._version = 0
        self._rewired = 0
        self._consumers: tuple[int, dict[int, list[Operation]]] = (-1, {})
        self._followers: tuple[int, dict[int, list[Operation]]] = (-1, {})
        self._unfeedable: set[int] = set()
        self._unfetchable: set[int] = set()
        self._functions: dict[str, Any] = {}
        self._lock = threading.RLock()
        self.seed: int | None = None
        self._extras: dict[Any, Any] = {}  # what upper floors keep with a graph, keyed by themselves

    # -- the emitter -------------------------------------------------------------------------------------------------
    def convert(self, value: Any, dtype: DType | None = None, name: str | None = None) -> Any:
        found = convert.resolve(value, dtype, name)
        if isinstance(found, GraphTensor):
            return found if found.op.graph is self else self.capture(found, name)
        if isinstance(found, Tensor):
            return self.capture(found, name)
        return self.constant(found, name or "Const", dtype)

    def capture(self, tensor: Any, name: str | None = None) -> Any:
        """A tensor of another graph (or an eager one) inside this one: only functions can."""
        if isinstance(tensor, GraphTensor):
            raise ValueError(f"Tensor {tensor.name!r} must be from the same graph as the op that uses it\n  it was made at {tensor.op.line}\n  used at {user_line()}")
        raise RuntimeError("Attempting to capture an EagerTensor without building a function.")

    def constant(self, array: Any, name: str = "Const", dtype: DType | None = None) -> Any:
        """A Const node that holds `array`."""
        from penstock.ir.source import CONST

        return self.emit(CONST, (), {"value": array, "dtype": dtype or array.dtype}, name)

    def emit(self, op: Any, inputs: tuple[Any, ...], attrs: dict[str, Any], name: str | None) -> Any:
        with self._lock:
            outer = self._scope
            prefix = self._scoped(name or op.name)
            if prefix and not prefix.endswith("/"):
                self._scope = prefix  # constants made from the arguments stand under the op's name
            try:
                tensors, full = resolve(self, op, inputs, attrs)
            finally:
                self._scope = outer
            node = self.add(op, tuple(tensors), full, self.infer(op, tensors, full), name)
        for watch in door.state.watchers:
            watch(op, node._inputs, full, node.outputs, node)
        return result(op, node.outputs, full, node)

    def _scoped(self, name: str) -> str:
        """The unique name that the op about to be made will get."""
        if name.endswith("/"):
            return name[:-1]
        return self.unique_name(name, mark_as_used=False)

    def infer(self, op: Any, tensors: list[Any], attrs: dict[str, Any]) -> list[tuple[DType, Dims]]:
        """The dtype and dims of each output."""
        types = output_types(op, attrs)
        rule = op.shape_rule
        if rule is None:
            if op.where in ("host", "control") or door.derive_shape is None or not types:
                return [(t, None) for t in types]
            rule = door.derive_shape(op)
        names = [a.name for a in op.sig.inputs] if not op.lists else None
        specs = [Spec(names[i] if names else f"input {i}", t.dtype, t._dims, t) for i, t in enumerate(tensors)]
        for s in specs:
            if s.shape is not None:
                s.shape = label(s.shape, s.name)
        try:
            shapes = rule(*group(op, specs, attrs), **attrs)
        except OpError as e:
            raise explain(op, e, tensors) from None
        if not op.list_outputs:
            if len(types) == 1:
                shapes = (shapes,)
            elif shapes is None:
                shapes = (None,) * len(types)
        elif len(op.sig.outputs) > 1:
            flat: list[Any] = []
            for a, s in zip(op.sig.outputs, shapes):
                flat.extend(s) if a.many else flat.append(s)
            shapes = flat
        return [(t, None if s is None else tuple([None if d is None else int(d) for d in s])) for t, s in zip(types, shapes)]

    def add(self, op: Any, inputs: tuple[Any, ...], attrs: dict[str, Any], outs: list[tuple[DType, Dims]], name: str | None = None) -> Operation:
        """Add a node as given, under a unique name."""
        if self._finalized:
            raise RuntimeError("Graph is finalized and cannot be modified.")
        name = str(name or op.name)
        full = name[:-1] if name.endswith("/") else None
        if full is None:
            if not (_VALID_SCOPE if self._scope else _VALID_NAME).match(name):
                raise ValueError(f"'{name}' is not a valid scope name" if self._scope else f"'{name}' is not a valid root scope name")
            full = self.unique_name(name)
        elif full in self._by_name:
            full = self.unique_name(full.rpartition("/")[2]) if not self._scope else self.unique_name(full.rpartition("/")[2])
        node = Operation(op, full, inputs, self._control_for(inputs), attrs, outs, self, user_line())
        if self._attr_scope:
            node.attrs = {**self._attr_scope, **attrs}
        if self._override:
            node.gradient_name = self._override.get(op.name)
        self._nodes.append(node)
        self._by_name[full] = node
        self._version += 1
        if self._devices:
            for spec in self._devices:
                node.device = merge_device(node.device, spec(node) if callable(spec) else spec)
        if self._colocation:
            node.colocation = self._colocation
            for place in self._colocation:
                there = self._by_name.get(place)
                if there is not None and there.device:
                    node.device = there.device
        return node

    def _control_for(self, inputs: tuple[Any, ...]) -> tuple[Operation, ...]:
        return self._control

    def _rewire(self) -> None:
        """An edge of a node that already stood was changed: plans made before no longer hold."""
        self._version += 1
        self._rewired = self._version
        self._known.clear()

    # -- names -------------------------------------------------------------------------------------------------------
    def unique_name(self, name: str, mark_as_used: bool = True) -> str:
        """`name` under the current scope, with `_1`, `_2`, ... where it is taken (whatever the case of its letters)."""
        if self._scope:
            name = f"{self._scope}/{name}"
        key = name.lower()
        i = self._names.get(key, 0)
        if mark_as_used:
            self._names[key] = i + 1
        if i > 0:
            base = key
            while key in self._names:
                key = f"{base}_{i}"
                i += 1
            if mark_as_used:
                self._names[key] = 1
                self._names[base] = i
            name = f"{name}_{i - 1}"
        return name

    @contextlib.contextmanager
    def name_scope(self, name: str | None) -> Iterator[str]:
        """A scope of names; `name/` re-enters a scope, None or "" leaves all."""
        if name:
            if not isinstance(name, str):
                raise TypeError(f"name_scope() takes a string, got {name!r}")
            if not (_VALID_SCOPE if self._scope else _VALID_NAME).match(name):
                raise ValueError(f"'{name}' is not a valid scope name" if self._scope else f"'{name}' is not a valid root scope name")
        outer = self._scope
        if not name:
            new = ""
        elif name.endswith("/"):
            new = name[:-1]
        else:
            new = self.unique_name(name)
        self._scope = new
        try:
            yield f"{new}/" if new else ""
        finally:
            self._scope = outer

    def get_name_scope(self) -> str:
        return self._scope

    # -- contexts ----------------------------------------------------------------------------------------------------
    def as_default(self) -> Any:
        """A context in which ops are added to this graph."""
        return door.using(self)

    def __enter__(self) -> "Graph":
        self._entered = [*getattr(self, "_entered", []), door.using(self)]
        self._entered[-1].__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._entered.pop().__exit__(*error)

    @contextlib.contextmanager
    def control_dependencies(self, control_inputs: Any) -> Iterator[None]:
        """Ops made inside run after `control_inputs`; None drops the outer dependencies."""
        outer, scope = self._control, None
        if control_inputs is None:
            self._control = ()
        else:
            found = []
            for c in control_inputs:
                op = self._control_op(c)
                if op is not None and op not in outer and op not in found:
                    found.append(op)
            self._control = (*outer, *found)
        try:
            yield scope
        finally:
            self._control = outer

    def _control_op(self, thing: Any) -> Operation | None:
        if hasattr(thing, "_as_graph_element"):
            thing = thing._as_graph_element()
        if hasattr(thing, "values") and hasattr(thing, "indices") and not isinstance(thing, (Tensor, Operation)):
            thing = thing.values  # IndexedSlices, SparseTensor
        if isinstance(thing, Operation):
            op = thing
        elif isinstance(thing, GraphTensor):
            op = thing.op
        elif isinstance(thing, Tensor) or thing is None:
            return None
        elif isinstance(thing, str):
            op = self.as_graph_element(thing)
            op = op.op if isinstance(op, GraphTensor) else op
        elif hasattr(type(thing), "__tf_tensor__"):
            found = self.convert(thing)  # what stands for a tensor
            op = found.op
        else:
            raise TypeError(f"Control input must be Operation or Tensor (or something convertible to them), got {thing!r}")
        if op.graph is self:
            return op
        return self._foreign_control(op)

    def _foreign_control(self, op: Operation) -> Operation | None:
        raise ValueError(f"Operation {op.name!r} is not an element of this graph.")

    @contextlib.contextmanager
    def device(self, device_name_or_function: Any) -> Iterator[None]:
        outer = self._devices
        spec = device_name_or_function
        if spec is None:
            self._devices = ()
        else:
            if not callable(spec):
                spec = spec if isinstance(spec, str) else spec.to_string()
                merge_device("", spec)
            self._devices = (*outer, spec)
        try:
            yield
        finally:
            self._devices = outer

    @contextlib.contextmanager
    def colocate_with(self, op: Any, ignore_existing: bool = False) -> Iterator[None]:
        outer, devices = self._colocation, self._devices
        if op is None:
            self._colocation = ()
        else:
            op = getattr(op, "op", op)
            self._colocation = (op.name,) if ignore_existing else tuple(dict.fromkeys((*outer, op.name)))
            self._devices = ()  # the device is that of `op`
        try:
            yield
        finally:
            self._colocation, self._devices = outer, devices

    @contextlib.contextmanager
    def container(self, container_name: str) -> Iterator[str]:
        """Stateful ops made inside keep their resources under this name."""
        outer, self._container = self._container, container_name
        try:
            yield container_name
        finally:
            self._container = outer

    @contextlib.contextmanager
    def gradient_override_map(self, op_type_map: dict[str, str]) -> Iterator[None]:
        """Ops of type k made inside take the gradient registered under v."""
        if not isinstance(op_type_map, dict):
            raise TypeError("`op_type_map` must be a dictionary mapping strings to strings")
        for k, v in op_type_map.items():
            if not isinstance(k, str) or not isinstance(v, str):
                raise TypeError("`op_type_map` must be a dictionary mapping strings to strings")
        outer = self._override
        self._override = {**outer, **op_type_map}
        try:
            yield
        finally:
            self._override = outer

    @contextlib.contextmanager
    def _attr_scoped(self, attr_map: dict[str, Any]) -> Iterator[None]:
        outer = self._attr_scope
        self._attr_scope = {k: v for k, v in {**outer, **attr_map}.items() if v is not None}
        try:
            yield
        finally:
            self._attr_scope = outer

    _attr_scope_context = _attr_scoped

    # -- lookups -----------------------------------------------------------------------------------------------------
    def get_operations(self) -> list[Operation]:
        return list(self._nodes)

    operations = property(get_operations)

    @property
    def version(self) -> int:
        return self._version

    @property
    def _last_id(self) -> int:
        from penstock.ir import node_count

        return node_count.of(self)

    @property
    def finalized(self) -> bool:
        return self._finalized

    def finalize(self) -> None:
        """Make the graph read-only."""
        self._finalized = True

    def _unsafe_unfinalize(self) -> None:
        self._finalized = False

    def num_operations(self) -> int:
        return len(self._nodes)

    def as_graph_element(self, obj: Any, allow_tensor: bool = True, allow_operation: bool = True) -> Any:
        """The Operation or Tensor that `obj` (one of them, a name, a variable) stands for."""
        if not allow_tensor and not allow_operation:
            raise ValueError("allow_tensor and allow_operation can't both be False.")
        what = "Tensor or Operation" if allow_tensor and allow_operation else "Tensor" if allow_tensor else "Operation"
        convert_element = getattr(obj, "_as_graph_element", None)
        if convert_element is not None:
            obj = convert_element()
        if isinstance(obj, bytes):
            obj = obj.decode()
        if isinstance(obj, str):
            return self._by_reference(obj, allow_tensor, allow_operation)
        if isinstance(obj, GraphTensor) and allow_tensor:
            if obj.graph is not self:
                raise ValueError(f"Tensor {obj} is not an element of this graph.")
            return obj
        if isinstance(obj, Operation) and allow_operation:
            if obj.graph is not self:
                raise ValueError(f"Operation {obj.name!r} is not an element of this graph.")
            return obj
        raise TypeError(f"Can not convert a {type(obj).__name__} into a {what}.")

    def _by_reference(self, name: str, allow_tensor: bool, allow_operation: bool) -> Any:
        if ":" in name:
            if not allow_tensor:
                raise ValueError(f"Name {name!r} appears to refer to a Tensor, not a Operation.")
            op_name, _, index = name.rpartition(":")
            if not index.isdigit() or not op_name:
                raise ValueError(f"The name {name!r} looks a like a Tensor name, but is not a valid one. Tensor names must be of the form \"<op_name>:<output_index>\".")
            op = self._by_name.get(op_name)
            if op is None:
                raise KeyError(f"The name {name!r} refers to a Tensor which does not exist. The operation, {op_name!r}, does not exist in the graph.{self._near(op_name)}")
            if int(index) >= len(op.outputs):
                raise KeyError(f"The name {name!r} refers to a Tensor which does not exist. The operation, {op_name!r}, exists but only has {len(op.outputs)} outputs.")
            return op.outputs[int(index)]
        op = self._by_name.get(name)
        if not allow_operation:
            hint = f" The operation, {name!r}, exists; its first output is {name + ':0'!r}." if op is not None else ""
            raise ValueError(f"The name {name!r} looks like an (invalid) Operation name, not a Tensor; Tensor names must be of the form \"<op_name>:<output_index>\".{hint}")
        if op is None:
            raise KeyError(f"The name {name!r} refers to an Operation not in the graph.{self._near(name)}")
        return op

    def _near(self, name: str) -> str:
        import difflib

        near = difflib.get_close_matches(name, self._by_name, 1)
        return f" Did you mean {near[0]!r}?" if near else ""

    def get_operation_by_name(self, name: str) -> Operation:
        if not isinstance(name, str):
            raise TypeError(f"Operation names are strings (or similar), not {type(name).__name__}.")
        return self.as_graph_element(name, allow_tensor=False)

    def get_tensor_by_name(self, name: str) -> GraphTensor:
        if not isinstance(name, str):
            raise TypeError(f"Tensor names are strings (or similar), not {type(name).__name__}.")
        return self.as_graph_element(name, allow_operation=False)

    def consumers_of(self, tensor: GraphTensor) -> list[Operation]:
        version, table = self._consumers
        if version != self._version:
            table = {}
            for node in self._nodes:
                for t in dict.fromkeys(i._id for i in node._inputs):
                    table.setdefault(t, []).append(node)
            self._consumers = (self._version, table)
        return list(table.get(tensor._id, ()))

    def _waiting_for(self, op: Operation) -> list[Operation]:
        version, table = self._followers
        if version != self._version:
            table = {}
            for node in self._nodes:
                for first in node._control:
                    table.setdefault(first._id, []).append(node)
            self._followers = (self._version, table)
        return list(table.get(op._id, ()))

    def prevent_feeding(self, tensor: Any) -> None:
        self._unfeedable.add(tensor._id)

    def prevent_fetching(self, op: Any) -> None:
        self._unfetchable.add(op._id)

    def is_feedable(self, tensor: Any) -> bool:
        return tensor._id not in self._unfeedable

    def is_fetchable(self, tensor_or_op: Any) -> bool:
        op = tensor_or_op.op if isinstance(tensor_or_op, GraphTensor) else tensor_or_op
        return op._id not in self._unfetchable

    # -- collections -------------------------------------------------------------------------------------------------
    def add_to_collection(self, name: Any, value: Any) -> None:
        if self._finalized:
            raise RuntimeError("Graph is finalized and cannot be modified.")
        self._collections.setdefault(name, []).append(value)

    def add_to_collections(self, names: Any, value: Any) -> None:
        names = (names,) if isinstance(names, str) else dict.fromkeys(names)
        for name in names:
            self.add_to_collection(name, value)

    def get_collection(self, name: Any, scope: str | None = None) -> list[Any]:
        found = self._collections.get(name, [])
        if scope is None:
            return list(found)
        regex = re.compile(scope)
        return [v for v in found if hasattr(v, "name") and regex.match(v.name)]

    def get_collection_ref(self, name: Any) -> list[Any]:
        return self._collections.setdefault(name, [])

    def get_all_collection_keys(self) -> list[Any]:
        return [k for k in self._collections if isinstance(k, str)]

    def clear_collection(self, name: Any) -> None:
        self._collections.pop(name, None)

    @property
    def collections(self) -> list[Any]:
        return list(self._collections)

    # -- protos ------------------------------------------------------------------------------------------------------
    def as_graph_def(self, from_version: int | None = None, add_shapes: bool = False, use_pybind11_proto: bool = False) -> Any:
        """The graph as a GraphDef protocol buffer."""
        from penstock.ir.graphdef import graph_def

        return graph_def(self, from_version, add_shapes)

    @property
    def graph_def_versions(self) -> Any:
        return self.as_graph_def().versions

    def op_def_for_type(self, type: str) -> Any:
        from penstock.ir.graphdef import op_def
        from penstock.ir.op import find

        return op_def(find(type))

    def create_op(self, op_type: str, inputs: Any, dtypes: Any = None, input_types: Any = None, name: str | None = None, attrs: Any = None,
                  op_def: Any = None, compute_shapes: bool = True, compute_device: bool = True) -> Operation:  # fmt: skip
        """Add an operation by its type's name."""
        from penstock.ir.graphdef import attrs_from_proto
        from penstock.ir.op import find

        definition = find(op_type)
        values = attrs_from_proto(definition, attrs or {}, self)
        values = {k: v for k, v in values.items() if k in definition.sig.attrs}
        before = len(self._nodes)
        flat = group(definition, list(inputs), values) if definition.lists else list(inputs)
        with door.using(self):
            self.emit(definition, tuple(flat), values, name)
        return self._nodes[-1] if len(self._nodes) > before else self._nodes[before]

    def _create_op_from_tf_operation(self, c_op: Operation, compute_device: bool = True) -> Operation:
        """The operation that `create_c_op` added."""
        return c_op

    _control_flow_context: Any = None

    def _get_control_flow_context(self) -> Any:
        """What a library said surrounds the ops that are made now; conds and loops here are ops with bodies, and say nothing."""
        return self._control_flow_context

    def _set_control_flow_context(self, ctx: Any) -> None:
        """Say what surrounds the ops that are made from now on."""
        self._control_flow_context = ctx

    def _session(self, session: Any, what: str) -> Any:
        found = session or default_session()
        if found is None:
            raise ValueError(f"Cannot {what} without a session: use `with tf.Session()` or pass one explicitly to `{what}(session=sess)`")
        if found.graph is not self:
            raise ValueError(f"Cannot use the default session to {what}: the tensor's graph is different from the session's graph. Pass an explicit session to `{what}(session=sess)`.")
        return found


def label(dims: tuple[int | None, ...], name: str) -> tuple[int | None, ...]:
    """The dims with each known size knowing what the user calls it."""
    out: list[int | None] = []
    for i, d in enumerate(dims):
        if d is not None:
            d = Dim(d)
            d.label = f"{name}.shape[{i}]"
        out.append(d)
    return tuple(out)


def explain(op: Any, error: OpError, tensors: Any, line: Any = None) -> OpError:
    """The error as a small document: what differs, each operand and where it was made, the user's line."""
    names = [a.name for a in op.sig.inputs] if not op.lists else [f"input {i}" for i in range(len(tensors))]
    shown = list(zip(names, tensors))[:8]
    operands = "".join(f"\n  {n}: {t.describe()}" for n, t in shown if hasattr(t, "describe"))
    return type(error)(None, None, f"{op.name}: {error.message}{operands}\n  at {line or user_line()}")


def result(op: Any, outputs: Any, attrs: dict[str, Any], node: Any) -> Any:
    """What calling an op gives back: a tensor, a list, a named tuple of them, or the operation when it has no outputs."""
    if op.plain:
        return outputs[0]
    sig = op.sig.outputs
    if not sig:
        return node
    if not op.list_outputs:
        return outputs[0] if len(sig) == 1 else op.tuple_type(*outputs)
    if len(sig) == 1:
        return list(outputs)
    parts, i = [], 0
    for a in sig:
        if a.many:
            n = attrs[a.number] if a.number else len(attrs[a.type])
            parts.append(list(outputs[i : i + n]))
            i += n
        else:
            parts.append(outputs[i])
            i += 1
    return op.tuple_type(*parts)


