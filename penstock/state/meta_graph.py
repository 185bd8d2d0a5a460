"""MetaGraphs: a graph with its collections and its saver, in one file."""

import os
from collections.abc import Callable
from typing import Any

from penstock.base.export import export
from penstock.base.files import write_whole
from penstock.fronts.default_graph import get_default_graph
from penstock.fronts.import_graph import import_graph_def
from penstock.ir import door
from penstock.ir.defaults import all_nodes, strip_default_attrs as strip_default_values, stripped_op_list
from penstock.ir.graph import Graph, GraphTensor, Operation
from penstock.ir.older_readers import drop_hints
from penstock.state.collections import GraphKeys
from penstock.state.saver import Saver
from penstock.state.variable import VariableV1

proto_functions: dict[str, tuple[Callable[[], type], Callable[..., Any]]] = {}
"""Collection -> (the protocol buffer of its elements, how an element is made from one)."""
to_proto_functions: dict[str, Callable[..., Any]] = {}
"""Collection -> how its elements are written, for those whose elements cannot say it themselves."""


def _variable_def() -> type:
    from penstock.base.proto import variable_pb2

    return variable_pb2.VariableDef


for _key in GraphKeys._VARIABLE_COLLECTIONS + [GraphKeys.GLOBAL_STEP]:
    proto_functions[_key] = (_variable_def, VariableV1.from_proto)


def _fill(collection: Any, values: list[Any], export_scope: str | None, to_proto: Any = None) -> bool:
    """Write the elements of a collection; False when they are of a kind that cannot be written."""
    if to_proto is not None:
        made = [to_proto(v, export_scope=export_scope) for v in values]
        collection.bytes_list.value.extend(m.SerializeToString() for m in made if m is not None)
        return True
    strip = lambda n: n[len(export_scope) :].lstrip("/") if export_scope and n.startswith(export_scope) else n
    for v in values:
        if isinstance(v, (GraphTensor, Operation)):
            collection.node_list.value.append(strip(v.name))
        elif hasattr(v, "to_proto"):
            made = v.to_proto(export_scope=export_scope)
            if made is not None:
                collection.bytes_list.value.append(made.SerializeToString())
        elif isinstance(v, (str, bytes)):
            collection.bytes_list.value.append(v.encode() if isinstance(v, str) else v)
        elif isinstance(v, bool | int):
            collection.int64_list.value.append(int(v))
        elif isinstance(v, float):
            collection.float_list.value.append(v)
        elif hasattr(v, "SerializeToString"):
            collection.bytes_list.value.append(v.SerializeToString())
        else:
            return False
    return True


def export_meta_graph(filename: str | None = None, meta_info_def: Any = None, graph_def: Any = None, saver_def: Any = None, collection_list: Any = None,
                      as_text: bool = False, graph: Any = None, export_scope: str | None = None, clear_devices: bool = False,
                      strip_default_attrs: bool = False) -> Any:  # fmt: skip
    """The MetaGraphDef of a graph, written to `filename` when one is given."""
    from penstock.base.proto import meta_graph_pb2

    graph = graph or get_default_graph()
    made = meta_graph_pb2.MetaGraphDef()
    if meta_info_def is not None:
        made.meta_info_def.CopyFrom(meta_info_def)
    made.meta_info_def.tensorflow_version = "2.21.0"
    made.meta_info_def.stripped_default_attrs = strip_default_attrs
    made.graph_def.CopyFrom(graph_def if graph_def is not None else graph.as_graph_def(add_shapes=True))
    if export_scope:
        nodes = [n for n in made.graph_def.node if n.name.startswith(f"{export_scope}/")]
        kept = type(made.graph_def)()
        kept.versions.CopyFrom(made.graph_def.versions)
        cut = len(export_scope) + 1
        for n in nodes:
            n.name = n.name[cut:]
            for i, name in enumerate(n.input):
                mark, bare = ("^", name[1:]) if name.startswith("^") else ("", name)
                n.input[i] = mark + (bare[cut:] if bare.startswith(f"{export_scope}/") else bare)
            kept.node.add().CopyFrom(n)
        made.graph_def.CopyFrom(kept)
    if clear_devices:
        for n in made.graph_def.node:
            n.device = ""
    for key in collection_list if collection_list is not None else graph.get_all_collection_keys():
        scratch = meta_graph_pb2.CollectionDef()
        if _fill(scratch, graph.get_collection(key), export_scope, to_proto_functions.get(key)):
            made.collection_def[key].CopyFrom(scratch)
    if saver_def is not None:
        made.saver_def.MergeFrom(saver_def)
    drop_hints(all_nodes(made.graph_def))
    made.meta_info_def.stripped_op_list.CopyFrom(stripped_op_list(made.graph_def))
    if strip_default_attrs:
        strip_default_values(made.graph_def)
    if filename:
        from google.protobuf import text_format

        folder = os.path.dirname(os.path.abspath(filename))
        os.makedirs(folder, exist_ok=True)
        write_whole(filename, [text_format.MessageToString(made).encode() if as_text else made.SerializeToString()])
    return made


