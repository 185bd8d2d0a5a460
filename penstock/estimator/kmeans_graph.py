"""The graph of k-means: the choice of the first centers, the assignment of points, the moves of the centers."""

from typing import Any

import numpy as np

from penstock.base import dtypes
from penstock.base.export import export, export_constant
from penstock.fronts.control import cond
from penstock.fronts.grouping import group
from penstock.ir import door, seeds
from penstock.ir.convert import convert_to_tensor
from penstock.ir.op import find
from penstock.ops.constants import constant, placeholder_with_default
from penstock.ops.join import concat
from penstock.ops.random import uniform as random_uniform
from penstock.ops.shapes import reshape, shape
from penstock.ops.state_scatter import resource_scatter_add
from penstock.state.variable import VariableV1

SQUARED_EUCLIDEAN_DISTANCE = "squared_euclidean"
COSINE_DISTANCE = "cosine"
RANDOM_INIT = "random"
KMEANS_PLUS_PLUS_INIT = "kmeans_plus_plus"
KMC2_INIT = "kmc2"
for _name in ("SQUARED_EUCLIDEAN_DISTANCE", "COSINE_DISTANCE", "RANDOM_INIT", "KMEANS_PLUS_PLUS_INIT"):
    export_constant(module=__name__, attr=_name, v1=(f"contrib.factorization.{_name}",))


def normalized(x: Any) -> Any:
    """Rows of length one."""
    square = find("Sum")(find("Square")(x), [1], keep_dims=True)
    return find("Mul")(x, find("Rsqrt")(find("Maximum")(square, np.float32(1e-12))))


def _rows(x: Any) -> Any:
    return find("StridedSlice")(shape(x), [0], [1], [1], shrink_axis_mask=1)


