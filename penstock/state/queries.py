"""Questions about values: is it a tensor, is it symbolic, is its value known already."""

from typing import Any

import numpy as np

from penstock.base import nest
from penstock.base.export import export
from penstock.fronts.trace import FuncGraph
from penstock.ir import door
from penstock.ir.graph import GraphTensor
from penstock.ir.known import known_value, static_value
from penstock.ir.tensor import AnyTensor, Tensor
from penstock.state.variable import Variable


@export("is_tensor")
def is_tensor(x: Any) -> bool:
    """Is it a tensor, a variable, or a composite one (sparse, ragged, slices)?  NumPy arrays and numbers are not.

    >>> tf.is_tensor(tf.constant(1)), tf.is_tensor(1)
    (True, False)
    """
    if isinstance(x, AnyTensor | Variable):
        return True
    return getattr(type(x), "_counts_as_tensor", False)


@export("is_symbolic_tensor")
def is_symbolic_tensor(tensor: Any) -> bool:
    """Is it a tensor of a graph, which has no value yet?  Composite tensors are when one of their parts is."""
    if isinstance(tensor, GraphTensor):
        return True
    if getattr(type(tensor), "__composite__", False):
        return any(isinstance(part, GraphTensor) for part in nest.flatten(tensor, expand_composites=True))
    return False


@export("get_static_value")
def get_static_value(tensor: Any, partial: bool = False) -> Any:
    """The value as a NumPy array as far as it follows from constants and static shapes, else None.

    With `partial`, a vector of which only some elements are known comes back with None in the place of the others.
    """
    if not isinstance(tensor, Tensor):
        return tensor if not isinstance(tensor, Variable) else None
    value = static_value(tensor) if isinstance(tensor, GraphTensor) else known_value(tensor)
    if value is not None or not partial:
        return value
    return _partly(tensor)


def _partly(tensor: Any) -> Any:
    if tensor.op.type in ("Pack", "ConcatV2") and tensor.shape.rank == 1:
        inputs = tensor.op.inputs if tensor.op.type == "Pack" else tensor.op.inputs[:-1]
        values = [get_static_value(x, partial=True) for x in inputs]
        if all(v is None for v in values):
            return None
        if tensor.op.type == "Pack":
            return np.array(values, dtype=object)
        sizes = [x.shape.num_elements() for x in inputs]
        if any(n is None and v is None for n, v in zip(sizes, values)):
            return None
        parts = [[None] * n if v is None else list(v) for n, v in zip(sizes, values)]
        return np.array([x for part in parts for x in part], dtype=object)
    return None


@export(v2=("inside_function",))
def inside_function() -> bool:
    """Is a `tf.function` being traced?"""
    return isinstance(door.current(), FuncGraph)


@export(v2=("get_current_name_scope",))
def get_current_name_scope() -> str:
    """The name scope that new ops get, "" outside of all.

    >>> with tf.name_scope("a"):
    ...     tf.get_current_name_scope()
    'a'
    """
    emitter = door.current()
    return emitter.get_name_scope() if emitter.is_graph else door.state.name_scope.rstrip("/")
