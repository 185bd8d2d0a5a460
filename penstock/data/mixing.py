"""Stages that run datasets inside datasets: flat_map, interleave, directed interleave, group_by_window, group_by_reducer."""

from typing import Any

import numpy as np

from penstock.base.errors import InvalidArgumentError
from penstock.data.batching import ElementsPipe
from penstock.data.calls import Call
from penstock.data.pipeline import CORES, INFINITE, UNKNOWN, Context, Pipe, Stream, scalar
from penstock.data.stage_op import PLAIN, TYPED, stage

_ARGS = "Targuments: list(type) >= 0"


def inner_pipe(call: Call, element: Any) -> Pipe:
    """The dataset that a function gives for an element."""
    found = call(element)[0]
    return found if isinstance(found, Pipe) else found.item()


class FlatMapStream(Stream):
    def __init__(self, outer: Stream, call: Call, ctx: Context):
        self.outer, self.call, self.ctx = outer, call, ctx
        self.element: Any = None
        self.inner: Any = None

    def next(self) -> Any:
        while True:
            if self.inner is not None:
                found = self.inner.next()
                if found is not None:
                    return found
                self.inner = None
            self.element = self.outer.next()
            if self.element is None:
                return None
            self.inner = inner_pipe(self.call, self.element).stream(self.ctx)

    def save(self) -> Any:
        return {"outer": self.outer.save(), "element": self.element, "inner": None if self.inner is None else self.inner.save(), "open": self.inner is not None}

    def restore(self, state: Any) -> None:
        self.outer.restore(state["outer"])
        self.element, self.inner = state["element"], None
        if state["open"]:
            self.inner = inner_pipe(self.call, self.element).stream(self.ctx)
            self.inner.restore(state["inner"])


class FlatMapPipe(Pipe):
    """The elements of the datasets that a function gives."""

    def __init__(self, source: Pipe, graph: Any, captured: Any):
        self.inputs, self.graph, self.captured = (source,), graph, captured

    def size(self) -> int:
        n = self.inputs[0].size()
        return 0 if n == 0 else UNKNOWN

    def stream(self, ctx: Context) -> Stream:
        return FlatMapStream(self.inputs[0].stream(ctx), Call(self.graph, self.captured, ctx), ctx)


@stage(f"FlatMapDataset(input_dataset: variant, other_arguments: Targuments, *, {_ARGS}, f: func, {TYPED}) -> handle: variant")
def FLAT_MAP_DATASET(xp, input_dataset, other_arguments, *, f):
    """The elements of the datasets that a function gives, one dataset after the other."""
    return FlatMapPipe(input_dataset, f, other_arguments)


class InterleaveStream(Stream):
    def __init__(self, outer: Stream, call: Call, cycle: int, block: int, ctx: Context):
        self.outer, self.call, self.cycle, self.block, self.ctx = outer, call, cycle, block, ctx
        self.elements: list[Any] = [None] * cycle
        self.open: list[Any] = [None] * cycle
        self.at = self.taken = self.count = 0
        self.ended = False

    def _advance(self) -> None:
        self.at = (self.at + 1) % self.cycle
        self.taken = 0

    def next(self) -> Any:
        while not self.ended or self.count:
            inner = self.open[self.at]
            if inner is not None:
                found = inner.next()
                if found is not None:
                    self.taken += 1
                    if self.taken == self.block:
                        self._advance()
                    return found
                self.open[self.at] = self.elements[self.at] = None
                self.count -= 1
                self._advance()
            elif not self.ended:
                element = self.outer.next()
                if element is None:
                    self.ended = True
                    continue
                self.elements[self.at] = element
                self.open[self.at] = inner_pipe(self.call, element).stream(self.ctx)
                self.count += 1
            else:
                self._advance()
        return None

    def save(self) -> Any:
        return {"outer": self.outer.save(), "elements": list(self.elements), "open": [None if s is None else s.save() for s in self.open],
                "is_open": [s is not None for s in self.open], "at": self.at, "taken": self.taken, "count": self.count, "ended": self.ended}  # fmt: skip

    def restore(self, state: Any) -> None:
        self.outer.restore(state["outer"])
        self.elements = list(state["elements"])
        self.at, self.taken, self.count, self.ended = state["at"], state["taken"], state["count"], state["ended"]
        for i, is_open in enumerate(state["is_open"]):
            self.open[i] = None
            if is_open:
                self.open[i] = inner_pipe(self.call, self.elements[i]).stream(self.ctx)
                self.open[i].restore(state["open"][i])


