"""`tf.distribute.Strategy`: what every strategy offers, and the one without any effect."""

import contextlib

from penstock.base import nest
from penstock.base.export import export
from penstock.distribute import context
from penstock.distribute.options import InputContext, InputReplicationMode, ReduceOp, ValueContext
from penstock.distribute.values import DistributedValues, PerReplica, regroup
from penstock.fronts.autograph.calls import tf_convert
from penstock.fronts.autograph.context import control_status_ctx
from penstock.fronts.grouping import group as group_ops
from penstock.ir import door
from penstock.ops.cast import cast
from penstock.ops.reduce import reduce_sum
from penstock.ops.shapes import shape as shape_of
from penstock.state import variable as variables


def _reduce_op(reduce_op):
    if isinstance(reduce_op, str):
        reduce_op = ReduceOp(reduce_op.upper())
    if not isinstance(reduce_op, ReduceOp):
        raise TypeError(f"reduce_op is {reduce_op!r}; use tf.distribute.ReduceOp.SUM or MEAN")
    return reduce_op


class _Scope:
    """`with strategy.scope():` the cross-replica context of a strategy, in which it makes the variables."""

    def __init__(self, strategy):
        self._strategy, self._entered = strategy, []

    def __enter__(self):
        here = context.mode()
        if here.strategy is not context.default:
            if here.strategy is not self._strategy:
                raise RuntimeError(
                    f"Mixing different tf.distribute.Strategy objects: {here.strategy} is not {self._strategy}"
                )
            if context.HERE.stack and here.replica_context is not None:
                raise RuntimeError("Cannot enter the scope of a strategy inside of one of its replicas")
            stack = contextlib.ExitStack()
            self._entered.append(stack)
            return self._strategy
        stack = contextlib.ExitStack()
        stack.enter_context(context.entering(context.Mode(self._strategy)))
        stack.enter_context(variables.variable_creator_scope(self._strategy.extended._creator))
        self._strategy.extended._enter(stack)
        self._entered.append(stack)
        return self._strategy

    def __exit__(self, *error):
        return self._entered.pop().__exit__(*error)


class StrategyBase:
    """What the strategies of both APIs offer."""

    _is_default = False
    _should_use_with_coordinator = False
    _scale_loss_for_estimator = False

    def __init__(self, extended):
        self._extended = extended
        self._mean_reduce_helper_fns = {}

    extended = property(lambda self: self._extended)
    num_replicas_in_sync = property(lambda self: self._extended._num_replicas_in_sync)

    @property
    def cluster_resolver(self):
        """The cluster resolver of strategies that run on several workers, else None."""
        return getattr(self._extended, "_cluster_resolver", None)

    def scope(self):
        """A context in which the strategy makes the variables."""
        return _Scope(self)

    def run(self, fn, args=(), kwargs=None, options=None):
        """Call `fn` once for each replica, with its own values of distributed arguments; distributed results."""
        if not isinstance(args, list | tuple):
            raise ValueError(f"positional args must be a list or tuple, got {type(args)}")
        with self.scope():
            if not getattr(fn, "python_function", None):
                fn = tf_convert(fn, control_status_ctx(), convert_by_default=False)
            return self._extended.call_for_each_replica(fn, args=args, kwargs=kwargs)

    def reduce(self, reduce_op, value, axis):
        """The values of all replicas as one; with `axis`, reduced along it too."""
        reduce_op = _reduce_op(reduce_op)
        with self.scope():
            if axis is None:
                return self._extended._reduce(reduce_op, value)
            if reduce_op is ReduceOp.SUM:
                along = lambda v: reduce_sum(v, axis=axis)
                return self._extended._reduce(reduce_op, self._each(along, value))

            def parts(v):
                v = door.convert(v)
                axes = [axis] if not isinstance(axis, list | tuple) else list(axis)
                known = [v.shape[a] for a in axes] if v.shape.rank is not None else [None]
                total = reduce_sum(v, axis=axis)
                if None not in known:
                    count = 1
                    for size in known:
                        count *= size
                    count = door.convert(count)
                else:
                    count = 1
                    for a in axes:
                        count = count * shape_of(v)[a]
                    count = door.convert(count)
                return total, cast(count, total.dtype)

            pairs = self._each(parts, value)
            total = self._extended._reduce(ReduceOp.SUM, _part(pairs, 0))
            return total / self._extended._reduce(ReduceOp.SUM, _part(pairs, 1))

    def _each(self, fn, value):
        if isinstance(value, DistributedValues) and len(value.values) > 1:
            return PerReplica([fn(v) for v in value.values])
        return fn(value.values[0] if isinstance(value, DistributedValues) else value)

    def experimental_local_results(self, value):
        """The values of this worker's replicas, a tuple."""
        return self._extended._local_results(value)

    def unwrap(self, value):
        """The values of this worker's replicas, a tuple."""
        return self._extended._local_results(value)

    def group(self, value, name=None):
        """One op (None eagerly) that depends on the values of every replica."""
        value = self._extended._local_results(value)
        if len(value) != 1 or name is not None:
            return group_ops(*value, name=name)
        return value[0]

    def experimental_distribute_dataset(self, dataset, options=None):
        """A dataset whose batches are split among the replicas."""
        return self._extended._distribute_dataset(dataset, options)

    def distribute_datasets_from_function(self, dataset_fn, options=None):
        """The datasets that `dataset_fn(input_context)` gives for each worker; their batches are those of one replica."""
        return self._extended._datasets_from_function(dataset_fn, options)

    def experimental_distribute_datasets_from_function(self, dataset_fn, options=None):
        """`distribute_datasets_from_function` under its first name."""
        return self.distribute_datasets_from_function(dataset_fn, options)

    def make_dataset_iterator(self, dataset):
        """An iterator over a distributed dataset."""
        return self._extended._make_dataset_iterator(dataset)

    def make_input_fn_iterator(self, input_fn, replication_mode=InputReplicationMode.PER_WORKER):
        """An iterator over what `input_fn(input_context)` gives."""
        if replication_mode is not InputReplicationMode.PER_WORKER:
            raise ValueError(f"Input replication mode not supported: {replication_mode!r}")
        return self._extended._make_input_fn_iterator(input_fn)

    def experimental_run(self, fn, input_iterator=None):
        """`run` on the next elements of an iterator."""
        with self.scope():
            return self.run(fn, (input_iterator.get_next(),) if input_iterator is not None else ())

    def colocate_vars_with(self, colocate_with_variable):
        """A context in which variables are made like a given one."""
        return self._extended.colocate_vars_with(colocate_with_variable)

    def configure(self, session_config=None, cluster_spec=None, task_type=None, task_id=None):
        """Note the cluster that a program is a part of."""
        return self._extended._configure(session_config, cluster_spec, task_type, task_id)

    def update_config_proto(self, config_proto):
        """The session configuration that the strategy wants."""
        return config_proto

    def __deepcopy__(self, memo):
        return self if self._is_default else type(self).__new__(type(self))._copy_of(self)

    def _copy_of(self, other):
        self.__dict__.update(other.__dict__)
        return self

    def _in_multi_worker_mode(self):
        return False


