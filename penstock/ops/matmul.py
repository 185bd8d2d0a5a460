"""Matrix products."""

from typing import Any

import numpy as np

from penstock.base import dtypes
from penstock.base.dtypes import as_dtype
from penstock.base.errors import ShapeError
from penstock.base.export import export
from penstock.base.shape import as_text, broadcast, rank_is, same
from penstock.ir import convert, door
from penstock.ir.op import op
from penstock.ir.scope import scoped
from penstock.ir.tensor import Tensor
from penstock.ops.families import composites, conj, dispatched, later, unbroadcast, wide

Reshape, Cast = later("Reshape"), later("Cast")


def _dot(xp: Any, a: Any, b: Any, ca: int, cb: int, batch: int, fence: bool) -> Any:
    """One XLA dot that contracts axis ca of a with axis cb of b, after `batch` common axes; no transpose is ever made."""
    import jax

    if fence:  # keeps the elementwise chain of a gradient out of the dot's loops
        a, b = jax.lax.optimization_barrier((a, b))
    narrow = a.dtype.itemsize == 2 and a.dtype.kind not in "iu"
    lead = tuple(range(batch))
    return jax.lax.dot_general(
        a, b, (((ca,), (cb,)), (lead, lead)), preferred_element_type=np.float32 if narrow else None
    )


@op(
    "MatMul(a: T, b: T, *, T: {bfloat16|float16|float32|float64|int32|int64|uint8|uint16|uint32|uint64|complex64|complex128}, "
    "grad_a: bool = False, grad_b: bool = False, transpose_a: bool = False, transpose_b: bool = False) -> product: T"
)
def MatMul(xp, a, b, *, transpose_a, transpose_b, grad_a, grad_b):  # noqa: N802
    """a [m, k] @ b [k, n] -> [m, n]; either may be stored transposed."""
    if a.ndim != 2 or b.ndim != 2:
        raise ShapeError(f"In[{0 if a.ndim != 2 else 1}] is not a matrix: a and b must be matrices, got ranks {a.ndim} and {b.ndim}")
    if xp is np:
        a, b = wide(np, a), wide(np, b)
        return np.matmul(a.T if transpose_a else a, b.T if transpose_b else b)
    if a.shape[0 if transpose_a else 1] != b.shape[1 if transpose_b else 0]:
        raise ShapeError(f"Matrix size-incompatible: In[0]: {as_text(a.shape)}, In[1]: {as_text(b.shape)}")
    return _dot(xp, a, b, 0 if transpose_a else 1, 1 if transpose_b else 0, 0, grad_a or grad_b)


@MatMul.shape
def _(a: Any, b: Any, *, transpose_a: bool, transpose_b: bool, grad_a: bool, grad_b: bool) -> Any:
    m, k = rank_is(a, 2)[::-1] if transpose_a else rank_is(a, 2)
    j, n = rank_is(b, 2)[::-1] if transpose_b else rank_is(b, 2)
    _inner(a, b, k, j, f"transpose_b={not transpose_b}" if k == n and k is not None else "make the inner sizes of a and b equal")
    return m, n


def _inner(a: Any, b: Any, k: Any, j: Any, fix: str) -> None:
    """The sizes that a product sums over must be one."""
    try:
        same(k, j, fix=fix)
    except ShapeError as e:
        raise ShapeError(f"Matrix size-incompatible: In[0]: {as_text(a.shape)}, In[1]: {as_text(b.shape)}: {e.message}") from None


def _products(a: Any, b: Any, dc: Any, ta: bool, tb: bool, times: Any) -> tuple[Any, Any]:
    """The gradients of a @ b: `times(x, y, transpose_x, transpose_y, which)`."""
    da = times(b, dc, tb, True, "a") if ta else times(dc, b, False, not tb, "a")
    db = times(dc, a, True, ta, "b") if tb else times(a, dc, not ta, False, "b")
    return da, db


@MatMul.grad
def _(node: Any, dc: Any) -> Any:
    a, b = conj(node.inputs[0]), conj(node.inputs[1])
    times = lambda x, y, tx, ty, which: MatMul(
        x, y, transpose_a=tx, transpose_b=ty, grad_a=which == "a", grad_b=which == "b"
    )
    return _products(a, b, dc, node.attrs["transpose_a"], node.attrs["transpose_b"], times)


