"""Seeds of random ops: the global seed, a graph's seed, and what follows for an op that was given none."""

import random
from collections.abc import Callable
from typing import Any

from penstock.base.export import export
from penstock.ir import door, node_count

DEFAULT_GRAPH_SEED = 87654321
LARGEST = 2**31 - 1
restart: Callable[[], None] | None = None
"""Slot: start the streams of eager random ops anew."""


class _Global:
    seed: Any = None
    generator = random.Random()


_global = _Global()


def global_seed() -> Any:
    """What `tf.random.set_seed` was last given."""
    return _global.seed


def _graph_op_seed(graph: Any) -> int:
    if node_count.enabled:
        return node_count.of(graph)
    used = graph._extras.get("seeds", 0)
    graph._extras["seeds"] = used + 1
    return used


@export(v1=("get_seed", "random.get_seed"))
def get_seed(op_seed: int | None) -> tuple[Any, Any]:
    """The two seeds of an op from the seed its caller gave, or None: (None, None) when nothing is seeded.

    >>> tf.random.set_seed(7); tf.compat.v1.get_seed(5)
    (7, 5)
    """
    here = door.current()
    graph_seed = here.seed if here.is_graph else _global.seed
    if graph_seed is None:
        if op_seed is None:
            return None, None
        graph_seed = DEFAULT_GRAPH_SEED
    elif op_seed is None:
        op_seed = _graph_op_seed(here) if here.is_graph else _global.generator.randint(0, LARGEST)
    pair = graph_seed % LARGEST, op_seed % LARGEST
    return (0, LARGEST) if pair == (0, 0) else pair


def op_seeds(op_seed: Any) -> dict[str, int]:
    """The `seed` and `seed2` attrs of an op: both 0 when nothing is seeded, for numbers that nobody can predict."""
    first, second = get_seed(op_seed)
    return {"seed": int(first or 0), "seed2": int(second or 0)}


def _set(seed: Any) -> None:
    here = door.current()
    if here.is_graph:
        here.seed = seed
        return
    _global.seed = seed
    _global.generator = random.Random(seed)
    if restart is not None:
        restart()


@export(v2=("random.set_seed",))
def set_seed(seed: int | None) -> None:
    """Set the global seed, and begin every sequence of random numbers again.

    >>> tf.random.set_seed(1); a = tf.random.uniform([])
    >>> tf.random.set_seed(1); bool(a == tf.random.uniform([]))
    True
    """
    _set(seed)


@export(v1=("set_random_seed", "random.set_random_seed"))
def set_random_seed(seed: int | None) -> None:
    """Set the seed of the default graph; the global seed when ops run eagerly."""
    _set(seed)
