"""Golden results of tf.experimental.numpy: run with a real TensorFlow, `python tests/golden/make_numpy_api.py`."""

import json
import pathlib
import sys

import numpy as np

FOLDER = pathlib.Path(__file__).parent
EXPRESSIONS = (FOLDER / "numpy_expressions.txt").read_text().splitlines()


def plain(value):
    """[dtype or class, shape, values] of a result; numbers with seven digits."""
    if hasattr(value, "numpy") or isinstance(value, np.ndarray | np.generic):
        array = np.asarray(value.numpy() if hasattr(value, "numpy") else value)
        if array.dtype.kind == "c":
            array = np.stack([array.real, array.imag], -1)
            return ["complex", list(array.shape), [float(f"{v:.7g}") for v in array.ravel().tolist()]]
        flat = array.ravel().tolist()
        return [array.dtype.name, list(array.shape), [float(f"{v:.7g}") for v in flat] if array.dtype.kind == "f" else flat]
    return [type(value).__name__, str(value)]


def result(tf, text):
    """The outputs of an expression, or the error's class."""
    try:
        value = eval(text, {"tf": tf, "np": np, "tnp": tf.experimental.numpy, "A": tf.constant})  # noqa: S307
    except Exception as e:  # noqa: BLE001
        return type(e).__name__
    if isinstance(value, list | tuple):
        return [type(value).__name__, [plain(v) for v in value]]
    return plain(value)


if __name__ == "__main__":
    import tensorflow as tf

    tf.experimental.numpy.experimental_enable_numpy_behavior()
    golden = {text: result(tf, text) for text in EXPRESSIONS}
    rows = ",\n".join(f"{json.dumps(k)}: {json.dumps(v, separators=(',', ':'))}" for k, v in golden.items())
    (FOLDER / "numpy.json").write_text("{\n" + rows + "\n}\n")
    sys.stdout.write(f"{len(golden)} results\n")
