"""Lists, dictionaries and tuples that track what they hold."""

import collections
import collections.abc
import copy
from collections.abc import Iterator
from typing import Any

import wrapt

from penstock.base.export import export
from penstock.base.trackable import Trackable
from penstock.state.auto_trackable import AutoTrackable, NoDependency, wrap_or_unwrap

__all__ = ["AutoTrackable", "List", "ListWrapper", "Mapping", "NoDependency", "TrackableDataStructure", "wrap_or_unwrap"]


class _Untrackable(ValueError):
    """A value that cannot be tracked."""


def wrapped(value: Any) -> Any:
    """A plain list, dictionary, ordered dictionary, or a tuple that holds something to track, as the structure that tracks."""
    if type(value) is dict or type(value) is collections.OrderedDict:
        return _DictWrapper(value)
    if type(value) is list:
        return ListWrapper(value)
    if isinstance(value, tuple) and _holds_trackable(value):
        return _TupleWrapper(value)
    return value


def _holds_trackable(value: Any) -> bool:
    for one in value:
        if isinstance(one, (NoDependency, Trackable)) or type(one) in (dict, collections.OrderedDict, list):
            return True
        if isinstance(one, tuple) and _holds_trackable(one):
            return True
    return False


def _same(values: list[Any], others: list[Any]) -> bool:
    """Are these the same objects (or equal plain values)?"""
    if len(values) != len(others):
        return False
    plain = (int, float, str, bytes)
    return all(a is b or (isinstance(a, plain) and isinstance(b, plain) and a == b) for a, b in zip(values, others))


def _is_variable(value: Any) -> bool:
    from penstock.state.variable import Variable

    return isinstance(value, Variable)


@export("__internal__.tracking.TrackableDataStructure")
class TrackableDataStructure(Trackable):
    """What the structures have in common: their variables, found through what they hold."""

    _self_trainable = True

    def __init__(self) -> None:
        self._self_trainable = True
        self._self_extra_variables: list[Any] = []

    @property
    def trainable(self) -> bool:
        return self._self_trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._self_trainable = value
        for one in self._values:
            if hasattr(one, "trainable"):
                one.trainable = value

    def _track_value(self, value: Any, name: str) -> Any:
        """The value as the structure holds it, tracked under `name`; `_Untrackable` when that cannot be."""
        value = wrap_or_unwrap(value)
        if not isinstance(value, Trackable):
            raise _Untrackable(
                f"Only trackable objects (such as Layers or Optimizers) may be stored in a List object. Got {value}, which does not "
                "inherit from Trackable."
            )
        self._track_trackable(value, name, overwrite=True)
        return value

    @property
    def _values(self) -> Any:
        raise NotImplementedError("Abstract method")

    @property
    def layers(self) -> list[Any]:
        """The layers held here or in structures inside."""
        found: list[Any] = []
        for one in self._values:
            if isinstance(one, TrackableDataStructure):
                found += one.layers
            elif hasattr(one, "trainable_weights") and not _is_variable(one):
                found.append(one)
        return found

    def _weights(self, attribute: str) -> list[Any]:
        found, seen = [], set()
        for one in self._values:
            inner = getattr(one, attribute, None)
            if isinstance(one, Trackable) and not _is_variable(one) and isinstance(inner, (list, tuple)):
                for v in inner:
                    if id(v) not in seen:
                        seen.add(id(v))
                        found.append(v)
        return found

    def _own(self, trainable: bool) -> list[Any]:
        return [v for v in self._values if _is_variable(v) and bool(v.trainable) is trainable]

    @property
    def trainable_weights(self) -> list[Any]:
        if not self._self_trainable:
            return []
        return self._own(True) + self._weights("trainable_variables")

    @property
    def non_trainable_weights(self) -> list[Any]:
        if not self._self_trainable:
            return self._own(True) + self._own(False) + self._weights("variables")
        return self._own(False) + self._weights("non_trainable_variables")

    @property
    def weights(self) -> list[Any]:
        return self.trainable_weights + self.non_trainable_weights

    trainable_variables = property(lambda s: s.trainable_weights)
    non_trainable_variables = property(lambda s: s.non_trainable_weights)
    variables = property(lambda s: s.weights)

    @property
    def updates(self) -> list[Any]:
        return [u for layer in self.layers for u in getattr(layer, "updates", ())]

    @property
    def losses(self) -> list[Any]:
        return [loss for layer in self.layers for loss in getattr(layer, "losses", ())]

    def __hash__(self) -> int:
        return id(self)

    def __eq__(self, other: object) -> bool:
        return self is other


