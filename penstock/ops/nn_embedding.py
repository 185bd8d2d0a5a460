"""Embedding lookups: rows of one table, or of a table stored in parts."""

from typing import Any

from penstock.base.export import export
from penstock.ir.convert import convert_to_tensor
from penstock.ir.scope import scoped
from penstock.ops.families import dispatched, later
from penstock.ops.sparse import sparse_fill_empty_rows, sparse_reshape, sparse_retain
from penstock.ops.sparse_tensor import SparseTensor

_Cast, _Reshape, _Shape, _GatherV2, _ConcatV2, _Range = map(
    later, ("Cast", "Reshape", "Shape", "GatherV2", "ConcatV2", "Range")
)
_Sum, _Select, _Sqrt, _ExpandDims = later("Sum"), later("SelectV2"), later("Sqrt"), later("ExpandDims")


def _rows(table: Any, ids: Any, name: Any = None) -> Any:
    """The rows of a table (a tensor or a variable)."""
    read = getattr(table, "sparse_read", None)
    if read is not None:
        return read(ids, name=name)
    return _GatherV2(table, ids, 0, name=name)


def _clipped(rows: Any, ids: Any, max_norm: Any) -> Any:
    """Each row scaled down to at most `max_norm`."""
    if max_norm is None:
        return rows
    known = ids._dims is not None and rows._dims is not None
    axes = list(range(len(ids._dims), len(rows._dims))) if known else _Range(later("Rank")(ids), later("Rank")(rows), 1)
    squares = _Sum(rows * rows, axes, keep_dims=True)
    positive = later("Greater")(squares, 0)
    safe = _Select(positive, squares, later("OnesLike")(squares))
    norm = _Select(positive, _Sqrt(safe), squares)
    return rows * max_norm / later("Maximum")(norm, convert_to_tensor(max_norm, dtype=rows.dtype.base_dtype))


def _parts(params: Any) -> list[Any]:
    """The parts of a table: a list of tensors or variables, a partitioned variable, or one of them."""
    if params is None:
        raise ValueError("params must be specified")
    if isinstance(params, (list, tuple)):
        if not params:
            raise ValueError("Length of params is currently 0. Need at least one param.")
        return list(params)
    if hasattr(params, "_variable_list") or type(params).__name__ == "PartitionedVariable":
        return list(params)
    return [params]


def _lookup(params: Any, ids: Any, strategy: str, name: Any, max_norm: Any) -> Any:
    tables = _parts(params)
    with scoped(name, "embedding_lookup") as scope:
        tables = [t if hasattr(t, "sparse_read") else convert_to_tensor(t, name="params") for t in tables]
        ids = convert_to_tensor(ids, name="ids")
        if len(tables) == 1:
            if max_norm is None:
                rows = _rows(tables[0], ids, scope or None)
                return later("Identity")(rows) if scope else rows
            return _clipped(_rows(tables[0], ids), ids, max_norm)
        flat = _Reshape(ids, [-1])
        part, row = _assigned(tables, flat, strategy)
        part = _Cast(part, DstT="int32")
        count = len(tables)
        split_rows = later("DynamicPartition")(row, part, num_partitions=count)
        split_places = later("DynamicPartition")(_Range(0, later("Size")(flat), 1), part, num_partitions=count)
        found = [_rows(t, r) for t, r in zip(tables, split_rows)]
        stitched = later("ParallelDynamicStitch")(list(split_places), found)
        element = tables[0].shape.as_list()[1:] if tables[0].shape.rank is not None else None
        if element is not None and None not in element and ids._dims is not None and None not in ids._dims:
            out = _Reshape(stitched, [*ids._dims, *element])
        else:
            tail = element if element is not None and None not in element else _Shape(convert_to_tensor(tables[0]))[1:]
            out = _Reshape(stitched, _ConcatV2([_Shape(ids), tail], 0))
        return _clipped(out, ids, max_norm)


