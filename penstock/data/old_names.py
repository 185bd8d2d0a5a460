"""Dataset ops under their experimental names of 1.x, and those that only tell the runtime how to run."""

import functools
import re
import time
from typing import Any

import numpy as np

from penstock.base.errors import InvalidArgumentError
from penstock.data.ordering import ShardPipe, UnaryPipe, UnaryStream
from penstock.data.pipeline import UNKNOWN, Context, Pipe, Stream, scalar
from penstock.data.stage_op import PLAIN, stage
from penstock.ir.op import also, find, op

# -- the same stage under an older name --------------------------------------------------------------------------------
_SAME = """CSVDataset DatasetCardinality DatasetToTFRecord DenseToSparseBatchDataset DirectedInterleaveDataset GroupByReducerDataset
 GroupByWindowDataset IgnoreErrorsDataset MapAndBatchDataset MapDataset MatchingFilesDataset ParallelInterleaveDataset RandomDataset ScanDataset
 SlidingWindowDataset SqlDataset TakeWhileDataset UnbatchDataset UniqueDataset"""
_YOUNGER = {"metadata": "", "cardinality_options": "", "stop_on_empty_dataset": False, "use_default_device": True, "drop_remainder": True}

for _name in _SAME.split():
    _source = find(_name)
    _text = _source.sig.text.replace(f"{_name}(", f"Experimental{_name}(", 1)
    _gone = [a for a in _YOUNGER if a in _source.sig.attrs]
    for _attr in _gone:
        _text = re.sub(rf',? {_attr}: [^,)]*(?=[,)])', "", _text)
    _fixed = {a: _YOUNGER[a] for a in _gone if a in _source.takes}
    also(_text.replace("*,,", "*,").replace(", *) ->", ") ->").replace(", *,) ->", ") ->"), _source, __name__, body=functools.partial(_source.body, **_fixed) if _fixed else _source.body)


# -- stages that hand their elements on --------------------------------------------------------------------------------
def _through(name: str, inputs: str = "", attrs: str = PLAIN, old: str | None = None) -> None:
    """A stage without an effect on the elements, and its experimental form."""
    extra = [p.partition(":")[0].strip() for p in inputs.split(",") if p.strip()]

    def body(xp: Any, input_dataset: Pipe, *hints: Any) -> Pipe:
        assert len(hints) == len(extra)
        return UnaryPipe(input_dataset)

    body.__doc__, body.__qualname__, body.__module__ = "The elements as they are.", name, __name__
    for prefix, fields in (("", attrs), ("Experimental", old)):
        if fields is not None:
            made = stage(f"{prefix}{name}(input_dataset: variant{', ' + inputs if inputs else ''}, *, {fields}) -> handle: variant")(body)
            also(made.sig.text, made, __name__)


_through("AssertNextDataset", "transformations: string", old=PLAIN)
_through("AssertPrevDataset", "transformations: string")
_through("BytesProducedStatsDataset", "tag: string", old=PLAIN)
_through("LatencyStatsDataset", "tag: string", old=PLAIN)
_through("MaxIntraOpParallelismDataset", "max_intra_op_parallelism: int64", old=PLAIN)
_through("PrivateThreadPoolDataset", "num_threads: int64", old=PLAIN)
_through("NonSerializableDataset", old=PLAIN)
_through("ThreadPoolDataset", "thread_pool: resource", old=PLAIN)
_through("SetStatsAggregatorDataset", "stats_aggregator: resource, tag: string, counter_prefix: string", old=PLAIN)
_through("RewriteDataset", "rewrite_name: string")
_through("FinalizeDataset", attrs=f"has_captured_ref: bool = False, {PLAIN}")
_through("ModelDataset", attrs=f"algorithm: int = 0, cpu_budget: int = 0, {PLAIN}, ram_budget: int = 0")
_through("OptimizeDataset", "optimizations: string", f"optimization_configs: list(str) = [], {PLAIN}")
_through("OptimizeDatasetV2", "optimizations_enabled: string, optimizations_disabled: string, optimizations_default: string", f"optimization_configs: list(str) = [], {PLAIN}")


