"""The ops and functions that parse SequenceExamples: a context, and lists of features that go step by step."""

from typing import Any

import numpy as np

from penstock.base import dtypes
from penstock.base.export import export
from penstock.ir.convert import convert_to_tensor
from penstock.ir.op import find, op
from penstock.ir.scope import scoped
from penstock.ops.parsing import _THREE, _dims, bad, empty_like, positions, splits_of, text_of
from penstock.ops.parsing_examples import finish
from penstock.ops.parsing_features import CONTEXT, LISTS, Plan
from penstock.ops.ragged_tensor import RaggedTensor
from penstock.ops.sparse_tensor import SparseTensor

_SHORT = {"float32": "float", "int64": "int64", "string": "string"}


class _Sequences:
    """The SequenceExamples of one call."""

    def __init__(self, serialized: np.ndarray, names: Any):
        from penstock.base import example_wire

        self.wire, self.one = example_wire, serialized.ndim == 0
        if serialized.ndim > 1:
            raise bad(f"Expected serialized to be a scalar or vector, got shape: {_dims(serialized.shape)}")
        self.names = np.asarray(names, object).reshape(-1)
        texts = serialized.reshape(-1).tolist()
        self.n = len(texts)
        try:
            self.contexts, self.lists = example_wire.read_sequences(texts)
        except example_wire.Malformed as e:
            raise bad(f"Invalid protocol message input, example id: {self.name(e.index)}") from None

    def name(self, index: int) -> str:
        return self.names[index].decode("utf-8", "replace") if index < self.names.size and self.names[index] else "<unknown>"

    def _column(self, raws: Any, dtype: Any, where: Any) -> Any:
        try:
            return self.wire.column(raws, dtype.name)
        except self.wire.Malformed as e:
            raise bad(f"Invalid protocol message input, example id: {self.name(where(e.index)[0])}") from None
        except self.wire.WrongKind as e:
            at, said = where(e.index)
            raise bad(f"Name: {self.name(at)}, {said}.  Data types don't match. Expected type: {_SHORT[dtype.name]}") from None

    def context(self, key: str, dtype: Any) -> Any:
        return self._column([get(key) for get in self.contexts], dtype, lambda i: (i, f"Context feature: {key}"))

    def context_dense(self, key: str, dtype: Any, shape: Any, default: np.ndarray) -> np.ndarray:
        values, counts = self.context(key, dtype)
        size = int(np.prod(shape, dtype=np.int64))
        lacks = counts < 0
        if default.size and default.size != size:
            raise bad(f"def_value[{key}].shape() == {_dims(default.shape)} is not compatible with the shape {_dims(shape)}")
        wrong = np.flatnonzero((counts != size) & ~lacks)
        if len(wrong) or (not default.size and (lacks.all() and size or not self.n)):
            found = int(counts[wrong[0]]) if len(wrong) else 0
            raise bad(f"Inconsistent max number of elements for feature {key}: expected {size}, but found {found}")
        if lacks.any():
            if not default.size and size:
                raise bad(f"Name: {self.name(int(np.argmax(lacks)))}, Context feature '{key}' is required but could not be found.")
            made = np.empty((self.n, size), dtype.array_dtype)
            made[~lacks] = values.reshape(-1, size)
            made[lacks] = default.reshape(-1)
            values = made
        made = values.reshape(self.n, *shape)
        return made[0] if self.one else made

    def context_sparse(self, key: str, dtype: Any) -> Any:
        values, counts = self.context(key, dtype)
        counts = np.maximum(counts, 0)
        columns = positions(counts)
        if self.one:
            return columns[:, None], values, np.array([len(values)], np.int64)
        return np.stack([np.repeat(np.arange(self.n), counts), columns], 1), values, np.array([self.n, counts.max() if self.n else 0], np.int64)

    def context_ragged(self, key: str, dtype: Any, split_type: Any) -> Any:
        values, counts = self.context(key, dtype)
        return values, np.zeros(0, split_type.array_dtype) if self.one else splits_of(counts, split_type)

    def feature_list(self, key: str, dtype: Any) -> Any:
        """(values, how many each step has, how many steps each example has (-1: no such list))."""
        found, lengths = [], np.full(self.n, -1, np.int64)
        for i, get in enumerate(self.lists):
            raw = get(key)
            if raw is not None:
                try:
                    here = self.wire.steps(raw, i)
                except self.wire.Malformed:
                    raise bad(f"Invalid protocol message input, example id: {self.name(i)}") from None
                lengths[i] = len(here)
                found.extend(here)

        def where(step: int) -> tuple[int, str]:
            ends = np.cumsum(np.maximum(lengths, 0))
            at = int(np.searchsorted(ends, step, "right"))
            return at, f"Feature list: {key}, Index: {step - (int(ends[at - 1]) if at else 0)}"

        values, counts = self._column(found, dtype, where)
        return values, counts, lengths

    def list_dense(self, key: str, dtype: Any, shape: Any, may_lack: bool) -> tuple[np.ndarray, np.ndarray]:
        """[n, longest, *shape] filled up with zeros, and the lengths [n]."""
        values, counts, lengths = self.feature_list(key, dtype)
        if not may_lack and (lengths < 0).any():
            raise bad(f"Name: {self.name(int(np.argmax(lengths < 0)))}, Feature list '{key}' is required but could not be found.  Did you mean to include it in "
                      "feature_list_dense_missing_assumed_empty or feature_list_dense_defaults?")  # fmt: skip
        lengths = np.maximum(lengths, 0)
        size = int(np.prod(shape, dtype=np.int64))
        wrong = np.flatnonzero(counts != size)
        if len(wrong):
            step, found = int(wrong[0]), int(max(counts[wrong[0]], 0))
            if not found:
                raise bad(f"Name: {self.name(int(np.searchsorted(np.cumsum(lengths), step, 'right')))}, Key: {key}, Index: {step}.  "
                          f"Number of values != expected.  values size: 0 but output shape: {_dims(shape)}")  # fmt: skip
            raise bad(f"Feature list '{key}' has an unexpected number of values.  Total values size: {len(values)} is not consistent with output shape: "
                      f"{_dims([None, *shape])}")  # fmt: skip
        longest = int(lengths.max()) if self.n else 0
        if self.one or len(counts) == self.n * longest:
            made = values.reshape(self.n, longest, *shape)
        else:
            made = empty_like(dtype, self.n * longest * size).reshape(self.n, longest, size)
            made[np.arange(longest) < lengths[:, None]] = values.reshape(-1, size)
            made = made.reshape(self.n, longest, *shape)
        return (made[0], lengths[0]) if self.one else (made, lengths)

    def list_sparse(self, key: str, dtype: Any) -> Any:
        values, counts, lengths = self.feature_list(key, dtype)
        counts, lengths = np.maximum(counts, 0), np.maximum(lengths, 0)
        step = np.repeat(positions(lengths), counts)
        columns = positions(counts)
        most = np.array([lengths.max() if self.n else 0, counts.max() if len(counts) else 0], np.int64)
        if self.one:
            return np.stack([step, columns], 1), values, most
        rows = np.repeat(np.repeat(np.arange(self.n), lengths), counts)
        return np.stack([rows, step, columns], 1), values, np.concatenate([[self.n], most]).astype(np.int64)

    def list_ragged(self, key: str, dtype: Any, split_type: Any) -> Any:
        values, counts, lengths = self.feature_list(key, dtype)
        outer = np.zeros(0, split_type.array_dtype) if self.one else splits_of(lengths, split_type)
        return values, splits_of(counts, split_type), outer


