"""`tf.estimator.EstimatorSpec`: what a model function gives back."""

from collections import namedtuple
from typing import Any

from penstock.estimator.arguments import fn_args
from penstock.estimator.export_output import (
    DEFAULT_SERVING_SIGNATURE_DEF_KEY,
    EvalOutput,
    ExportOutput,
    PredictOutput,
    TrainOutput,
    is_tensor,
)
from penstock.estimator.mode_keys import ModeKeys
from penstock.estimator.names import estimator_export
from penstock.fronts.default_graph import get_default_graph
from penstock.ir.tensor import Tensor
from penstock.platform import messages
from penstock.state.variable import Variable
from penstock.train.scaffold import Scaffold
from penstock.train.session_run_hook import SessionRunHook

LOSS_METRIC_KEY = "loss"
AVERAGE_LOSS_METRIC_KEY = "average_loss"
_FIELDS = ["mode", "predictions", "loss", "train_op", "eval_metric_ops", "export_outputs", "training_chief_hooks", "training_hooks", "scaffold",
           "evaluation_hooks", "prediction_hooks"]  # fmt: skip


@estimator_export("EstimatorSpec")
class EstimatorSpec(namedtuple("EstimatorSpec", _FIELDS)):
    """Predictions, loss, training op, metrics and export outputs of a model, as its mode needs them.

    >>> tf.estimator.EstimatorSpec(mode, loss=loss, train_op=optimizer.minimize(loss, tf.compat.v1.train.get_global_step()))
    """

    def __new__(cls, mode: Any, predictions: Any = None, loss: Any = None, train_op: Any = None, eval_metric_ops: Any = None, export_outputs: Any = None,
                training_chief_hooks: Any = None, training_hooks: Any = None, scaffold: Any = None, evaluation_hooks: Any = None,
                prediction_hooks: Any = None) -> "EstimatorSpec":  # fmt: skip
        train_op = _validated_train_op(train_op, mode)
        loss = _validated_loss(loss, mode)
        predictions = _validated_predictions(predictions, mode)
        export_outputs = _validated_export_outputs(export_outputs, predictions, mode)
        hooks = [
            _validated_hooks(h) for h in (training_hooks, training_chief_hooks, evaluation_hooks, prediction_hooks)
        ]
        eval_metric_ops = _validated_metric_ops(eval_metric_ops)
        scaffold = scaffold or Scaffold()
        if not isinstance(scaffold, Scaffold):
            raise TypeError(f"scaffold must be tf.train.Scaffold. Given: {scaffold}")
        return super().__new__(cls, mode=mode, predictions=predictions, loss=loss, train_op=train_op, eval_metric_ops=eval_metric_ops,
                               export_outputs=export_outputs, training_chief_hooks=hooks[1], training_hooks=hooks[0], scaffold=scaffold,
                               evaluation_hooks=hooks[2], prediction_hooks=hooks[3])  # fmt: skip

    def _replace(self, **kwds: Any) -> "EstimatorSpec":
        """The same with other values; the mode stays."""
        if "mode" in kwds and self.mode != kwds["mode"]:
            raise ValueError(f"mode of EstimatorSpec cannot be changed. Got {kwds['mode']!r} instead of {self.mode!r}")
        return EstimatorSpec(**{**self._asdict(), **kwds})


def _check_graph(thing: Any, name: str) -> None:
    if getattr(thing, "graph", None) is not None and thing.graph is not get_default_graph():
        raise ValueError(
            f'{name} with "{thing.name}" must be from the default graph. Possible causes of this error include: \n\n'
            f"1) {name} was created outside the context of the default graph."
            '\n\n2) The object passed through to EstimatorSpec was not created in the most recent call to "model_fn".'
        )


def _is_op(thing: Any) -> bool:
    return hasattr(thing, "node_def") and hasattr(thing, "outputs")


def _validated_train_op(train_op: Any, mode: Any) -> Any:
    if train_op is None:
        if mode == ModeKeys.TRAIN:
            raise ValueError("Missing train_op.")
        return None
    if isinstance(train_op, Variable):
        train_op = train_op.op
    if not (_is_op(train_op) or isinstance(train_op, Tensor)):
        raise TypeError(f"train_op must be Operation or Tensor, given: {train_op}")
    _check_graph(train_op, "train_op")
    return train_op


def _validated_loss(loss: Any, mode: Any) -> Any:
    if loss is None:
        if mode in (ModeKeys.TRAIN, ModeKeys.EVAL):
            raise ValueError("Missing loss.")
        return None
    if not isinstance(loss, Tensor):
        raise TypeError(f"loss must be Tensor, given: {loss}")
    _check_graph(loss, "loss")
    shape = loss.get_shape()
    if shape.num_elements() not in (None, 1):
        raise ValueError(f"Loss must be scalar, given: {loss}")
    if not shape.is_compatible_with([]):
        from penstock.ops.shapes import reshape

        return reshape(loss, [])
    return loss


def _validated_predictions(predictions: Any, mode: Any) -> Any:
    if predictions is None:
        if mode == ModeKeys.PREDICT:
            raise ValueError("Missing predictions.")
        return {}
    named = predictions.items() if isinstance(predictions, dict) else [(None, predictions)]
    for key, value in named:
        if not is_tensor(value):
            raise TypeError(f"predictions{'' if key is None else f'[{key}]'} must be Tensor, given: {value}")
        _check_graph(value, "prediction values")
    return predictions


def _validated_export_outputs(export_outputs: Any, predictions: Any, mode: Any) -> Any:
    if mode == ModeKeys.PREDICT:
        return export_outputs_for_prediction(export_outputs, predictions)
    if export_outputs is not None and not isinstance(export_outputs, dict):
        raise TypeError(f"`export_outputs` must be dict, received: {export_outputs}.")
    return export_outputs


