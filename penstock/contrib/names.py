"""How the public names of `tf.contrib` come to be: `@contrib("layers.conv2d")`, and names that stand in two places."""

from importlib import import_module
from typing import Any

from penstock.api.lazy import INDEX, V1
from penstock.base.export import PUBLIC, export, export_constant, register


def contrib(*names: str) -> Any:
    """Give the decorated function or class its names below `tf.contrib`."""
    return export(v1=tuple(f"contrib.{name}" for name in names))


def contrib_constant(*names: str, module: str, attr: str) -> None:
    """Give a module-level value its names below `tf.contrib`."""
    export_constant(module=module, attr=attr, v1=tuple(f"contrib.{name}" for name in names))


def again(namespace: str, source: str, names: str, api: str = V1) -> None:
    """`again("rnn", "nn.rnn_cell", "LSTMCell GRUCell")`: names of the 1.x API that stand in a namespace of contrib too.

    `new=old` gives a thing another name there; `api=""` takes the 2.x names.
    """
    for word in names.split():
        new, _, old = word.partition("=")
        name = api + (f"{source}." if source else "") + (old or new)
        target = PUBLIC.get(name) or INDEX.get(name)
        if target is None:
            continue
        import_module(target.partition(":")[0])
        register(PUBLIC.get(name, target), (), f"contrib.{namespace}.{new}", ())
