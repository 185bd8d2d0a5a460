"""Crosses of features: `tf.sparse.cross`, `tf.ragged.cross` and their hashed forms."""

from typing import Any

import numpy as np

from penstock.base import dtypes
from penstock.base.export import export
from penstock.ir.convert import convert_to_tensor
from penstock.ir.op import find, op
from penstock.ir.tensor import Tensor
from penstock.ops.parsing import bad, positions
from penstock.ops.ragged_tensor import RaggedTensor
from penstock.ops.sparse_tensor import SparseTensor, is_sparse
from penstock.ops.string_hash import fingerprint64

_KEY = 0xDECAFCAFFE
_MUL = np.uint64(0xC6A4A7935BD1E995)
_TWO = "{int64|string}"


def join_fingerprints(a: Any, b: Any) -> Any:
    """FarmHash's fingerprint of two fingerprints (uint64 arrays)."""
    mix = lambda v: v ^ (v >> np.uint64(47))
    with np.errstate(over="ignore"):
        made = a ^ _MUL
        made = (made ^ (mix(b * _MUL) * _MUL)) * _MUL
        return mix(mix(made) * _MUL)


class _Column:
    """The values of one feature, row after row."""

    def __init__(self, values: np.ndarray, counts: np.ndarray):
        self.values, self.counts = values, counts
        self.starts = np.cumsum(counts) - counts

    @classmethod
    def of_sparse(cls, indices: np.ndarray, values: np.ndarray, shape: np.ndarray) -> "_Column":
        return cls(values, np.bincount(indices[:, 0], minlength=int(shape[0])).astype(np.int64))

    @classmethod
    def of_dense(cls, values: np.ndarray) -> "_Column":
        return cls(values.reshape(-1), np.full(values.shape[0], values.shape[1], np.int64))

    def hashes(self) -> np.ndarray:
        if self.values.dtype == object:
            return np.array([fingerprint64(v) for v in self.values.tolist()], np.uint64)
        return self.values.astype(np.int64).view(np.uint64)

    def texts(self) -> list[bytes]:
        return self.values.tolist() if self.values.dtype == object else [b"%d" % v for v in self.values.tolist()]


def _check(indices: Any, values: Any, shapes: Any, dense: Any) -> int:
    rows = int(shapes[0][0]) if len(shapes) else int(dense[0].shape[0]) if len(dense) else 0
    for i, (index, value, shape) in enumerate(zip(indices, values, shapes)):
        if index.ndim != 2:
            raise bad(f"Input indices should be a matrix but received shape {list(index.shape)} at position {i}")
        if index.shape[1] != 2:
            raise bad(f"Expected D2 of index to be 2 got {index.shape[1]} at position {i}")
        if value.ndim != 1 or len(value) != len(index):
            raise bad(f"Expected size of values to be {len(index)} got {value.size} at position {i}")
        if shape.shape != (2,):
            raise bad(f"Expected shape of shapes to be [2] got {list(shape.shape)} at position {i}")
        if int(shape[0]) != rows:
            raise bad(f"Expected batch size {rows} got {int(shape[0])} at position {i}")
        if len(index) and (index[:, 0].min() < 0 or index[:, 0].max() >= rows):
            raise bad(f"Expected indices of position {i} to be within the batch size {rows}")
    for i, one in enumerate(dense):
        if one.ndim != 2:
            raise bad(f"Dense inputs should be a matrix but received shape {list(one.shape)} at position {i}")
        if one.shape[0] != rows:
            raise bad(f"Expected batch size {rows} got {one.shape[0]} at dense tensor {i}")
    return rows


def _cross(columns: list[_Column], rows: int, hashed: bool, buckets: int, key: int, separator: bytes) -> tuple[np.ndarray, np.ndarray]:
    """(values, how many each row has) of all combinations; the last column goes fastest."""
    totals = np.ones(rows, np.int64)
    for c in columns:
        totals = totals * c.counts
    row, rest = np.repeat(np.arange(rows), totals), positions(totals)
    picked = []
    for c in reversed(columns):
        count = c.counts[row]
        picked.append(c.starts[row] + rest % count)
        rest = rest // count
    picked.reverse()
    if hashed:
        made = np.full(len(row), key % 2**64, np.uint64)
        for c, at in zip(columns, picked):
            made = join_fingerprints(made, c.hashes()[at])
        return (made % np.uint64(buckets if buckets > 0 else 2**63 - 1)).astype(np.int64), totals
    parts = [[texts[i] for i in at.tolist()] for texts, at in ((c.texts(), at) for c, at in zip(columns, picked))]
    values = np.empty(len(row), object)
    values[:] = [separator.join(p) for p in zip(*parts)]
    return values, totals


