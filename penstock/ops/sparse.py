"""`tf.sparse`: functions of SparseTensors."""

from typing import Any

import numpy as np

from penstock.base import dtypes
from penstock.base.export import export
from penstock.base.shape import TensorShape, fully_known
from penstock.ir import door
from penstock.ir.convert import convert_to_tensor
from penstock.ir.known import known_dims, known_value
from penstock.ir.op import find
from penstock.ir.scope import scoped
from penstock.ir.tensor import Tensor
from penstock.ops import sparse_bodies as bodies, sparse_reshaping as reshaping
from penstock.ops.sparse_tensor import SparseTensor, as_sparse, is_sparse


def _parts(s: SparseTensor) -> tuple[Any, Any, Any]:
    return s.indices, s.values, s.dense_shape


# -- to and from dense -------------------------------------------------------------------------------------------------
@export(v1=("sparse_to_dense",))
def sparse_to_dense(sparse_indices: Any, output_shape: Any, sparse_values: Any, default_value: Any = 0, validate_indices: bool = True, name: str | None = None) -> Any:
    """A dense tensor with `sparse_values` at `sparse_indices` and the default elsewhere."""
    values = convert_to_tensor(sparse_values)
    default = np.asarray(b"", object) if values.dtype is dtypes.string and isinstance(default_value, int) else default_value
    return bodies.sparse_to_dense(sparse_indices, output_shape, values, door.convert(default, values.dtype.base_dtype), validate_indices=validate_indices, name=name)


@export("sparse.to_dense", v1=("sparse_tensor_to_dense",))
def sparse_tensor_to_dense(sp_input: Any, default_value: Any = None, validate_indices: bool = True, name: str | None = None) -> Any:
    """The dense tensor; `default_value` (zero, "" or False) stands where the sparse one has nothing.

    >>> tf.sparse.to_dense(tf.SparseTensor([[1]], [5], [3])).numpy().tolist()
    [0, 5, 0]
    """
    s = as_sparse(sp_input)
    dtype = s.dtype.base_dtype
    default = _zero(dtype) if default_value is None else door.convert(default_value, dtype)
    return bodies.sparse_to_dense(s.indices, s.dense_shape, s.values, default, validate_indices=validate_indices, name=name)


def _zero(dtype: Any) -> Any:
    return door.convert(np.array(b"", object) if dtype is dtypes.string else np.zeros((), dtype.array_dtype), dtype, "zeros")


@export("sparse.from_dense")
def from_dense(tensor: Any, name: str | None = None) -> SparseTensor:
    """The elements of a dense tensor that are not zero ("" or False)."""
    with scoped(name, "dense_to_sparse"):
        tensor = door.convert(tensor)
        indices = find("Where")(find("NotEqual")(tensor, _zero(tensor.dtype.base_dtype)))
        return SparseTensor(indices, find("GatherNd")(tensor, indices), find("Shape")(tensor, out_type=dtypes.int64))


@export("sparse.to_indicator", v1=("sparse_to_indicator",))
def sparse_to_indicator(sp_input: Any, vocab_size: int, name: str | None = None) -> Any:
    """bool [..., vocab_size]: which of the ids 0..vocab_size-1 each innermost row of the SparseTensor holds."""
    s = as_sparse(sp_input)
    with scoped(name, "SparseToIndicator"):
        ones = find("Fill")(find("Shape")(s.values), True)
        merged = sparse_merge_impl(s, s.with_values(ones), vocab_size, already_sorted=False)
        return sparse_tensor_to_dense(merged, False, validate_indices=False)


@export(v1=("sparse_merge", "sparse.merge"))
def sparse_merge(sp_ids: Any, sp_values: Any, vocab_size: Any, name: str | None = None, already_sorted: bool = False) -> SparseTensor:
    """One SparseTensor of ids and values: the value of each id stands at column `id`."""
    return sparse_merge_impl(sp_ids, sp_values, vocab_size, name, already_sorted)


