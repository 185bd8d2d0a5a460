"""Makes `layers.npz` with a real TensorFlow 1.15: `python tests/golden/make_layers.py` in an environment that has it."""

import os

import numpy as np
import tensorflow as tf
from layer_programs import PROGRAMS, run

found = {}
for name in PROGRAMS:
    for key, value in run(tf, name).items():
        found["%s/%s" % (name, key)] = value
np.savez_compressed(os.path.join(os.path.dirname(os.path.abspath(__file__)), "layers.npz"), **found)
