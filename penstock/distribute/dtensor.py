"""`tf.experimental.dtensor`: meshes of devices and how an array's axes lie on them, as values."""

import collections
import itertools

import numpy as np

from penstock.base.export import export, export_constant
from penstock.engine import devices

UNSHARDED = "unsharded"
MATCH = "match"
export_constant("experimental.dtensor.UNSHARDED", module=__name__, attr="UNSHARDED")
export_constant("experimental.dtensor.MATCH", module=__name__, attr="MATCH")
MeshDimension = collections.namedtuple("MeshDimension", ["name", "size"])
JOB = "localhost"


def _full(device):
    text = device if isinstance(device, str) else device.to_string()
    short = text.rpartition("/")[2].removeprefix("device:")
    kind, _, number = short.partition(":")
    return f"/job:{JOB}/replica:0/task:0/device:{kind.upper()}:{int(number or 0)}"


@export("experimental.dtensor.Mesh")
class Mesh:
    """A grid of devices whose axes have names."""

    def __init__(
        self,
        dim_names,
        global_device_ids,
        local_device_ids,
        local_devices,
        mesh_name="",
        global_devices=None,
        use_xla_spmd=False,
    ):
        ids = np.asarray(global_device_ids)
        if not isinstance(dim_names, list):
            raise ValueError(f"dim_names must be a list, got {dim_names!r}")
        if len(dim_names) != ids.ndim:
            raise ValueError(
                f"dim_names length ({len(dim_names)}) does not match the rank of global_device_ids ({ids.ndim})"
            )
        if len(set(dim_names)) != len(dim_names):
            raise ValueError(f"repeated dimension names: {dim_names}")
        if len(local_device_ids) != len(local_devices):
            raise ValueError(f"{len(local_device_ids)} local_device_ids for {len(local_devices)} local_devices")
        self._dim_names, self._ids, self._name = list(dim_names), ids, mesh_name
        self._local_ids, self._devices, self._spmd = (
            [int(i) for i in local_device_ids],
            [_full(d) for d in local_devices],
            use_xla_spmd,
        )

    name = property(lambda self: self._name)
    dim_names = property(lambda self: list(self._dim_names))
    size = property(lambda self: int(self._ids.size))
    strides = property(lambda self: [int(np.prod(self._ids.shape[i + 1 :])) for i in range(self._ids.ndim)])

    def shape(self):
        """The sizes of the axes."""
        return list(self._ids.shape)

    def __getitem__(self, dim_name):
        return MeshDimension(dim_name, self.dim_size(dim_name))

    def dim_size(self, dim_name):
        """The size of an axis."""
        if dim_name not in self._dim_names:
            raise ValueError(f'"{dim_name}" not a dimension name in current mesh. Dimension names: {self._dim_names}.')
        return int(self._ids.shape[self._dim_names.index(dim_name)])

    def contains_dim(self, dim_name):
        """Has the mesh an axis of this name?"""
        return dim_name in self._dim_names

    def device_type(self):
        """The kind of the devices."""
        return self._devices[0].rpartition("/device:")[2].partition(":")[0]

    def global_device_ids(self):
        """The numbers of all devices, flat."""
        return self._ids.ravel().tolist()

    def local_device_ids(self):
        """The numbers of this process's devices."""
        return list(self._local_ids)

    def local_devices(self):
        """This process's devices."""
        return list(self._devices)

    def num_local_devices(self):
        """How many devices this process has."""
        return len(self._devices)

    def min_global_device_id(self):
        """The least number of a device."""
        return int(self._ids.min())

    def is_remote(self):
        """Are the devices those of other processes?"""
        return False

    @property
    def use_xla_spmd(self):
        """Was XLA's own partitioning asked for?"""
        return self._spmd

    def host_mesh(self):
        """The same mesh over the CPU."""
        cpus = [f"/job:{JOB}/replica:0/task:0/device:CPU:{i}" for i in range(len(self._devices))]
        return Mesh(self._dim_names, self._ids, self._local_ids, cpus, self._name)

    def coords(self, device_idx):
        """The place of a device in the grid."""
        from penstock.ops.constants import constant

        return constant(np.array(np.unravel_index(device_idx, self._ids.shape), np.int32))

    def unravel_index(self):
        """Each device's place as a dict of axis names, in order."""
        return [dict(zip(self._dim_names, place)) for place in itertools.product(*map(range, self._ids.shape))]

    def to_string(self):
        """The mesh as one line."""
        dims = ",".join(f"{n}={s}" for n, s in zip(self._dim_names, self._ids.shape))
        join = lambda xs: ",".join(str(x) for x in xs)
        return f"{self._name}|{dims}|{join(self.global_device_ids())}|{join(self._local_ids)}|{join(self._devices)}"

    @classmethod
    def from_string(cls, mesh_str):
        """The mesh that a line describes."""
        name, dims, ids, local, names = mesh_str.split("|")[:5]
        pairs = [d.split("=") for d in dims.split(",")]
        grid = np.array([int(i) for i in ids.split(",")]).reshape([int(s) for _, s in pairs])
        return cls([n for n, _ in pairs], grid, [int(i) for i in local.split(",")], names.split(","), name)

    def __repr__(self):
        return f"Mesh.from_string({self.to_string()})"

    def __eq__(self, other):
        return isinstance(other, Mesh) and self.to_string() == other.to_string()

    def __hash__(self):
        return hash(self.to_string())


