"""`tf.contrib.tpu` on whatever device there is: `TPUEstimator` is an Estimator whose params hold the batch size."""

import collections
import contextlib
from typing import Any

import penstock.compat.v1 as tf
from penstock.base.export import export
from penstock.contrib.names import contrib
from penstock.ir import node_count


@export(v1=("contrib.tpu.InputPipelineConfig", "estimator.tpu.InputPipelineConfig"))
class InputPipelineConfig:
    """Where input pipelines run; here they all run on the host."""

    PER_SHARD_V1, PER_HOST_V1, PER_HOST_V2, BROADCAST, SLICED = 1, 2, 3, 4, 5


_FIELDS = ("iterations_per_loop", "num_shards", "num_cores_per_replica", "per_host_input_for_training", "tpu_job_name", "initial_infeed_sleep_secs",
           "input_partition_dims", "eval_training_input_configuration", "experimental_host_call_every_n_steps")  # fmt: skip


@export(v1=("contrib.tpu.TPUConfig", "estimator.tpu.TPUConfig"))
class TPUConfig(collections.namedtuple("TPUConfig", _FIELDS)):  # noqa: PYI024
    """The TPU part of a `RunConfig`."""

    def __new__(
        cls, iterations_per_loop: int = 2, num_shards: int | None = None, num_cores_per_replica: int | None = None, per_host_input_for_training: Any = True,
        tpu_job_name: Any = None, initial_infeed_sleep_secs: Any = None, input_partition_dims: Any = None,
        eval_training_input_configuration: int = InputPipelineConfig.PER_HOST_V1, experimental_host_call_every_n_steps: int = 1,
    ) -> "TPUConfig":  # fmt: skip
        if iterations_per_loop is not None and iterations_per_loop <= 0:
            raise ValueError(f"iterations_per_loop must be positive, got {iterations_per_loop}")
        if num_shards is not None and num_shards <= 0:
            raise ValueError(f"num_shards must be positive, got {num_shards}")
        if per_host_input_for_training is True:
            per_host_input_for_training = InputPipelineConfig.PER_HOST_V1
        elif per_host_input_for_training is False:
            per_host_input_for_training = InputPipelineConfig.PER_SHARD_V1
        return super().__new__(
            cls, iterations_per_loop, num_shards, num_cores_per_replica, per_host_input_for_training, tpu_job_name, initial_infeed_sleep_secs,
            input_partition_dims, eval_training_input_configuration, experimental_host_call_every_n_steps,
        )  # fmt: skip


@export(v1=("contrib.tpu.RunConfig", "estimator.tpu.RunConfig"))
class RunConfig(tf.estimator.RunConfig):
    """A `RunConfig` with a `TPUConfig`."""

    def __init__(self, tpu_config: Any = None, evaluation_master: Any = None, master: Any = None, cluster: Any = None, **kwargs: Any):
        super().__init__(**kwargs)
        self._tpu_config = tpu_config or TPUConfig()
        self._cluster = cluster
        if master is not None and cluster is not None:
            raise ValueError("Both master and cluster are set.")
        self._tpu_master = master if master is not None else cluster.master() if cluster is not None and hasattr(cluster, "master") else ""
        self._tpu_evaluation_master = evaluation_master if evaluation_master is not None else self._tpu_master

    tpu_config = property(lambda self: self._tpu_config)
    cluster = property(lambda self: self._cluster)
    master = property(lambda self: self._tpu_master)
    evaluation_master = property(lambda self: self._tpu_evaluation_master)

    def replace(self, **kwargs: Any) -> Any:
        """A copy with other values; `tpu_config` may be among them."""
        tpu_config = kwargs.pop("tpu_config", self._tpu_config)
        made = super().replace(**kwargs) if kwargs else super().replace()
        made._tpu_config = tpu_config
        return made


_SPEC = ("mode", "predictions", "loss", "train_op", "eval_metrics", "export_outputs", "scaffold_fn", "host_call", "training_hooks", "evaluation_hooks", "prediction_hooks")


