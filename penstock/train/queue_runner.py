"""Threads that fill queues: `QueueRunner` and `start_queue_runners`."""

import logging
import threading
import weakref
from typing import Any

from penstock.base import errors
from penstock.base.export import export
from penstock.fronts.default_graph import get_default_graph
from penstock.fronts.session import get_default_session
from penstock.ir import door
from penstock.state.collections import GraphKeys, add_to_collection
from penstock.state.meta_graph import proto_functions


@export(v1=("train.QueueRunner", "train.queue_runner.QueueRunner"))
class QueueRunner:
    """Runs enqueue ops of a queue, each in a thread of its own, until the queue is closed or the coordinator stops."""

    def __init__(self, queue: Any = None, enqueue_ops: Any = None, close_op: Any = None, cancel_op: Any = None, queue_closed_exception_types: Any = None,
                 queue_runner_def: Any = None, import_scope: str | None = None):  # fmt: skip
        if not door.current().is_graph:
            raise RuntimeError(
                "QueueRunners are not supported when eager execution is enabled. Instead, please use tf.data to get data into your model."
            )
        if queue_runner_def is not None:
            if queue or enqueue_ops:
                raise ValueError("queue_runner_def and queue are mutually exclusive.")
            self._init_from_proto(queue_runner_def, import_scope)
        else:
            if not queue or not enqueue_ops:
                raise ValueError("Must provide queue and enqueue_ops.")
            self._queue, self._enqueue_ops = queue, enqueue_ops
            self._close_op = queue.close() if close_op is None else close_op
            self._cancel_op = queue.close(cancel_pending_enqueues=True) if cancel_op is None else cancel_op
            types = (errors.OutOfRangeError,) if queue_closed_exception_types is None else queue_closed_exception_types
            if not isinstance(types, tuple) or not types or not all(issubclass(t, errors.OpError) for t in types):
                raise TypeError(
                    f"queue_closed_exception_types, when provided, must be a tuple of tf.error types, but saw: {types}"
                )
            self._queue_closed_exception_types = types
            if all(t is not errors.OutOfRangeError for t in types):
                self._queue_closed_exception_types = (*types, errors.OutOfRangeError)
        self._lock = threading.Lock()
        self._runs_per_session: Any = weakref.WeakKeyDictionary()
        self._exceptions_raised: list[Exception] = []

    def _init_from_proto(self, d: Any, import_scope: str | None) -> None:
        graph = get_default_graph()
        find = lambda n: graph.as_graph_element(f"{import_scope}/{n}" if import_scope and n else n)
        self._queue = find(d.queue_name)
        self._enqueue_ops = [find(n) for n in d.enqueue_op_name]
        self._close_op, self._cancel_op = find(d.close_op_name), find(d.cancel_op_name)
        self._queue_closed_exception_types = tuple(
            errors.exception_type_from_error_code(c) for c in d.queue_closed_exception_types
        ) or (errors.OutOfRangeError,)

    queue = property(lambda s: s._queue)
    enqueue_ops = property(lambda s: s._enqueue_ops)
    close_op = property(lambda s: s._close_op)
    cancel_op = property(lambda s: s._cancel_op)
    queue_closed_exception_types = property(lambda s: s._queue_closed_exception_types)
    exceptions_raised = property(lambda s: s._exceptions_raised)

    @property
    def name(self) -> str:
        return self._queue.name

    def _run(self, sess: Any, enqueue_op: Any, coord: Any = None) -> None:
        counted = True
        try:
            run = sess.make_callable(enqueue_op) if hasattr(sess, "make_callable") else lambda: sess.run(enqueue_op)
            while True:
                if coord and coord.should_stop():
                    break
                try:
                    run()
                except self._queue_closed_exception_types:
                    with self._lock:
                        self._runs_per_session[sess] -= 1
                        counted = False
                        if self._runs_per_session[sess] == 0:
                            try:
                                sess.run(self._close_op)
                            except Exception as e:  # noqa: BLE001 - closing may fail where it is closed
                                logging.getLogger("tensorflow").debug("Ignored exception: %s", e)
                        return
        except Exception as e:  # noqa: BLE001 - goes to the coordinator
            if coord:
                coord.request_stop(e)
            else:
                logging.getLogger("tensorflow").error("Exception in QueueRunner: %s", e)
                with self._lock:
                    self._exceptions_raised.append(e)
                raise
        finally:
            if counted:
                with self._lock:
                    self._runs_per_session[sess] -= 1

    def _close_on_stop(self, sess: Any, cancel_op: Any, coord: Any) -> None:
        coord.wait_for_stop()
        try:
            sess.run(cancel_op)
        except Exception as e:  # noqa: BLE001 - the session may be closed by now
            logging.getLogger("tensorflow").debug("Ignored exception: %s", e)

    def create_threads(
        self, sess: Any, coord: Any = None, daemon: bool = False, start: bool = False
    ) -> list[threading.Thread]:
        """The threads that fill the queue in this session; none when they run already."""
        with self._lock:
            try:
                if self._runs_per_session[sess] > 0:
                    return []
            except KeyError:
                pass
            self._runs_per_session[sess] = len(self._enqueue_ops)
            self._exceptions_raised = []
        made = [
            threading.Thread(target=self._run, args=(sess, op, coord), name=f"QueueRunnerThread-{self.name}-{op.name}")
            for op in self._enqueue_ops
        ]
        if coord:
            made.append(
                threading.Thread(
                    target=self._close_on_stop,
                    args=(sess, self._cancel_op, coord),
                    name=f"QueueRunnerThread-{self.name}-close_on_stop",
                )
            )
        for t in made:
            if coord:
                coord.register_thread(t)
            t.daemon = daemon
            if start:
                t.start()
        return made

    def to_proto(self, export_scope: str | None = None) -> Any:
        """The runner as a QueueRunnerDef, None when it is not in the scope."""
        from penstock.base.proto import queue_runner_pb2

        if export_scope and not self.queue.name.startswith(export_scope):
            return None
        strip = lambda n: n[len(export_scope) :].lstrip("/") if export_scope and n.startswith(export_scope) else n
        made = queue_runner_pb2.QueueRunnerDef(
            queue_name=strip(self.queue.name),
            close_op_name=strip(self.close_op.name),
            cancel_op_name=strip(self.cancel_op.name),
        )
        made.enqueue_op_name.extend(strip(op.name) for op in self.enqueue_ops)
        made.queue_closed_exception_types.extend(
            errors.error_code_from_exception_type(c) for c in self._queue_closed_exception_types
        )
        return made

    @staticmethod
    def from_proto(queue_runner_def: Any, import_scope: str | None = None) -> "QueueRunner":
        """The runner that a QueueRunnerDef describes."""
        return QueueRunner(queue_runner_def=queue_runner_def, import_scope=import_scope)


