"""`tf.estimator.RunConfig`: how an Estimator runs: seeds, saving, logging, and the cluster of TF_CONFIG."""

import copy
import json
import os
from typing import Any

from penstock.estimator.arguments import fn_args
from penstock.estimator.names import estimator_export
from penstock.platform import messages
from penstock.train.server import ClusterSpec

_USE_DEFAULT = object()
_SAVE_CKPT_ERR = "`save_checkpoints_steps` and `save_checkpoints_secs` cannot be both set."
_REPLACEABLE = [
    "model_dir", "tf_random_seed", "save_summary_steps", "save_checkpoints_steps", "save_checkpoints_secs", "session_config", "keep_checkpoint_max",
    "keep_checkpoint_every_n_hours", "log_step_count_steps", "train_distribute", "device_fn", "protocol", "eval_distribute", "experimental_distribute",
    "experimental_max_worker_delay_secs", "session_creation_timeout_secs", "checkpoint_save_graph_def",
]  # fmt: skip


class TaskType:
    """The jobs of a cluster."""

    MASTER = "master"
    PS = "ps"
    WORKER = "worker"
    CHIEF = "chief"
    EVALUATOR = "evaluator"


def default_session_config() -> Any:
    """The ConfigProto of an Estimator that was given none."""
    from penstock.base.proto import config_pb2

    config = config_pb2.ConfigProto(allow_soft_placement=True)
    config.graph_options.rewrite_options.meta_optimizer_iterations = 1
    return config


def _validate(values: dict[str, Any]) -> None:
    def check(name: str, right: bool, message: str) -> None:
        if not right:
            raise ValueError(message)

    if "model_dir" in values and values["model_dir"] is not None:
        check("model_dir", bool(values["model_dir"]), "model_dir should be non-empty.")
    for name in ("save_summary_steps", "save_checkpoints_steps", "save_checkpoints_secs", "keep_checkpoint_max"):
        v = values.get(name)
        if v is not None and v is not _USE_DEFAULT:
            check(name, v >= 0, f"{name} should be >= 0")
    for name in ("keep_checkpoint_every_n_hours", "log_step_count_steps", "session_creation_timeout_secs"):
        v = values.get(name)
        if v is not None:
            check(name, v > 0, f"{name} should be > 0")
    if values.get("session_config") is not None:
        check(
            "session_config",
            hasattr(values["session_config"], "SerializeToString"),
            "session_config must be instance of ConfigProto",
        )
    seed = values.get("tf_random_seed")
    check("tf_random_seed", seed is None or hasattr(seed, "__index__"), "tf_random_seed must be integer.")
    if values.get("device_fn") is not None:
        fn = values["device_fn"]
        check(
            "device_fn",
            callable(fn) and set(fn_args(fn)) == {"op"},
            'device_fn must be callable with exactly one argument "op".',
        )
    check("protocol", values.get("protocol") in (None, "grpc", "grpc+verbs"), "protocol should be grpc or grpc+verbs")
    delay = values.get("experimental_max_worker_delay_secs")
    check(
        "delay",
        delay is None or hasattr(delay, "__index__"),
        "experimental_max_worker_delay_secs must be an integer if set.",
    )


