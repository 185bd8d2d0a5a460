"""Counting: bincount, histograms, buckets, confusion matrices."""

from typing import Any

import numpy as np

from penstock.base import dtypes
from penstock.base.dtypes import as_dtype
from penstock.base.errors import InvalidArgumentError, ShapeError
from penstock.base.export import export
from penstock.ir import door
from penstock.ir.op import op
from penstock.ir.scope import scoped
from penstock.ops.families import composites, dispatched, later
from penstock.ops.segments import combine

Cast, Mul, Maximum, AddV2, Size, Reshape = (later(n) for n in ("Cast", "Mul", "Maximum", "AddV2", "Size", "Reshape"))


# -- bincount --------------------------------------------------------------------------------------------------------
def _counts(xp: Any, values: Any, size: int, weights: Any, binary: bool, dtype: Any) -> Any:
    """values [n] or [rows, n] -> [size] or [rows, size]."""
    rows = values.shape[0] if values.ndim == 2 else 1
    flat = values.reshape(-1)
    inside = (flat >= 0) & (flat < size)
    at = (
        xp.where(inside, flat + np.repeat(np.arange(rows), values.shape[-1]) * size, rows * size)
        if size
        else xp.full(flat.shape, rows * size)
    )
    given = weights.reshape(-1) if weights.size else xp.ones(flat.shape, dtype)
    total = combine(xp, "max" if binary else "sum", xp.ones(flat.shape, dtype) if binary else given, at, rows * size, 0)
    return total.reshape((rows, size) if values.ndim == 2 else (size,))


@op(
    "DenseBincount(input: Tidx, size: Tidx, weights: T, *, T: {int32|int64|float32|float64}, Tidx: index, binary_output: bool = False) -> output: T",
    static=("size",),
)
def DenseBincount(xp, input, size, weights, *, binary_output):  # noqa: A002, N802
    """How often (or with what total weight) each of 0..size-1 occurs, in a vector or in each row of a matrix."""
    if input.ndim > 2:
        raise ShapeError(f"Shape must be at most rank 2 but is rank {input.ndim}")
    return _counts(xp, input, int(size), weights, binary_output, weights.dtype)


@DenseBincount.shape
def _(input: Any, size: Any, weights: Any, *, binary_output: bool) -> Any:  # noqa: A002
    if input.shape is None:
        return None
    if len(input.shape) > 2:
        raise ShapeError(f"Shape must be at most rank 2 but is rank {len(input.shape)}")
    n = None if size.value is None else int(size.value)
    return (*input.shape[:-1], n) if len(input.shape) == 2 else (n,)


@DenseBincount.check
def _(xp: Any, input: Any, size: Any, weights: Any, *, binary_output: bool) -> Any:  # noqa: A002
    if int(size) < 0:
        return True, f"size ({int(size)}) must be non-negative"
    if weights.size and weights.shape != input.shape:
        return (
            True,
            f"`weights` must be the same shape as `input` or a length-0 tensor, got {list(weights.shape)} and {list(input.shape)}",
        )
    return xp.any(input < 0), "Input arr must be non-negative!"


DenseBincount.no_grad()


@op(
    "Bincount(arr: int32, size: int32, weights: T, *, T: {int32|int64|float32|float64}) -> bins: T",
    static=("size",),
    shape=lambda arr, size, weights: (None if size.value is None else int(size.value),),
)
def Bincount(xp, arr, size, weights):  # noqa: N802
    """How often (or with what total weight) each of 0..size-1 occurs."""
    if weights.size and weights.size != arr.size:
        raise InvalidArgumentError(None, None, f"Input indices and weights must have the same size, got {list(arr.shape)} and {list(weights.shape)}")
    return _counts(xp, arr.reshape(-1), int(size), weights, False, weights.dtype)


Bincount.check(lambda xp, arr, size, weights: (xp.any(arr < 0), "Input arr must be non-negative!"))
Bincount.no_grad()


