"""`tf.saved_model.load`: the objects of a SavedModel, with their functions, variables, tables and assets."""

import itertools
import os
from typing import Any

from penstock.base import bundle
from penstock.base.errors import NotFoundError
from penstock.base.export import export
from penstock.base.trackable import Trackable
from penstock.fronts.backprop import registered as registered_gradients
from penstock.fronts.default_graph import get_default_graph
from penstock.fronts.import_graph import Library
from penstock.fronts.lift import init_scope
from penstock.fronts.trace import fresh_name
from penstock.ir import door
from penstock.ir.spec_proto import value_from_proto
from penstock.ir.tensor import Tensor
from penstock.ir.tensor_proto import proto_to_array
from penstock.state.checkpoint_values import values_of
from penstock.state.collections import GraphKeys
from penstock.state.saved_model import files
from penstock.state.saved_model.asset import Asset
from penstock.state.saved_model.options import LoadOptions
from penstock.state.saved_model.restored_function import LoadedConcrete, RestoredFunction, parameters_of
from penstock.state.saved_model.restored_objects import (
    RestoredResource,
    _SignatureMap,
    registered_types,
    revive,
    set_child,
    user_object,
    variable_of,
)
from penstock.state.saved_model.safety import check_safe
from penstock.state.trackable_data import ListWrapper, _DictWrapper, set_list_item
from penstock.state.trackable_resource import CapturableResource

_loads = itertools.count(1)


