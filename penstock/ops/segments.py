"""Reductions over segments: rows with the same id are combined."""

from typing import Any

import numpy as np

from penstock.base import dtypes
from penstock.base.dtypes import as_dtype
from penstock.base.errors import ShapeError
from penstock.base.export import export
from penstock.base.shape import as_text, merge
from penstock.ir import door
from penstock.ir.op import Op, op
from penstock.ir.scope import scoped
from penstock.ops.families import dispatched, later, wide

GatherV2, Mul, RealDiv, SelectV2, ZerosLike, OnesLike, Cast, Equal = (
    later(n) for n in ("GatherV2", "Mul", "RealDiv", "SelectV2", "ZerosLike", "OnesLike", "Cast", "Equal")
)


# -- combining -------------------------------------------------------------------------------------------------------
def _empty(kind: str, dtype: Any) -> Any:
    """What a segment without rows holds in an unsorted reduction."""
    if kind in ("sum", "prod"):
        return 0 if kind == "sum" else 1
    limits = as_dtype(dtype)
    return (limits.min if kind == "max" else limits.max) if limits.is_integer or limits.is_floating else 0


_UFUNC = {"sum": np.add, "prod": np.multiply, "max": np.maximum, "min": np.minimum}


def combine(xp: Any, kind: str, data: Any, ids: Any, count: int, empty: Any) -> Any:
    """[n, ...] and ids [n] -> [count, ...]; rows with ids outside 0..count-1 are dropped."""
    narrow = data.dtype.itemsize == 2 and data.dtype.kind not in "iu" and kind in ("sum", "prod")
    work = wide(xp, data) if narrow else data
    if xp is np:
        keep = (ids >= 0) & (ids < count)
        out = np.full((count, *data.shape[1:]), empty, work.dtype)
        _UFUNC[kind].at(out, ids[keep], work[keep])
        return out
    safe = xp.where((ids < 0) | (ids >= count), count, ids)
    at = xp.full((count, *data.shape[1:]), empty, work.dtype).at[safe]
    return getattr(at, {"sum": "add", "prod": "multiply"}.get(kind, kind))(work, mode="drop")


def _flat(xp: Any, data: Any, ids: Any) -> tuple[Any, Any]:
    """The ids as a vector, and the data with one leading axis for it."""
    if data.shape[: ids.ndim] != ids.shape:
        raise ShapeError(f"data.shape = {as_text(data.shape)} does not start with segment_ids.shape = {as_text(ids.shape)}")
    return data.reshape((ids.size, *data.shape[ids.ndim :])), ids.reshape(-1)


# -- unsorted segments -----------------------------------------------------------------------------------------------
def _unsorted_shape(data: Any, segment_ids: Any, num_segments: Any) -> Any:
    if data.shape is None or segment_ids.shape is None:
        return None
    n = len(segment_ids.shape)
    try:
        merge(data.shape[:n], segment_ids.shape)
    except ShapeError:
        raise ShapeError(
            f"data.shape = {as_text(data.shape)} does not start with segment_ids.shape = {as_text(segment_ids.shape)}"
        ) from None
    count = num_segments.value
    if count is not None and int(count) < 0:
        raise ShapeError(f"num_segments == {int(count)} must not be negative")
    return (None if count is None else int(count), *data.shape[n:])


def _unsorted(name: str, kind: str, types: str, ids: str = "index") -> Op:
    def body(xp: Any, data: Any, segment_ids: Any, num_segments: Any) -> Any:
        rows, flat = _flat(xp, data, segment_ids)
        return combine(xp, kind, rows, flat, max(0, int(num_segments)), _empty(kind, data.dtype))

    body.__module__, body.__doc__ = (
        __name__,
        f"The {kind} of the rows of each segment; rows with negative ids are dropped.",
    )
    body.__name__ = body.__qualname__ = name
    made = op(
        f"{name}(data: T, segment_ids: Tindices, num_segments: Tnumsegments, *, T: {types}, Tindices: {ids}, Tnumsegments: index = int32) -> output: T",
        shape=_unsorted_shape,
        static=("num_segments",),
    )(body)

    @made.check
    def _(xp: Any, data: Any, segment_ids: Any, num_segments: Any) -> Any:
        count = int(num_segments)
        if count < 0:
            return True, f"Input num_segments == {count} must not be negative."
        if not segment_ids.size:
            return False, ""
        top = f"{segment_ids.max()} " if xp is np else ""
        return xp.any(segment_ids >= count), f"segment_ids: {top}is out of range [0, {count})"

    return made


