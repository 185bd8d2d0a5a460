"""Golden results of functions on RaggedTensors: run with a real TensorFlow, `python tests/golden/make_ragged.py`."""

import json
import pathlib
import sys

FOLDER = pathlib.Path(__file__).parent
EXPRESSIONS = (FOLDER / "ragged_expressions.txt").read_text().splitlines()


def operands(tf):
    """What the expressions are about."""
    return {
        "r": tf.ragged.constant([[3.0, 1.0], [], [2.0, 5.0, 4.0]]),
        "i": tf.ragged.constant([[3, 1], [], [2, 5, 4]]),
        "s": tf.ragged.constant([["a", "bb"], ["ccc"]]),
        "r3": tf.ragged.constant([[[1, 2], [3]], [], [[4, 5, 6]]]),
        "rd": tf.RaggedTensor.from_row_splits([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], [0, 1, 3]),
        "b": tf.ragged.constant([[True, False], [True]]),
    }


def plain(value):
    """Kind, dtype, shape and values of a result."""
    kind = type(value).__name__
    if isinstance(value, list | tuple):
        return [kind, [plain(v) for v in value]]
    if hasattr(value, "to_list"):
        return ["ragged", value.dtype.name, value.shape.as_list(), _short(value.to_list())]
    if hasattr(value, "dense_shape"):
        return ["sparse", _short(value.indices.numpy().tolist()), _short(value.values.numpy().tolist())]
    if hasattr(value, "numpy"):
        return ["tensor", value.dtype.name, value.shape.as_list(), _short(value.numpy().tolist())]
    return _short(value.tolist() if hasattr(value, "tolist") else value)


def _short(value):
    if isinstance(value, list):
        return [_short(v) for v in value]
    if isinstance(value, float):
        return float(f"{value:.5g}")
    if isinstance(value, bool | int | str | None):
        return value
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def result(tf, text, given):
    """The result of an expression, or the error's class."""
    try:
        return plain(eval(text, {"tf": tf, **given}))  # noqa: S307
    except Exception as e:  # noqa: BLE001
        return f"{type(e).__name__}!"


if __name__ == "__main__":
    import tensorflow as tf

    given = operands(tf)
    rows = [f"{json.dumps(t)}: {json.dumps(result(tf, t, given), separators=(',', ':'))}" for t in EXPRESSIONS]
    (FOLDER / "ragged.json").write_text("{\n" + ",\n".join(rows) + "\n}\n")
    sys.stdout.write(f"{len(rows)} results\n")
