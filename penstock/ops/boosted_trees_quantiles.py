"""Weighted quantiles of numeric features in bounded memory: the boundaries of the buckets that boosted trees split at."""

import math
from typing import Any

import numpy as np

from penstock.base.errors import FailedPreconditionError, InvalidArgumentError
from penstock.ir.op import op

VALUE, WEIGHT, LOW, HIGH = range(4)
_EMPTY = np.zeros((0, 4), np.float32)


def summary_of(values: Any, weights: Any) -> Any:
    """[distinct, 4]: each value with its weight, and the least and the greatest rank that it may have."""
    kept = weights > 0
    order = np.argsort(values[kept], kind="stable")
    values, weights = values[kept][order], weights[kept][order]
    if not len(values):
        return _EMPTY
    starts = np.flatnonzero(np.concatenate([[True], values[1:] != values[:-1]]))
    own = np.add.reduceat(weights, starts).astype(np.float32)
    high = np.cumsum(own, dtype=np.float32)
    low = np.concatenate([np.zeros(1, np.float32), high[:-1]])
    return np.stack([values[starts], own, low, high], axis=1).astype(np.float32)


def merged(a: Any, b: Any) -> Any:
    """The summary of both together: an entry's ranks grow by what lies below it in the other one."""
    if not len(a) or not len(b):
        return b if not len(a) else a
    values = np.union1d(a[:, VALUE], b[:, VALUE])
    made = np.zeros((len(values), 4), np.float32)
    made[:, VALUE] = values
    for one in (a, b):
        after = np.searchsorted(one[:, VALUE], values, side="right")
        before = np.searchsorted(one[:, VALUE], values, side="left")
        held = after > before
        made[held, 1:] += one[before[held], 1:]
        other = ~held
        below, above = before[other] - 1, before[other]
        made[other, LOW] += np.where(below >= 0, one[below, LOW] + one[below, WEIGHT], np.float32(0))
        above_rank = one[np.minimum(above, len(one) - 1)]
        made[other, HIGH] += np.where(above < len(one), above_rank[:, HIGH] - above_rank[:, WEIGHT], one[-1, HIGH])
    return made


def compressed(summary: Any, size: int, least_error: float = 0.0) -> Any:
    """About `size` entries, the first and the last among them, such that neighbours are not too far apart in rank."""
    size, n = max(size, 2), len(summary)
    if n <= size:
        return summary
    allowed = float(summary[-1, HIGH]) * max(1.0 / size, least_error)
    next_low = (summary[:, LOW] + summary[:, WEIGHT]).tolist()
    previous_high = (summary[:, HIGH] - summary[:, WEIGHT]).tolist()
    kept, at, spent = [0], 0, 0
    while at + 1 < n:
        ahead = at + 1
        while ahead < n and spent < n and np.float32(previous_high[ahead] - next_low[at]) <= allowed:
            spent += size
            ahead += 1
        at = max(at + 1, ahead - 1)
        kept.append(at)
        spent -= n
    if kept[-1] != n - 1:
        kept.append(n - 1)
    return summary[kept]


def rank_error(summary: Any) -> float:
    """The greatest uncertainty of a rank, over the total weight."""
    if not len(summary):
        return 0.0
    gaps = [float(np.max(summary[:, HIGH] - summary[:, LOW] - summary[:, WEIGHT]))]
    if len(summary) > 1:
        next_low = summary[:-1, LOW] + summary[:-1, WEIGHT]
        gaps.append(float(np.max(summary[1:, HIGH] - summary[1:, WEIGHT] - next_low)))
    return max(gaps) / float(summary[-1, HIGH])


def boundaries_of(summary: Any, count: int) -> Any:
    """About `count` values that cut the weight into even parts."""
    return compressed(summary, count, rank_error(summary) + 1.0 / count)[:, VALUE]


def quantiles_of(summary: Any, count: int) -> Any:
    """The values at the ranks 0, 1/count, ... 1."""
    if not len(summary):
        return np.zeros(0, np.float32)
    n, total = len(summary), float(summary[-1, HIGH])
    middle = (summary[:, LOW].astype(np.float64) + summary[:, HIGH]).tolist()
    found, at = [], 0
    for k in range(count + 1):
        twice = 2 * (k * total / count)
        while at + 1 < n and twice >= middle[at + 1]:
            at += 1
        if at + 1 < n and twice >= float(summary[at, LOW] + summary[at, WEIGHT]) + float(summary[at + 1, HIGH] - summary[at + 1, WEIGHT]):
            found.append(summary[at + 1, VALUE])
        else:
            found.append(summary[at, VALUE])
    return np.array(found, np.float32)


