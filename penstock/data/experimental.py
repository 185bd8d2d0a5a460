"""`tf.data.experimental`: transformations as functions of a dataset, and what has no method."""

from typing import Any

import numpy as np

from penstock.base import dtypes
from penstock.base.export import export, export_constant
from penstock.base.records import RecordWriter
from penstock.data import functions, mapping, mixing, ordering, sources, structure, structure_nest as nest
from penstock.data.dataset import AUTOTUNE, DatasetV2, _Spec, batched_spec, int64
from penstock.data.dataset_v1 import _as_v1
from penstock.data.pipeline import Context, Pipe
from penstock.data.readers import _Made, _of_1x
from penstock.data.stage_op import emit_stage
from penstock.ir import door, node_count
from penstock.ir.op import op
from penstock.ir.type_spec import TensorSpec
from penstock.ops.ragged_spec import RaggedTensorSpec
from penstock.ops.sparse_tensor import SparseTensorSpec
from penstock.ops.tensor_array import TensorArraySpec

SHARD_HINT = -1
export_constant("data.experimental.SHARD_HINT", module=__name__, attr="SHARD_HINT")


# -- methods as transformations ----------------------------------------------------------------------------------------
@export(v1=("data.experimental.Counter",))
def CounterV1(start: Any = 0, step: Any = 1, dtype: Any = dtypes.int64) -> Any:
    """`Counter`, as a dataset of 1.x."""
    return _as_v1(DatasetV2.counter(start, step, dtype))


@export(v2=("data.experimental.Counter",))
def Counter(start: Any = 0, step: Any = 1, dtype: Any = dtypes.int64) -> DatasetV2:
    """`start`, `start + step`, ... without end."""
    return DatasetV2.counter(start, step, dtype)


@export("data.experimental.enumerate_dataset")
def enumerate_dataset(start: Any = 0) -> Any:
    """A transformation: (number, element) from `start` on."""
    return lambda dataset: dataset.enumerate(start)


@export("data.experimental.ignore_errors")
def ignore_errors(log_warning: bool = False) -> Any:
    """A transformation: the elements that can be made without an error."""
    return lambda dataset: dataset.ignore_errors(log_warning)


@export("data.experimental.scan")
def scan(initial_state: Any, scan_func: Any) -> Any:
    """A transformation: the outputs of `scan_func(state, element)`."""
    return lambda dataset: dataset.scan(initial_state, scan_func)


@export("data.experimental.take_while")
def take_while(predicate: Any) -> Any:
    """A transformation: the elements before the first for which `predicate` is false."""
    return lambda dataset: dataset.take_while(predicate)


@export("data.experimental.unbatch")
def unbatch() -> Any:
    """A transformation: the rows of the elements."""
    return lambda dataset: dataset.unbatch()


@export("data.experimental.unique")
def unique() -> Any:
    """A transformation: each element once."""
    return lambda dataset: dataset.unique()


@export("data.experimental.get_single_element")
def get_single_element(dataset: Any) -> Any:
    """The one element of a dataset that has one."""
    return dataset.get_single_element()


@export("data.experimental.cardinality")
def cardinality(dataset: Any) -> Any:
    """The number of elements, or INFINITE_CARDINALITY or UNKNOWN_CARDINALITY."""
    return dataset.cardinality()


@export("data.experimental.assert_cardinality")
def assert_cardinality(expected_cardinality: Any) -> Any:
    """A transformation: the same elements; an error where they are not so many."""
    return lambda dataset: dataset._then("_AssertCardinalityDataset", ordering.ASSERT_CARDINALITY_DATASET, int64(expected_cardinality, "expected_cardinality"))


@export("data.experimental.copy_to_device")
def copy_to_device(target_device: Any, source_device: str = "/cpu:0") -> Any:
    """A transformation: elements that are on a device; the engine moves them when they are used."""
    return lambda dataset: dataset._then("_CopyToDeviceDataset", ordering.OPTIONS_DATASET, serialized_options=b"")


@export("data.experimental.prefetch_to_device")
def prefetch_to_device(device: Any, buffer_size: Any = None) -> Any:
    """A transformation: elements fetched ahead to a device."""
    return lambda dataset: dataset.prefetch(AUTOTUNE if buffer_size is None else buffer_size)


@export("data.experimental.map_and_batch", v1=("data.experimental.map_and_batch_with_legacy_function",))
def map_and_batch(map_func: Any, batch_size: Any, num_parallel_batches: Any = None, drop_remainder: bool = False, num_parallel_calls: Any = None) -> Any:
    """A transformation: batches of what `map_func` gives for each element."""
    if num_parallel_batches is None and num_parallel_calls is None:
        calls: Any = batch_size
    elif num_parallel_batches is not None and num_parallel_calls is None:
        calls = batch_size * num_parallel_batches
    elif num_parallel_batches is not None:
        raise ValueError("`map_and_batch` allows only one of `num_parallel_batches` and `num_parallel_calls` to be set, but both were set.")
    else:
        calls = num_parallel_calls

    def apply(dataset: Any) -> Any:
        traced = functions.trace(map_func, "map_and_batch", dataset.element_spec)
        spec = batched_spec(traced.output_structure, batch_size, drop_remainder)
        return dataset._then("_MapAndBatchDataset", mapping.MAP_AND_BATCH_DATASET, traced.captured, int64(batch_size, "batch_size"), int64(calls, "num_parallel_calls"),
                             door.convert(drop_remainder, dtypes.bool, "drop_remainder"), f=traced.graph, spec=_Spec(spec), preserve_cardinality=True)  # fmt: skip

    return apply


