"""Linear operators of one matrix: full, triangular, diagonal, identity, zero, permutations, reflections, bands."""

from typing import Any

import numpy as np

from penstock.base import dtypes
from penstock.base.dtypes import as_dtype
from penstock.base.export import export
from penstock.base.shape import TensorShape, broadcast
from penstock.ir import door
from penstock.ir.known import known_dims, known_value
from penstock.ops import decompositions as ops
from penstock.ops.diagonals import MatrixBandPart, matrix_diag, matrix_diag_part
from penstock.ops.families import conj, later
from penstock.ops.matmul import matmul
from penstock.ops.tridiagonal import _compact, tridiagonal_matmul, tridiagonal_solve
from penstock.state.linear_operator import LinearOperator, make_composite_tensor, real, same_batch
from penstock.state.linear_operator_parts import Held, is_ref

Mul, Sub, RealDiv, ExpandDims, Sum = later("Mul"), later("Sub"), later("RealDiv"), later("ExpandDims"), later("Sum")
FLOATS = ("float16", "float32", "float64", "complex64", "complex128")


def _hints(values: dict[str, Any]) -> dict[str, Any]:
    """The hints among a constructor's arguments."""
    return {k: values[k] for k in ("is_non_singular", "is_self_adjoint", "is_positive_definite", "is_square")}


def _tensor(value: Any, name: str, dtype: Any = None) -> Any:
    """The argument as a tensor; what may change between calls stays what it is, and is read when it is used."""
    out = value if is_ref(value) else door.convert(value, dtype, name)
    found = as_dtype(out.dtype).base_dtype
    if found.name not in FLOATS:
        raise TypeError(f"Argument `{name}` must have dtype in {list(FLOATS)}. Found: {found.name}")
    if dtype is not None and found is not dtype:
        raise ValueError(f"Argument `{name}` must have dtype {dtype.name}. Found: {found.name}")
    return out


def _column(x: Any) -> Any:
    return ExpandDims(x, -1)


def _product(x: Any) -> Any:
    return later("Prod")(x, [-1])


def _log_sum(x: Any) -> Any:
    size = later("ComplexAbs")(x, Tout=x.dtype.real_dtype) if x.dtype.is_complex else later("Abs")(x)
    return Sum(later("Log")(size), [-1])


@export("linalg.LinearOperatorFullMatrix")
@make_composite_tensor
class LinearOperatorFullMatrix(LinearOperator):
    """A dense matrix [..., m, n]."""

    _matrix = Held()

    def __init__(self, matrix: Any, is_non_singular: Any = None, is_self_adjoint: Any = None, is_positive_definite: Any = None,
                 is_square: Any = None, name: str = "LinearOperatorFullMatrix"):  # fmt: skip
        given = locals()
        self._matrix = _tensor(matrix, "matrix")
        dims = self._held_dims("_matrix")
        if dims is not None and len(dims) < 2:
            raise ValueError(f"Argument `matrix` must have at least 2 dimensions. Found: {self._matrix}")
        super().__init__(self._raw("_matrix").dtype, name=name, parameters=_parameters(given), **_hints(given))

    matrix = property(lambda self: self._raw("_matrix"))

    def _shape(self) -> TensorShape:
        return TensorShape(self._held_dims("_matrix"))

    def _to_dense(self) -> Any:
        return self._matrix


def _parameters(given: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in given.items() if k not in ("self", "__class__")}


@export("linalg.LinearOperatorLowerTriangular")
@make_composite_tensor
class LinearOperatorLowerTriangular(LinearOperator):
    """A lower triangular matrix; what stands above its diagonal is ignored."""

    _tril = Held()

    def __init__(self, tril: Any, is_non_singular: Any = None, is_self_adjoint: Any = None, is_positive_definite: Any = None,
                 is_square: Any = None, name: str = "LinearOperatorLowerTriangular"):  # fmt: skip
        if is_square is False:
            raise ValueError("Only square lower triangular operators supported at this time.")
        is_square = True
        given = locals()
        self._tril = _tensor(tril, "tril")
        super().__init__(self._raw("_tril").dtype, name=name, parameters=_parameters(given), **_hints(given))

    tril = property(lambda self: self._raw("_tril"))

    def _shape(self) -> TensorShape:
        return TensorShape(self._held_dims("_tril"))

    def _to_dense(self) -> Any:
        return MatrixBandPart(self._tril, -1, 0)

    def _get_tril(self) -> Any:
        return self._to_dense()

    def _get_diag(self) -> Any:
        return matrix_diag_part(self._tril)

    def _solve(self, rhs: Any, adjoint: bool = False) -> Any:
        return ops.MatrixTriangularSolve(*same_batch(self._tril, rhs), lower=True, adjoint=adjoint)

    def _determinant(self) -> Any:
        return _product(self._get_diag())

    def _log_abs_determinant(self) -> Any:
        return _log_sum(self._get_diag())

    def _eigvals(self) -> Any:
        return self._get_diag()