def _part(pairs, which):
    if isinstance(pairs, PerReplica):
        return PerReplica([v[which] for v in pairs.values])
    return pairs[which]


@export(v2=("distribute.Strategy",))
class Strategy(StrategyBase):
    """How the work of a program is spread over replicas: `scope` makes variables, `run` runs a step on each of them.

    >>> strategy = tf.distribute.OneDeviceStrategy("/cpu:0")
    >>> with strategy.scope():
    ...     v = tf.Variable(2.0)
    >>> strategy.run(lambda x: v * x, args=(tf.constant(3.0),)).numpy()
    np.float32(6.0)
    """

    def gather(self, value, axis):
        """The values of the replicas, concatenated along `axis`."""
        with self.scope():
            if not isinstance(value, DistributedValues):
                value = PerReplica([value])
            parts = list(value.values)
            if any(getattr(getattr(p, "dtype", None), "name", "") == "" and hasattr(p, "_type_spec") for p in parts):
                raise NotImplementedError("gather does not support composite tensors")
            return self._extended._gather_to(parts, axis)

    def experimental_distribute_values_from_function(self, value_fn):
        """`value_fn(ValueContext)` for each replica, as a distributed value."""
        count = self.num_replicas_in_sync
        if door.current().is_graph:
            with contextlib.ExitStack() as stack:
                stack.enter_context(self.scope())
                made = [value_fn(ValueContext(i, count)) for i in range(count)]
        else:
            made = [value_fn(ValueContext(i, count)) for i in range(count)]
        return self._extended._values_from_list(made)


@export(v1=("distribute.Strategy",))
class StrategyV1(StrategyBase):
    """How the work of a 1.x program is spread over replicas."""

    def reduce(self, reduce_op, value, axis=None):
        """The values of all replicas as one; with `axis`, reduced along it too."""
        return super().reduce(reduce_op, value, axis)

    def experimental_make_numpy_dataset(self, numpy_input, session=None):
        """A dataset over the rows of arrays."""
        return self._extended.experimental_make_numpy_dataset(numpy_input, session)


