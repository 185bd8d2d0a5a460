"""GraphDefs written and read: nodes, attrs, functions, TensorProtos, and the errors of importing."""

import numpy as np
import pytest

import penstock as tf

v1 = tf.compat.v1


@pytest.mark.parametrize(
    ("value", "dtype"),
    [
        ([1, 2], "int32"), (3.5, "float32"), ([1.5, 2], "float16"), ([1.0, -2.0], "bfloat16"), ([True, False], "bool"), ([1 + 2j], "complex64"),
        ([[1], [2]], "int64"), ([7, 8], "uint16"), ([2**40, 1], "uint64"), ([b"a", b"\xff"], "string"), ([], "float32"), ([-1, 3], "int8"),
    ],
)  # fmt: skip
def test_tensor_proto_round_trip(value, dtype):
    proto = tf.make_tensor_proto(value, dtype)
    back = tf.make_ndarray(proto)
    assert back.dtype == tf.as_dtype(dtype).array_dtype and back.shape == np.shape(value)
    assert back.tolist() == tf.constant(value, dtype).numpy().tolist()


def test_tensor_proto_form():
    assert tf.make_tensor_proto([1, 2]).tensor_content == b"\x01\0\0\0\x02\0\0\0"
    assert list(tf.make_tensor_proto(1.0, shape=[3]).float_val) == [1.0]
    assert tf.make_ndarray(tf.make_tensor_proto([1.0, 2.0], shape=[3])).tolist() == [1, 2, 2]
    assert list(tf.make_tensor_proto(1.0, "float16").half_val) == [15360]
    with pytest.raises(ValueError, match="Takes at most 3, but got 4"):
        tf.make_tensor_proto([1, 2, 3, 4], shape=[3])
    with pytest.raises(TypeError, match="Expected Tensor's shape"):
        tf.make_tensor_proto([1, 2], shape=[3], verify_shape=True)
    with pytest.raises(TypeError, match="Expected int32, but got a of type 'str'"):
        tf.make_tensor_proto("a", dtype=tf.int32)


def small_graph():
    graph = v1.Graph()
    with graph.as_default():
        x = v1.placeholder(tf.float32, [None, 3], name="x")
        product = tf.matmul(x, tf.constant([[1.0, 2], [3, 4], [5, 6]]), name="product")
        with tf.control_dependencies([product]):
            tf.identity(tf.fill([40, 2], 3.0) + product[0], name="y")
        n = v1.placeholder(tf.int32, [], name="n")
        tf.identity(tf.cond(n > 3, lambda: product * 10, lambda: product - 1), name="c")
    return graph


def test_round_trip_runs_the_same():
    graph = small_graph()
    definition = v1.GraphDef.FromString(graph.as_graph_def(add_shapes=True).SerializeToString())
    again = v1.Graph()
    with again.as_default():
        v1.import_graph_def(definition, name="")
    assert [(o.name, o.type) for o in again.get_operations()] == [(o.name, o.type) for o in graph.get_operations()]
    feed = {"x:0": [[1.0, 2, 3]], "n:0": 5}
    for name in ("product:0", "c:0", "y:0"):
        a, b = (v1.Session(graph=g).run(name, feed) for g in (graph, again))
        assert a.tolist() == b.tolist()
    assert again.as_graph_def().library.function[0].signature.name == definition.library.function[0].signature.name


def test_attrs_for_users():
    graph = small_graph()
    product = graph.get_operation_by_name("product")
    assert product.get_attr("T") is tf.float32 and product.get_attr("transpose_a") is False
    assert [d.size for d in graph.get_operation_by_name("x").get_attr("shape").dim] == [-1, 3]
    assert product.op_def.name == "MatMul" and product.node_def.input[0] == "x"
    with pytest.raises(ValueError, match="no attr named 'zork'"):
        product.get_attr("zork")


def definition_of(*nodes):
    made = v1.GraphDef()
    for name, op, inputs, types in nodes:
        node = made.node.add(name=name, op=op, input=inputs)
        for key, value in types.items():
            node.attr[key].type = value
    return made


TWO = ("a", "Placeholder", [], {"dtype": 1}), ("b", "Identity", ["a"], {"T": 1})


def test_names_maps_and_elements():
    with v1.Graph().as_default() as graph:
        tensor, op = v1.import_graph_def(definition_of(*TWO), return_elements=["b:0", "b"])
        assert tensor.name == "import/b:0" and op.type == "Identity"
        one = tf.constant(1.0)
        assert v1.import_graph_def(definition_of(*TWO), {"a:0": one}, ["b"])[0].inputs[0] is one
        for _ in range(2):
            v1.import_graph_def(definition_of(*TWO), name="")
        assert [o.name for o in graph.get_operations()][-4:] == ["a", "b", "a_1", "b_1"]
        with graph.name_scope("outer"), graph.control_dependencies([one]):
            (op,) = v1.import_graph_def(definition_of(*TWO), return_elements=["a"])
        assert op.name == "outer/import/a" and op.control_inputs == [one.op]


@pytest.mark.parametrize(
    ("nodes", "arguments", "error", "message"),
    [
        ([("a", "NoSuchOp", [], {})], {}, "NotFoundError", "'NoSuchOp' .node 'a'."),
        ([("a", "Placeholder", [], {})], {}, "ValueError", "NodeDef missing attr 'dtype'"),
        ([TWO[0], ("b", "Identity", ["a"], {"T": 3})], {}, "ValueError", "was passed float32 from import/a:0 incompatible with expected int32"),
        ([TWO[0], ("b", "Identity", ["q"], {"T": 1})], {}, "ValueError", "Node 'b': Unknown input node 'q'"),
        ([TWO[0], ("b", "Identity", ["a:1"], {"T": 1})], {}, "ValueError", "Connecting to invalid output 1 of source node a"),
        ([TWO[0], ("b", "Identity", ["^a"], {"T": 1})], {}, "ValueError", "do not match 0 inputs"),
        (TWO, {"return_elements": ["c:0"]}, "ValueError", "Requested return tensor 'c:0' not found"),
        (TWO, {"input_map": {"z:0": 1.0}}, "ValueError", "not found in graph_def: .z:0."),
        (TWO, {"input_map": 5}, "TypeError", "must be a dictionary"),
        ([("a", "Identity", ["b"], {"T": 1}), ("b", "Identity", ["a"], {"T": 1})], {}, "ValueError", "has a cycle"),
    ],
)
def test_import_errors(nodes, arguments, error, message):
    with v1.Graph().as_default() as graph:
        with pytest.raises(getattr(tf.errors, error, None) or {"ValueError": ValueError, "TypeError": TypeError}[error], match=message):
            v1.import_graph_def(definition_of(*nodes), **arguments)
        left = [o.name for o in graph.get_operations() if o.type != "Const"]
        assert left in ([], ["import/a", "import/b"])


def test_unknown_attrs_are_kept():
    definition = definition_of(*TWO)
    definition.node[1].attr["_mark"].i = 3
    definition.node[1].attr["_class"].list.s.append(b"loc:@a")
    with v1.Graph().as_default():
        (op,) = v1.import_graph_def(definition, return_elements=["b"])
    assert op.get_attr("_mark") == 3 and op.colocation_groups() == [b"loc:@import/a"]
    assert op.node_def.attr["_class"].list.s[0] == b"loc:@import/a"