class List(TrackableDataStructure, collections.abc.Sequence):
    """A list to which trackable objects can be appended."""

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__()
        self._storage = self._make_storage(*args, **kwargs)
        for i, one in enumerate(self._storage):
            self._storage[i] = self._track_value(one, name=self._name_element(i))

    def _make_storage(self, *args: Any, **kwargs: Any) -> list[Any]:
        return list(*args, **kwargs)

    def _name_element(self, index: int) -> str:
        return f"{index}"

    @property
    def _values(self) -> Any:
        return self

    def copy(self) -> Any:
        return type(self)(copy.copy(self._storage))

    def __copy__(self) -> Any:
        return self.copy()

    def __deepcopy__(self, memo: Any) -> Any:
        return type(self)(copy.deepcopy(self._storage, memo))

    def append(self, value: Any) -> None:
        value = self._track_value(value, self._name_element(len(self._storage)))
        self._storage.append(value)

    def extend(self, values: Any) -> None:
        for one in values:
            self.append(one)

    def __iadd__(self, values: Any) -> Any:
        self.extend(values)
        return self

    def __add__(self, other: Any) -> Any:
        return self._storage + getattr(other, "_storage", other)

    def __imul__(self, y: int) -> Any:
        if y <= 0:
            raise ValueError(f"List only supports append, multiplying in place by {y} removes elements.")
        for _ in range(y - 1):
            self.extend(list(self._storage))
        return self

    def __mul__(self, n: int) -> Any:
        return type(self)(self._storage * n)

    def __rmul__(self, n: int) -> Any:
        return self * n

    def __radd__(self, other: Any) -> Any:
        return getattr(other, "_storage", list(other)) + self._storage

    def __getitem__(self, key: Any) -> Any:
        return self._storage[key]

    def __len__(self) -> int:
        return len(self._storage)

    def __repr__(self) -> str:
        return f"List({self._storage!r})"

    def __sizeof__(self) -> int:
        return super().__sizeof__() + self._storage.__sizeof__()


