"""`tf.cond`, `tf.case`, `tf.switch_case`, `tf.while_loop`: Python control flow eagerly, If/Case/While nodes in graphs."""

from collections.abc import Callable
from typing import Any

import numpy as np

from penstock.base import dtypes, nest
from penstock.base.export import export
from penstock.base.shape import as_dims, as_text, common
from penstock.engine.control import CASE, IF, WHILE
from penstock.fronts import backprop
from penstock.fronts.tape import variable_accessed
from penstock.fronts.trace import FuncGraph, fresh_name
from penstock.ir import door, flow_style, node_count
from penstock.ir.graph import GraphTensor, Operation
from penstock.ir.known import known_value
from penstock.ir.op import find
from penstock.ir.scope import scoped
from penstock.ir.tensor import Tensor

SWITCHES = 4
"""The nodes with which a conditional of TensorFlow 1.x begins."""


def flatten(structure: Any) -> list[Any]:
    return nest.flatten(structure, expand_composites=True)


def is_symbolic(value: Any) -> bool:
    """Is it a tensor whose value is not known yet?"""
    return isinstance(value, GraphTensor)


class Body:
    """A branch or loop body being traced: its graph, what it returned, flat and in structure."""

    def __init__(self, name: str, function: Callable[..., Any], parameters: Any = (), structure: Any = None, more_nodes: int = 0, done: bool = True):
        self.done = done
        self.graph = graph = FuncGraph(fresh_name(name))
        graph.is_control_flow_graph = True
        graph._scope = door.current().get_name_scope()  # what stands inside is named after the node
        with node_count.body(graph, more_nodes), door.using(graph), door.watching(None):
            made = [graph.add_input(dtype, dims, label) for dtype, dims, label in parameters]
            self.parameters = made
            args = nest.pack_sequence_as(structure, made, expand_composites=True) if structure is not None else ()
            self.structure = function(*args)
            self.flat = [self._output(o) for o in flatten(self.structure)]

    def _output(self, value: Any) -> Any:
        if value is None:
            return None
        if isinstance(value, Operation):
            self.graph._control_op(value)
            return self.graph.convert(self.done)
        return self.graph.convert(value)

    def finish(self, outer_tensors: list[Any]) -> None:
        """Give the body one input for each captured tensor of all the bodies of its node, in one order."""
        captured = {outer._id: inner for outer, inner in self.graph.captures}
        inputs = list(self.parameters)
        for t in outer_tensors:
            inner = captured.get(t._id)
            if inner is None:
                inner = self.graph.add_input(t.dtype, t._dims, "unused_capture")
            inputs.append(inner)
        self.graph.inputs = inputs
        self.graph.outputs = [o for o in self.flat if o is not None]
        self.graph._version += 1


def union_of_captures(bodies: list[Body]) -> list[Any]:
    found: dict[int, Any] = {}
    for b in bodies:
        for outer, _ in b.graph.captures:
            found.setdefault(outer._id, outer)
    return list(found.values())


def waits_of(bodies: list[Body]) -> list[Operation]:
    """The operations outside that what is inside waits for: their node waits for them."""
    return [op for b in bodies for op in b.graph.waits_outside]


def note_variables(bodies: list[Body]) -> None:
    for b in bodies:
        for v in b.graph.variables:
            variable_accessed(v)


