"""`tf.gradients`: symbolic gradients over a graph."""

import enum
from typing import Any

from penstock.base.export import export
from penstock.engine.plan import order
from penstock.fronts import backprop
from penstock.fronts.backprop import reachable
from penstock.ir import door
from penstock.ir.graph import GraphTensor
from penstock.ir.op import find
from penstock.ir.scope import scoped


@export("UnconnectedGradients")
class UnconnectedGradients(enum.Enum):
    """What the gradient of something that a target does not depend on is."""

    NONE = "none"
    ZERO = "zero"


@export("AggregationMethod")
class AggregationMethod:
    """How contributions to one gradient are summed; all give the same sum here."""

    ADD_N = 0
    DEFAULT = ADD_N
    EXPERIMENTAL_TREE = 1
    EXPERIMENTAL_ACCUMULATE_N = 2


@export("RegisterGradient")
class RegisterGradient:
    """Decorate the gradient function `f(op, *grads)` of an op type, or of a name for `gradient_override_map`."""

    def __init__(self, op_type: str):
        if not isinstance(op_type, str):
            raise TypeError("op_type must be a string")
        self._op_type = op_type

    def __call__(self, f: Any) -> Any:
        if self._op_type in backprop.registered:
            raise KeyError(f"Registering two gradient with name {self._op_type!r}!")
        try:
            if find(self._op_type).grad_rule is not None:
                raise KeyError(f"Registering two gradient with name {self._op_type!r}!")
        except KeyError as e:
            if "two gradient" in str(e):
                raise
        backprop.registered[self._op_type] = f
        return f


@export("no_gradient", v1=("NoGradient", "NotDifferentiable"))
def no_gradient(op_type: str) -> None:
    """Say that ops of this type have no gradient."""
    if not isinstance(op_type, str):
        raise TypeError("op_type must be a string")
    backprop.registered[op_type] = None


def flat_list(x: Any) -> list[Any]:
    return list(x) if isinstance(x, (list, tuple)) else [x]


def source_tensor(x: Any) -> Any:
    """The tensor that gradients with respect to `x` (a tensor or variable) are collected at."""
    handle = getattr(x, "handle", None)
    if handle is not None and not hasattr(x, "_id"):
        return door.current().convert(handle)
    ref = getattr(x, "_ref_tensor", None)
    if ref is not None:
        return ref
    return door.convert(x)


@export(v1=("gradients",))
def gradients(ys: Any, xs: Any, grad_ys: Any = None, name: str = "gradients", colocate_gradients_with_ops: bool = False, gate_gradients: bool = False,
              aggregation_method: Any = None, stop_gradients: Any = None, unconnected_gradients: Any = UnconnectedGradients.NONE) -> Any:  # fmt: skip
    """The derivatives of the sum of `ys` with respect to each of `xs`, as tensors (IndexedSlices for sparse ones)."""
    here = door.current()
    if not here.is_graph:
        raise RuntimeError("tf.gradients is not supported when eager execution is enabled. Use tf.GradientTape instead.")
    unconnected = UnconnectedGradients(unconnected_gradients)
    ys, xs = flat_list(ys), flat_list(xs)
    stops = flat_list(stop_gradients) if stop_gradients is not None else []
    seeds = [None] * len(ys) if grad_ys is None else flat_list(grad_ys)
    if len(seeds) != len(ys):
        raise ValueError(f"`ys` has {len(ys)} entries and `grad_ys` {len(seeds)}")
    with scoped(name, "gradients"):
        targets = [here.convert(getattr(y, "_gradient_part", y)) for y in ys]
        x_parts = [getattr(x, "_gradient_part", x) for x in xs]
        sources = [x if isinstance(x, GraphTensor) else source_tensor(x) for x in x_parts]
        stop = {source_tensor(s)._id for s in stops}
        for y in targets:
            if y.graph is not here and not _within(here, y.graph):
                raise ValueError(f"Cannot compute gradient inside while loop with respect to op not in the same graph: {y.name}")
        nodes = nodes_behind(here, targets)
        ids = {s._id for s in sources}
        keep = reachable(nodes, ids, stop - ids)
        grads: dict[int, list[Any]] = {}
        for i, (y, dy) in enumerate(zip(targets, seeds)):
            grads.setdefault(y._id, []).append(_seed(y, dy, i))
        sums = backprop.backprop(nodes, grads, keep, stop, [s._id for s in sources])
    found = []
    for x, s in zip(xs, sources):
        g = sums.get(s._id)
        if g is None and unconnected is UnconnectedGradients.ZERO:
            g = find("ZerosLike")(here.convert(x))
        if g is not None and hasattr(x, "_with_gradient"):
            g = x._with_gradient(g)
        found.append(g)
    return found


