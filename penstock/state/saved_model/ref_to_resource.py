"""Graphs of 1.x whose variables are references, rewritten so that they are resources that a function can capture."""

from typing import Any

from penstock.ir.op import find

VARIABLES = ("VariableV2", "Variable")
_WRITES = {"Assign": "AssignVariableOp", "AssignAdd": "AssignAddVariableOp", "AssignSub": "AssignSubVariableOp"}
_SCATTERS = {f"Scatter{n}": f"ResourceScatter{n}" for n in ("Update", "Add", "Sub", "Mul", "Div", "Min", "Max")}


def with_handles(graph_def: Any) -> tuple[Any, dict[str, Any]]:
    """The GraphDef in which variables are behind handles, and the nodes of its handles by name.

    Reads become ReadVariableOp, assignments AssignVariableOp with a read behind; the names of the nodes stay.
    """
    made = type(graph_def)()
    made.CopyFrom(graph_def)
    handles = {n.name: n for n in made.node if n.op == "VarHandleOp"}
    references = {n.name: n for n in made.node if n.op in VARIABLES}
    if not references:
        return made, handles
    del made.node[:]
    behind = _variable_behind(graph_def, references)
    for node in graph_def.node:
        if node.name in references:
            handle = made.node.add(name=node.name, op="VarHandleOp", device=node.device)
            handle.attr["dtype"].type = node.attr["dtype"].type
            handle.attr["shape"].CopyFrom(node.attr["shape"])
            handle.attr["shared_name"].s = node.name.encode()
            _read(made, f"{node.name}/handle_read", node.name, node.attr["dtype"].type)
            continue
        changed = _of_resources(node)
        if changed is not None:
            _apply(made, node, changed, behind, references)
            continue
        source = behind.get(_name(node.input[0])) if node.input else None
        if source is None or node.input[0].startswith("^"):
            copied = made.node.add()
            copied.CopyFrom(node)
        elif node.op == "Identity":
            read = _read(made, node.name, source, references[source].attr["dtype"].type)
            read.input.extend(r for r in node.input if r.startswith("^"))
            continue
        elif node.op in _WRITES:
            _write(made, node, source, references[source].attr["dtype"].type)
            continue
        elif node.op in _SCATTERS:
            _scatter(made, node, source, references[source].attr["dtype"].type)
            continue
        elif node.op == "IsVariableInitialized":
            made.node.add(name=node.name, op="VarIsInitializedOp", input=[source, *[r for r in node.input[1:] if r.startswith("^")]])
            continue
        else:
            copied = made.node.add()
            copied.CopyFrom(node)
        for i, reference in enumerate(copied.input):  # what reads the reference itself reads its value
            if not reference.startswith("^") and _name(reference) in references:
                copied.input[i] = f"{_name(reference)}/handle_read"
        if copied.op in ("RefSwitch", "RefIdentity", "RefMerge", "RefEnter", "RefExit", "RefNextIteration", "RefSelect") and source is not None:
            copied.op = copied.op.removeprefix("Ref")
    return made, {n.name: n for n in made.node if n.op == "VarHandleOp"}


def _variable_behind(graph_def: Any, references: dict[str, Any]) -> dict[str, str]:
    """Node -> the variable whose reference it hands on (a variable, or an assignment to one)."""
    found = {n: n for n in references}
    for node in graph_def.node:
        hands_on = node.op in _WRITES or node.op in _SCATTERS or _of_resources(node) is not None
        if hands_on and node.input and _name(node.input[0]) in found:
            found.setdefault(node.name, found[_name(node.input[0])])
    return found


def _definition(name: str) -> Any:
    try:
        return find(name)
    except KeyError:
        return None


def _of_resources(node: Any) -> Any:
    """The op that does to resources what the node does to references (ApplyAdam, ScatterNdUpdate, CountUpTo, ...); None for others."""
    if node.op in _WRITES or node.op in _SCATTERS or node.op in VARIABLES:
        return None
    own = _definition(node.op)
    if own is None or not any(a.is_ref for a in own.sig.inputs) or any(a.many for a in own.sig.inputs):
        return None
    other = _definition(f"Resource{node.op}")
    return other if other is not None and len(other.sig.inputs) == len(own.sig.inputs) else None


def _apply(graph: Any, node: Any, op: Any, behind: dict[str, str], references: dict[str, Any]) -> None:
    """The node as one on resources; under its own name stands what it gave before: a value, or the variable read again."""
    first = behind[_name(node.input[0])]
    gives = bool(op.sig.outputs)
    made = graph.node.add(name=node.name if gives else f"{node.name}/write", op=op.name, device=node.device)
    for i, reference in enumerate(node.input):
        held = i < len(op.sig.inputs) and not reference.startswith("^")
        name = _name(reference)
        if held and op.sig.inputs[i].dtype is not None and op.sig.inputs[i].dtype.name == "resource":
            made.input.append(behind[name])
            if name != behind[name]:
                made.input.append(f"^{name}")
        else:
            made.input.append(f"{name}/handle_read" if held and name in references else reference)
    made.input[:] = [r for r in made.input if not r.startswith("^")] + [r for r in made.input if r.startswith("^")]
    for key in op.sig.attrs:
        if key in node.attr:
            made.attr[key].CopyFrom(node.attr[key])
    if not gives:
        _after(graph, node, made, first, references[first].attr["dtype"].type)


def _name(reference: str) -> str:
    return reference.removeprefix("^").partition(":")[0]


def _read(graph: Any, name: str, handle: str, dtype: int) -> Any:
    node = graph.node.add(name=name, op="ReadVariableOp", input=[handle])
    node.attr["dtype"].type = dtype
    return node


def _after(graph: Any, node: Any, written: Any, handle: str, dtype: int) -> None:
    """The node's own name: the variable's value after the write."""
    read = _read(graph, node.name, handle, dtype)
    read.input.append(f"^{written.name}")


def _write(graph: Any, node: Any, handle: str, dtype: int) -> None:
    written = graph.node.add(name=f"{node.name}/write", op=_WRITES[node.op], device=node.device)
    value = node.input[1]
    written.input.extend([handle, value, *[r for r in node.input[2:] if r.startswith("^")]])
    if node.input[0] != handle and _name(node.input[0]) != handle:
        written.input.append(f"^{_name(node.input[0])}")
    written.attr["dtype"].type = dtype
    _after(graph, node, written, handle, dtype)


def _scatter(graph: Any, node: Any, handle: str, dtype: int) -> None:
    written = graph.node.add(name=f"{node.name}/write", op=_SCATTERS[node.op], device=node.device)
    written.input.extend([handle, node.input[1], node.input[2], *[r for r in node.input[3:] if r.startswith("^")]])
    written.attr["dtype"].type = dtype
    written.attr["Tindices"].type = node.attr["Tindices"].type
    _after(graph, node, written, handle, dtype)
