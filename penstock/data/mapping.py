"""Stages that call a function for each element: map, filter, take_while, scan."""

from typing import Any

from penstock.base.errors import InvalidArgumentError, OutOfRangeError
from penstock.data.calls import Call
from penstock.data.parallel import ParallelMap
from penstock.data.pipeline import CORES, UNKNOWN, Context, Pipe, Stream, batched, scalar
from penstock.data.stage_op import TYPED, stage

_ARGS = "Targuments: list(type) >= 0"


class MapStream(Stream):
    def __init__(self, inner: Stream, call: Call):
        self.inner, self.call = inner, call

    def next(self) -> Any:
        element = self.inner.next()
        if element is None:
            return None
        try:
            return self.call(element)
        except OutOfRangeError as e:
            raise _not_the_end(e) from e.__cause__

    def skip(self, count: int) -> int:
        return super().skip(count)

    def save(self) -> Any:
        return self.inner.save()

    def restore(self, state: Any) -> None:
        self.inner.restore(state)


def _not_the_end(error: OutOfRangeError) -> Exception:
    """An OutOfRangeError of a user's function is no end of the dataset."""
    return InvalidArgumentError(None, error.op, "Function invocation produced OutOfRangeError: " + error.message)


class MapPipe(Pipe):
    """A function of each element."""

    def __init__(self, source: Pipe, graph: Any, captured: Any, parallel: int = 0, deterministic: str = "true", preserve: bool = True):
        self.inputs, self.graph, self.captured = (source,), graph, captured
        self.parallel, self.deterministic, self.preserve = parallel, deterministic, preserve

    def size(self) -> int:
        return self.inputs[0].size()

    def get(self, index: int, ctx: Context) -> Any:
        return Call(self.graph, self.captured, ctx)(self.inputs[0].get(index, ctx))

    def stream(self, ctx: Context) -> Stream:
        inner = self.inputs[0].stream(ctx)
        call = Call(self.graph, self.captured, ctx)
        if self.parallel and (self.parallel > 1 or self.parallel < 0):
            return ParallelMap(inner, call, self.parallel if self.parallel > 0 else CORES, ctx)
        return MapStream(inner, call)


@stage(f"MapDataset(input_dataset: variant, other_arguments: Targuments, *, {_ARGS}, f: func, force_synchronous: bool = False, {TYPED}, "
       "preserve_cardinality: bool = False, use_inter_op_parallelism: bool = True) -> handle: variant")  # fmt: skip
def MAP_DATASET(xp, input_dataset, other_arguments, *, f, preserve_cardinality):
    """What a function gives for each element."""
    return MapPipe(input_dataset, f, other_arguments, preserve=preserve_cardinality)


@stage(f"ParallelMapDataset(input_dataset: variant, other_arguments: Targuments, num_parallel_calls: int32, *, {_ARGS}, f: func, {TYPED}, "
       "preserve_cardinality: bool = False, sloppy: bool = False, use_inter_op_parallelism: bool = True) -> handle: variant")  # fmt: skip
def PARALLEL_MAP_DATASET(xp, input_dataset, other_arguments, num_parallel_calls, *, f, preserve_cardinality):
    """What a function gives for each element, several at a time."""
    return MapPipe(input_dataset, f, other_arguments, _threads(num_parallel_calls), preserve=preserve_cardinality)


@stage(f'ParallelMapDatasetV2(input_dataset: variant, other_arguments: Targuments, num_parallel_calls: int64, *, {_ARGS}, deterministic: str = "default", '
       f"f: func, {TYPED}, preserve_cardinality: bool = False, use_inter_op_parallelism: bool = True, use_unbounded_threadpool: bool = False) "
       "-> handle: variant")  # fmt: skip
def PARALLEL_MAP_DATASET_V2(xp, input_dataset, other_arguments, num_parallel_calls, *, f, deterministic, preserve_cardinality):
    """What a function gives for each element, several at a time."""
    return MapPipe(input_dataset, f, other_arguments, _threads(num_parallel_calls), deterministic, preserve_cardinality)


def _threads(value: Any) -> int:
    n = scalar(value)
    if n < -1 or n == 0:
        raise InvalidArgumentError(None, None, f"`num_parallel_calls` must be greater than zero, but is {n}.")
    return n


class MapAndBatchStream(Stream):
    def __init__(self, inner: Stream, size: int, drop: bool):
        self.inner, self.size, self.drop = inner, size, drop

    def next(self) -> Any:
        rows = []
        while len(rows) < self.size:
            element = self.inner.next()
            if element is None:
                break
            rows.append(element)
        if not rows or (self.drop and len(rows) < self.size):
            return None
        return batched(rows)

    def save(self) -> Any:
        return self.inner.save()

    def restore(self, state: Any) -> None:
        self.inner.restore(state)


class MapAndBatchPipe(MapPipe):
    """A function of each element, and batches of the results."""

    def __init__(self, source: Pipe, graph: Any, captured: Any, size: int, parallel: int, drop: bool):
        super().__init__(source, graph, captured, parallel)
        if size <= 0:
            raise InvalidArgumentError(None, None, "batch_size must be greater than zero.")
        self.batch, self.drop = size, drop

    def size(self) -> int:
        n = self.inputs[0].size()
        return n if n < 0 else n // self.batch if self.drop else -(-n // self.batch)

    def stream(self, ctx: Context) -> Stream:
        return MapAndBatchStream(super().stream(ctx), self.batch, self.drop)

    def get(self, index: int, ctx: Context) -> Any:
        return Pipe.get(self, index, ctx)


