"""What a hook of a monitored session is: callbacks around every `session.run`."""

from collections import namedtuple
from typing import Any

from penstock.base.export import export


@export(v1=("train.SessionRunHook", "estimator.SessionRunHook"), v2=("estimator.SessionRunHook",))
class SessionRunHook:
    """Extends the calls of `MonitoredSession.run`; override the callbacks that are needed."""

    def begin(self) -> None:
        """Called once before the session is made; here the hook may still add to the graph."""

    def after_create_session(self, session: Any, coord: Any) -> None:
        """Called when a session was made or recovered; the graph is final by then."""

    def before_run(self, run_context: Any) -> Any:
        """Called before each run; may give `SessionRunArgs` with more fetches and feeds."""
        return None

    def after_run(self, run_context: Any, run_values: Any) -> None:
        """Called after each run with the values of the fetches that `before_run` asked for."""

    def end(self, session: Any) -> None:
        """Called at the end, unless a run raised anything but OutOfRangeError or StopIteration."""


@export(v1=("train.SessionRunArgs", "estimator.SessionRunArgs"), v2=("estimator.SessionRunArgs",))
class SessionRunArgs(namedtuple("SessionRunArgs", ["fetches", "feed_dict", "options"])):
    """What to add to a `session.run`: fetches, a feed_dict, RunOptions."""

    def __new__(cls, fetches: Any, feed_dict: Any = None, options: Any = None) -> "SessionRunArgs":
        return super().__new__(cls, fetches, feed_dict, options)


@export(v1=("train.SessionRunContext", "estimator.SessionRunContext"), v2=("estimator.SessionRunContext",))
class SessionRunContext:
    """The run that is being made: its arguments, its session, and the wish to stop."""

    def __init__(self, original_args: Any, session: Any):
        self._original_args, self._session, self._stop_requested = original_args, session, False

    @property
    def original_args(self) -> Any:
        """What the caller gave to `run`, as SessionRunArgs."""
        return self._original_args

    @property
    def session(self) -> Any:
        return self._session

    @property
    def stop_requested(self) -> bool:
        """Did a hook ask to stop?"""
        return self._stop_requested

    def request_stop(self) -> None:
        """Ask that no run follows this one: `should_stop()` is True from now on."""
        self._stop_requested = True


@export(v1=("train.SessionRunValues", "estimator.SessionRunValues"), v2=("estimator.SessionRunValues",))
class SessionRunValues(namedtuple("SessionRunValues", ["results", "options", "run_metadata"])):
    """What a run gave: the values of this hook's fetches, the RunOptions and RunMetadata used."""
