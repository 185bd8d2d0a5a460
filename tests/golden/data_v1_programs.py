"""Graph programs of tf.data as TensorFlow 1.15 runs them: each gives what can be written as JSON."""

import os
import tempfile

import numpy as np


def plain(value):
    if isinstance(value, dict):
        return {k: plain(v) for k, v in sorted(value.items())}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    value = value.tolist() if hasattr(value, "tolist") else value
    return [plain(v) for v in value] if isinstance(value, list) else value.decode() if isinstance(value, bytes) else value


def drained(tf, item, *first):
    """Every element of an iterator, after these operations."""
    out = []
    with tf.Session() as session:
        session.run([tf.global_variables_initializer(), tf.tables_initializer()])
        for operation in first:
            session.run(operation)
        try:
            while len(out) < 60:
                out.append(plain(session.run(item)))
        except tf.errors.OutOfRangeError:
            out.append("end")
    return out


def shuffled(tf):
    d = tf.data.Dataset.from_tensor_slices((np.arange(6), np.arange(6) * 2.0)).shuffle(4, seed=1).batch(2).repeat(2)
    return drained(tf, d.make_one_shot_iterator().get_next())


def shuffled_by_the_graph_seed(tf):
    tf.set_random_seed(3)
    return drained(tf, tf.data.Dataset.range(10).shuffle(10).make_one_shot_iterator().get_next())


def initialised_again(tf):
    train = tf.data.Dataset.range(5).map(lambda x: x + tf.random_uniform([], 0, 10, tf.int64, seed=2))
    check = tf.data.Dataset.range(3)
    it = tf.data.Iterator.from_structure(tf.compat.v1.data.get_output_types(train), tf.compat.v1.data.get_output_shapes(train))
    item, a, b = it.get_next(), it.make_initializer(train), it.make_initializer(check)
    return drained(tf, item, a) + drained(tf, item, b)


def fed_by_a_handle(tf):
    train, check = tf.data.Dataset.range(5).repeat(), tf.data.Dataset.range(100, 103)
    handle = tf.placeholder(tf.string, [])
    item = tf.data.Iterator.from_string_handle(handle, tf.int64, []).get_next()
    one, other = train.make_one_shot_iterator(), check.make_initializable_iterator()
    out = []
    with tf.Session() as session:
        names = session.run([one.string_handle(), other.string_handle()])
        for _ in range(2):
            out += [int(session.run(item, {handle: names[0]})) for _ in range(3)]
            session.run(other.initializer)
            out += [int(session.run(item, {handle: names[1]})) for _ in range(3)]
    return out


def records(tf):
    path = os.path.join(tempfile.mkdtemp(), "a")
    with tf.python_io.TFRecordWriter(path) as writer:
        for i in range(4):
            feature = {"i": tf.train.Feature(int64_list=tf.train.Int64List(value=[i])), "s": tf.train.Feature(bytes_list=tf.train.BytesList(value=[b"x" * i]))}
            writer.write(tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString())
    features = {"i": tf.FixedLenFeature([], tf.int64), "s": tf.FixedLenFeature([], tf.string)}
    d = tf.data.TFRecordDataset([path]).map(lambda r: tf.parse_single_example(r, features), num_parallel_calls=2).repeat(2).batch(3).prefetch(1)
    return drained(tf, d.make_one_shot_iterator().get_next())


def generators(tf):
    d = tf.data.Dataset.from_generator(lambda: ((i, [i] * i) for i in range(4)), (tf.int32, tf.int64), (tf.TensorShape([]), tf.TensorShape([None])))
    return drained(tf, d.padded_batch(2, ([], [None])).make_one_shot_iterator().get_next())


def functions(tf):
    d = tf.data.Dataset.range(3).map(lambda x: tf.py_func(lambda v: v * 10, [x], tf.int64))
    words = tf.data.Dataset.from_tensor_slices(["a b c", "d e"]).map(lambda s: tf.string_split([s]).values).flat_map(tf.data.Dataset.from_tensor_slices)
    windows = tf.data.Dataset.range(100).filter(lambda x: tf.equal(x % 30, 0)).window(2).flat_map(lambda w: w.batch(2))
    return [drained(tf, x.make_one_shot_iterator().get_next()) for x in (d, words, windows)]


def variables(tf):
    v = tf.get_variable("v", [], initializer=tf.constant_initializer(5.0))
    it = tf.data.Dataset.range(3).map(lambda x: tf.cast(x, tf.float32) + v).make_initializable_iterator()
    return drained(tf, it.get_next(), it.initializer)


def experimental(tf):
    e, D = tf.data.experimental, tf.data.Dataset
    made = [D.range(10).apply(e.map_and_batch(lambda x: x * 2, 3)), D.range(8).apply(e.parallel_interleave(lambda x: D.range(x * 10, x * 10 + x % 3 + 1), 3)),
            D.range(10).apply(e.shuffle_and_repeat(5, 2, seed=1)), e.sample_from_datasets([D.range(3), D.range(10, 13)], seed=1), D.range(6).batch(2).apply(e.unbatch())]  # fmt: skip
    return [drained(tf, d.make_one_shot_iterator().get_next()) for d in made]


def nodes(tf):
    d = tf.data.Dataset.range(3).map(lambda x: x + 1).batch(2).shuffle(2, seed=1).repeat()
    item = d.make_one_shot_iterator().get_next(name="item")
    found = [[o.name, o.type] for o in tf.get_default_graph().get_operations()]
    return [found, item.name, str(d.output_shapes), d.output_types.name, repr(d)]


PROGRAMS = [shuffled, shuffled_by_the_graph_seed, initialised_again, fed_by_a_handle, records, generators, functions, variables, experimental, nodes]
