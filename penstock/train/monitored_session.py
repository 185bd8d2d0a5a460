"""Monitored sessions: sessions that initialise, recover, call hooks and stop their threads."""

import inspect
from typing import Any

from penstock.base import errors
from penstock.base.export import export
from penstock.fronts.default_graph import get_default_graph
from penstock.platform import messages
from penstock.state.collections import GraphKeys
from penstock.train.coordinator import Coordinator
from penstock.train.saving_hooks import CheckpointSaverHook, StepCounterHook, SummarySaverHook
from penstock.train.scaffold import Scaffold
from penstock.train.session_manager import SessionManager
from penstock.train.session_run_hook import SessionRunArgs, SessionRunContext, SessionRunValues

_PREEMPTION_ERRORS = (errors.AbortedError, errors.UnavailableError)
USE_DEFAULT = object()


@export(v1=("train.SessionCreator",))
class SessionCreator:
    """Makes sessions for a MonitoredSession, again after each failure."""

    def create_session(self) -> Any:
        raise NotImplementedError(f"create_session is not implemented for {self}.")


@export(v1=("train.ChiefSessionCreator",))
class ChiefSessionCreator(SessionCreator):
    """Makes the session of a chief: restores the newest checkpoint, or initialises."""

    def __init__(
        self,
        scaffold: Any = None,
        master: str = "",
        config: Any = None,
        checkpoint_dir: Any = None,
        checkpoint_filename_with_path: Any = None,
    ):
        self._checkpoint_dir, self._checkpoint_filename_with_path = checkpoint_dir, checkpoint_filename_with_path
        self._scaffold = scaffold or Scaffold()
        self._session_manager: Any = None
        self._master, self._config = master, config

    def _get_session_manager(self) -> SessionManager:
        if self._session_manager is None:
            s = self._scaffold
            self._session_manager = SessionManager(
                local_init_op=s.local_init_op, local_init_feed_dict=s.local_init_feed_dict, ready_op=s.ready_op,
                ready_for_local_init_op=s.ready_for_local_init_op, graph=get_default_graph(),
            )  # fmt: skip
        return self._session_manager

    def create_session(self) -> Any:
        self._scaffold.finalize()
        s = self._scaffold
        return self._get_session_manager().prepare_session(
            self._master, saver=s.saver, checkpoint_dir=self._checkpoint_dir, checkpoint_filename_with_path=self._checkpoint_filename_with_path,
            config=self._config, init_op=s.init_op, init_feed_dict=s.init_feed_dict, init_fn=s.init_fn,
        )  # fmt: skip


@export(v1=("train.WorkerSessionCreator",))
class WorkerSessionCreator(SessionCreator):
    """Makes the session of a worker: waits until the chief has made the model ready."""

    def __init__(self, scaffold: Any = None, master: str = "", config: Any = None, max_wait_secs: float = 30 * 60):
        self._scaffold = scaffold or Scaffold()
        self._session_manager: Any = None
        self._master, self._config, self._max_wait_secs = master, config, max_wait_secs

    def create_session(self) -> Any:
        self._scaffold.finalize()
        if self._session_manager is None:
            s = self._scaffold
            self._session_manager = SessionManager(
                local_init_op=s.local_init_op, local_init_feed_dict=s.local_init_feed_dict, ready_op=s.ready_op,
                ready_for_local_init_op=s.ready_for_local_init_op, graph=get_default_graph(),
            )  # fmt: skip
        return self._session_manager.wait_for_session(
            self._master, config=self._config, max_wait_secs=self._max_wait_secs
        )


