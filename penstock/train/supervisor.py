"""`Supervisor`: the training helper of before MonitoredTrainingSession: checkpoints, summaries and recovery by threads."""

import contextlib
import math
import os
import time
from collections.abc import Iterator
from typing import Any

from penstock.base.export import export
from penstock.fronts.default_graph import get_default_graph
from penstock.fronts.grouping import group
from penstock.ir import door
from penstock.ir.subgraph import write_graph
from penstock.ops.summaries import merge_all
from penstock.platform import messages
from penstock.state.collections import GraphKeys, add_to_collection, get_collection, global_variables
from penstock.state.initialization import (
    global_variables_initializer,
    local_variables_initializer,
    report_uninitialized_variables,
)
from penstock.state.lookup import tables_initializer
from penstock.state.meta_graph import export_meta_graph
from penstock.state.saver import Saver
from penstock.train.coordinator import Coordinator, LooperThread
from penstock.train.global_step import get_global_step, global_step
from penstock.train.queue_runner import start_queue_runners
from penstock.train.session_manager import SessionManager


def _session_log(**fields: Any) -> Any:
    from penstock.base.proto import event_pb2

    return event_pb2.SessionLog(**fields)


START, STOP, CHECKPOINT = 1, 2, 3


def _first(key: str) -> Any:
    found = get_collection(key)
    if not found:
        return None
    if len(found) > 1:
        messages.info("Found %d %s operations. Returning the first one.", len(found), key)
    return found[0]


def _first_or_made(key: str, make: Any) -> Any:
    found = _first(key)
    if found is None:
        found = make()
        if found is not None:
            add_to_collection(key, found)
    return found