class Stream:
    """Values or summaries come in, levels of ever longer summaries are kept."""

    def __init__(self, epsilon: float, max_elements: int):
        self.epsilon = epsilon
        level, self.block = 1, 2
        if epsilon <= 0:
            self.block = max(max_elements, 2)
        else:
            while (1 << level) * self.block < max_elements:
                self.block = math.ceil(level / epsilon) + 1
                level += 1
        self.room = min(self.block * 2, max(max_elements, 1))
        self.levels: list[Any] = []

    def push(self, summary: Any) -> None:
        """Take a summary in: two of one level make one of the next."""
        summary = compressed(summary, self.block, self.epsilon)
        if not len(summary):
            return
        for level, held in enumerate(self.levels):
            if not len(held):
                self.levels[level] = summary
                return
            summary = compressed(merged(summary, held), self.block, self.epsilon)
            self.levels[level] = _EMPTY
        self.levels.append(summary)

    def push_values(self, values: Any, weights: Any) -> None:
        kept = weights > 0
        values, weights = values[kept], weights[kept]
        for start in range(0, len(values), self.room):
            self.push(summary_of(values[start : start + self.room], weights[start : start + self.room]))

    def summary(self) -> Any:
        """The summary of all that came in."""
        made = _EMPTY
        for held in self.levels:
            made = merged(made, held)
        return made


class Streams:
    """A stream for each feature, and the boundaries that were made of them."""

    def __init__(self) -> None:
        self.ready = False
        self.streams: list[Stream] = []
        self.boundaries: list[Any] = []

    def create(self, epsilon: float, max_elements: int, count: int) -> None:
        self.epsilon, self.max_elements, self.ready = epsilon, max_elements, True
        self.streams = [Stream(epsilon, max_elements) for _ in range(count)]
        self.boundaries = [np.zeros(0, np.float32) for _ in range(count)]

    def restore(self, boundaries: list[Any]) -> None:
        if not self.ready:
            self.create(0.01, 1 << 40, len(boundaries))
        self.boundaries = [np.array(b, np.float32) for b in boundaries]


@op('BoostedTreesQuantileStreamResourceHandleOp(*, container: str = "", shared_name: str = "") -> resource: resource', effect="handle", shape=lambda **_: ())
def boosted_trees_quantile_stream_resource_handle_op(xp, store, *, container, shared_name):
    """Quantile streams."""
    return store.get("quantile_stream", container, shared_name, Streams)


@op("BoostedTreesCreateQuantileStreamResource(quantile_stream_resource_handle: resource, epsilon: float32, num_streams: int64, *, "
    "max_elements: int = 1099511627776) -> ()", where="host", effect="io")  # fmt: skip
def boosted_trees_create_quantile_stream_resource(xp, quantile_stream_resource_handle, epsilon, num_streams, *, max_elements):
    """Make a stream for each feature, unless there are some."""
    epsilon, count = float(epsilon), int(num_streams)
    if not 0 <= epsilon < 1:
        raise InvalidArgumentError(None, None, f"epsilon must be in [0, 1), got {epsilon}")
    if count < 0:
        raise InvalidArgumentError(None, None, f"Num_streams input cannot be a negative integer, got {count}")
    if not quantile_stream_resource_handle.ready:
        quantile_stream_resource_handle.create(epsilon, max_elements, count)
    return ()


@op("IsBoostedTreesQuantileStreamResourceInitialized(quantile_stream_resource_handle: resource) -> is_initialized: bool", where="host", effect="io",
    shape=lambda _: ())  # fmt: skip
def is_boosted_trees_quantile_stream_resource_initialized(xp, quantile_stream_resource_handle):
    """Were the streams made?"""
    return np.array(quantile_stream_resource_handle.ready)


def _ready(handle: Any) -> Streams:
    if not handle.ready:
        raise FailedPreconditionError(None, None, "The quantile streams were not created\n  fix: run their initializer first")
    return handle


@op("BoostedTreesMakeQuantileSummaries(float_values: num_features*float32, example_weights: float32, epsilon: float32, *, num_features: int >= 0) -> "
    "summaries: num_features*float32", where="host", shape=lambda *_, num_features: [(None, 4)] * num_features)  # fmt: skip
