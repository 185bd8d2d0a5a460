"""`tf.distribute.cluster_resolver`: where a program learns which workers there are and which one it is."""

import abc
import collections
import json
import os
import re

from penstock.base.export import export
from penstock.engine import devices
from penstock.train.server import ClusterSpec


def local_device(name):
    """The full name of a device of this process: `/job:localhost/replica:0/task:0/device:CPU:0`."""
    text = name if isinstance(name, str) else name.to_string()
    short = text.rpartition("/")[2].removeprefix("device:")
    if not re.fullmatch(r"[A-Za-z_]+(:\d+)?", short):
        raise ValueError(f"Could not parse a device from {name!r}; use '/cpu:0' or 'GPU:1'")
    kind, _, number = short.partition(":")
    return f"/job:localhost/replica:0/task:0/device:{kind.upper()}:{int(number or 0)}"


def local_devices():
    """All accelerators of this process; its CPU where there are none."""
    from penstock.platform.config import list_logical_devices

    kinds = collections.defaultdict(list)
    for device in list_logical_devices():
        kinds[device.device_type].append(local_device(device.name))
    return tuple(kinds.get("TPU") or kinds.get("GPU") or kinds["CPU"][:1])


def _address(target, rpc_layer):
    return f"{rpc_layer}://{target}" if rpc_layer and target else target


@export("distribute.cluster_resolver.ClusterResolver")
class ClusterResolver(abc.ABC):
    """What a program is told of its cluster; subclasses say `cluster_spec` and `master`."""

    @abc.abstractmethod
    def cluster_spec(self):
        """The jobs of the cluster, a `tf.train.ClusterSpec`."""

    @abc.abstractmethod
    def master(self, task_type=None, task_id=None, rpc_layer=None):
        """The address of the master, or of a task."""

    def num_accelerators(self, task_type=None, task_id=None, config_proto=None):
        """{kind: how many} of the accelerators of a worker."""
        found = collections.Counter(kind for kind, _, _ in devices.found() if kind != "CPU")
        return collections.defaultdict(int, found)

    @property
    def environment(self):
        """Where the program runs: "" or "google"."""
        return ""

    @property
    def task_type(self):
        """The job of this task, or None."""
        return getattr(self, "_task_type", None)

    @property
    def task_id(self):
        """The number of this task, or None."""
        return getattr(self, "_task_id", None)

    @task_type.setter
    def task_type(self, task_type):
        self._task_type = task_type

    @task_id.setter
    def task_id(self, task_id):
        self._task_id = task_id


@export("distribute.cluster_resolver.SimpleClusterResolver")
class SimpleClusterResolver(ClusterResolver):
    """A cluster that the program describes itself.

    >>> spec = tf.train.ClusterSpec({"worker": ["a:1"]})
    >>> tf.distribute.cluster_resolver.SimpleClusterResolver(spec).cluster_spec()
    ClusterSpec({'worker': ['a:1']})
    """

    def __init__(
        self,
        cluster_spec,
        master="",
        task_type=None,
        task_id=None,
        environment="",
        num_accelerators=None,
        rpc_layer=None,
    ):
        if not isinstance(cluster_spec, ClusterSpec):
            raise TypeError("cluster_spec must be a `tf.train.ClusterSpec`.")
        if not isinstance(master, str):
            raise TypeError("master must be a str.")
        self._cluster_spec, self._master, self._environment = cluster_spec, master, environment
        self._task_type, self._task_id, self._num_accelerators, self._rpc_layer = (
            task_type,
            task_id,
            num_accelerators,
            rpc_layer,
        )

    def cluster_spec(self):
        """The jobs of the cluster."""
        return self._cluster_spec

    def master(self, task_type=None, task_id=None, rpc_layer=None):
        """The address of the master, or of a task."""
        if task_type is not None and task_id is not None:
            target = self._cluster_spec.task_address(task_type, task_id)
        else:
            target = self._master
        return _address(target, rpc_layer or self._rpc_layer)

    environment = property(lambda self: self._environment)
    rpc_layer = property(lambda self: self._rpc_layer, lambda self, value: setattr(self, "_rpc_layer", value))

    def num_accelerators(self, task_type=None, task_id=None, config_proto=None):
        """{kind: how many} of the accelerators of a worker."""
        return (
            self._num_accelerators
            if self._num_accelerators is not None
            else super().num_accelerators(task_type, task_id, config_proto)
        )


