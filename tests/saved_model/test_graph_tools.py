"""Frozen functions and graphs, and the tools that make them."""

import os

import numpy as np
import pytest

import penstock as tf2
import penstock.compat.v1 as tf
from penstock.state.graph_tools.convert_to_constants import convert_variables_to_constants_v2
from penstock.state.graph_tools.freeze_graph import freeze_graph
from penstock.state.graph_tools.inspect_checkpoint import print_tensors_in_checkpoint_file
from penstock.state.graph_tools.optimize_for_inference import optimize_for_inference
from penstock.state.graph_tools.strip_unused import strip_unused
from tests.saved_model.golden import EXPECTED, X, path, same


def run_graph_def(definition, fetches, feed):
    with tf.Graph().as_default() as graph, tf.Session(graph=graph) as sess:
        tf.import_graph_def(definition, name="")
        return sess.run(fetches, feed)


def test_a_function_without_its_variables(tmp_path):
    w, b = tf2.Variable(np.ones([3, 2], np.float32)), tf2.Variable(np.ones([2], np.float32))
    rows = tf2.Variable(np.arange(12, dtype=np.float32).reshape(4, 3))
    dense = tf2.function(lambda x: tf2.matmul(x, w) + b)

    def f(x, ids):
        y = dense(x)
        y = tf2.cond(tf2.reduce_sum(y) > 0.0, lambda: y * tf2.reduce_sum(w), lambda: y)
        for _ in tf2.range(3):
            y = y + b
        return {"y": y, "z": tf2.nn.embedding_lookup(rows, ids)}

    concrete = tf2.function(f).get_concrete_function(tf2.TensorSpec([None, 3], name="x"), tf2.TensorSpec([None], tf2.int32, name="ids"))
    frozen = convert_variables_to_constants_v2(concrete)
    assert [t.name for t in (*frozen.inputs, *frozen.outputs)] == ["x:0", "ids:0", "Identity:0", "Identity_1:0"]
    assert not frozen.variables and not frozen.captured_inputs
    assert {"VarHandleOp", "ReadVariableOp", "ResourceGather", "PartitionedCall"}.isdisjoint(o.type for o in frozen.graph.get_operations())
    y, z = frozen(x=tf2.ones([2, 3]), ids=tf2.constant([1, 0]))
    assert y.numpy().tolist() == [[27, 27], [27, 27]] and z.numpy().tolist() == [[3, 4, 5], [0, 1, 2]]
    tf2.io.write_graph(frozen.graph, str(tmp_path), "frozen.pb", as_text=False)
    definition = tf.GraphDef.FromString((tmp_path / "frozen.pb").read_bytes())
    got = run_graph_def(definition, ["Identity:0", "Identity_1:0"], {"x:0": np.ones([1, 3]), "ids:0": [2]})
    assert got[0].tolist() == [[27, 27]] and got[1].tolist() == [[6, 7, 8]]
    wrapped = tf.wrap_function(lambda: tf.import_graph_def(definition, name=""), [])
    part = wrapped.prune(wrapped.graph.as_graph_element("x:0"), wrapped.graph.as_graph_element("Identity:0"))
    assert part(tf2.ones([1, 3])).numpy().tolist() == [[27, 27]]


def test_a_loaded_keras_model_frozen():
    model = tf2.saved_model.load(path("keras215"))
    frozen = convert_variables_to_constants_v2(model.signatures["serving_default"])
    same(frozen(tf2.constant(X))[0].numpy().tolist(), EXPECTED["keras215"]["y"])


def test_what_writes_its_variables_cannot_be_frozen():
    v = tf2.Variable(1.0)
    concrete = tf2.function(lambda x: v.assign_add(x)).get_concrete_function(tf2.TensorSpec([]))
    with pytest.raises(ValueError, match="AssignAddVariableOp"):
        convert_variables_to_constants_v2(concrete)
    with pytest.raises(TypeError, match="takes a concrete function"):
        convert_variables_to_constants_v2(tf2.function(lambda x: x))


def test_a_golden_frozen_graph():
    from google.protobuf import text_format

    with open(path("frozen.pbtxt"), encoding="utf-8") as file:
        definition = text_format.Parse(file.read(), tf.GraphDef())
    same(run_graph_def(definition, "y:0", {"x:0": X}).tolist(), EXPECTED["v115"]["y"])


