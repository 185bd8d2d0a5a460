"""`tf.summary` of 2.x: writers, the step, and whether summaries are recorded."""

import contextlib
import os
import re
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np

from penstock.base import dtypes
from penstock.base.export import export
from penstock.fronts.control import cond
from penstock.fronts.default_graph import get_default_graph
from penstock.fronts.lift import init_scope
from penstock.fronts.session import get_default_session
from penstock.ir import door
from penstock.ir.known import known_value
from penstock.ir.op import find
from penstock.ir.scope import name_scope, name_scope_v2
from penstock.ir.tensor import Tensor
from penstock.ops import summary_writer as ops
from penstock.ops.identity import identity
from penstock.state.collections import GraphKeys
from penstock.state.variable import Variable

WRITER_INIT = "_SUMMARY_WRITER_V2"
_INVALID = re.compile(r"[^-_/.A-Za-z0-9]")


class _State(threading.local):
    recording: Any = None
    writer: Any = None
    step: Any = None


state = _State()


# -- whether, and at which step ----------------------------------------------------------------------------------------
def _truth(value: Any) -> Any:
    value = value() if callable(value) and not isinstance(value, (Tensor, Variable)) else value
    return door.convert(value, dtypes.bool)


@export(v2=("summary.should_record_summaries",))
def should_record_summaries() -> Any:
    """Would a summary be written here, as a bool tensor?"""
    if state.writer is None or isinstance(state.writer, _NoopSummaryWriter):
        return door.convert(False)
    return door.convert(True) if state.recording is None else _truth(state.recording)


@export(v2=("summary.record_if",))
@contextlib.contextmanager
def record_if(condition: Any) -> Iterator[None]:
    """A context in which summaries are written where `condition`, a bool, a tensor or a function that gives one, is true.

    >>> with tf.summary.record_if(lambda: step % 100 == 0): tf.summary.scalar("loss", loss, step)
    """
    before, state.recording = state.recording, condition
    try:
        yield
    finally:
        state.recording = before


@export(v2=("summary.experimental.get_step",))
def get_step() -> Any:
    """The step of this thread's summaries, None when none was set."""
    return state.step


@export(v2=("summary.experimental.set_step",))
def set_step(step: Any) -> None:
    """Say which step this thread's summaries belong to: a number, or a variable that counts."""
    state.step = step


def _step(step: Any) -> Any:
    step = state.step if step is None else step
    if step is None:
        raise ValueError("No step set. Please specify one either through the `step` argument or through tf.summary.experimental.set_step()")
    if isinstance(step, (Tensor, Variable)) or hasattr(type(step), "__tf_tensor__"):
        value = door.convert(step)
        return value if value.dtype is dtypes.int64 else find("Cast")(value, DstT=dtypes.int64)
    if isinstance(step, (np.integer, np.ndarray)):
        step = np.asarray(step).astype(np.int64)
    elif not isinstance(step, int):
        raise TypeError(f"Cannot convert {step!r} to EagerTensor of dtype int64")
    return door.convert(step, dtypes.int64)


# -- writers -------------------------------------------------------------------------------------------------------------
@export(v2=("summary.SummaryWriter",))
class SummaryWriter:
    """What writes summaries; see `tf.summary.create_file_writer`."""

    def set_as_default(self, step: Any = None) -> None:
        """Make this the writer of the thread from now on."""
        self.as_default(step).__enter__()

    @contextlib.contextmanager
    def as_default(self, step: Any = None) -> Iterator[Any]:
        """A context in which this is the writer."""
        before, state.writer = state.writer, self
        step_before = state.step
        try:
            if step is not None:
                state.step = step
            yield self
            here = door.current()
            if not here.is_graph or here.building_function:  # what was written is on disk when the context ends
                self.flush()
        finally:
            state.writer = before
            if step is not None:
                state.step = step_before

    def init(self) -> Any:
        """In a graph: the op that makes the writer ready."""
        raise NotImplementedError

    def flush(self) -> Any:
        """Write what waits."""
        raise NotImplementedError

    def close(self) -> Any:
        """Write what waits and take the writer away."""
        raise NotImplementedError