@export("experimental.dtensor.Layout")
class Layout:
    """Along which axis of a mesh each axis of an array is split."""

    def __init__(self, sharding_specs, mesh):
        specs = list(sharding_specs)
        for spec in specs:
            if spec != UNSHARDED and not mesh.contains_dim(spec):
                raise ValueError(f"{spec}: A dimension sharding must either be a valid mesh dimension or UNSHARDED.")
            if spec != UNSHARDED and specs.count(spec) > 1:
                raise ValueError(
                    f"Mesh dimension {spec} was repeated in sharding specification {specs}. Mesh dimensions must be unique in a layout."
                )
        self._specs, self._mesh = specs, mesh

    mesh = property(lambda self: self._mesh)
    sharding_specs = property(lambda self: list(self._specs))
    rank = property(lambda self: len(self._specs))
    shape = property(lambda self: self._mesh.shape())

    def num_shards(self, idx):
        """Into how many parts an axis is split."""
        return 1 if self._specs[idx] == UNSHARDED else self._mesh.dim_size(self._specs[idx])

    def is_fully_replicated(self):
        """Has every device the whole array?"""
        return all(self.num_shards(i) == 1 and s == UNSHARDED for i, s in enumerate(self._specs))

    def is_batch_parallel(self):
        """Is the first axis alone split?"""
        return bool(self._specs) and self._specs[0] != UNSHARDED and all(s == UNSHARDED for s in self._specs[1:])

    @classmethod
    def replicated(cls, mesh, rank):
        """Every device has the whole array."""
        return cls([UNSHARDED] * rank, mesh)

    @classmethod
    def batch_sharded(cls, mesh, batch_dim, rank, axis=0):
        """One axis, the first, is split."""
        return cls([batch_dim if i == axis else UNSHARDED for i in range(rank)], mesh)

    @classmethod
    def inner_sharded(cls, mesh, inner_dim, rank):
        """The last axis is split."""
        return cls.batch_sharded(mesh, inner_dim, rank, rank - 1)

    def delete(self, dims):
        """The layout without some axes."""
        gone = [dims] if isinstance(dims, int) else list(dims)
        return Layout([s for i, s in enumerate(self._specs) if i not in gone], self._mesh)

    def local_shape_from_global_shape(self, global_shape):
        """The shape of one part."""
        return [d // self.num_shards(i) if d is not None else None for i, d in enumerate(global_shape)]

    def global_shape_from_local_shape(self, local_shape):
        """The shape of the whole."""
        return [d * self.num_shards(i) if d is not None else None for i, d in enumerate(local_shape)]

    def to_string(self):
        """The layout as one line."""
        return f"sharding_specs:{','.join(self._specs)}{',' if self._specs else ''} mesh:{self._mesh.to_string()}"

    @classmethod
    def from_string(cls, layout_str):
        """The layout that a line describes."""
        specs, _, mesh = layout_str.removeprefix("sharding_specs:").partition(" mesh:")
        return cls([s for s in specs.split(",") if s], Mesh.from_string(mesh))

    def __repr__(self):
        return f"Layout.from_string({self.to_string()})"

    def __eq__(self, other):
        return isinstance(other, Layout) and self.to_string() == other.to_string()

    def __hash__(self):
        return hash(self.to_string())


@export("experimental.dtensor.preferred_device_type")
def preferred_device_type():
    """The kind of device that meshes are made of when none is named."""
    kinds = {kind for kind, _, _ in devices.found()}
    return next((k for k in ("TPU", "GPU") if k in kinds), "CPU")


@export("experimental.dtensor.local_devices")
def local_devices(device_type, for_client_id=None):
    """This process's devices of a kind, as `tf.DeviceSpec`."""
    if device_type.upper() not in ("CPU", "GPU", "TPU"):
        raise ValueError(f"Device type {device_type} is not CPU, GPU, or TPU.")
    from penstock.ir.device import DeviceSpec

    count = sum(kind == device_type.upper() for kind, _, _ in devices.found())
    return [DeviceSpec.from_string(_full(f"{device_type}:{i}")) for i in range(count)]


@export("experimental.dtensor.num_local_devices")
def num_local_devices(device_type):
    """How many devices of a kind this process has."""
    return len(local_devices(device_type))


@export("experimental.dtensor.num_global_devices")
def num_global_devices(device_type):
    """How many devices of a kind all processes have."""
    return num_local_devices(device_type) * num_clients()


@export("experimental.dtensor.client_id")
def client_id():
    """The number of this process."""
    return 0


@export("experimental.dtensor.num_clients")
def num_clients():
    """How many processes there are."""
    return 1


@export("experimental.dtensor.job_name")
def job_name():
    """The name of the job of this process."""
    return JOB


@export("experimental.dtensor.full_job_name")
def full_job_name(task_id=None):
    """The job with replica and task."""
    return f"{JOB}/replica:0/task:{client_id() if task_id is None else task_id}"


@export("experimental.dtensor.jobs")
def jobs():
    """The addresses of all processes: none, since there is one."""
    return []


@export("experimental.dtensor.create_mesh")
def create_mesh(mesh_dims=None, mesh_name="", devices=None, device_type=None, use_xla_spmd=False):
    """A mesh over the devices of this process.

    >>> tf.experimental.dtensor.create_mesh([("x", 1)], devices=["CPU:0"]).dim_names
    ['x']
    """
    if devices is None:
        devices = local_devices(device_type or preferred_device_type())
    elif not devices:
        raise ValueError("devices must be a list of devices, it is empty")
    elif device_type is not None:
        raise ValueError("Only one of devices and device_type can be given")
    dims = list(mesh_dims.items()) if isinstance(mesh_dims, dict) else mesh_dims
    dims = [("x", len(devices))] if dims is None else dims
    shape = [size for _, size in dims]
    if len(devices) != int(np.prod(shape)):
        raise ValueError(f"length of devices ({len(devices)}) must be equal to total size of the mesh of shape {shape}")
    ids = np.arange(len(devices)).reshape(shape)
    return Mesh([name for name, _ in dims], ids, ids.ravel().tolist(), devices, mesh_name, use_xla_spmd=use_xla_spmd)


@export("experimental.dtensor.create_distributed_mesh")
def create_distributed_mesh(mesh_dims, mesh_name="", local_devices=None, device_type=None, use_xla_spmd=False):
    """A mesh over the devices of all processes."""
    return create_mesh(mesh_dims, mesh_name, local_devices, device_type, use_xla_spmd)