# -- batches ---------------------------------------------------------------------------------------------------------
def _batched(xp: Any, x: Any, y: Any, adj_x: bool, adj_y: bool, fence: bool = False) -> Any:
    if x.ndim < 2 or y.ndim < 2:
        raise ShapeError(f"In[{0 if x.ndim < 2 else 1}] ndims must be >= 2: x and y have ranks {x.ndim} and {y.ndim}")
    x, y = (xp.conj(v) if adj and v.dtype.kind == "c" else v for v, adj in ((x, adj_x), (y, adj_y)))
    if xp is not np:
        cx, cy = x.ndim - (2 if adj_x else 1), y.ndim - (1 if adj_y else 2)
        if x.shape[cx] == y.shape[cy]:
            if x.shape[:-2] == y.shape[:-2]:
                return _dot(xp, x, y, cx, cy, x.ndim - 2, fence)
            if y.ndim == 2 and not adj_x:  # [..., m, k] @ [k, n] is one product of two matrices
                flat = _dot(xp, x.reshape(-1, x.shape[-1]), y, 1, cy, 0, fence)
                return flat.reshape(*x.shape[:-1], flat.shape[-1])
    x, y = wide(xp, x), wide(xp, y)
    return xp.matmul(xp.swapaxes(x, -1, -2) if adj_x else x, xp.swapaxes(y, -1, -2) if adj_y else y)


def _batched_shape(x: Any, y: Any, *, adj_x: bool, adj_y: bool, **_: Any) -> Any:
    if x.shape is None or y.shape is None:
        return None
    for v in (x, y):
        if len(v.shape) < 2:
            raise ShapeError(f"Shape must be at least rank 2 but is rank {len(v.shape)}: {v.name} has shape {as_text(v.shape)}")
    m, k = x.shape[:-3:-1] if adj_x else x.shape[-2:]
    j, n = y.shape[:-3:-1] if adj_y else y.shape[-2:]
    _inner(x, y, k, j, f"adj_y={not adj_y}" if k == n and k is not None else "make the inner sizes of x and y equal")
    return (*broadcast(x.shape[:-2], y.shape[:-2]), m, n)


def _batched_grad(times: Any) -> Any:
    def rule(node: Any, dc: Any) -> Any:
        x, y = node.inputs
        adj_x, adj_y = node.attrs["adj_x"], node.attrs["adj_y"]
        if (
            x.dtype is y.dtype
            and x._dims is not None
            and y._dims is not None
            and len(y._dims) == 2 < len(x._dims)
            and not adj_x
        ):
            inner, outer = x._dims[-1], y._dims[0 if adj_y else 1]
            if (
                inner is not None and outer is not None
            ):  # one product for the whole batch, without an intermediate per element
                flat_x, flat_dc = Reshape(conj(x), [-1, inner]), Reshape(dc, [-1, outer])
                dx = times(dc, y, False, not adj_y, "a")
                a, b = (flat_dc, flat_x) if adj_y else (flat_x, flat_dc)
                return dx, MatMul(a, b, transpose_a=True, grad_b=True)
        if adj_x:
            dx = times(y, dc, adj_y, True, "a")
        else:
            dx = times(dc, y, False, not adj_y, "a")
        dy = times(dc, x, True, adj_x, "b") if adj_y else times(x, dc, not adj_x, False, "b")
        return unbroadcast(dx, x, dx), unbroadcast(dy, y, dy)

    return rule


_TYPES = "{bfloat16|float16|float32|float64|int16|int32|int64|uint8|uint16|uint32|uint64|complex64|complex128}"
_OLD_TYPES = "{bfloat16|float16|float32|float64|int32|int64|complex64|complex128}"
_FLAGS = "adj_x: bool = False, adj_y: bool = False, grad_x: bool = False, grad_y: bool = False"
_body = lambda xp, x, y, *, adj_x, adj_y, grad_x, grad_y: _batched(xp, x, y, adj_x, adj_y, grad_x or grad_y)
BatchMatMulV2 = op(f"BatchMatMulV2(x: T, y: T, *, T: {_TYPES}, {_FLAGS}) -> output: T", shape=_batched_shape)(_body)
BatchMatMulV2.grad(
    _batched_grad(
        lambda x, y, ax, ay, which: BatchMatMulV2(x, y, adj_x=ax, adj_y=ay, grad_x=which == "a", grad_y=which == "b")
    )
)
BatchMatMul = op(f"BatchMatMul(x: T, y: T, *, T: {_OLD_TYPES}, {_FLAGS}) -> output: T", shape=_batched_shape)(
    lambda xp, x, y, *, adj_x, adj_y, grad_x, grad_y: _batched(xp, x, y, adj_x, adj_y, grad_x or grad_y)
)
BatchMatMul.grad(
    _batched_grad(
        lambda x, y, ax, ay, which: BatchMatMul(x, y, adj_x=ax, adj_y=ay, grad_x=which == "a", grad_y=which == "b")
    )
)

_MIXED = "{bfloat16|float16|float32|float64|uint8|int8|int16|int32|int64|complex64|complex128}"


