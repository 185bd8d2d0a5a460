"""`tf.import_graph_def`: the nodes of a GraphDef, and the functions of its library, in a graph."""

import contextlib
import heapq
from collections.abc import Iterator, Mapping
from typing import Any

from penstock.base.dtypes import as_dtype
from penstock.base.errors import NotFoundError, OpError
from penstock.base.export import export
from penstock.base.shape import as_dims
from penstock.fronts.default_graph import get_default_graph
from penstock.fronts.trace import FuncGraph
from penstock.ir import door, graphdef
from penstock.ir.attrs import from_proto
from penstock.ir.device import merge_device
from penstock.ir.graph import Graph, Operation
from penstock.ir.op import REGISTRY, find
from penstock.ir.signature import REQUIRED
from penstock.ir.tensor import Tensor

_BACK_EDGES = ("NextIteration", "RefNextIteration")
_CALL = ("PartitionedCall", "StatefulPartitionedCall")


class Library(Mapping[str, Any]):
    """The functions of a GraphDef's library, each made into a body when first asked for."""

    def __init__(self, functions: Any, outer: Any = None, made: dict[str, Any] | None = None):
        self.definitions = {f.signature.name: f for f in functions}
        self.outer, self.made = outer, {} if made is None else made
        self.making: list[str] = []

    def __getitem__(self, name: str) -> Any:
        found = self.made.get(name)
        if found is None or hasattr(found, "node_def"):
            if name not in self.definitions:
                raise NotFoundError(None, None, f"Function {name!r} is not in the graph's function library; it holds {sorted(self.definitions) or 'none'}")
            if name in self.making:
                raise ValueError(f"Function {name!r} calls itself, by way of {' -> '.join(self.making)}; functions of a graph may not recurse")
            self.making.append(name)
            try:
                found = self.made[name] = body_of(self.definitions[name], self)
            finally:
                self.making.pop()
        return found

    def gradient_name(self, name: str) -> str | None:
        """The registered gradient that a node's `_gradient_op_type` means here; None for the op's own."""
        return name

    def body_name(self, name: str) -> str:
        """The name that the body of a function gets."""
        return name

    def __iter__(self) -> Iterator[str]:
        return iter({**self.definitions, **self.made})

    def __len__(self) -> int:
        return len({**self.definitions, **self.made})


