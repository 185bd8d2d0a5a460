"""`tf.io.parse_example` and `tf.io.parse_single_example`."""

from typing import Any

import numpy as np

from penstock.base import dtypes
from penstock.base.export import Old, export
from penstock.ir import door, older_readers
from penstock.ir.convert import convert_to_tensor
from penstock.ir.op import find
from penstock.ir.scope import scoped
from penstock.ir.tensor import Tensor
from penstock.ops import ragged_indexing, ragged_spec  # noqa: F401 - slots of RaggedTensor
from penstock.ops.parsing import parse_example_v1, parse_example_v2, parse_single_example_op
from penstock.ops.parsing_features import EXAMPLE, FixedLenSequenceFeature, Plan, RaggedFeature, listed
from penstock.ops.ragged_tensor import RaggedTensor
from penstock.ops.sparse import sparse_merge_impl
from penstock.ops.sparse_tensor import SparseTensor


@export(v2=("io.parse_example",), v1=("io.parse_example", "parse_example"), old=Old("serialized, features, name=None, example_names=None"))
def parse_example(serialized: Any, features: Any, example_names: Any = None, name: str | None = None) -> dict[str, Any]:
    """A dict of tensors from a vector of serialised Examples (or one of them).

    serialized: string [n] or []; features: key -> FixedLenFeature, VarLenFeature, SparseFeature, RaggedFeature or
    FixedLenSequenceFeature; dense tensors are [n, *shape], sparse and ragged ones have n rows.

    >>> e = tf.train.Example(features=tf.train.Features(feature={"a": tf.train.Feature(int64_list=tf.train.Int64List(value=[7]))}))
    >>> tf.io.parse_example([e.SerializeToString()], {"a": tf.io.FixedLenFeature([], tf.int64)})["a"].numpy().tolist()
    [7]
    """
    if not features:
        raise ValueError(f"Argument `features` cannot be None or falsy. Got {features}")
    plan = Plan({k: _with_first(k, f) for k, f in features.items()}, EXAMPLE)
    with scoped(name, "ParseExample"):
        serialized = convert_to_tensor(serialized, dtypes.string, name="serialized")
        if plan.ragged and serialized.shape.rank is None:
            raise ValueError("serialized must have statically-known rank to parse ragged features.")
        keys = lambda found: np.array(list(found), object)
        names = np.zeros(0, object) if example_names is None else example_names
        older = older_readers.wanted() and door.current().is_graph and not plan.ragged and serialized.shape.rank != 0
        outs = _of_1_x(serialized, names, plan, name) if older else parse_example_v2(
            serialized, names, keys(plan.sparse), keys(plan.dense), keys(plan.ragged), plan.defaults(),
            num_sparse=len(plan.sparse), sparse_types=list(plan.sparse.values()), Tdense=[d for d, _, _ in plan.dense.values()],
            dense_shapes=[s for _, s, _ in plan.dense.values()], ragged_value_types=[v for v, _ in plan.ragged.values()],
            ragged_split_types=[s for _, s in plan.ragged.values()], name=name,
        )  # fmt: skip
    return _results(plan, outs, serialized.shape.rank == 0)


def _results(plan: Plan, outs: Any, one: bool) -> dict[str, Any]:
    found: dict[str, Any] = {k: SparseTensor(i, v, s) for k, i, v, s in zip(plan.sparse, *outs[:3])}
    found.update(zip(plan.dense, outs[3]))
    splits = dict(zip(plan.ragged, outs[5]))
    found.update((k, v if one else RaggedTensor.from_row_splits(v, splits[k], validate=False)) for k, v in zip(plan.ragged, outs[4]))
    return finish(plan, found, one)


def _of_1_x(serialized: Any, names: Any, plan: Plan, name: str | None) -> Any:
    """The op that TensorFlow 1.x has, for graphs that it is to read."""
    key = lambda k: np.array(k, object)
    outs = parse_example_v1(
        serialized, names, [key(k) for k in plan.sparse], [key(k) for k in plan.dense], plan.defaults(), sparse_types=list(plan.sparse.values()),
        Tdense=[d for d, _, _ in plan.dense.values()], dense_shapes=[s for _, s, _ in plan.dense.values()], name=name,
    )  # fmt: skip
    return (*outs, [], [])


