"""Comparisons, logic, selection and clipping."""

from typing import Any

import numpy as np

from penstock.base.errors import InvalidArgumentError, ShapeError
from penstock.base.export import export
from penstock.base.shape import as_text, broadcast, merge
from penstock.ir import door, node_count
from penstock.ir.op import op
from penstock.ir.scope import scoped
from penstock.ir.tensor import Tensor
from penstock.ops.families import binary, composites, later, unary, unbroadcast

ZerosLike, Sum, Identity = later("ZerosLike"), later("Sum"), later("Identity")


# -- comparisons -----------------------------------------------------------------------------------------------------
def _fits(x: Any, y: Any) -> bool:
    return all(a == b or a == 1 or b == 1 for a, b in zip(x[::-1], y[::-1]))


def _equal_shape(x: Any, y: Any, *, incompatible_shape_error: bool) -> Any:
    if incompatible_shape_error:
        return broadcast(x.shape, y.shape)
    if x.shape is None or y.shape is None:
        return None
    pairs = list(zip(x.shape[::-1], y.shape[::-1]))
    if any((a is None) != (b is None) and 1 not in (a, b) for a, b in pairs):
        return None  # equal sizes or not, that decides between an array and False
    if any(None in pair for pair in pairs):
        return broadcast(x.shape, y.shape)
    return broadcast(x.shape, y.shape) if _fits(x.shape, y.shape) else ()


def _equal(xp: Any, x: Any, y: Any, incompatible_shape_error: bool) -> Any:
    if not incompatible_shape_error and not _fits(x.shape, y.shape):
        return xp.asarray(False)
    return xp.equal(x, y)


Equal = op("Equal(x: T, y: T, *, T: type, incompatible_shape_error: bool = True) -> z: bool", shape=_equal_shape)(
    lambda xp, x, y, *, incompatible_shape_error: _equal(xp, x, y, incompatible_shape_error)
).no_grad()
NotEqual = op("NotEqual(x: T, y: T, *, T: type, incompatible_shape_error: bool = True) -> z: bool", shape=_equal_shape)(
    lambda xp, x, y, *, incompatible_shape_error: xp.logical_not(_equal(xp, x, y, incompatible_shape_error))
).no_grad()


@export("equal", "math.equal")
def equal(x: Any, y: Any, name: str | None = None) -> Any:
    """x == y, elementwise.

    >>> tf.equal([1, 2], 2).numpy().tolist()
    [False, True]
    """
    if composites and (type(x) in composites or type(y) in composites):
        return composites[type(x) if type(x) in composites else type(y)](equal, (x, y), name)
    return Equal(x, y, name=name)


@export("not_equal", "math.not_equal")
def not_equal(x: Any, y: Any, name: str | None = None) -> Any:
    """x != y, elementwise.

    >>> tf.not_equal([1, 2], 2).numpy().tolist()
    [True, False]
    """
    if composites and (type(x) in composites or type(y) in composites):
        return composites[type(x) if type(x) in composites else type(y)](not_equal, (x, y), name)
    return NotEqual(x, y, name=name)


Less = binary(
    "Less(x: T, y: T, *, T: real) -> z: bool", lambda xp, x, y: xp.less(x, y), "less", "math.less", doc="x < y."
).no_grad()
LessEqual = binary(
    "LessEqual(x: T, y: T, *, T: real) -> z: bool",
    lambda xp, x, y: xp.less_equal(x, y),
    "less_equal",
    "math.less_equal",
    doc="x <= y.",
).no_grad()
Greater = binary(
    "Greater(x: T, y: T, *, T: real) -> z: bool",
    lambda xp, x, y: xp.greater(x, y),
    "greater",
    "math.greater",
    doc="x > y.",
).no_grad()
GreaterEqual = binary(
    "GreaterEqual(x: T, y: T, *, T: real) -> z: bool",
    lambda xp, x, y: xp.greater_equal(x, y),
    "greater_equal",
    "math.greater_equal",
    doc="x >= y.",
).no_grad()
ApproximateEqual = op(
    "ApproximateEqual(x: T, y: T, *, T: numeric, tolerance: float = 9.999999747378752e-06) -> z: bool",
    shape=lambda x, y, **_: merge(x.shape, y.shape),
)(lambda xp, x, y, *, tolerance: xp.abs(x - y) < tolerance).no_grad()


