"""Resources of a graph (trees, tables of one's own): the collections that say what to create before a session is ready."""

from typing import Any, NamedTuple

from penstock.fronts.default_graph import get_default_graph
from penstock.fronts.grouping import group
from penstock.ir.scope import name_scope
from penstock.ops.compare import logical_not
from penstock.ops.constants import constant
from penstock.ops.join import stack
from penstock.ops.masks import boolean_mask
from penstock.state.collections import GraphKeys


class _Resource(NamedTuple):
    handle: Any
    create: Any
    is_initialized: Any


def register_resource(handle: Any, create_op: Any, is_initialized_op: Any, is_shared: bool = True) -> None:
    """Remember a resource: its handle, the op that makes it, and a boolean scalar that says if it is made."""
    key = GraphKeys.RESOURCES if is_shared else GraphKeys.LOCAL_RESOURCES
    get_default_graph().add_to_collection(key, _Resource(handle, create_op, is_initialized_op))


def shared_resources() -> list[Any]:
    """What all tasks see."""
    return get_default_graph().get_collection(GraphKeys.RESOURCES)


def local_resources() -> list[Any]:
    """What this session alone has."""
    return get_default_graph().get_collection(GraphKeys.LOCAL_RESOURCES)


def report_uninitialized_resources(resource_list: Any = None, name: str = "report_uninitialized_resources") -> Any:
    """The names of the resources that are not made yet, a vector of strings."""
    found = shared_resources() + local_resources() if resource_list is None else resource_list
    with name_scope(name):
        if not found:
            return constant([], dtype="string")
        names = constant([resource.handle.name for resource in found])
        made = stack([resource.is_initialized for resource in found])
        return boolean_mask(names, logical_not(made))


def initialize_resources(resource_list: Any, name: str = "init") -> Any:
    """One op that makes all of them."""
    return group(*[resource.create for resource in resource_list], name=name)
