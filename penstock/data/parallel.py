"""Threads behind a pipeline: functions called for several elements at a time, and elements fetched ahead.

Work that takes next to no time stays in the caller's thread: handing it over would cost more than it saves.
"""

import threading
import time
import weakref
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from penstock.data.pipeline import AUTOTUNE, Context, Stream, flat_bytes

CHEAP = 150e-6
"""Seconds a call may take on average and still run in the caller's thread."""
TRIALS = 3
"""Calls that are measured before threads are made."""
WAITS = frozenset({"EagerPyFunc", "PyFunc", "PyFuncStateless"})
"""Ops that may sleep: how long they took once says little."""
BYTES_AHEAD = 64 << 20


class _Error:
    __slots__ = ("error",)

    def __init__(self, error: BaseException):
        self.error = error


class ParallelMap(Stream):
    """A function of each element, for several at a time, in order."""

    def __init__(self, inner: Stream, call: Any, threads: int, ctx: Context):
        self.inner, self.call, self.threads, self.ctx = inner, call, threads, ctx
        self.pool: ThreadPoolExecutor | None = None
        self.waiting: deque[Any] = deque()  # (element, future)
        self.ended = False
        self.spent, self.calls = 0.0, 0
        self.sleeps = any(n.type in WAITS for n in call.nodes)
        # Numbers of a seeded stream come in the order of the elements: no two calls at a time.
        self.seeded = any(n.definition.effect == "random" and (n.attrs.get("seed") or n.attrs.get("seed2")) for n in call.nodes)

    def next(self) -> Any:
        if self.pool is None:
            if self.calls < TRIALS and not self.sleeps:
                return self._timed()
            if self.seeded or (self.spent < CHEAP * self.calls and not self.sleeps):
                return self._timed()
            self.pool = ThreadPoolExecutor(self.threads, "penstock-data")
            self.ctx.threads.append(self)
            weakref.finalize(self, self.pool.shutdown, wait=False, cancel_futures=True)
        self._fill()
        if not self.waiting:
            return None
        _, future = self.waiting[0]
        try:
            return future.result()
        finally:
            self.waiting.popleft()
            if not self.ended:
                self._fill()

    def _timed(self) -> Any:
        element = self.inner.next()
        if element is None:
            return None
        start = time.perf_counter()
        found = self.call(element)
        self.spent += time.perf_counter() - start
        self.calls += 1
        return found

    def _fill(self) -> None:
        while not self.ended and len(self.waiting) < 2 * self.threads:
            element = self.inner.next()
            if element is None:
                self.ended = True
                return
            self.waiting.append((element, self.pool.submit(self.call, element)))  # type: ignore[union-attr]

    def stop(self) -> None:
        if self.pool is not None:
            self.pool.shutdown(wait=False, cancel_futures=True)

    def save(self) -> Any:
        return {"inner": self.inner.save(), "waiting": [e for e, _ in self.waiting], "ended": self.ended}

    def restore(self, state: Any) -> None:
        self.inner.restore(state["inner"])
        self.ended = state["ended"]
        self.waiting.clear()
        waiting = list(state["waiting"])
        if waiting:
            self.pool = self.pool or ThreadPoolExecutor(self.threads, "penstock-data")
            self.ctx.threads.append(self)
            self.waiting.extend((e, self.pool.submit(self.call, e)) for e in waiting)


class _Ahead:
    """What the fetching thread and its consumer share."""

    def __init__(self, inner: Stream, limit: int):
        self.inner, self.limit = inner, limit
        self.ready: deque[Any] = deque()
        self.changed = threading.Condition()
        self.stopped = self.paused = self.idle = False

    def run(self) -> None:
        while True:
            with self.changed:
                while not self.stopped and (self.paused or len(self.ready) >= self.limit):
                    self.idle = True
                    self.changed.notify_all()
                    self.changed.wait()
                if self.stopped:
                    return
                self.idle = False
            try:
                element = self.inner.next()
            except BaseException as error:  # noqa: BLE001 - it is raised where the element is asked for
                element = _Error(error)
            with self.changed:
                self.ready.append(element)
                if element is None:
                    self.stopped = True
                self.changed.notify_all()
                if self.stopped:
                    return

    def stop(self) -> None:
        with self.changed:
            self.stopped = True
            self.changed.notify_all()


class Prefetch(Stream):
    """Elements fetched ahead by a thread of its own, once fetching turned out to take time."""

    def __init__(self, inner: Stream, size: int, ctx: Context):
        self.inner, self.ctx = inner, ctx
        self.size = size
        self.ahead: _Ahead | None = None
        self.thread: threading.Thread | None = None
        self.restored: deque[Any] = deque()
        self.ended = False
        self.spent, self.calls = 0.0, 0

    def next(self) -> Any:
        if self.restored:
            found = self.restored.popleft()
            if isinstance(found, _Error):
                raise found.error
            return found
        if self.ahead is None:
            if self.ended:
                return None
            start = time.perf_counter()
            found = self.inner.next()
            self.spent += time.perf_counter() - start
            self.calls += 1
            if found is None:
                self.ended = True
            elif self.size and self.spent > CHEAP * self.calls and self.calls >= 2:
                self._start(found)
            return found
        ahead = self.ahead
        with ahead.changed:
            if self.ended:
                return None
            while not ahead.ready:
                ahead.changed.wait()
            found = ahead.ready.popleft()
            if len(ahead.ready) < ahead.limit:
                ahead.changed.notify_all()
        if found is None:
            self.ended = True
        elif isinstance(found, _Error):
            raise found.error
        return found

    def _start(self, example: Any) -> None:
        limit = self.size
        if limit == AUTOTUNE:
            limit = max(2, min(16, BYTES_AHEAD // max(1, flat_bytes(example))))
        self.ahead = ahead = _Ahead(self.inner, limit)
        self.thread = threading.Thread(target=ahead.run, name="penstock-prefetch", daemon=True)
        self.ctx.threads.append(self)
        weakref.finalize(self, ahead.stop)
        self.thread.start()

    def stop(self) -> None:
        if self.ahead is not None:
            self.ahead.stop()

    def save(self) -> Any:
        ahead = self.ahead
        if ahead is None:
            return {"inner": self.inner.save(), "ready": list(self.restored), "ended": self.ended}
        with ahead.changed:
            ahead.paused = True
            ahead.changed.notify_all()
            while not ahead.idle and not ahead.stopped:
                ahead.changed.wait()
            ready = [e for e in ahead.ready if not isinstance(e, _Error)]
            state = {"inner": self.inner.save(), "ready": [*self.restored, *[e for e in ready if e is not None]], "ended": self.ended}
            ahead.paused = False
            ahead.changed.notify_all()
        return state

    def restore(self, state: Any) -> None:
        self.stop()
        self.ahead = None
        self.inner.restore(state["inner"])
        self.restored = deque(state["ready"])
        self.ended = state["ended"] and not self.restored
