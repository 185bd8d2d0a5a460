"""Linear operators made of others: adjoints, inverses, products, Kronecker products, blocks, low-rank updates."""

import functools
from typing import Any

import numpy as np

from penstock.base.export import export
from penstock.base.shape import TensorShape, broadcast
from penstock.ops.families import conj, later
from penstock.ops.linalg import adjoint as matrix_adjoint
from penstock.ops.matmul import matmul
from penstock.state.linear_operator import LinearOperator, make_composite_tensor, real
from penstock.state.linear_operator_kinds import (
    LinearOperatorDiag,
    LinearOperatorIdentity,
    LinearOperatorScaledIdentity,
    _hints,
    _parameters,
    _tensor,
)
from penstock.state.linear_operator_parts import Held

Mul, AddV2, Sub = later("Mul"), later("AddV2"), later("Sub")


def product(left: LinearOperator, right: LinearOperator) -> LinearOperator:
    """left @ right as an operator, kept simple where both are."""
    if isinstance(left, LinearOperatorIdentity) and not left._batch_dims:
        return right
    if isinstance(right, LinearOperatorIdentity) and not right._batch_dims:
        return left
    diagonals = (LinearOperatorDiag, LinearOperatorScaledIdentity)
    if isinstance(left, LinearOperatorDiag) and isinstance(right, LinearOperatorDiag):
        both = lambda a, b: True if a and b else None
        return LinearOperatorDiag(Mul(left.diag, right.diag), both(left.is_non_singular, right.is_non_singular),
                                  both(left.is_self_adjoint, right.is_self_adjoint))  # fmt: skip
    if isinstance(left, diagonals) and isinstance(right, LinearOperatorScaledIdentity):
        if isinstance(left, LinearOperatorScaledIdentity):
            return LinearOperatorScaledIdentity(left._num_rows, Mul(left.multiplier, right.multiplier))
        return LinearOperatorDiag(Mul(left.diag, later("ExpandDims")(right.multiplier, -1)))
    if isinstance(left, LinearOperatorScaledIdentity) and isinstance(right, LinearOperatorDiag):
        return LinearOperatorDiag(Mul(later("ExpandDims")(left.multiplier, -1), right.diag))
    return LinearOperatorComposition([left, right])


@export("linalg.LinearOperatorAdjoint")
@make_composite_tensor
class LinearOperatorAdjoint(LinearOperator):
    """The adjoint of an operator."""

    def __init__(self, operator: LinearOperator, is_non_singular: Any = None, is_self_adjoint: Any = None, is_positive_definite: Any = None,
                 is_square: Any = None, name: str | None = None):  # fmt: skip
        given = locals()
        for key in ("is_non_singular", "is_self_adjoint", "is_positive_definite", "is_square"):
            given[key] = _agree(key, given[key], getattr(operator, key))
        self._operator = operator
        super().__init__(
            operator.dtype, name=name or operator.name + "_adjoint", parameters=_parameters(given), **_hints(given)
        )

    operator = property(lambda self: self._operator)

    def _shape(self) -> TensorShape:
        dims = self._operator.shape._dims
        return TensorShape(None) if dims is None else TensorShape([*dims[:-2], dims[-1], dims[-2]])

    def _to_dense(self) -> Any:
        return matrix_adjoint(self._operator.to_dense())

    def _matmul(self, x: Any, adjoint: bool = False) -> Any:
        return self._operator._matmul(x, not adjoint)

    def _solve(self, rhs: Any, adjoint: bool = False) -> Any:
        return self._operator._solve(rhs, not adjoint)

    def _determinant(self) -> Any:
        return conj(self._operator.determinant())

    def _log_abs_determinant(self) -> Any:
        return self._operator.log_abs_determinant()

    def _trace(self) -> Any:
        return conj(self._operator.trace())

    def _diag_part(self) -> Any:
        return conj(self._operator.diag_part())

    def _cond(self) -> Any:
        return self._operator.cond()

    def _linop_adjoint(self) -> LinearOperator:
        return self._operator