@estimator_export("RunConfig")
class RunConfig:
    """The configuration of an Estimator's runs.

    >>> tf.estimator.RunConfig(tf_random_seed=1, save_checkpoints_steps=500).replace(log_step_count_steps=10)
    """

    def __init__(self, model_dir: Any = None, tf_random_seed: int | None = None, save_summary_steps: int | None = 100,
                 save_checkpoints_steps: Any = _USE_DEFAULT, save_checkpoints_secs: Any = _USE_DEFAULT, session_config: Any = None,
                 keep_checkpoint_max: int | None = 5, keep_checkpoint_every_n_hours: float = 10000, log_step_count_steps: int | None = 100,
                 train_distribute: Any = None, device_fn: Any = None, protocol: str | None = None, eval_distribute: Any = None,
                 experimental_distribute: Any = None, experimental_max_worker_delay_secs: int | None = None, session_creation_timeout_secs: float = 7200,
                 checkpoint_save_graph_def: bool = True):  # fmt: skip
        if save_checkpoints_steps is _USE_DEFAULT and save_checkpoints_secs is _USE_DEFAULT:
            save_checkpoints_steps, save_checkpoints_secs = None, 600
        elif save_checkpoints_secs is _USE_DEFAULT:
            save_checkpoints_secs = None
        elif save_checkpoints_steps is _USE_DEFAULT:
            save_checkpoints_steps = None
        elif save_checkpoints_steps is not None and save_checkpoints_secs is not None:
            raise ValueError(_SAVE_CKPT_ERR)
        environment = json.loads(os.environ.get("TF_CONFIG", "{}"))
        if environment:
            messages.info("TF_CONFIG environment variable: %s", environment)
        if model_dir is not None:
            model_dir = os.fspath(model_dir)
        given = environment.get("model_dir")
        if given == "":
            raise ValueError("model_dir should be non-empty.")
        if model_dir and given and model_dir != given:
            raise ValueError("`model_dir` provided in RunConfig construct, if set, must have the same value as the model_dir in TF_CONFIG. "
                             f"model_dir: {model_dir}\nTF_CONFIG[\"model_dir\"]: {given}.\n")  # fmt: skip
        values = {
            "model_dir": model_dir if model_dir is not None else given, "tf_random_seed": tf_random_seed, "save_summary_steps": save_summary_steps,
            "save_checkpoints_steps": save_checkpoints_steps, "save_checkpoints_secs": save_checkpoints_secs, "session_config": session_config,
            "keep_checkpoint_max": keep_checkpoint_max, "keep_checkpoint_every_n_hours": keep_checkpoint_every_n_hours,
            "log_step_count_steps": log_step_count_steps, "train_distribute": train_distribute, "device_fn": device_fn, "protocol": protocol,
            "eval_distribute": eval_distribute, "experimental_distribute": experimental_distribute,
            "experimental_max_worker_delay_secs": experimental_max_worker_delay_secs, "session_creation_timeout_secs": session_creation_timeout_secs,
            "checkpoint_save_graph_def": checkpoint_save_graph_def,
        }  # fmt: skip
        _validate(values)
        if session_config is None:
            values["session_config"] = default_session_config()
        for name, value in values.items():
            setattr(self, f"_{name}", value)
        self._init_distributed_setting_from_environment_var(environment)

    def _init_distributed_setting_from_environment_var(self, tf_config: dict[str, Any]) -> None:
        self._service = tf_config.get("service")
        if self._service is not None and not isinstance(self._service, dict):
            raise TypeError('If "service" is set in TF_CONFIG, it must be a dict. Given %s' % type(self._service))  # noqa: UP031
        self._cluster_spec = ClusterSpec(tf_config.get("cluster", {}))
        task = tf_config.get("task", {})
        kind, number = task.get("type"), int(task.get("index", 0))
        jobs = self._cluster_spec.as_dict()
        if jobs:
            if TaskType.MASTER in jobs:
                if TaskType.CHIEF in jobs or kind == TaskType.CHIEF:
                    raise ValueError("If `master` node exists in `cluster`, job `chief` is not supported.")
                if kind == TaskType.EVALUATOR:
                    raise ValueError("If `master` node exists in `cluster`, task_type `evaluator` is not supported.")
            chief = TaskType.MASTER if TaskType.MASTER in jobs else TaskType.CHIEF
            if chief not in jobs:
                raise ValueError(f'If "cluster" is set in TF_CONFIG, it must have one "{chief}" node.')
            if len(jobs[chief]) > 1:
                raise ValueError(f'The "cluster" in TF_CONFIG must have only one "{chief}" node.')
            if not kind:
                raise ValueError('If "cluster" is set in TF_CONFIG, task type must be set.')
            if "index" not in task:
                raise ValueError('If "cluster" is set in TF_CONFIG, task index must be set.')
            if number < 0:
                raise ValueError("task index must be non-negative number.")
            self._task_type, self._task_id = kind, number
            if kind == TaskType.EVALUATOR:
                self._cluster_spec = ClusterSpec({})
                self._evaluation_master = self._master = ""
                self._num_ps_replicas = self._num_worker_replicas = 0
                self._global_id_in_cluster, self._is_chief = None, False
                return
            if kind not in jobs:
                raise ValueError(f"{kind} is not a valid task_type in the cluster_spec:\n{self._cluster_spec}\n\nNote that these values may be coming from "
                                 "the TF_CONFIG environment variable.")  # fmt: skip
            if number >= len(jobs[kind]):
                raise ValueError(f"{number} is not a valid task_id for task_type {kind} in the cluster_spec:\n{self._cluster_spec}\n\nNote that these values "
                                 "may be coming from the TF_CONFIG environment variable.")  # fmt: skip
            self._evaluation_master = tf_config.get("eval_session_master", "") if chief == TaskType.MASTER else ""
            self._master = tf_config.get("session_master") or self._address(jobs, kind, number)
            self._num_ps_replicas = len(jobs.get(TaskType.PS, []))
            self._num_worker_replicas = len(jobs.get(TaskType.WORKER, [])) + 1
            order = [
                chief,
                TaskType.WORKER,
                *sorted(j for j in jobs if j not in (chief, TaskType.WORKER, TaskType.PS)),
                TaskType.PS,
            ]
            self._global_id_in_cluster = sum(len(jobs.get(j, [])) for j in order[: order.index(kind)]) + number
            self._is_chief = kind == chief
            return
        self._task_type, self._task_id = kind or TaskType.WORKER, number
        self._global_id_in_cluster = number
        if self._task_type == TaskType.EVALUATOR and not task:
            raise AssertionError("an evaluator without a task")
        if self._task_type != TaskType.WORKER:
            raise ValueError('If "cluster" is not set in TF_CONFIG, task type must be WORKER.')
        if number != 0:
            raise ValueError('If "cluster" is not set in TF_CONFIG, task index must be 0.')
        self._master = tf_config.get("session_master", "")
        self._evaluation_master = tf_config.get("eval_session_master", "")
        self._is_chief, self._num_ps_replicas, self._num_worker_replicas = True, 0, 1

    def _address(self, jobs: dict[str, list[str]], kind: str, number: int) -> str:
        if len(jobs) == 1 and len(jobs[kind]) == 1:
            return ""  # alone in its cluster
        return f"{self._protocol or 'grpc'}://{jobs[kind][number]}"

    def replace(self, **kwargs: Any) -> "RunConfig":
        """A copy with other values of the constructor's arguments."""
        for name in kwargs:
            if name not in _REPLACEABLE:
                raise ValueError(f"Replacing {name} is not supported. Allowed properties are {_REPLACEABLE}.")
        if kwargs.get("save_checkpoints_steps") is not None and kwargs.get("save_checkpoints_secs") is not None:
            raise ValueError(_SAVE_CKPT_ERR)
        made = copy.deepcopy(self)
        if "save_checkpoints_steps" in kwargs and kwargs["save_checkpoints_steps"] is not None:
            made._save_checkpoints_secs = None
        elif "save_checkpoints_secs" in kwargs and kwargs["save_checkpoints_secs"] is not None:
            made._save_checkpoints_steps = None
        _validate(kwargs)
        for name, value in kwargs.items():
            setattr(made, f"_{name}", value)
        return made

    def __deepcopy__(self, memo: Any) -> "RunConfig":
        made = object.__new__(type(self))
        for name, value in vars(self).items():  # strategies, functions and specs are shared
            made.__dict__[name] = copy.copy(value) if isinstance(value, (list, dict)) else value
        return made


