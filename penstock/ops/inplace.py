"""The inplace family of old graphs: rows of a tensor replaced or added to (as values: nothing is shared here)."""

import numpy as np

from penstock.base.errors import ShapeError
from penstock.ir.op import Op, op


def _rows(name: str, doc: str, how: str) -> Op:
    def body(xp, x, i, v):
        if x.ndim < 1 or tuple(v.shape) != (*i.shape, *x.shape[1:]):
            raise ShapeError(f"v must have shape {[*i.shape, *x.shape[1:]]} but has shape {list(v.shape)}")
        at = i % max(x.shape[0], 1)
        if xp is np:
            out = np.array(x)
            if how == "set":
                out[at] = v
            else:
                (np.add if how == "add" else np.subtract).at(out, at, v)
            return out
        ref = xp.asarray(x).at[at]
        return ref.set(v) if how == "set" else ref.add(v if how == "add" else -v)

    body.__name__ = body.__qualname__ = name
    body.__module__, body.__doc__ = __name__, doc
    made = op(f"{name}(x: T, i: int32, v: T, *, T: type) -> y: T", shape=lambda x, i, v: x.shape)(body)
    return made.no_grad()


InplaceUpdate = _rows("InplaceUpdate", "x with the rows i (modulo their number) replaced by v.", "set")
InplaceAdd = _rows("InplaceAdd", "x with v added to the rows i (modulo their number).", "add")
InplaceSub = _rows("InplaceSub", "x with v subtracted from the rows i (modulo their number).", "sub")


@op("TileGrad(input: T, multiples: int32, *, T: type) -> output: T", static=("multiples",))
def tile_grad_op(xp, input, multiples):  # noqa: A002
    """The gradient of Tile: the copies added up."""
    parts = [n for d, m in zip(input.shape, multiples.tolist()) for n in (m, d // max(m, 1))]
    return input.reshape(parts).sum(tuple(np.arange(0, len(parts), 2).tolist()))


@tile_grad_op.shape
def _(input, multiples):  # noqa: A002
    known = multiples.dims
    if input.shape is None or known is None:
        return None if input.shape is None else (None,) * input.rank
    return tuple(None if d is None or not m else int(d) // m for d, m in zip(input.shape, known))


@op("XlaDynamicSlice(input: T, start_indices: Tindices, size_indices: Tindices, *, T: type, Tindices: index) -> output: T",
    static=("size_indices",), shape=lambda input, start, size: size.dims)  # fmt: skip
def xla_dynamic_slice(xp, input, start_indices, size_indices):  # noqa: A002
    """The block of the given size from start_indices on, moved inside the tensor where it would leave it."""
    sizes = size_indices.tolist()
    if xp is np:
        starts = np.clip(start_indices, 0, np.array(input.shape) - size_indices).tolist()
        return input[tuple(slice(b, b + n) for b, n in zip(starts, sizes))]
    from jax import lax

    return lax.dynamic_slice(xp.asarray(input), [start_indices[k] for k in np.arange(input.ndim)], sizes)


@xla_dynamic_slice.grad
def _(node, dy):
    from penstock.ops.constants import zeros_like_op
    from penstock.ops.indexing import dynamic_update_slice

    return dynamic_update_slice(zeros_like_op(node.inputs[0]), dy, node.inputs[1]), None, None
