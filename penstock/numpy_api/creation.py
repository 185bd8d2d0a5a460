"""New arrays: constants, ranges, diagonals and triangles."""

from typing import Any

import numpy as np

from penstock.base import dtypes
from penstock.base.dtypes import as_dtype
from penstock.base.export import export
from penstock.ir import door
from penstock.ir.op import find
from penstock.numpy_api.promotion import (
    SPACE,
    asarray,
    default_float,
    given_type,
    is_number,
    promoted,
    result_type,
    settings,
    to,
)
from penstock.ops import constants, diagonals
from penstock.ops.shapes import shape_of


def _dims(shape: Any) -> Any:
    if isinstance(shape, int | np.integer):
        return [int(shape)]
    return door.convert(shape, None if hasattr(shape, "dtype") else dtypes.int32) if not isinstance(shape, tuple | list) else list(shape)


def _filled(shape: Any, value: Any, dtype: Any) -> Any:
    wanted = given_type(dtype) or as_dtype(default_float() if dtype is None else dtype)
    return constants.fill(_dims(shape), to(asarray(value), wanted))


@export(SPACE + "zeros")
def zeros(shape: Any, dtype: Any = float) -> Any:
    """Zeros, float64 unless said otherwise.

    >>> tf.experimental.numpy.zeros(2).dtype
    tf.float64
    """
    return _filled(shape, 0, np.float64 if dtype is float else dtype)


@export(SPACE + "ones")
def ones(shape: Any, dtype: Any = float) -> Any:
    """Ones, float64 unless said otherwise."""
    return _filled(shape, 1, np.float64 if dtype is float else dtype)


@export(SPACE + "empty")
def empty(shape: Any, dtype: Any = float) -> Any:
    """Zeros: a tensor is never uninitialised."""
    return zeros(shape, dtype)


@export(SPACE + "zeros_like")
def zeros_like(a: Any, dtype: Any = None) -> Any:
    """Zeros of the shape and dtype of a."""
    a = asarray(a)
    return constants.zeros_like(a, given_type(dtype) or a.dtype)


@export(SPACE + "ones_like")
def ones_like(a: Any, dtype: Any = None) -> Any:
    """Ones of the shape and dtype of a."""
    a = asarray(a)
    return constants.ones_like(a, given_type(dtype) or a.dtype)


@export(SPACE + "empty_like")
def empty_like(a: Any, dtype: Any = None) -> Any:
    """Zeros of the shape and dtype of a."""
    return zeros_like(a, dtype)


@export(SPACE + "full")
def full(shape: Any, fill_value: Any, dtype: Any = None) -> Any:
    """A value, broadcast to a shape."""
    value = asarray(fill_value, dtype)
    return find("BroadcastTo")(value, _dims(shape))


@export(SPACE + "full_like")
def full_like(a: Any, fill_value: Any, dtype: Any = None, order: str = "K", subok: bool = True, shape: Any = None) -> Any:
    """A value, broadcast to the shape of a."""
    if order != "K":
        raise ValueError("Non-standard orders are not supported.")
    if not subok:
        raise ValueError("subok being False is not supported.")
    if shape:
        raise ValueError("Overriding the shape is not supported.")
    a = asarray(a)
    return find("BroadcastTo")(to(asarray(fill_value), given_type(dtype) or a.dtype), find("Shape")(a))


@export(SPACE + "eye")
def eye(N: Any, M: Any = None, k: int = 0, dtype: Any = float) -> Any:  # noqa: N803
    """Ones on the k-th diagonal of an N x M matrix."""
    wanted = given_type(np.float64 if dtype is float else dtype)
    columns = N if M is None else M
    if isinstance(k, int) and isinstance(N, int) and isinstance(columns, int):
        return door.convert(np.eye(N, columns, k).astype(wanted.as_numpy_dtype))
    rows = find("Range")(0, N, 1)
    across = find("Range")(0, columns, 1)
    return to(find("Equal")(find("ExpandDims")(rows, 1) + k, across), wanted)


@export(SPACE + "identity")
def identity(n: Any, dtype: Any = float) -> Any:
    """The n x n identity matrix."""
    return eye(n, n, dtype=dtype)