def _branches(node_op: Any, chosen: Any, functions: list[Any], labels: list[str], name: str | None, default: str, attrs: Callable[[list[Any]], dict[str, Any]],
              lead: dict[str, Any]) -> Any:  # fmt: skip
    """Trace the branches, check that they agree, add the node."""
    with scoped(name, default) as scope:
        old = flow_style.old()
        node_count.more(SWITCHES if old else 0)
        bodies = [Body(f"{default}_{label}", f, done=not old or label != "false_fn") for f, label in zip(functions, labels)]
        first = bodies[0]
        _widen_slices(bodies)
        for b, label in zip(bodies[1:], labels[1:]):
            _agree(first, b, labels[0], label, default)
        captures = union_of_captures(bodies)
        for b in bodies:
            b.finish(captures)
        note_variables(bodies)
        outs = first.graph.outputs
        dims = [outs[i]._dims for i in range(len(outs))]
        for b in bodies[1:]:
            dims = [common(d, o._dims) for d, o in zip(dims, b.graph.outputs)]
        here = door.current()
        with here.control_dependencies(waits_of(bodies)):
            results = node_op(chosen, captures, name=scope, Tout=[o.dtype.base_dtype for o in outs], output_shapes=dims, **lead, **attrs([b.graph for b in bodies]))
        node = here._nodes[-1]
        results = [] if isinstance(results, Operation) else [find("Identity")(t, name="Merge" if old else "Identity") for t in results]
        node_count.more(-1 if old else 0)  # the functional node
    given = iter(results)
    flat = [None if o is None else next(given) for o in first.flat]
    for t, o in zip(flat, first.flat):
        data = getattr(o, "_handle_data", None)
        if data is not None:
            t._handle_data = data
    if len(flat) == 0 and isinstance(first.structure, (list, tuple)) is False:
        return node
    return nest.pack_sequence_as(first.structure if not isinstance(first.structure, Operation) else 0, flat, expand_composites=True)


def _widen_slices(bodies: list[Body]) -> None:
    """Give the IndexedSlices that branches return int64 indices, where some have int32 and some int64."""
    parts = [nest.flatten(b.structure) for b in bodies]
    if len({len(p) for p in parts}) != 1:
        return
    mixed = [
        i for i, each in enumerate(zip(*parts))
        if all(backprop.is_slices(x) for x in each) and len({x.indices.dtype.base_dtype for x in each}) > 1
    ]  # fmt: skip
    for b, flat in zip(bodies, parts) if mixed else ():
        with door.using(b.graph), door.watching(None):
            for i in mixed:
                flat[i] = type(flat[i])(flat[i].values, find("Cast")(flat[i].indices, DstT=dtypes.int64), flat[i].dense_shape)
            b.structure = nest.pack_sequence_as(b.structure, flat)
            b.flat = [b._output(o) for o in flatten(b.structure)]


def _agree(a: Body, b: Body, a_name: str, b_name: str, what: str) -> None:
    sa = a.structure if not isinstance(a.structure, Operation) else 0
    sb = b.structure if not isinstance(b.structure, Operation) else 0
    try:
        nest.assert_same_structure(sa, sb, expand_composites=True)
    except (ValueError, TypeError) as e:
        raise type(e)(f"{a_name} and {b_name} arguments to tf.{what} must have the same number, type, and overall structure of return values.\n{e}") from None
    for x, y in zip(a.flat, b.flat):
        if (x is None) != (y is None):
            raise TypeError(f"{a_name} and {b_name} arguments to tf.{what} must both return None or both return tensors at the same place")
        if x is not None and x.dtype.base_dtype is not y.dtype.base_dtype:
            raise TypeError(
                f"{a_name} and {b_name} arguments to tf.{what} must have the same number, type, and overall structure of return values: "
                f"{a_name} output {x.name} is {x.dtype.name}, {b_name} output {y.name} is {y.dtype.name}"
            )


@export(v2=("cond",))
def cond(pred: Any, true_fn: Any = None, false_fn: Any = None, name: str | None = None) -> Any:
    """What `true_fn()` returns if the scalar `pred` is true, else what `false_fn()` returns; both must return the same structure.

    >>> tf.cond(tf.constant(2) > 1, lambda: tf.constant(10), lambda: tf.constant(20)).numpy()
    np.int32(10)
    """
    if not callable(true_fn):
        raise TypeError("'true_fn' must be callable.")
    if not callable(false_fn):
        raise TypeError("'false_fn' must be callable.")
    if isinstance(pred, bool):
        raise TypeError("pred must not be a Python bool")
    return _cond(pred, true_fn, false_fn, name)


