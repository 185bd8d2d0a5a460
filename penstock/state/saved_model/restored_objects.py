"""What a loaded SavedModel is made of besides functions and variables: objects, resources, signatures."""

from collections.abc import Iterator, Mapping
from typing import Any

from penstock.base.export import export
from penstock.base.shape import TensorShape, as_dims
from penstock.base.trackable import Trackable
from penstock.ir import door
from penstock.ops import state
from penstock.state.auto_trackable import AutoTrackable
from penstock.state.resource_variable import ResourceVariable
from penstock.state.trackable_resource import TrackableResource
from penstock.state.variable import VariableAggregation, VariableSynchronization


class _SignatureMap(Mapping, Trackable):
    """The signatures of a loaded model, by name."""

    def __init__(self) -> None:
        self._signatures: dict[str, Any] = {}

    def _add_signature(self, name: str, concrete_function: Any) -> None:
        self._signatures[name] = concrete_function

    def __getitem__(self, key: str) -> Any:
        return self._signatures[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._signatures)

    def __len__(self) -> int:
        return len(self._signatures)

    def __repr__(self) -> str:
        return f"_SignatureMap({self._signatures})"

    def __hash__(self) -> int:
        return id(self)

    def __eq__(self, other: object) -> bool:
        return self is other

    def _trackable_children(self, save_type: str = "checkpoint", **kwargs: Any) -> dict[str, Any]:
        return dict(self._signatures) if save_type == "savedmodel" else {}


def user_object() -> Any:
    """An object of a class of its own, so that it can get the special methods of the one that was saved."""

    class _UserObject(AutoTrackable):
        """An object that was saved as an attribute, or the root of a SavedModel."""

    return _UserObject()


def call_attribute(instance: Any, *args: Any, **kwargs: Any) -> Any:
    """`instance(...)` of an object that has its `__call__` as an attribute."""
    return instance.__dict__["__call__"](*args, **kwargs)


def set_child(parent: Any, name: str, child: Any) -> None:
    """Make `child` the attribute `name` of a loaded object."""
    setattr(parent, name, child)
    if name == "__call__" and callable(child):
        type(parent).__call__ = call_attribute


class RestoredResource(TrackableResource):
    """A table or another resource of a loaded model, made and filled by the model's own functions."""

    _create_resource: Any
    _initialize: Any
    _destroy_resource: Any

    def __init__(self, device: str = ""):
        super().__init__(device=device)
        self._functions: dict[str, Any] = {}
        self._saveables: dict[str, tuple[Any, Any]] = {}

    def _create_resource(self) -> Any:  # type: ignore[no-redef]
        """The handle of a new resource."""
        if "_create_resource" not in self._functions:
            raise RuntimeError(f"Unable to create a resource of the loaded SavedModel: its object {self} has no `_create_resource` function")
        return self._functions["_create_resource"]()

    def _initialize(self) -> Any:  # type: ignore[no-redef]
        """Fill the resource."""
        made = self._functions.get("_initialize")
        return None if made is None else made()

    def _destroy_resource(self) -> Any:  # type: ignore[no-redef]
        """Take the resource away."""
        made = self._functions.get("_destroy_resource")
        return None if made is None else made()

    @property
    def _legacy_saveable_name(self) -> str | None:
        return next(iter(self._saveables), None)

    def _serialize_to_tensors(self) -> dict[str, Any]:
        found = {}
        for save, _ in self._saveables.values():
            for one in save(door.convert(b"")):
                found[one["name"].numpy().decode()] = one["tensor"]
        return found

    def _restore_from_tensors(self, restored_tensors: dict[str, Any]) -> Any:
        for _, restore in self._saveables.values():
            return restore.call_flat(list(restored_tensors.values()))
        return None

    def __setattr__(self, name: str, value: Any) -> None:
        if name in ("_create_resource", "_initialize", "_destroy_resource"):
            self._functions[name] = value
            return
        if isinstance(value, Trackable) and not name.startswith("_resource"):
            self._track_trackable(value, name, overwrite=True)
        object.__setattr__(self, name, value)

    def _add_trackable_child(self, name: str, value: Any) -> None:
        setattr(self, name, value)
        if isinstance(value, Trackable) and name not in self._functions:
            self._track_trackable(value, name, overwrite=True)

    def _trackable_children(self, save_type: str = "checkpoint", **kwargs: Any) -> dict[str, Any]:
        children = Trackable._trackable_children(self, save_type, **kwargs)
        return {**children, **self._functions} if save_type == "savedmodel" else children