@export(v1=("contrib.factorization.KMeans",))
class KMeans:
    """Builds the graph of k-means over a matrix of points, or over a list of them.

    >>> scores, ids, distances, ready, init, step = tf.contrib.factorization.KMeans(points, 3).training_graph()
    """

    def __init__(self, inputs: Any, num_clusters: int, initial_clusters: Any = RANDOM_INIT, distance_metric: str = SQUARED_EUCLIDEAN_DISTANCE,
                 use_mini_batch: bool = False, mini_batch_steps_per_iteration: int = 1, random_seed: Any = 0, kmeans_plus_plus_num_retries: int = 2,
                 kmc2_chain_length: int = 200):  # fmt: skip
        initialization = (RANDOM_INIT, KMEANS_PLUS_PLUS_INIT, KMC2_INIT)
        if isinstance(initial_clusters, str) and initial_clusters not in initialization:
            raise ValueError(f"Unsupported initialization algorithm '{initial_clusters}'")
        if distance_metric not in (SQUARED_EUCLIDEAN_DISTANCE, COSINE_DISTANCE):
            raise ValueError(f"Unsupported distance metric '{distance_metric}'")
        self._inputs = [convert_to_tensor(i) for i in (inputs if isinstance(inputs, list) else [inputs])]
        self._count, self._initial, self._metric = num_clusters, initial_clusters, distance_metric
        self._mini_batch, self._steps = use_mini_batch, int(mini_batch_steps_per_iteration)
        self._seed = seeds.get_seed(random_seed)[0]
        self._retries, self._chain = kmeans_plus_plus_num_retries, kmc2_chain_length

    # -- distances -------------------------------------------------------------------------------------------------------
    def _distances(self, x: Any, centers: Any) -> Any:
        """[points, centers]."""
        if self._metric == COSINE_DISTANCE:
            return find("Sub")(np.float32(1), find("MatMul")(normalized(x), normalized(centers), transpose_b=True))
        square = lambda v: find("Sum")(find("Square")(v), [1], keep_dims=True)
        return find("AddV2")(find("Sub")(square(x), find("Mul")(np.float32(2), find("MatMul")(x, centers, transpose_b=True))),
                             find("Transpose")(square(centers), [1, 0]))  # fmt: skip

    def _nearest(self, x: Any, centers: Any) -> tuple[Any, Any]:
        """(ids, distances) of the nearest center of each point."""
        if self._metric == COSINE_DISTANCE:
            x, centers = normalized(x), normalized(centers)
        ids, distances = find("NearestNeighbors")(x, centers, constant(1, dtypes.int64))
        if self._metric == COSINE_DISTANCE:
            distances = find("Mul")(distances, np.float32(0.5))
        return find("Squeeze")(ids, squeeze_dims=[-1]), find("Squeeze")(distances, squeeze_dims=[-1])

    # -- the first centers -----------------------------------------------------------------------------------------------
    def _chosen(self, x: Any, missing: Any, centers: Any) -> Any:
        """Points of a batch to be centers, `missing` at most."""
        if callable(self._initial):
            return self._initial(self._inputs if len(self._inputs) > 1 else x, missing)
        if not isinstance(self._initial, str):
            return constant(self._initial, dtypes.float32) if not hasattr(self._initial, "op") else self._initial
        n = _rows(x)
        if self._initial == RANDOM_INIT:
            def draw() -> Any:
                places = random_uniform(reshape(missing, [-1]), minval=0, maxval=find("Cast")(n, DstT=dtypes.int64), seed=self._seed, dtype=dtypes.int64)
                return find("GatherV2")(x, places, 0)

            made = cond(find("LessEqual")(n, missing), lambda: find("Identity")(x), draw)
        else:
            points = normalized(x) if self._metric == COSINE_DISTANCE else x
            if self._initial == KMEANS_PLUS_PLUS_INIT:
                seed = constant(self._seed or 0, dtypes.int64)
                made = find("KmeansPlusPlusInitialization")(
                    points, find("Cast")(missing, DstT=dtypes.int64), seed, constant(self._retries, dtypes.int64)
                )
            else:
                made = self._by_chain(points, centers)
        return normalized(made) if self._metric == COSINE_DISTANCE else made

    def _by_chain(self, x: Any, centers: Any) -> Any:
        """One point: by the distances to the centers that there are, along a chain of points."""
        n = find("Cast")(_rows(x), DstT=dtypes.int64)
        seed = self._seed or 0
        places = random_uniform([self._chain], minval=0, maxval=n, seed=seed, dtype=dtypes.int64)
        candidates = find("GatherV2")(x, places, 0)
        held = reshape(centers, [-1, x.shape.as_list()[-1]])

        def along() -> Any:
            _, distances = find("NearestNeighbors")(candidates, held, constant(1, dtypes.int64))
            at = find("KMC2ChainInitialization")(find("Squeeze")(distances, squeeze_dims=[-1]), constant(seed, dtypes.int64))
            return find("GatherV2")(candidates, reshape(at, [1]), 0)

        return cond(find("Equal")(_rows(held), 0), lambda: candidates[:1], along)

    def _init_op(self, x: Any, count: Any, centers: Any, updated: Any, ready: Any) -> Any:
        """Adds points of the batch to the centers, until there are enough."""
        width = x.shape.as_list()[-1]
        held = reshape(centers.read_value(), [-1, width])
        missing = find("Sub")(count, _rows(held))

        def add() -> Any:
            chosen = reshape(self._chosen(x, missing, held), [-1, width])
            whole = concat([held, chosen], 0)
            ops = [v.assign(whole, read_value=False) for v in ({id(centers): centers, id(updated): updated}).values()]
            with door.current().control_dependencies(ops):
                done = find("Equal")(_rows(whole), count)
                marked = ready.assign(done, read_value=False)
            with door.current().control_dependencies([marked]):
                return constant(True)

        return group(cond(find("Greater")(missing, 0), add, lambda: constant(False)))

    # -- training --------------------------------------------------------------------------------------------------------
    def training_graph(self) -> tuple[Any, Any, Any, Any, Any, Any]:
        """(all distances, ids of the nearest centers, their distances, are the centers there, op for the first centers, training op)."""
        if callable(self._initial) or isinstance(self._initial, str):
            count: Any = constant(self._count, dtypes.int32) if not hasattr(self._count, "op") else self._count
        else:
            count = _rows(constant(self._initial, dtypes.float32) if not hasattr(self._initial, "op") else self._initial)
        empty = placeholder_with_default(np.zeros((0,), np.float32), shape=None)
        centers = VariableV1(empty, name="clusters", validate_shape=False)
        ready = VariableV1(False, trainable=False, dtype=dtypes.bool, name="initialized")
        several = self._mini_batch and self._steps > 1
        updated, in_steps, counts = centers, None, None
        if several:
            updated = VariableV1(placeholder_with_default(np.zeros((0,), np.float32), shape=None), name="clusters_updated", validate_shape=False)
            in_steps = VariableV1(self._steps, trainable=False, dtype=dtypes.int64, name="update_in_steps")
        if self._mini_batch:
            n = self._count if not isinstance(self._initial, (list, tuple, np.ndarray)) else len(self._initial)
            counts = VariableV1(find("Fill")(find("Pack")([n], axis=0), np.int64(1)), trainable=False, use_resource=True, validate_shape=True)
        whole = self._inputs[0] if len(self._inputs) == 1 else concat(self._inputs, 0)
        init = self._init_op(whole, count, centers, updated, ready)
        width = whole.shape.as_list()[-1]
        table = reshape(centers.read_value(), [-1, width])
        distances = [self._distances(x, table) for x in self._inputs]
        found = [self._nearest(x, table) for x in self._inputs]
        ids, scores = [f[0] for f in found], [f[1] for f in found]
        if self._mini_batch:
            train = self._mini_batch_op(whole, ids, centers, updated, in_steps, counts)
        else:
            train = self._full_batch_op(whole, ids, centers, count)
        return distances, ids, scores, ready, init, train

    def _full_batch_op(self, x: Any, ids: list[Any], centers: Any, count: Any) -> Any:
        """Every center becomes the mean of its points."""
        if self._metric == COSINE_DISTANCE:
            x = normalized(x)
        ids = ids[0] if len(ids) == 1 else concat(ids, 0)
        total = find("UnsortedSegmentSum")(x, ids, count)
        ones = find("Fill")(find("Pack")([_rows(x), 1], axis=0), np.float32(1))
        mean = find("RealDiv")(total, find("AddV2")(find("UnsortedSegmentSum")(ones, ids, count), np.float32(1e-6)))
        if self._metric == COSINE_DISTANCE:
            mean = normalized(mean)
        return group(centers.assign(mean, read_value=False))

    def _mini_batch_op(self, x: Any, ids: list[Any], centers: Any, updated: Any, in_steps: Any, counts: Any) -> Any:
        """Centers move towards the points of the batch, the less the more points they have had."""
        before: list[Any] = []
        if in_steps is not None:
            def take_over() -> Any:
                ops = [in_steps.assign(np.int64(self._steps - 1), read_value=False), centers.assign(updated.read_value(), read_value=False)]
                with door.current().control_dependencies(ops):
                    cleared = counts.assign(find("ZerosLike")(counts.read_value()), read_value=False)
                with door.current().control_dependencies([cleared]):
                    return constant(True)

            def wait() -> Any:
                with door.current().control_dependencies([in_steps.assign_sub(np.int64(1), read_value=False)]):
                    return constant(False)

            before = [cond(find("LessEqual")(in_steps.read_value(), np.int64(0)), take_over, wait)]
        if self._metric == COSINE_DISTANCE:
            x = normalized(x)
        ids = ids[0] if len(ids) == 1 else concat(ids, 0)
        width = x.shape.as_list()[-1]
        with door.current().control_dependencies(before):
            unique, place = find("Unique")(ids)
            distinct = find("Size")(unique)
            old = find("GatherV2")(reshape(updated.read_value(), [-1, width]), unique, 0)
            new_counts = find("UnsortedSegmentSum")(find("OnesLike")(find("Cast")(place, DstT=dtypes.int64)), place, distinct)
            total = find("UnsortedSegmentSum")(x, place, distinct)
            counted = resource_scatter_add(counts.handle, unique, new_counts)
            with door.current().control_dependencies([counted]):  # TensorFlow 2.15 reads the counts when the batch is in them already
                old_counts = find("GatherV2")(counts.read_value(), unique, 0)
            column = lambda v: reshape(find("Cast")(v, DstT=dtypes.float32), [-1, 1])
            moved = find("Sub")(total, find("Mul")(column(new_counts), old))
            moved = find("Mul")(moved, find("Reciprocal")(column(find("AddV2")(old_counts, new_counts))))
            grown = find("AddV2")(reshape(updated.read_value(), [-1, width]), find("UnsortedSegmentSum")(moved, unique, _rows(reshape(updated.read_value(), [-1, width]))))
            return group(counted, updated.assign(grown, read_value=False))