def _cond(pred: Any, true_fn: Any, false_fn: Any, name: str | None) -> Any:
    if not door.current().is_graph:
        with scoped(name, "cond"):
            value = known_value(door.convert(pred))
            if value.ndim:
                raise _not_scalar("pred", value)
            return true_fn() if bool(value) else false_fn()
    pred = door.convert(pred)
    if pred._dims is not None and len(pred._dims):
        raise ValueError(f"pred must be a scalar, got shape {pred.shape}")
    return _branches(IF, pred, [true_fn, false_fn], ["true_fn", "false_fn"], name, "cond",
                     lambda graphs: {"then_branch": graphs[0], "else_branch": graphs[1]}, {})  # fmt: skip


def _not_scalar(what: str, value: Any) -> Exception:
    from penstock.base.errors import InvalidArgumentError

    return InvalidArgumentError(None, None, f"{what} must be a scalar, got shape {list(value.shape)}")


@export(v1=("cond",))
def cond_v1(pred: Any, true_fn: Any = None, false_fn: Any = None, strict: bool = False, name: str | None = None, fn1: Any = None, fn2: Any = None) -> Any:
    """The 1.x form of `tf.cond`: lists of one element are unpacked unless `strict`."""
    if fn1 is not None:
        if true_fn is not None:
            raise TypeError("cond(): 'true_fn' and 'fn1' may not be set simultaneously.")
        true_fn = fn1
    elif true_fn is None:
        raise TypeError("cond(): 'true_fn' argument required")
    if fn2 is not None:
        if false_fn is not None:
            raise TypeError("cond(): 'false_fn' and 'fn2' may not be set simultaneously.")
        false_fn = fn2
    elif false_fn is None:
        raise TypeError("cond(): 'false_fn' argument required")
    if not callable(true_fn):
        raise TypeError("'true_fn' must be callable.")
    if not callable(false_fn):
        raise TypeError("'false_fn' must be callable.")
    if isinstance(pred, bool):
        raise TypeError("pred must not be a Python bool")
    result = _cond(pred, true_fn, false_fn, name)
    if not strict and (flow_style.old() or not door.current().is_graph) and isinstance(result, (list, tuple)) and len(result) == 1 and not hasattr(result, "_fields"):
        return result[0]
    return result


@export("switch_case")
def switch_case(branch_index: Any, branch_fns: Any, default: Any = None, name: str = "switch_case") -> Any:
    """What the `branch_index`-th of `branch_fns` returns; an index out of range takes `default`, or else the last."""
    if isinstance(branch_index, int):
        raise TypeError("branch_index must not be a Python int")
    functions = _indexed(branch_fns)
    if default is not None:
        if not callable(default):
            raise TypeError("'default' must be callable.")
        functions.append(default)
    if not door.current().is_graph:
        index = int(known_value(door.convert(branch_index)))
        return functions[index if 0 <= index < len(functions) else -1]()
    index = door.convert(branch_index)
    if index.dtype is not dtypes.int32:
        from penstock.ops.cast import cast

        index = cast(index, dtypes.int32)
    labels = [f"branch_{i}" for i in range(len(functions))]
    return _branches(CASE, index, functions, labels, name, "switch_case", lambda graphs: {"branches": graphs}, {})


def _indexed(branch_fns: Any) -> list[Any]:
    if isinstance(branch_fns, dict):
        pairs = list(branch_fns.items())
    elif isinstance(branch_fns, (list, tuple)):
        pairs = [p if isinstance(p, tuple) else (i, p) for i, p in enumerate(branch_fns)]
    else:
        raise TypeError("branch_fns must be a dict, list, or tuple")
    if not pairs:
        raise ValueError("Must provide at least one item in branch_fns")
    for key, f in pairs:
        if not isinstance(key, int):
            raise TypeError(f"key must be a Python `int`, got {key!r}")
        if not callable(f):
            raise TypeError(f"fn for key {key} must be callable.")
    found = dict(pairs)
    if sorted(found) != list(range(len(pairs))):
        raise ValueError(f"branch indices must form contiguous range of [0 to {len(pairs)}) but found {sorted(found)}")
    return [found[i] for i in range(len(found))]


