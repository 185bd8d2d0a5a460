"""Reductions: sums, means, extremes, products and what is built from them."""

from typing import Any

import numpy as np

from penstock.base import dtypes
from penstock.base.errors import ShapeError
from penstock.base.export import Old, export
from penstock.ir import door, node_count
from penstock.ir.known import known_value
from penstock.ir.op import Op, op
from penstock.ir.scope import scoped
from penstock.ir.tensor import Tensor
from penstock.ops.families import composites, conj, later, old_axis, wide

Mul, RealDiv, Cast, Equal, Square, Sub, Exp = (
    later(n) for n in ("Mul", "RealDiv", "Cast", "Equal", "Square", "Sub", "Exp")
)
Shape, Reshape, BroadcastTo, ExpandDims, Rank, Range = (
    later(n) for n in ("Shape", "Reshape", "BroadcastTo", "ExpandDims", "Rank", "Range")
)


# -- which axes ------------------------------------------------------------------------------------------------------
_memo: dict[Any, tuple[int, ...]] = {}


def _axes(reduction_indices: Any, rank: int) -> tuple[int, ...]:
    """The axes to reduce, each in 0..rank-1."""
    key = reduction_indices.tobytes(), reduction_indices.dtype.itemsize, rank
    found = _memo.get(key)
    if found is not None:
        return found
    if len(_memo) > 1024:
        _memo.clear()
    axes: list[int] = []
    for a in np.asarray(reduction_indices).reshape(-1).tolist():
        if not -rank <= a < rank:
            raise ShapeError(
                f"Invalid reduction dimension {a} for input with {rank} dimensions.\n  fix: use an axis in [{-rank}, {rank})"
            )
        a %= rank
        if a in axes:
            raise ShapeError(f"Invalid reduction arguments: Axes contains duplicate dimension: {a}")
        axes.append(a)
    found = _memo[key] = tuple(axes)
    return found


def _reduced(input: Any, reduction_indices: Any, *, keep_dims: bool) -> Any:  # noqa: A002
    """The shape rule of reductions."""
    dims, which = input.shape, reduction_indices.value
    if dims is None:
        return None
    if which is None:
        n = reduction_indices.shape
        count = 1 if n == () else n[0] if n is not None and len(n) == 1 else None
        return (
            (None,) * len(dims)
            if keep_dims
            else None
            if count is None or count > len(dims)
            else (None,) * (len(dims) - count)
        )
    axes = _axes(which, len(dims))
    return tuple(1 if i in axes else d for i, d in enumerate(dims) if keep_dims or i not in axes)


def _reduction(text: str, compute: Any, doc: str) -> Op:
    """A reduction op: `compute(xp, input, axes, keep_dims)`."""
    body = lambda xp, input, reduction_indices, *, keep_dims: compute(
        xp, input, _axes(reduction_indices, input.ndim), keep_dims
    )
    body.__module__, body.__doc__ = __name__, doc
    body.__name__ = body.__qualname__ = "Any_" if text.startswith("Any(") else text.partition("(")[0]
    return op(text, shape=_reduced, static=("reduction_indices",), called={"reduction_indices": "axis"})(body)


def _sum(xp: Any, x: Any, axes: Any, keep: bool) -> Any:
    if xp is np:
        return np.add.reduce(wide(np, x), axes, x.dtype if x.dtype.kind in "iu" else None, None, keep)
    if x.dtype.kind in "iu":
        return xp.sum(x, axes, x.dtype, keepdims=keep)
    return xp.sum(wide(xp, x), axes, keepdims=keep)


def _mean(xp: Any, x: Any, axes: Any, keep: bool) -> Any:
    if x.dtype.kind not in "iu":
        if xp is np:
            total = np.add.reduce(wide(np, x), axes, None, None, keep)
            return total / total.dtype.type(x.size / total.size if total.size else np.nan)
        return xp.mean(wide(xp, x), axes, keepdims=keep)
    n = int(np.prod([x.shape[a] for a in axes], dtype=np.int64))
    total = xp.sum(x, axes, x.dtype, keepdims=keep)
    if n == 0:
        return total
    floor = total // n
    return floor + ((floor < 0) & (floor * n != total)) if x.dtype.kind == "i" else floor


