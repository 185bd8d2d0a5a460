"""Variables of which every replica has a copy: `MirroredVariable` and `SyncOnReadVariable`."""

import weakref

from penstock.distribute import context
from penstock.distribute.options import ReduceOp
from penstock.distribute.values import DistributedValues, Mirrored, PerReplica, regroup, select_replica
from penstock.ir import door
from penstock.ops.arithmetic import add_n
from penstock.ops.cast import cast
from penstock.state.resource_variable import BaseResourceVariable
from penstock.state.variable import VariableAggregationV2

NONE, SUM, MEAN, FIRST = (VariableAggregationV2[n] for n in ("NONE", "SUM", "MEAN", "ONLY_FIRST_REPLICA"))
SCATTERS = ("add", "sub", "max", "min", "mul", "div", "update")


class DistributedVariable(DistributedValues, BaseResourceVariable):
    """One variable made of a copy for each replica; a replica sees its own."""

    def __init__(self, strategy, values, aggregation):
        DistributedValues.__init__(self, values)
        self._distribute_strategy = strategy
        first = self._values[0]
        for name in (
            "_dtype",
            "_shape",
            "_trainable",
            "_synchronization",
            "_in_graph_mode",
            "_handle_name",
            "_constraint",
            "_validate_shape",
        ):
            setattr(self, name, getattr(first, name))
        self._aggregation = aggregation
        self._save_slice_info = None
        owner = weakref.ref(self)
        for v in self._values:
            v._distributed_container = owner

    _handle = property(lambda self: self._get()._handle)
    _graph_element = property(lambda self: self._get()._graph_element)
    _initial_value = property(lambda self: self._get()._initial_value)
    _cached_value = property(lambda self: self._get()._cached_value)
    _caching_device = property(lambda self: self._get()._caching_device)
    _unique_id = property(lambda self: self._values[0]._unique_id)
    distribute_strategy = property(lambda self: self._distribute_strategy)

    __hash__ = BaseResourceVariable.__hash__
    __eq__ = BaseResourceVariable.__eq__
    __ne__ = BaseResourceVariable.__ne__
    __repr__ = DistributedValues.__repr__
    __str__ = DistributedValues.__repr__

    @property
    def _initializer_op(self):
        from penstock.fronts.grouping import group

        return group(*[v._initializer_op for v in self._values])

    def is_initialized(self, name=None):
        """Have all copies a value?"""
        result = self._values[0].is_initialized()
        for v in self._values[1:]:
            result = result & v.is_initialized()
        return result

    def _outside(self):
        """Does the running code speak to all replicas (or to none of this strategy)?"""
        here = context.mode()
        return here.replica_context is None or here.strategy is not self._distribute_strategy

    # -- writes ---------------------------------------------------------------------------------------------------------
    def _write(self, method, value, kwargs):
        if context.HERE.updating is not None:
            return getattr(self._get(), method)(select_replica(context.HERE.updating, value), **kwargs)
        if self._outside():
            return self._write_all(method, value, kwargs)
        if len(self._values) == 1 or self._aggregation == NONE:
            return getattr(self._get(), method)(value, **kwargs)
        return self._write_gathered(method, value, kwargs)

    def _write_all(self, method, value, kwargs):
        results = []
        for i, v in enumerate(self._values):
            with _updating(i):
                results.append(getattr(v, method)(select_replica(i, value), **kwargs))
        if len(results) == 1:
            return results[0]
        if any(r is None for r in results):
            return None
        if not kwargs.get("read_value", True):
            from penstock.fronts.grouping import group

            return group(*results)
        return Mirrored([door.convert(r) if hasattr(r, "handle") else r for r in results])

    def _write_gathered(self, method, value, kwargs):
        def merge(strategy, value):
            return self._write_all(method, self._aggregated(strategy, value), kwargs)

        return context.get_replica_context().merge_call(merge, (value,))

    def _aggregated(self, strategy, value):
        if self._aggregation == FIRST:
            return value.values[0] if isinstance(value, DistributedValues) else value
        return strategy.extended.reduce_to(ReduceOp.SUM if self._aggregation == SUM else ReduceOp.MEAN, value, self)

    def assign(self, value, use_locking=None, name=None, read_value=True):
        """Give every copy a new value; in a replica the replicas' values are aggregated first."""
        return self._write("assign", value, {"name": name, "read_value": read_value})

    def assign_add(self, delta, use_locking=None, name=None, read_value=True):
        """Add to every copy."""
        return self._write("assign_add", delta, {"name": name, "read_value": read_value})

    def assign_sub(self, delta, use_locking=None, name=None, read_value=True):
        """Subtract from every copy."""
        return self._write("assign_sub", delta, {"name": name, "read_value": read_value})

    # -- checkpoints ----------------------------------------------------------------------------------------------------
    def _serialize_to_tensors(self):
        return self._values[0]._serialize_to_tensors()

    def _restore_from_tensors(self, restored_tensors):
        done = [v._restore_from_tensors(restored_tensors) for v in self._values]
        return done[0]

    def __reduce__(self):
        return self._values[0].__reduce__()

    def __deepcopy__(self, memo):
        import copy

        made = type(self)(self._distribute_strategy, [copy.deepcopy(v, memo) for v in self._values], self._aggregation)
        memo[id(self)] = made
        return made


