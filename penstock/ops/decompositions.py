"""Factorisations of matrices and the solvers built on them."""

from collections.abc import Callable
from typing import Any

import numpy as np

from penstock.base.errors import InvalidArgumentError, ShapeError
from penstock.base.shape import as_text, broadcast, same
from penstock.ir import door
from penstock.ir.op import Op, op
from penstock.ops.families import conj, later, unbroadcast, wide
from penstock.ops.matmul import BatchMatMulV2

Mul, AddV2, Sub, Neg, ZerosLike, ExpandDims = (
    later(n) for n in ("Mul", "AddV2", "Sub", "Neg", "ZerosLike", "ExpandDims")
)
MatrixBandPart, MatrixDiag, MatrixDiagPart, MatrixSetDiag = (
    later(n) for n in ("MatrixBandPart", "MatrixDiag", "MatrixDiagPart", "MatrixSetDiag")
)
_TYPES = "{float64|float32|float16|complex64|complex128}"


def mm(a: Any, b: Any, adj_a: bool = False, adj_b: bool = False) -> Any:
    """a @ b of batches of matrices, either as its adjoint."""
    return BatchMatMulV2(a, b, adj_x=adj_a, adj_y=adj_b)


def adjoint(x: Any) -> Any:
    """The conjugate transpose of the last two axes."""
    x = conj(x)
    rank = len(x._dims) if x._dims is not None else None
    if rank is None:
        axes = later("Range")(0, later("Rank")(x), 1)
        last = later("Sub")(later("Rank")(x), 2)
        perm = later("ConcatV2")(
            [later("Slice")(axes, [0], ExpandDims(last, 0)), ExpandDims(AddV2(last, 1), 0), ExpandDims(last, 0)], 0
        )
    else:
        perm = np.array([*range(rank - 2), rank - 1, rank - 2], np.int32)
    return later("Transpose")(x, perm)


# -- shapes and checks -----------------------------------------------------------------------------------------------
def _matrices(spec: Any) -> tuple[Any, Any, Any]:
    """(batch, rows, columns) of an input whose rank is known."""
    if len(spec.shape) < 2:
        raise ShapeError(f"Shape must be at least rank 2 but is rank {len(spec.shape)}: {spec.name} has shape {as_text(spec.shape)}")
    return spec.shape[:-2], *spec.shape[-2:]


def _square(spec: Any) -> Any:
    if spec.shape is None:
        return None
    batch, m, n = _matrices(spec)
    side = same(m, n, fix="Input matrix must be square.")
    return (*batch, side, side)


def _is_square(x: Any) -> None:
    if x.ndim < 2 or x.shape[-1] != x.shape[-2]:
        raise ShapeError(f"Input matrix must be square, got shape {list(x.shape)}")


def _attempt(compute: Callable[[], Any], message: str) -> Any:
    """NumPy's own complaint about singular matrices as TensorFlow's."""
    try:
        return compute()
    except np.linalg.LinAlgError:
        raise InvalidArgumentError(message) from None


def _lax(name: str) -> Any:
    import jax.lax.linalg

    return getattr(jax.lax.linalg, name)


# -- Cholesky ----------------------------------------------------------------------------------------------------------
@op(f"Cholesky(input: T, *, T: {_TYPES}) -> output: T", shape=lambda input: _square(input))
def Cholesky(xp, input):  # noqa: A002, N802
    """The lower triangular L with L @ adjoint(L) = input, NaN where it is not positive definite; only the lower triangle is read."""
    _is_square(input)
    x = wide(xp, input)
    if xp is not np:
        return xp.tril(_lax("cholesky")(x, symmetrize_input=False))
    try:
        return np.linalg.cholesky(x)
    except np.linalg.LinAlgError:
        out = np.tril(np.full(x.shape, np.nan, x.dtype))
        for at in np.ndindex(x.shape[:-2]):
            if len(at):  # the matrices of a batch fail one by one
                out[at] = Cholesky.body(np, x[at])
        return out


