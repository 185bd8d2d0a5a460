"""`tf.distribute.MirroredStrategy`: replicas in one process, each with a copy of every variable."""

import threading
import weakref

from penstock.base import nest
from penstock.base.export import export
from penstock.distribute import context
from penstock.distribute.cross_device import CrossDeviceOps, ReductionToOneDevice
from penstock.distribute.options import ReduceOp
from penstock.distribute.resolvers import cluster_resolver_of, local_device, local_devices
from penstock.distribute.strategy import Strategy, StrategyExtendedV1, StrategyV1, _reduce_op
from penstock.distribute.values import DistributedValues, Mirrored, PerReplica, regroup, select_replica
from penstock.distribute.variables import MirroredVariable, SyncOnReadVariable, _updating
from penstock.fronts import function as functions
from penstock.fronts.autograph import context as autograph
from penstock.ir import door
from penstock.ops.identity import identity
from penstock.state import variable as variables
from penstock.state.variable import VariableSynchronization


class _Replica(threading.Thread):
    """One replica: its thread and the main one take turns, so that exactly one of them runs."""

    def __init__(self, run, number):
        super().__init__(daemon=True)
        self.run_all, self.number = run, number
        self.go, self.paused = threading.Semaphore(0), threading.Semaphore(0)
        self.result = self.error = self.merge = self.merged = None
        self.done = self.abort = False
        self.place = None

    def run(self):
        self.go.acquire()
        if not self.abort:
            try:
                with self.run_all.place.entered(self.number):
                    self.result = self.run_all.call(self)
            except BaseException as error:  # it is raised in the main thread
                self.error = error
        self.done = True
        self.paused.release()

    def step(self):
        """Let the replica run until it asks for a merge or ends."""
        self.go.release()
        self.paused.acquire()


class _Aborted(BaseException):
    """Another replica failed: this one ends too."""


class _Place:
    """What the main thread's code stands in (emitter, tapes, scopes), taken over by the threads of the replicas."""

    def __init__(self, strategy):
        self.strategy = strategy
        state = door.state
        self.emitter, self.watchers, self.scope = state.emitter, state.watchers, state.name_scope
        self.creators, self.modes, self.autograph = (
            variables._creators.stack,
            context.HERE.stack,
            autograph.control_status_ctx(),
        )
        self.graph = door.current() if door.current().is_graph else None

    def entered(self, number):
        return _Entered(self, number)


class _Entered:
    def __init__(self, place, number):
        self.place, self.number = place, number

    def __enter__(self):
        place = self.place
        state = door.state
        state.emitter, state.watchers = place.emitter, place.watchers
        state.name_scope = place.scope if not self.number else f"{place.scope}replica_{self.number}/"
        state.function_key = self.number
        variables._creators.stack = place.creators
        context.HERE.stack = place.modes
        autograph._local.stack = [place.autograph]
        self.scope = None
        if place.graph is not None and self.number:
            self.scope = place.graph.name_scope(f"replica_{self.number}")
            self.scope.__enter__()

    def __exit__(self, *error):
        if self.scope is not None:
            self.scope.__exit__(*error)


_GRAPH_STATE = ("_scope", "_control", "_devices", "_colocation")


def _take(graph):
    return None if graph is None else {name: getattr(graph, name) for name in _GRAPH_STATE}


def _put(graph, saved):
    if graph is not None and saved is not None:
        for name, value in saved.items():
            setattr(graph, name, value)


