"""Gradients of calls, branches and loops: each body gets a backward body, and hands out what that one asks for."""

import copy
from typing import Any

from penstock.engine.control import (
    CASE,
    FAKE_PARAM,
    IF,
    IFS,
    PARTITIONED_CALL,
    STATEFUL_PARTITIONED_CALL,
    STATELESS_CASE,
    STATELESS_IF,
    STATELESS_WHILE,
    WHILE,
)  # fmt: skip
from penstock.engine.plan import body_nodes, has_effect, is_stateful
from penstock.fronts import backprop
from penstock.fronts.trace import FuncGraph, fresh_name
from penstock.ir import door
from penstock.ir.graph import GraphTensor
from penstock.ir.known import group, known_value
from penstock.ir.op import find
from penstock.ops import tensor_list

_SHAPES = {"Shape", "ShapeN", "Size", "Rank"}


def flows(tensor: Any) -> bool:
    """Can a gradient flow through values of this tensor's type?"""
    return tensor.dtype.is_differentiable or tensor.dtype.name == "variant"


class BackwardGraph(FuncGraph):
    """A backward body: what it can find out again from shapes and constants it does not take in."""

    def capture(self, tensor: Any, name: str | None = None) -> Any:
        if isinstance(tensor, GraphTensor) and tensor.graph is self.outer and tensor._id not in self._captured:
            known = known_value(tensor) if tensor.dtype.on_device else None
            if known is not None:
                return self.constant(known, "Const", tensor.dtype.base_dtype)
            if cheap(tensor):
                node = tensor.op
                args = group(node.definition, [self.capture(t) for t in node._inputs], node.attrs)
                before = len(self._nodes)
                self.emit(node.definition, tuple(args), {k: v for k, v in node.attrs.items() if k in node.definition.free_attrs}, None)
                made = next(n for n in reversed(self._nodes[before:]) if n.definition is node.definition)
                return made.outputs[tensor.value_index]
        return super().capture(tensor, name)


def cheap(tensor: Any, depth: int = 0) -> bool:
    """Does it follow from shapes and constants alone?"""
    node = tensor.op
    if not tensor.dtype.is_integer and not tensor.dtype.is_bool or tensor._dims is None or len(tensor._dims) > 1 or depth > 16:
        return False
    if node.type in _SHAPES:
        return True
    if node.definition.where != "any" or node.definition.effect is not None or node.type == "Placeholder" or not node._inputs:
        return False
    return all(known_value(t) is not None or cheap(t, depth + 1) for t in node._inputs)


class Backward:
    """The backward body of a function: which gradients it takes, what else, and which inputs it gives gradients of."""

    def __init__(self, forward: FuncGraph, wanted: tuple[bool, ...], loop: bool = False):
        through = {i for i, (t, o) in enumerate(zip(forward.inputs, forward.outputs)) if o is t} if loop else set()
        self.outputs = [i for i, o in enumerate(forward.outputs) if flows(o) and i not in through]
        self.products: dict[int, list[tuple[int, int]]] = {}  # invariant input -> pairs of outputs whose products, summed over turns, are its gradient
        self.rows: dict[int, list[tuple[int, int]]] = {}  # invariant list -> pairs of outputs, an index and the gradient of the element there
        graph = BackwardGraph(fresh_name(f"__backward_{forward.name}"), original(forward))
        graph._collections = {}
        with door.using(graph), door.watching(None):
            grads: dict[int, list[Any]] = {}
            seeds = []
            for i in self.outputs:
                o = forward.outputs[i]
                seed = graph.add_input(o.dtype.base_dtype, o._dims, f"gradient_{i}")
                seeds.append(seed)
                grads.setdefault(o._id, []).append(seed)
            nodes = body_nodes(forward)
            sources = [t._id for t, w in zip(forward.inputs, wanted) if w and (flows(t) or t.dtype.name == "resource" or t.dtype.is_ref)]
            keep = backprop.reachable(nodes, set(sources))
            invariants = {forward.inputs[i]._id for i in through}
            sums = backprop.backprop(nodes, grads, keep, frozenset(), [i for i in sources if i not in invariants])
            pairs = {}
            rows = {}
            for t in forward.inputs:
                if t._id in invariants and t._id in grads and t._id in sources:
                    parts = grads[t._id]
                    if all(_is_weight_product(p, graph) for p in parts):
                        pairs[t._id] = [p.op._inputs for p in parts]
                    elif all(_is_one_row(p, graph) for p in parts):
                        rows[t._id] = [p.op._inputs[1:] for p in parts]
                    else:
                        sums[t._id] = backprop.add_up(parts)
            self.gradients: list[Any] = []  # for each input of the forward body: its place among the outputs, or None
            results = []
            for i, t in enumerate(forward.inputs):
                if t._id in pairs:
                    self.gradients.append(None)
                    self.products[i] = []
                    for a, b in pairs[t._id]:
                        self.products[i].append((len(results), len(results) + 1))
                        results += [a, b]
                    continue
                if t._id in rows:
                    self.gradients.append(None)
                    self.rows[i] = []
                    for index, item in rows[t._id]:
                        self.rows[i].append((len(results), len(results) + 1))
                        results += [index, item]
                    continue
                g = sums.get(t._id) if t._id in sources else None
                if g is None:
                    self.gradients.append(None)
                    continue
                self.gradients.append(len(results))
                results.append(graph.convert(g))
        self.needs = graph.external_captures
        graph.inputs = [*seeds, *graph.internal_captures]
        graph.outputs = results
        graph._version += 1
        self.graph = graph


