"""Fused cells of `tf.contrib.rnn`, as ordinary compositions: the compiler fuses them; cells over whole sequences."""

import abc
from typing import Any

import penstock.compat.v1 as tf
from penstock.contrib.names import contrib
from penstock.contrib.rnn.cells import State, width
from penstock.ir import node_count
from penstock.layers.rnn_cell import LayerRNNCell


def _lstm_weights(layer: Any, depth: int) -> None:
    n = layer._num_units
    layer._kernel = layer.add_weight("kernel", [depth + n, 4 * n])
    layer._bias = layer.add_weight("bias", [4 * n], initializer=tf.constant_initializer(0.0))
    if layer._use_peephole:
        layer._w_i_diag, layer._w_f_diag, layer._w_o_diag = (layer.add_weight(f"w_{g}_diag", [n]) for g in "ifo")


def _lstm_step(layer: Any, x: Any, c: Any, h: Any) -> tuple[Any, Any]:
    """(new c, new h); the gates stand in the order i, c, f, o."""
    gates = tf.nn.bias_add(tf.matmul(tf.concat([x, h], 1), layer._kernel), layer._bias)
    i, j, f, o = tf.split(gates, 4, axis=1)
    if layer._use_peephole:
        i, f = i + layer._w_i_diag * c, f + layer._w_f_diag * c
    new_c = tf.sigmoid(f + layer._forget_bias) * c + tf.sigmoid(i) * tf.tanh(j)
    if layer._cell_clip is not None and layer._cell_clip > 0:
        new_c = tf.clip_by_value(new_c, -layer._cell_clip, layer._cell_clip)
    if layer._use_peephole:
        o = o + layer._w_o_diag * new_c
    return new_c, tf.tanh(new_c) * tf.sigmoid(o)


@contrib("rnn.LSTMBlockCell")
class LSTMBlockCell(LayerRNNCell):
    """The LSTM with gates i, c, f, o in one kernel."""

    def __init__(
        self, num_units: int, forget_bias: float = 1.0, cell_clip: float | None = None, use_peephole: bool = False, dtype: Any = None,
        reuse: Any = None, name: str = "lstm_cell",
    ):  # fmt: skip
        super().__init__(_reuse=reuse, dtype=dtype, name=name)
        self._num_units, self._forget_bias, self._use_peephole = num_units, forget_bias, use_peephole
        self._cell_clip = cell_clip if cell_clip is not None else -1

    state_size = property(lambda self: State(self._num_units, self._num_units))
    output_size = property(lambda self: self._num_units)

    def build(self, inputs_shape: Any) -> None:
        _lstm_weights(self, width(inputs_shape))
        self.built = True

    def call(self, inputs: Any, state: Any) -> Any:
        if len(state) != 2:
            raise ValueError("Expecting state to be a tuple with length 2.")
        with node_count.exactly(1 if self._use_peephole else 2):  # a kernel, and zeros for the peepholes
            new_c, new_h = _lstm_step(self, inputs, *state)
        return new_h, State(new_c, new_h)


@contrib("rnn.GRUBlockCellV2")
class GRUBlockCellV2(LayerRNNCell):
    """The GRU, with the variables of `GRUCell`."""

    _names = ("gates/kernel", "gates/bias", "candidate/kernel", "candidate/bias")

    def __init__(self, num_units: int | None = None, cell_size: int | None = None, reuse: Any = None, name: str = "gru_cell"):
        super().__init__(_reuse=reuse, name=name)
        if (cell_size is None) == (num_units is None):
            raise ValueError("Exactly one of num_units or cell_size must be provided.")
        self._cell_size = num_units if cell_size is None else cell_size

    state_size = property(lambda self: self._cell_size)
    output_size = property(lambda self: self._cell_size)

    def build(self, input_shape: Any) -> None:
        depth, n = width(input_shape), self._cell_size
        names = self._names
        self._gate_kernel = self.add_weight(names[0], [depth + n, 2 * n])
        self._gate_bias = self.add_weight(names[1], [2 * n], initializer=tf.constant_initializer(1.0))
        self._candidate_kernel = self.add_weight(names[2], [depth + n, n])
        self._candidate_bias = self.add_weight(names[3], [n], initializer=tf.constant_initializer(0.0))
        self.built = True

    def call(self, inputs: Any, h_prev: Any) -> Any:
        with node_count.exactly(1):
            return self._step(inputs, h_prev)

    def _step(self, inputs: Any, h_prev: Any) -> Any:
        gates = tf.sigmoid(tf.nn.bias_add(tf.matmul(tf.concat([inputs, h_prev], 1), self._gate_kernel), self._gate_bias))
        r, u = tf.split(gates, 2, axis=1)
        candidate = tf.tanh(tf.nn.bias_add(tf.matmul(tf.concat([inputs, r * h_prev], 1), self._candidate_kernel), self._candidate_bias))
        new = u * h_prev + (1 - u) * candidate
        return new, new