@pytest.mark.parametrize("resource", [False, True])
def test_freeze_graph_of_files(tmp_path, resource):
    with tf.Graph().as_default() as graph, tf.Session(graph=graph) as sess:
        x = tf.placeholder(tf.float32, [None, 2], name="x")
        w = tf.get_variable("w", initializer=np.float32([[1, 2], [3, 4]]), use_resource=resource)
        tf.identity(tf.matmul(x, w), name="y")
        sess.run(tf.global_variables_initializer())
        saver = tf.train.Saver()
        prefix = saver.save(sess, str(tmp_path / "model"))
        tf.train.write_graph(graph, str(tmp_path), "graph.pbtxt")
        tf.train.write_graph(graph, str(tmp_path), "graph.pb", as_text=False)
    for source in (dict(input_graph=str(tmp_path / "graph.pbtxt"), input_binary=False), dict(input_graph=str(tmp_path / "graph.pb"), input_binary=True),
                   dict(input_graph=None, input_binary=True, input_meta_graph=f"{prefix}.meta")):  # fmt: skip
        target = str(tmp_path / "frozen.pb")
        made = freeze_graph(input_saver="", input_checkpoint=prefix, output_node_names="y", restore_op_name="save/restore_all",
                            filename_tensor_name="save/Const:0", output_graph=target, clear_devices=True, initializer_nodes="", **source)  # fmt: skip
        assert os.path.getsize(target) and not {"VariableV2", "VarHandleOp"} & {n.op for n in made.node}
        assert run_graph_def(made, "y:0", {"x:0": [[1, 1]]}).tolist() == [[4, 6]]
    made = freeze_graph(None, "", True, prefix, "y", None, None, "", True, "", input_saved_model_dir=path("v115"), saved_model_tags="serve")
    same(run_graph_def(made, "y:0", {"x:0": X}).tolist(), EXPECTED["v115"]["y"])
    with pytest.raises(ValueError, match="does not exist"):
        freeze_graph(str(tmp_path / "graph.pb"), "", True, str(tmp_path / "none"), "y", None, None, "", True, "")
    with pytest.raises(OSError, match="does not exist"):
        freeze_graph(str(tmp_path / "none.pb"), "", True, prefix, "y", None, None, "", True, "")


def test_strip_and_optimize():
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [None, 4, 4, 2], name="x")
        doubled = tf.identity(x * 2.0, name="middle")
        kernel = tf.constant(np.random.RandomState(0).rand(3, 3, 2, 3).astype(np.float32))
        y = tf.nn.conv2d(doubled, kernel, strides=[1, 1, 1, 1], padding="SAME")
        parts = [np.float32(v) for v in ([1, 2, 3], [0.5, 0.1, -1], [0.2, 0.3, 0.4], [1.5, 0.5, 2])]
        y = tf.nn.fused_batch_norm(y, *parts, is_training=False)[0]
        tf.identity(tf.check_numerics(y, "bad"), name="out")
        definition = graph.as_graph_def()
    feed = np.random.RandomState(1).rand(1, 4, 4, 2).astype(np.float32)
    expected = run_graph_def(definition, "out:0", {"x:0": feed})
    stripped = strip_unused(definition, ["middle"], ["out"], tf.float32.as_datatype_enum)
    assert "x" not in {n.name for n in stripped.node}
    np.testing.assert_allclose(run_graph_def(stripped, "out:0", {"middle:0": feed * 2}), expected, rtol=1e-5)
    small = optimize_for_inference(definition, ["x"], ["out"], tf.float32.as_datatype_enum)
    assert {"FusedBatchNormV3", "CheckNumerics"}.isdisjoint(n.op for n in small.node)
    np.testing.assert_allclose(run_graph_def(small, "out:0", {"x:0": feed}), expected, rtol=1e-4, atol=1e-5)
    with pytest.raises(KeyError, match="input nodes were not found"):
        strip_unused(definition, ["nothing"], ["out"], 1)


def test_inspect_checkpoint(capsys):
    print_tensors_in_checkpoint_file(os.path.join(path("v115"), "variables", "variables"), "", all_tensors=True)
    text = capsys.readouterr().out
    assert "tensor: w (float32) [3, 2]" in text and "# Total number of params: 9" in text
    print_tensors_in_checkpoint_file(os.path.join(path("v115"), "variables", "variables"), "nothing", all_tensors=False)
    assert "Tensor nothing not found in checkpoint" in capsys.readouterr().out