@export("linalg.LinearOperatorDiag")
@make_composite_tensor
class LinearOperatorDiag(LinearOperator):
    """A diagonal matrix, given by its diagonal [..., n]."""

    _diag = Held()

    def __init__(self, diag: Any, is_non_singular: Any = None, is_self_adjoint: Any = None, is_positive_definite: Any = None,
                 is_square: Any = None, name: str = "LinearOperatorDiag"):  # fmt: skip
        given = locals()
        self._diag = _tensor(diag, "diag")
        if self._held_dims("_diag") == ():
            raise ValueError(f"Argument `diag` must have at least 1 dimension. Found: {self._diag}")
        if not as_dtype(self._raw("_diag").dtype).is_complex:
            if is_self_adjoint is False:
                raise ValueError("A real diagonal operator is always self adjoint.")
            given["is_self_adjoint"] = True
        if is_square is False:
            raise ValueError("Only square diagonal operators currently supported.")
        given["is_square"] = True
        super().__init__(self._raw("_diag").dtype, name=name, parameters=_parameters(given), **_hints(given))

    diag = property(lambda self: self._raw("_diag"))

    def _shape(self) -> TensorShape:
        dims = self._held_dims("_diag")
        return TensorShape(None) if dims is None else TensorShape([*dims, dims[-1]])

    def _to_dense(self) -> Any:
        return matrix_diag(self._diag)

    def _matmul(self, x: Any, adjoint: bool = False) -> Any:
        return Mul(_column(conj(self._diag) if adjoint else self._diag), x)

    def _solve(self, rhs: Any, adjoint: bool = False) -> Any:
        return RealDiv(rhs, _column(conj(self._diag) if adjoint else self._diag))

    def _determinant(self) -> Any:
        return _product(self._diag)

    def _log_abs_determinant(self) -> Any:
        return _log_sum(self._diag)

    def _diag_part(self) -> Any:
        return self._diag

    def _trace(self) -> Any:
        return Sum(self._diag, [-1])

    def _eigvals(self) -> Any:
        return self._diag

    def _linop_adjoint(self) -> LinearOperator:
        return LinearOperatorDiag(
            conj(self._diag), self.is_non_singular, self.is_self_adjoint, self.is_positive_definite, True
        )

    def _linop_inverse(self) -> LinearOperator:
        return LinearOperatorDiag(
            later("Reciprocal")(self._diag), self.is_non_singular, self.is_self_adjoint, self.is_positive_definite, True
        )

    def _linop_cholesky(self) -> LinearOperator:
        return LinearOperatorDiag(
            later("Sqrt")(self._diag),
            is_non_singular=True,
            is_self_adjoint=True,
            is_positive_definite=True,
            is_square=True,
        )


def _static(value: Any, name: str) -> int:
    found = known_value(door.convert(value, dtypes.int32))
    if found is None:
        raise ValueError(f"{name} must have a known value")
    if found.ndim:
        raise ValueError(f"Argument `{name}` must be a 0-D Tensor. Found: {value}")
    if found < 0:
        raise ValueError(f"Argument `{name}` must be non-negative. Found: {found}")
    return int(found)


def _batch(batch_shape: Any) -> tuple[int, ...]:
    if batch_shape is None:
        return ()
    dims = (
        known_dims(door.convert(batch_shape, dtypes.int32))
        if not isinstance(batch_shape, TensorShape)
        else batch_shape._dims
    )
    if dims is None or None in dims:
        raise ValueError("batch_shape must have a known value")
    return tuple(dims)  # type: ignore[arg-type]


