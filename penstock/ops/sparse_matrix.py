"""CSR sparse matrices as variant values, alone or in batches, and their algebra."""

from typing import Any

import numpy as np

from penstock.base.errors import InvalidArgumentError, UnimplementedError
from penstock.base.shape import as_text
from penstock.ir.op import find, op
from penstock.ops.families import later

_TYPES = "type: {float32|float64|complex64|complex128}"
_T = "T: {float32|float64|complex64|complex128}"


def _bad(message: str) -> InvalidArgumentError:
    return InvalidArgumentError(None, None, message)


class CSRMatrix:
    """One SciPy CSR matrix, or a list of them of one shape."""

    __slots__ = ("parts", "batch", "dtype")

    def __init__(self, parts: list[Any], batch: int | None, dtype: Any):
        self.parts, self.batch, self.dtype = parts, batch, np.dtype(dtype)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.parts[0].shape if self.batch is None else (self.batch, *(self.parts[0].shape if self.parts else (0, 0)))

    def signature(self) -> str:
        """What a plan may depend on."""
        return "csr matrix"

    def each(self, change: Any) -> "CSRMatrix":
        return CSRMatrix([_csr(change(p), self.dtype) for p in self.parts], self.batch, self.dtype)

    def dense(self) -> np.ndarray:
        if self.batch is None:
            return np.asarray(self.parts[0].toarray(), self.dtype)
        return np.stack([p.toarray() for p in self.parts]).astype(self.dtype) if self.parts else np.zeros(self.shape, self.dtype)


def _csr(part: Any, dtype: Any) -> Any:
    from scipy.sparse import csr_matrix

    made = csr_matrix(part, dtype=dtype)
    made.sort_indices()
    return made


def _of(handle: Any, dtype: Any = None, what: str = "sparse matrix") -> CSRMatrix:
    value = handle[()] if isinstance(handle, np.ndarray) and handle.ndim == 0 else handle
    if not isinstance(value, CSRMatrix):
        raise _bad(f"The {what} is not a CSRSparseMatrix but {type(value).__name__}")
    if dtype is not None and value.dtype != dtype.array_dtype:
        raise _bad(f"Asked for a CSRSparseMatrix of type {dtype.name} but saw dtype: {value.dtype}")
    return value


def _from_coordinates(indices: np.ndarray, values: np.ndarray, dims: Any) -> CSRMatrix:
    from scipy.sparse import coo_matrix

    dims = [int(d) for d in dims]
    if len(dims) not in (2, 3):
        raise _bad(f"sparse_matrix must be rank 2 or 3, got dense_shape {dims}")
    if min(dims) < 0 or max(dims) >= 2**31:
        raise _bad(f"dense_shape {dims} must be positive and fit in an int32")
    if dims[-2] > 1 << 27 or len(dims) == 3 and dims[0] > 1 << 20:
        raise _bad(f"dense_shape {dims} has more rows than memory is asked for")
    if indices.ndim != 2 or indices.shape[1] != len(dims) or values.ndim != 1 or len(values) != len(indices):
        raise _bad(f"indices {as_text(indices.shape)} and values {as_text(values.shape)} do not fit dense_shape {dims}")
    if indices.size and (indices.min() < 0 or (indices >= np.array(dims)).any()):
        raise _bad(f"An index is outside of dense_shape {dims}")
    if len(dims) == 2:
        return CSRMatrix([_csr(coo_matrix((values, (indices[:, 0], indices[:, 1])), dims), values.dtype)], None, values.dtype)
    parts = []
    for b in range(dims[0]):
        here = indices[:, 0] == b
        parts.append(_csr(coo_matrix((values[here], (indices[here, 1], indices[here, 2])), dims[1:]), values.dtype))
    return CSRMatrix(parts, dims[0], values.dtype)


def _coordinates(m: CSRMatrix) -> tuple[np.ndarray, np.ndarray]:
    rows: list[np.ndarray] = []
    for b, p in enumerate(m.parts):
        at = np.stack([np.repeat(np.arange(p.shape[0]), np.diff(p.indptr)), p.indices], 1).astype(np.int64)
        rows.append(at if m.batch is None else np.concatenate([np.full((len(at), 1), b, np.int64), at], 1))
    values = [np.asarray(p.data, m.dtype) for p in m.parts]
    rank = 2 if m.batch is None else 3
    return np.concatenate(rows) if rows else np.zeros((0, rank), np.int64), np.concatenate(values) if values else np.zeros(0, m.dtype)


