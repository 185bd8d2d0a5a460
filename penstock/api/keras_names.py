"""`tf.keras`, and `tf.losses`, `tf.metrics`, `tf.optimizers`: the real keras package's own, on the `tensorflow` alias.

A program of 1.x (`penstock run --tf1`) has Keras 2: the `tf_keras` package, whose layers and models build graphs. Where that is
not installed it has Keras 3, which is shown the 2.x names at its import. A program of 2.x has Keras 2 when the environment
says TF_USE_LEGACY_KERAS=1.
"""

import os
import sys
from importlib import import_module
from importlib.machinery import PathFinder

from penstock.api.alias import ROOT, has_keras, install, installed

SAME = "keras._tf_keras."
"""Where keras keeps what TensorFlow shows as `tf.keras`."""
OLD = {True: "tf_keras.api._v1.", False: "tf_keras.api._v2."}
"""Where tf_keras keeps what TensorFlow 1.x, and 2.x, shows as `tf.keras`."""

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


def find(key, v1=False):
    """`keras`, `losses`, `metrics` or `optimizers` of the public API; ImportError where keras cannot serve it."""
    if asked_for_old() and not is_installed("tf_keras"):
        raise ImportError("Keras cannot be imported. Check that it is installed.")
    if not has_keras() and not is_installed("tf_keras"):
        raise ImportError(f"tf.{key} is the keras package, and it is not installed: pip install 'penstock[keras]'")
    if installed() is None:
        if ROOT in sys.modules:
            raise ImportError(f"tf.{key} needs the name `tensorflow`, and a real TensorFlow was imported first in this process")
        install()  # keras says `import tensorflow`
    return same("keras" if key == "keras" else f"keras.{key}", v1)


def same(name, v1=False):
    """The module that `tensorflow.keras`, `tensorflow.keras.layers`, ... is."""
    if has_old():
        return import_module(OLD[v1 or installed().tf1] + name)
    if installed().tf1:
        show_new_names()
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    return import_module(SAME + name)


def has_old():
    """Is `tf.keras` the tf_keras package in this process?"""
    alias = installed()
    return alias is not None and (alias.tf1 or asked_for_old()) and is_installed("tf_keras")


def asked_for_old():
    """Does the environment ask for Keras 2, as TensorFlow's 2.16 and later understand it?"""
    return os.environ.get("TF_USE_LEGACY_KERAS") in ("1", "true", "True")


def is_installed(package):
    """Is the package there?  Looking does not import it."""
    return PathFinder.find_spec(package) is not None


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
