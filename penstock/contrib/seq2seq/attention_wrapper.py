"""`AttentionWrapper`: a cell that looks at a memory at each step."""

import collections
import contextlib
from typing import Any

import penstock.compat.v1 as tf
from penstock.contrib.framework.tensors import with_same_shape
from penstock.contrib.names import contrib
from penstock.contrib.seq2seq.attention import AttentionMechanism, _zeros
from penstock.ir import node_count
from penstock.layers.rnn_cell import RNNCell, assert_like_rnncell

_FIELDS = ("cell_state", "attention", "time", "alignments", "alignment_history", "attention_state")


@contrib("seq2seq.AttentionWrapperState")
class AttentionWrapperState(collections.namedtuple("AttentionWrapperState", _FIELDS)):  # noqa: PYI024
    """The state of an `AttentionWrapper`."""

    def clone(self, **kwargs: Any) -> "AttentionWrapperState":
        """The same state with some fields replaced: `state.clone(cell_state=encoder_state)`."""

        def same(old: Any, new: Any) -> Any:
            if isinstance(old, tf.Tensor) and isinstance(new, tf.Tensor):
                with node_count.exactly(0 if new.shape.is_fully_defined() and old.shape.is_fully_defined() else 16):
                    return with_same_shape(old, new)
            return new

        with_new = super()._replace(**kwargs)
        return tf.nest.map_structure(same, self, with_new)


def compute_attention(attention_mechanism: Any, cell_output: Any, attention_state: Any, attention_layer: Any) -> Any:
    """(attention, alignments, next state) of one mechanism."""
    alignments, next_state = attention_mechanism(cell_output, state=attention_state)
    context = tf.squeeze(tf.matmul(tf.expand_dims(alignments, 1), attention_mechanism.values), [1])
    attention = context if attention_layer is None else attention_layer(tf.concat([cell_output, context], 1))
    return attention, alignments, next_state


