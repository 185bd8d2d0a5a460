"""The ops of sparse tensors given as indices [n, rank], values [n] and a dense shape [rank]."""

from typing import Any

import numpy as np

from penstock.base import dtypes
from penstock.base.errors import ShapeError
from penstock.ir.op import find, op

_SP = "input_indices: int64, input_values: T, input_shape: int64"
_REAL = "{float32|float64|int32|uint8|int16|int8|int64|bfloat16|uint16|float16|uint32|uint64}"
_PAIR = "a_indices: int64, a_values: T, a_shape: int64, b_indices: int64, b_values: T, b_shape: int64"


def strides(shape: Any) -> np.ndarray:
    """How far apart the elements along each axis are in row-major order."""
    dims = [int(d) for d in np.asarray(shape).reshape(-1)]
    out = [1] * len(dims)
    for i in range(len(dims) - 2, -1, -1):
        out[i] = out[i + 1] * dims[i + 1]
    return np.array(out, np.int64)


def places(xp: Any, indices: Any, shape: Any) -> Any:
    """The row-major number of each index."""
    return (indices * xp.asarray(strides(shape))).sum(-1) if len(strides(shape)) else xp.zeros(indices.shape[0], np.int64)


def total(shape: Any) -> int:
    return int(np.prod([int(d) for d in np.asarray(shape)], dtype=np.int64))


def rank_of(indices: Any, shape: Any) -> int | None:
    """The rank of the whole, from the indices' columns or the shape's length."""
    for s, axis in ((indices.shape, 1), (shape.shape, 0)):
        if s is not None and len(s) > axis and s[axis] is not None:
            return int(s[axis])
    return None


def _count(indices: Any, values: Any) -> int | None:
    for s in (indices.shape, values.shape):
        if s is not None and s[0] is not None:
            return int(s[0])
    return None


# -- to dense ----------------------------------------------------------------------------------------------------------
@op("SparseToDense(sparse_indices: Tindices, output_shape: Tindices, sparse_values: T, default_value: T, *, "
    "validate_indices: bool = True, T: type, Tindices: index) -> dense: T", static=("output_shape",))  # fmt: skip
def sparse_to_dense(xp, sparse_indices, output_shape, sparse_values, default_value):
    """A tensor of `output_shape` with the values in their places and the default elsewhere; indices: n, [n] or [n, rank]."""
    dims = tuple(int(d) for d in output_shape)
    at = _as_rows(sparse_indices)
    values = xp.broadcast_to(sparse_values, at.shape[:1])
    out = xp.broadcast_to(default_value, (total(dims),))
    inside = ((at >= 0) & (at < xp.asarray(np.array(dims, at.dtype)))).all(-1) if len(dims) else xp.ones(at.shape[:1], bool)
    where = places(xp, at, dims)
    if xp is np:
        out = np.array(out)
        out[where[inside]] = values[inside]
    else:
        out = out.at[xp.where(inside, where, total(dims))].set(values, mode="drop")
    return out.reshape(dims)


def _as_rows(indices: Any) -> Any:
    return indices.reshape(-1, 1) if indices.ndim < 2 else indices


@sparse_to_dense.check
def _(xp: Any, sparse_indices: Any, output_shape: Any, sparse_values: Any, default_value: Any, *, validate_indices: bool) -> Any:
    at = _as_rows(sparse_indices)
    if at.shape[0] == 0:
        return False, ""
    dims = np.array([int(d) for d in output_shape], at.dtype)
    outside = ((at < 0) | (at >= dims)).any(-1)
    number = (at * xp.asarray(strides(dims).astype(at.dtype))).sum(-1)
    late = number[1:] <= number[:-1]
    wrong = outside.any() | (late.any() if validate_indices else False)
    return wrong, _say_where(xp, at, dims, outside, number)