@export("linalg.LinearOperatorScaledIdentity")
@make_composite_tensor
class LinearOperatorScaledIdentity(LinearOperator):
    """The identity times `multiplier` [...]."""

    _multiplier = Held()

    def __init__(self, num_rows: Any, multiplier: Any, is_non_singular: Any = None, is_self_adjoint: Any = None,
                 is_positive_definite: Any = None, is_square: Any = True, assert_proper_shapes: bool = False,
                 name: str = "LinearOperatorScaledIdentity"):  # fmt: skip
        given = locals()
        self._multiplier = _tensor(multiplier, "multiplier")
        if not as_dtype(self._raw("_multiplier").dtype).is_complex:
            if is_self_adjoint is False:
                raise ValueError("A real diagonal operator is always self adjoint.")
            given["is_self_adjoint"] = True
        if is_square is False:
            raise ValueError("A ScaledIdentity operator is always square.")
        self._num_rows = _static(num_rows, "num_rows")
        super().__init__(self._raw("_multiplier").dtype, name=name, parameters=_parameters(given), **_hints(given))

    multiplier = property(lambda self: self._raw("_multiplier"))

    def _shape(self) -> TensorShape:
        dims = self._held_dims("_multiplier")
        return TensorShape(None) if dims is None else TensorShape([*dims, self._num_rows, self._num_rows])

    def _diag_part(self) -> Any:
        return Mul(_column(self._multiplier), np.ones(self._num_rows, self.dtype.array_dtype))

    def _to_dense(self) -> Any:
        return matrix_diag(self._diag_part())

    def _matmul(self, x: Any, adjoint: bool = False) -> Any:
        return Mul(x, _column(_column(conj(self._multiplier) if adjoint else self._multiplier)))

    def _solve(self, rhs: Any, adjoint: bool = False) -> Any:
        return RealDiv(rhs, _column(_column(conj(self._multiplier) if adjoint else self._multiplier)))

    def _determinant(self) -> Any:
        return later("Pow")(self._multiplier, self._num_rows)

    def _log_abs_determinant(self) -> Any:
        return Mul(_log_sum(_column(self._multiplier)), self._num_rows)

    def _trace(self) -> Any:
        return Mul(self._multiplier, self._num_rows)

    def _eigvals(self) -> Any:
        return self._diag_part()

    def _cond(self) -> Any:
        return later("OnesLike")(real(self._multiplier))

    def _linop_adjoint(self) -> LinearOperator:
        return LinearOperatorScaledIdentity(
            self._num_rows,
            conj(self._multiplier),
            self.is_non_singular,
            self.is_self_adjoint,
            self.is_positive_definite,
        )

    def _linop_inverse(self) -> LinearOperator:
        return LinearOperatorScaledIdentity(
            self._num_rows,
            later("Reciprocal")(self._multiplier),
            self.is_non_singular,
            self.is_self_adjoint,
            self.is_positive_definite,
        )

    def _linop_cholesky(self) -> LinearOperator:
        return LinearOperatorScaledIdentity(
            self._num_rows, later("Sqrt")(self._multiplier), True, self.is_self_adjoint, True
        )


