"""Masked words in the manner of BERT, written for TensorFlow 1.x with an Estimator: a small transformer fills gaps in sentences.

    python masked_words.py                       on TensorFlow 1.15
    penstock run --tf1 examples/masked_words.py  on penstock
"""

from __future__ import print_function

import tempfile

import numpy as np
import tensorflow as tf

tf.app.flags.DEFINE_integer("steps", 500, "Training steps.")
tf.app.flags.DEFINE_integer("layers", 2, "Transformer layers.")
tf.app.flags.DEFINE_integer("hidden", 64, "Width of a layer.")
FLAGS = tf.app.flags.FLAGS

ANIMALS = {"dog": "barks", "cat": "meows", "cow": "moos", "bird": "sings", "lion": "roars"}
PLACES = {"dog": "yard", "cat": "house", "cow": "field", "bird": "tree", "lion": "desert"}
TIMES, SIZES = ["morning", "evening", "night"], ["big", "small", "old", "young"]
WORDS = ["[PAD]", "[CLS]", "[SEP]", "[MASK]", "the", "in", "every", "."] + sorted(
    set(ANIMALS) | set(ANIMALS.values()) | set(PLACES.values()) | set(TIMES) | set(SIZES)
)
LENGTH, GAPS = 12, 2


def sentences(rng, n):
    """`[CLS] the big dog barks in the yard every morning . [SEP]`: the animal decides on its voice and its place."""
    made = []
    for _ in range(n):
        animal = sorted(ANIMALS)[rng.randint(len(ANIMALS))]
        size, time = SIZES[rng.randint(len(SIZES))], TIMES[rng.randint(len(TIMES))]
        text = ["[CLS]", "the", size, animal, ANIMALS[animal], "in", "the", PLACES[animal], "every", time, ".", "[SEP]"]
        made.append([WORDS.index(w) for w in text])
    return np.array(made, np.int32)


def masked(rng, ids):
    """The sentences with one of animal, voice and place hidden, and one other word; where, and what stood there."""
    places = np.stack([rng.choice([3, 4, 7], len(ids)), rng.choice([1, 5, 6, 8, 10], len(ids))], axis=1).astype(np.int32)
    rows = np.arange(len(ids))[:, None]
    hidden = ids.copy()
    hidden[rows, places] = WORDS.index("[MASK]")
    return {"input_ids": hidden, "masked_lm_positions": places}, ids[rows, places]


def layer_norm(x, name=None):
    return tf.contrib.layers.layer_norm(inputs=x, begin_norm_axis=-1, begin_params_axis=-1, scope=name)


def gelu(x):
    return x * 0.5 * (1.0 + tf.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * tf.pow(x, 3))))


def initializer():
    return tf.truncated_normal_initializer(stddev=0.02)


def attention(x, mask, heads, rate):
    """Multi-head attention of a sequence on itself; positions where the mask is 0 are not looked at."""
    width = x.shape.as_list()[-1]
    size = width // heads
    split = lambda t: tf.transpose(tf.reshape(t, [-1, LENGTH, heads, size]), [0, 2, 1, 3])
    query, key, value = (split(tf.layers.dense(x, width, name=n, kernel_initializer=initializer())) for n in ("query", "key", "value"))
    scores = tf.matmul(query, key, transpose_b=True) / np.sqrt(size) + (1.0 - tf.cast(mask[:, None, None, :], tf.float32)) * -10000.0
    probabilities = tf.nn.dropout(tf.nn.softmax(scores), rate=rate)
    return tf.reshape(tf.transpose(tf.matmul(probabilities, value), [0, 2, 1, 3]), [-1, LENGTH, width])


def transformer(ids, training):
    """(sequence output [batch, LENGTH, hidden], the embedding table)."""
    rate = 0.1 if training else 0.0
    mask = tf.cast(tf.not_equal(ids, 0), tf.int32)
    with tf.variable_scope("embeddings"):
        table = tf.get_variable("word_embeddings", [len(WORDS), FLAGS.hidden], initializer=initializer())
        position = tf.get_variable("position_embeddings", [LENGTH, FLAGS.hidden], initializer=initializer())
        x = tf.nn.dropout(layer_norm(tf.nn.embedding_lookup(table, ids) + position[None], "LayerNorm"), rate=rate)
    for i in range(FLAGS.layers):
        with tf.variable_scope("layer_%d" % i):
            with tf.variable_scope("attention"):
                seen = tf.layers.dense(attention(x, mask, 4, rate), FLAGS.hidden, kernel_initializer=initializer())
                x = layer_norm(x + tf.nn.dropout(seen, rate=rate))
            with tf.variable_scope("intermediate"):
                wide = tf.layers.dense(x, 4 * FLAGS.hidden, activation=gelu, kernel_initializer=initializer())
            with tf.variable_scope("output"):
                x = layer_norm(x + tf.nn.dropout(tf.layers.dense(wide, FLAGS.hidden, kernel_initializer=initializer()), rate=rate))
    return x, table


