"""Lookup tables filled from datasets."""

from typing import Any

import numpy as np

from penstock.base import dtypes
from penstock.base.dtypes import as_dtype
from penstock.base.export import export
from penstock.data.dataset import DatasetV2
from penstock.data.pipeline import Context, Pipe
from penstock.ir.op import op
from penstock.ir.type_spec import TensorSpec
from penstock.state.lookup import StaticHashTable, StaticVocabularyTable, TableInitializerBase, _check_types


@op("InitializeTableFromDataset(table_handle: resource, dataset: variant) -> ()", where="host", effect="io", needs_store=True)
def INITIALIZE_TABLE_FROM_DATASET(xp, store, table_handle, dataset):
    """Fill a table with the (key, value) pairs of a dataset."""
    pipe = dataset if isinstance(dataset, Pipe) else dataset.item()
    ctx = Context(store.store, pipe.all_options())
    try:
        stream = pipe.stream(ctx)
        keys, values = [], []
        while (element := stream.next()) is not None:
            keys.append(element[0])
            values.append(element[1])
    finally:
        ctx.close()
    flat = lambda rows, kind: np.array([r.item() for r in rows], kind.array_dtype) if kind is not dtypes.string else _texts(rows)
    table_handle.initialize(flat(keys, table_handle.key_dtype), flat(values, table_handle.value_dtype))
    return ()


def _texts(rows: Any) -> Any:
    out = np.empty(len(rows), object)
    out[:] = [r.item() for r in rows]
    return out


@export("data.experimental.DatasetInitializer")
class DatasetInitializer(TableInitializerBase):
    """Fills a table with the (key, value) pairs of a dataset.

    >>> pairs = tf.data.Dataset.from_tensor_slices((tf.constant(["a", "b"]), tf.constant([1, 2], tf.int64)))
    >>> table = tf.lookup.StaticHashTable(tf.data.experimental.DatasetInitializer(pairs), 0)
    >>> table.lookup(tf.constant(["b", "c"])).numpy()
    array([2, 0])
    """

    def __init__(self, dataset: Any):
        self.dataset = dataset
        spec = dataset.element_spec
        if type(spec) is not tuple or len(spec) != 2 or not all(isinstance(s, TensorSpec) for s in spec):
            raise ValueError(f"Invalid dataset: expected elements of the form (key, value), got {spec}")
        super().__init__(spec[0].dtype, spec[1].dtype)

    def initialize(self, table: Any) -> Any:
        """The operation that fills the table."""
        _check_types(table, self)
        return self._note(INITIALIZE_TABLE_FROM_DATASET(table.resource_handle, self.dataset._variant_tensor))


def _hasher(spec: Any) -> None:
    name = getattr(spec, "hasher", "fasthash")
    if name != "fasthash":
        raise ValueError(f"`hasher_spec` must be `fasthash`, got {name!r}")


@export("data.experimental.table_from_dataset")
def table_from_dataset(dataset: Any = None, num_oov_buckets: int = 0, vocab_size: Any = None, default_value: Any = None, hasher_spec: Any = None,
                       key_dtype: Any = dtypes.string, name: str | None = None) -> Any:  # fmt: skip
    """A table of the (key, value) pairs of a dataset."""
    if not isinstance(dataset, DatasetV2):
        raise ValueError("`dataset` must be a `tf.data.Dataset`" if dataset is not None else "`dataset` must be specified")
    spec = dataset.element_spec
    if type(spec) is not tuple or len(spec) != 2:
        raise ValueError(f"`dataset` must have elements of the form (key, value), got {spec}")
    if num_oov_buckets < 0:
        raise ValueError(f"`num_oov_buckets` must be greater than or equal to 0, got {num_oov_buckets}.")
    if vocab_size is not None:
        if vocab_size < 1:
            raise ValueError(f"`vocab_size` must be greater than 0, got {vocab_size}.")
        dataset = dataset.take(vocab_size)
    kind = as_dtype(key_dtype)
    if spec[0].dtype is not kind and not (kind.is_integer and spec[0].dtype.is_integer):
        raise TypeError(f"`key_dtype` must be the dtype of the keys, {spec[0].dtype.name}, got {kind.name}")
    if default_value is not None and num_oov_buckets:
        raise ValueError("Cannot specify both `default_value` and `num_oov_buckets`")
    _hasher(hasher_spec)
    initializer = DatasetInitializer(dataset)
    if num_oov_buckets:
        return StaticVocabularyTable(initializer, num_oov_buckets, lookup_key_dtype=kind, name=name)
    value = spec[1].dtype
    return StaticHashTable(initializer, default_value if default_value is not None else "" if value is dtypes.string else -1, name=name)


@export("data.experimental.index_table_from_dataset")
def index_table_from_dataset(dataset: Any = None, num_oov_buckets: int = 0, vocab_size: Any = None, default_value: Any = -1, hasher_spec: Any = None,
                             key_dtype: Any = dtypes.string, name: str | None = None) -> Any:  # fmt: skip
    """A table from the elements of a dataset to their numbers."""
    if not isinstance(dataset, DatasetV2):
        raise ValueError("`dataset` must be specified")
    pairs = dataset.enumerate().map(lambda number, value: (value, number))
    return table_from_dataset(pairs, num_oov_buckets, vocab_size, None if num_oov_buckets else default_value, hasher_spec, key_dtype, name)