def _agree(what: str, hint: Any, known: Any) -> Any:
    if hint is not None and known is not None and hint != known:
        raise ValueError(f"Inconsistent {what} hint: {hint} was given, the operator says {known}")
    return known if hint is None else hint


@export("linalg.LinearOperatorInversion")
@make_composite_tensor
class LinearOperatorInversion(LinearOperator):
    """The inverse of an operator, applied by solving."""

    def __init__(self, operator: LinearOperator, is_non_singular: Any = None, is_self_adjoint: Any = None, is_positive_definite: Any = None,
                 is_square: Any = None, name: str | None = None):  # fmt: skip
        given = locals()
        if operator.is_square is False:
            raise ValueError(
                f"Operators with is_square=False are not supported. Argument `operator` had is_square={operator.is_square}."
            )
        if operator.is_non_singular is False or is_non_singular is False:
            raise ValueError(
                "Argument `is_non_singular` or argument `operator` must not be singular: an inverse is wanted."
            )
        given |= {"is_square": True}
        for key in ("is_non_singular", "is_self_adjoint", "is_positive_definite"):
            given[key] = _agree(key, given[key], getattr(operator, key))
        self._operator = operator
        super().__init__(
            operator.dtype, name=name or operator.name + "_inv", parameters=_parameters(given), **_hints(given)
        )

    operator = property(lambda self: self._operator)

    def _shape(self) -> TensorShape:
        return self._operator.shape

    def _to_dense(self) -> Any:
        n = self._operator.shape._dims[-1]
        return self._operator.solve(np.eye(n, dtype=self.dtype.array_dtype))

    def _matmul(self, x: Any, adjoint: bool = False) -> Any:
        return self._operator._solve(x, adjoint)

    def _solve(self, rhs: Any, adjoint: bool = False) -> Any:
        return self._operator._matmul(rhs, adjoint)

    def _determinant(self) -> Any:
        return later("Reciprocal")(self._operator.determinant())

    def _log_abs_determinant(self) -> Any:
        return later("Neg")(self._operator.log_abs_determinant())

    def _eigvals(self) -> Any:
        return later("Reciprocal")(self._operator.eigvals())

    def _cond(self) -> Any:
        return self._operator.cond()

    def _linop_inverse(self) -> LinearOperator:
        return self._operator


def _several(operators: Any) -> list[LinearOperator]:
    operators = list(operators)
    if not operators:
        raise ValueError(f"Argument `operators` must be a list of >=1 operators. Found: {operators}")
    kinds = {o.dtype for o in operators}
    if len(kinds) > 1:
        raise TypeError(
            "Expected all operators to have the same dtype. Found: "
            + ", ".join(f"{o.name}: {o.dtype.name}" for o in operators)
        )
    return operators


def _all(operators: list[LinearOperator], what: str) -> bool | None:
    return True if all(getattr(o, what) for o in operators) else None


def _batch_of(operators: list[LinearOperator]) -> Any:
    return broadcast(*(o.batch_shape._dims for o in operators))


def _spread(x: Any, batch: Any) -> Any:
    """x [..., m, n] with the batch axes of the whole."""
    if batch is None or None in batch or x._dims is None or tuple(x._dims[:-2]) == tuple(batch):
        return x
    return later("BroadcastTo")(x, np.array([*batch, *x._dims[-2:]], np.int32))


def _joined(parts: list[Any], axis: int) -> Any:
    return parts[0] if len(parts) == 1 else later("ConcatV2")(parts, axis)