@export("linalg.LinearOperatorIdentity")
@make_composite_tensor
class LinearOperatorIdentity(LinearOperator):
    """The identity."""

    def __init__(self, num_rows: Any, batch_shape: Any = None, dtype: Any = None, is_non_singular: Any = True, is_self_adjoint: Any = True,
                 is_positive_definite: Any = True, is_square: Any = True, assert_proper_shapes: bool = False,
                 name: str = "LinearOperatorIdentity"):  # fmt: skip
        given = locals()
        for hint, what in (
            (is_self_adjoint, "self adjoint"),
            (is_square, "square"),
            (is_non_singular, "non-singular"),
            (is_positive_definite, "positive-definite"),
        ):
            if not hint:
                raise ValueError(f"An identity operator is always {what}.")
        self._num_rows, self._batch_dims = _static(num_rows, "num_rows"), _batch(batch_shape)
        super().__init__(
            as_dtype(dtype) if dtype is not None else dtypes.float32,
            name=name,
            parameters=_parameters(given),
            **_hints(given),
        )

    def _shape(self) -> TensorShape:
        return TensorShape([*self._batch_dims, self._num_rows, self._num_rows])

    def _to_dense(self) -> Any:
        eye = np.eye(self._num_rows, dtype=self.dtype.array_dtype)
        return door.convert(np.broadcast_to(eye, self.shape.as_list()).copy(), self.dtype)

    def _spread(self, x: Any) -> Any:
        if not self._batch_dims or x._dims is None:
            return x
        batch = broadcast(self._batch_dims, x._dims[:-2])
        return (
            x if batch == tuple(x._dims[:-2]) else later("BroadcastTo")(x, np.array([*batch, *x._dims[-2:]], np.int32))
        )  # type: ignore[misc]

    def _matmul(self, x: Any, adjoint: bool = False) -> Any:
        return self._spread(x)

    def _solve(self, rhs: Any, adjoint: bool = False) -> Any:
        return self._spread(rhs)

    def _full(self, value: float, *tail: int) -> Any:
        return door.convert(np.full((*self._batch_dims, *tail), value, self.dtype.array_dtype), self.dtype)

    def _determinant(self) -> Any:
        return self._full(1)

    def _log_abs_determinant(self) -> Any:
        return real(self._full(0))

    def _trace(self) -> Any:
        return self._full(self._num_rows)

    def _diag_part(self) -> Any:
        return self._full(1, self._num_rows)

    def _eigvals(self) -> Any:
        return self._full(1, self._num_rows)

    def _cond(self) -> Any:
        return real(self._full(1))

    def _linop_inverse(self) -> LinearOperator:
        return self

    def _linop_cholesky(self) -> LinearOperator:
        return self


@export("linalg.LinearOperatorZeros")
@make_composite_tensor
class LinearOperatorZeros(LinearOperator):
    """The zero matrix."""

    def __init__(self, num_rows: Any, num_columns: Any = None, batch_shape: Any = None, dtype: Any = None, is_non_singular: Any = False,
                 is_self_adjoint: Any = True, is_positive_definite: Any = False, is_square: Any = True, assert_proper_shapes: bool = False,
                 name: str = "LinearOperatorZeros"):  # fmt: skip
        given = locals()
        if not is_self_adjoint and is_square:
            raise ValueError("A zero operator is always self adjoint.")
        if is_non_singular:
            raise ValueError("A zero operator is always singular.")
        if is_positive_definite:
            raise ValueError("A zero operator is always not positive-definite.")
        self._rows = _static(num_rows, "num_rows")
        self._columns = self._rows if num_columns is None else _static(num_columns, "num_columns")
        if is_square and self._rows != self._columns:
            raise ValueError(
                f"LinearOperatorZeros initialized as is_square=True, but got num_rows({self._rows}) != num_columns({self._columns})"
            )
        self._batch_dims = _batch(batch_shape)
        super().__init__(
            as_dtype(dtype) if dtype is not None else dtypes.float32,
            name=name,
            parameters=_parameters(given),
            **_hints(given),
        )

    def _shape(self) -> TensorShape:
        return TensorShape([*self._batch_dims, self._rows, self._columns])

    def _zeros(self, *tail: int) -> Any:
        return door.convert(np.zeros((*self._batch_dims, *tail), self.dtype.array_dtype), self.dtype)

    def _to_dense(self) -> Any:
        return self._zeros(self._rows, self._columns)

    def _determinant(self) -> Any:
        return self._zeros()

    def _trace(self) -> Any:
        return self._zeros()

    def _diag_part(self) -> Any:
        return self._zeros(min(self._rows, self._columns))

    def _eigvals(self) -> Any:
        return self._diag_part()


