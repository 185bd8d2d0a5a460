"""Rows by index: gather, gather_nd, scatter_nd and the tensor_scatter family."""

from typing import Any

import numpy as np

from penstock.base.errors import InvalidArgumentError, ShapeError
from penstock.base.export import export
from penstock.base.shape import as_text
from penstock.ir import door
from penstock.ir.known import known_value
from penstock.ir.op import find, op
from penstock.ir.tensor import Tensor
from penstock.ops.arrays import transpose_op
from penstock.ops.families import dispatched, later
from penstock.ops.fixed import fixed
from penstock.ops.indexed_slices import IndexedSlices
from penstock.ops.join import concat_v2, pack_op
from penstock.ops.shapes import reshape_op, shape_of, shape_op

_Mul, _AddV2, _Range, _Cast, _Neg, _Size = later("Mul"), later("AddV2"), later("Range"), later("Cast"), later("Neg"), later("Size")
_UnsortedSegmentSum, _Select, _Equal, _ZerosLike = later("UnsortedSegmentSum"), later("SelectV2"), later("Equal"), later("ZerosLike")
_GATHER_INDEX = "{int16|int32|int64}"


def _where_bad(xp: Any, bad: Any, indices: Any) -> str:
    """The first offending index, when there are values to look at."""
    if xp is not np or not np.any(bad):
        return "indices[...]"
    at = tuple(np.argwhere(bad)[0].tolist())
    return f"indices[{','.join(map(str, at))}] = {indices[at].tolist() if isinstance(indices[at], np.ndarray) else int(indices[at])}"


# -- gather ------------------------------------------------------------------------------------------------------------
def _gather(xp: Any, params: Any, indices: Any, axis: int, batch: int) -> Any:
    n = params.shape[axis]
    if xp is np:
        if not batch and n:
            return params.take(indices, axis, mode="clip")
        indices = np.clip(indices, 0, max(n - 1, 0)) if n else indices
        if not batch:
            dims = (*params.shape[:axis], *indices.shape, *params.shape[axis + 1 :])
            return np.full(dims, b"", object) if params.dtype == object else np.zeros(dims, params.dtype)
    params = xp.asarray(params)
    if n == 0:
        return xp.zeros((*params.shape[:axis], *indices.shape[batch:], *params.shape[axis + 1 :]), params.dtype)
    if not batch:
        return xp.take(params, indices, axis, mode="clip")
    lead, mid, rest = params.shape[:batch], params.shape[batch:axis], params.shape[axis + 1 :]
    size = lambda dims: int(np.prod(dims, dtype=np.int64))
    p = params.reshape(size(lead), size(mid), n, size(rest))
    i = indices.reshape(size(lead), -1)
    if xp is np:
        out = np.moveaxis(p[np.arange(p.shape[0])[:, None], :, i], 1, 2)  # [batch, mid, k, rest]
    else:
        import jax

        out = jax.vmap(lambda a, b: xp.take(a, b, 1, mode="clip"))(p, i)
    return out.reshape(*lead, *mid, *indices.shape[batch:], *rest)


def _gathered(params: Any, indices: Any, axis: Any, batch: int) -> Any:
    """The dims of a gather; ShapeError where it cannot be."""
    if indices is not None and batch < 0:
        batch += len(indices)
        if batch < 0:
            raise ShapeError(f"batch_dims must be in [-{len(indices)}, {len(indices)}]")
    if indices is not None and batch > len(indices):
        raise ShapeError(f"Expected batch_dims in the range [{-len(indices)}, {len(indices)}], but got {batch}")
    if axis is None or params is None or indices is None:
        if axis is not None and params is not None and axis >= len(params):
            raise ShapeError(f"Shape must be at least rank {axis + 1} but is rank {len(params)}")
        return None if params is None or indices is None else (None,) * (len(params) + len(indices) - 1 - batch)
    if not -len(params) <= axis < len(params):
        raise ShapeError(f"Shape must be at least rank {axis + 1 if axis >= 0 else -axis} but is rank {len(params)}")
    axis %= len(params)
    if batch > axis:
        raise ShapeError(f"batch_dims ({batch}) must be less than or equal to axis ({axis})")
    lead = []
    for i in np.arange(batch).tolist():
        if params[i] is not None and indices[i] is not None and int(params[i]) != int(indices[i]):
            raise ShapeError(f"params.shape[{i}]: {int(params[i])} should be equal to indices.shape[{i}]: {int(indices[i])}")
        lead.append(indices[i] if params[i] is None else params[i])
    return (*lead, *params[batch:axis], *indices[batch:], *params[axis + 1 :])


