"""`tf.contrib.estimator`: features that are passed on, clipped gradients, exports of a mode, towers."""

from typing import Any

import penstock.compat.v1 as tf
from penstock.contrib.names import again, contrib
from penstock.estimator.arguments import fn_args

again("estimator", "estimator.experimental", "call_logit_fn build_raw_supervised_input_receiver_fn")


@contrib("estimator.clip_gradients_by_norm")
def clip_gradients_by_norm(optimizer: Any, clip_norm: float) -> Any:
    """An optimizer that clips each gradient to a norm before it applies it."""

    class ClippedOptimizer(tf.train.Optimizer):  # type: ignore[name-defined,misc]
        """Clips, then lets the other optimizer work."""

        def __init__(self) -> None:
            super().__init__(False, "Clipped" + optimizer.get_name())

        def compute_gradients(self, *args: Any, **kwargs: Any) -> Any:
            return optimizer.compute_gradients(*args, **kwargs)

        def apply_gradients(self, grads_and_vars: Any, global_step: Any = None, name: Any = None) -> Any:
            clipped = [(None if g is None else tf.clip_by_norm(g, clip_norm), v) for g, v in grads_and_vars]
            return optimizer.apply_gradients(clipped, global_step, name)

        def get_slot(self, var: Any, name: str) -> Any:
            return optimizer.get_slot(var, name)

        def get_slot_names(self) -> Any:
            return optimizer.get_slot_names()

        def variables(self) -> Any:
            return optimizer.variables()

    return ClippedOptimizer()


@contrib("estimator.forward_features")
def forward_features(estimator: Any, keys: Any = None, sparse_default_values: Any = None) -> Any:
    """An Estimator whose predictions hold features too: those of `keys`, or all; sparse ones need a default value."""

    def listed(keys: Any) -> Any:
        if keys is None or isinstance(keys, (list, tuple)):
            found = keys
        elif isinstance(keys, str):
            found = [keys]
        else:
            raise TypeError(f"keys should be either a string, a list of strings or None. Given: {type(keys)}")
        for key in found or ():
            if not isinstance(key, str):
                raise TypeError(f"All items in the given keys list should be a string. There exist an item: {key}")
        return found

    wanted = listed(keys)

    def new_model_fn(features: Any, labels: Any, mode: Any, config: Any) -> Any:
        spec = estimator.model_fn(features, labels, mode, config)
        predictions = spec.predictions
        if predictions is None:
            return spec
        if not isinstance(predictions, dict):
            raise ValueError(f"Predictions should be a dict to be able to forward features. Given: {type(predictions)}")
        for key in [*features] if wanted is None else wanted:
            if key not in features:
                raise ValueError(f"keys should be exist in features. Key {key!r} is not in features dict: {sorted(features)}")
            if key in predictions:
                raise ValueError(f"Cannot forward feature key ({key}). Since it does exist in predictions. Existing prediction keys: {sorted(predictions)}")
            feature = features[key]
            if isinstance(feature, tf.SparseTensor):
                default = (sparse_default_values or {}).get(key, "" if feature.dtype == tf.string else 0)
                feature = tf.sparse.to_dense(feature, default_value=default)
            predictions[key] = tf.identity(feature)
        spec = spec._replace(predictions=predictions)
        if spec.export_outputs:
            for key, output in spec.export_outputs.items():
                if isinstance(output, tf.estimator.export.PredictOutput):
                    outputs = {**output.outputs, **{k: predictions[k] for k in (wanted or [*features])}}
                    spec.export_outputs[key] = tf.estimator.export.PredictOutput(outputs)
        return spec

    return tf.estimator.Estimator(model_fn=new_model_fn, model_dir=estimator.model_dir, config=estimator.config)


@contrib("estimator.export_saved_model_for_mode")
def export_saved_model_for_mode(
    estimator: Any, export_dir_base: Any, input_receiver_fn: Any, assets_extra: Any = None, as_text: bool = False, checkpoint_path: Any = None, mode: str = "infer"
) -> Any:  # fmt: skip
    """Export the graph of one mode."""
    return estimator.export_saved_model(export_dir_base, input_receiver_fn, assets_extra, as_text, checkpoint_path, experimental_mode=mode)


@contrib("estimator.export_all_saved_models")
def export_all_saved_models(
    estimator: Any, export_dir_base: Any, input_receiver_fn_map: Any, assets_extra: Any = None, as_text: bool = False, checkpoint_path: Any = None
) -> Any:  # fmt: skip
    """Export the graphs of several modes as one SavedModel."""
    return estimator.experimental_export_all_saved_models(export_dir_base, input_receiver_fn_map, assets_extra, as_text, checkpoint_path)


@contrib("estimator.build_supervised_input_receiver_fn_from_input_fn")
def build_supervised_input_receiver_fn_from_input_fn(input_fn: Any, **input_fn_args: Any) -> Any:
    """A function for a SupervisedInputReceiver with placeholders like what an input function gives."""
    with tf.Graph().as_default():
        result = input_fn(**input_fn_args)
        if isinstance(result, tf.data.Dataset):
            result = tf.data.make_initializable_iterator(result).get_next()
        features, labels = result
    rest = lambda t: tf.placeholder(t.dtype, [None, *t.shape.as_list()[1:]])

    def receiver_fn() -> Any:
        like = lambda value: {k: rest(v) for k, v in value.items()} if isinstance(value, dict) else rest(value)
        made = tf.estimator.experimental.build_raw_supervised_input_receiver_fn(like(features), like(labels))
        return made()

    return receiver_fn


@contrib("estimator.TowerOptimizer")
class TowerOptimizer(tf.train.Optimizer):  # type: ignore[name-defined,misc]
    """The optimizer of a replicated model; there is one tower here, so it passes everything on."""

    def __init__(self, optimizer_or_optimizer_fn: Any):
        made = optimizer_or_optimizer_fn
        self._optimizer = made if isinstance(made, tf.train.Optimizer) else made()
        super().__init__(False, "Tower" + self._optimizer.get_name())

    def compute_gradients(self, loss: Any, *args: Any, **kwargs: Any) -> Any:
        return self._optimizer.compute_gradients(loss, *args, **kwargs)

    def apply_gradients(self, grads_and_vars: Any, global_step: Any = None, name: Any = None) -> Any:
        return self._optimizer.apply_gradients(grads_and_vars, global_step, name)

    def get_slot(self, *args: Any, **kwargs: Any) -> Any:
        return self._optimizer.get_slot(*args, **kwargs)

    def get_slot_names(self, *args: Any, **kwargs: Any) -> Any:
        return self._optimizer.get_slot_names(*args, **kwargs)

    def get_name(self, *args: Any, **kwargs: Any) -> Any:
        return self._optimizer.get_name(*args, **kwargs)

    def variables(self) -> Any:
        return self._optimizer.variables()


@contrib("estimator.replicate_model_fn")
def replicate_model_fn(model_fn: Any, loss_reduction: Any = "weighted_sum_by_nonzero_weights", devices: Any = None) -> Any:
    """The model function on the devices; one mesh of devices is one tower."""
    if loss_reduction == "none":
        raise ValueError('Tower losses need to be reduced in some way, yet "none" was given')
    wanted = fn_args(model_fn)

    def replicated(features: Any, labels: Any, mode: Any, params: Any = None, config: Any = None) -> Any:
        given = {"labels": labels, "mode": mode, "params": params, "config": config}
        return model_fn(features, **{k: v for k, v in given.items() if k in wanted})

    return replicated
