"""What a checkpoint can find: objects that know by name the objects they depend on."""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from penstock.base.export import export

VARIABLE_VALUE_KEY = "VARIABLE_VALUE"
OBJECT_CONFIG_JSON_KEY = "OBJECT_CONFIG_JSON"
checkpointing: Callable[[], tuple[Any, Any]] | None = None
"""Slot: gives `Checkpoint` and `CheckpointManager` to what stands below or beside them."""
_NO_CHILDREN: dict[str, Any] = {}


@export("__internal__.tracking.TrackableReference")
class TrackableReference:
    """The name under which an object depends on another, and that other object."""

    __slots__ = ("_name", "_ref")

    def __init__(self, name: str, ref: Any):
        self._name, self._ref = name, ref

    name = property(lambda s: s._name)
    ref = property(lambda s: s._ref)

    def __iter__(self) -> Iterator[Any]:
        yield self.name
        yield self.ref

    def __repr__(self) -> str:
        return f"{type(self).__name__}(name={self.name}, ref={self.ref})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TrackableReference) and self.name == other.name and self.ref is other.ref

    def __hash__(self) -> int:
        return hash((self.name, id(self.ref)))


@export("__internal__.tracking.Trackable")
class Trackable:
    """An object whose dependencies have names, so that a checkpoint can save and restore what they hold.

    Its attributes of this bookkeeping begin with `_self_`, so that proxies of other objects keep them to themselves.
    """

    @property
    def _setattr_tracking(self) -> bool:
        return getattr(self, "_self_setattr_tracking", True)

    @_setattr_tracking.setter
    def _setattr_tracking(self, value: bool) -> None:
        object.__setattr__(self, "_self_setattr_tracking", value)

    @property
    def _update_uid(self) -> int:
        """The restore that last gave this object its values; a later one has a greater number."""
        return getattr(self, "_self_update_uid", -1)

    @_update_uid.setter
    def _update_uid(self, value: int) -> None:
        self._self_update_uid = value

    @property
    def _unconditional_checkpoint_dependencies(self) -> list[TrackableReference]:
        self._maybe_initialize_trackable()
        return self._self_unconditional_checkpoint_dependencies

    @property
    def _unconditional_dependency_names(self) -> dict[str, Any]:
        self._maybe_initialize_trackable()
        return self._self_unconditional_dependency_names

    @property
    def _deferred_dependencies(self) -> dict[str, list[Any]]:
        """What of checkpoints waits until a dependency of that name is made."""
        self._maybe_initialize_trackable()
        return self._self_unconditional_deferred_dependencies

    @property
    def _name_based_restores(self) -> set[Any]:
        self._maybe_initialize_trackable()
        return self._self_name_based_restores

    @property
    def _object_identifier(self) -> str:
        """The name under which a SavedModel says what kind of object this is."""
        return "_generic_user_object"

    def _maybe_initialize_trackable(self) -> None:
        if hasattr(self, "_self_unconditional_checkpoint_dependencies"):
            return
        before = getattr(self, "_self_setattr_tracking", True)
        self._self_setattr_tracking = False  # what a class tracks of its attributes is not this
        self._self_unconditional_checkpoint_dependencies: list[TrackableReference] = []
        self._self_unconditional_dependency_names: dict[str, Any] = {}
        self._self_unconditional_deferred_dependencies: dict[str, list[Any]] = {}
        self._self_name_based_restores: set[Any] = set()
        if not hasattr(self, "_self_update_uid"):
            self._self_update_uid = -1
        self._self_setattr_tracking = before

    def _no_dependency(self, value: Any) -> Any:
        """`value`, not to be tracked when it becomes an attribute."""
        return value

    # -- dependencies --------------------------------------------------------------------------------------------------
    @property
    def _checkpoint_dependencies(self) -> list[TrackableReference]:
        return self._unconditional_checkpoint_dependencies

    def _trackable_children(self, save_type: str = "checkpoint", **kwargs: Any) -> dict[str, Any]:
        """{name: object} of all that this object depends on."""
        if not hasattr(self, "_self_unconditional_checkpoint_dependencies"):
            return {}
        return dict(tuple(d) for d in self._checkpoint_dependencies)

    def _lookup_dependency(self, name: str, cached_dependencies: dict[str, Any] | None = None) -> Any:
        """The dependency of that name, None when there is none."""
        if cached_dependencies is not None:
            return cached_dependencies.get(name)
        return self._unconditional_dependency_names.get(name)

    def _track_trackable(self, trackable: Any, name: str, overwrite: bool = False) -> Any:
        """Depend on `trackable` under `name`; restores what a checkpoint has for it."""
        self._maybe_initialize_trackable()
        if not isinstance(trackable, Trackable):
            raise TypeError(
                "Trackable._track_trackable() can only be used to track objects of type Trackable. "
                f"Got type {type(trackable)}."
            )
        if not getattr(self, "_manual_tracking", True):
            return trackable
        made = TrackableReference(name, trackable)
        current = self._lookup_dependency(name)
        if current is None:
            self._unconditional_checkpoint_dependencies.append(made)
        elif current is not trackable:
            if not overwrite:
                raise ValueError(
                    f"Called Trackable._track_trackable() with name='{name}', but a Trackable with this name is already "
                    "declared as a dependency. Names must be unique (or overwrite=True)."
                )
            for i, (old, _) in enumerate(self._unconditional_checkpoint_dependencies):
                if old == name:
                    self._unconditional_checkpoint_dependencies[i] = made
        elif not overwrite:
            return trackable
        self._unconditional_dependency_names[name] = trackable
        self._handle_deferred_dependencies(name, trackable)
        return trackable

    def _handle_deferred_dependencies(self, name: str, trackable: Any) -> None:
        """Give a new dependency what checkpoints, restored before it was made, have for it."""
        self._maybe_initialize_trackable()
        trackable._maybe_initialize_trackable()
        waiting = self._deferred_dependencies.pop(name, ())
        for position in sorted(waiting, key=lambda p: p.restore_uid, reverse=True):
            position.restore(trackable)
        for restore in sorted(self._self_name_based_restores, key=lambda r: r.restore_uid, reverse=True):
            trackable._name_based_attribute_restore(restore)

    def _name_based_attribute_restore(self, checkpoint: Any) -> None:
        """Take the values of a checkpoint that names variables rather than objects."""
        checkpoint.restore_by_name(self)

    def _add_trackable_child(self, name: str, value: Any) -> None:
        """Make `value` the child `name` when a saved object is built again."""
        self._track_trackable(value, name, overwrite=True)

    def _deserialization_dependencies(self, children: dict[str, Any]) -> dict[str, Any]:
        """The children that must exist before this object can be loaded from a SavedModel."""
        return _NO_CHILDREN

    # -- variables made by name ------------------------------------------------------------------------------------------
    def _add_variable_with_custom_getter(self, name: str, shape: Any = None, dtype: Any = None, initializer: Any = None, getter: Any = None,
                                         overwrite: bool = False, **kwargs_for_getter: Any) -> Any:  # fmt: skip
        """Make a variable with `getter` and depend on it; it begins with a checkpoint's value where one waits for it."""
        self._maybe_initialize_trackable()
        if not overwrite and self._lookup_dependency(name) is not None:
            raise ValueError(
                f"A variable named '{name}' already exists in this Trackable, but Trackable._add_variable called to create another with that name. "
                "Variable names must be unique within a Trackable object."
            )
        preloaded = self._preload_simple_restoration(name)
        if preloaded is not None and not (
            isinstance(initializer, CheckpointInitialValueCallable) and initializer.restore_uid > preloaded.restore_uid
        ):
            initializer = preloaded
            if shape is not None:
                initializer = functools.partial(preloaded, shape)
                shape = None
        new = getter(name=name, shape=shape, dtype=dtype, initializer=initializer, **kwargs_for_getter)
        if not overwrite or isinstance(new, Trackable):
            return self._track_trackable(new, name=name, overwrite=overwrite)
        return new

    def _preload_simple_restoration(self, name: str) -> Any:
        """What gives a variable that is about to be made its value of a checkpoint; None when none waits or it is no plain value."""
        waiting = self._deferred_dependencies.get(name)
        if not waiting:
            return None
        position = max(waiting, key=lambda p: p.restore_uid)
        if not position.is_simple_variable():
            return None
        return CheckpointInitialValueCallable(position)

    # -- values ------------------------------------------------------------------------------------------------------------
    def _serialize_to_tensors(self) -> dict[str, Any]:
        """{name: tensor} of what a checkpoint keeps of this object itself."""
        raise NotImplementedError

    def _restore_from_tensors(self, restored_tensors: dict[str, Any]) -> Any:
        """Take the tensors that `_serialize_to_tensors` gave; gives the op that does it in a graph."""
        raise NotImplementedError

    def _gather_saveables_for_checkpoint(self) -> dict[str, Any]:
        """{name: what is saved under it}, the older form of `_serialize_to_tensors`."""
        return {}

    def _serialize_to_proto(self, object_proto: Any = None, **kwargs: Any) -> Any:
        """A message with what a SavedModel must know to build the object again, None when nothing."""
        return None

    @classmethod
    def _deserialize_from_proto(cls, proto: Any, *args: Any, **kwargs: Any) -> Any:
        """The object that the message of `_serialize_to_proto` describes."""
        return cls()

    def _export_to_saved_model_graph(
        self, object_map: Any, tensor_map: Any, options: Any = None, **kwargs: Any
    ) -> list[Any]:
        """Make copies of what this object holds in the graph that is exported; the tensors that were mapped."""
        return []

    def _copy_trackable_to_cpu(self, object_map: Any) -> None:
        raise NotImplementedError("Need to implement _copy_trackable_to_cpu() if the Trackable requires AsyncCheckpoint support.")

    def _checkpoint_adapter(self, path: str) -> Any:
        return None


