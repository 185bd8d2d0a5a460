"""`tf.data.Dataset`."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from penstock.base import dtypes
from penstock.base.dtypes import as_dtype
from penstock.base.errors import InvalidArgumentError
from penstock.base.export import export, export_constant
from penstock.base.shape import TensorShape
from penstock.base.trackable import Trackable
from penstock.data import (
    batching,
    functions,
    generators,
    mapping,
    mixing,
    ordering,
    reading,
    sources,
    structure,
    structure_nest as nest,
)
from penstock.data.iterator import NumpyIterator, OwnedIterator
from penstock.data.loops import loop_over
from penstock.data.options import Options
from penstock.data.pipeline import INFINITE, UNKNOWN
from penstock.data.stage_op import emit_stage
from penstock.fronts.autograph import do_not_convert, register_for_loop
from penstock.fronts.eager import EagerTensor
from penstock.ir import door, node_count, seeds
from penstock.ir.known import known_value
from penstock.ir.op import find
from penstock.ir.tensor import Tensor
from penstock.ir.type_spec import NoneTensorSpec, TensorSpec, TypeSpec
from penstock.ops.ragged_spec import RaggedTensorSpec
from penstock.ops.sparse_tensor import SparseTensorSpec

AUTOTUNE = -1
export_constant("data.AUTOTUNE", "data.experimental.AUTOTUNE", module=__name__, attr="AUTOTUNE")
INFINITE_CARDINALITY, UNKNOWN_CARDINALITY = INFINITE, UNKNOWN
export_constant("data.INFINITE_CARDINALITY", "data.experimental.INFINITE_CARDINALITY", module=__name__, attr="INFINITE_CARDINALITY")
export_constant("data.UNKNOWN_CARDINALITY", "data.experimental.UNKNOWN_CARDINALITY", module=__name__, attr="UNKNOWN_CARDINALITY")


def int64(value: Any, name: str | None = None) -> Any:
    return value if isinstance(value, Tensor) and value.dtype is dtypes.int64 else door.convert(_cast(value), dtypes.int64, name)


def _cast(value: Any) -> Any:
    if isinstance(value, Tensor) and value.dtype is not dtypes.int64:
        return find("Cast")(value, DstT=dtypes.int64)
    return value


def two_seeds(seed: Any) -> tuple[Any, Any]:
    """The seeds of a dataset op as int64 tensors, from the op's own seed and the global one."""
    if isinstance(seed, Tensor):
        return int64(seed), int64(0)
    first, second = seeds.get_seed(seed)
    if second is not None and node_count.active():
        return _seeds_of_1x(door.current(), first, second)
    first, second = int(first or 0), int(second or 0)
    if (first, second) == (0, 0) and seed is not None:
        second = 2**31 - 1
    return int64(first, "seed"), int64(second, "seed2")


def _seeds_of_1x(graph: Any, first: Any, second: Any) -> tuple[Any, Any]:
    """The same as nodes: 1.x counts them where later ops take their seeds from the number of nodes."""
    seed = int64(int(first), "seed")
    with graph.name_scope("seed2") as scope:
        other = int64(int(second), "Const")
        equal = find("Equal")
        none = find("LogicalAnd")(equal(seed, np.int64(0), name="Equal"), equal(other, np.int64(0), name="Equal"), name="LogicalAnd")
        return seed, find("Select")(none, int64(2**31 - 1, "Const"), other, name=scope)


def static_int(value: Any) -> int | None:
    """The value of an integer scalar where it is known."""
    found = value if isinstance(value, (int, np.integer)) else known_value(value) if isinstance(value, Tensor) else np.asarray(value)
    return None if found is None else int(found)


