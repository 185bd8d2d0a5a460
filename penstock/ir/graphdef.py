"""Graphs as GraphDef messages: nodes, op definitions and the library of functions."""

import functools
import re
from typing import Any

from penstock.ir import older_readers
from penstock.ir.attrs import attr_for_user, attrs_from_proto, default_of, shape_to_proto, to_proto, wire_type

__all__ = ["attr_for_user", "attrs_from_proto", "function_def", "graph_def", "node_def", "op_def"]

PRODUCER = 2474
"""The GraphDef version that is written."""
MIN_CONSUMER = 12
_QUIET = frozenset({"_output_shapes"})


@functools.cache
def op_def(op: Any) -> Any:
    """The OpDef of an op."""
    from penstock.base.proto import op_def_pb2

    sig = op.sig
    proto = op_def_pb2.OpDef(name=sig.name, is_stateful=stateful(op))
    for args, held in ((sig.inputs, proto.input_arg), (sig.outputs, proto.output_arg)):
        for a in args:
            _arg(a, held.add(name=a.name), sig)
    for a in sig.attrs.values():
        attr = proto.attr.add(name=a.name, type=wire_type(a.type))
        default = default_of(a)
        if default is not None:
            attr.default_value.CopyFrom(default)
        if a.minimum is not None:
            attr.has_minimum, attr.minimum = True, a.minimum
        if a.allowed is not None:
            attr.allowed_values.CopyFrom(to_proto("list(type)" if "type" in a.type else "list(str)", a.allowed))
    return proto


def _arg(arg: Any, proto: Any, sig: Any) -> None:
    if arg.dtype is not None:
        proto.type = arg.dtype.as_datatype_enum
    elif sig.attrs[arg.type].type == "list(type)":
        proto.type_list_attr = arg.type
    else:
        proto.type_attr = arg.type
    if arg.number:
        proto.number_attr = arg.number
    proto.is_ref = arg.is_ref


def stateful(op: Any) -> bool:
    """Does the op read or change something outside its inputs?"""
    return op.effect is not None or op.name in ("If", "Case", "While", "StatefulPartitionedCall")


def node_def(node: Any, names: Any = None) -> Any:
    """The NodeDef of an operation; `names(tensor)` says how it refers to its inputs."""
    from penstock.base.proto import node_def_pb2

    proto = node_def_pb2.NodeDef(name=node.name, op=node.type, device=node.device or "")
    for t in node.inputs:
        proto.input.append(names(t) if names else _reference(t))
    proto.input.extend(f"^{c.name}" for c in node.control_inputs)
    sig = node.definition.sig
    for key, value in node.attrs.items():
        attr = sig.attrs.get(key)
        if value is None and (attr is None or attr.type != "shape"):
            continue
        made = to_proto(None if attr is None else attr.type, value, node.attrs.get("dtype") if key == "value" else None)
        proto.attr[key].CopyFrom(made)
    if node.colocation:
        proto.attr["_class"].list.s.extend(sorted(f"loc:@{n}".encode() for n in node.colocation))
    elif "_class" in proto.attr and "_class" not in node.attrs:
        del proto.attr["_class"]
    if node.gradient_name:
        proto.attr["_gradient_op_type"].s = node.gradient_name.encode()
    if older_readers.wanted():
        older_readers.drop_newer(proto, node.definition)
    return proto


def _reference(tensor: Any) -> str:
    return tensor.op.name if tensor.value_index == 0 else tensor.name


def graph_def(graph: Any, from_version: int | None = None, add_shapes: bool = False) -> Any:
    """The GraphDef of a graph; with `from_version`, of the nodes added after that version."""
    from penstock.base.proto import graph_pb2

    proto = graph_pb2.GraphDef()
    proto.versions.producer = PRODUCER
    nodes = graph._nodes if from_version is None else list(graph._nodes[from_version:])
    for node in nodes:
        made = node_def(node)
        if add_shapes:
            _add_shapes(made, node)
        proto.node.append(made)
    for function in library(graph).values():
        proto.library.function.append(function if hasattr(function, "node_def") else function_def(function, add_shapes))
    if len(proto.library.function):
        proto.versions.min_consumer = MIN_CONSUMER
    return proto