def original(graph: FuncGraph) -> FuncGraph:
    """The graph that owns the nodes of a (possibly extended) function."""
    while "base" in graph._extras:
        graph = graph._extras["base"]
    return graph


def _is_one_row(tensor: Any, graph: FuncGraph) -> bool:
    """Is it the gradient of a list of which one element was read?"""
    if not isinstance(tensor, GraphTensor) or tensor.graph is not graph or tensor.op.type != "TensorListSetItem":
        return False
    return tensor.op._inputs[0].op.type == "TensorListReserve"


def _is_weight_product(tensor: Any, graph: FuncGraph) -> bool:
    """Is it the gradient of a matrix product with respect to its weights, a^T b?"""
    if not isinstance(tensor, GraphTensor) or tensor.graph is not graph:
        return False
    node = tensor.op
    return node.type == "MatMul" and node.attrs["transpose_a"] and not node.attrs["transpose_b"] and tensor.dtype.is_floating \
        and all(t._dims is not None and None not in t._dims for t in node._inputs)  # fmt: skip


def backward_of(forward: FuncGraph, wanted: tuple[bool, ...], loop: bool = False) -> Backward:
    wanted = wanted[: len(forward.inputs)]
    mark = (tuple(o._id for o in forward.outputs), wanted, loop)
    made = forward._extras.setdefault("backward", {})
    if mark not in made:
        made[mark] = Backward(forward, wanted, loop)
    return made[mark]


def extended(forward: FuncGraph, wanted: tuple[bool, ...]) -> FuncGraph:
    """The function with the intermediate values that its backward body needs as further outputs."""
    mark = (tuple(o._id for o in forward.outputs), wanted)
    done = forward._extras.setdefault("extended", {})
    if mark in done:
        return done[mark]
    needs = backward_of(forward, wanted).needs
    have = {t._id for t in (*forward.inputs, *forward.outputs)}
    extra = [t for t in needs if t._id not in have]
    if not extra:
        made = forward
    else:
        made = copy.copy(forward)
        made.outputs = [*forward.outputs, *extra]
        made._extras = {"base": forward}
    done[mark] = made
    return made


def watched(inputs: Any) -> tuple[bool, ...]:
    """Which of these tensors a tape follows."""
    watchers = [w for w in door.state.watchers if hasattr(w, "watches")]
    return tuple([any(w.watches(t) for w in watchers) for t in inputs])


def call_body(graph: FuncGraph, inputs: list[Any]) -> list[Any]:
    """Call a body from here."""
    followed = watched(inputs) if door.state.watchers else ()
    graph_called = extended(graph, followed) if any(followed) and not door.current().is_graph else graph
    stateful = is_stateful(graph)
    outs = (STATEFUL_PARTITIONED_CALL if stateful else PARTITIONED_CALL)(inputs, f=graph_called, Tout=[t.dtype.base_dtype for t in graph_called.outputs])
    return outs[: len(graph.outputs)] if isinstance(outs, list) else []


