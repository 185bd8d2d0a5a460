"""`tensorflow.python.keras.layers.core` and its like: programs of TensorFlow 2.0 to 2.8 import Keras by its inner modules.

Each shows the public names of the keras package that lived there, in the namespaces that its path says.
"""

from importlib import import_module

from penstock.api import keras_names

ROOT = "python.keras"
EVERYWHERE = ("layers", "models", "utils", "optimizers", "losses", "metrics")
INNER = {
    "engine": ("layers", "models", "utils", ""),
    "feature_column": ("layers",),
    "layers": ("layers",),
    "legacy_tf_layers": (),
    "mixed_precision": ("mixed_precision",),
    "optimizer_v1": ("optimizers",),
    "optimizer_v2": ("optimizers.schedules", "optimizers"),
    "saving": ("models", "utils"),
    "premade": ("models",),
    "wrappers": ("wrappers",),
}
"""First part of the path below `tensorflow.python.keras` -> namespaces of `tf.keras`, for those that are not one themselves."""
SPACES = (
    "activations applications backend callbacks constraints datasets experimental initializers layers losses metrics "
    "models optimizers preprocessing regularizers utils"
).split()
LEFT = {
    "layers.utils": ("penstock.api.inner.layer_conventions",),
    "legacy_tf_layers.base": ("penstock.layers.base",),
    "legacy_tf_layers.convolutional": ("penstock.layers.convolution",),
    "legacy_tf_layers.core": ("penstock.layers.core",),
    "legacy_tf_layers.normalization": ("penstock.layers.normalization",),
    "legacy_tf_layers.pooling": ("penstock.layers.pooling",),
    "utils.conv_utils": ("penstock.api.inner.layer_conventions",),
    "utils.control_flow_util": ("penstock.api.inner.layer_conventions",),
    "utils.tf_utils": ("penstock.api.inner.layer_conventions", "penstock.api.inner.symbolic"),
    "utils.generic_utils": ("penstock.api.inner.layer_conventions",),
}
"""Inner module -> modules here that define what the keras package has no longer."""


def knows(inside):
    """Is this path (`python.keras.engine.training`) one of Keras's inner modules?"""
    first = path_of(inside)[:1]
    return not first or first[0] in SPACES or first[0] in INNER


def path_of(inside):
    return inside.removeprefix(ROOT).strip(".").split(".") if inside != ROOT else []


def find(inside, key):
    """What `key` is in this inner module; None when it has no such name."""
    path = path_of(inside)
    old = keras_names.old_module(".".join(path))
    if hasattr(old, key):
        return getattr(old, key)
    for module in LEFT.get(".".join(path), ()):
        value = getattr(import_module(module), key, None)
        if value is not None:
            return value
    for space in spaces(path):
        name = f"tensorflow.keras.{space}".rstrip(".")
        try:
            module = import_module(name)
        except ModuleNotFoundError:
            continue
        value = getattr(module, key, None)
        if value is not None:
            return value
    return None


def spaces(path):
    """Namespaces of `tf.keras` that an inner module's names are looked up in, the nearest first."""
    if not path:
        yield ""
        return
    if path[0] in SPACES:
        while path:
            yield ".".join(path)
            path = path[:-1]
    else:
        yield from INNER.get(path[0], ())
    yield from (s for s in EVERYWHERE)
    yield ""

