"""Makes `data.json` with a real TensorFlow 2: `python tests/golden/make_data.py` where it is installed."""

import json
import os
import sys

import tensorflow as tf

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import data_programs  # noqa: E402

found = {p.__name__: p(tf) for p in data_programs.PROGRAMS}
with open(os.path.join(HERE, "data.json"), "w") as file:
    json.dump(found, file, separators=(",", ":"))
    file.write("\n")
