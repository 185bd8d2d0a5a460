"""`tf.estimator.add_metrics` and `InMemoryEvaluatorHook`: more metrics, and evaluation inside a training session."""

from typing import Any

from penstock.estimator.arguments import fn_args
from penstock.estimator.estimator import Estimator, check_hooks
from penstock.estimator.mode_keys import ModeKeys
from penstock.estimator.names import estimator_export
from penstock.fronts.default_graph import get_default_graph
from penstock.fronts.grouping import group
from penstock.ir.graph import Graph
from penstock.ops.constants import placeholder
from penstock.platform import messages
from penstock.state.collections import GraphKeys, get_collection
from penstock.train.basic_session_run_hooks import SecondOrStepTimer
from penstock.train.evaluation import StopAfterNEvalsHook
from penstock.train.scaffold import Scaffold
from penstock.train.session_run_hook import SessionRunHook


@estimator_export("add_metrics")
def add_metrics(estimator: Any, metric_fn: Any) -> Estimator:
    """An Estimator whose evaluations have the metrics of `metric_fn(labels, predictions, ...)` too."""
    other = sorted(set(fn_args(metric_fn)) - {"features", "labels", "predictions", "config", "self"})
    if other:
        raise ValueError(f"metric_fn ({metric_fn}) has following not expected args: {other}")

    def new_model_fn(features: Any, labels: Any, mode: Any, config: Any) -> Any:
        spec = estimator.model_fn(features, labels, mode, config)
        if mode != ModeKeys.EVAL:
            return spec
        known = {"features": features, "labels": labels, "predictions": spec.predictions, "config": config}
        args = fn_args(metric_fn)
        more = metric_fn(**{k: v for k, v in known.items() if k in args})
        return spec._replace(eval_metric_ops={**(spec.eval_metric_ops or {}), **(more or {})})

    return Estimator(model_fn=new_model_fn, model_dir=estimator.model_dir, config=estimator.config)


@estimator_export("experimental.InMemoryEvaluatorHook")
class InMemoryEvaluatorHook(SessionRunHook):
    """Evaluates inside the training session, without a checkpoint, every N runs and at the end."""

    def __init__(
        self,
        estimator: Any,
        input_fn: Any,
        steps: int | None = None,
        hooks: Any = None,
        name: str | None = None,
        every_n_iter: int = 100,
    ):
        if every_n_iter is None or every_n_iter <= 0:
            raise ValueError(f"invalid every_n_iter={every_n_iter}.")
        if estimator.config.num_ps_replicas > 0 or estimator.config.num_worker_replicas > 1:
            raise ValueError("InMemoryEvaluator supports only single machine (aka Local) setting.")
        self._estimator, self._input_fn, self._steps, self._name = estimator, input_fn, steps, name
        self._every_n_iter = every_n_iter
        self._eval_dir = estimator.eval_dir(name)
        self._graph: Any = None
        self._hooks = check_hooks(hooks)
        if steps is not None:
            self._hooks.append(StopAfterNEvalsHook(num_evals=steps))
        self._timer = SecondOrStepTimer(every_steps=every_n_iter)

    def begin(self) -> None:
        """Build the graph of the evaluation, with a way to give its variables the training's values."""
        self._timer.reset()
        self._iter_count = 0
        self._graph = Graph()
        with self._graph.as_default():
            self._scaffold, self._update_op, self._eval_dict, self._all_hooks = self._estimator._evaluate_build_graph(
                self._graph, self._input_fn, self._hooks, checkpoint_path=None
            )
            if self._scaffold.saver is not None:
                raise ValueError("InMemoryEvaluator does not support custom saver")
            if self._scaffold.init_fn is not None:
                raise ValueError("InMemoryEvaluator does not support custom init_fn")
            self._to_feed = {}
            assigns = []
            for v in get_collection(GraphKeys.GLOBAL_VARIABLES):
                fed = placeholder(v.dtype.base_dtype, v.shape)
                self._to_feed[v.name] = fed
                assigns.append(v.assign(fed, read_value=False))
            self._feed_op = group(*[getattr(a, "op", a) for a in assigns])

    def after_create_session(self, session: Any, coord: Any) -> None:
        if get_default_graph().get_collection(GraphKeys.TABLE_INITIALIZERS):
            raise ValueError("InMemoryEvaluator does not support saving/restoring tables.")
        self._trained = {v.name: v for v in get_collection(GraphKeys.GLOBAL_VARIABLES)}
        missing = sorted(set(self._to_feed) - set(self._trained))
        if missing:
            raise ValueError(f"The graph of the evaluation has variables that the training graph has not: {missing}")
        self._evaluate(session)

    def _evaluate(self, train_session: Any) -> None:
        values = train_session.run({n: self._trained[n] for n in self._to_feed})
        feeds = {self._to_feed[n]: value for n, value in values.items()}

        def feed_variables(scaffold: Any, session: Any) -> None:
            session.run(self._feed_op, feed_dict=feeds)

        with self._graph.as_default():
            scaffold = Scaffold(init_fn=feed_variables, copy_from_scaffold=self._scaffold)
            self._estimator._evaluate_run(
                None, scaffold, self._update_op, self._eval_dict, self._all_hooks, self._eval_dir
            )
        self._timer.update_last_triggered_step(self._iter_count)

    def after_run(self, run_context: Any, run_values: Any) -> None:
        self._iter_count += 1
        if self._timer.should_trigger_for_step(self._iter_count):
            self._evaluate(run_context.session)

    def end(self, session: Any) -> None:
        if self._timer.last_triggered_step() != self._iter_count:
            messages.debug("The last evaluation, at the end of training.")
            self._evaluate(session)