def _call_gradient(node: Any, *dys: Any, wanted: tuple[bool, ...]) -> Any:
    called = node.attrs["f"]
    base = called._extras.get("base")
    count = len(called.outputs)
    if base is None or any(d is not None for d in dys[len(base.outputs) :]):
        base = called
    back = backward_of(base, wanted)
    values = dict(zip((t._id for t in called.inputs), node._inputs))
    values.update(zip((t._id for t in called.outputs), node.outputs))
    missing = [t for t in back.needs if t._id not in values]
    if missing:
        wide = extended(base, wanted)
        if isinstance(node.outputs[0], GraphTensor) and node.graph is not None and hasattr(node, "_control"):
            _widen_call(node, wide, count)
            values.update(zip((t._id for t in wide.outputs), node.outputs))
        else:
            again = node.definition(list(node._inputs), f=wide, Tout=[t.dtype.base_dtype for t in wide.outputs])
            values.update(zip((t._id for t in wide.outputs), again))
    seeds = [_given(dys[i], node.outputs[i]) for i in back.outputs]
    results = call_body(back.graph, [*seeds, *[values[t._id] for t in back.needs]])
    return [None if g is None else results[g] for g in back.gradients]


def _given(dy: Any, output: Any) -> Any:
    if dy is None:
        return find("ZerosLike")(output)
    return door.convert(dy)


def _widen_call(node: Any, wide: FuncGraph, count: int) -> None:
    """Let a call in a graph hand out more."""
    node.attrs = {**node.attrs, "f": wide, "Tout": [t.dtype.base_dtype for t in wide.outputs]}
    for t in wide.outputs[count:]:
        _add_output(node, t.dtype.base_dtype, t._dims)
    node.graph._rewire()


def _add_output(node: Any, dtype: Any, dims: Any) -> Any:
    tensor = GraphTensor(node, len(node.outputs), dtype, dims)
    node.outputs.append(tensor)
    return tensor


# -- branches ---------------------------------------------------------------------------------------------------------


def _branch_gradient(node: Any, *dys: Any, wanted: tuple[bool, ...]) -> Any:
    from penstock.fronts.control import _branches

    name = node.definition.name
    branches = [node.attrs["then_branch"], node.attrs["else_branch"]] if name in IFS else list(node.attrs["branches"])
    backs = [backward_of(b, wanted[1:]) for b in branches]
    inputs = node._inputs[1:]
    fresh: list[tuple[int, Any]] = []  # (branch, its tensor) that the forward node must hand out from now on
    for k, (b, back) in enumerate(zip(branches, backs)):
        have = {t._id for t in (*b.inputs, *b.outputs)}
        fresh += [(k, t) for t in back.needs if t._id not in have]
    if fresh:
        for k, b in enumerate(branches):
            with door.using(b), door.watching(None):
                extra = [t if k == owner else FAKE_PARAM(dtype=t.dtype.base_dtype, shape=t._dims) for owner, t in fresh]
            b.outputs = [*b.outputs, *extra]
            b._version += 1
        for _, t in fresh:
            _add_output(node, t.dtype.base_dtype, t._dims)
        node.attrs = {**node.attrs, "Tout": [t.dtype.base_dtype for t in branches[0].outputs], "output_shapes": [*node.attrs["output_shapes"], *[t._dims for _, t in fresh]]}
        node.graph._rewire()
    given_for = [any(back.gradients[i] is not None for back in backs) for i in range(len(inputs))]
    if not any(given_for):
        return [None] * len(node._inputs)
    seeds = {i: _given(dys[i] if i < len(dys) else None, node.outputs[i]) for back in backs for i in back.outputs}

    def run(k: int) -> Any:
        back, b = backs[k], branches[k]
        values = dict(zip((t._id for t in b.inputs), inputs))
        values.update(zip((t._id for t in b.outputs), node.outputs))

        def branch() -> Any:
            results = call_body(back.graph, [door.convert(v) for v in [*[seeds[i] for i in back.outputs], *[values[t._id] for t in back.needs]]])
            return [results[g] if g is not None else find("ZerosLike")(door.convert(inputs[i])) if not inputs[i].dtype.name == "resource" else _zero_of(inputs[i])
                    for i, g in enumerate(back.gradients) if given_for[i]]  # fmt: skip

        return branch

    functions = [run(k) for k in range(len(branches))]
    if name in IFS:
        found = _branches(IF, node._inputs[0], functions, ["true_fn", "false_fn"], None, "cond",
                          lambda graphs: {"then_branch": graphs[0], "else_branch": graphs[1]}, {})  # fmt: skip
    else:
        found = _branches(CASE, node._inputs[0], functions, [f"branch_{k}" for k in range(len(branches))], None, "switch_case", lambda graphs: {"branches": graphs}, {})
    given = iter(found)
    return [None, *[next(given) if w else None for w in given_for]]


