"""What a queue holds: elements in order, a limit, threads that wait."""

import heapq
import itertools
import random
import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from penstock.base.errors import CancelledError, InvalidArgumentError, OutOfRangeError


class Queue:
    """First in, first out; each element is a tuple of arrays."""

    def __init__(self, name: str, types: list[Any], shapes: list[Any], capacity: int):
        self.name, self.types, self.shapes = name, types, shapes
        self.capacity = capacity if capacity > 0 else 2**31 - 1
        self.changed = threading.Condition()
        self.closed = self.cancelled = self.gone = False
        self.items: Any = []

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"

    # what the kinds differ in
    def put(self, item: tuple[Any, ...]) -> None:
        self.items.append(item)

    def take(self) -> tuple[Any, ...]:
        return self.items.pop(0)

    def available(self) -> int:
        return len(self.items)

    def size(self) -> int:
        return len(self.items)

    def check(self, parts: list[Any], many: bool) -> None:
        """Do the components fit the declared shapes?"""
        for i, (part, shape) in enumerate(zip(parts, self.shapes)):
            have = part.shape[1:] if many else part.shape
            if shape is not None and (len(have) != len(shape) or any(s is not None and s != h for s, h in zip(shape, have))):
                raise InvalidArgumentError(None, None, f"Shape mismatch in tuple component {i}. Expected {list(shape)}, got {list(have)}")
        if many:
            if any(p.ndim == 0 for p in parts):
                raise InvalidArgumentError(None, None, "enqueue_many needs components of rank 1 or more")
            if len({p.shape[0] for p in parts}) > 1:
                raise InvalidArgumentError(None, None, f"All input tensors must have the same size in the 0th dimension, got {[p.shape[0] for p in parts]}")

    # -- the ops -----------------------------------------------------------------------------------------------------
    def _wait(self, ready: Callable[[], bool]) -> None:
        while not ready():
            if self.gone:
                raise CancelledError(None, None, f"Enqueue or dequeue operation was cancelled: the session of queue {self.name!r} was closed")
            self.changed.wait(1.0)

    def enqueue(self, items: list[tuple[Any, ...]]) -> None:
        """Add elements, waiting for room; CancelledError when the queue is closed."""
        with self.changed:
            for item in items:
                if self.closed:
                    raise CancelledError(None, None, f"FIFOQueue '{self.name}' is closed.")
                self._wait(lambda: self.size() < self.capacity or self.cancelled or (self.closed and self.cancelled))
                if self.cancelled:
                    raise CancelledError(None, None, f"Enqueue operation was cancelled: queue '{self.name}' is closed.")
                self.put(item)
                self.changed.notify_all()

    def dequeue(self, n: int, up_to: bool = False) -> list[tuple[Any, ...]]:
        """Take `n` elements, waiting for them; OutOfRangeError when the queue is closed and too few are left."""
        with self.changed:
            taken: list[tuple[Any, ...]] = []
            while len(taken) < n:
                self._wait(lambda: self.available() > 0 or self.closed)
                if self.available() > 0:
                    taken.append(self.take())
                    self.changed.notify_all()
                    continue
                if up_to and taken:
                    break
                left = len(taken)
                for item in taken:  # nothing is lost
                    self.put(item)
                raise OutOfRangeError(None, None, f"FIFOQueue '{self.name}' is closed and has insufficient elements (requested {n}, current size {left + self.size() - len(taken)})")
            return taken

    def close(self, cancel_pending: bool) -> None:
        with self.changed:
            self.closed = True
            self.cancelled = self.cancelled or cancel_pending
            self.changed.notify_all()

    def session_closed(self) -> None:
        """Wake up whoever waits: the session is gone."""
        with self.changed:
            self.gone = self.closed = self.cancelled = True
            self.changed.notify_all()

    def stacked(self, items: list[tuple[Any, ...]]) -> list[np.ndarray]:
        """Elements as one array a component."""
        if not items:
            return [np.zeros((0, *[d or 0 for d in s]), t.array_dtype) for t, s in zip(self.types, self.shapes)]
        return [np.stack(column) for column in zip(*items)]


class PaddingQueue(Queue):
    """Elements of several sizes: taken together, the smaller ones are filled up with zeros."""

    def stacked(self, items: list[tuple[Any, ...]]) -> list[np.ndarray]:
        if not items:
            return super().stacked(items)
        columns = []
        for column, dtype in zip(zip(*items), self.types):
            if not column[0].ndim:
                columns.append(np.stack(column))
                continue
            shape = tuple(max(sizes) for sizes in zip(*[c.shape for c in column]))
            out = np.zeros((len(column), *shape), dtype.array_dtype)
            if dtype.name == "string":
                out[...] = b""
            for row, c in zip(out, column):
                row[tuple(slice(0, n) for n in c.shape)] = c
            columns.append(out)
        return columns


class ShuffleQueue(Queue):
    """Elements come out in random order; some are kept back so that the order stays random."""

    def __init__(self, name: str, types: list[Any], shapes: list[Any], capacity: int, keep: int, seed: int, seed2: int):
        super().__init__(name, types, shapes, capacity)
        self.keep = keep
        self.random = random.Random((seed, seed2).__hash__() if seed or seed2 else None)

    def available(self) -> int:
        return len(self.items) - (0 if self.closed else self.keep)

    def take(self) -> tuple[Any, ...]:
        i = self.random.randrange(len(self.items))
        self.items[i], self.items[-1] = self.items[-1], self.items[i]
        return self.items.pop()


class RankedQueue(Queue):
    """The element with the smallest first component comes out first."""

    def __init__(self, *args: Any):
        super().__init__(*args)
        self.arrivals = itertools.count()

    def put(self, item: tuple[Any, ...]) -> None:
        heapq.heappush(self.items, (int(item[0]), next(self.arrivals), item))

    def take(self) -> tuple[Any, ...]:
        return heapq.heappop(self.items)[2]
