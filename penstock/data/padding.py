"""Batches of elements of different sizes: padded, ragged, sparse; and batches cut anew."""

from typing import Any

import numpy as np

from penstock.base import dtypes
from penstock.base.dtypes import as_dtype
from penstock.base.export import export
from penstock.base.shape import TensorShape, as_dims
from penstock.data import batching, structure, structure_nest as nest
from penstock.data.dataset import DatasetV2, _Spec, batched_spec, int64, static_int
from penstock.ir import door
from penstock.ir.known import known_value
from penstock.ir.op import find
from penstock.ir.tensor import Tensor
from penstock.ir.type_spec import NoneTensorSpec, TensorSpec
from penstock.ops.ragged_spec import RaggedTensorSpec
from penstock.ops.ragged_tensor import RaggedTensor
from penstock.ops.sparse_tensor import SparseTensorSpec


def _check_dense(spec: Any) -> None:
    for s in nest.flatten(spec):
        if isinstance(s, (SparseTensorSpec, RaggedTensorSpec)) or not isinstance(s, (TensorSpec, NoneTensorSpec)):
            raise TypeError(f"`tf.data.Dataset.padded_batch` is only supported for datasets that produce tensor elements but type of elements in the input dataset is not supported: {s}.")


def _padded_dims(given: Any, spec: Any) -> Any:
    """One padded shape: (its dims as far as they are known, the int64 tensor)."""
    if isinstance(given, Tensor):
        if given.dtype is not dtypes.int64:
            raise TypeError(f"Padded shape {given} must be a `tf.int64` vector tensor, but its type was {given.dtype.name}.")
        value = known_value(given)
        if value is None:
            return [None] * (given._dims[0] or 0) if given._dims else None, given
        dims = [None if d < 0 else int(d) for d in value.reshape(-1)]
        _check_rank(dims, spec)
        return dims, given
    if isinstance(given, (list, tuple, np.ndarray)) and any(isinstance(d, Tensor) for d in given):
        packed = find("Pack")([int64(d) for d in given])
        return [static_int(d) if known_value(d) is not None else None for d in given], packed
    if isinstance(given, int):
        raise ValueError(f"Padded shape {given} must be a shape vector")
    try:
        dims = as_dims([None if isinstance(d, (int, np.integer)) and d < 0 else d for d in given] if isinstance(given, (list, tuple, np.ndarray)) else given)
    except TypeError:
        raise TypeError(f"Padded shape {given} must be convertible to a `tf.TensorShape` or an int64 vector") from None
    if dims is None:
        raise ValueError(f"Padded shape {given} must have a known rank")
    _check_rank(dims, spec)
    return list(dims), door.convert(np.array([-1 if d is None else d for d in dims], np.int64), dtypes.int64)


def _check_rank(dims: Any, spec: Any) -> None:
    own = spec.shape._dims
    if own is None:
        return
    if len(dims) != len(own):
        raise ValueError(f"The padded shape {tuple(dims)} is not compatible with the shape {spec.shape} of the corresponding input component.")
    for p, d in zip(dims, own):
        if p is not None and d is not None and p < d:
            raise ValueError(f"The padded shape {tuple(dims)} is not compatible with the shape {spec.shape} of the corresponding input component.")


def _default_value(dtype: Any) -> Any:
    if dtype is dtypes.string:
        return ""
    if dtype.name == "variant":
        raise TypeError("Unable to create default padding value for a component of type 'variant'.")
    return np.zeros((), dtype.array_dtype)


def _padding_value(value: Any, spec: Any) -> Any:
    if value is None:
        value = _default_value(spec.dtype)
    made = door.convert(value, None if isinstance(value, Tensor) else spec.dtype, "padding_value")
    if made._dims != () and made._dims is not None:
        raise ValueError(f"Invalid `padding_values`. `padding_values` values should be scalars, but got {made.shape}.")
    if made.dtype is not spec.dtype:
        raise TypeError(f"Invalid `padding_values`. `padding_values` values type {made.dtype} does not match type {spec.dtype} of the corresponding input component.")
    return made


