"""Golden results of expressions: run with a real TensorFlow, `python tests/golden/make_math.py`."""

import json
import math
import pathlib
import sys

import numpy as np

FOLDER = pathlib.Path(__file__).parent
nan, inf = float("nan"), float("inf")
m = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], np.float32)


def matrices():
    """What the linear algebra and the signals are computed from."""
    rng = np.random.default_rng(0)
    A = rng.normal(size=(2, 3, 3)).astype("f")
    B = A @ A.transpose(0, 2, 1) + 2 * np.eye(3, dtype="f")
    R = rng.normal(size=(2, 3, 2)).astype("f")
    W = rng.normal(size=(4, 3)).astype("f")
    C = (A + 1j * rng.normal(size=A.shape)).astype(np.complex64)
    x = rng.normal(size=(2, 8)).astype("f")
    X2 = rng.normal(size=(2, 4, 6)).astype("f")
    c = (x + 1j * rng.normal(size=x.shape)).astype(np.complex64)
    C2 = (X2 + 1j * X2[:, ::-1]).astype(np.complex64)
    return {"A": A, "B": B, "R": R, "W": W, "C": C, "x": x, "X2": X2, "c": c, "C2": C2}


EXPRESSIONS = (FOLDER / "math_expressions.txt").read_text().splitlines()


def plain(value):
    """A tensor's (or a Python) value as JSON."""
    array = np.asarray(value.numpy() if hasattr(value, "numpy") else value)
    if array.dtype.kind == "c":
        return {"re": array.real.tolist(), "im": array.imag.tolist(), "dtype": array.dtype.name, "shape": list(array.shape)}
    if array.dtype.kind in "OS":
        array = np.vectorize(lambda v: v.decode() if isinstance(v, bytes) else v, otypes=[object])(array)
    return {"re": array.tolist(), "dtype": array.dtype.name, "shape": list(array.shape)}


def result(tf, text):
    """The outputs of an expression, or the error's class."""
    try:
        value = eval(text, {"tf": tf, "np": np, "nan": nan, "inf": inf, "m": tf.constant(m), "math": math, **matrices()})  # noqa: S307
    except Exception as e:  # noqa: BLE001
        return {"error": type(e).__name__}
    return {"outputs": [plain(v) for v in tf.nest.flatten(value) if v is not None]}


if __name__ == "__main__":
    import tensorflow as tf

    golden = {text: result(tf, text) for text in EXPRESSIONS}
    (FOLDER / "math.json").write_text("{\n" + ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in golden.items()) + "\n}\n")
    sys.stdout.write(f"{len(golden)} results\n")