class Nodes:
    """NodeDefs being added to a graph."""

    def __init__(self, graph: Graph, defs: Any, library: Library, in_function: bool = False):
        self.graph, self.defs, self.library, self.in_function = graph, list(defs), library, in_function
        self.by_name = {d.name: i for i, d in enumerate(self.defs)}
        self.made: dict[str, Operation] = {}
        self.given: dict[str, Any] = {}  # references that stand for tensors or operations from elsewhere
        self.back: list[tuple[Operation, int, str]] = []
        self.names: dict[str, str] = {}  # node -> the function that it calls by name
        self.pending: list[tuple[int, str]] = []

    def split(self, reference: str) -> tuple[str, str]:
        """Node name, and what follows it."""
        if reference.startswith("^"):
            return reference[1:], "^"
        name, _, rest = reference.partition(":")
        return name, rest

    def outside(self, reference: str) -> Any:
        """What stands for a reference from outside the nodes being added, or None."""
        if reference.endswith(":0") and reference.count(":") == 1:
            reference = reference[:-2]
        return self.given.get(reference)

    def check(self) -> None:
        unknown: dict[str, str] = {}
        for d in self.defs:
            if d.op not in self.library.definitions and d.op not in self.library.made and not known_op(d.op):
                unknown.setdefault(d.op, d.name)
        if unknown:
            shown = ", ".join(f"{op!r} (node {name!r})" for op, name in sorted(unknown.items()))
            raise NotFoundError(None, None, f"Op type not registered: {shown}. Make sure that the op and its gradient are registered in this process")
        for d in self.defs:
            for r in d.input:
                name, _ = self.split(r)
                if self.outside(r) is None and name not in self.by_name:
                    raise ValueError(f"Node {d.name!r}: Unknown input node {name!r}")

    def add_all(self, prefix: str = "") -> None:
        """Add the nodes, producers first; loops are closed at the end."""
        self.check()
        waiting = [0] * len(self.defs)
        after: dict[int, list[int]] = {}
        for i, d in enumerate(self.defs):
            needed = {self.by_name[self.split(r)[0]] for r in d.input if self.outside(r) is None}
            if d.op in ("Merge", "RefMerge"):
                needed = {j for j in needed if self.defs[j].op not in _BACK_EDGES}
            waiting[i] = len(needed)
            for j in needed:
                after.setdefault(j, []).append(i)
        ready = [i for i, n in enumerate(waiting) if n == 0]
        done = 0
        while ready:
            i = heapq.heappop(ready)
            self.add(self.defs[i], prefix)
            done += 1
            for j in after.get(i, ()):
                waiting[j] -= 1
                if waiting[j] == 0:
                    heapq.heappush(ready, j)
        if done < len(self.defs):
            stuck = next(d.name for i, d in enumerate(self.defs) if waiting[i])
            raise ValueError(f"the graph has a cycle through node {stuck!r}; only a NextIteration may close one")
        for node, index, reference in self.back:
            node._update_input(index, self.tensor(node.name, reference))

    def tensor(self, reader: str, reference: str) -> Any:
        """The tensor that an input refers to."""
        found = self.outside(reference)
        if found is not None:
            return found
        name, rest = self.split(reference)
        node = self.made.get(name)
        if node is None:
            raise ValueError(f"Node {reader!r}: Unknown input node {name!r}")
        if rest and ":" in rest:
            argument, _, offset = rest.partition(":")
            for label, start, count in graphdef.spans(node.definition, node.attrs):
                if label == argument and 0 <= int(offset) < min(count, len(node.outputs) - start):
                    return node.outputs[start + int(offset)]
            if label_missing(node, argument):  # a function that is called by its own name
                names = [a.name for a in self.library.definitions[self.names[name]].signature.output_arg]
                if argument in names and names.index(argument) + int(offset) < len(node.outputs):
                    return node.outputs[names.index(argument) + int(offset)]
            raise ValueError(f"Node {reader!r}: node {name!r} ({node.type}) has no output {rest!r}")
        index = int(rest or 0)
        if index >= len(node.outputs):
            raise ValueError(f"Node {reader!r}: Connecting to invalid output {index} of source node {name} which has {len(node.outputs)} outputs.")
        return node.outputs[index]

    def add(self, d: Any, prefix: str) -> None:
        graph = self.graph
        control, inputs = [], []
        for r in d.input:
            if r.startswith("^"):
                op = self.given.get(r) or self.made.get(r[1:])
                op = getattr(op, "op", op)
                if isinstance(op, Operation) and op not in control:
                    control.append(op)
            else:
                inputs.append(r)
        definition, attrs, extra = self.attrs(d)
        if d.op in ("Merge", "RefMerge"):
            tensors = self.merge_inputs(d, inputs)
        else:
            tensors = [self.tensor(d.name, r) for r in inputs]
        scope, graph._scope = graph._scope, ""
        full = graph.unique_name(f"{prefix}{d.name}")
        graph._scope = scope
        shown = f"{{{{node {full}}}}}"
        self.check_inputs(definition, attrs, tensors, d, shown)
        try:
            outs = graph.infer(definition, tensors, attrs)
        except OpError as e:
            raise ValueError(f"{e.message}; in {shown}") from None
        if self.pending:  # what comes around a loop may have another shape
            outs = [(outs[0][0], None), outs[1]]
        outside = graph._control
        with graph._lock:
            graph._control, scope = (), graph._scope
            graph._scope = ""
            try:
                node = graph.add(definition, tuple(tensors), attrs, outs, f"{full}/")
            finally:
                graph._control, graph._scope = outside, scope
        node._control = (*control, *(c for c in outside if c not in control))
        self.back.extend((node, index, reference) for index, reference in self.pending)
        self.pending = []
        if d.device:
            node.device = merge_device(node.device, d.device)
        for key, value in extra.items():
            if key == "_class":
                found = [s.decode() for s in value.list.s]
                where = [f.removeprefix("loc:@") for f in found if f.startswith("loc:@")]
                node.colocation = tuple(f"{prefix}{w}" for w in where)
            elif key == "_gradient_op_type":
                node.gradient_name = self.library.gradient_name(value.s.decode())
            elif key == "_output_shapes":
                self.set_shapes(node, value.list.shape)
            else:
                node.attrs[key] = value
        self.made[d.name] = node
        for watch in door.state.watchers:
            watch(definition, node._inputs, attrs, node.outputs, node)

    @staticmethod
    def set_shapes(node: Operation, shapes: Any) -> None:
        for t, s in zip(node.outputs, shapes):
            with contextlib.suppress(ValueError):
                t.set_shape(as_dims(s))

    def merge_inputs(self, d: Any, references: list[str]) -> list[Any]:
        """The inputs of a Merge; one that closes a loop is filled in when the loop's body is there."""
        ready = {}
        for i, r in enumerate(references):
            name, _ = self.split(r)
            if self.outside(r) is not None or name in self.made:
                ready[i] = self.tensor(d.name, r)
        if not ready:
            raise ValueError(f"Node {d.name!r}: all inputs of a Merge come around a loop")
        self.pending = [(i, r) for i, r in enumerate(references) if i not in ready]
        first = next(iter(ready.values()))
        return [ready.get(i, first) for i in range(len(references))]

    def attrs(self, d: Any) -> tuple[Any, dict[str, Any], dict[str, Any]]:
        """The op of a node, its attrs, and those that the op does not have."""
        given = dict(d.attr.items())
        if not known_op(d.op):  # a function is called by its name
            body = self.library[d.op]
            self.names[d.name] = d.op
            definition = find(_CALL[self.library.definitions[d.op].signature.is_stateful])
            attrs = {"Tin": [t.dtype.base_dtype for t in body.inputs], "Tout": [t.dtype.base_dtype for t in body.outputs], "f": body}
            return definition, {**{k: a.default for k, a in definition.sig.attrs.items()}, **attrs}, {k: v for k, v in given.items() if k[0] == "_"}
        definition = find(d.op)
        attrs = {}
        for key, attr in definition.sig.attrs.items():
            value = given.pop(key, None)
            if value is not None:
                if value.WhichOneof("value") == "placeholder":
                    raise ValueError(f"attr {key!r} of node {d.name!r} is the placeholder {value.placeholder!r}, which only a function's own attrs could fill")
                attrs[key] = from_proto(attr.type, value, self.library)
            elif attr.default is not REQUIRED:
                attrs[key] = list(attr.default) if isinstance(attr.default, list) else attr.default
            else:
                raise ValueError(f"NodeDef missing attr {key!r} from {definition}; NodeDef: {{{{node {d.name}}}}}")
            if attr.allowed is not None:
                for v in attrs[key] if isinstance(attrs[key], list) else (attrs[key],):
                    if v not in attr.allowed:
                        allowed = ", ".join(getattr(a, "name", repr(a)) for a in attr.allowed)
                        raise ValueError(f"Value for attr {key!r} of {getattr(v, 'name', repr(v))} is not in the list of allowed values: {allowed}\n\t; NodeDef: {{{{node {d.name}}}}}")
        return definition, attrs, given

    def check_inputs(self, definition: Any, attrs: dict[str, Any], tensors: list[Any], d: Any, shown: str) -> None:
        expected: list[tuple[Any, bool]] = []
        for a in definition.sig.inputs:
            if a.many and not a.number:
                expected.extend((t, a.is_ref) for t in attrs[a.type])
            else:
                dtype = a.dtype if a.dtype is not None else attrs[a.type]
                expected.extend([(dtype, a.is_ref)] * (attrs[a.number] if a.number else 1))
        if len(expected) != len(tensors):
            wanted = ", ".join(t.name for t, _ in expected)
            raise ValueError(f"NodeDef expected inputs '{wanted}' do not match {len(tensors)} inputs specified; {definition}; NodeDef: {shown}")
        for i, ((dtype, is_ref), t) in enumerate(zip(expected, tensors)):
            if t.dtype.base_dtype is not dtype.base_dtype or (is_ref and not t.dtype.is_ref):
                raise ValueError(f"Input {i} of node {shown[7:-2]} was passed {t.dtype.name} from {t.name} incompatible with expected {dtype.name}{'_ref' if is_ref else ''}.")