def _add_shapes(proto: Any, node: Any) -> None:
    shapes = proto.attr["_output_shapes"].list
    shapes.SetInParent()
    for t in node.outputs:
        shape_to_proto(t._dims, shapes.shape.add())


def library(graph: Any) -> dict[str, Any]:
    """Every function that the graph's nodes call, and those that these call; by name."""
    found: dict[str, Any] = {}
    stack = list(reversed(graph._functions.values()))
    for node in reversed(graph._nodes):
        stack.extend(called(node))
    while stack:
        function = stack.pop()
        name = function.signature.name if hasattr(function, "node_def") else function.name
        if name in found:
            continue
        found[name] = function
        for node in getattr(function, "_nodes", ()):
            stack.extend(called(node))
    return found


def called(node: Any) -> list[Any]:
    """The functions that a node's attrs name."""
    found = []
    for key, attr in node.definition.sig.attrs.items():
        if attr.type == "func":
            found.append(node.attrs[key])
        elif attr.type == "list(func)":
            found.extend(node.attrs[key])
    return [f for f in found if hasattr(f, "_nodes")]


_INVALID = re.compile(r"[^a-z0-9]")


def normalised(name: str, taken: dict[str, int]) -> str:
    """An argument name as FunctionDefs have them: lower case, digits and underscores, each once."""
    base = _INVALID.sub("_", name.lower())
    base = base if base[:1].isalpha() else f"arg_{base}"
    made, i = base, taken.get(base, 0)
    while made in taken:
        i += 1
        made = f"{base}_{i}"
    taken[base] = i
    taken.setdefault(made, 0)
    return made


def function_def(body: Any, add_shapes: bool = False) -> Any:
    """The FunctionDef of a function's body (inputs, outputs and nodes of a FuncGraph)."""
    from penstock.base.proto import function_pb2

    proto = function_pb2.FunctionDef()
    signature = proto.signature
    signature.name = body.name
    taken: dict[str, int] = {}
    reference: dict[int, str] = {}
    parameters = set()
    for i, t in enumerate(body.inputs):
        label = normalised(t.op.name, taken)
        signature.input_arg.add(name=label, type=t.dtype.base_dtype.as_datatype_enum)
        reference[t._id] = label
        parameters.add(t.op._id)
        attrs = proto.arg_attr[i].attr
        attrs["_user_specified_name"].s = t.op.name.encode()
        if t._dims is not None:
            shape_to_proto(t._dims, attrs["_output_shapes"].list.shape.add())

    def name(tensor: Any) -> str:
        found = reference.get(tensor._id)
        if found is None:
            argument, index = place(tensor.op, tensor.value_index)
            found = reference[tensor._id] = f"{tensor.op.name}:{argument}:{index}"
        return found

    before: Any = None
    for node in body._nodes:
        if node._id in parameters:
            continue
        made = node_def(node, name)
        if add_shapes:
            _add_shapes(made, node)
        if stateful(node.definition):
            signature.is_stateful = True
            if before is not None and f"^{before.name}" not in made.input:
                made.input.append(f"^{before.name}")
            before = node
            proto.control_ret[node.name] = node.name
            signature.control_output.append(node.name)
        proto.node_def.append(made)
    for t in body.outputs:
        label = normalised(t.op.name, taken)
        signature.output_arg.add(name=label, type=t.dtype.base_dtype.as_datatype_enum)
        proto.ret[label] = name(t)
    return proto


def place(node: Any, index: int) -> tuple[str, int]:
    """Which output argument of a node's op a flat output index falls into, and where in it."""
    for argument, start, count in spans(node.definition, node.attrs):
        if start <= index < start + count:
            return argument, index - start
    raise IndexError(f"{node.name} has no output {index}")


def spans(op: Any, attrs: dict[str, Any]) -> list[tuple[str, int, int]]:
    """(name, first flat index, count) of each output argument."""
    found, start = [], 0
    for a in op.sig.outputs:
        n = attrs[a.number] if a.number else len(attrs[a.type]) if a.many else 1
        found.append((a.name, start, n))
        start += n
    return found


