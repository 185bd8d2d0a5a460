"""Decoders, attention and CRFs, run by real TensorFlow 1.15 (make_contrib.py) and by the tests: names and numbers."""

import numpy as np

BATCH, TIME, UNITS, VOCAB = 3, 4, 5, 7
LENGTHS = [4, 2, 3]


def numbers(*shape, **how):
    return (np.sin(np.arange(int(np.prod(shape)), dtype=np.float32) * how.get("step", 1.3) + how.get("at", 0.2)) * 0.8).reshape(shape)


def cell(tf):
    return tf.nn.rnn_cell.LSTMCell(UNITS)


def attended(tf, mechanism, wrap=None, memory_size=6, **how):
    S = tf.contrib.seq2seq
    memory = tf.constant(numbers(BATCH, 5, memory_size))
    made = getattr(S, mechanism)(UNITS, memory, memory_sequence_length=tf.constant([5, 3, 4]), **how)
    return S.AttentionWrapper(cell(tf), made, **(wrap or {}))


def train(tf, c, impute=False, **how):
    S = tf.contrib.seq2seq
    helper = S.TrainingHelper(tf.constant(numbers(BATCH, TIME, 3)), tf.constant(LENGTHS))
    layer = tf.layers.Dense(VOCAB, name="out")
    decoder = S.BasicDecoder(c, helper, c.zero_state(BATCH, tf.float32), layer)
    outputs, state, lengths = S.dynamic_decode(decoder, impute_finished=impute, **how)
    loss = S.sequence_loss(outputs.rnn_output, tf.constant([[1, 2, 3, 0], [2, 0, 0, 0], [3, 1, 0, 0]]), tf.sequence_mask(LENGTHS, TIME, tf.float32))
    found = {"logits": outputs.rnn_output, "ids": outputs.sample_id, "lengths": lengths, "loss": loss}
    found["grads"] = tf.add_n([tf.reduce_sum(tf.square(g)) for g in tf.gradients(loss, tf.trainable_variables())])
    cell_state = state.cell_state if hasattr(state, "cell_state") else state
    found["c"] = cell_state[0]
    if hasattr(state, "alignments") and not isinstance(state.alignments, tuple):
        found["alignments"] = state.alignments
    if hasattr(state, "alignment_history") and not isinstance(state.alignment_history, tuple):
        found["history"] = state.alignment_history.stack()
    return found


def two_mechanisms(tf):
    S = tf.contrib.seq2seq
    a = S.LuongAttention(UNITS, tf.constant(numbers(BATCH, 5, 6)), scale=True)
    b = S.BahdanauAttention(4, tf.constant(numbers(BATCH, 3, 2)), normalize=True)
    return train(tf, S.AttentionWrapper(cell(tf), [a, b], attention_layer_size=[4, 3]))


def greedy(tf, c):
    S = tf.contrib.seq2seq
    table = tf.get_variable("embedding", [VOCAB, 3])
    helper = S.GreedyEmbeddingHelper(table, tf.fill([BATCH], 1), 2)
    outputs, _, lengths = S.dynamic_decode(S.BasicDecoder(c, helper, c.zero_state(BATCH, tf.float32), tf.layers.Dense(VOCAB)), maximum_iterations=6)
    return {"logits": outputs.rnn_output, "ids": outputs.sample_id, "lengths": lengths}


