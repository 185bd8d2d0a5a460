"""Stages of graphs that TensorFlow wrote which say how a pipeline runs, not what it gives."""

import time
from typing import Any

from penstock.data.batching import RebatchPipe
from penstock.data.ordering import OptionsPipe, UnaryPipe
from penstock.data.pipeline import UNKNOWN, Context, Pipe, Stream, scalar
from penstock.data.stage_op import PLAIN, stage


@stage(f"ModelDataset(input_dataset: variant, *, algorithm: int = 0, cpu_budget: int = 0, {PLAIN}, ram_budget: int = 0) -> handle: variant")
def MODEL_DATASET(xp, input_dataset):
    """The elements; the buffers of the pipeline may be tuned."""
    return input_dataset


@stage(f"FinalizeDataset(input_dataset: variant, *, has_captured_ref: bool = False, {PLAIN}) -> handle: variant")
def FINALIZE_DATASET(xp, input_dataset):
    """The elements; the pipeline is complete."""
    return input_dataset


@stage(f"NonSerializableDataset(input_dataset: variant, *, {PLAIN}) -> handle: variant")
def NON_SERIALIZABLE_DATASET(xp, input_dataset):
    """The elements; the pipeline is not to be written as a graph."""
    return input_dataset


@stage(f"RewriteDataset(input_dataset: variant, rewrite_name: string, *, {PLAIN}) -> handle: variant")
def REWRITE_DATASET(xp, input_dataset, rewrite_name):
    """The elements, of a pipeline that may be rewritten."""
    return input_dataset


@stage(f"OptimizeDataset(input_dataset: variant, optimizations: string, *, optimization_configs: list(str) = [], {PLAIN}) -> handle: variant")
def OPTIMIZE_DATASET(xp, input_dataset, optimizations):
    """The elements, of a pipeline that may be rewritten."""
    return input_dataset


@stage("OptimizeDatasetV2(input_dataset: variant, optimizations_enabled: string, optimizations_disabled: string, optimizations_default: string, *, "
       f"optimization_configs: list(str) = [], {PLAIN}) -> handle: variant")  # fmt: skip
def OPTIMIZE_DATASET_V2(xp, input_dataset, optimizations_enabled, optimizations_disabled, optimizations_default):
    """The elements, of a pipeline that may be rewritten."""
    return input_dataset


@stage(f"AssertNextDataset(input_dataset: variant, transformations: string, *, {PLAIN}) -> handle: variant")
def ASSERT_NEXT_DATASET(xp, input_dataset, transformations):
    """The elements; TensorFlow's own tests name the stages that are to follow."""
    return input_dataset


@stage(f"AssertPrevDataset(input_dataset: variant, transformations: string, *, {PLAIN}) -> handle: variant")
def ASSERT_PREV_DATASET(xp, input_dataset, transformations):
    """The elements; TensorFlow's own tests name the stages that went before."""
    return input_dataset


@stage(f"LatencyStatsDataset(input_dataset: variant, tag: string, *, {PLAIN}) -> handle: variant")
def LATENCY_STATS_DATASET(xp, input_dataset, tag):
    """The elements; how long they take may be recorded."""
    return input_dataset


@stage(f"BytesProducedStatsDataset(input_dataset: variant, tag: string, *, {PLAIN}) -> handle: variant")
def BYTES_PRODUCED_STATS_DATASET(xp, input_dataset, tag):
    """The elements; how large they are may be recorded."""
    return input_dataset


@stage(f"MaxIntraOpParallelismDataset(input_dataset: variant, max_intra_op_parallelism: int64, *, {PLAIN}) -> handle: variant")
def MAX_INTRA_OP_PARALLELISM_DATASET(xp, input_dataset, max_intra_op_parallelism):
    """The elements, with so many threads for an op."""
    return OptionsPipe(input_dataset, {"threading": {"max_intra_op_parallelism": scalar(max_intra_op_parallelism)}})