def _case(pred_fn_pairs: Any, default: Any, exclusive: bool, name: str, allow_python_preds: bool = False) -> Any:
    if isinstance(pred_fn_pairs, dict):
        pairs = sorted(pred_fn_pairs.items(), key=lambda p: getattr(p[0], "name", "")) if not door.executing_eagerly() else list(pred_fn_pairs.items())
        pairs = [(k.deref() if hasattr(k, "deref") else k, v) for k, v in pairs]
    elif isinstance(pred_fn_pairs, (list, tuple)):
        pairs = list(pred_fn_pairs)
    else:
        raise TypeError("'pred_fn_pairs' must be a list, tuple, or dict. ")
    for pair in pairs:
        if not isinstance(pair, tuple) or len(pair) != 2:
            raise TypeError(f"Each entry in 'pred_fn_pairs' must be a 2-tuple. Received {pair!r}.")
        if not callable(pair[1]):
            raise TypeError(f"fn for pred {pair[0]!r} must be callable.")
        if isinstance(pair[0], bool) and not allow_python_preds:
            raise TypeError("pred must be a Tensor, got a Python bool.")
    if not pairs:
        if default is None:
            raise ValueError("Must specify at least one predicate or a default")
        return default()
    with scoped(name, "case"):
        if exclusive:
            check = _exclusive([p for p, _ in pairs])
            if check is not None:
                with door.current().control_dependencies([check]):
                    pairs = [(find("Identity")(door.convert(p)), f) for p, f in pairs]
        if default is not None and not callable(default):
            raise TypeError("'default' must be callable.")
        if default is None:
            *pairs, last = pairs

            def default() -> Any:
                from penstock.ops.asserts import Assert

                with door.current().control_dependencies([Assert(door.convert(last[0]), ["None of the conditions evaluated as True."])]) \
                        if door.current().is_graph else _check(last[0]):  # fmt: skip
                    return last[1]()

        function = default
        for pred, f in reversed(pairs):
            function = lambda pred=pred, f=f, rest=function: _cond(pred, f, rest, "cond")
        return function()


class _check:
    """Eagerly: fail when the last predicate does not hold either."""

    def __init__(self, pred: Any):
        from penstock.base.errors import InvalidArgumentError

        if not bool(known_value(door.convert(pred))):
            raise InvalidArgumentError(None, None, "None of the conditions evaluated as True.")

    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        return None


def _exclusive(preds: list[Any]) -> Any:
    """The assertion (an operation in a graph) that at most one of the predicates holds."""
    from penstock.ir.op import find
    from penstock.ops.asserts import Assert
    from penstock.ops.cast import cast

    total = find("AddN")([cast(door.convert(p), dtypes.int32) for p in preds]) if len(preds) > 1 else cast(door.convert(preds[0]), dtypes.int32)
    return Assert(find("Less")(total, 2), ["Input error: exclusive=True: more than 1 conditions evaluated as True.", *preds], summarize=len(preds))


@export(v2=("case",))
def case(pred_fn_pairs: Any, default: Any = None, exclusive: bool = False, strict: bool = False, name: str = "case") -> Any:
    """What the function of the first true predicate returns, or `default()`."""
    return _case(pred_fn_pairs, default, exclusive, name)


@export(v1=("case",))
def case_v1(pred_fn_pairs: Any, default: Any = None, exclusive: bool = False, strict: bool = False, name: str = "case") -> Any:
    """What the function of the first true predicate returns, or `default()`; one-element lists are unpacked unless `strict`."""
    result = _case(pred_fn_pairs, default, exclusive, name)
    if not strict and isinstance(result, (list, tuple)) and len(result) == 1 and not hasattr(result, "_fields"):
        return result[0]
    return result