class _ResourceSummaryWriter(SummaryWriter):
    """A writer behind a resource handle."""

    def __init__(self, create: Any, initialize: Any):
        self._resource = create()
        self._init_op = initialize(self._resource)
        self._closed = False

    def set_as_default(self, step: Any = None) -> None:
        self._check()
        state.writer = self
        if step is not None:
            state.step = step

    def as_default(self, step: Any = None) -> Any:
        self._check()
        return super().as_default(step)

    def _check(self) -> None:
        if not door.current().is_graph and self._closed:
            raise RuntimeError(f"SummaryWriter {self!r} is already closed")

    def init(self) -> Any:
        """In a graph: the op that makes the writer ready (in eager code it is)."""
        self._check()
        return self._init_op

    def flush(self) -> Any:
        """Write what waits."""
        if not door.current().is_graph and self._closed:
            return None
        return ops.flush_summary_writer(self._resource)

    def close(self) -> Any:
        """Write what waits and close the file."""
        if not door.current().is_graph and self._closed:
            return None
        with door.current().control_dependencies([self.flush()]) if door.current().is_graph else contextlib.nullcontext():
            closed = ops.close_summary_writer(self._resource)
        if not door.current().is_graph:
            self._closed = True
        return closed


class _NoopSummaryWriter(SummaryWriter):
    """A writer that writes nothing."""

    def set_as_default(self, step: Any = None) -> None:
        state.writer = self
        if step is not None:
            state.step = step

    def init(self) -> None:
        pass

    def flush(self) -> None:
        pass

    def close(self) -> None:
        pass


@export(v2=("summary.create_noop_writer",))
def create_noop_writer() -> Any:
    """A writer that writes nothing: for code that needs one."""
    return _NoopSummaryWriter()


@export(v2=("summary.create_file_writer",))
def create_file_writer(logdir: Any, max_queue: Any = None, flush_millis: Any = None, filename_suffix: Any = None, name: str | None = None,
                       experimental_trackable: bool = False, experimental_mesh: Any = None) -> Any:  # fmt: skip
    """A writer of an event file in `logdir`.

    >>> writer = tf.summary.create_file_writer("/tmp/logs")
    >>> with writer.as_default(): tf.summary.scalar("loss", 0.5, step=1)
    """
    if logdir is None:
        raise ValueError("Argument `logdir` cannot be None")
    if isinstance(logdir, os.PathLike):
        logdir = os.fspath(logdir)
    with init_scope():
        here = door.current()
        max_queue = 10 if max_queue is None else max_queue
        flush_millis = 120_000 if flush_millis is None else flush_millis
        filename_suffix = ".v2" if filename_suffix is None else filename_suffix
        with name_scope("create_file_writer"):
            logdir, suffix = door.convert(logdir, dtypes.string), door.convert(filename_suffix, dtypes.string)
            queue, millis = door.convert(max_queue, dtypes.int32), door.convert(flush_millis, dtypes.int32)
            shared = _clean(name) if name else _unique_name()

            def initialize(resource: Any) -> Any:
                made = ops.create_summary_file_writer(resource, logdir, queue, millis, suffix)
                if here.is_graph:
                    here.add_to_collection(WRITER_INIT, made)
                return made

            return _ResourceSummaryWriter(lambda: ops.summary_writer(shared_name=shared), initialize)


_count = 0


def _unique_name() -> str:
    """A shared name no other writer has."""
    global _count
    _count += 1
    return f"writer_{_count}"


def _clean(name: str) -> str:
    return f"logdir:{name}" if name else name


@export(v2=("summary.flush",))
def flush(writer: Any = None, name: str | None = None) -> Any:
    """Write what waits in `writer`, else in the default one."""
    writer = state.writer if writer is None else writer
    if writer is None:
        return None
    if isinstance(writer, SummaryWriter):
        return writer.flush()
    return ops.flush_summary_writer(writer, name=name)


@export(v1=("summary.all_v2_summary_ops",))
def all_v2_summary_ops() -> Any:
    """The ops of 2.x summaries in the default graph; None in eager code."""
    if not door.current().is_graph:
        return None
    return get_default_graph().get_collection(GraphKeys._SUMMARY_COLLECTION)


@export(v1=("summary.initialize",))
def initialize(graph: Any = None, session: Any = None) -> None:
    """Run what makes the 2.x summary writers of a graph ready, and write `graph` when given."""
    if not door.current().is_graph:
        return
    if state.writer is None:
        raise RuntimeError("No default tf.contrib.summary.SummaryWriter found")
    session = get_default_session() if session is None else session
    if session is None:
        raise ValueError("Argument `session must be passed if no default session exists")
    session.run(get_default_graph().get_collection(WRITER_INIT))
    if graph is not None:
        data = _graph_bytes(graph)
        with name_scope("initialize_summaries"):
            written = ops.write_graph_summary(state.writer._resource, door.convert(0, dtypes.int64), door.convert(data, dtypes.string))
        session.run(written)


