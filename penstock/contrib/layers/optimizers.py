"""`optimize_loss`: an optimizer, its clipping, noise, decay, summaries and update ops as one training op."""

from typing import Any

import penstock.compat.v1 as tf
from penstock.contrib.names import contrib, contrib_constant

OPTIMIZER_CLS_NAMES = {
    "Adagrad": tf.train.AdagradOptimizer,
    "Adam": tf.train.AdamOptimizer,
    "Ftrl": tf.train.FtrlOptimizer,
    "Momentum": lambda learning_rate: tf.train.MomentumOptimizer(learning_rate, momentum=0.9),
    "RMSProp": tf.train.RMSPropOptimizer,
    "SGD": tf.train.GradientDescentOptimizer,
}
OPTIMIZER_SUMMARIES = ["learning_rate", "loss", "gradients", "gradient_norm", "global_gradient_norm"]
for _name in ("OPTIMIZER_CLS_NAMES", "OPTIMIZER_SUMMARIES"):
    contrib_constant(f"layers.{_name}", module=__name__, attr=_name)


@contrib("layers.optimize_loss")
def optimize_loss(
    loss: Any, global_step: Any, learning_rate: Any, optimizer: Any, gradient_noise_scale: Any = None, gradient_multipliers: Any = None,
    clip_gradients: Any = None, learning_rate_decay_fn: Any = None, update_ops: Any = None, variables: Any = None, name: str | None = None,
    summaries: Any = None, colocate_gradients_with_ops: bool = False, increment_global_step: bool = True,
) -> Any:  # fmt: skip
    """A training op that gives the loss after the step was made.

    `optimizer`: a name ("SGD", "Adam", ...), a class, an instance, or a function of the learning rate.
    """
    loss = tf.convert_to_tensor(loss)
    if not loss.shape.is_compatible_with([]):
        raise ValueError(f"Shape must be rank 0 but is rank {loss.shape.rank}")
    if global_step is None:
        global_step = tf.train.get_global_step()
    else:
        tf.train.assert_global_step(global_step)
    with tf.variable_scope(name, "OptimizeLoss", [loss, global_step]):
        if update_ops is None:
            update_ops = set(tf.get_collection(tf.GraphKeys.UPDATE_OPS))
        if update_ops:
            with tf.control_dependencies(list(update_ops)):
                loss = tf.identity(loss)
        lr = None
        if learning_rate is not None:
            if isinstance(learning_rate, tf.Tensor) and learning_rate.get_shape().ndims == 0:
                lr = learning_rate
            elif isinstance(learning_rate, (int, float)) and not isinstance(learning_rate, bool):
                if learning_rate < 0.0:
                    raise ValueError("Invalid learning_rate %s.", learning_rate)
                lr = tf.get_variable("learning_rate", [], trainable=False, initializer=tf.constant_initializer(float(learning_rate)))
            else:
                raise ValueError(f"Learning rate should be 0d Tensor or float. Got {learning_rate} of type {type(learning_rate)}")
        if summaries is None:
            summaries = ["loss", "learning_rate", "global_gradient_norm"]
        else:
            for summ in summaries:
                if summ not in OPTIMIZER_SUMMARIES:
                    raise ValueError(f"Summaries should be one of [{', '.join(OPTIMIZER_SUMMARIES)}], you provided {summ}.")
        if learning_rate is not None and learning_rate_decay_fn is not None:
            if global_step is None:
                raise ValueError("global_step is required for learning_rate_decay_fn.")
            lr = learning_rate_decay_fn(lr, global_step)
            if "learning_rate" in summaries:
                tf.summary.scalar("learning_rate", lr)
        opt = _optimizer(optimizer, learning_rate, lr)
        variables = tf.trainable_variables() if variables is None else variables
        gradients = opt.compute_gradients(loss, variables, colocate_gradients_with_ops=colocate_gradients_with_ops)
        if gradient_noise_scale is not None:
            gradients = _noisy(gradients, gradient_noise_scale)
        if gradient_multipliers is not None:
            gradients = _multiplied(gradients, gradient_multipliers)
            if not gradients:
                raise ValueError("Empty list of (gradient, var) pairs encountered. This is likely to be caused by an improper value of gradient_multipliers.")
        if "global_gradient_norm" in summaries or "gradient_norm" in summaries:
            tf.summary.scalar("global_norm/gradient_norm", tf.linalg.global_norm([g for g, _ in gradients]))
        if isinstance(clip_gradients, float):
            grads, held = zip(*gradients)
            clipped, _ = tf.clip_by_global_norm(grads, clip_gradients)
            gradients = list(zip(clipped, held))
        elif callable(clip_gradients):
            gradients = clip_gradients(gradients)
        elif clip_gradients is not None:
            raise ValueError(f"Unknown type {type(clip_gradients)} for clip_gradients")
        if "loss" in summaries:
            tf.summary.scalar("loss", loss)
        for gradient, variable in gradients:
            values = gradient.values if isinstance(gradient, tf.IndexedSlices) else gradient
            if values is None:
                continue
            said = variable.name.replace(":", "_")
            if "gradients" in summaries:
                tf.summary.histogram(f"gradients/{said}", values)
            if "gradient_norm" in summaries:
                tf.summary.scalar(f"gradient_norm/{said}", tf.linalg.global_norm([values]))
        if clip_gradients is not None and ("global_gradient_norm" in summaries or "gradient_norm" in summaries):
            tf.summary.scalar("global_norm/clipped_gradient_norm", tf.linalg.global_norm([g for g, _ in gradients]))
        updates = opt.apply_gradients(gradients, global_step=global_step if increment_global_step else None, name="train")
        with tf.control_dependencies([updates]):
            return tf.identity(loss)


