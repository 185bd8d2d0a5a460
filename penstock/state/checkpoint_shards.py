"""How the tensors of a checkpoint are spread over data files."""

import abc
from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock.base import dtypes
from penstock.base.dtypes import as_dtype
from penstock.base.export import export
from penstock.base.shape import TensorShape
from penstock.ir import door


@export("train.experimental.ShardableTensor")
class ShardableTensor:
    """A tensor of a checkpoint as a sharding callback sees it."""

    def __init__(self, _tensor_save_spec: Any, tensor: Any, dtype: Any, device: Any, name: str, shape: Any, slice_spec: str, checkpoint_key: str,
                 trackable: Any):  # fmt: skip
        self._tensor_save_spec = _tensor_save_spec
        self.tensor, self.dtype, self.device, self.name, self.shape = tensor, dtype, device, name, shape
        self.slice_spec, self.checkpoint_key, self.trackable = slice_spec, checkpoint_key, trackable

    def __hash__(self) -> int:
        return hash((self.name, self.dtype, str(self.device), self.checkpoint_key))

    def __eq__(self, other: object) -> bool:
        return self is other

    def __repr__(self) -> str:
        return (f"\n{type(self).__name__}:\n  _tensor_save_spec={self._tensor_save_spec!r}\n  tensor={self.tensor!r}\n  dtype={self.dtype!r}\n"
                f"  device={self.device!r}\n  name={self.name!r}\n  shape={self.shape!r}\n  slice_spec={self.slice_spec!r}\n"
                f"  checkpoint_key={self.checkpoint_key!r}\n  trackable={self.trackable!r}")  # fmt: skip


@export("train.experimental.ShardingCallback")
class ShardingCallback(abc.ABC):
    """Says which tensors, or slices of tensors, stand together in a data file."""

    @property
    @abc.abstractmethod
    def description(self) -> str:
        """What the callback does, in words."""

    @abc.abstractmethod
    def __call__(self, shardable_tensors: Sequence[ShardableTensor]) -> Sequence[dict[str, dict[str, Any]]]:
        """{key: {slice: tensor}} of each data file."""

    def __hash__(self) -> int:
        return hash(self.description)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ShardingCallback) and self.description == other.description


@export("train.experimental.ShardByTaskPolicy")
class ShardByTaskPolicy(ShardingCallback):
    """A data file for each task that holds tensors: one, in a single process."""

    @property
    def description(self) -> str:
        return "Split tensors into shards based on task."

    def __call__(self, shardable_tensors: Sequence[ShardableTensor]) -> Sequence[dict[str, dict[str, Any]]]:
        found: dict[str, dict[str, Any]] = {}
        for one in shardable_tensors:
            if one.tensor is not None:
                found.setdefault(one.checkpoint_key, {})[one.slice_spec] = one.tensor
        return [found]


@export("train.experimental.MaxShardSizePolicy")
class MaxShardSizePolicy(ShardingCallback):
    """Data files of at most so many bytes; greater tensors are cut along the axis that cuts best."""

    def __init__(self, max_shard_size: int):
        self.max_shard_size = max_shard_size

    @property
    def description(self) -> str:
        return "Split tensors into shards with a max shard size."

    def __call__(self, shardable_tensors: Sequence[ShardableTensor]) -> Sequence[dict[str, dict[str, Any]]]:
        shards: list[dict[str, dict[str, Any]]] = [{}]
        room = self.max_shard_size
        for one in shardable_tensors:
            if one.tensor is None:
                continue
            array = np.asarray(one.tensor._numpy_view() if hasattr(one.tensor, "_numpy_view") else one.tensor)
            if one.dtype is dtypes.string:
                size = array.size  # as TensorFlow counts strings
            else:
                size = array.nbytes
            if size <= room or one.dtype is dtypes.string or array.ndim == 0 or array.size == 0:
                if size > room and shards[-1]:
                    shards.append({})
                    room = self.max_shard_size
                shards[-1].setdefault(one.checkpoint_key, {})[one.slice_spec] = one.tensor
                room -= size
                continue
            room = self._cut(one, array, shards, room)
        return [s for s in shards if s] or [{}]

    def _cut(self, one: ShardableTensor, array: np.ndarray, shards: list[dict[str, dict[str, Any]]], room: int) -> int:
        """Spread a tensor that does not fit over this data file and further ones; gives the room left in the last."""
        axis = min(range(array.ndim), key=lambda k: (array.nbytes // array.shape[k], k))
        step = array.nbytes // array.shape[axis]
        at = 0
        while at < array.shape[axis]:
            count = max(0, room // step)
            if count == 0:
                if shards[-1]:
                    shards.append({})
                    room = self.max_shard_size
                count = max(1, self.max_shard_size // step)
            count = min(count, array.shape[axis] - at)
            where = tuple(slice(at, at + count) if k == axis else slice(None) for k in range(array.ndim))
            extents = ":".join(f"{at},{count}" if k == axis else "-" for k in range(array.ndim))
            spec = f"{' '.join(str(n) for n in array.shape)} {extents}"
            shards[-1].setdefault(one.checkpoint_key, {})[spec] = door.convert(np.ascontiguousarray(array[where]))
            room -= count * step
            at += count
        return room


def split(arrays: list[tuple[str, str, np.ndarray, Any]], callback: Any) -> list[list[tuple[str, str, np.ndarray, Any]]]:
    """The tensors of a checkpoint spread over data files as `callback` says."""
    kinds = {key: dtype for key, _, _, dtype in arrays}
    shardable = [
        ShardableTensor(None, door.convert(array, dtype), dtype, "/job:localhost/replica:0/task:0/device:CPU:0", key, TensorShape(array.shape), spec, key, None)
        for key, spec, array, dtype in arrays
    ]  # fmt: skip
    made = []
    for shard in callback(shardable):
        made.append([
            (key, spec, np.asarray(t._numpy_view() if hasattr(t, "_numpy_view") else t), as_dtype(kinds.get(key, t.dtype)))
            for key, slices in shard.items() for spec, t in slices.items()
        ])  # fmt: skip
    return made


__all__ = ["MaxShardSizePolicy", "ShardByTaskPolicy", "ShardableTensor", "ShardingCallback", "split"]
