"""Matrices that are zero outside a few diagonals."""

from typing import Any

import numpy as np

from penstock.base.errors import InvalidArgumentError, ShapeError
from penstock.base.export import export
from penstock.ir import door
from penstock.ir.op import op
from penstock.ir.scope import scoped
from penstock.ops.decompositions import SelfAdjointEigV2
from penstock.ops.diagonals import MatrixDiagPartV3, matrix_diag
from penstock.ops.families import conj, later

Mul, AddV2, Neg, Sum, Pack = later("Mul"), later("AddV2"), later("Neg"), later("Sum"), later("Pack")


# -- the ops -----------------------------------------------------------------------------------------------------------
@op(
    "TridiagonalMatMul(superdiag: T, maindiag: T, subdiag: T, rhs: T, *, T: {float64|float32|complex64|complex128}) -> output: T",
    shape=lambda superdiag, maindiag, subdiag, rhs: rhs.shape,
)
def TridiagonalMatMul(xp, superdiag, maindiag, subdiag, rhs):  # noqa: N802
    """The product of a tridiagonal matrix [..., 1, m] x 3 and rhs [..., m, n]."""
    up, main, low = (xp.swapaxes(d, -1, -2) for d in (superdiag, maindiag, subdiag))
    zero = xp.zeros((*rhs.shape[:-2], 1, rhs.shape[-1]), rhs.dtype)
    below = xp.concatenate([rhs[..., 1:, :], zero], -2)
    above = xp.concatenate([zero, rhs[..., :-1, :]], -2)
    return up * below + main * rhs + low * above


@TridiagonalMatMul.grad
def _(node: Any, dy: Any) -> Any:
    up, main, low, rhs = (conj(v) for v in node.inputs)
    rows = lambda x: ShiftRows(x, by=1)
    back = lambda x: ShiftRows(x, by=-1)
    total = lambda x: later("ExpandDims")(Sum(x, [-1]), -2)
    d_up, d_main, d_low = total(Mul(dy, rows(rhs))), total(Mul(dy, rhs)), total(Mul(dy, back(rhs)))
    column = lambda d: later("ExpandDims")(later("Squeeze")(d, squeeze_dims=[-2]), -1)
    d_rhs = AddV2(AddV2(back(Mul(column(up), dy)), Mul(column(main), dy)), rows(Mul(column(low), dy)))
    return d_up, d_main, d_low, d_rhs


def ShiftRows(x: Any, by: int) -> Any:  # noqa: N802
    """x [..., m, n] with its rows moved up (by=1) or down (by=-1), a row of zeros coming in."""
    rank = len(x._dims)
    begin, end = [0] * rank, [0] * rank
    pads = np.zeros((rank, 2), np.int32)
    if by > 0:
        begin[-2] = 1
        pads[-2, 1] = 1
        part = later("StridedSlice")(
            x, begin, end, [1] * rank, begin_mask=(2**rank - 1) ^ 2 ** (rank - 2), end_mask=2**rank - 1
        )
    else:
        end[-2] = -1
        pads[-2, 0] = 1
        part = later("StridedSlice")(
            x, begin, end, [1] * rank, begin_mask=2**rank - 1, end_mask=(2**rank - 1) ^ 2 ** (rank - 2)
        )
    return later("Pad")(part, pads)


def _dense(xp: Any, up: Any, main: Any, low: Any) -> Any:
    """The matrices whose diagonals are up[:-1], main and low[1:]."""
    m = main.shape[-1]
    eye = lambda k: np.eye(m, k=k)
    return (main[..., :, None] * eye(0) + up[..., :, None] * eye(1) + low[..., :, None] * eye(-1)).astype(main.dtype)


@op(
    "TridiagonalSolve(diagonals: T, rhs: T, *, T: {float64|float32|complex64|complex128}, partial_pivoting: bool = True, "
    "perturb_singular: bool = False) -> output: T",
    shape=lambda diagonals, rhs, **_: rhs.shape,
)
def TridiagonalSolve(xp, diagonals, rhs, *, partial_pivoting, perturb_singular):  # noqa: N802
    """X with A @ X = rhs for tridiagonal matrices given as [..., 3, m]: super-, main and subdiagonal."""
    up, main, low = diagonals[..., 0, :], diagonals[..., 1, :], diagonals[..., 2, :]
    m = main.shape[-1]
    if diagonals.ndim < 2 or diagonals.shape[-2] != 3 or rhs.ndim != diagonals.ndim or rhs.shape[-2] != m:
        raise ShapeError(
            f"diagonals must be [..., 3, m] and rhs [..., m, n], got {list(diagonals.shape)} and {list(rhs.shape)}"
        )
    if m == 0:
        return rhs
    if xp is np or diagonals.dtype.kind == "c" or partial_pivoting and m <= 64:
        try:
            return xp.linalg.solve(_dense(xp, up, main, low), rhs)
        except np.linalg.LinAlgError:
            raise InvalidArgumentError(
                "The first element of diagonals[1] is zero, or the matrix is singular."
            ) from None
    import jax

    return jax.lax.linalg.tridiagonal_solve(low.at[..., 0].set(0), main, up.at[..., -1].set(0), rhs)


