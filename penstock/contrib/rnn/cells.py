"""Cells of `tf.contrib.rnn` beyond those of `tf.nn.rnn_cell`."""

import math
from typing import Any

import penstock.compat.v1 as tf
from penstock.contrib.names import again, contrib, contrib_constant
from penstock.contrib.rnn.wrappers import linear
from penstock.ir import node_count
from penstock.layers.rnn_cell import LayerRNNCell, RNNCell

State = tf.nn.rnn_cell.LSTMStateTuple


def width(inputs: Any) -> int:
    """The size of the last axis; ValueError where it is not known."""
    size = tf.Dimension(inputs.get_shape()[-1] if hasattr(inputs, "get_shape") else tf.TensorShape(inputs)[-1]).value
    if size is None:
        raise ValueError(f"Expected inputs.shape[-1] to be known, saw shape: {inputs.get_shape() if hasattr(inputs, 'get_shape') else inputs}")
    return size


class _Sized(RNNCell):
    """A cell whose output and state have `num_units` numbers."""

    state_size = property(lambda self: self._num_units)
    output_size = property(lambda self: self._num_units)


class _Lstm(RNNCell):
    """A cell with an LSTM's pair of states; the output is `num_units` or `num_proj` wide."""

    _num_proj: int | None = None
    output_size = property(lambda self: self._num_proj or self._num_units)
    state_size = property(lambda self: State(self._num_units, self._num_proj or self._num_units))


def normed(inp: Any, scope: str, gain: float, shift: float) -> Any:
    """Layer normalization with the variables `scope/gamma` and `scope/beta`."""
    size = width(inp)
    with tf.variable_scope(scope):
        gamma = tf.get_variable("gamma", [size], initializer=tf.constant_initializer(gain), dtype=inp.dtype)
        beta = tf.get_variable("beta", [size], initializer=tf.constant_initializer(shift), dtype=inp.dtype)
    mean, variance = tf.nn.moments(inp, [1], keepdims=True)
    return tf.nn.batch_normalization(inp, mean, variance, beta, gamma, 1e-12)


@contrib("rnn.LayerNormBasicLSTMCell")
class LayerNormBasicLSTMCell(_Lstm):
    """An LSTM with layer normalization and dropout of its candidate."""

    def __init__(
        self, num_units: int, forget_bias: float = 1.0, input_size: Any = None, activation: Any = tf.tanh, layer_norm: bool = True,
        norm_gain: float = 1.0, norm_shift: float = 0.0, dropout_keep_prob: Any = 1.0, dropout_prob_seed: int | None = None, reuse: Any = None,
    ):  # fmt: skip
        super().__init__(_reuse=reuse)
        if input_size is not None:
            tf.logging.warn("%s: The input_size parameter is deprecated.", self)
        self._num_units, self._activation, self._forget_bias = num_units, activation, forget_bias
        self._keep_prob, self._seed = dropout_keep_prob, dropout_prob_seed
        self._layer_norm, self._norm_gain, self._norm_shift = layer_norm, norm_gain, norm_shift

    def call(self, inputs: Any, state: Any) -> Any:
        c, h = state
        args = tf.concat([inputs, h], 1)
        kernel = tf.get_variable("kernel", [width(args), 4 * self._num_units], dtype=args.dtype)
        gates = tf.matmul(args, kernel)
        if not self._layer_norm:
            gates = tf.nn.bias_add(gates, tf.get_variable("bias", [4 * self._num_units], dtype=args.dtype))
        parts = tf.split(value=gates, num_or_size_splits=4, axis=1)
        norm = lambda value, name: normed(value, name, self._norm_gain, self._norm_shift) if self._layer_norm else value
        i, j, f, o = (norm(p, name) for p, name in zip(parts, ("input", "transform", "forget", "output")))
        g = self._activation(j)
        if not isinstance(self._keep_prob, float) or self._keep_prob < 1:
            g = tf.nn.dropout(g, self._keep_prob, seed=self._seed)
        new_c = norm(c * tf.sigmoid(f + self._forget_bias) + tf.sigmoid(i) * g, "state")
        new_h = self._activation(new_c) * tf.sigmoid(o)
        return new_h, State(new_c, new_h)


