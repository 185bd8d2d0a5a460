"""Ensembles of boosted trees: the resource, its growth by a layer, and predictions from bucketized features."""

from typing import Any

import numpy as np

from penstock.base.errors import FailedPreconditionError, InvalidArgumentError
from penstock.ir.op import op

NO_PRUNING, PRE_PRUNING, POST_PRUNING = 0, 1, 2
_LEFT, _RIGHT, _EQUAL = b"INEQUALITY_DEFAULT_LEFT", b"INEQUALITY_DEFAULT_RIGHT", b"EQUALITY_DEFAULT_RIGHT"


class Node:
    """A leaf (`left` is 0: the root is nobody's child) or a split of one feature."""

    __slots__ = ("default_right", "dimension", "equality", "feature", "gain", "left", "original", "right", "threshold", "value")

    def __init__(self, value: Any = None):
        self.value, self.original, self.gain = value, None, 0.0
        self.feature = self.threshold = self.dimension = self.left = self.right = 0
        self.equality = self.default_right = False

    @property
    def is_leaf(self) -> bool:
        return self.left == 0


class Tree:
    """Nodes in the order in which they were made, and what pruning did to them."""

    def __init__(self) -> None:
        self.nodes: list[Node] = [Node()]
        self.weight = 1.0
        self.layers = 0
        self.finalized = False
        self.pruned: list[tuple[int, Any]] = []  # old node -> (its new id, what its logits changed by)
        self._arrays: Any = None

    def changed(self) -> None:
        self._arrays = None

    def arrays(self, width: int) -> Any:
        """(feature, threshold, dimension, left, right, equality, leaf value, node value) as arrays over the nodes."""
        if self._arrays is None or self._arrays[0].shape[1] != width:
            zero = np.zeros(width, np.float32)
            wide = lambda v: zero if v is None else np.broadcast_to(np.asarray(v, np.float32), (width,))
            values = np.stack([wide(n.value if n.is_leaf else n.original) for n in self.nodes])
            field = lambda name: np.array([getattr(n, name) for n in self.nodes])
            self._arrays = (values, *(field(n) for n in ("feature", "threshold", "dimension", "left", "right", "equality")))
        return self._arrays

    def descend(self, nodes: Any, features: Any, width: int, visit: Any = None) -> Any:
        """The leaves that examples reach from the given nodes; `visit(examples, nodes)` is told of each step."""
        _, feature, threshold, dimension, left, right, equality = self.arrays(width)
        nodes = nodes.copy()
        going = np.flatnonzero(left[nodes] > 0)
        while len(going):
            at = nodes[going]
            bucket = features[feature[at], going, dimension[at]]
            goes_left = np.where(equality[at], bucket == threshold[at], bucket <= threshold[at])
            nodes[going] = np.where(goes_left, left[at], right[at])
            if visit is not None:
                visit(going, at, nodes[going])
            going = going[left[nodes[going]] > 0]
        return nodes

    def values(self, width: int) -> Any:
        """[nodes, width]: the value of each node; of a split, the value that it had as a leaf."""
        return self.arrays(width)[0]