def sparse_merge_impl(sp_ids: Any, sp_values: Any, vocab_size: Any, name: str | None = None, already_sorted: bool = False) -> SparseTensor:
    if is_sparse(sp_ids):
        sp_ids, many = [sp_ids], [vocab_size] if not isinstance(vocab_size, (list, tuple)) else list(vocab_size)
    else:
        if not isinstance(sp_ids, (list, tuple)):
            raise TypeError(f"sp_ids has to be a SparseTensor or list thereof. Found {type(sp_ids)}")
        if not isinstance(vocab_size, (list, tuple)):
            raise TypeError(f"vocab_size has to be a list of Tensors or Python ints. Found {type(vocab_size)}")
        many = list(vocab_size)
        if len(sp_ids) != len(many):
            raise ValueError("sp_ids and vocab_size have to have equal lengths.")
    ids, values = [as_sparse(i) for i in sp_ids], as_sparse(sp_values)
    with scoped(name, "SparseMerge"):
        cast = lambda x: find("Cast")(x, DstT=dtypes.int64) if x.dtype.base_dtype is not dtypes.int64 else x
        rows = find("StridedSlice")(ids[0].indices, [0, 0], [0, -1], [1, 1], begin_mask=3, end_mask=1)
        columns = [find("ExpandDims")(cast(i.values), 1) for i in ids]
        indices = find("ConcatV2")([rows, *columns], 1)
        lengths = find("Pack")([cast(convert_to_tensor(v)) for v in many], axis=0)
        shape = find("ConcatV2")([find("StridedSlice")(ids[0].dense_shape, [0], [-1], [1], begin_mask=1), lengths], 0)
        merged = SparseTensor(indices, values.values, shape)
        return merged if already_sorted else sparse_reorder(merged)


@export("sparse.mask", v1=("sparse_mask",))
def sparse_mask(a: Any, mask_indices: Any, name: str | None = None) -> Any:
    """IndexedSlices without the slices at `mask_indices`."""
    with scoped(name, "sparse_mask"):
        kept, places = find("ListDiff")(a.indices, door.convert(mask_indices, a.indices.dtype))
        return type(a)(find("GatherV2")(a.values, places, 0), kept, a.dense_shape)


@export("sparse.eye")
def sparse_eye(num_rows: Any, num_columns: Any = None, dtype: Any = dtypes.float32, name: str | None = None) -> SparseTensor:
    """The identity matrix (with zeros beside or below it) as a SparseTensor."""
    with scoped(name, "eye"):
        rows = find("Cast")(convert_to_tensor(num_rows), DstT=dtypes.int64)
        columns = rows if num_columns is None else find("Cast")(convert_to_tensor(num_columns), DstT=dtypes.int64)
        n = find("Minimum")(rows, columns)
        at = find("Range")(np.int64(0), n, np.int64(1))
        ones = find("Cast")(find("Fill")(find("Shape")(at), np.float32(1)), DstT=dtypes.as_dtype(dtype))
        return SparseTensor(find("Pack")([at, at], axis=1), ones, find("Pack")([rows, columns], axis=0))


# -- order and shape ---------------------------------------------------------------------------------------------------
@export("sparse.reorder", v1=("sparse_reorder",))
def sparse_reorder(sp_input: Any, name: str | None = None) -> SparseTensor:
    """The same SparseTensor with its indices in row-major order."""
    s = as_sparse(sp_input)
    indices, values = reshaping.sparse_reorder(*_parts(s), name=name)
    return _with_static(SparseTensor(indices, values, s.dense_shape), s.shape)


def _with_static(made: SparseTensor, shape: TensorShape) -> SparseTensor:
    made._static = made._static.merge_with(shape)
    return made