@op(f"GatherV2(params: Tparams, indices: Tindices, axis: Taxis, *, Taxis: index, Tindices: {_GATHER_INDEX}, Tparams: type, batch_dims: int = 0) -> output: Tparams",
    static=("axis",), moves=True)  # fmt: skip
def gather_op(xp, params, indices, axis, *, batch_dims):
    """The slices of params along an axis at the given indices."""
    if axis.ndim:
        raise InvalidArgumentError(f"axis must be scalar, got shape {list(axis.shape)}")
    _gathered(tuple(params.shape), tuple(indices.shape), int(axis), batch_dims)
    return _gather(xp, params, indices, int(axis) % params.ndim, batch_dims % (indices.ndim + 1) if batch_dims >= 0 else batch_dims + indices.ndim)


@gather_op.check
def _(xp, params, indices, axis, *, batch_dims):
    at = int(axis) if axis.ndim == 0 else 0
    return _outside(xp, indices, params.shape[at]) if -params.ndim <= at < params.ndim else (False, "")


gather_op.shape(lambda params, indices, axis, *, batch_dims: _gathered(params.shape, indices.shape, None if axis.value is None else int(axis.value), batch_dims))


@gather_op.dims
def _(params, indices, axis, *, batch_dims):
    known, index = params.dims, indices.value
    if params.rank != 1 or known is None or index is None or index.ndim > 1:
        return None
    return tuple(known[i] if 0 <= i < len(known) else None for i in index.reshape(-1).tolist())


def _sizes(t: Any) -> list[Any]:
    """The sizes of a tensor's axes: ints where they are known, scalar tensors else."""
    dims = t._dims
    if dims is None:
        raise ValueError(f"the gradient of a gather along an inner axis needs a known rank: {t!r}")
    whole = shape_op(t) if None in dims else None
    return [whole[i] if d is None else int(d) for i, d in enumerate(dims)]


def _vector(sizes: list[Any]) -> Any:
    """A list of ints and scalar tensors as one vector."""
    return np.array(sizes, np.int32) if all(isinstance(s, int) for s in sizes) else pack_op([s if isinstance(s, Tensor) else np.int32(s) for s in sizes])


def _product(sizes: list[Any]) -> Any:
    out: Any = 1
    for s in sizes:
        out = out * s if isinstance(out, int) and isinstance(s, int) else _Mul(out, s)
    return out


@gather_op.grad
def _(node, dy):
    params, indices, axis = node.inputs
    batch = node.attrs["batch_dims"]
    at = known_value(axis)
    dy = door.convert(dy) if not isinstance(dy, Tensor) else dy
    if batch == 0 and at is not None and int(at) == 0:  # -rank is dense, as in TensorFlow
        return slices_of(params, indices, dy), None, None
    if at is None:
        raise ValueError("the gradient of tf.gather needs an axis that is known while the graph is built")
    b, m, n, r, k, whole = _blocks(params, indices, int(at), batch)
    rows = transpose_op(reshape_op(dy, _vector([b, m, k, r])), np.array([0, 2, 1, 3], np.int32))  # [b, k, m, r]
    index = reshape_op(indices, _vector([b, k]))
    if batch:
        steps = _Range(0, b, 1) if isinstance(b, Tensor) else np.arange(b, dtype=np.int32)
        offset = reshape_op(_Mul(steps, n if isinstance(n, Tensor) else np.int32(n)), np.array([-1, 1], np.int32))
        index = _AddV2(index, _Cast(offset, DstT=indices.dtype) if indices.dtype.name != "int32" else offset)
    summed = _UnsortedSegmentSum(reshape_op(rows, _vector([_product([b, k]), m, r])), reshape_op(index, np.array([-1], np.int32)), _vector([_product([b, n])])[0])
    back = transpose_op(reshape_op(summed, _vector([b, n, m, r])), np.array([0, 2, 1, 3], np.int32))
    return reshape_op(back, whole), None, None


