"""Tensors made from nothing: constants, fills, ranges, placeholders."""

from typing import Any

import numpy as np

from penstock.base import dtypes
from penstock.base.dtypes import as_dtype
from penstock.base.errors import InvalidArgumentError, ShapeError
from penstock.base.export import export
from penstock.base.shape import TensorShape, as_dims
from penstock.ir import convert, door, node_count
from penstock.ir.known import known_value
from penstock.ir.op import find, op
from penstock.ir.scope import scoped
from penstock.ir.source import PLACEHOLDER, PLACEHOLDER_WITH_DEFAULT
from penstock.ir.tensor import Tensor
from penstock.ops.families import dispatched
from penstock.ops.fixed import fixed

FOLD = 1000
"""Fills of fewer elements become constants while a graph is built, as in TensorFlow."""


# -- tf.constant -------------------------------------------------------------------------------------------------------
def _constant(value: Any, dtype: Any, shape: Any, name: str, verify_shape: bool, extend: bool) -> Any:
    here = door.current()
    dtype = None if dtype is None else as_dtype(dtype).base_dtype
    if here.is_graph and isinstance(value, Tensor):
        raise TypeError(f"tf.constant() takes any non-tensor type, but got the tensor {value!r}; use tf.identity or the tensor itself")
    if isinstance(value, Tensor):
        if dtype is not None and value.dtype.base_dtype is not dtype:
            raise TypeError(f"tf.constant(): the tensor is {value.dtype.name}, but dtype={dtype.name} was asked for\n  fix: tf.cast(value, tf.{dtype.name})")
        array = known_value(value)
    else:
        array = convert.resolve(value, dtype)
        if isinstance(array, Tensor):
            if here.is_graph:
                raise TypeError("tf.constant() takes any non-tensor type, but got a list that holds tensors; use tf.stack")
            array = known_value(array)
    if shape is not None:
        dims = as_dims(shape)
        if dims is None or None in dims:
            raise TypeError(f"tf.constant(): shape must be fully known, got {shape}")
        array = _in_shape(array, dims, here.is_graph, verify_shape, extend)
    elif isinstance(array, np.ndarray) and array is value:
        array = array.copy()
    dtype = dtype or as_dtype(array.dtype)
    return here.constant(array, name, dtype) if here.is_graph else here.convert(array, dtype)


def _in_shape(array: np.ndarray, dims: tuple[int, ...], is_graph: bool, verify: bool, extend: bool) -> np.ndarray:
    n = int(np.prod(dims, dtype=np.int64))
    if array.shape == dims:
        return array.copy()
    if array.size == n and not verify:
        return array.reshape(dims).copy()
    if array.size == 1 and not verify:
        return np.full(dims, array.reshape(())[()], array.dtype)
    if verify or not is_graph or not extend:
        raise TypeError(f"tf.constant(): the value has shape {array.shape} ({array.size} elements), but shape={dims} ({n} elements) was asked for")
    if array.size > n:
        raise ValueError(f"tf.constant(): Too many elements provided. Takes at most {n}, but got {array.size}.")
    if array.size == 0:
        raise ValueError(f"tf.constant(): an empty value cannot fill shape {dims}")
    flat = np.full(n, array.reshape(-1)[-1], array.dtype)  # 1.x repeats the last element
    flat[: array.size] = array.reshape(-1)
    return flat.reshape(dims)


@export(v2=("constant",))
def constant(value, dtype=None, shape=None, name="Const"):
    """A tensor that holds `value`; a single element fills `shape`.

    >>> tf.constant([1, 2, 3, 4], shape=(2, 2)).numpy()
    array([[1, 2],
           [3, 4]], dtype=int32)
    """
    if shape is None and not door.current().is_graph and not isinstance(value, Tensor):
        return door.convert(value, None if dtype is None else as_dtype(dtype).base_dtype)
    return _constant(value, dtype, shape, name or "Const", False, False)


@export(v1=("constant",))
def constant_v1(value, dtype=None, shape=None, name="Const", verify_shape=False):
    """A tensor that holds `value`; where `shape` is larger the last element is repeated."""
    return _constant(value, dtype, shape, name or "Const", verify_shape, True)


