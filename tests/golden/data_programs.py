"""Programs of tf.data: each gives what can be written as JSON.  They run on any TensorFlow 2."""

import os
import tempfile


def plain(value):
    """Elements as lists, numbers and text."""
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if hasattr(value, "to_list"):
        return plain(value.to_list())
    if hasattr(value, "dense_shape"):
        return [plain(value.indices), plain(value.values), plain(value.dense_shape)]
    if hasattr(value, "as_numpy_iterator"):
        return everything(value)
    if hasattr(value, "numpy"):
        value = value.numpy()
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    return value.decode() if isinstance(value, bytes) else value


def everything(dataset):
    return [plain(x) for x in dataset]


def error_of(call):
    """The class of the error (the first of TensorFlow's own or of Python's builtins), or what came out."""
    try:
        return ["gave", type(call()).__name__]
    except Exception as e:
        return type(e).__name__


def shuffles(tf):
    D = tf.data.Dataset
    tf.random.set_seed(11)
    a = D.range(13).shuffle(5, seed=3)
    out = [everything(a), everything(a)]
    out.append(everything(D.range(13).shuffle(50, seed=3, reshuffle_each_iteration=False).repeat(2)))
    b = D.range(7).shuffle(3, seed=3).repeat(3)
    out += [everything(b), everything(b), everything(D.range(7).repeat(3).shuffle(4))]
    tf.random.set_seed(5)
    c = D.range(40).shuffle(8)
    out += [everything(c), everything(c)]
    tf.random.set_seed(None)
    return out


def shuffle_and_repeat(tf):
    e = tf.data.experimental
    d = tf.data.Dataset.range(7).apply(e.shuffle_and_repeat(10, count=2, seed=5))
    return [everything(d), everything(d), everything(tf.data.Dataset.range(7).apply(e.shuffle_and_repeat(3, count=3, seed=5)))]


def random_numbers(tf):
    D = tf.data.Dataset
    d = D.range(3).map(lambda _: tf.random.uniform([], seed=1))
    return [everything(D.random(seed=4).take(5)), everything(d), everything(d), everything(d.repeat(2))]


def interleaves(tf):
    D = tf.data.Dataset
    return [
        everything(D.range(10).interleave(lambda x: D.range(x), cycle_length=3, block_length=2)),
        everything(D.range(10).interleave(lambda x: D.range(x), cycle_length=4, block_length=2, num_parallel_calls=2)),
        everything(D.range(10).interleave(lambda x: D.range(x * 100, x * 100 + x % 4), cycle_length=4, block_length=3, num_parallel_calls=4)),
        everything(D.range(10).interleave(lambda x: D.range(x * 100, x * 100 + x % 4), cycle_length=4, block_length=1)),
        everything(D.range(8).apply(tf.data.experimental.parallel_interleave(lambda x: D.range(x * 10, x * 10 + x % 3 + 1), cycle_length=3, block_length=1))),
        everything(D.range(5).flat_map(lambda x: D.range(x))),
    ]


def windows(tf):
    D = tf.data.Dataset
    return [everything(D.range(10).window(3, 2, 2)), everything(D.range(10).window(3, 5, 1)), everything(D.range(7).window(3, 1, 1, True)), len(D.range(10).window(3, 2, 2)),
            everything(D.range(8).window(3, 1, drop_remainder=True).flat_map(lambda w: w.batch(3)))]  # fmt: skip


def groups(tf):
    D = tf.data.Dataset
    lengths = D.range(10).map(lambda x: tf.fill([x % 5 + 1], x))
    return [
        everything(D.range(20).group_by_window(lambda x: x % 3, lambda k, w: w.batch(4), 4)),
        everything(D.range(20).group_by_window(lambda x: x % 3, lambda k, w: w.map(lambda x: x * 10 + k), window_size_func=lambda k: k + 2)),
        everything(lengths.bucket_by_sequence_length(lambda x: tf.shape(x)[0], [3, 5], [2, 3, 4])),
        everything(lengths.bucket_by_sequence_length(lambda x: tf.shape(x)[0], [3, 6], [2, 3, 4], pad_to_bucket_boundary=True, drop_remainder=True)),
        everything(D.range(10).apply(tf.data.experimental.group_by_reducer(lambda x: x % 3, tf.data.experimental.Reducer(
            lambda k: (tf.constant(0, tf.int64), k), lambda s, x: (s[0] + x, s[1] + 1), lambda s, n: s * 100 + n)))),
    ]  # fmt: skip


def batches(tf):
    D = tf.data.Dataset
    rows = D.range(7).map(lambda x: tf.fill([x + 1], x))
    return [
        everything(D.range(7).batch(3)), everything(D.range(7).batch(3, drop_remainder=True)), everything(rows.padded_batch(3)),
        everything(rows.padded_batch(3, padded_shapes=[8], padding_values=tf.constant(-1, tf.int64))),
        everything(rows.map(lambda x: (x, tf.as_string(x))).padded_batch(2, padding_values=(tf.constant(7, tf.int64), "pad"))),
        everything(rows.ragged_batch(2)), everything(D.range(4).map(lambda x: tf.fill([x], x)).sparse_batch(2, [4])),
        everything(D.range(10).batch(3).rebatch([1, 4])), everything(D.range(10).batch(3).rebatch(4, drop_remainder=True)), everything(D.range(10).batch(3).unbatch()),
    ]  # fmt: skip


