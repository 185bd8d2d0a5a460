"""`tf.train.replica_device_setter`: variables on parameter servers in turn, all else on the worker."""

from collections.abc import Callable
from typing import Any

from penstock.base.export import export
from penstock.ir.device import DeviceSpec
from penstock.platform import messages
from penstock.train.server import ClusterSpec

STANDARD_PS_OPS = ("Variable", "VariableV2", "AutoReloadVariable", "MutableHashTable", "MutableHashTableV2", "MutableHashTableOfTensors",
                   "MutableHashTableOfTensorsV2", "MutableDenseHashTable", "MutableDenseHashTableV2", "VarHandleOp", "BoostedTreesEnsembleResourceHandleOp",
                   "BoostedTreesQuantileStreamResourceHandleOp", "ResourceConditionalAccumulator", "DecisionTreeResource")  # fmt: skip


class _RoundRobin:
    """Task 0, 1, ..., n - 1, 0, ... of the parameter servers, an op after the other."""

    def __init__(self, num_tasks: int):
        self._num_tasks, self._next = num_tasks, 0

    def __call__(self, unused_op: Any) -> int:
        task = self._next
        self._next = (task + 1) % self._num_tasks
        return task


@export(v1=("train.replica_device_setter",))
def replica_device_setter(ps_tasks: int = 0, ps_device: Any = "/job:ps", worker_device: Any = "/job:worker", merge_devices: bool = True,
                          cluster: Any = None, ps_ops: Any = None, ps_strategy: Any = None) -> Callable[[Any], str] | None:  # fmt: skip
    """A function for `tf.device` that places the variables on the parameter servers in turn; None without such servers."""
    if cluster is not None:
        spec = ClusterSpec(cluster).as_dict()
        ps_job_name = DeviceSpec.from_string(ps_device).job
        if ps_job_name not in spec or spec[ps_job_name] is None:
            return None
        ps_tasks = len(spec[ps_job_name])
    if ps_tasks == 0:
        return None
    kinds = STANDARD_PS_OPS if ps_ops is None else ps_ops
    if not merge_devices:
        messages.warning("DEPRECATION: It is recommended to set merge_devices=true in replica_device_setter")
    choose = _RoundRobin(ps_tasks) if ps_strategy is None else ps_strategy
    if not callable(choose):
        raise TypeError("ps_strategy must be callable")

    def place(op: Any) -> str:
        here = DeviceSpec.from_string(op.device or "")
        if not merge_devices and op.device:
            return str(op.device)
        if ps_tasks and ps_device and op.type in kinds:
            wanted = DeviceSpec.from_string(ps_device)
            if wanted.job and wanted.task is None:
                wanted = wanted.replace(task=choose(op))
            return wanted.make_merged_spec(here).to_string()
        return DeviceSpec.from_string(worker_device or "").make_merged_spec(here).to_string()

    return place