# -- logic -----------------------------------------------------------------------------------------------------------
LogicalAnd = binary(
    "LogicalAnd(x: bool, y: bool) -> z: bool",
    lambda xp, x, y: xp.logical_and(x, y),
    "logical_and",
    "math.logical_and",
    doc="x and y.",
).no_grad()
LogicalOr = binary(
    "LogicalOr(x: bool, y: bool) -> z: bool",
    lambda xp, x, y: xp.logical_or(x, y),
    "logical_or",
    "math.logical_or",
    doc="x or y.",
).no_grad()
LogicalNot = unary(
    "LogicalNot(x: bool) -> y: bool", lambda xp, x: xp.logical_not(x), "logical_not", "math.logical_not", doc="not x."
).no_grad()


@export("math.logical_xor", v1=("logical_xor",))
def logical_xor(x: Any, y: Any, name: str = "LogicalXor") -> Any:
    """Exactly one of x and y.

    >>> tf.math.logical_xor([True, False], True).numpy().tolist()
    [False, True]
    """
    if composites and (type(x) in composites or type(y) in composites):
        return composites[type(x) if type(x) in composites else type(y)](logical_xor, (x, y), name)
    with scoped(name, "LogicalXor") as scope:
        return LogicalAnd(LogicalOr(x, y), LogicalNot(LogicalAnd(x, y)), name=scope or None)


def _truth(xp: Any, input: Any) -> Any:  # noqa: A002
    if input.ndim:
        return xp.asarray(input.shape[0] > 0 and input.size > 0)
    return input[()] != (b"" if input.dtype.kind == "O" else 0)


ToBool = op("ToBool(input: T, *, T: type) -> output: bool", shape=lambda input: ())(
    lambda xp, input: _truth(xp, input)
).no_grad()


# -- selection -------------------------------------------------------------------------------------------------------
def _select_shape(condition: Any, t: Any, e: Any) -> Any:
    try:
        dims = merge(t.shape, e.shape)
    except ShapeError:
        raise ShapeError(f"Dimensions must be equal: t is {as_text(t.shape)}, e is {as_text(e.shape)}") from None
    c = condition.shape
    if c is not None and dims is not None and len(c) not in (0, len(dims)):
        if len(dims) == 0:
            raise ShapeError(f"t must be at least a vector when condition has shape {as_text(c)}, but it is a scalar")
        if len(c) != 1:
            raise ShapeError(
                f"condition must be a scalar, a vector or of the shape of t {as_text(dims)}; it is {as_text(c)}"
            )
    if c is not None and dims is not None and c and dims:
        merge(c[:1], dims[:1]) if len(c) == 1 else merge(c, dims)
    return dims


def _select(xp: Any, condition: Any, t: Any, e: Any) -> Any:
    if t.shape != e.shape:
        raise ValueError(f"t and e must have one shape, got {t.shape} and {e.shape}")
    if condition.ndim == 0 or condition.shape == t.shape:
        return xp.where(condition, t, e)
    if t.ndim == 0:
        raise ValueError("'then' must be at least a vector, but saw shape: []")
    if condition.ndim != 1 or condition.shape[0] != t.shape[0]:
        raise ValueError(f"condition of shape {condition.shape} does not fit t of shape {t.shape}")
    return xp.where(condition.reshape((-1,) + (1,) * (t.ndim - 1)), t, e)


def _select_grad(node: Any, dy: Any) -> Any:
    zero = ZerosLike(dy)
    return None, Select(node.inputs[0], dy, zero), Select(node.inputs[0], zero, dy)


Select = op(
    "Select(condition: bool, t: T, e: T, *, T: type) -> output: T",
    shape=_select_shape,
    grad=_select_grad,
    called={"t": "x", "e": "y"},
)(lambda xp, condition, t, e: _select(xp, condition, t, e))
SelectV2 = op(
    "SelectV2(condition: bool, t: T, e: T, *, T: type) -> output: T",
    shape=lambda condition, t, e: broadcast(condition.shape, t.shape, e.shape),
)(lambda xp, condition, t, e: xp.where(condition, t, e))