@contrib("rnn.GRUBlockCell")
class GRUBlockCell(GRUBlockCellV2):
    """The GRU, with the variables `w_ru`, `b_ru`, `w_c`, `b_c`."""

    _names = ("w_ru", "b_ru", "w_c", "b_c")


@contrib("cudnn_rnn.CudnnCompatibleLSTMCell")
class CudnnCompatibleLSTMCell(LSTMBlockCell):
    """An LSTM that computes what cuDNN's does: no forget bias."""

    def __init__(self, num_units: int, reuse: Any = None):
        super().__init__(num_units, forget_bias=0, cell_clip=None, use_peephole=False, reuse=reuse, name="cudnn_compatible_lstm_cell")


@contrib("cudnn_rnn.CudnnCompatibleGRUCell")
class CudnnCompatibleGRUCell(LayerRNNCell):
    """A GRU that computes what cuDNN's does: the reset gate is applied behind the hidden projection."""

    def __init__(self, num_units: int, reuse: Any = None, kernel_initializer: Any = None):
        super().__init__(_reuse=reuse)
        self._num_units, self._kernel_initializer = num_units, kernel_initializer

    state_size = property(lambda self: self._num_units)
    output_size = property(lambda self: self._num_units)

    def build(self, inputs_shape: Any) -> None:
        depth, n, init = width(inputs_shape), self._num_units, self._kernel_initializer
        self._gate_kernel = self.add_weight("gates/kernel", shape=[depth + n, 2 * n], initializer=init)
        self._gate_bias = self.add_weight("gates/bias", shape=[2 * n], initializer=tf.constant_initializer(1.0))
        self._candidate_input_kernel = self.add_weight("candidate/input_projection/kernel", shape=[depth, n], initializer=init)
        self._candidate_hidden_kernel = self.add_weight("candidate/hidden_projection/kernel", shape=[n, n], initializer=init)
        self._candidate_input_bias = self.add_weight("candidate/input_projection/bias", shape=[n], initializer=tf.zeros_initializer())
        self._candidate_hidden_bias = self.add_weight("candidate/hidden_projection/bias", shape=[n], initializer=tf.zeros_initializer())
        self.built = True

    def call(self, inputs: Any, state: Any) -> Any:
        gates = tf.sigmoid(tf.nn.bias_add(tf.matmul(tf.concat([inputs, state], 1), self._gate_kernel), self._gate_bias))
        r, u = tf.split(value=gates, num_or_size_splits=2, axis=1)
        hidden = r * tf.nn.bias_add(tf.matmul(state, self._candidate_hidden_kernel), self._candidate_hidden_bias)
        candidate = tf.tanh(tf.nn.bias_add(tf.matmul(inputs, self._candidate_input_kernel), self._candidate_input_bias) + hidden)
        new = (1 - u) * candidate + u * state
        return new, new


# -- cells over whole sequences ----------------------------------------------------------------------------------------
@contrib("rnn.FusedRNNCell")
class FusedRNNCell(metaclass=abc.ABCMeta):
    """The interface of a cell that takes [time, batch, depth] at once."""

    @abc.abstractmethod
    def __call__(self, inputs: Any, initial_state: Any = None, dtype: Any = None, sequence_length: Any = None, scope: Any = None) -> Any:
        """(outputs [time, batch, units], final state)."""


