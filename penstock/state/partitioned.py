"""Variables in several parts, and the partitioners that say how many."""

import math
from collections.abc import Callable, Iterator
from typing import Any

from penstock.base.dtypes import as_dtype, string
from penstock.base.export import export
from penstock.base.shape import TensorShape
from penstock.ir import door
from penstock.ir.op import find
from penstock.ir.scope import name_scope


class PartitionedVariable:
    """A variable whose parts lie side by side along one axis; it can be used as their concatenation."""

    def __init__(self, name: str, shape: Any, dtype: Any, variable_list: list[Any], partitions: list[int]):
        if not isinstance(variable_list, (list, tuple)):
            raise TypeError(f"variable_list is not a list or tuple: {variable_list}")
        if not isinstance(partitions, (list, tuple)):
            raise TypeError(f"partitions is not a list or tuple: {partitions}")
        if any(p < 1 for p in partitions):
            raise ValueError(f"partition values must be positive: {partitions}")
        if not variable_list:
            raise ValueError("variable_list may not be empty")
        for v in variable_list:
            if (
                not all(hasattr(v, a) for a in ("_set_save_slice_info", "_get_save_slice_info"))
                or v._get_save_slice_info() is None
            ):
                raise ValueError("All variables in variable_list must have a save_slice_info available.")
        self._variable_list = sorted(variable_list, key=lambda v: v._get_save_slice_info().var_offset)
        self._name, self._shape, self._dtype, self._partitions = (
            name,
            TensorShape(shape),
            as_dtype(dtype),
            list(partitions),
        )
        self._as_tensor: Any = None

    def __iter__(self) -> Iterator[Any]:
        return iter(self._variable_list)

    def __len__(self) -> int:
        axes = self._partition_axes()
        if len(axes) > 1:
            raise ValueError(f"Cannot get a length for {len(axes)} > 1 partition axes")
        return len(self._variable_list)

    name = property(lambda s: s._name)
    dtype = property(lambda s: s._dtype)
    shape = property(lambda s: s.get_shape())

    def get_shape(self) -> TensorShape:
        return self._shape

    def _get_variable_list(self) -> list[Any]:
        return self._variable_list

    def _get_partitions(self) -> list[int]:
        return self._partitions

    def _partition_axes(self) -> list[int]:
        if all(p == 1 for p in self._partitions):
            return [0]
        return [i for i, p in enumerate(self._partitions) if p > 1]

    def _concat(self) -> Any:
        if len(self._variable_list) == 1:
            with name_scope(None):  # type: ignore[arg-type]
                return find("Identity")(door.convert(self._variable_list[0]), name=self._name)
        axes = self._partition_axes()
        if len(axes) > 1:
            raise NotImplementedError(
                f"Cannot concatenate along more than one dimension: {axes}. Multi-axis partition concat is not supported"
            )
        with name_scope(f"{self._name}/ConcatPartitions/"):
            joined = find("ConcatV2")([door.convert(v) for v in self._variable_list], axes[0], name="concat")
        with name_scope(None):  # type: ignore[arg-type]
            return find("Identity")(joined, name=self._name)

    def as_tensor(self) -> Any:
        """The parts as one tensor."""
        with name_scope(None):  # type: ignore[arg-type]
            return self._concat()

    def __tf_tensor__(self, dtype: Any = None, name: str | None = None) -> Any:
        if dtype is not None and as_dtype(dtype).base_dtype is not self.dtype.base_dtype:
            raise ValueError(
                f"Incompatible type conversion requested to type {as_dtype(dtype).name} for variable of type {self.dtype.name}: {self}"
            )
        return self.as_tensor()

    def _apply_assign_fn(self, assign: Callable[..., Any], value: Any) -> list[Any]:
        axis = self._partition_axes()[0]
        if isinstance(value, (list, tuple)) and len(value) == len(self):
            parts = value
        else:
            sizes = [v.get_shape().as_list()[axis] for v in self._variable_list]
            parts = find("SplitV")(door.convert(value, self.dtype.base_dtype), sizes, axis, num_split=len(sizes))
        return [assign(v, p) for v, p in zip(self._variable_list, parts)]

    def assign(self, value: Any, use_locking: bool = False, name: str | None = None, read_value: bool = True) -> Any:
        """Give the parts their shares of `value`."""
        return self._apply_assign_fn(
            lambda v, p: v.assign(p, use_locking=use_locking, name=name, read_value=read_value), value
        )

    def assign_add(
        self, value: Any, use_locking: bool = False, name: str | None = None, read_value: bool = True
    ) -> Any:
        """Add to the parts their shares of `value`."""
        return self._apply_assign_fn(
            lambda v, p: v.assign_add(p, use_locking=use_locking, name=name, read_value=read_value), value
        )

    def assign_sub(
        self, value: Any, use_locking: bool = False, name: str | None = None, read_value: bool = True
    ) -> Any:
        """Subtract from the parts their shares of `value`."""
        return self._apply_assign_fn(
            lambda v, p: v.assign_sub(p, use_locking=use_locking, name=name, read_value=read_value), value
        )


