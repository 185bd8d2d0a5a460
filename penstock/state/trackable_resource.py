"""Objects behind a resource handle (tables, ...) that checkpoints and SavedModels can find."""

import copy
from typing import Any

from penstock.base.export import export
from penstock.base.trackable import Trackable


class CapturableResource(Trackable):
    """An object whose state is a resource; its handle is made when it is first asked for."""

    def __init__(self, device: str = ""):
        self._resource_handle_value: Any = None
        self._resource_device = device

    @classmethod
    def _resource_type(cls) -> str:
        return cls.__name__

    def _create_resource(self) -> Any:
        """The handle of a new resource."""
        raise NotImplementedError("TrackableResource._create_resource not implemented.")

    def _initialize(self) -> Any:
        """Fill the resource."""

    def _destroy_resource(self) -> Any:
        """Take the resource away."""

    @property
    def _resource_handle(self) -> Any:
        return self._resource_handle_value

    @_resource_handle.setter
    def _resource_handle(self, value: Any) -> None:
        self._resource_handle_value = value

    @property
    def resource_handle(self) -> Any:
        """The handle of the resource."""
        if self._resource_handle is None:
            from penstock.fronts.lift import init_scope

            with init_scope():
                self._resource_handle = self._create_resource()
        return self._resource_handle

    def _export_to_saved_model_graph(
        self, object_map: Any, tensor_map: Any, options: Any = None, **kwargs: Any
    ) -> list[Any]:
        made = copy.copy(self)
        made._resource_handle = made._create_resource()
        object_map[self] = made
        tensor_map[self.resource_handle] = made._resource_handle
        return [self.resource_handle]

    def _trackable_children(self, save_type: str = "checkpoint", **kwargs: Any) -> dict[str, Any]:
        children = super()._trackable_children(save_type, **kwargs)
        if save_type == "savedmodel":
            from penstock.fronts.function import function

            @function(input_signature=[], autograph=False)
            def _creator() -> Any:
                return self._create_resource()

            @function(input_signature=[], autograph=False)
            def _initializer() -> Any:
                self._initialize()
                return 1  # a function of a SavedModel must give something

            @function(input_signature=[], autograph=False)
            def _destroyer() -> Any:
                self._destroy_resource()
                return 1

            children.update(_create_resource=_creator, _initialize=_initializer, _destroy_resource=_destroyer)
        return children


@export("saved_model.experimental.TrackableResource")
class TrackableResource(CapturableResource):
    """A resource of a class of one's own: `_create_resource` gives its handle, `_initialize` fills it."""

    def __init__(self, device: str = ""):
        super().__init__(device=device)