def _extreme(name: str, least: bool) -> Any:
    ufunc = np.minimum if least else np.maximum

    def compute(xp: Any, x: Any, axes: Any, keep: bool) -> Any:
        empty: dict[str, Any] = {}
        if 0 in x.shape:
            limits = dtypes.as_dtype(x.dtype)
            if limits.is_floating:
                empty["initial"] = xp.asarray(np.inf if least else -np.inf, x.dtype)
            else:
                empty["initial"] = xp.asarray(limits.max if least else limits.min, x.dtype)
        if xp is np:
            return ufunc.reduce(x, axes, keepdims=keep, **empty)
        return getattr(xp, name)(x, axes, keepdims=keep, **empty)

    return compute


def _norm(xp: Any, x: Any, axes: Any, keep: bool) -> Any:
    squares = x * xp.conj(x) if x.dtype.kind == "c" else wide(xp, x) * wide(xp, x)
    if x.dtype.kind in "iu":
        return xp.floor(xp.sqrt(xp.sum(squares, axes, x.dtype, keepdims=keep).astype(xp.float64)))
    return xp.sqrt(xp.sum(squares, axes, keepdims=keep))


_TAIL = "Tidx: index = int32, keep_dims: bool = False) -> output: "
_ORDERED = "T: {float32|float64|int32|uint8|int16|int8|int64|bfloat16|uint16|float16|uint32|uint64|qint8|quint8|qint32|qint16|quint16}"
Sum = _reduction(f"Sum(input: T, reduction_indices: Tidx, *, T: numeric, {_TAIL}T", _sum, "The sum along axes.")
Mean = _reduction(f"Mean(input: T, reduction_indices: Tidx, *, T: numeric, {_TAIL}T", _mean, "The mean along axes.")
Prod = _reduction(
    f"Prod(input: T, reduction_indices: Tidx, *, T: numeric, {_TAIL}T",
    lambda xp, x, axes, keep: xp.prod(wide(xp, x), axes, x.dtype if x.dtype.kind in "iu" else None, keepdims=keep),
    "The product along axes.",
)
Max = _reduction(
    f"Max(input: T, reduction_indices: Tidx, *, {_ORDERED}, {_TAIL}T", _extreme("max", False), "The largest along axes."
)
Min = _reduction(
    f"Min(input: T, reduction_indices: Tidx, *, {_ORDERED}, {_TAIL}T", _extreme("min", True), "The smallest along axes."
)
All = _reduction(
    f"All(input: bool, reduction_indices: Tidx, *, {_TAIL}bool",
    lambda xp, x, axes, keep: xp.all(x, axes, keepdims=keep),
    "Are all true?",
).no_grad()
Any_ = _reduction(
    f"Any(input: bool, reduction_indices: Tidx, *, {_TAIL}bool",
    lambda xp, x, axes, keep: xp.any(x, axes, keepdims=keep),
    "Is any true?",
).no_grad()
EuclideanNorm = _reduction(
    f"EuclideanNorm(input: T, reduction_indices: Tidx, *, T: numeric, {_TAIL}T",
    _norm,
    "The square root of the sum of squares.",
)


# -- gradients -------------------------------------------------------------------------------------------------------
def shape_of(x: Any) -> Any:
    """The shape of x: a constant where it is known."""
    return np.array(x._dims, np.int32) if x._dims is not None and None not in x._dims else Shape(x)