# -- fills -------------------------------------------------------------------------------------------------------------
@op("Fill(dims: index_type, value: T, *, T: type, index_type: index = int32) -> output: T", static=("dims",), moves=True)
def fill_op(xp, dims, value):
    """A tensor of shape `dims`, every element `value`."""
    if dims.ndim > 1:
        raise InvalidArgumentError(f"dims must represent a vector, got shape {list(dims.shape)}")
    if value.ndim:
        if value.size != 1 or value.ndim > 1:
            raise InvalidArgumentError(f"value must be a scalar, got shape {list(value.shape)}")
        value = value.reshape(())
    for d in dims.reshape(-1):
        if d < 0:
            raise InvalidArgumentError(f"Dimension {int(d)} must be >= 0, in dims {dims.tolist()}")
    return xp.full(tuple(dims.reshape(-1).tolist()), value)


@fill_op.shape
def _(dims, value):
    if value.shape:
        raise ShapeError(f"value must be a scalar but has shape {list(value.shape)}")
    if dims.rank is not None and dims.rank > 1:
        raise ShapeError(f"dims must be a vector but has shape {list(dims.shape)}")
    known = dims.value
    if known is not None and known.size and known.min() < 0:
        raise ShapeError(f"Fill dimensions must be >= 0, got {known.tolist()}")
    return dims.dims


@fill_op.grad
def _(node, dy):
    return None, find("Sum")(dy, _all_axes(dy))


def _all_axes(t: Any) -> Any:
    if t._dims is not None:
        return np.arange(len(t._dims), dtype=np.int32)
    return range_op(0, find("Rank")(t), 1)


@export("fill")
def fill(dims, value, name=None, layout=None):
    """A tensor of shape `dims`, every element the scalar `value`.

    >>> tf.fill([2, 3], 9).numpy().tolist()
    [[9, 9, 9], [9, 9, 9]]
    """
    if hasattr(dims, "_add_row_partitions"):
        return dims._add_row_partitions(fill_op(dims.inner_shape, value, name=name))
    return fill_op(shape_argument(dims), value, name=name)


def shape_argument(shape: Any) -> Any:
    """A shape as programs pass it (TensorShape, tuples with tensors or Dimensions) as something a tensor converts from."""
    if isinstance(shape, TensorShape):
        dims = shape._dims
        if dims is None or None in dims:
            raise ValueError(f"Cannot convert a partially known TensorShape {shape} to a Tensor.")
        return np.array(dims, np.int32 if all(d < 2**31 for d in dims) else np.int64)
    return shape


def _filled(shape: Any, dtype: Any, name: str | None, default: str, one: bool) -> Any:
    dtype = as_dtype(dtype).base_dtype
    if one and dtype is dtypes.string:
        raise TypeError("tf.ones() cannot make strings: Cannot convert 1 to a tensor of dtype string")
    element: Any = b"" if dtype is dtypes.string else np.array(1 if one else 0, dtype.array_dtype)
    if hasattr(shape, "_add_row_partitions"):
        return shape._add_row_partitions(_filled(shape.inner_shape, dtype, name, default, one))
    here = door.current()
    dims = static_dims(shape)
    if not here.is_graph:
        if dims is None:
            return fill_op(_shape_tensor(shape), here.convert(element, dtype))
        if dims and min(dims) < 0:
            raise InvalidArgumentError(f"tf.{default}(): Dimension {min(dims)} must be >= 0, in shape {list(dims)}")
        if dtype is dtypes.string:
            array = np.full(dims, b"", object)
        else:
            array = (np.ones if one else np.zeros)(dims, dtype.array_dtype)
        return here.convert(array, dtype)
    with here.name_scope(name or default) as scope:
        if dims is not None and min(dims, default=0) >= 0 and np.prod(dims, dtype=np.int64) < FOLD:
            return here.constant(np.full(dims, element, object if dtype is dtypes.string else dtype.array_dtype), scope, dtype)
        if dims is not None:
            shape = here.constant(np.array(dims, np.int32), "shape_as_tensor", dtypes.int32)
        else:
            if isinstance(shape, (list, tuple)):
                node_count.more(2 * len(shape))  # is it small enough for a constant?
            shape = _shape_tensor(shape)
            if shape._dims is not None and len(shape._dims) != 1:
                shape = find("Reshape")(shape, [-1])
        return fill_op(shape, here.constant(np.asarray(element, object if dtype is dtypes.string else None), "Const", dtype), name=scope)


