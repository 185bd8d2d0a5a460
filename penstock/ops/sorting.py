"""Order: sort, argsort, searchsorted, unravel_index, fingerprint."""

import math
from typing import Any

import numpy as np

from penstock.base import dtypes
from penstock.base.errors import ShapeError
from penstock.base.export import export
from penstock.base.shape import as_text
from penstock.ir import door
from penstock.ir.known import known_value
from penstock.ir.op import op
from penstock.ir.scope import scoped
from penstock.ir.tensor import Tensor
from penstock.ops import shapes
from penstock.ops.arrays import transpose_op
from penstock.ops.families import later

_TopKV2, _Neg, _Sub, _Prod = later("TopKV2"), later("Neg"), later("Sub"), later("Prod")


@export("sort")
def sort(values, axis=-1, direction="ASCENDING", name=None):
    """The values in order along an axis.

    >>> tf.sort([3, 1, 2], direction="DESCENDING").numpy().tolist()
    [3, 2, 1]
    """
    with scoped(name, "sort"):
        return _sorted(values, axis, direction, 0)


@export("argsort")
def argsort(values, axis=-1, direction="ASCENDING", stable=False, name=None):
    """Where the values in order are, along an axis; equal ones keep their order.

    >>> tf.argsort([30, 10, 20]).numpy().tolist()
    [1, 2, 0]
    """
    del stable  # it always is
    with scoped(name, "argsort"):
        return _sorted(values, axis, direction, 1)


def _sorted(values: Any, axis: Any, direction: str, which: int) -> Any:
    if direction not in ("ASCENDING", "DESCENDING"):
        raise ValueError(f"Argument `direction` should be one of ASCENDING, DESCENDING. Received: direction={direction}")
    at = known_value(axis) if isinstance(axis, Tensor) else axis
    if at is None:
        raise ValueError("sort and argsort need an axis that is known while the graph is built")
    at = int(at)
    values = door.convert(values, None, "values")
    dims = values._dims
    if dims is None and at != -1:
        raise ValueError("sort and argsort along an inner axis need a tensor of known rank")
    if dims is not None and not -len(dims) <= at < len(dims):
        raise ShapeError(f"axis = {at} is out of bounds for a tensor of rank {len(dims)}")
    flipped = direction == "ASCENDING"
    order = None
    if dims is not None and at % len(dims) != len(dims) - 1:
        at %= len(dims)
        order = np.arange(len(dims), dtype=np.int32)
        order[at], order[-1] = order[-1], order[at]
        values = transpose_op(values, order)
    x = _mirrored(values) if flipped else values
    n = None if values._dims is None else values._dims[-1]
    k = np.int32(n) if n is not None else shapes.shape_op(values)[-1]
    out = _TopKV2(x, k)[which]
    if which == 0 and flipped:
        out = _mirrored(out)
    return out if order is None else transpose_op(out, order)


def _mirrored(x: Any) -> Any:
    """A strictly decreasing function of x that is its own inverse."""
    kind = x.dtype.base_dtype
    if kind.is_unsigned:
        return _Sub(np.asarray(kind.max, kind.array_dtype), x, name="sub")
    if kind.is_integer:  # -1 - x, which the least integer survives
        return _Sub(_Neg(x), np.ones((), kind.array_dtype), name="sub")
    return _Neg(x)


# -- searchsorted ------------------------------------------------------------------------------------------------------
def _bound(name: str, side: str, doc: str) -> Any:
    def body(xp, sorted_inputs, values):
        if sorted_inputs.ndim != 2 or values.ndim != 2 or sorted_inputs.shape[0] != values.shape[0]:
            raise ShapeError(f"Leading dim_size of both tensors must match, and both must be matrices: {as_text(tuple(sorted_inputs.shape))} and {as_text(tuple(values.shape))}")
        if xp is np:
            return np.stack([np.searchsorted(s, v, side) for s, v in zip(sorted_inputs, values)]) if len(values) else np.zeros(values.shape, np.int64)
        import jax

        return jax.vmap(lambda s, v: xp.searchsorted(s, v, side=side))(xp.asarray(sorted_inputs), xp.asarray(values))

    body.__name__ = body.__qualname__ = name
    body.__module__, body.__doc__ = __name__, doc
    made = op(f"{name}(sorted_inputs: T, values: T, *, T: type, out_type: index = int32) -> output: out_type", shape=lambda s, values, **_: values.shape)(body)
    return made.no_grad()