@export(v2=("math.bincount",))
@dispatched
def bincount(
    arr: Any,
    weights: Any = None,
    minlength: Any = None,
    maxlength: Any = None,
    dtype: Any = dtypes.int32,
    name: str | None = None,
    axis: Any = None,
    binary_output: bool = False,
) -> Any:
    """How often each value 0, 1, ..., max(arr) occurs in `arr`, or the sum of its `weights`; a row each with `axis=-1`.

    >>> tf.math.bincount([1, 1, 3]).numpy().tolist()
    [0, 2, 0, 1]
    """
    if type(arr) in composites:
        found = composites[type(arr)](bincount, (arr, weights, minlength, maxlength, dtype, axis, binary_output), name)
        if found is not NotImplemented:
            return found
    if axis not in (None, 0, -1):
        raise ValueError(f"Unsupported value for argument axis={axis}. Only 0 and -1 are currently supported.")
    with scoped(name, "bincount"):
        arr = door.convert(arr, None, "arr")
        if arr.dtype not in (dtypes.int32, dtypes.int64):
            arr = Cast(arr, DstT=dtypes.int32)
        kind = arr.dtype
        if weights is not None:
            weights = door.convert(weights, None, "weights")
        from penstock.ops.reduce import reduce_max

        filled = later("Greater")(Size(arr), 0)
        top = reduce_max(arr)
        size = Mul(Cast(filled, DstT=kind), AddV2(later("Maximum")(top, -1), 1))
        if minlength is not None:
            size = Maximum(
                size,
                Cast(door.convert(minlength), DstT=kind) if door.convert(minlength).dtype is not kind else minlength,
            )
        if maxlength is not None:
            limit = door.convert(maxlength)
            size = later("Minimum")(size, limit if limit.dtype is kind else Cast(limit, DstT=kind))
        if axis != -1:
            arr = Reshape(arr, [-1])
            weights = None if weights is None else Reshape(weights, [-1])
        if weights is None:
            out = as_dtype(dtype)
            weights = door.convert(np.zeros(0, out.array_dtype), out)
        return DenseBincount(arr, size, weights, binary_output=binary_output)


@export(v1=("math.bincount", "bincount"))
def bincount_v1(
    arr: Any, weights: Any = None, minlength: Any = None, maxlength: Any = None, dtype: Any = dtypes.int32
) -> Any:
    """How often each value 0, 1, ..., max(arr) occurs in `arr`, or the sum of its `weights`."""
    return bincount(arr, weights, minlength, maxlength, dtype)


# -- histograms ------------------------------------------------------------------------------------------------------
def _bins(xp: Any, values: Any, low: Any, high: Any, nbins: Any) -> Any:
    scaled = (values.astype(xp.float64) - low) / (high - low)
    return xp.clip(xp.floor(scaled * nbins), 0, nbins - 1)


@op(
    "HistogramFixedWidth(values: T, value_range: T, nbins: int32, *, T: {int32|int64|float32|float64}, dtype: index = int32) -> out: dtype",
    static=("nbins",),
    shape=lambda values, value_range, nbins, *, dtype: (None if nbins.value is None else max(0, int(nbins.value)),),
)
def HistogramFixedWidth(xp, values, value_range, nbins, *, dtype):  # noqa: N802
    """How many values fall into each of nbins bins of one width; the outer bins take what is outside the range."""
    n = int(nbins)
    low, high = value_range[0].astype(xp.float64), value_range[1].astype(xp.float64)
    at = _bins(
        xp, xp.where(xp.isnan(values), low, values).reshape(-1), low, xp.where(high > low, high, low + 1), n
    ).astype(xp.int32)
    return combine(xp, "sum", xp.ones(at.shape, dtype.array_dtype), at, n, 0)


HistogramFixedWidth.shape(
    lambda values, value_range, nbins, *, dtype: (None if nbins.value is None else max(0, int(nbins.value)),)
)


@HistogramFixedWidth.check
def _(xp: Any, values: Any, value_range: Any, nbins: Any, *, dtype: Any) -> Any:
    if nbins.ndim or int(nbins) <= 0:
        return True, f"nbins should be a positive number, but got '{nbins.tolist()}'"
    if value_range.shape != (2,):
        return True, f"value_range should have 2 elements, got shape {list(value_range.shape)}"
    wrong = ~(value_range[0] < value_range[1])
    if values.dtype.kind == "f":
        nan = xp.any(xp.isnan(values))
        if xp is np and nan:
            return True, "Histogram values must not contain NaN"
        wrong = wrong | nan
    return wrong, "value_range should satisfy value_range[0] < value_range[1]"


HistogramFixedWidth.no_grad()


@export("histogram_fixed_width")
def histogram_fixed_width(
    values: Any, value_range: Any, nbins: Any = 100, dtype: Any = dtypes.int32, name: str | None = None
) -> Any:
    """How many values fall into each of `nbins` bins of equal width between `value_range[0]` and `value_range[1]`.

    >>> tf.histogram_fixed_width([0., 1., 5., -1.], [0., 5.], nbins=5).numpy().tolist()
    [2, 1, 0, 0, 1]
    """
    values = door.convert(values)
    return HistogramFixedWidth(values, value_range, nbins, dtype=dtype, name=name or "histogram_fixed_width")