UnsortedSegmentSum = _unsorted("UnsortedSegmentSum", "sum", "numeric", "{int16|int32|int64}")
UnsortedSegmentProd = _unsorted("UnsortedSegmentProd", "prod", "numeric")
UnsortedSegmentMax = _unsorted("UnsortedSegmentMax", "max", "real")
UnsortedSegmentMin = _unsorted("UnsortedSegmentMin", "min", "real")


def _gather_kept(params: Any, ids: Any, data: Any) -> tuple[Any, Any]:
    """params[ids] with zeros for negative ids; and which rows those are, shaped to broadcast with data."""
    zero = ZerosLike(ids)
    kept = later("GreaterEqual")(ids, zero)
    rows = GatherV2(params, later("Maximum")(ids, zero), 0)
    extra = (data._dims is not None and ids._dims is not None) and len(data._dims) - len(ids._dims)
    if extra is False:
        ones = later("Fill")(later("Sub")(later("Rank")(data), later("Rank")(ids)), 1)
        shaped = later("Reshape")(kept, later("ConcatV2")([later("Shape")(kept), ones], 0))
    else:
        shaped = kept
        for _ in range(extra):
            shaped = later("ExpandDims")(shaped, -1)
    return SelectV2(shaped, rows, ZerosLike(rows)), shaped


UnsortedSegmentSum.grad(lambda node, dy: (_gather_kept(dy, node.inputs[1], node.inputs[0])[0], None, None))


def _unsorted_extreme_grad(node: Any, dy: Any) -> Any:
    data, ids, count = node.inputs
    best, kept = _gather_kept(node.outputs[0], ids, data)
    hit = later("LogicalAnd")(Equal(data, best), kept)
    ties = UnsortedSegmentSum(Cast(hit, DstT=dy.dtype), ids, count)
    shared = _gather_kept(
        later("DivNoNan")(dy, ties) if not dy.dtype.is_integer else RealDiv(dy, later("Maximum")(ties, 1)), ids, data
    )[0]
    return SelectV2(hit, shared, ZerosLike(shared)), None, None


UnsortedSegmentMax.grad(_unsorted_extreme_grad)
UnsortedSegmentMin.grad(_unsorted_extreme_grad)


@UnsortedSegmentProd.grad
def _(node: Any, dy: Any) -> Any:
    """Zeros in a segment are counted: without any, prod / x; with one, the product of the others there; with more, 0."""
    data, ids, count = node.inputs
    zero = Equal(data, 0)
    zeros = UnsortedSegmentSum(Cast(zero, DstT=dtypes.int32), ids, count)
    dy = SelectV2(later("Greater")(zeros, 1), ZerosLike(dy), dy)
    nonzero = UnsortedSegmentProd(SelectV2(zero, OnesLike(data), data), ids, count)
    prod_there = _gather_kept(node.outputs[0], ids, data)[0]
    others_there = _gather_kept(nonzero, ids, data)[0]
    quotient = RealDiv(prod_there, SelectV2(zero, OnesLike(data), data))
    return Mul(_gather_kept(dy, ids, data)[0], SelectV2(zero, others_there, quotient)), None, None


def _public_unsorted(made: Op, kind: str, doc: str) -> Any:
    def call(data: Any, segment_ids: Any, num_segments: Any, name: str | None = None) -> Any:
        return made(data, segment_ids, num_segments, name=name)

    call.__name__ = call.__qualname__ = f"unsorted_segment_{kind}"
    call.__doc__ = doc
    return export(f"math.unsorted_segment_{kind}", v1=(f"unsorted_segment_{kind}",))(dispatched(call))


unsorted_segment_sum = _public_unsorted(
    UnsortedSegmentSum,
    "sum",
    "The sums of the rows with the same id.\n\n>>> tf.math.unsorted_segment_sum([1, 2, 3], [0, 1, 0], 2).numpy().tolist()\n[4, 2]",
)
unsorted_segment_prod = _public_unsorted(
    UnsortedSegmentProd, "prod", "The products of the rows with the same id; 1 where there are none."
)
unsorted_segment_max = _public_unsorted(
    UnsortedSegmentMax, "max", "The largest of the rows with the same id; the lowest value where there are none."
)
unsorted_segment_min = _public_unsorted(
    UnsortedSegmentMin, "min", "The smallest of the rows with the same id; the highest value where there are none."
)


def _rows_per_segment(data: Any, segment_ids: Any, num_segments: Any) -> Any:
    """How many rows each segment has, at least 1, shaped to divide the sums."""
    ones = Cast(OnesLike(segment_ids), DstT=data.dtype)
    counts = UnsortedSegmentSum(ones, segment_ids, num_segments)
    if data._dims is not None and segment_ids._dims is not None:
        for _ in range(len(data._dims) - len(segment_ids._dims)):
            counts = later("ExpandDims")(counts, -1)
    else:
        extra = later("Sub")(later("Rank")(data), later("Rank")(segment_ids))
        counts = later("Reshape")(
            counts, later("ConcatV2")([later("Shape")(counts), later("Fill")(later("Reshape")(extra, [1]), 1)], 0)
        )
    return later("Maximum")(counts, 1)


