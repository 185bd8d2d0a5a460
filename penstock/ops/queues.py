"""`tf.queue`: queues of tensors between the steps and threads of a program."""

from typing import Any

import numpy as np

from penstock.base import dtypes
from penstock.base.dtypes import as_dtype
from penstock.base.errors import InvalidArgumentError, ShapeError
from penstock.base.export import export
from penstock.base.shape import TensorShape, as_dims
from penstock.ir import door
from penstock.ir.op import op
from penstock.ir.seeds import get_seed
from penstock.ops.queue_resource import PaddingQueue, Queue, RankedQueue, ShuffleQueue

_FIELDS = 'capacity: int = -1, component_types: list(type) >= 1, container: str = "", {extra}shapes: list(shape) >= 0 = [], shared_name: str = ""'


def _shapes(types: Any, shapes: Any) -> list[Any]:
    return list(shapes) if shapes else [None] * len(types)


def _handle(store: Any, container: str, shared_name: str, make: Any) -> Any:
    return store.get("queue", container, shared_name, make)


def _name(store: Any, shared_name: str) -> str:
    return shared_name or store.node_name or "queue"


@op(f"FIFOQueueV2(*, {_FIELDS.format(extra='')}) -> handle: resource", effect="handle", shape=lambda **_: ())
def fifo_queue_v2(xp, store, *, capacity, component_types, container, shapes, shared_name):
    """A queue."""
    return _handle(store, container, shared_name, lambda: Queue(_name(store, shared_name), component_types, _shapes(component_types, shapes), capacity))


@op(f"PaddingFIFOQueueV2(*, {_FIELDS.format(extra='')}) -> handle: resource", effect="handle", shape=lambda **_: ())
def padding_fifo_queue_v2(xp, store, *, capacity, component_types, container, shapes, shared_name):
    """A queue whose elements may differ in size."""
    return _handle(store, container, shared_name, lambda: PaddingQueue(_name(store, shared_name), component_types, _shapes(component_types, shapes), capacity))


@op(f"RandomShuffleQueueV2(*, {_FIELDS.format(extra='min_after_dequeue: int = 0, seed: int = 0, seed2: int = 0, ')}) -> handle: resource", effect="handle",
    shape=lambda **_: ())  # fmt: skip
def random_shuffle_queue_v2(xp, store, *, capacity, component_types, container, shapes, shared_name, min_after_dequeue, seed, seed2):
    """A queue that gives its elements in random order."""
    if min_after_dequeue < 0 or (0 < capacity <= min_after_dequeue):
        raise InvalidArgumentError(None, None, f"min_after_dequeue = {min_after_dequeue} must be at least 0 and below the capacity {capacity}")
    types = component_types
    return _handle(store, container, shared_name, lambda: ShuffleQueue(_name(store, shared_name), types, _shapes(types, shapes), capacity, min_after_dequeue, seed, seed2))


@op('PriorityQueueV2(*, capacity: int = -1, component_types: list(type) >= 0 = [], container: str = "", shapes: list(shape) >= 0, shared_name: str = "") '
    "-> handle: resource", effect="handle", shape=lambda **_: ())  # fmt: skip
def priority_queue_v2(xp, store, *, capacity, component_types, container, shapes, shared_name):
    """A queue that gives the element with the smallest priority first."""
    types = [dtypes.int64, *component_types]
    return _handle(store, container, shared_name, lambda: RankedQueue(_name(store, shared_name), types, [(), *_shapes(component_types, shapes)], capacity))


def _typed(queue: Queue, components: Any) -> list[Any]:
    if len(components) != len(queue.types):
        raise InvalidArgumentError(None, None, f"Wrong number of components in tuple: expected {len(queue.types)}, got {len(components)}")
    return [np.asarray(c) for c in components]


@op("QueueEnqueueV2(handle: resource, components: Tcomponents, *, Tcomponents: list(type) >= 1, timeout_ms: int = -1) -> ()", where="host", effect="io")
def queue_enqueue_v2(xp, handle, components):
    """Add one element."""
    parts = _typed(handle, components)
    handle.check(parts, False)
    handle.enqueue([tuple(parts)])
    return ()


