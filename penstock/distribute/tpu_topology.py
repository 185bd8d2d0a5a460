"""How the cores of a TPU pod lie in their mesh, and which replica of a program gets which core."""

from typing import Any

import numpy as np

from penstock.base.export import export
from penstock.base.proto.topology_pb2 import TopologyProto


def _host(job: str | None, task: int) -> str:
    return (f"/job:{job}" if job else "") + f"/task:{task}/device:CPU:0"


def _core(job: str | None, task: int, device: int) -> str:
    return (f"/job:{job}" if job else "") + f"/task:{task}/device:TPU:{device}"


@export("tpu.experimental.Topology")
class Topology:
    """A mesh of cores: its shape, and the coordinates of each device of each task."""

    def __init__(self, serialized: Any = None, mesh_shape: Any = None, device_coordinates: Any = None):
        if serialized:
            proto = TopologyProto.FromString(serialized)
            mesh_shape = proto.mesh_shape
            shape = (proto.num_tasks, proto.num_tpu_devices_per_task, len(proto.mesh_shape))
            device_coordinates = np.array(proto.device_coordinates, np.int32).reshape(shape)
        self._mesh_shape = np.asarray(mesh_shape, np.int32)
        self._device_coordinates = np.asarray(device_coordinates, np.int32)
        if self._mesh_shape.ndim != 1 or len(self._mesh_shape) not in (3, 4) or any(self._mesh_shape < 1):
            raise ValueError(f"`mesh_shape` must be a sequence of 3 or 4 positive entries; got {self._mesh_shape}")
        if self._device_coordinates.ndim != 3 or self._device_coordinates.shape[2] != len(self._mesh_shape):
            raise ValueError(
                "`device_coordinates` must be a rank 3 int32 array with minor dimension equal to the mesh shape rank: "
                f"got shape {self._device_coordinates.shape} for a mesh of {len(self._mesh_shape)} axes"
            )
        tasks, devices, _ = self._device_coordinates.shape
        self._place = {
            tuple(self._device_coordinates[task, device].tolist()): (task, device)
            for task in range(tasks)
            for device in range(devices)
        }

    mesh_shape = property(lambda self: self._mesh_shape, doc="The sizes of the mesh's axes, int32.")
    mesh_rank = property(lambda self: len(self._mesh_shape), doc="The number of the mesh's axes.")
    device_coordinates = property(lambda self: self._device_coordinates, doc="[tasks, devices, axes], int32.")
    num_tasks = property(lambda self: self._device_coordinates.shape[0], doc="The number of tasks (hosts).")
    num_tpus_per_task = property(lambda self: self._device_coordinates.shape[1], doc="The devices of one task.")

    def _at(self, coordinates: Any) -> tuple[int, int]:
        return self._place[tuple(np.asarray(coordinates).tolist())]

    def task_ordinal_at_coordinates(self, device_coordinates: Any) -> int:
        """The task whose device lies there."""
        return self._at(device_coordinates)[0]

    def tpu_device_ordinal_at_coordinates(self, device_coordinates: Any) -> int:
        """The number, in its task, of the device that lies there."""
        return self._at(device_coordinates)[1]

    def cpu_device_name_at_coordinates(self, device_coordinates: Any, job: str | None = None) -> str:
        """The name of the host of the device that lies there."""
        return _host(job, self._at(device_coordinates)[0])

    def tpu_device_name_at_coordinates(self, device_coordinates: Any, job: str | None = None) -> str:
        """The name of the device that lies there."""
        return _core(job, *self._at(device_coordinates))

    def serialized(self) -> bytes:
        """The TopologyProto as bytes."""
        return TopologyProto(
            mesh_shape=self._mesh_shape.tolist(),
            num_tasks=self.num_tasks,
            num_tpu_devices_per_task=self.num_tpus_per_task,
            device_coordinates=self._device_coordinates.ravel().tolist(),
        ).SerializeToString()


