"""Datasets whose elements are spread over the replicas, and their iterators."""

from penstock.base import nest
from penstock.base.export import export
from penstock.data.dataset import DatasetV2
from penstock.data.iterator import OwnedIterator
from penstock.distribute.values import PerReplica, PerReplicaSpec
from penstock.fronts.autograph import register_for_loop
from penstock.ir import door
from penstock.ir.type_spec import TensorSpec, TypeSpec
from penstock.ops.constants import zeros
from penstock.ops.shapes import shape as shape_of


@export("distribute.DistributedDataset", v1=())
class DistributedDatasetInterface:
    """A dataset over the replicas of a strategy."""

    @property
    def element_spec(self):
        """The spec of the elements."""
        raise NotImplementedError("DistributedDataset.element_spec must be implemented in descendants.")

    def reduce(self, initial_state, reduce_func):
        """Put the elements together, one after the other."""
        raise NotImplementedError("DistributedDataset.reduce must be implemented in descendants.")


@export("distribute.DistributedIterator", v1=())
class DistributedIteratorInterface:
    """An iterator over a distributed dataset."""

    @property
    def element_spec(self):
        """The spec of the elements."""
        raise NotImplementedError("DistributedIterator.element_spec must be implemented in descendants.")

    def get_next(self):
        """The next element; OutOfRangeError at the end."""
        raise NotImplementedError("DistributedIterator.get_next must be implemented in descendants.")

    def get_next_as_optional(self):
        """The next element as an Optional, empty at the end."""
        raise NotImplementedError("DistributedIterator.get_next_as_optional must be implemented in descendants.")


def _split(count):
    """A function of an element that gives as many parts of its batch."""

    def parts(*element):
        element = element[0] if len(element) == 1 else element
        flat = nest.flatten(element)
        size = flat[0].shape[0] if flat[0].shape.rank else None
        if size is None:
            size = shape_of(flat[0])[0]
        each = (size + count - 1) // count
        cut = lambda i: nest.map_structure(lambda t: t[i * each : (i + 1) * each], element)
        return tuple(cut(i) for i in range(count))

    return parts


def _check_batched(dataset):
    for spec in nest.flatten(dataset.element_spec, expand_composites=False):
        shape = getattr(spec, "shape", None)
        if shape is not None and shape.rank == 0:
            raise ValueError(
                "Trying to create a batched dataset over elements without a batch dimension: call `dataset.batch(global_batch_size)` "
                f"before distributing it; its elements are {dataset.element_spec}"
            )


def _per_replica(element, count):
    """The parts of one step as distributed values."""
    pick = lambda *parts: PerReplica(parts)
    return nest.map_structure(pick, *element, expand_composites=False)


class DistributedDataset(DistributedDatasetInterface):
    """A dataset over the replicas of a strategy; `split` says whether its batches are those of all replicas together."""

    __composite__ = True

    def __init__(self, dataset, strategy, split):
        self._strategy, self._split, self._given = strategy, split, dataset
        self._count = strategy.num_replicas_in_sync
        if self._count > 1:
            if split:
                _check_batched(dataset)
                dataset = dataset.map(_split(self._count), deterministic=True)
            else:
                dataset = _together(dataset, self._count)
            dataset = dataset.prefetch(1)
        self._dataset = dataset

    @property
    def element_spec(self):
        """The spec of the elements: `PerReplicaSpec` where there are several replicas."""
        return element_spec_of(self._dataset.element_spec, self._count)

    @property
    def cardinality(self):
        """How many steps there are."""
        return self._dataset.cardinality()

    def __len__(self):
        return len(self._dataset)

    def __iter__(self):
        return DistributedIterator(OwnedIterator(self._dataset), self._strategy)

    def reduce(self, initial_state, reduce_func):
        """Put the elements together, one after the other."""
        count = self._count
        if count == 1:
            return self._dataset.reduce(initial_state, reduce_func)
        return self._dataset.reduce(
            initial_state, lambda state, *e: reduce_func(state, _per_replica(e[0] if len(e) == 1 else e, count))
        )

    @property
    def _type_spec(self):
        return DistributedDatasetSpec(self._given._type_spec, self._strategy, self._split)

    def __repr__(self):
        return f"<DistributedDataset element_spec={self.element_spec}>"


DistributedDataset.__module__ = "tensorflow.python.distribute.input_lib"  # programs ask for it


def _together(dataset, count):
    """`count` elements of the replicas' own batches as one step; empty batches where the last step lacks some."""
    spec = dataset.element_spec
    if not all(isinstance(s, TensorSpec) for s in nest.flatten(spec, expand_composites=False)):
        raise TypeError(f"elements are {spec}; with several replicas only tensors can be distributed from a function")

    def step(*parts):
        rest = (
            parts[0]
            if len(parts) == 1 and isinstance(parts[0], DatasetV2)
            else DatasetV2.zip(parts[0] if len(parts) == 1 else parts)
        )
        taken = []
        for _ in range(count):
            none = nest.map_structure(_empty, spec)
            taken.append(rest.take(1).reduce(none, lambda _, *e: e[0] if len(e) == 1 else e))
            rest = rest.skip(1)
        return tuple(taken)

    return dataset.window(count).map(step)


def _empty(spec):
    return zeros([0 if i == 0 else d or 0 for i, d in enumerate(spec.shape.as_list())], spec.dtype)


def element_spec_of(spec, count):
    """The spec of a step's values out of that of the pipeline."""
    if count == 1:
        return spec
    return nest.map_structure(lambda *parts: PerReplicaSpec(*parts), *spec, expand_composites=False)


