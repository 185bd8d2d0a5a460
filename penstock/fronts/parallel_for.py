"""`tensorflow.python.ops.parallel_for.control_flow_ops`: loops whose turns do not depend on each other."""

import inspect
from typing import Any

from penstock.base import nest
from penstock.base.dtypes import as_dtype
from penstock.fronts.control import while_loop_v2
from penstock.fronts.functional import vectorized_map
from penstock.ir import door
from penstock.ir.op import find
from penstock.ops.tensor_array import TensorArray

__all__ = ["for_loop", "pfor", "vectorized_map"]


def _range(iters: Any) -> Any:
    """The numbers of the turns."""
    iters = door.convert(iters)
    like = lambda n: find("Cast")(door.convert(n), DstT=iters.dtype.base_dtype)
    return find("Range")(like(0), iters, like(1))


def pfor(loop_fn: Any, iters: Any, fallback_to_while_loop: bool = True, parallel_iterations: Any = None, warn: bool = False) -> Any:
    """`loop_fn(i)` for each i below `iters`, what it returns stacked, of whatever structure and dtypes."""
    if parallel_iterations is not None and parallel_iterations < 1:
        raise ValueError(f"Argument `parallel_iterations` must be None or a positive integer. Received: {parallel_iterations}.")
    if parallel_iterations == 1:
        raise ValueError("Found `parallel_iterations == 1`. Use `for_loop` instead.")
    if "pfor_config" in inspect.signature(loop_fn).parameters:
        raise ValueError("`loop_fn` asks for a `pfor_config`: turns do not know of each other here")
    return vectorized_map(loop_fn, _range(iters), fallback_to_while_loop, warn)


def for_loop(loop_fn: Any, loop_fn_dtypes: Any, iters: Any, parallel_iterations: Any = None) -> Any:
    """`loop_fn(i)` for each i below `iters`, one after the other, the outputs (of these dtypes) stacked."""
    kinds = [as_dtype(d) for d in nest.flatten(loop_fn_dtypes)]
    iters = door.convert(iters)

    def turn(i: Any, arrays: list[Any]) -> Any:
        made = nest.flatten(loop_fn(i))
        if len(made) != len(kinds):
            raise ValueError(f"`loop_fn` returned {len(made)} values, `loop_fn_dtypes` has {len(kinds)}")
        return i + 1, [a if v is None else a.write(i, v) for a, v in zip(arrays, made)]

    arrays = [TensorArray(k, size=iters) for k in kinds]
    start = find("ZerosLike")(iters)
    _, arrays = while_loop_v2(lambda i, _: i < iters, turn, (start, arrays), parallel_iterations=parallel_iterations or 10)
    stacked = [a.stack() for a in arrays]
    return nest.pack_sequence_as(loop_fn_dtypes, stacked)
