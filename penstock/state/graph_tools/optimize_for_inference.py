"""`optimize_for_inference`: a frozen GraphDef without what only training needs, batch normalisation folded into weights."""

from typing import Any

import numpy as np

from penstock.base.dtypes import as_dtype
from penstock.ir.subgraph import remove_training_nodes
from penstock.ir.tensor_proto import array_to_proto, proto_to_array
from penstock.state.graph_tools.files import arguments, as_bool, read_message
from penstock.state.graph_tools.strip_unused import strip_unused, write_graph_file

_CONVOLUTIONS = ("Conv2D", "DepthwiseConv2dNative")


def optimize_for_inference(input_graph_def: Any, input_node_names: Any, output_node_names: Any, placeholder_type_enum: Any, toco_compatible: bool = False,
                           placeholder_to_const_names: Any = None) -> Any:  # fmt: skip
    """The GraphDef between inputs and outputs, without training nodes, constant placeholders and batch normalisations folded."""
    ensure_graph_is_valid(input_graph_def)
    made = strip_unused(input_graph_def, input_node_names, output_node_names, placeholder_type_enum)
    made = remove_training_nodes(made, output_node_names)
    made = convert_placeholder_to_const(made, placeholder_to_const_names)
    made = fold_batch_norms(made)
    ensure_graph_is_valid(made)
    return made


def ensure_graph_is_valid(graph_def: Any) -> None:
    """ValueError when two nodes share a name or a node reads one that is not there."""
    names: set[str] = set()
    for node in graph_def.node:
        if node.name in names:
            raise ValueError(f"Duplicate node names detected for {node.name}")
        names.add(node.name)
    for node in graph_def.node:
        for reference in node.input:
            if node_name_from_input(reference) not in names:
                raise ValueError(f"Input for {node.name} not found: {reference}")


def node_name_from_input(node_name: str) -> str:
    """The name of the node that an input refers to."""
    return node_name.removeprefix("^").partition(":")[0]


def node_from_map(node_map: Any, name: str) -> Any:
    """The node of that name; ValueError when there is none."""
    bare = node_name_from_input(name)
    if bare not in node_map:
        raise ValueError(f"No node named '{name}' found in map.")
    return node_map[bare]


def values_from_const(node_def: Any) -> Any:
    """The array in a Const node; ValueError for another op."""
    if node_def.op != "Const":
        raise ValueError(f"Can not extract constant value from a node that is not Const. Got:\n{node_def}")
    return proto_to_array(node_def.attr["value"].tensor)


def scale_after_normalization(node: Any) -> bool:
    """Does the batch normalisation multiply by gamma?"""
    return node.attr["scale_after_normalization"].b if node.op == "BatchNormWithGlobalNormalization" else True


def convert_placeholder_to_const(input_graph_def: Any, nodes_to_convert: Any = None) -> Any:
    """The GraphDef with the placeholders `name=value` (and PlaceholderWithDefault nodes named `name`) as constants."""
    wanted = dict(_entry(n) for n in ([nodes_to_convert] if isinstance(nodes_to_convert, str) else nodes_to_convert or []))
    by_name = {n.name: n for n in input_graph_def.node}
    made = type(input_graph_def)()
    for node in input_graph_def.node:
        is_default = node.op == "PlaceholderWithDefault"
        if node.name not in wanted or node.op not in ("Placeholder", "PlaceholderWithDefault"):
            made.node.add().CopyFrom(node)
            continue
        kind = as_dtype(node.attr["dtype"].type)
        text = wanted[node.name]
        value = values_from_const(by_name[node.input[0]]) if text is None and is_default else _parsed(text, kind)
        constant = made.node.add(name=node.name, op="Const")
        constant.attr["dtype"].type = node.attr["dtype"].type
        constant.attr["value"].tensor.CopyFrom(array_to_proto(np.asarray(value), kind))
    made.library.CopyFrom(input_graph_def.library)
    made.versions.CopyFrom(input_graph_def.versions)
    return made


def _entry(text: str) -> tuple[str, Any]:
    name, mark, value = text.partition("=")
    return name, value if mark else None


def _parsed(text: Any, kind: Any) -> Any:
    if text is None:
        raise ValueError("A placeholder needs a value to become a constant: name=value")
    if kind.name == "bool":
        return np.array(as_bool(text))
    return np.array(text.encode(), object) if kind.name == "string" else np.array(float(text)).astype(kind.array_dtype)


