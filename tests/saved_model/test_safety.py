"""Loading a model runs no code: what would do more than compute is refused unless it is trusted."""

import pytest

import penstock as tf
import penstock.compat.v1 as v1
from penstock.state.saved_model import files
from penstock.state.saved_model.safety import SWITCH, dangerous


def forget():
    files._written.clear()


def save(tmp_path, function, *signature):
    module = tf.Module()
    module.f = tf.function(function, input_signature=list(signature))
    tf.saved_model.save(module, str(tmp_path / "m"))
    return str(tmp_path / "m")


def test_python_functions(tmp_path, monkeypatch):
    folder = save(tmp_path, lambda x: tf.numpy_function(lambda v: v + 1, [x], tf.float32), tf.TensorSpec([], tf.float32))
    assert float(tf.saved_model.load(folder).f(tf.constant(1.0))) == 2.0  # written here: its functions are this program's own
    forget()
    with pytest.raises(tf.errors.PermissionDeniedError, match=f"calls a Python function\\n.*{SWITCH}=1"):
        tf.saved_model.load(folder)
    with v1.Graph().as_default() as graph, v1.Session(graph=graph) as sess, pytest.raises(tf.errors.PermissionDeniedError):
        v1.saved_model.load(sess, ["serve"], folder)
    monkeypatch.setenv(SWITCH, "1")
    assert float(tf.saved_model.load(folder).f(tf.constant(1.0))) == 2.0


def test_files(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("s")
    written = save(tmp_path / "w", lambda x: tf.io.write_file(x, "text") or x, tf.TensorSpec([], tf.string))
    named = save(tmp_path / "n", lambda x: tf.io.read_file(tf.strings.join([str(tmp_path), "/secret"])) + x, tf.TensorSpec([], tf.string))
    asked = save(tmp_path / "a", lambda x: tf.io.read_file(x), tf.TensorSpec([], tf.string))
    forget()
    with pytest.raises(tf.errors.PermissionDeniedError, match="writes files"):
        tf.saved_model.load(written)
    with pytest.raises(tf.errors.PermissionDeniedError, match="reads a file that the model names"):
        tf.saved_model.load(named)
    assert tf.saved_model.load(asked).f(tf.constant(str(secret))).numpy() == b"s"  # the caller names the file


def test_assets_stay_inside():
    meta = v1.MetaGraphDef()
    meta.asset_file_def.add(filename="../../etc/passwd").tensor_info.name = "x:0"
    with pytest.raises(ValueError, match="outside of its folder"):
        files.asset_tensors("/tmp/m", meta)


def test_a_function_that_calls_itself():
    graph = v1.GraphDef()
    f = graph.library.function.add()
    f.signature.name = "f"
    node = f.node_def.add(name="again", op="PartitionedCall")
    node.attr["f"].func.name = "f"
    call = graph.node.add(name="call", op="PartitionedCall")
    call.attr["f"].func.name = "f"
    for n in (node, call):
        n.attr["Tin"].list.SetInParent()
        n.attr["Tout"].list.SetInParent()
    with v1.Graph().as_default(), pytest.raises(ValueError, match="calls itself"):
        tf.graph_util.import_graph_def(graph)
    assert dangerous(graph) == []
