"""The position of each random node in its stream of numbers: a cell of the store."""

from typing import Any

from penstock.base import dtypes
from penstock.engine.store import Cell, Store, random_seed_state


def stream_cell(store: Store, node: Any) -> Cell:
    """The cell of a random node in a store, seeded by the node's attrs."""

    def make() -> Cell:
        cell = Cell(store, dtypes.uint64, (3,), node.name)
        cell.value = random_seed_state(node.attrs.get("seed", 0), node.attrs.get("seed2", 0))
        return cell

    return store.get("stream", "", f"{node._id}", make)
