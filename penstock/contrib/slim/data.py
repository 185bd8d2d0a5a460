"""Data of `slim`: decoders of Examples, data sets in files, providers that read them through queues."""

import abc
from typing import Any

import penstock.compat.v1 as tf
from penstock.contrib.names import contrib

DECODER = "slim.tfexample_decoder."


@contrib("slim.data_decoder.DataDecoder", DECODER + "DataDecoder")
class DataDecoder(metaclass=abc.ABCMeta):
    """Decodes serialized data into items."""

    @abc.abstractmethod
    def decode(self, data: Any, items: Any) -> Any:
        """The tensors of the items."""

    @abc.abstractmethod
    def list_items(self) -> Any:
        """The names of the items."""


@contrib(DECODER + "ItemHandler")
class ItemHandler(metaclass=abc.ABCMeta):
    """Makes an item of some parsed features."""

    def __init__(self, keys: Any):
        self._keys = list(keys) if isinstance(keys, (tuple, list)) else [keys]

    @property
    def keys(self) -> Any:
        return self._keys

    @abc.abstractmethod
    def tensors_to_item(self, keys_to_tensors: Any) -> Any:
        """The item, of a dict of parsed features."""


@contrib(DECODER + "ItemHandlerCallback")
class ItemHandlerCallback(ItemHandler):
    """An item made by a function."""

    def __init__(self, keys: Any, func: Any):
        super().__init__(keys)
        self._func = func

    def tensors_to_item(self, keys_to_tensors: Any) -> Any:
        return self._func(keys_to_tensors)


@contrib(DECODER + "BoundingBox")
class BoundingBox(ItemHandler):
    """[count, 4] boxes of four features."""

    def __init__(self, keys: Any = None, prefix: str = ""):
        keys = ["ymin", "xmin", "ymax", "xmax"] if keys is None else keys
        if len(keys) != 4:
            raise ValueError(f"BoundingBox expects 4 keys but got {len(keys)}")
        self._full_keys = [prefix + k for k in keys]
        super().__init__(self._full_keys)

    def tensors_to_item(self, keys_to_tensors: Any) -> Any:
        sides = []
        for key in self._full_keys:
            side = keys_to_tensors[key]
            sides.append(tf.expand_dims(side.values if isinstance(side, tf.SparseTensor) else side, 0))
        return tf.transpose(tf.concat(sides, 0))


def _reshaped(value: Any, keys_to_tensors: Any, shape: Any, shape_keys: Any) -> Any:
    if shape_keys:
        dims = []
        for key in shape_keys:
            dim = keys_to_tensors[key]
            dims.append(tf.sparse_tensor_to_dense(dim) if isinstance(dim, tf.SparseTensor) else dim)
        shape = tf.reshape(tf.stack(dims), [-1])
    if isinstance(value, tf.SparseTensor):
        return value if shape is None else tf.sparse_reshape(value, shape)
    return value if shape is None else tf.reshape(value, shape)


@contrib(DECODER + "Tensor")
class Tensor(ItemHandler):
    """A feature as it is, dense and in its shape."""

    def __init__(self, tensor_key: str, shape_keys: Any = None, shape: Any = None, default_value: Any = 0):
        if shape_keys and shape is not None:
            raise ValueError("Cannot specify both shape_keys and shape parameters.")
        if shape_keys and not isinstance(shape_keys, list):
            shape_keys = [shape_keys]
        self._tensor_key, self._shape_keys, self._shape, self._default_value = tensor_key, shape_keys, shape, default_value
        super().__init__([tensor_key, *(shape_keys or [])])

    def tensors_to_item(self, keys_to_tensors: Any) -> Any:
        tensor = _reshaped(keys_to_tensors[self._tensor_key], keys_to_tensors, self._shape, self._shape_keys)
        if isinstance(tensor, tf.SparseTensor):
            default = "" if tensor.dtype == tf.string and self._default_value == 0 else self._default_value
            tensor = tf.sparse_tensor_to_dense(tensor, default)
        return tensor


@contrib(DECODER + "LookupTensor")
class LookupTensor(Tensor):
    """A feature looked up in a table."""

    def __init__(self, tensor_key: str, table: Any, shape_keys: Any = None, shape: Any = None, default_value: Any = ""):
        self._table = table
        super().__init__(tensor_key, shape_keys, shape, default_value)

    def tensors_to_item(self, keys_to_tensors: Any) -> Any:
        return self._table.lookup(super().tensors_to_item(keys_to_tensors))


