"""Attention mechanisms of `tf.contrib.seq2seq`: Luong's, Bahdanau's and their monotonic forms."""

import functools
import math
from typing import Any

import numpy as np

import penstock.compat.v1 as tf
from penstock.contrib.names import contrib
from penstock.ir import node_count


@contrib("seq2seq.AttentionMechanism")
class AttentionMechanism:
    """The base of all: gives alignments for a query."""

    @property
    def alignments_size(self) -> Any:
        raise NotImplementedError

    @property
    def state_size(self) -> Any:
        raise NotImplementedError


def _prepare_memory(memory: Any, lengths: Any, check_inner_dims_defined: bool) -> Any:
    """The memory with what is behind each sequence's end set to zero."""
    memory = tf.nest.map_structure(lambda m: tf.convert_to_tensor(m, name="memory"), memory)
    if lengths is not None:
        lengths = tf.convert_to_tensor(lengths, name="memory_sequence_length")
    if check_inner_dims_defined:
        for m in tf.nest.flatten(memory):
            if not m.get_shape()[2:].is_fully_defined():
                raise ValueError(f"Expected memory {m.name} to have fully defined inner dims, but saw shape: {m.get_shape()}")
    if lengths is None:
        return memory
    mask = tf.sequence_mask(lengths, maxlen=tf.shape(tf.nest.flatten(memory)[0])[1], dtype=tf.nest.flatten(memory)[0].dtype)

    def masked(m: Any) -> Any:
        rank = m.get_shape().ndims
        node_count.more(2)  # ones are filled in
        extra = tf.ones([rank - 2], tf.int32) if rank is not None else tf.ones([tf.rank(m) - 2], tf.int32)
        return m * tf.reshape(mask, tf.concat([tf.shape(mask), extra], 0))

    return tf.nest.map_structure(masked, memory)


def _maybe_mask_score(score: Any, lengths: Any, value: Any) -> Any:
    if lengths is None:
        return score
    with tf.control_dependencies([tf.debugging.assert_positive(lengths, message="All values in memory_sequence_length must greater than zero.")]):
        mask = tf.sequence_mask(lengths, maxlen=tf.shape(score)[1])
        return tf.where(mask, score, value * tf.ones_like(score))


class _BaseAttentionMechanism(AttentionMechanism):
    """Keys and values made of the memory, the masked softmax, the first alignments."""

    def __init__(
        self, query_layer: Any, memory: Any, probability_fn: Any, memory_sequence_length: Any = None, memory_layer: Any = None,
        check_inner_dims_defined: bool = True, score_mask_value: Any = None, custom_key_value_fn: Any = None, name: Any = None,
    ):  # fmt: skip
        for what, layer in (("query_layer", query_layer), ("memory_layer", memory_layer)):
            if layer is not None and not isinstance(layer, tf.layers.Layer):
                raise TypeError(f"{what} is not a Layer: {type(layer)}")
        self._query_layer, self._memory_layer = query_layer, memory_layer
        self.dtype = memory_layer.dtype if memory_layer is not None else tf.nest.flatten(memory)[0].dtype
        if score_mask_value is None:
            score_mask_value = tf.as_dtype(self.dtype).as_numpy_dtype(-np.inf)
        self._probability_fn = lambda score, prev: probability_fn(_maybe_mask_score(score, memory_sequence_length, score_mask_value), prev)
        with tf.name_scope(name, "BaseAttentionMechanismInit", tf.nest.flatten(memory)):
            self._values = _prepare_memory(memory, memory_sequence_length, check_inner_dims_defined)
            self._keys = self._memory_layer(self._values) if self._memory_layer else self._values
            if custom_key_value_fn is not None:
                self._keys, self._values = custom_key_value_fn(self._keys, self._values)
            self._batch_size = self._size(0)
            self._alignments_size = self._size(1)

    def _size(self, axis: int) -> Any:
        static = tf.Dimension(self._keys.shape[axis]).value
        return static if static is not None else tf.shape(self._keys)[axis]

    memory_layer = property(lambda self: self._memory_layer)
    query_layer = property(lambda self: self._query_layer)
    values = property(lambda self: self._values)
    keys = property(lambda self: self._keys)
    batch_size = property(lambda self: self._batch_size)
    alignments_size = property(lambda self: self._alignments_size)
    state_size = property(lambda self: self._alignments_size)

    def initial_alignments(self, batch_size: Any, dtype: Any) -> Any:
        """The alignments before the first step: zeros."""
        return _zeros(self._alignments_size, batch_size, dtype)

    def initial_state(self, batch_size: Any, dtype: Any) -> Any:
        return self.initial_alignments(batch_size, dtype)