def kinds_of_elements(tf):
    D = tf.data.Dataset
    ragged = D.from_tensor_slices(tf.ragged.constant([[[1], [4, 5]], [[2, 3]], []]))
    sparse = D.from_tensor_slices(tf.sparse.SparseTensor([[0, 1], [1, 0], [2, 2]], [1, 2, 3], [3, 4]))
    nested = D.from_tensor_slices({"b": [1, 2], "a": ([1.0, 2.0], {"x": ["p", "q"]})})
    return [everything(ragged), everything(ragged.batch(2)), everything(sparse), everything(sparse.batch(2)), everything(nested), everything(nested.batch(2)),
            everything(D.from_tensor_slices(tf.ragged.constant([[1], [2, 3], []])).ragged_batch(2)), everything(D.from_tensors(([1, 2], "a")))]  # fmt: skip


def specs(tf):
    D = tf.data.Dataset
    d = D.range(10)
    made = [
        d, d.map(lambda x: (x, {"a": tf.cast(x, tf.float32)})), d.batch(2), d.batch(2, drop_remainder=True), d.padded_batch(3), d.window(2), d.enumerate(),
        D.zip({"a": d, "b": (d, d.batch(2))}), d.map(lambda x: tf.RaggedTensor.from_row_lengths(tf.range(3), [1, 2])).batch(2), d.concatenate(d), d.repeat(), d.shuffle(3),
        d.map(lambda x: tf.sparse.from_dense([x])), d.map(lambda x: [x, x]), d.map(lambda x: tf.data.Dataset.range(x)), d.batch(3).unbatch(), d.ragged_batch(2),
        d.map(lambda x: tf.fill([x], 1)).ragged_batch(2), D.from_generator(lambda: iter([1]), output_types=tf.int32),
        D.from_generator(lambda: iter([1]), output_signature=(tf.TensorSpec([], tf.int32), tf.RaggedTensorSpec([2, None], tf.int32))), D.random(), D.counter(), d.unique(),
        d.apply(tf.data.experimental.assert_cardinality(10)), d.take(1), d.with_options(tf.data.Options()), D.from_tensor_slices([[1, 2]]), D.from_tensors([1, 2]), d.ignore_errors(),
    ]  # fmt: skip
    return [[repr(m.element_spec), type(m).__name__, int(m.cardinality())] for m in made]


def mixtures(tf):
    D = tf.data.Dataset
    three = [D.range(0, 5), D.range(100, 110), D.range(1000, 1003)]
    return [
        everything(D.sample_from_datasets(three, [0.3, 0.5, 0.2], seed=7)), everything(D.sample_from_datasets(three[:2], seed=3, stop_on_empty_dataset=True)),
        everything(D.choose_from_datasets(three[:2], D.range(2).repeat(3))),
        everything(D.range(60).rejection_resample(lambda x: tf.cast(x % 3 == 0, tf.int32), [0.5, 0.5], seed=3)),
        everything(D.range(60).rejection_resample(lambda x: tf.cast(x % 3 == 0, tf.int32), [0.5, 0.5], [0.66, 0.34], seed=3)),
    ]  # fmt: skip


def states(tf):
    D = tf.data.Dataset
    zero = tf.constant(0, tf.int64)
    at = tf.data.experimental.at(D.range(10).map(lambda x: x * x), 3)
    return [everything(D.range(4).scan(zero, lambda s, x: (s + x, s * x))), plain(D.range(10).reduce((zero, zero + 1), lambda s, x: (s[0] + x, s[1] * 2))),
            everything(D.counter(2, 3).take(4)), everything(D.from_tensor_slices([1, 2, 1, 3, 2]).unique()), everything(D.range(10).shard(3, 1)),
            everything(D.range(10).take_while(lambda x: x < 4)), plain(D.range(1).get_single_element()), everything(D.range(4).enumerate(start=5)), plain(at)]  # fmt: skip


