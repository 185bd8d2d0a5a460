"""`StagingArea`, `MapStagingArea`, `Barrier` and `RecordInput`: what input pipelines of 1.x put between their steps."""

import glob
import threading
from typing import Any

import numpy as np

from penstock.base import dtypes
from penstock.base.dtypes import as_dtype
from penstock.base.shape import TensorShape
from penstock.ir import door
from penstock.ir.op import find, op
from penstock.ir.scope import scoped


class BaseStagingArea:
    """What both areas have: types, shapes and names of the values, and limits."""

    _identifier = 0

    def __init__(self, dtypes: Any, shapes: Any = None, names: Any = None, shared_name: str | None = None, capacity: int = 0, memory_limit: int = 0):
        kind = type(self).__name__
        graph = door.current()
        self._name = shared_name or (graph.unique_name(kind) if graph.is_graph else kind)
        self._dtypes = [as_dtype(d) for d in dtypes]
        if shapes is not None and len(shapes) != len(self._dtypes):
            raise ValueError("StagingArea shapes must be the same length as dtypes")
        self._shapes = [TensorShape(s) for s in shapes] if shapes is not None else [TensorShape(None) for _ in self._dtypes]
        if names is not None and len(names) != len(self._dtypes):
            raise ValueError("StagingArea names must be the same length as dtypes")
        self._names = None if names is None else list(names)
        self._capacity, self._memory_limit = capacity, memory_limit

    name = property(lambda s: s._name)
    dtypes = property(lambda s: s._dtypes)
    shapes = property(lambda s: s._shapes)
    names = property(lambda s: s._names)
    capacity = property(lambda s: s._capacity)
    memory_limit = property(lambda s: s._memory_limit)

    def _check_put_dtypes(self, vals: Any, indices: Any = None) -> tuple[list[Any], list[int]]:
        """The values as tensors, and their positions."""
        if isinstance(vals, dict):
            if not self._names:
                raise ValueError("Staging areas must have names to enqueue a dictionary")
            if not set(vals).issubset(self._names):
                raise ValueError(f"Keys in dictionary to put do not match names of staging area. Dictionary: {sorted(vals)}Queue: {sorted(self._names)}")
            positions = [i for i, n in enumerate(self._names) if n in vals]
            vals = [vals[self._names[i]] for i in positions]
        else:
            if self._names:
                raise ValueError("You must enqueue a dictionary in a staging area with names")
            if indices is None:
                raise ValueError("Indices must be supplied when inserting a list of tensors")
            if len(indices) != len(vals):
                raise ValueError(f"Number of indices {len(indices)} doesn't match number of values {len(vals)}")
            vals, positions = list(vals) if isinstance(vals, (list, tuple)) else [vals], list(indices)
        if not 0 < len(vals) <= len(self._dtypes):
            raise ValueError(f"Unexpected number of inputs {len(vals)} vs {len(self._dtypes)}")
        tensors = []
        for v, i in zip(vals, positions):
            v, want, shape = door.convert(v), self._dtypes[i], self._shapes[i]
            if v.dtype.base_dtype is not want.base_dtype:
                raise ValueError(f"Datatypes do not match. Received val.dtype {v.dtype} and dtype {want}")
            v.shape.assert_is_compatible_with(shape)
            tensors.append(v)
        return tensors, positions

    def _get_return_value(self, tensors: Any, indices: Any) -> Any:
        for t, i in zip(tensors, indices):
            if door.current().is_graph:
                t.set_shape(self._shapes[i])
        return {self._names[i]: t for t, i in zip(tensors, indices)} if self._names else list(tensors)

    @property
    def _fields(self) -> dict[str, Any]:
        return {"dtypes": self._dtypes, "shared_name": self._name, "capacity": self._capacity, "memory_limit": self._memory_limit}

    def _named(self, name: str | None, what: str) -> str:
        return name or f"{self._name}_{what}"


