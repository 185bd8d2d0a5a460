"""Boosted trees: how features become buckets, what a training step does, and the Estimator of any head."""

import collections
import math
from typing import Any, NamedTuple

import numpy as np

from penstock.base import dtypes
from penstock.estimator.boosted_trees_state import QuantileAccumulator, TreeEnsemble
from penstock.estimator.estimator import Estimator
from penstock.estimator.heads import BinaryClassHead
from penstock.estimator.mode_keys import ModeKeys
from penstock.estimator.names import estimator_export
from penstock.feature_column.base import CategoricalColumn, FeatureTransformationCache
from penstock.feature_column.dense import BucketizedColumn, IndicatorColumn, NumericColumn
from penstock.fronts.control import cond
from penstock.fronts.gradients import gradients
from penstock.fronts.grouping import group
from penstock.ir import door
from penstock.ir.op import find
from penstock.ir.scope import name_scope
from penstock.ops.accumulators import ConditionalAccumulator
from penstock.ops.constants import constant
from penstock.ops.join import unstack
from penstock.ops.shapes import reshape, shape
from penstock.ops.summaries import scalar
from penstock.state.checkpoints import load_variable
from penstock.state.variable import VariableV1
from penstock.train.global_step import get_or_create_global_step
from penstock.train.session_run_hook import SessionRunHook

_PRUNING = {"none": 0, "pre": 1, "post": 2}


class TreeParams(NamedTuple):
    """How trees are grown."""

    n_trees: int
    max_depth: int
    learning_rate: float
    l1: float
    l2: float
    tree_complexity: float
    min_node_weight: float
    center_bias: bool
    pruning_mode: str
    quantile_sketch_epsilon: float


class _Feature(NamedTuple):
    """Bucketized values [batch] of one feature, how many buckets there are, and whether the column said where they end."""

    values: Any
    buckets: int
    given: bool


def checked_columns(feature_columns: Any) -> list[Any]:
    """The columns by name; ValueError for those that trees cannot take."""
    columns = sorted(feature_columns, key=lambda c: c.name)
    if not columns:
        raise ValueError("feature_columns must not be empty: trees split on at least one feature.")
    for column in columns:
        if isinstance(column, (BucketizedColumn, IndicatorColumn, NumericColumn)):
            continue
        if isinstance(column, CategoricalColumn):
            raise ValueError(f"CategoricalColumn must be wrapped by IndicatorColumn, got: {column}")
        raise ValueError(f"For now, only support Numeric column, bucketized column and indicator column, got: {column}")
    return columns


def feature_names(columns: list[Any]) -> list[str]:
    """The name of the column that each feature comes from."""
    names = []
    for column in columns:
        if isinstance(column, IndicatorColumn):
            names += [column.categorical_column.name] * int(column.variable_shape.num_elements())
        else:
            names += [column.name] * (1 if isinstance(column, BucketizedColumn) else column.variable_shape.num_elements())
    return names


def _flat(tensor: Any, width: int) -> list[Any]:
    n = tensor.shape.as_list()[0] if tensor.shape.rank else None
    return unstack(reshape(tensor, [shape(tensor)[0] if n is None else n, width]), num=width, axis=1)


class _Inputs:
    """The features of a batch: numeric ones wait for the boundaries of their buckets."""

    def __init__(self, features: Any, columns: list[Any], epsilon: float):
        cache = FeatureTransformationCache(features)
        self.numeric: list[Any] = []
        self._kinds: list[tuple[str, Any, int]] = []
        for column in columns:
            with name_scope("transform_features"):
                value = cache.get(column, None)
            if isinstance(column, BucketizedColumn):
                if column.source_column.variable_shape.num_elements() != 1:
                    raise ValueError(f"Can not squeeze dim[1], expected a dimension of 1, got {column.source_column.variable_shape.num_elements()} for {column.name}")
                value = find("Cast")(reshape(value, [-1]), DstT=dtypes.int32)
                self._kinds.append(("given", value, len(column.boundaries) + 1))
            elif isinstance(column, IndicatorColumn):
                width = int(column.variable_shape.num_elements())
                for one in _flat(find("Cast")(value, DstT=dtypes.int32), width):
                    self._kinds.append(("indicator", one, 2))
            else:
                for one in _flat(value, column.variable_shape.num_elements()):
                    self._kinds.append(("numeric", len(self.numeric), math.ceil(1.0 / epsilon)))
                    self.numeric.append(one)

    def bucketized(self, accumulator: Any) -> list[_Feature]:
        """All features as buckets."""
        found = list(find("BoostedTreesBucketize")(self.numeric, accumulator.boundaries())) if self.numeric else []
        return [_Feature(found[v] if kind == "numeric" else v, n, kind == "given") for kind, v, n in self._kinds]