@contrib(DECODER + "BackupHandler")
class BackupHandler(ItemHandler):
    """One handler, or another where the first one gives nothing."""

    def __init__(self, handler: Any, backup: Any):
        for what, value in (("Primary handler", handler), ("Backup handler", backup)):
            if not isinstance(value, ItemHandler):
                raise ValueError(f"{what} is of type {type(value)} instead of ItemHandler")
        self._handler, self._backup = handler, backup
        super().__init__(handler.keys + backup.keys)

    def tensors_to_item(self, keys_to_tensors: Any) -> Any:
        item = self._handler.tensors_to_item(keys_to_tensors)
        return tf.cond(tf.equal(tf.reduce_prod(tf.shape(item)), 0), lambda: self._backup.tensors_to_item(keys_to_tensors), lambda: tf.identity(item))


@contrib(DECODER + "SparseTensor")
class SparseTensor(ItemHandler):
    """A sparse tensor of two features, or its dense form."""

    def __init__(
        self, indices_key: Any = None, values_key: Any = None, shape_key: Any = None, shape: Any = None, densify: bool = False, default_value: Any = 0
    ):  # fmt: skip
        self._indices_key, self._values_key, self._shape_key = indices_key or "indices", values_key or "values", shape_key
        self._shape, self._densify, self._default_value = shape, densify, default_value
        super().__init__([self._indices_key, self._values_key, *([shape_key] if shape_key else [])])

    def tensors_to_item(self, keys_to_tensors: Any) -> Any:
        indices, values = keys_to_tensors[self._indices_key], keys_to_tensors[self._values_key]
        if self._shape_key:
            shape = keys_to_tensors[self._shape_key]
            shape = tf.sparse_tensor_to_dense(shape) if isinstance(shape, tf.SparseTensor) else shape
        else:
            shape = self._shape or indices.dense_shape
        columns = tf.reshape(indices.values, [-1, 1])
        rows = tf.zeros(tf.shape(columns), tf.int64)
        rank = len(shape) if isinstance(shape, (list, tuple)) else 2
        where = columns if rank == 1 else tf.concat([rows, columns], 1)
        sparse = tf.SparseTensor(where, values.values, tf.cast(shape, tf.int64))
        return tf.sparse_tensor_to_dense(sparse, self._default_value) if self._densify else sparse


@contrib(DECODER + "Image")
class Image(ItemHandler):
    """An image, decoded by its format ("raw" images have a shape)."""

    def __init__(
        self, image_key: str | None = None, format_key: str | None = None, shape: Any = None, channels: int = 3, dtype: Any = tf.uint8,
        repeated: bool = False, dct_method: str = "",
    ):  # fmt: skip
        self._image_key, self._format_key = image_key or "image/encoded", format_key or "image/format"
        self._shape, self._channels, self._dtype, self._repeated, self._dct_method = shape, channels, dtype, repeated, dct_method
        super().__init__([self._image_key, self._format_key])

    def tensors_to_item(self, keys_to_tensors: Any) -> Any:
        data, form = keys_to_tensors[self._image_key], keys_to_tensors[self._format_key]
        if self._repeated:
            return tf.map_fn(lambda x: self._decode(x, form), data, dtype=self._dtype)
        return self._decode(data, form)

    def _decode(self, data: Any, form: Any) -> Any:
        def raw() -> Any:
            return tf.reshape(tf.decode_raw(data, out_type=self._dtype), tf.zeros([0], tf.int32) if self._shape is None else self._shape)

        def encoded() -> Any:
            if self._dtype == tf.uint8:
                return tf.image.decode_image(data, channels=self._channels, expand_animations=False)
            if self._dtype == tf.uint16:
                return tf.image.decode_png(data, channels=self._channels, dtype=self._dtype)
            raise ValueError("Only uint8 and uint16 images can be decoded.")

        is_raw = tf.logical_or(tf.equal(form, "raw"), tf.equal(form, "RAW"))
        image = tf.cond(tf.reshape(is_raw, []), raw, encoded) if self._shape is not None else encoded()
        image.set_shape([None, None, self._channels])
        return tf.reshape(image, self._shape) if self._shape is not None else image