def variable_of(proto: Any, value: Any, number: int) -> Any:
    """The variable that a SavedVariable message describes, with a value or (None) without."""
    from penstock.base.dtypes import as_dtype

    dtype, shape = as_dtype(proto.dtype), TensorShape(proto.shape)
    synchronization, aggregation = VariableSynchronization(proto.synchronization), VariableAggregation(proto.aggregation)
    name = proto.name or "Variable"
    if value is not None:
        return ResourceVariable(value, proto.trainable, name=name, dtype=dtype, shape=shape, synchronization=synchronization, aggregation=aggregation)
    made = object.__new__(ResourceVariable)
    made._synchronization, made._aggregation, made._trainable = synchronization, aggregation, proto.trainable
    made._constraint, made._validate_shape, made._save_slice_info, made._in_graph_mode = None, True, None, False
    made._shape, made._dtype, made._handle_name = shape, dtype, f"{name}:0"
    with door.watching(None):
        made._handle = state.var_handle_op(dtype=dtype, shape=as_dims(shape))
    made._handle._array.name = name
    made._handle._handle_data = (dtype, shape._dims)
    import weakref

    made._handle._variable = weakref.ref(made)
    return made


registered_types: dict[str, list["VersionedTypeRegistration"]] = {}


@export("__internal__.saved_model.load.VersionedTypeRegistration")
class VersionedTypeRegistration:
    """How objects of one version of a type are made again."""

    def __init__(self, object_factory: Any, version: int, min_producer_version: int, min_consumer_version: int, bad_consumers: Any = None,
                 setter: Any = setattr):  # fmt: skip
        self.setter, self.identifier = setter, None
        self._object_factory, self.version = object_factory, version
        self._min_producer_version, self._min_consumer_version = min_producer_version, min_consumer_version
        self._bad_consumers = list(bad_consumers or [])

    def to_proto(self) -> Any:
        """The SavedUserObject message of this version."""
        from penstock.base.proto import saved_object_graph_pb2

        made = saved_object_graph_pb2.SavedUserObject(identifier=self.identifier)
        made.version.producer, made.version.min_consumer = self.version, self._min_consumer_version
        made.version.bad_consumers.extend(self._bad_consumers)
        return made

    def from_proto(self, proto: Any) -> Any:
        """The object that a SavedUserObject message describes."""
        return self._object_factory(proto)

    def should_load(self, proto: Any) -> bool:
        """Can this version read the message?"""
        return (
            proto.identifier == self.identifier and self.version >= proto.version.min_consumer and proto.version.producer >= self._min_producer_version
            and self.version not in proto.version.bad_consumers
        )  # fmt: skip


@export("__internal__.saved_model.load.register_revived_type")
def register_revived_type(identifier: str, predicate: Any, versions: list[VersionedTypeRegistration]) -> None:
    """Say how objects of a type of one's own are made again when they are loaded."""
    versions = sorted(versions, key=lambda v: v.version, reverse=True)
    if not versions:
        raise AssertionError("Need at least one version of a registered type.")
    if identifier in registered_types:
        raise AssertionError(f"Duplicate registrations for type '{identifier}'")
    for v in versions:
        v.identifier = identifier
    registered_types[identifier] = versions
    _predicates.append((predicate, versions))


@export("__internal__.saved_model.load.registered_identifiers")
def registered_identifiers() -> Any:
    """The names of all types that were registered."""
    return registered_types.keys()


@export("__internal__.saved_model.load.get_setter")
def get_setter(proto: Any) -> Any:
    """How attributes are set on objects of the registered type that a SavedUserObject message names; None for other types."""
    for version in registered_types.get(proto.identifier, ()):
        if version.should_load(proto):
            return version.setter
    return None


_predicates: list[tuple[Any, list[VersionedTypeRegistration]]] = []


def registered_identifier(obj: Any) -> Any:
    """The SavedUserObject message of an object of a registered type, None for others."""
    for predicate, versions in _predicates:
        if predicate(obj):
            return versions[0].to_proto()
    return None


def revive(proto: Any) -> tuple[Any, Any] | None:
    """The object of a SavedUserObject message of a registered type, and how its attributes are set."""
    for version in registered_types.get(proto.identifier, ()):
        if version.should_load(proto):
            return version.from_proto(proto), version.setter
    return None
