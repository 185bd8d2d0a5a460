"""Datasets that come from memory: tensors, slices of tensors, ranges, random numbers, Python generators."""

import itertools
import os
import weakref
from typing import Any

import numpy as np

from penstock.base import errors
from penstock.data.calls import Call
from penstock.data.pipeline import INFINITE, UNKNOWN, Context, Pipe, Stream, check_index, row, scalar
from penstock.data.randomness import Words
from penstock.data.stage_op import PLAIN, TYPED, stage
from penstock.ir.op import op


class Indexed(Stream):
    """Elements that are found by their number."""

    def __init__(self, pipe: Any, ctx: Context):
        self.pipe, self.at, self.count = pipe, 0, pipe.size()

    def next(self) -> Any:
        i = self.at
        if i >= self.count:
            return None
        self.at = i + 1
        return self.pipe.element(i)

    def skip(self, count: int) -> int:
        done = min(count, self.count - self.at)
        self.at += done
        return done

    def save(self) -> Any:
        return self.at

    def restore(self, state: Any) -> None:
        self.at = state


class IndexedPipe(Pipe):
    """A source whose elements are found by their number."""

    def stream(self, ctx: Context) -> Stream:
        return Indexed(self, ctx)

    def get(self, index: int, ctx: Context) -> Any:
        check_index(self, index)
        return self.element(index)

    def element(self, i: int) -> Any:
        raise AttributeError("element")


class OnePipe(IndexedPipe):
    """One element."""

    def __init__(self, components: Any):
        self.components = list(components)

    def size(self) -> int:
        return 1

    def element(self, i: int) -> Any:
        return self.components


class SlicePipe(IndexedPipe):
    """The rows of tensors."""

    def __init__(self, components: Any, is_files: bool = False):
        self.components, self.is_files = list(components), is_files
        sizes = [len(c) for c in components]
        if any(s != sizes[0] for s in sizes):
            raise errors.InvalidArgumentError(None, None, f"Dimensions {sizes[0]} and {next(s for s in sizes if s != sizes[0])} are not compatible: all components must have as many rows")
        self.count = sizes[0]
        self.simple = all(c.dtype != object and c.ndim > 1 for c in self.components)

    def size(self) -> int:
        return self.count

    def element(self, i: int) -> Any:
        if self.simple:
            return [c[i] for c in self.components]
        return [row(c, i) for c in self.components]


class ListPipe(IndexedPipe):
    """Elements from a list."""

    def __init__(self, tensors: Any, width: int):
        self.elements = [list(tensors[i : i + width]) for i in range(0, len(tensors), width)]

    def size(self) -> int:
        return len(self.elements)

    def element(self, i: int) -> Any:
        return self.elements[i]


class RangePipe(IndexedPipe):
    """Numbers from `start` to before `stop`."""

    def __init__(self, start: int, stop: int, step: int, dtype: Any):
        if step == 0:
            raise errors.InvalidArgumentError(None, None, "step must be a non-zero integer.")
        self.numbers, self.dtype = range(start, stop, step), dtype.array_dtype

    def size(self) -> int:
        return len(self.numbers)

    def element(self, i: int) -> Any:
        return [np.array(self.numbers[i], self.dtype)]


class SparseSlicePipe(IndexedPipe):
    """The slices of a sparse tensor along its first axis, as (indices, values, dense_shape)."""

    def __init__(self, indices: Any, values: Any, dense_shape: Any):
        self.indices, self.values, self.dense_shape = indices, values, dense_shape
        rows = indices[:, 0]
        if (np.diff(rows) < 0).any():
            raise errors.UnimplementedError(None, None, "The SparseTensor must be ordered in the batch dimension; handling arbitrarily ordered input is not currently supported.")
        self.bounds = np.searchsorted(rows, np.arange(int(dense_shape[0]) + 1))

    def size(self) -> int:
        return int(self.dense_shape[0])

    def element(self, i: int) -> Any:
        at = slice(self.bounds[i], self.bounds[i + 1])
        return [np.ascontiguousarray(self.indices[at, 1:]), self.values[at], self.dense_shape[1:]]


@stage("TensorDataset(components: Toutput_types, *, Toutput_types: list(type) >= 1, metadata: str = \"\", output_shapes: list(shape) >= 1) -> handle: variant")
def TENSOR_DATASET(xp, components):
    """One element made of tensors."""
    return OnePipe(components)


