"""`tf.distribute.ReplicaContext`: what the code of one replica may ask."""

from penstock.base import nest
from penstock.base.export import export
from penstock.distribute import context
from penstock.distribute.strategy import DefaultStrategy, StrategyV1, _reduce_op
from penstock.distribute.values import regroup
from penstock.fronts.custom_gradient import custom_gradient
from penstock.ir import door


class ReplicaContextBase:
    """The replica that runs."""

    def __init__(self, strategy, replica_id_in_sync_group):
        self._strategy, self._replica_id_in_sync_group = strategy, replica_id_in_sync_group
        self._mode = context.Mode(strategy, self)
        self._entered = []

    def __enter__(self):
        entered = context.entering(self._mode)
        entered.__enter__()
        self._entered.append(entered)
        return self

    def __exit__(self, *error):
        self._entered.pop().__exit__(*error)

    strategy = property(lambda self: self._strategy)
    num_replicas_in_sync = property(lambda self: self._strategy.num_replicas_in_sync)

    @property
    def replica_id_in_sync_group(self):
        """The number of this replica among all of them."""
        return door.convert(self._replica_id_in_sync_group)

    @property
    def devices(self):
        """The devices of this replica, as a tuple of strings."""
        context.require_replica_context(self)
        if self._strategy._is_default:
            return ("",)
        return (self._strategy.extended.worker_devices[self._replica_id_in_sync_group],)

    def merge_call(self, merge_fn, args=(), kwargs=None):
        """`merge_fn(strategy, *args)` once for all replicas, with the arguments of each as distributed values."""
        context.require_replica_context(self)
        return self._merge_call(merge_fn, tuple(args), dict(kwargs or {}))

    def _merge_call(self, merge_fn, args, kwargs):
        if self._strategy.extended._wraps_single:
            args = tuple(regroup([a]) for a in args)
            kwargs = {k: regroup([v]) for k, v in kwargs.items()}
        with context.entering(context.Mode(self._strategy)):
            return merge_fn(self._strategy, *args, **kwargs)

    def all_reduce(self, reduce_op, value, options=None):
        """The values of all replicas as one, on every one of them; gradients are those of the replicas, reduced too."""
        reduce_op = _reduce_op(reduce_op)
        flat = nest.flatten(value, expand_composites=False)
        reduced = self._all_reduce_flat(reduce_op, flat)
        return nest.pack_sequence_as(value, reduced)

    def _all_reduce_flat(self, reduce_op, flat):
        if self.num_replicas_in_sync == 1:
            return [v if hasattr(v, "dense_shape") else door.convert(v) for v in flat]

        def merge(strategy, values):
            return strategy.extended.batch_reduce_to(reduce_op, [(v, strategy.extended._devices_) for v in values])

        def through(values):
            out = self.merge_call(merge, (list(values),))
            return [
                o.values[self._replica_id_in_sync_group] if hasattr(o, "values") and hasattr(o, "_get") else o
                for o in out
            ]

        if any(hasattr(v, "dense_shape") for v in flat):
            return through(flat)

        @custom_gradient
        def reduced(*values):
            def grad(*dys):
                return through(dys)

            return through(values), grad

        out = reduced(*[door.convert(v) for v in flat])
        return list(out) if isinstance(out, list | tuple) else [out]


@export(v2=("distribute.ReplicaContext",))
class ReplicaContext(ReplicaContextBase):
    """The replica that runs, inside `strategy.run`.

    >>> strategy = tf.distribute.MirroredStrategy(["CPU:0"])
    >>> strategy.run(lambda: tf.distribute.get_replica_context().num_replicas_in_sync)
    1
    """

    def all_gather(self, value, axis, options=None):
        """The values of all replicas, concatenated along `axis`."""
        for v in nest.flatten(value, expand_composites=False):
            if hasattr(v, "dense_shape"):
                raise NotImplementedError("all_gather does not support IndexedSlices")
        return nest.map_structure(lambda v: self._gather_one(v, axis), value)

    def _gather_one(self, value, axis):
        if self.num_replicas_in_sync == 1:
            return door.convert(value)
        from penstock.ops.join import concat, split

        def merge(strategy, values):
            return concat(list(values.values), axis)

        sizes = self.merge_call(lambda strategy, v: [x.shape[axis] for x in v.values], (value,))
        number = self._replica_id_in_sync_group

        @custom_gradient
        def gathered(v):
            def grad(dy):
                total = self.merge_call(lambda strategy, d: strategy.extended.reduce_to("SUM", d, d), (dy,))
                total = total._get() if hasattr(total, "_get") else total
                return split(total, sizes, axis)[number]

            return self.merge_call(merge, (v,)), grad

        return gathered(door.convert(value))

    def _update(self, var, fn, args=(), kwargs=None, group=True):
        """`fn(var, *args)` on this replica's copy of a variable."""
        return fn(var, *args, **(kwargs or {}))


@export(v1=("distribute.ReplicaContext",))
class ReplicaContextV1(ReplicaContextBase):
    """The replica that runs, in 1.x programs."""


class DefaultReplicaContext(ReplicaContext):
    """The one replica of programs that choose no strategy."""

    @property
    def replica_id_in_sync_group(self):
        """0: there is one replica."""
        return 0


class MultiStepContext:
    """What `experimental_run_steps_on_iterator` hands to the step and gives back."""

    def __init__(self):
        self._last_step_outputs, self._non_tensor_outputs = {}, {}

    last_step_outputs = property(lambda self: self._last_step_outputs)
    non_tensor_outputs = property(lambda self: self._non_tensor_outputs)

    def set_last_step_output(self, name, output, reduce_op=None):
        """Keep an output of the last step, reduced over replicas where `reduce_op` says how."""
        if reduce_op is not None and context.in_cross_replica_context():
            output = context.get_strategy().reduce(reduce_op, output, axis=None)
        elif reduce_op is not None:
            merge = lambda strategy, v: strategy.reduce(reduce_op, v, axis=None)
            output = context.get_replica_context().merge_call(merge, (output,))
        self._last_step_outputs[name] = output

    def set_non_tensor_output(self, name, output):
        """Keep an output that is no tensor."""
        if context.in_cross_replica_context():
            self._non_tensor_outputs[name] = output
        else:
            context.get_replica_context().merge_call(
                lambda s, v: self._non_tensor_outputs.__setitem__(name, v), (output,)
            )


def new_replica_context(strategy, number):
    """The context of one replica, of the API that the strategy is of."""
    return (ReplicaContextV1 if isinstance(strategy, StrategyV1) else ReplicaContext)(strategy, number)


context.default = DefaultStrategy()