def _graph_bytes(graph: Any) -> bytes:
    return (graph.as_graph_def(add_shapes=True) if hasattr(graph, "as_graph_def") else graph).SerializeToString()


# -- writing -------------------------------------------------------------------------------------------------------------
@export(v2=("summary.experimental.summary_scope",))
@contextlib.contextmanager
def summary_scope(name: str | None, default_name: str = "summary", values: Any = None) -> Iterator[tuple[str, Any]]:
    """A context for a summary of one's own: gives its tag and the name scope opened for its ops."""
    name = name or default_name
    here = door.current()
    outer = here.get_name_scope() if here.is_graph else door.state.name_scope.rstrip("/")
    tag = f"{outer}/{name}" if outer else name
    with name_scope_v2(_INVALID.sub("", name).lstrip("/_-.") or default_name) as scope:
        yield tag, scope if not name.startswith("/") else f"/{scope}"


def _when(recording: Any, record: Any) -> Any:
    """`record()` where recording, as one op of the graph where that is not known yet."""
    known = known_value(recording) if isinstance(recording, Tensor) else recording
    if known is None:
        return cond(recording, record, lambda: door.convert(False), name="summary_cond")
    return record() if bool(known) else door.convert(False)


def _recorded(record: Any) -> Any:
    made = _when(should_record_summaries(), record)
    here = door.current()
    if here.is_graph:
        here.add_to_collection(GraphKeys._SUMMARY_COLLECTION, made)
    return made


def _after(op: Any) -> Any:
    """True, once the op has run."""
    here = door.current()
    if not here.is_graph:
        return door.convert(True)
    with here.control_dependencies([op]):
        return identity(door.convert(True))


@export(v2=("summary.write",))
def write(tag: Any, tensor: Any, step: Any = None, metadata: Any = None, name: str | None = None) -> Any:
    """Write a tensor (or what a function gives) under a tag; `metadata` says which plugin of TensorBoard shows it.

    Gives a bool tensor: was it written?
    """
    with name_scope(name or "write_summary") as scope:
        writer = state.writer
        if writer is None:
            return door.convert(False)
        if metadata is None:
            described = b""
        elif hasattr(metadata, "SerializeToString"):
            described = metadata.SerializeToString()
        else:
            described = metadata

        def record() -> Any:
            at = _step(step)
            value = tensor() if callable(tensor) and not isinstance(tensor, (Tensor, Variable)) else tensor
            done = ops.write_summary(writer._resource, at, door.convert(value), tag, described, name=scope or None)
            return _after(done)

        if (state.step if step is None else step) is None and not isinstance(writer, _NoopSummaryWriter):
            _step(None)
        return _recorded(record)


@export(v2=("summary.experimental.write_raw_pb",))
def write_raw_pb(tensor: Any, step: Any = None, name: str | None = None) -> Any:
    """Write a serialised Summary; gives a bool tensor: was it written?"""
    with name_scope(name or "write_raw_pb"):
        writer = state.writer
        if writer is None:
            return door.convert(False)
        at = state.step if step is None else step
        if at is None:
            raise ValueError("No step set. Please specify one either through the `step` argument or through tf.summary.experimental.set_step()")
        return _recorded(lambda: _after(ops.write_raw_proto_summary(writer._resource, _step(step), door.convert(tensor, dtypes.string))))


@export(v2=("summary.graph",))
def graph(graph_data: Any) -> Any:
    """Write a graph for TensorBoard to draw; only in eager code."""
    here = door.current()
    if here.is_graph:
        raise NotImplementedError(
            "graph() cannot be invoked inside a graph context. Use `tf.compat.v1.summary.FileWriter.add_graph` there, or call it in eager code."
        )
    writer = state.writer
    if writer is None:
        return door.convert(False)
    if not hasattr(graph_data, "as_graph_def") and type(graph_data).__name__ != "GraphDef":
        raise ValueError(
            f"Argument 'graph_data' is not tf.Graph or tf.compat.v1.GraphDef. Received graph_data={graph_data} of type {type(graph_data).__name__}."
        )
    if not isinstance(writer, _NoopSummaryWriter):
        ops.write_graph_summary(writer._resource, door.convert(0, dtypes.int64), door.convert(_graph_bytes(graph_data), dtypes.string))
    return door.convert(True)
