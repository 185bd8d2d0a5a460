"""Names of functions as libraries ask for them, decorators that can be taken off, and what init_scope lifts out."""

import numpy as np
import pytest

import penstock as tf
from penstock.api import canonical
from penstock.platform import decoration


def test_the_first_choice_among_names():
    first = canonical.get_canonical_name_for_symbol
    assert [first(f) for f in (tf.add, tf.nn.relu, tf.matmul, tf.cast)] == ["math.add", "nn.relu", "linalg.matmul", "cast"]
    assert first(tf.compat.v1.squeeze, add_prefix_to_v1_names=True) == "compat.v1.squeeze"
    assert canonical.get_symbol_from_name("math.add") is tf.add and canonical.get_symbol_from_name("nope") is None


def test_a_library_publishes_names():
    @canonical.keras_export("keras.demo.Thing", "keras.Thing", v1=["keras.old.Thing"])
    class Thing:
        pass

    assert canonical.get_canonical_name_for_symbol(Thing, "keras") == "keras.demo.Thing"
    assert canonical.get_symbol_from_name("keras.Thing") is Thing and canonical.get_v1_names(Thing) == ["keras.old.Thing"]
    with pytest.raises(canonical.InvalidSymbolNameError):
        canonical.keras_export("demo.Thing")


def test_decorators_come_off():
    def inner(a, b=2):
        """Doc."""

    made = decoration.make_decorator(inner, lambda *args: 3, "deco")
    layers, found = decoration.unwrap(made)
    assert found is inner and layers[0].decorator_name == "deco" and made.__name__ == "inner" and made.__doc__ == "Doc."


def test_variables_lifted_out_of_a_function_are_its_own():
    kept, traces = [], []

    @tf.function
    def f(x):
        traces.append(1)
        if not kept:
            with tf.init_scope():
                kept.append(tf.Variable(1.0))
        return x + kept[0]

    assert f(tf.constant(1.0)).numpy() == 2 and len(traces) == 2


def test_recurrent_layers_in_one_buffer():
    """A GRU of CudnnRNNV3 is the GRU written out."""
    rng = np.random.RandomState(0)
    x, params = rng.rand(3, 2, 4).astype("f"), rng.rand(3 * 5 * 4 + 3 * 5 * 5 + 6 * 5).astype("f") - 0.5
    h = np.zeros((1, 2, 5), "f")
    out, last, *_ = tf.raw_ops.CudnnRNNV3(
        input=x, input_h=h, input_c=0.0, params=params, sequence_lengths=[3, 1], rnn_mode="gru", is_training=True
    )  # fmt: skip
    w, r, b = params[:60].reshape(3, 5, 4), params[60:135].reshape(3, 5, 5), params[135:].reshape(2, 3, 5)
    sigmoid = lambda v: 1 / (1 + np.exp(-v))
    state = np.zeros((2, 5), "f")
    for t in range(3):
        a, c = [x[t] @ w[k].T + b[0, k] for k in range(3)], [state @ r[k].T + b[1, k] for k in range(3)]
        reset, keep = sigmoid(a[0] + c[0]), sigmoid(a[1] + c[1])
        new = (1 - keep) * np.tanh(a[2] + reset * c[2]) + keep * state
        state = np.where(np.array([[True], [t < 1]]), new, state)
    np.testing.assert_allclose(last[0], state, atol=1e-5)
    assert not out.numpy()[1:, 1].any()
