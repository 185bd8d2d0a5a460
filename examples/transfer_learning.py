"""Transfer learning: a network learns digits 0 to 4, is saved, and its frozen layers help another one with 5 to 9 from few examples.

    python transfer_learning.py                 on TensorFlow 2.x
    penstock run examples/transfer_learning.py  on penstock
"""

import argparse
import os
import tempfile

import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits

layers = tf.keras.layers


def load(first, last, count=None):
    """Images of the digits first to last: `count` to learn from (all but 60 of each without it), the rest held out."""
    digits = load_digits()
    known = np.isin(digits.target, np.arange(first, last + 1))
    images, labels = (digits.images[known] / 16.0)[..., None].astype("float32"), digits.target[known] - first
    order = np.random.RandomState(0).permutation(len(labels))
    images, labels = images[order], labels[order]
    cut = len(labels) - 300 if count is None else count
    return (images[:cut], labels[:cut]), (images[cut:], labels[cut:])


def backbone():
    return tf.keras.Sequential([
        tf.keras.Input((8, 8, 1)),
        layers.Conv2D(32, 3, padding="same"),
        layers.BatchNormalization(momentum=0.9),
        layers.ReLU(),
        layers.MaxPooling2D(),
        layers.Conv2D(64, 3, padding="same", activation="relu"),
        layers.GlobalAveragePooling2D(),
    ], name="backbone")  # fmt: skip


def fit(body, data, held_out, epochs, rate, name):
    model = tf.keras.Sequential([body, layers.Dense(5)])
    loss = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(tf.keras.optimizers.Adam(rate), loss, metrics=["accuracy"])
    history = model.fit(*data, batch_size=32, epochs=epochs, verbose=0, validation_data=held_out)
    accuracy = 100 * history.history["val_accuracy"][-1]
    print(f"{name}: loss {history.history['loss'][-1]:.3f}, {accuracy:.1f} % of the held-out digits")
    return model, accuracy


def main(epochs):
    tf.keras.utils.set_random_seed(3)
    path = os.path.join(tempfile.mkdtemp(), "backbone.keras")
    body = backbone()
    fit(body, *load(0, 4), epochs, 0.003, "digits 0 to 4")
    body.save(path)

    few, rest = load(5, 9, count=100)
    _, scratch = fit(backbone(), few, rest, epochs, 0.003, "5 to 9 from scratch, 100 examples")
    body = tf.keras.models.load_model(path)
    body.trainable = False
    model, _ = fit(body, few, rest, 2 * epochs, 0.01, "5 to 9 with the frozen backbone")
    body.trainable = True
    for layer in body.layers:
        layer.trainable = not isinstance(layer, layers_that_stay)
    loss = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(tf.keras.optimizers.Adam(1e-3), loss, metrics=["accuracy"])
    model.fit(*few, batch_size=32, epochs=epochs, verbose=0)
    tuned = 100 * model.evaluate(*rest, verbose=0)[1]
    print(f"from scratch {scratch:.1f} %, fine-tuned {tuned:.1f} %")
    print(f"held-out accuracy {tuned:.1f} %")


layers_that_stay = (layers.BatchNormalization,)

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=15)
    main(parser.parse_args().epochs)