class _Run:
    """One `strategy.run` over several replicas."""

    def __init__(self, strategy, fn, args, kwargs):
        self.strategy, self.fn, self.args, self.kwargs = strategy, fn, args, kwargs
        self.place = _Place(strategy)
        self.shared = []  # the variables that the first replica made, for the others

    def call(self, replica):
        extended = self.strategy.extended
        number = replica.number
        here = extended._replica_context(number)
        here._merge_call = lambda fn, args, kwargs: self._merge(replica, fn, args, kwargs)
        made = iter(self.shared)

        def creator(next_creator, **kwargs):
            if number:
                found = next(made, None)
                if found is not None:
                    return found
            with context.entering(context.Mode(self.strategy)):
                found = next_creator(**kwargs)
            if not number:
                self.shared.append(found)
            return found

        with context.entering(context.Mode(self.strategy, here)), variables.variable_creator_scope(creator):
            return self.fn(*select_replica(number, self.args), **select_replica(number, self.kwargs))

    def _merge(self, replica, fn, args, kwargs):
        if door.current() is not (self.place.emitter or door.default_emitter):
            raise RuntimeError(
                "`merge_call` called while defining a new graph or a tf.function. This can often happen if the function `fn` passed to "
                "`strategy.run()` contains a nested `@tf.function`, and the nested `@tf.function` contains a synchronization point, such as "
                "aggregating gradients (e.g, optimizer.apply_gradients), or if the function `fn` uses a control flow statement which contains a "
                "synchronization point in the body. Such behaviors are not yet supported. Instead, please avoid nested `tf.function`s or control "
                "flow statements that may potentially cross a synchronization boundary, for example, wrap the `fn` passed to `strategy.run` or "
                "the entire `strategy.run` inside a `tf.function` or move the control flow out of `fn`."
            )
        graph = self.place.graph
        replica.merge = (fn, args, kwargs)
        saved = _take(graph)
        replica.paused.release()
        replica.go.acquire()
        if replica.abort:
            raise _Aborted
        _put(graph, saved)
        return replica.merged

    def run(self):
        count = self.strategy.extended._num_replicas_in_sync
        replicas = [_Replica(self, i) for i in range(count)]
        for r in replicas:
            r.start()
        graph = self.place.graph
        try:
            while True:
                for r in replicas:
                    saved = _take(graph)
                    r.step()
                    _put(graph, saved)
                    if r.error is not None:
                        raise r.error
                if all(r.done for r in replicas):
                    break
                if any(r.done for r in replicas):
                    raise RuntimeError("Some replicas made a different number of replica_context().merge_call() calls.")
                self._merge_all(replicas)
        finally:
            for r in replicas:
                if not r.done:
                    r.abort = True
                    r.go.release()
            for r in replicas:
                r.join()
        return regroup([r.result for r in replicas])

    def _merge_all(self, replicas):
        fn = replicas[0].merge[0]
        args = regroup([r.merge[1] for r in replicas])
        kwargs = regroup([r.merge[2] for r in replicas])
        with context.entering(context.Mode(self.strategy)):
            result = fn(self.strategy, *args, **kwargs)
        for i, r in enumerate(replicas):
            r.merged = select_replica(i, result)


