"""`tf.test.assert_equal_graph_def`: the same nodes with the same attributes, in any order; and what the machine is."""

import platform

from penstock.base.export import export
from penstock.base.proto.graph_pb2 import GraphDef
from penstock.base.proto.tensor_pb2 import TensorProto


@export(v2=("test.assert_equal_graph_def",))
def assert_equal_graph_def(expected, actual):
    """AssertionError when two GraphDefs do not hold the same nodes, whatever their order."""
    for what, graph in (("expected", expected), ("actual", actual)):
        described = getattr(graph, "DESCRIPTOR", None)
        if described is None or described.full_name != GraphDef.DESCRIPTOR.full_name:
            raise TypeError(f"Expected tf.GraphDef for {what}, got {type(graph).__name__}")
    wanted, found = ({node.name: node for node in graph.node} for graph in (expected, actual))
    for name, node in wanted.items():
        if name not in found:
            raise AssertionError(f"Node named {name!r} expected, but it is not in the actual graph")
        _compare(node, found[name])
    for name in found:
        if name not in wanted:
            raise AssertionError(f"Node named {name!r} is in the actual graph, but was not expected")


def _compare(want, have):
    for field in ("op", "device"):
        if getattr(want, field) != getattr(have, field):
            raise AssertionError(
                f"Node named {want.name!r} has {field} {getattr(have, field)!r} that is not equal to expected "
                f"{getattr(want, field)!r}"
            )
    data, control = ([i for i in want.input if i.startswith("^") is c] for c in (False, True))
    have_data, have_control = ([i for i in have.input if i.startswith("^") is c] for c in (False, True))
    if data != have_data or sorted(control) != sorted(have_control):
        raise AssertionError(f"Node named {want.name!r} has inputs {list(have.input)}, expected {list(want.input)}")
    for key in sorted(set(want.attr) | set(have.attr)):
        if key.startswith("_"):
            continue
        if key not in have.attr:
            raise AssertionError(f"Node named {want.name!r} expected attr {key!r}")
        if key not in want.attr:
            raise AssertionError(f"Node named {want.name!r} has unexpected attr {key!r}")
        if not _same(want.attr[key], have.attr[key]):
            raise AssertionError(
                f"Node named {want.name!r} has attr {key!r} with value: {_shown(have.attr[key])} "
                f"that does not match expected: {_shown(want.attr[key])}"
            )


def _same(one, other):
    """Tensors may be written in several ways: their values count."""
    if one == other:
        return True
    if one.WhichOneof("value") != "tensor" or other.WhichOneof("value") != "tensor":
        return False
    a, b = _array(one.tensor), _array(other.tensor)
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


def _array(proto: TensorProto):
    from penstock.ir.tensor_proto import make_ndarray

    return make_ndarray(proto)


def _shown(value):
    if value.WhichOneof("value") == "tensor":
        array = _array(value.tensor)
        return f"Tensor<type: {array.dtype} shape: {list(array.shape)} values: {array.tolist()}>"
    return " ".join(str(value).split())


@export(v1=("test.assert_equal_graph_def",))
def assert_equal_graph_def_v1(actual, expected, checkpoint_v2=False, hash_table_shared_name=False):
    """AssertionError when two GraphDefs do not hold the same nodes, whatever their order."""
    assert_equal_graph_def(expected, actual)


@export("test.is_cpu_target_available")
def is_cpu_target_available(target):
    """Can code for this processor (`x86`, `arm`, `aarch64`, ...) be made here?"""
    known = {"aarch64": "aarch64", "arm": "arm", "x86": "x86", "ppc": "ppc", "systemz": "s390"}
    if target not in known:
        raise AssertionError(f"Unknown CPU target: {target}; it is one of {', '.join(sorted(known))}")
    machine = platform.machine().lower().replace("amd64", "x86_64").replace("arm64", "aarch64")
    return machine.startswith(known[target])
