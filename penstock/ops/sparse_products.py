"""Products of dense matrices, wanted only at some places."""

from penstock.base import dtypes
from penstock.base.errors import ShapeError
from penstock.base.export import export
from penstock.ir import door
from penstock.ir.op import find
from penstock.ops.families import later

_Gather, _Mul, _Add, _Sum, _Cast = later("GatherV2"), later("Mul"), later("AddV2"), later("Sum"), later("Cast")


@export(v2=("sparse.sampled_addmm",))
def sampled_addmm(indices, values, dense_shape, mat1, mat2, beta=1.0, alpha=1.0, output_type=dtypes.float32):
    """`alpha * (mat1 @ mat2) + beta * values` at `indices` alone: (indices, values, dense_shape) of a SparseTensor, or a batch of them.

    >>> tf.sparse.sampled_addmm([[0, 1]], [1.0], [2, 2], [[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0], [7.0, 8.0]])[1].numpy().tolist()
    [23.0]
    """
    indices, mat1, mat2 = door.convert(indices), door.convert(mat1, output_type), door.convert(mat2, output_type)
    values, dense_shape = door.convert(values, output_type), door.convert(dense_shape)
    rank = mat1.shape.rank
    if rank is None or mat2.shape.rank is None or indices.shape.rank is None:
        raise ShapeError("sampled_addmm needs indices, mat1 and mat2 of known rank")
    if rank < 2 or mat2.shape.rank != rank:
        raise ShapeError(f"mat1 and mat2 must have one rank of at least 2, got shapes {mat1.shape} and {mat2.shape}")
    if mat1.shape[-1] is not None and mat2.shape[-2] is not None and mat1.shape[-1] != mat2.shape[-2]:
        raise ShapeError(f"Matrix size-incompatible: mat1: {mat1.shape}, mat2: {mat2.shape}")
    batch = rank - 2
    at = lambda k: _Gather(indices, k, indices.shape.rank - 1, batch_dims=0)
    columns = find("Transpose")(mat2, [*range(batch), rank - 1, rank - 2])
    left, right = _Gather(mat1, at(0), batch, batch_dims=batch), _Gather(columns, at(1), batch, batch_dims=batch)
    product = _Sum(_Mul(left, right), [-1], keep_dims=False)
    scaled = _Add(_Mul(door.convert(alpha, output_type), product), _Mul(door.convert(beta, output_type), values))
    return indices, scaled, dense_shape
