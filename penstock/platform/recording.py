"""`tf.profiler.experimental`: recordings of what runs on the host and on devices, for TensorBoard's profile plugin and other trace viewers."""

import glob
import os
import tempfile
import threading
from collections import namedtuple

from penstock.base.errors import AlreadyExistsError, UnavailableError
from penstock.base.export import export
from penstock.engine import profile

_lock = threading.Lock()
_folder = None
_servers = {}


@export("profiler.experimental.ProfilerOptions", v1=())
class ProfilerOptions(
    namedtuple("ProfilerOptions", ["host_tracer_level", "python_tracer_level", "device_tracer_level", "delay_ms"])
):
    """How much is recorded: levels 0 (nothing) to 3 of the host, 0 or 1 of Python and of devices; a delay for remote recordings."""

    def __new__(cls, host_tracer_level=2, python_tracer_level=0, device_tracer_level=1, delay_ms=None):
        return super().__new__(cls, host_tracer_level, python_tracer_level, device_tracer_level, delay_ms)


@export("profiler.experimental.start", v1=())
def start(logdir, options=None):
    """Begin to record into `logdir`.

    >>> tf.profiler.experimental.start("/tmp/logs"); train(); tf.profiler.experimental.stop()  # doctest: +SKIP
    """
    global _folder
    options = ProfilerOptions() if options is None else options
    levels = {k: options[k] if isinstance(options, dict) else getattr(options, k) for k in ("python_tracer_level", "host_tracer_level", "device_tracer_level")}
    with _lock:
        if _folder is not None:
            raise AlreadyExistsError(None, None, "Another profiler is running.")
        hidden = tempfile.mkdtemp(prefix="penstock-profile")
        profile.start_trace(hidden, **{k.replace("_tracer", ""): v for k, v in levels.items()})
        _folder = (os.fspath(logdir), hidden)


@export("profiler.experimental.stop", v1=())
def stop(save=True):
    """Stop recording and, with `save`, write `plugins/profile/<time>/*.xplane.pb` below the folder."""
    global _folder
    with _lock:
        if _folder is None:
            raise UnavailableError(None, None, "Cannot export profiling results. No profiler is running.")
        (folder, hidden), _folder = _folder, None
        profile.stop_trace()
        if save:
            _move(hidden, folder)
        _remove(hidden)


def _move(hidden, folder):
    """Put the files of a recording where they belong."""
    import shutil

    for path in glob.glob(os.path.join(hidden, "plugins", "profile", "*", "*")):
        target = os.path.join(folder, os.path.relpath(path, hidden))
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.move(path, target)


def _remove(folder):
    import shutil

    shutil.rmtree(folder, ignore_errors=True)


@export("profiler.experimental.Profile", v1=())
class Profile:
    """A context that is recorded.

    >>> with tf.profiler.experimental.Profile("/tmp/logs"): train()
    """

    def __init__(self, logdir, options=None):
        self._logdir, self._options = logdir, options

    def __enter__(self):
        start(self._logdir, self._options)

    def __exit__(self, typ, value, tb):
        stop()


@export("profiler.experimental.Trace", v1=())
class Trace:
    """A context whose time stands in a recording under a name; `step_num` and `_r=1` make it a training step.

    >>> with tf.profiler.experimental.Trace("train", step_num=step, _r=1): train_step()
    """

    def __init__(self, name, **kwargs):
        self._name, self._metadata, self._held = name, dict(kwargs), None

    def __enter__(self):
        if _folder is not None or _servers:
            plain = {k: v for k, v in self._metadata.items() if k != "_r"}
            self._held = profile.annotation(self._name, **plain)
            self._held.__enter__()
        return self

    def set_metadata(self, **kwargs):
        """Say more about the span."""
        self._metadata.update(kwargs)

    def __exit__(self, exc_type, exc_val, exc_tb):
        held, self._held = self._held, None
        if held is not None:
            held.__exit__(exc_type, exc_val, exc_tb)


@export("profiler.experimental.server.start", v1=())
def start_server(port):
    """Let TensorBoard or `xprof` record this process through a port."""
    if port not in _servers:
        _servers[port] = profile.start_server(port)