def _zero_of(handle: Any) -> Any:
    """Zeros like the value of a variable."""
    from penstock.ops.constants import zeros
    from penstock.ops.state import variable_shape

    dtype, dims = handle._handle_data
    if dims is not None and None not in dims:
        return zeros(dims, dtype)
    return zeros(variable_shape(door.convert(handle)), dtype)


# -- loops ------------------------------------------------------------------------------------------------------------


def _loop_gradient(node: Any, *dys: Any, wanted: tuple[bool, ...]) -> Any:
    from penstock.fronts.control import _graph_while

    body, cond = node.attrs["body"], node.attrs["cond"]
    # (how many outputs a backward body covers, which inputs it gives gradients of) -> what goes with it
    records = body._extras.setdefault("loop_records", {})
    reach = max((i + 1 for i, d in enumerate(dys) if d is not None), default=1)
    asked = tuple([w or body.outputs[i] is not body.inputs[i] for i, w in enumerate(wanted)])
    record = next((r for (n, a), r in sorted(records.items(), key=lambda kv: kv[0][0]) if n >= reach and a == asked[:n][: len(a)]), None)
    if record is None:
        covered = len(body.outputs)
        record = records[(covered, asked)] = _record_loop(node, body, cond, asked)
    back: Backward = record["back"]
    total = node.outputs[record["count"]]
    fixed = {t._id: node._inputs[i] for i, t in enumerate(body.inputs) if body.outputs[i] is t}
    fixed.update(record["reads"])
    saved = [node.outputs[i] for i in record["lists"]]
    seeds = [_loop_seed(dys[i] if i < len(dys) else None, node, i) for i in back.outputs]
    outer = [fixed.get(t._id) for t in back.needs]
    summed = [i for i, g in enumerate(back.gradients) if g is not None and i not in back.outputs]  # what is the same in every turn
    sums = [_zero_of(node._inputs[i]) if node._inputs[i].dtype.name == "resource" else find("ZerosLike")(door.convert(node._inputs[i])) for i in summed]
    lists_read = list(back.rows)
    summed += lists_read
    sums += [find("ZerosLike")(door.convert(node._inputs[i])) for i in lists_read]
    factors = [k for pairs in back.products.values() for pair in pairs for k in pair]
    kinds = [back.graph.outputs[k] for k in factors]
    rows = [tensor_list.empty_tensor_list(list(t._dims), -1, element_dtype=t.dtype.base_dtype) for t in kinds]

    def turn(i: Any, gradients: Any, sums: Any, rows: Any, lists: Any) -> Any:
        popped, values = [], []
        given = iter(lists)
        for t, o in zip(back.needs, outer):
            if o is not None:
                values.append(door.convert(o))
                continue
            dims = t._dims
            shape = -1 if dims is None else [-1 if d is None else d for d in dims]
            handle, value = tensor_list.tensor_list_pop_back(next(given), shape, element_dtype=t.dtype.base_dtype)
            if isinstance(value, GraphTensor) and dims is not None:
                value.set_shape(dims)
            popped.append(handle)
            values.append(value)
        results = call_body(back.graph, [*gradients, *values])
        after = []
        for i_out, g in zip(back.outputs, gradients):
            place = back.gradients[i_out]
            after.append(find("ZerosLike")(g) if place is None else results[place])
        new_sums = [_with_rows(s, back.rows[k], results) if k in back.rows else backprop.add_up([s, results[back.gradients[k]]]) for s, k in zip(sums, summed)]
        new_rows = [tensor_list.tensor_list_push_back(r, results[k]) for r, k in zip(rows, factors)]
        return find("AddV2")(i, 1), after, new_sums, new_rows, popped

    test = lambda i, *_: find("Less")(i, door.convert(total))
    dims = [(), *[_loop_dims(node, i) for i in back.outputs], *[s._dims for s in sums], *[() for _ in rows], *[() for _ in saved]]
    _, gradients, sums, rows, _ = _graph_while(test, turn, (door.convert(0), seeds, sums, rows, saved), None, 10, "while", None, dims)
    out: list[Any] = [None] * len(node._inputs)
    for i, g in zip(back.outputs, gradients):
        if i < len(out) and back.gradients[i] is not None:
            out[i] = g
    for i, s in zip(summed, sums):
        out[i] = s
    given = iter(zip(rows, kinds))
    for i, pairs in back.products.items():
        parts = []
        for _ in pairs:
            (a, a_kind), (b, b_kind) = next(given), next(given)
            parts.append(tensor_list.tensor_list_product(a, b, element_dtype=a_kind.dtype.base_dtype, shape=(a_kind._dims[1], b_kind._dims[1])))
        out[i] = backprop.add_up(parts)
    for i, t in enumerate(body.inputs):  # what goes through unchanged also hands its own gradient on
        if i < len(dys) and dys[i] is not None and body.outputs[i] is t:
            own = door.convert(dys[i])
            out[i] = own if out[i] is None else backprop.add_up([own, out[i]])
    return out


