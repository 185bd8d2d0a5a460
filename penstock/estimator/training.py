"""`tf.estimator.train_and_evaluate`: training with an evaluation, and exports, after each checkpoint."""

import os
import time
from collections import namedtuple
from typing import Any

from penstock.estimator.estimator import Estimator
from penstock.estimator.exporter import Exporter
from penstock.estimator.names import estimator_export
from penstock.estimator.run_config import TaskType
from penstock.platform import messages
from penstock.state.collections import GraphKeys
from penstock.train.basic_session_run_hooks import SecondOrStepTimer
from penstock.train.saving_hooks import CheckpointSaverListener
from penstock.train.session_run_hook import SessionRunHook

_MAX_DELAY_SECS, _DELAY_SECS_PER_WORKER = 60, 5


def _check_input_fn(input_fn: Any) -> None:
    if not callable(input_fn):
        raise TypeError(f"`input_fn` must be callable, given: {input_fn}")


def _checked_hooks(hooks: Any) -> tuple[Any, ...]:
    hooks = tuple(hooks or [])
    for hook in hooks:
        if not isinstance(hook, SessionRunHook):
            raise TypeError(f"All hooks must be `SessionRunHook` instances, given: {hook}")
    return hooks


def _checked_listeners(listeners: Any) -> tuple[Any, ...]:
    listeners = tuple(listeners or [])
    for listener in listeners:
        if not isinstance(listener, CheckpointSaverListener):
            raise TypeError(f"All saving_listeners must be `CheckpointSaverListener` instances, given: {listener}")
    return listeners


def _checked_exporters(exporters: Any) -> tuple[Any, ...]:
    if not exporters:
        return ()
    if isinstance(exporters, Exporter):
        exporters = [exporters]
    try:
        found = list(exporters)
        if not all(isinstance(e, Exporter) for e in found):
            raise TypeError
    except TypeError:
        raise TypeError(
            f"`exporters` must be an Exporter, an iterable of Exporter, or `None`, found {exporters}."
        ) from None
    names = [e.name for e in found]
    if not all(names):
        raise ValueError(f"An Exporter cannot have a name that is `None` or empty. All exporter names: {names}")
    if len(set(names)) != len(names):
        raise ValueError(
            f"`exporters` must have unique names. Such a name cannot be `None`. All exporter names: {names}"
        )
    return tuple(found)


@estimator_export("TrainSpec")
class TrainSpec(namedtuple("TrainSpec", ["input_fn", "max_steps", "hooks", "saving_listeners"])):
    """How `train_and_evaluate` trains: input, last step, hooks."""

    def __new__(
        cls, input_fn: Any, max_steps: int | None = None, hooks: Any = None, saving_listeners: Any = None
    ) -> "TrainSpec":
        _check_input_fn(input_fn)
        if max_steps is not None and max_steps <= 0:
            raise ValueError(f"Must specify max_steps > 0, given: {max_steps}")
        return super().__new__(
            cls,
            input_fn=input_fn,
            max_steps=max_steps,
            hooks=_checked_hooks(hooks),
            saving_listeners=_checked_listeners(saving_listeners),
        )


@estimator_export("EvalSpec")
class EvalSpec(
    namedtuple("EvalSpec", ["input_fn", "steps", "name", "hooks", "exporters", "start_delay_secs", "throttle_secs"])
):
    """How `train_and_evaluate` evaluates: input, number of batches, exporters, and how often at most."""

    def __new__(cls, input_fn: Any, steps: int | None = 100, name: str | None = None, hooks: Any = None, exporters: Any = None, start_delay_secs: float = 120,
                throttle_secs: float = 600) -> "EvalSpec":  # fmt: skip
        _check_input_fn(input_fn)
        if steps is not None and steps <= 0:
            raise ValueError(f"Must specify steps > 0, given: {steps}")
        if name is not None and not isinstance(name, str):
            raise TypeError(f"`name` must be string, given: {name}")
        hooks, exporters = _checked_hooks(hooks), _checked_exporters(exporters)
        if start_delay_secs < 0:
            raise ValueError(f"Must specify start_delay_secs >= 0, given: {start_delay_secs}")
        if throttle_secs < 0:
            raise ValueError(f"Must specify throttle_secs >= 0, given: {throttle_secs}")
        return super().__new__(cls, input_fn=input_fn, steps=steps, name=name, hooks=hooks, exporters=exporters, start_delay_secs=start_delay_secs,
                               throttle_secs=throttle_secs)  # fmt: skip


