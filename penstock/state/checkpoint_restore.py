"""Restoring a checkpoint of objects: each object is matched by its path, now or when it comes to be."""

import collections
import itertools
import logging
import weakref
from typing import Any

import numpy as np

from penstock.base import errors
from penstock.base.bundle import Reader
from penstock.base.trackable import VARIABLE_VALUE_KEY, CheckpointInitialValueCallable
from penstock.ir import door
from penstock.ops.checkpoint import restore_v2
from penstock.state.checkpoint_values import Values, values_of
from penstock.state.object_graph import OBJECT_GRAPH_KEY, ObjectGraphView, children_of

log = logging.getLogger("tensorflow")
_uids = itertools.count(1)


def next_uid() -> int:
    """A number greater than all before: of two restores the later one wins."""
    return next(_uids)


def read_object_graph(reader: Reader) -> Any:
    """The object graph of a checkpoint; None when it is one of names."""
    from penstock.base.proto import trackable_object_graph_pb2

    if not reader.has_tensor(OBJECT_GRAPH_KEY):
        return None
    raw = reader.tensor(OBJECT_GRAPH_KEY).reshape(-1)[0]
    return trackable_object_graph_pb2.TrackableObjectGraph.FromString(raw)


class PathTensor:
    """The path of a checkpoint as restore ops read it: a value, or in a graph a placeholder shared by all restores."""

    def __init__(self) -> None:
        self._by_graph: weakref.WeakKeyDictionary[Any, Any] = weakref.WeakKeyDictionary()

    def of(self, path: str) -> Any:
        here = door.current()
        if not here.is_graph:
            return path
        found = self._by_graph.get(here)
        if found is None:
            from penstock.ops.constants import placeholder

            with here.control_dependencies(None):
                found = placeholder("string", shape=[], name="checkpoint_path")
            self._by_graph[here] = found
        return found

    def feeds(self, path: str) -> dict[Any, Any]:
        """What sessions feed so that restore ops read this checkpoint."""
        found = self._by_graph.get(door.current()) if door.current().is_graph else None
        return {} if found is None else {found: path}


