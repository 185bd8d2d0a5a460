"""`create_train_op`, `train` and what they are made of: `tf.contrib.training`, and `slim.learning` over it."""

from typing import Any

import penstock.compat.v1 as tf
from penstock.contrib.names import contrib

_USE_GLOBAL_STEP = 0


def _scaled(grad: Any, function: Any) -> Any:
    if isinstance(grad, tf.IndexedSlices):
        return tf.IndexedSlices(function(grad.values), grad.indices, grad.dense_shape)
    return function(grad)


@contrib("training.add_gradients_summaries", "slim.learning.add_gradients_summaries")
def add_gradients_summaries(grads_and_vars: Any) -> list[Any]:
    """A histogram and the norm of each gradient."""
    found = []
    for grad, var in grads_and_vars:
        if grad is None:
            tf.logging.info("Var %s has no gradient", var.op.name)
            continue
        values = grad.values if isinstance(grad, tf.IndexedSlices) else grad
        found.append(tf.summary.histogram(var.op.name + "_gradient", values))
        found.append(tf.summary.scalar(var.op.name + "_gradient_norm", tf.linalg.global_norm([values])))
    return found


@contrib("training.clip_gradient_norms", "slim.learning.clip_gradient_norms")
def clip_gradient_norms(gradients_to_variables: Any, max_norm: float) -> list[Any]:
    """Each gradient clipped by its own norm."""
    return [(None if g is None else _scaled(g, lambda v: tf.clip_by_norm(v, max_norm)), var) for g, var in gradients_to_variables]


@contrib("training.clip_gradient_norms_fn")
def clip_gradient_norms_fn(max_norm: float) -> Any:
    """A function that clips gradients, for `create_train_op(transform_grads_fn=...)`."""
    return lambda grads_and_vars: clip_gradient_norms(grads_and_vars, max_norm)


@contrib("training.multiply_gradients", "slim.learning.multiply_gradients")
def multiply_gradients(grads_and_vars: Any, gradient_multipliers: Any) -> list[Any]:
    """Gradients times a factor for each variable (or its op name) of a dict."""
    if not isinstance(grads_and_vars, list):
        raise ValueError("`grads_and_vars` must be a list.")
    if not gradient_multipliers:
        raise ValueError("`gradient_multipliers` is empty.")
    if not isinstance(gradient_multipliers, dict):
        raise ValueError("`gradient_multipliers` must be a dict.")
    made = []
    for grad, var in grads_and_vars:
        key = next((k for k in gradient_multipliers if k is var), None)
        key = var.op.name if key is None and var.op.name in gradient_multipliers else key
        if key is not None:
            if grad is None:
                raise ValueError(f"Requested multiple of `None` gradient. In: {var.op.name}")
            factor = gradient_multipliers[key]
            grad = _scaled(grad, lambda v: v * tf.cast(factor, v.dtype))
        made.append((grad, var))
    return made


@contrib("training.create_train_op")
def create_train_op(
    total_loss: Any, optimizer: Any, global_step: Any = _USE_GLOBAL_STEP, update_ops: Any = None, variables_to_train: Any = None,
    transform_grads_fn: Any = None, summarize_gradients: bool = False, gate_gradients: int = 1, aggregation_method: Any = None,
    colocate_gradients_with_ops: bool = False, check_numerics: bool = True,
) -> Any:  # fmt: skip
    """A tensor that makes one training step, the update ops before it, and gives the loss."""
    if global_step is _USE_GLOBAL_STEP:
        global_step = tf.train.get_or_create_global_step()
    in_graph = set(tf.get_collection(tf.GraphKeys.UPDATE_OPS))
    chosen = in_graph if update_ops is None else set(update_ops)
    if not in_graph.issubset(chosen):
        tf.logging.warning("update_ops in create_train_op does not contain all the  update_ops in GraphKeys.UPDATE_OPS")
    if chosen:
        with tf.control_dependencies(list(chosen)):
            barrier = tf.no_op(name="update_barrier")
        with tf.control_dependencies([barrier]):
            total_loss = tf.identity(total_loss)
    if variables_to_train is None:
        variables_to_train = tf.trainable_variables()
    else:
        known = tf.trainable_variables()
        for v in variables_to_train:
            assert any(v is k for k in known)
    assert variables_to_train
    grads = optimizer.compute_gradients(total_loss, variables_to_train, gate_gradients=gate_gradients, aggregation_method=aggregation_method,
                                        colocate_gradients_with_ops=colocate_gradients_with_ops)  # fmt: skip
    if transform_grads_fn:
        grads = transform_grads_fn(grads)
    if summarize_gradients:
        with tf.name_scope("summarize_grads"):
            add_gradients_summaries(grads)
    updates = optimizer.apply_gradients(grads, global_step=global_step)
    with tf.name_scope("train_op"):
        if check_numerics:
            total_loss = tf.check_numerics(total_loss, "LossTensor is inf or nan")
        with tf.control_dependencies([updates]):
            train_op = tf.identity(total_loss)
    held = tf.get_collection_ref(tf.GraphKeys.TRAIN_OP)
    if not any(train_op is h for h in held):
        held.append(train_op)
    return train_op


@contrib("training.train")
def train(
    train_op: Any, logdir: Any, master: str = "", is_chief: bool = True, scaffold: Any = None, hooks: Any = None, chief_only_hooks: Any = None,
    save_checkpoint_secs: Any = 600, save_summaries_steps: Any = 100, config: Any = None, max_wait_secs: int = 7200, run_metadata: Any = None,
) -> Any:  # fmt: skip
    """Run the training op until a hook says stop; the last loss."""
    if logdir is None and is_chief:
        if save_summaries_steps:
            raise ValueError("logdir cannot be None when save_summaries_steps is not None")
        if save_checkpoint_secs:
            raise ValueError("logdir cannot be None when save_checkpoint_secs is not None")
    with tf.train.MonitoredTrainingSession(
        master=master, is_chief=is_chief, checkpoint_dir=logdir, scaffold=scaffold, hooks=hooks, chief_only_hooks=chief_only_hooks,
        save_checkpoint_secs=save_checkpoint_secs, save_summaries_steps=save_summaries_steps, config=config, max_wait_secs=max_wait_secs,
    ) as session:  # fmt: skip
        loss = None
        while not session.should_stop():
            loss = session.run(train_op, run_metadata=run_metadata)
    return loss