@export(v1=("train.add_queue_runner", "train.queue_runner.add_queue_runner"))
def add_queue_runner(qr: QueueRunner, collection: str = GraphKeys.QUEUE_RUNNERS) -> None:
    """Add a runner to a collection of the graph, for `start_queue_runners`."""
    add_to_collection(collection, qr)


@export(v1=("train.start_queue_runners", "train.queue_runner.start_queue_runners"))
def start_queue_runners(
    sess: Any = None,
    coord: Any = None,
    daemon: bool = True,
    start: bool = True,
    collection: str = GraphKeys.QUEUE_RUNNERS,
) -> list[threading.Thread]:
    """Start all runners of the graph in a session; gives their threads."""
    if not door.current().is_graph and sess is None:
        raise RuntimeError("Queues are not compatible with eager execution.")
    if sess is None:
        sess = get_default_session()
        if not sess:
            raise ValueError("Cannot start queue runners: No default session is registered. Use `with sess.as_default()` or pass an explicit session to "
                             "tf.start_queue_runners(sess=sess)")  # fmt: skip
    if not hasattr(sess, "run"):
        raise TypeError(f"sess must be a `tf.Session` object. Given class: {type(sess)}")
    threads = []
    for runner in sess.graph.get_collection(collection):
        threads.extend(runner.create_threads(sess, coord=coord, daemon=daemon, start=start))
    return threads


def _queue_runner_def() -> type:
    from penstock.base.proto import queue_runner_pb2

    return queue_runner_pb2.QueueRunnerDef


proto_functions[GraphKeys.QUEUE_RUNNERS] = (_queue_runner_def, QueueRunner.from_proto)