def csr(text: str, shape: Any) -> Any:
    """Declare an op of CSR matrices: it runs on the host."""
    return op(text, where="host", shape=shape)


_scalar = lambda *_, **__: ()


# -- to and fro --------------------------------------------------------------------------------------------------------
@csr(f"SparseTensorToCSRSparseMatrix(indices: int64, values: T, dense_shape: int64, *, {_T}) -> sparse_matrix: variant", _scalar)
def SPARSE_TENSOR_TO_CSR_SPARSE_MATRIX(xp, indices, values, dense_shape):
    """The CSR matrix (or batch of them) of a SparseTensor."""
    return _from_coordinates(np.asarray(indices), np.asarray(values), np.asarray(dense_shape).reshape(-1))


@csr(f"DenseToCSRSparseMatrix(dense_input: T, indices: int64, *, {_T}) -> sparse_output: variant", _scalar)
def DENSE_TO_CSR_SPARSE_MATRIX(xp, dense_input, indices):
    """The CSR matrix of the elements of a dense one at `indices`."""
    if dense_input.ndim not in (2, 3):
        raise _bad(f"dense_input must be rank 2 or 3, got shape {as_text(dense_input.shape)}")
    if indices.ndim != 2 or indices.shape[1] != dense_input.ndim:
        raise _bad(f"indices must be a matrix of {dense_input.ndim} columns, got shape {as_text(indices.shape)}")
    if indices.size and ((indices < 0) | (indices >= np.array(dense_input.shape))).any():
        raise _bad(f"An index is outside of dense_input {as_text(dense_input.shape)}")
    return _from_coordinates(indices, np.asarray(dense_input)[tuple(indices.T)], dense_input.shape)


@csr(f"CSRSparseMatrixToDense(sparse_input: variant, *, {_TYPES}) -> dense_output: type", lambda *_: None)
def CSR_SPARSE_MATRIX_TO_DENSE(xp, sparse_input, *, type):  # noqa: A002
    """The dense matrix."""
    m = _of(sparse_input, type)
    if np.prod(m.shape, dtype=object) > 1 << 31:
        raise _bad(f"A dense matrix of shape {as_text(m.shape)} is more than memory is asked for")
    return m.dense()


@csr(f"CSRSparseMatrixToSparseTensor(sparse_matrix: variant, *, {_TYPES}) -> (indices: int64, values: type, dense_shape: int64)", lambda *_: ((None, None), (None,), (None,)))
def CSR_SPARSE_MATRIX_TO_SPARSE_TENSOR(xp, sparse_matrix, *, type):  # noqa: A002
    """The parts of a SparseTensor."""
    m = _of(sparse_matrix, type)
    return *_coordinates(m), np.array(m.shape, np.int64)


@csr(f"CSRSparseMatrixComponents(csr_sparse_matrix: variant, index: int32, *, {_TYPES}) -> (row_ptrs: int32, col_inds: int32, values: type)",
     lambda *_: ((None,), (None,), (None,)))  # fmt: skip
def CSR_SPARSE_MATRIX_COMPONENTS(xp, csr_sparse_matrix, index, *, type):  # noqa: A002
    """Row pointers, column indices and values of one matrix of the batch."""
    m = _of(csr_sparse_matrix, type)
    if index.ndim:
        raise _bad(f"index should be a scalar, but saw: {as_text(index.shape)}")
    if not 0 <= int(index) < len(m.parts):
        raise _bad(f"index ({int(index)}) not in [0, {len(m.parts)})")
    p = m.parts[int(index)]
    return p.indptr.astype(np.int32), p.indices.astype(np.int32), np.asarray(p.data, m.dtype)


@csr("SparseMatrixNNZ(sparse_matrix: variant) -> nnz: int32", lambda *_: None)
def SPARSE_MATRIX_NNZ(xp, sparse_matrix):
    """How many elements are stored, of each matrix of the batch."""
    m = _of(sparse_matrix)
    counts = np.array([p.nnz for p in m.parts], np.int32)
    return counts[0] if m.batch is None else counts


@csr(f"SparseMatrixZeros(dense_shape: int64, *, {_TYPES}) -> sparse_matrix: variant", _scalar)
def SPARSE_MATRIX_ZEROS(xp, dense_shape, *, type):  # noqa: A002
    """A matrix in which nothing is stored."""
    dims = np.asarray(dense_shape).reshape(-1)
    return _from_coordinates(np.zeros((0, dims.size), np.int64), np.zeros(0, type.array_dtype), dims)