def static_dims(shape: Any) -> tuple[int, ...] | None:
    """The sizes of `shape` when it holds no graph tensors, else None."""
    if isinstance(shape, Tensor):
        return None if getattr(shape, "op", None) is not None and not hasattr(shape, "_array") else tuple(np.asarray(known_value(shape)).reshape(-1).tolist())
    if isinstance(shape, np.ndarray):
        if shape.dtype.kind not in "iu" and shape.size:
            raise TypeError(f"a shape holds integers, got an array of {shape.dtype}")
        return tuple(shape.reshape(-1).tolist())
    if isinstance(shape, TensorShape):
        dims = shape._dims
        if dims is None or None in dims:
            raise ValueError(f"Cannot convert a partially known TensorShape {shape} to a Tensor.")
        return tuple(int(d) for d in dims)
    if not isinstance(shape, (list, tuple)):
        shape = (shape,)
    dims = []
    for d in shape:
        if isinstance(d, Tensor):
            if not hasattr(d, "_array"):
                return None
            d = known_value(d)
        if type(d) is not int:
            d = getattr(d, "value", d) if not isinstance(d, np.ndarray) else d
            if d is None or not hasattr(d, "__index__"):
                raise TypeError(f"a shape holds integers, got {d!r} in {shape!r}") if d is not None else ValueError(f"a shape must be fully known, got None in {shape!r}")
            d = d.__index__()
        dims.append(d)
    return tuple(dims)


def _shape_tensor(shape: Any) -> Any:
    if not isinstance(shape, Tensor) and isinstance(shape, (list, tuple)):
        wide = any(isinstance(s, Tensor) and s.dtype.base_dtype is dtypes.int64 for s in shape)
        return door.convert(shape, dtypes.int64 if wide else dtypes.int32, "packed")
    return door.convert(shape)


@export("zeros")
def zeros(shape, dtype=dtypes.float32, name=None, layout=None):
    """A tensor of zeros (False, empty strings).

    >>> tf.zeros([2, 2], tf.int32).numpy().tolist()
    [[0, 0], [0, 0]]
    """
    return _filled(shape, dtype, name, "zeros", False)


@export("ones")
def ones(shape, dtype=dtypes.float32, name=None, layout=None):
    """A tensor of ones (True).

    >>> tf.ones([3]).numpy().tolist()
    [1.0, 1.0, 1.0]
    """
    return _filled(shape, dtype, name, "ones", True)


@op("ZerosLike(x: T, *, T: type) -> y: T", shape=lambda x: x.shape, moves=True)
def zeros_like_op(xp, x):
    """Zeros of x's shape and dtype."""
    if getattr(x, "dtype", None) == object:  # noqa: E721 - its own type, not a Python one
        return np.full(x.shape, b"", object)
    return x.zeros_like() if not hasattr(x, "ndim") else xp.zeros_like(x)


@zeros_like_op.grad
def _(node, dy):
    return zeros_like_op(dy)


@op("OnesLike(x: T, *, T: {bfloat16|float16|float32|float64|int8|uint8|int16|uint16|int32|uint32|int64|uint64|complex64|"
    "complex128|bool}) -> y: T", shape=lambda x: x.shape, moves=True)  # fmt: skip
def ones_like_op(xp, x):
    """Ones of x's shape and dtype."""
    return xp.ones_like(x)


@ones_like_op.grad
def _(node, dy):
    return zeros_like_op(dy)


def _like(tensor: Any, dtype: Any, name: str | None, one: bool, optimize: bool = True) -> Any:
    default = "ones_like" if one else "zeros_like"
    dtype = None if dtype is None else as_dtype(dtype).base_dtype
    here = door.current()
    with scoped(name, default) as scope:
        tensor = door.convert(tensor, None, "tensor")
        given = tensor.dtype.base_dtype
        want = dtype or given
        dims = tensor._dims
        if not here.is_graph:
            if given is dtypes.variant and want is given:
                return zeros_like_op(tensor)
            return _filled(dims, want, None, default, one)
        if not one and dtype is not None and given is not dtype and dims is not None and None not in dims:
            return zeros(dims, want, name=scope)
        if not one and (want is given):
            if optimize and dims is not None and None not in dims and given is not dtypes.variant:
                return zeros(dims, want, name=scope)
            return zeros_like_op(tensor, name=scope)
        from penstock.ops.shapes import shape as shape_of

        out = (ones if one else zeros)(shape_of(tensor), want, name=scope)
        if dims is not None:
            out.set_shape(dims)
        return out


