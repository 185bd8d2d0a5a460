"""Cells of tf.contrib.rnn, run by real TensorFlow 1.15 (make_contrib.py) and by the tests: names and numbers."""

import numpy as np

BATCH, TIME, DEPTH, UNITS = 2, 3, 4, 6


def numbers(*shape, **how):
    return (np.sin(np.arange(int(np.prod(shape)), dtype=np.float32) * how.get("step", 1.3) + how.get("at", 0.2)) * 0.6).reshape(shape)


CELLS = {
    "layer_norm": lambda tf, R: R.LayerNormBasicLSTMCell(UNITS, norm_gain=1.2, norm_shift=0.1),
    "layer_norm_off": lambda tf, R: R.LayerNormBasicLSTMCell(UNITS, layer_norm=False, forget_bias=0.5),
    "lstm_block": lambda tf, R: R.LSTMBlockCell(UNITS),
    "lstm_block_peephole": lambda tf, R: R.LSTMBlockCell(UNITS, use_peephole=True, cell_clip=0.3, forget_bias=0.2),
    "gru_block": lambda tf, R: R.GRUBlockCell(UNITS),
    "gru_block_v2": lambda tf, R: R.GRUBlockCellV2(UNITS),
    "coupled": lambda tf, R: R.CoupledInputForgetGateLSTMCell(UNITS),
    "coupled_all": lambda tf, R: R.CoupledInputForgetGateLSTMCell(UNITS, use_peepholes=True, num_proj=3, proj_clip=0.4),
    "coupled_norm": lambda tf, R: R.CoupledInputForgetGateLSTMCell(UNITS, layer_norm=True),
    "coupled_flat": lambda tf, R: R.CoupledInputForgetGateLSTMCell(UNITS, state_is_tuple=False),
    "ugrnn": lambda tf, R: R.UGRNNCell(UNITS),
    "intersection": lambda tf, R: R.IntersectionRNNCell(UNITS, num_in_proj=UNITS),
    "nas": lambda tf, R: R.NASCell(UNITS),
    "nas_proj": lambda tf, R: R.NASCell(UNITS, num_proj=3, use_bias=True),
    "glstm": lambda tf, R: R.GLSTMCell(UNITS, number_of_groups=2),
    "glstm_proj": lambda tf, R: R.GLSTMCell(UNITS, num_proj=4, number_of_groups=2),
    "indrnn": lambda tf, R: R.IndRNNCell(UNITS),
    "indygru": lambda tf, R: R.IndyGRUCell(UNITS),
    "indylstm": lambda tf, R: R.IndyLSTMCell(UNITS),
    "sru": lambda tf, R: R.SRUCell(UNITS),
    "attention": lambda tf, R: R.AttentionCellWrapper(R.BasicLSTMCell(UNITS), 3, attn_size=5, attn_vec_size=4),
    "attention_flat": lambda tf, R: R.AttentionCellWrapper(R.GRUCell(UNITS), 2, state_is_tuple=False),
    "input_projection": lambda tf, R: R.InputProjectionWrapper(R.GRUCell(UNITS), 5, activation=tf.tanh),
    "output_projection": lambda tf, R: R.OutputProjectionWrapper(R.GRUCell(UNITS), 5, activation=tf.tanh),
    "highway": lambda tf, R: R.HighwayWrapper(R.GRUCell(DEPTH)),
    "highway_uncoupled": lambda tf, R: R.HighwayWrapper(R.GRUCell(DEPTH), couple_carry_transform_gates=False),
    "residual": lambda tf, R: R.ResidualWrapper(R.GRUCell(DEPTH)),
    "multi": lambda tf, R: R.MultiRNNCell([R.LayerNormBasicLSTMCell(UNITS), R.LSTMBlockCell(3), R.NASCell(4)]),
    "compiled": lambda tf, R: R.CompiledWrapper(R.BasicLSTMCell(UNITS)),
}


def cell(tf, make):
    c = make(tf, tf.contrib.rnn)
    x = tf.constant(numbers(BATCH, TIME, DEPTH))
    outputs, state = tf.nn.dynamic_rnn(c, x, sequence_length=tf.constant([3, 2]), dtype=tf.float32)
    found = {"state%d" % i: s for i, s in enumerate(tf.nest.flatten(state))}
    found["outputs"] = outputs
    return found


def phased(tf):
    c = tf.contrib.rnn.PhasedLSTMCell(UNITS, use_peepholes=True)
    time = tf.constant(numbers(BATCH, TIME, 1) + np.arange(TIME, dtype=np.float32).reshape(1, TIME, 1))
    outputs, state = tf.nn.dynamic_rnn(c, (time, tf.constant(numbers(BATCH, TIME, DEPTH))), dtype=tf.float32)
    return {"outputs": outputs, "c": state.c, "h": state.h}


