"""`ShardedVariable`: variables that are the runs of rows of one, and partitioners, which say into how many to cut."""

import math

import numpy as np

from penstock.base.dtypes import as_dtype, string
from penstock.base.export import export
from penstock.base.shape import TensorShape
from penstock.base.trackable import VARIABLE_VALUE_KEY, Trackable
from penstock.ir import door
from penstock.ir.convert import register_tensor_conversion_function
from penstock.ir.op import find
from penstock.ir.tensor import Tensor
from penstock.state.variable import SaveSliceInfo, Variable


@export("distribute.experimental.partitioners.Partitioner")
class Partitioner:
    """A function of (shape, dtype) that gives the number of parts along each axis."""

    def __call__(self, shape, dtype, axis=0):
        raise NotImplementedError


@export("distribute.experimental.partitioners.FixedShardsPartitioner")
class FixedShardsPartitioner(Partitioner):
    """As many parts as were asked for, or as there are rows."""

    def __init__(self, num_shards):
        self._num_shards = num_shards

    def __call__(self, shape, dtype, axis=0):
        result = [1] * len(shape)
        result[axis] = min(self._num_shards, TensorShape(shape).as_list()[axis])
        return result


def _row_bytes(shape, dtype, axis, bytes_per_string):
    """(rows, bytes of one)."""
    sizes = TensorShape(shape).as_list()
    each = bytes_per_string if as_dtype(dtype) is string else as_dtype(dtype).size
    return sizes[axis], each * math.prod(n for i, n in enumerate(sizes) if i != axis)


@export("distribute.experimental.partitioners.MinSizePartitioner")
class MinSizePartitioner(Partitioner):
    """Parts of `min_shard_bytes` bytes at least, `max_shards` of them at most."""

    def __init__(self, min_shard_bytes=256 << 10, max_shards=1, bytes_per_string=16):
        if min_shard_bytes < 1:
            raise ValueError(f"Argument `min_shard_bytes` must be positive. Received: {min_shard_bytes}")
        if max_shards < 1:
            raise ValueError(f"Argument `max_shards` must be positive. Received: {max_shards}")
        if bytes_per_string < 1:
            raise ValueError(f"Argument `bytes_per_string` must be positive. Received: {bytes_per_string}")
        self._min_shard_bytes, self._max_shards, self._bytes_per_string = min_shard_bytes, max_shards, bytes_per_string

    def __call__(self, shape, dtype, axis=0):
        rows, each = _row_bytes(shape, dtype, axis, self._bytes_per_string)
        result = [1] * len(shape)
        result[axis] = max(1, min(rows, self._max_shards, math.ceil(rows * each / self._min_shard_bytes)))
        return result


