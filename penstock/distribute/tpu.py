"""`tf.distribute.TPUStrategy`: the TPU cores of this process as replicas."""

from penstock.base.export import export
from penstock.distribute.mirrored import MirroredExtended
from penstock.distribute.resolvers import ClusterResolver, local_device
from penstock.distribute.strategy import Strategy, StrategyV1
from penstock.engine import devices
from penstock.train.server import ClusterSpec


def _cores():
    return [local_device(f"TPU:{i}") for kind, i, _ in devices.found() if kind == "TPU"]


@export("distribute.cluster_resolver.TPUClusterResolver")
class TPUClusterResolver(ClusterResolver):
    """The TPU of this machine; ValueError where there is none."""

    def __init__(self, tpu=None, zone=None, project=None, job_name="worker", coordinator_name=None, coordinator_address=None,
                 credentials="default", service=None, discovery_url=None):  # fmt: skip
        if tpu != "local" and not _cores():
            raise ValueError("Please provide a TPU Name to connect to.")
        self._tpu, self._task_type, self._task_id = tpu, job_name, 0

    @staticmethod
    def connect(tpu=None, zone=None, project=None):
        """The resolver of a TPU, which is ready."""
        return TPUClusterResolver(tpu, zone, project)

    def cluster_spec(self):
        """No jobs: the TPU belongs to this process."""
        return ClusterSpec({})

    def master(self, task_type=None, task_id=None, rpc_layer=None):
        """The local master."""
        return "local"

    get_master = master

    def get_job_name(self):
        """The job of the TPU's worker."""
        return self._task_type

    def num_accelerators(self, task_type=None, task_id=None, config_proto=None):
        """{"TPU": how many cores}."""
        return {"TPU": len(_cores())}


class _TPUExtended(MirroredExtended):
    def __init__(self, container_strategy, resolver):
        cores = _cores()
        if not cores:
            raise ValueError(
                "No TPU was found in this process; use tf.distribute.MirroredStrategy() for its other devices"
            )
        super().__init__(container_strategy, cores)
        self._cluster_resolver = resolver
        self._tpu_devices = cores


@export(v2=("distribute.TPUStrategy",))
class TPUStrategy(Strategy):
    """The TPU cores of this process as replicas; ValueError where there are none."""

    def __init__(
        self, tpu_cluster_resolver=None, experimental_device_assignment=None, experimental_spmd_xla_partitioning=False
    ):
        super().__init__(_TPUExtended(self, tpu_cluster_resolver or TPUClusterResolver()))


@export(v2=("distribute.experimental.TPUStrategy",))
class TPUStrategyExperimental(TPUStrategy):
    """`tf.distribute.TPUStrategy` under its first name."""

    def __init__(self, tpu_cluster_resolver=None, device_assignment=None):
        super().__init__(tpu_cluster_resolver, device_assignment)


@export(v1=("distribute.experimental.TPUStrategy",))
class TPUStrategyV1(StrategyV1):
    """The TPU cores of this process as replicas; ValueError where there are none."""

    def __init__(self, tpu_cluster_resolver=None, steps_per_run=None, device_assignment=None):
        super().__init__(_TPUExtended(self, tpu_cluster_resolver or TPUClusterResolver()))
        self._steps_per_run = 1 if steps_per_run is None else steps_per_run

    steps_per_run = property(lambda self: self._steps_per_run)