def _cholesky_grad(l: Any, dy: Any) -> Any:
    middle = mm(l, dy, adj_a=True)
    middle = MatrixBandPart(MatrixSetDiag(middle, Mul(MatrixDiagPart(middle), 0.5)), -1, 0)
    solved = MatrixTriangularSolve(l, middle, lower=True, adjoint=True)
    da = adjoint(MatrixTriangularSolve(l, adjoint(solved), lower=True, adjoint=True))
    return Mul(AddV2(da, adjoint(da)), 0.5)


Cholesky.grad(lambda node, dy: _cholesky_grad(node.outputs[0], dy))


@op("CholeskyGrad(l: T, grad: T, *, T: {float16|float32|float64}) -> output: T", shape=lambda l, grad: _square(l))
def CholeskyGrad(xp, l, grad):  # noqa: N802
    """The gradient of Cholesky from its result."""
    l, grad = wide(xp, l), wide(xp, grad)
    transpose = lambda v: xp.swapaxes(v, -1, -2)
    middle = xp.tril(transpose(l) @ grad)
    middle = middle - 0.5 * middle * xp.eye(l.shape[-1], dtype=l.dtype)
    inverse = xp.linalg.inv(l)
    da = transpose(inverse) @ middle @ inverse
    return 0.5 * (da + transpose(da))


CholeskyGrad.no_grad()


# -- triangular systems --------------------------------------------------------------------------------------------------
def _solve_shape(matrix: Any, rhs: Any, **_: Any) -> Any:
    if matrix.shape is None or rhs.shape is None:
        return None
    batch, m, n = _matrices(matrix)
    other, rows, columns = _matrices(rhs)
    side = same(same(m, n, fix="Input matrix must be square."), rows)
    return (*broadcast(batch, other), side, columns)


def _spread(xp: Any, a: Any, b: Any) -> tuple[Any, Any]:
    """Both with the batch axes that they broadcast to."""
    if a.shape[:-2] == b.shape[:-2]:
        return a, b
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    return xp.broadcast_to(a, (*batch, *a.shape[-2:])), xp.broadcast_to(b, (*batch, *b.shape[-2:]))


_SINGULAR = "Input matrix is not invertible."


@op(
    "MatrixTriangularSolve(matrix: T, rhs: T, *, T: inexact, adjoint: bool = False, lower: bool = True) -> output: T",
    shape=_solve_shape,
)
def MatrixTriangularSolve(xp, matrix, rhs, *, adjoint, lower):  # noqa: N802
    """X with matrix @ X = rhs for triangular matrices; the other triangle is not read."""
    _is_square(matrix)
    if matrix.shape[-1] != rhs.shape[-2]:
        raise ShapeError(
            f"Input matrix and right-hand side are incompatible: {list(matrix.shape)} and {list(rhs.shape)}"
        )
    a, b = _spread(xp, wide(xp, matrix), wide(xp, rhs))
    if xp is np:
        triangle = np.tril(a) if lower else np.triu(a)
        triangle = np.conj(np.swapaxes(triangle, -1, -2)) if adjoint else triangle
        return _attempt(lambda: np.linalg.solve(triangle, b), _SINGULAR)
    return _lax("triangular_solve")(a, b, left_side=True, lower=lower, transpose_a=adjoint, conjugate_a=adjoint)


def _zero_pivot(xp: Any, matrix: Any) -> Any:
    return xp.any(xp.diagonal(matrix, axis1=-2, axis2=-1) == 0) if matrix.ndim >= 2 and matrix.size else False


MatrixTriangularSolve.check(lambda xp, matrix, rhs, *, adjoint, lower: (_zero_pivot(xp, matrix), _SINGULAR))


@MatrixTriangularSolve.grad
def _(node: Any, dy: Any) -> Any:
    a, b = node.inputs
    adj, lower = node.attrs["adjoint"], node.attrs["lower"]
    x = node.outputs[0]
    db = MatrixTriangularSolve(a, dy, lower=lower, adjoint=not adj)
    da = Neg(mm(x, db, adj_b=True) if adj else mm(db, x, adj_b=True))
    da = MatrixBandPart(da, -1, 0) if lower else MatrixBandPart(da, 0, -1)
    return unbroadcast(da, a, da), unbroadcast(db, b, db)