def _zeros(size: Any, batch_size: Any, dtype: Any) -> Any:
    with node_count.exactly(10 if isinstance(batch_size, tf.Tensor) else 8):
        made = tf.zeros(tf.stack([batch_size, size]), dtype=dtype)
        static = lambda v: None if v is None else tf.get_static_value(tf.convert_to_tensor(v))
        made.set_shape([None if static(v) is None else int(static(v)) for v in (batch_size, size)])
    return made


def _luong_score(query: Any, keys: Any, scale: Any) -> Any:
    depth, key_units = query.get_shape()[-1], keys.get_shape()[-1]
    if tf.Dimension(depth).value != tf.Dimension(key_units).value:
        raise ValueError(f"Incompatible or unknown inner dimensions between query and keys.  Query ({query}) has units: {depth}.  "
                         f"Keys ({keys}) have units: {key_units}.  Perhaps you need to set num_units to the keys' dimension ({key_units})?")  # fmt: skip
    score = tf.squeeze(tf.matmul(tf.expand_dims(query, 1), keys, transpose_b=True), [1])
    return score if scale is None else scale * score


def _bahdanau_score(query: Any, keys: Any, v: Any, g: Any = None, b: Any = None) -> Any:
    query = tf.expand_dims(query, 1)
    if g is not None and b is not None:
        normed = g * v * tf.rsqrt(tf.reduce_sum(tf.square(v)))
        return tf.reduce_sum(normed * tf.tanh(keys + query + b), [2])
    return tf.reduce_sum(v * tf.tanh(keys + query), [2])


def _dense(units: int, name: str, dtype: Any) -> Any:
    return tf.layers.Dense(units, name=name, use_bias=False, dtype=dtype)


@contrib("seq2seq.LuongAttention")
class LuongAttention(_BaseAttentionMechanism):
    """Multiplicative attention (Luong et al.), scaled or not."""

    def __init__(
        self, num_units: int, memory: Any, memory_sequence_length: Any = None, scale: bool = False, probability_fn: Any = None,
        score_mask_value: Any = None, dtype: Any = None, custom_key_value_fn: Any = None, name: str = "LuongAttention",
    ):  # fmt: skip
        probability_fn = tf.nn.softmax if probability_fn is None else probability_fn
        super().__init__(
            query_layer=None, memory_layer=_dense(num_units, "memory_layer", tf.float32 if dtype is None else dtype), memory=memory,
            probability_fn=lambda score, _: probability_fn(score), memory_sequence_length=memory_sequence_length,
            score_mask_value=score_mask_value, custom_key_value_fn=custom_key_value_fn, name=name,
        )  # fmt: skip
        self._num_units, self._scale, self._name = num_units, scale, name

    def __call__(self, query: Any, state: Any) -> Any:
        """(alignments, next state) for a query [batch, units]."""
        with tf.variable_scope(None, "luong_attention", [query]):
            g = tf.get_variable("attention_g", dtype=query.dtype, initializer=tf.ones_initializer, shape=()) if self._scale else None
            alignments = self._probability_fn(_luong_score(query, self._keys, g), state)
        return alignments, alignments