def fold_batch_norms(input_graph_def: Any) -> Any:
    """The GraphDef whose batch normalisations behind convolutions with constant weights are part of these weights."""
    nodes = {n.name: n for n in input_graph_def.node}
    readers: dict[str, int] = {}
    for n in input_graph_def.node:
        for r in n.input:
            readers[node_name_from_input(r)] = readers.get(node_name_from_input(r), 0) + 1
    replaced: dict[str, list[Any]] = {}
    gone: set[str] = set()
    for node in input_graph_def.node:
        folded = _folded(node, nodes, readers)
        if folded is not None:
            made, dropped = folded
            replaced[node.name] = made
            gone |= dropped
    out = type(input_graph_def)()
    for node in input_graph_def.node:
        if node.name in replaced:
            for made in replaced[node.name]:
                out.node.add().CopyFrom(made)
        elif node.name not in gone:
            out.node.add().CopyFrom(node)
    out.library.CopyFrom(input_graph_def.library)
    out.versions.CopyFrom(input_graph_def.versions)
    return out


def _folded(node: Any, nodes: dict[str, Any], readers: dict[str, int]) -> tuple[list[Any], set[str]] | None:
    """A convolution with other weights and a bias, and the nodes that are not needed then; None where that cannot be."""
    if node.op not in ("BatchNormWithGlobalNormalization", "FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3"):
        return None
    if node.op == "BatchNormWithGlobalNormalization":
        parts, epsilon = dict(zip(("conv", "mean", "variance", "beta", "gamma"), node.input)), node.attr["variance_epsilon"].f
    else:
        if "is_training" in node.attr and node.attr["is_training"].b or "is_training" not in node.attr:
            return None
        parts = dict(zip(("conv", "gamma", "beta", "mean", "variance"), node.input))
        epsilon = node.attr["epsilon"].f if "epsilon" in node.attr else 1e-4
    convolution = node_from_map(nodes, parts["conv"])
    if convolution.op not in _CONVOLUTIONS or readers.get(convolution.name, 0) != 1:
        return None
    weights = node_from_map(nodes, convolution.input[1])
    constants = {k: node_from_map(nodes, v) for k, v in parts.items() if k != "conv"}
    if weights.op != "Const" or any(c.op != "Const" for c in constants.values()):
        return None
    value = values_from_const(weights)
    mean, variance, beta, gamma = (values_from_const(constants[k]) for k in ("mean", "variance", "beta", "gamma"))
    channels = value.shape[3] if convolution.op == "Conv2D" else value.shape[2] * value.shape[3]
    for what, array in (("mean", mean), ("variance", variance), ("beta", beta), ("gamma", gamma)):
        if array.shape != (channels,):
            raise ValueError(f"Incorrect shape for {what}, found {array.shape}, expected {(channels,)}, for node {node.name}.")
    scale = 1.0 / np.sqrt(variance + epsilon)
    if scale_after_normalization(node):
        scale = scale * gamma
    scaled = value * scale if convolution.op == "Conv2D" else value * scale.reshape(value.shape[2], value.shape[3])
    offset = beta - mean * scale
    new = type(node)
    new_weights = new(name=f"{convolution.name}_weights", op="Const")
    _fill(new_weights, scaled.astype(np.float32))
    new_conv = new.FromString(convolution.SerializeToString())
    new_conv.name = f"{convolution.name}"
    new_conv.input[1] = new_weights.name
    bias = new(name=f"{convolution.name}_bn_offset", op="Const")
    _fill(bias, offset.astype(np.float32))
    add = new(name=node.name, op="BiasAdd", input=[new_conv.name, bias.name])
    add.attr["T"].CopyFrom(convolution.attr["T"])
    if "data_format" in convolution.attr:
        add.attr["data_format"].CopyFrom(convolution.attr["data_format"])
    dropped = {convolution.name, *[n for n in (weights.name, *[c.name for c in constants.values()]) if readers.get(n, 0) == 1]}
    return [new_weights, new_conv, bias, add], dropped


def _fill(node: Any, array: Any) -> None:
    node.attr["dtype"].type = 1
    node.attr["value"].tensor.CopyFrom(array_to_proto(array))


_FLAGS: list[tuple[str, Any, str]] = [
    ("input", "", "GraphDef file to load"), ("output", "", "file to write"), ("input_names", "", "the inputs, with commas between"),
    ("output_names", "", "the outputs, with commas between"), ("frozen_graph", True, "is the input a binary GraphDef?"),
    ("placeholder_type_enum", "1", "types of the placeholders, with commas between"), ("toco_compatible", False, "only ops that TOCO knows?"),
]  # fmt: skip


def main(unused_args: Any = None) -> int:
    """Optimise as the command line's flags say."""
    from penstock.base.proto import graph_pb2

    f = arguments("optimize_for_inference", _FLAGS)
    definition = read_message(f.input, graph_pb2.GraphDef, as_bool(f.frozen_graph))
    kinds: Any = [int(v) for v in str(f.placeholder_type_enum).split(",")]
    made = optimize_for_inference(definition, f.input_names.split(","), f.output_names.split(","), kinds[0] if len(kinds) == 1 else kinds, as_bool(f.toco_compatible))
    write_graph_file(made, f.output, as_bool(f.frozen_graph))
    return 0
