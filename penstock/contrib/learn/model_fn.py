"""`tf.contrib.learn.ModeKeys`, `ModelFnOps`, `MetricSpec`, `RunConfig`: what model functions of 2016 take and give."""

import collections
from typing import Any

import penstock.compat.v1 as tf
from penstock.contrib.names import contrib
from penstock.estimator import run_config
from penstock.train.global_step import get_or_create_global_step

_FIELDS = "predictions loss train_op eval_metric_ops output_alternatives training_chief_hooks training_hooks scaffold mode"
ESTIMATORS = "learn.python.learn.estimators."


@contrib("learn.ModeKeys", ESTIMATORS + "model_fn.ModeKeys")
class ModeKeys:
    """What a model function is called for."""

    TRAIN, EVAL, INFER = "train", "eval", "infer"

    @classmethod
    def validate(cls, key: str) -> None:
        """ValueError for a string that is none of the modes."""
        if key not in (cls.TRAIN, cls.EVAL, cls.INFER):
            raise ValueError(f"Invalid mode {key}.")


@contrib("learn.ModelFnOps", ESTIMATORS + "model_fn.ModelFnOps")
class ModelFnOps(collections.namedtuple("ModelFnOps", _FIELDS)):
    """What a model function returns: predictions, a loss, an op that trains, metrics."""

    __slots__ = ()

    def __new__(cls, mode: str, predictions: Any = None, loss: Any = None, train_op: Any = None, eval_metric_ops: Any = None, output_alternatives: Any = None,
                training_chief_hooks: Any = None, training_hooks: Any = None, scaffold: Any = None) -> Any:  # fmt: skip
        ModeKeys.validate(mode)
        if train_op is None and mode == ModeKeys.TRAIN:
            raise ValueError("Missing train_op.")
        if loss is None and mode != ModeKeys.INFER:
            raise ValueError("Missing loss.")
        if predictions is None and mode != ModeKeys.TRAIN:
            raise ValueError("Missing predictions.")
        if loss is not None:
            loss = tf.convert_to_tensor(loss)
            if loss.shape.rank is not None and loss.shape.num_elements() != 1:
                raise ValueError(f"Loss must be scalar, given: {loss}")
            if loss.shape.rank:
                loss = tf.reshape(loss, [])
        return super().__new__(cls, predictions, loss, train_op, eval_metric_ops or {}, output_alternatives, list(training_chief_hooks or []),
                               list(training_hooks or []), scaffold, mode)  # fmt: skip

    def estimator_spec(self, default_serving_output_alternative_key: Any = None) -> Any:
        """The same as an EstimatorSpec."""
        train_op = self.train_op
        if self.mode == ModeKeys.TRAIN:
            train_op = tf.group(train_op)
        return tf.estimator.EstimatorSpec(
            self.mode, self.predictions, self.loss, train_op, dict(self.eval_metric_ops), None, self.training_chief_hooks, self.training_hooks, self.scaffold
        )  # fmt: skip


@contrib("learn.MetricSpec", "learn.python.learn.metric_spec.MetricSpec")
class MetricSpec:
    """A metric, and which predictions, labels and weights it takes."""

    def __init__(self, metric_fn: Any, prediction_key: Any = None, label_key: Any = None, weight_key: Any = None):
        self._metric_fn, self._prediction_key, self._label_key, self._weight_key = metric_fn, prediction_key, label_key, weight_key

    metric_fn = property(lambda self: self._metric_fn)
    prediction_key = property(lambda self: self._prediction_key)
    label_key = property(lambda self: self._label_key)
    weight_key = property(lambda self: self._weight_key)

    def __str__(self) -> str:
        name = getattr(self.metric_fn, "__name__", None) or getattr(getattr(self.metric_fn, "func", None), "__name__", type(self.metric_fn).__name__)
        return f"MetricSpec(metric_fn={name}, prediction_key={self.prediction_key}, label_key={self.label_key}, weight_key={self.weight_key})"

    def create_metric_ops(self, inputs: Any, labels: Any, predictions: Any) -> Any:
        """(value, update) of the metric."""

        def one(given: Any, key: Any, what: str) -> Any:
            if key is not None:
                if not isinstance(given, dict):
                    raise ValueError(f"MetricSpec with {what}_key specified requires {what}s dict, got {given}. ")
                if key not in given:
                    raise KeyError(f"MetricSpec's {what}_key {key!r} is not in {sorted(given)}")
                return given[key]
            if isinstance(given, dict):
                if len(given) != 1:
                    raise ValueError(f"MetricSpec without specified {what}_key requires {what}s tensor or single element dictionary, got {given}")
                return next(iter(given.values()))
            return given

        predicted, wanted = one(predictions, self.prediction_key, "prediction"), one(labels, self.label_key, "label")
        weights = {"weights": inputs[self.weight_key]} if self.weight_key is not None else {}
        order = getattr(getattr(self.metric_fn, "__code__", None), "co_varnames", ())[:2]
        first_labels = order[:1] in (("labels",), ("targets",), ("y_true",))
        return self.metric_fn(*((wanted, predicted) if first_labels else (predicted, wanted)), **weights)


@contrib("learn.RunConfig", ESTIMATORS + "run_config.RunConfig")
class RunConfig(run_config.RunConfig):
    """How an Estimator trains: seeds, checkpoints, summaries, sessions."""

    def __init__(self, master: Any = None, num_cores: int = 0, log_device_placement: bool = False, gpu_memory_fraction: float = 1, tf_random_seed: Any = None,
                 save_summary_steps: int = 100, save_checkpoints_secs: Any = 0, save_checkpoints_steps: Any = None, keep_checkpoint_max: int = 5,
                 keep_checkpoint_every_n_hours: int = 10000, log_step_count_steps: int = 100, protocol: Any = None, evaluation_master: str = "", model_dir: Any = None,
                 session_config: Any = None, session_creation_timeout_secs: int = 7200):  # fmt: skip
        if save_checkpoints_secs == 0:
            save_checkpoints_secs = 600 if save_checkpoints_steps is None else None
        self._tf_config = tf.ConfigProto(
            log_device_placement=log_device_placement, inter_op_parallelism_threads=num_cores, intra_op_parallelism_threads=num_cores,
            gpu_options=tf.GPUOptions(per_process_gpu_memory_fraction=gpu_memory_fraction),
        )  # fmt: skip
        super().__init__(model_dir=model_dir, tf_random_seed=tf_random_seed, save_summary_steps=save_summary_steps, save_checkpoints_steps=save_checkpoints_steps,
                         save_checkpoints_secs=save_checkpoints_secs, session_config=session_config, keep_checkpoint_max=keep_checkpoint_max,
                         keep_checkpoint_every_n_hours=keep_checkpoint_every_n_hours, log_step_count_steps=log_step_count_steps, protocol=protocol,
                         session_creation_timeout_secs=session_creation_timeout_secs)  # fmt: skip

    tf_config = property(lambda self: self._tf_config)
    environment = property(lambda self: "local")


def ops_of(made: Any, mode: str) -> ModelFnOps:
    """What a model function returned, as ModelFnOps: a tuple `predictions, loss, train_op` is one too."""
    if isinstance(made, ModelFnOps):
        return made
    if not isinstance(made, tuple) or len(made) != 3:
        raise ValueError(f"Unrecognized value returned by model_fn, {made}.")
    predictions, loss, train_op = made
    get_or_create_global_step()
    return ModelFnOps(mode=mode, predictions=predictions, loss=loss, train_op=train_op)
