"""The views of a profile: nodes by name scope, by the graph's edges, by op type, by line of code."""

import re
from typing import Any

from penstock.profiler.facts import TRAINABLE, Facts

ROOT = "_TFProfRoot"
_TOTALS = {"bytes": "min_bytes", "peak_bytes": "min_peak_bytes", "residual_bytes": "min_residual_bytes", "output_bytes": "min_output_bytes",
           "micros": "min_micros", "accelerator_micros": "min_accelerator_micros", "cpu_micros": "min_cpu_micros", "params": "min_params"}  # fmt: skip


class Node:
    """A node of a view with its own figures and those of all below it."""

    def __init__(self, facts: Facts):
        self.own, self.total, self.children = facts, Facts(facts.name), []

    name = property(lambda s: s.own.name)


class View:
    """A profile as a tree, cut down to what the options ask for."""

    def __init__(self, facts: list[Facts], options: dict[str, Any], kind: str):
        self.options, self.kind = options, kind
        self.columns = options["select"]
        roots = {"scope": _by_scope, "graph": _by_scope, "op": _by_op, "code": _by_code}[kind](facts)
        self.root = Node(Facts(ROOT))
        kept = [k for r in roots for k in self._kept(r, 1)]
        self.root.children = self._ordered(kept)
        for one in self.root.children:
            self.root.total.add(one.total)

    def _matches(self, key: str, name: str) -> bool:
        return any(re.fullmatch(pattern, name) for pattern in self.options[key])

    def _accounted(self, facts: Facts) -> bool:
        patterns = self.options["account_type_regexes"]
        return ".*" in patterns or any(re.fullmatch(p, t) for p in patterns for t in facts.types + facts.devices)

    def _kept(self, node: Node, depth: int) -> list[Node]:
        """The node with what is shown below it; its shown children instead, where it is not shown itself."""
        trimmed = self._matches("trim_name_regexes", node.name)
        below = [] if trimmed else [k for c in node.children for k in self._kept(c, depth + 1)]
        if self._accounted(node.own):
            node.total.add(node.own)
        for one in below:
            node.total.add(one.total)
        node.children = self._ordered(below)
        return [node] if self._shown(node, depth) else node.children

    def _shown(self, node: Node, depth: int) -> bool:
        options = self.options
        if depth > options["max_depth"] or not self._accounted(node.own):
            return False
        if not self._matches("show_name_regexes", node.name) or self._matches("hide_name_regexes", node.name):
            return False
        if any(getattr(node.total, field) < options.get(key, 0) for field, key in _TOTALS.items()):
            return False
        return node.own.float_ops >= options["min_float_ops"] and node.total.occurrence >= options["min_occurrence"]

    def _ordered(self, nodes: list[Node]) -> list[Node]:
        by = self.options["order_by"]
        if by == "name":
            return sorted(nodes, key=lambda n: n.name)
        field = {"depth": "occurrence"}.get(by, by)
        return sorted(nodes, key=lambda n: (-getattr(n.total if self.kind != "op" else n.own, field, 0), n.name))

    # -- messages --------------------------------------------------------------------------------------------------------
    def proto(self) -> Any:
        """A GraphNodeProto (by scope or graph) or MultiGraphNodeProto (by op or code)."""
        from penstock.base.proto import tfprof_output_pb2

        if self.kind in ("scope", "graph"):
            return self._graph_proto(self.root, tfprof_output_pb2.GraphNodeProto())
        return self._multi_proto(self.root, tfprof_output_pb2.MultiGraphNodeProto())

    @staticmethod
    def _fill(node: Node, made: Any) -> None:
        made.name = node.name
        for field, value in (("exec_micros", node.own.micros), ("requested_bytes", node.own.bytes), ("parameters", node.own.params), ("float_ops", node.own.float_ops),
                             ("total_exec_micros", node.total.micros), ("total_requested_bytes", node.total.bytes), ("total_parameters", node.total.params),
                             ("total_float_ops", node.total.float_ops), ("cpu_exec_micros", node.own.cpu_micros), ("peak_bytes", node.own.peak_bytes),
                             ("total_cpu_exec_micros", node.total.cpu_micros), ("total_peak_bytes", node.total.peak_bytes),
                             ("output_bytes", node.own.output_bytes), ("total_output_bytes", node.total.output_bytes)):  # fmt: skip
            if value:
                setattr(made, field, value)

    def _graph_proto(self, node: Node, made: Any) -> Any:
        self._fill(node, made)
        made.devices.extend(node.own.devices)
        if node.own.op is not None:
            for i, dims in enumerate(node.own.input_shapes):
                if dims is not None and all(d is not None for d in dims) and node.own.float_ops:
                    for n in dims:
                        made.input_shapes[i].dim.add(size=n)
        made.total_definition_count = node.total.occurrence or (1 if node.own.op else 0)
        for one in node.children:
            self._graph_proto(one, made.children.add())
        return made

    def _multi_proto(self, node: Node, made: Any) -> Any:
        from penstock.base.proto import tfprof_output_pb2

        self._fill(node, made)
        for held in getattr(node, "nodes", ()):
            leaf = Node(held)
            leaf.total.add(held)
            made.graph_nodes.append(self._graph_proto(leaf, tfprof_output_pb2.GraphNodeProto()))
        for one in node.children:
            self._multi_proto(one, made.children.add())
        return made

    # -- text ------------------------------------------------------------------------------------------------------------
    def text(self) -> str:
        """The table that is printed."""
        heads = [_HEADS[c] for c in self.columns if c in _HEADS]
        lines = ["Profile:", " | ".join(["node name", *heads])]
        if self.kind == "op":
            lines += [f"{n.name:<25}{', '.join(self._op_cell(c, n) for c in self.columns if c in _HEADS)}" for n in self.root.children]
        else:
            lines.append(f"{ROOT} ({', '.join(self._cell(c, self.root, '--') for c in self.columns if c in _HEADS)})")
            self._lines(self.root, 1, lines)
        return "\n".join(lines) + "\n"

    def _lines(self, node: Node, depth: int, lines: list[str]) -> None:
        for one in node.children:
            cells = [self._cell(c, one) for c in self.columns if c in _HEADS]
            shape = ["x".join(map(str, one.own.shape))] if one.own.shape and "params" in self.columns else []
            lines.append(f"{'  ' * depth}{one.name} ({', '.join(shape + cells)})")
            self._lines(one, depth + 1, lines)

    def _cell(self, column: str, node: Node, own: str | None = None) -> str:
        field, form, unit = _FORMS[column]
        first = form(getattr(node.own, field)) if own is None else own
        return f"{first}/{form(getattr(node.total, field))}{unit}"

    def _op_cell(self, column: str, node: Node) -> str:
        field, form, unit = _FORMS[column]
        value, whole = getattr(node.own, field), getattr(self.root.total, field)
        return f"{form(value)}{unit} ({100 * value / whole if whole else 0:.2f}%)"


