"""`tf.init_scope`: out of functions and control flow, to where variables live."""

import contextlib
from collections.abc import Iterator
from typing import Any

from penstock.base.export import export
from penstock.ir import door


def outermost() -> Any:
    """The emitter around all functions and control-flow bodies being traced: a plain graph or the eager runner."""
    here = door.current()
    while here.is_graph and here.building_function:
        here = here.outer
    return here


@export("init_scope")
@contextlib.contextmanager
def init_scope() -> Iterator[None]:
    """A context whose ops go to the outermost graph, or run eagerly; tapes and control dependencies stay behind."""
    here, outer = door.current(), outermost()
    scope = here.get_name_scope() if here.is_graph else door.state.name_scope.rstrip("/")
    with door.using(outer), door.watching(None):
        if not outer.is_graph:
            before, lifted = door.state.name_scope, door.state.lifted
            door.state.name_scope = f"{scope}/" if scope else ""
            door.state.lifted = here if getattr(here, "_variable_creator", None) is not None else lifted
            try:
                yield
            finally:
                door.state.name_scope, door.state.lifted = before, lifted
        elif here is outer:
            with outer.control_dependencies(None):
                yield
        else:
            with outer.control_dependencies(None), outer.name_scope(f"{scope}/" if scope else None):
                yield


@export("control_dependencies")
def control_dependencies(control_inputs: Any) -> Any:
    """A context whose ops run after `control_inputs`; eagerly everything already has (callables are called)."""
    here = door.current()
    if here.is_graph:
        return here.control_dependencies(control_inputs)
    for c in control_inputs or ():
        if callable(c):
            c()
    return contextlib.nullcontext()


@export("device")
def device(device_name: Any) -> Any:
    """A context whose ops are placed on a device; unknown devices fall back to the ones that exist."""
    here = door.current()
    if here.is_graph:
        return here.device(device_name)
    if device_name is not None and not callable(device_name):
        from penstock.ir.device import merge_device

        try:
            wanted = merge_device(door.state.device, device_name)
        except ValueError as e:
            from penstock.base.errors import InvalidArgumentError

            raise InvalidArgumentError(None, None, f"Failed to parse device name {device_name!r}: {e}") from None
        return _placed(wanted)
    elif callable(device_name):
        raise RuntimeError("tf.device does not support functions when eager execution is enabled.")
    return _placed("")


@contextlib.contextmanager
def _placed(name: str) -> Any:
    """Ops of this thread are asked to run on `name`; "" lets each choose."""
    before, door.state.device = door.state.device, name
    try:
        yield
    finally:
        door.state.device = before


@export(v1=("colocate_with",))
def colocate_with(op: Any, ignore_existing: bool = False) -> Any:
    """A context whose ops are placed where `op` is."""
    here = door.current()
    return here.colocate_with(op, ignore_existing) if here.is_graph else contextlib.nullcontext()


@export(v1=("container",))
def container(container_name: str) -> Any:
    """A context whose resources are kept under `container_name`."""
    from penstock.fronts.default_graph import get_default_graph

    return get_default_graph().container(container_name)
