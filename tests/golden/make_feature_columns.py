"""Runs feature_column_programs.py on TensorFlow: .oracle/tf2.15/bin/python tests/golden/make_feature_columns.py"""

import json
import os
import pathlib
import sys

if __name__ == "__main__":
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE))
from feature_column_programs import cases, run, specs


def outcome(tf, build):
    """The result as JSON, or the class of the error."""
    try:
        return run(tf, build)
    except Exception as e:  # noqa: BLE001 - whatever TensorFlow raises
        return {"error": type(e).__name__, "message": str(e)[:200]}


if __name__ == "__main__":
    import tensorflow as tf

    kept = {"cases": {n: outcome(tf, b) for n, b in cases(tf).items()}, "specs": specs(tf)}
    (HERE / "feature_columns.json").write_text(json.dumps(kept, separators=(",", ":")) + "\n", encoding="utf-8")
