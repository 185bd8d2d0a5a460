"""`tf.compat.v1.data.Iterator`: the iterators of graphs."""

import threading
import warnings
from typing import Any

from penstock.base import dtypes
from penstock.base.export import export
from penstock.data import structure, structure_nest as nest
from penstock.data.iterator import IteratorBase, IteratorSpec
from penstock.data.iterators import (
    ITERATOR_FROM_STRING_HANDLE_V2,
    ITERATOR_GET_NEXT,
    ITERATOR_GET_NEXT_AS_OPTIONAL,
    ITERATOR_TO_STRING_HANDLE,
    ITERATOR_V2,
    MAKE_ITERATOR,
)
from penstock.data.optional import _OptionalImpl
from penstock.ir import door
from penstock.ir.tensor import Tensor

MANY_CALLS = 32
"""Calls of `get_next` after which the user is warned."""


def _classes_like(types: Any, classes: Any) -> Any:
    return nest.map_structure(lambda _: Tensor, types) if classes is None else classes


@export(v1=("data.Iterator",))
class Iterator(IteratorBase):
    """An iterator of a graph: one run of what `get_next` gives makes one element."""

    def __init__(self, iterator_resource: Any, initializer: Any, output_types: Any, output_shapes: Any, output_classes: Any):
        self._set_up(iterator_resource, initializer, structure.convert_legacy_structure(output_types, output_shapes, output_classes))

    @classmethod
    def _of(cls, iterator_resource: Any, initializer: Any, element_spec: Any) -> "Iterator":
        """An iterator whose elements have this spec."""
        made = object.__new__(cls)
        made._set_up(iterator_resource, initializer, element_spec)
        return made

    def _set_up(self, iterator_resource: Any, initializer: Any, element_spec: Any) -> None:
        self._iterator_resource, self._initializer, self._element_spec = iterator_resource, initializer, element_spec
        self._string_handle = ITERATOR_TO_STRING_HANDLE(iterator_resource)
        self._get_next_call_count = 0
        self._lock = threading.Lock()

    @staticmethod
    def from_structure(output_types: Any, output_shapes: Any = None, shared_name: str | None = None, output_classes: Any = None) -> "Iterator":
        """An iterator without a dataset: `make_initializer` gives it one."""
        types = structure.types_of(output_types)
        shapes = structure.shapes_like(types, output_shapes)
        classes = _classes_like(types, output_classes)
        nest.assert_same_structure(types, shapes)
        spec = structure.convert_legacy_structure(types, shapes, classes)
        resource = ITERATOR_V2(container="", shared_name=shared_name or "", **structure.attrs_of(spec))
        return Iterator._of(resource, None, spec)

    @staticmethod
    def from_string_handle(string_handle: Any, output_types: Any, output_shapes: Any = None, output_classes: Any = None) -> "Iterator":
        """The iterator whose `string_handle` is fed."""
        types = structure.types_of(output_types)
        shapes = structure.shapes_like(types, output_shapes)
        classes = _classes_like(types, output_classes)
        spec = structure.convert_legacy_structure(types, shapes, classes)
        handle = door.convert(string_handle, dtypes.string)
        resource = ITERATOR_FROM_STRING_HANDLE_V2(handle, **structure.attrs_of(spec))
        return Iterator._of(resource, None, spec)

    @property
    def initializer(self) -> Any:
        """The operation that begins the iteration."""
        if self._initializer is not None:
            return self._initializer
        raise ValueError("The iterator does not have an initializer. This means it was likely created using `tf.data.Dataset.make_one_shot_iterator()`. For an initializable iterator, use `tf.data.Dataset.make_initializable_iterator()` instead.")

    def make_initializer(self, dataset: Any, name: str | None = None) -> Any:
        """The operation that begins the iteration over a dataset of the same element types."""
        mine, others = structure.legacy_types(self._element_spec), structure.legacy_types(dataset.element_spec)
        for what, a, b in (("types", mine, others), ("classes", structure.legacy_classes(self._element_spec), structure.legacy_classes(dataset.element_spec))):
            nest.assert_same_structure(a, b)
            for x, y in zip(nest.flatten(a), nest.flatten(b)):
                if x != y and not (isinstance(x, type) and isinstance(y, type) and issubclass(y, x)):
                    raise TypeError(f"Expected output {what} {a!r} but got dataset with output {what} {b!r}.")
        a, b = structure.legacy_shapes(self._element_spec), structure.legacy_shapes(dataset.element_spec)
        for x, y in zip(nest.flatten(a), nest.flatten(b)):
            if hasattr(x, "is_compatible_with") and hasattr(y, "rank") and not _covers(x, y):
                raise TypeError(f"Expected output shapes compatible with {a!r} but got dataset with output shapes {b!r}.")
        return MAKE_ITERATOR(dataset._variant_tensor, self._iterator_resource, name=name)

    def get_next(self, name: str | None = None) -> Any:
        """The next element, as tensors: one each run."""
        self._get_next_call_count += 1
        if self._get_next_call_count > MANY_CALLS:
            warnings.warn(
                "An unusually high number of `Iterator.get_next()` calls was detected. This often indicates that `Iterator.get_next()` is being called inside a "
                "training loop, which will cause gradual slowdown and eventual resource exhaustion. If this is the case, restructure your code to call "
                "`next_element = iterator.get_next()` once outside the loop, and use `next_element` as the input to some computation that is invoked inside the loop.",
                stacklevel=2,
            )  # fmt: skip
        flat = ITERATOR_GET_NEXT(self._iterator_resource, name=name, **structure.attrs_of(self._element_spec))
        return structure.from_tensor_list(self._element_spec, list(flat) if isinstance(flat, (list, tuple)) else [flat])

    def get_next_as_optional(self) -> Any:
        """The next element as an Optional, empty at the end."""
        return _OptionalImpl(ITERATOR_GET_NEXT_AS_OPTIONAL(self._iterator_resource, **structure.attrs_of(self._element_spec)), self._element_spec)

    def string_handle(self, name: str | None = None) -> Any:
        """A string tensor that `from_string_handle` takes."""
        return self._string_handle if name is None else ITERATOR_TO_STRING_HANDLE(self._iterator_resource, name=name)

    element_spec = property(lambda s: s._element_spec, doc="The specs of an element's leaves.")
    output_types = property(lambda s: structure.legacy_types(s._element_spec), doc="The dtypes in the element's structure.")
    output_shapes = property(lambda s: structure.legacy_shapes(s._element_spec), doc="The shapes in the element's structure.")
    output_classes = property(lambda s: structure.legacy_classes(s._element_spec), doc="The classes in the element's structure.")

    @property
    def _type_spec(self) -> IteratorSpec:
        return IteratorSpec(self._element_spec)

    def __iter__(self) -> Any:
        raise TypeError("'Iterator' object is not iterable")

    def __next__(self) -> Any:
        raise TypeError("'Iterator' object is not an iterator")


def _covers(wide: Any, narrow: Any) -> bool:
    """Does every shape of the second fit the first?"""
    a, b = wide._dims, narrow._dims
    if a is None:
        return True
    return b is not None and len(a) == len(b) and all(x is None or x == y for x, y in zip(a, b))
