"""Parts of graphs, frozen variables, graphs in files."""

import numpy as np
import pytest
from google.protobuf import text_format

import penstock as tf

v1 = tf.compat.v1


@pytest.fixture
def trained():
    graph = v1.Graph()
    with graph.as_default():
        x = v1.placeholder(tf.float32, [None, 2], name="x")
        w = v1.get_variable("w", initializer=np.float32([[1], [2]]), use_resource=True)
        b = v1.get_variable("b", initializer=np.float32([3]), use_resource=False)
        tf.identity(tf.identity(tf.matmul(x, w)) + b, name="y")
        tf.negative(x, name="unused")
        init = v1.global_variables_initializer()
    with v1.Session(graph=graph) as session:
        session.run(init)
        yield graph, session


def test_freeze(trained):
    graph, session = trained
    frozen = v1.graph_util.convert_variables_to_constants(session, graph.as_graph_def(), ["y"])
    kinds = {n.name: n.op for n in frozen.node}
    assert kinds["w"] == kinds["b"] == "Const" and "unused" not in kinds and "VarHandleOp" not in kinds.values()
    frozen = v1.graph_util.remove_training_nodes(frozen, ["y"])
    with v1.Graph().as_default() as again:
        v1.import_graph_def(frozen, name="")
        with v1.Session(graph=again) as other:
            assert other.run("y:0", {"x:0": [[1.0, 1.0]]}).tolist() == [[6.0]]


def test_extract_errors(trained):
    graph, _ = trained
    with pytest.raises(TypeError, match="iterable of strings"):
        v1.graph_util.extract_sub_graph(graph.as_graph_def(), "y")
    with pytest.raises(AssertionError, match="zork is not in graph"):
        v1.graph_util.extract_sub_graph(graph.as_graph_def(), ["zork"])


def test_write_graph(trained, tmp_path):
    graph, _ = trained
    text = tf.io.write_graph(graph, str(tmp_path / "new"), "graph.pbtxt")
    with open(text) as file:
        assert text_format.Parse(file.read(), v1.GraphDef()) == graph.as_graph_def()
    binary = v1.train.write_graph(graph.as_graph_def(), str(tmp_path), "graph.pb", as_text=False)
    with open(binary, "rb") as file:
        assert v1.GraphDef.FromString(file.read()) == graph.as_graph_def()
