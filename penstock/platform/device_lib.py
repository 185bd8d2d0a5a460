"""`tensorflow.python.client.device_lib`: the devices of this process, as old programs list them."""

from penstock.base.proto.device_attributes_pb2 import DeviceAttributes
from penstock.engine import devices


def list_local_devices(session_config=None):
    """`DeviceAttributes` of the CPU first, then of every accelerator."""
    made = []
    for number, (kind, index, device) in enumerate(devices.found()):
        stats = (device.memory_stats() if device is not None else None) or {}
        about = "" if kind == "CPU" else f"device: {index}, name: {device.device_kind}"
        attributes = DeviceAttributes(name=f"/device:{kind}:{index}", device_type=kind, incarnation=number + 1)
        attributes.memory_limit = stats.get("bytes_limit", 268435456)
        attributes.physical_device_desc = about
        made.append(attributes)
    return made
