"""`tf.contrib.crf`: scores, the likelihood and the best path of a linear-chain conditional random field."""

from typing import Any

import numpy as np

import penstock.compat.v1 as tf
from penstock.contrib.names import contrib
from penstock.layers.base import smart_cond
from penstock.layers.rnn_cell import RNNCell


def crf(function: Any) -> Any:
    """Decorator: a name of `tf.contrib.crf`."""
    return contrib(f"crf.{function.__name__}")(function)


def _length(t: Any, axis: int) -> Any:
    return tf.Dimension(t.shape[axis]).value or tf.shape(t)[axis]


def _is_one_step(inputs: Any) -> Any:
    """Is the sequence axis of size 1? A bool where that is known."""
    known = tf.Dimension(inputs.shape[1]).value
    return tf.equal(tf.shape(inputs)[1], 1) if known is None else known == 1


@crf
def crf_sequence_score(inputs: Any, tag_indices: Any, sequence_lengths: Any, transition_params: Any) -> Any:
    """The unnormalized score of each tag sequence."""

    def one() -> Any:
        batch_size = tf.shape(inputs)[0]
        example = tf.reshape(tf.range(batch_size, dtype=tag_indices.dtype), [-1, 1])
        score = tf.reshape(tf.gather_nd(tf.squeeze(inputs, [1]), tf.concat([example, tag_indices], axis=1)), [-1])
        return tf.where(tf.less_equal(sequence_lengths, 0), tf.zeros_like(score), score)

    def more() -> Any:
        return crf_unary_score(tag_indices, sequence_lengths, inputs) + crf_binary_score(tag_indices, sequence_lengths, transition_params)

    return smart_cond(_is_one_step(inputs), one, more)


@crf
def crf_multitag_sequence_score(inputs: Any, tag_bitmap: Any, sequence_lengths: Any, transition_params: Any) -> Any:
    """The unnormalized score of all tag sequences that a bitmap [batch, time, tags] allows."""
    filtered = tf.where(tag_bitmap, inputs, tf.fill(tf.shape(inputs), float("-inf")))

    def one() -> Any:
        return tf.reduce_logsumexp(tf.squeeze(filtered, [1]), axis=[1], keepdims=False)

    def more() -> Any:
        return crf_log_norm(inputs=filtered, sequence_lengths=sequence_lengths, transition_params=transition_params)

    return smart_cond(_is_one_step(inputs), one, more)


@crf
def crf_log_norm(inputs: Any, sequence_lengths: Any, transition_params: Any) -> Any:
    """The logarithm of the sum over all tag sequences of exp(score)."""
    inputs = tf.convert_to_tensor(inputs)
    first = tf.squeeze(tf.slice(inputs, [0, 0, 0], [-1, 1, -1]), [1])

    def one() -> Any:
        norm = tf.reduce_logsumexp(first, [1])
        return tf.where(tf.less_equal(sequence_lengths, 0), tf.zeros_like(norm), norm)

    def more() -> Any:
        rest = tf.slice(inputs, [0, 1, 0], [-1, -1, -1])
        less = tf.maximum(tf.constant(0, dtype=sequence_lengths.dtype), sequence_lengths - 1)
        _, alphas = tf.nn.dynamic_rnn(cell=CrfForwardRnnCell(transition_params), inputs=rest, sequence_length=less, initial_state=first, dtype=tf.float32)
        norm = tf.reduce_logsumexp(alphas, [1])
        return tf.where(tf.less_equal(sequence_lengths, 0), tf.zeros_like(norm), norm)

    return smart_cond(_is_one_step(inputs), one, more)


@crf
def crf_log_likelihood(inputs: Any, tag_indices: Any, sequence_lengths: Any, transition_params: Any = None) -> Any:
    """(log likelihood of each tag sequence, transition parameters: the variable `transitions` where none were given)."""
    num_tags = tf.Dimension(inputs.get_shape()[2]).value
    if transition_params is None:
        transition_params = tf.get_variable("transitions", [num_tags, num_tags])
    sequence_lengths = tf.convert_to_tensor(sequence_lengths)
    scores = crf_sequence_score(inputs, tag_indices, sequence_lengths, transition_params)
    return scores - crf_log_norm(inputs, sequence_lengths, transition_params), transition_params


@crf
def crf_unary_score(tag_indices: Any, sequence_lengths: Any, inputs: Any) -> Any:
    """The sum of the inputs at the tags."""
    batch_size, max_len, num_tags = (tf.shape(inputs)[i] for i in range(3))
    flat = tf.reshape(inputs, [-1])
    offsets = tf.expand_dims(tf.range(batch_size) * max_len * num_tags, 1) + tf.expand_dims(tf.range(max_len) * num_tags, 0)
    if tag_indices.dtype == tf.int64:
        offsets = tf.to_int64(offsets)
    scores = tf.reshape(tf.gather(flat, tf.reshape(offsets + tag_indices, [-1])), [batch_size, max_len])
    return tf.reduce_sum(scores * tf.sequence_mask(sequence_lengths, maxlen=tf.shape(tag_indices)[1], dtype=tf.float32), 1)