# -- algebra -----------------------------------------------------------------------------------------------------------
@csr(f"SparseMatrixAdd(a: variant, b: variant, alpha: T, beta: T, *, {_T}) -> c: variant", _scalar)
def SPARSE_MATRIX_ADD(xp, a, b, alpha, beta, *, T):  # noqa: N803
    """alpha * a + beta * b."""
    a, b = _of(a, T, "a"), _of(b, T, "b")
    if alpha.ndim or beta.ndim:
        raise _bad("alpha and beta must be scalars")
    if a.shape != b.shape:
        raise _bad(f"a and b must have one shape, got {as_text(a.shape)} and {as_text(b.shape)}")
    return CSRMatrix([_union(p, q, alpha, beta, a.dtype) for p, q in zip(a.parts, b.parts)], a.batch, a.dtype)


def _union(p: Any, q: Any, alpha: Any, beta: Any, dtype: Any) -> Any:
    """The sum where either stores something, zeros included."""
    from scipy.sparse import coo_matrix

    rows = lambda m: np.repeat(np.arange(m.shape[0]), np.diff(m.indptr))
    made = coo_matrix((np.concatenate([p.data * alpha, q.data * beta]), (np.concatenate([rows(p), rows(q)]), np.concatenate([p.indices, q.indices]))), p.shape)
    return _csr(made, dtype)


def _turned(p: Any, transpose: bool, adjoint: bool) -> Any:
    return p.conj().T if adjoint else p.T if transpose else p


def _flags(name: str, transpose: bool, adjoint: bool) -> None:
    if transpose and adjoint:
        raise _bad(f"Only one of adjoint_{name} and transpose_{name} may be true.")


@csr("SparseMatrixMatMul(a: variant, b: T, *, T: type, adjoint_a: bool = False, adjoint_b: bool = False, conjugate_output: bool = False, "
     "transpose_a: bool = False, transpose_b: bool = False, transpose_output: bool = False) -> output: T", None)  # fmt: skip
def SPARSE_MATRIX_MAT_MUL(xp, a, b, *, T, adjoint_a, adjoint_b, conjugate_output, transpose_a, transpose_b, transpose_output):  # noqa: N803
    """The dense product of a sparse and a dense matrix, each possibly transposed."""
    m = _of(a, T, "a")
    _flags("a", transpose_a, adjoint_a)
    _flags("b", transpose_b, adjoint_b)
    if b.ndim not in (2, 3) or (b.ndim == 3) != (m.batch is not None):
        raise _bad(f"The ranks of a {as_text(m.shape)} and b {as_text(b.shape)} must be equal, 2 or 3")
    rows = np.asarray(b)[None] if m.batch is None else np.asarray(b)
    if len(rows) != len(m.parts):
        raise _bad(f"a has {len(m.parts)} matrices, b {len(rows)}")
    found = []
    for p, dense in zip(m.parts, rows):
        p, dense = _turned(p, transpose_a, adjoint_a), _turned(dense, transpose_b, adjoint_b)
        if p.shape[1] != dense.shape[0]:
            raise _bad(f"Matrix size incompatible: In[0]: {as_text(m.shape)}, In[1]: {as_text(b.shape)}")
        out = np.asarray(p @ dense)
        out = out.T if transpose_output else out
        found.append((out.conj() if conjugate_output else out).astype(m.dtype))
    return found[0] if m.batch is None else np.stack(found) if found else np.zeros((0, 0, 0), m.dtype)


@SPARSE_MATRIX_MAT_MUL.shape
def _(a: Any, b: Any, **_: Any) -> Any:
    return None if b.shape is None else (None,) * len(b.shape)


@csr(f"SparseMatrixSparseMatMul(a: variant, b: variant, *, adjoint_a: bool = False, adjoint_b: bool = False, transpose_a: bool = False, transpose_b: bool = False, "
     f"{_TYPES}) -> c: variant", _scalar)  # fmt: skip
