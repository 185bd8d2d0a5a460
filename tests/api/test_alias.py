"""`import tensorflow` means penstock, in a process of its own each time."""

import subprocess
import sys

import pytest


def python(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_top_level_and_internals():
    out = python(
        "import penstock; penstock.install_alias()\n"
        "import tensorflow as tf\n"
        "from tensorflow.python.framework import dtypes, ops, tensor_shape\n"
        "from tensorflow.python.util import nest\n"
        "import tensorflow.compat.v1 as tf1, tensorflow.python.framework.errors_impl as errors\n"
        "from tensorflow.errors import NotFoundError\n"
        "assert ops.Graph is tf.Graph is tf1.Graph is penstock.Graph\n"
        "assert dtypes.float32 is tf.float32 and tensor_shape.TensorShape is tf.TensorShape\n"
        "assert errors.NotFoundError is NotFoundError is tf.errors.NotFoundError\n"
        "assert nest.flatten([1, (2,)]) == [1, 2]\n"
        "assert tf.python.framework.ops is ops and ops.dtypes is dtypes\n"
        "assert tensor_shape.dimension_value is tf1.dimension_value\n"
        "from importlib.metadata import version\n"
        "print(tf.__name__, tf.__version__, version('tensorflow'))"
    )
    assert out == "tensorflow 2.21.0 2.21.0"


def test_tf1_top_level_is_the_old_api():
    out = python(
        "import penstock; penstock.install_alias(tf1=True)\n"
        "import tensorflow as tf, tensorflow.errors\n"
        "assert tf.Dimension is tf.compat.v1.Dimension is penstock.compat.v1.Dimension\n"
        "assert not hasattr(penstock, 'Dimension')\n"
        "print(tf.__version__, tf.VERSION, tf.compat.v2.__version__)"
    )
    assert out == "1.15.5 1.15.5 2.21.0"


@pytest.mark.parametrize(
    "name", ["tensorflow.python.no_such_module", "tensorflow.nothing_here", "tensorflow.core.nothing"]
)
def test_unknown_modules_are_not_found(name):
    assert python(
        "import penstock; penstock.install_alias()\n"
        f"try: import {name}\n"
        "except ModuleNotFoundError as error: print(error.name)"
    ) == name  # fmt: skip


def test_unknown_internal_name_is_an_attribute_error():
    assert "has no attribute 'nothing'" in python(
        "import penstock; penstock.install_alias()\n"
        "from tensorflow.python.framework import ops\n"
        "try: ops.nothing\n"
        "except AttributeError as error: print(error)"
    )


def test_a_real_tensorflow_is_not_disturbed(tmp_path):
    package = tmp_path / "tensorflow"
    package.mkdir()
    (package / "__init__.py").write_text("real = True\n")
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "import penstock\n"
        "import tensorflow\n"
        "assert tensorflow.real\n"
        "try: penstock.install_alias()\n"
        "except RuntimeError as error: print('already imported' in str(error))\n"
    )
    assert python(code) == "True"
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "import penstock; penstock.install_alias()\n"
        "import tensorflow\n"
        "print(hasattr(tensorflow, 'real'))\n"
    )
    assert python(code) == "False"
    assert sorted(p.name for p in package.iterdir() if p.name != "__pycache__") == ["__init__.py"]


def test_installing_twice_is_once_and_the_other_api_is_an_error():
    out = python(
        "import sys, penstock\n"
        "penstock.install_alias(); penstock.install_alias()\n"
        "print(sum(type(f).__name__ == 'TensorFlowFinder' for f in sys.meta_path))\n"
        "import tensorflow\n"
        "try: penstock.install_alias(tf1=True)\n"
        "except RuntimeError as error: print('before the first' in str(error))"
    )
    assert out.split() == ["1", "True"]


def test_protocol_buffers_resolve():
    out = python(
        "import penstock; penstock.install_alias()\n"
        "from tensorflow.core.framework import graph_pb2, types_pb2\n"
        "from tensorflow.core.protobuf import config_pb2\n"
        "print(list(graph_pb2.GraphDef().node), types_pb2.DT_FLOAT)\n"
        "print(config_pb2.ConfigProto(allow_soft_placement=True).allow_soft_placement)"
    )
    assert out.split() == ["[]", "1", "True"]


def test_internals_without_public_names():
    out = python(
        "import penstock; penstock.install_alias()\n"
        "import tensorflow as tf\n"
        "from tensorflow.python.framework import device, device_spec, dtypes, ops\n"
        "from tensorflow.python.layers import convolutional, core, normalization\n"
        "from tensorflow.python.ops import control_flow_util, lookup_ops, metrics_impl\n"
        "L = tf.compat.v1.layers\n"
        "print(core.flatten is L.flatten, convolutional.conv1d is L.conv1d, normalization.batch_normalization is L.batch_normalization)\n"
        "print(dtypes.float32_ref.name, control_flow_util.GraphOrParentsInXlaContext(ops.Graph()))\n"
        "spec = device_spec.DeviceSpecV1(job='ps'); spec.task = 3; spec.merge_from(device.DeviceSpec(device_type='cpu'))\n"
        "print(spec.to_string())\n"
        "with tf.Graph().as_default(), tf.compat.v1.Session() as s:\n"
        "    table = lookup_ops.index_table_from_tensor(vocabulary_list=tf.constant(['a', 'b']))\n"
        "    values, updates = metrics_impl._confusion_matrix_at_thresholds([True, False], [.9, .8], [.5], includes=('tp', 'fp'))\n"
        "    k = metrics_impl._streaming_sparse_average_precision_at_top_k(tf.constant([[2], [0]], tf.int64), tf.constant([[2, 1], [1, 0]]))\n"
        "    s.run([tf.compat.v1.tables_initializer(), tf.compat.v1.local_variables_initializer()])\n"
        "    ran = s.run([table.lookup(tf.constant(['b', 'z'])), updates, k[1]])\n"
        "    print(ran[0].tolist(), {key: v.tolist() for key, v in ran[1].items()}, ran[2])"
    )
    assert out.splitlines() == ["True True True", "float32_ref False", "/job:ps/task:3/device:CPU:*", "[1, -1] {'tp': [1.0], 'fp': [1.0]} 0.75"]