@export(v1=("while_loop",))
def while_loop(cond: Any, body: Any, loop_vars: Any, shape_invariants: Any = None, parallel_iterations: int = 10, back_prop: bool = True,
               swap_memory: bool = False, name: str | None = None, maximum_iterations: Any = None, return_same_structure: bool = False) -> Any:  # fmt: skip
    """Repeat `loop_vars = body(*loop_vars)` while `cond(*loop_vars)`; a single loop variable is returned bare unless `return_same_structure`."""
    out = _while(cond, body, loop_vars, shape_invariants, parallel_iterations, name, maximum_iterations, back_prop)
    if not return_same_structure and isinstance(out, (list, tuple)) and len(out) == 1 and not hasattr(out, "_fields"):
        return out[0]
    return out


@export(v2=("while_loop",))
def while_loop_v2(cond: Any, body: Any, loop_vars: Any, shape_invariants: Any = None, parallel_iterations: int = 10, back_prop: bool = True,
                  swap_memory: bool = False, maximum_iterations: Any = None, name: str | None = None) -> Any:  # fmt: skip
    """Repeat `loop_vars = body(*loop_vars)` while `cond(*loop_vars)`.

    >>> tf.while_loop(lambda i: i < 10, lambda i: (i + 1,), [tf.constant(0)])[0].numpy()
    np.int32(10)
    """
    return _while(cond, body, loop_vars, shape_invariants, parallel_iterations, name, maximum_iterations, back_prop)


def _while(cond: Any, body: Any, loop_vars: Any, shape_invariants: Any, parallel_iterations: int, name: str | None, maximum_iterations: Any, back_prop: bool) -> Any:
    if not callable(cond):
        raise TypeError("'cond' must be callable.")
    if not callable(body):
        raise TypeError("'body' must be callable.")
    if parallel_iterations < 1:
        raise TypeError("'parallel_iterations' must be a positive integer.")
    if not loop_vars:
        raise ValueError("'loop_vars' must be provided.")
    if not door.current().is_graph:
        return _eager_while(cond, body, loop_vars, maximum_iterations)
    return _graph_while(cond, body, loop_vars, shape_invariants, parallel_iterations, name or "while", maximum_iterations)


def as_arguments(loop_vars: Any) -> Any:
    return list(loop_vars) if isinstance(loop_vars, (list, tuple)) else [loop_vars]


def _eager_while(cond: Any, body: Any, loop_vars: Any, maximum_iterations: Any) -> Any:
    given = values = as_arguments(loop_vars)  # what `given` holds may learn more of itself while the loop is traced
    limit = None if maximum_iterations is None else int(known_value(door.convert(maximum_iterations)))
    turns = 0
    plain = (bool, int, float, complex, str, bytes, np.ndarray, np.generic, Tensor)
    values = [nest.map_structure(lambda v: v if isinstance(v, plain) else door.convert(v), v, expand_composites=True) for v in values]
    last: Any = None
    while (limit is None or turns < limit) and _holds(cond(*values)):
        out = body(*values)
        last = out if isinstance(out, (list, tuple)) and isinstance(loop_vars, (list, tuple)) and len(values) > 1 else None
        out = list(out) if isinstance(out, (list, tuple)) and not (len(values) == 1 and _is_nest_like(out, values[0])) else [out]
        nest.assert_same_structure(given, out, check_types=False, expand_composites=True)
        values = out  # Python numbers stay what they are until the end, as in TensorFlow
        turns += 1
    to_tensors = lambda s: nest.map_structure(lambda v: v if isinstance(v, Tensor) else door.convert(v), s, expand_composites=True)
    return _like(loop_vars if last is None else last, [to_tensors(v) for v in values])