@contrib("seq2seq.BahdanauAttention")
class BahdanauAttention(_BaseAttentionMechanism):
    """Additive attention (Bahdanau et al.), with normalized weights or not."""

    def __init__(
        self, num_units: int, memory: Any, memory_sequence_length: Any = None, normalize: bool = False, probability_fn: Any = None,
        score_mask_value: Any = None, dtype: Any = None, custom_key_value_fn: Any = None, name: str = "BahdanauAttention",
    ):  # fmt: skip
        probability_fn = tf.nn.softmax if probability_fn is None else probability_fn
        dtype = tf.float32 if dtype is None else dtype
        super().__init__(
            query_layer=_dense(num_units, "query_layer", dtype), memory_layer=_dense(num_units, "memory_layer", dtype), memory=memory,
            probability_fn=lambda score, _: probability_fn(score), custom_key_value_fn=custom_key_value_fn,
            memory_sequence_length=memory_sequence_length, score_mask_value=score_mask_value, name=name,
        )  # fmt: skip
        self._num_units, self._normalize, self._name = num_units, normalize, name

    def _score(self, query: Any) -> Any:
        processed = self.query_layer(query) if self.query_layer else query
        v = tf.get_variable("attention_v", [self._num_units], dtype=query.dtype)
        if not self._normalize:
            return _bahdanau_score(processed, self._keys, v)
        g = tf.get_variable("attention_g", dtype=query.dtype, initializer=tf.constant_initializer(math.sqrt(1.0 / self._num_units)), shape=())
        b = tf.get_variable("attention_b", [self._num_units], dtype=query.dtype, initializer=tf.zeros_initializer())
        return _bahdanau_score(processed, self._keys, v, g, b)

    def __call__(self, query: Any, state: Any) -> Any:
        """(alignments, next state) for a query [batch, units]."""
        with tf.variable_scope(None, "bahdanau_attention", [query]):
            alignments = self._probability_fn(self._score(query), state)
        return alignments, alignments


# -- monotonic ---------------------------------------------------------------------------------------------------------
@contrib("seq2seq.safe_cumprod")
def safe_cumprod(x: Any, *args: Any, **kwargs: Any) -> Any:
    """`tf.cumprod` in log space, for numbers in [0, 1]."""
    with tf.name_scope(None, "SafeCumprod", [x]):
        x = tf.convert_to_tensor(x, name="x")
        tiny = np.finfo(x.dtype.as_numpy_dtype).tiny
        return tf.exp(tf.cumsum(tf.log(tf.clip_by_value(x, tiny, 1)), *args, **kwargs))


@contrib("seq2seq.monotonic_attention")
def monotonic_attention(p_choose_i: Any, previous_attention: Any, mode: str) -> Any:
    """Where attention goes when it may only move on, from the probabilities to stop at each place."""
    p_choose_i = tf.convert_to_tensor(p_choose_i, name="p_choose_i")
    previous_attention = tf.convert_to_tensor(previous_attention, name="previous_attention")
    if mode == "recursive":
        batch_size = p_choose_i.shape.as_list()[0] or tf.shape(p_choose_i)[0]
        shifted = tf.concat([tf.ones([batch_size, 1], p_choose_i.dtype), 1 - p_choose_i[:, :-1]], 1)
        turn = lambda x, yz: tf.reshape(yz[0] * x + yz[1], (batch_size,))
        attention = p_choose_i * tf.transpose(tf.scan(turn, [tf.transpose(shifted), tf.transpose(previous_attention)], tf.zeros((batch_size,), p_choose_i.dtype)))
    elif mode == "parallel":
        not_yet = safe_cumprod(1 - p_choose_i, axis=1, exclusive=True)
        attention = p_choose_i * not_yet * tf.cumsum(previous_attention / tf.clip_by_value(not_yet, 1e-10, 1.0), axis=1)
    elif mode == "hard":
        p_choose_i *= tf.cumsum(previous_attention, axis=1)
        attention = p_choose_i * tf.cumprod(1 - p_choose_i, axis=1, exclusive=True)
    else:
        raise ValueError("mode must be 'recursive', 'parallel', or 'hard'.")
    return attention


def _monotonic_probability_fn(score: Any, previous_alignments: Any, sigmoid_noise: float, mode: str, seed: int | None = None) -> Any:
    if sigmoid_noise > 0:
        score += sigmoid_noise * tf.random_normal(tf.shape(score), dtype=score.dtype, seed=seed)
    p_choose_i = tf.cast(score > 0, score.dtype) if mode == "hard" else tf.sigmoid(score)
    return monotonic_attention(p_choose_i, previous_alignments, mode)


class _BaseMonotonicAttentionMechanism(_BaseAttentionMechanism):
    """Begins with all attention on the first place."""

    def initial_alignments(self, batch_size: Any, dtype: Any) -> Any:
        size = self._alignments_size
        return tf.one_hot(tf.zeros((batch_size,), dtype=tf.int32), size, dtype=dtype)


