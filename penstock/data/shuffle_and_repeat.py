"""`shuffle_and_repeat`: the epochs follow each other in one buffer, so that it never runs dry between them."""

from collections import deque
from typing import Any

from penstock.base.errors import InvalidArgumentError
from penstock.base.export import export
from penstock.data.ordering import ShufflePipe, _room
from penstock.data.pipeline import INFINITE, Context, Stream, scalar
from penstock.data.randomness import Words
from penstock.data.sources import SeedGenerator, settled_seeds
from penstock.data.stage_op import TYPED, stage
from penstock.ir import node_count


class ShuffleAndRepeatStream(Stream):
    """A ring of elements in slices, one for each epoch; elements come from the first slice until it is empty."""

    def __init__(self, pipe: "ShuffleAndRepeatPipe", ctx: Context):
        self.pipe, self.ctx = pipe, ctx
        self.inner: Any = None
        self.ring: dict[int, Any] = {}
        self.slices: deque[list[int]] = deque()
        self.end = self.epoch = 0
        self.over = self.found_any = False
        self._seed()

    def _seed(self) -> None:
        self.seeds = self.pipe.next_seeds()
        self.words = Words(*self.seeds)

    def _fill(self) -> None:
        room = self.pipe.buffer
        while not self.over and len(self.ring) < room:
            if self.inner is None:
                if 0 <= self.pipe.count <= self.epoch:
                    self.over = True
                    return
                self.inner = self.pipe.inputs[0].stream(self.ctx)
                self.slices.append([self.end, self.end])
                self.found_any = False
            element = self.inner.next()
            if element is None:
                self.inner = None
                self.epoch += 1
                if not self.found_any and self.pipe.count < 0:
                    self.over = True
                continue
            self.found_any = True
            self.ring[self.end] = element
            self.end += 1
            self.slices[-1][1] = self.end

    def next(self) -> Any:
        self._fill()
        while self.slices and self.slices[0][0] == self.slices[0][1]:
            if len(self.slices) == 1 and self.inner is not None:
                break
            self.slices.popleft()
            if self.slices and self.pipe.generator.reshuffle:
                self._seed()
        if not self.ring:
            return None
        first = self.slices[0]
        at = first[0] + self.words.next() % (first[1] - first[0])
        found = self.ring[at]
        self.ring[at] = self.ring[first[0]]
        del self.ring[first[0]]
        first[0] += 1
        return found

    def save(self) -> Any:
        return {"inner": None if self.inner is None else self.inner.save(), "open": self.inner is not None, "ring": dict(self.ring), "slices": [list(s) for s in self.slices],
                "end": self.end, "epoch": self.epoch, "over": self.over, "found_any": self.found_any, "seeds": self.seeds, "drawn": self.words.drawn,
                "generator": self.pipe.generator_state()}  # fmt: skip

    def restore(self, state: Any) -> None:
        self.ring, self.slices = dict(state["ring"]), deque(list(s) for s in state["slices"])
        self.end, self.epoch, self.over, self.found_any = state["end"], state["epoch"], state["over"], state["found_any"]
        self.seeds = tuple(state["seeds"])
        self.words = Words(*self.seeds, drawn=state["drawn"])
        self.inner = None
        if state["open"]:
            self.inner = self.pipe.inputs[0].stream(self.ctx)
            self.inner.restore(state["inner"])
        self.pipe.restore_generator(state["generator"])


class ShuffleAndRepeatPipe(ShufflePipe):
    """The elements in random order, several times over."""

    def __init__(self, source: Any, buffer: int, generator: Any, count: int):
        super().__init__(source, buffer, generator)
        if count == 0 or count < -1:
            raise InvalidArgumentError(None, None, f"count must be greater than zero or equal to -1, but is {count}.")
        self.count = count

    def size(self) -> int:
        n = self.inputs[0].size()
        return (0 if n == 0 else INFINITE) if self.count < 0 else n if n < 0 else n * self.count

    def stream(self, ctx: Context) -> Stream:
        return ShuffleAndRepeatStream(self, ctx)


_SEEDED = "input_dataset: variant, buffer_size: int64, seed: int64, seed2: int64, count: int64"


@stage(f"ShuffleAndRepeatDataset({_SEEDED}, *, {TYPED}, reshuffle_each_iteration: bool = True) -> handle: variant")
def SHUFFLE_AND_REPEAT_DATASET(xp, input_dataset, buffer_size, seed, seed2, count, *, reshuffle_each_iteration):
    """The elements in random order, `count` times over."""
    generator = SeedGenerator(*settled_seeds(seed, seed2), reshuffle_each_iteration)
    return ShuffleAndRepeatPipe(input_dataset, _room(input_dataset, buffer_size), generator, scalar(count))


@stage(f"ShuffleAndRepeatDatasetV2({_SEEDED}, seed_generator: resource, *, {TYPED}, reshuffle_each_iteration: bool = True) -> handle: variant")
def SHUFFLE_AND_REPEAT_DATASET_V2(xp, input_dataset, buffer_size, seed, seed2, count, seed_generator, *, reshuffle_each_iteration):
    """The elements in random order, `count` times over."""
    return SHUFFLE_AND_REPEAT_DATASET.body(xp, input_dataset, buffer_size, seed, seed2, count, reshuffle_each_iteration=reshuffle_each_iteration)


@export("data.experimental.shuffle_and_repeat")
def shuffle_and_repeat(buffer_size: Any, count: Any = None, seed: Any = None) -> Any:
    """A transformation: the elements in random order, `count` times over."""
    from penstock.data.dataset import int64, two_seeds

    def apply(dataset: Any) -> Any:
        size, times = int64(buffer_size, "buffer_size"), int64(-1 if count is None else count, "count")
        first, second = two_seeds(seed)
        return dataset._then("_ShuffleAndRepeatDataset", SHUFFLE_AND_REPEAT_DATASET, size, first, second, times,
                             reshuffle_each_iteration=not node_count.active())  # 1.x goes on with the numbers of the first epoch

    return apply