def _blocks(params: Any, indices: Any, axis: int, batch: int) -> tuple[Any, ...]:
    """(batch, middle, axis, rest) sizes of params, the number of indices in each batch, and the shape of params."""
    if params._dims is not None and indices._dims is not None:
        p, i = _sizes(params), _sizes(indices)
        axis, batch = axis % len(p), batch + len(i) if batch < 0 else batch
        return _product(p[:batch]), _product(p[batch:axis]), p[axis], _product(p[axis + 1 :]), _product(i[batch:]), _vector(p)
    p, i = shape_op(params), shape_op(indices)
    total = lambda part: find("Prod")(part, np.zeros(1, np.int32))
    middle = p[batch:axis] if batch >= 0 else p[_Size(i[:batch]) : axis]
    rest = total(p[axis + 1 :]) if axis != -1 else 1
    return total(i[:batch]) if batch else 1, total(middle), p[axis], rest, total(i[batch:]) if batch else total(i), p


def slices_of(params: Any, indices: Any, dy: Any) -> IndexedSlices:
    """The gradient of rows taken from params: the rows of dy and where they belong."""
    whole = shape_of(params)
    flat = reshape_op(indices, np.array([-1], np.int32))
    if isinstance(whole, np.ndarray):
        values = reshape_op(dy, np.array([-1, *whole[1:]], np.int32)) if whole[1:].all() else reshape_op(dy, concat_v2([_one(_Size(indices)), whole[1:]], np.int32(0)))
    else:
        values = reshape_op(dy, concat_v2([_one(_Size(indices)), whole[1:]], np.int32(0)))
    return IndexedSlices(values, flat, door.convert(whole))


def _one(scalar: Any) -> Any:
    return reshape_op(scalar, np.array([1], np.int32))


@op("Gather(params: Tparams, indices: Tindices, *, Tindices: index, Tparams: type, validate_indices: bool = True) -> output: Tparams",
    shape=lambda params, indices: _gathered(params.shape, indices.shape, 0, 0), moves=True)  # fmt: skip
def gather_v1_op(xp, params, indices):
    """The rows of params at the given indices."""
    return _gather(xp, params, indices, 0, 0)


gather_v1_op.check(lambda xp, params, indices: _outside(xp, indices, params.shape[0] if params.ndim else 0))
gather_v1_op.grad(lambda node, dy: (slices_of(*node.inputs, dy), None))


def _outside(xp: Any, indices: Any, n: int) -> Any:
    if xp is np and (not indices.size or indices.min() >= 0 and indices.max() < n):
        return False, ""
    bad = (indices < 0) | (indices >= n)
    return xp.any(bad), f"{_where_bad(xp, bad, indices)} is not in [0, {n})"


@export(v2=("gather",))
@dispatched
def gather(params, indices, validate_indices=None, axis=None, batch_dims=0, name=None):
    """The slices of `params` along `axis` at `indices`; the first `batch_dims` axes of both go together.

    >>> tf.gather([10, 20, 30], [2, 0]).numpy().tolist()
    [30, 10]
    """
    batch = known_value(batch_dims) if isinstance(batch_dims, Tensor) else batch_dims
    if axis is None:
        axis = batch
    reader = getattr(params, "sparse_read", None)
    if reader is not None and not isinstance(params, Tensor) and not isinstance(axis, Tensor) and int(axis) == 0 and int(batch) == 0:
        return reader(indices, name=name)
    return gather_op(params, indices, fixed(axis), batch_dims=int(batch), name=name)


@export(v1=("gather",))
@dispatched
def gather_v1(params, indices, validate_indices=None, name=None, axis=None, batch_dims=0):
    """The slices of `params` along `axis` at `indices`."""
    return gather(params, indices, validate_indices, axis, batch_dims, name)


@export(v1=("batch_gather",))
def batch_gather(params, indices, name=None):
    """`params[..., indices[...]]`, with all but the last axis of indices going together."""
    indices = door.convert(indices)
    if indices._dims is None:
        raise ValueError("batch_gather does not allow indices with unknown shape.")
    return gather(params, indices, axis=len(indices._dims) - 1, batch_dims=len(indices._dims) - 1, name=name)