LowerBound = _bound("LowerBound", "left", "Where each value could be inserted first into its sorted row.")
UpperBound = _bound("UpperBound", "right", "Where each value could be inserted last into its sorted row.")


@export("searchsorted")
def searchsorted(sorted_sequence, values, side="left", out_type=dtypes.int32, name=None):
    """Where each value could be inserted into the sorted last axis: before (`left`) or after (`right`) equal elements.

    >>> tf.searchsorted([1, 3, 5], [0, 3, 6]).numpy().tolist()
    [0, 1, 3]
    """
    if side not in ("left", "right"):
        raise ValueError(f"Argument `side` must be either 'right' or 'left'. Received: `side` = '{side}'.")
    sorted_sequence = door.convert(sorted_sequence)
    values = door.convert(values, sorted_sequence.dtype.base_dtype if not isinstance(values, Tensor) else None)
    for t, n in ((sorted_sequence, "sorted_sequence"), (values, "values")):
        if t._dims == ():
            raise ShapeError(f"tf.searchsorted(): {n} must be at least a vector, got a scalar")
    rows = lambda t: shapes.reshape_op(t, _as_matrix(t))
    found = (UpperBound if side == "right" else LowerBound)(rows(sorted_sequence), rows(values), out_type=out_type, name=name)
    return shapes.reshape_op(found, shapes.shape_of(values))


def _as_matrix(t: Any) -> Any:
    """The shape of `t` as a matrix of its last axes; they may be empty, so that the number of rows is said too."""
    size = None if t._dims is None else t._dims[-1]
    if size:
        return [-1, int(size)]
    if t._dims is not None and None not in t._dims:
        return [math.prod(t._dims[:-1]), 0]
    shape = shapes.shape_op(t)
    return [_Prod(shape[:-1], [0]), shape[-1]]


# -- unravel_index -----------------------------------------------------------------------------------------------------
@op("UnravelIndex(indices: Tidx, dims: Tidx, *, Tidx: index = int32) -> output: Tidx")
def unravel_index_op(xp, indices, dims):
    """The coordinates of flat indices in an array of shape dims: one row an axis."""
    after = xp.cumprod(xp.concatenate([dims[1:], xp.ones(1, dims.dtype)])[::-1])[::-1]
    column = after.reshape(-1, *[1] * indices.ndim) if indices.ndim else after
    size = dims.reshape(-1, *[1] * indices.ndim) if indices.ndim else dims
    return indices // xp.maximum(column, 1) % xp.maximum(size, 1)


@unravel_index_op.check
def _(xp, indices, dims):
    if xp is np and not dims.all():
        return True, f"Input dims cannot contain a dim of zero, but dims contains zero at index {int(np.argmin(dims != 0))}"
    return xp.any((indices < 0) | (indices >= xp.prod(dims))), "index is out of bound as with dims"


@unravel_index_op.shape
def _(indices, dims):
    if dims.rank not in (None, 1):
        raise ShapeError(f"The indices can only be scalar or vector; dims must be a vector, got shape {as_text(dims.shape)}")
    n = dims.shape[0] if dims.shape else None
    return None if indices.shape is None else (n, *indices.shape)


unravel_index_op.no_grad()


@export("unravel_index")
def unravel_index(indices, dims, name=None):
    """The coordinates of flat indices in an array of shape `dims`.

    >>> tf.unravel_index([5, 3], [2, 3]).numpy().tolist()
    [[1, 1], [2, 0]]
    """
    return unravel_index_op(indices, dims, name=name)