def _holds(condition: Any) -> bool:
    """The truth of a loop's condition: a tensor's value, or Python's truth of anything else."""
    return bool(known_value(condition)) if isinstance(condition, Tensor) else bool(condition)


def _is_nest_like(out: Any, one: Any) -> bool:
    return isinstance(one, (list, tuple)) and len(out) == len(one) and not (len(out) == 1 and isinstance(out[0], (list, tuple)))


def _like(loop_vars: Any, values: list[Any]) -> Any:
    if isinstance(loop_vars, tuple) and hasattr(loop_vars, "_fields"):
        return type(loop_vars)(*values)
    if isinstance(loop_vars, tuple):
        return tuple(values)
    return values if isinstance(loop_vars, list) else values[0]


def _graph_while(cond: Any, body: Any, loop_vars: Any, shape_invariants: Any, parallel_iterations: int, name: str, maximum_iterations: Any,
                 dims: Any = None) -> Any:  # fmt: skip
    here = door.current()
    given = structure = as_arguments(loop_vars)
    with scoped(name, "while") as scope:
        flat = [here.convert(v) for v in flatten(structure)]
        structure = nest.pack_sequence_as(structure, flat, expand_composites=True)
        dims = _invariants(shape_invariants, loop_vars, flat) if dims is None else dims
        extra: list[Any] = []
        if maximum_iterations is not None:
            limit = here.convert(maximum_iterations)
            extra = [here.convert(np.zeros((), limit.dtype.array_dtype)), limit]
        parameters = [(t.dtype, t._dims, "counter") for t in extra] + [(t.dtype.base_dtype, d, t.op.name.rpartition("/")[2])
                                                                       for t, d in zip(flat, dims)]  # fmt: skip
        whole, returned = [extra, structure], []

        def cond_body(counters: Any, values: Any) -> Any:
            going = find("Less")(*counters) if counters else None
            verdict = door.convert(cond(*values))
            if verdict._dims is not None and len(verdict._dims) and verdict._dims != (1,):
                raise ValueError(f"'cond' must return a scalar, got shape {verdict.shape}")
            if verdict._dims == (1,):
                verdict = find("Reshape")(verdict, np.zeros(0, np.int32))
            return verdict if going is None else find("LogicalAnd")(going, verdict)

        def body_body(counters: Any, values: Any) -> Any:
            counted = [find("AddV2")(counters[0], 1), counters[1]] if counters else []
            out = body(*values)
            out = out if isinstance(out, (list, tuple)) and not (len(structure) == 1 and _is_nest_like(out, structure[0])) else [out]
            try:
                nest.assert_same_structure(given, out, check_types=False, expand_composites=True)
            except (ValueError, TypeError) as e:
                raise type(e)(f"The two structures don't have the same nested structure: the loop variables of tf.while_loop and what 'body' returns.\n{e}") from None
            returned.append(out)
            return [counted, out]

        old, inputs = flow_style.old(), extra + flat
        looped = len(flat) + len(extra) // 2  # the limit is no loop variable of 1.x
        node_count.more(2 * looped if old else 0)  # Enter, Merge
        test = Body(f"{name}_cond", cond_body, parameters, whole, more_nodes=-looped if old else 0)
        node_count.more(1 + looped if old else 0)  # LoopCond, Switch; the parameters of the body stand for Identity
        turn = Body(f"{name}_body", body_body, parameters, whole, more_nodes=looped - len(inputs) if old else 0)
        for start, p, out in zip(inputs, turn.parameters, turn.flat):
            _check_invariant(start, p, out)
        captures = union_of_captures([test, turn])
        test.finish(captures)
        turn.finish(captures)
        by_id = {outer._id: inner for outer, inner in turn.graph.captures}
        turn.graph.outputs = [*turn.flat, *[by_id.get(t._id, i) for t, i in zip(captures, turn.graph.inputs[len(turn.parameters) :])]]
        note_variables([test, turn])
        shapes = [p._dims for p in turn.parameters] + [c._dims for c in captures]
        with door.current().control_dependencies(waits_of([test, turn])):
            results = WHILE([*inputs, *captures], cond=test.graph, body=turn.graph, output_shapes=shapes, parallel_iterations=parallel_iterations, name=scope)
        results = _named(results[: len(inputs)], bool(extra), old)
        if old:
            captured = [*test.graph._captured, *turn.graph._captured, *(t._id for t in extra[1:])]
            shared = len(captured) - len(set(captured))
            node_count.more(looped - 1 - shared)  # NextIteration, and no functional node; a tensor enters once
    for r, p in zip(results, turn.parameters):
        data = getattr(p, "_handle_data", None)
        if data is not None:
            r._handle_data = data
    like = returned[0] if old and not extra else structure  # 1.x returns what the body returned
    outs = nest.pack_sequence_as(like, results[len(extra) : len(inputs)], expand_composites=True)
    return outs if like is not structure and isinstance(loop_vars, (list, tuple)) else _like(loop_vars, outs)