class InterleavePipe(FlatMapPipe):
    """The elements of the datasets that a function gives, some datasets at a time."""

    def __init__(self, source: Pipe, graph: Any, captured: Any, cycle: int, block: int, parallel: int = 0):
        super().__init__(source, graph, captured)
        if cycle == -1:
            cycle = CORES if not parallel else max(1, min(10, CORES if parallel < 0 else parallel))
        if cycle < 1:
            raise InvalidArgumentError(None, None, f"`cycle_length` must be > 0, but is {cycle}.")
        if block < 1:
            raise InvalidArgumentError(None, None, f"`block_length` must be > 0, but is {block}.")
        self.cycle, self.block, self.parallel = cycle, block, parallel

    def stream(self, ctx: Context) -> Stream:
        return InterleaveStream(self.inputs[0].stream(ctx), Call(self.graph, self.captured, ctx), self.cycle, self.block, ctx)


@stage(f"InterleaveDataset(input_dataset: variant, other_arguments: Targuments, cycle_length: int64, block_length: int64, *, {_ARGS}, f: func, {TYPED}) "
       "-> handle: variant")  # fmt: skip
def INTERLEAVE_DATASET(xp, input_dataset, other_arguments, cycle_length, block_length, *, f):
    """The elements of `cycle_length` datasets at a time, `block_length` of each in turn."""
    return InterleavePipe(input_dataset, f, other_arguments, scalar(cycle_length), scalar(block_length))


_CYCLE = "input_dataset: variant, other_arguments: Targuments, cycle_length: int64, block_length: int64"


@stage(f"ParallelInterleaveDatasetV2({_CYCLE}, num_parallel_calls: int64, *, {_ARGS}, f: func, {TYPED}, sloppy: bool = False) -> handle: variant")
def PARALLEL_INTERLEAVE_DATASET_V2(xp, input_dataset, other_arguments, cycle_length, block_length, num_parallel_calls, *, f):
    """`InterleaveDataset` with threads."""
    return InterleavePipe(input_dataset, f, other_arguments, scalar(cycle_length), scalar(block_length), scalar(num_parallel_calls))


@stage(f'ParallelInterleaveDatasetV3({_CYCLE}, num_parallel_calls: int64, *, {_ARGS}, deterministic: str = "default", f: func, {TYPED}) -> handle: variant')
def PARALLEL_INTERLEAVE_DATASET_V3(xp, input_dataset, other_arguments, cycle_length, block_length, num_parallel_calls, *, f):
    """`InterleaveDataset` with threads."""
    return InterleavePipe(input_dataset, f, other_arguments, scalar(cycle_length), scalar(block_length), scalar(num_parallel_calls))


@stage(f"ParallelInterleaveDatasetV4({_CYCLE}, buffer_output_elements: int64, prefetch_input_elements: int64, num_parallel_calls: int64, *, {_ARGS}, "
       f'deterministic: str = "default", f: func, {TYPED}) -> handle: variant')  # fmt: skip
def PARALLEL_INTERLEAVE_DATASET_V4(xp, input_dataset, other_arguments, cycle_length, block_length, buffer_output_elements, prefetch_input_elements,
                                   num_parallel_calls, *, f):  # fmt: skip
    """`InterleaveDataset` with threads."""
    return InterleavePipe(input_dataset, f, other_arguments, scalar(cycle_length), scalar(block_length), scalar(num_parallel_calls))


@stage(f"ParallelInterleaveDataset({_CYCLE}, sloppy: bool, buffer_output_elements: int64, prefetch_input_elements: int64, *, {_ARGS}, f: func, {TYPED}) "
       "-> handle: variant")  # fmt: skip
def PARALLEL_INTERLEAVE_DATASET(xp, input_dataset, other_arguments, cycle_length, block_length, sloppy, buffer_output_elements, prefetch_input_elements, *, f):
    """The interleave of 1.x."""
    return InterleavePipe(input_dataset, f, other_arguments, scalar(cycle_length), scalar(block_length))


@stage(f"LegacyParallelInterleaveDatasetV2({_CYCLE}, buffer_output_elements: int64, prefetch_input_elements: int64, *, {_ARGS}, "
       f'deterministic: str = "default", f: func, {TYPED}) -> handle: variant')  # fmt: skip