def nodes_behind(here: Any, targets: list[Any]) -> list[Any]:
    """The nodes that `targets` depend on: those of this graph and, where it is a body, those around it that it captures from."""
    own = [t for t in targets if t.graph is here]
    nodes = order(dict.fromkeys(t.op for t in own), ())
    outer = getattr(here, "outer", None)
    if outer is None or not outer.is_graph:
        return nodes
    used = {t._id for n in nodes for t in n._inputs} | {t._id for t in own}
    captured = [(o, i) for o, i in here.captures if i._id in used]
    around = [o for o, _ in captured] + [t for t in targets if t.graph is not here]
    if not around:
        return nodes
    from penstock.fronts.tape import Record

    bridges = [Record(find("Identity"), (o,), {}, [i]) for o, i in captured]
    inside = {i._id for _, i in captured}
    return [*nodes_behind(outer, around), *bridges, *[n for n in nodes if not n.outputs or n.outputs[0]._id not in inside]]


def _within(here: Any, graph: Any) -> bool:
    while getattr(here, "outer", None) is not None and here.outer.is_graph:
        here = here.outer
        if here is graph:
            return True
    return False


def _seed(y: Any, dy: Any, i: int) -> Any:
    """The gradient that a target starts with: ones, or what the caller gave."""
    if dy is None:
        if y.dtype.is_complex:
            raise TypeError(f"Gradients of complex tensors must set grad_ys (y.dtype = {y.dtype!r})")
        if y.dtype.on_device and not y.dtype.is_differentiable:
            from penstock.ops.constants import ones_like

            return ones_like(y)
        from penstock.ops.constants import fill
        from penstock.ops.shapes import shape

        here = door.current()
        one = here.convert(1.0, y.dtype.base_dtype)
        return fill(shape(y), one, name=f"grad_ys_{i}")
    if backprop.is_slices(dy):
        return dy
    dy = door.convert(dy, y.dtype.base_dtype)
    if dy.dtype.base_dtype is not y.dtype.base_dtype:
        raise TypeError(f"Gradient type {dy.dtype.name} generated for tensor {y} with type {y.dtype.name}: they must be the same")
    if not dy.shape.is_compatible_with(y.shape):
        raise ValueError(f"Incompatible shapes: the target {y.name} has shape {y.shape}, its grad_ys {dy.shape}")
    return dy


@export(v2=("gradients",))
def gradients_v2(ys: Any, xs: Any, grad_ys: Any = None, name: str = "gradients", gate_gradients: bool = False, aggregation_method: Any = None,
                 stop_gradients: Any = None, unconnected_gradients: Any = UnconnectedGradients.NONE) -> Any:  # fmt: skip
    """The derivatives of the sum of `ys` with respect to each of `xs`; only inside tf.function and graphs."""
    return gradients(ys, xs, grad_ys, name, True, gate_gradients, aggregation_method, stop_gradients, unconnected_gradients)


def _hessians(ys: Any, xs: Any, gate_gradients: bool, aggregation_method: Any, name: str) -> Any:
    from penstock.fronts.control import while_loop
    from penstock.ops.shapes import reshape, shape, size
    from penstock.ops.tensor_array import TensorArray

    xs = flat_list(xs)
    out = []
    for x, g in zip(xs, gradients(ys, xs, gate_gradients=gate_gradients, aggregation_method=aggregation_method, name=name)):
        g = reshape(g, [-1])
        n = size(x)
        rows = TensorArray(door.convert(x).dtype.base_dtype, n)
        _, rows = while_loop(lambda j, _: j < n, lambda j, acc: (j + 1, acc.write(j, gradients(g[j], x)[0])), (0, rows))
        from penstock.ops.join import concat

        out.append(reshape(rows.stack(), concat([shape(x), shape(x)], 0)))
    return out


@export(v1=("hessians",))
def hessians(ys: Any, xs: Any, name: str = "hessians", colocate_gradients_with_ops: bool = False, gate_gradients: bool = False, aggregation_method: Any = None) -> Any:
    """The matrix of second derivatives of the sum of `ys` with respect to each of `xs`: shape(x) + shape(x)."""
    return _hessians(ys, xs, gate_gradients, aggregation_method, name)


@export(v2=("hessians",))
def hessians_v2(ys: Any, xs: Any, gate_gradients: bool = False, aggregation_method: Any = None, name: str = "hessians") -> Any:
    """The matrix of second derivatives of the sum of `ys` with respect to each of `xs`: shape(x) + shape(x)."""
    return _hessians(ys, xs, gate_gradients, aggregation_method, name)
