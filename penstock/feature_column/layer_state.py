"""The state of columns inside a layer: variables are weights of the layer."""

from typing import Any

from penstock.base import dtypes
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