@export("data.experimental.parallel_interleave")
def parallel_interleave(map_func: Any, cycle_length: Any, block_length: Any = 1, sloppy: bool = False, buffer_output_elements: Any = None,
                        prefetch_input_elements: Any = None) -> Any:  # fmt: skip
    """A transformation: the elements of the datasets that `map_func` gives, `cycle_length` of them at a time."""

    def apply(dataset: Any) -> Any:
        traced = dataset._datasets(map_func, "parallel_interleave")
        ahead = 2 * block_length if buffer_output_elements is None else buffer_output_elements
        inputs = 2 * cycle_length if prefetch_input_elements is None else prefetch_input_elements
        cycle, block = int64(cycle_length, "cycle_length"), int64(block_length, "block_length")
        spec = _Spec(traced.output_structure._element_spec)
        if node_count.active():
            return dataset._then("_ParallelInterleaveDataset", mixing.PARALLEL_INTERLEAVE_DATASET, traced.captured, cycle, block, door.convert(sloppy, dtypes.bool, "sloppy"),
                                 int64(ahead, "buffer_output_elements"), int64(inputs, "prefetch_input_elements"), f=traced.graph, spec=spec)  # fmt: skip
        return dataset._then("_ParallelInterleaveDataset", mixing.LEGACY_PARALLEL_INTERLEAVE_DATASET_V2, traced.captured, cycle, block,
                             int64(ahead, "buffer_output_elements"), int64(inputs, "prefetch_input_elements"), f=traced.graph,
                             deterministic="false" if sloppy else "true", spec=spec)  # fmt: skip

    return apply


@export("data.experimental.pad_to_cardinality")
def pad_to_cardinality(cardinality: Any, mask_key: str = "valid") -> Any:
    """A transformation: elements of zeros until there are so many; `mask_key` says which are real."""

    def apply(dataset: Any) -> Any:
        spec = dataset.element_spec
        if not isinstance(spec, dict):
            raise ValueError("pad_to_cardinality can only be applied to dictionary datasets")
        if mask_key in spec:
            raise ValueError(f"{mask_key!r} already exists in the dataset's elements")
        n = int(dataset.cardinality())
        if n < 0:
            raise ValueError(f"The dataset passed into `pad_to_cardinality` must have a known cardinality, but has cardinality {n}")
        if n > cardinality:
            raise ValueError(f"The dataset passed into `pad_to_cardinality` must have a cardinalty less than the target cardinality ({cardinality}), but has cardinality {n}")

        def with_mask(valid: bool) -> Any:
            return lambda element: {**element, mask_key: door.convert(valid)}

        zeros = nest.map_structure(lambda s: np.zeros(s.shape.as_list(), s.dtype.array_dtype) if s.dtype is not dtypes.string else np.full(s.shape.as_list(), b"", object), spec)
        filler = DatasetV2.from_tensors(zeros).map(with_mask(False)).repeat(cardinality - n)
        return dataset.map(with_mask(True)).concatenate(filler)

    return apply


@export("data.experimental.parse_example_dataset")
def parse_example_dataset(features: Any, num_parallel_calls: Any = 1, deterministic: Any = None) -> Any:
    """A transformation: batches of serialised Examples parsed into dictionaries of tensors."""
    from penstock.ops.parsing_examples import parse_example

    if features is None:
        raise ValueError("Argument `features` is required, but not specified.")

    def apply(dataset: Any) -> Any:
        spec = dataset.element_spec
        if not isinstance(spec, TensorSpec) or spec.dtype is not dtypes.string or spec.shape.rank not in (1, None):
            raise TypeError(f"Input dataset should be a dataset of vectors of strings. Instead it is `{spec}`.")
        return dataset.map(lambda serialized: parse_example(serialized, features), num_parallel_calls=num_parallel_calls, deterministic=deterministic)

    return apply


# -- sources -----------------------------------------------------------------------------------------------------------
@export("data.experimental.from_list")
def from_list(elements: Any, name: str | None = None) -> DatasetV2:
    """A dataset of the elements of a Python list."""
    if not isinstance(elements, list):
        raise TypeError("`elements` must be a list.")
    if not elements:
        raise ValueError("`elements` must not be empty.")
    made = [structure.normalize_element(e) for e in elements]
    spec = structure.type_spec_from_element(made[0])
    for e in made[1:]:
        other = structure.type_spec_from_element(e)
        try:
            nest.assert_same_structure(spec, other)
            wide = nest.map_structure(lambda a, b: a.most_specific_common_supertype([b]), spec, other)
        except (TypeError, ValueError):
            wide = None
        if wide is None or any(w is None for w in nest.flatten(wide)):
            raise ValueError(f"All of the elements must have the same structure: {spec} and {other} differ")
        spec = wide
    flat = [t for e in made for t in structure.to_tensor_list(spec, e)]
    variant = emit_stage(sources.LIST_DATASET, (flat,), structure.attrs_of(spec))
    return DatasetV2._made("_ListDataset", variant, spec)