@export("histogram_fixed_width_bins")
def histogram_fixed_width_bins(
    values: Any, value_range: Any, nbins: Any = 100, dtype: Any = dtypes.int32, name: str | None = None
) -> Any:
    """The bin of each value: 0..nbins-1, with what is outside `value_range` in the outer bins.

    >>> tf.histogram_fixed_width_bins([0., 1., 5., -1.], [0., 5.], nbins=5).numpy().tolist()
    [0, 1, 4, 0]
    """
    with scoped(name, "histogram_fixed_width_bins"):
        values = door.convert(values, None, "values")
        shape = later("Shape")(values)
        flat = Reshape(values, [-1])
        value_range = door.convert(value_range, None, "value_range")
        nbins = door.convert(nbins, dtypes.int32, "nbins")
        from penstock.ir.known import known_value

        known = known_value(nbins)
        if known is not None and not known > 0:
            raise InvalidArgumentError(f"nbins should be a positive number, but got '{known}'")
        edges = later("Unpack")(value_range, num=2, axis=0)
        scaled = later("RealDiv")(later("Sub")(flat, edges[0]), later("Sub")(edges[1], edges[0]))
        at = later("Floor")(Mul(Cast(nbins, DstT=values.dtype), scaled))
        clipped = later("ClipByValue")(Cast(at, DstT=dtypes.int32), 0, later("Sub")(nbins, 1))
        out = as_dtype(dtype)
        return Reshape(clipped if out is dtypes.int32 else Cast(clipped, DstT=out), shape)


@op(
    "Bucketize(input: T, *, T: {int32|int64|float32|float64}, boundaries: list(float)) -> output: int32",
    shape=lambda input, *, boundaries: input.shape,
)
def Bucketize(xp, input, *, boundaries):  # noqa: A002, N802
    """For each element the number of boundaries that are not above it."""
    return xp.searchsorted(
        np.asarray(boundaries, np.float32).astype(input.dtype if input.dtype.kind == "f" else np.float64),
        input,
        side="right",
    )


Bucketize.check(lambda xp, input, *, boundaries: (sorted(boundaries) != list(boundaries), "Expected sorted boundaries"))
Bucketize.no_grad()


# -- confusion -------------------------------------------------------------------------------------------------------
def remove_squeezable(labels: Any, predictions: Any, expected: int = 0) -> tuple[Any, Any]:
    """Drops a last axis of size 1 where it makes the predictions' rank exceed the labels' by other than `expected`."""
    a, b = labels._dims, predictions._dims
    if a is not None and b is not None:
        if len(b) - len(a) == expected + 1 and b[-1] in (1, None):
            predictions = later("Squeeze")(predictions, squeeze_dims=[-1])
        elif len(b) - len(a) == expected - 1 and a[-1] in (1, None):
            labels = later("Squeeze")(labels, squeeze_dims=[-1])
    return labels, predictions


@export(v2=("math.confusion_matrix",))
def confusion_matrix(
    labels: Any,
    predictions: Any,
    num_classes: Any = None,
    weights: Any = None,
    dtype: Any = dtypes.int32,
    name: str | None = None,
) -> Any:
    """The matrix whose entry [i, j] counts (or weighs) how often class i was predicted as class j.

    >>> tf.math.confusion_matrix([1, 2], [1, 1]).numpy().tolist()
    [[0, 0, 0], [0, 1, 0], [0, 1, 0]]
    """
    from penstock.ops.reduce import reduce_max

    out = as_dtype(dtype)
    with scoped(name, "confusion_matrix"):
        labels, predictions = remove_squeezable(
            door.convert(labels, None, "labels"), door.convert(predictions, None, "predictions")
        )
        labels, predictions = (
            v if v.dtype is dtypes.int64 else Cast(v, DstT=dtypes.int64) for v in (labels, predictions)
        )
        if num_classes is None:
            classes = AddV2(later("Maximum")(reduce_max(predictions), reduce_max(labels)), 1)
        else:
            classes = door.convert(num_classes)
            classes = classes if classes.dtype is dtypes.int64 else Cast(classes, DstT=dtypes.int64)
        if weights is not None:
            weights = door.convert(weights)
            if not predictions.shape.is_compatible_with(weights.shape):
                raise ValueError(
                    f"Shapes {predictions.shape} and {weights.shape} are incompatible: weights must have the shape of predictions"
                )
            weights = weights if weights.dtype is out else Cast(weights, DstT=out)
        else:
            weights = Cast(later("OnesLike")(predictions), DstT=out)
        cells = later("Pack")([labels, predictions], axis=1)
        return later("ScatterNd")(cells, weights, later("Pack")([classes, classes], axis=0))


@export(v1=("math.confusion_matrix", "confusion_matrix"))
def confusion_matrix_v1(
    labels: Any,
    predictions: Any,
    num_classes: Any = None,
    dtype: Any = dtypes.int32,
    name: str | None = None,
    weights: Any = None,
) -> Any:
    """The matrix whose entry [i, j] counts how often class i was predicted as class j."""
    return confusion_matrix(labels, predictions, num_classes, weights, dtype, name)
