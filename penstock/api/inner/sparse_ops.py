"""`tensorflow.python.ops.sparse_ops`: functions whose parameters are not those of the public names."""

from penstock.base import dtypes
from penstock.ir import door
from penstock.ir.op import find
from penstock.ir.scope import scoped
from penstock.ops.sparse_tensor import SparseTensor


def sparse_dense_cwise_add(sp_t, dense_t):
    """`sp_t` with the values of `dense_t`, broadcast, added at its indices."""
    with scoped(None, "SparseDenseCwiseAdd"):
        dense = door.convert(dense_t, sp_t.dtype)
        values = find("SparseDenseCwiseAdd")(sp_t.indices, sp_t.values, sp_t.dense_shape, dense)
        return SparseTensor(sp_t.indices, values, sp_t.dense_shape)


def deserialize_sparse(serialized_sparse, dtype, rank=None, name=None):
    """The SparseTensor of serialised ones; a batch of them gets further axes in front."""
    indices, values, shape = find("DeserializeSparse")(door.convert(serialized_sparse, dtypes.string), dtype=dtype, name=name)
    return SparseTensor(indices, values, shape)
