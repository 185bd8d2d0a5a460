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
_KEY, _OPEN = "more nodes", "body being built"


def active() -> bool:
    """Is a graph being built whose nodes are counted as TensorFlow 1.x counts them?"""
    return enabled and door.current().is_graph


def more(number: int, graph: Any = None) -> None:
    """Count `number` nodes that TensorFlow 1.x has at this place of the graph (the current one) and that are not needed here."""
    if number and active():
        extras: Any = (graph or door.current())._extras
        extras[_KEY] = extras.get(_KEY, 0) + number


def within(graph: Any) -> int:
    """The nodes of one graph, loop body or branch, and of the body in it that is being built."""
    inner = graph._extras.get(_OPEN)
    return len(graph._nodes) + graph._extras.get(_KEY, 0) + (within(inner) if inner is not None else 0)


def of(graph: Any) -> int:
    """The nodes so far as TensorFlow 1.x would have made them, which makes loops and branches in the graph that they stand in."""
    root = flow_style.root(graph)
    return within(graph if root.building_function else root)


@contextlib.contextmanager
def body(graph: Any, more_nodes: int) -> Iterator[None]:
    """Count what is made inside, in the graph of a loop body or branch, with the graph around it, as TensorFlow 1.x makes it there."""
    if not (enabled and flow_style.old()):
        yield
        return
    outer: Any = door.current()
    more(more_nodes, graph)
    outer._extras[_OPEN] = graph
    try:
        yield
    finally:
        outer._extras[_OPEN] = None
    more(within(graph), outer)


_AS_THEY_ARE = contextlib.nullcontext()


def exactly(number: int) -> contextlib.AbstractContextManager[None]:
    """Count what is made inside as `number` nodes, and one for each tensor from outside a loop or a branch that enters it."""
    return _counted(number) if active() else _AS_THEY_ARE


@contextlib.contextmanager
def _counted(number: int) -> Iterator[None]:
    graph: Any = door.current()
    before = within(graph) - len(getattr(graph, "_captured", ()))
    yield
    more(number - (within(graph) - len(getattr(graph, "_captured", ())) - before), graph)