@stage(f"MapAndBatchDataset(input_dataset: variant, other_arguments: Targuments, batch_size: int64, num_parallel_calls: int64, drop_remainder: bool, *, {_ARGS}, "
       f"f: func, {TYPED}, preserve_cardinality: bool = False) -> handle: variant")  # fmt: skip
def MAP_AND_BATCH_DATASET(xp, input_dataset, other_arguments, batch_size, num_parallel_calls, drop_remainder, *, f):
    """Batches of what a function gives for each element."""
    return MapAndBatchPipe(input_dataset, f, other_arguments, scalar(batch_size), _threads(num_parallel_calls), scalar(drop_remainder))


# -- filter, take_while ------------------------------------------------------------------------------------------------
class FilterStream(MapStream):
    def next(self) -> Any:
        while True:
            element = self.inner.next()
            if element is None:
                return None
            kept = self.call(element)[0]
            if kept.ndim:
                raise InvalidArgumentError(None, None, f"Function `predicate` must return a scalar, but returned a tensor of shape {list(kept.shape)}")
            if kept:
                return element


class FilterPipe(Pipe):
    """The elements for which a function is true."""

    def __init__(self, source: Pipe, graph: Any, captured: Any):
        self.inputs, self.graph, self.captured = (source,), graph, captured

    def size(self) -> int:
        return UNKNOWN if self.inputs[0].size() != 0 else 0

    def stream(self, ctx: Context) -> Stream:
        return FilterStream(self.inputs[0].stream(ctx), Call(self.graph, self.captured, ctx))


@stage(f"FilterDataset(input_dataset: variant, other_arguments: Targuments, *, {_ARGS}, {TYPED}, predicate: func) -> handle: variant")
def FILTER_DATASET(xp, input_dataset, other_arguments, *, predicate):
    """The elements for which `predicate` is true."""
    return FilterPipe(input_dataset, predicate, other_arguments)


@stage(f'ParallelFilterDataset(input_dataset: variant, other_arguments: Targuments, num_parallel_calls: int64, *, {_ARGS}, deterministic: str = "default", '
       f"{TYPED}, predicate: func) -> handle: variant")  # fmt: skip
def PARALLEL_FILTER_DATASET(xp, input_dataset, other_arguments, num_parallel_calls, *, predicate):
    """The elements for which `predicate` is true."""
    return FilterPipe(input_dataset, predicate, other_arguments)


class TakeWhileStream(MapStream):
    done = False

    def next(self) -> Any:
        if self.done:
            return None
        element = self.inner.next()
        if element is None or not self.call(element)[0]:
            self.done = True
            return None
        return element

    def save(self) -> Any:
        return {"done": self.done, "inner": self.inner.save()}

    def restore(self, state: Any) -> None:
        self.done = state["done"]
        self.inner.restore(state["inner"])


class TakeWhilePipe(FilterPipe):
    """The elements before the first one for which a function is false."""

    def stream(self, ctx: Context) -> Stream:
        return TakeWhileStream(self.inputs[0].stream(ctx), Call(self.graph, self.captured, ctx))


@stage(f"TakeWhileDataset(input_dataset: variant, other_arguments: Targuments, *, {_ARGS}, {TYPED}, predicate: func) -> handle: variant")
def TAKE_WHILE_DATASET(xp, input_dataset, other_arguments, *, predicate):
    """The elements before the first for which `predicate` is false."""
    return TakeWhilePipe(input_dataset, predicate, other_arguments)


# -- scan --------------------------------------------------------------------------------------------------------------
class ScanStream(Stream):
    def __init__(self, inner: Stream, call: Call, state: Any):
        self.inner, self.call, self.state = inner, call, list(state)

    def next(self) -> Any:
        element = self.inner.next()
        if element is None:
            return None
        n = len(self.state)
        found = self.call([*self.state, *element])
        self.state = found[:n]
        return found[n:]

    def save(self) -> Any:
        return {"state": list(self.state), "inner": self.inner.save()}

    def restore(self, state: Any) -> None:
        self.state = list(state["state"])
        self.inner.restore(state["inner"])


class ScanPipe(Pipe):
    """A function of a state and each element."""

    def __init__(self, source: Pipe, initial: Any, graph: Any, captured: Any):
        self.inputs, self.initial, self.graph, self.captured = (source,), list(initial), graph, captured

    def size(self) -> int:
        return self.inputs[0].size()

    def stream(self, ctx: Context) -> Stream:
        return ScanStream(self.inputs[0].stream(ctx), Call(self.graph, self.captured, ctx), self.initial)


@stage(f"ScanDataset(input_dataset: variant, initial_state: Tstate, other_arguments: Targuments, *, {_ARGS}, Tstate: list(type) >= 1, f: func, {TYPED}, "
       "preserve_cardinality: bool = False, use_default_device: bool = True) -> handle: variant")  # fmt: skip
def SCAN_DATASET(xp, input_dataset, initial_state, other_arguments, *, f):
    """What a function gives for its last state and each element."""
    return ScanPipe(input_dataset, initial_state, f, other_arguments)


