"""The values of variables on their way into and out of traced branches and loops."""

from collections.abc import Callable
from typing import Any

import numpy as np

from penstock.base import nest, nest_kinds
from penstock.fronts.autograph.undefined import Undefined, UndefinedReturnValue
from penstock.fronts.trace import FuncGraph, fresh_name
from penstock.ir import door
from penstock.ir.graph import GraphTensor
from penstock.ir.op import find
from penstock.ir.tensor import Tensor

_PLAIN = (bool, int, float, complex, str, bytes, np.generic, np.ndarray)


def is_variable(value: Any) -> bool:
    """Is it a variable (which reads as a tensor)?"""
    return not isinstance(value, Tensor) and hasattr(value, "read_value") and hasattr(value, "assign")


def symbolic(value: Any) -> Any:
    """The graph tensor that a value is or reads as, None for a value that Python can look at."""
    if isinstance(value, GraphTensor):
        return value
    if is_variable(value) and door.current().is_graph:
        return door.convert(value)
    return None


def op(name: str, *inputs: Any, **attrs: Any) -> Any:
    """Emit an op by name."""
    return find(name)(*inputs, **attrs)


def is_value(leaf: Any) -> bool:
    """Can a leaf of a structure be carried as a tensor (or several)?"""
    if isinstance(leaf, (Tensor, *_PLAIN)):
        return True
    return nest_kinds.composite_spec(leaf) is not None or is_variable(leaf)


def as_value(leaf: Any) -> Any:
    """A tensor for a Python value; tensors and composite values stay."""
    return door.convert(leaf) if isinstance(leaf, _PLAIN) or is_variable(leaf) or isinstance(leaf, Tensor) else leaf


def absent(value: Any) -> bool:
    """Is there nothing that a tensor could stand for: undefined, None, no value returned yet?"""
    return value is None or isinstance(value, (Undefined, UndefinedReturnValue))


def odd(value: Any) -> bool:
    """Does a value hold anything that cannot be carried as tensors?"""
    return absent(value) or not all(is_value(leaf) for leaf in nest.flatten(value))


def dtype_of(leaf: Any) -> Any:
    found = getattr(leaf, "dtype", None)
    return found if found is None or hasattr(found, "base_dtype") else None


def trial(run: Callable[[], Any]) -> Any:
    """Run a piece of a program in a graph that is thrown away, to see what values come out of it."""
    graph = FuncGraph(fresh_name("autograph_trial"))
    graph.is_control_flow_graph = True
    with door.using(graph), door.watching(None):
        return run()


def zeros_like_spec(leaf: Any) -> Any:
    """Zeros of a leaf's dtype and static shape (unknown sizes are 0), as a value of the same kind."""
    if nest_kinds.composite_spec(leaf) is not None and not isinstance(leaf, Tensor):
        parts = [zeros_like_spec(part) for part in nest.flatten(leaf, expand_composites=True)]
        return nest.pack_sequence_as(leaf, parts, expand_composites=True)
    tensor = leaf if isinstance(leaf, Tensor) else trial(lambda: door.convert(leaf))
    dims = [d or 0 for d in (tensor._dims or ())]
    return door.convert(np.zeros(dims, tensor.dtype.array_dtype) if tensor.dtype.group != "" else _empty(tensor, dims))


def _empty(tensor: Any, dims: list[int]) -> Any:
    array = np.empty(dims, object)
    array[...] = b""
    return array