@estimator_export("train_and_evaluate")
def train_and_evaluate(estimator: Any, train_spec: Any, eval_spec: Any) -> Any:
    """Train, and evaluate every checkpoint; gives the last metrics and what the exporters wrote.

    >>> tf.estimator.train_and_evaluate(estimator, tf.estimator.TrainSpec(train_fn, max_steps=1000), tf.estimator.EvalSpec(eval_fn))
    """
    if not isinstance(eval_spec, EvalSpec):
        raise TypeError(f"`eval_spec` must have type `tf.estimator.EvalSpec`. Got: {type(eval_spec)}")
    executor = _TrainingExecutor(estimator=estimator, train_spec=train_spec, eval_spec=eval_spec)
    config = estimator.config
    if config.task_type == TaskType.EVALUATOR and config.task_id > 0:
        raise ValueError(
            f"For distributed training, there can only be one `evaluator` task (with task id 0).  Given task id {config.task_id}"
        )
    return executor.run()


class _Evaluator:
    """Evaluates the newest checkpoint, once each, and lets the exporters export it."""

    def __init__(self, estimator: Any, eval_spec: Any, max_training_steps: int | None):
        self._estimator, self._eval_spec, self._max_training_steps = estimator, eval_spec, max_training_steps
        self._previous: Any = None
        self._warned_of_missing = False
        self.is_final_export_triggered = False

    def evaluate_and_export(self) -> tuple[dict[str, Any] | None, list[Any]]:
        """(metrics, results of the exporters); (None, []) when there is no new checkpoint."""
        newest = self._estimator.latest_checkpoint()
        if not newest:
            if not self._warned_of_missing:
                self._warned_of_missing = True
                messages.warning("Estimator is not trained yet. Will start an evaluation when a checkpoint is ready.")
            return None, []
        if newest == self._previous:
            messages.warning(
                "No new checkpoint ready for evaluation. Skip the current evaluation pass as evaluation results are expected to be same for the same checkpoint."
            )
            return None, []
        spec = self._eval_spec
        metrics = self._estimator.evaluate(
            input_fn=spec.input_fn, steps=spec.steps, name=spec.name, checkpoint_path=newest, hooks=spec.hooks
        )
        if not metrics:
            raise ValueError(f"Internal error: Estimator.evaluate should always return non-empty dict. Got {metrics}")
        final = metrics[GraphKeys.GLOBAL_STEP] >= self._max_training_steps if self._max_training_steps else False
        exports = self._export(metrics, newest, bool(final))
        if final:
            messages.debug("Calling exporter with the `is_the_final_export=True`.")
            self.is_final_export_triggered = True
        self._previous, self._warned_of_missing = newest, False
        return metrics, exports

    def _export(self, metrics: dict[str, Any], checkpoint: str, final: bool) -> list[Any]:
        base = os.path.join(self._estimator.model_dir, "export")
        return [e.export(estimator=self._estimator, export_path=os.path.join(base, e.name), checkpoint_path=checkpoint, eval_result=metrics,
                         is_the_final_export=final) for e in self._eval_spec.exporters]  # fmt: skip


class _EvaluateAfterSaving(CheckpointSaverListener):
    """Evaluates after each checkpoint but the first, which is not trained yet."""

    def __init__(self, evaluator: _Evaluator, throttle_secs: float):
        self._evaluator, self._throttle_secs = evaluator, throttle_secs
        self.eval_result: Any = None
        self.export_results: Any = None

    def begin(self) -> None:
        self._timer = SecondOrStepTimer(every_secs=self._throttle_secs)
        self._is_first_run = True

    def after_save(self, session: Any, global_step_value: int) -> Any:
        if self._is_first_run:
            self._is_first_run = False
            return None
        if self._timer.should_trigger_for_step(global_step_value):
            self._evaluate(global_step_value)
        else:
            messages.info("Skip the current checkpoint eval due to throttle secs (%s secs).", self._throttle_secs)
        return None

    def end(self, session: Any, global_step_value: int) -> None:
        if global_step_value != self._timer.last_triggered_step():
            self._evaluate(global_step_value)

    def _evaluate(self, step: int) -> None:
        self._timer.update_last_triggered_step(step)
        metrics, exports = self._evaluator.evaluate_and_export()
        if metrics is None:
            raise RuntimeError("There was no new checkpoint after the training. Cannot evaluate.")
        self.eval_result, self.export_results = metrics, exports


