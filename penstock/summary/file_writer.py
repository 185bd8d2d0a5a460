"""`tf.summary.FileWriter`: events into files that TensorBoard reads."""

import os
import threading
import time
import warnings
from typing import Any

from penstock.base.events import EventFile
from penstock.base.export import export
from penstock.ir import door


def _meta_graph(graph: Any, graph_def: Any) -> Any:
    """The MetaGraphDef that stands beside a graph in an event file."""
    from penstock.state.meta_graph import export_meta_graph

    return export_meta_graph(graph=graph, graph_def=graph_def)


@export(v1=("summary.FileWriter",))
class FileWriter:
    """Writes summaries, graphs and run metadata to an event file in `logdir`.

    >>> writer = tf.summary.FileWriter("logs", sess.graph); writer.add_summary(sess.run(merged), step)
    """

    def __init__(self, logdir: Any, graph: Any = None, max_queue: int = 10, flush_secs: float = 120, graph_def: Any = None, filename_suffix: str | None = None,
                 session: Any = None):  # fmt: skip
        if not door.current().is_graph and session is None and graph is None and graph_def is None:
            raise RuntimeError(
                "tf.summary.FileWriter is not compatible with eager execution. Use `tf.summary.create_file_writer`, or a `with tf.Graph().as_default():` context"
            )
        self._logdir = os.fspath(logdir)
        self._max_queue, self._flush_secs, self._suffix = max_queue, flush_secs, filename_suffix or ""
        self._lock = threading.RLock()
        self._seen_tags: set[str] = set()
        self._run_tags: set[str] = set()
        self._closed = False
        self._session = session
        self._file = self._open()
        if graph is not None or graph_def is not None:
            self.add_graph(graph=graph, graph_def=graph_def)
            if graph_def is not None or hasattr(graph, "as_graph_def"):
                self.add_meta_graph(_meta_graph(graph, graph_def))

    def _open(self) -> EventFile:
        return EventFile(self._logdir, self._suffix, self._max_queue, self._flush_secs)

    def __enter__(self) -> "FileWriter":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def get_logdir(self) -> str:
        return self._logdir

    def add_event(self, event: Any) -> None:
        """Write an Event."""
        if self._closed:
            warnings.warn(
                "Attempting to use a closed FileWriter. The operation will be a noop unless the FileWriter is explicitly reopened.",
                stacklevel=2,
            )
            return
        with self._lock:
            self._file.write(event)

    def _add(self, event: Any, step: Any) -> None:
        event.wall_time = time.time()
        if step is not None:
            event.step = int(step)
        self.add_event(event)

    def add_summary(self, summary: Any, global_step: Any = None) -> None:
        """Write a Summary, serialised or not."""
        from penstock.base.proto import event_pb2, summary_pb2

        if hasattr(summary, "item") and not isinstance(summary, bytes):
            summary = summary.item()
        if isinstance(summary, bytes):
            made = summary_pb2.Summary()
            made.ParseFromString(summary)
            summary = made
        for value in summary.value:  # a tag's metadata is written once
            if not value.HasField("metadata"):
                continue
            if value.tag in self._seen_tags:
                value.ClearField("metadata")
                continue
            self._seen_tags.add(value.tag)
        event = event_pb2.Event()
        event.summary.CopyFrom(summary)
        self._add(event, global_step)

    def add_session_log(self, session_log: Any, global_step: Any = None) -> None:
        """Write a SessionLog."""
        from penstock.base.proto import event_pb2

        event = event_pb2.Event()
        event.session_log.CopyFrom(session_log)
        self._add(event, global_step)

    def add_graph(self, graph: Any, global_step: Any = None, graph_def: Any = None) -> None:
        """Write a graph for TensorBoard to draw."""
        from penstock.base.proto import event_pb2

        if graph is not None and graph_def is not None:
            raise ValueError("Please pass only graph, or graph_def (deprecated), but not both.")
        if hasattr(graph, "as_graph_def"):
            made = graph.as_graph_def(add_shapes=True)
        elif graph is not None and hasattr(graph, "SerializeToString"):
            made = graph
        elif graph_def is not None:
            made = graph_def
        else:
            raise TypeError("The passed graph must be an instance of `Graph` or the deprecated `GraphDef`")
        self._add(event_pb2.Event(graph_def=made.SerializeToString()), global_step)

    def add_meta_graph(self, meta_graph_def: Any, global_step: Any = None) -> None:
        """Write a MetaGraphDef."""
        from penstock.base.proto import event_pb2

        if not hasattr(meta_graph_def, "graph_def"):
            raise TypeError(f"meta_graph_def must be type MetaGraphDef, saw type: {type(meta_graph_def)}")
        self._add(event_pb2.Event(meta_graph_def=meta_graph_def.SerializeToString()), global_step)

    def add_run_metadata(self, run_metadata: Any, tag: str, global_step: Any = None) -> None:
        """Write the RunMetadata of one step; ValueError for a tag that was used."""
        from penstock.base.proto import event_pb2

        if tag in self._run_tags:
            raise ValueError("The provided tag was already used for this event type")
        self._run_tags.add(tag)
        event = event_pb2.Event()
        event.tagged_run_metadata.tag = tag
        event.tagged_run_metadata.run_metadata = run_metadata.SerializeToString()
        self._add(event, global_step)

    def flush(self) -> None:
        """Make sure that everything is on disk."""
        if self._closed:
            warnings.warn("Attempting to use a closed FileWriter. The operation will be a noop unless the FileWriter is explicitly reopened.", stacklevel=2)
            return
        self._file.flush()

    def close(self) -> None:
        """Write what is left and close the file."""
        with self._lock:
            self._file.close()
            self._closed = True

    def reopen(self) -> None:
        """Begin a new event file after `close`."""
        with self._lock:
            if self._closed:
                self._closed = False
                self._file = self._open()


@export(v1=("summary.FileWriterCache",))
class FileWriterCache:
    """One FileWriter a folder."""

    _cache: dict[str, FileWriter] = {}
    _lock = threading.RLock()

    @staticmethod
    def clear() -> None:
        """Close and forget all writers."""
        with FileWriterCache._lock:
            for writer in FileWriterCache._cache.values():
                writer.close()
            FileWriterCache._cache.clear()

    @staticmethod
    def get(logdir: str) -> FileWriter:
        """The writer of a folder, made at the first call."""
        from penstock.fronts.default_graph import get_default_graph

        with FileWriterCache._lock:
            if logdir not in FileWriterCache._cache:
                FileWriterCache._cache[logdir] = FileWriter(logdir, graph=get_default_graph())
            return FileWriterCache._cache[logdir]
