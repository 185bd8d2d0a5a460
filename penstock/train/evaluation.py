"""Evaluating a checkpoint once: run the update ops until the input ends, then read the metrics."""

import math
import time
from typing import Any

from penstock.base.dtypes import int64
from penstock.fronts.default_graph import get_default_graph
from penstock.platform import messages
from penstock.state.collections import GraphKeys
from penstock.state.initializers import ZerosV1
from penstock.state.scopes import get_variable, variable_scope
from penstock.train.basic_session_run_hooks import FinalOpsHook
from penstock.train.monitored_session import ChiefSessionCreator, MonitoredSession
from penstock.train.session_run_hook import SessionRunArgs, SessionRunHook


def get_or_create_eval_step() -> Any:
    """The local variable that counts evaluated batches."""
    graph = get_default_graph()
    found = graph.get_collection(GraphKeys.EVAL_STEP)
    if len(found) == 1:
        return found[0]
    if len(found) > 1:
        raise ValueError("Multiple tensors added to tf.GraphKeys.EVAL_STEP")
    with variable_scope(""):
        return get_variable("eval_step", shape=[], dtype=int64, initializer=ZerosV1(), trainable=False,
                            collections=[GraphKeys.LOCAL_VARIABLES, GraphKeys.EVAL_STEP])  # fmt: skip


_get_or_create_eval_step = get_or_create_eval_step


class StopAfterNEvalsHook(SessionRunHook):
    """Stops an evaluation after N batches, and logs how far it is."""

    def __init__(self, num_evals: int | None, log_progress: bool = True):
        self._num_evals, self._log_progress = num_evals, log_progress
        self._evals_completed: Any = None
        self._log_frequency = 1 if num_evals is None or num_evals < 20 else math.floor(num_evals / 10.0)

    def _set_evals_completed_tensor(self, updated_eval_step: Any) -> None:
        self._evals_completed = updated_eval_step

    def before_run(self, run_context: Any) -> Any:
        return SessionRunArgs({"evals_completed": self._evals_completed})

    def after_run(self, run_context: Any, run_values: Any) -> None:
        done = run_values.results["evals_completed"]
        if self._log_progress:
            if self._num_evals is None:
                messages.info("Evaluation [%d]", done)
            elif done % self._log_frequency == 0 or self._num_evals == done:
                messages.info("Evaluation [%d/%d]", done, self._num_evals)
        if self._num_evals is not None and done >= self._num_evals:
            run_context.request_stop()


_StopAfterNEvalsHook = StopAfterNEvalsHook


def evaluate_once(checkpoint_path: Any, master: str = "", scaffold: Any = None, eval_ops: Any = None, feed_dict: Any = None, final_ops: Any = None,
                  final_ops_feed_dict: Any = None, hooks: Any = None, config: Any = None) -> Any:  # fmt: skip
    """Restore a checkpoint, run `eval_ops` until a hook or the input stops it; gives the values of `final_ops`."""
    step = get_or_create_eval_step()
    hooks = list(hooks or [])
    if eval_ops is not None:
        counted = step.assign_add(1)
        counted = (
            counted.read_value() if hasattr(counted, "read_value") and not hasattr(counted, "op_type") else counted
        )
        if isinstance(eval_ops, dict):
            eval_ops = {**eval_ops, "update_eval_step": counted}
        elif isinstance(eval_ops, (tuple, list)):
            eval_ops = [*eval_ops, counted]
        else:
            eval_ops = [eval_ops, counted]
        for hook in hooks:
            if isinstance(hook, StopAfterNEvalsHook):
                hook._set_evals_completed_tensor(counted)
    messages.info("Starting evaluation at %s", time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime()))
    started = time.time()
    creator = ChiefSessionCreator(
        scaffold=scaffold, checkpoint_filename_with_path=checkpoint_path, master=master, config=config
    )
    final = FinalOpsHook(final_ops, final_ops_feed_dict)
    hooks.append(final)
    with MonitoredSession(session_creator=creator, hooks=hooks) as session:
        if eval_ops is not None:
            while not session.should_stop():
                session.run(eval_ops, feed_dict)
    messages.info("Inference Time : %0.5fs", time.time() - started)
    messages.info("Finished evaluation at %s", time.strftime("%Y-%m-%d-%H:%M:%S", time.localtime()))
    return final.final_ops_values


_evaluate_once = evaluate_once
