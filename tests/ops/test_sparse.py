"""SparseTensors: values, errors and gradients; the numbers are TensorFlow's."""

import numpy as np
import pytest

import penstock as tf

v1 = tf.compat.v1
S = tf.SparseTensor


def sample(values=(1.0, 2.0)):
    return S([[0, 0], [1, 2]], values, [3, 4])


def parts(s):
    return s.indices.numpy().tolist(), s.values.numpy().tolist(), s.dense_shape.numpy().tolist()


@pytest.mark.parametrize(
    ("make", "indices", "values", "shape"),
    [
        (lambda s: s * 2.0, [[0, 0], [1, 2]], [2, 4], [3, 4]),
        (lambda s: s / tf.constant([[1.0], [2.0], [3.0]]), [[0, 0], [1, 2]], [1, 1], [3, 4]),
        (lambda s: tf.square(s), [[0, 0], [1, 2]], [1, 4], [3, 4]),
        (lambda s: tf.sparse.add(s, s), [[0, 0], [1, 2]], [2, 4], [3, 4]),
        (lambda s: tf.sparse.add(s, tf.sparse.map_values(tf.negative, s), 0.1), [], [], [3, 4]),
        (lambda s: tf.sparse.concat(0, [s, s]), [[0, 0], [1, 2], [3, 0], [4, 2]], [1, 2, 1, 2], [6, 4]),
        (lambda s: tf.sparse.concat(0, [s, S([[0, 5]], [1.0], [2, 6])], True), [[0, 0], [1, 2], [3, 5]], [1, 2, 1], [5, 6]),
        (lambda s: tf.sparse.reshape(s, [-1, 2]), [[0, 0], [3, 0]], [1, 2], [6, 2]),
        (lambda s: tf.sparse.transpose(s), [[0, 0], [2, 1]], [1, 2], [4, 3]),
        (lambda s: tf.sparse.slice(s, [0, 1], [2, 3]), [[1, 1]], [2], [2, 3]),
        (lambda s: tf.sparse.split(s, 2, 0)[0], [[0, 0], [1, 2]], [1, 2], [2, 4]),
        (lambda s: tf.sparse.retain(s, [True, False]), [[0, 0]], [1], [3, 4]),
        (lambda s: tf.sparse.fill_empty_rows(s, 9.0)[0], [[0, 0], [1, 2], [2, 0]], [1, 2, 9], [3, 4]),
        (lambda s: tf.sparse.reset_shape(s), [[0, 0], [1, 2]], [1, 2], [2, 3]),
        (lambda s: tf.sparse.reduce_sum(s, 1, output_is_sparse=True), [[0], [1]], [1, 2], [3]),
        (lambda s: tf.sparse.softmax(s), [[0, 0], [1, 2]], [1, 1], [3, 4]),
        (lambda s: tf.sparse.maximum(s, S([[0, 0], [2, 2]], [5.0, -1.0], [3, 4])), [[0, 0], [1, 2], [2, 2]], [5, 2, 0], [3, 4]),
        (lambda s: tf.sparse.expand_dims(s, -1), [[0, 0, 0], [1, 2, 0]], [1, 2], [3, 4, 1]),
        (lambda s: tf.sparse.eye(2, 3), [[0, 0], [1, 1]], [1, 1], [2, 3]),
        (lambda s: tf.sparse.from_dense([[0, 1], [2, 0]]), [[0, 1], [1, 0]], [1, 2], [2, 2]),
        (lambda s: tf.io.deserialize_many_sparse(tf.io.serialize_many_sparse(s), tf.float32), [[0, 0], [1, 2]], [1, 2], [3, 4]),
        (lambda s: tf.sets.union([[1, 2], [3, 4]], [[2, 3], [9, 9]]), [[0, 0], [0, 1], [0, 2], [1, 0], [1, 1], [1, 2]], [1, 2, 3, 3, 4, 9], [2, 3]),
    ],
)  # fmt: skip
def test_values(make, indices, values, shape):
    assert parts(make(sample())) == (indices, values, shape)


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: S([[0, 0]], [1], [2]), ValueError),
        (lambda: S([[0, 0]], [1, 2], [2, 2]), ValueError),
        (lambda: tf.sparse.to_dense(S([[1, 2], [0, 0]], [1.0, 2.0], [3, 4])), tf.errors.InvalidArgumentError),
        (lambda: tf.sparse.to_dense(S([[1, 9]], [1.0], [3, 4])), tf.errors.InvalidArgumentError),
        (lambda: tf.sparse.reshape(sample(), [5, -1]), tf.errors.InvalidArgumentError),
        (lambda: tf.sparse.sparse_dense_matmul(sample(), tf.ones([3, 2])), tf.errors.InvalidArgumentError),
        (lambda: tf.convert_to_tensor(sample()), ValueError),
        (lambda: sample() + sample(), TypeError),
    ],
)
def test_errors(call, error):
    with pytest.raises(error):
        call()


