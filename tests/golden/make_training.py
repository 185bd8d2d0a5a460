"""Makes `training.npz` with a real TensorFlow: `python tests/golden/make_training.py` in an environment that has it."""

import os

import numpy as np
import tensorflow as tf
from training_cases import CASES, arguments

found = {}
for at, (name, dtype, attrs) in enumerate(CASES):
    slots, inputs = arguments(name, dtype, at)
    variables = {k: tf.Variable(v) for k, v in slots.items()}
    op = getattr(tf.raw_ops, name)
    op(**{k: v.handle for k, v in variables.items()}, **{k: tf.constant(v) for k, v in inputs.items()}, **attrs)
    for k, v in variables.items():
        found[f"{at}/{k}"] = v.numpy()
np.savez_compressed(os.path.join(os.path.dirname(os.path.abspath(__file__)), "training.npz"), **found)