def SPARSE_MATRIX_SPARSE_MAT_MUL(xp, a, b, *, adjoint_a, adjoint_b, transpose_a, transpose_b, type):  # noqa: A002
    """The sparse product of two sparse matrices."""
    a, b = _of(a, type, "a"), _of(b, type, "b")
    _flags("a", transpose_a, adjoint_a)
    _flags("b", transpose_b, adjoint_b)
    if (a.batch is None) != (b.batch is None) or len(a.parts) != len(b.parts):
        raise _bad(f"a {as_text(a.shape)} and b {as_text(b.shape)} must have one batch size")
    parts = []
    for p, q in zip(a.parts, b.parts):
        p, q = _turned(p, transpose_a, adjoint_a), _turned(q, transpose_b, adjoint_b)
        if p.shape[1] != q.shape[0]:
            raise _bad(f"Inner dimensions of the matrix product do not agree: {as_text(a.shape)} and {as_text(b.shape)}")
        parts.append(_csr(p @ q, a.dtype))
    return CSRMatrix(parts, a.batch, a.dtype)


@csr("SparseMatrixMul(a: variant, b: T, *, T: type) -> output: variant", _scalar)
def SPARSE_MATRIX_MUL(xp, a, b, *, T):  # noqa: N803
    """A sparse matrix times a scalar, or times one scalar [batch, 1, 1] for each matrix of the batch."""
    m = _of(a, T, "a")
    if b.ndim == 0:
        return m.each(lambda p: p * b)
    if m.batch is None or b.ndim != 3 or b.shape[1:] != (1, 1):
        raise UnimplementedError(None, None, f"Only a scalar, or a rank-3 tensor shaped [batch_size, 1, 1], multiplies a CSRSparseMatrix, got shape {as_text(b.shape)}")
    if len(b) != m.batch:
        raise _bad(f"a has {m.batch} matrices, b {len(b)}")
    return CSRMatrix([_csr(p * s, m.dtype) for p, s in zip(m.parts, b.reshape(-1))], m.batch, m.dtype)


@csr(f"SparseMatrixTranspose(input: variant, *, conjugate: bool = False, {_TYPES}) -> output: variant", _scalar)
def SPARSE_MATRIX_TRANSPOSE(xp, input, *, conjugate, type):  # noqa: A002
    """The transpose of each matrix."""
    return _of(input, type).each(lambda p: _turned(p, True, conjugate))


def _softmax(p: Any) -> Any:
    out = p.copy()
    for i in range(p.shape[0]):
        here = slice(p.indptr[i], p.indptr[i + 1])
        row = p.data[here]
        if row.size:
            e = np.exp(row - row.max())
            out.data[here] = e / e.sum()
    return out


@csr("SparseMatrixSoftmax(logits: variant, *, type: {float32|float64}) -> softmax: variant", _scalar)
def SPARSE_MATRIX_SOFTMAX(xp, logits, *, type):  # noqa: A002
    """The softmax of what each row stores."""
    return _of(logits, type, "logits").each(_softmax)


@csr("SparseMatrixSoftmaxGrad(softmax: variant, grad_softmax: variant, *, type: {float32|float64}) -> gradient: variant", _scalar)
def SPARSE_MATRIX_SOFTMAX_GRAD(xp, softmax, grad_softmax, *, type):  # noqa: A002
    """The gradient of the softmax of rows, where the softmax stores something."""
    y, dy = _of(softmax, type, "softmax"), _of(grad_softmax, type, "grad_softmax")
    if y.shape != dy.shape:
        raise _bad(f"softmax {as_text(y.shape)} and grad_softmax {as_text(dy.shape)} must have one shape")

    def one(p: Any, q: Any) -> Any:
        out = p.copy()
        for i in range(p.shape[0]):
            here, there = slice(p.indptr[i], p.indptr[i + 1]), slice(q.indptr[i], q.indptr[i + 1])
            given = dict(zip(q.indices[there].tolist(), q.data[there]))
            g = np.array([given.get(c, 0) for c in p.indices[here].tolist()], y.dtype)
            out.data[here] = p.data[here] * (g - (p.data[here] * g).sum())
        return out

    return CSRMatrix([_csr(one(p, q), y.dtype) for p, q in zip(y.parts, dy.parts)], y.batch, y.dtype)


@csr("SparseMatrixOrderingAMD(input: variant) -> output: int32", lambda *_: None)
def SPARSE_MATRIX_ORDERING_AMD(xp, input):  # noqa: A002
    """A permutation of the rows of each matrix that keeps its Cholesky factor sparse: the row of least degree goes first."""
    m = _of(input)
    if m.shape[-1] != m.shape[-2]:
        raise _bad(f"sparse matrix must be square, got shape {as_text(m.shape)}")
    found = [_least_degree(p) for p in m.parts]
    return found[0] if m.batch is None else np.stack(found)


