"""What `tensorflow.python.eager.context` defines: the one context of a process, and questions about it."""

import contextlib

from penstock.engine import devices
from penstock.fronts import default_graph
from penstock.ir import door, seeds
from penstock.ir.device import DeviceSpec
from penstock.platform import config, internal_api

EAGER_MODE, GRAPH_MODE = 1, 0
SYNC, ASYNC = 0, 1


_TASK = "/job:localhost/replica:0/task:0"


def _parts(device: str) -> str:
    """The device's type and index of a device name."""
    spec = DeviceSpec.from_string(device)
    return DeviceSpec(device_type=spec.device_type, device_index=spec.device_index or 0).to_string() if spec.device_type else ""


class Context:
    """Devices, seeds and modes of the process."""

    device_name = property(lambda self: f"{_TASK}{_parts(door.state.device)}" if door.state.device else None)
    device_spec = property(lambda self: DeviceSpec.from_string(self.device_name or ""))
    scope_name = property(lambda self: door.state.name_scope)
    config = property(lambda self: None)
    executing_eagerly = staticmethod(default_graph.executing_eagerly)

    def ensure_initialized(self):
        """Look for the devices, if nobody did."""
        devices.start()

    def clear_kernel_cache(self):
        """Nothing to forget: compiled kernels are found by their inputs and hold no state."""

    def devices(self):
        """The names of the devices that ops can be placed on."""
        return [f"/job:localhost/replica:0/task:0{d.name}" for d in config.list_logical_devices()]

    def num_gpus(self):
        """How many GPUs there are."""
        return len(config.list_logical_devices("GPU"))

    def logical_devices(self, device_type=None):
        """The devices that ops can be placed on."""
        return config.list_logical_devices(device_type)

    list_logical_devices = logical_devices

    def list_physical_devices(self, device_type=None):
        """The devices of the machine."""
        return config.list_physical_devices(device_type)

    list_local_devices = list_physical_devices

    def set_logical_device_configuration(self, dev, virtual_devices):
        """Show a physical device as several."""
        config.set_logical_device_configuration(dev, virtual_devices)

    def host_address_space(self):
        """The device that strings live on."""
        return "/job:localhost/replica:0/task:0/device:CPU:0"

    def sync_executors(self):
        """Nothing to wait for: ops are done when their call returns."""

    clear_executor_errors = sync_executors
    soft_device_placement = property(lambda self: config.get_soft_device_placement())
    log_device_placement = False
    default_execution_mode = SYNC
    execution_mode = SYNC
    is_async = staticmethod(lambda: False)
    xla_sharding_for_resource_variables_enabled = False

    def _set_global_seed(self, seed):
        seeds.set_seed(seed)

    @contextlib.contextmanager
    def _mode(self, mode):
        with eager_mode() if mode == EAGER_MODE else graph_mode():
            yield


_context = Context()
get_config, get_device_name = internal_api.get_config, internal_api.get_device_name


def context():
    """The context of the process."""
    return _context


context_safe = context


def ensure_initialized():
    """Look for the devices, if nobody did."""
    _context.ensure_initialized()


def executing_eagerly():
    """Do ops run at once here?"""
    return default_graph.executing_eagerly()


in_eager_mode = executing_eagerly
executing_eagerly_v1 = executing_eagerly
eager_mode = internal_api.eager_mode


@contextlib.contextmanager
def graph_mode():
    """A context in which ops go to a graph of their own."""
    from penstock.ir.graph import Graph

    with door.using(Graph()):
        yield


def async_wait():
    """Nothing to wait for: ops are done when their call returns."""


def async_clear_error():
    """Nothing to clear: an op's error is raised by its call."""


@contextlib.contextmanager
def execution_mode(mode):
    """A context in which ops run one after the other, whatever `mode` says."""
    yield


def num_gpus():
    """How many GPUs there are."""
    return _context.num_gpus()


def internal_operation_seed():
    """A seed for an op that was given none."""
    return seeds._global.generator.randint(0, seeds.LARGEST)


def global_seed():
    """What `tf.random.set_seed` was last given."""
    return seeds.global_seed()


def shared_name(name=None):
    """The shared name of a resource that eager code makes: each has its own."""
    if name or not executing_eagerly():
        return name
    return "cd2c89b7-88b7-44c8-ad83-06c2a9158347"


def get_default_parallel_iterations():
    """How many iterations of a loop may overlap unless a program says it."""
    return 10


def _reset_context():
    """Forget how devices were split or hidden, so that a test may split them anew."""
    config.forget()


_reset_jit_compiler_flags = async_wait


def is_tfrt_enabled():
    """False: ops run on XLA."""
    return False


def run_eager_op_as_function_enabled():
    """Is an eager op run as a function of its own?"""
    return True