@op(
    f"BatchMatMulV3(x: Ta, y: Tb, *, Ta: {_MIXED}, Tb: {_MIXED}, Tout: {{bfloat16|float16|float32|float64|int16|int32|int64|complex64|complex128}}, {_FLAGS})"
    " -> output: Tout",
    shape=_batched_shape,
)
def BatchMatMulV3(xp, x, y, *, Tout, adj_x, adj_y):  # noqa: N802, N803
    """x [..., m, k] @ y [..., k, n] in the dtype Tout."""
    return _batched(xp, x.astype(Tout.array_dtype), y.astype(Tout.array_dtype), adj_x, adj_y)


BatchMatMulV3.shape(_batched_shape)


@BatchMatMulV3.grad
def _(node: Any, dc: Any) -> Any:
    x, y = node.inputs
    out = dc.dtype

    def times(a: Any, b: Any, ax: bool, ay: bool, which: str) -> Any:
        return BatchMatMulV3(a, b, adj_x=ax, adj_y=ay, Tout=out, grad_x=which == "a", grad_y=which == "b")

    adj_x, adj_y = node.attrs["adj_x"], node.attrs["adj_y"]
    dx = times(y, dc, adj_y, True, "a") if adj_x else times(dc, y, False, not adj_y, "a")
    dy = times(dc, x, True, adj_x, "b") if adj_y else times(x, dc, not adj_x, False, "b")
    fit = lambda d, v: unbroadcast(d, v, d) if v.dtype is out else Cast(unbroadcast(d, v, d), DstT=v.dtype)
    return fit(dx, x), fit(dy, y)


@op(
    "SparseMatMul(a: Ta, b: Tb, *, Ta: {float32|bfloat16} = float32, Tb: {float32|bfloat16} = float32, a_is_sparse: bool = False, "
    "b_is_sparse: bool = False, transpose_a: bool = False, transpose_b: bool = False) -> product: float32"
)
def SparseMatMul(xp, a, b, *, transpose_a, transpose_b):  # noqa: N802
    """a [m, k] @ b [k, n] -> [m, n] for matrices of many zeros."""
    a, b = wide(xp, a), wide(xp, b)
    return xp.matmul(a.T if transpose_a else a, b.T if transpose_b else b)


SparseMatMul.shape(
    lambda a, b, *, transpose_a, transpose_b: MatMul.shape_rule(
        a, b, transpose_a=transpose_a, transpose_b=transpose_b, grad_a=False, grad_b=False
    )
)


@SparseMatMul.grad
def _(node: Any, dc: Any) -> Any:
    attrs = node.attrs
    sparse = {"a": attrs["a_is_sparse"], "b": attrs["b_is_sparse"]}

    def times(x: Any, y: Any, tx: bool, ty: bool, which: str) -> Any:
        x_sparse, y_sparse = (
            (x is not dc and sparse["b" if which == "a" else "a"]),
            (y is not dc and sparse["b" if which == "a" else "a"]),
        )
        out = SparseMatMul(x, y, transpose_a=tx, transpose_b=ty, a_is_sparse=x_sparse, b_is_sparse=y_sparse)
        want = node.inputs[0 if which == "a" else 1].dtype
        return out if out.dtype is want else Cast(out, DstT=want)

    return _products(*node.inputs, dc, attrs["transpose_a"], attrs["transpose_b"], times)