# -- general systems -----------------------------------------------------------------------------------------------------
def _singular(xp: Any, matrix: Any) -> Any:
    """Under a trace: does the LU factorisation meet a zero pivot?"""
    if xp is np or matrix.ndim < 2 or not matrix.size:
        return False
    lu = _lax("lu")(wide(xp, matrix))[0]
    return xp.any(xp.diagonal(lu, axis1=-2, axis2=-1) == 0)


@op(f"MatrixSolve(matrix: T, rhs: T, *, T: {_TYPES}, adjoint: bool = False) -> output: T", shape=_solve_shape)
def MatrixSolve(xp, matrix, rhs, *, adjoint):  # noqa: N802
    """X with matrix @ X = rhs, or adjoint(matrix) @ X = rhs."""
    _is_square(matrix)
    a, b = wide(xp, matrix), wide(xp, rhs)
    if a.shape[-1] != b.shape[-2] or a.ndim != b.ndim:
        raise ShapeError(
            f"Input matrix and right-hand side are incompatible: {list(matrix.shape)} and {list(rhs.shape)}"
        )
    if adjoint:
        a = xp.conj(xp.swapaxes(a, -1, -2))
    return _attempt(lambda: xp.linalg.solve(a, b), _SINGULAR)


MatrixSolve.check(lambda xp, matrix, rhs, *, adjoint: (_singular(xp, matrix), _SINGULAR))


@MatrixSolve.grad
def _(node: Any, dy: Any) -> Any:
    a, x, adj = node.inputs[0], node.outputs[0], node.attrs["adjoint"]
    db = MatrixSolve(a, dy, adjoint=not adj)
    return Neg(mm(x, db, adj_b=True) if adj else mm(db, x, adj_b=True)), db


@op(
    f"MatrixInverse(input: T, *, T: {_TYPES}, adjoint: bool = False) -> output: T",
    shape=lambda input, *, adjoint: _square(input),
)
def MatrixInverse(xp, input, *, adjoint):  # noqa: A002, N802
    """The inverse of each matrix, or of its adjoint."""
    _is_square(input)
    x = wide(xp, input)
    if adjoint:
        x = xp.conj(xp.swapaxes(x, -1, -2))
    return _attempt(lambda: xp.linalg.inv(x), "Input is not invertible.")


MatrixInverse.check(lambda xp, input, *, adjoint: (_singular(xp, input), "Input is not invertible."))


@MatrixInverse.grad
def _(node: Any, dy: Any) -> Any:
    y = node.outputs[0]
    if node.attrs["adjoint"]:
        return Neg(mm(mm(y, dy, adj_b=True), y))
    return Neg(mm(y, mm(dy, y, adj_b=True), adj_a=True))


_DET = "{float16|float32|float64|complex64|complex128}"
MatrixDeterminant = op(
    f"MatrixDeterminant(input: T, *, T: {_DET}) -> output: T",
    shape=lambda input: None if input.shape is None else _square(input)[:-2],
)(lambda xp, input: xp.linalg.det(wide(xp, input)))


@MatrixDeterminant.grad
def _(node: Any, dy: Any) -> Any:
    x, det = node.inputs[0], node.outputs[0]
    inverse = MatrixInverse(x, adjoint=True)
    scale = Mul(dy, conj(det))
    return Mul(ExpandDims(ExpandDims(scale, -1), -1), inverse)


@op(f"LogMatrixDeterminant(input: T, *, T: {_DET}) -> (sign: T, log_abs_determinant: T)")
def LogMatrixDeterminant(xp, input):  # noqa: A002, N802
    """The sign of the determinant of each matrix, and the logarithm of its magnitude."""
    _is_square(input)
    sign, log = xp.linalg.slogdet(wide(xp, input))
    return sign, log.astype(sign.dtype)


LogMatrixDeterminant.shape(lambda input: (None, None) if input.shape is None else (_square(input)[:-2],) * 2)


@LogMatrixDeterminant.grad
def _(node: Any, _: Any, dlog: Any) -> Any:
    if dlog is None:
        return None
    return Mul(ExpandDims(ExpandDims(dlog, -1), -1), MatrixInverse(node.inputs[0], adjoint=True))


