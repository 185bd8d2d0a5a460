"""How many elements the batches of a pipeline hold: what sharding a batch over replicas asks."""

from typing import Any

import numpy as np

from penstock.base import nest
from penstock.data.batching import BatchPipe
from penstock.data.caching import CachePipe
from penstock.data.mapping import FilterPipe, MapAndBatchPipe
from penstock.data.ordering import (
    ConcatenatePipe,
    OptionsPipe,
    PrefetchPipe,
    RepeatPipe,
    ShardPipe,
    ShufflePipe,
    SkipPipe,
    TakePipe,
    ZipPipe,
)
from penstock.ir import door

KEEPING = (CachePipe, FilterPipe, OptionsPipe, PrefetchPipe, RepeatPipe, ShardPipe, ShufflePipe, SkipPipe, TakePipe)
SAME = (ConcatenatePipe, ZipPipe)
"""Stages over several pipelines, whose batches have to be of one size."""


def compute_batch_size(dataset: Any) -> Any:
    """The size of a dataset's batches as an int64 scalar, -1 where it cannot be told or differs.

    IndexError for elements that are scalars.
    """
    dims = [None if s.shape.rank is None else s.shape[0] for s in nest.flatten(dataset.element_spec) if hasattr(s, "shape")]
    if dims and dims[0] is not None and all(d == dims[0] for d in dims):
        return door.convert(np.int64(dims[0]))
    pipe = getattr(dataset._variant_tensor, "_array", None)
    return door.convert(np.int64(-1 if pipe is None else _batch_of(pipe)))


def _batch_of(pipe: Any) -> int:
    if isinstance(pipe, (BatchPipe, MapAndBatchPipe)):
        return int(pipe.batch)
    if isinstance(pipe, KEEPING):
        return _batch_of(pipe.inputs[0])
    if isinstance(pipe, SAME):
        found = {_batch_of(p) for p in pipe.inputs}
        return found.pop() if len(found) == 1 else -1
    return -1
