"""Which objects a checkpoint holds: the graph of dependencies below a root, its keys and its message."""

import collections
from collections.abc import Iterator
from typing import Any

from penstock.base.export import export
from penstock.base.trackable import Trackable, TrackableReference
from penstock.ir.tensor import Reference
from penstock.state.auto_trackable import wrap_or_unwrap

OBJECT_GRAPH_KEY = "_CHECKPOINTABLE_OBJECT_GRAPH"
_ATTRIBUTES = ".ATTRIBUTES"
_SLOTS = ".OPTIMIZER_SLOT"


def escape(name: str) -> str:
    """A dependency's name as a part of a key: dots and slashes are written as pairs that begin with a dot."""
    return name.replace(".", "..").replace("/", ".S")


def object_key(path: tuple[str, ...], attribute: str) -> str:
    """The key of an attribute of the object at `path`."""
    return "/".join((*path, _ATTRIBUTES, attribute))


def children_of(trackable: Any, save_type: str = "checkpoint", **kwargs: Any) -> dict[str, Any]:
    """{name: object} of what an object depends on."""
    trackable._maybe_initialize_trackable()
    return trackable._trackable_children(save_type, **kwargs)


@export("train.TrackableView")
class TrackableView:
    """The objects below a root, as a checkpoint would find them.

    >>> root = tf.Module(); root.v = tf.Variable(1.0); list(tf.train.TrackableView(root).children(root))
    ['v']
    """

    def __init__(self, root: Any):
        self._root_ref = root

    @property
    def root(self) -> Any:
        return self._root_ref() if type(self._root_ref).__name__ == "ReferenceType" else self._root_ref

    @classmethod
    def children(cls, obj: Any, save_type: str = "checkpoint", **kwargs: Any) -> dict[str, Any]:
        """{name: object} of what an object depends on; lists and dictionaries as those that track."""
        found = children_of(obj, save_type, **kwargs)
        return {n: c if isinstance(c, Trackable) else wrap_or_unwrap(c) for n, c in found.items()}

    def _breadth_first(self) -> tuple[list[Any], dict[int, tuple[tuple[str, Any], ...]], list[list[tuple[str, int]]]]:
        """The objects, the path of each by its id, and the (name, number) of the children of each."""
        order, numbers, edges = [self.root], {id(self.root): 0}, []
        paths: dict[int, tuple[tuple[str, Any], ...]] = {id(self.root): ()}
        queue: Any = collections.deque(order)
        while queue:
            current = queue.popleft()
            if not isinstance(current, Trackable):
                raise TypeError(f"{current} of type {type(current)} is not trackable, but a dependency of a trackable object.")
            mine: list[tuple[str, int]] = []
            for name, child in self.children(current).items():
                if id(child) not in paths:
                    numbers[id(child)] = len(order)
                    paths[id(child)] = (*paths[id(current)], (name, child))
                    order.append(child)
                    queue.append(child)
                mine.append((name, numbers[id(child)]))
            edges.append(mine)
        return order, paths, edges  # type: ignore[return-value]

    def descendants(self) -> list[Any]:
        """The root and all objects below it, the nearest first."""
        return self._breadth_first()[0]


@export("__internal__.tracking.ObjectGraphView")
class ObjectGraphView(TrackableView):
    """The objects below a root, together with dependencies attached to the root from outside."""

    def __init__(self, root: Any, attached_dependencies: list[TrackableReference] | None = None):
        super().__init__(root)
        self._attached_dependencies = attached_dependencies

    @property
    def attached_dependencies(self) -> Any:
        return self._attached_dependencies

    def list_children(self, obj: Any, save_type: str = "checkpoint", **kwargs: Any) -> list[TrackableReference]:
        """The dependencies of an object, those attached to the root included."""
        found = [TrackableReference(name, ref) for name, ref in children_of(obj, save_type, **kwargs).items()]
        if obj is self.root and self._attached_dependencies:
            found += self._attached_dependencies
        return found

    def children(self, obj: Any, save_type: str = "checkpoint", **kwargs: Any) -> dict[str, Any]:  # type: ignore[override]
        """{name: object} of an object's dependencies."""
        return {r.name: r.ref for r in self.list_children(obj, save_type, **kwargs)}

    def breadth_first_traversal(self) -> tuple[list[Any], Any]:
        """The objects, the nearest first, and the path to each."""
        order, paths, _ = self._breadth_first()
        return order, {Reference(one): tuple(TrackableReference(n, ref) for n, ref in paths[id(one)]) for one in order}

    _breadth_first_traversal = breadth_first_traversal

    def layout(self) -> "Layout":
        """Numbers, keys and slots of the objects."""
        return Layout(self)


