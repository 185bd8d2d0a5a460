"""`tf.graph_util`: parts of a GraphDef, its variables frozen into constants, and writing it to a file."""

import os
from typing import Any

import numpy as np

from penstock.base.dtypes import as_dtype
from penstock.base.export import export
from penstock.ir.tensor_proto import array_to_proto

_VARIABLES = ("Variable", "VariableV2", "AutoReloadVariable", "VarHandleOp")
_ON_CPU = ("DecodeRaw", "EncodeJpeg", "DecodeJpeg", "ReadFile", "Queue")


def _node_name(reference: str) -> str:
    return reference.removeprefix("^").partition(":")[0]


def _reached(definition: Any, ends: Any) -> set[str]:
    """The names of the nodes that the ends need, themselves among them."""
    nodes = {n.name: n for n in definition.node}
    missing = [e for e in ends if e not in nodes]
    if missing:
        raise AssertionError(f"{missing[0]} is not in graph")
    found, stack = set(), list(ends)
    while stack:
        name = stack.pop()
        if name not in found:
            found.add(name)
            stack.extend(_node_name(r) for r in nodes[name].input)
    return found


@export(v1=("graph_util.extract_sub_graph",))
def extract_sub_graph(graph_def: Any, dest_nodes: Any) -> Any:
    """The GraphDef of those nodes that `dest_nodes` (a list of names) need."""
    if not _is_graph_def(graph_def):
        raise TypeError("graph_def must be a graph_pb2.GraphDef proto, but got type %s." % type(graph_def))
    if isinstance(dest_nodes, str):
        raise TypeError("dest_nodes must be an iterable of strings, but got type %s." % type(dest_nodes))
    kept = _reached(graph_def, dest_nodes)
    out = type(graph_def)()
    out.node.extend([n for n in graph_def.node if n.name in kept])
    out.library.CopyFrom(graph_def.library)
    out.versions.CopyFrom(graph_def.versions)
    return out


def _is_graph_def(value: Any) -> bool:
    return getattr(getattr(value, "DESCRIPTOR", None), "name", "") == "GraphDef"


@export(v1=("graph_util.remove_training_nodes",))
def remove_training_nodes(input_graph: Any, protected_nodes: Any = None) -> Any:
    """The GraphDef without CheckNumerics and Identity nodes that inference does not need."""
    protected = set(protected_nodes or ())
    control = {_node_name(r) for n in input_graph.node for r in n.input if r.startswith("^")}

    def without(nodes: list[Any], kind: str, keep: Any) -> list[Any]:
        gone = {n.name: n.input[0] for n in nodes if n.op == kind and not keep(n)}

        def bypass(reference: str) -> str:
            while reference.removeprefix("^") in gone:
                target = gone[reference.removeprefix("^")]
                reference = "^" + _node_name(target) if reference.startswith("^") else target
            return reference

        kept = []
        for n in nodes:
            if n.name not in gone:
                made = type(n).FromString(n.SerializeToString())
                made.input[:] = [bypass(r) for r in n.input]
                kept.append(made)
        return kept

    nodes = without(list(input_graph.node), "CheckNumerics", lambda n: n.name in protected)
    listed = {n.name: n for n in nodes}

    def needed(n: Any) -> bool:
        source = listed.get(_node_name(n.input[0]))
        several = source is not None and source.op in ("Switch", "Merge", "RefSwitch")
        return n.name in protected or n.name in control or len(n.input) > 1 or several or (source is not None and source.op in _VARIABLES)

    nodes = without(nodes, "Identity", needed)
    out = type(input_graph)()
    out.node.extend(nodes)
    out.library.CopyFrom(input_graph.library)
    out.versions.CopyFrom(input_graph.versions)
    return out