def _number(value: float) -> str:
    """12345 -> 12.35k."""
    for size, unit in ((1e9, "b"), (1e6, "m"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.2f}{unit}"
    return str(int(value))


def _memory(value: float) -> str:
    for size, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "KB")):
        if value >= size:
            return f"{value / size:.2f}{unit}"
    return f"{int(value)}B"


def _time(value: float) -> str:
    for size, unit in ((1e6, "sec"), (1e3, "ms")):
        if value >= size:
            return f"{value / size:.2f}{unit}"
    return f"{int(value)}us"


_FORMS = {
    "params": ("params", _number, " params"), "float_ops": ("float_ops", _number, " flops"), "bytes": ("bytes", _memory, ""),
    "peak_bytes": ("peak_bytes", _memory, ""), "output_bytes": ("output_bytes", _memory, ""), "residual_bytes": ("residual_bytes", _memory, ""),
    "micros": ("micros", _time, ""), "cpu_micros": ("cpu_micros", _time, ""), "accelerator_micros": ("accelerator_micros", _time, ""),
    "occurrence": ("occurrence", _number, ""),
}  # fmt: skip
_HEADS = {
    "params": "# parameters", "float_ops": "# float_ops", "bytes": "requested bytes", "peak_bytes": "peak bytes", "output_bytes": "output bytes",
    "residual_bytes": "residual bytes", "micros": "total execution time", "cpu_micros": "cpu execution time",
    "accelerator_micros": "accelerator execution time", "occurrence": "op occurrence",
}  # fmt: skip


def _by_scope(facts: list[Facts]) -> list[Node]:
    """Nodes below the scopes that their names spell."""
    nodes: dict[str, Node] = {f.name: Node(f) for f in facts}
    roots: list[Node] = []
    for name in sorted(nodes, key=lambda n: n.count("/"), reverse=True):
        while "/" in name:
            parent = name.rpartition("/")[0]
            fresh = parent not in nodes
            if fresh:
                nodes[parent] = Node(Facts(parent))
            held = nodes[parent].children
            if not any(c is nodes[name] for c in held[-1:]) and nodes[name] not in held:
                held.append(nodes[name])
            if not fresh:
                break
            name = parent
    for name in sorted(nodes):
        if "/" not in name:
            roots.append(nodes[name])
    return roots


def _grouped(facts: list[Facts], key: Any) -> list[Node]:
    found: dict[str, Node] = {}
    for one in facts:
        for name in key(one):
            node = found.get(name)
            if node is None:
                node = found[name] = Node(Facts(name))
                node.own.types, node.nodes = [name], []  # type: ignore[attr-defined]
            node.own.add(one)
            node.nodes.append(one)  # type: ignore[attr-defined]
    return list(found.values())


def _by_op(facts: list[Facts]) -> list[Node]:
    """Op types (and the type of trainable variables), each with all its nodes."""
    return _grouped(facts, lambda f: [t for t in f.types if t == f.op or t == TRAINABLE])


def _by_code(facts: list[Facts]) -> list[Node]:
    """Lines of the program, each with the nodes that it made."""
    return _grouped(facts, lambda f: [str(f.line or "unknown")])
