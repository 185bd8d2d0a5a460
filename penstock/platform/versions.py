"""`tf.version`, `tf.sysconfig`: which TensorFlow a program may believe that it runs on."""

import os
from collections import OrderedDict

from penstock.base.export import export, export_constant

VERSION = "2.21.0"
GIT_VERSION = "v2.21.0"
COMPILER_VERSION = "OpenXLA"
GRAPH_DEF_VERSION = 2474
GRAPH_DEF_VERSION_MIN_CONSUMER = 0
GRAPH_DEF_VERSION_MIN_PRODUCER = 0
CXX11_ABI_FLAG = 1
CXX_VERSION = 201703
MONOLITHIC_BUILD = 0

for _name in (
    "VERSION", "GIT_VERSION", "COMPILER_VERSION",
    "GRAPH_DEF_VERSION", "GRAPH_DEF_VERSION_MIN_CONSUMER", "GRAPH_DEF_VERSION_MIN_PRODUCER",
):  # fmt: skip
    export_constant(f"version.{_name}", module=__name__, attr=_name, v1=(_name,))
for _name in ("CXX11_ABI_FLAG", "CXX_VERSION", "MONOLITHIC_BUILD"):
    export_constant(f"sysconfig.{_name}", module=__name__, attr=_name, v1=(_name,))
export_constant("__version__", module=__name__, attr="VERSION")
for _name in ("GIT_VERSION", "COMPILER_VERSION", "CXX11_ABI_FLAG", "CXX_VERSION", "MONOLITHIC_BUILD"):
    export_constant(f"__{_name.lower()}__", module=__name__, attr=_name)


@export("sysconfig.get_build_info")
def get_build_info():
    """What the installation was built for: the accelerators that JAX's installed plugins add."""
    from importlib.util import find_spec

    has = lambda *plugins: any(find_spec(name) is not None for name in plugins)
    return OrderedDict(
        is_cuda_build=has("jax_cuda12_plugin", "jax_cuda13_plugin"),
        is_rocm_build=has("jax_rocm60_plugin", "jax_rocm7_plugin"),
        is_tensorrt_build=False,
    )


@export("sysconfig.get_include")
def get_include():
    """The folder with the C headers of the runtime's custom calls (XLA's FFI)."""
    from penstock.engine import devices

    return devices.headers()


@export("sysconfig.get_lib")
def get_lib():
    """The folder of the installed package."""
    return os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


@export("sysconfig.get_compile_flags")
def get_compile_flags():
    """Flags to compile a custom call with."""
    return [f"-I{get_include()}", f"-D_GLIBCXX_USE_CXX11_ABI={CXX11_ABI_FLAG}", f"--std=c++{str(CXX_VERSION)[2:4]}"]


@export("sysconfig.get_link_flags")
def get_link_flags():
    """Flags to link a custom call with: XLA's FFI is headers only."""
    return []


@export("test.is_built_with_cuda")
def is_built_with_cuda():
    """Is JAX's CUDA plugin installed?"""
    return get_build_info()["is_cuda_build"]


@export("test.is_built_with_rocm")
def is_built_with_rocm():
    """Is JAX's ROCm plugin installed?"""
    return get_build_info()["is_rocm_build"]


@export("test.is_built_with_gpu_support")
def is_built_with_gpu_support():
    """Is a GPU plugin of JAX installed?"""
    return is_built_with_cuda() or is_built_with_rocm()


@export("test.is_built_with_xla")
def is_built_with_xla():
    """Always: XLA is the engine."""
    return True
