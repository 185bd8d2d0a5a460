"""Functions whose variables became constants: `convert_variables_to_constants_v2`."""

from typing import Any

import numpy as np

from penstock.base.dtypes import as_dtype
from penstock.engine.plan import body_nodes
from penstock.fronts.concrete import ConcreteFunction
from penstock.fronts.trace import FuncGraph, fresh_name
from penstock.fronts.wrap_function import WrappedFunction
from penstock.ir import door
from penstock.ir.op import find
from penstock.ir.subgraph import convert_variables_to_constants
from penstock.ir.type_spec import TensorSpec

__all__ = ["convert_variables_to_constants", "convert_variables_to_constants_v2"]
_CALLS = ("PartitionedCall", "StatefulPartitionedCall")
_BRANCHES = {"If": ("then_branch", "else_branch"), "StatelessIf": ("then_branch", "else_branch")}
_LOOPS = ("While", "StatelessWhile")


class Held:
    """The handle of a variable whose value is known: what reads it reads a constant."""

    def __init__(self, array: Any, dtype: Any, name: str):
        self.array, self.dtype, self.name = array, dtype, name


class _Freezer:
    """Copies a body into another graph, calls inlined and variables replaced by their values."""

    def __init__(self, graph: FuncGraph, taken: frozenset[str] = frozenset()):
        self.graph, self.taken = graph, taken
        self.constants: dict[int, Any] = {}

    def constant(self, held: Held) -> Any:
        """The one Const that holds a variable's value."""
        found = self.constants.get(id(held))
        if found is None:
            found = self.constants[id(held)] = self.emit("Const", (), {"value": held.array, "dtype": held.dtype}, held.name)
        return found

    def array(self, value: Any, name: str) -> Any:
        return self.emit("Const", (), {"value": value, "dtype": as_dtype(value.dtype)}, name)

    def emit(self, op: str, inputs: Any, attrs: dict[str, Any], name: str) -> Any:
        with door.using(self.graph), door.watching(None):
            scope, self.graph._scope = self.graph._scope, ""
            try:
                return find(op)(*inputs, name=f"{self._free(name)}/", **attrs)
            finally:
                self.graph._scope = scope

    def _free(self, name: str) -> str:
        return f"{name}_inner" if name in self.taken else name

    def walk(self, body: Any, env: dict[int, Any], prefix: str = "") -> None:
        """Copy the nodes of a body; `env` holds what its inputs are, and learns the rest."""
        made: dict[Any, Any] = {}
        for node in body_nodes(body):
            if all(t._id in env for t in node.outputs) and node.outputs:
                continue
            self.node(node, env, prefix, made)

    def node(self, node: Any, env: dict[int, Any], prefix: str, made: dict[Any, Any]) -> None:
        inputs = [env[t._id] for t in node.inputs]
        name = f"{prefix}{node.name}"
        if node.type in _CALLS:
            inner = node.attrs["f"]
            inside = {p._id: v for p, v in zip(inner.inputs, inputs)}
            self.walk(inner, inside, f"{name}/")
            for out, result in zip(node.outputs, inner.outputs):
                env[out._id] = inside[result._id]
            return
        if not any(isinstance(v, Held) for v in inputs):
            self.copy(node, inputs, dict(node.attrs), env, name, made)
        elif node.type in _BRANCHES or node.type == "Case":
            self.branch(node, inputs, env, name, made)
        elif node.type in _LOOPS:
            self.loop(node, inputs, env, name, made)
        else:
            self.read(node, inputs, env, name)

    def read(self, node: Any, inputs: list[Any], env: dict[int, Any], name: str) -> None:
        held = inputs[0]
        if node.type == "ReadVariableOp":
            result = self.emit("Identity", [self.constant(held)], {}, name)
        elif node.type == "ResourceGather":
            axis = node.attrs.get("batch_dims", 0)
            axis_tensor = self.array(np.array(axis, np.int32), f"{name}/axis")
            result = self.emit("GatherV2", [self.constant(held), inputs[1], axis_tensor], {"batch_dims": axis}, name)
        elif node.type == "ResourceGatherNd":
            result = self.emit("GatherNd", [self.constant(held), inputs[1]], {}, name)
        elif node.type == "VariableShape":
            shape = np.array(held.array.shape, node.attrs["out_type"].array_dtype)
            result = self.array(shape, name)
        elif node.type == "VarIsInitializedOp":
            result = self.array(np.array(True), name)
        elif node.type == "Identity":
            result = held
        elif node.type == "DisableCopyOnRead":
            return
        else:
            raise ValueError(
                f"Cannot convert variables to constants: node {node.name!r} ({node.type}) uses the variable {held.name!r} in a way that no constant can stand "
                "for; freeze a function that only reads its variables"
            )
        env[node.outputs[0]._id] = result

    def copy(self, node: Any, inputs: list[Any], attrs: dict[str, Any], env: dict[int, Any], name: str, made: dict[Any, Any]) -> Any:
        outs = [(t.dtype, t._dims) for t in node.outputs]
        return self.place(node, inputs, attrs, env, name, made, outs, node.outputs)

    def place(self, node: Any, inputs: list[Any], attrs: dict[str, Any], env: dict[int, Any], name: str, made: dict[Any, Any], outs: Any, results: Any) -> Any:
        graph = self.graph
        scope, graph._scope = graph._scope, ""
        copy = graph.add(node.definition, tuple(inputs), attrs, outs, f"{self._free(name)}/")
        graph._scope = scope
        copy._control = tuple(made[c] for c in node._control if c in made)
        copy.device, copy.gradient_name = node.device, node.gradient_name
        own = getattr(node, "_gradient_function", None)
        if own is not None:
            copy._gradient_function = own
        for old, new in zip(results, copy.outputs):
            env[old._id] = new
        made[node] = copy
        return copy

    def special(self, body: Any, inputs: list[Any], keep_outputs: Any = None) -> FuncGraph:
        """A branch or loop body without the handles: their values are constants inside."""
        graph = FuncGraph(fresh_name(f"{body.name}_frozen"), self.graph)
        env: dict[int, Any] = {}
        for parameter, value in zip(body.inputs, inputs):
            env[parameter._id] = value if isinstance(value, Held) else graph.add_input(parameter.dtype, parameter._dims, parameter.op.name)
        inner = _Freezer(graph)
        inner.walk(body, env)
        kept = [env[t._id] for i, t in enumerate(body.outputs) if keep_outputs is None or i in keep_outputs]
        graph.outputs = [inner.constant(t) if isinstance(t, Held) else t for t in kept]
        graph._version += 1
        return graph

    def branch(self, node: Any, inputs: list[Any], env: dict[int, Any], name: str, made: dict[Any, Any]) -> None:
        attrs = dict(node.attrs)
        for key in _BRANCHES.get(node.type, ()):
            attrs[key] = self.special(node.attrs[key], inputs[1:])
        if node.type == "Case":
            attrs["branches"] = [self.special(b, inputs[1:]) for b in node.attrs["branches"]]
        kept = [v for v in inputs if not isinstance(v, Held)]
        attrs["Tin"] = [v.dtype.base_dtype for v in kept[1:]]
        self.copy(node, kept, attrs, env, name, made)

    def loop(self, node: Any, inputs: list[Any], env: dict[int, Any], name: str, made: dict[Any, Any]) -> None:
        attrs, body = dict(node.attrs), node.attrs["body"]
        for i, v in enumerate(inputs):
            if isinstance(v, Held) and body.outputs[i] is not body.inputs[i]:
                raise ValueError(f"Cannot convert variables to constants: the loop {node.name!r} changes which variable stands at place {i}")
        kept = [i for i, v in enumerate(inputs) if not isinstance(v, Held)]
        attrs["cond"], attrs["body"] = self.special(node.attrs["cond"], inputs), self.special(body, inputs, set(kept))
        attrs["T"] = [inputs[i].dtype.base_dtype for i in kept]
        if attrs.get("output_shapes"):
            attrs["output_shapes"] = [attrs["output_shapes"][i] for i in kept]
        outs = [(node.outputs[i].dtype, node.outputs[i]._dims) for i in kept]
        self.place(node, [inputs[i] for i in kept], attrs, env, name, made, outs, [node.outputs[i] for i in kept])
        for i, v in enumerate(inputs):
            if isinstance(v, Held):
                env[node.outputs[i]._id] = v