def files(tf):
    D, e = tf.data.Dataset, tf.data.experimental
    folder = tempfile.mkdtemp()
    path = lambda name: os.path.join(folder, name)
    for name, text in (("a.txt", "one\ntwo\r\nthree"), ("b.txt", "four\n\nfive\n"), ("x.csv", 'id,name,score,big\n1,"x, ""y""",1.5,3000000000\n2,,2,5\n3,zed,,7\n'),
                       ("y.csv", "id,name,score,big\n4,d,4.5,8\n")):  # fmt: skip
        with open(path(name), "w", newline="") as file:
            file.write(text)
    for kind in ("", "GZIP", "ZLIB"):
        with tf.io.TFRecordWriter(path("r" + kind), kind or None) as writer:
            for i in range(5):
                feature = {"x": tf.train.Feature(int64_list=tf.train.Int64List(value=[i])), "y": tf.train.Feature(float_list=tf.train.FloatList(value=[i, i + 1]))}
                writer.write(tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString())
    features = {"x": tf.io.FixedLenFeature([], tf.int64), "y": tf.io.FixedLenFeature([2], tf.float32)}
    texts = [path("a.txt"), path("b.txt")]
    short = lambda d: [os.path.basename(p) for p in everything(d)]
    return [
        everything(tf.data.TextLineDataset(texts)), everything(tf.data.TextLineDataset(texts, num_parallel_reads=2)), everything(tf.data.FixedLengthRecordDataset(path("b.txt"), 3, 1, 1)),
        short(D.list_files(path("*.txt"), shuffle=False)), short(D.list_files(path("*"), seed=3)),
        [len(everything(tf.data.TFRecordDataset(path("r" + k), k).map(lambda s: tf.strings.length(s)))) for k in ("", "GZIP", "ZLIB")],
        everything(e.CsvDataset(path("x.csv"), [tf.int32, "none", 0.0, tf.int64], header=True)),
        everything(e.CsvDataset(path("x.csv"), [tf.int32, tf.constant([0.0])], header=True, select_cols=[0, 2])),
        everything(e.make_csv_dataset(path("*.csv"), 2, num_epochs=1, shuffle=False)),
        everything(e.make_csv_dataset(path("*.csv"), 2, num_epochs=2, shuffle_seed=3, label_name="score", select_columns=["id", "score"])),
        everything(e.make_batched_features_dataset(path("r"), 2, features, label_key="x", num_epochs=1, shuffle_seed=5)),
    ]  # fmt: skip


def errors(tf):
    D, e = tf.data.Dataset, tf.data.experimental
    r = D.range(3)
    calls = [
        lambda: r.batch(0), lambda: r.map(1), lambda: r.filter(lambda x: x), lambda: r.concatenate(D.from_tensors("a")), lambda: D.from_tensor_slices(3),
        lambda: D.from_tensor_slices(([1], [1, 2])), lambda: D.from_generator(1, tf.int32), lambda: D.from_generator(lambda: [1]), lambda: list(D.from_generator(lambda: ["a"], tf.int32)),
        lambda: list(D.from_generator(lambda: [[1, 2]], output_signature=tf.TensorSpec([3], tf.int32))),
        lambda: list(D.from_generator(lambda: [(1, 2)], output_signature=(tf.TensorSpec([], tf.int32),))), lambda: D.zip([r]), lambda: D.zip(3), lambda: D.range(),
        lambda: D.range(0, 5, 0), lambda: list(D.range(5).map(lambda x: tf.fill([x], 1)).batch(2)), lambda: len(r.repeat()), lambda: len(r.filter(lambda x: True)),
        lambda: r.get_single_element(), lambda: r.take(0).get_single_element(), lambda: r.shard(2, 3), lambda: r.shuffle(0), lambda: r.window(0), lambda: r.prefetch(-3),
        lambda: r.unbatch(), lambda: r.scan(0, lambda s, x: (s, x, 1)), lambda: D.from_tensors(1.0).unique(), lambda: r.apply(lambda d: 3), lambda: r.padded_batch(2, padded_shapes=[3, 3]),
        lambda: list(D.range(9).map(lambda x: tf.fill([x], x)).padded_batch(2, padded_shapes=[3])), lambda: r.padded_batch(2, padding_values="a"),
        lambda: list(tf.data.TextLineDataset("/nonexist")), lambda: list(tf.data.TFRecordDataset("/nonexist")), lambda: tf.data.TextLineDataset(3), lambda: D.list_files("/nix/*"),
        lambda: D.choose_from_datasets([], D.range(2)), lambda: D.sample_from_datasets([r], weights=[0.5, 0.5]), lambda: r.interleave(lambda x: D.range(2), cycle_length=0),
        lambda: list(r.map(lambda x: tf.debugging.check_numerics(tf.cast(x, tf.float32) / 0.0, "bad"))), lambda: e.at(r, 5), lambda: D.from_tensors(None), lambda: D.from_tensors([1, "a"]),
        lambda: r.bucket_by_sequence_length(lambda x: x, [1], [1]), lambda: r.group_by_window(lambda x: x, lambda k, d: d), lambda: D.load("/nonexist"),
        lambda: list(r.apply(e.assert_cardinality(4))), lambda: next(iter(r.take(0))), lambda: iter(r.take(0)).get_next(),
    ]  # fmt: skip
    return [error_of(c) for c in calls]


PROGRAMS = [shuffles, shuffle_and_repeat, random_numbers, interleaves, windows, groups, batches, kinds_of_elements, specs, mixtures, states, files, errors]