@export("math.unsorted_segment_mean", v1=("unsorted_segment_mean",))
@dispatched
def unsorted_segment_mean(data: Any, segment_ids: Any, num_segments: Any, name: str | None = None) -> Any:
    """The means of the rows with the same id; 0 where there are none.

    >>> tf.math.unsorted_segment_mean([1., 2., 3.], [0, 1, 0], 2).numpy().tolist()
    [2.0, 2.0]
    """
    with scoped(name, "UnsortedSegmentMean"):
        data, segment_ids = door.convert(data), door.convert(segment_ids)
        counts = _rows_per_segment(data, segment_ids, num_segments)
        return RealDiv(UnsortedSegmentSum(data, segment_ids, num_segments), counts, name="truediv")


@export("math.unsorted_segment_sqrt_n", v1=("unsorted_segment_sqrt_n",))
@dispatched
def unsorted_segment_sqrt_n(data: Any, segment_ids: Any, num_segments: Any, name: str | None = None) -> Any:
    """The sums of the rows with the same id, divided by the square root of how many there are."""
    with scoped(name, "UnsortedSegmentSqrtN"):
        data, segment_ids = door.convert(data), door.convert(segment_ids)
        counts = _rows_per_segment(data, segment_ids, num_segments)
        return RealDiv(UnsortedSegmentSum(data, segment_ids, num_segments), later("Sqrt")(counts), name="truediv")


# -- sorted segments -------------------------------------------------------------------------------------------------
def _sorted_shape(data: Any, segment_ids: Any, num_segments: Any = None) -> Any:
    if segment_ids.shape is not None and len(segment_ids.shape) != 1:
        raise ShapeError(f"segment_ids must be a vector, not of shape {as_text(segment_ids.shape)}")
    if data.shape is None:
        return None
    if len(data.shape) < 1:
        raise ShapeError("data must be at least a vector")
    if segment_ids.shape is not None:
        try:
            merge(data.shape[:1], segment_ids.shape)
        except ShapeError:
            raise ShapeError(
                "segment_ids should be the same size as dimension 0 of input: "
                f"data is {as_text(data.shape)}, segment_ids {as_text(segment_ids.shape)}"
            ) from None
    if num_segments is not None:
        count = None if num_segments.value is None else int(num_segments.value)
    else:
        ids = segment_ids.value
        count = None if ids is None else int(ids[-1]) + 1 if ids.size else 0
    return (count, *data.shape[1:])


def _reduce_rows(xp: Any, kind: str, data: Any, ids: Any, count: int) -> Any:
    if len(ids) != len(data):
        raise ShapeError("segment_ids should be the same size as dimension 0 of input.")
    if kind != "mean":
        out = combine(xp, kind, data, ids, count, _empty(kind, data.dtype))
        if kind in ("max", "min"):
            rows = combine(xp, "sum", xp.ones(len(data), xp.int32), ids, count, 0)
            out = xp.where(rows.reshape(-1, *(1,) * (data.ndim - 1)) > 0, out, xp.zeros_like(out))
        return out
    total = combine(xp, "sum", wide(xp, data), ids, count, 0)
    rows = combine(xp, "sum", xp.ones(len(data), xp.int32), ids, count, 0).reshape(-1, *(1,) * (data.ndim - 1))
    rows = xp.maximum(rows, 1).astype(total.dtype)
    return total // rows if total.dtype.kind in "iu" else total / rows


def _increasing(xp: Any, segment_ids: Any) -> Any:
    if segment_ids.ndim != 1 or not segment_ids.size:
        return False, ""
    falls = xp.any(segment_ids[1:] < segment_ids[:-1])
    if xp is np and not falls and segment_ids[0] < 0:
        return True, f"Segment id {segment_ids[0]} out of range [0, {segment_ids[-1] + 1}), possibly because 'segment_ids' input is not sorted."
    return falls | (segment_ids[0] < 0), "segment ids are not increasing"


def _sorted(name: str, kind: str, types: str) -> Op:
    doc = f"The {kind} of the rows of each segment; the ids are sorted."
    body = lambda xp, data, segment_ids: _reduce_rows(
        xp, kind, data, np.asarray(segment_ids), int(segment_ids[-1]) + 1 if len(segment_ids) else 0
    )
    body.__doc__ = doc
    made = op(
        f"{name}(data: T, segment_ids: Tindices, *, T: {types}, Tindices: index) -> output: T",
        shape=_sorted_shape,
        static=("segment_ids",),
    )(body)
    made.check(lambda xp, data, segment_ids: _increasing(xp, segment_ids))
    return made


