"""A run that is watched: what each node took, and JAX's own profiler."""

import os
import threading
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

import numpy as np

from penstock.engine.interpret import MANY, interpret
from penstock.engine.kernels import _is_device_array
from penstock.engine.run import Plan
from penstock.engine.store import Cell

DEVICE = "/job:localhost/replica:0/task:0/device:CPU:0"


class NodeTime:
    """When a node ran, in microseconds since the epoch, and what it gave."""

    __slots__ = ("node", "start", "end", "outputs")

    def __init__(self, node: Any, start: float, end: float, outputs: list[Any]):
        self.node, self.start, self.end, self.outputs = node, start, end, outputs


def watched(plan: Plan, values: Sequence[Any]) -> tuple[list[Any], list[NodeTime]]:
    """Run a plan node by node; what it fetches, and the time of each node."""
    if len(plan.nodes) > MANY:
        start = time.time() * 1e6
        outs = plan(values)
        end = time.time() * 1e6
        return outs, [NodeTime(n, start, end, []) for n in plan.nodes]
    regs: dict[int, Any] = plan._values(values)
    times: list[NodeTime] = []
    for node in plan.nodes:
        start = time.time() * 1e6
        interpret([node], regs, plan.store)
        outputs = [regs[t._id] for t in node.outputs]
        for v in outputs:
            if _is_device_array(v):
                v.block_until_ready()
        times.append(NodeTime(node, start, time.time() * 1e6, outputs))
    return [regs[f] for f in plan.fetches], times


def fill_step_stats(stats: Any, times: list[NodeTime]) -> None:
    """Write the times into a StepStats."""
    device = stats.dev_stats.add(device=DEVICE)
    thread = threading.get_ident() & 0x7FFFFFFF
    for t in times:
        length = max(int(t.end - t.start), 1)
        inputs = ", ".join(i.op.name if i.value_index == 0 else f"{i.op.name}:{i.value_index}" for i in t.node._inputs)
        one = device.node_stats.add(
            node_name=t.node.name, timeline_label=f"{t.node.name} = {t.node.type}({inputs})", all_start_micros=int(t.start), op_start_rel_micros=0,
            op_end_rel_micros=length, all_end_rel_micros=length, scheduled_micros=int(t.start), thread_id=thread,
            all_start_nanos=int(t.start * 1000), op_end_rel_nanos=int((t.end - t.start) * 1000), all_end_rel_nanos=int((t.end - t.start) * 1000),
            scheduled_nanos=int(t.start * 1000),
        )  # fmt: skip
        total = 0
        for slot, value in enumerate(t.outputs):
            if isinstance(value, Cell) or not hasattr(value, "nbytes") or not hasattr(value, "shape"):
                continue
            size = int(value.nbytes) if value.dtype != object else sum(len(v) for v in np.asarray(value).reshape(-1) if isinstance(v, bytes))
            total += size
            described = one.output.add(slot=slot).tensor_description
            described.dtype = t.node.outputs[slot].dtype.base_dtype.as_datatype_enum
            described.shape.SetInParent()
            for n in value.shape:
                described.shape.dim.add(size=n)
            described.allocation_description.requested_bytes = size
            described.allocation_description.allocated_bytes = size
            described.allocation_description.allocator_name = "cpu"
        if total:
            one.memory.add(allocator_name="cpu", total_bytes=total, peak_bytes=total)


# -- JAX's profiler ------------------------------------------------------------------------------------------------------
def start_trace(folder: str, python_level: int = 0, host_level: int = 2, device_level: int = 1) -> None:
    """Begin to record what runs on the host and on devices, into a folder that TensorBoard's profile plugin reads."""
    import jax

    os.makedirs(folder, exist_ok=True)
    options = jax.profiler.ProfileOptions()
    options.python_tracer_level, options.host_tracer_level, options.device_tracer_level = python_level, host_level, device_level
    jax.profiler.start_trace(folder, profiler_options=options)


def stop_trace() -> None:
    """Stop recording and write the files."""
    import jax

    jax.profiler.stop_trace()


def start_server(port: int) -> Any:
    """Let others record this process through a port."""
    import jax

    return jax.profiler.start_server(port)


def annotation(name: str, **metadata: Any) -> AbstractContextManager[Any]:
    """A context whose time stands in the recording under a name."""
    import jax

    if "step_num" in metadata:
        return jax.profiler.StepTraceAnnotation(name, **metadata)
    return jax.profiler.TraceAnnotation(name, **metadata)
