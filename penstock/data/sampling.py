"""Elements drawn from several datasets, and classes brought to a wanted distribution."""

from typing import Any

import numpy as np

from penstock.base import dtypes
from penstock.base.export import export
from penstock.data import mixing, structure, structure_nest as nest
from penstock.data.dataset import DatasetV2
from penstock.data.dataset_v1 import _as_v1
from penstock.data.stage_op import emit_stage
from penstock.ir import door
from penstock.ir.known import known_value
from penstock.ir.op import find
from penstock.ir.type_spec import TensorSpec


def _directed(selector: Any, datasets: Any, stop: bool) -> Any:
    spec = datasets[0].element_spec
    for i, d in enumerate(datasets[1:]):
        if not structure.are_compatible(spec, d.element_spec) or nest.map_structure(lambda s: s.value_type, spec) != nest.map_structure(lambda s: s.value_type, d.element_spec):
            raise TypeError(f"Incompatible dataset elements:\n  {spec} vs.   {d.element_spec}: the elements of dataset {i + 1} differ from those of the first")
        spec = nest.map_structure(lambda a, b: a.most_specific_common_supertype([b]), spec, d.element_spec)
    variant = emit_stage(mixing.DIRECTED_INTERLEAVE_DATASET, (selector._variant_tensor, [d._variant_tensor for d in datasets]),
                         {**structure.attrs_of(spec), "stop_on_empty_dataset": bool(stop)})  # fmt: skip
    return DatasetV2._made("_DirectedInterleaveDataset", variant, spec, list(datasets))


def sample_from_datasets(datasets: Any, weights: Any = None, seed: Any = None, stop_on_empty_dataset: bool = False, rerandomize_each_iteration: bool | None = None) -> Any:
    """See `Dataset.sample_from_datasets`."""
    datasets = list(datasets)
    if not datasets:
        raise ValueError("Invalid `datasets`. `datasets` should not be empty.")
    varying = isinstance(weights, DatasetV2)
    if weights is None:
        weights = np.full(len(datasets), 1.0 / len(datasets), np.float32)
    if not varying:
        weights = _checked(weights, len(datasets))
        known = known_value(weights)
        if known is not None:
            datasets = [d for d, w in zip(datasets, known) if w]
            weights = door.convert(known[known != 0])
        if len(datasets) == 1:
            return datasets[0]
        logits = find("ExpandDims")(find("Log")(weights), 0)
    elif len(datasets) == 1:
        return datasets[0]
    draws = DatasetV2.random(seed=seed, rerandomize_each_iteration=rerandomize_each_iteration).batch(2)

    def choose(logits: Any, pair: Any) -> Any:
        return find("Squeeze")(find("StatelessMultinomial")(logits, 1, pair), squeeze_dims=[0, 1])

    if varying:
        logs = weights.map(lambda *p: find("Log")(door.convert(p)))
        selector = DatasetV2.zip((logs, draws)).map(choose)
    else:
        selector = draws.map(lambda pair: choose(logits, pair))
    return _directed(selector, datasets, stop_on_empty_dataset)


def _checked(weights: Any, count: int) -> Any:
    try:
        made = door.convert(weights)
    except (TypeError, ValueError):
        raise TypeError("Invalid `weights`. `weights` must be a tensor or a dataset") from None
    if made.dtype not in (dtypes.float32, dtypes.float64):
        raise TypeError(f"Invalid `weights`. `weights` type must be either `tf.float32` or `tf.float64` but is {made.dtype}.")
    if made._dims is not None and made._dims != (count,):
        raise ValueError(f"Invalid `weights`. `weights` should have the same length as `datasets` but got `len(weights)={made.shape[0] if made._dims else made.shape}` vs. `len(datasets)={count}`.")
    return made


def choose_from_datasets(datasets: Any, choice_dataset: Any, stop_on_empty_dataset: bool = True) -> Any:
    """See `Dataset.choose_from_datasets`."""
    datasets = list(datasets)
    if not datasets:
        raise ValueError("Invalid `datasets`. `datasets` should not be empty.")
    if not isinstance(choice_dataset, DatasetV2):
        raise TypeError(f"Invalid `choice_dataset`. `choice_dataset` should be a `tf.data.Dataset` but is {type(choice_dataset)}.")
    if not structure.are_compatible(choice_dataset.element_spec, TensorSpec([], dtypes.int64)):
        raise TypeError(f"Invalid `choice_dataset`. Elements of `choice_dataset` must be scalar `tf.int64` tensors but are {choice_dataset.element_spec}.")
    return _directed(choice_dataset, datasets, stop_on_empty_dataset)


# -- classes in a wanted distribution ----------------------------------------------------------------------------------
SEEN_AT_FIRST = 10
"""How often each class counts as seen before the first element."""
ESTIMATED_EVERY = 32
"""Elements between two estimates of the distribution."""


