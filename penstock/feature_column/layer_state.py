"""The state of columns inside a layer: variables are weights of the layer."""

import collections
from typing import Any

from penstock.base import dtypes
from penstock.base.export import export
from penstock.base.trackable import Trackable, no_manual_dependency_tracking_scope
from penstock.feature_column.base import ScopeState
from penstock.fronts.lift import init_scope


class LayerState(ScopeState):
    """Makes variables with `layer.add_weight` and keeps them by column and name."""

    def __init__(self, layer: Any, trainable: bool):
        super().__init__(trainable)
        self._layer = layer

    def create_variable(
        self,
        feature_column: Any,
        name: str,
        shape: Any,
        dtype: Any = None,
        trainable: bool = True,
        use_resource: bool = True,
        initializer: Any = None,
    ) -> Any:
        """A new weight of the layer; ValueError when the column has one of this name."""
        held = self.variables.setdefault(feature_column, {})
        if name in held:
            raise ValueError("Variable already exists.")
        with init_scope():
            held[name] = self._layer.add_weight(
                name=name,
                shape=shape,
                dtype=dtypes.float32 if dtype is None else dtype,
                initializer=initializer,
                trainable=self.trainable and trainable,
                use_resource=use_resource,
            )
        return held[name]


@export("__internal__.feature_column.StateManager")
class TrackedLayerState(LayerState):
    """Makes variables that the layer depends on as `column/name`, so that several columns may have one of the same name."""

    def __init__(self, layer: Any, trainable: bool):
        super().__init__(layer, trainable)
        self.variables = collections.defaultdict(dict, self.variables)

    _cols_to_vars_map = property(lambda self: self.variables)
    _trainable = property(lambda self: self.trainable)

    def create_variable(
        self, feature_column: Any, name: str, shape: Any, dtype: Any = None, trainable: bool = True, use_resource: bool = True, initializer: Any = None
    ) -> Any:  # fmt: skip
        """A new weight of the layer; ValueError when the column has one of this name."""
        with no_manual_dependency_tracking_scope(self._layer):
            made = super().create_variable(feature_column, name, shape, dtype, trainable, use_resource, initializer)
        if isinstance(made, Trackable):
            self._layer._track_trackable(made, f"{feature_column.name}/{name}")
        return made

    def add_resource(self, feature_column: Any, name: str, resource: Any) -> None:
        """Keep a table of the column; checkpoints and SavedModels find it below the layer."""
        super().add_resource(feature_column, name, resource)
        if isinstance(resource, Trackable):
            self._layer._track_trackable(resource, f"{feature_column.name}/{name}", overwrite=True)
