"""`tf.contrib.legacy_seq2seq`: encoders and decoders over Python lists of steps."""

import copy
from typing import Any

import penstock.compat.v1 as tf
from penstock.contrib.names import contrib
from penstock.contrib.rnn.wrappers import EmbeddingWrapper, OutputProjectionWrapper, _Linear


def legacy(function: Any) -> Any:
    """Decorator: a name of `tf.contrib.legacy_seq2seq`."""
    return contrib(f"legacy_seq2seq.{function.__name__}")(function)


def _previous(embedding: Any, output_projection: Any = None, update_embedding: bool = True) -> Any:
    """A loop function that feeds the embedding of the likeliest word before."""

    def loop_function(prev: Any, _: Any) -> Any:
        if output_projection is not None:
            prev = tf.nn.xw_plus_b(prev, output_projection[0], output_projection[1])
        embedded = tf.nn.embedding_lookup(embedding, tf.argmax(prev, 1))
        return embedded if update_embedding else tf.stop_gradient(embedded)

    return loop_function


@legacy
def rnn_decoder(decoder_inputs: Any, initial_state: Any, cell: Any, loop_function: Any = None, scope: Any = None) -> Any:
    """(outputs, state) of a cell over a list of inputs; with `loop_function` each input is made of the output before."""
    with tf.variable_scope(scope or "rnn_decoder"):
        state, outputs, prev = initial_state, [], None
        for i, inp in enumerate(decoder_inputs):
            if loop_function is not None and prev is not None:
                with tf.variable_scope("loop_function", reuse=True):
                    inp = loop_function(prev, i)
            if i > 0:
                tf.get_variable_scope().reuse_variables()
            output, state = cell(inp, state)
            outputs.append(output)
            if loop_function is not None:
                prev = output
    return outputs, state


@legacy
def basic_rnn_seq2seq(encoder_inputs: Any, decoder_inputs: Any, cell: Any, dtype: Any = tf.float32, scope: Any = None) -> Any:
    """An encoder and a decoder with variables of their own."""
    with tf.variable_scope(scope or "basic_rnn_seq2seq"):
        _, state = tf.nn.static_rnn(copy.deepcopy(cell), encoder_inputs, dtype=dtype)
        return rnn_decoder(decoder_inputs, state, cell)


@legacy
def tied_rnn_seq2seq(encoder_inputs: Any, decoder_inputs: Any, cell: Any, loop_function: Any = None, dtype: Any = tf.float32, scope: Any = None) -> Any:
    """An encoder and a decoder that share variables."""
    with tf.variable_scope("combined_tied_rnn_seq2seq"):
        scope = scope or "tied_rnn_seq2seq"
        _, state = tf.nn.static_rnn(cell, encoder_inputs, dtype=dtype, scope=scope)
        tf.get_variable_scope().reuse_variables()
        return rnn_decoder(decoder_inputs, state, cell, loop_function=loop_function, scope=scope)


@legacy
def embedding_rnn_decoder(
    decoder_inputs: Any, initial_state: Any, cell: Any, num_symbols: int, embedding_size: int, output_projection: Any = None,
    feed_previous: bool = False, update_embedding_for_previous: bool = True, scope: Any = None,
) -> Any:  # fmt: skip
    """A decoder over ids."""
    with tf.variable_scope(scope or "embedding_rnn_decoder") as scope:
        if output_projection is not None:
            _check_projection(output_projection, scope.dtype, num_symbols)
        embedding = tf.get_variable("embedding", [num_symbols, embedding_size])
        loop = _previous(embedding, output_projection, update_embedding_for_previous) if feed_previous else None
        return rnn_decoder([tf.nn.embedding_lookup(embedding, i) for i in decoder_inputs], initial_state, cell, loop_function=loop)


def _check_projection(output_projection: Any, dtype: Any, num_symbols: int) -> None:
    tf.convert_to_tensor(output_projection[0], dtype=dtype).get_shape().assert_is_compatible_with([None, num_symbols])
    tf.convert_to_tensor(output_projection[1], dtype=dtype).get_shape().assert_is_compatible_with([num_symbols])


def _fed(feed_previous: Any, decoder: Any) -> Any:
    """(outputs, state) of `decoder(feed_previous)`, which a tensor may decide when the graph runs."""
    if isinstance(feed_previous, bool):
        return decoder(feed_previous)

    def flat(previous: bool) -> Any:
        with tf.variable_scope(tf.get_variable_scope(), reuse=None if previous else True):
            outputs, state = decoder(previous)
            return [*outputs, *tf.nest.flatten(state)]

    structure: list[Any] = []

    def first() -> Any:
        with tf.variable_scope(tf.get_variable_scope()):
            outputs, state = decoder(True)
            structure[:] = [len(outputs), state]
            return [*outputs, *tf.nest.flatten(state)]

    found = tf.cond(feed_previous, first, lambda: flat(False))
    count, state = structure
    return list(found[:count]), tf.nest.pack_sequence_as(state, list(found[count:]))


