"""JAX as penstock wants it: 64-bit types, synchronous dispatch on the CPU, a compilation cache that outlives the process."""

import os
import pathlib

import jax

CACHE_VARIABLE = "PENSTOCK_CACHE"


def cache_folder() -> str | None:
    """The folder of the persistent compilation cache; None when PENSTOCK_CACHE is `off` or empty."""
    chosen = os.environ.get(CACHE_VARIABLE)
    if chosen is not None:
        return None if chosen in ("", "off", "0") else chosen
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(pathlib.Path.home(), ".cache")
    return os.path.join(base, "penstock", "xla")


def _configure() -> None:
    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_cpu_enable_async_dispatch", False)
    jax.config.update("jax_numpy_dtype_promotion", "standard")
    folder = cache_folder()
    if folder is not None:
        jax.config.update("jax_compilation_cache_dir", folder)
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
        jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)


_configure()

OPTIONS = {"xla_disable_hlo_passes": "cse_barrier_expander"}
"""Compiler options of every island: keep our optimisation barriers, which bound the depth of fusions."""