@contrib("rnn.CoupledInputForgetGateLSTMCell")
class CoupledInputForgetGateLSTMCell(RNNCell):
    """An LSTM whose input gate is 1 - its forget gate."""

    def __init__(
        self, num_units: int, use_peepholes: bool = False, initializer: Any = None, num_proj: int | None = None, proj_clip: float | None = None,
        num_unit_shards: int = 1, num_proj_shards: int = 1, forget_bias: float = 1.0, state_is_tuple: bool = True, activation: Any = tf.tanh,
        reuse: Any = None, layer_norm: bool = False, norm_gain: float = 1.0, norm_shift: float = 0.0,
    ):  # fmt: skip
        super().__init__(_reuse=reuse)
        self._num_units, self._use_peepholes, self._initializer = num_units, use_peepholes, initializer
        self._num_proj, self._proj_clip, self._forget_bias = num_proj, proj_clip, forget_bias
        self._state_is_tuple, self._activation = state_is_tuple, activation
        self._layer_norm, self._norm_gain, self._norm_shift = layer_norm, norm_gain, norm_shift

    output_size = property(lambda self: self._num_proj or self._num_units)

    @property
    def state_size(self) -> Any:
        return State(self._num_units, self.output_size) if self._state_is_tuple else self._num_units + self.output_size

    def call(self, inputs: Any, state: Any) -> Any:
        n = self._num_units
        if self._state_is_tuple:
            c_prev, m_prev = state
        else:
            c_prev, m_prev = tf.slice(state, [0, 0], [-1, n]), tf.slice(state, [0, n], [-1, self.output_size])
        dtype = inputs.dtype
        get = lambda name, shape: tf.get_variable(name, shape, initializer=self._initializer, dtype=dtype)
        kernel = get("W_0", [width(inputs) + self.output_size, 3 * n])
        bias = tf.get_variable("B", shape=[3 * n], initializer=tf.zeros_initializer(), dtype=dtype)
        matrix = tf.matmul(tf.concat([inputs, m_prev], 1), kernel)
        parts = tf.split(value=matrix if self._layer_norm else tf.nn.bias_add(matrix, bias), num_or_size_splits=3, axis=1)
        norm = lambda value, name: normed(value, name, self._norm_gain, self._norm_shift) if self._layer_norm else value
        j, f, o = (norm(p, name) for p, name in zip(parts, ("transform", "forget", "output")))
        if self._use_peepholes:
            w_f, w_o = get("W_F_diag", [n]), get("W_O_diag", [n])
        f = f + self._forget_bias
        keep = tf.sigmoid(f + w_f * c_prev if self._use_peepholes else f)
        c = norm(keep * c_prev + (1 - keep) * self._activation(j), "state")
        m = tf.sigmoid(o + w_o * c if self._use_peepholes else o) * self._activation(c)
        if self._num_proj is not None:
            m = tf.matmul(m, get("W_P_0", [n, self._num_proj]))
            if self._proj_clip is not None:
                m = tf.clip_by_value(m, -self._proj_clip, self._proj_clip)
        return m, State(c, m) if self._state_is_tuple else tf.concat([c, m], 1)


@contrib("rnn.UGRNNCell")
class UGRNNCell(_Sized):
    """The update gate RNN (Collins et al.)."""

    def __init__(self, num_units: int, initializer: Any = None, forget_bias: float = 1.0, activation: Any = tf.tanh, reuse: Any = None):
        super().__init__(_reuse=reuse)
        self._num_units, self._initializer, self._forget_bias, self._activation = num_units, initializer, forget_bias, activation

    def call(self, inputs: Any, state: Any) -> Any:
        width(inputs)
        with tf.variable_scope(tf.get_variable_scope(), initializer=self._initializer):
            matrix = linear([inputs, state], 2 * self._num_units, True)
        g, c = tf.split(axis=1, num_or_size_splits=2, value=matrix)
        g = tf.sigmoid(g + self._forget_bias)
        new = g * state + (1.0 - g) * self._activation(c)
        return new, new


