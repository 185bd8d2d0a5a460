"""`dynamic_decode`: runs a decoder step by step until all sequences are finished; `BasicDecoder`."""

import abc
import collections
from typing import Any

import penstock.compat.v1 as tf
from penstock.contrib.names import contrib
from penstock.contrib.seq2seq.helper import Helper, _transpose_batch_time
from penstock.ir import node_count


@contrib("seq2seq.Decoder")
class Decoder(metaclass=abc.ABCMeta):
    """The interface: `initialize`, `step`, and what comes out."""

    @property
    def batch_size(self) -> Any:
        """How many sequences are decoded."""
        raise NotImplementedError

    @property
    def output_size(self) -> Any:
        """The sizes of a step's outputs."""
        raise NotImplementedError

    @property
    def output_dtype(self) -> Any:
        """The dtypes of a step's outputs."""
        raise NotImplementedError

    @abc.abstractmethod
    def initialize(self, name: Any = None) -> Any:
        """(finished, the first inputs, the first state)."""

    @abc.abstractmethod
    def step(self, time: Any, inputs: Any, state: Any, name: Any = None) -> Any:
        """(outputs, next state, next inputs, finished)."""

    def finalize(self, outputs: Any, final_state: Any, sequence_lengths: Any) -> Any:
        raise NotImplementedError

    @property
    def tracks_own_finished(self) -> bool:
        """May a finished sequence go on (beams change places)?"""
        return False


def _zero_outputs(size: Any, dtype: Any, batch_size: Any) -> Any:
    def zeros(size: Any, dtype: Any) -> Any:
        with node_count.exactly(10 if isinstance(batch_size, tf.Tensor) else 8):
            return tf.zeros(tf.concat([[batch_size], tf.TensorShape(size).as_list()], 0), dtype)

    return tf.nest.map_structure(zeros, size, dtype)


def _element_shape(batch_size: Any, from_shape: Any) -> Any:
    if not isinstance(from_shape, tf.TensorShape) or from_shape.ndims == 0:
        return tf.TensorShape(None)
    static = tf.get_static_value(tf.convert_to_tensor(batch_size, name="batch_size"))
    return tf.TensorShape([None if static is None else int(static)]).concatenate(from_shape)


@contrib("seq2seq.dynamic_decode")
def dynamic_decode(
    decoder: Any, output_time_major: bool = False, impute_finished: bool = False, maximum_iterations: Any = None, parallel_iterations: int = 32,
    swap_memory: bool = False, scope: Any = None, **kwargs: Any,
) -> Any:  # fmt: skip
    """(final outputs, final state, final sequence lengths) of decoding until all are finished, `maximum_iterations` steps at most."""
    if not isinstance(decoder, Decoder):
        raise TypeError(f"Expected decoder to be type Decoder, but saw: {type(decoder)}")
    with tf.variable_scope(scope, "decoder") as varscope:
        if varscope.caching_device is None:
            varscope.set_caching_device(lambda op: op.device)
        if maximum_iterations is not None:
            maximum_iterations = tf.convert_to_tensor(maximum_iterations, dtype=tf.int32, name="maximum_iterations")
            if maximum_iterations.get_shape().ndims != 0:
                raise ValueError("maximum_iterations must be a scalar")
        finished, inputs, state = decoder.initialize()
        zeros = _zero_outputs(decoder.output_size, decoder.output_dtype, decoder.batch_size)
        if maximum_iterations is not None:
            finished = tf.logical_or(finished, 0 >= maximum_iterations)
        lengths = tf.zeros_like(finished, dtype=tf.int32)
        make = lambda s, d: tf.TensorArray(dtype=d, size=0, dynamic_size=True, element_shape=_element_shape(decoder.batch_size, s))
        arrays = tf.nest.map_structure(make, decoder.output_size, decoder.output_dtype)

        def condition(time: Any, arrays: Any, state: Any, inputs: Any, finished: Any, lengths: Any) -> Any:
            return tf.logical_not(tf.reduce_all(finished))

        def body(time: Any, arrays: Any, state: Any, inputs: Any, finished: Any, lengths: Any) -> Any:
            outputs, next_state, next_inputs, now_finished = decoder.step(time, inputs, state, **kwargs)
            next_finished = now_finished if decoder.tracks_own_finished else tf.logical_or(now_finished, finished)
            next_lengths = tf.where(tf.logical_not(finished), tf.fill(tf.shape(lengths), time + 1), lengths)
            tf.nest.assert_same_structure(state, next_state)
            tf.nest.assert_same_structure(arrays, outputs)
            tf.nest.assert_same_structure(inputs, next_inputs)
            emit = outputs
            if impute_finished:
                emit = tf.nest.map_structure(lambda out, zero: tf.where(finished, zero, out), outputs, zeros)

                def kept(new: Any, cur: Any) -> Any:
                    if isinstance(cur, tf.TensorArray):
                        return new
                    new.set_shape(cur.shape)
                    return new if new.shape.ndims == 0 else tf.where(finished, cur, new)

                next_state = tf.nest.map_structure(kept, next_state, state)
            arrays = tf.nest.map_structure(lambda ta, out: ta.write(time, out), arrays, emit)
            return time + 1, arrays, next_state, next_inputs, next_finished, next_lengths

        found = tf.while_loop(
            condition, body, loop_vars=(tf.constant(0, dtype=tf.int32), arrays, state, inputs, finished, lengths),
            parallel_iterations=parallel_iterations, maximum_iterations=maximum_iterations, swap_memory=swap_memory,
        )  # fmt: skip
        final_outputs = tf.nest.map_structure(lambda ta: ta.stack(), found[1])
        final_state, final_lengths = found[2], found[5]
        try:
            final_outputs, final_state = decoder.finalize(final_outputs, final_state, final_lengths)
        except NotImplementedError:
            pass
        if not output_time_major:
            final_outputs = tf.nest.map_structure(_transpose_batch_time, final_outputs)
    return final_outputs, final_state, final_lengths


