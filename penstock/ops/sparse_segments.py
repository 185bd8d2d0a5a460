"""Reductions over segments of gathered rows: `data[indices]` combined by segment id."""

from typing import Any

import numpy as np

from penstock.base.errors import ShapeError
from penstock.base.export import export
from penstock.ir.op import op
from penstock.ops.families import later, wide
from penstock.ops.segments import _increasing, combine

_SPARSE = "sparse_gradient: bool = False"


def _weights(xp: Any, kind: str, ids: Any, count: int, like: Any) -> Any:
    """What each row of a segment is divided by."""
    rows = xp.maximum(combine(xp, "sum", xp.ones(ids.shape, xp.int32), ids, count, 0), 1).astype(like.dtype)
    return xp.sqrt(rows) if kind == "sqrt_n" else rows


def _forward(xp: Any, kind: str, data: Any, indices: Any, ids: Any, count: int) -> Any:
    if indices.shape != ids.shape or indices.ndim != 1:
        raise ShapeError(
            f"segment_ids and indices must be vectors of one size, got {list(ids.shape)} and {list(indices.shape)}"
        )
    rows = wide(xp, data)[xp.clip(indices, 0, max(0, data.shape[0] - 1))]
    total = combine(xp, "sum", rows, ids, count, 0)
    if kind == "sum":
        return total
    return total / _weights(xp, kind, ids, count, total).reshape(-1, *(1,) * (data.ndim - 1))


def _check(xp: Any, data: Any, indices: Any, segment_ids: Any, num_segments: Any = None) -> Any:
    if not indices.size:
        return False, ""
    wrong = (indices < 0) | (indices >= data.shape[0])
    if xp is np and wrong.any():
        k = int(np.argmax(wrong))
        return True, f"Bad: indices[{k}] == {indices[k]} out of range [0, {data.shape[0]})"
    bad, message = _increasing(xp, segment_ids)
    if xp is np and not bad and num_segments is not None and segment_ids[-1] >= int(num_segments):
        return True, "segment ids must be < num_segments"
    if num_segments is not None:
        bad = bad | (segment_ids[-1] >= int(num_segments))
    return bad | xp.any(wrong), message or "indices out of range"


def _shape(data: Any, indices: Any, segment_ids: Any, num_segments: Any = None, **_: Any) -> Any:
    if data.shape is None:
        return None
    if len(data.shape) < 1:
        raise ShapeError("data must be at least a vector")
    if num_segments is not None:
        count = None if num_segments.value is None else int(num_segments.value)
    else:
        ids = segment_ids.value
        count = None if ids is None else int(ids[-1]) + 1 if ids.size else 0
    return (count, *data.shape[1:])


