"""`tf.keras`, and `tf.losses`, `tf.metrics`, `tf.optimizers`: the real keras package's own, on the `tensorflow` alias."""

import os
import sys
from importlib import import_module

from penstock.api.alias import ROOT, has_keras, install, installed

SAME = "keras._tf_keras."
"""Where keras keeps what TensorFlow shows as `tf.keras`."""


def find(key):
    """`keras`, `losses`, `metrics` or `optimizers` of the public API; ImportError where keras cannot serve it."""
    if not has_keras():
        raise ImportError(f"tf.{key} is the keras package, and it is not installed: pip install 'penstock[keras]'")
    if installed() is None:
        if ROOT in sys.modules:
            raise ImportError(f"tf.{key} needs the name `tensorflow`, and a real TensorFlow was imported first in this process")
        install()  # keras says `import tensorflow`
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    return import_module(f"{SAME}keras" if key == "keras" else f"{SAME}keras.{key}")
