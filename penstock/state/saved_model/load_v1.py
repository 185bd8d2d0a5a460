"""SavedModels of 1.x loaded by 2.x code: the graph becomes a function, its signatures parts of it, its variables objects."""

import itertools
from typing import Any

from penstock.base import nest
from penstock.fronts.import_graph import import_graph_def
from penstock.fronts.lift import init_scope
from penstock.fronts.trace import FuncGraph, fresh_name
from penstock.fronts.wrap_function import WrappedFunction
from penstock.ir import door
from penstock.ir.type_spec import TensorSpec
from penstock.state.auto_trackable import AutoTrackable
from penstock.state.saved_model import constants as c, files
from penstock.state.saved_model.asset import Asset
from penstock.state.saved_model.ref_to_resource import with_handles
from penstock.state.saved_model.restored_function import LoadedConcrete
from penstock.state.saved_model.restored_objects import _SignatureMap, variable_of
from penstock.state.saved_model.safety import check_safe
from penstock.state.saved_model.signature_defs import get_tensor_from_tensor_info
from penstock.state.trackable_resource import CapturableResource

_loads = itertools.count(1)


class _Initializer(CapturableResource):
    """What fills the tables of a graph from the assets that came with it."""

    def __init__(self, init_fn: Any, asset_paths: Any):
        super().__init__()
        self._asset_paths, self._init_fn = asset_paths, init_fn

    def _create_resource(self) -> Any:
        return door.convert(1.0)

    def _initialize(self) -> Any:
        return self._init_fn(*[a.asset_path for a in self._asset_paths])


def load_v1(export_dir: str, saved_model: Any, tags: Any) -> tuple[Any, Any]:
    """The root object and the MetaGraphDef of the graph that has these tags (or of the only one)."""
    if tags is None:
        if len(saved_model.meta_graphs) != 1:
            there = [list(m.meta_info_def.tags) for m in saved_model.meta_graphs]
            raise ValueError(f"Importing a SavedModel with `tf.saved_model.load` requires a `tags=` argument if there is more than one MetaGraph. Got "
                             f"`tags=None`, but there are {len(there)} MetaGraphs in the SavedModel with tag sets: {there}. Pass a `tags=` argument to load "
                             "this SavedModel.")  # fmt: skip
        meta = saved_model.meta_graphs[0]
    else:
        meta = files.find_meta_graph(saved_model, tags)
    check_safe(meta.graph_def, export_dir)
    try:
        with init_scope():
            return _load(export_dir, meta), meta
    except KeyError as e:
        raise ValueError(f"The SavedModel at {export_dir} names what its graph does not have: {e.args[0] if e.args else e}") from None


def _load(export_dir: str, meta: Any) -> Any:
    graph_def, handles = with_handles(meta.graph_def)
    suffix = f"_load_v1_{next(_loads)}".encode()
    for node in graph_def.node:
        if "Table" in node.op and "shared_name" in node.attr:
            node.attr["shared_name"].s = (node.attr["shared_name"].s or node.name.encode()) + suffix
    trainable = _names_in(meta, "trainable_variables")
    listed = _names_in(meta, "variables")
    graph = FuncGraph(fresh_name("__inference_pruned"))
    variables: dict[str, Any] = {}
    with door.using(graph), door.watching(None):
        mapped = {}
        for name, node in handles.items():
            variable = variables[name] = _variable(name, node, name in trainable or not trainable)
            graph._variables[id(variable)] = variable
            mapped[f"{name}:0"] = graph.capture(variable.handle)
        import_graph_def(graph_def, name="", input_map=mapped, producer_op_list=meta.meta_info_def.stripped_op_list or None)
    wrapped = WrappedFunction(graph, [], ((), {}), None)
    wrapped.finish([])
    _restore(wrapped, meta, export_dir)
    root = AutoTrackable()
    assets = files.asset_tensors(export_dir, meta)
    paths = [Asset(path) for path in assets.values()]
    root.asset_paths = paths
    init = _init_op(graph, meta)
    run = wrapped.prune(list(assets), [init]) if init is not None else lambda *_: None
    root.initializer = _Initializer(run, paths)
    root.initializer._initialize()
    signatures = _SignatureMap()
    for key, signature in meta.signature_def.items():
        if key not in (c.INIT_OP_SIGNATURE_KEY, c.TRAIN_OP_SIGNATURE_KEY) and signature.outputs:
            signatures._add_signature(key, _signature(wrapped, signature))
    root.signatures = signatures
    root.variables = [variables[n] for n in listed if n in variables] or list(variables.values())
    object.__setattr__(root, "graph", graph)
    object.__setattr__(root, "prune", wrapped.prune)
    object.__setattr__(root, "restore", lambda path: _restore(wrapped, meta, export_dir, path))
    object.__setattr__(root, "_wrapped", wrapped)
    return root


