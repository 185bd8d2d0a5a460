"""Functions of TensorFlow's internal op modules that have no public name and that libraries import."""

from penstock.base import dtypes
from penstock.fronts.grouping import with_dependencies
from penstock.ir import door
from penstock.ir.op import find
from penstock.ir.scope import scoped
from penstock.ir.seeds import op_seeds
from penstock.ops.histogram import remove_squeezable
from penstock.ops.random import shape_tensor
from penstock.state.collections import add_to_collections
from penstock.train.metrics import metric_variable, squeezed as _remove_squeezable_dimensions
from penstock.train.metrics_at_k import _average_precision_of as _streaming_sparse_average_precision_at_top_k
from penstock.train.metrics_thresholds import ALL, counts_at

__all__ = [
    "_remove_squeezable_dimensions", "_streaming_sparse_average_precision_at_top_k", "metric_variable", "remove_squeezable_dimensions", "with_dependencies",
]  # fmt: skip


def _confusion_matrix_at_thresholds(labels, predictions, thresholds, weights=None, includes=None):
    """The counts at each threshold: `({"tp": value, ...}, {"tp": update, ...})` of those of tp, fn, tn, fp in `includes`."""
    for key in includes or ():
        if key not in ALL:
            raise ValueError(f"Invalid key: {key}.")
    return counts_at(labels, predictions, thresholds, weights, ALL if includes is None else includes)


def _aggregate_variable(v, collections):
    """The value of a metric's variable, put into `collections`."""
    value = door.convert(v)
    if collections:
        add_to_collections(collections, value)
    return value


def _safe_scalar_div(numerator, denominator, name):
    """numerator / denominator, 0 where the denominator is 0."""
    return find("DivNoNan")(door.convert(numerator), door.convert(denominator), name=name)


def remove_squeezable_dimensions(labels, predictions, expected_rank_diff=0, name=None):
    """`labels` and `predictions` without a last axis of size 1 that only one of them has."""
    with scoped(name, "remove_squeezable_dimensions"):
        return remove_squeezable(door.convert(labels), door.convert(predictions), expected_rank_diff)


def parameterized_truncated_normal(
    shape, means=0.0, stddevs=1.0, minvals=-2.0, maxvals=2.0, dtype=dtypes.float32, seed=None, name=None
):
    """Normals of [minvals, maxvals]: the parameters are scalars, or have one value for each slice of the output."""
    with scoped(name, "parameterized_truncated_normal"):
        given = zip((means, stddevs, minvals, maxvals), ("means", "stddevs", "minvals", "maxvals"))
        parameters = [door.convert(p, dtype, n) for p, n in given]
        return find("ParameterizedTruncatedNormal")(shape_tensor(shape), *parameters, **op_seeds(seed))
