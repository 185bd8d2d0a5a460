"""Internal modules whose functions have parameters of their own, reached as programs reach them."""

import subprocess
import sys

import pytest

from penstock.api.inner import functional, list_ops
from penstock.api.inner.public import public
from penstock.api.raw import named
from penstock.base import dtypes

KERAS = """
import penstock
penstock.install_alias()
from tensorflow.python.keras.models import Sequential
from tensorflow.python.keras.layers.core import Dense
from tensorflow.python.keras.engine.base_layer import Layer
from tensorflow.python.keras.optimizer_v2.adam import Adam
from tensorflow.python.keras.utils.conv_utils import normalize_tuple
from tensorflow.python.keras import backend as K, regularizers
import tensorflow as tf
assert Dense is tf.keras.layers.Dense and Layer is tf.keras.layers.Layer and Adam is tf.keras.optimizers.Adam
assert normalize_tuple(2, 3, "strides") == (2, 2, 2) and K.epsilon() == 1e-7
print(Sequential([Dense(2)])(tf.zeros([1, 3])).shape)
"""


def test_keras_by_its_inner_modules():
    done = subprocess.run([sys.executable, "-c", KERAS], capture_output=True, text=True)
    assert done.stdout == "(1, 2)\n", done.stderr


def test_generated_functions_take_attributes_in_tensorflows_order():
    values, _ = named("TopKV2", positional=True)([3.0, 1.0, 2.0], 2, True)
    assert values.numpy().tolist() == [3.0, 2.0]
    pool = named("MaxPool", positional=True)
    assert pool([[[[1.0]], [[2.0]]]], [1, 2, 1, 1], [1, 1, 1, 1], "VALID").numpy().item() == 2.0


def test_lists_take_the_type_before_the_shape():
    handle = list_ops.tensor_list_from_tensor([[1.0, 2.0], [3.0, 4.0]], [2])
    assert list_ops.tensor_list_get_item(handle, 1, dtypes.float32).numpy().tolist() == [3.0, 4.0]
    assert list_ops.tensor_list_stack(handle, dtypes.float32).shape == [2, 2]
    rest, last = list_ops.tensor_list_pop_back(handle, dtypes.float32)
    assert last.numpy().tolist() == [3.0, 4.0]
    made = list_ops.tensor_list_scatter([[5.0], [6.0]], [1, 0], [1])
    assert list_ops.tensor_list_concat(made, dtypes.float32).numpy().tolist() == [6.0, 5.0]


def test_functions_of_functions():
    assert [float(v) for v in functional.If("yes", [1.0, 2.0], lambda a, b: a + b, lambda a, b: a - b)] == [3.0]
    assert [float(v) for v in functional.For(0, 3, 1, [0.0], lambda i, x: x + 2.0)] == [6.0]
    assert [float(v) for v in functional.While([0.0], lambda x: x < 5.0, lambda x: x + 2.0)] == [6.0]


def test_defun_with_its_own_gradient():
    @functional.Defun(dtypes.float32, python_grad_func=lambda op, dy: dy * 7.0)
    def square(x):
        return x * x

    with public("Graph")().as_default():
        x = public("compat.v1.placeholder")(dtypes.float32, [])
        slope = public("gradients")(square(x), x)[0]
        with public("compat.v1.Session")() as session:
            assert session.run(slope, {x: 3.0}) == 7.0
    with pytest.raises(ValueError, match="Expected number of arguments: 1, received: 2"):
        square(1.0, 2.0)