# -- public functions ------------------------------------------------------------------------------------------------
@export("matmul", "linalg.matmul")
@dispatched
def matmul(
    a: Any,
    b: Any,
    transpose_a: bool = False,
    transpose_b: bool = False,
    adjoint_a: bool = False,
    adjoint_b: bool = False,
    a_is_sparse: bool = False,
    b_is_sparse: bool = False,
    output_type: Any = None,
    grad_a: bool = False,
    grad_b: bool = False,
    name: str | None = None,
) -> Any:
    """a [..., m, k] @ b [..., k, n] -> [..., m, n]; either may be stored transposed (or conjugated, too: adjoint).

    >>> tf.matmul([[1., 2.]], [[3.], [4.]]).numpy().tolist()
    [[11.0]]
    """
    if not (
        transpose_a
        or transpose_b
        or adjoint_a
        or adjoint_b
        or a_is_sparse
        or b_is_sparse
        or grad_a
        or grad_b
        or output_type
    ):
        if isinstance(a, Tensor) and isinstance(b, Tensor):  # the common call, without ceremony
            a_dims, b_dims = a._dims, b._dims
            if a_dims is None or b_dims is None or len(a_dims) > 2 or len(b_dims) > 2:
                return BatchMatMulV2(a, b, name=name or "MatMul")
            return MatMul(a, b, name=name)
    if transpose_a and adjoint_a:
        raise ValueError(
            f"Only one of `transpose_a` and `adjoint_a` can be True. Received `transpose_a`={transpose_a}, `adjoint_a`={adjoint_a}."
        )
    if transpose_b and adjoint_b:
        raise ValueError(
            f"Only one of `transpose_b` and `adjoint_b` can be True. Received `transpose_b`={transpose_b}, `adjoint_b`={adjoint_b}."
        )
    if not (isinstance(a, Tensor) and isinstance(b, Tensor)):
        for value in (a, b):
            if type(value) in composites:
                return composites[type(value)](
                    matmul,
                    (a, b, transpose_a, transpose_b, adjoint_a, adjoint_b, a_is_sparse, b_is_sparse, output_type),
                    name,
                )
        with scoped(name, "MatMul") as scope:
            name = scope or None
            if not isinstance(a, Tensor):
                a = door.convert(a, None if convert.dtype_of(a) is not None else convert.dtype_of(b), "a")
            if not isinstance(b, Tensor):
                b = door.convert(b, a.dtype.base_dtype, "b")
    a_dims, b_dims = a._dims, b._dims
    kind = a.dtype
    if output_type is not None and as_dtype(output_type) is not kind or kind is not b.dtype and output_type is not None:
        return BatchMatMulV3(
            _conj_if(a, transpose_a),
            _conj_if(b, transpose_b),
            adj_x=transpose_a or adjoint_a,
            adj_y=transpose_b or adjoint_b,
            Tout=as_dtype(output_type),
            grad_x=grad_a,
            grad_y=grad_b,
            name=name or "MatMul",
        )
    if a_dims is None or b_dims is None or len(a_dims) > 2 or len(b_dims) > 2:
        if not (a_is_sparse or b_is_sparse) or a_dims is None or b_dims is None or len(a_dims) > 2 or len(b_dims) > 2:
            return BatchMatMulV2(
                _conj_if(a, transpose_a),
                _conj_if(b, transpose_b),
                adj_x=bool(transpose_a or adjoint_a),
                adj_y=bool(transpose_b or adjoint_b),
                grad_x=grad_a,
                grad_y=grad_b,
                name=name or "MatMul",
            )
    if adjoint_a:
        a, transpose_a = conj(a), True
    if adjoint_b:
        b, transpose_b = conj(b), True
    sparse_types = (dtypes.bfloat16, dtypes.float32)
    if (a_is_sparse or b_is_sparse) and kind in sparse_types and b.dtype in sparse_types:
        out = SparseMatMul(
            a,
            b,
            transpose_a=transpose_a,
            transpose_b=transpose_b,
            a_is_sparse=a_is_sparse,
            b_is_sparse=b_is_sparse,
            name=name,
        )
        return Cast(out, DstT=dtypes.bfloat16) if kind is dtypes.bfloat16 and b.dtype is dtypes.bfloat16 else out
    return MatMul(a, b, transpose_a=transpose_a, transpose_b=transpose_b, grad_a=grad_a, grad_b=grad_b, name=name)


def _conj_if(x: Any, wanted: bool) -> Any:
    """A transpose as the adjoint of the conjugate."""
    return conj(x) if wanted else x


@export(v1=("sparse_matmul",))
def sparse_matmul(
    a: Any,
    b: Any,
    transpose_a: bool = False,
    transpose_b: bool = False,
    a_is_sparse: bool = False,
    b_is_sparse: bool = False,
    name: str | None = None,
) -> Any:
    """The product of two matrices of many zeros, in float32."""
    return SparseMatMul(
        a,
        b,
        transpose_a=transpose_a,
        transpose_b=transpose_b,
        a_is_sparse=a_is_sparse,
        b_is_sparse=b_is_sparse,
        name=name,
    )


@export("linalg.matvec")
def matvec(
    a: Any,
    b: Any,
    transpose_a: bool = False,
    adjoint_a: bool = False,
    a_is_sparse: bool = False,
    b_is_sparse: bool = False,
    name: str | None = None,
) -> Any:
    """The matrix a [..., m, k] times the vector b [..., k].

    >>> tf.linalg.matvec([[1., 2.], [3., 4.]], [1., 1.]).numpy().tolist()
    [3.0, 7.0]
    """
    with scoped(name, "MatVec"):
        b = b if isinstance(b, Tensor) else door.convert(b, convert.dtype_of(a) if isinstance(a, Tensor) else None)
        out = matmul(
            a,
            later("ExpandDims")(b, -1),
            transpose_a=transpose_a,
            adjoint_a=adjoint_a,
            a_is_sparse=a_is_sparse,
            b_is_sparse=b_is_sparse,
        )
        return later("Squeeze")(out, squeeze_dims=[-1])