# -- LU ------------------------------------------------------------------------------------------------------------------
@op(f"Lu(input: T, *, T: {_TYPES}, output_idx_type: index = int32) -> (lu: T, p: output_idx_type)")
def Lu(xp, input):  # noqa: A002, N802
    """L (unit diagonal, not stored) and U packed in one matrix, and the permutation of the rows."""
    _is_square(input)
    x = wide(xp, input)
    if xp is not np:
        lu, _, permutation = _lax("lu")(x)
        return lu, permutation
    import scipy.linalg

    n = x.shape[-1]
    out, perms = np.empty_like(x), np.empty(x.shape[:-1], np.int64)
    for at in np.ndindex(x.shape[:-2]):
        if not n:
            continue
        lu, pivots = scipy.linalg.lu_factor(x[at], check_finite=False)
        if np.any(np.diagonal(lu) == 0):
            raise InvalidArgumentError("Input is not invertible.")
        order = np.arange(n)
        for k, pivot in enumerate(pivots):
            order[[k, pivot]] = order[[pivot, k]]
        out[at], perms[at] = lu, order
    return out, perms


Lu.shape(lambda input: (None, None) if input.shape is None else (_square(input), _square(input)[:-1]))
Lu.check(lambda xp, input: (_singular(xp, input), "Input is not invertible."))


@Lu.grad
def _(node: Any, dlu: Any, _: Any) -> Any:
    """d A = P^T L^-H [tril(L^H dL, -1) + triu(dU U^H)] U^-H."""
    lu, p = node.outputs
    n = lu._dims[-1] if lu._dims is not None else None
    ones = later("OnesLike")(MatrixDiagPart(lu))
    lower = MatrixSetDiag(MatrixBandPart(lu, -1, 0), ones)
    upper = MatrixBandPart(lu, 0, -1)
    d_lower = Sub(MatrixBandPart(dlu, -1, 0), MatrixDiag(MatrixDiagPart(dlu)))
    d_upper = MatrixBandPart(dlu, 0, -1)
    strict = lambda m: Sub(MatrixBandPart(m, -1, 0), MatrixDiag(MatrixDiagPart(m)))
    middle = AddV2(strict(mm(lower, d_lower, adj_a=True)), MatrixBandPart(mm(d_upper, upper, adj_b=True), 0, -1))
    left = MatrixTriangularSolve(lower, middle, lower=True, adjoint=True)
    right = adjoint(MatrixTriangularSolve(upper, adjoint(left), lower=False, adjoint=False))
    order = later("OneHot")(
        p,
        np.int32(n)
        if n is not None
        else later("StridedSlice")(later("Shape")(p), [-1], [0], [1], end_mask=1, shrink_axis_mask=1),
        _scalar(lu, 1),
        _scalar(lu, 0),
    )
    return mm(order, right, adj_a=True)


def _scalar(like: Any, value: int) -> Any:
    """A scalar of like's dtype."""
    return door.convert(np.asarray(value, like.dtype.array_dtype), like.dtype.base_dtype)


# -- QR ------------------------------------------------------------------------------------------------------------------
@op(f"Qr(input: T, *, T: {_TYPES}, full_matrices: bool = False) -> (q: T, r: T)")
def Qr(xp, input, *, full_matrices):  # noqa: A002, N802
    """Orthonormal q and upper triangular r with q @ r = input."""
    if input.ndim < 2:
        raise ShapeError(f"Input tensor 0 must have rank >= 2, got rank {input.ndim}")
    q, r = xp.linalg.qr(wide(xp, input), "complete" if full_matrices else "reduced")
    return q, r


@Qr.shape
def _(input: Any, *, full_matrices: bool) -> Any:  # noqa: A002
    if input.shape is None:
        return None, None
    batch, m, n = _matrices(input)
    if full_matrices:
        return (*batch, m, m), (*batch, m, n)
    k = None if m is None or n is None else min(m, n)
    return (*batch, m, k), (*batch, k, n)