class StagingArea(BaseStagingArea):
    """Tuples of tensors that wait in order; `put` and `get` of one step may belong to different steps of a pipeline."""

    def put(self, values: Any, name: str | None = None) -> Any:
        """An operation that puts values (a list, or a dict where the area has names) at the end, waiting for room."""
        with scoped(name, f"{self._name}_put") as scope:
            if not isinstance(values, (list, tuple, dict)):
                values = [values]
            tensors, _ = self._check_put_dtypes(values, range(len(values)))
            return find("Stage")(tensors, **{k: v for k, v in self._fields.items() if k != "dtypes"}, name=scope)

    def get(self, name: str | None = None) -> Any:
        """The values that have waited longest, waited for."""
        found = find("Unstage")(**self._fields, name=self._named(name, "get"))
        return self._get_return_value(found, range(len(self._dtypes)))

    def peek(self, index: Any, name: str | None = None) -> Any:
        """The values at `index` of the line; they stay there."""
        found = find("StagePeek")(index, **self._fields, name=self._named(name, "peek"))
        return self._get_return_value(found, range(len(self._dtypes)))

    def size(self, name: str | None = None) -> Any:
        """How many tuples wait."""
        return find("StageSize")(**self._fields, name=self._named(name, "size"))

    def clear(self, name: str | None = None) -> Any:
        """An operation that forgets what waits."""
        return find("StageClear")(**self._fields, name=self._named(name, "clear"))


class MapStagingArea(BaseStagingArea):
    """Tuples of tensors under int64 keys; a tuple may come and go in parts."""

    def __init__(
        self, dtypes: Any, shapes: Any = None, names: Any = None, shared_name: str | None = None, ordered: bool = False, capacity: int = 0, memory_limit: int = 0,
    ):  # fmt: skip
        super().__init__(dtypes, shapes, names, shared_name, capacity, memory_limit)
        self._prefix = "OrderedMap" if ordered else "Map"

    def _op(self, kind: str) -> Any:
        return find(self._prefix + kind)

    def put(self, key: Any, vals: Any, indices: Any = None, name: str | None = None) -> Any:
        """An operation that puts values under a key, at `indices` of its tuple."""
        with scoped(name, f"{self._name}_put") as scope:
            tensors, positions = self._check_put_dtypes(vals, indices)
            return self._op("Stage")(key, np.array(positions, np.int32), tensors, **self._fields, name=scope)

    def _get_indices_and_dtypes(self, indices: Any = None) -> tuple[list[int], list[Any]]:
        if indices is None:
            indices = list(range(len(self._dtypes)))
        if not isinstance(indices, (tuple, list)):
            raise TypeError(f"Invalid indices type {type(indices)}")
        if not indices:
            raise ValueError("Empty indices")
        if all(isinstance(i, str) for i in indices):
            if self._names is None:
                raise ValueError(f"String indices provided {indices}, but this Staging Area was not created with names.")
            try:
                indices = [self._names.index(n) for n in indices]
            except ValueError:
                raise ValueError(f"Named index not in Staging Area names {self._names}") from None
        elif not all(isinstance(i, int) for i in indices):
            raise TypeError(f"Mixed types in indices {indices}. May only be str or int")
        return list(indices), [self._dtypes[i] for i in indices]

    def _given(self, indices: Any) -> tuple[np.ndarray, list[int], dict[str, Any]]:
        positions, kinds = self._get_indices_and_dtypes(indices)
        return np.array(positions, np.int32), positions, self._fields

    def peek(self, key: Any, indices: Any = None, name: str | None = None) -> Any:
        """The values at `indices` of the tuple under a key; they stay there."""
        return self._taken("Peek", key, indices, self._named(name, "pop"))

    def get(self, key: Any = None, indices: Any = None, name: str | None = None) -> Any:
        """(key, values): those under `key`, or of any key."""
        return self._popitem(indices, name) if key is None else self._pop(key, indices, name)

    def _pop(self, key: Any, indices: Any = None, name: str | None = None) -> Any:
        return key, self._taken("Unstage", key, indices, self._named(name, "get"))

    def _popitem(self, indices: Any = None, name: str | None = None) -> Any:
        positions, kinds = self._get_indices_and_dtypes(indices)
        with scoped(name, f"{self._name}_get_nokey") as scope:
            key, found = self._op("UnstageNoKey")(np.array(positions, np.int32), **{**self._fields, "dtypes": kinds}, name=scope)
        return key, self._get_return_value(found, positions)

    def _taken(self, kind: str, key: Any, indices: Any, name: str) -> Any:
        positions, kinds = self._get_indices_and_dtypes(indices)
        with scoped(name, name) as scope:
            found = self._op(kind)(key, np.array(positions, np.int32), **{**self._fields, "dtypes": kinds}, name=scope)
        return self._get_return_value(found, positions)

    def size(self, name: str | None = None) -> Any:
        """How many tuples are complete."""
        return self._op("Size")(**self._fields, name=self._named(name, "size"))

    def incomplete_size(self, name: str | None = None) -> Any:
        """How many tuples still miss values."""
        return self._op("IncompleteSize")(**self._fields, name=self._named(name, "incomplete_size"))

    def clear(self, name: str | None = None) -> Any:
        """An operation that forgets all tuples."""
        return self._op("Clear")(**self._fields, name=self._named(name, "clear"))