def padded_batch(dataset: Any, batch_size: Any, padded_shapes: Any, padding_values: Any, drop_remainder: Any) -> Any:
    """See `Dataset.padded_batch`."""
    spec = dataset.element_spec
    _check_dense(spec)
    size = int64(batch_size, "batch_size")
    flat = [s for s in nest.flatten(spec) if not isinstance(s, NoneTensorSpec)]
    if padded_shapes is None:
        for s in flat:
            if s.shape.rank is None:
                raise ValueError("You must provide `padded_shapes` argument because component has unknown rank.")
        shapes: list[Any] = [s.shape._dims for s in flat]
    else:
        shapes = [p for p, s in zip(_up_to(spec, padded_shapes), nest.flatten(spec)) if not isinstance(s, NoneTensorSpec)]
    made = [_padded_dims(p, s) for p, s in zip(shapes, flat)]
    if padding_values is None or not nest.is_nested(padding_values):
        values: list[Any] = [padding_values] * len(flat)
        if padding_values is not None and len({s.dtype for s in flat}) > 1:
            values = [padding_values] * len(flat)
    else:
        values = [v for v, s in zip(nest.flatten_up_to(spec, padding_values), nest.flatten(spec)) if not isinstance(s, NoneTensorSpec)]
    pads = [_padding_value(v, s) for v, s in zip(values, flat)]
    drop = known_value(drop_remainder) if isinstance(drop_remainder, Tensor) else drop_remainder
    n = static_int(batch_size) if drop else None
    given = iter(made)
    out = nest.map_structure(lambda s: s if isinstance(s, NoneTensorSpec) else TensorSpec(None if (d := next(given)[0]) is None else [n, *d], s.dtype), spec)
    return dataset._then("_PaddedBatchDataset", batching.PADDED_BATCH_DATASET_V2, size, [t for _, t in made], pads,
                         door.convert(drop_remainder, dtypes.bool, "drop_remainder"), spec=_Spec(out))  # fmt: skip


def _up_to(spec: Any, shapes: Any) -> list[Any]:
    """The shapes, in the structure of the elements; a shape may be written as a list."""
    return nest.flatten_up_to(spec, shapes)


# -- ragged ------------------------------------------------------------------------------------------------------------
def ragged_batch(dataset: Any, batch_size: Any, drop_remainder: Any, row_splits_dtype: Any) -> Any:
    """See `Dataset.ragged_batch`."""
    kind = as_dtype(row_splits_dtype)

    def ragged(spec: Any) -> Any:
        if isinstance(spec, TensorSpec) and spec.shape.rank != 0 and not spec.shape.is_fully_defined() and spec.shape.rank is not None:
            return RaggedTensorSpec(spec.shape, spec.dtype, 0, kind)
        return spec

    wanted = nest.map_structure(ragged, dataset.element_spec)
    if not any(isinstance(s, RaggedTensorSpec) and s.ragged_rank == 0 for s in nest.flatten(wanted)):
        return dataset.batch(batch_size, drop_remainder)

    def convert(*element: Any) -> Any:
        found = element if type(dataset.element_spec) is tuple else element[0]
        leaves = []
        for v, s in zip(nest.flatten_up_to(wanted, found), nest.flatten(wanted)):
            leaves.append(_Rows(v, kind) if isinstance(s, RaggedTensorSpec) and s.ragged_rank == 0 else v)
        flat = [t for leaf, s in zip(leaves, nest.flatten(wanted)) for t in (leaf.variant() if isinstance(leaf, _Rows) else structure.to_tensors(s, leaf))]
        return tuple(flat)

    parts = dataset.map(convert)
    spec = batched_spec(wanted, batch_size, drop_remainder)
    batched = parts._then("_BatchDataset", batching.BATCH_DATASET_V2, int64(batch_size), door.convert(drop_remainder, dtypes.bool),
                          spec=_Spec(tuple(TensorSpec(None if s.shape.rank is None else [None, *s.shape], s.dtype) for s in nest.flatten(parts.element_spec))))  # fmt: skip

    def restore(*flat: Any) -> Any:
        given = list(flat)
        leaves = []
        for s in nest.flatten(spec):
            n = structure._count(s)
            leaves.append(structure.from_tensors(s, given[:n]))
            del given[:n]
        return nest.pack_sequence_as(spec, leaves)

    made = batched.map(restore)
    return DatasetV2._made("_BatchDataset", made._variant_tensor, spec, [dataset])