@Qr.grad
def _(node: Any, dq: Any, dr: Any) -> Any:
    q, r = node.outputs
    rows, cols = node.inputs[0]._dims[-2:] if node.inputs[0]._dims is not None else (None, None)
    if rows is None or cols is None:
        raise ValueError("QrGrad needs the sizes of the last two axes of its input to be known.")
    if node.attrs["full_matrices"] and rows != cols:
        raise ValueError(
            f"QrGrad is not defined for full_matrices=True of matrices that are not square: {rows} x {cols}."
        )
    dq = ZerosLike(q) if dq is None else dq
    dr = ZerosLike(r) if dr is None else dr

    def right_inverse(x: Any, upper: Any) -> Any:
        """x @ upper^-H."""
        return adjoint(MatrixTriangularSolve(upper, adjoint(x), lower=False, adjoint=False))

    def tall(q: Any, r: Any, dq: Any, dr: Any) -> Any:
        qdq, rdr = mm(q, dq, adj_a=True), mm(r, dr, adj_b=True)
        skew = Sub(qdq, adjoint(qdq))
        tril = MatrixBandPart(AddV2(Sub(rdr, adjoint(rdr)), skew), -1, 0)
        grad = mm(q, AddV2(dr, right_inverse(tril, r)))
        b = right_inverse(Sub(dq, mm(q, qdq)), r)
        out = AddV2(grad, b)
        if q.dtype.is_complex:
            m = Sub(rdr, adjoint(qdq))
            diagonal = MatrixSetDiag(ZerosLike(m), MatrixDiagPart(m))
            correction = Mul(Sub(diagonal, adjoint(diagonal)), 0.5)
            out = AddV2(out, mm(q, right_inverse(correction, r)))
        return out

    if rows >= cols:
        return tall(q, r, dq, dr)
    a = node.inputs[0]
    slices = later("StridedSlice")
    batch = len(a._dims) - 2
    part = lambda x, lo, hi: slices(
        x,
        [0] * (batch + 1) + [lo],
        [0] * (batch + 1) + [hi],
        [1] * (batch + 2),
        begin_mask=2 ** (batch + 1) - 1,
        end_mask=2 ** (batch + 1) - 1,
    )
    y = part(a, rows, cols)
    u = part(r, 0, rows)
    du, dv = part(dr, 0, rows), part(dr, rows, cols)
    dx = tall(q, u, AddV2(mm(y, dv, adj_b=True), dq), du)
    return later("ConcatV2")([dx, mm(q, dv)], -1)


# -- eigenvalues ---------------------------------------------------------------------------------------------------------
def _eigh(xp: Any, x: Any, vectors: bool) -> Any:
    _is_square(x)
    x = wide(xp, x)
    if xp is np:
        return np.linalg.eigh(x) if vectors else (np.linalg.eigvalsh(x), None)
    v, e = _lax("eigh")(x, lower=True, symmetrize_input=False, sort_eigenvalues=True)
    return e, v


@op(f"SelfAdjointEigV2(input: T, *, T: {_TYPES}, compute_v: bool = True) -> (e: T, v: T)")
def SelfAdjointEigV2(xp, input, *, compute_v):  # noqa: A002, N802
    """The eigenvalues (ascending) and eigenvectors (columns) of self-adjoint matrices; only the lower triangle is read."""
    e, v = _eigh(xp, input, compute_v)
    return e, v if compute_v else xp.zeros((0,), input.dtype)


SelfAdjointEigV2.shape(
    lambda input, *, compute_v: (
        (None, None if compute_v else (0,))
        if input.shape is None
        else (_square(input)[:-1], _square(input) if compute_v else (0,))
    )
)
SelfAdjointEig = op(
    "SelfAdjointEig(input: T, *, T: {float64|float32|float16}) -> output: T",
    shape=lambda input: (
        None
        if input.shape is None
        else (*_square(input)[:-2], None if input.shape[-1] is None else input.shape[-1] + 1, input.shape[-1])
    ),
)(lambda xp, input: (lambda e, v: xp.concatenate([e[..., None, :], v], -2))(*_eigh(xp, input, True))).no_grad()


def _differences(e: Any) -> Any:
    """1 / (e_j - e_i), 0 on the diagonal."""
    gap = Sub(ExpandDims(e, -2), ExpandDims(e, -1))
    return later("DivNoNan")(later("OnesLike")(gap), gap)