class Ensemble:
    """Trees with weights, and how far the last one has grown; `stamp` counts the changes."""

    def __init__(self) -> None:
        self.stamp = -1
        self.clear()

    def clear(self) -> None:
        self.trees: list[Tree] = []
        self.trees_attempted = self.layers_attempted = 0
        self.first, self.last = 0, 0  # the nodes of the newest layer

    @property
    def ready(self) -> bool:
        return self.stamp >= 0

    def add_tree(self, weight: float = 1.0) -> Tree:
        tree = Tree()
        tree.weight = weight
        self.trees.append(tree)
        return tree

    def serialized(self) -> bytes:
        from penstock.base.proto import boosted_trees_pb2

        made = boosted_trees_pb2.TreeEnsemble()
        for tree in self.trees:
            written = made.trees.add()
            for node in tree.nodes:
                _write_node(written.nodes.add(), node)
            made.tree_weights.append(tree.weight)
            meta = made.tree_metadata.add(num_layers_grown=tree.layers, is_finalized=tree.finalized)
            for new, change in tree.pruned:
                meta.post_pruned_nodes_meta.add(new_node_id=new, logit_change=[float(c) for c in np.atleast_1d(change)])
        if self.layers_attempted:
            grown = made.growing_metadata
            grown.num_trees_attempted, grown.num_layers_attempted = self.trees_attempted, self.layers_attempted
            grown.last_layer_node_start, grown.last_layer_node_end = self.first, self.last
        return made.SerializeToString(deterministic=True)

    def load(self, stamp: int, data: bytes) -> None:
        from google.protobuf.message import DecodeError

        from penstock.base.proto import boosted_trees_pb2

        try:
            read = boosted_trees_pb2.TreeEnsemble.FromString(data)
        except DecodeError:
            raise InvalidArgumentError(None, None, "Unable to parse tree ensemble proto.") from None
        self.clear()
        self.stamp = stamp
        for i, written in enumerate(read.trees):
            tree = self.add_tree(read.tree_weights[i] if i < len(read.tree_weights) else 1.0)
            tree.nodes = [_read_node(n) for n in written.nodes]
            if i < len(read.tree_metadata):
                meta = read.tree_metadata[i]
                tree.layers, tree.finalized = meta.num_layers_grown, meta.is_finalized
                tree.pruned = [(m.new_node_id, np.array(m.logit_change, np.float32)) for m in meta.post_pruned_nodes_meta]
        grown = read.growing_metadata
        self.trees_attempted, self.layers_attempted = grown.num_trees_attempted, grown.num_layers_attempted
        self.first, self.last = grown.last_layer_node_start, grown.last_layer_node_end


def _write_leaf(leaf: Any, value: Any) -> None:
    leaf.SetInParent()
    if value is None:
        return
    if np.size(value) == 1:
        leaf.scalar = float(np.reshape(value, ()))
    else:
        leaf.vector.value.extend(float(v) for v in value)


def _read_leaf(leaf: Any) -> Any:
    return np.array(leaf.vector.value, np.float32) if leaf.HasField("vector") else np.array([leaf.scalar], np.float32)


def _write_node(written: Any, node: Node) -> None:
    if node.is_leaf:
        _write_leaf(written.leaf, node.value)
        return
    if node.equality:
        split = written.categorical_split
        split.value = node.threshold
    else:
        split = written.bucketized_split
        split.threshold, split.default_direction = node.threshold, int(node.default_right)
    split.feature_id, split.dimension_id, split.left_id, split.right_id = node.feature, node.dimension, node.left, node.right
    written.metadata.gain = node.gain
    if node.original is not None:
        _write_leaf(written.metadata.original_leaf, node.original)


def _read_node(written: Any) -> Node:
    kind = written.WhichOneof("node")
    if kind in (None, "leaf"):
        return Node(_read_leaf(written.leaf))
    if kind == "dense_split":
        raise InvalidArgumentError(None, None, "A tree ensemble of bucketized features has no dense splits.")
    node = Node()
    split = getattr(written, kind)
    node.equality = kind == "categorical_split"
    node.threshold = split.value if node.equality else split.threshold
    node.default_right = False if node.equality else bool(split.default_direction)
    node.feature, node.dimension, node.left, node.right = split.feature_id, split.dimension_id, split.left_id, split.right_id
    node.gain = written.metadata.gain
    if written.metadata.HasField("original_leaf"):
        node.original = _read_leaf(written.metadata.original_leaf)
    return node


# -- the resource ------------------------------------------------------------------------------------------------------
@op('BoostedTreesEnsembleResourceHandleOp(*, container: str = "", shared_name: str = "") -> resource: resource', effect="handle", shape=lambda **_: ())
def boosted_trees_ensemble_resource_handle_op(xp, store, *, container, shared_name):
    """A tree ensemble."""
    return store.get("boosted_trees", container, shared_name, Ensemble)