def _with_rows(total: Any, pairs: list[tuple[int, int]], results: list[Any]) -> Any:
    """A list of gradients with those of the elements read in this turn added."""
    for at, k in pairs:
        index, item = results[at], results[k]
        have = tensor_list.tensor_list_get_item(total, index, -1, element_dtype=item.dtype.base_dtype)
        if isinstance(have, GraphTensor):
            have.set_shape(item._dims)
        total = tensor_list.tensor_list_set_item(total, index, find("AddV2")(have, item))
    return total


def _loop_dims(node: Any, i: int) -> Any:
    return node.outputs[i]._dims if node.outputs[i].dtype.name != "variant" else ()


def _loop_seed(dy: Any, node: Any, i: int) -> Any:
    return find("ZerosLike")(door.convert(node.outputs[i])) if dy is None else door.convert(dy)


def _record_loop(node: Any, body: FuncGraph, cond: FuncGraph, wanted: tuple[bool, ...]) -> dict[str, Any]:
    """Make the forward loop count its turns and keep what the backward body needs of each."""
    back = backward_of(body, wanted, True)
    through = {t._id for t, o in zip(body.inputs, body.outputs) if o is t}
    reads = _reads_before(node, body, back.needs, through)
    needed = [t for t in back.needs if t._id not in through and t._id not in reads]
    from penstock.base import dtypes

    graph = node.graph
    inputs, types, dims = list(node._inputs), list(node.attrs["T"]), list(node.attrs["output_shapes"]) or [o._dims for o in node.outputs]
    with door.using(graph), door.watching(None), graph.control_dependencies(None):
        zero = graph.convert(0)
        empties = []
        for t in needed:
            shape = -1 if t._dims is None else [-1 if d is None else d for d in t._dims]
            empties.append(tensor_list.empty_tensor_list(shape, -1, element_dtype=t.dtype.base_dtype))
    new_inputs = [zero, *empties]
    lists = []
    with door.watching(None):
        count = body.add_input(dtypes.int32, (), "turns")
        cond.add_input(dtypes.int32, (), "turns")
        with door.using(body), body.control_dependencies(None):
            outs = [find("AddV2")(count, 1)]
            for t in needed:
                handle = body.add_input(dtypes.variant, (), "kept")
                cond.add_input(dtypes.variant, (), "kept")
                outs.append(tensor_list.tensor_list_push_back(handle, t))
    first = len(inputs)
    body.outputs = [*body.outputs, *outs]
    body._version += 1
    cond._version += 1
    for k, value in enumerate(new_inputs):
        inputs.append(value)
        types.append(value.dtype)
        dims.append(())
        made = _add_output(node, value.dtype, ())
        if k:
            lists.append(made.value_index)
    node._inputs = tuple(inputs)
    node.attrs = {**node.attrs, "T": types, "output_shapes": dims}
    graph._rewire()
    return {"back": back, "count": first, "lists": lists, "reads": reads}


def _reads_before(node: Any, body: FuncGraph, needs: list[Any], through: set[int]) -> dict[int, Any]:
    """The variables that a body reads and does not write, read once before the loop instead of kept at every turn."""
    if any(n.definition.effect == "write" or n.definition.where == "control" and has_effect(n) for n in body._nodes):
        return {}
    made: dict[int, Any] = {}
    position = {t._id: i for i, t in enumerate(body.inputs)}
    for t in needs:
        if t.op.type == "ReadVariableOp" and t.op._inputs[0]._id in through:
            with door.using(node.graph), node.graph.control_dependencies(None):
                value = find("ReadVariableOp")(node._inputs[position[t.op._inputs[0]._id]], dtype=t.dtype.base_dtype)
            value.op._id = node._id - 0.5  # in program order it stands just before the loop
            value.set_shape(t._dims)
            made[t._id] = value
    return made


for _op in (PARTITIONED_CALL, STATEFUL_PARTITIONED_CALL):
    _op.grad(_call_gradient)
for _op in (IF, STATELESS_IF, CASE, STATELESS_CASE):
    _op.grad(_branch_gradient)
for _op in (WHILE, STATELESS_WHILE):
    _op.grad(_loop_gradient)
