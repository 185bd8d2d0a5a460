"""Rows of linear algebra."""

import numpy as np
import scipy.linalg as sl

from tests.ops.harness import Row, c, f, i

at = lambda *n: np.array(n if len(n) > 1 else n[0], np.int32)
zero = np.float32(0)


def spd(n, *batch):
    """Symmetric positive definite."""
    m = f(*batch, n, n)
    return (m @ np.swapaxes(m, -1, -2) + n * np.eye(n)).astype("f")


def full(n, *batch):
    """Well-conditioned."""
    return (f(*batch, n, n) + 2 * np.eye(n)).astype("f")


diag = lambda d: np.stack([np.diag(v) for v in d.reshape(-1, d.shape[-1])]).reshape(*d.shape, d.shape[-1])
ROWS = [
    Row("MatrixDiag", (f(2, 3),), ref=diag),
    Row("MatrixDiagV2", (f(2, 3), at(0), at(-1), at(-1), zero), ref=lambda d, *_: diag(d), stops=(4,)),
    Row("MatrixDiagV3", (f(3), at(1), at(-1), at(-1), zero), ref=lambda d, *_: np.diag(d, 1), stops=(4,)),
    Row(
        "MatrixDiagV3",
        (f(2), at(-1), at(3), at(4), np.float32(7)),
        grad=False,
        ref=lambda d, *_: np.where(np.eye(3, 4, -1) > 0, np.pad(np.diag(d, -1), ((0, 0), (0, 1))), 7),
    ),
    Row(
        "MatrixDiagV3",
        (np.array([[0, 8, 9], [1, 2, 3], [4, 5, 0]], "f"), at(-1, 1), at(-1), at(-1), zero),
        stops=(4,),
        ref=lambda d, *_: np.array([[1, 8, 0], [4, 2, 9], [0, 5, 3]], "f"),
    ),
    Row("MatrixDiagPart", (f(2, 3, 4),), ref=lambda m: np.diagonal(m, 0, -2, -1)),
    Row("MatrixDiagPartV2", (f(3, 4), at(1), zero), ref=lambda m, k, p: np.diagonal(m, 1)),
    Row("MatrixDiagPartV3", (f(2, 4, 3), at(-1), zero), ref=lambda m, k, p: np.diagonal(m, -1, -2, -1)),
    Row(
        "MatrixDiagPartV3",
        (np.arange(9, dtype="f").reshape(3, 3), at(-1, 1), np.float32(9)),
        stops=(2,),
        ref=lambda m, k, p: np.array([[9, 1, 5], [0, 4, 8], [3, 7, 9]], "f"),
    ),
    Row(
        "MatrixDiagPartV3",
        (np.arange(9, dtype="f").reshape(3, 3), at(-1, 1), np.float32(9)),
        stops=(2,),
        attrs={"align": "LEFT_RIGHT"},
        ref=lambda m, k, p: np.array([[1, 5, 9], [0, 4, 8], [9, 3, 7]], "f"),
    ),
    Row("MatrixSetDiag", (f(2, 3, 3), f(2, 3)), ref=lambda m, d: m * (1 - np.eye(3)) + diag(d)),
    Row(
        "MatrixSetDiagV2",
        (f(3, 4), f(3), at(1)),
        ref=lambda m, d, k: np.where(np.eye(3, 4, 1) > 0, np.eye(3, 4, 1) * d[:, None], m),
    ),
    Row(
        "MatrixSetDiagV3",
        (np.zeros((3, 3), "f"), np.array([[0, 8, 9], [1, 2, 3], [4, 5, 0]], "f"), at(-1, 1)),
        ref=lambda m, d, k: np.array([[1, 8, 0], [4, 2, 9], [0, 5, 3]], "f"),
    ),
    Row("MatrixBandPart", (f(2, 3, 4), at(1), at(0)), ref=lambda m, *_: np.tril(m) - np.tril(m, -2)),
    Row("MatrixBandPart", (i(4, 3), np.int64(-1), np.int64(1)), ref=lambda m, *_: np.tril(m, 1)),
    Row("Diag", (f(2, 3),), ref=lambda d: np.diag(d.ravel()).reshape(2, 3, 2, 3)),
    Row("Diag", (i(3),), ref=np.diag),
    Row("DiagPart", (f(2, 3, 2, 3),), ref=lambda m: np.diag(m.reshape(6, 6)).reshape(2, 3)),
    Row("DiagPart", (c(3, 3),), ref=np.diag),
]
_h = lambda m: np.swapaxes(m, -1, -2).conj()
_lower = lambda n, *b: np.tril(full(n, *b))
_unpivoted = np.array([[4.0, 1.0, 0.5], [1.0, 3.0, 0.25], [0.5, 1.0, 2.0]], "f")
F64 = ("float64",)
ROWS += [
    Row("Cholesky", (spd(3, 2),), ref=np.linalg.cholesky, grad=False, dtypes=F64, tol=1e-4),
    Row("Cholesky", (spd(2),), ref=np.linalg.cholesky, grad=False, dtypes=F64, tol=1e-4),
    Row("CholeskyGrad", (np.linalg.cholesky(spd(3)), f(3, 3)), tol=1e-4, dtypes=F64),
    Row("MatrixTriangularSolve", (_lower(3, 2), f(2, 3, 4)), ref=np.linalg.solve, tol=1e-4, dtypes=F64),
    Row(
        "MatrixTriangularSolve",
        (_h(_lower(3)), f(2, 3, 2)),
        {"lower": False},
        ref=np.linalg.solve,
        tol=1e-4,
        dtypes=F64,
    ),
    Row(
        "MatrixTriangularSolve",
        (_lower(3), f(3, 2)),
        {"adjoint": True},
        ref=lambda a, b: np.linalg.solve(a.T, b),
        tol=1e-4,
        dtypes=F64,
    ),
    Row("MatrixSolve", (full(3, 2), f(2, 3, 4)), ref=np.linalg.solve, tol=1e-4, dtypes=F64),
    Row(
        "MatrixSolve",
        (full(3), f(3, 2)),
        {"adjoint": True},
        ref=lambda a, b: np.linalg.solve(a.T, b),
        tol=1e-4,
        dtypes=F64,
    ),
    Row("MatrixInverse", (full(3, 2),), ref=np.linalg.inv, tol=1e-4, dtypes=F64),
    Row("MatrixInverse", (full(2),), {"adjoint": True}, ref=lambda a: np.linalg.inv(a.T), tol=1e-4, dtypes=F64),
    Row("MatrixDeterminant", (full(3, 2),), ref=np.linalg.det, tol=1e-4, dtypes=F64),
    Row("LogMatrixDeterminant", (full(3, 2),), ref=np.linalg.slogdet, tol=1e-4, dtypes=F64),
    Row("Lu", (_unpivoted,), ref=lambda a: (sl.lu_factor(a)[0], np.arange(3)), tol=1e-4, dtypes=F64),
    Row("Lu", (full(3, 2)[:, ::-1].copy(),), {"output_idx_type": "int64"}, tol=1e-4, dtypes=F64),
    Row("Qr", (f(4, 3),), ref=np.linalg.qr, tol=1e-4, dtypes=F64),
    Row("Qr", (f(2, 3, 3),), ref=lambda a: tuple(map(np.stack, zip(*map(np.linalg.qr, a)))), tol=1e-4, dtypes=F64),
    Row("Qr", (f(4, 2),), {"full_matrices": True}, grad=False, tol=1e-4, dtypes=F64),
    Row(
        "SelfAdjointEigV2",
        (spd(3, 2),),
        {"compute_v": False},
        ref=lambda a: [np.linalg.eigvalsh(a), np.zeros(0)],
        grad=False,
        tol=1e-4,
        dtypes=F64,
    ),
    Row("SelfAdjointEigV2", (spd(3),), grad=False, checks=False, dtypes=F64),
    Row("SelfAdjointEig", (spd(3),), checks=False, dtypes=F64),
    Row("Eig", (full(3),), {"Tout": "complex64"}, grad=False, checks=False, dtypes=()),
    Row("Eig", (full(3),), {"Tout": "complex64", "compute_v": False}, grad=False, checks=False, dtypes=()),
    Row(
        "Svd",
        (f(4, 3),),
        {"compute_uv": False},
        ref=lambda a: [np.linalg.svd(a, compute_uv=False), np.zeros(0), np.zeros(0)],
        tol=1e-4,
        dtypes=F64,
        second=False,
    ),
    Row("Svd", (f(2, 3, 4),), checks=False, grad=False, dtypes=F64),
    Row("Svd", (f(3, 4),), {"full_matrices": True}, checks=False, grad=False, dtypes=F64),
    Row(
        "MatrixSolveLs",
        (f(5, 3), f(5, 2), np.float64(0)),
        ref=lambda a, b, l: np.linalg.lstsq(a, b, rcond=None)[0],
        tol=1e-3,
        dtypes=F64,
    ),
    Row(
        "MatrixSolveLs",
        (f(2, 3), f(2, 1), np.float64(0.5)),
        ref=lambda a, b, l: a.T @ np.linalg.solve(a @ a.T + 0.5 * np.eye(2), b),
        tol=1e-3,
        dtypes=F64,
    ),
    Row(
        "MatrixSolveLs",
        (f(5, 3), f(5, 2), np.float64(0)),
        {"fast": False},
        ref=lambda a, b, l: np.linalg.lstsq(a, b, rcond=None)[0],
        tol=1e-3,
        dtypes=F64,
    ),
    Row("MatrixExponential", (f(3, 3),), ref=sl.expm, tol=1e-4, dtypes=F64),
    Row("MatrixExponential", (f(2, 2, 2),), ref=lambda a: np.stack([sl.expm(m) for m in a]), tol=1e-4, dtypes=F64),
    Row("MatrixSquareRoot", (spd(3),), ref=sl.sqrtm, tol=1e-3, grad=False, dtypes=F64),
    Row("MatrixLogarithm", (spd(3).astype(np.complex64),), ref=sl.logm, tol=1e-3),
    Row("Einsum", ([f(2, 3), f(3, 4)],), {"equation": "ij,jk->ik"}, ref=lambda v: np.einsum("ij,jk->ik", *v)),
    Row("Einsum", ([f(2, 3, 4), f(4, 5)],), {"equation": "...i,io->...o"}, ref=lambda v: v[0] @ v[1]),
    Row("Einsum", ([f(2, 3, 3)],), {"equation": "bii->b"}, ref=lambda v: np.einsum("bii->b", *v)),
    Row("Einsum", ([f(2, 3)],), {"equation": "ij->j"}, ref=lambda v: v[0].sum(0)),
    Row("Einsum", ([f(2, 3, 4)],), {"equation": "a...b->b...a"}, ref=lambda v: v[0].transpose(2, 1, 0)),
    Row("Einsum", ([f(1, 2, 3), f(4, 3, 2)],), {"equation": "...ij,...jk->...ik"}, ref=lambda v: v[0] @ v[1]),
    Row("Einsum", ([f(3), f(4)],), {"equation": "i,j->ij"}, ref=lambda v: np.outer(*v)),
    Row("Einsum", ([f(2, 3), f(2, 3)],), {"equation": "ij,ij->"}, ref=lambda v: np.sum(v[0] * v[1])),
    Row("Einsum", ([f(2, 3), f(4, 5)],), {"equation": "ij,kl->k"}, ref=lambda v: v[0].sum() * v[1].sum(1), tol=1e-4),
    Row("Einsum", ([f(3, 3), f(3)],), {"equation": "ii,i->i"}, ref=lambda v: np.diag(v[0]) * v[1]),
]
