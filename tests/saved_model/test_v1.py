"""The 1.x API: builders, the loader, signatures."""

import os

import numpy as np
import pytest

import penstock as tf2
import penstock.compat.v1 as tf
from tests.saved_model.golden import EXPECTED, X, path, same


def graph_with_model():
    x = tf.placeholder(tf.float32, [None, 2], name="x")
    words = tf.placeholder(tf.string, [None], name="words")
    v = tf.get_variable("v", initializer=np.ones([2, 3], np.float32), use_resource=False)
    r = tf.get_variable("r", initializer=np.float32([1, 2, 3]), use_resource=True)
    y = tf.identity(tf.matmul(x, v) + r, name="y")
    return x, words, y


def test_loader_on_a_golden_model():
    for tags in (["serve"], {"gpu", "serve"}):
        with tf.Graph().as_default() as graph, tf.Session(graph=graph) as sess:
            meta = tf.saved_model.loader.load(sess, tags, path("v115"))
            signature = meta.signature_def["serving_default"]
            got = sess.run(signature.outputs["y"].name, {signature.inputs["x"].name: X})
            same(got.tolist(), EXPECTED["v115"]["y"])
            if tags == ["serve"]:
                assert sess.run("ids:0", {"words:0": ["c", "q"]}).tolist() == EXPECTED["v115"]["ids"]


def test_import_scope():
    with tf.Graph().as_default() as graph, tf.Session(graph=graph) as sess:
        tf.saved_model.load(sess, ["serve"], path("v115"), import_scope="in")
        same(sess.run("in/y:0", {"in/x:0": X}).tolist(), EXPECTED["v115"]["y"])


def test_simple_save_and_back(tmp_path):
    folder = str(tmp_path / "m")
    with tf.Graph().as_default() as graph, tf.Session(graph=graph) as sess:
        x, _, y = graph_with_model()
        sess.run(tf.global_variables_initializer())
        tf.saved_model.simple_save(sess, folder, {"x": x}, {"y": y})
        with pytest.raises(AssertionError, match="already exists, and isn't empty"):
            tf.saved_model.simple_save(sess, folder, {"x": x}, {"y": y})
    assert tf.saved_model.loader.maybe_saved_model_directory(folder)
    assert tf2.saved_model.contains_saved_model(folder) and not tf2.saved_model.contains_saved_model(str(tmp_path))
    with tf.Graph().as_default() as graph, tf.Session(graph=graph) as sess:
        tf.saved_model.load(sess, [tf.saved_model.tag_constants.SERVING], folder)
        assert sess.run("y:0", {"x:0": [[1, 2]]}).tolist() == [[4, 5, 6]]
        with pytest.raises(RuntimeError, match="available tag-sets"):
            tf.saved_model.load(sess, ["train"], folder)
    model = tf2.saved_model.load(folder)
    assert model.signatures["serving_default"](x=tf2.ones([1, 2]))["y"].numpy().tolist() == [[3, 4, 5]]


def test_builder_with_text_assets_and_several_graphs(tmp_path):
    (tmp_path / "words.txt").write_text("one\ntwo\n")
    folder = str(tmp_path / "m")
    predict = tf.saved_model.signature_def_utils.predict_signature_def
    with tf.Graph().as_default() as graph, tf.Session(graph=graph) as sess:
        x, words, y = graph_with_model()
        table = tf.lookup.StaticHashTable(tf.lookup.TextFileInitializer(str(tmp_path / "words.txt"), tf.string, -2, tf.int64, -1), -1)
        ids = table.lookup(words)
        sess.run([tf.global_variables_initializer(), tf.tables_initializer()])
        builder = tf.saved_model.Builder(folder)
        with pytest.raises(AssertionError, match="has not been saved yet"):
            builder.add_meta_graph(["a"])
        with pytest.raises(KeyError, match="reserved for initialization"):
            builder.add_meta_graph_and_variables(sess, ["serve"], {"__saved_model_init_op": predict({"x": x}, {"y": y})})
        builder.add_meta_graph_and_variables(sess, ["serve"], {"words": predict({"w": words}, {"ids": ids})}, main_op=tf.tables_initializer(),
                                             assets_collection=tf.get_collection(tf.GraphKeys.ASSET_FILEPATHS))  # fmt: skip
        builder.add_meta_graph(["serve", "tpu"], {"plain": predict({"x": x}, {"y": y})})
        assert builder.save(as_text=True) == os.path.join(folder, "saved_model.pbtxt").encode()
    os.remove(tmp_path / "words.txt")
    with tf.Graph().as_default() as graph, tf.Session(graph=graph) as sess:
        meta = tf.saved_model.load(sess, ["serve"], folder)
        signature = meta.signature_def["words"]
        assert sess.run(signature.outputs["ids"].name, {signature.inputs["w"].name: ["two", "x"]}).tolist() == [1, -1]
        assert [a.filename for a in meta.asset_file_def] == ["words.txt"]
        assert meta.meta_info_def.tensorflow_version and {o.name for o in meta.meta_info_def.stripped_op_list.op} >= {"MatMul", "HashTableV2"}


