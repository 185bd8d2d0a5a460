"""Makes `optimizers.npz` with a real TensorFlow: `python tests/golden/make_optimizers.py` in an environment that has it."""

import os

import numpy as np
import tensorflow.compat.v1 as tf
from optimizer_programs import OPTIMIZERS, train

tf.disable_eager_execution()
found = {}
for name in OPTIMIZERS:
    for use_resource in (True, False):
        for sparse in (False, True):
            for key, value in train(tf, name, use_resource, sparse).items():
                found[f"{name}-{use_resource}-{sparse}/{key}"] = value
np.savez_compressed(os.path.join(os.path.dirname(os.path.abspath(__file__)), "optimizers.npz"), **found)
