"""`tf.keras`, and `tf.losses`, `tf.metrics`, `tf.optimizers`: the real keras package's own, on the `tensorflow` alias.

A program of 1.x (`penstock run --tf1`) has Keras 2: the `tf_keras` package, whose layers and models build graphs. Where that is
not installed it has Keras 3, which is shown the 2.x names at its import.
"""

import os
import sys
from importlib import import_module
from importlib.machinery import PathFinder

from penstock.api.alias import ROOT, has_keras, install, installed

SAME = "keras._tf_keras."
"""Where keras keeps what TensorFlow shows as `tf.keras`."""
OLD = "tf_keras.api._v1."
"""Where tf_keras keeps what TensorFlow 1.x shows as `tf.keras`."""

MOVED = {
    "layers.advanced_activations": "layers.activation",
    "layers.embeddings": "layers.core.embedding",
    "layers.merge": "layers.merging",
    "layers.recurrent": "layers.rnn",
    "optimizer_v1": "optimizers.optimizer_v1",
    "optimizer_v2": "optimizers.legacy",
    "saving": "saving.legacy",
}
"""Where it stood in TensorFlow's own Keras -> module of tf_keras, for those that moved."""


def find(key):
    """`keras`, `losses`, `metrics` or `optimizers` of the public API; ImportError where keras cannot serve it."""
    if not has_keras():
        raise ImportError(f"tf.{key} is the keras package, and it is not installed: pip install 'penstock[keras]'")
    if installed() is None:
        if ROOT in sys.modules:
            raise ImportError(f"tf.{key} needs the name `tensorflow`, and a real TensorFlow was imported first in this process")
        install()  # keras says `import tensorflow`
    return same("keras" if key == "keras" else f"keras.{key}")


def same(name):
    """The module that `tensorflow.keras`, `tensorflow.keras.layers`, ... is."""
    if has_old():
        return import_module(OLD + name)
    if installed().tf1:
        show_new_names()
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    return import_module(SAME + name)


def has_old():
    """Is `tf.keras` the tf_keras package in this process?"""
    alias = installed()
    return alias is not None and alias.tf1 and PathFinder.find_spec("tf_keras") is not None


def old_module(path):
    """The module of tf_keras that was `tensorflow.python.keras.{path}`; None where tf_keras is not in use or has none."""
    if not path or not has_old():
        return None
    for old, new in MOVED.items():
        if f"{path}.".startswith(f"{old}."):
            path = new + path[len(old) :]
            break
    try:
        return import_module(f"tf_keras.src.{path}")
    except ModuleNotFoundError:
        return None


def show_new_names():
    """Import Keras 3 while `import tensorflow` means the 2.x names, which it is written for."""
    if "keras" in sys.modules:
        return
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    shown = import_module(ROOT)
    sys.modules[ROOT] = new = import_module(f"{ROOT}.compat.v2")
    try:
        import_module("keras.src.utils.module_utils").tensorflow.module = new
        import_module("keras")
    finally:
        sys.modules[ROOT] = shown