@export(v1=("graph_util.convert_variables_to_constants",))
def convert_variables_to_constants(
    sess: Any, input_graph_def: Any, output_node_names: Any, variable_names_whitelist: Any = None, variable_names_blacklist: Any = None
) -> Any:  # fmt: skip
    """The part of a GraphDef that the outputs need, each variable replaced by a constant of its value in the session."""
    part = extract_sub_graph(input_graph_def, output_node_names)
    nodes = {n.name: n for n in part.node}
    wanted = [
        n for n in part.node
        if n.op in _VARIABLES and (variable_names_whitelist is None or n.name in variable_names_whitelist)
        and (variable_names_blacklist is None or n.name not in variable_names_blacklist)
    ]  # fmt: skip
    reads = {n.name: _node_name(n.input[0]) for n in part.node if n.op in ("ReadVariableOp", "ResourceGather")}
    handles = {name: _handle(nodes, name) for name in set(reads.values())}
    frozen = {n.name for n in wanted}
    fetches = {}
    for n in wanted:
        if n.op == "VarHandleOp":
            reader = next((r for r, h in reads.items() if handles[h] == n.name and nodes[r].op == "ReadVariableOp"), None)
            fetches[n.name] = f"{reader}:0" if reader else _read_outside(sess, n.name)
        else:
            fetches[n.name] = f"{n.name}:0"
    values = dict(zip(fetches, sess.run(list(fetches.values())))) if fetches else {}
    out = type(part)()
    for n in part.node:
        if n.name in frozen:
            _constant(out.node.add(), n.name, values[n.name], n.attr["dtype"].type)
        elif n.op == "ReadVariableOp" and handles[reads[n.name]] in frozen:
            _identity(out.node.add(), n, n.attr["dtype"].type)
        elif n.op == "Identity" and _handle(nodes, n.name) in frozen and nodes[_handle(nodes, n.name)].op == "VarHandleOp":
            _identity(out.node.add(), n, nodes[_handle(nodes, n.name)].attr["dtype"].type)
        elif n.op == "ResourceGather" and handles[reads[n.name]] in frozen:
            _gather(out, n)
        else:
            made = out.node.add()
            made.CopyFrom(n)
            if n.op in ("RefSwitch", "RefIdentity", "RefMerge", "RefEnter"):
                made.op = n.op.removeprefix("Ref")
            made.attr.pop("_class", None)
    out.library.CopyFrom(part.library)
    out.versions.CopyFrom(part.versions)
    return out


def _read_outside(sess: Any, name: str) -> Any:
    for op in sess.graph.get_operations():
        if op.type == "ReadVariableOp" and op.inputs[0].op.name == name:
            return op.outputs[0]
    raise ValueError(f"no node reads the variable {name!r}, so its value cannot be frozen")


def _handle(nodes: dict[str, Any], name: str) -> str:
    """The node behind the Identity and Enter nodes that hand a handle on."""
    while nodes[name].op in ("Identity", "Enter", "Switch") and nodes[name].input:
        name = _node_name(nodes[name].input[0])
    return name


def _constant(node: Any, name: str, value: Any, dtype: int) -> None:
    node.name, node.op = name, "Const"
    node.attr["dtype"].type = dtype
    made = array_to_proto(np.asarray(value), as_dtype(dtype))
    node.attr["value"].tensor.MergeFromString(made.SerializeToString())


def _identity(node: Any, source: Any, dtype: int) -> None:
    node.name, node.op, node.device = source.name, "Identity", source.device
    node.input.extend(source.input)
    node.attr["T"].type = dtype


def _gather(out: Any, source: Any) -> None:
    axis = out.node.add()
    _constant(axis, f"{source.name}/axis", np.int32(source.attr["batch_dims"].i), 3)
    node = out.node.add(name=source.name, op="GatherV2", device=source.device)
    node.input.extend([source.input[0], source.input[1], axis.name])
    node.attr["Tparams"].type = source.attr["dtype"].type
    node.attr["Tindices"].type = source.attr["Tindices"].type
    node.attr["Taxis"].type = 3
    node.attr["batch_dims"].i = source.attr["batch_dims"].i


@export(v1=("graph_util.must_run_on_cpu",))
def must_run_on_cpu(node: Any, pin_variables_on_cpu: bool = False) -> bool:
    """Can the node only be placed on a CPU: it reads files or holds strings?"""
    proto = node if hasattr(node, "attr") else node.node_def
    if pin_variables_on_cpu and proto.op in _VARIABLES:
        return True
    if proto.op == "Const":
        return proto.attr["dtype"].type in (7, 107)
    if proto.op in ("DynamicStitch", "ParallelDynamicStitch"):
        return proto.attr["T"].type in (3, 103)
    return any(proto.op.startswith(p) or proto.op.endswith(p) for p in _ON_CPU)


@export(v1=("graph_util.tensor_shape_from_node_def_name",))
def tensor_shape_from_node_def_name(graph: Any, input_name: str) -> Any:
    """The shape of the tensor that a NodeDef's input refers to."""
    return graph.get_tensor_by_name(input_name if ":" in input_name else f"{input_name}:0").get_shape()


@export("io.write_graph", v1=("train.write_graph",))
def write_graph(graph_or_graph_def: Any, logdir: Any, name: str, as_text: bool = True) -> str:
    """Write a graph's GraphDef to `logdir/name`, as text or binary, whole or not at all; gives the path."""
    definition = graph_or_graph_def.as_graph_def() if hasattr(graph_or_graph_def, "as_graph_def") else graph_or_graph_def
    folder = os.fspath(logdir)
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, name)
    if as_text:
        from google.protobuf import text_format

        data = text_format.MessageToString(definition).encode()
    else:
        data = definition.SerializeToString(deterministic=True)
    temporary = f"{path}.tmp{os.getpid()}"
    with open(temporary, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
    return path
