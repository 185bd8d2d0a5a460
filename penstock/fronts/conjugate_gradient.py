"""`tf.linalg.experimental.conjugate_gradient`: linear systems of positive definite operators, solved step by step."""

import collections
from typing import Any

from penstock.base.export import export
from penstock.fronts.control import while_loop_v2
from penstock.ir import door
from penstock.ir.convert import convert_to_tensor
from penstock.ir.op import find
from penstock.ir.scope import scoped

CGState = collections.namedtuple("CGState", ["i", "x", "r", "p", "gamma"])


def _dot(x: Any, y: Any) -> Any:
    return find("Sum")((find("Conj")(x) if x.dtype.is_complex else x) * y, [-1])


@export("linalg.experimental.conjugate_gradient")
def conjugate_gradient(operator: Any, rhs: Any, preconditioner: Any = None, x: Any = None, tol: float = 1e-5, max_iter: int = 20, name: str = "conjugate_gradient") -> Any:
    """(steps, solution, residual, direction, gamma) of `operator @ x = rhs`, until the residual is below `tol |rhs|`.

    rhs: [..., n]; operator: self-adjoint and positive definite; preconditioner: an operator near its inverse.
    """
    if not (operator.is_self_adjoint and operator.is_positive_definite):
        raise ValueError("Expected a self-adjoint, positive definite operator.")
    with scoped(name, "conjugate_gradient"):
        rhs = convert_to_tensor(rhs)
        limit = find("Cast")(door.convert(tol), DstT=rhs.dtype) * _norm(rhs)
        if x is None:
            x = find("ZerosLike")(rhs)
            residual = rhs
        else:
            x = convert_to_tensor(x, rhs.dtype)
            residual = rhs - operator.matvec(x)
        direction = residual if preconditioner is None else preconditioner.matvec(residual)
        gamma = _dot(residual, direction)

        def going(i: Any, state: Any) -> Any:
            left = find("Greater")(_real(_norm(state.r)), _real(limit))
            return find("LogicalAnd")(find("Less")(i, max_iter), find("Any")(left, find("Range")(0, find("Rank")(left), 1)))

        def step(i: Any, state: Any) -> Any:
            z = operator.matvec(state.p)
            alpha = find("DivNoNan")(state.gamma, _dot(state.p, z))
            wide = find("ExpandDims")(alpha, -1)
            x, r = state.x + wide * state.p, state.r - wide * z
            q = r if preconditioner is None else preconditioner.matvec(r)
            gamma = _dot(r, q)
            beta = find("ExpandDims")(find("DivNoNan")(gamma, state.gamma), -1)
            return i + 1, CGState(i + 1, x, r, q + beta * state.p, gamma)

        zero = door.convert(0)
        _, last = while_loop_v2(going, step, (zero, CGState(zero, x, residual, direction, gamma)))
        return CGState(last.i, last.x, last.r, last.p, last.gamma)


def _real(x: Any) -> Any:
    return find("Real")(x, Tout=x.dtype.base_dtype.real_dtype) if x.dtype.is_complex else x


def _norm(x: Any) -> Any:
    return find("Sqrt")(_dot(x, x))
