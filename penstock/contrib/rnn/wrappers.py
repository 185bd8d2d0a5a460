"""Wrappers of `tf.contrib.rnn` around other cells: embeddings, projections, attention, highways."""

from typing import Any

import penstock.compat.v1 as tf
from penstock.contrib.names import contrib
from penstock.layers.rnn_cell import RNNCell, assert_like_rnncell


class _Linear:
    """sum(args[i] @ W[i]) + bias, with the variables `kernel` and `bias` of the current scope."""

    def __init__(self, args: Any, output_size: int, build_bias: bool, bias_initializer: Any = None, kernel_initializer: Any = None):
        if args is None or (tf.nest.is_nested(args) and not args):
            raise ValueError("`args` must be specified")
        self._build_bias = build_bias
        self._is_sequence = tf.nest.is_nested(args)
        args = args if self._is_sequence else [args]
        total = 0
        for one in args:
            shape = one.get_shape()
            if shape.ndims != 2:
                raise ValueError(f"linear is expecting 2D arguments: {[a.get_shape() for a in args]}")
            size = tf.Dimension(shape[1]).value
            if size is None:
                raise ValueError(f"linear expects shape[1] to be provided for shape {shape}, but saw {shape[1]}")
            total += size
        dtype = args[0].dtype
        scope = tf.get_variable_scope()
        with tf.variable_scope(scope) as outer_scope:
            self._weights = tf.get_variable("kernel", [total, output_size], dtype=dtype, initializer=kernel_initializer)
            if build_bias:
                with tf.variable_scope(outer_scope) as inner_scope:
                    inner_scope.set_partitioner(None)
                    if bias_initializer is None:
                        bias_initializer = tf.constant_initializer(0.0, dtype=dtype)
                    self._biases = tf.get_variable("bias", [output_size], dtype=dtype, initializer=bias_initializer)

    def __call__(self, args: Any) -> Any:
        args = args if self._is_sequence else [args]
        res = tf.matmul(args[0] if len(args) == 1 else tf.concat(args, 1), self._weights)
        return tf.nn.bias_add(res, self._biases) if self._build_bias else res


def linear(args: Any, output_size: int, bias: bool, bias_initializer: Any = None, kernel_initializer: Any = None) -> Any:
    """One `_Linear`, made and applied at once."""
    return _Linear(args, output_size, bias, bias_initializer, kernel_initializer)(args)


contrib("rnn.python.ops.core_rnn_cell._Linear")(_Linear)
contrib("rnn.python.ops.core_rnn_cell._linear")(linear)


class _Around(RNNCell):
    """A cell around another one; sizes and the first state are its."""

    def __init__(self, cell: Any, reuse: Any = None, **kwargs: Any):
        super().__init__(_reuse=reuse, **kwargs)
        assert_like_rnncell("cell", cell)
        self._cell = cell

    state_size = property(lambda self: self._cell.state_size)
    output_size = property(lambda self: self._cell.output_size)

    def zero_state(self, batch_size: Any, dtype: Any) -> Any:
        with tf.name_scope(type(self).__name__ + "ZeroState", values=[batch_size]):
            return self._cell.zero_state(batch_size, dtype)