def keep(y: Any, x: Any, axes: Any, kept: bool) -> Any:
    """A reduction's result (or its gradient) with the reduced axes of x put back as ones."""
    if kept:
        return y
    which, dims = known_value(axes), x._dims
    if which is None or dims is None:
        ones = later("OnesLike")(axes)
        rank = Rank(x)
        wrapped = later("FloorMod")(later("AddV2")(later("Cast")(axes, DstT=dtypes.int32), rank), rank)
        return Reshape(
            y,
            later("DynamicStitch")(
                [Range(0, rank, 1), Reshape(wrapped, [-1])], [Shape(x), Reshape(Cast(ones, DstT=dtypes.int32), [-1])]
            ),
        )
    reduced = _axes(which, len(dims))
    shape = [1 if i in reduced else d for i, d in enumerate(dims)]
    if shape.count(None) <= 1:
        return Reshape(y, np.array([-1 if d is None else d for d in shape], np.int32))
    for a in sorted(reduced):
        y = ExpandDims(y, a)
    return y


def _count(x: Any, y: Any, like: Any) -> Any:
    """How many elements each element of the reduced y stands for, in the dtype of `like`."""
    if x._dims is not None and y._dims is not None and None not in x._dims and None not in y._dims:
        n = int(np.prod(x._dims, dtype=np.int64)) // max(1, int(np.prod(y._dims, dtype=np.int64)))
        return door.convert(np.asarray(max(n, 1), like.dtype.array_dtype), like.dtype)
    size = later("Size")
    return Cast(later("FloorDiv")(size(x), later("Maximum")(size(y), 1)), DstT=like.dtype)


@Sum.grad
def _(node: Any, dy: Any) -> Any:
    x, axes = node.inputs
    return BroadcastTo(keep(dy, x, axes, node.attrs["keep_dims"]), shape_of(x)), None


@Mean.grad
def _(node: Any, dy: Any) -> Any:
    x, axes = node.inputs
    dy = RealDiv(dy, _count(x, node.outputs[0], dy))
    return BroadcastTo(keep(dy, x, axes, node.attrs["keep_dims"]), shape_of(x)), None


def _extreme_grad(node: Any, dy: Any) -> Any:
    """Ties share the gradient equally."""
    x, axes = node.inputs
    kept = node.attrs["keep_dims"]
    hit = Cast(Equal(keep(node.outputs[0], x, axes, kept), x), DstT=dy.dtype)
    ties = Sum(hit, axes, keep_dims=True)
    return Mul(RealDiv(hit, ties), keep(dy, x, axes, kept)), None


Max.grad(_extreme_grad)
Min.grad(_extreme_grad)


@EuclideanNorm.grad
def _(node: Any, dy: Any) -> Any:
    x, axes = node.inputs
    kept = node.attrs["keep_dims"]
    y = node.outputs[0]
    return Mul(x, keep(later("DivNoNan")(dy, y) if not dy.dtype.is_integer else RealDiv(dy, y), x, axes, kept)), None


@Prod.grad
def _(node: Any, dy: Any) -> Any:
    """The product of all other elements, from exclusive products of both directions: right where elements are 0, too."""
    x, axes = node.inputs
    dy = BroadcastTo(keep(dy, x, axes, node.attrs["keep_dims"]), shape_of(x))
    which, dims = known_value(axes), x._dims
    if which is not None and dims is not None:
        reduced = list(_axes(which, len(dims)))
        perm: Any = np.array(reduced + [i for i in range(len(dims)) if i not in reduced], np.int32)
        reduced_sizes = later("GatherV2")(shape_of(x), np.array(reduced, np.int32), 0)
    else:
        rank = Rank(x)
        wrapped = later("FloorMod")(later("AddV2")(Cast(Reshape(axes, [-1]), DstT=dtypes.int32), rank), rank)
        other, _ = later("ListDiff")(Range(0, rank, 1), wrapped)
        perm = later("ConcatV2")([wrapped, other], 0)
        reduced_sizes = later("GatherV2")(Shape(x), wrapped, 0)
    moved = later("Transpose")(x, perm)
    shape = shape_of(moved)
    rows = Prod(reduced_sizes, 0)
    flat = Reshape(moved, later("Pack")([rows, -1]))
    cumprod = later("Cumprod")
    others = Mul(cumprod(flat, 0, exclusive=True), cumprod(flat, 0, exclusive=True, reverse=True))
    back = later("InvertPermutation")(perm)
    return Mul(dy, conj(later("Transpose")(Reshape(others, shape), back))), None