def export_outputs_for_prediction(export_outputs: Any, predictions: Any) -> dict[str, Any]:
    """The export outputs with a default one: the only one, or all predictions."""
    if export_outputs is None:
        export_outputs = {DEFAULT_SERVING_SIGNATURE_DEF_KEY: PredictOutput(predictions)}
    if not isinstance(export_outputs, dict):
        raise TypeError(f"`export_outputs` must be dict, received: {export_outputs}.")
    for value in export_outputs.values():
        if not isinstance(value, ExportOutput):
            raise TypeError(f"Values in `export_outputs` must be ExportOutput objects, received: {export_outputs}.")
    return with_default_key(export_outputs)


def with_default_key(export_outputs: dict[str, Any]) -> dict[str, Any]:
    """A single output serves as the default one too; ValueError when there are several and none is the default."""
    if len(export_outputs) == 1:
        ((key, value),) = export_outputs.items()
        if key != DEFAULT_SERVING_SIGNATURE_DEF_KEY:
            export_outputs[DEFAULT_SERVING_SIGNATURE_DEF_KEY] = value
    elif len(export_outputs) > 1 and DEFAULT_SERVING_SIGNATURE_DEF_KEY not in export_outputs:
        raise ValueError("Multiple `export_outputs` were provided, but none of them are specified as the default. Use"
                         "`tf.saved_model.DEFAULT_SERVING_SIGNATURE_DEF_KEY` to specify a default.")  # fmt: skip
    return export_outputs


def export_outputs_for_mode(
    mode: Any, serving_export_outputs: Any = None, predictions: Any = None, loss: Any = None, metrics: Any = None
) -> dict[str, Any]:
    """The export outputs of a graph for serving, training or evaluation."""
    if mode == ModeKeys.PREDICT:
        return export_outputs_for_prediction(serving_export_outputs, predictions)
    if mode not in (ModeKeys.TRAIN, ModeKeys.EVAL):
        raise ValueError(f"Export output for mode not found: {mode}")
    made = (TrainOutput if mode == ModeKeys.TRAIN else EvalOutput)(
        loss=loss, predictions=predictions or None, metrics=metrics
    )
    return {mode: made}


def _validated_hooks(hooks: Any) -> tuple[Any, ...]:
    hooks = tuple(hooks or ())
    for hook in hooks:
        if not isinstance(hook, SessionRunHook):
            raise TypeError(f"All hooks must be SessionRunHook instances, given: {hook}")
    return hooks


def _validated_metric_ops(eval_metric_ops: Any) -> dict[str, Any]:
    """Each metric as a (value, update) pair; a Keras metric gives its result and the ops that update it."""
    if eval_metric_ops is None:
        return {}
    if not isinstance(eval_metric_ops, dict):
        raise TypeError(f"eval_metric_ops must be a dict, given: {eval_metric_ops}")
    made = {}
    for key, pair in eval_metric_ops.items():
        if hasattr(pair, "update_state") and hasattr(pair, "result"):  # a Keras metric
            made[key] = _of_object(pair)
            continue
        if not isinstance(pair, tuple) or len(pair) != 2:
            raise TypeError(
                f"Values of eval_metric_ops must be (metric_value, update_op) tuples, given: {pair} for key: {key}"
            )
        for thing in pair:
            if not (is_tensor(thing) or _is_op(thing) or hasattr(thing, "graph")):
                raise AttributeError(f"{type(thing).__name__!r} object has no attribute 'graph'")
            _check_graph(thing, "eval_metric_ops")
        made[key] = pair
    return made


def _of_object(metric: Any) -> tuple[Any, Any]:
    from penstock.fronts.grouping import group
    from penstock.state.collections import GraphKeys, add_to_collection

    for v in metric.variables:
        v = getattr(v, "value", v) if not isinstance(v, Variable) else v
        if isinstance(v, Variable) and not any(
            v is held for held in get_default_graph().get_collection(GraphKeys.LOCAL_VARIABLES)
        ):
            add_to_collection(GraphKeys.LOCAL_VARIABLES, v)
    updates = list(getattr(metric, "updates", []))
    return metric.result(), group(*updates)


def verify_model_fn_args(model_fn: Any, params: Any) -> None:
    """ValueError where a model function takes other arguments than an Estimator passes."""
    args = set(fn_args(model_fn))
    if "features" not in args:
        raise ValueError(f"model_fn ({model_fn}) must include features argument.")
    if params is not None and "params" not in args:
        raise ValueError(
            f"model_fn ({model_fn}) does not include params argument, but params ({params}) is passed to Estimator."
        )
    if params is None and "params" in args:
        messages.warning(
            "Estimator's model_fn (%s) includes params argument, but params are not passed to Estimator.", model_fn
        )
    other = sorted(args - {"features", "labels", "mode", "params", "self", "config"})
    if other:
        raise ValueError(f"model_fn ({model_fn}) has following not expected args: {other}")


@estimator_export("experimental.call_logit_fn")
def call_logit_fn(logit_fn: Any, features: Any, mode: Any, params: Any, config: Any) -> Any:
    """Call a function for logits with those of the arguments that it takes; checks what it gives."""
    args = fn_args(logit_fn)
    known = {"mode": mode, "params": params, "config": config}
    result = logit_fn(features=features, **{k: v for k, v in known.items() if k in args})
    if not isinstance(result, (Tensor, dict)):
        raise ValueError(
            f"logit_fn should return a Tensor or a dictionary mapping strings to Tensors.  logit_fn returned: {result}"
        )
    return result