def _names_in(meta: Any, key: str) -> list[str]:
    """The names of the handles of the variables in a collection."""
    from penstock.base.proto import variable_pb2

    if key not in meta.collection_def:
        return []
    found = [variable_pb2.VariableDef.FromString(d) for d in meta.collection_def[key].bytes_list.value]
    return [f.variable_name.partition(":")[0] for f in found]


def _variable(name: str, node: Any, trainable: bool) -> Any:
    from penstock.base.proto import saved_object_graph_pb2

    proto = saved_object_graph_pb2.SavedVariable(dtype=node.attr["dtype"].type % 100, trainable=trainable, name=name)
    proto.shape.CopyFrom(node.attr["shape"].shape)
    if node.op == "Variable" and not len(proto.shape.dim):
        proto.shape.unknown_rank = True
    from penstock.fronts.lift import outermost

    with door.using(outermost()):
        return variable_of(proto, None, 0)


def _init_op(graph: Any, meta: Any) -> Any:
    if c.INIT_OP_SIGNATURE_KEY in meta.signature_def:
        return graph.as_graph_element(meta.signature_def[c.INIT_OP_SIGNATURE_KEY].outputs[c.INIT_OP_SIGNATURE_KEY].name)
    for key in (c.MAIN_OP_KEY, c.LEGACY_INIT_OP_KEY):
        if key in meta.collection_def and meta.collection_def[key].node_list.value:
            return graph.as_graph_element(meta.collection_def[key].node_list.value[0])
    return None


def _restore(wrapped: WrappedFunction, meta: Any, export_dir: str, path: str | None = None) -> None:
    """Run the saver's restoring part of the graph."""
    import os

    prefix = path or files.variables_path(export_dir)
    saver = meta.saver_def
    if not saver.restore_op_name or (path is None and not os.path.exists(f"{prefix}.index")):
        return
    restore = wrapped.prune([saver.filename_tensor_name], wrapped.graph.as_graph_element(saver.restore_op_name))
    restore(door.convert(prefix.encode()))


def _signature(wrapped: WrappedFunction, signature: Any) -> LoadedConcrete:
    """The part of the graph between a signature's inputs and outputs."""
    names = sorted(signature.inputs)
    values = {k: get_tensor_from_tensor_info(signature.inputs[k], wrapped.graph) for k in names}
    results = {k: get_tensor_from_tensor_info(info, wrapped.graph) for k, info in sorted(signature.outputs.items())}
    feeds = nest.flatten([values[k] for k in names], expand_composites=True)
    flat = nest.flatten(results, expand_composites=True)
    part = wrapped.prune(feeds, flat, name=fresh_name("__inference_signature_wrapper"))
    spec = lambda t, name: TensorSpec(t.shape, t.dtype.base_dtype, name) if not hasattr(t, "_type_spec") or hasattr(t, "op") else t._type_spec
    inputs = {k: spec(v, k) for k, v in values.items()}
    made = LoadedConcrete(part.graph, len(feeds), ((), inputs), {k: spec(v, k) for k, v in results.items()})
    keywords = []
    for k in names:
        parts = nest.flatten(values[k], expand_composites=True)
        keywords += [k] if len(parts) == 1 else [f"{k}_{i}" for i in range(len(parts))]
    made._keywords, made._positional = keywords, 1 if len(keywords) == 1 else 0
    return made