def conv(tf, dims, **how):
    c = getattr(tf.contrib.rnn, "Conv%dDLSTMCell" % dims)(input_shape=[4] * dims + [2], output_channels=3, kernel_shape=[3] * dims, **how)
    outputs, state = tf.nn.dynamic_rnn(c, tf.constant(numbers(BATCH, TIME, *([4] * dims + [2]))), dtype=tf.float32)
    return {"outputs": outputs, "c": state.c, "h": state.h}


def fused(tf, **how):
    R = tf.contrib.rnn
    x = tf.constant(numbers(TIME, BATCH, DEPTH))
    a, state = R.LSTMBlockFusedCell(UNITS, **how)(x, dtype=tf.float32, sequence_length=tf.constant([3, 2]))
    return {"outputs": a, "c": state[0], "h": state[1]}


def adapted(tf):
    R = tf.contrib.rnn
    x = tf.constant(numbers(TIME, BATCH, DEPTH))
    a, b = R.FusedRNNCellAdaptor(R.GRUCell(UNITS), use_dynamic_rnn=True)(x, dtype=tf.float32, sequence_length=tf.constant([3, 2]))
    with tf.variable_scope("r"):
        c, d = R.TimeReversedFusedRNN(R.FusedRNNCellAdaptor(R.GRUCell(UNITS)))(x, dtype=tf.float32, sequence_length=tf.constant([3, 2]))
    return {"a": a, "b": b, "c": c, "d": d}


def stacked(tf, dynamic):
    R = tf.contrib.rnn
    fw, bw = [[R.GRUCell(5), R.BasicLSTMCell(3)] for _ in range(2)]
    x = tf.constant(numbers(BATCH, TIME, DEPTH))
    if dynamic:
        outputs, a, b = R.stack_bidirectional_dynamic_rnn(fw, bw, x, dtype=tf.float32, sequence_length=tf.constant([3, 2]))
    else:
        outputs, a, b = R.stack_bidirectional_rnn(fw, bw, tf.unstack(x, axis=1), dtype=tf.float32)
        outputs = tf.stack(outputs)
    found = {"outputs": outputs}
    found.update(("state%d" % i, s) for i, s in enumerate(tf.nest.flatten([a, b])))
    return found


def cudnn(tf, which, **how):
    layer = getattr(tf.contrib.cudnn_rnn, "CudnnCompatible%sCell" % which)(UNITS)
    outputs, state = tf.nn.dynamic_rnn(layer, tf.constant(numbers(BATCH, TIME, DEPTH)), dtype=tf.float32)
    return {"outputs": outputs, "state": tf.nest.flatten(state)[0]}


PROGRAMS = {name: (lambda tf, make=make: cell(tf, make)) for name, make in CELLS.items()}
PROGRAMS.update({
    "embedding": lambda tf: {"y": tf.contrib.rnn.EmbeddingWrapper(tf.contrib.rnn.GRUCell(UNITS), 5, 3)(tf.constant([[1], [4]]), tf.zeros([2, UNITS]))[0]},
    "phased": phased,
    "conv1d": lambda tf: conv(tf, 1),
    "conv2d": lambda tf: conv(tf, 2, use_bias=False),
    "conv3d": lambda tf: conv(tf, 3, forget_bias=0.3),
    "fused": fused,
    "fused_peephole": lambda tf: fused(tf, use_peephole=True, cell_clip=0.3),
    "adapted": adapted,
    "stack_static": lambda tf: stacked(tf, False),
    "stack_dynamic": lambda tf: stacked(tf, True),
    "cudnn_lstm_cell": lambda tf: cudnn(tf, "LSTM"),
    "cudnn_gru_cell": lambda tf: cudnn(tf, "GRU"),
})


def run(tf, name):
    """The values of a program whose variables are filled by their names' order, and the variables' names."""
    with tf.Graph().as_default(), tf.Session() as sess:
        with tf.variable_scope("s"):
            fetches = PROGRAMS[name](tf)
        sess.run(tf.global_variables_initializer())
        for i, v in enumerate(sorted(tf.trainable_variables(), key=lambda v: v.name)):
            v.load(numbers(*v.shape.as_list(), step=0.37 + 0.11 * i, at=i) + (1.5 if "period" in v.name or "phase" in v.name else 0), sess)
        found = sess.run(fetches)
        found["names"] = np.array(["%s %s" % (v.op.name, v.shape.as_list()) for v in tf.global_variables()] or [""])
        return found