@export(v2=("zeros_like",))
@dispatched
def zeros_like(input, dtype=None, name=None, layout=None):
    """Zeros in the shape (and, by default, the dtype) of `input`.

    >>> tf.zeros_like([1, 2]).numpy().tolist()
    [0, 0]
    """
    return _like(input, dtype, name, False)


@export(v1=("zeros_like",))
@dispatched
def zeros_like_v1(tensor, dtype=None, name=None, optimize=True):
    """Zeros in the shape (and, by default, the dtype) of `tensor`; with `optimize` a constant where the shape is known."""
    return _like(tensor, dtype, name, False, optimize)


@export(v2=("ones_like",))
@dispatched
def ones_like(input, dtype=None, name=None, layout=None):
    """Ones in the shape (and, by default, the dtype) of `input`.

    >>> tf.ones_like([1, 2]).numpy().tolist()
    [1, 1]
    """
    return _like(input, dtype, name, True)


@export(v1=("ones_like",))
@dispatched
def ones_like_v1(tensor, dtype=None, name=None, optimize=True):
    """Ones in the shape (and, by default, the dtype) of `tensor`."""
    return _like(tensor, dtype, name, True, optimize)


@op("Empty(shape: int32, *, dtype: type, init: bool = False) -> output: dtype", static=("shape",), shape=lambda shape, *, dtype, init: shape.dims)
def empty_op(xp, shape, *, dtype):
    """A tensor whose values do not matter; zeros."""
    return np.full(tuple(shape.tolist()), b"", object) if not dtype.on_device else xp.zeros(tuple(shape.tolist()), dtype.array_dtype)


empty_op.no_grad()


# -- sequences ---------------------------------------------------------------------------------------------------------
@op("Range(start: Tidx, limit: Tidx, delta: Tidx, *, Tidx: {bfloat16|float16|float32|float64|int8|int16|int32|int64|uint16|"
    "uint32|uint64} = int32) -> output: Tidx", static=("start", "limit", "delta"))  # fmt: skip
def range_op(xp, start, limit, delta, *, Tidx):
    """start, start + delta, ... up to but without limit."""
    n = _range_size(start, limit, delta)
    kind = Tidx.array_dtype
    if n and Tidx.is_integer:
        stop = int(start) + n * int(delta)
        return np.arange(int(start), stop, int(delta), dtype=np.int64 if Tidx.name != "uint64" else np.uint64).astype(kind)
    a, d = np.asarray(start, kind).reshape(()), np.asarray(delta, kind).reshape(())
    return a + np.arange(n).astype(kind) * d