def _of(found: list[Any], n: int) -> list[list[Any]]:
    return [[f[i] for f in found] for i in range(n)]


def _parse(s: _Sequences, cs: Any, cst: Any, cd: Any, cdt: Any, cds: Any, cdd: Any, fs: Any, fst: Any, fd: Any, fdt: Any, fds: Any, lack: Any) -> tuple[Any, ...]:
    context = [s.context_dense(k, t, sh, d) for k, t, sh, d in zip(text_of(cd), cdt, cds, cdd)]
    dense = [s.list_dense(k, t, sh, m) for k, t, sh, m in zip(text_of(fd), fdt, fds, lack)]
    return (
        *_of([s.context_sparse(k, t) for k, t in zip(text_of(cs), cst)], 3), context,
        *_of([s.list_sparse(k, t) for k, t in zip(text_of(fs), fst)], 3), *_of(dense, 2),
    )  # fmt: skip


_TYPES = (
    f"Ncontext_sparse: int >= 0 = 0, Nfeature_list_dense: int >= 0 = 0, Nfeature_list_sparse: int >= 0 = 0, Tcontext_dense: list({_THREE}) >= 0 = [], "
    "context_dense_shapes: list(shape) >= 0 = [], "
)
_LIST_TYPES = (
    f"context_sparse_types: list({_THREE}) >= 0 = [], feature_list_dense_shapes: list(shape) >= 0 = [], feature_list_dense_types: list({_THREE}) >= 0 = [], "
)
_OUT = (
    "context_sparse_indices: Ncontext_sparse*int64, context_sparse_values: context_sparse_types, context_sparse_shapes: Ncontext_sparse*int64, "
    "context_dense_values: Tcontext_dense, "
)
_LIST_OUT = (
    "feature_list_sparse_indices: Nfeature_list_sparse*int64, feature_list_sparse_values: feature_list_sparse_types, "
    "feature_list_sparse_shapes: Nfeature_list_sparse*int64, feature_list_dense_values: feature_list_dense_types"
)