class ListWrapper(List, collections.abc.MutableSequence, list):  # type: ignore[misc]
    """A list set as an attribute: any change is allowed, but only what was appended can be saved."""

    __nest_plain__ = list

    def __init__(self, wrapped_list: list[Any]):
        self._non_append_mutation = False
        self._external_modification = False
        super().__init__(wrapped_list)
        self._last_wrapped_list_snapshot = list(self._storage)

    def _make_storage(self, wrapped_list: list[Any]) -> list[Any]:  # type: ignore[override]
        return wrapped_list

    def __copy__(self) -> Any:
        made = super().__copy__()
        made._non_append_mutation = self._non_append_mutation
        made._external_modification = self._external_modification
        return made

    def __deepcopy__(self, memo: Any) -> Any:
        made = super().__deepcopy__(memo)
        made._non_append_mutation = self._non_append_mutation
        made._external_modification = self._external_modification
        return made

    def __reduce_ex__(self, protocol: Any) -> Any:
        return (type(self), (list(self._storage),))

    def _track_value(self, value: Any, name: str) -> Any:
        try:
            return super()._track_value(value, name)
        except ValueError:
            return wrap_or_unwrap(value)

    def _check_external_modification(self) -> None:
        if self._external_modification or self._non_append_mutation:
            return
        if not _same(self._storage, self._last_wrapped_list_snapshot):
            self._external_modification = True
            self._last_wrapped_list_snapshot = None

    def _update_snapshot(self) -> None:
        if not (self._external_modification or self._non_append_mutation):
            self._last_wrapped_list_snapshot = list(self._storage)

    def _trackable_children(self, save_type: str = "checkpoint", **kwargs: Any) -> dict[str, Any]:
        self._check_external_modification()
        what = f"Unable to save the object {self} (a list wrapper constructed to track trackable TensorFlow objects). "
        if self._non_append_mutation:
            raise ValueError(
                f"{what}A list element was replaced (__setitem__, __setslice__), deleted (__delitem__, __delslice__), or moved (sort). In order to "
                "support restoration on object creation, tracking is exclusively for append-only data structures.\n\n"
                "If you don't need this list checkpointed, wrap it in a non-trackable object; it will be subsequently ignored."
            )
        if self._external_modification:
            raise ValueError(
                f"{what}The wrapped list was modified outside the wrapper (its final value was {self._storage}, its value when a checkpoint "
                f"dependency was added was {self._last_wrapped_list_snapshot}), which breaks restoration on object creation.\n\n"
                "If you don't need this list checkpointed, wrap it in a NoDependency object; it will be subsequently ignored."
            )
        children = super()._trackable_children(save_type, **kwargs)
        if save_type == "savedmodel":
            children.update({
                str(i): one for i, one in enumerate(self) if _is_function(one)
            })  # fmt: skip
        return children

    def _mutated(self) -> None:
        self._non_append_mutation = True

    def __delitem__(self, key: Any) -> None:
        self._check_external_modification()
        self._mutated()
        del self._storage[key]

    def __setitem__(self, key: Any, value: Any) -> None:
        self._check_external_modification()
        if isinstance(key, slice):
            self._mutated()
            value = [wrap_or_unwrap(v) for v in value]
            self._storage[key] = value
        else:
            held, value = self._storage[key], wrap_or_unwrap(value)
            if isinstance(held, Trackable) or isinstance(value, Trackable):
                self._mutated()
            self._storage[key] = value
        self._update_snapshot()

    def append(self, value: Any) -> None:
        self._check_external_modification()
        super().append(value)
        self._update_snapshot()

    def extend(self, values: Any) -> None:
        self._check_external_modification()
        super().extend(values)
        self._update_snapshot()

    def __imul__(self, y: int) -> Any:
        if y <= 0:
            self._check_external_modification()
            self._mutated()
            self._storage *= y
            return self
        return super().__imul__(y)

    def __mul__(self, n: int) -> Any:
        return self._storage * n

    def __rmul__(self, n: int) -> Any:
        return self._storage * n

    def insert(self, index: int, value: Any) -> None:
        self._check_external_modification()
        self._mutated()
        self._storage.insert(index, wrap_or_unwrap(value))

    def sort(self, *, key: Any = None, reverse: bool = False) -> None:
        self._check_external_modification()
        self._mutated()
        self._storage.sort(key=key, reverse=reverse)

    def pop(self, index: int = -1) -> Any:
        self._check_external_modification()
        self._storage[index]  # an index that is not there changes nothing
        self._mutated()
        return self._storage.pop(index)

    def clear(self) -> None:
        self._check_external_modification()
        if self._storage:
            self._mutated()
            self._storage.clear()

    def remove(self, value: Any) -> None:
        self._check_external_modification()
        self._mutated()
        self._storage.remove(value)

    def reverse(self) -> None:
        self._check_external_modification()
        self._mutated()
        self._storage.reverse()

    def index(self, *args: Any) -> int:  # type: ignore[override]
        return self._storage.index(*args)

    def count(self, value: Any) -> int:
        return self._storage.count(value)

    def __contains__(self, value: Any) -> bool:
        return value in self._storage

    def __iter__(self) -> Iterator[Any]:
        return iter(self._storage)

    def __reversed__(self) -> Iterator[Any]:
        return reversed(self._storage)

    def __eq__(self, other: Any) -> Any:
        return self._storage == getattr(other, "_storage", other)

    def __ne__(self, other: Any) -> Any:
        return not self == other

    def __lt__(self, other: Any) -> Any:
        return self._storage < getattr(other, "_storage", other)

    def __le__(self, other: Any) -> Any:
        return self._storage <= getattr(other, "_storage", other)

    def __gt__(self, other: Any) -> Any:
        return self._storage > getattr(other, "_storage", other)

    def __ge__(self, other: Any) -> Any:
        return self._storage >= getattr(other, "_storage", other)

    def __hash__(self) -> int:
        raise TypeError("unhashable type: 'ListWrapper'")

    def __repr__(self) -> str:
        return f"ListWrapper({self._storage!r})"

    __str__ = __repr__


class Mapping(TrackableDataStructure, collections.abc.Mapping):
    """A dictionary with string keys to which trackable objects can be added."""

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__()
        self._storage: dict[str, Any] = dict(*args, **kwargs)
        for key, value in self._storage.items():
            self._storage[key] = self._track_value(value, name=self._name_element(key))

    @property
    def _values(self) -> Any:
        return [value for _, value in sorted(self._storage.items())]

    def _name_element(self, key: Any) -> str:
        if not isinstance(key, str):
            raise TypeError(f"Mapping accepts only string keys, but got a key {key!r}.")
        return str(key)

    def __copy__(self) -> Any:
        return type(self)(copy.copy(self._storage))

    def __deepcopy__(self, memo: Any) -> Any:
        return type(self)(copy.deepcopy(self._storage, memo))

    def __setitem__(self, key: str, value: Any) -> None:
        name = self._name_element(key)
        value = self._track_value(value, name=name)
        held = self._storage.setdefault(key, value)
        if held is not value:
            raise ValueError(
                f"Mappings are an append-only data structure. Tried to overwrite the key '{key}' with value {value}, but it already contains {held}"
            )

    def update(self, *args: Any, **kwargs: Any) -> None:
        for key, value in dict(*args, **kwargs).items():
            self[key] = value

    def __getitem__(self, key: Any) -> Any:
        return self._storage[key]

    def __len__(self) -> int:
        return len(self._storage)

    def __repr__(self) -> str:
        return f"Mapping({self._storage!r})"

    def __iter__(self) -> Iterator[Any]:
        yield from self._storage