class Loader:
    """One loading of a SavedModel's object graph."""

    def __init__(self, meta_graph: Any, saved_model: Any, export_dir: str, options: LoadOptions, filters: Any = None):
        self.meta, self.export_dir, self.options = meta_graph, export_dir, options
        self.proto = meta_graph.object_graph_def
        self.paths = {} if filters is None else {path: self._number_at(path) for path in filters}
        self.given = self._given(filters) if isinstance(filters, dict) else {}
        self.wanted = None if filters is None or 0 in self.paths.values() else self._below(self.paths.values())
        self.number = next(_loads)
        self.constants = {n.name: n for n in meta_graph.graph_def.node if n.op == "Const"}
        self.values = _Values(self.proto, export_dir, options)
        self.library = _library(meta_graph.graph_def.library, self.number)
        self.concrete: dict[str, LoadedConcrete] = {}
        self.bound: set[str] = set()
        self.nodes: list[Any] = []
        self.setters: list[Any] = []

    def load(self) -> Any:
        self._check()
        slots = self._slot_variables()
        for number, proto in enumerate(self.proto.nodes):
            node, setter = (None, setattr) if number in slots or not self._wants(number) else self._make(number, proto)
            self.nodes.append(node)
            self.setters.append(setter)
        for number, (optimizer, original, name) in slots.items():
            self._slot(number, optimizer, original, name)
        self._functions()
        self._edges()
        self._captures()
        self._gradients()
        self.values.restore_others(self)
        for number, node in enumerate(self.nodes):
            if isinstance(node, RestoredResource) or number in self.given and isinstance(node, CapturableResource):
                made = node._initialize()
                if made is not None and door.current().is_graph:
                    get_default_graph().add_to_collection(GraphKeys.TABLE_INITIALIZERS, getattr(made, "op", made))
        return self.nodes[0]

    def _check(self) -> None:
        count = len(self.proto.nodes)
        if count == 0:
            raise ValueError(f"The SavedModel at {self.export_dir} holds an object graph without objects")
        for number, node in enumerate(self.proto.nodes):
            for child in (*node.children, *node.dependencies):
                if not 0 <= child.node_id < count:
                    raise ValueError(f"Object {number} of the SavedModel depends on object {child.node_id} as {child.local_name!r}, but there are {count} objects")
        for name, concrete in self.proto.concrete_functions.items():
            for bound in concrete.bound_inputs:
                if not 0 <= bound < count:
                    raise ValueError(f"Function {name!r} of the SavedModel captures object {bound}, but there are {count} objects")

    # -- parts of a model --------------------------------------------------------------------------------------------
    def _number_at(self, path: str) -> int:
        """The number of the object at a path such as `root.layer.kernel`."""
        first, *steps = path.split(".")
        if first != "root":
            raise ValueError(f"When passing string identifiers to node_filters, the first name must be root. Received {first}.")
        at = 0
        for i, step in enumerate(steps):
            children = {c.local_name: c.node_id for c in self.proto.nodes[at].children}
            if step not in children:
                raise ValueError(f"Unable to find a child node of {'.'.join(['root', *steps[:i]])} named {step!r}: there are {sorted(children)}")
            at = children[step]
        return at

    def _given(self, filters: dict[str, Any]) -> dict[int, tuple[Any, Any]]:
        """{number: (object that takes the place of the saved one, how its attributes are set)}."""
        found = {self.paths[path]: one for path, one in filters.items() if one is not None}
        return {number: one if isinstance(one, tuple) else (one, setattr) for number, one in found.items()}

    def _below(self, roots: Any) -> set[int]:
        """The numbers of the objects that these need: their children, and what their functions capture."""
        stack, seen = list(roots), set(roots)
        while stack:
            node = self.proto.nodes[stack.pop()]
            near = [c.node_id for c in (*node.children, *node.dependencies)]
            near += [n for s in node.saveable_objects.values() for n in (s.save_function, s.restore_function)]
            names = [*node.function.concrete_functions, node.bare_concrete_function.concrete_function_name]
            near += [n for name in names if name in self.proto.concrete_functions for n in self.proto.concrete_functions[name].bound_inputs]
            stack += [n for n in near if n not in seen]
            seen.update(near)
        return seen

    def _wants(self, number: int) -> bool:
        return self.wanted is None or number in self.wanted

    def _slot_variables(self) -> dict[int, tuple[int, int, str]]:
        """{number of a variable: (its optimizer, the variable that it belongs to, its name there)}, where the optimizer makes such."""
        found = {}
        for number, proto in enumerate(self.proto.nodes):
            maker = self.given[number][0] if number in self.given else None
            if proto.slot_variables and (hasattr(maker, "add_slot") or proto.user_object.identifier in registered_types):
                for slot in proto.slot_variables:
                    found[slot.slot_variable_node_id] = (number, slot.original_variable_node_id, slot.slot_name)
        return found

    def _slot(self, number: int, optimizer: int, original: int, name: str) -> None:
        maker, variable = self.nodes[optimizer], self.nodes[original]
        if not hasattr(maker, "add_slot") or variable is None:
            self.nodes[number], self.setters[number] = self._make(number, self.proto.nodes[number])
            return
        made = self.nodes[number] = maker.add_slot(var=variable, slot_name=name)
        self._take_value(number, made)

    def _take_value(self, number: int, variable: Any) -> None:
        """Give a variable that is there already its value of the checkpoint."""
        value = self.values.of(number, self.proto.nodes[number])
        if value is not None:
            variable.assign(value() if callable(value) else value)

    # -- objects -----------------------------------------------------------------------------------------------------
    def _make(self, number: int, proto: Any) -> tuple[Any, Any]:
        kind = proto.WhichOneof("kind")
        if number in self.given:
            if kind == "variable":
                self._take_value(number, self.given[number][0])
            return self.given[number]
        if kind == "user_object":
            return self._user_object(proto.user_object)
        if kind == "asset":
            if not 0 <= proto.asset.asset_file_def_index < len(self.meta.asset_file_def):
                raise ValueError(f"Object {number} of the SavedModel is asset {proto.asset.asset_file_def_index}, there are {len(self.meta.asset_file_def)}")
            return Asset._deserialize_from_proto(proto.asset, self.export_dir, self.meta.asset_file_def), setattr
        if kind == "variable":
            return variable_of(proto.variable, self.values.of(number, proto), number), setattr
        if kind == "constant":
            return self._constant(proto.constant), setattr
        if kind == "resource":
            return RestoredResource(proto.resource.device), setattr
        if kind in ("function", "bare_concrete_function", "captured_tensor"):
            return None, setattr  # made once everything that they capture is there
        return user_object(), set_child

    def _user_object(self, proto: Any) -> tuple[Any, Any]:
        found = revive(proto)
        if found is not None:
            return found
        if proto.identifier == "trackable_list_wrapper":
            return ListWrapper([]), _set_item
        if proto.identifier == "trackable_dict_wrapper":
            return _DictWrapper({}), lambda d, k, v: d.__setitem__(k, v)
        if proto.identifier == "trackable_tuple_wrapper":
            return ListWrapper([]), _set_item  # as TensorFlow does
        if proto.identifier == "signature_map":
            return _SignatureMap(), _set_signature
        return user_object(), set_child

    def _constant(self, proto: Any) -> Any:
        node = self.constants.get(proto.operation)
        if node is None:
            raise ValueError(f"The SavedModel captures the constant {proto.operation!r}, which its graph does not have")
        return door.convert(proto_to_array(node.attr["value"].tensor))

    # -- functions ---------------------------------------------------------------------------------------------------
    def _functions(self) -> None:
        for number, proto in enumerate(self.proto.nodes):
            kind = proto.WhichOneof("kind")
            if kind == "bare_concrete_function" and self._wants(number):
                bare = proto.bare_concrete_function
                made = self._concrete(bare.concrete_function_name)
                if bare.argument_keywords or not bare.HasField("function_spec"):
                    made._keywords, made._positional = list(bare.argument_keywords), bare.allowed_positional_arguments
                if bare.HasField("function_spec"):
                    made._parameters = parameters_of(bare.function_spec)[0]
                self.nodes[number] = made
        for number, proto in enumerate(self.proto.nodes):
            if proto.WhichOneof("kind") == "function" and self._wants(number):
                parameters, signature = parameters_of(proto.function.function_spec)
                concrete = [self._concrete(n) for n in proto.function.concrete_functions]
                for one in concrete:
                    if one._parameters is None:
                        one._parameters = parameters
                name = _plain_name(proto.function.concrete_functions[0]) if concrete else "restored_function"
                self.nodes[number] = RestoredFunction(name, parameters, signature, concrete)

    def _concrete(self, name: str) -> LoadedConcrete:
        found = self.concrete.get(name)
        if found is None:
            if name not in self.proto.concrete_functions:
                raise ValueError(f"The SavedModel's objects name the function {name!r}, which it does not have")
            proto = self.proto.concrete_functions[name]
            body = self.library[name]
            signature = value_from_proto(proto.canonicalized_input_signature)
            if not (isinstance(signature, (tuple, list)) and len(signature) == 2):
                signature = ((), {})
            count = len(body.inputs) - len(proto.bound_inputs)
            if count < 0:
                raise ValueError(f"Function {name!r} takes {len(body.inputs)} tensors, the SavedModel binds {len(proto.bound_inputs)}")
            found = self.concrete[name] = LoadedConcrete(body, count, signature, value_from_proto(proto.output_signature))
        return found

    def _edges(self) -> None:
        for number, proto in enumerate(self.proto.nodes):
            if proto.WhichOneof("kind") in ("function", "bare_concrete_function", "captured_tensor", "variable", "constant", "asset"):
                continue
            if not self._wants(number):
                continue
            for child in proto.children:
                if self.nodes[child.node_id] is not None:
                    self.setters[number](self.nodes[number], child.local_name, self.nodes[child.node_id])

    def _captures(self) -> None:
        """Bind what the functions capture; those that make resources come first."""
        makers = [n._functions["_create_resource"] for n in self.nodes if isinstance(n, RestoredResource) and "_create_resource" in n._functions]
        for maker in makers:
            for concrete in getattr(maker, "concrete_functions", (maker,)):
                self._bind(concrete)
        for concrete in list(self.concrete.values()):
            self._bind(concrete)

    def _bind(self, concrete: LoadedConcrete) -> None:
        name = next(n for n, f in self.concrete.items() if f is concrete)
        if name in self.bound:
            return
        self.bound.add(name)
        captures = []
        for number in self.proto.concrete_functions[name].bound_inputs:
            node = self.nodes[number]
            if self.proto.nodes[number].WhichOneof("kind") == "variable":
                concrete.graph._variables[id(node)] = node
            captures.append(self._tensor(number, node))
        concrete.bind(captures)

    def _tensor(self, number: int, node: Any) -> Any:
        """The tensor that stands for an object that a function captures."""
        if isinstance(node, Tensor):
            return node
        if hasattr(node, "handle"):
            return node.handle
        if isinstance(node, Asset):
            return node.asset_path
        if isinstance(node, RestoredResource):
            return node.resource_handle
        if hasattr(node, "resource_handle"):
            return node.resource_handle
        kind = self.proto.nodes[number].WhichOneof("kind")
        raise ValueError(f"A function of the SavedModel captures object {number}, a {kind}, which no tensor stands for")

    # -- gradients of the model's own --------------------------------------------------------------------------------
    def _gradients(self) -> None:
        for one in self.meta.graph_def.library.registered_gradients:
            if one.gradient_func in self.proto.concrete_functions:
                _register(self, one.registered_op_type, one.gradient_func)