def call_partitioner(partitioner: Any, shape: TensorShape, dtype: Any) -> list[int]:
    """What a partitioner says, checked: a list with one number above 1 at most."""
    if not shape.is_fully_defined():
        raise ValueError(f"Shape of a new partitioned variable must be fully defined, but instead was {shape}.")
    if (shape.rank or 0) < 1:
        raise ValueError(f"A partitioned Variable must have rank at least 1, shape: {shape}")
    partitions = partitioner(shape=shape, dtype=dtype)
    if not isinstance(partitions, (list, tuple)):
        raise ValueError(f"Partitioner must return a sequence, but saw: {partitions}")
    if len(partitions) != shape.rank:
        raise ValueError(
            f"Partitioner returned a partition list that does not match the Variable's rank: {partitions} vs. {shape}"
        )
    if any(p < 1 for p in partitions):
        raise ValueError(f"Partitioner returned zero partitions for some axes: {partitions}")
    if sum(p > 1 for p in partitions) > 1:
        raise ValueError(f"Can only slice a variable along one dimension: shape: {shape}, partitioning: {partitions}")
    return list(partitions)


def shard_sizes(shape: list[int], partitions: list[int]) -> tuple[int, list[int]]:
    """The axis that is cut, and the length of each part: the first ones are longer by one where it does not divide evenly."""
    axis = next((d for d, p in enumerate(partitions) if p > 1), 0)
    n = partitions[axis]
    if n > shape[axis]:
        raise ValueError(f"Partitioner returned {n} parts for axis {axis} of length {shape[axis]}")
    whole, extra = divmod(shape[axis], n)
    return axis, [whole + 1 if i < extra else whole for i in range(n)]


def _element_bytes(dtype: Any, bytes_per_string_element: int) -> int:
    dtype = as_dtype(dtype)
    return bytes_per_string_element if dtype.base_dtype is string else dtype.size


@export(v1=("variable_axis_size_partitioner",))
def variable_axis_size_partitioner(
    max_shard_bytes: int, axis: int = 0, bytes_per_string_element: int = 16, max_shards: int | None = None
) -> Any:
    """A partitioner that keeps parts below `max_shard_bytes`, with `max_shards` parts at most."""
    if max_shard_bytes < 1 or bytes_per_string_element < 1:
        raise ValueError("Both max_shard_bytes and bytes_per_string_element must be positive. Currently, max_shard_bytes is "
                         f"{max_shard_bytes} andbytes_per_string_element is {bytes_per_string_element}")  # fmt: skip
    if max_shards and max_shards < 1:
        raise ValueError("max_shards must be positive.")

    def _partitioner(shape: Any, dtype: Any) -> list[int]:
        if not isinstance(shape, TensorShape):
            raise ValueError(f"shape is not a TensorShape: {shape}")
        if not shape.is_fully_defined():
            raise ValueError(f"shape is not fully defined: {shape}")
        sizes = shape.as_list()
        element = _element_bytes(dtype, bytes_per_string_element)
        slice_bytes = math.prod(sizes) // sizes[axis] * element if sizes[axis] else element
        per_shard = max(1, max_shard_bytes // max(slice_bytes, 1))
        shards = math.ceil(sizes[axis] / per_shard)
        if max_shards:
            shards = min(max_shards, shards)
        partitions = [1] * len(sizes)
        partitions[axis] = max(1, shards)
        return partitions

    return _partitioner


@export(v1=("min_max_variable_partitioner",))
def min_max_variable_partitioner(
    max_partitions: int = 1, axis: int = 0, min_slice_size: int = 256 << 10, bytes_per_string_element: int = 16
) -> Any:
    """A partitioner with as many parts as `min_slice_size` bytes each allow, `max_partitions` at most."""

    def _partitioner(shape: Any, dtype: Any) -> list[int]:
        if axis >= len(shape):
            raise ValueError(f"Cannot partition variable along axis {axis} when shape is only {shape}")
        total = _element_bytes(dtype, bytes_per_string_element) * shape.num_elements()
        sizes = [1] * len(shape)
        sizes[axis] = max(1, min(shape.as_list()[axis], max_partitions, math.ceil(total / float(min_slice_size))))
        return sizes

    return _partitioner


@export(v1=("fixed_size_partitioner",))
def fixed_size_partitioner(num_shards: int, axis: int = 0) -> Any:
    """A partitioner with `num_shards` parts, fewer where the axis is shorter."""

    def _partitioner(shape: Any, **_: Any) -> list[int]:
        partitions = [1] * len(shape)
        partitions[axis] = min(num_shards, shape.as_list()[axis])
        return partitions

    return _partitioner


@export(v1=("create_partitioned_variables",))
def create_partitioned_variables(shape: Any, slicing: Any, initializer: Any, dtype: Any = as_dtype("float32"), trainable: Any = True, collections: Any = None,
                                 name: str | None = None, reuse: Any = None) -> list[Any]:  # fmt: skip
    """The parts of a variable cut as `slicing` says; use `get_variable` with a partitioner instead."""
    from penstock.state.scopes import get_variable, variable_scope

    if len(shape) != len(slicing):
        raise ValueError(
            f"The 'shape' and 'slicing' of a new Variable have different length: {len(shape)} vs. {len(slicing)}"
        )
    if len(shape) < 1:
        raise ValueError(f"A partitioned Variable must have rank at least 1: shape: {shape}")
    with variable_scope(name, "PartitionedVariable", reuse=reuse):
        made = get_variable(name="part" if name is None else "part", shape=shape, dtype=dtype, initializer=initializer, trainable=trainable,
                            partitioner=lambda **_: list(slicing), collections=collections)  # fmt: skip
        return list(made)