@export(v2=("data.Dataset",))
class DatasetV2(Trackable):
    """A sequence of elements, each a structure of tensors, that is made as it is iterated over.

    >>> list(tf.data.Dataset.range(4).map(lambda x: x * x).batch(2).as_numpy_iterator())
    [array([0, 1]), array([4, 9])]
    """

    __composite__ = True

    def __init__(self, variant_tensor: Any):
        self._variant_tensor = variant_tensor
        if not hasattr(self, "_input_list"):
            self._input_list: list[Any] = []

    # -- making one --------------------------------------------------------------------------------------------------
    @classmethod
    def _made(cls, kind: str, variant: Any, element_spec: Any, inputs: Any = ()) -> Any:
        """A dataset around its variant tensor; `kind` is the name of its class."""
        made = object.__new__(_class(kind, _v1_or_v2(inputs)))
        made._variant_tensor, made._element_spec, made._input_list = variant, element_spec, list(inputs)
        pipe = variant._array if isinstance(variant, EagerTensor) else None
        if pipe is not None and pipe.types is None:
            specs = structure.flat_specs(element_spec)
            pipe.types, pipe.shapes = [s.dtype for s in specs], [s.shape._dims for s in specs]
        return made

    def _then(self, kind: str, definition: Any, *inputs: Any, spec: Any = None, name: str | None = None, **attrs: Any) -> Any:
        """The stage that an op makes of this dataset."""
        spec = self.element_spec if spec is None else spec.spec
        typed = {k: v for k, v in structure.attrs_of(spec).items() if k in definition.sig.attrs}
        variant = emit_stage(definition, (self._variant_tensor, *inputs), {**typed, **attrs}, None)
        return self._made(kind, variant, spec, [self])

    @property
    def element_spec(self) -> Any:
        """The specs of an element's leaves, in its structure."""
        return self._element_spec

    def _inputs(self) -> list[Any]:
        return list(getattr(self, "_input_list", ()))

    @property
    def _type_spec(self) -> "DatasetSpec":
        return DatasetSpec(self.element_spec)

    @property
    def _dataset_shape(self) -> Any:
        return TensorShape([])

    @property
    def _graph(self) -> Any:
        return self._variant_tensor.graph

    def _as_variant_tensor(self) -> Any:
        return self._variant_tensor

    def _as_serialized_graph(self, *options: Any, **named: Any) -> Any:
        """The GraphDef of the stages, serialized, as a tensor of the graph."""
        from penstock.data.serialized import as_serialized_graph

        return as_serialized_graph(self._variant_tensor)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} element_spec={self.element_spec}>"

    __str__ = __repr__

    def __bool__(self) -> bool:
        return True

    __nonzero__ = __bool__

    def __len__(self) -> int:
        if door.current().is_graph:
            raise TypeError("`tf.data.Dataset` only supports `len` in eager mode. Use `tf.data.Dataset.cardinality()` instead.")
        n = int(self.cardinality().numpy())
        if n == INFINITE:
            raise TypeError("The dataset is infinite.")
        if n == UNKNOWN:
            raise TypeError("The dataset length is unknown.")
        return n

    def __iter__(self) -> Iterator[Any]:
        here = door.current()
        if here.is_graph and not here.building_function:
            raise RuntimeError("`tf.data.Dataset` only supports Python-style iteration in eager mode or within tf.function.")
        return OwnedIterator(self)  # type: ignore[return-value]

    def as_numpy_iterator(self) -> NumpyIterator:
        """An iterator over the elements as NumPy values."""
        if door.current().is_graph:
            raise RuntimeError("`tf.data.Dataset.as_numpy_iterator()` is only supported in eager mode.")
        for spec in nest.flatten(self.element_spec):
            if not isinstance(spec, (TensorSpec, RaggedTensorSpec, SparseTensorSpec, NoneTensorSpec)):
                raise TypeError(f"`tf.data.Dataset.as_numpy_iterator()` is not supported for datasets that produce values of type {spec.value_type}")
        return NumpyIterator(self)

    # -- options -----------------------------------------------------------------------------------------------------
    def options(self) -> Options:
        """The options of this dataset and of those it is made from."""
        merged: dict[str, Any] = {}
        self._collect_options(merged)
        found = Options._of(merged)
        found._set_mutable(False)
        return found

    def _collect_options(self, into: dict[str, Any]) -> None:
        from penstock.data.options import merge_into

        for d in self._inputs():
            d._collect_options(into)
        own = getattr(self, "_own_options", None)
        if own is not None:
            merge_into(into, own._as_dict())

    def with_options(self, options: Options, name: str | None = None) -> "DatasetV2":
        """The dataset under options; those given later win."""
        from penstock.data.options import merge_options, options_to_bytes

        if not isinstance(options, Options):
            raise TypeError(f"`options` must be a tf.data.Options, got {type(options)}")
        if node_count.active():
            made = self._made("_OptionsDataset", self._variant_tensor, self.element_spec, [self])
        else:
            made = self._then("_OptionsDataset", ordering.OPTIONS_DATASET, serialized_options=options_to_bytes(options))
        made._own_options = merge_options(options)
        return made

    # -- sources -----------------------------------------------------------------------------------------------------
    @staticmethod
    def from_tensors(tensors: Any, name: str | None = None) -> "DatasetV2":
        """One element: the tensors as they are."""
        element = structure.normalize_element(tensors)
        spec = structure.type_spec_from_element(element)
        attrs = structure.attrs_of(spec)
        if not attrs["output_types"]:
            raise InvalidArgumentError(None, None, "an element of a dataset needs one tensor at least, got none")
        variant = emit_stage(sources.TENSOR_DATASET, (structure.to_tensor_list(spec, element),), {"output_shapes": attrs["output_shapes"]}, name)
        return DatasetV2._made("_TensorDataset", variant, spec)

    @staticmethod
    def from_tensor_slices(tensors: Any, name: str | None = None) -> "DatasetV2":
        """An element for each row of the tensors.

        >>> [x.numpy().tolist() for x in tf.data.Dataset.from_tensor_slices([[1, 2], [3, 4]])]
        [[1, 2], [3, 4]]
        """
        element = structure.normalize_element(tensors)
        batched = structure.type_spec_from_element(element)
        if not nest.flatten(batched) or all(isinstance(s, NoneTensorSpec) for s in nest.flatten(batched)):
            raise ValueError("Invalid `element`. `element` should not be empty.")
        flat = structure.to_batched_tensor_list(batched, element)
        spec = nest.map_structure(_unbatched, batched)
        counts = [t._dims[0] for t in flat if t._dims and t._dims[0] is not None]
        if any(c != counts[0] for c in counts):
            raise ValueError(f"Dimensions {counts[0]} and {next(c for c in counts if c != counts[0])} are not compatible")
        variant = emit_stage(sources.TENSOR_SLICE_DATASET, (flat,), {"output_shapes": structure.attrs_of(spec)["output_shapes"]}, name)
        return DatasetV2._made("_TensorSliceDataset", variant, spec)

    @staticmethod
    def from_generator(generator: Callable[..., Any], output_types: Any = None, output_shapes: Any = None, args: Any = None, output_signature: Any = None,
                       name: str | None = None) -> "DatasetV2":  # fmt: skip
        """The elements that the iterator of `generator(*args)` yields."""
        return generators.from_generator(DatasetV2, generator, output_types, output_shapes, args, output_signature, name)

    @staticmethod
    def range(*args: Any, **kwargs: Any) -> "DatasetV2":
        """Numbers from `start` (0) to before `stop`, `step` (1) apart; `output_type` is int64.

        >>> list(tf.data.Dataset.range(1, 5, 2).as_numpy_iterator())
        [np.int64(1), np.int64(3)]
        """
        dtype = as_dtype(kwargs.pop("output_type", dtypes.int64))
        kwargs.pop("name", None)
        if kwargs:
            raise TypeError(f"range() got an unexpected keyword argument {next(iter(kwargs))!r}")
        if len(args) == 1:
            start, stop, step = 0, args[0], 1
        elif len(args) == 2:
            (start, stop), step = args, 1
        elif len(args) == 3:
            start, stop, step = args
        else:
            raise ValueError(f"Invalid `args`. The length of `args` should be between 1 and 3 but was {len(args)}.")
        spec = TensorSpec([], dtype)
        variant = emit_stage(sources.RANGE_DATASET, (int64(start, "start"), int64(stop, "stop"), int64(step, "step")), structure.attrs_of(spec))
        return DatasetV2._made("_RangeDataset", variant, spec)

    @staticmethod
    def random(seed: Any = None, rerandomize_each_iteration: Any = None, name: str | None = None) -> "DatasetV2":
        """Random int64 numbers from 0 to before 2**32, without end."""
        spec = TensorSpec([], dtypes.int64)
        first, second = two_seeds(seed)
        if rerandomize_each_iteration:
            if door.current().is_graph:
                raise ValueError("`rerandomize_each_iteration` is only supported in eager mode.")
            pipe = sources.RandomPipe(first._array, second._array, True)
            from penstock.fronts.eager import make

            return DatasetV2._made("_RandomDataset", make(pipe, dtypes.variant), spec)
        variant = emit_stage(sources.RANDOM_DATASET, (first, second), structure.attrs_of(spec))
        return DatasetV2._made("_RandomDataset", variant, spec)

    @staticmethod
    def counter(start: Any = 0, step: Any = 1, dtype: Any = dtypes.int64, name: str | None = None) -> "DatasetV2":
        """`start`, `start + step`, ... without end."""
        dtype = as_dtype(dtype)
        start, step = door.convert(start, dtype, "start"), door.convert(step, dtype, "step")
        return DatasetV2.from_tensors(0).repeat(None).scan(start, lambda state, _: (state + step, state))

    @staticmethod
    def list_files(file_pattern: Any, shuffle: bool | None = None, seed: Any = None, name: str | None = None) -> "DatasetV2":
        """The names of the files that match, in random order unless `shuffle` is False."""
        return reading.list_files(DatasetV2, file_pattern, shuffle, seed)

    @staticmethod
    def zip(*args: Any, datasets: Any = None, name: str | None = None) -> "DatasetV2":
        """Elements of several datasets side by side, in the structure that they are given in.

        >>> a, b = tf.data.Dataset.range(2), tf.data.Dataset.range(5, 9)
        >>> [(int(x), int(y)) for x, y in tf.data.Dataset.zip(a, b)]
        [(0, 5), (1, 6)]
        """
        if not args and datasets is None:
            raise TypeError("Must pass at least one dataset to `zip`.")
        if args and datasets is not None:
            raise TypeError("Both `*args` and `datasets` cannot be set.")
        if len(args) == 1:
            datasets = args[0]
        elif len(args) > 1:
            datasets = args
        flat = nest.flatten(datasets)
        for d in flat:
            if not isinstance(d, DatasetV2):
                if isinstance(d, list):
                    raise TypeError("Invalid input to `zip`. Inputs are expected to be (nested) structures of `tf.data.Dataset` objects. Python `list` is not supported and you should use `tuple` instead.")
                raise TypeError(f"Invalid input to `zip`. Inputs are expected to be (nested) structures of `tf.data.Dataset` objects but encountered object of type {type(d)}.")
        spec = nest.pack_sequence_as(datasets, [d.element_spec for d in flat])
        variant = emit_stage(ordering.ZIP_DATASET, ([d._variant_tensor for d in flat],), structure.attrs_of(spec))
        return DatasetV2._made("_ZipDataset", variant, spec, flat)

    @staticmethod
    def sample_from_datasets(datasets: Any, weights: Any = None, seed: Any = None, stop_on_empty_dataset: bool = False,
                             rerandomize_each_iteration: bool | None = None) -> "DatasetV2":  # fmt: skip
        """Each element from a dataset drawn at random with these weights."""
        from penstock.data.sampling import sample_from_datasets

        return sample_from_datasets(datasets, weights, seed, stop_on_empty_dataset, rerandomize_each_iteration)

    @staticmethod
    def choose_from_datasets(datasets: Any, choice_dataset: "DatasetV2", stop_on_empty_dataset: bool = True) -> "DatasetV2":
        """Each element from the dataset whose number the choice dataset gives."""
        from penstock.data.sampling import choose_from_datasets

        return choose_from_datasets(datasets, choice_dataset, stop_on_empty_dataset)

    @staticmethod
    def load(path: Any, element_spec: Any = None, compression: Any = None, reader_func: Any = None, wait: bool = False) -> "DatasetV2":
        """The dataset that `save` wrote."""
        from penstock.data.saving import load

        return load(path, element_spec, compression, reader_func, wait)

    # -- functions of elements ---------------------------------------------------------------------------------------
    def map(self, map_func: Callable[..., Any], num_parallel_calls: Any = None, deterministic: bool | None = None, synchronous: bool | None = None,
            use_unbounded_threadpool: bool = False, name: str | None = None) -> "DatasetV2":  # fmt: skip
        """What `map_func` gives for each element.

        >>> [int(x) for x in tf.data.Dataset.range(3).map(lambda x: x + 1)]
        [1, 2, 3]
        """
        if synchronous and num_parallel_calls is not None:
            raise ValueError("`synchronous` is not supported with `num_parallel_calls`, but `num_parallel_calls` was set to " + str(num_parallel_calls))
        traced = functions.trace(map_func, "map", self.element_spec)
        if num_parallel_calls is None:
            return self._then("_MapDataset", mapping.MAP_DATASET, traced.captured, f=traced.graph, spec=_Spec(traced.output_structure), preserve_cardinality=True)
        if node_count.active():
            calls = door.convert(num_parallel_calls, dtypes.int32, "num_parallel_calls")
            return self._then("_ParallelMapDataset", mapping.PARALLEL_MAP_DATASET, traced.captured, calls, f=traced.graph, spec=_Spec(traced.output_structure), preserve_cardinality=True)
        order = "default" if deterministic is None else "true" if deterministic else "false"
        return self._then("_ParallelMapDataset", mapping.PARALLEL_MAP_DATASET_V2, traced.captured, int64(num_parallel_calls, "num_parallel_calls"),
                          f=traced.graph, spec=_Spec(traced.output_structure), deterministic=order, preserve_cardinality=True)  # fmt: skip

    def filter(self, predicate: Callable[..., Any], name: str | None = None) -> "DatasetV2":
        """The elements for which `predicate` is true."""
        return self._filtered(predicate, "filter", "_FilterDataset", mapping.FILTER_DATASET)

    def take_while(self, predicate: Callable[..., Any], name: str | None = None) -> "DatasetV2":
        """The elements before the first for which `predicate` is false."""
        return self._filtered(predicate, "take_while", "_TakeWhileDataset", mapping.TAKE_WHILE_DATASET)

    def _filtered(self, predicate: Any, what: str, kind: str, definition: Any) -> "DatasetV2":
        traced = functions.trace(predicate, what, self.element_spec)
        if not functions.is_scalar_bool(traced.output_structure):
            raise ValueError(f"Invalid `predicate`. `predicate` must return a `tf.bool` scalar tensor, but its return type is {traced.output_structure}.")
        return self._then(kind, definition, traced.captured, predicate=traced.graph)

    def flat_map(self, map_func: Callable[..., Any], name: str | None = None) -> "DatasetV2":
        """The elements of the datasets that `map_func` gives, one dataset after the other."""
        traced = self._datasets(map_func, "flat_map")
        return self._then("_FlatMapDataset", mixing.FLAT_MAP_DATASET, traced.captured, f=traced.graph, spec=_Spec(traced.output_structure._element_spec))

    def _datasets(self, map_func: Any, what: str) -> Any:
        traced = functions.trace(map_func, what, self.element_spec)
        if not isinstance(traced.output_structure, DatasetSpec):
            raise TypeError(f"The `map_func` argument must return a `Dataset` object. Got {_class_name(traced.output_structure)!r}.")
        return traced

    def interleave(self, map_func: Callable[..., Any], cycle_length: Any = None, block_length: Any = None, num_parallel_calls: Any = None,
                   deterministic: bool | None = None, name: str | None = None) -> "DatasetV2":  # fmt: skip
        """The elements of the datasets that `map_func` gives, `cycle_length` datasets at a time and `block_length` elements of each in turn."""
        traced = self._datasets(map_func, "interleave")
        cycle = int64(AUTOTUNE if cycle_length is None else cycle_length, "cycle_length")
        block = int64(1 if block_length is None else block_length, "block_length")
        spec = _Spec(traced.output_structure._element_spec)
        if num_parallel_calls is None:
            return self._then("_InterleaveDataset", mixing.INTERLEAVE_DATASET, traced.captured, cycle, block, f=traced.graph, spec=spec)
        if node_count.active():
            calls = int64(num_parallel_calls, "num_parallel_calls")
            return self._then("_ParallelInterleaveDataset", mixing.PARALLEL_INTERLEAVE_DATASET_V2, traced.captured, cycle, block, calls, f=traced.graph, spec=spec)
        order = "default" if deterministic is None else "true" if deterministic else "false"
        return self._then("_ParallelInterleaveDataset", mixing.PARALLEL_INTERLEAVE_DATASET_V4, traced.captured, cycle, block,
                          int64(AUTOTUNE, "buffer_output_elements"), int64(AUTOTUNE, "prefetch_input_elements"),
                          int64(num_parallel_calls, "num_parallel_calls"), f=traced.graph, spec=spec, deterministic=order)  # fmt: skip

    def scan(self, initial_state: Any, scan_func: Callable[..., Any], name: str | None = None) -> "DatasetV2":
        """The outputs of `scan_func(state, element)`, which gives (next state, output).

        >>> [int(x) for x in tf.data.Dataset.range(4).scan(np.int64(0), lambda s, x: (s + x, s))]
        [0, 0, 1, 3]
        """
        from penstock.data.reducing import scan

        return scan(self, initial_state, scan_func)

    def reduce(self, initial_state: Any, reduce_func: Callable[..., Any], name: str | None = None) -> Any:
        """The last state of `state = reduce_func(state, element)`.

        >>> int(tf.data.Dataset.range(5).reduce(np.int64(0), lambda s, x: s + x))
        10
        """
        from penstock.data.reducing import reduce

        return reduce(self, initial_state, reduce_func)

    def group_by_window(self, key_func: Any, reduce_func: Any, window_size: Any = None, window_size_func: Any = None, name: str | None = None) -> "DatasetV2":
        """Windows of elements of one key, each made into a dataset by `reduce_func(key, window)`."""
        from penstock.data.grouping import group_by_window

        return group_by_window(self, key_func, reduce_func, window_size, window_size_func)

    def bucket_by_sequence_length(self, element_length_func: Any, bucket_boundaries: Any, bucket_batch_sizes: Any, padded_shapes: Any = None,
                                  padding_values: Any = None, pad_to_bucket_boundary: bool = False, no_padding: bool = False, drop_remainder: bool = False,
                                  name: str | None = None) -> "DatasetV2":  # fmt: skip
        """Padded batches of elements whose lengths fall into one bucket."""
        from penstock.data.grouping import bucket_by_sequence_length

        return bucket_by_sequence_length(self, element_length_func, bucket_boundaries, bucket_batch_sizes, padded_shapes, padding_values, pad_to_bucket_boundary,
                                         no_padding, drop_remainder)  # fmt: skip

    def rejection_resample(self, class_func: Any, target_dist: Any, initial_dist: Any = None, seed: Any = None, name: str | None = None) -> "DatasetV2":
        """(class, element) of elements left out or repeated so that classes come with the target distribution."""
        from penstock.data.sampling import rejection_resample

        return rejection_resample(self, class_func, target_dist, initial_dist, seed)

    # -- order -------------------------------------------------------------------------------------------------------
    def shuffle(self, buffer_size: Any, seed: Any = None, reshuffle_each_iteration: bool | None = True, name: str | None = None) -> "DatasetV2":
        """The elements in random order: each drawn from a buffer of `buffer_size`; the same for the same seeds as in TensorFlow."""
        size = int64(buffer_size, "buffer_size")  # before the seeds: in 1.x they follow from the number of nodes
        first, second = two_seeds(seed)
        again = True if reshuffle_each_iteration is None else bool(reshuffle_each_iteration)
        return self._then("_ShuffleDataset", ordering.SHUFFLE_DATASET, size, first, second, reshuffle_each_iteration=again)

    def repeat(self, count: Any = None, name: str | None = None) -> "DatasetV2":
        """The elements `count` times over; None or -1: for ever."""
        return self._then("_RepeatDataset", ordering.REPEAT_DATASET, int64(-1 if count is None else count, "count"))

    def take(self, count: Any, name: str | None = None) -> "DatasetV2":
        """The first `count` elements; -1 takes all."""
        return self._then("_TakeDataset", ordering.TAKE_DATASET, int64(count, "count"))

    def skip(self, count: Any, name: str | None = None) -> "DatasetV2":
        """All but the first `count` elements."""
        return self._then("_SkipDataset", ordering.SKIP_DATASET, int64(count, "count"))

    def shard(self, num_shards: Any, index: Any, name: str | None = None) -> "DatasetV2":
        """Elements `index`, `index + num_shards`, ..."""
        return self._then("_ShardDataset", ordering.SHARD_DATASET, int64(num_shards, "num_shards"), int64(index, "index"))

    def enumerate(self, start: Any = 0, name: str | None = None) -> "DatasetV2":
        """(number, element) from `start` on."""
        count = DatasetV2.range(start, np.iinfo(np.int64).max)
        return DatasetV2.zip((count, self)) if not isinstance(self, DatasetV1Base) else type(self).zip((count, self))

    def concatenate(self, dataset: "DatasetV2", name: str | None = None) -> "DatasetV2":
        """The elements of this dataset, then those of another of compatible elements."""
        try:
            nest.assert_same_structure(self.element_spec, dataset.element_spec, check_types=False)
            common = [a.most_specific_common_supertype([b]) for a, b in zip(nest.flatten(self.element_spec), nest.flatten(dataset.element_spec))]
        except (TypeError, ValueError):
            common = [None]
        if any(c is None for c in common):
            raise TypeError(f"Incompatible dataset elements:\n  {self.element_spec} vs.   {dataset.element_spec}")
        spec = nest.pack_sequence_as(self.element_spec, common)
        variant = emit_stage(ordering.CONCATENATE_DATASET, (self._variant_tensor, dataset._variant_tensor), structure.attrs_of(spec))
        return self._made("_ConcatenateDataset", variant, spec, [self, dataset])

    def unique(self, name: str | None = None) -> "DatasetV2":
        """Each element once, where it comes first; integers and strings."""
        flat = structure.flat_types(self.element_spec)
        if any(t not in (dtypes.int32, dtypes.int64, dtypes.string) for t in flat):
            raise TypeError(f"`tf.data.Dataset.unique` does not support type {next(t for t in flat if t not in (dtypes.int32, dtypes.int64, dtypes.string))!r} -- only `tf.int32`, `tf.int64`, and `tf.string` are supported.")
        if len(flat) != 1:
            raise ValueError("`unique` needs elements of one tensor")
        return self._then("_UniqueDataset", ordering.UNIQUE_DATASET)

    def ignore_errors(self, log_warning: bool = False, name: str | None = None) -> "DatasetV2":
        """The elements that can be made without an error."""
        return self._then("_IgnoreErrorsDataset", ordering.IGNORE_ERRORS_DATASET, log_warning=log_warning)

    def prefetch(self, buffer_size: Any, name: str | None = None) -> "DatasetV2":
        """Elements made before they are asked for, up to `buffer_size` of them."""
        size = AUTOTUNE if buffer_size is None else buffer_size
        return self._then("_PrefetchDataset", ordering.PREFETCH_DATASET, int64(size, "buffer_size"))

    def cache(self, filename: Any = "", name: str | None = None) -> "DatasetV2":
        """The elements, kept in memory or in a file from the first time on."""
        from penstock.data.caching import CACHE_DATASET

        return self._then("CacheDataset", CACHE_DATASET, door.convert(filename, dtypes.string, "filename"))

    def snapshot(self, path: Any, compression: str = "AUTO", reader_func: Any = None, shard_func: Any = None, name: str | None = None) -> "DatasetV2":
        """The elements, kept in files under `path` from the first time on."""
        from penstock.data.saving import snapshot

        return snapshot(self, path, compression, reader_func, shard_func)

    def save(self, path: Any, compression: Any = None, shard_func: Any = None, checkpoint_args: Any = None) -> Any:
        """Write the elements to files under `path`."""
        from penstock.data.saving import save

        return save(self, path, compression, shard_func, checkpoint_args)

    def apply(self, transformation_func: Callable[["DatasetV2"], "DatasetV2"]) -> "DatasetV2":
        """What a function makes of this dataset."""
        found = transformation_func(self)
        if not isinstance(found, DatasetV2):
            raise TypeError(f"`transformation_func` must return a `tf.data.Dataset` object. Got {type(found)}.")
        return found

    # -- batches -----------------------------------------------------------------------------------------------------
    def batch(self, batch_size: Any, drop_remainder: bool = False, num_parallel_calls: Any = None, deterministic: bool | None = None,
              name: str | None = None) -> "DatasetV2":  # fmt: skip
        """So many elements as one; the last has fewer unless `drop_remainder`.

        >>> [x.numpy().tolist() for x in tf.data.Dataset.range(5).batch(2)]
        [[0, 1], [2, 3], [4]]
        """
        spec = _Spec(batched_spec(self.element_spec, batch_size, drop_remainder))
        size, drop = int64(batch_size, "batch_size"), door.convert(drop_remainder, dtypes.bool, "drop_remainder")
        if num_parallel_calls is None:
            return self._then("_BatchDataset", batching.BATCH_DATASET_V2, size, drop, spec=spec)
        order = "default" if deterministic is None else "true" if deterministic else "false"
        return self._then("_ParallelBatchDataset", batching.PARALLEL_BATCH_DATASET, size, int64(num_parallel_calls), drop, spec=spec, deterministic=order)

    def padded_batch(self, batch_size: Any, padded_shapes: Any = None, padding_values: Any = None, drop_remainder: bool = False, name: str | None = None) -> "DatasetV2":
        """So many elements as one, filled up to one shape."""
        from penstock.data.padding import padded_batch

        return padded_batch(self, batch_size, padded_shapes, padding_values, drop_remainder)

    def ragged_batch(self, batch_size: Any, drop_remainder: bool = False, row_splits_dtype: Any = dtypes.int64, name: str | None = None) -> "DatasetV2":
        """So many elements as one RaggedTensor where their sizes are not known."""
        from penstock.data.padding import ragged_batch

        return ragged_batch(self, batch_size, drop_remainder, row_splits_dtype)

    def sparse_batch(self, batch_size: Any, row_shape: Any, name: str | None = None) -> "DatasetV2":
        """So many dense elements as one SparseTensor."""
        from penstock.data.padding import sparse_batch

        return sparse_batch(self, batch_size, row_shape)

    def unbatch(self, name: str | None = None) -> "DatasetV2":
        """The rows of the elements."""
        whole = self.element_spec
        spec = nest.map_structure(_unbatched, whole)
        source: Any = self
        if not structure.is_all_dense(whole):  # sparse and ragged batches as a vector of their rows

            def rows(*element: Any) -> Any:
                return tuple(structure.to_batched_tensor_list(whole, element if type(whole) is tuple else element[0]))

            source = self.map(do_not_convert(rows))
        made = source._then("_UnbatchDataset", batching.UNBATCH_DATASET, spec=_Spec(spec))
        made._input_list = [self]
        return made

    def rebatch(self, batch_size: Any, drop_remainder: bool = False, name: str | None = None) -> "DatasetV2":
        """The rows of the elements in batches of another size (or of several sizes in turn)."""
        from penstock.data.padding import rebatch

        return rebatch(self, batch_size, drop_remainder)

    def window(self, size: Any, shift: Any = None, stride: Any = 1, drop_remainder: bool = False, name: str | None = None) -> "DatasetV2":
        """Runs of `size` elements as datasets, each beginning `shift` after the one before."""
        spec = nest.map_structure(lambda s: DatasetSpec(s, TensorShape([])), self.element_spec)
        return self._then("_WindowDataset", batching.WINDOW_DATASET, int64(size, "size"), int64(size if shift is None else shift, "shift"), int64(stride, "stride"),
                          door.convert(drop_remainder, dtypes.bool, "drop_remainder"), spec=_Spec(spec))  # fmt: skip

    # -- questions ---------------------------------------------------------------------------------------------------
    def cardinality(self) -> Any:
        """The number of elements, or `tf.data.INFINITE_CARDINALITY` or `tf.data.UNKNOWN_CARDINALITY`."""
        from penstock.data.reducing import DATASET_CARDINALITY

        return DATASET_CARDINALITY(self._variant_tensor)

    def get_single_element(self, name: str | None = None) -> Any:
        """The one element of a dataset that has one; InvalidArgumentError for any other."""
        from penstock.data.reducing import get_single_element

        return get_single_element(self)

    def fingerprint(self) -> Any:
        """A number that tells datasets of different make apart."""
        from penstock.data.reducing import DATASET_FINGERPRINT

        return DATASET_FINGERPRINT(self._variant_tensor)


