"""Elements grouped by a key: windows, buckets of one length, reducers."""

from typing import Any

import numpy as np

from penstock.base import dtypes
from penstock.base.export import export
from penstock.base.shape import TensorShape
from penstock.data import functions, mixing, structure_nest as nest
from penstock.data.dataset import DatasetSpec, _Spec
from penstock.ir import door
from penstock.ir.op import find
from penstock.ir.type_spec import TensorSpec


def _key_function(key_func: Any, element_spec: Any) -> Any:
    def key(*args: Any) -> Any:
        return find("Cast")(door.convert(key_func(*args)), DstT=dtypes.int64)

    from penstock.fronts.autograph import tf_convert

    key_func = tf_convert(key_func)
    traced = functions.trace(key, "group_by_window_key", element_spec, convert=False)
    if not (isinstance(traced.output_structure, TensorSpec) and traced.output_structure.shape.is_compatible_with([])):
        raise ValueError(f"Invalid `key_func`. `key_func` must return a single `tf.int64` scalar tensor but its return type is {traced.output_structure}.")
    return traced


def group_by_window(dataset: Any, key_func: Any, reduce_func: Any, window_size: Any, window_size_func: Any) -> Any:
    """See `Dataset.group_by_window`."""
    if (window_size is not None and window_size_func) or not (window_size is not None or window_size_func):
        raise ValueError("Either the `window_size` argument or the `window_size_func` argument must be specified, but not both.")
    if window_size is not None:

        def size(unused_key: Any) -> Any:
            return door.convert(window_size, dtypes.int64)
    else:

        def size(key: Any) -> Any:
            return find("Cast")(door.convert(window_size_func(key)), DstT=dtypes.int64)

    key = _key_function(key_func, dataset.element_spec)
    number = TensorSpec([], dtypes.int64)
    reduce = functions.trace(reduce_func, "group_by_window_reduce", (number, DatasetSpec(dataset.element_spec)))
    if not isinstance(reduce.output_structure, DatasetSpec):
        raise TypeError("Invalid `reduce_func`. `reduce_func` must return a single `tf.data.Dataset` object but its return type is " + str(reduce.output_structure) + ".")
    window = functions.trace(size, "group_by_window_size", number, convert=False)
    return dataset._then("_GroupByWindowDataset", mixing.GROUP_BY_WINDOW_DATASET, key.captured, reduce.captured, window.captured, key_func=key.graph,
                         reduce_func=reduce.graph, window_size_func=window.graph, spec=_Spec(reduce.output_structure._element_spec))  # fmt: skip


@export("data.experimental.group_by_window")
def group_by_window_transformation(key_func: Any, reduce_func: Any, window_size: Any = None, window_size_func: Any = None) -> Any:
    """A transformation: windows of elements of one key, each made into a dataset."""
    return lambda dataset: dataset.group_by_window(key_func, reduce_func, window_size, window_size_func)


