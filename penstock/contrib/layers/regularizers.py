"""Regularizers of `tf.contrib.layers`: functions from weights to a scalar loss."""

import numbers
from typing import Any

import penstock.compat.v1 as tf
from penstock.contrib.names import contrib


def _checked(scale: Any, maximum: float | None = None) -> float:
    if isinstance(scale, numbers.Integral):
        raise ValueError(f"scale cannot be an integer: {scale}")
    if isinstance(scale, numbers.Real):
        if scale < 0.0:
            raise ValueError(f"Setting a scale less than 0 on a regularizer: {scale}.")
        if maximum is not None and scale >= maximum:
            raise ValueError(f"Setting a scale greater than 1 on a regularizer: {scale}.")
        if scale == 0.0:
            tf.logging.info("Scale of 0 disables regularizer.")
    return scale


def _scale(scale: Any, weights: Any) -> Any:
    return tf.convert_to_tensor(scale, dtype=weights.dtype.base_dtype, name="scale")


@contrib("layers.l1_regularizer", "slim.l1_regularizer")
def l1_regularizer(scale: Any, scope: str | None = None) -> Any:
    """scale * sum(|w|)."""
    if _checked(scale) == 0.0:
        return lambda _: None

    def l1(weights: Any, name: str | None = None) -> Any:
        with tf.name_scope(scope, "l1_regularizer", [weights]) as name:
            factor = _scale(scale, weights)
            return tf.multiply(factor, tf.reduce_sum(tf.abs(weights)), name=name)

    return l1


@contrib("layers.l2_regularizer", "slim.l2_regularizer")
def l2_regularizer(scale: Any, scope: str | None = None) -> Any:
    """scale * sum(w ** 2) / 2."""
    if _checked(scale) == 0.0:
        return lambda _: None

    def l2(weights: Any) -> Any:
        with tf.name_scope(scope, "l2_regularizer", [weights]) as name:
            factor = _scale(scale, weights)
            return tf.multiply(factor, tf.nn.l2_loss(weights), name=name)

    return l2


@contrib("layers.l1_l2_regularizer", "slim.l1_l2_regularizer")
def l1_l2_regularizer(scale_l1: Any = 1.0, scale_l2: Any = 1.0, scope: str | None = None) -> Any:
    """The sum of both."""
    for scale in (scale_l1, scale_l2):
        if isinstance(scale, numbers.Integral):
            raise ValueError(f"scale cannot be an integer: {scale}")
    scope = scope or "l1_l2_regularizer"
    if scale_l1 == 0.0:
        return l2_regularizer(scale_l2, scope)
    if scale_l2 == 0.0:
        return l1_regularizer(scale_l1, scope)
    return sum_regularizer([l1_regularizer(scale_l1), l2_regularizer(scale_l2)], scope=scope)


@contrib("layers.sum_regularizer", "slim.sum_regularizer")
def sum_regularizer(regularizer_list: Any, scope: str | None = None) -> Any:
    """The sum of several regularizers; None when there is none."""
    regularizers = [r for r in regularizer_list if r is not None]
    if not regularizers:
        return None

    def sum_reg(weights: Any) -> Any:
        with tf.name_scope(scope, "sum_regularizer", [weights]) as name:
            terms = [t for t in (r(weights) for r in regularizers) if t is not None]
            return tf.add_n(terms, name=name) if terms else None

    return sum_reg


@contrib("layers.apply_regularization", "slim.apply_regularization")
def apply_regularization(regularizer: Any, weights_list: Any = None) -> Any:
    """The sum of a regularizer over weights, also put into the collection of regularization losses."""
    if not weights_list:
        weights_list = tf.get_collection(tf.GraphKeys.WEIGHTS)
    if not weights_list:
        raise ValueError("No weights to regularize.")
    with tf.name_scope("get_regularization_penalty", values=weights_list) as scope:
        penalties = [p if p is not None else tf.constant(0.0) for p in map(regularizer, weights_list)]
        for p in penalties:
            if p.get_shape().ndims != 0:
                raise ValueError(f"regularizer must return a scalar Tensor instead of a Tensor with rank {p.get_shape().ndims}.")
        summed = tf.add_n(penalties, name=scope)
        tf.add_to_collection(tf.GraphKeys.REGULARIZATION_LOSSES, summed)
        return summed