def LEGACY_PARALLEL_INTERLEAVE_DATASET_V2(xp, input_dataset, other_arguments, cycle_length, block_length, buffer_output_elements, prefetch_input_elements, *, f):
    """The interleave of 1.x."""
    return InterleavePipe(input_dataset, f, other_arguments, scalar(cycle_length), scalar(block_length))


# -- one of several datasets, as another one says ----------------------------------------------------------------------
class DirectedStream(Stream):
    def __init__(self, selector: Stream, inners: list[Any], stop: bool):
        self.selector, self.inners, self.stop = selector, inners, stop
        self.over = False

    def next(self) -> Any:
        while not self.over:
            chosen = self.selector.next()
            if chosen is None:
                self.over = True
                return None
            at = int(chosen[0])
            if not 0 <= at < len(self.inners):
                raise InvalidArgumentError(None, None, f"Selector index out of range: {at} >= {len(self.inners)}")
            inner = self.inners[at]
            if inner is None:
                continue
            found = inner.next()
            if found is not None:
                return found
            self.inners[at] = None
            if self.stop or not any(i is not None for i in self.inners):
                self.over = True
        return None

    def save(self) -> Any:
        return {"selector": self.selector.save(), "inners": [None if i is None else i.save() for i in self.inners], "open": [i is not None for i in self.inners], "over": self.over}

    def restore(self, state: Any) -> None:
        self.selector.restore(state["selector"])
        self.over = state["over"]
        for i, is_open in enumerate(state["open"]):
            if is_open:
                self.inners[i].restore(state["inners"][i])
            else:
                self.inners[i] = None


class DirectedPipe(Pipe):
    """Elements of the datasets that a selector names."""

    def __init__(self, selector: Pipe, sources: Any, stop: bool):
        self.inputs, self.stop = (selector, *sources), stop

    def size(self) -> int:
        sizes = [p.size() for p in self.inputs[1:]]
        if self.stop or self.inputs[0].size() != INFINITE:
            return UNKNOWN
        if INFINITE in sizes:
            return INFINITE
        return UNKNOWN if UNKNOWN in sizes else sum(sizes)

    def stream(self, ctx: Context) -> Stream:
        selector, *inners = [p.stream(ctx) for p in self.inputs]
        return DirectedStream(selector, inners, self.stop)


@stage(f"DirectedInterleaveDataset(selector_input_dataset: variant, data_input_datasets: N*variant, *, N: int >= 1, {PLAIN}, stop_on_empty_dataset: bool = False) "
       "-> handle: variant")  # fmt: skip
def DIRECTED_INTERLEAVE_DATASET(xp, selector_input_dataset, data_input_datasets, *, stop_on_empty_dataset):
    """Each element from the dataset whose number the selector gives."""
    return DirectedPipe(selector_input_dataset, data_input_datasets, stop_on_empty_dataset)


# -- groups ------------------------------------------------------------------------------------------------------------
class GroupByWindowStream(Stream):
    def __init__(self, inner: Stream, pipe: "GroupByWindowPipe", ctx: Context):
        self.inner, self.ctx = inner, ctx
        self.key, self.reduce, self.window = [Call(g, c, ctx) for g, c in (pipe.key, pipe.reduce, pipe.window)]
        self.groups: dict[int, list[Any]] = {}
        self.sizes: dict[int, int] = {}
        self.current: Any = None
        self.made: Any = None
        self.ended = False

    def next(self) -> Any:
        while True:
            if self.current is not None:
                found = self.current.next()
                if found is not None:
                    return found
                self.current = self.made = None
            if not self.ended:
                element = self.inner.next()
                if element is None:
                    self.ended = True
                    continue
                key = int(self.key(element)[0])
                size = self.sizes.get(key)
                if size is None:
                    size = int(self.window([np.array(key, np.int64)])[0])
                    if size <= 0:
                        raise InvalidArgumentError(None, None, f"Window size must be greater than zero, but got {size}.")
                    self.sizes[key] = size
                group = self.groups.setdefault(key, [])
                group.append(element)
                if len(group) >= size:
                    self._open(key)
            elif self.groups:
                self._open(min(self.groups))
            else:
                return None

    def _open(self, key: int) -> None:
        self.made = (key, self.groups.pop(key))
        self.sizes.pop(key, None)
        self.current = inner_pipe(self.reduce, [np.array(key, np.int64), ElementsPipe(self.made[1])]).stream(self.ctx)

    def save(self) -> Any:
        return {"inner": self.inner.save(), "groups": {k: list(v) for k, v in self.groups.items()}, "sizes": dict(self.sizes), "made": self.made,
                "current": None if self.current is None else self.current.save(), "ended": self.ended}  # fmt: skip

    def restore(self, state: Any) -> None:
        self.inner.restore(state["inner"])
        self.groups = {k: list(v) for k, v in state["groups"].items()}
        self.sizes, self.made, self.ended, self.current = dict(state["sizes"]), state["made"], state["ended"], None
        if self.made is not None:
            key, elements = self.made
            self.current = inner_pipe(self.reduce, [np.array(key, np.int64), ElementsPipe(list(elements))]).stream(self.ctx)
            self.current.restore(state["current"])