@contrib("rnn.IntersectionRNNCell")
class IntersectionRNNCell(_Sized):
    """The intersection RNN (Collins et al.): gates in time and in depth."""

    def __init__(
        self, num_units: int, num_in_proj: int | None = None, initializer: Any = None, forget_bias: float = 1.0, y_activation: Any = tf.nn.relu,
        reuse: Any = None,
    ):  # fmt: skip
        super().__init__(_reuse=reuse)
        self._num_units, self._num_input_proj, self._initializer = num_units, num_in_proj, initializer
        self._forget_bias, self._y_activation = forget_bias, y_activation

    def call(self, inputs: Any, state: Any) -> Any:
        n = self._num_units
        with tf.variable_scope(tf.get_variable_scope(), initializer=self._initializer):
            if width(inputs) != n:
                if not self._num_input_proj:
                    raise ValueError("Must have input size == output size for Intersection RNN. To fix, num_in_proj should be set to num_units at cell init.")
                with tf.variable_scope("in_projection"):
                    inputs = linear(inputs, self._num_input_proj, True)
            matrix = linear([inputs, state], 4 * n, True)
        with node_count.exactly(16):  # four slices
            gh, h, gy, y = tf.split(matrix, 4, axis=1)
        gh, gy = tf.sigmoid(gh + self._forget_bias), tf.sigmoid(gy + self._forget_bias)
        new_state = gh * state + (1.0 - gh) * tf.tanh(h)
        return gy * inputs + (1.0 - gy) * self._y_activation(y), new_state


@contrib("rnn.NASCell")
class NASCell(_Lstm, LayerRNNCell):
    """The cell that neural architecture search found (Zoph and Le)."""

    def __init__(self, num_units: int, num_proj: int | None = None, use_bias: bool = False, reuse: Any = None, **kwargs: Any):
        super().__init__(_reuse=reuse, **kwargs)
        self._num_units, self._num_proj, self._use_bias = num_units, num_proj, use_bias

    def build(self, inputs_shape: Any) -> None:
        n = self._num_units
        self.recurrent_kernel = self.add_weight("recurrent_kernel", shape=[self.output_size, 8 * n])
        self.kernel = self.add_weight("kernel", shape=[width(inputs_shape), 8 * n])
        if self._use_bias:
            self.bias = self.add_weight("bias", shape=[8 * n], initializer=tf.zeros_initializer)
        if self._num_proj is not None:
            self.projection_weights = self.add_weight("projection_weights", shape=[n, self._num_proj])
        self.built = True

    def call(self, inputs: Any, state: Any) -> Any:
        c_prev, m_prev = state
        matrix = tf.matmul(m_prev, self.recurrent_kernel)
        if self._use_bias:
            matrix = tf.nn.bias_add(matrix, self.bias)
        m = tf.split(axis=1, num_or_size_splits=8, value=matrix)
        i = tf.split(axis=1, num_or_size_splits=8, value=tf.matmul(inputs, self.kernel))
        first = [tf.sigmoid(i[0] + m[0]), tf.nn.relu(i[1] + m[1]), tf.sigmoid(i[2] + m[2]), tf.nn.relu(i[3] * m[3]), tf.tanh(i[4] + m[4]),
                 tf.sigmoid(i[5] + m[5]), tf.tanh(i[6] + m[6]), tf.sigmoid(i[7] + m[7])]  # fmt: skip
        second = [tf.tanh(first[0] * first[1]), tf.tanh(first[2] + first[3]), tf.tanh(first[4] * first[5]), tf.sigmoid(first[6] + first[7])]
        new_c = tf.tanh(second[0] + c_prev) * second[1]
        new_m = tf.tanh(new_c * tf.tanh(second[2] + second[3]))
        if self._num_proj is not None:
            new_m = tf.matmul(new_m, self.projection_weights)
        return new_m, State(new_c, new_m)


