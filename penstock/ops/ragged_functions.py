"""Functions of `tf` and `tf.nn` on RaggedTensors: softmax, products, splits, partitions, lookups by coordinates, counts."""

from typing import Any

import numpy as np

from penstock.base import dtypes
from penstock.base.shape import axis_of
from penstock.ir import door
from penstock.ir.convert import convert_to_tensor
from penstock.ir.known import known_value
from penstock.ir.op import find
from penstock.ops import ragged
from penstock.ops.families import for_composites
from penstock.ops.ragged_tensor import RaggedTensor, is_ragged


def _for(*names: str) -> Any:
    def register(function: Any) -> Any:
        for n in names:
            for_composites[n] = function
        return function

    return register


def _rows(r: RaggedTensor) -> tuple[Any, Any]:
    """The row of each value, and how many rows there are, for the innermost ragged axis of one."""
    return r.value_rowids(), find("Cast")(r.nrows(), DstT=dtypes.int32)


@_for("softmax")
def softmax(logits: Any, axis: Any = None, name: Any = None) -> Any:
    """exp(x) / sum of exp over each row."""
    if not is_ragged(logits):
        return NotImplemented
    rank = logits.shape.rank
    axis = -1 if axis is None else int(axis)
    if rank is not None and axis_of(axis, rank) != rank - 1:
        raise ValueError(f"ragged softmax works along the last axis, got axis={axis}")
    if logits.ragged_rank > 1:
        return logits.with_values(softmax(logits.values, -1))
    flat = logits.flat_values
    if flat.shape.rank is None or flat.shape.rank > 1:
        return logits.with_flat_values(ragged.find_public("nn.softmax")(flat, -1))
    ids, count = _rows(logits)
    highest = find("UnsortedSegmentMax")(flat, ids, count)
    powers = find("Exp")(flat - find("GatherV2")(highest, ids, 0))
    return logits.with_flat_values(powers / find("GatherV2")(find("UnsortedSegmentSum")(powers, ids, count), ids, 0))


@_for("squeeze", "squeeze_v1")
def squeeze(input: Any, axis: Any = None, name: Any = None, squeeze_dims: Any = None) -> Any:  # noqa: A002
    """Without the given axes, which have length 1."""
    if not is_ragged(input):
        return NotImplemented
    axis = squeeze_dims if axis is None else axis
    if axis is None:
        raise ValueError("Ragged.squeeze must have an axis argument.")
    rank = input.shape.rank
    axes = sorted((axis_of(int(a), rank) for a in np.reshape(axis, -1)), reverse=True)
    made: Any = input
    for a in axes:
        made = _without(made, a)
    return made


def _without(x: Any, axis: int) -> Any:
    if not is_ragged(x):
        return find("Squeeze")(x, squeeze_dims=[axis])
    if axis > x.ragged_rank:
        return x.with_flat_values(find("Squeeze")(x.flat_values, squeeze_dims=[axis - x.ragged_rank]))
    if axis > 1:
        return x.with_values(_without(x.values, axis - 1))
    lengths = x.row_lengths() if axis == 1 else x.nrows()
    known = known_value(lengths)
    if known is not None and np.any(known != 1):
        find("Squeeze")(np.zeros(int(np.max(known)) or 2), squeeze_dims=[0])  # says that the axis is longer than 1
    return x.values


@_for("gather_nd", "gather_nd_v1")
def gather_nd(params: Any, indices: Any, *more: Any, **keywords: Any) -> Any:
    """The elements, or rows, at coordinates."""
    if not is_ragged(params) and not is_ragged(indices):
        return NotImplemented
    if is_ragged(indices):
        return indices.with_flat_values(gather_nd(params, indices.flat_values) if is_ragged(params) else find("GatherNd")(params, indices.flat_values))
    indices = convert_to_tensor(indices)
    depth = indices.shape.as_list()[-1] if indices.shape.rank else None
    if depth is None:
        raise ValueError("indices.shape[-1] must be statically known for a RaggedTensor")
    columns = [indices[..., i] for i in range(depth)]
    while len(columns) > 1 and is_ragged(params):
        starts = find("GatherV2")(params.row_splits, columns[0], 0)
        columns = [starts + find("Cast")(columns[1], DstT=starts.dtype), *columns[2:]]
        params = params.values
    if len(columns) == 1:
        return ragged.find_public("gather")(params, columns[0])
    same = [find("Cast")(c, DstT=dtypes.int64) for c in columns]
    return find("GatherNd")(params, find("Pack")(same, axis=same[0].shape.rank))


@_for("one_hot")
def one_hot(indices: Any, depth: Any, on_value: Any = None, off_value: Any = None, axis: Any = None, dtype: Any = None, name: Any = None) -> Any:
    """A new innermost axis with a 1 at each index."""
    if not is_ragged(indices):
        return NotImplemented
    inner = None if axis is None else int(axis)
    if inner is not None and inner >= 0:
        if inner <= indices.ragged_rank:
            raise ValueError("axis must be greater than indices.ragged_rank")
        inner -= indices.ragged_rank
    return indices.with_flat_values(ragged.find_public("one_hot")(indices.flat_values, depth, on_value, off_value, inner, dtype))


