"""Hooks that write: checkpoints, summaries, steps per second, timelines."""

import os
from typing import Any

from penstock.base.files import write_whole
from penstock.fronts.default_graph import get_default_graph
from penstock.ir.subgraph import write_graph
from penstock.platform import messages
from penstock.state.collections import GraphKeys
from penstock.train.basic_session_run_hooks import SecondOrStepTimer, hook_of, step_tensor
from penstock.train.global_step import get_global_step
from penstock.train.session_run_hook import SessionRunArgs, SessionRunHook

FULL_TRACE = 3


def _writer_of(folder: Any) -> Any:
    from penstock.summary.file_writer import FileWriterCache

    return FileWriterCache.get(folder)


def only_saver() -> Any:
    """The one saver of the graph's collection; RuntimeError when there are none, or several."""
    savers = get_default_graph().get_collection(GraphKeys.SAVERS)
    if not savers:
        raise RuntimeError(
            f"No items in collection {GraphKeys.SAVERS}. Please add a saver to the collection or provide a saver or scaffold."
        )
    if len(savers) > 1:
        raise RuntimeError(
            f"More than one item in collection {GraphKeys.SAVERS}. Please indicate which one to use by passing it to the constructor."
        )
    return savers[0]


@hook_of("CheckpointSaverListener")
class CheckpointSaverListener:
    """Called by CheckpointSaverHook around each save."""

    def begin(self) -> None:
        """Called when the hook begins."""

    def before_save(self, session: Any, global_step_value: int) -> None:
        """Called before a checkpoint is written."""

    def after_save(self, session: Any, global_step_value: int) -> Any:
        """Called after a checkpoint is written; True asks to stop."""

    def end(self, session: Any, global_step_value: int) -> None:
        """Called when the hook ends."""


@hook_of("CheckpointSaverHook")
class CheckpointSaverHook(SessionRunHook):
    """Writes a checkpoint when a session was made, every N steps or seconds, and at the end."""

    def __init__(self, checkpoint_dir: Any, save_secs: float | None = None, save_steps: int | None = None, saver: Any = None,
                 checkpoint_basename: str = "model.ckpt", scaffold: Any = None, listeners: Any = None, save_graph_def: bool = True):  # fmt: skip
        messages.info("Create CheckpointSaverHook.")
        if saver is not None and scaffold is not None:
            raise ValueError("You cannot provide both saver and scaffold.")
        self._saver, self._checkpoint_dir, self._scaffold = saver, os.fspath(checkpoint_dir), scaffold
        self._save_path = os.path.join(self._checkpoint_dir, checkpoint_basename)
        self._timer = SecondOrStepTimer(every_secs=save_secs, every_steps=save_steps)
        self._listeners = list(listeners or [])
        self._save_graph_def = save_graph_def
        self._steps_per_run = 1

    def _set_steps_per_run(self, steps_per_run: int) -> None:
        self._steps_per_run = steps_per_run

    def begin(self) -> None:
        self._summary_writer = _writer_of(self._checkpoint_dir)
        self._global_step_tensor = step_tensor("CheckpointSaverHook")
        for listener in self._listeners:
            listener.begin()

    def after_create_session(self, session: Any, coord: Any) -> None:
        from penstock.state.meta_graph import export_meta_graph

        step = session.run(self._global_step_tensor)
        graph = get_default_graph()
        if self._save_graph_def:
            write_graph(graph.as_graph_def(add_shapes=True), self._checkpoint_dir, "graph.pbtxt")
        saver = self._get_saver()
        self._summary_writer.add_graph(graph)
        self._summary_writer.add_meta_graph(export_meta_graph(saver_def=saver.saver_def if saver else None))
        self._save(session, step)
        self._timer.update_last_triggered_step(step)

    def before_run(self, run_context: Any) -> Any:
        return SessionRunArgs(self._global_step_tensor)

    def after_run(self, run_context: Any, run_values: Any) -> None:
        step = run_values.results
        if self._timer.should_trigger_for_step(step):
            self._timer.update_last_triggered_step(step)
            if self._save(run_context.session, step):
                run_context.request_stop()

    def end(self, session: Any) -> None:
        step = session.run(self._global_step_tensor)
        if step != self._timer.last_triggered_step():
            self._save(session, step)
        for listener in self._listeners:
            listener.end(session, step)

    def _save(self, session: Any, step: int) -> bool:
        from penstock.base.proto import event_pb2

        messages.info("Saving checkpoints for %d into %s.", step, self._save_path)
        for listener in self._listeners:
            listener.before_save(session, step)
        self._get_saver().save(session, self._save_path, global_step=step, write_meta_graph=self._save_graph_def)
        log = event_pb2.SessionLog(status=event_pb2.SessionLog.CHECKPOINT, checkpoint_path=self._save_path)
        self._summary_writer.add_session_log(log, step)
        stop = False
        for listener in self._listeners:
            if listener.after_save(session, step):
                messages.info("A CheckpointSaverListener requested that training be stopped. listener: %s", listener)
                stop = True
        return stop

    def _get_saver(self) -> Any:
        if self._saver is not None:
            return self._saver
        if self._scaffold is not None:
            return self._scaffold.saver
        self._saver = only_saver()
        return self._saver


