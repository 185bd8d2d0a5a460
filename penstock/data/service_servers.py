"""The servers of `tf.data.experimental.service`: a dispatcher that knows workers, datasets and jobs; all live in this process."""

import collections
import itertools
import socket
import threading
from typing import Any

from penstock.base.errors import NotFoundError, UnavailableError
from penstock.base.export import export
from penstock.data.pipeline import Pipe

_POLL = 0.05
_dispatchers: dict[int, "DispatchServer"] = {}


@export(v2=("data.experimental.service.DispatcherConfig",), v1=("data.experimental.service.DispatcherConfig",))
class DispatcherConfig(
    collections.namedtuple(
        "DispatcherConfig",
        ["port", "protocol", "work_dir", "fault_tolerant_mode", "worker_addresses", "job_gc_check_interval_ms", "job_gc_timeout_ms", "worker_timeout_ms",
         "worker_max_concurrent_snapshots"],
    )
):  # fmt: skip
    """How a dispatcher is to run; port 0 takes a free one."""

    def __new__(
        cls, port: int = 0, protocol: Any = None, work_dir: Any = None, fault_tolerant_mode: bool = False, worker_addresses: Any = None,
        job_gc_check_interval_ms: Any = None, job_gc_timeout_ms: Any = None, worker_timeout_ms: Any = None, worker_max_concurrent_snapshots: int = 0,
    ) -> Any:  # fmt: skip
        return super().__new__(
            cls, port, "grpc" if protocol is None else protocol, work_dir, fault_tolerant_mode, worker_addresses, job_gc_check_interval_ms or 0,
            job_gc_timeout_ms or 0, worker_timeout_ms, worker_max_concurrent_snapshots,
        )  # fmt: skip


@export("data.experimental.service.WorkerConfig")
class WorkerConfig(
    collections.namedtuple(
        "WorkerConfig",
        ["dispatcher_address", "worker_address", "port", "protocol", "heartbeat_interval_ms", "dispatcher_timeout_ms", "data_transfer_protocol",
         "data_transfer_address"],
    )
):  # fmt: skip
    """How a worker is to run, and which dispatcher it works for."""

    def __new__(
        cls, dispatcher_address: Any, worker_address: Any = None, port: int = 0, protocol: Any = None, heartbeat_interval_ms: Any = None,
        dispatcher_timeout_ms: Any = None, data_transfer_protocol: Any = None, data_transfer_address: Any = None,
    ) -> Any:  # fmt: skip
        return super().__new__(
            cls, dispatcher_address, worker_address or "localhost:%port%", port, "grpc" if protocol is None else protocol, heartbeat_interval_ms or 0,
            dispatcher_timeout_ms or 0, data_transfer_protocol, data_transfer_address or "localhost:%dts_port%",
        )  # fmt: skip


def _listening(port: int) -> socket.socket:
    """A socket that holds a port of this machine as long as a server runs."""
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind(("localhost", port))
    held.listen()
    return held


class _Server:
    """A server that starts, is waited for and stops."""

    def __init__(self) -> None:
        self._socket: socket.socket | None = None
        self._ended = threading.Event()

    @property
    def _port(self) -> int:
        if self._socket is None:
            raise RuntimeError("the server has not been started: call start()")
        return self._socket.getsockname()[1]

    def join(self) -> None:
        """Wait until the server is stopped."""
        self._ended.wait()

    def _stop(self) -> None:
        self.stop()

    def stop(self) -> None:
        raise AttributeError("stop")

    def __del__(self) -> None:
        if getattr(self, "_socket", None) is not None:
            self.stop()


@export("data.experimental.service.DispatchServer", v1=())
class DispatchServer(_Server):
    """Knows the workers, the datasets and the jobs of a service.

    >>> dispatcher = tf.data.experimental.service.DispatchServer()
    >>> dispatcher.target.startswith("grpc://localhost:")
    True
    """

    def __init__(self, config: DispatcherConfig | None = None, start: bool = True):
        super().__init__()
        config = config or DispatcherConfig()
        if config.fault_tolerant_mode and not config.work_dir:
            raise ValueError(
                "Cannot enable fault tolerant mode without configuring a work dir. Make sure to set `work_dir` in the `config` object passed to `DispatcherServer`."
            )
        self._config = config
        self.changed = threading.Condition(threading.RLock())
        self.workers: list[WorkerServer] = []
        self.datasets: dict[bytes, tuple[Pipe, Any]] = {}
        self.jobs: dict[Any, Any] = {}
        self._numbers = itertools.count(1000)
        if start:
            self.start()

    def start(self) -> None:
        """Begin to serve."""
        if self._socket is None:
            self._socket = _listening(self._config.port)
            _dispatchers[self._port] = self

    def stop(self) -> None:
        """Stop serving."""
        if self._socket is not None:
            _dispatchers.pop(self._port, None)
            self._socket.close()
            self._socket = None
            self._ended.set()

    @property
    def target(self) -> str:
        """The address that datasets are to read from, with its protocol."""
        return f"{self._config.protocol}://localhost:{self._port}"

    @property
    def _address(self) -> str:
        return f"localhost:{self._port}"

    def _num_workers(self) -> int:
        return len(self.workers)

    def register(self, pipe: Pipe, spec: Any, wanted: str | None) -> bytes:
        """Keep a dataset under an id."""
        with self.changed:
            key = wanted.encode() if wanted is not None else str(next(self._numbers)).encode()
            self.datasets.setdefault(key, (pipe, spec))
            return key

    def known(self, key: bytes) -> tuple[Pipe, Any]:
        found = self.datasets.get(key)
        if found is None:
            raise NotFoundError(None, None, f"Dataset id {key.decode()} not found")
        return found

    def ready_workers(self) -> "list[WorkerServer]":
        """The workers, once there is one."""
        with self.changed:
            while not self.workers:
                if self._socket is None:
                    raise UnavailableError(None, None, "the dispatcher was stopped")
                self.changed.wait(_POLL)
            return list(self.workers)


@export("data.experimental.service.WorkerServer", v1=())
class WorkerServer(_Server):
    """Makes elements for the datasets of a dispatcher."""

    def __init__(self, config: WorkerConfig, start: bool = True):
        super().__init__()
        if config.dispatcher_address is None:
            raise ValueError("Must specify a `dispatcher_address` in the `config` passed to `WorkerServer`.")
        self._config = config
        self._dispatcher: DispatchServer | None = None
        if start:
            self.start()

    def start(self) -> None:
        """Begin to work."""
        if self._socket is None:
            self._dispatcher = dispatcher_at(self._config.dispatcher_address)
            self._socket = _listening(self._config.port)
            with self._dispatcher.changed:
                self._dispatcher.workers.append(self)
                self._dispatcher.changed.notify_all()

    def stop(self) -> None:
        """Stop working; what it has not given is lost."""
        if self._socket is not None and self._dispatcher is not None:
            with self._dispatcher.changed:
                self._dispatcher.workers.remove(self)
            self._socket.close()
            self._socket = None
            self._ended.set()

    @property
    def address(self) -> str:
        """Where it would be reached."""
        return self._config.worker_address.replace("%port%", str(self._port))

    @property
    def _address(self) -> str:
        return f"localhost:{self._port}"


def dispatcher_at(address: str) -> DispatchServer:
    """The dispatcher of an address; UnavailableError where none runs in this process."""
    port = address.rpartition(":")[2]
    found = _dispatchers.get(int(port)) if port.isdigit() else None
    if found is None:
        raise UnavailableError(
            None, None, f"Failed to connect to the dispatcher at {address}: the service works inside one process, and none of its dispatchers has this address"
        )
    return found