@SelectV2.grad
def _(node: Any, dy: Any) -> Any:
    condition, t, e = node.inputs
    zero = ZerosLike(dy)
    return (
        None,
        unbroadcast(SelectV2(condition, dy, zero), t, node.outputs[0]),
        unbroadcast(SelectV2(condition, zero, dy), e, node.outputs[0]),
    )


# -- clipping --------------------------------------------------------------------------------------------------------
@op("ClipByValue(t: T, clip_value_min: T, clip_value_max: T, *, T: numeric) -> output: T", shape=lambda t, **_: t.shape)
def ClipByValue(xp, t, clip_value_min, clip_value_max):  # noqa: N802
    """t with values below the minimum or above the maximum replaced by them."""
    return xp.maximum(xp.minimum(t, clip_value_max), clip_value_min)


ClipByValue.shape(lambda t, clip_value_min, clip_value_max: t.shape)


@ClipByValue.check
def _(xp: Any, t: Any, clip_value_min: Any, clip_value_max: Any) -> Any:
    bad = any(c.ndim and c.shape != t.shape for c in (clip_value_min, clip_value_max))
    return (
        bad,
        "clip_value_min and clip_value_max must be either of the same shape as input, or a scalar.",
        InvalidArgumentError,
    )


@ClipByValue.grad
def _(node: Any, dy: Any) -> Any:
    t, low, high = node.inputs
    zero = ZerosLike(dy)
    below, above = Less(t, low), Greater(t, high)
    inside = SelectV2(LogicalOr(below, above), zero, dy)
    return inside, unbroadcast(SelectV2(below, dy, zero), low, t), unbroadcast(SelectV2(above, dy, zero), high, t)


@export("clip_by_value")
def clip_by_value(t: Any, clip_value_min: Any, clip_value_max: Any, name: str | None = None) -> Any:
    """t with values outside [clip_value_min, clip_value_max] replaced by the nearer bound.

    >>> tf.clip_by_value([-5., 0.5, 9.], -1., 1.).numpy().tolist()
    [-1.0, 0.5, 1.0]
    """
    if type(t) in composites:
        return composites[type(t)](
            lambda v, name=None: clip_by_value(v, clip_value_min, clip_value_max, name), (t,), name
        )
    with scoped(name, "clip_by_value") as scope:
        slices = hasattr(t, "values") and hasattr(t, "indices") and not isinstance(t, Tensor)
        values = door.convert(t.values if slices else t, None, "t")
        lower = later("Minimum")(values, clip_value_max)
        _keeps(values, lower)
        out = later("Maximum")(lower, clip_value_min, name=scope or None)
        _keeps(values, out)
        return type(t)(out, t.indices, t.dense_shape) if slices else out


def _keeps(values: Any, clipped: Any) -> None:
    if not values.shape.is_compatible_with(clipped.shape):
        raise ValueError(
            f"Shapes {values.shape} and {clipped.shape} are incompatible: the bounds must broadcast to the shape of t"
        )


@export("clip_by_norm")
def clip_by_norm(t: Any, clip_norm: Any, axes: Any = None, name: str | None = None) -> Any:
    """t scaled down, where its L2 norm (along `axes`, all by default) is above `clip_norm`, to that norm.

    >>> [round(v, 4) for v in tf.clip_by_norm([3., 4.], 1.).numpy().tolist()]
    [0.6, 0.8]
    """
    from penstock.ops.reduce import reduce_sum

    with scoped(name, "clip_by_norm") as scope:
        slices = hasattr(t, "values") and hasattr(t, "indices") and not isinstance(t, Tensor)
        values = door.convert(t.values if slices else t, None, "t")
        mul, div = later("Mul"), later("RealDiv")
        squares = reduce_sum(mul(values, values, name="mul"), axes, keepdims=True)
        positive = Greater(squares, 0)
        node_count.more(2)
        safe = SelectV2(positive, squares, later("OnesLike")(squares))
        norm = SelectV2(positive, later("Sqrt")(safe), squares)
        intermediate = mul(values, clip_norm, name="mul")
        _keeps(values, intermediate)
        clipped = Identity(div(intermediate, later("Maximum")(norm, clip_norm), name="truediv"), name=scope or None)
        return type(t)(clipped, t.indices, t.dense_shape) if slices else clipped