@export("distribute.cluster_resolver.TFConfigClusterResolver")
class TFConfigClusterResolver(ClusterResolver):
    """The cluster that the environment variable TF_CONFIG describes."""

    def __init__(self, task_type=None, task_id=None, rpc_layer=None, environment=None):
        self._task_type, self._task_id, self._rpc_layer, self._environment = task_type, task_id, rpc_layer, environment

    @staticmethod
    def _config():
        return json.loads(os.environ.get("TF_CONFIG", "{}"))

    @property
    def task_type(self):
        """The job of this task, or None."""
        found = self._config().get("task", {}).get("type") if self._task_type is None else self._task_type
        return None if found is None else str(found)

    @task_type.setter
    def task_type(self, task_type):
        self._task_type = task_type

    @property
    def task_id(self):
        """The number of this task, or None."""
        found = self._config().get("task", {}).get("index") if self._task_id is None else self._task_id
        return None if found is None else int(found)

    @task_id.setter
    def task_id(self, task_id):
        self._task_id = task_id

    environment = property(lambda self: self._environment)

    @property
    def rpc_layer(self):
        """The protocol of addresses."""
        return self._config().get("rpc_layer") if self._rpc_layer is None else self._rpc_layer

    @rpc_layer.setter
    def rpc_layer(self, rpc_layer):
        self._rpc_layer = rpc_layer

    def num_accelerators(self, task_type=None, task_id=None, config_proto=None):
        """{kind: how many} of the accelerators of a worker."""
        return super().num_accelerators(task_type, task_id, config_proto)

    def cluster_spec(self):
        """The jobs of the cluster."""
        return ClusterSpec(self._config().get("cluster", {}))

    def master(self, task_type=None, task_id=None, rpc_layer=None):
        """The address of the master, or of a task; "" without a cluster."""
        spec = self.cluster_spec()
        if not spec.as_dict() or (len(spec.jobs) == 1 and len(spec.job_tasks(spec.jobs[0])) == 1):
            return ""
        task_type = self.task_type if task_type is None else task_type
        task_id = self.task_id if task_id is None else task_id
        return _address(spec.task_address(task_type, task_id), rpc_layer or self.rpc_layer)


@export("distribute.cluster_resolver.UnionResolver")
class UnionClusterResolver(ClusterResolver):
    """Several resolvers as one."""

    def __init__(self, *args, **kwargs):
        unknown = set(kwargs) - {"task_type", "task_id", "rpc_layer"}
        if unknown:
            raise ValueError(f"Unexpected kwargs provided {sorted(unknown)!r}")
        if not args:
            raise ValueError("At least one ClusterResolver is required.")
        if not all(isinstance(a, ClusterResolver) for a in args):
            raise TypeError("All arguments must be a sub-class of `ClusterResolver.`")
        self._cluster_resolvers, self._rpc_layer = args, kwargs.get("rpc_layer")
        self._task_type, self._task_id = kwargs.get("task_type"), kwargs.get("task_id")

    def cluster_spec(self):
        """The jobs of all clusters; KeyError where two give the same task different addresses."""
        merged = {}
        for resolver in self._cluster_resolvers:
            spec = resolver.cluster_spec()
            for job, tasks in spec.as_dict().items():
                held = merged.setdefault(job, [] if isinstance(tasks, list) else {})
                if isinstance(tasks, list) and isinstance(held, list):
                    held.extend(t for t in tasks if t not in held)
                    continue
                have = dict(enumerate(held)) if isinstance(held, list) else held
                for index, address in enumerate(tasks) if isinstance(tasks, list) else tasks.items():
                    if have.get(index, address) != address:
                        raise KeyError(f"Duplicate keys detected when merging two ClusterSpecs: {job}, task {index}")
                    have[index] = address
                merged[job] = have
        return ClusterSpec(merged)

    def master(self, task_type=None, task_id=None, rpc_layer=None):
        """The address of the first resolver's master, or of a task."""
        if task_type is not None and task_id is not None:
            return _address(self.cluster_spec().task_address(task_type, task_id), rpc_layer or self.rpc_layer)
        return self._cluster_resolvers[0].master(rpc_layer=rpc_layer)

    environment = property(lambda self: self._cluster_resolvers[0].environment)

    @property
    def task_type(self):
        """The job of this task."""
        return self._task_type or self._cluster_resolvers[0].task_type

    @task_type.setter
    def task_type(self, task_type):
        self._task_type = task_type

    @property
    def task_id(self):
        """The number of this task."""
        return self._task_id or self._cluster_resolvers[0].task_id

    @task_id.setter
    def task_id(self, task_id):
        self._task_id = task_id

    @property
    def rpc_layer(self):
        """The protocol of addresses."""
        return self._rpc_layer or getattr(self._cluster_resolvers[0], "rpc_layer", None)

    @rpc_layer.setter
    def rpc_layer(self, rpc_layer):
        self._rpc_layer = rpc_layer

    def num_accelerators(self, task_type=None, task_id=None, config_proto=None):
        """{kind: how many} of the accelerators of a worker."""
        return self._cluster_resolvers[0].num_accelerators(task_type, task_id, config_proto)


