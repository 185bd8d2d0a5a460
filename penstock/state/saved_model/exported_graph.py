"""The graph that a SavedModel's signatures, initialisers and saver live in, for those who load it without its objects."""

from typing import Any

from penstock.base import dtypes
from penstock.engine.control import PARTITIONED_CALL, STATEFUL_PARTITIONED_CALL
from penstock.engine.plan import is_stateful
from penstock.fronts.concrete import ConcreteFunction
from penstock.fronts.eager import EAGER
from penstock.fronts.function import Function
from penstock.fronts.grouping import group
from penstock.ir import door
from penstock.ir.attrs import shape_to_proto
from penstock.ir.graph import Graph
from penstock.ir.op import find
from penstock.ops import state
from penstock.ops.checkpoint import restore_v2, save_v2
from penstock.ops.constants import placeholder
from penstock.ops.identity import identity
from penstock.state.checkpoint_values import evaluated, values_of
from penstock.state.resource_variable import ResourceVariable
from penstock.state.saved_model import constants as c
from penstock.state.saved_model.asset import Asset
from penstock.state.saved_model.object_view import CapturedConstant, SavedModelView
from penstock.state.saved_model.options import SaveOptions
from penstock.state.saved_model.restored_objects import RestoredResource
from penstock.state.saved_model.signature_defs import (
    build_signature_def,
    build_tensor_info_from_op,
    build_tensor_info_internal,
)
from penstock.state.trackable_resource import CapturableResource


