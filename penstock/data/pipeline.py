"""What a dataset's variant tensor holds: a Pipe, the description of a stage; an iterator runs it as a chain of Streams.

An element is a list of NumPy arrays (scalar variants and resources stand as they are), one for each flat tensor.  A stream's
`next()` gives an element, or None at the end.  `save()` gives its state as nested tuples, lists, dictionaries, arrays and plain
values, and `restore(state)` puts a new stream of the same pipe there.
"""

import os
import threading
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from penstock.base.errors import InvalidArgumentError, OutOfRangeError
from penstock.engine.kernels import eager_store
from penstock.engine.store import Store

INFINITE, UNKNOWN = -1, -2
AUTOTUNE = -1
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class IteratorStore(Store):
    """The store that the functions of one iterator see: streams of random numbers are its own, all else is its parent's."""

    def __init__(self, parent: Store):
        super().__init__()
        self.parent = parent
        self.lock = parent.lock

    def get(self, kind: str, container: str, name: str, make: Callable[[], Any]) -> Any:
        return super().get(kind, container, name, make) if kind == "stream" else self.parent.get(kind, container, name, make)

    def find(self, kind: str, container: str, name: str) -> Any:
        return self.parent.find(kind, container, name)


class Context:
    """What the streams of one iterator share: the store, its options, and what is to be closed with it."""

    def __init__(self, store: Store | None = None, options: dict[str, Any] | None = None):
        self.store = store if store is not None else eager_store
        self.own = IteratorStore(self.store)
        self.options = options or {}
        self.calls: dict[Any, Any] = {}
        self.memory: dict[Any, Any] = {}
        self.threads: list[Any] = []

    def random_states(self) -> list[Any]:
        """Where the iterator's streams of random numbers stand, in the order in which they were made."""
        return [np.asarray(cell.value) for cell in self.own.resources()]

    def restore_random_states(self, states: list[Any]) -> None:
        for cell, state in zip(self.own.resources(), states):
            cell.value = state

    @property
    def deterministic(self) -> bool:
        return self.options.get("deterministic") is not False

    def close(self) -> None:
        """End the threads of all streams."""
        threads, self.threads = self.threads, []
        for t in threads:
            t.stop()


class Stream:
    """A stage that runs."""

    def next(self) -> Any:
        """The next element, or None at the end."""
        raise AttributeError("next")

    def save(self) -> Any:
        return ()

    def restore(self, state: Any) -> None:
        return None

    def skip(self, count: int) -> int:
        """Leave out up to `count` elements; how many there were."""
        done = 0
        while done < count and self.next() is not None:
            done += 1
        return done


class Pipe:
    """A stage of a pipeline as a value: `inputs` are the stages before it."""

    inputs: tuple["Pipe", ...] = ()
    options: dict[str, Any] = {}
    types: Any = None
    shapes: Any = None

    def signature(self) -> str:
        return "dataset"

    def stream(self, ctx: Context) -> Stream:
        raise AttributeError("stream")

    def size(self) -> int:
        """The number of elements, or INFINITE or UNKNOWN."""
        return UNKNOWN

    def get(self, index: int, ctx: Context) -> Any:
        """The element at an index; stages that cannot tell run from the beginning."""
        stream = self.stream(ctx)
        if stream.skip(index) == index:
            found = stream.next()
            if found is not None:
                return found
        raise OutOfRangeError(None, None, f"Index out of range [0, {self.size()}): {index}")

    def all_options(self) -> dict[str, Any]:
        """The options of this stage and of those before it; the later ones win."""
        found: dict[str, Any] = {}
        for p in self.inputs:
            found.update(p.all_options())
        found.update(self.options)
        return found

    def deep_copy(self) -> "Pipe":
        return self


def check_index(pipe: Pipe, index: int) -> None:
    n = pipe.size()
    if index < 0 or (n >= 0 and index >= n):
        raise OutOfRangeError(None, None, f"Index out of range [0, {n}):{index}")


def flat_bytes(element: Any) -> int:
    """How much memory an element takes, about."""
    return sum(a.nbytes for a in element if type(a) is np.ndarray)


def scalar(value: Any) -> Any:
    return np.asarray(value).item()


def take_all(stream: Stream) -> Iterable[Any]:
    """The elements of a stream that are left."""
    while True:
        element = stream.next()
        if element is None:
            return
        yield element


# -- rows put together and taken apart ---------------------------------------------------------------------------------
_object = np.dtype(object)


def stacked(column: Any, component: int = 0) -> Any:
    """Arrays of one shape, as one array with a new first axis."""
    first = column[0]
    if type(first) is not np.ndarray:
        out = np.empty(len(column), object)  # variants
        for i, v in enumerate(column):
            out[i] = v
        return out
    shape = first.shape
    dtype = first.dtype
    if not shape:
        if dtype != _object:
            try:
                return np.array(column, dtype)
            except ValueError:
                pass
        else:
            out = np.empty(len(column), object)
            out[:] = [c.item() for c in column]
            return out
    for i, c in enumerate(column):
        if c.shape != shape:
            show = lambda s: "[" + ",".join(map(str, s)) + "]"
            fused = f" Cannot add tensor to the batch: number of elements does not match. Shapes are: [tensor]: {show(c.shape)}, [batch]: {show(shape)}"
            raise InvalidArgumentError(
                None, None, f"Cannot batch tensors with different shapes in component {component}. First element had shape {show(shape)} and element {i} had shape "
                f"{show(c.shape)}.{fused if c.size != first.size else ''}",
            )  # fmt: skip
    out = np.empty((len(column), *shape), dtype)
    for i, c in enumerate(column):
        out[i] = c
    return out


def batched(elements: list[Any]) -> list[Any]:
    """Elements as one element with a new first axis."""
    return [stacked(column, i) for i, column in enumerate(zip(*elements))]


def row(array: Any, i: int) -> Any:
    """Row i of a component; variants and strings keep their kind."""
    found = array[i]
    if type(found) is np.ndarray:
        return found
    if array.dtype == _object:
        if type(found) is bytes or type(found) is str:
            out = np.empty((), object)
            out[()] = found
            return out
        return found
    return np.asarray(found)


class Locked(Stream):
    """A stream that several threads take elements from."""

    def __init__(self, inner: Stream):
        self.inner, self.lock = inner, threading.Lock()

    def next(self) -> Any:
        with self.lock:
            return self.inner.next()

    def save(self) -> Any:
        return self.inner.save()

    def restore(self, state: Any) -> None:
        self.inner.restore(state)
