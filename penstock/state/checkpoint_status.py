"""What a restore says of itself: what was matched, what is missing, and in graphs the ops that do it."""

import collections
from typing import Any

from penstock.ir import door
from penstock.state.checkpoint_restore import NameBasedRestore, Restore, path_of
from penstock.state.checkpoint_values import values_of
from penstock.state.object_graph import ObjectGraphView, children_of
from penstock.state.trackable_data import TrackableDataStructure


def _session(session: Any) -> Any:
    from penstock.state.checkpoint import get_session

    return get_session() if session is None else session


class CheckpointLoadStatus:
    """The assertions on a restore of objects, and its ops."""

    def __init__(self, checkpoint: Restore, feed_dict: dict[Any, Any], graph_view: ObjectGraphView, options: Any = None):
        self._checkpoint, self._feed_dict, self._graph_view, self._options = checkpoint, feed_dict, graph_view, options

    def _program_objects(self) -> list[Any]:
        return self._graph_view.descendants()

    def assert_consumed(self) -> Any:
        """AssertionError unless everything in the checkpoint was matched, and every object of the program."""
        self.assert_existing_objects_matched()
        proto = self._checkpoint.object_graph_proto
        for i, node in enumerate(proto.nodes):
            if not node.attributes and not node.HasField("registered_saver"):
                continue
            if self._checkpoint.bound(i) is None and i not in self._skipped():
                raise AssertionError(f"Unresolved object in checkpoint {path_of(proto, i)}: {node}")
        if self._checkpoint.slots:
            waiting = {i: s for i, s in self._checkpoint.slots.items() if any(proto.nodes[k].attributes for _, k, _ in s)}
            if waiting:
                raise AssertionError(f"Unresolved slot restorations: {waiting}")
        if self._checkpoint.unused_attributes:
            shown = "\n".join(
                f"    {self._checkpoint.bound(i)!r} ({path_of(proto, i)}): {names}" for i, names in self._checkpoint.unused_attributes.items()
            )
            raise AssertionError(f"Unused attributes in these objects (the attributes exist in the checkpoint but were not restored):\n{shown}")
        return self

    def _skipped(self) -> set[int]:
        if self._options is None or not self._options.experimental_skip_slot_variables:
            return set()
        return {s.slot_variable_node_id for n in self._checkpoint.object_graph_proto.nodes for s in n.slot_variables}

    def assert_existing_objects_matched(self) -> Any:
        """AssertionError unless every object of the program that has values was in the checkpoint."""
        checkpoint = self._checkpoint
        for i, node in enumerate(checkpoint.object_graph_proto.nodes):
            one = checkpoint.bound(i)
            if one is not None and not isinstance(one, TrackableDataStructure) and one._update_uid < checkpoint.restore_uid:
                raise AssertionError(f"Object {one} not assigned a value from checkpoint.")
            del node
        for one in self._program_objects():
            if isinstance(one, TrackableDataStructure) and not children_of(one):
                continue
            checkpoint.see(one)
        bound = {id(checkpoint.bound(i)) for i in list(checkpoint.objects)}
        unmatched = [o for o in self._program_objects() if id(o) not in bound and _has_values(o)]
        if unmatched:
            shown = unmatched[:10]
            raise AssertionError(
                f"Found {len(unmatched)} Python objects that were not bound to checkpointed values, likely due to changes in the Python program. "
                f"Showing {len(shown)} of {len(unmatched)} unmatched objects: {shown}"
            )
        return self

    def assert_nontrivial_match(self) -> Any:
        """AssertionError when nothing but the root was matched."""
        checkpoint = self._checkpoint
        matched = [i for i in range(1, len(checkpoint.object_graph_proto.nodes)) if checkpoint.bound(i) is not None]
        if matched:
            return self
        objects = [o for o in self._program_objects() if o is not self._graph_view.root]
        if objects:
            raise AssertionError(
                "Nothing except the root object matched a checkpointed value. Typically this means that the checkpoint does not match the Python "
                f"program. The following objects have no matching checkpointed value: {objects}"
            )
        raise AssertionError(f"Nothing to load. No dependencies have been added to {self._graph_view.root} yet.")

    def expect_partial(self) -> Any:
        """No warnings about what of the checkpoint is not used."""
        self._checkpoint.expect_partial = True
        return self

    def run_restore_ops(self, session: Any = None) -> None:
        """In a graph: run what restores (in eager code it has happened)."""
        if not door.current().is_graph:
            return
        session = _session(session)
        session.run(self._checkpoint.restore_ops, feed_dict=self._feeds())

    def _feeds(self) -> dict[Any, Any]:
        return self._checkpoint.path_tensor.feeds(self._checkpoint.save_path)

    def initialize_or_restore(self, session: Any = None) -> None:
        """In a graph: restore what the checkpoint has, and run the initializers of all other variables."""
        if not door.current().is_graph:
            return
        session = _session(session)
        bound = {id(self._checkpoint.bound(i)) for i in list(self._checkpoint.objects)}
        ops = [
            o.initializer for o in _with_initializers(self._graph_view)
            if id(o) not in bound or o._update_uid < self._checkpoint.restore_uid
        ]  # fmt: skip
        self.run_restore_ops(session)
        session.run([o for o in ops if o is not None])