def _variable(name: str, value: bool) -> Any:
    return VariableV1(value, dtype=dtypes.bool, trainable=False, name=name, use_resource=True)


class _Growth:
    """The training op: quantiles first, then the bias, then a layer for each `n_batches` batches."""

    def __init__(self, ensemble: TreeEnsemble, states: Any, inputs: _Inputs, features: list[_Feature], node_ids: Any, p: TreeParams, n_batches: int,
                 accumulator: Any, weights: Any):  # fmt: skip
        self.ensemble, self.stamp, self.nodes_range, self.inputs = ensemble, states[0], states[4], inputs
        self.features, self.node_ids, self.p, self.n_batches = features, node_ids, p, n_batches
        self.accumulator, self.weights = accumulator, weights
        order = sorted(range(len(features)), key=lambda i: features[i].given)
        grouped: dict[tuple[bool, int], list[int]] = collections.OrderedDict()
        for i in order:
            grouped.setdefault((features[i].given, features[i].buckets), []).append(i)
        self.groups, self.order = list(grouped.values()), order
        self.splits = (1 << p.max_depth) - 1
        self.sums = [self._sum([len(ids), self.splits, features[ids[0]].buckets, 2]) for ids in self.groups]
        self.centers = self._sum([2, 1]) if p.center_bias else None
        self.ready = _variable("are_boundaries_ready", not inputs.numeric)
        self.center_needed = _variable("center_bias_needed", p.center_bias)
        self.batches = self._sum([]) if inputs.numeric else None

    @staticmethod
    def _sum(dims: list[int]) -> Any:
        return ConditionalAccumulator(dtypes.float32, shape=dims, shared_name="", name="conditional_accumulator")

    def op(self, g: Any, h: Any) -> Any:
        def train() -> Any:
            step = cond(self.center_needed.read_value(), lambda: self._center(g, h), lambda: self._layer(g, h)) if self.centers else self._layer(g, h)
            with door.current().control_dependencies([step]):
                added = get_or_create_global_step().assign_add(1, read_value=False)
            with door.current().control_dependencies([added]):
                return constant(True)

        if not self.inputs.numeric:
            return group(train())
        return group(cond(self.ready.read_value(), train, self._quantiles))

    def _once(self, sums: list[Any], then: Any) -> Any:
        """Do it when all sums hold enough batches."""
        counts = [s.num_accumulated() for s in sums]
        least = find("Min")(find("Pack")(counts, axis=0), [0])
        return cond(find("GreaterEqual")(least, self.n_batches), then, lambda: constant(False))

    def _after(self, ops: list[Any]) -> Any:
        with door.current().control_dependencies(ops):
            return constant(True)

    def _quantiles(self) -> Any:
        added = self.accumulator.add(self.inputs.numeric, self.weights)
        with door.current().control_dependencies([added]):
            counted = self.batches.apply_grad(constant(0.0), self.stamp)

        def flush() -> Any:
            taken = self.batches.take_grad(1)
            with door.current().control_dependencies([taken]):
                flushed = self.accumulator.flush()
            with door.current().control_dependencies([flushed]):
                return self._after([self.ready.assign(True, read_value=False)])

        with door.current().control_dependencies([counted]):
            return self._once([self.batches], flush)

    def _center(self, g: Any, h: Any) -> Any:
        means = find("Pack")([find("Sum")(g, [0]), find("Sum")(h, [0])], axis=0)
        applied = self.centers.apply_grad(means, self.stamp)

        def center() -> Any:
            taken = self.centers.take_grad(1)
            again = find("BoostedTreesCenterBias")(
                self.ensemble.handle, taken[0:1], taken[1:2], constant(self.p.l1, dtypes.float32), constant(self.p.l2, dtypes.float32)
            )
            return self._after([self.center_needed.assign(again, read_value=False)])

        with door.current().control_dependencies([applied]):
            return self._once([self.centers], center)

    def _layer(self, g: Any, h: Any) -> Any:
        applied = []
        for ids, total in zip(self.groups, self.sums):
            stats = find("BoostedTreesMakeStatsSummary")(
                self.node_ids, g, h, [self.features[i].values for i in ids], max_splits=self.splits, num_buckets=self.features[ids[0]].buckets
            )
            applied.append(total.apply_grad(stats, self.stamp))
        with door.current().control_dependencies(applied):
            return self._once(self.sums, self._grow)

    def _grow(self) -> Any:
        number = lambda v: constant(v, dtypes.float32)
        p, best = self.p, {}
        for ids, total in zip(self.groups, self.sums):
            taken = unstack(total.take_grad(1), num=len(ids), axis=0)
            columns = find("BoostedTreesCalculateBestGainsPerFeature")(
                self.nodes_range, taken, number(p.l1), number(p.l2), number(p.tree_complexity), number(p.min_node_weight), max_splits=self.splits
            )
            for k, i in enumerate(ids):
                best[i] = [column[k] for column in columns]
        columns = [[best[i][k] for i in self.order] for k in range(5)]
        grown = find("BoostedTreesUpdateEnsemble")(
            self.ensemble.handle, np.array(self.order, np.int32), *columns, constant(p.max_depth), number(p.learning_rate),
            pruning_mode=_PRUNING[p.pruning_mode],
        )  # fmt: skip
        return self._after([grown])


