"""Staging areas: values that wait between the steps of a program, in order or under int64 keys."""

import threading
from typing import Any

import numpy as np

from penstock.base.errors import CancelledError, InvalidArgumentError
from penstock.ir.op import op

_FIELDS = 'capacity: int >= 0 = 0, container: str = "", dtypes: list(type){least}, {fake}memory_limit: int >= 0 = 0, shared_name: str = ""'
_HOST: dict[str, Any] = {"where": "host", "effect": "io", "needs_store": True}


def _bad(message: str) -> InvalidArgumentError:
    return InvalidArgumentError(None, None, message)


def _bytes(parts: Any) -> int:
    return sum(int(np.asarray(p).nbytes) for p in parts if p is not None)


class Stage:
    """What all areas do: wait for room, wait for values, and stop waiting when the session closes."""

    def __init__(self, capacity: int, memory_limit: int):
        self.capacity, self.memory_limit = capacity, memory_limit
        self.changed = threading.Condition()
        self.gone = False

    def session_closed(self) -> None:
        with self.changed:
            self.gone = True
            self.changed.notify_all()

    def wait(self, ready: Any) -> None:
        while not ready():
            if self.gone:
                raise CancelledError(None, None, "Staging was cancelled: the session was closed")
            self.changed.wait(1.0)

    def fits(self, size: int) -> None:
        if 0 < self.memory_limit < size:
            raise _bad(f"Attempted to insert tensors with combined size of '{size}' bytes into Staging Area with a memory limit of '{self.memory_limit}'.")

    def has_room(self, held: int, count: int, size: int) -> bool:
        return not (0 < self.capacity <= count) and not (0 < self.memory_limit < held + size)


class Line(Stage):
    """Tuples of values, first in first out."""

    def __init__(self, capacity: int, memory_limit: int):
        super().__init__(capacity, memory_limit)
        self.items: list[Any] = []
        self.held = 0

    def put(self, parts: Any) -> None:
        size = _bytes(parts)
        with self.changed:
            self.fits(size)
            self.wait(lambda: self.has_room(self.held, len(self.items), size))
            self.items.append(parts)
            self.held += size
            self.changed.notify_all()

    def take(self) -> Any:
        with self.changed:
            self.wait(lambda: bool(self.items))
            parts = self.items.pop(0)
            self.held -= _bytes(parts)
            self.changed.notify_all()
            return parts

    def peek(self, index: int) -> Any:
        if index < 0:
            raise _bad(f"The index of a staged element is at least 0, got {index}")
        with self.changed:
            self.wait(lambda: len(self.items) > index)
            return self.items[index]

    def size(self) -> int:
        return len(self.items)

    def clear(self) -> None:
        with self.changed:
            self.items.clear()
            self.held = 0
            self.changed.notify_all()


