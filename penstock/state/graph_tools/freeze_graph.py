"""`freeze_graph`: a graph file and its checkpoint (or a SavedModel) as one GraphDef without variables."""

import os
from typing import Any

from penstock.base.files import write_whole
from penstock.fronts.import_graph import import_graph_def
from penstock.fronts.session import Session
from penstock.ir.graph import Graph
from penstock.ir.subgraph import convert_variables_to_constants
from penstock.state.checkpoints import NewCheckpointReader, checkpoint_exists
from penstock.state.graph_tools.files import arguments, as_bool, read_message
from penstock.state.meta_graph import import_meta_graph
from penstock.state.saved_model import loader
from penstock.state.saver import Saver


def _parse_input_graph_proto(input_graph: str, input_binary: bool) -> Any:
    from penstock.base.proto import graph_pb2

    return read_message(input_graph, graph_pb2.GraphDef, input_binary)


def _parse_input_meta_graph_proto(input_graph: str, input_binary: bool) -> Any:
    from penstock.base.proto import meta_graph_pb2

    return read_message(input_graph, meta_graph_pb2.MetaGraphDef, input_binary)


def _parse_input_saver_proto(input_saver: str, input_binary: bool) -> Any:
    from penstock.base.proto import saver_pb2

    return read_message(input_saver, saver_pb2.SaverDef, input_binary)


def freeze_graph_with_def_protos(
    input_graph_def: Any, input_saver_def: Any, input_checkpoint: Any, output_node_names: str, restore_op_name: Any, filename_tensor_name: Any,
    output_graph: Any, clear_devices: bool, initializer_nodes: Any, variable_names_whitelist: str = "", variable_names_denylist: str = "",
    input_meta_graph_def: Any = None, input_saved_model_dir: Any = None, saved_model_tags: Any = None, checkpoint_version: int = 2,
) -> Any:  # fmt: skip
    """The GraphDef with the variables of a checkpoint as constants, written to `output_graph` when one is named."""
    if not input_saved_model_dir and not checkpoint_exists(input_checkpoint):
        raise ValueError(f"Input checkpoint '{input_checkpoint}' does not exist!")
    if not output_node_names:
        raise ValueError("You must supply the name of a node to --output_node_names.")
    if clear_devices:
        for node in (input_meta_graph_def.graph_def if input_meta_graph_def else input_graph_def).node if input_meta_graph_def or input_graph_def else ():
            node.device = ""
    graph = Graph()
    with graph.as_default(), Session(graph=graph) as sess:
        if input_saved_model_dir:
            loader.load(sess, saved_model_tags if saved_model_tags is not None else ["serve"], input_saved_model_dir)
            definition = graph.as_graph_def(add_shapes=True)
        elif input_meta_graph_def:
            saver = import_meta_graph(input_meta_graph_def, clear_devices=True)
            saver.restore(sess, input_checkpoint)
            definition = graph.as_graph_def(add_shapes=True)
            if initializer_nodes:
                sess.run(_names(initializer_nodes))
        else:
            import_graph_def(input_graph_def, name="")
            definition = input_graph_def
            if input_saver_def:
                Saver(saver_def=input_saver_def).restore(sess, input_checkpoint)
            else:
                _restore(sess, graph, input_checkpoint, restore_op_name, filename_tensor_name)
            if initializer_nodes:
                sess.run(_names(initializer_nodes))
        whitelist = _names(variable_names_whitelist) if variable_names_whitelist else None
        denylist = _names(variable_names_denylist) if variable_names_denylist else None
        made = convert_variables_to_constants(sess, definition, _names(output_node_names), whitelist, denylist)
    if output_graph:
        write_whole(os.fspath(output_graph), [made.SerializeToString(deterministic=True)])
    return made


def _names(text: Any) -> list[str]:
    return [n.strip() for n in text.replace(" ", "").split(",")] if isinstance(text, str) else list(text)


