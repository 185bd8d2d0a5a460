"""Stages that choose and order elements: shuffle, repeat, take, skip, shard, concatenate, zip, unique, options."""

import copy
from typing import Any

from penstock.base.errors import FailedPreconditionError, InvalidArgumentError, OpError
from penstock.data.options import options_from_bytes
from penstock.data.parallel import Prefetch
from penstock.data.pipeline import AUTOTUNE, INFINITE, UNKNOWN, Context, Pipe, Stream, check_index, scalar
from penstock.data.randomness import Words
from penstock.data.sources import SeedGenerator, settled_seeds
from penstock.data.stage_op import PLAIN, TYPED, stage
from penstock.ir import node_count


class UnaryStream(Stream):
    """A stream over one other whose own state is the attributes named in `kept`."""

    kept: tuple[str, ...] = ()

    def __init__(self, inner: Stream):
        self.inner = inner

    def save(self) -> Any:
        return {"inner": self.inner.save(), **{k: copy.copy(getattr(self, k)) for k in self.kept}}

    def restore(self, state: Any) -> None:
        self.inner.restore(state["inner"])
        for k in self.kept:
            setattr(self, k, copy.copy(state[k]))


class UnaryPipe(Pipe):
    """A stage over one other that has as many elements."""

    def __init__(self, source: Pipe):
        self.inputs = (source,)

    def size(self) -> int:
        return self.inputs[0].size()

    def stream(self, ctx: Context) -> Stream:
        return self.inputs[0].stream(ctx)

    def get(self, index: int, ctx: Context) -> Any:
        return self.inputs[0].get(index, ctx)


# -- repeat, take, skip, shard -----------------------------------------------------------------------------------------
class RepeatStream(Stream):
    def __init__(self, pipe: "RepeatPipe", ctx: Context):
        self.pipe, self.ctx, self.turn = pipe, ctx, 0
        self.inner: Any = pipe.inputs[0].stream(ctx) if pipe.count else None
        self.first = True

    def next(self) -> Any:
        while self.inner is not None:
            found = self.inner.next()
            if found is not None:
                self.first = False
                return found
            self.turn += 1
            if self.first and self.pipe.count < 0:
                self.inner = None  # an empty dataset without end would never come to one
                return None
            if 0 <= self.pipe.count <= self.turn:
                self.inner = None
                return None
            self.inner = self.pipe.inputs[0].stream(self.ctx)
            self.first = True
        return None

    def save(self) -> Any:
        return {"turn": self.turn, "first": self.first, "inner": None if self.inner is None else self.inner.save(), "over": self.inner is None}

    def restore(self, state: Any) -> None:
        self.turn, self.first = state["turn"], state["first"]
        if state["over"]:
            self.inner = None
        else:
            self.inner = self.pipe.inputs[0].stream(self.ctx)
            self.inner.restore(state["inner"])


class RepeatPipe(Pipe):
    """The elements several times over."""

    def __init__(self, source: Pipe, count: int):
        self.inputs, self.count = (source,), count

    def size(self) -> int:
        n = self.inputs[0].size()
        if self.count < 0:
            return 0 if n == 0 else INFINITE
        return 0 if self.count == 0 else n if n < 0 else n * self.count

    def get(self, index: int, ctx: Context) -> Any:
        check_index(self, index)
        n = self.inputs[0].size()
        return self.inputs[0].get(index % n if n > 0 else index, ctx)

    def stream(self, ctx: Context) -> Stream:
        return RepeatStream(self, ctx)


@stage(f"RepeatDataset(input_dataset: variant, count: int64, *, {TYPED}) -> handle: variant")
def REPEAT_DATASET(xp, input_dataset, count):
    """The elements `count` times; -1 for ever."""
    times = scalar(count)
    if node_count.enabled and times not in (0, 1) and type(input_dataset) is ShufflePipe and input_dataset.generator.reshuffle:
        from penstock.data.shuffle_and_repeat import ShuffleAndRepeatPipe  # it stands on this file

        # TensorFlow 1.x makes one stage of the two, whose order is another
        return ShuffleAndRepeatPipe(input_dataset.inputs[0], input_dataset.buffer, SeedGenerator(*input_dataset.generator.seeds, False), times)
    return RepeatPipe(input_dataset, times)


class TakeStream(UnaryStream):
    kept = ("left",)

    def __init__(self, inner: Stream, count: int):
        self.inner, self.left = inner, count

    def next(self) -> Any:
        if self.left <= 0:
            return None
        found = self.inner.next()
        if found is None:
            self.left = 0
            return None
        self.left -= 1
        return found


