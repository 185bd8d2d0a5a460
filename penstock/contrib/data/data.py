"""`tf.contrib.data`: names of `tf.data.experimental`, and those that went."""

from typing import Any

import penstock.compat.v1 as tf
from penstock.contrib.names import again, contrib

again("data", "data.experimental", """AUTOTUNE Counter CsvDataset Optional RandomDataset Reducer SqlDataset TFRecordWriter bucket_by_sequence_length
    choose_from_datasets copy_to_device dense_to_sparse_batch enumerate_dataset get_next_as_optional get_single_element group_by_reducer
    group_by_window ignore_errors make_batched_features_dataset make_csv_dataset make_saveable_from_iterator map_and_batch parallel_interleave
    parse_example_dataset prefetch_to_device rejection_resample sample_from_datasets scan shuffle_and_repeat unbatch unique
    CheckpointInputPipelineHook""")  # fmt: skip
again("data", "data", "Dataset Iterator TFRecordDataset TextLineDataset FixedLengthRecordDataset")


@contrib("data.batch_and_drop_remainder")
def batch_and_drop_remainder(batch_size: Any) -> Any:
    """For `Dataset.apply`: batches of one size, the last ones left out."""
    return lambda dataset: dataset.batch(batch_size, drop_remainder=True)


@contrib("data.padded_batch_and_drop_remainder")
def padded_batch_and_drop_remainder(batch_size: Any, padded_shapes: Any, padding_values: Any = None) -> Any:
    """For `Dataset.apply`: padded batches of one size, the last ones left out."""
    return lambda dataset: dataset.padded_batch(batch_size, padded_shapes=padded_shapes, padding_values=padding_values, drop_remainder=True)


@contrib("data.sloppy_interleave")
def sloppy_interleave(map_func: Any, cycle_length: Any, block_length: Any = 1) -> Any:
    """For `Dataset.apply`: `interleave`."""
    return lambda dataset: dataset.interleave(map_func, cycle_length, block_length)


@contrib("data.sliding_window_batch")
def sliding_window_batch(window_size: Any, stride: Any = None, window_shift: Any = None, window_stride: Any = 1) -> Any:
    """For `Dataset.apply`: batches that slide over the elements."""
    if stride is None and window_shift is None:
        raise ValueError("Please specify `window_shift`.")
    shift = window_shift if stride is None else stride

    def apply(dataset: Any) -> Any:
        windows = dataset.window(window_size, shift=shift, stride=window_stride, drop_remainder=True)
        return windows.flat_map(lambda *parts: parts[0].batch(window_size) if len(parts) == 1 and not isinstance(parts[0], dict)
                                else tf.data.Dataset.zip(tuple(p.batch(window_size) for p in parts)))  # fmt: skip

    return apply


@contrib("data.assert_element_shape")
def assert_element_shape(expected_shapes: Any) -> Any:
    """For `Dataset.apply`: check the shapes of the elements."""

    def check(*elements: Any) -> Any:
        flat, shapes = tf.nest.flatten(elements), tf.nest.flatten(expected_shapes)
        for element, shape in zip(flat, shapes):
            element.set_shape(shape)
        return elements[0] if len(elements) == 1 else elements

    return lambda dataset: dataset.map(check)


@contrib("data.reduce_dataset")
def reduce_dataset(dataset: Any, reducer: Any) -> Any:
    """All elements as one, by a `Reducer`."""
    return reducer.finalize_func(dataset.reduce(reducer.init_func(tf.constant(0, tf.int64)), reducer.reduce_func))


@contrib("data.read_batch_features")
def read_batch_features(
    file_pattern: Any, batch_size: Any, features: Any, reader: Any = None, reader_args: Any = None, randomize_input: bool = True,
    num_epochs: Any = None, capacity: int = 10000,
) -> Any:  # fmt: skip
    """The next batch of parsed Examples of the files, as a dict of tensors."""
    dataset = tf.data.experimental.make_batched_features_dataset(
        file_pattern, batch_size, features, reader=reader or tf.data.TFRecordDataset, reader_args=reader_args, shuffle=randomize_input,
        num_epochs=num_epochs, shuffle_buffer_size=capacity,
    )  # fmt: skip
    return tf.data.make_one_shot_iterator(dataset).get_next()
