"""Evaluation of checkpoints, once or as they come: `tf.contrib.training` and `slim.evaluation`."""

import time
from typing import Any

import penstock.compat.v1 as tf
from penstock.contrib.names import contrib

_USE_DEFAULT = 0


@contrib("training.get_or_create_eval_step")
def get_or_create_eval_step() -> Any:
    """The counter of evaluation steps: the local variable `eval_step`."""
    graph = tf.get_default_graph()
    held = graph.get_collection("eval_step")
    if len(held) == 1:
        return held[0]
    if len(held) > 1:
        raise ValueError("Multiple tensors added to tf.GraphKeys.EVAL_STEP")
    return tf.get_variable("eval_step", shape=[], dtype=tf.int64, initializer=tf.zeros_initializer(), trainable=False,
                           collections=[tf.GraphKeys.LOCAL_VARIABLES, "eval_step"])  # fmt: skip


@contrib("training.StopAfterNEvalsHook")
class StopAfterNEvalsHook(tf.train.SessionRunHook):
    """Stops after `num_evals` evaluation steps."""

    def __init__(self, num_evals: int | None, log_progress: bool = True):
        self._num_evals, self._log_progress = num_evals, log_progress
        self._evals_completed: Any = None
        self._log_frequency = 1 if num_evals is None or num_evals < 20 else num_evals // 10

    def _set_evals_completed_tensor(self, updated_eval_step: Any) -> None:
        self._evals_completed = updated_eval_step

    def before_run(self, run_context: Any) -> Any:
        return tf.train.SessionRunArgs({"evals_completed": self._evals_completed})

    def after_run(self, run_context: Any, run_values: Any) -> None:
        done = run_values.results["evals_completed"]
        if self._log_progress and self._num_evals is not None and (done % self._log_frequency == 0 or self._num_evals == done):
            tf.logging.info("Evaluation [%d/%d]", done, self._num_evals)
        if self._num_evals is not None and done >= self._num_evals:
            run_context.request_stop()


@contrib("training.SummaryAtEndHook")
class SummaryAtEndHook(tf.train.SessionRunHook):
    """Writes summaries when the session ends."""

    def __init__(self, log_dir: Any = None, summary_writer: Any = None, summary_op: Any = None, feed_dict: Any = None):
        self._summary_op, self._replace_summary_op = summary_op, summary_op is None
        self._feed_dict, self._summary_writer, self._log_dir = feed_dict, summary_writer, log_dir
        if (log_dir is None) == (summary_writer is None):
            raise ValueError("exactly one of log_dir or summary_writer should be not None")

    def begin(self) -> None:
        if self._replace_summary_op:
            self._summary_op = tf.summary.merge_all()
        self._global_step = tf.train.get_or_create_global_step()

    def after_create_session(self, session: Any, coord: Any) -> None:
        if self._summary_writer is None and self._log_dir:
            self._summary_writer = tf.summary.FileWriter(self._log_dir, session.graph)

    def end(self, session: Any) -> None:
        step = tf.train.global_step(session, self._global_step)
        if self._summary_op is not None:
            text = session.run(self._summary_op, self._feed_dict)
            if self._summary_writer:
                self._summary_writer.add_summary(text, step)
        if self._summary_writer:
            self._summary_writer.flush()