def _say_where(xp: Any, at: Any, dims: Any, outside: Any, number: Any) -> str:
    shown = "[" + ",".join(map(str, dims.tolist())) + "]"
    if xp is np:
        row = lambda i: "[" + ",".join(map(str, at[i].tolist())) + "]"
        if outside.any():
            i = int(np.argmax(outside))
            return f"indices[{i}] = {row(i)} is out of bounds: need 0 <= index < {shown}"
        late = np.flatnonzero(number[1:] <= number[:-1])
        if late.size:
            i = int(late[0]) + 1
            if number[i] == number[i - 1]:
                return f"indices[{i}] = {row(i)} is repeated"
            return f"indices[{i}] = {row(i)} is out of order. Many sparse ops require sorted indices.\n  fix: tf.sparse.reorder(...)"
    return f"sparse indices are out of bounds of {shown}, out of order or repeated\n  fix: tf.sparse.reorder(...)"


@sparse_to_dense.shape
def _(sparse_indices: Any, output_shape: Any, sparse_values: Any, default_value: Any) -> Any:
    return output_shape.dims


@sparse_to_dense.grad
def _(node: Any, dy: Any) -> Any:
    indices, _, values, default = node.inputs
    rows = indices if indices.shape.rank == 2 else find("Reshape")(indices, [-1, 1])
    dv = find("GatherNd")(dy, rows)
    if values.shape.rank == 0:
        dv = _sum_all(dv)
    return None, None, dv, find("Sub")(_sum_all(dy), _sum_all(dv))


def _sum_all(x: Any) -> Any:
    rank = x.shape.rank
    axes = list(range(rank)) if rank is not None else find("Range")(0, find("Rank")(x), 1)
    return find("Sum")(x, axes)


# -- matrix product ----------------------------------------------------------------------------------------------------
@op("SparseTensorDenseMatMul(a_indices: Tindices, a_values: T, a_shape: int64, b: T, *, T: type, Tindices: index = int64, "
    "adjoint_a: bool = False, adjoint_b: bool = False) -> product: T", static=("a_shape",))  # fmt: skip
def sparse_matmul(xp, a_indices, a_values, a_shape, b, *, adjoint_a, adjoint_b):
    """Sparse [m, k] times dense [k, n]; the adjoint of either is taken when asked for."""
    rows, columns = (a_indices[:, 1], a_indices[:, 0]) if adjoint_a else (a_indices[:, 0], a_indices[:, 1])
    m = int(a_shape[1 if adjoint_a else 0])
    values = xp.conj(a_values) if adjoint_a and a_values.dtype.kind == "c" else a_values
    dense = (xp.conj(b) if b.dtype.kind == "c" else b).T if adjoint_b else b
    if int(a_shape[0 if adjoint_a else 1]) != dense.shape[0]:
        raise _inner(int(a_shape[0 if adjoint_a else 1]), dense.shape[0])
    inside = (columns >= 0) & (columns < dense.shape[0]) & (rows >= 0) & (rows < m)
    wide = np.float32 if values.dtype.itemsize == 2 and values.dtype.kind not in "iu" else values.dtype
    parts = xp.where(inside, values, xp.zeros((), values.dtype)).astype(wide)[:, None] * dense[xp.where(inside, columns, 0)].astype(wide)
    if xp is np:
        out = np.zeros((m, dense.shape[1]), wide)
        np.add.at(out, np.where(inside, rows, 0), parts)
        return out
    return xp.zeros((m, dense.shape[1]), wide).at[xp.where(inside, rows, 0)].add(parts)


def _inner(k: int, rows: int) -> ShapeError:
    return ShapeError(f"Cannot multiply A and B because inner dimension does not match: {k} vs. {rows}.  Did you forget a transpose?")


@sparse_matmul.check
def _(xp: Any, a_indices: Any, a_values: Any, a_shape: Any, b: Any, *, adjoint_a: bool, adjoint_b: bool) -> Any:
    if a_indices.shape[0] == 0:
        return False, ""
    shape = np.array([int(d) for d in a_shape])
    wrong = ((a_indices < 0) | (a_indices >= shape)).any()
    return wrong, f"an index of the sparse matrix is out of bounds of its shape {shape.tolist()}"


