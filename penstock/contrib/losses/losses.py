"""`tf.contrib.losses`: predictions first, weights that broadcast from the left, the mean over entries of nonzero weight."""

from typing import Any

import penstock.compat.v1 as tf
from penstock.contrib.framework.arg_scope import add_arg_scope
from penstock.contrib.names import contrib


def loss(function: Any) -> Any:
    """Decorator: a loss of `tf.contrib.losses` and `slim.losses`."""
    return contrib(f"losses.{function.__name__}", f"slim.losses.{function.__name__}")(add_arg_scope(function))


@contrib("losses.compute_weighted_loss", "slim.losses.compute_weighted_loss")
def compute_weighted_loss(losses: Any, weights: Any = 1.0, scope: Any = None) -> Any:
    """The weighted losses' sum over the number of entries of nonzero weight; added to the collection of losses."""
    with tf.name_scope(scope, "weighted_loss", [losses, weights]):
        losses = tf.convert_to_tensor(losses)
        input_dtype = losses.dtype
        losses, weights = tf.to_float(losses), tf.to_float(tf.convert_to_tensor(weights))
        if losses.get_shape().ndims is None:
            raise ValueError("losses.get_shape().ndims cannot be None")
        shape = weights.get_shape()
        if shape.ndims is None:
            raise ValueError("weights.get_shape().ndims cannot be None")
        if shape.ndims > 1 and tf.Dimension(shape.dims[-1]).is_compatible_with(1):
            weights = tf.squeeze(weights, [-1])
        inner = list(range(weights.get_shape().ndims, losses.get_shape().ndims))
        total = tf.reduce_sum(tf.multiply(tf.reduce_sum(losses, axis=inner), weights))
        present = _num_present(losses, weights)
        mean = tf.where(tf.greater(present, 0), tf.divide(total, tf.where(tf.equal(present, 0), tf.ones_like(present), present)), tf.zeros_like(total), name="value")
        mean = tf.cast(mean, input_dtype)
        add_loss(mean)
        return mean


def _num_present(losses: Any, weights: Any) -> Any:
    """How many entries of the losses have a nonzero weight."""
    nonzero = tf.to_float(tf.not_equal(weights, 0.0))
    rank = weights.get_shape().ndims
    if rank == 0:
        return nonzero * tf.to_float(tf.size(losses))
    each = tf.reduce_prod(tf.shape(losses)[rank:]) if losses.get_shape().ndims > rank else 1
    return tf.reduce_sum(nonzero * tf.ones(tf.shape(losses)[:rank])) * tf.to_float(each)


@contrib("losses.add_loss", "slim.losses.add_loss")
@add_arg_scope
def add_loss(loss: Any, loss_collection: Any = "losses") -> None:
    """Put a loss that was made elsewhere into the collection of losses."""
    if loss_collection and tf.get_default_graph() is not None:
        tf.add_to_collection(loss_collection, loss)


@contrib("losses.get_losses", "slim.losses.get_losses")
def get_losses(scope: Any = None, loss_collection: str = "losses") -> list[Any]:
    """The losses of a scope."""
    return tf.get_collection(loss_collection, scope)


@contrib("losses.get_regularization_losses", "slim.losses.get_regularization_losses")
def get_regularization_losses(scope: Any = None) -> list[Any]:
    """The regularization losses of a scope."""
    return tf.get_collection(tf.GraphKeys.REGULARIZATION_LOSSES, scope)


@contrib("losses.get_total_loss", "slim.losses.get_total_loss")
def get_total_loss(add_regularization_losses: bool = True, name: str = "total_loss") -> Any:
    """The sum of all losses, and of the regularization losses too."""
    losses = get_losses()
    if add_regularization_losses:
        losses = losses + get_regularization_losses()
    return tf.add_n(losses, name=name)


def _same(scope: Any, name: str, predictions: Any, labels: Any, weights: Any) -> Any:
    if labels is None:
        raise ValueError(f"{name}: `labels` must not be None")
    return tf.name_scope(scope, name, [predictions, labels, weights])


def _checked(predictions: Any, labels: Any) -> tuple[Any, Any]:
    predictions, labels = tf.convert_to_tensor(predictions), tf.convert_to_tensor(labels)
    predictions.get_shape().assert_is_compatible_with(labels.get_shape())
    return tf.to_float(predictions), tf.to_float(labels)


@loss
def absolute_difference(predictions: Any, labels: Any = None, weights: Any = 1.0, scope: Any = None) -> Any:
    """|predictions - labels|."""
    with _same(scope, "absolute_difference", predictions, labels, weights) as scope:
        predictions, labels = _checked(predictions, labels)
        return compute_weighted_loss(tf.abs(tf.subtract(predictions, labels)), weights, scope=scope)


@loss
def mean_squared_error(predictions: Any, labels: Any = None, weights: Any = 1.0, scope: Any = None) -> Any:
    """(predictions - labels) ** 2."""
    with _same(scope, "mean_squared_error", predictions, labels, weights) as scope:
        predictions, labels = _checked(predictions, labels)
        return compute_weighted_loss(tf.square(tf.subtract(predictions, labels)), weights, scope=scope)