class Shelf(Stage):
    """Tuples of values under keys; a tuple may come in parts, and parts of it may be taken."""

    def __init__(self, capacity: int, memory_limit: int, count: int, ordered: bool):
        super().__init__(capacity, memory_limit)
        self.count, self.ordered = count, ordered
        self.complete: dict[int, list[Any]] = {}
        self.partial: dict[int, list[Any]] = {}
        self.held = 0

    def _positions(self, indices: Any) -> list[int]:
        at = np.asarray(indices).reshape(-1).tolist()
        for i in at:
            if not 0 <= i < self.count:
                raise _bad(f"Index '{i}' for key was out of bounds '{self.count}'.")
        return at

    def put(self, key: int, indices: Any, values: Any) -> None:
        at, size = self._positions(indices), _bytes(values)
        if len(at) != len(values):
            raise _bad(f"Indices and values have different sizes: {len(at)} and {len(values)}")
        if any(b <= a for a, b in zip(at, at[1:])):
            raise _bad("Indices are not strictly ordered")
        with self.changed:
            self.fits(size)
            self.wait(lambda: key in self.partial or self.has_room(self.held, len(self.complete), size))
            row = self.partial.get(key)
            if key in self.complete:
                raise _bad(f"The tensor for index '{at[0] if at else 0}' for key '{key}' was already initialized.")
            row = [None] * self.count if row is None else row
            for i, v in zip(at, values):
                if row[i] is not None:
                    raise _bad(f"The tensor for index '{i}' for key '{key}' was already initialized.")
                row[i] = v
            self.held += size
            if any(v is None for v in row):
                self.partial[key] = row
            else:
                self.partial.pop(key, None)
                self.complete[key] = row
            self.changed.notify_all()

    def _pick(self, key: int, at: list[int], remove: bool) -> list[Any]:
        row = self.complete[key]
        for i in at:
            if row[i] is None:
                raise _bad(f"Tensor at index '{i}' for key '{key}' has already been removed.")
        found = [row[i] for i in at]
        if remove:
            for i in at:
                row[i] = None
            self.held -= _bytes(found)
            if all(v is None for v in row):
                del self.complete[key]
            self.changed.notify_all()
        return found

    def take(self, key: int, indices: Any, remove: bool = True) -> list[Any]:
        at = self._positions(indices)
        with self.changed:
            self.wait(lambda: key in self.complete)
            return self._pick(key, at, remove)

    def take_any(self, indices: Any) -> tuple[int, list[Any]]:
        at = self._positions(indices)
        with self.changed:
            self.wait(lambda: bool(self.complete))
            key = min(self.complete) if self.ordered else next(iter(self.complete))
            return key, self._pick(key, at, True)

    def size(self) -> int:
        return len(self.complete)

    def clear(self) -> None:
        with self.changed:
            self.complete.clear()
            self.partial.clear()
            self.held = 0
            self.changed.notify_all()


# -- in order ----------------------------------------------------------------------------------------------------------
def _line(store: Any, container: str, shared_name: str, capacity: int, memory_limit: int) -> Line:
    return store.get("stage", container, shared_name or store.node_name or "stage", lambda: Line(capacity, memory_limit))


def _checked(parts: Any, indices: Any, dtypes: Any, what: str) -> list[Any]:
    wanted = dtypes if indices is None else [dtypes[i] for i in np.asarray(indices).reshape(-1).tolist() if 0 <= i < len(dtypes)]
    if len(parts) != len(wanted) and indices is None:
        raise _bad(f"{what} holds {len(parts)} values, {len(wanted)} were asked for")
    return list(parts)


@op(f"Stage(values: dtypes, *, {_FIELDS.format(least=' >= 1', fake='')}) -> ()", **_HOST)
def STAGE(xp, store, values, *, capacity, container, memory_limit, shared_name):
    """Put a tuple of values at the end of the line, waiting for room."""
    _line(store, container, shared_name, capacity, memory_limit).put([np.asarray(v) for v in values])
    return ()


@op(f"Unstage(*, {_FIELDS.format(least=' >= 1', fake='')}) -> values: dtypes", shape=lambda *, dtypes: [None] * len(dtypes), **_HOST)
def UNSTAGE(xp, store, *, capacity, container, dtypes, memory_limit, shared_name):
    """The first tuple of the line, waited for."""
    return _checked(_line(store, container, shared_name, capacity, memory_limit).take(), None, dtypes, "The staging area")


@op(f"StagePeek(index: int32, *, {_FIELDS.format(least=' >= 1', fake='')}) -> values: dtypes", shape=lambda index, *, dtypes: [None] * len(dtypes), **_HOST)
def STAGE_PEEK(xp, store, index, *, capacity, container, dtypes, memory_limit, shared_name):
    """The tuple at `index` of the line; it stays there."""
    return _checked(_line(store, container, shared_name, capacity, memory_limit).peek(int(index)), None, dtypes, "The staging area")


@op(f"StageSize(*, {_FIELDS.format(least='', fake='')}) -> size: int32", shape=lambda: (), **_HOST)
def STAGE_SIZE(xp, store, *, capacity, container, memory_limit, shared_name):
    """How many tuples wait."""
    return np.array(_line(store, container, shared_name, capacity, memory_limit).size(), np.int32)


