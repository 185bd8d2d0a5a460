"""How the ops that make datasets are declared and called."""

from collections.abc import Callable
from typing import Any

import numpy as np

from penstock.base.dtypes import variant
from penstock.fronts.eager import EagerTensor, make
from penstock.ir import door
from penstock.ir.op import Op, op
from penstock.ir.resolve import resolve

TYPED = 'metadata: str = "", output_shapes: list(shape) >= 1, output_types: list(type) >= 1'
PLAIN = "output_shapes: list(shape) >= 1, output_types: list(type) >= 1"


def stage(text: str, **fields: Any) -> Callable[[Callable[..., Any]], Op]:
    """Declare an op that makes a dataset; its body gives a Pipe."""
    return op(text, where="host", shape=lambda *_, **__: (), **fields)


def emit_stage(definition: Op, inputs: tuple[Any, ...], attrs: dict[str, Any], name: str | None = None) -> Any:
    """Call a dataset op; eagerly at once and without the kernel cache, which would keep every traced function alive."""
    here = door.current()
    if here.is_graph:
        return definition(*inputs, name=name, **attrs)
    tensors, full = resolve(here, definition, inputs, attrs)
    arrays = [host(t) for t in tensors]
    at = 0
    grouped: list[Any] = []
    for arg in definition.sig.inputs:
        if arg.many:
            n = full[arg.number] if arg.number else len(full[arg.type])
            grouped.append(arrays[at : at + n])
            at += n
        else:
            grouped.append(arrays[at])
            at += 1
    pipe = definition.body(np, *grouped, **{k: full[k] for k in definition.takes})
    return make(pipe, variant)


def host(tensor: Any) -> Any:
    """The value of an eager tensor on the host."""
    array = tensor._array if type(tensor) is EagerTensor else tensor
    return np.asarray(array) if type(array) is not np.ndarray and hasattr(array, "devices") else array