@export("sparse.reshape", v1=("sparse_reshape",))
def sparse_reshape(sp_input: Any, shape: Any, name: str | None = None) -> SparseTensor:
    """The SparseTensor in another shape of as many elements; one length may be -1."""
    s = as_sparse(sp_input)
    shape = door.convert(shape) if hasattr(shape, "dtype") else door.convert(shape, dtypes.int64)
    if shape.dtype.base_dtype is not dtypes.int64:
        shape = find("Cast")(shape, DstT=dtypes.int64)
    with scoped(name, "SparseReshape") as scope:
        indices, dims = reshaping.sparse_reshape(s.indices, s.dense_shape, shape, name=scope or None)
        made = SparseTensor(indices, s.values, dims)
    wanted, before = known_dims(shape), s.shape._dims
    if wanted is not None:
        if fully_known(before) and wanted.count(None) == 1 and -1 in (known_value(shape).tolist() if known_value(shape) is not None else ()):
            rest = int(np.prod([d for d in wanted if d is not None], dtype=np.int64))
            size = int(np.prod(before, dtype=np.int64))  # type: ignore[arg-type]
            wanted = tuple(size // rest if d is None and rest and size % rest == 0 else d for d in wanted)
        elif fully_known(before) and fully_known(wanted) and np.prod(before, dtype=np.int64) != np.prod(wanted, dtype=np.int64):  # type: ignore[arg-type]
            raise ValueError(f"Cannot reshape a tensor with {int(np.prod(before))} elements to shape {list(wanted)}.")  # type: ignore[arg-type]
        made._static = made._static.merge_with(TensorShape._of(wanted))
    return made


@export("sparse.expand_dims")
def sparse_expand_dims(sp_input: Any, axis: Any = None, name: str | None = None) -> SparseTensor:
    """The SparseTensor with an axis of length 1 put in at `axis` (by default the last one)."""
    s = as_sparse(sp_input)
    rank = s.shape.rank
    axis = -1 if axis is None else int(axis)
    with scoped(name, "expand_dims"):
        if rank is None:
            raise ValueError("tf.sparse.expand_dims() needs a SparseTensor of known rank")
        if not -rank - 1 <= axis <= rank:
            raise ValueError(f"axis {axis} is out of bounds of [{-rank - 1}, {rank}]")
        at = axis + rank + 1 if axis < 0 else axis
        columns = find("Split")(1, s.indices, num_split=rank) if rank else []
        zeros = find("ZerosLike")(columns[0]) if rank else find("Reshape")(find("ZerosLike")(s.values), [-1, 1])
        indices = find("ConcatV2")([*columns[:at], zeros, *columns[at:]], 1)
        lengths = find("Unpack")(s.dense_shape, num=rank)
        shape = find("Pack")([*lengths[:at], np.int64(1), *lengths[at:]], axis=0)
        return _with_static(SparseTensor(indices, s.values, shape), TensorShape([*s.shape[:at], 1, *s.shape[at:]]))


@export("sparse.transpose", v1=("sparse_transpose",))
def sparse_transpose(sp_input: Any, perm: Any = None, name: str | None = None) -> SparseTensor:
    """The SparseTensor with its axes in the order `perm` (by default reversed)."""
    with scoped(name, "SparseTranspose"):
        s = as_sparse(sp_input)
        if perm is None:
            rank = s.shape.rank
            perm = list(range(rank))[::-1] if rank is not None else find("ReverseV2")(find("Range")(0, find("Rank")(find("ZerosLike")(s.dense_shape)), 1), [0])
        indices = find("GatherV2")(s.indices, perm, 1)
        made = SparseTensor(indices, s.values, find("GatherV2")(s.dense_shape, perm, 0))
        order = known_value(perm) if isinstance(perm, Tensor) else perm
        if s.shape.rank is not None and order is not None:
            made._static = made._static.merge_with(TensorShape([s.shape[int(p)] for p in order]))
        return sparse_reorder(made)


@export("sparse.slice", v1=("sparse_slice",))
def sparse_slice(sp_input: Any, start: Any, size: Any, name: str | None = None) -> SparseTensor:
    """The part of the SparseTensor that begins at `start` and is `size` long."""
    s = as_sparse(sp_input)
    with scoped(name, "SparseSlice"):
        return SparseTensor(*reshaping.sparse_slice(*_parts(s), door.convert(start, dtypes.int64), door.convert(size, dtypes.int64)))


@export(v2=("sparse.split",))
def sparse_split_v2(sp_input: Any = None, num_split: Any = None, axis: Any = None, name: str | None = None) -> list[SparseTensor]:
    """The SparseTensor cut into `num_split` parts along `axis`."""
    if num_split is None:
        raise ValueError("Must specify num_split argument.")
    if sp_input is None:
        raise ValueError("Must specify sp_input argument.")
    if axis is None:
        raise ValueError("Must specify axis argument.")
    s = as_sparse(sp_input)
    indices, values, shapes = reshaping.sparse_split(door.convert(axis, dtypes.int64), *_parts(s), num_split=num_split, name=name)
    return [SparseTensor(*p) for p in zip(indices, values, shapes)]


class _KeywordRequired:
    """The first parameter of the 1.x function, which nobody gives."""

    def __repr__(self) -> str:
        return "KeywordRequired()"


@export(v1=("sparse.split", "sparse_split"))
def sparse_split(
    keyword_required: Any = _KeywordRequired(), sp_input: Any = None, num_split: Any = None, axis: Any = None, name: str | None = None, split_dim: Any = None
) -> list[SparseTensor]:  # fmt: skip
    """`tf.sparse.split` with the keywords of 1.x."""
    if not isinstance(keyword_required, _KeywordRequired):
        raise ValueError("Keyword arguments are required for this function.")
    return sparse_split_v2(sp_input, num_split, axis if split_dim is None else split_dim, name)


@export("sparse.retain", v1=("sparse_retain",))
def sparse_retain(sp_input: Any, to_retain: Any) -> SparseTensor:
    """The SparseTensor of those elements for which the bool vector `to_retain` is true."""
    s = as_sparse(sp_input)
    keep = door.convert(to_retain)
    if keep.shape.rank == 1 and s.values.shape.rank == 1 and None not in (keep.shape[0], s.values.shape[0]) and keep.shape[0] != s.values.shape[0]:
        raise ValueError(f"Dimensions {s.values.shape[0]} and {keep.shape[0]} are not compatible")
    at = find("Reshape")(find("Where")(keep), [-1])
    return SparseTensor(find("GatherV2")(s.indices, at, 0), find("GatherV2")(s.values, at, 0), s.dense_shape)


@export("sparse.reset_shape", v1=("sparse_reset_shape",))
def sparse_reset_shape(sp_input: Any, new_shape: Any = None) -> SparseTensor:
    """The same elements in a larger shape, or (without `new_shape`) in the smallest that holds them."""
    s = as_sparse(sp_input)
    if new_shape is None:
        shape = find("AddV2")(find("Maximum")(find("Max")(s.indices, 0), np.int64(-1)), np.int64(1))
        return SparseTensor(s.indices, s.values, shape)
    shape = door.convert(new_shape, dtypes.int64)
    new, old = known_value(shape), known_value(s.dense_shape)
    if shape.shape.rank is not None and s.indices.shape.rank is not None and None not in (shape.shape[0], s.indices.shape[1]) and shape.shape[0] != s.indices.shape[1]:
        raise ValueError(f"Dimensions {s.indices.shape[1]} and {shape.shape[0]} are not compatible")
    if new is not None and old is not None:
        if (new < old).any():
            raise ValueError(f"Requested new_shape should have dimension sizes >= sp_input.shape.  Found new_shape ({old}), sp_input.shape ({new}).")
        return SparseTensor(s.indices, s.values, shape)
    fits = find("All")(find("GreaterEqual")(shape, s.dense_shape), find("Range")(0, 1, 1))
    assertion = find("Assert")(fits, [np.array(b"new_shape must be at least the shape of sp_input", object)])
    with door.current().control_dependencies([assertion]):
        return SparseTensor(s.indices, s.values, find("Identity")(shape))


@export("sparse.fill_empty_rows", v1=("sparse_fill_empty_rows",))
def sparse_fill_empty_rows(sp_input: Any, default_value: Any, name: str | None = None) -> tuple[SparseTensor, Any]:
    """The SparseTensor with `default_value` at column 0 of each empty row, and which rows those were."""
    s = as_sparse(sp_input)
    with scoped(name, "SparseFillEmptyRows"):
        default = door.convert(default_value, s.values.dtype.base_dtype)
        indices, values, empty, _ = reshaping.sparse_fill_empty_rows(*_parts(s), default)
        return _with_static(SparseTensor(indices, values, s.dense_shape), s.shape), empty


@export(v2=("sparse.concat",))
def sparse_concat_v2(axis: int, sp_inputs: Any, expand_nonconcat_dims: bool = False, name: str | None = None) -> SparseTensor:
    """SparseTensors one after the other along `axis`; with `expand_nonconcat_dims` the other lengths may differ."""
    inputs = [as_sparse(s) for s in sp_inputs]
    if len(inputs) == 1:
        return inputs[0]
    shapes = [s.dense_shape for s in inputs]
    if expand_nonconcat_dims:
        most = find("Max")(find("Pack")(shapes, axis=0), 0)
        rank = inputs[0].shape.rank
        at = find("Const")(value=np.arange(rank if rank is not None else 0), dtype=dtypes.int64) if rank is not None else find("Range")(
            np.int64(0), find("Cast")(find("Size")(shapes[0]), DstT=dtypes.int64), np.int64(1))  # fmt: skip
        wanted = axis % rank if rank else axis
        here = find("Equal")(at, np.int64(wanted))
        shapes = [find("SelectV2")(here, s, most) for s in shapes]
    indices, values, shape = reshaping.sparse_concat([s.indices for s in inputs], [s.values for s in inputs], shapes, concat_dim=axis, name=name)
    made = SparseTensor(indices, values, shape)
    known = [s.shape for s in inputs]
    if all(k.rank is not None for k in known) and not expand_nonconcat_dims:
        dims = list(known[0])
        lengths = [k[axis] for k in known]
        dims[axis] = None if None in lengths else sum(lengths)
        made._static = made._static.merge_with(TensorShape(dims))
    return made


@export(v1=("sparse.concat", "sparse_concat"))
def sparse_concat(
    axis: Any, sp_inputs: Any, name: str | None = None, expand_nonconcat_dim: bool = False, concat_dim: Any = None, expand_nonconcat_dims: Any = None
) -> SparseTensor:  # fmt: skip
    """`tf.sparse.concat` with the parameters of 1.x."""
    wide = expand_nonconcat_dim if expand_nonconcat_dims is None else expand_nonconcat_dims
    return sparse_concat_v2(axis if concat_dim is None else concat_dim, sp_inputs, wide, name)


# -- arithmetic --------------------------------------------------------------------------------------------------------
@export(v2=("sparse.add",))
def sparse_add_v2(a: Any, b: Any, threshold: Any = 0) -> Any:
    """a + b where at least one is sparse: sparse if both are, without elements below `threshold`; dense if one is dense."""
    if not any(is_sparse(x) for x in (a, b)):
        raise TypeError("At least one input should be SparseTensor; do you mean to use tf.add()?")
    if all(is_sparse(x) for x in (a, b)):
        a, b = as_sparse(a), as_sparse(b)
        real = a.values.dtype.real_dtype.base_dtype
        made = SparseTensor(*reshaping.sparse_add(*_parts(a), *_parts(b), door.convert(threshold, real)))
        return _with_static(made, a.shape.merge_with(b.shape))
    sparse, dense = (as_sparse(a), b) if is_sparse(a) else (as_sparse(b), a)
    return bodies.sparse_dense_add(*_parts(sparse), dense)


@export(v1=("sparse.add", "sparse_add"))
def sparse_add(a: Any, b: Any, threshold: Any = None, thresh: Any = None) -> Any:
    """`tf.sparse.add` with the parameters of 1.x."""
    chosen = thresh if threshold is None else threshold
    return sparse_add_v2(a, b, 0 if chosen is None else chosen)


@export("sparse.maximum", v1=("sparse_maximum",))
def sparse_maximum(sp_a: Any, sp_b: Any, name: str | None = None) -> SparseTensor:
    """The larger element of both at each place; an element that is not there is zero."""
    return _pairwise(reshaping.SPARSE_MAXIMUM, sp_a, sp_b, name, "SparseSparseMaximum")


@export("sparse.minimum", v1=("sparse_minimum",))
def sparse_minimum(sp_a: Any, sp_b: Any, name: str | None = None) -> SparseTensor:
    """The smaller element of both at each place; an element that is not there is zero."""
    return _pairwise(reshaping.SPARSE_MINIMUM, sp_a, sp_b, name, "SparseSparseMinimum")


def _pairwise(made: Any, sp_a: Any, sp_b: Any, name: str | None, scope: str) -> SparseTensor:
    a, b = as_sparse(sp_a), as_sparse(sp_b)
    with scoped(name, scope):
        indices, values = made(*_parts(a), *_parts(b))
        return SparseTensor(indices, values, a.dense_shape)


@export("sparse.softmax", v1=("sparse_softmax",))
def sparse_softmax(sp_input: Any, name: str | None = None) -> SparseTensor:
    """The softmax of each innermost row over the elements that are there."""
    s = as_sparse(sp_input)
    with scoped(name, "SparseSoftmax"):
        return _with_static(SparseTensor(s.indices, bodies.sparse_softmax(*_parts(s)), s.dense_shape), s.shape)


@export("sparse.sparse_dense_matmul", v1=("sparse.matmul", "sparse_tensor_dense_matmul"))
def sparse_tensor_dense_matmul(sp_a: Any, b: Any, adjoint_a: bool = False, adjoint_b: bool = False, name: str | None = None) -> Any:
    """The dense product of a sparse and a dense matrix, in either order."""
    if is_sparse(b):
        b = as_sparse(b)
        product = sparse_tensor_dense_matmul(b, sp_a, adjoint_a=not adjoint_b, adjoint_b=not adjoint_a, name=name)
        return bodies._adjoint(product)
    s = as_sparse(sp_a)
    with scoped(name, "SparseTensorDenseMatMul"):
        b = door.convert(b, s.dtype.base_dtype)
        return bodies.sparse_matmul(s.indices, s.values, s.dense_shape, b, adjoint_a=adjoint_a, adjoint_b=adjoint_b)


@export(v2=("sparse.map_values",))
def map_values(op: Any, *args: Any, **kwargs: Any) -> SparseTensor:
    """A SparseTensor whose values are `op` of the values of the SparseTensors among the arguments, which stand in the same places.

    >>> tf.sparse.map_values(tf.add, tf.SparseTensor([[1]], [5], [3]), 2).values.numpy().tolist()
    [7]
    """
    found: list[SparseTensor] = []

    def strip(value: Any) -> Any:
        if is_sparse(value):
            found.append(as_sparse(value))
            return found[-1].values
        return type(value)(strip(v) for v in value) if type(value) in (list, tuple) else value

    inner = [strip(a) for a in args]
    keywords = {k: strip(v) for k, v in kwargs.items()}
    if not found:
        raise ValueError("No SparseTensor in argument list of map_values")
    for other in found[1:]:
        for what, x, y in (("indices", found[0].indices, other.indices), ("dense_shape", found[0].dense_shape, other.dense_shape)):
            a, b = known_value(x), known_value(y)
            if x is not y and a is not None and b is not None and not np.array_equal(a, b):
                from penstock.base.errors import InvalidArgumentError

                raise InvalidArgumentError(None, None, f"the SparseTensors of map_values must have the same {what}: {a.tolist()} and {b.tolist()}")
    return found[0].with_values(op(*inner, **keywords))


# -- reductions --------------------------------------------------------------------------------------------------------
def _axes(s: SparseTensor, axis: Any) -> Any:
    if axis is not None:
        return find("Reshape")(door.convert(axis, dtypes.int32), [-1])
    rank = s.shape.rank
    return np.arange(rank, dtype=np.int32) if rank is not None else find("Range")(0, find("Size")(s.dense_shape), 1)


def _reduce(dense: Any, sparse: Any, s: Any, axis: Any, keepdims: Any, is_sparse_output: bool, name: str | None) -> Any:
    s = as_sparse(s)
    made = (sparse if is_sparse_output else dense)(*_parts(s), _axes(s, axis), keep_dims=bool(keepdims), name=name)
    return SparseTensor(*made) if is_sparse_output else made


def _reduction(label: str, dense: Any, sparse: Any, what: str) -> None:
    def v2(sp_input: Any, axis: Any = None, keepdims: Any = None, output_is_sparse: bool = False, name: str | None = None) -> Any:
        return _reduce(dense, sparse, sp_input, axis, keepdims, output_is_sparse, name)

    def v1(sp_input: Any, axis: Any = None, keepdims: Any = None, reduction_axes: Any = None, keep_dims: Any = None) -> Any:
        return _reduce(dense, sparse, sp_input, axis if reduction_axes is None else reduction_axes, keepdims if keep_dims is None else keep_dims, False, None)

    def v1_sparse(sp_input: Any, axis: Any = None, keepdims: Any = None, reduction_axes: Any = None, keep_dims: Any = None) -> Any:
        return _reduce(dense, sparse, sp_input, axis if reduction_axes is None else reduction_axes, keepdims if keep_dims is None else keep_dims, True, None)

    v2.__doc__ = f"The {what} of the elements along `axis` (by default all): a dense tensor, or a sparse one when asked for."
    v1.__doc__ = f"The {what} of the elements along `axis`, as a dense tensor."
    v1_sparse.__doc__ = f"The {what} of the elements along `axis`, as a SparseTensor."
    short = label.removeprefix("sparse_")
    for function, name, where in ((v2, f"{label}_v2", {"v2": (f"sparse.{short}",)}), (v1, label, {"v1": (f"sparse.{short}", label)}),
                                  (v1_sparse, f"{label}_sparse", {"v1": (f"sparse.{short}_sparse", f"{label}_sparse")})):  # fmt: skip
        function.__name__ = function.__qualname__ = name
        globals()[name] = function
        export(**where)(function)


_reduction("sparse_reduce_sum", bodies.SPARSE_REDUCE_SUM, bodies.SPARSE_REDUCE_SUM_SPARSE, "sum")
_reduction("sparse_reduce_max", bodies.SPARSE_REDUCE_MAX, bodies.SPARSE_REDUCE_MAX_SPARSE, "largest")
