"""`tf.estimator.experimental`: hooks that end a training by what evaluations found."""

import collections
import functools
import operator
import os
import struct
import time
from collections.abc import Callable, Iterator
from typing import Any

from penstock.base import dtypes
from penstock.estimator.estimator import Estimator
from penstock.estimator.names import estimator_export
from penstock.platform import messages
from penstock.state.checkpoints import latest_checkpoint
from penstock.state.collections import GraphKeys
from penstock.state.initializers import ConstantV1
from penstock.state.scopes import AUTO_REUSE, get_variable, variable_scope
from penstock.train.basic_session_run_hooks import SecondOrStepTimer, StopAtStepHook, step_tensor
from penstock.train.session_run_hook import SessionRunArgs, SessionRunHook


def events_of(path: str) -> Iterator[Any]:
    """The events of a file, up to its first record that is cut off."""
    from penstock.base.proto import event_pb2

    with open(path, "rb") as file:
        data = file.read()
    at = 0
    while at + 12 <= len(data):
        (size,) = struct.unpack("<Q", data[at : at + 8])
        if at + 16 + size > len(data):
            return
        yield event_pb2.Event.FromString(data[at + 12 : at + 12 + size])
        at += size + 16


@estimator_export("experimental.make_early_stopping_hook")
def make_early_stopping_hook(estimator: Any, should_stop_fn: Callable[[], bool], run_every_secs: float | None = 60,
                             run_every_steps: int | None = None) -> Any:  # fmt: skip
    """A hook for `train` that asks `should_stop_fn()` now and then, and stops when it says True."""
    if not isinstance(estimator, Estimator):
        raise TypeError(f"`estimator` must have type `tf.estimator.Estimator`. Got: {type(estimator)}")
    if run_every_secs is not None and run_every_steps is not None:
        raise ValueError("Only one of `run_every_secs` and `run_every_steps` must be set.")
    if estimator.config.is_chief:
        return _StopOnPredicateHook(should_stop_fn, run_every_secs, run_every_steps)
    return _CheckForStoppingHook()


def _threshold(
    estimator: Any, metric_name: str, threshold: float, better: Any, word: str, eval_dir: Any, min_steps: int
) -> bool:
    for step, found in read_eval_metrics(eval_dir or estimator.eval_dir()).items():
        if step < min_steps:
            continue
        value = found[metric_name]
        if better(value, threshold):
            messages.info('At step %s, metric "%s" has value %s which is %s the configured threshold (%s) for early stopping.', step, metric_name, value,
                          word, threshold)  # fmt: skip
            return True
    return False


def _no_improvement(
    estimator: Any, metric_name: str, most: int, better: Any, word: str, eval_dir: Any, min_steps: int
) -> bool:
    best = best_step = None
    for step, found in read_eval_metrics(eval_dir or estimator.eval_dir()).items():
        if step < min_steps:
            continue
        value = found[metric_name]
        if best is None or better(value, best):
            best, best_step = value, step
        if step - (best_step or 0) >= most:
            messages.info('No %s in metric "%s" for %s steps, which is greater than or equal to max steps (%s) configured for early stopping.', word,
                          metric_name, step - (best_step or 0), most)  # fmt: skip
            return True
    return False


@estimator_export("experimental.stop_if_higher_hook")
def stop_if_higher_hook(estimator: Any, metric_name: str, threshold: float, eval_dir: Any = None, min_steps: int = 0, run_every_secs: float | None = 60,
                        run_every_steps: int | None = None) -> Any:  # fmt: skip
    """A hook that stops training when a metric is above a threshold."""
    test = functools.partial(
        _threshold, estimator, metric_name, threshold, operator.gt, "higher than", eval_dir, min_steps
    )
    return make_early_stopping_hook(estimator, test, run_every_secs, run_every_steps)


@estimator_export("experimental.stop_if_lower_hook")
def stop_if_lower_hook(estimator: Any, metric_name: str, threshold: float, eval_dir: Any = None, min_steps: int = 0, run_every_secs: float | None = 60,
                       run_every_steps: int | None = None) -> Any:  # fmt: skip
    """A hook that stops training when a metric is below a threshold."""
    test = functools.partial(
        _threshold, estimator, metric_name, threshold, operator.lt, "lower than", eval_dir, min_steps
    )
    return make_early_stopping_hook(estimator, test, run_every_secs, run_every_steps)


@estimator_export("experimental.stop_if_no_increase_hook")
def stop_if_no_increase_hook(estimator: Any, metric_name: str, max_steps_without_increase: int, eval_dir: Any = None, min_steps: int = 0,
                             run_every_secs: float | None = 60, run_every_steps: int | None = None) -> Any:  # fmt: skip
    """A hook that stops training when a metric has not grown for so many steps."""
    test = functools.partial(
        _no_improvement,
        estimator,
        metric_name,
        max_steps_without_increase,
        operator.gt,
        "increase",
        eval_dir,
        min_steps,
    )
    return make_early_stopping_hook(estimator, test, run_every_secs, run_every_steps)