@export("linalg.LinearOperatorPermutation")
@make_composite_tensor
class LinearOperatorPermutation(LinearOperator):
    """A permutation matrix: the rows of the identity in the order of `perm` [..., n]."""

    _perm = Held()

    def __init__(self, perm: Any, dtype: Any = dtypes.float32, is_non_singular: Any = None, is_self_adjoint: Any = None,
                 is_positive_definite: Any = None, is_square: Any = None, name: str = "LinearOperatorPermutation"):  # fmt: skip
        given = locals()
        if is_non_singular is False:
            raise ValueError("A Permutation operator is always non-singular.")
        if is_square is False:
            raise ValueError("A Permutation operator is always square.")
        given |= {"is_square": True}
        self._perm = perm if is_ref(perm) else door.convert(perm, None, "perm")
        if not as_dtype(self._raw("_perm").dtype).is_integer:
            raise TypeError(f"perm must be integer dtype. Found: {as_dtype(self._raw('_perm').dtype).name}")
        super().__init__(dtype, name=name, parameters=_parameters(given), **_hints(given))

    perm = property(lambda self: self._raw("_perm"))

    def _shape(self) -> TensorShape:
        dims = self._held_dims("_perm")
        return TensorShape(None) if dims is None else TensorShape([*dims, dims[-1]])

    def _to_dense(self) -> Any:
        n = self._held_dims("_perm")[-1]
        rows = np.arange(n, dtype=self._perm.dtype.array_dtype)
        return later("Cast")(later("Equal")(ExpandDims(self._perm, -1), rows), DstT=self.dtype)

    def _solve(self, rhs: Any, adjoint: bool = False) -> Any:
        return self._matmul(rhs, not adjoint)

    def _determinant(self) -> Any:
        return ops.MatrixDeterminant(self.to_dense())

    def _log_abs_determinant(self) -> Any:
        return later("ZerosLike")(real(self._determinant()))

    def _cond(self) -> Any:
        return later("OnesLike")(real(self._determinant()))


@export("linalg.LinearOperatorHouseholder")
@make_composite_tensor
class LinearOperatorHouseholder(LinearOperator):
    """The reflection I - 2 v v^H / |v|^2 at the plane whose normal is `reflection_axis` [..., n]."""

    _reflection_axis = Held()

    def __init__(self, reflection_axis: Any, is_non_singular: Any = None, is_self_adjoint: Any = None, is_positive_definite: Any = None,
                 is_square: Any = None, name: str = "LinearOperatorHouseholder"):  # fmt: skip
        given = locals()
        if is_self_adjoint is False:
            raise ValueError("A Householder operator is always self adjoint.")
        if is_positive_definite:
            raise ValueError("A Householder operator is always non-positive definite.")
        if is_square is False:
            raise ValueError("A Householder operator is always square.")
        if is_non_singular is False:
            raise ValueError("A Householder operator is always non-singular.")
        given |= {"is_self_adjoint": True, "is_positive_definite": False, "is_square": True}
        self._reflection_axis = _tensor(reflection_axis, "reflection_axis")
        super().__init__(self._raw("_reflection_axis").dtype, name=name, parameters=_parameters(given), **_hints(given))

    reflection_axis = property(lambda self: self._raw("_reflection_axis"))

    def _shape(self) -> TensorShape:
        dims = self._held_dims("_reflection_axis")
        return TensorShape(None) if dims is None else TensorShape([*dims, dims[-1]])

    def _unit(self) -> Any:
        axis = self._reflection_axis
        length = later("Sqrt")(Sum(Mul(axis, conj(axis)), [-1], keep_dims=True))
        return _column(RealDiv(axis, length))

    def _to_dense(self) -> Any:
        v = self._unit()
        eye = np.eye(self._reflection_axis._dims[-1], dtype=self.dtype.array_dtype)
        return Sub(eye, Mul(matmul(v, v, adjoint_b=True), 2))

    def _matmul(self, x: Any, adjoint: bool = False) -> Any:
        v, x = same_batch(self._unit(), x)
        return Sub(x, Mul(v, Mul(matmul(v, x, adjoint_a=True), 2)))

    def _solve(self, rhs: Any, adjoint: bool = False) -> Any:
        return self._matmul(rhs, adjoint)

    def _linop_inverse(self) -> LinearOperator:
        return self

    def _per_matrix(self, value: float) -> Any:
        first = self._reflection_axis[..., 0]
        return later("Fill")(later("Shape")(first), np.asarray(value, self.dtype.array_dtype))

    def _determinant(self) -> Any:
        return self._per_matrix(-1)

    def _log_abs_determinant(self) -> Any:
        return real(self._per_matrix(0))

    def _trace(self) -> Any:
        return self._per_matrix(self._reflection_axis._dims[-1] - 2)

    def _diag_part(self) -> Any:
        v = later("Squeeze")(self._unit(), squeeze_dims=[-1])
        return Sub(1, Mul(Mul(v, conj(v)), 2))

    def _eigvals(self) -> Any:
        axis = self._reflection_axis
        signs = np.ones(axis._dims[-1], self.dtype.array_dtype)
        signs[0] = -1
        return Mul(later("OnesLike")(axis), signs)

    def _cond(self) -> Any:
        return real(self._per_matrix(1))


