"""tf.experimental.numpy against results of TensorFlow; in a process of its own, as the NumPy behaviour of tensors stays on."""

import pathlib
import subprocess
import sys

GOLDEN = pathlib.Path(__file__).parent.parent / "golden"

PROGRAM = """
import json, sys
sys.path.insert(0, sys.argv[1])
import numpy as np
import penstock as tf
import make_numpy_api as make

tf.experimental.numpy.experimental_enable_numpy_behavior()


def same(got, want):
    if isinstance(want, str) or isinstance(got, str):
        return got == want
    if want[0] in ("list", "tuple") and isinstance(want[1], list):
        return got[0] == want[0] and len(got[1]) == len(want[1]) and all(map(same, got[1], want[1]))
    if len(want) == 2:
        return got == want
    close = 2e-3 if want[0] == "float16" else 1e-5
    return got[:2] == want[:2] and np.allclose(np.array(got[2], float), np.array(want[2], float), rtol=close, atol=close, equal_nan=True)


for text, want in json.load(open(sys.argv[1] + "/numpy.json")).items():
    got = json.loads(json.dumps(make.result(tf, text)))
    if not same(got, want):
        print(text, "is", got, "not", want)
"""


def test_expressions() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM, str(GOLDEN)], capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert not done.stdout, done.stdout


PLAIN = """
import numpy as np
import penstock as tf
import penstock.experimental.numpy as tnp

assert tnp.add(1, 2).dtype is tf.int64
assert tnp.add(tf.constant(1.0), 2.0).dtype is tf.float32
assert isinstance(tnp.ones(2), tnp.ndarray)
x = tf.constant([[1, 2, 3], [4, 5, 6]])
for text in ("x.T", "x.reshape(6)", "x.astype(tnp.float32)", "x + 1.0"):
    try:
        eval(text)
    except Exception:
        continue
    raise AssertionError(text + " needs the NumPy behaviour")


@tf.function
def scaled(x):
    return tnp.sum(tnp.where(x > 2, x, 0) * tnp.float32(2), axis=0)


assert scaled(x).numpy().tolist() == [8.0, 10.0, 18.0]
tnp.experimental_enable_numpy_behavior(prefer_float32=True)
assert tnp.array([1.0]).dtype is tf.float32 and (x + 1.0).dtype is tf.float64
assert x.T.shape == (3, 2) and x[[0, 1], [1, 2]].numpy().tolist() == [2, 6]
v = tf.Variable([1.0, 2.0])
with tf.GradientTape() as tape:
    y = tnp.sum(tnp.square(v) * 3)
assert tape.gradient(y, v).numpy().tolist() == [6.0, 12.0]
try:
    tnp.experimental_enable_numpy_behavior(dtype_conversion_mode="other")
except ValueError:
    pass
"""


def test_behaviour() -> None:
    done = subprocess.run([sys.executable, "-c", PLAIN], capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
