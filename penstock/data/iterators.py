"""Iterators at run: the resource that holds a dataset's streams, and the ops on it."""

import itertools
import threading
import weakref
from typing import Any

import numpy as np

from penstock.base.errors import FailedPreconditionError, InvalidArgumentError, OutOfRangeError
from penstock.data.calls import Call
from penstock.data.iterator_state import from_bytes, to_bytes
from penstock.data.optional import Held
from penstock.data.pipeline import Context, Pipe, Stream
from penstock.engine.store import Store
from penstock.ir.op import op

_handles: "weakref.WeakValueDictionary[str, IteratorResource]" = weakref.WeakValueDictionary()
_numbers = itertools.count()
_ELEMENT = "output_shapes: list(shape) >= 1, output_types: list(type) >= 1"


class IteratorResource:
    """What an iterator handle stands for: a dataset's streams once it is initialised."""

    def __init__(self, types: Any, shapes: Any, store: Store, name: str = ""):
        self.types, self.shapes, self.store, self.name = types, shapes, store, name
        self.pipe: Pipe | None = None
        self.stream: Stream | None = None
        self.ctx: Context | None = None
        self.factory: Any = None
        self.lock = threading.RLock()

    def signature(self) -> str:
        return "iterator"

    def start(self, pipe: Pipe) -> None:
        """Begin at the first element of a dataset."""
        with self.lock:
            self.close()
            self.pipe = pipe
            self.ctx = Context(self.store, pipe.all_options())
            self.stream = pipe.stream(self.ctx)
            weakref.finalize(self, Context.close, self.ctx)

    def close(self) -> None:
        if self.ctx is not None:
            self.ctx.close()

    def next(self) -> Any:
        """The next element, or None at the end."""
        with self.lock:
            stream = self.stream
            if stream is None:
                stream = self._ready()
            return stream.next()

    def _ready(self) -> Stream:
        if self.factory is not None:
            graph = self.factory
            found = Call(graph, (), Context(self.store))(())[0]
            self.start(found if isinstance(found, Pipe) else found.item())
        if self.stream is None:
            raise FailedPreconditionError(
                None, None, "GetNext() failed because the iterator has not been initialized. Ensure that you have run the initializer operation for this "
                "iterator before getting the next element.",
            )  # fmt: skip
        return self.stream

    def save(self) -> Any:
        with self.lock:
            stream = self._ready_or(self.stream).save()
            assert self.ctx is not None
            return {"stream": stream, "random": self.ctx.random_states()}

    def _ready_or(self, stream: Any) -> Stream:
        return stream if stream is not None else self._ready()

    def restore(self, state: Any) -> None:
        with self.lock:
            if self.pipe is None:
                self._ready()
            assert self.pipe is not None
            self.close()
            self.ctx = Context(self.store, self.pipe.all_options())
            self.stream = self.pipe.stream(self.ctx)
            weakref.finalize(self, Context.close, self.ctx)
            self.stream.restore(state["stream"])
            self.ctx.restore_random_states(state["random"])


def _at(handle: Any) -> IteratorResource:
    return handle.item() if isinstance(handle, np.ndarray) else handle


@op(f"IteratorV2(*, container: str, {_ELEMENT}, shared_name: str) -> handle: resource", effect="handle", shape=lambda **_: ())
def ITERATOR_V2(xp, store, *, container, output_shapes, output_types, shared_name):
    """An iterator that `MakeIterator` initialises."""
    name = shared_name or store.node_name
    return store.get("iterator", container, shared_name, lambda: IteratorResource(output_types, output_shapes, store.store, name))


@op(f"Iterator(*, container: str, {_ELEMENT}, shared_name: str) -> handle: resource", effect="handle", shape=lambda **_: ())
def ITERATOR(xp, store, *, container, output_shapes, output_types, shared_name):
    """An iterator that `MakeIterator` initialises."""
    return ITERATOR_V2.body(xp, store, container=container, output_shapes=output_shapes, output_types=output_types, shared_name=shared_name)