@SelfAdjointEigV2.grad
def _(node: Any, de: Any, dv: Any) -> Any:
    e, v = node.outputs
    if not node.attrs["compute_v"]:
        e, v = SelfAdjointEigV2(node.inputs[0])
        dv = None
    de = ZerosLike(e) if de is None else de
    if dv is None:
        middle = MatrixDiag(de)
    else:
        middle = AddV2(MatrixDiag(de), Mul(_differences(e), mm(v, dv, adj_a=True)))
    da = mm(v, mm(middle, v, adj_b=True))
    da = MatrixBandPart(AddV2(da, adjoint(da)), -1, 0)
    return MatrixSetDiag(da, Mul(MatrixDiagPart(da), 0.5))


@op(
    "Eig(input: T, *, T: {float32|float64|complex64|complex128}, Tout: {complex64|complex128}, compute_v: bool = True) -> (e: Tout, v: Tout)"
)
def Eig(xp, input, *, compute_v, Tout):  # noqa: A002, N802, N803
    """The eigenvalues and (right) eigenvectors of square matrices."""
    _is_square(input)
    if compute_v:
        e, v = xp.linalg.eig(input)
        return e.astype(Tout.array_dtype), v.astype(Tout.array_dtype)
    return xp.linalg.eigvals(input).astype(Tout.array_dtype), xp.zeros((0,), Tout.array_dtype)


Eig.shape(
    lambda input, *, compute_v, Tout: (
        (None, None if compute_v else (0,))
        if input.shape is None
        else (_square(input)[:-1], _square(input) if compute_v else (0,))
    )
)


@Eig.grad
def _(node: Any, de: Any, dv: Any) -> Any:
    e, v = node.outputs
    kind = node.inputs[0].dtype
    if not node.attrs["compute_v"]:
        e, v = Eig(node.inputs[0], Tout=e.dtype)
        dv = None
    de = ZerosLike(e) if de is None else de
    vt = adjoint(v)
    if dv is None:
        middle = mm(MatrixDiag(de), vt)
    else:
        f = conj(_differences(e))
        vdv = mm(vt, dv)
        scale = later("Real")(MatrixDiag(MatrixDiagPart(vdv)), Tout=e.dtype.real_dtype)
        part = mm(mm(vt, v), later("Cast")(scale, DstT=e.dtype))
        middle = mm(AddV2(MatrixDiag(de), Mul(f, Sub(vdv, part))), vt)
    da = MatrixSolve(vt, middle)
    return da if kind.is_complex else later("Cast")(da, DstT=kind)


# -- singular values -----------------------------------------------------------------------------------------------------
@op(f"Svd(input: T, *, T: {_TYPES}, compute_uv: bool = True, full_matrices: bool = False) -> (s: T, u: T, v: T)")
def Svd(xp, input, *, compute_uv, full_matrices):  # noqa: A002, N802
    """Singular values (descending) s, and u, v with u @ diag(s) @ adjoint(v) = input."""
    if input.ndim < 2:
        raise ShapeError(f"Input tensor 0 must have rank >= 2, got rank {input.ndim}")
    x = wide(xp, input)
    if not compute_uv:
        return xp.linalg.svd(x, compute_uv=False), xp.zeros((0,), x.dtype), xp.zeros((0,), x.dtype)
    u, s, vh = xp.linalg.svd(x, full_matrices=full_matrices)
    return s, u, xp.conj(xp.swapaxes(vh, -1, -2))


@Svd.shape
def _(input: Any, *, compute_uv: bool, full_matrices: bool) -> Any:  # noqa: A002
    if input.shape is None:
        return (None, None, None) if compute_uv else (None, (0,), (0,))
    batch, m, n = _matrices(input)
    k = None if m is None or n is None else min(m, n)
    if not compute_uv:
        return (*batch, k), (0,), (0,)
    return (*batch, k), (*batch, m, m if full_matrices else k), (*batch, n, n if full_matrices else k)


