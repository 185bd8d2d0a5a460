"""`tf.summary.trace_on`, `trace_export`: the graphs of the functions that were called in between, and a profile."""

import contextlib
import logging
import tempfile
import threading
from typing import Any

from penstock.base.errors import UnavailableError
from penstock.base.export import export
from penstock.fronts import trace as tracing
from penstock.ir import door
from penstock.platform import recording
from penstock.summary.kinds import _metadata
from penstock.summary.writers import summary_scope, write

log = logging.getLogger("tensorflow")
_lock = threading.Lock()
_on: dict[str, Any] | None = None


@export(v2=("summary.trace_on",))
def trace_on(graph=True, profiler=False, profiler_outdir=None):
    """Begin to collect the graphs of functions that are traced, and with `profiler` what runs when."""
    global _on
    here = door.current()
    if here.is_graph and here.building_function:
        log.warning("Cannot enable trace inside a tf.function.")
        return
    if here.is_graph:
        log.warning("Must enable trace in eager mode.")
        return
    with _lock:
        if _on is not None:
            log.warning("Trace already enabled")
            return
        if graph:
            tracing.traced = []
        if profiler:
            recording.start(profiler_outdir or tempfile.mkdtemp(prefix="profile"))
        _on = {"graph": graph, "profiler": profiler, "outdir": profiler_outdir}


@export(v2=("summary.trace_export",))
def trace_export(name, step=None, profiler_outdir=None):
    """Write what `trace_on` collected under the tag `name`, and stop collecting."""
    here = door.current()
    if here.is_graph and here.building_function:
        log.warning("Cannot export trace inside a tf.function.")
        return
    if here.is_graph:
        log.warning("Can only export trace while executing eagerly.")
        return
    with _lock:
        if _on is None:
            raise ValueError("Must enable trace before export through tf.summary.trace_on.")
        graph, profiler = _on["graph"], _on["profiler"]
    metadata = _run_metadata()
    if graph and not profiler:
        _write_graphs(name, metadata, step, "graph_run_metadata_graph")
    else:
        _write_graphs(name, metadata, step, "graph_run_metadata")
    trace_off()


@export(v2=("summary.trace_off",))
def trace_off():
    """Stop collecting."""
    global _on
    with _lock:
        held, _on = _on, None
    tracing.traced = None
    if held is not None and held["profiler"]:
        with contextlib.suppress(UnavailableError):  # it may have been stopped by hand
            recording.stop()


def _run_metadata() -> Any:
    """The graphs that were traced, as a RunMetadata."""
    from penstock.base.proto import config_pb2

    made = config_pb2.RunMetadata()
    for one in tracing.traced or ():
        described = one.as_graph_def(add_shapes=True)
        functions = made.function_graphs.add()
        functions.partition_graphs.add().CopyFrom(described)
        functions.pre_optimization_graph.CopyFrom(described)
        functions.post_optimization_graph.CopyFrom(described)
        made.partition_graphs.add().CopyFrom(described)
    return made


def _write_graphs(name: str, metadata: Any, step: Any, plugin: str) -> Any:
    """Write a RunMetadata for TensorBoard's graph dashboard."""
    from penstock.summary.writers import state

    if state.writer is None:
        return door.convert(False)
    with summary_scope(name, "graph_run_metadata", values=[]) as (tag, _):
        return write(tag=tag, tensor=metadata.SerializeToString(), step=step, metadata=_metadata(plugin, None, b"1"))