class TakePipe(UnaryPipe):
    """The first elements."""

    def __init__(self, source: Pipe, count: int):
        self.inputs, self.count = (source,), count

    def size(self) -> int:
        n = self.inputs[0].size()
        if self.count < 0:
            return n
        if n == INFINITE:
            return self.count
        return UNKNOWN if n == UNKNOWN and self.count else min(max(n, 0), self.count)

    def get(self, index: int, ctx: Context) -> Any:
        check_index(self, index)
        return self.inputs[0].get(index, ctx)

    def stream(self, ctx: Context) -> Stream:
        inner = self.inputs[0].stream(ctx)
        return inner if self.count < 0 else TakeStream(inner, self.count)


@stage(f"TakeDataset(input_dataset: variant, count: int64, *, {TYPED}) -> handle: variant")
def TAKE_DATASET(xp, input_dataset, count):
    """The first `count` elements; -1 takes all."""
    return TakePipe(input_dataset, scalar(count))


class SkipStream(UnaryStream):
    kept = ("skipped",)

    def __init__(self, inner: Stream, count: int):
        self.inner, self.count, self.skipped = inner, count, False

    def next(self) -> Any:
        if not self.skipped:
            self.skipped = True
            if self.inner.skip(self.count) < self.count:
                return None
        return self.inner.next()


class SkipPipe(UnaryPipe):
    """All but the first elements."""

    def __init__(self, source: Pipe, count: int):
        self.inputs, self.count = (source,), count

    def size(self) -> int:
        n = self.inputs[0].size()
        if self.count < 0:
            return 0
        return n if n < 0 else max(0, n - self.count)

    def get(self, index: int, ctx: Context) -> Any:
        check_index(self, index)
        return self.inputs[0].get(index + self.count, ctx)

    def stream(self, ctx: Context) -> Stream:
        if self.count < 0:
            return TakeStream(self.inputs[0].stream(ctx), 0)
        return SkipStream(self.inputs[0].stream(ctx), self.count)


@stage(f"SkipDataset(input_dataset: variant, count: int64, *, {TYPED}) -> handle: variant")
def SKIP_DATASET(xp, input_dataset, count):
    """All but the first `count` elements; -1 skips all."""
    return SkipPipe(input_dataset, scalar(count))


class ShardStream(UnaryStream):
    kept = ("begun",)

    def __init__(self, inner: Stream, pipe: "ShardPipe"):
        self.inner, self.pipe, self.begun = inner, pipe, False

    def next(self) -> Any:
        before = self.pipe.shards - 1 if self.begun else self.pipe.index
        self.begun = True
        if self.inner.skip(before) < before:
            return None
        return self.inner.next()


class ShardPipe(UnaryPipe):
    """Every n-th element."""

    def __init__(self, source: Pipe, shards: int, index: int):
        if shards < 1:
            raise InvalidArgumentError(None, None, f"Number of shards must be greater than zero (currently num_shards = {shards}).")
        if not 0 <= index < shards:
            raise InvalidArgumentError(None, None, f"Index must be between 0 and {shards - 1} (currently index = {index}).")
        self.inputs, self.shards, self.index = (source,), shards, index

    def size(self) -> int:
        n = self.inputs[0].size()
        return n if n < 0 else n // self.shards + (self.index < n % self.shards)

    def get(self, index: int, ctx: Context) -> Any:
        check_index(self, index)
        return self.inputs[0].get(index * self.shards + self.index, ctx)

    def stream(self, ctx: Context) -> Stream:
        return ShardStream(self.inputs[0].stream(ctx), self)


@stage(f"ShardDataset(input_dataset: variant, num_shards: int64, index: int64, *, {TYPED}, require_non_empty: bool = False) -> handle: variant")
def SHARD_DATASET(xp, input_dataset, num_shards, index):
    """Elements `index`, `index + num_shards`, ..."""
    return ShardPipe(input_dataset, scalar(num_shards), scalar(index))


