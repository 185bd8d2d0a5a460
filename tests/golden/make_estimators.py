"""Writes estimators.json: run it with TensorFlow 2.15."""

import json
import os
import tempfile

import estimator_programs
import tensorflow as tf

made = {}
for name, program in estimator_programs.PROGRAMS.items():
    with tempfile.TemporaryDirectory() as folder:
        made[name] = program(tf, os.path.join(folder, "model"))
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "estimators.json"), "w") as file:
    file.write(json.dumps(made, indent=1) + "\n")
