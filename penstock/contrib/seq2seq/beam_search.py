"""`BeamSearchDecoder` of `tf.contrib.seq2seq`, and `tile_batch`, which makes its first state."""

import collections
from typing import Any

import numpy as np

import penstock.compat.v1 as tf
from penstock.contrib.names import contrib
from penstock.contrib.seq2seq.attention_wrapper import AttentionWrapperState
from penstock.contrib.seq2seq.decoder import Decoder, _shaped
from penstock.layers.rnn_cell import assert_like_rnncell
from penstock.ops.beam_search import GatherTree


@contrib("seq2seq.BeamSearchDecoderState")
class BeamSearchDecoderState(
    collections.namedtuple("BeamSearchDecoderState", ("cell_state", "log_probs", "finished", "lengths", "accumulated_attention_probs"))  # noqa: PYI024
):
    """The state of a `BeamSearchDecoder`."""


@contrib("seq2seq.BeamSearchDecoderOutput")
class BeamSearchDecoderOutput(collections.namedtuple("BeamSearchDecoderOutput", ("scores", "predicted_ids", "parent_ids"))):  # noqa: PYI024
    """A step's scores, words and parents."""


@contrib("seq2seq.FinalBeamSearchDecoderOutput")
class FinalBeamSearchDecoderOutput(
    collections.namedtuple("FinalBeamDecoderOutput", ("predicted_ids", "beam_search_decoder_output"))  # noqa: PYI024
):
    """The words of each beam, and all steps' outputs."""


@contrib("seq2seq.gather_tree")
def gather_tree(step_ids: Any, parent_ids: Any, max_sequence_lengths: Any, end_token: Any, name: Any = None) -> Any:
    """[time, batch, beam] words and parents -> the words of each final beam."""
    return GatherTree(step_ids, parent_ids, max_sequence_lengths, end_token, name=name)


@contrib("seq2seq.python.ops.beam_search_decoder.gather_tree_from_array", "seq2seq.gather_tree_from_array")
def gather_tree_from_array(t: Any, parent_ids: Any, sequence_length: Any) -> Any:
    """The values of [time, batch, beam, ...] that belong to each final beam."""
    max_time = tf.Dimension(parent_ids.shape[0]).value or tf.shape(parent_ids)[0]
    batch, beam = (tf.Dimension(parent_ids.shape[i]).value or tf.shape(parent_ids)[i] for i in (1, 2))
    beam_ids = tf.tile(tf.expand_dims(tf.expand_dims(tf.range(beam), 0), 0), [max_time, batch, 1])
    lengths = tf.to_int32(tf.reduce_max(sequence_length, axis=1))
    sorted_ids = gather_tree(step_ids=beam_ids, parent_ids=parent_ids, max_sequence_lengths=lengths, end_token=beam + 1)
    inside = tf.transpose(tf.sequence_mask(sequence_length, maxlen=max_time), [2, 0, 1])
    sorted_ids = tf.where(inside, sorted_ids, beam_ids)
    return tf.gather(t, sorted_ids, axis=2, batch_dims=2)


# -- beams and batches -------------------------------------------------------------------------------------------------
@contrib("seq2seq.tile_batch")
def tile_batch(t: Any, multiplier: int, name: Any = None) -> Any:
    """Each example `multiplier` times, one after the other, in every tensor of a structure."""
    with tf.name_scope(name, "tile_batch", [*tf.nest.flatten(t), multiplier]):
        return tf.nest.map_structure(lambda t: _tile_batch(t, multiplier), t)


def _tile_batch(t: Any, multiplier: int) -> Any:
    t = tf.convert_to_tensor(t, name="t")
    if t.shape.ndims is None:
        raise ValueError("t must have statically known rank")
    if t.shape.ndims == 0:
        return t
    static, shape = t.shape.as_list(), tf.shape(t)
    tiled = tf.tile(tf.expand_dims(t, 1), [1, multiplier] + [1] * (t.shape.ndims - 1))
    tiled = tf.reshape(tiled, tf.concat(([shape[0] * multiplier], shape[1:]), 0))
    known = tf.get_static_value(tf.convert_to_tensor(multiplier))
    tiled.set_shape([None if static[0] is None or known is None else static[0] * int(known), *static[1:]])
    return tiled


def _length_penalty(sequence_lengths: Any, penalty_factor: Any) -> Any:
    penalty_factor = tf.convert_to_tensor(penalty_factor, name="penalty_factor")
    penalty_factor.set_shape(())
    static = tf.get_static_value(penalty_factor)
    if static is not None and static == 0:
        return 1.0
    return tf.div((5.0 + tf.cast(sequence_lengths, penalty_factor.dtype)) ** penalty_factor, (5.0 + 1.0) ** penalty_factor)