def beam(tf, mechanism=None, width=3, **how):
    S = tf.contrib.seq2seq
    table = tf.get_variable("embedding", [VOCAB, 3])
    if mechanism:
        memory = S.tile_batch(tf.constant(numbers(BATCH, 5, 6)), width)
        lengths = S.tile_batch(tf.constant([5, 3, 4]), width)
        made = getattr(S, mechanism)(UNITS, memory, memory_sequence_length=lengths)
        c = S.AttentionWrapper(cell(tf), made, attention_layer_size=4, alignment_history=bool(how.pop("history", False)))
        start = tf.nn.rnn_cell.LSTMStateTuple(tf.constant(numbers(BATCH, UNITS)), tf.constant(numbers(BATCH, UNITS, at=1.0)))
        state = c.zero_state(BATCH * width, tf.float32).clone(cell_state=S.tile_batch(start, width))
    else:
        c = cell(tf)
        state = S.tile_batch(tf.nn.rnn_cell.LSTMStateTuple(tf.constant(numbers(BATCH, UNITS)), tf.constant(numbers(BATCH, UNITS, at=1.0))), width)
    decoder = S.BeamSearchDecoder(c, table, tf.fill([BATCH], 1), 2, state, width, output_layer=tf.layers.Dense(VOCAB, use_bias=False), **how)
    outputs, final, lengths = S.dynamic_decode(decoder, maximum_iterations=7)
    found = {"ids": outputs.predicted_ids, "scores": outputs.beam_search_decoder_output.scores, "lengths": lengths, "log_probs": final.log_probs}
    found["parents"] = outputs.beam_search_decoder_output.parent_ids
    return found


def custom(tf):
    S = tf.contrib.seq2seq
    x = tf.constant(numbers(TIME, BATCH, 3))
    c = tf.nn.rnn_cell.GRUCell(UNITS)
    helper = S.CustomHelper(
        initialize_fn=lambda: (tf.tile([False], [BATCH]), x[0]),
        sample_fn=lambda time, outputs, state: tf.cast(tf.argmax(outputs, -1), tf.int32),
        next_inputs_fn=lambda time, outputs, state, sample_ids: (tf.fill([BATCH], time + 1 >= TIME), x[tf.minimum(time + 1, TIME - 1)], state),
    )
    outputs, state, lengths = S.dynamic_decode(S.BasicDecoder(c, helper, c.zero_state(BATCH, tf.float32)), output_time_major=True)
    return {"out": outputs.rnn_output, "ids": outputs.sample_id, "state": state, "lengths": lengths}


def inference(tf):
    S = tf.contrib.seq2seq
    c = tf.nn.rnn_cell.GRUCell(3)
    helper = S.InferenceHelper(lambda o: o * 2.0, [3], tf.float32, tf.constant(numbers(BATCH, 3)), lambda s: tf.fill([BATCH], False))
    outputs, _, lengths = S.dynamic_decode(S.BasicDecoder(c, helper, c.zero_state(BATCH, tf.float32)), maximum_iterations=3)
    return {"out": outputs.rnn_output, "ids": outputs.sample_id, "lengths": lengths}


def scheduled(tf, probability):
    S = tf.contrib.seq2seq
    c = tf.nn.rnn_cell.GRUCell(3)
    x = tf.constant(numbers(BATCH, TIME, 3))
    helper = S.ScheduledOutputTrainingHelper(x, tf.constant(LENGTHS), probability)
    a, _, _ = S.dynamic_decode(S.BasicDecoder(c, helper, c.zero_state(BATCH, tf.float32)))
    helper = S.ScheduledEmbeddingTrainingHelper(x, tf.constant(LENGTHS), tf.constant(numbers(3, 3)), 0.0)
    b, _, _ = S.dynamic_decode(S.BasicDecoder(c, helper, c.zero_state(BATCH, tf.float32)))
    return {"a": a.rnn_output, "ids": tf.cast(a.sample_id, tf.int32), "b": b.rnn_output, "b_ids": b.sample_id}


def crf(tf, lengths, steps=4):
    C = tf.contrib.crf
    x = tf.Variable(numbers(3, steps, 5) * 2)
    tags = tf.constant((np.arange(3 * steps) * 7 % 5).reshape(3, steps).astype(np.int32))
    likelihood, transitions = C.crf_log_likelihood(x, tags, tf.constant(lengths))
    found = {"likelihood": likelihood, "transitions": transitions}
    found["best"], found["score"] = C.crf_decode(x, transitions, tf.constant(lengths))
    found["sequence"] = C.crf_sequence_score(x, tags, tf.constant(lengths), transitions)
    found["norm"] = C.crf_log_norm(x, tf.constant(lengths), transitions)
    found["grad"] = tf.gradients(tf.reduce_mean(-likelihood), x)[0]
    found["multitag"] = C.crf_multitag_sequence_score(x, tf.constant(numbers(3, steps, 5) > -0.5), tf.constant(lengths), transitions)
    return found