@export("tpu.experimental.DeviceAssignment")
class DeviceAssignment:
    """The cores of each replica: `core_assignment` [replicas, cores, axes] holds their coordinates."""

    def __init__(self, topology: Topology, core_assignment: Any):
        if not isinstance(topology, Topology):
            raise ValueError(f"topology must be a Topology object, got {type(topology)}")
        cores = np.asarray(core_assignment, np.int32)
        if cores.ndim != 3:
            raise ValueError(f"core_assignment must be a rank 3 numpy array, got shape {cores.shape}")
        if cores.shape[-1] != topology.mesh_rank:
            raise ValueError(
                f"core_assignment.shape[-1] must have size equal to topology rank ({topology.mesh_rank}), "
                f"got core_assignment.shape={cores.shape}"
            )
        self._topology, self._cores = topology, cores

    topology = property(lambda self: self._topology, doc="The mesh.")
    core_assignment = property(lambda self: self._cores, doc="[replicas, cores, axes], int32.")
    num_replicas = property(lambda self: self._cores.shape[0], doc="The number of replicas.")
    num_cores_per_replica = property(lambda self: self._cores.shape[1], doc="The cores of one replica.")

    def coordinates(self, replica: int, logical_core: int) -> tuple[int, ...]:
        """Where that core of that replica lies."""
        return tuple(self._cores[replica, logical_core].tolist())

    def lookup_replicas(self, task_id: int, logical_core: int) -> list[int]:
        """The replicas whose logical core belongs to a task; ValueError where there is none."""
        at = self._topology.task_ordinal_at_coordinates
        found = [r for r in range(self.num_replicas) if at(self.coordinates(r, logical_core)) == task_id]
        if not found:
            raise ValueError(f"Can not find any replica in task: {task_id} contains logical_core: {logical_core} ")
        return found

    def tpu_ordinal(self, replica: int = 0, logical_core: int = 0) -> int:
        """The number of that core in its task."""
        return self._topology.tpu_device_ordinal_at_coordinates(self.coordinates(replica, logical_core))

    def host_device(self, replica: int = 0, logical_core: int = 0, job: str | None = None) -> str:
        """The name of the host of that core."""
        return self._topology.cpu_device_name_at_coordinates(self.coordinates(replica, logical_core), job=job)

    def tpu_device(self, replica: int = 0, logical_core: int = 0, job: str | None = None) -> str:
        """The name of that core's device."""
        return self._topology.tpu_device_name_at_coordinates(self.coordinates(replica, logical_core), job=job)

    @classmethod
    def build(
        cls, topology: Any, computation_shape: Any = None, computation_stride: Any = None, num_replicas: int = 1
    ) -> "DeviceAssignment":
        """The assignment of `num_replicas` blocks of cores."""
        return device_assignment(topology, computation_shape, computation_stride, num_replicas)


def device_assignment(
    topology: Any, computation_shape: Any = None, computation_stride: Any = None, num_replicas: int = 1
) -> DeviceAssignment:
    """Cut the mesh into blocks of `computation_shape` cores, `computation_stride` apart: one block a replica, the last axis first."""
    if isinstance(topology, bytes):
        topology = Topology(serialized=topology)
    if not isinstance(topology, Topology):
        raise ValueError(f"`topology` is not a Topology object; got {type(topology)}")
    rank, mesh = topology.mesh_rank, topology.mesh_shape
    shape = np.ones(rank, np.int32) if computation_shape is None else np.asarray(computation_shape, np.int32)
    stride = np.ones(rank, np.int32) if computation_stride is None else np.asarray(computation_stride, np.int32)
    for name, value in (("computation_shape", shape), ("computation_stride", stride)):
        if value.shape != (rank,):
            raise ValueError(f"{name} must have shape [{rank}]; got {value.shape}")
        if any(value < 1):
            raise ValueError(f"{name} must be positive; got {value}")
    span = shape * stride
    if any(span > mesh):
        raise ValueError(f"computation footprint {span} does not fit in TPU topology shape {mesh}")
    blocks = mesh // span * stride
    if num_replicas > np.prod(blocks):
        raise ValueError(
            f"requested {num_replicas} replicas but only {np.prod(blocks)} replicas with computation_shape {shape} and "
            f"computation_stride {stride} fit in a TPU topology of shape {mesh}"
        )
    within = np.array(list(np.ndindex(*shape)), np.int32) * stride
    places = list(np.ndindex(*blocks))[:num_replicas]
    starts = np.array([[b // s * p + b % s for b, s, p in zip(block, stride, span, strict=True)] for block in places], np.int32)
    return DeviceAssignment(topology, starts[:, None, :] + within[None])
