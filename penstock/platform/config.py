"""`tf.config`: the devices of the process, and switches that programs set."""

import collections
import re

from penstock.base import errors
from penstock.base.export import export
from penstock.engine import devices

PhysicalDevice = collections.namedtuple("PhysicalDevice", ["name", "device_type"])
LogicalDevice = collections.namedtuple("LogicalDevice", ["name", "device_type"])
LogicalDeviceConfiguration = collections.namedtuple(
    "LogicalDeviceConfiguration",
    ["memory_limit", "experimental_priority", "experimental_device_ordinal"],
    defaults=[None, None, None],
)
PhysicalDevice.__doc__ = "A device of the machine: `/physical_device:GPU:0` of type `GPU`."
LogicalDevice.__doc__ = "A device that ops can be placed on: `/device:GPU:0` of type `GPU`."
LogicalDeviceConfiguration.__doc__ = "One of the parts that a physical device is shown as."
export("config.PhysicalDevice")(PhysicalDevice)
export("config.LogicalDevice")(LogicalDevice)
export("config.LogicalDeviceConfiguration", "config.experimental.VirtualDeviceConfiguration")(
    LogicalDeviceConfiguration
)

OPTIMIZER_OPTIONS = frozenset((
    "layout_optimizer", "constant_folding", "shape_optimization", "remapping", "arithmetic_optimization",
    "dependency_optimization", "loop_optimization", "function_optimization", "debug_stripper", "disable_model_pruning",
    "scoped_allocator_optimization", "pin_to_host_optimization", "implementation_selector", "auto_mixed_precision",
    "auto_mixed_precision_onednn_bfloat16", "auto_mixed_precision_mkl", "disable_meta_optimizer", "min_graph_nodes",
    "auto_parallel", "use_plugin_optimizers", "disable_remapping",
))  # fmt: skip


class Settings:
    """What was asked for; the defaults are TensorFlow's."""

    visible = None  # physical devices, None for all
    parts = {}  # physical device -> [LogicalDeviceConfiguration]
    growth = {}  # physical device -> bool
    inter_op = intra_op = 0
    soft_placement = True
    synchronous = True
    jit = ""
    optimizer = {"disable_model_pruning": False, "disable_meta_optimizer": False}
    tf32 = True
    deterministic = False
    policy = "silent"
    forgotten = False  # may devices be split anew although they are in use?


def _list(kind):
    return [
        PhysicalDevice(f"/physical_device:{k}:{i}", k)
        for k, i, _ in devices.found()
        if kind in (None, k) and (k != "CPU" or i == 0)
    ]


@export("config.list_physical_devices", "config.experimental.list_physical_devices")
def list_physical_devices(device_type=None):
    """The devices of the machine: `[PhysicalDevice(name='/physical_device:CPU:0', device_type='CPU')]`."""
    return _list(device_type)


@export("config.list_logical_devices", "config.experimental.list_logical_devices")
def list_logical_devices(device_type=None):
    """The devices that ops can be placed on; from now on they are fixed."""
    devices.start()
    visible = get_visible_devices()
    if not any(d.device_type == "CPU" for d in visible):
        raise errors.NotFoundError(None, None, "No CPU devices are available in this process")
    Settings.forgotten = False
    shown = []
    for physical in visible:
        kind = physical.device_type
        if device_type in (None, kind):
            for _ in Settings.parts.get(physical) or (None,):
                number = sum(d.device_type == kind for d in shown)
                shown.append(LogicalDevice(f"/device:{kind}:{number}", kind))
    return shown


def forget():
    """Let a test split and hide devices anew."""
    Settings.visible, Settings.parts, Settings.forgotten = None, {}, True


@export("config.get_visible_devices", "config.experimental.get_visible_devices")
def get_visible_devices(device_type=None):
    """The physical devices that the process uses."""
    every = _list(device_type)
    return every if Settings.visible is None else [d for d in every if d in Settings.visible]


@export("config.set_visible_devices", "config.experimental.set_visible_devices")
def set_visible_devices(devices, device_type=None):
    """Use these physical devices (of one type) only; RuntimeError once devices are in use."""
    chosen = list(devices) if isinstance(devices, list | tuple) and not hasattr(devices, "device_type") else [devices]
    for device in chosen:
        _known(device, device_type)
    kept = [] if device_type is None else [d for d in get_visible_devices() if d.device_type != device_type]
    visible = [d for d in _list(None) if d in kept or d in chosen]
    if visible == get_visible_devices():
        return
    if _devices_in_use():
        raise RuntimeError("Visible devices cannot be modified after being initialized")
    Settings.visible = visible
    if all(d.device_type == "CPU" for d in visible):
        _hide_accelerators()


