"""Where every source of random numbers of this process stands, as JSON, and how to put them there again."""

import random
from typing import Any

import numpy as np

from penstock.data import sources
from penstock.engine import kernels, streams
from penstock.ir import seeds
from penstock.state import random_generator


def positions() -> dict[str, Any]:
    """Python's and NumPy's generators, the seeds to come, ops with streams of their own, the orders of datasets."""
    name, keys, *rest = np.random.get_state()
    shared = random_generator._held
    return {
        "python": random.getstate(),
        "numpy": [name, np.asarray(keys).tolist(), *rest],
        "seed": seeds._global.seed,
        "seeds": seeds._global.generator.getstate(),
        "ops": streams.positions(kernels.eager_store),
        "datasets": sources.positions(),
        "generator": [int(v) for v in shared[0].state.numpy()] if shared else None,
    }


def restore(found: dict[str, Any], moved: frozenset[int] = frozenset()) -> None:
    """Put all of them where `positions` found them, but for the datasets' generators of the numbers `moved`; what is made later begins where its like was."""
    random.setstate(_tuples(found["python"]))
    np.random.set_state(tuple(found["numpy"]))
    seeds._global.seed = found["seed"]
    seeds._global.generator.setstate(_tuples(found["seeds"]))
    streams.restore(kernels.eager_store, found["ops"])
    sources.restore([d for d in found["datasets"] if d[0] not in moved])
    if found["generator"] is not None:
        random_generator.get_global_generator().state.assign(np.array(found["generator"], np.int64))


def dataset_positions() -> set[tuple[int, ...]]:
    """The datasets' part of `positions`."""
    return {tuple(p) for p in sources.positions()}


def _tuples(state: Any) -> tuple[Any, ...]:
    version, words, rest = state
    return version, tuple(words), rest