@op("QueueEnqueueManyV2(handle: resource, components: Tcomponents, *, Tcomponents: list(type) >= 1, timeout_ms: int = -1) -> ()", where="host", effect="io")
def queue_enqueue_many_v2(xp, handle, components):
    """Add one element for each row of the components."""
    parts = _typed(handle, components)
    handle.check(parts, True)
    handle.enqueue(list(zip(*parts)))
    return ()


@op("QueueDequeueV2(handle: resource, *, component_types: list(type) >= 1, timeout_ms: int = -1) -> components: component_types", where="host", effect="io")
def queue_dequeue_v2(xp, handle):
    """Take one element."""
    return list(handle.dequeue(1)[0])


@op("QueueDequeueManyV2(handle: resource, n: int32, *, component_types: list(type) >= 1, timeout_ms: int = -1) -> components: component_types", where="host",
    effect="io")  # fmt: skip
def queue_dequeue_many_v2(xp, handle, n):
    """Take `n` elements as one."""
    return handle.stacked(handle.dequeue(int(n)))


@op("QueueDequeueUpToV2(handle: resource, n: int32, *, component_types: list(type) >= 1, timeout_ms: int = -1) -> components: component_types", where="host",
    effect="io")  # fmt: skip
def queue_dequeue_up_to_v2(xp, handle, n):
    """Take `n` elements as one, or what is left when the queue is closed."""
    return handle.stacked(handle.dequeue(int(n), True))


@op("QueueCloseV2(handle: resource, *, cancel_pending_enqueues: bool = False) -> ()", where="host", effect="io")
def queue_close_v2(xp, handle, *, cancel_pending_enqueues):
    """Let nothing more in."""
    handle.close(cancel_pending_enqueues)
    return ()


@op("QueueIsClosedV2(handle: resource) -> is_closed: bool", where="host", effect="io", shape=lambda handle: ())
def queue_is_closed_v2(xp, handle):
    """Is the queue closed?"""
    return np.array(handle.closed)


@op("QueueSizeV2(handle: resource) -> size: int32", where="host", effect="io", shape=lambda handle: ())
def queue_size_v2(xp, handle):
    """How many elements are in the queue."""
    return np.array(handle.size(), np.int32)