@contrib(DECODER + "TFExampleDecoder")
class TFExampleDecoder(DataDecoder):
    """Parses an Example and makes items of its features."""

    def __init__(self, keys_to_features: Any, items_to_handlers: Any):
        self._keys_to_features, self._items_to_handlers = keys_to_features, items_to_handlers

    def list_items(self) -> list[str]:
        return list(self._items_to_handlers.keys())

    def decode(self, serialized_example: Any, items: Any = None) -> list[Any]:
        """The tensors of the items, in their order."""
        example = tf.parse_single_example(serialized_example, self._keys_to_features)
        for k in sorted(self._keys_to_features):
            v = self._keys_to_features[k]
            if isinstance(v, tf.FixedLenFeature):
                example[k] = tf.reshape(example[k], v.shape)
        found = []
        for item in items or self.list_items():
            handler = self._items_to_handlers[item]
            found.append(handler.tensors_to_item({key: example[key] for key in handler.keys}))
        return found


# -- data sets and providers -------------------------------------------------------------------------------------------
@contrib("slim.dataset.Dataset")
class Dataset:
    """Files, how to read and decode them, and what is in them."""

    def __init__(self, data_sources: Any, reader: Any, decoder: Any, num_samples: int, items_to_descriptions: Any, **kwargs: Any):
        kwargs.update(data_sources=data_sources, reader=reader, decoder=decoder, num_samples=num_samples, items_to_descriptions=items_to_descriptions)
        self.__dict__.update(kwargs)


@contrib("slim.parallel_reader.get_data_files")
def get_data_files(data_sources: Any) -> list[str]:
    """The files of patterns, in their order; ValueError where there is none."""
    if isinstance(data_sources, (list, tuple)):
        return [f for source in data_sources for f in get_data_files(source)]
    if "*" in data_sources or "?" in data_sources or "[" in data_sources:
        files = tf.gfile.Glob(data_sources)
    else:
        files = [data_sources]
    if not files:
        raise ValueError(f"No data files found in {data_sources}")
    return files


@contrib("slim.parallel_reader.parallel_read")
def parallel_read(
    data_sources: Any, reader_class: Any, num_epochs: Any = None, num_readers: int = 4, reader_kwargs: Any = None, shuffle: bool = True,
    dtypes: Any = None, capacity: int = 256, min_after_dequeue: int = 128, seed: Any = None, scope: Any = None,
) -> Any:  # fmt: skip
    """(key, value) of the next record, by several readers through one queue."""
    files = get_data_files(data_sources)
    with tf.name_scope(scope, "parallel_read"):
        names = tf.train.string_input_producer(files, num_epochs=num_epochs, shuffle=shuffle, seed=seed, name="filenames")
        dtypes = dtypes or [tf.string, tf.string]
        if shuffle:
            queue = tf.RandomShuffleQueue(capacity=capacity, min_after_dequeue=min_after_dequeue, dtypes=dtypes, seed=seed, name="common_queue")
        else:
            queue = tf.FIFOQueue(capacity=capacity, dtypes=dtypes, name="common_queue")
        enqueues = [queue.enqueue(list(reader_class(**(reader_kwargs or {})).read(names))) for _ in range(num_readers)]
        tf.train.add_queue_runner(tf.train.QueueRunner(queue, enqueues))
        tf.summary.scalar("fraction_of_%d_full" % capacity, tf.to_float(queue.size()) * (1.0 / capacity))
        return queue.dequeue()


@contrib("slim.parallel_reader.single_pass_read")
def single_pass_read(data_sources: Any, reader_class: Any, reader_kwargs: Any = None, scope: Any = None) -> Any:
    """(key, value) of the next record, each once."""
    with tf.name_scope(scope, "single_pass_read"):
        names = tf.train.string_input_producer(get_data_files(data_sources), num_epochs=1, shuffle=False, capacity=1, name="filenames")
        return reader_class(**(reader_kwargs or {})).read(names)