def bucket_by_sequence_length(dataset: Any, element_length_func: Any, bucket_boundaries: Any, bucket_batch_sizes: Any, padded_shapes: Any, padding_values: Any,
                              pad_to_bucket_boundary: bool, no_padding: bool, drop_remainder: bool) -> Any:  # fmt: skip
    """See `Dataset.bucket_by_sequence_length`."""
    if len(bucket_batch_sizes) != len(bucket_boundaries) + 1:
        raise ValueError(f"`len(bucket_batch_sizes)` must equal `len(bucket_boundaries) + 1` but `len(bucket_batch_sizes)={len(bucket_batch_sizes)}` and `len(bucket_boundaries)={len(bucket_boundaries)}`.")
    sizes = np.array(bucket_batch_sizes, np.int64)
    big = np.iinfo(np.int32)
    low = np.array([big.min, *bucket_boundaries], np.int32)
    high = np.array([*bucket_boundaries, big.max], np.int32)
    from penstock.fronts.autograph import tf_convert

    length_of = tf_convert(element_length_func)

    def bucket(*args: Any) -> Any:
        length = door.convert(length_of(*args))
        if length.dtype is not dtypes.int32:
            length = find("Cast")(length, DstT=dtypes.int32)
        inside = find("LogicalAnd")(find("LessEqual")(low, length), find("Less")(length, high))
        return find("Min")(find("Where")(inside), [0, 1])

    def window_size(bucket_id: Any) -> Any:
        return find("GatherV2")(sizes, bucket_id, 0)

    def padded(shapes: Any, grouped: Any, filler: Any) -> Any:
        out = []
        for s in nest.flatten_up_to(grouped.element_spec, shapes):
            shape = TensorShape(s)
            if shape.rank is None:
                raise ValueError("`pad_to_bucket_boundary` needs the rank of every component")
            out.append([filler if d is None else d for d in shape._dims])
        return nest.pack_sequence_as(grouped.element_spec, out)

    def batch(bucket_id: Any, grouped: Any) -> Any:
        n = window_size(bucket_id)
        if no_padding:
            return grouped.batch(n, drop_remainder)
        none_filler: Any = None
        if pad_to_bucket_boundary:
            message = ("When pad_to_bucket_boundary=True, elements must have length < max(bucket_boundaries).")
            from penstock.ops.asserts import Assert

            check = Assert(find("Less")(bucket_id, np.int64(len(bucket_batch_sizes) - 1)), [message])
            with door.current().control_dependencies([check]):
                boundaries = door.convert(np.array(bucket_boundaries, np.int64))
                none_filler = find("GatherV2")(boundaries, bucket_id, 0) - 1
        given = padded_shapes if padded_shapes is not None else nest.map_structure(lambda s: s.shape, grouped.element_spec)
        shapes = padded(given, grouped, none_filler)
        return grouped.padded_batch(n, shapes, padding_values, drop_remainder)

    return dataset.group_by_window(bucket, batch, window_size_func=window_size)


@export("data.experimental.bucket_by_sequence_length")
def bucket_by_sequence_length_transformation(element_length_func: Any, bucket_boundaries: Any, bucket_batch_sizes: Any, padded_shapes: Any = None, padding_values: Any = None,
                                             pad_to_bucket_boundary: bool = False, no_padding: bool = False, drop_remainder: bool = False) -> Any:  # fmt: skip
    """A transformation: padded batches of elements whose lengths fall into one bucket."""
    return lambda dataset: dataset.bucket_by_sequence_length(element_length_func, bucket_boundaries, bucket_batch_sizes, padded_shapes, padding_values,
                                                             pad_to_bucket_boundary, no_padding, drop_remainder)  # fmt: skip


@export("data.experimental.Reducer")
class Reducer:
    """Three functions: the first state of a key, the next state of a state and an element, the result of the last state."""

    def __init__(self, init_func: Any, reduce_func: Any, finalize_func: Any):
        self._init_func, self._reduce_func, self._finalize_func = init_func, reduce_func, finalize_func

    init_func = property(lambda s: s._init_func)
    reduce_func = property(lambda s: s._reduce_func)
    finalize_func = property(lambda s: s._finalize_func)


@export("data.experimental.group_by_reducer")
def group_by_reducer(key_func: Any, reducer: Reducer) -> Any:
    """A transformation: one element for each key, what the reducer makes of the elements that have it."""

    def apply(dataset: Any) -> Any:
        from penstock.data.reducing import widened

        key = _key_function(key_func, dataset.element_spec)
        init = functions.trace(reducer.init_func, "group_by_reducer_init", TensorSpec([], dtypes.int64))
        reduce, state = widened(reducer.reduce_func, "group_by_reducer_reduce", init.output_structure, dataset.element_spec)
        final = functions.trace(reducer.finalize_func, "group_by_reducer_finalize", state)
        return dataset._then("_GroupByReducerDataset", mixing.GROUP_BY_REDUCER_DATASET, key.captured, init.captured, reduce.captured, final.captured, key_func=key.graph,
                             init_func=init.graph, reduce_func=reduce.graph, finalize_func=final.graph, spec=_Spec(final.output_structure))  # fmt: skip

    return apply