def boosted_trees_make_quantile_summaries(xp, float_values, example_weights, epsilon):
    """A summary [entries, 4] of each feature's values."""
    weights = np.asarray(example_weights, np.float32).reshape(-1)
    made = []
    for values in float_values:
        values = np.asarray(values).reshape(-1)
        if len(weights) not in (1, len(values)):
            raise InvalidArgumentError(None, None, f"Weights should have same dimension as feature values: {len(weights)} weights, {len(values)} values")
        stream = Stream(float(epsilon), max(len(values), 1))
        stream.push_values(values, np.broadcast_to(weights, values.shape) if len(weights) == 1 else weights)
        made.append(stream.summary())
    return made


@op("BoostedTreesQuantileStreamResourceAddSummaries(quantile_stream_resource_handle: resource, summaries: num_features*float32, *, num_features: int >= 0) -> ()",
    where="host", effect="io")  # fmt: skip
def boosted_trees_quantile_stream_resource_add_summaries(xp, quantile_stream_resource_handle, summaries):
    """Take a summary of each feature in."""
    streams = _ready(quantile_stream_resource_handle).streams
    if len(streams) != len(summaries):
        raise InvalidArgumentError(None, None, f"Expected {len(streams)} summaries, one a stream, got {len(summaries)}")
    for stream, summary in zip(streams, summaries):
        stream.push(np.asarray(summary))
    return ()


@op("BoostedTreesFlushQuantileSummaries(quantile_stream_resource_handle: resource, *, num_features: int >= 0) -> summaries: num_features*float32", where="host",
    effect="io", shape=lambda *_, num_features: [(None, 4)] * num_features)  # fmt: skip
def boosted_trees_flush_quantile_summaries(xp, quantile_stream_resource_handle):
    """The summary of each stream; the streams start anew."""
    held = _ready(quantile_stream_resource_handle)
    made = [stream.summary() for stream in held.streams]
    held.streams = [Stream(held.epsilon, held.max_elements) for _ in held.streams]
    return made


@op("BoostedTreesQuantileStreamResourceFlush(quantile_stream_resource_handle: resource, num_buckets: int64, *, generate_quantiles: bool = False) -> ()",
    where="host", effect="io")  # fmt: skip
def boosted_trees_quantile_stream_resource_flush(xp, quantile_stream_resource_handle, num_buckets, *, generate_quantiles):
    """Make the boundaries of so many buckets; the streams start anew."""
    held, count = _ready(quantile_stream_resource_handle), int(num_buckets)
    for i, stream in enumerate(held.streams):
        summary = stream.summary()
        found = quantiles_of(summary, count - 1) if generate_quantiles else boundaries_of(summary, count)
        held.boundaries[i] = found
    held.streams = [Stream(held.epsilon, held.max_elements) for _ in held.streams]
    return ()


@op("BoostedTreesQuantileStreamResourceGetBucketBoundaries(quantile_stream_resource_handle: resource, *, num_features: int >= 0) -> "
    "bucket_boundaries: num_features*float32", where="host", effect="io", shape=lambda *_, num_features: [(None,)] * num_features)  # fmt: skip
def boosted_trees_quantile_stream_resource_get_bucket_boundaries(xp, quantile_stream_resource_handle, *, num_features):
    """The boundaries of each feature."""
    held = _ready(quantile_stream_resource_handle)
    if len(held.boundaries) != num_features:
        raise InvalidArgumentError(None, None, f"There are {len(held.boundaries)} streams, not {num_features}")
    return list(held.boundaries)


@op("BoostedTreesQuantileStreamResourceDeserialize(quantile_stream_resource_handle: resource, bucket_boundaries: num_streams*float32, *, num_streams: int >= 1) -> ()",
    where="host", effect="io")  # fmt: skip
def boosted_trees_quantile_stream_resource_deserialize(xp, quantile_stream_resource_handle, bucket_boundaries):
    """Take boundaries over from a checkpoint."""
    quantile_stream_resource_handle.restore(bucket_boundaries)
    return ()


@op("BoostedTreesBucketize(float_values: num_features*float32, bucket_boundaries: num_features*float32, *, num_features: int >= 0) -> buckets: num_features*int32",
    where="host", shape=lambda values, boundaries, *, num_features: [(v.shape[0],) if v.shape else (None,) for v in values])  # fmt: skip
def boosted_trees_bucketize(xp, float_values, bucket_boundaries):
    """The bucket of each value: the first boundary that is not below it, or the last one."""
    made = []
    for values, edges in zip(float_values, bucket_boundaries):
        found = np.searchsorted(edges, np.asarray(values).reshape(-1), side="left")
        made.append(np.minimum(found, max(len(edges) - 1, 0)).astype(np.int32))
    return made