@contrib("rnn.GLSTMCell")
class GLSTMCell(_Lstm):
    """An LSTM whose matrix is block-diagonal, a block a group."""

    def __init__(
        self, num_units: int, initializer: Any = None, num_proj: int | None = None, number_of_groups: int = 1, forget_bias: float = 1.0,
        activation: Any = tf.tanh, reuse: Any = None,
    ):  # fmt: skip
        super().__init__(_reuse=reuse)
        self._num_units, self._initializer, self._num_proj = num_units, initializer, num_proj
        self._forget_bias, self._activation, self._number_of_groups = forget_bias, activation, number_of_groups
        if num_units % number_of_groups != 0:
            raise ValueError("num_units must be divisible by number_of_groups")
        if num_proj and num_proj % number_of_groups != 0:
            raise ValueError("num_proj must be divisible by number_of_groups")

    def call(self, inputs: Any, state: Any) -> Any:
        c_prev, m_prev = state
        groups, n = self._number_of_groups, self._num_units
        if width(inputs) % groups:
            raise ValueError(f"input size {width(inputs)} must be divisible by number_of_groups {groups}")
        parts: list[list[Any]] = [[], [], [], []]
        scope = tf.get_variable_scope()
        with tf.variable_scope(scope, initializer=self._initializer):
            xs, ms = tf.split(inputs, groups, axis=1), tf.split(m_prev, groups, axis=1)
            for g in range(groups):
                with tf.variable_scope(f"group{g}"):
                    matrix = linear(tf.concat([xs[g], ms[g]], axis=1), 4 * (n // groups), False)
                for held, part in zip(parts, tf.split(matrix, 4, 1)):
                    held.append(part)
            bias = lambda name: tf.get_variable(f"bias_{name}", shape=[n], dtype=inputs.dtype, initializer=tf.constant_initializer(0.0, dtype=inputs.dtype))
            i, j, f, o = (tf.nn.bias_add(tf.concat(held, axis=1), bias(name)) for held, name in zip(parts, "ijfo"))
            c = tf.sigmoid(f + self._forget_bias) * c_prev + tf.sigmoid(i) * tf.tanh(j)
            m = tf.sigmoid(o) * self._activation(c)
            if self._num_proj is not None:
                with tf.variable_scope("projection"):
                    m = linear(m, self._num_proj, False)
        return m, State(c, m)


def _activation(given: Any) -> Any:
    from penstock.layers.rnn_cell import _activation as named

    return named(given, "Tanh")


@contrib("rnn.IndRNNCell")
class IndRNNCell(_Sized, LayerRNNCell):
    """Each unit sees its own state alone (Li et al.)."""

    def __init__(self, num_units: int, activation: Any = None, reuse: Any = None, name: Any = None, dtype: Any = None):
        super().__init__(_reuse=reuse, name=name, dtype=dtype)
        self._num_units, self._activation = num_units, _activation(activation)

    def build(self, inputs_shape: Any) -> None:
        self._kernel_w = self.add_weight("kernel_w", shape=[width(inputs_shape), self._num_units])
        self._kernel_u = self.add_weight("kernel_u", shape=[1, self._num_units], initializer=tf.random_uniform_initializer(-1, 1, dtype=self.dtype))
        self._bias = self.add_weight("bias", shape=[self._num_units], initializer=tf.zeros_initializer(dtype=self.dtype))
        self.built = True

    def call(self, inputs: Any, state: Any) -> Any:
        output = self._activation(tf.nn.bias_add(tf.matmul(inputs, self._kernel_w) + state * self._kernel_u, self._bias))
        return output, output


@contrib("rnn.IndyGRUCell")
class IndyGRUCell(_Sized, LayerRNNCell):
    """A GRU whose units see their own state alone."""

    def __init__(
        self, num_units: int, activation: Any = None, reuse: Any = None, kernel_initializer: Any = None, bias_initializer: Any = None,
        name: Any = None, dtype: Any = None,
    ):  # fmt: skip
        super().__init__(_reuse=reuse, name=name, dtype=dtype)
        self._num_units, self._activation = num_units, _activation(activation)
        self._kernel_initializer, self._bias_initializer = kernel_initializer, bias_initializer

    def build(self, inputs_shape: Any) -> None:
        depth, n = width(inputs_shape), self._num_units
        own = tf.random_uniform_initializer(-1, 1, dtype=self.dtype)
        bias = self._bias_initializer
        self._gate_kernel_w = self.add_weight("gates/kernel_w", shape=[depth, 2 * n], initializer=self._kernel_initializer)
        self._gate_kernel_u = self.add_weight("gates/kernel_u", shape=[1, 2 * n], initializer=own)
        self._gate_bias = self.add_weight("gates/bias", shape=[2 * n], initializer=bias if bias is not None else tf.constant_initializer(1.0, dtype=self.dtype))
        self._candidate_kernel_w = self.add_weight("candidate/kernel", shape=[depth, n], initializer=self._kernel_initializer)
        self._candidate_kernel_u = self.add_weight("candidate/kernel_u", shape=[1, n], initializer=own)
        self._candidate_bias = self.add_weight("candidate/bias", shape=[n], initializer=bias if bias is not None else tf.zeros_initializer(dtype=self.dtype))
        self.built = True

    def call(self, inputs: Any, state: Any) -> Any:
        gates = tf.matmul(inputs, self._gate_kernel_w) + tf.tile(state, [1, 2]) * self._gate_kernel_u
        r, u = tf.split(value=tf.sigmoid(tf.nn.bias_add(gates, self._gate_bias)), num_or_size_splits=2, axis=1)
        candidate = tf.matmul(inputs, self._candidate_kernel_w) + r * state * self._candidate_kernel_u
        new = u * state + (1 - u) * self._activation(tf.nn.bias_add(candidate, self._candidate_bias))
        return new, new


@contrib("rnn.IndyLSTMCell")
class IndyLSTMCell(_Lstm, LayerRNNCell):
    """An LSTM whose units see their own output alone."""

    def __init__(
        self, num_units: int, forget_bias: float = 1.0, activation: Any = None, reuse: Any = None, kernel_initializer: Any = None,
        bias_initializer: Any = None, name: Any = None, dtype: Any = None,
    ):  # fmt: skip
        super().__init__(_reuse=reuse, name=name, dtype=dtype)
        self._num_units, self._forget_bias, self._activation = num_units, forget_bias, _activation(activation)
        self._kernel_initializer, self._bias_initializer = kernel_initializer, bias_initializer

    def build(self, inputs_shape: Any) -> None:
        n, bias = self._num_units, self._bias_initializer
        self._kernel_w = self.add_weight("kernel_w", shape=[width(inputs_shape), 4 * n], initializer=self._kernel_initializer)
        self._kernel_u = self.add_weight("kernel_u", shape=[1, 4 * n], initializer=tf.random_uniform_initializer(-1, 1, dtype=self.dtype))
        self._bias = self.add_weight("bias", shape=[4 * n], initializer=bias if bias is not None else tf.zeros_initializer(dtype=self.dtype))
        self.built = True

    def call(self, inputs: Any, state: Any) -> Any:
        c, h = state
        gates = tf.nn.bias_add(tf.matmul(inputs, self._kernel_w) + tf.tile(h, [1, 4]) * self._kernel_u, self._bias)
        i, j, f, o = tf.split(value=gates, num_or_size_splits=4, axis=1)
        new_c = c * tf.sigmoid(f + self._forget_bias) + tf.sigmoid(i) * self._activation(j)
        new_h = self._activation(new_c) * tf.sigmoid(o)
        return new_h, State(new_c, new_h)


@contrib("rnn.SRUCell")
class SRUCell(_Sized, LayerRNNCell):
    """The simple recurrent unit (Lei and Zhang)."""

    def __init__(self, num_units: int, activation: Any = None, reuse: Any = None, name: Any = None, **kwargs: Any):
        super().__init__(_reuse=reuse, name=name, **kwargs)
        self._num_units, self._activation = num_units, _activation(activation)

    def build(self, inputs_shape: Any) -> None:
        self._kernel = self.add_weight("kernel", shape=[width(inputs_shape), 4 * self._num_units])
        self._bias = self.add_weight("bias", shape=[2 * self._num_units], initializer=tf.zeros_initializer)
        self.built = True

    def call(self, inputs: Any, state: Any) -> Any:
        x_bar, f, r, x_tx = tf.split(value=tf.matmul(inputs, self._kernel), num_or_size_splits=4, axis=1)
        f, r = tf.split(value=tf.sigmoid(tf.nn.bias_add(tf.concat([f, r], 1), self._bias)), num_or_size_splits=2, axis=1)
        c = f * state + (1.0 - f) * x_bar
        return r * self._activation(c) + (1.0 - r) * x_tx, c


@contrib("rnn.PhasedLSTMCell")
class PhasedLSTMCell(_Lstm):
    """An LSTM for (time, inputs), whose units are open in periods of their own (Neil et al.)."""

    def __init__(
        self, num_units: int, use_peepholes: bool = False, leak: float = 0.001, ratio_on: float = 0.1, trainable_ratio_on: bool = True,
        period_init_min: float = 1.0, period_init_max: float = 1000.0, reuse: Any = None,
    ):  # fmt: skip
        super().__init__(_reuse=reuse)
        self._num_units, self._use_peepholes, self._leak = num_units, use_peepholes, leak
        self._ratio_on, self._trainable_ratio_on = ratio_on, trainable_ratio_on
        self._period_init_min, self._period_init_max = period_init_min, period_init_max

    def call(self, inputs: Any, state: Any) -> Any:
        c_prev, h_prev = state
        time, x = inputs
        n = self._num_units

        def gate(name: str, parts: list[Any], size: int, activation: Any) -> Any:
            with tf.variable_scope(name):
                return activation(linear(parts, size, True))

        both = [x, h_prev, c_prev] if self._use_peepholes else [x, h_prev]
        input_gate, forget_gate = tf.split(axis=1, num_or_size_splits=2, value=gate("mask_gates", both, 2 * n, tf.sigmoid))
        new_input = gate("new_input", [x, h_prev], n, tf.tanh)
        new_c = c_prev * forget_gate + input_gate * new_input
        output_gate = gate("output_gate", [x, h_prev, new_c] if self._use_peepholes else [x, h_prev], n, tf.sigmoid)
        new_h = tf.tanh(new_c) * output_gate

        def spread(shape: Any, dtype: Any = tf.float32, partition_info: Any = None) -> Any:
            low, high = math.log(self._period_init_min), math.log(self._period_init_max)
            return tf.exp(tf.random_uniform(shape, low, high, dtype=dtype))

        period = tf.get_variable("period", [n], initializer=spread)
        phase = tf.get_variable("phase", [n], initializer=lambda shape, dtype=tf.float32, partition_info=None: tf.random_uniform(shape, 0.0, 1.0, dtype) * period.initialized_value())
        ratio_on = tf.get_variable("ratio_on", [n], initializer=tf.constant_initializer(self._ratio_on), trainable=self._trainable_ratio_on)
        cycle = tf.floormod(tf.cast(time, tf.float32) - phase, period) / period
        k_up = 2 * cycle / ratio_on
        k = tf.where(cycle < ratio_on, 2 - k_up, self._leak * cycle)
        k = tf.where(cycle < 0.5 * ratio_on, k_up, k)
        new_c, new_h = k * new_c + (1 - k) * c_prev, k * new_h + (1 - k) * h_prev
        return new_h, State(new_c, new_h)


@contrib("rnn.ConvLSTMCell")
class ConvLSTMCell(RNNCell):
    """An LSTM over images (or lines, or volumes), by convolutions."""

    def __init__(
        self, conv_ndims: int, input_shape: Any, output_channels: int, kernel_shape: Any, use_bias: bool = True, skip_connection: bool = False,
        forget_bias: float = 1.0, initializers: Any = None, name: str = "conv_lstm_cell",
    ):  # fmt: skip
        super().__init__(name=name)
        if conv_ndims != len(input_shape) - 1:
            raise ValueError(f"Invalid input_shape {input_shape} for conv_ndims={conv_ndims}.")
        self._conv_ndims, self._input_shape, self._output_channels = conv_ndims, input_shape, output_channels
        self._kernel_shape, self._use_bias, self._forget_bias, self._skip_connection = list(kernel_shape), use_bias, forget_bias, skip_connection
        self._total_output_channels = output_channels + (input_shape[-1] if skip_connection else 0)
        self._initializers = initializers

    output_size = property(lambda self: tf.TensorShape([*self._input_shape[:-1], self._total_output_channels]))

    @property
    def state_size(self) -> Any:
        one = tf.TensorShape([*self._input_shape[:-1], self._output_channels])
        return State(one, one)

    def call(self, inputs: Any, state: Any, scope: Any = None) -> Any:
        cell, hidden = state
        args = tf.concat([inputs, hidden], axis=-1)
        initializers = self._initializers or {}
        kernel = tf.get_variable("kernel", [*self._kernel_shape, width(args), 4 * self._output_channels], dtype=args.dtype, initializer=initializers.get("kernel"))
        outputs = tf.nn.convolution(args, kernel, padding="SAME")
        if self._use_bias:
            outputs += tf.get_variable("biases", [4 * self._output_channels], dtype=args.dtype, initializer=initializers.get("biases", tf.constant_initializer(0.0, dtype=args.dtype)))
        input_gate, new_input, forget_gate, output_gate = tf.split(value=outputs, num_or_size_splits=4, axis=self._conv_ndims + 1)
        new_cell = tf.sigmoid(forget_gate + self._forget_bias) * cell + tf.sigmoid(input_gate) * tf.tanh(new_input)
        output = tf.tanh(new_cell) * tf.sigmoid(output_gate)
        if self._skip_connection:
            output = tf.concat([output, inputs], axis=-1)
        return output, State(new_cell, output)


def _of_dims(dims: int) -> type:
    class Conv(ConvLSTMCell):
        def __init__(self, name: str = f"conv_{dims}d_lstm_cell", **kwargs: Any):
            super().__init__(conv_ndims=dims, name=name, **kwargs)

    Conv.__name__ = Conv.__qualname__ = f"Conv{dims}DLSTMCell"
    Conv.__doc__ = f"`ConvLSTMCell` over {dims} axes."
    return contrib(f"rnn.Conv{dims}DLSTMCell")(Conv)


Conv1DLSTMCell, Conv2DLSTMCell, Conv3DLSTMCell = (_of_dims(n) for n in (1, 2, 3))

again("rnn", "nn.rnn_cell", "BasicLSTMCell BasicRNNCell DeviceWrapper DropoutWrapper GRUCell LSTMCell LSTMStateTuple MultiRNNCell RNNCell ResidualWrapper")
again("rnn", "nn", "static_rnn static_bidirectional_rnn static_state_saving_rnn")
contrib_constant("rnn.LayerRNNCell", module="penstock.layers.rnn_cell", attr="LayerRNNCell")