@op(f'OneShotIterator(*, container: str = "", dataset_factory: func, {_ELEMENT}, shared_name: str = "") -> handle: resource', effect="handle", shape=lambda **_: ())
def ONE_SHOT_ITERATOR(xp, store, *, container, dataset_factory, output_shapes, output_types, shared_name):
    """An iterator that initialises itself from a function that makes the dataset."""

    def make() -> IteratorResource:
        made = IteratorResource(output_types, output_shapes, store.store, shared_name or store.node_name)
        made.factory = dataset_factory
        return made

    return store.get("iterator", container, shared_name, make)


_ANONYMOUS: dict[str, Any] = {"where": "host", "effect": "io", "needs_store": True}


@op(f"AnonymousIteratorV3(*, {_ELEMENT}) -> handle: resource", shape=lambda **_: (), **_ANONYMOUS)
def ANONYMOUS_ITERATOR_V3(xp, store, *, output_shapes, output_types):
    """An iterator that lives as long as its handle."""
    return IteratorResource(output_types, output_shapes, store.store)


@op(f"AnonymousIterator(*, {_ELEMENT}) -> handle: resource", shape=lambda **_: (), **_ANONYMOUS)
def ANONYMOUS_ITERATOR(xp, store, *, output_shapes, output_types):
    """An iterator that lives as long as its handle."""
    return IteratorResource(output_types, output_shapes, store.store)


@op(f"AnonymousIteratorV2(*, {_ELEMENT}) -> (handle: resource, deleter: variant)", shape=lambda **_: ((), ()), **_ANONYMOUS)
def ANONYMOUS_ITERATOR_V2(xp, store, *, output_shapes, output_types):
    """An iterator that lives as long as its handle."""
    return IteratorResource(output_types, output_shapes, store.store), None


@op("DeleteIterator(handle: resource, deleter: variant) -> ()", where="host", effect="io")
def DELETE_ITERATOR(xp, handle, deleter):
    """End an iterator."""
    _at(handle).close()
    return ()


def check_element(types: Any, shapes: Any, wanted_types: Any, wanted_shapes: Any) -> None:
    """InvalidArgumentError where an iterator's elements are not those that are asked for."""
    if len(types) != len(wanted_types):
        raise InvalidArgumentError(None, None, f"Number of components does not match: expected {len(wanted_types)} types but got {len(types)}.")
    for i, (a, b) in enumerate(zip(types, wanted_types)):
        if a is not b:
            raise InvalidArgumentError(None, None, f"Data type mismatch at component {i}: expected {b.name} but got {a.name}.")
    for i, (a, b) in enumerate(zip(shapes, wanted_shapes)):
        if a is not None and b is not None and (len(a) != len(b) or any(x is not None and y is not None and x != y for x, y in zip(a, b))):
            show = lambda s: "[" + ",".join("?" if d is None else str(d) for d in s) + "]"
            raise InvalidArgumentError(None, None, f"Incompatible shapes at component {i}: expected {show(b)} but got {show(a)}.")


@op("MakeIterator(dataset: variant, iterator: resource) -> ()", where="host", effect="io")
def MAKE_ITERATOR(xp, dataset, iterator):
    """Begin an iterator at the first element of a dataset."""
    resource = _at(iterator)
    pipe = dataset if isinstance(dataset, Pipe) else dataset.item()
    if pipe.types is not None and resource.types:
        check_element(pipe.types, pipe.shapes, resource.types, resource.shapes)
    resource.start(pipe)
    return ()


def _element(resource: IteratorResource, types: Any, shapes: Any) -> Any:
    if resource.types and resource.types is not types and list(resource.types) != list(types):
        check_element(resource.types, resource.shapes, types, shapes)
    return resource.next()


@op(f"IteratorGetNext(iterator: resource, *, {_ELEMENT}) -> components: output_types", where="host", effect="io",
    shape=lambda iterator, *, output_shapes, **_: output_shapes)  # fmt: skip
def ITERATOR_GET_NEXT(xp, iterator, *, output_types, output_shapes):
    """The next element; OutOfRangeError at the end."""
    found = _element(_at(iterator), output_types, output_shapes)
    if found is None:
        raise OutOfRangeError(None, None, "End of sequence")
    return found


@op(f"IteratorGetNextSync(iterator: resource, *, {_ELEMENT}) -> components: output_types", where="host", effect="io",
    shape=lambda iterator, *, output_shapes, **_: output_shapes)  # fmt: skip
