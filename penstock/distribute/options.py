"""What callers of a strategy choose: reductions, input options, communication options."""

import collections
import enum

from penstock.base.export import export
from penstock.state.variable import VariableAggregation, VariableAggregationV2


@export("distribute.ReduceOp")
class ReduceOp(enum.Enum):
    """How the values of the replicas are put together."""

    SUM = "SUM"
    MEAN = "MEAN"

    @staticmethod
    def from_variable_aggregation(aggregation):
        """The reduction of a variable's aggregation; None for NONE."""
        by_value = {VariableAggregationV2.SUM.value: ReduceOp.SUM, VariableAggregationV2.MEAN.value: ReduceOp.MEAN}
        if not isinstance(aggregation, VariableAggregation | VariableAggregationV2):
            raise ValueError(
                f"Could not convert from `tf.VariableAggregation` {aggregation} to`tf.distribute.ReduceOp` type"
            )
        found = by_value.get(aggregation.value)
        if found is None and aggregation.value:
            raise ValueError(
                f"Could not convert from `tf.VariableAggregation` {aggregation} to`tf.distribute.ReduceOp` type"
            )
        return found


@export("distribute.InputReplicationMode")
class InputReplicationMode(enum.Enum):
    """How often an input function is called."""

    PER_WORKER = "PER_WORKER"
    PER_REPLICA = "PER_REPLICA"


@export("distribute.experimental.CommunicationImplementation", "distribute.experimental.CollectiveCommunication")
class CommunicationImplementation(enum.Enum):
    """Which implementation of collectives is asked for; XLA's own are used in any case."""

    AUTO = "AUTO"
    RING = "RING"
    NCCL = "NCCL"


@export("distribute.experimental.CommunicationOptions")
class CommunicationOptions:
    """Options of collectives.

    >>> tf.distribute.experimental.CommunicationOptions(bytes_per_pack=50 * 1024 * 1024).bytes_per_pack
    52428800
    """

    def __init__(self, bytes_per_pack=0, timeout_seconds=None, implementation=CommunicationImplementation.AUTO):
        if bytes_per_pack < 0:
            raise ValueError(f"Argument `bytes_per_pack` must be >=0, Received {bytes_per_pack}.")
        if isinstance(implementation, str):
            implementation = CommunicationImplementation(implementation.upper())
        if not isinstance(implementation, CommunicationImplementation):
            raise ValueError(
                "Argument `implementation` must be instance of `tf.distribute.experimental.CommunicationImplementation`."
            )
        self.bytes_per_pack, self.timeout_seconds, self.implementation = bytes_per_pack, timeout_seconds, implementation

    __init__.__doc__ = "Pack size in bytes (0: automatic), timeout in seconds, implementation."


@export("distribute.experimental.CollectiveHints")
class CollectiveHints(CommunicationOptions):
    """Options of collectives, under their first name."""

    def __init__(self, bytes_per_pack=0, timeout_seconds=None):
        super().__init__(bytes_per_pack, timeout_seconds)


RunOptions = collections.namedtuple(
    "RunOptions",
    ["experimental_enable_dynamic_batch_size", "experimental_bucketizing_dynamic_shape", "experimental_xla_options"],
    defaults=[True, False, None],
)
RunOptions.__doc__ = "Options of `strategy.run`."
RunOptions.__module__ = __name__
export("distribute.RunOptions")(RunOptions)


class InputOptions(
    collections.namedtuple(
        "InputOptions",
        [
            "experimental_fetch_to_device", "experimental_replication_mode", "experimental_place_dataset_on_device",
            "experimental_per_replica_buffer_size",
        ],
        defaults=[None, InputReplicationMode.PER_WORKER, False, 1],
    )
):  # fmt: skip
    """Options of the datasets that a strategy distributes."""

    def __new__(
        cls, experimental_fetch_to_device=None, experimental_replication_mode=InputReplicationMode.PER_WORKER,
        experimental_place_dataset_on_device=False, experimental_per_replica_buffer_size=1,
    ):  # fmt: skip
        fetch = True if experimental_fetch_to_device is None else experimental_fetch_to_device
        return super().__new__(
            cls,
            fetch,
            experimental_replication_mode,
            experimental_place_dataset_on_device,
            experimental_per_replica_buffer_size,
        )


export("distribute.InputOptions")(InputOptions)


@export("distribute.InputContext")
class InputContext:
    """What an input function may know of the pipelines around it.

    >>> tf.distribute.InputContext(num_replicas_in_sync=2).get_per_replica_batch_size(8)
    4
    """

    def __init__(self, num_input_pipelines=1, input_pipeline_id=0, num_replicas_in_sync=1):
        self._num_input_pipelines, self._input_pipeline_id = num_input_pipelines, input_pipeline_id
        self._num_replicas_in_sync = num_replicas_in_sync

    num_replicas_in_sync = property(lambda self: self._num_replicas_in_sync)
    input_pipeline_id = property(lambda self: self._input_pipeline_id)
    num_input_pipelines = property(lambda self: self._num_input_pipelines)

    def get_per_replica_batch_size(self, global_batch_size):
        """The share of one replica; ValueError where it does not divide."""
        if global_batch_size % self._num_replicas_in_sync:
            raise ValueError(
                f"The `global_batch_size` {global_batch_size!r} is not divisible by `num_replicas_in_sync` {self._num_replicas_in_sync!r} "
            )
        return global_batch_size // self._num_replicas_in_sync

    def __str__(self):
        return (
            f"tf.distribute.InputContext(input pipeline id {self.input_pipeline_id}, total: {self.num_input_pipelines})"
        )


@export("distribute.experimental.ValueContext")
class ValueContext:
    """What a value function may know of the replica that it makes a value for."""

    def __init__(self, replica_id_in_sync_group=0, num_replicas_in_sync=1):
        self._replica_id_in_sync_group, self._num_replicas_in_sync = replica_id_in_sync_group, num_replicas_in_sync

    num_replicas_in_sync = property(lambda self: self._num_replicas_in_sync)
    replica_id_in_sync_group = property(lambda self: self._replica_id_in_sync_group)

    def __str__(self):
        return f"tf.distribute.ValueContext(replica id {self.replica_id_in_sync_group},  total replicas in sync: {self.num_replicas_in_sync})"
