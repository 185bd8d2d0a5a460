"""How conditionals and loops of a graph are named: as functional nodes, or as the Switch, Merge, Enter and Exit of TensorFlow 1.x.

They are functional nodes either way; in a graph of 1.x what they return has the name that 1.x gives it.
"""

from typing import Any

from penstock.ir import door

functional = True
"""Did the program leave control flow v2 on?"""


def old() -> bool:
    """Is a graph of 1.x being built: control flow v2 is off, and this is not inside a function?"""
    return not functional and door.current().is_graph and not root(door.current()).building_function


def root(graph: Any) -> Any:
    """The graph that the loops and branches around this place stand in."""
    while getattr(graph, "is_control_flow_graph", False) and graph.outer.is_graph:
        graph = graph.outer
    return graph


def label(new: str, of_1x: str) -> str:
    """The name of a node, by the style of the graph being built."""
    return of_1x if old() else new