@contrib("rnn.EmbeddingWrapper")
class EmbeddingWrapper(RNNCell):
    """Looks its inputs, ids, up in an embedding."""

    def __init__(self, cell: Any, embedding_classes: int, embedding_size: int, initializer: Any = None, reuse: Any = None):
        super().__init__(_reuse=reuse)
        assert_like_rnncell("cell", cell)
        if embedding_classes <= 0 or embedding_size <= 0:
            raise ValueError(f"Both embedding_classes and embedding_size must be > 0: {embedding_classes}, {embedding_size}.")
        self._cell, self._embedding_classes, self._embedding_size, self._initializer = cell, embedding_classes, embedding_size, initializer

    state_size = property(lambda self: self._cell.state_size)
    output_size = property(lambda self: self._cell.output_size)

    def zero_state(self, batch_size: Any, dtype: Any) -> Any:
        with tf.name_scope(type(self).__name__ + "ZeroState", values=[batch_size]):
            return self._cell.zero_state(batch_size, dtype)

    def call(self, inputs: Any, state: Any) -> Any:
        initializer = self._initializer or tf.get_variable_scope().initializer or tf.random_uniform_initializer(-(3**0.5), 3**0.5)
        dtype = (state[0] if isinstance(state, tuple) else state).dtype
        embedding = tf.get_variable("embedding", [self._embedding_classes, self._embedding_size], initializer=initializer, dtype=dtype)
        return self._cell(tf.nn.embedding_lookup(embedding, tf.reshape(inputs, [-1])), state)


@contrib("rnn.InputProjectionWrapper")
class InputProjectionWrapper(_Around):
    """A linear layer before the cell."""

    def __init__(self, cell: Any, num_proj: int, activation: Any = None, input_size: Any = None, reuse: Any = None):
        super().__init__(cell, reuse)
        self._num_proj, self._activation = num_proj, activation

    def call(self, inputs: Any, state: Any) -> Any:
        projected = linear(inputs, self._num_proj, True)
        return self._cell(self._activation(projected) if self._activation else projected, state)


@contrib("rnn.OutputProjectionWrapper")
class OutputProjectionWrapper(_Around):
    """A linear layer behind the cell."""

    def __init__(self, cell: Any, output_size: int, activation: Any = None, reuse: Any = None):
        if output_size < 1:
            raise ValueError(f"Parameter output_size must be > 0: {output_size}.")
        super().__init__(cell, reuse)
        self._output_size, self._activation = output_size, activation

    output_size = property(lambda self: self._output_size)

    def call(self, inputs: Any, state: Any) -> Any:
        output, res_state = self._cell(inputs, state)
        projected = linear(output, self._output_size, True)
        return (self._activation(projected) if self._activation else projected), res_state


