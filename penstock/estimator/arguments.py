"""Which arguments a user's function takes, so that only those are passed."""

import functools
import inspect
from typing import Any


def fn_args(fn: Any) -> tuple[str, ...]:
    """The names of the parameters that a call may still give: without `self` and without what `partial` has bound."""
    if isinstance(fn, functools.partial):
        left = fn_args(fn.func)[len(fn.args) :]
        return tuple(a for a in left if a not in fn.keywords)
    if not inspect.isfunction(fn) and not inspect.ismethod(fn) and callable(fn) and hasattr(fn, "__call__"):  # noqa: B004 - its signature is wanted
        call = fn.__call__
        if inspect.ismethod(call):
            fn = call
    fn = inspect.unwrap(fn)
    spec = inspect.getfullargspec(fn)
    names = spec.args[1:] if inspect.ismethod(fn) and spec.args else spec.args
    return (*names, *spec.kwonlyargs)


def has_kwargs(fn: Any) -> bool:
    """Does it take any keyword?"""
    fn = fn.func if isinstance(fn, functools.partial) else fn
    return inspect.getfullargspec(inspect.unwrap(fn)).varkw is not None