@contrib("training.evaluate_once")
def evaluate_once(
    checkpoint_path: Any, master: str = "", scaffold: Any = None, eval_ops: Any = None, feed_dict: Any = None, final_ops: Any = None,
    final_ops_feed_dict: Any = None, hooks: Any = None, config: Any = None,
) -> Any:  # fmt: skip
    """Restore a checkpoint, run `eval_ops` until a hook says stop, and give the values of `final_ops`."""
    eval_step = get_or_create_eval_step()
    hooks = list(hooks or [])
    if eval_ops is not None:
        update = tf.assign_add(eval_step, 1, use_locking=True)
        if isinstance(eval_ops, dict):
            eval_ops = {**eval_ops, "update_eval_step": update}
        elif isinstance(eval_ops, (tuple, list)):
            eval_ops = [*eval_ops, update]
        else:
            eval_ops = [eval_ops, update]
        for h in hooks:
            if isinstance(h, StopAfterNEvalsHook):
                h._set_evals_completed_tensor(update)
    tf.logging.info("Starting evaluation at %s", time.strftime("%Y-%m-%dT%H:%M:%SZ", time.localtime()))
    creator = tf.train.ChiefSessionCreator(scaffold=scaffold, checkpoint_filename_with_path=checkpoint_path, master=master, config=config)
    final_hook = tf.train.FinalOpsHook(final_ops, final_ops_feed_dict)
    hooks.append(final_hook)
    with tf.train.MonitoredSession(session_creator=creator, hooks=hooks) as session:
        if eval_ops is not None:
            while not session.should_stop():
                session.run(eval_ops, feed_dict)
    tf.logging.info("Finished evaluation at %s", time.strftime("%Y-%m-%d-%H:%M:%S", time.localtime()))
    return final_hook.final_ops_values


@contrib("training.wait_for_new_checkpoint")
def wait_for_new_checkpoint(checkpoint_dir: Any, last_checkpoint: Any = None, seconds_to_sleep: float = 1, timeout: Any = None) -> Any:
    """The path of a checkpoint other than the last one seen; None when the time is over."""
    stop = None if timeout is None else time.time() + timeout
    while True:
        path = tf.train.latest_checkpoint(checkpoint_dir)
        if path is not None and path != last_checkpoint:
            return path
        if stop is not None and time.time() + seconds_to_sleep > stop:
            return None
        time.sleep(seconds_to_sleep)


@contrib("training.checkpoints_iterator")
def checkpoints_iterator(checkpoint_dir: Any, min_interval_secs: float = 0, timeout: Any = None, timeout_fn: Any = None) -> Any:
    """New checkpoints, as they come."""
    return tf.train.checkpoints_iterator(checkpoint_dir, min_interval_secs, timeout, timeout_fn)


@contrib("training.evaluate_repeatedly")
def evaluate_repeatedly(
    checkpoint_dir: Any, master: str = "", scaffold: Any = None, eval_ops: Any = None, feed_dict: Any = None, final_ops: Any = None,
    final_ops_feed_dict: Any = None, eval_interval_secs: float = 60, hooks: Any = None, config: Any = None,
    max_number_of_evaluations: int | None = None, timeout: Any = None, timeout_fn: Any = None,
) -> Any:  # fmt: skip
    """Evaluate each new checkpoint; the final values of the last evaluation."""
    eval_step = get_or_create_eval_step()
    hooks = list(hooks or [])
    if eval_ops is not None:
        update = tf.assign_add(eval_step, 1)
        eval_ops = {**eval_ops, "update_eval_step": update} if isinstance(eval_ops, dict) else [*(eval_ops if isinstance(eval_ops, (list, tuple)) else [eval_ops]), update]
        for h in hooks:
            if isinstance(h, StopAfterNEvalsHook):
                h._set_evals_completed_tensor(update)
    final_hook = tf.train.FinalOpsHook(final_ops, final_ops_feed_dict)
    hooks.append(final_hook)
    for count, path in enumerate(checkpoints_iterator(checkpoint_dir, eval_interval_secs, timeout, timeout_fn), 1):
        creator = tf.train.ChiefSessionCreator(scaffold=scaffold, checkpoint_filename_with_path=path, master=master, config=config)
        with tf.train.MonitoredSession(session_creator=creator, hooks=hooks) as session:
            if eval_ops is not None:
                while not session.should_stop():
                    session.run(eval_ops, feed_dict)
        if max_number_of_evaluations is not None and count >= max_number_of_evaluations:
            break
    return final_hook.final_ops_values