def _restore(sess: Any, graph: Any, checkpoint: str, restore_op_name: Any, filename_tensor_name: Any) -> None:
    """Restore with the graph's own saver ops, or else the variables of the graph by name."""
    if restore_op_name and filename_tensor_name and restore_op_name in graph._by_name:
        sess.run([restore_op_name], {filename_tensor_name: checkpoint})
        return
    reader = NewCheckpointReader(checkpoint)
    for name in reader.get_variable_to_shape_map():
        node = graph._by_name.get(name)
        if node is None or node.type not in ("VariableV2", "Variable", "VarHandleOp"):
            continue
        assign = next((n for n in graph._nodes if n.type in ("Assign", "AssignVariableOp") and n.inputs[0].op is node), None)
        if assign is None:
            raise ValueError(f"No node assigns the variable {name!r}, so it cannot be restored: give restore_op_name and filename_tensor_name")
        sess.run(assign, {assign.inputs[1]: reader.get_tensor(name)})


def freeze_graph(
    input_graph: Any, input_saver: Any, input_binary: bool, input_checkpoint: Any, output_node_names: str, restore_op_name: Any, filename_tensor_name: Any,
    output_graph: Any, clear_devices: bool, initializer_nodes: Any, variable_names_whitelist: str = "", variable_names_denylist: str = "",
    input_meta_graph: Any = None, input_saved_model_dir: Any = None, saved_model_tags: Any = "serve", checkpoint_version: int = 2,
) -> Any:  # fmt: skip
    """The same from files: a graph, a MetaGraph or a SavedModel, and a checkpoint."""
    graph = meta = saver = None
    if input_saved_model_dir:
        from penstock.state.saved_model.files import find_meta_graph, parse_saved_model

        graph = find_meta_graph(parse_saved_model(input_saved_model_dir), _names(saved_model_tags)).graph_def
    elif input_graph:
        graph = _parse_input_graph_proto(input_graph, input_binary)
    if input_meta_graph:
        meta = _parse_input_meta_graph_proto(input_meta_graph, input_binary)
    if input_saver:
        saver = _parse_input_saver_proto(input_saver, input_binary)
    return freeze_graph_with_def_protos(
        graph, saver, input_checkpoint, output_node_names, restore_op_name, filename_tensor_name, output_graph, clear_devices, initializer_nodes,
        variable_names_whitelist, variable_names_denylist, meta, input_saved_model_dir, _names(saved_model_tags), checkpoint_version,
    )  # fmt: skip


_FLAGS: list[tuple[str, Any, str]] = [
    ("input_graph", "", "GraphDef file to load, text or binary"),
    ("input_saver", "", "SaverDef file to load"),
    ("input_checkpoint", "", "variables to load"),
    ("checkpoint_version", 2, "version of the checkpoint's format"),
    ("output_graph", "", "file to write the frozen GraphDef to"),
    ("input_binary", False, "are the input files binary?"),
    ("output_node_names", "", "names of the output nodes, with commas between"),
    ("restore_op_name", "save/restore_all", "name of the operation that restores the variables"),
    ("filename_tensor_name", "save/Const:0", "name of the tensor that takes the checkpoint's name"),
    ("clear_devices", True, "take devices out of the graph?"),
    ("initializer_nodes", "", "nodes to run before freezing, with commas between"),
    ("variable_names_whitelist", "", "the variables to freeze, with commas between; empty for all"),
    ("variable_names_denylist", "", "variables that stay, with commas between"),
    ("input_meta_graph", "", "MetaGraphDef file to load"),
    ("input_saved_model_dir", "", "folder of a SavedModel to load"),
    ("saved_model_tags", "serve", "tags of the SavedModel's graph, with commas between"),
]


def main(unused_args: Any = None, flags: Any = None) -> None:
    """Freeze as the command line's flags say."""
    f = flags if flags is not None else arguments("freeze_graph", _FLAGS)
    freeze_graph(
        f.input_graph, f.input_saver, as_bool(f.input_binary), f.input_checkpoint, f.output_node_names, f.restore_op_name, f.filename_tensor_name,
        f.output_graph, as_bool(f.clear_devices), f.initializer_nodes, f.variable_names_whitelist, f.variable_names_denylist, f.input_meta_graph,
        f.input_saved_model_dir, f.saved_model_tags, int(f.checkpoint_version),
    )  # fmt: skip


run_main = main
