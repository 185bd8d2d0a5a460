"""Embeddings of `tf.contrib.layers`: sequences, bags of words, sparse ids."""

from typing import Any

import penstock.compat.v1 as tf
from penstock.contrib.framework.variables import model_variable
from penstock.contrib.names import contrib


@contrib("layers.embed_sequence")
def embed_sequence(
    ids: Any, vocab_size: int | None = None, embed_dim: int | None = None, unique: bool = False, initializer: Any = None,
    regularizer: Any = None, trainable: bool = True, scope: Any = None, reuse: Any = None,
) -> Any:  # fmt: skip
    """[batch, length] ids -> [batch, length, embed_dim], from the variable `EmbedSequence/embeddings`."""
    if not (reuse or (vocab_size and embed_dim)):
        raise ValueError(f"Must specify vocab size and embedding dimension when not reusing. Got vocab_size={vocab_size} and embed_dim={embed_dim}")
    with tf.variable_scope(scope, "EmbedSequence", [ids], reuse=reuse):
        shape = [vocab_size, embed_dim]
        if reuse and vocab_size is None or embed_dim is None:
            shape = None
        embeddings = model_variable("embeddings", shape=shape, initializer=initializer, regularizer=regularizer, trainable=trainable)
        if unique:
            return embedding_lookup_unique(embeddings, ids)
        return tf.nn.embedding_lookup(embeddings, ids)


@contrib("layers.bow_encoder")
def bow_encoder(
    ids: Any, vocab_size: int, embed_dim: int, sparse_lookup: bool = True, initializer: Any = None, regularizer: Any = None,
    trainable: bool = True, scope: Any = None, reuse: Any = None,
) -> Any:  # fmt: skip
    """The mean of the embeddings of each row's ids: [batch, embed_dim]."""
    with tf.variable_scope(scope, "bow_encoder", [ids], reuse=reuse):
        embeddings = model_variable("embeddings", shape=[vocab_size, embed_dim], initializer=initializer, regularizer=regularizer, trainable=trainable)
        if sparse_lookup:
            if not isinstance(ids, tf.SparseTensor):
                ids = tf.convert_to_tensor(ids)
                at = tf.where(tf.not_equal(ids, tf.constant(0, ids.dtype)))
                ids = tf.SparseTensor(at, tf.gather_nd(ids, at), tf.shape(ids, out_type=tf.int64))
            return tf.nn.embedding_lookup_sparse(embeddings, ids, None, combiner="mean", name=None)
        if isinstance(ids, tf.SparseTensor):
            raise TypeError("ids are expected to be dense Tensor, got: %s", ids)
        return tf.reduce_mean(tf.nn.embedding_lookup(embeddings, ids), axis=1)


@contrib("layers.embedding_lookup_unique")
def embedding_lookup_unique(params: Any, ids: Any, partition_strategy: str = "mod", name: str | None = None) -> Any:
    """`embedding_lookup` that gathers each distinct id once; `ids` may be sparse."""
    with tf.name_scope(name, "EmbeddingLookupUnique", [params, ids]):
        if isinstance(ids, tf.SparseTensor):
            values = embedding_lookup_unique(params, ids.values, partition_strategy)
            return tf.IndexedSlices(values, ids.indices, ids.dense_shape)
        ids = tf.convert_to_tensor(ids)
        shape = tf.shape(ids)
        unique_ids, idx = tf.unique(tf.reshape(ids, [-1]))
        unique_embeddings = tf.nn.embedding_lookup(params, unique_ids, partition_strategy)
        embeds = tf.reshape(tf.gather(unique_embeddings, idx), tf.concat([shape, tf.shape(unique_embeddings)[1:]], 0))
        first = params[0] if isinstance(params, (list, tuple)) else params
        embeds.set_shape(ids.get_shape().concatenate(first.get_shape()[1:]))
        return embeds


@contrib("layers.safe_embedding_lookup_sparse")
def safe_embedding_lookup_sparse(
    embedding_weights: Any, sparse_ids: Any, sparse_weights: Any = None, combiner: str | None = None, default_id: Any = None,
    name: str | None = None, partition_strategy: str = "div", max_norm: Any = None,
) -> Any:  # fmt: skip
    """Embeddings of sparse ids: invalid ids and weights are dropped, an empty row gives zeros or `default_id`'s embedding."""
    if combiner is None:
        tf.logging.warning('The default value of combiner will change from "mean" to "sqrtn" after 2016/11/01.')
        combiner = "mean"
    if embedding_weights is None:
        raise ValueError(f"Missing embedding_weights {embedding_weights}.")
    parts = list(embedding_weights) if isinstance(embedding_weights, (list, tuple)) else [embedding_weights]
    if not parts:
        raise ValueError(f"Missing embedding_weights {embedding_weights}.")
    return tf.nn.safe_embedding_lookup_sparse(parts if len(parts) > 1 else parts[0], sparse_ids, sparse_weights, combiner, default_id, name,
                                              partition_strategy, max_norm)  # fmt: skip


@contrib("layers.scattered_embedding_lookup", "layers.hashed_embedding_lookup")
def scattered_embedding_lookup(params: Any, values: Any, dimension: int, name: str | None = None, hash_key: int | None = None) -> Any:
    """An embedding for each value, its numbers taken from `params` (one flat vector) at places that a hash chooses."""
    if dimension is None:
        raise ValueError("You must specify dimension.")
    params = list(params) if isinstance(params, (list, tuple)) else [params]
    with tf.name_scope(name, "scattered_embedding_lookup", [*params, dimension, values]):
        if dimension <= 0:
            raise ValueError(f"Dimension should be >0 is {dimension}")
        size = sum(p.get_shape()[0].value if p.get_shape()[0].value is not None else 0 for p in params)
        values = tf.convert_to_tensor(values)
        flat = tf.reshape(values, [-1, 1])
        from penstock.contrib.layers.crossing import cross_hashed

        numbers = tf.range(dimension, dtype=tf.int64)
        keys = [tf.tile(flat, [1, dimension]), tf.tile(tf.reshape(numbers, [1, -1]), [tf.size(flat), 1])]
        ids = cross_hashed(keys, size, hash_key)
        result = tf.nn.embedding_lookup(params, ids, partition_strategy="div")
        return tf.reshape(result, tf.concat([tf.shape(values), [dimension]], 0))