class ExportedGraph:
    """A graph with stand-ins for variables, tables, assets and constants, and calls of the functions that use them."""

    def __init__(self, view: SavedModelView, layout: Any, signatures: dict[str, ConcreteFunction], others: list[ConcreteFunction]):
        self.view, self.layout, self.signatures, self.others = view, layout, signatures, others
        self.graph = Graph()
        self.inside: dict[int, Any] = {}  # id of the captured tensor -> the tensor here
        self.node_of: dict[int, int] = {}  # id of the captured tensor -> number of the object that it stands for
        self.alive: list[Any] = []
        self.copies: dict[int, Any] = {}  # number of a table -> its copy in this graph
        self.handles: dict[int, Any] = {}  # number of a variable -> its handle in this graph
        self.assets: list[tuple[Any, str]] = []  # (initialiser, path)
        self.asset_number: dict[int, int] = {}
        self.first: list[Any] = []  # what the initialiser does
        self.assigned: dict[int, Any] = {}  # id of an asset's path -> the path, read after it was put in its variable
        self.signature_defs: dict[str, Any] = {}
        self.saver: Any = None

    def build(self, skip_saver: bool) -> None:
        with self.graph.as_default(), door.watching(None):
            for number, obj, _ in self.layout:
                self._map(number, obj)
            self._register_functions()
            for key, function in self.signatures.items():
                self._signature(key, function)
            self._initialiser()
            if not skip_saver:
                self._saver()

    # -- stand-ins -----------------------------------------------------------------------------------------------------
    def _stands(self, number: int, outside: Any, inside: Any) -> None:
        self.inside[outside._id], self.node_of[outside._id] = inside, number
        self.alive.append(outside)

    def _map(self, number: int, obj: Any) -> None:
        if isinstance(obj, Asset):
            self._asset(number, obj)
        elif isinstance(obj, CapturedConstant):
            self._stands(number, obj.tensor, self.graph.constant(_array(obj.tensor), "Const", obj.tensor.dtype))
        elif isinstance(obj, (Function, ConcreteFunction)):
            return
        elif hasattr(obj, "_export_to_saved_model_graph"):
            copies: dict[Any, Any] = _ByIdentity()
            tensors: dict[Any, Any] = _ByIdentity()
            resources = obj._export_to_saved_model_graph(copies, tensors, SaveOptions())
            for outside in resources:
                self._stands(number, outside, tensors[outside])
            if isinstance(obj, CapturableResource):
                self.copies[number] = copies.get(obj)
            elif len(resources) == 1 and hasattr(obj, "_write_object_proto"):
                self.handles[number] = tensors[resources[0]]

    def _asset(self, number: int, obj: Asset) -> None:
        path = placeholder(dtypes.string, (), name="asset_path_initializer")
        name = self.graph.unique_name("Variable", mark_as_used=False)
        handle = state.var_handle_op(dtype=dtypes.string, shape=(), shared_name=name, name=name)
        handle._handle_data = (dtypes.string, ())
        assigned = state.assign_variable_op(handle, path, name=f"{name}/Assign")
        self.first.append(assigned)
        value = state.read_variable_op(handle, dtype=dtypes.string)
        with self.graph.control_dependencies([assigned]):
            self.assigned[obj.asset_path._id] = state.read_variable_op(handle, dtype=dtypes.string)
        self._stands(number, obj.asset_path, value)
        self.asset_number[number] = len(self.assets)
        self.assets.append((path, obj))

    # -- functions -----------------------------------------------------------------------------------------------------
    def concrete_functions(self) -> list[ConcreteFunction]:
        found = {id(o): o for o in (*[o for _, o, _ in self.layout if isinstance(o, ConcreteFunction)], *self.others)}
        return list(found.values())

    def _register_functions(self) -> None:
        from penstock.ir.graphdef import library

        for concrete in self.concrete_functions():
            for body in (concrete.graph, *library(concrete.graph).values()):
                if hasattr(body, "name"):
                    self.graph._functions[body.name] = body

    def captures(self, concrete: ConcreteFunction) -> list[int]:
        """The numbers of the objects that stand behind a function's captures; AssertionError for what nothing tracks."""
        numbers = []
        for tensor, inner in zip(concrete.captures(), concrete.graph.inputs[len(concrete._arguments) :]):
            number = self.node_of.get(tensor._id)
            if number is None:
                raise _untracked(concrete, tensor, inner)
            numbers.append(number)
        return numbers

    def call(self, concrete: ConcreteFunction, tensors: list[Any], assets_ready: bool = False) -> list[Any]:
        """Call a function here; gives its tensors, flat."""
        self.captures(concrete)
        assigned = self.assigned if assets_ready else {}
        captured = [assigned.get(t._id, self.inside[t._id]) for t in concrete.captures()]
        graph: Any = concrete.graph
        op = STATEFUL_PARTITIONED_CALL if is_stateful(graph) else PARTITIONED_CALL
        results = op([*tensors, *captured], f=graph, Tout=[t.dtype.base_dtype for t in graph.outputs])
        return results if isinstance(results, list) else [results]

    def _signature(self, key: str, concrete: ConcreteFunction) -> None:
        names = [p.op.name for p in concrete._arguments] if concrete._names is None else list(concrete._names)
        feeds = [placeholder(p.dtype, p._dims, name=f"{key}_{n}") for p, n in zip(concrete._arguments, names)]
        results = self.call(concrete, feeds)
        from penstock.base import nest

        packed = nest.pack_sequence_as(concrete._structure, list(results), expand_composites=True)
        for t, inner in zip(results, concrete.graph.outputs):
            t.set_shape(inner.shape)
        self.signature_defs[key] = build_signature_def(
            {n: build_tensor_info_internal(f) for n, f in zip(names, feeds)}, {k: build_tensor_info_internal(v) for k, v in packed.items()}, c.PREDICT_METHOD_NAME,
        )  # fmt: skip

    def _initialiser(self) -> None:
        done = list(self.first)
        for _, obj, _ in self.layout:
            if not isinstance(obj, CapturableResource):
                continue
            fill = self.view.children(obj).get("_initialize")
            for concrete in self.view.traces.get(id(fill), [fill] if isinstance(fill, ConcreteFunction) else []):
                done.extend(t.op for t in self.call(concrete, [], assets_ready=True)[:1])
        with self.graph.control_dependencies(done):
            op = find("NoOp")(name="NoOp")
        self.signature_defs[c.INIT_OP_SIGNATURE_KEY] = build_signature_def(outputs={c.INIT_OP_SIGNATURE_KEY: build_tensor_info_from_op(op)})
        self.graph.add_to_collection(c.MAIN_OP_KEY, op)

    # -- the saver -----------------------------------------------------------------------------------------------------
    def _saver(self) -> None:
        from penstock.base.proto import saver_pb2

        filename = placeholder(dtypes.string, (), name="saver_filename")
        keys: list[str] = []
        tensors: list[Any] = []
        restorers: list[tuple[int, Any]] = []
        for number, obj, path in self.layout:
            if number in self.handles:
                with door.using(EAGER):  # only the names and types are asked for: the values stay outside
                    values = values_of(obj, path)
                handle = self.handles[number]
                for key, _, _, dtype in values.tensors if values is not None else ():
                    keys.append(key)
                    tensors.append(state.read_variable_op(handle, dtype=dtype))
                    restorers.append((1, lambda v, h=handle, d=dtype: state.assign_variable_op(h, identity(v[0]))))
            elif self.copies.get(number) is not None and not isinstance(obj, RestoredResource):
                copy = self.copies[number]
                values = values_of(copy, path)
                if values is None:
                    continue
                for key, _, tensor, _ in values.tensors:
                    keys.append(key)
                    tensors.append(evaluated(tensor))
                restorers.append((len(values.tensors), values.restore))
        keys.append("_CHECKPOINTABLE_OBJECT_GRAPH")
        tensors.append(door.convert(b"\n\x00"))
        saved = save_v2(filename, keys, [""] * len(keys), tensors, name="save")
        with self.graph.control_dependencies([saved]):
            done = identity(filename, name="save_path")
        keys, tensors = keys[:-1], tensors[:-1]
        restored: list[Any] = []
        if keys:
            values_read = restore_v2(filename, keys, [""] * len(keys), dtypes=[t.dtype.base_dtype for t in tensors], name="restore")
            at = 0
            for count, restore in restorers:
                made = restore(values_read[at : at + count])
                restored.extend(m for m in (made if isinstance(made, (list, tuple)) else [made]) if m is not None)
                at += count
        op = group(*restored, name="restore_all")
        self.saver = saver_pb2.SaverDef(filename_tensor_name=filename.name, save_tensor_name=done.name, restore_op_name=op.name, version=saver_pb2.SaverDef.V2)


