"""`arg_scope`: default arguments for the functions that are called inside it."""

import contextlib
import functools
import inspect
from typing import Any

from penstock.contrib.names import contrib

_STACK: list[dict[Any, dict[str, Any]]] = [{}]
_DECORATED: dict[Any, tuple[str, ...]] = {}


def _key(op: Any) -> Any:
    return getattr(op, "_key_op", str(op))


def _with_defaults(func: Any) -> tuple[str, ...]:
    """The names of the keyword arguments of a function that have a default."""
    return tuple(p.name for p in inspect.signature(func).parameters.values() if p.default is not p.empty)


@contrib("framework.current_arg_scope", "slim.current_arg_scope")
def current_arg_scope() -> dict[Any, dict[str, Any]]:
    """The arguments that the scopes around give, as a dict of function key -> its arguments."""
    return _STACK[-1]


@contrib("framework.has_arg_scope", "slim.has_arg_scope")
def has_arg_scope(func: Any) -> bool:
    """Was the function decorated with `add_arg_scope`?"""
    return _key(func) in _DECORATED


@contrib("framework.arg_scoped_arguments", "slim.arg_scoped_arguments")
def arg_scoped_arguments(func: Any) -> tuple[str, ...]:
    """The arguments of a decorated function that `arg_scope` may set."""
    assert has_arg_scope(func)
    return _DECORATED[_key(func)]


@contrib("framework.add_arg_scope", "slim.add_arg_scope")
def add_arg_scope(func: Any) -> Any:
    """Decorator: `arg_scope` may set the default arguments of this function."""

    @functools.wraps(func)
    def func_with_args(*args: Any, **kwargs: Any) -> Any:
        given = _STACK[-1].get(key)
        return func(*args, **(given | kwargs if given else kwargs))

    key = _key(func)
    _DECORATED[key] = _with_defaults(func)
    func_with_args._key_op = key  # type: ignore[attr-defined]
    return func_with_args


@contrib("framework.arg_scope", "slim.arg_scope")
@contextlib.contextmanager
def arg_scope(list_ops_or_scope: Any, **kwargs: Any) -> Any:
    """Give the listed functions default arguments inside the `with` block, or take up a scope that was kept."""
    if isinstance(list_ops_or_scope, dict):
        if kwargs:
            raise ValueError("When attempting to re-use a scope by suppling a dictionary, kwargs must be empty.")
        scope = list_ops_or_scope.copy()
    else:
        if not isinstance(list_ops_or_scope, (list, tuple)):
            raise TypeError("list_ops_or_scope must either be a list/tuple or reused scope (i.e. dict)")
        scope = current_arg_scope().copy()
        for op in list_ops_or_scope:
            if not has_arg_scope(op):
                name = getattr(op, "__name__", op)
                raise ValueError(f"{(getattr(op, '__module__', ''), name)} is not decorated with @add_arg_scope")
            scope[_key(op)] = {**scope.get(_key(op), {}), **kwargs}
    _STACK.append(scope)
    try:
        yield scope
    finally:
        _STACK.pop()


@contrib("framework.python.ops.arg_scope.arg_scope_func_key", "framework.arg_scope_func_key")
def arg_scope_func_key(op: Any) -> Any:
    """The key of a function in an arg scope."""
    return _key(op)
