"""`tensorflow.python.client.device_lib`: the devices of this process, as old programs list them."""

from dataclasses import dataclass, field

from penstock.engine import devices


@dataclass
class DeviceAttributes:
    """One device: its name, kind, memory in bytes, and a line about the hardware."""

    name: str
    device_type: str
    memory_limit: int = 0
    incarnation: int = 0
    physical_device_desc: str = ""
    locality: dict = field(default_factory=dict)
    xla_global_id: int = -1


def list_local_devices(session_config=None):
    """The CPU first, then every accelerator."""
    made = []
    for number, (kind, index, device) in enumerate(devices.found()):
        stats = (device.memory_stats() if device is not None else None) or {}
        about = "" if kind == "CPU" else f"device: {index}, name: {device.device_kind}"
        limit = stats.get("bytes_limit", 268435456)
        made.append(DeviceAttributes(f"/device:{kind}:{index}", kind, limit, number + 1, about))
    return made