def test_signature_defs():
    with tf.Graph().as_default():
        x, words, y = graph_with_model()
        utils = tf.saved_model.signature_def_utils
        classify = utils.classification_signature_def(words, words, y)
        regress, predict = utils.regression_signature_def(words, y), utils.predict_signature_def({"x": x}, {"y": y})
        assert [utils.is_valid_signature(s) for s in (classify, regress, predict, utils.build_signature_def({}, {}), None)] == [True, True, True, False, False]
        assert classify.method_name == "tensorflow/serving/classify" and sorted(classify.outputs) == ["classes", "scores"]
        for call, text in [
            (lambda: utils.predict_signature_def(None, {"y": y}), "Prediction `inputs` cannot be None or empty"),
            (lambda: utils.predict_signature_def({"x": x}, {}), "Prediction `outputs` cannot be None or empty"),
            (lambda: utils.regression_signature_def(x, y), "must be of type string. Found tensors with type 1"),
            (lambda: utils.classification_signature_def(words, x, None), "classes must be of type string"),
            (lambda: utils.classification_signature_def(words, None, None), "cannot both be None"),
        ]:
            with pytest.raises(ValueError, match=text):
                call()
        info = tf.saved_model.utils.build_tensor_info(x)
        assert (info.name, info.dtype, [d.size for d in info.tensor_shape.dim]) == ("x:0", 1, [-1, 2])
        assert tf.saved_model.utils.get_tensor_from_tensor_info(info) is x
        sparse = tf.sparse_placeholder(tf.float32, [3, None], name="sp")
        found = tf.saved_model.get_tensor_from_tensor_info(tf.saved_model.build_tensor_info(sparse))
        assert found.indices is sparse.indices and found.values is sparse.values
    with pytest.raises(RuntimeError, match="not supported in Eager mode"):
        tf.saved_model.build_tensor_info(tf2.constant(1.0))


def test_method_names_are_changed(tmp_path):
    import shutil

    shutil.copytree(path("v115"), tmp_path / "m")
    updater = tf.saved_model.signature_def_utils.MethodNameUpdater(str(tmp_path / "m"))
    updater.replace_method_name(signature_key="words", method_name="mine", tags="serve")
    with pytest.raises(ValueError, match="does not have a signature_def"):
        updater.replace_method_name(signature_key="words", method_name="mine", tags=["serve", "gpu"])
    updater.save()
    with tf.Graph().as_default() as graph, tf.Session(graph=graph) as sess:
        assert tf.saved_model.load(sess, ["serve"], str(tmp_path / "m")).signature_def["words"].method_name == "mine"


def test_training_nodes_on_references_run_on_resources(tmp_path):
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [None, 2], name="x")
        w = tf.get_variable("w", initializer=[[1.0], [2.0]], use_resource=False)
        count = tf.get_variable("c", initializer=0, use_resource=False, trainable=False)
        y = tf.matmul(x, w)
        tf.train.AdamOptimizer(0.1).minimize(tf.reduce_sum(y**2), name="train")
        tf.count_up_to(count, 3, name="up")
        session.run(tf.global_variables_initializer())
        tf.saved_model.simple_save(session, str(tmp_path / "m"), {"x": x}, {"y": y})
    model = tf2.saved_model.load(str(tmp_path / "m"))
    read, up = model.signatures["serving_default"], model.prune([], "up:0")
    train = model.prune("x:0", "train")
    seen = [read(x=tf.constant([[1.0, 2.0]]))["y"].numpy().item()]
    for _ in range(2):
        train(tf.constant([[1.0, 1.0]]))
        seen.append(read(x=tf.constant([[1.0, 2.0]]))["y"].numpy().item())
    np.testing.assert_allclose(seen, [5.0, 4.7, 4.400686], rtol=1e-5)
    assert [int(up()), int(up())] == [0, 1]