@export(SPACE + "arange")
def arange(start: Any, stop: Any = None, step: Any = 1, dtype: Any = None) -> Any:
    """Numbers from start (0) up to stop, int64 or float64 as the arguments say."""
    if not step:
        raise ValueError(f"Argument `step` must be non-zero. Received: {step}")
    kind = given_type(dtype) or result_type(*(v for v in (start, step, stop) if v is not None))
    work = kind if kind in (dtypes.int32, dtypes.int64, dtypes.float32, dtypes.float64) else dtypes.float64 if kind.is_floating else dtypes.int64
    start = to(asarray(start), work)
    step = to(asarray(step), work)
    start, stop = (find("ZerosLike")(start), start) if stop is None else (start, to(asarray(stop), work))
    return to(constants.range(start, stop, step), kind)


def _spaced(start: Any, stop: Any, num: int, endpoint: bool, axis: int) -> tuple[Any, Any]:
    start, stop = (to(v, dtypes.float64) if not v.dtype.is_floating and not v.dtype.is_complex else v for v in (asarray(start), asarray(stop)))
    start, stop = promoted(start, stop)
    num = int(num)
    if num < 0:
        raise ValueError(f"Argument `num` (number of samples) must be a non-negative integer. Received: num={num}")
    steps = num - 1 if endpoint else num
    step = (stop - start) / to(asarray(max(steps, 1)), start.dtype) if steps > 0 else find("ZerosLike")(start) * float("nan")
    if num == 0:
        return find("BroadcastTo")(find("ExpandDims")(start, axis), [0] + [1] * (start.shape.rank or 0)), step
    last = stop if endpoint else stop - step
    return constants.linspace(start, last, num, axis=axis) if num > 1 else find("ExpandDims")(start, axis), step


@export(SPACE + "linspace")
def linspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, retstep: bool = False, dtype: Any = float, axis: int = 0) -> Any:
    """num numbers at equal distances from start to stop."""
    made, step = _spaced(start, stop, num, endpoint, axis)
    if settings.prefer_float32 and not any(hasattr(v, "dtype") for v in (start, stop)):
        made, step = to(made, dtypes.float32), to(step, dtypes.float32)
    return (made, step) if retstep else made


@export(SPACE + "logspace")
def logspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, base: Any = 10.0, dtype: Any = None, axis: int = 0) -> Any:
    """num numbers whose logarithms are at equal distances."""
    wanted = given_type(dtype)
    exponents = linspace(start, stop, num, endpoint, dtype=float, axis=axis)
    made = find("Pow")(to(asarray(base), exponents.dtype), exponents)
    return made if wanted is None else to(made, wanted)


@export(SPACE + "geomspace")
def geomspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, dtype: Any = None, axis: int = 0) -> Any:
    """num numbers whose ratios are equal."""
    wanted = given_type(dtype) or result_type(start, stop, float(num), np.zeros((), default_float()))
    start, stop = (to(asarray(v), wanted) for v in (start, stop))
    log = find("Log")
    low, high = log(start), log(stop)
    made, _ = _spaced(low, high, num, endpoint, axis)
    return find("Exp")(made)




@export(SPACE + "tri")
def tri(N: Any, M: Any = None, k: int = 0, dtype: Any = None) -> Any:  # noqa: N803
    """Ones on and below the k-th diagonal of an N x M matrix."""
    wanted = given_type(dtype) if dtype is not None else dtypes.float64
    return door.convert(np.tri(N, M, k).astype(wanted.as_numpy_dtype))


def _masked(m: Any, k: int, keep_lower: bool) -> Any:
    m = asarray(m)
    rank = m.shape.rank
    if rank is None or rank < 2:
        raise ValueError(f"Argument to {'tril' if keep_lower else 'triu'} must have known rank of at least 2. Received: m={m}")
    dims = shape_of(m)
    rows, columns = dims[-2], dims[-1]
    below = find("GreaterEqual")(find("ExpandDims")(find("Range")(0, rows, 1), 1) + k, find("Range")(0, columns, 1)) if keep_lower else \
        find("Less")(find("ExpandDims")(find("Range")(0, rows, 1), 1) + (k - 1), find("Range")(0, columns, 1))  # fmt: skip
    return find("SelectV2")(find("BroadcastTo")(below, find("Shape")(m)), m, find("ZerosLike")(m))


@export(SPACE + "tril")
def tril(m: Any, k: int = 0) -> Any:
    """The lower triangle, zeros above the k-th diagonal."""
    return _masked(m, k, True)


@export(SPACE + "triu")
def triu(m: Any, k: int = 0) -> Any:
    """The upper triangle, zeros below the k-th diagonal."""
    return _masked(m, k, False)