def _register(loader: Loader, op_type: str, name: str) -> None:
    proto = loader.proto.concrete_functions[name]
    body = loader.library[name]
    count = len(body.inputs) - len(proto.bound_inputs)
    structure = value_from_proto(proto.output_signature)

    def gradient(node: Any, *dys: Any) -> Any:
        captured = []
        for number in proto.bound_inputs:
            kept = loader.proto.nodes[number]
            if kept.WhichOneof("kind") == "captured_tensor":
                captured.append(node.graph.get_tensor_by_name(kept.captured_tensor.name))
            else:  # the body that is differentiated knows it, as one of its captures
                outer = loader._tensor(number, loader.nodes[number])
                inside = [i for o, i in getattr(node.graph, "_captured", {}).values() if o is outer]
                captured.append(inside[0] if inside else outer)
        concrete = LoadedConcrete(body, count, ((), {}), structure)
        concrete._captures = captured
        found = concrete.call_flat(list(dys)[:count])
        found = list(found) if isinstance(found, (list, tuple)) else [found]
        return found[1:] if len(found) == len(node.inputs) + 1 else found

    registered_gradients[loader.library.gradients[op_type]] = gradient


class _Values:
    """The values of a SavedModel's checkpoint, found by walking its objects and the model's side by side."""

    def __init__(self, objects: Any, export_dir: str, options: LoadOptions):
        self.prefix = files.variables_path(export_dir)
        self.reader: Any = None
        self.attributes: dict[int, list[Any]] = {}
        self.partial = options.allow_partial_checkpoint
        self.skipped = options.experimental_skip_checkpoint
        if self.skipped or not os.path.exists(f"{self.prefix}.index"):
            return
        self.reader = bundle.Reader(self.prefix)
        key = "_CHECKPOINTABLE_OBJECT_GRAPH"
        if key in self.reader.entries:
            self._walk(objects, self.reader.tensor(key).item())

    def _walk(self, objects: Any, data: bytes) -> None:
        from penstock.base.proto import trackable_object_graph_pb2

        held = trackable_object_graph_pb2.TrackableObjectGraph.FromString(data)
        stack, seen = [(0, 0)], {0}
        while stack:
            here, there = stack.pop()
            if not 0 <= there < len(held.nodes):
                continue
            self.attributes[here] = list(held.nodes[there].attributes)
            names = {child.local_name: child.node_id for child in held.nodes[there].children}
            for child in objects.nodes[here].children:
                if child.local_name in names and child.node_id not in seen and 0 <= child.node_id < len(objects.nodes):
                    seen.add(child.node_id)
                    stack.append((child.node_id, names[child.local_name]))

    def of(self, number: int, proto: Any) -> Any:
        """The value of a variable, None when there is none; a restoring op in a graph."""
        if self.reader is None:
            return None
        from penstock.base.dtypes import as_dtype

        keys = [a.checkpoint_key for a in self.attributes.get(number, ())]
        if not keys:
            if self.partial:
                return None
            keys = [f"{proto.variable.name}"] if proto.variable.name in self.reader.entries else []
            if not keys:
                return None
        if door.current().is_graph:
            from penstock.ops.checkpoint import restore_v2

            return lambda: restore_v2(self.prefix, [keys[0]], [""], dtypes=[as_dtype(proto.variable.dtype)])[0]
        if keys[0] not in self.reader.entries:
            if self.partial:
                return None
            raise NotFoundError(None, None, f"Key {keys[0]} not found in checkpoint {self.prefix}")
        return self.reader.tensor(keys[0])

    def restore_others(self, loader: Loader) -> None:
        """Give resources that save themselves their values, by the model's own restoring functions."""
        for number, proto in enumerate(loader.proto.nodes):
            if proto.WhichOneof("kind") == "variable" or not loader._wants(number):
                continue
            if number in loader.given:
                self._restore_given(number, loader.given[number][0])
                continue
            for name, saveable in proto.saveable_objects.items():
                functions = []
                for at in (saveable.save_function, saveable.restore_function):
                    if not 0 <= at < len(loader.nodes):
                        raise ValueError(f"Object {number} of the SavedModel is saved by object {at}, but there are {len(loader.nodes)} objects")
                    listed = getattr(loader.nodes[at], "concrete_functions", (loader.nodes[at],))
                    functions += [f for f in listed[:1] if isinstance(f, LoadedConcrete)]
                if len(functions) < 2:
                    continue
                if isinstance(loader.nodes[number], RestoredResource):
                    loader.nodes[number]._saveables[name] = tuple(functions)
                keys = self._keys_of(number, name)
                if keys and len(keys) == len(functions[1]._arguments):
                    functions[1].call_flat([door.convert(self.reader.tensor(k)) for k in keys])

    def _restore_given(self, number: int, obj: Any) -> None:
        """Give an object that is there already what the checkpoint holds for the saved one."""
        keys = {a.name: a.checkpoint_key for a in self.attributes.get(number, ())}
        if not keys or self.reader is None or not isinstance(obj, Trackable):
            return
        held = values_of(obj, ())
        if held is None:
            return
        wanted = [keys[a.name] + t[0].removeprefix(a.key) for a in held.attributes if a.name in keys for t in a.tensors]
        if len(wanted) == len(held.tensors) and all(k in self.reader.entries for k in wanted):
            held.restore([door.convert(self.reader.tensor(k)) for k in wanted])

    def _keys_of(self, number: int, name: str) -> list[str]:
        """The keys of the tensors that an object keeps under an attribute."""
        if self.reader is None:
            return []
        for a in self.attributes.get(number, ()):
            if a.name == name:
                key = a.checkpoint_key
                return [key] if key in self.reader.entries else sorted(k for k in self.reader.entries if k.startswith(f"{key}-"))
        return []


