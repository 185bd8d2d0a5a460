"""Python functions as ops: values, promised dtypes, errors by kind, gradients."""

import numpy as np
import pytest

import penstock as tf

v1 = tf.compat.v1


def test_numpy_function_eagerly_takes_what_comes():
    assert tf.numpy_function(lambda x: x * 2, [1.5], tf.float32).dtype is tf.float64
    a, b = tf.numpy_function(lambda x: (x, x + 1), [1.5], [tf.float32, tf.float32])
    assert (a.numpy(), b.numpy()) == (1.5, 2.5)
    with pytest.raises(ZeroDivisionError):
        tf.numpy_function(lambda x: 1 / 0, [1.5], tf.float32)


@pytest.mark.parametrize(
    ("function", "dtype", "value"),
    [(lambda a: a * 2, tf.float32, [2.0, 4.0]), (lambda a: 3, tf.int64, 3), (lambda a: "abc", tf.string, b"abc"), (lambda a: True, tf.bool, True)],
)
def test_numpy_function_in_a_graph(function, dtype, value):
    with v1.Graph().as_default(), v1.Session() as session:
        out = v1.py_func(function, [tf.constant([1.0, 2.0])], dtype)
        assert out.op.type == "PyFunc" and out.shape.rank is None
        assert np.array(session.run(out)).tolist() == value


@pytest.mark.parametrize(
    ("function", "message"),
    [(lambda a: a.astype(np.float64), "0-th value .* double, but expects float"), (lambda a: 3.0, "is double"), (lambda a: (a, a), "returns 2 values, but expects to see 1")],
)
def test_broken_promises(function, message):
    with v1.Graph().as_default(), v1.Session() as session:
        out = v1.py_func(function, [tf.constant([1.0, 2.0])], tf.float32)
        with pytest.raises(tf.errors.InvalidArgumentError, match=message):
            session.run(out)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ValueError("v"), tf.errors.InvalidArgumentError), (TypeError("t"), tf.errors.InvalidArgumentError), (KeyError("k"), tf.errors.UnknownError),
        (StopIteration("s"), tf.errors.OutOfRangeError), (NotImplementedError("n"), tf.errors.UnimplementedError),
    ],
)  # fmt: skip
def test_errors_by_kind(error, kind):
    def fail(x):
        raise error

    with pytest.raises(kind, match=type(error).__name__):
        tf.py_function(fail, [1.0], tf.float32)


def test_py_function_gradients():
    x = tf.constant(3.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y, z = tf.py_function(lambda a: (a * a, a * 3), [x], [tf.float32, tf.float32])
        w = y * z
    assert tape.gradient(w, x).numpy() == 81.0
    with v1.Graph().as_default(), v1.Session() as session:
        p = v1.placeholder(tf.float32, [2])
        cube = tf.py_function(lambda a: a**3, [p], tf.float32)
        (slope,) = tf.gradients(cube, p)
        value, slope_value = session.run([cube, slope], {p: [1.0, 2.0]})
        assert value.tolist() == [1, 8] and slope_value.tolist() == [3, 12]


def test_arguments():
    with pytest.raises(TypeError, match="Missing required argument: 'Tout'"):
        tf.py_function(lambda: 1, [])
    with pytest.raises(ValueError, match="Expected func to be callable"):
        tf.py_function(5, [1.0], tf.float32)

    @tf.py_function(Tout=tf.float32)
    def add_one(x):
        return x + 1

    assert add_one(1.0).numpy() == 2.0 and tf.py_function(lambda: None, [], []) == []