def _shapes(lead: Any, context_sparse: int, context_dense: Any, list_sparse: int, list_dense: Any) -> tuple[Any, ...]:
    rank = None if lead is None else 1 + len(lead)
    more = None if rank is None else rank + 1
    with_lead = lambda s, *extra: None if lead is None or s is None else (*lead, *extra, *s)
    return (
        [(None, rank)] * context_sparse, [(None,)] * context_sparse, [(rank,)] * context_sparse, [with_lead(s) for s in context_dense],
        [(None, more)] * list_sparse, [(None,)] * list_sparse, [(more,)] * list_sparse, [with_lead(s, None) for s in list_dense], [lead] * len(list_dense),
    )  # fmt: skip


_V2_KEYS = ("context_sparse_keys", "context_dense_keys", "context_ragged_keys", "feature_list_sparse_keys", "feature_list_dense_keys", "feature_list_ragged_keys")


@op(f"ParseSequenceExampleV2(serialized: string, debug_name: string, {', '.join(k + ': string' for k in _V2_KEYS)}, feature_list_dense_missing_assumed_empty: bool, "
    f"context_dense_defaults: Tcontext_dense, *, {_TYPES}context_ragged_split_types: list(index) >= 0 = [], context_ragged_value_types: list({_THREE}) >= 0 = [], "
    f"{_LIST_TYPES}feature_list_ragged_split_types: list(index) >= 0 = [], feature_list_ragged_value_types: list({_THREE}) >= 0 = [], "
    f"feature_list_sparse_types: list({_THREE}) >= 0 = []) -> ({_OUT}context_ragged_values: context_ragged_value_types, "
    f"context_ragged_row_splits: context_ragged_split_types, {_LIST_OUT}, feature_list_dense_lengths: Nfeature_list_dense*int64, "
    "feature_list_ragged_values: feature_list_ragged_value_types, feature_list_ragged_outer_splits: feature_list_ragged_split_types, "
    "feature_list_ragged_inner_splits: feature_list_ragged_split_types)", where="host")  # fmt: skip
def parse_sequence_example_v2(
    xp, serialized, debug_name, context_sparse_keys, context_dense_keys, context_ragged_keys, feature_list_sparse_keys, feature_list_dense_keys,
    feature_list_ragged_keys, feature_list_dense_missing_assumed_empty, context_dense_defaults, *, Tcontext_dense, context_dense_shapes,  # noqa: N803
    context_ragged_split_types, context_ragged_value_types, context_sparse_types, feature_list_dense_shapes, feature_list_dense_types,
    feature_list_ragged_split_types, feature_list_ragged_value_types, feature_list_sparse_types,
):  # fmt: skip
    """Context and feature lists of a vector of serialised SequenceExamples, or of one."""
    s = _Sequences(serialized, debug_name)
    found = _parse(s, context_sparse_keys, context_sparse_types, context_dense_keys, Tcontext_dense, context_dense_shapes, context_dense_defaults,
                   feature_list_sparse_keys, feature_list_sparse_types, feature_list_dense_keys, feature_list_dense_types, feature_list_dense_shapes,
                   feature_list_dense_missing_assumed_empty)  # fmt: skip
    context = _of([s.context_ragged(*a) for a in zip(text_of(context_ragged_keys), context_ragged_value_types, context_ragged_split_types)], 2)
    lists = _of([s.list_ragged(*a) for a in zip(text_of(feature_list_ragged_keys), feature_list_ragged_value_types, feature_list_ragged_split_types)], 3)
    return (*found[:4], *context, *found[4:], lists[0], lists[2], lists[1])


