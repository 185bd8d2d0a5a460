"""Decorators of TensorFlow's own source that programs import: `deprecated` and its kin."""

import functools
import inspect

from penstock.platform import messages

_warned = set()


def _warn_once(key, text):
    if key not in _warned:
        _warned.add(key)
        messages.warning("%s", text)


def deprecated(date, instructions, warn_once=True):
    """Warn, once, that a function will go away, and say what to use."""
    when = f"after {date}" if date else "in a future version"

    def decorate(function):
        @functools.wraps(function)
        def wrapper(*args, **kwargs):
            key = function if warn_once else object()
            _warn_once(key, f"{function.__qualname__} (from {function.__module__}) is deprecated and will be removed "
                            f"{when}.\nInstructions for updating:\n{instructions}")  # fmt: skip
            return function(*args, **kwargs)

        return wrapper

    return decorate


def deprecated_args(date, instructions, *deprecated_arg_names_or_tuples, **kwargs):
    """Warn, once, when a deprecated argument is given."""
    names = [n[0] if isinstance(n, tuple) else n for n in deprecated_arg_names_or_tuples]
    when = f"after {date}" if date else "in a future version"

    def decorate(function):
        signature = inspect.signature(function)

        @functools.wraps(function)
        def wrapper(*args, **kw):
            for name in set(names) & set(signature.bind_partial(*args, **kw).arguments):
                text = f"calling {function.__qualname__} (from {function.__module__}) with {name} is deprecated"
                _warn_once((function, name), f"{text} and will be removed {when}.\nInstead: {instructions}")
            return function(*args, **kw)

        return wrapper

    return decorate


def deprecated_arg_values(date, instructions, warn_once=True, **deprecated_kwargs):
    """Warn, once, when an argument is given a deprecated value."""

    def decorate(function):
        signature = inspect.signature(function)

        @functools.wraps(function)
        def wrapper(*args, **kw):
            given = signature.bind_partial(*args, **kw).arguments
            for name, value in deprecated_kwargs.items():
                if name in given and given[name] == value:
                    _warn_once((function, name), f"calling {function.__qualname__} with {name}={value} is deprecated.\n"
                                                 f"Instructions for updating:\n{instructions}")  # fmt: skip
            return function(*args, **kw)

        return wrapper

    return decorate


def deprecated_alias(deprecated_name, name, func_or_class, warn_once=True):
    """The function under a deprecated name."""
    return deprecated(None, f"Please use {name} instead.", warn_once)(func_or_class)


def deprecated_endpoints(*args):
    """Note under which names a function or class should no longer be used."""

    def decorate(thing):
        if "_tf_deprecated_api_names" in getattr(thing, "__dict__", {}):
            raise DeprecatedNamesAlreadySetError(f"Cannot set deprecated names for {thing.__name__} to {args}. Deprecated names are already set to {thing._tf_deprecated_api_names}.")
        thing._tf_deprecated_api_names = args
        return thing

    return decorate


class DeprecatedNamesAlreadySetError(Exception):
    """`deprecated_endpoints` was used twice on one thing."""


def deprecated_argument_lookup(new_name, new_value, old_name, old_value):
    """The value of an argument that has an old and a new name; ValueError when both are given."""
    if old_value is not None:
        if new_value is not None:
            raise ValueError(f"Cannot specify both '{old_name}' and '{new_name}'.")
        return old_value
    return new_value


class silence:
    """A context in which nothing is said about deprecation."""

    def __enter__(self):
        self.before = messages.get_verbosity()
        messages.set_verbosity(messages.ERROR)

    def __exit__(self, *_):
        messages.set_verbosity(self.before)
