"""`tf.distribute.ParameterServerStrategy`: steps that workers take independently of each other, on variables that all share.

The tasks of the cluster are threads of this process: the variables stand in it, each worker is a thread that takes the
functions which a `ClusterCoordinator` schedules.
"""

import contextlib

from penstock.base.export import export
from penstock.base.shape import TensorShape
from penstock.distribute import context
from penstock.distribute.options import InputContext
from penstock.distribute.resolvers import ClusterResolver
from penstock.distribute.sharded_variable import ShardedVariable
from penstock.distribute.strategy import Strategy, StrategyExtendedV1, StrategyV1
from penstock.fronts.lift import init_scope
from penstock.platform import messages

_WITHOUT_COORDINATOR = (
    "`tf.distribute.experimental.ParameterServerStrategy` must be used with "
    "`tf.distribute.experimental.coordinator.ClusterCoordinator` in a custom training loop. If you are using `Model.fit`, "
    "please supply a dataset function directly to a `tf.keras.utils.experimental.DatasetCreator` instead."
)


class _ParameterServerExtended(StrategyExtendedV1):
    """One replica for each function that a worker runs."""

    _use_merge_call = False
    _in_multi_worker = True

    def __init__(self, container_strategy, cluster_resolver, variable_partitioner):
        super().__init__(container_strategy)
        self._cluster_resolver, self._variable_partitioner = cluster_resolver, variable_partitioner
        spec = cluster_resolver.cluster_spec()
        self._num_workers, self._num_ps = len(spec.job_tasks("worker")), len(spec.job_tasks("ps"))
        self._used_with_coordinator = False
        self._being_scheduled = False
        self._allow_run_without_coordinator = False

    experimental_between_graph = False
    worker_devices = property(lambda self: tuple(f"/job:worker/replica:0/task:{i}" for i in range(self._num_workers)))
    parameter_devices = property(lambda self: tuple(f"/job:ps/replica:0/task:{i}" for i in range(self._num_ps)))

    def _in_multi_worker_mode(self):
        return False

    def _input_context(self):
        return InputContext(1, 0, 1)

    def _values_from_list(self, made):
        return made[0]

    def non_slot_devices(self, var_list):
        """The first parameter server."""
        return self.parameter_devices[:1]

    def _distribute_dataset(self, dataset, options):
        if not self._used_with_coordinator:
            raise NotImplementedError(_WITHOUT_COORDINATOR)
        return dataset

    def _datasets_from_function(self, dataset_fn, options):
        if not self._used_with_coordinator:
            raise NotImplementedError(_WITHOUT_COORDINATOR)
        return dataset_fn(self._input_context())

    # -- variables ------------------------------------------------------------------------------------------------------
    def _creator(self, next_creator, **kwargs):
        kwargs.pop("distribute_strategy", None)
        initial = kwargs.get("initial_value")
        shape, dtype = kwargs.get("shape"), kwargs.get("dtype")
        if self._variable_partitioner is None:
            return self._one(next_creator, **kwargs)
        with init_scope():
            value = None
            if shape is None or dtype is None:
                value = initial() if callable(initial) else initial
                from penstock.ir import door

                value = door.convert(value, dtype)
                shape, dtype = value.shape, value.dtype
            shape = TensorShape(shape)
            if shape.rank == 0 or not shape.is_fully_defined():
                return self._one(next_creator, **kwargs)
            parts = self._variable_partitioner(shape=shape, dtype=dtype)
            if not parts or all(p == 1 for p in parts):
                return self._one(next_creator, **kwargs)
            if any(p > 1 for p in parts[1:]):
                raise ValueError(f"ShardedVariable: only partitioning along the first axis is supported, got {parts}")
            return self._sharded(next_creator, kwargs, initial if value is None else value, shape, dtype, parts[0])

    def _sharded(self, next_creator, kwargs, initial, shape, dtype, count):
        rows, name = shape.as_list()[0], kwargs.get("name") or "Variable"
        each, more = divmod(rows, count)
        made, at = [], 0
        whole = initial if not callable(initial) else None
        for i in range(count):
            size = each + (i < more)
            dims = [size, *shape.as_list()[1:]]
            if whole is not None:
                part = whole[at : at + size]
            else:
                part = self._part_of(initial, dims, at, shape, dtype)
            made.append(self._one(next_creator, **{**kwargs, "initial_value": part, "shape": None, "name": f"{name}/part_{i}"}))
            at += size
        return ShardedVariable(made, name)

    @staticmethod
    def _part_of(initial, dims, at, shape, dtype):
        """The initial value of the rows from `at` on: initializers that know of parts make just those."""
        from penstock.ir import door

        value = door.convert(initial(), dtype)
        return value[at : at + dims[0]]

    def _one(self, next_creator, **kwargs):
        made = next_creator(**kwargs)
        made._distribute_strategy = self._strategy
        return made

    def variable_created_in_scope(self, v):
        """Was this variable made in the strategy's scope?"""
        return getattr(v, "_distribute_strategy", None) is self._strategy

    # -- running --------------------------------------------------------------------------------------------------------
    def _call_for_each_replica(self, fn, args, kwargs):
        if not (self._used_with_coordinator or self._being_scheduled or self._allow_run_without_coordinator):
            messages.warning(
                "A `tf.distribute.experimental.ParameterServerStrategy` method is invoked without using `ClusterCoordinator.schedule`: "
                "it runs here, on the coordinator."
            )
        with context.entering(context.Mode(self._strategy, self._replica_context(0))):
            return fn(*args, **kwargs)

    def _reduce(self, reduce_op, value):
        return value

    def _local_results(self, value):
        return (value,)


