"""Runs raw_op_programs.py on TensorFlow and keeps what came of it: .oracle/tf2.21/bin/python tests/golden/make_raw_ops.py

Errors are kept by the name of their class; results by their arrays. Floats are kept to single precision.
"""

import os
import pathlib
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"
import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from raw_op_programs import GROUPS


def flat(result):
    """The arrays of a result, in order."""
    if isinstance(result, (list, tuple)):
        return [a for part in result for a in flat(part)]
    if hasattr(result, "dense_shape"):
        return flat([result.indices, result.values, result.dense_shape])
    return [np.asarray("none" if result is None else result)]


def outcome(run):
    """("ok", arrays) or ("error", class name)."""
    try:
        return "ok", flat(run())
    except Exception as e:  # noqa: BLE001 - whatever TensorFlow raises
        return "error", [c.__name__ for c in type(e).__mro__]


if __name__ == "__main__":
    import tensorflow as tf

    kept = {}
    for group, cases in GROUPS.items():
        for name, run in cases(tf).items():
            how, what = outcome(run)
            if how == "error":
                kept[f"{group}|{name}|error"] = np.array(what[0])
                continue
            kept[f"{group}|{name}|count"] = np.array(len(what))
            for k, a in enumerate(what):
                kept[f"{group}|{name}|{k}"] = a.astype(np.float32) if a.dtype.name in ("bfloat16", "float64") else a.astype("S") if a.dtype == object else a
                kept[f"{group}|{name}|{k}|type"] = np.array(a.dtype.name)
    np.savez_compressed(pathlib.Path(__file__).parent / "raw_ops.npz", **kept)