@sparse_matmul.shape
def _(a_indices: Any, a_values: Any, a_shape: Any, b: Any, *, adjoint_a: bool, adjoint_b: bool) -> Any:
    dims = a_shape.dims or (None, None)
    m, k = (dims[1], dims[0]) if adjoint_a else (dims[0], dims[1])
    rows, n = (None, None) if b.shape is None else b.shape if not adjoint_b else (b.shape[1], b.shape[0])
    if k is not None and rows is not None and k != rows:
        raise _inner(k, rows)
    return m, n


@sparse_matmul.grad
def _(node: Any, dc: Any) -> Any:
    indices, values, shape, b = node.inputs
    adjoint_a, adjoint_b = node.attrs["adjoint_a"], node.attrs["adjoint_b"]
    db = sparse_matmul(indices, values, shape, dc, adjoint_a=not adjoint_a)
    if adjoint_b:
        db = _adjoint(db)
    rows, columns = (find("Reshape")(t, [-1]) for t in find("Split")(1, indices, num_split=2))
    left = find("GatherV2")(dc, columns if adjoint_a else rows, 0)
    dense = _adjoint(b) if adjoint_b else b
    right = find("GatherV2")(dense, rows if adjoint_a else columns, 0)
    if values.dtype.is_complex:
        right = find("Conj")(right)
    dv = find("Sum")(find("Mul")(left, right), [1])
    if adjoint_a and values.dtype.is_complex:
        dv = find("Conj")(dv)
    return None, dv, None, db


def _adjoint(x: Any) -> Any:
    return find("ConjugateTranspose" if x.dtype.is_complex else "Transpose")(x, [1, 0])


# -- elementwise with a dense tensor -------------------------------------------------------------------------------------
def _elementwise(name: str, compute: Any, grad: Any) -> Any:
    def body(xp: Any, sp_indices: Any, sp_values: Any, sp_shape: Any, dense: Any) -> Any:
        dims = tuple(int(d) for d in sp_shape)
        whole = xp.broadcast_to(dense, dims)
        return compute(xp, sp_values, whole[tuple(xp.asarray(sp_indices[:, i]) for i in range(len(dims)))])

    body.__doc__ = f"{name}: the values with those of a dense tensor (broadcast to the sparse one's shape) at the same places."
    made = op(f"{name}(sp_indices: int64, sp_values: T, sp_shape: int64, dense: T, *, T: numeric) -> output: T", static=("sp_shape",))(body)
    made.shape(lambda sp_indices, sp_values, sp_shape, dense: sp_values.shape if sp_values.shape is not None else (None,))
    if grad is not None:

        def rule(node: Any, dy: Any) -> Any:
            indices, values, shape, dense = node.inputs
            at = _broadcast_rows(indices, dense) if dense.shape.rank else indices
            dense_values = dense if dense.shape.rank == 0 else find("GatherNd")(dense, at)
            dv, dd = grad(dy, values, dense_values)
            if dense.shape.rank == 0:
                return None, dv, None, _sum_all(dd)
            return None, dv, None, find("ScatterNd")(at, dd, find("Shape")(dense, out_type=dtypes.int64))

        made.grad_rule = rule
    return made


def _broadcast_rows(indices: Any, dense: Any) -> Any:
    """The indices into a dense tensor that was broadcast: axes of length 1 are read at 0, leading ones not at all."""
    rank, wanted = indices.shape[1], dense.shape.rank
    columns = indices if rank == wanted else find("StridedSlice")(indices, [0, rank - wanted], [0, rank], [1, 1], begin_mask=1, end_mask=1)
    lengths = find("Shape")(dense, out_type=dtypes.int64)
    return find("Minimum")(columns, find("Sub")(lengths, np.int64(1)))


SPARSE_DENSE_MUL = _elementwise("SparseDenseCwiseMul", lambda xp, a, b: a * b, lambda dy, v, d: (find("Mul")(dy, d), find("Mul")(dy, v)))
SPARSE_DENSE_DIV = _elementwise(
    "SparseDenseCwiseDiv", lambda xp, a, b: a / b if a.dtype.kind not in "iu" else a // xp.where(b == 0, xp.ones((), b.dtype), b),
    lambda dy, v, d: (find("RealDiv")(dy, d), find("Mul")(dy, find("RealDiv")(find("RealDiv")(find("Neg")(v), d), d))),
)  # fmt: skip
SPARSE_DENSE_ADD = _elementwise("SparseDenseCwiseAdd", lambda xp, a, b: a + b, lambda dy, v, d: (dy, dy))