def _get_scores(log_probs: Any, lengths: Any, length_penalty_weight: Any, coverage_penalty_weight: Any, accumulated: Any, finished: Any) -> Any:
    scores = log_probs / _as(_length_penalty(lengths, length_penalty_weight), log_probs.dtype)
    weight = tf.convert_to_tensor(coverage_penalty_weight, name="coverage_penalty_weight")
    if weight.shape.ndims != 0:
        raise ValueError("coverage_penalty_weight should be a scalar, but saw shape: " + str(weight.shape))
    static = tf.get_static_value(weight)
    if static is not None and static == 0.0:
        return scores
    if accumulated is None:
        raise ValueError("accumulated_attention_probs can be None only if coverage penalty is disabled.")
    accumulated = tf.where(tf.equal(accumulated, 0.0), tf.ones_like(accumulated), accumulated)  # a place behind the end takes no part
    penalty = tf.reduce_sum(tf.log(tf.minimum(accumulated, 1.0)), 2)
    return scores + tf.expand_dims(tf.where(finished, penalty * weight, tf.zeros_like(penalty)), 2)


def _as(value: Any, dtype: Any) -> Any:
    return value if isinstance(value, float) else tf.cast(value, dtype)


def _attention_probs(state: Any, weight: Any) -> Any:
    """The mean alignments of all attention mechanisms of a state; None when coverage is not asked for."""
    static = tf.get_static_value(tf.convert_to_tensor(weight))
    if static is not None and static == 0.0:
        return None
    found: list[Any] = []

    def alignments_of(s: Any) -> Any:
        return s.alignments if isinstance(s.alignments, tuple) else (s.alignments,)

    if isinstance(state, AttentionWrapperState):
        found += alignments_of(state)
    elif isinstance(state, tuple):
        for s in state:
            if isinstance(s, AttentionWrapperState):
                found += alignments_of(s)
    if not found:
        raise ValueError("AttentionWrapperState must appear in next_cell_state to use coverage penalty.")
    return tf.divide(tf.add_n(found) if len(found) > 1 else found[0], len(found))


