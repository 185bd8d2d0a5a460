"""Input pipelines: each case is a function that goes once through a dataset."""

import os
import tempfile
import time

import numpy as np

random = np.random.RandomState(0)


def _once(dataset):
    def run():
        for _ in dataset:
            pass

    return run


def data_memory(tf):
    """Rows in memory: shuffled, batched, twice over."""
    x, y = random.rand(20000, 32).astype("f"), random.randint(0, 10, 20000)
    return _once(tf.data.Dataset.from_tensor_slices((x, y)).shuffle(20000).batch(64).repeat(2))


def data_map(tf):
    """A cheap function of each row, and batches."""
    x, y = random.rand(10000, 32).astype("f"), random.randint(0, 10, 10000)
    return _once(tf.data.Dataset.from_tensor_slices((x, y)).map(lambda a, b: (a * 2.0 - 1.0, tf.one_hot(b, 10))).batch(64))


def data_jpeg(tf):
    """JPEG files decoded, cropped at random, resized, normalised, batched."""
    smooth = [np.cumsum(np.cumsum(random.randn(256, 256, 3), 0), 1) * 2 + 128 for _ in range(64)]
    images = [tf.io.encode_jpeg(np.clip(i, 0, 255).astype("u1")).numpy() for i in smooth]

    def prepared(data):
        image = tf.image.random_crop(tf.io.decode_jpeg(data, channels=3), [224, 224, 3])
        return tf.image.resize(image, [160, 160]) / 127.5 - 1.0

    dataset = tf.data.Dataset.from_tensor_slices(images).map(prepared, num_parallel_calls=tf.data.AUTOTUNE)
    return _once(dataset.batch(32).prefetch(tf.data.AUTOTUNE))


def data_examples(tf):
    """Batches of serialised Examples, parsed."""
    feature = tf.train.Feature
    made = []
    for i in range(4000):
        parts = {"x": feature(float_list=tf.train.FloatList(value=random.rand(32))), "y": feature(int64_list=tf.train.Int64List(value=[i])),
                 "z": feature(int64_list=tf.train.Int64List(value=[1, 2, 3][: i % 4]))}  # fmt: skip
        made.append(tf.train.Example(features=tf.train.Features(feature=parts)).SerializeToString())
    features = {"x": tf.io.FixedLenFeature([32], tf.float32), "y": tf.io.FixedLenFeature([], tf.int64), "z": tf.io.VarLenFeature(tf.int64)}
    return _once(tf.data.Dataset.from_tensor_slices(made).batch(64).map(lambda s: tf.io.parse_example(s, features)))


def data_text(tf):
    """Lines of text split, looked up in a table, padded."""
    words = [f"w{i}" for i in range(1000)]
    path = os.path.join(tempfile.mkdtemp(), "lines.txt")
    with open(path, "w") as file:
        for _ in range(4000):
            file.write(" ".join(words[j] for j in random.randint(0, 1000, random.randint(3, 20))) + "\n")
    table = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(words, np.arange(1000)), -1)
    return _once(tf.data.TextLineDataset(path).map(lambda line: table.lookup(tf.strings.split(line))).padded_batch(32))


def data_generator(tf):
    """A Python generator that takes 10 us for each element."""
    row = np.zeros(8, "f")

    def rows():
        for i in range(2000):
            until = time.perf_counter() + 10e-6
            while time.perf_counter() < until:
                pass
            yield row, i

    spec = (tf.TensorSpec([8], tf.float32), tf.TensorSpec([], tf.int64))
    return _once(tf.data.Dataset.from_generator(rows, output_signature=spec).batch(32))