@contrib("rnn.FusedRNNCellAdaptor")
class FusedRNNCellAdaptor(FusedRNNCell):
    """An ordinary cell with the interface of a fused one."""

    def __init__(self, cell: Any, use_dynamic_rnn: bool = False):
        self._cell, self._use_dynamic_rnn = cell, use_dynamic_rnn

    def __call__(self, inputs: Any, initial_state: Any = None, dtype: Any = None, sequence_length: Any = None, scope: Any = None) -> Any:
        is_list = isinstance(inputs, list)
        if self._use_dynamic_rnn:
            if is_list:
                inputs = tf.stack(inputs)
            outputs, state = tf.nn.dynamic_rnn(self._cell, inputs, sequence_length=sequence_length, initial_state=initial_state, dtype=dtype,
                                               time_major=True, scope=scope)  # fmt: skip
            return (tf.unstack(outputs) if is_list else outputs), state
        outputs, state = tf.nn.static_rnn(self._cell, inputs if is_list else tf.unstack(inputs), initial_state=initial_state, dtype=dtype,
                                          sequence_length=sequence_length, scope=scope)  # fmt: skip
        return (outputs if is_list else tf.stack(outputs)), state


@contrib("rnn.TimeReversedFusedRNN")
class TimeReversedFusedRNN(FusedRNNCell):
    """A fused cell that runs backwards in time."""

    def __init__(self, cell: Any):
        self._cell = cell

    @staticmethod
    def _reverse(t: Any, lengths: Any) -> Any:
        return tf.reverse(t, [0]) if lengths is None else tf.reverse_sequence(t, lengths, 0, 1)

    def __call__(self, inputs: Any, initial_state: Any = None, dtype: Any = None, sequence_length: Any = None, scope: Any = None) -> Any:
        outputs, state = self._cell(self._reverse(inputs, sequence_length), initial_state=initial_state, dtype=dtype, sequence_length=sequence_length, scope=scope)
        return self._reverse(outputs, sequence_length), state


class _Step(tf.nn.rnn_cell.RNNCell):
    """One step of a fused layer, over its variables."""

    def __init__(self, layer: Any):
        super().__init__()
        self._layer = layer

    state_size = property(lambda self: State(self._layer._num_units, self._layer._num_units))
    output_size = property(lambda self: self._layer._num_units)

    def __call__(self, inputs: Any, state: Any, scope: Any = None) -> Any:
        new_c, new_h = _lstm_step(self._layer, inputs, *state)
        return new_h, State(new_c, new_h)

    def _sublayers(self) -> list[Any]:
        return []


@contrib("rnn.LSTMBlockWrapper")
class LSTMBlockWrapper(tf.layers.Layer):
    """The base of LSTM layers over [time, batch, depth] (or a list of [batch, depth])."""

    @property
    def num_units(self) -> int:
        return self._num_units

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        self._listed = isinstance(inputs, list)
        outputs, state = super().__call__(tf.stack(inputs) if self._listed else inputs, *args, **kwargs)
        return (tf.unstack(outputs) if self._listed else outputs), state

    def call(self, inputs: Any, initial_state: Any = None, dtype: Any = None, sequence_length: Any = None) -> Any:
        """(outputs, final state)."""
        shape = inputs.get_shape().with_rank(3)
        if shape[2].value is None if hasattr(shape[2], "value") else shape[2] is None:
            raise ValueError("input_size must be statically known")
        if initial_state is None and dtype is None:
            raise ValueError("Either initial_state or dtype needs to be specified")
        if initial_state is not None:
            if len(initial_state) != 2:
                raise ValueError("Expecting initial_state to be a tuple with length 2 or None")
            initial_state = State(*initial_state)
        with tf.variable_scope("steps", reuse=tf.AUTO_REUSE):
            outputs, final = tf.nn.dynamic_rnn(_Step(self), inputs, sequence_length=sequence_length, initial_state=initial_state, dtype=dtype, time_major=True)
        return outputs, State(*final)


@contrib("rnn.LSTMBlockFusedCell")
class LSTMBlockFusedCell(LSTMBlockWrapper):
    """The LSTM over a whole sequence at once."""

    def __init__(
        self, num_units: int, forget_bias: float = 1.0, cell_clip: float | None = None, use_peephole: bool = False, reuse: Any = None,
        dtype: Any = None, name: str = "lstm_fused_cell",
    ):  # fmt: skip
        super().__init__(_reuse=reuse, name=name, dtype=dtype)
        self._num_units, self._forget_bias, self._use_peephole = num_units, forget_bias, use_peephole
        self._cell_clip = cell_clip if cell_clip is not None else -1

    def build(self, input_shape: Any) -> None:
        _lstm_weights(self, width(input_shape))
        self.built = True