@export("linalg.LinearOperatorTridiag")
@make_composite_tensor
class LinearOperatorTridiag(LinearOperator):
    """A tridiagonal matrix, in any of the formats of `tf.linalg.tridiagonal_solve`."""

    def __init__(self, diagonals: Any, diagonals_format: str = "compact", is_non_singular: Any = None, is_self_adjoint: Any = None,
                 is_positive_definite: Any = None, is_square: Any = None, name: str = "LinearOperatorTridiag"):  # fmt: skip
        given = locals()
        if diagonals_format not in ("compact", "matrix", "sequence"):
            raise ValueError(
                f"Argument `diagonals_format` must be one of compact, matrix, or sequence. Found : {diagonals_format}"
            )
        if is_square is False:
            raise ValueError("Only square tridiagonal operators currently supported.")
        given["is_square"] = True
        self._diagonals = (
            [door.convert(d) for d in diagonals] if diagonals_format == "sequence" else door.convert(diagonals)
        )
        self._diagonals_format = diagonals_format
        self._packed = _compact(self._diagonals, diagonals_format)
        super().__init__(self._packed.dtype, name=name, parameters=_parameters(given), **_hints(given))

    diagonals = property(lambda self: self._diagonals)
    diagonals_format = property(lambda self: self._diagonals_format)

    @property
    def _packed(self) -> Any:
        """The three diagonals as one tensor [..., 3, n]."""
        return _compact([door.convert(d) for d in self._diagonals] if self._diagonals_format == "sequence" else door.convert(self._diagonals),
                        self._diagonals_format)  # fmt: skip

    def _shape(self) -> TensorShape:
        dims = self._packed._dims
        return TensorShape(None) if dims is None else TensorShape([*dims[:-2], dims[-1], dims[-1]])

    def _to_dense(self) -> Any:
        return matrix_diag(self._packed, k=(-1, 1), align="LEFT_RIGHT")

    def _matmul(self, x: Any, adjoint: bool = False) -> Any:
        return super()._matmul(x, True) if adjoint else tridiagonal_matmul(*same_batch(self._packed, x))

    def _solve(self, rhs: Any, adjoint: bool = False) -> Any:
        return super()._solve(rhs, True) if adjoint else tridiagonal_solve(*same_batch(self._packed, rhs))

    def _diag_part(self) -> Any:
        return self._packed[..., 1, :]


@export("linalg.LinearOperatorToeplitz")
@make_composite_tensor
class LinearOperatorToeplitz(LinearOperator):
    """A matrix constant along its diagonals, given by its first column and row [..., n]."""

    _row, _col = Held(), Held()

    def __init__(self, col: Any, row: Any, is_non_singular: Any = None, is_self_adjoint: Any = None, is_positive_definite: Any = None,
                 is_square: Any = None, name: str = "LinearOperatorToeplitz"):  # fmt: skip
        given = locals()
        if is_square is False:
            raise ValueError("Only square Toeplitz operators currently supported.")
        given["is_square"] = True
        self._row, self._col = _tensor(row, "row"), _tensor(col, "col")
        super().__init__(self._raw("_row").dtype, name=name, parameters=_parameters(given), **_hints(given))

    col = property(lambda self: self._raw("_col"))
    row = property(lambda self: self._raw("_row"))

    def _shape(self) -> TensorShape:
        row, col = self._held_dims("_row"), self._held_dims("_col")
        return TensorShape([*broadcast(row, col), row[-1]])  # type: ignore[misc]

    def _to_dense(self) -> Any:
        n = self._row._dims[-1]
        batch = broadcast(self._row._dims[:-1], self._col._dims[:-1])
        spread = lambda v: later("BroadcastTo")(v, np.array([*batch, n], np.int32))  # type: ignore[misc]
        both = later("ConcatV2")([later("ReverseV2")(spread(self._row)[..., 1:], [-1]), spread(self._col)], -1)
        at = (n - 1 + np.arange(n)[:, None] - np.arange(n)).astype(np.int32)
        return later("GatherV2")(both, at, len(batch))  # type: ignore[arg-type]
