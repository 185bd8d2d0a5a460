"""`tf.group`, `tf.tuple`, `tf.no_op`: nodes that wait for others."""

from typing import Any

from penstock.base import nest
from penstock.base.export import Old, export
from penstock.ir import door
from penstock.ir.op import find
from penstock.ir.scope import scoped
from penstock.ir.source import NO_OP


@export("no_op", old=Old("name=None"))
def no_op(name: str | None = None) -> Any:
    """An operation that does nothing (None eagerly)."""
    return NO_OP(name=name)


@export("group")
def group(*inputs: Any, **kwargs: Any) -> Any:
    """An operation that is done when all of `inputs` (operations, tensors, nests of them) are; None eagerly."""
    name = kwargs.pop("name", None)
    if kwargs:
        raise ValueError(f"Unknown keyword arguments: {', '.join(kwargs)}")
    here = door.current()
    if not here.is_graph:
        return None
    for thing in nest.flatten(inputs, expand_composites=True):
        if thing is not None and not hasattr(thing, "name") and not hasattr(thing, "_as_graph_element"):
            raise TypeError(f"'inputs' should be zero or more (nested) Tensors. Received {thing!r} with type {type(thing)!r}.")
    flat = [t for t in nest.flatten(inputs, expand_composites=True) if t is not None]
    with here.control_dependencies(flat):
        return NO_OP(name=name or "group_deps")


def with_dependencies(dependencies: Any, output_tensor: Any, name: str | None = None) -> Any:
    """`output_tensor`, once `dependencies` are done."""
    here = door.current()
    if not here.is_graph:
        return output_tensor
    with scoped(name, "control_dependency") as scope, here.control_dependencies(list(dependencies)):
        tensor = door.convert(output_tensor)
        return find("Identity")(tensor, name=scope)


@export("tuple", old=Old("tensors, name=None, control_inputs=None"))
def tuple_v2(tensors: Any, control_inputs: Any = None, name: str | None = None) -> Any:
    """The tensors, each of which is there only when all of them and `control_inputs` are."""
    here = door.current()
    if not here.is_graph:
        return tensors
    with scoped(name, "tuple"):
        flat = nest.flatten(tensors)
        waits: list[Any] = [t if hasattr(t, "outputs") else getattr(t, "values", t).op for t in flat if t is not None]
        if not waits:
            raise ValueError(f"Must have at least one Tensor: {tensors}")
        for c in control_inputs or ():
            waits.append(c if hasattr(c, "outputs") else here.convert(c).op)
        gate = group(*waits)
        done = [None if t is None else t if hasattr(t, "outputs") else _after(gate, t) for t in flat]
        return nest.pack_sequence_as(tensors, done)


def _after(gate: Any, tensor: Any) -> Any:
    if hasattr(tensor, "indices") and hasattr(tensor, "values"):
        return type(tensor)(with_dependencies([gate], tensor.values), tensor.indices, tensor.dense_shape)
    return with_dependencies([gate], tensor)