# -- gather_nd and scatter_nd ------------------------------------------------------------------------------------------
def _nd(dims: Any, indices: Any) -> tuple[Any, Any]:
    """(outer axes of the indices, number of axes they index); ShapeError when there are too many."""
    if indices is None:
        return None, None
    if not indices:
        raise ShapeError("indices must be at least a vector")
    depth = None if indices[-1] is None else int(indices[-1])
    if depth is not None and dims is not None and depth > len(dims):
        raise ShapeError(f"index innermost dimension length must be <= params rank; saw: {depth} vs. {len(dims)}")
    return indices[:-1], depth


def _bad_rows(xp: Any, indices: Any, dims: Any) -> Any:
    depth = indices.shape[-1]
    limits = np.array(dims[:depth], np.int64)
    return xp.any((indices < 0) | (indices >= limits), -1)


def _safe(xp: Any, indices: Any, dims: Any) -> tuple[Any, ...]:
    """The columns of an index matrix, clipped into range."""
    return tuple(xp.clip(indices[..., i], 0, max(dims[i] - 1, 0)) for i in np.arange(indices.shape[-1]).tolist())


_POLICY = 'bad_indices_policy: str = ""'


def _ignores(policy: str) -> bool:
    if policy not in ("", "DEFAULT", "ERROR", "IGNORE"):
        raise InvalidArgumentError(f"Unknown bad_indices_policy: {policy!r}; it is '', 'DEFAULT', 'ERROR' or 'IGNORE'")
    return policy == "IGNORE"


@op(f"GatherNd(params: Tparams, indices: Tindices, *, Tindices: {_GATHER_INDEX}, Tparams: type, {_POLICY}) -> output: Tparams", moves=True)
def gather_nd_op(xp, params, indices, *, bad_indices_policy):
    """The slices of params that the rows of indices point at."""
    dims = tuple(params.shape)
    outer, depth = _nd(dims, tuple(indices.shape))
    if 0 in dims[:depth]:
        return xp.zeros((*outer, *dims[depth:]), params.dtype) if params.dtype != object else np.full((*outer, *dims[depth:]), b"", object)
    if not depth:
        return xp.broadcast_to(params, (*outer, *dims))
    out = xp.asarray(params)[_safe(xp, indices, dims)]
    if _ignores(bad_indices_policy):
        bad = _bad_rows(xp, indices, dims).reshape(*outer, *[1] * (len(dims) - depth))
        out = xp.where(bad, xp.zeros((), params.dtype), out)
    return out


@gather_nd_op.check
def _(xp, params, indices, *, bad_indices_policy):
    if _ignores(bad_indices_policy) or indices.ndim == 0 or indices.shape[-1] > params.ndim:
        return False, ""
    bad = _bad_rows(xp, indices, params.shape)
    return xp.any(bad), f"{_where_bad(xp, bad, indices)} does not index into param shape {as_text(params.shape)}"


@gather_nd_op.shape
def _(params, indices, *, bad_indices_policy):
    outer, depth = _nd(params.shape, indices.shape)
    return None if depth is None or params.shape is None else (*outer, *params.shape[depth:])


@gather_nd_op.grad
def _(node, dy):
    params, indices = node.inputs
    if indices._dims is not None and len(indices._dims) == 2 and indices._dims[-1] == 1:
        return IndexedSlices(dy, find("Squeeze")(indices, squeeze_dims=[-1]), door.convert(shape_of(params))), None
    sizes = shape_of(params)
    sizes = sizes.astype(indices.dtype.array_dtype) if isinstance(sizes, np.ndarray) else _Cast(sizes, DstT=indices.dtype)
    return scatter_nd_op(indices, dy, sizes, bad_indices_policy=node.attrs["bad_indices_policy"]), None


@export(v2=("gather_nd",))
@dispatched
def gather_nd(params, indices, batch_dims=0, name=None, bad_indices_policy=""):
    """The slices of `params` that the rows of `indices` point at.

    >>> tf.gather_nd([[1, 2], [3, 4]], [[0, 0], [1, 1]]).numpy().tolist()
    [1, 4]
    """
    batch = known_value(batch_dims) if isinstance(batch_dims, Tensor) else batch_dims
    if int(batch):
        return batch_gather_nd(params, indices, int(batch), name)
    reader = getattr(params, "gather_nd", None)
    if reader is not None and not isinstance(params, Tensor):
        return reader(indices, name=name)
    return gather_nd_op(params, indices, bad_indices_policy=bad_indices_policy, name=name)