def _devices_in_use():
    return devices.started() and not Settings.forgotten


def _hide_accelerators():
    devices.hide_accelerators()


def _known(device, kind=None):
    if device not in _list(kind):
        raise ValueError(f"Unrecognized device: {device!r}; there are {_list(kind)}")
    return device


@export("config.experimental.get_memory_growth")
def get_memory_growth(device):
    """Does memory on this device grow with need?  JAX takes most of it at the start unless told otherwise."""
    _known(device)
    if device not in Settings.growth:
        raise KeyError(device)
    return Settings.growth[device]


@export("config.experimental.set_memory_growth")
def set_memory_growth(device, enable):
    """Take memory on a GPU as it is needed, not most of it at the start; RuntimeError once devices are in use."""
    _known(device)
    if device.device_type == "CPU":
        raise ValueError("Cannot set memory growth on non-GPU and non-Pluggable devices")
    if device in Settings.parts:
        raise ValueError("Cannot set memory growth on device when virtual devices configured")
    import os

    Settings.growth[device] = bool(enable)
    os.environ["XLA_PYTHON_CLIENT_PREALLOCATE"] = "false" if enable else "true"


@export("config.experimental.get_device_details")
def get_device_details(device):
    """`{"device_name": ..., "compute_capability": (8, 0)}` of a GPU, `{}` of a CPU."""
    if not isinstance(device, PhysicalDevice):
        raise ValueError(f"device must be a tf.config.PhysicalDevice, but got: {device}")
    kind, index = device.name.split(":")[-2:]
    return devices.details(kind, int(index))


@export("config.get_logical_device_configuration", "config.experimental.get_virtual_device_configuration")
def get_logical_device_configuration(device):
    """The parts a physical device is shown as; None when it is shown as it is."""
    return Settings.parts.get(_known(device))


@export("config.set_logical_device_configuration", "config.experimental.set_virtual_device_configuration")
def set_logical_device_configuration(device, logical_devices):
    """Show a physical device as several; RuntimeError once devices are in use."""
    _known(device)
    parts = list(logical_devices)
    if device.device_type == "CPU":
        for part in parts:
            if part.memory_limit is not None:
                raise ValueError("Setting memory limit on CPU virtual devices is currently not supported")
            if part.experimental_priority is not None:
                raise ValueError("Setting experimental_priority on CPU virtual devices is currently not supported")
    elif Settings.growth.get(device):
        raise ValueError("Cannot set virtual device configuration on device that has memory growth enabled")
    if Settings.parts.get(device) == parts:
        return
    if _devices_in_use():
        raise RuntimeError("Virtual devices cannot be modified after being initialized")
    Settings.parts[device] = parts
    if device.device_type == "CPU" and not devices.started():
        devices.split_cpu(len(parts))


@export("config.experimental.get_memory_info")
def get_memory_info(device):
    """`{"current": bytes in use, "peak": most so far}` of a device such as `"GPU:0"`."""
    parsed = re.fullmatch(r"(?:.*/)?(?:device:)?([A-Za-z_]+):(\d+)", device)
    if parsed is None:
        raise ValueError(
            f"Failed parsing device name: {device!r}. Note a valid device string should at least contain a device "
            'type and a device index, like "GPU:0".'
        )
    known = devices.memory(parsed[1].upper(), int(parsed[2]))
    if known is None:
        raise ValueError(f"No matching devices found for {device!r}")
    return known


@export("config.experimental.get_memory_usage")
def get_memory_usage(device):
    """Bytes in use on a device."""
    return get_memory_info(device)["current"]


@export("config.experimental.reset_memory_stats")
def reset_memory_stats(device):
    """Forget the peak of a device's memory, where its runtime keeps one that can be reset."""
    get_memory_info(device)


@export("config.get_soft_device_placement")
def get_soft_device_placement():
    """May an op run elsewhere when its device is not there?"""
    return Settings.soft_placement


@export("config.set_soft_device_placement")
def set_soft_device_placement(enabled):
    """Say whether an op may run elsewhere when its device is not there."""
    Settings.soft_placement = bool(enabled)


@export("config.experimental.get_synchronous_execution")
def get_synchronous_execution():
    """Is each eager op waited for?"""
    return Settings.synchronous


@export("config.experimental.set_synchronous_execution")
def set_synchronous_execution(enable):
    """Say whether each eager op is waited for; results are the same either way."""
    Settings.synchronous = True if enable is None else bool(enable)