def known_op(name: str) -> bool:
    """Is there an op of this name?"""
    if name in REGISTRY:
        return True
    try:
        find(name)
    except KeyError:
        return False
    return True


def label_missing(node: Operation, argument: str) -> bool:
    return node.type in _CALL and argument != "output"


def body_of(definition: Any, library: Library) -> FuncGraph:
    """The body of a FunctionDef: a FuncGraph of its own, whose inputs and outputs are the function's."""
    signature = definition.signature
    graph = FuncGraph(library.body_name(signature.name), library.outer)
    with door.using(graph), door.watching(None):
        nodes = Nodes(graph, definition.node_def, library, in_function=True)
        for i, arg in enumerate(signature.input_arg):
            if arg.type_attr or arg.number_attr or arg.type_list_attr:
                raise ValueError(f"function {signature.name!r} is generic in the type of {arg.name!r}; only functions of fixed types can be imported")
            attrs = definition.arg_attr[i].attr if i in definition.arg_attr else {}
            shapes = attrs["_output_shapes"].list.shape if "_output_shapes" in attrs else ()
            nodes.given[arg.name] = graph.add_input(as_dtype(arg.type), as_dims(shapes[0]) if len(shapes) else None, arg.name)
        nodes.add_all()
        missing = [a.name for a in signature.output_arg if a.name not in definition.ret]
        if missing:
            raise ValueError(f"function {signature.name!r} does not say which tensors its outputs {missing} are")
        graph.outputs = [nodes.tensor(signature.name, definition.ret[a.name]) for a in signature.output_arg]
        graph.control_outputs = [nodes.made[n] for n in definition.control_ret.values() if n in nodes.made]
        graph._version += 1
    return graph