@export("linalg.LinearOperatorComposition")
@make_composite_tensor
class LinearOperatorComposition(LinearOperator):
    """The product of operators: the last is applied first."""

    def __init__(self, operators: Any, is_non_singular: Any = None, is_self_adjoint: Any = None, is_positive_definite: Any = None,
                 is_square: Any = None, name: str | None = None):  # fmt: skip
        given = locals()
        self._operators = _several(operators)
        if _all(self._operators, "is_non_singular"):
            if is_non_singular is False:
                raise ValueError("The composition of non-singular operators is always non-singular.")
            given["is_non_singular"] = True
        for a, c in zip(self._operators, self._operators[1:]):
            inner, rows = a.domain_dimension.value, c.range_dimension.value
            if inner is not None and rows is not None and inner != rows:
                raise ValueError(f"Operators are incompatible: {a.name} is {a.shape}, {c.name} is {c.shape}")
        name = name or "_o_".join(o.name for o in self._operators)
        super().__init__(self._operators[0].dtype, name=name, parameters=_parameters(given), **_hints(given))

    operators = property(lambda self: self._operators)

    def _shape(self) -> TensorShape:
        batch = _batch_of(self._operators)
        if batch is None:
            return TensorShape(None)
        return TensorShape(
            [*batch, self._operators[0].range_dimension.value, self._operators[-1].domain_dimension.value]
        )

    def _to_dense(self) -> Any:
        return _spread(
            functools.reduce(
                lambda x, o: o._matmul(x, False), reversed(self._operators[:-1]), self._operators[-1].to_dense()
            ),
            _batch_of(self._operators),
        )

    def _matmul(self, x: Any, adjoint: bool = False) -> Any:
        for o in self._operators if adjoint else reversed(self._operators):
            x = o._matmul(x, adjoint)
        return x

    def _solve(self, rhs: Any, adjoint: bool = False) -> Any:
        for o in reversed(self._operators) if adjoint else self._operators:
            rhs = o.solve(rhs, adjoint=adjoint)
        return rhs

    def _determinant(self) -> Any:
        return functools.reduce(Mul, [o.determinant() for o in self._operators])

    def _log_abs_determinant(self) -> Any:
        return functools.reduce(AddV2, [o.log_abs_determinant() for o in self._operators])