def _with_first(key: str, feature: Any) -> Any:
    """A sequence feature with its unknown number of rows in front of its shape."""
    if not isinstance(feature, FixedLenSequenceFeature) or feature.shape is None:
        return feature
    if not feature.allow_missing:
        raise ValueError("Unsupported: FixedLenSequenceFeature requires allow_missing to be True.")
    return feature._replace(shape=[None, *(feature.shape if isinstance(feature.shape, (list, tuple)) else list(feature.shape))])


def finish(plan: Plan, found: dict[str, Any], one: bool) -> dict[str, Any]:
    """What was parsed, with the features that are made of several in place of their parts."""
    ragged = {k: f for k, f in plan.built.items() if isinstance(f, RaggedFeature)}
    sparse = {k: f for k, f in plan.built.items() if k not in ragged}
    made = {k: build_ragged(f, k, found, one) for k, f in ragged.items()}
    for key, f in sparse.items():
        ids = [found[i] for i in listed(f.index_key)]
        sizes = list(f.size) if isinstance(f.size, (list, tuple)) else [f.size]
        for size in sizes:
            if not isinstance(size, (int, np.integer, Tensor)):
                raise TypeError(f"vocab_size has to be a Tensor or Python int. Found {type(size)}")
        ids, sizes = (ids[0], sizes[0]) if isinstance(f.index_key, str) and not isinstance(f.size, (list, tuple)) else (ids, sizes)
        made[key] = sparse_merge_impl(ids, found[f.value_key], sizes, already_sorted=f.already_sorted)
    kept = {k: v for k, v in found.items() if k in plan.features and k not in made}
    return {**kept, **made}


def build_ragged(feature: Any, key: str, found: dict[str, Any], one: bool) -> Any:
    """A feature of values cut into pieces by its partitions, the innermost of which stands last."""
    value = found[key if feature.value_key is None else feature.value_key]
    dtype = feature.row_splits_dtype
    cast = lambda t: t if t.dtype.base_dtype is dtype else find("Cast")(t, DstT=dtype)
    number = lambda n: np.array(n, dtype.array_dtype)
    result = value if one else value.values
    outer = None if one else cast(value.row_splits)  # where each example's part of `result` begins
    check = feature.validate
    for part in reversed(feature.partitions):
        kind = type(part).__name__
        if kind == "UniformRowLength":
            result = _uniform(result, int(part.length), check)
            outer = None if one else find("FloorDiv")(outer, number(part.length))
            continue
        other = found[part.key]
        values = cast(other if one else other.values)
        ends = None if one else cast(other.row_splits)
        if kind == "RowLengths":
            result = RaggedTensor.from_row_lengths(result, values, validate=check)
        elif one:
            result = getattr(RaggedTensor, _MADE[kind])(result, values, validate=check)
        else:
            result, ends = _of_batch(kind, result, values, ends, outer, number, check)
        outer = ends
    return result if one else RaggedTensor.from_row_splits(result, outer, validate=check)


_MADE = {"RowSplits": "from_row_splits", "RowStarts": "from_row_starts", "RowLimits": "from_row_limits", "ValueRowIds": "from_value_rowids"}


def _uniform(values: Any, length: int, check: bool) -> Any:
    if isinstance(values, RaggedTensor):
        return RaggedTensor.from_uniform_row_length(values, length, validate=check)
    rest = find("StridedSlice")(find("Shape")(values), [1], [0], [1], end_mask=1)
    return find("Reshape")(values, find("ConcatV2")([np.array([-1, length], np.int32), rest], 0))