@Svd.grad
def _(node: Any, ds: Any, du: Any, dv: Any) -> Any:
    a = node.inputs[0]
    if node.attrs["compute_uv"]:
        s, u, v = node.outputs
    else:
        s, u, v = Svd(a, compute_uv=True, full_matrices=False)
        du = dv = None
    dims = a._dims
    if du is None and dv is None and not node.attrs["full_matrices"]:
        return mm(u, mm(MatrixDiag(later("Cast")(ds, DstT=a.dtype)), v, adj_b=True))
    if dims is None or dims[-1] is None or dims[-2] is None:
        raise ValueError("SVD gradient has not been implemented for input with unknown inner matrix shape.")
    m, n = dims[-2], dims[-1]
    k = min(m, n)
    if node.attrs["full_matrices"] and abs(m - n) > 1:
        raise ValueError(
            f"svd gradient is not implemented for abs(m - n) > 1 when full_matrices is True: m = {m}, n = {n}"
        )
    du = ZerosLike(u) if du is None else du
    dv = ZerosLike(v) if dv is None else dv
    (u, u2), (v, v2), (du, du2), (dv, dv2) = (_first_columns(x, k) for x in (u, v, du, dv))
    ds = ZerosLike(s) if ds is None else ds
    squares = later("Square")(s)
    f = MatrixSetDiag(_differences(squares), ZerosLike(s))
    sm = MatrixDiag(s)
    inverse = MatrixDiag(later("DivNoNan")(later("OnesLike")(s), s))
    udu, vdv = mm(u, du, adj_a=True), mm(v, dv, adj_a=True)
    fu, fv = Mul(f, Sub(udu, adjoint(udu))), Mul(f, Sub(vdv, adjoint(vdv)))
    core = AddV2(AddV2(mm(fu, sm), mm(sm, fv)), MatrixDiag(ds))
    if a.dtype.is_complex:
        diagonal = MatrixDiag(MatrixDiagPart(udu))
        core = AddV2(core, mm(Mul(Sub(diagonal, adjoint(diagonal)), 0.5), inverse))
    out = mm(mm(u, core), v, adj_b=True)
    if m > k:
        outside = Sub(du, mm(u, udu))
        outside = outside if u2 is None else Sub(outside, mm(u2, mm(du2, u, adj_a=True)))
        out = AddV2(out, mm(mm(outside, inverse), v, adj_b=True))
    if n > k:
        outside = Sub(dv, mm(v, vdv))
        outside = outside if v2 is None else Sub(outside, mm(v2, mm(dv2, v, adj_a=True)))
        out = AddV2(out, mm(mm(u, inverse), outside, adj_b=True))
    return out


def _first_columns(x: Any, k: int) -> tuple[Any, Any]:
    """The first k columns, and the others (None where there are none)."""
    if x._dims[-1] == k:
        return x, None
    rank = len(x._dims)
    all_but_last = 2 ** (rank - 1) - 1
    zeros = [0] * (rank - 1)
    slices = later("StridedSlice")
    return (
        slices(x, [*zeros, 0], [*zeros, k], [1] * rank, begin_mask=all_but_last, end_mask=all_but_last),
        slices(x, [*zeros, k], [*zeros, 0], [1] * rank, begin_mask=all_but_last, end_mask=2**rank - 1),
    )


# -- least squares, roots, exponentials ----------------------------------------------------------------------------------
@op(f"MatrixSolveLs(matrix: T, rhs: T, l2_regularizer: float64, *, T: {_TYPES}, fast: bool = True) -> output: T")
def MatrixSolveLs(xp, matrix, rhs, l2_regularizer, *, fast):  # noqa: N802
    """X that minimises |matrix @ X - rhs|^2 + l2_regularizer |X|^2 (the one of least norm without it)."""
    a, b = wide(xp, matrix), wide(xp, rhs)
    if a.shape[:-1] != b.shape[:-1]:
        raise ShapeError(
            f"matrix and rhs must have the same number of rows, got {list(matrix.shape)} and {list(rhs.shape)}"
        )
    adj = xp.conj(xp.swapaxes(a, -1, -2))
    if fast:
        m, n = a.shape[-2:]
        small = adj @ a if m >= n else a @ adj
        small = small + l2_regularizer.astype(a.dtype) * xp.eye(min(m, n), dtype=a.dtype)
        solved = _attempt(
            lambda: xp.linalg.solve(small, adj @ b if m >= n else b),
            "Input matrix was rank deficient or ill-conditioned.",
        )
        return solved if m >= n else adj @ solved
    return xp.linalg.pinv(a, rcond=1e-6 if a.dtype in (np.float32, np.complex64) else 1e-12) @ b