@legacy
def embedding_rnn_seq2seq(
    encoder_inputs: Any, decoder_inputs: Any, cell: Any, num_encoder_symbols: int, num_decoder_symbols: int, embedding_size: int,
    output_projection: Any = None, feed_previous: Any = False, dtype: Any = None, scope: Any = None,
) -> Any:  # fmt: skip
    """An encoder over ids and a decoder over ids."""
    with tf.variable_scope(scope or "embedding_rnn_seq2seq") as scope:
        dtype = scope.dtype if dtype is None else dtype
        scope.set_dtype(dtype) if scope.dtype != dtype else None
        encoder = EmbeddingWrapper(copy.deepcopy(cell), embedding_classes=num_encoder_symbols, embedding_size=embedding_size)
        _, state = tf.nn.static_rnn(encoder, encoder_inputs, dtype=dtype)
        if output_projection is None:
            cell = OutputProjectionWrapper(cell, num_decoder_symbols)
        return _fed(feed_previous, lambda previous: embedding_rnn_decoder(
            decoder_inputs, state, cell, num_decoder_symbols, embedding_size, output_projection=output_projection, feed_previous=previous))  # fmt: skip


@legacy
def embedding_tied_rnn_seq2seq(
    encoder_inputs: Any, decoder_inputs: Any, cell: Any, num_symbols: int, embedding_size: int, num_decoder_symbols: Any = None,
    output_projection: Any = None, feed_previous: Any = False, dtype: Any = None, scope: Any = None,
) -> Any:  # fmt: skip
    """An encoder and a decoder that share the cell and the embedding."""
    with tf.variable_scope(scope or "embedding_tied_rnn_seq2seq", dtype=dtype) as scope:
        dtype = scope.dtype
        if output_projection is not None:
            _check_projection(output_projection, dtype, num_symbols if num_decoder_symbols is None else num_decoder_symbols)
        embedding = tf.get_variable("embedding", [num_symbols, embedding_size], dtype=dtype)
        encoded = [tf.nn.embedding_lookup(embedding, x) for x in encoder_inputs]
        decoded = [tf.nn.embedding_lookup(embedding, x) for x in decoder_inputs]
        count = num_symbols if num_decoder_symbols is None else num_decoder_symbols
        if output_projection is None:
            cell = OutputProjectionWrapper(cell, count)

        def decoder(previous: bool) -> Any:
            loop = _previous(embedding, output_projection, True) if previous else None
            return tied_rnn_seq2seq(encoded, decoded, cell, loop_function=loop, dtype=dtype)

        return _fed(feed_previous, decoder)