@hook_of("SummarySaverHook")
class SummarySaverHook(SessionRunHook):
    """Writes the graph's summaries at the first run and then every N steps or seconds."""

    def __init__(self, save_steps: int | None = None, save_secs: float | None = None, output_dir: Any = None, summary_writer: Any = None,
                 scaffold: Any = None, summary_op: Any = None):  # fmt: skip
        if (scaffold is None) == (summary_op is None):
            raise ValueError("Exactly one of scaffold or summary_op must be provided.")
        self._summary_op, self._summary_writer, self._output_dir, self._scaffold = (
            summary_op,
            summary_writer,
            output_dir,
            scaffold,
        )
        self._timer = SecondOrStepTimer(every_secs=save_secs, every_steps=save_steps)

    def begin(self) -> None:
        if self._summary_writer is None and self._output_dir:
            self._summary_writer = _writer_of(self._output_dir)
        self._next_step: int | None = None
        self._global_step_tensor = step_tensor("SummarySaverHook")

    def before_run(self, run_context: Any) -> Any:
        self._request_summary = self._next_step is None or self._timer.should_trigger_for_step(self._next_step)
        summary_op = self._get_summary_op() if self._request_summary else None
        if summary_op is None:
            return SessionRunArgs({"global_step": self._global_step_tensor})
        return SessionRunArgs({"global_step": self._global_step_tensor, "summary": summary_op})

    def after_run(self, run_context: Any, run_values: Any) -> None:
        if not self._summary_writer:
            return
        step = run_values.results["global_step"]
        if self._next_step is None:
            from penstock.base.proto import event_pb2

            self._summary_writer.add_session_log(event_pb2.SessionLog(status=event_pb2.SessionLog.START), step)
        if self._request_summary:
            self._timer.update_last_triggered_step(step)
            for summary in run_values.results.get("summary", ()):
                self._summary_writer.add_summary(summary, step)
        self._next_step = step + 1

    def end(self, session: Any = None) -> None:
        if self._summary_writer:
            self._summary_writer.flush()

    def _get_summary_op(self) -> Any:
        found = self._summary_op
        if found is None and self._scaffold.summary_op is not None:
            found = self._scaffold.summary_op
        return found if found is None or isinstance(found, list) else [found]