@MatrixSolveLs.shape
def _(matrix: Any, rhs: Any, l2_regularizer: Any, *, fast: bool) -> Any:
    if matrix.shape is None or rhs.shape is None:
        return None
    batch, m, n = _matrices(matrix)
    other, rows, k = _matrices(rhs)
    same(m, rows)
    from penstock.base.shape import merge

    return (*merge(batch, other), n, k)


MatrixSolveLs.no_grad()


def _by_scipy(name: str, x: Any) -> Any:
    import scipy.linalg

    _is_square(x)
    out = np.empty(x.shape, np.result_type(x.dtype, np.complex64) if name != "expm" else x.dtype)
    for at in np.ndindex(x.shape[:-2]):
        out[at] = getattr(scipy.linalg, name)(x[at]) if np.isfinite(x[at]).all() else np.nan
    return out


def _function(name: str, types: str, scipy_name: str, doc: str, compiled: bool) -> Op:
    def body(xp: Any, input: Any) -> Any:  # noqa: A002
        x = wide(xp, input)
        if xp is np:
            out = _by_scipy(scipy_name, x)
            return out.real if x.dtype.kind != "c" and out.dtype.kind == "c" else out
        import jax

        _is_square(x)
        found = getattr(jax.scipy.linalg, scipy_name)
        for _ in range(x.ndim - 2):
            found = jax.vmap(found)
        out = found(x)
        return out.real if x.dtype.kind != "c" and out.dtype.kind == "c" else out

    body.__doc__, body.__module__ = doc, __name__
    body.__name__ = body.__qualname__ = name
    return op(
        f"{name}(input: T, *, T: {types}) -> output: T",
        shape=lambda input: _square(input),
        where="any" if compiled else "host",
    )(body)


MatrixExponential = _function("MatrixExponential", _TYPES, "expm", "The exponential of each matrix.", True)
MatrixSquareRoot = _function("MatrixSquareRoot", _TYPES, "sqrtm", "The principal square root of each matrix.", True)
MatrixLogarithm = _function(
    "MatrixLogarithm", "{complex64|complex128}", "logm", "The principal logarithm of each matrix.", False
)


@MatrixExponential.grad
def _(node: Any, dy: Any) -> Any:
    """The upper right block of exp([[A^H, dY], [0, A^H]])."""
    a = adjoint(node.inputs[0])
    concat = later("ConcatV2")
    whole = MatrixExponential(concat([concat([a, dy], -1), concat([ZerosLike(a), a], -1)], -2))
    rank = len(a._dims) if a._dims is not None else None
    if rank is None or a._dims[-1] is None:
        raise ValueError("The gradient of MatrixExponential needs the sizes of the last two axes to be known.")
    n = a._dims[-1]
    return later("StridedSlice")(
        whole,
        [0] * (rank - 1) + [n],
        [0] * (rank - 2) + [n, 0],
        [1] * rank,
        begin_mask=2 ** (rank - 1) - 1,
        end_mask=2 ** (rank - 2) - 1 + 2 ** (rank - 1),
    )


@MatrixSquareRoot.grad
def _(node: Any, dy: Any) -> Any:
    """The Sylvester equation S^H X + X S^H = dY, solved with Kronecker products."""
    s = node.outputs[0]
    dims = s._dims
    if dims is None or dims[-1] is None:
        raise ValueError("The gradient of MatrixSquareRoot needs the sizes of the last two axes to be known.")
    n = dims[-1]
    eye = np.eye(n, dtype=s.dtype.array_dtype)
    st = adjoint(s)
    einsum = later("Einsum")
    left = einsum([st, eye], equation="...ij,kl->...ikjl")
    right = einsum([eye, st], equation="ij,...lk->...ikjl")
    batch = [-1 if d is None else d for d in dims[:-2]]
    system = later("Reshape")(AddV2(left, right), [*batch, n * n, n * n])
    solved = MatrixSolve(system, later("Reshape")(dy, [*batch, n * n, 1]))
    return later("Reshape")(solved, [*batch, n, n])