class GroupByWindowPipe(Pipe):
    """Windows of elements of one key, each made into a dataset by a function."""

    def __init__(self, source: Pipe, key: Any, reduce: Any, window: Any):
        self.inputs, self.key, self.reduce, self.window = (source,), key, reduce, window

    def size(self) -> int:
        return UNKNOWN if self.inputs[0].size() != 0 else 0

    def stream(self, ctx: Context) -> Stream:
        return GroupByWindowStream(self.inputs[0].stream(ctx), self, ctx)


@stage(
    "GroupByWindowDataset(input_dataset: variant, key_func_other_arguments: Tkey_func_other_arguments, reduce_func_other_arguments: Treduce_func_other_arguments, "
    "window_size_func_other_arguments: Twindow_size_func_other_arguments, *, Tkey_func_other_arguments: list(type) >= 0, "
    "Treduce_func_other_arguments: list(type) >= 0, Twindow_size_func_other_arguments: list(type) >= 0, key_func: func, "
    f"{TYPED}, reduce_func: func, window_size_func: func) -> handle: variant"
)
def GROUP_BY_WINDOW_DATASET(xp, input_dataset, key_func_other_arguments, reduce_func_other_arguments, window_size_func_other_arguments, *, key_func, reduce_func, window_size_func):
    """Windows of elements of one key, each made into a dataset by a function."""
    return GroupByWindowPipe(input_dataset, (key_func, key_func_other_arguments), (reduce_func, reduce_func_other_arguments), (window_size_func, window_size_func_other_arguments))


class GroupByReducerStream(Stream):
    def __init__(self, inner: Stream, pipe: "GroupByReducerPipe", ctx: Context):
        self.inner = inner
        self.key, self.init, self.reduce, self.final = [Call(g, c, ctx) for g, c in pipe.functions]
        self.states: Any = None
        self.at = 0

    def next(self) -> Any:
        if self.states is None:
            states: dict[int, Any] = {}
            while (element := self.inner.next()) is not None:
                key = int(self.key(element)[0])
                state = states.get(key)
                if state is None:
                    state = self.init([np.array(key, np.int64)])
                states[key] = self.reduce([*state, *element])
            self.states = [states[k] for k in sorted(states)]
        if self.at >= len(self.states):
            return None
        self.at += 1
        return self.final(self.states[self.at - 1])

    def save(self) -> Any:
        return {"inner": self.inner.save(), "states": self.states, "at": self.at}

    def restore(self, state: Any) -> None:
        self.inner.restore(state["inner"])
        self.states, self.at = state["states"], state["at"]


class GroupByReducerPipe(Pipe):
    """One element for each key."""

    def __init__(self, source: Pipe, functions: Any):
        self.inputs, self.functions = (source,), functions

    def stream(self, ctx: Context) -> Stream:
        return GroupByReducerStream(self.inputs[0].stream(ctx), self, ctx)


_REDUCER = [f"{n}_func_other_arguments" for n in ("key", "init", "reduce", "finalize")]


@stage(
    f"GroupByReducerDataset(input_dataset: variant, {', '.join(f'{n}: T{n}' for n in _REDUCER)}, *, {', '.join(f'T{n}: list(type) >= 0' for n in sorted(_REDUCER))}, "
    f"finalize_func: func, init_func: func, key_func: func, {PLAIN}, reduce_func: func) -> handle: variant"
)
def GROUP_BY_REDUCER_DATASET(xp, input_dataset, key_func_other_arguments, init_func_other_arguments, reduce_func_other_arguments, finalize_func_other_arguments, *,
                             finalize_func, init_func, key_func, reduce_func):  # fmt: skip
    """One element for each key: what a function makes of the elements that have it."""
    return GroupByReducerPipe(input_dataset, [(key_func, key_func_other_arguments), (init_func, init_func_other_arguments), (reduce_func, reduce_func_other_arguments), (finalize_func, finalize_func_other_arguments)])
