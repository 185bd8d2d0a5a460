"""`tf.metrics` over a range of thresholds: `auc`, precision and recall at thresholds, and what follows from them."""

from typing import Any

import numpy as np

from penstock.fronts.lift import control_dependencies
from penstock.ir import door
from penstock.ir.op import find
from penstock.ops.asserts import assert_greater_equal, assert_less_equal
from penstock.ops.reduce import reduce_sum
from penstock.ops.shapes import reshape
from penstock.state.scopes import variable_scope
from penstock.train.metrics import BOOL, FLOAT, _signature, graphs_only, metric_variable, publish, spread, squeezed, to

ALL = ("tp", "fn", "tn", "fp")
EDGE = 1e-7
_VARIABLES = {"tp": "true_positives", "fn": "false_negatives", "tn": "true_negatives", "fp": "false_positives"}


def counts_at(
    labels: Any, predictions: Any, thresholds: list[float], weights: Any, includes: tuple[str, ...] = ALL
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The counts of the confusion matrix at each threshold: values so far and updates, by tp, fn, tn, fp."""
    predictions = door.convert(predictions)
    low, high = (to(limit, predictions.dtype.base_dtype) for limit in (0.0, 1.0))
    with control_dependencies(
        [
            assert_greater_equal(predictions, low, message="predictions must be in [0, 1]"),
            assert_less_equal(predictions, high, message="predictions must be in [0, 1]"),
        ]
    ):
        predictions, labels, weights = squeezed(to(predictions, FLOAT), to(labels, BOOL), weights)
    predictions.shape.assert_is_compatible_with(labels.shape)
    flat = reshape(predictions, [1, -1])
    is_label = reshape(labels, [1, -1])
    edges = np.array(thresholds, np.float32).reshape(-1, 1)
    is_predicted = find("Greater")(flat, door.convert(edges))
    not_label, not_predicted = find("LogicalNot")(is_label), find("LogicalNot")(is_predicted)
    w = None if weights is None else reshape(spread(to(weights, FLOAT), predictions), [1, -1])
    values: dict[str, Any] = {}
    updates: dict[str, Any] = {}
    pairs = {
        "tp": (is_label, is_predicted),
        "fn": (is_label, not_predicted),
        "tn": (not_label, not_predicted),
        "fp": (not_label, is_predicted),
    }
    for key in ALL:
        if key not in includes:
            continue
        held = metric_variable([len(thresholds)], FLOAT, name=_VARIABLES[key])
        hits = to(find("LogicalAnd")(*pairs[key]), FLOAT)
        updates[key] = held.assign_add(reduce_sum(hits if w is None else hits * w, 1))
        values[key] = find("Identity")(door.convert(held))
    return values, updates


def _even(count: int) -> list[float]:
    """`count` thresholds from just below 0 to just above 1."""
    return [-EDGE, *[(i + 1) * 1.0 / (count - 1) for i in range(count - 2)], 1.0 + EDGE]


@_signature("auc")
def auc(labels: Any, predictions: Any, weights: Any = None, num_thresholds: int = 200, metrics_collections: Any = None, updates_collections: Any = None,
        curve: str = "ROC", name: str | None = None, summation_method: str = "trapezoidal", thresholds: Any = None) -> tuple[Any, Any]:  # fmt: skip
    """The area under the ROC curve, or under precision over recall (`curve="PR"`), by a sum over thresholds."""
    graphs_only("auc")
    with variable_scope(name, "auc", (labels, predictions, weights)):
        if curve not in ("ROC", "PR"):
            raise ValueError(f"curve must be either ROC or PR, {curve} unknown")
        edges = _even(num_thresholds) if thresholds is None else [-EDGE, *sorted(thresholds), 1.0 + EDGE]
        values, updates = counts_at(labels, predictions, edges, weights)
        small = 1e-6

        def careful(c: dict[str, Any]) -> Any:
            """Davis and Goadrich's interpolation (2006)."""
            tp, fp, fn = c["tp"], c["fp"], c["fn"]
            steps = tp[:-1] - tp[1:]
            p = tp + fp
            widths = p[:-1] - p[1:]
            slope = find("DivNoNan")(steps, find("Maximum")(widths, 0.0))
            intercept = tp[1:] - slope * p[1:]
            grows = find("LogicalAnd")(p[:-1] > 0, p[1:] > 0)
            quotient = find("SelectV2")(
                grows, find("DivNoNan")(p[:-1], find("Maximum")(p[1:], 0.0)), find("OnesLike")(p[1:])
            )
            return reduce_sum(
                find("DivNoNan")(
                    slope * (steps + intercept * find("Log")(quotient)), find("Maximum")(tp[1:] + fn[1:], 0.0)
                ),
                name="interpolate_pr_auc",
            )

        def area(c: dict[str, Any], label: str) -> Any:
            if summation_method == "careful_interpolation":
                if curve != "PR":
                    raise ValueError(f"Invalid summation_method: {summation_method} for curve: {curve}")
                return careful(c)
            recall = (c["tp"] + small) / (c["tp"] + c["fn"] + small)
            if curve == "ROC":
                x, y = c["fp"] / (c["fp"] + c["tn"] + small), recall
            else:
                x, y = recall, (c["tp"] + small) / (c["tp"] + c["fp"] + small)
            widths = x[:-1] - x[1:]
            if summation_method == "trapezoidal":
                heights = (y[:-1] + y[1:]) / 2.0
            elif summation_method in ("minoring", "majoring"):
                heights = find("Minimum" if summation_method == "minoring" else "Maximum")(y[:-1], y[1:])
            else:
                raise ValueError(f"Invalid summation_method: {summation_method}")
            return reduce_sum(widths * heights, name=label)

        return publish(area(values, "value"), area(updates, "update_op"), metrics_collections, updates_collections)


def _counts(kind: str, key: str, doc: str) -> Any:
    full = f"{kind}_at_thresholds"

    def metric(labels: Any, predictions: Any, thresholds: Any, weights: Any = None, metrics_collections: Any = None, updates_collections: Any = None,
               name: str | None = None) -> tuple[Any, Any]:  # fmt: skip
        graphs_only(full)
        with variable_scope(name, kind, (predictions, labels, weights)):
            values, updates = counts_at(labels, predictions, list(thresholds), weights, (key,))
            return publish(values[key], updates[key], metrics_collections, updates_collections)

    metric.__name__ = metric.__qualname__ = full
    metric.__doc__ = doc
    return _signature(full)(metric)


true_positives_at_thresholds = _counts(
    "true_positives", "tp", "How many true labels were predicted above each threshold."
)
false_positives_at_thresholds = _counts(
    "false_positives", "fp", "How many false labels were predicted above each threshold."
)
true_negatives_at_thresholds = _counts(
    "true_negatives", "tn", "How many false labels were predicted below each threshold."
)
false_negatives_at_thresholds = _counts(
    "false_negatives", "fn", "How many true labels were predicted below each threshold."
)


def _shares(kind: str, other: str, doc: str) -> Any:
    full = f"{kind}_at_thresholds"

    def metric(labels: Any, predictions: Any, thresholds: Any, weights: Any = None, metrics_collections: Any = None, updates_collections: Any = None,
               name: str | None = None) -> tuple[Any, Any]:  # fmt: skip
        graphs_only(full)
        with variable_scope(name, full, (predictions, labels, weights)):
            values, updates = counts_at(labels, predictions, list(thresholds), weights, ("tp", other))
            share = lambda c, label: find("RealDiv")(c["tp"], c["tp"] + c[other] + 1e-7, name=f"{kind}_{label}")
            return publish(
                share(values, "value"), share(updates, "update_op"), metrics_collections, updates_collections
            )

    metric.__name__ = metric.__qualname__ = full
    metric.__doc__ = doc
    return _signature(full)(metric)


precision_at_thresholds = _shares("precision", "fp", "The share of true labels among predictions above each threshold.")
recall_at_thresholds = _shares("recall", "fn", "The share of true labels that were predicted above each threshold.")


@_signature("sensitivity_at_specificity")
def sensitivity_at_specificity(labels: Any, predictions: Any, specificity: float, weights: Any = None, num_thresholds: int = 200,
                               metrics_collections: Any = None, updates_collections: Any = None, name: str | None = None) -> tuple[Any, Any]:  # fmt: skip
    """The sensitivity at the threshold whose specificity is nearest to the given one."""
    graphs_only("sensitivity_at_specificity")
    if not 0 <= specificity <= 1:
        raise ValueError("`specificity` must be in the range [0, 1].")
    with variable_scope(name, "sensitivity_at_specificity", (predictions, labels, weights)):
        values, updates = counts_at(labels, predictions, _even(num_thresholds), weights)

        def compute(c: dict[str, Any], label: str) -> Any:
            specificities = c["tn"] / (c["tn"] + c["fp"] + EDGE)
            at = find("ArgMin")(find("Abs")(specificities - specificity), 0)
            tp, fn = find("GatherV2")(c["tp"], at, 0), find("GatherV2")(c["fn"], at, 0)
            return find("RealDiv")(tp, tp + fn + EDGE, name=label)

        return publish(
            compute(values, "value"), compute(updates, "update_op"), metrics_collections, updates_collections
        )


@_signature("specificity_at_sensitivity")
def specificity_at_sensitivity(labels: Any, predictions: Any, sensitivity: float, weights: Any = None, num_thresholds: int = 200,
                               metrics_collections: Any = None, updates_collections: Any = None, name: str | None = None) -> tuple[Any, Any]:  # fmt: skip
    """The specificity at the highest threshold whose sensitivity is nearest to the given one."""
    graphs_only("specificity_at_sensitivity")
    if not 0 <= sensitivity <= 1:
        raise ValueError("`sensitivity` must be in the range [0, 1].")
    with variable_scope(name, "specificity_at_sensitivity", (predictions, labels, weights)):
        values, updates = counts_at(labels, predictions, _even(num_thresholds), weights)

        def compute(c: dict[str, Any], label: str) -> Any:
            sensitivities = c["tp"] / (c["tp"] + c["fn"] + EDGE)
            nearest = find("Min")(find("Abs")(sensitivities - sensitivity), 0)
            near = to(find("Equal")(find("Abs")(sensitivities - sensitivity), nearest), door.convert(np.int64(0)).dtype)
            at = find("ArgMax")(find("Cumsum")(near, 0), 0)  # the last of the nearest
            tn, fp = find("GatherV2")(c["tn"], at, 0), find("GatherV2")(c["fp"], at, 0)
            return find("RealDiv")(tn, tn + fp + EDGE, name=label)

        return publish(
            compute(values, "value"), compute(updates, "update_op"), metrics_collections, updates_collections
        )
