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


def test_a_model_saves_loads_and_fits_a_dataset(tmp_path):
    program = """
        import numpy as np
        import tensorflow as tf
        model = tf.keras.Sequential([tf.keras.layers.Dense(3, input_shape=(4,)), tf.keras.layers.Dense(1)])
        model.compile("sgd", "mse")
        data = tf.data.Dataset.from_tensor_slices((np.ones([8, 4], "f"), np.ones([8, 1], "f"))).shuffle(8).batch(4).repeat()
        model.fit(data, steps_per_epoch=2, epochs=1, verbose=0)
        graph = tf.GraphDef.FromString(tf.keras.backend.get_value(data._as_serialized_graph()))
        print([n.op for n in graph.node if "Dataset" in n.op])
        model.save("model.h5")
        print(np.allclose(tf.keras.models.load_model("model.h5").predict(np.ones([1, 4])), model.predict(np.ones([1, 4]))))
    """
    (tmp_path / "program.py").write_text(textwrap.dedent(program))
    command = [sys.executable, "-c", "import sys; from penstock.cli.main import main; sys.exit(main())"]
    done = subprocess.run([*command, "run", "--tf1", "program.py"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    stages, same = done.stdout.splitlines()
    assert stages == "['TensorSliceDataset', 'ShuffleDataset', 'BatchDatasetV2', 'RepeatDataset']" and same == "True"


def test_initializers_of_1x_have_the_names_that_files_hold():
    import copy
    import pickle

    import penstock.compat.v1 as tf

    made = tf.glorot_uniform_initializer(seed=3)
    assert type(made).__name__ == "GlorotUniform"
    for again in (copy.deepcopy(made), pickle.loads(pickle.dumps(made))):
        assert type(again) is type(made) and again.get_config() == made.get_config()
