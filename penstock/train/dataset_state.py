"""The state of input pipelines in the checkpoints of 1.x."""

from typing import Any

from penstock.base import dtypes
from penstock.base.export import export
from penstock.data.iterators import ITERATOR_STATE, RESTORE_ITERATOR_STATE
from penstock.state.saveable import SaveableObject, SaveSpec


class IteratorSaveable(SaveableObject):
    """Where an iterator stands, for a Saver."""

    def __init__(self, iterator_resource: Any, name: str):
        state = ITERATOR_STATE(iterator_resource)
        self._resource = iterator_resource
        super().__init__(iterator_resource, [SaveSpec(state, "", name + "-state", dtypes.string)], name)

    def restore(self, restored_tensors: Any, restored_shapes: Any) -> Any:
        return RESTORE_ITERATOR_STATE(self._resource, restored_tensors[0])


@export("data.experimental.make_saveable_from_iterator")
def make_saveable_from_iterator(iterator: Any, external_state_policy: Any = None) -> IteratorSaveable:
    """An object by which a `tf.compat.v1.train.Saver` keeps where an iterator stands."""
    resource = iterator._iterator_resource
    return IteratorSaveable(resource, resource.name if hasattr(type(resource), "op") and hasattr(resource, "op") else "iterator")