def _of_batch(kind: str, result: Any, values: Any, ends: Any, outer: Any, number: Any, check: bool) -> tuple[Any, Any]:
    """`result` cut by the partitions of all examples in a row: each example's own count from its first value."""
    counts = find("Sub")(_from(ends, 1), _to(ends))  # how many numbers each example's partition holds
    spread = lambda per_example: find("GatherV2")(per_example, _rows(counts, values), np.array(0, np.int32))
    firsts = _to(outer)
    if kind == "ValueRowIds":
        # one more than the greatest id of each example says how many rows it has
        n = find("Size")(counts, out_type=counts.dtype)
        most = find("UnsortedSegmentMax")(values, _rows(counts, values), n)
        rows = find("SelectV2")(find("Greater")(counts, number(0)), find("AddV2")(most, number(1)), find("ZerosLike")(counts))
        before = find("Cumsum")(rows, np.array(0, np.int32), exclusive=True)
        ids = find("AddV2")(values, spread(before))
        total = find("Sum")(rows, np.array([0], np.int32))
        splits = find("ConcatV2")([find("Reshape")(number(0), [1]), find("Cumsum")(rows, np.array(0, np.int32))], 0)
        return RaggedTensor.from_value_rowids(result, ids, total, validate=check), splits
    moved = find("AddV2")(values, spread(firsts))
    if kind == "RowStarts":
        return RaggedTensor.from_row_starts(result, moved, validate=check), ends
    if kind == "RowLimits":
        return RaggedTensor.from_row_limits(result, moved, validate=check), ends
    # row splits: all but the first of each example
    at = find("Range")(number(0), find("Size")(values, out_type=values.dtype), number(1))
    keep = find("NotEqual")(at, spread(_to(ends)))
    later = find("GatherV2")(moved, find("Squeeze")(find("Where")(keep), squeeze_dims=[-1]), np.array(0, np.int32))
    splits = find("ConcatV2")([find("Reshape")(number(0), [1]), later], 0)
    n = find("Size")(ends, out_type=ends.dtype)
    return RaggedTensor.from_row_splits(result, splits, validate=check), find("Sub")(ends, find("Range")(number(0), n, number(1)))


def _from(x: Any, n: int) -> Any:
    return find("StridedSlice")(x, [n], [0], [1], end_mask=1)


def _to(x: Any) -> Any:
    return find("StridedSlice")(x, [0], [-1], [1], begin_mask=1)


def _rows(counts: Any, values: Any) -> Any:
    """The example that each value belongs to."""
    ends = find("Cumsum")(counts, np.array(0, np.int32))
    at = find("Range")(np.array(0, counts.dtype.array_dtype), find("Size")(values, out_type=counts.dtype), np.array(1, counts.dtype.array_dtype))
    found = find("UpperBound")(find("ExpandDims")(ends, 0), find("ExpandDims")(at, 0), out_type=counts.dtype)
    return find("Squeeze")(found, squeeze_dims=[0])


@export(v2=("io.parse_single_example",))
def parse_single_example(serialized: Any, features: Any, example_names: Any = None, name: str | None = None) -> dict[str, Any]:
    """A dict of tensors from one serialised Example: dense tensors of `shape`, sparse ones with one index a value."""
    return _single(serialized, features, example_names, name)


def _single(serialized: Any, features: Any, example_names: Any, name: str | None) -> dict[str, Any]:
    if not features:
        raise ValueError("Invalid argument: features cannot be None.")
    with scoped(name, "ParseSingleExample"):
        serialized = convert_to_tensor(serialized, dtypes.string, name="serialized")
        if serialized.shape.rank is not None and serialized.shape.rank != 0:
            raise ValueError("Input serialized must be a scalar")
        if serialized.shape.rank is None:
            serialized = find("Reshape")(serialized, np.zeros(0, np.int32))
        plan = Plan({k: _with_first(k, f) for k, f in features.items()}, EXAMPLE)
        if older_readers.wanted() and door.current().is_graph and not plan.ragged and example_names is None:
            outs = parse_single_example_op(
                serialized, plan.defaults(), num_sparse=len(plan.sparse), sparse_keys=list(plan.sparse), sparse_types=list(plan.sparse.values()),
                dense_keys=list(plan.dense), dense_shapes=[s for _, s, _ in plan.dense.values()], Tdense=[d for d, _, _ in plan.dense.values()], name=name,
            )  # fmt: skip
            return _results(plan, (*outs, [], []), True)
        return parse_example(serialized, features, example_names, name)


@export(v1=("io.parse_single_example", "parse_single_example"))
def parse_single_example_v1(serialized: Any, features: Any, name: str | None = None, example_names: Any = None) -> dict[str, Any]:
    """`tf.io.parse_single_example` with the parameters of 1.x."""
    return _single(serialized, features, example_names, name)
