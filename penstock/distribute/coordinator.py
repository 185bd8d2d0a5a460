"""`tf.distribute.coordinator.ClusterCoordinator`: hands functions to the workers of a ParameterServerStrategy."""

import queue
import threading
import weakref

from penstock.base import nest
from penstock.base.errors import CancelledError
from penstock.base.export import export
from penstock.distribute.parameter_server import ParameterServerStrategy
from penstock.fronts.function import Function, function

_here = threading.local()


@export(v2=("distribute.coordinator.experimental_get_current_worker_index",))
def experimental_get_current_worker_index():
    """The number of the worker that runs this function; RuntimeError outside of workers."""
    index = getattr(_here, "worker", None)
    if index is None:
        raise RuntimeError("Cannot retrieve the worker index. `get_worker_idx_and_num_workers` should be called from within a tf.function being executed on a worker.")
    return index


@export(v2=("distribute.coordinator.RemoteValue", "distribute.experimental.coordinator.RemoteValue"))
class RemoteValue:
    """What a scheduled function will give."""

    def fetch(self):
        """The result as NumPy values; waits for it."""
        raise NotImplementedError("Must be implemented in subclasses.")

    def get(self):
        """The result as tensors; waits for it."""
        raise NotImplementedError("Must be implemented in subclasses.")


class _RemoteResult(RemoteValue):
    def __init__(self):
        self._done, self._value, self._error = threading.Event(), None, None

    def _set(self, value, error=None):
        self._value, self._error = value, error
        self._done.set()

    def get(self):
        """The result as tensors; raises what the function raised."""
        self._done.wait()
        if self._error is not None:
            raise self._error
        return self._value

    def fetch(self):
        """The result as NumPy values; raises what the function raised."""
        return nest.map_structure(lambda x: x.numpy() if hasattr(x, "numpy") else x, self.get())


@export(v2=("distribute.coordinator.PerWorkerValue", "distribute.experimental.coordinator.PerWorkerValues"))
class PerWorkerValues:
    """A value for each worker; a function that a worker runs gets its own."""

    def __init__(self, values):
        for v in values:
            if not isinstance(v, RemoteValue):
                raise AssertionError(f"`PerWorkerValues` should only take `RemoteValue`s. Got {type(v)}.")
        self._values = tuple(values)


class _PerWorkerDataset:
    """A dataset for each worker; `iter` of it is an iterator for each."""

    def __init__(self, make, coordinator):
        self._make, self._coordinator, self._spec = make, coordinator, None

    @property
    def element_spec(self):
        """The spec of the elements."""
        if self._spec is None:
            self._spec = self._make().element_spec
        return self._spec

    def __iter__(self):
        return _PerWorkerIterator(self._coordinator._on_each_worker(lambda: iter(self._make())), self)


class _PerWorkerIterator(PerWorkerValues):
    """An iterator for each worker."""

    def __init__(self, values, dataset):
        super().__init__(values)
        self._dataset = dataset

    element_spec = property(lambda self: self._dataset.element_spec)

    def __iter__(self):
        return self

    def get_next(self, name=None):
        """NotImplementedError: only the workers draw elements."""
        raise NotImplementedError("Iterating over an `AsyncDistributedIterator` is not supported right now.")


