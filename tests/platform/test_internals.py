"""What programs import from inside TensorFlow and that has no public name."""

import json
import re
import subprocess
import sys

import penstock as tf
from penstock.platform import framework_ops, object_identity, timeline

IMPORTS = """
from tensorflow.python.client import device_lib, session, timeline
from tensorflow.python.eager import backprop, context, def_function
from tensorflow.python.framework import common_shapes, constant_op, dtypes, errors_impl, graph_util, ops
from tensorflow.python.framework import random_seed, sparse_tensor, tensor_shape, tensor_util, test_util
from tensorflow.python.layers import base, core, utils
from tensorflow.python.lib.io import file_io, tf_record
from tensorflow.python.ops import array_ops, clip_ops, control_flow_ops, embedding_ops, gen_math_ops, init_ops
from tensorflow.python.ops import math_ops, nn, nn_impl, nn_ops, random_ops, resource_variable_ops, rnn, rnn_cell_impl
from tensorflow.python.ops import standard_ops, state_ops, tensor_array_ops, variable_scope, variables
from tensorflow.python.platform import app, flags, gfile, test, tf_logging as logging
from tensorflow.python.training import moving_averages, optimizer, saver, session_run_hook, slot_creator
from tensorflow.python.util import compat, deprecation, nest, object_identity, tf_contextlib, tf_decorator, tf_inspect
from tensorflow.core.framework import attr_value_pb2, graph_pb2, summary_pb2, types_pb2
from tensorflow.core.protobuf import config_pb2, meta_graph_pb2, rewriter_config_pb2
from tensorflow.core.util import event_pb2
from tensorflow.core.example import example_pb2, feature_pb2
"""
USES = """
import tensorflow as tf
assert math_ops.matmul is tf.matmul and array_ops.placeholder is tf.compat.v1.placeholder
assert ops.get_default_graph is tf.compat.v1.get_default_graph and dtypes.as_dtype('float32') is tf.float32
print(float(gen_math_ops.mat_mul([[2.]], [[3.]], transpose_b=True)[0, 0]))
print(math_ops.reduce_sum_v1 is tf.compat.v1.reduce_sum, tensor_util.constant_value(tf.constant(3)))
with tf.Graph().as_default() as graph:
    node = constant_op.constant([1.0], name='c').op
    print(ops.name_from_scope_name('a/b/'), ops.convert_n_to_tensor([1, 2.0])[1].dtype.name, node.name)
"""


def test_imports_and_uses(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(IMPORTS + USES)
    done = subprocess.run(
        [sys.executable, "-m", "penstock", "run", str(program)], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n") == ["6.0", "True 3", "a/b float32 c", ""]


def test_every_internal_name_whose_public_name_is_here_resolves():
    from penstock.api.internals import TABLE_OF_MODULES, InternalModule
    from penstock.api.lazy import INDEX

    assert TABLE_OF_MODULES.knows("python.ops.math_ops") and not TABLE_OF_MODULES.knows("python.ops.nope")
    for module in ("python.ops.math_ops", "python.ops.array_ops", "python.framework.dtypes", "python.ops.nn_ops"):
        made = InternalModule(f"tensorflow.{module}", False)
        rows = TABLE_OF_MODULES.rows(module)
        lacking = [n for n, public in rows.items() if INDEX.get(public) and not hasattr(made, n)]
        assert lacking == []


def test_scope_names():
    assert framework_ops.strip_name_scope("^a/b", "a") == "^b"
    assert framework_ops.strip_name_scope("loc:@a/b", "a/") == "loc:@b"
    assert framework_ops.strip_name_scope("ab/c", "a") == "ab/c"
    assert framework_ops.prepend_name_scope("^b", "a") == "^a/b" and framework_ops.prepend_name_scope("b", "") == "b"


def test_shapes():
    assert framework_ops.broadcast_shape([2, 1], [3]).as_list() == [2, 3]
    assert not framework_ops.is_broadcast_compatible([2], [3])


def test_tensors_as_keys():
    x, y = tf.constant(1), tf.constant(1)
    table = object_identity.ObjectIdentityDictionary()
    table[x] = "x"
    assert x in table and y not in table and table[x] == "x" and list(table) == [x]
    members = object_identity.ObjectIdentitySet([x])
    members.add(y)
    members.discard(x)
    assert len(members) == 1 and y in members and x not in members


def test_timeline():
    from penstock.base.proto import step_stats_pb2

    stats = step_stats_pb2.StepStats()
    node = stats.dev_stats.add(device="/cpu:0").node_stats.add(node_name="MatMul", timeline_label="MatMul = MatMul(a)")
    node.all_start_micros, node.all_end_rel_micros = 5, 7
    text = timeline.Timeline(stats).generate_chrome_trace_format()
    events = json.loads(text)["traceEvents"]
    assert [e["ph"] for e in events] == ["M", "M", "M", "X"] and events[3]["dur"] == 7
    assert re.search(r'"ts": 5', text)


def test_remove_squeezable_dimensions():
    from penstock.train.internal_ops import remove_squeezable_dimensions

    shapes = [([3, 1], [3], 0), ([3, 1], [3, 1], 1), ([3], [3], 1), ([3, 4], [3, 1], 1), ([3, 4, 1], [3], 1)]
    found = [remove_squeezable_dimensions(tf.zeros(b), tf.zeros(a), expected) for a, b, expected in shapes]
    assert [(x.shape.as_list(), y.shape.as_list()) for x, y in found] == [([3], [3]), ([3], [3, 1]), ([3], [3]), ([3], [3, 4]), ([3], [3, 4])]
