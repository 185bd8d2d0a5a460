"""Sparse tensors as strings: three serialised TensorProtos each."""

from typing import Any

import numpy as np

from penstock.base import dtypes
from penstock.base.dtypes import DType, as_dtype
from penstock.base.errors import InvalidArgumentError
from penstock.base.export import export
from penstock.ir.op import op
from penstock.ir.tensor_proto import array_to_proto, proto_to_array
from penstock.ops.sparse_bodies import places
from penstock.ops.sparse_tensor import SparseTensor, as_sparse

_IN = "sparse_indices: int64, sparse_values: T, sparse_shape: int64, *, T: type, out_type: {string|variant} = string"
_OUT = "(sparse_indices: int64, sparse_values: dtype, sparse_shape: int64)"


def _bytes(indices: Any, values: Any, shape: Any, dtype: DType, out_type: DType) -> list[Any]:
    if out_type is dtypes.variant:
        return [indices, values, shape]
    return [array_to_proto(indices, dtypes.int64).SerializeToString(), array_to_proto(values, dtype).SerializeToString(),
            array_to_proto(shape, dtypes.int64).SerializeToString()]  # fmt: skip


def _check(indices: Any, values: Any, shape: Any) -> None:
    for what, array, rank, kind in (("indices", indices, 2, "a matrix"), ("values", values, 1, "a vector"), ("shape", shape, 1, "a vector")):
        if array.ndim != rank:
            raise InvalidArgumentError(None, None, f"Input {what} should be {kind} but received shape {list(array.shape)}")
    if len(indices) != len(values) or indices.shape[1] != len(shape):
        raise InvalidArgumentError(None, None, f"indices {list(indices.shape)} do not fit {len(values)} values and a shape of rank {len(shape)}")


def _parts(strings: Any) -> list[np.ndarray]:
    from penstock.base.proto import tensor_pb2

    return [s if isinstance(s, np.ndarray) else proto_to_array(tensor_pb2.TensorProto.FromString(s)) for s in strings]


@op(f"SerializeSparse({_IN}) -> serialized_sparse: out_type", where="host", shape=lambda *_: (3,))
def SERIALIZE_SPARSE(xp, sparse_indices, sparse_values, sparse_shape, *, T, out_type):  # noqa: N803
    """[3] strings: the indices, the values and the shape."""
    _check(sparse_indices, sparse_values, sparse_shape)
    out = np.empty(3, object)
    for i, part in enumerate(_bytes(sparse_indices, sparse_values, sparse_shape, T, out_type)):
        out[i] = part
    return out


@op(f"SerializeManySparse({_IN}) -> serialized_sparse: out_type", where="host", shape=lambda *_: (None, 3))
def SERIALIZE_MANY_SPARSE(xp, sparse_indices, sparse_values, sparse_shape, *, T, out_type):  # noqa: N803
    """[n, 3] strings: those of each of the n slices along the first axis."""
    _check(sparse_indices, sparse_values, sparse_shape)
    if len(sparse_shape) < 2:
        raise InvalidArgumentError(None, None, f"Rank of input SparseTensor should be > 1, but saw rank: {len(sparse_shape)}")
    out = np.empty((int(sparse_shape[0]), 3), object)
    for i in range(len(out)):
        here = sparse_indices[:, 0] == i
        for j, part in enumerate(_bytes(sparse_indices[here, 1:], sparse_values[here], sparse_shape[1:], T, out_type)):
            out[i, j] = part
    return out


def _join(rows: list[list[np.ndarray]], dtype: DType) -> tuple[Any, Any, Any]:
    """The slices stacked along a new first axis, in the smallest shape that holds all of them."""
    if not rows:
        raise InvalidArgumentError(None, None, "Must have at least 1 serialized SparseTensor, has a zero dimension")
    rank = len(rows[0][2])
    for i, (_, values, shape) in enumerate(rows):
        if values.dtype != dtype.array_dtype:
            raise InvalidArgumentError(None, None, f"Requested SparseTensor of type {dtype.name} but SparseTensor[{i}].values.dtype() == {as_dtype(values.dtype).name}")
        if len(shape) != rank:
            raise InvalidArgumentError(None, None, f"Inconsistent rank across SparseTensors: rank prior to SparseTensor[{i}] was: {rank} but rank of SparseTensor[{i}] is: {len(shape)}")
    indices = np.concatenate([np.concatenate([np.full((len(r[0]), 1), i, np.int64), r[0]], 1) for i, r in enumerate(rows)])
    return indices, np.concatenate([r[1] for r in rows]), np.concatenate([[len(rows)], np.max([r[2] for r in rows], 0)]).astype(np.int64)


