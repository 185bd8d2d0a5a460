"""`tf.train.CheckpointView`: the objects of a checkpoint on disk."""

import collections
import os
from typing import Any

from penstock.base import bundle, errors
from penstock.base.export import export
from penstock.state.checkpoint_restore import read_object_graph
from penstock.state.object_graph import TrackableView, children_of


@export("train.CheckpointView")
class CheckpointView:
    """What objects a checkpoint holds and how they depend on each other, by the numbers they have there.

    >>> view = tf.train.CheckpointView(path); view.children(0)
    {'v': 1, 'save_counter': 2}
    """

    def __init__(self, save_path: Any):
        proto = read_object_graph(bundle.Reader(os.fspath(save_path)))
        if proto is None:
            raise errors.NotFoundError(
                None, None, f"The specified checkpoint \"{save_path}\" does not appear to be object-based (saved with TF2) since it is missing the key "
                '"_CHECKPOINTABLE_OBJECT_GRAPH". Likely it was created with the TF1 name-based saver and does not contain an object dependency graph.')  # fmt: skip
        self._object_graph_proto = proto

    def children(self, node_id: int) -> dict[str, int]:
        """{name: number} of what an object depends on."""
        return {c.local_name: c.node_id for c in self._object_graph_proto.nodes[node_id].children}

    def descendants(self) -> list[int]:
        """The numbers of all objects, the nearest to the root first."""
        return list(self._paths())

    def _paths(self) -> dict[int, str]:
        found, queue = {0: "root"}, collections.deque([0])
        while queue:
            i = queue.popleft()
            for name, child in self.children(i).items():
                if child not in found:
                    found[child] = f"{found[i]}.{name}"
                    queue.append(child)
        return found

    def match(self, obj: Any) -> dict[int, Any]:
        """{number: object} of what below `obj` has the same place as in the checkpoint."""
        if not isinstance(obj, TrackableView):
            obj = TrackableView(obj)
        matched = {0: obj.root}
        queue = collections.deque([0])
        while queue:
            i = queue.popleft()
            held = children_of(matched[i])
            for name, child in self.children(i).items():
                if child not in matched and name in held:
                    matched[child] = held[name]
                    queue.append(child)
        return matched

    def diff(self, obj: Any) -> tuple[dict[int, Any], list[int], list[Any]]:
        """What matches, the numbers that only the checkpoint has, the objects that only the program has."""
        overlap = self.match(obj)
        shared = {id(o) for o in overlap.values()}
        program = (obj if isinstance(obj, TrackableView) else TrackableView(obj)).descendants()
        return overlap, [i for i in self.descendants() if i not in overlap], [o for o in program if id(o) not in shared]
