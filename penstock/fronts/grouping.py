"""`tf.no_op`, `tf.group`, `tf.tuple`: ops that only wait for others."""

import contextlib
from typing import Any

from penstock.base import nest
from penstock.base.export import export
from penstock.ir import door
from penstock.ir.graph import GraphTensor, Operation
from penstock.ir.scope import scoped
from penstock.ir.source import NO_OP
from penstock.ir.tensor import Tensor
from penstock.ops.identity import identity


@export("no_op")
def no_op(name: str | None = None) -> Any:
    """An op that does nothing; it can be made to wait for others."""
    return NO_OP(name=name)


@export("group")
def group(*inputs: Any, **kwargs: Any) -> Any:
    """One op that is done when all `inputs` (ops, tensors, variables, nests of them) are; None in eager code.

    >>> train = tf.group(update_a, update_b)
    """
    name = kwargs.pop("name", None)
    if kwargs:
        raise ValueError("Unknown keyword arguments: " + ", ".join(kwargs))
    here = door.current()
    if not here.is_graph:
        return None
    with scoped(name, "group_deps") as scope:
        waits: dict[str, list[Any]] = {}
        for one in nest.flatten(list(inputs), expand_composites=True):
            one = one._as_graph_element() if hasattr(one, "_as_graph_element") else one
            if one is None:
                continue
            if not isinstance(one, (Operation, Tensor)):
                raise TypeError(f"'inputs' should be zero or more (nested) Tensors. Received {one!r} with type {type(one)}.")
            waits.setdefault(one.device or "", []).append(one)
        if len(waits) < 2:
            return _after(here, *next(iter(waits.items()), ("", [])), name=scope)
        return _after(here, "", [_after(here, device, waits[device]) for device in sorted(waits)], name=scope)


def _after(here: Any, device: str, waits: list[Any], name: str | None = None) -> Any:
    with here.control_dependencies(waits), here.device(device) if device else contextlib.nullcontext():
        return NO_OP(name=name)


def with_dependencies(dependencies: Any, output_tensor: Any, name: str | None = None) -> Any:
    """`output_tensor` once `dependencies` are done."""
    here = door.current()
    if not here.is_graph:
        return output_tensor
    with scoped(name, "control_dependency") as scope, here.control_dependencies(dependencies):
        if hasattr(output_tensor, "indices") and hasattr(output_tensor, "dense_shape") and not isinstance(output_tensor, Tensor):
            return type(output_tensor)(identity(output_tensor.values), output_tensor.indices, output_tensor.dense_shape)
        return identity(output_tensor, name=scope)


def _tuple(tensors: Any, name: str | None, control_inputs: Any) -> Any:
    here = door.current()
    if not here.is_graph:
        return tensors
    with scoped(name, "tuple"):
        tensors = [t if hasattr(t, "op") or t is None or hasattr(t, "dense_shape") else door.convert(t) for t in tensors]
        gates = [t.op for t in tensors if t is not None]
        for c in control_inputs or ():
            if isinstance(c, GraphTensor):
                c = c.op
            elif not isinstance(c, Operation):
                raise TypeError(f"'control_inputs' must only contain Operation or Tensor. Received: {type(c)}")
            gates.append(c)
        if not gates:
            raise ValueError(f"'tensors' must have at least one Tensor. Received: {tensors}.")
        gate = group(*dict.fromkeys(gates))
        return [None if t is None else with_dependencies([gate], t) for t in tensors]


@export(v2=("tuple",))
def tuple_v2(tensors: Any, control_inputs: Any = None, name: str | None = None) -> Any:
    """The tensors, each available only when all of them (and `control_inputs`) are done."""
    return _tuple(tensors, name, control_inputs)


@export(v1=("tuple",))
def tuple(tensors: Any, name: str | None = None, control_inputs: Any = None) -> Any:  # noqa: A001
    """The tensors, each available only when all of them (and `control_inputs`) are done."""
    return _tuple(tensors, name, control_inputs)