DatasetV2.__module__ = "tensorflow.python.data.ops.dataset_ops"  # programs ask for it


register_for_loop(DatasetV2, lambda source, loop: loop_over(OwnedIterator(source)._iterator_resource, source.element_spec, loop))


class DatasetV1Base:
    """What marks the datasets of 1.x."""


class _Spec:
    """An element spec, passed on as it is (None and empty tuples too)."""

    def __init__(self, spec: Any):
        self.spec = spec


def _unbatched(spec: Any) -> Any:
    if isinstance(spec, (TensorSpec, RaggedTensorSpec, SparseTensorSpec, NoneTensorSpec)) or hasattr(spec, "_unbatch"):
        return spec._unbatch()
    raise TypeError(f"values of {spec} have no rows")


def batched_spec(element_spec: Any, batch_size: Any, drop_remainder: Any) -> Any:
    """The spec of batches: the first axis is known where no remainder can come."""
    drop = known_value(drop_remainder) if isinstance(drop_remainder, Tensor) else drop_remainder
    n = static_int(batch_size) if drop is not None and bool(drop) else None
    if n is not None and n <= 0:
        n = None

    def one(spec: Any) -> Any:
        if not hasattr(spec, "_batch"):
            raise TypeError(f"`tf.data.Dataset.batch` is not supported for datasets that produce values of type {spec.value_type}")
        return spec._batch(n)

    return nest.map_structure(one, element_spec)


