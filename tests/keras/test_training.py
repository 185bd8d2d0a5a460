"""`fit` of the usual models: what it learns, what it saves, and what comes back."""

import numpy as np
import pytest

rng = np.random.default_rng(0)
X = rng.random((64, 6)).astype(np.float32)
Y = X @ np.arange(12).reshape(6, 2).astype(np.float32)


@pytest.fixture
def dense(keras):
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(8, activation="relu"), keras.layers.Dense(2)])
    model.compile("adam", "mse", metrics=["mae"])
    return model


def test_names(keras, tf):
    from tensorflow.keras.layers import Dense

    assert tf.keras.layers.Dense is Dense is keras.layers.Dense and tf.losses.MeanSquaredError is keras.losses.MeanSquaredError
    assert keras.backend.backend() == "tensorflow" and tf.initializers.HeNormal is keras.initializers.HeNormal


def test_fit_gives_the_numbers_of_gradient_descent(keras):
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(2, kernel_initializer="zeros")])
    model.compile(keras.optimizers.SGD(0.1), "mse")
    history = model.fit(X, Y, batch_size=16, shuffle=False, verbose=0).history
    w, b, losses = np.zeros((6, 2), np.float32), np.zeros(2, np.float32), []
    for i in range(0, 64, 16):
        x, y = X[i : i + 16], Y[i : i + 16]
        error = x @ w + b - y
        losses.append((error**2).mean())
        w, b = w - 0.1 * x.T @ error * 2 / error.size, b - 0.1 * error.sum(0) * 2 / error.size
    np.testing.assert_allclose(model.get_weights()[0], w, rtol=1e-4)
    np.testing.assert_allclose(model.get_weights()[1], b, rtol=1e-4)
    np.testing.assert_allclose(history["loss"], [np.mean(losses)], rtol=1e-5)


def test_callbacks_validation_and_datasets(keras, tf, dense, tmp_path):
    data = tf.data.Dataset.from_tensor_slices((X, Y)).batch(16)
    seen = []
    note = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(sorted(logs)))
    best = keras.callbacks.ModelCheckpoint(tmp_path / "best.keras", monitor="val_loss", save_best_only=True)
    stop = keras.callbacks.EarlyStopping(monitor="val_loss", min_delta=1e9, patience=1)
    history = dense.fit(data, validation_data=data, epochs=5, callbacks=[note, best, stop], verbose=0)
    assert len(history.epoch) == 2 and seen[0] == ["loss", "mae", "val_loss", "val_mae"]
    again = keras.models.load_model(tmp_path / "best.keras")
    np.testing.assert_allclose(again.predict(X, verbose=0), dense.predict(X, verbose=0), rtol=1e-4)


@pytest.mark.parametrize("name", ["m.keras", "m.h5"])
def test_saving(keras, dense, tmp_path, name):
    dense.fit(X, Y, verbose=0)
    dense.save(tmp_path / name)
    again = keras.models.load_model(tmp_path / name, compile=name.endswith("keras"))
    np.testing.assert_array_equal(again.predict(X, verbose=0), dense.predict(X, verbose=0))


def test_export(tf, dense, tmp_path):
    dense.export(str(tmp_path / "served"), verbose=False)
    served = tf.saved_model.load(str(tmp_path / "served"))
    np.testing.assert_allclose(served.serve(X).numpy(), dense.predict(X, verbose=0), atol=1e-5)


@pytest.mark.parametrize("eagerly", [False, True])
def test_steps_per_execution(keras, eagerly):
    runs = []
    for steps in (1, 3):
        model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(2, kernel_initializer="ones")])
        model.compile("sgd", "mse", steps_per_execution=steps, run_eagerly=eagerly)
        runs.append(model.fit(X, Y, batch_size=10, epochs=2, shuffle=False, verbose=0).history["loss"])
    np.testing.assert_allclose(*runs, rtol=1e-5)


def test_custom_step_and_loop(keras, tf):
    class Model(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = keras.layers.Dense(2, kernel_initializer="zeros")

        def call(self, x):
            return self.dense(x)

        def train_step(self, data):
            x, y = data
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean((self(x, training=True) - y) ** 2)
            gradients = tape.gradient(loss, self.trainable_variables)
            self.optimizer.apply_gradients(zip(gradients, self.trainable_variables))
            return {"error": loss}

    model = Model()
    model.compile(keras.optimizers.SGD(0.1))
    first = model.fit(X, Y, batch_size=64, verbose=0).history["error"][0]
    np.testing.assert_allclose(first, (Y**2).mean(), rtol=1e-5)

    loop, optimizer = Model(), keras.optimizers.SGD(0.1)

    @tf.function
    def step(x, y):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((loop(x) - y) ** 2)
        optimizer.apply_gradients(zip(tape.gradient(loss, loop.trainable_weights), loop.trainable_weights))
        return loss

    np.testing.assert_allclose(step(X, Y), first, rtol=1e-5)
    np.testing.assert_allclose(loop.get_weights()[0], model.get_weights()[0], rtol=1e-5)


def test_masked_recurrent(keras):
    words = np.array([[1, 2, 3, 0, 0], [4, 0, 0, 0, 0]])
    layer = keras.layers.LSTM(3)
    model = keras.Sequential([keras.Input((5,)), keras.layers.Embedding(9, 4, mask_zero=True), layer])
    long = model.predict(words, verbose=0)
    short = layer(model.layers[0](words[:, :3]), mask=words[:, :3] != 0)
    np.testing.assert_allclose(long, short, rtol=1e-5, atol=1e-6)
    model.compile("sgd", "mse")
    assert np.isfinite(model.fit(words, np.ones((2, 3)), verbose=0).history["loss"]).all()


def test_mixed_precision(keras):
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(4, dtype="mixed_float16"), keras.layers.Dense(2, dtype="float32")])
    model.compile("adam", "mse", jit_compile=False)
    model.fit(X, Y, verbose=0)
    assert model.layers[0].compute_dtype == "float16" and model.layers[0].kernel.dtype == "float32"


def test_preprocessing(keras, tf):
    text = keras.layers.TextVectorization(max_tokens=20, output_sequence_length=4)
    text.adapt(np.array(["the cat sat", "the dog ran", "the cat"]))
    np.testing.assert_array_equal(text(["the cat flew"]), [[2, 3, 1, 0]])
    lookup = keras.layers.StringLookup(vocabulary=["a", "b"])
    mapped = tf.data.Dataset.from_tensor_slices(["b", "z"]).batch(2).map(lookup)
    np.testing.assert_array_equal(next(iter(mapped)), [2, 0])
    norm = keras.layers.Normalization()
    norm.adapt(tf.data.Dataset.from_tensor_slices(X).batch(16))
    np.testing.assert_allclose(norm(X), (X - X.mean(0)) / X.std(0), rtol=1e-3, atol=1e-4)
    turned = keras.layers.RandomRotation((0.25, 0.25), fill_mode="constant")(np.arange(9.0).reshape(1, 3, 3, 1), training=True)
    np.testing.assert_allclose(turned[0, ..., 0], np.rot90(np.arange(9.0).reshape(3, 3)), atol=1e-3)
