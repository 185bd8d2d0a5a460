"""The default graph, and eager execution on or off."""

from typing import Any

from penstock.base.export import export
from penstock.fronts.eager import EAGER
from penstock.ir import door
from penstock.ir.graph import Graph

_global: Graph | None = None


def global_graph() -> Graph:
    """The graph of last resort, made when first asked for."""
    global _global
    if _global is None:
        _global = Graph()
    return _global


@export(v1=("get_default_graph",))
def get_default_graph() -> Any:
    """The graph that ops are added to now; the global one when eager code asks."""
    here = door.current()
    return here if here.is_graph else global_graph()


@export(v1=("reset_default_graph",))
def reset_default_graph() -> None:
    """Replace the global default graph by an empty one; AssertionError inside `graph.as_default()`."""
    global _global
    if door.state.emitter is not None:
        raise AssertionError("Do not use tf.reset_default_graph() to clear nested graphs. If you need a cleared graph, exit the nesting and create a new graph.")
    was_default = door.default_emitter is not EAGER
    _global = Graph()
    if was_default:
        door.default_emitter = _global


@export("executing_eagerly")
def executing_eagerly() -> bool:
    """Do ops run at once here?  False inside tf.function and in graphs."""
    return not door.current().is_graph


@export(v1=("executing_eagerly_outside_functions",))
def executing_eagerly_outside_functions() -> bool:
    """Would ops run at once outside of any function being traced?"""
    here = door.current()
    while here.is_graph and here.building_function:
        here = here.outer
    return not here.is_graph


@export(v1=("enable_eager_execution",))
def enable_eager_execution(config: Any = None, device_policy: Any = None, execution_mode: Any = None) -> None:
    """Make ops run at once from now on; ValueError when a graph was begun."""
    if door.default_emitter is not EAGER and _global is not None and _global._nodes:
        raise ValueError("tf.enable_eager_execution must be called at program startup.")
    door.default_emitter = EAGER


@export(v1=("disable_eager_execution",))
def disable_eager_execution() -> None:
    """Make the global graph the place that ops go to."""
    door.default_emitter = global_graph()