def _as_graph_def(graph_def: Any) -> Any:
    from penstock.base.proto import graph_pb2

    if isinstance(graph_def, graph_pb2.GraphDef):
        return graph_def
    if getattr(getattr(graph_def, "DESCRIPTOR", None), "name", "") != "GraphDef":
        raise TypeError("Argument `graph_def` must be a GraphDef proto.")
    return graph_pb2.GraphDef.FromString(graph_def.SerializeToString())


def _as_bytes_list(elements: Any) -> list[str]:
    found = []
    for e in tuple(elements):
        if not isinstance(e, (str, bytes)):
            raise TypeError("Argument `return_elements` must be a list of strings.")
        found.append(e.decode() if isinstance(e, bytes) else e)
    return found


@export(v2=("graph_util.import_graph_def", "import_graph_def"), v1=("import_graph_def", "graph_util.import_graph_def"))
def import_graph_def(
    graph_def: Any, input_map: Any = None, return_elements: Any = None, name: str | None = None, op_dict: Any = None, producer_op_list: Any = None
) -> Any:  # fmt: skip
    """Add the nodes of a GraphDef to the default graph under `name` ("import"); gives the operations and tensors asked for.

    `input_map` names the tensors of the default graph (or values) that take the place of some of the imported ones.
    """
    proto = _as_graph_def(graph_def)
    if input_map is not None and not isinstance(input_map, dict):
        raise TypeError(f"Argument `input_map` must be a dictionary. Obtained {type(input_map).__name__}")
    if input_map and not all(isinstance(k, (str, bytes)) for k in input_map):
        raise TypeError(f"All keys for argument `input_map` must be strings. Obtained keys: {list(input_map)}")
    wanted = None if return_elements is None else _as_bytes_list(return_elements)
    if proto.versions.min_consumer > graphdef.PRODUCER:
        raise ValueError(f"GraphDef min consumer version {proto.versions.min_consumer} above current version {graphdef.PRODUCER}.  Please upgrade.")
    graph = get_default_graph()
    return _Import(graph, proto, {k.decode() if isinstance(k, bytes) else k: v for k, v in (input_map or {}).items()}, name).run(wanted)