def convert_variables_to_constants_v2(func: Any, lower_control_flow: bool = True, aggressive_inlining: bool = False) -> WrappedFunction:
    """The concrete function with the variables that it captured replaced by constants of their values, calls inlined.

    >>> frozen = convert_variables_to_constants_v2(concrete)
    >>> tf.io.write_graph(frozen.graph, folder, "frozen.pb", as_text=False)
    """
    if not isinstance(func, ConcreteFunction):
        raise TypeError(f"convert_variables_to_constants_v2 takes a concrete function (tf.function(...).get_concrete_function(...)), got {func!r}")
    graph = FuncGraph(fresh_name("frozen"), func.graph.outer)
    body = func.graph
    arguments = [graph.add_input(p.dtype, p._dims, p.op.name) for p in func._arguments]
    env: dict[int, Any] = {p._id: a for p, a in zip(func._arguments, arguments)}
    freezer = _Freezer(graph, frozenset(output_names(len(body.outputs))))
    for outer, inner in zip(func.captures(), body.inputs[len(arguments) :]):
        array = getattr(outer, "_array", None)
        if outer.dtype.name == "resource" and hasattr(array, "initialized"):
            env[inner._id] = Held(np.array(array.read()), array.dtype, inner.op.name)
        elif outer.dtype.name in ("resource", "variant") or array is None:
            env[inner._id] = graph._add_capture(outer)
        else:
            env[inner._id] = freezer.constant(Held(np.asarray(array), outer.dtype, inner.op.name))
    freezer.walk(body, env)
    freezer.taken = frozenset()
    results = [env[t._id] for t in body.outputs]
    results = [freezer.constant(r) if isinstance(r, Held) else r for r in results]
    outputs = [freezer.emit("Identity", [r], {}, n) for r, n in zip(results, output_names(len(results)))]
    signature = (tuple(TensorSpec(a.shape, a.dtype, a.op.name) for a in arguments), {})
    made = WrappedFunction(graph, arguments, signature, outputs, names=[a.op.name for a in arguments])
    made.finish(outputs)
    return made


