"""`tf.data.Iterator`: what `iter(dataset)` gives, eagerly and inside functions."""

from collections.abc import Callable
from typing import Any

import numpy as np

from penstock.base import dtypes
from penstock.base.errors import OutOfRangeError
from penstock.base.export import export
from penstock.base.trackable import Trackable
from penstock.data import structure, structure_nest as nest
from penstock.data.iterators import (
    ANONYMOUS_ITERATOR_V3,
    ITERATOR_GET_NEXT,
    ITERATOR_GET_NEXT_AS_OPTIONAL,
    ITERATOR_STATE,
    MAKE_ITERATOR,
    RESTORE_ITERATOR_STATE,
    IteratorResource,
)
from penstock.data.loops import loop_over
from penstock.data.optional import Optional, _OptionalImpl
from penstock.engine.kernels import eager_store
from penstock.fronts.autograph import register_for_loop
from penstock.fronts.eager import EagerTensor, make
from penstock.ir import door
from penstock.ir.op import find
from penstock.ir.tensor import Tensor
from penstock.ir.type_spec import TensorSpec, TypeSpec
from penstock.ops.ragged_tensor import RaggedTensor
from penstock.ops.sparse_tensor import SparseTensor

_new = object.__new__


def packer(element_spec: Any) -> Callable[[Any], Any]:
    """A function that makes an element of eager tensors out of flat arrays."""
    specs = nest.flatten(element_spec)
    if isinstance(element_spec, TensorSpec):
        dtype = element_spec.dtype

        def single(flat: Any) -> Any:
            made = _new(EagerTensor)
            made._array, made.dtype = flat[0], dtype
            return made

        return single
    if all(isinstance(s, TensorSpec) for s in specs):
        types = [s.dtype for s in specs]
        if type(element_spec) is tuple and all(isinstance(s, TensorSpec) for s in element_spec):
            return lambda flat: tuple([make(a, d) for a, d in zip(flat, types)])
        if type(element_spec) is dict and all(isinstance(s, TensorSpec) for s in element_spec.values()):
            order = {k: i for i, k in enumerate(sorted(element_spec))}
            places = [(k, order[k], element_spec[k].dtype) for k in element_spec]
            return lambda flat: {k: make(flat[i], d) for k, i, d in places}
        return lambda flat: nest.pack_sequence_as(element_spec, [make(a, d) for a, d in zip(flat, types)])
    flat_types = structure.flat_types(element_spec)
    return lambda flat: structure.from_tensor_list(element_spec, [make(a, d) for a, d in zip(flat, flat_types)])


@export("data.Iterator", v1=())
class IteratorBase(Trackable):
    """An iterator over a dataset: `next(it)`, `it.get_next()`, `it.get_next_as_optional()`.

    >>> it = iter(tf.data.Dataset.range(2)); next(it).numpy()
    np.int64(0)
    """

    @property
    def element_spec(self) -> Any:
        """The spec of the elements."""
        raise NotImplementedError("Iterator.element_spec")

    def get_next(self) -> Any:
        """The next element; OutOfRangeError at the end."""
        raise NotImplementedError("Iterator.get_next()")

    def get_next_as_optional(self) -> Any:
        """The next element as an Optional, empty at the end."""
        raise NotImplementedError("Iterator.get_next_as_optional()")

    def __iter__(self) -> "IteratorBase":
        return self

    def __next__(self) -> Any:
        raise NotImplementedError("Iterator.__next__()")

    def _serialize_to_tensors(self) -> dict[str, Any]:
        return {"ITERATOR_STATE": ITERATOR_STATE(self._iterator_resource)}  # type: ignore[attr-defined]

    def _restore_from_tensors(self, restored_tensors: dict[str, Any]) -> Any:
        return RESTORE_ITERATOR_STATE(self._iterator_resource, restored_tensors["ITERATOR_STATE"])  # type: ignore[attr-defined]