@_for("split")
def split(value: Any, num_or_size_splits: Any, axis: Any = 0, num: Any = None, name: Any = None) -> Any:
    """Parts along the first axis, or along an inner axis of fixed length."""
    if not is_ragged(value):
        return NotImplemented
    rank = value.shape.rank
    axis = axis_of(int(axis), rank) if rank is not None else int(axis)
    if axis > value.ragged_rank:
        parts = ragged.find_public("split")(value.flat_values, num_or_size_splits, axis - value.ragged_rank)
        return [value.with_flat_values(p) for p in parts]
    if axis:
        raise ValueError(f"Cannot split along ragged axis {axis} of {value.shape}: only the outermost axis and inner fixed axes")
    rows = value.nrows()
    total = known_value(rows)
    if isinstance(num_or_size_splits, int) or np.ndim(known_value(convert_to_tensor(num_or_size_splits))) == 0:
        n = int(num_or_size_splits)
        if total is not None and int(total) % n:
            find("Split")(0, np.zeros(int(total)), num_split=n)  # says that it cannot be cut evenly
        size = int(total) // n if total is not None else rows // n
        bounds = [(size * i, size * (i + 1)) for i in range(n)]
    else:
        sizes = known_value(convert_to_tensor(num_or_size_splits))
        if sizes is None:
            raise ValueError("split of a RaggedTensor needs sizes that are known")
        left = None if total is None else int(total) - int(sizes[sizes >= 0].sum())
        sizes = [left if s < 0 else int(s) for s in sizes]
        if total is not None and sum(sizes) != int(total):
            find("SplitV")(np.zeros(int(total)), np.array(sizes), 0, num_split=len(sizes))  # says that they do not add up
        ends = np.cumsum(sizes)
        bounds = [(int(e) - s, int(e)) for s, e in zip(sizes, ends)]
    return [value[a:b] for a, b in bounds]


@_for("dynamic_partition")
def dynamic_partition(data: Any, partitions: Any, num_partitions: int, name: Any = None) -> Any:
    """The rows (or, by ragged partitions, the values) of each part."""
    if not is_ragged(data) and not is_ragged(partitions):
        return NotImplemented
    if is_ragged(partitions):
        values = data.flat_values if is_ragged(data) else data
        if is_ragged(data):
            ragged._same_rows([data, partitions])
        return ragged.find_public("dynamic_partition")(values, partitions.flat_values, num_partitions)
    partitions = convert_to_tensor(partitions)
    mask = ragged.find_public("ragged.boolean_mask")
    return [mask(data, find("Equal")(partitions, door.convert(i, partitions.dtype))) for i in range(num_partitions)]


@_for("matmul")
def matmul(
    a: Any, b: Any, transpose_a: bool = False, transpose_b: bool = False, adjoint_a: bool = False, adjoint_b: bool = False,
    a_is_sparse: bool = False, b_is_sparse: bool = False, output_type: Any = None, grad_a: bool = False, grad_b: bool = False, name: Any = None,
) -> Any:  # fmt: skip
    """The product of each pair of matrices whose rows, or columns, differ in number."""
    if not is_ragged(a) and not is_ragged(b):
        return NotImplemented
    swap_a, swap_b = transpose_a or adjoint_a, transpose_b or adjoint_b
    wide = [x.to_tensor() if is_ragged(x) else convert_to_tensor(x) for x in (a, b)]
    if any(x.shape.rank != 3 for x in wide):
        raise ValueError(f"matmul of RaggedTensors takes operands of 3 axes, got {a.shape} and {b.shape}")
    plain = ragged.find_public("linalg.matmul")(wide[0], wide[1], transpose_a=transpose_a, transpose_b=transpose_b, adjoint_a=adjoint_a, adjoint_b=adjoint_b)
    rows, columns = _extent(a, 1 if not swap_a else 2), _extent(b, 2 if not swap_b else 1)
    if rows is None and columns is None:
        return plain
    batch = find("Shape")(plain, out_type=dtypes.int64)
    all_rows = rows if rows is not None else find("Fill")(batch[:1], batch[1])
    if columns is None:
        return RaggedTensor.from_tensor(plain, lengths=all_rows)
    return RaggedTensor.from_tensor(plain, lengths=[all_rows, ragged.find_public("repeat")(columns, all_rows)], ragged_rank=2)


def _extent(x: Any, axis: int) -> Any:
    """[batch]: the length of each matrix along an axis, None where it is the same for all."""
    if not is_ragged(x) or axis > x.ragged_rank:
        return None
    if axis == 1:
        return find("Cast")(x.row_lengths(), DstT=dtypes.int64)
    return find("Cast")(find("UnsortedSegmentMax")(x.values.row_lengths(), x.value_rowids(), find("Cast")(x.nrows(), DstT=dtypes.int32)), DstT=dtypes.int64)


