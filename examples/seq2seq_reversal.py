"""Sequence to sequence with attention: an LSTM reads a word of letters, another one spells it backwards.

    python seq2seq_reversal.py                       on TensorFlow 1.15
    penstock run --tf1 examples/seq2seq_reversal.py  on penstock
"""

from __future__ import print_function

import numpy as np
import tensorflow as tf
from tensorflow.contrib import seq2seq

tf.app.flags.DEFINE_integer("steps", 400, "Training steps.")
tf.app.flags.DEFINE_integer("units", 64, "Size of the states.")
tf.app.flags.DEFINE_integer("longest", 8, "Letters in the longest word.")
FLAGS = tf.app.flags.FLAGS
LETTERS = "abcdefghijklmnopqrstuvwxyz"
START, END, VOCABULARY = 0, 1, 28


def words(rng, n):
    """Random words as numbers from 2 on, padded with END, and their lengths."""
    lengths = rng.randint(3, FLAGS.longest + 1, n)
    made = np.full((n, FLAGS.longest), END, np.int32)
    for row, length in zip(made, lengths):
        row[:length] = rng.randint(2, VOCABULARY, length)
    return made, lengths.astype(np.int32)


def reversed_words(made, lengths):
    """What the decoder is to say: each word backwards, then END."""
    target = np.full((len(made), FLAGS.longest + 1), END, np.int32)
    for row, word, length in zip(target, made, lengths):
        row[:length] = word[:length][::-1]
    return target


class Model(object):
    """Encoder, attention, and a decoder that is taught while training and greedy (or a beam) after it."""

    def __init__(self):
        self.source = tf.placeholder(tf.int32, [None, None], "source")
        self.lengths = tf.placeholder(tf.int32, [None], "lengths")
        self.target = tf.placeholder(tf.int32, [None, None], "target")
        batch = tf.shape(self.source)[0]
        embedding = tf.get_variable("embedding", [VOCABULARY, 32], initializer=tf.random_uniform_initializer(-0.5, 0.5, seed=1))
        with tf.variable_scope("encoder", initializer=tf.glorot_uniform_initializer(seed=2)):
            cell = tf.nn.rnn_cell.LSTMCell(FLAGS.units)
            memory, state = tf.nn.dynamic_rnn(cell, tf.nn.embedding_lookup(embedding, self.source), self.lengths, dtype=tf.float32)
        projection = tf.layers.Dense(VOCABULARY, use_bias=False, kernel_initializer=tf.glorot_uniform_initializer(seed=3), name="projection")

        def decode(scope, helper, memory, state, lengths, reuse, steps=None):
            with tf.variable_scope(scope, reuse=reuse, initializer=tf.glorot_uniform_initializer(seed=4)):
                attention = seq2seq.LuongAttention(FLAGS.units, memory, memory_sequence_length=lengths, scale=True)
                attended = seq2seq.AttentionWrapper(tf.nn.rnn_cell.LSTMCell(FLAGS.units), attention, attention_layer_size=FLAGS.units)
                first = attended.zero_state(batch, tf.float32).clone(cell_state=state)
                decoder = seq2seq.BasicDecoder(attended, helper, first, output_layer=projection)
                return seq2seq.dynamic_decode(decoder, maximum_iterations=steps)[0]

        steps = tf.shape(self.target)[1]
        fed = tf.concat([tf.fill([batch, 1], START), self.target[:, :-1]], axis=1)
        teacher = seq2seq.TrainingHelper(tf.nn.embedding_lookup(embedding, fed), tf.minimum(self.lengths + 1, steps))
        logits = decode("decoder", teacher, memory, state, self.lengths, None).rnn_output
        weights = tf.sequence_mask(self.lengths + 1, tf.shape(logits)[1], dtype=tf.float32)
        self.loss = seq2seq.sequence_loss(logits, self.target[:, : tf.shape(logits)[1]], weights)
        optimizer = tf.train.AdamOptimizer(0.004)
        gradients, variables = zip(*optimizer.compute_gradients(self.loss))
        clipped, self.norm = tf.clip_by_global_norm(gradients, 5.0)
        self.step = tf.train.get_or_create_global_step()
        self.train = optimizer.apply_gradients(zip(clipped, variables), global_step=self.step)
        greedy = seq2seq.GreedyEmbeddingHelper(embedding, tf.fill([batch], START), END)
        self.said = decode("decoder", greedy, memory, state, self.lengths, True, FLAGS.longest + 1).sample_id


def spelled(row):
    return "".join(LETTERS[i - 2] for i in row if i >= 2)


def main(_):
    tf.logging.set_verbosity(tf.logging.ERROR)
    tf.set_random_seed(1)
    rng, model = np.random.RandomState(0), Model()
    test, lengths = words(np.random.RandomState(1), 500)
    wanted = reversed_words(test, lengths)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for i in range(FLAGS.steps):
            source, n = words(rng, 64)
            feed = {model.source: source, model.lengths: n, model.target: reversed_words(source, n)}
            _, loss = session.run([model.train, model.loss], feed)
            if (i + 1) % max(FLAGS.steps // 5, 1) == 0:
                print("step %4d: loss %.4f" % (i + 1, loss))
        said = session.run(model.said, {model.source: test, model.lengths: lengths})
    right = [spelled(s) == spelled(w) for s, w in zip(said, wanted)]
    for s, t in list(zip(said, test))[:3]:
        print("  %s -> %s" % (spelled(t), spelled(s)))
    letters = np.mean([a == b for s, w in zip(said, wanted) for a, b in zip(spelled(s).ljust(FLAGS.longest), spelled(w).ljust(FLAGS.longest))])
    print("held-out accuracy %.1f %% of words, %.1f %% of letters" % (100 * np.mean(right), 100 * letters))


if __name__ == "__main__":
    tf.app.run()
