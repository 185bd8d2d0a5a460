"""Ragged tensors as variants: a whole one, or one for each row."""

from typing import Any

import numpy as np

from penstock.base.errors import InvalidArgumentError
from penstock.ir.op import op


class RaggedValue:
    """The splits, outermost first, and the flat values of a ragged tensor."""

    __slots__ = ("splits", "values")

    def __init__(self, splits: Any, values: Any):
        self.splits, self.values = tuple(splits), values

    def signature(self) -> str:
        return "ragged"

    def __getstate__(self) -> Any:
        return self.splits, self.values

    def __setstate__(self, state: Any) -> None:
        self.splits, self.values = state


@op("RaggedTensorToVariant(rt_nested_splits: RAGGED_RANK*Tsplits, rt_dense_values: Tvalues, *, RAGGED_RANK: int >= 0, Tsplits: index = int64, Tvalues: type, "
    "batched_input: bool) -> encoded_ragged: variant", where="host",
    shape=lambda rt_nested_splits, rt_dense_values, *, batched_input, **_: _rows(rt_nested_splits, rt_dense_values) if batched_input else ())  # fmt: skip
def RAGGED_TENSOR_TO_VARIANT(xp, rt_nested_splits, rt_dense_values, *, batched_input):
    """A scalar variant, or one for each row."""
    splits, values = [np.asarray(s) for s in rt_nested_splits], np.asarray(rt_dense_values)
    if not batched_input:
        return RaggedValue(splits, values)
    outer = splits[0] if splits else None
    count = len(values) if outer is None else len(outer) - 1
    out = np.empty(count, object)
    for i in range(count):
        out[i] = _row(splits, values, i)
    return out


def _rows(splits: Any, values: Any) -> Any:
    dims = splits[0].shape if splits else values.shape
    return (None,) if dims is None or dims[0] is None else (dims[0] - (1 if splits else 0),)


def _row(splits: Any, values: Any, i: int) -> RaggedValue:
    if not splits:
        return RaggedValue((), values[i])
    start, stop = int(splits[0][i]), int(splits[0][i + 1])
    inner = []
    for s in splits[1:]:
        part = s[start : stop + 1]
        inner.append(part - part[0])
        start, stop = int(part[0]), int(part[-1])
    return RaggedValue(inner, values[start:stop])


@op("RaggedTensorFromVariant(encoded_ragged: variant, *, Tsplits: index = int64, Tvalues: type, input_ragged_rank: int >= -1, output_ragged_rank: int >= 0) -> "
    "(output_nested_splits: output_ragged_rank*Tsplits, output_dense_values: Tvalues)", where="host",
    shape=lambda encoded_ragged, *, output_ragged_rank, **_: ([(None,)] * output_ragged_rank, None))  # fmt: skip
def RAGGED_TENSOR_FROM_VARIANT(xp, encoded_ragged, *, Tsplits, Tvalues, input_ragged_rank, output_ragged_rank):  # noqa: N803
    """The ragged tensor of a variant, or of an array of them: its axes become the outer ones."""
    kind = Tsplits.array_dtype
    if not isinstance(encoded_ragged, np.ndarray) or encoded_ragged.ndim == 0:
        one = encoded_ragged.item() if isinstance(encoded_ragged, np.ndarray) else encoded_ragged
        if len(one.splits) != output_ragged_rank:
            raise InvalidArgumentError(None, None, f"Expected a ragged rank of {output_ragged_rank}, the variant holds {len(one.splits)}")
        return [np.asarray(s, kind) for s in one.splits], one.values
    shape = encoded_ragged.shape
    rows = encoded_ragged.reshape(-1).tolist()
    inner = output_ragged_rank - encoded_ragged.ndim if input_ragged_rank < 0 else input_ragged_rank
    splits = [np.arange(shape[a - 1] + 1 if a == 1 else int(np.prod(shape[:a])) + 1, dtype=kind) * (shape[a] if a else 1) for a in range(1, len(shape))]
    lengths = [len(r.values) if not r.splits else len(r.splits[0]) - 1 for r in rows]
    splits.append(np.concatenate([[0], np.cumsum(lengths)]).astype(kind))
    for level in range(inner):
        parts, base = [np.zeros(1, np.int64)], 0
        for r in rows:
            s = np.asarray(r.splits[level], np.int64)
            parts.append(s[1:] + base)
            base += int(s[-1])
        splits.append(np.concatenate(parts).astype(kind))
    values = np.concatenate([r.values for r in rows]) if rows else np.empty((0,), Tvalues.array_dtype)
    return splits, values


for _one in (RAGGED_TENSOR_TO_VARIANT, RAGGED_TENSOR_FROM_VARIANT):
    _one.no_grad()


__all__: list[Any] = ["RAGGED_TENSOR_FROM_VARIANT", "RAGGED_TENSOR_TO_VARIANT", "RaggedValue"]
