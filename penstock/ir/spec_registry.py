"""`tensorflow.python.framework.type_spec_registry`: TypeSpec classes by the name they have in files."""

import re
from collections.abc import Callable
from typing import Any, TypeVar

_NAME_TO_TYPE_SPEC: dict[str, type] = {}
_TYPE_SPEC_TO_NAME: dict[type, str] = {}
C = TypeVar("C", bound=type)
_NAME = re.compile(r"^(\w+\.)+\w+$")


def register(name: str) -> Callable[[C], C]:
    """Decorator: give a TypeSpec class the name `project.Class`; TypeError or ValueError for what cannot have one."""
    if not isinstance(name, str):
        raise TypeError(f"Expected `name` to be a string; got {name!r}")
    if not _NAME.match(name):
        raise ValueError("Registered name must have the form '{project_name}.{type_name}' (e.g. 'my_project.MyTypeSpec'); got %r." % name)

    def decorator(cls: C) -> C:
        from penstock.ir.type_spec import TypeSpec

        given: Any = cls
        if not (isinstance(given, type) and issubclass(given, TypeSpec)):
            raise TypeError(f"Expected `cls` to be a TypeSpec; got {cls!r}")
        if cls in _TYPE_SPEC_TO_NAME:
            raise ValueError(f"Class {cls.__module__}.{cls.__name__} has already been registered with name {_TYPE_SPEC_TO_NAME[cls]}.")
        if name in _NAME_TO_TYPE_SPEC:
            raise ValueError(f"Name {name} has already been registered for class {_NAME_TO_TYPE_SPEC[name].__module__}.{_NAME_TO_TYPE_SPEC[name].__name__}.")
        _NAME_TO_TYPE_SPEC[name], _TYPE_SPEC_TO_NAME[cls] = cls, name
        return cls

    return decorator


def get_name(cls: Any) -> str:
    """The name of a registered class; ValueError for another."""
    if cls not in _TYPE_SPEC_TO_NAME:
        raise ValueError(f"TypeSpec {cls.__module__}.{cls.__name__} has not been registered.")
    return _TYPE_SPEC_TO_NAME[cls]


def lookup(name: str) -> type:
    """The class of a name; ValueError for one that nobody registered."""
    if name not in _NAME_TO_TYPE_SPEC:
        raise ValueError(f"No TypeSpec has been registered with name {name!r}")
    return _NAME_TO_TYPE_SPEC[name]
