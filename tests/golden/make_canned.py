"""Runs canned_programs.py on TensorFlow: .oracle/tf2.15/bin/python tests/golden/make_canned.py"""

import json
import os
import pathlib
import sys
import tempfile

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE))
from canned_programs import programs, story

if __name__ == "__main__":
    import tensorflow as tf

    kept = {}
    for name, (make, labels) in programs(tf).items():
        with tempfile.TemporaryDirectory() as folder:
            kept[name] = story(tf, make, labels, folder)
    (HERE / "canned.json").write_text(json.dumps(kept, separators=(",", ":")) + "\n", encoding="utf-8")