class _DictWrapper(TrackableDataStructure, wrapt.ObjectProxy):
    """A dictionary set as an attribute: any change is allowed, but only what was added under string keys can be saved."""

    __nest_proxy__ = True

    def __init__(self, wrapped_dict: Any = None):
        if wrapped_dict is None:
            wrapped_dict = {}
        if not isinstance(wrapped_dict, collections.abc.Mapping):
            wrapped_dict = dict(wrapped_dict)
        wrapt.ObjectProxy.__init__(self, wrapped_dict)
        TrackableDataStructure.__init__(self)
        self._self_non_string_key = False
        self._self_external_modification = False
        for key, value in self.__wrapped__.items():
            self.__wrapped__[key] = self._track_value(value, name=self._name_element(key))
        self._self_last_wrapped_dict_snapshot: Any = dict(self.__wrapped__)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return copy.copy, (self.__wrapped__,)

    def copy(self) -> Any:
        return copy.copy(self)

    def __copy__(self) -> Any:
        made = _DictWrapper(copy.copy(self.__wrapped__))
        made._self_external_modification = self._self_external_modification
        made._self_non_string_key = self._self_non_string_key
        return made

    def __deepcopy__(self, memo: Any) -> Any:
        made = _DictWrapper(copy.deepcopy(self.__wrapped__, memo))
        made._self_external_modification = self._self_external_modification
        made._self_non_string_key = self._self_non_string_key
        return made

    @property
    def _values(self) -> Any:
        return [value for _, value in sorted(self.items(), key=lambda pair: str(pair[0]))]

    def _trackable_children(self, save_type: str = "checkpoint", **kwargs: Any) -> dict[str, Any]:
        self._check_self_external_modification()
        what = f"Unable to save the object {self} (a dictionary wrapper constructed automatically on attribute assignment). "
        end = "\n\nIf you don't need this dictionary checkpointed, wrap it in a non-trackable object; it will be subsequently ignored."
        if self._self_non_string_key:
            raise ValueError(
                f"{what}The wrapped dictionary contains a non-string key which maps to a trackable object or mutable data structure.{end}"
            )
        if self._self_external_modification:
            raise ValueError(
                f"{what}The wrapped dictionary was modified outside the wrapper (its final value was {self}, its value when a checkpoint dependency "
                f"was added was {self._self_last_wrapped_dict_snapshot}), which breaks restoration on object creation.{end}"
            )
        children = Trackable._trackable_children(self, save_type, **kwargs)
        if save_type == "savedmodel":
            children.update({k: v for k, v in self.items() if _is_function(v)})
        return children

    @property
    def _dirty(self) -> bool:
        return self._self_external_modification or self._self_non_string_key

    def _check_self_external_modification(self) -> None:
        if self._dirty:
            return
        held, known = self.__wrapped__, self._self_last_wrapped_dict_snapshot
        if held.keys() != known.keys() or not _same(list(held.values()), [known[k] for k in held]):
            self._self_external_modification = True
            self._self_last_wrapped_dict_snapshot = None

    def _update_snapshot(self) -> None:
        if not self._dirty:
            self._self_last_wrapped_dict_snapshot = dict(self)

    def _track_value(self, value: Any, name: str) -> Any:
        key_is_text = isinstance(name, str)
        if not key_is_text:
            name = f"-non_string_key_{id(name)}"
        try:
            if not key_is_text and isinstance(wrap_or_unwrap(value), Trackable):
                self._self_non_string_key = True
            return TrackableDataStructure._track_value(self, value, name)
        except ValueError:
            return wrap_or_unwrap(value)

    def _name_element(self, key: Any) -> Any:
        return key

    def __setitem__(self, key: Any, value: Any) -> None:
        self._check_self_external_modification()
        self._maybe_initialize_trackable()
        untracked = isinstance(value, NoDependency)
        value = wrap_or_unwrap(value)
        if not untracked and isinstance(value, Trackable):
            value = self._track_value(value, key)
        elif isinstance(key, str) and self._lookup_dependency(key) is not None:
            AutoTrackable._delete_tracking(self, key)  # type: ignore[arg-type]
        self.__wrapped__[key] = value
        self._update_snapshot()

    def __delitem__(self, key: Any) -> None:
        self._check_self_external_modification()
        del self.__wrapped__[key]
        self._self_external_modification = True
        self._self_last_wrapped_dict_snapshot = None

    def update(self, *args: Any, **kwargs: Any) -> None:
        for key, value in dict(*args, **kwargs).items():
            self[key] = value

    def __ior__(self, other: Any) -> Any:
        self.update(other)
        return self

    def __repr__(self) -> str:
        return f"DictWrapper({self.__wrapped__!r})"

    def __hash__(self) -> int:
        raise TypeError("unhashable type: 'DictWrapper'")

    def __eq__(self, other: Any) -> Any:
        return self.__wrapped__ == getattr(other, "__wrapped__", other)

    def __ne__(self, other: Any) -> Any:
        return not self == other

    def __class_getitem__(cls, item: Any) -> Any:
        return cls