# -- public functions ------------------------------------------------------------------------------------------------
_small: dict[Any, Any] = {}  # axis (or the axes of a rank) -> its eager tensor


def axes_of(x: Any, axis: Any) -> Any:
    """The axes to reduce as a tensor: all of x's where `axis` is None."""
    here = door.current()
    if axis is not None and type(axis) is not int:
        return axis
    if not here.is_graph:
        key = ("all", len(x._dims)) if axis is None else axis
        found = _small.get(key)
        if found is None:
            found = _small[key] = here.convert(
                np.arange(key[1], dtype=np.int32) if axis is None else axis, dtypes.int32
            )
        return found
    if axis is not None:
        return axis
    if x._dims is not None:
        return here.convert(np.arange(len(x._dims), dtype=np.int32), dtypes.int32, "Const")
    return Range(0, Rank(x), 1, name="range")


def _function(made: Op, name: str, doc: str) -> Any:
    def reduce(input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Any:
        if not isinstance(input_tensor, Tensor):
            if type(input_tensor) in composites:
                return composites[type(input_tensor)](reduce, (input_tensor, axis, keepdims), name)
            input_tensor = door.convert(
                input_tensor, dtypes.bool if made is All or made is Any_ else None, "input_tensor"
            )
        return made(input_tensor, axes_of(input_tensor, axis), keep_dims=bool(keepdims), name=name)

    reduce.__name__ = reduce.__qualname__ = name
    reduce.__doc__ = doc
    return reduce


_ARGS = " along `axis` (an axis, a list of them, None: all), kept as 1 with `keepdims`."
reduce_sum = export("reduce_sum", "math.reduce_sum", old=old_axis())(
    _function(
        Sum,
        "reduce_sum",
        f"The sum{_ARGS}\n\n    >>> tf.reduce_sum([[1, 2], [3, 4]], axis=0).numpy().tolist()\n    [4, 6]",
    )
)
reduce_mean = export("reduce_mean", "math.reduce_mean", old=old_axis())(
    _function(Mean, "reduce_mean", f"The mean{_ARGS}\n\n    >>> tf.reduce_mean([1., 3.]).numpy().item()\n    2.0")
)
reduce_max = export("reduce_max", "math.reduce_max", old=old_axis())(
    _function(
        Max,
        "reduce_max",
        f"The largest element{_ARGS}\n\n    >>> tf.reduce_max([[1, 5], [3, 4]], 1).numpy().tolist()\n    [5, 4]",
    )
)
reduce_min = export("reduce_min", "math.reduce_min", old=old_axis())(
    _function(
        Min, "reduce_min", f"The smallest element{_ARGS}\n\n    >>> tf.reduce_min([3, 1, 2]).numpy().item()\n    1"
    )
)
reduce_prod = export("reduce_prod", "math.reduce_prod", old=old_axis())(
    _function(Prod, "reduce_prod", f"The product{_ARGS}\n\n    >>> tf.reduce_prod([2, 3, 4]).numpy().item()\n    24")
)
reduce_all = export("reduce_all", "math.reduce_all", old=old_axis())(
    _function(
        All,
        "reduce_all",
        f"Whether all are true{_ARGS}\n\n    >>> tf.reduce_all([True, False]).numpy().item()\n    False",
    )
)
reduce_any = export("reduce_any", "math.reduce_any", old=old_axis())(
    _function(
        Any_,
        "reduce_any",
        f"Whether any is true{_ARGS}\n\n    >>> tf.reduce_any([True, False]).numpy().item()\n    True",
    )
)
reduce_euclidean_norm = export("math.reduce_euclidean_norm")(
    _function(
        EuclideanNorm,
        "reduce_euclidean_norm",
        f"The Euclidean norm{_ARGS}\n\n    >>> tf.math.reduce_euclidean_norm([3., 4.]).numpy().item()\n    5.0",
    )
)


@export("reduce_logsumexp", "math.reduce_logsumexp", old=old_axis())
def reduce_logsumexp(input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Any:
    """log(sum(exp(x))) along `axis`, without overflow.

    >>> round(tf.reduce_logsumexp([0., 0.]).numpy().item(), 4)
    0.6931
    """
    if type(input_tensor) in composites:
        return composites[type(input_tensor)](reduce_logsumexp, (input_tensor, axis, keepdims), name)
    with scoped(name, "ReduceLogSumExp") as scope:
        x = door.convert(input_tensor)
        top = reduce_max(x, axis, keepdims=True)
        top = later("StopGradient")(later("SelectV2")(later("IsFinite")(top), top, 0))
        logs = later("Log")(reduce_sum(Exp(Sub(x, top)), axis, keepdims=bool(keepdims)))
        if not keepdims:
            top = Reshape(top, shape_of(logs))
        return later("AddV2")(logs, top, name=scope or None)


@export("math.reduce_variance")
def reduce_variance(input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Any:
    """The mean of the squared distances from the mean along `axis`.

    >>> tf.math.reduce_variance([1., 3.]).numpy().item()
    1.0
    """
    if type(input_tensor) in composites:
        return composites[type(input_tensor)](reduce_variance, (input_tensor, axis, keepdims), name)
    with scoped(name, "reduce_variance"):
        x = door.convert(input_tensor)
        if x.dtype.is_integer or not (x.dtype.is_floating or x.dtype.is_complex):
            raise TypeError(f"Input must be either real or complex. Received integer type {x.dtype}.")
        distance = Sub(x, reduce_mean(x, axis, keepdims=True), name="sub")
        if distance.dtype.is_complex:
            real = distance.dtype.real_dtype
            squares = later("Real")(Mul(later("Conj")(distance), distance), Tout=real)
        else:
            squares = Square(distance)
        return reduce_mean(squares, axis, keepdims=bool(keepdims))


@export("math.reduce_std")
def reduce_std(input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Any:
    """The standard deviation along `axis`: the square root of `tf.math.reduce_variance`.

    >>> tf.math.reduce_std([1., 3.]).numpy().item()
    1.0
    """
    if type(input_tensor) in composites:
        return composites[type(input_tensor)](reduce_std, (input_tensor, axis, keepdims), name)
    with scoped(name, "reduce_std"):
        return later("Sqrt")(reduce_variance(input_tensor, axis, keepdims))


@export(v2=("math.count_nonzero",))
def count_nonzero(
    input: Any, axis: Any = None, keepdims: Any = None, dtype: Any = dtypes.int64, name: str | None = None
) -> Any:  # noqa: A002
    """How many elements are not zero (not empty, for strings) along `axis`.

    >>> tf.math.count_nonzero([[0, 1], [2, 3]], 0).numpy().tolist()
    [1, 2]
    """
    with scoped(name, "count_nonzero"):
        x = door.convert(input)
        zero = np.asarray(b"", object) if x.dtype is dtypes.string else np.zeros((), x.dtype.array_dtype)
        found = later("NotEqual")(x, door.convert(zero, x.dtype.base_dtype, "zeros"))
        counts = reduce_sum(Cast(found, DstT=dtypes.int64), axis, keepdims=bool(keepdims))
        return counts if dtypes.as_dtype(dtype) is dtypes.int64 else Cast(counts, DstT=dtypes.as_dtype(dtype))


@export(v1=("math.count_nonzero", "count_nonzero"))
def count_nonzero_v1(
    input_tensor: Any = None,
    axis: Any = None,
    keepdims: Any = None,
    dtype: Any = dtypes.int64,
    name: str | None = None,
    reduction_indices: Any = None,
    keep_dims: Any = None,
    input: Any = None,  # noqa: A002
) -> Any:
    """How many elements are not zero along `axis`, with the parameters of the 1.x function."""
    for new, old, both in (
        (axis, reduction_indices, "axis"),
        (keepdims, keep_dims, "keepdims"),
        (input_tensor, input, "input"),
    ):
        if new is not None and old is not None:
            raise ValueError(f"Cannot specify both the old and the new name of {both!r}")
    pick = lambda a, b: b if a is None else a
    return count_nonzero(
        pick(input, input_tensor), pick(axis, reduction_indices), pick(keepdims, keep_dims), dtype, name
    )


@export("math.zero_fraction", "nn.zero_fraction")
def zero_fraction(value: Any, name: str | None = None) -> Any:
    """The fraction of elements that are zero, a float32 scalar; NaN for an empty tensor.

    >>> tf.math.zero_fraction([0., 1., 0., 2.]).numpy().item()
    0.5
    """
    with scoped(name, "zero_fraction"):
        value = door.convert(value, None, "value")
        size = later("Size")(value, out_type=dtypes.int64)
        nonzero = reduce_sum(Cast(later("NotEqual")(value, np.zeros((), value.dtype.array_dtype)), DstT=dtypes.int64))
        zeros = Cast(Sub(size, nonzero), DstT=dtypes.float32)
        node_count.more(15)  # TensorFlow 1.x counts in int32 or int64, by a conditional
        return later("Identity")(RealDiv(zeros, Cast(size, DstT=dtypes.float32)), name="fraction")


def _adjacent(x: Any, compare: str, name: str | None, label: str) -> Any:
    with scoped(name, label):
        x = Reshape(door.convert(x, None, "x"), [-1])
        ahead, behind = later("StridedSlice"), later("StridedSlice")
        later_ones = ahead(x, [1], [0], [1], end_mask=1)
        earlier = behind(x, [0], [-1], [1], begin_mask=1)
        return reduce_all(later(compare)(earlier, later_ones))


@export("math.is_non_decreasing", v1=("debugging.is_non_decreasing", "is_non_decreasing"))
def is_non_decreasing(x: Any, name: str | None = None) -> Any:
    """Is no element of the flattened x smaller than the one before?

    >>> tf.math.is_non_decreasing([1, 1, 2]).numpy().item()
    True
    """
    return _adjacent(x, "LessEqual", name, "is_non_decreasing")


@export("math.is_strictly_increasing", v1=("debugging.is_strictly_increasing", "is_strictly_increasing"))
def is_strictly_increasing(x: Any, name: str | None = None) -> Any:
    """Is every element of the flattened x larger than the one before?

    >>> tf.math.is_strictly_increasing([1, 1, 2]).numpy().item()
    False
    """
    return _adjacent(x, "Less", name, "is_strictly_increasing")


# -- which element ---------------------------------------------------------------------------------------------------
_ANY_ORDERED = "T: {float32|float64|int32|uint8|int16|int8|int64|bfloat16|uint16|float16|uint32|uint64|qint8|quint8|qint32|qint16|quint16|bool}"


def _arg(name: str, worst: float) -> Any:
    def compute(xp: Any, input: Any, dimension: Any) -> Any:  # noqa: A002
        rank, axis = input.ndim, int(dimension)
        if not -rank <= axis < rank:
            raise ShapeError(f"Expected dimension in the range [{-rank}, {rank}), but got {axis}")
        if input.shape[axis] == 0 and 0 not in (*input.shape[: axis % rank], *input.shape[axis % rank + 1 :]):
            raise ShapeError(f"Reduction axis {axis} is empty in shape {list(input.shape)}")
        if input.dtype.kind not in "iub":
            input = xp.where(xp.isnan(input), worst, input)  # noqa: A001 - NaN never wins
        if 0 in input.shape:
            return xp.zeros([d for i, d in enumerate(input.shape) if i != axis % rank], xp.int64)
        return getattr(xp, name)(input, axis)

    return lambda xp, input, dimension: compute(xp, input, dimension)


def _arg_shape(input: Any, dimension: Any) -> Any:  # noqa: A002
    dims, axis = input.shape, dimension.value
    if dims is None:
        return None
    if axis is None:
        return (None,) * (len(dims) - 1)
    rank, axis = len(dims), int(axis)
    if not -rank <= axis < rank:
        raise ShapeError(f"Expected dimension in the range [{-rank}, {rank}), but got {axis}")
    return tuple(d for i, d in enumerate(dims) if i != axis % rank)


ArgMax = op(
    f"ArgMax(input: T, dimension: Tidx, *, {_ANY_ORDERED}, Tidx: {{int16|int32|int64}} = int32, output_type: {{int16|uint16|int32|int64}} = int64)"
    " -> output: output_type",
    shape=_arg_shape,
    static=("dimension",),
)(_arg("argmax", -np.inf)).no_grad()
ArgMin = op(
    f"ArgMin(input: T, dimension: Tidx, *, {_ANY_ORDERED}, Tidx: index = int32, output_type: index = int64) -> output: output_type",
    shape=_arg_shape,
    static=("dimension",),
)(_arg("argmin", np.inf)).no_grad()


@export(
    "argmax", "math.argmax", old=Old("input, axis=None, name=None, dimension=None, output_type=None", dimension="axis")
)
def argmax(input: Any, axis: Any = None, output_type: Any = dtypes.int64, name: str | None = None) -> Any:  # noqa: A002
    """The index of the largest element along `axis` (0 by default); the first of equal ones.

    >>> tf.argmax([[1, 9], [7, 2]], axis=1).numpy().tolist()
    [1, 0]
    """
    return ArgMax(input, axes_of(input, 0 if axis is None else axis), output_type=output_type, name=name)


@export(
    "argmin", "math.argmin", old=Old("input, axis=None, name=None, dimension=None, output_type=None", dimension="axis")
)
def argmin(input: Any, axis: Any = None, output_type: Any = dtypes.int64, name: str | None = None) -> Any:  # noqa: A002
    """The index of the smallest element along `axis` (0 by default); the first of equal ones.

    >>> tf.argmin([[1, 9], [7, 2]], axis=1).numpy().tolist()
    [0, 1]
    """
    return ArgMin(input, axes_of(input, 0 if axis is None else axis), output_type=output_type, name=name)


@export(v1=("arg_max",))
def arg_max(input: Any, dimension: Any, output_type: Any = dtypes.int64, name: str | None = None) -> Any:  # noqa: A002
    """The index of the largest element along `dimension`."""
    return ArgMax(input, dimension, output_type=output_type, name=name)


@export(v1=("arg_min",))
def arg_min(input: Any, dimension: Any, output_type: Any = dtypes.int64, name: str | None = None) -> Any:  # noqa: A002
    """The index of the smallest element along `dimension`."""
    return ArgMin(input, dimension, output_type=output_type, name=name)


# -- for gradients of broadcasting ops -------------------------------------------------------------------------------
@op(
    "BroadcastGradientArgs(s0: T, s1: T, *, T: index = int32) -> (r0: T, r1: T)",
    static=("s0", "s1"),
    shape=lambda s0, s1: ((None,), (None,)),
)
def BroadcastGradientArgs(xp, s0, s1):  # noqa: N802
    """The axes along which two shapes were broadcast, for each of them."""
    a, b = s0.tolist(), s1.tolist()
    rank = max(len(a), len(b))
    a, b = [1] * (rank - len(a)) + a, [1] * (rank - len(b)) + b
    if any(x != y and x != 1 and y != 1 for x, y in zip(a, b)):
        raise ShapeError(f"Incompatible shapes: {s0.tolist()} vs. {s1.tolist()}")
    if s0.tolist() == s1.tolist():
        a = b = []
    axes = lambda mine: np.array([i for i, d in enumerate(mine) if d == 1], s0.dtype)
    return axes(a), axes(b)


BroadcastGradientArgs.no_grad()
