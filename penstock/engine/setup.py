"""JAX as penstock wants it: synchronous dispatch on the CPU, a compilation cache that outlives the process."""

import logging
import os
import pathlib
from typing import Any

import jax
from jax._src.config import enable_x64  # the state itself: `jax.enable_x64()` costs a context manager at every call

from penstock.engine.memory import keep_freed_memory
from penstock.ir.tensor_list import TensorList

swap_x64: Any = enable_x64.swap_local
"""`before = swap_x64(True)`: 64-bit types for this thread until `swap_x64(before)`.  A program's own use of JAX keeps its defaults."""
CACHE_VARIABLE = "PENSTOCK_CACHE"


def cache_folder() -> str | None:
    """The folder of the persistent compilation cache; None when PENSTOCK_CACHE is `off` or empty."""
    chosen = os.environ.get(CACHE_VARIABLE)
    if chosen is not None:
        return None if chosen in ("", "off", "0") else chosen
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(pathlib.Path.home(), ".cache")
    return os.path.join(base, "penstock", "xla")


def _configure() -> None:
    logging.getLogger("jax").setLevel(logging.WARNING)  # absl's app shows INFO: no news of accelerators that are not there
    keep_freed_memory()
    jax.config.update("jax_cpu_enable_async_dispatch", False)
    jax.config.update("jax_numpy_dtype_promotion", "standard")
    folder = cache_folder()
    if folder is not None:
        jax.config.update("jax_compilation_cache_dir", folder)
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
        jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)


_configure()


def _flatten_list(value: TensorList) -> Any:
    if value.items is not None:
        return tuple(value.items), (value.dtype, value.dims, None, 0, False)
    if isinstance(value.length, int):
        return (value.buffer,), (value.dtype, value.dims, value.length, value.capacity, value.safe)
    return (value.buffer, value.length), (value.dtype, value.dims, "grows", value.capacity, value.safe)


def _unflatten_list(form: Any, children: Any) -> TensorList:
    dtype, dims, length, capacity, safe = form
    if length is None:
        return TensorList(dtype, dims, list(children))
    return TensorList(dtype, dims, buffer=children[0], length=children[1] if length == "grows" else length, capacity=capacity, safe=safe)


jax.tree_util.register_pytree_node(TensorList, _flatten_list, _unflatten_list)

OPTIONS: Any = {"xla_disable_hlo_passes": "cse_barrier_expander"}
"""Compiler options of every island: keep our optimisation barriers, which bound the depth of fusions."""
