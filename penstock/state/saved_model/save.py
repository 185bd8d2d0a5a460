"""`tf.saved_model.save`: an object with its functions, variables, tables and assets as a SavedModel."""

import os
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from penstock.base import bundle, dtypes
from penstock.base.export import export
from penstock.base.trackable import Trackable, TrackableReference
from penstock.fronts.concrete import ConcreteFunction
from penstock.fronts.function import Function
from penstock.ir import door
from penstock.ir.defaults import strip_default_attrs, stripped_op_list
from penstock.state.checkpoint_values import evaluated, gather
from penstock.state.object_graph import OBJECT_GRAPH_KEY
from penstock.state.saved_model import constants as c, files, own_gradients
from penstock.state.saved_model.asset import Asset
from penstock.state.saved_model.exported_graph import ExportedGraph
from penstock.state.saved_model.fingerprint import write_fingerprint
from penstock.state.saved_model.function_protos import fill_bare, fill_concrete, fill_function
from penstock.state.saved_model.object_view import CapturedConstant, SavedModelView
from penstock.state.saved_model.options import SaveOptions
from penstock.state.saved_model.restored_objects import registered_identifier
from penstock.state.saved_model.saveable_functions import saveable_functions
from penstock.state.saved_model.signatures import SignatureMap, canonicalise, find_default
from penstock.state.trackable_resource import CapturableResource


@export("saved_model.save", v1=("saved_model.experimental.save",))
def save(obj: Any, export_dir: Any, signatures: Any = None, options: Any = None) -> None:
    """Write an object (a `tf.Module`, ...) with its functions, variables and files as a SavedModel.

    `signatures`: a `tf.function` with an input signature, a concrete function, or a dictionary of them.

    >>> tf.saved_model.save(module, folder, signatures={"serving_default": module.predict})
    """
    _saving(obj, export_dir, signatures, options).run()


def _saving(obj: Any, export_dir: Any, signatures: Any, options: Any) -> "_Saving":
    here = door.current()
    if here.is_graph and here.building_function:
        raise AssertionError("`tf.saved_model.save` is not supported inside a traced @tf.function. Move the call to the outer eagerly-executed context.")
    if here.is_graph:
        raise RuntimeError("`tf.saved_model.save` is not supported in graph mode: use tf.compat.v1.saved_model.Builder, or call it where ops run eagerly.")
    if not isinstance(obj, Trackable):
        raise ValueError("Expected an object of type `Trackable`, such as `tf.Module` or a subclass of the `Trackable` class, for export. "
                         f"Got {obj} with type {type(obj)}.")  # fmt: skip
    options = options or SaveOptions()
    folder = os.fspath(export_dir)
    folder = folder.decode() if isinstance(folder, bytes) else folder
    return _Saving(obj, folder, signatures, options)


class _Paths(Mapping):
    """The path of each saved object from the root: TrackableReferences, looked up by the object itself."""

    def __init__(self, objects: list[Any], paths: dict[int, Any]):
        self._objects = objects
        self._paths = {id(o): tuple(TrackableReference(n, r) for n, r in paths[id(o)]) for o in objects if id(o) in paths}

    def __getitem__(self, node: Any) -> tuple[TrackableReference, ...]:
        return self._paths[id(node)]

    def __iter__(self) -> Iterator[Any]:
        return (o for o in self._objects if id(o) in self._paths)

    def __len__(self) -> int:
        return len(self._paths)


def save_and_return_nodes(
    obj: Any, export_dir: Any, signatures: Any = None, options: Any = None, experimental_skip_checkpoint: bool = False
) -> tuple[list[Any], _Paths]:
    """`tf.saved_model.save`; gives the objects in the order of the model's object graph, and the path of each."""
    saving = _saving(obj, export_dir, signatures, options)
    saving.run(experimental_skip_checkpoint)
    return list(saving.layout.objects), _Paths(saving.layout.objects, saving.view._breadth_first()[1])


