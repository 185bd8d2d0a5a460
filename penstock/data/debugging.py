"""`tf.data.experimental.enable_debug_mode`."""

from penstock.base.export import export
from penstock.ir import door

_on = False


def debug_mode() -> bool:
    """Was debug mode enabled?"""
    return _on


@export("data.experimental.enable_debug_mode")
def enable_debug_mode() -> None:
    """Run the functions of datasets made from now on without AutoGraph, one element at a time."""
    global _on
    if door.current().is_graph:
        raise ValueError("`enable_debug_mode() is only supported in eager mode.")
    _on = True