@stage('TensorSliceDataset(components: Toutput_types, *, Toutput_types: list(type) >= 1, is_files: bool = False, metadata: str = "", '
       "output_shapes: list(shape) >= 1, replicate_on_split: bool = False) -> handle: variant")  # fmt: skip
def TENSOR_SLICE_DATASET(xp, components, *, is_files):
    """An element for each row of the tensors."""
    return SlicePipe(components, is_files)


@stage("SparseTensorSliceDataset(indices: int64, values: Tvalues, dense_shape: int64, *, Tvalues: type) -> handle: variant")
def SPARSE_TENSOR_SLICE_DATASET(xp, indices, values, dense_shape):
    """An element for each slice of a sparse tensor along its first axis."""
    return SparseSlicePipe(indices, values, dense_shape)


@stage(f"ListDataset(tensors: Tinput_types, *, Tinput_types: list(type) >= 1, {TYPED}) -> handle: variant")
def LIST_DATASET(xp, tensors, *, output_types):
    """An element for each group of tensors."""
    return ListPipe(tensors, len(output_types))


@stage(f"RangeDataset(start: int64, stop: int64, step: int64, *, {TYPED}, replicate_on_split: bool = False) -> handle: variant")
def RANGE_DATASET(xp, start, stop, step, *, output_types):
    """Numbers from start to before stop."""
    return RangePipe(scalar(start), scalar(stop), scalar(step), output_types[0])


# -- random numbers ----------------------------------------------------------------------------------------------------
def settled_seeds(seed: Any, seed2: Any) -> tuple[int, int]:
    """Two seeds; two zeros stand for seeds that nobody knows."""
    a, b = scalar(seed), scalar(seed2)
    if a == 0 and b == 0:
        drawn = np.frombuffer(os.urandom(16), np.int64)
        return int(drawn[0]), int(drawn[1])
    return a, b


class RandomStream(Stream):
    def __init__(self, seeds: tuple[int, int]):
        self.seeds = seeds
        self.words = Words(*seeds)

    def next(self) -> Any:
        return [np.array(self.words.next(), np.int64)]

    def save(self) -> Any:
        return {"seeds": self.seeds, "drawn": self.words.drawn}

    def restore(self, state: Any) -> None:
        self.seeds = tuple(state["seeds"])
        self.words = Words(*self.seeds, drawn=state["drawn"])


class RandomPipe(Pipe):
    """Random 32-bit numbers without end."""

    def __init__(self, seed: Any, seed2: Any, again: bool):
        self.seeds = settled_seeds(seed, seed2)
        self.again = again
        self.epochs = Words(*self.seeds)

    def size(self) -> int:
        return INFINITE

    def stream(self, ctx: Context) -> Stream:
        if self.again:
            return RandomStream((self.epochs.next(), self.epochs.next()))
        return RandomStream(self.seeds)


@stage(f"RandomDataset(seed: int64, seed2: int64, *, {TYPED}) -> handle: variant")
def RANDOM_DATASET(xp, seed, seed2):
    """Random numbers from 0 to before 2**32."""
    return RandomPipe(seed, seed2, False)


@stage(f"RandomDatasetV2(seed: int64, seed2: int64, seed_generator: resource, *, {TYPED}, rerandomize_each_iteration: bool = False) -> handle: variant")
def RANDOM_DATASET_V2(xp, seed, seed2, seed_generator, *, rerandomize_each_iteration):
    """Random numbers from 0 to before 2**32, others at every iteration if asked for."""
    made = RandomPipe(seed, seed2, rerandomize_each_iteration)
    if rerandomize_each_iteration and seed_generator is not None:
        made.epochs = seed_generator.words
    return made


# -- generators --------------------------------------------------------------------------------------------------------
class GeneratorStream(Stream):
    def __init__(self, pipe: "GeneratorPipe", ctx: Context):
        self.pipe, self.ctx = pipe, ctx
        self.state: Any = None
        self.done = False
        self.begun = False
        direct = pipe.init[0]._extras.get("python generator")
        self.direct = direct
        self.made: Any = None

    def next(self) -> Any:
        if self.done:
            return None
        if self.direct is not None:
            if self.made is None:
                self.made = self.direct.start(self.pipe.init[1])
            found = self.direct.element(self.made)
            if found is None:
                self.finish()
            return found
        if not self.begun:
            self.begun = True
            self.state = Call(*self.pipe.init, self.ctx)(())
            self.call = Call(*self.pipe.step, self.ctx)
        try:
            return self.call(self.state)
        except errors.OutOfRangeError:
            self.finish()
            return None

    def finish(self) -> None:
        self.done = True
        self.made = None
        if self.begun:
            Call(*self.pipe.final, self.ctx)(self.state)


