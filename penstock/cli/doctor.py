"""`penstock doctor`: versions, devices, caches, and what is missing with the command that mends it."""

import os
import platform
import shutil
import sys
from importlib.metadata import PackageNotFoundError, requires, version
from importlib.util import find_spec

import penstock

REQUIRED = (
    "jax",
    "jaxlib",
    "numpy",
    "scipy",
    "ml_dtypes",
    "protobuf",
    "tensorboard",
    "optree",
    "absl-py",
    "Pillow",
    "click",
    "rich",
)
OPTIONAL = {
    "keras": "tf.keras",
    "h5py": ".h5 weight files",
    "soundfile": "audio codecs",
    "scikit-learn": "the digits that the demo learns",
    "pytest": "make test",
}
ORACLES = {".oracle/tf2.21": "TensorFlow 2.21", ".oracle/tf1.15": "TensorFlow 1.15", ".oracle/torch": "PyTorch"}


def report():
    """Print the report; the exit code is 1 when something required is missing."""
    from rich.console import Console
    from rich.table import Table

    console = Console(soft_wrap=True)
    console.print(
        f"[bold]penstock {penstock.__penstock_version__}[/]: TensorFlow {penstock.__version__} programs on OpenXLA"
    )
    console.print(
        f"Python {platform.python_version()} at {sys.executable}, {platform.system()} {platform.machine()}, "
        f"{os.cpu_count()} cores\n"
    )
    findings = [*packages(), *devices(), *caches(), *oracles()]
    table = Table(box=None, pad_edge=False, show_header=False)
    for ok, what, state, mend in findings:
        mark = "[green]ok[/]" if ok else "[yellow]--[/]" if ok is None else "[red]missing[/]"
        table.add_row(mark, what, state, f"[bold]{mend}[/]" if mend else "")
    console.print(table)
    missing = [what for ok, what, _, _ in findings if ok is False]
    console.print(
        f"\n{len(missing)} required part(s) missing: {', '.join(missing)}"
        if missing
        else "\nAll that is required is here."
    )
    return 1 if missing else 0


def installed(name):
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def packages():
    """Each needed or useful package with its version; (ok, what, state, command that mends it)."""
    for name in REQUIRED:
        found = installed(name)
        yield found is not None, name, found or "", "" if found else f"pip install '{requirement(name)}'"
    for name, use in OPTIONAL.items():
        found = installed(name)
        yield True if found else None, name, found or f"only needed for {use}", "" if found else f"pip install {name}"


def requirement(name):
    """The requirement as penstock's own metadata states it (`jax<0.11,>=0.10`)."""
    try:
        rows = requires("penstock") or []
    except PackageNotFoundError:
        rows = []
    plain = lambda text: text.lower().replace("_", "-")
    return next((r for r in rows if ";" not in r and plain(r).startswith(plain(name))), name)


def devices():
    """The devices that JAX sees, and an accelerator that it does not."""
    if find_spec("jax") is None:
        return
    from penstock.engine import devices as engine_devices

    try:
        engine_devices.start()
        found = engine_devices.found()
    except RuntimeError as error:
        yield False, "devices", str(error).splitlines()[0], "unset JAX_PLATFORMS"
        return
    for kind, index, device in found:
        yield True, f"device {kind}:{index}", device.device_kind, ""
    kinds = {kind for kind, _, _ in found}
    if "GPU" not in kinds and (shutil.which("nvidia-smi") or os.path.exists("/dev/nvidia0")):
        yield None, "NVIDIA GPU", "present, not used", "pip install 'jax[cuda13]'"
    if "GPU" not in kinds and os.path.exists("/dev/kfd"):
        yield None, "AMD GPU", "present, not used", "pip install 'jax[rocm7-local]'"
    if "TPU" not in kinds and os.path.exists("/dev/accel0"):
        yield None, "TPU", "present, not used", "pip install 'jax[tpu]'"


def caches():
    """The persistent compilation cache: where it is and what it holds."""
    folder = cache_folder()
    if not folder:
        yield None, "compile cache", "switched off", "unset PENSTOCK_CACHE"
    elif not os.path.isdir(folder):
        yield True, "compile cache", f"{folder} (empty)", ""
    elif not os.access(folder, os.W_OK):
        yield None, "compile cache", f"{folder} cannot be written", f"chmod u+rwx {folder}"
    else:
        files = [os.path.join(at, name) for at, _, names in os.walk(folder) for name in names]
        size = sum(os.path.getsize(path) for path in files if os.path.exists(path))
        yield True, "compile cache", f"{folder}: {len(files)} files, {size / 2**20:.1f} MiB", ""


def oracles():
    """The real TensorFlows and PyTorch that tests and benchmarks compare with, in a checkout."""
    root = os.path.dirname(os.path.dirname(penstock.__file__))
    if not os.path.exists(os.path.join(root, "Makefile")):
        return
    for folder, name in ORACLES.items():
        here = os.path.exists(os.path.join(root, folder, "bin", "python"))
        yield (
            True if here else None,
            f"oracle {name}",
            folder if here else "only for comparisons",
            "" if here else "make oracle",
        )


def cache_folder():
    """The compilation cache's folder, or "" when it is switched off."""
    from penstock.engine import setup

    return setup.cache_folder() or ""
