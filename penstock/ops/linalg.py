"""Linear algebra: the public functions over the factorisations."""

from typing import Any

import numpy as np

from penstock.base import dtypes
from penstock.base.errors import ShapeError
from penstock.base.export import Old, export
from penstock.ir import door
from penstock.ir.op import op
from penstock.ir.scope import scoped
from penstock.ops import decompositions as ops
from penstock.ops.diagonals import MatrixBandPart, matrix_diag, matrix_diag_part, matrix_set_diag
from penstock.ops.families import conj, later
from penstock.ops.matmul import matmul
from penstock.ops.reduce import reduce_max, reduce_sum

Mul, Sub, Sqrt, RealDiv, Abs, Cast, ExpandDims, Squeeze = (
    later(n) for n in ("Mul", "Sub", "Sqrt", "RealDiv", "Abs", "Cast", "ExpandDims", "Squeeze")
)
SelectV2, Greater, ZerosLike, GatherV2, Maximum = (
    later(n) for n in ("SelectV2", "Greater", "ZerosLike", "GatherV2", "Maximum")
)


# -- one op each -------------------------------------------------------------------------------------------------------
@export("linalg.cholesky", v1=("cholesky",))
def cholesky(input: Any, name: str | None = None) -> Any:  # noqa: A002
    """The lower triangular L with L @ adjoint(L) = input, for positive definite matrices.

    >>> tf.linalg.cholesky([[4., 0.], [0., 9.]]).numpy().tolist()
    [[2.0, 0.0], [0.0, 3.0]]
    """
    return ops.Cholesky(input, name=name)


@export("linalg.det", v1=("matrix_determinant",))
def det(input: Any, name: str | None = None) -> Any:  # noqa: A002
    """The determinant of each matrix."""
    return ops.MatrixDeterminant(input, name=name)


@export("linalg.slogdet")
def slogdet(input: Any, name: str | None = None) -> Any:  # noqa: A002
    """The sign of each determinant and the logarithm of its magnitude."""
    return ops.LogMatrixDeterminant(input, name=name)


@export("linalg.inv", v1=("matrix_inverse",))
def inv(input: Any, adjoint: bool = False, name: str | None = None) -> Any:  # noqa: A002
    """The inverse of each matrix (of its adjoint, if asked).

    >>> tf.linalg.inv([[2., 0.], [0., 4.]]).numpy().tolist()
    [[0.5, 0.0], [0.0, 0.25]]
    """
    return ops.MatrixInverse(input, adjoint=adjoint, name=name)


@export("linalg.solve", v1=("matrix_solve",))
def solve(matrix: Any, rhs: Any, adjoint: bool = False, name: str | None = None) -> Any:
    """X with matrix @ X = rhs (with the adjoint of matrix, if asked).

    >>> tf.linalg.solve([[2., 0.], [0., 4.]], [[2.], [4.]]).numpy().tolist()
    [[1.0], [1.0]]
    """
    return ops.MatrixSolve(matrix, rhs, adjoint=adjoint, name=name)


@export("linalg.lu")
def lu(input: Any, output_idx_type: Any = dtypes.int32, name: str | None = None) -> Any:  # noqa: A002
    """L and U packed in one matrix, and the permutation of the rows."""
    return ops.Lu(input, output_idx_type=output_idx_type, name=name)


@export("linalg.qr", v1=("qr",))
def qr(input: Any, full_matrices: bool = False, name: str | None = None) -> Any:  # noqa: A002
    """Orthonormal q and upper triangular r with q @ r = input."""
    return ops.Qr(input, full_matrices=full_matrices, name=name)


@export("linalg.sqrtm", "matrix_square_root")
def sqrtm(input: Any, name: str | None = None) -> Any:  # noqa: A002
    """The principal square root of each matrix."""
    return ops.MatrixSquareRoot(input, name=name)


@export("linalg.logm")
def logm(input: Any, name: str | None = None) -> Any:  # noqa: A002
    """The principal logarithm of each complex matrix."""
    return ops.MatrixLogarithm(input, name=name)


