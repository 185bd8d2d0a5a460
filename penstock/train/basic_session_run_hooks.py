"""Hooks that stop, log, wait, feed and look for NaN."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from penstock.base import errors
from penstock.base.export import export
from penstock.fronts.default_graph import get_default_graph
from penstock.platform import messages
from penstock.train.global_step import get_global_step
from penstock.train.session_run_hook import SessionRunArgs, SessionRunHook


def hook_of(name: str, *also: str) -> Callable[[Any], Any]:
    """Publish a hook as `tf.train.<name>` of 1.x and `tf.estimator.<name>` of both APIs."""
    return export(v1=(f"train.{name}", f"estimator.{name}", *also), v2=(f"estimator.{name}",))


def step_tensor(user: str) -> Any:
    """An op that reads the global step after all ops made so far, so after the training op; RuntimeError without a step."""
    step = get_global_step()
    if step is None:
        raise RuntimeError(f"Global step should be created to use {user}.")
    graph = get_default_graph()
    with (
        graph.as_default(),
        graph.name_scope(None),
        graph.name_scope(f"{step.op.name}/"),
        graph.control_dependencies(None),
    ):
        from penstock.ops.identity import identity

        return identity(step.read_value() if hasattr(step, "read_value") else step)


def _graph_element(thing: Any) -> Any:
    graph = get_default_graph()
    if hasattr(thing, "as_graph_element") or not isinstance(thing, str) and not hasattr(thing, "graph"):
        return thing
    element = graph.as_graph_element(thing)
    if getattr(element, "graph", graph) is not graph:
        raise ValueError(f"Passed {thing} should have graph attribute that is equal to current graph {graph}.")
    return element


class _HookTimer:
    """Tells a hook at which steps to act."""

    def __init__(self) -> None:
        pass

    def reset(self) -> None:
        """Forget when it acted."""

    def should_trigger_for_step(self, step: int) -> bool:
        """Is it time to act at this step?"""
        raise NotImplementedError

    def update_last_triggered_step(self, step: int) -> tuple[Any, Any]:
        """Note that it acted; gives (seconds, steps) since the time before."""
        raise NotImplementedError

    def last_triggered_step(self) -> int | None:
        """The step at which it acted last."""
        raise NotImplementedError


@hook_of("SecondOrStepTimer")
class SecondOrStepTimer(_HookTimer):
    """Acts at most once every so many seconds, or once every so many steps."""

    def __init__(self, every_secs: float | None = None, every_steps: int | None = None):
        self.reset()
        self._every_secs, self._every_steps = every_secs, every_steps
        if every_secs is None and every_steps is None:
            raise ValueError("Either every_secs or every_steps should be provided.")
        if every_secs is not None and every_steps is not None:
            raise ValueError("Can not provide both every_secs and every_steps.")

    def reset(self) -> None:
        self._last_triggered_step: int | None = None
        self._last_triggered_time: float | None = None

    def should_trigger_for_step(self, step: int) -> bool:
        if self._last_triggered_step is None:
            return True
        if self._last_triggered_step == step:
            return False
        if self._every_secs is not None:
            return time.time() >= (self._last_triggered_time or 0.0) + self._every_secs
        return step >= self._last_triggered_step + (self._every_steps or 0)

    def update_last_triggered_step(self, step: int) -> tuple[Any, Any]:
        now = time.time()
        since: tuple[Any, Any] = (None, None)
        if self._last_triggered_step is not None and self._last_triggered_time is not None:
            since = (now - self._last_triggered_time, step - self._last_triggered_step)
        self._last_triggered_time, self._last_triggered_step = now, step
        return since

    def last_triggered_step(self) -> int | None:
        return self._last_triggered_step


class NeverTriggerTimer(_HookTimer):
    """Never acts."""

    def should_trigger_for_step(self, step: int) -> bool:
        return False

    def update_last_triggered_step(self, step: int) -> tuple[Any, Any]:
        return None, None

    def last_triggered_step(self) -> int | None:
        return None


@hook_of("LoggingTensorHook")
class LoggingTensorHook(SessionRunHook):
    """Logs the values of tensors every N runs, every N seconds, or at the end."""

    def __init__(self, tensors: Any, every_n_iter: int | None = None, every_n_secs: float | None = None, at_end: bool = False,
                 formatter: Callable[[dict[Any, Any]], str] | None = None):  # fmt: skip
        if (
            not at_end
            and (every_n_iter is None) == (every_n_secs is None)
            or every_n_iter is not None
            and every_n_secs is not None
        ):
            raise ValueError("either at_end and/or exactly one of every_n_iter and every_n_secs must be provided.")
        if every_n_iter is not None and every_n_iter <= 0:
            raise ValueError(f"invalid every_n_iter={every_n_iter}.")
        if not isinstance(tensors, dict):
            self._tag_order = list(tensors)
            tensors = {item: item for item in tensors}
        else:
            self._tag_order = sorted(tensors)
        self._tensors, self._formatter, self._log_at_end = tensors, formatter, at_end
        never = every_n_iter is None and every_n_secs is None
        self._timer = (
            NeverTriggerTimer() if never else SecondOrStepTimer(every_secs=every_n_secs, every_steps=every_n_iter)
        )

    def begin(self) -> None:
        self._timer.reset()
        self._iter_count = 0
        self._should_trigger = False
        self._current_tensors = {tag: _graph_element(t) for tag, t in self._tensors.items()}

    def before_run(self, run_context: Any) -> Any:
        self._should_trigger = self._timer.should_trigger_for_step(self._iter_count)
        return SessionRunArgs(self._current_tensors) if self._should_trigger else None

    def _log_tensors(self, tensor_values: dict[Any, Any]) -> None:
        elapsed, _ = self._timer.update_last_triggered_step(self._iter_count)
        if self._formatter:
            messages.info(self._formatter(tensor_values))
            return
        with np.printoptions(suppress=True):
            line = ", ".join("%s = %s" % (tag, tensor_values[tag]) for tag in self._tag_order)  # noqa: UP031 - str(), not format()
        messages.info("%s (%.3f sec)", line, elapsed) if elapsed is not None else messages.info("%s", line)

    def after_run(self, run_context: Any, run_values: Any) -> None:
        if self._should_trigger:
            self._log_tensors(run_values.results)
        self._iter_count += 1

    def end(self, session: Any) -> None:
        if self._log_at_end:
            self._log_tensors(session.run(self._current_tensors))


@hook_of("StopAtStepHook")
class StopAtStepHook(SessionRunHook):
    """Asks to stop after `num_steps` more steps, or at `last_step`."""

    def __init__(self, num_steps: int | None = None, last_step: int | None = None):
        if num_steps is None and last_step is None:
            raise ValueError("One of num_steps or last_step must be specified.")
        if num_steps is not None and last_step is not None:
            raise ValueError("Only one of num_steps or last_step can be specified.")
        self._num_steps, self._last_step = num_steps, last_step

    def begin(self) -> None:
        self._global_step_tensor = step_tensor("StopAtStepHook")

    def after_create_session(self, session: Any, coord: Any) -> None:
        if self._last_step is None:
            self._last_step = session.run(self._global_step_tensor) + self._num_steps

    def before_run(self, run_context: Any) -> Any:
        return SessionRunArgs(self._global_step_tensor)

    def after_run(self, run_context: Any, run_values: Any) -> None:
        if run_values.results >= self._last_step:
            run_context.request_stop()


@hook_of("NanLossDuringTrainingError")
class NanLossDuringTrainingError(RuntimeError):
    """The loss became NaN."""

    def __str__(self) -> str:
        return "NaN loss during training."


@hook_of("NanTensorHook")
class NanTensorHook(SessionRunHook):
    """Stops, or raises NanLossDuringTrainingError, when a tensor becomes NaN."""

    def __init__(self, loss_tensor: Any, fail_on_nan_loss: bool = True):
        self._loss_tensor, self._fail_on_nan_loss = loss_tensor, fail_on_nan_loss

    def before_run(self, run_context: Any) -> Any:
        return SessionRunArgs(self._loss_tensor)

    def after_run(self, run_context: Any, run_values: Any) -> None:
        if np.isnan(run_values.results):
            text = "Model diverged with loss = NaN."
            if self._fail_on_nan_loss:
                messages.error(text)
                raise NanLossDuringTrainingError
            messages.warning(text)
            run_context.request_stop()


@hook_of("GlobalStepWaiterHook")
class GlobalStepWaiterHook(SessionRunHook):
    """Holds the first run back until the global step has reached a number."""

    def __init__(self, wait_until_step: int):
        self._wait_until_step = wait_until_step

    def begin(self) -> None:
        self._worker_is_started = False
        self._global_step_tensor = step_tensor("_GlobalStepWaiterHook")

    def before_run(self, run_context: Any) -> Any:
        if self._worker_is_started:
            return None
        if self._wait_until_step <= 0:
            self._worker_is_started = True
            return None
        messages.info("Waiting for global step %d before starting training.", self._wait_until_step)
        last_logged = 0
        while True:
            step = run_context.session.run(self._global_step_tensor)
            if step >= self._wait_until_step:
                self._worker_is_started = True
                return None
            if step - last_logged > 1000:
                messages.info(
                    "Waiting for global step %d before starting training. Current step is %d.",
                    self._wait_until_step,
                    step,
                )
                last_logged = step
            time.sleep(0.5)


@hook_of("FinalOpsHook")
class FinalOpsHook(SessionRunHook):
    """Runs ops once more at the end of the session; their values are `final_ops_values`."""

    def __init__(self, final_ops: Any, final_ops_feed_dict: Any = None):
        self._final_ops, self._final_ops_feed_dict, self._final_ops_values = final_ops, final_ops_feed_dict, None

    @property
    def final_ops_values(self) -> Any:
        return self._final_ops_values

    def end(self, session: Any) -> None:
        if self._final_ops is None:
            return
        try:
            self._final_ops_values = session.run(self._final_ops, feed_dict=self._final_ops_feed_dict)
        except (errors.OutOfRangeError, StopIteration):
            messages.warning(
                "The ops that FinalOpsHook runs read from an input source that is at its end (OutOfRangeError or StopIteration). Final ops must read "
                "variables only: of a metric of an Estimator that is `value_op`; only `update_op` may depend on the next batch."
            )
            raise


@hook_of("FeedFnHook")
class FeedFnHook(SessionRunHook):
    """Feeds every run what a function gives."""

    def __init__(self, feed_fn: Callable[[], Any]):
        self.feed_fn = feed_fn

    def before_run(self, run_context: Any) -> Any:
        return SessionRunArgs(fetches=None, feed_dict=self.feed_fn())