@export("distribute.cluster_resolver.SlurmClusterResolver")
class SlurmClusterResolver(ClusterResolver):
    """The cluster that Slurm describes in the environment of a step."""

    def __init__(
        self, jobs=None, port_base=8888, gpus_per_node=None, gpus_per_task=None, tasks_per_node=None, auto_set_gpu=True, rpc_layer="grpc"
    ):  # fmt: skip
        self._rank = self._number("SLURM_PROCID")
        total = self._number("SLURM_STEP_NUM_TASKS")
        hosts = expand_hosts(self._variable("SLURM_STEP_NODELIST"))
        counts = (
            expand_counts(self._variable("SLURM_STEP_TASKS_PER_NODE"))
            if tasks_per_node is None
            else [tasks_per_node] * len(hosts)
        )
        if isinstance(tasks_per_node, list):
            counts = tasks_per_node
        if jobs is None:
            jobs = {"worker": total}
        if sum(jobs.values()) != total:
            raise RuntimeError(f"Requested {sum(jobs.values())} tasks in jobs={jobs}, the Slurm step has {total}")
        self._gpus_per_node = (
            gpus_per_node
            if gpus_per_node is not None
            else int(os.environ.get("SLURM_GPUS_PER_NODE", "0").rpartition(":")[2] or 0)
        )
        self._gpus_per_task = (
            gpus_per_task if gpus_per_task is not None else (self._gpus_per_node // max(counts) if counts else 0)
        )
        addresses = [f"{host}:{port_base + i}" for host, count in zip(hosts, counts) for i in range(count)]
        self._cluster_allocation, at, self.task_type, self.task_id = {}, 0, None, None
        for job, count in jobs.items():
            self._cluster_allocation[job] = addresses[at : at + count]
            if at <= self._rank < at + count:
                self.task_type, self.task_id = job, self._rank - at
            at += count
        self._rpc_layer = rpc_layer or ""
        if auto_set_gpu and self._gpus_per_task and "CUDA_VISIBLE_DEVICES" not in os.environ:
            on_node = int(os.environ.get("SLURM_LOCALID", 0))
            first = on_node * self._gpus_per_task
            os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(str(first + i) for i in range(self._gpus_per_task))

    @staticmethod
    def _variable(name):
        found = os.environ.get(name)
        if found is None:
            raise RuntimeError(f"{name} not found in environment. Not running inside a SLURM step?")
        return found

    def _number(self, name):
        return int(self._variable(name))

    def cluster_spec(self):
        """The jobs of the cluster."""
        return ClusterSpec(self._cluster_allocation)

    def get_task_info(self):
        """(job, number) of this task."""
        return self.task_type, self.task_id

    def master(self, task_type=None, task_id=None, rpc_layer=None):
        """The address of a task; "" when none is named."""
        task_type = self.task_type if task_type is None else task_type
        task_id = self.task_id if task_id is None else task_id
        if not task_type or task_id is None:
            return ""
        return _address(self.cluster_spec().task_address(task_type, task_id), rpc_layer or self._rpc_layer)

    def num_accelerators(self, task_type=None, task_id=None, config_proto=None):
        """{"GPU": how many} of a task."""
        return {"GPU": self._gpus_per_task}


def expand_hosts(text):
    """`n[1-3,7],m` -> n1 n2 n3 n7 m."""
    hosts = []
    for part in re.findall(r"[^,\[]+(?:\[[^\]]*\])?[^,\[]*", text):
        match = re.fullmatch(r"([^\[]+)\[([^\]]*)\](.*)", part)
        if match is None:
            hosts.append(part)
            continue
        for span in match[2].split(","):
            low, _, high = span.partition("-")
            for n in range(int(low), int(high or low) + 1):
                hosts.append(f"{match[1]}{n:0{len(low)}d}{match[3]}")
    return hosts


def expand_counts(text):
    """`2(x3),1` -> 2 2 2 1."""
    counts = []
    for part in text.split(","):
        match = re.fullmatch(r"(\d+)(?:\(x(\d+)\))?", part)
        if match is None:
            raise ValueError(f"cannot read {text!r} as Slurm's tasks per node")
        counts += [int(match[1])] * int(match[2] or 1)
    return counts


def cluster_resolver_of(given):
    """The resolver that was given, else the one of TF_CONFIG."""
    resolver = given if given is not None else TFConfigClusterResolver()
    if len(_workers(resolver.cluster_spec())) > 1:
        raise RuntimeError(
            f"the cluster has {len(_workers(resolver.cluster_spec()))} workers ({resolver.cluster_spec()}); penstock runs the workers of one process: "
            "unset TF_CONFIG, or give a cluster of one worker"
        )
    return resolver


def _workers(spec):
    return [
        t
        for job, tasks in spec.as_dict().items()
        if job in ("worker", "chief", "master")
        for t in (tasks if isinstance(tasks, list) else tasks.values())
    ]