@crf
def crf_binary_score(tag_indices: Any, sequence_lengths: Any, transition_params: Any) -> Any:
    """The sum of the transitions between the tags."""
    num_tags = _length(transition_params, 0)
    steps = tf.shape(tag_indices)[1] - 1
    start, end = tf.slice(tag_indices, [0, 0], [-1, steps]), tf.slice(tag_indices, [0, 1], [-1, steps])
    scores = tf.gather(tf.reshape(transition_params, [-1]), start * num_tags + end)
    mask = tf.sequence_mask(sequence_lengths, maxlen=tf.shape(tag_indices)[1], dtype=tf.float32)
    return tf.reduce_sum(scores * tf.slice(mask, [0, 1], [-1, -1]), 1)


@crf
class CrfForwardRnnCell(RNNCell):
    """One step of the forward algorithm: the state holds the log score of each tag."""

    def __init__(self, transition_params: Any):
        super().__init__()
        self._transition_params = tf.expand_dims(transition_params, 0)
        self._num_tags = tf.Dimension(transition_params.get_shape()[0]).value

    state_size = property(lambda self: self._num_tags)
    output_size = property(lambda self: self._num_tags)

    def __call__(self, inputs: Any, state: Any, scope: Any = None) -> Any:
        new = inputs + tf.reduce_logsumexp(tf.expand_dims(state, 2) + self._transition_params, [1])
        return new, new


@crf
def viterbi_decode(score: Any, transition_params: Any) -> tuple[list[int], float]:
    """(the best tags of [time, tags] scores, their score), with NumPy."""
    trellis, back = np.zeros_like(score), np.zeros_like(score, dtype=np.int32)
    trellis[0] = score[0]
    for t in range(1, score.shape[0]):
        v = np.expand_dims(trellis[t - 1], 1) + transition_params
        trellis[t], back[t] = score[t] + np.max(v, 0), np.argmax(v, 0)
    viterbi = [np.argmax(trellis[-1])]
    for bp in reversed(back[1:]):
        viterbi.append(bp[viterbi[-1]])
    viterbi.reverse()
    return viterbi, np.max(trellis[-1])


@crf
class CrfDecodeForwardRnnCell(RNNCell):
    """One step of Viterbi's algorithm: outputs the best tag before each tag."""

    def __init__(self, transition_params: Any):
        super().__init__()
        self._transition_params = tf.expand_dims(transition_params, 0)
        self._num_tags = tf.Dimension(transition_params.get_shape()[0]).value

    state_size = property(lambda self: self._num_tags)
    output_size = property(lambda self: self._num_tags)

    def __call__(self, inputs: Any, state: Any, scope: Any = None) -> Any:
        scores = tf.expand_dims(state, 2) + self._transition_params
        return tf.cast(tf.argmax(scores, axis=1), tf.int32), inputs + tf.reduce_max(scores, [1])


@crf
class CrfDecodeBackwardRnnCell(RNNCell):
    """One step back along the best tags."""

    def __init__(self, num_tags: int):
        super().__init__()
        self._num_tags = num_tags

    state_size = property(lambda self: 1)
    output_size = property(lambda self: 1)

    def __call__(self, inputs: Any, state: Any, scope: Any = None) -> Any:
        state = tf.squeeze(state, axis=[1])
        at = tf.stack([tf.range(tf.shape(inputs)[0]), state], axis=1)
        new = tf.expand_dims(tf.gather_nd(inputs, at), axis=-1)
        return new, new


@crf
def crf_decode(potentials: Any, transition_params: Any, sequence_length: Any) -> Any:
    """(the best tags [batch, time], their scores [batch])."""

    def one() -> Any:
        squeezed = tf.squeeze(potentials, [1])
        return tf.expand_dims(tf.cast(tf.argmax(squeezed, axis=1), tf.int32), 1), tf.reduce_max(squeezed, axis=1)

    def more() -> Any:
        num_tags = tf.Dimension(potentials.get_shape()[2]).value
        initial = tf.squeeze(tf.slice(potentials, [0, 0, 0], [-1, 1, -1]), axis=[1])
        rest = tf.slice(potentials, [0, 1, 0], [-1, -1, -1])
        less = tf.maximum(tf.constant(0, dtype=sequence_length.dtype), sequence_length - 1)
        backpointers, last_score = tf.nn.dynamic_rnn(
            CrfDecodeForwardRnnCell(transition_params), inputs=rest, sequence_length=less, initial_state=initial, time_major=False, dtype=tf.int32
        )
        backpointers = tf.reverse_sequence(backpointers, less, seq_axis=1)
        state = tf.expand_dims(tf.cast(tf.argmax(last_score, axis=1), tf.int32), axis=-1)
        tags, _ = tf.nn.dynamic_rnn(
            CrfDecodeBackwardRnnCell(num_tags), inputs=backpointers, sequence_length=less, initial_state=state, time_major=False, dtype=tf.int32
        )
        tags = tf.concat([state, tf.squeeze(tags, axis=[2])], axis=1)
        return tf.reverse_sequence(tags, sequence_length, seq_axis=1), tf.reduce_max(last_score, axis=1)

    sequence_length = tf.convert_to_tensor(sequence_length)
    return smart_cond(_is_one_step(potentials), one, more)