class _Saving:
    """One call of `save`."""

    def __init__(self, obj: Any, folder: str, signatures: Any, options: SaveOptions):
        self.root, self.folder, self.options = obj, folder, options
        self.signature_map = SignatureMap({})
        self.view = SavedModelView(obj, self.signature_map)
        if signatures is None:
            signatures = find_default(self.view.children(obj))
        self.signature_map.signatures = canonicalise(signatures)
        self.layout = self.view.layout()

    def run(self, skip_variables: bool = False) -> None:
        self.saveables = saveable_functions(self.layout)
        exported = ExportedGraph(self.view, self.layout, self.signature_map.signatures, [f for s in self.saveables for f in s[2:]])
        exported.build(self.options.experimental_skip_saver)
        message = self._message(exported)
        os.makedirs(self.folder, exist_ok=True)
        if not skip_variables:
            proto, tensors = gather(self.layout)
            self._write_variables(proto, tensors)
        files.copy_assets(self.asset_names, self.folder)
        path = files.write_saved_model(self.folder, message)
        write_fingerprint(self.folder, message, path)

    def _write_variables(self, proto: Any, tensors: list[Any]) -> None:
        os.makedirs(os.path.join(self.folder, c.VARIABLES_DIRECTORY), exist_ok=True)
        os.makedirs(os.path.join(self.folder, c.ASSETS_DIRECTORY), exist_ok=True)
        rows = [(key, spec, _near(evaluated(t)), dtype) for key, spec, t, dtype in tensors]
        data = np.empty((), object)
        data[()] = proto.SerializeToString(deterministic=True)
        bundle.write(files.variables_path(self.folder), [*rows, (OBJECT_GRAPH_KEY, "", data, dtypes.string)])

    # -- the message -------------------------------------------------------------------------------------------------
    def _message(self, exported: ExportedGraph) -> Any:
        from penstock.base.proto import saved_model_pb2

        made = saved_model_pb2.SavedModel(saved_model_schema_version=c.SAVED_MODEL_SCHEMA_VERSION)
        meta = made.meta_graphs.add()
        info = meta.meta_info_def
        info.tags.append(c.SERVING)
        info.tags.extend(self.options.extra_tags or [])
        info.tensorflow_version, info.stripped_default_attrs = "2.21.0", True
        gradients = own_gradients.own_gradients(exported.concrete_functions()) if self.options.experimental_custom_gradients else []
        for g in gradients:
            exported.graph._functions[g.body.name] = g.body
        with own_gradients.named(gradients):
            meta.graph_def.CopyFrom(exported.graph.as_graph_def(add_shapes=True))
        info.stripped_op_list.CopyFrom(stripped_op_list(meta.graph_def))
        strip_default_attrs(meta.graph_def)
        if exported.saver is not None:
            meta.saver_def.CopyFrom(exported.saver)
        for key, signature in exported.signature_defs.items():
            meta.signature_def[key].CopyFrom(signature)
        name = exported.signature_defs[c.INIT_OP_SIGNATURE_KEY].outputs[c.INIT_OP_SIGNATURE_KEY].name
        meta.collection_def[c.MAIN_OP_KEY].node_list.value.append(name)
        for alias, function in self.options.function_aliases.items():
            listed = function._list_all_concrete_functions() if isinstance(function, Function) else [function] if isinstance(function, ConcreteFunction) else list(function)
            for one in listed:
                info.function_aliases[one.name] = alias
        self._assets(meta, exported)
        self._objects(meta.object_graph_def, exported)
        own_gradients.write(gradients, meta, exported)
        return made

    def _assets(self, meta: Any, exported: ExportedGraph) -> None:
        self.asset_names: dict[str, str] = {}
        for tensor, asset in exported.assets:
            path = os.fspath(asset)
            name, i = os.path.basename(path), 1
            while self.asset_names.get(name, path) != path:
                name, i = f"{os.path.basename(path)}_{i}", i + 1
            self.asset_names[name] = path
            definition = meta.asset_file_def.add(filename=name)
            definition.tensor_info.name = tensor.name

    def _objects(self, proto: Any, exported: ExportedGraph) -> None:
        for concrete in exported.concrete_functions():
            fill_concrete(proto.concrete_functions[concrete.graph.name], concrete, exported.captures(concrete))
        for number, obj, _ in self.layout:
            node = proto.nodes.add()
            for name, child in self.layout.edges[number]:
                node.children.add(node_id=child, local_name=name)
            for original, name, slot in self.layout.slots.get(number, ()):
                node.slot_variables.add(original_variable_node_id=original, slot_name=name, slot_variable_node_id=slot)
            self._object(node, number, obj, exported)
        for number, name, save, restore in self.saveables:
            saveable = proto.nodes[number].saveable_objects[name]
            saveable.save_function, saveable.restore_function = len(proto.nodes), len(proto.nodes) + 1
            fill_bare(proto.nodes.add().bare_concrete_function, save)
            fill_bare(proto.nodes.add().bare_concrete_function, restore)

    def _object(self, node: Any, number: int, obj: Any, exported: ExportedGraph) -> None:
        if hasattr(obj, "_write_object_proto"):
            obj._write_object_proto(node, self.options)
        elif isinstance(obj, Asset):
            node.asset.SetInParent()
            node.asset.asset_file_def_index = exported.asset_number[number]
        elif isinstance(obj, CapturedConstant):
            node.constant.operation = exported.inside[obj.tensor._id].op.name
        elif isinstance(obj, Function):
            fill_function(node.function, obj, self.view.traces[id(obj)])
        elif isinstance(obj, ConcreteFunction):
            fill_bare(node.bare_concrete_function, obj)
        elif isinstance(obj, CapturableResource):
            node.resource.SetInParent()
            node.resource.device = getattr(obj, "_resource_device", "") or ""
        else:
            found = registered_identifier(obj)
            if found is not None:
                node.user_object.CopyFrom(found)
            else:
                node.user_object.identifier = _identifier(obj)
                node.user_object.version.producer = node.user_object.version.min_consumer = 1


_IDENTIFIERS = {"ListWrapper": "trackable_list_wrapper", "List": "trackable_list_wrapper", "_DictWrapper": "trackable_dict_wrapper",
                "Mapping": "trackable_dict_wrapper", "_TupleWrapper": "trackable_tuple_wrapper", "SignatureMap": "signature_map",
                "_SignatureMap": "signature_map"}  # fmt: skip


def _identifier(obj: Any) -> str:
    found = _IDENTIFIERS.get(type(obj).__name__)
    return found if found is not None and type(obj).__module__.startswith("penstock.") else obj._object_identifier


def _near(value: Any) -> Any:
    return np.asarray(value._array) if hasattr(value, "_array") else np.asarray(value)