@export(v1=("gather_nd", "manip.gather_nd"))
@dispatched
def gather_nd_v1(params, indices, name=None, batch_dims=0, bad_indices_policy=""):
    """The slices of `params` that the rows of `indices` point at."""
    return gather_nd(params, indices, batch_dims, name, bad_indices_policy)


def batch_gather_nd(params: Any, indices: Any, batch: int, name: str | None) -> Any:
    """gather_nd within each of the leading batch axes."""
    from penstock.ir.scope import scoped

    with scoped(name, "BatchGatherNd"):
        params, indices = door.convert(params), door.convert(indices)
        if params._dims is None or indices._dims is None:
            raise ValueError("gather_nd: batch_dims needs params and indices of known rank")
        if batch < 0:
            raise ValueError(f"gather_nd: batch_dims must be non-negative, got {batch}")
        if batch >= len(params._dims) or batch >= len(indices._dims):
            raise ValueError(f"gather_nd: batch_dims = {batch} must be less than rank(params) = {len(params._dims)} and rank(indices) = {len(indices._dims)}")
        i = _sizes(indices)
        kind = indices.dtype
        columns = []
        for axis in np.arange(batch).tolist():
            steps = np.arange(i[axis], dtype=kind.array_dtype) if isinstance(i[axis], int) else _Cast(_Range(0, i[axis], 1), DstT=kind)
            shape = [1] * len(i)
            shape[axis] = -1
            columns.append(find("BroadcastTo")(reshape_op(steps, np.array(shape, np.int32)), _vector([*i[:-1], 1])))
        return gather_nd_op(params, concat_v2([*columns, indices], np.int32(-1)))


def _scatter_fits(dims: Any, indices: Any, updates: Any) -> None:
    outer, depth = _nd(dims, indices)
    if depth is None or updates is None or dims is None:
        return
    if len(updates) < len(outer) or any(a is not None and b is not None and int(a) != int(b) for a, b in zip(outer, updates)):
        raise ShapeError(f"Outer dimensions of indices and update must match. Indices shape: {as_text(indices)}, updates shape:{as_text(updates)}")
    inner, rest = updates[len(outer) :], dims[depth:]
    if len(inner) != len(rest) or any(a is not None and b is not None and int(a) != int(b) for a, b in zip(inner, rest)):
        raise ShapeError(f"Dimensions [{depth},{len(dims)}) of input[shape={as_text(dims)}] must match dimensions [{len(outer)},{len(updates)}) of updates[shape={as_text(updates)}]")


_UFUNCS = {"update": None, "add": np.add, "sub": np.subtract, "min": np.minimum, "max": np.maximum}


def _scatter(xp: Any, x: Any, indices: Any, updates: Any, how: str, policy: str) -> Any:
    """x with updates put at (or combined with what is at) the places the rows of indices point at."""
    dims = tuple(x.shape)
    _scatter_fits(dims, tuple(indices.shape), tuple(updates.shape))
    depth = indices.shape[-1]
    if xp is np:
        out = np.array(x)
        rows, new = indices.reshape(-1, depth), updates.reshape(-1, *dims[depth:])
        good = ~_bad_rows(np, rows, dims) if depth else np.ones(len(rows), bool)
        if not good.all():
            rows, new = rows[good], new[good]
        at = tuple(rows[:, i] for i in np.arange(depth).tolist())
        if not depth:
            at, new = (slice(None),) * len(dims), new
            for one in new:
                out = np.array(one) if how == "update" else _UFUNCS[how](out, one)
            return out
        if how == "update":
            out[at] = new
        else:
            _at(_UFUNCS[how], out, at, new)
        return out
    x = xp.asarray(x)
    if not depth:
        new = updates.reshape(-1, *dims)
        if not new.shape[0]:
            return x
        return {"update": lambda: new[-1], "add": lambda: x + new.sum(0), "sub": lambda: x - new.sum(0), "min": lambda: xp.minimum(x, new.min(0)),
                "max": lambda: xp.maximum(x, new.max(0))}[how]()  # fmt: skip
    at = tuple(xp.where(indices[..., i] < 0, dims[i], indices[..., i]) for i in np.arange(depth).tolist())
    ref = x.at[at]
    updates = xp.asarray(updates, x.dtype)
    if x.dtype == bool and how in ("add", "max"):
        return ref.max(updates, mode="drop")
    return {"update": ref.set, "add": ref.add, "sub": lambda u, mode: ref.add(-u, mode=mode), "min": ref.min, "max": ref.max}[how](updates, mode="drop")