class Restore:
    """One restore of a checkpoint: which of its objects are bound to which objects of the program."""

    def __init__(self, proto: Any, path: str, path_tensor: PathTensor, ops: dict[Any, Any], view: ObjectGraphView, options: Any = None):
        self.object_graph_proto, self.save_path, self.path_tensor = proto, path, path_tensor
        self.restore_uid = next_uid()
        self.options = options
        self.view = view
        self.expect_partial = False
        self.unused_attributes: dict[int, list[str]] = {}
        self.objects: dict[int, Any] = {}
        self.matched: set[int] = set()
        self.seen: dict[int, Any] = {}
        self.restore_ops: list[Any] = []
        self.new_ops_callback: Any = None
        self._known_ops = ops
        self.deferred_slots: dict[int, list[tuple[int, str, Any]]] = {}
        self.slots: dict[int, list[tuple[int, int, str]]] = {}
        if not (options is not None and options.experimental_skip_slot_variables):
            for optimizer, node in enumerate(proto.nodes):
                for slot in node.slot_variables:
                    self.slots.setdefault(slot.original_variable_node_id, []).append(
                        (optimizer, slot.slot_variable_node_id, slot.slot_name)
                    )
        else:
            for node in proto.nodes:
                for slot in node.slot_variables:
                    self.matched.add(slot.slot_variable_node_id)

    def bound(self, proto_id: int) -> Any:
        """The program's object for an object of the checkpoint, None when there is none (any more)."""
        found = self.objects.get(proto_id)
        return found() if isinstance(found, weakref.ref) else found

    def bind(self, proto_id: int, trackable: Any) -> None:
        self.objects[proto_id] = self._reference(trackable)
        self.matched.add(proto_id)

    def see(self, trackable: Any) -> None:
        """Note that the program has this object, whether the checkpoint knows it or not."""
        self.seen[id(trackable)] = self._reference(trackable)

    @staticmethod
    def _reference(trackable: Any) -> Any:
        try:
            return weakref.ref(trackable)
        except TypeError:
            return trackable

    def all_seen(self) -> list[Any]:
        found = [r() if isinstance(r, weakref.ref) else r for r in self.seen.values()]
        return [o for o in found if o is not None]

    def add_ops(self, ops: Any) -> None:
        flat = [o for o in (ops if isinstance(ops, (list, tuple)) else [ops]) if o is not None]
        flat = [o for one in flat for o in (one.values() if isinstance(one, dict) else [one])]
        self.restore_ops += flat
        if self.new_ops_callback is not None:
            self.new_ops_callback(flat)

    def read_values(self, pairs: list[tuple[int, Any, Values]]) -> None:
        """Read what the objects keep and hand it to them."""
        if not pairs:
            return
        if door.current().is_graph:
            for _, obj, values in pairs:
                if hasattr(obj, "_restore_from_python"):
                    reader = Reader(self.save_path)
                    obj._restore_from_python({k.rpartition("/")[2]: reader.tensor(k)[()] for k, *_ in values.tensors})
                else:
                    self.add_ops(self._graph_ops(obj, values))
            return
        entries = [entry for _, _, values in pairs for entry in values.tensors]
        read = restore_v2(
            self.save_path, [k for k, *_ in entries], [s for _, s, *_ in entries], dtypes=[d for *_, d in entries]
        )
        at = 0
        for _, _, values in pairs:
            count = len(values.tensors)
            values.restore(list(read[at : at + count]))
            at += count

    def _graph_ops(self, obj: Any, values: Values) -> Any:
        """The ops that restore an object in this graph; the same ones for every checkpoint."""
        key = (id(door.current()), id(obj), *(k for k, *_ in values.tensors))
        if key not in self._known_ops:
            entries = values.tensors
            here = door.current()
            with here.control_dependencies(None):
                read = restore_v2(
                    self.path_tensor.of(self.save_path), [k for k, *_ in entries], [s for _, s, *_ in entries], dtypes=[d for *_, d in entries]
                )
                self._known_ops[key] = values.restore(list(read)), obj
        return self._known_ops[key][0]

    def __del__(self) -> None:
        if self.expect_partial:
            return
        try:
            missing = [i for i, n in enumerate(self.object_graph_proto.nodes) if n.attributes and i not in self.matched]
            if not missing and not self.unused_attributes:
                return
            warn = log.warning
            warn(
                "Detecting that an object or model or tf.train.Checkpoint is being deleted with unrestored values. See the following logs for the "
                "specific values in question. To silence these warnings, use `status.expect_partial()`. See "
                "https://www.tensorflow.org/api_docs/python/tf/train/Checkpoint#restorefor details about the status object returned by the "
                "restore function."
            )
            for i in missing:
                warn(f"Value in checkpoint could not be found in the restored object: {path_of(self.object_graph_proto, i)}")
            for i, names in self.unused_attributes.items():
                for name in names:
                    warn(f"Value in checkpoint could not be found in the restored object: {path_of(self.object_graph_proto, i)}.{name}")
        except (AttributeError, ImportError, TypeError):  # the interpreter is going away
            pass


def path_of(proto: Any, wanted: int) -> str:
    """Where an object of a checkpoint stands: (root).net.kernel, or the slot of an optimizer."""
    names = {0: "(root)"}
    queue = collections.deque([0])
    while queue:
        i = queue.popleft()
        for child in proto.nodes[i].children:
            if child.node_id not in names:
                names[child.node_id] = f"{names[i]}.{child.local_name}"
                queue.append(child.node_id)
    for i, node in enumerate(proto.nodes):
        for slot in node.slot_variables:
            if slot.slot_variable_node_id not in names:
                original = names.get(slot.original_variable_node_id, "?")
                names[slot.slot_variable_node_id] = f"{names.get(i, '?')}'s state '{slot.slot_name}' for {original}"
    return names.get(wanted, f"node {wanted}")