class _TupleWrapper(TrackableDataStructure, wrapt.ObjectProxy):
    """A tuple set as an attribute, with something inside to track."""

    __nest_proxy__ = True

    def __init__(self, original: Any = ()):
        held = [wrap_or_unwrap(one) for one in original]
        fields = getattr(original, "_fields", None)
        make = type(original) if not isinstance(original, _TupleWrapper) else type(original.__wrapped__)
        values = make(*held) if fields is not None else make(held)
        wrapt.ObjectProxy.__init__(self, values)
        TrackableDataStructure.__init__(self)
        self._self_tuple_is_constructable = True
        untracked = [isinstance(one, NoDependency) for one in original]
        for i, (one, skip) in enumerate(zip(held, untracked)):
            if not skip and isinstance(one, Trackable):
                if fields is not None:
                    self._track_trackable(one, name=fields[i])
                self._track_trackable(one, name=f"{i}")

    @property
    def _values(self) -> Any:
        return self

    def __copy__(self) -> Any:
        return _TupleWrapper(copy.copy(self.__wrapped__))

    def __deepcopy__(self, memo: Any) -> Any:
        return _TupleWrapper(copy.deepcopy(self.__wrapped__, memo))

    def __reduce_ex__(self, protocol: Any) -> Any:
        return copy.copy, (self.__wrapped__,)

    def __repr__(self) -> str:
        return f"_TupleWrapper({self.__wrapped__!r})"

    def __hash__(self) -> int:
        return hash(self.__wrapped__)

    def __eq__(self, other: Any) -> Any:
        return self.__wrapped__ == getattr(other, "__wrapped__", other)

    def __ne__(self, other: Any) -> Any:
        return not self == other

    def __add__(self, other: Any) -> Any:
        return self.__wrapped__ + getattr(other, "__wrapped__", other)

    def __radd__(self, other: Any) -> Any:
        return other + self.__wrapped__

    def __iadd__(self, other: Any) -> Any:
        return self.__wrapped__ + getattr(other, "__wrapped__", other)

    def __imul__(self, n: int) -> Any:
        return self.__wrapped__ * n

    def _trackable_children(self, save_type: str = "checkpoint", **kwargs: Any) -> dict[str, Any]:
        return Trackable._trackable_children(self, save_type, **kwargs)


def _is_function(value: Any) -> bool:
    from penstock.fronts.concrete import ConcreteFunction
    from penstock.fronts.function import Function

    return isinstance(value, (Function, ConcreteFunction))


def set_list_item(list_object: Any, index_string: str, value: Any) -> None:
    """Put `value` at an index of a list that is being built again; gaps are None until they are filled."""
    index = int(index_string)
    if len(list_object) <= index:
        list_object.extend([None] * (1 + index - len(list_object)))
    list_object[index] = value


def set_tuple_item(tuple_object: Any, index_string: str, value: Any) -> None:
    """The same for a tuple, which is made anew."""
    try:
        index = int(index_string)
    except ValueError:
        return  # a field name of a named tuple: its index comes as well
    held = list(tuple_object.__wrapped__)
    held.extend([None] * (1 + index - len(held)))
    held[index] = value
    tuple_object.__wrapped__ = tuple(held)

