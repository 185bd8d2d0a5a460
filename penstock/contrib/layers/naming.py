"""How contrib layers name their variables and keep their outputs: `tf.contrib.layers.python.layers.utils`."""

from collections import OrderedDict
from typing import Any

import penstock.compat.v1 as tf
from penstock.contrib.framework.variables import model_variable
from penstock.contrib.names import contrib, contrib_constant
from penstock.layers.base import constant_value, smart_cond

UTILS = "layers.python.layers.utils."
for _name, _what in (("smart_cond", "smart_cond"), ("constant_value", "constant_value"), ("static_cond", "smart_cond")):
    contrib_constant(UTILS + _name, module="penstock.layers.base", attr=_what)
contrib_constant("slim.utils.smart_cond", module="penstock.layers.base", attr="smart_cond")
contrib_constant("slim.utils.constant_value", module="penstock.layers.base", attr="constant_value")
__all__ = ["constant_value", "smart_cond"]


def utility(function: Any) -> Any:
    """Decorator: a function of `tf.contrib.layers.utils` and `slim.utils`."""
    name = function.__name__
    return contrib(UTILS + name, f"layers.utils.{name}", f"slim.utils.{name}")(function)


def variable_getter(rename: dict[str, str] | None = None) -> Any:
    """A custom getter that makes model variables, `kernel` and `bias` under their names in contrib."""

    def layer_variable_getter(getter: Any, *args: Any, **kwargs: Any) -> Any:
        kwargs["rename"] = rename
        return _model_variable_getter(getter, *args, **kwargs)

    return layer_variable_getter


def _model_variable_getter(
    getter: Any, name: str, shape: Any = None, dtype: Any = None, initializer: Any = None, regularizer: Any = None, trainable: bool = True,
    collections: Any = None, caching_device: Any = None, partitioner: Any = None, rename: dict[str, str] | None = None,
    use_resource: Any = None, **_: Any,
) -> Any:  # fmt: skip
    short = name.split("/")[-1]
    if rename and short in rename:
        name = "/".join([*name.split("/")[:-1], rename[short]])
    return model_variable(
        name, shape=shape, dtype=dtype, initializer=initializer, regularizer=regularizer, collections=collections, trainable=trainable,
        caching_device=caching_device, partitioner=partitioner, custom_getter=getter, use_resource=use_resource,
    )  # fmt: skip


def add_variable_to_collections(variable: Any, collections_set: Any, collections_name: str) -> None:
    """Put a variable (or its parts) into the collections that the caller asked for."""
    collections = list(get_variable_collections(collections_set, collections_name) or [])
    parts = list(variable) if isinstance(variable, tf.Variable) and hasattr(variable, "_variable_list") else [variable]
    for collection in collections:
        for part in parts:
            if not any(part is held for held in tf.get_collection(collection)):
                tf.add_to_collection(collection, part)


@utility
def get_variable_collections(variables_collections: Any, name: str) -> Any:
    """The collections of one kind of variable, from a list for all or a dict by kind."""
    if isinstance(variables_collections, dict):
        return variables_collections.get(name)
    return variables_collections


@utility
def collect_named_outputs(collections: Any, alias: str, outputs: Any) -> Any:
    """Put outputs into collections, with an alias that `convert_collection_to_dict` uses; gives the outputs."""
    if collections:
        append_tensor_alias(outputs, alias)
        tf.add_to_collections(collections, outputs)
    return outputs


@utility
def append_tensor_alias(tensor: Any, alias: str) -> Any:
    """Give a tensor one more alias."""
    if alias[-1:] == "/":
        alias = alias[:-1]
    if hasattr(tensor, "aliases"):
        tensor.aliases.append(alias)
    else:
        tensor.aliases = [alias]
    return tensor


@utility
def gather_tensors_aliases(tensors: Any) -> list[str]:
    """The aliases of tensors, or their names where they have none."""
    return [alias for tensor in tensors for alias in get_tensor_aliases(tensor)]


@utility
def get_tensor_aliases(tensor: Any) -> list[str]:
    """The aliases of a tensor, or its name."""
    if getattr(tensor, "aliases", None):
        return tensor.aliases
    name = tensor.op.name if tensor.op.name[-1:] != "/" else tensor.op.name[:-1]
    return [name]


@utility
def convert_collection_to_dict(collection: str, clear_collection: bool = False) -> Any:
    """An ordered dict of alias -> tensor of a collection."""
    ended = OrderedDict((alias, t) for t in tf.get_collection(collection) for alias in get_tensor_aliases(t))
    if clear_collection:
        tf.get_default_graph().clear_collection(collection)
    return ended


@utility
def last_dimension(shape: Any, min_rank: int = 1) -> int | None:
    """The size of the last axis."""
    return _axis(shape, min_rank, -1)


def _axis(shape: Any, min_rank: int, at: int) -> int | None:
    dims = shape.dims
    if dims is None:
        raise ValueError("dims of shape must be known but is None")
    if len(dims) < min_rank:
        raise ValueError(f"rank of shape must be at least {min_rank} not: {len(dims)}")
    return tf.Dimension(dims[at]).value


@utility
def channel_dimension(shape: Any, data_format: str, min_rank: int = 1) -> int | None:
    """The size of the channels' axis."""
    return _axis(shape, min_rank, 1 if data_format.startswith("NC") else -1)


@utility
def two_element_tuple(int_or_tuple: Any) -> tuple[int, int]:
    """An int or two, as a pair: height, width."""
    if isinstance(int_or_tuple, (list, tuple)):
        if len(int_or_tuple) != 2:
            raise ValueError(f"Must be a list with 2 elements: {int_or_tuple}")
        return int(int_or_tuple[0]), int(int_or_tuple[1])
    if isinstance(int_or_tuple, int):
        return int(int_or_tuple), int(int_or_tuple)
    if isinstance(int_or_tuple, tf.TensorShape) and len(int_or_tuple) == 2:
        return int_or_tuple[0], int_or_tuple[1]
    raise ValueError(f"Must be an int, a list with 2 elements or a TensorShape of length 2: {int_or_tuple}")


@utility
def n_positive_integers(n: int, value: Any) -> tuple[int, ...]:
    """A positive int or n of them, as a tuple of n."""
    n_orig, n = n, int(n)
    if n < 1 or n != n_orig:
        raise ValueError("n must be a positive integer")
    try:
        value = int(value)
    except (TypeError, ValueError):
        sequence_len = len(value)
        if sequence_len == 1:
            value = int(value[0])
        else:
            values = [int(v) for v in value]
            if len(values) != n or any(v < 1 for v in values):
                raise ValueError(f"Expected sequence of {n} positive integers, but received {value}")
            return tuple(values)
    if value < 1:
        raise ValueError(f"expected positive integer, but received {value}")
    return (value,) * n
