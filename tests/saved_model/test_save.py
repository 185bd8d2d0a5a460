"""SavedModels written by penstock: what they hold, what they give, what cannot be written."""

import os

import numpy as np
import pytest

import penstock as tf
from tests.golden import saved_model_programs as programs
from tests.saved_model.golden import EXPECTED, same

S = tf.TensorSpec


def module(**attributes):
    made = tf.Module()
    for key, value in attributes.items():
        setattr(made, key, value)
    return made


def back(obj, folder, **kwargs):
    tf.saved_model.save(obj, str(folder), **kwargs)
    return tf.saved_model.load(str(folder))


def test_the_golden_model_made_here(tmp_path):
    words = tmp_path / "vocabulary.txt"
    words.write_text("a\nb\nc\n")
    programs.save_model(tf, str(tmp_path / "m"), str(words))
    words.unlink()
    same(programs.use_model(tf, str(tmp_path / "m")), EXPECTED["v221"])
    there = {os.path.relpath(os.path.join(d, f), tmp_path / "m") for d, _, fs in os.walk(tmp_path / "m") for f in fs}
    assert there == {"saved_model.pb", "fingerprint.pb", "assets/vocabulary.txt", "variables/variables.index", "variables/variables.data-00000-of-00001"}


def test_the_1_x_loader_reads_it(tmp_path):
    words = tmp_path / "vocabulary.txt"
    words.write_text("a\nb\nc\n")
    programs.save_model(tf, str(tmp_path / "m"), str(words))
    v1 = tf.compat.v1
    with v1.Graph().as_default() as graph, v1.Session(graph=graph) as sess:
        meta = v1.saved_model.load(sess, ["serve"], str(tmp_path / "m"))
        look, serve = meta.signature_def["look"], meta.signature_def["serving_default"]
        assert sess.run(look.outputs["output_0"].name, {look.inputs["k"].name: ["b", "z"]}).tolist() == [1, -1]
        x = np.arange(6, dtype=np.float32).reshape(2, 3)
        same(sess.run(serve.outputs["out"].name, {serve.inputs["x"].name: x}), EXPECTED["v221"]["out"])


def test_default_signature(tmp_path):
    f = lambda n=1: tf.function(lambda x: x + n, input_signature=[S([None])])
    one = back(module(f=f()), tmp_path / "one")
    assert one.signatures["serving_default"](tf.constant([1.0]))["output_0"].numpy().tolist() == [2.0]
    assert not back(module(f=f(), g=f(2)), tmp_path / "two").signatures
    assert not back(module(f=tf.function(lambda x: {"a": [x]}, input_signature=[S([])])), tmp_path / "nested").signatures
    assert not back(tf.Module(), tmp_path / "none").signatures


@pytest.mark.parametrize("signature, names", [
    ([S([]), S([], tf.int32)], ["x", "y"]),
    ([S([], name="foo"), S([], tf.int32, name="bar")], ["bar", "foo"]),
    ([S([], name="foo"), S([], tf.int32, name="foo")], ["foo", "foo_1"]),
])  # fmt: skip
def test_names_of_inputs(tmp_path, signature, names):
    model = back(module(f=tf.function(lambda x, y: {"q": x, "r": y}, input_signature=signature)), tmp_path)
    f = model.signatures["serving_default"]
    assert sorted(f.structured_input_signature[1]) == names
    assert sorted(f.structured_outputs) == ["q", "r"]


def test_nested_and_ragged_inputs(tmp_path):
    nested = tf.function(lambda x: x["a"] + x["b"][0], input_signature=[{"a": S([None]), "b": [S([])]}])
    f = back(module(f=nested), tmp_path / "n").signatures["serving_default"]
    assert f(x=tf.constant([1.0]), x_1=tf.constant(2.0))["output_0"].numpy().tolist() == [3.0]
    ragged = tf.function(lambda x: x.values * 2.0, input_signature=[tf.RaggedTensorSpec([None, None])])
    model = back(module(f=ragged), tmp_path / "r")
    assert model.f(tf.ragged.constant([[1.0], [2.0, 3.0]])).numpy().tolist() == [2, 4, 6]
    assert sorted(model.signatures["serving_default"].structured_input_signature[1]) == ["x", "x_1"]


def test_traces_of_python_arguments(tmp_path):
    class Scaler(tf.Module):
        @tf.function
        def __call__(self, x, mode="plus", *, by=2.0):
            return {"r": x + by if mode == "plus" else x * by, "none": None}

    scaler = Scaler()
    scaler(tf.ones([2]))
    scaler(tf.ones([2]), "times", by=5.0)
    scaler(tf.ones([2]), mode=object())
    model = back(scaler, tmp_path)
    assert model(tf.ones([2]))["r"].numpy().tolist() == [3, 3]
    assert model(tf.ones([2]), mode="times", by=5.0) ["r"].numpy().tolist() == [5, 5]
    assert model([1.0, 1.0])["none"] is None
    with pytest.raises(ValueError, match="match one of the following 2 option"):
        model(tf.ones([2]), by=7.0)


