"""The ops that a graph begins with: constants, placeholders, no-ops."""

from typing import Any

from penstock.base.errors import InvalidArgumentError
from penstock.ir.op import op


@op("Const(*, value: tensor, dtype: type) -> output: dtype", shape=lambda *, value, dtype: value.shape)
def CONST(xp, *, value, dtype):
    """A constant."""
    return value


@op("Placeholder(*, dtype: type, shape: shape = None) -> output: dtype", where="control", shape=lambda *, dtype, shape: shape)
def PLACEHOLDER(xp, *, dtype, shape):
    """A value that the caller of the graph feeds."""
    raise InvalidArgumentError(None, None, f"You must feed a value for a placeholder tensor with dtype {dtype.name}")


@op("PlaceholderWithDefault(input: dtype, *, dtype: type, shape: shape) -> output: dtype", shape=lambda input, *, dtype, shape: shape)
def PLACEHOLDER_WITH_DEFAULT(xp, input, *, dtype, shape):
    """A value that the caller may feed."""
    return input


@PLACEHOLDER_WITH_DEFAULT.grad
def _(node: Any, dy: Any) -> Any:
    return dy


@op("NoOp() -> ()")
def NO_OP(xp):
    """Nothing; something to hang control dependencies on."""
    return ()