@export(v2=("distribute.coordinator.ClusterCoordinator", "distribute.experimental.coordinator.ClusterCoordinator"))
class ClusterCoordinator:
    """Schedules functions on the workers of a strategy: whichever is free takes the next one.

    The first error of a function is raised by the next `schedule` or `join`; functions that had not begun are cancelled.
    """

    def __new__(cls, strategy):
        if not isinstance(strategy, ParameterServerStrategy):
            raise ValueError("Only `tf.distribute.experimental.ParameterServerStrategy` is supported to work with "
                             "`tf.distribute.experimental.coordinator.ClusterCoordinator` currently.")  # fmt: skip
        if strategy._cluster_coordinator is None:
            strategy._cluster_coordinator = super().__new__(cls)
        return strategy._cluster_coordinator

    def __init__(self, strategy):
        if hasattr(self, "_strategy"):
            return
        self._strategy = strategy
        strategy.extended._used_with_coordinator = True
        self._queue, self._error = queue.Queue(), None
        self._count, self._idle = 0, threading.Condition()
        for i in range(strategy.extended._num_workers):
            threading.Thread(target=_work, args=(weakref.ref(self), self._queue, i), daemon=True, name=f"WorkerClosureProcessing-{i}").start()

    strategy = property(lambda self: self._strategy)

    def schedule(self, fn, args=None, kwargs=None):
        """Let the next free worker call `fn(*args, **kwargs)`; a RemoteValue of what it gives."""
        if not isinstance(fn, Function) and not callable(fn):
            raise TypeError("`tf.distribute.experimental.coordinator.ClusterCoordinator.schedule` only accepts a `tf.function` or a Python function.")
        self._raise()
        made = _RemoteResult()
        with self._idle:
            self._count += 1
        self._queue.put((fn, tuple(args or ()), dict(kwargs or {}), made))
        return made

    def join(self):
        """Wait until all scheduled functions are done."""
        with self._idle:
            self._idle.wait_for(lambda: self._count == 0)
        self._raise()

    def done(self):
        """Are all scheduled functions done?"""
        self._raise()
        return self._count == 0

    def _raise(self):
        error, self._error = self._error, None
        if error is not None:
            with self._idle:
                self._idle.wait_for(lambda: self._count == 0)
            raise error

    def _finish(self, error=None):
        with self._idle:
            if error is not None and self._error is None:
                self._error = error
                while not self._queue.empty():
                    try:
                        *_, waiting = self._queue.get_nowait()
                    except queue.Empty:
                        break
                    waiting._set(None, CancelledError(None, None, f"The corresponding function is cancelled. Please reschedule the function. Original error: {error}"))
                    self._count -= 1
            self._count -= 1
            if self._count == 0:
                self._idle.notify_all()

    def _on_each_worker(self, make):
        found = []
        for i in range(self._strategy.extended._num_workers):
            one = _RemoteResult()
            before, _here.worker = getattr(_here, "worker", None), i
            try:
                one._set(make())
            finally:
                _here.worker = before
            found.append(one)
        return found

    def create_per_worker_dataset(self, dataset_fn):
        """A dataset for each worker: what `dataset_fn()` gives there, or the dataset itself."""
        if not callable(dataset_fn):
            return _PerWorkerDataset(lambda: dataset_fn, self)
        made = dataset_fn if isinstance(dataset_fn, Function) else function(dataset_fn)
        python = made.python_function
        return _PerWorkerDataset(python, self)

    def _create_per_worker_resources(self, fn, args=None, kwargs=None):
        return PerWorkerValues(self._on_each_worker(lambda: fn(*(args or ()), **(kwargs or {}))))

    _create_per_worker_variables = _create_per_worker_resources

    def fetch(self, val):
        """The structure with results in the place of its RemoteValues, as NumPy values."""
        return nest.map_structure(lambda v: v.fetch() if isinstance(v, RemoteValue) else v, val)


def _mine(structure, worker):
    def pick(x):
        if isinstance(x, PerWorkerValues):
            x = x._values[worker]
        return x.get() if isinstance(x, RemoteValue) else x

    return nest.map_structure(pick, structure)


def _work(owner, waiting, worker):
    """What a worker does: call the next function, in the scope of the strategy."""
    _here.worker = worker
    while True:
        fn, args, kwargs, result = waiting.get()
        coordinator = owner()
        if coordinator is None:
            return
        try:
            with coordinator.strategy.scope():
                value = fn(*_mine(args, worker), **_mine(kwargs, worker))
            result._set(value)
            coordinator._finish()
        except Exception as error:  # noqa: BLE001 - whatever a user's function raises is handed on
            result._set(None, error)
            coordinator._finish(error)
        del coordinator, fn, args, kwargs, result
