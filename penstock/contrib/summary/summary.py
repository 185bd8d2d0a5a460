"""`tf.contrib.summary`: summaries of late 1.x programs, written by ops to a default writer where recording was switched on."""

import os
from typing import Any

import numpy as np

from penstock.base import dtypes
from penstock.base.export import export, register
from penstock.fronts.default_graph import get_default_graph
from penstock.fronts.grouping import no_op
from penstock.ir import door
from penstock.ir.op import find
from penstock.ir.scope import name_scope
from penstock.ops import summary_writer as ops
from penstock.ops.summaries import clean_tag
from penstock.summary import writers
from penstock.summary.writers import record_if, state
from penstock.train.global_step import get_or_create_global_step

_HERE = "contrib.summary."
for _name, _target in (("SummaryWriter", "SummaryWriter"), ("create_file_writer", "create_file_writer"), ("create_summary_file_writer", "create_file_writer"),
                       ("flush", "flush"), ("initialize", "initialize"), ("all_summary_ops", "all_v2_summary_ops")):  # fmt: skip
    register(f"penstock.summary.writers:{_target}", (), (f"{_HERE}{_name}",), ())


def _export(name: str) -> Any:
    return export(v1=(f"{_HERE}{name}",))


@_export("always_record_summaries")
def always_record_summaries() -> Any:
    """A context in which summaries are written."""
    return record_if(True)


@_export("never_record_summaries")
def never_record_summaries() -> Any:
    """A context in which no summaries are written."""
    return record_if(False)


@_export("record_summaries_every_n_global_steps")
def record_summaries_every_n_global_steps(n: int, global_step: Any = None) -> Any:
    """A context in which summaries are written where the global step is a multiple of `n`."""
    step = get_or_create_global_step() if global_step is None else global_step
    return record_if(lambda: find("Equal")(find("FloorMod")(door.convert(step), door.convert(n, step.dtype.base_dtype)), door.convert(0, step.dtype.base_dtype)))


@_export("should_record_summaries")
def should_record_summaries() -> Any:
    """Would a summary be written here, as a bool tensor?  Not unless recording was switched on."""
    return writers.should_record_summaries() if state.recording is not None else door.convert(False)


@_export("summary_writer_initializer_op")
def summary_writer_initializer_op() -> list[Any]:
    """The ops that make the writers of the graph ready."""
    if not door.current().is_graph:
        raise RuntimeError("tf.contrib.summary.summary_writer_initializer_op is only supported in graph mode.")
    return get_default_graph().get_collection(writers.WRITER_INIT)


def _write(name: str, family: str | None, step: Any, write: Any) -> Any:
    """What the functions below do: `write(writer, step, tag)` where summaries are recorded."""
    if state.writer is None:
        return no_op()
    name, family = clean_tag(name), clean_tag(family) if family else None
    base = f"{family}/{name}" if family else name
    with name_scope(base) as scope:
        here = door.current()
        path = scope.rstrip("/") if here.is_graph and scope else door.state.name_scope + base
        tag = f"{family}/{path}" if family else path

        def record() -> Any:
            at = get_or_create_global_step() if step is None else step
            return writers._after(write(state_writer._resource, writers._step(at), tag))

        state_writer = state.writer
        made = writers._when(should_record_summaries(), record)
        if here.is_graph:
            here.add_to_collection(writers.GraphKeys._SUMMARY_COLLECTION, made)
        return made


@_export("scalar")
def scalar(name: str, tensor: Any, family: str | None = None, step: Any = None) -> Any:
    """Write one number."""
    return _write(name, family, step, lambda writer, at, tag: ops.write_scalar_summary(writer, at, tag, door.convert(tensor)))


@_export("histogram")
def histogram(name: str, tensor: Any, family: str | None = None, step: Any = None) -> Any:
    """Write how values are distributed."""
    return _write(name, family, step, lambda writer, at, tag: ops.write_histogram_summary(writer, at, tag, door.convert(tensor)))


@_export("image")
def image(name: str, tensor: Any, bad_color: Any = None, max_images: int = 3, family: str | None = None, step: Any = None) -> Any:
    """Write the first images of a batch."""
    colour = np.array([255, 0, 0, 255], np.uint8) if bad_color is None else bad_color
    return _write(name, family, step, lambda writer, at, tag: ops.write_image_summary(writer, at, tag, door.convert(tensor), colour, max_images=max_images))


@_export("audio")
def audio(name: str, tensor: Any, sample_rate: Any, max_outputs: int, family: str | None = None, step: Any = None) -> Any:
    """Write the first clips of a batch."""
    return _write(name, family, step, lambda writer, at, tag: ops.write_audio_summary(
        writer, at, tag, door.convert(tensor), door.convert(sample_rate, dtypes.float32), max_outputs=max_outputs))  # fmt: skip


@_export("generic")
def generic(name: str, tensor: Any, metadata: Any = None, family: str | None = None, step: Any = None) -> Any:
    """Write a whole tensor."""
    described = b"" if metadata is None else metadata.SerializeToString() if hasattr(metadata, "SerializeToString") else metadata
    return _write(name, family, step, lambda writer, at, tag: ops.write_summary(writer, at, door.convert(tensor), tag, described))


@_export("graph")
def graph(param: Any, step: Any = None, name: str | None = None) -> Any:
    """Write a graph: a Graph, a GraphDef, or a string tensor with one."""
    if state.writer is None:
        return no_op()
    if not hasattr(param, "as_graph_def") and not hasattr(param, "SerializeToString") and not hasattr(param, "dtype"):
        raise TypeError(f"tf.contrib.summary.graph() needs a tf.Graph, a tf.GraphDef or a string tensor, got {type(param)}")
    data = param if hasattr(param, "dtype") else writers._graph_bytes(param)
    at = get_or_create_global_step() if step is None else step
    return ops.write_graph_summary(state.writer._resource, writers._step(at), door.convert(data, dtypes.string), name=name)


@_export("import_event")
def import_event(tensor: Any, name: str | None = None) -> Any:
    """Write an Event that is serialised already."""
    if state.writer is None:
        return no_op()
    return ops.import_event(state.writer._resource, tensor, name=name)


@_export("eval_dir")
def eval_dir(model_dir: str, name: str | None = None) -> str:
    """The folder of a model's evaluation summaries."""
    return os.path.join(model_dir, "eval" if not name else f"eval_{name}")