@loss
def log_loss(predictions: Any, labels: Any = None, weights: Any = 1.0, epsilon: float = 1e-7, scope: Any = None) -> Any:
    """The cross entropy of probabilities."""
    with _same(scope, "log_loss", predictions, labels, weights) as scope:
        predictions, labels = _checked(predictions, labels)
        losses = -tf.multiply(labels, tf.log(predictions + epsilon)) - tf.multiply(1 - labels, tf.log(1 - predictions + epsilon))
        return compute_weighted_loss(losses, weights, scope=scope)


@loss
def hinge_loss(logits: Any, labels: Any = None, scope: Any = None) -> Any:
    """max(0, 1 - (2 * labels - 1) * logits), one for each entry: it is not summed, nor put into a collection."""
    with tf.name_scope(scope, "hinge_loss", [logits, labels]):
        logits.get_shape().assert_is_compatible_with(labels.get_shape())
        labels = tf.to_float(labels)
        return tf.nn.relu(tf.subtract(tf.ones_like(labels), tf.multiply(2 * labels - tf.ones_like(labels), logits)))


@loss
def cosine_distance(predictions: Any, labels: Any = None, axis: Any = None, weights: Any = 1.0, scope: Any = None, dim: Any = None) -> Any:
    """1 - cosine of unit vectors along `axis`."""
    axis = dim if axis is None else axis
    if axis is None:
        raise ValueError("You must specify 'axis'.")
    with tf.name_scope(scope, "cosine_distance_loss", [predictions, labels, weights]) as scope:
        predictions, labels = _checked(predictions, labels)
        return compute_weighted_loss(1 - tf.reduce_sum(tf.multiply(predictions, labels), axis=[axis]), weights, scope=scope)


@loss
def sigmoid_cross_entropy(logits: Any, multi_class_labels: Any, weights: Any = 1.0, label_smoothing: float = 0, scope: Any = None) -> Any:
    """The cross entropy of independent classes."""
    with tf.name_scope(scope, "sigmoid_cross_entropy_loss", [logits, multi_class_labels, weights]) as scope:
        logits.get_shape().assert_is_compatible_with(multi_class_labels.get_shape())
        multi_class_labels = tf.cast(multi_class_labels, logits.dtype)
        if label_smoothing > 0:
            multi_class_labels = multi_class_labels * (1 - label_smoothing) + 0.5 * label_smoothing
        losses = tf.nn.sigmoid_cross_entropy_with_logits(labels=multi_class_labels, logits=logits, name="xentropy")
        return compute_weighted_loss(losses, weights, scope=scope)


@loss
def softmax_cross_entropy(logits: Any, onehot_labels: Any, weights: Any = 1.0, label_smoothing: float = 0, scope: Any = None) -> Any:
    """The cross entropy of one-hot labels."""
    with tf.name_scope(scope, "softmax_cross_entropy_loss", [logits, onehot_labels, weights]) as scope:
        logits.get_shape().assert_is_compatible_with(onehot_labels.get_shape())
        onehot_labels = tf.cast(onehot_labels, logits.dtype)
        if label_smoothing > 0:
            classes = tf.cast(tf.shape(onehot_labels)[1], logits.dtype)
            onehot_labels = onehot_labels * (1.0 - label_smoothing) + label_smoothing / classes
        losses = tf.nn.softmax_cross_entropy_with_logits(labels=onehot_labels, logits=logits, name="xentropy")
        return compute_weighted_loss(losses, weights, scope=scope)


@loss
def sparse_softmax_cross_entropy(logits: Any, labels: Any, weights: Any = 1.0, scope: Any = None) -> Any:
    """The cross entropy of class numbers."""
    with tf.name_scope(scope, "sparse_softmax_cross_entropy_loss", [logits, labels, weights]) as scope:
        labels = tf.reshape(labels, shape=[tf.shape(labels)[0]])
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits, name="xentropy")
        return compute_weighted_loss(losses, weights, scope=scope)


@loss
def mean_pairwise_squared_error(predictions: Any, labels: Any = None, weights: Any = 1.0, scope: Any = None) -> Any:
    """The mean squared difference of all pairs of errors of an example."""
    with _same(scope, "mean_pairwise_squared_error", predictions, labels, weights) as scope:
        predictions, labels = _checked(predictions, labels)
        weights = tf.to_float(tf.convert_to_tensor(weights))
        diffs = tf.subtract(predictions, labels)
        inner = list(range(1, diffs.get_shape().ndims))
        sum_squares = tf.reduce_sum(tf.square(diffs), axis=inner)
        present = _num_present_each(diffs, weights)
        term1 = 2.0 * _over(sum_squares, present)
        term2 = 2.0 * _over(tf.square(tf.reduce_sum(diffs, axis=inner)), tf.square(present))
        total = tf.reduce_sum((term1 - term2) * (weights if weights.get_shape().ndims < 2 else tf.reshape(weights, [-1])))
        mean = tf.where(tf.reduce_sum(present) > 0, total, tf.zeros_like(total), name="value")
        add_loss(mean)
        return mean


def _num_present_each(losses: Any, weights: Any) -> Any:
    nonzero = tf.to_float(tf.not_equal(weights, 0.0))
    each = tf.to_float(tf.reduce_prod(tf.shape(losses)[1:]))
    if nonzero.get_shape().ndims > 1:
        nonzero = tf.reshape(nonzero, [-1])
    return nonzero * each * tf.ones(tf.shape(losses)[:1])


def _over(value: Any, count: Any) -> Any:
    return tf.where(count > 0, value / tf.where(tf.equal(count, 0), tf.ones_like(count), count), tf.zeros_like(value))
