"""What `feature_column_v2` defines without a public name."""

from penstock.feature_column.layer_state import LayerState as _StateManagerImpl  # noqa: F401 - its name there


class _FeatureColumn:
    """A column of the first kind, which libraries derive from."""


class _DenseColumn(_FeatureColumn):
    """A column of dense numbers."""


class _CategoricalColumn(_FeatureColumn):
    """A column of categories."""
