"""Makes `autograph.json` with a real TensorFlow: `python tests/golden/make_autograph.py` where that is installed."""

import json
import os

import autograph_programs as programs
import numpy as np
import tensorflow as tf


def plain(value):
    """A result as lists and strings: [dtype, shape, values] for a tensor or a number."""
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if value is None:
        return None
    array = np.asarray(value.numpy() if hasattr(value, "numpy") else value)
    if array.dtype.kind in "OSU":
        texts = [v.decode() if isinstance(v, bytes) else str(v) for v in array.ravel().tolist()]
        return ["string", list(array.shape), texts]
    return [array.dtype.name, list(array.shape), array.tolist()]


def outcome(function, arguments):
    try:
        return plain(function(*[tf.constant(a) for a in arguments]))
    except Exception as error:
        return f"{type(error).__name__}"


if __name__ == "__main__":
    programs.use(tf)
    tf.autograph.set_verbosity(0)
    found = {}
    for name, function, arguments, features, _ in programs.CASES:
        feature = features and tf.autograph.experimental.Feature[features]
        for i, given in enumerate(arguments):
            graph = tf.function(function, experimental_autograph_options=feature)
            found[f"{name}/{i}"] = {"graph": outcome(graph, given), "eager": outcome(function, given)}
    lines = ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in found.items())
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "autograph.json"), "w") as file:
        file.write("{\n" + lines + "\n}\n")