@op("SparseTensorDenseAdd(a_indices: Tindices, a_values: T, a_shape: Tindices, b: T, *, T: numeric, Tindices: index) -> output: T",
    shape=lambda a_indices, a_values, a_shape, b: b.shape)  # fmt: skip
def sparse_dense_add(xp, a_indices, a_values, a_shape, b):
    """The dense tensor with the sparse one's values added in their places."""
    at = tuple(a_indices[:, i] for i in range(b.ndim))
    if xp is np:
        out = b.copy()
        np.add.at(out, at, a_values)
        return out
    return b.at[at].add(a_values, mode="drop")


@sparse_dense_add.check
def _(xp: Any, a_indices: Any, a_values: Any, a_shape: Any, b: Any) -> Any:
    if not a_indices.shape[0]:
        return False, ""
    return ((a_indices < 0) | (a_indices >= np.array(b.shape, a_indices.dtype))).any(), f"a sparse index is out of bounds of the dense tensor's shape {list(b.shape)}"


@sparse_dense_add.grad
def _(node: Any, dy: Any) -> Any:
    return None, find("GatherNd")(dy, node.inputs[0]), None, dy


@op("SparseSoftmax(sp_indices: int64, sp_values: T, sp_shape: int64, *, T: {float16|float32|float64}) -> output: T",
    static=("sp_shape",), shape=lambda sp_indices, sp_values, sp_shape: sp_values.shape)  # fmt: skip
def sparse_softmax(xp, sp_indices, sp_values, sp_shape):
    """The softmax over the values of each innermost row; what is not there counts as minus infinity."""
    dims = np.array([int(d) for d in sp_shape])
    groups = total(dims[:-1])
    row = places(xp, sp_indices[:, :-1], dims[:-1])
    x = sp_values.astype(np.float32) if sp_values.dtype == np.float16 else sp_values
    if xp is np:
        top = np.full(groups, -np.inf, x.dtype)
        np.maximum.at(top, row, x)
        e = np.exp(x - top[row])
        s = np.zeros(groups, x.dtype)
        np.add.at(s, row, e)
    else:
        top = xp.full(groups, -np.inf, x.dtype).at[row].max(x)
        e = xp.exp(x - top[row])
        s = xp.zeros(groups, x.dtype).at[row].add(e)
    return e / s[row]


@sparse_softmax.grad
def _(node: Any, dy: Any) -> Any:
    indices, _, shape = node.inputs
    y = node.outputs[0]
    product = find("Mul")(y, dy)
    sums = SPARSE_REDUCE_SUM(indices, product, shape, np.array([-1], np.int32), keep_dims=True)
    back = SPARSE_DENSE_ADD(indices, dy, shape, find("Neg")(sums))
    return None, find("Mul")(back, y), None


# -- reductions --------------------------------------------------------------------------------------------------------
def _kept(rank: int, axes: Any) -> list[int]:
    axes = [int(a) for a in np.asarray(axes).reshape(-1)]
    for a in axes:
        if not -rank <= a < rank:
            raise ShapeError(f"Invalid reduction dimension {a}, for input with {rank} dimensions.")
    gone = {a % rank for a in axes}
    return [i for i in range(rank) if i not in gone]


def _reduced(dims: Any, axes: Any, keep_dims: bool) -> Any:
    kept = _kept(len(dims), axes)
    return tuple(d if i in kept else 1 for i, d in enumerate(dims)) if keep_dims else tuple(dims[i] for i in kept)