class Barrier:
    """Rows that are collected component by component under string keys until they are whole."""

    def __init__(self, types: Any, shapes: Any = None, shared_name: str | None = None, name: str = "barrier"):
        self._types = [as_dtype(t) for t in (types if isinstance(types, (list, tuple)) else [types])]
        if shapes is not None:
            self._shapes = [TensorShape(s) for s in shapes]
            if len(self._shapes) != len(self._types):
                raise ValueError(f"Barrier types must have the same length as shapes: {len(self._types)} vs. {len(self._shapes)}")
            if not all(s.is_fully_defined() for s in self._shapes):
                raise ValueError(f"All shapes must be fully defined: {self._shapes}")
        else:
            self._shapes = [TensorShape(None) for _ in self._types]
        given = [s.as_list() for s in self._shapes] if shapes is not None else []
        self._barrier_ref = find("Barrier")(component_types=self._types, shapes=given, shared_name=shared_name or "", name=name)
        self._name = self._barrier_ref.op.name.rpartition("/")[2] if door.current().is_graph else name

    barrier_ref = property(lambda s: s._barrier_ref, doc="The reference to the barrier.")

    @property
    def name(self) -> str:
        return self._barrier_ref.op.name if door.current().is_graph else self._name

    def insert_many(self, component_index: int, keys: Any, values: Any, name: str | None = None) -> Any:
        """An operation that gives each key its value of one component."""
        return find("BarrierInsertMany")(self._barrier_ref, keys, values, component_index=component_index, name=name or f"{self._name}_BarrierInsertMany")

    def take_many(self, num_elements: Any, allow_small_batch: bool = False, timeout: Any = None, name: str | None = None) -> Any:
        """(indices, keys, *components): so many whole rows, waited for."""
        indices, keys, values = find("BarrierTakeMany")(
            self._barrier_ref, num_elements, component_types=self._types, allow_small_batch=allow_small_batch,
            timeout_ms=-1 if timeout is None else timeout, name=name or f"{self._name}_BarrierTakeMany")  # fmt: skip
        if door.current().is_graph:
            for v, s in zip(values, self._shapes):
                v.set_shape(TensorShape([None]).concatenate(s) if s.rank is not None else None)
        return indices, keys, *values

    def close(self, cancel_pending_enqueues: bool = False, name: str | None = None) -> Any:
        """An operation that lets no new keys in."""
        return find("BarrierClose")(self._barrier_ref, cancel_pending_enqueues=cancel_pending_enqueues, name=name or f"{self._name}_BarrierClose")

    def ready_size(self, name: str | None = None) -> Any:
        """How many whole rows there are."""
        return find("BarrierReadySize")(self._barrier_ref, name=name or f"{self._name}_BarrierReadySize")

    def incomplete_size(self, name: str | None = None) -> Any:
        """How many rows still miss components."""
        return find("BarrierIncompleteSize")(self._barrier_ref, name=name or f"{self._name}_BarrierIncompleteSize")


