"""`tensorflow.python.keras.utils.tf_utils`: which values stand for tensors of a graph."""

from penstock.fronts.eager import EagerTensor
from penstock.ir import door
from penstock.ir.tensor import Tensor

_types: list = []


def register_symbolic_tensor_type(cls_type):
    """Let objects of a class count as symbolic tensors where Keras asks."""
    _types.append(cls_type)


def is_symbolic_tensor(tensor):
    """Is it of a graph?  A variable is while a graph is being built."""
    if isinstance(tensor, Tensor):
        return not isinstance(tensor, EagerTensor)
    if isinstance(tensor, tuple(_types)):
        return True
    parts = getattr(tensor, "_type_spec", None)
    if parts is not None or hasattr(tensor, "initializer"):
        return door.current().is_graph
    return False


def is_tensor_or_variable(x):
    """Is it a tensor, a variable or something registered to stand for one?"""
    return isinstance(x, (Tensor, *_types)) or hasattr(x, "initializer") or hasattr(x, "_type_spec")


def are_all_symbolic_tensors(tensors):
    """Are all of them of a graph?"""
    return all(is_symbolic_tensor(t) for t in tensors)