@contrib("rnn.AttentionCellWrapper")
class AttentionCellWrapper(RNNCell):
    """Attends to the last `attn_length` outputs of the cell."""

    def __init__(
        self, cell: Any, attn_length: int, attn_size: int | None = None, attn_vec_size: int | None = None, input_size: int | None = None,
        state_is_tuple: bool = True, reuse: Any = None,
    ):  # fmt: skip
        super().__init__(_reuse=reuse)
        assert_like_rnncell("cell", cell)
        if tf.nest.is_nested(cell.state_size) and not state_is_tuple:
            raise ValueError(f"Cell returns tuple of states, but the flag state_is_tuple is not set. State size is: {cell.state_size}")
        if attn_length <= 0:
            raise ValueError("attn_length should be greater than zero, got %s" % str(attn_length))
        if not state_is_tuple:
            tf.logging.warn("%s: Using a concatenated state is slower and will soon be deprecated.  Use state_is_tuple=True.", self)
        self._attn_size = cell.output_size if attn_size is None else attn_size
        self._attn_vec_size = self._attn_size if attn_vec_size is None else attn_vec_size
        self._state_is_tuple, self._cell, self._input_size, self._attn_length = state_is_tuple, cell, input_size, attn_length
        self._linear1 = self._linear2 = self._linear3 = None

    @property
    def state_size(self) -> Any:
        size = (self._cell.state_size, self._attn_size, self._attn_size * self._attn_length)
        return size if self._state_is_tuple else sum(size)

    output_size = property(lambda self: self._attn_size)

    def call(self, inputs: Any, state: Any) -> Any:
        if self._state_is_tuple:
            state, attns, attn_states = state
        else:
            whole = state
            state = tf.slice(whole, [0, 0], [-1, self._cell.state_size])
            attns = tf.slice(whole, [0, self._cell.state_size], [-1, self._attn_size])
            attn_states = tf.slice(whole, [0, self._cell.state_size + self._attn_size], [-1, self._attn_size * self._attn_length])
        attn_states = tf.reshape(attn_states, [-1, self._attn_length, self._attn_size])
        input_size = self._input_size
        if input_size is None:
            input_size = inputs.get_shape().as_list()[1]
        inputs = linear([inputs, attns], input_size, True)
        cell_output, new_state = self._cell(inputs, state)
        new_state_cat = tf.concat(tf.nest.flatten(new_state), 1) if self._state_is_tuple else new_state
        new_attns, new_attn_states = self._attention(new_state_cat, attn_states)
        with tf.variable_scope("attn_output_projection"):
            output = linear([cell_output, new_attns], self._attn_size, True)
        new_attn_states = tf.concat([new_attn_states, tf.expand_dims(output, 1)], 1)
        new_attn_states = tf.reshape(new_attn_states, [-1, self._attn_length * self._attn_size])
        made = (new_state, new_attns, new_attn_states)
        return output, made if self._state_is_tuple else tf.concat(list(made), 1)

    def _attention(self, query: Any, attn_states: Any) -> Any:
        with tf.variable_scope("attention"):
            k = tf.get_variable("attn_w", [1, 1, self._attn_size, self._attn_vec_size])
            v = tf.get_variable("attn_v", [self._attn_vec_size])
            hidden = tf.reshape(attn_states, [-1, self._attn_length, 1, self._attn_size])
            features = tf.nn.conv2d(hidden, k, [1, 1, 1, 1], "SAME")
            y = tf.reshape(linear(query, self._attn_vec_size, True), [-1, 1, 1, self._attn_vec_size])
            weights = tf.nn.softmax(tf.reduce_sum(v * tf.tanh(features + y), [2, 3]))
            d = tf.reduce_sum(tf.reshape(weights, [-1, self._attn_length, 1, 1]) * hidden, [1, 2])
            return tf.reshape(d, [-1, self._attn_size]), tf.slice(attn_states, [0, 1, 0], [-1, -1, -1])


@contrib("rnn.HighwayWrapper")
class HighwayWrapper(_Around):
    """carry * input + transform * output, by gates of the input."""

    def __init__(self, cell: Any, couple_carry_transform_gates: bool = True, carry_bias_init: float = 1.0):
        super().__init__(cell)
        self._couple, self._carry_bias_init = couple_carry_transform_gates, carry_bias_init

    def _gate(self, name: str, inp: Any, init_value: float) -> Any:
        size = tf.Dimension(inp.get_shape()[-1]).value
        weight = tf.get_variable(f"{name}_w", [size, size])
        bias = tf.get_variable(f"{name}_b", [size], initializer=tf.constant_initializer(init_value))
        return tf.nn.xw_plus_b(inp, weight, bias)

    def __call__(self, inputs: Any, state: Any, scope: Any = None) -> Any:
        outputs, new_state = self._cell(inputs, state, scope=scope)
        tf.nest.assert_same_structure(inputs, outputs)

        def highway(inp: Any, out: Any) -> Any:
            inp.get_shape().assert_is_compatible_with(out.get_shape())
            carry = tf.sigmoid(self._gate("carry", inp, self._carry_bias_init))
            transform = 1 - carry if self._couple else tf.sigmoid(self._gate("transform", inp, -self._carry_bias_init))
            return inp * carry + out * transform

        return tf.nest.map_structure(highway, inputs, outputs), new_state


@contrib("rnn.CompiledWrapper")
class CompiledWrapper(RNNCell):
    """The cell as it is: here everything is compiled."""

    def __init__(self, cell: Any, compile_stateful: bool = False):
        super().__init__()
        self._cell = cell

    state_size = property(lambda self: self._cell.state_size)
    output_size = property(lambda self: self._cell.output_size)

    def __call__(self, inputs: Any, state: Any, scope: Any = None) -> Any:
        return self._cell(inputs, state, scope=scope)
