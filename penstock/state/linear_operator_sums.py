"""Sums of linear operators that stay as cheap as their parts allow (`tensorflow.python.ops.linalg.linear_operator_addition`)."""

from collections.abc import Callable
from typing import Any

from penstock.state.linear_operator import LinearOperator
from penstock.state.linear_operator_kinds import (
    LinearOperatorDiag,
    LinearOperatorFullMatrix,
    LinearOperatorIdentity,
    LinearOperatorLowerTriangular,
    LinearOperatorScaledIdentity,
)

IDENTITIES = (LinearOperatorIdentity, LinearOperatorScaledIdentity)
DIAGONAL = (*IDENTITIES, LinearOperatorDiag)
TRIANGULAR = (*DIAGONAL, LinearOperatorLowerTriangular)
ANY = (*TRIANGULAR, LinearOperatorFullMatrix)


class Adder:
    """Adds two operators of some kinds to one of `result`'s kind."""

    def __init__(self, kinds: tuple[Any, ...], add: Callable[..., Any]):
        self.kinds = kinds
        self._add = add

    def can_add(self, op1: Any, op2: Any) -> bool:
        """Are both operators of a kind that this adder takes?  TypeError for a kind that no adder knows."""
        for operator in (op1, op2):
            if not isinstance(operator, ANY):
                raise TypeError(f"Operator type unknown: {operator}")
        return isinstance(op1, self.kinds) and isinstance(op2, self.kinds)

    def add(self, op1: Any, op2: Any, operator_name: str | None = None, hints: dict[str, Any] | None = None) -> Any:
        """The operator op1 + op2; what is known of it follows from both unless `hints` say more."""
        adjoint = True if op1.is_self_adjoint and op2.is_self_adjoint else None
        definite = True if op1.is_positive_definite and op2.is_positive_definite else None
        found = {"is_self_adjoint": adjoint, "is_positive_definite": definite, "is_non_singular": definite}
        found.update({key: value for key, value in (hints or {}).items() if value is not None})
        return self._add(op1, op2, name=operator_name or f"Add/{op1.name}__{op2.name}/", **found)


def _scale(operator: Any) -> Any:
    """The multiplier of a scaled identity; of an identity ones of its batch shape."""
    if isinstance(operator, LinearOperatorScaledIdentity):
        return operator.multiplier
    return operator.diag_part()[..., 0]


def _scaled_identity(op1: Any, op2: Any, **rest: Any) -> Any:
    rows = op1.range_dimension_tensor() if op1.range_dimension is None else int(op1.range_dimension)
    return LinearOperatorScaledIdentity(rows, _scale(op1) + _scale(op2), **rest)


def _diagonal(op1: Any, op2: Any, **rest: Any) -> Any:
    return LinearOperatorDiag(op1.diag_part() + op2.diag_part(), **rest)


def _dense(op1: Any, op2: Any) -> Any:
    light, other = (op1, op2) if isinstance(op1, DIAGONAL) else (op2, op1)
    return light.add_to_tensor(other.to_dense())


def add_and_return_scaled_identity() -> Adder:
    """Identities, scaled or not."""
    return Adder(IDENTITIES, _scaled_identity)


def add_and_return_diag() -> Adder:
    """Identities and diagonals."""
    return Adder(DIAGONAL, _diagonal)


def add_and_return_triangular() -> Adder:
    """What is diagonal or lower triangular."""
    return Adder(TRIANGULAR, lambda a, b, **rest: LinearOperatorLowerTriangular(_dense(a, b), **rest))


def add_and_return_matrix() -> Adder:
    """Any two of the known kinds, as one full matrix."""
    return Adder(ANY, lambda a, b, **rest: LinearOperatorFullMatrix(_dense(a, b), **rest))


DEFAULT_TIERS = (
    (add_and_return_scaled_identity(),),
    (add_and_return_diag(),),
    (add_and_return_triangular(),),
    (add_and_return_matrix(),),
)


def add_operators(
    operators: Any, operator_name: str | None = None, addition_tiers: Any = None, name: str | None = None
) -> list[Any]:
    """A list of operators, as short as the tiers allow, with the same sum: all additions of one tier come before the next's."""
    if isinstance(operators, str) or not hasattr(operators, "__iter__"):
        kind = 'a "proper" iterable' if isinstance(operators, str) else "iterable"
        raise TypeError(f'Expected argument "values" to be {kind}.  Found: {type(operators)}')
    left = list(operators)
    if not left:
        raise ValueError(f"Argument 'operators' must contain at least one operator.  Found: {left}")
    if not all(isinstance(operator, LinearOperator) for operator in left):
        raise TypeError(f"Argument 'operators' must contain only LinearOperator instances.  Found: {left}")
    for what in ("domain", "range"):
        sizes = {getattr(o, f"{what}_dimension") for o in left if getattr(o, f"{what}_dimension") is not None}
        if len({int(size) for size in sizes}) > 1:
            found = [(o.name, getattr(o, f"{what}_dimension")) for o in left]
            raise ValueError(f"Operators must have the same {what} dimension. Found: {found}")
    for tier in DEFAULT_TIERS if addition_tiers is None else addition_tiers:
        left = _one_tier(left, tier, operator_name)
    return left


def _one_tier(left: list[Any], tier: Any, operator_name: str | None) -> list[Any]:
    done: list[Any] = []
    while left:
        first = left.pop(0)
        match = next(((adder, i) for i, other in enumerate(left) for adder in tier if adder.can_add(first, other)), None)
        if match is None:
            done.insert(0, first)
        else:
            adder, i = match
            left.insert(0, adder.add(first, left.pop(i), operator_name))
    return done


_AddAndReturnScaledIdentity = add_and_return_scaled_identity
_AddAndReturnDiag = add_and_return_diag
_AddAndReturnTriL = add_and_return_triangular
_AddAndReturnMatrix = add_and_return_matrix
