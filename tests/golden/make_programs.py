"""Makes `programs.npz` with a real TensorFlow: `python tests/golden/make_programs.py` in an environment that has it."""

import os

import numpy as np
import tensorflow.compat.v1 as tf
from training_programs import PROGRAMS

tf.disable_eager_execution()
found = {"%s/%s" % (p, k): v for p, f in PROGRAMS.items() for k, v in f(tf).items()}
np.savez_compressed(os.path.join(os.path.dirname(os.path.abspath(__file__)), "programs.npz"), **found)