def _named(results: list[Any], counted: bool, old: bool) -> list[Any]:
    """What a loop returns under the names that TensorFlow gives it: of the counter, the limit and the loop variables."""
    if door.current().building_function and not old:
        return results
    if not old:
        return [find("Identity")(t, name=f"Identity_{i}" if i else "Identity") for i, t in enumerate(results, 0 if counted else 2)]
    return [t if counted and i == 1 else find("Identity")(t, name="Exit") for i, t in enumerate(results)]


def _invariants(shape_invariants: Any, loop_vars: Any, flat: list[Any]) -> list[Any]:
    if shape_invariants is None:
        return [t._dims for t in flat]
    from penstock.base.shape import TensorShape

    given = nest.flatten(shape_invariants, expand_composites=False) if not isinstance(shape_invariants, TensorShape) else [shape_invariants]
    dims: list[Any] = []
    structure = nest.flatten(as_arguments(loop_vars))
    if len(given) != len(structure):
        raise ValueError(f"The shape invariants have {len(given)} entries, the loop variables {len(structure)}")
    position = 0
    for var, s in zip(structure, given):
        parts = flatten(var)
        if len(parts) == 1 and (s is None or not hasattr(s, "_component_specs")):
            want = as_dims(s)
            have = flat[position]._dims
            if have is not None and want is not None and (len(have) != len(want) or any(w is not None and h is not None and w != h for w, h in zip(want, have))):
                raise ValueError(f"The shape invariant specified for {flat[position].name} is not compatible with the initial shape of the loop variable. "
                                 f"It enters the loop with shape {as_text(have)}, but the specified shape invariant is {as_text(want)}.")  # fmt: skip
            dims.append(want)
        elif hasattr(s, "_component_specs") or hasattr(s, "_flat_tensor_specs"):
            dims.extend(as_dims(spec.shape) for spec in s._flat_tensor_specs)
        else:
            invariant = getattr(var, "_shape_invariant_dims", None)
            dims.extend(invariant(s) if invariant is not None else [None] * len(parts))
        position += len(parts)
    return dims


def _check_invariant(given: Any, parameter: Any, out: Any) -> None:
    if out.dtype.base_dtype is not parameter.dtype.base_dtype:
        raise TypeError(f"Input tensor {given.name!r} enters the loop with dtype {given.dtype.name}, but has dtype {out.dtype.name} after 1 iteration. "
                        "To be consistent, cast it in the loop body or before the loop.")  # fmt: skip
    want, have = parameter._dims, out._dims
    if want is None:
        return
    if have is None or len(have) != len(want) or any(w is not None and (h is None or h != w) for w, h in zip(want, have)):
        raise ValueError(f"Input tensor {given.name!r} enters the loop with shape {as_text(want)}, but has shape {as_text(have)} after one iteration. "
                         "To allow the shape to vary across iterations, use the `shape_invariants` argument of tf.while_loop to specify a less-specific shape.")  # fmt: skip
