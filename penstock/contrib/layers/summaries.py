"""Summaries of tensors, of collections of them, and of activations."""

import functools
import re
from typing import Any

import penstock.compat.v1 as tf
from penstock.contrib.names import contrib


def _add(function: Any, tag: str, tensor: Any) -> Any:
    """A summary whose name is `tag`, once."""
    return function(tag, tensor)


@contrib("layers.summarize_tensor", "slim.summarize_tensor")
def summarize_tensor(tensor: Any, tag: str | None = None) -> Any:
    """A scalar summary of a scalar, a histogram of anything else."""
    tag = tag or tensor.op.name
    if tensor.get_shape().ndims == 0:
        return _add(tf.summary.scalar, tag, tensor)
    return _add(tf.summary.histogram, tag, tensor)


@contrib("layers.summarize_activation", "slim.summarize_activation")
def summarize_activation(op: Any) -> Any:
    """The fraction of zeros (of ReLU), of the large ones (of ReLU6) or of the small ones (else), and a histogram."""
    if op.op.type in ("Relu", "Softplus", "Relu6"):
        _add(tf.summary.scalar, f"{op.op.name}/zeros", tf.reduce_mean(tf.cast(tf.equal(op, 0.0), tf.float32)))
    if op.op.type == "Relu6":
        _add(tf.summary.scalar, f"{op.op.name}/sixes", tf.reduce_mean(tf.cast(tf.equal(op, 6.0), tf.float32)))
    return _add(tf.summary.histogram, f"{op.op.name}/activation", op)


@contrib("layers.summarize_tensors", "slim.summarize_tensors")
def summarize_tensors(tensors: Any, summarizer: Any = summarize_tensor) -> list[Any]:
    """A summary of each."""
    return [summarizer(t) for t in tensors]


@contrib("layers.summarize_collection", "slim.summarize_collection")
def summarize_collection(collection: str, name_filter: str | None = None, summarizer: Any = summarize_tensor) -> list[Any]:
    """A summary of each tensor of a collection whose name matches."""
    tensors = [t for t in tf.get_collection(collection) if name_filter is None or re.match(name_filter, t.op.name)]
    return summarize_tensors(tensors, summarizer)


@contrib("layers.summarize_activations", "slim.summarize_activations")
def summarize_activations(name_filter: str | None = None, summarizer: Any = summarize_activation) -> list[Any]:
    """A summary of each activation of the graph's collection."""
    return summarize_collection(tf.GraphKeys.ACTIVATIONS, name_filter, summarizer)


summarize_variables = functools.partial(summarize_collection, tf.GraphKeys.GLOBAL_VARIABLES)
summarize_weights = functools.partial(summarize_collection, tf.GraphKeys.WEIGHTS)
summarize_biases = functools.partial(summarize_collection, tf.GraphKeys.BIASES)
