"""Ctrl-C stops a compiled loop: every turn looks at a flag in memory that the signal's watcher sets."""

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from typing import Any

import jax
import numpy as np

STOP = -1
"""The key under which an island finds the flag among its values."""
_ALIGNED = 64  # bytes: where XLA takes an array without copying it


class Stopped(Exception):
    """A compiled loop ended early because the flag was up; nothing was changed."""


def _aligned(count: int) -> np.ndarray[Any, Any]:
    raw = np.zeros(count + _ALIGNED, np.int32)
    first = -raw.ctypes.data % _ALIGNED // raw.itemsize
    return raw[first : first + count]


_flag = _aligned(16)
_seen_by_xla: Any = None


def flag() -> Any:
    """The flag as an argument of an executable; None where an executable cannot see this memory."""
    global _seen_by_xla
    if _seen_by_xla is None and jax.default_backend() == "cpu":
        _seen_by_xla = jax.dlpack.from_dlpack(_flag)
        if _seen_by_xla.unsafe_buffer_pointer() != _flag.ctypes.data:
            _seen_by_xla = None
            return None
        _watch()
    return _seen_by_xla


def raised(seen: Any, turn: Any) -> Any:
    """Inside a loop's body: is the flag up?  The index moves, so that no compiler pass reads it once for all turns."""
    return seen[turn & (_flag.size - 1)] != 0


def lower_flag() -> None:
    """The signal has been handled (a handler that raises has raised by now): loops may run again."""
    _flag[:] = 0


@contextlib.contextmanager
def interrupt_held() -> Iterator[None]:
    """Inside, the handler of SIGINT waits; it is called at the end."""
    before = signal.getsignal(signal.SIGINT) if threading.current_thread() is threading.main_thread() else None
    if not callable(before):
        yield
        return
    pressed: list[Any] = []
    signal.signal(signal.SIGINT, lambda *event: pressed.append(event))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if pressed:
            before(*pressed[0])


def _watch() -> None:
    """Raise the flag whenever a SIGINT arrives, even while the main thread is inside an executable."""
    if threading.current_thread() is not threading.main_thread():
        return
    read, write = os.pipe()
    os.set_blocking(write, False)
    before = signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    if before != -1:  # somebody else's event loop listens: leave it alone
        signal.set_wakeup_fd(before)
        return

    def wait() -> None:
        while numbers := os.read(read, 64):
            if signal.SIGINT in numbers:
                _flag[:] = 1

    threading.Thread(target=wait, name="penstock-interrupt", daemon=True).start()