@export(SPACE + "diag")
def diag(v: Any, k: int = 0) -> Any:
    """A matrix with v on its k-th diagonal, or the k-th diagonal of a matrix."""
    v = asarray(v)
    rank = v.shape.rank
    if rank == 1:
        return diagonals.matrix_diag(v, k=k)
    if rank == 2:
        return diagonal(v, k)
    raise ValueError(f"Argument to diag must be 1D or 2D. Received: v={v}")


@export(SPACE + "diagflat")
def diagflat(v: Any, k: int = 0) -> Any:
    """A matrix with all elements of v on its k-th diagonal."""
    return diag(find("Reshape")(asarray(v), [-1]), k)


@export(SPACE + "diagonal")
def diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """The diagonals of the matrices that two axes make up, last."""
    a = asarray(a)
    rank = a.shape.rank
    order = [i for i in range(rank) if i not in (axis1 % rank, axis2 % rank)] + [axis1 % rank, axis2 % rank]
    if order != list(range(rank)):
        a = find("Transpose")(a, order)
    rows, columns = a.shape.as_list()[-2:]
    if rows is not None and columns is not None and (offset >= columns or offset <= -rows):
        return find("StridedSlice")(a, [0] * rank, [0] * rank, [1] * rank, begin_mask=2**rank - 1, end_mask=2 ** (rank - 2) - 1, ellipsis_mask=0,
                                    new_axis_mask=0, shrink_axis_mask=2 ** (rank - 2))  # fmt: skip
    return diagonals.matrix_diag_part(a, k=offset)


@export(SPACE + "diag_indices")
def diag_indices(n: Any, ndim: int = 2) -> tuple[Any, ...]:
    """The places of the main diagonal, an array for each axis."""
    if n < 0:
        raise ValueError(f"n argument to diag_indices must be nonnegative, got {n}")
    if ndim < 0:
        raise ValueError(f"ndim argument to diag_indices must be nonnegative, got {ndim}")
    return (find("Range")(0, n, 1),) * ndim


@export(SPACE + "trace")
def trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None) -> Any:
    """The sum of a diagonal."""
    on_it = diagonal(a, offset, axis1, axis2)
    if offset:
        from penstock.numpy_api.reductions import sum_

        return sum_(on_it, axis=-1, dtype=dtype)
    return find("Sum")(on_it if dtype is None else to(on_it, given_type(dtype)), [-1])


@export(SPACE + "vander")
def vander(x: Any, N: Any = None, increasing: bool = False) -> Any:  # noqa: N803
    """The powers of x in columns, the highest first unless increasing."""
    x = asarray(x)
    if x.shape.rank is not None and x.shape.rank != 1:
        raise ValueError(f"The rank of x has to be 1, but it is {x.shape.rank}")
    n = shape_of(x)[0] if N is None else N
    if not isinstance(n, int | np.integer) and not hasattr(n, "dtype"):
        raise ValueError(f"Argument `N` must be a scalar integer. Received: {N}")
    if is_number(n) and n < 0:
        raise ValueError(f"N cannot be negative, got {n}")
    exponents = constants.range(0, n, 1) if increasing else constants.range(n - 1, -1, -1)
    return find("Pow")(find("ExpandDims")(x, -1), to(exponents, x.dtype))


@export(SPACE + "meshgrid")
def meshgrid(*xi: Any, **kwargs: Any) -> list[Any]:
    """Coordinate matrices of coordinate vectors."""
    from penstock.ops.join import meshgrid as grid

    sparse, copied = kwargs.pop("sparse", False), kwargs.pop("copy", True)
    if sparse:
        raise ValueError(f"Function `meshgrid` does not support returning sparse arrays yet. Received: sparse={sparse}")
    if not copied:
        raise ValueError(f"Function `meshgrid` only supports copy=True. Received: copy={copied}")
    indexing = kwargs.pop("indexing", "xy")
    if kwargs:
        raise TypeError(f"meshgrid() got an unexpected keyword argument {next(iter(kwargs))!r}")
    return list(grid(*[find("Reshape")(asarray(x), [-1]) if asarray(x).shape.rank == 0 else asarray(x) for x in xi], indexing=indexing))


@export(SPACE + "ix_")
def ix_(*args: Any) -> list[Any]:
    """Index arrays that address the product of several lists of indices."""
    made = []
    for i, a in enumerate(args):
        x = asarray(a)
        if x.shape.rank != 1:
            raise ValueError(f"Arguments must be 1-d, got arg {i} of rank {x.shape.rank}")
        if x.dtype.is_bool:
            x = find("Reshape")(find("Where")(x), [-1])
        made.append(find("Reshape")(x, [1] * i + [-1] + [1] * (len(args) - i - 1)))
    return made


