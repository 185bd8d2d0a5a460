"""Runs parsing_programs.py on TensorFlow and keeps what came of it: .oracle/tf2.21/bin/python tests/golden/make_parsing.py

`--show` prints the results, the classes and the messages of errors.
"""

import json
import os
import pathlib
import re
import sys

if __name__ == "__main__":
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE))
from parsing_programs import GROUPS


def plain(result):
    """A result as JSON: [dtype, shape, values] of each tensor, in the order of its structure."""
    import numpy as np

    if isinstance(result, dict):
        return {k: plain(v) for k, v in result.items()}
    if isinstance(result, str):
        return result
    if isinstance(result, (list, tuple)):
        return [plain(r) for r in result]
    if hasattr(result, "dense_shape"):
        return {"sparse": [plain(result.indices), plain(result.values), plain(result.dense_shape)]}
    if hasattr(result, "row_splits"):
        return {"ragged": [plain(result.values), plain(result.row_splits)]}
    array = np.asarray(result)
    values = array.tolist() if array.dtype.kind not in "SO" else [s.decode("latin-1") for s in array.ravel().tolist()]
    return [array.dtype.name if array.dtype.kind not in "SO" else "string", list(array.shape), values]


def outcome(run):
    """The result as JSON, or {"error": class, "message": text}."""
    try:
        return plain(run())
    except Exception as e:  # noqa: BLE001 - whatever TensorFlow raises
        return {"error": type(e).__name__, "message": re.sub(r"{{[^}]*}} | \[Op:\w+\]", "", str(e))}


if __name__ == "__main__":
    import tensorflow as tf

    kept = {g: {name: outcome(run) for name, run in cases(tf).items()} for g, cases in GROUPS.items()}
    if "--show" in sys.argv:
        for g, cases in kept.items():
            for name, what in cases.items():
                print(g, name, json.dumps(what)[:600])
    else:
        (HERE / "parsing.json").write_text(json.dumps(kept, separators=(",", ":")) + "\n", encoding="utf-8")