def _optimizer(optimizer: Any, learning_rate: Any, lr: Any) -> Any:
    if isinstance(optimizer, str):
        if optimizer not in OPTIMIZER_CLS_NAMES:
            raise ValueError(f"Optimizer name should be one of [{', '.join(OPTIMIZER_CLS_NAMES)}], you provided {optimizer}.")
        if lr is None:
            raise ValueError("Learning rate is None, but should be specified if optimizer is string (" + optimizer + ").")
        return OPTIMIZER_CLS_NAMES[optimizer](learning_rate=lr)
    if isinstance(optimizer, type) and issubclass(optimizer, tf.train.Optimizer):
        if lr is None:
            raise ValueError(f"Learning rate is None, but should be specified if optimizer is class ({optimizer}).")
        return optimizer(learning_rate=lr)
    if isinstance(optimizer, tf.train.Optimizer):
        return optimizer
    if callable(optimizer):
        opt = optimizer(lr) if learning_rate is not None else optimizer()
        if not isinstance(opt, tf.train.Optimizer):
            raise ValueError(f"Unrecognized optimizer: function should return subclass of Optimizer. Got {opt}.")
        return opt
    raise ValueError(f"Unrecognized optimizer: should be string, subclass of Optimizer, instance of subclass of Optimizer or function with one argument. Got {optimizer}.")


@contrib("layers.clip_gradients_by_norm", "layers.python.layers.optimizers.clip_gradients_by_norm")
def clip_gradients_by_norm(grads_and_vars: Any, clip_gradients: float) -> list[Any]:
    """Clip gradients by their global norm."""
    gradients, variables = zip(*grads_and_vars)
    return list(zip(tf.clip_by_global_norm(gradients, clip_gradients)[0], variables))


@contrib("layers.adaptive_clipping_fn")
def adaptive_clipping_fn(
    std_factor: float = 2.0, decay: float = 0.95, static_max_norm: float | None = None, global_step: Any = None, report_summary: bool = False,
    epsilon: float = 1e-8, name: str | None = None,
) -> Any:  # fmt: skip
    """A clipping function that scales gradients whose norm is far above the moving mean of its logarithm."""

    def gradient_clipping(grads_and_vars: Any) -> list[Any]:
        grads, variables = zip(*grads_and_vars)
        norm = tf.linalg.global_norm(grads)
        max_norm, log_mean = _adaptive_max_norm(norm, std_factor, decay, global_step, epsilon, name)
        if report_summary:
            tf.summary.scalar("global_norm/adaptive_max_gradient_norm", max_norm)
        factor = tf.where(norm < max_norm, tf.ones_like(norm), tf.exp(log_mean) / norm)
        if static_max_norm is not None:
            factor = tf.minimum(static_max_norm / norm, factor)
        return [
            (None if g is None else tf.IndexedSlices(g.values * factor, g.indices, g.dense_shape) if isinstance(g, tf.IndexedSlices) else g * factor, v)
            for g, v in zip(grads, variables)
        ]

    return gradient_clipping


def _adaptive_max_norm(norm: Any, std_factor: float, decay: float, global_step: Any, epsilon: float, name: str | None) -> tuple[Any, Any]:
    with tf.variable_scope(name, "AdaptiveMaxNorm", [norm]):
        log_norm = tf.log(norm + epsilon)

        def moving_average(name: str, value: Any, decay: Any) -> Any:
            held = tf.get_variable(name, shape=value.get_shape(), dtype=value.dtype, initializer=tf.zeros_initializer(), trainable=False)
            from penstock.train.moving_averages import assign_moving_average

            return assign_moving_average(held, value, decay, zero_debias=False)

        if global_step is not None:
            n = tf.cast(global_step, tf.float32)
            decay = tf.minimum(decay, n / (n + 1.0))
        mean = moving_average("mean", log_norm, decay)
        sq_mean = moving_average("sq_mean", tf.square(log_norm), decay)
        std = tf.sqrt(tf.maximum(epsilon, sq_mean - tf.square(mean)))
        return tf.exp(mean + std_factor * std), mean


def _noisy(grads_and_vars: Any, scale: float) -> list[Any]:
    made = []
    for gradient, variable in grads_and_vars:
        if gradient is None:
            made.append((None, variable))
            continue
        shape = gradient.dense_shape if isinstance(gradient, tf.IndexedSlices) else gradient.get_shape()
        made.append((gradient + tf.truncated_normal(shape) * scale, variable))
    return made


def _multiplied(grads_and_vars: Any, multipliers: Any) -> list[Any]:
    made = []
    for grad, var in grads_and_vars:
        key = var if var in multipliers else var.name if var.name in multipliers else None
        if key is not None and grad is not None:
            factor = tf.cast(multipliers[key], grad.dtype.base_dtype)
            grad = tf.IndexedSlices(grad.values * factor, grad.indices, grad.dense_shape) if isinstance(grad, tf.IndexedSlices) else grad * factor
        made.append((grad, var))
    return made