class MirroredExtended(StrategyExtendedV1):
    """Replicas in one process."""

    _wraps_single = False

    def __init__(self, container_strategy, devices=None, cross_device_ops=None):
        super().__init__(container_strategy)
        found = local_devices() if devices is None else tuple(local_device(d) for d in devices)
        if devices is not None and not isinstance(devices, list | tuple):
            raise ValueError(f"devices is {devices!r}, it must be a list of device names")
        if not found:
            raise AssertionError("Must specify at least one device.")
        if len(set(found)) != len(found):
            raise AssertionError(f"No duplicates allowed in `devices` argument: {found}")
        if cross_device_ops is not None and not isinstance(cross_device_ops, CrossDeviceOps):
            raise ValueError(f"cross_device_ops is {cross_device_ops!r}, it must be a tf.distribute.CrossDeviceOps")
        self._devices_ = found
        self._cross_device_ops = cross_device_ops or ReductionToOneDevice()
        self._wrapped = weakref.WeakKeyDictionary()  # tf.function -> the function that runs it on all replicas

    # -- variables ------------------------------------------------------------------------------------------------------
    def _creator(self, next_creator, **kwargs):
        kwargs.pop("distribute_strategy", None)
        like = kwargs.pop("colocate_with", None)
        synchronization = kwargs.get("synchronization") or VariableSynchronization.AUTO
        if synchronization is VariableSynchronization.NONE:
            raise ValueError(f"`NONE` variable synchronization mode is not supported with `{type(self._strategy).__name__}` distribution strategy. "
                             f"Please change the `synchronization` for variable: {kwargs.get('name')}")  # fmt: skip
        on_read = synchronization is VariableSynchronization.ON_READ
        if not on_read:
            kwargs["synchronization"] = VariableSynchronization.ON_WRITE
        else:
            kwargs["synchronization"] = VariableSynchronization.ON_READ
        values = [next_creator(**kwargs)]
        first = values[0]
        for i in range(1, self._num_replicas_in_sync):
            more = dict(kwargs)
            base = kwargs.get("name") or "Variable"
            more["name"] = f"{base.rstrip('/')}/replica_{i}{'/' if base.endswith('/') else ''}"
            more["initial_value"] = (
                (lambda: first.initialized_value()) if first._in_graph_mode else (lambda: first.read_value())
            )
            more["dtype"] = first.dtype
            values.append(next_creator(**more))
        del like
        if not hasattr(first, "_handle"):
            return first  # a variable of a kind that is not copied
        return (SyncOnReadVariable if on_read else MirroredVariable)(self._strategy, values, first._aggregation)

    def _update(self, var, fn, args, kwargs, group):
        if not isinstance(var, DistributedValues):
            return self._updated(fn(var, *args, **kwargs), group)
        results = []
        for i, v in enumerate(var.values):
            with _updating(i):
                results.append(fn(v, *select_replica(i, args), **select_replica(i, kwargs)))
        return self._grouped(results, group)

    def _grouped(self, results, group):
        if len(results) == 1:
            result = results[0]
        elif all(hasattr(r, "handle") for r in results):
            result = Mirrored([door.convert(r) for r in results])
        else:
            made = regroup(results)
            result = Mirrored(made.values) if isinstance(made, PerReplica) else made
        if not group:
            return nest.map_structure(self._local_results, result)
        return self._strategy.group(result) if door.current().is_graph else result

    def update_non_slot(self, colocate_with, fn, args=(), kwargs=None, group=True):
        """`fn(*args)` for every replica's devices."""
        results = []
        for i in range(self._num_replicas_in_sync):
            with _updating(i):
                results.append(fn(*select_replica(i, tuple(args)), **select_replica(i, dict(kwargs or {}))))
        return self._grouped(results, group)

    def read_var(self, v):
        """The value of a variable."""
        return (
            v.value()
            if isinstance(v, SyncOnReadVariable)
            else (v._get() if isinstance(v, DistributedValues) else v).read_value()
        )

    def non_slot_devices(self, var_list):
        """The devices that what belongs to no variable stands on."""
        return self._devices_

    # -- running --------------------------------------------------------------------------------------------------------
    def _call_for_each_replica(self, fn, args, kwargs):
        if self._num_replicas_in_sync == 1:
            return super()._call_for_each_replica(fn, args, kwargs)
        if isinstance(fn, functions.Function) and not door.current().is_graph:
            whole = self._wrapped.get(fn)
            if whole is None:
                inner = fn._callable()
                call = lambda args, kwargs: _Run(self._strategy, inner, args, kwargs).run()
                whole = self._wrapped[fn] = functions.function(call, autograph=False, jit_compile=fn._jit)
            return whole(args, kwargs)
        return _Run(self._strategy, fn, args, kwargs).run()

    # -- reducing -------------------------------------------------------------------------------------------------------
    def _reduce_one(self, reduce_op, value):
        if isinstance(value, Mirrored) and reduce_op is ReduceOp.MEAN:
            return value
        if not isinstance(value, DistributedValues):
            if self._num_replicas_in_sync == 1:
                return value
            if reduce_op is ReduceOp.MEAN or value is None or isinstance(value, int | float) and value == 0:
                return value
            raise ValueError(
                f"A non-DistributedValues value {value} cannot be reduced with the given reduce op {reduce_op}."
            )
        if hasattr(value, "_distribute_strategy"):
            parts = [v.value() for v in value.values]
        else:
            parts = list(value.values)
        if len(parts) == 1:
            return parts[0]
        return self._cross_device_ops._reduced(_reduce_op(reduce_op), parts)

    def reduce_to(self, reduce_op, value, destinations, options=None):
        """The values of all replicas as one, on every device of `destinations`."""
        reduced = super().reduce_to(reduce_op, value, destinations, options)
        if self._num_replicas_in_sync == 1:
            return reduced
        wrap = lambda v: (
            v
            if isinstance(v, DistributedValues) or not hasattr(v, "dtype")
            else Mirrored([v] * self._num_replicas_in_sync)
        )
        return nest.map_structure(wrap, reduced, expand_composites=False)

    def batch_reduce_to(self, reduce_op, value_destination_pairs, options=None):
        """`reduce_to` of several values."""
        return [self.reduce_to(reduce_op, v, d) for v, d in value_destination_pairs]

    def broadcast_to(self, tensor, destinations):
        """The tensor on every device."""
        if isinstance(tensor, float | int):
            return tensor
        return Mirrored([identity(tensor)] * self._num_replicas_in_sync) if self._num_replicas_in_sync > 1 else tensor

    def _values_from_list(self, made):
        return made[0] if len(made) == 1 else PerReplica(made)