class GeneratorPipe(Pipe):
    """What a Python generator yields."""

    def __init__(self, init: Any, step: Any, final: Any):
        self.init, self.step, self.final = init, step, final

    def size(self) -> int:
        return UNKNOWN

    def stream(self, ctx: Context) -> Stream:
        return GeneratorStream(self, ctx)


@stage(
    "GeneratorDataset(init_func_other_args: Tinit_func_args, next_func_other_args: Tnext_func_args, finalize_func_other_args: Tfinalize_func_args, *, "
    "Tfinalize_func_args: list(type) >= 0, Tinit_func_args: list(type) >= 0, Tnext_func_args: list(type) >= 0, finalize_func: func, init_func: func, "
    f'metadata: str = "", next_func: func, {PLAIN}) -> handle: variant'
)
def GENERATOR_DATASET(xp, init_func_other_args, next_func_other_args, finalize_func_other_args, *, init_func, next_func, finalize_func):
    """Elements that `next_func` gives until it raises OutOfRangeError."""
    return GeneratorPipe((init_func, init_func_other_args), (next_func, next_func_other_args), (finalize_func, finalize_func_other_args))


class SeedGenerator:
    """Gives the seeds of one iteration after the other."""

    def __init__(self, seed: int, seed2: int, reshuffle: bool = True):
        self.seeds, self.reshuffle = (seed, seed2), reshuffle
        self.words = Words(seed, seed2)
        number = next(_numbers)
        _generators[number] = self
        if number in _awaited:
            self.move(*_awaited.pop(number))

    def move(self, seed: int, seed2: int, drawn: int) -> None:
        """Stand where a generator of these seeds stands that gave `drawn` words."""
        self.seeds = seed, seed2
        self.words = Words(seed, seed2, drawn=drawn)

    def next(self) -> tuple[int, int]:
        return (self.words.next(), self.words.next()) if self.reshuffle else self.seeds


_numbers = itertools.count()
_generators: weakref.WeakValueDictionary[int, SeedGenerator] = weakref.WeakValueDictionary()
_awaited: dict[int, tuple[int, int, int]] = {}
"""Positions that were restored of generators which are not made yet, by their number in the process."""


def positions() -> list[list[int]]:
    """[number, seed, seed2, words drawn] of every generator of orders."""
    return [[n, *g.seeds, g.words.drawn] for n, g in sorted(_generators.items())]


def restore(found: list[list[int]]) -> None:
    """Put the generators where `positions` found them, those not made yet when they are."""
    _awaited.clear()
    for number, seed, seed2, drawn in found:
        generator = _generators.get(number)
        if generator is not None:
            generator.move(seed, seed2, drawn)
        else:
            _awaited[number] = seed, seed2, drawn


@op("AnonymousSeedGenerator(seed: int64, seed2: int64, reshuffle: bool) -> (handle: resource, deleter: variant)", where="host", effect="io",
    shape=lambda *_, **__: ((), ()))  # fmt: skip
def ANONYMOUS_SEED_GENERATOR(xp, seed, seed2, reshuffle):
    """A generator of seeds."""
    return SeedGenerator(*settled_seeds(seed, seed2), bool(reshuffle)), None


@op("DummySeedGenerator() -> handle: resource", where="host", effect="io", shape=lambda: ())
def DUMMY_SEED_GENERATOR(xp):
    """A generator of seeds that each dataset replaces by its own."""
    return SeedGenerator(0, 0)


@op("AnonymousRandomSeedGenerator(seed: int64, seed2: int64) -> (handle: resource, deleter: variant)", where="host", effect="io", shape=lambda *_, **__: ((), ()))
def ANONYMOUS_RANDOM_SEED_GENERATOR(xp, seed, seed2):
    """A generator of seeds."""
    return SeedGenerator(*settled_seeds(seed, seed2)), None


@op("DeleteSeedGenerator(handle: resource, deleter: variant) -> ()", where="host", effect="io")
def DELETE_SEED_GENERATOR(xp, handle, deleter):
    """Nothing is left to do: the generator goes with its last user."""
    return ()