def _at(ufunc: Any, out: np.ndarray, at: tuple[Any, ...], new: np.ndarray) -> None:
    if out.dtype == object:  # strings: what is there was empty, the last one stays
        out[at] = new
    elif ufunc is np.add and len(at) == 1 and out.ndim == 2 and out.dtype.kind == "f" and len(new) > 4096:
        order = np.argsort(at[0], kind="stable")
        rows, first = np.unique(at[0][order], return_index=True)
        out[rows] += np.add.reduceat(new[order], first, 0)
    else:
        ufunc.at(out, at, new)


def _scatter_check(xp: Any, dims: Any, indices: Any, policy: str) -> Any:
    if _ignores(policy) or indices.ndim == 0 or indices.shape[-1] > len(dims) or not indices.shape[-1]:
        return False, ""
    bad = _bad_rows(xp, indices, dims)
    return xp.any(bad), f"{_where_bad(xp, bad, indices)} does not index into shape {as_text(dims)}"


@op(f"ScatterNd(indices: Tindices, updates: T, shape: Tindices, *, T: type, Tindices: {_GATHER_INDEX}, {_POLICY}) -> output: T", static=("shape",))
def scatter_nd_op(xp, indices, updates, shape, *, bad_indices_policy):
    """Zeros of the given shape with updates added where the rows of indices point."""
    dims = tuple(shape.tolist())
    empty = np.full(dims, b"", object) if updates.dtype == object else xp.zeros(dims, updates.dtype)
    return _scatter(xp, empty, indices, updates, "add", bad_indices_policy)


scatter_nd_op.check(lambda xp, indices, updates, shape, *, bad_indices_policy: _scatter_check(xp, tuple(shape.tolist()), indices, bad_indices_policy))


@scatter_nd_op.shape
def _(indices, updates, shape, *, bad_indices_policy):
    dims = shape.dims
    if dims is not None:
        _scatter_fits(dims, indices.shape, updates.shape)
    return dims


@scatter_nd_op.grad
def _(node, dy):
    return None, gather_nd_op(dy, node.inputs[0], bad_indices_policy=node.attrs["bad_indices_policy"]), None


@export("scatter_nd", v1=("manip.scatter_nd",))
def scatter_nd(indices, updates, shape, bad_indices_policy="", name=None):
    """Zeros of shape `shape` with each slice of `updates` added where its row of `indices` points.

    >>> tf.scatter_nd([[1], [3]], [9, 10], [5]).numpy().tolist()
    [0, 9, 0, 10, 0]
    """
    return scatter_nd_op(indices, updates, shape, bad_indices_policy=bad_indices_policy, name=name)


@op("ScatterNdNonAliasingAdd(input: T, indices: Tindices, updates: T, *, T: {float32|float64|int32|uint8|int16|int8|complex64|int64|qint8|"
    "quint8|qint32|bfloat16|qint16|quint16|uint16|complex128|float16|uint32|uint64|bool}, Tindices: index, " + _POLICY + ") -> output: T",
    shape=lambda input, indices, updates, *, bad_indices_policy: input.shape)  # fmt: skip
def scatter_nd_non_aliasing_add(xp, input, indices, updates, *, bad_indices_policy):  # noqa: A002
    """input with updates added where the rows of indices point."""
    return _scatter(xp, input, indices, updates, "add", bad_indices_policy)


scatter_nd_non_aliasing_add.check(lambda xp, x, indices, updates, *, bad_indices_policy: _scatter_check(xp, tuple(x.shape), indices, bad_indices_policy))
scatter_nd_non_aliasing_add.grad(lambda node, dy: (dy, None, gather_nd_op(dy, node.inputs[1])))