@export("queue.QueueBase", v1=("QueueBase", "io.QueueBase"))
class QueueBase:
    """What all queues can do."""

    def __init__(self, dtypes: Any, shapes: Any, names: Any, queue_ref: Any):
        self._dtypes = list(dtypes)
        self._shapes = [TensorShape(s) for s in shapes] if shapes is not None else [TensorShape(None)] * len(self._dtypes)
        if shapes is not None and len(shapes) != len(self._dtypes):
            raise ValueError(f"Queue shapes must have the same length as dtypes, received len(shapes)={len(shapes)}, len(dtypes)={len(self._dtypes)}")
        if names is not None:
            names = [names] if isinstance(names, str) else list(names)
            if len(names) != len(self._dtypes):
                raise ValueError(f"List of queue names must have the same length as the list of dtypes, received len(names)={len(names)}, len(dtypes)={len(self._dtypes)}")
        self._names = names
        self._queue_ref = queue_ref
        self._name = queue_ref.op.name.rpartition("/")[2] if door.current().is_graph else "queue"

    queue_ref = property(lambda s: s._queue_ref)
    dtypes = property(lambda s: s._dtypes)
    shapes = property(lambda s: s._shapes)
    names = property(lambda s: s._names)

    @property
    def name(self) -> str:
        return self._queue_ref.op.name if door.current().is_graph else self._name

    @staticmethod
    def from_list(index: Any, queues: list["QueueBase"]) -> "QueueBase":
        """The queue at `index` of a list of queues that have the same types."""
        if not queues or not all(isinstance(q, QueueBase) for q in queues):
            raise TypeError("A list of queues expected")
        if any(q.dtypes != queues[0].dtypes for q in queues):
            raise TypeError("Queues do not have matching component dtypes.")
        from penstock.ops.join import stack

        refs = stack([q.queue_ref for q in queues])
        return QueueBase(queues[0].dtypes, [s._dims for s in queues[0].shapes], queues[0].names, refs[index])

    def _components(self, vals: Any) -> list[Any]:
        if isinstance(vals, dict):
            if self._names is None:
                raise ValueError("Queue must have names to enqueue a dictionary")
            if sorted(self._names) != sorted(vals):
                raise ValueError(f"Keys in dictionary to enqueue do not match names of Queue.  Dictionary: {sorted(vals)}, Queue: {sorted(self._names)}")
            vals = [vals[n] for n in self._names]
        else:
            if self._names is not None:
                raise ValueError("You must enqueue a dictionary in a Queue with names")
            vals = list(vals) if isinstance(vals, (list, tuple)) else [vals]
            if len(self._dtypes) == 1 and len(vals) != 1:
                vals = [vals]
        if len(vals) != len(self._dtypes):
            raise ValueError(f"Queue takes {len(self._dtypes)} components, got {len(vals)}")
        return [door.convert(v, d) for v, d in zip(vals, self._dtypes)]

    def _check(self, components: list[Any], many: bool) -> None:
        for c, s in zip(components, self._shapes):
            have = c.shape if not many else c.shape[1:]
            if not have.is_compatible_with(s):
                raise ValueError(f"Shapes {have} and {s} are incompatible: the component does not fit the queue")

    def enqueue(self, vals: Any, name: str | None = None) -> Any:
        """An operation that adds one element, waiting for room."""
        components = self._components(vals)
        self._check(components, False)
        return queue_enqueue_v2(self._queue_ref, components, name=name or f"{self._name}_enqueue")

    def enqueue_many(self, vals: Any, name: str | None = None) -> Any:
        """An operation that adds one element for each row of `vals`."""
        components = self._components(vals)
        self._check(components, True)
        return queue_enqueue_many_v2(self._queue_ref, components, name=name or f"{self._name}_EnqueueMany")

    def _result(self, tensors: list[Any], lead: Any) -> Any:
        for t, s in zip(tensors, self._shapes):
            if hasattr(t, "op") and door.current().is_graph:
                t.set_shape(None if s._dims is None else (*lead, *s._dims))
        if self._names is not None:
            return dict(zip(self._names, tensors))
        return tensors[0] if len(tensors) == 1 else tensors

    def dequeue(self, name: str | None = None) -> Any:
        """The next element, waited for; OutOfRangeError when the queue is closed and empty."""
        return self._result(queue_dequeue_v2(self._queue_ref, component_types=self._dtypes, name=name or f"{self._name}_Dequeue"), ())

    def _need_shapes(self, what: str) -> None:
        if type(self) is not PaddingFIFOQueue and not all(s.is_fully_defined() for s in self._shapes):
            raise ShapeError(None, None, f"{what} requires the components to have specified shapes.")

    def dequeue_many(self, n: Any, name: str | None = None) -> Any:
        """The next `n` elements, one row each."""
        self._need_shapes("DequeueMany")
        lead = (n,) if isinstance(n, int) else (None,)
        return self._result(queue_dequeue_many_v2(self._queue_ref, n, component_types=self._dtypes, name=name or f"{self._name}_DequeueMany"), lead)

    def dequeue_up_to(self, n: Any, name: str | None = None) -> Any:
        """The next `n` elements, or fewer when the queue is closed."""
        self._need_shapes("DequeueUpTo")
        return self._result(queue_dequeue_up_to_v2(self._queue_ref, n, component_types=self._dtypes, name=name or f"{self._name}_DequeueUpTo"), (None,))

    def close(self, cancel_pending_enqueues: bool = False, name: str | None = None) -> Any:
        """An operation that lets nothing more in."""
        return queue_close_v2(self._queue_ref, cancel_pending_enqueues=cancel_pending_enqueues, name=name or f"{self._name}_Close")

    def is_closed(self, name: str | None = None) -> Any:
        """Is the queue closed?"""
        return queue_is_closed_v2(self._queue_ref, name=name or f"{self._name}_Is_Closed")

    def size(self, name: str | None = None) -> Any:
        """How many elements are in the queue."""
        return queue_size_v2(self._queue_ref, name=name or f"{self._name}_Size")


