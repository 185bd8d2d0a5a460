"""What boosted trees keep beside variables, in a graph: the ensemble and the quantile streams, saved with the checkpoint."""

from typing import Any

from penstock.base import dtypes
from penstock.fronts.default_graph import get_default_graph
from penstock.ir.op import find
from penstock.ir.scope import name_scope
from penstock.ops.constants import constant
from penstock.state.collections import GraphKeys
from penstock.state.resources import register_resource
from penstock.state.saveable import SaveableObject, SaveSpec

MAX_ELEMENTS = 1 << 40


class _Trees(SaveableObject):
    def __init__(self, handle: Any, name: str):
        stamp, serialized = find("BoostedTreesSerializeEnsemble")(handle)
        specs = [SaveSpec(stamp, "", f"{name}_stamp"), SaveSpec(serialized, "", f"{name}_serialized")]
        super().__init__(handle, specs, name)

    def restore(self, restored_tensors: Any, restored_shapes: Any) -> Any:
        return find("BoostedTreesDeserializeEnsemble")(self.op, *restored_tensors)


class _Boundaries(SaveableObject):
    def __init__(self, handle: Any, name: str, count: int):
        found = find("BoostedTreesQuantileStreamResourceGetBucketBoundaries")(handle, num_features=count)
        super().__init__(
            handle, [SaveSpec(b, "", f"{name}_bucket_boundaries_{i}") for i, b in enumerate(found)], name
        )

    def restore(self, restored_tensors: Any, restored_shapes: Any) -> Any:
        return find("BoostedTreesQuantileStreamResourceDeserialize")(self.op, list(restored_tensors))


def _register(handle: Any, create: Any, ready: Any, saveable: Any) -> None:
    register_resource(handle, getattr(create, "op", create), ready)
    get_default_graph().add_to_collection(GraphKeys.SAVEABLE_OBJECTS, saveable)


class TreeEnsemble:
    """An ensemble of trees, called after the scope that it stands in."""

    def __init__(self, scope: str):
        self.handle = find("BoostedTreesEnsembleResourceHandleOp")(container="", shared_name=scope, name=scope)
        create = find("BoostedTreesCreateEnsemble")(self.handle, constant(0, dtypes.int64), constant(b""))
        ready = find("IsBoostedTreesEnsembleInitialized")(self.handle)
        _register(self.handle, create, ready, _Trees(self.handle, self.handle.name))

    def states(self) -> Any:
        """(stamp, trees, finalized trees, layers tried, [first, last] node of the newest layer)."""
        return find("BoostedTreesGetEnsembleStates")(self.handle)


class QuantileAccumulator:
    """The quantile streams of `count` numeric features as the resource `QuantileAccumulator`."""

    def __init__(self, epsilon: float, count: int, buckets: int):
        self.epsilon, self.count, self.buckets = epsilon, count, buckets
        with name_scope("QuantileAccumulator") as scope:
            self.handle = find("BoostedTreesQuantileStreamResourceHandleOp")(
                container="", shared_name=scope, name=scope
            )
            create = find("BoostedTreesCreateQuantileStreamResource")(
                self.handle, constant(epsilon, dtypes.float32), constant(count, dtypes.int64), max_elements=MAX_ELEMENTS
            )
            ready = find("IsBoostedTreesQuantileStreamResourceInitialized")(self.handle)
            _register(self.handle, create, ready, _Boundaries(self.handle, self.handle.name, count))

    def boundaries(self) -> list[Any]:
        """The boundaries of each feature."""
        return list(find("BoostedTreesQuantileStreamResourceGetBucketBoundaries")(self.handle, num_features=self.count))

    def add(self, values: list[Any], weights: Any) -> Any:
        """Take a batch of every feature in."""
        epsilon = constant(self.epsilon, dtypes.float32)
        summaries = find("BoostedTreesMakeQuantileSummaries")(values, weights, epsilon)
        return find("BoostedTreesQuantileStreamResourceAddSummaries")(self.handle, list(summaries))

    def flush(self) -> Any:
        """Make the boundaries of what came in."""
        return find("BoostedTreesQuantileStreamResourceFlush")(self.handle, constant(self.buckets, dtypes.int64))