@op(f"DeserializeManySparse(serialized_sparse: string, *, dtype: type) -> {_OUT}", where="host", shape=lambda serialized_sparse, *, dtype: ((None, None), (None,), (None,)))
def DESERIALIZE_MANY_SPARSE(xp, serialized_sparse, *, dtype):
    """One sparse tensor of n serialised ones, stacked."""
    return _join([_parts(row) for row in serialized_sparse], dtype)


@op("DeserializeSparse(serialized_sparse: Tserialized, *, dtype: type, Tserialized: {string|variant} = string) -> " + _OUT, where="host",
    shape=lambda serialized_sparse, *, dtype: ((None, None), (None,), (None,)))  # fmt: skip
def DESERIALIZE_SPARSE(xp, serialized_sparse, *, dtype):
    """The sparse tensor of [..., 3] strings; leading axes become its own."""
    lead = serialized_sparse.shape[:-1]
    if not lead:
        indices, values, shape = _parts(serialized_sparse)
        if values.dtype != dtype.array_dtype:
            raise InvalidArgumentError(None, None, f"Requested SparseTensor of type {dtype.name} but the values are {as_dtype(values.dtype).name}")
        return indices, values, shape
    indices, values, shape = _join([_parts(row) for row in serialized_sparse.reshape(-1, 3)], dtype)
    if len(lead) > 1:
        indices = np.concatenate([np.stack(np.unravel_index(indices[:, 0], lead), 1).astype(np.int64), indices[:, 1:]], 1)
        shape = np.concatenate([np.array(lead, np.int64), shape[1:]])
    order = np.argsort(places(np, indices, shape), kind="stable")
    return indices[order], values[order], shape


for _one in (SERIALIZE_SPARSE, SERIALIZE_MANY_SPARSE, DESERIALIZE_SPARSE, DESERIALIZE_MANY_SPARSE):
    _one.no_grad()


@export(v2=("io.serialize_sparse",))
def serialize_sparse_v2(sp_input: Any, out_type: Any = dtypes.string, name: str | None = None) -> Any:
    """[3] strings that hold a SparseTensor."""
    s = as_sparse(sp_input)
    return SERIALIZE_SPARSE(s.indices, s.values, s.dense_shape, out_type=out_type, name=name)


@export(v1=("serialize_sparse", "io.serialize_sparse"))
def serialize_sparse(sp_input: Any, name: str | None = None, out_type: Any = dtypes.string) -> Any:
    """`tf.io.serialize_sparse` with the parameters of 1.x."""
    return serialize_sparse_v2(sp_input, out_type, name)


@export(v2=("io.serialize_many_sparse",))
def serialize_many_sparse_v2(sp_input: Any, out_type: Any = dtypes.string, name: str | None = None) -> Any:
    """[n, 3] strings that hold the n slices of a SparseTensor along its first axis."""
    s = as_sparse(sp_input)
    return SERIALIZE_MANY_SPARSE(s.indices, s.values, s.dense_shape, out_type=out_type, name=name)


@export(v1=("serialize_many_sparse", "io.serialize_many_sparse"))
def serialize_many_sparse(sp_input: Any, name: str | None = None, out_type: Any = dtypes.string) -> Any:
    """`tf.io.serialize_many_sparse` with the parameters of 1.x."""
    return serialize_many_sparse_v2(sp_input, out_type, name)


@export("io.deserialize_many_sparse", v1=("deserialize_many_sparse",))
def deserialize_many_sparse(serialized_sparse: Any, dtype: Any, rank: int | None = None, name: str | None = None) -> SparseTensor:
    """One SparseTensor of [n, 3] strings; its first axis is n long."""
    indices, values, shape = DESERIALIZE_MANY_SPARSE(serialized_sparse, dtype=dtype, name=name)
    if rank is not None and hasattr(indices, "op"):
        indices.set_shape([None, rank])
        shape.set_shape([rank])
    return SparseTensor(indices, values, shape)