def _set_signature(held: _SignatureMap, name: str, value: Any) -> None:
    if not isinstance(value, LoadedConcrete):
        raise ValueError(f"The signature {name!r} of the SavedModel is no concrete function")
    held._add_signature(name, value)


def _set_item(held: ListWrapper, index: str, value: Any) -> None:
    """Put an element into a list that is being built: at the end where it belongs there."""
    if int(index) == len(held):
        held.append(value)
    else:
        set_list_item(held, index, value)


def _plain_name(name: str) -> str:
    return name.removeprefix("__inference_").rpartition("_")[0] or name


def _library(library: Any, number: int) -> Library:
    """The functions of a model, under names that no other load has; their tables are the load's own."""
    made = _LoadedLibrary(library.function)
    made.gradients = {g.registered_op_type: fresh_name(f"{g.registered_op_type}_load") for g in library.registered_gradients}
    suffix = f"_load_{number}".encode()
    for function in made.definitions.values():
        for node in function.node_def:
            if "shared_name" in node.attr and "Table" in node.op:
                node.attr["shared_name"].s = (node.attr["shared_name"].s or node.name.encode()) + suffix
    return made


class _LoadedLibrary(Library):
    gradients: dict[str, str] = {}

    def gradient_name(self, name: str) -> str | None:
        return self.gradients.get(name)

    def body_name(self, name: str) -> str:
        return fresh_name(f"__inference_{_plain_name(name)}")