def serializes(trackable: Any) -> bool:
    """Does the object's class say which tensors it is kept as?"""
    return getattr(type(trackable), "_serialize_to_tensors", None) is not Trackable._serialize_to_tensors and hasattr(
        trackable, "_serialize_to_tensors"
    )


@export("__internal__.tracking.no_automatic_dependency_tracking")
def no_automatic_dependency_tracking(method: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate a method so that attributes that it sets are not tracked."""

    @functools.wraps(method)
    def untracked(self: Any, *args: Any, **kwargs: Any) -> Any:
        before = getattr(self, "_self_setattr_tracking", True)
        self._self_setattr_tracking = False
        try:
            return method(self, *args, **kwargs)
        finally:
            self._self_setattr_tracking = before

    return untracked


@contextmanager
def no_automatic_dependency_tracking_scope(obj: Any) -> Iterator[None]:
    """A context in which attributes set on `obj` are not tracked."""
    before = getattr(obj, "_setattr_tracking", True)
    obj._setattr_tracking = False
    try:
        yield
    finally:
        obj._setattr_tracking = before


@contextmanager
def no_manual_dependency_tracking_scope(obj: Any) -> Iterator[None]:
    """A context in which `_track_trackable` of `obj` does nothing."""
    before = getattr(obj, "_manual_tracking", True)
    obj._manual_tracking = False
    try:
        yield
    finally:
        obj._manual_tracking = before


@export("__internal__.tracking.CheckpointInitialValueCallable")
class CheckpointInitialValueCallable:
    """An initializer that gives the value of a checkpoint."""

    def __init__(self, checkpoint_position: Any):
        self._checkpoint_position = checkpoint_position

    checkpoint_position = property(lambda s: s._checkpoint_position)
    restore_uid = property(lambda s: s._checkpoint_position.restore_uid)

    def __call__(self, shape: Any = None, dtype: Any = None, shard_info: Any = None) -> Any:
        return CheckpointInitialValue(self._checkpoint_position, shape).wrapped_value


@export("__internal__.tracking.CheckpointInitialValue")
class CheckpointInitialValue:
    """A value out of a checkpoint that a new variable begins with."""

    def __init__(self, checkpoint_position: Any, shape: Any = None, shard_info: Any = None):
        self._checkpoint_position = checkpoint_position
        value = checkpoint_position.initial_value()
        if shape is not None and value.shape.is_fully_defined() and not value.shape.is_compatible_with(shape):
            raise ValueError(
                f"The checkpoint has a value of shape {value.shape} for a variable of shape {shape}: give the variable the shape it was saved with"
            )
        self.wrapped_value = value

    checkpoint_position = property(lambda s: s._checkpoint_position)

    def __tf_tensor__(self, dtype: Any = None, name: str | None = None) -> Any:
        return self.wrapped_value