def model_fn(features, labels, mode, params):
    training = mode == tf.estimator.ModeKeys.TRAIN
    with tf.variable_scope("bert"):
        output, table = transformer(features["input_ids"], training)
    with tf.variable_scope("cls/predictions"):
        flat = tf.reshape(features["masked_lm_positions"] + tf.range(tf.shape(output)[0])[:, None] * LENGTH, [-1])
        picked = tf.gather(tf.reshape(output, [-1, FLAGS.hidden]), flat)
        picked = layer_norm(tf.layers.dense(picked, FLAGS.hidden, activation=gelu, kernel_initializer=initializer()))
        bias = tf.get_variable("output_bias", [len(WORDS)], initializer=tf.zeros_initializer())
        log_probabilities = tf.nn.log_softmax(tf.matmul(picked, table, transpose_b=True) + bias)
    guesses = tf.reshape(tf.argmax(log_probabilities, axis=-1, output_type=tf.int32), [-1, GAPS])
    if mode == tf.estimator.ModeKeys.PREDICT:
        return tf.estimator.EstimatorSpec(mode, predictions={"guesses": guesses, "input_ids": features["input_ids"]})
    one_hot = tf.one_hot(tf.reshape(labels, [-1]), len(WORDS))
    loss = -tf.reduce_mean(tf.reduce_sum(log_probabilities * one_hot, axis=-1))
    if mode == tf.estimator.ModeKeys.EVAL:
        return tf.estimator.EstimatorSpec(mode, loss=loss, eval_metric_ops={"masked_lm_accuracy": tf.metrics.accuracy(labels, guesses)})
    step = tf.train.get_global_step()
    rate = tf.train.polynomial_decay(params["rate"], step, FLAGS.steps, end_learning_rate=0.0)
    warm = tf.minimum(1.0, tf.cast(step + 1, tf.float32) / params["warmup"])
    variables = tf.trainable_variables()
    gradients, _ = tf.clip_by_global_norm(tf.gradients(loss, variables), clip_norm=1.0)
    train_op = tf.train.AdamOptimizer(rate * warm).apply_gradients(zip(gradients, variables), global_step=step)
    return tf.estimator.EstimatorSpec(mode, loss=loss, train_op=train_op)


def main(_):
    tf.logging.set_verbosity(tf.logging.ERROR)
    train, test = sentences(np.random.RandomState(0), 4000), sentences(np.random.RandomState(1), 500)
    examples = lambda ids, seed: masked(np.random.RandomState(seed), ids)
    train_input = lambda: tf.data.Dataset.from_tensor_slices(examples(train, 2)).shuffle(1000, seed=3).repeat().batch(64, drop_remainder=True)
    test_input = lambda: tf.data.Dataset.from_tensor_slices(examples(test, 4)).batch(100)
    config = tf.estimator.RunConfig(model_dir=tempfile.mkdtemp(), tf_random_seed=1, save_checkpoints_steps=FLAGS.steps)
    estimator = tf.estimator.Estimator(model_fn, config=config, params={"rate": 2e-3, "warmup": 50.0})
    for part in range(1, 5):
        estimator.train(train_input, max_steps=FLAGS.steps * part // 4)
        found = estimator.evaluate(test_input)
        print("step %4d: loss %.3f, %.1f %% of the gaps" % (found["global_step"], found["loss"], 100 * found["masked_lm_accuracy"]))
    for one in list(estimator.predict(test_input))[:2]:
        print("  %s: %s" % (" ".join(WORDS[i] for i in one["input_ids"][1:-1]), [WORDS[i] for i in one["guesses"]]))
    print("held-out accuracy %.1f %%" % (100 * found["masked_lm_accuracy"]))


if __name__ == "__main__":
    tf.app.run()
