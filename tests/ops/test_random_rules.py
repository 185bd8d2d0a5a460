"""What random ops refuse, how seeds are handed out, and how streams go on."""

import numpy as np
import pytest

import penstock as tf
from penstock.ir import node_count

v1 = tf.compat.v1
r = tf.random
raw = tf.raw_ops
INVALID = tf.errors.InvalidArgumentError


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda: r.uniform([2], dtype="int32"), ValueError, "Must specify maxval"),
        (lambda: r.uniform([2], maxval=3, dtype="uint8"), ValueError, "invalid value <dtype: 'uint8'>"),
        (lambda: r.uniform([-2]), INVALID, "Dimension -2 must be >= 0"),
        (lambda: r.uniform(3), INVALID, "shape must be a vector"),
        (lambda: r.uniform([2], 5, 5, "int32"), INVALID, "Need minval < maxval, got 5 >= 5"),
        (lambda: r.uniform([2], 0.5, 5, "int32"), TypeError, "0.5"),
        (lambda: r.normal([2], dtype="int32"), TypeError, "0.0"),
        (lambda: r.gamma([2], [1, 2], dtype="bfloat16"), ValueError, "not inexact"),
        (lambda: r.categorical([1.0, 2.0], 2), INVALID, "logits should be a matrix"),
        (lambda: r.categorical([[1.0, 2.0]], 2, dtype="float32"), ValueError, "invalid value"),
        (lambda: r.categorical([[1.0, 2.0]], -1), INVALID, "non-negative"),
        (lambda: r.categorical(np.zeros((2, 0)), 1), INVALID, "num_classes should be positive"),
        (lambda: r.stateless_uniform([2], [1, 2], dtype="int32"), ValueError, "must be both None or not None"),
        (lambda: r.stateless_uniform([2], [1, 2], 0, 5, "uint32"), ValueError, "unsigned integers"),
        (lambda: r.stateless_uniform([2], [1, 2, 3]), INVALID, r"seed must have shape \[2\], not \[3\]"),
        (lambda: r.stateless_uniform([2], [1, 2], alg="xx"), ValueError, "unsupported value xx"),
        (lambda: r.stateless_uniform([2], [1, 2], alg=17), ValueError, "unsupported value 17"),
        (lambda: r.stateless_uniform([2], [1, 2], alg="threefry"), INVALID, "counter must be a vector"),
        (lambda: r.stateless_gamma([2, 3], [1, 2], [1.0, 2.0]), INVALID, "must end with broadcasted shape"),
        (lambda: r.stateless_poisson([2], [1, 2], [1.0, 2.0, 3.0]), INVALID, "must end with broadcasted shape"),
        (lambda: r.Generator(alg="philox"), AssertionError, "state"),
        (lambda: r.Generator.from_state([1, 2], "philox"), ValueError, "incompatible"),
        (lambda: r.Generator.from_seed(1, "threefry").uniform([2]), tf.errors.UnimplementedError, "ThreeFry"),
        (lambda: r.Generator.from_seed(1).uniform([3], dtype="int32"), ValueError, "both `None` or both non-`None`"),
        (lambda: r.create_rng_state(1, "x"), ValueError, "unsupported value x"),
        (lambda: r.uniform_candidate_sampler([[1]], 1, 11, True, 10), INVALID, "range is too small"),
        (lambda: r.uniform_candidate_sampler([[1]], 2, 3, True, 10), INVALID, "num_true columns"),
        (lambda: r.uniform_candidate_sampler([1, 2], 2, 3, True, 10), INVALID, "must be a matrix"),
        (lambda: r.log_uniform_candidate_sampler([[11]], 1, 3, True, 10), INVALID, "out of range"),
        (lambda: r.fixed_unigram_candidate_sampler([[1]], 1, 3, True, 10), INVALID, "vocab_file or unigrams"),
        (lambda: tf.image.random_crop(np.zeros((3, 4)), [5, 2]), INVALID, "Need value.shape >= size"),
        (lambda: v1.variance_scaling_initializer(-1.0), ValueError, "positive float"),
        (lambda: v1.variance_scaling_initializer(1.0, "x"), ValueError, "fan_in"),
        (lambda: v1.orthogonal_initializer()([3]), ValueError, "at least two-dimensional"),
        (lambda: v1.random_normal_initializer(dtype="int32"), ValueError, "floating point"),
        (lambda: v1.constant_initializer(object()), TypeError, "Invalid type for initial value"),
        (lambda: v1.constant_initializer([1, 2], verify_shape=True)([3]), TypeError, "3"),
        (lambda: tf.zeros_initializer()([2], foo=1), TypeError, "foo"),
        (lambda: tf.constant_initializer(1)([2], partition_shape=(1,)), ValueError, "partition"),
        (lambda: tf.initializers.RandomNormal(seed="x"), ValueError, "SeedGenerator"),
        (lambda: tf.initializers.get("nothing"), ValueError, "Could not interpret"),
    ],
)
def test_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_an_empty_range_is_found_in_a_function_too():
    draw = tf.function(lambda low: tf.random.uniform([3], low, 5, "int32"))
    assert draw(tf.constant(4)).numpy().tolist() == [4, 4, 4]
    with pytest.raises(INVALID, match="Need minval < maxval"):
        draw(tf.constant(5))


