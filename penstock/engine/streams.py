"""The position of each random op in its stream of numbers: a cell of the store."""

import weakref
from typing import Any

import numpy as np

from penstock.base import dtypes
from penstock.engine.store import Cell, Store, random_seed_state

LIMIT = 1 << 16
"""Streams of eager ops that are remembered; beyond it the oldest begin anew."""
_eager: dict[Any, Cell] = {}
_awaited: dict[tuple[str, int, int], list[list[int]]] = {}
"""Positions that were restored of streams which are not made yet, by the op's name and its seeds."""
_awaited_in: Any = None
"""The store of those streams."""
_seeds: weakref.WeakKeyDictionary[Cell, tuple[int, int]] = weakref.WeakKeyDictionary()


def _new(store: Store | None, name: str, attrs: dict[str, Any]) -> Cell:
    cell = Cell(store, dtypes.uint64, (3,), name)  # type: ignore[arg-type]
    given = _seeds[cell] = attrs.get("seed", 0), attrs.get("seed2", 0)
    waiting = _awaited.get((name, *given)) if store is _awaited_in else None
    cell.value = np.array(waiting.pop(0), np.uint64) if waiting else random_seed_state(*given)
    return cell


def stream_cell(store: Store, node: Any) -> Cell:
    """The cell of a random node in a store, seeded by the node's attrs."""
    return store.get("stream", "", f"{node._id}", lambda: _new(store, node.name, node.attrs))


def eager_stream(store: Store, op: Any, key: Any, attrs: dict[str, Any]) -> Cell:
    """The cell that all eager calls of an op with these attrs and input dtypes share."""
    cell = _eager.get((op.name, key))
    if cell is None:
        if len(_eager) >= LIMIT:
            _eager.pop(next(iter(_eager)))
        cell = _eager[op.name, key] = _new(store, op.name, attrs)
    return cell


def restart_streams(store: Store) -> None:
    """Put every stream of a store back to its beginning: what `tf.random.set_seed` does to eager code and functions."""
    for cell, given in list(_seeds.items()):
        if cell.store is store:
            cell.value = random_seed_state(*given)


def positions(store: Store) -> list[list[Any]]:
    """[name, seed, seed2, position] of every stream of a store, in the order in which they were made."""
    return [[c.name, *given, np.asarray(c.read()).tolist()] for c, given in list(_seeds.items()) if c.store is store and c.value is not None]


def restore(store: Store, found: list[list[Any]]) -> None:
    """Put streams where `positions` found them: those of the same name and seeds one after the other, those not made yet when they are."""
    global _awaited_in
    _awaited_in = store
    _awaited.clear()
    for name, seed, seed2, position in found:
        _awaited.setdefault((name, seed, seed2), []).append(position)
    for cell, given in list(_seeds.items()):
        waiting = _awaited.get((cell.name, *given)) if cell.store is store else None
        if waiting:
            cell.value = np.array(waiting.pop(0), np.uint64)
