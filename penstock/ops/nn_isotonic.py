"""Isotonic regression: the nearest falling (or rising) sequence."""

from typing import Any

import numpy as np

from penstock.base.errors import ShapeError
from penstock.base.export import export
from penstock.base.shape import axis_of
from penstock.ir.convert import convert_to_tensor
from penstock.ir.op import op
from penstock.ir.scope import scoped
from penstock.ops.families import later


def _pooled(row: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The falling sequence nearest to a row, and the number of the block that each entry is in."""
    sums, counts = [], []
    for value in row.tolist():
        sums.append(value)
        counts.append(1)
        while len(sums) > 1 and sums[-2] * counts[-1] <= sums[-1] * counts[-2]:
            total, count = sums.pop(), counts.pop()
            sums[-1] += total
            counts[-1] += count
    blocks = np.repeat(np.arange(len(counts)), counts)
    return np.repeat(np.array(sums, np.float64) / np.array(counts), counts), blocks


def _at_least_one(input: Any, **_: Any) -> Any:
    if input.shape is not None and not input.shape:
        raise ShapeError("input must be at least rank 1 but is rank 0")
    return input.shape, input.shape


@op("IsotonicRegression(input: T, *, T: real, output_dtype: real_float = float32) -> (output: output_dtype, segments: int32)",
    where="host", shape=_at_least_one)  # fmt: skip
def IsotonicRegression(xp, input):
    """For each row the nearest falling sequence, and the blocks of equal entries."""
    rows = np.asarray(input).reshape(-1, input.shape[-1])
    out, segments = np.empty(rows.shape, np.float64), np.empty(rows.shape, np.int32)
    for n, row in enumerate(rows):
        out[n], segments[n] = _pooled(row.astype(np.float64))
    return out.reshape(input.shape), segments.reshape(input.shape)


@IsotonicRegression.grad
def _(node: Any, dy: Any, _: Any = None) -> Any:
    """Each block's mean of dy: the blocks of one row, told apart by its number."""
    segments = node.outputs[1]
    same = later("Cast")(
        later("Equal")(later("ExpandDims")(segments, -1), later("ExpandDims")(segments, -2)), DstT=dy.dtype.base_dtype
    )
    total = later("Sum")(same * later("ExpandDims")(dy, -2), -1)
    return later("Cast")(total / later("Sum")(same, -1), DstT=node.inputs[0].dtype.base_dtype)


@export(v2=("nn.isotonic_regression",))
def isotonic_regression(inputs: Any, decreasing: bool = True, axis: int = -1) -> Any:
    """(the nearest sequence that falls, or rises, along `axis`; the blocks of equal entries).

    >>> tf.nn.isotonic_regression([3.0, 1.0, 2.0])[0].numpy()
    array([3. , 1.5, 1.5], dtype=float32)
    """
    with scoped(None, "isotonic_regression"):
        inputs = convert_to_tensor(inputs)
        if inputs._dims is None:
            raise ValueError("isotonic_regression needs inputs of known rank")
        rank = len(inputs._dims)
        axis = axis_of(axis, rank)
        order = [a for a in range(rank) if a != axis] + [axis]
        moved = inputs if axis == rank - 1 else later("Transpose")(inputs, order)
        dtype = inputs.dtype.base_dtype
        kind = (
            dtype.name
            if dtype.is_floating
            else "float64"
            if dtype.name in ("int32", "int64", "uint32", "uint64")
            else "float32"
        )
        out, segments = IsotonicRegression(moved if decreasing else -moved, output_dtype=kind)
        out = out if decreasing else -out
        if axis != rank - 1:
            back = np.argsort(order).tolist()
            out, segments = later("Transpose")(out, back), later("Transpose")(segments, back)
        return out, segments