@export(v2=("distribute.MirroredStrategy",))
class MirroredStrategy(Strategy):
    """The same step on every device, with variables kept equal: gradients are added up, updates done everywhere.

    >>> strategy = tf.distribute.MirroredStrategy()
    >>> strategy.num_replicas_in_sync >= 1
    True
    """

    def __init__(self, devices=None, cross_device_ops=None):
        super().__init__(MirroredExtended(self, devices, cross_device_ops))


@export(v1=("distribute.MirroredStrategy",))
class MirroredStrategyV1(StrategyV1):
    """The same step on every device, with variables kept equal."""

    def __init__(self, devices=None, cross_device_ops=None):
        super().__init__(MirroredExtended(self, devices, cross_device_ops))


class _OneDeviceExtended(StrategyExtendedV1):
    """Everything on one device."""

    def __init__(self, container_strategy, device):
        super().__init__(container_strategy)
        self._devices_ = (local_device(device),)
        self._device = device

    def _enter(self, stack):
        here = door.current()
        if here.is_graph:
            stack.enter_context(here.device(self._device))

    def _reduce(self, reduce_op, value):
        return value.values[0] if isinstance(value, PerReplica) else value

    def non_slot_devices(self, var_list):
        """The device."""
        return self._devices_[0]

    def _values_from_list(self, made):
        return made[0]


@export(v2=("distribute.OneDeviceStrategy",))
class OneDeviceStrategy(Strategy):
    """Everything on one device, named by its string."""

    def __init__(self, device):
        super().__init__(_OneDeviceExtended(self, device))


@export(v1=("distribute.OneDeviceStrategy",))
class OneDeviceStrategyV1(StrategyV1):
    """Everything on one device, named by its string."""

    def __init__(self, device):
        super().__init__(_OneDeviceExtended(self, device))


class _CentralExtended(MirroredExtended):
    """Replicas on several devices, variables on one."""

    def __init__(self, container_strategy, compute_devices=None, parameter_device=None):
        super().__init__(container_strategy, compute_devices)
        self._parameter_device = local_device(parameter_device or "CPU:0")

    parameter_devices = property(lambda self: (self._parameter_device,))

    def _creator(self, next_creator, **kwargs):
        kwargs.pop("distribute_strategy", None)
        made = next_creator(**kwargs)
        made._distribute_strategy = self._strategy
        return made


@export(v2=("distribute.experimental.CentralStorageStrategy",))
class CentralStorageStrategy(Strategy):
    """Replicas on several devices; the variables stand on one."""

    def __init__(self, compute_devices=None, parameter_device=None):
        super().__init__(_CentralExtended(self, compute_devices, parameter_device))


@export(v1=("distribute.experimental.CentralStorageStrategy",))
class CentralStorageStrategyV1(StrategyV1):
    """Replicas on several devices; the variables stand on one."""

    def __init__(self, compute_devices=None, parameter_device=None):
        super().__init__(_CentralExtended(self, compute_devices, parameter_device))


class _MultiWorkerExtended(MirroredExtended):
    """The devices of this worker; a cluster of one."""

    def __init__(self, container_strategy, cluster_resolver):
        super().__init__(container_strategy)
        self._cluster_resolver = cluster_resolver_of(cluster_resolver)
        self._task_type, self._task_id = self._cluster_resolver.task_type, self._cluster_resolver.task_id


@export(v2=("distribute.MultiWorkerMirroredStrategy", "distribute.experimental.MultiWorkerMirroredStrategy"))
class MultiWorkerMirroredStrategy(Strategy):
    """`MirroredStrategy` over the workers of a cluster; here the cluster is this process."""

    def __init__(self, cluster_resolver=None, communication_options=None):
        super().__init__(_MultiWorkerExtended(self, cluster_resolver))


@export(v1=("distribute.experimental.MultiWorkerMirroredStrategy",))
class MultiWorkerMirroredStrategyV1(StrategyV1):
    """`MirroredStrategy` over the workers of a cluster; here the cluster is this process."""

    def __init__(self, communication=None, cluster_resolver=None):
        super().__init__(_MultiWorkerExtended(self, cluster_resolver))
