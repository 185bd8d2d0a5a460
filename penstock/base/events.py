"""Event files: what TensorBoard reads, a record an event."""

import os
import socket
import threading
import time
import weakref
from typing import Any

from penstock.base.files import told_as
from penstock.base.records import framed

_numbers: dict[tuple[str, int], int] = {}
_lock = threading.Lock()


def event_path(folder: str, suffix: str, process: bool) -> str:
    """The path of a new event file; with `process` it tells those of one program apart as 2.x names them."""
    base = os.path.join(folder, f"events.out.tfevents.{int(time.time()):010d}.{socket.gethostname()}")
    if process:
        with _lock:
            number = _numbers[("", 0)] = _numbers.get(("", 0), -1) + 1
        return f"{base}.{os.getpid()}.{number}{suffix}"
    path, n = base + suffix, 0
    while os.path.exists(path):
        n += 1
        path = f"{base}.{n}{suffix}"
    return path


class EventFile:
    """An event file that is being written; what waits longer than `flush_seconds` is on disk."""

    def __init__(self, folder: str, suffix: str = "", max_queue: int = 10, flush_seconds: float = 120.0, process: bool = False, source: bool = False):
        from penstock.base.proto import event_pb2

        self._lock = threading.RLock()
        self._max_queue, self._flush_seconds = max_queue, flush_seconds
        self._waiting, self._timer = 0, None
        self.closed = False
        with told_as(folder):
            os.makedirs(folder, exist_ok=True)
            self.path = event_path(folder, suffix, process)
            self._file = open(self.path, "ab")  # noqa: SIM115 - it stays open
        self._finalizer = weakref.finalize(self, self._file.close)
        event = event_pb2.Event(wall_time=time.time(), file_version="brain.Event:2")
        if source:
            event.source_metadata.writer = "tensorflow.core.util.events_writer"
        self._file.write(framed(event.SerializeToString()))
        self._file.flush()

    def write(self, event: Any) -> None:
        """Add an Event."""
        with self._lock, told_as(self.path):
            self._file.write(framed(event.SerializeToString()))
            self._waiting += 1
            if self._waiting >= self._max_queue:
                self.flush()
            elif self._timer is None:
                self._timer = threading.Timer(self._flush_seconds, _flush_later, (weakref.ref(self),))
                self._timer.daemon = True
                self._timer.start()

    def flush(self) -> None:
        """Hand everything to the operating system."""
        with self._lock, told_as(self.path):
            if not self.closed:
                self._file.flush()
            self._waiting = 0
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

    def close(self) -> None:
        """Write what is left and close the file."""
        with self._lock:
            self.flush()
            self.closed = True
            self._finalizer()


def _flush_later(held: Any) -> None:
    file = held()
    if file is not None and not file.closed:
        file.flush()