@op(f"StageClear(*, {_FIELDS.format(least='', fake='')}) -> ()", **_HOST)
def STAGE_CLEAR(xp, store, *, capacity, container, memory_limit, shared_name):
    """Forget what waits."""
    _line(store, container, shared_name, capacity, memory_limit).clear()
    return ()


# -- under keys --------------------------------------------------------------------------------------------------------
def _family(prefix: str, ordered: bool) -> None:
    """The seven ops of a map from keys to tuples; `ordered` takes the smallest key first."""
    many = _FIELDS.format(least=" >= 1", fake="")
    none = _FIELDS.format(least="", fake="")
    fake = _FIELDS.format(least="", fake="fake_dtypes: list(type) >= 1, ")

    def shelf(store: Any, container: str, shared_name: str, capacity: int, memory_limit: int, dtypes: Any) -> Shelf:
        kind = f"{prefix} stage"
        return store.get(kind, container, shared_name or store.node_name or kind, lambda: Shelf(capacity, memory_limit, len(dtypes), ordered))

    def put(xp, store, key, indices, values, *, capacity, container, dtypes, memory_limit, shared_name):
        """Put values under a key, at some places of its tuple."""
        shelf(store, container, shared_name, capacity, memory_limit, dtypes).put(int(key), indices, [np.asarray(v) for v in values])
        return ()

    def take(xp, store, key, indices, *, capacity, container, dtypes, memory_limit, shared_name):
        """Take the values at `indices` of the tuple under a key, waited for."""
        return shelf(store, container, shared_name, capacity, memory_limit, dtypes).take(int(key), indices)

    def peek(xp, store, key, indices, *, capacity, container, dtypes, memory_limit, shared_name):
        """The values at `indices` of the tuple under a key; they stay there."""
        return shelf(store, container, shared_name, capacity, memory_limit, dtypes).take(int(key), indices, False)

    def take_any(xp, store, indices, *, capacity, container, dtypes, memory_limit, shared_name):
        """A key and the values at `indices` of its tuple."""
        key, values = shelf(store, container, shared_name, capacity, memory_limit, dtypes).take_any(indices)
        return np.array(key, np.int64), values

    def size(xp, store, *, capacity, container, dtypes, memory_limit, shared_name):
        """How many tuples are complete."""
        return np.array(shelf(store, container, shared_name, capacity, memory_limit, dtypes).size(), np.int32)

    def incomplete(xp, store, *, capacity, container, dtypes, memory_limit, shared_name):
        """How many tuples are not complete yet."""
        return np.array(len(shelf(store, container, shared_name, capacity, memory_limit, dtypes).partial), np.int32)

    def clear(xp, store, *, capacity, container, dtypes, memory_limit, shared_name):
        """Forget all tuples."""
        shelf(store, container, shared_name, capacity, memory_limit, dtypes).clear()
        return ()

    several = lambda *_, dtypes: [None] * len(dtypes)
    declare(f"{prefix}Stage(key: int64, indices: int32, values: fake_dtypes, *, {fake}) -> ()", put, None)
    declare(f"{prefix}Unstage(key: int64, indices: int32, *, {many}) -> values: dtypes", take, several)
    declare(f"{prefix}Peek(key: int64, indices: int32, *, {many}) -> values: dtypes", peek, several)
    declare(f"{prefix}UnstageNoKey(indices: int32, *, {many}) -> (key: int64, values: dtypes)", take_any, lambda *_, dtypes: ((), [None] * len(dtypes)))
    declare(f"{prefix}Size(*, {none}) -> size: int32", size, lambda: ())
    declare(f"{prefix}IncompleteSize(*, {none}) -> size: int32", incomplete, lambda: ())
    declare(f"{prefix}Clear(*, {none}) -> ()", clear, None)


def declare(text: str, body: Any, shape: Any) -> None:
    """One op of a family, as a global of this file that has its name."""
    body.__qualname__ = text.partition("(")[0]
    made = op(text, shape=shape, **_HOST)(body)
    made.no_grad()
    globals()[made.name] = made


_family("Map", False)
_family("OrderedMap", True)
for _one in (STAGE, UNSTAGE, STAGE_PEEK, STAGE_SIZE, STAGE_CLEAR):
    _one.no_grad()
