"""Handwritten digits with TensorFlow 1.x: a graph, a session, and a recurrent layer written as a `tf.while_loop`.

    python digits_tf1.py                       on TensorFlow 1.15
    penstock run --tf1 examples/digits_tf1.py  on penstock
"""

from __future__ import print_function

import os
import shutil
import time

import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits

flags = tf.app.flags
flags.DEFINE_integer("epochs", 30, "Times to go through the training set.")
flags.DEFINE_integer("batch", 64, "Images in one training step.")
flags.DEFINE_float("learning_rate", 0.003, "Step size of Adam at the start.")
flags.DEFINE_string("out", "", "A folder for the SavedModel and the logs of TensorBoard; nothing is written without it.")
FLAGS = flags.FLAGS


def load():
    """1797 images of 8x8 pixels, a fifth held out."""
    digits = load_digits()
    images = (digits.images / 16.0).astype(np.float32)
    order = np.random.RandomState(0).permutation(len(images))
    images, labels = images[order], digits.target[order].astype(np.int64)
    cut = len(images) // 5
    return images[cut:], labels[cut:], images[:cut], labels[:cut]


def dense(x, units, name, activation=None):
    with tf.variable_scope(name):
        w = tf.get_variable("w", [x.shape[-1].value, units], initializer=tf.glorot_uniform_initializer(seed=1))
        b = tf.get_variable("b", [units], initializer=tf.zeros_initializer())
        y = tf.matmul(x, w) + b
        return y if activation is None else activation(y)


def read_rows(images, units):
    """Read the image row by row: state = tanh(row W + state U + b)."""
    with tf.variable_scope("rows"):
        w = tf.get_variable("w", [8, units], initializer=tf.glorot_uniform_initializer(seed=2))
        u = tf.get_variable("u", [units, units], initializer=tf.orthogonal_initializer(seed=3))
        b = tf.get_variable("b", [units], initializer=tf.zeros_initializer())
    rows = tf.transpose(images, [1, 0, 2])

    def step(i, state):
        return i + 1, tf.tanh(tf.matmul(rows[i], w) + tf.matmul(state, u) + b)

    start = tf.zeros([tf.shape(images)[0], units])
    _, state = tf.while_loop(lambda i, _: i < 8, step, [tf.constant(0), start])
    state.set_shape([None, units])
    return state


def model(images, keep_prob):
    flat = tf.reshape(images, [-1, 64])
    joined = tf.concat([dense(flat, 128, "pixels", tf.nn.relu), read_rows(images, 64)], axis=1)
    return dense(tf.nn.dropout(joined, keep_prob=keep_prob), 10, "logits")


def save(session, images, logits):
    """The trained graph as a SavedModel: images in, digits and their probabilities out."""
    outputs = {"digits": tf.argmax(logits, 1, name="digits"), "probabilities": tf.nn.softmax(logits, name="probabilities")}
    folder = os.path.join(FLAGS.out, "digits_tf1")
    shutil.rmtree(folder, ignore_errors=True)
    tf.saved_model.simple_save(session, folder, {"images": images}, outputs)


def main(_):
    tf.set_random_seed(7)
    train_x, train_y, test_x, test_y = load()

    images = tf.placeholder(tf.float32, [None, 8, 8], name="images")
    labels = tf.placeholder(tf.int64, [None], name="labels")
    keep_prob = tf.placeholder_with_default(1.0, [], name="keep_prob")
    with tf.variable_scope("digits"):
        logits = model(images, keep_prob)
    loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits))
    accuracy = tf.reduce_mean(tf.cast(tf.equal(tf.argmax(logits, 1), labels), tf.float32))

    step = tf.train.get_or_create_global_step()
    rate = tf.train.exponential_decay(FLAGS.learning_rate, step, 200, 0.8)
    optimizer = tf.train.AdamOptimizer(rate)
    gradients, variables = zip(*optimizer.compute_gradients(loss))
    gradients, norm = tf.clip_by_global_norm(gradients, 5.0)
    train = optimizer.apply_gradients(list(zip(gradients, variables)), global_step=step)

    print("TensorFlow %s: %d weights in %d variables" % (
        tf.__version__, sum(v.shape.num_elements() for v in tf.trainable_variables()), len(tf.trainable_variables())))
    shuffle = np.random.RandomState(1)
    seconds = []
    if FLAGS.out:
        tf.summary.scalar("loss", loss)
        tf.summary.scalar("accuracy", accuracy)
        tf.summary.image("digits", images[..., tf.newaxis], max_outputs=8)
        for v in variables:
            tf.summary.histogram(v.op.name, v)
        summaries = tf.summary.merge_all()
        writer = tf.summary.FileWriter(os.path.join(FLAGS.out, "logs", "tf1"), tf.get_default_graph())
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for epoch in range(FLAGS.epochs):
            order = shuffle.permutation(len(train_x))
            for at in range(0, len(order) - FLAGS.batch + 1, FLAGS.batch):
                pick = order[at:at + FLAGS.batch]
                began = time.time()
                _, value, size = session.run(
                    [train, loss, norm], {images: train_x[pick], labels: train_y[pick], keep_prob: 0.8})
                seconds.append(time.time() - began)
            if FLAGS.out:
                writer.add_summary(session.run(summaries, {images: test_x, labels: test_y}), session.run(step))
            if epoch % 5 == 4 or epoch == 0:
                print("epoch %2d  step %4d  loss %.4f  gradient norm %.3f  held-out accuracy %.2f %%" % (
                    epoch + 1, session.run(step), value, size,
                    100 * session.run(accuracy, {images: test_x, labels: test_y})))
        final = session.run(accuracy, {images: test_x, labels: test_y})
        if FLAGS.out:
            writer.close()
            save(session, images, logits)
    print("held-out accuracy %.2f %%" % (100 * final))
    print("first step %.0f ms, then %.3f ms a step (median of %d)" % (
        1e3 * seconds[0], 1e3 * np.median(seconds[1:]), len(seconds) - 1))


if __name__ == "__main__":
    tf.app.run()