@op('ThreadPoolHandle(*, container: str = "", display_name: str, max_intra_op_parallelism: int = 1, num_threads: int, shared_name: str = "") -> handle: resource',
    effect="handle", shape=lambda: ())  # fmt: skip
def THREAD_POOL_HANDLE(xp, store, *, container, shared_name, num_threads, display_name):
    """The name of a pool of threads; the work runs on the threads of the pipeline."""
    if num_threads <= 0:
        raise InvalidArgumentError(None, None, "`num_threads` must be greater than zero.")
    return store.get("thread pool", container, shared_name, lambda: ("thread pool", display_name))


@op('StatsAggregatorHandle(*, container: str = "", shared_name: str = "") -> handle: resource', effect="handle", shape=lambda: ())
def STATS_AGGREGATOR_HANDLE(xp, store, *, container, shared_name):
    """What collects the statistics of pipelines."""
    return store.get("stats", container, shared_name, lambda: ("stats", shared_name))


@op("StatsAggregatorSummary(iterator: resource) -> summary: string", where="host", effect="io", shape=lambda iterator: ())
def STATS_AGGREGATOR_SUMMARY(xp, iterator):
    """The statistics so far as a Summary: there are none."""
    return np.array(b"", object)


@op("StatsAggregatorSetSummaryWriter(stats_aggregator: resource, summary: resource) -> ()", where="host", effect="io")
def STATS_AGGREGATOR_SET_SUMMARY_WRITER(xp, stats_aggregator, summary):
    """Say where the statistics are written to."""
    return ()


for _source in (THREAD_POOL_HANDLE, STATS_AGGREGATOR_HANDLE, STATS_AGGREGATOR_SUMMARY):
    also("Experimental" + _source.sig.text, _source, __name__)
also(STATS_AGGREGATOR_HANDLE.sig.text.replace("Handle(", "HandleV2("), STATS_AGGREGATOR_HANDLE, __name__)


# -- shards and batches ------------------------------------------------------------------------------------------------
@stage(f"AutoShardDataset(input_dataset: variant, num_workers: int64, index: int64, *, auto_shard_policy: int = 0, num_replicas: int = 0, {PLAIN}) -> handle: variant")
def AUTO_SHARD_DATASET(xp, input_dataset, num_workers, index, *, auto_shard_policy):
    """The share of one worker of many (policy -1: everything)."""
    workers, at = scalar(num_workers), scalar(index)
    if not 0 <= at < workers:
        raise InvalidArgumentError(None, None, f"index must be between 0 and {workers - 1}, but got {at}")
    return UnaryPipe(input_dataset) if workers == 1 or auto_shard_policy == -1 else ShardPipe(input_dataset, workers, at)


also("Experimental" + AUTO_SHARD_DATASET.sig.text.replace("num_replicas: int = 0, ", ""), AUTO_SHARD_DATASET, __name__)