def _least_degree(p: Any) -> np.ndarray:
    near: dict[int, set[int]] = {i: set() for i in range(p.shape[0])}
    for i, j in zip(*p.nonzero()):
        if i != j:
            near[int(i)].add(int(j))
            near[int(j)].add(int(i))
    order = []
    while near:
        i = min(near, key=lambda k: (len(near[k]), k))
        around = near.pop(i)
        for j in around:
            near[j] |= around - {j}
            near[j].discard(i)
        order.append(i)
    return np.array(order, np.int32)


@csr(f"SparseMatrixSparseCholesky(input: variant, permutation: int32, *, {_TYPES}) -> output: variant", _scalar)
def SPARSE_MATRIX_SPARSE_CHOLESKY(xp, input, permutation, *, type):  # noqa: A002
    """The lower Cholesky factor of each matrix, its rows and columns in the order of `permutation`."""
    m = _of(input, type)
    n = m.shape[-1]
    if m.shape[-2] != n:
        raise _bad(f"sparse matrix must be square, got shape {as_text(m.shape)}")
    if permutation.shape != m.shape[:-1]:
        raise _bad(f"permutation must have shape {as_text(m.shape[:-1])}, got {as_text(permutation.shape)}")
    parts = []
    for p, order in zip(m.parts, permutation.reshape(-1, n)):
        if sorted(order.tolist()) != list(range(n)):
            raise _bad("permutation must hold each row once")
        dense = p.toarray()[np.ix_(order, order)]
        try:
            factor = np.linalg.cholesky(np.tril(dense) + np.tril(dense, -1).conj().T)
        except np.linalg.LinAlgError:
            raise _bad("Sparse Cholesky factorization failed! The input is not positive definite") from None
        parts.append(_csr(factor, m.dtype))
    return CSRMatrix(parts, m.batch, m.dtype)


# -- gradients ---------------------------------------------------------------------------------------------------------
_GatherNd, _ScatterNd, _MatMul = later("GatherNd"), later("ScatterNd"), later("BatchMatMulV2")


@SPARSE_TENSOR_TO_CSR_SPARSE_MATRIX.grad
def _(node: Any, dm: Any) -> Any:
    indices, values, dims = node._inputs
    at, found, _ = CSR_SPARSE_MATRIX_TO_SPARSE_TENSOR(dm, type=values.dtype)
    dense = _ScatterNd(at, found, dims)
    return None, _GatherNd(dense, indices), None


@CSR_SPARSE_MATRIX_TO_SPARSE_TENSOR.grad
def _(node: Any, _: Any, dv: Any, __: Any) -> Any:
    return SPARSE_TENSOR_TO_CSR_SPARSE_MATRIX(node.outputs[0], dv, node.outputs[2])


@DENSE_TO_CSR_SPARSE_MATRIX.grad
def _(node: Any, dm: Any) -> Any:
    return CSR_SPARSE_MATRIX_TO_DENSE(dm, type=node.attrs["T"]), None


@CSR_SPARSE_MATRIX_TO_DENSE.grad
def _(node: Any, dy: Any) -> Any:
    indices = CSR_SPARSE_MATRIX_TO_SPARSE_TENSOR(node._inputs[0], type=node.attrs["type"])[0]
    return DENSE_TO_CSR_SPARSE_MATRIX(dy, indices)


@SPARSE_MATRIX_ADD.grad
def _(node: Any, dc: Any) -> Any:
    _, _, alpha, beta = node._inputs
    conj = later("Conj") if node.attrs["T"].is_complex else lambda x: x
    return SPARSE_MATRIX_MUL(dc, conj(alpha)), SPARSE_MATRIX_MUL(dc, conj(beta)), None, None


@SPARSE_MATRIX_TRANSPOSE.grad
def _(node: Any, dy: Any) -> Any:
    return SPARSE_MATRIX_TRANSPOSE(dy, conjugate=node.attrs["conjugate"], type=node.attrs["type"])


@SPARSE_MATRIX_SOFTMAX.grad
def _(node: Any, dy: Any) -> Any:
    return SPARSE_MATRIX_SOFTMAX_GRAD(node.outputs[0], dy, type=node.attrs["type"])


