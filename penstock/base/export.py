"""`@export("matmul", "linalg.matmul")`: the only way a public name comes to be."""

import functools
import inspect
from collections.abc import Callable, Iterable
from types import FunctionType
from typing import Any, TypeVar

PUBLIC: dict[str, str] = {}
"""Public name -> "module:attribute path"; names of the 1.x API stand under `compat.v1.`."""

V1 = "compat.v1."
T = TypeVar("T")


class Old:
    """The 1.x parameter list of a function whose 2.x form is the one written down.

    `Old("x, axis=None, keep_dims=None", keep_dims="keepdims")`: the keywords say which new parameter an old one
    stands for.  A deprecated spelling that was left at None is not passed on.
    """

    def __init__(self, parameters: str, **renamed: str):
        self.parameters, self.renamed = parameters, renamed

    def wrap(self, new: Callable[..., Any]) -> Callable[..., Any]:
        signature = inspect.signature(eval(f"lambda {self.parameters}: None", {}))  # noqa: S307 - our own literal
        known = inspect.signature(new).parameters
        order = list(signature.parameters)
        required = [p.name for p in signature.parameters.values() if p.default is p.empty]
        defaults = {p.name: p.default for p in signature.parameters.values() if p.default is not p.empty}
        renamed = self.renamed
        name = new.__name__

        @functools.wraps(new)
        def old(*args: Any, **kwargs: Any) -> Any:
            if len(args) > len(order):
                raise TypeError(f"{name}() takes at most {len(order)} positional arguments, got {len(args)}")
            given = dict(zip(order, args))
            for key, value in kwargs.items():
                if key not in signature.parameters:
                    raise TypeError(f"{name}() got an unexpected keyword argument {key!r}")
                if key in given:
                    raise TypeError(f"{name}() got multiple values for argument {key!r}")
                given[key] = value
            for key in required:
                if key not in given and renamed.get(key, key) not in (renamed.get(k, k) for k in given):
                    raise TypeError(f"{name}() missing 1 required positional argument: {key!r}")
            passed: dict[str, Any] = {}
            for key in order:
                value = given.get(key, defaults.get(key))
                target = renamed.get(key, key)
                if target not in known or (target != key and value is None):
                    continue
                if target != key and key in given and target in given and given[target] is not None:
                    raise ValueError(f"Cannot specify both {key!r} and {target!r}")
                if value is None and key not in given and known[target].default not in (None, inspect.Parameter.empty):
                    continue  # an old default of None means the new default
                if target != key or target not in passed:
                    passed[target] = value
            return new(**passed)

        old.__signature__ = signature  # type: ignore[attr-defined]
        old.__qualname__ = f"{new.__qualname__}.v1"
        return old


def register(target: str, names: Iterable[str], v1: Iterable[str] | str, v2: Iterable[str] | str, old: str = "") -> None:
    as_tuple = lambda n: (n,) if isinstance(n, str) else tuple(n)
    for n in (*names, *as_tuple(v2)):
        PUBLIC[n] = target
    for n in (*names, *as_tuple(v1)):
        PUBLIC[V1 + n] = old or target


def _bare(function: FunctionType) -> None:
    """Public functions show their parameters without annotations, as TensorFlow's do: programs compare argspecs."""
    function.__annotations__ = {}
    inner = getattr(function, "__wrapped__", None)
    if isinstance(inner, FunctionType):
        _bare(inner)
        if "__signature__" not in function.__dict__:
            function.__signature__ = inspect.signature(inner)  # type: ignore[attr-defined]


def export(*names: str, v1: Iterable[str] | str = (), v2: Iterable[str] | str = (), old: Old | None = None) -> Callable[[T], T]:
    """Give the decorated function or class its public names; see the module's docstring."""

    def mark(thing: T) -> T:
        path = f"{thing.__module__}:{thing.__qualname__}"  # type: ignore[attr-defined]
        if isinstance(thing, FunctionType):
            _bare(thing)
        if old is not None:
            thing.v1 = old.wrap(thing)  # type: ignore[attr-defined, arg-type]
        register(path, names, v1, v2, f"{path}.v1" if old else "")
        return thing

    return mark


def export_constant(*names: str, module: str, attr: str, v1: Iterable[str] | str = (), v2: Iterable[str] | str = ()) -> None:
    """Give a module-level value that is neither function nor class its public names."""
    register(f"{module}:{attr}", names, v1, v2)