def output_names(count: int) -> list[str]:
    return ["Identity" if i == 0 else f"Identity_{i}" for i in range(count)]


def convert_variables_to_constants_v2_as_graph(func: Any, lower_control_flow: bool = True, aggressive_inlining: bool = False) -> tuple[Any, Any]:
    """The frozen function, and its GraphDef."""
    frozen = convert_variables_to_constants_v2(func, lower_control_flow, aggressive_inlining)
    return frozen, frozen.graph.as_graph_def(add_shapes=True)


def convert_var_to_const_function_in_v1(func: Any, lower_control_flow: bool = True, aggressive_inlining: bool = False) -> WrappedFunction:
    """The same, for functions of 1.x programs."""
    return convert_variables_to_constants_v2(func, lower_control_flow, aggressive_inlining)


def convert_variables_to_constants_from_session_graph(
    session: Any, graph_def: Any, output_node_names: Any, variable_names_allowlist: Any = None, variable_names_denylist: Any = None
) -> Any:  # fmt: skip
    """The part of a GraphDef that the outputs need, each variable replaced by a constant of its value in the session."""
    return convert_variables_to_constants(session, graph_def, output_node_names, variable_names_allowlist, variable_names_denylist)


def disable_lower_using_switch_merge(graph_def: Any) -> Any:
    """A copy of the GraphDef whose functional control flow stays as it is."""
    made = type(graph_def)()
    made.CopyFrom(graph_def)
    for node in (*made.node, *[n for f in made.library.function for n in f.node_def]):
        if node.op in ("If", "StatelessIf", "While", "StatelessWhile"):
            node.attr["_lower_using_switch_merge"].b = False
    return made