class _TrainingExecutor:
    """Runs the part of this process: all of it locally, or the task that TF_CONFIG names."""

    def __init__(
        self,
        estimator: Any,
        train_spec: Any,
        eval_spec: Any,
        train_hooks: Any = None,
        continuous_eval_listener: Any = None,
    ):
        if not isinstance(estimator, Estimator):
            raise TypeError(f"`estimator` must have type `tf.estimator.Estimator`. Got: {type(estimator)}")
        if not isinstance(train_spec, TrainSpec):
            raise TypeError(f"`train_spec` must have type `tf.estimator.TrainSpec`. Got: {type(train_spec)}")
        if not isinstance(eval_spec, EvalSpec):
            raise TypeError(f"`eval_spec` must have type `tf.estimator.EvalSpec`. Got: {type(eval_spec)}")
        self._estimator, self._train_spec, self._eval_spec = estimator, train_spec, eval_spec
        self._train_hooks = _checked_hooks(train_hooks)

    def run(self) -> Any:
        config = self._estimator.config
        if not config.cluster_spec and config.task_type != TaskType.EVALUATOR:
            messages.info("Running training and evaluation locally (non-distributed).")
            return self.run_local()
        run = getattr(self, f"run_{config.task_type}", None)
        if not config.task_type or run is None:
            raise ValueError(
                f'`estimator.config` must have task_type set, one of chief, master, worker, ps, evaluator. Got "{config.task_type}"'
            )
        return run()

    def run_local(self) -> tuple[Any, Any]:
        """Train in this process, and evaluate after each checkpoint."""
        config = self._estimator.config
        messages.info("Start train and evaluate loop. The evaluate will happen after every checkpoint. Checkpoint frequency is determined based on RunConfig "
                      "arguments: save_checkpoints_steps %s or save_checkpoints_secs %s.", config.save_checkpoints_steps, config.save_checkpoints_secs)  # fmt: skip
        return self._train_with_evaluation()

    def _train_with_evaluation(self) -> tuple[Any, Any]:
        spec = self._train_spec
        listener = _EvaluateAfterSaving(
            _Evaluator(self._estimator, self._eval_spec, spec.max_steps), self._eval_spec.throttle_secs
        )
        self._estimator.train(input_fn=spec.input_fn, max_steps=spec.max_steps, hooks=[*spec.hooks, *self._train_hooks],
                              saving_listeners=(*spec.saving_listeners, listener))  # fmt: skip
        return listener.eval_result, listener.export_results

    def _train_distributed(self) -> None:
        config = self._estimator.config
        if not config.cluster_spec or not config.master:
            raise ValueError("`RunConfig` has no master set in TF_CONFIG.")
        self._start_server()
        delay = config.experimental_max_worker_delay_secs
        if config.task_type == TaskType.WORKER:
            most = _MAX_DELAY_SECS if delay is None else int(delay)
            wait = min(most, (config.task_id + 1) * _DELAY_SECS_PER_WORKER)
            if wait > 0:
                messages.info("Waiting %d secs before starting training.", wait)
                time.sleep(wait)
        spec = self._train_spec
        self._estimator.train(
            input_fn=spec.input_fn,
            max_steps=spec.max_steps,
            hooks=[*spec.hooks, *self._train_hooks],
            saving_listeners=spec.saving_listeners,
        )

    def _start_server(self) -> Any:
        from penstock.train.server import Server

        c = self._estimator.config
        if c.master and c.master.startswith("grpc"):
            return Server(
                c.cluster_spec, job_name=c.task_type, task_index=c.task_id, config=c.session_config, protocol=c.protocol
            )
        return None

    def run_chief(self) -> None:
        self._train_distributed()

    def run_worker(self) -> None:
        self._train_distributed()

    def run_master(self) -> Any:
        """The chief that evaluates too."""
        self._start_server()
        return self._train_with_evaluation()

    def run_ps(self) -> None:
        self._start_server().join()

    def run_evaluator(self) -> None:
        """Evaluate new checkpoints until the last step was evaluated."""
        spec = self._eval_spec
        if spec.start_delay_secs:
            messages.info("Waiting %f secs before starting eval.", spec.start_delay_secs)
            time.sleep(spec.start_delay_secs)
        evaluator = _Evaluator(self._estimator, spec, self._train_spec.max_steps)
        while True:
            begun = time.time()
            metrics, _ = evaluator.evaluate_and_export()
            last = self._train_spec.max_steps
            if metrics is not None and last and metrics[GraphKeys.GLOBAL_STEP] >= last:
                messages.info(
                    "Exiting evaluation, global_step=%s >= train max_steps=%s", metrics[GraphKeys.GLOBAL_STEP], last
                )
                return
            time.sleep(max(spec.throttle_secs - (time.time() - begun), 0))