@legacy
def attention_decoder(
    decoder_inputs: Any, initial_state: Any, attention_states: Any, cell: Any, output_size: int | None = None, num_heads: int = 1,
    loop_function: Any = None, dtype: Any = None, scope: Any = None, initial_state_attention: bool = False,
) -> Any:  # fmt: skip
    """A decoder that attends to [batch, length, size] states with `num_heads` heads."""
    if not decoder_inputs:
        raise ValueError("Must provide at least 1 input to attention decoder.")
    if num_heads < 1:
        raise ValueError("With less than 1 heads, use a non-attention decoder.")
    if tf.Dimension(attention_states.get_shape()[2]).value is None:
        raise ValueError(f"Shape[2] of attention_states must be known: {attention_states.get_shape()}")
    output_size = cell.output_size if output_size is None else output_size
    with tf.variable_scope(scope or "attention_decoder", dtype=dtype) as scope:
        dtype = scope.dtype
        batch_size = tf.shape(decoder_inputs[0])[0]
        attn_length = tf.Dimension(attention_states.get_shape()[1]).value
        attn_length = tf.shape(attention_states)[1] if attn_length is None else attn_length
        attn_size = tf.Dimension(attention_states.get_shape()[2]).value
        hidden = tf.reshape(attention_states, [-1, attn_length, 1, attn_size])
        features, v = [], []
        for a in range(num_heads):
            k = tf.get_variable(f"AttnW_{a}", [1, 1, attn_size, attn_size], dtype=dtype)
            features.append(tf.nn.conv2d(hidden, k, [1, 1, 1, 1], "SAME"))
            v.append(tf.get_variable(f"AttnV_{a}", [attn_size], dtype=dtype))
        state = initial_state

        def attention(query: Any) -> list[Any]:
            ds = []
            if tf.nest.is_nested(query):
                query = tf.concat(tf.nest.flatten(query), 1)
            for a in range(num_heads):
                with tf.variable_scope(f"Attention_{a}"):
                    y = tf.cast(tf.reshape(_Linear(query, attn_size, True)(query), [-1, 1, 1, attn_size]), dtype)
                    s = tf.reduce_sum(v[a] * tf.tanh(features[a] + y), [2, 3])
                    weights = tf.nn.softmax(tf.cast(s, tf.float32))
                    d = tf.reduce_sum(tf.reshape(tf.cast(weights, dtype), [-1, attn_length, 1, 1]) * hidden, [1, 2])
                    ds.append(tf.reshape(d, [-1, attn_size]))
            return ds

        outputs, prev = [], None
        attns = [tf.zeros(tf.stack([batch_size, attn_size]), dtype=dtype) for _ in range(num_heads)]
        for a in attns:
            a.set_shape([None, attn_size])
        if initial_state_attention:
            attns = attention(initial_state)
        for i, inp in enumerate(decoder_inputs):
            if i > 0:
                tf.get_variable_scope().reuse_variables()
            if loop_function is not None and prev is not None:
                with tf.variable_scope("loop_function", reuse=True):
                    inp = loop_function(prev, i)
            input_size = tf.Dimension(inp.get_shape().with_rank(2)[1]).value
            if input_size is None:
                raise ValueError(f"Could not infer input size from input: {inp.name}")
            inputs = [tf.cast(inp, dtype), *attns]
            x = _Linear(inputs, input_size, True)(inputs)
            cell_output, state = cell(x, state)
            if i == 0 and initial_state_attention:
                with tf.variable_scope(tf.get_variable_scope(), reuse=True):
                    attns = attention(state)
            else:
                attns = attention(state)
            with tf.variable_scope("AttnOutputProjection"):
                joined = [tf.cast(cell_output, dtype), *attns]
                output = _Linear(joined, output_size, True)(joined)
            if loop_function is not None:
                prev = output
            outputs.append(output)
    return outputs, state


@legacy
def embedding_attention_decoder(
    decoder_inputs: Any, initial_state: Any, attention_states: Any, cell: Any, num_symbols: int, embedding_size: int, num_heads: int = 1,
    output_size: int | None = None, output_projection: Any = None, feed_previous: bool = False, update_embedding_for_previous: bool = True,
    dtype: Any = None, scope: Any = None, initial_state_attention: bool = False,
) -> Any:  # fmt: skip
    """`attention_decoder` over ids."""
    output_size = cell.output_size if output_size is None else output_size
    if output_projection is not None:
        tf.convert_to_tensor(output_projection[1]).get_shape().assert_is_compatible_with([num_symbols])
    with tf.variable_scope(scope or "embedding_attention_decoder", dtype=dtype):
        embedding = tf.get_variable("embedding", [num_symbols, embedding_size])
        loop = _previous(embedding, output_projection, update_embedding_for_previous) if feed_previous else None
        return attention_decoder(
            [tf.nn.embedding_lookup(embedding, i) for i in decoder_inputs], initial_state, attention_states, cell, output_size=output_size,
            num_heads=num_heads, loop_function=loop, initial_state_attention=initial_state_attention,
        )  # fmt: skip


@legacy
def embedding_attention_seq2seq(
    encoder_inputs: Any, decoder_inputs: Any, cell: Any, num_encoder_symbols: int, num_decoder_symbols: int, embedding_size: int,
    num_heads: int = 1, output_projection: Any = None, feed_previous: Any = False, dtype: Any = None, scope: Any = None,
    initial_state_attention: bool = False,
) -> Any:  # fmt: skip
    """An encoder over ids and an attending decoder over ids."""
    with tf.variable_scope(scope or "embedding_attention_seq2seq", dtype=dtype) as scope:
        dtype = scope.dtype
        encoder = EmbeddingWrapper(copy.deepcopy(cell), embedding_classes=num_encoder_symbols, embedding_size=embedding_size)
        encoder_outputs, state = tf.nn.static_rnn(encoder, encoder_inputs, dtype=dtype)
        states = tf.concat([tf.reshape(e, [-1, 1, cell.output_size]) for e in encoder_outputs], 1)
        output_size = None
        if output_projection is None:
            cell = OutputProjectionWrapper(cell, num_decoder_symbols)
            output_size = num_decoder_symbols
        return _fed(feed_previous, lambda previous: embedding_attention_decoder(
            decoder_inputs, state, states, cell, num_decoder_symbols, embedding_size, num_heads=num_heads, output_size=output_size,
            output_projection=output_projection, feed_previous=previous, initial_state_attention=initial_state_attention))  # fmt: skip


