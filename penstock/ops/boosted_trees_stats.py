"""Statistics of gradients by node and bucket, and the best split of each node from them: how boosted trees grow."""

from typing import Any

import numpy as np

from penstock.base.errors import InvalidArgumentError
from penstock.ir.op import op


def weights_and_gains(g: Any, h: Any, l1: Any, l2: Any) -> tuple[Any, Any]:
    """The value of a leaf that holds these gradients and Hessians, and what it gains: g shrunk by l1, over h + l2."""
    g, h = np.asarray(g, np.float32), np.asarray(h, np.float32)
    shrunk = np.where(np.abs(g) <= l1, np.float32(0), g - np.sign(g) * np.float32(l1)) if l1 else g
    divisor = h + np.float32(l2)
    some = divisor > np.float32(1e-15)
    safe = np.where(some, divisor, np.float32(1))
    return np.where(some, -shrunk / safe, np.float32(0)), np.where(some, shrunk * (shrunk / safe), np.float32(0))


def best_threshold(stats: Any, l1: float, l2: float) -> tuple[Any, Any, Any, Any]:
    """Over [nodes, buckets, 2]: (gain of the best split, its last bucket to the left, left value, right value)."""
    running = np.cumsum(stats, axis=1, dtype=np.float32)
    total = running[:, -1:]
    rest = total - running
    left_value, left_gain = weights_and_gains(running[..., 0], running[..., 1], l1, l2)
    right_value, right_gain = weights_and_gains(rest[..., 0], rest[..., 1], l1, l2)
    _, parent = weights_and_gains(total[..., 0], total[..., 1], l1, l2)
    both = left_gain + right_gain
    at = np.argmax(both, axis=1)
    rows = np.arange(len(stats))
    return both[rows, at] - parent[:, 0], at.astype(np.int32), left_value[rows, at], right_value[rows, at]


def _number(value: Any) -> np.float32:
    return np.asarray(value, np.float32).reshape(())[()]


@op("BoostedTreesMakeStatsSummary(node_ids: int32, gradients: float32, hessians: float32, bucketized_features_list: num_features*int32, *, max_splits: int >= 1, "
    "num_buckets: int >= 1, num_features: int >= 1) -> stats_summary: float32", where="host",
    shape=lambda *_, max_splits, num_buckets, num_features: (num_features, max_splits, num_buckets, 2))  # fmt: skip
def boosted_trees_make_stats_summary(
    xp, node_ids, gradients, hessians, bucketized_features_list, *, max_splits, num_buckets
):
    """[features, max_splits, buckets, 2]: the sums of gradients and of Hessians of the examples of a node in a bucket."""
    _check_rows(node_ids, gradients, hessians)
    made = np.zeros((len(bucketized_features_list), max_splits, num_buckets, 2))
    for f, buckets in enumerate(bucketized_features_list):
        _add(made[f], np.asarray(node_ids), np.asarray(buckets).reshape(-1), gradients, hessians)
    return made.astype(np.float32)


def _check_rows(nodes: Any, gradients: Any, hessians: Any) -> None:
    for name, values in (("gradients", gradients), ("hessians", hessians)):
        if np.ndim(values) != 2 or len(values) != len(nodes):
            raise InvalidArgumentError(
                None, None, f"{name} must be [{len(nodes)}, ...]: there are {len(nodes)} node ids, got {list(np.shape(values))}"
            )


def _add(sums: Any, nodes: Any, buckets: Any, gradients: Any, hessians: Any) -> None:
    """Add gradients and Hessians, side by side, to sums [nodes, buckets, width]."""
    held = (nodes >= 0) & (nodes < len(sums)) & (buckets >= 0) & (buckets < sums.shape[1])
    np.add.at(sums, (nodes[held], buckets[held]), np.concatenate([gradients, hessians], axis=1)[held])


@op("BoostedTreesCalculateBestGainsPerFeature(node_id_range: int32, stats_summary_list: num_features*float32, l1: float32, l2: float32, tree_complexity: float32, "
    "min_node_weight: float32, *, max_splits: int >= 1, num_features: int >= 1) -> (node_ids_list: num_features*int32, gains_list: num_features*float32, "
    "thresholds_list: num_features*int32, left_node_contribs_list: num_features*float32, right_node_contribs_list: num_features*float32)", where="host",
    shape=lambda *_, max_splits, num_features: ([(None,)] * num_features,) * 3 + ([(None, 1)] * num_features,) * 2)  # fmt: skip
def boosted_trees_calculate_best_gains_per_feature(
    xp, node_id_range, stats_summary_list, l1, l2, tree_complexity, min_node_weight
):
    """For each feature: the nodes that may split, how much they gain, at which bucket, and the values of the two leaves."""
    l1, l2, complexity, least = (_number(v) for v in (l1, l2, tree_complexity, min_node_weight))
    first, last = (int(v) for v in np.asarray(node_id_range))
    nodes = np.arange(first, last, dtype=np.int32)
    columns: list[list[Any]] = [[], [], [], [], []]
    for summary in stats_summary_list:
        stats = np.asarray(summary)[first:last]
        held = stats[..., 1].sum(axis=1, dtype=np.float32) >= least
        gain, at, left, right = best_threshold(stats[held], l1, l2)
        for column, values in zip(columns, (nodes[held], gain - complexity, at, left[:, None], right[:, None])):
            column.append(values)
    return tuple(columns)