class DistributedIterator(DistributedIteratorInterface):
    """An iterator over a distributed dataset."""

    __composite__ = True

    def __init__(self, iterator, strategy):
        self._iterator, self._strategy, self._count = iterator, strategy, strategy.num_replicas_in_sync

    @property
    def element_spec(self):
        """The spec of the elements."""
        return element_spec_of(self._iterator.element_spec, self._count)

    def __iter__(self):
        return self

    def __next__(self):
        element = next(self._iterator)
        return element if self._count == 1 else _per_replica(element, self._count)

    def next(self):
        """The next element."""
        return self.__next__()

    def get_next(self):
        """The next element; OutOfRangeError at the end."""
        element = self._iterator.get_next()
        return element if self._count == 1 else _per_replica(element, self._count)

    def get_next_as_optional(self):
        """The next element as an Optional, empty at the end."""
        from penstock.data.optional import Optional

        found = self._iterator.get_next_as_optional()
        if self._count == 1:
            return found
        return _DistributedOptional(found, self._count) if isinstance(found, Optional) else found

    @property
    def _type_spec(self):
        return DistributedIteratorSpec(self._iterator._type_spec, self._strategy)


class _DistributedOptional:
    """An optional step of several replicas."""

    __composite__ = True

    def __init__(self, optional, count):
        self._optional, self._count = optional, count

    @property
    def element_spec(self):
        return element_spec_of(self._optional.element_spec, self._count)

    def has_value(self, name=None):
        return self._optional.has_value(name)

    def get_value(self, name=None):
        return _per_replica(self._optional.get_value(name), self._count)

    @property
    def _type_spec(self):
        return _DistributedOptionalSpec(self._optional._type_spec, self._count)


class _Around(TypeSpec):
    """The spec of something around one composite value."""

    def __init__(self, inner, how):
        self._inner, self._how = inner, how

    def _serialize(self):
        return self._inner, self._how

    @property
    def _component_specs(self):
        return self._inner

    def __hash__(self):
        return hash((type(self), self._inner))

    def __eq__(self, other):
        return type(self) is type(other) and self._inner == other._inner and self._how is other._how

    def is_compatible_with(self, spec_or_value):
        other = spec_or_value if isinstance(spec_or_value, TypeSpec) else getattr(spec_or_value, "_type_spec", None)
        return type(self) is type(other) and self._inner.is_compatible_with(other._inner)


class DistributedIteratorSpec(_Around):
    """The spec of a distributed iterator."""

    value_type = property(lambda self: DistributedIterator)
    element_spec = property(lambda self: element_spec_of(self._inner._element_spec, self._how.num_replicas_in_sync))

    def _to_components(self, value):
        return value._iterator

    def _from_components(self, components):
        return DistributedIterator(components, self._how)


class _DistributedOptionalSpec(_Around):
    value_type = property(lambda self: _DistributedOptional)

    def _to_components(self, value):
        return value._optional

    def _from_components(self, components):
        return _DistributedOptional(components, self._how)


class DistributedDatasetSpec(_Around):
    """The spec of a distributed dataset."""

    def __init__(self, inner, how, split):
        super().__init__(inner, how)
        self._split = split

    def _serialize(self):
        return self._inner, self._how, self._split

    value_type = property(lambda self: DistributedDataset)

    def _to_components(self, value):
        return value._given

    def _from_components(self, components):
        return DistributedDataset(components, self._how, self._split)


class DistributedIteratorV1:
    """An iterator of the 1.x API: it begins with `initialize`."""

    def __init__(self, dataset, strategy):
        self._dataset, self._strategy = dataset, strategy
        self._iterator = None
        if door.current().is_graph:
            from penstock.data.dataset_v1 import make_initializable_iterator

            self._iterator = make_initializable_iterator(dataset._dataset)

    def initialize(self):
        """Begin at the first element; an op in graphs."""
        if door.current().is_graph:
            return self._iterator.initializer
        self._iterator = OwnedIterator(self._dataset._dataset)
        return []

    @property
    def initializer(self):
        """The op that begins at the first element."""
        return self.initialize()

    def get_next(self, name=None):
        """The next element."""
        if self._iterator is None:
            self.initialize()
        element = self._iterator.get_next()
        return (
            element
            if self._strategy.num_replicas_in_sync == 1
            else _per_replica(element, self._strategy.num_replicas_in_sync)
        )


def distribute(dataset, strategy, options=None):
    """A dataset whose batches are split among the replicas."""
    if isinstance(dataset, DistributedDataset):
        raise ValueError("The dataset is distributed already")
    return DistributedDataset(dataset, strategy, True)


def from_function(dataset_fn, strategy, input_context, options=None):
    """A dataset of the replicas' own batches."""
    made = dataset_fn(input_context)
    if not isinstance(made, DatasetV2):
        raise ValueError(
            f"dataset_fn() must return a tf.data.Dataset when using a tf.distribute.Strategy, got {made!r}"
        )
    return DistributedDataset(made, strategy, False)


def iterator_v1(dataset, strategy, split=True):
    """An iterator of the 1.x API over a dataset."""
    return DistributedIteratorV1(DistributedDataset(dataset, strategy, split), strategy)


def numpy_dataset(numpy_input):
    """A dataset over the rows of arrays."""
    if isinstance(numpy_input, list):
        numpy_input = tuple(numpy_input)
    return DatasetV2.from_tensor_slices(numpy_input)


def _loop(source, loop):
    from penstock.data.loops import loop_over

    iterator = source._iterator if isinstance(source, DistributedIterator) else OwnedIterator(source._dataset)
    count = source._count
    if count == 1:
        return loop_over(iterator._iterator_resource, iterator.element_spec, loop)
    return loop_over(
        iterator._iterator_resource, iterator.element_spec, loop, lambda element: _per_replica(element, count)
    )


register_for_loop(DistributedDataset, _loop)
register_for_loop(DistributedIterator, _loop)