def _thread_setting(which, words):
    def get():
        return getattr(Settings, which)

    def set(num_threads):
        if num_threads == getattr(Settings, which):
            return
        if _devices_in_use():
            raise RuntimeError(f"{words} parallelism cannot be modified after initialization.")
        setattr(Settings, which, num_threads)

    for verb, function in (("get", get), ("set", set)):
        function.__name__ = function.__qualname__ = f"{verb}_{which}_parallelism_threads"
        function.__doc__ = (
            f"The number of {which} threads that was asked for; 0 leaves it to XLA."
            if verb == "get"
            else f"Ask for a number of {which} threads; XLA's own pool decides."
        )
        globals()[function.__name__] = export(f"config.threading.{function.__name__}")(function)


_thread_setting("inter_op", "Inter op")
_thread_setting("intra_op", "Intra op")


@export("config.optimizer.get_jit")
def get_optimizer_jit():
    """`"autoclustering"` when asked for, else `""`: everything is compiled in any case."""
    return Settings.jit


@export("config.optimizer.set_jit")
def set_optimizer_jit(enabled):
    """Note whether compilation was asked for: everything is compiled in any case."""
    Settings.jit = ("autoclustering" if enabled is True else enabled) if enabled else ""


@export("config.optimizer.get_experimental_options")
def get_optimizer_experimental_options():
    """The graph optimiser's options that were set; XLA's passes are not steered by them."""
    return dict(Settings.optimizer)


@export("config.optimizer.set_experimental_options")
def set_optimizer_experimental_options(options):
    """Note options of the graph optimiser; unknown ones are ignored."""
    Settings.optimizer = {**Settings.optimizer, **{k: v for k, v in options.items() if k in OPTIMIZER_OPTIONS}}


@export("config.experimental.tensor_float_32_execution_enabled")
def tensor_float_32_execution_enabled():
    """May float32 products be rounded to fewer bits where hardware is faster so?"""
    return Settings.tf32


@export("config.experimental.enable_tensor_float_32_execution")
def enable_tensor_float_32_execution(enabled):
    """Say whether float32 products may be rounded to fewer bits where hardware is faster so."""
    Settings.tf32 = bool(enabled)
    devices.allow_tf32(Settings.tf32)


@export("config.experimental.get_device_policy")
def get_device_policy():
    """What happens when an eager op's inputs lie on other devices."""
    return Settings.policy


@export("config.experimental.set_device_policy")
def set_device_policy(device_policy):
    """Say what happens when an eager op's inputs lie on other devices; they are copied in any case."""
    policy = "silent" if device_policy is None else device_policy
    if policy not in ("silent", "silent_for_int32", "warn", "explicit"):
        raise ValueError(
            f"Invalid argument `device_policy`: {policy!r}; it is silent, silent_for_int32, warn or explicit."
        )
    Settings.policy = policy


@export("config.experimental.enable_mlir_bridge")
def enable_mlir_bridge():
    """Nothing to do: graphs are lowered to StableHLO in any case."""


@export("config.experimental.disable_mlir_bridge")
def disable_mlir_bridge():
    """Nothing to do: graphs are lowered to StableHLO in any case."""


@export("config.experimental.enable_op_determinism")
def enable_op_determinism():
    """The same bits at every run: so it is on the CPU; on a GPU XLA is asked for it."""
    Settings.deterministic = True
    devices.be_deterministic()


def disable_op_determinism():
    """Take `enable_op_determinism` back."""
    Settings.deterministic = False


def is_op_determinism_enabled():
    """Were the same bits asked for at every run?"""
    return Settings.deterministic


@export("config.experimental.ClusterDeviceFilters")
class ClusterDeviceFilters:
    """Which remote devices each task of a cluster sees."""

    def __init__(self):
        self.filters = collections.defaultdict(dict)

    def set_device_filters(self, job_name, task_index, device_filters):
        """Let a task see the devices of these jobs or tasks only."""
        self.filters[job_name][task_index] = list(device_filters)


@export("test.is_gpu_available")
def is_gpu_available(cuda_only=False, min_cuda_compute_capability=None):
    """Is there a GPU (an NVIDIA one; of at least this compute capability)?"""
    for device in _list("GPU"):
        capability = get_device_details(device).get("compute_capability")
        if (cuda_only or min_cuda_compute_capability) and capability is None:
            continue
        if min_cuda_compute_capability is None or capability >= tuple(min_cuda_compute_capability):
            return True
    return False


@export("test.gpu_device_name")
def gpu_device_name():
    """`"/device:GPU:0"`, or "" without a GPU."""
    return "/device:GPU:0" if _list("GPU") else ""