@export(v1=("train.Supervisor",))
class Supervisor:
    """Restores or initialises a model, and saves checkpoints and summaries of it in threads while it is trained.

    >>> sv = tf.train.Supervisor(logdir="/tmp/run")
    >>> with sv.managed_session() as sess:
    ...     while not sv.should_stop(): sess.run(train_op)
    """

    USE_DEFAULT = 0

    def __init__(self, graph: Any = None, ready_op: Any = USE_DEFAULT, ready_for_local_init_op: Any = USE_DEFAULT, is_chief: bool = True,
                 init_op: Any = USE_DEFAULT, init_feed_dict: Any = None, local_init_op: Any = USE_DEFAULT, logdir: Any = None, summary_op: Any = USE_DEFAULT,
                 saver: Any = USE_DEFAULT, global_step: Any = USE_DEFAULT, save_summaries_secs: float = 120, save_model_secs: float = 600,
                 recovery_wait_secs: float = 30, stop_grace_secs: float = 120, checkpoint_basename: str = "model.ckpt", session_manager: Any = None,
                 summary_writer: Any = USE_DEFAULT, init_fn: Any = None, local_init_run_options: Any = None):  # fmt: skip
        if not door.current().is_graph:
            raise RuntimeError("Supervisors are incompatible with eager execution.")
        graph = get_default_graph() if graph is None else graph
        default = lambda value, make: make() if value is Supervisor.USE_DEFAULT else value
        with graph.as_default():
            self._ready_op = default(
                ready_op, lambda: _first_or_made(GraphKeys.READY_OP, report_uninitialized_variables)
            )
            self._ready_for_local_init_op = default(
                ready_for_local_init_op, lambda: _first(GraphKeys.READY_FOR_LOCAL_INIT_OP)
            )
            self._init_op = default(init_op, lambda: _first_or_made(GraphKeys.INIT_OP, global_variables_initializer))
            self._init_feed_dict = init_feed_dict
            local = lambda: group(local_variables_initializer(), tables_initializer())
            self._local_init_op = default(local_init_op, lambda: _first_or_made(GraphKeys.LOCAL_INIT_OP, local))
            make_saver = lambda: Saver() if global_variables() else None
            self._saver = default(saver, lambda: _first_or_made(GraphKeys.SAVERS, make_saver))
            self._summary_op = default(summary_op, lambda: _first_or_made(GraphKeys.SUMMARY_OP, merge_all))
            self._global_step = default(global_step, self._default_global_step)
        self._graph = graph
        self._meta_graph_def = export_meta_graph(graph=graph, saver_def=self._saver.saver_def if self._saver else None)
        self._is_chief, self._coord = is_chief, Coordinator()
        self._recovery_wait_secs, self._stop_grace_secs = recovery_wait_secs, stop_grace_secs
        self._init_fn, self._local_init_run_options = init_fn, local_init_run_options
        self._graph_added_to_summary = False
        self._logdir = os.fspath(logdir) if is_chief and logdir else None
        self._save_summaries_secs = save_summaries_secs if is_chief else None
        self._save_model_secs = save_model_secs if is_chief else None
        self._save_path = os.path.join(self._logdir, checkpoint_basename) if self._logdir else None
        self._summary_writer: Any = None
        if is_chief and summary_writer is Supervisor.USE_DEFAULT:
            if self._logdir:
                from penstock.summary.file_writer import FileWriter

                self._summary_writer = FileWriter(self._logdir)
        elif is_chief:
            self._summary_writer = summary_writer
        self._session_manager = session_manager if session_manager is not None else SessionManager(
            local_init_op=self._local_init_op, ready_op=self._ready_op, ready_for_local_init_op=self._ready_for_local_init_op, graph=graph,
            recovery_wait_secs=recovery_wait_secs, local_init_run_options=local_init_run_options,
        )  # fmt: skip
        if not is_chief:
            for op in graph.get_operations():
                if op.type in ("Variable", "VariableV2") and not op.device:
                    raise ValueError(f"When using replicas, all Variables must have their device set: {op}")
        graph.finalize()

    @staticmethod
    def _default_global_step() -> Any:
        return get_global_step()

    is_chief = property(lambda s: s._is_chief)
    session_manager = property(lambda s: s._session_manager)
    coord = property(lambda s: s._coord)
    init_op = property(lambda s: s._init_op)
    init_feed_dict = property(lambda s: s._init_feed_dict)
    ready_op = property(lambda s: s._ready_op)
    ready_for_local_init_op = property(lambda s: s._ready_for_local_init_op)
    summary_writer = property(lambda s: s._summary_writer)
    summary_op = property(lambda s: s._summary_op)
    save_summaries_secs = property(lambda s: s._save_summaries_secs)
    global_step = property(lambda s: s._global_step)
    saver = property(lambda s: s._saver)
    save_model_secs = property(lambda s: s._save_model_secs)
    save_path = property(lambda s: s._save_path)

    def _write_graph(self) -> None:
        if self._logdir:
            write_graph(self._graph.as_graph_def(add_shapes=True), self._logdir, "graph.pbtxt")
        if self._summary_writer and not self._graph_added_to_summary:
            self._summary_writer.add_graph(self._graph)
            self._summary_writer.add_meta_graph(self._meta_graph_def)
            self._graph_added_to_summary = True

    def start_standard_services(self, sess: Any) -> Any:
        """Start the threads that save and count; their list, None without a logdir."""
        if not self._is_chief:
            raise RuntimeError(
                "Only chief supervisor can start standard services. Because only chief supervisors can write events."
            )
        if not self._logdir:
            messages.warning("Standard services need a 'logdir' passed to the SessionManager")
            return None
        if self._global_step is not None and self._summary_writer:
            self._summary_writer.add_session_log(_session_log(status=START), global_step(sess, self._global_step))
        threads: list[LooperThread] = []
        if self._save_summaries_secs and self._summary_writer:
            if self._summary_op is not None:
                threads.append(SVSummaryThread(self, sess))
            if self._global_step is not None:
                threads.append(SVStepCounterThread(self, sess))
        if self.saver and self._save_model_secs:
            threads.append(SVTimerCheckpointThread(self, sess))
        for t in threads:
            t.start()
        return threads

    def prepare_or_wait_for_session(self, master: str = "", config: Any = None, wait_for_checkpoint: bool = False, max_wait_secs: float = 7200,
                                    start_standard_services: bool = True) -> Any:  # fmt: skip
        """A session of the ready model: a chief makes it, others wait for it."""
        self._coord.clear_stop()
        if self._summary_writer:
            self._summary_writer.reopen()
        if self._is_chief:
            sess = self._session_manager.prepare_session(
                master, init_op=self.init_op, saver=self.saver, checkpoint_dir=self._logdir, wait_for_checkpoint=wait_for_checkpoint,
                max_wait_secs=max_wait_secs, config=config, init_feed_dict=self._init_feed_dict, init_fn=self._init_fn,
            )  # fmt: skip
            self._write_graph()
            if start_standard_services:
                messages.info("Starting standard services.")
                self.start_standard_services(sess)
        else:
            sess = self._session_manager.wait_for_session(master, config=config, max_wait_secs=max_wait_secs)
        if start_standard_services:
            messages.info("Starting queue runners.")
            self.start_queue_runners(sess)
        return sess

    def start_queue_runners(self, sess: Any, queue_runners: Any = None) -> list[Any]:
        """Start the graph's queue runners, or those given; gives their threads."""
        if queue_runners is None:
            return start_queue_runners(sess=sess, coord=self._coord)
        return [t for r in queue_runners for t in r.create_threads(sess, coord=self._coord, daemon=True, start=True)]

    def loop(self, timer_interval_secs: float | None, target: Any, args: Any = None, kwargs: Any = None) -> Any:
        """Start a thread that calls `target` again and again until the supervisor stops."""
        looper = LooperThread(self._coord, timer_interval_secs, target=target, args=args, kwargs=kwargs)
        looper.start()
        return looper

    def stop(self, threads: Any = None, close_summary_writer: bool = True, ignore_live_threads: bool = False) -> None:
        """Stop the threads, and wait for them; raises what one of them raised."""
        self._coord.request_stop()
        try:
            self._coord.join(
                threads, stop_grace_period_secs=self._stop_grace_secs, ignore_live_threads=ignore_live_threads
            )
        finally:
            if close_summary_writer and self._summary_writer:
                self._summary_writer.add_session_log(_session_log(status=STOP))
                self._summary_writer.close()
                self._graph_added_to_summary = False

    def request_stop(self, ex: Any = None) -> None:
        self._coord.request_stop(ex=ex)

    def should_stop(self) -> bool:
        return self._coord.should_stop()

    def stop_on_exception(self) -> Any:
        """A context whose exceptions stop the supervisor."""
        return self._coord.stop_on_exception()

    def wait_for_stop(self) -> None:
        self._coord.wait_for_stop()

    def summary_computed(self, sess: Any, summary: Any, global_step: Any = None) -> None:
        """Write a summary that was computed."""
        if not self._summary_writer:
            raise RuntimeError("Writing a summary requires a summary writer.")
        if global_step is None and self.global_step is not None:
            global_step = sess.run(self.global_step)
        self._summary_writer.add_summary(summary, global_step)

    @contextlib.contextmanager
    def managed_session(
        self,
        master: str = "",
        config: Any = None,
        start_standard_services: bool = True,
        close_summary_writer: bool = True,
    ) -> Iterator[Any]:
        """A context with a session; at its end the threads are stopped, and what went wrong in them or in the block is raised."""
        sess = None
        try:
            sess = self.prepare_or_wait_for_session(
                master=master, config=config, start_standard_services=start_standard_services
            )
            yield sess
        except Exception as e:  # noqa: BLE001 - `stop` raises it
            self.request_stop(e)
        finally:
            try:
                self.stop(close_summary_writer=close_summary_writer)
            finally:
                with contextlib.suppress(Exception):
                    if sess is not None:
                        sess.close()

    PrepareSession = prepare_or_wait_for_session
    StartQueueRunners = start_queue_runners
    StartStandardServices = start_standard_services
    Stop, RequestStop, Loop = stop, request_stop, loop
    ShouldStop, StopOnException, WaitForStop, SummaryComputed = (
        should_stop,
        stop_on_exception,
        wait_for_stop,
        summary_computed,
    )


