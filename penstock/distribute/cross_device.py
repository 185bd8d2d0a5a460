"""`tf.distribute.CrossDeviceOps`: how the values of the replicas are put together."""

from penstock.base.export import export
from penstock.distribute.options import ReduceOp
from penstock.distribute.values import DistributedValues, Mirrored
from penstock.ir import door
from penstock.ops.arithmetic import add_n
from penstock.ops.cast import cast


@export("distribute.CrossDeviceOps")
class CrossDeviceOps:
    """Reduces and broadcasts the values of replicas; subclasses say `reduce_implementation`."""

    def reduce(self, reduce_op, per_replica_value, destinations, options=None):
        """The values of all replicas as one, on `destinations`."""
        if not isinstance(per_replica_value, DistributedValues):
            per_replica_value = Mirrored([per_replica_value])
        return self.reduce_implementation(reduce_op, per_replica_value, destinations, options)

    def batch_reduce(self, reduce_op, value_destination_pairs, options=None):
        """`reduce` of several (value, destinations)."""
        pairs = value_destination_pairs
        if not isinstance(pairs, list | tuple) or not all(isinstance(p, tuple) and len(p) == 2 for p in pairs):
            raise ValueError(f"`value_destination_pairs` must be a list or tuple of tuples of size 2, got {pairs!r}")
        return self.batch_reduce_implementation(reduce_op, pairs, options)

    def broadcast(self, tensor, destinations):
        """The tensor on every device of `destinations`."""
        return self.broadcast_implementation(tensor, destinations)

    def reduce_implementation(self, reduce_op, per_replica_value, destinations, options):
        """What `reduce` does."""
        raise NotImplementedError("_reduce method must be implemented in descendants.")

    def batch_reduce_implementation(self, reduce_op, value_destination_pairs, options):
        """What `batch_reduce` does."""
        return [self.reduce_implementation(reduce_op, v, d, options) for v, d in value_destination_pairs]

    def broadcast_implementation(self, tensor, destinations):
        """What `broadcast` does."""
        count = len(destinations.values) if isinstance(destinations, DistributedValues) else 1
        return Mirrored([tensor] * count)

    def _reduced(self, reduce_op, parts):
        """The reduction of the replicas' values, as one value."""
        made = self.reduce_implementation(reduce_op, DistributedValues(parts), DistributedValues(parts), None)
        return made.values[0] if isinstance(made, DistributedValues) else made


class _Adding(CrossDeviceOps):
    def reduce_implementation(self, reduce_op, per_replica_value, destinations, options):
        """Add the values up."""
        total = self._sum(list(per_replica_value.values))
        if reduce_op is ReduceOp.MEAN or reduce_op == "mean":
            count = len(per_replica_value.values)
            if hasattr(total, "dense_shape"):
                total = type(total)(total.values / cast(count, total.values.dtype), total.indices, total.dense_shape)
            else:
                total = (
                    total / cast(count, total.dtype)
                    if total.dtype.is_floating or total.dtype.is_complex
                    else total // cast(count, total.dtype)
                )
        count = len(destinations.values) if isinstance(destinations, DistributedValues) else 1
        return Mirrored([total] * count)

    def _sum(self, parts):
        if all(hasattr(p, "dense_shape") for p in parts):
            from penstock.ops.indexed_slices import concatenated

            return concatenated(parts)
        return add_n([door.convert(p) for p in parts])


@export("distribute.ReductionToOneDevice")
class ReductionToOneDevice(_Adding):
    """Copies everything to one device and adds it up there, or puts it together by `accumulation_fn`."""

    def __init__(self, reduce_to_device=None, accumulation_fn=None):
        self.reduce_to_device, self.accumulation_fn = reduce_to_device, accumulation_fn

    def _sum(self, parts):
        return super()._sum(parts) if self.accumulation_fn is None else self.accumulation_fn(parts)


class _AllReduce(_Adding):
    def __init__(self, num_packs=1):
        if num_packs < 0:
            raise ValueError(f"NCCL all-reduce requires num_packs >= 0, but {num_packs} is specified")
        self._num_packs = num_packs


@export("distribute.NcclAllReduce")
class NcclAllReduce(_AllReduce):
    """Adds up on all devices at once, in so many packs."""

    def __init__(self, num_packs=1):
        super().__init__(num_packs)


@export("distribute.HierarchicalCopyAllReduce")
class HierarchicalCopyAllReduce(_AllReduce):
    """Adds up along a hierarchy of devices, in so many packs."""

    def __init__(self, num_packs=1):
        if num_packs < 0:
            raise ValueError(f"HierarchicalCopy requires num_packs >= 0, but {num_packs} is specified")
        super().__init__(num_packs)