@_for("dropout_v2", "dropout")
def dropout(x: Any, *args: Any, **kwargs: Any) -> Any:
    """Some elements as zeros."""
    if not is_ragged(x):
        return NotImplemented
    return x.with_flat_values(ragged.find_public("nn.dropout")(x.flat_values, *args, **kwargs))


@_for("safe_embedding_lookup_sparse_v2", "safe_embedding_lookup_sparse")
def safe_embedding_lookup_sparse(embedding_weights: Any, sparse_ids: Any, sparse_weights: Any = None, *args: Any, **kwargs: Any) -> Any:
    """The combined rows of ragged ids."""
    if not is_ragged(sparse_ids):
        return NotImplemented
    weights = sparse_weights.to_sparse() if is_ragged(sparse_weights) else sparse_weights
    return ragged.find_public("nn.safe_embedding_lookup_sparse")(embedding_weights, sparse_ids.to_sparse(), weights, *args, **kwargs)


@_for("bincount")
def bincount(arr: Any, weights: Any = None, minlength: Any = None, maxlength: Any = None, dtype: Any = dtypes.int32, name: Any = None,
             axis: Any = None, binary_output: bool = False) -> Any:  # fmt: skip
    """How often each number is there, in all or in each row."""
    if not is_ragged(arr):
        return NotImplemented
    count = ragged.find_public("math.bincount")
    flat, heavy = arr.flat_values, weights.flat_values if is_ragged(weights) else weights
    if axis is None or int(axis) == 0:
        return count(flat, heavy, minlength, maxlength, dtype, None, None, binary_output)
    if int(axis) != -1 and int(axis) != 1:
        raise ValueError(f"Unsupported value for argument axis={axis}. Only 0 and -1 are currently supported.")
    rows = find("Cast")(arr.nrows(), DstT=flat.dtype)
    width = find("Max")(find("ConcatV2")([flat, door.convert([-1], flat.dtype)], 0), [0]) + 1
    if minlength is not None:
        width = find("Maximum")(width, find("Cast")(convert_to_tensor(minlength), DstT=flat.dtype))
    if maxlength is not None:
        width = find("Minimum")(width, find("Cast")(convert_to_tensor(maxlength), DstT=flat.dtype))
    inside = find("Less")(flat, width)
    place = find("Cast")(arr.value_rowids(), DstT=flat.dtype) * width + flat
    keep = lambda x: None if x is None else find("GatherV2")(x, find("Reshape")(find("Where")(inside), [-1]), 0)
    total = find("Cast")(rows * width, DstT=dtypes.int32)
    made = count(keep(place), keep(heavy), total, total, dtype, None, None, binary_output)
    return find("Reshape")(made, find("Pack")([rows, width]))


def _as_dense(r: RaggedTensor, instead: Any) -> Any:
    return r.to_tensor(door.convert(np.array(instead).astype(r.dtype.as_numpy_dtype)))


@_for("cumsum")
def cumsum(x: Any, axis: Any = 0, exclusive: bool = False, reverse: bool = False, name: Any = None) -> Any:
    """Running sums along an axis."""
    if not is_ragged(x):
        return NotImplemented
    if x.ragged_rank != 1:
        raise ValueError(f"cumsum of a RaggedTensor takes one ragged axis, got {x.ragged_rank}")
    made = find("Cumsum")(_as_dense(x, 0), int(axis), exclusive=exclusive, reverse=reverse)
    return RaggedTensor.from_tensor(made, lengths=x.row_lengths())


def _segments(name: str, op: str, instead: Any) -> None:
    def function(data: Any, segment_ids: Any, num_segments: Any, name: Any = None) -> Any:  # noqa: ARG001
        if not is_ragged(data):
            return NotImplemented
        ids = convert_to_tensor(segment_ids)
        made = find(op)(_as_dense(data, instead(data.dtype)), ids, num_segments)
        lengths = find("Maximum")(find("UnsortedSegmentMax")(data.row_lengths(), ids, num_segments), door.convert(0, data.row_splits.dtype))
        return RaggedTensor.from_tensor(made, lengths=lengths)

    for_composites[name] = function


_segments("unsorted_segment_sum", "UnsortedSegmentSum", lambda t: 0)
_segments("unsorted_segment_prod", "UnsortedSegmentProd", lambda t: 1)
_segments("unsorted_segment_max", "UnsortedSegmentMax", lambda t: t.min)
_segments("unsorted_segment_min", "UnsortedSegmentMin", lambda t: t.max)


def _per_count(name: str, of_count: Any) -> None:
    def function(data: Any, segment_ids: Any, num_segments: Any, name: Any = None) -> Any:  # noqa: ARG001
        if not is_ragged(data):
            return NotImplemented
        total = for_composites["unsorted_segment_sum"](data, segment_ids, num_segments)
        ones = data.with_flat_values(find("OnesLike")(data.flat_values))
        count = for_composites["unsorted_segment_sum"](ones, segment_ids, num_segments)
        return total.with_flat_values(total.flat_values / of_count(count.flat_values))

    for_composites[name] = function


_per_count("unsorted_segment_mean", lambda n: n)
_per_count("unsorted_segment_sqrt_n", lambda n: find("Sqrt")(n))