class _ServiceThread(LooperThread):
    """A thread of a supervisor's standard services."""

    def __init__(self, sv: Supervisor, sess: Any, every: float | None):
        super().__init__(sv.coord, every)
        self._sv, self._sess = sv, sess


class SVSummaryThread(_ServiceThread):
    """Writes the summaries every `save_summaries_secs` seconds."""

    def __init__(self, sv: Supervisor, sess: Any):
        super().__init__(sv, sess, sv.save_summaries_secs)

    def run_loop(self) -> None:
        sv = self._sv
        step = None
        if sv.global_step is not None:
            summary, step = self._sess.run([sv.summary_op, sv.global_step])
        else:
            summary = self._sess.run(sv.summary_op)
        if sv.summary_writer:
            messages.info("Recording summary at step %s.", step)
            sv.summary_writer.add_summary(summary, step)


class SVStepCounterThread(_ServiceThread):
    """Writes the steps per second every `save_summaries_secs` seconds."""

    def __init__(self, sv: Supervisor, sess: Any, step_counter: Any = None):
        super().__init__(sv, sess, sv.save_summaries_secs)
        self._step_counter = sv.global_step if step_counter is None else step_counter
        self._summary_tag = f"{self._step_counter.op.name}/sec"

    def start_loop(self) -> None:
        self._last_time = time.time()
        self._last_step = global_step(self._sess, self._step_counter)

    def run_loop(self) -> None:
        from penstock.base.proto import summary_pb2

        now, step = time.time(), global_step(self._sess, self._step_counter)
        seconds, steps = now - self._last_time, step - self._last_step
        self._last_time, self._last_step = now, step
        rate = steps / seconds if seconds else math.inf
        value = summary_pb2.Summary.Value(tag=self._summary_tag, simple_value=rate)
        if self._sv.summary_writer:
            self._sv.summary_writer.add_summary(summary_pb2.Summary(value=[value]), step)
        messages.info("%s: %g", self._summary_tag, rate)


class SVTimerCheckpointThread(_ServiceThread):
    """Saves a checkpoint every `save_model_secs` seconds."""

    def __init__(self, sv: Supervisor, sess: Any):
        super().__init__(sv, sess, sv.save_model_secs)

    def run_loop(self) -> None:
        sv = self._sv
        messages.info("Saving checkpoint to path %s", sv.save_path)
        sv.saver.save(self._sess, sv.save_path, global_step=sv.global_step)
        if sv.summary_writer and sv.global_step is not None:
            log = _session_log(status=CHECKPOINT, checkpoint_path=sv.save_path)
            sv.summary_writer.add_session_log(log, global_step(self._sess, sv.global_step))


@export(v1=("train.basic_train_loop",))
def basic_train_loop(
    supervisor: Supervisor, train_step_fn: Any, args: Any = None, kwargs: Any = None, master: str = ""
) -> None:
    """Call `train_step_fn(session, *args, **kwargs)` until the supervisor stops."""
    args, kwargs = args or [], kwargs or {}
    with supervisor.managed_session(master) as sess:
        while not supervisor.should_stop():
            train_step_fn(sess, *args, **kwargs)