class Layout:
    """The numbered objects of a graph view: the edges between them, the path of each, the slots of optimizers."""

    def __init__(self, view: ObjectGraphView):
        self.objects, paths, self.edges = view._breadth_first()
        self.paths = [tuple(escape(name) for name, _ in paths[id(o)]) for o in self.objects]
        self.slots: dict[int, list[tuple[int, str, int]]] = {}
        self._number_slots()
        self.edges += [[] for _ in range(len(self.objects) - len(self.edges))]

    def _number_slots(self) -> None:
        number = {id(o): i for i, o in enumerate(self.objects)}
        plain = list(enumerate(self.objects))
        for i, optimizer in plain:
            names = getattr(optimizer, "get_slot_names", None)
            if names is None or not hasattr(optimizer, "get_slot") or not hasattr(optimizer, "_create_or_restore_slot_variable"):
                continue
            for name in names():
                for j, original in plain:
                    try:
                        slot = optimizer.get_slot(original, name)
                    except (AttributeError, KeyError, TypeError):
                        continue
                    if slot is None:
                        continue
                    if not isinstance(slot, Trackable):
                        raise NotImplementedError("A ListWrapper or similar structure as a slot variable cannot be saved.")
                    if id(slot) not in number:
                        number[id(slot)] = len(self.objects)
                        self.objects.append(slot)
                        self.paths.append((*self.paths[j], _SLOTS, *(self.paths[i] or ()), escape(name)))
                        self.edges_of_slot(slot)
                    self.slots.setdefault(i, []).append((j, name, number[id(slot)]))

    def edges_of_slot(self, slot: Any) -> None:
        if children_of(slot):
            raise NotImplementedError(f"Currently only variables with no dependencies can be saved as slot variables. File a feature request if this limitation bothers you. (Got slot variable {slot})")

    def __iter__(self) -> Iterator[tuple[int, Any, tuple[str, ...]]]:
        return iter((i, o, p) for i, (o, p) in enumerate(zip(self.objects, self.paths)))

    def proto(self) -> Any:
        """The message with children and slots; attributes are filled in by who saves."""
        from penstock.base.proto import trackable_object_graph_pb2

        made = trackable_object_graph_pb2.TrackableObjectGraph()
        for i in range(len(self.objects)):
            node = made.nodes.add()
            for name, child in self.edges[i]:
                node.children.add(node_id=child, local_name=name)
            for original, name, slot in self.slots.get(i, ()):
                node.slot_variables.add(original_variable_node_id=original, slot_name=name, slot_variable_node_id=slot)
        return made


def mark_values(proto: Any) -> None:
    """Say of each node whether it, or anything below it, has values in the checkpoint."""
    parents: dict[int, list[int]] = {}
    for i, node in enumerate(proto.nodes):
        for child in node.children:
            parents.setdefault(child.node_id, []).append(i)
        for slot in node.slot_variables:
            parents.setdefault(slot.slot_variable_node_id, []).append(i)
    queue = [i for i, node in enumerate(proto.nodes) if node.attributes or node.HasField("registered_saver")]
    having = set(queue)
    while queue:
        for parent in parents.get(queue.pop(), ()):
            if parent not in having:
                having.add(parent)
                queue.append(parent)
    for i, node in enumerate(proto.nodes):
        node.has_checkpoint_values.value = i in having
