"""Control flow and calls: the ops that hold function bodies, lowered to XLA or driven from the host."""

from types import SimpleNamespace
from typing import Any

import numpy as np

from penstock.engine.interpret import host_inside
from penstock.engine.kernels import eager_store
from penstock.engine.run import Plan, function_plan, key_of
from penstock.engine.store import Store
from penstock.ir.op import Op, op

_FLOW = "output_shapes: list(shape) = []"


@op(f"If(cond: Tcond, input: Tin, *, Tcond: type, Tin: list(type), Tout: list(type), then_branch: func, else_branch: func, {_FLOW}) -> output: Tout",
    where="control")  # fmt: skip
def IF(xp, cond, input):
    """One of two bodies, by a scalar."""


@op(f"StatelessIf(cond: Tcond, input: Tin, *, Tcond: type, Tin: list(type), Tout: list(type), then_branch: func, else_branch: func, {_FLOW}) "
    "-> output: Tout", where="control")  # fmt: skip
def STATELESS_IF(xp, cond, input):
    """`If` whose bodies have no effects."""


@op(f"Case(branch_index: int32, input: Tin, *, Tin: list(type), Tout: list(type), branches: list(func) >= 1, {_FLOW}) -> output: Tout", where="control")
def CASE(xp, branch_index, input):
    """One of several bodies, by an index; out of range means the last."""


@op(f"StatelessCase(branch_index: int32, input: Tin, *, Tin: list(type), Tout: list(type), branches: list(func) >= 1, {_FLOW}) -> output: Tout",
    where="control")  # fmt: skip
def STATELESS_CASE(xp, branch_index, input):
    """`Case` whose bodies have no effects."""


@op(f"While(input: T, *, T: list(type), cond: func, body: func, {_FLOW}, parallel_iterations: int = 10) -> output: T", where="control")
def WHILE(xp, input):
    """Run a body while a condition holds."""


@op(f"StatelessWhile(input: T, *, T: list(type), cond: func, body: func, {_FLOW}, parallel_iterations: int = 10) -> output: T", where="control")
def STATELESS_WHILE(xp, input):
    """`While` whose bodies have no effects."""


_CALL = 'config: str = "", config_proto: str = "", executor_type: str = ""'


@op(f"PartitionedCall(args: Tin, *, Tin: list(type), Tout: list(type), f: func, {_CALL}) -> output: Tout", where="control")
def PARTITIONED_CALL(xp, args):
    """Call a function."""


@op(f"StatefulPartitionedCall(args: Tin, *, Tin: list(type), Tout: list(type), f: func, {_CALL}) -> output: Tout", where="control")
def STATEFUL_PARTITIONED_CALL(xp, args):
    """Call a function that has effects."""


for _o in (IF, STATELESS_IF, CASE, STATELESS_CASE, WHILE, STATELESS_WHILE):
    _o.shape(lambda *_, output_shapes, Tout=None, T=None, **__: output_shapes or [None] * len((T if Tout is None else Tout) or ()))
for _o in (PARTITIONED_CALL, STATEFUL_PARTITIONED_CALL):
    _o.shape(lambda args, f: [t._dims for t in f.outputs])


class Fake:
    """The value of an output that the branch taken does not have; nobody reads it."""

    def __repr__(self) -> str:
        return "<no value>"


FAKE = Fake()


@op("FakeParam(*, dtype: type, shape: shape) -> output: dtype", shape=lambda dtype, shape: shape)
def FAKE_PARAM(xp, dtype, shape):
    """Stands for an output that only another branch has."""
    return FAKE


IFS = {"If", "StatelessIf"}
CASES = {"Case", "StatelessCase"}
WHILES = {"While", "StatelessWhile"}


def truth(value: Any) -> bool:
    """Is the predicate of an If or a loop true?  Numbers are when not zero, strings when not empty."""
    array = np.asarray(value)
    if array.dtype == object:
        return bool(len(array.reshape(-1)[0])) if array.ndim == 0 else array.size > 0
    return bool(array) if array.ndim == 0 else array.size > 0


# -- under a trace ----------------------------------------------------------------------------------------------------


