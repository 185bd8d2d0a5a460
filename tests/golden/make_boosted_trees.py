"""Writes boosted_trees.json: run it with TensorFlow 1.15."""

import json
import os
import tempfile

import boosted_trees_programs
import tensorflow as tf

made = {}
for name in boosted_trees_programs.PROGRAMS:
    with tempfile.TemporaryDirectory() as folder:
        made[name] = boosted_trees_programs.story(tf, name, os.path.join(folder, "model"))
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "boosted_trees.json"), "w") as file:
    file.write(json.dumps(made, indent=1) + "\n")