@export(v1=("contrib.tpu.TPUEstimatorSpec", "estimator.tpu.TPUEstimatorSpec"))
class TPUEstimatorSpec(collections.namedtuple("TPUEstimatorSpec", _SPEC)):  # noqa: PYI024
    """What a model function gives `TPUEstimator`: metrics as (function, tensors), a function that makes the scaffold."""

    def __new__(
        cls, mode: Any, predictions: Any = None, loss: Any = None, train_op: Any = None, eval_metrics: Any = None, export_outputs: Any = None,
        scaffold_fn: Any = None, host_call: Any = None, training_hooks: Any = None, evaluation_hooks: Any = None, prediction_hooks: Any = None,
    ) -> "TPUEstimatorSpec":  # fmt: skip
        for name, call in (("eval_metrics", eval_metrics), ("host_call", host_call)):
            if call is not None:
                if not isinstance(call, (tuple, list)):
                    raise ValueError(f"{name} should be tuple or list")
                if len(call) != 2:
                    raise ValueError(f"{name} should have two elements.")
                if not callable(call[0]):
                    raise TypeError(f"{name}[0] should be callable.")
                if not isinstance(call[1], (tuple, list, dict)):
                    raise ValueError(f"{name}[1] should be tuple or list, or dict.")
        return super().__new__(
            cls, mode, predictions, loss, train_op, eval_metrics, export_outputs, scaffold_fn, host_call, tuple(training_hooks or ()),
            tuple(evaluation_hooks or ()), tuple(prediction_hooks or ()),
        )  # fmt: skip

    def as_estimator_spec(self) -> Any:
        """The same for an ordinary Estimator."""
        called = lambda pair: pair[0](**pair[1]) if isinstance(pair[1], dict) else pair[0](*pair[1])
        hooks = self.training_hooks
        if self.host_call is not None and self.mode == tf.estimator.ModeKeys.TRAIN:
            hooks = (*hooks, _HostCall(called(self.host_call)))
        return tf.estimator.EstimatorSpec(
            mode=self.mode, predictions=self.predictions, loss=self.loss, train_op=self.train_op,
            eval_metric_ops=called(self.eval_metrics) if self.eval_metrics and self.mode == tf.estimator.ModeKeys.EVAL else None,
            export_outputs=self.export_outputs, scaffold=self.scaffold_fn() if self.scaffold_fn else None, training_hooks=hooks,
            evaluation_hooks=self.evaluation_hooks, prediction_hooks=self.prediction_hooks,
        )  # fmt: skip


class _HostCall(tf.train.SessionRunHook):
    """Runs what the host call made, with each step."""

    def __init__(self, fetches: Any):
        self._fetches = fetches

    def before_run(self, run_context: Any) -> Any:
        return tf.train.SessionRunArgs(self._fetches)


@export(v1=("contrib.tpu.TPUEstimator", "estimator.tpu.TPUEstimator"))
class TPUEstimator(tf.estimator.Estimator):
    """An Estimator for model functions written for TPUs; `params["batch_size"]` is the batch size of the mode."""

    def __init__(
        self, model_fn: Any = None, model_dir: Any = None, config: Any = None, params: Any = None, use_tpu: bool = True,
        train_batch_size: int | None = None, eval_batch_size: int | None = None, predict_batch_size: int | None = None, batch_axis: Any = None,
        eval_on_tpu: bool = True, export_to_tpu: bool = True, export_to_cpu: bool = True, warm_start_from: Any = None,
        embedding_config_spec: Any = None, export_saved_model_api_version: Any = None,
    ):  # fmt: skip
        if config is None or not isinstance(config, RunConfig):
            raise ValueError("`config` must be provided with type `tpu_config.RunConfig`")
        if params is not None and any(k in params for k in ("batch_size", "context")):
            raise ValueError("('batch_size', 'context') are reserved keys but existed in params.")
        if use_tpu and train_batch_size is None:
            raise ValueError("`train_batch_size` cannot be `None`")
        self._batch_sizes = {"train": train_batch_size, "eval": eval_batch_size or train_batch_size, "infer": predict_batch_size}
        self._user_model_fn = model_fn
        super().__init__(model_fn=self._adapted(model_fn), model_dir=model_dir, config=config, params=params, warm_start_from=warm_start_from)

    def _adapted(self, model_fn: Any) -> Any:
        import inspect

        wanted = inspect.signature(model_fn).parameters
        anything = any(p.kind is p.VAR_KEYWORD for p in wanted.values())

        def adapted(features: Any, labels: Any, mode: Any, params: Any, config: Any) -> Any:
            given: dict[str, Any] = {}
            if "labels" in wanted or anything:
                given["labels"] = labels
            if "mode" in wanted or anything:
                given["mode"] = mode
            if "params" in wanted or anything:
                given["params"] = {**(params or {}), **self._sized(mode)}
            if "config" in wanted or anything:
                given["config"] = config
            spec = model_fn(features, **given)
            return spec.as_estimator_spec() if isinstance(spec, TPUEstimatorSpec) else spec

        return adapted

    def _create_global_step(self, graph: Any) -> Any:
        """A resource variable, as TPUs want it."""
        with tf.variable_scope(tf.get_variable_scope(), use_resource=True):
            step = tf.train.create_global_step(graph)
        node_count.more(1)  # its read asks whether it is initialized
        return step

    def _sized(self, mode: Any) -> dict[str, Any]:
        size = self._batch_sizes.get(mode)
        return {} if size is None else {"batch_size": size}

    def _call_input_fn(self, input_fn: Any, mode: Any, input_context: Any = None) -> Any:
        import inspect

        wanted = inspect.signature(input_fn).parameters
        given: dict[str, Any] = {}
        if "params" in wanted or any(p.kind is p.VAR_KEYWORD for p in wanted.values()):
            given["params"] = {**(self.params or {}), **self._sized(mode)}
        if "config" in wanted:
            given["config"] = self.config
        if "mode" in wanted:
            given["mode"] = mode
        with tf.device("/cpu:0"):
            return input_fn(**given)


