"""SavedModels written by TensorFlow 2.21, 2.15 and 1.15 give here what they give there."""

import numpy as np
import pytest

import penstock as tf
from tests.golden import saved_model_programs as programs
from tests.saved_model.golden import EXPECTED, X, path, same


def test_a_model_of_2_21():
    same(programs.use_model(tf, path("v221")), EXPECTED["v221"])


def test_a_gradient_of_its_own():
    same(programs.use_gradient(tf, path("gradient")), EXPECTED["gradient"])


def test_a_keras_model_of_2_15_trains_on():
    model = tf.saved_model.load(path("keras215"))
    expected = EXPECTED["keras215"]
    (value,) = model.signatures["serving_default"](tf.constant(X)).values()
    same(value.numpy().tolist(), expected["y"])
    same(model(tf.constant(X), training=False).numpy().tolist(), expected["y"])
    assert [len(model.variables), len(model.trainable_variables)] == expected["weights"]
    weights = list(model.trainable_variables)
    losses = []
    for _ in range(5):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((model(tf.constant(X), training=True) - X[:, :1]) ** 2)
        for w, g in zip(weights, tape.gradient(loss, weights)):
            w.assign_sub(0.05 * g)
        losses.append(float(loss))
    assert all(np.isfinite(losses))
    assert min(losses[1:]) < losses[0]


def test_a_model_of_1_15_as_objects():
    model = tf.saved_model.load(path("v115"), tags=["serve"])
    expected = EXPECTED["v115"]
    f = model.signatures["serving_default"]
    same(f(tf.constant(X))["y"].numpy().tolist(), expected["y"])
    assert f.structured_input_signature == ((), {"x": tf.TensorSpec([None, 3], tf.float32, "x")})
    assert model.signatures["words"](words=tf.constant(["c", "q"]))["ids"].numpy().tolist() == expected["ids"]
    assert int(model.signatures["count"](x=tf.constant(X))["n"]) == expected["n"]
    assert {v.name for v in model.variables} == {"w:0", "b:0", "n:0"}
    half = model.prune("x:0", "MatMul:0")
    np.testing.assert_allclose(half(tf.constant(X)), X @ np.arange(6, dtype=np.float32).reshape(3, 2) / 10, rtol=1e-5)
    with tf.GradientTape() as tape:
        y = tf.reduce_sum(f(x=tf.constant(X))["y"])
    w = next(v for v in model.variables if v.name == "w:0")
    np.testing.assert_allclose(tape.gradient(y, w), X.sum(0)[:, None].repeat(2, 1), rtol=1e-5)


def test_two_loads_share_nothing():
    one, two = tf.saved_model.load(path("v221")), tf.saved_model.load(path("v221"))
    one.add(tf.constant(["r"]), tf.constant([1], tf.int64))
    one.count.assign_add(10)
    values, size = two.add(tf.constant(["z"]), tf.constant([1], tf.int64))
    assert int(two.count) == 0
    assert values.numpy().tolist() == [5, -5]
    assert int(size) == 2


def test_tags():
    with pytest.raises(ValueError, match="MetaGraph with tags \\['serve'\\]"):
        tf.saved_model.load(path("v221"), tags=["train"])
    with pytest.raises(ValueError, match="requires a `tags=` argument"):
        tf.saved_model.load(path("v115"))
    assert sorted(tf.saved_model.load(path("v115"), tags=["serve", "gpu"]).signatures) == ["serving_default"]
    with pytest.raises(OSError, match="SavedModel file does not exist at"):
        tf.saved_model.load(path("nothing"))


def test_calls_that_fit_no_signature():
    model = tf.saved_model.load(path("v221"))
    f = model.signatures["serving_default"]
    for call in (lambda: f(), lambda: f(x=tf.ones([1, 3]), y=1), lambda: f(tf.ones([1, 3]), tf.ones([1, 3]))):
        with pytest.raises(TypeError, match="Fallback to flat signature also failed"):
            call()
    with pytest.raises(tf.errors.InvalidArgumentError, match="was expected to be a float"):
        f(x=tf.ones([1, 3], tf.int32))
    with pytest.raises(tf.errors.InvalidArgumentError):
        f(x=tf.ones([1, 4]))
    with pytest.raises(ValueError, match="Could not find matching concrete function .*\\n.*"):
        model.layers[1](tf.ones([2, 4]))
    with pytest.raises(TypeError, match="unexpected keyword argument 'foo'"):
        model.layers[1](tf.ones([2, 3]), foo=1)
    same(f(x=X.astype(np.float64))["s"].numpy(), 600.0)
    assert not callable(model)
    assert callable(model.layers[0])


def test_the_checkpoint_may_be_left_out():
    options = tf.saved_model.LoadOptions(experimental_skip_checkpoint=True)
    model = tf.saved_model.load(path("v221"), options=options)
    with pytest.raises(tf.errors.FailedPreconditionError):
        model.count.numpy()
    assert model.count.shape == [] and model.layers[0].w.shape == [3, 2]


def test_versions_and_fingerprints():
    model = tf.saved_model.load(path("v221"))
    assert model.tensorflow_version == "2.21.0"
    one, two = (tf.saved_model.experimental.read_fingerprint(path(n)) for n in ("v221", "gradient"))
    assert one == tf.saved_model.experimental.read_fingerprint(path("v221")) != two
    assert one.singleprint().count("/") == 3
    with pytest.raises(FileNotFoundError, match="Could not find fingerprint in directory"):
        tf.saved_model.experimental.read_fingerprint(path("v115"))