# -- records in batches ------------------------------------------------------------------------------------------------
class Records:
    """Shuffled records of TFRecord files, epoch after epoch."""

    def __init__(self, pattern: str, buffer: int, seed: int, shift: float, compression: str):
        self.pattern, self.buffer, self.shift, self.compression = pattern, max(buffer, 1), shift, compression
        self.draws, self.held, self.epoch, self.lock = np.random.default_rng(seed & 2**63 - 1), [], 0, threading.Lock()
        self.source = self._endless()

    def _endless(self) -> Any:
        from penstock.base.errors import NotFoundError
        from penstock.base.records import read_records

        while True:
            files = sorted(glob.glob(self.pattern))
            if not files:
                raise NotFoundError(None, None, f"No files matched pattern {self.pattern}")
            order = [files[i] for i in self.draws.permutation(len(files))]
            start = int(len(order) * self.shift * self.epoch) % len(order)
            self.epoch += 1
            found = 0
            for path in order[start:] + order[:start]:
                for _, record in read_records(path, self.compression):
                    found += 1
                    yield record
            if not found:
                raise NotFoundError(None, None, f"The files of {self.pattern} hold no records")

    def take(self, count: int) -> np.ndarray:
        out = np.empty(count, object)
        with self.lock:
            for i in range(count):
                while len(self.held) < self.buffer:
                    self.held.append(next(self.source))
                at = int(self.draws.integers(len(self.held)))
                out[i], self.held[at] = self.held[at], self.held[-1]
                self.held.pop()
        return out


@op('RecordInput(*, batch_size: int = 32, compression_type: str = "", file_buffer_size: int = 10000, file_parallelism: int = 16, file_pattern: str, '
    "file_random_seed: int = 301, file_shuffle_shift_ratio: float = 0.0) -> records: string", where="host", effect="io", needs_store=True, shape=lambda: (None,))  # fmt: skip
def RECORD_INPUT(xp, store, *, batch_size, compression_type, file_buffer_size, file_pattern, file_random_seed, file_shuffle_shift_ratio):
    """[batch_size] records of the files, shuffled, without end."""
    made = store.get("records", "", f"{store.node_name}/{file_pattern}", lambda: Records(file_pattern, file_buffer_size, file_random_seed, file_shuffle_shift_ratio, compression_type))
    return made.take(batch_size)


RECORD_INPUT.no_grad()


class RecordInput:
    """Batches of shuffled records of TFRecord files; `batches` deals each batch out in so many parts."""

    def __init__(
        self, file_pattern: str, batch_size: int = 1, buffer_size: int = 1, parallelism: int = 1, shift_ratio: float = 0, seed: int = 0,
        name: str | None = None, batches: int | None = None, compression_type: Any = None,
    ):  # fmt: skip
        self._batch_size = batch_size if batches is None else batch_size * batches
        self._batches, self._name = batches, name
        self._fields = {"file_pattern": file_pattern, "file_buffer_size": buffer_size, "file_parallelism": parallelism, "file_shuffle_shift_ratio": shift_ratio,
                        "file_random_seed": seed, "compression_type": compression_type or ""}  # fmt: skip

    def get_yield_op(self) -> Any:
        """The next batch: [batch_size] strings, or `batches` lists of scalars, dealt out in turn."""
        records = RECORD_INPUT(batch_size=self._batch_size, name=self._name, **self._fields)
        if self._batches is None:
            return records
        with scoped(self._name, "dealt"):
            parts: list[list[Any]] = [[] for _ in range(self._batches)]
            for i, one in enumerate(find("Split")(0, records, num_split=self._batch_size)):
                parts[i % self._batches].append(find("Reshape")(one, np.zeros(0, dtypes.int32.array_dtype)))
        return parts