@parse_sequence_example_v2.shape
def _(serialized, *_, Ncontext_sparse, context_dense_shapes, Nfeature_list_sparse, feature_list_dense_shapes, context_ragged_value_types, feature_list_ragged_value_types):  # noqa: N803
    found = _shapes(serialized.shape, Ncontext_sparse, context_dense_shapes, Nfeature_list_sparse, feature_list_dense_shapes)
    lead, n, m = serialized.shape, len(context_ragged_value_types), len(feature_list_ragged_value_types)
    splits = (lead[0] + 1 if lead and lead[0] is not None else None,)
    return (*found[:4], [(None,)] * n, [splits] * n, *found[4:], [(None,)] * m, [splits] * m, [(None,)] * m)


_V1_KEYS = (
    "context_dense_keys: list(str) >= 0, context_sparse_keys: list(str) >= 0, feature_list_dense_keys: list(str) >= 0, "
    "feature_list_dense_missing_assumed_empty: list(str) >= 0, feature_list_sparse_keys: list(str) >= 0, "
)


@op("ParseSequenceExample(serialized: string, debug_name: string, context_dense_defaults: Tcontext_dense, *, Ncontext_dense: int >= 0 = 0, "
    f"{_V1_KEYS}{_TYPES}{_LIST_TYPES}feature_list_sparse_types: list({_THREE}) >= 0 = []) -> ({_OUT}{_LIST_OUT}, "
    "feature_list_dense_lengths: Nfeature_list_dense*int64)", where="host",
    shape=lambda serialized, *_, Ncontext_sparse, context_dense_shapes, Nfeature_list_sparse, feature_list_dense_shapes: _shapes(
        serialized.shape, Ncontext_sparse, context_dense_shapes, Nfeature_list_sparse, feature_list_dense_shapes))  # fmt: skip
def parse_sequence_example_op(
    xp, serialized, debug_name, context_dense_defaults, *, context_sparse_keys, context_dense_keys, feature_list_sparse_keys, feature_list_dense_keys,
    feature_list_dense_missing_assumed_empty, Tcontext_dense, context_dense_shapes, context_sparse_types, feature_list_dense_shapes,  # noqa: N803
    feature_list_dense_types, feature_list_sparse_types,
):  # fmt: skip
    """Context and feature lists of a vector of serialised SequenceExamples; the keys are attributes."""
    lack = [k in feature_list_dense_missing_assumed_empty for k in feature_list_dense_keys]
    return _parse(_Sequences(serialized, debug_name), context_sparse_keys, context_sparse_types, context_dense_keys, Tcontext_dense, context_dense_shapes,
                  context_dense_defaults, feature_list_sparse_keys, feature_list_sparse_types, feature_list_dense_keys, feature_list_dense_types,
                  feature_list_dense_shapes, lack)  # fmt: skip


@op("ParseSingleSequenceExample(serialized: string, feature_list_dense_missing_assumed_empty: string, context_sparse_keys: Ncontext_sparse*string, "
    "context_dense_keys: Ncontext_dense*string, feature_list_sparse_keys: Nfeature_list_sparse*string, feature_list_dense_keys: Nfeature_list_dense*string, "
    f"context_dense_defaults: Tcontext_dense, debug_name: string, *, Ncontext_dense: int >= 0 = 0, {_TYPES}{_LIST_TYPES}"
    f"feature_list_sparse_types: list({_THREE}) >= 0 = []) -> ({_OUT}{_LIST_OUT})", where="host",
    shape=lambda *_, Ncontext_sparse, context_dense_shapes, Nfeature_list_sparse, feature_list_dense_shapes: _shapes(
        (), Ncontext_sparse, context_dense_shapes, Nfeature_list_sparse, feature_list_dense_shapes)[:8])  # fmt: skip
def parse_single_sequence_example_op(
    xp, serialized, feature_list_dense_missing_assumed_empty, context_sparse_keys, context_dense_keys, feature_list_sparse_keys, feature_list_dense_keys,
    context_dense_defaults, debug_name, *, Tcontext_dense, context_dense_shapes, context_sparse_types, feature_list_dense_shapes,  # noqa: N803
    feature_list_dense_types, feature_list_sparse_types,
):  # fmt: skip
    """Context and feature lists of one serialised SequenceExample."""
    if serialized.ndim:
        raise bad(f"Expected serialized to be a scalar, got shape: {_dims(serialized.shape)}")
    absent = set(text_of(feature_list_dense_missing_assumed_empty))
    lack = [k in absent for k in text_of(feature_list_dense_keys)]
    return _parse(_Sequences(serialized, debug_name), context_sparse_keys, context_sparse_types, context_dense_keys, Tcontext_dense, context_dense_shapes,
                  context_dense_defaults, feature_list_sparse_keys, feature_list_sparse_types, feature_list_dense_keys, feature_list_dense_types,
                  feature_list_dense_shapes, lack)[:8]  # fmt: skip