@export(v2=("distribute.StrategyExtended",))
class StrategyExtended:
    """What library code asks of a strategy."""

    _use_merge_call = True
    _expands_run = False
    _wraps_single = False  # are the arguments of `merge_call` distributed values even with one replica?
    experimental_require_static_shapes = False

    def __init__(self, container_strategy):
        self._strategy = container_strategy
        self._default_device = None
        self._require_static_shapes = False

    def _container_strategy(self):
        return self._strategy

    # -- what strategies say of themselves ----------------------------------------------------------------------------
    _devices_ = ("",)
    worker_devices = property(lambda self: self._devices_)
    parameter_devices = property(lambda self: self._devices_)
    _num_replicas_in_sync = property(lambda self: len(self._devices_))
    experimental_between_graph = False
    experimental_should_init = True
    should_checkpoint = True
    should_save_summary = True
    _in_multi_worker = False
    _global_batch_size = True
    _num_workers = 1

    def _in_multi_worker_mode(self):
        return self._in_multi_worker

    def _enter(self, stack):
        """Enter what else the scope needs."""

    def _creator(self, next_creator, **kwargs):
        """Make a variable in the strategy's scope."""
        made = next_creator(**{k: v for k, v in kwargs.items() if k != "distribute_strategy"})
        if not self._strategy._is_default:
            made._distribute_strategy = self._strategy
        return made

    def _input_context(self):
        return InputContext(1, 0, self._num_replicas_in_sync)

    def _configure(self, session_config=None, cluster_spec=None, task_type=None, task_id=None):
        """Nothing to note by default."""

    # -- running --------------------------------------------------------------------------------------------------------
    def call_for_each_replica(self, fn, args=(), kwargs=None):
        """Call `fn` once for each replica."""
        context.require_cross_replica_context(self)
        return self._call_for_each_replica(fn, tuple(args), dict(kwargs or {}))

    def _call_for_each_replica(self, fn, args, kwargs):
        with context.entering(context.Mode(self._strategy, self._replica_context(0))):
            return fn(*_first(args), **_first(kwargs))

    def _replica_context(self, number):
        from penstock.distribute.replica import new_replica_context

        return new_replica_context(self._strategy, number)

    # -- reducing -------------------------------------------------------------------------------------------------------
    def _reduce(self, reduce_op, value):
        destinations = self._devices_
        return self._local_results(self.reduce_to(reduce_op, value, destinations))[0]

    def reduce_to(self, reduce_op, value, destinations, options=None):
        """The values of all replicas as one, on `destinations`."""
        reduce_op = _reduce_op(reduce_op)
        return nest.map_structure(lambda v: self._reduce_one(reduce_op, v), value, expand_composites=False)

    def _reduce_one(self, reduce_op, value):
        return value._get() if isinstance(value, PerReplica) else value

    def batch_reduce_to(self, reduce_op, value_destination_pairs, options=None):
        """`reduce_to` of several values."""
        return [self.reduce_to(reduce_op, v, d) for v, d in value_destination_pairs]

    def _gather_to(self, parts, axis):
        from penstock.ops.join import concat

        return door.convert(parts[0]) if len(parts) == 1 else concat(parts, axis)

    def broadcast_to(self, tensor, destinations):
        """The tensor on every device of `destinations`."""
        return tensor

    # -- variables ------------------------------------------------------------------------------------------------------
    def update(self, var, fn, args=(), kwargs=None, group=True):
        """`fn(var, *args)` on every copy of a variable."""
        return self._update(var, fn, tuple(args), dict(kwargs or {}), group)

    def _update(self, var, fn, args, kwargs, group):
        return self._updated(fn(var, *_first(args), **_first(kwargs)), group)

    def _updated(self, result, group):
        return self._strategy.group(result) if group else nest.map_structure(self._local_results, result)

    def update_non_slot(self, colocate_with, fn, args=(), kwargs=None, group=True):
        """`fn(*args)` for each device that holds `colocate_with`."""
        return self._updated(fn(*_first(tuple(args)), **_first(dict(kwargs or {}))), group)

    def read_var(self, v):
        """The value of a variable."""
        return v.read_value() if hasattr(v, "read_value") else door.convert(v)

    def value_container(self, value):
        """The distributed variable that a copy belongs to."""
        owner = getattr(value, "_distributed_container", None)
        found = owner() if owner is not None else None
        return value if found is None else found

    def variable_created_in_scope(self, v):
        """Was this variable made in the strategy's scope?"""
        return getattr(v, "_distribute_strategy", None) is self._strategy

    def colocate_vars_with(self, colocate_with_variable):
        """A context in which variables are made like a given one."""
        return contextlib.nullcontext()

    def non_slot_devices(self, var_list):
        """The device that what belongs to no variable stands on."""
        return min(var_list, key=lambda v: v.name)

    def _unwrap(self, value):
        return self._local_results(value)

    def _local_results(self, value):
        if isinstance(value, DistributedValues):
            return value.values
        if nest.is_nested(value):
            flat = [self._local_results(v) for v in nest.flatten(value)]
            if not flat:
                return (value,)
            return tuple(
                nest.pack_sequence_as(value, [f[i % len(f)] for f in flat]) for i in range(max(len(f) for f in flat))
            )
        return (value,)

    def _values_from_list(self, made):
        return regroup(made, always_wrap=True)

    # -- inputs ---------------------------------------------------------------------------------------------------------
    def _distribute_dataset(self, dataset, options):
        from penstock.distribute.datasets import distribute

        return distribute(dataset, self._strategy, options)

    def _datasets_from_function(self, dataset_fn, options):
        from penstock.distribute.datasets import from_function

        return from_function(dataset_fn, self._strategy, self._input_context(), options)

    def _make_dataset_iterator(self, dataset):
        from penstock.distribute.datasets import iterator_v1

        return iterator_v1(dataset, self._strategy)

    def _make_input_fn_iterator(self, input_fn):
        from penstock.distribute.datasets import iterator_v1

        made = input_fn(self._input_context())
        return iterator_v1(made, self._strategy, split=False)

    def experimental_make_numpy_dataset(self, numpy_input, session=None):
        """A dataset over the rows of arrays."""
        from penstock.distribute.datasets import numpy_dataset

        return numpy_dataset(numpy_input)

    def experimental_run_steps_on_iterator(self, fn, iterator, iterations=1, initial_loop_values=None):
        """`fn(context, inputs)` on as many elements of the iterator; the context with the last outputs."""
        from penstock.distribute.replica import MultiStepContext

        steps = MultiStepContext()
        for _ in range(int(iterations)):
            fn(steps, iterator.get_next())
        return steps