def viterbi(tf):
    best, score = tf.contrib.crf.viterbi_decode(numbers(6, 4), numbers(4, 4, step=0.9))
    return {"best": tf.constant(np.array(best)), "score": tf.constant(score)}


def losses(tf):
    S = tf.contrib.seq2seq
    logits, targets = tf.constant(numbers(2, 3, 4)), tf.constant([[1, 2, 0], [3, 0, 0]])
    weights = tf.constant([[1.0, 1.0, 0.0], [1.0, 0.0, 0.5]])
    kinds = [(a, b) for a in (True, False) for b in (True, False)]
    found = {"avg%d%d" % k: S.sequence_loss(logits, targets, weights, *k) for k in kinds}
    found.update({"sum%d%d" % k: S.sequence_loss(logits, targets, weights, False, False, *k) for k in kinds})
    return found


def monotonic(tf):
    S = tf.contrib.seq2seq
    p, before = tf.nn.sigmoid(tf.constant(numbers(2, 4))), tf.nn.softmax(tf.constant(numbers(2, 4, at=2.0)))
    return {mode: S.monotonic_attention(p, before, mode) for mode in ("recursive", "parallel", "hard")}


def tree(tf):
    ids = np.array([[[2, 3, 4], [5, 6, 7]], [[4, 2, 3], [1, 5, 2]], [[5, 6, 2], [3, 2, 4]]], np.int32)
    parents = np.array([[[0, 0, 0], [0, 0, 0]], [[0, 2, 1], [2, 0, 1]], [[1, 0, 2], [1, 1, 0]]], np.int32)
    return {"beams": tf.contrib.seq2seq.gather_tree(ids, parents, max_sequence_lengths=[3, 2], end_token=9),
            "ended": tf.contrib.seq2seq.gather_tree(ids, parents, max_sequence_lengths=[3, 3], end_token=2)}


def legacy(tf, name, *args, **kwargs):
    L = tf.contrib.legacy_seq2seq
    xs = [tf.constant(numbers(2, 3, at=i)) for i in range(3)]
    ids = [tf.constant([(i * 3) % 5, (i * 2 + 1) % 5]) for i in range(3)]
    gru = tf.nn.rnn_cell.GRUCell(4)
    if name in ("basic_rnn_seq2seq", "tied_rnn_seq2seq"):
        outputs, state = getattr(L, name)(xs, xs[:2], gru)
    elif name == "attention_decoder":
        outputs, state = L.attention_decoder(xs, tf.constant(numbers(2, 4)), tf.constant(numbers(2, 5, 4)), gru, **kwargs)
    elif name == "embedding_tied_rnn_seq2seq":
        outputs, state = L.embedding_tied_rnn_seq2seq(ids, ids, gru, 6, 4, **kwargs)
    else:
        outputs, state = getattr(L, name)(ids, ids[:2], gru, 5, 6, 4, **kwargs)
    found = {"out%d" % i: o for i, o in enumerate(outputs)}
    found["state"] = state
    if outputs[0].shape[-1] == 6:
        weights = [tf.ones([2]) for _ in outputs]
        found["loss"] = L.sequence_loss(outputs, ids[: len(outputs)], weights)
        found["each"] = L.sequence_loss_by_example(outputs, ids[: len(outputs)], weights)
    return found


def buckets(tf):
    L = tf.contrib.legacy_seq2seq
    ids = [tf.constant([(i * 3) % 5, (i * 2 + 1) % 5]) for i in range(4)]
    weights = [tf.ones([2]) for _ in ids]
    f = lambda x, y: L.embedding_rnn_seq2seq(x, y, tf.nn.rnn_cell.GRUCell(4), 5, 6, 4)
    outputs, found = L.model_with_buckets(ids, ids, ids, weights, [(2, 2), (3, 4)], f)
    return {"loss0": found[0], "loss1": found[1], "last": outputs[1][-1]}


