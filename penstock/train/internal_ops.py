"""Functions of TensorFlow's internal op modules that have no public name and that libraries import."""

from penstock.fronts.grouping import with_dependencies
from penstock.ir import door
from penstock.ir.scope import scoped
from penstock.ops.histogram import _remove_squeezable
from penstock.train.metrics import metric_variable, squeezed as _remove_squeezable_dimensions

__all__ = ["_remove_squeezable_dimensions", "metric_variable", "remove_squeezable_dimensions", "with_dependencies"]


def remove_squeezable_dimensions(labels, predictions, expected_rank_diff=0, name=None):
    """`labels` and `predictions` without a last axis of size 1 that only one of them has."""
    with scoped(name, "remove_squeezable_dimensions"):
        labels, predictions = door.convert(labels), door.convert(predictions)
        if expected_rank_diff and None not in (labels.shape.rank, predictions.shape.rank):
            if predictions.shape.rank - labels.shape.rank == expected_rank_diff:
                return labels, predictions
        return _remove_squeezable(labels, predictions)
