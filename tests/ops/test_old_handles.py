"""The reference forms of queues, tables, readers, stacks and TensorArrays that the oldest graphs hold."""

import numpy as np

import penstock as tf
from penstock.ir.op import find

v1 = tf.compat.v1


def run(build):
    """What the tensors that `build` makes in a graph of 1.x give, run in order."""
    with tf.Graph().as_default(), v1.Session() as session:
        found = None
        for step in build():
            found = session.run(step)
        return found


def test_queue():
    def build():
        q = find("FIFOQueue")(component_types=[tf.float32], capacity=4)
        assert q.dtype is tf.string._as_ref
        yield find("QueueEnqueueMany")(q, [tf.constant([3.0, 4.0])])
        yield find("QueueDequeue")(q, component_types=[tf.float32])
        yield find("QueueSize")(q)

    assert run(build) == 1


def test_table():
    def build():
        t = find("HashTable")(key_dtype=tf.int32, value_dtype=tf.int32)
        yield find("InitializeTable")(t, [1, 2], [3, 4])
        yield [find("LookupTableFind")(t, [2, 5], -1), find("LookupTableSize")(t)]

    found, size = run(build)
    assert found.tolist() == [4, -1] and size == 2


def test_reader(tmp_path):
    file = tmp_path / "lines.txt"
    file.write_text("one\ntwo\n")

    def build():
        q = find("FIFOQueue")(component_types=[tf.string])
        r = find("TextLineReader")(skip_header_lines=1)
        yield find("QueueEnqueue")(q, [tf.constant(str(file))])
        yield find("ReaderRead")(r, q)

    assert run(build)[1] == b"two"


def test_tensor_arrays():
    def build():
        for suffix in ("", "V2"):
            array = find(f"TensorArray{suffix}")(3, dtype=tf.float32)
            wrote = find(f"TensorArrayScatter{suffix}")(array, [0, 1, 2], [1.0, 2.0, 3.0], 0.0)
            yield [find(f"TensorArrayGather{suffix}")(array, [2, 0], wrote, dtype=tf.float32), find(f"TensorArraySize{suffix}")(array, wrote)]

    rows, size = run(build)
    np.testing.assert_array_equal(rows, [3, 1])
    assert size == 3


def test_pack_and_unpack():
    def build():
        array = find("TensorArray")(2, dtype=tf.float32)
        wrote = find("TensorArrayUnpack")(array, [[1.0, 2.0], [3.0, 4.0]], 0.0)
        yield find("TensorArrayPack")(array, wrote, dtype=tf.float32)

    assert run(build).tolist() == [[1, 2], [3, 4]]


def test_stack():
    def build():
        s = find("Stack")(elem_type=tf.int32)
        with tf.control_dependencies([find("StackPush")(s, 7)]):
            yield find("StackPop")(s, elem_type=tf.int32)

    assert run(build) == 7
