"""The devices under JAX: what there is, how much memory they hold, and the switches to set before the first use."""

import importlib.util
import os
import re
from typing import Any

import jax

PLUGINS = ("jax_cuda12_plugin", "jax_cuda13_plugin", "jax_rocm60_plugin", "jax_rocm7_plugin", "libtpu", "jax_plugins")
KINDS = {"cpu": "CPU", "gpu": "GPU", "cuda": "GPU", "rocm": "GPU", "metal": "GPU", "tpu": "TPU"}


def started() -> bool:
    """Has JAX looked for devices?  Afterwards their number and visibility are fixed."""
    from jax._src import xla_bridge

    return xla_bridge.backends_are_initialized()


def may_have_accelerator() -> bool:
    """Is a plugin for anything but the CPU installed (and not switched off)?"""
    platforms = jax.config.jax_platforms or os.environ.get("JAX_PLATFORMS", "")
    if platforms == "cpu":
        return False
    return any(importlib.util.find_spec(name) is not None for name in PLUGINS)


def found() -> list[tuple[str, int, Any]]:
    """(kind, index within the kind, JAX device): the CPU first; only the CPU is known without asking JAX."""
    if not started() and not may_have_accelerator():
        return [("CPU", 0, None)]
    devices = [*jax.devices("cpu")]
    devices += [d for d in jax.devices() if d.platform != "cpu"]
    rows: list[tuple[str, int, Any]] = []
    for device in devices:
        kind: str = KINDS.get(device.platform) or device.platform.upper()
        rows.append((kind, sum(k == kind for k, _, _ in rows), device))
    return rows


def start() -> None:
    """Make JAX look for its devices, so that they are fixed from now on."""
    jax.devices()


def split_cpu(count: int) -> None:
    """Show the CPU as `count` devices; before the first use only."""
    jax.config.update("jax_num_cpu_devices", count)


def hide_accelerators() -> None:
    """Use the CPU alone; before the first use only."""
    jax.config.update("jax_platforms", "cpu")


def memory(kind: str, index: int) -> dict[str, int] | None:
    """{"current": bytes in use, "peak": most so far}; None when there is no such device."""
    for device_kind, device_index, device in found():
        if (device_kind, device_index) == (kind, index):
            stats = (device.memory_stats() if device is not None else None) or {}
            return {"current": stats.get("bytes_in_use", 0), "peak": stats.get("peak_bytes_in_use", 0)}
    return None


def details(kind: str, index: int) -> dict[str, Any]:
    """What the vendor calls the device and, on NVIDIA's, its compute capability."""
    for device_kind, device_index, device in found():
        if (device_kind, device_index) == (kind, index) and kind != "CPU" and device is not None:
            known: dict[str, Any] = {"device_name": device.device_kind}
            capability = re.fullmatch(r"(\d+)\.(\d+)", str(getattr(device, "compute_capability", "")))
            if capability:
                known["compute_capability"] = tuple(int(part) for part in capability.groups())
            return known
    return {}


def allow_tf32(allowed: bool) -> None:
    """May float32 products be rounded to fewer bits on hardware that is faster so?"""
    jax.config.update("jax_default_matmul_precision", None if allowed else "float32")


def be_deterministic() -> None:
    """Ask XLA for the same bits at every run on a GPU; the CPU gives them anyway."""
    flags = os.environ.get("XLA_FLAGS", "")
    if "xla_gpu_deterministic_ops" not in flags:
        os.environ["XLA_FLAGS"] = f"{flags} --xla_gpu_deterministic_ops=true".strip()


def headers() -> str:
    """The folder with the C headers of XLA's custom calls."""
    from jax import ffi

    return ffi.include_dir()