def _scatter(how):
    method = f"scatter_{how}"

    def scatter(self, sparse_delta, use_locking=False, name=None):
        return self._write(method, sparse_delta, {"name": name})

    scatter.__name__ = scatter.__qualname__ = method
    scatter.__doc__ = f"`{method}` of every copy."
    return scatter


for _how in SCATTERS:
    setattr(DistributedVariable, f"scatter_{_how}", _scatter(_how))


class _updating:
    """A context in which one copy is meant."""

    def __init__(self, number):
        self.number = number

    def __enter__(self):
        self.before, context.HERE.updating = context.HERE.updating, self.number

    def __exit__(self, *_):
        context.HERE.updating = self.before


class MirroredVariable(DistributedVariable):
    """A variable whose copies are kept equal."""


class SyncOnReadVariable(DistributedVariable):
    """A variable that each replica writes for itself; the copies are aggregated when all are read at once."""

    def value(self):
        """This replica's value; the aggregated one outside of replicas."""
        if context.HERE.updating is None and (self._outside() or context.HERE.sync_on_read):
            return self._across()
        return self._get().value()

    def _across(self):
        values = [v.value() for v in self._values]
        if self._aggregation == FIRST or len(values) == 1:
            return values[0]
        if self._aggregation == NONE:
            raise ValueError(
                "Could not convert from `tf.VariableAggregation` VariableAggregation.NONE to`tf.distribute.ReduceOp` type"
            )
        total = add_n(values)
        return total if self._aggregation == SUM else total / cast(len(values), total.dtype)

    def read_value(self):
        """The value now, as `value` gives it."""
        return self.value()

    def numpy(self):
        return self.value().numpy()

    def _read_variable_op(self):
        return self.value()

    def _write(self, method, value, kwargs):
        if context.HERE.updating is not None or not self._outside():
            return getattr(self._get(), method)(value, **kwargs)
        if method == "assign":
            if self._aggregation == SUM and len(self._values) > 1:
                value = door.convert(value, self._dtype)
                value = (
                    value / cast(len(self._values), value.dtype)
                    if value.dtype.is_floating
                    else value // len(self._values)
                )
            done = self._write_all(method, value, kwargs)
            return self._across() if isinstance(done, Mirrored) else done
        if self._aggregation == SUM:
            raise ValueError(
                f"SyncOnReadVariable does not support `{method}` in cross-replica context when aggregation is set to `tf.VariableAggregation.SUM`."
            )
        return self._write_all(method, value, kwargs)

    def _serialize_to_tensors(self):
        return {"VARIABLE_VALUE": self._across() if self._aggregation != NONE else self._values[0].value()}

    def _restore_from_tensors(self, restored_tensors):
        return self.assign(next(iter(restored_tensors.values())))


__all__ = ["MirroredVariable", "PerReplica", "SyncOnReadVariable", "regroup"]
