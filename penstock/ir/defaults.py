"""The ops that a GraphDef uses, and its attrs that hold their defaults: what another version of TensorFlow needs to read it."""

from typing import Any

from penstock.ir.attrs import default_of
from penstock.ir.graphdef import op_def
from penstock.ir.op import find


def _definition(name: str) -> Any:
    try:
        return find(name)
    except KeyError:
        return None


def all_nodes(graph_def: Any) -> Any:
    """Every node of a graph and of the functions of its library."""
    yield from graph_def.node
    for function in graph_def.library.function:
        yield from function.node_def


def stripped_op_list(graph_def: Any) -> Any:
    """The OpDefs (an OpList) of the ops that a graph and its functions use, by name."""
    from penstock.base.proto import op_def_pb2

    functions = {f.signature.name for f in graph_def.library.function}
    made = op_def_pb2.OpList()
    for name in sorted({n.op for n in all_nodes(graph_def)} - functions):
        definition = _definition(name)
        if definition is not None:
            made.op.add().CopyFrom(op_def(definition))
    return made


def strip_default_attrs(graph_def: Any) -> None:
    """Take the attrs that hold their op's default out of a graph, in place; those that start with `_` stay."""
    held: dict[str, dict[str, bytes]] = {}
    for node in all_nodes(graph_def):
        defaults = held.get(node.op)
        if defaults is None:
            definition = _definition(node.op)
            found = {} if definition is None else {k: default_of(a) for k, a in definition.sig.attrs.items()}
            defaults = held[node.op] = {k: v.SerializeToString(deterministic=True) for k, v in found.items() if v is not None}
        for key in [k for k in node.attr if k in defaults]:
            if node.attr[key].SerializeToString(deterministic=True) == defaults[key]:
                del node.attr[key]