# -- several inputs ----------------------------------------------------------------------------------------------------
class ConcatenateStream(Stream):
    def __init__(self, pipe: Pipe, ctx: Context):
        self.pipe, self.ctx, self.at = pipe, ctx, 0
        self.inner: Any = pipe.inputs[0].stream(ctx)

    def next(self) -> Any:
        while self.inner is not None:
            found = self.inner.next()
            if found is not None:
                return found
            self.at += 1
            self.inner = self.pipe.inputs[self.at].stream(self.ctx) if self.at < len(self.pipe.inputs) else None
        return None

    def save(self) -> Any:
        return {"at": self.at, "inner": None if self.inner is None else self.inner.save()}

    def restore(self, state: Any) -> None:
        self.at = state["at"]
        self.inner = self.pipe.inputs[self.at].stream(self.ctx) if self.at < len(self.pipe.inputs) else None
        if self.inner is not None:
            self.inner.restore(state["inner"])


class ConcatenatePipe(Pipe):
    """One dataset after the other."""

    def __init__(self, *inputs: Pipe):
        self.inputs = inputs

    def size(self) -> int:
        sizes = [p.size() for p in self.inputs]
        return INFINITE if INFINITE in sizes else UNKNOWN if UNKNOWN in sizes else sum(sizes)

    def get(self, index: int, ctx: Context) -> Any:
        check_index(self, index)
        n = self.inputs[0].size()
        return self.inputs[0].get(index, ctx) if index < n else self.inputs[1].get(index - n, ctx)

    def stream(self, ctx: Context) -> Stream:
        return ConcatenateStream(self, ctx)


@stage(f"ConcatenateDataset(input_dataset: variant, another_dataset: variant, *, {TYPED}) -> handle: variant")
def CONCATENATE_DATASET(xp, input_dataset, another_dataset):
    """One dataset after the other."""
    return ConcatenatePipe(input_dataset, another_dataset)


class ZipStream(Stream):
    def __init__(self, inners: list[Stream]):
        self.inners, self.over = inners, False

    def next(self) -> Any:
        if self.over:
            return None
        element: list[Any] = []
        for inner in self.inners:
            found = inner.next()
            if found is None:
                self.over = True
                return None
            element += found
        return element

    def save(self) -> Any:
        return {"inners": [i.save() for i in self.inners], "over": self.over}

    def restore(self, state: Any) -> None:
        self.over = state["over"]
        for inner, s in zip(self.inners, state["inners"]):
            inner.restore(s)


class ZipPipe(Pipe):
    """Elements of several datasets side by side."""

    def __init__(self, *inputs: Pipe):
        self.inputs = inputs

    def size(self) -> int:
        sizes = [p.size() for p in self.inputs]
        if UNKNOWN in sizes:
            return UNKNOWN
        finite = [s for s in sizes if s >= 0]
        return min(finite) if finite else INFINITE

    def get(self, index: int, ctx: Context) -> Any:
        check_index(self, index)
        return [c for p in self.inputs for c in p.get(index, ctx)]

    def stream(self, ctx: Context) -> Stream:
        return ZipStream([p.stream(ctx) for p in self.inputs])


@stage(f"ZipDataset(input_datasets: N*variant, *, N: int >= 1, {TYPED}) -> handle: variant")
def ZIP_DATASET(xp, input_datasets):
    """Elements of several datasets side by side."""
    return ZipPipe(*input_datasets)


# -- shuffle -----------------------------------------------------------------------------------------------------------
class Shuffler(Stream):
    """A ring of elements: a random one is given out, the oldest takes its place, and a new one comes in behind."""

    def __init__(self, pipe: "ShufflePipe", ctx: Context):
        self.pipe, self.ctx = pipe, ctx
        self.inner: Any = pipe.inputs[0].stream(ctx)
        self.ring: list[Any] = []
        self.start = 0  # number of the oldest element
        self.end = 0  # number of elements that came in
        self.ended = False
        self.seeds = pipe.next_seeds()
        self.words = Words(*self.seeds)

    def next(self) -> Any:
        ring, room = self.ring, self.pipe.buffer
        if not self.ended:
            pull = self.inner.next
            while self.end - self.start < room:
                element = pull()
                if element is None:
                    self.ended = True
                    break
                place = self.end % room
                if place < len(ring):
                    ring[place] = element
                else:
                    ring.append(element)
                self.end += 1
        count = self.end - self.start
        if not count:
            return None
        at = (self.start + self.words.next() % count) % room
        found = ring[at]
        oldest = self.start % room
        ring[at] = ring[oldest]
        ring[oldest] = None
        self.start += 1
        return found

    def save(self) -> Any:
        return {"inner": self.inner.save(), "ring": list(self.ring), "start": self.start, "end": self.end, "ended": self.ended, "seeds": self.seeds,
                "drawn": self.words.drawn, "generator": self.pipe.generator_state()}  # fmt: skip

    def restore(self, state: Any) -> None:
        self.inner.restore(state["inner"])
        self.ring, self.start, self.end, self.ended = list(state["ring"]), state["start"], state["end"], state["ended"]
        self.seeds = tuple(state["seeds"])
        self.words = Words(*self.seeds, drawn=state["drawn"])
        self.pipe.restore_generator(state["generator"])