def _sparse(values: np.ndarray, totals: np.ndarray) -> tuple[Any, Any, Any]:
    rows = np.repeat(np.arange(len(totals)), totals)
    return np.stack([rows, positions(totals)], 1), values, np.array([len(totals), totals.max() if len(totals) else 0], np.int64)


_IN = "indices: N*int64, values: sparse_types, shapes: N*int64, dense_inputs: dense_types"
_SHAPES = ((None, 2), (None,), (2,))


@op(f"SparseCross({_IN}, *, N: int >= 0, dense_types: list({_TWO}) >= 0, hash_key: int, hashed_output: bool, internal_type: {_TWO}, num_buckets: int >= 0, "
    f"out_type: {_TWO}, sparse_types: list({_TWO}) >= 0) -> (output_indices: int64, output_values: out_type, output_shape: int64)", where="host",
    shape=lambda *_: _SHAPES)  # fmt: skip
def sparse_cross_op(xp, indices, values, shapes, dense_inputs, *, hash_key, hashed_output, num_buckets):
    """All combinations of the features of each row, hashed or joined by `_X_`."""
    rows = _check(indices, values, shapes, dense_inputs)
    columns = [*map(_Column.of_sparse, indices, values, shapes), *map(_Column.of_dense, dense_inputs)]
    return _sparse(*_cross(columns, rows, hashed_output, num_buckets, hash_key, b"_X_"))


@op(f"SparseCrossV2({_IN}, sep: string, *, N: int >= 0, dense_types: list({_TWO}) >= 0, sparse_types: list({_TWO}) >= 0) -> (output_indices: int64, "
    "output_values: string, output_shape: int64)", where="host", shape=lambda *_: _SHAPES)  # fmt: skip
def sparse_cross_v2(xp, indices, values, shapes, dense_inputs, sep):
    """All combinations of the features of each row, joined by a separator."""
    rows = _check(indices, values, shapes, dense_inputs)
    columns = [*map(_Column.of_sparse, indices, values, shapes), *map(_Column.of_dense, dense_inputs)]
    return _sparse(*_cross(columns, rows, False, 0, 0, sep.item()))


@op("RaggedCross(ragged_values: ragged_values_types, ragged_row_splits: ragged_splits_types, sparse_indices: Nsparse*int64, sparse_values: sparse_values_types, "
    f"sparse_shape: Nsparse*int64, dense_inputs: dense_types, *, Nsparse: int >= 0, dense_types: list({_TWO}) >= 0, hash_key: int, hashed_output: bool, "
    f"input_order: str, num_buckets: int >= 0, out_row_splits_type: index, out_values_type: {_TWO}, ragged_splits_types: list(index) >= 0, "
    f"ragged_values_types: list({_TWO}) >= 0, sparse_values_types: list({_TWO}) >= 0) -> (output_values: out_values_type, "
    "output_row_splits: out_row_splits_type)", where="host", shape=lambda *_: ((None,), (None,)))  # fmt: skip
def ragged_cross_op(
    xp, ragged_values, ragged_row_splits, sparse_indices, sparse_values, sparse_shape, dense_inputs, *, hash_key, hashed_output, input_order, num_buckets,
    out_row_splits_type,
):  # fmt: skip
    """All combinations of the features of each row, in the order R(agged), S(parse), D(ense) that is given."""
    rows = _check(sparse_indices, sparse_values, sparse_shape, dense_inputs) if len(sparse_indices) or len(dense_inputs) else len(ragged_row_splits[0]) - 1
    for i, splits in enumerate(ragged_row_splits):
        if len(splits) - 1 != rows:
            raise bad(f"Expected batch size {rows} got {len(splits) - 1} at ragged tensor {i}")
    kinds = {
        "R": iter([_Column(v, np.diff(s).astype(np.int64)) for v, s in zip(ragged_values, ragged_row_splits)]),
        "S": iter([_Column.of_sparse(*s) for s in zip(sparse_indices, sparse_values, sparse_shape)]), "D": iter([_Column.of_dense(d) for d in dense_inputs]),
    }  # fmt: skip
    values, totals = _cross([next(kinds[k]) for k in input_order], rows, hashed_output, num_buckets, hash_key, b"_X_")
    return values, np.concatenate([[0], np.cumsum(totals)]).astype(out_row_splits_type.array_dtype)


for _one in (sparse_cross_op, sparse_cross_v2, ragged_cross_op):
    _one.no_grad()