def _with_initializers(view: ObjectGraphView) -> list[Any]:
    return [o for o in view.layout().objects if getattr(o, "initializer", None) is not None and not callable(o.initializer)]


def _has_values(obj: Any) -> bool:
    if isinstance(obj, TrackableDataStructure):
        return False
    return values_of(obj, ()) is not None


class InitializationOnlyStatus:
    """The status of a restore of None: there is nothing to restore, but variables can be initialised."""

    def __init__(self, object_graph_view: ObjectGraphView, restore_uid: int):
        self._object_graph_view, self._restore_uid = object_graph_view, restore_uid

    def _nothing(self) -> Any:
        raise AssertionError("No checkpoint specified (save_path=None); nothing is being restored.")

    def assert_consumed(self) -> Any:
        return self._nothing()

    def assert_existing_objects_matched(self) -> Any:
        return self._nothing()

    def assert_nontrivial_match(self) -> Any:
        return self._nothing()

    def expect_partial(self) -> Any:
        """Nothing was restored, so nothing is missing."""
        return self

    def run_restore_ops(self, session: Any = None) -> None:
        raise AssertionError("No checkpoint specified, so no restore ops are available (save_path=None to Saver.restore).")

    def initialize_or_restore(self, session: Any = None) -> None:
        """In a graph: run the initializers of all variables."""
        if not door.current().is_graph:
            return
        session = _session(session)
        found = [o for o in _with_initializers(self._object_graph_view) if getattr(o, "_update_uid", -1) < self._restore_uid or self._restore_uid == 0]
        session.run([o.initializer for o in found])


class NameBasedSaverStatus:
    """The status of a restore of a checkpoint whose keys are names of variables."""

    def __init__(self, checkpoint: NameBasedRestore, graph_view: ObjectGraphView):
        self._checkpoint, self._graph_view = checkpoint, graph_view
        self._optional: list[Any] = []

    def add_to_optionally_restored(self, var: Any) -> None:
        """The checkpoint may lack this variable."""
        self._optional.append(var)

    def assert_consumed(self) -> Any:
        """AssertionError when an object of the program found no value under its name."""
        optional = {id(v) for v in self._optional}
        if door.current().is_graph:
            lacking = [(v, [n]) for n, v in self._named_variables().items() if id(v) not in optional and not self._checkpoint.reader.has_tensor(n)]
            self._checkpoint.unused = lacking
        unused = [(o, names) for o, names in self._checkpoint.unused if id(o) not in optional]
        if unused:
            shown = "\n".join(f"    {o}: {names}" for o, names in unused)
            raise AssertionError(f"Some objects had attributes which were not restored: \n{shown}")
        for one in self._graph_view.descendants() if not door.current().is_graph else ():
            one._maybe_initialize_trackable()
            if one._update_uid < self._checkpoint.restore_uid and id(one) not in optional and _has_values(one):
                raise AssertionError(f"Object not restored: {one}")
        return self

    def assert_existing_objects_matched(self) -> Any:
        return self.assert_consumed()

    def assert_nontrivial_match(self) -> Any:
        return self.assert_consumed()

    def expect_partial(self) -> Any:
        """Nothing to silence: what a checkpoint of names holds beyond the program is never reported."""
        return self

    def _named_variables(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        queue: Any = collections.deque(self._graph_view.layout().objects)
        while queue:
            one = queue.popleft()
            values = values_of(one, ())
            for attribute in values.attributes if values is not None else ():
                if attribute.full_name:
                    found[attribute.full_name] = one
        return found

    def run_restore_ops(self, session: Any = None) -> None:
        """In a graph: load the variables' values by their names."""
        if not door.current().is_graph:
            return
        from penstock.state.saver import Saver

        optional = {id(v) for v in self._optional}
        held = {n: v for n, v in self._named_variables().items() if id(v) not in optional or self._checkpoint.reader.has_tensor(n)}
        Saver(var_list=held).restore(sess=_session(session), save_path=self._checkpoint.save_path)

    def initialize_or_restore(self, session: Any = None) -> None:
        """In a graph: the same; the counter of saves begins anew where the checkpoint has none."""
        if not door.current().is_graph:
            return
        session = _session(session)
        session.run([v.initializer for v in self._optional if getattr(v, "initializer", None) is not None])
        self.run_restore_ops(session)
