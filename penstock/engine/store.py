"""State: a variable is a Cell; a Store holds the cells and the host resources (queues, tables) of a session or of eager code."""

import os
import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from penstock.base.dtypes import DType
from penstock.base.errors import FailedPreconditionError
from penstock.base.shape import Dims


class Cell:
    """One variable: a holder of an array, so that plans can point straight at it."""

    __slots__ = ("value", "dtype", "dims", "name", "store", "__weakref__")

    def __init__(self, store: "Store", dtype: DType, dims: Dims, name: str):
        self.store, self.dtype, self.dims, self.name, self.value = store, dtype, dims, name, None

    @property
    def initialized(self) -> bool:
        return self.value is not None

    def read(self) -> Any:
        """The array; FailedPreconditionError before the first write."""
        with self.store.lock:  # a plan of another thread must not give the buffer away meanwhile
            value = self.value
            if value is None:
                raise uninitialized(self)
            return value if type(value) is np.ndarray else np.asarray(value)  # a view outlives the donation of the buffer

    def write(self, value: Any) -> None:
        self.value = value

    def clear(self) -> None:
        """Forget the value (`DestroyResourceOp`)."""
        self.value = None

    def __repr__(self) -> str:
        return f"<cell {self.name} {self.dtype.name}>"


def uninitialized(cell: Cell) -> Exception:
    return FailedPreconditionError(
        None, None, f"Attempting to use uninitialized value {cell.name}\n  Error while reading resource variable {cell.name} from Container: localhost. "
        "This could mean that the variable was uninitialized.\n  fix: run its initializer (tf.global_variables_initializer()) first, in the same session",
    )  # fmt: skip


class Store:
    """The resources of one session, or of all eager code, by kind, container and name."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._held: dict[tuple[str, str, str], Any] = {}

    def get(self, kind: str, container: str, name: str, make: Callable[[], Any]) -> Any:
        """The resource of this name, made on first use; an empty name makes a new one that nobody shares."""
        if not name:
            return make()
        key = (kind, container, name)
        with self.lock:
            found = self._held.get(key)
            if found is None:
                found = self._held[key] = make()
            return found

    def find(self, kind: str, container: str, name: str) -> Any:
        return self._held.get((kind, container, name))

    def forget(self, containers: list[str] | None = None) -> None:
        """Drop what the containers hold (None: everything)."""
        with self.lock:
            for key in [k for k in self._held if containers is None or k[1] in containers]:
                del self._held[key]

    def resources(self) -> list[Any]:
        return list(self._held.values())


class NodeStore:
    """What a `handle` op's body sees: the store, with the node's own name standing in for an empty shared name."""

    __slots__ = ("store", "node_name")

    def __init__(self, store: Store, node_name: str):
        self.store, self.node_name = store, node_name

    def get(self, kind: str, container: str, shared_name: str, make: Callable[[], Any]) -> Any:
        return self.store.get(kind, container, shared_name or self.node_name, make)

    def cell(self, container: str, shared_name: str, dtype: DType, dims: Dims) -> Cell:
        name = shared_name or self.node_name or "Variable"
        return self.get("variable", container, shared_name, lambda: Cell(self.store, dtype, dims, name))


def random_seed_state(seed: int, seed2: int) -> np.ndarray:
    """The initial state of a seeded random op: [counter_lo, counter_hi, key] as uint64; both seeds zero draw from the system."""
    if seed == 0 and seed2 == 0:
        lo, hi = np.frombuffer(os.urandom(16), np.uint64)
        return np.array([0, lo, hi], np.uint64)
    return np.array([0, np.int64(seed2).astype(np.uint64), np.int64(seed).astype(np.uint64)], np.uint64)

