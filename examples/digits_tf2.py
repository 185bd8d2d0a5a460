"""Handwritten digits with TensorFlow 2.x: modules, a gradient tape, and a compiled step with control flow in it.

    python digits_tf2.py                 on TensorFlow 2.21
    penstock run examples/digits_tf2.py  on penstock
"""

import argparse
import os
import time

import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits


def load():
    """1797 images of 8x8 pixels, a fifth held out."""
    digits = load_digits()
    images = (digits.images[..., None] / 16.0).astype(np.float32)
    order = np.random.RandomState(0).permutation(len(images))
    images, labels = images[order], digits.target[order].astype(np.int64)
    cut = len(images) // 5
    return images[cut:], labels[cut:], images[:cut], labels[:cut]


class Dense(tf.Module):
    def __init__(self, inputs, units, activation=None, name=None):
        super().__init__(name=name)
        self.activation = activation
        start = tf.random.stateless_normal([inputs, units], seed=[inputs, units]) * (2.0 / inputs) ** 0.5
        self.w = tf.Variable(start, name="w")
        self.b = tf.Variable(tf.zeros([units]), name="b")

    def __call__(self, x):
        y = tf.matmul(x, self.w) + self.b
        return y if self.activation is None else self.activation(y)


class Convolution(tf.Module):
    def __init__(self, inputs, filters, name=None):
        super().__init__(name=name)
        start = tf.random.stateless_normal([3, 3, inputs, filters], seed=[inputs, filters])
        start *= (2.0 / (9 * inputs)) ** 0.5
        self.w = tf.Variable(start, name="w")
        self.b = tf.Variable(tf.zeros([filters]), name="b")

    def __call__(self, x):
        x = tf.nn.relu(tf.nn.conv2d(x, self.w, strides=1, padding="SAME") + self.b)
        return tf.nn.max_pool2d(x, ksize=2, strides=2, padding="VALID")


class Model(tf.Module):
    def __init__(self):
        super().__init__(name="digits")
        self.layers = [Convolution(1, 16, "conv1"), Convolution(16, 32, "conv2")]
        self.head = Dense(2 * 2 * 32, 10, name="head")

    @tf.function
    def __call__(self, images):
        x = images
        for layer in self.layers:
            x = layer(x)
        return self.head(tf.reshape(x, [-1, 2 * 2 * 32]))


def log(writer, model, epoch, loss, accuracy, images):
    """What TensorBoard shows of an epoch."""
    with writer.as_default(step=epoch):
        tf.summary.scalar("loss", loss)
        tf.summary.scalar("accuracy", accuracy)
        for v in model.trainable_variables:
            tf.summary.histogram(v.name, v)
        if epoch == 0:
            tf.summary.image("digits", images[:8], max_outputs=8)


def save(model, folder):
    """The trained model as a SavedModel: images in, digits and their probabilities out."""
    @tf.function(input_signature=[tf.TensorSpec([None, 8, 8, 1], tf.float32, name="images")])
    def read(images):
        logits = model(images)
        return {"digits": tf.argmax(logits, axis=1), "probabilities": tf.nn.softmax(logits)}

    tf.saved_model.save(model, folder, signatures=read)


class Adam(tf.Module):
    """Adam, written out."""

    def __init__(self, variables, rate):
        super().__init__()
        self.rate, self.count = rate, tf.Variable(0.0, trainable=False)
        self.mean = [tf.Variable(tf.zeros_like(v), trainable=False) for v in variables]
        self.square = [tf.Variable(tf.zeros_like(v), trainable=False) for v in variables]

    def apply(self, gradients, variables):
        self.count.assign_add(1.0)
        rate = self.rate * tf.sqrt(1.0 - 0.999 ** self.count) / (1.0 - 0.9 ** self.count)
        for g, v, m, s in zip(gradients, variables, self.mean, self.square):
            m.assign(0.9 * m + 0.1 * g)
            s.assign(0.999 * s + 0.001 * tf.square(g))
            v.assign_sub(rate * m / (tf.sqrt(s) + 1e-8))


def main():
    parser = argparse.ArgumentParser(description="Learn handwritten digits.")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--out", help="a folder for the SavedModel and the logs of TensorBoard; nothing is written without it")
    args = parser.parse_args()

    train_x, train_y, test_x, test_y = load()
    model = Model()
    optimizer = Adam(model.trainable_variables, rate=0.003)
    clipped = tf.Variable(0, trainable=False)

    @tf.function
    def train_step(images, labels):
        with tf.GradientTape() as tape:
            logits = model(images)
            loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits))
        gradients = list(tape.gradient(loss, model.trainable_variables))
        norm = tf.linalg.global_norm(gradients)
        if norm > 5.0:  # control flow on a tensor: AutoGraph makes it a conditional
            gradients = [g * (5.0 / norm) for g in gradients]
            clipped.assign_add(1)
        optimizer.apply(gradients, model.trainable_variables)
        return loss

    @tf.function
    def accuracy(images, labels, batch=100):
        right = tf.constant(0)
        at = 0
        count = tf.shape(images)[0]
        while at < count:  # a loop on tensors, with a break in it
            guess = tf.argmax(model(images[at:at + batch]), axis=1)
            right += tf.math.count_nonzero(guess == labels[at:at + batch], dtype=tf.int32)
            at += batch
            if at >= count:
                break
        return right / count

    print(f"TensorFlow {tf.__version__}: {sum(v.shape.num_elements() for v in model.trainable_variables)} weights in "
          f"{len(model.trainable_variables)} variables")
    test_x, test_y = tf.constant(test_x), tf.constant(test_y)
    shuffle = np.random.RandomState(1)
    seconds = []
    writer = tf.summary.create_file_writer(os.path.join(args.out, "logs", "tf2")) if args.out else None
    for epoch in range(args.epochs):
        order = shuffle.permutation(len(train_x))
        for at in range(0, len(order) - args.batch + 1, args.batch):
            pick = order[at:at + args.batch]
            began = time.perf_counter()
            loss = float(train_step(tf.constant(train_x[pick]), tf.constant(train_y[pick])))
            seconds.append(time.perf_counter() - began)
        if writer is not None:
            log(writer, model, epoch, loss, accuracy(test_x, test_y), test_x)
        if epoch % 3 == 2 or epoch == 0:
            print(f"epoch {epoch + 1:2}  loss {loss:.4f}  clipped {int(clipped)}  "
                  f"held-out accuracy {100 * float(accuracy(test_x, test_y)):.2f} %")
    print(f"held-out accuracy {100 * float(accuracy(test_x, test_y)):.2f} %")
    if writer is not None:
        writer.close()
        save(model, os.path.join(args.out, "digits_tf2"))
        np.save(os.path.join(args.out, "images.npy"), test_x[:8].numpy())
        print("the first held-out digits are", *test_y[:8].numpy())
    print(f"first step {1e3 * seconds[0]:.0f} ms, then {1e3 * np.median(seconds[1:]):.3f} ms a step "
          f"(median of {len(seconds) - 1})")


if __name__ == "__main__":
    main()