class StopAtAttempts(SessionRunHook):
    """Stops when all trees are complete, or when twice as many layers were tried as the trees need."""

    def __init__(self, states: Any, n_trees: int, max_depth: int):
        self._fetches, self._trees, self._layers = [states[2], states[3]], n_trees, 2 * n_trees * max_depth

    def after_run(self, run_context: Any, run_values: Any) -> None:
        complete, tried = run_context.session.run(self._fetches)
        if complete >= self._trees or tried > self._layers:
            run_context.request_stop()


def model_of(features: Any, labels: Any, mode: Any, head: Any, columns: list[Any], p: TreeParams, n_batches: int, closed_form: Any = None,
             weight_column: Any = None) -> Any:  # fmt: skip
    """The EstimatorSpec of boosted trees under a head; `closed_form(logits, labels)` gives gradients and Hessians."""
    if not isinstance(features, dict):
        raise ValueError(f"features should be a dictionary of `Tensor`s. Given type: {type(features)}")
    with name_scope("boosted_trees") as scope:
        ensemble = TreeEnsemble(scope)
        inputs = _Inputs(features, columns, p.quantile_sketch_epsilon)
        accumulator = None
        if inputs.numeric:
            accumulator = QuantileAccumulator(p.quantile_sketch_epsilon, len(inputs.numeric), math.ceil(1.0 / p.quantile_sketch_epsilon))
        found = inputs.bucketized(accumulator)
        buckets = [f.values for f in found]
        if mode != ModeKeys.TRAIN:
            logits = find("BoostedTreesPredict")(ensemble.handle, buckets, logits_dimension=1)
            return head.create_estimator_spec(features=features, mode=mode, labels=labels, train_op_fn=lambda loss: group(), logits=logits)
        batch = find("Shape")(buckets[0])
        nowhere = find("Fill")(batch, np.int32(-1))
        states = ensemble.states()
        logits, _, node_ids = find("BoostedTreesTrainingPredict")(
            ensemble.handle, find("Fill")(batch, np.int32(0)), nowhere, buckets, logits_dimension=1
        )
        logits.set_shape([buckets[0].shape.as_list()[0], 1])
        weights = constant([1.0])
        if weight_column is not None:
            weights = find("Cast")(features[getattr(weight_column, "key", weight_column)], DstT=dtypes.float32)
            weights = reshape(weights, [-1])
        growth = _Growth(ensemble, states, inputs, found, node_ids, p, n_batches, accumulator, weights)
    with name_scope(None), name_scope("boosted_trees/ensemble"):
        for name, value in zip(("num_trees", "num_finalized_trees", "num_attempted_layers"), states[1:4]):
            scalar(name, value)

    def train_op_fn(loss: Any) -> Any:
        if closed_form is not None:
            g, h = closed_form(logits, labels)
        else:
            g = gradients(loss, logits)[0]
            h = gradients(g, logits)[0]
        return growth.op(g, h)

    spec = head.create_estimator_spec(features=features, mode=mode, labels=labels, train_op_fn=train_op_fn, logits=logits)
    stop = StopAtAttempts(ensemble.states(), p.n_trees, p.max_depth)
    return spec._replace(training_hooks=(*spec.training_hooks, stop))