@export(v2=("__internal__.saved_model.load_partial",))
def load_partial(export_dir: Any, filters: Any, tags: Any = None, options: Any = None) -> dict[str, Any]:
    """{path: object} of parts of a SavedModel, each with what it needs.

    `filters`: paths such as `root.layer`; as a dictionary, an object given for a path takes the place of the saved
    one and gets its values (`(object, setter)`: with the function that sets its attributes).
    """
    return _load(export_dir, tags, options, filters if isinstance(filters, dict) else list(filters))


@export(v2=("saved_model.load",), v1=("saved_model.load_v2",))
def load(export_dir: Any, tags: Any = None, options: Any = None) -> Any:
    """Load a SavedModel: an object with the functions, variables and objects of the one that was saved, and its `signatures`.

    >>> model = tf.saved_model.load(folder)
    >>> model.signatures["serving_default"](x=tf.constant([1.0]))
    """
    return _load(export_dir, tags, options)


def _load(export_dir: Any, tags: Any, options: Any, filters: Any = None) -> Any:
    if tags is not None and not isinstance(tags, set):
        tags = {tags} if isinstance(tags, str) else set(tags)
    folder = os.fspath(export_dir)
    folder = folder.decode() if isinstance(folder, bytes) else folder
    saved_model = files.parse_saved_model(folder)
    options = LoadOptions() if options is None else options
    options.experimental_io_device  # noqa: B018 - something that is no LoadOptions fails here
    if len(saved_model.meta_graphs) == 1 and saved_model.meta_graphs[0].HasField("object_graph_def"):
        meta = saved_model.meta_graphs[0]
        there = set(meta.meta_info_def.tags)
        if tags is not None and tags != there:
            raise ValueError(f"Got an incompatible argument to `tags`: {sorted(tags)}. The SavedModel at {folder} has one MetaGraph with tags "
                             f"{sorted(there)}. You may omit the argument, pass 'None', or pass matching tags.")  # fmt: skip
        check_safe(meta.graph_def, folder)
        with init_scope():
            loader = Loader(meta, saved_model, folder, options, filters)
            root = loader.load()
        if filters is not None:
            return {path: loader.nodes[number] for path, number in loader.paths.items()}
    elif filters is not None:
        raise ValueError("Parts can only be loaded of SavedModels that `tf.saved_model.save` of 2.x wrote")
    else:
        if options.experimental_skip_checkpoint:
            raise ValueError("SavedModels of version 1 cannot be loaded without their checkpoint: leave out experimental_skip_checkpoint")
        from penstock.state.saved_model.load_v1 import load_v1

        root, meta = load_v1(folder, saved_model, tags)
    root.tensorflow_version = meta.meta_info_def.tensorflow_version
    root.tensorflow_git_version = meta.meta_info_def.tensorflow_git_version
    root.graph_debug_info = None
    return root