@contrib("slim.data_provider.DataProvider")
class DataProvider:
    """Items by name, as tensors."""

    def __init__(self, items_to_tensors: Any, num_samples: int):
        self._items_to_tensors, self._num_samples = items_to_tensors, num_samples

    def get(self, items: Any) -> list[Any]:
        """The tensors of the items."""
        wrong = [i for i in items if i not in self._items_to_tensors]
        if wrong:
            raise ValueError(f"Items {wrong} are not part of {sorted(self._items_to_tensors)}")
        return [self._items_to_tensors[i] for i in items]

    def list_items(self) -> list[str]:
        return list(self._items_to_tensors.keys())

    def num_samples(self) -> int:
        return self._num_samples


@contrib("slim.dataset_data_provider.DatasetDataProvider")
class DatasetDataProvider(DataProvider):
    """The items of a `Dataset`, an example at a time."""

    def __init__(
        self, dataset: Any, num_readers: int = 1, reader_kwargs: Any = None, shuffle: bool = True, num_epochs: Any = None,
        common_queue_capacity: int = 256, common_queue_min: int = 128, record_key: str = "record_key", seed: Any = None, scope: Any = None,
    ):  # fmt: skip
        key, data = parallel_read(
            dataset.data_sources, reader_class=dataset.reader, num_epochs=num_epochs, num_readers=num_readers, reader_kwargs=reader_kwargs,
            shuffle=shuffle, capacity=common_queue_capacity, min_after_dequeue=common_queue_min, seed=seed, scope=scope,
        )  # fmt: skip
        items = dataset.decoder.list_items()
        tensors = dict(zip(items, dataset.decoder.decode(data, items)))
        if record_key in tensors:
            raise ValueError(f"The item name used for `record_key` cannot also be used for a dataset item: {record_key}")
        tensors[record_key] = key
        super().__init__(items_to_tensors=tensors, num_samples=dataset.num_samples)


@contrib("slim.prefetch_queue.prefetch_queue")
def prefetch_queue(tensors: Any, capacity: int = 8, num_threads: int = 1, dynamic_pad: bool = False, shared_name: Any = None, name: Any = None) -> Any:
    """A queue of batches that were made ahead."""
    names = list(tensors) if isinstance(tensors, dict) else None
    values = [tensors[n] for n in names] if names else list(tensors)
    with tf.name_scope(name, "prefetch_queue", values) as name:
        kwargs = dict(capacity=capacity, dtypes=[t.dtype for t in values], shapes=[t.get_shape() for t in values], names=names, shared_name=shared_name)
        queue = tf.PaddingFIFOQueue(**kwargs) if dynamic_pad else tf.FIFOQueue(**kwargs)
        operation = queue.enqueue(tensors)
        tf.train.add_queue_runner(tf.train.QueueRunner(queue, [operation] * num_threads))
        tf.summary.scalar("fraction_of_%d_full" % capacity, tf.to_float(queue.size()) * (1.0 / capacity))
        return queue


@contrib("slim.model_analyzer.tensor_description")
def tensor_description(var: Any) -> str:
    """A tensor's type, shape and size, as text."""
    text = f"({var.dtype.name} {var.get_shape().ndims}"
    return text + "".join(f"x{d}" for d in var.get_shape().as_list()) + f" [{var.get_shape().num_elements()}])"


@contrib("slim.model_analyzer.analyze_vars")
def analyze_vars(variables: Any, print_info: bool = False) -> tuple[int, int]:
    """(numbers, bytes) of all variables."""
    total_size = total_bytes = 0
    if print_info:
        print("---------\nVariables: name (type shape) [size]\n---------")
    for var in variables:
        size = var.get_shape().num_elements() or 0
        total_size += size
        total_bytes += size * var.dtype.size
        if print_info:
            print(var.name, tensor_description(var), f"[{size}, bytes: {size * var.dtype.size}]")
    if print_info:
        print(f"Total size of variables: {total_size}\nTotal bytes of variables: {total_bytes}")
    return total_size, total_bytes


@contrib("slim.model_analyzer.analyze_ops")
def analyze_ops(graph: Any, print_info: bool = False) -> int:
    """The numbers in all outputs of the graph's ops."""
    total = 0
    for op in graph.get_operations():
        total += sum(o.get_shape().num_elements() or 0 for o in op.outputs if o.get_shape().is_fully_defined())
    if print_info:
        print(f"Total size of ops: {total}")
    return total