@op("BoostedTreesCreateEnsemble(tree_ensemble_handle: resource, stamp_token: int64, tree_ensemble_serialized: string) -> ()", where="host", effect="io")
def boosted_trees_create_ensemble(xp, tree_ensemble_handle, stamp_token, tree_ensemble_serialized):
    """Give the ensemble its first trees, unless it has some."""
    if not tree_ensemble_handle.ready:
        tree_ensemble_handle.load(int(stamp_token), np.asarray(tree_ensemble_serialized).item())
    return ()


@op("BoostedTreesDeserializeEnsemble(tree_ensemble_handle: resource, stamp_token: int64, tree_ensemble_serialized: string) -> ()", where="host", effect="io")
def boosted_trees_deserialize_ensemble(xp, tree_ensemble_handle, stamp_token, tree_ensemble_serialized):
    """Replace the ensemble by a serialized one."""
    tree_ensemble_handle.load(int(stamp_token), np.asarray(tree_ensemble_serialized).item())
    return ()


@op("IsBoostedTreesEnsembleInitialized(tree_ensemble_handle: resource) -> is_initialized: bool", where="host", effect="io", shape=lambda _: ())
def is_boosted_trees_ensemble_initialized(xp, tree_ensemble_handle):
    """Was the ensemble created?"""
    return np.array(tree_ensemble_handle.ready)


def _ready(handle: Any) -> Ensemble:
    if not handle.ready:
        raise FailedPreconditionError(None, None, "The tree ensemble was not created\n  fix: run its initializer first")
    return handle


@op("BoostedTreesSerializeEnsemble(tree_ensemble_handle: resource) -> (stamp_token: int64, tree_ensemble_serialized: string)", where="host", effect="io",
    shape=lambda _: ((), ()))  # fmt: skip
def boosted_trees_serialize_ensemble(xp, tree_ensemble_handle):
    """The stamp and the trees as a TreeEnsemble message."""
    made = _ready(tree_ensemble_handle)
    return np.array(made.stamp, np.int64), np.array(made.serialized(), object)


@op("BoostedTreesGetEnsembleStates(tree_ensemble_handle: resource) -> (stamp_token: int64, num_trees: int32, num_finalized_trees: int32, "
    "num_attempted_layers: int32, last_layer_nodes_range: int32)", where="host", effect="io", shape=lambda _: ((), (), (), (), (2,)))  # fmt: skip
def boosted_trees_get_ensemble_states(xp, tree_ensemble_handle):
    """The stamp, how many trees there are, how many are complete, how many layers were tried, the newest nodes."""
    made = _ready(tree_ensemble_handle)
    complete = sum(t.finalized for t in made.trees)
    counts = [np.array(n, np.int32) for n in (len(made.trees), complete, made.layers_attempted)]
    return np.array(made.stamp, np.int64), *counts, np.array([made.first, max(made.last, 1)], np.int32)


# -- growth ------------------------------------------------------------------------------------------------------------
def grow(ensemble: Ensemble, splits: list[Any], max_depth: int, rate: float, pruning: int) -> None:
    """Add a layer: the best of the splits (gain, node, feature, dimension, threshold, left, right, kind) of each node."""
    best: dict[int, Any] = {}
    for split in splits:
        if split[1] not in best or split[0] > best[split[1]][0]:
            best[split[1]] = split
    ensemble.stamp += 1
    if not ensemble.trees:
        ensemble.add_tree()
    tree = ensemble.trees[-1]
    ensemble.trees_attempted += not tree.layers
    ensemble.layers_attempted += 1
    first = len(tree.nodes)
    for node_id in sorted(best):
        if pruning != PRE_PRUNING or best[node_id][0] >= 0:
            _split(tree, best[node_id], rate)
    grown = len(tree.nodes) > first
    tree.layers += grown
    tree.changed()
    if tree.layers >= max_depth:
        tree.finalized = True
        if pruning == POST_PRUNING:
            _prune(tree)
        ensemble.add_tree()
        ensemble.first, ensemble.last = 0, 1
    elif grown:
        ensemble.first, ensemble.last = first, len(tree.nodes)


