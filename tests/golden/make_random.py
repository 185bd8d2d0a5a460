"""Makes `random.npz` with a real TensorFlow: `python tests/golden/make_random.py` in an environment that has it."""

import os

import numpy as np
import tensorflow as tf
from random_cases import CASES

found = {}
for name, program in CASES.items():
    tf.random.set_seed(None)  # the streams of earlier cases begin anew
    for k, value in enumerate(program(tf)):
        value = np.asarray(value)
        found[f"{name}|{k}"] = (
            value.astype(np.float32)
            if value.dtype.name == "bfloat16"
            else value.astype(bytes)
            if value.dtype == object
            else value
        )
np.savez_compressed(os.path.join(os.path.dirname(os.path.abspath(__file__)), "random.npz"), **found)