def binary_closed_form(head: Any) -> Any:
    """A function for the gradients and Hessians of the mean sigmoid cross entropy."""

    def closed_form(logits: Any, labels: Any) -> tuple[Any, Any]:
        labels = head._labels(labels, logits)
        p = find("Reciprocal")(find("AddV2")(find("Exp")(find("Neg")(logits)), 1.0))
        share = find("Reciprocal")(find("Cast")(find("Size")(labels), DstT=dtypes.float32))
        return (p - labels) * share, p * (1.0 - p) * share

    return closed_form


class BoostedTreesBase(Estimator):
    """Boosted trees: what the Estimators of this family share."""

    def __init__(self, feature_columns: Any, head: Any, model_dir: Any, config: Any, params: TreeParams, n_batches_per_layer: int, closed_form: Any = None,
                 weight_column: Any = None, in_memory: bool = False):  # fmt: skip
        if params.pruning_mode not in _PRUNING:
            raise ValueError("pruning_mode mode must be one of: none, post, pre")
        if params.pruning_mode != "none" and params.tree_complexity <= 0:
            raise ValueError("For pruning, tree_complexity must be positive.")
        self._sorted_feature_columns = checked_columns(feature_columns)
        self._head, self._tree_params = head, params
        self._n_features = len(feature_names(self._sorted_feature_columns))
        self._center_bias = params.center_bias
        if in_memory and n_batches_per_layer != 1:
            raise AssertionError("When train_in_memory is enabled, input_fn should return the entire dataset as a single batch, and n_batches_per_layer should "
                                 "be set as 1.")  # fmt: skip

        def model_fn(features: Any, labels: Any, mode: Any, config: Any) -> Any:
            return model_of(
                features, labels, mode, head, self._sorted_feature_columns, params, n_batches_per_layer, closed_form, weight_column
            )

        super().__init__(model_fn=model_fn, model_dir=model_dir, config=config)

    def experimental_feature_importances(self, normalize: bool = False) -> Any:
        """How much the splits on each column gained in all, greatest first; `normalize` makes them sum to one."""
        from penstock.ops.boosted_trees import Ensemble

        if self.latest_checkpoint() is None:
            raise ValueError(f"Could not find trained model in model_dir: {self._model_dir}.")
        trees = Ensemble()
        trees.load(0, np.asarray(load_variable(self._model_dir, "boosted_trees:0_serialized")).item())
        gains = np.zeros(self._n_features)
        for tree in trees.trees:
            for node in tree.nodes:
                if not node.is_leaf:
                    gains[node.feature] += tree.weight * node.gain
        names = feature_names(self._sorted_feature_columns)
        if not any(tree.layers for tree in trees.trees):
            raise ValueError("Found no trees with splits: train the model first")
        by_name: dict[str, float] = collections.defaultdict(float)
        for name, gain in zip(names, gains):
            by_name[name] += gain
        if normalize:
            total = sum(by_name.values())
            if total <= 0:
                raise ValueError(f"Trees are all empty or root node only. Gains sum to {total}, so that they cannot be normalized")
            by_name = {k: v / total for k, v in by_name.items()}
        return collections.OrderedDict(sorted(by_name.items(), key=lambda item: item[1], reverse=True))