def _split(tree: Tree, split: Any, rate: float) -> None:
    gain, node_id, feature, dimension, threshold, left, right, kind = split
    node = tree.nodes[node_id]
    node.original, node.value, node.gain = node.value, None, float(gain)
    node.feature, node.threshold, node.dimension = int(feature), int(threshold), int(dimension)
    node.equality, node.default_right = kind == _EQUAL, kind == _RIGHT
    node.left, node.right = len(tree.nodes), len(tree.nodes) + 1
    for value in (left, right):
        value = np.float32(rate) * np.asarray(value, np.float32)
        tree.nodes.append(Node(_or_zero(node.original) + value))


def _prune(tree: Tree) -> None:
    """Undo, from the leaves up, the splits that lose; remembers where each node went and what that changed."""
    nodes = tree.nodes
    heir = list(range(len(nodes)))  # the node that stands for each one
    for i in reversed(range(len(nodes))):
        node = nodes[i]
        if not node.is_leaf and node.gain < 0 and nodes[node.left].is_leaf and nodes[node.right].is_leaf:
            heir[node.left] = heir[node.right] = i
            for child in (nodes[node.left], nodes[node.right]):
                child.original = child.value
            node.value, node.left, node.right = node.original, 0, 0
    if heir == list(range(len(nodes))):
        return
    for i in range(len(nodes)):  # parents come first
        heir[i] = heir[heir[i]]
    kept = [i for i in range(len(nodes)) if heir[i] == i]
    new_id = {old: new for new, old in enumerate(kept)}
    nothing = np.zeros(1, np.float32)
    change = lambda i: nothing if heir[i] == i else _or_zero(nodes[heir[i]].value) - _or_zero(nodes[i].original)
    tree.pruned = [(new_id[heir[i]], change(i)) for i in range(len(nodes))]
    tree.nodes = [nodes[i] for i in kept]
    for node in tree.nodes:
        if not node.is_leaf:
            node.left, node.right = new_id[node.left], new_id[node.right]
    tree.changed()


def _or_zero(value: Any) -> Any:
    return np.zeros(1, np.float32) if value is None else value


@op("BoostedTreesUpdateEnsemble(tree_ensemble_handle: resource, feature_ids: int32, node_ids: num_features*int32, gains: num_features*float32, "
    "thresholds: num_features*int32, left_node_contribs: num_features*float32, right_node_contribs: num_features*float32, max_depth: int32, "
    "learning_rate: float32, *, num_features: int >= 0, pruning_mode: int >= 0) -> ()", where="host", effect="io")  # fmt: skip
def boosted_trees_update_ensemble(
    xp, tree_ensemble_handle, feature_ids, node_ids, gains, thresholds, left_node_contribs, right_node_contribs, max_depth,
    learning_rate, *, num_features, pruning_mode,
):  # fmt: skip
    """Add a layer: each node takes the split, over the features, that gains most."""
    splits = [
        (gains[i][k], int(node_ids[i][k]), int(feature_ids[i]), 0, int(thresholds[i][k]), left_node_contribs[i][k], right_node_contribs[i][k], _LEFT)
        for i in range(num_features)
        for k in range(len(node_ids[i]))
    ]
    grow(_ready(tree_ensemble_handle), splits, int(max_depth), float(learning_rate), pruning_mode)
    return ()