for _one in (parse_sequence_example_v2, parse_sequence_example_op, parse_single_sequence_example_op):
    _one.no_grad()


def _parsed(serialized: Any, names: Any, context_features: Any, sequence_features: Any, one: bool) -> tuple[Any, Any, Any]:
    context, lists = Plan(context_features, CONTEXT), Plan(sequence_features, LISTS)
    for key, (_, _, default) in lists.dense.items():
        if default is not None:
            raise ValueError(f"Value feature_list.dense_defaults[{key}] must be None")
    with scoped(None, "ParseSequenceExample"):
        keys = lambda found: np.array(list(found), object)
        outs = parse_sequence_example_v2(
            serialized, np.zeros(0, object) if names is None else names, keys(context.sparse), keys(context.dense), keys(context.ragged), keys(lists.sparse),
            keys(lists.dense), keys(lists.ragged), np.array([k in lists.missing for k in lists.dense], bool), context.defaults(),
            Ncontext_sparse=len(context.sparse), Nfeature_list_dense=len(lists.dense), Nfeature_list_sparse=len(lists.sparse),
            Tcontext_dense=[d for d, _, _ in context.dense.values()], context_dense_shapes=[s for _, s, _ in context.dense.values()],
            context_sparse_types=list(context.sparse.values()), context_ragged_value_types=[v for v, _ in context.ragged.values()],
            context_ragged_split_types=[s for _, s in context.ragged.values()], feature_list_dense_types=[d for d, _, _ in lists.dense.values()],
            feature_list_dense_shapes=[s for _, s, _ in lists.dense.values()], feature_list_sparse_types=list(lists.sparse.values()),
            feature_list_ragged_value_types=[v for v, _ in lists.ragged.values()], feature_list_ragged_split_types=[s for _, s in lists.ragged.values()],
        )  # fmt: skip
    rows = lambda v, s: RaggedTensor.from_row_splits(v, s, validate=False)
    of_context: dict[str, Any] = {k: SparseTensor(*t) for k, *t in zip(context.sparse, *outs[:3])}
    of_context.update(zip(context.dense, outs[3]))
    of_context.update((k, v if one else rows(v, s)) for k, v, s in zip(context.ragged, outs[4], outs[5]))
    of_lists: dict[str, Any] = {k: SparseTensor(*t) for k, *t in zip(lists.sparse, *outs[6:9])}
    of_lists.update(zip(lists.dense, outs[9]))
    of_lists.update((k, rows(v, i) if one else rows(rows(v, i), o)) for k, v, o, i in zip(lists.ragged, *outs[11:14]))
    return finish(context, of_context, one), finish(lists, of_lists, one), dict(zip(lists.dense, outs[10]))


@export("io.parse_sequence_example")
def parse_sequence_example(
    serialized: Any, context_features: Any = None, sequence_features: Any = None, example_names: Any = None, name: str | None = None
) -> tuple[Any, Any, Any]:  # fmt: skip
    """(context, sequences, lengths): dicts of tensors from a vector of serialised SequenceExamples.

    Dense sequences are [n, longest, *shape], filled up with zeros; `lengths` holds how many steps each has.
    """
    if not (context_features or sequence_features):
        raise ValueError("Both `context_features` and `sequence_features` argument are None, but at least one should have values.")
    with scoped(name, "ParseSequenceExample"):
        serialized = convert_to_tensor(serialized, dtypes.string, name="serialized")
        return _parsed(serialized, example_names, context_features, sequence_features, False)


@export("io.parse_single_sequence_example", v1=("parse_single_sequence_example",))
def parse_single_sequence_example(
    serialized: Any, context_features: Any = None, sequence_features: Any = None, example_name: Any = None, name: str | None = None
) -> tuple[Any, Any]:  # fmt: skip
    """(context, sequences): dicts of tensors from one serialised SequenceExample; dense sequences are [steps, *shape]."""
    if not (context_features or sequence_features):
        raise ValueError("Both context_features and sequence_features are None, but at least one should have values.")
    with scoped(name, "ParseSingleSequenceExample"):
        serialized = convert_to_tensor(serialized, dtypes.string, name="serialized")
        if serialized.shape.rank is not None and serialized.shape.rank != 0:
            raise ValueError("Input serialized must be a scalar")
        if serialized.shape.rank is None:
            serialized = find("Reshape")(serialized, np.zeros(0, np.int32))
        context, lists, _ = _parsed(serialized, example_name, context_features, sequence_features, True)
        return context, lists