def _sorted_v2(name: str, kind: str, types: str) -> Op:
    body = lambda xp, data, segment_ids, num_segments: _reduce_rows(
        xp, kind, data, segment_ids, max(0, int(num_segments))
    )
    body.__doc__ = f"The {kind} of the rows of each of num_segments segments; the ids are sorted."
    made = op(
        f"{name}(data: T, segment_ids: Tindices, num_segments: Tnumsegments, *, T: {types}, Tindices: index, Tnumsegments: index = int32) -> output: T",
        shape=_sorted_shape,
        static=("num_segments",),
    )(body)
    made.check(lambda xp, data, segment_ids, num_segments: _increasing(xp, segment_ids))
    return made


SegmentSum = _sorted("SegmentSum", "sum", "numeric")
SegmentMean = _sorted("SegmentMean", "mean", "numeric")
SegmentProd = _sorted("SegmentProd", "prod", "numeric")
SegmentMax = _sorted("SegmentMax", "max", "real")
SegmentMin = _sorted("SegmentMin", "min", "real")
SegmentSumV2 = _sorted_v2("SegmentSumV2", "sum", "numeric")
SegmentProdV2 = _sorted_v2("SegmentProdV2", "prod", "numeric")
SegmentMaxV2 = _sorted_v2("SegmentMaxV2", "max", "real")
SegmentMinV2 = _sorted_v2("SegmentMinV2", "min", "real")

_none = lambda node: (None,) * (len(node.inputs) - 1)
SegmentSum.grad(lambda node, dy: (GatherV2(dy, node.inputs[1], 0), *_none(node)))
SegmentSumV2.grad(lambda node, dy: (GatherV2(dy, node.inputs[1], 0), *_none(node)))


@SegmentMean.grad
def _(node: Any, dy: Any) -> Any:
    data, ids = node.inputs
    counts = SegmentSum(OnesLike(data), ids)
    return GatherV2(later("DivNoNan")(dy, counts), ids, 0), None


def _sorted_extreme_grad(node: Any, dy: Any) -> Any:
    data, ids = node.inputs[:2]
    hit = Equal(data, GatherV2(node.outputs[0], ids, 0))
    marks = Cast(hit, DstT=dy.dtype)
    ties = SegmentSum(marks, ids) if len(node.inputs) == 2 else SegmentSumV2(marks, ids, node.inputs[2])
    shared = GatherV2(later("DivNoNan")(dy, ties), ids, 0)
    return SelectV2(hit, shared, ZerosLike(shared)), *_none(node)


def _sorted_prod_grad(node: Any, dy: Any) -> Any:
    data, ids = node.inputs[:2]
    sums = (lambda v: SegmentSum(v, ids)) if len(node.inputs) == 2 else (lambda v: SegmentSumV2(v, ids, node.inputs[2]))
    prods = (
        (lambda v: SegmentProd(v, ids)) if len(node.inputs) == 2 else (lambda v: SegmentProdV2(v, ids, node.inputs[2]))
    )
    zero = Equal(data, 0)
    safe = SelectV2(zero, OnesLike(data), data)
    zeros = sums(Cast(zero, DstT=dtypes.int32))
    dy = SelectV2(later("Greater")(zeros, 1), ZerosLike(dy), dy)
    there = lambda v: GatherV2(v, ids, 0)
    return Mul(there(dy), SelectV2(zero, there(prods(safe)), RealDiv(there(node.outputs[0]), safe))), *_none(node)


for _op in (SegmentMax, SegmentMin, SegmentMaxV2, SegmentMinV2):
    _op.grad(_sorted_extreme_grad)
SegmentProd.grad(_sorted_prod_grad)
SegmentProdV2.grad(_sorted_prod_grad)


def _public_sorted(made: Op, kind: str) -> Any:
    def call(data: Any, segment_ids: Any, name: str | None = None) -> Any:
        return made(data, segment_ids, name=name)

    call.__name__ = call.__qualname__ = f"segment_{kind}"
    call.__doc__ = f"The {kind} of the rows with the same id; the ids are sorted and never negative."
    return export(f"math.segment_{kind}", v1=(f"segment_{kind}",))(call)


segment_sum = _public_sorted(SegmentSum, "sum")
segment_mean = _public_sorted(SegmentMean, "mean")
segment_prod = _public_sorted(SegmentProd, "prod")
segment_max = _public_sorted(SegmentMax, "max")
segment_min = _public_sorted(SegmentMin, "min")
