"""`ClusterSpec` and `Server`: the jobs of a cluster, and the server of this process, whose sessions share their variables."""

import itertools
import threading
from typing import Any

from penstock.base import errors
from penstock.base.export import export
from penstock.engine.store import Store
from penstock.fronts.session import served_stores

_ports = itertools.count(40000)


@export("train.ClusterSpec")
class ClusterSpec:
    """The tasks of a cluster: `{"worker": ["host:2222", ...], "ps": {0: "host:2222"}}`."""

    def __init__(self, cluster: Any):
        if isinstance(cluster, ClusterSpec):
            self._jobs: dict[str, dict[int, str]] = {k: dict(v) for k, v in cluster._jobs.items()}
            return
        if hasattr(cluster, "job") and hasattr(cluster, "SerializeToString"):
            self._jobs = {job.name: {int(k): v for k, v in job.tasks.items()} for job in cluster.job}
            return
        if not isinstance(cluster, dict):
            raise TypeError(
                "`cluster` must be a dictionary mapping one or more job names to lists of network addresses, or a `ClusterDef` protocol buffer"
            )
        self._jobs = {}
        for name, tasks in cluster.items():
            if isinstance(tasks, (list, tuple)):
                held = dict(enumerate(tasks))
            elif isinstance(tasks, dict):
                held = {int(k): v for k, v in tasks.items()}
            else:
                raise TypeError(f"The tasks for job {name!r} must be a list or a dictionary from integers to strings.")
            self._jobs[_text(name, "Job name")] = {k: _text(v, "Task address") for k, v in held.items()}

    def __bool__(self) -> bool:
        return bool(self._jobs)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ClusterSpec) and self._jobs == other._jobs

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None  # type: ignore[assignment]

    def __str__(self) -> str:
        made = self.as_dict()
        return "ClusterSpec({%s})" % ", ".join(f"{k!r}: {made[k]!r}" for k in sorted(made))

    __repr__ = __str__

    def as_dict(self) -> dict[str, Any]:
        """Job name to list of addresses, or to a dictionary where indices are left out."""
        plain = lambda tasks: set(tasks) == set(range(len(tasks)))
        return {name: [t[i] for i in range(len(t))] if plain(t) else dict(t) for name, t in self._jobs.items()}

    def as_cluster_def(self) -> Any:
        """The cluster as a ClusterDef."""
        from penstock.base.proto import cluster_pb2

        made = cluster_pb2.ClusterDef()
        for name in sorted(self._jobs):
            job = made.job.add(name=name)
            for index in sorted(self._jobs[name]):
                job.tasks[index] = self._jobs[name][index]
        return made

    @property
    def jobs(self) -> list[str]:
        """The names of the jobs."""
        return list(self._jobs)

    def _tasks(self, job_name: str) -> dict[int, str]:
        if job_name not in self._jobs:
            raise ValueError(f"No such job in cluster: {job_name!r}")
        return self._jobs[job_name]

    def num_tasks(self, job_name: str) -> int:
        """How many tasks the job has."""
        return len(self._tasks(job_name))

    def task_indices(self, job_name: str) -> list[int]:
        """The indices of the job's tasks."""
        return sorted(self._tasks(job_name))

    def task_address(self, job_name: str, task_index: int) -> str:
        """The address of a task."""
        tasks = self._tasks(job_name)
        if task_index not in tasks:
            raise ValueError(f"No task with index {task_index!r} in job {job_name!r}")
        return tasks[task_index]

    def job_tasks(self, job_name: str) -> list[Any]:
        """The addresses of the job's tasks by index; None where an index is left out."""
        tasks = self._tasks(job_name)
        return [tasks.get(i) for i in range(max(tasks) + 1)] if tasks else []


def _text(value: Any, what: str) -> str:
    if isinstance(value, bytes):
        return value.decode()
    if not isinstance(value, str):
        raise TypeError(f"{what} {value!r} must be bytes or unicode")
    return value


def _server_def(cluster: Any, job_name: Any, task_index: Any, protocol: Any, config: Any) -> Any:
    from penstock.base.proto import tensorflow_server_pb2

    made = tensorflow_server_pb2.ServerDef()
    if hasattr(cluster, "job_name") and hasattr(cluster, "SerializeToString"):
        made.MergeFrom(cluster)
        if job_name is not None:
            made.job_name = job_name
        if task_index is not None:
            made.task_index = task_index
        if protocol is not None:
            made.protocol = protocol
        if config is not None:
            made.default_session_config.MergeFrom(config)
        if not made.job_name:
            raise ValueError("Must specify an explicit `job_name`.")
        return made
    try:
        spec = ClusterSpec(cluster)
    except TypeError:
        raise TypeError(
            "Could not convert `server_or_cluster_def` to a `tf.train.ServerDef` or `tf.train.ClusterSpec`."
        ) from None
    if not spec.jobs:
        raise ValueError("`cluster` must have at least one job.")
    if job_name is None:
        if len(spec.jobs) > 1:
            raise ValueError("Must specify an explicit `job_name`.")
        job_name = spec.jobs[0]
    if task_index is None:
        indices = spec.task_indices(job_name)
        if len(indices) > 1:
            raise ValueError("Must specify an explicit `task_index`.")
        task_index = indices[0]
    made.cluster.CopyFrom(spec.as_cluster_def())
    made.job_name, made.task_index, made.protocol = job_name, task_index, protocol or "grpc"
    if config is not None:
        made.default_session_config.MergeFrom(config)
    return made


@export(v1=("train.Server",))
class Server:
    """A server in this process: the sessions of its `target` share variables, queues and tables.

    >>> server = tf.train.Server.create_local_server(); sess = tf.Session(server.target)
    """

    def __init__(self, server_or_cluster_def: Any, job_name: str | None = None, task_index: int | None = None, protocol: str | None = None,
                 config: Any = None, start: bool = True):  # fmt: skip
        self._server_def = _server_def(server_or_cluster_def, job_name, task_index, protocol, config)
        d = self._server_def
        tasks = {job.name: job.tasks for job in d.cluster.job}
        if d.job_name not in tasks:
            raise errors.InternalError(None, None, f'Job "{d.job_name}" was not defined in cluster')
        if d.task_index not in tasks[d.job_name]:
            raise errors.InternalError(None, None, f'Task {d.task_index} was not defined in job "{d.job_name}"')
        host, _, port = tasks[d.job_name][d.task_index].rpartition(":")
        number = port if port != "0" else str(next(_ports))
        self._target = f"{d.protocol or 'grpc'}://{host or 'localhost'}:{number}"
        self._stopped = threading.Event()
        if start:
            self.start()

    def start(self) -> None:
        """Open the server; nothing where it runs already."""
        served_stores.setdefault(self._target.encode(), Store())

    def join(self) -> None:
        """Wait until the process ends."""
        self._stopped.wait()

    @property
    def server_def(self) -> Any:
        """The ServerDef that describes it."""
        return self._server_def

    @property
    def target(self) -> str:
        """What a `Session` is given to run on this server."""
        return self._target

    @staticmethod
    def create_local_server(config: Any = None, start: bool = True) -> "Server":
        """A server of a cluster of one task on this machine."""
        return Server({"localhost": ["localhost:0"]}, protocol="grpc", config=config, start=start)