class SplitStream(UnaryStream):
    """Each batch in `count` parts, sizes as even as they can be."""

    kept = ("waiting",)

    def __init__(self, inner: Stream, count: int):
        super().__init__(inner)
        self.count, self.waiting = count, []

    def next(self) -> Any:
        while not self.waiting:
            element = self.inner.next()
            if element is None:
                return None
            n = len(element[0])
            size = -(-n // self.count)
            self.waiting = [[c[at : at + size] for c in element] for at in range(0, n, size)] if n else [element]
        return self.waiting.pop(0)


class SplitPipe(UnaryPipe):
    """Each batch in as many parts as there are replicas."""

    get = Pipe.get

    def __init__(self, source: Pipe, count: int):
        if count < 1:
            raise InvalidArgumentError(None, None, "num_replicas must be greater than zero.")
        self.inputs, self.count = (source,), count

    def size(self) -> int:
        n = self.inputs[0].size()
        return n if n < 0 else UNKNOWN

    def stream(self, ctx: Context) -> Stream:
        return SplitStream(self.inputs[0].stream(ctx), self.count)


@stage(f"RebatchDataset(input_dataset: variant, num_replicas: int64, *, {PLAIN}, use_fallback: bool = True) -> handle: variant")
def REBATCH_DATASET(xp, input_dataset, num_replicas):
    """Each batch in as many parts as there are replicas."""
    return SplitPipe(input_dataset, scalar(num_replicas))


also("Experimental" + REBATCH_DATASET.sig.text, REBATCH_DATASET, __name__)


# -- the rest ----------------------------------------------------------------------------------------------------------
class SleepStream(UnaryStream):
    def __init__(self, inner: Stream, seconds: float):
        super().__init__(inner)
        self.seconds = seconds

    def next(self) -> Any:
        time.sleep(self.seconds)
        return self.inner.next()


class SleepPipe(UnaryPipe):
    """The elements, each after a pause."""

    get = Pipe.get

    def __init__(self, source: Pipe, seconds: float):
        self.inputs, self.seconds = (source,), seconds

    def stream(self, ctx: Context) -> Stream:
        return SleepStream(self.inputs[0].stream(ctx), self.seconds)


@stage(f"SleepDataset(input_dataset: variant, sleep_microseconds: int64, *, {PLAIN}) -> handle: variant")
def SLEEP_DATASET(xp, input_dataset, sleep_microseconds):
    """The elements, each after a pause of so many microseconds."""
    pause = scalar(sleep_microseconds)
    if not 0 <= pause <= 3_600_000_000:
        raise InvalidArgumentError(None, None, f"sleep_microseconds must be between 0 and an hour, got {pause}")
    return SleepPipe(input_dataset, pause / 1e6)


also("Experimental" + SLEEP_DATASET.sig.text, SLEEP_DATASET, __name__)


class LastTrueStream(UnaryStream):
    def next(self) -> Any:
        while (element := self.inner.next()) is not None:
            if bool(element[-1]):
                return element[:-1]
        return None


class LastTruePipe(UnaryPipe):
    """The elements whose last component is true, without it."""

    get = Pipe.get

    def size(self) -> int:
        n = self.inputs[0].size()
        return 0 if n == 0 else UNKNOWN

    def stream(self, ctx: Context) -> Stream:
        return LastTrueStream(self.inputs[0].stream(ctx))


@stage(f"FilterByLastComponentDataset(input_dataset: variant, *, {PLAIN}) -> output: variant")
def FILTER_BY_LAST_COMPONENT_DATASET(xp, input_dataset):
    """The elements whose last component is true, without it."""
    return LastTruePipe(input_dataset)


class SampleStream(UnaryStream):
    def __init__(self, inner: Stream, rate: float, seeds: tuple[int, int]):
        super().__init__(inner)
        self.rate = rate
        self.draws = np.random.default_rng([s & 2**63 - 1 for s in seeds] if any(seeds) else None)

    def next(self) -> Any:
        while (element := self.inner.next()) is not None:
            if self.draws.random() < self.rate:
                return element
        return None


class SamplePipe(LastTruePipe):
    """Each element with one probability."""

    def __init__(self, source: Pipe, rate: float, seeds: tuple[int, int]):
        self.inputs, self.rate, self.seeds = (source,), rate, seeds

    def stream(self, ctx: Context) -> Stream:
        return SampleStream(self.inputs[0].stream(ctx), self.rate, self.seeds)


@stage(f"SamplingDataset(input_dataset: variant, rate: float32, seed: int64, seed2: int64, *, {PLAIN}) -> handle: variant")
def SAMPLING_DATASET(xp, input_dataset, rate, seed, seed2):
    """Each element with probability `rate`."""
    return SamplePipe(input_dataset, float(scalar(rate)), (scalar(seed), scalar(seed2)))


def _first(xp: Any, input_datasets: Any) -> Pipe:
    """The first of datasets that hold the same elements."""
    sizes = {d.size() for d in input_datasets if d.size() >= 0}
    if len(sizes) > 1:
        raise InvalidArgumentError(None, None, f"Expected all datasets to have the same number of elements, got {sorted(sizes)}")
    return UnaryPipe(input_datasets[0])


_first.__module__ = __name__
for _prefix in ("", "Experimental"):
    _made = stage(f"{_prefix}ChooseFastestDataset(input_datasets: N*variant, *, N: int >= 2, num_experiments: int, {PLAIN}) -> handle: variant")(_first)
    also(_made.sig.text, _made, __name__)


class Wrapped:
    """A dataset inside another variant."""

    __slots__ = ("pipe",)

    def __init__(self, pipe: Any):
        self.pipe = pipe

    def signature(self) -> str:
        """What a plan may depend on."""
        return "wrapped dataset"


@op("WrapDatasetVariant(input_handle: variant) -> output_handle: variant", where="host", shape=lambda input_handle: ())
def WRAP_DATASET_VARIANT(xp, input_handle):
    """A dataset as a variant that may live on any device."""
    return Wrapped(input_handle[()] if isinstance(input_handle, np.ndarray) else input_handle)


@op("UnwrapDatasetVariant(input_handle: variant) -> output_handle: variant", where="host", shape=lambda input_handle: ())
def UNWRAP_DATASET_VARIANT(xp, input_handle):
    """The dataset that was wrapped."""
    value = input_handle[()] if isinstance(input_handle, np.ndarray) else input_handle
    if not isinstance(value, Wrapped):
        raise InvalidArgumentError(None, None, "The variant is not a wrapped dataset")
    return value.pipe


class WindowPipe(Pipe):
    """The rows of a window that was made before."""

    inputs: tuple[Pipe, ...] = ()

    def __init__(self, elements: list[Any]):
        self.elements = elements

    def size(self) -> int:
        return len(self.elements)

    def stream(self, ctx: Context) -> Stream:
        return ListStream(self.elements)


class ListStream(Stream):
    def __init__(self, elements: list[Any]):
        self.elements, self.at = elements, 0

    def next(self) -> Any:
        if self.at >= len(self.elements):
            return None
        self.at += 1
        return self.elements[self.at - 1]

    def save(self) -> Any:
        return self.at

    def restore(self, state: Any) -> None:
        self.at = state


@stage(f"WindowOp(inputs: Tinputs, *, Tinputs: list(type) >= 1, {PLAIN}) -> handle: variant")
def WINDOW_OP(xp, inputs):
    """A dataset of one element: the components."""
    return WindowPipe([[np.asarray(c) for c in inputs]])


# -- elements as one variant -------------------------------------------------------------------------------------------
class Packed:
    """The components of one element."""

    __slots__ = ("parts",)

    def __init__(self, parts: list[Any]):
        self.parts = parts

    def signature(self) -> str:
        """What a plan may depend on."""
        return "packed element"


@op("CompressElement(components: input_types, *, input_types: list(type) >= 1) -> compressed: variant", where="host", shape=lambda components: ())
def COMPRESS_ELEMENT(xp, components):
    """The components of an element as one variant."""
    return Packed([np.asarray(c) for c in components])


@op("UncompressElement(compressed: variant, *, output_shapes: list(shape) >= 1, output_types: list(type) >= 1) -> components: output_types", where="host",
    shape=lambda compressed, *, output_shapes: list(output_shapes))  # fmt: skip
def UNCOMPRESS_ELEMENT(xp, compressed, *, output_types):
    """The components that were made one variant."""
    value = compressed[()] if isinstance(compressed, np.ndarray) else compressed
    if not isinstance(value, Packed):
        raise InvalidArgumentError(None, None, "Tensor does not contain a compressed element")
    if len(value.parts) != len(output_types):
        raise InvalidArgumentError(None, None, f"Number of outputs {len(output_types)} does not match the {len(value.parts)} components of the element")
    return list(value.parts)


@op("DummyIterationCounter() -> handle: resource", effect="handle", shape=lambda: ())
def DUMMY_ITERATION_COUNTER(xp, store):
    """A counter that nobody counts with."""
    return ("iteration counter",)


for _one in (WRAP_DATASET_VARIANT, UNWRAP_DATASET_VARIANT, COMPRESS_ELEMENT, UNCOMPRESS_ELEMENT, DUMMY_ITERATION_COUNTER):
    _one.no_grad()
