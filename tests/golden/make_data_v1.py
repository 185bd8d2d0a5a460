"""Makes `data_v1.json` with a real TensorFlow 1.15: `python tests/golden/make_data_v1.py` where it is installed."""

import json
import os
import sys

import tensorflow as tf

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import data_v1_programs  # noqa: E402

found = {}
for program in data_v1_programs.PROGRAMS:
    tf.reset_default_graph()
    found[program.__name__] = program(tf)
with open(os.path.join(HERE, "data_v1.json"), "w") as file:
    json.dump(found, file, separators=(",", ":"))
    file.write("\n")
