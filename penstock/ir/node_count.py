"""How many nodes TensorFlow 1.x would have made so far: the number that seeds a random op there.

Where a node of ours stands for several of TensorFlow's (a loop, a conditional, a TensorArray), or for fewer, the difference
is counted with the graph, so that a program that sets the graph's seed draws the same numbers.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

from penstock.ir import door, flow_style

enabled = False
"""Do the seeds of ops count nodes (as in TensorFlow 1.x), or the seeds given out?"""
_KEY = "more nodes"


def active() -> bool:
    """Is a graph being built whose nodes are counted as TensorFlow 1.x counts them?"""
    return enabled and door.current().is_graph


def more(number: int, graph: Any = None) -> None:
    """Count `number` nodes that TensorFlow 1.x has at this place of the graph (the current one) and that are not needed here."""
    if number and active():
        extras: Any = (graph or door.current())._extras
        extras[_KEY] = extras.get(_KEY, 0) + number


def within(graph: Any) -> int:
    """The nodes of one graph, branch or loop body, without those around it."""
    return len(graph._nodes) + graph._extras.get(_KEY, 0)


def of(graph: Any) -> int:
    """The nodes of `graph` as TensorFlow 1.x would have made them; in a loop or a branch of a graph also those around it."""
    root = flow_style.root(graph)
    total = within(graph)
    while graph is not root and not root.building_function:
        graph = graph.outer
        total += within(graph)
    return total


@contextlib.contextmanager
def exactly(number: int) -> Iterator[None]:
    """Count what is made inside as `number` nodes, and one for each tensor from outside a loop or a branch that enters it."""
    if not active():
        yield
        return
    graph: Any = door.current()
    before = within(graph) - len(getattr(graph, "_captured", ()))
    yield
    more(number - (within(graph) - len(getattr(graph, "_captured", ())) - before), graph)