class ShufflePipe(UnaryPipe):
    """The elements in random order."""

    def __init__(self, source: Pipe, buffer: int, generator: Any):
        self.inputs, self.buffer, self.generator = (source,), buffer, generator

    def next_seeds(self) -> tuple[int, int]:
        return self.generator.next()

    def generator_state(self) -> Any:
        return {"seeds": self.generator.seeds, "drawn": self.generator.words.drawn}

    def restore_generator(self, state: Any) -> None:
        self.generator.seeds = tuple(state["seeds"])
        self.generator.words = Words(*self.generator.seeds, drawn=state["drawn"])

    def get(self, index: int, ctx: Context) -> Any:
        check_index(self, index)
        order = ctx.memory.get(id(self))
        if order is None:
            order = list(range(self.size()))
            words = Words(*self.next_seeds())
            for i in range(len(order) - 1, 0, -1):
                j = words.next() % (i + 1)
                order[i], order[j] = order[j], order[i]
            ctx.memory[id(self)] = order
        return self.inputs[0].get(order[index], ctx)

    def stream(self, ctx: Context) -> Stream:
        return Shuffler(self, ctx)


def _room(pipe: Pipe, buffer_size: Any) -> int:
    n = scalar(buffer_size)
    if n == UNKNOWN:
        count = pipe.size()
        n = count if count > 0 else 1 << 62
    if n < 1:
        raise InvalidArgumentError(None, None, f"buffer_size must be greater than zero or UNKNOWN_CARDINALITY, but is {n}.")
    return n


@stage(f"ShuffleDataset(input_dataset: variant, buffer_size: int64, seed: int64, seed2: int64, *, {TYPED}, reshuffle_each_iteration: bool = True) -> handle: variant")
def SHUFFLE_DATASET(xp, input_dataset, buffer_size, seed, seed2, *, reshuffle_each_iteration):
    """The elements in random order."""
    return ShufflePipe(input_dataset, _room(input_dataset, buffer_size), SeedGenerator(*settled_seeds(seed, seed2), reshuffle_each_iteration))


@stage(f"ShuffleDatasetV2(input_dataset: variant, buffer_size: int64, seed_generator: resource, *, {TYPED}) -> handle: variant")
def SHUFFLE_DATASET_V2(xp, input_dataset, buffer_size, seed_generator):
    """The elements in random order."""
    return ShufflePipe(input_dataset, _room(input_dataset, buffer_size), seed_generator)


@stage(f"ShuffleDatasetV3(input_dataset: variant, buffer_size: int64, seed: int64, seed2: int64, seed_generator: resource, *, {TYPED}, "
       "reshuffle_each_iteration: bool = True) -> handle: variant")  # fmt: skip
def SHUFFLE_DATASET_V3(xp, input_dataset, buffer_size, seed, seed2, seed_generator, *, reshuffle_each_iteration):
    """The elements in random order."""
    return ShufflePipe(input_dataset, _room(input_dataset, buffer_size), SeedGenerator(*settled_seeds(seed, seed2), reshuffle_each_iteration))


# -- unique, errors, options -------------------------------------------------------------------------------------------
class UniqueStream(UnaryStream):
    kept = ("seen",)

    def __init__(self, inner: Stream):
        self.inner, self.seen = inner, set()

    def next(self) -> Any:
        while True:
            element = self.inner.next()
            if element is None:
                return None
            array = element[0]
            key = (array.shape, array.tobytes()) if array.dtype != object else (array.shape, tuple(array.reshape(-1).tolist()))
            if key not in self.seen:
                self.seen.add(key)
                return element


class UniquePipe(UnaryPipe):
    """Each element once."""

    def size(self) -> int:
        return UNKNOWN if self.inputs[0].size() != 0 else 0

    def stream(self, ctx: Context) -> Stream:
        return UniqueStream(self.inputs[0].stream(ctx))

    get = Pipe.get