@hook_of("StepCounterHook")
class StepCounterHook(SessionRunHook):
    """Logs, and writes as a summary, how many steps are made in a second."""

    def __init__(
        self,
        every_n_steps: int | None = 100,
        every_n_secs: float | None = None,
        output_dir: Any = None,
        summary_writer: Any = None,
    ):
        if (every_n_steps is None) == (every_n_secs is None):
            raise ValueError("exactly one of every_n_steps and every_n_secs should be provided.")
        self._timer = SecondOrStepTimer(every_steps=every_n_steps, every_secs=every_n_secs)
        self._summary_writer, self._output_dir = summary_writer, output_dir
        self._last_global_step: int | None = None
        self._steps_per_run = 1

    def _set_steps_per_run(self, steps_per_run: int) -> None:
        self._steps_per_run = steps_per_run

    def begin(self) -> None:
        if self._summary_writer is None and self._output_dir:
            self._summary_writer = _writer_of(self._output_dir)
        self._global_step_tensor = step_tensor("StepCounterHook")
        self._summary_tag = f"{get_global_step().op.name}/sec"
        self._warned = 0

    def before_run(self, run_context: Any) -> Any:
        return SessionRunArgs(self._global_step_tensor)

    def _log_and_record(self, elapsed_steps: int, elapsed_time: float, global_step: int) -> None:
        from penstock.base.proto import summary_pb2

        rate = elapsed_steps / elapsed_time
        if self._summary_writer is not None:
            value = summary_pb2.Summary.Value(tag=self._summary_tag, simple_value=rate)
            self._summary_writer.add_summary(summary_pb2.Summary(value=[value]), global_step)
        messages.info("%s: %g", self._summary_tag, rate)

    def after_run(self, run_context: Any, run_values: Any) -> None:
        step = run_values.results
        if self._timer.should_trigger_for_step(step):
            seconds, steps = self._timer.update_last_triggered_step(step)
            if seconds is not None:
                self._log_and_record(steps, max(seconds, 1e-9), step)
        if self._last_global_step is not None and step == self._last_global_step and self._warned < 5:
            self._warned += 1
            messages.warning(
                "It seems that global step (tf.train.get_global_step) has not been increased. Current value (could be stable): %s vs previous value: "
                "%s. You could increase the global step by passing tf.train.get_global_step() to Optimizer.apply_gradients or Optimizer.minimize.",
                step, self._last_global_step,
            )  # fmt: skip
        self._last_global_step = step


@hook_of("ProfilerHook")
class ProfilerHook(SessionRunHook):
    """Writes a timeline of one run, in the format of chrome://tracing, every N steps or seconds."""

    def __init__(self, save_steps: int | None = None, save_secs: float | None = None, output_dir: Any = "", show_dataflow: bool = True,
                 show_memory: bool = False):  # fmt: skip
        self._output_dir = os.fspath(output_dir)
        self._output_file = os.path.join(self._output_dir, "timeline-{}.json")
        self._show_dataflow, self._show_memory = show_dataflow, show_memory
        self._timer = SecondOrStepTimer(every_secs=save_secs, every_steps=save_steps)

    def begin(self) -> None:
        self._next_step: int | None = None
        self._global_step_tensor = step_tensor("ProfilerHook")
        self._file_writer = _writer_of(self._output_dir)

    def before_run(self, run_context: Any) -> Any:
        from penstock.base.proto import config_pb2

        self._request_summary = self._next_step is not None and self._timer.should_trigger_for_step(self._next_step)
        options = config_pb2.RunOptions(trace_level=FULL_TRACE) if self._request_summary else None
        return SessionRunArgs({"global_step": self._global_step_tensor}, options=options)

    def after_run(self, run_context: Any, run_values: Any) -> None:
        step = run_values.results["global_step"]
        if self._next_step is None:  # nothing is written before N steps or seconds have passed
            self._timer.update_last_triggered_step(step - 1)
        if self._request_summary:
            self._timer.update_last_triggered_step(step)
            self._save(step, self._output_file.format(step), run_values.run_metadata.step_stats)
            self._file_writer.add_run_metadata(run_values.run_metadata, f"step_{step}")
        self._next_step = step + 1

    def _save(self, step: int, save_path: str, step_stats: Any) -> None:
        from penstock.platform.timeline import Timeline

        messages.info("Saving timeline for %d into '%s'.", step, save_path)
        text = Timeline(step_stats).generate_chrome_trace_format(self._show_dataflow, self._show_memory)
        write_whole(save_path, [text.encode()])