class _Import:
    """One call of import_graph_def."""

    def __init__(self, graph: Graph, proto: Any, input_map: dict[str, Any], name: str | None):
        self.graph, self.proto, self.map, self.name = graph, proto, input_map, name

    def run(self, wanted: list[str] | None) -> Any:
        graph = self.graph
        name = "import" if self.name is None else self.name
        library = Library(self.proto.library.function, graph, graph._functions)
        for f in self.proto.library.function:
            graph._functions.setdefault(f.signature.name, f)
        with door.using(graph):
            with graph.name_scope(name or None) as prefix:
                values = self.convert(name)
                nodes = Nodes(graph, self.proto.node, library)
                self.fill(nodes, values)
                before = len(graph._nodes)
                try:
                    nodes.add_all(prefix)
                except Exception:
                    self.undo(before)
                    raise
        return None if wanted is None else [self.element(nodes, w) for w in wanted]

    def undo(self, before: int) -> None:
        """Take the nodes away again that a failed import has added."""
        graph = self.graph
        for node in graph._nodes[before:]:
            del graph._by_name[node.name]
        del graph._nodes[before:]
        graph._version += 1

    def convert(self, name: str) -> dict[str, Any]:
        found = {}
        for key, value in self.map.items():
            if key.startswith("^"):
                found[key] = self.graph._control_op(value)
            elif isinstance(value, Tensor) or hasattr(value, "_as_graph_element"):
                found[key] = self.graph.as_graph_element(value) if hasattr(value, "op") else self.graph.convert(value)
            else:
                if not name:
                    raise ValueError("tf.import_graph_def() requires a non-empty `name` if `input_map` contains non-Tensor values.")
                with self.graph.name_scope("_inputs"):
                    found[key] = self.graph.convert(value)
        return found

    @staticmethod
    def fill(nodes: Nodes, values: dict[str, Any]) -> None:
        """Put the mapped inputs in place; ValueError for those that nothing reads and no node has."""
        missing = []
        for key, value in values.items():
            name, rest = nodes.split(key)
            if name not in nodes.by_name and not any(r == key or r.partition(":")[0] == key for d in nodes.defs for r in d.input):
                missing.append(key)
            nodes.given[name if rest in ("", "0") else key] = value
        if missing:
            raise ValueError(f"Attempted to map inputs that were not found in graph_def: [{', '.join(missing)}]")

    @staticmethod
    def element(nodes: Nodes, wanted: str) -> Any:
        name, rest = nodes.split(wanted)
        if rest and not rest.isdigit():
            raise ValueError(f"Requested return_element {wanted!r} is not the name of an operation or a tensor")
        if rest and nodes.outside(wanted) is not None:
            return nodes.outside(wanted)
        node = nodes.made.get(name)
        if node is None or (rest and int(rest) >= len(node.outputs)):
            raise ValueError(f"Requested return {'tensor' if rest else 'node'} {wanted!r} not found in graph def")
        return node.outputs[int(rest)] if rest else node

