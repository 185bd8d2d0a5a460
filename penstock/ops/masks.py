"""Choosing by truth: where, boolean_mask, sequence_mask."""

from typing import Any

import numpy as np

from penstock.base import dtypes
from penstock.base.dtypes import as_dtype
from penstock.base.export import export
from penstock.base.shape import TensorShape
from penstock.ir import door, node_count
from penstock.ir.known import known_value
from penstock.ir.op import op
from penstock.ir.scope import scoped
from penstock.ir.tensor import Tensor
from penstock.ops import constants, shapes
from penstock.ops.families import dispatched, later
from penstock.ops.gather_scatter import gather
from penstock.ops.join import concat

_Select, _SelectV2, _Cast, _Less, _Max, _Maximum, _Prod = (later(n) for n in ("Select", "SelectV2", "Cast", "Less", "Max", "Maximum", "Prod"))


@op("Where(input: T, *, T: {float32|float64|int32|uint8|int16|int8|complex64|int64|qint8|quint8|qint32|bfloat16|qint16|quint16|uint16|complex128|"
    "float16|uint32|uint64|bool} = bool) -> index: int64", where="host", shape=lambda input: (None, input.rank), called={"input": "condition"})  # fmt: skip
def where_op(xp, input):  # noqa: A002
    """The coordinates of the elements that are not zero, in row-major order."""
    return np.argwhere(input).astype(np.int64)


where_op.no_grad()


@export(v2=("where",))
@dispatched
def where(condition, x=None, y=None, name=None):
    """`x` where `condition` holds, else `y`, all three broadcast; the coordinates of true elements when both are left out.

    >>> tf.where([True, False, True], 1, [7, 8, 9]).numpy().tolist()
    [1, 8, 1]
    """
    if x is None and y is None:
        return _coordinates(condition, name)
    if x is None or y is None:
        raise ValueError("x and y must both be non-None or both be None.")
    return _SelectV2(condition, x, y, name=name)


@export(v1=("where_v2",))
def where_v2(condition, x=None, y=None, name=None):
    """The 2.x `tf.where`."""
    return where(condition, x, y, name)


@export(v1=("where",))
@dispatched
def where_v1(condition, x=None, y=None, name=None):
    """`x` where `condition` holds, else `y`: of one shape, or `condition` a scalar or one truth for each row."""
    if x is None and y is None:
        return _coordinates(condition, name)
    if x is None or y is None:
        raise ValueError("x and y must both be non-None or both be None.")
    return _Select(condition, x, y, name=name)


def _coordinates(condition: Any, name: str | None) -> Any:
    with scoped(name, "Where") as scope:
        condition = door.convert(condition, None, "condition")
        return where_op(condition, name=scope)


@export(v2=("boolean_mask",))
def boolean_mask(tensor, mask, axis=None, name="boolean_mask"):
    """The elements (or the slices from `axis` on) of `tensor` for which `mask` holds, in one row.

    >>> tf.boolean_mask([[1, 2], [3, 4]], [[True, False], [True, True]]).numpy().tolist()
    [1, 3, 4]
    """
    with scoped(name, "boolean_mask"):
        tensor, mask = door.convert(tensor, None, "tensor"), door.convert(mask, None, "mask")
        rank = None if mask._dims is None else len(mask._dims)
        if rank == 0:
            raise ValueError("mask cannot be scalar.")
        if rank is None:
            raise ValueError("Number of mask dimensions must be specified, even if some dimensions are None.  E.g. shape=[None] is ok, but shape=None is not.")
        value = known_value(axis) if isinstance(axis, Tensor) else axis
        if isinstance(axis, Tensor) and value is None:
            raise ValueError("boolean_mask needs an axis that is known while the graph is built")
        axis = 0 if value is None else int(value)
        dims = tensor._dims
        if axis < 0 and dims is not None:
            axis += len(dims)
        if dims is not None:
            TensorShape._of(dims[axis : axis + rank]).assert_is_compatible_with(mask.shape)
        if dims is not None and None not in dims[axis : axis + rank]:
            length: Any = int(np.prod(dims[axis : axis + rank], dtype=np.int64))
            if None not in dims:
                flat = shapes.reshape_op(tensor, np.array([*dims[:axis], length, *dims[axis + rank :]], np.int32))
            else:
                whole = shapes.shape_op(tensor)
                flat = shapes.reshape_op(tensor, concat([whole[:axis], np.array([length], np.int32), whole[axis + rank :]], 0))
        else:
            whole = shapes.shape_op(tensor)
            length = shapes.reshape_op(_Prod(whole[axis : axis + rank], np.array([0], np.int32)), np.array([1], np.int32))
            flat = shapes.reshape_op(tensor, concat([whole[:axis], length, whole[axis + rank :]], 0))
        if flat._dims is None and dims is not None and hasattr(flat, "op"):
            flat.set_shape((*dims[:axis], None, *dims[axis + rank :]))
        node_count.more(1)
        where_true = shapes.squeeze_op(where_op(shapes.reshape_op(mask, np.array([-1], np.int32))), squeeze_dims=[1])
        return gather(flat, where_true, axis=axis)


@export(v1=("boolean_mask",))
def boolean_mask_v1(tensor, mask, name="boolean_mask", axis=None):
    """The elements (or the slices from `axis` on) of `tensor` for which `mask` holds."""
    return boolean_mask(tensor, mask, axis, name)


@export("sequence_mask")
def sequence_mask(lengths, maxlen=None, dtype=dtypes.bool, name=None):
    """True for the first `lengths[i]` places of row i, of `maxlen` (by default the greatest length).

    >>> tf.sequence_mask([1, 3], dtype=tf.int32).numpy().tolist()
    [[1, 0, 0], [1, 1, 1]]
    """
    with scoped(name, "SequenceMask"):
        lengths = door.convert(lengths)
        node_count.more(1)
        if maxlen is None:
            axes = np.arange(len(lengths._dims), dtype=np.int32) if lengths._dims is not None else constants.range_op(0, shapes.rank_op(lengths), 1)
            zero = np.zeros((), lengths.dtype.array_dtype)
            maxlen = _Maximum(_Max(lengths, axes), zero)
        else:
            maxlen = door.convert(maxlen)
        if maxlen._dims is not None and len(maxlen._dims) != 0:
            raise ValueError(f"Argument `maxlen` must be scalar, received `maxlen` = {maxlen}.")
        kind = maxlen.dtype.base_dtype.array_dtype
        places = constants.range_op(np.zeros((), kind), maxlen, np.ones((), kind))
        rows = _Cast(shapes.expand_dims_op(lengths, np.int32(-1)), DstT=maxlen.dtype.base_dtype) if lengths.dtype != maxlen.dtype else (
            shapes.expand_dims_op(lengths, np.int32(-1)))  # fmt: skip
        out = _Less(places, rows)
        dtype = as_dtype(dtype)
        return out if dtype is dtypes.bool else _Cast(out, DstT=dtype)