# -- stacked -----------------------------------------------------------------------------------------------------------
def _check_stack(cells_fw: Any, cells_bw: Any, initial_fw: Any, initial_bw: Any) -> None:
    for what, cells in (("cells_fw", cells_fw), ("cells_bw", cells_bw)):
        if cells is None:
            raise ValueError("Must specify at least one fw cell for BidirectionalRNN." if what == "cells_fw" else "Must specify at least one bw cell for BidirectionalRNN.")
        if not isinstance(cells, list):
            raise ValueError(f"{what} must be a list of RNNCells (one per layer).")
    if len(cells_fw) != len(cells_bw):
        raise ValueError("Forward and Backward cells must have the same depth.")
    for what, states, cells in (("initial_states_fw", initial_fw, cells_fw), ("initial_states_bw", initial_bw, cells_bw)):
        if states is not None and (not isinstance(states, (list, tuple)) or len(states) != len(cells)):
            raise ValueError(f"{what} must be a list of state tensors (one per layer).")


@contrib("rnn.stack_bidirectional_rnn")
def stack_bidirectional_rnn(
    cells_fw: Any, cells_bw: Any, inputs: Any, initial_states_fw: Any = None, initial_states_bw: Any = None, dtype: Any = None,
    sequence_length: Any = None, scope: Any = None,
) -> Any:  # fmt: skip
    """Layers of unrolled bidirectional networks, each over the joined outputs of the one below."""
    _check_stack(cells_fw, cells_bw, initial_states_fw, initial_states_bw)
    states_fw, states_bw, prev = [], [], inputs
    with tf.variable_scope(scope or "stack_bidirectional_rnn"):
        for i, (cell_fw, cell_bw) in enumerate(zip(cells_fw, cells_bw)):
            first = lambda states: states[i] if states else None
            with tf.variable_scope(f"cell_{i}") as cell_scope:
                prev, state_fw, state_bw = tf.nn.static_bidirectional_rnn(
                    cell_fw, cell_bw, prev, initial_state_fw=first(initial_states_fw), initial_state_bw=first(initial_states_bw),
                    sequence_length=sequence_length, dtype=dtype, scope=cell_scope,
                )  # fmt: skip
            states_fw.append(state_fw)
            states_bw.append(state_bw)
    return prev, tuple(states_fw), tuple(states_bw)


@contrib("rnn.stack_bidirectional_dynamic_rnn")
def stack_bidirectional_dynamic_rnn(
    cells_fw: Any, cells_bw: Any, inputs: Any, initial_states_fw: Any = None, initial_states_bw: Any = None, dtype: Any = None,
    sequence_length: Any = None, parallel_iterations: Any = None, time_major: bool = False, scope: Any = None, swap_memory: bool = False,
) -> Any:  # fmt: skip
    """Layers of bidirectional networks, each over the joined outputs of the one below."""
    _check_stack(cells_fw, cells_bw, initial_states_fw, initial_states_bw)
    states_fw, states_bw, prev = [], [], inputs
    with tf.variable_scope(scope or "stack_bidirectional_rnn"):
        for i, (cell_fw, cell_bw) in enumerate(zip(cells_fw, cells_bw)):
            first = lambda states: states[i] if states else None
            with tf.variable_scope(f"cell_{i}"):
                outputs, (state_fw, state_bw) = tf.nn.bidirectional_dynamic_rnn(
                    cell_fw, cell_bw, prev, initial_state_fw=first(initial_states_fw), initial_state_bw=first(initial_states_bw),
                    sequence_length=sequence_length, parallel_iterations=parallel_iterations, dtype=dtype, swap_memory=swap_memory, time_major=time_major,
                )  # fmt: skip
                prev = tf.concat(outputs, 2)
            states_fw.append(state_fw)
            states_bw.append(state_bw)
    return prev, tuple(states_fw), tuple(states_bw)


@contrib("rnn.transpose_batch_time")
def transpose_batch_time(x: Any) -> Any:
    """[batch, time, ...] <-> [time, batch, ...]."""
    from penstock.contrib.seq2seq.helper import _transpose_batch_time

    return _transpose_batch_time(x)


@contrib("rnn.best_effort_input_batch_size")
def best_effort_input_batch_size(flat_input: Any) -> Any:
    """The batch size of time-major inputs: an int where it is known."""
    for one in flat_input:
        if one.shape.ndims is not None and one.shape.ndims >= 2:
            size = tf.Dimension(one.shape[1]).value
            if size is not None:
                return size
    return tf.shape(flat_input[0])[1]