@contrib("tpu.CrossShardOptimizer")
class CrossShardOptimizer(tf.train.Optimizer):
    """The optimizer it is given: with one shard there is nothing to sum."""

    def __init__(self, opt: Any, reduction: str = "weighted_mean", name: str = "CrossShardOptimizer", group_assignment: Any = None):
        if reduction not in ("weighted_sum", "weighted_mean", "sum", "mean", tf.losses.Reduction.SUM, tf.losses.Reduction.MEAN):
            raise ValueError(f"Unsupported reduction: {reduction}.")
        super().__init__(False, name)
        self._opt = opt

    def compute_gradients(self, loss: Any, var_list: Any = None, **kwargs: Any) -> Any:
        return self._opt.compute_gradients(loss, var_list=var_list, **kwargs)

    def apply_gradients(self, grads_and_vars: Any, global_step: Any = None, name: Any = None) -> Any:
        return self._opt.apply_gradients(grads_and_vars, global_step, name)

    def get_slot(self, *args: Any, **kwargs: Any) -> Any:
        return self._opt.get_slot(*args, **kwargs)

    def get_slot_names(self, *args: Any, **kwargs: Any) -> Any:
        return self._opt.get_slot_names(*args, **kwargs)

    def variables(self) -> Any:
        return self._opt.variables()


@contrib("tpu.cross_replica_sum")
def cross_replica_sum(x: Any, group_assignment: Any = None, name: Any = None) -> Any:
    """The sum over replicas: x, as there is one."""
    return tf.identity(x, name=name)


@contrib("tpu.initialize_system")
def initialize_system(embedding_config: Any = None, job: Any = None) -> Any:
    """A string tensor: there is no system to start."""
    return tf.constant("", name="initialize_system")


@contrib("tpu.shutdown_system")
def shutdown_system(job: Any = None) -> Any:
    """An op that does nothing: there is no system to stop."""
    return tf.no_op(name="shutdown_system")


@contrib("tpu.rewrite")
def rewrite(computation: Any, inputs: Any = None, infeed_queue: Any = None, device_assignment: Any = None, name: Any = None) -> Any:
    """The computation's outputs, as a list of tensors; all is compiled here anyway."""
    with tf.name_scope(name, "cluster"):
        outputs = computation(*[tf.convert_to_tensor(x) for x in (inputs or [])])
    if outputs is None:
        return tf.no_op()
    outputs = list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]
    operations = [o for o in outputs if isinstance(o, tf.Operation)]
    with tf.control_dependencies(operations):
        tensors = [tf.identity(o) for o in outputs if not isinstance(o, tf.Operation)]
    return tensors if tensors else tf.group(*operations)


@contrib("tpu.replicate")
def replicate(computation: Any, inputs: Any = None, infeed_queue: Any = None, device_assignment: Any = None, name: Any = None, maximum_shapes: Any = None) -> Any:
    """The outputs of each replica: a list of lists."""
    return [rewrite(computation, one, name=name) for one in (inputs or [[]])]


