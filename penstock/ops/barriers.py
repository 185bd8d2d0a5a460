"""Barriers: rows that are collected component by component under string keys until they are whole."""

import threading
from typing import Any

import numpy as np

from penstock.base.errors import CancelledError, InvalidArgumentError, OutOfRangeError
from penstock.ir.op import op


def _bad(message: str) -> InvalidArgumentError:
    return InvalidArgumentError(None, None, message)


class Barrier:
    """Rows under keys: those that still miss components, and the whole ones in the order in which their keys first came."""

    def __init__(self, name: str, types: list[Any], shapes: list[Any]):
        self.name, self.types, self.shapes = name, types, shapes
        self.changed = threading.Condition()
        self.partial: dict[bytes, tuple[int, list[Any]]] = {}
        self.ready: list[tuple[int, bytes, list[Any]]] = []
        self.started = 0
        self.closed = self.cancelled = self.gone = False

    def session_closed(self) -> None:
        with self.changed:
            self.gone = True
            self.changed.notify_all()

    def insert(self, keys: Any, component: int, values: Any) -> None:
        if not 0 <= component < len(self.types):
            raise _bad(f"The component ID is out of range {component} > num_components (= {len(self.types)})")
        if values.dtype != self.types[component].array_dtype:
            raise _bad(f"Component {component} of barrier '{self.name}' is {self.types[component].name}, got {values.dtype}")
        if values.ndim == 0 or len(values) != len(keys):
            raise _bad(f"Barrier '{self.name}': {len(keys)} keys need values of as many rows, got shape {list(values.shape)}")
        with self.changed:
            if self.cancelled:
                raise CancelledError(None, None, f"Barrier {self.name} is closed. Pending enqueues cancelled")
            for key, value in zip(keys.tolist(), values):
                if key not in self.partial:
                    if self.closed:
                        raise CancelledError(None, None, f"Barrier {self.name} is closed, but attempted to insert a brand new key: {key.decode(errors='replace')}. "
                                                         "Pending inserts of other components will be allowed")  # fmt: skip
                    self.partial[key] = (self.started, [None] * len(self.types))
                    self.started += 1
                at, row = self.partial[key]
                if row[component] is not None:
                    raise _bad(f"Key {key.decode(errors='replace')} already has a value for component {component} in barrier {self.name}")
                row[component] = np.asarray(value)
                if all(v is not None for v in row):
                    del self.partial[key]
                    self.ready.append((at - 2**63, key, row))
            self.changed.notify_all()

    def take(self, count: int, small: bool, whole_first: bool) -> list[Any]:
        if count < 0:
            raise _bad("num_elements must be nonnegative")
        with self.changed:
            while len(self.ready) < count:
                if self.gone:
                    raise CancelledError(None, None, "TakeMany operation was cancelled: the session was closed")
                if self.closed and (not self.partial or self.cancelled or (small and not whole_first)):
                    if small and self.ready:
                        break
                    raise OutOfRangeError(None, None, f"Barrier '{self.name}' is closed and has insufficient elements (requested {count}, total size {len(self.ready)})")
                self.changed.wait(1.0)
            taken, self.ready = self.ready[:count], self.ready[count:]
            return taken

    def close(self, cancel: bool) -> None:
        with self.changed:
            if self.closed and (self.cancelled or not cancel):
                raise CancelledError(None, None, f"Barrier '{self.name}' is already closed.")
            self.closed, self.cancelled = True, self.cancelled or cancel
            if cancel:
                self.partial.clear()
            self.changed.notify_all()


@op('Barrier(*, capacity: int = -1, component_types: list(type) >= 1, container: str = "", shapes: list(shape) >= 0 = [], shared_name: str = "") '
    "-> handle: Ref(string)", effect="handle", shape=lambda **_: (2,))  # fmt: skip
def BARRIER(xp, store, *, component_types, container, shapes, shared_name):
    """The barrier of this name, made on first use."""
    for i, s in enumerate(shapes):
        if s is not None and 0 in s:
            raise _bad(f"Empty tensors are not supported, but received shape '{list(s)}' at index {i}")
    return store.get("barrier", container, shared_name, lambda: Barrier(shared_name or store.node_name, component_types, shapes))


_HOST: dict[str, Any] = {"where": "host", "effect": "io"}


@op("BarrierInsertMany(handle: Ref(string), keys: string, values: T, *, T: type, component_index: int) -> ()", **_HOST)
def BARRIER_INSERT_MANY(xp, handle, keys, values, *, component_index):
    """Give each key its value of one component."""
    handle.insert(keys, component_index, values)
    return ()


@op("BarrierTakeMany(handle: Ref(string), num_elements: int32, *, allow_small_batch: bool = False, component_types: list(type) >= 1, timeout_ms: int = -1, "
    "wait_for_incomplete: bool = False) -> (indices: int64, keys: string, values: component_types)",
    shape=lambda *_, component_types: ((None,), (None,), [None] * len(component_types)), **_HOST)  # fmt: skip
def BARRIER_TAKE_MANY(xp, handle, num_elements, *, allow_small_batch, component_types, wait_for_incomplete):
    """So many whole rows, waited for: when their keys came, the keys, and each component stacked."""
    rows = handle.take(int(num_elements), allow_small_batch, wait_for_incomplete)
    keys = np.array([k for _, k, _ in rows], object)
    columns = [np.stack([r[i] for _, _, r in rows]) if rows else np.zeros(0, t.array_dtype) for i, t in enumerate(component_types)]
    return np.array([at for at, _, _ in rows], np.int64), keys, columns


@op("BarrierClose(handle: Ref(string), *, cancel_pending_enqueues: bool = False) -> ()", **_HOST)
def BARRIER_CLOSE(xp, handle, *, cancel_pending_enqueues):
    """Let no new keys in."""
    handle.close(cancel_pending_enqueues)
    return ()


@op("BarrierReadySize(handle: Ref(string)) -> size: int32", shape=lambda handle: (), **_HOST)
def BARRIER_READY_SIZE(xp, handle):
    """How many whole rows there are."""
    return np.array(len(handle.ready), np.int32)


@op("BarrierIncompleteSize(handle: Ref(string)) -> size: int32", shape=lambda handle: (), **_HOST)
def BARRIER_INCOMPLETE_SIZE(xp, handle):
    """How many rows still miss components."""
    return np.array(len(handle.partial), np.int32)


for _one in (BARRIER, BARRIER_INSERT_MANY, BARRIER_TAKE_MANY, BARRIER_CLOSE, BARRIER_READY_SIZE, BARRIER_INCOMPLETE_SIZE):
    _one.no_grad()
