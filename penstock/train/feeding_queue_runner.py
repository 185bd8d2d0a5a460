"""A queue runner whose enqueue ops are fed by Python functions."""

import logging
import threading
from typing import Any

from penstock.train.queue_runner import QueueRunner


class FeedingQueueRunner(QueueRunner):
    """Feeds each enqueue op what its own function gives, until the function raises OutOfRangeError."""

    def __init__(self, queue: Any = None, enqueue_ops: Any = None, close_op: Any = None, cancel_op: Any = None, feed_fns: Any = None,
                 queue_closed_exception_types: Any = None):  # fmt: skip
        super().__init__(
            queue, enqueue_ops, close_op, cancel_op, queue_closed_exception_types=queue_closed_exception_types
        )
        self._feed_fns = [None for _ in enqueue_ops] if feed_fns is None else feed_fns
        if len(self._feed_fns) != len(enqueue_ops):
            raise ValueError("If feed_fns is not None, it must have the same length as enqueue_ops.")

    def _run_fed(self, sess: Any, enqueue_op: Any, feed_fn: Any, coord: Any) -> None:
        log = logging.getLogger("tensorflow")
        counted = True
        try:
            while not (coord and coord.should_stop()):
                try:
                    sess.run(enqueue_op, feed_dict=feed_fn() if feed_fn is not None else None)
                except self._queue_closed_exception_types:
                    with self._lock:
                        self._runs_per_session[sess] -= 1
                        counted = False
                        if self._runs_per_session[sess] == 0:
                            try:
                                sess.run(self._close_op)
                            except Exception as e:  # noqa: BLE001 - closing may fail where it is closed
                                log.debug("Ignored exception: %s", e)
                    return
        except Exception as e:  # noqa: BLE001 - goes to the coordinator
            if coord:
                coord.request_stop(e)
            else:
                log.error("Exception in QueueRunner: %s", e)
                with self._lock:
                    self._exceptions_raised.append(e)
                raise
        finally:
            if counted:
                with self._lock:
                    self._runs_per_session[sess] -= 1

    def create_threads(
        self, sess: Any, coord: Any = None, daemon: bool = False, start: bool = False
    ) -> list[threading.Thread]:
        """The threads that feed the queue in this session; none when they run already."""
        with self._lock:
            if self._runs_per_session.get(sess, 0) > 0:
                return []
            self._runs_per_session[sess] = len(self._enqueue_ops)
            self._exceptions_raised = []
        made = [
            threading.Thread(target=self._run_fed, args=(sess, op, fn, coord))
            for op, fn in zip(self._enqueue_ops, self._feed_fns)
        ]
        if coord:
            made.append(threading.Thread(target=self._close_on_stop, args=(sess, self._cancel_op, coord)))
        for t in made:
            if coord:
                coord.register_thread(t)
            t.daemon = True if coord else daemon
            if start:
                t.start()
        return made

    def to_proto(self, export_scope: str | None = None) -> Any:
        """None: functions of Python cannot be written down."""
        return None