@export(v1=("train.export_meta_graph",))
def export_meta_graph_v1(
    filename: str | None = None, meta_info_def: Any = None, graph_def: Any = None, saver_def: Any = None, collection_list: Any = None,
    as_text: bool = False, graph: Any = None, export_scope: str | None = None, clear_devices: bool = False, clear_extraneous_savers: bool = False,
    strip_default_attrs: bool = False, save_debug_info: bool = False, **kwargs: Any,
) -> Any:  # fmt: skip
    """The graph, its collections and a saver as a MetaGraphDef, written to `filename` when one is given."""
    if not door.current().is_graph:
        raise RuntimeError(
            "Exporting/importing meta graphs is not supported when eager execution is enabled. No graph exists when eager execution is enabled."
        )
    return export_meta_graph(
        filename,
        meta_info_def,
        graph_def,
        saver_def,
        collection_list,
        as_text,
        graph,
        export_scope,
        clear_devices,
        strip_default_attrs,
    )


def read_meta_graph_file(filename: Any) -> Any:
    """The MetaGraphDef in a file, binary or text; OSError when there is none."""
    from google.protobuf import text_format
    from google.protobuf.message import DecodeError

    from penstock.base.proto import meta_graph_pb2

    path = os.fspath(filename)
    if not os.path.exists(path):
        raise OSError(f"File {path} does not exist.")
    with open(path, "rb") as file:
        data = file.read()
    made = meta_graph_pb2.MetaGraphDef()
    try:
        made.ParseFromString(data)
        return made
    except DecodeError:
        pass
    try:
        return text_format.Merge(data.decode(), meta_graph_pb2.MetaGraphDef())
    except (text_format.ParseError, UnicodeDecodeError) as e:
        raise OSError(f"Cannot parse file {path}: {e}") from None


@export(v1=("train.import_meta_graph",))
def import_meta_graph(
    meta_graph_or_file: Any, clear_devices: bool = False, import_scope: str | None = None, **kwargs: Any
) -> Any:
    """Rebuild a graph with its collections from a MetaGraphDef or its file; gives its saver (None when it had no variables)."""
    if not door.current().is_graph:
        raise RuntimeError(
            "Exporting/importing meta graphs is not supported when eager execution is enabled. No graph exists when eager execution is enabled."
        )
    return import_meta_graph_with_elements(meta_graph_or_file, clear_devices, import_scope, **kwargs)[0]


def import_meta_graph_with_elements(
    meta_graph_or_file: Any, clear_devices: bool = False, import_scope: str | None = None, return_elements: Any = None, **kwargs: Any
) -> tuple[Any, Any]:
    """The same; gives the saver, and the elements of the graph that `return_elements` names."""
    meta = meta_graph_or_file if hasattr(meta_graph_or_file, "graph_def") else read_meta_graph_file(meta_graph_or_file)
    graph_def = meta.graph_def
    if clear_devices:
        copied = type(graph_def)()
        copied.CopyFrom(graph_def)
        for n in copied.node:
            n.device = ""
        graph_def = copied
    graph = get_default_graph()
    scope = ""
    if import_scope:
        with graph.name_scope(import_scope) as entered:
            scope = entered.rstrip("/")
    elements = import_graph_def(
        graph_def,
        name=f"{scope}/" if scope else "",
        input_map=kwargs.get("input_map"),
        return_elements=return_elements,
        producer_op_list=meta.meta_info_def.stripped_op_list or None,
    )
    _restore_collections(graph, meta, scope)
    if meta.HasField("saver_def"):
        return Saver.from_proto(meta.saver_def, import_scope=scope or None), elements
    if graph.get_collection(GraphKeys.GLOBAL_VARIABLES):
        return Saver(), elements
    return None, elements


def _restore_collections(graph: Graph, meta: Any, scope: str) -> None:
    made: dict[str, Any] = {}  # the same variable in several collections is one object
    for key, collection in sorted(meta.collection_def.items()):
        kind = collection.WhichOneof("kind")
        if kind is None:
            continue
        if kind == "node_list":
            for name in collection.node_list.value:
                try:
                    graph.add_to_collection(key, graph.as_graph_element(f"{scope}/{name}" if scope else name))
                except (KeyError, ValueError):
                    continue
        elif kind == "bytes_list" and key in proto_functions:
            proto, build = proto_functions[key]
            for data in collection.bytes_list.value:
                definition = proto().FromString(data)
                name = getattr(definition, "variable_name", None)
                element = made.get(name) if name else None
                if element is None:
                    element = build(definition, import_scope=scope or None)
                    if name:
                        made[name] = element
                graph.add_to_collection(key, element)
        else:
            for value in getattr(collection, kind).value:
                graph.add_to_collection(key, value)