@op("BoostedTreesUpdateEnsembleV2(tree_ensemble_handle: resource, feature_ids: num_groups*int32, dimension_ids: num_features*int32, node_ids: num_features*int32, "
    "gains: num_features*float32, thresholds: num_features*int32, left_node_contribs: num_features*float32, right_node_contribs: num_features*float32, "
    "split_types: num_features*string, max_depth: int32, learning_rate: float32, pruning_mode: int32, *, logits_dimension: int = 1, num_features: int >= 0, "
    "num_groups: int >= 1 = 1) -> ()", where="host", effect="io")  # fmt: skip
def boosted_trees_update_ensemble_v2(
    xp, tree_ensemble_handle, feature_ids, dimension_ids, node_ids, gains, thresholds, left_node_contribs, right_node_contribs,
    split_types, max_depth, learning_rate, pruning_mode, *, num_features,
):  # fmt: skip
    """Add a layer; features come in groups, and each split says its feature's dimension and its kind."""
    features = [np.asarray(f).reshape(-1) for f in feature_ids]
    splits = []
    for i in range(num_features):
        several = len(features) > i and len(features[i]) == len(node_ids[i])
        for k in range(len(node_ids[i])):
            feature = features[i][k] if several else np.concatenate(features)[i]
            splits.append((gains[i][k], int(node_ids[i][k]), int(feature), int(dimension_ids[i][k]), int(thresholds[i][k]), left_node_contribs[i][k],
                           right_node_contribs[i][k], split_types[i][k]))  # fmt: skip
    grow(_ready(tree_ensemble_handle), splits, int(max_depth), float(learning_rate), int(pruning_mode))
    return ()


@op("BoostedTreesCenterBias(tree_ensemble_handle: resource, mean_gradients: float32, mean_hessians: float32, l1: float32, l2: float32) -> continue_centering: bool",
    where="host", effect="io", shape=lambda *_: ())  # fmt: skip
def boosted_trees_center_bias(xp, tree_ensemble_handle, mean_gradients, mean_hessians, l1, l2):
    """Move the root of the first tree towards the mean; is the change still more than a hundredth?"""
    from penstock.ops.boosted_trees_stats import weights_and_gains

    ensemble = _ready(tree_ensemble_handle)
    change, _ = weights_and_gains(np.asarray(mean_gradients).reshape(-1), np.asarray(mean_hessians).reshape(-1)[: np.size(mean_gradients)], float(l1), float(l2))
    if not ensemble.trees:
        ensemble.add_tree()
    root = ensemble.trees[0].nodes[0]
    root.value = change if root.value is None else root.value + change
    ensemble.trees[0].changed()
    ensemble.stamp += 1
    return np.array(bool(np.any(np.abs(change) > 0.01 * np.abs(root.value))))


# -- prediction --------------------------------------------------------------------------------------------------------
def _features(bucketized_features: Any) -> Any:
    """[features, batch, dimensions] of a list of [batch] or [batch, dimensions]."""
    columns = [np.asarray(f) for f in bucketized_features]
    columns = [c[:, None] if c.ndim == 1 else c for c in columns]
    widest = max(c.shape[1] for c in columns)
    return np.stack([np.pad(c, ((0, 0), (0, widest - c.shape[1]))) for c in columns])


@op("BoostedTreesPredict(tree_ensemble_handle: resource, bucketized_features: num_bucketized_features*int32, *, logits_dimension: int, "
    "num_bucketized_features: int >= 1) -> logits: float32", where="host", effect="io",
    shape=lambda handle, features, *, logits_dimension, **_: (None, logits_dimension))  # fmt: skip
def boosted_trees_predict(xp, tree_ensemble_handle, bucketized_features, *, logits_dimension):
    """[batch, logits]: the weighted sum of the leaves that each example reaches."""
    ensemble, features = _ready(tree_ensemble_handle), _features(bucketized_features)
    made = np.zeros((features.shape[1], logits_dimension), np.float32)
    start = np.zeros(features.shape[1], np.int64)
    for tree in ensemble.trees:
        made += np.float32(tree.weight) * tree.values(logits_dimension)[tree.descend(start, features, logits_dimension)]
    return made