def lower_control(tracer: Any, node: Any, flat: list[Any]) -> list[Any]:
    """Lower a control node; NeedsValue when it has to be driven from the host."""
    from penstock.engine import flow

    name = node.definition.name
    if name == "Placeholder":
        from penstock.base.errors import InvalidArgumentError

        raise InvalidArgumentError(None, node, unfed(node))
    if name in IFS:
        return flow.lower_branches(tracer, node, flat, [node.attrs["else_branch"], node.attrs["then_branch"]])
    if name in CASES:
        return flow.lower_branches(tracer, node, flat, node.attrs["branches"])
    if name in WHILES:
        return flow.lower_while(tracer, node, flat)
    return flow.inline(tracer, node.attrs["f"], flat)


def unfed(node: Any) -> str:
    """The message for a placeholder without a value."""
    t = node.outputs[0]
    shape = "" if t._dims is None else f" and shape {t.shape}"
    return f"You must feed a value for placeholder tensor {node.name!r} with dtype {t.dtype.name}{shape}\n  made at {node.line}\n  fix: put it in feed_dict"


# -- on the host ------------------------------------------------------------------------------------------------------


def host_control(node: Any, flat: list[Any], store: Store) -> list[Any]:
    """Run a control node from the host, its bodies through plans of their own."""
    name = node.definition.name
    attrs = node.attrs
    if name in IFS:
        branch = attrs["then_branch"] if truth(_read(flat[0])) else attrs["else_branch"]
        return function_plan(branch, store)(flat[1:])
    if name in CASES:
        branches = attrs["branches"]
        index = int(np.asarray(_read(flat[0])))
        return function_plan(branches[index if 0 <= index < len(branches) else -1], store)(flat[1:])
    if name in WHILES:
        return host_while(node, flat, store)
    if name == "Placeholder":
        from penstock.base.errors import InvalidArgumentError

        raise InvalidArgumentError(None, node, unfed(node))
    return function_plan(attrs["f"], store)(flat)


def _read(value: Any) -> Any:
    return value.read() if hasattr(value, "read") and hasattr(value, "write") else value


def host_while(node: Any, flat: list[Any], store: Store) -> list[Any]:
    """A loop whose body cannot be compiled whole, or not yet."""
    cond, body = node.attrs["cond"], node.attrs["body"]
    if not host_inside(cond) and not host_inside(body):
        done = compiled_while(node, flat, store)
        if done is not None:
            return done
    cond_plan, body_plan = function_plan(cond, store), function_plan(body, store)
    while truth(cond_plan(flat)[0]):
        flat = body_plan(flat)
    return flat


def compiled_while(node: Any, flat: list[Any], store: Store) -> list[Any] | None:
    """The loop as an island of its own; None when that does not work for these values."""
    plans = node.__dict__.setdefault("_loop_plans", {})
    plan = plans.get(id(store))
    if plan is None:
        plan = plans[id(store)] = Plan(store, node.outputs, (node,), list({t._id: t for t in node._inputs}.values()), [node])
        plan.eager_first = False
        plan.seen = {}
    values = list({t._id: v for t, v in zip(node._inputs, flat)}.values())
    key = key_of(values)
    step = plan.roots.get(key)
    if step is None:
        with plan.lock:
            step = plan.roots.get(key)
            if step is None:
                step = plan.roots[key] = plan._build([node], {}, plan._values(values))
    if step.host or not step.last:
        return None
    return plan(values)


def eager_control(definition: Op, attrs: dict[str, Any]) -> Any:
    """The kernel of a control op that is run eagerly."""
    node = SimpleNamespace(definition=definition, attrs=attrs)
    if definition.name in WHILES:

        def run(*arrays: Any) -> list[Any]:
            flat = list(arrays)
            cond_plan, body_plan = function_plan(attrs["cond"], eager_store), function_plan(attrs["body"], eager_store)
            while truth(cond_plan(flat)[0]):
                flat = body_plan(flat)
            return flat

        return run
    if not definition.sig.inputs and definition.name.startswith("Placeholder"):
        return lambda *_: definition.body(np, dtype=attrs["dtype"], shape=attrs["shape"])
    return lambda *arrays: host_control(node, list(arrays), eager_store)


