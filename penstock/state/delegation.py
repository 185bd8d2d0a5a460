"""Objects that stand for another one in checkpoints, and their tensors as single objects to save."""

from typing import Any

from penstock.base.export import export
from penstock.base.trackable import serializes
from penstock.state.checkpoint_values import _serialized
from penstock.state.saveable import SaveableObject, SaveSpec

_METHODS = (
    "_maybe_initialize_trackable", "_no_dependency", "_name_based_attribute_restore", "_lookup_dependency", "_add_variable_with_custom_getter",
    "_preload_simple_restoration", "_track_trackable", "_handle_deferred_dependencies", "_gather_saveables_for_checkpoint",
    "_trackable_children", "_deserialization_dependencies", "_export_to_saved_model_graph", "_serialize_to_tensors", "_restore_from_tensors",
)  # fmt: skip
_FIELDS = (
    "_setattr_tracking", "_update_uid", "_unconditional_checkpoint_dependencies", "_unconditional_dependency_names",
    "_deferred_dependencies", "_name_based_restores",
)  # fmt: skip


@export(v2=("__internal__.tracking.DelegatingTrackableMixin",))
class DelegatingTrackableMixin:
    """A base class: in checkpoints the object is the other one, `trackable_obj`."""

    def __init__(self, trackable_obj: Any):
        self._trackable = trackable_obj

    @property
    def _object_identifier(self) -> str:
        return self._trackable._object_identifier

    @classmethod
    def _delegate(cls) -> None:
        for name in _METHODS:
            setattr(cls, name, _method(name))
        for name in _FIELDS:
            setattr(cls, name, _field(name))


def _method(name: str) -> Any:
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        return getattr(self._trackable, name)(*args, **kwargs)

    call.__name__ = call.__qualname__ = name
    return call


def _field(name: str) -> property:
    return property(lambda self: getattr(self._trackable, name), lambda self, value: setattr(self._trackable, name, value))


DelegatingTrackableMixin._delegate()


class TrackableSaveable(SaveableObject):
    """All tensors that an object is kept as."""

    def __init__(self, obj: Any, name: str):
        self._held = _serialized(obj, (), obj._serialize_to_tensors())
        specs = []
        for attribute in self._held.attributes:
            start = len(".ATTRIBUTES/")
            for key, slice_spec, tensor, dtype in attribute.tensors:
                local = key[start:].removeprefix(attribute.name) if getattr(obj, "_legacy_saveable_name", None) else key[start:]
                specs.append(SaveSpec(tensor, slice_spec, name + local, dtype))
        super().__init__(obj, specs, name)

    def restore(self, restored_tensors: Any, restored_shapes: Any = None) -> Any:
        """Give the object these tensors, one for each of `specs`."""
        return self._held.restore(list(restored_tensors))


@export(v2=("__internal__.tracking.saveable_objects_from_trackable",))
def saveable_objects_from_trackable(obj: Any, tf1_saver: bool = False) -> dict[str, Any]:
    """{name: what makes the SaveableObject of an object's values}, empty where it has none."""
    if tf1_saver or not serializes(obj):
        return dict(obj._gather_saveables_for_checkpoint())
    try:
        if not obj._serialize_to_tensors():
            return {}
    except NotImplementedError:
        return {}

    def create_saveable(name: str = "", call_with_mapped_captures: Any = None) -> TrackableSaveable:
        return TrackableSaveable(obj, name)

    return {".TENSORS": create_saveable}


@export(v2=("__internal__.tracking.streaming_restore",))
def streaming_restore(status: Any, session: Any = None) -> None:
    """In a graph: run what restores, now and whenever more of the checkpoint finds its object."""
    from penstock.fronts.default_graph import executing_eagerly

    if executing_eagerly():
        return
    from penstock.state.checkpoint_status import CheckpointLoadStatus, NameBasedSaverStatus, _session

    if isinstance(status, NameBasedSaverStatus):
        raise NotImplementedError("Streaming restore not supported from name-based checkpoints when graph building. File a feature request if this limitation bothers you.")
    if isinstance(status, CheckpointLoadStatus):
        status.run_restore_ops(session)
        running = _session(session)
        status._checkpoint.new_ops_callback = lambda ops: running.run(ops, feed_dict=status._feeds())