def ITERATOR_GET_NEXT_SYNC(xp, iterator, *, output_types, output_shapes):
    """The next element; OutOfRangeError at the end."""
    return ITERATOR_GET_NEXT.body(xp, iterator, output_types=output_types, output_shapes=output_shapes)


@op(f"IteratorGetNextAsOptional(iterator: resource, *, {_ELEMENT}) -> optional: variant", where="host", effect="io", shape=lambda *_, **__: ())
def ITERATOR_GET_NEXT_AS_OPTIONAL(xp, iterator, *, output_types, output_shapes):
    """The next element as an optional; empty at the end."""
    return Held(_element(_at(iterator), output_types, output_shapes))


ITERATOR_GET_NEXT_AS_OPTIONAL.no_grad()


@op("IteratorGetDevice(resource: resource) -> device: string", where="host", effect="io", shape=lambda resource: ())
def ITERATOR_GET_DEVICE(xp, resource):
    """The device that an iterator's elements are on."""
    return np.array(b"/job:localhost/replica:0/task:0/device:CPU:0", object)


@op("IteratorToStringHandle(resource_handle: resource) -> string_handle: string", where="host", effect="io", shape=lambda resource_handle: ())
def ITERATOR_TO_STRING_HANDLE(xp, resource_handle):
    """A string by which an iterator can be found."""
    resource = _at(resource_handle)
    found = getattr(resource, "string", None)
    if found is None:
        found = resource.string = f"iterator_{next(_numbers)}_{resource.name}"  # type: ignore[attr-defined]
        _handles[found] = resource
    return np.array(found.encode(), object)


_FROM = "string_handle: string, *, output_shapes: list(shape) >= 0 = [], output_types: list(type) >= 0 = []"


def _found(string_handle: Any, output_types: Any, output_shapes: Any) -> IteratorResource:
    name = np.asarray(string_handle).item()
    found = _handles.get(name.decode() if isinstance(name, bytes) else name)
    if found is None:
        raise InvalidArgumentError(None, None, f"Could not find an iterator of the string handle {name!r}")
    if output_types:
        check_element(found.types, found.shapes, output_types, output_shapes or [None] * len(output_types))
    return found


@op(f"IteratorFromStringHandleV2({_FROM}) -> resource_handle: resource", where="host", effect="io", shape=lambda *_, **__: ())
def ITERATOR_FROM_STRING_HANDLE_V2(xp, string_handle, *, output_types, output_shapes):
    """The iterator of a string handle."""
    return _found(string_handle, output_types, output_shapes)


@op(f"IteratorFromStringHandle({_FROM}) -> resource_handle: resource", where="host", effect="io", shape=lambda *_, **__: ())
def ITERATOR_FROM_STRING_HANDLE(xp, string_handle, *, output_types, output_shapes):
    """The iterator of a string handle."""
    return _found(string_handle, output_types, output_shapes)


@op("IteratorState(iterator: resource) -> state: string", where="host", effect="io", public=False, shape=lambda iterator: ())
def ITERATOR_STATE(xp, iterator):
    """Where an iterator stands, as bytes for a checkpoint."""
    out = np.empty((), object)
    out[()] = to_bytes(_at(iterator).save())
    return out


@op("RestoreIteratorState(iterator: resource, state: string) -> ()", where="host", effect="io", public=False)
def RESTORE_ITERATOR_STATE(xp, iterator, state):
    """Put an iterator where it stood."""
    _at(iterator).restore(from_bytes(np.asarray(state, object).item()))
    return ()


class SavedIterator:
    """The state of an iterator, as a variant holds it."""

    __slots__ = ("state",)

    def __init__(self, state: Any):
        self.state = state

    def signature(self) -> str:
        return "iterator state"


@op("SerializeIterator(resource_handle: resource, *, external_state_policy: int = 0) -> serialized: variant", where="host", effect="io", shape=lambda *_, **__: (None,))
def SERIALIZE_ITERATOR(xp, resource_handle):
    """Where an iterator stands."""
    out = np.empty(1, object)
    out[0] = SavedIterator(_at(resource_handle).save())
    return out


@op("DeserializeIterator(resource_handle: resource, serialized: variant) -> ()", where="host", effect="io")
def DESERIALIZE_ITERATOR(xp, resource_handle, serialized):
    """Put an iterator where another one stood."""
    _at(resource_handle).restore(serialized[0].state)
    return ()