def _assigned(tables: list[Any], ids: Any, strategy: str) -> tuple[Any, Any]:
    """Which part each id is in, and at which row of it."""
    count = len(tables)
    if strategy == "mod":
        return ids % count, ids // count
    if strategy != "div":
        raise ValueError(f"Unrecognized partition strategy: {strategy}. Must be one of either `mod` or `div`.")
    sizes = [t.shape.as_list()[0] if t.shape.rank else None for t in tables]
    if None not in sizes:
        total: Any = convert_to_tensor(sum(sizes), dtype=ids.dtype.base_dtype)
    else:
        total = later("AddN")([_Cast(_Shape(convert_to_tensor(t))[0], DstT=ids.dtype.base_dtype) for t in tables])
    each, more = total // count, total % count
    part = later("Maximum")(ids // (each + 1), (ids - more) // each)
    row = _Select(later("Less")(part, more), ids % (each + 1), (ids - more) % each)
    return part, row


@export(v2=("nn.embedding_lookup",))
@dispatched
def embedding_lookup_v2(params: Any, ids: Any, max_norm: Any = None, name: Any = None) -> Any:
    """The rows of `params` at `ids`; a list of tables is one table cut into runs of rows.

    >>> tf.nn.embedding_lookup(tf.constant([[1.0], [2.0]]), [1, 0]).numpy().ravel()
    array([2., 1.], dtype=float32)
    """
    return _lookup(params, ids, "div", name, max_norm)


@export(v1=("nn.embedding_lookup",))
@dispatched
def embedding_lookup(
    params: Any,
    ids: Any,
    partition_strategy: str = "mod",
    name: Any = None,
    validate_indices: bool = True,
    max_norm: Any = None,
) -> Any:
    """The rows of `params` at `ids`; `partition_strategy` says how a list of tables holds the rows: dealt out, or in runs."""
    return _lookup(params, ids, partition_strategy, name, max_norm)


def _lookup_sparse(
    params: Any, sp_ids: Any, sp_weights: Any, strategy: str, name: Any, combiner: Any, max_norm: Any
) -> Any:
    combiner = "mean" if combiner is None else combiner
    if combiner not in ("mean", "sqrtn", "sum"):
        raise ValueError(f"combiner must be one of 'mean', 'sqrtn' or 'sum', got {combiner}")
    for what, value in (("sp_ids", sp_ids), ("sp_weights", sp_weights)):
        if value is None and what == "sp_weights":
            continue
        if not (hasattr(value, "indices") and hasattr(value, "dense_shape") or hasattr(value, "value_rowids")):
            raise TypeError(f"{what} must be SparseTensor or RaggedTensor, got {type(value).__name__}")
    with scoped(name, "embedding_lookup_sparse"):
        ragged = hasattr(sp_ids, "value_rowids")
        rows = sp_ids.value_rowids() if ragged else sp_ids.indices[:, 0]
        rows = _Cast(rows, DstT="int32")
        ids = sp_ids.values
        found = _lookup(params, ids, strategy, None, max_norm)
        narrow = found.dtype.base_dtype.name in ("float16", "bfloat16")
        kept = found.dtype.base_dtype
        if narrow:
            found = _Cast(found, DstT="float32")
        if sp_weights is None:
            places = _Range(0, later("Size")(ids), 1)
            segment = later(
                {"sum": "SparseSegmentSum", "mean": "SparseSegmentMean", "sqrtn": "SparseSegmentSqrtN"}[combiner]
            )
            out = segment(found, places, rows)
        else:
            weights = _Cast(sp_weights.values, DstT=found.dtype.base_dtype)
            rank = len(found._dims) if found._dims is not None else 2
            column = _Reshape(weights, _ConcatV2([_Shape(weights), [1] * (rank - 1)], 0))
            column.set_shape([weights._dims[0] if weights._dims else None, *[1] * (rank - 1)])
            segment_sum = later("SegmentSum")
            total = segment_sum(found * column, rows)
            if combiner == "mean":
                out = later("DivNoNan")(total, segment_sum(column, rows))
            elif combiner == "sqrtn":
                out = later("DivNoNan")(total, _Sqrt(segment_sum(column * column, rows)))
            else:
                out = total
        return _Cast(out, DstT=kept) if narrow else out


@export(v2=("nn.embedding_lookup_sparse",))
def embedding_lookup_sparse_v2(
    params: Any,
    sp_ids: Any,
    sp_weights: Any,
    combiner: Any = None,
    max_norm: Any = None,
    name: Any = None,
    allow_fast_lookup: bool = False,
) -> Any:
    """For each row of the sparse `sp_ids`, its embeddings combined: their "sum", weighted "mean", or sum over the root of squared weights."""
    return _lookup_sparse(params, sp_ids, sp_weights, "div", name, combiner, max_norm)


@export(v1=("nn.embedding_lookup_sparse",))
def embedding_lookup_sparse(
    params: Any, sp_ids: Any, sp_weights: Any, partition_strategy: str = "mod", name: Any = None, combiner: Any = None,
    max_norm: Any = None, allow_fast_lookup: bool = False,
) -> Any:  # fmt: skip
    """For each row of the sparse `sp_ids`, its embeddings combined, with the parameters of 1.x."""
    return _lookup_sparse(params, sp_ids, sp_weights, partition_strategy, name, combiner, max_norm)


def _safe_lookup(
    table: Any, ids: Any, weights: Any, combiner: Any, default_id: Any, name: Any, strategy: str, max_norm: Any
) -> Any:
    if table is None:
        raise ValueError(f"Missing embedding_weights {table}.")
    parts = _parts(table)
    if not parts:
        raise ValueError(f"Missing embedding_weights {table}.")
    with scoped(name, "embedding_lookup"):
        dims = ids.dense_shape
        rank = ids.shape.rank if ids.shape.rank is not None else ids.dense_shape._dims[0]
        outer = dims[: rank - 1]
        ids = sparse_reshape(ids, later("Pack")([later("Prod")(outer, [0]), dims[rank - 1]]))
        if weights is not None:
            weights = SparseTensor(ids.indices, weights.values, ids.dense_shape)
        valid = later("GreaterEqual")(ids.values, 0)
        if weights is not None and combiner != "sum":
            valid = later("LogicalAnd")(valid, later("Greater")(weights.values, 0))
        ids, weights = sparse_retain(ids, valid), None if weights is None else sparse_retain(weights, valid)
        ids, empty = sparse_fill_empty_rows(ids, default_id or 0)
        if weights is not None:
            weights, _ = sparse_fill_empty_rows(weights, 1.0)
        found = _lookup_sparse(table, ids, weights, strategy, None, combiner, max_norm)
        if default_id is None:
            rows = _Reshape(empty, _ConcatV2([[-1], later("OnesLike")(_Shape(found)[1:])], 0))
            found = _Select(rows, later("ZerosLike")(found), found)
        return _Reshape(found, _ConcatV2([_Cast(outer, DstT="int32"), _Shape(found)[1:]], 0))


@export(v2=("nn.safe_embedding_lookup_sparse",))
@dispatched
def safe_embedding_lookup_sparse_v2(
    embedding_weights: Any, sparse_ids: Any, sparse_weights: Any = None, combiner: Any = "mean", default_id: Any = None,
    max_norm: Any = None, name: Any = None, allow_fast_lookup: bool = False,
) -> Any:  # fmt: skip
    """embedding_lookup_sparse that leaves out bad ids and weights; empty rows are those of `default_id`, or zeros."""
    return _safe_lookup(embedding_weights, sparse_ids, sparse_weights, combiner, default_id, name, "div", max_norm)


@export(v1=("nn.safe_embedding_lookup_sparse",))
@dispatched
def safe_embedding_lookup_sparse(
    embedding_weights: Any, sparse_ids: Any, sparse_weights: Any = None, combiner: Any = "mean", default_id: Any = None, name: Any = None,
    partition_strategy: str = "div", max_norm: Any = None, allow_fast_lookup: bool = False,
) -> Any:  # fmt: skip
    """embedding_lookup_sparse that leaves out bad ids and weights, with the parameters of 1.x."""
    return _safe_lookup(
        embedding_weights, sparse_ids, sparse_weights, combiner, default_id, name, partition_strategy, max_norm
    )
