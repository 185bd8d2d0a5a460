"""Tables: eagerly, in graphs, in functions."""

import numpy as np
import pytest

import penstock as tf

v1 = tf.compat.v1


def static(default=-1):
    return tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(["a", "b"], np.array([1, 2], "int64")), default)


def test_static_table_in_a_function():
    table = static()
    f = tf.function(lambda k: table.lookup(k) * 10)
    for _ in range(3):
        np.testing.assert_array_equal(f(tf.constant(["b", "x", "a"])), [20, -10, 10])
    assert int(table.size()) == 2 and table["a"].numpy() == 1
    keys, values = table.export()
    assert dict(zip(keys.numpy(), values.numpy())) == {b"a": 1, b"b": 2}


def test_tables_initializer():
    with tf.Graph().as_default():
        table = v1.lookup.StaticHashTable(v1.lookup.KeyValueTensorInitializer(["a"], [1.5]), 0.0)
        out = table.lookup(tf.constant(["a", "z"]))
        with v1.Session() as s:
            with pytest.raises(tf.errors.FailedPreconditionError, match="not initialized"):
                s.run(out)
            s.run(v1.tables_initializer())
            np.testing.assert_array_equal(s.run(out), [1.5, 0])


def test_vocabulary_file(tmp_path):
    path = tmp_path / "vocabulary.txt"
    path.write_text("emerson\nlake\npalmer\n")
    init = tf.lookup.TextFileInitializer(str(path), tf.string, tf.lookup.TextFileIndex.WHOLE_LINE, tf.int64, tf.lookup.TextFileIndex.LINE_NUMBER)
    table = tf.lookup.StaticVocabularyTable(init, 5)
    ids = table.lookup(tf.constant(["lake", "king", "emerson"])).numpy()
    assert ids[0] == 1 and ids[2] == 0 and 3 <= ids[1] < 8 and int(table.size()) == 8


@pytest.mark.parametrize("make", [
    lambda: tf.lookup.experimental.MutableHashTable(tf.int64, tf.float32, [0.0, 0.0]),
    lambda: tf.lookup.experimental.DenseHashTable(tf.int64, tf.float32, [0.0, 0.0], -1, -2),
])  # fmt: skip
def test_mutable_tables(make):
    table = make()
    table.insert(np.array([1, 2]), [[1.0, 2.0], [3.0, 4.0]])
    table.remove(np.array([1]))
    np.testing.assert_array_equal(table.lookup(np.array([[2, 1]])), [[[3, 4], [0, 0]]])
    assert int(table.size()) == 1


def test_wrong_keys():
    with pytest.raises(TypeError):
        static().lookup(tf.constant([1]))
    with pytest.raises(tf.errors.InvalidArgumentError, match="empty_key"):
        tf.lookup.experimental.DenseHashTable(tf.int64, tf.int64, 0, -1, -2).insert(np.array([-1]), np.array([1]))
    with pytest.raises(tf.errors.FailedPreconditionError, match="different value for same key"):
        tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(["a", "a"], [1, 2]), 0)
