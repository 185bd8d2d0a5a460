"""Dispatch of public functions on users' classes: `tf.experimental.dispatch_for_...`, and the older dispatchers."""

import subprocess
import sys

PROGRAM = '''
import typing
import penstock as tf
from penstock.api import dispatch

E = tf.experimental


class M(E.ExtensionType):
    values: tf.Tensor
    mask: tf.Tensor


m = M([1.0, -2.0], [True, False])
seen = []


def fails(error, call, *args, **kwargs):
    try:
        call(*args, **kwargs)
    except error as e:
        return str(e)
    raise AssertionError("no error")


fails(ValueError, tf.abs, m)


@E.dispatch_for_unary_elementwise_apis(M)
def unary(api, x):
    seen.append(api.__name__)
    return M(api(x.values), x.mask)


@E.dispatch_for_binary_elementwise_apis(M, typing.Union[M, tf.Tensor])
def binary(api, x, y):
    seen.append(api.__name__)
    return M(api(x.values, y.values if isinstance(y, M) else y), x.mask)


assert tf.abs(m).values.numpy().tolist() == [1.0, 2.0]
assert tf.nn.relu(m).values.numpy().tolist() == [1.0, 0.0]
assert tf.cast(m, tf.int32).values.dtype is tf.int32
assert tf.math.maximum(m, tf.constant(0.0), name="x").values.numpy().tolist() == [1.0, 0.0]
assert tf.compat.v1.add(m, m).values.numpy().tolist() == [2.0, -4.0]
assert seen == ["abs", "relu", "<lambda>", "maximum", "add"], seen
fails(ValueError, tf.add, m, 2.0)
fails(ValueError, tf.add, tf.constant(2.0), m)
assert tf.add(1.0, 2.0).numpy() == 3.0


@E.dispatch_for_api(tf.concat, {"values": typing.List[M]})
def concat(values, axis, name="n"):
    return M(tf.concat([v.values for v in values], axis), tf.concat([v.mask for v in values], axis))


@E.dispatch_for_api(tf.reduce_sum)
def total(input_tensor: M, axis=None, keepdims=False):
    return tf.reduce_sum(input_tensor.values, axis)


assert tf.concat([m, m], axis=0).values.shape == (4,)
assert tf.math.reduce_sum(m, name="s").numpy() == -1.0 and tf.reduce_sum([1, 2]).numpy() == 3
assert "does not match" in fails(ValueError, E.dispatch_for_api(tf.reduce_max), lambda q: 1)
assert "support dispatch" in fails(ValueError, E.dispatch_for_api, len)
assert "already been registered" in fails(ValueError, E.dispatch_for_unary_elementwise_apis(M), lambda api, x: 1)
E.unregister_dispatch_for(unary)
fails(ValueError, tf.abs, m)
assert "was not registered" in fails(ValueError, E.unregister_dispatch_for, unary)


class Other:
    pass


class Softmax(dispatch.OpDispatcher):
    def handle(self, args, kwargs):
        return "D" if isinstance(args[0], Other) else self.NOT_SUPPORTED


Softmax().register(tf.nn.softmax)
assert tf.nn.softmax(Other()) == "D" and tf.nn.softmax([0.0]).numpy() == [1.0]


@dispatch.add_dispatch_support
def mine(x):
    return tf.convert_to_tensor(x)


@dispatch.dispatch_for_types(mine, Other)
def mine_for_other(x):
    return "other"


assert mine(Other()) == "other" and mine(3).numpy() == 3


class Everything(dispatch.GlobalOpDispatcher):
    def handle(self, op, args, kwargs):
        return op.__name__ if any(isinstance(a, Other) for a in args) else self.NOT_SUPPORTED


Everything().register()
assert tf.add(Other(), 1) == "add" and tf.reduce_mean(Other()) == "reduce_mean"
fails(ValueError, tf.add, [1, 2], [[1], [2, 3]])
'''


def test_program() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