@contrib("seq2seq.BahdanauMonotonicAttention")
class BahdanauMonotonicAttention(_BaseMonotonicAttentionMechanism, BahdanauAttention):
    """Additive attention that only moves on."""

    def __init__(
        self, num_units: int, memory: Any, memory_sequence_length: Any = None, normalize: bool = False, score_mask_value: Any = None,
        sigmoid_noise: float = 0.0, sigmoid_noise_seed: int | None = None, score_bias_init: float = 0.0, mode: str = "parallel",
        dtype: Any = None, name: str = "BahdanauMonotonicAttention",
    ):  # fmt: skip
        dtype = tf.float32 if dtype is None else dtype
        _BaseAttentionMechanism.__init__(
            self, query_layer=_dense(num_units, "query_layer", dtype), memory_layer=_dense(num_units, "memory_layer", dtype), memory=memory,
            probability_fn=functools.partial(_monotonic_probability_fn, sigmoid_noise=sigmoid_noise, mode=mode, seed=sigmoid_noise_seed),
            memory_sequence_length=memory_sequence_length, score_mask_value=score_mask_value, name=name,
        )  # fmt: skip
        self._num_units, self._normalize, self._name, self._score_bias_init = num_units, normalize, name, score_bias_init

    def __call__(self, query: Any, state: Any) -> Any:
        with tf.variable_scope(None, "bahdanau_monotonic_attention", [query]):
            processed = self.query_layer(query) if self.query_layer else query
            v = tf.get_variable("attention_v", [self._num_units], dtype=query.dtype)
            g = b = None
            if self._normalize:
                g = tf.get_variable("attention_g", dtype=query.dtype, initializer=tf.constant_initializer(math.sqrt(1.0 / self._num_units)), shape=())
                b = tf.get_variable("attention_b", [self._num_units], dtype=query.dtype, initializer=tf.zeros_initializer())
            score = _bahdanau_score(processed, self._keys, v, g, b)
            score += tf.get_variable("attention_score_bias", dtype=processed.dtype, initializer=float(self._score_bias_init))
            alignments = self._probability_fn(score, state)
        return alignments, alignments


@contrib("seq2seq.LuongMonotonicAttention")
class LuongMonotonicAttention(_BaseMonotonicAttentionMechanism):
    """Multiplicative attention that only moves on."""

    def __init__(
        self, num_units: int, memory: Any, memory_sequence_length: Any = None, scale: bool = False, score_mask_value: Any = None,
        sigmoid_noise: float = 0.0, sigmoid_noise_seed: int | None = None, score_bias_init: float = 0.0, mode: str = "parallel",
        dtype: Any = None, name: str = "LuongMonotonicAttention",
    ):  # fmt: skip
        super().__init__(
            query_layer=None, memory_layer=_dense(num_units, "memory_layer", tf.float32 if dtype is None else dtype), memory=memory,
            probability_fn=functools.partial(_monotonic_probability_fn, sigmoid_noise=sigmoid_noise, mode=mode, seed=sigmoid_noise_seed),
            memory_sequence_length=memory_sequence_length, score_mask_value=score_mask_value, name=name,
        )  # fmt: skip
        self._num_units, self._scale, self._score_bias_init, self._name = num_units, scale, score_bias_init, name

    def __call__(self, query: Any, state: Any) -> Any:
        with tf.variable_scope(None, "luong_monotonic_attention", [query]):
            g = tf.get_variable("attention_g", dtype=query.dtype, initializer=tf.ones_initializer, shape=()) if self._scale else None
            score = _luong_score(query, self._keys, g)
            score += tf.get_variable("attention_score_bias", dtype=query.dtype, initializer=float(self._score_bias_init))
            alignments = self._probability_fn(score, state)
        return alignments, alignments


@contrib("seq2seq.hardmax")
def hardmax(logits: Any, name: Any = None) -> Any:
    """One-hot of the largest."""
    with tf.name_scope(name, "Hardmax", [logits]):
        logits = tf.convert_to_tensor(logits, name="logits")
        depth = tf.Dimension(logits.get_shape()[-1]).value
        return tf.one_hot(tf.argmax(logits, -1), tf.shape(logits)[-1] if depth is None else depth, dtype=logits.dtype)