@contrib("seq2seq.BasicDecoderOutput")
class BasicDecoderOutput(collections.namedtuple("BasicDecoderOutput", ("rnn_output", "sample_id"))):  # noqa: PYI024
    """A step's outputs and the ids sampled from them."""

    __slots__ = ()


@contrib("seq2seq.BasicDecoder")
class BasicDecoder(Decoder):
    """A cell, a helper that feeds it, and perhaps a layer over its outputs."""

    def __init__(self, cell: Any, helper: Any, initial_state: Any, output_layer: Any = None):
        from penstock.layers.rnn_cell import assert_like_rnncell

        assert_like_rnncell("cell", cell)
        if not isinstance(helper, Helper):
            raise TypeError(f"helper must be a Helper, received: {type(helper)}")
        if output_layer is not None and not hasattr(output_layer, "compute_output_shape"):
            raise TypeError(f"output_layer must be a Layer, received: {type(output_layer)}")
        self._cell, self._helper, self._initial_state, self._output_layer = cell, helper, initial_state, output_layer

    batch_size = property(lambda self: self._helper.batch_size)

    def _rnn_output_size(self) -> Any:
        size = self._cell.output_size
        if self._output_layer is None:
            return size
        with_batch = tf.nest.map_structure(lambda s: tf.TensorShape([None]).concatenate(tf.TensorShape(s)), _shaped(size))
        shape = self._output_layer.compute_output_shape(with_batch)
        return tf.nest.map_structure(lambda s: s[1:], shape)

    @property
    def output_size(self) -> Any:
        return BasicDecoderOutput(rnn_output=self._rnn_output_size(), sample_id=self._helper.sample_ids_shape)

    @property
    def output_dtype(self) -> Any:
        dtype = tf.nest.flatten(self._initial_state)[0].dtype
        return BasicDecoderOutput(tf.nest.map_structure(lambda _: dtype, self._rnn_output_size()), self._helper.sample_ids_dtype)

    def initialize(self, name: Any = None) -> Any:
        return (*self._helper.initialize(), self._initial_state)

    def step(self, time: Any, inputs: Any, state: Any, name: Any = None) -> Any:
        with tf.name_scope(name, "BasicDecoderStep", (time, inputs, state)):
            outputs, cell_state = self._cell(inputs, state)
            if self._output_layer is not None:
                outputs = self._output_layer(outputs)
            sample_ids = self._helper.sample(time=time, outputs=outputs, state=cell_state)
            finished, next_inputs, next_state = self._helper.next_inputs(time=time, outputs=outputs, state=cell_state, sample_ids=sample_ids)
        return BasicDecoderOutput(outputs, sample_ids), next_state, next_inputs, finished


def _shaped(size: Any) -> Any:
    return tf.nest.map_structure(lambda s: s if isinstance(s, tf.TensorShape) else tf.TensorShape([s] if isinstance(s, int) else s), size)