def _acceptance(initial: Any, target: Any) -> tuple[Any, Any]:
    """The probability to keep an element of each class, and that of taking one as it comes instead."""
    tiny = np.finfo(initial.dtype.array_dtype).tiny
    ratio = target / (initial + tiny)
    least, most = find("Min")(ratio, [0]), find("Max")(ratio, [0])
    return (ratio - least) / (most - least), least


def _estimated(target: Any, classes: Any) -> Any:
    """The distribution of the classes as far as it has been seen, for each element."""
    count = target._dims[0] if target._dims and target._dims[0] is not None else find("Shape")(target)[0]

    def update(seen: Any, batch: Any) -> Any:
        hits = find("OneHot")(batch, count, np.int64(1), np.int64(0))
        seen = seen + find("Sum")(hits, [0])
        dist = find("Cast")(find("RealDiv")(find("Cast")(seen, DstT="float64"), find("Cast")(find("Sum")(seen, [0]), DstT="float64")), DstT="float32")
        return seen, find("Tile")(find("ExpandDims")(dist, 0), [ESTIMATED_EVERY, 1])

    first = find("Fill")([count] if isinstance(count, int) else find("Pack")([count]), np.int64(SEEN_AT_FIRST))
    return classes.batch(ESTIMATED_EVERY).scan(first, update).unbatch()


def rejection_resample(dataset: Any, class_func: Any, target_dist: Any, initial_dist: Any = None, seed: Any = None) -> Any:
    """See `Dataset.rejection_resample`."""
    from penstock.ops.random import uniform

    target = door.convert(target_dist, name="target_dist")
    classes = dataset.map(class_func)
    if initial_dist is not None:
        initial = door.convert(initial_dist, name="initial_dist")
        accept, keep = _acceptance(initial, target)
        accepts = DatasetV2.from_tensors(accept).repeat()
        keeps = DatasetV2.from_tensors(keep).repeat()
    else:
        both = _estimated(target, classes).map(lambda initial: _acceptance(initial, target))
        accepts, keeps = both.map(lambda a, _: a), both.map(lambda _, k: k)
    with_probability = DatasetV2.zip((accepts, classes, dataset)).map(lambda accept, kind, data: (kind, find("GatherV2")(accept, kind, 0), data))
    chosen = with_probability.filter(lambda _, p, __: find("Less")(uniform([], seed=seed, dtype=p.dtype), p))
    filtered = chosen.map(lambda kind, _, data: (kind, data)).prefetch(3)
    if initial_dist is not None:
        known_initial, known_target = known_value(initial), known_value(target)
        if known_initial is not None and known_target is not None:
            least = float(np.min(known_target / known_initial))
            if least == 1:
                return DatasetV2.zip((classes, dataset))
            if least == 0:
                return filtered
    weights = keeps.map(lambda p: [(p, 1.0 - p)])
    return sample_from_datasets([DatasetV2.zip((classes, dataset)), filtered], weights=weights, seed=seed, stop_on_empty_dataset=True)


@export("data.experimental.rejection_resample")
def rejection_resample_transformation(class_func: Any, target_dist: Any, initial_dist: Any = None, seed: Any = None) -> Any:
    """A transformation: classes brought to the target distribution."""
    return lambda dataset: rejection_resample(dataset, class_func, target_dist, initial_dist, seed)


@export(v2=("data.experimental.sample_from_datasets",))
def experimental_sample_from_datasets(datasets: Any, weights: Any = None, seed: Any = None, stop_on_empty_dataset: bool = False) -> Any:
    """Each element from a dataset drawn at random with these weights."""
    return sample_from_datasets(datasets, weights, seed, stop_on_empty_dataset)


@export(v2=("data.experimental.choose_from_datasets",))
def experimental_choose_from_datasets(datasets: Any, choice_dataset: Any, stop_on_empty_dataset: bool = False) -> Any:
    """Each element from the dataset whose number the choice dataset gives."""
    return choose_from_datasets(datasets, choice_dataset, stop_on_empty_dataset)




@export(v1=("data.experimental.sample_from_datasets",))
def sample_from_datasets_v1(datasets: Any, weights: Any = None, seed: Any = None, stop_on_empty_dataset: bool = False) -> Any:
    """`sample_from_datasets`, as a dataset of 1.x."""
    return _as_v1(sample_from_datasets(datasets, weights, seed, stop_on_empty_dataset))


@export(v1=("data.experimental.choose_from_datasets",))
def choose_from_datasets_v1(datasets: Any, choice_dataset: Any, stop_on_empty_dataset: bool = False) -> Any:
    """`choose_from_datasets`, as a dataset of 1.x."""
    return _as_v1(choose_from_datasets(datasets, choice_dataset, stop_on_empty_dataset))