def _family(name: str, kind: str, types: str) -> None:
    doc = f"The {kind} of the rows data[indices] of each segment; the ids are sorted."
    ids_type = "Tsegmentids: index = int32"
    body = lambda xp, data, indices, segment_ids: _forward(
        xp, kind, data, indices, np.asarray(segment_ids), int(segment_ids[-1]) + 1 if len(segment_ids) else 0
    )
    body.__doc__ = doc
    plain = op(
        f"SparseSegment{name}(data: T, indices: Tidx, segment_ids: Tsegmentids, *, T: {types}, Tidx: index = int32, {ids_type}, {_SPARSE}) -> output: T",
        shape=_shape,
        static=("segment_ids",),
    )(body)
    counted = lambda xp, data, indices, segment_ids, num_segments: _forward(
        xp, kind, data, indices, segment_ids, max(0, int(num_segments))
    )
    counted.__doc__ = doc
    with_count = op(
        f"SparseSegment{name}WithNumSegments(data: T, indices: Tidx, segment_ids: Tsegmentids, num_segments: Tnumsegments, *, T: {types}, "
        f"Tidx: index = int32, Tnumsegments: index = int32, {ids_type}, {_SPARSE}) -> output: T",
        shape=_shape,
        static=("num_segments",),
    )(counted)
    backward = lambda xp, grad, indices, segment_ids, output_dim0: _backward(
        xp, kind, grad, indices, segment_ids, int(output_dim0)
    )
    backward.__doc__ = f"The gradient of SparseSegment{name}."
    grad = op(
        f"SparseSegment{name}Grad(grad: T, indices: Tidx, segment_ids: Tsegmentids, output_dim0: int32, *, T: real_float, Tidx: index = int32, {ids_type}) -> output: T",
        shape=lambda grad, indices, segment_ids, output_dim0: (
            None
            if grad.shape is None
            else (None if output_dim0.value is None else int(output_dim0.value), *grad.shape[1:])
        ),
        static=("output_dim0",),
    )(backward)
    v2 = lambda xp, grad, indices, segment_ids, dense_output_dim0: _backward_unique(
        kind, grad, indices, segment_ids, int(dense_output_dim0)
    )
    v2.__doc__ = f"The gradient of SparseSegment{name} for the rows that were gathered, and which those are."
    grad_v2 = op(
        f"SparseSegment{name}GradV2(grad: T, indices: Tidx, segment_ids: Tsegmentids, dense_output_dim0: int32, *, T: real_float, Tidx: index = int32, {ids_type}) "
        "-> (output: T, sorted_unique_indices: Tidx)",
        shape=lambda grad, indices, segment_ids, dense_output_dim0: (
            None if grad.shape is None else (None, *grad.shape[1:]),
            (None,),
        ),
        where="host",
    )(v2).no_grad()
    for made, key in (
        (plain, f"SparseSegment{name}"),
        (with_count, f"SparseSegment{name}WithNumSegments"),
        (grad, f"SparseSegment{name}Grad"),
        (grad_v2, f"SparseSegment{name}GradV2"),
    ):
        globals()[key] = made
    plain.check(_check)
    with_count.check(_check)

    def rule(node: Any, dy: Any) -> Any:
        data, indices, ids = node.inputs[:3]
        rows = data._dims[0] if data._dims is not None else None
        size = (
            np.int32(rows)
            if rows is not None
            else later("StridedSlice")(later("Shape")(data), [0], [1], [1], shrink_axis_mask=1)
        )
        return grad(dy, indices, ids, size), *(None,) * (len(node.inputs) - 1)

    plain.grad(rule)
    with_count.grad(rule)

    def second(node: Any, dy: Any) -> Any:
        forward, indices, ids, _ = node.inputs
        count = forward._dims[0] if forward._dims is not None else None
        size = (
            np.int32(count)
            if count is not None
            else later("StridedSlice")(later("Shape")(forward), [0], [1], [1], shrink_axis_mask=1)
        )
        return with_count(dy, indices, ids, size), None, None, None

    grad.grad(second)
    public = f"segment_{kind}"

    def call(
        data: Any,
        indices: Any,
        segment_ids: Any,
        num_segments: Any = None,
        name: str | None = None,
        sparse_gradient: bool = False,
    ) -> Any:
        return call_v1(data, indices, segment_ids, name, num_segments, sparse_gradient)

    def call_v1(
        data: Any,
        indices: Any,
        segment_ids: Any,
        name: str | None = None,
        num_segments: Any = None,
        sparse_gradient: bool = False,
    ) -> Any:
        if num_segments is None:
            return plain(data, indices, segment_ids, sparse_gradient=sparse_gradient, name=name)
        return with_count(data, indices, segment_ids, num_segments, sparse_gradient=sparse_gradient, name=name)

    for function, label, where in (
        (call, f"sparse_{public}_v2", {"v2": (f"sparse.{public}",)}),
        (call_v1, f"sparse_{public}", {"v1": (f"sparse.{public}", f"sparse_{public}")}),
    ):
        function.__name__ = function.__qualname__ = label
        function.__doc__ = doc
        globals()[label] = export(**where)(function)


def _row_gradients(xp: Any, kind: str, grad: Any, ids: Any) -> Any:
    """The gradient of each gathered row."""
    count = grad.shape[0]
    g = wide(xp, grad)
    if kind != "sum":
        g = g / _weights(xp, kind, ids, count, g).reshape(-1, *(1,) * (grad.ndim - 1))
    return g[xp.clip(ids, 0, max(0, count - 1))]


def _backward(xp: Any, kind: str, grad: Any, indices: Any, ids: Any, size: int) -> Any:
    return combine(xp, "sum", _row_gradients(xp, kind, grad, ids), indices, size, 0)


def _backward_unique(kind: str, grad: Any, indices: Any, ids: Any, size: int) -> Any:
    unique, inverse = np.unique(indices, return_inverse=True)
    return combine(np, "sum", _row_gradients(np, kind, grad, ids), inverse, len(unique), 0).astype(grad.dtype), unique


_family("Sum", "sum", "real")
_family("Mean", "mean", "real_float")
_family("SqrtN", "sqrt_n", "real_float")
