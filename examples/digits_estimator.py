"""Handwritten digits with an Estimator and a model function of one's own: two convolutions, dropout, and an early stop.

    python digits_estimator.py                       on TensorFlow 1.15
    penstock run --tf1 examples/digits_estimator.py  on penstock
"""

from __future__ import print_function

import tempfile

import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits

tf.app.flags.DEFINE_integer("steps", 600, "Training steps.")
tf.app.flags.DEFINE_string("model_dir", "", "Where checkpoints go; a temporary folder without it.")
FLAGS = tf.app.flags.FLAGS


def load():
    """1797 images of 8x8 pixels, a fifth held out."""
    digits = load_digits()
    order = np.random.RandomState(0).permutation(len(digits.target))
    images, labels = (digits.images[order] / 16.0).astype(np.float32), digits.target[order].astype(np.int32)
    cut = len(labels) // 5
    return (images[cut:], labels[cut:]), (images[:cut], labels[:cut])


def cnn_model_fn(features, labels, mode, params):
    training = mode == tf.estimator.ModeKeys.TRAIN
    x = tf.reshape(features["x"], [-1, 8, 8, 1])
    for filters in params["filters"]:
        x = tf.layers.conv2d(x, filters, 3, padding="same", activation=tf.nn.relu)
        x = tf.layers.max_pooling2d(x, 2, 2)
    x = tf.layers.dense(tf.layers.flatten(x), 64, activation=tf.nn.relu)
    x = tf.layers.dropout(x, rate=0.3, training=training)
    logits = tf.layers.dense(x, 10)
    predictions = {"classes": tf.argmax(logits, axis=1), "probabilities": tf.nn.softmax(logits, name="softmax_tensor")}
    if mode == tf.estimator.ModeKeys.PREDICT:
        exports = {"classify": tf.estimator.export.PredictOutput(predictions)}
        return tf.estimator.EstimatorSpec(mode, predictions=predictions, export_outputs=exports)
    loss = tf.losses.sparse_softmax_cross_entropy(labels=labels, logits=logits)
    accuracy = tf.metrics.accuracy(labels=labels, predictions=predictions["classes"])
    if mode == tf.estimator.ModeKeys.EVAL:
        return tf.estimator.EstimatorSpec(mode, loss=loss, eval_metric_ops={"accuracy": accuracy})
    tf.summary.scalar("train_accuracy", accuracy[1])
    step = tf.train.get_global_step()
    rate = tf.train.exponential_decay(params["learning_rate"], step, 200, 0.7, staircase=True)
    return tf.estimator.EstimatorSpec(mode, loss=loss, train_op=tf.train.AdamOptimizer(rate).minimize(loss, global_step=step))


def main(_):
    tf.logging.set_verbosity(tf.logging.ERROR)
    (x, y), (test_x, test_y) = load()
    config = tf.estimator.RunConfig(model_dir=FLAGS.model_dir or tempfile.mkdtemp(), tf_random_seed=7, save_checkpoints_steps=max(FLAGS.steps // 3, 1))
    classifier = tf.estimator.Estimator(cnn_model_fn, config=config, params={"filters": [16, 32], "learning_rate": 0.003})
    train_input = tf.estimator.inputs.numpy_input_fn({"x": x}, y, batch_size=64, num_epochs=None, shuffle=True)
    test_input = tf.estimator.inputs.numpy_input_fn({"x": test_x}, test_y, num_epochs=1, shuffle=False)
    best = tf.estimator.BestExporter(
        serving_input_receiver_fn=tf.estimator.export.build_raw_serving_input_receiver_fn({"x": tf.placeholder(tf.float32, [None, 8, 8])})
    )
    train_spec = tf.estimator.TrainSpec(train_input, max_steps=FLAGS.steps)
    eval_spec = tf.estimator.EvalSpec(test_input, steps=None, exporters=best, start_delay_secs=0, throttle_secs=0)
    metrics, exports = tf.estimator.train_and_evaluate(classifier, train_spec, eval_spec)
    print("exported", [e for e in exports if e])
    wrong = sum(p["classes"] != t for p, t in zip(classifier.predict(test_input), test_y))
    print("%d of %d digits are read wrong" % (wrong, len(test_y)))
    print("held-out accuracy %.1f %% after %d steps, loss %.3f" % (100 * metrics["accuracy"], metrics["global_step"], metrics["loss"]))


if __name__ == "__main__":
    tf.app.run()