def _class_name(spec: Any) -> str:
    return type(spec).__name__ if not isinstance(spec, TypeSpec) else str(getattr(spec.value_type, "__name__", spec.value_type))


_classes: dict[tuple[str, bool], type] = {}


def _v1_or_v2(inputs: Any) -> bool:
    return any(isinstance(d, DatasetV1Base) for d in inputs)


def _class(kind: str, v1: bool) -> type:
    found = _classes.get((kind, v1))
    if found is None:
        base: Any = DatasetV2
        if v1:
            from penstock.data.dataset_v1 import DatasetV1

            base = DatasetV1
        found = _classes[kind, v1] = type(kind, (base,), {"__doc__": "A stage of a pipeline."})
    return found


@export("data.DatasetSpec", v1=("data.experimental.DatasetStructure",), v2=("data.experimental.DatasetStructure",))
class DatasetSpec(TypeSpec):
    """The spec of a dataset.

    >>> tf.data.DatasetSpec.from_value(tf.data.Dataset.range(3)).element_spec.dtype
    tf.int64
    """

    def __init__(self, element_spec: Any, dataset_shape: Any = ()):
        self._element_spec, self._dataset_shape = element_spec, TensorShape(dataset_shape)

    element_spec = property(lambda s: s._element_spec, doc="The spec of the elements.")

    @property
    def value_type(self) -> type:
        return DatasetV2

    def _serialize(self) -> tuple[Any, ...]:
        return self._element_spec, self._dataset_shape

    @property
    def _component_specs(self) -> TensorSpec:
        return TensorSpec(self._dataset_shape, dtypes.variant)

    def _to_components(self, value: Any) -> Any:
        return value._variant_tensor

    def _from_components(self, components: Any) -> DatasetV2:
        return DatasetV2._made("_VariantDataset", components, self._element_spec)

    def _batch(self, batch_size: int | None) -> "DatasetSpec":
        return DatasetSpec(self._element_spec, TensorShape([batch_size]).concatenate(self._dataset_shape))

    def _unbatch(self) -> "DatasetSpec":
        if self._dataset_shape.rank == 0:
            raise ValueError("Slicing dataset elements is not supported for rank 0.")
        return DatasetSpec(self._element_spec, self._dataset_shape[1:])

    def _to_batched_tensor_list(self, value: Any) -> list[Any]:
        if self._dataset_shape.rank == 0:
            raise ValueError("Slicing dataset elements is not supported for rank 0.")
        return [value._variant_tensor]

    @staticmethod
    def from_value(value: Any) -> "DatasetSpec":
        """The spec of a dataset."""
        return DatasetSpec(value.element_spec, value._dataset_shape)

    def is_subtype_of(self, other: Any) -> bool:
        if type(other) is not DatasetSpec:
            return False
        return structure.are_compatible(other._element_spec, self._element_spec) and self._dataset_shape.is_subtype_of(other._dataset_shape)

    def _to_legacy_output_types(self) -> Any:
        return self

    _to_legacy_output_shapes = _to_legacy_output_classes = _to_legacy_output_types
