"""`tensorflow.python.util.object_identity`: sets and dictionaries that compare by identity, for tensors as keys."""

import collections.abc
import weakref


class Reference:
    """Hashable; equal when the same object is meant."""

    __slots__ = ("_wrapped",)

    def __init__(self, wrapped):
        self._wrapped = wrapped

    @property
    def unwrapped(self):
        return self._wrapped

    def deref(self):
        """The object."""
        return self.unwrapped

    def __eq__(self, other):
        return isinstance(other, Reference) and self.unwrapped is other.unwrapped

    def __hash__(self):
        return id(self.unwrapped)

    def __repr__(self):
        return f"<Reference wrapping {self.unwrapped!r}>"


class WeakReference(Reference):
    """A reference that does not keep the object alive."""

    __slots__ = ("_hash",)

    def __init__(self, wrapped):
        super().__init__(weakref.ref(wrapped))
        self._hash = id(wrapped)

    @property
    def unwrapped(self):
        return self._wrapped()

    def __hash__(self):
        return self._hash


class ObjectIdentityDictionary(collections.abc.MutableMapping):
    """A dictionary whose keys compare by identity."""

    _wrap = Reference

    def __init__(self, *args, **kwargs):
        self._storage = {}
        self.update(*args, **kwargs)

    def __getitem__(self, key):
        return self._storage[self._wrap(key)]

    def __setitem__(self, key, value):
        self._storage[self._wrap(key)] = value

    def __delitem__(self, key):
        del self._storage[self._wrap(key)]

    def __len__(self):
        return len(self._storage)

    def __iter__(self):
        return (key.unwrapped for key in list(self._storage) if key.unwrapped is not None)

    def __repr__(self):
        return f"ObjectIdentityDictionary({list(self.items())!r})"


class ObjectIdentityWeakKeyDictionary(ObjectIdentityDictionary):
    """A dictionary whose keys compare by identity and are not kept alive."""

    _wrap = WeakReference

    def __len__(self):
        return len(list(iter(self)))


class ObjectIdentitySet(collections.abc.MutableSet):
    """A set whose elements compare by identity."""

    _wrap = Reference

    def __init__(self, *args):
        self._storage = {self._wrap(x) for x in (args[0] if args else ())}

    def __contains__(self, key):
        return self._wrap(key) in self._storage

    def add(self, key):
        self._storage.add(self._wrap(key))

    def update(self, items):
        self._storage.update(self._wrap(x) for x in items)

    def discard(self, key):
        self._storage.discard(self._wrap(key))

    def clear(self):
        self._storage.clear()

    def __len__(self):
        return len(self._storage)

    def __iter__(self):
        return (key.unwrapped for key in list(self._storage) if key.unwrapped is not None)


class ObjectIdentityWeakSet(ObjectIdentitySet):
    """A set whose elements compare by identity and are not kept alive."""

    _wrap = WeakReference

    def __len__(self):
        return len(list(iter(self)))