@export("linalg.LinearOperatorKronecker")
@make_composite_tensor
class LinearOperatorKronecker(LinearOperator):
    """The Kronecker product of operators."""

    def __init__(self, operators: Any, is_non_singular: Any = None, is_self_adjoint: Any = None, is_positive_definite: Any = None,
                 is_square: Any = None, name: str | None = None):  # fmt: skip
        given = locals()
        self._operators = _several(operators)
        for key in ("is_square", "is_non_singular", "is_self_adjoint", "is_positive_definite"):
            if _all(self._operators, key):
                if given[key] is False:
                    raise ValueError(f"The Kronecker product of operators with {key} has it, too.")
                given[key] = True
        name = name or "_x_".join(o.name for o in self._operators)
        super().__init__(self._operators[0].dtype, name=name, parameters=_parameters(given), **_hints(given))

    operators = property(lambda self: self._operators)

    def _shape(self) -> TensorShape:
        batch = _batch_of(self._operators)
        if batch is None:
            return TensorShape(None)
        side = lambda values: None if None in values else int(np.prod(values))
        return TensorShape(
            [
                *batch,
                side([o.range_dimension.value for o in self._operators]),
                side([o.domain_dimension.value for o in self._operators]),
            ]
        )

    def _to_dense(self) -> Any:
        def pair(a: Any, c: Any) -> Any:
            (m, n), (p, q) = a._dims[-2:], c._dims[-2:]
            made = later("Einsum")([a, c], equation="...ij,...kl->...ikjl")
            return later("Reshape")(
                made, np.array([*[-1 if d is None else d for d in made._dims[:-4]], m * p, n * q], np.int32)
            )

        return _spread(functools.reduce(pair, [o.to_dense() for o in self._operators]), _batch_of(self._operators))

    def _linop_inverse(self) -> LinearOperator:
        return LinearOperatorKronecker(
            [o.inverse() for o in self._operators], True, self.is_self_adjoint, self.is_positive_definite, True
        )

    def _linop_adjoint(self) -> LinearOperator:
        return LinearOperatorKronecker(
            [o.adjoint() for o in self._operators],
            self.is_non_singular,
            self.is_self_adjoint,
            self.is_positive_definite,
            self.is_square,
        )

    def _linop_cholesky(self) -> LinearOperator:
        return LinearOperatorKronecker([o.cholesky() for o in self._operators], True, None, None, True)

    def _solve(self, rhs: Any, adjoint: bool = False) -> Any:
        if not all(o.is_square for o in self._operators):
            return super()._solve(rhs, adjoint)
        inverse = LinearOperatorKronecker([o.inverse() for o in self._operators])
        return inverse._matmul(rhs, adjoint)

    def _determinant(self) -> Any:
        total = self.shape._dims[-1]
        powers = [later("Pow")(o.determinant(), total // o.domain_dimension.value) for o in self._operators]
        return functools.reduce(Mul, powers)

    def _log_abs_determinant(self) -> Any:
        total = self.shape._dims[-1]
        return functools.reduce(
            AddV2, [Mul(o.log_abs_determinant(), total // o.domain_dimension.value) for o in self._operators]
        )

    def _trace(self) -> Any:
        return functools.reduce(Mul, [o.trace() for o in self._operators])


@export("linalg.LinearOperatorBlockDiag")
@make_composite_tensor
class LinearOperatorBlockDiag(LinearOperator):
    """Operators as the blocks along a diagonal."""

    def __init__(self, operators: Any, is_non_singular: Any = None, is_self_adjoint: Any = None, is_positive_definite: Any = None,
                 is_square: Any = True, name: str | None = None):  # fmt: skip
        given = locals()
        self._operators = _several(operators)
        for key in ("is_non_singular", "is_self_adjoint", "is_positive_definite"):
            if _all(self._operators, key):
                if given[key] is False:
                    raise ValueError(f"A block diagonal of operators with {key} has it, too.")
                given[key] = True
        if is_square and not all(o.is_square in (True, None) for o in self._operators):
            raise ValueError("Can only represent a block diagonal of square matrices with is_square=True.")
        name = name or "_ds_".join(o.name for o in self._operators)
        super().__init__(self._operators[0].dtype, name=name, parameters=_parameters(given), **_hints(given))

    operators = property(lambda self: self._operators)

    def _shape(self) -> TensorShape:
        batch = _batch_of(self._operators)
        if batch is None:
            return TensorShape(None)
        side = lambda values: None if None in values else sum(values)
        return TensorShape(
            [
                *batch,
                side([o.range_dimension.value for o in self._operators]),
                side([o.domain_dimension.value for o in self._operators]),
            ]
        )

    def _to_dense(self) -> Any:
        batch = _batch_of(self._operators)
        width = self.shape._dims[-1]
        rows, done = [], 0
        for o in self._operators:
            dense = _spread(o.to_dense(), batch)
            pads = np.zeros((len(dense._dims), 2), np.int32)
            n = dense._dims[-1]
            pads[-1] = done, width - done - n
            rows.append(later("Pad")(dense, pads))
            done += n
        return _joined(rows, -2)

    def _apply(self, x: Any, sizes: list[int], call: Any) -> Any:
        parts, done = [], 0
        for o, n in zip(self._operators, sizes):
            parts.append(call(o, x[..., done : done + n, :]))
            done += n
        batch = broadcast(*(p._dims[:-2] for p in parts))
        return _joined([_spread(p, batch) for p in parts], -2)

    def _matmul(self, x: Any, adjoint: bool = False) -> Any:
        sizes = [(o.range_dimension if adjoint else o.domain_dimension).value for o in self._operators]
        return self._apply(x, sizes, lambda o, part: o._matmul(part, adjoint))

    def _solve(self, rhs: Any, adjoint: bool = False) -> Any:
        return self._apply(
            rhs, [o.domain_dimension.value for o in self._operators], lambda o, part: o.solve(part, adjoint=adjoint)
        )

    def _linop_inverse(self) -> LinearOperator:
        return LinearOperatorBlockDiag(
            [o.inverse() for o in self._operators], True, self.is_self_adjoint, self.is_positive_definite
        )

    def _linop_adjoint(self) -> LinearOperator:
        return LinearOperatorBlockDiag(
            [o.adjoint() for o in self._operators],
            self.is_non_singular,
            self.is_self_adjoint,
            self.is_positive_definite,
        )

    def _linop_cholesky(self) -> LinearOperator:
        return LinearOperatorBlockDiag([o.cholesky() for o in self._operators], True)

    def _determinant(self) -> Any:
        return functools.reduce(Mul, [o.determinant() for o in self._operators])

    def _log_abs_determinant(self) -> Any:
        return functools.reduce(AddV2, [o.log_abs_determinant() for o in self._operators])

    def _trace(self) -> Any:
        return functools.reduce(AddV2, [o.trace() for o in self._operators])


@export("linalg.LinearOperatorLowRankUpdate")
@make_composite_tensor
class LinearOperatorLowRankUpdate(LinearOperator):
    """base_operator + u @ diag(diag_update) @ v^H, with u and v [..., n, k] of few columns."""

    _u, _v, _diag_update = Held(), Held(), Held()

    def __init__(
        self, base_operator: LinearOperator, u: Any, diag_update: Any = None, v: Any = None, is_diag_update_positive: Any = None,
        is_non_singular: Any = None, is_self_adjoint: Any = None, is_positive_definite: Any = None, is_square: Any = None,
        name: str = "LinearOperatorLowRankUpdate",
    ):  # fmt: skip
        given = locals()
        if diag_update is None:
            if is_diag_update_positive is False:
                raise ValueError(
                    "Default diagonal is the identity, which is positive.  However, user set 'is_diag_update_positive' to False."
                )
            is_diag_update_positive = True
        symmetric = (
            base_operator.is_self_adjoint and v is None and (diag_update is None or not base_operator.dtype.is_complex)
        )
        if symmetric and is_self_adjoint is None:
            given["is_self_adjoint"] = True
        if (
            base_operator.is_positive_definite
            and v is None
            and is_diag_update_positive
            and is_positive_definite is None
        ):
            given["is_positive_definite"] = True
        self._base_operator, self._u = base_operator, _tensor(u, "u", base_operator.dtype)
        self._v = self._raw("_u") if v is None else _tensor(v, "v", base_operator.dtype)
        k = self._held_dims("_u")[-1]
        self._diag_update = None if diag_update is None else _tensor(diag_update, "diag_update", base_operator.dtype)
        self._diag_operator = (
            LinearOperatorIdentity(k, dtype=base_operator.dtype) if self._raw("_diag_update") is None
            else LinearOperatorDiag(self._raw("_diag_update"), is_positive_definite=is_diag_update_positive)
        )  # fmt: skip
        self._is_diag_update_positive = is_diag_update_positive
        super().__init__(base_operator.dtype, name=name, parameters=_parameters(given), **_hints(given))

    base_operator = property(lambda self: self._base_operator)
    u = property(lambda self: self._raw("_u"))
    v = property(lambda self: self._raw("_v"))
    diag_update = property(lambda self: self._raw("_diag_update"))
    diag_operator = property(lambda self: self._diag_operator)
    is_diag_update_positive = property(lambda self: self._is_diag_update_positive)

    def _shape(self) -> TensorShape:
        batch = broadcast(
            self._base_operator.batch_shape._dims, self._diag_operator.batch_shape._dims, self._held_dims("_u")[:-2], self._held_dims("_v")[:-2]
        )
        return TensorShape(None) if batch is None else TensorShape([*batch, *self._base_operator.shape._dims[-2:]])

    def _to_dense(self) -> Any:
        return AddV2(
            self._base_operator.to_dense(), matmul(self._u, self._diag_operator._matmul(matrix_adjoint(self._v), False))
        )

    def _matmul(self, x: Any, adjoint: bool = False) -> Any:
        u, v = (self._v, self._u) if adjoint else (self._u, self._v)
        inner = self._diag_operator._matmul(matmul(v, x, adjoint_a=True), adjoint)
        return AddV2(self._base_operator._matmul(x, adjoint), matmul(u, inner))

    def _capacitance(self) -> Any:
        """D^-1 + V^H A^-1 U."""
        return AddV2(
            self._diag_operator.inverse().to_dense(), matmul(self._v, self._base_operator.solve(self._u), adjoint_a=True)
        )

    def _solve(self, rhs: Any, adjoint: bool = False) -> Any:
        from penstock.state.linear_operator_kinds import LinearOperatorFullMatrix

        u, v = (self._v, self._u) if adjoint else (self._u, self._v)
        first = self._base_operator.solve(rhs, adjoint=adjoint)
        middle = LinearOperatorFullMatrix(self._capacitance())._solve(matmul(v, first, adjoint_a=True), adjoint)
        return Sub(first, self._base_operator.solve(matmul(u, middle), adjoint=adjoint))

    def _determinant(self) -> Any:
        from penstock.ops.decompositions import MatrixDeterminant

        return Mul(
            Mul(MatrixDeterminant(self._capacitance()), self._diag_operator.determinant()), self._base_operator.determinant()
        )

    def _log_abs_determinant(self) -> Any:
        from penstock.ops.decompositions import LogMatrixDeterminant

        inner = real(LogMatrixDeterminant(self._capacitance())[1])
        return AddV2(AddV2(inner, self._diag_operator.log_abs_determinant()), self._base_operator.log_abs_determinant())


@export("linalg.LinearOperatorBlockLowerTriangular")
@make_composite_tensor
class LinearOperatorBlockLowerTriangular(LinearOperator):
    """A block lower triangular operator: row i of `operators` holds its blocks 0..i."""

    def __init__(self, operators: Any, is_non_singular: Any = None, is_self_adjoint: Any = None, is_positive_definite: Any = None,
                 is_square: Any = None, name: str = "LinearOperatorBlockLowerTriangular"):  # fmt: skip
        given = locals()
        self._operators = [list(row) for row in operators]
        if not self._operators or any(len(row) != i + 1 for i, row in enumerate(self._operators)):
            raise ValueError("Argument `operators` must be a list whose row i holds i + 1 operators.")
        diagonal = [row[-1] for row in self._operators]
        _several([o for row in self._operators for o in row])
        if not all(o.is_square in (True, None) for o in diagonal):
            raise ValueError("Matrices must be square along the diagonal.")
        if _all(diagonal, "is_non_singular"):
            given["is_non_singular"] = True
        given["is_square"] = True
        super().__init__(diagonal[0].dtype, name=name, parameters=_parameters(given), **_hints(given))

    operators = property(lambda self: self._operators)

    def _blocks(self) -> list[LinearOperator]:
        return [o for row in self._operators for o in row]

    def _shape(self) -> TensorShape:
        batch = _batch_of(self._blocks())
        sizes = [row[-1].range_dimension.value for row in self._operators]
        side = None if None in sizes else sum(sizes)
        return TensorShape(None) if batch is None else TensorShape([*batch, side, side])

    def _to_dense(self) -> Any:
        batch, width = _batch_of(self._blocks()), self.shape._dims[-1]
        rows = []
        for row in self._operators:
            line = (
                later("ConcatV2")([_spread(o.to_dense(), batch) for o in row], -1)
                if len(row) > 1
                else _spread(row[0].to_dense(), batch)
            )
            pads = np.zeros((len(line._dims), 2), np.int32)
            pads[-1, 1] = width - line._dims[-1]
            rows.append(later("Pad")(line, pads))
        return _joined(rows, -2)

    def _solve(self, rhs: Any, adjoint: bool = False) -> Any:
        if adjoint:
            return super()._solve(rhs, True)
        solved: list[Any] = []
        done = 0
        for row in self._operators:
            n = row[-1].range_dimension.value
            part = rhs[..., done : done + n, :]
            for o, x in zip(row[:-1], solved):
                part = Sub(part, o._matmul(x, False))
            solved.append(row[-1].solve(part))
            done += n
        batch = broadcast(*(p._dims[:-2] for p in solved))
        return _joined([_spread(p, batch) for p in solved], -2)

    def _determinant(self) -> Any:
        return functools.reduce(Mul, [row[-1].determinant() for row in self._operators])

    def _log_abs_determinant(self) -> Any:
        return functools.reduce(AddV2, [row[-1].log_abs_determinant() for row in self._operators])