@estimator_export("experimental.stop_if_no_decrease_hook")
def stop_if_no_decrease_hook(estimator: Any, metric_name: str, max_steps_without_decrease: int, eval_dir: Any = None, min_steps: int = 0,
                             run_every_secs: float | None = 60, run_every_steps: int | None = None) -> Any:  # fmt: skip
    """A hook that stops training when a metric has not fallen for so many steps."""
    test = functools.partial(
        _no_improvement,
        estimator,
        metric_name,
        max_steps_without_decrease,
        operator.lt,
        "decrease",
        eval_dir,
        min_steps,
    )
    return make_early_stopping_hook(estimator, test, run_every_secs, run_every_steps)


def read_eval_metrics(eval_dir: Any) -> "collections.OrderedDict[int, dict[str, float]]":
    """Step to metrics, from the event files of a folder."""
    found: dict[int, dict[str, float]] = {}
    folder = os.fspath(eval_dir)
    for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
        if ".tfevents." not in name:
            continue
        for event in events_of(os.path.join(folder, name)):
            if event.HasField("summary"):
                metrics = {v.tag: v.simple_value for v in event.summary.value if v.HasField("simple_value")}
                if metrics:
                    found[event.step] = metrics
    return collections.OrderedDict(sorted(found.items()))


def _stop_variable() -> Any:
    with variable_scope("signal_early_stopping", reuse=AUTO_REUSE):
        return get_variable(
            "STOP",
            shape=[],
            dtype=dtypes.bool,
            initializer=ConstantV1(False),
            collections=[GraphKeys.GLOBAL_VARIABLES],
            trainable=False,
        )


class _StopOnPredicateHook(SessionRunHook):
    """The chief's hook: asks, and tells the workers through a variable."""

    def __init__(self, should_stop_fn: Any, run_every_secs: float | None = 60, run_every_steps: int | None = None):
        if not callable(should_stop_fn):
            raise TypeError("`should_stop_fn` must be callable.")
        self._should_stop_fn = should_stop_fn
        self._timer = SecondOrStepTimer(every_secs=run_every_secs, every_steps=run_every_steps)

    def begin(self) -> None:
        self._stop_var = _stop_variable()
        self._stop_op = self._stop_var.assign(True)
        self._global_step_tensor = step_tensor("_StopOnPredicateHook")

    def before_run(self, run_context: Any) -> Any:
        return SessionRunArgs(self._global_step_tensor)

    def after_run(self, run_context: Any, run_values: Any) -> None:
        step = run_values.results
        if self._timer.should_trigger_for_step(step):
            self._timer.update_last_triggered_step(step)
            if self._should_stop_fn():
                messages.info("Requesting early stopping at global step %d", step)
                run_context.session.run(self._stop_op)
                run_context.request_stop()


class _CheckForStoppingHook(SessionRunHook):
    """A worker's hook: stops when the chief says so."""

    def begin(self) -> None:
        self._stop_var = _stop_variable()

    def before_run(self, run_context: Any) -> Any:
        return SessionRunArgs(self._stop_var)

    def after_run(self, run_context: Any, run_values: Any) -> None:
        if run_values.results:
            messages.info("Early stopping requested, suspending run.")
            run_context.request_stop()


@estimator_export("experimental.make_stop_at_checkpoint_step_hook")
def make_stop_at_checkpoint_step_hook(estimator: Any, last_step: int, wait_after_file_check_secs: float = 30) -> Any:
    """A hook that stops at a step; workers wait until the chief has written that step's checkpoint."""
    if estimator.config.is_chief:
        return StopAtStepHook(last_step=last_step)
    return _StopAtCheckpointStepHook(estimator.model_dir, last_step, wait_after_file_check_secs)


class _StopAtCheckpointStepHook(SessionRunHook):
    """Stops when the newest checkpoint has the step."""

    def __init__(self, model_dir: Any, last_step: int, wait_after_file_check_secs: float = 30):
        if last_step is None:
            raise ValueError("last_step must be specified.")
        if model_dir is None:
            raise ValueError("model_dir must be specified.")
        self._model_dir, self._last_step, self._wait = model_dir, last_step, wait_after_file_check_secs

    def begin(self) -> None:
        self._global_step_tensor = step_tensor("StopAtCheckpointStepHook")

    def before_run(self, run_context: Any) -> Any:
        return SessionRunArgs(self._global_step_tensor)

    def after_run(self, run_context: Any, run_values: Any) -> None:
        if run_values.results < self._last_step:
            return
        if run_context.session.run(self._global_step_tensor) >= self._last_step:
            path = latest_checkpoint(self._model_dir)
            if path and int(path.rpartition("-")[2]) >= self._last_step:
                run_context.request_stop()
            else:
                messages.info(
                    "Did not find the checkpoint of step %d in %s yet; waiting.", self._last_step, self._model_dir
                )
                time.sleep(self._wait)
