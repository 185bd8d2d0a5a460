"""`tensorflow.python.pywrap_tfe`: what of the eager runtime libraries ask for directly."""

import itertools

from penstock.engine import devices
from penstock.platform import config

_uids = itertools.count(1)


def TFE_Py_UID():  # noqa: N802
    """A number that this process did not give before."""
    return next(_uids)


def TF_ListPhysicalDevices():  # noqa: N802
    """The names of the machine's devices, as bytes."""
    return [d.name.encode() for d in config.list_physical_devices()]


def TF_ListPluggablePhysicalDevices():  # noqa: N802
    """The names of the devices that came with a plugin of their own: kinds other than CPU, GPU and TPU, as bytes."""
    return [d.name.encode() for d in config.list_physical_devices() if d.device_type not in ("CPU", "GPU", "TPU")]


def TF_IsMlirBridgeEnabled():  # noqa: N802
    """False: graphs are lowered to StableHLO by penstock itself."""
    return False


def TFE_ContextListDevices(context):  # noqa: N802
    """The names of the devices that ops can be placed on."""
    devices.start()
    return context.devices()
