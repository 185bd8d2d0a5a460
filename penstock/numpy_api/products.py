"""Products of vectors and matrices."""

from typing import Any

import numpy as np

from penstock.base import dtypes
from penstock.base.export import export
from penstock.ir.op import find
from penstock.numpy_api.promotion import SPACE, asarray, promoted, to
from penstock.numpy_api.shaping import moveaxis, ravel
from penstock.ops import einsum as sums
from penstock.ops.matmul import matmul as product


def _through(call: Any, *parts: Any) -> Any:
    """Booleans and small integers go through a type that products take, and come back."""
    dtype = parts[0].dtype.base_dtype
    if dtype.is_bool or dtype.is_integer and dtype not in (dtypes.int32, dtypes.int64):
        return to(call(*[to(p, dtypes.int64) for p in parts]), dtype)
    return call(*parts)


@export(SPACE + "matmul")
def matmul(x1: Any, x2: Any) -> Any:
    """The matrix product; vectors count as a row on the left, as a column on the right."""
    x1, x2 = promoted(x1, x2)
    r1, r2 = x1.shape.rank, x2.shape.rank
    if r2 == 1:
        if r1 == 1:
            return _through(lambda a, b: sums.tensordot(a, b, axes=1), x1, x2)
        return _through(lambda a, b: sums.tensordot(a, b, axes=[[-1], [-1]]), x1, x2)
    if r1 == 1:
        return _through(lambda a, b: sums.tensordot(a, b, axes=[[0], [-2]]), x1, x2)
    if r1 == 0 or r2 == 0:
        raise ValueError(f"matmul: Input operand must not be scalar: got shapes {x1.shape} and {x2.shape}")
    return _through(product, x1, x2)


@export(SPACE + "dot")
def dot(a: Any, b: Any) -> Any:
    """The product over the last axis of a and the last but one (or only) axis of b."""
    a, b = promoted(a, b)
    if a.shape.rank == 0 or b.shape.rank == 0:
        return find("LogicalAnd")(a, b) if a.dtype.is_bool else a * b
    return _through(lambda x, y: sums.tensordot(x, y, axes=[[-1], [-1 if b.shape.rank == 1 else -2]]), a, b)


@export(SPACE + "inner")
def inner(a: Any, b: Any) -> Any:
    """The product over the last axes of both."""
    a, b = promoted(a, b)
    if a.shape.rank == 0 or b.shape.rank == 0:
        return a * b
    return _through(lambda x, y: sums.tensordot(x, y, axes=[[-1], [-1]]), a, b)


@export(SPACE + "outer")
def outer(a: Any, b: Any) -> Any:
    """Every element of a times every element of b."""
    a, b = promoted(a, b)
    a, b = ravel(a), ravel(b)
    a, b = find("ExpandDims")(a, -1), find("ExpandDims")(b, 0)
    return find("LogicalAnd")(a, b) if a.dtype.is_bool else a * b


@export(SPACE + "vdot")
def vdot(a: Any, b: Any) -> Any:
    """The sum of the products of all elements, those of a conjugated."""
    a, b = promoted(a, b)
    a, b = ravel(a), ravel(b)
    return dot(find("Conj")(a) if a.dtype.is_complex else a, b)


@export(SPACE + "tensordot")
def tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    """The product over the given axes of both."""
    return _through(lambda x, y: sums.tensordot(x, y, axes=axes), *promoted(a, b))


@export(SPACE + "einsum")
def einsum(subscripts: str, *operands: Any, **kwargs: Any) -> Any:
    """The sum of products that the subscripts say."""
    casting, optimize = kwargs.pop("casting", "safe"), kwargs.pop("optimize", False)
    if casting == "safe":
        parts = promoted(*operands)
    elif casting == "no":
        parts = tuple(asarray(o) for o in operands)
    else:
        raise ValueError(f"Invalid value for argument `casting`. Expected casting='safe' or casting='no'. Received: casting={casting}")
    if kwargs.pop("dtype", None) is not None or kwargs.pop("out", None) is not None or kwargs:
        raise ValueError("einsum takes no other arguments than casting and optimize")
    if not optimize:
        optimize = "greedy"
    elif isinstance(optimize, bool):
        optimize = "auto"
    return _through(lambda *p: sums.einsum(subscripts, *p, optimize=optimize), *parts)


@export(SPACE + "kron")
def kron(a: Any, b: Any) -> Any:
    """The Kronecker product."""
    a, b = promoted(a, b)
    rank = max(a.shape.rank, b.shape.rank)
    sizes = lambda x: find("ConcatV2")([np.ones(rank - x.shape.rank, np.int32), find("Shape")(x)], 0)
    size_a, size_b = sizes(a), sizes(b)
    ones = np.ones(rank, np.int32)
    spread = lambda first, second: find("Reshape")(find("Pack")([first, second], axis=1), [-1])
    a, b = find("Reshape")(a, spread(size_a, ones)), find("Reshape")(b, spread(ones, size_b))
    return find("Reshape")(find("LogicalAnd")(a, b) if a.dtype.is_bool else a * b, size_a * size_b)


@export(SPACE + "cross")
def cross(a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: Any = None) -> Any:
    """The cross product of vectors of 2 or 3 elements."""
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = promoted(a, b)
    a, b = moveaxis(a, axisa, -1), moveaxis(b, axisb, -1)
    n, m = a.shape.as_list()[-1], b.shape.as_list()[-1]
    if n not in (2, 3) or m not in (2, 3):
        raise ValueError(f"Incompatible dimensions for cross product\n(dimension must be 2 or 3), got {n} and {m}")
    at = lambda x, i: x[..., i]
    if n == m == 2:
        return at(a, 0) * at(b, 1) - at(a, 1) * at(b, 0)
    widen = lambda x, k: x if k == 3 else find("PadV2")(x, [[0, 0]] * (x.shape.rank - 1) + [[0, 1]], find("Cast")(0, DstT=x.dtype))
    a, b = widen(a, n), widen(b, m)
    parts = [at(a, i) * at(b, j) - at(a, j) * at(b, i) for i, j in ((1, 2), (2, 0), (0, 1))]
    return moveaxis(find("Pack")(parts, axis=parts[0].shape.rank), -1, axisc)
