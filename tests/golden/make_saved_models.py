"""Makes `saved_models/` with real TensorFlows: run it with TensorFlow 1.15, 2.15 and 2.21; each writes its own part."""

import json
import os
import shutil
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np
import tensorflow as tf

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "saved_models")
sys.path.insert(0, os.path.dirname(HERE))
X = np.arange(6, dtype=np.float32).reshape(2, 3) / 5


def fresh(name):
    path = os.path.join(HERE, name)
    shutil.rmtree(path, ignore_errors=True)
    return path


def note(**found):
    path = os.path.join(HERE, "expected.json")
    held = json.load(open(path)) if os.path.exists(path) else {}
    held.update(found)
    with open(path, "w") as file:
        json.dump(held, file, indent=0, sort_keys=True)
        file.write("\n")


def vocabulary():
    path = os.path.join("/tmp", "vocabulary.txt")
    with open(path, "w") as file:
        file.write("a\nb\nc\n")
    return path


def v1():
    x = tf.placeholder(tf.float32, [None, 3], name="x")
    words = tf.placeholder(tf.string, [None], name="words")
    w = tf.get_variable("w", initializer=np.arange(6, dtype=np.float32).reshape(3, 2) / 10)
    b = tf.get_variable("b", initializer=np.float32([1, 2]), use_resource=True)
    n = tf.Variable(np.int64(3), trainable=False, name="n")
    y = tf.identity(tf.nn.relu(tf.matmul(x, w) + b), name="y")
    count = tf.assign_add(n, 1, name="count")
    table = tf.lookup.StaticHashTable(tf.lookup.TextFileInitializer(vocabulary(), tf.string, -2, tf.int64, -1), -1)
    ids = tf.identity(table.lookup(words), name="ids")
    predict = tf.saved_model.predict_signature_def
    with tf.Session() as sess:
        sess.run([tf.global_variables_initializer(), tf.tables_initializer()])
        builder = tf.saved_model.builder.SavedModelBuilder(fresh("v115"))
        signatures = {"serving_default": predict({"x": x}, {"y": y}), "words": predict({"words": words}, {"ids": ids}), "count": predict({"x": x}, {"n": count})}
        builder.add_meta_graph_and_variables(
            sess, ["serve"], signatures, assets_collection=tf.get_collection(tf.GraphKeys.ASSET_FILEPATHS), main_op=tf.saved_model.main_op.main_op(),
            strip_default_attrs=True,
        )  # fmt: skip
        builder.add_meta_graph(["serve", "gpu"], {"serving_default": signatures["serving_default"]})
        builder.save()
        note(v115=dict(y=sess.run(y, {x: X}).tolist(), ids=sess.run(ids, {words: ["c", "q"]}).tolist(), n=4))
        frozen = tf.graph_util.convert_variables_to_constants(sess, sess.graph.as_graph_def(), ["y"])
        tf.io.write_graph(frozen, HERE, "frozen.pbtxt", as_text=True)


def v2(name):
    import saved_model_programs as programs

    programs.save_model(tf, fresh(name), vocabulary())
    note(**{name: programs.use_model(tf, os.path.join(HERE, name))})


def gradient():
    import saved_model_programs as programs

    tf.saved_model.save(programs.modules(tf, HERE)[1](), fresh("gradient"))
    note(gradient=programs.use_gradient(tf, os.path.join(HERE, "gradient")))


def keras(name):
    layers = tf.keras.layers
    tf.keras.utils.set_random_seed(3)
    model = tf.keras.Sequential([layers.Dense(2, activation="tanh", input_shape=(3,)), layers.BatchNormalization(), layers.Dropout(0.5), layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(X, X[:, :1], verbose=0)
    path = fresh(name)
    model.save(path, save_format="tf")
    os.remove(os.path.join(path, "keras_metadata.pb"))
    weights = [len(model.variables), len(model.trainable_variables)]
    note(**{name: dict(y=model(X, training=False).numpy().tolist(), weights=weights)})


version = tf.__version__
os.makedirs(HERE, exist_ok=True)
if version.startswith("1."):
    v1()
elif version.startswith("2.15"):
    keras("keras215")
else:
    v2("v221")
    gradient()
