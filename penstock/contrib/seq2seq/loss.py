"""`sequence_loss` of `tf.contrib.seq2seq`."""

from typing import Any

import penstock.compat.v1 as tf
from penstock.contrib.names import contrib


@contrib("seq2seq.sequence_loss")
def sequence_loss(
    logits: Any, targets: Any, weights: Any, average_across_timesteps: bool = True, average_across_batch: bool = True,
    sum_over_timesteps: bool = False, sum_over_batch: bool = False, softmax_loss_function: Any = None, name: Any = None,
) -> Any:  # fmt: skip
    """The weighted cross entropy of [batch, time, classes] logits against [batch, time] classes."""
    for what, value, rank, said in (("Logits", logits, 3, "a [batch_size x sequence_length x logits]"), ("Targets", targets, 2, "a [batch_size x sequence_length]"),
                                    ("Weights", weights, 2, "a [batch_size x sequence_length]")):  # fmt: skip
        if len(value.get_shape()) != rank:
            raise ValueError(f"{what} must be {said} tensor")
    if average_across_timesteps and sum_over_timesteps:
        raise ValueError("average_across_timesteps and sum_over_timesteps cannot be set to True at same time.")
    if average_across_batch and sum_over_batch:
        raise ValueError("average_across_batch and sum_over_batch cannot be set to True at the same time.")
    with tf.name_scope(name, "sequence_loss", [logits, targets, weights]):
        flat = tf.reshape(logits, [-1, tf.shape(logits)[2]])
        wanted = tf.reshape(targets, [-1])
        if softmax_loss_function is None:
            crossent = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=wanted, logits=flat)
        else:
            crossent = softmax_loss_function(labels=wanted, logits=flat)
        crossent *= tf.reshape(weights, [-1])
        if average_across_timesteps and average_across_batch:
            return tf.div_no_nan(tf.reduce_sum(crossent), tf.reduce_sum(weights))
        if sum_over_timesteps and sum_over_batch:
            count = tf.cast(tf.count_nonzero(weights), crossent.dtype)
            return tf.div_no_nan(tf.reduce_sum(crossent), count)
        crossent = tf.reshape(crossent, tf.shape(logits)[0:2])
        if average_across_timesteps or average_across_batch:
            axis = 0 if average_across_batch else 1
            return tf.div_no_nan(tf.reduce_sum(crossent, axis=axis), tf.reduce_sum(weights, axis=axis))
        if sum_over_timesteps or sum_over_batch:
            axis = 0 if sum_over_batch else 1
            return tf.div_no_nan(tf.reduce_sum(crossent, axis=axis), tf.cast(tf.count_nonzero(weights, axis=axis), crossent.dtype))
        return crossent
