"""`tf.linalg.LinearOperator`: a batch of matrices known by what it does."""

from typing import Any

import numpy as np

from penstock.base.dtypes import as_dtype
from penstock.base.export import export
from penstock.base.shape import Dimension, TensorShape
from penstock.ir import door
from penstock.ir.scope import scoped
from penstock.ops import decompositions as ops
from penstock.ops.diagonals import matrix_diag_part, trace
from penstock.ops.families import later
from penstock.ops.linalg import adjoint as matrix_adjoint, svd
from penstock.ops.matmul import matmul
from penstock.ops.reduce import reduce_max, reduce_min
from penstock.state.linear_operator_parts import Parts, is_ref
from penstock.state.linear_operator_spec import (
    make_composite_tensor as make_composite_tensor,  # programs ask for it here
)


@export("linalg.LinearOperator")
class LinearOperator(Parts):
    """A linear map [..., m, n]: what its matrix does, without (where that pays) the matrix itself.

    A subclass gives `_shape()` and `_to_dense()`, and overrides what it can do better than a dense matrix.
    """

    def __init__(
        self,
        dtype: Any,
        graph_parents: Any = None,
        is_non_singular: bool | None = None,
        is_self_adjoint: bool | None = None,
        is_positive_definite: bool | None = None,
        is_square: bool | None = None,
        name: str | None = None,
        parameters: Any = None,
    ):
        for what, hint in (
            ("is_non_singular", is_non_singular), ("is_self_adjoint", is_self_adjoint),
            ("is_positive_definite", is_positive_definite), ("is_square", is_square),
        ):  # fmt: skip
            if hint not in (None, True, False):
                raise TypeError(f"Argument `{what}` must be None or a boolean, got {hint!r}")
        if is_positive_definite:
            if is_non_singular is False:
                raise ValueError("A positive definite operator is always non-singular.")
            is_non_singular = True
        if is_non_singular:
            if is_square is False:
                raise ValueError("A non-singular operator is always square.")
            is_square = True
        if is_self_adjoint:
            if is_square is False:
                raise ValueError("A self-adjoint operator is always square.")
            is_square = True
        super().__init__()
        self._dtype = None if dtype is None else as_dtype(dtype).base_dtype
        self._graph_parents = list(graph_parents or [])
        self._is_square_set_or_implied = is_square
        self._is_non_singular, self._is_self_adjoint = is_non_singular, is_self_adjoint
        self._is_positive_definite = is_positive_definite
        self._name = name or type(self).__name__
        self._parameters = self._no_dependency(dict(parameters or {}))

    # -- what it is ------------------------------------------------------------------------------------------------
    name = property(lambda self: self._name)
    dtype = property(lambda self: self._dtype)
    parameters = property(lambda self: dict(self._parameters))
    graph_parents = property(lambda self: self._graph_parents)
    is_non_singular = property(lambda self: self._is_non_singular)
    is_self_adjoint = property(lambda self: self._is_self_adjoint)
    is_positive_definite = property(lambda self: self._is_positive_definite)

    @property
    def is_square(self) -> bool | None:
        dims = self.shape._dims
        known = None if dims is None or None in dims[-2:] else dims[-1] == dims[-2]
        if known is not None and self._is_square_set_or_implied not in (None, known):
            raise ValueError(
                f"User set is_square hint to {self._is_square_set_or_implied}, but the operator was {'' if known else 'not '}square."
            )
        return self._is_square_set_or_implied if known is None else known

    @property
    def shape(self) -> TensorShape:
        return self._shape()

    @property
    def batch_shape(self) -> TensorShape:
        return self.shape[:-2]

    @property
    def tensor_rank(self) -> int | None:
        return self.shape.rank

    def _side(self, which: int) -> Dimension:
        dims = self.shape._dims
        return Dimension(None if dims is None else dims[which])

    domain_dimension = property(lambda self: self._side(-1))
    range_dimension = property(lambda self: self._side(-2))

    def _shape(self) -> TensorShape:
        raise NotImplementedError(f"{type(self).__name__} must say its shape: def _shape(self)")

    def _shape_tensor(self) -> Any:
        return later("Shape")(self.to_dense())

    def shape_tensor(self, name: str = "shape_tensor") -> Any:
        """The shape as a tensor."""
        with self._in_scope(name):
            dims = self.shape._dims
            known = dims is not None and None not in dims
            return door.convert(np.array(dims, np.int32)) if known else self._shape_tensor()

    def _batch_shape_tensor(self, shape: Any = None) -> Any:
        return (self.shape_tensor() if shape is None else shape)[:-2]

    def batch_shape_tensor(self, name: str = "batch_shape_tensor") -> Any:
        """The batch part of the shape as a tensor."""
        with self._in_scope(name):
            return self._batch_shape_tensor()

    def _tensor_rank_tensor(self, shape: Any = None) -> Any:
        if self.tensor_rank is not None:
            return door.convert(self.tensor_rank)
        return later("Size")(self.shape_tensor() if shape is None else shape)

    def tensor_rank_tensor(self, name: str = "tensor_rank_tensor") -> Any:
        """The rank as a tensor."""
        with self._in_scope(name):
            return self._tensor_rank_tensor()

    def _domain_dimension_tensor(self, shape: Any = None) -> Any:
        n = self.domain_dimension.value
        return door.convert(n) if n is not None else (self.shape_tensor() if shape is None else shape)[-1]

    def domain_dimension_tensor(self, name: str = "domain_dimension_tensor") -> Any:
        """The number of columns as a tensor."""
        with self._in_scope(name):
            return self._domain_dimension_tensor()

    def _range_dimension_tensor(self, shape: Any = None) -> Any:
        m = self.range_dimension.value
        return door.convert(m) if m is not None else (self.shape_tensor() if shape is None else shape)[-2]

    def range_dimension_tensor(self, name: str = "range_dimension_tensor") -> Any:
        """The number of rows as a tensor."""
        with self._in_scope(name):
            return self._range_dimension_tensor()

    # -- what it does: subclasses override the underscored ones ------------------------------------------------------
    def _to_dense(self) -> Any:
        raise NotImplementedError(f"{type(self).__name__} must give its matrix: def _to_dense(self)")

    def _matmul(self, x: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Any:
        return matmul(self.to_dense(), x, adjoint_a=adjoint, adjoint_b=adjoint_arg)

    def _matvec(self, x: Any, adjoint: bool = False) -> Any:
        return later("Squeeze")(self._matmul(later("ExpandDims")(x, -1), adjoint), squeeze_dims=[-1])

    def _solvevec(self, rhs: Any, adjoint: bool = False) -> Any:
        return later("Squeeze")(self._solve(later("ExpandDims")(rhs, -1), adjoint), squeeze_dims=[-1])

    def _can_use_cholesky(self) -> bool:
        return bool(self.is_self_adjoint and self.is_positive_definite)

    def _dense_solve(self, rhs: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Any:
        return LinearOperator._solve(self, rhs, adjoint, adjoint_arg)

    def _solve(self, rhs: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Any:
        rhs = matrix_adjoint(rhs) if adjoint_arg else rhs
        dense = self.to_dense()
        dense, rhs = same_batch(dense, rhs)
        if self.is_positive_definite and self.is_self_adjoint:
            chol = ops.Cholesky(dense)
            return ops.MatrixTriangularSolve(chol, ops.MatrixTriangularSolve(chol, rhs), adjoint=True)
        return ops.MatrixSolve(dense, rhs, adjoint=adjoint)

    def _determinant(self) -> Any:
        return ops.MatrixDeterminant(self.to_dense())

    def _log_abs_determinant(self) -> Any:
        if self.is_positive_definite and self.is_self_adjoint:
            diagonal = matrix_diag_part(ops.Cholesky(self.to_dense()))
            return later("Mul")(later("Sum")(later("Log")(real(diagonal)), [-1]), 2)
        return real(ops.LogMatrixDeterminant(self.to_dense())[1])

    def _diag_part(self) -> Any:
        return matrix_diag_part(self.to_dense())

    def _trace(self) -> Any:
        return trace(self.to_dense())

    def _eigvals(self) -> Any:
        return ops.SelfAdjointEigV2(self.to_dense(), compute_v=False)[0]

    def _cond(self) -> Any:
        values = svd(self.to_dense(), compute_uv=False)
        return later("RealDiv")(reduce_max(values, -1), reduce_min(values, -1))

    def _linop_adjoint(self) -> "LinearOperator":
        from penstock.state.linear_operator_composed import LinearOperatorAdjoint

        return LinearOperatorAdjoint(self)

    def _linop_inverse(self) -> "LinearOperator":
        from penstock.state.linear_operator_composed import LinearOperatorInversion

        return LinearOperatorInversion(self)

    def _linop_cholesky(self) -> "LinearOperator":
        from penstock.state.linear_operator_kinds import LinearOperatorLowerTriangular

        return LinearOperatorLowerTriangular(
            ops.Cholesky(self.to_dense()), is_non_singular=True, is_self_adjoint=False, is_square=True
        )

    # -- public ----------------------------------------------------------------------------------------------------
    def _in_scope(self, name: str | None = None) -> Any:
        return scoped(f"{self.name}/{name}" if name else self.name, name or "")

    _name_scope = _in_scope

    def _add_to_tensor(self, x: Any) -> Any:
        return later("AddV2")(x, self.to_dense())

    def _set_graph_parents(self, graph_parents: Any) -> None:
        self._graph_parents = list(graph_parents or [])

    def to_dense(self, name: str = "to_dense") -> Any:
        """The matrix itself."""
        with self._in_scope(name):
            return self._to_dense()

    def matmul(self, x: Any, adjoint: bool = False, adjoint_arg: bool = False, name: str = "matmul") -> Any:
        """This operator (or its adjoint) times a matrix or another operator (or its adjoint)."""
        if isinstance(x, LinearOperator):
            left = self.adjoint() if adjoint else self
            right = x.adjoint() if adjoint_arg else x
            inner, rows = left.domain_dimension.value, right.range_dimension.value
            if inner is not None and rows is not None and inner != rows:
                raise ValueError(f"Operators are incompatible. Expected `x` to have dimension {inner} but got {rows}.")
            with self._in_scope(name):
                return self._linop_matmul(left, right)
        with self._in_scope(name):
            x = self._converted(x, "x")
            self._check_inner(x, -1 if adjoint_arg else -2, -2 if adjoint else -1)
            return self._matmul(matrix_adjoint(x) if adjoint_arg else x, adjoint=adjoint)

    def _linop_matmul(self, left_operator: Any, right_operator: Any) -> "LinearOperator":
        from penstock.state.linear_operator_composed import product

        return product(left_operator, right_operator)

    def _linop_solve(self, left_operator: Any, right_operator: Any) -> "LinearOperator":
        return left_operator.inverse().matmul(right_operator)

    def __matmul__(self, other: Any) -> Any:
        return self.matmul(other)

    def matvec(self, x: Any, adjoint: bool = False, name: str = "matvec") -> Any:
        """This operator (or its adjoint) times a vector."""
        with self._in_scope(name):
            x = self._converted(x, "x")
            self._check_inner(x, -1, -2 if adjoint else -1)
            return self._matvec(x, adjoint=adjoint)

    def _converted(self, x: Any, name: str) -> Any:
        x = door.convert(x, None if hasattr(x, "dtype") and not isinstance(x, np.ndarray) and not is_ref(x) else self.dtype, name)
        if self.dtype is not None and x.dtype.base_dtype is not self.dtype:
            raise TypeError(
                f"Input argument has dtype {x.dtype.name}, expected {self.dtype.name}, the dtype of {self.name}"
            )
        return x

    def _check_inner(self, x: Any, x_axis: int, own_axis: int) -> None:
        own, dims = self.shape._dims, x._dims
        if own is None or dims is None or len(dims) < -x_axis:
            return
        if own[own_axis] is not None and dims[x_axis] is not None and own[own_axis] != dims[x_axis]:
            raise ValueError(
                f"Dimensions {own[own_axis]} and {dims[x_axis]} are not compatible: {self.name} is {self.shape}, x is {x.shape}"
            )

    def _must_be(self, what: str) -> None:
        if what == "Exact solve" and self.is_non_singular is False:
            raise NotImplementedError("Exact solve not implemented for an operator that is expected to be singular.")
        if self.is_square is False:
            raise NotImplementedError(f"{what} not implemented for an operator that is expected to not be square.")

    def solve(self, rhs: Any, adjoint: bool = False, adjoint_arg: bool = False, name: str = "solve") -> Any:
        """X with this operator (or its adjoint) @ X = rhs; of another operator, the product with the inverse."""
        self._must_be("Exact solve")
        if isinstance(rhs, LinearOperator):
            left = self.adjoint() if adjoint else self
            right = rhs.adjoint() if adjoint_arg else rhs
            if (
                None not in (left.domain_dimension.value, right.range_dimension.value)
                and left.domain_dimension.value != right.range_dimension.value
            ):
                raise ValueError(
                    f"Operators are incompatible. Expected `rhs` to have dimension {left.domain_dimension.value} but got {right.range_dimension.value}."
                )
            with self._in_scope(name):
                return self._linop_solve(left, right)
        with self._in_scope(name):
            rhs = self._converted(rhs, "rhs")
            self._check_inner(rhs, -1 if adjoint_arg else -2, -1)
            return self._solve(matrix_adjoint(rhs) if adjoint_arg else rhs, adjoint=adjoint)

    def solvevec(self, rhs: Any, adjoint: bool = False, name: str = "solve") -> Any:
        """x with this operator (or its adjoint) times x = rhs, for vectors."""
        self._must_be("Exact solve")
        with self._in_scope(name):
            rhs = self._converted(rhs, "rhs")
            self._check_inner(rhs, -1, -1)
            return self._solvevec(rhs, adjoint=adjoint)

    def adjoint(self, name: str = "adjoint") -> "LinearOperator":
        """The adjoint operator."""
        return self if self.is_self_adjoint else self._linop_adjoint()

    H = property(lambda self: self.adjoint())

    def inverse(self, name: str = "inverse") -> "LinearOperator":
        """The inverse operator."""
        if self.is_square is False:
            raise ValueError("Cannot take the Inverse: This operator represents a non square matrix.")
        if self.is_non_singular is False:
            raise ValueError("Cannot take the Inverse: This operator represents a singular matrix.")
        return self._linop_inverse()

    def cholesky(self, name: str = "cholesky") -> "LinearOperator":
        """The lower triangular operator L with L @ L.H = this."""
        if not (self.is_positive_definite and self.is_self_adjoint):
            raise ValueError("Cannot take the Cholesky decomposition: Not a positive definite self adjoint matrix.")
        return self._linop_cholesky()

    def determinant(self, name: str = "det") -> Any:
        """The determinant."""
        self._must_be("Determinant")
        with self._in_scope(name):
            return self._determinant()

    def log_abs_determinant(self, name: str = "log_abs_det") -> Any:
        """The logarithm of the determinant's magnitude."""
        self._must_be("Determinant")
        with self._in_scope(name):
            found = self._log_abs_determinant()
            return found if found.dtype is self.dtype else later("Cast")(found, DstT=self.dtype)

    def diag_part(self, name: str = "diag_part") -> Any:
        """The diagonal."""
        with self._in_scope(name):
            return self._diag_part()

    def trace(self, name: str = "trace") -> Any:
        """The sum of the diagonal."""
        with self._in_scope(name):
            return self._trace()

    def add_to_tensor(self, x: Any, name: str = "add_to_tensor") -> Any:
        """This operator's matrix plus x."""
        with self._in_scope(name):
            return self._add_to_tensor(self._converted(x, "x"))

    def eigvals(self, name: str = "eigvals") -> Any:
        """The eigenvalues of a self-adjoint operator."""
        if not self.is_self_adjoint:
            raise NotImplementedError("Only self-adjoint matrices are supported.")
        with self._in_scope(name):
            return self._eigvals()

    def cond(self, name: str = "cond") -> Any:
        """The condition number: the largest singular value over the smallest."""
        with self._in_scope(name):
            return self._cond()

    def _assert(self, holds: Any, message: str) -> Any:
        return later("Assert")(holds, [message])

    def _assert_non_singular(self) -> Any:
        limit = 1 / np.finfo(self.dtype.real_dtype.array_dtype).eps
        values = svd(self.to_dense(), compute_uv=False)
        fine = later("Less")(later("DivNoNan")(reduce_max(values, -1), reduce_min(values, -1)), float(limit))
        positive = later("Greater")(reduce_min(values, -1), 0)
        every = later("All")(later("LogicalAnd")(fine, positive), np.arange(len(fine._dims), dtype=np.int32))
        return self._assert(every, "Singular matrix up to precision epsilon.")

    def assert_non_singular(self, name: str = "assert_non_singular") -> Any:
        """An op (None eagerly) that fails unless the condition number is below 1 / rounding."""
        with self._in_scope(name):
            return self._assert_non_singular()

    def _assert_positive_definite(self) -> Any:
        values = real(ops.SelfAdjointEigV2(self.to_dense(), compute_v=False)[0])
        return self._assert(
            later("Greater")(reduce_min(values), 0), f"Operator was not positive definite: {self.name}"
        )

    def assert_positive_definite(self, name: str = "assert_positive_definite") -> Any:
        """An op (None eagerly) that fails unless all eigenvalues are positive."""
        with self._in_scope(name):
            return self._assert_positive_definite()

    def _assert_self_adjoint(self) -> Any:
        dense = self.to_dense()
        same = later("Equal")(dense, matrix_adjoint(dense))
        return self._assert(
            later("All")(same, np.arange(len(same._dims), dtype=np.int32)),
            f"Matrix was not equal to its adjoint: {self.name}",
        )

    def assert_self_adjoint(self, name: str = "assert_self_adjoint") -> Any:
        """An op (None eagerly) that fails unless the matrix is its own adjoint."""
        with self._in_scope(name):
            return self._assert_self_adjoint()

    def __repr__(self) -> str:
        return f"<tf.linalg.{type(self).__name__} {self.name!r} shape={self.shape} dtype={self.dtype.name}>"


def real(x: Any) -> Any:
    """The real part of complex tensors."""
    return later("Real")(x, Tout=x.dtype.real_dtype) if x.dtype.is_complex else x


def same_batch(a: Any, b: Any) -> tuple[Any, Any]:
    """Two matrices with the batch axes they broadcast to."""
    if a._dims is None or b._dims is None or a._dims[:-2] == b._dims[:-2]:
        return a, b
    batch = np.broadcast_shapes(*([1 if d is None else d for d in v._dims[:-2]] for v in (a, b)))
    spread = lambda v: later("BroadcastTo")(v, np.array([*batch, *v._dims[-2:]], np.int32))
    return spread(a), spread(b)