class CheckpointPosition:
    """One object of a checkpoint, to be given to an object of the program."""

    def __init__(self, checkpoint: Restore, proto_id: int):
        self._checkpoint, self._proto_id = checkpoint, proto_id

    checkpoint = property(lambda s: s._checkpoint)
    proto_id = property(lambda s: s._proto_id)
    restore_uid = property(lambda s: s._checkpoint.restore_uid)
    object_proto = property(lambda s: s._checkpoint.object_graph_proto.nodes[s._proto_id])

    @property
    def trackable(self) -> Any:
        return self._checkpoint.bound(self._proto_id)

    def __repr__(self) -> str:
        return repr(self.object_proto)

    def restore(self, trackable: Any, reader: Any = None) -> None:
        """Give `trackable`, and all that it depends on, its values."""
        from penstock.fronts.lift import init_scope

        with init_scope():
            if self.bind_object(trackable):
                self._restore_descendants()

    def bind_object(self, trackable: Any) -> bool:
        """Match the checkpoint's object with the program's; False when it was matched before."""
        checkpoint = self._checkpoint
        checkpoint.see(trackable)
        current = checkpoint.bound(self._proto_id)
        checkpoint.matched.add(self._proto_id)
        if current is not None:
            if current is not trackable:
                log.warning(
                    "Inconsistent references when loading the checkpoint into this object graph. For example, in the saved checkpoint object, "
                    "`model.layer.weight` and `model.layer_copy.weight` reference the same variable, while in the current object these are two "
                    "different variables. The referenced variables are:(%s and %s).", current, trackable)  # fmt: skip
            return False
        checkpoint.bind(self._proto_id, trackable)
        for slot_id, name, variable in checkpoint.deferred_slots.pop(self._proto_id, ()):
            trackable._create_or_restore_slot_variable(
                slot_variable_position=CheckpointPosition(checkpoint, slot_id), variable=variable, slot_name=name
            )
        for optimizer_id, slot_id, name in checkpoint.slots.pop(self._proto_id, ()):
            optimizer = checkpoint.bound(optimizer_id)
            if optimizer is None:
                checkpoint.deferred_slots.setdefault(optimizer_id, []).append((slot_id, name, trackable))
            elif hasattr(optimizer, "_create_or_restore_slot_variable"):
                optimizer._create_or_restore_slot_variable(
                    slot_variable_position=CheckpointPosition(checkpoint, slot_id), variable=trackable, slot_name=name
                )
        return True

    def _restore_descendants(self) -> None:
        checkpoint = self._checkpoint
        queue: Any = collections.deque([self])
        found: list[tuple[int, Any, Values]] = []
        while queue:
            position = queue.popleft()
            trackable = position.trackable
            values = position._own_values()
            if values is not None:
                found.append((position.proto_id, trackable, values))
            held: dict[str, Any] | None = None
            for child in position.object_proto.children:
                following = CheckpointPosition(checkpoint, child.node_id)
                inner = _lookup(trackable, child.local_name)
                if inner is None:
                    if held is None:
                        held = children_of(trackable)
                    inner = held.get(child.local_name)
                if inner is None:
                    trackable._deferred_dependencies.setdefault(child.local_name, []).append(following)
                elif following.bind_object(inner):
                    queue.append(following)
        checkpoint.read_values(found)

    def _own_values(self) -> Values | None:
        """What the object takes from this checkpoint: None when a later restore gave it its values, or there are none."""
        trackable, checkpoint = self.trackable, self._checkpoint
        trackable._maybe_initialize_trackable()
        if trackable._update_uid >= checkpoint.restore_uid:
            return None
        trackable._update_uid = checkpoint.restore_uid
        keys = {a.name: a.checkpoint_key for a in self.object_proto.attributes}
        if not keys:
            return None
        values = values_of(trackable, ())
        if values is None:
            checkpoint.unused_attributes.setdefault(self._proto_id, []).extend(keys)
            return None
        unused = set(keys) - {a.name for a in values.attributes}
        if unused:
            checkpoint.unused_attributes.setdefault(self._proto_id, []).extend(a for a in keys if a in unused)
        here = [a for a in values.attributes if a.name in keys]
        if len(here) < len(values.attributes):
            if not here or not all(a.optional for a in values.attributes if a.name not in keys):
                lacking = [a.name for a in values.attributes if a.name not in keys and not a.optional]
                if lacking and not here:
                    return None
                raise errors.NotFoundError(
                    None, None, f"The checkpoint has no value {lacking} for the object {trackable!r}, only {sorted(keys)}"
                )
        for a in here:
            key = keys[a.name]
            a.tensors = [(key + k[len(a.key) :] if k.startswith(a.key) else k, s, t, d) for k, s, t, d in a.tensors]
            a.key = key
        return values

    # -- values of variables that are about to be made -------------------------------------------------------------------
    def is_simple_variable(self) -> bool:
        """Is it a variable and nothing else?"""
        proto = self.object_proto
        return len(proto.attributes) == 1 and proto.attributes[0].name == VARIABLE_VALUE_KEY and not proto.children

    def initial_value(self) -> Any:
        """The value that the checkpoint has for a variable."""
        checkpoint = self._checkpoint
        (attribute,) = self.object_proto.attributes
        reader = Reader(checkpoint.save_path)
        dtype = reader.dtype(attribute.checkpoint_key)
        (value,) = restore_v2(checkpoint.path_tensor.of(checkpoint.save_path), [attribute.checkpoint_key], [""], dtypes=[dtype])
        if value.shape.rank is None:
            value.set_shape(reader.shape(attribute.checkpoint_key))
        return value

    def value_tensors(self, shape_and_slices: Any = None) -> dict[str, Any]:
        """{attribute: tensor} of all values that the checkpoint has for this object."""
        reader = Reader(self._checkpoint.save_path)
        return {
            a.name: door.convert(np.asarray(reader.tensor(a.checkpoint_key)))
            for a in self.object_proto.attributes
            if reader.has_tensor(a.checkpoint_key)
        }

    def initializer(self) -> CheckpointInitialValueCallable:
        return CheckpointInitialValueCallable(self)


