"""Makes `metrics.npz` with a real TensorFlow: `python tests/golden/make_metrics.py` in an environment that has it."""

import os

import numpy as np
import tensorflow.compat.v1 as tf
from metric_programs import run

tf.disable_eager_execution()
np.savez_compressed(os.path.join(os.path.dirname(os.path.abspath(__file__)), "metrics.npz"), **run(tf))
