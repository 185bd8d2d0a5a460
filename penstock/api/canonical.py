"""`tensorflow.python.util.tf_export`: which public name a function or class has, and what stands under a name.

Libraries that publish functions of their own (`keras_export`) keep their names here too. Among several names of one
function TensorFlow has a first choice; `canonical_names.txt` lists those choices.
"""

import functools
import sys
from os.path import dirname, join

from penstock.api.lazy import INDEX, V1, resolve
from penstock.platform.decoration import unwrap

TENSORFLOW_API_NAME, KERAS_API_NAME = "tensorflow", "keras"
_ATTRIBUTES = {TENSORFLOW_API_NAME: ("_tf_api_names", "_tf_api_names_v1"), KERAS_API_NAME: ("_keras_api_names", "_keras_api_names_v1")}
_exported = {}  # name -> what a library published under it


class InvalidSymbolNameError(Exception):
    """A library published something under a name that is not its own."""


class api_export:  # noqa: N801 - used like a function
    """A decorator: publish a function or class under these names, and under those of `v1` in the 1.x API."""

    def __init__(self, *args, api_name=TENSORFLOW_API_NAME, v1=None, allow_multiple_exports=True):
        self._names, self._names_v1, self._api_name = args, args if v1 is None else v1, api_name
        for name in (*self._names, *self._names_v1):
            if (name.partition(".")[0] == KERAS_API_NAME) != (api_name == KERAS_API_NAME):
                raise InvalidSymbolNameError("Can only export symbols under package name of component.")

    def __call__(self, func):
        plain = unwrap(func)[1]
        new, old = _ATTRIBUTES[self._api_name]
        for attribute, names in ((new, self._names), (old, self._names_v1)):
            try:
                setattr(plain, attribute, names)
            except (AttributeError, TypeError):
                pass  # a built-in function: it is known by its names alone
        for name in self._names_v1:
            _exported[V1 + name] = func
        for name in self._names:
            _exported[name] = func
        return func

    def export_constant(self, module_name, name):
        """Publish a value of a module that is neither function nor class."""
        value = getattr(sys.modules[module_name], name, None)
        for public in self._names:
            _exported[public] = value


tf_export = functools.partial(api_export, api_name=TENSORFLOW_API_NAME)
keras_export = functools.partial(api_export, api_name=KERAS_API_NAME)


def get_symbol_from_name(name):
    """What is public under a name (`nn.relu`, `keras.layers.Dense`), or None."""
    if name in _exported:
        return _exported[name]
    target = INDEX.get(name)
    if target is None:
        return None
    if name.startswith("raw_ops."):
        from penstock.api.raw import named

        return named(name.removeprefix("raw_ops."))
    return resolve(target)


@functools.cache
def _names_by_target():
    """{where a public thing is defined: its names}; and the first choices among such names."""
    INDEX.get("")
    found = {}
    for name, target in INDEX._targets.items():
        if not name.startswith("raw_ops."):
            found.setdefault(target, []).append(name)
    with open(join(dirname(__file__), "canonical_names.txt"), encoding="utf-8") as file:
        return found, frozenset(file.read().split())


def _public_names(symbol):
    """The names of a function or class of TensorFlow's own, the first choice first."""
    names, first = _names_by_target()
    for one in (symbol, unwrap(symbol)[1]):
        target = f"{getattr(one, '__module__', None)}:{getattr(one, '__qualname__', None)}"
        if target in names:
            return sorted(names[target], key=lambda n: (n.startswith(V1), n not in first, n))
    if isinstance(symbol, type):  # a class that says it stands in another module
        same = [t for t in names if t.endswith(f":{symbol.__qualname__}") and resolve(t) is symbol]
        return [n for t in same for n in sorted(names[t], key=lambda n: (n.startswith(V1), n not in first, n))]
    return []


def _own_names(symbol, api_name):
    plain = symbol if isinstance(symbol, type) else unwrap(symbol)[1]
    held = getattr(plain, "__dict__", {})
    return tuple(held.get(a, ()) for a in _ATTRIBUTES[api_name])


def get_canonical_name_for_symbol(symbol, api_name=TENSORFLOW_API_NAME, add_prefix_to_v1_names=False):
    """TensorFlow's first choice among the public names of a function or class; None when it has none.

    >>> get_canonical_name_for_symbol(tf.add)
    'math.add'
    """
    new, old = _own_names(symbol, api_name)
    if new:
        return new[0]
    if old:
        return V1 + old[0] if add_prefix_to_v1_names else old[0]
    if api_name != TENSORFLOW_API_NAME:
        return None
    for name in _public_names(symbol):
        return name.removeprefix(V1) if name.startswith(V1) and not add_prefix_to_v1_names else name
    return None


def get_canonical_name(api_names, deprecated_api_names):
    """The first name that is not deprecated, else the first one, else None."""
    return next((n for n in api_names if n not in deprecated_api_names), api_names[0] if api_names else None)


def _all_names(symbol, which):
    found = [n for api in (TENSORFLOW_API_NAME, KERAS_API_NAME) for n in _own_names(symbol, api)[which]]
    if found:
        return found
    listed = _public_names(symbol)
    return [n.removeprefix(V1) for n in listed if n.startswith(V1)] if which else [n for n in listed if not n.startswith(V1)]


def get_v1_names(symbol):
    """The names of a function or class in the 1.x API."""
    return _all_names(symbol, 1)


def get_v2_names(symbol):
    """The names of a function or class in the 2.x API."""
    return _all_names(symbol, 0)


def get_v1_constants(module):
    """The names of a module's values in the 1.x API."""
    return getattr(module, "_tf_api_constants_v1", [])


def get_v2_constants(module):
    """The names of a module's values in the 2.x API."""
    return getattr(module, "_tf_api_constants", [])


def kwarg_only(f):
    """A function whose arguments must be given by name."""
    import inspect

    order = list(inspect.signature(f).parameters)

    @functools.wraps(f)
    def wrapper(*args, **kwargs):
        if args:
            raise TypeError(f"{f.__name__} only takes keyword args (possible keys: {order}). Please pass these args as kwargs instead.")
        return f(**kwargs)

    return wrapper