@SPARSE_MATRIX_MAT_MUL.grad
def _(node: Any, dy: Any) -> Any:
    a, b = node._inputs
    kind, flags = node.attrs["T"], node.attrs
    if flags["conjugate_output"] and kind.is_complex:
        dy = later("Conj")(dy)
    turn = lambda x: later("ConjugateTranspose")(x, _last_two(x)) if kind.is_complex else later("Transpose")(x, _last_two(x))
    if flags["transpose_output"]:
        dy = later("Transpose")(dy, _last_two(dy))
    indices = CSR_SPARSE_MATRIX_TO_SPARSE_TENSOR(a, type=kind)[0]
    b_used = _applied(b, flags["transpose_b"], flags["adjoint_b"])
    d_a = _MatMul(dy, turn(b_used))  # of a as it was used
    d_a = _applied(d_a, flags["transpose_a"], flags["adjoint_a"])
    d_b = SPARSE_MATRIX_MAT_MUL(_conjugated(a, kind) if flags["transpose_a"] else a, dy, adjoint_a=not (flags["transpose_a"] or flags["adjoint_a"]))
    return DENSE_TO_CSR_SPARSE_MATRIX(d_a, indices), _applied(d_b, flags["transpose_b"], flags["adjoint_b"])


def _last_two(x: Any) -> np.ndarray:
    rank = len(x._dims)
    return np.array([*range(rank - 2), rank - 1, rank - 2], np.int32)


def _applied(x: Any, transpose: bool, adjoint: bool) -> Any:
    if adjoint:
        return later("ConjugateTranspose")(x, _last_two(x))
    return later("Transpose")(x, _last_two(x)) if transpose else x


def _conjugated(a: Any, kind: Any) -> Any:
    if not kind.is_complex:
        return a
    return SPARSE_MATRIX_TRANSPOSE(SPARSE_MATRIX_TRANSPOSE(a, conjugate=True, type=kind), type=kind)


@SPARSE_MATRIX_SPARSE_MAT_MUL.grad
def _(node: Any, dc: Any) -> Any:
    a, b = node._inputs
    kind, flags = node.attrs["type"], node.attrs
    product = SPARSE_MATRIX_SPARSE_MAT_MUL
    if flags["transpose_a"] or flags["adjoint_a"] or flags["transpose_b"] or flags["adjoint_b"]:
        turn = lambda x, t, j: SPARSE_MATRIX_TRANSPOSE(x, conjugate=j, type=kind) if t or j else x
        used_a, used_b = turn(a, flags["transpose_a"], flags["adjoint_a"]), turn(b, flags["transpose_b"], flags["adjoint_b"])
        d_a = turn(product(dc, used_b, adjoint_b=True, type=kind), flags["transpose_a"], flags["adjoint_a"])
        d_b = turn(product(used_a, dc, adjoint_a=True, type=kind), flags["transpose_b"], flags["adjoint_b"])
    else:
        d_a, d_b = product(dc, b, adjoint_b=True, type=kind), product(a, dc, adjoint_a=True, type=kind)
    return _masked(d_a, a, kind), _masked(d_b, b, kind)


def _masked(gradient: Any, like: Any, kind: Any) -> Any:
    """The gradient where `like` stores something."""
    indices = CSR_SPARSE_MATRIX_TO_SPARSE_TENSOR(like, type=kind)[0]
    return DENSE_TO_CSR_SPARSE_MATRIX(CSR_SPARSE_MATRIX_TO_DENSE(gradient, type=kind), indices)


@SPARSE_MATRIX_MUL.grad
def _(node: Any, dy: Any) -> Any:
    a, b = node._inputs
    kind = node.attrs["T"]
    conj = later("Conj") if kind.is_complex else lambda x: x
    found = CSR_SPARSE_MATRIX_TO_DENSE(dy, type=kind) * conj(CSR_SPARSE_MATRIX_TO_DENSE(a, type=kind))
    whole = b._dims == ()
    total = find("Sum")(found, find("Range")(0, find("Rank")(found), 1) if whole else np.array([-2, -1], np.int32), keep_dims=not whole)
    return SPARSE_MATRIX_MUL(dy, conj(b)), total


for _one in (SPARSE_MATRIX_NNZ, SPARSE_MATRIX_ZEROS, SPARSE_MATRIX_ORDERING_AMD):
    _one.no_grad()