@export("linalg.expm")
def expm(input: Any, name: str | None = None) -> Any:  # noqa: A002
    """The exponential of each matrix.

    >>> tf.linalg.expm([[0., 0.], [0., 0.]]).numpy().tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    return ops.MatrixExponential(input, name=name or "matrix_exponential")


@export(v2=("linalg.eig", "eig"))
def eig(tensor: Any, name: str | None = None) -> Any:
    """The eigenvalues and right eigenvectors of square matrices, as complex numbers."""
    tensor = door.convert(tensor)
    return ops.Eig(tensor, Tout=_complex_of(tensor), compute_v=True, name=name)


@export(v2=("linalg.eigvals", "eigvals"))
def eigvals(tensor: Any, name: str | None = None) -> Any:
    """The eigenvalues of square matrices, as complex numbers."""
    tensor = door.convert(tensor)
    return ops.Eig(tensor, Tout=_complex_of(tensor), compute_v=False, name=name)[0]


def _complex_of(x: Any) -> Any:
    return dtypes.complex64 if x.dtype in (dtypes.float32, dtypes.complex64) else dtypes.complex128


@export("linalg.eigh", v1=("self_adjoint_eig",))
def eigh(tensor: Any, name: str | None = None) -> Any:
    """The eigenvalues, ascending, and eigenvectors of self-adjoint matrices; only the lower triangle is read."""
    return ops.SelfAdjointEigV2(tensor, compute_v=True, name=name)


@export("linalg.eigvalsh", v1=("self_adjoint_eigvals",))
def eigvalsh(tensor: Any, name: str | None = None) -> Any:
    """The eigenvalues, ascending, of self-adjoint matrices.

    >>> tf.linalg.eigvalsh([[2., 0.], [0., 1.]]).numpy().tolist()
    [1.0, 2.0]
    """
    return ops.SelfAdjointEigV2(tensor, compute_v=False, name=name)[0]


@export("linalg.svd", v1=("svd",))
def svd(tensor: Any, full_matrices: bool = False, compute_uv: bool = True, name: str | None = None) -> Any:
    """Singular values s, descending, and u, v with u @ diag(s) @ adjoint(v) = tensor; only s without `compute_uv`."""
    s, u, v = ops.Svd(tensor, compute_uv=compute_uv, full_matrices=full_matrices, name=name)
    return (_real(s), u, v) if compute_uv else _real(s)


def _real(x: Any) -> Any:
    return later("Real")(x, Tout=x.dtype.real_dtype) if x.dtype.is_complex else x


# -- solvers built on them -----------------------------------------------------------------------------------------------
@export("linalg.triangular_solve", v1=("matrix_triangular_solve",))
def triangular_solve(matrix: Any, rhs: Any, lower: bool = True, adjoint: bool = False, name: str | None = None) -> Any:
    """X with matrix @ X = rhs for triangular matrices.

    >>> tf.linalg.triangular_solve([[2., 0.], [1., 1.]], [[2.], [3.]]).numpy().tolist()
    [[1.0], [2.0]]
    """
    with scoped(name, "triangular_solve"):
        return ops.MatrixTriangularSolve(matrix, rhs, lower=lower, adjoint=adjoint)


@export("linalg.cholesky_solve", v1=("cholesky_solve",))
def cholesky_solve(chol: Any, rhs: Any, name: str | None = None) -> Any:
    """X with A @ X = rhs, given the Cholesky factor of A."""
    with scoped(name, "cholesky_solve"):
        y = ops.MatrixTriangularSolve(chol, rhs, adjoint=False, lower=True)
        return ops.MatrixTriangularSolve(chol, y, adjoint=True, lower=True)


@export("linalg.lstsq", v1=("matrix_solve_ls",))
def lstsq(matrix: Any, rhs: Any, l2_regularizer: Any = 0.0, fast: bool = True, name: str | None = None) -> Any:
    """X that minimises |matrix @ X - rhs|^2 + l2_regularizer |X|^2; `fast`: by the normal equations."""
    if not fast:
        if l2_regularizer != 0:
            raise ValueError("l2_regularizer must be zero if fast=False.")
        return ops.MatrixSolveLs(matrix, rhs, np.float64(0.0), fast=fast, name=name)
    with scoped(name, "matrix_solve_ls"):
        matrix = door.convert(matrix, None, "matrix")
        rhs = door.convert(rhs, matrix.dtype.base_dtype, "rhs")
        dims = matrix._dims
        if dims is None or dims[-1] is None or dims[-2] is None:
            return ops.MatrixSolveLs(matrix, rhs, np.float64(l2_regularizer), fast=True)
        m, n = dims[-2], dims[-1]
        tall = m >= n
        small = matmul(matrix, matrix, adjoint_a=tall, adjoint_b=not tall)
        if l2_regularizer != 0:
            eye = np.eye(min(m, n), dtype=matrix.dtype.array_dtype) * np.asarray(
                l2_regularizer, matrix.dtype.array_dtype
            )
            small = later("AddV2")(small, eye)
        chol = ops.Cholesky(small)
        if tall:
            return cholesky_solve(chol, matmul(matrix, rhs, adjoint_a=True))
        return matmul(matrix, cholesky_solve(chol, rhs), adjoint_a=True)


@export("linalg.logdet")
def logdet(matrix: Any, name: str | None = None) -> Any:
    """The logarithm of the determinant of each positive definite matrix."""
    with scoped(name, "logdet"):
        chol = ops.Cholesky(matrix)
        return Mul(2.0, reduce_sum(later("Log")(_real(matrix_diag_part(chol))), [-1]), name="mul")


@export("linalg.pinv")
def pinv(a: Any, rcond: Any = None, validate_args: bool = False, name: str | None = None) -> Any:
    """The Moore-Penrose pseudo-inverse; singular values up to `rcond` times the largest count as zero.

    >>> tf.linalg.pinv([[2., 0.], [0., 0.]]).numpy().tolist()
    [[0.5, 0.0], [0.0, 0.0]]
    """
    with scoped(name, "pinv"):
        a = door.convert(a, None, "a")
        if not (a.dtype.is_floating or a.dtype.is_complex):
            raise TypeError(f"Input `a` must have floating dtype. Got: {a.dtype.name}")
        if a._dims is not None and len(a._dims) < 2:
            raise ValueError(f"Input `a` must have at least 2 dimensions. Received rank: {len(a._dims)}")
        real = a.dtype.real_dtype
        if rcond is None:
            side = max(d for d in a._dims[-2:]) if a._dims is not None and None not in a._dims[-2:] else None
            eps = float(np.finfo(real.array_dtype).eps)
            if side is not None:
                rcond = np.asarray(10.0 * side * eps, real.array_dtype)
            else:
                last = later("StridedSlice")(later("Shape")(a), [-2], [0], [1], end_mask=1)
                rcond = Mul(Cast(reduce_max(last), DstT=real), np.asarray(10.0 * eps, real.array_dtype))
        rcond = door.convert(rcond, real, "rcond")
        s, u, v = svd(a, full_matrices=False, compute_uv=True)
        cutoff = Mul(rcond, reduce_max(s, axis=-1))
        s = SelectV2(Greater(s, ExpandDims(cutoff, -1)), s, np.asarray(np.inf, real.array_dtype))
        scaled = RealDiv(v, ExpandDims(s if s.dtype is v.dtype else Cast(s, DstT=v.dtype), -2))
        return matmul(scaled, u, adjoint_b=True)


@export("linalg.matrix_rank")
def matrix_rank(a: Any, tol: Any = None, validate_args: bool = False, name: str | None = None) -> Any:
    """How many singular values of each matrix are above `tol` (by default: rounding times the largest).

    >>> tf.linalg.matrix_rank([[1., 0.], [0., 0.]]).numpy().item()
    1
    """
    with scoped(name, "matrix_rank"):
        a = door.convert(a, None, "a")
        if not (a.dtype.is_floating or a.dtype.is_complex):
            raise TypeError(f"Input `a` must have floating dtype. Got: {a.dtype.name}")
        s = svd(a, compute_uv=False)
        if tol is None:
            side = later("Shape")(a)
            last = reduce_max(later("StridedSlice")(side, [-2], [0], [1], end_mask=1))
            eps = np.asarray(np.finfo(s.dtype.array_dtype).eps, s.dtype.array_dtype)
            tol = Mul(Mul(eps, Cast(last, DstT=s.dtype)), reduce_max(s, axis=-1, keepdims=True))
        return reduce_sum(Cast(Greater(s, tol), DstT=dtypes.int32), axis=-1)


# -- LU --------------------------------------------------------------------------------------------------------------
def _halves(lower_upper: Any) -> tuple[Any, Any]:
    lower = matrix_set_diag(MatrixBandPart(lower_upper, -1, 0), later("OnesLike")(matrix_diag_part(lower_upper)))
    return lower, MatrixBandPart(lower_upper, 0, -1)


def _gather_rows(x: Any, perm: Any) -> Any:
    """x with its rows in the order of perm, batch by batch."""
    batch = len(perm._dims) - 1 if perm._dims is not None else 0
    return GatherV2(x, perm, -2 if batch == 0 else len(x._dims) - 2, batch_dims=batch)


def _inverse_permutation(perm: Any) -> Any:
    if perm._dims is not None and len(perm._dims) == 1:
        return later("InvertPermutation")(perm)
    return Cast(
        later("TopKV2")(later("Neg")(Cast(perm, DstT=dtypes.int32)), np.int32(perm._dims[-1]))[1], DstT=perm.dtype
    )


@export("linalg.lu_solve")
def lu_solve(lower_upper: Any, perm: Any, rhs: Any, validate_args: bool = False, name: str | None = None) -> Any:
    """X with A @ X = rhs, given `tf.linalg.lu(A)`."""
    with scoped(name, "lu_solve"):
        lower_upper, perm = door.convert(lower_upper, None, "lower_upper"), door.convert(perm, dtypes.int32, "perm")
        rhs = door.convert(rhs, lower_upper.dtype.base_dtype, "rhs")
        if rhs._dims is not None and len(rhs._dims) < 2:
            raise ValueError(f"Input `rhs` must have at least 2 dimensions. Received rank: {len(rhs._dims)}")
        lower, upper = _halves(lower_upper)
        return ops.MatrixTriangularSolve(upper, ops.MatrixTriangularSolve(lower, _gather_rows(rhs, perm)), lower=False)


@export("linalg.lu_reconstruct")
def lu_reconstruct(lower_upper: Any, perm: Any, validate_args: bool = False, name: str | None = None) -> Any:
    """A, given `tf.linalg.lu(A)`."""
    with scoped(name, "lu_reconstruct"):
        lower_upper, perm = door.convert(lower_upper, None, "lower_upper"), door.convert(perm, dtypes.int32, "perm")
        lower, upper = _halves(lower_upper)
        return _gather_rows(matmul(lower, upper), _inverse_permutation(perm))


@export("linalg.lu_matrix_inverse")
def lu_matrix_inverse(lower_upper: Any, perm: Any, validate_args: bool = False, name: str | None = None) -> Any:
    """The inverse of A, given `tf.linalg.lu(A)`."""
    with scoped(name, "lu_matrix_inverse"):
        lower_upper = door.convert(lower_upper, None, "lower_upper")
        ones = later("OnesLike")(matrix_diag_part(lower_upper))
        return lu_solve(lower_upper, perm, matrix_diag(ones), validate_args)


# -- norms -------------------------------------------------------------------------------------------------------------
@export(
    "norm",
    "linalg.norm",
    old=Old("tensor, ord='euclidean', axis=None, keepdims=None, name=None, keep_dims=None", keep_dims="keepdims"),
)
def norm(tensor: Any, ord: Any = "euclidean", axis: Any = None, keepdims: Any = None, name: str | None = None) -> Any:  # noqa: A002
    """The norm of vectors (along one axis, or of all elements) or of matrices (two axes).

    >>> tf.norm([3., 4.]).numpy().item()
    5.0
    """
    matrix = isinstance(axis, (tuple, list)) and len(axis) == 2
    if matrix:
        axis = tuple(axis)
        if not all(isinstance(a, (int, np.integer)) for a in axis):
            raise ValueError(f"'axis' must be None, an integer, or a tuple of 2 unique integers, got {axis}")
        if axis[0] == axis[1]:
            raise ValueError(f"'axis' must be None, an integer, or a tuple of 2 unique integers, got {axis}")
        supported = ["euclidean", "fro", np.inf, 1, 2]
        if ord not in supported:
            raise ValueError(f"'ord' must be a supported matrix norm in {supported}, got {ord}")
    else:
        if not (axis is None or isinstance(axis, (int, np.integer))):
            raise ValueError(f"'axis' must be None, an integer, or a tuple of 2 unique integers, got {axis}")
        supported = ["euclidean", 1, 2, np.inf]
        if (
            (isinstance(ord, str) and ord != "euclidean")
            or (not isinstance(ord, str) and not np.isreal(ord))
            or (not isinstance(ord, str) and ord <= 0)
        ):
            raise ValueError(f"'ord' must be a supported vector norm, got {ord}")
    with scoped(name, "norm"):
        tensor = door.convert(tensor)
        if ord in ("fro", "euclidean", 2) and not (matrix and ord == 2):
            if matrix:
                axis = list(axis)
            value = Sqrt(reduce_sum(Mul(tensor, conj(tensor), name="mul"), axis, keepdims=True))
        else:
            size = _magnitude(tensor)
            if matrix and ord == 2:
                rank = tensor.shape.rank
                if rank is None:
                    raise ValueError("the matrix norm of order 2 needs the rank of its tensor to be known")
                axes = [a % rank for a in axis]
                perm = [d for d in range(rank) if d not in axes] + axes
                s = svd(later("Transpose")(tensor, np.array(perm, np.int32)), compute_uv=False)
                top = reduce_max(s, axis=-1, keepdims=True)
                value = ExpandDims(top, -1)
                back = np.argsort(perm).astype(np.int32)
                value = later("Transpose")(value, back)
            elif ord == 1:
                value = reduce_sum(size, axis if not matrix else axis[0], keepdims=True)
                value = value if not matrix else reduce_max(value, axis[1], keepdims=True)
            elif ord == np.inf:
                value = (
                    reduce_max(size, axis, keepdims=True)
                    if not matrix
                    else reduce_max(reduce_sum(size, axis[1], keepdims=True), axis[0], keepdims=True)
                )
            else:
                value = later("Pow")(reduce_sum(later("Pow")(size, float(ord)), axis, keepdims=True), 1.0 / ord)
        if not keepdims:
            drop = [] if axis is None else [int(a) for a in (axis if isinstance(axis, (tuple, list)) else [axis])]
            if axis is None and value._dims is None:
                return later("Reshape")(value, np.zeros(0, np.int32))
            value = Squeeze(value, squeeze_dims=drop)
        return value


def _magnitude(x: Any) -> Any:
    return later("ComplexAbs")(x, Tout=x.dtype.real_dtype) if x.dtype.is_complex else Abs(x)


@export("linalg.normalize")
def normalize(tensor: Any, ord: Any = "euclidean", axis: Any = None, name: str | None = None) -> Any:  # noqa: A002
    """The tensor divided by its norm, and that norm (axes kept as 1).

    >>> [round(v, 2) for v in tf.linalg.normalize([3., 4.])[0].numpy().tolist()]
    [0.6, 0.8]
    """
    with scoped(name, "normalize"):
        tensor = door.convert(tensor)
        size = norm(tensor, ord, axis, keepdims=True)
        size = size if size.dtype is tensor.dtype else Cast(size, DstT=tensor.dtype)
        return RealDiv(tensor, size, name="truediv"), size


@export("linalg.l2_normalize", "math.l2_normalize", "nn.l2_normalize")
def l2_normalize(x: Any, axis: Any = None, epsilon: Any = 1e-12, name: str | None = None, dim: Any = None) -> Any:
    """x / sqrt(max(sum(x**2), epsilon)) along `axis`.

    >>> [round(v, 2) for v in tf.math.l2_normalize([3., 4.]).numpy().tolist()]
    [0.6, 0.8]
    """
    axis = dim if axis is None else axis
    with scoped(name, "l2_normalize") as scope:
        x = door.convert(x, None, "x")
        if x.dtype.is_complex:
            squares = later("AddV2")(
                later("Square")(later("Real")(x, Tout=x.dtype.real_dtype)),
                later("Square")(later("Imag")(x, Tout=x.dtype.real_dtype)),
            )
            inverse = later("Rsqrt")(Maximum(reduce_sum(squares, axis, keepdims=True), epsilon))
            scale = lambda part: Mul(part, inverse)
            return later("Complex")(
                scale(later("Real")(x, Tout=x.dtype.real_dtype)),
                scale(later("Imag")(x, Tout=x.dtype.real_dtype)),
                Tout=x.dtype,
                name=scope or None,
            )
        total = reduce_sum(later("Square")(x), axis, keepdims=True)
        return Mul(x, later("Rsqrt")(Maximum(total, epsilon)), name=scope or None)


# -- transposes and products ---------------------------------------------------------------------------------------------
@export("linalg.matrix_transpose", v1=("matrix_transpose", "linalg.transpose"))
def matrix_transpose(a: Any, name: str = "matrix_transpose", conjugate: bool = False) -> Any:
    """The last two axes exchanged (and the values conjugated, if asked).

    >>> tf.linalg.matrix_transpose([[1, 2], [3, 4]]).numpy().tolist()
    [[1, 3], [2, 4]]
    """
    with scoped(name, "matrix_transpose"):
        a = door.convert(a, None, "a")
        if a._dims is not None and len(a._dims) < 2:
            raise ValueError(
                f"Argument `a` should be a (batch) matrix with rank >= 2.  Received `a` = {a!r} with shape: {a.shape}"
            )
        a = conj(a) if conjugate else a
        rank = a.shape.rank
        if rank is not None:
            return later("Transpose")(a, np.array([*range(rank - 2), rank - 1, rank - 2], np.int32), name="transpose")
        n = later("Rank")(a)
        lead = later("Range")(0, Sub(n, 2), 1)
        last = later("Pack")([Sub(n, 1), Sub(n, 2)])
        return later("Transpose")(a, later("ConcatV2")([lead, last], 0), name="transpose")


@export("linalg.adjoint")
def adjoint(matrix: Any, name: str | None = None) -> Any:
    """The conjugate transpose of the last two axes."""
    with scoped(name, "adjoint"):
        return matrix_transpose(door.convert(matrix, None, "matrix"), conjugate=True)


@op("Cross(a: T, b: T, *, T: real) -> product: T", shape=lambda a, b: _cross_shape(a, b))
def Cross(xp, a, b):  # noqa: N802
    """The vector product along the last axis, of size 3."""
    if a.shape != b.shape or a.ndim < 1 or a.shape[-1] != 3:
        raise ShapeError(
            f"inputs must have one shape with a last axis of size 3, got {list(a.shape)} and {list(b.shape)}"
        )
    x, y = (a[..., 0], a[..., 1], a[..., 2]), (b[..., 0], b[..., 1], b[..., 2])
    return xp.stack([x[1] * y[2] - x[2] * y[1], x[2] * y[0] - x[0] * y[2], x[0] * y[1] - x[1] * y[0]], -1)


def _cross_shape(a: Any, b: Any) -> Any:
    from penstock.base.shape import merge

    dims = merge(a.shape, b.shape)
    if dims is not None and (not dims or dims[-1] not in (3, None)):
        raise ShapeError("Both shapes must be at least a vector whose last axis has size 3")
    return dims


Cross.grad(lambda node, dy: (Cross(node.inputs[1], dy), Cross(dy, node.inputs[0])))


@export("linalg.cross", v1=("cross",))
def cross(a: Any, b: Any, name: str | None = None) -> Any:
    """The vector product of 3-vectors along the last axis.

    >>> tf.linalg.cross([1., 0., 0.], [0., 1., 0.]).numpy().tolist()
    [0.0, 0.0, 1.0]
    """
    return Cross(a, b, name=name)