@legacy
def one2many_rnn_seq2seq(
    encoder_inputs: Any, decoder_inputs_dict: Any, enc_cell: Any, dec_cells_dict: Any, num_encoder_symbols: int, num_decoder_symbols_dict: Any,
    embedding_size: int, feed_previous: Any = False, dtype: Any = None, scope: Any = None,
) -> Any:  # fmt: skip
    """One encoder, several decoders by name: ({name: outputs}, {name: state})."""
    outputs, states = {}, {}
    with tf.variable_scope(scope or "one2many_rnn_seq2seq", dtype=dtype) as scope:
        dtype = scope.dtype
        encoder = EmbeddingWrapper(enc_cell, embedding_classes=num_encoder_symbols, embedding_size=embedding_size)
        _, state = tf.nn.static_rnn(encoder, encoder_inputs, dtype=dtype)
        for name, inputs in decoder_inputs_dict.items():
            symbols = num_decoder_symbols_dict[name]
            with tf.variable_scope("one2many_decoder_" + str(name)):
                cell = OutputProjectionWrapper(dec_cells_dict[name], symbols)
                outputs[name], states[name] = _fed(feed_previous, lambda previous: embedding_rnn_decoder(
                    inputs, state, cell, symbols, embedding_size, feed_previous=previous))  # fmt: skip
    return outputs, states


@legacy
def sequence_loss_by_example(
    logits: Any, targets: Any, weights: Any, average_across_timesteps: bool = True, softmax_loss_function: Any = None, name: Any = None
) -> Any:  # fmt: skip
    """The weighted cross entropy of each sequence; lists over time."""
    if len(targets) != len(logits) or len(weights) != len(logits):
        raise ValueError(f"Lengths of logits, weights, and targets must be the same {len(logits)}, {len(weights)}, {len(targets)}.")
    with tf.name_scope(name, "sequence_loss_by_example", [*logits, *targets, *weights]):
        found = []
        for logit, target, weight in zip(logits, targets, weights):
            if softmax_loss_function is None:
                target = tf.reshape(target, [-1])
                crossent = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=target, logits=logit)
            else:
                crossent = softmax_loss_function(labels=target, logits=logit)
            found.append(crossent * weight)
        perplexities = tf.add_n(found)
        if average_across_timesteps:
            perplexities /= tf.add_n(list(weights)) + 1e-12
    return perplexities


@legacy
def sequence_loss(
    logits: Any, targets: Any, weights: Any, average_across_timesteps: bool = True, average_across_batch: bool = True,
    softmax_loss_function: Any = None, name: Any = None,
) -> Any:  # fmt: skip
    """The sum of `sequence_loss_by_example` over the batch, or its mean."""
    with tf.name_scope(name, "sequence_loss", [*logits, *targets, *weights]):
        cost = tf.reduce_sum(sequence_loss_by_example(logits, targets, weights, average_across_timesteps=average_across_timesteps,
                                                      softmax_loss_function=softmax_loss_function))  # fmt: skip
        return cost / tf.cast(tf.shape(targets[0])[0], cost.dtype) if average_across_batch else cost


@legacy
def model_with_buckets(
    encoder_inputs: Any, decoder_inputs: Any, targets: Any, weights: Any, buckets: Any, seq2seq: Any, softmax_loss_function: Any = None,
    per_example_loss: bool = False, name: Any = None,
) -> Any:  # fmt: skip
    """A model for each (source length, target length) of `buckets`, sharing variables: (outputs, losses), lists by bucket."""
    for what, values, at in (("encoder_inputs", encoder_inputs, 0), ("targets", targets, 1), ("weights", weights, 1)):
        if len(values) < buckets[-1][at]:
            raise ValueError(f"Length of {what} ({len(values)}) must be at least that of last bucket ({buckets[-1][at]}).")
    losses, outputs = [], []
    with tf.name_scope(name, "model_with_buckets", [*encoder_inputs, *decoder_inputs, *targets, *weights]):
        for j, bucket in enumerate(buckets):
            with tf.variable_scope(tf.get_variable_scope(), reuse=True if j > 0 else None):
                found, _ = seq2seq(encoder_inputs[: bucket[0]], decoder_inputs[: bucket[1]])
                outputs.append(found)
                loss = sequence_loss_by_example if per_example_loss else sequence_loss
                losses.append(loss(found, targets[: bucket[1]], weights[: bucket[1]], softmax_loss_function=softmax_loss_function))
    return outputs, losses