class ExplainedBoostedTrees(BoostedTreesBase):
    """Boosted trees that say, for one prediction, what each column added to it."""

    def _inverse_link(self, logit: Any) -> Any:
        raise NotImplementedError

    def experimental_predict_with_explanations(self, input_fn: Any, predict_keys: Any = None, hooks: Any = None, checkpoint_path: Any = None) -> Any:
        """Predictions with `bias`, and `dfc`: what each column contributed, the greatest (either way) first."""
        if not self._center_bias:
            raise ValueError("center_bias must be enabled during estimator instantiation when using experimental_predict_with_explanations.")
        from penstock.base.proto import boosted_trees_pb2

        names = feature_names(self._sorted_feature_columns)
        kept = self._model_fn

        def explained(features: Any, labels: Any, mode: Any, config: Any) -> Any:
            spec = kept(features, labels, mode, config)
            graph_handle, buckets = _predict_inputs(spec)
            debug = find("BoostedTreesExampleDebugOutputs")(graph_handle, buckets, logits_dimension=1)
            predictions = {"example_debug_outputs": debug, **spec.predictions}
            return spec._replace(predictions=predictions)

        shown = Estimator(explained, model_dir=self._model_dir, config=self.config)
        keys = None if predict_keys is None else [*predict_keys, "example_debug_outputs"]
        for one in shown.predict(input_fn, keys, hooks, checkpoint_path):
            debug = boosted_trees_pb2.DebugOutput.FromString(one.pop("example_debug_outputs"))
            path = [self._inverse_link(v) for v in debug.logits_path]
            parts = dict.fromkeys(sorted(set(names)), 0.0)
            for i, feature in enumerate(debug.feature_ids):
                parts[names[feature]] += path[i + 1] - path[i]
            one["bias"] = path[0]
            one["dfc"] = collections.OrderedDict(sorted(parts.items(), key=lambda item: abs(item[1]), reverse=True))
            yield one


def _predict_inputs(spec: Any) -> tuple[Any, Any]:
    """The ensemble and the buckets that the graph's predicting op reads."""
    graph = door.current()
    (op,) = [o for o in graph.get_operations() if o.type == "BoostedTreesPredict"]
    return op.inputs[0], list(op.inputs[1:])


@estimator_export("BoostedTreesEstimator")
class BoostedTreesEstimator(BoostedTreesBase):
    """Boosted trees under a head of one's own, whose logits are one-dimensional.

    >>> head = tf.estimator.BinaryClassHead()
    >>> tf.estimator.BoostedTreesEstimator([tf.feature_column.numeric_column("age")], 1, head).train(input_fn)
    """

    def __init__(self, feature_columns: Any, n_batches_per_layer: int, head: Any, model_dir: Any = None, weight_column: Any = None, n_trees: int = 100,
                 max_depth: int = 6, learning_rate: float = 0.1, l1_regularization: float = 0.0, l2_regularization: float = 0.0, tree_complexity: float = 0.0,
                 min_node_weight: float = 0.0, config: Any = None, center_bias: bool = False, pruning_mode: str = "none",
                 quantile_sketch_epsilon: float = 0.01):  # fmt: skip
        if head.logits_dimension > 1:
            raise ValueError(f"Boosted trees have one-dimensional logits; the head has {head.logits_dimension}.")
        params = TreeParams(n_trees, max_depth, learning_rate, l1_regularization, l2_regularization, tree_complexity, min_node_weight, center_bias, pruning_mode,
                            quantile_sketch_epsilon)  # fmt: skip
        plain = isinstance(head, BinaryClassHead) and head._weight_column is None and head._loss_fn is None
        closed_form = binary_closed_form(head) if plain and head._reduction == "weighted_sum_over_batch_size" else None
        super().__init__(feature_columns, head, model_dir, config, params, n_batches_per_layer, closed_form, weight_column)