# -- functions ---------------------------------------------------------------------------------------------------------
def _sorted_inputs(inputs: Any) -> tuple[list[Any], list[Any]]:
    if not isinstance(inputs, (tuple, list)):
        raise TypeError("Inputs must be a list")
    if not all(is_sparse(i) or isinstance(i, Tensor) for i in inputs):
        inputs = [i if is_sparse(i) else convert_to_tensor(i) for i in inputs]
    sparse = [i if isinstance(i, SparseTensor) else SparseTensor.from_value(i) for i in inputs if is_sparse(i)]
    return sparse, [i for i in inputs if not is_sparse(i)]


def _whole(x: Any) -> Any:
    return x if x.dtype.base_dtype in (dtypes.string, dtypes.int64) else find("Cast")(x, DstT=dtypes.int64)


def _cross_hashed(inputs: Any, buckets: int, key: int | None, name: str | None) -> SparseTensor:
    sparse, dense = _sorted_inputs(inputs)
    values, dense = [_whole(s.values) for s in sparse], [_whole(d) for d in dense]
    return SparseTensor(*sparse_cross_op(
        [s.indices for s in sparse], values, [s.dense_shape for s in sparse], dense, hashed_output=True, num_buckets=buckets, hash_key=_KEY if key is None else key,
        out_type=dtypes.int64, internal_type=dtypes.int64, name=name,
    ))  # fmt: skip


@export("sparse.cross")
def sparse_cross(inputs: Any, name: str | None = None, separator: str | None = None) -> SparseTensor:
    """A SparseTensor of all combinations of the strings of each row, joined by `separator` (`_X_`).

    >>> tf.sparse.to_dense(tf.sparse.cross([tf.constant([["a", "b"]]), tf.constant([["x"]])]), "").numpy().tolist()
    [[b'a_X_x', b'b_X_x']]
    """
    sparse, dense = _sorted_inputs(inputs)
    sep = convert_to_tensor("_X_" if separator is None else separator, dtypes.string)
    values, dense = [_whole(s.values) for s in sparse], [_whole(d) for d in dense]
    return SparseTensor(*sparse_cross_v2([s.indices for s in sparse], values, [s.dense_shape for s in sparse], dense, sep, name=name))


@export("sparse.cross_hashed")
def sparse_cross_hashed(inputs: Any, num_buckets: int = 0, hash_key: int | None = None, name: str | None = None) -> SparseTensor:
    """A SparseTensor of the hashes of all combinations of the features of each row, modulo num_buckets."""
    return _cross_hashed(inputs, num_buckets, hash_key, name)


def _ragged_cross(inputs: Any, hashed: bool, buckets: int, key: int | None, name: str | None) -> Any:
    if not isinstance(inputs, (tuple, list)):
        raise ValueError("Inputs must be a list")
    if not inputs:
        raise ValueError("inputs must be non-empty")
    ragged, sparse, dense, order = [], [], [], ""
    for i in inputs:
        if isinstance(i, RaggedTensor):
            if i.ragged_rank != 1:
                raise ValueError(f"tf.ragged.cross only supports inputs with rank=2, got ragged_rank={i.ragged_rank}")
            ragged.append(i)
            order += "R"
        elif is_sparse(i):
            sparse.append(SparseTensor.from_value(i))
            order += "S"
        else:
            dense.append(convert_to_tensor(i))
            order += "D"
    splits = dtypes.int32 if any(r.row_splits.dtype is dtypes.int32 for r in ragged) and not any(r.row_splits.dtype is dtypes.int64 for r in ragged) else dtypes.int64
    values, made = ragged_cross_op(
        [_whole(r.flat_values) for r in ragged], [r.row_splits for r in ragged], [s.indices for s in sparse], [_whole(s.values) for s in sparse],
        [s.dense_shape for s in sparse], [_whole(d) for d in dense], input_order=order, hashed_output=hashed, num_buckets=buckets,
        hash_key=_KEY if not key else key, out_values_type=dtypes.int64 if hashed else dtypes.string, out_row_splits_type=splits, name=name,
    )  # fmt: skip
    return RaggedTensor.from_row_splits(values, made, validate=False)


@export("ragged.cross")
def ragged_cross(inputs: Any, name: str | None = None) -> Any:
    """A RaggedTensor of all combinations of the strings of each row, joined by `_X_`.

    >>> tf.ragged.cross([tf.ragged.constant([["a"], ["b", "c"]]), tf.ragged.constant([["d"], ["e"]])]).to_list()
    [[b'a_X_d'], [b'b_X_e', b'c_X_e']]
    """
    return _ragged_cross(inputs, False, 0, None, name)


@export("ragged.cross_hashed")
def ragged_cross_hashed(inputs: Any, num_buckets: int = 0, hash_key: int | None = None, name: str | None = None) -> Any:
    """A RaggedTensor of the hashes of all combinations of the features of each row, modulo num_buckets."""
    return _ragged_cross(inputs, True, num_buckets, hash_key, name)
