"""Values of which every replica has its own: `PerReplica`, `Mirrored`, and how nests of them are put together."""

from penstock.base import nest
from penstock.base.export import export
from penstock.distribute import context
from penstock.ir.tensor import Tensor
from penstock.ir.type_spec import TypeSpec


@export("distribute.DistributedValues", "types.experimental.distributed.DistributedValues")
class DistributedValues:
    """A value for each replica, in their order."""

    def __init__(self, values):
        self._values = tuple(values)

    values = property(lambda self: self._values)

    def _get(self):
        """The value of the replica that runs; the first one outside of replicas."""
        return self._values[replica_id() or 0] if len(self._values) > 1 else self._values[0]

    @property
    def _primary(self):
        return self._values[0]

    @property
    def _devices(self):
        return tuple(getattr(v, "device", "") for v in self._values)

    def __str__(self):
        return "%s:{\n%s\n}" % (type(self).__name__, ",\n".join(f"  {i}: {v!s}" for i, v in enumerate(self._values)))

    def __repr__(self):
        return "%s:{\n%s\n}" % (type(self).__name__, ",\n".join(f"  {i}: {v!r}" for i, v in enumerate(self._values)))


@export("types.experimental.distributed.PerReplica")
class PerReplicaType(DistributedValues):
    """Values that differ from replica to replica."""


@export("types.experimental.distributed.Mirrored")
class MirroredType(DistributedValues):
    """Values that are the same on every replica."""


class PerReplica(PerReplicaType):
    """Values that differ from replica to replica, as `strategy.run` gives them."""

    __composite__ = True

    @property
    def _type_spec(self):
        return PerReplicaSpec(*[_spec_of(v) for v in self._values])

    def _shape_invariant_to_type_spec(self, shape):
        return self._type_spec


class Mirrored(MirroredType):
    """Values that are the same on every replica."""

    def __tf_tensor__(self, dtype=None, name=None):
        from penstock.ir import door

        return door.convert(self._get(), dtype, name)

    dtype = property(lambda self: self._get().dtype)
    shape = property(lambda self: self._get().shape)

    def numpy(self):
        return self._get().numpy()


def _spec_of(value):
    from penstock.ir.type_spec import type_spec_from_value

    return type_spec_from_value(value)


class PerReplicaSpec(TypeSpec):
    """The spec of a `PerReplica`: those of its values."""

    __slots__ = ("_value_specs",)

    def __init__(self, *value_specs):
        self._value_specs = tuple(value_specs)

    value_type = property(lambda self: PerReplica)

    def _serialize(self):
        return self._value_specs

    @property
    def _component_specs(self):
        return self._value_specs

    def _to_components(self, value):
        return tuple(value._values)

    def _from_components(self, tensor_list):
        return PerReplica(tensor_list)


def replica_id():
    """The number of the replica that runs (or that is updated), None outside."""
    if context.HERE.updating is not None:
        return context.HERE.updating
    here = context.mode().replica_context
    return None if here is None else here._replica_id_in_sync_group


def select_replica(number, structured):
    """The nest with the values of one replica."""
    pick = lambda x: x.values[number] if isinstance(x, DistributedValues) and not _is_variable(x) else x
    return nest.map_structure(pick, structured, expand_composites=False)


def _is_variable(x):
    return hasattr(x, "_distribute_strategy")


def regroup(values, always_wrap=False):
    """One nest of per-replica values out of a nest for each replica."""
    first = values[0]
    if isinstance(first, list):
        return [regroup([v[i] for v in values], always_wrap) for i in range(len(first))]
    if isinstance(first, tuple):
        parts = [regroup([v[i] for v in values], always_wrap) for i in range(len(first))]
        if hasattr(first, "_fields"):
            return type(first)(*parts)
        return tuple(parts)
    if isinstance(first, dict):
        return type(first)((k, regroup([v[k] for v in values], always_wrap)) for k in first)
    owners = [None if hasattr(v, "_parent_op") else getattr(v, "_distributed_container", None) for v in values]
    if all(o is not None for o in owners):
        found = [o() for o in owners]
        if found[0] is not None and all(f is found[0] for f in found):
            return found[0]
    same = all(v is first for v in values[1:])
    if same and isinstance(first, DistributedValues) and _is_variable(first):
        return first
    if same and not always_wrap and not isinstance(first, Tensor):
        return first
    return PerReplica(values)