@export(v1=("distribute.StrategyExtended",))
class StrategyExtendedV1(StrategyExtended):
    """What library code of 1.x asks of a strategy."""


def _first(structured):
    pick = lambda x: x.values[0] if isinstance(x, PerReplica) else x
    if isinstance(structured, dict):
        return {k: nest.map_structure(pick, v, expand_composites=False) for k, v in structured.items()}
    return tuple(nest.map_structure(pick, v, expand_composites=False) for v in structured)


class _DefaultExtended(StrategyExtendedV1):
    """One replica, where the program runs anyway."""

    @property
    def worker_devices(self):
        """RuntimeError: no device was chosen."""
        raise RuntimeError("worker_devices() method unsupported by default tf.distribute.Strategy.")

    @property
    def parameter_devices(self):
        """RuntimeError: no device was chosen."""
        raise RuntimeError("parameter_devices() method unsupported by default tf.distribute.Strategy.")

    def _reduce(self, reduce_op, value):
        return value

    def _call_for_each_replica(self, fn, args, kwargs):
        with context.entering(context.Mode(self._strategy, self._strategy.replica_context)):
            return fn(*args, **kwargs)

    def _local_results(self, value):
        return (value,)

    def _distribute_dataset(self, dataset, options):
        return dataset

    def _datasets_from_function(self, dataset_fn, options):
        return dataset_fn(InputContext())

    def variable_created_in_scope(self, v):
        """Was this variable made outside of any strategy?"""
        return not hasattr(v, "_distribute_strategy")


class _DefaultScope:
    """The scope of the default strategy: nothing changes but that it is a cross-replica context."""

    def __init__(self, strategy):
        self._strategy = strategy

    def __enter__(self):
        here = context.mode()
        if here.strategy is not self._strategy:
            raise RuntimeError(
                f"Mixing different tf.distribute.Strategy objects: {here.strategy} is not {self._strategy}"
            )
        return context.entering(context.Mode(self._strategy)).__enter__()

    def __exit__(self, *error):
        context.HERE.stack = context.HERE.stack[:-1]


class DefaultStrategy(StrategyV1):
    """The strategy of programs that choose none."""

    _is_default = True

    def __init__(self):
        super().__init__(_DefaultExtended(self))
        from penstock.distribute.replica import DefaultReplicaContext

        self.replica_context = DefaultReplicaContext(self, 0)

    def scope(self):
        """A context without effect on variables."""
        return _DefaultScope(self)

    def run(self, fn, args=(), kwargs=None, options=None):
        """Call `fn`: there is one replica."""
        if not isinstance(args, list | tuple):
            raise ValueError(f"positional args must be a list or tuple, got {type(args)}")
        with context.entering(context.Mode(self, self.replica_context)):
            return fn(*args, **(kwargs or {}))

    gather = Strategy.gather
    experimental_distribute_values_from_function = Strategy.experimental_distribute_values_from_function