def _types(given: Any) -> list[Any]:
    return [as_dtype(d) for d in (given if isinstance(given, (list, tuple)) else [given])]


def _declared(shapes: Any, types: list[Any], whole: bool = True) -> Any:
    """The shapes of the components: known in full, or (`whole=False`) at least in rank."""
    if shapes is None:
        return None
    if isinstance(shapes, TensorShape) or (isinstance(shapes, (list, tuple)) and len(types) == 1 and not any(isinstance(s, (list, tuple, TensorShape)) for s in shapes)
                                           and len(shapes) != 1):  # fmt: skip
        shapes = [shapes]
    found = [TensorShape(s) for s in shapes]
    if not all(s.is_fully_defined() if whole else s.rank is not None for s in found):
        raise ValueError(f"All shapes must {'be fully defined' if whole else 'have a defined rank'}: {found}")
    return [as_dims(s) for s in found]


@export("queue.FIFOQueue", v1=("FIFOQueue",))
class FIFOQueue(QueueBase):
    """A queue: first in, first out.

    >>> q = tf.queue.FIFOQueue(3, tf.int32); q.enqueue(7); q.dequeue().numpy()
    np.int32(7)
    """

    def __init__(self, capacity: int, dtypes: Any, shapes: Any = None, names: Any = None, shared_name: str | None = None, name: str = "fifo_queue"):
        types = _types(dtypes)
        declared = _declared(shapes, types)
        ref = fifo_queue_v2(component_types=types, shapes=declared or [], capacity=capacity, shared_name=shared_name or "", name=name)
        super().__init__(types, declared, names, ref)


@export("queue.PaddingFIFOQueue", v1=("PaddingFIFOQueue", "io.PaddingFIFOQueue"))
class PaddingFIFOQueue(QueueBase):
    """A queue whose elements may differ in the unknown axes of `shapes`; `dequeue_many` fills them up with zeros."""

    def __init__(self, capacity: int, dtypes: Any, shapes: Any, names: Any = None, shared_name: str | None = None, name: str = "padding_fifo_queue"):
        types = _types(dtypes)
        declared = _declared(shapes, types, whole=False)
        if declared is None or len(declared) != len(types):
            raise ValueError(f"Shapes must be provided for all components, but received {len(types)} dtypes and {len(declared or ())} shapes.")
        ref = padding_fifo_queue_v2(component_types=types, shapes=declared, capacity=capacity, shared_name=shared_name or "", name=name)
        super().__init__(types, declared, names, ref)


@export("queue.RandomShuffleQueue", v1=("RandomShuffleQueue", "io.RandomShuffleQueue"))
class RandomShuffleQueue(QueueBase):
    """A queue that gives its elements in random order, keeping `min_after_dequeue` of them back."""

    def __init__(self, capacity: int, min_after_dequeue: int, dtypes: Any, shapes: Any = None, names: Any = None, seed: Any = None,
                 shared_name: str | None = None, name: str = "random_shuffle_queue"):  # fmt: skip
        types = _types(dtypes)
        declared = _declared(shapes, types)
        seed1, seed2 = get_seed(seed)
        ref = random_shuffle_queue_v2(component_types=types, shapes=declared or [], capacity=capacity, min_after_dequeue=min_after_dequeue, seed=seed1 or 0,
                                      seed2=seed2 or 0, shared_name=shared_name or "", name=name)  # fmt: skip
        super().__init__(types, declared, names, ref)


@export("queue.PriorityQueue", v1=("PriorityQueue", "io.PriorityQueue"))
class PriorityQueue(QueueBase):
    """A queue whose first component is an int64 priority: the smallest comes out first."""

    def __init__(self, capacity: int, types: Any, shapes: Any = None, names: Any = None, shared_name: str | None = None, name: str = "priority_queue"):
        kinds = _types(types) if types else []
        declared = _declared(shapes, kinds) if shapes is not None else [None] * len(kinds)
        ref = priority_queue_v2(component_types=kinds, shapes=declared if shapes is not None else [], capacity=capacity, shared_name=shared_name or "", name=name)
        super().__init__([dtypes.int64, *kinds], [(), *declared], names, ref)