def test_seeds_of_a_graph_are_counted():
    with tf.Graph().as_default():
        assert v1.get_seed(None) == (None, None) and v1.get_seed(7) == (87654321, 7)
        v1.set_random_seed(11)
        assert [v1.get_seed(None), v1.get_seed(7), v1.get_seed(None)] == [(11, 0), (11, 7), (11, 1)]
        v1.set_random_seed(0)
        assert v1.get_seed(0) == (0, 2**31 - 1)


def test_seeds_of_1x_programs_follow_the_number_of_nodes(monkeypatch):
    monkeypatch.setattr(node_count, "enabled", True)
    with tf.Graph().as_default(), v1.Session() as session:
        v1.set_random_seed(7)
        v1.placeholder(tf.float32, [None, 4])
        drawn = [v1.random_normal([3]), v1.random_uniform([3]), v1.truncated_normal([3])]
        found = session.run(drawn)
    want = [[-0.437901, -1.753453, -2.207265], [0.027597, 0.031988, 0.619138], [0.215996, -1.742602, -0.366394]]
    np.testing.assert_allclose(found, want, atol=1e-6)  # made by TensorFlow 1.15


def test_a_1x_program_with_dropout_and_variables(monkeypatch):
    monkeypatch.setattr(node_count, "enabled", True)
    with tf.Graph().as_default(), v1.Session() as session:
        v1.set_random_seed(7)
        dropped = v1.nn.dropout(tf.ones([8]), keep_prob=0.5)
        weights = v1.get_variable("w", [2, 2], use_resource=False)
        drawn = v1.random_gamma([2], 2.0)
        session.run(weights.initializer)
        found = session.run([dropped, weights, drawn])
    assert found[0].tolist() == [2, 0, 2, 0, 2, 0, 0, 2]  # made by TensorFlow 1.15, as the rest
    np.testing.assert_allclose(found[1], [[0.07395148, 0.73716915], [0.5943221, 1.0560716]], rtol=1e-6)
    np.testing.assert_allclose(found[2], [2.4826376, 3.471404], rtol=1e-6)


def test_without_seeds_no_two_draws_are_alike():
    tf.random.set_seed(None)
    draws = [tf.random.uniform([4]).numpy() for _ in range(3)]
    draw = tf.function(lambda: tf.random.uniform([4]))
    draws += [draw().numpy() for _ in range(3)]
    assert len({d.tobytes() for d in draws}) == 6


def test_sessions_have_streams_of_their_own():
    with tf.Graph().as_default():
        x = v1.random_uniform([4], seed=3)
        with v1.Session() as a, v1.Session() as b:
            first, second = a.run(x), a.run(x)
            assert (b.run(x) == first).all() and (b.run(x) == second).all() and (first != second).all()


def test_unknown_shapes_are_drawn_too():
    with tf.Graph().as_default():
        dims = v1.placeholder(tf.int32, [None])
        x = v1.random_uniform(dims, seed=3)
        y = tf.random.stateless_normal(dims, [1, 2])
        assert x.shape.rank is None
        with v1.Session() as session:
            a, b = session.run([x, y], {dims: [2, 3]})
            assert a.shape == b.shape == (2, 3)
            assert session.run(x, {dims: [4]}).shape == (4,)


def test_large_draws_agree_with_small_ones():
    """The compiled forms draw what the NumPy forms do, beyond one chunk and one group of rejected values."""
    tf.random.set_seed(1)
    draw = lambda n: [f([n], seed=3) for f in (tf.random.uniform, tf.random.normal, tf.random.truncated_normal)]
    eager = draw(40001)
    tf.random.set_seed(1)
    for a, b in zip(eager, tf.function(lambda: draw(40001))()):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=2e-6)