def _property(name: str) -> property:
    return property(lambda self: getattr(self, f"_{name}"))


for _name in (*_REPLACEABLE, "cluster_spec", "evaluation_master", "is_chief", "master", "num_ps_replicas", "num_worker_replicas", "task_id",
              "global_id_in_cluster", "task_type", "service"):  # fmt: skip
    if _name != "experimental_distribute":
        setattr(RunConfig, _name, _property(_name))


def overwrite_model_dir_and_session_config(config: Any, model_dir: Any) -> RunConfig:
    """The configuration of an Estimator with the folder that the constructor was given; a new folder when there is none."""
    if config is None:
        config = RunConfig()
        messages.info("Using default config.")
    if not isinstance(config, RunConfig):
        raise ValueError(f"config must be an instance of `RunConfig`, but provided {config}.")
    if config.session_config is None:
        config = config.replace(session_config=default_session_config())
    if model_dir is not None:
        model_dir = os.fspath(model_dir)
        if config.model_dir is not None and config.model_dir != model_dir:
            raise ValueError("`model_dir` are set both in constructor and `RunConfig`, but with different values. "
                             f"In constructor: '{model_dir}', in `RunConfig`: '{config.model_dir}' ")  # fmt: skip
        return config.replace(model_dir=model_dir)
    if config.model_dir is None:
        import tempfile

        model_dir = tempfile.mkdtemp()
        messages.warning("Using temporary folder as model directory: %s", model_dir)
        return config.replace(model_dir=model_dir)
    return config
