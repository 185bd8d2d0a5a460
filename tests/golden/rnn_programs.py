"""Recurrent programs of 1.x, run by real TensorFlow 1.15 (make_rnn.py) and by the tests: names and numbers."""

import numpy as np

X = (np.sin(np.arange(40, dtype=np.float32)) * 0.8).reshape(2, 5, 4)


def steps(tf, x):
    return tf.unstack(x, axis=1)


def cells(tf):
    return tf.nn.rnn_cell


def own_cell(tf):
    class Own(tf.nn.rnn_cell.RNNCell):
        state_size = property(lambda s: 3)
        output_size = property(lambda s: 3)

        def __call__(self, inputs, state, scope=None):
            with tf.variable_scope(scope or "own"):
                w = tf.get_variable("w", [4, 3])
            out = tf.tanh(tf.matmul(inputs, w) + state)
            return out, out

    return Own()


def counted(tf, x):
    cell = cells(tf).GRUCell(3)
    inputs = tf.TensorArray(tf.float32, size=5).unstack(tf.transpose(x, [1, 0, 2]))

    def loop_fn(time, output, state, loop_state):
        if output is None:
            return tf.constant([False, False]), inputs.read(0), cell.zero_state(2, tf.float32), None, None
        finished = time >= tf.constant([5, 3])
        following = tf.cond(tf.reduce_all(time >= 5), lambda: tf.zeros([2, 4]), lambda: inputs.read(time))
        return finished, following, state, output, None

    outputs, state, _ = tf.nn.raw_rnn(cell, loop_fn)
    return outputs.stack(), state


PROGRAMS = {
    "basic": lambda tf, x: tf.nn.dynamic_rnn(cells(tf).BasicRNNCell(3), x, dtype=tf.float32),
    "gru": lambda tf, x: tf.nn.dynamic_rnn(cells(tf).GRUCell(3), x, dtype=tf.float32, sequence_length=[5, 2]),
    "lstm": lambda tf, x: tf.nn.dynamic_rnn(cells(tf).BasicLSTMCell(3), x, dtype=tf.float32),
    "lstm_lengths": lambda tf, x: tf.nn.dynamic_rnn(cells(tf).BasicLSTMCell(3), x, dtype=tf.float32, sequence_length=[1, 3]),
    "lstm_concat": lambda tf, x: tf.nn.dynamic_rnn(cells(tf).BasicLSTMCell(3, state_is_tuple=False), x, dtype=tf.float32),
    "lstm_peepholes": lambda tf, x: tf.nn.dynamic_rnn(cells(tf).LSTMCell(3, use_peepholes=True, num_proj=2, cell_clip=0.2, proj_clip=0.1), x, dtype=tf.float32),
    "time_major": lambda tf, x: tf.nn.dynamic_rnn(cells(tf).LSTMCell(3), tf.transpose(x, [1, 0, 2]), dtype=tf.float32, time_major=True),
    "initial": lambda tf, x: tf.nn.dynamic_rnn(cells(tf).GRUCell(3), x, initial_state=tf.ones([2, 3]) * 0.3),
    "multi": lambda tf, x: tf.nn.dynamic_rnn(cells(tf).MultiRNNCell([cells(tf).GRUCell(4), cells(tf).ResidualWrapper(cells(tf).BasicLSTMCell(4))]), x, dtype=tf.float32),
    "own": lambda tf, x: tf.nn.dynamic_rnn(own_cell(tf), x, dtype=tf.float32),
    "bidirectional": lambda tf, x: tf.nn.bidirectional_dynamic_rnn(cells(tf).GRUCell(3), cells(tf).BasicLSTMCell(2), x, dtype=tf.float32, sequence_length=[5, 3]),
    "static": lambda tf, x: tf.nn.static_rnn(cells(tf).BasicLSTMCell(3), steps(tf, x), dtype=tf.float32),
    "static_lengths": lambda tf, x: tf.nn.static_rnn(cells(tf).GRUCell(3), steps(tf, x), dtype=tf.float32, sequence_length=[2, 4]),
    "static_bidirectional": lambda tf, x: tf.nn.static_bidirectional_rnn(cells(tf).GRUCell(3), cells(tf).GRUCell(3), steps(tf, x), dtype=tf.float32),
    "raw": counted,
}


def run(tf, name):
    """Outputs, states, the gradients of the variables and their names."""
    with tf.Graph().as_default():
        x = tf.constant(X)
        result = PROGRAMS[name](tf, x)
        flat = tf.nest.flatten(result)
        variables = tf.trainable_variables()
        loss = tf.add_n([tf.reduce_sum(t * t) for t in flat])
        grads = tf.gradients(loss, variables)
        with tf.Session() as sess:
            for v in variables:
                v.load((np.cos(np.arange(v.shape.num_elements(), dtype=np.float32)) * 0.4).reshape(v.shape.as_list()), sess)
            values, slopes = sess.run([flat, grads])
        found = {"names": np.array([v.name for v in tf.global_variables()])}
        for i, v in enumerate(values):
            found["value%d" % i] = v
        for v, g in zip(variables, slopes):
            found["grad:" + v.name] = g
        return found