@contrib("seq2seq.AttentionWrapper")
class AttentionWrapper(RNNCell):
    """Feeds a cell its input joined with the last attention, and attends with its output."""

    def __init__(
        self, cell: Any, attention_mechanism: Any, attention_layer_size: Any = None, alignment_history: bool = False, cell_input_fn: Any = None,
        output_attention: bool = True, initial_cell_state: Any = None, name: Any = None, attention_layer: Any = None, attention_fn: Any = None,
        dtype: Any = None,
    ):  # fmt: skip
        super().__init__(name=name, dtype=dtype)
        assert_like_rnncell("cell", cell)
        self._is_multi = isinstance(attention_mechanism, (list, tuple))
        mechanisms = tuple(attention_mechanism) if self._is_multi else (attention_mechanism,)
        for one in mechanisms:
            if not isinstance(one, AttentionMechanism):
                raise TypeError(f"attention_mechanism must contain only instances of AttentionMechanism, saw type: {type(one).__name__}"
                                if self._is_multi else f"attention_mechanism must be an AttentionMechanism or list of multiple AttentionMechanism instances, saw type: {type(one).__name__}")  # fmt: skip
        if cell_input_fn is None:
            cell_input_fn = lambda inputs, attention: tf.concat([inputs, attention], -1)
        elif not callable(cell_input_fn):
            raise TypeError(f"cell_input_fn must be callable, saw type: {type(cell_input_fn).__name__}")
        if attention_layer_size is not None and attention_layer is not None:
            raise ValueError("Only one of attention_layer_size and attention_layer should be set")
        layers: Any = None
        if attention_layer_size is not None:
            sizes = tuple(attention_layer_size if isinstance(attention_layer_size, (list, tuple)) else (attention_layer_size,))
            if len(sizes) != len(mechanisms):
                raise ValueError(f"If provided, attention_layer_size must contain exactly one integer per attention_mechanism, saw: {len(sizes)} vs {len(mechanisms)}")
            layers = tuple(tf.layers.Dense(size, name="attention_layer", use_bias=False, dtype=m.dtype) for size, m in zip(sizes, mechanisms))
            self._attention_layer_size: Any = sum(sizes)
        elif attention_layer is not None:
            layers = tuple(attention_layer if isinstance(attention_layer, (list, tuple)) else (attention_layer,))
            if len(layers) != len(mechanisms):
                raise ValueError(f"If provided, attention_layer must contain exactly one layer per attention_mechanism, saw: {len(layers)} vs {len(mechanisms)}")
            widths = [
                layer.compute_output_shape([None, cell.output_size + tf.Dimension(m.values.shape[-1]).value])[-1] for layer, m in zip(layers, mechanisms)
            ]
            self._attention_layer_size = sum(tf.Dimension(w).value for w in widths)
        else:
            self._attention_layer_size = sum(tf.Dimension(m.values.get_shape()[-1]).value for m in mechanisms)
        self._attention_layers_, self._cell = layers, cell
        self._attention_mechanisms, self._cell_input_fn = mechanisms, cell_input_fn
        self._attention_fn = attention_fn or compute_attention
        self._output_attention, self._alignment_history = output_attention, alignment_history
        with tf.name_scope(name, "AttentionWrapperInit"):
            self._initial_cell_state: Any = None
            if initial_cell_state is not None:
                last = tf.nest.flatten(initial_cell_state)[-1]
                size = tf.Dimension(last.shape[0]).value
                size = tf.shape(last)[0] if size is None else size
                with tf.control_dependencies(self._checks(size, "")):
                    self._initial_cell_state = tf.nest.map_structure(lambda s: tf.identity(s, name="check_initial_cell_state"), initial_cell_state)

    _attention_layers = property(lambda self: self._attention_layers_)

    def _checks(self, batch_size: Any, which: str) -> list[Any]:
        said = (f"When calling AttentionWrapper {self.name}: Non-matching batch sizes between the memory (encoder output) and {which or 'initial_cell_state'}. "
                "Are you using the BeamSearchDecoder?  You may need to tile your initial state via the tf.contrib.seq2seq.tile_batch function with argument multiple=beam_width.")  # fmt: skip
        return [self._same_batch(batch_size, m.batch_size, said) for m in self._attention_mechanisms]

    @staticmethod
    def _same_batch(batch_size: Any, of_memory: Any, message: str) -> Any:
        known = isinstance(batch_size, int) and isinstance(of_memory, int)
        with node_count.exactly(1) if known else contextlib.nullcontext():
            return tf.debugging.assert_equal(batch_size, of_memory, message=message)

    def _item_or_tuple(self, seq: Any) -> Any:
        items = tuple(seq)
        return items if self._is_multi else items[0]

    @property
    def output_size(self) -> Any:
        return self._attention_layer_size if self._output_attention else self._cell.output_size

    @property
    def state_size(self) -> AttentionWrapperState:
        return AttentionWrapperState(
            cell_state=self._cell.state_size, time=tf.TensorShape([]), attention=self._attention_layer_size,
            alignments=self._item_or_tuple(m.alignments_size for m in self._attention_mechanisms),
            attention_state=self._item_or_tuple(m.state_size for m in self._attention_mechanisms),
            alignment_history=self._item_or_tuple(m.alignments_size if self._alignment_history else () for m in self._attention_mechanisms),
        )  # fmt: skip

    def zero_state(self, batch_size: Any, dtype: Any) -> AttentionWrapperState:
        """The state before the first step; the cell's own is `initial_cell_state` or zeros."""
        with tf.name_scope(type(self).__name__ + "ZeroState", values=[batch_size]):
            cell_state = self._initial_cell_state if self._initial_cell_state is not None else self._cell.zero_state(batch_size, dtype)
            with tf.control_dependencies(self._checks(batch_size, "the requested batch size")):
                cell_state = tf.nest.map_structure(lambda s: tf.identity(s, name="checked_cell_state"), cell_state)
            first = [m.initial_alignments(batch_size, dtype) for m in self._attention_mechanisms]
            history = lambda a: tf.TensorArray(dtype, size=0, dynamic_size=True, element_shape=a.shape) if self._alignment_history else ()
            return AttentionWrapperState(
                cell_state=cell_state, time=tf.zeros([], dtype=tf.int32), attention=_zeros(self._attention_layer_size, batch_size, dtype),
                alignments=self._item_or_tuple(first),
                attention_state=self._item_or_tuple(m.initial_state(batch_size, dtype) for m in self._attention_mechanisms),
                alignment_history=self._item_or_tuple(history(a) for a in first),
            )  # fmt: skip

    def call(self, inputs: Any, state: Any) -> Any:
        """(attention or cell output, next state)."""
        if not isinstance(state, AttentionWrapperState):
            raise TypeError(f"Expected state to be instance of AttentionWrapperState. Received type {type(state)} instead.")
        cell_output, next_cell_state = self._cell(self._cell_input_fn(inputs, state.attention), state.cell_state)
        static = tf.Dimension(cell_output.shape[0]).value
        with tf.control_dependencies(self._checks(tf.shape(cell_output)[0] if static is None else static, "the query (decoder output)")):
            cell_output = tf.identity(cell_output, name="checked_cell_output")
        previous = state.attention_state if self._is_multi else [state.attention_state]
        histories = state.alignment_history if self._is_multi else [state.alignment_history]
        attentions, alignments, states, written = [], [], [], []
        for i, mechanism in enumerate(self._attention_mechanisms):
            layer = self._attention_layers_[i] if self._attention_layers_ else None
            attention, alignment, next_state = self._attention_fn(mechanism, cell_output, previous[i], layer)
            written.append(histories[i].write(state.time, alignment) if self._alignment_history else ())
            attentions.append(attention)
            alignments.append(alignment)
            states.append(next_state)
        attention = tf.concat(attentions, 1)
        next_state = AttentionWrapperState(
            time=state.time + 1, cell_state=next_cell_state, attention=attention, attention_state=self._item_or_tuple(states),
            alignments=self._item_or_tuple(alignments), alignment_history=self._item_or_tuple(written),
        )  # fmt: skip
        return (attention if self._output_attention else cell_output), next_state