@export(v2=("data.experimental.RandomDataset",))
class RandomDatasetV2(DatasetV2, metaclass=_Made):
    """Random int64 numbers from 0 to before 2**32, without end."""

    kind = "_RandomDataset"

    def __new__(cls, seed: Any = None, rerandomize_each_iteration: Any = None, name: str | None = None) -> Any:
        return DatasetV2.random(seed, rerandomize_each_iteration)

    def __init__(self, seed: Any = None, rerandomize_each_iteration: Any = None, name: str | None = None):
        return None


RandomDatasetV1 = _of_1x(RandomDatasetV2, "RandomDatasetV1", "data.experimental.RandomDataset")


@export("data.experimental.to_variant")
def to_variant(dataset: Any) -> Any:
    """The variant tensor of a dataset."""
    return dataset._variant_tensor


@export("data.experimental.from_variant")
def from_variant(variant: Any, structure: Any) -> DatasetV2:
    """The dataset of a variant tensor, whose elements have this spec."""
    return DatasetV2._made("_VariantDataset", variant, structure)


@export("data.experimental.get_structure")
def get_structure(dataset_or_iterator: Any) -> Any:
    """The spec of the elements of a dataset or an iterator."""
    try:
        return dataset_or_iterator.element_spec
    except AttributeError:
        raise TypeError(f"Invalid `dataset_or_iterator`. `dataset_or_iterator` must be a dataset or iterator object, but got {type(dataset_or_iterator)}.") from None


# -- specs of 1.x ------------------------------------------------------------------------------------------------------
export_constant(module="penstock.ir.type_spec", attr="TypeSpec", v1=("data.experimental.Structure",))


@export(v1=("data.experimental.TensorStructure",))
def TensorStructure(dtype: Any, shape: Any) -> TensorSpec:
    """The spec of a tensor."""
    return TensorSpec(shape, dtype)


@export(v1=("data.experimental.SparseTensorStructure",))
def SparseTensorStructure(dtype: Any, shape: Any) -> SparseTensorSpec:
    """The spec of a sparse tensor."""
    return SparseTensorSpec(shape, dtype)


@export(v1=("data.experimental.TensorArrayStructure",))
def TensorArrayStructure(dtype: Any, element_shape: Any, dynamic_size: bool, infer_shape: bool) -> TensorArraySpec:
    """The spec of a TensorArray."""
    return TensorArraySpec(element_shape, dtype, dynamic_size, infer_shape)


@export(v1=("data.experimental.RaggedTensorStructure",))
def RaggedTensorStructure(dtype: Any, shape: Any, ragged_rank: int) -> RaggedTensorSpec:
    """The spec of a ragged tensor."""
    return RaggedTensorSpec(shape, dtype, ragged_rank)


# -- TFRecords ---------------------------------------------------------------------------------------------------------
@op("DatasetToTFRecord(input_dataset: variant, filename: string, compression_type: string) -> ()", where="host", effect="io", needs_store=True)
def DATASET_TO_TF_RECORD(xp, store, input_dataset, filename, compression_type):
    """Write the elements, which are strings, to a TFRecord file."""
    pipe = input_dataset if isinstance(input_dataset, Pipe) else input_dataset.item()
    ctx = Context(store.store, pipe.all_options())
    writer = RecordWriter(np.asarray(filename, object).item().decode(), np.asarray(compression_type, object).item().decode())
    try:
        stream = pipe.stream(ctx)
        while (element := stream.next()) is not None:
            writer.write(element[0].item())
    finally:
        writer.close()
        ctx.close()
    return ()


@export("data.experimental.TFRecordWriter")
class TFRecordWriter:
    """Writes a dataset of strings to a TFRecord file."""

    def __init__(self, filename: Any, compression_type: Any = None):
        self._filename = door.convert(filename, dtypes.string, "filename")
        self._compression_type = door.convert(compression_type or "", dtypes.string, "compression_type")

    def write(self, dataset: Any) -> Any:
        """Write the elements of a dataset; in a graph, the operation that does."""
        if not isinstance(dataset, DatasetV2):
            raise TypeError(f"Invalid `dataset.` Expected a `tf.data.Dataset` object but got {type(dataset)}.")
        spec = dataset.element_spec
        if not isinstance(spec, TensorSpec) or spec.dtype is not dtypes.string or spec.shape.rank not in (0, None):
            raise TypeError(f"Invalid `dataset`. Expected a dataset that produces scalar `tf.string` elements, but got a dataset which produces elements with types and shapes {spec}.")
        return DATASET_TO_TF_RECORD(dataset._variant_tensor, self._filename, self._compression_type)