@stage(f"PrivateThreadPoolDataset(input_dataset: variant, num_threads: int64, *, {PLAIN}) -> handle: variant")
def PRIVATE_THREAD_POOL_DATASET(xp, input_dataset, num_threads):
    """The elements, with so many threads for the pipeline."""
    return OptionsPipe(input_dataset, {"threading": {"private_threadpool_size": scalar(num_threads)}})


class _SleepStream(Stream):
    def __init__(self, inner: Stream, seconds: float):
        self.inner, self.seconds = inner, seconds
        self.save, self.restore = inner.save, inner.restore

    def next(self) -> Any:
        time.sleep(self.seconds)
        return self.inner.next()


class SleepPipe(UnaryPipe):
    """The elements, each after a pause."""

    def __init__(self, source: Pipe, microseconds: int):
        self.inputs, self.seconds = (source,), microseconds / 1e6

    def stream(self, ctx: Context) -> Stream:
        return _SleepStream(self.inputs[0].stream(ctx), self.seconds)


@stage(f"SleepDataset(input_dataset: variant, sleep_microseconds: int64, *, {PLAIN}) -> handle: variant")
def SLEEP_DATASET(xp, input_dataset, sleep_microseconds):
    """The elements, each after a pause."""
    return SleepPipe(input_dataset, scalar(sleep_microseconds))


class _LastStream(Stream):
    def __init__(self, inner: Stream):
        self.inner = inner
        self.save, self.restore = inner.save, inner.restore

    def next(self) -> Any:
        while (element := self.inner.next()) is not None:
            if scalar(element[-1]):
                return element[:-1]
        return None


class LastComponentPipe(UnaryPipe):
    """The elements whose last component is true, without it."""

    def __init__(self, source: Pipe):
        self.inputs = (source,)

    def size(self) -> int:
        return UNKNOWN

    get = Pipe.get

    def stream(self, ctx: Context) -> Stream:
        return _LastStream(self.inputs[0].stream(ctx))


@stage(f"FilterByLastComponentDataset(input_dataset: variant, *, {PLAIN}) -> output: variant")
def FILTER_BY_LAST_COMPONENT_DATASET(xp, input_dataset):
    """The elements whose last component is true, without it."""
    return LastComponentPipe(input_dataset)


class _SplitStream(Stream):
    """Batches split into `parts` of nearly equal size."""

    def __init__(self, inner: Stream, parts: int):
        self.inner, self.parts, self.left = inner, parts, []

    def next(self) -> Any:
        if not self.left:
            element = self.inner.next()
            if element is None:
                return None
            n = len(element[0])
            size = -(-n // self.parts)
            self.left = [[c[i : i + size] for c in element] for i in range(0, size * self.parts, size)]
        return self.left.pop(0)

    def save(self) -> Any:
        return {"inner": self.inner.save(), "left": self.left}

    def restore(self, state: Any) -> None:
        self.inner.restore(state["inner"])
        self.left = list(state["left"])


class SplitPipe(RebatchPipe):
    """Each batch as one small batch for each replica."""

    def __init__(self, source: Pipe, parts: int):
        self.inputs, self.parts = (source,), parts

    def stream(self, ctx: Context) -> Stream:
        return _SplitStream(self.inputs[0].stream(ctx), self.parts)


@stage(f"RebatchDataset(input_dataset: variant, num_replicas: int64, *, {PLAIN}, use_fallback: bool = True) -> handle: variant")
def REBATCH_DATASET(xp, input_dataset, num_replicas):
    """Each batch as one small batch for each replica."""
    return SplitPipe(input_dataset, scalar(num_replicas))


@stage("WrapDatasetVariant(input_handle: variant) -> output_handle: variant")
def WRAP_DATASET_VARIANT(xp, input_handle):
    """The dataset, as it is."""
    return input_handle


@stage("UnwrapDatasetVariant(input_handle: variant) -> output_handle: variant")
def UNWRAP_DATASET_VARIANT(xp, input_handle):
    """The dataset, as it is."""
    return input_handle