class _Rows:
    """A dense element that becomes a row of a ragged batch: a variant of ragged rank rank - 1."""

    def __init__(self, tensor: Any, kind: Any):
        self.tensor, self.kind = tensor, kind

    def variant(self) -> list[Any]:
        t = self.tensor
        rank = t.shape.rank
        if rank == 1:
            return [find("RaggedTensorToVariant")([], t, batched_input=False, Tsplits=self.kind)]
        made = RaggedTensor.from_tensor(t, ragged_rank=rank - 1, row_splits_dtype=self.kind)
        return [find("RaggedTensorToVariant")(list(made.nested_row_splits), made.flat_values, batched_input=False)]


@export("data.experimental.dense_to_ragged_batch")
def dense_to_ragged_batch(batch_size: Any, drop_remainder: bool = False, row_splits_dtype: Any = dtypes.int64) -> Any:
    """A transformation: so many elements as one RaggedTensor."""
    return lambda dataset: ragged_batch(dataset, batch_size, drop_remainder, row_splits_dtype)


# -- sparse ------------------------------------------------------------------------------------------------------------
def sparse_batch(dataset: Any, batch_size: Any, row_shape: Any) -> Any:
    """See `Dataset.sparse_batch`."""
    spec = dataset.element_spec
    if not isinstance(spec, TensorSpec):
        raise TypeError(f"In order to use `sparse_batch`, the input dataset must produce tensors whereas the input dataset produces {spec}.")
    if isinstance(row_shape, Tensor):
        value = known_value(row_shape)
        dims: Any = None if value is None else [None if d < 0 else int(d) for d in value.reshape(-1)]
        shape = int64(row_shape)
    else:
        dims = as_dims(row_shape)
        shape = door.convert(np.array([-1 if d is None else d for d in dims], np.int64), dtypes.int64)
    out = SparseTensorSpec(None if dims is None else TensorShape([None, *dims]), spec.dtype)
    return dataset._then("_DenseToSparseBatchDataset", batching.DENSE_TO_SPARSE_BATCH_DATASET, int64(batch_size), shape, spec=_Spec(out))


@export("data.experimental.dense_to_sparse_batch")
def dense_to_sparse_batch(batch_size: Any, row_shape: Any) -> Any:
    """A transformation: so many dense elements as one SparseTensor."""
    return lambda dataset: sparse_batch(dataset, batch_size, row_shape)


# -- rebatch -----------------------------------------------------------------------------------------------------------
def rebatch(dataset: Any, batch_size: Any, drop_remainder: Any) -> Any:
    """See `Dataset.rebatch`."""
    sizes = int64(batch_size)
    known = known_value(sizes)
    drop = known_value(drop_remainder) if isinstance(drop_remainder, Tensor) else drop_remainder
    n = int(known.reshape(-1)[0]) if known is not None and drop and (known.reshape(-1) == known.reshape(-1)[0]).all() else None
    spec = nest.map_structure(lambda s: s._unbatch()._batch(n), dataset.element_spec)
    return dataset._then("_RebatchDataset", batching.REBATCH_DATASET_V2, sizes, door.convert(drop_remainder, dtypes.bool), spec=_Spec(spec))