@export(v2=("distribute.ParameterServerStrategy", "distribute.experimental.ParameterServerStrategy"))
class ParameterServerStrategy(Strategy):
    """Workers take steps independently of each other, on variables that parameter servers hold.

    `cluster_resolver`: a cluster with the jobs `worker` and `ps`; `variable_partitioner`: cuts great variables into parts.
    """

    _should_use_with_coordinator = True

    def __init__(self, cluster_resolver, variable_partitioner=None):
        if not isinstance(cluster_resolver, ClusterResolver):
            raise ValueError(f"cluster_resolver must be a tf.distribute.cluster_resolver.ClusterResolver, got {cluster_resolver!r}")
        spec = cluster_resolver.cluster_spec()
        unknown = set(spec.jobs) - {"chief", "worker", "ps", "evaluator"}
        if unknown:
            raise ValueError(f"Disallowed task type found in `tf.train.ClusterSpec`: {sorted(unknown)}. Allowed types are chief, worker, ps, evaluator.")
        if "worker" not in spec.jobs:
            raise ValueError("Cluster spec must have at least one worker.")
        if "ps" not in spec.jobs:
            raise ValueError("Cluster spec must have at least one ps.")
        if not spec.job_tasks("worker") or not spec.job_tasks("ps"):
            raise ValueError("Cluster spec must have at least one worker and one ps.")
        self._cluster_coordinator = None
        super().__init__(_ParameterServerExtended(self, cluster_resolver, variable_partitioner))


@export(v1=("distribute.experimental.ParameterServerStrategy",))
class ParameterServerStrategyV1(StrategyV1):
    """A worker of a cluster that trains between graphs: its variables stand on the parameter servers, dealt out one by one."""

    def __init__(self, cluster_resolver=None):
        super().__init__(_WorkerExtended(self, cluster_resolver))

    def scope(self):
        """A context in which variables are placed on the parameter servers."""
        from penstock.ir import door

        if not door.current().is_graph:
            raise NotImplementedError("ParameterServerStrategyV1 does not support eager execution: use tf.distribute.ParameterServerStrategy.")
        return super().scope()


class _WorkerExtended(StrategyExtendedV1):
    """One replica, in one worker of a cluster."""

    experimental_between_graph = True

    def __init__(self, container_strategy, cluster_resolver):
        super().__init__(container_strategy)
        self._cluster_resolver, self._placed = cluster_resolver, 0
        spec = cluster_resolver.cluster_spec() if cluster_resolver is not None else None
        self._servers = [f"/job:ps/task:{i}" for i in range(len(spec.job_tasks("ps")))] if spec is not None and "ps" in spec.jobs else []

    parameter_devices = property(lambda self: tuple(self._servers) or self._devices_)

    def _creator(self, next_creator, **kwargs):
        kwargs.pop("distribute_strategy", None)
        place = contextlib.nullcontext()
        if self._servers:
            from penstock.ir import door

            place = door.current().device(self._servers[self._placed % len(self._servers)])
            self._placed += 1
        with place:
            made = next_creator(**kwargs)
        made._distribute_strategy = self._strategy
        return made

    def _reduce(self, reduce_op, value):
        return value

    def _values_from_list(self, made):
        return made[0]