@contrib("seq2seq.BeamSearchDecoder")
class BeamSearchDecoder(Decoder):
    """Keeps the `beam_width` best sequences of each example."""

    def __init__(
        self, cell: Any, embedding: Any, start_tokens: Any, end_token: Any, initial_state: Any, beam_width: int, output_layer: Any = None,
        length_penalty_weight: Any = 0.0, coverage_penalty_weight: Any = 0.0, reorder_tensor_arrays: bool = True,
    ):  # fmt: skip
        assert_like_rnncell("cell", cell)
        if output_layer is not None and not hasattr(output_layer, "compute_output_shape"):
            raise TypeError(f"output_layer must be a Layer, received: {type(output_layer)}")
        self._cell, self._output_layer, self._reorder_tensor_arrays = cell, output_layer, reorder_tensor_arrays
        self._embedding_fn = embedding if callable(embedding) and not isinstance(embedding, tf.Tensor) else lambda ids: tf.nn.embedding_lookup(embedding, ids)
        self._start_tokens = tf.convert_to_tensor(start_tokens, dtype=tf.int32, name="start_tokens")
        if self._start_tokens.get_shape().ndims != 1:
            raise ValueError("start_tokens must be a vector")
        self._end_token = tf.convert_to_tensor(end_token, dtype=tf.int32, name="end_token")
        if self._end_token.get_shape().ndims != 0:
            raise ValueError("end_token must be a scalar")
        self._batch_size, self._beam_width = tf.size(start_tokens), beam_width
        static = self._start_tokens.shape.as_list()[0]
        self._static_batch = static
        self._length_penalty_weight, self._coverage_penalty_weight = length_penalty_weight, coverage_penalty_weight
        self._initial_cell_state = tf.nest.map_structure(self._maybe_split, initial_state)
        self._start_tokens = tf.tile(tf.expand_dims(self._start_tokens, 1), [1, beam_width])
        self._start_inputs = self._embedding_fn(self._start_tokens)
        self._finished = tf.one_hot(tf.zeros([self._batch_size], dtype=tf.int32), depth=beam_width, on_value=False, off_value=True, dtype=tf.bool)

    batch_size = property(lambda self: self._batch_size)
    tracks_own_finished = property(lambda self: True)

    def _rnn_output_size(self) -> Any:
        size = self._cell.output_size
        if self._output_layer is None:
            return size
        shape = self._output_layer.compute_output_shape(tf.nest.map_structure(lambda s: tf.TensorShape([None]).concatenate(s), _shaped(size)))
        return tf.nest.map_structure(lambda s: s[1:], shape)

    @property
    def output_size(self) -> Any:
        each = tf.TensorShape([self._beam_width])
        return BeamSearchDecoderOutput(scores=each, predicted_ids=each, parent_ids=each)

    @property
    def output_dtype(self) -> Any:
        dtype = next(s.dtype for s in tf.nest.flatten(self._initial_cell_state) if not isinstance(s, tf.TensorArray) and s.dtype.is_floating)
        return BeamSearchDecoderOutput(scores=dtype, predicted_ids=tf.int32, parent_ids=tf.int32)

    def initialize(self, name: Any = None) -> Any:
        dtype = self.output_dtype.scores
        log_probs = tf.one_hot(tf.zeros([self._batch_size], dtype=tf.int32), depth=self._beam_width, on_value=tf.constant(0.0, dtype),
                               off_value=tf.constant(-np.inf, dtype), dtype=dtype)  # fmt: skip
        attention: Any = _attention_probs(self._initial_cell_state, self._coverage_penalty_weight)
        state = BeamSearchDecoderState(
            cell_state=self._initial_cell_state, log_probs=log_probs, finished=self._finished,
            lengths=tf.zeros([self._batch_size, self._beam_width], dtype=tf.int64), accumulated_attention_probs=() if attention is None else attention,
        )  # fmt: skip
        return self._finished, self._start_inputs, state

    def finalize(self, outputs: Any, final_state: Any, sequence_lengths: Any) -> Any:
        """The words of each beam; the arrays of the state in the order of the final beams."""
        lengths = tf.to_int32(tf.reduce_max(final_state.lengths, axis=1))
        predicted_ids = gather_tree(outputs.predicted_ids, outputs.parent_ids, max_sequence_lengths=lengths, end_token=self._end_token)
        if self._reorder_tensor_arrays:
            final_state = final_state._replace(
                cell_state=tf.nest.map_structure(lambda t: self._maybe_sort(t, outputs.parent_ids, final_state.lengths), final_state.cell_state)
            )
        return FinalBeamSearchDecoderOutput(beam_search_decoder_output=outputs, predicted_ids=predicted_ids), final_state

    # -- [batch * beam, ...] and [batch, beam, ...] --------------------------------------------------------------------
    def _merge(self, t: Any) -> Any:
        t = tf.convert_to_tensor(t)
        shape, static = tf.shape(t), t.shape.as_list()
        merged = tf.reshape(t, tf.concat(([self._batch_size * self._beam_width], shape[2:]), 0))
        merged.set_shape([None if self._static_batch is None else self._static_batch * self._beam_width, *static[2:]])
        return merged

    def _split(self, t: Any) -> Any:
        t = tf.convert_to_tensor(t)
        shape, static = tf.shape(t), t.shape.as_list()
        if static[0] is not None and self._static_batch is not None and static[0] != self._static_batch * self._beam_width:
            raise ValueError(
                f"Encountered unexpected batch size: the state has {static[0]} rows, but batch size {self._static_batch} * beam width "
                f"{self._beam_width} = {self._static_batch * self._beam_width}. Perhaps you forgot to create a zero_state with batch_size=encoder_batch_size * beam_width?"
            )
        parts = tf.reshape(t, tf.concat(([self._batch_size, self._beam_width], shape[1:]), 0))
        parts.set_shape([self._static_batch, self._beam_width, *static[1:]])
        return parts

    def _maybe_split(self, t: Any) -> Any:
        if isinstance(t, tf.TensorArray):
            return t
        _check_maybe(t)
        return self._split(t) if t.shape.ndims >= 1 else t

    def _maybe_merge(self, t: Any) -> Any:
        if isinstance(t, tf.TensorArray):
            return t
        _check_maybe(t)
        return self._merge(t) if t.shape.ndims >= 2 else t

    def _maybe_sort(self, t: Any, parent_ids: Any, lengths: Any) -> Any:
        if not isinstance(t, tf.TensorArray):
            return t
        values = t.stack()
        shape = tf.shape(values)
        split = tf.reshape(values, tf.concat([[shape[0], self._batch_size, self._beam_width], shape[2:]], 0))
        return gather_tree_from_array(split, parent_ids, lengths)

    # -- a step --------------------------------------------------------------------------------------------------------
    def step(self, time: Any, inputs: Any, state: Any, name: Any = None) -> Any:
        with tf.name_scope(name, "BeamSearchDecoderStep", (time, inputs, state)):
            inputs = tf.nest.map_structure(self._merge, inputs)
            cell_state = tf.nest.map_structure(self._maybe_merge, state.cell_state)
            outputs, next_cell_state = self._cell(inputs, cell_state)
            outputs = tf.nest.map_structure(self._split, outputs)
            next_cell_state = tf.nest.map_structure(self._maybe_split, next_cell_state)
            if self._output_layer is not None:
                outputs = self._output_layer(outputs)
            result, new_state = self._search(outputs, next_cell_state, state)
            words = result.predicted_ids
            next_inputs = tf.cond(tf.reduce_all(new_state.finished), lambda: tf.identity(self._start_inputs), lambda: self._embedding_fn(words))
        return result, new_state, next_inputs, new_state.finished

    def _search(self, logits: Any, next_cell_state: Any, state: Any) -> Any:
        beam, end = self._beam_width, self._end_token
        step_log_probs = _mask_probs(tf.nn.log_softmax(logits), end, state.finished)
        total = tf.expand_dims(state.log_probs, 2) + step_log_probs
        words = tf.Dimension(logits.shape[-1]).value or tf.shape(logits)[-1]
        going = tf.to_int64(tf.logical_not(state.finished))
        longer = tf.one_hot(indices=tf.fill([self._batch_size, beam], end), depth=words, on_value=np.int64(0), off_value=np.int64(1), dtype=tf.int64)
        new_lengths = tf.expand_dims(going, 2) * longer + tf.expand_dims(state.lengths, 2)
        accumulated = None
        probs = _attention_probs(next_cell_state, self._coverage_penalty_weight)
        if probs is not None:
            probs *= tf.expand_dims(tf.cast(tf.logical_not(state.finished), tf.float32), 2)
            accumulated = state.accumulated_attention_probs + probs
        scores = _get_scores(total, new_lengths, self._length_penalty_weight, self._coverage_penalty_weight, accumulated, state.finished)
        flat = lambda t: tf.reshape(t, [self._batch_size, -1])
        best, at = tf.nn.top_k(flat(scores), k=beam)
        best.set_shape([self._static_batch, beam])
        at.set_shape([self._static_batch, beam])
        next_log_probs = tf.gather(flat(total), at, batch_dims=1, axis=1, name="next_beam_probs")
        next_log_probs.set_shape([self._static_batch, beam])
        word_ids = tf.to_int32(tf.floormod(at, words), name="next_beam_word_ids")
        parents = tf.to_int32(tf.floordiv(at, words), name="next_beam_parent_ids")
        before = tf.gather(state.finished, parents, batch_dims=1, axis=1)
        finished = tf.logical_or(before, tf.equal(word_ids, end), name="next_beam_finished")
        lengths = tf.gather(state.lengths, parents, batch_dims=1, axis=1) + tf.to_int64(tf.logical_not(before))
        gathered: Any = ()
        if accumulated is not None:
            gathered = tf.gather(accumulated, parents, batch_dims=1, axis=1)

        def follow(t: Any) -> Any:
            if isinstance(t, tf.TensorArray) or t.shape.ndims < 2:
                return t
            moved = tf.gather(t, parents, batch_dims=1, axis=1)
            moved.set_shape(t.shape)
            return moved

        new_state = BeamSearchDecoderState(
            cell_state=tf.nest.map_structure(follow, next_cell_state), log_probs=next_log_probs, lengths=lengths, finished=finished,
            accumulated_attention_probs=gathered,
        )  # fmt: skip
        return BeamSearchDecoderOutput(scores=best, predicted_ids=word_ids, parent_ids=parents), new_state


def _check_maybe(t: Any) -> None:
    if t.shape.ndims is None:
        raise ValueError(f"Expected tensor ({t}) to have known rank, but ndims == None.")


def _mask_probs(probs: Any, end_token: Any, finished: Any) -> Any:
    """For a finished beam, the end token has probability 1 and all else none."""
    vocab = tf.shape(probs)[2]
    row = tf.one_hot(end_token, vocab, dtype=probs.dtype, on_value=tf.convert_to_tensor(0.0, dtype=probs.dtype), off_value=probs.dtype.min)
    rows = tf.tile(tf.reshape(row, [1, 1, -1]), tf.concat([tf.shape(finished), [1]], 0))
    mask = tf.tile(tf.expand_dims(finished, 2), [1, 1, vocab])
    return tf.where(mask, rows, probs)
