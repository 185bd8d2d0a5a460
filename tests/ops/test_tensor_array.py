"""TensorArray: eagerly, in functions, in compiled loops, and the gradients through it."""

import pathlib

import numpy as np
import pytest

import penstock as tf

X = np.array([[1.0, 2], [3, 4], [5, 6]], np.float32)


def test_eager_reads_and_writes():
    ta = tf.TensorArray(tf.float32, 3)
    ta = ta.write(0, [1.0, 2.0])
    assert ta.element_shape == [2]
    with pytest.raises(ValueError, match="Incompatible shape for value"):
        ta.write(1, [1.0])
    with pytest.raises(tf.errors.OutOfRangeError, match="not resizeable and size is: 3"):
        ta.write(5, [1.0, 2.0])
    assert ta.read(0).numpy().tolist() == [1, 2]
    with pytest.raises(tf.errors.InvalidArgumentError, match="cleared after a previous read"):
        ta.read(0)
    assert ta.read(1).numpy().tolist() == [0, 0]


def test_growing():
    ta = tf.TensorArray(tf.float32, 0, dynamic_size=True).write(4, 1.0)
    assert ta.size().numpy() == 5
    assert ta.stack().numpy().tolist() == [0, 0, 0, 0, 1]


CALLS = {
    "stack": lambda x: tf.TensorArray(tf.float32, 3).unstack(x).stack(),
    "gather": lambda x: tf.TensorArray(tf.float32, 3).unstack(x).gather([2, 0]),
    "concat": lambda x: tf.TensorArray(tf.float32, 3).unstack(x).concat(),
    "scatter": lambda x: tf.TensorArray(tf.float32, 3).scatter([2, 0, 1], x).stack() * x,
    "split": lambda x: tf.TensorArray(tf.float32, 2, infer_shape=False).split(x, [1, 2]).concat() * x,
    "overwrite": lambda x: tf.TensorArray(tf.float32, 3, clear_after_read=False).unstack(x).scatter([1], 2 * x[:1]).stack(),
}
VALUES = {
    "stack": X, "gather": X[[2, 0]], "concat": X.reshape(-1), "scatter": X[[1, 2, 0]] * X, "split": X * X, "overwrite": np.array([X[0], 2 * X[0], X[2]]),
}  # fmt: skip
GRADIENTS = {
    "stack": [[1, 1]] * 3, "gather": [[1, 1], [0, 0], [1, 1]], "concat": [[1, 1]] * 3, "scatter": (X[[1, 2, 0]] + X[[2, 0, 1]]).tolist(), "split": (2 * X).tolist(),
    "overwrite": [[3, 3], [0, 0], [1, 1]],
}  # fmt: skip


@pytest.mark.parametrize("inside", [False, True], ids=["eager", "function"])
@pytest.mark.parametrize("name", CALLS)
def test_values_and_gradients(name, inside):
    call = tf.function(CALLS[name]) if inside else CALLS[name]
    x = tf.constant(X)
    for _ in range(2):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = call(x)
        np.testing.assert_allclose(y.numpy(), VALUES[name])
        np.testing.assert_allclose(tf.convert_to_tensor(tape.gradient(y, x)).numpy(), GRADIENTS[name])


@pytest.mark.parametrize("dynamic", [False, True])
def test_in_a_loop(dynamic):
    @tf.function
    def f(x, n):
        ta = tf.TensorArray(tf.float32, 0 if dynamic else n, dynamic_size=dynamic)
        body = lambda i, ta, s: (i + 1, ta.write(i, s * 0.5 + x[i]), s * 0.5 + x[i])
        return tf.while_loop(lambda i, *_: i < n, body, (tf.constant(0), ta, tf.zeros([2])))[1].stack()

    x = tf.constant(X)
    for n in (3, 2, 3):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = f(x, tf.constant(n))
        want = [X[0], X[0] / 2 + X[1], X[0] / 4 + X[1] / 2 + X[2]][:n]
        np.testing.assert_allclose(y.numpy(), want)
        slope = [[1.75] * 2, [1.5] * 2, [1] * 2] if n == 3 else [[1.5] * 2, [1] * 2, [0] * 2]
        np.testing.assert_allclose(tape.gradient(y, x).numpy(), slope)


def test_the_loop_of_an_old_graph():
    """A while loop over TensorArrays as TensorFlow's 1.x control flow writes it: running sums of rows, halved at each step."""
    path = pathlib.Path(__file__).parent.parent / "golden" / "tensor_array_loop.pb"
    definition = tf.compat.v1.GraphDef.FromString(path.read_bytes())
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        tf.compat.v1.import_graph_def(definition, name="")
        for n in (3, 3, 2):
            sums, size = session.run(["out:0", "size:0"], {"x:0": X[:n]})
            np.testing.assert_allclose(sums, np.array([X[0], X[0] + X[1], X[0] / 2 + X[1] + X[2]])[:n])
            assert size == n