def test_what_attributes_hold(tmp_path):
    root = module(v=tf.Variable(1.0), plain=3, text="x")
    root.items = [tf.Variable([1, 2]), tf.Module()]
    root.items[1].name_ = tf.Variable("a string")
    root.table = {"k": tf.Variable(2.0, trainable=False, shape=tf.TensorShape(None))}
    root.same = root.v
    model = back(root, tmp_path)
    assert model.same is model.v
    assert model.items[1].name_.numpy() == b"a string"
    assert model.table["k"].shape.rank is None and not model.table["k"].trainable
    assert not hasattr(model, "plain")
    again = back(model, tmp_path / "again")
    assert again.items[0].numpy().tolist() == [1, 2]


def test_a_loaded_model_is_written_again(tmp_path):
    words = tmp_path / "vocabulary.txt"
    words.write_text("a\nb\nc\n")
    programs.save_model(tf, str(tmp_path / "m"), str(words))
    first = tf.saved_model.load(str(tmp_path / "m"))
    tf.saved_model.save(first, str(tmp_path / "n"), signatures=first.signatures)
    same(programs.use_model(tf, str(tmp_path / "n")), EXPECTED["v221"])


def test_what_cannot_be_written(tmp_path):
    outside = tf.Variable(3.0)
    save = lambda obj, **kw: tf.saved_model.save(obj, str(tmp_path / "x"), **kw)
    with pytest.raises(AssertionError, match="references an 'untracked' resource"):
        save(module(f=tf.function(lambda x: x * outside, input_signature=[S([])])))
    for bad in (3, {"a": lambda x: x}, tf.function(lambda x: x)):
        with pytest.raises(ValueError, match="Expected a TensorFlow function for which to generate a signature"):
            save(tf.Module(), signatures=bad)
    for result in ({"a": [1.0]}, None, {1: 2.0}):
        with pytest.raises(ValueError, match="Got a "):
            save(tf.Module(), signatures=tf.function(lambda x, r=result: tf.nest.map_structure(lambda v: None if v is None else x, r), input_signature=[S([])]))
    with pytest.raises(ValueError, match="Expected an object of type `Trackable`"):
        save(3)
    with pytest.raises(ValueError, match="attribute named 'signatures'"):
        save(module(signatures=tf.Variable(1.0)))
    with pytest.raises(AssertionError, match="not supported inside a traced @tf.function"):
        tf.function(lambda: save(tf.Module()))()
    with pytest.raises(ValueError, match="invalid VariablePolicy"):
        tf.saved_model.SaveOptions(experimental_variable_policy="x")
    assert not (tmp_path / "x" / "saved_model.pb").exists()


def test_control_flow_and_training(tmp_path):
    class Trainer(tf.Module):
        def __init__(self):
            super().__init__()
            self.w = tf.Variable(tf.ones([3, 2]) * 0.5)

        @tf.function(input_signature=[S([None, 3]), S([None, 2])])
        def train(self, x, y):
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean(tf.square(tf.tanh(x @ self.w) - y))
            self.w.assign_sub(0.1 * tape.gradient(loss, self.w))
            return loss

        @tf.function(input_signature=[S([], tf.int32)])
        def choose(self, n):
            total = tf.constant(0)
            for i in tf.range(n):
                if i % 2 == 0:
                    total += i
            return total, tf.switch_case(n % 2, [lambda: tf.reduce_sum(self.w), lambda: -1.0])

    one = Trainer()
    x, y = tf.ones([4, 3]), tf.zeros([4, 2])
    two = back(one, tmp_path)
    assert [float(two.train(x, y)) for _ in range(3)] == pytest.approx([float(one.train(x, y)) for _ in range(3)])
    np.testing.assert_allclose(two.w, one.w, rtol=1e-6)
    assert [int(two.choose(tf.constant(5))[0]), float(two.choose(tf.constant(5))[1])] == [6, -1.0]


def test_gradients_of_their_own(tmp_path):
    _, OwnGradient = programs.modules(tf, str(tmp_path))
    tf.saved_model.save(OwnGradient(), str(tmp_path / "one"))
    same(programs.use_gradient(tf, str(tmp_path / "one")), EXPECTED["gradient"])
    again = tf.saved_model.load(str(tmp_path / "one"))
    tf.saved_model.save(again, str(tmp_path / "two"))
    same(programs.use_gradient(tf, str(tmp_path / "two")), EXPECTED["gradient"])
    options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
    tf.saved_model.save(OwnGradient(), str(tmp_path / "three"), options=options)
    assert programs.use_gradient(tf, str(tmp_path / "three"))[0] == EXPECTED["gradient"][0]


def test_a_gradient_that_reads_a_variable(tmp_path):
    class Scale(tf.Module):
        def __init__(self):
            super().__init__()
            self.v = tf.Variable([1.0, 2.0])

        @tf.function(input_signature=[S([2])])
        def f(self, x):
            @tf.custom_gradient
            def g(x):
                def grad(dy, variables=None):
                    return dy * 3.0 * self.v, [dy * x * 5.0]

                return x * self.v, grad

            return g(x)

    model, x = back(Scale(), tmp_path), tf.constant([3.0, 4.0])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = model.f(x)
    assert [g.numpy().tolist() for g in tape.gradient(y, [x, model.v])] == [[3, 6], [15, 20]]