@op("BoostedTreesTrainingPredict(tree_ensemble_handle: resource, cached_tree_ids: int32, cached_node_ids: int32, "
    "bucketized_features: num_bucketized_features*int32, *, logits_dimension: int, num_bucketized_features: int >= 1) -> (partial_logits: float32, "
    "tree_ids: int32, node_ids: int32)", where="host", effect="io",
    shape=lambda handle, ids, nodes, features, *, logits_dimension, **_: ((None, logits_dimension), (None,), (None,)))  # fmt: skip
def boosted_trees_training_predict(
    xp, tree_ensemble_handle, cached_tree_ids, cached_node_ids, bucketized_features, *, logits_dimension
):
    """What the trees add to the logits since an example was in (tree, node), and where it is now; node -1 is nowhere yet."""
    ensemble, features = _ready(tree_ensemble_handle), _features(bucketized_features)
    batch = features.shape[1]
    made = np.zeros((batch, logits_dimension), np.float32)
    at_tree, at_node = np.asarray(cached_tree_ids).astype(np.int64), np.asarray(cached_node_ids).astype(np.int64)
    if not ensemble.trees:
        return made, np.zeros(batch, np.int32), np.zeros(batch, np.int32)
    last = np.zeros(batch, np.int64)
    for t, tree in enumerate(ensemble.trees):
        weight = np.float32(tree.weight)
        here = (at_tree == t) & (at_node >= 0)
        start = np.where(here, at_node, 0)
        values = tree.values(logits_dimension)
        if tree.pruned and here.any():
            new = np.array([p[0] for p in tree.pruned])
            change = np.array([np.broadcast_to(p[1], (logits_dimension,)) for p in tree.pruned], np.float32)
            made[here] += weight * change[start[here]]
            start[here] = new[start[here]]
        last = tree.descend(start, features, logits_dimension)
        added = values[last] - np.where(here[:, None], values[start], np.float32(0))
        live = at_tree <= t
        made[live] += weight * added[live]
    return made, np.full(batch, len(ensemble.trees) - 1, np.int32), last.astype(np.int32)


@op("BoostedTreesExampleDebugOutputs(tree_ensemble_handle: resource, bucketized_features: num_bucketized_features*int32, *, logits_dimension: int, "
    "num_bucketized_features: int >= 1) -> examples_debug_outputs_serialized: string", where="host", effect="io",
    shape=lambda *_, **__: (None,))  # fmt: skip
def boosted_trees_example_debug_outputs(xp, tree_ensemble_handle, bucketized_features, *, logits_dimension):
    """For each example, as a DebugOutput message: the features that were asked on its way, and its logit after each."""
    from penstock.base.proto import boosted_trees_pb2

    if logits_dimension != 1:
        raise InvalidArgumentError(None, None, "Currently only one dimensional outputs are supported.")
    ensemble, features = _ready(tree_ensemble_handle), _features(bucketized_features)
    made = [boosted_trees_pb2.DebugOutput() for _ in range(features.shape[1])]
    before = np.zeros(len(made), np.float32)
    root = ensemble.trees[0].nodes[0] if ensemble.trees else Node()
    bias = root.value if root.is_leaf else root.original
    for one in made:
        one.logits_path.append(0.0 if bias is None else float(bias[0]))
    for tree in ensemble.trees:
        weight, values = np.float32(tree.weight), tree.values(1)[:, 0]
        feature = tree.arrays(1)[1]

        def visit(examples: Any, nodes: Any, after: Any, weight: Any = weight, values: Any = values, feature: Any = feature) -> None:
            for e, n, a in zip(examples.tolist(), nodes.tolist(), after.tolist()):
                made[e].feature_ids.append(int(feature[n]))
                made[e].logits_path.append(float(before[e] + weight * values[a]))

        leaves = tree.descend(np.zeros(len(made), np.int64), features, 1, visit)
        before = before + weight * values[leaves]
    return np.array([m.SerializeToString() for m in made], object)
