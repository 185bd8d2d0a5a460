"""`tf.keras` of a program of 1.x: layers in its graph and session, models that fit; numbers of TensorFlow 1.15.5."""

import importlib.util
import subprocess
import sys
import textwrap

import pytest

pytestmark = pytest.mark.skipif(importlib.util.find_spec("tf_keras") is None, reason="tf_keras is not installed")


def test_layers_of_a_session_and_a_model(tmp_path):
    program = """
        import numpy as np
        import tensorflow as tf
        tf.set_random_seed(1)
        x = tf.placeholder(tf.float32, [None, 4])
        y = tf.layers.dense(tf.keras.layers.Dense(3, activation="relu")(x), 2)
        loss = tf.reduce_sum(y)
        train = tf.train.GradientDescentOptimizer(0.1).minimize(loss)
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            print("%.5f" % session.run([loss, train], {x: np.ones([2, 4])})[0], [v.name for v in tf.trainable_variables()])
        tf.reset_default_graph()
        tf.keras.backend.clear_session()
        model = tf.keras.models.Sequential([tf.keras.layers.Dense(1, input_shape=(4,), kernel_initializer="ones")])
        model.compile(tf.train.GradientDescentOptimizer(0.1), "mse", metrics=["mae"])
        history = model.fit(np.ones([8, 4]), np.ones([8, 1]), epochs=2, batch_size=8, verbose=0).history
        print([round(float(v), 4) for v in history["loss"]], model.predict(np.ones([1, 4])).shape)
    """
    (tmp_path / "program.py").write_text(textwrap.dedent(program))
    command = [sys.executable, "-c", "import sys; from penstock.cli.main import main; sys.exit(main())"]
    done = subprocess.run([*command, "run", "--tf1", "program.py"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "5.12530 ['dense/kernel:0', 'dense/bias:0', 'dense/kernel_1:0', 'dense/bias_1:0']",
        "[9.0, 0.0] (1, 1)",
    ]