@TridiagonalSolve.grad
def _(node: Any, dy: Any) -> Any:
    diagonals, x = node.inputs[0], node.outputs[0]
    attrs = {k: node.attrs[k] for k in ("partial_pivoting", "perturb_singular")}
    rank = len(diagonals._dims)
    parts = later("Unpack")(diagonals, num=3, axis=rank - 2)
    up, main, low = (conj(p) for p in parts)
    move = lambda d, by: later("Squeeze")(ShiftRows(later("ExpandDims")(d, -1), by=by), squeeze_dims=[-1])
    transposed = Pack([move(low, 1), main, move(up, -1)], axis=rank - 2)
    d_rhs = TridiagonalSolve(transposed, dy, **attrs)
    xc = conj(x)
    total = lambda v: Neg(Sum(v, [-1]))
    d_diagonals = Pack(
        [total(Mul(d_rhs, ShiftRows(xc, by=1))), total(Mul(d_rhs, xc)), total(Mul(d_rhs, ShiftRows(xc, by=-1)))],
        axis=rank - 2,
    )
    return d_diagonals, d_rhs


@op(
    "BandedTriangularSolve(matrix: T, rhs: T, *, T: {float64|float32|float16|complex64|complex128}, adjoint: bool = False, lower: bool = True) -> output: T",
    shape=lambda matrix, rhs, **_: rhs.shape,
)
def BandedTriangularSolve(xp, matrix, rhs, *, adjoint, lower):  # noqa: N802
    """X with A @ X = rhs for triangular A given by its bands [..., k, m]: the main diagonal first (lower) or last (upper)."""
    k, m = matrix.shape[-2:]
    if rhs.shape[-2] != m:
        raise ShapeError(
            f"matrix must have as many columns as rhs rows, got {list(matrix.shape)} and {list(rhs.shape)}"
        )
    work = matrix.astype(xp.float32) if matrix.dtype == np.float16 else matrix
    b = rhs.astype(work.dtype)
    dense = 0
    for d in range(k):
        offset = -d if lower else k - 1 - d
        dense = dense + work[..., d, :, None] * np.eye(m, k=offset)
    dense = dense.astype(work.dtype)
    if adjoint:
        dense = xp.conj(xp.swapaxes(dense, -1, -2))
    if xp is np:
        try:
            return np.linalg.solve(dense, b)
        except np.linalg.LinAlgError:
            raise InvalidArgumentError("Input matrix is not invertible.") from None
    return xp.linalg.solve(dense, b)


@BandedTriangularSolve.grad
def _(node: Any, dy: Any) -> Any:
    bands, x = node.inputs[0], node.outputs[0]
    adjoint, lower = node.attrs["adjoint"], node.attrs["lower"]
    d_rhs = BandedTriangularSolve(bands, dy, lower=lower, adjoint=not adjoint)
    product = later("BatchMatMulV2")
    da = Neg(product(x, d_rhs, adj_y=True) if adjoint else product(d_rhs, x, adj_y=True))
    k = bands._dims[-2]
    reach = np.array([1 - k, 0] if lower else [0, k - 1], np.int32)
    zero = door.convert(np.zeros((), da.dtype.array_dtype), da.dtype)
    if k == 1:
        return later("ExpandDims")(MatrixDiagPartV3(da, np.int32(0), zero, align="RIGHT_LEFT"), -2), d_rhs
    return MatrixDiagPartV3(da, reach, zero, align="RIGHT_RIGHT" if lower else "LEFT_LEFT"), d_rhs


# -- public functions ------------------------------------------------------------------------------------------------
def _compact(diagonals: Any, diagonals_format: str) -> Any:
    """[..., 3, m] from any of the three formats."""
    if diagonals_format == "compact":
        return door.convert(diagonals)
    if diagonals_format == "sequence":
        up, main, low = (door.convert(d) for d in diagonals)
        m = main._dims[-1]
        lead = [[0, 0]] * (len(main._dims) - 1)
        pad = lambda d, front: (
            d if d._dims[-1] == m else later("Pad")(d, np.array([*lead, [1, 0] if front else [0, 1]], np.int32))
        )
        return Pack([pad(up, False), main, pad(low, True)], axis=len(main._dims) - 1)
    if diagonals_format == "matrix":
        matrix = door.convert(diagonals)
        dims = matrix._dims
        if dims is None or dims[-1] is None or dims[-1] != dims[-2]:
            raise ValueError(f"Expected last two dimensions of diagonals to be same, got {matrix.shape}")
        zero = door.convert(np.zeros((), matrix.dtype.array_dtype), matrix.dtype)
        return MatrixDiagPartV3(matrix, np.array([-1, 1], np.int32), zero, align="LEFT_RIGHT")
    raise ValueError(f"Unrecognized diagonals_format: {diagonals_format}")