def stand_in(variable: Any, object_map: Any, tensor_map: Any) -> list[Any]:
    """Make a variable's stand-in in the graph that is exported; gives the handle that it stands for."""
    graph, dims = door.current(), variable.shape._dims
    name = variable._shared_name
    handle = state.var_handle_op(dtype=variable.dtype.base_dtype, shape=dims, shared_name=graph.unique_name(name, mark_as_used=False), name=name)
    handle._handle_data = (variable.dtype.base_dtype, dims)
    made = object.__new__(type(variable) if isinstance(variable, ResourceVariable) else ResourceVariable)
    for field in ("_synchronization", "_aggregation", "_trainable", "_constraint", "_validate_shape", "_save_slice_info", "_shape", "_dtype"):
        setattr(made, field, getattr(variable, field))
    made._in_graph_mode, made._handle, made._handle_name = True, handle, handle.name
    object_map[variable] = made
    tensor_map[variable.handle] = handle
    return [variable.handle]


def write_variable(variable: Any, proto: Any, options: Any) -> None:
    """Fill the SavedVariable of a SavedObject."""
    held = proto.variable
    held.dtype = variable.dtype.base_dtype.as_datatype_enum
    shape_to_proto(variable.shape._dims, held.shape)
    held.trainable, held.name = bool(variable.trainable), variable._shared_name
    held.synchronization, held.aggregation = variable.synchronization.value, variable.aggregation.value
    if options.experimental_variable_policy._save_variable_devices():
        held.device = variable.device or ""


class _ByIdentity(dict):
    """A dictionary that tells its keys apart by identity: variables and tensors compare by value."""

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(id(key), (key, value))

    def __getitem__(self, key: Any) -> Any:
        return super().__getitem__(id(key))[1]

    def __contains__(self, key: object) -> bool:
        return super().__contains__(id(key))

    def get(self, key: Any, default: Any = None) -> Any:
        return self[key] if key in self else default


def _array(tensor: Any) -> Any:
    import numpy as np

    return np.asarray(tensor._array)


def _untracked(concrete: ConcreteFunction, tensor: Any, inner: Any) -> AssertionError:
    owners = [v for v in concrete.graph.variables if getattr(v, "handle", None) is tensor]
    listed = "".join(f"\n\tTrackable referencing this tensor = <tf.Variable '{o.name}' shape={o.shape} dtype={o.dtype.name}>" for o in owners)
    return AssertionError(
        "Tried to export a function which references an 'untracked' resource. TensorFlow objects (e.g. tf.Variable) captured by functions must be 'tracked' by "
        "assigning them to an attribute of a tracked object or assigned to an attribute of the main object directly. See the information below:"
        f"\n\tFunction name = {concrete.graph.name}\n\tCaptured Tensor = {getattr(tensor, '_array', tensor)!r}{listed}\n\tInternal Tensor = {inner}"
    )