PROGRAMS = {
    "train": lambda tf: train(tf, cell(tf)),
    "train_impute": lambda tf: train(tf, cell(tf), impute=True),
    "luong": lambda tf: train(tf, attended(tf, "LuongAttention")),
    "luong_scaled": lambda tf: train(tf, attended(tf, "LuongAttention", {"attention_layer_size": 4, "alignment_history": True}, scale=True), impute=True),
    "bahdanau": lambda tf: train(tf, attended(tf, "BahdanauAttention", {"attention_layer_size": 4})),
    "bahdanau_normed": lambda tf: train(tf, attended(tf, "BahdanauAttention", {"output_attention": False}, normalize=True)),
    "luong_monotonic": lambda tf: train(tf, attended(tf, "LuongMonotonicAttention", {"attention_layer_size": 4}, scale=True, score_bias_init=-1.0)),
    "bahdanau_monotonic": lambda tf: train(tf, attended(tf, "BahdanauMonotonicAttention", {"attention_layer_size": 4}, normalize=True, mode="recursive")),
    "two_mechanisms": two_mechanisms,
    "greedy": lambda tf: greedy(tf, cell(tf)),
    "greedy_attention": lambda tf: greedy(tf, attended(tf, "BahdanauAttention", {"attention_layer_size": 4})),
    "beam": lambda tf: beam(tf),
    "beam_penalized": lambda tf: beam(tf, length_penalty_weight=0.7),
    "beam_attention": lambda tf: beam(tf, "LuongAttention"),
    "beam_history": lambda tf: beam(tf, "BahdanauAttention", width=2, history=True),
    "beam_coverage": lambda tf: beam(tf, "BahdanauAttention", coverage_penalty_weight=0.3, length_penalty_weight=0.5),
    "custom": custom,
    "inference": inference,
    "scheduled_never": lambda tf: scheduled(tf, 0.0),
    "scheduled_always": lambda tf: scheduled(tf, 1.0),
    "crf": lambda tf: crf(tf, [4, 2, 3]),
    "crf_one": lambda tf: crf(tf, [1, 1, 0], 1),
    "viterbi": viterbi,
    "losses": losses,
    "monotonic": monotonic,
    "tree": tree,
    "legacy_basic": lambda tf: legacy(tf, "basic_rnn_seq2seq"),
    "legacy_tied": lambda tf: legacy(tf, "tied_rnn_seq2seq"),
    "legacy_embedding": lambda tf: legacy(tf, "embedding_rnn_seq2seq"),
    "legacy_embedding_previous": lambda tf: legacy(tf, "embedding_rnn_seq2seq", feed_previous=True),
    "legacy_embedding_tied": lambda tf: legacy(tf, "embedding_tied_rnn_seq2seq"),
    "legacy_attention": lambda tf: legacy(tf, "attention_decoder", num_heads=2, output_size=3),
    "legacy_embedding_attention": lambda tf: legacy(tf, "embedding_attention_seq2seq"),
    "legacy_embedding_attention_previous": lambda tf: legacy(tf, "embedding_attention_seq2seq", feed_previous=True, initial_state_attention=True),
    "legacy_buckets": buckets,
}


def run(tf, name):
    """The values of a program whose variables are filled by their order, and the variables' names."""
    with tf.Graph().as_default(), tf.Session() as sess:
        with tf.variable_scope("s"):
            fetches = PROGRAMS[name](tf)
        sess.run(tf.global_variables_initializer())
        for i, v in enumerate(sorted(tf.trainable_variables(), key=lambda v: v.name)):
            v.load(numbers(*v.shape.as_list(), step=0.37 + 0.11 * i, at=i) if v.shape.as_list() else np.float32(0.7), sess)
        found = sess.run(fetches)
        found["names"] = np.array(["%s %s" % (v.op.name, v.shape.as_list()) for v in tf.global_variables()] or [""])
        return found
