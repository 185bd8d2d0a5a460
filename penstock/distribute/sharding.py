"""How the elements of a dataset are shared out among workers, and reads of variables that a worker keeps."""

import contextlib

from penstock.base import nest
from penstock.data.options import AutoShardPolicy


def auto_shard_dataset(dataset, num_shards, index, num_replicas_in_sync=None):
    """The part of the dataset that worker `index` of `num_shards` sees: every `num_shards`-th element, unless its options say OFF."""
    policy = dataset.options().experimental_distribute.auto_shard_policy
    if policy is AutoShardPolicy.OFF or (isinstance(num_shards, int) and num_shards == 1):
        return dataset
    return dataset.shard(num_shards, index)


def _get_dataset_attributes(dataset):
    """(size of the batches, or None; whether the last smaller one is dropped; the size of the prefetch buffer, or None)."""
    stages = []
    while dataset is not None:
        stages.append(dataset)
        inputs = dataset._inputs()
        dataset = inputs[0] if len(inputs) == 1 else None
    batched = next((d for d in stages if type(d).__name__ in ("_BatchDataset", "_ParallelBatchDataset", "_MapAndBatchDataset")), None)
    size = drop = None
    if batched is not None:
        flat = nest.flatten(batched.element_spec)
        rows = flat[0].shape[0] if flat and flat[0].shape.rank else None
        size, drop = rows, rows is not None
    buffer = next((getattr(d, "_buffer_size", None) for d in stages if type(d).__name__ == "_PrefetchDataset"), None)
    return size, drop, buffer


@contextlib.contextmanager
def cache_variable_reads():
    """A context in which a variable on another machine may be read once; variables stand in this process, so each read is new."""
    yield