def _lookup(trackable: Any, name: str) -> Any:
    return trackable._lookup_dependency(name)


class NameBasedRestore:
    """A restore of a checkpoint whose keys are names of variables."""

    def __init__(self, path: str, reader: Reader):
        self.save_path, self.reader = path, reader
        self.restore_uid = next_uid()
        self.unused: list[tuple[Any, list[str]]] = []
        self.seen: dict[int, Any] = {}

    def restore_by_name(self, root: Any) -> None:
        """Give the object, and what it depends on now or later, the values that have its names."""
        from penstock.fronts.lift import init_scope

        queue = collections.deque([root])
        while queue:
            one = queue.popleft()
            if id(one) in self.seen:
                continue
            self.seen[id(one)] = one
            one._maybe_initialize_trackable()
            one._name_based_restores.add(self)
            if one._update_uid < self.restore_uid:
                one._update_uid = self.restore_uid
                with init_scope():
                    self._restore(one)
            queue.extend(children_of(one).values())

    def _restore(self, obj: Any) -> None:
        values = values_of(obj, ())
        if values is None:
            return
        entries = []
        for a in values.attributes:
            name = a.full_name or a.key
            entries += [(name, s, d) for _, s, _, d in a.tensors]
        missing = [n for n, _, _ in entries if not self.reader.has_tensor(n)]
        if missing:
            self.unused.append((obj, missing))
            return
        read = restore_v2(self.save_path, [n for n, *_ in entries], [s for _, s, _ in entries], dtypes=[d for *_, d in entries])
        values.restore(list(read))