@export("linalg.global_norm", v1=("global_norm",))
def global_norm(t_list: Any, name: str | None = None) -> Any:
    """The square root of the sum of the squared L2 norms of the tensors in `t_list` (None entries are skipped).

    >>> tf.linalg.global_norm([[3.], [4.]]).numpy().item()
    5.0
    """
    from penstock.ops.reduce import reduce_sum

    if not isinstance(t_list, (list, tuple)):
        raise TypeError(f"`t_list` should be a sequence of tensors. Received {type(t_list)}.")
    with scoped(name, "global_norm"):
        values = [
            None
            if t is None
            else door.convert(
                t.values if hasattr(t, "indices") and hasattr(t, "values") and not isinstance(t, Tensor) else t
            )
            for t in t_list
        ]
        halves = [later("L2Loss")(v) for v in values if v is not None]
        total = reduce_sum(later("Pack")(halves, name="stack"))
        two = door.convert(np.asarray(2.0, total.dtype.array_dtype), total.dtype)
        return later("Sqrt")(later("Mul")(total, two, name="mul"), name="global_norm")


@export("clip_by_global_norm")
def clip_by_global_norm(t_list: Any, clip_norm: Any, use_norm: Any = None, name: str | None = None) -> Any:
    """The tensors scaled by `clip_norm / max(global_norm, clip_norm)`, and the global norm.

    >>> clipped, norm = tf.clip_by_global_norm([[3.], [4.]], 1.)
    >>> norm.numpy().item()
    5.0
    """
    if not isinstance(t_list, (list, tuple)):
        raise TypeError(f"`t_list` should be a sequence of tensors. Received {type(t_list)}.")
    t_list = list(t_list)
    norm = global_norm(t_list, name) if use_norm is None else use_norm
    mul, div = later("Mul"), later("RealDiv")
    with scoped(name, "clip_by_global_norm") as scope:
        norm = door.convert(norm)
        one = door.convert(np.asarray(1.0, norm.dtype.array_dtype), norm.dtype)
        limit = door.convert(clip_norm, norm.dtype)
        node_count.more(1)
        scale = mul(
            clip_norm, later("Minimum")(div(1.0, norm, name="truediv"), div(one, limit, name="truediv")), name="mul"
        )
        # an infinite or NaN norm makes everything NaN: x + (norm - norm)
        scale = later("AddV2")(scale, later("Sub")(norm, norm, name="sub"), name="add")
        clipped = []
        for i, t in enumerate(t_list):
            if t is None:
                clipped.append(None)
                continue
            slices = hasattr(t, "indices") and hasattr(t, "values") and not isinstance(t, Tensor)
            values = door.convert(t.values if slices else t)
            out = Identity(
                mul(
                    values,
                    scale if values.dtype is scale.dtype else later("Cast")(scale, DstT=values.dtype),
                    name="mul",
                ),
                name=f"{scope}_{i}" if scope else None,
            )
            clipped.append(type(t)(out, t.indices, t.dense_shape) if slices else out)
        return clipped, norm


@export(v1=("clip_by_average_norm",))
def clip_by_average_norm(t: Any, clip_norm: Any, name: str | None = None) -> Any:
    """t scaled down, where its L2 norm divided by its number of elements is above `clip_norm`, to that."""
    from penstock.ops.reduce import reduce_sum

    mul, div = later("Mul"), later("RealDiv")
    with scoped(name, "clip_by_average_norm") as scope:
        values = door.convert(t, None, "t")
        count = later("Cast")(later("Size")(values), DstT=values.dtype)
        inverse = later("Rsqrt")(reduce_sum(mul(values, values), later("Range")(0, later("Rank")(values), 1)))
        smaller = later("Minimum")(mul(inverse, count), div(1.0, door.convert(clip_norm, values.dtype)))
        return Identity(mul(mul(values, clip_norm), smaller), name=scope or None)