class _WrappedSession:
    """A session around a session: closes it, asks it to stop, passes runs on."""

    def __init__(self, sess: Any):
        self._sess = sess
        self._wrapped_is_stoppable = isinstance(sess, _WrappedSession)

    @property
    def graph(self) -> Any:
        return self._sess.graph

    @property
    def sess_str(self) -> Any:
        return self._sess.sess_str

    def should_stop(self) -> bool:
        """True once closed, or when it or what it wraps wants to stop."""
        if self._check_stop():
            return True
        if self._sess:
            return self._wrapped_is_stoppable and self._sess.should_stop()
        return True

    def _check_stop(self) -> bool:
        return False

    def close(self) -> None:
        if self._sess:
            try:
                self._sess.close()
            except _PREEMPTION_ERRORS as e:
                messages.error(
                    "An error occurred when attempting to close the session. This may be due to a preemption. Error: %s",
                    e,
                )
            finally:
                self._sess = None

    def run(self, *args: Any, **kwargs: Any) -> Any:
        return self._sess.run(*args, **kwargs)

    def run_step_fn(self, step_fn: Any, raw_session: Any, run_with_hooks: Any) -> Any:
        return step_fn(_MonitoredSession.StepContext(raw_session, run_with_hooks or self.run))


class _CoordinatedSession(_WrappedSession):
    """Stops when its coordinator does; raises what the coordinator's threads raised."""

    def __init__(self, sess: Any, coord: Any, stop_grace_period_secs: float = 120):
        super().__init__(sess)
        self._coord, self._stop_grace_period_secs = coord, stop_grace_period_secs

    def _check_stop(self) -> bool:
        self._coord.raise_requested_exception()  # a thread's error is the error of the next call
        return self._coord.should_stop()

    def close(self) -> None:
        self._coord.request_stop()
        try:
            self._coord.join(stop_grace_period_secs=self._stop_grace_period_secs, ignore_live_threads=True)
        finally:
            try:
                super().close()
            except Exception:  # noqa: BLE001, S110 - errors of closing are no news
                pass

    def run(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return self._sess.run(*args, **kwargs)
        except _PREEMPTION_ERRORS:
            raise
        except Exception as original:
            try:
                self._coord.raise_requested_exception()
            except _PREEMPTION_ERRORS:
                raise
            except Exception:  # noqa: BLE001 - the error of the run itself says more
                raise original from None
            raise


class _HookedSession(_WrappedSession):
    """Calls the hooks around each run."""

    def __init__(self, sess: Any, hooks: list[Any]):
        super().__init__(sess)
        self._hooks, self._should_stop = hooks, False

    def _check_stop(self) -> bool:
        return self._should_stop

    def run(self, fetches: Any, feed_dict: Any = None, options: Any = None, run_metadata: Any = None) -> Any:
        if self.should_stop():
            raise RuntimeError("Run called even after should_stop requested.")
        from penstock.base.proto import config_pb2

        context = SessionRunContext(SessionRunArgs(fetches, feed_dict, options), self._sess)
        options = options or config_pb2.RunOptions()
        all_fetches, asking, fed = [fetches], [], {}
        for hook in self._hooks:
            request = hook.before_run(context)
            if request is None:
                continue
            if request.fetches is not None:
                all_fetches.append(request.fetches)
                asking.append(hook)
            if request.feed_dict:
                _no_conflict(fed, request.feed_dict, "Same tensor is fed by two hooks.")
                fed.update(request.feed_dict)
            if request.options:
                _merge_run_options(options, request.options)
        if feed_dict and fed:
            _no_conflict(feed_dict, fed, "Same tensor is fed by a SessionRunHook and user.")
        fed.update(feed_dict or {})
        run_metadata = run_metadata or config_pb2.RunMetadata()
        plain = options.ByteSize() == 0  # nothing asked for: the session's shortest way
        values = self._sess.run(
            tuple(all_fetches), fed or None, **({} if plain else {"options": options, "run_metadata": run_metadata})
        )
        results = {id(hook): v for hook, v in zip(asking, values[1:])}
        for hook in self._hooks:
            hook.after_run(
                context, SessionRunValues(results=results.get(id(hook)), options=options, run_metadata=run_metadata)
            )
        self._should_stop = self._should_stop or context.stop_requested
        return values[0]


def _no_conflict(a: Any, b: Any, message: str) -> None:
    both = set(a) & set(b)
    if both:
        raise RuntimeError(f"{message} Conflict(s): {list(both)}")


def _merge_run_options(options: Any, more: Any) -> None:
    options.trace_level = max(options.trace_level, more.trace_level)
    options.timeout_in_ms = max(options.timeout_in_ms, more.timeout_in_ms)
    options.inter_op_thread_pool = max(options.inter_op_thread_pool, more.inter_op_thread_pool)
    options.output_partition_graphs = max(options.output_partition_graphs, more.output_partition_graphs)
    options.debug_options.debug_tensor_watch_opts.extend(more.debug_options.debug_tensor_watch_opts)
    options.report_tensor_allocations_upon_oom = (
        options.report_tensor_allocations_upon_oom or more.report_tensor_allocations_upon_oom
    )


_LOST = ("This may be due to a preemption in a connected worker or parameter server. %s If it happens often, the servers may be short of memory or of "
         "network bandwidth. Error: %s")  # fmt: skip


class _RecoverableSession(_WrappedSession):
    """Makes a new session where the old one was aborted."""

    def __init__(self, sess_creator: Any):
        self._sess_creator = sess_creator
        super().__init__(self._create_session())

    def _create_session(self) -> Any:
        while True:
            try:
                return self._sess_creator.create_session()
            except _PREEMPTION_ERRORS as e:
                messages.info(
                    "An error was raised while a session was being created. " + _LOST,
                    "A new session will be created.",
                    e,
                )

    def _check_stop(self) -> bool:
        try:
            return self._sess._check_stop() if self._sess else self._sess is None
        except _PREEMPTION_ERRORS as e:
            messages.info("An error was raised while considering whether the session is complete. " + _LOST,
                          "The current session will be closed and a new session will be created.", e)  # fmt: skip
            self.close()
            self._sess = self._create_session()
            return False  # the session was made anew: what asked to stop is asked again
        except Exception:  # noqa: BLE001 - `run` raises it
            return False

    def _again(self, call: Any) -> Any:
        while True:
            try:
                if not self._sess:
                    self._sess = self._create_session()
                return call()
            except _PREEMPTION_ERRORS as e:
                messages.info(
                    "An error was raised. " + _LOST,
                    "The current session will be closed and a new session will be created.",
                    e,
                )
                self.close()
                self._sess = None

    def run(self, fetches: Any, feed_dict: Any = None, options: Any = None, run_metadata: Any = None) -> Any:
        return self._again(
            lambda: self._sess.run(fetches, feed_dict=feed_dict, options=options, run_metadata=run_metadata)
        )

    def run_step_fn(self, step_fn: Any, raw_session: Any, run_with_hooks: Any) -> Any:
        def call() -> Any:
            return self._sess.run_step_fn(step_fn, self._sess_creator.tf_sess or raw_session, self._sess.run)

        return self._again(call)


class _CoordinatedSessionCreator(SessionCreator):
    """Makes a session, its coordinator, its queue threads, and tells the hooks."""

    def __init__(self, session_creator: Any, hooks: list[Any], stop_grace_period_secs: float):
        self._session_creator, self._hooks, self._stop_grace_period_secs = (
            session_creator,
            hooks,
            stop_grace_period_secs,
        )
        self.tf_sess: Any = None
        self.coord: Any = None

    def create_session(self) -> Any:
        from penstock.train.queue_runner import start_queue_runners

        self.tf_sess = self._session_creator.create_session()
        self.coord = Coordinator(clean_stop_exception_types=[])
        if get_default_graph().get_collection(GraphKeys.QUEUE_RUNNERS):
            start_queue_runners(sess=self.tf_sess, coord=self.coord)
        for hook in self._hooks:
            hook.after_create_session(self.tf_sess, self.coord)
        return _CoordinatedSession(_HookedSession(self.tf_sess, self._hooks), self.coord, self._stop_grace_period_secs)


class _StepContext:
    """What a step function gets: the raw session, a run with hooks, and a way to stop."""

    def __init__(self, session: Any, run_with_hooks_fn: Any):
        self._session, self._run_with_hooks_fn = session, run_with_hooks_fn

    @property
    def session(self) -> Any:
        return self._session

    def run_with_hooks(self, *args: Any, **kwargs: Any) -> Any:
        """Like `MonitoredSession.run`."""
        return self._run_with_hooks_fn(*args, **kwargs)

    def request_stop(self) -> None:
        """Leave the training loop: raises StopIteration."""
        raise StopIteration("step_fn has requested the iterations to stop.")


class _MonitoredSession:
    """What MonitoredSession and SingularMonitoredSession share."""

    StepContext = _StepContext

    def __init__(self, session_creator: Any, hooks: Any, should_recover: bool, stop_grace_period_secs: float = 120):
        self._graph_was_finalized = get_default_graph().finalized
        self._hooks = list(hooks or [])
        for hook in self._hooks:
            hook.begin()
        self._coordinated_creator = _CoordinatedSessionCreator(
            session_creator or ChiefSessionCreator(), self._hooks, stop_grace_period_secs
        )
        self._sess: Any = (
            _RecoverableSession(self._coordinated_creator)
            if should_recover
            else self._coordinated_creator.create_session()
        )

    @property
    def graph(self) -> Any:
        """The graph of the session; None once it is closed."""
        sess = self._tf_sess()
        return None if sess is None else sess.graph

    def run(self, fetches: Any, feed_dict: Any = None, options: Any = None, run_metadata: Any = None) -> Any:
        """Like `Session.run`, with the hooks called around it."""
        return self._sess.run(fetches, feed_dict=feed_dict, options=options, run_metadata=run_metadata)

    def run_step_fn(self, step_fn: Any) -> Any:
        """Call `step_fn(step_context)`: inside, `step_context.session.run` runs without hooks, `run_with_hooks` with them."""
        if not callable(step_fn):
            raise TypeError("unsupported callable")
        names = tuple(inspect.getfullargspec(step_fn).args)
        if names not in (("step_context",), ("self", "step_context")):
            raise ValueError("`step_fn` may either have one `step_context` argument, or `self` and `step_context` arguments if it's an instance method. "
                             f"Got {names} instead.")  # fmt: skip
        return self._sess.run_step_fn(step_fn, self._tf_sess(), run_with_hooks=None)

    def should_stop(self) -> bool:
        """Did a hook, a thread or an error ask to stop?"""
        return self._sess is None or self._sess.should_stop()

    def close(self) -> None:
        """End the hooks and close the session."""
        self._close_internal()

    def __enter__(self) -> Any:
        return self

    def __exit__(self, exception_type: Any, exception_value: Any, traceback: Any) -> bool:
        if exception_type in (errors.OutOfRangeError, StopIteration):
            exception_type = None
        self._close_internal(exception_type)
        return exception_type is None

    def _close_internal(self, exception_type: Any = None) -> None:
        try:
            if not exception_type:
                for hook in self._hooks:
                    hook.end(self._coordinated_creator.tf_sess)
        finally:
            try:
                if self._sess is None:
                    raise RuntimeError("Session is already closed.")
                self._sess.close()
            finally:
                self._sess = None
                self._coordinated_creator.tf_sess = self._coordinated_creator.coord = None
                if not self._graph_was_finalized:
                    get_default_graph()._unsafe_unfinalize()

    def _is_closed(self) -> bool:
        return self._coordinated_creator.tf_sess is None

    def _tf_sess(self) -> Any:
        return self._coordinated_creator.tf_sess


@export(v1=("train.MonitoredSession",))
class MonitoredSession(_MonitoredSession):
    """A session that is initialised or restored when it is made, calls hooks, and is made anew when it was aborted.

    >>> with tf.train.MonitoredSession(hooks=[tf.train.StopAtStepHook(100)]) as sess:  # doctest: +SKIP
    ...     while not sess.should_stop(): sess.run(train_op)
    """

    def __init__(self, session_creator: Any = None, hooks: Any = None, stop_grace_period_secs: float = 120):
        super().__init__(session_creator, hooks, should_recover=True, stop_grace_period_secs=stop_grace_period_secs)


@export(v1=("train.SingularMonitoredSession",))
class SingularMonitoredSession(_MonitoredSession):
    """A MonitoredSession that is not made anew after errors, and gives access to the raw session."""

    def __init__(self, hooks: Any = None, scaffold: Any = None, master: str = "", config: Any = None, checkpoint_dir: Any = None,
                 stop_grace_period_secs: float = 120, checkpoint_filename_with_path: Any = None):  # fmt: skip
        creator = ChiefSessionCreator(scaffold=scaffold, master=master, config=config, checkpoint_dir=checkpoint_dir,
                                      checkpoint_filename_with_path=checkpoint_filename_with_path)  # fmt: skip
        super().__init__(creator, hooks, should_recover=False, stop_grace_period_secs=stop_grace_period_secs)

    def raw_session(self) -> Any:
        """The session inside."""
        return self._tf_sess()


@export(v1=("train.MonitoredTrainingSession",))
def MonitoredTrainingSession(master: str = "", is_chief: bool = True, checkpoint_dir: Any = None, scaffold: Any = None, hooks: Any = None,
                             chief_only_hooks: Any = None, save_checkpoint_secs: Any = USE_DEFAULT, save_summaries_steps: Any = USE_DEFAULT,
                             save_summaries_secs: Any = USE_DEFAULT, config: Any = None, stop_grace_period_secs: float = 120,
                             log_step_count_steps: int | None = 100, max_wait_secs: float = 7200, save_checkpoint_steps: Any = USE_DEFAULT,
                             summary_dir: Any = None, save_graph_def: bool = True) -> MonitoredSession:  # fmt: skip
    """A MonitoredSession that saves checkpoints and summaries into a folder; every 600 seconds and 100 steps by default."""
    given = lambda v: None if v is USE_DEFAULT else v
    if save_summaries_steps is USE_DEFAULT and save_summaries_secs is USE_DEFAULT:
        save_summaries_steps = 100
    if save_checkpoint_secs is USE_DEFAULT and save_checkpoint_steps is USE_DEFAULT:
        save_checkpoint_secs = 600
    save_summaries_steps, save_summaries_secs = given(save_summaries_steps), given(save_summaries_secs)
    save_checkpoint_secs, save_checkpoint_steps = given(save_checkpoint_secs), given(save_checkpoint_steps)
    scaffold = scaffold or Scaffold()
    if not is_chief:
        worker = WorkerSessionCreator(scaffold=scaffold, master=master, config=config, max_wait_secs=max_wait_secs)
        return MonitoredSession(
            session_creator=worker, hooks=hooks or [], stop_grace_period_secs=stop_grace_period_secs
        )
    all_hooks: list[Any] = list(chief_only_hooks or [])
    creator = ChiefSessionCreator(scaffold=scaffold, checkpoint_dir=checkpoint_dir, master=master, config=config)
    folder = summary_dir or checkpoint_dir
    if folder:
        if log_step_count_steps and log_step_count_steps > 0:
            all_hooks.append(StepCounterHook(output_dir=folder, every_n_steps=log_step_count_steps))
        if (save_summaries_steps or 0) > 0 or (save_summaries_secs or 0) > 0:
            all_hooks.append(
                SummarySaverHook(
                    scaffold=scaffold, save_steps=save_summaries_steps, save_secs=save_summaries_secs, output_dir=folder
                )
            )
    if checkpoint_dir and ((save_checkpoint_secs or 0) > 0 or (save_checkpoint_steps or 0) > 0):
        all_hooks.append(CheckpointSaverHook(checkpoint_dir, save_steps=save_checkpoint_steps, save_secs=save_checkpoint_secs, scaffold=scaffold,
                                             save_graph_def=save_graph_def))  # fmt: skip
    return MonitoredSession(
        session_creator=creator, hooks=all_hooks + list(hooks or []), stop_grace_period_secs=stop_grace_period_secs
    )