@export("distribute.experimental.partitioners.MaxSizePartitioner")
class MaxSizePartitioner(Partitioner):
    """Parts of `max_shard_bytes` bytes at most, unless that takes more than `max_shards`."""

    def __init__(self, max_shard_bytes, max_shards=None, bytes_per_string=16):
        if max_shard_bytes < 1:
            raise ValueError(f"Argument `max_shard_bytes` must be positive. Received {max_shard_bytes}")
        if max_shards and max_shards < 1:
            raise ValueError(f"Argument `max_shards` must be positive. Received {max_shards}")
        if bytes_per_string < 1:
            raise ValueError(f"Argument `bytes_per_string` must be positive. Received: {bytes_per_string}")
        self._max_shard_bytes, self._max_shards, self._bytes_per_string = max_shard_bytes, max_shards, bytes_per_string

    def __call__(self, shape, dtype, axis=0):
        rows, each = _row_bytes(shape, dtype, axis, self._bytes_per_string)
        fit = max(1, self._max_shard_bytes // each)
        parts = math.ceil(rows / fit)
        result = [1] * len(shape)
        result[axis] = max(1, min(rows, parts if self._max_shards is None else min(parts, self._max_shards)))
        return result


@export(v2=("__internal__.distribute.ShardedVariable",))
class ShardedVariable(Trackable):
    """Variables whose rows, one after the other, are those of a greater one; a checkpoint holds the greater one.

    >>> ShardedVariable([tf.Variable([1.0]), tf.Variable([2.0, 3.0])])[1].numpy()
    np.float32(2.0)
    """

    is_sharded_variable = True
    _should_act_as_resource_variable = True

    def __init__(self, variables, name="ShardedVariable"):
        if not isinstance(variables, (list, tuple)) or not variables or any(not isinstance(v, Variable) for v in variables):
            raise TypeError(f"Argument `variables` should be a non-empty list of `variables.Variable`s. Received {variables}")
        dtypes = [v.dtype for v in variables]
        if any(d != dtypes[0] for d in dtypes):
            raise ValueError(f"All elements in argument `variables` must have the same dtype. Received dtypes: {dtypes}")
        shapes = [v.shape for v in variables]
        if any(s.rank != shapes[0].rank or s.as_list()[1:] != shapes[0].as_list()[1:] for s in shapes):
            raise ValueError(
                f"All elements in argument `variables` must have the same shapes except for the first axis. Received shapes: {shapes}"
            )
        for v in variables:
            if v._get_save_slice_info() is not None:
                raise ValueError(
                    f"`SaveSliceInfo` should not be set for all elements in argument `variables`. `ShardedVariable` will infer `SaveSliceInfo` "
                    f"according to the order of the elements `variables`. Received save slice info {v._get_save_slice_info()}"
                )
        self._variables, self._name, self._dtype = list(variables), name, dtypes[0]
        self._shape = TensorShape([sum(s.as_list()[0] for s in shapes), *shapes[0].as_list()[1:]])
        self._offsets = [0, *np.cumsum([s.as_list()[0] for s in shapes])[:-1].tolist()]
        for at, v in zip(self._offsets, variables):
            v._set_save_slice_info(SaveSliceInfo(name, self._shape.as_list(), [at] + [0] * (self._shape.rank - 1), v.shape.as_list()))

    variables = property(lambda self: self._variables)
    name = property(lambda self: self._name)
    dtype = property(lambda self: self._dtype)
    shape = property(lambda self: self._shape)
    _shared_name = property(lambda self: self._name)
    _unique_id = property(lambda self: self._variables[0]._unique_id.replace("part_0", "sharded"))
    _distribute_strategy = property(lambda self: getattr(self._variables[0], "_distribute_strategy", None))

    @property
    def _variable_list(self):
        return self._variables

    def __iter__(self):
        """The parts, one after the other."""
        yield from self._variables

    def __getitem__(self, slice_spec):
        return self.__tf_tensor__()[slice_spec]

    def __tf_tensor__(self, dtype=None, name=None):
        parts = [door.convert(v) for v in self._variables]
        value = parts[0] if len(parts) == 1 else find("ConcatV2")(parts, 0)
        return value if dtype is None or as_dtype(dtype).is_compatible_with(value.dtype) else NotImplemented

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.numpy(), dtype)

    def numpy(self):
        """The rows of all parts as one array."""
        return np.concatenate([v.numpy() for v in self._variables], axis=0)

    def read_value(self):
        """The rows of all parts as one tensor."""
        return self.__tf_tensor__()

    # -- writing --------------------------------------------------------------------------------------------------------
    def _each(self, method, value, use_locking, name, read_value):
        value = door.convert(value, self._dtype)
        ends = [*self._offsets[1:], self._shape.as_list()[0]]
        for v, start, end in zip(self._variables, self._offsets, ends):
            getattr(v, method)(value[start:end])
        return self

    def assign(self, value, use_locking=None, name=None, read_value=True):
        """Give the parts the rows of `value`."""
        return self._each("assign", value, use_locking, name, read_value)

    def assign_add(self, delta, use_locking=False, name=None, read_value=True):
        """Add the rows of `delta`."""
        return self._each("assign_add", delta, use_locking, name, read_value)

    def assign_sub(self, delta, use_locking=False, name=None, read_value=True):
        """Subtract the rows of `delta`."""
        return self._each("assign_sub", delta, use_locking, name, read_value)

    def _parts_of(self, indices):
        """(part of each index, its row there)."""
        starts = door.convert(np.asarray(self._offsets[1:]), indices.dtype)
        part = find("Sum")(find("Cast")(find("GreaterEqual")(find("ExpandDims")(indices, -1), starts), DstT="int32"), [-1])
        first = find("GatherV2")(door.convert(np.asarray(self._offsets), indices.dtype), part, 0)
        return part, indices - first

    def _scatter(self, method, sparse_delta, use_locking, name):
        part, row = self._parts_of(sparse_delta.indices)
        count = len(self._variables)
        rows = find("DynamicPartition")(row, part, num_partitions=count)
        values = find("DynamicPartition")(sparse_delta.values, part, num_partitions=count)
        for v, i, x in zip(self._variables, rows, values):
            getattr(v, method)(type(sparse_delta)(values=x, indices=i))
        return self

    def sparse_read(self, indices, name=None):
        """The rows at `indices`."""
        return find("GatherV2")(self.__tf_tensor__(), indices, 0, name=name)

    # -- checkpoints ----------------------------------------------------------------------------------------------------
    def _serialize_to_tensors(self):
        return {VARIABLE_VALUE_KEY: {v._get_save_slice_info().spec: v for v in self._variables}}

    def _restore_from_tensors(self, restored_tensors):
        parts = restored_tensors[VARIABLE_VALUE_KEY]
        return [v.assign(parts[v._get_save_slice_info().spec]) for v in self._variables]


def _scatters():
    for kind in ("add", "div", "max", "min", "mul", "sub", "update"):
        def scatter(self, sparse_delta, use_locking=False, name=None, _method=f"scatter_{kind}"):
            return self._scatter(_method, sparse_delta, use_locking, name)

        scatter.__name__ = scatter.__qualname__ = f"scatter_{kind}"
        scatter.__doc__ = f"`{kind}` the values of an IndexedSlices at its rows."
        setattr(ShardedVariable, scatter.__name__, scatter)
    ShardedVariable.batch_scatter_update = ShardedVariable.scatter_update


def _operators():
    for name in Tensor.OVERLOADABLE_OPERATORS:
        if name in ("__getitem__", "__eq__", "__ne__"):
            continue

        def call(self, *args, _name=name):
            return getattr(self.__tf_tensor__(), _name)(*args)

        call.__name__ = call.__qualname__ = name
        setattr(ShardedVariable, name, call)


_scatters()
_operators()
register_tensor_conversion_function(
    ShardedVariable, lambda value, dtype=None, name=None, as_ref=False: value.__tf_tensor__(dtype, name)
)