def _reduction(name: str, types: str, combine: str, start: Any) -> Any:
    def body(xp: Any, input_indices: Any, input_values: Any, input_shape: Any, reduction_axes: Any, *, keep_dims: bool) -> Any:
        dims = [int(d) for d in input_shape]
        kept = _kept(len(dims), reduction_axes)
        inner = [dims[i] for i in kept]
        group = places(xp, input_indices[:, np.array(kept, np.int64)], inner)
        n = total(inner)
        first = start(input_values.dtype)
        if xp is np:
            out = np.full(n, first, input_values.dtype)
            hit = np.zeros(n, bool)
            getattr(np, combine).at(out, group, input_values)
            hit[group] = True
        else:
            base = xp.full(n, first, input_values.dtype)
            out = base.at[group].add(input_values) if combine == "add" else base.at[group].max(input_values)
            hit = xp.zeros(n, bool).at[group].set(True)
        out = xp.where(hit, out, xp.zeros((), out.dtype))
        return out.reshape(_reduced(dims, reduction_axes, keep_dims))

    body.__doc__ = f"{name}: the values along some axes brought together in a dense tensor."
    made = op(f"{name}({_SP}, reduction_axes: int32, *, keep_dims: bool = False, T: {types}) -> output: T", static=("input_shape", "reduction_axes"))(body)

    def shape(input_indices: Any, input_values: Any, input_shape: Any, reduction_axes: Any, *, keep_dims: bool) -> Any:
        dims, axes = input_shape.dims, reduction_axes.value
        return None if dims is None or axes is None else _reduced(dims, axes, keep_dims)

    made.shape(shape)

    def sparse_body(xp: Any, input_indices: Any, input_values: Any, input_shape: Any, reduction_axes: Any, *, keep_dims: bool) -> Any:
        dims = [int(d) for d in input_shape]
        kept = _kept(len(dims), reduction_axes)
        shown = np.array(input_indices)
        for i in range(len(dims)):
            if i not in kept:
                shown[:, i] = 0
        if not keep_dims:
            shown = shown[:, kept]
        new = _reduced(dims, reduction_axes, keep_dims)
        if not shown.shape[1]:  # one number is left, if there was any
            found, group = shown[:1], np.zeros(len(shown), np.int64)
        else:
            found, group = np.unique(shown, axis=0, return_inverse=True) if len(shown) else (shown, np.zeros(0, np.int64))
        out = np.full(len(found), start(input_values.dtype), input_values.dtype)
        getattr(np, combine).at(out, group.reshape(-1), input_values)
        return found.reshape(len(found), len(new)), out, np.array(new, np.int64)

    sparse_body.__doc__ = f"{name}Sparse: the values along some axes brought together in a sparse tensor."
    sparse = op(f"{name}Sparse({_SP}, reduction_axes: int32, *, keep_dims: bool = False, T: {types}) -> "
                "(output_indices: int64, output_values: T, output_shape: int64)", where="host")(sparse_body)  # fmt: skip
    sparse.shape(lambda *_, keep_dims: ((None, None), (None,), (None,)))
    return made, sparse


def _lowest(dtype: Any) -> Any:
    dtype = np.dtype(dtype)
    return np.iinfo(dtype).min if dtype.kind in "iu" else -np.inf


SPARSE_REDUCE_SUM, SPARSE_REDUCE_SUM_SPARSE = _reduction("SparseReduceSum", "numeric", "add", lambda dtype: 0)
SPARSE_REDUCE_MAX, SPARSE_REDUCE_MAX_SPARSE = _reduction("SparseReduceMax", _REAL, "maximum", _lowest)
for _one in (SPARSE_REDUCE_SUM_SPARSE, SPARSE_REDUCE_MAX, SPARSE_REDUCE_MAX_SPARSE):
    _one.no_grad()


@SPARSE_REDUCE_SUM.grad
def _(node: Any, dy: Any) -> Any:
    indices, _, shape, axes = node.inputs
    reduced = find("Cast")(find("DynamicStitch")(
        [find("Range")(0, find("Size")(shape), 1), find("FloorMod")(find("Add")(axes, find("Size")(shape)), find("Size")(shape))],
        [find("Cast")(shape, DstT=dtypes.int32), find("Fill")(find("Shape")(axes), np.int32(1))]), DstT=dtypes.int64)  # fmt: skip
    whole = find("Reshape")(dy, reduced)
    at = find("Minimum")(indices, find("Sub")(reduced, np.int64(1)))
    return None, find("GatherNd")(whole, at), None, None