# -- tensor_scatter_* --------------------------------------------------------------------------------------------------
def _tensor_scatter(suffix: str, index: str, how: str, doc: str) -> Any:
    def body(xp, tensor, indices, updates, *, bad_indices_policy):
        return _scatter(xp, tensor, indices, updates, how, bad_indices_policy)

    body.__name__ = body.__qualname__ = f"TensorScatter{suffix}"
    body.__doc__, body.__module__ = doc, __name__

    def shape(tensor, indices, updates, *, bad_indices_policy):
        _scatter_fits(tensor.shape, indices.shape, updates.shape)
        return tensor.shape

    made = op(f"TensorScatter{suffix}(tensor: T, indices: Tindices, updates: T, *, T: type, Tindices: {index}, {_POLICY}) -> output: T", shape=shape)(body)
    made.check(lambda xp, tensor, indices, updates, *, bad_indices_policy: _scatter_check(xp, tuple(tensor.shape), indices, bad_indices_policy))
    return made


TensorScatterUpdate = tensor_scatter_update_op = _tensor_scatter(
    "Update", "{int16|int32|int64|uint16}", "update", "tensor with updates in the places that the rows of indices point at.")  # fmt: skip
TensorScatterAdd = tensor_scatter_add_op = _tensor_scatter("Add", "index", "add", "tensor with updates added at the given places.")
TensorScatterSub = tensor_scatter_sub_op = _tensor_scatter("Sub", "index", "sub", "tensor with updates subtracted at the given places.")
TensorScatterMin = tensor_scatter_min_op = _tensor_scatter("Min", "index", "min", "tensor lowered to updates at the given places.")
TensorScatterMax = tensor_scatter_max_op = _tensor_scatter("Max", "index", "max", "tensor raised to updates at the given places.")


@tensor_scatter_update_op.grad
def _(node, dy):
    _, indices, updates = node.inputs
    return tensor_scatter_update_op(dy, indices, _ZerosLike(updates)), None, gather_nd_op(dy, indices)


tensor_scatter_add_op.grad(lambda node, dy: (dy, None, gather_nd_op(dy, node.inputs[1])))
tensor_scatter_sub_op.grad(lambda node, dy: (dy, None, _Neg(gather_nd_op(dy, node.inputs[1]))))


def _extreme_grad(node: Any, dy: Any) -> Any:
    """dy goes to whoever won; where several did, in equal parts."""
    tensor, indices, updates = node.inputs
    out = node.outputs[0]
    kind = dy.dtype
    kept = _Cast(_Equal(out, tensor), DstT=kind)
    won = _Cast(_Equal(updates, gather_nd_op(out, indices)), DstT=kind)
    count = find("AddV2")(kept, scatter_nd_op(indices, won, _Cast(shape_op(tensor), DstT=indices.dtype)))
    share = find("DivNoNan")(dy, count) if kind.is_floating or kind.is_complex else find("FloorDiv")(dy, find("Maximum")(count, 1))
    return _Mul(kept, share), None, _Mul(gather_nd_op(share, indices), won)


tensor_scatter_min_op.grad(_extreme_grad)
tensor_scatter_max_op.grad(_extreme_grad)


@export("tensor_scatter_nd_update", v1=("tensor_scatter_update",))
def tensor_scatter_nd_update(tensor, indices, updates, name=None):
    """`tensor` with each slice of `updates` in the place that its row of `indices` points at.

    >>> tf.tensor_scatter_nd_update([0, 0, 0], [[1]], [5]).numpy().tolist()
    [0, 5, 0]
    """
    return tensor_scatter_update_op(tensor, indices, updates, name=name)


def _public(op_: Any, what: str, doc: str, old: tuple[str, ...] = ()) -> Any:
    def call(tensor, indices, updates, bad_indices_policy="", name=None):
        return op_(tensor, indices, updates, bad_indices_policy=bad_indices_policy, name=name)

    call.__name__ = call.__qualname__ = f"tensor_scatter_nd_{what}"
    call.__doc__ = doc
    return export(f"tensor_scatter_nd_{what}", v1=old)(call)


tensor_scatter_nd_add = _public(tensor_scatter_add_op, "add", "`tensor` with `updates` added where the rows of `indices` point.", ("tensor_scatter_add",))
tensor_scatter_nd_sub = _public(tensor_scatter_sub_op, "sub", "`tensor` with `updates` subtracted where the rows of `indices` point.", ("tensor_scatter_sub",))
tensor_scatter_nd_min = _public(tensor_scatter_min_op, "min", "`tensor` lowered to `updates` where the rows of `indices` point.")
tensor_scatter_nd_max = _public(tensor_scatter_max_op, "max", "`tensor` raised to `updates` where the rows of `indices` point.")
