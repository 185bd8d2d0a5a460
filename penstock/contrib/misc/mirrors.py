"""Names of contrib that stand in several of its namespaces, and those of `tf.contrib.nn` and `tf.contrib.deprecated`."""

from typing import Any

import penstock.compat.v1 as tf
from penstock.contrib.names import again, contrib, contrib_constant

again(
    "slim",
    "contrib.layers",
    "OPTIMIZER_CLS_NAMES OPTIMIZER_SUMMARIES adaptive_clipping_fn bow_encoder embed_sequence embedding_lookup_unique "
    "legacy_fully_connected legacy_linear legacy_relu optimize_loss safe_embedding_lookup_sparse scattered_embedding_lookup",
)
again("slim", "contrib.framework", "assert_global_step assert_or_get_global_step deprecated deprecated_arg_values filter_variables zero_initializer")
again("distribute", "distribute", "CrossDeviceOps ReplicaContext get_loss_reduction get_replica_context get_strategy has_strategy in_cross_replica_context")
for _name in "scalar_summary histogram_summary image_summary audio_summary merge_summary merge_all_summaries".split():
    contrib_constant(f"deprecated.{_name}", module="penstock.api.inner.old_summaries", attr=_name)


@contrib("nn.scaled_softplus")
def scaled_softplus(x: Any, alpha: Any, clip: Any = None, name: str | None = None) -> Any:
    """alpha * log(1 + exp(x / alpha)), at most `clip`: a softplus whose bend is as sharp as alpha is small."""
    with tf.name_scope(name, "scaled_softplus", [x, alpha]):
        x = tf.convert_to_tensor(x, name="x")
        alpha = tf.cast(alpha, x.dtype)
        y = alpha * tf.nn.softplus(x / alpha)
        return y if clip is None else tf.minimum(y, tf.cast(clip, x.dtype))


@contrib("nn.nth_element")
def nth_element(input: Any, n: Any, reverse: bool = False, name: str | None = None) -> Any:
    """The n-th smallest value (from 0) of each row along the last axis; the n-th largest with `reverse`."""
    return tf.raw_ops.NthElement(input=input, n=n, reverse=reverse, name=name)
