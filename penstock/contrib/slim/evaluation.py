"""`slim.evaluation` and `slim.queues`."""

import threading
from contextlib import contextmanager
from typing import Any

import penstock.compat.v1 as tf
from penstock.contrib.names import contrib
from penstock.contrib.training import evaluation

_USE_DEFAULT = 0


def _hooks(num_evals: int, logdir: Any, summary_op: Any, feed_dict: Any, hooks: Any) -> list[Any]:
    if summary_op == _USE_DEFAULT:
        summary_op = tf.summary.merge_all()
    made = [evaluation.StopAfterNEvalsHook(num_evals)]
    if summary_op is not None:
        made.append(evaluation.SummaryAtEndHook(log_dir=logdir, summary_op=summary_op, feed_dict=feed_dict))
    return [*made, *(hooks or [])]


@contrib("slim.evaluation.evaluate_once")
def evaluate_once(
    master: str, checkpoint_path: Any, logdir: Any, num_evals: int = 1, initial_op: Any = None, initial_op_feed_dict: Any = None,
    eval_op: Any = None, eval_op_feed_dict: Any = None, final_op: Any = None, final_op_feed_dict: Any = None, summary_op: Any = _USE_DEFAULT,
    summary_op_feed_dict: Any = None, variables_to_restore: Any = None, session_config: Any = None, hooks: Any = None,
) -> Any:  # fmt: skip
    """Evaluate one checkpoint `num_evals` times; the value of `final_op`."""
    saver = tf.train.Saver(variables_to_restore) if variables_to_restore is not None else None
    return evaluation.evaluate_once(
        checkpoint_path, master=master, scaffold=tf.train.Scaffold(init_op=initial_op, init_feed_dict=initial_op_feed_dict, saver=saver),
        eval_ops=eval_op, feed_dict=eval_op_feed_dict, final_ops=final_op, final_ops_feed_dict=final_op_feed_dict,
        hooks=_hooks(num_evals, logdir, summary_op, summary_op_feed_dict, hooks), config=session_config,
    )  # fmt: skip


@contrib("slim.evaluation.evaluation_loop")
def evaluation_loop(
    master: str, checkpoint_dir: Any, logdir: Any, num_evals: int = 1, initial_op: Any = None, initial_op_feed_dict: Any = None,
    init_fn: Any = None, eval_op: Any = None, eval_op_feed_dict: Any = None, final_op: Any = None, final_op_feed_dict: Any = None,
    summary_op: Any = _USE_DEFAULT, summary_op_feed_dict: Any = None, variables_to_restore: Any = None, eval_interval_secs: float = 60,
    max_number_of_evaluations: int | None = None, session_config: Any = None, timeout: Any = None, timeout_fn: Any = None, hooks: Any = None,
) -> Any:  # fmt: skip
    """Evaluate each new checkpoint; the last value of `final_op`."""
    saver = tf.train.Saver(variables_to_restore) if variables_to_restore is not None else None
    scaffold = tf.train.Scaffold(init_op=initial_op, init_feed_dict=initial_op_feed_dict, init_fn=init_fn, saver=saver)
    return evaluation.evaluate_repeatedly(
        checkpoint_dir, master=master, scaffold=scaffold, eval_ops=eval_op, feed_dict=eval_op_feed_dict, final_ops=final_op,
        final_ops_feed_dict=final_op_feed_dict, eval_interval_secs=eval_interval_secs,
        hooks=_hooks(num_evals, logdir, summary_op, summary_op_feed_dict, hooks), config=session_config,
        max_number_of_evaluations=max_number_of_evaluations, timeout=timeout, timeout_fn=timeout_fn,
    )  # fmt: skip


@contrib("slim.evaluation.wait_for_new_checkpoint")
def wait_for_new_checkpoint(checkpoint_dir: Any, last_checkpoint: Any = None, seconds_to_sleep: float = 1, timeout: Any = None) -> Any:
    """The path of a checkpoint other than the last one seen."""
    return evaluation.wait_for_new_checkpoint(checkpoint_dir, last_checkpoint, seconds_to_sleep, timeout)


@contrib("slim.evaluation.checkpoints_iterator")
def checkpoints_iterator(checkpoint_dir: Any, min_interval_secs: float = 0, timeout: Any = None, timeout_fn: Any = None) -> Any:
    """New checkpoints, as they come."""
    return tf.train.checkpoints_iterator(checkpoint_dir, min_interval_secs, timeout, timeout_fn)


_inside = threading.local()


@contrib("slim.queues.NestedQueueRunnerError")
class NestedQueueRunnerError(Exception):
    """`QueueRunners` inside `QueueRunners`."""


@contrib("slim.queues.QueueRunners")
@contextmanager
def QueueRunners(session: Any) -> Any:
    """A context in which the queue runners of the graph run."""
    if getattr(_inside, "running", False):
        raise NestedQueueRunnerError("QueueRunners cannot be nested")
    coordinator = tf.train.Coordinator()
    threads = []
    _inside.running = True
    try:
        for runner in tf.get_collection(tf.GraphKeys.QUEUE_RUNNERS):
            threads.extend(runner.create_threads(session, coord=coordinator, daemon=True, start=True))
        yield
    finally:
        _inside.running = False
        coordinator.request_stop()
        coordinator.join(threads, stop_grace_period_secs=120, ignore_live_threads=True)
