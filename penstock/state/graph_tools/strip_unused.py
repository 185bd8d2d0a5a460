"""`strip_unused`: the part of a GraphDef between its inputs and outputs."""

import os
from typing import Any

from penstock.base.files import write_whole
from penstock.ir.subgraph import extract_sub_graph
from penstock.state.graph_tools.files import arguments, as_bool, read_message


def strip_unused(input_graph_def: Any, input_node_names: Any, output_node_names: Any, placeholder_type_enum: Any) -> Any:
    """The GraphDef of what the outputs need, with a placeholder in the place of each input."""
    names = {n.name for n in input_graph_def.node}
    for name in input_node_names:
        if ":" in name:
            raise ValueError(f"Name '{name}' appears to refer to a Tensor, not an Operation.")
    not_found = set(input_node_names) - names
    if not_found:
        raise KeyError(f"The following input nodes were not found: {not_found}.")
    made = type(input_graph_def)()
    for node in input_graph_def.node:
        if node.name not in input_node_names:
            made.node.add().CopyFrom(node)
            continue
        held = made.node.add(name=node.name, op="Placeholder")
        kind = placeholder_type_enum
        if isinstance(kind, (list, tuple)):
            kind = kind[list(input_node_names).index(node.name)]
        held.attr["dtype"].type = getattr(kind, "as_datatype_enum", kind)
        if "_output_shapes" in node.attr:
            held.attr["_output_shapes"].CopyFrom(node.attr["_output_shapes"])
        if "shape" in node.attr:
            held.attr["shape"].CopyFrom(node.attr["shape"])
    kept = extract_sub_graph(made, output_node_names)
    kept.library.CopyFrom(input_graph_def.library)
    kept.versions.CopyFrom(input_graph_def.versions)
    return kept


def strip_unused_from_files(
    input_graph: Any, input_binary: bool, output_graph: Any, output_binary: bool, input_node_names: str, output_node_names: str, placeholder_type_enum: Any
) -> None:  # fmt: skip
    """The same from a file to a file; names with commas between."""
    from penstock.base.proto import graph_pb2

    if not output_node_names:
        raise ValueError("You need to supply the name of a node to --output_node_names.")
    definition = read_message(input_graph, graph_pb2.GraphDef, input_binary)
    made = strip_unused(definition, input_node_names.split(","), output_node_names.split(","), placeholder_type_enum)
    write_graph_file(made, output_graph, output_binary)


def write_graph_file(definition: Any, path: Any, binary: bool) -> None:
    """Write a GraphDef, binary or as text."""
    from google.protobuf import text_format

    data = definition.SerializeToString(deterministic=True) if binary else text_format.MessageToString(definition).encode()
    write_whole(os.fspath(path), [data])


_FLAGS: list[tuple[str, Any, str]] = [
    ("input_graph", "", "GraphDef file to load"), ("input_binary", False, "is the input binary?"), ("output_graph", "", "file to write"),
    ("output_binary", True, "write binary?"), ("input_node_names", "", "the inputs, with commas between"),
    ("output_node_names", "", "the outputs, with commas between"), ("placeholder_type_enum", "1", "types of the placeholders, with commas between"),
]  # fmt: skip


def main(unused_args: Any = None) -> None:
    """Strip as the command line's flags say."""
    f = arguments("strip_unused", _FLAGS)
    kinds = [int(v) for v in str(f.placeholder_type_enum).split(",")]
    if len(kinds) == 1:
        kinds = kinds[0]  # type: ignore[assignment]
    strip_unused_from_files(f.input_graph, as_bool(f.input_binary), f.output_graph, as_bool(f.output_binary), f.input_node_names, f.output_node_names, kinds)