@export("linalg.tridiagonal_solve")
def tridiagonal_solve(
    diagonals: Any,
    rhs: Any,
    diagonals_format: str = "compact",
    transpose_rhs: bool = False,
    conjugate_rhs: bool = False,
    name: str | None = None,
    partial_pivoting: bool = True,
    perturb_singular: bool = False,
) -> Any:
    """X with A @ X = rhs for tridiagonal A: "compact" [..., 3, m], a "sequence" of three diagonals, or a "matrix"."""
    if perturb_singular and not partial_pivoting:
        raise ValueError("partial_pivoting must be True if perturb_singular is True.")
    with scoped(name, "tridiagonal_solve"):
        packed = _compact(diagonals, diagonals_format)
        rhs = door.convert(rhs, packed.dtype.base_dtype)
        vector = len(rhs._dims) == len(packed._dims) - 1
        if vector:
            if transpose_rhs:
                raise ValueError(f"transpose_rhs is not supported when rhs is a vector, got shape {rhs.shape}")
            rhs = later("ExpandDims")(conj(rhs) if conjugate_rhs else rhs, -1)
        else:
            from penstock.ops.linalg import matrix_transpose

            rhs = (
                matrix_transpose(rhs, conjugate=conjugate_rhs) if transpose_rhs else conj(rhs) if conjugate_rhs else rhs
            )
        out = TridiagonalSolve(packed, rhs, partial_pivoting=partial_pivoting, perturb_singular=perturb_singular)
        return later("Squeeze")(out, squeeze_dims=[-1]) if vector else out


@export("linalg.tridiagonal_matmul")
def tridiagonal_matmul(diagonals: Any, rhs: Any, diagonals_format: str = "compact", name: str | None = None) -> Any:
    """The product of a tridiagonal matrix and rhs."""
    with scoped(name, "tridiagonal_matmul"):
        packed = _compact(diagonals, diagonals_format)
        up, main, low = later("Unpack")(packed, num=3, axis=len(packed._dims) - 2)
        row = lambda d: later("ExpandDims")(d, -2)
        return TridiagonalMatMul(row(up), row(main), row(low), rhs)


@export(v2=("linalg.banded_triangular_solve",))
def banded_triangular_solve(
    bands: Any, rhs: Any, lower: bool = True, adjoint: bool = False, name: str | None = None
) -> Any:
    """X with A @ X = rhs for a triangular A given by its bands [..., k, m]."""
    with scoped(name, "banded_triangular_solve"):
        return BandedTriangularSolve(bands, rhs, lower=lower, adjoint=adjoint)


@export("linalg.eigh_tridiagonal")
def eigh_tridiagonal(
    alpha: Any,
    beta: Any,
    eigvals_only: bool = True,
    select: str = "a",
    select_range: Any = None,
    tol: Any = None,
    name: str | None = None,
) -> Any:
    """Eigenvalues (and eigenvectors) of the self-adjoint tridiagonal matrix with diagonal alpha and off-diagonal beta.

    `select`: "a" all, "i" those with indices in `select_range` (inclusive), "v" those with values in (low, high].
    """
    if select not in ("a", "i", "v"):
        raise ValueError("'select must have a value in {'a', 'i', 'v'}.")
    if select != "a" and (select_range is None or len(select_range) != 2):
        raise ValueError(
            f"select_range must be a 2-tuple of the lowest and highest for select={select!r}, got {select_range}"
        )
    if select != "a" and select_range[0] > select_range[1]:
        raise ValueError(f"Got empty index range in select_range: {select_range}")
    with scoped(name, "eigh_tridiagonal"):
        alpha = door.convert(alpha, None, "alpha")
        beta = door.convert(beta, alpha.dtype.base_dtype, "beta")
        n = alpha._dims[-1]
        if n == 0:
            raise ValueError("alpha must be 1-dimensional and not empty.")
        matrix = matrix_diag(alpha)
        if n > 1:
            matrix = AddV2(AddV2(matrix, matrix_diag(beta, k=1)), matrix_diag(conj(beta), k=-1))
        e, v = SelfAdjointEigV2(matrix, compute_v=not eigvals_only)
        e = later("Real")(e, Tout=e.dtype.real_dtype) if e.dtype.is_complex else e
        if select == "i":
            low, high = int(select_range[0]), int(select_range[1])
            if high >= n or low < 0:
                raise ValueError(f"select_range {select_range} is out of range for {n} eigenvalues")
            picked: Any = np.arange(low, high + 1, dtype=np.int32)
        elif select == "v":
            inside = later("LogicalAnd")(later("Greater")(e, select_range[0]), later("LessEqual")(e, select_range[1]))
            picked = later("Reshape")(later("Where")(inside), [-1])
        else:
            return e if eigvals_only else (e, v)
        e = later("GatherV2")(e, picked, -1)
        return e if eigvals_only else (e, later("GatherV2")(v, picked, -1))
