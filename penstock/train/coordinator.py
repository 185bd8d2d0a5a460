"""Threads that stop together: `Coordinator`, and `LooperThread` for work that repeats."""

import contextlib
import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from penstock.base import errors
from penstock.base.export import export


@export("train.Coordinator")
class Coordinator:
    """Tells threads when to stop, waits for them, and raises in the caller what was raised in one of them.

    >>> coord = tf.train.Coordinator(); coord.request_stop(); coord.should_stop()
    True
    """

    def __init__(self, clean_stop_exception_types: Any = None):
        self._clean_stop_exception_types = (
            tuple(clean_stop_exception_types) if clean_stop_exception_types is not None else (errors.OutOfRangeError,)
        )
        self._lock = threading.Lock()
        self._stop_event = threading.Event()
        self._exc_info_to_raise: Any = None
        self._joined = False
        self._registered_threads: set[threading.Thread] = set()

    def _filter_exception(self, ex: Any) -> Any:
        error = ex[1] if isinstance(ex, tuple) else ex
        return None if isinstance(error, self._clean_stop_exception_types) else ex

    def request_stop(self, ex: Any = None) -> None:
        """Ask the threads to stop; `ex` (an exception or exc_info) is raised by `join`."""
        with self._lock:
            ex = self._filter_exception(ex)
            if self._joined:
                if isinstance(ex, tuple):
                    raise ex[1].with_traceback(ex[2])
                if ex is not None:
                    raise ex
                return
            if not self._stop_event.is_set():
                if ex and self._exc_info_to_raise is None:
                    error = ex[1] if isinstance(ex, tuple) else ex
                    log = logging.getLogger("tensorflow")
                    log.info("Error reported to Coordinator: %s, %s", type(error), error)
                    if isinstance(ex, tuple):
                        if not (len(ex) == 3 and ex[0] and ex[1] is not None):
                            raise ValueError("ex must be a tuple or sys.exc_info as an Exception")
                        self._exc_info_to_raise = ex
                    else:
                        try:
                            raise ex
                        except BaseException:  # noqa: BLE001 - to have a traceback
                            self._exc_info_to_raise = sys.exc_info()
                self._stop_event.set()

    def clear_stop(self) -> None:
        """Forget the request to stop and its exception."""
        with self._lock:
            self._joined = False
            self._exc_info_to_raise = None
            self._stop_event.clear()

    def should_stop(self) -> bool:
        return self._stop_event.is_set()

    @contextlib.contextmanager
    def stop_on_exception(self) -> Iterator[None]:
        """A context whose exceptions ask all threads to stop."""
        try:
            yield
        except BaseException:  # noqa: BLE001 - whatever it is, the others must stop
            self.request_stop(ex=sys.exc_info())

    def wait_for_stop(self, timeout: float | None = None) -> bool:
        """Wait until someone asks to stop; False when `timeout` seconds pass first."""
        return self._stop_event.wait(timeout)

    def register_thread(self, thread: threading.Thread) -> None:
        """Let `join` wait for this thread too."""
        with self._lock:
            self._registered_threads.add(thread)

    def join(self, threads: Any = None, stop_grace_period_secs: float = 120, ignore_live_threads: bool = False) -> None:
        """Wait for the threads to end; RuntimeError when some still run `stop_grace_period_secs` after the request to stop."""
        with self._lock:
            waiting = set(self._registered_threads) | set(threads or ())
        while any(t.is_alive() for t in waiting) and not self.wait_for_stop(0.05):
            pass
        waited = 0.0
        pause = 0.01
        while any(t.is_alive() for t in waiting) and waited < stop_grace_period_secs:
            time.sleep(pause)
            waited += pause
            pause = min(pause * 2, 0.25)
        stuck = [t.name for t in waiting if t.is_alive()]
        with self._lock:
            self._joined = True
            self._registered_threads = set()
            if self._exc_info_to_raise:
                _, error, trace = self._exc_info_to_raise
                raise error.with_traceback(trace)
            if stuck and not ignore_live_threads:
                raise RuntimeError(f"Coordinator stopped with threads still running: {' '.join(stuck)}")

    @property
    def joined(self) -> bool:
        return self._joined

    def raise_requested_exception(self) -> None:
        """Raise the exception that was given to `request_stop`, if any."""
        with self._lock:
            if self._exc_info_to_raise:
                _, error, trace = self._exc_info_to_raise
                raise error.with_traceback(trace)


@export(v1=("train.LooperThread",))
class LooperThread(threading.Thread):
    """A thread that calls `target` again and again, every `timer_interval_secs`, until the coordinator stops."""

    def __init__(
        self,
        coord: Coordinator,
        timer_interval_secs: float | None,
        target: Callable[..., Any] | None = None,
        args: Any = None,
        kwargs: Any = None,
    ):
        if not isinstance(coord, Coordinator):
            raise ValueError(f"'coord' argument must be a Coordinator: {coord}")
        super().__init__()
        self.daemon = True
        self._coord, self._timer_interval_secs, self._loop_target = coord, timer_interval_secs, target
        if target:
            self._loop_args, self._loop_kwargs = args or (), kwargs or {}
        elif args or kwargs:
            raise ValueError("'args' and 'kwargs' argument require that you also pass 'target'")
        coord.register_thread(self)

    @staticmethod
    def loop(
        coord: Coordinator,
        timer_interval_secs: float | None,
        target: Callable[..., Any],
        args: Any = None,
        kwargs: Any = None,
    ) -> "LooperThread":
        """Start such a thread."""
        made = LooperThread(coord, timer_interval_secs, target=target, args=args, kwargs=kwargs)
        made.start()
        return made

    def run(self) -> None:
        with self._coord.stop_on_exception():
            self.start_loop()
            if self._timer_interval_secs is None:
                while not self._coord.should_stop():
                    self.run_loop()
            else:
                following = time.time()
                while not self._coord.wait_for_stop(max(following - time.time(), 0)):
                    following += self._timer_interval_secs
                    self.run_loop()
            self.stop_loop()

    def start_loop(self) -> None:
        """Called when the thread starts."""

    def stop_loop(self) -> None:
        """Called when the thread stops."""

    def run_loop(self) -> None:
        """One turn: calls the target."""
        if self._loop_target:
            self._loop_target(*self._loop_args, **self._loop_kwargs)