@pytest.mark.parametrize(
    ("function", "slope"),
    [
        (lambda v: tf.sparse.reduce_sum(sample(v), 1) ** 2, [2, 4]),
        (lambda v: tf.sparse.to_dense(sample(v)) ** 2, [2, 4]),
        (lambda v: tf.sparse.add(sample(v), sample(v * v)).values, [3, 5]),
        (lambda v: (sample(v) * tf.constant([[2.0], [3.0], [4.0]])).values, [2, 3]),
        (lambda v: tf.sparse.slice(sample(v), [0, 1], [3, 3]).values, [0, 1]),
        (lambda v: tf.sparse.fill_empty_rows(sample(v), 0.0)[0].values ** 2, [2, 4]),
        (lambda v: tf.sparse.transpose(S([[0, 2], [1, 0]], v, [3, 4])).values * tf.constant([2.0, 3.0]), [3, 2]),
        (lambda v: tf.sparse.sparse_dense_matmul(sample(v), tf.ones([4, 2])) ** 2, [4, 8]),
        (lambda v: tf.sparse.softmax(S([[0, 0], [0, 2]], v, [3, 4])).values ** 2, [-0.18171549, 0.18171555]),
        (lambda v: tf.sparse.concat(0, [sample(v)] * 2).values ** 2, [4, 8]),
    ],
)
def test_gradients(function, slope):
    v = tf.constant([1.0, 2.0])
    with tf.GradientTape() as tape:
        tape.watch(v)
        y = function(v)
    np.testing.assert_allclose(tape.gradient(y, v), slope, rtol=1e-5)


def test_placeholder():
    with v1.Graph().as_default(), v1.Session() as session:
        s = v1.sparse_placeholder(tf.float32, [None, 4], name="s")
        assert s.shape.as_list() == [None, 4] and s.values.name == "s/values:0"
        dense = tf.sparse.to_dense(s)
        assert session.run(dense, {s: ([[0, 1]], [1.0], [2, 4])}).tolist() == [[0, 1, 0, 0], [0, 0, 0, 0]]
        value = session.run(s, {s: v1.SparseTensorValue([[0, 1]], [1.0], [1, 4])})
        assert isinstance(value, v1.SparseTensorValue) and value.dense_shape.tolist() == [1, 4]


def test_dense_forms():
    assert tf.sparse.to_dense(S([[0], [2]], ["a", "b"], [3]), "z").numpy().tolist() == [b"a", b"z", b"b"]
    assert v1.sparse_to_dense([0, 1], [4], [5, 6], 9).numpy().tolist() == [5, 6, 9, 9]
    assert tf.sparse.sparse_dense_matmul(tf.ones([2, 3]), sample()).numpy().tolist() == [[1, 0, 2, 0], [1, 0, 2, 0]]
    assert tf.nest.flatten(sample(), expand_composites=True)[1].numpy().tolist() == [1, 2]


def test_in_a_function():
    @tf.function
    def f(s):
        return tf.sparse.reduce_sum(s * 2.0, 1), tf.sparse.to_dense(s)

    total, dense = f(sample())
    assert total.numpy().tolist() == [2, 4, 0] and dense.numpy()[1, 2] == 2


@pytest.mark.parametrize(
    ("call", "indices", "values", "shape"),
    [
        (lambda b: b([1, 1, 2]), [[1], [2]], [2, 1], [3]), (lambda b: b([[1, 1], [2, 0]], axis=-1, minlength=5), [[0, 1], [1, 0], [1, 2]], [2, 1, 1], [2, 5]),
        (lambda b: b([[1, 1], [2, 7]], axis=-1, maxlength=3), [[0, 1], [1, 2]], [2, 1], [2, 3]),
        (lambda b: b([[1, 1], [2, 0]], weights=[[0.5, 1.0], [2.0, 3.0]], axis=-1), [[0, 1], [1, 0], [1, 2]], [1.5, 3, 2], [2, 3]),
        (lambda b: b(S([[0, 0], [1, 0], [1, 2]], [1, 2, 2], [3, 3]), axis=-1), [[0, 1], [1, 2]], [1, 2], [3, 3]),
        (lambda b: b(tf.ragged.constant([[1, 1], [], [3]]), axis=-1), [[0, 1], [2, 3]], [2, 1], [3, 4]),
        (lambda b: b([0, 9], minlength=3, maxlength=5), [[0]], [1], [5]),
    ],
)  # fmt: skip
def test_bincount(call, indices, values, shape):
    assert parts(call(tf.sparse.bincount)) == (indices, values, shape)