def _range_size(start: Any, limit: Any, delta: Any) -> int:
    for value, name in ((start, "start"), (limit, "limit"), (delta, "delta")):
        if value.ndim and value.size != 1:
            raise InvalidArgumentError(f"{name} must be a scalar, not shape {list(value.shape)}")
    a, b, d = (v.reshape(()).item() for v in (start, limit, delta))
    if d == 0:
        raise InvalidArgumentError(f"Requires delta != 0: {d}")
    if d > 0 and a > b:
        raise InvalidArgumentError(f"Requires start <= limit when delta > 0: {a}/{b}")
    if d < 0 and a < b:
        raise InvalidArgumentError(f"Requires start >= limit when delta < 0: {a}/{b}")
    if isinstance(a, int):
        return -((a - b) // d) if d > 0 else -((b - a) // -d)
    first, last, step = (np.asarray(v).reshape(()) for v in (start, limit, delta))
    return int(np.ceil(abs((last - first) / step)))  # in the precision of the type: 0.1, 1.1, 0.1 has 10 elements in float32


@range_op.shape
def _(start, limit, delta, *, Tidx):
    for s in (start, limit, delta):
        if s.shape:
            raise ShapeError(f"{s.name} must be a scalar but has shape {list(s.shape)}")
    values = [s.value for s in (start, limit, delta)]
    if any(v is None for v in values):
        return (None,)
    try:
        return (_range_size(*values),)
    except InvalidArgumentError as e:
        raise ShapeError(e.message) from None


@range_op.dims
def _(start, limit, delta, *, Tidx):
    return None


range_op.no_grad()
_HIERARCHY = (dtypes.int32, dtypes.int64, dtypes.float16, dtypes.bfloat16, dtypes.float32, dtypes.float64)


@export("range")
def range(start, limit=None, delta=1, dtype=None, name="range"):  # noqa: A001
    """Numbers from `start` (0 when only one is given) up to but without `limit`, by `delta`.

    >>> tf.range(3, 18, 3).numpy().tolist()
    [3, 6, 9, 12, 15]
    """
    if limit is None:
        start, limit = 0, start
    dtype = None if dtype is None else as_dtype(dtype)
    with scoped(name, "Range") as scope:
        ends = [t if isinstance(t, Tensor) else door.convert(t, dtype, n) for t, n in ((start, "start"), (limit, "limit"), (delta, "delta"))]
        if dtype is None:
            found = [t.dtype.base_dtype for t in ends]
            for d in found:
                if d not in _HIERARCHY:
                    raise InvalidArgumentError(f"tf.range(): start, limit and delta must be one of {[h.name for h in _HIERARCHY]}, got {[f.name for f in found]}")
            dtype = max(found, key=_HIERARCHY.index)
        ends = [t if t.dtype.base_dtype is dtype else find("Cast")(t, DstT=dtype) for t in ends]
        return range_op(*ends, name=scope)


@op("LinSpace(start: T, stop: T, num: Tidx, *, T: real_float, Tidx: index = int32) -> output: T", static=("num",))
def lin_space(xp, start, stop, num):
    """`num` evenly spaced values from start to stop, both included."""
    n = int(num.reshape(()))
    if n <= 0:
        raise InvalidArgumentError(f"Requires num > 0: {n}")
    if n == 1:
        return start.reshape(1)
    step = (stop - start) / xp.asarray(n - 1, start.dtype)
    body = start + step * xp.arange(n - 1).astype(start.dtype)
    return xp.concatenate([body.reshape(-1), stop.reshape(1)])


@lin_space.shape
def _(start, stop, num):
    value = num.value
    if value is not None and int(value) <= 0:
        raise ShapeError(f"Requires num > 0: {int(value)}")
    return (None if value is None else int(value),)


lin_space.no_grad()


@export("linspace", v1=("lin_space",))
def linspace(start, stop, num, name=None, axis=0):
    """`num` evenly spaced values from `start` to `stop`, both included, along a new axis.

    >>> tf.linspace(0., 1., 5).numpy().tolist()
    [0.0, 0.25, 0.5, 0.75, 1.0]
    """
    from penstock.ops import shapes
    from penstock.ops.join import concat

    with scoped(name, "linspace"):
        start = door.convert(start, None, "start")
        stop = door.convert(stop, start.dtype.base_dtype, "stop")
        num = door.convert(num, None, "num")
        cast, add, mul, sub = (find(n) for n in ("Cast", "AddV2", "Mul", "Sub"))
        if start.dtype.is_integer:
            start, stop = cast(start, DstT=dtypes.float64), cast(stop, DstT=dtypes.float64)
        if num.dtype.base_dtype is not dtypes.int32:
            num = cast(num, DstT=dtypes.int32)
        together = shapes.broadcast_dynamic_shape(shapes.shape(start), shapes.shape(stop))
        start, stop = shapes.broadcast_to(start, together), shapes.broadcast_to(stop, together)
        first, last = shapes.expand_dims(start, axis), shapes.expand_dims(stop, axis)
        rank = len(first._dims) if first._dims is not None else None
        if rank is None:
            raise ValueError("tf.linspace() needs start and stop of known rank")
        at = axis if axis >= 0 else rank + axis
        n = known_value(num)
        if n is not None:
            n = int(n)
            if n < 0:
                raise InvalidArgumentError(f"tf.linspace(): num must not be negative, got {n}")
            between, below = range(1, max(n - 1, 1)), max(n - 1, 1)
            delta = find("RealDiv")(sub(last, first), door.convert(float(below), first.dtype))
        else:
            below = find("Maximum")(sub(num, 1), 1)
            between = range(1, below)
            delta = find("RealDiv")(sub(last, first), cast(below, DstT=first.dtype))
        steps = shapes.reshape(cast(between, DstT=first.dtype), [1] * at + [-1] + [1] * (rank - at - 1))
        out = concat([first, add(first, mul(delta, steps)), last], at)
        if n is not None and n >= 2:
            return out
        begin = [0] * rank
        size = [-1] * at + [num] + [-1] * (rank - at - 1)
        return find("Slice")(out, begin, door.convert(size, dtypes.int32))


@export("eye", "linalg.eye")
def eye(num_rows, num_columns=None, batch_shape=None, dtype=dtypes.float32, name=None):
    """An identity matrix, or a batch of them.

    >>> tf.eye(2).numpy().tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    from penstock.ops.join import concat

    dtype = as_dtype(dtype)
    with scoped(name, "eye") as scope:
        square = num_columns is None
        num_columns = num_rows if square else num_columns
        rows, columns = _size_of(num_rows), _size_of(num_columns)
        if rows is not None and columns is not None:
            least: Any = min(rows, columns)
        else:
            num_rows, num_columns = door.convert(num_rows, None, "num_rows"), door.convert(num_columns, None, "num_columns")
            least = find("Minimum")(num_rows, num_columns)
        batch = [] if batch_shape is None else batch_shape
        static = static_dims(batch)
        one = least if isinstance(least, Tensor) else int(least)
        batch_of = lambda *tail: (*static, *tail) if static is not None else concat([door.convert(batch, dtypes.int32), list(tail)], 0)
        if rows is not None and columns is not None and static is not None and (not door.current().is_graph):
            array = np.broadcast_to(np.eye(rows, columns, dtype=dtype.array_dtype), (*static, rows, columns))
            return door.convert(np.ascontiguousarray(array), dtype)
        diagonal = ones(batch_of(one), dtype)
        if square:
            return find("MatrixDiagV3")(diagonal, 0, -1, -1, np.zeros((), dtype.array_dtype), name=f"{scope}diag" if not scope else "diag")
        zero = zeros(batch_of(num_rows, num_columns), dtype)
        return find("MatrixSetDiagV3")(zero, diagonal, 0, name="set_diag")


def _size_of(n: Any) -> int | None:
    if isinstance(n, Tensor):
        value = known_value(n)
        return None if value is None else int(value)
    return int(getattr(n, "value", n)) if not isinstance(n, np.ndarray) else int(n)


@op("OneHot(indices: TI, depth: int32, on_value: T, off_value: T, *, T: type, TI: {uint8|int8|int32|int64} = int64, axis: int = -1) -> output: T",
    static=("depth",), moves=True)  # fmt: skip
def one_hot_op(xp, indices, depth, on_value, off_value, *, axis):
    """`on_value` at each index of a new axis of length depth, `off_value` elsewhere."""
    if depth.ndim:
        raise InvalidArgumentError(f"depth must be a scalar, but got: {list(depth.shape)}")
    n = int(depth)
    if n < 0:
        raise InvalidArgumentError(f"depth must be non-negative, got: {n}")
    if not -1 <= axis <= indices.ndim:
        raise InvalidArgumentError(f"Expected axis to be -1 or between [0, {indices.ndim + 1}).  But received: {axis}")
    at = indices.ndim if axis == -1 else axis
    places = np.arange(n).reshape([-1 if i == at else 1 for i in np.arange(indices.ndim + 1)])
    return xp.where(xp.expand_dims(indices, at) == places, on_value, off_value)


@one_hot_op.shape
def _(indices, depth, on_value, off_value, *, axis):
    value = depth.value
    if value is not None and value.size == 1 and int(value.reshape(())) < 0:
        raise ShapeError(f"depth must be non-negative, got: {int(value)}")
    if indices.shape is None:
        return None
    if not -1 <= axis <= indices.rank:
        raise ShapeError(f"axis = {axis} must be -1 or in [0, {indices.rank + 1})")
    at = indices.rank if axis == -1 else axis
    return (*indices.shape[:at], None if value is None else int(value), *indices.shape[at:])


one_hot_op.no_grad()


@export("one_hot")
@dispatched
def one_hot(indices, depth, on_value=None, off_value=None, axis=None, dtype=None, name=None):
    """A new axis of length `depth` that holds `on_value` at each index and `off_value` elsewhere; all off where out of range.

    >>> tf.one_hot([0, 2], 3).numpy().tolist()
    [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    """
    with scoped(name, "one_hot") as scope:
        dtype = None if dtype is None else as_dtype(dtype).base_dtype
        hint = dtype
        given = {}
        for label, value in (("on_value", on_value), ("off_value", off_value)):
            if value is None:
                continue
            try:
                given[label] = door.convert(value, dtype if not isinstance(value, Tensor) else None, label)
            except (TypeError, ValueError, OverflowError):
                given[label] = door.convert(value, None, label)
            found = given[label].dtype.base_dtype
            if dtype is not None and found is not dtype:
                raise TypeError(f"dtype {found!s} of {label} does not match dtype parameter {dtype!s}")
            hint = hint or found
        if len(given) == 2 and given["on_value"].dtype.base_dtype is not given["off_value"].dtype.base_dtype:
            raise TypeError(f"dtype {given['on_value'].dtype!s} of on_value does not match dtype {given['off_value'].dtype!s} of off_value")
        hint = hint or dtypes.float32
        on = given["on_value"] if "on_value" in given else door.convert(1, hint, "on_value")
        off = given["off_value"] if "off_value" in given else door.convert(0, hint, "off_value")
        return one_hot_op(indices, fixed(depth), on, off, axis=-1 if axis is None else axis, name=scope)


# -- placeholders ------------------------------------------------------------------------------------------------------
@export(v1=("placeholder",))
def placeholder(dtype, shape=None, name=None):
    """A tensor that every `Session.run` must be fed."""
    here = door.current()
    if not here.is_graph:
        raise RuntimeError("tf.placeholder() is not compatible with eager execution.")
    return PLACEHOLDER(dtype=as_dtype(dtype).base_dtype, shape=as_dims(shape), name=name)


@export(v1=("placeholder_with_default",))
def placeholder_with_default(input, shape, name=None):  # noqa: A002
    """A tensor that may be fed, and is `input` when it is not."""
    dims = as_dims(shape)
    here = door.current()
    fits = lambda t: TensorShape._of(t._dims).is_compatible_with(TensorShape._of(dims))
    out = PLACEHOLDER_WITH_DEFAULT(input, shape=dims, name=name) if here.is_graph else here.convert(input)
    value = out.op.inputs[0] if here.is_graph else out
    if not fits(value):
        raise ValueError(f"placeholder_with_default(): the input has shape {value.shape}, which does not fit shape {TensorShape._of(dims)}")
    return out


@export(v1=("sparse_placeholder",))
def sparse_placeholder(dtype, shape=None, name=None):
    """A SparseTensor that every `Session.run` must be fed."""
    from penstock.ops.sparse_tensor import SparseTensor

    if not door.current().is_graph:
        raise RuntimeError("`sparse_placeholder` is not compatible with eager execution.")
    base = None if name is None else name
    part = lambda what: None if base is None else f"{base}/{what}"
    if shape is None:
        rank, dense = None, placeholder(dtypes.int64, [None], part("shape"))
        static = None
    elif isinstance(shape, Tensor):
        rank, dense, static = (shape._dims or (None,))[0], shape, None
    else:
        dims = [d if d is None or d >= 0 else None for d in (getattr(s, "value", s) for s in as_sizes(shape))]
        rank, static = len(dims), TensorShape(dims)
        whole = np.array([-1 if d is None else d for d in dims], np.int64)
        if None in dims:
            dense = PLACEHOLDER_WITH_DEFAULT(door.convert(whole), shape=(rank,), name=part("shape"))
        else:
            dense = door.current().constant(whole, part("shape") or "Const", dtypes.int64)
    result = SparseTensor(
        values=placeholder(dtype, [None], part("values")),
        indices=placeholder(dtypes.int64, [None, rank], part("indices")), dense_shape=dense,
    )  # fmt: skip
    if static is not None:
        result.set_shape(static)
    return result


def as_sizes(shape: Any) -> list[Any]:
    """The entries of a shape given as TensorShape, list, tuple or array."""
    if isinstance(shape, TensorShape):
        return list(shape._dims or ())
    return shape.tolist() if isinstance(shape, np.ndarray) else list(shape)