@stage(f"UniqueDataset(input_dataset: variant, *, {TYPED}) -> handle: variant")
def UNIQUE_DATASET(xp, input_dataset):
    """Each element once, where it comes first."""
    return UniquePipe(input_dataset)


class IgnoreErrorsStream(UnaryStream):
    def __init__(self, inner: Stream, warn: bool):
        self.inner, self.warn = inner, warn

    def next(self) -> Any:
        while True:
            try:
                return self.inner.next()
            except OpError as e:
                if self.warn:
                    import logging

                    logging.getLogger("tensorflow").warning("Error raised with error message %s", e.message)


class IgnoreErrorsPipe(UnaryPipe):
    """The elements that can be made without an error."""

    def __init__(self, source: Pipe, warn: bool):
        self.inputs, self.warn = (source,), warn

    def size(self) -> int:
        return UNKNOWN if self.inputs[0].size() != INFINITE else INFINITE

    def stream(self, ctx: Context) -> Stream:
        return IgnoreErrorsStream(self.inputs[0].stream(ctx), self.warn)

    get = Pipe.get


@stage(f"IgnoreErrorsDataset(input_dataset: variant, *, log_warning: bool = False, {PLAIN}) -> handle: variant")
def IGNORE_ERRORS_DATASET(xp, input_dataset, *, log_warning):
    """The elements that can be made without an error."""
    return IgnoreErrorsPipe(input_dataset, log_warning)


class AssertCardinalityStream(UnaryStream):
    kept = ("count",)

    def __init__(self, inner: Stream, wanted: int):
        self.inner, self.wanted, self.count = inner, wanted, 0

    def next(self) -> Any:
        element = self.inner.next()
        plural = lambda n: f"{n} element" + ("" if n == 1 else "s")
        if element is None:
            if self.wanted not in (self.count, UNKNOWN):
                raise FailedPreconditionError(None, None, f"Input dataset was expected to contain {self._wanted()} but contained only {plural(self.count)}.")
            return None
        self.count += 1
        if self.wanted >= 0 and self.count > self.wanted:
            raise FailedPreconditionError(None, None, f"Input dataset was expected to contain {self._wanted()} but contained at least {plural(self.count)}.")
        return element

    def _wanted(self) -> str:
        if self.wanted == INFINITE:
            return "an infinite number of elements"
        return f"{self.wanted} element" + ("" if self.wanted == 1 else "s")


class AssertCardinalityPipe(UnaryPipe):
    """The elements, which must be so many."""

    def __init__(self, source: Pipe, count: int):
        self.inputs, self.count = (source,), count

    def size(self) -> int:
        return self.count

    def stream(self, ctx: Context) -> Stream:
        return AssertCardinalityStream(self.inputs[0].stream(ctx), self.count)


@stage(f"AssertCardinalityDataset(input_dataset: variant, cardinality: int64, *, {PLAIN}) -> handle: variant")
def ASSERT_CARDINALITY_DATASET(xp, input_dataset, cardinality):
    """The elements; an error where they are not so many."""
    return AssertCardinalityPipe(input_dataset, scalar(cardinality))


class PrefetchPipe(UnaryPipe):
    """Elements fetched ahead."""

    def __init__(self, source: Pipe, buffer: int):
        if buffer < AUTOTUNE:
            raise InvalidArgumentError(None, None, "buffer_size must be >= 0 or set buffer_size to be -1 for auto-tuning")
        self.inputs, self.buffer = (source,), buffer

    def stream(self, ctx: Context) -> Stream:
        inner = self.inputs[0].stream(ctx)
        return Prefetch(inner, self.buffer, ctx) if self.buffer else inner


@stage(f"PrefetchDataset(input_dataset: variant, buffer_size: int64, *, buffer_size_min: int = 0, legacy_autotune: bool = True, {TYPED}, slack_period: int = 0) "
       "-> handle: variant")  # fmt: skip
def PREFETCH_DATASET(xp, input_dataset, buffer_size):
    """Elements fetched before they are asked for."""
    return PrefetchPipe(input_dataset, scalar(buffer_size))


class OptionsPipe(UnaryPipe):
    """The elements, under options."""

    def __init__(self, source: Pipe, options: dict[str, Any]):
        self.inputs, self.options = (source,), options


@stage(f"OptionsDataset(input_dataset: variant, *, {TYPED}, serialized_options: str) -> handle: variant")
def OPTIONS_DATASET(xp, input_dataset, *, serialized_options):
    """The elements, under options."""
    return OptionsPipe(input_dataset, options_from_bytes(serialized_options))