class OwnedIterator(IteratorBase):
    """An iterator that belongs to Python: it ends when it is let go."""

    __composite__ = True

    def __init__(self, dataset: Any = None, components: Any = None, element_spec: Any = None):
        if dataset is None:
            if components is None or element_spec is None:
                raise ValueError("When `dataset` is not provided, both `components` and `element_spec` must be specified.")
            (self._iterator_resource,) = components
            self._element_spec = element_spec
            self._dataset = None
        else:
            if components is not None or element_spec is not None:
                raise ValueError("When `dataset` is provided, `element_spec` and `components` must not be specified.")
            self._dataset = dataset
            self._element_spec = dataset.element_spec
            self._create(dataset)
        self._flat: Any = None
        self._pack: Any = None

    def _create(self, dataset: Any) -> None:
        variant = dataset._variant_tensor
        attrs = structure.attrs_of(self._element_spec)
        if not door.current().is_graph:
            resource = IteratorResource(attrs["output_types"], attrs["output_shapes"], eager_store)
            resource.start(variant._array)
            self._iterator_resource = make(resource, dtypes.resource)
            return
        self._iterator_resource = ANONYMOUS_ITERATOR_V3(**attrs)
        MAKE_ITERATOR(variant, self._iterator_resource)

    def __next__(self) -> Any:
        if type(self._iterator_resource) is EagerTensor and door.state.emitter is None and not door.default_emitter.is_graph:
            found = self._iterator_resource._array.next()
            if found is None:
                raise StopIteration
            pack = self._pack
            if pack is None:
                pack = self._pack = packer(self._element_spec)
            return pack(found)
        try:
            return self._next_internal()
        except OutOfRangeError:
            if door.current().is_graph:
                raise
            raise StopIteration from None

    def next(self) -> Any:
        return self.__next__()

    def _next_internal(self) -> Any:
        here = door.current()
        if not here.is_graph:
            found = self._iterator_resource._array.next()
            if found is None:
                raise OutOfRangeError(None, None, "End of sequence")
            if self._pack is None:
                self._pack = packer(self._element_spec)
            return self._pack(found)
        flat = ITERATOR_GET_NEXT(self._iterator_resource, **structure.attrs_of(self._element_spec))
        return structure.from_tensor_list(self._element_spec, flat if isinstance(flat, (list, tuple)) else [flat])

    def get_next(self) -> Any:
        return self._next_internal()

    def get_next_as_optional(self) -> Any:
        here = door.current()
        if not here.is_graph:
            from penstock.data.optional import Held

            return _OptionalImpl(make(Held(self._iterator_resource._array.next()), dtypes.variant), self._element_spec)
        return _OptionalImpl(ITERATOR_GET_NEXT_AS_OPTIONAL(self._iterator_resource, **structure.attrs_of(self._element_spec)), self._element_spec)

    element_spec = property(lambda s: s._element_spec)
    output_classes = property(lambda s: structure.legacy_classes(s._element_spec))
    output_shapes = property(lambda s: structure.legacy_shapes(s._element_spec))
    output_types = property(lambda s: structure.legacy_types(s._element_spec))

    @property
    def _type_spec(self) -> "IteratorSpec":
        return IteratorSpec(self._element_spec)

    def _save(self) -> Any:
        return self._iterator_resource._array.save()

    def _restore(self, state: Any) -> None:
        self._iterator_resource._array.restore(state)


register_for_loop(OwnedIterator, lambda source, loop: loop_over(source._iterator_resource, source.element_spec, loop))
OwnedIterator.__module__ = "tensorflow.python.data.ops.iterator_ops"


@export("data.IteratorSpec")
class IteratorSpec(TypeSpec):
    """The spec of an iterator.

    >>> tf.data.IteratorSpec(tf.TensorSpec([], tf.int64)).value_type.__name__
    'OwnedIterator'
    """

    def __init__(self, element_spec: Any):
        self._element_spec = element_spec

    @property
    def value_type(self) -> type:
        return OwnedIterator

    def _serialize(self) -> tuple[Any, ...]:
        return (self._element_spec,)

    @property
    def _component_specs(self) -> list[Any]:
        return [TensorSpec([], dtypes.resource)]

    def _to_components(self, value: Any) -> list[Any]:
        return [value._iterator_resource]

    def _from_components(self, components: Any) -> OwnedIterator:
        return OwnedIterator(components=components, element_spec=self._element_spec)

    @staticmethod
    def from_value(value: Any) -> "IteratorSpec":
        """The spec of an iterator."""
        return IteratorSpec(value.element_spec)

    def __repr__(self) -> str:
        return f"IteratorSpec({self._element_spec!r},)"


@export("data.experimental.get_next_as_optional")
def get_next_as_optional(iterator: Any) -> Optional:
    """The next element of an iterator as an Optional, empty at the end."""
    return iterator.get_next_as_optional()


# -- NumPy -------------------------------------------------------------------------------------------------------------
def to_numpy(value: Any) -> Any:
    """A leaf of an element as NumPy sees it; arrays cannot be written to."""
    if isinstance(value, Tensor):
        array = value._array if isinstance(value, EagerTensor) and type(value._array) is np.ndarray else value.numpy()  # type: ignore[attr-defined]
        if isinstance(array, np.ndarray):
            if array.ndim == 0:
                return array[()]
            array = array.view()
            array.setflags(write=False)
        return array
    if isinstance(value, SparseTensor):
        return to_numpy(find("SparseToDense")(value.indices, value.dense_shape, value.values, np.zeros((), value.dtype.array_dtype) if value.dtype is not dtypes.string else b""))
    if isinstance(value, RaggedTensor):
        return value.numpy()
    return value


@export("data.NumpyIterator")
class NumpyIterator(Trackable):
    """An iterator over the elements of a dataset as NumPy values.

    >>> list(tf.data.Dataset.range(2).as_numpy_iterator())
    [np.int64(0), np.int64(1)]
    """

    def __init__(self, dataset: Any):
        self._iterator = iter(dataset)
        self._dataset = dataset

    def _trackable_children(self, save_type: str = "checkpoint", **kwargs: Any) -> dict[str, Any]:
        return {"_iterator": self._iterator}

    def _lookup_dependency(self, name: str, cached_dependencies: Any = None) -> Any:
        return self._iterator if name == "_iterator" else None

    def __repr__(self) -> str:
        return f"NumpyIterator(iterator={self._iterator!r})"

    def __iter__(self) -> "NumpyIterator":
        return self

    def __next__(self) -> Any:
        return nest.map_structure(to_numpy, next(self._iterator))

    def next(self) -> Any:
        """The next element."""
        return self.__next__()

    def save(self) -> bytes:
        """Where the iterator stands, as bytes."""
        from penstock.data.iterator_state import to_bytes

        return to_bytes(self._iterator._save())

    def restore(self, state: bytes) -> None:
        """Go to where the state was saved."""
        from penstock.data.iterator_state import from_bytes

        self._iterator._restore(from_bytes(state))