@contrib("tpu.shard")
def shard(
    computation: Any, inputs: Any = None, num_shards: int = 1, input_shard_axes: Any = None, outputs_from_all_shards: Any = True,
    output_shard_axes: Any = None, infeed_queue: Any = None, device_assignment: Any = None, name: Any = None,
) -> Any:  # fmt: skip
    """The computation over parts of its inputs, its outputs joined."""
    if num_shards <= 0:
        raise ValueError("num_shards must be a positive integer.")
    inputs = [tf.convert_to_tensor(x) for x in (inputs or [])]
    axes = input_shard_axes or [0] * len(inputs)
    parts = [list(p) for p in zip(*[tf.split(x, num_shards, axis=a) for x, a in zip(inputs, axes)])] if inputs else [[]] * num_shards
    outputs = replicate(computation, parts, name=name)
    if not isinstance(outputs[0], list):
        return outputs[0]
    axes = output_shard_axes or [0] * len(outputs[0])
    return [tf.concat(list(same), axis=a) if num_shards > 1 and same[0].shape.ndims else same[0] for same, a in zip(zip(*outputs), axes)]


@contrib("tpu.batch_parallel")
def batch_parallel(computation: Any, inputs: Any = None, num_shards: int = 1, infeed_queue: Any = None, device_assignment: Any = None, name: Any = None) -> Any:
    """`shard` along the batch."""
    return shard(computation, inputs, num_shards=num_shards, infeed_queue=infeed_queue, device_assignment=device_assignment, name=name)


@contrib("tpu.repeat")
def repeat(n: Any, body: Any, inputs: Any = None, infeed_queue: Any = None, name: Any = None) -> Any:
    """The body n times over its own outputs."""
    values = [tf.convert_to_tensor(x) for x in (inputs or [])]

    def turn(i: Any, *held: Any) -> Any:
        outputs = body(*held)
        outputs = list(outputs) if isinstance(outputs, (list, tuple)) else [] if outputs is None else [outputs]
        operations = [o for o in outputs if isinstance(o, tf.Operation)]
        with tf.control_dependencies(operations):
            return [i + 1, *[tf.identity(o) for o in outputs if not isinstance(o, tf.Operation)]]

    found = tf.while_loop(lambda i, *_: i < n, turn, [tf.constant(0), *values], parallel_iterations=1, name=name)
    return list(found[1:]) if values else tf.group(found if not isinstance(found, (list, tuple)) else found[0])


@contrib("tpu.while_loop")
def while_loop(condition: Any, body: Any, inputs: Any = None, infeed_queue: Any = None, name: Any = None) -> Any:
    """`tf.while_loop`."""
    return tf.while_loop(condition, body, [tf.convert_to_tensor(x) for x in (inputs or [])], parallel_iterations=1, name=name)


@contrib("tpu.outside_compilation")
def outside_compilation(computation: Any, *args: Any, **kwargs: Any) -> Any:
    """The computation, called."""
    return computation(*args, **kwargs)


@contrib("tpu.core")
def core(num: int) -> str:
    """The name of a core."""
    return f"device:TPU_REPLICATED_CORE:{num}"


@contrib("tpu.bfloat16_scope")
@contextlib.contextmanager
def bfloat16_scope() -> Any:
    """Variables stay float32 and are read as bfloat16 where that is asked for."""

    def getter(getter: Any, *args: Any, **kwargs: Any) -> Any:
        wanted = kwargs["dtype"]
        if wanted == tf.bfloat16:
            kwargs["dtype"] = tf.float32
        var = getter(*args, **kwargs)
        return tf.cast(var, wanted) if var.dtype.base_dtype != wanted else var

    with tf.variable_scope("", custom_getter=getter) as scope:
        yield scope


@contrib("tpu.export_estimator_savedmodel")
def export_estimator_savedmodel(
    estimator: Any, export_dir_base: Any, serving_input_receiver_fn: Any, assets_extra: Any = None, as_text: bool = False, checkpoint_path: Any = None
) -> Any:  # fmt: skip
    """Export the estimator for serving."""
    return estimator.export_saved_model(export_dir_base, serving_input_receiver_fn, assets_extra, as_text, checkpoint_path)
